"""The local AWS replicates what the replication role, the keys and Object Lock allow."""

import json
import time
import uuid
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any

import pytest

from local_aws.tests.lab import Lab

ACCOUNT, OTHER, REGION, DR = "111122223333", "444455556666", "us-west-2", "us-east-2"

READS = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
OBJECT_READS = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl"]
WRITES = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"]
ALL = [*READS, *OBJECT_READS, "s3:GetObjectVersionTagging", *WRITES]
LOCK_READS = ["s3:GetObjectRetention", "s3:GetObjectLegalHold"]


def allow(*actions: str, resource: Any = "*", **condition: Any) -> dict[str, Any]:
    more = {"Condition": {"StringEquals": condition["when"]}} if condition else {}
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass
class Pair:
    """A source bucket, its twin, and a role that may do just what it is given."""

    lab: Lab
    twin_account: str = ACCOUNT
    locked: tuple[bool, bool] = (False, False)
    name: str = field(default_factory=lambda: f"re-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.twin = f"{self.name}-dr"
        self.s3 = self._create(self.name, REGION, ACCOUNT, self.locked[0])
        self.dr = self._create(self.twin, DR, self.twin_account, self.locked[1])
        self.iam = self.lab.server.client("iam", REGION)
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=policy(trust))

    def _create(self, name: str, region: str, account: str, locked: bool) -> Any:
        s3 = self.lab.server.client("s3", region, account)
        s3.create_bucket(
            Bucket=name,
            ObjectLockEnabledForBucket=locked,
            CreateBucketConfiguration={"LocationConstraint": region},
        )
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return s3

    @property
    def role(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{self.name}"

    def grant(self, *statements: dict[str, Any]) -> None:
        """Let the role do this, and nothing else."""
        self.iam.put_role_policy(
            RoleName=self.name, PolicyName="p", PolicyDocument=policy(*statements)
        )

    def trust(self, statement: dict[str, Any]) -> None:
        self.iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=policy(statement))

    def replicate(self, role: str = "", **changes: Any) -> None:
        destination = {
            "Bucket": f"arn:aws:s3:::{self.twin}",
            "Account": self.twin_account,
            **changes.pop("Destination", {}),
        }
        rule = self.lab.replication_rule(self.twin, Destination=destination, **changes)
        self.put_rules(rule, role=role)

    def put_rules(self, *rules: dict[str, Any], role: str = "") -> None:
        self.s3.put_bucket_replication(
            Bucket=self.name,
            ReplicationConfiguration={"Role": role or self.role, "Rules": list(rules)},
        )

    def put(self, **more: Any) -> str:
        """The replication status of a new object ``k``, and whether its replica is really there."""
        self.s3.put_object(Bucket=self.name, Key="k", Body=b"x", **more)
        secret = {k: v for k, v in more.items() if k.startswith("SSECustomer")}
        found = self.s3.head_object(Bucket=self.name, Key="k", **secret)
        status = str(found.get("ReplicationStatus", ""))
        there = "Contents" in self.dr.list_objects_v2(Bucket=self.twin)
        assert there == (status == "COMPLETED"), f"{status}, but a replica: {there}"
        return status

    def replica(self) -> Any:
        return self.dr.head_object(Bucket=self.twin, Key="k")

    def asked(self) -> dict[str, set[bool]]:
        """What IAM was asked about the role, and all its answers."""
        answers: dict[str, set[bool]] = {}
        for row in self.lab.server.decisions():
            if (row["role"], row["account"]) == (self.name, ACCOUNT):
                answers.setdefault(row["action"], set()).add(row["allowed"])
        return answers


@pytest.fixture
def pair(lab: Lab) -> Pair:
    return Pair(lab)


