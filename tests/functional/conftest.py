"""Fixtures of the functional tests: one local AWS, and what holds for all calls."""

from collections.abc import Iterator

import pytest

from functional import owners
from local_aws.tests.lab import lab, local_aws

__all__ = ["lab", "local_aws"]

owners.listen()


@pytest.fixture(autouse=True)
def every_call_names_an_owner() -> Iterator[None]:
    """Fail the test in which a function called S3 and named no owner of the bucket."""
    owners.unowned.clear()
    yield
    if owners.unowned:
        pytest.fail("; ".join(sorted(set(owners.unowned))), pytrace=False)
