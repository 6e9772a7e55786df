"""``s3-dr status`` and ``s3-dr check``: what the functions say, put together."""

from __future__ import annotations

import io
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s3_dr_cli import waiting
from s3_dr_cli.__main__ import main
from s3_dr_cli.backfill import summary
from s3_dr_cli.fleet import State, combine
from s3_dr_cli.threads import in_threads
from s3_dr_cli.times import age
from s3_dr_cli.waiting import rounds
from unit.cli_world import Call, Crash, World, world

__all__ = ["world"]

SOURCE, DESTINATION, REPLICATION = (
    "source_bucket_check",
    "destination_bucket_check",
    "enable_replication",
)
BLOCKED = {"outcome": "blocked", "reason": "SOURCE_MFA_DELETE", "remedy": "turn MFA delete off"}
CREATE = {"outcome": "pending", "changes": ["CreateBucket", "PutBucketPolicy"]}
RUNNING = "running 1,000/2,000, 100 failed"
COMPLETE = {"status": "complete", "total": 1200, "succeeded": 1200, "failed": 0}


@pytest.fixture(autouse=True)
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits; the seconds add up on a clock of the tests' own."""
    slept: list[float] = []
    monkeypatch.setattr(waiting, "sleep", slept.append)
    monkeypatch.setattr(waiting, "monotonic", lambda: sum(slept))
    return slept


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main([*arguments, "--json"])
    said = capsys.readouterr()
    assert said.err == "", "Nobody watches: no progress."
    return code, json.loads(said.out)


def states(document: Any) -> dict[str, str]:
    return {each["bucket"]: each["state"] for each in document["buckets"]}


# --- putting together ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "state", "facts"),
    [
        ([], "protected", {"function": "", "changes": [], "reason": ""}),
        (
            [BLOCKED],
            "blocked",
            {"reason": "SOURCE_MFA_DELETE", "remedy": "turn MFA delete off", "function": SOURCE},
        ),
        ([{}, BLOCKED], "blocked", {"function": DESTINATION}),
        ([{}, {}, BLOCKED], "blocked", {"function": REPLICATION}),
        ([{"outcome": "pending", "changes": ["A"]}, BLOCKED], "blocked", {"changes": ["A"]}),
        (
            [{}, {}, {"outcome": "failed", "reason": "AccessDenied", "detail": "no"}],
            "failed",
            {"reason": "AccessDenied", "detail": "no", "function": REPLICATION},
        ),
        (
            [{"outcome": "pending", "changes": ["A", "B"]}, CREATE, {"changes": ["B", "C"]}],
            "pending",
            {"changes": ["A", "B", "CreateBucket", "PutBucketPolicy", "C"]},
        ),
        ([{}, CREATE, {"outcome": "failed", "reason": "AccessDenied"}], "failed", {}),
        (
            [{"outcome": "ignored", "reason": "NO_PROFILE_MATCHES", "detail": "no tag"}],
            "ignored",
            {"reason": "NO_PROFILE_MATCHES", "detail": "no tag"},
        ),
        # The tag is gone, and our rule is still to be taken off.
        ([{}, {"outcome": "ignored"}, {"outcome": "pending", "changes": ["A"]}], "pending", {}),
        ([{}, {"outcome": "ignored"}, {"outcome": "released"}], "ignored", {}),
        ([{}, {}, {"outcome": "passed_on"}], "failed", {"reason": "UNEXPECTED_ANSWER"}),
        ([{}, {}, {"outcome": "dreaming"}], "failed", {"reason": "UNEXPECTED_ANSWER"}),
        ([{}, {}, {"warnings": ["w"], "backfill": COMPLETE}], "protected", {"warnings": ["w"]}),
    ],
)
def test_one_bucket(
    world: World,
    capsys: pytest.CaptureFixture[str],
    said: list[dict[str, Any]],
    state: str,
    facts: dict[str, Any],
) -> None:
    world.buckets["photos"] = dict(zip((SOURCE, DESTINATION, REPLICATION), said, strict=False))

    code, document = run_json(capsys, "status", "photos")

    (found,) = document["buckets"]
    assert found["state"] == state
    assert {key: found[key] for key in facts} == facts
    assert code == (0 if state == "protected" else 1)


