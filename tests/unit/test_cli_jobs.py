"""``s3-dr jobs``: every job of an installation, and who holds the places."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from s3_dr_cli import times
from s3_dr_cli.__main__ import main
from unit.cli_world import Crash, World, world

__all__ = ["world"]

NOW = datetime(2026, 11, 28, 14, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _the_time_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "now", lambda: NOW)


def job(bucket: str, status: str, since: str = "12:00", **more: Any) -> dict[str, Any]:
    """A job as the sweep tells of it."""
    numbers = {"total": 0, "succeeded": 0, "failed": 0}
    facts = {"kind": "first", "not_before": "", "place": 0, "is_large": False, "job": ""}
    moment = f"2026-11-28T{since}:00+00:00"
    return {"bucket": bucket, "status": status, "since": moment, **facts, **numbers, **more}


EVERY = [
    job("acme-new", "scheduled", "14:02", not_before="2026-11-28T14:17:00+00:00"),
    job("acme-newest", "scheduled", "13:00", not_before="2026-11-28T14:19:00+00:00"),
    job("acme-unread", "queued", "10:00"),
    job("acme-third", "queued", "11:00", place=10),
    job("acme-second", "queued", "13:00", place=2),
    job("acme-retry", "queued", "13:45", place=1, kind="failed"),
    job("acme-gone", "cancelled"),
    job("acme-old", "failed", total=10, failed=10, kind="resumed"),
    job("acme-archive", "waiting", "08:00", total=5_000_000, is_large=True),
    job("acme-paused", "paused", total=100, succeeded=20),
    job("acme-logs", "preparing", "14:01"),
    job("acme-photos", "running", "13:00", total=2000, succeeded=897, failed=3),
    job("acme-video", "running", "02:00", total=48_200_117, succeeded=9_000_000, is_large=True),
]
OTHERS_HAVE = "our 4 places held; others have"
PLACES = {"held_by_ours": 4, "held_by_others": 1}


def rows(said: str) -> list[str]:
    """The rows of the table without the blanks that make its columns."""
    return [" ".join(line.split()) for line in said.split("\n\n")[0].splitlines()]


def test_a_person_reads_who_is_at_work_then_what_needs_a_person_then_the_queue(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.jobs = {**PLACES, "jobs": EVERY}

    assert main(["jobs"]) == 1

    said = capsys.readouterr().out
    assert "\x1b" not in said, "A file gets no colours."
    header, _, *table = rows(said)
    assert header == "bucket status kind age objects"
    assert table == [
        "acme-video running first 12 h 9,000,000/48,200,117, large",
        "acme-photos running first 65 min 900/2,000, 3 failed",
        "acme-logs preparing first 4 min",
        "acme-paused paused first 2 h 20/100",
        "acme-archive waiting first 6 h 0/5,000,000, large",
        "acme-old failed resumed 2 h 10/10, 10 failed",
        "acme-gone cancelled first 2 h",
        "acme-retry queued 1 retry 20 min",
        "acme-second queued 2 first 65 min",
        "acme-third queued 10 first 3 h",
        "acme-unread queued first 4 h",
        "acme-new scheduled, not before 14:17 UTC first 3 min",
        "acme-newest scheduled, not before 14:19 UTC first 65 min",
    ]
    assert said.split("\n\n")[1].splitlines() == [
        "13 jobs: 2 running, 1 preparing, 1 paused, 1 waiting, 1 failed, 1 cancelled, 4 queued, "
        "2 scheduled",
        "Waiting for a yes: s3-dr backfill --confirm acme-archive",
        "Failed; tried again by itself, eight times in all; sooner: s3-dr backfill acme-old",
        "Cancelled; to try again: s3-dr backfill acme-gone",
        "4 of our 4 places held; others have 1 job at work or waiting; 1 of S3's 6 left",
    ]
    (call,) = world.invoked()
    assert (call.function, call.event["detail-type"]) == ("sweep", "Jobs Look Requested")


@pytest.mark.parametrize("page", ["README.md", "docs/cli.md"])
def test_the_documents_show_what_is_printed(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    repo: Path,
    page: str,
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    names = ("acme-video", "acme-photos", "acme-archive", "acme-retry", "acme-second", "acme-new")
    shown = [each for each in EVERY if each["bucket"] in names]
    # Nothing waits as long as there is a place.
    shown.append(job("acme-docs", "running", "13:20", total=12_000, succeeded=4_000))
    shown.append(job("acme-mail", "preparing", "13:42"))
    world.jobs = {**PLACES, "jobs": shown}

    main(["jobs"])

    said = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
    text = (repo / page).read_text(encoding="utf-8")
    assert f"```text\n$ s3-dr jobs\n{said}\n```\n" in text


@pytest.mark.parametrize(
    "columns",
    ["80", "100", "130"],
)
def test_five_hundred_jobs_are_one_line_each(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    columns: str,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    names = [f"acme-production-{n:03}" for n in range(1, 493)]
    queue = [job(name, "queued", place=n) for n, name in enumerate(names, start=1)]
    others = [each for each in EVERY if each["status"] != "queued"]
    world.jobs = {**PLACES, "jobs": [*reversed(queue), *others[:8]]}

    main(["jobs"])

    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= int(columns)
    found, _, *table = rows(said)
    assert found == "bucket status kind age objects"
    assert len(table) == 500
    assert [row.split()[0] for row in table if " queued " in row] == names


def test_a_long_name_breaks_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    numbers: dict[str, Any] = {"total": 10**9, "succeeded": 10**8, "is_large": True}
    world.jobs = {"jobs": [job("b" * 63, "running", "02:00", **numbers), EVERY[0]]}

    main(["jobs"])

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("b" * 21 + "  running  "), "Most of it is on the first line."
    assert lines[2].endswith("first  12 h   100.0M/1,000.0M, large")
    assert any("scheduled 14:17 UTC" in line for line in lines)


@pytest.mark.parametrize(
    ("each", "code"),
    [
        *((each, 0) for each in EVERY if each["status"] in ("scheduled", "queued", "preparing")),
        (job("b", "paused"), 0),
        (job("b", "running", total=5, succeeded=5), 0),
        (job("b", "running", total=5, failed=1), 1),
        (job("b", "waiting"), 1),
        (job("b", "failed"), 1),
        (job("b", "cancelled"), 1),
    ],
)
def test_what_needs_a_person_is_1(world: World, each: dict[str, Any], code: int) -> None:
    world.jobs = {"jobs": [each]}

    assert main(["jobs"]) == code
    assert main(["jobs", "--only", "preparing"]) == code, "What is not shown counts."


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        (0, f"0 of {OTHERS_HAVE} 0 jobs at work or waiting; 6 of S3's 6 left"),
        (None, "how many places are held was not said"),
    ],
)
def test_what_was_not_found_out_is_1_and_its_numbers_are_doubted(
    world: World, capsys: pytest.CaptureFixture[str], others: int | None, sentence: str
) -> None:
    world.jobs = {"errors": ["ListJobs: AccessDenied\n\x1b"], "held_by_others": others}

    assert main(["jobs"]) == 1

    assert capsys.readouterr().out.splitlines() == [
        "0 jobs",
        f"As far as is known: {sentence}",
        r"Not found out, so there may be more jobs: ListJobs: AccessDenied \x1b",
    ]


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ((0, 0), f"0 of {OTHERS_HAVE} 0 jobs at work or waiting; 6 of S3's 6 left"),
        ((1, 1), f"1 of {OTHERS_HAVE} 1 job at work or waiting; 4 of S3's 6 left"),
        ((4, 8), f"4 of {OTHERS_HAVE} 8 jobs at work or waiting; 0 of S3's 6 left"),
    ],
)
def test_places(
    world: World, capsys: pytest.CaptureFixture[str], held: tuple[int, int], sentence: str
) -> None:
    world.jobs = dict(zip(("held_by_ours", "held_by_others"), held, strict=True))

    assert main(["jobs"]) == 0

    assert capsys.readouterr().out.splitlines() == ["0 jobs", sentence]


@pytest.mark.parametrize(
    ("before", "behind", "options"),
    [
        ([], [], ""),
        (["--region", "eu-west-1"], [], " --region eu-west-1"),
        (["--region", "x"], ["--profile", "dr", "--region", "y"], " --region y --profile dr"),
        ([], ["--name", "s3-dr"], " --name s3-dr"),
        (["--json"], ["--dr-profile", "dr"], " --dr-profile dr"),
    ],
)
def test_a_command_that_is_printed_is_about_the_same_installation(
    world: World,
    capsys: pytest.CaptureFixture[str],
    before: list[str],
    behind: list[str],
    options: str,
) -> None:
    """What the environment says, it says to that command too."""
    world.jobs = Crash("SweepError", "not something that a sweep does")

    main([*before, "jobs", *behind])

    assert f" s3-dr status{options} shows each bucket's job." in capsys.readouterr().err


def test_the_json_is_the_answer_as_it_is(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.jobs = {**PLACES, "jobs": EVERY, "news": "of a later version"}

    assert main(["jobs", "--json"]) == 1

    places = {"active_jobs": 4, "at_once": 6, **PLACES}
    answer = {**places, "errors": [], "jobs": EVERY, "news": "of a later version"}
    assert json.loads(capsys.readouterr().out) == answer

    main(["jobs", "--json", "--only", "queued,failed"])

    document = json.loads(capsys.readouterr().out)
    names = [each["bucket"] for each in document.pop("jobs")]
    assert names == ["acme-old", "acme-retry", "acme-second", "acme-third", "acme-unread"]
    assert document == {key: value for key, value in answer.items() if key != "jobs"}


def test_only_shows_some_and_counts_all(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.jobs = {**PLACES, "jobs": EVERY}

    assert main(["jobs", "--only", "running", "--only", "paused"]) == 1

    said = capsys.readouterr().out
    assert [row.split()[0] for row in rows(said)[2:]] == [
        "acme-video",
        "acme-photos",
        "acme-paused",
    ]
    assert "13 jobs: " in said and "Waiting for a yes" in said


def test_a_status_of_a_later_version_is_shown_last(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.jobs = {"jobs": [job("a", "dreaming"), job("b", "queued", place=1)]}

    assert main(["jobs"]) == 0

    said = capsys.readouterr().out
    assert [row.split()[:2] for row in rows(said)[2:]] == [["b", "queued"], ["a", "dreaming"]]
    assert "2 jobs: 1 queued, 1 dreaming" in said


@pytest.mark.parametrize("json_option", [[], ["--json"]])
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            Crash("SweepError", "not something that a sweep does: 'Jobs Look Requested'"),
            "The functions of s3-dr are older than this command and have no queue of jobs",
        ),
        (Crash("SettingsError", "no"), "The function s3-dr-sweep failed: SettingsError: no"),
        ({"jobs": None}, "The function s3-dr-sweep failed: UNEXPECTED_ANSWER: it names no jobs"),
    ],
)
def test_an_older_installation_is_one_sentence(
    world: World, capsys: pytest.CaptureFixture[str], answer: Any, sentence: str, json_option: Any
) -> None:
    world.jobs = answer

    assert main(["jobs", *json_option]) == 3

    said = capsys.readouterr()
    assert said.err.startswith(sentence) and said.err.count("\n") == 1
    assert said.out == ""
