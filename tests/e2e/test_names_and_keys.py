"""Twins with names of the account's own, and KMS keys that somebody else looks after."""

from __future__ import annotations

import hashlib

import pytest

from e2e.examples import Example
from e2e.kinds import check, encrypt, our_rule, put_tags
from harness.deployment import Deployment

pytestmark = pytest.mark.terraform

ALGORITHM = "aws:kms"


@pytest.fixture
def stack(named: Example) -> Deployment:
    return named.stack


def twin_of(stack: Deployment, bucket: str) -> str:
    return f"dr-{bucket}-copy-{stack.account}-{stack.dr_region}-an"


def kms_bucket(stack: Deployment, name: str, key: str, dr: str = "true") -> str:
    """A bucket with a default key, tagged when nobody listens."""
    stack.create_bucket(name)
    with stack.events_lost():
        encrypt(stack.source_s3, name, {"SSEAlgorithm": ALGORITHM, "KMSMasterKeyID": key}, False)
        put_tags(stack, name, dr=dr)
    return name


def assert_arrives(stack: Deployment, bucket: str, twin: str, key_arn: str) -> None:
    stack.source_s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    assert stack.replication_status(bucket, "k") == "COMPLETED"
    replica = stack.dr_s3.get_object(Bucket=twin, Key="k")
    assert replica["Body"].read() == b"v"
    assert replica.get("SSEKMSKeyId", "") == key_arn


def test_names_of_the_account(stack: Deployment) -> None:
    bucket = stack.create_bucket("of-the-account")

    put_tags(stack, bucket, dr="true")

    twin = twin_of(stack, bucket)
    destination = {"Bucket": f"arn:aws:s3:::{twin}"}
    assert stack.wait_for_rule(bucket) == {
        "backup": our_rule(stack, bucket, destination=destination)
    }
    assert_arrives(stack, bucket, twin, "")
    tags = stack.dr_s3.get_bucket_tagging(Bucket=twin)["TagSet"]
    marks = {tag["Key"]: tag["Value"] for tag in tags}
    assert marks.pop("s3-dr:life")
    assert marks == {
        "s3-dr:source-bucket": bucket,
        "s3-dr:managed-by": "backup",
    }


def test_roles_have_a_path_and_a_boundary(stack: Deployment) -> None:
    """The other tests here show that all works with them, and above that no policy lost a role."""
    iam = stack.client("iam", stack.source_region)
    roles = iam.list_roles(PathPrefix="/platform/dr/")["Roles"]
    names = ("batch", "replication", *(key.replace("_", "-") for key in stack.functions))
    assert {role["RoleName"] for role in roles} == {f"backup-{name}" for name in names}
    for role in roles:
        got = iam.get_role(RoleName=role["RoleName"])["Role"]
        arn = "arn:aws:iam::aws:policy/AdministratorAccess"
        assert got["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn


def test_a_long_name_is_cut(stack: Deployment) -> None:
    """Two long names of one beginning have two twins, by a hash of the whole name."""
    buckets = [f"{'a-long-name-' * 5}{n:03}" for n in range(2)]
    assert {len(bucket) for bucket in buckets} == {63}
    with stack.events_lost():
        for bucket in buckets:
            stack.create_bucket(bucket)
            put_tags(stack, bucket, dr="true")

    check(stack, buckets)

    for bucket in buckets:
        arn = stack.wait_for_rule(bucket)["backup"]["Destination"]["Bucket"]
        twin = arn.removeprefix("arn:aws:s3:::")
        tail = f"-{stack.account}-{stack.dr_region}-an"
        digest = hashlib.sha256(bucket.encode()).hexdigest()[:12]
        assert len(twin) <= 63
        assert twin.startswith("dr-a-long")
        assert twin.endswith(f"-{digest}-copy{tail}")
        assert_arrives(stack, bucket, twin, "")


@pytest.mark.parametrize("by", ["arn", "id", "alias"])
def test_a_listed_key(named: Example, by: str) -> None:
    """However the bucket names it."""
    stack, arn = named.stack, named.variables["source_key_arns"][0]
    kms = stack.client("kms", stack.source_region)
    if by == "alias":
        kms.create_alias(AliasName="alias/listed", TargetKeyId=arn)
    key = {"arn": arn, "id": arn.rpartition("/")[2], "alias": "alias/listed"}[by]
    bucket = kms_bucket(stack, f"listed-by-{by}", key)

    check(stack, [bucket])

    twin = twin_of(stack, bucket)
    destination = {"Bucket": f"arn:aws:s3:::{twin}"}
    assert stack.rules(bucket) == {"backup": our_rule(stack, bucket, destination=destination)}
    assert_arrives(stack, bucket, twin, named.variables["dr_key_arn"])


@pytest.mark.parametrize("which", ["another", "of-s3"])
def test_a_key_that_is_not_listed(named: Example, which: str) -> None:
    stack = named.stack
    kms = stack.client("kms", stack.source_region)
    key = "alias/aws/s3"
    if which == "another":
        key = kms.create_key(Description="not listed")["KeyMetadata"]["Arn"]
    bucket = kms_bucket(stack, f"not-listed-{which}", key)

    check(stack, [bucket])

    record = stack.wait_for_record("source_bucket_check", bucket=bucket, outcome="blocked")
    assert record["reason"] == "KMS_KEY_NOT_LISTED"
    assert stack.rules(bucket) == {}
    assert not stack.bucket_exists(twin_of(stack, bucket))


def test_a_key_of_the_profile(named: Example) -> None:
    stack, key = named.stack, named.variables["profile_key_arn"]
    bucket = kms_bucket(stack, "secret", named.variables["source_key_arns"][0], dr="secret")

    check(stack, [bucket])

    twin = twin_of(stack, bucket)
    destination = {
        "Bucket": f"arn:aws:s3:::{twin}",
        "EncryptionConfiguration": {"ReplicaKmsKeyID": key},
    }
    assert stack.rules(bucket) == {"backup": our_rule(stack, bucket, destination=destination)}
    assert_arrives(stack, bucket, twin, key)


def test_a_dr_key_that_is_disabled(named: Example) -> None:
    """S3 would take the rule and then fail with every object."""
    stack, key = named.stack, named.variables["dr_key_arn"]
    kms = stack.client("kms", stack.dr_region)
    bucket = kms_bucket(stack, "key-disabled", named.variables["source_key_arns"][0])
    kms.disable_key(KeyId=key)
    try:
        check(stack, [bucket])
    finally:
        kms.enable_key(KeyId=key)

    record = stack.wait_for_record("destination_bucket_check", bucket=bucket, outcome="blocked")
    assert record["reason"] == "DR_KEY_NOT_USABLE"
    assert stack.rules(bucket) == {}
    assert not stack.bucket_exists(twin_of(stack, bucket))

    check(stack, [bucket])

    assert_arrives(stack, bucket, twin_of(stack, bucket), key)
