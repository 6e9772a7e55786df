"""Jobs as S3 lists them: whose they are, which count, and by what S3 keeps ours apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from s3_dr.jobs import (
    AT_ONCE,
    KINDS,
    Listed,
    described,
    description_of,
    kind_of,
    last_in,
    listed,
    mark_of,
    priority_of,
    token_of,
)
from s3_dr.record import Gap
from unit.jobs_world import NOW, Control, job, ours, refusal

ACCOUNT = "111122223333"
OURS = "s3-dr: existing objects of orders"


@pytest.mark.parametrize(
    ("description", "module", "place", "mark"),
    [
        (f"{OURS} (place 3, 0a1b2c3d)", "s3-dr", 3, "0a1b2c3d"),
        (OURS, "s3-dr", None, ""),  # as they were called before there were places
        (f"another-{OURS} (place 0, 00000000)", "another-s3-dr", 0, "00000000"),
        ("", "", None, ""),
        ("Nightly copy", "", None, ""),
        (f"{OURS} (place 12, 0a1b2c3d)", "", None, ""),
        (f"{OURS} (place 3, 0A1B2C3D)", "", None, ""),
        (f"{OURS} (place 3, 0a1b2c3d) again", "", None, ""),
        (f"our {OURS}", "", None, ""),
    ],
)
def test_whose_a_job_is_its_description_tells(
    description: str, module: str, place: int | None, mark: str
) -> None:
    found = Listed.of(job(1, description=description))

    assert (found.module, found.place, found.mark) == (module, place, mark)
    assert found.is_ours is bool(module)
    assert found.bucket == ("orders" if module else "")


def test_a_description_is_read_as_it_was_written_and_fits_s3s_limit() -> None:
    bucket = "a.b-" + "9" * 59
    said = description_of("m" * 40, bucket, AT_ONCE - 1, mark_of(bucket, Gap("g")))

    found = Listed.of(job(1, description=said))

    assert (found.module, found.bucket, found.place) == ("m" * 40, bucket, AT_ONCE - 1)
    assert found.mark == mark_of(bucket, Gap("g"))
    assert len(said) <= 256


@pytest.mark.parametrize("summary", [{}, {"ProgressSummary": None}, {"ProgressSummary": {}}])
def test_a_job_without_numbers_has_zeros(summary: dict[str, Any]) -> None:
    found = Listed.of(job(1, **summary))

    assert (found.total, found.succeeded, found.failed) == (0, 0, 0)


HOLDS = {
    "New": True,
    "Preparing": True,
    "Ready": True,
    "Active": True,
    "Pausing": True,
    "Completing": True,
    "Cancelling": True,
    "Failing": True,
    "Suspended": False,
    "Paused": False,
    "Complete": False,
    "Failed": False,
    "Cancelled": False,
    "AnotherOne": True,  # in doubt
}


@pytest.mark.parametrize(("status", "holds"), HOLDS.items())
def test_which_status_holds_one_of_the_six(status: str, holds: bool) -> None:
    assert Listed.of(job(1, status)).holds_a_place is holds


def test_all_that_have_not_ended_are_asked_for_and_other_jobs_passed_over() -> None:
    jobs = [job(number, status) for number, status in enumerate(HOLDS)]
    control = Control(*jobs, job(99, Operation="S3PutObjectCopy"))

    found = listed(control, ACCOUNT)

    ended = {"Complete", "Failed", "Cancelled"}
    assert {each.status for each in found} == HOLDS.keys() - ended - {"AnotherOne"}
    [asked] = control.calls("list_jobs")
    assert (asked["AccountId"], asked["MaxResults"]) == (ACCOUNT, 1000)
    assert len(listed(control, ACCOUNT, ended=True)) == len(HOLDS)


@pytest.mark.parametrize("code", ["NoSuchJob", "NoSuchJobException", "NotFoundException"])
def test_a_job_that_s3_does_not_know_is_none(code: str) -> None:
    control = Control()
    control.describe_job = lambda **_: _raise(code)  # type: ignore[method-assign]

    assert described(control, ACCOUNT, "j-1") is None


def test_any_other_answer_is_an_error() -> None:
    control = Control()
    control.describe_job = lambda **_: _raise("AccessDenied")  # type: ignore[method-assign]

    with pytest.raises(ClientError, match="AccessDenied"):
        described(control, ACCOUNT, "j-1")


def _raise(code: str) -> Any:
    raise refusal(code)


@pytest.mark.parametrize(
    ("gap", "kind", "priority"),
    [
        (Gap("g", failed_only=True), "failed", 9),
        (Gap("g", attempt=2), "failed", 9),
        (Gap("g", attempt=2, is_first=True), "failed", 9),
        (Gap("g"), "resumed", 8),
        (Gap("g", everything=True, wanted=True), "resumed", 8),
        (Gap("g", is_first=True), "first", 7),
        (Gap("g", failed_only=True, is_large=True), "failed", 6),
        (Gap("g", is_large=True), "resumed", 5),
        (Gap("g", is_first=True, is_large=True), "first", 4),
    ],
    ids=str,
)
def test_each_kind_has_its_priority_below_that_of_others(
    gap: Gap, kind: str, priority: int
) -> None:
    assert (kind_of(gap), priority_of(gap)) == (kind, priority)
    assert kind in KINDS


def test_a_mark_is_that_of_what_the_job_is_about() -> None:
    gap = Gap("g")
    others = [
        ("others", gap),
        ("orders", Gap("h")),
        ("orders", Gap("g", attempt=2)),
        ("orders", Gap("g", everything=True)),
        ("orders", Gap("g", failed_only=True)),
        ("orders", Gap("g", is_first=True)),
    ]
    waits = replace(
        gap,
        since="t",
        not_before="t",
        is_large=True,
        begun="2026-03-02T09:00:00+00:00",
        after_put=True,
    )

    assert len({mark_of("orders", gap), *(mark_of(*other) for other in others)}) == 7
    assert mark_of("orders", gap) == mark_of("orders", waits), "and not of how long it waits"


def test_a_token_is_that_of_a_place_and_of_the_job_before() -> None:
    one = token_of(0, "j-1", NOW)

    assert len(one) == 64, "S3's limit"
    assert one == token_of(0, "j-1", NOW + timedelta(days=99))
    assert len({one, token_of(1, "j-1", NOW), token_of(0, "j-2", NOW), token_of(0, "", NOW)}) == 4
    later = NOW + timedelta(days=28)
    assert token_of(0, "", NOW) == token_of(0, "", later) != token_of(0, "", NOW.replace(month=4))


def test_the_last_in_a_place_is_the_one_made_last() -> None:
    jobs = [Listed.of(each) for each in (ours(3, 1), ours(7, 1, "Complete"), ours(9, 2), job(11))]

    assert [found and found.id for found in (last_in(place, jobs) for place in (0, 1, 2))] == [
        None,
        "j-7",
        "j-9",
    ]
