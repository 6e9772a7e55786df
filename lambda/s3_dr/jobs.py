"""The jobs that copy existing objects, as S3 Batch Operations lists them: ours and those of others.

S3 works on six jobs of Batch Replication at once, and lets those of higher priority go first.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from .aws import error_code
from .record import Gap

AT_ONCE: Final = 6
# A job of more objects leaves half of our places to others.
LARGE: Final = 1_000_000
# Others' jobs have 10 if nobody chose another one, and a higher number goes first.
_PRIORITIES = {"failed": 9, "resumed": 8, "first": 7}
_LESS_IF_LARGE = 3

KINDS: Final = tuple(_PRIORITIES)  # in the order in which they get a place
ENDED: Final = frozenset({"Complete", "Failed", "Cancelled"})
# What S3 says of a job that it does not know, and what its model says that it says.
NO_SUCH_JOB: Final = frozenset({"NoSuchJob", "NoSuchJobException", "NotFoundException"})
_NOT_ENDED = (
    "New",
    "Preparing",
    "Suspended",
    "Ready",
    "Active",
    "Pausing",
    "Paused",
    "Completing",
    "Cancelling",
    "Failing",
)
_WORDS = {
    "New": "preparing",
    "Preparing": "preparing",
    "Suspended": "waiting",
    "Pausing": "paused",
    "Paused": "paused",
    "Complete": "complete",
    "Failing": "failed",
    "Failed": "failed",
    "Cancelling": "cancelled",
    "Cancelled": "cancelled",
    "Unknown": "unknown",
}
_DESCRIPTION = re.compile(
    r"(?P<module>[a-z0-9-]+): existing objects of (?P<bucket>[a-z0-9.-]+)"
    r"(?: \(place (?P<place>\d), (?P<mark>[0-9a-f]{8})\))?",
    re.ASCII,
)


@dataclass(frozen=True)
class Listed:
    """A job of Batch Replication.

    Attributes:
        id: as S3 gave it.
        status: its status at S3.
        created_at: when it was made.
        module: the installation whose it is, by its description; empty if it is somebody else's.
        bucket: the source bucket, if it is ours.
        place: which of our places it was made for; None if it was made before there were any.
        mark: which gap of the bucket it is for.
        is_large: it is about more than a million objects, or was taken to be when it was made.
        total: how many objects it is about; 0 until they are counted.
        succeeded: how many of them were copied.
        failed: how many could not be.
    """

    id: str
    status: str
    created_at: datetime
    module: str = ""
    bucket: str = ""
    place: int | None = None
    mark: str = ""
    is_large: bool = False
    total: int = 0
    succeeded: int = 0
    failed: int = 0

    @classmethod
    def of(cls, job: Any) -> Listed:
        """A job as ListJobs has it."""
        named = _DESCRIPTION.fullmatch(job.get("Description", ""))
        progress = job.get("ProgressSummary") or {}
        total = progress.get("TotalNumberOfTasks") or 0
        is_low = job.get("Priority", 10) <= max(_PRIORITIES.values()) - _LESS_IF_LARGE
        return cls(
            job["JobId"],
            job["Status"],
            job["CreationTime"],
            module=named["module"] if named else "",
            bucket=named["bucket"] if named else "",
            place=int(named["place"]) if named and named["place"] else None,
            mark=(named["mark"] or "") if named else "",
            is_large=total > LARGE or (bool(named) and is_low),
            total=total,
            succeeded=progress.get("NumberOfTasksSucceeded") or 0,
            failed=progress.get("NumberOfTasksFailed") or 0,
        )

    @property
    def is_ours(self) -> bool:
        """Whether an installation of this module made it, ours or another one."""
        return bool(self.module)

    @property
    def has_ended(self) -> bool:
        """Whether S3 is done with it."""
        return self.status in ENDED

    @property
    def is_parked(self) -> bool:
        """Whether it waits for a yes."""
        return self.status == "Suspended"

    @property
    def holds_a_place(self) -> bool:
        """Whether it is one of the six: in doubt it is."""
        return not (self.has_ended or self.is_parked or self.status == "Paused")


def listed(control: Any, account: str, *, ended: bool = False) -> list[Listed]:
    """The account's jobs of Batch Replication in the region, other than those that have ended.

    Args:
        control: S3 Control in the region.
        account: whose jobs.
        ended: also those that ended within the last 90 days, all that S3 remembers.

    Raises:
        BotoCoreError, ClientError: S3 Control does not say.
    """
    asked: dict[str, Any] = {"AccountId": account, "MaxResults": 1000}
    if not ended:
        asked["JobStatuses"] = list(_NOT_ENDED)
    found: list[Listed] = []
    while True:
        page = control.list_jobs(**asked)
        jobs = page.get("Jobs", [])
        found += [Listed.of(job) for job in jobs if job["Operation"] == "S3ReplicateObject"]
        if not page.get("NextToken"):
            return found
        asked["NextToken"] = page["NextToken"]


def described(control: Any, account: str, job_id: str) -> Any:
    """What S3 says of one job; None if it knows no such job.

    Raises:
        BotoCoreError, ClientError: anything else.
    """
    try:
        return control.describe_job(AccountId=account, JobId=job_id)["Job"]
    except ClientError as error:
        if error_code(error) not in NO_SUCH_JOB:
            raise
        return None


def word_of(status: str) -> str:
    """What we call a status of S3's."""
    return _WORDS.get(status, "running")


def kind_of(gap: Gap) -> str:
    """Which of `KINDS` a job for the gap is."""
    if gap.failed_only or gap.attempt > 1:
        return "failed"
    return "first" if gap.is_first else "resumed"


def mark_of(bucket: str, gap: Gap) -> str:
    """What tells a job for this gap from the others of the bucket."""
    about = (gap.everything, gap.failed_only, gap.is_first)
    return _hash(bucket, gap.id, gap.attempt, about)[:8]


def description_of(module: str, bucket: str, place: int, mark: str) -> str:
    """By which the job is known as ours."""
    return f"{module}: existing objects of {bucket} (place {place}, {mark})"


def priority_of(gap: Gap) -> int:
    """The job's priority at S3, which lets all jobs of others go before ours."""
    return _PRIORITIES[kind_of(gap)] - (_LESS_IF_LARGE if gap.is_large else 0)


def token_of(place: int, last: str, at: datetime) -> str:
    """The ClientRequestToken of whatever comes after a job in its place.

    S3 takes one job for a token. So of all functions, and all installations, that see a place free
    at the same time one gets it. Where there was no job, the month stands for one: S3 remembers
    jobs for 90 days.
    """
    return _hash("s3-dr", place, last or f"{at:%Y-%m}")


def last_in(place: int, jobs: Iterable[Listed]) -> Listed | None:
    """The newest job that was made for a place; None if there is none."""
    there = (job for job in jobs if job.place == place)
    return max(there, key=lambda job: (job.created_at, job.id), default=None)


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
