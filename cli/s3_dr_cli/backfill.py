"""The copying of a bucket's existing objects, as enable_replication and the sweep tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from . import times
from .text import plain

# What waits for its turn, and what S3 is at.
WAITS = frozenset({"queued", "scheduled"})
AT_WORK = frozenset({"preparing", "running", "paused"})
_MOVING = WAITS | AT_WORK | {"wanted"}
_STUCK = frozenset({"waiting", "failed", "cancelled"})
_DONE = frozenset({"", "none", "complete"})


def is_moving(facts: Mapping[str, Any]) -> bool:
    """Whether it goes on by itself."""
    return facts.get("status") in _MOVING


def needs_a_person(facts: Mapping[str, Any]) -> bool:
    """Whether it waits for a yes, ended badly, or left objects behind."""
    return facts.get("status") in _STUCK or number(facts, "failed") > 0


def missing(facts: Mapping[str, Any]) -> str:
    """Why existing objects are not all in the twin, in a word; empty if they are."""
    status = str(facts.get("status") or "")
    if status in _DONE:
        return "with failed objects" if number(facts, "failed") else ""
    return plain(status)


def number(facts: Mapping[str, Any], key: str) -> int:
    """A count of objects; 0 where it is not known."""
    value = facts.get(key)
    return int(value) if isinstance(value, (int, float)) else 0


def progress(facts: Mapping[str, Any], *, is_short: bool = False) -> str:
    """How many objects are done, of how many; if it is to be short, by the million."""
    done = number(facts, "succeeded") + number(facts, "failed")
    return "/".join(_count(each, is_short) for each in (done, number(facts, "total")))


def _count(objects: int, is_short: bool) -> str:
    # Rounded down: not all are done before they are.
    return f"{objects // 10**5 / 10:,}M" if is_short and objects >= 10**6 else f"{objects:,}"


def summary(facts: Mapping[str, Any], at: datetime | None = None) -> str:
    """The state and the counts in a few words; empty when there is nothing to tell.

    Args:
        facts: as a function gave them.
        at: this moment, to tell how long it has been so; None leaves that out.
    """
    status = facts.get("status")
    if status in (None, "", "none"):
        return ""
    text, has_total = plain(status), "total" in facts
    if status in WAITS:
        text += _turn(facts) if status == "queued" else ""
    elif has_total and not number(facts, "total"):
        text = "nothing to copy" if text == "complete" else text  # else not counted yet
    elif has_total:
        # That all is done, the numbers say.
        done, total = progress(facts), f"{number(facts, 'total'):,}"
        text = {"complete": done, "waiting": f"waiting {total}"}.get(text, f"{text} {done}")
    text += _since(facts, at) if at else ""
    if status == "scheduled" and (start := times.moment(facts.get("not_before"))):
        text += f", not before {times.clock(start, at or times.now())}"
    failed = number(facts, "failed")
    return f"{text}, {failed:,} failed" if failed else text


def _turn(facts: Mapping[str, Any]) -> str:
    """The place in the queue; a job that is parked in it has been counted already."""
    place, length, total = (number(facts, key) for key in ("place", "queue", "total"))
    text = f" {place:,}" if place else ""
    text += f" of {length:,}" if place and length else ""
    return text + (f", {total:,} to copy" if total else "")


def _since(facts: Mapping[str, Any], at: datetime) -> str:
    """How long it has been so; of what ended badly only the beginning is known."""
    age, status = times.age(facts.get("since"), at), facts.get("status")
    # When what is scheduled began to wait, the time before which it does not start says.
    if not age or status in ("complete", "ignored", "scheduled"):
        return ""
    return f", begun {age} ago" if status in ("failed", "cancelled") else f" for {age}"


def reasons(facts: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Why objects were not copied, the most frequent reason first."""
    found = facts.get("reasons")
    if not isinstance(found, Mapping):
        return []
    return sorted(((plain(code), int(n)) for code, n in found.items()), key=lambda each: -each[1])
