"""``s3-dr backfill``, ``sweep`` and ``release``."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from s3_dr_cli import commands, following, times, waiting
from s3_dr_cli.__main__ import main
from s3_dr_cli.output import Output
from s3_dr_cli.pace import Pace
from unit.cli_world import REGION, Call, Crash, World, world

__all__ = ["world"]

REPORT = "s3://s3-dr-reports/reports/photos/job-1/manifest.json"


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "sleep", lambda _: None)


class Replication:
    """What enable_replication answers, step by step, and what it was asked."""

    def __init__(self, world: World, *steps: dict[str, Any] | Exception, **first: Any) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._steps = list(steps)
        for kind in (
            "Bucket Backfill Requested",
            "Bucket Backfill Confirmed",
            "Bucket Check Requested",
            "Bucket Release Requested",
        ):
            world.does[kind] = partial(self._answer, kind)

    def _answer(self, kind: str, function: str, detail: dict[str, Any]) -> dict[str, Any]:
        assert function == "enable_replication"
        self.asked.append((kind, detail))
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        if isinstance(step, Exception):
            raise step
        (bucket,) = detail["buckets"]
        return {"results": [{"bucket": bucket, "outcome": "protected", **step}]}


def job(status: str, succeeded: int = 0, failed: int = 0, **more: Any) -> dict[str, Any]:
    counts = {"total": 10, "succeeded": succeeded, "failed": failed}
    return {"backfill": {"status": status, "job": "job-1", **counts, **more}}


# --- backfill ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], ("Bucket Backfill Requested", {"buckets": ["photos"], "everything": False})),
        (
            ["--everything"],
            ("Bucket Backfill Requested", {"buckets": ["photos"], "everything": True}),
        ),
        (["--confirm"], ("Bucket Backfill Confirmed", {"buckets": ["photos"]})),
    ],
)
def test_backfill_asks_once_and_does_not_wait(
    world: World, arguments: list[str], asked: tuple[str, dict[str, Any]]
) -> None:
    replication = Replication(world, job("preparing"))

    assert main(["backfill", "photos", *arguments]) == 0

    assert replication.asked == [asked]


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (job("wanted"), 0),
        (job("complete", 10), 0),
        (job("complete", 9, 1), 1),
        (job("waiting"), 1),
        (job("failed"), 1),
        ({"outcome": "blocked", "reason": "TWIN_NOT_MARKED", "remedy": "mark it"}, 1),
        ({"outcome": "ignored", "reason": "NO_PROFILE_MATCHES"}, 1),
        (Crash("ClientError", "no"), 1),
    ],
)
def test_backfill_s_exit_code(world: World, step: Any, code: int) -> None:
    Replication(world, step)

    assert main(["backfill", "photos"]) == code


def test_each_bucket_is_asked_for_once_and_errors_stay_apart(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(function: str, detail: dict[str, Any]) -> dict[str, Any]:
        (bucket,) = detail["buckets"]
        if bucket == "b":
            raise Crash("ClientError", "told so")
        return {"results": [{"bucket": bucket, "outcome": "protected", **job("wanted")}]}

    world.does["Bucket Backfill Requested"] = answer

    assert main(["backfill", "c", "b", "a", "c", "--json"]) == 1

    found = json.loads(capsys.readouterr().out)["buckets"]
    assert [(each["bucket"], each["outcome"], each["reason"]) for each in found] == [
        ("c", "protected", ""),
        ("b", "failed", "ClientError"),
        ("a", "protected", ""),
    ]
    assert len(world.invoked()) == 3


def test_wait_follows_the_job_with_checks_that_are_no_dry_runs(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    end = job("complete", 8, 2, reasons={"AccessDenied": 2}, report=REPORT)
    steps = (job("wanted"), job("preparing"), job("running", 4), job("running", 4), end)
    replication = Replication(world, *steps)

    assert main(["backfill", "photos", "--wait"]) == 1

    assert replication.asked[1:] == [("Bucket Check Requested", {"buckets": ["photos"]})] * 4
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "photos: wanted 0/10",
        "photos: preparing 0/10",
        "photos: running 4/10",
        "photos: 10/10, 2 failed",
    ]
    assert "2 objects not copied: AccessDenied 2" in said.out
    assert f"report: {REPORT}" in said.out


def test_wait_ends_when_a_person_is_needed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    Replication(world, job("preparing"), job("waiting"))

    assert main(["backfill", "photos", "--wait"]) == 1

    said = capsys.readouterr().out
    assert "10 are more than the profile allows unasked" in said
    assert "s3-dr backfill --confirm photos" in said


def test_wait_survives_single_errors(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    crash = Crash("ClientError", "SlowDown")
    steps = (job("running", 1), crash, crash, job("running", 2), crash, crash, job("complete", 10))
    Replication(world, *steps)

    assert main(["backfill", "photos", "--wait", "--json"]) == 0

    said = capsys.readouterr()
    assert json.loads(said.out)["buckets"][0]["backfill"]["status"] == "complete"


def test_wait_gives_up_after_errors_in_a_row(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    crash = Crash("ClientError", "AccessDenied")
    replication = Replication(world, job("running", 1), crash)

    assert main(["backfill", "photos", "--wait", "--json"]) == 1

    (found,) = json.loads(capsys.readouterr().out)["buckets"]
    assert (found["outcome"], found["detail"]) == ("failed", "AccessDenied")
    assert found["backfill"]["succeeded"] == 1, "What was last heard of the job is not lost."
    assert len(replication.asked) == 4


# --- a job that waits for its turn, and its end --------------------------------------------------
class Watched(Output):
    """An output that a person sees; what the bar and the line below it said is kept."""

    is_watched = True

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, int | None, str]] = []

    @contextmanager
    def progress(self, what: str, total: int | None) -> Iterator[Callable[..., None]]:
        yield lambda done, total=None, line="": self.seen.append((done, total, line))


@pytest.fixture
def moving(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that moves only while somebody waits."""
    slept: list[float] = []
    start = datetime(2026, 11, 28, 14, 0, tzinfo=UTC)
    monkeypatch.setattr(waiting, "sleep", slept.append)
    monkeypatch.setattr(times, "now", lambda: start + timedelta(seconds=sum(slept)))
    return slept