def test_a_role_with_all_permissions_replicates_and_each_is_asked_for(pair: Pair) -> None:
    pair.grant(allow(*ALL))
    pair.replicate()
    assert pair.put(Tagging="a=b") == "COMPLETED"
    assert pair.replica()["ReplicationStatus"] == "REPLICA"
    tags = pair.dr.get_object_tagging(Bucket=pair.twin, Key="k")["TagSet"]
    assert tags == [{"Key": "a", "Value": "b"}]
    pair.s3.delete_object(Bucket=pair.name, Key="k")
    assert "Contents" not in pair.dr.list_objects_v2(Bucket=pair.twin)
    assert pair.asked() == {action: {True} for action in ALL}


@pytest.mark.parametrize(
    "missing", [*READS, *OBJECT_READS, "s3:ReplicateObject", "s3:ReplicateTags"]
)
def test_without_a_permission_nothing_is_written(pair: Pair, missing: str) -> None:
    pair.grant(allow(*(action for action in ALL if action != missing)))
    pair.replicate()
    assert pair.put(Tagging="a=b") == "FAILED"
    assert pair.asked()[missing] == {False}
    pair.grant(allow(*ALL))
    assert pair.put(Tagging="a=b") == "COMPLETED", "the permission was all that was missing"


def test_without_reading_tags_the_replica_has_none(pair: Pair) -> None:
    pair.grant(allow(*(action for action in ALL if action != "s3:GetObjectVersionTagging")))
    pair.replicate()
    assert pair.put(Tagging="a=b") == "COMPLETED"
    assert pair.dr.get_object_tagging(Bucket=pair.twin, Key="k")["TagSet"] == []


def test_tag_permissions_are_not_asked_for_without_tags(pair: Pair) -> None:
    pair.grant(allow(*(a for a in ALL if a not in ("s3:ReplicateTags", "s3:ReplicateDelete"))))
    pair.replicate()
    assert pair.put() == "COMPLETED"
    assert {True} == set().union(*pair.asked().values()), "nothing was denied"


def test_delete_markers_need_a_permission_of_their_own(pair: Pair) -> None:
    pair.grant(allow(*(action for action in ALL if action != "s3:ReplicateDelete")))
    pair.replicate()
    assert pair.put() == "COMPLETED"
    pair.s3.delete_object(Bucket=pair.name, Key="k")
    pair.replica()
    assert pair.asked()["s3:ReplicateDelete"] == {False}


def test_a_role_that_is_missing_or_does_not_trust_s3_replicates_nothing(pair: Pair) -> None:
    pair.grant(allow(*ALL))
    pair.replicate(role=f"{pair.role}-missing")
    assert pair.put() == "FAILED"
    pair.replicate(role=pair.role.replace("role/", "role/path/"))
    assert pair.put() == "FAILED"
    pair.replicate()
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    pair.trust({**assume, "Principal": {"Service": "lambda.amazonaws.com"}})
    assert pair.put() == "FAILED"
    s3 = {**assume, "Principal": {"Service": "s3.amazonaws.com"}}
    account = {"aws:SourceAccount": ACCOUNT}
    pair.trust({**s3, "Condition": {"StringEquals": account}})
    assert pair.put() == "FAILED", "S3 is not documented to name the account"
    pair.trust({**s3, "Condition": {"StringEqualsIfExists": account}})
    assert pair.put() == "COMPLETED"


def test_the_owner_in_a_condition_is_the_bucket_s_own(lab: Lab) -> None:
    pair = Pair(lab, OTHER)
    read = [*READS, *OBJECT_READS]
    write = "s3:ReplicateObject"
    granted = {
        "Effect": "Allow",
        "Principal": {"AWS": pair.role},
        "Action": write,
        "Resource": f"arn:aws:s3:::{pair.twin}/*",
    }
    pair.dr.put_bucket_policy(Bucket=pair.twin, Policy=policy(granted))
    pair.replicate()
    mine, other = {"s3:ResourceAccount": ACCOUNT}, {"s3:ResourceAccount": OTHER}
    for reading, writing, status in (
        (mine, mine, "FAILED"),
        (other, other, "FAILED"),
        (mine, other, "COMPLETED"),
    ):
        pair.grant(allow(*read, when=reading), allow(write, when=writing))
        assert pair.put() == status, (reading, writing)


