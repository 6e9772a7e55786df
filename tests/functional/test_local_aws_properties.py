"""Bucket properties on the local AWS: kept as they were put, and guarded as on AWS."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

ACCOUNT, OTHER, REGION, DR = "111122223333", "444455556666", "us-west-2", "us-east-2"
Lab = Any  # the fixture of conftest.py
NS = "http://s3.amazonaws.com/doc/2006-03-01/"

TAG = {"Key": "a", "Value": "b & <c>"}
AND = {"Prefix": "logs/", "Tags": [TAG, {"Key": "d", "Value": ""}]}
# Name in boto3, operation without verb, IAM action without verb, one configuration of each shape.
FAMILIES = {
    "metrics": [
        {},
        {"Filter": {"Prefix": "logs/"}},
        {"Filter": {"Tag": TAG}},
        {"Filter": {"AccessPointArn": f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/ap"}},
        {"Filter": {"And": AND}},
    ],
    "intelligent_tiering": [
        {
            "Status": status,
            "Tierings": [
                {"Days": 90, "AccessTier": "ARCHIVE_ACCESS"},
                {"Days": 180, "AccessTier": "DEEP_ARCHIVE_ACCESS"},
            ],
            **more,
        }
        for status, more in (
            ("Enabled", {}),
            ("Disabled", {"Filter": {"Prefix": "logs/"}}),
            ("Enabled", {"Filter": {"Tag": TAG}}),
            ("Enabled", {"Filter": {"And": AND}}),
        )
    ],
    "analytics": [
        {"StorageClassAnalysis": {}},
        {
            "Filter": {"And": AND},
            "StorageClassAnalysis": {
                "DataExport": {
                    "OutputSchemaVersion": "V_1",
                    "Destination": {
                        "S3BucketDestination": {
                            "Format": "CSV",
                            "BucketAccountId": ACCOUNT,
                            "Bucket": "arn:aws:s3:::pr-reports",
                            "Prefix": "analytics",
                        }
                    },
                }
            },
        },
    ],
    "inventory": [
        {
            "Destination": {
                "S3BucketDestination": {
                    "AccountId": ACCOUNT,
                    "Bucket": "arn:aws:s3:::pr-reports",
                    "Format": "Parquet",
                    "Prefix": "inventory",
                    "Encryption": {
                        "SSEKMS": {"KeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"},
                    },
                }
            },
            "IsEnabled": True,
            "Filter": {"Prefix": "logs/"},
            "IncludedObjectVersions": "All",
            "OptionalFields": ["Size", "ETag", "ChecksumAlgorithm"],
            "Schedule": {"Frequency": "Daily"},
        },
        {
            "Destination": {
                "S3BucketDestination": {
                    "Bucket": "arn:aws:s3:::pr-reports",
                    "Format": "CSV",
                    "Encryption": {"SSES3": {}},
                }
            },
            "IsEnabled": False,
            "IncludedObjectVersions": "Current",
            "Schedule": {"Frequency": "Weekly"},
        },
    ],
}


def refusal(call: Any, *arguments: Any, **keywords: Any) -> tuple[str, int]:
    """Code and HTTP status of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **keywords)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


class Family:
    """The four calls of a family with ids, on one bucket."""

    def __init__(self, s3: Any, name: str, bucket: str) -> None:
        self._s3, self._name, self._bucket = s3, name, bucket
        self._member = name.title().replace("_", "") + "Configuration"

    def put(self, configuration: Any, name: str = "") -> None:
        parameters = {"Id": name or configuration["Id"], self._member: configuration}
        self._call("put", "", **parameters)

    def get(self, name: str) -> Any:
        return self._call("get", "", Id=name)[self._member]

    def delete(self, name: str) -> Any:
        return self._call("delete", "", Id=name)

    def page(self, **more: Any) -> Any:
        return self._call("list", "s", **more)

    def all(self) -> Any:
        return self.page().get(f"{self._member}List", [])

    def _call(self, verb: str, plural: str, **parameters: Any) -> Any:
        method = f"{verb}_bucket_{self._name}_configuration{plural}"
        return getattr(self._s3, method)(Bucket=self._bucket, **parameters)


