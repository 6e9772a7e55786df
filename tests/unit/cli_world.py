"""An AWS for tests of the command line: real clients of boto3, whose requests never leave.

Each request is checked by botocore against AWS's own model, and answered from here.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

ACCOUNT, DR_ACCOUNT = "111122223333", "444455556666"
REGION, DR_REGION = "us-west-2", "us-east-2"
FUNCTIONS = ("source_bucket_check", "destination_bucket_check", "enable_replication", "sweep")


# Making a client takes longer than the tests themselves: one of a kind is enough.
_clients: dict[Any, Any] = {}
_lock = threading.Lock()
_make_client: Any = boto3.session.Session.client
_now: list[World] = []


class Refusal(Exception):
    """What AWS answers in place of what was asked for."""

    def __init__(self, code: str, message: str = "told so", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


class Crash(Exception):
    """A function ends with an error."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


@dataclass
class Call:
    """One API call."""

    service: str
    operation: str
    region: str
    account: str
    parameters: dict[str, Any]
    config: Any = None

    @property
    def event(self) -> dict[str, Any]:
        """What a function was invoked with."""
        found: dict[str, Any] = json.loads(self.parameters["Payload"])
        return found

    @property
    def function(self) -> str:
        """The function that was invoked."""
        name = self.parameters["FunctionName"].rpartition(":")[2]
        return str(name.removeprefix("s3-dr-").replace("-", "_"))


