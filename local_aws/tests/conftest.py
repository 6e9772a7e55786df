"""One local AWS for its own tests."""

from collections.abc import Iterator

import pytest

from local_aws import LocalAws
from local_aws.tests.lab import Lab


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
