"""A profile's options end in the rule that S3 shows, and so does every change of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functional.payload import (
    ACCOUNT,
    DR_REGION,
    TRIGGER,
    Functions,
    World,
    assert_blocked,
    event,
    fault,
    profiles,
)

pytest_plugins = ["functional.payload"]

ON, OFF = {"Status": "Enabled"}, {"Status": "Disabled"}
IN_TIME = {
    "ReplicationTime": {**ON, "Time": {"Minutes": 15}},
    "Metrics": {**ON, "EventThreshold": {"Minutes": 15}},
}
NO_TIME_CONTROL = "Replication Time Control is not supported in this Region"
TIERS = json.dumps(
    [
        {"name": "gold", "match_tags": [{"tier": "gold"}], "replication_time_control": True},
        {"name": "archive", "match_tags": [{"tier": "archive"}], "storage_class": "DEEP_ARCHIVE"},
        {"name": "standard", "match_tags": [TRIGGER]},
    ]
)


def destination(world: World, bucket: str) -> Any:
    """What our rule says of the replicas, but for the twin's name and owner."""
    found = rule(world, bucket)["Destination"]
    assert found.pop("Bucket") == f"arn:aws:s3:::{bucket}-dr"
    assert found.pop("Account") == ACCOUNT
    return found


def rule(world: World, bucket: str) -> Any:
    """Our rule, which is the only one."""
    [found] = world.replication(bucket)["Rules"]
    assert found["ID"] == "s3-dr"
    return found


def put_in_place(functions: Functions, world: World, bucket: str) -> None:
    """A journey that changes our rule, and nothing else on either bucket."""
    before = rule(world, bucket)
    functions.calls.clear()

    results = functions.protect(event("put_bucket_tagging", bucket))

    assert [result["changes"] for result in results] == [[], [], ["PutBucketReplication"]]
    assert functions.writes == ["PutBucketReplication"], "one write, and nothing else"
    after = rule(world, bucket)
    assert after != before
    assert after["Priority"] == before["Priority"], "it is the same rule"
    functions.protected(world, bucket)


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"storage_class": "STANDARD_IA"}, {"StorageClass": "STANDARD_IA"}),
        ({"storage_class": "GLACIER"}, {"StorageClass": "GLACIER"}),
        ({"metrics": True}, {"Metrics": ON}),
        ({"replication_time_control": True}, IN_TIME),
        (
            {"replication_time_control": True, "storage_class": "GLACIER_IR"},
            {**IN_TIME, "StorageClass": "GLACIER_IR"},
        ),
    ],
)
def test_an_option_of_the_replicas_is_in_the_rule(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, Any],
    part: Any,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(**fields))

    bucket = functions.protected(on_local_aws)

    assert destination(on_local_aws, bucket) == part


ONE, TWO = {"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}


@pytest.mark.parametrize(
    ("fields", "name", "part"),
    [
        ({}, "Filter", {"Prefix": ""}),
        ({"filter": {"prefix": "x/"}}, "Filter", {"Prefix": "x/"}),
        ({"filter": {"tags": {"a": "b"}}}, "Filter", {"Tag": ONE}),
        ({"filter": {"tags": {"a": "b", "c": "d"}}}, "Filter", {"And": {"Tags": [ONE, TWO]}}),
        (
            {"filter": {"prefix": "x/", "tags": {"a": "b"}}},
            "Filter",
            {"And": {"Prefix": "x/", "Tags": [ONE]}},
        ),
        ({}, "DeleteMarkerReplication", ON),
        ({"delete_markers": False}, "DeleteMarkerReplication", OFF),
        (
            {"replica_modifications": True},
            "SourceSelectionCriteria",
            {"ReplicaModifications": ON},
        ),
    ],
)
def test_an_option_of_the_rule_is_in_the_rule(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, Any],
    name: str,
    part: Any,
) -> None:
    markers = {"delete_markers": False} if "tags" in fields.get("filter", {}) else {}
    monkeypatch.setenv("PROFILES", profiles(**markers, **fields))

    bucket = functions.protected(on_local_aws)

    assert rule(on_local_aws, bucket)[name] == part


