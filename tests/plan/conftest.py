import os
from collections.abc import Callable

import pytest

from harness.plan import Plan
from harness.toolchain import OTHERS, Toolchain, ToolchainError, brought
from plan.installations import CASES, CUSTOM, DEFAULT, Case, Installation

OWN = "own"
# Each Terraform that a plan is made with: the one of all other tests, and those that only CI takes.
TERRAFORMS = [OWN, *(pytest.param(each, marks=pytest.mark.versions) for each in OTHERS)]


@pytest.fixture(scope="session", params=TERRAFORMS)
def terraform(
    request: pytest.FixtureRequest,
    terraform_cli: Toolchain,
    tmp_path_factory: pytest.TempPathFactory,
) -> Toolchain:
    """Each Terraform, one after the other."""
    if request.param == OWN:
        return terraform_cli
    program = brought(request.param)
    try:
        tools = Toolchain.find(
            tmp_path_factory.mktemp("terraform"),
            {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"},
        )
    except ToolchainError as error:
        pytest.fail(str(error), pytrace=False)
    if tools.binary != program:
        pytest.fail("run `python scripts/setup.py terraforms` first", pytrace=False)
    return tools


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
