"""What ``pip install .`` installs: the operators' tool, and nothing else of the repository."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import s3_dr_cli


@pytest.fixture(scope="module")
def wheel(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder))
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", *options]
    run = subprocess.run([*command, str(repo)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_has_the_tool_s_files_only(repo: Path, wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    sources = (repo / "cli" / "s3_dr_cli").iterdir()
    assert names == {f"s3_dr_cli/{path.name}" for path in sources if path.is_file()}
    assert any(name.endswith("/LICENSE") for name in wheel.namelist())


def test_the_wheel_asks_for_three_packages_and_gives_one_command(wheel: zipfile.ZipFile) -> None:
    info = f"s3_dr-{s3_dr_cli.__version__}.dist-info"
    metadata = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
    commands = wheel.read(f"{info}/entry_points.txt").decode()

    needed = sorted(line.partition(">")[0] for line in metadata.get_all("Requires-Dist") or [])
    assert needed == ["boto3", "click", "rich"]
    assert commands.split("\n")[:2] == ["[console_scripts]", "s3-dr = s3_dr_cli.__main__:run"]


def test_building_leaves_nothing_in_the_repository(repo: Path, wheel: zipfile.ZipFile) -> None:
    assert not [name for name in ("build", "dist", "s3_dr.egg-info") if (repo / name).exists()]
