"""Existing objects: what is told of a job, which objects it is about, and when there is another."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from urllib3 import HTTPResponse

from functional.living import ago
from functional.payload import checked, profiles, seen
from s3_dr import backfill
from s3_dr.backfill import facts
from s3_dr.check import Check
from s3_dr.record import Gap, Job, Record
from unit.jobs_world import Control, Objects

STATUSES = {
    "New": "preparing",
    "Preparing": "preparing",
    "Suspended": "waiting",
    "Ready": "running",
    "Active": "running",
    "Pausing": "paused",
    "Paused": "paused",
    "Completing": "running",
    "Complete": "complete",
    "Failing": "failed",
    "Failed": "failed",
    "Cancelling": "cancelled",
    "Cancelled": "cancelled",
    "Unknown": "unknown",
}


def check(clients: object = None, **fields: Any) -> Check:
    return checked(clients, "orders", REPORTS_BUCKET="reports", PROFILES=profiles(**fields))


def job(**changes: Any) -> Job:
    return Job(**{"id": "j-1", "gap": Gap("g"), "created_at": "t", **changes})


# --- what is told ------------------------------------------------------------


@pytest.mark.parametrize(("status", "told"), STATUSES.items())
def test_each_status_of_s3_has_its_word(status: str, told: str) -> None:
    assert facts(seen(check()), Record(job=job(status=status)))["status"] == told


def test_nothing_to_copy_is_none() -> None:
    assert facts(seen(check()), Record()) == {"status": "none"}


@pytest.mark.parametrize(
    ("wish", "told"), [("replicate", "wanted"), ("report", "wanted"), ("ignore", "ignored")]
)
def test_an_open_gap_is_told_with_its_time(wish: str, told: str) -> None:
    record = Record(gap=Gap("2026-03-02T09:03:08+00:00"))

    assert facts(seen(check(existing_objects=wish)), record) == {
        "status": told,
        "since": "2026-03-02T09:03:08+00:00",
    }


def test_a_gap_after_a_job_counts_and_a_job_that_runs_counts_more() -> None:
    ended = Record(gap=Gap("g"), job=job(status="Complete", ended_at="t"))
    running = Record(gap=Gap("g"), job=job(status="Active"))

    assert facts(seen(check()), ended)["status"] == "wanted"
    assert facts(seen(check()), running)["status"] == "running"


WAITS = Gap("g", since="2026-03-02T09:03:08+00:00", is_first=True)


def test_who_waits_is_told_with_its_place() -> None:
    queued = {"status": "queued", "place": 3, "queue": 9, "kind": "first", "since": WAITS.since}

    assert facts(seen(check()), Record(gap=WAITS), (3, 9)) == queued
    due = replace(WAITS, not_before=ago(seconds=1))
    assert facts(seen(check()), Record(gap=due), (3, 9)) == queued
    retry = replace(WAITS, attempt=2)
    record = Record(retry=retry, job=job(status="Failed", ended_at="t"))
    assert facts(seen(check()), record, (3, 9)) == {**queued, "kind": "failed"}


def test_who_waits_for_its_time_is_told_so() -> None:
    later = ago(minutes=-1)

    assert facts(seen(check()), Record(gap=replace(WAITS, not_before=later))) == {
        "status": "scheduled",
        "not_before": later,
        "kind": "first",
        "since": WAITS.since,
    }


def test_a_counted_job_that_waits_for_its_place_is_told_with_both() -> None:
    found = facts(seen(check()), Record(job=job(status="Suspended", total=7, since="s")), (1, 2))

    assert (found["status"], found["place"], found["queue"]) == ("queued", 1, 2)
    assert (found["job"], found["total"]) == ("j-1", 7)


def test_numbers_are_always_told_and_texts_where_there_are_any() -> None:
    plain = facts(seen(check()), Record(job=job(status="Complete", total=3, succeeded=3)))
    full = job(total=3, succeeded=1, failed=2, reasons={"X": 2}, report="s3://r", detail="d")

    assert plain == {
        "status": "complete",
        "job": "j-1",
        "since": "t",
        "total": 3,
        "succeeded": 3,
        "failed": 0,
    }
    found = facts(seen(check()), Record(job=full))
    assert (found["reasons"], found["report"], found["detail"]) == ({"X": 2}, "s3://r", "d")


# --- when again --------------------------------------------------------------


@pytest.mark.parametrize(("attempt", "hours"), [(1, 1), (2, 6), (3, 24), (4, 24), (8, 24)])
def test_each_wait_is_longer_up_to_a_day(attempt: int, hours: int) -> None:
    assert backfill._wait(attempt) == timedelta(hours=hours)


def again(last: Job, **fields: Any) -> Gap | None:
    record = Record(job=last)
    made = check(**fields)
    found = backfill._to_try_again(made, seen(made), record)
    assert (record.gap, record.job) == (None, last), "nothing of it is remembered"
    return found


def test_a_job_that_runs_or_was_cancelled_or_is_done_is_not_repeated() -> None:
    assert again(job(status="Active", failed=1)) is None
    assert again(job(status="Cancelled", failed=1, ended_at=ago(days=9))) is None
    assert again(job(status="Complete", total=2, ended_at=ago(days=9))) is None


@pytest.mark.parametrize("wanted", [True, False])
def test_a_failed_job_is_repeated_as_it_was(wanted: bool) -> None:
    gap = Gap("g", everything=True, is_first=True, wanted=wanted, attempt=3)

    found = again(job(status="Failed", gap=gap, ended_at=ago(hours=25)))

    assert found == Gap("j-1", everything=True, is_first=True, wanted=wanted, attempt=4)


@pytest.mark.parametrize("status", ["Complete", "Failed"])
@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize(("succeeded", "everything"), [(0, True), (1, False)])
def test_everything_is_repeated_only_where_nothing_came_through(
    status: str, wanted: bool, succeeded: int, everything: bool
) -> None:
    gap = Gap("g", everything=True, is_first=True, after_put=True, wanted=wanted)
    last = job(status=status, succeeded=succeeded, failed=2, gap=gap, ended_at=ago(hours=2))

    assert again(last) == Gap("j-1", everything=everything, is_first=True, wanted=wanted, attempt=2)


@pytest.mark.parametrize("gap", [Gap("g"), Gap("g", failed_only=True, failures="f")], ids=str)
def test_a_job_with_failed_tasks_is_repeated_with_the_same_gap(gap: Gap) -> None:
    """What failed before S3 began with it is not ``FAILED``, but as it was."""
    found = again(job(status="Complete", succeeded=1, failed=2, gap=gap, ended_at=ago(hours=2)))

    assert found == replace(gap, id="j-1", attempt=2)


@pytest.mark.parametrize(("attempt", "is_tried"), [(7, True), (8, False), (9, False)])
def test_there_are_eight_jobs_for_a_gap(attempt: int, is_tried: bool) -> None:
    last = job(status="Failed", gap=Gap("g", attempt=attempt), ended_at=ago(days=30))

    assert (again(last) is not None) is is_tried


@pytest.mark.parametrize("is_first", [True, False])
def test_a_job_that_found_nothing_is_not_repeated(is_first: bool) -> None:
    """It waited until the rule was known everywhere."""
    gap = Gap("g", is_first=is_first, after_put=True)

    assert again(job(status="Complete", total=0, gap=gap, ended_at=ago(hours=2))) is None


@pytest.mark.parametrize(("left", "is_large"), [(1_000_000, False), (1_000_001, True)])
def test_a_repeated_job_is_as_large_as_what_is_left(left: int, is_large: bool) -> None:
    last = job(status="Complete", total=left + 5, succeeded=5, failed=left, ended_at=ago(hours=2))

    found = again(last)

    assert found and found.is_large is is_large


# --- who waits ---------------------------------------------------------------


def queued(record: Record, counts: Any = (), is_full: bool = False, **fields: Any) -> Check:
    """What a record's bucket, which has objects, waits for; it has more than a page, or not."""

    def list_object_versions(**asked: Any) -> Any:
        made.asked = asked["MaxKeys"]
        return {"Versions": [{}], "IsTruncated": is_full}

    clients = SimpleNamespace(
        source_s3=SimpleNamespace(list_object_versions=list_object_versions),
        source_cloudwatch=CloudWatch(*counts),
        dr_s3=None,
    )
    made: Any = checked(
        clients,
        "orders",
        FIRST_JOB_DELAY_SECONDS="900",
        REPORTS_BUCKET="reports",
        PROFILES=profiles(**fields),
    )
    backfill._queue_up(made, seen(made), record)
    found: Check = made
    return found


