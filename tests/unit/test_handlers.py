"""The handlers' frame: many buckets in one invocation, what is logged, and what is raised."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functional.living import by_bus, direct
from functional.payload import Context, Functions, environment, event, message, sns_event
from s3_dr import destination_bucket_check as destination
from s3_dr import handlers, sweep
from s3_dr.check import Check
from s3_dr.outcomes import Blocked, Ignored, Outcome, Reason
from s3_dr.settings import SettingsError

pytest_plugins = ["functional.payload"]


def step(check: Check) -> Outcome:
    """A step whose end the bucket's name tells."""
    match check.request.bucket.partition("-")[0]:
        case "blocked":
            raise Blocked(Reason.TWIN_NOT_LOCKED, "do this")
        case "ignored":
            raise Ignored(Reason.OTHER_REGION, "it is elsewhere")
        case "broken":
            raise RuntimeError(check.request.bucket)
    check.changes.append("PutBucketPolicy")
    return Outcome.PASSED_ON


@pytest.fixture
def stepping(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> Functions:
    monkeypatch.setattr(destination, "destination_bucket_check", step)
    return functions


def handle(*buckets: str) -> Any:
    sent = sns_event(*(message(bucket, f"c-{bucket}") for bucket in buckets))
    return handlers.destination_bucket_check(sent, Context())


def test_every_message_of_an_invocation_has_its_result(stepping: Functions) -> None:
    results = handle("fine-1", "blocked-1", "ignored-1")["results"]

    assert [(r["bucket"], r["outcome"], r.get("reason")) for r in results] == [
        ("fine-1", "passed_on", None),
        ("blocked-1", "blocked", "TWIN_NOT_LOCKED"),
        ("ignored-1", "ignored", "OTHER_REGION"),
    ]


def test_one_buckets_error_stops_no_other_and_is_raised_in_the_end(stepping: Functions) -> None:
    with pytest.raises(RuntimeError, match="broken-1"):
        handle("broken-1", "fine-1", "broken-2", "fine-2")

    outcomes = [line["outcome"] for line in stepping.log_lines()]
    assert outcomes == ["failed", "passed_on", "failed", "passed_on"], "all had their turn"


@pytest.mark.parametrize(
    ("bucket", "level"),
    [
        ("fine-1", "INFO"),
        ("ignored-1", "INFO"),
        ("blocked-1", "ERROR"),
        ("Not a bucket", "WARN"),
    ],
)
def test_the_level_tells_who_has_to_act(stepping: Functions, bucket: str, level: str) -> None:
    handle(bucket)

    assert [line["level"] for line in stepping.log_lines()] == [level]


def test_a_log_line_says_all_that_is_known(stepping: Functions) -> None:
    handle("fine-1")

    [line] = stepping.log_lines()
    assert line.pop("timestamp")
    assert line == {
        "level": "INFO",
        "message": "destination_bucket_check: passed_on",
        "function": "destination_bucket_check",
        "request_id": Context.aws_request_id,
        "correlation_id": "c-fine-1",
        "bucket": "fine-1",
        "outcome": "passed_on",
        "changes": ["PutBucketPolicy"],
    }


def test_a_blocked_bucket_comes_with_its_remedy(stepping: Functions) -> None:
    [result] = handle("blocked-1")["results"]

    assert result["remedy"] == "do this"
    assert stepping.log_lines()[0]["remedy"] == "do this"


def test_a_failure_says_what_it_was(stepping: Functions) -> None:
    with pytest.raises(RuntimeError):
        handle("broken-1")

    [line] = stepping.log_lines()
    assert (line["level"], line["reason"], line["detail"]) == ("ERROR", "RuntimeError", "broken-1")


def test_the_settings_are_read_when_an_event_comes(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in environment():
        monkeypatch.delenv(name)

    with pytest.raises(SettingsError, match=r"DR_ACCOUNT_ID.*TOPIC_02_ARN"):
        handlers.source_bucket_check(event("put_bucket_tagging"), Context())


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("", {"source_bucket_check", "destination_bucket_check", "enable_replication", "sweep"}),
        ("source_bucket_check", {"destination_bucket_check", "enable_replication", "sweep"}),
        ("destination_bucket_check", {"source_bucket_check", "enable_replication", "sweep"}),
        ("enable_replication", {"source_bucket_check", "destination_bucket_check", "sweep"}),
        ("sweep", {"source_bucket_check", "destination_bucket_check", "enable_replication"}),
    ],
)
def test_a_function_does_not_load_the_others(name: str, others: set[str]) -> None:
    code = f"""
import sys
from contextlib import suppress
from s3_dr import handlers
from s3_dr.settings import SettingsError
with suppress(SettingsError):  # there is no environment
    {f"handlers.{name}(None, None)" if name else "pass"}
print(*sys.modules)
"""
    path = str(Path(handlers.__file__).parents[1])
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert "s3_dr.check" in loaded
    assert not {f"s3_dr.{each}" for each in others} & {*loaded}
    assert (f"s3_dr.{name}" in loaded) is bool(name)


