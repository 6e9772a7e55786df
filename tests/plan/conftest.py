from collections.abc import Callable

import pytest

from harness.plan import Plan
from plan.installations import CASES, CUSTOM, DEFAULT, Case, Installation


@pytest.fixture(scope="session")
def install(everything_planned: Plan) -> Callable[[Case], Installation]:
    """What the plan says of a case."""
    installations = {case.name: Installation(case, everything_planned) for case in CASES}
    return lambda case: installations[case.name]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def each(request: pytest.FixtureRequest, install: Callable[[Case], Installation]) -> Installation:
    """Every case, one after the other."""
    return install(request.param)


@pytest.fixture(params=[DEFAULT, CUSTOM], ids=lambda case: case.name)
def it(request: pytest.FixtureRequest, install: Callable[[Case], Installation]) -> Installation:
    """The case with no argument and the one with all of them, for what no region has a say in."""
    return install(request.param)


@pytest.fixture
def default(install: Callable[[Case], Installation]) -> Installation:
    """The case with no argument."""
    return install(DEFAULT)


@pytest.fixture
def custom(install: Callable[[Case], Installation]) -> Installation:
    """The case with every argument."""
    return install(CUSTOM)
