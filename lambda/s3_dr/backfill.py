"""Existing objects: S3 Batch Replication, AWS's own engine, copies what the live rule does not.

A job is started where a gap is seen, followed at every check of the bucket, and its report is read
when it has ended. What failed is tried again, later and later, and then left to a person.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from . import start
from .aws import moment, now
from .check import Check, Seen
from .jobs import ENDED, LARGE, described, kind_of, mark_of, word_of
from .outcomes import Ignored, Reason
from .record import Gap, Job, Memory, Record
from .start import REPORTS

# What failed is tried again after one hour, six, and then daily for some days.
_FIRST_WAIT, _LONGEST_WAIT = timedelta(hours=1), timedelta(days=1)
_MAX_ATTEMPTS = 8
# How long S3 may not know a job that it has made itself.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshooting-batch-operations.html
_REGISTERING = timedelta(hours=1)
# How S3 says that a job has nothing to do.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-troubleshoot.html
_NO_KEYS = "found no keys"
# S3 writes the report when it has said that the job has ended.
_REPORT_DELAY = timedelta(hours=1)
_MAX_ROWS = 100_000

# How far back failures of the live rule are looked for: a sweep comes more often.
_FAILURES_AGE = timedelta(days=7)
_FAILURES_PERIOD = timedelta(minutes=1)

_PAGE = 1000  # a bucket of one page is not large
_DAY = timedelta(days=1)
_COUNTED_WITHIN = timedelta(days=3)


def keep_up(check: Check, seen: Seen, memory: Memory) -> None:
    """Start, follow or repeat the job that copies the bucket's existing objects.

    Raises:
        Ignored: a person said yes, and nothing waits for it.
        Superseded: another check is at it.
        ClientError: what S3, S3 Control or CloudWatch answers.
    """
    if not memory.is_kept:
        return
    record = memory.record
    _hear(check, record)
    if record.job and not record.job.ended_at:
        _follow(check, seen, record, record.job)
    _queue_up(check, seen, record)
    # Before the job: a check that ends here, or runs beside this one, asks for the same job.
    memory.save()
    position = start.go_on(check, seen, memory)
    memory.save()
    check.backfill = facts(seen, record, position)
    _warn(check, seen, record)


def _queue_up(check: Check, seen: Seen, record: Record) -> None:
    """Have the bucket wait for a job if there is a gap to close, else not."""
    gap, wish = record.gap, seen.profile.existing_objects
    if gap and (gap.wanted or wish != "ignore"):
        found = _look_for_objects(check, seen, gap)
        if not found:
            gap = record.gap = None
        elif gap.wanted or wish == "replicate":
            record.retry = None  # it is part of this
            _wait_from_now(check, gap)
            return
    if gap:
        gap.since = ""
    if not record.retry:
        record.retry = _to_try_again(check, seen, record)
    if record.retry:
        _wait_from_now(check, record.retry)


def _wait_from_now(check: Check, gap: Gap) -> None:
    """Have a gap wait, unless it does so already."""
    gap.since = gap.since or now()
    if gap.after_put and not gap.not_before:
        # One job then has all that was written while rule and versioning were not known everywhere.
        delay = timedelta(seconds=check.settings.first_job_delay_seconds)
        gap.not_before = (moment() + delay).isoformat(timespec="microseconds")


def is_under_way(check: Check, seen: Seen, life: str) -> bool:
    """Whether a job copies existing objects of the bucket, or one is to come, as far as is known.

    For the function that has the twin, and comes before the one that has the record.

    Args:
        check: the check.
        seen: the source.
        life: what the twin's tag says.

    Raises:
        BotoCoreError, ClientError: the record cannot be read, or S3 Control does not say.
    """
    if not check.settings.reports_bucket:
        return False  # without a place to remember there are no jobs
    memory = Memory(check)
    memory.require_read()
    record = memory.record
    if record.job and not record.job.ended_at:
        # It may have ended since.
        _look_at(check, record.job)
        if record.job.status not in ENDED | {"Unknown"}:
            return True
    gap, wish = record.gap, seen.profile.existing_objects
    if wish == "replicate" and (gap or not record.rule or record.life != life):
        return True  # the rule is yet to be put, or the twin is another one
    is_wanted = bool(record.retry or (gap and gap.wanted))
    return is_wanted or bool(record.job and _may_try_again(record.job))


def let_end(check: Check, record: Record) -> None:
    """Note what S3 makes of the job of a bucket that is not to be protected any more.

    Else the queue would go on asking what became of it.

    Raises:
        ClientError: what S3 or S3 Control answers.
    """
    job = record.job
    if job and not job.ended_at:
        found = _look_at(check, job)
        if found and _is_of_another(check, job, found):
            _disown(record, job)
        elif found and job.status in ENDED:
            _end(check, job, found)


def facts(seen: Seen, record: Record, position: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """How it stands, for the result: ``status`` and what is known of the job.

    Args:
        seen: the source.
        record: what is remembered.
        position: where the bucket stands in the queue, and how many wait; zeros if it does not.

    Returns:
        ``status`` is ``none`` (nothing to copy), ``ignored`` or ``wanted`` (a gap, and the profile
        asks for no job), ``scheduled`` (not yet, see ``not_before``), ``queued`` (for a place, at
        ``place`` of ``queue``), else that of the last job: ``preparing``, ``waiting`` for a
        person's yes, ``running``, ``paused`` by S3 for others, ``complete``, ``failed``,
        ``cancelled``, or ``unknown`` where S3 has forgotten it.
    """
    job, gap = record.job, record.waiting
    if gap and (job is None or job.ended_at):
        return {**_wait_of(gap, position), "since": gap.since}
    if record.gap and (job is None or job.ended_at):
        ignored = seen.profile.existing_objects == "ignore"
        return {"status": "ignored" if ignored else "wanted", "since": record.gap.id}
    if job is None:
        return {"status": "none"}
    texts = {"reasons": job.reasons, "report": job.report, "detail": job.detail}
    return {
        "status": word_of(job.status),
        **(_wait_of(job.gap, position) if job.since else {}),
        "job": job.id,
        "since": job.created_at,
        "total": job.total,
        "succeeded": job.succeeded,
        "failed": job.failed,
        **{key: text for key, text in texts.items() if text},
    }


def _wait_of(gap: Gap, position: tuple[int, int]) -> dict[str, Any]:
    if gap.not_before and datetime.fromisoformat(gap.not_before) > moment():
        return {"status": "scheduled", "not_before": gap.not_before, "kind": kind_of(gap)}
    place, waiting = position
    known = {"place": place, "queue": waiting} if place else {}  # not before a tick has seen it
    return {"status": "queued", **known, "kind": kind_of(gap)}


def _hear(check: Check, record: Record) -> None:
    """What a person asked for; unless it is being done, since a check may have to look again."""
    request, job, gap = check.request, record.job, record.gap
    if request.is_backfill:
        under_way = job.gap if job and not (job.ended_at or gap) else gap
        if under_way is None or not _is_answer(under_way, gap is None, request.everything):
            record.open_gap(everything=request.everything, wanted=True)
            record.renew_gap()
    if request.is_yes:
        if job is None or job.ended_at:
            raise Ignored(Reason.NOTHING_WAITS, "no job of the bucket waits for a yes")
        job.confirmed = True


def _is_answer(gap: Gap, has_job: bool, everything: bool) -> bool:
    """Whether a job for the gap is what a person asks for."""
    is_enough = not gap.failed_only and (gap.everything or not everything)
    return is_enough and (has_job or gap.wanted)


def _look_for_objects(check: Check, seen: Seen, gap: Gap) -> bool:
    """Whether there is any version or delete marker that the rule is about; and if many, noted."""
    page = check.source.read(
        "list_object_versions",
        MaxKeys=1 if gap.since else _PAGE,
        Prefix=seen.profile.filter.prefix,
    )
    if not gap.since:
        gap.is_large = page.get("IsTruncated", False) and _may_be_large(check)
    return bool(page.get("Versions") or page.get("DeleteMarkers"))


def _may_be_large(check: Check) -> bool:
    """Whether a bucket of more than one page has, or may have, a large number of objects.

    S3 counts once a day, versions and delete markers with the rest; of a new bucket nothing yet.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
    """
    end = moment()
    dimensions = {"BucketName": check.source.name, "StorageType": "AllStorageTypes"}
    counts = _values(
        check, "NumberOfObjects", dimensions, _DAY, end - _COUNTED_WITHIN, end, "Average"
    )
    return max(counts, default=(end, LARGE + 1.0))[1] > LARGE


def _follow(check: Check, seen: Seen, record: Record, job: Job) -> None:
    found = _look_at(check, job)
    if found and _is_of_another(check, job, found):
        _disown(record, job)
        return
    limit = seen.profile.existing_objects_limit
    is_allowed = job.confirmed or limit is None or job.total <= limit
    if not (job.status == "Suspended" and is_allowed):
        job.since = ""
    elif found:  # one that S3 does not know yet cannot be let go on
        job.since = job.since or now()
    if found and job.status in ENDED:
        _end(check, job, found)
        if not seen.profile.annotations:
            _leave_out_annotations(job)


def _leave_out_annotations(job: Job) -> None:
    """Count what failed for its annotations only as copied, which it is: the twin refuses those.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html
    """
    refused = {reason: number for reason, number in job.reasons.items() if "Annotation" in reason}
    job.reasons = {reason: n for reason, n in job.reasons.items() if reason not in refused}
    job.failed -= sum(refused.values())
    job.succeeded += sum(refused.values())


def _is_of_another(check: Check, job: Job, found: Any) -> bool:
    """Whether a job that we took for the bucket's is for something else."""
    mark = mark_of(check.source.name, job.gap)
    return job.place >= 0 and not found.get("Description", "").endswith(f" {mark})")


