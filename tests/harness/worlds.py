"""Tests in either world of the local AWS, on one server.

A world outlives a test, so each test says in which it runs: in that of ``either_world`` where it
asks for this fixture, else in the usual one. What a fixture of a module makes, it makes in the
world of the first test that asks for it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from local_aws import LocalAws

FIXTURE = "either_world"


def world_of(request: pytest.FixtureRequest) -> str:
    """The world in which a test runs."""
    if FIXTURE in request.fixturenames:
        return str(request.getfixturevalue(FIXTURE))
    return str(request.config.getoption("--world"))


def live_in(local_aws: LocalAws, world: str, before: Callable[[], object] = lambda: None) -> None:
    """Lets a world hold, unless it does already; ``before`` ends what began in the other one."""
    if local_aws.world != world:
        before()
        local_aws.choose(world)
