"""Every kind of bucket ends protected in full, or blocked and as it was. Nothing in between."""

from __future__ import annotations

import json
from typing import Any

import pytest

from e2e.examples import Example
from e2e.kinds import (
    ENCRYPTIONS,
    KINDS,
    RETENTION,
    Kind,
    Matrix,
    look,
    our_rule,
    pairwise,
    tomorrow,
)
from harness.deployment import Deployment

pytestmark = pytest.mark.terraform


# Every kind once; where another installation meets the same functions, every two values.
WITHOUT_KEY, IN_TWO_ACCOUNTS = pairwise(has_dr_key=False), pairwise(has_dr_key=True)


@pytest.fixture(scope="module")
def with_key(kms: Example) -> Matrix:
    return Matrix(kms.stack, "key", KINDS)


@pytest.fixture(scope="module")
def without_key(complete: Example) -> Matrix:
    return Matrix(complete.stack, "nokey", WITHOUT_KEY)


@pytest.fixture(scope="module")
def two_accounts(cross_account: Example) -> Matrix:
    return Matrix(cross_account.stack, "two", IN_TWO_ACCOUNTS)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_with_a_dr_key(with_key: Matrix, kind: Kind) -> None:
    assert_right_end(with_key, kind)


@pytest.mark.parametrize("kind", WITHOUT_KEY, ids=str)
def test_without_a_dr_key(without_key: Matrix, kind: Kind) -> None:
    assert_right_end(without_key, kind)


@pytest.mark.parametrize("kind", IN_TWO_ACCOUNTS, ids=str)
def test_in_two_accounts(two_accounts: Matrix, kind: Kind) -> None:
    assert_right_end(two_accounts, kind)


def assert_right_end(matrix: Matrix, kind: Kind) -> None:
    assert matrix.bucket(kind) not in matrix.endless, matrix.endless[matrix.bucket(kind)]
    reason = kind.reason(has_dr_key=bool(matrix.stack.dr_key_arn))
    if reason:
        assert_blocked(matrix, kind, reason)
    else:
        assert_protected(matrix, kind)


def assert_blocked(matrix: Matrix, kind: Kind, reason: str) -> None:
    stack, bucket = matrix.stack, matrix.bucket(kind)
    endings = [(record["outcome"], record.get("reason")) for record in matrix.records[kind]]
    assert endings == [("blocked", reason)], "it is checked once and refused at once"
    assert matrix.records[kind][0]["remedy"]
    assert look(stack.source_s3, bucket) == matrix.before[kind], "it is left as it was found"
    assert not stack.bucket_exists(stack.twin(bucket)), "no empty twin that looks fine"


def assert_protected(matrix: Matrix, kind: Kind) -> None:
    stack, bucket = matrix.stack, matrix.bucket(kind)
    # Not in the records' order: a function may have logged before the one that asked it.
    outcomes = sorted((record["function"], record["outcome"]) for record in matrix.records[kind])
    assert outcomes == [
        ("destination_bucket_check", "passed_on"),
        ("enable_replication", "protected"),
        ("source_bucket_check", "passed_on"),
    ]
    assert_source(matrix, kind)
    assert_twin(stack, bucket, kind)
    assert_object_arrives(stack, bucket, kind)


def assert_source(matrix: Matrix, kind: Kind) -> None:
    """It has our rule beside any other, is versioned, and nothing else about it is new."""
    stack, bucket, before = matrix.stack, matrix.bucket(kind), matrix.before[kind]
    replication = before["get_bucket_replication"].get("ReplicationConfiguration", {})
    foreign = replication.get("Rules", [])
    ours = our_rule(
        stack, bucket, Priority=max((rule["Priority"] for rule in foreign), default=0) + 1
    )
    assert look(stack.source_s3, bucket) == {
        **before,
        "get_bucket_versioning": {"Status": "Enabled"},
        "get_bucket_replication": {
            "ReplicationConfiguration": {
                "Role": stack.replication_role_arn,
                "Rules": [*foreign, ours],
            }
        },
    }


