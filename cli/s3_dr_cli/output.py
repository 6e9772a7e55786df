"""What is printed, and where: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

_UNLIMITED = 10_000  # columns: what a program or a file reads is not broken into lines


class Output:
    """The two streams of a command.

    Args:
        as_json: standard output gets one JSON document and nothing else.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self._out = _console()
        self._err = _console(stderr=True)

    @property
    def width(self) -> int:
        """The columns of standard output."""
        return self._out.width

    def json(self, document: object) -> None:
        """Print the result for a program: in ASCII, so that nothing in it steers a terminal."""
        self._out.file.write(json.dumps(document, indent=2) + "\n")

    def show(self, renderable: RenderableType) -> None:
        """Print a part of the result for a person."""
        self._out.print(renderable)

    def say(self, sentence: str, style: str = "") -> None:
        """Print a sentence; the text has to be plain already."""
        (self._err if self.as_json else self._out).print(Text(sentence, style))

    def say_below(self, sentence: str) -> None:
        """Print a sentence that belongs to the one above it."""
        text = Padding(Text(sentence), (0, 0, 0, 2), expand=False)
        (self._err if self.as_json else self._out).print(text)

    def note(self, sentence: str, style: str = "") -> None:
        """Print a sentence that is no part of the result."""
        self._err.print(Text(sentence, style))

    @property
    def is_watched(self) -> bool:
        """Whether a person sees standard error, and so progress."""
        return self._err.file.isatty()  # FORCE_COLOR makes rich see a terminal everywhere

    @contextmanager
    def progress(self, what: str, total: int | None) -> Iterator[Callable[..., None]]:
        """A bar on standard error while this lasts, when a person sees it.

        Yields:
            What sets how much is done, how much there is in all (None as long as unknown), and a
            line below the bar.
        """
        if not self.is_watched:
            yield lambda done, total=None, line="": None
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        bar, below = Progress(*columns, console=self._err), Text()
        task = bar.add_task(what, total=total)

        def update(done: int, total: int | None = total, line: str = "") -> None:
            # Rich leaves a total as it is when it is told None.
            bar.tasks[task].total = total
            bar.update(task, completed=done)
            below.plain = line

        def shown() -> RenderableType:
            return Group(bar, below) if below.plain else bar

        with Live(get_renderable=shown, console=self._err, transient=True):
            yield update


def _console(**options: Any) -> Console:
    console = Console(highlight=False, markup=False, emoji=False, **options)
    if not console.file.isatty() and not os.environ.get("COLUMNS"):
        console = Console(highlight=False, markup=False, emoji=False, width=_UNLIMITED, **options)
    return console
