"""What the tests of the functions share: settings, events, messages, and the handlers themselves.

The handlers run in the test's own process. Which AWS answers them is the test's choice: moto, the
local AWS, or nobody. It is a plugin that test modules name in ``pytest_plugins``; they import it
themselves before, too late for pytest to rewrite its assertions: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import copy
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import moto
import pytest
from botocore.retries.standard import ExponentialBackoff

from s3_dr import handlers, logs
from s3_dr.aws import Budget
from s3_dr.check import Check, Seen
from s3_dr.events import BucketRequest
from s3_dr.settings import Settings
from s3_dr.tags import SOURCE_TAG

ACCOUNT = "111122223333"
FOREIGN_ACCOUNT = "444455556666"
SOURCE_REGION = "us-west-2"
DR_REGION = "us-east-2"
REPLICATION_ROLE = f"arn:aws:iam::{ACCOUNT}:role/s3-dr-replication"
TRIGGER = {"dr": "true"}

EVENTS = Path(__file__).parents[1] / "events"
NAME_IN_EVENTS = "thebucketname"

Result = dict[str, Any]

_Session = boto3.session.Session
_budget = handlers._budget
_hearing: list[tuple[Any, str, Callable[..., object]]] = []


def troubles(result: Result) -> list[str]:
    """What a result warns of, but for grants elsewhere for which nobody looked."""
    return [each for each in result.get("warnings", []) if not each.startswith("GRANT_NEEDED")]


def environment(
    source_region: str = SOURCE_REGION, dr_region: str = DR_REGION, **overrides: str
) -> dict[str, str]:
    """The variables that Terraform gives the functions of the journey.

    Optional ones are there only when they are given here.
    """
    roles = ("source-bucket-check", "destination-bucket-check", "enable-replication")
    return {
        "DR_ACCOUNT_ID": ACCOUNT,
        "DR_BUCKET_NAMESPACE": "global",
        "DR_BUCKET_SUFFIX": "-dr",
        "DR_REGION": dr_region,
        "LOG_LEVEL": "INFO",
        "MODULE_NAME": "s3-dr",
        "OWN_ROLE_ARNS": ",".join(f"arn:aws:iam::{ACCOUNT}:role/s3-dr-{role}" for role in roles),
        "PARTITION": "aws",
        "PROFILES": profiles(),
        "REPLICATION_ROLE_ARN": REPLICATION_ROLE,
        "SOURCE_ACCOUNT_ID": ACCOUNT,
        "SOURCE_REGION": source_region,
        "TOPIC_01_ARN": f"arn:aws:sns:{dr_region}:{ACCOUNT}:s3-dr-01",
        "TOPIC_02_ARN": f"arn:aws:sns:{source_region}:{ACCOUNT}:s3-dr-02",
        **overrides,
    }


def profiles(**fields: object) -> str:
    """``PROFILES`` with one profile, for buckets with the trigger tag."""
    return json.dumps([{"name": "standard", "match_tags": [TRIGGER], **fields}])


def checked(clients: object = None, bucket: str = "orders", /, **overrides: str) -> Check:
    """A check of a bucket, of which each variable may be given.

    Without clients it can reach no AWS.
    """
    settings = Settings.from_environment(environment(**overrides))
    nobody: Any = clients or SimpleNamespace(source_s3=None, dr_s3=None)
    budget = Budget(lambda: 60.0, sleep=lambda _: None)
    return Check(settings, nobody, budget, BucketRequest(bucket, "c-1"))


def seen(check: Check) -> Seen:
    """What a check sees of a bucket that has its first profile's tag and no other."""
    return Seen(dict(TRIGGER), check.settings.profiles[0])


class Context:
    """The part of Lambda's context object that the handlers use."""

    aws_request_id = "3f6d7f3f-0a10-4a52-9d0a-6b3e61f43f0e"

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """The milliseconds left; they never grow less here."""
        return int(self._seconds * 1000)


