"""The trail without which nothing is heard: ok, missing, or not to be found out."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from s3_dr import trail

REGION, OTHER = "us-west-2", "eu-west-1"
CLASSIC = {"IncludeManagementEvents": True, "ReadWriteType": "All"}


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "AnyOperation")


class CloudTrail:
    """CloudTrail with trails by name; what a trail says may be an error."""

    def __init__(self, **trails: dict[str, Any]) -> None:
        self.trails = trails
        self.fault: Exception | None = None
        self.asked: list[tuple[str, Any]] = []

    def describe_trails(self, **asked: Any) -> Any:
        self.asked.append(("describe", asked))
        if self.fault:
            raise self.fault
        return {
            "trailList": [
                {
                    "Name": name,
                    "TrailARN": f"arn:{name}",
                    "HomeRegion": each.get("home", REGION),
                    "IsMultiRegionTrail": each.get("everywhere", False),
                }
                for name, each in self.trails.items()
            ]
        }

    def get_trail_status(self, **asked: str) -> Any:
        self.asked.append(("status", asked["Name"]))
        found = self.trails[asked["Name"].removeprefix("arn:")].get("logging", True)
        if isinstance(found, Exception):
            raise found
        return {"IsLogging": found}

    def get_event_selectors(self, **asked: str) -> Any:
        self.asked.append(("selectors", asked["TrailName"]))
        each = self.trails[asked["TrailName"].removeprefix("arn:")]
        if isinstance(each.get("classic"), Exception):
            raise each["classic"]
        if "advanced" in each:
            return {"AdvancedEventSelectors": [{"FieldSelectors": s} for s in each["advanced"]]}
        return {"EventSelectors": each.get("classic", [CLASSIC])}


def status(**trails: dict[str, Any]) -> str:
    found = trail.look(CloudTrail(**trails), REGION)
    assert found["detail"], "a sentence for a person"
    assert bool(found["trails"]) == (found["status"] == "ok")
    return str(found["status"])


def field(name: str, **values: list[str]) -> dict[str, Any]:
    return {"Field": name, **values}


MANAGEMENT = field("eventCategory", Equals=["Management"])
DATA = field("eventCategory", Equals=["Data"])
S3 = "s3.amazonaws.com"


def test_a_trail_of_the_region_that_logs_is_ok() -> None:
    cloudtrail = CloudTrail(mine={})

    assert trail.look(cloudtrail, REGION) == {
        "status": "ok",
        "detail": "mine logs management events",
        "trails": ["mine"],
    }
    assert cloudtrail.asked == [
        ("describe", {"includeShadowTrails": True}),
        ("status", "arn:mine"),
        ("selectors", "arn:mine"),
    ], "by its ARN: the trail may be of another region or account"


def test_no_trail_is_missing_and_says_what_to_do() -> None:
    found = trail.look(CloudTrail(), REGION)

    assert found["status"] == "missing"
    assert REGION in found["detail"] and "create_trail" in found["detail"]


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        ({"home": REGION}, "ok"),
        ({"home": OTHER}, "missing"),
        ({"home": OTHER, "everywhere": True}, "ok"),
        ({"home": REGION, "everywhere": True}, "ok"),
        ({"logging": False}, "missing"),
        ({"home": OTHER, "everywhere": True, "logging": False}, "missing"),
    ],
    ids=str,
)
def test_where_it_logs(each: dict[str, Any], expected: str) -> None:
    assert status(one=each) == expected


def test_a_trail_of_another_region_is_not_asked_further() -> None:
    cloudtrail = CloudTrail(other={"home": OTHER, "logging": error("AccessDenied")})

    assert trail.look(cloudtrail, REGION)["status"] == "missing"
    assert len(cloudtrail.asked) == 1


@pytest.mark.parametrize(
    ("classic", "expected"),
    [
        ([CLASSIC], "ok"),
        ([{}], "ok"),
        ([{"ReadWriteType": "WriteOnly"}], "ok"),
        ([{"ReadWriteType": "ReadOnly"}], "missing"),
        ([{"IncludeManagementEvents": False}], "missing"),
        ([{"IncludeManagementEvents": False}, CLASSIC], "ok"),
        ([{**CLASSIC, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}], "ok"),
        ([], "missing"),
    ],
    ids=str,
)
def test_classic_selectors(classic: list[Any], expected: str) -> None:
    assert status(one={"classic": classic}) == expected


@pytest.mark.parametrize(
    ("advanced", "expected"),
    [
        ([[MANAGEMENT]], "ok"),
        ([[DATA]], "missing"),
        ([[DATA], [MANAGEMENT]], "ok"),
        ([[MANAGEMENT, field("readOnly", Equals=["false"])]], "ok"),
        ([[field("readOnly", Equals=["false"]), MANAGEMENT]], "ok"),
        ([[MANAGEMENT, field("readOnly", Equals=["true"])]], "missing"),
        ([[MANAGEMENT, field("readOnly", Equals=["true", "false"])]], "ok"),
        ([[MANAGEMENT, field("eventSource", NotEquals=["kms.amazonaws.com"])]], "ok"),
        ([[MANAGEMENT, field("eventSource", NotEquals=["rdsdata.amazonaws.com", S3])]], "missing"),
        ([[MANAGEMENT, field("eventSource", Equals=[S3])]], "ok"),
        ([[MANAGEMENT, field("eventSource", Equals=["kms.amazonaws.com"])]], "missing"),
        ([[field("eventCategory", Equals=["NetworkActivity"])]], "missing"),
        ([[field("readOnly", Equals=["false"])]], "missing"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_advanced_selectors(advanced: list[Any], expected: str) -> None:
    assert status(one={"advanced": advanced}) == expected


def test_one_good_trail_is_enough_and_all_good_ones_are_named() -> None:
    cloudtrail = CloudTrail(
        stopped={"logging": False},
        first={},
        denied={"logging": error("AccessDenied")},
        second={"home": OTHER, "everywhere": True},
    )

    found = trail.look(cloudtrail, REGION)

    assert (found["status"], found["trails"]) == ("ok", ["first", "second"])


@pytest.mark.parametrize(
    "fault",
    [error("AccessDenied"), EndpointConnectionError(endpoint_url="https://x")],
    ids=["denied", "unreachable"],
)
def test_what_cannot_be_asked_is_unknown_and_never_missing(fault: Exception) -> None:
    cloudtrail = CloudTrail(one={})
    cloudtrail.fault = fault
    said = "AccessDenied" if isinstance(fault, ClientError) else "EndpointConnectionError"

    assert trail.look(cloudtrail, REGION) == {
        "status": "unknown",
        "detail": f"DescribeTrails: {said}",
        "trails": [],
    }
    assert status(one={"logging": fault}) == "unknown"
    assert status(one={"classic": fault}) == "unknown"
    found = trail.look(CloudTrail(stopped={"logging": False}, one={"classic": fault}), REGION)
    assert (found["status"], found["detail"]) == ("unknown", f"one: {said}")
