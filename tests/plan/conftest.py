from collections.abc import Callable, Iterator

import pytest

from harness.plan import Plan
from harness.sts import sts_stub
from harness.terraform import Root
from harness.toolchain import REPO, Toolchain
from plan.installations import CASES, CUSTOM, DEFAULT, Case, Installation, root_text


@pytest.fixture(scope="session")
def many(terraform_cli: Toolchain) -> Plan:
    """The one plan of every case."""
    with sts_stub() as env, Root(root_text(CASES), tools=terraform_cli, env=env) as root:
        root.init()
        return root.plan()


@pytest.fixture(scope="session")
def install(many: Plan) -> Callable[[Case], Installation]:
    """What the plan says of a case."""
    installations = {case.name: Installation(case, many) for case in CASES}
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


@pytest.fixture(scope="session")
def basic(terraform_cli: Toolchain) -> Iterator[Callable[..., Plan]]:
    """Plans examples/basic itself, with variables."""
    example = REPO / "examples" / "basic"
    with sts_stub() as env, Root(example, tools=terraform_cli, env=env) as root:
        root.init()
        yield root.plan