def event(name: str, bucket: str = NAME_IN_EVENTS, at: datetime | None = None) -> Any:
    """An event of the corpus, about that bucket and, where ``at`` is given, of that moment."""
    found = json.loads((EVENTS / f"{name}.json").read_text().replace(NAME_IN_EVENTS, bucket))
    if at:
        found["time"] = found["detail"]["eventTime"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return found


def just_created(bucket: str) -> Any:
    """The event of a bucket created this moment."""
    return event("create_bucket", bucket, at=datetime.now(UTC))


def sns_event(*messages: object) -> dict[str, Any]:
    """What Lambda gets from a topic that carried these messages, in one invocation."""
    envelope = event("sns_message")["Records"][0]
    records = [{**envelope, "Sns": {**envelope["Sns"], "Message": text}} for text in messages]
    return {"Records": records}


def message(bucket: object, correlation_id: object = "c-1", version: object = 1) -> str:
    """A message as the functions send it to each other."""
    return json.dumps({"version": version, "bucket": bucket, "correlation_id": correlation_id})


def twin_marker(bucket: str) -> dict[str, str]:
    """The tag that makes a bucket the twin of ``bucket``."""
    return {SOURCE_TAG: bucket}


@dataclass(frozen=True)
class Call:
    """One AWS call the handlers made, as they asked for it."""

    service: str
    operation: str
    parameters: Mapping[str, Any]

    @property
    def is_write(self) -> bool:
        """Whether it changes a bucket; passing a message on does not."""
        return self.operation.startswith(("Put", "Create", "Delete", "Tag", "Untag"))


@dataclass
class Functions:
    """The three handlers, warm, and every AWS call they make."""

    output: Callable[[], str]
    calls: list[Call] = field(default_factory=list)
    context: Context = field(default_factory=Context)
    _lines: list[dict[str, Any]] = field(default_factory=list)

    def check_source(self, bucket: str, event_name: str = "put_bucket_tagging") -> Result:
        """Have ``source_bucket_check`` look at a bucket, and give its one result."""
        return self.only(handlers.source_bucket_check, event(event_name, bucket))

    def check_destination(self, bucket: str) -> Result:
        """Have ``destination_bucket_check`` look at a bucket, and give its one result."""
        return self.only(handlers.destination_bucket_check, sns_event(message(bucket)))

    def enable_replication(self, bucket: str) -> Result:
        """Have ``enable_replication`` look at a bucket, and give its one result."""
        return self.only(handlers.enable_replication, sns_event(message(bucket)))

    def only(self, handler: Callable[[Any, Any], dict[str, Any]], sent: object) -> Result:
        """Call a handler and give the one result it must have."""
        results = handler(sent, self.context)["results"]
        assert len(results) == 1, f"one bucket was named, so one result was expected: {results}"
        found: Result = results[0]
        return found

    def protect(self, sent: object) -> list[Result]:
        """Let an event take the whole journey: each message published reaches the next function."""
        listeners = {
            os.environ["TOPIC_01_ARN"]: handlers.destination_bucket_check,
            os.environ["TOPIC_02_ARN"]: handlers.enable_replication,
        }
        handler, results = handlers.source_bucket_check, []
        while True:
            before = len(self.calls)
            results.append(self.only(handler, sent))
            published = [c for c in self.calls[before:] if c.operation == "Publish"]
            if not published:
                return results
            handler = listeners[published[0].parameters["TopicArn"]]
            sent = sns_event(published[0].parameters["Message"])

    def deploy(self, monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
        """Deploy anew, with these variables changed or added."""
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        restart()

    def in_regions(
        self, monkeypatch: pytest.MonkeyPatch, world: World, source: str, dr: str
    ) -> None:
        """Deploy anew, in other regions."""
        world.source_region, world.dr_region = source, dr
        world.topics()
        self.deploy(monkeypatch, **environment(source, dr))

    def protected(self, world: World, bucket: str = "", **options: Any) -> str:
        """A bucket, new unless given, that has made the whole journey; a second changes nothing.

        The calls are those of the second journey: there is no write among them.
        """
        bucket = bucket or world.bucket(**{"tags": TRIGGER, **options})
        for _ in range(2):
            self.calls.clear()
            last = self.protect(event("put_bucket_tagging", bucket))[-1]
            assert last["outcome"] == "protected", last
        assert self.writes == [], "what is as it should be is not written again"
        return bucket

    @property
    def operations(self) -> list[str]:
        """The names of all calls, in their order."""
        return [call.operation for call in self.calls]

    @property
    def writes(self) -> list[str]:
        """The names of the calls that change a bucket, in their order."""
        return [call.operation for call in self.calls if call.is_write]

    def log_lines(self) -> list[dict[str, Any]]:
        """Everything logged so far; each line must be one JSON object."""
        self._lines += [json.loads(line) for line in self.output().splitlines()]
        return self._lines


def assert_blocked(result: Result, reason: str) -> None:
    """The one way in which a bucket is blocked."""
    assert (result["outcome"], result.get("reason")) == ("blocked", reason), result
    assert result["remedy"], "a blocked bucket comes with what to do about it"
    assert result["changes"] == [], "a blocked bucket is left as it was found"


def fault(
    operation: str, bucket: str, code: str, status: int, text: str = "", times: int = 1
) -> dict[str, Any]:
    """A call that the local AWS is to refuse, so many times."""
    found = {"operation": operation, "code": code, "status": status, "times": times}
    return {**found, "message": text or code, "bucket": bucket}


@dataclass
class World:
    """The AWS of one test: clients of the person whose account it is, and buckets."""

    client: Callable[..., Any]
    source_region: str = SOURCE_REGION
    dr_region: str = DR_REGION

    def s3(self, region: str = "", account: str = ACCOUNT) -> Any:
        """An S3 client, in the source region unless told otherwise."""
        return self.client("s3", region or self.source_region, account)

    def bucket(
        self,
        name: str = "",
        *,
        tags: Mapping[str, str] | None = None,
        region: str = "",
        account: str = ACCOUNT,
        versioning: str = "",
        **options: Any,
    ) -> str:
        """Make a bucket; its name is new unless given. Returns the name."""
        region = region or self.source_region
        name = name or f"b-{uuid.uuid4().hex[:12]}"
        s3 = self.s3(region, account)
        if region != "us-east-1":
            options["CreateBucketConfiguration"] = {"LocationConstraint": region}
        s3.create_bucket(Bucket=name, **options)
        if tags:
            self.tag(name, tags, region)
        if versioning:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": versioning})
        return name

    def twin(self, bucket: str, tags: Mapping[str, str] | None = None, **options: Any) -> str:
        """Make the bucket's twin by hand, marked unless other tags are given. Returns its name."""
        options = {"region": self.dr_region, **options}
        return self.bucket(
            f"{bucket}-dr", tags=twin_marker(bucket) if tags is None else tags, **options
        )

    def tag(self, bucket: str, tags: Mapping[str, str], region: str = "") -> None:
        """Give a bucket these tags and no others."""
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.s3(region).put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": pairs})

    def tags(self, bucket: str, region: str = "") -> dict[str, str]:
        """The tags of a bucket."""
        found = self.s3(region).get_bucket_tagging(Bucket=bucket)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def versioning(self, bucket: str, region: str = "") -> str:
        """``Enabled``, ``Suspended``, or nothing for a bucket never versioned."""
        return str(self.s3(region).get_bucket_versioning(Bucket=bucket).get("Status", ""))

    def replication(self, bucket: str) -> Any:
        """The replication configuration of a bucket that has one."""
        return self.s3().get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]

    def replicate(self, bucket: str, rules: list[Any], role: str = REPLICATION_ROLE) -> None:
        """Put a replication configuration, as a person would."""
        self.s3().put_bucket_replication(
            Bucket=bucket, ReplicationConfiguration={"Role": role, "Rules": rules}
        )

    def names(self, account: str = ACCOUNT) -> set[str]:
        """The names of all buckets of an account."""
        return {found["Name"] for found in self.s3(account=account).list_buckets()["Buckets"]}

    def topics(self) -> dict[str, str]:
        """Make the two topics the functions publish to. Returns their variables."""
        topics = {"01": self.dr_region, "02": self.source_region}
        return {
            f"TOPIC_{number}_ARN": self.client("sns", region, ACCOUNT).create_topic(
                Name=f"s3-dr-{number}"
            )["TopicArn"]
            for number, region in topics.items()
        }


@pytest.fixture
def functions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Functions]:
    """The handlers, cold, in an environment where nobody answers AWS calls."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    nowhere = {
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }
    for name, value in {**nowhere, **environment()}.items():
        monkeypatch.setenv(name, value)
    functions = Functions(lambda: str(capsys.readouterr().out))
    monkeypatch.setattr(boto3.session, "Session", _session)
    monkeypatch.setattr("functional.payload._recorded", lambda call: functions.calls.append(call))
    monkeypatch.setattr(handlers, "_budget", _quick_budget)
    # botocore's waits before it asks again; how often it does is what counts.
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.01)
    restart()
    yield functions
    restart()


def _quick_budget(context: Any) -> Budget:
    """A function's own waits, which are as many as ever and take a twentieth of their time."""
    return replace(_budget(context), sleep=lambda seconds: time.sleep(seconds / 20))