def queued(place: int) -> dict[str, Any]:
    since = "2026-11-28T12:00:00+00:00"
    return {"backfill": {"status": "queued", "place": place, "queue": 496, "since": since}}


def running(succeeded: int, status: str = "running", **more: Any) -> dict[str, Any]:
    numbers = {"total": 2000, "succeeded": succeeded, "failed": 0}
    return {"backfill": {"status": status, "job": "job-1", **numbers, **more}}


SCHEDULED = {"backfill": {"status": "scheduled", "not_before": "2026-11-28T14:15:00+00:00"}}


def test_wait_tells_the_place_then_the_counts_then_what_was_measured(
    world: World, capsys: pytest.CaptureFixture[str], moving: list[float]
) -> None:
    places = (queued(17), queued(17), queued(2), queued(1))
    counts = (running(0, "preparing"), running(0), running(400), running(500), running(1600))
    steps = (SCHEDULED, queued(0), *places, *counts, running(2000, "complete"))
    Replication(world, *steps)

    assert main(["backfill", "photos", "--wait"]) == 0

    assert capsys.readouterr().err.splitlines() == [
        "photos: scheduled, not before 14:15 UTC",
        "photos: queued, its place is not known yet",
        "photos: queued 17 of 496, 16 before it",
        "photos: queued 2 of 496, 1 before it",
        "photos: queued 1 of 496, the next to start",
        "photos: preparing 0/2,000",
        "photos: running 0/2,000",
        "photos: running 400/2,000; at this pace done about 14:04 UTC",
        "photos: running 500/2,000; at this pace done about 14:06 UTC, later than said (14:04 UTC)",
        "photos: running 1,600/2,000; at this pace done about 14:03 UTC",
        "photos: 2,000/2,000",
    ]


