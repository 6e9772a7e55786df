"""Profiles: which tags ask for protection, and how the bucket is then protected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Profile:
    """One way of protecting buckets.

    Attributes:
        name: shown in logs and results.
        match_tags: tag sets; a bucket that carries one of them in full has this profile. Keys and
            values are compared case-sensitively, as S3 tags are.
        delete_markers: whether delete markers are replicated.
    """

    name: str
    match_tags: tuple[Mapping[str, str], ...]
    delete_markers: bool = True

    @classmethod
    def from_dict(cls, item: Mapping[str, Any]) -> Profile:
        """Build a profile from its JSON form.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: the form is another.
        """
        sets = tuple({str(k): str(v) for k, v in tags.items()} for tags in item["match_tags"])
        if not sets or not all(sets):
            # An empty tag set would match every bucket of the account.
            raise ValueError(f"profile {item['name']!r} has an empty tag set")
        return cls(str(item["name"]), sets, bool(item.get("delete_markers", True)))

    def matches(self, tags: Mapping[str, str]) -> bool:
        """Whether a bucket with these tags carries one of the tag sets in full."""
        return any(wanted.items() <= tags.items() for wanted in self.match_tags)


def first_match(profiles: Iterable[Profile], tags: Mapping[str, str]) -> Profile | None:
    """The first profile that matches the bucket's tags; the order is the user's."""
    return next((profile for profile in profiles if profile.matches(tags)), None)