def test_another_account_has_to_agree(lab: Lab) -> None:
    pair = Pair(lab, OTHER)
    pair.grant(allow(*ALL, "s3:ObjectOwnerOverrideToBucketOwner"))
    pair.replicate(Destination={"AccessControlTranslation": {"Owner": "Destination"}})
    assert pair.put() == "FAILED"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": pair.role},
        "Action": ["s3:ReplicateObject", "s3:ReplicateTags"],
        "Resource": f"arn:aws:s3:::{pair.twin}/*",
    }
    pair.dr.put_bucket_policy(Bucket=pair.twin, Policy=policy(statement))
    assert pair.put(Tagging="a=b") == "COMPLETED", "the destination owns its objects anyhow"
    assert pair.asked()["s3:ObjectOwnerOverrideToBucketOwner"] == {True}, "it is asked for anyhow"
    pair.s3.delete_object(Bucket=pair.name, Key="k")
    pair.replica()
    statement["Action"] = "s3:Replicate*"
    pair.dr.put_bucket_policy(Bucket=pair.twin, Policy=policy(statement))
    pair.s3.delete_object(Bucket=pair.name, Key="k")
    assert "Contents" not in pair.dr.list_objects_v2(Bucket=pair.twin)
    pair.dr.put_bucket_ownership_controls(
        Bucket=pair.twin,
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    )
    assert pair.put() == "FAILED", "now the owner has to be overridden by permission"
    statement["Action"] = ["s3:Replicate*", "s3:ObjectOwnerOverrideToBucketOwner"]
    pair.dr.put_bucket_policy(Bucket=pair.twin, Policy=policy(statement))
    assert pair.put() == "COMPLETED"


def test_an_explicit_denial_of_a_bucket_wins(pair: Pair) -> None:
    pair.grant(allow(*ALL))
    pair.replicate()
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:ReplicateObject",
        "Resource": f"arn:aws:s3:::{pair.twin}/*",
    }
    pair.dr.put_bucket_policy(Bucket=pair.twin, Policy=policy(deny))
    assert pair.put() == "FAILED"


def test_each_destination_gets_its_copy_by_the_rule_of_highest_priority(lab: Lab) -> None:
    pair, elsewhere = Pair(lab), Pair(lab)
    pair.grant(allow(*ALL))
    low = lab.replication_rule(pair.twin)
    low["Destination"]["StorageClass"] = "GLACIER_IR"
    high = lab.replication_rule(pair.twin, ID="high", Priority=2)
    third = lab.replication_rule(elsewhere.twin, ID="third")
    pair.put_rules(low, high, third)
    assert pair.put() == "COMPLETED"
    assert "StorageClass" not in pair.replica()
    elsewhere.replica()
    elsewhere.dr.put_bucket_versioning(
        Bucket=elsewhere.twin, VersioningConfiguration={"Status": "Suspended"}
    )
    pair.s3.put_object(Bucket=pair.name, Key="k2")
    head = pair.s3.head_object(Bucket=pair.name, Key="k2")
    assert head["ReplicationStatus"] == "FAILED", "one of two destinations did not get it"