def _session(botocore_session: Any = None) -> boto3.session.Session:
    """A session of the functions, whose calls are recorded."""
    if botocore_session:
        return _recording(core_session(botocore_session))
    return _own_session(frozenset(pair for pair in os.environ.items() if pair[0][:4] == "AWS_"))


@cache
def _own_session(_: frozenset[tuple[str, str]]) -> boto3.session.Session:
    """The session of an environment, which makes each of its clients once: that is the slow part.

    So what a test does to a client must end with the test: see `hear`.
    """
    made = _recording(core_session())
    made.client = cache(made.client)  # type: ignore[method-assign]
    return made


def _recording(core: Any) -> boto3.session.Session:
    made = _Session(botocore_session=core)
    made.events.register("provide-client-params", _record)
    return made


def _record(params: Mapping[str, Any], model: Any, **_: object) -> None:
    _recorded(Call(model.service_model.service_name, model.name, dict(params)))


def _recorded(call: Call) -> None:
    """Each test puts its own in this place."""


def hear(client: Any, moment: str, handler: Callable[..., object], *, first: bool = False) -> None:
    """Have one of the functions' clients call a handler at a moment, until they are cold again."""
    events = client.meta.events
    (events.register_first if first else events.register_last)(moment, handler)
    _hearing.append((events, moment, handler))