def test_an_end_that_does_not_come_is_taken_back(
    world: World, capsys: pytest.CaptureFixture[str], moving: list[float]
) -> None:
    stalled = [running(500)] * 40
    steps = (running(0), running(500), *stalled, running(600, "paused"), running(700))
    Replication(world, *steps, running(2000, "complete"))

    assert main(["backfill", "photos", "--wait"]) == 0

    said = capsys.readouterr().err.splitlines()
    assert said[1] == "photos: running 500/2,000; at this pace done about 14:00 UTC"
    again = said[2:-3]
    assert 5 < len(again) < 20, "It is said again, and not in every round."
    for before, line in pairwise(said[1:-3]):
        told = re.findall(r"\d\d:\d\d UTC", before)[0]
        assert line.startswith("photos: running 500/2,000; at this pace done about ")
        assert line.endswith(f", later than said ({told})")
    assert said[-3:] == [
        "photos: paused 600/2,000",
        "photos: running 700/2,000",
        "photos: 2,000/2,000",
    ]


def test_what_waits_in_the_queue_is_asked_about_less_often(
    world: World, moving: list[float]
) -> None:
    replication = Replication(world, *[queued(400)] * 100, running(2000, "complete"))

    assert main(["backfill", "photos", "--wait"]) == 0

    assert len(replication.asked) == 101
    seconds = sum(moving)
    assert seconds > 90 * 120, "Each is a check of the bucket: one in two minutes."
    late = Replication(world, *[running(1)] * 100, running(2000, "complete"))
    assert main(["backfill", "photos", "--wait"]) == 0
    assert len(late.asked) == 101
    assert sum(moving) - seconds < 101 * 30.1, "A job at work is looked at in every round."


def test_a_person_sees_a_bar_only_of_what_is_counted(moving: list[float]) -> None:
    steps = {
        "a": [running(0), running(500), running(1000), running(2000, "complete")],
        "b": [queued(17), queued(3), running(0, job="job-2"), running(500, job="job-2")],
    }
    steps["c"] = [queued(400), queued(390), running(2000, "complete")]
    steps["b"] += [running(1000, "paused", job="job-2"), running(2000, "complete", job="job-2")]

    def ask(names: Sequence[str]) -> dict[str, Any]:
        return {name: {"outcome": "protected", **steps[name].pop(0)} for name in names}

    output = Watched()
    following.follow(dict(ask(["a", "c", "b"])), ask, output)

    all_three = "3 buckets left: 2 queued, 1 running; the first of them is queued"
    assert output.seen == [
        (0, None, f"{all_three} 17 of 496, 16 before it"),
        (500, None, f"{all_three} 3 of 496, 2 before it"),
        (3000, 6000, "2 buckets left: 2 running"),
        (4500, 6000, "b: running 500/2,000; at this pace done about 14:00 UTC"),
        (5000, 6000, "b: paused 1,000/2,000"),
        (6000, 6000, ""),
    ]


def test_the_pace_of_one_job_says_nothing_of_the_next() -> None:
    pace, start = Pace(), datetime(2026, 11, 28, tzinfo=UTC)
    ends = []
    for minute, (job_id, done) in enumerate(
        [("one", 0), ("one", 500), ("two", 600), ("two", 1300), ("two", 2000)]
    ):
        pace.see(running(done, job=job_id)["backfill"], start + timedelta(minutes=minute))
        ends.append(pace.end and (pace.end - start) / timedelta(minutes=1))

    assert ends == [None, 4, None, 4, 4]


def test_an_end_that_no_calendar_has_is_not_told() -> None:
    pace, start = Pace(), datetime(2026, 11, 28, tzinfo=UTC)
    for done in (0, 1):
        facts = running(done, total=20_000_000_000)["backfill"]
        pace.see(facts, start + timedelta(minutes=done))

    assert pace.end is None


# --- sweep ---------------------------------------------------------------------------------------
def test_sweep_asks_by_an_event_in_the_source_region(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "--json"]) == 0

    (call,) = [call for call in world.calls if call.operation == "PutEvents"]
    assert call.region == REGION
    assert call.parameters["Entries"] == [
        {"Source": "s3-dr", "DetailType": "Sweep Requested", "Detail": "{}"}
    ]
    assert json.loads(capsys.readouterr().out) == {"requested": True, "event": "e-1"}