CHECK = "Bucket Check Requested"


def test_who_waits_finds_errors_in_the_results(stepping: Functions) -> None:
    sent = direct(CHECK, buckets=["broken-1", "fine-1", "broken-2"])

    results = handlers.destination_bucket_check(sent, Context())["results"]

    assert [result["outcome"] for result in results] == ["failed", "passed_on", "failed"]
    assert results[0]["detail"] == "broken-1"
    assert [line["level"] for line in stepping.log_lines()] == ["ERROR", "INFO", "ERROR"]


def test_what_a_bus_brought_is_raised(stepping: Functions) -> None:
    with pytest.raises(RuntimeError, match="broken-1"):
        handlers.destination_bucket_check(by_bus(CHECK, bucket="broken-1"), Context())


def test_a_dry_run_with_something_to_change_is_pending(stepping: Functions) -> None:
    sent = direct(CHECK, buckets=["fine-1", "blocked-1", "ignored-1"], dry_run=True)

    results = handlers.destination_bucket_check(sent, Context())["results"]

    assert [result["outcome"] for result in results] == ["pending", "blocked", "ignored"]
    assert results[0]["changes"] == ["PutBucketPolicy"]


@pytest.mark.parametrize(
    ("name", "wishes"),
    [
        ("source_bucket_check", {CHECK}),
        ("destination_bucket_check", {CHECK}),
        (
            "enable_replication",
            {
                CHECK,
                "Bucket Backfill Requested",
                "Bucket Backfill Confirmed",
                "Bucket Release Requested",
            },
        ),
    ],
)
def test_each_function_knows_its_requests_and_no_others(
    functions: Functions, monkeypatch: pytest.MonkeyPatch, name: str, wishes: set[str]
) -> None:
    monkeypatch.setattr(f"s3_dr.{name}.{name}", lambda _: Outcome.PASSED_ON)
    known = set()
    for wish in (
        CHECK,
        "Bucket Backfill Requested",
        "Bucket Backfill Confirmed",
        "Bucket Release Requested",
        "Sweep Requested",
        "Release Requested",
        "bucket check requested",
    ):
        result = functions.only(getattr(handlers, name), direct(wish, buckets=["orders"]))
        if result["outcome"] == "passed_on":
            known.add(wish)
        else:
            assert result["reason"] == "UNKNOWN_EVENT"

    assert known == wishes


class Swept:
    """A sweep that only says what it was asked for."""

    report: dict[str, Any] = {"outcome": Outcome.SWEPT, "orphans": []}  # noqa: RUF012

    def __init__(self, *_: object) -> None:
        self.run = lambda: {**self.report, "did": "run"}
        self.look = lambda: {"did": "look", "orphans": []}
        self.release_all = lambda: {"outcome": Outcome.RELEASED, "did": "release"}
        self.leave = lambda: {"outcome": Outcome.RELEASED, "did": "leave"}
        self.turns = SimpleNamespace(
            look=lambda: {"did": "look at jobs"},
            give=lambda *, by_schedule: {
                "outcome": Outcome.TURNS_GIVEN,
                "did": f"turns {'by schedule' if by_schedule else 'at once'}",
            },
        )

    def ask_after_an_apply(self) -> None:
        raise AskedError


class AskedError(Exception):
    """The sweep was only asked for."""


