"""An account in memory, in which functions of two installations run beside each other.

Every call to AWS is a point at which a run stops. Whoever plays says which run goes on, which one
is ended for good, before the call or right after it, and how much time passes.
"""

from __future__ import annotations

import _thread
import hashlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.exceptions import ClientError

from functional.payload import SOURCE_REGION, environment, profiles, seen
from s3_dr import backfill, enable_replication
from s3_dr.aws import Budget, now
from s3_dr.check import Check
from s3_dr.events import BucketRequest, Wish
from s3_dr.jobs import AT_ONCE, LARGE
from s3_dr.outcomes import Ignored
from s3_dr.queue import Entry
from s3_dr.record import Gap, Memory, Record, Superseded
from s3_dr.settings import Settings
from s3_dr.turns import Turns, TurnsError

LIMIT = 100
_BEGIN = datetime(2026, 12, 10, 8, tzinfo=UTC)
_CALL = timedelta(seconds=0.05)
_TICK = timedelta(minutes=4)
# Lambda ends a check after two minutes; what it does in that time, S3 has done.
_LONGEST_RUN = timedelta(seconds=100)
# A look at S3 is used within its turn's time, or not at all.
_LONGEST_TURN = timedelta(minutes=5)


# What a function is asked for: its kind, and of which installation or bucket.
Asked = tuple[Any, ...]


class Killed(BaseException):
    """Lambda ended the function; nothing in it can catch that."""


@dataclass(frozen=True)
class Ways:
    """How AWS answers where no document says it.

    Attributes:
        takes_back: for a token of another job S3 gives the id of that job, and no error.
        hidden_for: so many seconds a new job is neither listed nor described.
        refuses: a seventh job is refused; else the one of the lowest priority is paused.
        tells: the ends of jobs are told by events.
        page: so many jobs are on a page.
    """

    takes_back: bool = False
    hidden_for: float = 0.0
    refuses: bool = False
    tells: bool = True
    page: int = 1000


@dataclass
class Bucket:
    """A source bucket, and what its jobs will be like."""

    name: str
    home: Installation
    size: int = 10
    counted: int | None = None
    has_limit: bool = False
    minutes: float = 10.0
    ends: tuple[str, ...] = ()
    made: int = 0
    is_tagged: bool = True
    is_ruled: bool = False


@dataclass
class Job:
    """A job at S3; of a stranger if it has no bucket."""

    id: str
    number: int
    description: str
    priority: int
    created_at: datetime
    minutes: float
    bucket: Bucket | None = None
    parks: bool = False
    end: str = "Complete"
    status: str = "New"
    due: datetime | None = None
    left: timedelta = timedelta()
    is_large: bool = False
    is_counted: bool = False
    was_parked: bool = False
    started_at: datetime = _BEGIN
    ended_at: datetime | None = None

    @property
    def place(self) -> str:
        return self.description.partition("(place ")[2][:1]

    @property
    def mark(self) -> str:
        return self.description[-9:-1]

    @property
    def is_at_work(self) -> bool:
        """Whether it is begun and not over; a paused one is."""
        return self.status != "Suspended" and not self.ended_at

    @property
    def holds(self) -> bool:
        """Whether it is one of the six."""
        return self.is_at_work and self.status != "Paused"

    def shown(self) -> dict[str, Any]:
        """The job as S3 has it in its lists."""
        total = (self.bucket.size if self.bucket else 5) if self.is_counted else 0
        done = total if self.status == "Complete" else 0
        return {
            "JobId": self.id,
            "Description": self.description,
            "Operation": "S3ReplicateObject",
            "Priority": self.priority,
            "Status": self.status,
            "CreationTime": self.created_at,
            "ProgressSummary": {
                "TotalNumberOfTasks": total,
                "NumberOfTasksSucceeded": done,
                "NumberOfTasksFailed": 0,
            },
            **({"TerminationDate": self.ended_at} if self.ended_at else {}),
        }


@dataclass(eq=False)
class Installation:
    """A module in the account, with its reports bucket and its schedule."""

    name: str
    active_jobs: int = 4
    delay: int = 900
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    next_tick: datetime | None = None

    @property
    def is_ticking(self) -> bool:
        return self.next_tick is not None

    def settings(self, has_limit: bool = False) -> Settings:
        key = (has_limit, self.active_jobs, self.delay)
        return _settings(self.name, *key)

    def records(self) -> dict[str, Record]:
        """What is remembered of each bucket."""
        return {
            key[6:-5]: Record.from_json(body.decode())
            for key, (body, _) in self.objects.items()
            if key.startswith("state/")
        }

    def waiting(self) -> list[Entry]:
        """Who waits, by the records."""
        found = (Entry.of(name, record) for name, record in self.records().items())
        return [entry for entry in found if entry]