def test_functions_behind_a_refusal_are_not_asked(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.buckets["b"] = {SOURCE: BLOCKED}
    world.buckets["c"] = {DESTINATION: BLOCKED}

    run_json(capsys, "status", "a", "b", "c")

    asked = {call.function: call.event["detail"]["buckets"] for call in world.invoked()}
    assert asked == {SOURCE: ["a", "b", "c"], DESTINATION: ["a", "c"], REPLICATION: ["a"]}
    assert all(call.event["detail"]["dry_run"] is True for call in world.invoked())


@pytest.mark.parametrize(
    ("backfill", "code"),
    [
        (COMPLETE, 0),
        ({"status": "none"}, 0),
        ({"status": "running", "total": 5, "succeeded": 1}, 0),
        ({**COMPLETE, "failed": 3}, 1),
        ({"status": "waiting", "total": 5}, 1),
        ({"status": "failed"}, 1),
        ({"status": "cancelled"}, 1),
        ({"status": "queued", "place": 17, "queue": 496}, 0),
        ({"status": "scheduled", "not_before": "2026-11-28T14:20:00+00:00"}, 0),
        ({"status": "paused", "total": 5, "succeeded": 1}, 0),
    ],
)
def test_existing_objects_that_need_a_person_are_1(
    world: World, capsys: pytest.CaptureFixture[str], backfill: dict[str, Any], code: int
) -> None:
    world.tagged = ["photos"]
    world.buckets["photos"] = {REPLICATION: {"backfill": backfill}}

    found, document = run_json(capsys, "status")

    assert found == code
    assert document["buckets"][0]["state"] == "protected"
    assert document["buckets"][0]["backfill"] == backfill


@pytest.mark.parametrize(
    ("backfill", "shown"),
    [
        ({"status": "none"}, ""),
        ({"status": "wanted"}, "wanted"),
        ({"status": "preparing", "total": 0}, "preparing"),
        ({"status": "running", "total": 2000, "succeeded": 900, "failed": 100}, RUNNING),
        ({"status": "waiting", "total": 5000}, "waiting 5,000"),
        ({"status": "complete", "total": 0}, "nothing to copy"),
        ({"status": "complete", "total": 3, "succeeded": 3}, "3/3"),
        ({"status": "cancelled", "total": 3, "succeeded": 1}, "cancelled 1/3"),
    ],
)
def test_existing_objects_in_a_few_words(backfill: dict[str, Any], shown: str) -> None:
    assert summary(backfill) == shown


NOW = datetime(2026, 11, 28, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("backfill", "shown"),
    [
        ({"status": "queued", "place": 17, "queue": 1496}, "queued 17 of 1,496 for 2 h"),
        (
            {"status": "queued", "place": 1, "queue": 2, "total": 5000},
            "queued 1 of 2, 5,000 to copy for 2 h",
        ),
        ({"status": "queued"}, "queued for 2 h"),
        ({"status": "queued", "place": 0, "queue": 0}, "queued for 2 h"),
        (
            {"status": "scheduled", "not_before": "2026-11-28T15:20:00+01:00"},
            "scheduled, not before 14:20 UTC",
        ),
        (
            {"status": "scheduled", "not_before": "2026-11-29T00:02:00"},
            "scheduled, not before 2026-11-29 00:02 UTC",
        ),
        ({"status": "scheduled", "not_before": "soon"}, "scheduled"),
        ({"status": "wanted"}, "wanted for 2 h"),
        ({"status": "ignored"}, "ignored"),
        ({"status": "preparing", "total": 0}, "preparing for 2 h"),
        ({"status": "paused", "total": 10, "succeeded": 4}, "paused 4/10 for 2 h"),
        (
            {"status": "running", "total": 10, "succeeded": 4, "failed": 1},
            "running 5/10 for 2 h, 1 failed",
        ),
        ({"status": "waiting", "total": 5000}, "waiting 5,000 for 2 h"),
        ({"status": "failed", "total": 0}, "failed, begun 2 h ago"),
        ({"status": "cancelled", "total": 3, "succeeded": 1}, "cancelled 1/3, begun 2 h ago"),
        ({"status": "complete", "total": 3, "succeeded": 3}, "3/3"),
    ],
)
def test_existing_objects_with_their_age(backfill: dict[str, Any], shown: str) -> None:
    assert summary({**backfill, "since": "2026-11-28T12:00:00+00:00"}, NOW) == shown


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (timedelta(minutes=-5), "<1 min"),
        (timedelta(seconds=59), "<1 min"),
        (timedelta(minutes=89), "89 min"),
        (timedelta(minutes=90), "1 h"),
        (timedelta(hours=47, minutes=59), "47 h"),
        (timedelta(days=2), "2 d"),
    ],
)
def test_ages(ago: timedelta, shown: str) -> None:
    assert age((NOW - ago).isoformat(), NOW) == shown
    assert age((NOW - ago).replace(tzinfo=None).isoformat(), NOW) == shown, "it is taken for UTC"


