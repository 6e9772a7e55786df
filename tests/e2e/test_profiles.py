"""Profiles and tags: what each setting makes of the rule, and of the objects put afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from e2e.examples import Example
from e2e.kinds import check_each, foreign_rule, look, our_rule, put_tags
from harness.deployment import Deployment

pytestmark = pytest.mark.terraform

MINUTES = {"Minutes": 15}
# What each profile of examples/complete makes of our rule, beside the plain one.
RULES: dict[str, dict[str, Any]] = {
    "critical": {
        "destination": {
            "ReplicationTime": {"Status": "Enabled", "Time": MINUTES},
            "Metrics": {"Status": "Enabled", "EventThreshold": MINUTES},
        }
    },
    "archive": {
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "destination": {"StorageClass": "GLACIER_IR"},
    },
    "reports": {
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Filter": {"And": {"Prefix": "reports/", "Tags": [{"Key": "keep", "Value": "yes"}]}},
    },
    "shared": {
        "SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}},
        "destination": {"Metrics": {"Status": "Enabled"}},
    },
    "inherited": {},
    "true": {},
}


@pytest.fixture
def stack(complete: Example) -> Deployment:
    return complete.stack


@pytest.fixture(scope="module")
def of_profile(complete: Example) -> Callable[[str], str]:
    """Gives a protected bucket of a profile, by the value of its tag."""
    buckets = {}
    with complete.stack.events_lost():
        for value in RULES:
            buckets[value] = complete.stack.create_bucket(f"profile-{value}")
            put_tags(complete.stack, buckets[value], dr=value)
    endless = check_each(complete.stack, buckets.values())

    def bucket(value: str) -> str:
        assert buckets[value] not in endless, endless[buckets[value]]
        return buckets[value]

    return bucket


@pytest.mark.parametrize("value", RULES)
def test_rule(stack: Deployment, of_profile: Callable[[str], str], value: str) -> None:
    bucket = of_profile(value)

    assert stack.rules(bucket) == {"s3-dr": our_rule(stack, bucket, **RULES[value])}


def test_storage_class(stack: Deployment, of_profile: Callable[[str], str]) -> None:
    bucket = of_profile("archive")

    put(stack, bucket, "k")

    assert stack.replication_status(bucket, "k") == "COMPLETED"
    assert stack.source_s3.head_object(Bucket=bucket, Key="k").get("StorageClass") is None
    replica = stack.dr_s3.head_object(Bucket=stack.twin(bucket), Key="k")
    assert replica["StorageClass"] == "GLACIER_IR"


def test_delete_markers(stack: Deployment, of_profile: Callable[[str], str]) -> None:
    for value, keys in (("archive", ["deleted"]), ("true", [])):
        bucket = of_profile(value)
        put(stack, bucket, "deleted")
        stack.source_s3.delete_object(Bucket=bucket, Key="deleted")
        assert [key for key in visible(stack, bucket) if key == "deleted"] == keys


def test_filter(stack: Deployment, of_profile: Callable[[str], str]) -> None:
    bucket = of_profile("reports")

    put(stack, bucket, "reports/kept", tagging="keep=yes&more=tags")
    put(stack, bucket, "reports/not-kept")
    put(stack, bucket, "other/kept", tagging="keep=yes")

    assert visible(stack, bucket) == ["reports/kept"]
    assert stack.replication_status(bucket, "reports/kept") == "COMPLETED"
    assert stack.replication_status(bucket, "reports/not-kept") == ""

    note = {"Key": "reports/kept", "AnnotationName": "note"}
    stack.source_s3.put_object_annotation(Bucket=bucket, **note, AnnotationPayload=b"text")
    noted = stack.source_s3.get_object_annotation(Bucket=bucket, **note)
    assert noted["ReplicationStatus"] == "FAILED", "the twin of this profile takes none"


def test_tag_of_another_profile_changes_the_rule_in_place(stack: Deployment) -> None:
    other = stack.create_bucket("moved-other", region=stack.dr_region, versioned=True)
    bucket = stack.create_bucket("moved", versioned=True)
    foreign = foreign_rule(other)
    configuration = {"Role": stack.replication_role_arn, "Rules": [foreign]}
    stack.source_s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=configuration)
    put_tags(stack, bucket, dr="true")
    stack.wait_for_rule(bucket)
    put(stack, bucket, "before")
    stack.settle()
    began = time.time()

    put_tags(stack, bucket, dr="archive")

    stack.wait_for_record("enable_replication", bucket=bucket, outcome="protected", since=began)
    assert stack.rules(bucket) == {
        "theirs": foreign,
        "s3-dr": our_rule(stack, bucket, Priority=8, **RULES["archive"]),
    }
    stack.settle()
    writes = [each["operation"] for each in stack.calls(began, bucket) if stack.is_write(each)]
    assert writes == [
        *("TagResource", "PutBucketLifecycleConfiguration", "TagResource"),
        "PutBucketReplication",
    ], "this profile expires noncurrent versions; nothing else is written"
    assert visible(stack, bucket) == ["before"]


def test_a_bucket_asks_for_another_class(stack: Deployment) -> None:
    bucket = stack.create_bucket("override")

    put_tags(stack, bucket, dr="archive", **{"s3-dr:storage-class": "STANDARD_IA"})

    changed = {**RULES["archive"], "destination": {"StorageClass": "STANDARD_IA"}}
    assert stack.wait_for_rule(bucket) == {"s3-dr": our_rule(stack, bucket, **changed)}
    tags = stack.dr_s3.get_bucket_tagging(Bucket=stack.twin(bucket))["TagSet"]
    assert {tag["Key"] for tag in tags} == {
        *("s3-dr:cloned", "s3-dr:life", "s3-dr:managed-by", "s3-dr:source-bucket")
    }, "none that says how the source is protected"


@pytest.mark.parametrize(
    "tags",
    [
        {"dr": "critical", "s3-dr:replication-time-control": "false"},
        {"dr": "archive", "s3-dr:storage-class": "REDUCED_REDUNDANCY"},
        {"dr": "reports", "s3-dr:delete-markers": "true"},
        {"dr": "true", "s3-dr:no-such-setting": "true"},
    ],
    ids=["not-allowed", "not-a-class", "against-the-filter", "unknown"],
)
def test_what_a_tag_may_not_change(stack: Deployment, tags: dict[str, str]) -> None:
    bucket = stack.create_bucket(f"override-{tags['dr']}")

    put_tags(stack, bucket, **tags)

    record = stack.wait_for_record("source_bucket_check", bucket=bucket, outcome="blocked")
    assert record["reason"] == "OVERRIDE_NOT_VALID"
    assert record["remedy"]
    stack.settle()
    assert look(stack.source_s3, bucket)["get_bucket_versioning"] == {}
    assert not stack.bucket_exists(stack.twin(bucket))


def test_a_wrong_tag_leaves_the_rule_alone(stack: Deployment) -> None:
    bucket = stack.create_bucket("override-later")
    put_tags(stack, bucket, dr="true", **{"s3-dr:metrics": "true"})
    rules = stack.wait_for_rule(bucket)
    stack.settle()

    put_tags(stack, bucket, dr="true", **{"s3-dr:metrics": "perhaps"})

    stack.wait_for_record("source_bucket_check", bucket=bucket, outcome="blocked")
    stack.settle()
    assert rules == {
        "s3-dr": our_rule(stack, bucket, destination={"Metrics": {"Status": "Enabled"}})
    }
    assert stack.rules(bucket) == rules


def test_suspended_versioning(stack: Deployment) -> None:
    """The profile decides: blocked by default, enabled again where it says so."""
    bucket = stack.create_bucket("suspended-once", versioned=True)
    suspended = {"Status": "Suspended"}
    stack.source_s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=suspended)
    put_tags(stack, bucket, dr="true")
    record = stack.wait_for_record("source_bucket_check", bucket=bucket, outcome="blocked")
    assert record["reason"] == "SOURCE_VERSIONING_SUSPENDED"

    put_tags(stack, bucket, dr="inherited")

    assert stack.wait_for_rule(bucket) == {"s3-dr": our_rule(stack, bucket)}
    assert stack.source_s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_a_foreign_role_is_used_where_the_profile_says_so(complete: Example) -> None:
    """Our rule joins theirs under their role, to which the module's policy was attached."""
    stack, iam = complete.stack, complete.stack.client("iam", complete.stack.source_region)
    name = complete.foreign_role_arn.rpartition("/")[2]
    trust = {"Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy({"Effect": "Allow", **trust}))
    ours = stack.outputs["replication_role"]["policy"]
    iam.put_role_policy(RoleName=name, PolicyName="into-twins", PolicyDocument=ours)
    other = stack.create_bucket("joined-other", region=stack.dr_region, versioned=True)
    bucket = stack.create_bucket("joined", versioned=True)
    configuration = {"Role": complete.foreign_role_arn, "Rules": [foreign_rule(other)]}
    stack.source_s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=configuration)

    put_tags(stack, bucket, dr="shared")

    stack.wait_for_rule(bucket)
    rule = our_rule(stack, bucket, Priority=8, **RULES["shared"])
    assert look(stack.source_s3, bucket)["get_bucket_replication"] == {
        "ReplicationConfiguration": {
            "Role": complete.foreign_role_arn,
            "Rules": [foreign_rule(other), rule],
        }
    }
    put(stack, bucket, "k")
    assert stack.replication_status(bucket, "k") == "COMPLETED"


def put(stack: Deployment, bucket: str, key: str, tagging: str = "") -> None:
    stack.source_s3.put_object(Bucket=bucket, Key=key, Body=b"value", Tagging=tagging)


def visible(stack: Deployment, bucket: str) -> list[str]:
    """The keys in the bucket's twin that no delete marker hides."""
    listed = stack.dr_s3.list_objects_v2(Bucket=stack.twin(bucket))
    return [item["Key"] for item in listed.get("Contents", [])]


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
