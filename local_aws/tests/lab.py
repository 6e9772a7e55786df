"""One local AWS for a session of tests, and what they do with it over and over.

A conftest.py that imports the fixtures has them.
"""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from local_aws import LocalAws
from local_aws.open_points import WORLDS

ACCOUNT, REGION = "111122223333", "us-west-2"
T = TypeVar("T")


class Bus:
    """A queue that receives what a rule on the default bus matches."""

    def __init__(self, lab: "Lab", name: str, region: str, pattern: Any = None) -> None:
        self._lab, self._name = lab, name
        self._sqs, self._events = (lab.server.client(s, region) for s in ("sqs", "events"))
        arn = f"arn:aws:sqs:{region}:{ACCOUNT}:{name}"
        rule = f"arn:aws:events:{region}:{ACCOUNT}:rule/{name}"
        attributes = {"Policy": lab.queue_policy(arn, rule)}
        self._url = self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        pattern = pattern or {
            "source": ["aws.s3"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {"requestParameters": {"bucketName": [{"prefix": name}]}},
        }
        self._events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        self._events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])

    def receive(self) -> list[dict[str, Any]]:
        """The events that are there now."""
        return [json.loads(body) for body in self._lab.receive(self._sqs, self._url)]

    def one(self) -> dict[str, Any]:
        """The one event that comes."""
        events = self._lab.eventually(self.receive)
        assert len(events) == 1, f"one event expected, got {[e['detail'] for e in events]}"
        event: dict[str, Any] = events[0]
        return event

    def delete(self) -> None:
        """Remove rule and queue."""
        self._events.remove_targets(Rule=self._name, Ids=["q"])
        self._events.delete_rule(Name=self._name)
        self._sqs.delete_queue(QueueUrl=self._url)


class Lab:
    """One local AWS for a session of tests, and what they do with it over and over.

    A conftest.py that imports the fixtures has them.
    """

    def __init__(self, server: LocalAws) -> None:
        self.server = server

    @contextmanager
    def bus(self, name: str, region: str = REGION, pattern: Any = None) -> Iterator[Bus]:
        """Events of the buckets whose name begins so, unless another pattern is given."""
        made = Bus(self, name, region, pattern)
        try:
            yield made
        finally:
            made.delete()

    def create(
        self, name: str, region: str = REGION, account: str = ACCOUNT, **configuration: Any
    ) -> Any:
        """Create a bucket; the answer is an S3 client of its region and account."""
        s3 = self.server.client("s3", region, account)
        if region != "us-east-1":
            configuration["LocationConstraint"] = region
        wanted = {"CreateBucketConfiguration": configuration} if configuration else {}
        s3.create_bucket(Bucket=name, **wanted)
        return s3

    def versioned(self, name: str, region: str = REGION, account: str = ACCOUNT) -> Any:
        """Create a versioned bucket."""
        s3 = self.create(name, region, account)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return s3

    def assume(
        self, role: str, statements: list[dict[str, Any]], account: str = ACCOUNT
    ) -> dict[str, str]:
        """Credentials of a new role with one inline policy."""
        arn = self.role(role, statements, account)
        sts = self.server.client("sts", REGION, account)
        answer = sts.assume_role(RoleArn=arn, RoleSessionName="session")
        credentials: dict[str, str] = answer["Credentials"]
        return credentials

    def role(self, role: str, statements: list[dict[str, Any]], account: str = ACCOUNT) -> str:
        """The ARN of a new role, for functions and for this account."""
        iam = self.server.client("iam", REGION, account)
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com", "AWS": account},
            "Action": "sts:AssumeRole",
        }
        arn: str = iam.create_role(RoleName=role, AssumeRolePolicyDocument=_policy([trust]))[
            "Role"
        ]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=_policy(statements))
        return arn

    def function(self, name: str, source: str, role: str, **more: Any) -> str:
        """The ARN of a new function whose handler is ``index.handler``."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("index.py", source)
        answer = self.server.client("lambda", REGION).create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="index.handler",
            Role=role,
            Timeout=20,
            Code={"ZipFile": buffer.getvalue()},
            **more,
        )
        arn: str = answer["FunctionArn"]
        return arn

    def settle(self) -> None:
        """Wait until nothing more comes of what was asked for."""
        assert self.eventually(lambda: self.server.busy() == 0), "it is never quiet"

    @staticmethod
    def eventually(read: Callable[[], T], seconds: float = 120) -> T:
        """The first truthy answer within some seconds, or the last one."""
        deadline = time.monotonic() + seconds
        while not (answer := read()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return answer

    @staticmethod
    def receive(sqs: Any, url: str) -> list[str]:
        """The bodies of the messages that are in a queue now; they are removed."""
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages]

    @staticmethod
    def queue_policy(queue: str, source: str, service: str = "events") -> str:
        """One source may send to the queue, over TLS."""
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": source}},
        }
        deny = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": queue,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        return _policy([allow, deny])

    @staticmethod
    def tag(*pairs: str) -> dict[str, Any]:
        """``Tagging`` of pairs such as ``dr=true``."""
        split = [pair.partition("=") for pair in pairs]
        return {"TagSet": [{"Key": key, "Value": value} for key, _, value in split]}

    @staticmethod
    def replication_rule(twin: str, **changes: Any) -> dict[str, Any]:
        """A V2 rule for the whole bucket, as the module writes it."""
        return {
            "ID": "s3-dr-standard",
            "Priority": 1,
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "DeleteMarkerReplication": {"Status": "Enabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{twin}", "Account": ACCOUNT},
            **changes,
        }


def _policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@contextmanager
def running(world: str = WORLDS[0]) -> Iterator[LocalAws]:
    """A local AWS in which nothing may go wrong inside."""
    with LocalAws(world=world) as server:
        yield server
        errors = server.errors()
    assert not errors, f"The local AWS failed inside: {errors}"


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """One local AWS for the session; every test uses names of its own."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def lab(local_aws: LocalAws) -> Lab:
    """The local AWS with what its own tests do over and over."""
    return Lab(local_aws)