def restart() -> None:
    """Forget what a warm function keeps, so that the next event meets a cold one."""
    handlers._runtime.cache_clear()
    while _hearing:
        events, moment, handler = _hearing.pop()
        events.unregister(moment, handler)
    # The logger's handler writes to the standard output of the test that made it, and pytest gives
    # loggers that do not propagate a handler of its own.
    logs.LOGGER.handlers.clear()
    logs.LOGGER.propagate = True


class _OldLoader(botocore.loaders.Loader):
    """Loads another S3 model than botocore has."""

    def __init__(self, s3: Any) -> None:
        super().__init__()
        self._s3 = s3

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Any:
        if (service_name, type_name) == ("s3", "service-2"):
            return self._s3
        return super().load_service_model(service_name, type_name, api_version)


@cache
def s3_model_without(*members: tuple[str, str]) -> Any:
    """An S3 client of a boto3 that does not know these (shape, member) pairs yet.

    Its requests go nowhere unless the test answers them.
    """
    model = copy.deepcopy(_loader().load_service_model("s3", "service-2"))
    for shape, member in members:
        del model["shapes"][shape]["members"][member]
    core = botocore.session.Session({"config_file": (None, None, os.devnull, None)})
    core.register_component("data_loader", _OldLoader(model))
    return boto3.session.Session(
        aws_access_key_id=ACCOUNT, aws_secret_access_key="test", botocore_session=core
    ).client("s3", region_name=DR_REGION, endpoint_url="http://127.0.0.1:1")


def core_session(made: Any = None) -> Any:
    """A botocore session, new unless given, that does not read AWS's models anew."""
    core = made or botocore.session.Session()
    core.register_component("data_loader", _loader(core.get_config_variable("data_path")))
    return core


@cache
def _loader(data_path: str | None = None) -> botocore.loaders.Loader:
    """Reads S3's model once for all cold functions of a test run: it is the slow part.

    On the local AWS there is a path where botocore finds how to reach S3 Control there.
    """
    return botocore.loaders.create_loader(data_path)


@cache
def _moto_client(service: str, region: str, _account: str) -> Any:
    """A client of the person whose account it is; moto answers it in whichever test it is."""
    made: Any = _Session(botocore_session=core_session())
    return made.client(service, region)


@pytest.fixture
def on_moto(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """moto answers: fast, and true for what does not touch owners, regions and replication."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with moto.mock_aws():
        world = World(_moto_client)
        # moto's account is one of its own.
        for name, arn in world.topics().items():
            monkeypatch.setenv(name, arn)
        yield world


@pytest.fixture(scope="session")
def journey(local_aws: Any, local_clients: Any) -> None:
    """What the functions of the journey need, in their usual regions: a role and two topics."""
    local_aws.replication_role(REPLICATION_ROLE.rpartition("/")[2], ACCOUNT)
    World(local_clients).topics()


@pytest.fixture
def on_local_aws(
    functions: Functions,
    local_aws: Any,
    local_clients: Any,
    journey: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """The local AWS answers: strict where AWS is strict."""
    for name, value in local_aws.environment(account=ACCOUNT).items():
        monkeypatch.setenv(name, value)
    yield World(local_clients)
    local_aws.faults([])


@pytest.fixture(scope="session")
def local_clients(local_aws: Any) -> Callable[..., Any]:
    """Makes the clients of the person whose account it is, each once."""
    return cache(lambda service, region, account: local_aws.client(service, region, account))