def test_an_open_gap_that_waits_for_a_person_is_not_replaced() -> None:
    gap = Gap("open", since=ago(hours=1))
    record = Record(gap=gap, job=job(status="Failed", ended_at=ago(days=9)))

    queued(record, existing_objects="report")

    assert record.retry and record.waiting is record.retry
    assert replace(record.retry, since="") == Gap("j-1", attempt=2), "it is tried again beside it"
    assert record.gap is gap and not gap.since


def test_what_failed_waits_no_more_when_all_of_the_bucket_does() -> None:
    record = Record(gap=Gap("open"), retry=Gap("j-1", attempt=2, since=ago(hours=1)))

    queued(record)

    assert record.retry is None and record.waiting is record.gap


def test_a_bucket_waits_from_when_it_began_to() -> None:
    record = Record(gap=Gap("g"))

    queued(record)
    since = record.gap and record.gap.since
    queued(record)

    assert since and record.gap and record.gap.since == since
    assert not record.gap.not_before, "its rule is not new"


def test_after_a_put_the_job_is_not_before_a_quarter_of_an_hour() -> None:
    record = Record(gap=Gap("g", after_put=True))

    queued(record)
    first = record.gap and record.gap.not_before
    queued(record)

    assert first and record.gap and record.gap.not_before == first, "no check puts it off"
    delay = datetime.fromisoformat(first) - datetime.fromisoformat(record.gap.since)
    assert abs(delay - timedelta(minutes=15)) < timedelta(seconds=5)


