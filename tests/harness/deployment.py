"""The module deployed on a local AWS, and what a test or the demo does with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from harness.terraform import Root
from local_aws import LocalAws

# In the order of an event's journey; the sweep is on none.
FUNCTIONS = ("source_bucket_check", "destination_bucket_check", "enable_replication")
SWEEP = "sweep"
_READS = ("Get", "Head", "List")
T = TypeVar("T")
# Seconds. What is waited for is seen at once when it is there: a bound is for what never comes, on
# a machine that has much else to do.
PATIENCE = 300
# Arguments of the module, for roots that are not waited for a quarter of an hour.
AT_ONCE = {"backfill": {"first_job_delay_seconds": 0}}


class Deployment:
    """An example root that was applied on a local AWS.

    Attributes:
        local_aws: the running local AWS.
        account: the account of the source buckets, twelve digits.
        dr_account: the account of the twins; unless it is given, the same one.
        outputs: the root's outputs.
        name_end: what the names of new buckets end with; a test that runs a second time on the
            same deployment has another one.
    """

    name_end = ""

    def __init__(self, local_aws: LocalAws, root: Root, account: str, dr_account: str = "") -> None:
        self.local_aws = local_aws
        self.account = account
        self.dr_account = dr_account or account
        self._clients: dict[tuple[str, str], Any] = {}
        self.outputs: dict[str, Any] = root.outputs()
        self.source_region: str = self.outputs["regions"]["source"]
        self.dr_region: str = self.outputs["regions"]["dr"]
        self.replication_role_arn: str = self.outputs["replication_role"]["arn"]
        self.functions: dict[str, dict[str, str]] = dict(
            zip((*FUNCTIONS, SWEEP), self.outputs["functions"], strict=True)
        )

    @property
    def source_s3(self) -> Any:
        """An S3 client in the source region."""
        return self.client("s3", self.source_region)

    @property
    def dr_s3(self) -> Any:
        """An S3 client in the DR region."""
        return self.client("s3", self.dr_region)

    @property
    def name(self) -> str:
        """The module's ``name``, which is also the ID of its replication rules."""
        function = self.functions["source_bucket_check"]["function_name"]
        return function.removesuffix("-source-bucket-check")

    @property
    def has_two_accounts(self) -> bool:
        """Whether the twins are in another account than their sources."""
        return self.dr_account != self.account

    @property
    def dr_key_arn(self) -> str:
        """The KMS key that encrypts replicas; empty if there is none."""
        return str((self.outputs.get("dr_key") or {}).get("arn") or "")

    def client(self, service: str, region: str) -> Any:
        """A boto3 client with the root credentials of the account that has this region's side."""
        if (service, region) not in self._clients:
            account = self.dr_account if region == self.dr_region else self.account
            self._clients[service, region] = self.local_aws.client(service, region, account=account)
        return self._clients[service, region]

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
        """Create a bucket as a user would; returns its name, with `name_end`."""
        name = f"{name.removesuffix(self.name_end)}{self.name_end}"
        region = region or self.source_region
        s3 = self.local_aws.client("s3", region, account) if account else self.client("s3", region)
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

    def twin(self, bucket: str) -> str:
        """What the bucket's twin is called, unless the name has to be cut."""
        return f"{bucket}{self.outputs['dr_bucket_suffix']}"

    def bucket_exists(self, name: str) -> bool:
        """Whether an account of the deployment has such a bucket, in any region."""
        return any(
            bucket["Name"] == name
            for s3 in (self.source_s3, self.dr_s3)
            for bucket in s3.list_buckets()["Buckets"]
        )

    def rules(self, bucket: str) -> dict[str, Any]:
        """The bucket's replication rules by ID."""
        try:
            found = self.source_s3.get_bucket_replication(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ReplicationConfigurationNotFoundError":
                return {}
            raise
        return {rule["ID"]: rule for rule in found["ReplicationConfiguration"]["Rules"]}

    def replication_status(self, bucket: str, key: str, timeout: float = PATIENCE) -> str:
        """What S3 made of replicating an object, once it is no longer pending.

        Empty when no rule was for the object.
        """

        def settled() -> str | None:
            head = self.source_s3.head_object(Bucket=bucket, Key=key)
            status = str(head.get("ReplicationStatus", "none"))
            return None if status == "PENDING" else status

        status = wait_for(settled, timeout, lambda: f"{key} of {bucket} is still pending")
        return "" if status == "none" else status

    def wait_for_rule(self, bucket: str, timeout: float = PATIENCE) -> dict[str, Any]:
        """Wait until our rule is on the bucket; returns all rules by ID."""
        return self._wait_for(
            lambda: rules if self.name in (rules := self.rules(bucket)) else None,
            timeout,
            lambda: f"no replication rule came on {bucket}: {self.records(bucket)}",
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
    def events_lost(self, rule: str = "s3_events") -> Iterator[None]:
        """While this lasts, no S3 event reaches the module; or, by another rule, what that hears.

        The schedule of the queue is not for this: the functions turn it on and off themselves.
        """
        events = self.client("events", self.source_region)
        name = self.outputs["event_rules"][rule]["name"]
        self.settle()  # what was heard before may not see what is done now
        events.disable_rule(Name=name)
        try:
            yield
            self.settle()
        finally:
            events.enable_rule(Name=name)

    def call(self, function: str, event: dict[str, Any]) -> Any:
        """Call a function, wait for its answer and give it.

        Raises:
            AssertionError: the function failed.
        """
        place = self.functions[function]
        answer = self.client("lambda", place["region"]).invoke(
            FunctionName=place["function_name"], Payload=json.dumps(event).encode()
        )
        told = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, told
        return told

    # --- what happened -------------------------------------------------------------------------

    def calls(self, since: float = 0, bucket: str = "", function: str = "") -> list[dict[str, Any]]:
        """The API calls since that moment, of one bucket or its twin, of one function."""
        role = self.functions[function]["role_name"] if function else ""
        return [
            call
            for call in self.local_aws.calls(since)
            if (not bucket or call["bucket"] in (bucket, self.twin(bucket)))
            and (not role or call["principal"] == role)
        ]

    def is_write(self, call: dict[str, Any]) -> bool:
        """Whether the call is one of our functions' and changes something in S3."""
        ours = any(call["principal"] == f["role_name"] for f in self.functions.values())
        is_s3 = call["service"] in ("s3", "s3control")
        return ours and is_s3 and not call["operation"].startswith(_READS)

    def records(
        self, bucket: str = "", function: str = "", since: float = 0
    ) -> list[dict[str, Any]]:
        """The functions' log records, oldest first."""
        found = []
        for name in [function] if function else self.functions:
            place = self.functions[name]
            pages = self.client("logs", place["region"]).get_paginator("filter_log_events")
            wanted = {
                "logGroupName": place["log_group_name"],
                "startTime": int(since * 1000),
            }
            for page in pages.paginate(**wanted):
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
        self,
        function: str,
        *,
        bucket: str,
        outcome: str,
        since: float = 0,
        timeout: float = PATIENCE,
    ) -> dict[str, Any]:
        """Wait until a function has logged that outcome for the bucket."""

        def seen() -> dict[str, Any] | None:
            records = self.records(bucket, function, since)
            return next((r for r in records if r["outcome"] == outcome), None)

        return self._wait_for(
            seen,
            timeout,
            lambda: f"{function} never logged {outcome} for {bucket}: {self.records(bucket)}",
        )

    def settle(self, timeout: float = PATIENCE) -> None:
        """Wait until nothing more comes of what was asked for, but for what jobs have to do."""
        wait_for(
            lambda: not self.local_aws.busy(),
            timeout,
            lambda: f"still busy after {timeout} s: {self.calls()[-5:]}",
        )

    def receive_failure(
        self, side: str, contains: str, timeout: float = PATIENCE
    ) -> dict[str, Any]:
        """Wait for a message that contains a text in the failure queue, and take it out."""
        sqs = self.client("sqs", getattr(self, f"{side}_region"))
        url = self.outputs["failure_queues"][side]["url"]

        def received() -> dict[str, Any] | None:
            # The others stay where whoever waits for them sees them.
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
            for message in answer.get("Messages", []):
                if contains in message["Body"]:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    return dict(json.loads(message["Body"]))
            return None

        return self._wait_for(received, timeout, lambda: f"nothing about {contains} in {url}")

    def _wait_for(
        self, found: Callable[[], T | None], timeout: float, sentence: Callable[[], str]
    ) -> T:
        """Wait for what comes by events, and no longer than there are events."""

        def found_or_over() -> T | None:
            is_over = not self.local_aws.busy()
            answer = found()
            assert answer or not is_over, sentence()
            return answer

        return found() or wait_for(found_or_over, timeout, sentence)

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
        began = time.monotonic()
        if answer := found():
            return answer
        # Who is asked long questions has other work to do, too.
        time.sleep(max(0.1, time.monotonic() - began))
    raise AssertionError(sentence())
