"""Profiles: which tags ask for protection, and what a bucket's own tags change in one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_dr.outcomes import Blocked, Reason
from s3_dr.profiles import STORAGE_CLASSES, Filter, ObjectLock, Profile, first_match

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


OVERRIDES = ("delete_markers", "metrics", "replication_time_control", "storage_class")
MATCHES = {"name": "gold", "match_tags": [{"tier": "gold"}]}
PLAIN = Profile("gold", ({"tier": "gold"},))
GOLD = replace(PLAIN, overrides=tuple(OVERRIDES))


def test_what_is_not_written_has_its_default() -> None:
    found = Profile.from_dict(MATCHES)

    assert found == PLAIN
    assert found.filter == Filter("", {}), "every object"
    assert found.object_lock == ObjectLock(always=False, retention=None)
    assert (found.kms_key_arn, found.storage_class) == ("", "")
    assert (found.metrics, found.replication_time_control) == (None, False)
    assert (found.delete_markers, found.replica_modifications) == (True, False)
    assert found.annotations
    assert found.on_foreign_role == found.on_mfa_delete == found.on_suspended_versioning == "block"
    assert set(found.overrides) == set(OVERRIDES) - {"delete_markers"}, (
        "unasked, no tag has deletes hide in the twin what the profile keeps in sight"
    )


@pytest.mark.parametrize(
    ("field", "written", "read"),
    [
        ("annotations", False, False),
        ("delete_markers", False, False),
        ("filter", {}, Filter()),
        ("filter", {"prefix": "x/"}, Filter("x/")),
        ("filter", {"tags": {"k": "v"}}, Filter("", {"k": "v"})),
        ("filter", {"prefix": "x/", "tags": {"k": "v"}}, Filter("x/", {"k": "v"})),
        ("kms_key_arn", "arn:k", "arn:k"),
        ("metrics", True, True),
        ("metrics", False, False),
        ("object_lock", {}, ObjectLock()),
        ("object_lock", {"always": True}, ObjectLock(always=True)),
        (
            "object_lock",
            {"retention": {"mode": "GOVERNANCE", "days": 30}},
            ObjectLock(retention={"Mode": "GOVERNANCE", "Days": 30}),
        ),
        (
            "object_lock",
            {"always": True, "retention": {"mode": "COMPLIANCE", "years": 7}},
            ObjectLock(always=True, retention={"Mode": "COMPLIANCE", "Years": 7}),
        ),
        ("on_foreign_role", "use", "use"),
        ("on_mfa_delete", "allow", "allow"),
        ("on_suspended_versioning", "enable", "enable"),
        ("overrides", [], ()),
        ("overrides", ["metrics"], ("metrics",)),
        ("replica_modifications", True, True),
        ("replication_time_control", True, True),
        ("storage_class", "STANDARD_IA", "STANDARD_IA"),
    ],
)
def test_a_field_is_read_from_its_compact_form(field: str, written: Any, read: Any) -> None:
    found = Profile.from_dict({**MATCHES, field: written})

    assert found == replace(PLAIN, **{field: read}), "this field, and no other one"


@pytest.mark.parametrize(
    "fields",
    [
        {"storageclass": "GLACIER"},
        {"Filter": {}},
        {"filter": {"suffix": "x"}},
        {"object_lock": {"allways": True}},
        {"object_lock": {"always": True, "mode": "GOVERNANCE"}},
    ],
)
def test_a_field_nobody_knows_is_refused(fields: dict[str, Any]) -> None:
    # Whoever wrote it meant something by it: better no protection than another one.
    with pytest.raises((TypeError, ValueError)):
        Profile.from_dict({**MATCHES, **fields})


def test_all_fields_nobody_knows_are_named() -> None:
    with pytest.raises(ValueError, match=r"'gold' has unknown fields \['Filter', 'colour'\]"):
        Profile.from_dict({**MATCHES, "colour": "red", "Filter": {}})


@pytest.mark.parametrize(
    ("metrics", "time_control", "has"),
    [
        (None, False, False),
        (None, True, True),
        (True, False, True),
        (True, True, True),
        (False, False, False),
    ],
)
def test_metrics_follow_time_control_unless_told_otherwise(
    metrics: bool | None, time_control: bool, has: bool
) -> None:
    profile = replace(GOLD, metrics=metrics, replication_time_control=time_control)

    assert profile.has_metrics is has


# --- a bucket's own tags -----------------------------------------------------


def refusal(profile: Profile, tags: dict[str, str]) -> str:
    with pytest.raises(Blocked) as caught:
        profile.for_bucket(tags)
    assert caught.value.reason == Reason.OVERRIDE_NOT_VALID
    return str(caught.value)


@pytest.mark.parametrize(
    ("tag", "value", "field", "read"),
    [
        ("s3-dr:delete-markers", "true", "delete_markers", True),
        ("s3-dr:delete-markers", "false", "delete_markers", False),
        ("s3-dr:metrics", "true", "metrics", True),
        ("s3-dr:metrics", "false", "metrics", False),
        ("s3-dr:replication-time-control", "true", "replication_time_control", True),
        ("s3-dr:replication-time-control", "false", "replication_time_control", False),
        *(("s3-dr:storage-class", each, "storage_class", each) for each in sorted(STORAGE_CLASSES)),
    ],
)
def test_a_tag_changes_its_field(tag: str, value: str, field: str, read: Any) -> None:
    found = GOLD.for_bucket({"tier": "gold", tag: value})

    assert found == replace(GOLD, **{field: read}), "this field, and no other one"


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("s3-dr:delete-markers", "True"),
        ("s3-dr:delete-markers", "yes"),
        ("s3-dr:metrics", ""),
        ("s3-dr:metrics", "1"),
        ("s3-dr:replication-time-control", "TRUE"),
        ("s3-dr:replication-time-control", " true"),
        ("s3-dr:storage-class", ""),
        ("s3-dr:storage-class", "standard_ia"),
        ("s3-dr:storage-class", "REDUCED_REDUNDANCY"),
        ("s3-dr:storage-class", "OUTPOSTS"),
    ],
)
def test_a_value_that_means_nothing_is_refused(tag: str, value: str) -> None:
    sentence = refusal(GOLD, {tag: value})

    assert tag in sentence and repr(value) in sentence, "the remedy names the tag and its value"


@pytest.mark.parametrize(
    "tag",
    [
        "s3-dr:",
        "s3-dr:storageclass",
        "s3-dr:storage_class",
        "s3-dr:Storage-Class",
        "s3-dr:METRICS",
        "s3-dr:kms-key-arn",
        "s3-dr:object-lock",
        "s3-dr:on-foreign-role",
        "s3-dr:name",
        "s3-dr:overrides",
    ],
)
def test_a_tag_of_ours_that_nobody_knows_is_refused(tag: str) -> None:
    sentence = refusal(GOLD, {tag: "true"})

    assert f"its tag {tag} is not one of" in sentence
    for known in OVERRIDES:
        assert "s3-dr:" + known.replace("_", "-") in sentence, "the remedy names what there is"


@pytest.mark.parametrize("tag", ["S3-DR:metrics", "S3-dr:nonsense", "s3-dr", "dr:metrics", "x"])
def test_a_tag_that_does_not_begin_as_ours_is_none_of_our_business(tag: str) -> None:
    assert GOLD.for_bucket({tag: "what"}) is GOLD, "tag keys are case-sensitive"


@pytest.mark.parametrize("mark", ["s3-dr:source-bucket", "s3-dr:managed-by"])
def test_a_mark_of_a_twin_is_no_override(mark: str) -> None:
    assert GOLD.for_bucket({mark: "orders"}) is GOLD


@pytest.mark.parametrize("field", OVERRIDES)
def test_a_tag_changes_only_what_the_profile_lets_it_change(field: str) -> None:
    tag = "s3-dr:" + field.replace("_", "-")
    value, read = ("GLACIER",) * 2 if field == "storage_class" else ("true", True)
    changed: dict[str, Any] = {field: read}
    others = replace(GOLD, overrides=tuple(each for each in OVERRIDES if each != field))
    only = replace(GOLD, overrides=(field,))

    sentence = refusal(others, {tag: value})

    assert "profile gold" in sentence and field in sentence, "the remedy names both"
    assert only.for_bucket({tag: value}) == replace(only, **changed)


def test_delete_markers_cannot_be_had_under_a_filter_by_tags() -> None:
    by_tags = replace(GOLD, filter=Filter("x/", {"k": "v"}), delete_markers=False)

    assert "delete markers" in refusal(by_tags, {"s3-dr:delete-markers": "true"})
    assert by_tags.for_bucket({"s3-dr:delete-markers": "false"}) == by_tags
    by_prefix = replace(by_tags, filter=Filter("x/"))
    assert by_prefix.for_bucket({"s3-dr:delete-markers": "true"}).delete_markers, "S3 does that"


def test_time_control_cannot_be_had_without_metrics() -> None:
    timed, silent = replace(GOLD, replication_time_control=True), replace(GOLD, metrics=False)
    on, off = {"s3-dr:replication-time-control": "true"}, {"s3-dr:metrics": "false"}

    assert "only together" in refusal(GOLD, {**on, **off})
    assert "only together" in refusal(timed, off)
    assert "only together" in refusal(silent, on)
    assert GOLD.for_bucket(on).has_metrics, "metrics come with it"
    assert silent.for_bucket({**on, "s3-dr:metrics": "true"}).replication_time_control
    assert not timed.for_bucket({"s3-dr:replication-time-control": "false", **off}).has_metrics, (
        "without time control, metrics are a choice"
    )


TAG_KEYS = st.sampled_from(["s3-dr:" + each.replace("_", "-") for each in OVERRIDES]) | st.text()
VALUES = st.sampled_from(["true", "false", "GLACIER"]) | st.text(max_size=3)


@given(st.dictionaries(TAG_KEYS | st.text(max_size=5).map("s3-dr:{}".format), VALUES))
def test_any_tags_are_read_or_refused(tags: dict[str, str]) -> None:
    try:
        found = GOLD.for_bucket(tags)
    except Blocked as blocked:
        reason = blocked.reason
        found = GOLD
    else:
        reason = Reason.OVERRIDE_NOT_VALID

    assert reason == Reason.OVERRIDE_NOT_VALID
    unchanged: dict[str, Any] = {field: getattr(GOLD, field) for field in OVERRIDES}
    assert replace(found, **unchanged) == GOLD, "nothing changes but what tags may change"


@pytest.mark.parametrize(
    ("field", "usual", "others"),
    [
        ("existing_objects", "replicate", ["report", "ignore"]),
        ("existing_objects_limit", None, [0, 1, 10**9]),
        ("on_untag", "disable", ["remove", "keep"]),
    ],
)
def test_what_a_life_needs_has_its_default_and_is_read(
    field: str, usual: Any, others: list[Any]
) -> None:
    assert getattr(Profile.from_dict(MATCHES), field) == usual
    for other in [usual, *others]:
        assert getattr(Profile.from_dict({**MATCHES, field: other}), field) == other


@pytest.mark.parametrize("field", ["existing-objects", "existing-objects-limit", "on-untag"])
def test_no_tag_changes_what_a_life_needs(field: str) -> None:
    with pytest.raises(Blocked) as caught:
        GOLD.for_bucket({f"s3-dr:{field}": "ignore"})

    assert caught.value.reason == Reason.OVERRIDE_NOT_VALID


def test_the_mark_of_a_twins_life_is_no_override() -> None:
    assert GOLD.for_bucket({"s3-dr:life": "20260302T090308Z"}) == GOLD
