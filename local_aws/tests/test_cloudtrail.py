"""CloudTrail's record of a call, against the shapes of recorded events."""

from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from local_aws import cloudtrail
from local_aws.calls import Call

NS = "http://s3.amazonaws.com/doc/2006-03-01/"
ONE_TAG = (
    f'<Tagging xmlns="{NS}"><TagSet><Tag><Key>dr</Key><Value>true</Value></Tag></TagSet></Tagging>'
)
MORE = "<Tag><Key>a</Key><Value/></Tag><Tag><Key>b</Key><Value>1</Value></Tag>"
THREE_TAGS = ONE_TAG.replace("</TagSet>", f"{MORE}</TagSet>")
IDENTITY = {"type": "Root"}


def _call(error: tuple[str, str] | None = None, **changes: Any) -> Call:
    code, message = error or ("", "")
    answer = ("<Error><Code>", code, "</Code><Message>", escape(message), "</Message></Error>")
    values: dict[str, Any] = {
        "method": "PUT",
        "path": "/thebucketname",
        "headers": {},
        "query": {"tagging": "", "x-id": "PutBucketTagging"},
        "service": "s3",
        "operation": "PutBucketTagging",
        "bucket": "thebucketname",
        "key": "",
        "account": "111122223333",
        "region": "eu-north-1",
        "access_key": "111122223333",
        "body": ONE_TAG.encode(),
        "status": 400 if error else 204,
        "answer": "".join(answer).encode(),
        "request_id": "9PKQ42N01GSQCW64",
        **changes,
    }
    return Call(**values)


def test_one_tag_is_an_object_and_several_are_a_list() -> None:
    one = cloudtrail.request_parameters(_call())
    assert one == {
        "Tagging": {"xmlns": NS, "TagSet": {"Tag": {"Key": "dr", "Value": "true"}}},
        "tagging": "",
        "bucketName": "thebucketname",
        "Host": "s3.eu-north-1.amazonaws.com",
    }
    three = cloudtrail.request_parameters(_call(body=THREE_TAGS.encode()))
    assert three["Tagging"]["TagSet"]["Tag"] == [
        {"Key": "dr", "Value": "true"},
        {"Key": "a", "Value": ""},
        {"Key": "b", "Value": "1"},
    ]


def test_the_record_has_every_key_of_a_recorded_one_and_no_error() -> None:
    record = cloudtrail.detail(_call(), IDENTITY, datetime(2025, 7, 7, 9, 3, 8, tzinfo=UTC))
    assert record.pop("eventID"), "every record has an id of its own"
    record.pop("requestParameters")
    assert record == {
        "eventVersion": "1.11",
        "userIdentity": {"type": "Root"},
        "eventTime": "2025-07-07T09:03:08Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutBucketTagging",
        "awsRegion": "eu-north-1",
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "[]",
        "responseElements": None,
        "additionalEventData": {},
        "requestID": "9PKQ42N01GSQCW64",
        "readOnly": False,
        "resources": [
            {
                "accountId": "111122223333",
                "type": "AWS::S3::Bucket",
                "ARN": "arn:aws:s3:::thebucketname",
            }
        ],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        "tlsDetails": {},
    }


def test_a_refused_call_carries_code_and_message() -> None:
    record = cloudtrail.detail(_call(("AccessDenied", "a <b> & c")), IDENTITY)
    assert (record["errorCode"], record["errorMessage"]) == ("AccessDenied", "a <b> & c")
    assert record["responseElements"] is None


def test_create_bucket_carries_its_tags_and_no_resource() -> None:
    body = (
        f'<CreateBucketConfiguration xmlns="{NS}"><LocationConstraint>us-west-2'
        "</LocationConstraint><Tags><Tag><Key>dr</Key><Value>true</Value></Tag></Tags>"
        "</CreateBucketConfiguration>"
    )
    call = _call(operation="CreateBucket", query={}, body=body.encode())
    record = cloudtrail.detail(call, IDENTITY)
    assert record["resources"] == []
    assert record["requestParameters"] == {
        "CreateBucketConfiguration": {
            "LocationConstraint": "us-west-2",
            "Tags": {"Tag": {"Key": "dr", "Value": "true"}},
            "xmlns": NS,
        },
        "bucketName": "thebucketname",
    }
    empty = _call(operation="CreateBucket", query={}, body=b"")
    assert cloudtrail.request_parameters(empty) == {"bucketName": "thebucketname"}


def test_a_policy_is_shown_parsed_and_a_broken_body_not_at_all() -> None:
    policy = _call(operation="PutBucketPolicy", query={"policy": ""}, body=b'{"Version": "x"}')
    assert cloudtrail.request_parameters(policy)["bucketPolicy"] == {"Version": "x"}
    for operation in ("PutBucketPolicy", "PutBucketTagging"):
        broken = cloudtrail.request_parameters(_call(operation=operation, body=b"<no"))
        assert set(broken) == {"tagging", "bucketName", "Host"}


def test_identities_of_root_user_and_role() -> None:
    role = cloudtrail.user_identity(
        "AssumedRole",
        "arn:aws:sts::111122223333:assumed-role/a-role/a-function",
        "111122223333",
        "ASIA1",
        "AROA1:a-function",
        "arn:aws:iam::111122223333:role/path/a-role",
    )
    issuer = role["sessionContext"]["sessionIssuer"]
    assert issuer["arn"] == "arn:aws:iam::111122223333:role/path/a-role"
    assert (issuer["type"], issuer["userName"]) == ("Role", "a-role")
    user = cloudtrail.user_identity("User", "arn:aws:iam::1:user/x/ann", "1", "AKIA1", "AIDA1")
    assert (user["type"], user["userName"]) == ("IAMUser", "ann")
    root = cloudtrail.user_identity("Root", "arn:aws:iam::1:root", "1", "1", "1")
    assert root["type"] == "Root" and "sessionContext" not in root
