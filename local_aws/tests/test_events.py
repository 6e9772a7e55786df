"""S3 management calls reach an EventBridge rule in CloudTrail's shapes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.tests.lab import Lab

ACCOUNT, REGION = "111122223333", "us-west-2"
NS = "http://s3.amazonaws.com/doc/2006-03-01/"


def test_the_envelope_and_the_record_are_those_of_a_recorded_event(lab: Lab) -> None:
    s3 = lab.create("ev-envelope")
    with lab.bus("ev-envelope") as received:
        answer = s3.put_bucket_tagging(Bucket="ev-envelope", Tagging=lab.tag("t1=tv2", "t2=tv3"))
        event = received.one()
    detail = event.pop("detail")
    assert event.pop("id") and event["time"].endswith("Z")
    assert event.pop("time")[:10] == detail["eventTime"][:10]
    assert event == {
        "version": "0",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3",
        "account": ACCOUNT,
        "region": REGION,
        "resources": [],
    }
    assert detail.pop("eventID") and detail.pop("eventTime")
    assert "Boto3" in detail.pop("userAgent")
    assert detail == {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "Root",
            "principalId": ACCOUNT,
            "arn": f"arn:aws:iam::{ACCOUNT}:root",
            "accountId": ACCOUNT,
            "accessKeyId": ACCOUNT,
        },
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutBucketTagging",
        "awsRegion": REGION,
        "sourceIPAddress": "127.0.0.1",
        "requestParameters": {
            "Tagging": {
                "xmlns": NS,
                "TagSet": {"Tag": [{"Key": "t1", "Value": "tv2"}, {"Key": "t2", "Value": "tv3"}]},
            },
            "tagging": "",
            "bucketName": "ev-envelope",
            "Host": "s3.us-west-2.amazonaws.com",
        },
        "responseElements": None,
        "additionalEventData": {},
        "requestID": answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"],
        "readOnly": False,
        "resources": [
            {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::ev-envelope"}
        ],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        "tlsDetails": {},
    }


@pytest.mark.parametrize("region", ["us-west-2", "us-east-1"])
def test_a_bucket_born_with_tags_is_one_event(lab: Lab, region: str) -> None:
    name = f"ev-born-{region}"
    with lab.bus(name, region) as received:
        lab.create(name, region, Tags=lab.tag("dr=true")["TagSet"])
        detail = received.one()["detail"]
        lab.settle()
        assert not received.receive(), "a tagged CreateBucket must not emit PutBucketTagging too"
    assert detail["eventName"] == "CreateBucket"
    assert detail["resources"] == []
    configuration = detail["requestParameters"]["CreateBucketConfiguration"]
    assert configuration["Tags"] == {"Tag": {"Key": "dr", "Value": "true"}}
    assert configuration.get("LocationConstraint") == (None if region == "us-east-1" else region)


def test_every_management_write_has_its_event_name(lab: Lab) -> None:
    name = "ev-names"
    s3 = lab.create(name)
    twin = lab.create("other-ev-names")
    for bucket, client in ((name, s3), ("other-ev-names", twin)):
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    days = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 9}}
    block = {"BlockPublicAcls": True, "BlockPublicPolicy": True}
    lock: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
    cors = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    owner = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    sse = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    site = {"IndexDocument": {"Suffix": "i.html"}}
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    rule = lab.replication_rule("other-ev-names")
    role = f"arn:aws:iam::{ACCOUNT}:role/any"
    writes: list[tuple[str, Callable[[], Any]]] = [
        (
            "PutBucketLifecycle",
            lambda: s3.put_bucket_lifecycle_configuration(
                Bucket=name, LifecycleConfiguration={"Rules": [days]}
            ),
        ),
        ("DeleteBucketLifecycle", lambda: s3.delete_bucket_lifecycle(Bucket=name)),
        (
            "PutBucketNotification",
            lambda: s3.put_bucket_notification_configuration(
                Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
            ),
        ),
        (
            "PutAccelerateConfiguration",
            lambda: s3.put_bucket_accelerate_configuration(
                Bucket=name, AccelerateConfiguration={"Status": "Enabled"}
            ),
        ),
        (
            "PutBucketPublicAccessBlock",
            lambda: s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block),
        ),
        ("DeleteBucketPublicAccessBlock", lambda: s3.delete_public_access_block(Bucket=name)),
        (
            "PutBucketObjectLockConfiguration",
            lambda: s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock),
        ),
        ("PutBucketCors", lambda: s3.put_bucket_cors(Bucket=name, CORSConfiguration=cors)),
        ("DeleteBucketCors", lambda: s3.delete_bucket_cors(Bucket=name)),
        (
            "PutBucketOwnershipControls",
            lambda: s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=owner),
        ),
        (
            "PutBucketEncryption",
            lambda: s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=sse),
        ),
        ("DeleteBucketEncryption", lambda: s3.delete_bucket_encryption(Bucket=name)),
        (
            "PutBucketWebsite",
            lambda: s3.put_bucket_website(Bucket=name, WebsiteConfiguration=site),
        ),
        (
            "PutBucketRequestPayment",
            lambda: s3.put_bucket_request_payment(
                Bucket=name, RequestPaymentConfiguration={"Payer": "BucketOwner"}
            ),
        ),
        ("PutBucketPolicy", lambda: s3.put_bucket_policy(Bucket=name, Policy=text)),
        ("DeleteBucketPolicy", lambda: s3.delete_bucket_policy(Bucket=name)),
        (
            "PutBucketReplication",
            lambda: s3.put_bucket_replication(
                Bucket=name, ReplicationConfiguration={"Role": role, "Rules": [rule]}
            ),
        ),
        ("DeleteBucketReplication", lambda: s3.delete_bucket_replication(Bucket=name)),
        ("PutBucketTagging", lambda: s3.put_bucket_tagging(Bucket=name, Tagging=lab.tag("a=b"))),
        ("DeleteBucketTagging", lambda: s3.delete_bucket_tagging(Bucket=name)),
        ("DeleteBucket", lambda: s3.delete_bucket(Bucket=name)),
    ]
    details = {}
    with lab.bus(name) as received:
        for event_name, write in writes:
            write()
            details[event_name] = received.one()["detail"]
            assert details[event_name]["eventName"] == event_name
            assert "errorCode" not in details[event_name], event_name
    parameters = {event: detail["requestParameters"] for event, detail in details.items()}
    assert parameters["PutBucketLifecycle"]["LifecycleConfiguration"]["Rule"]["ID"] == "a"
    assert parameters["PutBucketLifecycle"]["lifecycle"] == ""
    assert parameters["PutBucketPolicy"]["bucketPolicy"]["Statement"] == [statement]
    assert parameters["PutBucketReplication"]["ReplicationConfiguration"]["Role"] == role
    assert parameters["DeleteBucketTagging"] == {
        "tagging": "",
        "bucketName": name,
        "Host": "s3.us-west-2.amazonaws.com",
    }


def test_reads_and_object_calls_emit_nothing(lab: Lab) -> None:
    name = "ev-quiet"
    s3 = lab.create(name)
    with lab.bus(name) as received:
        s3.head_bucket(Bucket=name)
        s3.get_bucket_versioning(Bucket=name)
        s3.put_object(Bucket=name, Key="a/b", Body=b"x" * 100_000)
        s3.put_object_tagging(Bucket=name, Key="a/b", Tagging=lab.tag("a=b"))
        assert s3.get_object(Bucket=name, Key="a/b")["Body"].read() == b"x" * 100_000
        s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "a/b"}]})
        s3.delete_bucket_tagging(Bucket=name)
        assert received.one()["detail"]["eventName"] == "DeleteBucketTagging"


def test_tag_resource_names_the_arn(lab: Lab) -> None:
    name = "ev-control"
    lab.create(name)
    control = lab.server.client("s3control", REGION)
    arn = f"arn:aws:s3:::{name}"
    sqs, events = lab.server.client("sqs", REGION), lab.server.client("events", REGION)
    rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": lab.queue_policy(queue, rule)})[
        "QueueUrl"
    ]
    pattern = {"detail": {"eventName": ["TagResource", "UntagResource"]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": queue}])
    control.tag_resource(AccountId=ACCOUNT, ResourceArn=arn, Tags=[{"Key": "dr", "Value": "true"}])
    control.untag_resource(AccountId=ACCOUNT, ResourceArn=arn, TagKeys=["dr"])
    details = [
        json.loads(message["Body"])["detail"]
        for _ in range(2)
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    ]
    assert [detail["eventName"] for detail in details] == ["TagResource", "UntagResource"]
    for detail in details:
        assert detail["requestParameters"]["resourceArn"] == arn
        assert detail["resources"][0]["ARN"] == arn
    events.remove_targets(Rule=name, Ids=["q"])


def test_a_refused_call_is_an_event_with_its_error(lab: Lab) -> None:
    name = "ev-refused"
    s3 = lab.create(name)
    with lab.bus(name) as received:
        with pytest.raises(ClientError):
            s3.put_bucket_tagging(Bucket=name, Tagging=lab.tag("aws:x=y"))
        detail = received.one()["detail"]
    assert detail["errorCode"] == "InvalidTag" and "aws:" in detail["errorMessage"]
    assert detail["responseElements"] is None


def test_a_role_is_named_with_its_issuer(lab: Lab) -> None:
    name = "ev-role"
    lab.create(name)
    session = lab.assume(
        "ev-role", [{"Effect": "Allow", "Action": "s3:PutBucketTagging", "Resource": "*"}]
    )
    s3 = lab.server.client("s3", REGION, credentials=session)
    with lab.bus(name) as received:
        s3.put_bucket_tagging(Bucket=name, Tagging=lab.tag("a=b"))
        identity = received.one()["detail"]["userIdentity"]
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        denied = received.one()["detail"]
    assert identity["type"] == "AssumedRole"
    assert identity["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/ev-role/session"
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert issuer["arn"] == f"arn:aws:iam::{ACCOUNT}:role/ev-role"
    assert denied["errorCode"] == "AccessDenied"
    assert denied["userIdentity"]["type"] == "AssumedRole"


def test_failed_authentication_is_no_event(lab: Lab) -> None:
    name = "ev-forged"
    lab.create(name)
    session = lab.assume("ev-forged", [])
    forged = lab.server.client("s3", REGION, credentials={**session, "SecretAccessKey": "wrong"})
    with lab.bus(name) as received:
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            forged.delete_bucket_tagging(Bucket=name)
        lab.settle()
        assert not received.receive()
