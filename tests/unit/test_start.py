"""A bucket's job: which objects it is about, what is asked of S3, and what its answers mean."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functional.payload import checked, profiles, seen
from s3_dr import aws, start
from s3_dr.check import Check
from s3_dr.jobs import mark_of, token_of
from s3_dr.queue import Entry, Queue
from s3_dr.record import Gap, Job, Record
from s3_dr.reports_bucket import QUEUE
from unit.jobs_world import NOW, Control, Objects, Schedule, at, job, ours, refusal

BATCH_ROLE = "arn:aws:iam::111122223333:role/s3-dr-batch"
WAITS = Gap("g", since=at())


class Memory:
    """A memory that is nowhere, and counts how often it was saved."""

    def __init__(self, record: Record) -> None:
        self.record, self.saved = record, list[Record]()

    def save(self) -> None:
        """Keep it as it is."""
        self.saved.append(Record.from_json(self.record.to_json()))


class World:
    """One bucket that is to get its job."""

    def __init__(self, *jobs: Any, dry_run: bool = False, **fields: Any) -> None:
        self.reports, self.control, self.schedule = Objects(), Control(*jobs), Schedule()
        clients = SimpleNamespace(
            source_s3=self.reports,
            source_control=self.control,
            source_events=self.schedule,
            dr_s3=None,
        )
        bucket = fields.pop("bucket", "orders")
        self.check: Check = checked(
            clients,
            bucket,
            REPORTS_BUCKET="reports",
            BATCH_ROLE_ARN=BATCH_ROLE,
            JOBS_RULE="s3-dr-jobs",
            PROFILES=profiles(**fields),
        )
        object.__setattr__(self.check.request, "dry_run", dry_run)

    def go_on(self, record: Record) -> tuple[int, int]:
        """What the function does; where the bucket stands then."""
        self.memory = Memory(deepcopy(record))
        memory: Any = self.memory
        return start.go_on(self.check, seen(self.check), memory)

    def knows_last(self, place: int, job_id: str) -> None:
        """Have the queue know which job was last in a place."""
        self.reports.put(QUEUE, json.dumps(Queue(last={place: job_id}).as_dict()))

    @property
    def queue(self) -> Any:
        """What is written of the queue."""
        return json.loads(self.reports.texts[QUEUE])


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "_clock", lambda: NOW)


# --- which objects -----------------------------------------------------------


@pytest.mark.parametrize(
    ("gap", "statuses"),
    [
        (Gap("g"), ["NONE", "FAILED"]),
        (Gap("g", is_first=True), ["NONE", "FAILED", "REPLICA"]),
        (Gap("g", everything=True), []),
        (Gap("g", is_first=True, everything=True), []),
        (Gap("g", failed_only=True, everything=True), []),
        (Gap("g", failed_only=True), ["FAILED"]),
    ],
    ids=str,
)
def test_a_gap_says_which_objects(gap: Gap, statuses: list[str]) -> None:
    assert start.statuses_of(gap) == statuses


def test_a_gap_of_everything_has_no_statuses_at_all() -> None:
    """S3 takes an empty list for nothing, and there are statuses that it has no name for."""

    def wanted(gap: Gap) -> Any:
        return created(gap)["ManifestGenerator"]["S3JobManifestGenerator"]["Filter"]

    assert wanted(Gap("g", everything=True)) == {"EligibleForReplication": True}
    assert wanted(Gap("g")) == {
        "EligibleForReplication": True,
        "ObjectReplicationStatuses": ["NONE", "FAILED"],
    }


# --- which job ---------------------------------------------------------------


def created(gap: Gap, **fields: Any) -> dict[str, Any]:
    world = World(**fields)
    world.go_on(Record(gap=replace(gap, since=at())))
    [asked] = world.control.calls("create_job")
    return asked


def test_a_job_fits_s3s_limits() -> None:
    asked = created(Gap("g"), bucket="b" * 63)

    assert len(asked["ClientRequestToken"]) == 64
    assert len(asked["Description"]) <= 256
    assert asked["Operation"] == {"S3ReplicateObject": {}}
    assert asked["Priority"] == 8


@pytest.mark.parametrize(("limit", "asks"), [(None, False), (0, True), (5, True)])
def test_a_limit_has_s3_wait(limit: int | None, asks: bool) -> None:
    fields: dict[str, Any] = {} if limit is None else {"existing_objects_limit": limit}
    world = World(**fields)

    world.go_on(Record(gap=WAITS))

    [asked] = world.control.calls("create_job")
    assert asked["ConfirmationRequired"] is asks
    assert world.memory.record.job and world.memory.record.job.parks is asks


def test_an_old_boto3_that_knows_no_owner_of_reports_still_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert created(Gap("g"))["Report"]["ExpectedBucketOwner"] == "111122223333"
    monkeypatch.setattr(start, "knows", lambda *_: False)

    assert "ExpectedBucketOwner" not in created(Gap("g"))["Report"]


# --- its place ---------------------------------------------------------------


def test_a_job_is_made_in_a_place_and_remembered_there() -> None:
    world = World()

    assert world.go_on(Record(gap=replace(WAITS, is_first=True))) == (0, 0)

    record, mark = world.memory.record, mark_of("orders", replace(WAITS, is_first=True))
    [asked] = world.control.calls("create_job")
    assert asked["Description"] == f"s3-dr: existing objects of orders (place 3, {mark})"
    assert asked["ClientRequestToken"] == token_of(3, "", NOW)
    assert world.check.changes == ["CreateJob"]
    assert (record.gap, record.job and record.job.place) == (None, 3)
    before = world.memory.saved[0]
    assert before.gap and before.gap.begun, "it is known that there may be a job"
    assert world.queue["turns"]["3"]["job"] == world.queue["last"]["3"] == "j-100"
    assert world.schedule.switched == [], "nothing waits"


def test_who_said_yes_to_a_job_has_said_it_to_the_same_once_more() -> None:
    last = Job("j-1", Gap("g"), at(), status="Failed", ended_at=at(), confirmed=True)
    again, another = World(), World()

    again.go_on(Record(retry=Gap("j-1", attempt=2, since=at()), job=replace(last)))
    another.go_on(Record(gap=WAITS, job=replace(last)))

    assert again.memory.record.job and again.memory.record.job.confirmed
    assert another.memory.record.job and not another.memory.record.job.confirmed


def test_who_has_no_place_waits_and_has_the_schedule_switched_on() -> None:
    world = World(*(ours(number, place) for number, place in enumerate(range(4))))

    assert world.go_on(Record(gap=WAITS)) == (1, 1)

    assert world.control.calls("create_job") == []
    assert world.schedule.switched == ["on"]
    assert world.queue["is_ticking"] is True
    world.go_on(Record(gap=WAITS))
    assert world.schedule.switched == ["on"], "it is on"


def test_a_dry_run_says_where_the_bucket_stands_and_takes_no_turn() -> None:
    world = World(dry_run=True)
    entry = Entry.of("orders", Record(gap=WAITS))
    assert entry
    world.reports.put(QUEUE, json.dumps(Queue(entries={"orders": entry}).as_dict()))
    before = dict(world.reports.texts)

    assert world.go_on(Record(gap=WAITS)) == (1, 1)

    assert (world.reports.texts, world.schedule.switched) == (before, [])
    assert (world.control.calls("create_job"), world.check.changes) == ([], [])


def test_a_job_that_was_made_and_not_remembered_is_found() -> None:
    gap = replace(WAITS, begun=at(minutes=-5))
    made = ours(1, 2, "Complete", "orders", mark_of("orders", gap))
    world = World(made)

    world.go_on(Record(gap=gap))

    job = world.memory.record.job
    assert job and (job.id, job.place, job.gap.begun) == ("j-1", 2, "")
    assert world.control.calls("create_job") == []
    other = World(ours(1, 2, "Complete", "orders", "0" * 8))
    other.go_on(Record(gap=gap))
    assert len(other.control.calls("create_job")) == 1, "that one was for something else"


# --- how S3 refuses ----------------------------------------------------------


@pytest.mark.parametrize("code", ["TooManyRequests", "TooManyRequestsException"])
def test_too_many_jobs_are_a_wait_with_a_warning(code: str) -> None:
    world = World()
    world.control.refuse = refusal(code, "CreateJob")

    assert world.go_on(Record(gap=WAITS)) == (1, 1)

    assert world.check.changes == []
    [warning] = world.check.warnings
    assert warning.startswith("JOBS_FULL: ") and code in warning
    assert world.memory.record.gap == replace(WAITS, begun="")
    assert (world.queue["turns"], world.schedule.switched) == ({}, ["on"])


def test_any_other_refusal_is_an_error() -> None:
    world = World()
    world.control.refuse = refusal("AccessDenied", "CreateJob")

    with pytest.raises(ClientError, match="AccessDenied"):
        world.go_on(Record(gap=WAITS))


TAKEN = token_of(3, "j-5", NOW)
EITHER = pytest.mark.parametrize("says_first_job", [False, True], ids=["refused", "first job"])


@EITHER
@pytest.mark.parametrize("status", ["Complete", "Failed", "Cancelled", "Suspended"])
def test_a_place_that_another_had_meanwhile_is_taken_after_that(
    status: str, says_first_job: bool
) -> None:
    # Places in which a job is parked are the last to be taken.
    parked = [ours(20 + place, place, "Suspended") for place in range(3) if status == "Suspended"]
    world = World(*parked, ours(5, 3, "Complete"), ours(7, 3, status))
    world.knows_last(3, "j-5")
    world.control.says_first_job = says_first_job
    world.control.tokens[TAKEN] = "j-5"  # there were more since

    world.go_on(Record(gap=WAITS))

    [first, second] = world.control.calls("create_job")
    assert first["ClientRequestToken"] == TAKEN
    assert second["ClientRequestToken"] == token_of(3, "j-7", NOW)
    assert world.memory.record.job and world.memory.record.job.place == 3
    assert world.check.changes == ["CreateJob"]


@EITHER
@pytest.mark.parametrize("status", ["Active", "Paused"])
def test_a_place_that_another_took_a_moment_before_is_left_to_it(
    status: str, says_first_job: bool
) -> None:
    """S3's list did not have its job yet when the place was given."""
    world = World()
    world.knows_last(3, "j-5")
    world.control.says_first_job = says_first_job
    world.control.tokens[TAKEN] = "j-7"
    create = world.control.create_job

    def create_job(**asked: Any) -> Any:
        world.control.jobs.append(ours(7, 3, status))
        return create(**asked)

    world.control.create_job = create_job  # type: ignore[method-assign]

    assert world.go_on(Record(gap=WAITS)) == (1, 1)

    assert len(world.control.calls("create_job")) == 1
    assert (world.check.changes, world.check.warnings) == ([], [])
    assert world.queue["turns"] == {}
    assert world.schedule.switched == ["on"]


