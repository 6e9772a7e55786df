"""What the rules listen for, tried on real events."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern

from harness.sts import ACCOUNT
from plan.installations import DEFAULT, EVERYTHING, GIVEN, NOTHING, SOME, Case, Installation

pytestmark = pytest.mark.terraform

EVENTS = Path(__file__).resolve().parents[1] / "events"
# CloudTrail's names, which are not always the API's. These are heard whatever is cloned.
ALWAYS = {
    "CreateBucket",
    "DeleteBucket",
    "DeleteBucketEncryption",
    "DeleteBucketReplication",
    "DeleteBucketTagging",
    "PutBucketEncryption",
    "PutBucketObjectLockConfiguration",
    "PutBucketReplication",
    "PutBucketTagging",
    "PutBucketVersioning",
    "TagResource",
    "UntagResource",
}
USUAL = {
    "DeleteBucketCors",
    "DeleteBucketIntelligentTieringConfiguration",
    "DeleteBucketLifecycle",
    "DeleteBucketMetricsConfiguration",
    "PutBucketCors",
    "PutBucketIntelligentTieringConfiguration",
    "PutBucketLifecycle",
    "PutBucketMetricsConfiguration",
}
POLICY = {"DeleteBucketPolicy", "PutBucketPolicy"}
OWNERSHIP = {"DeleteBucketOwnershipControls", "PutBucketOwnershipControls"}
WEBSITE = {"DeleteBucketWebsite", "PutBucketWebsite"}
# What is heard besides, by what is cloned.
TO_CLONE: dict[frozenset[str], set[str]] = {
    NOTHING.cloned: set(),
    DEFAULT.cloned: USUAL,
    SOME.cloned: POLICY | WEBSITE,
    GIVEN.cloned: USUAL | POLICY,
    EVERYTHING.cloned: USUAL
    | OWNERSHIP
    | POLICY
    | WEBSITE
    | {
        "DeleteBucketAnalyticsConfiguration",
        "DeleteBucketInventoryConfiguration",
        "PutAccelerateConfiguration",
        "PutBucketAbac",
        "PutBucketAcl",
        "PutBucketAnalyticsConfiguration",
        "PutBucketInventoryConfiguration",
        "PutBucketLogging",
        "PutBucketNotification",
        "PutBucketRequestPayment",
    },
}
NAMES = ALWAYS | USUAL  # of the case with no argument


def corpus() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every event of the corpus that EventBridge could deliver."""
    for file in sorted(EVENTS.glob("*.json")):
        event = json.loads(file.read_text(encoding="utf-8"))
        if "detail-type" in event:
            yield file.stem, event


CORPUS = dict(corpus())
CALLS = {
    name: event
    for name, event in CORPUS.items()
    if event["detail-type"] == "AWS API Call via CloudTrail"
}


def pattern(installation: Installation, rule: str) -> dict[str, Any]:
    text = installation.named("aws_cloudwatch_event_rule", rule).values["event_pattern"]
    # With everything cloned it has 1,043. Twice as much could be asked of AWS, and need not be.
    assert len(text) <= 2048, f"EventBridge takes no pattern of {len(text)} characters"
    return dict(json.loads(text))


def matches(installation: Installation, rule: str, event: Any) -> bool:
    loaded = EventPattern.load(json.dumps(pattern(installation, rule)))
    return bool(loaded.matches_event(event))


def test_s3_events_pattern(each: Installation) -> None:
    found = pattern(each, "s3-events")
    names = found["detail"].pop("eventName")
    assert sorted(names) == sorted(ALWAYS | TO_CLONE[each.case.cloned]), (
        "These calls can change what has to be protected"
    )
    assert found == {
        # Calls of S3 Control may come as another service's, whose name no document gives.
        "source": ["aws.s3", "aws.s3-control", "aws.s3control"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"errorCode": [{"exists": False}]},
    }, "Failed calls are events too, and must not be heard"


