"""Fixtures of the end-to-end tests: the module, applied by Terraform on a local AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.deployment import Deployment
from harness.terraform import Root
from harness.toolchain import REPO, Toolchain
from local_aws import LocalAws

ACCOUNT = "111122223333"


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """One local AWS for the session; deployments have accounts of their own in it."""
    with LocalAws(quiet=True) as server:
        yield server


@pytest.fixture(scope="session")
def stack(local_aws: LocalAws, terraform_cli: Toolchain) -> Iterator[Deployment]:
    """``examples/basic``, applied once; every test uses buckets of its own."""
    environment = local_aws.environment(account=ACCOUNT)
    with Root(REPO / "examples/basic", tools=terraform_cli, env=environment) as root:
        root.init()
        root.apply()
        yield Deployment(local_aws, root, ACCOUNT)