@pytest.mark.parametrize("since", [None, "", 5, "yesterday"])
def test_an_age_that_is_not_known_is_not_made_up(since: object) -> None:
    assert age(since, NOW) == ""


# --- the fleet -----------------------------------------------------------------------------------
def test_the_json_of_status_has_these_keys(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.tagged = ["b", "a"]
    world.buckets["b"] = {SOURCE: BLOCKED}
    world.look = {"orphans": [{"twin": "x-dr", "source": "x", "reason": "gone"}], "released": ["y"]}

    code, document = run_json(capsys, "status")

    usual = {"reason": "", "detail": "", "remedy": "", "function": "", "backfill": {}}
    usual |= {"changes": [], "warnings": [], "profile": "standard"}
    assert code == 1
    assert document == {
        "summary": {
            "buckets": 2,
            "protected": 1,
            "pending": 0,
            "blocked": 1,
            "failed": 0,
            "ignored": 0,
        },
        "buckets": [
            {**usual, "bucket": "a", "twin": "a-dr", "state": "protected"},
            {
                **usual,
                "bucket": "b",
                "twin": "b-dr",
                "state": "blocked",
                "function": SOURCE,
                "reason": "SOURCE_MFA_DELETE",
                "remedy": "turn MFA delete off",
            },
        ],
        "orphans": [{"twin": "x-dr", "source": "x", "reason": "gone"}],
        "released": ["y"],
        "still_live": [],
        "trail": {"status": "ok", "detail": "", "trails": ["main"]},
        "errors": [],
    }


@pytest.mark.parametrize("outcome", ["pending", "failed"])
def test_a_rule_that_outlived_its_tag_is_told(
    world: World, capsys: pytest.CaptureFixture[str], outcome: str
) -> None:
    world.tagged, world.look = ["a"], {"released": ["kept", "live"]}
    world.buckets["live"] = {"enable_replication": {"outcome": outcome}}
    world.buckets["kept"] = {"enable_replication": {"outcome": "ignored"}}

    code, document = run_json(capsys, "status")

    assert (code, document["still_live"]) == (1, ["live"])
    main(["status"])
    assert "the rule is still there (s3-dr sweep): live" in capsys.readouterr().out


def test_named_buckets_keep_their_order_and_nobody_looks_further(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = run_json(capsys, "status", "b", "a", "b")

    assert code == 0
    assert list(states(document)) == ["b", "a"]
    assert document["orphans"] is document["trail"] is document["released"] is None
    assert not world.invoked("sweep")


def test_many_buckets_are_asked_about_in_batches_by_a_few_threads(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.tagged = [f"bucket-{n:04}" for n in range(157)]
    busy, most, lock = [0], [0], threading.Lock()

    def slowly(call: Call) -> None:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.02)
        with lock:
            busy[0] -= 1

    world.answers["Invoke"] = slowly

    code, document = run_json(capsys, "status")

    assert code == 0
    assert list(states(document)) == world.tagged
    asked = [call.event["detail"]["buckets"] for call in world.invoked(SOURCE)]
    assert sorted(map(len, asked)) == [7, *[25] * 6]
    assert sorted(bucket for batch in asked for bucket in batch) == world.tagged
    assert 2 <= most[0] <= 4


def test_no_bucket_is_no_trouble(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 0
    assert capsys.readouterr().out.strip() == "0 of 0 buckets protected"


def test_one_bucket_that_breaks_a_function_does_not_hide_the_others(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.tagged = [f"b{n}" for n in range(8)]
    world.buckets["b5"] = {DESTINATION: Crash("ClientError", "An error (AccessDenied) occurred")}

    code, document = run_json(capsys, "status")

    assert code == 1
    found = states(document)
    assert found.pop("b5") == "failed" and set(found.values()) == {"protected"}
    (broken,) = [each for each in document["buckets"] if each["state"] == "failed"]
    assert broken["reason"] == "ClientError" and "AccessDenied" in broken["detail"]
    assert len(world.invoked(DESTINATION)) == 7, "8, 4, 4, then only the half with the error"


@pytest.mark.parametrize("kind", ["SettingsError", "Runtime.ImportModuleError"])
def test_a_function_that_is_broken_itself_is_asked_once(
    world: World, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    world.tagged = [f"b{n}" for n in range(8)]
    world.buckets["b0"] = {SOURCE: Crash(kind, "no")}

    code, document = run_json(capsys, "status")

    assert (code, set(states(document).values())) == (1, {"failed"})
    assert len(world.invoked(SOURCE)) == 1


@pytest.mark.parametrize(
    "results",
    [
        None,
        [],
        ["protected"],
        [{"outcome": "ignored", "reason": "UNKNOWN_EVENT"}],
        [{"bucket": "other", "outcome": "passed_on"}],
    ],
)
def test_an_answer_without_the_bucket_is_never_taken_for_good(
    world: World, capsys: pytest.CaptureFixture[str], results: Any
) -> None:
    def answer(call: Call) -> dict[str, Any]:
        return {"Payload": _body({"results": results})}

    world.answers["Invoke"] = answer

    code, document = run_json(capsys, "status", "a", "b")

    assert code == 1
    assert states(document) == {"a": "failed", "b": "failed"}
    assert document["buckets"][0]["reason"] == "UNEXPECTED_ANSWER"


def test_a_name_that_can_be_no_bucket_s_is_told_by_its_place(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    ignored = {"outcome": "ignored", "reason": "NOT_A_BUCKET", "detail": "no name"}
    world.answers["Invoke"] = lambda _: {"Payload": _body({"results": [ignored]})}

    _, document = run_json(capsys, "status", "Not A Bucket")

    assert document["buckets"][0]["reason"] == "NOT_A_BUCKET"


def _body(document: Any) -> Any:
    return io.BytesIO(json.dumps(document).encode())


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("unknown", 0), ("missing", 1)])
def test_a_missing_trail_is_1(
    world: World, capsys: pytest.CaptureFixture[str], status: str, code: int
) -> None:
    world.look = {"trail": {"status": status, "detail": "nobody logs"}}

    assert main(["status"]) == code

    assert (f"CloudTrail: {status}: nobody logs" in capsys.readouterr().out) is (status != "ok")


def test_a_sweep_that_could_not_see_everything_is_1(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.look = {"errors": ["tagged: AccessDenied\n\x1b"]}

    assert main(["status"]) == 1

    said = capsys.readouterr().out
    assert r"there may be more buckets: tagged: AccessDenied \x1b" in said


@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("gone",), 1)])
def test_an_ignored_bucket_is_1_only_when_it_was_asked_for(
    world: World, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int
) -> None:
    world.tagged = ["gone"]
    world.buckets["gone"] = {SOURCE: {"outcome": "ignored", "reason": "NO_SUCH_BUCKET"}}

    assert main(["status", *arguments]) == code


def test_an_untagged_source_is_told_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.look = {
        "orphans": [{"twin": "a-dr", "source": "a", "reason": "SOURCE_UNTAGGED"}],
        "released": ["a", "b"],
    }

    assert main(["status"]) == 0

    assert "No longer tagged, twin kept: b\n" in capsys.readouterr().out


def test_only_shows_some_and_counts_all(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.tagged = ["a", "b", "c"]
    world.buckets["b"] = {SOURCE: BLOCKED}
    world.buckets["c"] = {DESTINATION: CREATE}

    _, document = run_json(capsys, "status", "--only", "blocked,pending")
    assert states(document) == {"b": "blocked", "c": "pending"}
    code, document = run_json(capsys, "status", "--only", "protected", "--only", "ignored")
    assert states(document) == {"a": "protected"}
    assert document["summary"]["buckets"] == 3
    assert code == 1, "What is not shown counts."


def test_a_person_reads_a_table_and_what_to_do(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.tagged = ["a", "b", "c", "d"]
    world.buckets["b"] = {SOURCE: BLOCKED}
    world.buckets["c"] = {DESTINATION: CREATE}
    failed = {**COMPLETE, "failed": 3, "succeeded": 1197, "report": "s3://r/m.json"}
    world.buckets["d"] = {REPLICATION: {"backfill": {**failed, "reasons": {"AccessDenied": 3}}}}

    assert main(["status"]) == 1

    said = capsys.readouterr().out
    assert "\x1b" not in said, "A file gets no colours."
    rows = {line.split()[0]: line.split() for line in said.splitlines() if line and line[0] > " "}
    assert rows["a"] == ["a"] or rows["a"][1:] == ["a-dr", "standard", "protected"]
    for words in (
        "turn MFA delete off",
        "to do: CreateBucket, PutBucketPolicy",
        "1,200/1,200, 3 failed",
        "3 objects not copied: AccessDenied 3",
        "report: s3://r/m.json",
        "2 of 4 buckets protected: 1 pending, 1 blocked",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (
            "failed",
            "the job is failed (oh); tried again by itself, eight times in all; sooner: s3-dr "
            "backfill photos",
        ),
        ("cancelled", "the job is cancelled (oh); to try again: s3-dr backfill photos"),
    ],
)
def test_what_becomes_of_a_job_that_ended_badly_is_told(
    world: World, capsys: pytest.CaptureFixture[str], status: str, sentence: str
) -> None:
    facts = {"status": status, "total": 0, "detail": "oh"}
    world.buckets["photos"] = {REPLICATION: {"backfill": facts}}

    main(["status", "photos"])

    assert f"  existing objects: {sentence}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("columns", "header"),
    [
        ("80", "bucket state existing objects"),
        ("100", "bucket profile state reason existing objects"),
        ("140", "bucket twin profile state reason existing objects"),
        ("", "bucket twin profile state reason existing objects"),
    ],
)
def test_a_narrow_terminal_gets_fewer_columns(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    columns: str,
    header: str,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    world.tagged = ["b" * 63]
    facts = {"status": "running", "total": 10**9, "succeeded": 10**8}
    world.buckets["b" * 63] = {REPLICATION: {"backfill": facts}}

    main(["status"])

    said = capsys.readouterr().out
    lines = said.splitlines()
    assert " ".join(lines[0].split()) == header
    assert max(map(len, lines)) <= int(columns or 1000)
    assert "protected" in lines[2], "The state is never broken."
    assert "running 100,000,000/1,000,000,000" in lines[2], "Nor is a number."
    assert ("b" * 63 in lines[2]) is (columns == ""), "A file gets a line for each bucket."


def test_the_summary_does_not_take_a_live_rule_for_copied_objects(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    facts: list[dict[str, Any]] = [
        {},
        {"status": "none"},
        COMPLETE,
        {**COMPLETE, "failed": 3},
        {"status": "queued", "place": 1, "queue": 2},
        {"status": "queued", "place": 2, "queue": 2},
        {"status": "scheduled"},
        {"status": "ignored"},
    ]
    world.tagged = [f"b{n}" for n in range(len(facts))]
    for name, each in zip(world.tagged, facts, strict=True):
        world.buckets[name] = {REPLICATION: {"backfill": each}}

    main(["status"])

    assert capsys.readouterr().out.splitlines()[-1] == (
        "8 of 8 buckets protected; existing objects of 5 not all copied: 2 queued, 1 with failed "
        "objects, 1 scheduled, 1 ignored"
    )


# --- check ---------------------------------------------------------------------------------------
def checked(function: str, detail: dict[str, Any]) -> dict[str, Any]:
    assert function == SOURCE and "dry_run" not in detail
    return {"results": [{"bucket": each, "outcome": "passed_on"} for each in detail["buckets"]]}


def test_check_waits_until_the_bucket_is_protected(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.does["Bucket Check Requested"] = checked
    looks = iter([CREATE, {"outcome": "failed", "reason": "NoSuchBucket"}, CREATE, {}])
    world.buckets["a"] = {DESTINATION: lambda: next(looks)}

    code, document = run_json(capsys, "check", "a")

    assert code == 0
    assert states(document) == {"a": "protected"}
    assert set(document) == {"summary", "buckets"}
    assert len(world.invoked(DESTINATION)) == 4


def test_check_ends_with_the_remedy_when_a_bucket_is_blocked(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.does["Bucket Check Requested"] = checked
    world.buckets["a"] = {REPLICATION: BLOCKED}

    assert main(["check", "a"]) == 1

    assert "turn MFA delete off" in capsys.readouterr().out


@pytest.mark.parametrize("outcome", ["blocked", "failed", "ignored"])
def test_check_does_not_wait_for_what_ended_at_once(
    world: World, capsys: pytest.CaptureFixture[str], outcome: str
) -> None:
    ended = {"outcome": outcome, "bucket": "a", "reason": "R", "remedy": "do this"}
    world.does["Bucket Check Requested"] = lambda *_: {"results": [ended]}

    code, document = run_json(capsys, "check", "a")

    assert (code, states(document)) == (1, {"a": outcome})
    assert len(world.invoked()) == 1


def test_check_gives_up_in_time(
    world: World, capsys: pytest.CaptureFixture[str], sleeps: list[float]
) -> None:
    world.does["Bucket Check Requested"] = checked
    world.buckets["a"] = {DESTINATION: CREATE}

    assert main(["check", "a", "b", "--timeout", "30"]) == 1

    said = capsys.readouterr()
    assert sum(sleeps) == pytest.approx(30)
    assert said.err == "Not done after 30 s: a\n"
    assert "1 of 2 buckets protected: 1 pending" in said.out


def test_check_with_no_time_looks_once(
    world: World, capsys: pytest.CaptureFixture[str], sleeps: list[float]
) -> None:
    world.does["Bucket Check Requested"] = checked

    code, _ = run_json(capsys, "check", "a", "--timeout", "0")

    assert (code, sleeps) == (0, [])


def test_check_without_waiting_only_asks(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.does["Bucket Check Requested"] = checked

    code, document = run_json(capsys, "check", "a", "--no-wait")

    assert code == 0
    assert document["buckets"] == [
        {
            "bucket": "a",
            "outcome": "passed_on",
            "twin": "",
            "profile": "",
            "reason": "",
            "detail": "",
            "remedy": "",
            "changes": [],
            "warnings": [],
            "backfill": {},
        }
    ]
    assert len(world.invoked()) == 1


# --- doing several things, and waiting -----------------------------------------------------------
def test_the_first_error_ends_the_work() -> None:
    begun: list[int] = []

    def work(n: int) -> int:
        begun.append(n)
        if n == 0:
            raise ValueError("zero")
        time.sleep(0.05)
        return n

    with pytest.raises(ValueError, match="zero"):
        list(in_threads(work, range(100), threads=2))
    time.sleep(0.2)

    assert len(begun) < 10, "What had not begun did not begin."


def test_rounds_grow_and_end(sleeps: list[float]) -> None:
    assert len(list(rounds(1, 4, timeout=10))) == 5
    assert sleeps == pytest.approx([1, 1.5, 2.25, 3.375, 1.875])


def test_every_state_is_one_that_combine_can_give() -> None:
    given = {
        combine("b", [(REPLICATION, {"outcome": outcome})]).state
        for outcome in ("protected", "pending", "blocked", "failed", "ignored")
    }
    assert given == set(State)
