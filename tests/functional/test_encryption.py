"""Buckets that encrypt with KMS: so do their twins, with a key of the DR region."""

from __future__ import annotations

from typing import Any

import pytest

from functional.payload import (
    ACCOUNT,
    DR_REGION,
    SOURCE_REGION,
    TRIGGER,
    Functions,
    World,
    assert_blocked,
    event,
    profiles,
)

pytest_plugins = ["functional.payload"]

UNKNOWN_KEY = f"arn:aws:kms:{DR_REGION}:{ACCOUNT}:key/00000000-0000-4000-8000-000000000000"


def key(world: World, region: str = DR_REGION) -> str:
    """The ARN of a new KMS key."""
    made: str = world.client("kms", region, ACCOUNT).create_key()["KeyMetadata"]["Arn"]
    return made


def rule(algorithm: str, key: str = "", bucket_key: bool = False, blocked: str = "SSE-C") -> Any:
    """A bucket's default encryption as S3 shows it."""
    default = {"SSEAlgorithm": algorithm, **({"KMSMasterKeyID": key} if key else {})}
    return {
        "ApplyServerSideEncryptionByDefault": default,
        "BucketKeyEnabled": bucket_key,
        "BlockedEncryptionTypes": {"EncryptionType": [blocked]},
    }


def encrypt(world: World, bucket: str, rule: Any, region: str = "") -> None:
    world.s3(region).put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )


def encryption(world: World, bucket: str) -> Any:
    """The default encryption of a twin."""
    found = world.s3(DR_REGION).get_bucket_encryption(Bucket=bucket)
    [rule] = found["ServerSideEncryptionConfiguration"]["Rules"]
    return rule


def encrypted(world: World, algorithm: str = "aws:kms", **options: Any) -> str:
    """A tagged bucket that encrypts with a key of its own."""
    bucket = world.bucket(tags=TRIGGER)
    encrypt(world, bucket, rule(algorithm, key(world, SOURCE_REGION), **options))
    return bucket


