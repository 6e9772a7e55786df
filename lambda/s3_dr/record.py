"""What is remembered of a source bucket: one JSON object in the reports bucket.

S3 itself says how a bucket is configured. What it does not say is kept here: since when objects
have not been copied, which job copies them, by which profile the bucket is protected, and how often
our rule had to be put back. Where it is lost, old objects are looked for once more, and a bucket
that is untagged then has its rule disabled, whatever its profile said.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .aws import error_code, now
from .check import Check
from .reports_bucket import is_conflict
from .rule import Left

_TIMES = {"begun", "created_at", "deleted", "ended_at", "changed_at", "not_before", "since"}


class Superseded(Exception):
    """Another check of the bucket was quicker; what this one was about to do may be done."""


@dataclass
class Gap:
    """Objects that S3 does not copy by itself, since they are older than the live rule.

    Attributes:
        id: what tells it from others; two checks that see it at once agree on one.
        everything: also what S3 takes for copied, since it was copied elsewhere, or to a twin that
            is no more.
        failed_only: what S3 tried to copy and could not; it does not try again by itself.
        is_first: nothing is remembered from before, so replicas of other rules count too.
        after_put: the rule is moments old, so S3 may not find what there is to copy at once.
        wanted: a person asked for the copying, whatever the profile says.
        attempt: how many jobs there were for it, with the one to come.
        failures: the newest failures of the live rule that were known then: their minute and
            their number.
        since: when it began to wait for a job; empty if it does not.
        not_before: when its job may begin at the earliest; empty if that is not known yet.
        is_large: it may be about more than a million objects.
        begun: when a job for it may have been made, of which nothing is remembered; else empty.
    """

    id: str
    everything: bool = False
    failed_only: bool = False
    is_first: bool = False
    after_put: bool = False
    wanted: bool = False
    attempt: int = 1
    failures: str = ""
    since: str = ""
    not_before: str = ""
    is_large: bool = False
    begun: str = ""


@dataclass
class Job:
    """The last S3 Batch Replication job.

    Attributes:
        id: as S3 gave it.
        gap: what it is for.
        created_at: ISO 8601, as all times here.
        status: the job's status at S3.
        ended_at: empty while it has not.
        total: how many objects, versions and delete markers it is about.
        succeeded: how many of them were copied.
        failed: how many could not be.
        reasons: of those, by S3's failure reason.
        report: the place of S3's report, ``s3://…``; empty if there is none.
        detail: why the whole job failed.
        confirmed: a person said yes to however many objects it is about.
        place: which of our places it was made for; -1 if it was made before there were any.
        parks: S3 counts its objects first, and waits for a yes.
        since: when it began to wait for its place, after S3 had counted its objects; empty if it
            does not wait.
    """

    id: str
    gap: Gap
    created_at: str
    status: str = "New"
    ended_at: str = ""
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    report: str = ""
    detail: str = ""
    confirmed: bool = False
    place: int = -1
    parks: bool = False
    since: str = ""

    @property
    def is_done(self) -> bool:
        """Whether all that it was about has been copied."""
        return self.status == "Complete" and not self.failed


@dataclass
class Record:
    """What is remembered of one source bucket.

    Attributes:
        module: the name of the installation that remembers it.
        since: when this began to be remembered; empty where nothing is.
        changed_at: when the source bucket was last written to: one made later is another one.
        deleted: when a bucket of the name was deleted last, or that was found out.
        profile: the name of the profile by which it was protected last.
        rule: the fingerprint of our rule, as it was read back last; empty once it was released.
        left: our rule as it was left there; None if there is none.
        beside: since our rule was let go, another one was on: S3 may have copied elsewhere.
        life: the twin's tag of that time.
        put_back: the moments at which our rule had to be put back.
        gap: what is to be copied.
        retry: what failed and is to be tried again, once that is due.
        job: the last one.
    """

    module: str = ""
    since: str = ""
    changed_at: str = ""
    deleted: str = ""
    profile: str = ""
    rule: str = ""
    left: Left | None = None
    beside: bool = False
    life: str = ""
    put_back: list[str] = field(default_factory=list)
    gap: Gap | None = None
    retry: Gap | None = None
    job: Job | None = None

    @property
    def waiting(self) -> Gap | None:
        """The gap that waits for a job; None if none does."""
        return next((gap for gap in (self.gap, self.retry) if gap and gap.since), None)

    def stop_waiting(self) -> bool:
        """Have nothing wait for a job or a place; whether anything did."""
        waited = bool(self.waiting or (self.job and self.job.since))
        if self.gap:
            self.gap.since = ""
        if self.job:
            self.job.since, self.retry = "", None
        elif self.retry:
            self.retry.since = ""  # it is known from nothing else
        return waited

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read a record; fields that a newer version may have added are passed over.

        Raises:
            AttributeError, KeyError, RecursionError, TypeError, ValueError: it is no record.
        """
        data = json.loads(text)
        job, left = data.get("job"), data.get("left")
        if job:
            job = _built(Job, {**job, "gap": _built(Gap, job["gap"])})
        left = _built(Left, left) if left else None
        gap, retry = (
            _built(Gap, found) if (found := data.get(name)) else None for name in ("gap", "retry")
        )
        parts = {"gap": gap, "retry": retry, "job": job, "left": left}
        record: Record = _built(cls, {**data, **parts})
        return record

    def open_gap(
        self, *, everything: bool = False, after_put: bool = False, wanted: bool = False
    ) -> None:
        """Open a gap, which is also about what was left of the one before it."""
        left = self.job.gap if self.job and not self.job.is_done else self.retry
        before = self.gap or left or Gap("")
        self.gap = Gap(
            self.gap.id if self.gap else now(),
            everything=everything or before.everything,
            is_first=before.is_first,
            after_put=after_put or bool(self.gap and self.gap.after_put),
            wanted=wanted or bool(self.gap and self.gap.wanted),
            since=self.gap.since if self.gap else "",
            not_before=self.gap.not_before if self.gap else "",
            is_large=bool(self.gap and self.gap.is_large),
            begun=self.gap.begun if self.gap else "",
        )

    def renew_gap(self, *, after_put: bool = False) -> None:
        """Have the open gap count as another one: a job for it may be there, and not be enough.

        Args:
            after_put: the rule was put a moment ago, so the job for it has to wait again.
        """
        if self.gap:
            self.gap.id, self.gap.begun = now(), ""
            if after_put:
                self.gap.not_before = ""

    def to_json(self) -> str:
        """The record as text."""
        return json.dumps(asdict(self), sort_keys=True)


