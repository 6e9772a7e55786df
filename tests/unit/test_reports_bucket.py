"""The reports bucket: where what is kept, and how it is found again."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from s3_dr.reports_bucket import ReportsBucket, key_of

OWNER = "111122223333"


class S3:
    """A bucket of objects, listed two at a time."""

    def __init__(self, **objects: str) -> None:
        self.objects = dict(objects)
        self.asked: list[dict[str, Any]] = []

    def get_object(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if asked["Key"] not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[asked["Key"]].encode())}

    def put_object(self, **asked: Any) -> Any:
        self.asked.append(asked)
        self.objects[asked["Key"]] = asked["Body"].decode()

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"

        def paginate(**asked: Any) -> Any:
            self.asked.append(asked)
            keys = sorted(key for key in self.objects if key.startswith(asked["Prefix"]))
            pages = [keys[at : at + 2] for at in range(0, len(keys), 2)]
            return [{"Contents": [{"Key": key} for key in page]} for page in pages] or [{}]

        return SimpleNamespace(paginate=paginate)


def reports(s3: S3, name: str = "reports") -> ReportsBucket:
    made: Any = s3
    return ReportsBucket(made, name, OWNER)


@pytest.mark.parametrize("bucket", ["orders", "a.b-c", "a" * 63, "x.json", "state"])
def test_the_record_of_a_bucket_is_found_by_its_name(bucket: str) -> None:
    s3 = S3()

    reports(s3).write_record(bucket, "{}")

    assert key_of(bucket) == f"state/{bucket}.json"
    assert list(s3.objects) == [key_of(bucket)]
    assert list(reports(s3).remembered()) == [bucket]
    assert reports(s3).read_record(bucket)["Body"].read() == b"{}"


def test_every_bucket_with_a_record_is_remembered_and_nothing_else_is() -> None:
    keys = [key_of(name) for name in ("a", "b", "c", "d", "e")]
    s3 = S3(**dict.fromkeys([*keys, "leaving.json", "sweep.json", "reports/a/x.json"], "{}"))

    assert list(reports(s3).remembered()) == ["a", "b", "c", "d", "e"]
    assert list(reports(S3()).remembered()) == []


def test_a_destroy_is_under_way_from_when_it_is_said_until_it_is_said_no_more() -> None:
    store = reports(S3())

    said = [store.is_leaving()]
    for word in (True, False):
        store.set_leaving(word)
        said.append(store.is_leaving())

    assert said == [False, True, False]


def test_the_owner_is_expected_in_every_call() -> None:
    s3 = S3()
    store = reports(s3)

    store.set_leaving(True)
    store.is_leaving()
    store.write_record("orders", json.dumps({}), IfNoneMatch="*")
    list(store.remembered())

    for asked in s3.asked:
        assert (asked["Bucket"], asked["ExpectedBucketOwner"]) == ("reports", OWNER)
    assert s3.asked[2]["IfNoneMatch"] == "*"


def test_without_a_bucket_there_is_nothing_to_read() -> None:
    s3 = S3()

    assert reports(s3, "").read("state/orders.json") is None
    assert s3.asked == [], "the new code may meet the old environment for a moment"
