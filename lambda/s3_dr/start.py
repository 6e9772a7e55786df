"""A bucket's job: made, or let go on, when there is a place for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from .aws import error_code, knows, moment, now
from .check import Check, Seen
from .jobs import described, description_of, last_in, listed, mark_of, priority_of, token_of
from .queue import Entry, Places, Queue
from .record import Gap, Job, Memory, Record

REPORTS = "reports/"

# How S3 Control refuses one more. How many jobs there may be is no fixed number, and whether S3
# refuses what is beyond it or lets it wait no document says.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateJob.html
_FULL = frozenset({"TooManyRequests", "TooManyRequestsException"})
# A turn that is taken later may be over, and its place given away.
_LATE = timedelta(minutes=1)
# The token was used for another job: somebody else took the place a moment before.
_TAKEN = "IdempotencyException"
# Another check of the bucket let the job go on, or a person did.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_UpdateJobStatus.html
_NOT_PARKED = "JobStatusException"


def go_on(check: Check, seen: Seen, memory: Memory) -> tuple[int, int]:
    """Make the job, or let it go on, if it is the bucket's turn; else see to it that one comes.

    Returns:
        Where the bucket stands in the queue, and how many wait; zeros if it does not wait there.

    Raises:
        Superseded: another check of the bucket is at it.
        BotoCoreError, ClientError: what AWS answers.
    """
    record, settings, bucket = memory.record, check.settings, check.source.name
    gap = record.waiting
    if gap and gap.begun and _find(check, seen, record, gap):
        return 0, 0
    entry = Entry.of(bucket, record)
    if entry is None:
        return 0, 0
    places = _places(check)
    at = moment()
    if check.request.dry_run:
        return Queue.read(check.reports_bucket).position(bucket, at)
    place, queue = places.take(entry, at)
    if place is not None:
        if entry.job:
            _let_go_on(check, memory, place)
        else:
            _begin(check, seen, memory, place, queue.last.get(place, ""), at)
    waits = Entry.of(bucket, record) is not None
    # One that S3 counts first is to be looked after, too.
    is_counted = place is not None and not entry.job and _parks(seen)
    is_ticking = queue.is_ticking
    if (waits or is_counted) and settings.jobs_rule and not is_ticking:
        is_ticking = _start_ticking(check)
    # Who is not due has no place yet: of hundreds that are tagged at once a tick finds out.
    is_new = waits and entry.is_due(at) and bucket not in queue.entries
    if is_ticking != queue.is_ticking or is_new:
        queue = places.note_waiting(entry if waits else None, is_ticking=is_ticking)
    return queue.position(bucket, at) if waits else (0, 0)


def give_up(check: Check) -> None:
    """Leave a place to others, if it is the bucket's turn."""
    if check.settings.reports_bucket and not check.request.dry_run:
        _places(check).give_up(check.source.name)


def _start_ticking(check: Check) -> bool:
    """Switch the schedule on; whether it is there."""
    rule = check.settings.jobs_rule
    try:
        check.clients.source_events.enable_rule(Name=rule)
    except ClientError as error:
        # While Terraform makes it or, at a destroy, has taken it away.
        if error_code(error) != "ResourceNotFoundException":
            raise
        check.warn(
            f"NO_SCHEDULE: there is no rule {rule}, so the existing objects of {check.source.name} "
            "wait for the next sweep"
        )
        return False
    return True


def _places(check: Check) -> Places:
    settings = check.settings
    return Places(
        check.reports_bucket,
        check.clients.source_control,
        settings.source_account_id,
        settings.active_jobs,
    )


def _find(check: Check, seen: Seen, record: Record, gap: Gap) -> bool:
    """Whether there is a job for the gap, made by a function that could not note it any more."""
    mark = mark_of(check.source.name, gap)
    for job in _all_jobs(check):
        if (job.bucket, job.mark) == (check.source.name, mark):
            _note(record, gap, job.id, -1 if job.place is None else job.place, seen)
            return True
    return False


def _newest_in(check: Check, place: int) -> tuple[str, bool]:
    """The last job of a place, empty if there is none; and whether it leaves room for another."""
    newest = last_in(place, _all_jobs(check))
    return (newest.id, newest.has_ended or newest.is_parked) if newest else ("", True)


def _all_jobs(check: Check) -> list[Any]:
    return listed(check.clients.source_control, check.settings.source_account_id, ended=True)


def _note(record: Record, gap: Gap, job: str, place: int, seen: Seen) -> None:
    is_another = gap is record.gap
    record.job = Job(
        job,
        replace(gap, begun=""),
        now(),
        # Who said yes to the first attempt has said it to the next ones.
        confirmed=bool(record.job and record.job.confirmed) and not is_another,
        place=place,
        parks=_parks(seen),
    )
    record.gap, record.retry = None if is_another else record.gap, None


