"""examples/cross_account: the twins are out of reach of the account that has the buckets."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from e2e.examples import Example
from e2e.kinds import check, encrypt, our_rule, put_tags
from harness.deployment import Deployment

pytestmark = pytest.mark.terraform

THIRD_ACCOUNT = "999900002222"


@pytest.fixture(scope="module")
def stack(cross_account: Example) -> Deployment:
    return cross_account.stack


@pytest.fixture(scope="module")
def bucket(stack: Deployment, either_world: str) -> str:
    """A protected bucket whose default encryption is KMS; one in each world."""
    name = stack.create_bucket("two-accounts")
    encrypt(stack.source_s3, name, {"SSEAlgorithm": "aws:kms"}, bucket_key=True)
    put_tags(stack, name, dr="true")
    stack.wait_for_rule(name)
    stack.settle()
    return name


def test_the_twin_is_in_the_dr_account(stack: Deployment, bucket: str) -> None:
    twin = stack.twin(bucket)

    assert stack.has_two_accounts
    assert names(stack.dr_s3) >= {twin} and bucket not in names(stack.dr_s3)
    assert names(stack.source_s3) >= {bucket} and twin not in names(stack.source_s3)
    assert stack.dr_s3.head_bucket(Bucket=twin)["BucketRegion"] == stack.dr_region


def test_the_rule_gives_the_replicas_to_the_dr_account(stack: Deployment, bucket: str) -> None:
    assert stack.rules(bucket) == {"s3-dr": our_rule(stack, bucket)}
    destination = stack.rules(bucket)["s3-dr"]["Destination"]
    assert destination["Account"] == stack.dr_account
    assert destination["AccessControlTranslation"] == {"Owner": "Destination"}


def test_nobody_of_the_source_account_reaches_the_twin(stack: Deployment, bucket: str) -> None:
    """Not its root, and not one of its roles that IAM lets do everything."""
    assert put(stack, bucket, "kept") == "COMPLETED"
    twin = stack.twin(bucket)
    root = stack.local_aws.client("s3", stack.dr_region, account=stack.account)
    mighty = client(stack, "s3", stack.dr_region, stack.account, "s3:*")

    for s3 in (root, mighty):
        for call, arguments in (
            (s3.get_object, {"Key": "kept"}),
            (s3.delete_object, {"Key": "kept"}),
            (s3.put_object, {"Key": "kept", "Body": b""}),
            (s3.delete_bucket_policy, {}),
            (s3.put_bucket_tagging, {"Tagging": {"TagSet": []}}),
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                call(Bucket=twin, **arguments)
    assert stack.dr_s3.get_object(Bucket=twin, Key="kept")["Body"].read() == b"value"


@pytest.mark.parametrize("whose", ["source", "third"])
def test_a_name_that_is_taken(stack: Deployment, whose: str) -> None:
    """The source account's own bucket is somebody else's, too: the twin belongs to the other."""
    account = {"source": stack.account, "third": THIRD_ACCOUNT}[whose]
    source = stack.create_bucket(f"taken-by-{whose}")
    stack.create_bucket(stack.twin(source), region=stack.dr_region, account=account)

    put_tags(stack, source, dr="true")

    record = stack.wait_for_record("source_bucket_check", bucket=source, outcome="blocked")
    assert record["reason"] == "TWIN_NAME_TAKEN"
    stack.settle()
    assert stack.rules(source) == {}
    assert "Status" not in stack.source_s3.get_bucket_versioning(Bucket=source)


@pytest.mark.parametrize("from_side", ["source", "dr", "third"])
@pytest.mark.parametrize("topic", [0, 1], ids=["topic-01", "topic-02"])
def test_a_forged_message_is_refused(stack: Deployment, topic: int, from_side: str) -> None:
    """However mighty its sender in whichever account."""
    arn = stack.outputs["topics"][topic]["arn"]
    account = {"source": stack.account, "dr": stack.dr_account, "third": THIRD_ACCOUNT}[from_side]
    region = arn.split(":")[3]
    message = json.dumps({"version": 1, "bucket": "victim", "correlation_id": "x"})

    sns = client(stack, "sns", region, account, "sns:*", "kms:*")

    with pytest.raises(ClientError, match=r"AuthorizationError|AccessDenied|not authorized"):
        sns.publish(TopicArn=arn, Message=message)


@pytest.mark.parametrize("side", ["source", "twin"])
def test_the_reader_roles_are_for_the_functions_only(stack: Deployment, side: str) -> None:
    role = stack.outputs["reader_roles"][side]["arn"]
    account = {"source": stack.dr_account, "twin": stack.account}[side]

    sts = client(stack, "sts", stack.source_region, account, "sts:*")

    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=role, RoleSessionName="forger")


def test_a_delete_is_copied(stack: Deployment, bucket: str) -> None:
    assert put(stack, bucket, "deleted") == "COMPLETED"

    stack.source_s3.delete_object(Bucket=bucket, Key="deleted")

    with pytest.raises(ClientError, match="NoSuchKey"):
        stack.dr_s3.get_object(Bucket=stack.twin(bucket), Key="deleted")


def test_a_prepared_twin_is_taken(stack: Deployment) -> None:
    """A bucket that the DR account made and marked for this source."""
    source = stack.create_bucket("prepared")
    mark = [{"Key": "s3-dr:source-bucket", "Value": source}]
    twin = stack.create_bucket(stack.twin(source), region=stack.dr_region, tags=mark)

    put_tags(stack, source, dr="true")

    stack.wait_for_rule(source)
    assert stack.dr_s3.get_bucket_versioning(Bucket=twin)["Status"] == "Enabled"
    assert [each["Sid"] for each in twin_policy(stack, twin)["Statement"]] == [
        "S3DrDenyInsecureTransport",
        "S3DrReplication",
        "S3DrReplicationLooks",
    ]
    assert put(stack, source, "k") == "COMPLETED"


def test_a_locked_bucket_in_sync_is_only_read(stack: Deployment) -> None:
    source = stack.create_bucket("two-accounts-locked", lock=True)
    put_tags(stack, source, dr="true")
    stack.wait_for_rule(source)
    stack.settle()
    began = time.time()

    check(stack, [source])

    stack.settle()
    assert [each for each in stack.calls(began, source) if stack.is_write(each)] == []


def test_without_the_twins_consent_nothing_is_copied(stack: Deployment, bucket: str) -> None:
    """A statement that is taken out of the twin's policy is put back by the next check."""
    twin = stack.twin(bucket)
    whole = twin_policy(stack, twin)
    less = {**whole, "Statement": [s for s in whole["Statement"] if s["Effect"] == "Deny"]}
    assert len(less["Statement"]) == 1
    stack.dr_s3.put_bucket_policy(Bucket=twin, Policy=json.dumps(less))
    assert put(stack, bucket, "refused") == "FAILED"
    began = time.time()

    check(stack, [bucket])

    stack.settle()
    assert twin_policy(stack, twin) == whole
    writes = [each["operation"] for each in stack.calls(began, bucket) if stack.is_write(each)]
    assert writes == ["PutBucketPolicy"]
    assert put(stack, bucket, "accepted") == "COMPLETED"


