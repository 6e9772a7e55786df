"""Bucket properties that MiniStack does not serve, or not as they were put.

ABAC and the families with ids it takes for CreateBucket; of lifecycle rules and default retentions
it loses parts; Requester Pays and the status of a policy it answers with a list of objects.

A body is kept as it came and given back. Bucket names are global, so a name is enough to keep it
by; who may see it has been asked before.
"""

import base64
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from local_aws.emulator import Answer, module, wrap

if TYPE_CHECKING:
    from local_aws.strict import Request

# Query flag -> the name of one configuration.
FAMILIES = {
    "analytics": "AnalyticsConfiguration",
    "intelligent-tiering": "IntelligentTieringConfiguration",
    "inventory": "InventoryConfiguration",
    "metrics": "MetricsConfiguration",
}
PAGE = 100  # "The maximum number of configurations in a list" (S3 API, each List operation)
_MOST = 1000  # "up to 1,000 … configurations per bucket" (S3 API, each Put operation)
_NS = "http://s3.amazonaws.com/doc/2006-03-01/"
_XML = {"Content-Type": "application/xml"}
_SIZE = "x-amz-transition-default-minimum-object-size"
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*\?>\s*")
_ARN = re.compile(r"arn:[^:]+:s3:::([^/:]+)")

# Bucket -> query flag -> id -> body; what has no ids has the id "".
_kept: dict[str, dict[str, dict[str, bytes]]] = {}


def serve(request: "Request") -> Answer | None:
    """Answer what MiniStack does not serve; None leaves the request to it."""
    flag = next((name for name in (*_ALONE, *FAMILIES) if name in request.query), None)
    if flag is None or request.key or request.method not in ("GET", "PUT", "DELETE"):
        return None
    if request.owner is None:
        return request.error("NoSuchBucket", "The specified bucket does not exist", 404)
    return _family(request, flag) if flag in FAMILIES else _ALONE[flag](request)


def tags_under_abac(request: "Request") -> Answer | None:
    """PutBucketTagging and DeleteBucketTagging end with ABAC (S3 API, PutBucketAbac).

    With which code they are refused is not recorded.
    """
    body = _kept.get(request.bucket, {}).get("abac", {}).get("", b"")
    writes = request.method in ("PUT", "DELETE") and not request.key and "tagging" in request.query
    if not writes or _text(body, "Status") != "Enabled":
        return None
    message = "The specified method is not allowed against this resource."
    return request.error("MethodNotAllowed", message, 405)


def _abac(request: "Request") -> Answer:
    """GetBucketAbac and PutBucketAbac; it is Disabled until it is set (S3 API)."""
    kept = _kept.setdefault(request.bucket, {}).setdefault("abac", {})
    if request.method == "PUT":
        if _text(request.body, "Status") not in ("Enabled", "Disabled"):
            return _malformed(request)
        kept[""] = request.body
        return 200, {}, b""
    default = f'<AbacStatus xmlns="{_NS}"><Status>Disabled</Status></AbacStatus>'
    return 200, dict(_XML), kept.get("", default.encode())


def _family(request: "Request", flag: str) -> Answer:
    kept = _kept.setdefault(request.bucket, {}).setdefault(flag, {})
    name = request.query.get("id")
    if request.method == "PUT":
        return _put(request, flag, kept, name or "")
    if request.method == "GET" and name is None:
        return _list(request, flag, kept)
    if name not in kept:
        # Of Get, and of Delete too: the Terraform provider expects it there.
        message = "The specified configuration does not exist."
        return request.error("NoSuchConfiguration", message, 404)
    if request.method == "DELETE":
        del kept[name]
        return 204, {}, b""
    return 200, dict(_XML), kept[name]


def _put(request: "Request", flag: str, kept: dict[str, bytes], name: str) -> Answer:
    """Refusals: S3 API (TooManyConfigurations), LocalStack's recordings of S3 (IdMismatch)."""
    if request.xml().tag != f"{{{_NS}}}{FAMILIES[flag]}":
        return _malformed(request)
    if not name or request.xml().findtext(f"{{{_NS}}}Id") != name:
        message = "Document ID does not match the specified configuration ID."
        return request.error("IdMismatch", message)
    if name not in kept and len(kept) >= _MOST:
        message = "You have already reached the 1,000-configuration limit."
        return request.error("TooManyConfigurations", message)
    if refusal := _bad_destination(request):
        return refusal
    kept[name] = request.body
    return 200, {}, b""


def _bad_destination(request: "Request") -> Answer | None:
    """The destination is the ARN of a bucket in the same region (S3 API, both Put operations).

    The code is recorded for what is no ARN of a bucket only. What S3 says of a bucket that is
    missing or elsewhere is not.
    """
    for element in request.xml().iter(f"{{{_NS}}}S3BucketDestination"):
        match = _ARN.fullmatch(element.findtext(f"{{{_NS}}}Bucket") or "")
        home = region(match[1]) if match else None
        if home is None or home != region(request.bucket):
            return request.error("InvalidS3DestinationBucket", "Invalid bucket ARN.")
    return None


def _list(request: "Request", flag: str, kept: Mapping[str, bytes]) -> Answer:
    """A page at a time (S3 API, e.g. ListBucketMetricsConfigurations)."""
    token = request.query.get("continuation-token")
    try:
        after = base64.urlsafe_b64decode(token or "").decode()
    except ValueError:
        return request.error("InvalidArgument", "The continuation token provided is incorrect")
    rest = sorted(name for name in kept if name > after or not token)
    page = rest[:PAGE]
    root = ElementTree.Element(f"List{FAMILIES[flag]}sResult", xmlns=_NS)
    more = len(rest) > PAGE
    ElementTree.SubElement(root, "IsTruncated").text = str(more).lower()
    if token:
        ElementTree.SubElement(root, "ContinuationToken").text = token
    if more:
        next_token = base64.urlsafe_b64encode(page[-1].encode()).decode()
        ElementTree.SubElement(root, "NextContinuationToken").text = next_token
    ElementTree.SubElement(root, "items")
    items = b"".join(_DECLARATION.sub(b"", kept[name]) for name in page)
    return 200, dict(_XML), ElementTree.tostring(root).replace(b"<items />", items)


