"""The module as a user has it: applied by Terraform, its zip run, its IAM policies enforced."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.deployment import Deployment

pytestmark = pytest.mark.terraform

TAG = {"Key": "dr", "Value": "true"}


@pytest.mark.usefixtures("either_world")
def test_tag_after_creation(stack: Deployment) -> None:
    source = stack.create_bucket("tagged-later")

    stack.source_s3.put_bucket_tagging(Bucket=source, Tagging={"TagSet": [TAG]})

    assert_protected(stack, source)


def test_one_tag_among_several(stack: Deployment) -> None:
    source = stack.create_bucket("tagged-among-others")

    tags = [{"Key": "team", "Value": "red"}, TAG]
    stack.source_s3.put_bucket_tagging(Bucket=source, Tagging={"TagSet": tags})

    assert_protected(stack, source)


@pytest.mark.usefixtures("either_world")
def test_created_with_the_tag(stack: Deployment) -> None:
    source = stack.create_bucket("born-tagged", tags=[TAG])

    assert_protected(stack, source)


@pytest.mark.usefixtures("either_world")
def test_tagged_through_s3_control(stack: Deployment) -> None:
    source = stack.create_bucket("tagged-by-console")

    stack.client("s3control", stack.source_region).tag_resource(
        AccountId=stack.account, ResourceArn=f"arn:aws:s3:::{source}", Tags=[TAG]
    )

    assert_protected(stack, source)


def test_asked_for_by_an_operator(stack: Deployment) -> None:
    """A bucket that was tagged while nobody listened is found by a check request."""
    source = stack.create_bucket("tagged-unseen")
    with stack.events_lost():
        stack.source_s3.put_bucket_tagging(Bucket=source, Tagging={"TagSet": [TAG]})

    stack.request_check(source)

    assert_protected(stack, source)


@pytest.mark.usefixtures("either_world")
def test_objects_arrive(stack: Deployment) -> None:
    source = stack.create_bucket("with-objects", tags=[TAG])
    assert_protected(stack, source)

    stack.source_s3.put_object(Bucket=source, Key="a/b.txt", Body=b"hello", Metadata={"k": "v"})
    stack.source_s3.put_object(Bucket=source, Key="gone.txt", Body=b"x")
    stack.source_s3.delete_object(Bucket=source, Key="gone.txt")

    replica = stack.dr_s3.get_object(Bucket=f"{source}-dr", Key="a/b.txt")
    assert replica["Body"].read() == b"hello"
    assert replica["Metadata"] == {"k": "v"}
    assert replica["ReplicationStatus"] == "REPLICA"
    keys = [o["Key"] for o in stack.dr_s3.list_objects_v2(Bucket=f"{source}-dr")["Contents"]]
    assert keys == ["a/b.txt"], "a delete marker hides the object in the twin too"


@pytest.mark.usefixtures("either_world")
def test_second_check_writes_nothing(stack: Deployment) -> None:
    source = stack.create_bucket("checked-twice", tags=[TAG])
    assert_protected(stack, source)
    stack.settle()
    before = time.time()

    stack.request_check(source)

    stack.wait_for_record("enable_replication", bucket=source, outcome="protected", since=before)
    writes = [c for c in stack.calls(since=before, bucket=source) if stack.is_write(c)]
    assert writes == [], "a bucket that is in sync is checked with reads only"


def test_five_events_at_once(stack: Deployment) -> None:
    source = stack.create_bucket("five-at-once", tags=[TAG])

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(stack.request_check, [source] * 5))

    assert_protected(stack, source)
    stack.settle()
    assert_protected(stack, source)
    failed = [r for r in stack.records(bucket=source) if r["outcome"] == "failed"]
    assert failed == [], "runs that meet each other make no error"


@pytest.mark.usefixtures("either_world")
def test_rule_deleted_by_hand_is_put_back(stack: Deployment) -> None:
    source = stack.create_bucket("rule-deleted", tags=[TAG])
    assert_protected(stack, source)
    stack.settle()

    stack.source_s3.delete_bucket_replication(Bucket=source)

    assert_protected(stack, source)


@pytest.mark.usefixtures("either_world")
def test_foreign_rule_is_kept(stack: Deployment) -> None:
    other = stack.create_bucket("foreign-target", region=stack.dr_region, versioned=True)
    source = stack.create_bucket("with-foreign-rule", versioned=True)
    foreign = {
        "ID": "theirs",
        "Priority": 7,
        "Filter": {"Prefix": "logs/"},
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{other}"},
    }
    stack.source_s3.put_bucket_replication(
        Bucket=source,
        ReplicationConfiguration={"Role": stack.replication_role_arn, "Rules": [foreign]},
    )

    stack.source_s3.put_bucket_tagging(Bucket=source, Tagging={"TagSet": [TAG]})

    rules = assert_protected(stack, source)
    assert rules["theirs"] == foreign
    assert rules["s3-dr"]["Priority"] != foreign["Priority"]


def test_locked_source_gets_a_locked_twin(stack: Deployment) -> None:
    source = stack.create_bucket("locked", tags=[TAG], lock=True)
    assert_protected(stack, source)
    lock = stack.dr_s3.get_object_lock_configuration(Bucket=f"{source}-dr")

    stack.source_s3.put_object(Bucket=source, Key="k", Body=b"v", ObjectLockLegalHoldStatus="ON")

    assert lock["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}
    replica = stack.dr_s3.head_object(Bucket=f"{source}-dr", Key="k")
    assert replica["ObjectLockLegalHoldStatus"] == "ON"


def unmarked_twin(stack: Deployment) -> str:
    stack.create_bucket("unmarked-dr", region=stack.dr_region)
    return stack.create_bucket("unmarked")


def foreign_twin(stack: Deployment) -> str:
    stack.create_bucket("sniped-dr", region=stack.dr_region, account="999900001111")
    return stack.create_bucket("sniped")


def shared_twin(stack: Deployment) -> str:
    tags = [{"Key": "s3-dr:source-bucket", "Value": "shared"}]
    stack.create_bucket("shared-dr", region=stack.dr_region, tags=tags)
    spy = {
        "Sid": "Spy",
        "Effect": "Allow",
        "Principal": {"AWS": "999900001111"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::shared-dr/*",
    }
    stack.dr_s3.put_bucket_policy(Bucket="shared-dr", Policy=policy(spy))
    return stack.create_bucket("shared")


def twin_elsewhere(stack: Deployment) -> str:
    stack.create_bucket("elsewhere-dr", region="eu-west-1")
    return stack.create_bucket("elsewhere")


def kms_default(stack: Deployment) -> str:
    source = stack.create_bucket("kms-default")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    stack.source_s3.put_bucket_encryption(
        Bucket=source, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    return source


def suspended(stack: Deployment) -> str:
    source = stack.create_bucket("suspended", versioned=True)
    stack.source_s3.put_bucket_versioning(
        Bucket=source, VersioningConfiguration={"Status": "Suspended"}
    )
    return source


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (unmarked_twin, "TWIN_NOT_MARKED"),
        (foreign_twin, "TWIN_NAME_TAKEN"),
        (twin_elsewhere, "TWIN_IN_OTHER_REGION"),
        (kms_default, "KMS_WITHOUT_DR_KEY"),
        (suspended, "SOURCE_VERSIONING_SUSPENDED"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_blocked(stack: Deployment, prepare: Callable[[Deployment], str], reason: str) -> None:
    source = prepare(stack)
    versioning = stack.source_s3.get_bucket_versioning(Bucket=source).get("Status")

    stack.source_s3.put_bucket_tagging(Bucket=source, Tagging={"TagSet": [TAG]})

    record = stack.wait_for_record("source_bucket_check", bucket=source, outcome="blocked")
    assert record["reason"] == reason
    assert record["remedy"], "a blocked bucket's record says what to do"
    assert record["level"] == "ERROR"
    stack.settle()
    now = stack.source_s3.get_bucket_versioning(Bucket=source).get("Status")
    assert now == versioning, "a blocked bucket is left as it was found"
    assert stack.rules(source) == {}


def test_a_twin_that_another_account_may_read_is_not_filled(stack: Deployment) -> None:
    source = shared_twin(stack)

    stack.source_s3.put_bucket_tagging(Bucket=source, Tagging={"TagSet": [TAG]})

    record = stack.wait_for_record("destination_bucket_check", bucket=source, outcome="blocked")
    assert record["reason"] == "TWIN_SHARED"
    stack.settle()
    assert stack.rules(source) == {}


def test_twin_that_is_tagged_breeds_no_twin(stack: Deployment) -> None:
    source = stack.create_bucket("with-tagged-twin", tags=[TAG])
    assert_protected(stack, source)
    twin = f"{source}-dr"
    tags = [*stack.dr_s3.get_bucket_tagging(Bucket=twin)["TagSet"], TAG]
    stack.dr_s3.put_bucket_tagging(Bucket=twin, Tagging={"TagSet": tags})

    stack.request_check(twin)

    record = stack.wait_for_record("source_bucket_check", bucket=twin, outcome="ignored")
    assert record["reason"] == "IS_A_TWIN"
    assert not stack.bucket_exists(f"{twin}-dr")


def test_one_protection_is_one_run_of_each_function(stack: Deployment) -> None:
    source = stack.create_bucket("counted", tags=[TAG])
    assert_protected(stack, source)
    stack.settle()

    records = stack.records(bucket=source)
    own = [record for record in records if record.get("reason") == "OWN_EVENT"]
    assert [record["function"] for record in records if record not in own] == [
        "source_bucket_check",
        "destination_bucket_check",
        "enable_replication",
    ], "the journey is made once"
    assert own, "our own functions' calls come back as events and are dropped at the door"


def test_functions_share_one_correlation_id(stack: Deployment) -> None:
    source = stack.create_bucket("correlated", tags=[TAG])
    assert_protected(stack, source)

    records = [r for r in stack.records(bucket=source) if r.get("reason") != "OWN_EVENT"]
    assert len({r["correlation_id"] for r in records}) == 1
    assert records[0]["correlation_id"]


def test_error_ends_in_the_failure_queue(stack: Deployment) -> None:
    source = "denied"
    stack.local_aws.faults(
        [
            {
                "operation": "GetBucketVersioning",
                "bucket": source,
                "code": "AccessDenied",
                "status": 403,
                "message": "Access Denied",
                "times": 100,
            }
        ]
    )

    stack.create_bucket(source, tags=[TAG])  # one event, so one message

    message = stack.receive_failure("source", contains=source)
    assert message["requestPayload"]["detail"]["requestParameters"]["bucketName"] == source
    assert stack.rules(source) == {}
    stack.local_aws.faults([])


def test_only_the_publisher_may_publish(stack: Deployment) -> None:
    """A forged message cannot enrol a bucket, however mighty its sender in this account."""
    sns = stack.local_aws.client("sns", stack.dr_region, credentials=mighty_role(stack))

    with pytest.raises(ClientError, match="not authorized"):
        sns.publish(
            TopicArn=stack.outputs["topics"][0]["arn"],
            Message=json.dumps({"version": 1, "bucket": "victim", "correlation_id": "x"}),
        )


def mighty_role(stack: Deployment) -> dict[str, str]:
    """Credentials of a role of the same account that IAM lets do everything with SNS."""
    iam, sts = (stack.client(service, stack.source_region) for service in ("iam", "sts"))
    trust = {"Effect": "Allow", "Principal": {"AWS": stack.account}, "Action": "sts:AssumeRole"}
    power = {"Effect": "Allow", "Action": "sns:*", "Resource": "*"}
    role = iam.create_role(RoleName="mighty", AssumeRolePolicyDocument=policy(trust))["Role"]
    iam.put_role_policy(RoleName="mighty", PolicyName="sns", PolicyDocument=policy(power))
    answer = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="forger")
    credentials: dict[str, str] = answer["Credentials"]
    return credentials


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_nothing_went_wrong_unseen(stack: Deployment) -> None:
    """Last: the emulator made every event it had to, and no other message was lost."""
    stack.settle()

    assert stack.local_aws.errors() == []
    assert stack.queue_depth("source") == 0
    assert stack.queue_depth("dr") == 0


def assert_protected(stack: Deployment, source: str) -> dict[str, Any]:
    rules = stack.wait_for_rule(source)
    twin = f"{source}-dr"
    dr = stack.dr_s3
    ours = rules["s3-dr"]
    assert ours == {
        "ID": "s3-dr",
        "Priority": ours["Priority"],
        "Filter": {"Prefix": ""},
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{twin}", "Account": stack.account},
    }
    for s3, bucket in ((stack.source_s3, source), (dr, twin)):
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert dr.head_bucket(Bucket=twin)["BucketRegion"] == stack.dr_region
    block = dr.get_public_access_block(Bucket=twin)["PublicAccessBlockConfiguration"]
    assert all(block.values()), "the twin is closed to the public"
    controls = dr.get_bucket_ownership_controls(Bucket=twin)["OwnershipControls"]
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    encryption = dr.get_bucket_encryption(Bucket=twin)["ServerSideEncryptionConfiguration"]
    default = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    assert default["SSEAlgorithm"] == "AES256"
    policy = json.loads(dr.get_bucket_policy(Bucket=twin)["Policy"])
    assert [(s["Effect"], s["Condition"]) for s in policy["Statement"]] == [
        ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    ]
    tags = {t["Key"]: t["Value"] for t in dr.get_bucket_tagging(Bucket=twin)["TagSet"]}
    assert tags["s3-dr:source-bucket"] == source
    return rules
