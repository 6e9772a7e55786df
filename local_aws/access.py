"""Permissions that AWS checks and MiniStack does not."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from local_aws import decisions, open_points, roles
from local_aws.emulator import Answer, module, wrap

if TYPE_CHECKING:
    from local_aws.strict import Request

_PREFIX = "arn:aws:s3:::"
_CREATING = "local-aws:creating"  # marks what is authorised as part of CreateBucket
_CONTROL_TAGS = ("s3:TagResource", "s3:UntagResource")


def denied(
    request: "Request", action: str, resource: str = "", context: dict[str, Any] | None = None
) -> Answer | None:
    """S3's AccessDenied when the caller may not do the action, else None."""
    answer: Answer | None = module("app")._enforce_data_plane(
        "s3",
        action,
        request.headers,
        {name: [value] for name, value in request.query.items()},
        "",
        resource_arn=resource or _PREFIX + request.bucket,
        service_context=context,
    )
    return answer


def additional_actions(request: "Request") -> Answer | None:
    """Actions that S3 asks for beside the call's own (S3 API, Permissions of each operation)."""
    if request.creates():
        sent_tags = tag_context(tags(request.xml()))
        wanted = {
            "s3:PutBucketOwnershipControls": request.headers.get("x-amz-object-ownership"),
            "s3:TagResource": sent_tags,
            "s3:PutBucketObjectLockConfiguration": _object_lock(request),
            "s3:PutBucketVersioning": _object_lock(request),
        }
        for action in (action for action, sent in wanted.items() if sent):
            context = {_CREATING: "true", **sent_tags}
            if answer := denied(request, action, context=context):
                return answer
    if request.puts("replication"):
        role = next((e.text or "" for e in request.xml().iter() if e.tag.endswith("}Role")), "")
        return denied(request, "iam:PassRole", role, {"iam:PassedToService": "s3.amazonaws.com"})
    return None


def tags(root: Any) -> dict[str, str]:
    """The tags in a body, whatever the namespace."""
    found = {}
    for tag in (element for element in root.iter() if element.tag.endswith("Tag")):
        texts = {child.tag.rpartition("}")[2]: child.text or "" for child in tag}
        found[texts.get("Key", "")] = texts.get("Value", "")
    return found


def tag_context(new: Mapping[str, str]) -> dict[str, Any]:
    """The condition keys of tags that a request brings (Service Authorization Reference, S3)."""
    values = {f"aws:RequestTag/{key}": value for key, value in new.items()}
    return {**values, "aws:TagKeys": list(new)} if new else {}


def _object_lock(request: "Request") -> bool:
    return request.headers.get("x-amz-bucket-object-lock-enabled", "").lower() == "true"


def _condition_keys(original: Any) -> Any:
    """``s3:ResourceAccount`` is the bucket's owner; MiniStack says the caller's own account.

    The key is absent while the bucket does not exist, so CreateBucket cannot be conditioned on it,
    and in S3 Control's tagging of buckets by an open point.

    ``aws:PrincipalArn`` of a role's session is the role's ARN (IAM User Guide, "AWS global
    condition context keys"); MiniStack says the session's.
    """

    def resolve(key: str, context: Any) -> Any:
        if key.lower() == "aws:principalarn" and ":assumed-role/" in context.principal_arn:
            return roles.session_role_arn(context.principal_arn)
        if key.lower() == "kms:calleraccount":
            return context.principal_account
        if key.lower() in ("s3:resourceaccount", "aws:resourceaccount"):
            if key.lower().startswith("s3:") and _is_unnamed(context):
                return None
            arn = context.resource_arn
            if arn.startswith(_PREFIX):
                bucket = arn.removeprefix(_PREFIX).partition("/")[0]
                owner = module("services.s3")._bucket_owner_account(bucket)
                creating = (
                    context.action == "s3:CreateBucket" or _CREATING in context.service_context
                )
                if owner or creating:
                    return owner
        return original(key, context)

    return resolve


