"""CloudTrail's trails as on AWS.

MiniStack asks no bucket whether CloudTrail may write to it, makes a trail without its tags, and
tells the status of a trail of another region by its mere name.
"""

from collections.abc import Mapping
from typing import Any

from local_aws import replication
from local_aws.emulator import Answer, module

_SERVICE = "cloudtrail.amazonaws.com"


def listen(account: str, region: str, record: Mapping[str, Any]) -> bool:
    """Whether a trail of the account logs a management event of this region.

    Events with a detail-type of CloudTrail need such a trail (EventBridge User Guide, "AWS service
    events delivered via AWS CloudTrail",
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html).
    Here nobody asks this for the records of calls: those are delivered without a trail, too.
    """
    trails = module("services.cloudtrail")
    with module("core.responses").request_scope(account, region):
        usual = trails._DEFAULT_EVENT_SELECTORS
        return any(
            _selects(selector, record)
            for home, name, trail in trails._visible_trail_items()
            if trail.get("IsLogging")
            for selector in trails._event_selectors.get_scoped(account, home, name, usual)
        )


def _selects(selector: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a selector, or an advanced one, takes a management event.

    Of the advanced ones' operators only Equals and NotEquals are served.
    """
    read_only = str(record["readOnly"]).lower()
    if "FieldSelectors" not in selector:
        kinds = ("All", "ReadOnly" if record["readOnly"] else "WriteOnly")
        return bool(selector["IncludeManagementEvents"] and selector["ReadWriteType"] in kinds)
    values = {**record, "eventCategory": "Management", "readOnly": read_only}
    return all(
        values.get(field["Field"]) in field.get("Equals", [values.get(field["Field"])])
        and values.get(field["Field"]) not in field.get("NotEquals", [])
        for field in selector["FieldSelectors"]
    )


def _bucket_problem(asked: dict[str, Any], trail: str) -> tuple[str, str] | None:
    """Why CloudTrail cannot deliver to the bucket: it needs its ACL and the right to write.

    (CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail"; API, CreateTrail.)
    """
    name = asked.get("S3BucketName")
    if not name:
        return None
    bucket = replication.bucket(name)
    if bucket is None:
        return "S3BucketDoesNotExistException", f"S3 bucket {name} does not exist!"
    account = trail.split(":")[4]
    prefix = f"{asked['S3KeyPrefix']}/" if asked.get("S3KeyPrefix") else ""
    logs = f"{bucket.arn}/{prefix}AWSLogs/{account}/CloudTrail/log"
    for action, resource in (("s3:GetBucketAcl", bucket.arn), ("s3:PutObject", logs)):
        if not _allows(bucket, action, resource, trail):
            message = f"Incorrect S3 bucket policy is detected for bucket: {name}"
            return "InsufficientS3BucketPolicyException", message
    return None


def _allows(bucket: replication.Bucket, action: str, resource: str, trail: str) -> bool:
    iam = module("core.iam_evaluator")
    context = iam.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=bucket.region,
        secure_transport=True,
        service_context={
            "aws:sourcearn": trail,
            "aws:sourceaccount": trail.split(":")[4],
            "s3:x-amz-acl": "bucket-owner-full-control",
        },
    )
    if not bucket.policy:
        return False
    answer = iam.evaluate_resource_policy(bucket.policy, context, service=_SERVICE)
    return bool(answer.decision == "Allow")


def _delivering(original: Any) -> Any:
    def call(asked: dict[str, Any]) -> Answer:
        trails = module("services.cloudtrail")
        arn = trails._trail_arn(asked.get("Name", "").rpartition("/")[2])
        if problem := _bucket_problem(asked, arn):
            refused: Answer = trails._err(*problem)
            return refused
        answer: Answer = original(asked)
        return answer

    return call


def _tagged(original: Any) -> Any:
    """CreateTrail's TagsList (API, CreateTrail)."""

    def call(asked: dict[str, Any]) -> Answer:
        trails = module("services.cloudtrail")
        answer: Answer = original(asked)
        if answer[0] == 200:
            tags = {tag["Key"]: tag.get("Value", "") for tag in asked.get("TagsList") or []}
            trails._trail_tags[trails._trail_arn(asked["Name"])] = tags
        return answer

    return call


def _status(original: Any) -> Any:
    """ "To get the status of a shadow trail …, you must specify its ARN" (API, GetTrailStatus)."""

    def call(asked: dict[str, Any]) -> Answer:
        trails, name = module("services.cloudtrail"), asked.get("Name", "")
        if not name.startswith("arn:") and trails._trails.get(name) is None:
            refused: Answer = trails._err("TrailNotFoundException", f"Unknown trail: {name}", 404)
            return refused
        answer: Answer = original(asked)
        return answer

    return call


def install() -> None:
    calls = module("services.cloudtrail")._DISPATCH
    for name, wrapper in (
        ("CreateTrail", _tagged),
        ("CreateTrail", _delivering),
        ("UpdateTrail", _delivering),
        ("GetTrailStatus", _status),
    ):
        calls[name] = wrapper(calls[name])