@cache
def _settings(name: str, has_limit: bool, active_jobs: int, delay: int) -> Settings:
    fields = {"existing_objects_limit": LIMIT} if has_limit else {}
    return Settings.from_environment(
        environment(
            MODULE_NAME=name,
            REPORTS_BUCKET=f"reports-{name}",
            JOBS_RULE=f"{name}-jobs",
            ENABLE_REPLICATION_ARN=f"{name}-enable-replication",
            ACTIVE_JOBS=str(active_jobs),
            FIRST_JOB_DELAY_SECONDS=str(delay),
            PROFILES=profiles(**fields),
        )
    )


@cache
def _control_meta() -> Any:
    session = boto3.session.Session("x", "x", region_name=SOURCE_REGION)
    return session.client("s3control").meta


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


class Run:
    """A function at work in a thread of its own, which goes on only when it is told to."""

    def __init__(self, name: str, asked: Asked, body: Callable[[Run], None]) -> None:
        self.name, self.asked = name, asked
        self.before = ""
        self.is_over = False
        self.error: BaseException | None = None
        self.waited = timedelta()
        self._told = ""
        self._go, self._back = _thread.allocate_lock(), _thread.allocate_lock()
        self._go.acquire()
        self._back.acquire()
        self._thread = threading.Thread(target=self._do, args=(body,), daemon=True)
        self._thread.start()

    def _do(self, body: Callable[[Run], None]) -> None:
        self._go.acquire()
        try:
            if self._told != "kill before":
                body(self)
        except BaseException as error:  # noqa: BLE001 - the player sees to it
            self.error = error
        self.is_over = True
        self._back.release()

    def pause(self, operation: str) -> str:
        """Stop before a call; what is said when it may go on."""
        self.before = operation
        self._back.release()
        self._go.acquire()
        return self._told

    def go(self, told: str = "go") -> None:
        """Let it go on to its next call, or be killed there."""
        self._told = told
        self._go.release()
        self._back.acquire()
        if self.is_over:
            self._thread.join()

    def finish(self) -> None:
        """Let it go on to its end."""
        while not self.is_over:
            self.go()


