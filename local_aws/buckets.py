"""What is told of a bucket beside its configuration: when it was created, and that its tags change.

The date that ListBuckets gives moves with some edits, and the endpoint of us-east-1 alone has the
true one: see the open point. `Tag Change on Resource` is an event of its own (Tag Editor User
Guide, "Tag changes on resources generate EventBridge events").
"""

import json
import re
from typing import Any

from local_aws import open_points
from local_aws.calls import Call
from local_aws.emulator import Answer, module, wrap

_TRUE = "us-east-1"
_AS_REPORTED = ("BucketPolicy", "BucketLifecycle", "BucketLifecycleConfiguration")
_TAGGING = ("PutBucketTagging", "DeleteBucketTagging", "TagResource", "UntagResource")
_moved: dict[str, str] = {}  # bucket and date


def note_edit(call: Call) -> None:
    """Move the date of a bucket, when the call has edited it."""
    if call.status >= 300 or not call.writes_management:
        return
    if call.operation in ("CreateBucket", "DeleteBucket"):
        _moved.pop(call.bucket, None)
    elif open_points.CREATION_DATE.says("every_edit") or (
        open_points.CREATION_DATE.says("policy_and_lifecycle")
        and re.sub("^(Put|Delete)", "", call.operation) in _AS_REPORTED
    ):
        _moved[call.bucket] = module("services.s3").now_iso()


def _listing(original: Any) -> Any:
    def listed(query: Any = None, signed_region: str | None = None) -> Answer:
        status, headers, body = original(query, signed_region)
        if signed_region in (None, _TRUE) or status != 200:
            return status, headers, body

        def dated(found: "re.Match[bytes]") -> bytes:
            moved = _moved.get(found[2].decode())
            return found[1] + moved.encode() + found[4] if moved else found[0]

        row = rb"(<Bucket><Name>(.*?)</Name><CreationDate>)(.*?)(</CreationDate>)"
        return status, headers, re.sub(row, dated, body)

    return listed


def tags(call: Call) -> dict[str, str] | None:
    """The tags of the bucket that a call is about to change or has changed; None of another call.

    A bucket that is created with tags has changed them, too.
    """
    if open_points.TAG_CHANGE_EVENT.says("no"):
        return None
    if call.operation not in (*_TAGGING, "CreateBucket") or not call.bucket:
        return None
    s3 = module("services.s3")
    owner = s3._bucket_owner_account(call.bucket)
    if owner is None:
        return {}
    with s3._in_account(owner):
        return dict(s3._bucket_tags.get(call.bucket) or {})


def tag_change(call: Call, before: dict[str, str] | None) -> dict[str, Any] | None:
    """The event that a call has changed tags, as it is put on the bus; None when it has not."""
    after = tags(call)
    if before is None or after is None or before == after:
        return None
    changed = {name for name, _ in before.items() ^ after.items()}
    detail = {
        "changed-tag-keys": sorted(changed),
        "service": "s3",
        "resource-type": "bucket",
        "version": 1,
        "tags": after,
    }
    return {
        "Source": "aws.tag",
        "DetailType": "Tag Change on Resource",
        "Detail": json.dumps(detail),
        "Resources": [f"arn:aws:s3:::{call.bucket}"],
    }


def _versions(original: Any) -> Any:
    """ListObjectVersions after a version that is not there; see the open point."""

    def listed(name: str, query: Any) -> Answer:
        s3 = module("services.s3")
        key, marker = s3._qp(query, "key-marker", ""), s3._qp(query, "version-id-marker", "")
        point = open_points.UNKNOWN_VERSION_MARKER
        if not marker or point.says("next_key") or _is_version(name, key, marker):
            answer: Answer = original(name, query)
        elif point.says("refused"):
            answer = s3._error("InvalidArgument", "Invalid version id specified", 400, f"/{name}")
        else:
            answer = original(name, {**query, **_before(name, key)})
        return answer

    return listed


def _is_version(name: str, key: str, version: str) -> bool:
    stored = module("services.s3")._object_versions.get((name, key)) or [{"version_id": "null"}]
    return any(entry["version_id"] == version for entry in stored)


def _before(name: str, key: str) -> dict[str, list[str]]:
    """Markers after which the key and all of its versions come."""
    s3 = module("services.s3")
    keys = {stored for bucket, stored in s3._object_versions if bucket == name}
    keys |= set((s3._buckets.get(name) or {"objects": ()})["objects"])
    last = max((other for other in keys if other < key), default="")
    return {"key-marker": [last], "version-id-marker": [""]}


def install() -> None:
    wrap(module("services.s3"), "_list_buckets", _listing)
    wrap(module("services.s3"), "_list_object_versions", _versions)
