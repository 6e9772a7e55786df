"""The local AWS has trails as CloudTrail has them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.tests.lab import Lab

ACCOUNT, REGION, DR = "111122223333", "us-west-2", "us-east-2"


def code(call: Any, **keywords: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**keywords)
    return str(caught.value.response["Error"]["Code"])


def statements(bucket: str, trail: str, prefix: str = "") -> list[dict[str, Any]]:
    """The policy of a trail's bucket as the CloudTrail User Guide has it."""
    source = {"aws:SourceArn": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{trail}"}
    common = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    arn = f"arn:aws:s3:::{bucket}"
    full = {"s3:x-amz-acl": "bucket-owner-full-control"}
    return [
        {
            **common,
            "Action": "s3:GetBucketAcl",
            "Resource": arn,
            "Condition": {"StringEquals": source},
        },
        {
            **common,
            "Action": "s3:PutObject",
            "Resource": f"{arn}/{prefix}AWSLogs/{ACCOUNT}/*",
            "Condition": {"StringEquals": {**source, **full}},
        },
    ]


def bucket(lab: Lab, name: str, *allowed: dict[str, Any]) -> str:
    """A bucket with a policy."""
    s3 = lab.create(name)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = {"Version": "2012-10-17", "Statement": [*allowed, deny]}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(document))
    return name


def test_a_trail_needs_a_bucket_it_may_write_to(lab: Lab) -> None:
    trails = lab.server.client("cloudtrail", REGION)
    right = statements("tr-bucket", "tr-made", "logs/")
    lab.create("tr-bare")
    made = {"Name": "tr-made", "S3KeyPrefix": "logs"}
    insufficient = "InsufficientS3BucketPolicyException"
    for name, allowed, expected in (
        ("tr-none", None, "S3BucketDoesNotExistException"),
        ("tr-bare", None, insufficient),
        ("tr-no-acl", right[1:], insufficient),
        ("tr-no-put", right[:1], insufficient),
        ("tr-other-trail", statements("tr-other-trail", "tr-other", "logs/"), insufficient),
        ("tr-other-prefix", statements("tr-other-prefix", "tr-made"), insufficient),
    ):
        if allowed is not None:
            text = json.dumps(allowed).replace("tr-bucket", name)
            bucket(lab, name, *json.loads(text))
        assert code(trails.create_trail, S3BucketName=name, **made) == expected, name
    trails.create_trail(S3BucketName=bucket(lab, "tr-bucket", *right), **made)
    assert code(trails.update_trail, Name="tr-made", S3BucketName="tr-bare") == insufficient
    trails.delete_trail(Name="tr-made")


def test_the_life_of_a_trail(lab: Lab) -> None:
    trails, name = lab.server.client("cloudtrail", REGION), "tr-life"
    bucket(lab, name, *statements(name, name))
    tags = [{"Key": "a", "Value": "b"}]
    arn = trails.create_trail(Name=name, S3BucketName=name, TagsList=tags)["TrailARN"]
    listed = trails.list_tags(ResourceIdList=[arn])["ResourceTagList"]
    assert listed == [{"ResourceId": arn, "TagsList": tags}]
    assert arn == f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{name}"
    (found,) = trails.describe_trails(trailNameList=[name])["trailList"]
    assert (found["HomeRegion"], found["IsMultiRegionTrail"]) == (REGION, False)
    assert found["S3BucketName"] == name
    assert not trails.get_trail_status(Name=name)["IsLogging"], "not before StartLogging"
    trails.start_logging(Name=name)
    assert trails.get_trail_status(Name=arn)["IsLogging"]
    usual = trails.get_event_selectors(TrailName=name)["EventSelectors"]
    assert usual == [
        {
            "ReadWriteType": "All",
            "IncludeManagementEvents": True,
            "DataResources": [],
            "ExcludeManagementEventSources": [],
        }
    ]
    selector = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}
    trails.put_event_selectors(TrailName=name, EventSelectors=[selector])
    (chosen,) = trails.get_event_selectors(TrailName=arn)["EventSelectors"]
    assert {key: chosen[key] for key in selector} == selector
    (found,) = trails.describe_trails(trailNameList=[arn])["trailList"]
    assert found["HasCustomEventSelectors"]
    fields = [{"Field": "eventCategory", "Equals": ["Management"]}]
    advanced = [{"Name": "all", "FieldSelectors": fields}]
    trails.put_event_selectors(TrailName=name, AdvancedEventSelectors=advanced)
    answer = trails.get_event_selectors(TrailName=name)
    assert answer["AdvancedEventSelectors"] == advanced
    assert not answer.get("EventSelectors")
    trails.stop_logging(Name=name)
    assert not trails.get_trail_status(Name=name)["IsLogging"]
    trails.delete_trail(Name=name)
    assert trails.describe_trails(trailNameList=[name])["trailList"] == []
    assert code(trails.get_trail_status, Name=name) == "TrailNotFoundException"
    assert code(trails.get_event_selectors, TrailName=name) == "TrailNotFoundException"


def test_a_trail_of_all_regions_is_seen_in_each(lab: Lab) -> None:
    home, elsewhere = (lab.server.client("cloudtrail", region) for region in (REGION, DR))
    for name, everywhere in (("tr-all", True), ("tr-one", False)):
        bucket(lab, name, *statements(name, name))
        home.create_trail(Name=name, S3BucketName=name, IsMultiRegionTrail=everywhere)
        home.start_logging(Name=name)
    found = {trail["Name"]: trail for trail in elsewhere.describe_trails()["trailList"]}
    assert "tr-one" not in found
    assert found["tr-all"]["HomeRegion"] == REGION
    arn = found["tr-all"]["TrailARN"]
    own = elsewhere.describe_trails(includeShadowTrails=False)["trailList"]
    assert "tr-all" not in [trail["Name"] for trail in own]
    assert elsewhere.get_trail_status(Name=arn)["IsLogging"]
    assert code(elsewhere.get_trail_status, Name="tr-all") == "TrailNotFoundException"
    assert elsewhere.get_event_selectors(TrailName=arn)["EventSelectors"]
    assert code(elsewhere.stop_logging, Name=arn) == "InvalidHomeRegionException"
    for name in ("tr-all", "tr-one"):
        home.delete_trail(Name=name)


def test_reading_trails_needs_permissions(lab: Lab) -> None:
    bucket(lab, "tr-read", *statements("tr-read", "tr-read"))
    lab.server.client("cloudtrail", REGION).create_trail(Name="tr-read", S3BucketName="tr-read")
    calls = {
        "DescribeTrails": {},
        "GetTrailStatus": {"Name": "tr-read"},
        "GetEventSelectors": {"TrailName": "tr-read"},
    }
    methods = {
        "DescribeTrails": "describe_trails",
        "GetTrailStatus": "get_trail_status",
        "GetEventSelectors": "get_event_selectors",
    }
    for allowed, keywords in calls.items():
        statement = {"Effect": "Allow", "Action": f"cloudtrail:{allowed}", "Resource": "*"}
        keys = lab.assume(f"tr-{allowed}", [statement])
        trails = lab.server.client("cloudtrail", REGION, credentials=keys)
        for name, more in calls.items():
            call = getattr(trails, methods[name])
            if name == allowed:
                call(**more)
            else:
                assert code(call, **more) == "AccessDeniedException"
        lab.server.faults([{"operation": allowed, "code": "ThrottlingException"}])
        assert code(getattr(trails, methods[allowed]), **keywords) == "ThrottlingException"
    rows = [row for row in lab.server.calls() if row["service"] == "cloudtrail"]
    assert set(calls) <= {row["operation"] for row in rows}
