"""examples/object_lock: twins that are locked, as the profile or the source demands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from e2e.examples import Example
from e2e.kinds import locked, put_tags
from harness.deployment import Deployment

pytestmark = pytest.mark.terraform

LEDGER = {"Mode": "GOVERNANCE", "Days": 30}


@pytest.fixture
def stack(object_lock: Example) -> Deployment:
    return object_lock.stack


def test_the_profile_locks_the_twin_of_an_unlocked_bucket(stack: Deployment) -> None:
    bucket = stack.create_bucket("ledger-open")

    put_tags(stack, bucket, dr="ledger")

    stack.wait_for_rule(bucket)
    assert lock(stack, stack.twin(bucket)) == locked(LEDGER)
    stack.source_s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    assert stack.replication_status(bucket, "k") == "COMPLETED"
    replica = stack.dr_s3.head_object(Bucket=stack.twin(bucket), Key="k")
    assert replica["ObjectLockMode"] == "GOVERNANCE"
    kept = replica["ObjectLockRetainUntilDate"] - datetime.now(UTC)
    assert timedelta(days=29) < kept <= timedelta(days=30)
    with pytest.raises(ClientError, match="AccessDenied"):
        stack.dr_s3.delete_object(
            Bucket=stack.twin(bucket), Key="k", VersionId=replica["VersionId"]
        )


def test_the_profile_has_a_retention_of_its_own(stack: Deployment) -> None:
    bucket = stack.create_bucket("ledger-locked", lock=True)
    configuration = locked({"Mode": "COMPLIANCE", "Days": 1})
    stack.source_s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration=configuration
    )

    put_tags(stack, bucket, dr="ledger")

    stack.wait_for_rule(bucket)
    assert lock(stack, stack.twin(bucket)) == locked(LEDGER)


def test_a_legal_hold_is_copied(stack: Deployment) -> None:
    bucket = stack.create_bucket("held", lock=True)
    put_tags(stack, bucket, dr="true")
    stack.wait_for_rule(bucket)

    stack.source_s3.put_object(Bucket=bucket, Key="k", Body=b"v", ObjectLockLegalHoldStatus="ON")

    assert stack.replication_status(bucket, "k") == "COMPLETED"
    replica = stack.dr_s3.head_object(Bucket=stack.twin(bucket), Key="k")
    assert replica["ObjectLockLegalHoldStatus"] == "ON"
    assert "ObjectLockMode" not in replica


@pytest.mark.parametrize(
    ("name", "is_locked", "profile"),
    [("of-locked", True, "true"), ("of-ledger", False, "ledger")],
)
def test_an_unlocked_twin_is_blocked_until_a_person_locks_it(
    stack: Deployment, name: str, is_locked: bool, profile: str
) -> None:
    bucket = stack.create_bucket(name, lock=is_locked)
    twin = stack.create_bucket(stack.twin(bucket), region=stack.dr_region, versioned=True)
    mark = [{"Key": "s3-dr:source-bucket", "Value": bucket}]
    stack.dr_s3.put_bucket_tagging(Bucket=twin, Tagging={"TagSet": mark})

    put_tags(stack, bucket, dr=profile)

    record = stack.wait_for_record("destination_bucket_check", bucket=bucket, outcome="blocked")
    assert record["reason"] == "TWIN_NOT_LOCKED"
    stack.settle()
    assert stack.rules(bucket) == {}
    with pytest.raises(ClientError, match="ObjectLockConfigurationNotFoundError"):
        lock(stack, twin)

    stack.dr_s3.put_object_lock_configuration(
        Bucket=twin, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    )
    stack.request_check(bucket)

    stack.wait_for_rule(bucket)
    expected = locked(LEDGER) if profile == "ledger" else {"ObjectLockEnabled": "Enabled"}
    assert lock(stack, twin) == expected


def test_a_retention_that_was_taken_away_is_put_back(stack: Deployment) -> None:
    bucket = stack.create_bucket("ledger-weakened")
    put_tags(stack, bucket, dr="ledger")
    stack.wait_for_rule(bucket)
    stack.settle()
    twin = stack.twin(bucket)
    stack.dr_s3.put_object_lock_configuration(
        Bucket=twin, ObjectLockConfiguration=locked({"Mode": "GOVERNANCE", "Days": 1})
    )

    stack.request_check(bucket)
    stack.settle()

    assert lock(stack, twin) == locked(LEDGER)


def lock(stack: Deployment, twin: str) -> Any:
    answer = stack.dr_s3.get_object_lock_configuration(Bucket=twin)
    return answer["ObjectLockConfiguration"]