def _let_go_on(check: Check, memory: Memory, place: int) -> None:
    job = memory.record.job
    if job is None:
        return
    check.changes.append("UpdateJobStatus")
    bucket = check.source.name
    try:
        check.clients.source_control.update_job_status(
            AccountId=check.settings.source_account_id, JobId=job.id, RequestedJobStatus="Ready"
        )
    except ClientError as error:
        if error_code(error) in _FULL:
            check.changes.remove("UpdateJobStatus")
            _warn_full(check, error)
            _places(check).give_back(bucket, place)
            return
        if error_code(error) != _NOT_PARKED:
            raise
    job.status, job.since = "Ready", ""
    memory.save()
    _places(check).note_job(bucket, place, job.id)


def _warn_full(check: Check, error: ClientError) -> None:
    check.warn(
        f"JOBS_FULL: S3 takes no job for {check.source.name} now ({error_code(error)}); its "
        "existing objects go on waiting"
    )


def _begin(check: Check, seen: Seen, memory: Memory, place: int, last: str, at: datetime) -> None:
    """Make the job in a place; where S3 takes none there, the bucket waits on.

    Args:
        check: the check.
        seen: the source.
        memory: the bucket's record.
        place: the place.
        last: the job that was there last; empty if none is known.
        at: when it was seen to be the bucket's turn.
    """
    record, bucket = memory.record, check.source.name
    gap = record.waiting
    if gap is None:
        return
    job = _request(check, seen, gap, place)
    check.changes.append("CreateJob")
    gap.begun = now()
    memory.save()  # of all checks of the bucket one gets here
    is_listed, is_free = True, True
    if not last:  # it may be another installation's, or from before the queue was lost
        last, is_free = _newest_in(check, place)
    for _ in range(2 if is_free else 0):
        if moment() - at > _LATE:
            break
        try:
            made = _made(check, job, token_of(place, last, moment()))
        except ClientError as error:
            if error_code(error) not in _FULL:
                raise
            _warn_full(check, error)
            break
        if made:
            _note(record, gap, made, place, seen)
            memory.save()
            _places(check).note_job(bucket, place, made)
            return
        if _find(check, seen, record, gap):
            return
        newest, is_free = _newest_in(check, place)
        is_listed = newest not in ("", last)
        last = newest
        if not (is_listed and is_free):
            break  # who has it will be seen, and the turn ends then
    check.changes.remove("CreateJob")
    gap.begun = ""
    if is_listed:
        _places(check).give_back(bucket, place, last)


def _made(check: Check, job: Any, token: str) -> str:
    """Have S3 make a job; its id, or nothing if the token was used for another one."""
    control, owner = check.clients.source_control, check.settings.source_account_id
    create = partial(control.create_job, ClientRequestToken=token, **job)
    try:
        made: str = check.budget.settle(create)["JobId"]
    except ClientError as error:
        if error_code(error) != _TAKEN:
            raise
        return ""
    # S3 may answer with the other one instead. What S3 does not know yet is new.
    found = described(control, owner, made)
    is_another = found is not None and found.get("Description") != job["Description"]
    return "" if is_another else made


def _request(check: Check, seen: Seen, gap: Gap, place: int) -> Any:
    settings, control = check.settings, check.clients.source_control
    bucket, owner = check.source.name, settings.source_account_id
    wanted: dict[str, Any] = {"EligibleForReplication": True}
    if statuses := statuses_of(gap):
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
        "Prefix": f"{REPORTS}{bucket}",
        "Format": "Report_CSV_20180820",
        "ReportScope": "FailedTasksOnly",
    }
    if knows(control, "CreateJob", "Report", "ExpectedBucketOwner"):
        report["ExpectedBucketOwner"] = owner
    return {
        "AccountId": owner,
        # S3 parks a job that waits for a yes, having counted what it is about.
        "ConfirmationRequired": _parks(seen),
        "Operation": {"S3ReplicateObject": {}},
        "Report": report,
        "ManifestGenerator": {"S3JobManifestGenerator": manifest},
        "Description": description_of(settings.module_name, bucket, place, mark_of(bucket, gap)),
        "Priority": priority_of(gap),
        "RoleArn": settings.batch_role_arn,
    }


def _parks(seen: Seen) -> bool:
    return seen.profile.existing_objects_limit is not None


def statuses_of(gap: Gap) -> list[str]:
    """Which objects, by what S3 made of them so far; nothing means all of them.

    ``COMPLETED`` is said of an object, by whichever rule and to wherever it was copied. What
    another rule has put into the bucket (``REPLICA``) the live rule never copies.
    """
    if gap.everything:
        return []
    if gap.failed_only:
        return ["FAILED"]
    return ["NONE", "FAILED"] + (["REPLICA"] if gap.is_first else [])
