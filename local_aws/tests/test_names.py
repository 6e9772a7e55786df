"""The names of S3's operations and of their events."""

import pytest

from local_aws import names


@pytest.mark.parametrize(
    ("method", "query", "operation", "event"),
    [
        ("PUT", {}, "CreateBucket", "CreateBucket"),
        ("DELETE", {}, "DeleteBucket", "DeleteBucket"),
        ("PUT", {"tagging": ""}, "PutBucketTagging", "PutBucketTagging"),
        ("DELETE", {"tagging": ""}, "DeleteBucketTagging", "DeleteBucketTagging"),
        ("PUT", {"lifecycle": ""}, "PutBucketLifecycleConfiguration", "PutBucketLifecycle"),
        ("DELETE", {"lifecycle": ""}, "DeleteBucketLifecycle", "DeleteBucketLifecycle"),
        (
            "PUT",
            {"notification": ""},
            "PutBucketNotificationConfiguration",
            "PutBucketNotification",
        ),
        (
            "PUT",
            {"accelerate": ""},
            "PutBucketAccelerateConfiguration",
            "PutAccelerateConfiguration",
        ),
        (
            "PUT",
            {"object-lock": ""},
            "PutObjectLockConfiguration",
            "PutBucketObjectLockConfiguration",
        ),
        ("PUT", {"publicAccessBlock": ""}, "PutPublicAccessBlock", "PutBucketPublicAccessBlock"),
        (
            "DELETE",
            {"publicAccessBlock": ""},
            "DeletePublicAccessBlock",
            "DeleteBucketPublicAccessBlock",
        ),
        ("DELETE", {"replication": ""}, "DeleteBucketReplication", "DeleteBucketReplication"),
        ("PUT", {"versioning": "", "x-id": "Put"}, "PutBucketVersioning", "PutBucketVersioning"),
    ],
)
def test_bucket_writes_have_the_names_of_the_api_and_of_cloudtrail(
    method: str, query: dict[str, str], operation: str, event: str
) -> None:
    assert names.s3_operation(method, "a-bucket", "", query) == operation
    assert names.event_name(operation) == event


@pytest.mark.parametrize(
    ("method", "bucket", "key", "query", "operation"),
    [
        ("GET", "", "", {}, "ListBuckets"),
        ("HEAD", "b", "", {}, "HeadBucket"),
        ("GET", "b", "", {"tagging": ""}, "GetBucketTagging"),
        ("GET", "b", "", {"list-type": "2"}, "ListObjectsV2"),
        ("GET", "b", "", {"versions": ""}, "ListObjectVersions"),
        ("POST", "b", "", {"delete": ""}, "DeleteObjects"),
        ("PUT", "b", "k", {"x-id": "PutObject"}, "PutObject"),
        ("PUT", "b", "k", {"tagging": ""}, "PutObjectTagging"),
    ],
)
def test_reads_and_object_calls_are_named(
    method: str, bucket: str, key: str, query: dict[str, str], operation: str
) -> None:
    assert names.s3_operation(method, bucket, key, query) == operation


def test_the_tagging_calls_of_s3_control_are_named() -> None:
    path = "/v20180820/tags/arn%3Aaws%3As3%3A%3A%3Ab"
    assert names.s3control_operation("POST", path) == "TagResource"
    assert names.s3control_operation("DELETE", path) == "UntagResource"
    assert names.s3control_operation("GET", path) == "ListTagsForResource"
