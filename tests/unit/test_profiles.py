"""Profiles: which tags ask for protection."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_dr.profiles import Profile, first_match

TAGS = st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=4)
STANDARD = Profile("standard", ({"dr": "true"}, {"DR": "true"}))


@pytest.mark.parametrize(
    ("tags", "matches"),
    [
        ({"dr": "true"}, True),
        ({"DR": "true"}, True),
        ({"dr": "true", "team": "orders"}, True),
        ({"Dr": "true"}, False),
        ({"dr": "True"}, False),
        ({"dr": "false"}, False),
        ({"dr": ""}, False),
        ({"true": "dr"}, False),
        ({}, False),
    ],
)
def test_tags_are_compared_to_the_letter(tags: dict[str, str], matches: bool) -> None:
    assert STANDARD.matches(tags) is matches, f"S3 tags are case-sensitive: {tags}"


def test_a_tag_set_counts_only_in_full() -> None:
    profile = Profile("gold", ({"dr": "true", "tier": "gold"},))

    assert profile.matches({"tier": "gold", "dr": "true", "x": "y"}), "both tags are there"
    assert not profile.matches({"dr": "true"}), "one of the two tags is missing"


def test_the_first_matching_profile_wins() -> None:
    gold = Profile("gold", ({"tier": "gold"},))

    assert first_match([gold, STANDARD], {"dr": "true", "tier": "gold"}) is gold, "first of both"
    assert first_match([STANDARD, gold], {"dr": "true", "tier": "gold"}) is STANDARD
    assert first_match([gold, STANDARD], {"dr": "true"}) is STANDARD, "only the second matches"
    assert first_match([gold, STANDARD], {}) is None, "an untagged bucket matches nothing"


@given(TAGS, TAGS)
def test_more_tags_never_end_a_match(wanted: dict[str, str], others: dict[str, str]) -> None:
    profile = Profile("any", (wanted,))

    assert profile.matches({**others, **wanted}), "tags beside the wanted ones do not matter"


def test_a_profile_is_read_from_json() -> None:
    profile = Profile.from_dict(
        {"name": "gold", "match_tags": [{"tier": "gold"}], "delete_markers": False}
    )

    assert profile == Profile("gold", ({"tier": "gold"},), delete_markers=False)


def test_delete_markers_are_replicated_unless_told_otherwise() -> None:
    profile = Profile.from_dict({"name": "gold", "match_tags": [{"tier": "gold"}]})

    assert profile.delete_markers, "a deletion at the source is one at the twin"


@pytest.mark.parametrize("sets", [[], [{}], [{"dr": "true"}, {}]])
def test_a_profile_that_would_match_every_bucket_is_refused(sets: list[Any]) -> None:
    with pytest.raises(ValueError, match="empty tag set"):
        Profile.from_dict({"name": "all", "match_tags": sets})


@pytest.mark.parametrize(
    "item",
    [{}, {"name": "x"}, {"match_tags": [{"a": "b"}]}, {"name": "x", "match_tags": ["dr"]}, [], "x"],
)
def test_a_profile_of_another_shape_is_refused(item: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        Profile.from_dict(item)
