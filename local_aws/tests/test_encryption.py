"""The local AWS encrypts by default, blocks SSE-C and knows Bucket Keys as S3 does."""

from base64 import b64encode
from hashlib import md5
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.tests.lab import Lab

ACCOUNT, REGION = "111122223333", "us-west-2"

SECRET = b"0" * 32
SSE_C = {
    "SSECustomerAlgorithm": "AES256",
    "SSECustomerKey": b64encode(SECRET).decode(),
    "SSECustomerKeyMD5": b64encode(md5(SECRET).digest()).decode(),
}
BLOCKED, FREE = ({"EncryptionType": [name]} for name in ("SSE-C", "NONE"))
SSE_S3 = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
SSE_KMS = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}


def put_default(s3: Any, bucket: str, **rule: Any) -> None:
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def get_default(s3: Any, bucket: str) -> Any:
    answer = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    (rule,) = answer["Rules"]
    return rule


def head(s3: Any, bucket: str, **put: Any) -> dict[str, Any]:
    """How a new object is encrypted; what the write was told must be what a read is told."""
    names = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")
    written = s3.put_object(Bucket=bucket, Key="k", Body=b"x", **put)
    read = s3.head_object(Bucket=bucket, Key="k")
    answers = [{name: found[name] for name in names if name in found} for found in (written, read)]
    assert answers[0] == answers[1]
    return answers[0]


def denied(call: Any, **keywords: Any) -> None:
    with pytest.raises(ClientError) as caught:
        call(**keywords)
    answer = caught.value.response
    assert answer["Error"]["Code"] == "AccessDenied"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_new_bucket_uses_sse_s3_and_blocks_sse_c(lab: Lab) -> None:
    s3 = lab.create("en-new")
    assert get_default(s3, "en-new") == {
        **SSE_S3,
        "BucketKeyEnabled": False,
        "BlockedEncryptionTypes": BLOCKED,
    }
    assert head(s3, "en-new") == {"ServerSideEncryption": "AES256"}
    denied(s3.put_object, Bucket="en-new", Key="k", **SSE_C)
    denied(s3.create_multipart_upload, Bucket="en-new", Key="k", **SSE_C)
    source = {"Bucket": "en-new", "Key": "k"}
    denied(s3.copy_object, Bucket="en-new", Key="k2", CopySource=source, **SSE_C)


def test_a_new_bucket_blocks_nothing_where_the_default_has_not_come(lab: Lab) -> None:
    s3 = lab.create("en-bahrain", "me-south-1")
    assert "BlockedEncryptionTypes" not in get_default(s3, "en-bahrain")
    s3.put_object(Bucket="en-bahrain", Key="k", **SSE_C)


def test_creating_a_bucket_again_does_not_reset_its_encryption(lab: Lab) -> None:
    s3 = lab.create("en-again", "us-east-1")
    put_default(s3, "en-again", **SSE_KMS, BlockedEncryptionTypes=FREE)
    before = get_default(s3, "en-again")
    s3.create_bucket(Bucket="en-again")
    assert get_default(s3, "en-again") == before


def test_sse_c_is_unblocked_by_none_and_stays_so(lab: Lab) -> None:
    s3 = lab.create("en-none")
    put_default(s3, "en-none", **SSE_S3, BlockedEncryptionTypes=FREE)
    s3.put_object(Bucket="en-none", Key="k", **SSE_C)
    put_default(s3, "en-none", **SSE_KMS, BucketKeyEnabled=True)
    kept = {**SSE_KMS, "BucketKeyEnabled": True, "BlockedEncryptionTypes": FREE}
    assert get_default(s3, "en-none") == kept
    s3.delete_bucket_encryption(Bucket="en-none")
    reset = {**SSE_S3, "BucketKeyEnabled": False, "BlockedEncryptionTypes": FREE}
    assert get_default(s3, "en-none") == reset
    put_default(s3, "en-none", **SSE_S3, BlockedEncryptionTypes=BLOCKED)
    denied(s3.put_object, Bucket="en-none", Key="k", **SSE_C)


def test_a_type_that_cannot_be_blocked_is_malformed(lab: Lab) -> None:
    s3 = lab.create("en-type")
    before = get_default(s3, "en-type")
    with pytest.raises(ClientError, match="MalformedXML"):
        put_default(s3, "en-type", **SSE_S3, BlockedEncryptionTypes={"EncryptionType": ["SSE-S3"]})
    assert get_default(s3, "en-type") == before


@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse"])
def test_sse_kms_without_a_key_uses_the_one_aws_manages(lab: Lab, algorithm: str) -> None:
    name = f"en-{algorithm.replace(':', '-')}"
    s3 = lab.create(name)
    asked = head(s3, name, ServerSideEncryption=algorithm)
    managed = lab.server.client("kms", REGION).describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert asked == {"ServerSideEncryption": algorithm, "SSEKMSKeyId": managed["Arn"]}
    assert managed["KeyManager"] == "AWS"
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    put_default(s3, name, **rule)
    assert head(s3, name) == asked


def test_the_default_key_and_its_bucket_key_are_used_and_told(lab: Lab) -> None:
    s3 = lab.create("en-key")
    kms = lab.server.client("kms", REGION)
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/en-key", TargetKeyId=key["KeyId"])
    expected = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["Arn"]}
    for named in (key["Arn"], key["KeyId"], "alias/en-key"):
        by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": named}
        rule = {"ApplyServerSideEncryptionByDefault": by_default}
        put_default(s3, "en-key", **rule, BucketKeyEnabled=True)
        assert get_default(s3, "en-key")["ApplyServerSideEncryptionByDefault"] == by_default
        assert head(s3, "en-key") == {**expected, "BucketKeyEnabled": True}
    assert head(s3, "en-key", BucketKeyEnabled=False, ServerSideEncryption="aws:kms") != expected
    explicit = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["KeyId"]}
    assert head(s3, "en-key", **explicit, BucketKeyEnabled=False) == expected
    double = {"SSEAlgorithm": "aws:kms:dsse", "KMSMasterKeyID": key["Arn"]}
    rule = {"ApplyServerSideEncryptionByDefault": double}
    put_default(s3, "en-key", **rule, BucketKeyEnabled=True)
    assert head(s3, "en-key") == {**expected, "ServerSideEncryption": "aws:kms:dsse"}


def test_a_copy_is_encrypted_as_its_own_bucket_says(lab: Lab) -> None:
    s3 = lab.create("en-copy")
    put_default(s3, "en-copy", **SSE_KMS, BucketKeyEnabled=True)
    lab.create("en-copy-2")
    s3.put_object(Bucket="en-copy", Key="k")
    s3.copy_object(Bucket="en-copy-2", Key="k", CopySource={"Bucket": "en-copy", "Key": "k"})
    found = s3.head_object(Bucket="en-copy-2", Key="k")
    assert found["ServerSideEncryption"] == "AES256"
    assert "BucketKeyEnabled" not in found