def _disown(record: Record, job: Job) -> None:
    """Have a gap wait on, for which S3 gave the id of what was in the place before.

    It might have said that the place is taken.
    """
    record.job, gap = None, replace(job.gap, since=job.gap.since or now())
    if gap.attempt > 1 or gap.failed_only:
        record.retry = gap
    else:
        record.gap = record.gap or gap  # which is about the same, and more


def _look_at(check: Check, job: Job) -> Any:
    """What S3 says of a job, whose numbers are noted; None if S3 knows no such job."""
    control, owner = check.clients.source_control, check.settings.source_account_id
    found = described(control, owner, job.id)
    if found is None:
        if moment() - datetime.fromisoformat(job.created_at) >= _REGISTERING:
            # S3 forgets a job 90 days after its end.
            job.status, job.ended_at, job.detail = "Unknown", now(), "S3 knows this job no more"
        return None
    job.status = found["Status"]
    progress = found.get("ProgressSummary") or {}
    job.total = progress.get("TotalNumberOfTasks") or 0
    job.succeeded = progress.get("NumberOfTasksSucceeded") or 0
    job.failed = progress.get("NumberOfTasksFailed") or 0
    failures = found.get("FailureReasons") or []
    job.detail = "; ".join(
        f"{each.get('FailureCode', '')}: {each.get('FailureReason', '')}" for each in failures
    )
    if job.status == "Failed" and _NO_KEYS in job.detail:
        job.status, job.detail = "Complete", ""
    return found