class Keys:
    """A KMS key in each region, and the rule and permissions of a pair that uses them."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.here, self.there = (
            pair.lab.server.client("kms", region).create_key()["KeyMetadata"]["Arn"]
            for region in (REGION, DR)
        )
        self.source_context = f"arn:aws:s3:::{pair.name}/k"
        self.twin_context = f"arn:aws:s3:::{pair.twin}/k"
        self.twin_actions = ["kms:Encrypt", "kms:GenerateDataKey"]

    def permissions(self) -> list[dict[str, Any]]:
        """Exactly what is needed."""
        return [
            allow(*ALL),
            allow("kms:Decrypt", resource=self.here, when=_via(REGION, self.source_context)),
            allow(*self.twin_actions, resource=self.there, when=_via(DR, self.twin_context)),
        ]

    def replicate(self, key: str = "") -> None:
        self.pair.replicate(
            SourceSelectionCriteria={"SseKmsEncryptedObjects": {"Status": "Enabled"}},
            Destination={"EncryptionConfiguration": {"ReplicaKmsKeyID": key or self.there}},
        )

    def put(self, algorithm: str = "aws:kms", **more: Any) -> str:
        return self.pair.put(ServerSideEncryption=algorithm, SSEKMSKeyId=self.here, **more)


def _via(region: str, context: str) -> dict[str, str]:
    return {
        "kms:ViaService": f"s3.{region}.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": context,
    }


@pytest.fixture
def keys(pair: Pair) -> Keys:
    return Keys(pair)


@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse"])
def test_kms_objects_are_skipped_in_silence_unless_the_rule_wants_them(
    keys: Keys, algorithm: str
) -> None:
    keys.pair.grant(*keys.permissions())
    keys.pair.replicate()
    assert keys.put(algorithm) == ""
    keys.replicate()
    assert keys.put(algorithm) == "COMPLETED"
    replica = keys.pair.replica()
    assert (replica["ServerSideEncryption"], replica["SSEKMSKeyId"]) == (algorithm, keys.there)
    assert keys.pair.asked()["kms:GenerateDataKey"] == {True}


@pytest.mark.parametrize("missing", ["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"])
def test_kms_permissions_of_the_role_are_needed(keys: Keys, missing: str) -> None:
    permissions = keys.permissions()
    for statement in permissions:
        statement["Action"] = [a for a in statement["Action"] if a != missing] or ["s3:x"]
    keys.pair.grant(*permissions)
    keys.replicate()
    assert keys.put() == "FAILED"
    assert keys.pair.asked()[missing] == {False}


def test_a_bucket_key_changes_the_context_and_needs_decrypt(keys: Keys) -> None:
    keys.replicate()
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"},
        "BucketKeyEnabled": True,
    }
    keys.pair.dr.put_bucket_encryption(
        Bucket=keys.pair.twin, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    keys.pair.grant(*keys.permissions())
    assert keys.put(BucketKeyEnabled=True) == "FAILED", "the contexts are the buckets now"
    keys.source_context = f"arn:aws:s3:::{keys.pair.name}"
    keys.twin_context = f"arn:aws:s3:::{keys.pair.twin}"
    keys.pair.grant(*keys.permissions())
    assert keys.put(BucketKeyEnabled=True) == "FAILED", "a Bucket Key has to be decrypted"
    keys.twin_actions.append("kms:Decrypt")
    keys.pair.grant(*keys.permissions())
    assert keys.put(BucketKeyEnabled=True) == "COMPLETED"
    assert keys.pair.replica()["BucketKeyEnabled"] is True


@pytest.mark.parametrize("used", [True, False])
def test_the_replica_has_a_bucket_key_if_the_object_has(keys: Keys, used: bool) -> None:
    """Whatever the twin's default says."""
    default = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"},
        "BucketKeyEnabled": not used,
    }
    keys.pair.dr.put_bucket_encryption(
        Bucket=keys.pair.twin, ServerSideEncryptionConfiguration={"Rules": [default]}
    )
    if used:
        keys.source_context = f"arn:aws:s3:::{keys.pair.name}"
        keys.twin_context = f"arn:aws:s3:::{keys.pair.twin}"
        keys.twin_actions.append("kms:Decrypt")
    keys.pair.grant(*keys.permissions())
    keys.replicate()
    assert keys.put(BucketKeyEnabled=used) == "COMPLETED"
    assert keys.pair.replica().get("BucketKeyEnabled", False) is used


def test_what_is_archived_is_not_replicated(pair: Pair) -> None:
    pair.grant(allow(*ALL))
    pair.replicate()
    for storage in ("GLACIER", "DEEP_ARCHIVE"):
        assert pair.put(StorageClass=storage) == ""
    assert pair.put(StorageClass="INTELLIGENT_TIERING") == "COMPLETED"


