"""The copying of a bucket's existing objects, as enable_replication tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .text import plain

_MOVING = frozenset({"wanted", "preparing", "running"})
_STUCK = frozenset({"waiting", "failed", "cancelled"})


def is_moving(facts: Mapping[str, Any]) -> bool:
    """Whether it goes on by itself."""
    return facts.get("status") in _MOVING


def needs_a_person(facts: Mapping[str, Any]) -> bool:
    """Whether it waits for a yes, ended badly, or left objects behind."""
    return facts.get("status") in _STUCK or number(facts, "failed") > 0


def number(facts: Mapping[str, Any], key: str) -> int:
    """A count of objects; 0 where it is not known."""
    value = facts.get(key)
    return int(value) if isinstance(value, (int, float)) else 0


def summary(facts: Mapping[str, Any]) -> str:
    """The state and the counts in a few words; empty when there is nothing to tell."""
    status = facts.get("status")
    if status in (None, "", "none"):
        return ""
    text, total = plain(status), f"{number(facts, 'total'):,}"
    done = f"{number(facts, 'succeeded') + number(facts, 'failed'):,}/{total}"
    if "total" in facts and not number(facts, "total"):
        text = "nothing to copy" if text == "complete" else text  # else not counted yet
    elif "total" in facts:
        # That all is done, the numbers say.
        text = {"complete": done, "waiting": f"waiting {total}"}.get(text, f"{text} {done}")
    failed = number(facts, "failed")
    return f"{text}, {failed:,} failed" if failed else text


def reasons(facts: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Why objects were not copied, the most frequent reason first."""
    found = facts.get("reasons")
    if not isinstance(found, Mapping):
        return []
    return sorted(((plain(code), int(n)) for code, n in found.items()), key=lambda each: -each[1])
