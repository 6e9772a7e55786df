"""The properties that can be cloned, as a person puts, takes away and reads them: one table.

A value is a template: what stands in <angle brackets> is called one thing where the source is and
another where the twin is. So a template says what is on the source and, of most properties, what
has to be on the twin. It is what the tests expect, and owes nothing to the functions' own table.

It is a plugin as `functional.payload` is: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functional.payload import (
    ACCOUNT,
    DR_REGION,
    SOURCE_REGION,
    TRIGGER,
    Functions,
    Result,
    World,
    profiles,
)

PARTNER = "777788889999"  # an account that some sources share with
OURS = ("s3-dr:", "S3Dr")  # how our own tags and statements begin
SIZE = "TransitionDefaultMinimumObjectSize"


# --- one property, by hand ---------------------------------------------------


@dataclass(frozen=True)
class Hand:
    """How a person puts and reads one property; None is what a bucket has without it."""

    put: Callable[[Any, str, Any], object]
    get: Callable[[Any, str], Any]


def asked(method: Callable[..., Any], bucket: str) -> Any:
    """What S3 answers, or nothing where nothing is configured."""
    try:
        found = dict(method(Bucket=bucket))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if not code.startswith("NoSuch") or code == "NoSuchBucket":
            raise
        return {}
    del found["ResponseMetadata"]
    return found


def whole(
    get: str,
    put: str,
    select: Callable[[Any], Any],
    wrap: Callable[[Any], dict[str, Any]],
    delete: str = "",
) -> Hand:
    """A property of one piece."""

    def write(s3: Any, bucket: str, value: Any) -> None:
        if value is None and delete:
            getattr(s3, delete)(Bucket=bucket)
        else:
            getattr(s3, put)(Bucket=bucket, **wrap(value))

    return Hand(write, lambda s3, bucket: select(asked(getattr(s3, get), bucket)) or None)


def several(noun: str) -> Hand:
    """Configurations under IDs: a map of them."""
    shape = noun.title().replace("_", "")

    def read(s3: Any, bucket: str) -> Any:
        found: dict[str, Any] = {}
        page = getattr(s3, f"list_bucket_{noun}s")(Bucket=bucket)
        while True:
            found |= {item["Id"]: item for item in page.get(f"{shape}List", [])}
            if not page["IsTruncated"]:
                return found or None
            token = page["NextContinuationToken"]
            page = getattr(s3, f"list_bucket_{noun}s")(Bucket=bucket, ContinuationToken=token)

    def write(s3: Any, bucket: str, value: Any) -> None:
        old, new = read(s3, bucket) or {}, value or {}
        for name in old.keys() - new.keys():
            getattr(s3, f"delete_bucket_{noun}")(Bucket=bucket, Id=name)
        for name, item in new.items():
            getattr(s3, f"put_bucket_{noun}")(Bucket=bucket, Id=name, **{shape: item})

    return Hand(write, read)


def put_tags(s3: Any, bucket: str, value: Any) -> None:
    """Tags beside those that ask for protection or mark a twin."""
    found = asked(s3.get_bucket_tagging, bucket).get("TagSet", [])
    kept = [tag for tag in found if tag["Key"].startswith(OURS) or tag["Key"] in TRIGGER]
    tags = [{"Key": key, "Value": text} for key, text in (value or {}).items()]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [*kept, *tags]})


def get_tags(s3: Any, bucket: str) -> Any:
    """All tags but those that mark a twin."""
    tags = asked(s3.get_bucket_tagging, bucket).get("TagSet", [])
    return {t["Key"]: t["Value"] for t in tags if not t["Key"].startswith(OURS)} or None


def statements(s3: Any, bucket: str) -> list[Any]:
    """All statements of a bucket's policy."""
    found: list[Any] = json.loads(asked(s3.get_bucket_policy, bucket).get("Policy", "{}")).get(
        "Statement", []
    )
    return found


def is_ours(statement: Any) -> bool:
    """Whether a statement is one that every twin has."""
    return str(statement.get("Sid", "")).startswith(OURS)