class Memory:
    """The record of the bucket of a check: read at once, written where it has changed.

    Attributes:
        error: why the record could not be read, if it could not; nothing is then written either.
        record: what is remembered.
    """

    def __init__(self, check: Check) -> None:
        self._check = check
        self._etag = ""
        self._text = ""
        self.error: Exception | None = None
        self.record = self._read()

    @property
    def is_new(self) -> bool:
        """Whether nothing is remembered of the bucket."""
        return not self.record.since

    @property
    def is_kept(self) -> bool:
        """Whether there is a place for the record, and it could be read."""
        return bool(self._check.settings.reports_bucket) and self.error is None

    @property
    def is_lost(self) -> bool:
        """Whether the reports bucket is gone, and with it all that was remembered."""
        return isinstance(self.error, ClientError) and error_code(self.error) == "NoSuchBucket"

    def require_read(self) -> None:
        """End the check as a failure if the record could not be read.

        Raises:
            BotoCoreError, ClientError: why it could not.
        """
        if self.error:
            raise self.error

    def save(self) -> None:
        """Write the record, unless it is as it was.

        Raises:
            Superseded: somebody else has written it.
            ClientError: anything else S3 answers.
        """
        text = self.record.to_json()
        if text == self._text or self._check.request.dry_run or not self.is_kept:
            return
        check = self._check
        self.record.module = check.settings.module_name
        text = self.record.to_json()
        condition = {"IfMatch": self._etag} if self._etag else {"IfNoneMatch": "*"}
        try:
            response = check.reports_bucket.write_record(check.source.name, text, **condition)
        except ClientError as error:
            if is_conflict(error):
                raise Superseded(f"another check of {check.source.name} ran") from error
            raise
        self._etag, self._text = response["ETag"], text

    def _read(self) -> Record:
        try:
            response = self._check.reports_bucket.read_record(self._check.source.name)
        except (BotoCoreError, ClientError) as error:
            self.error = error
            return Record()
        if response is None:
            return Record()
        self._etag = response["ETag"]
        try:
            record = Record.from_json(response["Body"].read().decode())
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            self._check.warn("the bucket's record could not be read, so a new one is begun")
            return Record()
        if record.module not in ("", self._check.settings.module_name):
            # The installation's name was another one, or somebody else's reports are here too.
            return Record()
        self._text = record.to_json()
        return record


def _built(cls: Any, data: dict[str, Any]) -> Any:
    types = {each.name: str(each.type).partition("[")[0].partition(" |")[0] for each in fields(cls)}
    known = {key: value for key, value in data.items() if key in types}
    for key, value in known.items():
        if value is not None and type(value).__name__ != types[key]:
            raise TypeError(f"{key} is no {types[key]}")
    for key in _TIMES & known.keys():
        if known[key]:
            datetime.fromisoformat(known[key])
    return cls(**known)
