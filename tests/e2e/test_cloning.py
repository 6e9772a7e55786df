"""Everything that can be cloned at once, by real functions under IAM, in one and two accounts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from e2e.examples import Example
from e2e.kinds import check
from harness.deployment import PATIENCE, Deployment, wait_for
from s3_dr.profiles import CLONABLE

pytestmark = pytest.mark.terraform

# The tag of the profile that clones everything, in each root.
TRIGGERS = {"complete": "standby", "everything": "true"}
OURS = ("s3-dr:", "S3Dr")


@dataclass(frozen=True)
class Side:
    """What things are called on one side of the replication."""

    bucket: str
    account: str
    logs: str
    queue: str
    is_twin: bool = False
    other_account: bool = False

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.bucket}"


@dataclass(frozen=True)
class Row:
    """One property: how it is put, taken away and read as a person would.

    Attributes:
        value: what it is in the first or second edition, in the words of a side.
        removed: what it is when it was taken away.
    """

    put: Callable[[Any, str, Any], object]
    remove: Callable[[Any, str], object]
    read: Callable[[Any, str], Any]
    value: Callable[[Side, int], Any]
    removed: Any = None


def whole(
    get: str,
    put: str,
    wrap: Callable[[Any], dict[str, Any]],
    select: Callable[[Any], Any],
    value: Callable[[Side, int], Any],
    *,
    delete: str = "",
    removed: Any = None,
) -> Row:
    """A property with a call to put it; without one to delete it, a value that stands for none."""

    def read(s3: Any, bucket: str) -> Any:
        try:
            return select(getattr(s3, get)(Bucket=bucket))
        except ClientError as error:
            if error.response["Error"]["Code"].startswith("NoSuch"):
                return removed
            raise

    def remove(s3: Any, bucket: str) -> None:
        if delete:
            getattr(s3, delete)(Bucket=bucket)
        else:
            getattr(s3, put)(Bucket=bucket, **wrap(removed))

    return Row(
        lambda s3, bucket, value: getattr(s3, put)(Bucket=bucket, **wrap(value)),
        remove,
        read,
        value,
        removed,
    )


def several(method: str, shape: str, value: Callable[[Side, int], Any]) -> Row:
    """A property of configurations under IDs, of which there is one here."""

    def read(s3: Any, bucket: str) -> Any:
        found = getattr(s3, f"list_bucket_{method}s")(Bucket=bucket).get(f"{shape}List", [])
        return found[0] if found else None

    return Row(
        lambda s3, bucket, value: getattr(s3, f"put_bucket_{method}")(
            Bucket=bucket, Id="all", **{shape: value}
        ),
        lambda s3, bucket: getattr(s3, f"delete_bucket_{method}")(Bucket=bucket, Id="all"),
        read,
        lambda side, edition: {"Id": "all", **value(side, edition)},
    )


def lifecycle(side: Side, edition: int) -> Any:
    rule = {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"Prefix": f"v{edition}/"},
        "Transitions": [{"Days": 30, "StorageClass": "GLACIER_IR"}],
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    # One of the roots clones this in full, the other in the safe way.
    if not (side.is_twin and side.other_account):
        rule["Expiration"] = {"Days": 365}
    return [rule]


def policy(side: Side, edition: int) -> Any:
    both = [side.arn, f"{side.arn}/*"]
    return [
        {
            "Sid": "Tls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": both,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "Readers",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{side.account}:root"},
            "Action": ["s3:GetObject"],
            "Resource": f"{side.arn}/v{edition}/*",
        },
        {
            "Sid": "NoDeletes",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            "Resource": f"{side.arn}/kept/*",
        },
    ]


def read_policy(response: Any) -> Any:
    statements = json.loads(response["Policy"])["Statement"]
    return [each for each in statements if not each["Sid"].startswith(OURS)] or None


def acl(response: Any) -> Any:
    owner = response["Owner"]["ID"]
    return [
        (grant["Grantee"].get("URI", "owner"), grant["Permission"])
        for grant in response["Grants"]
        if grant["Grantee"].get("ID") in (None, owner)
    ]


LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"


def put_acl(s3: Any, bucket: str, grants: Any) -> None:
    owner = s3.get_bucket_acl(Bucket=bucket)["Owner"]
    grantee = {"owner": {"Type": "CanonicalUser", "ID": owner["ID"]}}
    given = [
        {"Grantee": grantee.get(who, {"Type": "Group", "URI": who}), "Permission": permission}
        for who, permission in grants
    ]
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": owner, "Grants": given})


def export(side: Side, edition: int, account: str) -> Any:
    target = {"Format": "CSV", "Bucket": f"arn:aws:s3:::{side.logs}", account: side.account}
    return {"S3BucketDestination": {**target, "Prefix": f"v{edition}"}}


# In the order in which S3 takes them.
ROWS = {
    "ownership": whole(
        "get_bucket_ownership_controls",
        "put_bucket_ownership_controls",
        lambda value: {"OwnershipControls": {"Rules": [{"ObjectOwnership": value}]}},
        lambda response: response["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
        lambda side, edition: ("BucketOwnerPreferred", "ObjectWriter")[edition - 1],
        removed="BucketOwnerEnforced",
    ),
    "lifecycle": whole(
        "get_bucket_lifecycle_configuration",
        "put_bucket_lifecycle_configuration",
        lambda value: {"LifecycleConfiguration": {"Rules": value}},
        lambda response: response["Rules"],
        lifecycle,
        delete="delete_bucket_lifecycle",
    ),
    "cors": whole(
        "get_bucket_cors",
        "put_bucket_cors",
        lambda value: {"CORSConfiguration": {"CORSRules": value}},
        lambda response: response["CORSRules"],
        lambda side, edition: [
            {
                "AllowedMethods": ["GET", "HEAD"],
                "AllowedOrigins": [f"https://v{edition}.example.com"],
                "MaxAgeSeconds": 300,
            }
        ],
        delete="delete_bucket_cors",
    ),
    "website": whole(
        "get_bucket_website",
        "put_bucket_website",
        lambda value: {"WebsiteConfiguration": {"IndexDocument": {"Suffix": value}}},
        lambda response: response["IndexDocument"]["Suffix"],
        lambda side, edition: f"v{edition}.html",
        delete="delete_bucket_website",
    ),
    "intelligent_tiering": several(
        "intelligent_tiering_configuration",
        "IntelligentTieringConfiguration",
        lambda side, edition: {
            "Status": "Enabled",
            "Tierings": [{"Days": 90 + edition, "AccessTier": "ARCHIVE_ACCESS"}],
        },
    ),
    "metrics": several(
        "metrics_configuration",
        "MetricsConfiguration",
        lambda side, edition: {"Filter": {"Prefix": f"v{edition}/"}},
    ),
    "analytics": several(
        "analytics_configuration",
        "AnalyticsConfiguration",
        lambda side, edition: {
            "StorageClassAnalysis": {
                "DataExport": {
                    "OutputSchemaVersion": "V_1",
                    "Destination": export(side, edition, "BucketAccountId"),
                }
            }
        },
    ),
    "inventory": several(
        "inventory_configuration",
        "InventoryConfiguration",
        lambda side, edition: {
            "Destination": export(side, edition, "AccountId"),
            "IsEnabled": True,
            "IncludedObjectVersions": "All",
            "Schedule": {"Frequency": "Weekly"},
        },
    ),
    "logging": whole(
        "get_bucket_logging",
        "put_bucket_logging",
        lambda value: {"BucketLoggingStatus": {"LoggingEnabled": value} if value else {}},
        lambda response: response.get("LoggingEnabled"),
        lambda side, edition: {"TargetBucket": side.logs, "TargetPrefix": f"v{edition}/"},
    ),
    "notifications": whole(
        "get_bucket_notification_configuration",
        "put_bucket_notification_configuration",
        lambda value: {"NotificationConfiguration": value or {}},
        lambda response: {k: v for k, v in response.items() if k != "ResponseMetadata"} or None,
        lambda side, edition: {
            "QueueConfigurations": [
                {"Id": f"v{edition}", "QueueArn": side.queue, "Events": ["s3:ObjectCreated:*"]}
            ],
            "EventBridgeConfiguration": {},
        },
    ),
    "request_payment": whole(
        "get_bucket_request_payment",
        "put_bucket_request_payment",
        lambda value: {"RequestPaymentConfiguration": {"Payer": value}},
        lambda response: response["Payer"],
        lambda side, edition: "BucketOwner" if side.is_twin and side.other_account else "Requester",
        removed="BucketOwner",
    ),
    "accelerate": whole(
        "get_bucket_accelerate_configuration",
        "put_bucket_accelerate_configuration",
        lambda value: {"AccelerateConfiguration": {"Status": value}},
        lambda response: response.get("Status", "Suspended"),
        lambda side, edition: "Enabled",
        removed="Suspended",
    ),
    "acl": Row(
        put_acl,
        lambda s3, bucket: s3.put_bucket_acl(Bucket=bucket, ACL="private"),
        lambda s3, bucket: acl(s3.get_bucket_acl(Bucket=bucket)),
        lambda side, edition: [
            ("owner", "FULL_CONTROL"),
            *[(LOG_DELIVERY, permission) for permission in ("READ_ACP", "WRITE")[:edition]],
        ],
        [("owner", "FULL_CONTROL")],
    ),
    "policy": whole(
        "get_bucket_policy",
        "put_bucket_policy",
        lambda value: {"Policy": json.dumps({"Version": "2012-10-17", "Statement": value})},
        read_policy,
        policy,
        delete="delete_bucket_policy",
    ),
    "abac": whole(
        "get_bucket_abac",
        "put_bucket_abac",
        lambda value: {"AbacStatus": {"Status": value}},
        lambda response: response["AbacStatus"]["Status"],
        lambda side, edition: "Enabled",
        removed="Disabled",
    ),
}


class Pair:
    """A source with everything, and its twin."""

    def __init__(self, root: Example, name: str) -> None:
        self.stack: Deployment = root.stack
        stack, prefix = self.stack, root.name
        self.trigger = TRIGGERS[prefix]
        self.bucket = f"{prefix}-{name}{stack.name_end}"
        two = stack.has_two_accounts
        self.source, self.twin = (
            Side(
                bucket,
                account,
                f"{prefix}-logs{suffix}",
                f"arn:aws:sqs:{region}:{account}:uploads",
                bool(suffix),
                two,
            )
            for bucket, account, region, suffix in (
                (self.bucket, stack.account, stack.source_region, ""),
                (stack.twin(self.bucket), stack.dr_account, stack.dr_region, "-dr"),
            )
        )

    def put(self, edition: int, **tags: str) -> None:
        """Put every property of the source, and at last its tags."""
        for row in ROWS.values():
            row.put(self.stack.source_s3, self.bucket, row.value(self.source, edition))
        self.tag(dr=self.trigger, team=f"v{edition}", **tags)

    def tag(self, **tags: str) -> None:
        """Add tags; PutBucketTagging is refused where ABAC is enabled."""
        self.stack.client("s3control", self.stack.source_region).tag_resource(
            AccountId=self.stack.account,
            ResourceArn=self.source.arn,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )

    def protect(self) -> None:
        """Put everything unheard, and then have it all cloned at once."""
        with self.stack.events_lost():
            self.stack.create_bucket(self.bucket)
            self.put(1)
        check(self.stack, [self.bucket])
        self.stack.settle()

    def found(self) -> dict[str, Any]:
        """The twin's properties, read as its account's owner."""
        s3 = self.stack.dr_s3
        found = {name: row.read(s3, self.twin.bucket) for name, row in ROWS.items()}
        return {**found, "tags": self.tags()}

    def tags(self) -> dict[str, str]:
        tags = self.stack.dr_s3.get_bucket_tagging(Bucket=self.twin.bucket)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith(OURS)}

    def expected(self, edition: int) -> dict[str, Any]:
        values = {name: row.value(self.twin, edition) for name, row in ROWS.items()}
        return {**values, "tags": {"team": f"v{edition}"}}

    def report(self, since: float) -> dict[str, Any]:
        """The lines of the last report, by property."""
        records = self.stack.records(self.bucket, "destination_bucket_check", since)
        return {line["property"]: line for line in records[-1]["properties"]}

    def first_report(self) -> dict[str, Any]:
        """The lines of the first report: where two events tell of one change, there is a second."""
        records = self.stack.records(self.bucket, "destination_bucket_check")
        return {line["property"]: line for line in records[0]["properties"]}


@pytest.fixture(scope="module", params=["complete", "everything"])
def root(request: pytest.FixtureRequest) -> Example:
    """Each root that clones everything, with what its translations name."""
    found: Example = request.getfixturevalue(request.param)
    stack = found.stack
    for region, account, suffix in (
        (stack.source_region, stack.account, ""),
        (stack.dr_region, stack.dr_account, "-dr"),
    ):
        logs = f"{found.name}-logs{suffix}"
        if not stack.bucket_exists(logs):  # both worlds have it
            stack.create_bucket(logs, region=region)
        stack.client("s3", region).put_bucket_policy(Bucket=logs, Policy=deliveries(logs))
        arn = f"arn:aws:sqs:{region}:{account}:uploads"
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        stack.client("sqs", region).create_queue(
            QueueName="uploads",
            Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})},
        )
    return found


def deliveries(bucket: str) -> str:
    """A policy that lets S3 put logs and reports into a bucket."""
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": ["logging.s3.amazonaws.com", "s3.amazonaws.com"]},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


@pytest.fixture
def pair(root: Example, request: pytest.FixtureRequest) -> Pair:
    """A bucket of its own for the test, protected with everything it has."""
    made = Pair(root, request.function.__name__.removeprefix("test_").replace("_", "-")[:24])
    made.protect()
    return made


def test_the_rows_are_all_that_can_be_cloned() -> None:
    assert ROWS.keys() | {"tags"} == CLONABLE


@pytest.mark.usefixtures("either_world")
def test_everything_at_once(pair: Pair) -> None:
    assert pair.found() == pair.expected(1)
    block = pair.stack.dr_s3.get_public_access_block(Bucket=pair.twin.bucket)
    assert set(block["PublicAccessBlockConfiguration"].values()) == {True}

    report = pair.first_report()

    two = pair.stack.has_two_accounts
    skipped = {name for name, line in report.items() if line["outcome"] == "skipped"}
    assert skipped == ({"request_payment"} if two else set()), "that one is not chosen there"
    assert {line["outcome"] for line in report.values()} <= {
        *("copied", "translated", "same", "skipped")
    }
    assert report["logging"]["outcome"] == "translated"
    assert report["cors"]["outcome"] == "copied"


@pytest.mark.usefixtures("either_world")
def test_what_did_not_change_is_only_read(pair: Pair) -> None:
    began = time.time()

    check(pair.stack, [pair.bucket])
    pair.stack.settle()

    calls = pair.stack.calls(began, pair.bucket)
    assert [each for each in calls if pair.stack.is_write(each)] == []
    report = pair.report(began)
    assert {line["outcome"] for line in report.values()} <= {"same", "skipped"}


def test_every_change_is_heard(pair: Pair) -> None:
    """Each call that changes a property of the source causes its clone, by itself."""
    for name, row in ROWS.items():
        value = row.value(pair.source, 2)
        if value == row.value(pair.source, 1):
            continue
        row.put(pair.stack.source_s3, pair.bucket, value)
        wait_for_twin(pair, row, row.value(pair.twin, 2), f"a change of {name}")
    pair.tag(team="v2")
    pair.stack.settle()

    assert pair.found() == pair.expected(2)


def test_every_removal_is_heard(pair: Pair) -> None:
    for name, row in reversed(ROWS.items()):
        row.remove(pair.stack.source_s3, pair.bucket)
        wait_for_twin(pair, row, row.removed, f"the removal of {name}")
    pair.stack.client("s3control", pair.stack.source_region).untag_resource(
        AccountId=pair.stack.account, ResourceArn=pair.source.arn, TagKeys=["team"]
    )
    pair.stack.settle()

    removed = {name: row.removed for name, row in ROWS.items()}
    assert pair.found() == {**removed, "tags": {}}


def test_sabotage(pair: Pair) -> None:
    """What is taken from the twin by hand is reported, and put back where the profile says so."""
    twin, s3 = pair.twin.bucket, pair.stack.dr_s3
    restores = pair.stack.has_two_accounts
    for row in reversed(ROWS.values()):
        if row is not ROWS["policy"]:
            row.remove(s3, twin)
    pair.stack.client("s3control", pair.stack.dr_region).untag_resource(
        AccountId=pair.stack.dr_account,
        ResourceArn=pair.twin.arn,
        TagKeys=["team"],
    )
    left = pair.found()
    began = time.time()

    check(pair.stack, [pair.bucket])
    pair.stack.settle()

    assert pair.found() == (pair.expected(1) if restores else left)
    report = pair.report(began)
    drifted = {name for name, line in report.items() if line.get("reason") == "DRIFT"}
    assert drifted == CLONABLE - {"policy"} - ({"request_payment"} if restores else set())


def test_lone_delete_markers_wait_for_the_job(root: Example) -> None:
    """Whether it runs is asked for in the source account, by the function of the DR account."""
    stack, row = root.stack, ROWS["lifecycle"]
    bucket = f"{root.name}-lone-delete-markers"
    rule = {
        "ID": "markers",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
    }
    with stack.events_lost():
        stack.create_bucket(bucket)
        stack.source_s3.put_object(Bucket=bucket, Key="old", Body=b"x")
        row.put(stack.source_s3, bucket, [rule])
        tags = [{"Key": "dr", "Value": TRIGGERS[root.name]}]
        stack.source_s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})

    def after_a_check() -> Any:
        check(stack, [bucket])
        stack.settle()
        return row.read(stack.dr_s3, stack.twin(bucket))

    assert after_a_check() is None, "it is held back from the beginning"
    wait_for(after_a_check, PATIENCE, lambda: "it was never put")
    assert after_a_check() == [rule]


def wait_for_twin(pair: Pair, row: Row, value: Any, what: str) -> None:
    def shows() -> bool:
        return bool(row.read(pair.stack.dr_s3, pair.twin.bucket) == value)

    wait_for(
        shows,
        PATIENCE,
        lambda: f"{what} was not cloned: {row.read(pair.stack.dr_s3, pair.twin.bucket)}",
    )


def test_nothing_went_wrong_unseen(root: Example) -> None:
    stack = root.stack
    stack.settle()

    assert stack.local_aws.errors() == []
    assert (stack.queue_depth("source"), stack.queue_depth("dr")) == (0, 0)
