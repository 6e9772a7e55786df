"""Many buckets are tagged at once, while S3 refuses some calls: none is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from e2e.examples import Example

pytestmark = pytest.mark.terraform

NUMBER = 40  # `make fleet` does the same with 500
FAULTS = {
    "GetBucketTagging": ("SlowDown", 503),
    "PutBucketPolicy": ("SlowDown", 503),
    "PutBucketReplication": ("OperationAborted", 409),
    "PutBucketVersioning": ("OperationAborted", 409),
}
TAGS = {"TagSet": [{"Key": "dr", "Value": "true"}]}


def test_a_burst(object_lock: Example) -> None:
    stack = object_lock.stack  # no sweep of another test has to look at all these again
    names = [stack.create_bucket(f"fleet-{number:03}") for number in range(NUMBER)]
    stack.settle()
    stack.local_aws.clear_calls()
    stack.local_aws.faults(
        [
            {"operation": operation, "code": code, "status": status, "times": NUMBER // 4}
            for operation, (code, status) in FAULTS.items()
        ]
    )

    with ThreadPoolExecutor(8) as pool:
        tagged = [
            pool.submit(stack.source_s3.put_bucket_tagging, Bucket=name, Tagging=TAGS)
            for name in names
        ]
    assert all(each.result() for each in tagged)

    stack.settle()
    assert [name for name in names if not stack.rules(name)] == [], "each is protected"
    refused = [call for call in stack.local_aws.calls() if call["status"] in (409, 503)]
    assert len(refused) >= NUMBER, "S3 was as unfriendly as it was meant to be"
    stack.local_aws.faults([])
    assert stack.queue_depth("source") == stack.queue_depth("dr") == 0
