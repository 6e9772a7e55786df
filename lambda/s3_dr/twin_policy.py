"""The twin's bucket policy: plain HTTP is refused, and nobody else reads what we copy."""

from __future__ import annotations

import json
from typing import Any

from .check import Check
from .outcomes import Blocked, Reason

TLS_SID = "S3DrDenyInsecureTransport"
REPLICATION_SID = "S3DrReplication"
_OUR_SIDS = frozenset({TLS_SID, REPLICATION_SID})


def read(check: Check) -> dict[str, Any]:
    """The twin's policy with its statements as a list; empty if it has none."""
    found = check.twin.read("get_bucket_policy", absent="NoSuchBucketPolicy")
    if not found:
        return {}
    policy: dict[str, Any] = json.loads(found["Policy"])
    statements = policy.get("Statement", [])
    # IAM lets a single statement stand without its list.
    return {**policy, "Statement": statements if isinstance(statements, list) else [statements]}


def refuse_sharing(check: Check, policy: dict[str, Any]) -> None:
    """A twin that somebody prepared for us must not let other accounts read what we copy.

    The public access block stops the public, not an account that a policy names.

    Raises:
        Blocked: a statement that is not ours lets in others than the twin's own account.
    """
    for statement in _foreign(policy):
        if statement.get("Effect") == "Allow" and not _is_within(check, statement):
            raise Blocked(
                Reason.TWIN_SHARED,
                f"the policy of {check.twin.name} lets others in than account "
                f"{check.settings.dr_account_id} (statement {statement.get('Sid', 'without Sid')});"
                " take that statement out, or the objects would be theirs to read too",
            )


def ensure(check: Check, policy: dict[str, Any]) -> None:
    """The policy has our statements as they should be; statements that are not ours stay."""
    wanted = _our_statements(check)
    ours = [each for each in policy.get("Statement", []) if each.get("Sid") in _OUR_SIDS]
    if sorted(map(_normal, ours)) == sorted(map(_normal, wanted)):
        return
    document = {"Version": "2012-10-17", **policy, "Statement": [*_foreign(policy), *wanted]}
    check.twin.write("put_bucket_policy", Policy=json.dumps(document))


def _foreign(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in policy.get("Statement", []) if each.get("Sid") not in _OUR_SIDS]


def _is_within(check: Check, statement: dict[str, Any]) -> bool:
    """Whether a statement speaks of AWS principals of the twin's account only."""
    principal = statement.get("Principal")
    if not isinstance(principal, dict) or principal.keys() != {"AWS"}:
        return False
    named = principal["AWS"] if isinstance(principal["AWS"], list) else [principal["AWS"]]
    account = check.settings.dr_account_id
    return all(name == account or name.split(":")[4:5] == [account] for name in map(str, named))


def _our_statements(check: Check) -> list[dict[str, Any]]:
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
    roles = {check.settings.replication_role_arn}
    if check.known_profile.on_foreign_role == "use":
        roles |= check.settings.foreign_role_arns
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


def _normal(statement: dict[str, Any]) -> str:
    """A statement as S3 may give it back: lists in any order, lists of one without the list."""

    def flat(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: flat(item) for key, item in value.items()}
        return sorted(map(str, value if isinstance(value, list) else [value]))

    return json.dumps(flat(statement), sort_keys=True)
