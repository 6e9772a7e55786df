"""The first function: is the source bucket fit to be protected, and is it versioned?"""

from __future__ import annotations

from dataclasses import replace

from . import encryption, twin
from .check import Check, Seen
from .outcomes import Blocked, Outcome, Reason, Untagged
from .rule import Configuration, Known, desired


def source_bucket_check(check: Check) -> Outcome:
    """Version a tagged bucket and hand it on, once everything that could block it is ruled out.

    All refusals that can be known here come before the first write, so that a blocked bucket is
    left as it was found.

    Raises:
        Ignored: the bucket is not to be protected.
        Blocked: it is, but must not be as it stands.
        ClientError: anything else that AWS answers.
    """
    if check.request.deleted_at:
        # What is remembered of it, the function forgets that remembers it. By now there may be
        # another bucket of the name.
        check.tell(check.settings.topic_02_arn)
        check.request = replace(check.request, deleted_at=None)
    try:
        seen = check.observe_source()
    except Untagged:
        if _replication(check).ours is None:
            raise
        # It lost its tag. Which way it is let go, the function decides that put the rule in.
        check.tell(check.settings.topic_02_arn)
        return Outcome.PASSED_ON
    versioning = check.source.read("get_bucket_versioning")
    _refuse_versioning(check, seen, versioning)
    encryption.require_readable(check, encryption.require_replica_key(check, seen))
    # What the next functions would refuse is refused before versioning is on.
    desired(_replication(check), seen.profile)
    if versioning.get("Status") != "Enabled":
        twin.find(check)
        check.source.write("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})
    check.tell(check.settings.topic_01_arn)
    return Outcome.PASSED_ON


def _replication(check: Check) -> Configuration:
    known = Known(check.settings, check.source.name, is_unsure=True)
    return Configuration.of(known, check.source.replication())


def _refuse_versioning(check: Check, seen: Seen, versioning: dict[str, str]) -> None:
    status, name = versioning.get("Status"), check.source.name
    # Only the root user can change versioning then, which an enabled one does not need.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html
    allows_mfa = seen.profile.on_mfa_delete == "allow" and status == "Enabled"
    if versioning.get("MFADelete") == "Enabled" and not allows_mfa:
        raise Blocked(
            Reason.SOURCE_MFA_DELETE,
            f"{name} has MFA delete, which only its root user can manage; turn MFA delete off, or "
            'enable versioning and let the profile say on_mfa_delete = "allow"',
        )
    if status == "Suspended" and seen.profile.on_suspended_versioning != "enable":
        raise Blocked(
            Reason.SOURCE_VERSIONING_SUSPENDED,
            f"somebody suspended versioning on {name}, so it is not turned on again unasked; "
            'enable it, or let the profile say on_suspended_versioning = "enable"',
        )