def test_a_queue_that_knows_of_no_job_asks_which_was_last() -> None:
    """Another installation's, or its own from before the queue was lost."""
    ended, at_work = World(ours(7, 3, "Complete")), World()
    ended.go_on(Record(gap=WAITS))

    [asked] = ended.control.calls("create_job")
    assert asked["ClientRequestToken"] == token_of(3, "j-7", NOW)
    at_work.go_on(Record(gap=WAITS))
    assert at_work.control.calls("create_job")[0]["ClientRequestToken"] == token_of(3, "", NOW)


@EITHER
def test_a_token_that_was_used_for_the_very_same_job_is_no_second_job(
    says_first_job: bool,
) -> None:
    made = ours(7, 3, "Complete", "orders", mark_of("orders", WAITS))
    world = World(made)
    world.knows_last(3, "j-5")
    world.control.says_first_job = says_first_job
    world.control.tokens[TAKEN] = "j-7"

    world.go_on(Record(gap=WAITS))

    assert world.memory.record.job and world.memory.record.job.id == "j-7"
    assert len(world.control.jobs) == 1


def test_a_turn_that_is_taken_too_late_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    world, passed = World(), [timedelta()]
    monkeypatch.setattr(aws, "_clock", lambda: NOW + passed[0])
    monkeypatch.setattr(
        Memory, "save", lambda _: passed.append(passed.pop() + timedelta(minutes=2))
    )

    assert world.go_on(Record(gap=WAITS)) == (1, 1)

    assert world.control.calls("create_job") == []
    assert world.queue["turns"] == {}


