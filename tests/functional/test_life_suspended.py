"""A twin whose versioning somebody suspended: it is told before and after it is versioned again.

What S3 could not copy meanwhile it does not try again. So the function that looks after existing
objects has to hear of it, whenever Lambda ends the one that versions the twin.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from functional.living import Killed, Life
from functional.payload import DR_REGION
from s3_dr.tags import LIFE_TAG

pytest_plugins = ["functional.payload", "functional.living"]


@pytest.fixture
def suspended(life: Life) -> Life:
    """A protected bucket, of which one object could not be copied: its twin is suspended."""
    life.tag()
    life.put("before")
    life.dr.put_bucket_versioning(Bucket=life.twin, VersioningConfiguration={"Status": "Suspended"})
    life.put("failed")
    head = life.s3.head_object(Bucket=life.bucket, Key="failed")
    assert head["ReplicationStatus"] == "FAILED", "else these tests would prove nothing"
    life.functions.calls.clear()
    return life


def lives(life: Life) -> list[tuple[str, str]]:
    """The writes on the twin, each with the mark of its life where it has one."""
    return [
        (call.operation, given.get(LIFE_TAG, ""))
        for call in life.functions.calls
        if call.operation in ("TagResource", "PutBucketVersioning")
        for given in [{tag["Key"]: tag["Value"] for tag in call.parameters.get("Tags", [])}]
    ]


def test_a_mark_before_and_a_mark_after(suspended: Life) -> None:
    born = suspended.world.tags(suspended.twin, DR_REGION)[LIFE_TAG]

    suspended.functions.check_destination(suspended.bucket)

    found = lives(suspended)
    assert [operation for operation, _ in found] == [
        "TagResource",
        "PutBucketVersioning",
        "TagResource",
    ], f"{suspended.twin} is told before and after it is versioned again"
    before, after = (text.split("/") for operation, text in found if operation == "TagResource")
    assert before[0] == after[0] == born, f"{suspended.twin} is still the same twin"
    assert datetime.fromisoformat(before[1]) < datetime.fromisoformat(after[1]), (
        "the second mark is another one: what failed since the first has to be seen too"
    )
    assert suspended.world.tags(suspended.twin, DR_REGION)[LIFE_TAG] == "/".join(after)


@pytest.mark.parametrize(
    ("operation", "client", "versioning"),
    [("TagResource", "dr_control", "Suspended"), ("PutBucketVersioning", "dr_s3", "Enabled")],
    ids=["before", "after"],
)
def test_a_run_killed_between_loses_nothing(
    suspended: Life, operation: str, client: str, versioning: str
) -> None:
    suspended.kill_after(operation, client)
    try:
        suspended.functions.check_destination(suspended.bucket)
    except Killed:
        pass
    else:
        pytest.fail(f"{operation} on {suspended.twin} was never called")
    assert suspended.world.versioning(suspended.twin, DR_REGION) == versioning

    last = suspended.last()

    assert suspended.world.versioning(suspended.twin, DR_REGION) == "Enabled"
    assert "CreateJob" in last["changes"], f"what {suspended.twin} missed has to be copied"
    suspended.ended()
    suspended.assert_whole()


def test_what_fails_between_the_first_mark_and_the_versioning_is_copied(suspended: Life) -> None:
    """The function that looks after existing objects has come by in between, and will not wait."""
    seen: list[Any] = []

    def meanwhile() -> None:
        seen.append(suspended.asked())
        suspended.ended()
        suspended.put("late")
        head = suspended.s3.head_object(Bucket=suspended.bucket, Key="late")
        assert head["ReplicationStatus"] == "FAILED", "else this test would prove nothing"
        seen.append(suspended.asked())

    suspended.when("before", "PutBucketVersioning", meanwhile, "dr_s3")
    suspended.functions.check_destination(suspended.bucket)
    assert [each["outcome"] for each in seen] == ["protected"] * 2, "it came by, and had its job"

    last = suspended.asked()

    assert last["changes"] == ["CreateJob"], "the second mark tells of what failed since the first"
    suspended.ended()
    suspended.assert_whole()