def test_without_the_right_to_encrypt_nothing_is_copied(stack: Deployment, bucket: str) -> None:
    with statement_taken(stack, "EncryptReplicas"):
        assert put(stack, bucket, "not-encrypted") == "FAILED"

    assert put(stack, bucket, "encrypted") == "COMPLETED"


def test_without_the_keys_consent_nothing_is_copied(stack: Deployment, bucket: str) -> None:
    """IAM of the source account is not enough: the key's own policy has to let the role in."""
    kms = stack.client("kms", stack.dr_region)
    key = stack.dr_key_arn.rpartition("/")[2]
    whole = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    document = json.loads(whole)
    kept = [s for s in document["Statement"] if s["Sid"] != "ReplicationFromTheOtherAccount"]
    assert len(kept) == 1
    kms.put_key_policy(
        KeyId=key, PolicyName="default", Policy=json.dumps({**document, "Statement": kept})
    )
    try:
        assert put(stack, bucket, "key-refused") == "FAILED"
    finally:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=whole)

    assert put(stack, bucket, "key-accepted") == "COMPLETED"


def test_nothing_went_wrong_unseen(stack: Deployment) -> None:
    stack.settle()

    assert stack.local_aws.errors() == []
    assert stack.queue_depth("source") == 0
    assert stack.queue_depth("dr") == 0
    failed = [record for record in stack.records() if record["outcome"] == "failed"]
    assert [record for record in failed if not was_made_to_fail(record)] == []


def was_made_to_fail(record: dict[str, Any]) -> bool:
    """Whether a test of late messages had this failure."""
    if record["function"] == "sweep":
        return "GetResources" in record["detail"]
    return str(record["bucket"]).startswith("fails-")


def names(s3: Any) -> set[str]:
    return {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


def put(stack: Deployment, bucket: str, key: str) -> str:
    """Puts an object; returns what became of its replication."""
    stack.source_s3.put_object(Bucket=bucket, Key=key, Body=b"value")
    return stack.replication_status(bucket, key)


def twin_policy(stack: Deployment, twin: str) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(stack.dr_s3.get_bucket_policy(Bucket=twin)["Policy"])
    return policy


@contextmanager
def statement_taken(stack: Deployment, sid: str) -> Iterator[None]:
    """While this lasts, the replication role's policy lacks a statement."""
    iam = stack.client("iam", stack.source_region)
    name = stack.outputs["replication_role"]["name"]
    policy = iam.get_role_policy(RoleName=name, PolicyName=name)["PolicyDocument"]
    less = [s for s in policy["Statement"] if s["Sid"] != sid]
    assert len(less) == len(policy["Statement"]) - 1

    def put_policy(statements: list[Any]) -> None:
        document = json.dumps({**policy, "Statement": statements})
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=document)

    put_policy(less)
    try:
        yield
    finally:
        put_policy(policy["Statement"])


def client(stack: Deployment, service: str, region: str, account: str, *actions: str) -> Any:
    """A client with a role of an account that IAM lets do all that with everything."""
    iam, sts = (stack.local_aws.client(each, region, account=account) for each in ("iam", "sts"))
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    power = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    name = f"mighty-{service}"
    try:
        role = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="power", PolicyDocument=policy(power))
    answer = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="forger")
    return stack.local_aws.client(
        service, region, account=account, credentials=answer["Credentials"]
    )


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