class World:
    """The account: objects, jobs, schedules, and what is to be called."""

    def __init__(self, ways: Ways, *installations: Installation) -> None:
        self.ways = ways
        self.installations = installations
        self.now = _BEGIN
        self.buckets: dict[str, Bucket] = {}
        self.jobs: list[Job] = []
        self.live: dict[str, Job] = {}
        self.tokens: dict[str, tuple[Job, Any]] = {}
        self.inbox: list[Asked] = []
        self.wrong: list[str] = []
        self.log: list[str] = []
        self.runs: list[Run] = []
        self.calls: dict[str, int] = {}
        self.full_since: datetime | None = None
        self.starts: list[datetime] = []
        self.ends: list[datetime] = []
        self.may_kill = True
        self.were_killed = False
        self._next_due = _BEGIN

    def clock(self) -> datetime:
        """The moment; no two are the same."""
        self.now += timedelta(microseconds=1)
        return self.now

    def note(self, what: str) -> None:
        self.log.append(f"{self.now:%d %H:%M:%S} {what}")

    def fail(self, what: str) -> None:
        self.note(f"WRONG {what}")
        self.wrong.append(what)

    @property
    def most(self) -> int:
        return max(each.active_jobs for each in self.installations)

    def add(self, name: str, home: Installation, **facts: Any) -> Bucket:
        self.buckets[name] = made = Bucket(name, home, **facts)
        return made

    # --- time

    def advance(self, much: timedelta) -> None:
        """Let time pass, and jobs and schedules do what they do meanwhile."""
        until = self.now + much
        while self._next_due <= until:
            self.now = max(self.now, self._next_due)
            for home in self.installations:
                if home.next_tick and home.next_tick <= self.now:
                    home.next_tick += _TICK
                    self.inbox.append(("tick", home))
            for job in [*self.live.values()]:
                if job.due and job.due <= self.now:
                    self._step(job)
            self._balance()
        self.now = until

    def _balance(self) -> None:
        """Pause what is beyond six, let go on what there is a place for again; and look."""
        while True:
            going = [job for job in self.live.values() if job.holds and job.status != "Pausing"]
            if len(going) > AT_ONCE:
                job = min(going, key=lambda job: (job.priority, -job.number))
                job.left, job.status = (job.due or self.now) - self.now, "Pausing"
                job.due = self.now + timedelta(seconds=10)
                self.note(f"{job.id} pausing")
                continue
            paused = [job for job in self.live.values() if job.status == "Paused"]
            if not paused or sum(job.holds for job in self.live.values()) >= AT_ONCE:
                break
            job = max(paused, key=lambda job: (job.priority, -job.number))
            job.status, job.due = "Active", self.now + job.left
            self.note(f"{job.id} goes on")
        dues = [job.due for job in self.live.values() if job.due]
        dues += [home.next_tick for home in self.installations if home.next_tick]
        self._next_due = min(dues, default=datetime.max.replace(tzinfo=UTC))
        self._look()

    def _step(self, job: Job) -> None:
        minutes = timedelta(minutes=job.minutes)
        if job.status == "New":
            job.status, job.due = "Preparing", self.now + timedelta(seconds=30)
        elif job.status == "Preparing":
            job.is_counted = True
            if job.parks:
                job.status, job.due = "Suspended", None
                self._tell()
            else:
                job.status, job.due = "Active", self.now + minutes
        elif job.status == "Ready":
            job.status, job.due = "Active", self.now + minutes
        elif job.status == "Pausing":
            job.status, job.due = "Paused", None
        else:
            self._end(job)
        self.note(f"{job.id} {job.status}")

    def end(self, job: Job) -> None:
        """Let a job be done at once."""
        self._end(job)
        self._balance()

    def _end(self, job: Job) -> None:
        job.status, job.due, job.ended_at, job.is_counted = job.end, None, self.now, True
        del self.live[job.id]
        self.ends.append(self.now)
        self._tell()

    def _tell(self) -> None:
        if self.ways.tells:
            self.inbox += [("event", home) for home in self.installations]

    def _look(self) -> None:
        """What must be so at every moment."""
        ours = [job for job in self.live.values() if job.bucket and job.is_at_work]
        if len(ours) > self.most + sum(map(self._is_beside, ours)):
            self.fail(f"{len(ours)} of ours at work: {[job.description for job in ours]}")
        names = [job.bucket.name for job in ours if job.bucket]
        if len(names) != len(set(names)):
            self.fail(f"two jobs of a bucket at work: {sorted(names)}")
        large = [job for job in ours if job.is_large]
        if len(large) > max(1, self.most // 2) + sum(map(self._is_beside, large)):
            self.fail(f"{len(large)} large ones at work")
        is_full = sum(job.holds for job in self.live.values()) >= AT_ONCE
        is_full = is_full or any(job.status == "Paused" for job in ours)
        if not is_full:
            self.full_since = None
        elif self.full_since is None:
            self.full_since = self.now

    def _is_beside(self, job: Job) -> bool:
        """Whether it was let go on in the moment in which another one was begun in its place.

        S3 lets a parked job go on without a condition, and no two installations can agree.
        """
        return job.was_parked and any(
            other is not job
            and other.bucket
            and other.bucket.home is not (job.bucket and job.bucket.home)
            and other.place == job.place
            and abs(other.started_at - job.started_at) < _LONGEST_RUN
            for other in self.live.values()
        )

    def _started(self, job: Job) -> None:
        job.started_at = self.now
        self.note(f"start {job.id} {job.description} {job.priority}")
        if self.full_since and self.now - self.full_since > _LONGEST_TURN:
            self.fail(f"{job.id} starts although six were held since {self.full_since}")
        self.starts.append(self.now)

    # --- S3 Control

    def create_job(self, **asked: Any) -> Any:
        token = asked.pop("ClientRequestToken")
        if token in self.tokens:
            job, before = self.tokens[token]
            if before == asked or self.ways.takes_back:
                return {"JobId": job.id}
            raise _error("IdempotencyException", "CreateJob")
        if self.ways.refuses and sum(job.holds for job in self.live.values()) >= AT_ONCE:
            raise _error("TooManyRequestsException", "CreateJob")
        name = asked["ManifestGenerator"]["S3JobManifestGenerator"]["SourceBucket"]
        bucket = self.buckets[name.rpartition(":")[2]]
        job = self._make(asked["Description"], asked["Priority"], bucket.minutes)
        job.bucket, job.parks = bucket, asked["ConfirmationRequired"]
        job.is_large = job.priority < 7
        job.end = (*bucket.ends[bucket.made :], "Complete")[0]
        bucket.made += 1
        self.tokens[token] = job, asked
        if job.priority >= 10:
            self.fail(f"a priority of {job.priority}")
        for other in self.jobs[:-1]:
            if other.bucket is bucket and other.mark == job.mark:
                self.fail(f"a second job for {job.description}, after {other.description}")
        self._started(job)
        self._balance()
        return {"JobId": job.id}

    def _make(self, description: str, priority: int, minutes: float) -> Job:
        number = len(self.jobs)
        made = Job(f"j-{number:03}", number, description, priority, self.clock(), minutes)
        made.due = self.now + timedelta(seconds=5)
        self.jobs.append(made)
        self.live[made.id] = made
        return made

    def stranger(self, minutes: float) -> None:
        """Somebody else makes a job; S3 may refuse it, too."""
        if not (self.ways.refuses and sum(job.holds for job in self.live.values()) >= AT_ONCE):
            self._make("nightly", 10, minutes)
            self._balance()

    def list_jobs(self, **asked: Any) -> Any:
        statuses = asked.get("JobStatuses")
        before = int(asked.get("NextToken", len(self.jobs)))
        known = self.jobs if statuses is None else self.live.values()
        found = [
            job
            for job in reversed(known)
            if job.number < before
            and (statuses is None or job.status in statuses)
            and not self._is_hidden(job)
        ]
        size = min(self.ways.page, asked["MaxResults"])
        more = {"NextToken": str(found[size - 1].number)} if len(found) > size else {}
        return {"Jobs": [job.shown() for job in found[:size]], **more}

    def _is_hidden(self, job: Job) -> bool:
        return self.now - job.created_at < timedelta(seconds=self.ways.hidden_for)

    def describe_job(self, **asked: Any) -> Any:
        job = next((job for job in self.jobs if job.id == asked["JobId"]), None)
        if job is None or self._is_hidden(job):
            raise _error("NoSuchJobException", "DescribeJob")
        return {"Job": job.shown()}

    def update_job_status(self, **asked: Any) -> Any:
        job = next(job for job in self.jobs if job.id == asked["JobId"])
        if job.status != "Suspended" or asked["RequestedJobStatus"] != "Ready":
            raise _error("JobStatusException", "UpdateJobStatus")
        job.status, job.due = "Ready", self.now + timedelta(seconds=5)
        job.is_large, job.was_parked = bool(job.bucket and job.bucket.size > LARGE), True
        self._started(job)
        self._balance()
        return {}

    # --- the rest of AWS

    def get_object(self, home: Installation, key: str) -> Any:
        if key not in home.objects:
            raise _error("NoSuchKey", "GetObject")
        body, etag = home.objects[key]
        return {"Body": io.BytesIO(body), "ETag": etag}

    def put_object(self, home: Installation, **asked: Any) -> Any:
        key, body = asked["Key"], asked["Body"]
        there = home.objects.get(key)
        if "IfNoneMatch" in asked and there is not None:
            raise _error("PreconditionFailed", "PutObject")
        if "IfMatch" in asked:
            if there is None:
                raise _error("NoSuchKey", "PutObject")
            if asked["IfMatch"] != there[1]:
                raise _error("PreconditionFailed", "PutObject")
        home.objects[key] = body, _etag(body)
        return {"ETag": home.objects[key][1]}

    def list_state(self, home: Installation) -> Any:
        found = sorted(home.objects.items())
        named = [(key, etag) for key, (_, etag) in found if key.startswith("state/")]
        return {"Contents": [{"Key": key, "ETag": etag} for key, etag in named]}

    def versions(self, bucket: str, most: int) -> Any:
        size = self.buckets[bucket].size
        return {"Versions": [{}], "IsTruncated": size > most}

    def counted(self, bucket: str) -> Any:
        found = self.buckets[bucket].counted
        values = [] if found is None else [float(found)]
        return {"MetricDataResults": [{"Timestamps": [self.now] * len(values), "Values": values}]}

    def switch(self, home: Installation, on: bool) -> Any:
        self.note(f"{home.name} {'enables' if on else 'disables'} its schedule")
        if on and not home.next_tick:
            home.next_tick = self.now + _TICK
        elif not on:
            home.next_tick = None
        self._balance()
        return {}

    # --- the functions

    def call(self, run: Run | None, operation: str, effect: Callable[[], Any]) -> Any:
        """Make a call: what may happen before, between and after is the player's choice."""
        told = run.pause(operation) if run else "go"
        if told == "kill before":
            raise Killed(operation)
        self.calls[operation] = self.calls.get(operation, 0) + 1
        self.advance(_CALL)
        try:
            answer = effect()
        except ClientError as error:
            self.note(f"{run.name if run else ''}: {operation} {error.response['Error']['Code']}")
            if told == "go":
                raise
        else:
            self.note(f"{run.name if run else ''}: {operation}")
        if told == "kill after":
            raise Killed(operation)
        return answer

    def clients(self, home: Installation, run: Run | None) -> Any:
        """What a function of the installation calls AWS with."""

        def does(operation: str, effect: Callable[..., Any], *fixed: Any) -> Callable[..., Any]:
            def made(**asked: Any) -> Any:
                asked.pop("ExpectedBucketOwner", None)
                return self.call(run, operation, lambda: effect(*fixed, **asked))

            return made

        def pages(_: str) -> Any:
            def paginate(**_: Any) -> Iterator[Any]:
                yield self.call(run, "ListObjectsV2", lambda: self.list_state(home))

            return SimpleNamespace(paginate=paginate)

        def invoke(*, Payload: bytes, **_: Any) -> None:  # noqa: N803 - as boto3 has it
            name = json.loads(Payload)["detail"]["bucket"]
            self.inbox.append(("check", self.buckets[name], Wish.CHECK, False))

        def metric(**asked: Any) -> Any:
            stat = asked["MetricDataQueries"][0]["MetricStat"]["Metric"]
            return self.counted(stat["Dimensions"][0]["Value"])

        return SimpleNamespace(
            dr_s3=None,
            source_s3=SimpleNamespace(
                get_object=does("GetObject", lambda **asked: self.get_object(home, asked["Key"])),
                put_object=does("PutObject", self.put_object, home),
                get_paginator=pages,
                list_object_versions=does(
                    "ListObjectVersions",
                    lambda **asked: self.versions(asked["Bucket"], asked["MaxKeys"]),
                ),
            ),
            source_control=SimpleNamespace(
                meta=_control_meta(),
                create_job=does("CreateJob", self.create_job),
                describe_job=does("DescribeJob", self.describe_job),
                list_jobs=does("ListJobs", self.list_jobs),
                update_job_status=does("UpdateJobStatus", self.update_job_status),
            ),
            source_events=SimpleNamespace(
                enable_rule=does("EnableRule", lambda **_: self.switch(home, True)),
                disable_rule=does("DisableRule", lambda **_: self.switch(home, False)),
            ),
            source_functions=SimpleNamespace(invoke=does("Invoke", invoke)),
            source_cloudwatch=SimpleNamespace(get_metric_data=does("GetMetricData", metric)),
        )

    def begin(self, asked: Asked, run: Run | None = None) -> None:
        """Do what was asked for, as the handlers do."""
        kind, home, *others = asked
        if kind == "check":
            self._check(run, home, *others)
            return
        budget = Budget(lambda: 600.0, sleep=lambda _: None)
        turns = Turns(home.settings(), self.clients(home, run), budget)
        turns.give(by_schedule=kind == "tick", in_any_case=kind == "sweep")

    def _check(self, run: Run | None, bucket: Bucket, wish: str, everything: bool) -> None:
        settings = bucket.home.settings(bucket.has_limit)
        clients = self.clients(bucket.home, run)
        budget = Budget(lambda: 60.0, sleep=lambda _: None)
        for number in range(5):
            request = BucketRequest(bucket.name, "c", wish=wish, everything=everything)
            check = Check(settings, clients, budget, request)
            try:
                self._enable(run, check, bucket)
                return
            except Ignored:
                return
            except Superseded:
                if number == 4:
                    raise

    def _enable(self, run: Run | None, check: Check, bucket: Bucket) -> None:
        """What `enable_replication` does with the record, without all that it does beside it."""
        is_tagged = self.call(run, "GetBucketTagging", lambda: bucket.is_tagged)
        if not is_tagged:
            enable_replication._stop_waiting(check)
            return
        memory = Memory(check)
        record = memory.record
        if not bucket.is_ruled:
            if memory.is_new:
                record.gap = Gap(now(), everything=True, is_first=True, after_put=True)
                record.since = now()
            else:
                record.open_gap(after_put=True)
            memory.save()
            self.call(run, "PutBucketReplication", lambda: setattr(bucket, "is_ruled", True))
            record.renew_gap(after_put=True)
        backfill.keep_up(check, seen(check), memory)

    # --- runs side by side

    def start(self, asked: Asked) -> Run:
        """Begin a run that stops at each of its calls."""
        kind, what, *others = asked
        name = f"{len(self.log)} {kind} {what.name} {' '.join(map(str, others))}"
        run = Run(name, asked, lambda run: self.begin(asked, run))
        self.note(f"begin {name}")
        self.runs.append(run)
        return run

    def step(self, run: Run, told: str = "go") -> None:
        """Let a run make one call."""
        run.go(told)
        if told != "go":
            self.were_killed = True
            self.note(f"{told} {run.name}")
        self._clear(run)

    def step_to(self, run: Run, operation: str) -> None:
        """Let a run go on until it is about to make a call of that name."""
        while run.before != operation:
            assert not run.is_over, f"{run.name} made no {operation}"
            self.step(run)

    def _clear(self, run: Run) -> None:
        if not run.is_over:
            return
        self.runs.remove(run)
        self.take_error(run.error, run.asked)

    def take_error(self, error: BaseException | None, asked: Asked) -> None:
        """Have Lambda try again what failed, as long as that can be right."""
        if error is None or isinstance(error, Killed):
            return
        if not isinstance(error, (Superseded, TurnsError)):
            raise error
        self.note(f"again {asked[0]}: {error}")
        self.inbox.append(asked)

    def pass_time(self, much: timedelta) -> None:
        """Let time pass beside the runs, each of which comes to its end within its time."""
        for run in [*self.runs]:
            run.waited += much
            if run.waited > _LONGEST_RUN:
                run.finish()
                self._clear(run)
        self.note(f"{much} pass")
        self.advance(much)

    def finish(self) -> None:
        """Let every run come to its end, one call of each after the other."""
        while self.runs:
            for run in [*self.runs]:
                self.step(run)

    def close(self) -> None:
        """Leave no thread behind."""
        for run in [*self.runs]:
            run.go("kill before")
            while not run.is_over:
                run.go("kill before")
        self.runs.clear()

    def do(self, asked: Asked) -> None:
        """Do something alone, at once."""
        self.note(f"do {asked[0]} {asked[1].name}")
        try:
            self.begin(asked)
        except (Superseded, TurnsError) as error:
            self.take_error(error, asked)

    def drain(self) -> None:
        """Do all that is asked for, and what that asks for."""
        while self.inbox:
            self.do(self.inbox.pop(0))

    # --- the end

    def sweep(self) -> None:
        """The sweep of every six hours: the queue, and a check of each bucket."""
        self.inbox += [("sweep", home) for home in self.installations]
        self.inbox += [check_of(bucket) for bucket in self.buckets.values()]

    def go_on(self, until: Callable[[], bool], at_most: timedelta) -> None:
        """Let all be done that is asked for, and time pass, until something is so."""
        end = self.now + at_most
        while True:
            self.drain()
            self.look_after_ticks()
            if until() or self.now >= end:
                return
            self.advance(max(min(self._next_due, end) - self.now, timedelta(seconds=1)))

    def look_after_ticks(self) -> None:
        """Where anything waits there is a schedule; nobody is at work when this is asked."""
        for home in self.installations:
            if not home.is_ticking and (entries := home.waiting()):
                self.fail(f"{home.name} does not tick, and there wait {entries}")

    def is_quiet(self) -> bool:
        """Whether nothing more will happen by itself."""
        is_idle = all(job.status == "Suspended" for job in self.live.values())
        return is_idle and not any(home.is_ticking for home in self.installations)

    def uncopied(self) -> list[str]:
        """The buckets that are to be copied and are not, each with why."""
        found = []
        for home in self.installations:
            records = home.records()
            for bucket in self.buckets.values():
                if bucket.home is not home or not bucket.is_tagged:
                    continue
                record = records.get(bucket.name, Record())
                is_copied = record.job is not None and record.job.is_done
                if record.gap or record.retry or not is_copied:
                    found.append(f"{bucket.name}: {record}")
        return found


def check_of(bucket: Bucket, wish: str = Wish.CHECK, everything: bool = False) -> Asked:
    """A call of the function that makes jobs."""
    return "check", bucket, wish, everything
