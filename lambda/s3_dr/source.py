"""The source bucket: is it fit to be protected, and is it versioned?"""

from __future__ import annotations

from . import twin
from .check import Check
from .outcomes import Blocked, Outcome, Reason
from .replication import desired_configuration, read_configuration

_KMS_ALGORITHMS = {"aws:kms", "aws:kms:dsse"}


def source_bucket_check(check: Check) -> Outcome:
    """Version a tagged bucket and hand it on, once everything that could block it is ruled out.

    All refusals that can be known come before the first write, so that a blocked bucket is left as
    it was found.

    Raises:
        Ignored: the bucket is not to be protected.
        Blocked: it is, but must not be as it stands.
        ClientError: anything else S3 or SNS answers.
    """
    check.observe_source()
    versioning = check.source.read("get_bucket_versioning")
    _refuse_versioning(check, versioning)
    _refuse_kms(check)
    _refuse_object_lock(check)
    desired_configuration(check, read_configuration(check.source))
    if versioning.get("Status") != "Enabled":
        twin.exists(check)
        check.source.write("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})
    check.clients.publish(check.settings.topic_01_arn, check.request.message())
    return Outcome.PASSED_ON


def _refuse_versioning(check: Check, versioning: dict[str, str]) -> None:
    if versioning.get("MFADelete") == "Enabled":
        raise Blocked(
            Reason.SOURCE_MFA_DELETE,
            f"{check.source.name} has MFA delete, which only its root user can manage; turn MFA "
            "delete off if the bucket shall be protected",
        )
    if versioning.get("Status") == "Suspended":
        raise Blocked(
            Reason.SOURCE_VERSIONING_SUSPENDED,
            f"somebody suspended versioning on {check.source.name}, so it is not turned on again "
            "unasked; enable it if the bucket shall be protected",
        )


def _refuse_kms(check: Check) -> None:
    # S3 skips SSE-KMS objects silently unless the rule names a key of the DR region: the twin would
    # stay empty and look fine.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html
    found = check.source.read(
        "get_bucket_encryption", absent="ServerSideEncryptionConfigurationNotFoundError"
    )
    rules = found["ServerSideEncryptionConfiguration"]["Rules"] if found else []
    defaults = [rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in rules]
    if any(default.get("SSEAlgorithm") in _KMS_ALGORITHMS for default in defaults):
        raise Blocked(
            Reason.KMS_WITHOUT_DR_KEY,
            f"{check.source.name} encrypts with KMS by default and no key of the DR region is "
            "known for it; its objects would not be replicated. Use SSE-S3, or keep it out",
        )


def _refuse_object_lock(check: Check) -> None:
    found = check.source.read(
        "get_object_lock_configuration", absent="ObjectLockConfigurationNotFoundError"
    )
    if found and found["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled":
        raise Blocked(
            Reason.OBJECT_LOCK,
            f"{check.source.name} has Object Lock, and S3 replicates it only to a twin made with "
            "Object Lock, which this version does not make",
        )