@pytest.fixture
def sweeping(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> Functions:
    monkeypatch.setattr(sweep, "Sweep", Swept)
    return functions


SCHEDULE = {"source": "aws.events", "detail-type": "Scheduled Event", "account": "1"}
TICK = {"source": "s3-dr", "detail-type": "Job Turns Requested", "detail": {"scheduled": True}}


@pytest.mark.parametrize(
    ("sent", "did"),
    [
        (SCHEDULE, "run"),
        ({}, "run"),
        (None, "run"),
        ([], "run"),
        ({"source": "s3-dr", "detail-type": "Sweep Requested"}, "run"),
        ({"source": "s3-dr", "detail-type": "Sweep Requested", "account": "1"}, "run"),
        ({"source": "s3-dr", "detail-type": "Sweep Look Requested"}, "look"),
        ({"source": "s3-dr", "detail-type": "Jobs Look Requested"}, "look at jobs"),
        ({"source": "s3-dr", "detail-type": "Job Turns Requested"}, "turns at once"),
        (TICK, "turns by schedule"),
        (event("batch_job_status_changed"), "turns at once"),
        ({"source": "s3-dr", "detail-type": "Release Requested"}, "release"),
        (
            {"source": "s3-dr", "detail-type": "Release Requested", "tf": {"action": "delete"}},
            "leave",
        ),
        ({"source": "aws.s3", "detail-type": "Release Requested"}, "run"),
    ],
    ids=str,
)
def test_what_the_sweep_does(sweeping: Functions, sent: object, did: str) -> None:
    assert handlers.sweep(sent, Context())["did"] == did


@pytest.mark.parametrize("action", ["create", "update"])
def test_terraform_making_the_release_releases_nothing(sweeping: Functions, action: str) -> None:
    sent = {"source": "s3-dr", "detail-type": "Release Requested", "tf": {"action": action}}

    assert handlers.sweep(sent, Context()) == {}


def test_terraform_only_asks_for_a_sweep(sweeping: Functions) -> None:
    sent = {"source": "s3-dr", "detail-type": "Sweep Requested", "tf": {"action": "create"}}

    with pytest.raises(AskedError):
        handlers.sweep(sent, Context())
    [line] = sweeping.log_lines()
    assert (line["level"], line["reason"]) == ("ERROR", "AskedError"), "an error is told and raised"


@pytest.mark.parametrize(
    ("report", "level"),
    [
        ({"outcome": Outcome.SWEPT}, "INFO"),
        ({"outcome": Outcome.BLOCKED, "reason": Reason.NO_TRAIL}, "ERROR"),
    ],
)
def test_the_level_tells_whether_a_sweep_needs_somebody(
    sweeping: Functions, monkeypatch: pytest.MonkeyPatch, report: Any, level: str
) -> None:
    monkeypatch.setattr(Swept, "report", report)

    handlers.sweep(SCHEDULE, Context())

    [line] = sweeping.log_lines()
    assert (line["level"], line["function"]) == (level, "sweep")
    assert line["request_id"] == Context.aws_request_id


def test_a_sweep_that_failed_is_logged_in_full_and_raised(
    sweeping: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = {"outcome": Outcome.FAILED, "reason": "SweepError", "detail": "twins: no", "sent": 7}
    monkeypatch.setattr(Swept, "report", report)

    with pytest.raises(sweep.SweepError, match="twins: no") as caught:
        handlers.sweep(SCHEDULE, Context())

    # A failed destroy shows the whole of it.
    ours = [frame for frame in caught.traceback if "s3_dr" in Path(frame.path).parts]
    assert len(ours) == 1, f"the sentence and one line of a stack trace: {ours}"
    [line] = sweeping.log_lines()
    assert (line["level"], line["sent"], line["detail"]) == ("ERROR", 7, "twins: no")


def test_turns_that_were_given_are_told(sweeping: Functions) -> None:
    handlers.sweep(TICK, Context())

    [line] = sweeping.log_lines()
    assert (line["level"], line["outcome"]) == ("INFO", "turns_given")
    assert "orphans" not in line, "nobody looked for any"


def test_ten_thousand_orphans_do_not_swell_the_log(
    sweeping: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = {"twin": "t" * 63, "source": "s" * 63, "reason": "SOURCE_UNTAGGED"}
    report = {"outcome": Outcome.SWEPT, "orphans": [orphan] * 10_000}
    monkeypatch.setattr(Swept, "report", report)

    answer = handlers.sweep(SCHEDULE, Context())

    assert len(answer["orphans"]) == 10_000
    [line] = sweeping.log_lines()
    assert len(line["orphans"]) == 100, "of a record CloudWatch takes 256 KB"


def test_the_budget_of_a_sweep_is_lambdas_time(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def made(_: object, __: object, budget: Any) -> Any:
        seen.append(budget.remaining())
        return SimpleNamespace(run=lambda: {})

    monkeypatch.setattr(sweep, "Sweep", made)
    handlers.sweep(SCHEDULE, Context(123.0))

    assert seen == [123.0]
