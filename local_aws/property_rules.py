"""Refusals of bucket properties that AWS gives and MiniStack does not; like ``strict``'s rules."""

import fnmatch
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from local_aws import delivery, properties
from local_aws.emulator import Answer

if TYPE_CHECKING:
    from local_aws.strict import Request

_NS = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_EXPIRING = ("Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
_MOVING = ("Transition", "NoncurrentVersionTransition")


def logging_target(request: "Request") -> Answer | None:
    """Logs go to a bucket of the same account and region (S3 API, "Error responses").

    Grants, Object Lock and Requester Pays of the target: S3 User Guide, "Enabling server access
    logging"; with which codes they are refused is not recorded.
    """
    if not request.puts("logging"):
        return None
    for element in request.xml().iter(f"{_NS}LoggingEnabled"):
        name = element.findtext(f"{_NS}TargetBucket") or ""
        if request.s3._bucket_owner_account(name) != request.owner or _unfit_for_logs(
            request, name
        ):
            message = (
                "The target bucket for logging does not exist, is not owned by you, or does not "
                "have the appropriate grants for the log-delivery group."
            )
            return request.error("InvalidTargetBucketForLogging", message)
        if properties.region(name) != properties.region(request.bucket):
            message = (
                "Cross-location logging not allowed. Buckets in one geographic location cannot "
                "log information to a bucket in another location."
            )
            return request.error("CrossLocationLoggingProhibited", message, 403)
        granted = element.find(f"{_NS}TargetGrants/{_NS}Grant") is not None
        if granted and request.s3._bucket_owner_enforced(request.s3._buckets[name]):
            message = "Target grants cannot be used where ACLs are disabled."
            return request.error("InvalidArgument", message)
    return None


def _unfit_for_logs(request: "Request", name: str) -> bool:
    lock = request.s3._bucket_object_lock.get(name) or {}
    payment = request.s3._bucket_request_payment_config.get(name) or ""
    return bool(lock.get("default_retention")) or "<Payer>Requester</Payer>" in payment


def notified_functions(request: "Request") -> Answer | None:
    """A function must exist and let S3 invoke it (S3 User Guide, "Granting permissions ...").

    Its other half, queues and topics and the region of all three, MiniStack has.
    """
    skipped = request.headers.get("x-amz-skip-destination-validation", "").lower() == "true"
    if not request.puts("notification") or skipped:
        return None
    for element in request.xml().iter(f"{_NS}CloudFunctionConfiguration"):
        arn = element.findtext(f"{_NS}CloudFunction") or ""
        region = ":".join(arn.split(":")[2:4])
        if region != f"lambda:{properties.region(request.bucket)}":
            return None  # MiniStack says so
        source = f"arn:aws:s3:::{request.bucket}"
        if not delivery.function_permits(arn, "s3.amazonaws.com", source, request.owner or ""):
            message = "Unable to validate the following destination configurations"
            return request.error("InvalidArgument", message)
    return None


def acceleration(request: "Request") -> Answer | None:
    """No periods in the name (S3 User Guide, "Requirements for using Transfer Acceleration")."""
    if not request.puts("accelerate") or "." not in request.bucket:
        return None
    message = (
        "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names"
    )
    return request.error("InvalidRequest", message)


def email_grantees(request: "Request") -> Answer | None:
    """Grants to an email address ended in October 2025 (S3 API, PutBucketAcl)."""
    if not request.puts("acl") or request.xml().find(f".//{_NS}EmailAddress") is None:
        return None
    message = "The specified method is not allowed against this resource."
    return request.error("MethodNotAllowed", message, 405)


def policy_resources(request: "Request") -> Answer | None:
    """A policy is JSON and speaks of its own bucket (S3 User Guide, "Troubleshoot policies")."""
    if not request.puts("policy"):
        return None
    try:
        statements = json.loads(request.body)["Statement"]
        named = list(_resources(statements))
    except (AttributeError, KeyError, TypeError, ValueError):
        message = "Policies must be valid JSON and the first byte must be '{'"
        return request.error("MalformedPolicy", message)
    for resource in named:
        pattern = re.sub(r"^arn:[^:]+:s3:::", "", resource).partition("/")[0]
        its_kind = resource == "*" or pattern != resource.partition("/")[0]
        if not its_kind or not fnmatch.fnmatchcase(request.bucket, pattern.replace("[", "[[]")):
            return request.error("MalformedPolicy", "Policy has invalid resource")
    return None


def _resources(statements: Any) -> Iterator[str]:
    for statement in [statements] if isinstance(statements, dict) else statements:
        named: Any = statement.get("Resource", statement.get("NotResource"))
        yield from [named] if isinstance(named, str) else named


def lifecycle_rules(request: "Request") -> Answer | None:
    """What S3 demands of lifecycle rules (S3 User Guide; error texts as third parties record)."""
    if not request.puts("lifecycle"):
        return None
    rules = list(request.xml().iter(f"{_NS}Rule"))
    if not rules:
        return request.error("MalformedXML", "The XML you provided was not well-formed.")
    if len(rules) > 1000:
        message = "The number of lifecycle rules must not exceed the allowed limit of 1000 rules"
        return request.error("InvalidRequest", message)
    ids = [name for rule in rules if (name := rule.findtext(f"{_NS}ID"))]
    if len(set(ids)) < len(ids):
        message = "Rule ID must be unique. Found same ID for more than one rule"
        return request.error("InvalidArgument", message)
    if any(len(name) > 255 for name in ids):
        message = "ID length should not exceed allowed limit of 255"
        return request.error("InvalidArgument", message)
    if len({rule.find(f"{_NS}Filter") is None for rule in rules}) > 1:
        message = (
            "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the "
            "Filter."
        )
        return request.error("InvalidRequest", message)
    for rule in rules:
        for refuses, code, message in _LIFECYCLE:
            if refuses(rule):
                return request.error(code, message)
    return None


def _idle(rule: ElementTree.Element) -> bool:
    return all(rule.find(_NS + name) is None for name in (*_EXPIRING, *_MOVING))


def _no_prefix(rule: ElementTree.Element) -> bool:
    return rule.find(f"{_NS}Filter") is None and rule.find(f"{_NS}Prefix") is None


def _aborts_by_tag(rule: ElementTree.Element) -> bool:
    tagged = rule.find(f"{_NS}Filter//{_NS}Tag") is not None
    return tagged and rule.find(f"{_NS}AbortIncompleteMultipartUpload") is not None


def _expires_before_moving(rule: ElementTree.Element) -> bool:
    """S3 compares the rules of one prefix with each other too, which is not copied here."""
    for kind, days in (("", "Days"), ("NoncurrentVersion", "NoncurrentDays")):
        end = rule.findtext(f"{_NS}{kind}Expiration/{_NS}{days}")
        moves = rule.iterfind(f"{_NS}{kind}Transition/{_NS}{days}")
        if end and any(int(move.text or 0) >= int(end) for move in moves):
            return True
    return False


_LIFECYCLE = (
    (_no_prefix, "MalformedXML", "The XML you provided was not well-formed."),
    (_idle, "InvalidRequest", "At least one action needs to be specified in a rule"),
    (
        _aborts_by_tag,
        "InvalidRequest",
        "AbortIncompleteMultipartUpload cannot be specified with Tags.",
    ),
    (
        _expires_before_moving,
        "InvalidArgument",
        "'Days' in the Expiration action must be greater than 'Days' in the Transition action",
    ),
)

RULES = (
    logging_target,
    notified_functions,
    acceleration,
    email_grantees,
    policy_resources,
    lifecycle_rules,
)