def put_policy(s3: Any, bucket: str, value: Any) -> None:
    """Statements beside those that every twin has."""
    wanted = [*(value or []), *filter(is_ours, statements(s3, bucket))]
    policy = {"Version": "2012-10-17", "Statement": wanted}
    if wanted:
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    else:
        s3.delete_bucket_policy(Bucket=bucket)


def get_policy(s3: Any, bucket: str) -> Any:
    """All statements but those that every twin has."""
    return [each for each in statements(s3, bucket) if not is_ours(each)] or None


def owner_only(s3: Any, bucket: str) -> tuple[Any, list[Any]]:
    """The owner, and the grants of a bucket to which nobody else has any."""
    owner = {"ID": s3.get_bucket_acl(Bucket=bucket)["Owner"]["ID"]}
    return owner, [{"Grantee": {**owner, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}]


def put_acl(s3: Any, bucket: str, value: Any) -> None:
    """Grants beside the owner's own."""
    owner, grants = owner_only(s3, bucket)
    policy = {"Owner": owner, "Grants": [*grants, *(value or [])]}
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy=policy)


def get_acl(s3: Any, bucket: str) -> Any:
    """All grants but the owner's own."""
    owner, _ = owner_only(s3, bucket)
    grants = s3.get_bucket_acl(Bucket=bucket)["Grants"]
    return [each for each in grants if each["Grantee"].get("ID") != owner["ID"]] or None


def get_lifecycle(found: Any) -> Any:
    """The rules, and what is said of small objects where that is not the usual."""
    usual = found.get(SIZE) == "all_storage_classes_128K"
    return {key: value for key, value in found.items() if key != SIZE or not usual}


HANDS = {
    "abac": whole(
        "get_bucket_abac",
        "put_bucket_abac",
        lambda found: found["AbacStatus"]["Status"].replace("Disabled", ""),
        lambda value: {"AbacStatus": {"Status": value or "Disabled"}},
    ),
    "accelerate": whole(
        "get_bucket_accelerate_configuration",
        "put_bucket_accelerate_configuration",
        lambda found: found.get("Status", "").replace("Suspended", ""),
        lambda value: {"AccelerateConfiguration": {"Status": value or "Suspended"}},
    ),
    "acl": Hand(put_acl, get_acl),
    "analytics": several("analytics_configuration"),
    "cors": whole(
        "get_bucket_cors",
        "put_bucket_cors",
        lambda found: found.get("CORSRules"),
        lambda value: {"CORSConfiguration": {"CORSRules": value}},
        "delete_bucket_cors",
    ),
    "intelligent_tiering": several("intelligent_tiering_configuration"),
    "inventory": several("inventory_configuration"),
    "lifecycle": whole(
        "get_bucket_lifecycle_configuration",
        "put_bucket_lifecycle_configuration",
        get_lifecycle,
        lambda value: {
            "LifecycleConfiguration": {"Rules": value["Rules"]},
            SIZE: value.get(SIZE, "all_storage_classes_128K"),
        },
        "delete_bucket_lifecycle",
    ),
    "logging": whole(
        "get_bucket_logging",
        "put_bucket_logging",
        lambda found: found.get("LoggingEnabled"),
        lambda value: {"BucketLoggingStatus": {"LoggingEnabled": value} if value else {}},
    ),
    "metrics": several("metrics_configuration"),
    "notifications": whole(
        "get_bucket_notification_configuration",
        "put_bucket_notification_configuration",
        lambda found: found,
        lambda value: {"NotificationConfiguration": value or {}},
    ),
    "ownership": whole(
        "get_bucket_ownership_controls",
        "put_bucket_ownership_controls",
        lambda found: found["OwnershipControls"]["Rules"][0]["ObjectOwnership"].replace(
            "BucketOwnerEnforced", ""
        ),
        lambda value: {
            "OwnershipControls": {"Rules": [{"ObjectOwnership": value or "BucketOwnerEnforced"}]}
        },
    ),
    "policy": Hand(put_policy, get_policy),
    "request_payment": whole(
        "get_bucket_request_payment",
        "put_bucket_request_payment",
        lambda found: found["Payer"].replace("BucketOwner", ""),
        lambda value: {"RequestPaymentConfiguration": {"Payer": value or "BucketOwner"}},
    ),
    "tags": Hand(put_tags, get_tags),
    "website": whole(
        "get_bucket_website",
        "put_bucket_website",
        lambda found: found,
        lambda value: {"WebsiteConfiguration": value},
        "delete_bucket_website",
    ),
}


