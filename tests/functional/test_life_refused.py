"""What AWS refuses while the functions look after a bucket is told, and undoes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functional.living import METRICS, Life, by_bus, direct
from functional.payload import hear, message, sns_event
from s3_dr import handlers

pytest_plugins = ["functional.payload", "functional.living"]


def first(life: Life) -> None:
    """A bucket with objects, of which nothing is remembered."""
    life.put("a")
    life.retag()
    life.world.twin(life.bucket, versioning="Enabled")


def healing(life: Life) -> None:
    """A bucket whose rule was dropped."""
    life.tag()
    life.drop_rule()
    life.put("a")


def running(life: Life) -> None:
    """A bucket whose job has not ended as far as is known."""
    life.put("a")
    life.tag()


def waiting(life: Life) -> None:
    """A bucket whose job may go on."""
    life.deploy(existing_objects_limit=5)
    running(life)
    life.ended("Suspended")


def reported(life: Life) -> None:
    """A bucket whose job has failed tasks, and a report."""
    life.put("a")
    life.replication_may(False)
    life.tag()
    life.ended("Complete")


def measured(life: Life) -> None:
    """A bucket with metrics."""
    life.deploy(**METRICS)
    life.tag()


# Each call, a state in which it is made, and whether our rule is in already when it is made.
CALLS: dict[str, tuple[str, Callable[[Life], None], bool]] = {
    "reading the record": ("GetObject", first, False),
    "writing the record": ("PutObject", first, False),
    "writing the record before healing": ("PutObject", healing, False),
    "looking for objects": ("ListObjectVersions", first, True),
    "starting a job": ("CreateJob", first, True),
    "following a job": ("DescribeJob", running, True),
    "confirming a job": ("UpdateJobStatus", waiting, True),
    "reading the metric": ("GetMetricData", measured, True),
}


@pytest.mark.parametrize(("operation", "state", "has_rule"), CALLS.values(), ids=CALLS)
def test_a_denied_call_is_a_failure(
    life: Life, operation: str, state: Callable[[Life], None], has_rule: bool
) -> None:
    state(life)
    before = life.rule()
    life.fail(operation, "AccessDenied", 403, times=5)

    result = life.asked()

    assert (result["outcome"], result["reason"]) == ("failed", "AccessDenied")
    assert operation in result["detail"], "the sentence names the call"
    rule = life.rule()
    assert (rule is not None) is has_rule
    if before:
        assert rule == before, "what protects already is never undone"
    life.local_aws.faults([])
    assert life.asked()["outcome"] == "protected", "and as soon as it is allowed, all is well"
    if life.jobs():
        life.ended()
    life.asked()
    life.assert_whole()


@pytest.mark.parametrize(("operation", "state", "has_rule"), CALLS.values(), ids=CALLS)
def test_a_denied_call_is_raised_for_lambda_to_try_again(
    life: Life, operation: str, state: Callable[[Life], None], has_rule: bool
) -> None:
    state(life)
    sent: tuple[Any, ...] = (
        sns_event(message(life.bucket)),
        by_bus("Bucket Backfill Requested", bucket=life.bucket),
    )
    for event in sent:
        if operation == "GetMetricData" and "Records" not in event:
            continue  # a gap that a person opened comes first
        life.fail(operation, "AccessDenied", 403, times=5)
        with pytest.raises(life.s3.exceptions.ClientError, match="AccessDenied"):
            handlers.enable_replication(event, life.functions.context)


@pytest.mark.parametrize(("operation", "state", "has_rule"), CALLS.values(), ids=CALLS)
def test_a_throttled_call_is_made_again(
    life: Life, operation: str, state: Callable[[Life], None], has_rule: bool
) -> None:
    state(life)
    code, status = ("SlowDown", 503)
    if operation in ("CreateJob", "DescribeJob", "UpdateJobStatus"):
        code, status = "TooManyRequestsException", 400
    if operation == "GetMetricData":
        code, status = "Throttling", 400
    life.fail(operation, code, status, times=2)
    life.local_aws.clear_calls()

    assert life.asked()["outcome"] == "protected"

    made = [c["status"] for c in life.local_aws.calls() if c["operation"] == operation]
    assert made[:2] == [status, status] and made[2] != status, "two refusals, then an answer"


def test_a_denied_report_is_a_failure_and_not_a_report_without_reasons(life: Life) -> None:
    reported(life)
    rule = life.rule()
    client = handlers._runtime()[1].source_s3
    denied: list[str] = []

    def deny(params: Any, **_: object) -> None:
        if params["Key"].startswith("reports/"):
            denied.append(params["Key"])
            life.fail("GetObject", "AccessDenied", 403)

    hear(client, "provide-client-params.s3.GetObject", deny, first=True)

    result = life.asked()

    assert denied, "else the report was not read"
    assert (result["outcome"], result["reason"]) == ("failed", "AccessDenied")
    assert life.rule() == rule
    assert life.record()["job"]["ended_at"] == ""


@pytest.mark.parametrize("operation", ["GetObject", "PutObject", "GetBucketReplication"])
def test_a_release_that_is_denied_fails_and_is_done_later(life: Life, operation: str) -> None:
    life.tag()
    rule = life.rule()
    life.s3.delete_bucket_tagging(Bucket=life.bucket)
    life.fail(operation, "AccessDenied", 403)

    result = life.asked()

    assert (result["outcome"], result["reason"]) == ("failed", "AccessDenied")
    assert life.rule() == rule
    assert life.asked()["outcome"] == "released"


def test_a_denied_write_of_the_rule_is_a_failure_whose_gap_is_remembered(life: Life) -> None:
    healing(life)
    life.fail("PutBucketReplication", "AccessDenied", 403)

    result = life.asked()

    assert (result["outcome"], result["reason"]) == ("failed", "AccessDenied")
    assert life.record()["gap"]
    life.put("b")
    assert life.asked()["outcome"] == "protected"
    life.ended()
    life.assert_whole()


def test_what_existing_objects_ran_into_hides_no_put_back(life: Life) -> None:
    """Else a fight about the rule would never be seen as one."""
    running(life)
    life.drop_rule()
    life.fail("DescribeJob", "AccessDenied", 403)

    result = life.asked()

    assert (result["outcome"], result["reason"]) == ("failed", "AccessDenied")
    assert life.rule()["Status"] == "Enabled"
    assert len(life.record()["put_back"]) == 1


def test_a_source_whose_rule_may_not_be_read_is_a_failure(life: Life) -> None:
    """Untagged, and perhaps still with our rule."""
    life.fail("GetBucketReplication", "AccessDenied", 403)

    result = life.functions.only(
        handlers.source_bucket_check,
        direct("Bucket Check Requested", buckets=[life.bucket]),
    )

    assert (result["outcome"], result["reason"]) == ("failed", "AccessDenied")
    life.fail("GetBucketReplication", "AccessDenied", 403)
    with pytest.raises(life.s3.exceptions.ClientError, match="AccessDenied"):
        life.check()


def test_one_bucket_that_fails_stops_no_other(life: Life) -> None:
    life.tag()
    other = Life(life.functions, life.world, life.local_aws, life.reports, life._set)
    other.tag()
    life.drop_rule()
    other.drop_rule()
    fault = {"operation": "GetBucketReplication", "code": "AccessDenied", "status": 403}
    life.local_aws.faults([{**fault, "bucket": life.bucket, "times": 1}])
    sent = sns_event(message(life.bucket), message(other.bucket))

    with pytest.raises(life.s3.exceptions.ClientError, match="AccessDenied"):
        handlers.enable_replication(sent, life.functions.context)

    assert life.rule() is None
    assert other.rule()["Status"] == "Enabled"


def test_a_job_that_moved_on_meanwhile_is_no_failure_for_long(life: Life) -> None:
    """Two checks confirm it at once: S3 refuses the second, which is tried again."""
    waiting(life)
    life.when("before", "UpdateJobStatus", life.asked, "source_control")

    results = [life.asked(), life.asked()]

    assert results[-1]["outcome"] == "protected"
    life.ended()
    life.assert_whole()
    assert len(life.jobs()) == 1
