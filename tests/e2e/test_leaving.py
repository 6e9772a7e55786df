"""All buckets are let go, as a destroy does it first; and those that cannot be are named."""

from __future__ import annotations

import json

import pytest

from e2e.examples import Example
from e2e.kinds import TAG, rules, take_away_rules_of_others, under_our_role
from harness.deployment import Deployment

pytestmark = pytest.mark.terraform

RELEASE = {"source": "s3-dr", "detail-type": "Release Requested"}
SWEEP = {"source": "s3-dr", "detail-type": "Sweep Requested"}


@pytest.fixture(scope="module", params=["basic", "everything", "named"])
def stack(request: pytest.FixtureRequest) -> Deployment:
    example: Example = request.getfixturevalue(request.param)
    with example.stack.events_lost():
        take_away_rules_of_others(example.stack)
    return example.stack


def test_all_are_let_go_and_the_tag_wins_again(stack: Deployment) -> None:
    tagged = stack.create_bucket(f"leaving-{stack.account}", tags=[TAG])
    untagged = stack.create_bucket(f"leaving-untagged-{stack.account}", tags=[TAG])
    for bucket in (tagged, untagged):
        stack.wait_for_rule(bucket)
    stack.settle()
    with stack.events_lost():
        stack.source_s3.delete_bucket_tagging(Bucket=untagged)

    told = stack.call("sweep", RELEASE)

    assert told["left"] == []
    assert told["released"] >= 2
    buckets = [bucket["Name"] for bucket in stack.source_s3.list_buckets()["Buckets"]]
    assert [name for name in buckets if stack.name in rules(stack, name)] == []
    assert stack.call("sweep", RELEASE)["released"] == 0, "nothing is left to do"
    stack.call("sweep", SWEEP)
    stack.wait_for_rule(tagged)
    stack.settle()
    assert stack.rules(untagged) == {}


def test_what_terraform_says_of_other_moments_changes_nothing(stack: Deployment) -> None:
    bucket = f"leaving-{stack.account}"
    before = stack.wait_for_rule(bucket)

    for action in ("create", "update"):
        assert stack.call("sweep", {**RELEASE, "tf": {"action": action}}) == {}

    assert stack.rules(bucket) == before


def test_a_bucket_that_cannot_be_let_go_is_named(stack: Deployment) -> None:
    bucket = stack.create_bucket(f"with-others-{stack.account}", tags=[TAG])
    stack.wait_for_rule(bucket)
    stack.settle()
    with stack.events_lost():  # a check, for this event, could put our rule back after the release
        under_our_role(stack, bucket)

    place = stack.functions["sweep"]
    answer = stack.client("lambda", place["region"]).invoke(
        FunctionName=place["function_name"], Payload=json.dumps(RELEASE).encode()
    )

    assert "FunctionError" in answer
    shown = json.loads(answer["Payload"].read())
    message = shown["errorMessage"]
    assert len(shown["stackTrace"]) <= 1, "a failed destroy shows a sentence, not the way to it"
    assert f"{bucket} (RULES_UNDER_OUR_ROLE)" in message
    assert list(stack.rules(bucket)) == ["theirs"], "ours is gone, and theirs is left alone"
    stack.source_s3.delete_bucket_replication(Bucket=bucket)
    stack.call("sweep", SWEEP)
    stack.wait_for_rule(bucket)
