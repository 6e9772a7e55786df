"""The handlers' frame: many buckets in one invocation, what is logged, and what is raised."""

from __future__ import annotations

from typing import Any

import pytest

from functional.payload import Context, Functions, environment, event, message, sns_event
from s3_dr import destination, handlers
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
        ("Not a bucket", "WARNING"),
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