@pytest.fixture(scope="module")
def reports(lab: Lab) -> None:
    lab.create("pr-reports")
    lab.create("pr-reports-dr", DR)


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize("name", FAMILIES)
def test_configurations_with_ids_come_back_as_they_were_put(lab: Lab, name: str) -> None:
    bucket = f"pr-{name.replace('_', '-')}"
    family = Family(lab.create(bucket), name, bucket)
    assert family.all() == []
    assert "IsTruncated" in family.page()
    wanted = [{"Id": f"c{number}", **part} for number, part in enumerate(FAMILIES[name])]
    for configuration in wanted:
        family.put(configuration)
        assert family.get(configuration["Id"]) == configuration
    assert family.all() == wanted
    replaced = {**wanted[-1], "Id": "c0"}
    family.put(replaced)
    assert family.all() == [replaced, *wanted[1:]]
    assert family.delete("c0")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert family.all() == wanted[1:]
    for call in (family.get, family.delete):
        assert refusal(call, "c0") == ("NoSuchConfiguration", 404)
    assert refusal(family.put, wanted[1], "other") == ("IdMismatch", 400)
    assert family.all() == wanted[1:]


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize("name", FAMILIES)
def test_configurations_are_listed_in_pages_of_a_hundred(lab: Lab, name: str) -> None:
    bucket = f"pr-pages-{name.replace('_', '-')}"
    family = Family(lab.create(bucket), name, bucket)
    wanted = [{**FAMILIES[name][0], "Id": f"c{number:03}"} for number in range(101)]
    for configuration in wanted:
        family.put(configuration)
    first = family.page()
    assert first["IsTruncated"] is True
    assert "ContinuationToken" not in first
    last = family.page(ContinuationToken=first["NextContinuationToken"])
    assert last["IsTruncated"] is False
    assert last["ContinuationToken"] == first["NextContinuationToken"]
    assert "NextContinuationToken" not in last
    (items,) = (key for key in last if key.endswith("List"))
    assert [len(page[items]) for page in (first, last)] == [100, 1]
    assert first[items] + last[items] == wanted
    assert refusal(family.page, ContinuationToken="none") == ("InvalidArgument", 400)


def test_configurations_end_with_their_bucket_and_are_its_own(lab: Lab) -> None:
    s3 = lab.create("pr-ends")
    foreign = lab.server.client("s3", REGION, OTHER)
    Family(s3, "metrics", "pr-ends").put({"Id": "c"})
    s3.put_bucket_abac(Bucket="pr-ends", AbacStatus={"Status": "Enabled"})
    assert refusal(Family(foreign, "metrics", "pr-ends").all) == ("AccessDenied", 403)
    assert refusal(foreign.get_bucket_abac, Bucket="pr-ends") == ("AccessDenied", 403)
    s3.delete_bucket(Bucket="pr-ends")
    missing = ("NoSuchBucket", 404)
    assert refusal(Family(s3, "metrics", "pr-ends").all) == missing
    assert refusal(Family(s3, "metrics", "pr-ends").put, {"Id": "c"}) == missing
    assert refusal(s3.get_bucket_abac, Bucket="pr-ends") == missing
    lab.create("pr-ends", account=OTHER)
    assert Family(foreign, "metrics", "pr-ends").all() == []
    assert foreign.get_bucket_abac(Bucket="pr-ends")["AbacStatus"] == {"Status": "Disabled"}


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize("name", ["analytics", "inventory"])
def test_reports_go_to_a_bucket_of_the_same_region(lab: Lab, name: str) -> None:
    bucket = f"pr-far-{name}"
    family = Family(lab.create(bucket), name, bucket)
    text = json.dumps({**FAMILIES[name][-1], "Id": "c"})
    for wrong in ("arn:aws:s3:::pr-reports-dr", "arn:aws:s3:::pr-missing", "pr-reports"):
        moved = json.loads(text.replace("arn:aws:s3:::pr-reports", wrong))
        assert refusal(family.put, moved) == ("InvalidS3DestinationBucket", 400), wrong
    assert family.all() == []
    family.put(json.loads(text))


