"""Default encryption: what the source has, and what its twin therefore gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from .aws import Bucket, error_code, knows
from .check import Check, Seen
from .outcomes import Blocked, Reason

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_KMS_STRENGTH = {"aws:kms": 1, "aws:kms:dsse": 2}
_ABSENT = "ServerSideEncryptionConfigurationNotFoundError"
_AWS_MANAGED_KEY = "alias/aws/s3"  # S3's when the bucket names none
_SSE_C = "SSE-C"


@dataclass(frozen=True)
class Encryption:
    """A bucket's default encryption.

    Attributes:
        algorithm: ``AES256``, ``aws:kms`` or ``aws:kms:dsse``.
        key: the KMS key as S3 shows it: an ARN, an ID or an alias; empty for S3's own.
        bucket_key: whether S3 Bucket Keys are on.
        blocks_sse_c: whether objects with customer-provided keys are refused; None where this
            boto3 cannot see it.
    """

    algorithm: str = "AES256"
    key: str = ""
    bucket_key: bool = False
    blocks_sse_c: bool | None = None

    @property
    def is_kms(self) -> bool:
        """Whether objects are encrypted with a KMS key unless they say otherwise."""
        return self.algorithm in _KMS_STRENGTH


def require_replica_key(check: Check, seen: Seen) -> Encryption:
    """The source's default encryption, for whose objects there is a key in the DR region.

    Raises:
        Blocked: there is none.
        ClientError: what S3 answers.
    """
    found = read(check.source) or Encryption()
    if found.is_kms and not check.settings.replica_key_arn(seen.profile):
        # S3 skips such objects silently unless the rule names a key of the DR region: the twin
        # would stay empty and look fine.
        raise Blocked(
            Reason.KMS_WITHOUT_DR_KEY,
            f"{check.source.name} encrypts with KMS by default and its profile has no key of the "
            "DR region, so its objects would not be replicated; give the module one (variable "
            "kms), or use SSE-S3 on the bucket",
        )
    return found


def require_readable(check: Check, source: Encryption) -> None:
    """Make sure that the replication role may decrypt with the source's key.

    For the function of the source account: in another one, an alias is another key's.

    Raises:
        Blocked: it may not.
        ClientError: what KMS answers.
    """
    key = source.key or _AWS_MANAGED_KEY
    if source.is_kms and not _is_covered(check, key):
        raise Blocked(
            Reason.KMS_KEY_NOT_LISTED,
            f"{check.source.name} encrypts with {key} by default, with which the replication role "
            "may not decrypt; add it to kms.source_key_arns",
        )


def require_usable_key(check: Check, seen: Seen) -> None:
    """Make sure that the DR key can encrypt: S3 takes any ARN and then fails object by object.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html

    Raises:
        Blocked: it cannot.
        ClientError: anything else KMS answers.
    """
    key = check.settings.replica_key_arn(seen.profile)
    try:
        facts = _describe(check, check.clients.dr_kms, key)
    except ClientError as error:
        if error_code(error) == "AccessDeniedException":
            raise _not_usable(
                key,
                "does not let this function look at it (kms:DescribeKey, in the key's policy or in "
                "a permissions boundary)",
            ) from error
        raise
    if facts is None:
        raise _not_usable(key, "does not exist")
    if facts["KeyState"] != "Enabled":
        raise _not_usable(key, f"is in state {facts['KeyState']}")
    if facts.get("KeyManager") == "AWS":
        raise _not_usable(key, "is one that AWS manages, with which S3 does not replicate")
    if facts.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        raise _not_usable(key, "is no symmetric encryption key")


def wanted(check: Check, seen: Seen, source: Encryption, found: Encryption | None) -> Encryption:
    """How the twin has to encrypt: as the source, with the DR key; what is stronger already stays.

    Replicas keep their own kind of encryption; the default is for all else that is written to the
    twin. It also says whether the twin takes SSE-C objects, which new buckets block.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
    """
    as_source = Encryption(
        source.algorithm,
        check.settings.replica_key_arn(seen.profile) if source.is_kms else "",
        source.bucket_key,
        found.blocks_sse_c if found and source.blocks_sse_c is None else source.blocks_sse_c,
    )
    if not _knows_blocked_types(check.twin):
        check.warn(
            "SDK_TOO_OLD: this boto3 cannot see whether the source takes objects with "
            "customer-provided keys (SSE-C), so the twin may refuse them; give the function a "
            "layer with boto3 1.41.0 or newer"
        )
    if found and _strength(found) > _strength(as_source):
        return Encryption(found.algorithm, found.key, found.bucket_key, as_source.blocks_sse_c)
    return as_source


def put(twin: Bucket, wanted: Encryption) -> None:
    """Give the twin this default encryption."""
    twin.write(
        "put_bucket_encryption", ServerSideEncryptionConfiguration={"Rules": [_rule(wanted)]}
    )


def read(bucket: Bucket) -> Encryption | None:
    """A bucket's default encryption, or None if it has none, as only very old ones."""
    response = bucket.read("get_bucket_encryption", absent=_ABSENT)
    if not response:
        return None
    # S3 takes one rule only.
    rule = response["ServerSideEncryptionConfiguration"]["Rules"][0]
    default = rule.get("ApplyServerSideEncryptionByDefault", {})
    blocked = rule.get("BlockedEncryptionTypes", {}).get("EncryptionType", [])
    return Encryption(
        default.get("SSEAlgorithm", "AES256"),
        default.get("KMSMasterKeyID", ""),
        bool(rule.get("BucketKeyEnabled", False)),
        _SSE_C in blocked if _knows_blocked_types(bucket) else None,
    )