@pytest.fixture
def dr_key(on_local_aws: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """The module's key of the DR region."""
    made = key(on_local_aws)
    monkeypatch.setenv("DR_KEY_ARN", made)
    return made


def assert_rule_encrypts_with(world: World, bucket: str, key: str) -> None:
    [ours] = world.replication(bucket)["Rules"]
    assert ours["Destination"]["EncryptionConfiguration"] == {"ReplicaKmsKeyID": key}
    assert ours["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}


@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse"])
def test_a_bucket_with_kms_gets_a_twin_with_the_dr_key(
    functions: Functions, on_local_aws: World, dr_key: str, algorithm: str
) -> None:
    bucket = functions.protected(on_local_aws, encrypted(on_local_aws, algorithm))

    assert encryption(on_local_aws, f"{bucket}-dr") == rule(algorithm, dr_key)
    assert_rule_encrypts_with(on_local_aws, bucket, dr_key)


def test_the_profiles_key_comes_before_the_modules(
    functions: Functions, on_local_aws: World, dr_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = key(on_local_aws)
    monkeypatch.setenv("PROFILES", profiles(kms_key_arn=own))

    bucket = functions.protected(on_local_aws, encrypted(on_local_aws))

    assert encryption(on_local_aws, f"{bucket}-dr") == rule("aws:kms", own)
    assert_rule_encrypts_with(on_local_aws, bucket, own)


def test_a_bucket_without_kms_is_ready_for_single_objects_with_it(
    functions: Functions, on_local_aws: World, dr_key: str
) -> None:
    bucket = functions.protected(on_local_aws)

    assert encryption(on_local_aws, f"{bucket}-dr") == rule("AES256")
    assert_rule_encrypts_with(on_local_aws, bucket, dr_key)
    assert not [call for call in functions.calls if call.service == "kms"], "nobody needs to know"


@pytest.mark.parametrize("enabled", [True, False])
def test_bucket_keys_are_mirrored(
    functions: Functions, on_local_aws: World, dr_key: str, enabled: bool
) -> None:
    bucket = functions.protected(on_local_aws, encrypted(on_local_aws, bucket_key=enabled))
    assert encryption(on_local_aws, f"{bucket}-dr") == rule("aws:kms", dr_key, enabled)

    encrypt(on_local_aws, bucket, rule("aws:kms", key(on_local_aws, SOURCE_REGION), not enabled))

    assert functions.check_destination(bucket)["changes"] == ["PutBucketEncryption"]
    functions.protected(on_local_aws, bucket)
    assert encryption(on_local_aws, f"{bucket}-dr") == rule("aws:kms", dr_key, not enabled)


@pytest.mark.parametrize("blocked", ["SSE-C", "NONE"])
def test_the_twin_takes_customers_keys_as_the_source_does(
    functions: Functions, on_local_aws: World, blocked: str
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    encrypt(on_local_aws, bucket, rule("AES256", blocked=blocked))
    functions.protected(on_local_aws, bucket)
    assert encryption(on_local_aws, f"{bucket}-dr") == rule("AES256", blocked=blocked)

    other = {"SSE-C": "NONE", "NONE": "SSE-C"}[blocked]
    encrypt(on_local_aws, bucket, rule("AES256", blocked=other))

    assert functions.check_destination(bucket)["changes"] == ["PutBucketEncryption"]
    functions.protected(on_local_aws, bucket)
    assert encryption(on_local_aws, f"{bucket}-dr") == rule("AES256", blocked=other)


def test_a_stronger_encryption_of_the_twin_stays(functions: Functions, on_local_aws: World) -> None:
    bucket = functions.protected(on_local_aws)
    stronger = rule("aws:kms", key(on_local_aws), bucket_key=True)
    encrypt(on_local_aws, f"{bucket}-dr", stronger, DR_REGION)

    functions.protected(on_local_aws, bucket)

    assert encryption(on_local_aws, f"{bucket}-dr") == stronger


@pytest.mark.parametrize("state", ["disabled", "pending deletion", "unknown"])
def test_a_dr_key_that_cannot_encrypt_blocks(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    unusable = UNKNOWN_KEY if state == "unknown" else key(on_local_aws)
    kms = on_local_aws.client("kms", DR_REGION, ACCOUNT)
    if state == "disabled":
        kms.disable_key(KeyId=unusable)
    if state == "pending deletion":
        kms.schedule_key_deletion(KeyId=unusable)
    monkeypatch.setenv("DR_KEY_ARN", unusable)
    bucket = encrypted(on_local_aws)

    result = functions.check_destination(bucket)

    assert_blocked(result, "DR_KEY_NOT_USABLE")
    assert unusable in result["remedy"], "the remedy names the key"
    assert functions.writes == []
    assert "Publish" not in functions.operations
    assert f"{bucket}-dr" not in on_local_aws.names(), "no twin into which nothing would come"


def test_a_key_that_fails_later_blocks_then(
    functions: Functions, on_local_aws: World, dr_key: str
) -> None:
    bucket = functions.protected(on_local_aws, encrypted(on_local_aws))
    on_local_aws.client("kms", DR_REGION, ACCOUNT).disable_key(KeyId=dr_key)

    assert_blocked(functions.check_destination(bucket), "DR_KEY_NOT_USABLE")

    assert_rule_encrypts_with(on_local_aws, bucket, dr_key)


def test_without_a_key_a_bucket_with_kms_is_left_alone(
    functions: Functions, on_local_aws: World
) -> None:
    bucket = encrypted(on_local_aws)

    for look in (functions.check_source, functions.check_destination):
        assert_blocked(look(bucket), "KMS_WITHOUT_DR_KEY")

    assert functions.writes == []
    assert "Publish" not in functions.operations
    assert on_local_aws.versioning(bucket) == "", "the source is not versioned for nothing"
    assert f"{bucket}-dr" not in on_local_aws.names()


@pytest.mark.parametrize("listed", [True, False])
def test_an_alias_is_the_key_it_stands_for(
    functions: Functions,
    on_local_aws: World,
    dr_key: str,
    monkeypatch: pytest.MonkeyPatch,
    listed: bool,
) -> None:
    own, another = (key(on_local_aws, SOURCE_REGION) for _ in range(2))
    bucket = on_local_aws.bucket(tags=TRIGGER)
    alias = f"alias/{bucket}"
    on_local_aws.client("kms", SOURCE_REGION, ACCOUNT).create_alias(
        AliasName=alias, TargetKeyId=own
    )
    encrypt(on_local_aws, bucket, rule("aws:kms", f"arn:aws:kms:us-west-2:{ACCOUNT}:{alias}"))
    monkeypatch.setenv("SOURCE_KEY_ARNS", own if listed else another)

    results = functions.protect(event("put_bucket_tagging", bucket))

    if listed:
        assert results[-1]["outcome"] == "protected"
        kms = [call for call in functions.calls if call.service == "kms"]
        assert [call.parameters["KeyId"].rpartition("/")[2] for call in kms] == [
            bucket,
            dr_key.rpartition("/")[2],
        ], "each function asks for the key of its own region"
    else:
        [result] = results
        assert_blocked(result, "KMS_KEY_NOT_LISTED")
        assert functions.writes == []


def test_a_late_message_enrols_no_bucket_that_encrypts_with_kms_by_now(
    functions: Functions, on_local_aws: World
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    functions.check_source(bucket)
    functions.check_destination(bucket)
    encrypt(on_local_aws, bucket, rule("aws:kms", key(on_local_aws, SOURCE_REGION)))
    functions.calls.clear()

    assert_blocked(functions.enable_replication(bucket), "KMS_WITHOUT_DR_KEY")

    assert functions.writes == [], "the twin would stay empty and look fine"