def assert_twin(stack: Deployment, bucket: str, kind: Kind) -> None:
    s3, twin = stack.dr_s3, stack.twin(bucket)
    seen = look(s3, twin)
    assert s3.head_bucket(Bucket=twin)["BucketRegion"] == stack.dr_region
    assert seen["get_bucket_versioning"] == {"Status": "Enabled"}
    assert seen["get_bucket_replication"] == {}
    marks = tags(seen["get_bucket_tagging"])
    assert marks.pop("s3-dr:life")
    assert marks == {
        "s3-dr:source-bucket": bucket,
        "s3-dr:managed-by": "s3-dr",
    }
    algorithm, _, bucket_key = ENCRYPTIONS[kind.encryption]
    default = {"SSEAlgorithm": algorithm}
    if kind.is_kms:
        default["KMSMasterKeyID"] = stack.dr_key_arn
    rule = {
        "ApplyServerSideEncryptionByDefault": default,
        "BucketKeyEnabled": bucket_key,
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }
    encryption = seen["get_bucket_encryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"Rules": [rule]}
    expected_lock: dict[str, Any] = {}
    if kind.lock != "open":
        expected_lock = {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}
    if kind.lock == "retained":
        expected_lock["ObjectLockConfiguration"]["Rule"] = {"DefaultRetention": RETENTION}
    assert seen["get_object_lock_configuration"] == expected_lock
    assert json.loads(seen["get_bucket_policy"]["Policy"])["Statement"] == twin_policy(stack, twin)
    block = s3.get_public_access_block(Bucket=twin)["PublicAccessBlockConfiguration"]
    assert len(block) == 4 and all(block.values()), "the twin is closed to the public"
    controls = s3.get_bucket_ownership_controls(Bucket=twin)["OwnershipControls"]
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def tags(answer: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def twin_policy(stack: Deployment, twin: str) -> list[dict[str, Any]]:
    """The statements of a twin's policy: TLS for all, and the other account's one role."""
    arn = f"arn:aws:s3:::{twin}"
    tls = {
        "Sid": "S3DrDenyInsecureTransport",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    if not stack.has_two_accounts:
        return [tls]
    objects = [
        "s3:ObjectOwnerOverrideToBucketOwner",
        "s3:ReplicateDelete",
        "s3:ReplicateObject",
        "s3:ReplicateTags",
    ]
    replication = {
        "Sid": "S3DrReplication",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{stack.account}:root"},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": [stack.replication_role_arn]}},
        "Action": objects,
        "Resource": f"{arn}/*",
    }
    looks = {
        **replication,
        "Sid": "S3DrReplicationLooks",
        "Action": ["s3:GetBucketVersioning", "s3:ListBucket"],
        "Resource": arn,
    }
    return [tls, replication, looks]


def assert_object_arrives(stack: Deployment, bucket: str, kind: Kind) -> None:
    """What is put from now on is in the twin, encrypted and retained as in the source."""
    source, dr, twin = stack.source_s3, stack.dr_s3, stack.twin(bucket)
    retained: dict[str, Any] = {}
    if kind.lock == "locked":
        retained = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": tomorrow()}
    source.put_object(Bucket=bucket, Key="a/key", Body=b"value", Tagging="t=v", **retained)

    assert stack.replication_status(bucket, "a/key") == "COMPLETED"
    put = source.head_object(Bucket=bucket, Key="a/key")
    replica = dr.get_object(Bucket=twin, Key="a/key")
    assert replica["Body"].read() == b"value"
    assert replica["ReplicationStatus"] == "REPLICA"
    algorithm, _, bucket_key = ENCRYPTIONS[kind.encryption]
    assert put["ServerSideEncryption"] == replica["ServerSideEncryption"] == algorithm
    if kind.is_kms:
        assert replica["SSEKMSKeyId"] == stack.dr_key_arn
    assert replica.get("BucketKeyEnabled", False) == bucket_key
    for fact in ("ObjectLockMode", "ObjectLockRetainUntilDate"):
        assert (fact in put) == (kind.lock != "open")
        assert replica.get(fact) == put.get(fact), "retention is copied to the second"
    tagging = dr.get_object_tagging(Bucket=twin, Key="a/key")
    assert tags(tagging) == {"t": "v"}
    if kind.lock == "open":  # nobody annotates what is retained
        note = {"Key": "a/key", "AnnotationName": "note"}
        source.put_object_annotation(Bucket=bucket, **note, AnnotationPayload=b"text")
        noted = dr.get_object_annotation(Bucket=twin, **note)
        assert noted["AnnotationPayload"].read() == b"text"
