"""Ends what a process started when that process is gone, however it went: by SIGKILL, too.

A process of its own, the guard, is told of every process group that is to end with us. It holds one
end of a pipe; when the other end closes, we are gone, and it kills the groups that are left.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any

_lock = threading.Lock()
_guard: subprocess.Popen[str] | None = None


# The group tells the guard of itself before it does anything else: we may be killed at any moment.
_TOLD = '(trap "" PIPE; echo "+$$" >&0) 2>/dev/null; exec "$@" </dev/null'


@contextmanager
def guarded(line: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Runs a command in a process group of its own, which ends with this process.

    Args:
        line: The command, with the whole path of its program.
        **options: For ``subprocess.Popen``; the command's standard input is empty.
    """
    pipe = _pipe()
    shell = ["/bin/sh", "-c", _TOLD, "sh", *line]
    with subprocess.Popen(
        shell, stdin=pipe, encoding="utf-8", start_new_session=True, **options
    ) as process:
        try:
            yield process
        finally:
            with suppress(BrokenPipeError):  # somebody killed the guard
                os.write(pipe.fileno(), f"-{process.pid}\n".encode())


def _pipe() -> IO[str]:
    global _guard
    with _lock:
        _guard = _guard or _start()
    assert _guard.stdin is not None
    return _guard.stdin


def _start() -> subprocess.Popen[str]:
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # what ends our group or our terminal does not end the guard
    )
    atexit.register(_stop, guard)
    return guard


def _stop(guard: subprocess.Popen[str]) -> None:
    assert guard.stdin is not None
    with suppress(BrokenPipeError):
        guard.stdin.close()
    guard.wait()


def stand_guard(told: IO[str]) -> None:
    """Hears of process groups, one line each, and kills those that are left at the end."""
    groups: set[int] = set()
    for line in told:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    stand_guard(sys.stdin)