def test_an_event_that_was_not_taken_is_3(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    entry = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow\nly\x1b"}
    world.answers["PutEvents"] = {"FailedEntryCount": 1, "Entries": [entry]}

    assert main(["sweep"]) == 3

    assert capsys.readouterr().err.endswith("ThrottlingException: slow ly\\x1b\n")


# --- release -------------------------------------------------------------------------------------
@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_release_asks_first(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    code: int,
) -> None:
    replication = Replication(world, {"outcome": "released", "changes": ["PutBucketReplication"]})
    monkeypatch.setattr(commands, "is_interactive", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))

    assert main(["release", "photos"]) == code

    said = capsys.readouterr()
    assert "The rule s3-dr is taken off photos in us-west-2" in said.err
    assert "whose tag is still there gets its rule back at the next sweep" in said.err
    assert ("Nothing was changed." in said.err) is (code == 1)
    assert bool(replication.asked) is (code == 0)


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"outcome": "released"}, 0),
        ({"outcome": "ignored", "reason": "NO_RULE_OF_OURS"}, 0),
        ({"outcome": "ignored", "reason": "NO_SUCH_BUCKET"}, 1),
        ({"outcome": "blocked", "reason": "FOREIGN_REPLICATION_ROLE"}, 1),
        (Crash("ClientError", "no"), 1),
    ],
)
def test_release_of_named_buckets(
    world: World, capsys: pytest.CaptureFixture[str], step: Any, code: int
) -> None:
    replication = Replication(world, step)

    assert main(["release", "photos", "--yes", "--json"]) == code

    (found,) = json.loads(capsys.readouterr().out)["buckets"]
    assert found["bucket"] == "photos"
    assert replication.asked == [("Bucket Release Requested", {"buckets": ["photos"]})]


@pytest.mark.parametrize(
    ("answer", "code", "document"),
    [
        ({"released": 3, "left": []}, 0, {"released": 3, "left": [], "error": ""}),
        (
            {"released": 2, "left": [{"bucket": "b", "reason": "AccessDenied"}]},
            1,
            {"released": 2, "left": [{"bucket": "b", "reason": "AccessDenied"}], "error": ""},
        ),
        (
            Crash("NotReleased", "left: b (AccessDenied)"),
            1,
            {"released": None, "left": [], "error": "NotReleased: left: b (AccessDenied)"},
        ),
    ],
)
def test_release_all_is_the_sweep_s_work(
    world: World,
    capsys: pytest.CaptureFixture[str],
    answer: Any,
    code: int,
    document: dict[str, Any],
) -> None:
    def release(function: str, detail: dict[str, Any]) -> dict[str, Any]:
        assert function == "sweep"
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    world.does["Release Requested"] = release

    assert main(["release", "--all", "--yes", "--json"]) == code
    assert json.loads(capsys.readouterr().out) == document
    assert main(["release", "--all", "--yes"]) == code
    assert ("AccessDenied" in capsys.readouterr().out) is (code == 1)


@pytest.mark.parametrize(
    "arguments",
    [["release", "--all", "--yes"], ["release", "photos", "--yes"], ["backfill", "photos"]],
)
def test_what_changes_something_has_its_time_and_is_never_sent_twice(
    world: World, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    world.answers["Invoke"] = ReadTimeoutError(endpoint_url="https://lambda")

    assert main(arguments) == 3

    assert "Read timeout" in capsys.readouterr().err
    (call,) = world.invoked()
    assert attempts(call) == 1
    assert call.config.read_timeout > 900, "longer than any function may run"


def test_dry_runs_are_sent_again_when_they_were_throttled(world: World) -> None:
    assert main(["status", "photos"]) == 0

    for call in world.invoked():
        assert attempts(call) > 1
        assert call.config.read_timeout > 900


def attempts(call: Call) -> int:
    return int(call.config.retries["total_max_attempts"])