# --- the two sides -----------------------------------------------------------


def filled(template: Any, side: Mapping[str, str]) -> Any:
    """A value with the names of one side in it."""
    if isinstance(template, dict):
        return {key: filled(value, side) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, side) for value in template]
    if isinstance(template, str):
        for name, text in side.items():
            template = template.replace(f"<{name}>", text)
    return template


@dataclass(frozen=True)
class Sides:
    """What things are called on both sides of the replication."""

    source: Mapping[str, str]
    twin: Mapping[str, str]

    @property
    def translations(self) -> str:
        """The variable with which a user says what stands for what."""
        names = self.source.keys() - {"account"}
        return json.dumps({self.source[name]: self.twin[name] for name in names})

    def on_source(self, template: Any, bucket: str) -> Any:
        """The value of the source bucket."""
        return filled(template, {**self.source, "bucket": bucket})

    def on_twin(self, template: Any, bucket: str) -> Any:
        """The value of the twin of this source bucket."""
        return filled(template, {**self.twin, "bucket": f"{bucket}-dr"})


def side(world: World, name: str, region: str, account: str) -> dict[str, str]:
    """What a configuration may name, made in one region."""
    # The log delivery group of the target is granted something by an ACL in one of the cases.
    logs = world.bucket(name, region=region, account=account, ObjectOwnership="ObjectWriter")
    anybody = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Resource": "*"}

    def policy(action: str) -> str:
        statement = {**anybody, "Action": action}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    sqs, sns, iam, functions = (
        world.client(service, region, account) for service in ("sqs", "sns", "iam", "lambda")
    )
    sqs.create_queue(QueueName=name, Attributes={"Policy": policy("sqs:SendMessage")})
    sns.create_topic(Name=name, Attributes={"Policy": policy("sns:Publish")})
    trust = {**anybody, "Principal": {"Service": "lambda.amazonaws.com"}}
    del trust["Resource"]
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", "def handler(*_): pass\n")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role["Arn"],
        Code={"ZipFile": buffer.getvalue()},
    )
    functions.add_permission(
        FunctionName=name,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    )
    here = f"{region}:{account}"
    return {
        "account": account,
        "function": f"arn:aws:lambda:{here}:function:{name}",
        "host": f"{name}.example.com",
        "key": f"arn:aws:kms:{here}:key/{name}",
        "logs": logs,
        "queue": f"arn:aws:sqs:{here}:{name}",
        "topic": f"arn:aws:sns:{here}:{name}",
    }


def sides(world: World, name: str, dr_account: str = ACCOUNT) -> Sides:
    """Both sides; the name is new."""
    return Sides(
        side(world, f"{name}-source", SOURCE_REGION, ACCOUNT),
        side(world, f"{name}-twin", DR_REGION, dr_account),
    )


@pytest.fixture(scope="session")
def one_account(local_clients: Any) -> Sides:
    """What configurations name, in both regions of one account."""
    return sides(World(local_clients), f"cl-{uuid.uuid4().hex[:8]}")


