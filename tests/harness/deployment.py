"""The module deployed on a local AWS, and what a test or the demo does with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from harness.terraform import Root
from local_aws import LocalAws

FUNCTIONS = ("source_bucket_check", "destination_bucket_check", "enable_replication")
_READS = ("Get", "Head", "List")
T = TypeVar("T")
_QUIET = 1.5  # seconds: longer than the local AWS waits before its first asynchronous retry


class Deployment:
    """An example root that was applied on a local AWS.

    Attributes:
        local_aws: the running local AWS.
        account: the account everything is in, twelve digits.
        outputs: the root's outputs.
    """

    def __init__(self, local_aws: LocalAws, root: Root, account: str) -> None:
        self.local_aws = local_aws
        self.account = account
        self.outputs: dict[str, Any] = root.outputs()
        self.source_region: str = self.outputs["regions"]["source"]
        self.dr_region: str = self.outputs["regions"]["dr"]
        self.replication_role_arn: str = self.outputs["replication_role"]["arn"]
        self.functions: dict[str, dict[str, str]] = dict(
            zip(FUNCTIONS, self.outputs["functions"], strict=True)
        )

    @cached_property
    def source_s3(self) -> Any:
        """An S3 client in the source region."""
        return self.client("s3", self.source_region)

    @cached_property
    def dr_s3(self) -> Any:
        """An S3 client in the DR region."""
        return self.client("s3", self.dr_region)

    def client(self, service: str, region: str) -> Any:
        """A boto3 client with the account's root credentials."""
        return self.local_aws.client(service, region, account=self.account)

    # --- buckets -------------------------------------------------------------------------------

    def create_bucket(
        self,
        name: str,
        *,
        region: str = "",
        tags: list[dict[str, str]] | None = None,
        versioned: bool = False,
        account: str = "",
        lock: bool = False,
    ) -> str:
        """Create a bucket as a user would; returns its name."""
        region = region or self.source_region
        s3 = self.local_aws.client("s3", region, account=account or self.account)
        configuration: dict[str, Any] = (
            {} if region == "us-east-1" else {"LocationConstraint": region}
        )
        configuration |= {"Tags": tags} if tags else {}
        arguments: dict[str, Any] = (
            {"CreateBucketConfiguration": configuration} if configuration else {}
        )
        s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock, **arguments)
        if versioned:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def bucket_exists(self, name: str) -> bool:
        """Whether the account has such a bucket, in any region."""
        return any(bucket["Name"] == name for bucket in self.source_s3.list_buckets()["Buckets"])

    def rules(self, bucket: str) -> dict[str, Any]:
        """The bucket's replication rules by ID."""
        try:
            found = self.source_s3.get_bucket_replication(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ReplicationConfigurationNotFoundError":
                return {}
            raise
        return {rule["ID"]: rule for rule in found["ReplicationConfiguration"]["Rules"]}

    def wait_for_rule(self, bucket: str, timeout: float = 60) -> dict[str, Any]:
        """Wait until our rule is on the bucket; returns all rules by ID."""
        return wait_for(
            lambda: rules if "s3-dr" in (rules := self.rules(bucket)) else None,
            timeout,
            lambda: f"no replication rule on {bucket} after {timeout} s: {self.records(bucket)}",
        )

    # --- events --------------------------------------------------------------------------------

    def request_check(self, bucket: str) -> None:
        """Ask for a check of one bucket, as an operator does."""
        entry = {
            "Source": "s3-dr",
            "DetailType": "Bucket Check Requested",
            "Detail": json.dumps({"bucket": bucket}),
        }
        answer = self.client("events", self.source_region).put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0, answer

    @contextmanager
    def events_lost(self) -> Iterator[None]:
        """While this lasts, no S3 event reaches the module."""
        events, rule = self.client("events", self.source_region), self.outputs["event_rules"]
        events.disable_rule(Name=rule["s3_events"]["name"])
        try:
            yield
            self.settle()
        finally:
            events.enable_rule(Name=rule["s3_events"]["name"])

    # --- what happened -------------------------------------------------------------------------

    def calls(self, since: float = 0, bucket: str = "", function: str = "") -> list[dict[str, Any]]:
        """The API calls since that moment, of one bucket or its twin, of one function."""
        role = self.functions[function]["role_name"] if function else ""
        return [
            call
            for call in self.local_aws.calls()
            if call["time"] >= since
            and (not bucket or call["bucket"] in (bucket, f"{bucket}-dr"))
            and (not role or call["principal"] == role)
        ]

    def is_write(self, call: dict[str, Any]) -> bool:
        """Whether the call is one of our functions' and changes something in S3."""
        ours = any(call["principal"] == f["role_name"] for f in self.functions.values())
        return ours and call["service"] == "s3" and not call["operation"].startswith(_READS)

    def records(
        self, bucket: str = "", function: str = "", since: float = 0
    ) -> list[dict[str, Any]]:
        """The functions' log records, oldest first."""
        found = []
        for name in [function] if function else FUNCTIONS:
            place = self.functions[name]
            pages = self.client("logs", place["region"]).get_paginator("filter_log_events")
            for page in pages.paginate(logGroupName=place["log_group_name"]):
                lines = [event["message"] for event in page["events"]]
                found += [json.loads(line) for line in lines if line.startswith("{")]
        return sorted(
            (
                record
                for record in found
                if (not bucket or record.get("bucket") == bucket)
                and datetime.fromisoformat(record["timestamp"]).timestamp() >= since
            ),
            key=lambda record: record["timestamp"],
        )

    def wait_for_record(
        self, function: str, *, bucket: str, outcome: str, since: float = 0, timeout: float = 60
    ) -> dict[str, Any]:
        """Wait until a function has logged that outcome for the bucket."""

        def seen() -> dict[str, Any] | None:
            records = self.records(bucket, function, since)
            return next((r for r in records if r["outcome"] == outcome), None)

        return wait_for(
            seen,
            timeout,
            lambda: f"{function} never logged {outcome} for {bucket}: {self.records(bucket)}",
        )

    def settle(self, timeout: float = 60) -> None:
        """Wait until the local AWS has been quiet for a while."""
        wait_for(
            lambda: time.time() - max((c["time"] for c in self.calls()), default=0) > _QUIET,
            timeout,
            lambda: f"still busy after {timeout} s: {self.calls()[-5:]}",
        )

    def receive_failure(self, side: str, contains: str, timeout: float = 60) -> dict[str, Any]:
        """Wait for a message that contains a text in the failure queue, and take it out."""
        sqs = self.client("sqs", getattr(self, f"{side}_region"))
        url = self.outputs["failure_queues"][side]["url"]

        def received() -> dict[str, Any] | None:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
                "Messages", []
            ):
                if contains in message["Body"]:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    return dict(json.loads(message["Body"]))
            return None

        return wait_for(received, timeout, lambda: f"nothing about {contains} in {url}")

    def queue_depth(self, side: str) -> int:
        """How many messages the failure queue holds."""
        sqs = self.client("sqs", getattr(self, f"{side}_region"))
        name = "ApproximateNumberOfMessages"
        answer = sqs.get_queue_attributes(
            QueueUrl=self.outputs["failure_queues"][side]["url"], AttributeNames=[name]
        )
        return int(answer["Attributes"][name])


def wait_for(found: Callable[[], T | None], timeout: float, sentence: Callable[[], str]) -> T:
    """Ask again and again until the answer is truthy.

    Raises:
        AssertionError: with the sentence, after so many seconds.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.1)
    raise AssertionError(sentence())
