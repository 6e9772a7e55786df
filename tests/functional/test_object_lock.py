"""Locked buckets have locked twins; a twin is locked from its creation or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from functional.payload import (
    DR_REGION,
    TRIGGER,
    Functions,
    World,
    assert_blocked,
    fault,
    profiles,
)

pytest_plugins = ["functional.payload"]

DAYS = {"Mode": "GOVERNANCE", "Days": 30}
YEARS = {"Mode": "COMPLIANCE", "Years": 1}
HELD = {"Mode": "GOVERNANCE", "DefaultEventHold": {"Days": 90}}


def lock(world: World, bucket: str, retention: Any, region: str = "") -> None:
    """Give a locked bucket a default retention."""
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
    world.s3(region).put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration=configuration
    )


def locked(world: World, retention: Any = None) -> str:
    """A tagged bucket with Object Lock."""
    bucket = world.bucket(tags=TRIGGER, ObjectLockEnabledForBucket=True)
    if retention:
        lock(world, bucket, retention)
    return bucket


def found(world: World, twin: str) -> Any:
    """The twin's lock."""
    answer = world.s3(DR_REGION).get_object_lock_configuration(Bucket=twin)
    return answer["ObjectLockConfiguration"]


def shown(retention: Any = None) -> Any:
    """A lock as S3 shows it."""
    rule = {"Rule": {"DefaultRetention": retention}} if retention else {}
    return {"ObjectLockEnabled": "Enabled", **rule}


@pytest.mark.parametrize("retention", [None, DAYS, YEARS, HELD])
def test_a_locked_bucket_gets_a_locked_twin_with_its_retention(
    functions: Functions, on_local_aws: World, retention: Any
) -> None:
    bucket = functions.protected(on_local_aws, locked(on_local_aws, retention))

    assert found(on_local_aws, f"{bucket}-dr") == shown(retention)
    assert on_local_aws.versioning(f"{bucket}-dr", DR_REGION) == "Enabled"


def test_the_lock_is_part_of_the_twins_creation(functions: Functions, on_local_aws: World) -> None:
    bucket = locked(on_local_aws, DAYS)

    result = functions.check_destination(bucket)

    assert result["changes"] == [
        "CreateBucket",
        "PutObjectLockConfiguration",
        "PutBucketPolicy",
    ]
    [created] = [call for call in functions.calls if call.operation == "CreateBucket"]
    assert created.parameters["ObjectLockEnabledForBucket"] is True


def test_in_us_east_1_a_new_twin_is_known_to_be_locked(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.in_regions(monkeypatch, on_local_aws, "us-west-2", "us-east-1")

    bucket = functions.protected(on_local_aws, locked(on_local_aws, DAYS))

    answer = on_local_aws.s3("us-east-1").get_object_lock_configuration(Bucket=f"{bucket}-dr")
    assert answer["ObjectLockConfiguration"] == shown(DAYS)


def test_the_profiles_retention_comes_before_the_sources(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention = {"mode": "COMPLIANCE", "years": 1}
    monkeypatch.setenv("PROFILES", profiles(object_lock={"retention": retention}))

    bucket = functions.protected(on_local_aws, locked(on_local_aws, DAYS))

    assert found(on_local_aws, f"{bucket}-dr") == shown(YEARS)


@pytest.mark.parametrize(
    ("retention", "lock"), [(None, shown()), ({"mode": "GOVERNANCE", "days": 30}, shown(DAYS))]
)
def test_a_profile_can_lock_every_twin(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    retention: Any,
    lock: Any,
) -> None:
    always = {"always": True, **({"retention": retention} if retention else {})}
    monkeypatch.setenv("PROFILES", profiles(object_lock=always))

    bucket = functions.protected(on_local_aws)

    assert found(on_local_aws, f"{bucket}-dr") == lock


@pytest.mark.parametrize("profile", [{}, {"retention": {"mode": "GOVERNANCE", "days": 30}}])
def test_an_unlocked_bucket_gets_an_unlocked_twin(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch, profile: Any
) -> None:
    monkeypatch.setenv("PROFILES", profiles(object_lock=profile))

    bucket = functions.protected(on_local_aws)

    with pytest.raises(ClientError, match="ObjectLockConfigurationNotFoundError"):
        found(on_local_aws, f"{bucket}-dr")


def test_an_unlocked_twin_of_a_locked_bucket_blocks(
    functions: Functions, on_local_aws: World
) -> None:
    bucket = locked(on_local_aws, DAYS)
    twin = on_local_aws.twin(bucket)

    result = functions.check_destination(bucket)

    assert_blocked(result, "TWIN_NOT_LOCKED")
    assert twin in result["remedy"]
    assert functions.writes == [], "Object Lock cannot be taken back: a person has to turn it on"
    assert "Publish" not in functions.operations


def test_an_unlocked_twin_blocks_when_the_profile_locks_every_twin(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = functions.protected(on_local_aws)
    functions.deploy(monkeypatch, PROFILES=profiles(object_lock={"always": True}))
    functions.calls.clear()

    assert_blocked(functions.check_destination(bucket), "TWIN_NOT_LOCKED")

    assert functions.writes == []


def test_a_twin_that_a_person_locked_is_the_twin(functions: Functions, on_local_aws: World) -> None:
    bucket = locked(on_local_aws, DAYS)
    twin = on_local_aws.twin(bucket, ObjectLockEnabledForBucket=True)

    functions.protected(on_local_aws, bucket)

    assert found(on_local_aws, twin) == shown(DAYS)


def test_a_drifted_retention_is_put_right(functions: Functions, on_local_aws: World) -> None:
    bucket = functions.protected(on_local_aws, locked(on_local_aws, DAYS))
    lock(on_local_aws, f"{bucket}-dr", {"Mode": "GOVERNANCE", "Days": 1}, DR_REGION)

    result = functions.check_destination(bucket)

    assert result["changes"] == ["PutObjectLockConfiguration"], "and nothing else"
    assert found(on_local_aws, f"{bucket}-dr") == shown(DAYS)


def test_a_changed_retention_of_the_source_is_followed(
    functions: Functions, on_local_aws: World
) -> None:
    bucket = functions.protected(on_local_aws, locked(on_local_aws, DAYS))
    lock(on_local_aws, bucket, YEARS)

    assert functions.check_destination(bucket)["changes"] == ["PutObjectLockConfiguration"]

    assert found(on_local_aws, f"{bucket}-dr") == shown(YEARS)


def test_a_lock_of_the_twin_alone_is_left_alone(functions: Functions, on_local_aws: World) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    twin = on_local_aws.twin(bucket, ObjectLockEnabledForBucket=True)
    lock(on_local_aws, twin, DAYS, DR_REGION)

    functions.protected(on_local_aws, bucket)

    assert found(on_local_aws, twin) == shown(DAYS)


def test_a_lock_that_may_not_be_read_is_an_error(
    functions: Functions, on_local_aws: World, local_aws: Any
) -> None:
    bucket = locked(on_local_aws, DAYS)
    twin = on_local_aws.twin(bucket)
    local_aws.faults([fault("GetObjectLockConfiguration", twin, "AccessDenied", 403)])

    with pytest.raises(ClientError, match="AccessDenied"):
        functions.check_destination(bucket)

    assert functions.writes == [], "a refusal is never taken for 'not locked'"