def test_tag_changes_pattern(each: Installation) -> None:
    profiles = each.case.arguments.get("profiles", [{"match_tags": [{"dr": ""}, {"DR": ""}]}])
    keys = {key for profile in profiles for tags in profile["match_tags"] for key in tags}
    found = pattern(each, "tag-changes")
    *named, ours = found["detail"].pop("changed-tag-keys")
    assert (named, ours) == (sorted(keys), {"prefix": "s3-dr:"}), (
        "These tags say whether and how a bucket is protected"
    )
    assert found == {
        "source": ["aws.tag"],
        "detail-type": ["Tag Change on Resource"],
        "detail": {"service": ["s3"], "resource-type": ["bucket"]},
    }


def test_changes_of_tags_are_heard(default: Installation) -> None:
    """CloudTrail brings them too: this event needs no trail, and may not come for buckets."""
    event = CORPUS["tag_change_on_resource"]

    def heard(**detail: Any) -> bool:
        return matches(default, "tag-changes", {**event, "detail": {**event["detail"], **detail}})

    assert heard()
    assert heard(**{"changed-tag-keys": ["Owner", "DR"], "tags": {}}), "a tag that is gone"
    assert heard(**{"changed-tag-keys": ["s3-dr:storage-class"]})
    assert not heard(**{"changed-tag-keys": ["Owner"]})
    assert not heard(**{"resource-type": "access-point"})
    assert not heard(service="ec2")
    others = [name for name, each in CORPUS.items() if matches(default, "tag-changes", each)]
    assert others == ["tag_change_on_resource"]


def test_check_requests_pattern(each: Installation) -> None:
    assert pattern(each, "check-requests") == {
        "account": [ACCOUNT],
        "source": ["s3-dr"],
        "detail-type": ["Bucket Check Requested"],
        "detail": {"bucket": [{"exists": True}]},
    }, "Only this account may ask for a check"


def test_sweep_requests_pattern(each: Installation) -> None:
    assert pattern(each, "sweep") == {
        "account": [ACCOUNT],
        "source": ["s3-dr"],
        "detail-type": ["Sweep Requested"],
    }, "Only this account may ask for a sweep"


def test_job_events_pattern(each: Installation) -> None:
    assert pattern(each, "job-events") == {
        "account": [ACCOUNT],
        "source": ["aws.s3"],
        "detail-type": ["AWS Service Event via CloudTrail"],
        "detail": {
            "eventName": ["JobStatusChanged"],
            "serviceEventDetails": {"status": ["Cancelled", "Complete", "Failed", "Suspended"]},
        },
    }, "A place becomes free by an end, or when a job waits for a yes"


def test_job_events_are_heard(default: Installation) -> None:
    event = CORPUS["batch_job_status_changed"]
    job = event["detail"]["serviceEventDetails"]

    def heard(status: str = "Complete", **detail: Any) -> bool:
        told = {**event["detail"], "serviceEventDetails": {**job, "status": status}, **detail}
        return matches(default, "job-events", {**event, "account": ACCOUNT, "detail": told})

    assert all(map(heard, ("Cancelled", "Complete", "Failed", "Suspended")))
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-job-status.html
    going_on = ("Active", "Cancelling", "Completing", "Failing", "New", "Paused", "Pausing")
    assert not any(map(heard, (*going_on, "Preparing", "Ready"))), "No place becomes free"
    assert not heard(eventName="JobCreated")
    assert not matches(default, "job-events", {**event, "account": "999999999999"})
    others = [name for name, each in CORPUS.items() if matches(default, "job-events", each)]
    assert others == ["batch_job_status_changed"]


def test_only_the_sweep_and_the_queue_have_a_schedule(it: Installation) -> None:
    schedules = {
        rule.values["name"]: rule.values["schedule_expression"]
        for rule in it.of("aws_cloudwatch_event_rule")
        if rule.values["schedule_expression"]
    }
    expected = it.case.arguments.get("sweep", {}).get("schedule", "rate(6 hours)")
    assert schedules == {
        f"{it.case.prefix}-sweep": expected,
        it.case.jobs_rule: "rate(4 minutes)",  # the next job starts five minutes after an end
    }
    patterns = {
        rule.values["name"]
        for rule in it.of("aws_cloudwatch_event_rule")
        if rule.values["event_pattern"] is None
    }
    assert patterns == {it.case.jobs_rule}, "What only a schedule starts hears nothing"


