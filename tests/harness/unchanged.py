"""Leaves a folder of tests out while what they test is as it was when all of them last passed.

The proof is a stamp: a digest of all that they depend on. It is written only at the end of a run
that nothing narrowed, in which every test of the folder was collected, run and passed. The first
failure of any of them removes it, however little was run.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

_LEFT_OUT = "tests_left_out"
# The options of a run that takes every test to its end. With any other one, nothing is proven.
_HARMLESS = re.compile(
    r"-n|\d+|-[qv]+|--no-loadscope-reorder|--durations=\d+|--local-aws|--versions|--cov"
)


def digest(root: Path, watched: Iterable[str]) -> str:
    """One hexadecimal number for this Python and the content of files and folders."""
    found = hashlib.sha256(f"{sys.version} {sys.platform}".encode())
    for name in watched:
        place = root / name
        paths = sorted(place.rglob("*")) if place.is_dir() else [place]
        for path in (path for path in paths if path.is_file() and path.suffix != ".pyc"):
            content = path.read_bytes()
            found.update(f"\n{path.relative_to(root).as_posix()} {len(content)}\n".encode())
            found.update(content)
    return found.hexdigest()


class Unchanged:
    """A plugin for pytest.

    Args:
        config: The run's configuration, with the option ``--local-aws``.
        tests: The folder of tests, seen from pytest's root.
        watched: The files and folders they depend on, seen from there; the tests are among them.
        stamp: The file that holds the proof.
    """

    def __init__(
        self, config: pytest.Config, tests: str, watched: Sequence[str], stamp: Path
    ) -> None:
        self._config, self._tests, self._watched, self._stamp = config, tests, watched, stamp
        self._digest = digest(config.rootpath, watched)
        self._collected: set[str] = set()
        self._passed: set[str] = set()
        self._proven = True
        self._left_out = self._is_to_be_left_out()

    def _is_to_be_left_out(self) -> bool:
        if self._is_worker:  # the controller has decided
            return bool(getattr(self._config, "workerinput", {}).get(_LEFT_OUT))
        asked = self._config.getoption("--local-aws") or os.environ.get("CI")
        return not asked and not self._names_paths and self._stamped() == self._digest

    @property
    def _is_worker(self) -> bool:
        return hasattr(self._config, "workerinput")

    @property
    def _names_paths(self) -> bool:
        return self._config.args_source is not pytest.Config.ArgsSource.TESTPATHS

    @property
    def _is_narrowed(self) -> bool:
        arguments = self._config.invocation_params.args
        harmless = all(_HARMLESS.fullmatch(str(each)) for each in arguments)
        return not harmless or bool(os.environ.get("PYTEST_ADDOPTS"))

    def _stamped(self) -> str:
        try:
            return self._stamp.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def _is_ours(self, nodeid: str) -> bool:
        return nodeid.startswith(f"{self._tests}/")

    # --- what pytest calls -----------------------------------------------------------------------

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leaves the folder out."""
        folder = self._config.rootpath / self._tests
        return True if self._left_out and collection_path.is_relative_to(folder) else None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tells a worker of pytest-xdist what was decided."""
        node.workerinput[_LEFT_OUT] = self._left_out

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Hears what a worker collected."""
        self._collected.update(filter(self._is_ours, ids))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Hears what was collected, without workers."""
        self._collected.update(item.nodeid for item in session.items if self._is_ours(item.nodeid))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Hears of a file that could not be collected; its tests are in no list."""
        if report.failed:
            self._refute()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hears of the outcome of one phase of a test."""
        if self._is_ours(report.nodeid):
            if not report.passed:  # a test that was skipped proves nothing
                self._refute()
            elif report.when == "call":
                self._passed.add(report.nodeid)

    def _refute(self) -> None:
        self._proven = False
        if not self._is_worker:
            self._stamp.unlink(missing_ok=True)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Writes the stamp, if all was proven."""
        came_to_its_end = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if (
            not self._is_worker
            and self._proven
            and came_to_its_end
            and not self._is_narrowed
            and self._passed == self._collected != set()
            and digest(self._config.rootpath, self._watched) == self._digest
        ):
            self._stamp.parent.mkdir(parents=True, exist_ok=True)
            self._stamp.write_text(self._digest, encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Says what was left out."""
        if self._left_out:
            terminalreporter.write_line(
                f"Left out: {self._tests}, which all passed on the very same files. To run them: "
                "make test ARGS=--local-aws"
            )
