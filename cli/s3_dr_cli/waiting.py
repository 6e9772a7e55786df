"""Looking again and again."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic, sleep


def rounds(first: float, longest: float, timeout: float | None = None) -> Iterator[None]:
    """Wait before each round, each time half as long again; ends when the time is over.

    Args:
        first: seconds before the first round.
        longest: seconds before a round at most.
        timeout: seconds in all; None never ends.
    """
    deadline = None if timeout is None else monotonic() + timeout
    delay = first
    while deadline is None or monotonic() < deadline:
        left = delay if deadline is None else min(delay, max(deadline - monotonic(), 0))
        sleep(left)
        yield
        delay = min(delay * 1.5, longest)
