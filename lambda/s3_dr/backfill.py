"""Existing objects: S3 Batch Replication, AWS's own engine, copies what the live rule does not.

A job is started where a gap is seen, followed at every check of the bucket, and its report is read
when it has ended. What failed is tried again, later and later, and then left to a person.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from .aws import error_code, knows, now
from .check import Check, Seen
from .outcomes import Ignored, Reason
from .record import Gap, Job, Memory, Record

_REPORTS = "reports/"
_ENDED = frozenset({"Complete", "Failed", "Cancelled"})
_STATUS = {
    "New": "preparing",
    "Preparing": "preparing",
    "Suspended": "waiting",
    "Complete": "complete",
    "Failing": "failed",
    "Failed": "failed",
    "Cancelling": "cancelled",
    "Cancelled": "cancelled",
    "Unknown": "unknown",
}

# What failed is tried again after one hour, six, and then daily for some days.
_FIRST_WAIT, _LONGEST_WAIT = timedelta(hours=1), timedelta(days=1)
_MAX_ATTEMPTS = 8
# What S3 says, and what its model says that it says.
_NO_SUCH_JOB = frozenset({"NoSuchJob", "NoSuchJobException", "NotFoundException"})
# How S3 Control refuses one more. How many jobs there may be is no fixed number, and whether S3
# refuses what is beyond it or lets it wait no document says.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateJob.html
_FULL = frozenset({"TooManyRequests", "TooManyRequestsException"})
# How long S3 may not know a job that it has made itself.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshooting-batch-operations.html
_REGISTERING = timedelta(hours=1)
# How S3 says that a job has nothing to do.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-troubleshoot.html
_NO_KEYS = "found no keys"
# How long a new rule may take to be known everywhere.
_SPREADING = timedelta(minutes=15)
# S3 writes the report when it has said that the job has ended.
_REPORT_DELAY = timedelta(hours=1)
_MAX_ROWS = 100_000

# How far back failures of the live rule are looked for: a sweep comes more often.
_FAILURES_AGE = timedelta(days=7)
_FAILURES_PERIOD = timedelta(minutes=1)


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
        _follow(check, seen, record.job)
    gap = _gap_to_close(check, seen, record)
    if gap:
        # Before the job: a check that ends here, or runs beside this one, asks for the same job.
        memory.save()
        _start(check, seen, record, gap)
    memory.save()
    check.backfill = facts(seen, record)
    _warn(check, seen, record)


def _start(check: Check, seen: Seen, record: Record, gap: Gap) -> None:
    """Make the job for a gap; where S3 takes no more jobs, the next check tries again."""
    try:
        job = _create(check, seen, gap)
    except ClientError as error:
        if error_code(error) not in _FULL:
            raise
        check.warn(
            f"JOBS_FULL: S3 takes no job for {check.source.name} now ({error_code(error)}); its "
            "existing objects wait for the next check or sweep"
        )
        return
    is_another = gap is record.gap
    # Who said yes to the first attempt has said it to the next ones.
    job.confirmed = bool(record.job and record.job.confirmed) and not is_another
    record.gap, record.job = None if is_another else record.gap, job


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
        if record.job.status not in _ENDED | {"Unknown"}:
            return True
    gap, wish = record.gap, seen.profile.existing_objects
    if wish == "replicate" and (gap or not record.rule or record.life != life):
        return True  # the rule is yet to be put, or the twin is another one
    return bool(gap and gap.wanted) or _is_to_be_repeated(record.job)


def _is_to_be_repeated(job: Job | None) -> bool:
    """Whether there is a job for the same once more, sooner or later."""
    return job is not None and (_came_to_nothing(job) or _may_try_again(job))


def facts(seen: Seen, record: Record) -> dict[str, Any]:
    """How it stands, for the result: ``status`` and what is known of the job.

    ``status`` is ``none`` (nothing to copy), ``ignored`` or ``wanted`` (a gap and no job), else
    that of the last job: ``preparing``, ``waiting`` for a person's yes, ``running``, ``complete``,
    ``failed``, ``cancelled``, or ``unknown`` where S3 has forgotten it.
    """
    job, found = record.job, {"status": "none"}
    if record.gap:
        ignored = seen.profile.existing_objects == "ignore"
        found = {"status": "ignored" if ignored else "wanted", "since": record.gap.id}
    if job is None or (record.gap and job.ended_at):
        return found
    numbers = {"total": job.total, "succeeded": job.succeeded, "failed": job.failed}
    texts = {"reasons": job.reasons, "report": job.report, "detail": job.detail}
    return {
        "status": _STATUS.get(job.status, "running"),
        "job": job.id,
        "since": job.created_at,
        **numbers,
        **{key: text for key, text in texts.items() if text},
    }


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


def _gap_to_close(check: Check, seen: Seen, record: Record) -> Gap | None:
    """The gap for which a job is due now, if there is one."""
    gap, profile = record.gap, seen.profile
    if gap and (gap.wanted or profile.existing_objects != "ignore"):
        if not _has_objects(check, seen):
            record.gap = None
        elif gap.wanted or profile.existing_objects == "replicate":
            return gap
    return _to_try_again(check, seen, record)


def _has_objects(check: Check, seen: Seen) -> bool:
    """Whether there is any version or delete marker that the rule is about."""
    prefix = seen.profile.filter.prefix
    page = check.source.read("list_object_versions", MaxKeys=1, Prefix=prefix)
    return bool(page.get("Versions") or page.get("DeleteMarkers"))


def _create(check: Check, seen: Seen, gap: Gap) -> Job:
    settings, control = check.settings, check.clients.source_control
    bucket, owner = check.source.name, settings.source_account_id
    wanted: dict[str, Any] = {"EligibleForReplication": True}
    if statuses := _statuses(gap):
        wanted["ObjectReplicationStatuses"] = statuses
    manifest = {
        "ExpectedBucketOwner": owner,
        "SourceBucket": settings.bucket_arn(bucket),
        "EnableManifestOutput": False,
        "Filter": wanted,
    }
    report: Any = {
        "Enabled": True,
        "Bucket": settings.bucket_arn(settings.reports_bucket),
        "Prefix": f"{_REPORTS}{bucket}",
        "Format": "Report_CSV_20180820",
        "ReportScope": "FailedTasksOnly",
    }
    if knows(control, "CreateJob", "Report", "ExpectedBucketOwner"):
        report["ExpectedBucketOwner"] = owner
    job: Any = {
        "AccountId": owner,
        # S3 parks a job that waits for a yes, having counted what it is about.
        "ConfirmationRequired": seen.profile.existing_objects_limit is not None,
        "Operation": {"S3ReplicateObject": {}},
        "Report": report,
        "ManifestGenerator": {"S3JobManifestGenerator": manifest},
        "Description": f"{settings.module_name}: existing objects of {bucket}",
        "Priority": 10,
        "RoleArn": settings.batch_role_arn,
    }
    if check.request.dry_run:
        check.changes.append("CreateJob")
        return Job("", gap, now())
    # One token for one gap and all that is asked for: S3 refuses a token for another request.
    words = json.dumps([check.twin.name, gap.id, gap.attempt, job], sort_keys=True)
    token = hashlib.sha256(words.encode()).hexdigest()
    response = check.budget.settle(lambda: control.create_job(ClientRequestToken=token, **job))
    check.changes.append("CreateJob")
    return Job(response["JobId"], gap, now())


def _statuses(gap: Gap) -> list[str]:
    """Which objects, by what S3 made of them so far; nothing means all of them.

    ``COMPLETED`` is said of an object, by whichever rule and to wherever it was copied. What
    another rule has put into the bucket (``REPLICA``) the live rule never copies.
    """
    if gap.everything:
        return []
    if gap.failed_only:
        return ["FAILED"]
    return ["NONE", "FAILED"] + (["REPLICA"] if gap.is_first else [])


def _follow(check: Check, seen: Seen, job: Job) -> None:
    found = _look_at(check, job)
    if found and job.status == "Suspended":
        _confirm(check, seen, job)
    elif found and job.status in _ENDED:
        _end(check, job, found)


def _look_at(check: Check, job: Job) -> Any:
    """What S3 says of a job, whose numbers are noted; None if S3 knows no such job."""
    control, owner = check.clients.source_control, check.settings.source_account_id
    try:
        found: Any = control.describe_job(AccountId=owner, JobId=job.id)["Job"]
    except ClientError as error:
        if error_code(error) not in _NO_SUCH_JOB:
            raise
        if datetime.now(UTC) - datetime.fromisoformat(job.created_at) >= _REGISTERING:
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


def _confirm(check: Check, seen: Seen, job: Job) -> None:
    limit = seen.profile.existing_objects_limit
    if not (job.confirmed or limit is None or job.total <= limit):
        return
    check.changes.append("UpdateJobStatus")
    if not check.request.dry_run:
        check.clients.source_control.update_job_status(
            AccountId=check.settings.source_account_id, JobId=job.id, RequestedJobStatus="Ready"
        )
        job.status = "Ready"


def _end(check: Check, job: Job, found: Any) -> None:
    ended = found.get("TerminationDate") or datetime.now(UTC)
    if job.failed and not _read_report(check, job) and datetime.now(UTC) - ended < _REPORT_DELAY:
        return  # it is looked for again
    job.ended_at = ended.isoformat(timespec="microseconds")


def _read_report(check: Check, job: Job) -> bool:
    """Count the reasons in the report of the failed tasks; False if it is not there yet.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-examples-reports.html
    """
    place = f"{_REPORTS}{check.source.name}/job-{job.id}/manifest.json"
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
    has_failed = job is not None and _may_try_again(job)
    if job and (not has_failed or job.status == "Unknown") and _came_early(job):
        return replace(job.gap, id=job.id, attempt=2)
    if job and has_failed:
        due = datetime.fromisoformat(job.ended_at) + _wait(job.gap.attempt)
        # What failed before S3 began with it has its old status; where nothing came through, all of
        # it may be so.
        everything = job.gap.everything and not job.succeeded
        attempt = job.gap.attempt + 1
        gap = replace(job.gap, id=job.id, attempt=attempt, everything=everything)
        return gap if due <= datetime.now(UTC) else None
    rule_id = record.left.id if record.left else ""
    if seen.profile.has_metrics and (failures := _new_failures(check, job, rule_id)):
        return Gap(failures, failed_only=True, failures=failures)
    return None


def _may_try_again(job: Job) -> bool:
    """Whether something of a job failed, and not too often."""
    # What became of an unknown one nobody can say.
    is_lost = job.status in ("Failed", "Unknown")
    has_failed = job.status != "Cancelled" and (job.failed > 0 or is_lost)
    return has_failed and job.gap.attempt < _MAX_ATTEMPTS


def _came_to_nothing(job: Job) -> bool:
    """Whether a job found nothing right after the rule was put."""
    return job.gap.after_put and job.total == 0 and job.gap.attempt == 1


def _came_early(job: Job) -> bool:
    """Whether a job that found nothing, right after the rule was put, is worth another one.

    There are objects, and S3 may not have known of the rule yet.
    """
    return _came_to_nothing(job) and (
        datetime.fromisoformat(job.created_at) + _SPREADING <= datetime.now(UTC)
    )


def _wait(attempt: int) -> timedelta:
    return min(_LONGEST_WAIT, _FIRST_WAIT * int(6 ** (attempt - 1)))


def _new_failures(check: Check, job: Job | None, rule_id: str) -> str:
    """What S3 counted of failed replications under our rule that the last job did not know of.

    Minute and number of the newest ones; empty if there are none, or no new ones.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html
    """
    end = datetime.now(UTC)
    since = end - _FAILURES_AGE
    dimensions = {
        "SourceBucket": check.source.name,
        "DestinationBucket": check.twin.name,
        "RuleId": rule_id,
    }
    metric = {
        "Namespace": "AWS/S3",
        "MetricName": "OperationsFailedReplication",
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    period = int(_FAILURES_PERIOD.total_seconds())
    query = {"Id": "failed", "MetricStat": {"Metric": metric, "Period": period, "Stat": "Sum"}}
    found = check.clients.source_cloudwatch.get_metric_data(
        MetricDataQueries=[query], StartTime=since, EndTime=end
    )["MetricDataResults"]
    counts = (
        pair for each in found for pair in zip(each["Timestamps"], each["Values"], strict=True)
    )
    moment, count = max((pair for pair in counts if pair[1] > 0), default=(since, 0))
    newest = f"{moment.astimezone(UTC).isoformat()} {count:.0f}"
    if not count or (job and newest == job.gap.failures):
        return ""
    if job and (job.failed or job.status in ("Cancelled", "Failed")):
        # Its own failures are counted too, and are no news.
        return newest if moment > datetime.fromisoformat(job.ended_at) else ""
    # A period is named by its beginning.
    created = datetime.fromisoformat(job.created_at) if job else since
    return newest if moment + _FAILURES_PERIOD > created else ""


def _warn(check: Check, seen: Seen, record: Record) -> None:
    job, gap, bucket = record.job, record.gap, check.source.name
    if gap and seen.profile.existing_objects == "report" and not gap.wanted:
        check.warn(
            f"objects of {bucket} that are older than its rule are not in the twin; have them "
            f"copied with `s3-dr backfill {bucket}`"
        )
    if job and job.status == "Suspended":
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
