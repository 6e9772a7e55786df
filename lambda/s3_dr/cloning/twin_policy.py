"""The twin's bucket policy: plain HTTP is refused, and nobody else reads what we copy.

It has our own statements, and beside them those of others: a person's, or clones of the source's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Set
from itertools import chain, count
from typing import Any

from ..check import Check, Seen
from ..outcomes import Blocked, Reason
from .source_policy import (
    ANNOTATIONS_SID,
    LOGS_SID,
    LOOK_SID,
    OUR_SIDS,
    REPLICATION_SID,
    REPORTS_SID,
    TLS_SID,
    base_of,
    fixed_by,
)
from .source_policy import normal as normal_statement

_ACCOUNT = r"(arn:[^:]*:iam::)?\d{12}(:root)?"
# As whom S3 writes access logs, and reports of inventories and analyses, for a bucket.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/configure-inventory.html
SERVICES = {LOGS_SID: "logging.s3.amazonaws.com", REPORTS_SID: "s3.amazonaws.com"}

_ACTIONS = {
    TLS_SID: "s3:*",
    ANNOTATIONS_SID: "s3:ReplicateObjectAnnotation",
    REPLICATION_SID: [
        "s3:ObjectOwnerOverrideToBucketOwner",
        "s3:ReplicateDelete",
        "s3:ReplicateObject",
        "s3:ReplicateTags",
    ],
    # The walkthrough asks for these too, and for PutBucketVersioning, which nobody needs.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-walkthrough-2.html
    LOOK_SID: ["s3:GetBucketVersioning", "s3:ListBucket"],
    **dict.fromkeys(SERVICES, "s3:PutObject"),
}
# What a statement of ours looks like beside its actions: its effect, its principal, and what its
# condition looks at.
_SHAPES = {
    TLS_SID: ("Deny", r"\*", {("Bool", "aws:SecureTransport")}),
    ANNOTATIONS_SID: ("Deny", r"\*", set()),
    REPLICATION_SID: ("Allow", _ACCOUNT, {("ArnEquals", "aws:PrincipalArn")}),
    LOOK_SID: ("Allow", _ACCOUNT, {("ArnEquals", "aws:PrincipalArn")}),
    **{
        sid: (
            "Allow",
            re.escape(service),
            {("ArnLike", "aws:SourceArn"), ("StringEquals", "aws:SourceAccount")},
        )
        for sid, service in SERVICES.items()
    },
}
_WHOLE = r"arn:[^:]*:s3:::[^/*]+(/\*)?"


def of_others(policy: dict[str, Any]) -> dict[str, Any] | None:
    """The policy without our statements, or None if there are no others."""
    foreign = [each for each in policy.get("Statement", []) if not _is_ours(each)]
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
        shares = statement.get("Effect") == "Allow" and not (
            _is_within(check, statement) or _is_delivery(check, statement)
        )
        if shares and normal_statement(statement) not in cloned:
            raise Blocked(
                Reason.TWIN_SHARED,
                f"the policy of {check.twin.name} lets others in than account "
                f"{check.settings.dr_account_id} (statement {statement.get('Sid', 'without Sid')});"
                " take that statement out, or the objects would be theirs to read too",
            )


def ensure(
    check: Check, seen: Seen, policy: dict[str, Any], deliveries: Mapping[str, list[str]]
) -> None:
    """The policy has our statements as they should be; statements that are not ours stay.

    Args:
        check: the check.
        seen: the source.
        policy: what is there.
        deliveries: of `SERVICES`, what S3 writes into the twin, and for which buckets.
    """
    if not _holds(policy, _our_statements(check, seen, deliveries), OUR_SIDS):
        put(check, seen, of_others(policy), deliveries)


def has_what_it_needs(check: Check, seen: Seen, policy: dict[str, Any]) -> bool:
    """Whether a policy has those of our statements that every twin needs."""
    return _holds(policy, _our_statements(check, seen, {}), OUR_SIDS - SERVICES.keys())


def _holds(policy: dict[str, Any], wanted: list[dict[str, Any]], sids: Set[str]) -> bool:
    ours = [
        {**each, "Sid": base_of(each["Sid"])}
        for each in policy.get("Statement", [])
        if _is_ours(each) and base_of(each["Sid"]) in sids
    ]
    return sorted(map(normal_statement, ours)) == sorted(map(normal_statement, wanted))


def _is_ours(statement: dict[str, Any]) -> bool:
    """Whether a statement with a Sid of ours is ours, perhaps with one thing altered.

    Anybody may choose a Sid. Where more than one thing is another, it is another statement; and so
    it is where a Deny looks at something else, or what S3 delivers is let in elsewhere, which a
    person may well have written. A Deny that looks at nothing has nothing altered.
    """
    sid = base_of(statement.get("Sid"))
    if sid not in OUR_SIDS:
        return False
    effect, principal, looked_at = _SHAPES[sid]
    given, condition = statement.get("Principal", {}), statement.get("Condition", {})
    named = (
        [each for kind in given.values() for each in _listed(kind)]
        if isinstance(given, dict)
        else [given]
    )
    same: tuple[bool, ...] = (
        statement.get("Effect") == effect,
        bool(named) and all(re.fullmatch(principal, str(each)) for each in named),
        {*_listed(statement.get("Action"))} == {*_listed(_ACTIONS[sid])},
        all(re.fullmatch(_WHOLE, str(each)) for each in _listed(statement.get("Resource"))),
        {(operator, key) for operator, block in condition.items() for key in block} == looked_at,
    )
    if sid in SERVICES or not looked_at or sid != statement.get("Sid"):
        return all(same)
    return sum(same) >= len(same) - 1 and (effect == "Allow" or same[-1])


def put(
    check: Check,
    seen: Seen,
    others: dict[str, Any] | None,
    deliveries: Mapping[str, list[str]],
) -> dict[str, Any]:
    """Give the twin a policy of our statements and these, and return it."""
    theirs = (others or {}).get("Statement", [])
    taken = {each.get("Sid") for each in theirs}
    ours = [
        {**each, "Sid": _free(each["Sid"], taken)}
        for each in _our_statements(check, seen, deliveries)
    ]
    statements = [*theirs, *ours]
    policy = {"Version": "2012-10-17", **(others or {}), "Statement": statements}
    # S3 takes 20 KB.
    check.twin.write("put_bucket_policy", Policy=json.dumps(policy, separators=(",", ":")))
    return policy


def normal(policy: dict[str, Any]) -> list[str]:
    """A policy's statements in the one form in which they are compared, in any order."""
    return sorted(map(normal_statement, policy["Statement"]))


