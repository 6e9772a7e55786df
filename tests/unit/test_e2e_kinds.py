"""Which kinds of buckets the end-to-end tests choose, and how they tell of each."""

from __future__ import annotations

from typing import Any

import pytest

from e2e.kinds import KINDS, check, check_each, pairwise
from harness.deployment import Deployment


@pytest.mark.parametrize("has_dr_key", [False, True])
def test_every_two_values_meet_in_the_chosen_kinds(has_dr_key: bool) -> None:
    chosen = pairwise(has_dr_key)
    protected = [kind for kind in chosen if not kind.reason(has_dr_key)]

    for kind in KINDS:
        # What blocks a bucket hides what else there is about it.
        among = chosen if kind.reason(has_dr_key) else protected
        for names in (("encryption", "lock"), ("encryption", "rules"), ("lock", "rules")):
            wanted = [getattr(kind, name) for name in names]
            found = [each for each in among if [getattr(each, name) for name in names] == wanted]
            assert found, f"{wanted} meet in {kind} and in none of the chosen kinds"
    assert len(chosen) < len(KINDS) / 2


class Stack(Deployment):
    """One where a check of a bucket has left these records."""

    def __init__(self, *logged: tuple[str, str, str]) -> None:
        self._logged = logged

    def request_check(self, bucket: str) -> None:
        pass

    def settle(self, timeout: float = 0) -> None:
        pass

    def records(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        names = ("bucket", "function", "outcome")
        return [dict(zip(names, record, strict=True)) for record in self._logged]


def test_a_bucket_that_comes_to_no_end_is_told_of_alone() -> None:
    stack = Stack(
        ("blocked", "source_bucket_check", "blocked"),
        ("lost", "source_bucket_check", "passed_on"),
        ("lost", "destination_bucket_check", "passed_on"),
        ("protected", "source_bucket_check", "passed_on"),
        ("protected", "enable_replication", "protected"),
    )

    told = check_each(stack, ["blocked", "lost", "never-seen", "protected"])

    assert told.keys() == {"lost", "never-seen"}
    assert told["lost"].startswith("lost was checked and came to no end; its records: [{")
    assert "destination_bucket_check" in told["lost"]
    assert told["never-seen"] == "never-seen was checked and came to no end; its records: []"
    with pytest.raises(AssertionError, match="lost was checked"):
        check(stack, ["protected", "lost"])
    check(stack, ["protected", "blocked"])
