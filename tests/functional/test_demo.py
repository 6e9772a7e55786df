"""``make local`` ends whatever it started, whichever way it is ended itself.

Terraform is replaced by a program that hangs in ``init``: what runs then is all that ever runs but
the functions' workers, which have a test in ``local_aws/tests/test_server.py``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")

TERRAFORM = """\
#!/bin/sh
[ "$1" = version ] && echo '{"terraform_version": "1.9.0"}' && exit
sleep 600
"""


class Started:
    """``make local`` with all that it has started, which has a temporary folder of its own."""

    def __init__(self, repo: Path, folder: Path) -> None:
        self._folder = folder / "temporary"
        self._folder.mkdir()
        terraform = folder / "terraform"
        terraform.write_text(TERRAFORM)
        terraform.chmod(0o755)
        self._output = folder / "output"
        with self._output.open("wb") as output:
            self.make = subprocess.Popen(
                ["make", "local", "SETUP=:", f"BIN={Path(sys.executable).parent}", "PORT=0"],
                cwd=repo,
                env={
                    "PATH": f"{folder}:{os.environ['PATH']}",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "TMPDIR": str(self._folder),
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def alive(self) -> dict[int, str]:
        """The command lines of its processes."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if str(self._folder).encode() in (folder / "environ").read_bytes():
                    line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if line:  # a zombie has none
                        found[int(folder.name)] = line
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
        return found

    def number(self, part: str) -> int:
        """The one process with that in its command line."""
        (number,) = [number for number, line in self.alive().items() if part in line]
        return number

    def is_up(self) -> bool:
        lines = " ".join(self.alive().values())
        return "local_aws --port" in lines and "sleep 600" in lines

    def told(self) -> str:
        return self._output.read_text()


@pytest.fixture
def started(repo: Path, tmp_path: Path) -> Iterator[Started]:
    one = Started(repo, tmp_path)
    try:
        assert eventually(one.is_up), f"it never came up: {one.told()}"
        yield one
    finally:
        for number in one.alive():
            os.kill(number, signal.SIGKILL)
        one.make.wait()


def eventually(happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(0.1)
    return False


WAYS: dict[str, Callable[[Started], None]] = {
    "Ctrl-C": lambda one: os.killpg(one.make.pid, signal.SIGINT),
    "make is terminated": lambda one: one.make.terminate(),
    "make is killed": lambda one: one.make.kill(),
    "the demo is killed": lambda one: os.kill(one.number("-m scripts.demo"), signal.SIGKILL),
}


@pytest.mark.parametrize("way", WAYS)
def test_all_ends_with_it(started: Started, way: str) -> None:
    WAYS[way](started)
    started.make.wait(30)
    assert eventually(lambda: not started.alive()), f"left: {started.alive()}"
