"""The record of a bucket: whoever wrote it, it is read; where it changed, it is written."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from functional.payload import checked
from s3_dr.aws import now
from s3_dr.record import Gap, Job, Memory, Record, Superseded

TEXT = st.text(max_size=8)
TIME = st.just("") | st.datetimes().map(lambda moment: moment.isoformat())
GAP = st.builds(
    Gap,
    TEXT,
    everything=st.booleans(),
    failed_only=st.booleans(),
    is_first=st.booleans(),
    after_put=st.booleans(),
    wanted=st.booleans(),
    attempt=st.integers(1, 9),
    failures=TEXT,
    since=TIME,
    not_before=TIME,
    is_large=st.booleans(),
    begun=TIME,
)
JOB = st.builds(
    Job,
    TEXT,
    GAP,
    TIME,
    status=TEXT,
    ended_at=TIME,
    total=st.integers(0, 9),
    reasons=st.dictionaries(TEXT, st.integers(0, 9), max_size=2),
    confirmed=st.booleans(),
    place=st.integers(-1, 5),
    parks=st.booleans(),
    since=TIME,
)
RECORD = st.builds(
    Record,
    profile=TEXT,
    rule=TEXT,
    life=TEXT,
    put_back=st.lists(TEXT, max_size=3),
    gap=st.none() | GAP,
    retry=st.none() | GAP,
    job=st.none() | JOB,
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
# What `Memory` takes for a record that cannot be read.
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "AnyOperation")


class Store:
    """The reports bucket, with S3's conditional writes."""

    def __init__(self, body: bytes | None = None) -> None:
        self.body, self.version = body, 1
        self.asked: list[dict[str, Any]] = []
        self.fault: Exception | None = None

    def get_object(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if self.fault:
            raise self.fault
        if self.body is None:
            raise error("NoSuchKey")
        return {"Body": io.BytesIO(self.body), "ETag": f'"{self.version}"'}

    def put_object(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if self.fault:
            raise self.fault
        if asked.get("IfNoneMatch") == "*" and self.body is not None:
            raise error("PreconditionFailed")
        if "IfMatch" in asked and asked["IfMatch"] != f'"{self.version}"':
            raise error("PreconditionFailed")
        assert ("IfMatch" in asked) != ("IfNoneMatch" in asked), "never without a condition"
        self.body, self.version = asked["Body"], self.version + 1
        return {"ETag": f'"{self.version}"'}

    @property
    def writes(self) -> int:
        return sum("Body" in asked for asked in self.asked)


def memory(store: Store, dry_run: bool = False, **variables: str) -> Memory:
    clients = SimpleNamespace(source_s3=store, dr_s3=None)
    check = checked(clients, **{"REPORTS_BUCKET": "reports", **variables})
    object.__setattr__(check.request, "dry_run", dry_run)
    return Memory(check)


@given(RECORD)
def test_what_is_written_is_read(record: Record) -> None:
    assert Record.from_json(record.to_json()) == record


@given(RECORD, JSON, st.text(min_size=1))
def test_fields_of_a_newer_version_are_passed_over(record: Record, value: Any, name: str) -> None:
    data, field = asdict(record), f"new {name}"
    data[field] = value
    for part in (data["gap"], data["retry"], data["job"], (data["job"] or {}).get("gap")):
        if part:
            part[field] = value

    assert Record.from_json(json.dumps(data)) == record


@given(JSON)
def test_any_json_is_a_record_or_cannot_be_read(value: Any) -> None:
    try:
        found = Record.from_json(json.dumps(value))
    except UNREADABLE:
        return
    assert isinstance(found, Record)


@given(JSON, JSON, JSON)
def test_odd_parts_are_parts_or_cannot_be_read(gap: Any, retry: Any, job: Any) -> None:
    try:
        found = Record.from_json(json.dumps({"gap": gap, "retry": retry, "job": job}))
    except UNREADABLE:
        return
    assert found.gap is None or isinstance(found.gap, Gap)
    assert found.retry is None or isinstance(found.retry, Gap)
    assert found.job is None or isinstance(found.job.gap, Gap)


def test_what_is_not_written_has_its_default() -> None:
    assert Record.from_json("{}") == Record()
    text = '{"job": {"id": "j", "created_at": "2026-03-02T09:03:08", "gap": {"id": "g"}}}'
    assert Record.from_json(text).job == Job("j", Gap("g"), "2026-03-02T09:03:08")
    assert (Gap("g").attempt, Gap("g").everything, Gap("g").failed_only) == (1, False, False)


def test_a_bucket_without_a_record_is_new() -> None:
    found = memory(Store())

    assert found.is_new and found.is_kept and not found.is_lost
    assert found.record == Record()
    found.require_read()


def test_the_first_write_may_not_overwrite() -> None:
    store = Store()
    one, other = memory(store), memory(store)
    one.record.since = "2026-03-02T09:00:00+00:00"
    one.save()

    assert not one.is_new
    with pytest.raises(Superseded, match="orders"):
        other.save()
    assert Record.from_json((store.body or b"").decode()) == one.record


def test_a_later_write_may_not_overwrite_what_it_has_not_read() -> None:
    store = Store(Record(profile="x").to_json().encode())
    one, other = memory(store), memory(store)
    one.record.profile, other.record.profile = "one", "other"
    one.save()

    with pytest.raises(Superseded):
        other.save()
    one.record.profile = "one more"
    one.save()
    assert b"one more" in (store.body or b""), "its own write is no conflict"


# The last one: it was taken away since it was read.
@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"])
def test_a_conflict_is_superseded(code: str) -> None:
    found = memory(Store())
    found._check.clients.source_s3.fault = error(code)  # type: ignore[attr-defined]

    with pytest.raises(Superseded):
        found.save()


@pytest.mark.parametrize("code", ["AccessDenied", "SlowDown", "NoSuchBucket"])
def test_any_other_answer_to_a_write_is_an_error(code: str) -> None:
    store = Store()
    found = memory(store)
    store.fault = error(code)

    with pytest.raises(ClientError, match=code):
        found.save()


@pytest.mark.parametrize(
    ("fault", "is_lost"),
    [
        (error("AccessDenied"), False),
        (error("SlowDown"), False),
        (error("NoSuchBucket"), True),
        (EndpointConnectionError(endpoint_url="https://s3"), False),
    ],
    ids=str,
)
def test_any_other_answer_to_a_read_is_told_at_the_end(fault: Any, is_lost: bool) -> None:
    """What there is may be there tomorrow, so nothing is written over it."""
    store = Store(b"{}")
    store.fault = fault

    found = memory(store)

    assert (found.is_new, found.is_kept, found.is_lost) == (True, False, is_lost)
    assert found.record == Record()
    store.fault = None
    found.record.profile = "x"
    found.save()
    assert store.writes == 0
    with pytest.raises(type(fault)) as caught:
        found.require_read()
    assert caught.value is fault


def test_what_did_not_change_is_not_written() -> None:
    store = Store(Record(profile="x").to_json().encode())
    found = memory(store)

    found.save()
    assert store.writes == 0
    found.record.put_back.append(now())
    found.save()
    found.save()
    assert store.writes == 1


def test_a_record_of_an_older_version_is_not_written_for_its_looks() -> None:
    store = Store(b'{ "profile" :"x"}')

    memory(store).save()

    assert store.writes == 0


def test_a_dry_run_and_a_missing_place_write_nothing() -> None:
    store = Store()
    memory(store, dry_run=True).save()
    assert store.writes == 0

    without = memory(store, REPORTS_BUCKET="")
    asked = len(store.asked)
    without.save()
    assert not without.is_kept
    assert without.record == Record(), "and so no gap"
    assert len(store.asked) == asked


def test_every_call_names_the_owner_and_the_place() -> None:
    store = Store()
    memory(store).save()

    for asked in store.asked:
        assert asked["ExpectedBucketOwner"] == "111122223333"
        assert (asked["Bucket"], asked["Key"]) == ("reports", "state/orders.json")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"gap": 1}'])
def test_what_cannot_be_read_is_begun_anew_and_warned_of(body: bytes) -> None:
    store = Store(body)
    found = memory(store)

    assert found.record == Record()
    assert "could not be read" in found._check.warnings[0]
    assert found.is_new and found.is_kept
    found.require_read()
    found.save()
    assert store.asked[-1]["IfMatch"] == '"1"', "it is there, so it is overwritten on condition"
    assert store.writes == 1


# --- gaps --------------------------------------------------------------------


def opened(record: Record, **fields: bool) -> Gap:
    record.open_gap(**fields)
    assert record.gap
    return record.gap


@pytest.mark.parametrize("wanted", [True, False])
def test_a_gap_that_is_open_keeps_its_id_and_all_it_is_about(wanted: bool) -> None:
    before = Gap("g", everything=True, is_first=True, after_put=True, wanted=wanted)

    assert opened(Record(gap=replace(before))) == before


def test_a_gap_grows() -> None:
    record = Record(gap=Gap("g", failed_only=True, attempt=3))

    assert opened(record, wanted=True) == Gap("g", wanted=True)
    assert opened(record, everything=True) == Gap("g", everything=True, wanted=True)
    assert opened(record, after_put=True) == Gap("g", everything=True, after_put=True, wanted=True)


UNDONE = [
    {"status": "Active"},
    {"status": "Suspended"},
    {"status": "Failed", "ended_at": "t"},
    {"status": "Cancelled", "ended_at": "t"},
    {"status": "Unknown", "ended_at": "t"},
    {"status": "Complete", "failed": 1, "ended_at": "t"},
]


@pytest.mark.parametrize("last", UNDONE, ids=str)
def test_a_new_gap_takes_over_what_a_job_left(last: dict[str, Any]) -> None:
    left = Gap("g", everything=True, is_first=True, after_put=True, wanted=True, attempt=4)
    job = Job("j", left, "t", **last)

    found = opened(Record(job=job))

    assert not job.is_done
    assert found == Gap(found.id, everything=True, is_first=True)
    assert found.id != "g", "who wanted the other, and how often it was tried, is over"


def test_a_new_gap_after_a_job_that_copied_all_is_its_own() -> None:
    left = Gap("g", everything=True, is_first=True, after_put=True)
    job = Job("j", left, "t", status="Complete", total=2, succeeded=2, ended_at="t")

    found = opened(Record(job=job))

    assert job.is_done
    assert found == Gap(found.id)


def test_a_gap_is_renewed_by_its_id_alone() -> None:
    record, none = Record(gap=Gap("g", everything=True, wanted=True)), Record()

    record.renew_gap()
    none.renew_gap()

    assert record.gap == Gap(record.gap.id if record.gap else "", everything=True, wanted=True)
    assert record.gap.id != "g"
    assert none.gap is None


WAITS = Gap("g", everything=True, since="2026-03-02T09:03:08", not_before="2026-03-02T09:18:08")


def test_a_gap_that_waits_keeps_its_turn_as_it_grows() -> None:
    waits = replace(WAITS, is_large=True, begun="2026-03-02T09:00:00+00:00")

    assert opened(Record(gap=replace(waits)), wanted=True) == replace(waits, wanted=True)


@pytest.mark.parametrize("after_put", [True, False])
def test_a_renewed_gap_goes_on_waiting_and_has_a_new_time_after_a_put(after_put: bool) -> None:
    record = Record(gap=replace(WAITS, begun="2026-03-02T09:00:00+00:00"))

    record.renew_gap(after_put=after_put)

    assert record.gap == replace(
        WAITS,
        id=record.gap.id if record.gap else "",
        not_before="" if after_put else WAITS.not_before,
    )


@pytest.mark.parametrize(
    "record",
    [
        Record(),
        Record(gap=Gap("g")),  # for a person
        Record(gap=replace(WAITS)),
        Record(gap=Gap("g"), retry=replace(WAITS, attempt=2)),
        Record(job=Job("j", Gap("g"), "t", since="t")),
    ],
)
def test_what_waits_stops_waiting(record: Record) -> None:
    open_gap = bool(record.gap)

    record.stop_waiting()

    assert record.waiting is None
    assert not (record.job and record.job.since)
    assert bool(record.gap) is open_gap, "it is to be copied still"


def test_what_no_job_is_known_of_is_not_forgotten() -> None:
    """The job that was taken for the bucket's is for something else."""
    record = Record(retry=replace(WAITS, is_first=True))

    record.stop_waiting()

    assert record.retry == replace(WAITS, is_first=True, since="")
    found = opened(record)
    assert (found.everything, found.is_first) == (True, True)


# --- odd parts ---------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '{"put_back": 7}',
        '{"profile": 7}',
        '{"gap": {"id": 7}}',
        '{"gap": {"id": "g", "attempt": "two"}}',
        '{"gap": {"id": "g", "everything": "yes"}}',
        '{"gap": {"id": "g", "not_before": "soon"}}',
        '{"retry": {"id": "g", "since": "soon"}}',
        '{"job": {"id": "j", "created_at": "yesterday", "gap": {"id": "g"}}}',
        '{"job": {"id": "j", "created_at": "", "ended_at": 7, "gap": {"id": "g"}}}',
        '{"job": {"id": "j", "created_at": "", "reasons": [], "gap": {"id": "g"}}}',
        '{"job": {"id": "j", "created_at": "", "gap": null}}',
        '{"job": []}',
        '{"job": ""}',
    ],
)
def test_parts_of_another_type_are_not_taken(text: str) -> None:
    with pytest.raises(UNREADABLE):
        Record.from_json(text)