def _strength(encryption: Encryption) -> int:
    return _KMS_STRENGTH.get(encryption.algorithm, 0)


def _knows_blocked_types(bucket: Bucket) -> bool:
    path = ("ServerSideEncryptionConfiguration", "Rules", "BlockedEncryptionTypes")
    return knows(bucket.s3, "PutBucketEncryption", *path)


def _rule(wanted: Encryption) -> dict[str, Any]:
    default = {"SSEAlgorithm": wanted.algorithm}
    if wanted.key:
        default["KMSMasterKeyID"] = wanted.key
    rule: dict[str, Any] = {
        "ApplyServerSideEncryptionByDefault": default,
        "BucketKeyEnabled": wanted.bucket_key,
    }
    if wanted.blocks_sse_c is not None:
        rule["BlockedEncryptionTypes"] = {
            "EncryptionType": [_SSE_C if wanted.blocks_sse_c else "NONE"]
        }
    return rule


def _is_covered(check: Check, key: str) -> bool:
    """Whether the replication role may decrypt with a key, an ARN, an ID or an alias."""
    settings = check.settings
    keys = f"arn:{settings.partition}:kms:{settings.source_region}:{settings.source_account_id}:"
    # An ID or alias without ARN is always of the bucket's own account.
    is_own = key.startswith(keys) or not key.startswith("arn:")
    if not settings.source_key_arns:
        return is_own
    if "alias/" in key:
        found = _describe(check, check.clients.source_kms, key) if is_own else None
        return found is not None and found["Arn"] in settings.source_key_arns
    return (key if key.startswith("arn:") else f"{keys}key/{key}") in settings.source_key_arns


def _describe(check: Check, kms: KMSClient, key: str) -> Any:
    """What KMS says of a key, or None if there is no such key."""
    try:
        return check.budget.settle(lambda: kms.describe_key(KeyId=key))["KeyMetadata"]
    except ClientError as error:
        if error_code(error) == "NotFoundException":
            return None
        raise


def _not_usable(key: str, why: str) -> Blocked:
    return Blocked(
        Reason.DR_KEY_NOT_USABLE,
        f"the KMS key {key} for replicas {why}; mend that, or give the profile another",
    )
