"""A look at the queue: what it reads, whom it asks, and when it comes again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from functional.payload import ACCOUNT, environment
from s3_dr import aws
from s3_dr.aws import Budget
from s3_dr.jobs import mark_of
from s3_dr.queue import Missed, Queue, Turn
from s3_dr.record import Gap, Job, Record
from s3_dr.reports_bucket import QUEUE, key_of
from s3_dr.settings import Settings
from s3_dr.turns import Turns, TurnsError
from unit.jobs_world import NOW, Control, Objects, Schedule, at, job, ours, refusal

ENABLE = "arn:aws:lambda:us-west-2:111122223333:function:s3-dr-enable-replication"
GAP = Gap("g", since=at(), is_first=True)
WAITS, DONE = Record(gap=GAP), Record()
LATER = Record(gap=replace(GAP, not_before=at(minutes=9)))


class World:
    """An installation, and S3 beside it."""

    def __init__(self, *jobs: Any, seconds: float = 900.0, **variables: str) -> None:
        self.reports, self.control, self.schedule = Objects(), Control(*jobs), Schedule()
        self.asked: list[str] = []
        self.refused: set[str] = set()
        clients: Any = SimpleNamespace(
            source_s3=self.reports,
            source_control=self.control,
            source_events=self.schedule,
            source_functions=SimpleNamespace(invoke=self._invoke),
        )
        defaults = {
            "ENABLE_REPLICATION_ARN": ENABLE,
            "JOBS_RULE": "s3-dr-jobs",
            "REPORTS_BUCKET": "reports",
        }
        settings = Settings.from_environment(environment(**{**defaults, **variables}))
        self.budget = Budget(lambda: seconds, sleep=lambda _: None)
        self._made: Callable[[], Turns] = lambda: Turns(settings, clients, self.budget)

    def remember(self, bucket: str, record: Record, module: str = "s3-dr") -> None:
        self.reports.put(key_of(bucket), replace(record, module=module).to_json())

    def write(self, made: Queue) -> None:
        self.reports.put(QUEUE, json.dumps(made.as_dict()))

    def give(self, **how: bool) -> dict[str, Any]:
        """What is told; and afresh, what was read and who was asked."""
        self.reports.asked.clear()
        self.asked.clear()
        self.schedule.switched.clear()
        return self._made().give(**how)

    def look(self) -> dict[str, Any]:
        return self._made().look()

    @property
    def records_read(self) -> list[str]:
        keys = self.reports.keys("get_object")
        return [key for key in keys if key != QUEUE]

    @property
    def queue(self) -> Queue:
        queue = Queue._from_json(self.reports.texts[QUEUE])
        assert queue.etag == ""
        return queue

    def _invoke(self, **asked: Any) -> Any:
        assert (asked["FunctionName"], asked["InvocationType"]) == (ENABLE, "Event")
        event = json.loads(asked["Payload"])
        assert event == {
            "source": "s3-dr",
            "detail-type": "Bucket Check Requested",
            "account": ACCOUNT,
            "detail": {"bucket": event["detail"]["bucket"]},
        }
        self.asked.append(event["detail"]["bucket"])
        if self.asked[-1] in self.refused:
            raise refusal("TooManyRequestsException", "Invoke")


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "_clock", lambda: NOW)


def copies(number: int, **changes: Any) -> Record:
    """A record of a bucket whose job was made."""
    changes = {"status": "Active", "place": 0, **changes}
    return Record(job=Job(f"j-{number}", Gap("g"), at(), **changes))


def running(bucket: str, number: int, place: int = 0, status: str = "Active") -> Any:
    """That job, as S3 lists it."""
    return ours(number, place, status, bucket, mark_of(bucket, Gap("g")))


# --- what is read ------------------------------------------------------------


def test_only_records_that_changed_are_read() -> None:
    world = World()
    for name in ("a", "b", "c"):
        world.remember(name, LATER)

    assert world.give() == {"outcome": "turns_given", "queued": 0, "scheduled": 3, "asked": 0}
    assert world.records_read == [key_of(name) for name in ("a", "b", "c")]
    world.give()
    assert world.records_read == []
    assert world.reports.keys("put_object") == [], "there is nothing new to write"
    world.remember("b", DONE)
    assert world.give()["scheduled"] == 2
    assert world.records_read == [key_of("b")]


def test_a_record_that_is_gone_is_forgotten() -> None:
    world = World()
    world.remember("a", LATER)
    world.remember("b", replace(LATER, job=copies(1, status="Failed", ended_at=at()).job))
    world.give()
    world.write(replace(world.queue, missed={"b": Missed("m", 1, at())}))
    del world.reports.texts[key_of("b")]

    assert world.give()["scheduled"] == 1

    found = world.queue
    assert [each.keys() for each in (found.seen, found.entries, found.jobs, found.missed)] == [
        {"a"},
        {"a"},
        set(),
        set(),
    ]


def test_what_is_no_record_of_ours_is_passed_over_and_not_read_again() -> None:
    world = World()
    world.remember("theirs", WAITS, "another")
    world.remember("older", WAITS, "")
    world.reports.put(key_of("broken"), "{")

    assert world.give()["asked"] == 1
    assert world.asked == ["older"]
    world.give()
    assert world.records_read == []


def test_where_there_is_no_time_for_every_record_it_comes_again() -> None:
    world = World(seconds=29.0)
    world.remember("a", DONE)

    world.give(by_schedule=True)

    assert world.records_read == []
    assert world.schedule.switched == ["on"]
    assert world.queue.is_ticking is True


def test_without_a_reports_bucket_there_is_no_queue() -> None:
    assert World(REPORTS_BUCKET="").give() == {}


# --- the schedule ------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "is_ticking", "how", "switched"),
    [
        (WAITS, False, {}, ["on"]),
        (LATER, False, {}, ["on"]),
        (WAITS, True, {}, []),
        (WAITS, True, {"in_any_case": True}, ["on"]),
        # One that comes late does not know that the schedule is on still.
        (WAITS, False, {"by_schedule": True}, ["on"]),
        (DONE, True, {}, []),
        (DONE, False, {"in_any_case": True}, []),
        (DONE, True, {"by_schedule": True}, ["off"]),
        (DONE, False, {"by_schedule": True}, ["off"]),
    ],
    ids=str,
)
def test_it_comes_by_a_schedule_as_long_as_anything_waits(
    record: Record, is_ticking: bool, how: dict[str, bool], switched: list[str]
) -> None:
    world = World()
    world.remember("a", record)
    world.write(Queue(is_ticking=is_ticking))

    world.give(**how)

    assert world.schedule.switched == switched
    assert world.queue.is_ticking is (record is not DONE)


def test_who_began_to_wait_as_the_schedule_was_switched_off_is_seen() -> None:
    world = World()
    world.write(Queue(is_ticking=True))
    world.schedule.when_off = lambda: world.remember("a", WAITS)

    world.give(by_schedule=True)

    assert world.schedule.switched == ["off", "on"]
    assert world.queue.is_ticking is True
    world.give(by_schedule=True)
    assert world.asked == ["a"]


def test_without_a_schedule_none_is_switched() -> None:
    world = World(JOBS_RULE="")
    world.remember("a", WAITS)
    world.give()
    world.remember("a", DONE)

    world.give(by_schedule=True)

    assert world.schedule.switched == []


# --- who is asked ------------------------------------------------------------


def test_whose_turn_it_is_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    for number in range(6):
        gap = replace(GAP, since=at(minutes=number))
        world.remember(f"b-{number}", Record(gap=gap))

    assert world.give() == {"outcome": "turns_given", "queued": 6, "scheduled": 0, "asked": 4}

    assert world.asked == ["b-0", "b-1", "b-2", "b-3"]
    assert {turn.bucket for turn in world.queue.turns.values()} == {*world.asked}
    world.give()
    assert world.asked == ["b-0", "b-1", "b-2", "b-3"], "they may not have heard of it"
    monkeypatch.setattr(aws, "_clock", lambda: NOW + timedelta(minutes=2))
    assert world.give()["asked"] == 0, "it is too late for them"


@pytest.mark.parametrize(
    ("record", "jobs", "is_asked"),
    [
        (copies(1), [running("b", 1)], False),
        (copies(1), [], True),  # it has ended
        (copies(1), [running("b", 1, status="Complete")], True),
        (copies(1, ended_at=at(), status="Failed"), [], False),  # that is known
        # It has been counted, and waits for a yes; that is known; and it goes on.
        (copies(1, status="Preparing"), [running("b", 1, status="Suspended")], True),
        (copies(1, status="Suspended"), [running("b", 1, status="Suspended")], False),
        (copies(1, status="Suspended"), [running("b", 1)], False),
        # It is another one's: the same token.
        (copies(1), [running("another", 1)], True),
        (copies(1, place=-1), [job(1, description="s3-dr: existing objects of b")], False),
    ],
)
def test_whose_job_has_changed_is_asked(record: Record, jobs: list[Any], is_asked: bool) -> None:
    world = World(*jobs)
    world.remember("b", record)

    world.give()

    assert world.asked == (["b"] if is_asked else [])


def test_whose_job_was_made_and_not_noted_is_asked() -> None:
    made = ours(1, 0, "Active", "b", mark_of("b", GAP))
    world = World(made)
    world.remember("b", Record(gap=replace(GAP, begun="2026-03-02T09:00:00+00:00")))

    world.give()

    assert world.asked == ["b"]
    assert world.queue.turns == {}, "it has its job"


def test_who_was_asked_a_moment_ago_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.remember("b", copies(1))
    world.give()
    assert world.asked == ["b"]

    world.give()

    assert world.asked == []
    monkeypatch.setattr(aws, "_clock", lambda: NOW + timedelta(minutes=2))
    world.give()
    assert world.asked == ["b"]


def test_who_could_not_be_asked_is_named_and_the_others_are_asked() -> None:
    world = World()
    for name in ("a", "b", "c"):
        world.remember(name, WAITS)
    world.refused = {"b"}

    with pytest.raises(TurnsError, match=r"1 checks could not be asked for: b: .*TooManyRequests"):
        world.give()

    assert world.asked == ["a", "b", "c"]


# --- others at the same time -------------------------------------------------


def test_a_queue_that_was_written_meanwhile_is_read_again() -> None:
    world = World()
    world.remember("a", WAITS)
    world.remember("b", WAITS)
    others = [Queue(turns={3: Turn("b", mark_of("b", GAP), at())})]
    world.reports.before_put = lambda _: world.write(others.pop()) if others else None

    world.give()

    assert sorted(world.asked) == ["a", "b"]
    assert {turn.bucket for turn in world.queue.turns.values()} == {"a", "b"}
    assert world.records_read == [key_of("a"), key_of("b")], "each is read once"


def test_a_queue_that_is_written_all_the_time_is_an_error() -> None:
    world = World()
    world.remember("a", WAITS)
    world.reports.before_put = lambda _: world.write(Queue(last={0: str(len(world.reports.asked))}))

    naps: list[float] = []
    world.budget = Budget(lambda: 900.0, sleep=naps.append)
    with pytest.raises(TurnsError, match="again and again"):
        world.give()
    assert 45 < sum(naps) <= 60, "a whole fleet may begin to wait at once"

    assert world.asked == [], "nobody has a turn that nobody wrote down"


# --- looking only ------------------------------------------------------------


def row(bucket: str, **changes: Any) -> dict[str, Any]:
    numbers = {"total": 0, "succeeded": 0, "failed": 0}
    usual = {"status": "running", "place": 0, "kind": "resumed", "since": at(), "not_before": ""}
    return {"bucket": bucket, **usual, "is_large": False, "job": "", **numbers, **changes}


def test_a_look_tells_how_all_jobs_stand_and_changes_nothing() -> None:
    summary = {"TotalNumberOfTasks": 9, "NumberOfTasksSucceeded": 4, "NumberOfTasksFailed": 1}
    runs = {**running("b-runs", 1), "ProgressSummary": summary}
    large = {**running("b-large", 2), "ProgressSummary": {"TotalNumberOfTasks": 2_000_000}}
    world = World(
        runs,
        large,
        running("b-paused", 3, status="Paused"),
        running("b-parked", 4, status="Suspended"),
        running("b-asks", 5, status="Suspended"),
        job(20),
        job(21, "Suspended"),
    )
    records = {
        "a-first": WAITS,
        "a-late": Record(gap=replace(GAP, since=at(minutes=1))),
        "a-later": LATER,
        "b-runs": copies(1),
        "b-large": copies(2),
        "b-paused": copies(3),
        "b-parked": copies(4, status="Suspended", since=at(minutes=2), total=7),
        "b-asks": copies(5, status="Suspended", total=8),
        "b-failed": copies(6, status="Failed", ended_at=at(hours=1), failed=3),
        "b-some": copies(7, status="Complete", ended_at=at(hours=1), total=9, failed=3),
        "b-late": copies(9, status="Complete", total=9, failed=3),  # its report is waited for
        "b-done": copies(8, status="Complete", ended_at=at(hours=1)),
        "theirs": DONE,
    }
    for name, record in records.items():
        world.remember(name, record)

    found = world.look()

    rows = found.pop("jobs")
    assert found == {
        "active_jobs": 4,
        "at_once": 6,
        "held_by_ours": 2,
        "held_by_others": 1,
        "errors": [],
    }
    ended = {"status": "failed", "since": at(hours=1), "failed": 3}
    assert rows == [
        row("a-first", status="queued", place=2, kind="first"),
        row("a-late", status="queued", place=3, kind="first", since=at(minutes=1)),
        row("a-later", status="scheduled", kind="first", not_before=at(minutes=9)),
        row("b-asks", status="waiting", job="j-5"),
        row("b-failed", job="j-6", **ended),
        row("b-large", job="j-2", is_large=True, total=2_000_000),
        row("b-late", job="j-9", status="failed", total=9, failed=3),
        row("b-parked", status="queued", place=1, since=at(minutes=2), job="j-4", total=7),
        row("b-paused", status="paused", job="j-3"),
        row("b-runs", job="j-1", total=9, succeeded=4, failed=1),
        row("b-some", job="j-7", **ended, total=9),
    ]
    assert world.reports.keys("put_object") == []
    assert (world.asked, world.schedule.switched) == ([], [])


@pytest.mark.parametrize("what", ["queue", "jobs"])
def test_a_look_says_what_it_could_not_find_out(what: str) -> None:
    world = World()
    world.remember("a", WAITS)
    if what == "queue":
        world.reports.faults["list_objects_v2"] = refusal("AccessDenied")
    else:
        world.control.list_jobs = lambda **_: _raise()  # type: ignore[method-assign]

    found = world.look()

    [error] = found["errors"]
    assert error.startswith(f"{what}: ") and "AccessDenied" in error
    assert [each["bucket"] for each in found["jobs"]] == ([] if what == "queue" else ["a"])


def test_a_look_without_time_says_so() -> None:
    world = World(seconds=29.0)
    world.remember("a", WAITS)

    assert world.look()["errors"] == ["there was no time to read every record"]


def _raise() -> Any:
    raise refusal("AccessDenied")
