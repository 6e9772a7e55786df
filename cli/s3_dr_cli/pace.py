"""When a job may be done: only by what was seen of it, and never silently later than was said."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from . import times
from .backfill import number

_ENOUGH = timedelta(minutes=5)  # that much later is not worth a line


class Pace:
    """How fast one job goes, seen since it runs and somebody looks."""

    def __init__(self) -> None:
        self.end: datetime | None = None
        self._job: object = None
        self._first: tuple[datetime, int] | None = None

    def see(self, facts: Mapping[str, Any], at: datetime) -> None:
        """Take what is known of the job now; `end` is then when it ends if it goes on so."""
        done = number(facts, "succeeded") + number(facts, "failed")
        if facts.get("status") != "running" or facts.get("job") != self._job:
            self._job, self._first = facts.get("job"), None
        self.end = None
        if facts.get("status") != "running":
            return
        if self._first is None:
            self._first = at, done
        began, before = self._first
        if at > began and done > before:
            left = max(number(facts, "total") - done, 0)
            with suppress(OverflowError):  # the calendar ends at 9999
                self.end = at + (at - began) * (left / (done - before))


class Promise:
    """The end that a person was told."""

    def __init__(self) -> None:
        self._told: datetime | None = None

    def words(self, end: datetime | None, at: datetime) -> str:
        """The end for a person; with the one that was told before, if that was an earlier one."""
        if end is None:
            return ""
        shown, said = times.clock(end, at), self._told and times.clock(self._told, at)
        is_later = self._told is not None and end > self._told and shown != said
        self._told = end
        later = f", later than said ({said})" if is_later else ""
        return f"; at this pace done about {shown}{later}"

    def is_broken(self, end: datetime | None, at: datetime) -> bool:
        """Whether it ends so much later than was told that it has to be said."""
        if self._told is None or end is None:
            return False
        return end - self._told > max(_ENOUGH, (self._told - at) / 10)