COUNTED = datetime.now(UTC) - timedelta(days=1)


@pytest.mark.parametrize(
    ("is_full", "counts", "is_large"),
    [
        (False, [(COUNTED, 9e9)], False),  # one page has all of it
        (True, [], True),  # nobody knows: S3 counts once a day
        (True, [(COUNTED, 1_000_000.0)], False),
        (True, [(COUNTED, 1_000_001.0)], True),
        (True, [(COUNTED - timedelta(days=1), 5e6), (COUNTED, 7.0)], False),  # the last one counts
    ],
)
def test_what_may_have_more_than_a_million_objects_is_large(
    is_full: bool, counts: list[tuple[datetime, float]], is_large: bool
) -> None:
    record = Record(gap=Gap("g"))

    made = queued(record, counts, is_full)

    assert record.gap and record.gap.is_large is is_large
    assert made.asked == 1000  # type: ignore[attr-defined]
    made = queued(record, [], is_full)
    assert record.gap.is_large is is_large, "that is asked once"
    assert made.asked == 1  # type: ignore[attr-defined]


# --- the metric --------------------------------------------------------------


class CloudWatch:
    """Sums by period."""

    def __init__(self, *points: tuple[datetime, float]) -> None:
        self.points = points
        self.asked: list[dict[str, Any]] = [{}]

    def get_metric_data(self, **asked: Any) -> Any:
        self.asked.append(asked)
        times, values = [p[0] for p in self.points], [p[1] for p in self.points]
        return {"MetricDataResults": [{"Timestamps": times, "Values": values}]}