def test_abac_forbids_the_old_way_of_tagging(lab: Lab) -> None:
    s3 = lab.create("pr-abac")
    asked = {"Bucket": "pr-abac"}
    assert s3.get_bucket_abac(**asked)["AbacStatus"] == {"Status": "Disabled"}
    s3.put_bucket_tagging(**asked, Tagging=lab.tag("a=b"))
    s3.put_bucket_abac(**asked, AbacStatus={"Status": "Enabled"})
    assert s3.get_bucket_abac(**asked)["AbacStatus"] == {"Status": "Enabled"}
    refused = ("MethodNotAllowed", 405)
    assert refusal(s3.put_bucket_tagging, **asked, Tagging=lab.tag("a=c")) == refused
    assert refusal(s3.delete_bucket_tagging, **asked) == refused
    control = lab.server.client("s3control", REGION)
    arn = {"AccountId": ACCOUNT, "ResourceArn": "arn:aws:s3:::pr-abac"}
    control.tag_resource(**arn, Tags=lab.tag("d=e")["TagSet"])
    control.untag_resource(**arn, TagKeys=["a"])
    assert s3.get_bucket_tagging(**asked)["TagSet"] == lab.tag("d=e")["TagSet"]
    s3.put_bucket_abac(**asked, AbacStatus={"Status": "Disabled"})
    s3.delete_bucket_tagging(**asked)
    assert refusal(s3.put_bucket_abac, **asked, AbacStatus={}) == ("MalformedXML", 400)


def test_s3_control_merges_tags_up_to_fifty(lab: Lab) -> None:
    s3 = lab.create("pr-fifty")
    control = lab.server.client("s3control", REGION)
    arn = {"AccountId": ACCOUNT, "ResourceArn": "arn:aws:s3:::pr-fifty"}
    s3.put_bucket_tagging(Bucket="pr-fifty", Tagging=lab.tag(*(f"k{n}=v" for n in range(49))))
    control.tag_resource(**arn, Tags=[{"Key": "k0", "Value": "new"}, TAG])
    assert refusal(control.tag_resource, **arn, Tags=lab.tag("more=1")["TagSet"])[1] == 400
    found = {tag["Key"]: tag["Value"] for tag in control.list_tags_for_resource(**arn)["Tags"]}
    assert len(found) == 50
    assert (found["k0"], found["k1"], found["a"]) == ("new", "v", TAG["Value"])
    control.untag_resource(**arn, TagKeys=["k0", "k1", "not-there"])
    left = s3.get_bucket_tagging(Bucket="pr-fifty")["TagSet"]
    assert {tag["Key"] for tag in left} == set(found) - {"k0", "k1"}


def test_s3_control_is_asked_in_the_region_and_for_the_account(lab: Lab) -> None:
    lab.create("pr-place")
    asked = {"ResourceArn": "arn:aws:s3:::pr-place", "Tags": [TAG]}
    here, there = (lab.server.client("s3control", region) for region in (REGION, DR))
    assert refusal(there.tag_resource, AccountId=ACCOUNT, **asked)[1] == 301
    assert refusal(here.tag_resource, AccountId=OTHER, **asked) == ("AccessDenied", 403)
    here.tag_resource(AccountId=ACCOUNT, **asked)


