"""The CloudTrail prerequisite: without a trail that logs S3's management events, nothing is heard.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-aws-service-specific-topics.html
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .aws import error_name

OK, MISSING, UNKNOWN = "ok", "missing", "unknown"


def look(cloudtrail: Any, region: str) -> dict[str, Any]:
    """Whether there is a trail that logs management events that write, in this region.

    Returns:
        ``status`` ("ok", "missing", or "unknown" where AWS would not say), ``detail`` (a sentence)
        and ``trails`` (the names of those that do).
    """
    good, unknown = [], []
    try:
        # Also those of other regions and of the organisation, as far as they log here.
        trails = cloudtrail.describe_trails(includeShadowTrails=True)["trailList"]
    except (BotoCoreError, ClientError) as error:
        return {"status": UNKNOWN, "detail": f"DescribeTrails: {error_name(error)}", "trails": []}
    for trail in trails:
        if not (trail.get("IsMultiRegionTrail") or trail.get("HomeRegion") == region):
            continue
        try:
            if _logs_writes(cloudtrail, trail["TrailARN"]):
                good.append(trail["Name"])
        except (BotoCoreError, ClientError) as error:
            unknown.append(f"{trail['Name']}: {error_name(error)}")
    if good:
        return {"status": OK, "detail": f"{good[0]} logs management events", "trails": good}
    if unknown:
        return {"status": UNKNOWN, "detail": "; ".join(unknown), "trails": []}
    return {
        "status": MISSING,
        "detail": f"no trail logs management events that write in {region}, so changes of buckets "
        "are heard of by the sweep only; make a trail, or let the module do so (create_trail)",
        "trails": [],
    }


def _logs_writes(cloudtrail: Any, arn: str) -> bool:
    if not cloudtrail.get_trail_status(Name=arn)["IsLogging"]:
        return False
    found = cloudtrail.get_event_selectors(TrailName=arn)
    if advanced := found.get("AdvancedEventSelectors"):
        return any(_takes_writes(each["FieldSelectors"]) for each in advanced)
    return any(
        each.get("IncludeManagementEvents", True) and each.get("ReadWriteType", "All") != "ReadOnly"
        for each in found.get("EventSelectors", [])
    )


def _takes_writes(fields: list[dict[str, Any]]) -> bool:
    """Whether an advanced selector is for management events and shuts out neither S3 nor writes."""
    by_name = {each["Field"]: each for each in fields}
    if by_name.get("eventCategory", {}).get("Equals") != ["Management"]:
        return False
    if "false" not in by_name.get("readOnly", {}).get("Equals", ["false"]):
        return False
    source = by_name.get("eventSource", {})
    shut_out = "s3.amazonaws.com" in source.get("NotEquals", [])
    return not shut_out and "s3.amazonaws.com" in source.get("Equals", ["s3.amazonaws.com"])