def test_only_objects_of_the_filter_are_replicated(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILES", profiles(filter={"prefix": "keep/"}))
    bucket = functions.protected(on_local_aws)

    for name in ("keep/a", "leave/b"):
        on_local_aws.s3().put_object(Bucket=bucket, Key=name, Body=b"x")

    found = on_local_aws.s3(DR_REGION).list_objects_v2(Bucket=f"{bucket}-dr")["Contents"]
    assert [item["Key"] for item in found] == ["keep/a"]


# --- changes -----------------------------------------------------------------


def test_another_profile_changes_the_rule_in_place(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILES", TIERS)
    bucket = functions.protected(on_local_aws, tags={"tier": "gold"})
    assert destination(on_local_aws, bucket) == IN_TIME

    on_local_aws.tag(bucket, {"tier": "archive"})
    put_in_place(functions, on_local_aws, bucket)
    assert destination(on_local_aws, bucket) == {"StorageClass": "DEEP_ARCHIVE"}

    on_local_aws.tag(bucket, TRIGGER)
    put_in_place(functions, on_local_aws, bucket)
    assert destination(on_local_aws, bucket) == {}


def test_the_result_names_the_profile(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILES", TIERS)
    bucket = on_local_aws.bucket(tags={"tier": "archive", **TRIGGER})

    results = functions.protect(event("put_bucket_tagging", bucket))

    assert [result["profile"] for result in results] == ["archive"] * 3, "the first that matches"


@pytest.mark.parametrize(
    ("before", "after", "part"),
    [
        ({}, {"storage_class": "GLACIER"}, {"StorageClass": "GLACIER"}),
        ({"storage_class": "GLACIER"}, {}, {}),
        ({"replication_time_control": True}, {"metrics": True}, {"Metrics": ON}),
        ({"metrics": True}, {"replication_time_control": True}, IN_TIME),
        ({"replication_time_control": True}, {}, {}),
    ],
)
def test_a_profile_that_says_something_else_changes_the_rule_in_place(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    before: dict[str, Any],
    after: dict[str, Any],
    part: Any,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(**before))
    bucket = functions.protected(on_local_aws)

    functions.deploy(monkeypatch, PROFILES=profiles(**after))

    put_in_place(functions, on_local_aws, bucket)
    assert destination(on_local_aws, bucket) == part


# --- a bucket's own tags -----------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "part"),
    [
        ({"s3-dr:storage-class": "GLACIER"}, {"StorageClass": "GLACIER"}),
        ({"s3-dr:metrics": "true"}, {"Metrics": ON}),
        ({"s3-dr:replication-time-control": "true"}, IN_TIME),
        (
            {"s3-dr:replication-time-control": "true", "s3-dr:storage-class": "STANDARD"},
            {**IN_TIME, "StorageClass": "STANDARD"},
        ),
    ],
)
def test_a_tag_of_the_bucket_changes_its_rule_and_no_other(
    functions: Functions, on_local_aws: World, tags: dict[str, str], part: Any
) -> None:
    other = functions.protected(on_local_aws)
    bucket = functions.protected(on_local_aws)

    on_local_aws.tag(bucket, {**TRIGGER, **tags})
    put_in_place(functions, on_local_aws, bucket)
    assert destination(on_local_aws, bucket) == part
    assert destination(on_local_aws, other) == {}

    on_local_aws.tag(bucket, TRIGGER)
    put_in_place(functions, on_local_aws, bucket)
    assert destination(on_local_aws, bucket) == {}, "without the tag, the profile's word counts"


def test_a_tag_of_the_bucket_decides_about_delete_markers(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.deploy(monkeypatch, PROFILES=profiles(overrides=["delete_markers"]))
    bucket = functions.protected(on_local_aws, tags={**TRIGGER, "s3-dr:delete-markers": "false"})

    assert rule(on_local_aws, bucket)["DeleteMarkerReplication"] == OFF


@pytest.mark.parametrize(
    ("profile", "tags"),
    [
        ({}, {"s3-dr:storage-class": "REDUCED_REDUNDANCY"}),
        ({}, {"s3-dr:metrics": "yes"}),
        ({}, {"s3-dr:delete-markers": "true"}),
        ({}, {"s3-dr:kms-key-arn": "alias/mine"}),
        ({"overrides": ["metrics"]}, {"s3-dr:storage-class": "GLACIER"}),
        (
            {
                "filter": {"tags": {"a": "b"}},
                "delete_markers": False,
                "overrides": ["delete_markers"],
            },
            {"s3-dr:delete-markers": "true"},
        ),
        ({"replication_time_control": True}, {"s3-dr:metrics": "false"}),
    ],
)
def test_a_tag_that_cannot_be_blocks_at_every_hop(
    functions: Functions,
    on_moto: World,
    monkeypatch: pytest.MonkeyPatch,
    profile: dict[str, Any],
    tags: dict[str, str],
) -> None:
    monkeypatch.setenv("PROFILES", profiles(**profile))
    bucket = on_moto.bucket(tags={**TRIGGER, **tags})

    for look in (functions.check_source, functions.check_destination, functions.enable_replication):
        result = look(bucket)
        assert_blocked(result, "OVERRIDE_NOT_VALID")
        assert result["profile"] == "standard"

    assert functions.writes == []
    assert "Publish" not in functions.operations


# --- what a region or a bucket lacks -----------------------------------------


def test_a_region_without_time_control_blocks(
    functions: Functions, on_local_aws: World, local_aws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILES", profiles(replication_time_control=True))
    bucket = on_local_aws.bucket(tags=TRIGGER)
    local_aws.faults(
        [fault("PutBucketReplication", bucket, "InvalidRequest", 400, NO_TIME_CONTROL)]
    )

    last = functions.protect(event("put_bucket_tagging", bucket))[-1]

    assert_blocked(last, "RTC_NOT_SUPPORTED")
    with pytest.raises(ClientError, match="ReplicationConfigurationNotFoundError"):
        on_local_aws.replication(bucket)


def test_any_other_invalid_request_is_an_error(
    functions: Functions, on_local_aws: World, local_aws: Any
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    refusal = fault("PutBucketReplication", bucket, "InvalidRequest", 400, "Something new")
    local_aws.faults([refusal])

    with pytest.raises(ClientError, match="Something new"):
        functions.protect(event("put_bucket_tagging", bucket))


def test_suspended_versioning_is_enabled_where_the_profile_says_so(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILES", profiles(on_suspended_versioning="enable"))
    bucket = on_local_aws.bucket(tags=TRIGGER, versioning="Suspended")

    assert functions.check_source(bucket)["changes"] == ["PutBucketVersioning"]

    assert on_local_aws.versioning(bucket) == "Enabled"
    functions.protected(on_local_aws, bucket)