def test_tagging_can_be_bound_to_keys_and_values(lab: Lab) -> None:
    lab.create("pr-keys")
    lab.create("pr-keys-no", account=OTHER)
    statement = {
        "Effect": "Allow",
        "Action": ["s3:TagResource", "s3:UntagResource"],
        "Resource": "arn:aws:s3:::pr-keys*",
        "Condition": {
            "ForAllValues:StringEquals": {"aws:TagKeys": ["s3-dr:cloned", "s3-dr:source-bucket"]},
            "StringEquals": {"s3:ResourceAccount": ACCOUNT},
        },
    }
    valued = {
        "Effect": "Allow",
        "Action": "s3:TagResource",
        "Resource": "arn:aws:s3:::pr-keys",
        "Condition": {"StringEquals": {"aws:RequestTag/team": "blue"}},
    }
    credentials = lab.assume("pr-keys", [statement, valued])
    control = lab.server.client("s3control", REGION, credentials=credentials)
    arn = {"AccountId": ACCOUNT, "ResourceArn": "arn:aws:s3:::pr-keys"}
    denied = ("AccessDenied", 403)

    def put(*pairs: str) -> None:
        control.tag_resource(**arn, Tags=lab.tag(*pairs)["TagSet"])

    put("s3-dr:cloned=x")
    put("s3-dr:cloned=x", "s3-dr:source-bucket=y")
    put("team=blue")
    assert refusal(put, "other=x") == denied
    assert refusal(put, "s3-dr:cloned=x", "other=x") == denied
    assert refusal(put, "team=red") == denied
    control.untag_resource(**arn, TagKeys=["s3-dr:cloned"])
    assert refusal(control.untag_resource, **arn, TagKeys=["team"]) == denied
    assert refusal(control.untag_resource, **arn, TagKeys=["s3-dr:cloned", "team"]) == denied
    assert refusal(control.list_tags_for_resource, **arn) == denied
    foreign = {**arn, "ResourceArn": "arn:aws:s3:::pr-keys-no"}
    assert refusal(control.tag_resource, **foreign, Tags=[TAG]) == denied
    asked = {row["action"] for row in lab.server.decisions() if row["role"] == "pr-keys"}
    assert asked == {"s3:TagResource", "s3:UntagResource", "s3:ListTagsForResource"}


def test_tags_of_a_new_bucket_can_be_bound_to_keys(lab: Lab) -> None:
    create = {"Effect": "Allow", "Action": "s3:CreateBucket", "Resource": "*"}
    tagging = {
        "Effect": "Allow",
        "Action": "s3:TagResource",
        "Resource": "*",
        "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["dr"]}},
    }
    credentials = lab.assume("pr-born", [create, tagging])
    s3 = lab.server.client("s3", REGION, credentials=credentials)

    def born(name: str, *pairs: str) -> None:
        place = {"LocationConstraint": REGION, "Tags": lab.tag(*pairs)["TagSet"]}
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)

    assert refusal(born, "pr-born-1", "dr=true", "other=x") == ("AccessDenied", 403)
    born("pr-born-1", "dr=true")


TAGGING = f"""
import boto3

def handler(event, context):
    control = boto3.client("s3control", region_name="{REGION}")
    arn = {{"AccountId": "{ACCOUNT}", "ResourceArn": "arn:aws:s3:::pr-function"}}
    control.tag_resource(**arn, Tags=[{{"Key": "a", "Value": "1"}}, {{"Key": "b", "Value": "2"}}])
    control.untag_resource(**arn, TagKeys=["a"])
    return control.list_tags_for_resource(**arn)["Tags"]
"""


def test_a_function_tags_with_a_plain_client(lab: Lab) -> None:
    lab.create("pr-function")
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    role = lab.role("pr-function", [everything])
    lab.function("pr-function", TAGGING, role)
    answer = lab.server.client("lambda", REGION).invoke(FunctionName="pr-function")
    assert json.load(answer["Payload"]) == lab.tag("b=2")["TagSet"]
