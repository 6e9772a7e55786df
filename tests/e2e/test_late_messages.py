"""Messages that are late, about buckets of others, or that no function can deal with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from e2e.examples import Example
from e2e.kinds import check, put_tags
from harness.deployment import FUNCTIONS, Deployment

pytestmark = pytest.mark.terraform

THIRD_ACCOUNT = "999900003333"
# The call that the function cannot do without, whether it is about the twin, the queue's side.
CALLS = {
    "source_bucket_check": ("PutBucketVersioning", False, "source"),
    "destination_bucket_check": ("PutBucketPolicy", True, "dr"),
    "enable_replication": ("PutBucketReplication", False, "source"),
}


@pytest.fixture(scope="module", params=["basic", "cross_account"])
def stack(request: pytest.FixtureRequest) -> Deployment:
    example: Example = request.getfixturevalue(request.param)
    return example.stack


@pytest.mark.parametrize("function", FUNCTIONS)
def test_bucket_of_another_account(stack: Deployment, function: str) -> None:
    """S3 says only "denied"; the function finds out that it is none of its business."""
    bucket = f"others-{stack.account}"
    if not exists(stack, bucket):
        stack.create_bucket(bucket, account=THIRD_ACCOUNT)

    result = invoke(stack, function, bucket)

    assert (result["outcome"], result["reason"]) == ("ignored", "NOT_OURS")


def test_name_taken_between_two_functions(stack: Deployment) -> None:
    bucket = stack.create_bucket(f"raced-{stack.account}")
    with stack.events_lost():
        put_tags(stack, bucket, dr="true")
    stack.create_bucket(stack.twin(bucket), region=stack.dr_region, account=THIRD_ACCOUNT)

    for function in FUNCTIONS:
        result = invoke(stack, function, bucket)
        assert (result["outcome"], result["reason"]) == ("blocked", "TWIN_NAME_TAKEN")
    assert stack.rules(bucket) == {}


def test_a_sweep_that_fails_is_kept(stack: Deployment) -> None:
    """Lambda repeats it, too."""
    stack.settle()
    fault = {"operation": "GetResources", "code": "AccessDeniedException", "times": 1000}
    stack.local_aws.faults([fault])
    entry = {"Source": "s3-dr", "DetailType": "Sweep Requested", "Detail": "{}"}

    with stack.events_lost("check_requests"):  # what it finds all the same is asked for each time
        stack.client("events", stack.source_region).put_events(Entries=[entry])
        message = stack.receive_failure("source", contains="Sweep Requested")
    stack.local_aws.faults([])
    name = stack.functions["sweep"]["function_name"]
    assert message["requestContext"]["functionArn"].split(":")[6] == name
    assert "AccessDenied" in json.dumps(message["responsePayload"])


def test_what_fails_is_kept(stack: Deployment) -> None:
    """Lambda repeats it, then puts it into the failure queue of the function's region."""
    buckets = {}
    with stack.events_lost():  # so that each is looked at once
        for function in FUNCTIONS:
            name = f"fails-{function.split('_')[0]}-{stack.account}"
            buckets[function] = stack.create_bucket(name)
            put_tags(stack, name, dr="true")
    stack.local_aws.faults([fault(stack, *each) for each in buckets.items()])

    for bucket in buckets.values():
        stack.request_check(bucket)

    for function, bucket in buckets.items():
        message = stack.receive_failure(CALLS[function][2], contains=bucket)
        arn = message["requestContext"]["functionArn"].split(":")
        assert arn[6] == stack.functions[function]["function_name"]
        assert stack.rules(bucket) == {}

    stack.local_aws.faults([])
    check(stack, buckets.values())

    for bucket in buckets.values():
        stack.wait_for_rule(bucket)
    stack.settle()
    assert stack.queue_depth("source") == stack.queue_depth("dr") == 0


def fault(stack: Deployment, function: str, bucket: str) -> dict[str, Any]:
    operation, is_about_twin, _ = CALLS[function]
    return {
        "operation": operation,
        "bucket": stack.twin(bucket) if is_about_twin else bucket,
        "code": "AccessDenied",
        "status": 403,
        "message": "Access Denied",
        "times": 100,
    }


def exists(stack: Deployment, bucket: str) -> bool:
    s3 = stack.local_aws.client("s3", stack.source_region, account=THIRD_ACCOUNT)
    return any(each["Name"] == bucket for each in s3.list_buckets()["Buckets"])


def invoke(stack: Deployment, function: str, bucket: str) -> dict[str, Any]:
    """What a function answers to a message, or request, about one bucket."""
    place = stack.functions[function]
    message = {"version": 1, "bucket": bucket, "correlation_id": "late"}
    event: dict[str, Any] = {"Records": [{"Sns": {"Message": json.dumps(message)}}]}
    if function == "source_bucket_check":
        event = {
            "id": "late",
            "account": stack.account,
            "region": stack.source_region,
            "source": "s3-dr",
            "detail-type": "Bucket Check Requested",
            "detail": {"bucket": bucket},
        }
    answer = stack.client("lambda", place["region"]).invoke(
        FunctionName=place["function_name"], Payload=json.dumps(event)
    )
    found = json.loads(answer["Payload"].read())
    assert "results" in found, found
    result: dict[str, Any] = found["results"][0]
    return result