def test_corpus_is_there() -> None:
    heard = {event["detail"]["eventName"] for event in CALLS.values()} & NAMES
    assert len(heard) >= 7, f"The corpus must have most of the calls, not only {sorted(heard)}"
    assert any("errorCode" in event["detail"] for event in CALLS.values()), "And a failed one"


@pytest.mark.parametrize("name", CORPUS)
def test_rule_hears_calls_that_succeeded(name: str, default: Installation) -> None:
    event = CORPUS[name]
    detail = event["detail"]
    wanted = name in CALLS and detail["eventName"] in NAMES and "errorCode" not in detail
    assert matches(default, "s3-events", event) is wanted


@pytest.mark.parametrize("name", CALLS)
def test_rule_does_not_hear_calls_that_failed(name: str, default: Installation) -> None:
    event = copy.deepcopy(CALLS[name])
    event["detail"] |= {"errorCode": "AccessDenied", "errorMessage": "Access Denied"}
    assert not matches(default, "s3-events", event)


@pytest.mark.parametrize("source", ["aws.s3", "aws.s3-control", "aws.s3control"])
@pytest.mark.parametrize("name", sorted(NAMES))
def test_rule_hears_whoever_calls(name: str, source: str, default: Installation) -> None:
    """Nothing but the name of the call counts: the shapes of its parameters drift."""
    event = {**copy.deepcopy(CALLS["put_bucket_tagging"]), "source": source}
    event["detail"] |= {"eventName": name, "eventSource": "s3-control.amazonaws.com"}
    event["detail"]["requestParameters"] = None
    assert matches(default, "s3-events", event)


@pytest.mark.parametrize("case", [DEFAULT, EVERYTHING, NOTHING, SOME], ids=lambda case: case.name)
def test_rule_hears_what_changes_what_is_cloned(
    install: Callable[[Case], Installation], case: Case
) -> None:
    """And nothing that changes what is not, nor what only looks."""
    known = ALWAYS | TO_CLONE[EVERYTHING.cloned]
    looks = {name.replace("Put", "Get", 1) for name in known if name.startswith("Put")}
    others = {"DeleteBucket", "PutObject", "PutObjectTagging", "PutBucketPublicAccessBlock"}
    heard = set()
    for name in known | looks | others:
        event = copy.deepcopy(CALLS["put_bucket_tagging"])
        event["detail"]["eventName"] = name
        heard |= {name} if matches(install(case), "s3-events", event) else set()
    assert heard == ALWAYS | TO_CLONE[case.cloned]


def test_rule_hears_requests_of_its_own_account(default: Installation) -> None:
    event = CORPUS["check_request"]
    request = {**event, "account": ACCOUNT}
    assert matches(default, "check-requests", request)
    assert not matches(default, "check-requests", {**request, "account": "999999999999"})
    assert not matches(default, "check-requests", {**request, "detail": {}})
    assert not matches(default, "check-requests", {**request, "source": "aws.s3"})
    others = [name for name, each in CORPUS.items() if matches(default, "check-requests", each)]
    assert set(others) <= {"check_request"}


def test_a_request_starts_one_function(default: Installation) -> None:
    """Neither rule hears what is for the other, nor what another account sends."""
    check = {**CORPUS["check_request"], "account": ACCOUNT}
    sweep = {**check, "detail-type": "Sweep Requested", "detail": {}}
    assert matches(default, "sweep", sweep)
    assert not matches(default, "sweep", check)
    assert not matches(default, "check-requests", sweep)
    assert not matches(default, "sweep", {**sweep, "account": "999999999999"})
    assert not matches(default, "sweep", {**sweep, "source": "aws.events"})