@dataclass
class World:
    """What there is, and what was asked.

    Attributes:
        buckets: for each bucket and function, the result of a dry run; the default is a protected
            bucket. An exception is raised in the function, a function called for each result.
        does: what a function answers to events other than dry runs, by detail-type.
        tagged: what the sweep sees.
        jobs: what the sweep says of jobs, beside places that are all free; or its error.
        answers: in place of the usual answer, by operation: a document, or a function of the call.
    """

    settings: dict[str, str] = field(
        default_factory=lambda: {
            "BATCH_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/s3-dr-batch",
            "DR_ACCOUNT_ID": ACCOUNT,
            "DR_REGION": DR_REGION,
            "OWN_ROLE_ARNS": f"arn:aws:iam::{ACCOUNT}:role/s3-dr-sweep",
            "PARTITION": "aws",
            "REPLICATION_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/s3-dr-replication",
            "REPORTS_BUCKET": "s3-dr-reports",
            "SOURCE_ACCOUNT_ID": ACCOUNT,
            "SOURCE_REGION": REGION,
        }
    )
    buckets: dict[str, dict[str, Any]] = field(default_factory=dict)
    does: dict[str, Callable[[str, dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)
    tagged: list[str] = field(default_factory=list)
    look: dict[str, Any] = field(default_factory=dict)
    jobs: dict[str, Any] | Crash = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def use_two_accounts(self) -> None:
        """Put the twins into an account of their own."""
        self.settings["DR_ACCOUNT_ID"] = DR_ACCOUNT

    def invoked(self, function: str = "") -> list[Call]:
        """The invocations, of one function or of all."""
        made = [call for call in self.calls if call.operation == "Invoke"]
        return [call for call in made if function in ("", call.function)]

    def operations(self) -> set[str]:
        """The names of the calls made."""
        return {call.operation for call in self.calls}

    def answer(self, call: Call) -> dict[str, Any]:
        """What AWS answers."""
        with self.lock:
            self.calls.append(call)
        special = self.answers.get(call.operation)
        if isinstance(special, Exception):
            raise special
        if special is not None:
            found: dict[str, Any] | None = special(call) if callable(special) else special
            if found is not None:
                return found
        usual: dict[str, Callable[[Call], dict[str, Any]]] = {
            "Invoke": self._invoke,
            "GetFunctionConfiguration": lambda _: {
                "CodeSha256": "abcdefghijklmnop",
                "Environment": {"Variables": self.settings},
                "LastUpdateStatus": "Successful",
                "Runtime": "python3.13",
                "State": "Active",
            },
            "GetAccountSettings": lambda _: {
                "AccountLimit": {"UnreservedConcurrentExecutions": 1000}
            },
            "GetCallerIdentity": lambda _: {"Account": call.account},
            "GetRole": lambda _: {"Role": {"Arn": "arn"}},
            "DescribeRule": lambda _: {"State": "ENABLED"},
            "GetQueueUrl": lambda _: {"QueueUrl": f"https://queue.{call.region}"},
            "GetQueueAttributes": lambda _: {"Attributes": {"ApproximateNumberOfMessages": "0"}},
            "GetServiceQuota": lambda _: {"Quota": {"Value": 10000.0}},
            "HeadBucket": lambda _: {"BucketRegion": REGION},
            "ListBuckets": lambda _: {"Buckets": [{"Name": "one"}, {"Name": "two"}]},
            "PutEvents": lambda _: {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]},
        }
        return usual[call.operation](call)

    def _invoke(self, call: Call) -> dict[str, Any]:
        try:
            document = self._function(call.function, call.event)
        except Crash as crash:
            body = {"errorType": crash.kind, "errorMessage": crash.message}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(body).encode())}
        return {"Payload": io.BytesIO(json.dumps(document).encode())}

    def _function(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        kind, detail = event["detail-type"], event["detail"]
        if kind == "Sweep Look Requested":
            trail = {"status": "ok", "detail": "", "trails": ["main"]}
            looked = {"buckets": self.tagged, "orphans": [], "released": [], "trail": trail}
            return looked | self.look
        if kind == "Jobs Look Requested":
            if isinstance(self.jobs, Crash):
                raise self.jobs
            places = {"active_jobs": 4, "at_once": 6, "held_by_ours": 0, "held_by_others": 0}
            return {**places, "errors": [], "jobs": [], **self.jobs}
        if not detail.get("dry_run"):
            return self.does[kind](function, detail)
        return {"results": [self._dry_run(function, bucket) for bucket in detail["buckets"]]}

    def _dry_run(self, function: str, bucket: str) -> dict[str, Any]:
        usual = "protected" if function == "enable_replication" else "passed_on"
        said = self.buckets.get(bucket, {}).get(function, {})
        said = said() if callable(said) else said
        if isinstance(said, Exception):
            raise said
        return {
            "outcome": usual,
            "bucket": bucket,
            "twin": f"{bucket}-dr",
            "profile": "standard",
            "changes": [],
            **said,
        }


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """An installation in which all is well, and an AWS profile ``dr`` for the DR account."""
    made = World()
    profile = "[profile dr]\naws_access_key_id = {}\naws_secret_access_key = x\n"
    (tmp_path / "config").write_text(profile.format(DR_ACCOUNT))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_REGION", REGION)
    for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "S3_DR_NAME", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3.session.Session, "client", _client)
    _now[:] = [made]
    return made


def _client(self: Any, service: str, *, region_name: str, config: Any) -> Any:
    """A client as boto3 makes it, that asks the world of the test that runs now."""
    credentials = self.get_credentials()
    account = credentials.access_key if credentials else ""
    key = (service, region_name, account, repr(sorted(vars(config).items(), key=str)))
    with _lock:
        if key not in _clients:
            made = _make_client(self, service, region_name=region_name, config=config)
            _listen(made, service, account)
            _clients[key] = made
    return _clients[key]


def _listen(client: Any, service: str, account: str) -> None:
    parameters = threading.local()
    meta = client.meta

    def keep(params: dict[str, Any], **_: Any) -> None:
        parameters.value = dict(params)

    def answer(model: Any, **_: Any) -> tuple[Any, dict[str, Any]] | None:
        if not account:
            return None  # the request is signed, which fails
        place = (meta.region_name, account)
        call = Call(service, model.name, *place, parameters.value, meta.config)
        try:
            return SimpleNamespace(status_code=200), _now[0].answer(call)
        except Refusal as refusal:
            error = {"Error": {"Code": refusal.code, "Message": refusal.message}}
            return SimpleNamespace(status_code=refusal.status), error

    meta.events.register("provide-client-params.*.*", keep)
    meta.events.register_last("before-call.*.*", answer)
