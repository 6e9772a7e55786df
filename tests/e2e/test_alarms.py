"""Every alarm goes off when what it is for happens, and none of the others does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.examples import Example
from e2e.kinds import put_tags
from harness.deployment import PATIENCE, Deployment, wait_for

pytestmark = pytest.mark.terraform


@pytest.fixture
def stack(everything: Example) -> Deployment:
    """One with a trail, without which a sweep is a cause, and in which nothing went wrong yet."""
    return everything.stack


def test_each_alarm_goes_off_by_its_own_cause_in_two_accounts(stack: Deployment) -> None:
    causes: dict[tuple[str, str], Callable[[], object]] = {
        ("source", "failures"): lambda: fail(stack, "source"),
        ("dr", "failures"): lambda: fail(stack, "dr"),
        # Only the second function looks at that, so nothing is blocked in the source region.
        ("dr", "unprotected"): lambda: leave_a_twin_unlocked(stack),
        ("source", "unprotected"): lambda: block_a_source(stack),
    }
    assert states(stack).keys() == causes.keys(), "Each alarm must have a cause here"
    assert going_off(stack) == set(), "Nothing has gone wrong yet, so no alarm may have gone off"

    caused = set()
    for alarm, cause in causes.items():
        cause()
        caused.add(alarm)
        wait_for(
            lambda: going_off(stack) >= caused,
            PATIENCE,
            lambda: f"{caused - going_off(stack)} did not go off: {states(stack)}",
        )
        assert going_off(stack) == caused, f"Only what happened may be told: {states(stack)}"
    for side in ("source", "dr"):
        stack.receive_failure(side, contains="lost")


def fail(stack: Deployment, side: str) -> None:
    """Puts into a failure queue what a function could not do; test_journey shows how it comes."""
    sqs = stack.client("sqs", stack.outputs["regions"][side])
    url = stack.outputs["failure_queues"][side]["url"]
    sqs.send_message(QueueUrl=url, MessageBody='{"bucket": "lost"}')


def leave_a_twin_unlocked(stack: Deployment) -> None:
    bucket = stack.create_bucket("alarm-twin-unlocked", lock=True)
    twin = stack.create_bucket(stack.twin(bucket), region=stack.dr_region, versioned=True)
    mark = [{"Key": "s3-dr:source-bucket", "Value": bucket}]
    stack.dr_s3.put_bucket_tagging(Bucket=twin, Tagging={"TagSet": mark})
    put_tags(stack, bucket, dr="true")
    stack.wait_for_record("destination_bucket_check", bucket=bucket, outcome="blocked")


def block_a_source(stack: Deployment) -> None:
    bucket = stack.create_bucket("alarm-suspended")
    stack.source_s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    put_tags(stack, bucket, dr="true")
    stack.wait_for_record("source_bucket_check", bucket=bucket, outcome="blocked")


def going_off(stack: Deployment) -> set[tuple[str, str]]:
    return {alarm for alarm, state in states(stack).items() if state == "ALARM"}


def states(stack: Deployment) -> dict[tuple[str, str], str]:
    """What each alarm says, by its side and what its name ends in."""
    return {
        (side, alarm["AlarmName"].removeprefix(f"{stack.name}-")): alarm["StateValue"]
        for side, region in stack.outputs["regions"].items()
        for alarm in stack.client("cloudwatch", region).describe_alarms()["MetricAlarms"]
    }
