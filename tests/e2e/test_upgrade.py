"""Another version of the module is applied in place, and protection goes on."""

from __future__ import annotations

import threading
import time
import zipfile
from pathlib import Path

import pytest

from e2e.examples import Example
from harness.deployment import FUNCTIONS, SWEEP, Deployment

pytestmark = pytest.mark.terraform

TAG = {"Key": "dr", "Value": "true"}


@pytest.fixture(scope="module")
def upgraded(basic: Example) -> dict[str, object]:
    """What was there before another zip was applied, and what was written meanwhile."""
    stack, bucket = basic.stack, "upgraded-in-place"
    stack.create_bucket(bucket, tags=[TAG])
    stack.wait_for_rule(bucket)
    stack.settle()
    found = {"rules": stack.rules(bucket), "code": code(stack), "since": time.time()}
    stop = threading.Event()
    written: list[str] = []

    def write() -> None:
        while not stop.wait(0.3):
            written.append(f"during-{len(written)}")
            stack.source_s3.put_object(Bucket=bucket, Key=written[-1], Body=b"x")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        change(basic.root.folder / "../../lambda/dist/s3_dr.zip")
        basic.root.apply()
    finally:
        stop.set()
        thread.join()
    return {**found, "written": written, "bucket": bucket}


def change(path: Path) -> None:
    """Makes it another zip that does the same."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("s3_dr/version.py", "VERSION = 2\n")


def code(stack: Deployment) -> list[str]:
    """The hash of each function's code."""
    return [
        stack.client("lambda", stack.functions[name]["region"]).get_function_configuration(
            FunctionName=stack.functions[name]["function_name"]
        )["CodeSha256"]
        for name in (*FUNCTIONS, SWEEP)
    ]


def test_the_code_is_another(basic: Example, upgraded: dict[str, object]) -> None:
    after = code(basic.stack)

    assert len(set(after)) == 1, "one zip for all"
    assert not set(after) & set(upgraded["code"])  # type: ignore[call-overload]


def test_what_was_written_meanwhile_was_copied(basic: Example, upgraded: dict[str, object]) -> None:
    stack, bucket = basic.stack, str(upgraded["bucket"])
    written: list[str] = upgraded["written"]  # type: ignore[assignment]

    assert len(written) > 5
    assert {stack.replication_status(bucket, key) for key in written} == {"COMPLETED"}


def test_nothing_was_written_to_the_bucket(basic: Example, upgraded: dict[str, object]) -> None:
    stack, bucket = basic.stack, str(upgraded["bucket"])
    stack.settle()
    since: float = upgraded["since"]  # type: ignore[assignment]
    calls = stack.calls(since=since, bucket=bucket)

    assert stack.rules(bucket) == upgraded["rules"]
    assert [call["operation"] for call in calls if stack.is_write(call)] == []
    assert any(call["operation"] == "GetBucketReplication" for call in calls), (
        "the apply asked for a sweep"
    )


def test_other_buckets_are_protected_as_before(basic: Example, upgraded: dict[str, object]) -> None:
    basic.stack.settle()  # the apply has asked for a sweep, and all functions begin anew
    basic.stack.create_bucket("after-the-upgrade", tags=[TAG])

    basic.stack.wait_for_rule("after-the-upgrade")
