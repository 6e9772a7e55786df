"""Fixtures of the end-to-end tests: the examples, applied by Terraform on a local AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.examples import FOLDERS, ROOTS, Example, in_threads
from harness.deployment import Deployment
from harness.toolchain import Toolchain
from local_aws import LocalAws

# Files that look at what all others asked for, or take away what all others use.
_LAST = ("test_upgrade", "test_leaving", "test_permissions", "test_examples")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts those files last, in this order."""
    items.sort(key=lambda item: _LAST.index(item.path.stem) + 1 if item.path.stem in _LAST else 0)


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """One local AWS for the session; deployments have accounts of their own in it."""
    with LocalAws(quiet=True) as server:
        yield server


@pytest.fixture(scope="session")
def examples(
    request: pytest.FixtureRequest, local_aws: LocalAws, terraform_cli: Toolchain
) -> Iterator[dict[str, Example]]:
    """The examples that tests of this session use, each applied once, all at the same time."""
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    if "example" in asked:  # whichever there are
        asked |= FOLDERS.keys()
    names = [name for name in ROOTS if name in asked]
    every = {name: Example(name, local_aws, terraform_cli) for name in names}
    try:
        for applied in in_threads(Example.apply, every.values()).values():
            applied.result()
        yield every
    finally:
        left = in_threads(Example.leave, every.values())
    for each in left.values():
        each.result()


@pytest.fixture(scope="session")
def basic(examples: dict[str, Example]) -> Example:
    return examples["basic"]


@pytest.fixture(scope="session")
def complete(examples: dict[str, Example]) -> Example:
    return examples["complete"]


@pytest.fixture(scope="session")
def cross_account(examples: dict[str, Example]) -> Example:
    return examples["cross_account"]


@pytest.fixture(scope="session")
def everything(examples: dict[str, Example]) -> Example:
    return examples["everything"]


@pytest.fixture(scope="session")
def kms(examples: dict[str, Example]) -> Example:
    return examples["kms"]


@pytest.fixture(scope="session")
def named(examples: dict[str, Example]) -> Example:
    return examples["named"]


@pytest.fixture(scope="session")
def object_lock(examples: dict[str, Example]) -> Example:
    return examples["object_lock"]


@pytest.fixture(scope="session")
def stack(basic: Example) -> Deployment:
    """``examples/basic``; every test uses buckets of its own."""
    return basic.stack
