"""When a twin counts as whole: no looser than the variants of the open points make it."""

from __future__ import annotations

import pytest

from harness.versions import is_same

SAME = {"marker_id": "same", "null_replica_id": "null"}
NEW = {"marker_id": "new", "null_replica_id": "new"}
SOURCE = [("a", "1", False), ("a", "2", True), ("b", "null", False)]
OTHER_IDS = [("a", "1", False), ("a", "x", True), ("b", "y", False)]


@pytest.mark.parametrize(
    ("twin", "points", "expected"),
    [
        (SOURCE, SAME, True),
        (SOURCE[::-1], SAME, True),
        (OTHER_IDS, SAME, False),
        (OTHER_IDS, NEW, True),
        (OTHER_IDS[:2], NEW, False),
        ([*OTHER_IDS, ("a", "z", True)], NEW, False),
        ([*OTHER_IDS, ("c", "z", False)], NEW, False),
        ([("a", "9", False), *OTHER_IDS[1:]], NEW, False),
        (SOURCE[:2], SAME, False),
        ([*SOURCE, ("a", "3", False)], SAME, False),
    ],
)
def test_a_twin_is_whole_or_not(
    twin: list[tuple[str, str, bool]], points: dict[str, str], expected: bool
) -> None:
    assert is_same(SOURCE, twin, points) == expected
