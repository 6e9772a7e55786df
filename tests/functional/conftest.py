"""Fixtures of the functional tests: one local AWS, and what holds for all calls."""

from collections.abc import Iterator

import pytest

from functional import owners
from functional.sentences import pytest_runtest_makereport
from local_aws import LocalAws
from local_aws.tests.lab import Lab

__all__ = ["pytest_runtest_makereport"]

owners.listen()


@pytest.fixture(autouse=True)
def every_call_names_an_owner() -> Iterator[None]:
    """Fail the test in which a function called S3 and named no owner of the bucket."""
    owners.unowned.clear()
    yield
    if owners.unowned:
        pytest.fail("; ".join(sorted(set(owners.unowned))), pytrace=False)


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """One local AWS for the session; every test uses names of its own."""
    with LocalAws() as server:
        yield server
        errors = server.errors()
    assert not errors, f"The local AWS failed inside: {errors}"


@pytest.fixture(scope="session")
def lab(local_aws: LocalAws) -> Lab:
    """The local AWS with what its own tests do over and over."""
    return Lab(local_aws)
