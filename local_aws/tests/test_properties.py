"""Bucket properties on the local AWS: kept as they were put, and guarded as on AWS."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.tests.lab import Lab

ACCOUNT, OTHER, REGION, DR = "111122223333", "444455556666", "us-west-2", "us-east-2"
NS = "http://s3.amazonaws.com/doc/2006-03-01/"

TAG = {"Key": "a", "Value": "b & <c>"}
AND = {"Prefix": "logs/", "Tags": [TAG, {"Key": "d", "Value": ""}]}
# Name in boto3, operation without verb, IAM action without verb, one configuration of each shape.
FAMILIES: dict[str, list[dict[str, Any]]] = {
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


def test_event_holds_come_back_as_they_were_put(lab: Lab) -> None:
    s3, bucket = lab.create("pr-holds"), {"Bucket": "pr-holds"}
    s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Enabled"})
    hold = {"DefaultEventHold": {"Days": 90}}
    period = {"Mode": "COMPLIANCE", "Years": 1}

    def put(retention: Any) -> Any:
        rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
        s3.put_object_lock_configuration(**bucket, ObjectLockConfiguration=rule)

    for retention in (hold, {**period, **hold}, period, {"Mode": "GOVERNANCE", **hold}):
        put(retention)
        found = s3.get_object_lock_configuration(**bucket)["ObjectLockConfiguration"]
        assert found["Rule"]["DefaultRetention"] == retention
    for wrong in ({}, {"Days": 1, "Years": 1}):
        refused = refusal(put, {**period, "DefaultEventHold": wrong})
        assert refused == ("MalformedXML", 400)


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


# What MiniStack keeps itself: name in boto3, the member to put and the value to get back.
RULES: list[dict[str, Any]] = [
    {
        "ID": "all <&>",
        "Filter": {
            "And": {
                "Prefix": "a/",
                "Tags": [TAG],
                "ObjectSizeGreaterThan": 500,
                "ObjectSizeLessThan": 64000,
            }
        },
        "Status": "Enabled",
        "Transitions": [
            {"Days": 30, "StorageClass": "STANDARD_IA"},
            {"Days": 90, "StorageClass": "GLACIER"},
        ],
        "Expiration": {"Days": 365},
        "NoncurrentVersionTransitions": [
            {"NoncurrentDays": 30, "NewerNoncurrentVersions": 3, "StorageClass": "GLACIER_IR"}
        ],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 60, "NewerNoncurrentVersions": 5},
    },
    {
        "ID": "marker",
        "Filter": {"ObjectSizeGreaterThan": 1},
        "Status": "Disabled",
        "Expiration": {"ExpiredObjectDeleteMarker": True},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    },
    {"ID": "tag", "Filter": {"Tag": TAG}, "Status": "Enabled", "Expiration": {"Days": 1}},
    {"ID": "every", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 1}},
]
CORS = {
    "CORSRules": [
        {
            "ID": "one",
            "AllowedHeaders": ["*"],
            "AllowedMethods": ["GET", "PUT"],
            "AllowedOrigins": ["https://a.example", "https://*.b.example"],
            "ExposeHeaders": ["ETag", "x-amz-meta-a"],
            "MaxAgeSeconds": 0,
        },
        {"AllowedMethods": ["HEAD"], "AllowedOrigins": ["*"]},
    ]
}
SITE = {
    "IndexDocument": {"Suffix": "index.html"},
    "ErrorDocument": {"Key": "error.html"},
    "RoutingRules": [
        {
            "Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "docs/"},
            "Redirect": {
                "HostName": "a.example",
                "HttpRedirectCode": "301",
                "Protocol": "https",
                "ReplaceKeyPrefixWith": "new/",
            },
        },
        {"Redirect": {"ReplaceKeyWith": "gone & <lost>.html"}},
    ],
}
REDIRECT = {"RedirectAllRequestsTo": {"HostName": "a.example", "Protocol": "https"}}
EVENTS: dict[str, Any] = {"EventBridgeConfiguration": {}}


def answer(method: Any, bucket: str) -> Any:
    """What S3 says, without what is about the call."""
    found = method(Bucket=bucket)
    del found["ResponseMetadata"]
    return found


def test_lifecycle_rules_come_back_as_they_were_put(lab: Lab) -> None:
    s3 = lab.create("pr-life")
    usual, small = "all_storage_classes_128K", "varies_by_storage_class"
    size = "TransitionDefaultMinimumObjectSize"

    def put(*rules: Any, **more: Any) -> None:
        configuration = {"Rules": list(rules)}
        s3.put_bucket_lifecycle_configuration(
            Bucket="pr-life", LifecycleConfiguration=configuration, **more
        )

    def get() -> Any:
        return answer(s3.get_bucket_lifecycle_configuration, "pr-life")

    put(*RULES, **{size: small})
    assert get() == {"Rules": RULES, size: small}
    old = {"ID": "old", "Prefix": "a/", "Status": "Enabled", "Expiration": {"Days": 9}}
    put(old)
    assert get() == {"Rules": [old], size: usual}
    put({"Filter": {"And": {"Tags": [TAG, {"Key": "c", "Value": ""}]}}, **without(old)})
    (found,) = get()["Rules"]
    assert found["ID"], "S3 names a rule"
    assert (
        found["Filter"]["And"] | {"Prefix": "", "ObjectSizeGreaterThan": 0}
        == (found["Filter"]["And"])
    )
    s3.delete_bucket_lifecycle(Bucket="pr-life")
    assert refusal(get) == ("NoSuchLifecycleConfiguration", 404)


def without(rule: dict[str, Any]) -> dict[str, Any]:
    """The rule without its name and prefix."""
    return {key: value for key, value in rule.items() if key not in ("ID", "Prefix")}


@pytest.mark.parametrize(
    ("rules", "refused"),
    [
        ([], ("MalformedXML", 400)),
        ([{"Expiration": {"Days": 1}}], ("MalformedXML", 400)),
        ([{"Filter": {"Prefix": ""}}], ("InvalidRequest", 400)),
        ([RULES[2], {**RULES[3], "ID": "tag"}], ("InvalidArgument", 400)),
        ([{**RULES[2], "ID": "i" * 256}], ("InvalidArgument", 400)),
        ([RULES[2], {"Prefix": "", "Expiration": {"Days": 1}}], ("InvalidRequest", 400)),
        ([{**RULES[2], "ID": f"i{number}"} for number in range(1001)], ("InvalidRequest", 400)),
        (
            [{**RULES[2], "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}],
            ("InvalidRequest", 400),
        ),
        ([{**RULES[0], "Expiration": {"Days": 90}}], ("InvalidArgument", 400)),
        (
            [{**RULES[0], "NoncurrentVersionExpiration": {"NoncurrentDays": 30}}],
            ("InvalidArgument", 400),
        ),
    ],
)
def test_lifecycle_rules_that_s3_refuses(lab: Lab, rules: Any, refused: Any) -> None:
    s3 = lab.server.client("s3", REGION)
    name = "pr-life-no"
    if name not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        lab.create(name)
    configuration = {"Rules": [{"Status": "Enabled", **rule} for rule in rules]}
    put = s3.put_bucket_lifecycle_configuration
    assert refusal(put, Bucket=name, LifecycleConfiguration=configuration) == refused
    missing = refusal(s3.get_bucket_lifecycle_configuration, Bucket=name)
    assert missing == ("NoSuchLifecycleConfiguration", 404), "nothing was stored"


def test_cors_website_payer_and_acceleration_come_back_as_they_were_put(lab: Lab) -> None:
    s3 = lab.create("pr-simple")
    assert refusal(s3.get_bucket_cors, Bucket="pr-simple") == ("NoSuchCORSConfiguration", 404)
    s3.put_bucket_cors(Bucket="pr-simple", CORSConfiguration=CORS)
    assert answer(s3.get_bucket_cors, "pr-simple") == CORS
    s3.delete_bucket_cors(Bucket="pr-simple")
    assert refusal(s3.get_bucket_cors, Bucket="pr-simple") == ("NoSuchCORSConfiguration", 404)

    for site in (SITE, REDIRECT):
        s3.put_bucket_website(Bucket="pr-simple", WebsiteConfiguration=site)
        assert answer(s3.get_bucket_website, "pr-simple") == site
    s3.delete_bucket_website(Bucket="pr-simple")
    missing = refusal(s3.get_bucket_website, Bucket="pr-simple")
    assert missing == ("NoSuchWebsiteConfiguration", 404)

    assert answer(s3.get_bucket_request_payment, "pr-simple") == {"Payer": "BucketOwner"}
    for payer in ("Requester", "BucketOwner"):
        put = {"RequestPaymentConfiguration": {"Payer": payer}}
        s3.put_bucket_request_payment(Bucket="pr-simple", **put)
        assert answer(s3.get_bucket_request_payment, "pr-simple") == {"Payer": payer}

    assert answer(s3.get_bucket_accelerate_configuration, "pr-simple") == {}
    for status in ("Enabled", "Suspended"):
        put = {"AccelerateConfiguration": {"Status": status}}
        s3.put_bucket_accelerate_configuration(Bucket="pr-simple", **put)
        found = answer(s3.get_bucket_accelerate_configuration, "pr-simple")
        assert found == {"Status": status}
    lab.create("pr.dots")
    dots = refusal(s3.put_bucket_accelerate_configuration, Bucket="pr.dots", **put)
    assert dots == ("InvalidRequest", 400)


def test_logging_comes_back_as_it_was_put_and_goes_to_the_same_region(lab: Lab) -> None:
    s3 = lab.create("pr-logged")
    lab.create("pr-logs")
    lab.create("pr-logs-dr", DR)
    lab.create("pr-logs-other", account=OTHER)
    assert answer(s3.get_bucket_logging, "pr-logged") == {}

    def put(target: str, **more: Any) -> None:
        enabled = {"TargetBucket": target, "TargetPrefix": "p/", **more}
        status = {"LoggingEnabled": enabled} if target else {}
        s3.put_bucket_logging(Bucket="pr-logged", BucketLoggingStatus=status)
        assert answer(s3.get_bucket_logging, "pr-logged") == status

    invalid = ("InvalidTargetBucketForLogging", 400)
    assert refusal(put, "pr-logs-dr") == ("CrossLocationLoggingProhibited", 403)
    assert refusal(put, "pr-logs-other") == invalid
    assert refusal(put, "pr-logs-missing") == invalid
    assert answer(s3.get_bucket_logging, "pr-logged") == {}, "nothing was stored"
    put("pr-logs")
    put("pr-logs", TargetObjectKeyFormat={"SimplePrefix": {}})
    source = {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}
    put("pr-logs", TargetObjectKeyFormat=source)
    put("")

    group = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}
    grants = {"TargetGrants": [{"Grantee": group, "Permission": "READ"}]}
    assert refusal(put, "pr-logs", **grants) == ("InvalidArgument", 400)
    own(s3, "pr-logs", "ObjectWriter")
    put("pr-logs", **grants)
    payer = {"RequestPaymentConfiguration": {"Payer": "Requester"}}
    s3.put_bucket_request_payment(Bucket="pr-logs", **payer)
    assert refusal(put, "pr-logs") == invalid
    lab.versioned("pr-logs-locked")
    locked: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
    s3.put_object_lock_configuration(Bucket="pr-logs-locked", ObjectLockConfiguration=locked)
    put("pr-logs-locked")
    locked["Rule"] = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    s3.put_object_lock_configuration(Bucket="pr-logs-locked", ObjectLockConfiguration=locked)
    assert refusal(put, "pr-logs-locked") == invalid


def own(s3: Any, bucket: str, ownership: str) -> None:
    rules = {"Rules": [{"ObjectOwnership": ownership}]}
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules)
    assert answer(s3.get_bucket_ownership_controls, bucket) == {"OwnershipControls": rules}


def test_notifications_come_back_as_they_were_put(lab: Lab) -> None:
    s3 = lab.create("pr-notify")
    source = "arn:aws:s3:::pr-notify"
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:pr-notify"
    policy = {"Policy": lab.queue_policy(queue, source, "s3")}
    lab.server.client("sqs", REGION).create_queue(QueueName="pr-notify", Attributes=policy)
    topic = lab.server.client("sns", REGION).create_topic(Name="pr-notify")["TopicArn"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    lab.server.client("sns", REGION).set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=document
    )
    function = lab.function("pr-notify", "def handler(*_): pass", lab.role("pr-notify", []))
    rules = [{"Name": "prefix", "Value": "a/"}, {"Name": "suffix", "Value": ".<csv>"}]
    wanted = {
        "TopicConfigurations": [
            {"Id": "t", "TopicArn": topic, "Events": ["s3:ObjectRemoved:*", "s3:Replication:*"]}
        ],
        "QueueConfigurations": [
            {
                "Id": "q",
                "QueueArn": queue,
                "Events": ["s3:ObjectCreated:*"],
                "Filter": {"Key": {"FilterRules": rules}},
            }
        ],
        "LambdaFunctionConfigurations": [
            {"Id": "f", "LambdaFunctionArn": function, "Events": ["s3:ObjectTagging:Put"]}
        ],
        **EVENTS,
    }

    def put(configuration: Any, **more: Any) -> None:
        s3.put_bucket_notification_configuration(
            Bucket="pr-notify", NotificationConfiguration=configuration, **more
        )
        assert answer(s3.get_bucket_notification_configuration, "pr-notify") == configuration

    invalid = ("InvalidArgument", 400)
    assert answer(s3.get_bucket_notification_configuration, "pr-notify") == {}
    assert refusal(put, wanted) == invalid, "the function does not let S3 in"
    lab.server.client("lambda", REGION).add_permission(
        FunctionName="pr-notify",
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=source,
        SourceAccount=ACCOUNT,
    )
    put(wanted)
    put(EVENTS)
    text = json.dumps({key: wanted[key] for key in wanted if key != "EventBridgeConfiguration"})
    for wrong in (f":{REGION}:", f":{ACCOUNT}:pr-notify", "function:pr-notify"):
        right = {f":{REGION}:": f":{DR}:"}.get(wrong, f"{wrong}-missing")
        for kind, part in json.loads(text.replace(wrong, right)).items():
            if part != wanted[kind]:
                assert refusal(put, {kind: part}) == invalid, (kind, right)
    assert answer(s3.get_bucket_notification_configuration, "pr-notify") == EVENTS
    missing = {"LambdaFunctionConfigurations": wanted["LambdaFunctionConfigurations"]}
    missing = json.loads(json.dumps(missing).replace(":pr-notify", ":pr-missing"))
    put(missing, SkipDestinationValidation=True)
    put({})


def test_acls_come_back_as_they_were_put_where_they_are_on(lab: Lab) -> None:
    s3 = lab.create("pr-acl")
    other = lab.create("pr-acl-other", account=OTHER)
    before = answer(s3.get_bucket_acl, "pr-acl")
    partner = answer(other.get_bucket_acl, "pr-acl-other")["Owner"]
    assert partner["ID"] != before["Owner"]["ID"]
    logs = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}
    grants = [
        *before["Grants"],
        {"Grantee": {"Type": "CanonicalUser", **partner}, "Permission": "READ"},
        {"Grantee": logs, "Permission": "WRITE"},
    ]

    def put(*more: Any) -> None:
        wanted = {"Owner": before["Owner"], "Grants": [*grants, *more]}
        s3.put_bucket_acl(Bucket="pr-acl", AccessControlPolicy=wanted)
        assert answer(s3.get_bucket_acl, "pr-acl") == wanted

    everyone = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
    email = {"Type": "AmazonCustomerByEmail", "EmailAddress": "a@b.example"}
    off = ("AccessControlListNotSupported", 400)
    assert refusal(put) == off
    assert refusal(s3.put_bucket_acl, Bucket="pr-acl", ACL="private") == off
    own(s3, "pr-acl", "BucketOwnerPreferred")
    put()
    assert refusal(put, {"Grantee": everyone, "Permission": "READ"}) == ("AccessDenied", 403)
    assert refusal(put, {"Grantee": email, "Permission": "READ"}) == ("MethodNotAllowed", 405)
    back = refusal(own, s3, "pr-acl", "BucketOwnerEnforced")
    assert back == ("InvalidBucketAclWithObjectOwnership", 400)
    s3.delete_bucket_ownership_controls(Bucket="pr-acl")
    missing = refusal(s3.get_bucket_ownership_controls, Bucket="pr-acl")
    assert missing == ("OwnershipControlsNotFoundError", 404)


def test_a_policy_speaks_of_its_own_bucket_and_to_somebody(lab: Lab) -> None:
    s3 = lab.create("pr-policy")
    s3.create_bucket(Bucket="pr-policy-2", CreateBucketConfiguration={"LocationConstraint": REGION})
    own_arn = "arn:aws:s3:::pr-policy"
    malformed = ("MalformedPolicy", 400)

    def put(resource: Any, principal: Any = OTHER, **more: Any) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "s3:*",
            "Resource": resource,
            **more,
        }
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        s3.put_bucket_policy(Bucket="pr-policy", Policy=text)
        assert json.loads(s3.get_bucket_policy(Bucket="pr-policy")["Policy"]) == json.loads(text)

    assert refusal(s3.get_bucket_policy, Bucket="pr-policy") == ("NoSuchBucketPolicy", 404)
    status = refusal(s3.get_bucket_policy_status, Bucket="pr-policy")
    assert status == ("NoSuchBucketPolicy", 404)
    for wrong in (
        f"{own_arn}-2",
        [own_arn, f"{own_arn}-2/*"],
        f"{own_arn}?",
        "pr-policy",
        "arn:aws:sqs:::pr-policy",
    ):
        assert refusal(put, wrong) == malformed, wrong
    for text in ("no JSON", "[]", '{"Version": "2012-10-17"}'):
        assert refusal(s3.put_bucket_policy, Bucket="pr-policy", Policy=text) == malformed, text
    assert refusal(put, own_arn, "*") == ("AccessDenied", 403)
    for right in (own_arn, [own_arn, f"{own_arn}/*"], "arn:aws:s3:::pr-*", "arn:aws:s3:::*", "*"):
        put(right)
    found = s3.get_bucket_policy_status(Bucket="pr-policy")["PolicyStatus"]
    assert found == {"IsPublic": False}
    s3.delete_public_access_block(Bucket="pr-policy")
    put(own_arn, "*")
    found = s3.get_bucket_policy_status(Bucket="pr-policy")["PolicyStatus"]
    assert found == {"IsPublic": True}


INVENTORY = {**FAMILIES["inventory"][1], "Id": "c"}
METRICS = {"Id": "c", "MetricsConfiguration": {"Id": "c"}}
ANALYTICS = {"Id": "c", "AnalyticsConfiguration": {"Id": "c", "StorageClassAnalysis": {}}}
TIERING = {
    "Id": "c",
    "IntelligentTieringConfiguration": {**FAMILIES["intelligent_tiering"][0], "Id": "c"},
}
DENY = {
    "Effect": "Deny",
    "Principal": {"AWS": OTHER},
    "Action": "s3:ListBucket",
    "Resource": "arn:aws:s3:::pr-each",
}
# Every call of cloning: the API, the IAM action, CloudTrail's name of a change, the parameters.
CALLS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("GetBucketOwnershipControls", "GetBucketOwnershipControls", "", {}),
    (
        "PutBucketOwnershipControls",
        "PutBucketOwnershipControls",
        "PutBucketOwnershipControls",
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
    ),
    ("GetBucketAcl", "GetBucketAcl", "", {}),
    ("PutBucketAcl", "PutBucketAcl", "PutBucketAcl", {"ACL": "private"}),
    (
        "DeleteBucketOwnershipControls",
        "PutBucketOwnershipControls",
        "DeleteBucketOwnershipControls",
        {},
    ),
    ("PutBucketTagging", "PutBucketTagging", "PutBucketTagging", {"Tagging": {"TagSet": [TAG]}}),
    ("GetBucketTagging", "GetBucketTagging", "", {}),
    ("DeleteBucketTagging", "PutBucketTagging", "DeleteBucketTagging", {}),
    (
        "PutBucketLifecycleConfiguration",
        "PutLifecycleConfiguration",
        "PutBucketLifecycle",
        {"LifecycleConfiguration": {"Rules": RULES}},
    ),
    ("GetBucketLifecycleConfiguration", "GetLifecycleConfiguration", "", {}),
    ("DeleteBucketLifecycle", "PutLifecycleConfiguration", "DeleteBucketLifecycle", {}),
    ("PutBucketCors", "PutBucketCORS", "PutBucketCors", {"CORSConfiguration": CORS}),
    ("GetBucketCors", "GetBucketCORS", "", {}),
    ("DeleteBucketCors", "PutBucketCORS", "DeleteBucketCors", {}),
    ("PutBucketWebsite", "PutBucketWebsite", "PutBucketWebsite", {"WebsiteConfiguration": SITE}),
    ("GetBucketWebsite", "GetBucketWebsite", "", {}),
    ("DeleteBucketWebsite", "DeleteBucketWebsite", "DeleteBucketWebsite", {}),
    *(
        (f"{verb}Bucket{name}Configuration{plural}", f"{right}{name}Configuration", event, sent)
        for name, parameters in (
            ("IntelligentTiering", TIERING),
            ("Metrics", METRICS),
            ("Analytics", ANALYTICS),
            ("Inventory", {"Id": "c", "InventoryConfiguration": INVENTORY}),
        )
        for verb, plural, right, event, sent in (
            ("Put", "", "Put", f"PutBucket{name}Configuration", parameters),
            ("Get", "", "Get", "", {"Id": "c"}),
            ("List", "s", "Get", "", {}),
            ("Delete", "", "Put", f"DeleteBucket{name}Configuration", {"Id": "c"}),
        )
    ),
    ("PutBucketLogging", "PutBucketLogging", "PutBucketLogging", {"BucketLoggingStatus": {}}),
    ("GetBucketLogging", "GetBucketLogging", "", {}),
    (
        "PutBucketNotificationConfiguration",
        "PutBucketNotification",
        "PutBucketNotification",
        {"NotificationConfiguration": EVENTS},
    ),
    ("GetBucketNotificationConfiguration", "GetBucketNotification", "", {}),
    (
        "PutBucketRequestPayment",
        "PutBucketRequestPayment",
        "PutBucketRequestPayment",
        {"RequestPaymentConfiguration": {"Payer": "Requester"}},
    ),
    ("GetBucketRequestPayment", "GetBucketRequestPayment", "", {}),
    (
        "PutBucketAccelerateConfiguration",
        "PutAccelerateConfiguration",
        "PutAccelerateConfiguration",
        {"AccelerateConfiguration": {"Status": "Enabled"}},
    ),
    ("GetBucketAccelerateConfiguration", "GetAccelerateConfiguration", "", {}),
    ("PutBucketAbac", "PutBucketAbac", "PutBucketAbac", {"AbacStatus": {"Status": "Enabled"}}),
    ("GetBucketAbac", "GetBucketAbac", "", {}),
    (
        "PutBucketPolicy",
        "PutBucketPolicy",
        "PutBucketPolicy",
        {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [DENY]})},
    ),
    ("GetBucketPolicy", "GetBucketPolicy", "", {}),
    ("GetBucketPolicyStatus", "GetBucketPolicyStatus", "", {}),
    ("DeleteBucketPolicy", "DeleteBucketPolicy", "DeleteBucketPolicy", {}),
    ("TagResource", "TagResource", "TagResource", {"Tags": [TAG]}),
    ("UntagResource", "UntagResource", "UntagResource", {"TagKeys": ["a"]}),
    ("ListTagsForResource", "ListTagsForResource", "", {}),
]


def send(lab: Lab, operation: str, parameters: dict[str, Any], credentials: Any = None) -> Any:
    """Make one of the calls on ``pr-each``."""
    control = operation.endswith("Resource")
    client = lab.server.client("s3control" if control else "s3", REGION, credentials=credentials)
    names = {api: method for method, api in client.meta.method_to_api_mapping.items()}
    arn = {"AccountId": ACCOUNT, "ResourceArn": "arn:aws:s3:::pr-each"}
    where = arn if control else {"Bucket": "pr-each"}
    return getattr(client, names[operation])(**where, **parameters)


@pytest.mark.usefixtures("reports")
def test_each_call_asks_for_its_action_alone_makes_its_event_and_can_fail(lab: Lab) -> None:
    lab.create("pr-each")
    statements = {
        action: [{"Effect": "Allow", "Action": f"s3:{action}", "Resource": "arn:aws:s3:::pr-each"}]
        for _, action, _, _ in CALLS
    }
    roles = {
        action: lab.assume(
            f"pr-each-{action}",
            [
                *allow,
                {"Effect": "Deny", "NotAction": allow[0]["Action"], "Resource": "*"},
            ],
        )
        for action, allow in statements.items()
    }
    others = {
        action: lab.assume(
            f"pr-but-{action}",
            [
                {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                {"Effect": "Deny", "Action": f"s3:{action}", "Resource": "*"},
            ],
        )
        for action in statements
    }
    with lab.bus("pr-each") as bus:
        lab.server.clear_decisions()
        for operation, action, _, parameters in CALLS:
            lab.server.faults(
                [{"operation": operation, "bucket": "pr-each", "code": "SlowDown", "status": 400}]
            )
            assert refusal(send, lab, operation, parameters)[0] == "SlowDown", operation
            denied = refusal(send, lab, operation, parameters, others[action])
            assert denied == ("AccessDenied", 403), operation
            send(lab, operation, parameters, roles[action])
        lab.server.faults([])
        wanted = [event for _, _, event, _ in CALLS if event and "Resource" not in event]
        heard: list[str] = []

        def all_heard() -> bool:
            heard.extend(
                event["detail"]["eventName"]
                for event in bus.receive()
                if "errorCode" not in event["detail"]
            )
            return len(heard) >= len(wanted)

        lab.eventually(all_heard)
        assert sorted(heard) == sorted(wanted)
    asked = {
        (row["role"].removeprefix("pr-each-"), row["action"])
        for row in lab.server.decisions()
        if row["role"].startswith("pr-each-") and row["allowed"]
    }
    assert asked == {(action, f"s3:{action}") for action in statements}
