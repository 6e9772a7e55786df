"""What S3 calls its bucket operations, in the API and in CloudTrail."""

from collections.abc import Mapping
from typing import Final

# Query flag of a bucket subresource -> what follows Get, Put or Delete in the name of the API.
SUBRESOURCES: Final = {
    "abac": "BucketAbac",
    "accelerate": "BucketAccelerateConfiguration",
    "acl": "BucketAcl",
    "analytics": "BucketAnalyticsConfiguration",
    "cors": "BucketCors",
    "encryption": "BucketEncryption",
    "intelligent-tiering": "BucketIntelligentTieringConfiguration",
    "inventory": "BucketInventoryConfiguration",
    "lifecycle": "BucketLifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "metrics": "BucketMetricsConfiguration",
    "notification": "BucketNotificationConfiguration",
    "object-lock": "ObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "PublicAccessBlock",
    "replication": "BucketReplication",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}

# API -> CloudTrail eventName where the two differ (S3 User Guide, "Amazon S3 CloudTrail events").
_EVENT_NAMES: Final = {
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
}

_VERBS: Final = {"GET": "Get", "HEAD": "Head", "PUT": "Put", "DELETE": "Delete", "POST": "Post"}
_WHOLE_BUCKET: Final = {"PUT": "CreateBucket", "DELETE": "DeleteBucket", "HEAD": "HeadBucket"}
_LISTINGS: Final = {"uploads": "ListMultipartUploads", "versions": "ListObjectVersions"}
# Each has configurations with ids, which are listed by the request that names no id.
_WITH_IDS: Final = ("analytics", "intelligent-tiering", "inventory", "metrics")
_JOBS: Final = "/v20180820/jobs"
_TAG_RESOURCE: Final = {"POST": "TagResource", "PUT": "TagResource", "DELETE": "UntagResource"}


def flags(query: Mapping[str, str]) -> dict[str, str]:
    """The query without what only the client or its signature put there."""
    return {
        name: value
        for name, value in query.items()
        if name.lower() != "x-id" and not name.lower().startswith("x-amz-")
    }


def s3_operation(method: str, bucket: str, key: str, query: Mapping[str, str]) -> str:
    """Name the S3 API operation of a request, e.g. ``PutBucketTagging``."""
    verb = _VERBS.get(method, method.title())
    if not bucket:
        return "ListBuckets"
    if key:
        noun = next((flag.title().replace("-", "") for flag in flags(query)), "")
        return f"{verb}Object{noun if noun in ('Acl', 'LegalHold', 'Retention', 'Tagging') else ''}"
    for flag in flags(query):
        if flag in _WITH_IDS and method == "GET" and "id" not in query:
            return f"List{SUBRESOURCES[flag]}s"
        if flag in SUBRESOURCES:
            name = verb + SUBRESOURCES[flag]
            return "DeleteBucketLifecycle" if name == "DeleteBucketLifecycleConfiguration" else name
        if flag in _LISTINGS:
            return _LISTINGS[flag]
    if method == "POST":
        return "DeleteObjects" if "delete" in query else "PostObject"
    return _WHOLE_BUCKET.get(method) or ("ListObjectsV2" if "list-type" in query else "ListObjects")


def s3control_operation(method: str, path: str) -> str:
    """Name the S3 Control operation of a request; only those on tags and jobs are told apart."""
    if path.rstrip("/") == _JOBS:
        return {"GET": "ListJobs", "POST": "CreateJob"}.get(method, f"{method} {path}")
    if path.startswith(f"{_JOBS}/"):
        return _job_operation(method, path.removeprefix(f"{_JOBS}/"))
    if path.startswith("/v20180820/tags/"):
        return _TAG_RESOURCE.get(method, "ListTagsForResource")
    return f"{_VERBS.get(method, method)} {path}"


def _job_operation(method: str, rest: str) -> str:
    """Name the operation on one job, ``rest`` being its id and perhaps what of it is meant."""
    part = rest.partition("/")[2]
    if not part and method == "GET":
        return "DescribeJob"
    if part in ("priority", "status") and method == "POST":
        return f"UpdateJob{part.title()}"
    return f"{_VERBS.get(method, method)}Job{part.title()}"


def event_name(operation: str) -> str:
    """CloudTrail's name of an API operation."""
    return _EVENT_NAMES.get(operation, operation)
