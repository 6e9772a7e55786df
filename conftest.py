"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from e2e.groups import is_in_two_accounts
from harness.plan import Plan
from harness.toolchain import OTHERS, REPO, Toolchain, ToolchainError
from harness.unchanged import Unchanged
from local_aws.open_points import WORLDS
from plan.root import plan_everything

# How long an example takes says more about the machine than about the code.
settings.register_profile("s3-dr", deadline=None)
settings.load_profile("s3-dr")

_LADDER = ("unit", "local_aws", "functional", "plan", "compliance", "e2e")
# In several processes, what takes longest comes first. Installations are mostly waited for, and
# plans are not: so one process plans while the others apply.
_QUEUE = (
    "e2e",
    "plan",
    "compliance",
    "e2e, two accounts",
    *OTHERS,
    "functional",
    "local_aws",
    "unit",
)
# Folders whose tests share something costly, by what that is: one big plan, applied examples.
_TOGETHER = {
    "plan": "plan",
    "compliance": "plan",
    "e2e": "e2e",
    "e2e, two accounts": "e2e, two accounts",
    **{version: version for version in OTHERS},
}
# What the tests of the local AWS depend on.
_LOCAL_AWS = (
    "conftest.py",
    "local_aws",
    "pyproject.toml",
    "requirements/dev.txt",
    "tests/harness/toolchain.py",
    "tests/harness/unchanged.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--local-aws",
        action="store_true",
        help="run the tests of the local AWS, although nothing changed since they all passed",
    )
    parser.addoption(
        "--versions",
        action="store_true",
        help="run what CI runs under other versions of Terraform",
    )

    parser.addoption(
        "--world",
        choices=WORLDS,
        default=WORLDS[0],
        help="in which world of the local AWS tests run that are not run in both",
    )


def pytest_configure(config: pytest.Config) -> None:
    stamp = REPO / ".cache" / "local_aws_passed"
    config.pluginmanager.register(Unchanged(config, "local_aws/tests", _LOCAL_AWS, stamp))


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the repository."""
    return REPO


@pytest.fixture(scope="session")
def terraform_cli(tmp_path_factory: pytest.TempPathFactory) -> Toolchain:
    """The Terraform to give to a ``Root``."""
    try:
        return Toolchain.find(tmp_path_factory.mktemp("terraform"))
    except ToolchainError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def everything_planned(terraform_cli: Toolchain) -> Plan:
    """The one plan of all installations, which tests of plans and of compliance share."""
    return plan_everything(terraform_cli)


@pytest.fixture(scope="session", autouse=True)
def no_real_account() -> Iterator[None]:
    """Keeps boto3 from the credentials, profiles and settings of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Says which tests are run by one process, where there are several: those of one file.

    What shares something costly stays together too.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByCost(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return _TOGETHER.get(_place(nodeid), nodeid.partition("::")[0])

    return ByCost(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what only CI runs, and puts the tests in order.

    One after the other, the quick tests come first: a wrong line is told before Terraform is
    started.
    """
    if not (config.getoption("--versions") or os.environ.get("CI")):
        left_out = [item for item in items if item.get_closest_marker("versions")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if _is_in_several_processes(config):
        items.sort(key=lambda item: _QUEUE.index(_place(item.nodeid)))
    else:
        items.sort(key=lambda item: _LADDER.index(_folder(item.nodeid)))


def _is_in_several_processes(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _place(nodeid: str) -> str:
    for version in OTHERS:
        if f"[{version}" in nodeid:
            return version
    folder = _folder(nodeid)
    return "e2e, two accounts" if folder == "e2e" and is_in_two_accounts(nodeid) else folder


def _folder(nodeid: str) -> str:
    return nodeid.removeprefix("tests/").partition("/")[0]