def test_a_job_that_s3_does_not_know_yet_is_taken_for_new() -> None:
    world = World()
    world.control.describe_job = lambda **_: _raise("NoSuchJob")  # type: ignore[method-assign]

    world.go_on(Record(gap=WAITS))

    assert world.memory.record.job and world.memory.record.job.id == "j-100"


def _raise(code: str) -> Any:
    raise refusal(code)


def test_a_job_that_is_counted_first_is_looked_after() -> None:
    counted, other = World(existing_objects_limit=5), World()
    for world in (counted, other):
        world.go_on(Record(gap=WAITS))

    assert (counted.schedule.switched, other.schedule.switched) == (["on"], [])


# --- a job that is there already ---------------------------------------------


@pytest.mark.parametrize("code", ["TooManyRequests", "TooManyRequestsException"])
def test_too_many_jobs_are_a_wait_for_a_counted_one_too(code: str) -> None:
    parked = ours(1, 2, "Suspended", "orders")
    world = World(parked)
    world.control.update_job_status = lambda **_: _raise(code)  # type: ignore[method-assign]
    last = Job("j-1", Gap("g"), at(), status="Suspended", place=2, since=at(), total=9)

    world.go_on(Record(job=last))

    [warning] = world.check.warnings
    assert warning.startswith("JOBS_FULL: ")
    assert world.check.changes == []
    assert world.memory.record.job == last, "it waits on"
    assert world.queue["turns"] == {}


def test_a_counted_job_goes_on_in_its_own_place() -> None:
    parked = ours(1, 2, "Suspended", "orders")
    world = World(parked, job(2))
    last = Job("j-1", Gap("g"), at(), status="Suspended", place=2, since=at(), total=9)

    assert world.go_on(Record(job=last)) == (0, 0)

    job_then = world.memory.record.job
    assert job_then and (job_then.status, job_then.since) == ("Ready", "")
    assert parked["Status"] == "Ready"
    assert world.check.changes == ["UpdateJobStatus"]
    assert world.queue["turns"]["2"]["job"] == "j-1"

    full = World(parked, ours(3, 2))
    waits = replace(last, status="Suspended", since=at())
    assert full.go_on(Record(job=waits)) == (1, 1)
    assert full.control.calls("update_job_status") == [], "another one has that place"
    assert (waits.status, full.check.changes) == ("Suspended", [])
