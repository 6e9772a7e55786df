"""The reports bucket: where what is kept, and how it is found again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from s3_dr.reports_bucket import QUEUE, ReportsBucket, is_conflict, key_of
from unit.jobs_world import Objects, refusal

OWNER = "111122223333"


def reports(s3: Objects, name: str = "reports") -> ReportsBucket:
    made: Any = s3
    return ReportsBucket(made, name, OWNER)


@pytest.mark.parametrize("bucket", ["orders", "a.b-c", "a" * 63, "x.json", "state"])
def test_the_record_of_a_bucket_is_found_by_its_name(bucket: str) -> None:
    s3 = Objects()

    reports(s3).write_record(bucket, "{}")

    assert key_of(bucket) == f"state/{bucket}.json"
    assert list(s3.texts) == [key_of(bucket)]
    assert [name for name, _ in reports(s3).remembered()] == [bucket]
    assert reports(s3).read_record(bucket)["Body"].read() == b"{}"


def test_every_bucket_with_a_record_is_remembered_and_nothing_else_is() -> None:
    keys = [key_of(name) for name in ("a", "b", "c", "d", "e")]
    others = ["leaving.json", "sweep.json", QUEUE, "reports/a/x.json"]
    s3 = Objects(**dict.fromkeys([*keys, *others], "{}"))
    etag = s3.put(key_of("c"), "{ }")

    assert [name for name, _ in reports(s3).remembered()] == ["a", "b", "c", "d", "e"]
    assert dict(reports(s3).remembered())["c"] == etag, "it tells whether a record has changed"
    assert list(reports(Objects()).remembered()) == []


def test_a_destroy_is_under_way_from_when_it_is_said_until_it_is_said_no_more() -> None:
    store = reports(Objects())

    said = [store.is_leaving()]
    for word in (True, False):
        store.set_leaving(word)
        said.append(store.is_leaving())

    assert said == [False, True, False]


def test_the_owner_is_expected_in_every_call() -> None:
    s3 = Objects()
    store = reports(s3)

    store.set_leaving(True)
    store.is_leaving()
    store.write_record("orders", json.dumps({}), IfNoneMatch="*")
    list(store.remembered())

    for _, asked in s3.asked:
        assert (asked["Bucket"], asked["ExpectedBucketOwner"]) == ("reports", OWNER)
    assert s3.asked[2][1]["IfNoneMatch"] == "*"


@pytest.mark.parametrize(
    ("code", "is_one"),
    [
        ("PreconditionFailed", True),
        ("ConditionalRequestConflict", True),
        ("NoSuchKey", True),  # it was taken away since it was read
        ("NoSuchBucket", False),
        ("AccessDenied", False),
    ],
)
def test_a_conflict_is_told_from_other_answers(code: str, is_one: bool) -> None:
    assert is_conflict(refusal(code)) is is_one


def test_without_a_bucket_there_is_nothing_to_read() -> None:
    s3 = Objects()

    assert reports(s3, "").read("state/orders.json") is None
    assert s3.asked == [], "the new code may meet the old environment for a moment"
