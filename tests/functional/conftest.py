"""Fixtures of the functional tests: one local AWS, and what holds for all calls."""

from collections.abc import Iterator

import pytest

from functional import owners
from harness.worlds import live_in, world_of
from local_aws import LocalAws
from local_aws.open_points import WORLDS
from local_aws.tests.lab import lab, running

__all__ = ["lab"]

owners.listen()


@pytest.fixture(scope="session")
def local_aws(request: pytest.FixtureRequest) -> Iterator[LocalAws]:
    """One local AWS for the session, in the world of ``--world``."""
    with running(request.config.getoption("--world")) as server:
        yield server


@pytest.fixture(scope="module", params=WORLDS)
def either_world(request: pytest.FixtureRequest, local_aws: LocalAws) -> str:
    """Has a test run in each world, one after the other, on the same local AWS."""
    world: str = request.param
    live_in(local_aws, world)
    return world


@pytest.fixture(autouse=True)
def in_its_world(request: pytest.FixtureRequest) -> None:
    """Has each test run in its world, whichever the one before was in."""
    if "local_aws" in request.fixturenames:
        live_in(request.getfixturevalue("local_aws"), world_of(request))


@pytest.fixture(autouse=True)
def every_call_names_an_owner() -> Iterator[None]:
    """Fail the test in which a function called S3 and named no owner of the bucket."""
    owners.unowned.clear()
    yield
    if owners.unowned:
        pytest.fail("; ".join(sorted(set(owners.unowned))), pytrace=False)