def _end(check: Check, job: Job, found: Any) -> None:
    ended = found.get("TerminationDate") or moment()
    if job.failed and not _read_report(check, job) and moment() - ended < _REPORT_DELAY:
        return  # it is looked for again
    job.ended_at = ended.isoformat(timespec="microseconds")


def _read_report(check: Check, job: Job) -> bool:
    """Count the reasons in the report of the failed tasks; False if it is not there yet.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-examples-reports.html
    """
    place = f"{REPORTS}{check.source.name}/job-{job.id}/manifest.json"
    body = _object(check, place)
    if body is None:
        return False
    counts: Counter[str] = Counter()
    for part in json.loads(body.read())["Results"]:
        if part["TaskExecutionStatus"] == "failed":
            counts.update(_reasons(_object(check, part["Key"])))
    job.reasons = dict(counts.most_common())
    job.report = f"s3://{check.settings.reports_bucket}/{place}"
    return True


def _reasons(body: Any) -> Iterator[str]:
    """The failure reason of each row.

    A row is Bucket, Key, VersionId, TaskStatus, then the HTTP status and S3's failure reason, of
    which the documentation's schema and its examples say in different order which comes first.
    """
    if body is None:
        return
    rows = csv.reader(line.decode() for line in body.iter_lines())
    for number, row in enumerate(rows):
        if number == _MAX_ROWS:
            return
        yield next((text for text in row[4:6] if text and not text.isdigit()), "Unknown")


def _object(check: Check, key: str) -> Any:
    response = check.reports_bucket.read(key)
    return response and response["Body"]