def _is_within(check: Check, statement: dict[str, Any]) -> bool:
    """Whether a statement speaks of AWS principals of the twin's account only."""
    principal, account = statement.get("Principal"), check.settings.dr_account_id
    if isinstance(principal, dict) and principal.keys() != {"AWS"}:
        return False
    named = _listed(principal["AWS"] if isinstance(principal, dict) else principal)
    if all(_account_of(str(name)) == account for name in named):
        return True
    return any(
        key in ("aws:principalaccount", "aws:principalarn")
        and all(_account_of(value) == account for value in values)
        for key, values in fixed_by(statement.get("Condition", {}))
    )


def _is_delivery(check: Check, statement: dict[str, Any]) -> bool:
    """Whether a statement only lets S3 itself write what it delivers for buckets of ours."""
    principal, settings = statement.get("Principal"), check.settings
    if not isinstance(principal, dict) or principal.keys() != {"Service"}:
        return False
    actions = {str(action).lower() for action in _listed(statement.get("Action", []))}
    if not {*_listed(principal["Service"])} <= {*SERVICES.values()} or actions != {"s3:putobject"}:
        return False
    accounts = {settings.source_account_id, settings.dr_account_id}
    return any(
        key == "aws:sourceaccount" and {*values} <= accounts
        for key, values in fixed_by(statement.get("Condition", {}))
    )


def _free(sid: str, taken: Set[str | None]) -> str:
    """A Sid that nobody else's statement has."""
    numbered = (f"{sid}{number}" for number in count(2))
    return next(each for each in chain([sid], numbered) if each not in taken)


def _account_of(name: str) -> str:
    """The account of an ARN; what is none may be an account itself."""
    return name.split(":")[4] if name.count(":") >= 5 else name


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _our_statements(
    check: Check, seen: Seen, deliveries: Mapping[str, list[str]]
) -> list[dict[str, Any]]:
    arn, partition = check.settings.bucket_arn(check.twin.name), check.settings.partition
    tls_only = {
        "Sid": TLS_SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": _ACTIONS[TLS_SID],
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    # Objects are replicated all the same. It is for every role: S3 asks for nothing else by this
    # action, and the rule may work under another one tomorrow.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-example-walkthroughs.html
    no_annotations = {
        "Sid": ANNOTATIONS_SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": _ACTIONS[ANNOTATIONS_SID],
        "Resource": f"{arn}/*",
    }
    always = [tls_only] if seen.profile.annotations else [tls_only, no_annotations]
    delivered = [
        {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": SERVICES[sid]},
            "Action": _ACTIONS[sid],
            "Resource": f"{arn}/*",
            "Condition": {
                "ArnLike": {"aws:SourceArn": buckets},
                "StringEquals": {"aws:SourceAccount": check.settings.dr_account_id},
            },
        }
        for sid, buckets in sorted(deliveries.items())
    ]
    if not check.settings.has_two_accounts:
        return [*always, *delivered]
    # Across accounts the twin's owner has to let the source's replication role in.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
    roles = check.settings.replication_role_arns(seen.profile)
    # Not as principals: S3 keeps those by an inner ID, and a role that is made anew has another.
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{check.settings.source_account_id}:root"},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": sorted(roles)}},
    }
    return [
        *always,
        *delivered,
        *(
            {**allow, "Sid": sid, "Action": _ACTIONS[sid], "Resource": resource}
            for sid, resource in ((REPLICATION_SID, f"{arn}/*"), (LOOK_SID, arn))
        ),
    ]
