"""CloudTrail's record of an S3 management call or event, in the shapes that EventBridge delivers.

Nothing here does I/O. The shapes come from recorded events in public repositories.
"""

import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from local_aws import open_points
from local_aws.calls import Call
from local_aws.names import event_name, flags

DETAIL_TYPE = "AWS API Call via CloudTrail"
SERVICE_EVENT = "AWS Service Event via CloudTrail"

# "CloudTrail does not log requests that failed authentication" (S3 User Guide).
UNAUTHENTICATED = frozenset(
    {
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _collapse(element: ElementTree.Element) -> Any:
    """XML as CloudTrail shows it: one child is an object, several of a name are a list."""
    children: dict[str, Any] = {}
    for child in element:
        name, value = _local(child.tag), _collapse(child)
        if name not in children:
            children[name] = value
        elif isinstance(children[name], list):
            children[name].append(value)
        else:
            children[name] = [children[name], value]
    return children or _leaf(element.text or "")


def _leaf(text: str) -> Any:
    if open_points.RECORD_VALUES.says("json") and re.fullmatch("true|false|0|[1-9][0-9]*", text):
        return json.loads(text)
    return text


def xml_parameters(body: bytes) -> dict[str, Any]:
    """``{root: {…, "xmlns": …}}`` of a request body; empty when it is absent or not XML.

    S3 answers MalformedXML to a body that does not parse, and the record has nothing to show.
    """
    if not body.strip():
        return {}
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return {}
    content = _collapse(root)
    content = content if isinstance(content, dict) else {}
    namespace = root.tag[1:].partition("}")[0] if root.tag.startswith("{") else ""
    return {_local(root.tag): {**content, **({"xmlns": namespace} if namespace else {})}}


def _policy_parameters(body: bytes) -> dict[str, Any]:
    try:
        return {"bucketPolicy": json.loads(body)}
    except ValueError:  # S3 answers MalformedPolicy
        return {}


def request_parameters(call: Call) -> dict[str, Any]:
    """``detail.requestParameters``: body, query flags, bucket name and host."""
    host = f"s3.{call.region}.amazonaws.com"
    if call.resource_arn:
        # TagResource and UntagResource: no recorded event is public.
        where = open_points.TAG_RECORD_ARN
        return {
            **({} if where.says("resources") else {where.variant: call.resource_arn}),
            **xml_parameters(call.body),
            **flags(call.query),
            "Host": f"{call.account}.s3-control.{call.region}.amazonaws.com",
        }
    if call.operation == "CreateBucket":
        # Recorded CreateBucket events carry no host.
        return {**xml_parameters(call.body), "bucketName": call.bucket}
    read = _policy_parameters if call.operation == "PutBucketPolicy" else xml_parameters
    return {**read(call.body), **flags(call.query), "bucketName": call.bucket, "Host": host}


def detail(call: Call, identity: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]:
    """The event's ``detail``, which is CloudTrail's record of the call."""
    record: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": dict(identity),
        "eventTime": (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "s3.amazonaws.com",
        "eventName": event_name(call.operation),
        "awsRegion": call.region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": f"[{call.headers.get('user-agent', '')}]",
        "requestParameters": request_parameters(call),
        "responseElements": None,
        "additionalEventData": {},
        "requestID": call.request_id,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        # Recorded CreateBucket events list no resource: there was none when the call came in.
        "resources": []
        if call.operation == "CreateBucket" or not call.bucket
        else [
            {
                "accountId": call.account,
                "type": "AWS::S3::Bucket",
                "ARN": f"arn:aws:s3:::{call.bucket}",
            }
        ],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": call.account,
        "eventCategory": "Management",
        "tlsDetails": {},
    }
    if call.error:  # a successful call has no errorCode key at all
        record["errorCode"], record["errorMessage"] = call.error
    return record


def service_event(name: str, account: str, region: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """The record of what S3 did by itself: ``detail`` of an event of the type ``SERVICE_EVENT``.

    (S3 User Guide, "Tracking an S3 Batch Operations job in Amazon EventBridge through AWS
    CloudTrail".)
    """
    service = "s3.amazonaws.com"
    return {
        "eventVersion": "1.05",
        "userIdentity": {"accountId": account, "invokedBy": service},
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": service,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": service,
        "userAgent": service,
        "requestParameters": None,
        "responseElements": None,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsServiceEvent",
        "recipientAccountId": account,
        "serviceEventDetails": dict(about),
    }


def user_identity(
    kind: str, arn: str, account: str, access_key: str, principal_id: str, role_arn: str = ""
) -> dict[str, Any]:
    """``userIdentity`` of a caller.

    Args:
        kind: ``Root``, ``User`` or ``AssumedRole``.
        role_arn: For an assumed role the role's own ARN, path included.
    """
    identity: dict[str, Any] = {
        "type": "IAMUser" if kind == "User" else kind,
        "principalId": principal_id,
        "arn": arn,
        "accountId": account,
        "accessKeyId": access_key,
    }
    if kind == "User":
        identity["userName"] = arn.rpartition("/")[2]
    if kind == "AssumedRole":
        identity["sessionContext"] = {
            "sessionIssuer": {
                "type": "Role",
                "principalId": principal_id.partition(":")[0],
                "arn": role_arn,
                "accountId": account,
                "userName": role_arn.rpartition("/")[2],
            },
            "attributes": {"mfaAuthenticated": "false"},
        }
    return identity
