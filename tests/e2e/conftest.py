"""Fixtures of the end-to-end tests: the examples, applied by Terraform on a local AWS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from e2e.examples import ROOTS, TWO_ACCOUNTS, Example, in_threads
from e2e.groups import is_in_two_accounts
from harness.deployment import PATIENCE, Deployment, wait_for
from harness.toolchain import Toolchain
from harness.worlds import live_in, world_of
from local_aws import LocalAws
from local_aws.open_points import WORLDS

Examples = dict[str, Example]

# Files that look at what all others asked for, or take away what all others use.
_LAST = ("test_upgrade", "test_leaving", "test_permissions", "test_examples")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts those files last, in this order."""
    items.sort(key=lambda item: _LAST.index(item.path.stem) + 1 if item.path.stem in _LAST else 0)


@pytest.fixture(scope="session")
def local_aws(request: pytest.FixtureRequest) -> Iterator[LocalAws]:
    """One local AWS for the session; deployments have accounts of their own in it."""
    with LocalAws(quiet=True, world=request.config.getoption("--world")) as server:
        yield server


@pytest.fixture(scope="module", params=WORLDS)
def either_world(request: pytest.FixtureRequest, local_aws: LocalAws) -> str:
    """Has a test run in each world, one after the other, on the same installations."""
    world: str = request.param
    enter(request, local_aws, world)
    return world


@pytest.fixture(autouse=True)
def in_its_world(request: pytest.FixtureRequest, local_aws: LocalAws) -> None:
    """Has each test run in its world, whichever the one before was in."""
    enter(request, local_aws, world_of(request))


def enter(request: pytest.FixtureRequest, local_aws: LocalAws, world: str) -> None:
    """Lets a world hold once all is quiet, and new buckets have other names than in the usual."""

    def settle() -> None:
        wait_for(lambda: not local_aws.busy(), PATIENCE, lambda: "the local AWS is never quiet")

    live_in(local_aws, world, settle)
    usual = request.config.getoption("--world")
    Deployment.name_end = "" if world == usual else f"-{world}"


@pytest.fixture(autouse=True)
def no_faults_left(local_aws: LocalAws) -> Iterator[None]:
    """Ends what a test had S3 refuse, should the test fail before it does so itself."""
    yield
    local_aws.faults([])


@pytest.fixture(autouse=True)
def in_the_right_process(request: pytest.FixtureRequest) -> Iterator[None]:
    """Lets no test use installations that another process applies, as its name does not say so."""
    yield
    used = {"in_one_account", "in_two_accounts"} & set(request.fixturenames)
    right = "in_two_accounts" if is_in_two_accounts(request.node.nodeid) else "in_one_account"
    assert used <= {right}, f"by its name this test may only use what is {right}: e2e/groups.py"


@pytest.fixture(scope="session")
def in_one_account(
    request: pytest.FixtureRequest, local_aws: LocalAws, terraform_cli: Toolchain
) -> Iterator[Examples]:
    """The examples in one account that tests of this session use."""
    names = [name for name in ROOTS if name not in TWO_ACCOUNTS and name in asked(request)]
    with applied(Example(name, local_aws, terraform_cli) for name in names) as examples:
        yield examples


@pytest.fixture(scope="session")
def in_two_accounts(
    request: pytest.FixtureRequest, local_aws: LocalAws, terraform_cli: Toolchain
) -> Iterator[Examples]:
    """The examples in two accounts that tests of this session use."""
    names = [name for name in TWO_ACCOUNTS if name in asked(request)]
    with applied(Example(name, local_aws, terraform_cli) for name in names) as examples:
        yield examples


def asked(request: pytest.FixtureRequest) -> set[str]:
    """The names of the fixtures that tests of this session use, by themselves or as parameters."""
    found: set[str] = set()
    for item in request.session.items:
        found.update(getattr(item, "fixturenames", ()))
        if call := getattr(item, "callspec", None):
            found.update(value for value in call.params.values() if isinstance(value, str))
    return found


@contextmanager
def applied(examples: Iterable[Example]) -> Iterator[Examples]:
    """Has each applied once, all at the same time; what no test destroys goes with the server."""
    every = {example.name: example for example in examples}
    try:
        for future in in_threads(Example.apply, every.values()).values():
            future.result()
        for example in every.values():
            example.stack.settle()  # each apply has asked for a sweep
        yield every
    finally:
        for example in every.values():
            example.root.discard()


@pytest.fixture(scope="session")
def basic(in_one_account: Examples) -> Example:
    return in_one_account["basic"]


@pytest.fixture(scope="session")
def complete(in_one_account: Examples) -> Example:
    return in_one_account["complete"]


@pytest.fixture(scope="session")
def cross_account(in_two_accounts: Examples) -> Example:
    return in_two_accounts["cross_account"]


@pytest.fixture(scope="session")
def everything(in_two_accounts: Examples) -> Example:
    return in_two_accounts["everything"]


@pytest.fixture(scope="session")
def kms(in_one_account: Examples) -> Example:
    return in_one_account["kms"]


@pytest.fixture(scope="session")
def named(in_one_account: Examples) -> Example:
    return in_one_account["named"]


@pytest.fixture(scope="session")
def object_lock(in_one_account: Examples) -> Example:
    return in_one_account["object_lock"]


@pytest.fixture(scope="session")
def stack(basic: Example) -> Deployment:
    """``examples/basic``; every test uses buckets of its own."""
    return basic.stack