def _is_unnamed(context: Any) -> bool:
    """Whether S3 Control tags a bucket, and does not say whose it is."""
    is_control = context.action in _CONTROL_TAGS and _CREATING not in context.service_context
    return is_control and open_points.CONTROL_NAMES_ACCOUNT.says("no")


def _foreign_bucket(original: Any) -> Any:
    """A policy of another account's bucket meets the caller itself, not its account's root."""

    def allows(
        owner: str, bucket: str, key: str, method: str, query: Any, caller: str, headers: Any = None
    ) -> bool:
        iam, actions = module("core.iam_evaluator"), module("core.iam_actions")
        policy = module("services.s3")._bucket_policies.get_scoped(owner, None, bucket)
        path = f"/{bucket}/{key}" if key else f"/{bucket}"
        context = iam.EvalContext(
            principal_arn=iam.caller_arn(),
            principal_type="AssumedRole",
            principal_account=caller,
            action=f"s3:{actions._s3_action(method, path, query)}",
            resource_arn=_PREFIX + path[1:],
            region=module("core.responses").get_region(),
        )
        decision = (
            iam.evaluate_resource_policy(policy, context).decision if policy and caller else ""
        )
        if decision in ("Allow", "Deny"):
            allowed = bool(decision == "Allow")
        else:
            allowed = bool(original(owner, bucket, key, method, query, caller, headers))
        if not allowed:  # the caller's own policy was asked, and counted, before
            decisions.record_caller(context.principal_arn, context.action, False)
        return allowed

    return allows


def _namespace(original: Any) -> Any:
    """``s3:x-amz-bucket-namespace`` of CreateBucket (Service Authorization Reference, S3)."""

    def context(action: str, query: Any, path: str = "", headers: Any = None) -> Any:
        found = original(action, query, path, headers)
        namespace = (headers or {}).get("x-amz-bucket-namespace")
        if action == "s3:CreateBucket" and namespace:
            return {**found, "s3:x-amz-bucket-namespace": namespace}
        return found

    return context


def _creation(original: Any) -> Any:
    """``s3:locationconstraint`` and tags of CreateBucket (Service Authorization Reference, S3)."""

    def context(service: str, action: str, body: bytes, params: Any) -> Any:
        found = original(service, action, body, params)
        if action != "s3:CreateBucket":
            return found
        try:
            root = ElementTree.fromstring(body)
        except ElementTree.ParseError:  # no body, or one that S3 refuses
            return found
        for element in root:
            if element.tag.endswith("LocationConstraint") and element.text:
                found = {**found, "s3:locationconstraint": element.text}
        return {**found, **tag_context(tags(root))}

    return context


def _events(original: Any) -> Any:
    """``events:source`` and ``events:detail-type`` of PutEvents.

    The first is an ArrayOfString (Service Authorization Reference, EventBridge,
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html):
    only a set operator matches it, also when all entries have one source. The second is a String.
    """

    def context(service: str, action: str, body: bytes, params: Any) -> Any:
        found = original(service, action, body, params)
        if action != "events:PutEvents":
            return found
        try:
            entries = json.loads(body)["Entries"]
            for key, name in (("events:source", "Source"), ("events:detail-type", "DetailType")):
                values = sorted({str(entry[name]) for entry in entries if name in entry})
                if values:
                    is_list = key == "events:source" or len(values) > 1
                    found = {**found, key: values if is_list else values[0]}
        except (KeyError, TypeError, ValueError):  # a body that EventBridge refuses
            return found
        return found

    return context


def install() -> None:
    wrap(module("core.iam_evaluator"), "_resolve_condition_key", _condition_keys)
    wrap(module("core.iam_actions"), "s3_service_context", _namespace)
    wrap(module("core.iam_actions"), "request_tag_context", _creation)
    wrap(module("core.iam_actions"), "request_tag_context", _events)
    wrap(module("services.s3"), "_foreign_bucket_allows", _foreign_bucket)