def _to_try_again(check: Check, seen: Seen, record: Record) -> Gap | None:
    """A gap for what failed, unless it is too early or has failed too often.

    Its id is made of what it follows, so that two checks that come to it make one job.
    """
    job = record.job
    if job and not job.ended_at:
        return None
    if job and _may_try_again(job):
        due = datetime.fromisoformat(job.ended_at) + _wait(job.gap.attempt)
        # What failed before S3 began with it has its old status; where nothing came through, all of
        # it may be so.
        gap = Gap(
            job.id,
            everything=job.gap.everything and not job.succeeded,
            failed_only=job.gap.failed_only,
            is_first=job.gap.is_first,
            wanted=job.gap.wanted,
            attempt=job.gap.attempt + 1,
            failures=job.gap.failures,
            is_large=job.total - job.succeeded > LARGE,
        )
        return gap if due <= moment() else None
    rule_id = record.left.id if record.left else ""
    if seen.profile.has_metrics:
        failures, number = _new_failures(check, job, rule_id)
        if failures:
            return Gap(failures, failed_only=True, failures=failures, is_large=number > LARGE)
    return None


def _may_try_again(job: Job) -> bool:
    """Whether something of a job failed, and not too often."""
    # What became of an unknown one nobody can say.
    is_lost = job.status in ("Failed", "Unknown")
    has_failed = job.status != "Cancelled" and (job.failed > 0 or is_lost)
    return has_failed and job.gap.attempt < _MAX_ATTEMPTS


def _wait(attempt: int) -> timedelta:
    return min(_LONGEST_WAIT, _FIRST_WAIT * int(6 ** (attempt - 1)))


def _new_failures(check: Check, job: Job | None, rule_id: str) -> tuple[str, float]:
    """What S3 counted of failed replications under our rule that the last job did not know of.

    Minute and number of the newest ones, empty if there are none, or no new ones; and how many
    there were in all, of late.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html
    """
    end = moment()
    since = end - _FAILURES_AGE
    dimensions = {
        "SourceBucket": check.source.name,
        "DestinationBucket": check.twin.name,
        "RuleId": rule_id,
    }
    pairs = _values(check, "OperationsFailedReplication", dimensions, _FAILURES_PERIOD, since, end)
    counts = [pair for pair in pairs if pair[1] > 0]
    minute, count = max(counts, default=(since, 0))
    newest = f"{minute.astimezone(UTC).isoformat()} {count:.0f}"
    if not count or (job and newest == job.gap.failures):
        is_new = False
    elif job and (job.failed or job.status in ("Cancelled", "Failed")):
        # Its own failures are counted too, and are no news.
        is_new = minute > datetime.fromisoformat(job.ended_at)
    else:
        # A period is named by its beginning.
        created = datetime.fromisoformat(job.created_at) if job else since
        is_new = minute + _FAILURES_PERIOD > created
    return (newest if is_new else ""), sum(number for _, number in counts)


def _values(
    check: Check,
    metric: str,
    dimensions: Mapping[str, str],
    period: timedelta,
    since: datetime,
    end: datetime,
    stat: str = "Sum",
) -> list[tuple[datetime, float]]:
    """What CloudWatch has of one of S3's metrics: each moment and its value."""
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    asked = {
        "Metric": {"Namespace": "AWS/S3", "MetricName": metric, "Dimensions": named},
        "Period": int(period.total_seconds()),
        "Stat": stat,
    }
    found = check.clients.source_cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": asked}], StartTime=since, EndTime=end
    )["MetricDataResults"]
    return [pair for each in found for pair in zip(each["Timestamps"], each["Values"], strict=True)]


def _warn(check: Check, seen: Seen, record: Record) -> None:
    job, gap, bucket = record.job, record.gap, check.source.name
    if gap and seen.profile.existing_objects == "report" and not gap.wanted:
        check.warn(
            f"objects of {bucket} that are older than its rule are not in the twin; have them "
            f"copied with `s3-dr backfill {bucket}`"
        )
    if job and job.status == "Suspended" and not job.since:
        check.warn(
            f"a job with {job.total} existing objects of {bucket} waits, since the profile wants "
            f"a yes above {seen.profile.existing_objects_limit}: say it with `s3-dr "
            f"backfill --confirm {bucket}`"
        )
    if job and job.ended_at and job.failed:
        reasons = ", ".join(f"{number} {reason}" for reason, number in job.reasons.items())
        check.warn(f"{job.failed} objects of {bucket} were not copied: {reasons or 'no report'}")
    if job and job.status == "Unknown":
        check.warn(f"{job.detail}: the job {job.id} that copied existing objects of {bucket}")
    if job and job.status == "Failed":
        check.warn(f"the job that copies existing objects of {bucket} failed: {job.detail}")
