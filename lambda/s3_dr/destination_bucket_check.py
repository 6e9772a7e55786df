"""The second function: the twin is made or found, and brought in step with its source."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from . import encryption, object_lock, twin
from .check import Check
from .cloning import twin_policy
from .cloning.engine import Cloning, Fidelity
from .cloning.properties import POLICY, PROPERTIES, deliveries
from .outcomes import Blocked, Outcome, Reason


def destination_bucket_check(check: Check) -> Outcome:
    """Make the twin if there is none, keep it as it should be, and ask for replication.

    Replication is asked for even if a property could not be cloned: the copies come first.

    Raises:
        Ignored: the source bucket is not, or no longer, to be protected.
        Blocked: the source cannot be replicated as it is; or the twin's name stands for a bucket
            that is not the twin, is shared, or is not locked although it has to be.
        NotCloned: all is done but for properties that could not be cloned.
        ClientError: anything else S3 or SNS answers.
    """
    seen = check.observe_source()
    source_encryption = encryption.require_replica_key(check, seen)
    lock = object_lock.wanted(check, seen)
    marked = twin.find(check)
    if marked is None:
        twin.require_sdk(check)
    if source_encryption.is_kms:
        encryption.require_usable_key(check, seen)
    if marked is None and check.request.dry_run:
        check.changes.append("CreateBucket")  # and with it all else
        return Outcome.PENDING
    marked = marked or twin.create(check, is_locked=lock.is_on)
    policy = check.twin.policy()
    found: dict[str, Any] = {"policy": twin_policy.of_others(policy)}
    if marked.is_new:
        found["object_lock"] = object_lock.of_new(check, lock)
    else:
        found["object_lock"] = object_lock.require_locked(check, lock)
        found["tags"] = twin.of_others(marked.tags)
    read = {
        "encryption": source_encryption,
        "object_lock": lock,
        "tags": seen.tags,  # never none: one of them asks for protection
    }
    cloning = Cloning(check, seen, marked, read, found, policy)
    if not _will_be_replaced(cloning):
        _refuse_sharing(cloning)
    cloning.run(PROPERTIES)
    _refuse_sharing(cloning)
    _refuse_grants(cloning)
    _ensure_policy(cloning)
    check.tell(check.settings.topic_02_arn)
    cloning.require_cloned()
    return Outcome.PASSED_ON


def _ensure_policy(cloning: Cloning) -> None:
    """Put our own statements into the twin's policy.

    Replication needs those that keep the twin private; it does not wait for those that let S3
    deliver logs and reports.

    Raises:
        ClientError: a statement is missing that every twin needs.
    """
    check, seen = cloning.check, cloning.seen
    try:
        twin_policy.ensure(check, seen, cloning.policy, deliveries(cloning))
    except ClientError as error:
        if not twin_policy.has_what_it_needs(check, seen, cloning.policy):
            raise
        cloning.fail(POLICY, error)


def _will_be_replaced(cloning: Cloning) -> bool:
    """Whether the twin's policy is going to be that of the source."""
    found = cloning.twin_values.get(POLICY.name)
    may = cloning.restores or cloning.may_write(POLICY, found)
    if not (cloning.chooses(POLICY) and may):
        return False
    is_ours = cloning.marked.is_made_here or cloning.is_ours(POLICY)
    return is_ours or bool(_clone_of_policy(cloning))


def _refuse_sharing(cloning: Cloning) -> None:
    """Refuse a twin whose policy lets in others than the source's does.

    Raises:
        Blocked: it does.
    """
    check, others = cloning.check, twin_policy.of_others(cloning.policy)
    is_ours = cloning.is_ours(POLICY) and cloning.was_left(POLICY, others)
    if others and not is_ours:
        twin_policy.refuse_sharing(check, others, _clone_of_policy(cloning))


def _clone_of_policy(cloning: Cloning) -> list[dict[str, Any]]:
    policy = cloning.wanted(POLICY)
    return policy["Statement"] if policy else []


def _refuse_grants(cloning: Cloning) -> None:
    """Refuse a twin whose ACL grants something to others that the source's does not.

    Raises:
        Blocked: it does.
    """
    acl = cloning.step("acl")
    is_ours = cloning.is_ours(acl.each) and cloning.was_left(acl.each, acl.found)
    is_left = acl.outcome in (Fidelity.SKIPPED, Fidelity.FAILED) and not is_ours
    others = [
        grant
        for grant in (acl.found or [] if is_left else [])
        if grant["Grantee"]["Type"] == "CanonicalUser" and grant not in (acl.wanted or [])
    ]
    if others:
        raise Blocked(
            Reason.TWIN_SHARED,
            f"the ACL of {cloning.check.twin.name} grants {others[0]['Permission']} to another "
            "account; take that grant away (put-bucket-acl --acl private), or the objects would "
            "be theirs to read too",
        )