# --- the table ---------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One property, configured in a certain way.

    Attributes:
        name: as in a profile's ``clone``.
        value: of the source.
        change: what the source has later; None for nothing any more.
        sabotage: what somebody puts on the twin by hand; None for nothing.
        twin: what ``value`` is on the twin, if it is not that.
        label: tells cases of one property apart.
        profile: fields of the profile beside ``clone``.
        also: what has to be cloned too, and its value on the source.
        bucket: how the source bucket is made.
    """

    name: str
    value: Any
    change: Any
    sabotage: Any
    twin: Any = None
    label: str = ""
    profile: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    bucket: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join(filter(None, [self.name, self.label]))

    @property
    def hand(self) -> Hand:
        """How a person puts and reads it."""
        return HANDS[self.name]

    @property
    def on_twin(self) -> Any:
        """What has to be on the twin."""
        return self.value if self.twin is None else self.twin


def by_id(*items: dict[str, Any]) -> dict[str, Any]:
    """Configurations under their IDs."""
    return {item["Id"]: item for item in items}


TAG, OTHER_TAG = {"Key": "a", "Value": "b & <c>"}, {"Key": "d", "Value": ""}
AND = {"Prefix": "logs/", "Tags": [TAG, OTHER_TAG]}
BOTH = ["arn:aws:s3:::<bucket>", "arn:aws:s3:::<bucket>/*"]
IN_2099 = datetime(2099, 1, 1, tzinfo=UTC)
MARKERS = {
    "ID": "markers",
    "Status": "Enabled",
    "Filter": {"Prefix": "tmp/"},
    "Expiration": {"ExpiredObjectDeleteMarker": True},
}
ABORTS = {
    "ID": "aborts",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}
DATED = {
    "ID": "dated",
    "Status": "Disabled",
    "Filter": {"Tag": TAG},
    "Transitions": [{"Date": IN_2099, "StorageClass": "DEEP_ARCHIVE"}],
}
MOVES = {
    "ID": "moves",
    "Status": "Enabled",
    "Filter": {"And": {**AND, "ObjectSizeGreaterThan": 1, "ObjectSizeLessThan": 1000}},
    "Transitions": [
        {"Days": 30, "StorageClass": "STANDARD_IA"},
        {"Days": 90, "StorageClass": "GLACIER_IR"},
    ],
    "NoncurrentVersionTransitions": [
        {"NoncurrentDays": 30, "StorageClass": "GLACIER", "NewerNoncurrentVersions": 2},
        {"NoncurrentDays": 60, "StorageClass": "DEEP_ARCHIVE", "NewerNoncurrentVersions": 2},
    ],
}
DELETES = {
    "Expiration": {"Days": 400},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 3},
}
ONLY_DELETES = {
    "ID": "deletes",
    "Status": "Enabled",
    "Filter": {"ObjectSizeGreaterThan": 5},
    **DELETES,
}
KEEPS = {
    "ID": "keeps",
    "Status": "Enabled",
    "Filter": {"ObjectSizeLessThan": 500},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
}
RULES = {"Rules": [{**MOVES, **DELETES}, ONLY_DELETES, MARKERS, ABORTS, DATED]}
EXPORT = {
    "StorageClassAnalysis": {
        "DataExport": {
            "OutputSchemaVersion": "V_1",
            "Destination": {
                "S3BucketDestination": {
                    "Format": "CSV",
                    "BucketAccountId": "<account>",
                    "Bucket": "arn:aws:s3:::<logs>",
                    "Prefix": "analytics",
                }
            },
        }
    }
}
GRANT = {
    "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"},
    "Permission": "WRITE",
}
FRIEND = {"Grantee": {"Type": "CanonicalUser", "ID": "f" * 64}, "Permission": "READ"}
EVERYBODY: dict[str, Any] = {
    "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
    "Permission": "READ",
}
FILTER = {
    "Key": {
        "FilterRules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".csv"}]
    }
}
CREATED = {"Events": ["s3:ObjectCreated:*"]}
PARTNER_READS = {
    "Sid": "Partner",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{PARTNER}:root"},
    "Action": ["s3:GetObject", "s3:GetObjectVersion"],
    "Resource": "arn:aws:s3:::<bucket>/shared/*",
    "Condition": {"Bool": {"aws:SecureTransport": "true"}},
}
NO_DELETES = {
    "Sid": "NoDeletes",
    "Effect": "Deny",
    "NotPrincipal": {"AWS": "arn:aws:iam::<account>:root"},
    "Action": "s3:DeleteObject",
    "Resource": "arn:aws:s3:::<bucket>/kept/*",
}
STATEMENTS = [
    {
        "Sid": "Tls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": BOTH,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    },
    {
        "Sid": "Own",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::<account>:root"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::<bucket>/*",
    },
    PARTNER_READS,
    NO_DELETES,
]
ACL: dict[str, Any] = {
    "also": ("ownership",),
    "bucket": {"ObjectOwnership": "ObjectWriter"},
}

CASES = [
    Case("ownership", "ObjectWriter", "BucketOwnerPreferred", "BucketOwnerPreferred"),
    Case(
        "tags",
        {"team": "shop", "cost center": "1 + 2 = @/:.", "empty": ""},
        {"team": "web", "empty": "", "new": "x"},
        {"team": "mine", "mine": "x"},
    ),
    Case(
        "lifecycle",
        {**RULES, SIZE: "varies_by_storage_class"},
        {"Rules": [{**MARKERS, "Status": "Disabled"}, ABORTS]},
        {"Rules": [KEEPS]},
        twin={"Rules": [MOVES, MARKERS, ABORTS, DATED], SIZE: "varies_by_storage_class"},
    ),
    Case(
        "lifecycle",
        RULES,
        {"Rules": [KEEPS]},
        {"Rules": [MARKERS]},
        label="full",
        profile={"lifecycle": "full"},
    ),
    Case(
        "lifecycle",
        {
            "Rules": [
                {
                    "ID": "old",
                    "Prefix": "a/",
                    "Status": "Enabled",
                    "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}],
                }
            ]
        },
        None,
        {"Rules": [KEEPS]},
        twin={
            "Rules": [
                {
                    "ID": "old",
                    "Filter": {"Prefix": "a/"},
                    "Status": "Enabled",
                    "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}],
                }
            ]
        },
        label="old-form",
    ),
    Case(
        "cors",
        [
            {
                "ID": "everything",
                "AllowedHeaders": ["x-amz-*", "content-type"],
                "AllowedMethods": ["GET", "PUT", "POST", "DELETE", "HEAD"],
                "AllowedOrigins": ["https://a.example.com", "https://*.example.org"],
                "ExposeHeaders": ["ETag", "x-amz-request-id"],
                "MaxAgeSeconds": 3600,
            },
            {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
        ],
        [{"AllowedMethods": ["HEAD"], "AllowedOrigins": ["https://b.example.com"]}],
        [{"AllowedMethods": ["PUT"], "AllowedOrigins": ["*"]}],
    ),
    Case(
        "website",
        {
            "IndexDocument": {"Suffix": "index.html"},
            "ErrorDocument": {"Key": "error.html"},
            "RoutingRules": [
                {
                    "Condition": {
                        "KeyPrefixEquals": "old/",
                        "HttpErrorCodeReturnedEquals": "404",
                    },
                    "Redirect": {
                        "HostName": "<host>",
                        "HttpRedirectCode": "302",
                        "Protocol": "https",
                        "ReplaceKeyPrefixWith": "new/",
                    },
                },
                {"Redirect": {"HostName": "elsewhere.example.com", "ReplaceKeyWith": "gone.html"}},
            ],
        },
        {"RedirectAllRequestsTo": {"HostName": "<host>", "Protocol": "https"}},
        {"IndexDocument": {"Suffix": "mine.html"}},
    ),
    Case(
        "intelligent_tiering",
        by_id(
            {
                "Id": "all",
                "Status": "Enabled",
                "Filter": {"And": AND},
                "Tierings": [
                    {"Days": 90, "AccessTier": "ARCHIVE_ACCESS"},
                    {"Days": 180, "AccessTier": "DEEP_ARCHIVE_ACCESS"},
                ],
            },
            {
                "Id": "off",
                "Status": "Disabled",
                "Filter": {"Prefix": "logs/"},
                "Tierings": [{"Days": 125, "AccessTier": "ARCHIVE_ACCESS"}],
            },
        ),
        by_id(
            {
                "Id": "all",
                "Status": "Disabled",
                "Filter": {"Tag": TAG},
                "Tierings": [{"Days": 91, "AccessTier": "ARCHIVE_ACCESS"}],
            }
        ),
        by_id(
            {
                "Id": "mine",
                "Status": "Enabled",
                "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}],
            }
        ),
    ),
    Case(
        "metrics",
        by_id(
            {"Id": "EntireBucket"},
            {"Id": "both", "Filter": {"And": AND}},
            {"Id": "prefix", "Filter": {"Prefix": "logs/"}},
            {"Id": "tag", "Filter": {"Tag": TAG}},
            {
                "Id": "point",
                "Filter": {"AccessPointArn": "arn:aws:s3:us-west-2:<account>:accesspoint/a"},
            },
        ),
        by_id({"Id": "both", "Filter": {"Prefix": "other/"}}),
        by_id({"Id": "both", "Filter": {"Prefix": "mine/"}}, {"Id": "mine"}),
        twin=by_id(
            {"Id": "EntireBucket"},
            {"Id": "both", "Filter": {"And": AND}},
            {"Id": "prefix", "Filter": {"Prefix": "logs/"}},
            {"Id": "tag", "Filter": {"Tag": TAG}},
        ),
    ),
    Case(
        "analytics",
        by_id(
            {"Id": "export", "Filter": {"And": AND}, **EXPORT},
            {"Id": "tag", "Filter": {"Tag": TAG}, "StorageClassAnalysis": {}},
        ),
        by_id({"Id": "export", "Filter": {"Prefix": "x/"}, **EXPORT}),
        by_id({"Id": "mine", "StorageClassAnalysis": {}}),
    ),
    Case(
        "inventory",
        by_id(
            {
                "Id": "parquet",
                "Destination": {
                    "S3BucketDestination": {
                        "AccountId": "<account>",
                        "Bucket": "arn:aws:s3:::<logs>",
                        "Format": "Parquet",
                        "Prefix": "inventory",
                        "Encryption": {"SSEKMS": {"KeyId": "<key>"}},
                    }
                },
                "IsEnabled": True,
                "Filter": {"Prefix": "logs/"},
                "IncludedObjectVersions": "All",
                "OptionalFields": ["Size", "ETag", "ReplicationStatus", "ChecksumAlgorithm"],
                "Schedule": {"Frequency": "Daily"},
            },
            {
                "Id": "into-itself",
                "Destination": {
                    "S3BucketDestination": {
                        "Bucket": "arn:aws:s3:::<bucket>",
                        "Format": "CSV",
                        "Encryption": {"SSES3": {}},
                    }
                },
                "IsEnabled": False,
                "IncludedObjectVersions": "Current",
                "Schedule": {"Frequency": "Weekly"},
            },
        ),
        by_id(
            {
                "Id": "orc",
                "Destination": {
                    "S3BucketDestination": {"Bucket": "arn:aws:s3:::<logs>", "Format": "ORC"}
                },
                "IsEnabled": True,
                "IncludedObjectVersions": "All",
                "Schedule": {"Frequency": "Daily"},
            }
        ),
        by_id(
            {
                "Id": "mine",
                "Destination": {
                    "S3BucketDestination": {"Bucket": "arn:aws:s3:::<bucket>", "Format": "CSV"}
                },
                "IsEnabled": True,
                "IncludedObjectVersions": "Current",
                "Schedule": {"Frequency": "Daily"},
            }
        ),
    ),
    Case(
        "logging",
        {
            "TargetBucket": "<logs>",
            "TargetPrefix": "access/",
            "TargetGrants": [{**FRIEND, "Permission": "READ"}],
            "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
        },
        {
            "TargetBucket": "<logs>",
            "TargetPrefix": "other/",
            "TargetObjectKeyFormat": {"SimplePrefix": {}},
        },
        {"TargetBucket": "<bucket>", "TargetPrefix": "mine/"},
        twin={
            "TargetBucket": "<logs>",
            "TargetPrefix": "access/",
            "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
        },
    ),
    Case(
        "notifications",
        {
            "TopicConfigurations": [{"Id": "topic", "TopicArn": "<topic>", **CREATED}],
            "QueueConfigurations": [
                {
                    "Id": "queue",
                    "QueueArn": "<queue>",
                    "Events": ["s3:ObjectRemoved:*", "s3:ObjectTagging:Put"],
                    "Filter": FILTER,
                },
                {"Id": "another", "QueueArn": "<queue>", "Events": ["s3:Replication:*"]},
            ],
            "LambdaFunctionConfigurations": [
                {
                    "Id": "function",
                    "LambdaFunctionArn": "<function>",
                    "Events": ["s3:ObjectRestore:Completed"],
                }
            ],
            "EventBridgeConfiguration": {},
        },
        {"QueueConfigurations": [{"Id": "queue", "QueueArn": "<queue>", **CREATED}]},
        {"EventBridgeConfiguration": {}},
    ),
    Case("request_payment", "Requester", None, None),
    Case("accelerate", "Enabled", None, None),
    Case("abac", "Enabled", None, None),
    Case("acl", [GRANT, FRIEND], [{**FRIEND, "Permission": "READ_ACP"}], [GRANT], **ACL),
    Case("policy", STATEMENTS, [STATEMENTS[1], NO_DELETES], [NO_DELETES]),
]


@dataclass
class Pair:
    """A source bucket and its twin, of which one property is cloned."""

    functions: Functions
    world: World
    names: Sides
    case: Case
    monkeypatch: pytest.MonkeyPatch
    bucket: str = ""

    def __post_init__(self) -> None:
        self.bucket = self.world.bucket(tags=TRIGGER, **self.case.bucket)

    @property
    def twin(self) -> str:
        """The twin's name."""
        return f"{self.bucket}-dr"

    def deploy(self, **profile: Any) -> None:
        """Deploy with the case's profile, and these fields."""
        fields = {"clone": [self.case.name, *self.case.also], **self.case.profile, **profile}
        self.functions.deploy(
            self.monkeypatch, PROFILES=profiles(**fields), TRANSLATIONS=self.names.translations
        )

    def configure(self, template: Any) -> None:
        """Put it on the source."""
        value = self.names.on_source(template, self.bucket)
        self.case.hand.put(self.world.s3(), self.bucket, value)

    def sabotage(self, template: Any) -> None:
        """Put it on the twin, as somebody else."""
        self.case.hand.put(self.world.s3(DR_REGION), self.twin, self.expected(template))

    def on_twin(self) -> Any:
        """What is there."""
        return self.case.hand.get(self.world.s3(DR_REGION), self.twin)

    def expected(self, template: Any) -> Any:
        """What a template is on the twin."""
        return self.names.on_twin(template, self.bucket)

    def assert_twin_has(self, template: Any, why: str = "") -> None:
        """The twin has this, or nothing of the property for None."""
        found, expected = self.on_twin(), self.expected(template)
        assert found == expected, f"{self.case.name} of {self.twin} is another{why and ': ' + why}"

    def check(self) -> tuple[Result, dict[str, Any]]:
        """One check of the destination: its result, and the property's line of it."""
        self.functions.calls.clear()
        result = self.functions.check_destination(self.bucket)
        return result, line(result, self.case.name)

    def settled(self) -> None:
        """Everything is as it should be: one more check writes and says nothing."""
        result, found = self.check()
        about = f"{self.case.name} of {self.bucket} and its twin: {found}"
        assert found["outcome"] == "same" or found["reason"] == "LEFT_OUT", about
        assert "warnings" not in result, f"{about}, {result['warnings']}"
        assert self.functions.writes == [], f"{about}, and nothing was to be written"


def line(result: Result, name: str) -> dict[str, Any]:
    """What a result says of one property."""
    [found] = [each for each in result["properties"] if each["property"] == name]
    return dict(found)
