"""Refusals that AWS gives and MiniStack does not. One function a rule, each citing its source.

The rules run where MiniStack would act, so after authentication, authorisation and the check of
the bucket's region: a caller without permission is told AccessDenied, as on AWS.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from local_aws import open_points, properties, property_rules, regions, replication, roles
from local_aws.emulator import Answer, module, wrap
from local_aws.names import SUBRESOURCES, flags

_NS = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_ARN = re.compile(r"arn:[^:]+:s3:::([^/:]+)")
_BAD_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_BAD_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
# Subresources that are served; MiniStack takes any other PUT for CreateBucket, any other DELETE for
# DeleteBucket.
_SERVED = {
    "PUT": set(SUBRESOURCES) - {"location", "policyStatus"},
    "DELETE": {
        *properties.FAMILIES,
        "cors",
        "encryption",
        "lifecycle",
        "ownershipControls",
        "policy",
        "publicAccessBlock",
        "replication",
        "tagging",
        "website",
    },
}


@dataclass(frozen=True)
class Request:
    """A bucket request that MiniStack is about to serve.

    Attributes:
        account: The account in whose name the request acts (the bucket's owner, or the caller).
        owner: The account that owns the bucket, None when there is no such bucket.
    """

    method: str
    bucket: str
    key: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    account: str
    region: str
    owner: str | None
    s3: Any = field(repr=False)

    def puts(self, subresource: str) -> bool:
        return self.method == "PUT" and not self.key and subresource in self.query

    def creates(self) -> bool:
        return self.method == "PUT" and not self.key and not flags(self.query)

    def xml(self) -> ElementTree.Element:
        """The body; an empty element when it is no XML, which MiniStack then refuses itself."""
        try:
            return ElementTree.fromstring(self.body)
        except ElementTree.ParseError:
            return ElementTree.Element("none")

    def error(self, code: str, message: str, status: int = 400) -> Answer:
        answer: Answer = self.s3._error(code, message, status, f"/{self.bucket}")
        return answer


def expected_owner(request: Request) -> Answer | None:
    """ExpectedBucketOwner of another account: 403 (S3 API, x-amz-expected-bucket-owner)."""
    expected = request.headers.get("x-amz-expected-bucket-owner")
    if expected and request.owner and expected != request.owner:
        return request.error("AccessDenied", "Access Denied", 403)
    return None


def unserved_subresource(request: Request) -> Answer | None:
    """501 for what AWS stores and MiniStack would take for CreateBucket or DeleteBucket."""
    served = _SERVED.get(request.method)
    if served is None or request.key or not flags(request.query):
        return None
    if served & set(request.query):
        return None
    message = "A header you provided implies functionality that is not implemented."
    return request.error("NotImplemented", message, 501)


def bucket_name(request: Request) -> Answer | None:
    """Reserved prefixes and suffixes (S3 User Guide, general purpose bucket naming rules)."""
    name = request.bucket
    if not request.creates():
        return None
    if request.headers.get("x-amz-bucket-namespace") == "account-regional":
        # Only `<prefix>-<account>-<region>-an` (S3 User Guide, namespaces).
        if name.endswith(f"-{request.account}-{request.region}-an"):
            return None
        message = "The bucket name does not match the requested bucket namespace."
        return request.error("InvalidNamespaceHeader", message)
    if name.startswith(_BAD_PREFIXES) or name.endswith((*_BAD_SUFFIXES, "-an")):
        return request.error("InvalidBucketName", "The specified bucket is not valid.")
    return None


def system_tags(request: Request) -> Answer | None:
    """InvalidTag for keys that begin `aws:` and the like; CreateBucket is right already."""
    if not request.puts("tagging"):
        return None
    tags = {
        tag.findtext(f"{_NS}Key") or "": tag.findtext(f"{_NS}Value") or ""
        for tag in request.xml().iter(f"{_NS}Tag")
    }
    answer: Answer | None = request.s3._validate_bucket_tags(tags, f"/{request.bucket}")
    return answer


def suspended_versioning(request: Request) -> Answer | None:
    """InvalidBucketState 409 under replication or Object Lock (S3 User Guide, versioning)."""
    if not request.puts("versioning") or request.xml().findtext(f"{_NS}Status") != "Suspended":
        return None
    if request.s3._bucket_replication.get(request.bucket):
        message = (
            "A replication configuration is present on this bucket, so you cannot change the "
            "versioning state. To change the versioning state, first delete the replication "
            "configuration."
        )
        return request.error("InvalidBucketState", message, 409)
    if (request.s3._bucket_object_lock.get(request.bucket) or {}).get("enabled"):
        message = (
            "An Object Lock configuration is present on this bucket, so the versioning state "
            "cannot be changed."
        )
        return request.error("InvalidBucketState", message, 409)
    return None


def policy_principals(request: Request) -> Answer | None:
    """A role or user that a policy names must exist (S3 User Guide, bucket policy principals)."""
    if not request.puts("policy"):
        return None
    for principal in _principals(request.body):
        exists = _user_exists if ":user/" in principal else roles.find
        if not exists(principal):
            return request.error("MalformedPolicy", "Invalid principal in policy")
    return None


def _principals(body: bytes) -> Iterator[str]:
    """ARNs of roles and users in a policy; nothing of one that is no policy at all."""
    try:
        statements = json.loads(body)["Statement"]
        for statement in [statements] if isinstance(statements, dict) else statements:
            named = statement.get("Principal", "*")
            named = named.get("AWS", []) if isinstance(named, dict) else []
            for arn in [named] if isinstance(named, str) else named:
                if re.match(r"arn:[^:]+:iam::\d{12}:(role|user)/", arn):
                    yield arn
    except (AttributeError, KeyError, TypeError, ValueError):
        return


def _user_exists(arn: str) -> bool:
    users = module("services.iam")._users
    user = users.get_scoped(arn.split(":")[4], None, arn.rpartition("/")[2])
    return bool(user and user["Arn"] == arn)


def replication_options(request: Request) -> Answer | None:
    """Rules S3 refuses one by one (S3 User Guide, "Replication error responses"; S3 API)."""
    if not _replicates(request):
        return None
    rules = list(request.xml().iter(f"{_NS}Rule"))
    if len(rules) > 1000:
        return request.error(
            "InvalidRequest", "The number of replication rules must not exceed 1000"
        )
    if len({rule.find(f"{_NS}Filter") is None for rule in rules}) > 1:
        # What it says is not recorded.
        message = "Rules of different versions of the replication configuration cannot be mixed."
        return request.error("InvalidRequest", message)
    for rule in rules:
        for refuses, code, message in _REFUSALS:
            if refuses(request, rule):
                return request.error(code, message)
        if _time_control_unsupported(request, rule):
            return request.error(*_NO_TIME_CONTROL[open_points.TIME_CONTROL.variant])
    return None


def _bad_id(request: Request, rule: ElementTree.Element) -> bool:
    name = rule.findtext(f"{_NS}ID") or ""
    return not name.isascii() or len(name) > 255


def _bad_storage_class(request: Request, rule: ElementTree.Element) -> bool:
    name = rule.findtext(f"{_NS}Destination/{_NS}StorageClass")
    return name is not None and name not in request.s3._VALID_STORAGE_CLASSES


def _markers_by_tag(request: Request, rule: ElementTree.Element) -> bool:
    status = rule.findtext(f"{_NS}DeleteMarkerReplication/{_NS}Status")
    tagged = rule.find(f"{_NS}Filter//{_NS}Tag") is not None
    return status == "Enabled" and tagged


def _owner_without_account(request: Request, rule: ElementTree.Element) -> bool:
    destination = rule.find(f"{_NS}Destination")
    return (
        destination is not None
        and destination.find(f"{_NS}AccessControlTranslation") is not None
        and not destination.findtext(f"{_NS}Account")
    )


def _time_control_unsupported(request: Request, rule: ElementTree.Element) -> bool:
    asked = rule.findtext(f"{_NS}Destination/{_NS}ReplicationTime/{_NS}Status")
    return asked == "Enabled" and request.region.startswith("cn-")


_REFUSALS = (
    (_bad_storage_class, "MalformedXML", "The XML you provided was not well-formed."),
    (_bad_id, "InvalidArgument", "Rule Id must not be longer than 255 ASCII characters."),
    (
        _markers_by_tag,
        "InvalidRequest",
        "Delete marker replication is not supported if any Tag filter is specified.",
    ),
    (
        _owner_without_account,
        "InvalidRequest",
        "Account must be specified if AccessControlTranslation is.",
    ),
)

# What nobody recorded is in open_points.TIME_CONTROL.
_NO_TIME_CONTROL = {
    "as_listed": ("InvalidRequest", "Replication Time Control is not supported in this Region"),
    "other_words": ("InvalidRequest", "ReplicationTime is not available in this Region"),
    "other_code": (
        "NotImplemented",
        "A header you provided implies functionality that is not implemented.",
    ),
}


def replication_rules(request: Request) -> Answer | None:
    """What S3 demands of the rules among themselves (error texts as third parties record them)."""
    if not _replicates(request):
        return None
    ids: set[str] = set()
    priorities: set[tuple[str, str]] = set()
    for rule in request.xml().iter(f"{_NS}Rule"):
        rule_id = rule.findtext(f"{_NS}ID")
        if rule_id and rule_id in ids:
            return request.error("InvalidArgument", "Rule Id must be unique")
        ids.add(rule_id or "")
        if rule.find(f"{_NS}Filter") is None:
            continue
        for name in ("DeleteMarkerReplication", "Priority"):
            if rule.find(f"{_NS}{name}") is None:
                message = (
                    f"{name} must be specified for this version of Cross Region Replication "
                    "configuration schema."
                )
                return request.error("InvalidRequest", message)
        priority = rule.findtext(f"{_NS}Priority") or ""
        destination = rule.findtext(f"{_NS}Destination/{_NS}Bucket") or ""
        if (destination, priority) in priorities:
            return request.error("InvalidRequest", f"Found overlapping priority {priority}")
        priorities.add((destination, priority))
    return None


def replication_destination(request: Request) -> Answer | None:
    """A destination must exist, be another bucket and belong to the Account that the rule names."""
    if not _replicates(request):
        return None
    for destination in request.xml().iter(f"{_NS}Destination"):
        match = _ARN.fullmatch(destination.findtext(f"{_NS}Bucket") or "")
        if not match:
            return request.error("InvalidArgument", "Invalid bucket ARN.")
        if match[1] == request.bucket:
            message = "Destination bucket cannot be the same as the source bucket."
            return request.error("InvalidRequest", message)
        owner = request.s3._bucket_owner_account(match[1])
        if owner is None:
            return request.error("InvalidRequest", "Destination bucket must exist.")
        account = destination.findtext(f"{_NS}Account")
        if account is not None and account != owner:
            message = "The Account must be the owner of the destination bucket."
            return request.error("InvalidArgument", message)
    return None


def replication_look(request: Request) -> Answer | None:
    """The role may look at a destination in another account, by the open point.

    With which code S3 would refuse is not recorded. A role that S3 cannot assume is no matter here.
    """
    source = replication.bucket(request.bucket)
    if source is None or not _replicates(request):
        return None
    role = replication.assume(source, request.xml().findtext(f"{_NS}Role") or "")
    if role is None:
        return None
    for arn in request.xml().iterfind(f"{_NS}Rule/{_NS}Destination/{_NS}Bucket"):
        target = replication.bucket((arn.text or "").rpartition(":::")[2])
        if target and not replication.may_look(source, target, role):
            return request.error("AccessDenied", "Access Denied", 403)
    return None


def _replicates(request: Request) -> bool:
    """An unversioned source is refused first, by MiniStack."""
    versioning = request.s3._bucket_versioning.get(request.bucket, "")
    return request.puts("replication") and versioning == "Enabled"


RULES = (
    expected_owner,
    unserved_subresource,
    bucket_name,
    *regions.RULES,
    system_tags,
    properties.tags_under_abac,
    suspended_versioning,
    policy_principals,
    replication_options,
    replication_rules,
    replication_destination,
    replication_look,
    *property_rules.RULES,
)


def install() -> None:
    """Put the rules before MiniStack's S3 and S3 Control."""
    from local_aws import access, jobs, s3control

    app, s3, responses = module("app"), module("services.s3"), module("core.responses")

    def request(
        method: str, bucket: str, key: str, headers: Any, body: bytes, query: Any
    ) -> Request:
        return Request(
            method,
            bucket,
            key,
            headers,
            {name: values[0] for name, values in query.items()},
            body,
            responses.get_account_id(),
            responses.get_region(),
            s3._bucket_owner_account(bucket),
            s3,
        )

    def strict_s3(original: Any) -> Any:
        def dispatch(
            method: str, bucket: str, key: str, headers: Any, body: bytes, query: Any
        ) -> Answer:
            asked = request(method, bucket, key, headers, body, query)
            for rule in (*RULES, access.additional_actions, properties.serve):
                if bucket and (done := rule(asked)):
                    return done
            answer: Answer = original(method, bucket, key, headers, body, query)
            return answer

        return dispatch

    def strict_s3control(original: Any) -> Any:
        async def handle(
            path: str, method: str, body: bytes, query: Any, request_id: str, headers: Any = None
        ) -> Any:
            if path == jobs.PATH or path.startswith(f"{jobs.PATH}/"):
                asked = request(method, "", "", headers or {}, body, query)
                status, more, answer = jobs.serve(asked, path, query)
                return status, {**more, "x-amzn-requestid": request_id}, answer
            arn = _ARN.fullmatch(unquote(path).removeprefix(s3control.TAGS))
            if arn is None or not path.startswith(s3control.TAGS):
                return await original(path, method, body, query, request_id, headers)
            asked = request(method, arn[1], "", headers or {}, body, query)
            status, more, answer = s3control.serve_tags(asked, query.get("tagKeys", []))
            return status, {**more, "x-amzn-requestid": request_id}, answer

        return handle

    wrap(s3, "_dispatch", strict_s3)
    wrap(app, "_handle_s3_control_request", strict_s3control)