def test_an_upload_in_parts_has_the_date_and_the_place_of_its_beginning(pair: Pair) -> None:
    pair.grant(allow(*ALL))
    pair.replicate()
    upload = pair.s3.create_multipart_upload(Bucket=pair.name, Key="k")["UploadId"]
    which = {"Bucket": pair.name, "Key": "k", "UploadId": upload}
    etag = pair.s3.upload_part(**which, PartNumber=1, Body=b"in parts")["ETag"]
    time.sleep(0.005)
    later = pair.s3.put_object(Bucket=pair.name, Key="k", Body=b"later")["VersionId"]

    parts = {"Parts": [{"ETag": etag, "PartNumber": 1}]}
    early = pair.s3.complete_multipart_upload(**which, MultipartUpload=parts)["VersionId"]

    for s3, name in ((pair.s3, pair.name), (pair.dr, pair.twin)):
        listed = s3.list_object_versions(Bucket=name)["Versions"]
        assert [(v["VersionId"], v["IsLatest"]) for v in listed] == [(later, True), (early, False)]
        assert listed[1]["LastModified"] < listed[0]["LastModified"]
        assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"later"
        old = s3.get_object(Bucket=name, Key="k", VersionId=early)
        assert old["Body"].read() == b"in parts"


def test_the_upload_that_began_last_is_current_although_a_marker_came_between(pair: Pair) -> None:
    pair.s3.put_object(Bucket=pair.name, Key="k", Body=b"old")
    upload = pair.s3.create_multipart_upload(Bucket=pair.name, Key="k")["UploadId"]
    which = {"Bucket": pair.name, "Key": "k", "UploadId": upload}
    etag = pair.s3.upload_part(**which, PartNumber=1, Body=b"in parts")["ETag"]
    time.sleep(0.005)
    pair.s3.delete_object(Bucket=pair.name, Key="k")

    parts = {"Parts": [{"ETag": etag, "PartNumber": 1}]}
    pair.s3.complete_multipart_upload(**which, MultipartUpload=parts)

    assert "Contents" not in pair.s3.list_objects_v2(Bucket=pair.name), "the marker is newer"


def test_the_key_policies_have_to_allow_it_too(keys: Keys) -> None:
    keys.pair.grant(*keys.permissions())
    keys.replicate()
    for arn, region in ((keys.here, REGION), (keys.there, DR)):
        kms = keys.pair.lab.server.client("kms", region)
        stored = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
        nobody = {**allow("kms:*"), "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}}
        kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=policy(nobody))
        assert keys.put() == "FAILED", arn
        kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=stored)
    assert keys.put() == "COMPLETED"


def test_a_key_that_cannot_be_used_fails_the_replica(keys: Keys) -> None:
    keys.pair.grant(*keys.permissions())
    unknown = f"arn:aws:kms:{DR}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
    keys.replicate(unknown)
    assert keys.put() == "FAILED"
    keys.replicate()
    kms = keys.pair.lab.server.client("kms", DR)
    kms.disable_key(KeyId=keys.there)
    assert keys.put() == "FAILED"
    kms.enable_key(KeyId=keys.there)
    assert keys.put() == "COMPLETED"
    kms.schedule_key_deletion(KeyId=keys.there)
    keys.pair.dr.delete_object(Bucket=keys.pair.twin, Key="k")
    assert keys.put() == "FAILED"


def test_a_key_of_another_region_fails_the_replica(keys: Keys) -> None:
    keys.pair.grant(allow("kms:*", "s3:*"))
    keys.replicate()
    keys.here, right = keys.there, keys.here
    assert keys.put() == "FAILED", "S3 encrypts with keys of the bucket's region"
    keys.here = right
    assert keys.put() == "COMPLETED"


