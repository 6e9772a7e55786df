"""The twin's bucket policy: plain HTTP is refused, and nobody else reads what we copy.

It has our own statements, and beside them those of others: a person's, or clones of the source's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..check import Check, Seen
from ..outcomes import Blocked, Reason
from .source_policy import REPLICATION_SID, TLS_SID
from .source_policy import normal as normal_statement

_OUR_SIDS = frozenset({TLS_SID, REPLICATION_SID})


def of_others(policy: dict[str, Any]) -> dict[str, Any] | None:
    """The policy without our statements, or None if there are no others."""
    foreign = [each for each in policy.get("Statement", []) if each.get("Sid") not in _OUR_SIDS]
    return {**policy, "Statement": foreign} if foreign else None


def refuse_sharing(
    check: Check, others: dict[str, Any] | None, clone: Iterable[dict[str, Any]] = ()
) -> None:
    """A twin that somebody prepared for us must not let other accounts read what we copy.

    The public access block stops the public, not an account that a policy names.

    Args:
        check: the check.
        others: the twin's policy without our statements.
        clone: statements that the source has too: they let in nobody new.

    Raises:
        Blocked: any other statement lets in others than the twin's own account.
    """
    cloned = {normal_statement(each) for each in clone}
    for statement in others["Statement"] if others else []:
        shares = statement.get("Effect") == "Allow" and not _is_within(check, statement)
        if shares and normal_statement(statement) not in cloned:
            raise Blocked(
                Reason.TWIN_SHARED,
                f"the policy of {check.twin.name} lets others in than account "
                f"{check.settings.dr_account_id} (statement {statement.get('Sid', 'without Sid')});"
                " take that statement out, or the objects would be theirs to read too",
            )


def ensure(check: Check, seen: Seen, policy: dict[str, Any]) -> None:
    """The policy has our statements as they should be; statements that are not ours stay."""
    wanted = _our_statements(check, seen)
    ours = [each for each in policy.get("Statement", []) if each.get("Sid") in _OUR_SIDS]
    if sorted(map(normal_statement, ours)) != sorted(map(normal_statement, wanted)):
        put(check, seen, of_others(policy))


def put(check: Check, seen: Seen, others: dict[str, Any] | None) -> dict[str, Any]:
    """Give the twin a policy of our statements and these, and return it."""
    statements = [*(others or {}).get("Statement", []), *_our_statements(check, seen)]
    policy = {"Version": "2012-10-17", **(others or {}), "Statement": statements}
    # S3 takes 20 KB.
    check.twin.write("put_bucket_policy", Policy=json.dumps(policy, separators=(",", ":")))
    return policy


def normal(policy: dict[str, Any]) -> list[str]:
    """A policy's statements in the one form in which they are compared, in any order."""
    return sorted(map(normal_statement, policy["Statement"]))


def _is_within(check: Check, statement: dict[str, Any]) -> bool:
    """Whether a statement speaks of AWS principals of the twin's account only."""
    principal = statement.get("Principal")
    if not isinstance(principal, dict) or principal.keys() != {"AWS"}:
        return False
    named = principal["AWS"] if isinstance(principal["AWS"], list) else [principal["AWS"]]
    account = check.settings.dr_account_id
    return all(name == account or name.split(":")[4:5] == [account] for name in map(str, named))


def _our_statements(check: Check, seen: Seen) -> list[dict[str, Any]]:
    arn, partition = check.settings.bucket_arn(check.twin.name), check.settings.partition
    tls_only = {
        "Sid": TLS_SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    if not check.settings.has_two_accounts:
        return [tls_only]
    # Across accounts the twin's owner has to let the source's replication role in.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
    roles = check.settings.replication_role_arns(seen.profile)
    # Not as principals: S3 keeps those by an inner ID, and a role that is made anew has another.
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{check.settings.source_account_id}:root"},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": sorted(roles)}},
    }
    objects = [
        "s3:ObjectOwnerOverrideToBucketOwner",
        "s3:ReplicateDelete",
        "s3:ReplicateObject",
        "s3:ReplicateTags",
    ]
    return [
        tls_only,
        {**allow, "Sid": REPLICATION_SID, "Action": objects, "Resource": f"{arn}/*"},
    ]
