"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from harness.toolchain import REPO, Toolchain, ToolchainError

# How long an example takes says more about the machine than about the code.
settings.register_profile("s3-dr", deadline=None)
settings.load_profile("s3-dr")

_LADDER = ("unit", "functional", "plan", "compliance", "e2e")


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the quick tests first: a wrong line is told before Terraform is started."""

    def rung(item: pytest.Item) -> int:
        folder = item.path.relative_to(REPO / "tests").parts[0]
        return _LADDER.index(folder) if folder in _LADDER else len(_LADDER)

    items.sort(key=rung)