def test_a_replica_key_of_another_account_needs_its_policy(lab: Lab, keys: Keys) -> None:
    kms = lab.server.client("kms", DR, OTHER)
    keys.there = kms.create_key()["KeyMetadata"]["Arn"]
    keys.pair.grant(*keys.permissions())
    keys.replicate()
    assert keys.put() == "FAILED"
    granted = {
        **allow("kms:Encrypt", "kms:GenerateDataKey"),
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Condition": {"ArnLike": {"aws:PrincipalArn": keys.pair.role}},
    }
    kms.put_key_policy(KeyId=keys.there, PolicyName="default", Policy=policy(granted))
    assert keys.put() == "COMPLETED"


def test_the_aws_managed_key_of_the_source_is_decrypted_by_permission(keys: Keys) -> None:
    pair = keys.pair
    keys.replicate()
    pair.grant(*keys.permissions())
    assert pair.put(ServerSideEncryption="aws:kms") == "FAILED"
    keys.here = pair.s3.head_object(Bucket=pair.name, Key="k")["SSEKMSKeyId"]
    pair.grant(*keys.permissions())
    assert pair.put(ServerSideEncryption="aws:kms") == "COMPLETED"
    assert pair.replica()["SSEKMSKeyId"] == keys.there


def test_sse_c_enters_no_bucket_that_blocks_it(pair: Pair) -> None:
    pair.grant(allow(*ALL))
    pair.replicate()
    secret = b"0" * 32
    customer = {
        "SSECustomerAlgorithm": "AES256",
        "SSECustomerKey": b64encode(secret).decode(),
        "SSECustomerKeyMD5": b64encode(md5(secret).digest()).decode(),
    }
    for s3, name, status in ((pair.s3, pair.name, "FAILED"), (pair.dr, pair.twin, "COMPLETED")):
        rule = {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
        }
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
        assert pair.put(**customer) == status


def test_a_locked_source_needs_a_locked_destination(lab: Lab) -> None:
    pair = Pair(lab, locked=(True, False))
    pair.grant(allow(*ALL, *LOCK_READS))
    pair.replicate()
    assert pair.put() == "FAILED"
    pair.dr.put_object_lock_configuration(
        Bucket=pair.twin, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    )
    assert pair.put() == "COMPLETED"


@pytest.mark.parametrize("missing", LOCK_READS)
def test_a_locked_source_is_read_with_more_permissions(lab: Lab, missing: str) -> None:
    pair = Pair(lab, locked=(True, True))
    pair.grant(allow(*(action for action in [*ALL, *LOCK_READS] if action != missing)))
    pair.replicate()
    assert pair.put() == "FAILED"
    assert pair.asked()[missing] == {False}
    pair.grant(allow(*ALL, *LOCK_READS))
    assert pair.put() == "COMPLETED"


def test_the_replica_is_locked_as_the_object_is_or_as_its_bucket_says(lab: Lab) -> None:
    pair = Pair(lab, locked=(True, True))
    pair.grant(allow(*ALL, *LOCK_READS))
    pair.replicate()
    pair.dr.put_object_lock_configuration(
        Bucket=pair.twin,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 7}},
        },
    )
    assert pair.put() == "COMPLETED"
    replica = pair.replica()
    assert replica["ObjectLockMode"] == "GOVERNANCE"
    days = (replica["ObjectLockRetainUntilDate"] - datetime.now(UTC)).days
    assert days in (6, 7)
    until = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    lock = {
        "ObjectLockMode": "COMPLIANCE",
        "ObjectLockRetainUntilDate": until,
        "ObjectLockLegalHoldStatus": "ON",
    }
    assert pair.put(**lock) == "COMPLETED"
    replica = pair.replica()
    assert {name: replica[name] for name in lock} == lock


def test_the_helper_s_role_replicates_everything(lab: Lab) -> None:
    pair = Pair(lab, locked=(True, True))
    keys = Keys(pair)
    keys.replicate()
    role = lab.server.replication_role("re-everything")
    assert role == lab.server.replication_role("re-everything"), "it may be there already"
    pair.put_rules(
        *pair.s3.get_bucket_replication(Bucket=pair.name)["ReplicationConfiguration"]["Rules"],
        role=role,
    )
    assert keys.put(Tagging="a=b") == "COMPLETED"