def counted(last: Job | None, *points: tuple[datetime, float]) -> bool:
    clients = SimpleNamespace(source_cloudwatch=CloudWatch(*points), source_s3=None, dr_s3=None)
    return bool(backfill._new_failures(check(clients), last, "s3-dr")[0])


def test_only_a_failure_since_the_last_job_counts() -> None:
    moment = datetime.now(UTC)
    old, late = moment - timedelta(hours=5), moment - timedelta(hours=2)
    made = job(created_at=(moment - timedelta(hours=3)).isoformat())

    assert not counted(None)
    assert not counted(None, (late, 0.0))
    assert counted(None, (old, 1.0))
    assert not counted(made, (old, 1.0))
    assert counted(made, (old, 1.0), (late, 2.0))
    assert not counted(made, (old, 1.0), (late, 0.0))


@pytest.mark.parametrize(
    "ending",
    [
        {"status": "Complete", "failed": 1},
        {"status": "Failed"},
        {"status": "Cancelled"},
    ],
    ids=str,
)
def test_only_a_failure_since_a_job_with_failures_ended_counts(ending: dict[str, Any]) -> None:
    """The job's own are counted by the same metric."""
    moment = datetime.now(UTC)
    last = job(
        gap=Gap("g", attempt=8),
        created_at=(moment - timedelta(hours=5)).isoformat(),
        ended_at=(moment - timedelta(hours=3)).isoformat(),
        **ending,
    )

    assert not counted(last, (moment - timedelta(hours=4), 1.0)), "while it ran"
    assert counted(last, (moment - timedelta(hours=2), 1.0))


def test_failures_that_the_last_job_was_made_for_are_no_news() -> None:
    moment = datetime.now(UTC).replace(second=0, microsecond=0)
    before = moment - timedelta(minutes=9)
    clients = SimpleNamespace(
        source_cloudwatch=CloudWatch((before, 3.0), (moment, 2.0)), source_s3=None, dr_s3=None
    )
    failures, number = backfill._new_failures(check(clients), None, "s3-dr")
    assert number == 5.0
    made = job(gap=Gap("g", failed_only=True, failures=failures), created_at=moment.isoformat())

    assert not counted(made, (before, 3.0), (moment, 2.0)), "the very same"
    assert counted(made, (before, 3.0), (moment, 4.0)), "more of the same minute"
    assert counted(made, (moment, 2.0), (moment + timedelta(minutes=1), 2.0)), "a later minute"


def test_seven_days_are_looked_at_in_minutes() -> None:
    clients = SimpleNamespace(source_cloudwatch=CloudWatch(), source_s3=None, dr_s3=None)
    backfill._new_failures(check(clients), None, "s3-dr")

    asked = clients.source_cloudwatch.asked[-1]
    assert asked["EndTime"] - asked["StartTime"] == timedelta(days=7)
    [query] = asked["MetricDataQueries"]
    assert (query["MetricStat"]["Period"], query["MetricStat"]["Stat"]) == (60, "Sum")


# --- the report --------------------------------------------------------------