def _lifecycle(request: "Request") -> Answer | None:
    """Rules with all that they had, and from which size objects move (S3 API, lifecycle).

    S3 names a rule that has no ID, and writes ``Prefix`` and ``ObjectSizeGreaterThan`` into each
    ``And`` (the latter as MiniStack has it).
    """
    kept = _kept.setdefault(request.bucket, {}).setdefault("lifecycle", {})
    if request.method == "PUT":
        answer: Answer = request.s3._put_bucket_lifecycle(request.bucket, request.body)
        if answer[0] == 200:
            size = request.headers.get(_SIZE, "all_storage_classes_128K")
            kept.update({"": _as_stored(request), _SIZE: size.encode()})
            answer = 200, {_SIZE: size}, b""
        return answer
    if request.method == "DELETE":
        kept.clear()
    if "" not in kept:
        return None
    return 200, {**_XML, _SIZE: kept[_SIZE].decode()}, kept[""]


def _as_stored(request: "Request") -> bytes:
    root = request.xml()
    for rule in root.iter(f"{{{_NS}}}Rule"):
        if not rule.findtext(f"{{{_NS}}}ID"):
            name = rule.find(f"{{{_NS}}}ID")
            name = ElementTree.SubElement(rule, f"{{{_NS}}}ID") if name is None else name
            name.text = request.s3._generated_notification_id()
        for both in rule.iter(f"{{{_NS}}}And"):
            for tag, value in (("Prefix", ""), ("ObjectSizeGreaterThan", "0")):
                if both.find(f"{{{_NS}}}{tag}") is None:
                    ElementTree.SubElement(both, f"{{{_NS}}}{tag}").text = value
    return ElementTree.tostring(root, default_namespace=_NS)


def _object_lock(request: "Request") -> Answer | None:
    """The event hold of a default retention, alone or beside a period (S3 API, DefaultRetention,
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_DefaultRetention.html).

    Objects get none by it here.
    """
    kept = _kept.setdefault(request.bucket, {}).setdefault("object-lock", {})
    if request.method != "PUT":
        return (200, dict(_XML), kept[""]) if kept else None
    root, retention = request.xml(), f"{{{_NS}}}Rule/{{{_NS}}}DefaultRetention"
    hold = root.find(f"{retention}/{{{_NS}}}DefaultEventHold")
    if hold is not None:
        if [part.tag for part in hold] not in ([f"{{{_NS}}}Days"], [f"{{{_NS}}}Years"]):
            return _malformed(request)
        root.find(retention).remove(hold)  # type: ignore[union-attr]
        if all(root.find(f"{retention}/{{{_NS}}}{unit}") is None for unit in ("Days", "Years")):
            root.remove(root.find(f"{{{_NS}}}Rule"))  # type: ignore[arg-type]
    body = request.body if hold is None else ElementTree.tostring(root)
    answer: Answer = request.s3._put_object_lock_configuration(request.bucket, body)
    if answer[0] == 200:
        kept.clear()
        kept.update({} if hold is None else {"": request.body})
    return answer


def _request_payment(request: "Request") -> Answer | None:
    """GetBucketRequestPayment; MiniStack waits for another flag."""
    if request.method != "GET":
        return None
    answer: Answer = request.s3._get_bucket_request_payment(request.bucket)
    return answer


def _policy_status(request: "Request") -> Answer | None:
    """GetBucketPolicyStatus (S3 API)."""
    if request.method != "GET":
        return None
    policy = request.s3._bucket_policies.get(request.bucket)
    if policy is None:
        return request.error("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    public = str(request.s3._policy_is_public(policy)).lower()
    status = f'<PolicyStatus xmlns="{_NS}"><IsPublic>{public}</IsPublic></PolicyStatus>'
    return 200, dict(_XML), status.encode()


_ALONE: dict[str, Callable[["Request"], Answer | None]] = {
    "abac": _abac,
    "lifecycle": _lifecycle,
    "object-lock": _object_lock,
    "policyStatus": _policy_status,
    "requestPayment": _request_payment,
}


def region(bucket: str) -> str | None:
    """The region of a bucket, whoever owns it; None when there is none."""
    s3 = module("services.s3")
    owner = s3._bucket_owner_account(bucket)
    if owner is None:
        return None
    with s3._in_account(owner):
        found: str | None = s3.bucket_region(bucket)
        return found


def _text(body: bytes, tag: str) -> str:
    try:
        return ElementTree.fromstring(body).findtext(f"{{{_NS}}}{tag}") or ""
    except ElementTree.ParseError:
        return ""


def _malformed(request: "Request") -> Answer:
    return request.error("MalformedXML", "The XML you provided was not well-formed.")


def install() -> None:
    """Name the actions of ABAC, which MiniStack does not know, and forget deleted buckets."""
    s3, actions = module("services.s3"), module("core.iam_actions")
    actions._S3_BUCKET_QUERY_ACTIONS["abac"] = {"GET": "GetBucketAbac", "PUT": "PutBucketAbac"}

    def deleting(original: Any) -> Any:
        def delete(name: str) -> Answer:
            answer: Answer = original(name)
            if answer[0] == 204:
                _kept.pop(name, None)
            return answer

        return delete

    wrap(s3, "_delete_bucket", deleting)
