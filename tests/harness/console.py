"""Where the demo and the benchmarks print."""

from __future__ import annotations

from typing import Any

from rich.console import Console

_UNLIMITED = 10_000  # columns: what a file or a program gets is not cut


def make_console(**options: Any) -> Console:
    """A console as wide as its terminal; without one, as wide as what is printed."""
    found = Console(**options)
    return found if found.file.isatty() else Console(width=_UNLIMITED, **options)