def body(*rows: list[str]) -> StreamingBody:
    """A part of a report as boto3 gives it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    data = text.getvalue().encode()
    raw = HTTPResponse(body=io.BytesIO(data), preload_content=False)
    return StreamingBody(raw, len(data))  # type: ignore[arg-type]  # which boto3 gives it too


def row(*ending: str, key: str = "a%2Cb%0Ac") -> list[str]:
    return ["orders", key, "v-1", "failed", *ending]


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (("500", "SrcObjectNotEligible", "Object is not eligible"), "SrcObjectNotEligible"),
        (("SrcObjectNotEligible", "500", "Object is not eligible"), "SrcObjectNotEligible"),
        (("404", "", "what"), "Unknown"),
        (("", "", ""), "Unknown"),
        ((), "Unknown"),
    ],
)
def test_the_reason_stands_in_either_column(ending: tuple[str, ...], reason: str) -> None:
    assert list(backfill._reasons(body(row(*ending), row(*ending)))) == [reason] * 2


def test_a_huge_report_is_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_MAX_ROWS", 5)

    assert len(list(backfill._reasons(body(*[row("500", "X")] * 9)))) == 5


def test_a_part_that_is_not_there_has_no_reasons() -> None:
    assert list(backfill._reasons(None)) == []


def test_a_report_that_is_not_there_is_no_error_and_a_denied_one_is() -> None:
    def reading(code: str) -> Any:
        def get_object(**_: Any) -> Any:
            raise ClientError({"Error": {"Code": code}}, "GetObject")

        return check(SimpleNamespace(source_s3=SimpleNamespace(get_object=get_object), dr_s3=None))

    assert backfill._read_report(reading("NoSuchKey"), job()) is False
    with pytest.raises(ClientError, match="AccessDenied"):
        backfill._read_report(reading("AccessDenied"), job())


def test_the_report_is_looked_for_where_s3_writes_it() -> None:
    asked: list[dict[str, Any]] = []

    def get_object(**wanted: Any) -> Any:
        asked.append(wanted)
        text = json.dumps({"Results": []}).encode()
        return {"Body": io.BytesIO(text)}

    made = check(SimpleNamespace(source_s3=SimpleNamespace(get_object=get_object), dr_s3=None))
    found = job()

    assert backfill._read_report(made, found)
    [wanted] = asked
    assert wanted["Key"] == "reports/orders/job-j-1/manifest.json"
    assert wanted["ExpectedBucketOwner"] == "111122223333"
    assert found.report == "s3://reports/reports/orders/job-j-1/manifest.json"


# --- what a person hears -----------------------------------------------------


def warned(record: Record, **fields: Any) -> list[str]:
    made = check(**fields)
    backfill._warn(made, seen(made), record)
    return made.warnings


def test_a_bucket_in_step_has_nothing_to_say() -> None:
    done = job(status="Complete", ended_at="t", total=1, succeeded=1)

    assert warned(Record()) == warned(Record(job=done)) == []
    assert warned(Record(gap=Gap("g")), existing_objects="ignore") == []
    assert warned(Record(gap=Gap("g", wanted=True)), existing_objects="report") == []


def test_each_warning_says_what_to_do_or_why() -> None:
    [left] = warned(Record(gap=Gap("g")), existing_objects="report")
    [waits] = warned(Record(job=job(status="Suspended", total=9)), existing_objects_limit=5)
    ended = {"status": "Complete", "ended_at": "t", "failed": 3}
    [failed] = warned(Record(job=job(**ended, reasons={"A": 2, "B": 1})))
    [silent] = warned(Record(job=job(**ended)))
    [broken] = warned(Record(job=job(status="Failed", detail="X: why")))

    assert "s3-dr backfill orders" in left
    assert "9 existing objects" in waits and "above 5" in waits
    assert "s3-dr backfill --confirm orders" in waits
    assert failed == "3 objects of orders were not copied: 2 A, 1 B"
    assert silent.endswith("no report")
    assert broken.endswith("failed: X: why")


# --- what S3 does to a job by itself -----------------------------------------


class Jobs(Control):
    """S3 Control, with what it says of a job."""

    def __init__(self, **found: Any) -> None:
        super().__init__()
        self.found: dict[str, Any] | str = found

    def describe_job(self, **_: Any) -> Any:
        """What it says, or the error that it answers with."""
        if isinstance(self.found, str):
            raise ClientError({"Error": {"Code": self.found}}, "DescribeJob")
        return {"Job": self.found}


class Kept:
    """A memory that is nowhere."""

    is_kept = True

    def __init__(self, record: Record) -> None:
        self.record = record

    def save(self) -> None:
        """Everything is here already."""


def followed(control: Jobs, last: Job, **fields: Any) -> tuple[Check, Record]:
    """A check that follows a job, and what is remembered afterwards."""
    clients = SimpleNamespace(source_control=control, source_s3=Objects(), dr_s3=None)
    made = check(clients, **fields)
    memory: Any = Kept(Record(profile="standard", rule="r", job=last))
    backfill.keep_up(made, seen(made), memory)
    return made, memory.record


@pytest.mark.parametrize("code", ["NoSuchJob", "NoSuchJobException", "NotFoundException"])
@pytest.mark.parametrize("status", ["New", "Suspended"])
def test_a_young_job_that_s3_does_not_know_is_not_known_yet(code: str, status: str) -> None:
    control = Jobs()
    control.found = code

    made, record = followed(control, job(status=status, created_at=ago(minutes=50)))

    assert record.job == job(status=status, created_at=record.job.created_at)  # type: ignore[union-attr]
    assert made.backfill["status"] == STATUSES[status], "as it was seen last"
    assert control.asked == [], "no second job, and it is not let go on"

    made, record = followed(control, job(status=status, created_at=ago(minutes=70)))

    assert made.backfill["status"] == "unknown"
    assert record.job and record.job.ended_at


def test_a_job_that_waited_too_long_for_a_yes_is_made_again_and_waits_again() -> None:
    """S3 fails what was suspended for 30 days."""
    ended = datetime.now(UTC) - timedelta(hours=2)
    expired = Jobs(
        Status="Failed",
        ProgressSummary={"TotalNumberOfTasks": 7},
        TerminationDate=ended,
        FailureReasons=[{"FailureCode": "JobExpired", "FailureReason": "not confirmed in time"}],
    )
    gap = Gap("g", everything=True, is_first=True)
    waiting = job(status="Suspended", gap=gap, total=7, created_at=ago(days=31))

    made, record = followed(expired, waiting, existing_objects_limit=5)

    [asked] = expired.calls("create_job")
    assert asked["ConfirmationRequired"] is True
    assert "ObjectReplicationStatuses" not in asked["ManifestGenerator"]["S3JobManifestGenerator"]
    again = record.job and replace(record.job.gap, since="")
    assert record.job and again == replace(gap, id="j-1", attempt=2)
    assert not record.job.confirmed, "nobody said yes"
    assert made.changes == ["CreateJob"]

    said = asked["Description"]
    suspended = {"Status": "Suspended", "Description": said}
    parked = Jobs(**suspended, ProgressSummary={"TotalNumberOfTasks": 7})
    made, record = followed(parked, record.job, existing_objects_limit=5)
    assert (made.backfill["status"], made.changes) == ("waiting", [])


@pytest.mark.parametrize(("place", "is_another"), [(2, True), (-1, False)])
def test_a_job_that_is_for_something_else_is_not_waited_for(place: int, is_another: bool) -> None:
    """S3 answered with the job before; one from before there were places says nothing of it."""
    said = "other: existing objects of theirs (place 2, 00000000)"
    gap = Gap("g", everything=True, is_first=True)

    made, record = followed(
        Jobs(Status="Active", Description=said),
        job(status="New", gap=gap, place=place, created_at=ago(minutes=5)),
    )

    assert made.changes == (["CreateJob"] if is_another else [])
    assert record.job and replace(record.job.gap, since="") == gap
    assert (record.job.id != "j-1", record.retry) == (is_another, None)


# --- whether one is under way ------------------------------------------------


def told(
    record: Record | bytes | None, status: str = "Active", failed: int = 0, /, **variables: str
) -> bool:
    """What the function that has the twin sees of the record, and of a job that had not ended."""
    body = record.to_json().encode() if isinstance(record, Record) else record

    def get_object(**asked: Any) -> Any:
        assert asked["Key"] == "state/orders.json"
        if body is None:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(body), "ETag": "e"}

    summary = {"TotalNumberOfTasks": 2, "NumberOfTasksFailed": failed}
    control = Jobs(Status=status, ProgressSummary=summary)
    control.found = status if status.startswith("NoSuch") else control.found
    clients = SimpleNamespace(
        source_s3=SimpleNamespace(get_object=get_object), source_control=control, dr_s3=None
    )
    made = checked(clients, "orders", **{"REPORTS_BUCKET": "reports", **variables})
    return backfill.is_under_way(made, seen(made), "1")


def since(**changes: Any) -> Job:
    return job(**{"created_at": ago(days=9), **changes})


def ended(**changes: Any) -> Job:
    return since(**{"status": "Complete", "total": 2, "ended_at": ago(days=9), **changes})


DONE = Record(profile="standard", rule="r", life="1", job=ended())


@pytest.mark.parametrize(
    ("record", "is_under_way"),
    [
        (None, True),
        (b"no record", True),
        (DONE, False),
        (replace(DONE, job=None), False),
        (replace(DONE, gap=Gap("g")), True),
        (replace(DONE, life="0"), True),
        (replace(DONE, rule=""), True),
        (replace(DONE, module="theirs"), True),  # nothing of it is ours
        (replace(DONE, job=ended(failed=1)), True),
        (replace(DONE, job=ended(status="Failed")), True),
        (replace(DONE, job=ended(status="Failed", gap=Gap("g", attempt=8))), False),
        (replace(DONE, job=ended(status="Cancelled", failed=1)), False),
        (replace(DONE, job=ended(status="Unknown")), True),
        (replace(DONE, job=ended(total=0, gap=Gap("g", after_put=True))), False),
        (replace(DONE, retry=Gap("j-1")), True),
    ],
)
def test_whether_existing_objects_are_on_their_way(
    record: Record | bytes | None, is_under_way: bool
) -> None:
    assert told(record) is is_under_way
    assert told(record, REPORTS_BUCKET="") is False, "without a memory there are no jobs"


@pytest.mark.parametrize(
    ("status", "failed", "is_under_way"),
    [
        ("Suspended", 0, True),
        ("Active", 0, True),
        ("Failing", 0, True),
        ("Complete", 0, False),
        ("Complete", 1, True),  # what failed is to be repeated
        ("Failed", 0, True),
        ("Cancelled", 1, False),
        ("NoSuchJob", 0, True),  # nobody knows what became of it
    ],
)
def test_a_job_that_has_ended_since_is_under_way_no_more(
    status: str, failed: int, is_under_way: bool
) -> None:
    """The function that writes the record comes later."""
    assert told(replace(DONE, job=since()), status, failed) is is_under_way


def test_a_job_that_s3_does_not_know_yet_is_under_way() -> None:
    assert told(replace(DONE, job=since(created_at=ago(minutes=1))), "NoSuchJob") is True


@pytest.mark.parametrize("wish", ["report", "ignore"])
def test_nothing_is_on_its_way_that_nobody_wants(wish: str) -> None:
    waits_for_nobody = {"PROFILES": profiles(existing_objects=wish)}
    for record in (None, replace(DONE, gap=Gap("g")), replace(DONE, life="0")):
        assert told(record, **waits_for_nobody) is False
    for record in (replace(DONE, gap=Gap("g", wanted=True)), replace(DONE, job=since())):
        assert told(record, **waits_for_nobody) is True, "a person asked for it"


def test_a_record_that_cannot_be_read_is_no_answer() -> None:
    def get_object(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")

    clients = SimpleNamespace(source_s3=SimpleNamespace(get_object=get_object), dr_s3=None)
    made = check(clients)

    with pytest.raises(ClientError, match="AccessDenied"):
        backfill.is_under_way(made, seen(made), "1")
