"""The reports bucket, which holds what S3 itself does not tell.

- ``state/<bucket>.json``: the record of a bucket, written by ``enable_replication``.
- ``reports/<bucket>/``: S3's reports on the jobs that copy its existing objects.
- ``queue.json``: who waits for a job, and whose turn it is.
- ``leaving.json``: not empty while a destroy lets the buckets go; the sweep's.
- ``sweep.json``: where a sweep stopped for want of time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from .aws import error_code, now

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

QUEUE: Final = "queue.json"
SWEEP_CURSOR: Final = "sweep.json"
_STATE = "state/"
_LEAVING = "leaving.json"
# Somebody else wrote the object since it was read, is writing it right now, or took it away.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_CONFLICTS = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})


@dataclass(frozen=True, eq=False, repr=False)
class ReportsBucket:
    """The bucket of an installation in which records and reports are kept.

    Attributes:
        s3: S3 in the source region.
        name: empty for the moment of an update in which the new code has the old environment.
        owner: the source account.
    """

    s3: S3Client
    name: str
    owner: str

    def read(self, key: str) -> Any:
        """The response to GetObject; None if there is no such object.

        Raises:
            BotoCoreError, ClientError: anything else.
        """
        if not self.name:
            return None
        try:
            return self.s3.get_object(Bucket=self.name, Key=key, ExpectedBucketOwner=self.owner)
        except ClientError as error:
            if error_code(error) != "NoSuchKey":
                raise
            return None

    def read_record(self, bucket: str) -> Any:
        """The same for the record of a bucket."""
        return self.read(key_of(bucket))

    def write(self, key: str, text: str, **condition: Any) -> Any:
        """Put JSON; the response to PutObject.

        Raises:
            BotoCoreError, ClientError: it could not be put, or the condition does not hold.
        """
        return self.s3.put_object(
            Bucket=self.name,
            Key=key,
            Body=text.encode(),
            ContentType="application/json",
            ExpectedBucketOwner=self.owner,
            **condition,
        )

    def write_record(self, bucket: str, text: str, **condition: Any) -> Any:
        """The same for the record of a bucket."""
        return self.write(key_of(bucket), text, **condition)

    def remembered(self) -> Iterator[tuple[str, str]]:
        """The names of the buckets of which there is a record, each with the record's ETag.

        Raises:
            BotoCoreError, ClientError: S3 does not say.
        """
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=_STATE, ExpectedBucketOwner=self.owner
        )
        for page in pages:
            for item in page.get("Contents", []):
                yield item["Key"].removeprefix(_STATE).removesuffix(".json"), item["ETag"]

    def is_leaving(self) -> bool:
        """Whether a destroy lets the buckets go."""
        found = self.read(_LEAVING)
        return bool(found and json.loads(found["Body"].read()))

    def set_leaving(self, is_leaving: bool) -> None:
        """Say, or say no more, that a destroy lets the buckets go."""
        self.write(_LEAVING, json.dumps({"since": now()} if is_leaving else {}))


def is_conflict(error: ClientError) -> bool:
    """Whether a conditional write came too late."""
    return error_code(error) in _CONFLICTS


def key_of(bucket: str) -> str:
    """Where the record of a bucket is."""
    return f"{_STATE}{bucket}.json"
