"""A job that failed before S3 counted a single task: it is told, and tried again like any other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from functional.living import ago
from functional.payload import checked, profiles, seen
from s3_dr import backfill
from s3_dr.check import Check
from s3_dr.record import Gap, Job, Record

ENDED = datetime.now(UTC) - timedelta(hours=2)
NO_SUMMARY: list[dict[str, Any]] = [
    {},
    {"ProgressSummary": None},
    {"ProgressSummary": {}},
    {"ProgressSummary": {"TotalNumberOfTasks": None, "NumberOfTasksFailed": None}},
    {
        "ProgressSummary": {
            "TotalNumberOfTasks": 0,
            "NumberOfTasksSucceeded": 0,
            "NumberOfTasksFailed": 0,
        }
    },
]
REASON = {"FailureCode": "AccessDenied", "FailureReason": "cannot assume the role"}
REASONS: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"FailureReasons": None}, ""),
    ({"FailureReasons": []}, ""),
    ({"FailureReasons": [REASON]}, "AccessDenied: cannot assume the role"),
]


def check(described: dict[str, Any] | None = None, counts: Any = (), **fields: Any) -> Check:
    """A check to which S3 describes a job so, and CloudWatch gives these counts."""

    def describe_job(**_: Any) -> Any:
        return {"Job": {"Status": "Failed", "TerminationDate": ENDED, **(described or {})}}

    def get_metric_data(**_: Any) -> Any:
        moments, values = [moment for moment, _ in counts], [number for _, number in counts]
        return {"MetricDataResults": [{"Timestamps": moments, "Values": values}]}

    def get_object(**asked: Any) -> Any:
        pytest.fail(f"a job without tasks has no report, but {asked['Key']} was asked for")

    clients = SimpleNamespace(
        source_control=SimpleNamespace(describe_job=describe_job),
        source_cloudwatch=SimpleNamespace(get_metric_data=get_metric_data),
        source_s3=SimpleNamespace(get_object=get_object),
        dr_s3=None,
    )
    return checked(clients, "orders", REPORTS_BUCKET="reports", PROFILES=profiles(**fields))


def failed(**changes: Any) -> Job:
    """A job that failed two hours ago, without a task."""
    times = {"created_at": ago(hours=3), "ended_at": ENDED.isoformat(timespec="microseconds")}
    return Job(**{"id": "j-1", "gap": Gap("g"), "status": "Failed", **times, **changes})


def again_of(made: Check, job: Job) -> Gap | None:
    """What there is to try again after a job."""
    return backfill._to_try_again(made, seen(made), Record(job=job))


@pytest.mark.parametrize(("why", "detail"), REASONS, ids=lambda each: str(each)[:40])
@pytest.mark.parametrize("summary", NO_SUMMARY, ids=lambda each: str(each)[:60])
def test_it_has_ended_with_nothing_done(
    summary: dict[str, Any], why: dict[str, Any], detail: str
) -> None:
    job, made = Job("j-1", Gap("g"), ago(hours=3), status="Active"), check({**summary, **why})

    backfill._follow(made, seen(made), Record(job=job), job)

    assert job == failed(created_at=job.created_at, detail=detail), "failed, ended, and no tasks"
    assert not job.is_done, "what it was for is still to be copied"
    told = backfill.facts(seen(made), Record(job=job))
    assert told["status"] == "failed", "and it is told"
    assert (told["total"], told["succeeded"], told["failed"]) == (0, 0, 0)
    backfill._warn(made, seen(made), Record(job=job))
    assert made.warnings == [f"the job that copies existing objects of orders failed: {detail}"]


@pytest.mark.parametrize("everything", [True, False])
def test_it_is_tried_again_for_all_that_it_was_for(everything: bool) -> None:
    gap = Gap("g", everything=everything, is_first=True)
    due, early = failed(gap=gap), failed(gap=gap, ended_at=ago(minutes=59))

    again = Gap("j-1", everything=everything, is_first=True, attempt=2)
    assert again_of(check(), due) == again
    assert again_of(check(), early) is None, "not before an hour"


def test_a_new_gap_takes_over_what_it_left() -> None:
    record = Record(job=failed(gap=Gap("g", everything=True, is_first=True)))

    record.open_gap()

    assert record.gap is not None
    assert (record.gap.everything, record.gap.is_first) == (True, True)


@pytest.mark.parametrize("status", ["Failed", "Cancelled"])
def test_failures_of_the_rule_from_before_its_end_are_no_news(status: str) -> None:
    """After its last attempt: what S3 counted while it ran was part of what it was about."""
    last = failed(gap=Gap("g", attempt=8), status=status)
    before, after = ENDED - timedelta(minutes=5), ENDED + timedelta(minutes=5)

    def again(moment: datetime) -> Gap | None:
        made = check(counts=[(moment, 3.0)], metrics=True)
        return again_of(made, last)

    assert again(before) is None, f"a {status} job without tasks has had its attempts"
    found = again(after)
    assert found is not None, "what failed since its end has had none"
    assert found.failed_only, "only what failed is copied"
