"""Talking to AWS: waiting within the function's time, and what an error code means."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from functional.payload import core_session, environment, s3_model_without
from s3_dr.aws import Bucket, Budget, Clients, error_code, is_denied, is_settling, knows, now
from s3_dr.settings import Settings

ABORTED = ("OperationAborted", "A conflicting conditional operation is in progress.")
DENIED = ("AccessDenied", "Access Denied")


def client_error(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "AnyOperation")


@dataclass
class Clock:
    """A function's remaining time, which only sleeping and calling use up."""

    remaining: float
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        assert seconds <= self.remaining, "the function would be ended while it sleeps"
        self.slept.append(seconds)
        self.remaining -= seconds

    @property
    def budget(self) -> Budget:
        return Budget(lambda: self.remaining, self.sleep)


def failing(clock: Clock, error: Exception, times: int, seconds: float = 0.0) -> Callable[[], str]:
    """A call that takes so long, and fails so many times before it succeeds."""
    left = times

    def call() -> str:
        nonlocal left
        clock.remaining -= seconds
        if left:
            left -= 1
            raise error
        return "done"

    return call


@pytest.mark.parametrize(
    ("code", "message", "settling"),
    [
        (*ABORTED, True),
        ("InvalidRequest", "Destination bucket must exist.", True),
        ("InvalidRequest", "Destination bucket must have versioning enabled.", True),
        ("InvalidRequest", "Versioning must be 'Enabled' on the bucket to apply a …", True),
        ("InvalidRequest", "Found overlapping priority 1", False),
        ("InvalidArgument", "Destination bucket must exist.", False),
        (*DENIED, False),
        ("NoSuchBucket", "", False),
        ("404", "", False),
        ("MalformedXML", "", False),
    ],
)
def test_only_what_passes_by_itself_is_waited_for(code: str, message: str, settling: bool) -> None:
    assert is_settling(client_error(code, message)) is settling


@pytest.mark.parametrize(
    ("code", "denied"),
    [("AccessDenied", True), ("403", True), ("404", False), ("NoSuchTagSet", False), ("", False)],
)
def test_a_refusal_is_told_from_an_absence(code: str, denied: bool) -> None:
    assert is_denied(client_error(code)) is denied


def test_an_error_without_a_code_has_none() -> None:
    assert error_code(ClientError({}, "AnyOperation")) == ""


def test_a_call_that_succeeds_is_made_once_and_never_waits() -> None:
    clock = Clock(60)

    assert clock.budget.settle(failing(clock, client_error(*ABORTED), 0)) == "done"
    assert clock.slept == []


def test_a_call_is_repeated_until_s3_has_settled() -> None:
    clock = Clock(60)

    assert clock.budget.settle(failing(clock, client_error(*ABORTED), 3)) == "done"
    assert len(clock.slept) == 3, "one wait after each of the three refusals"


def test_waits_grow() -> None:
    clock = Clock(600)

    clock.budget.settle(failing(clock, client_error(*ABORTED), 6))

    # Half a delay of jitter at most: every second one must be longer.
    assert all(a < b for a, b in zip(clock.slept, clock.slept[2:], strict=False)), clock.slept


@pytest.mark.parametrize("error", [client_error(*DENIED), ValueError("broken")])
def test_any_other_error_is_raised_at_once(error: Exception) -> None:
    clock = Clock(60)

    with pytest.raises(type(error)):
        clock.budget.settle(failing(clock, error, 1))

    assert clock.slept == [], "waiting cannot help"


def test_an_error_that_stays_is_raised_in_the_end() -> None:
    clock = Clock(600)

    with pytest.raises(ClientError, match="OperationAborted"):
        clock.budget.settle(failing(clock, client_error(*ABORTED), 10_000))


def test_without_time_a_call_is_made_once() -> None:
    clock = Clock(1)

    with pytest.raises(ClientError, match="OperationAborted"):
        clock.budget.settle(failing(clock, client_error(*ABORTED), 1))

    assert clock.slept == [], "there was no time to wait"


@given(remaining=st.floats(0, 200), at_most=st.floats(0, 60), seconds=st.floats(0, 1))
def test_no_wait_goes_beyond_the_functions_time(
    remaining: float, at_most: float, seconds: float
) -> None:
    clock = Clock(remaining)
    call = failing(clock, client_error(*ABORTED), 10_000, seconds)

    with pytest.raises(ClientError):  # Clock.sleep refuses to sleep too long
        clock.budget.settle(call, at_most=at_most)


@given(remaining=st.floats(0, 200), seconds=st.floats(0, 15))
def test_no_wait_goes_beyond_the_functions_time_however_slow_a_call_is(
    remaining: float, seconds: float
) -> None:
    clock = Clock(remaining)
    call = failing(clock, client_error(*ABORTED), 10_000, seconds)

    with pytest.raises(ClientError):
        clock.budget.settle(call)


@given(at_most=st.floats(0, 60))
def test_waits_end_after_the_time_allowed(at_most: float) -> None:
    clock = Clock(10_000)

    with pytest.raises(ClientError):
        clock.budget.settle(failing(clock, client_error(*ABORTED), 10_000), at_most=at_most)

    assert sum(clock.slept) <= at_most, "for at most so many seconds"


class Answers:
    """An S3 client that gives one answer, an error perhaps, and keeps what it was asked."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def get_bucket_policy(self, **parameters: Any) -> object:
        self.asked.append(parameters)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    get_bucket_replication = get_bucket_tagging = get_bucket_policy


def bucket(*answers: object, is_new: bool = False) -> tuple[Bucket, Answers, Clock]:
    client, clock = Answers(*answers), Clock(60)
    s3 = cast(Any, client)
    return Bucket(s3, "orders", "111122223333", clock.budget, is_new=is_new), client, clock


def test_every_read_names_the_owner_we_expect() -> None:
    orders, client, _ = bucket({"Policy": "{}"})

    assert orders.read("get_bucket_policy") == {"Policy": "{}"}
    assert client.asked == [{"Bucket": "orders", "ExpectedBucketOwner": "111122223333"}]


def test_the_one_code_that_means_absent_is_no_error() -> None:
    orders, _, _ = bucket(client_error("NoSuchBucketPolicy"))

    assert orders.read("get_bucket_policy", absent="NoSuchBucketPolicy") is None


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "SlowDown", "InternalError", ""])
def test_no_other_code_means_absent(code: str) -> None:
    orders, _, _ = bucket(client_error(code))

    with pytest.raises(ClientError):
        orders.read("get_bucket_policy", absent="NoSuchBucketPolicy")


def test_without_a_code_for_absent_every_error_is_one() -> None:
    orders, _, _ = bucket(client_error(""))

    with pytest.raises(ClientError):
        orders.read("get_bucket_policy")


@pytest.mark.parametrize("code", ["NoSuchBucket", "404"])
def test_a_new_bucket_may_be_missing_for_a_moment(code: str) -> None:
    orders, _, clock = bucket(client_error(code), {"Policy": "{}"}, is_new=True)

    assert orders.read("get_bucket_policy") == {"Policy": "{}"}
    assert len(clock.slept) == 1


def test_an_old_bucket_that_is_missing_is_not_waited_for() -> None:
    orders, _, clock = bucket(client_error("NoSuchBucket"), {"Policy": "{}"})

    with pytest.raises(ClientError, match="NoSuchBucket"):
        orders.read("get_bucket_policy")

    assert clock.slept == []


def test_tags_are_a_dictionary_and_none_is_an_empty_one() -> None:
    tagged, _, _ = bucket({"TagSet": [{"Key": "dr", "Value": "true"}, {"Key": "x", "Value": ""}]})
    untagged, _, _ = bucket(client_error("NoSuchTagSet"))
    emptied, _, _ = bucket({"TagSet": []})

    assert tagged.tags() == {"dr": "true", "x": ""}
    assert untagged.tags() == {}
    assert emptied.tags() == {}


def test_a_policy_has_its_statements_in_a_list_and_none_is_empty() -> None:
    one = {"Version": "2012-10-17", "Statement": {"Sid": "A"}}
    several = {**one, "Statement": [{"Sid": "A"}, {"Sid": "B"}]}

    for document, statements in ((one, [{"Sid": "A"}]), (several, several["Statement"])):
        found, _, _ = bucket({"Policy": json.dumps(document)})
        assert found.policy() == {"Version": "2012-10-17", "Statement": statements}
    none, _, _ = bucket(client_error("NoSuchBucketPolicy"))
    assert none.policy() == {}


def test_a_bucket_that_is_not_replicated_has_no_configuration() -> None:
    configuration = {"Role": "r", "Rules": [{"ID": "a"}]}
    found, _, _ = bucket({"ReplicationConfiguration": configuration})
    none, _, _ = bucket(client_error("ReplicationConfigurationNotFoundError"))

    assert found.replication() == configuration
    assert none.replication() is None


def test_moments_sort_as_they_come() -> None:
    moments = [now() for _ in range(50)]

    assert moments == sorted(moments)
    assert {len(moment) for moment in moments} == {len("2026-03-02T09:03:08.000000+00:00")}


# --- what this boto3 knows ---------------------------------------------------

CREATE_TAGS = ("CreateBucket", "CreateBucketConfiguration", "Tags")
NAMESPACE = ("CreateBucket", "BucketNamespace")
BLOCKED_TYPES = (
    "PutBucketEncryption",
    "ServerSideEncryptionConfiguration",
    "Rules",
    "BlockedEncryptionTypes",
)


@pytest.mark.parametrize("path", [CREATE_TAGS, NAMESPACE, BLOCKED_TYPES])
def test_todays_sdk_knows_what_we_ask_of_it(path: tuple[str, ...]) -> None:
    assert knows(s3_model_without(), *path)


@pytest.mark.parametrize(
    ("path", "member"),
    [
        (CREATE_TAGS, ("CreateBucketConfiguration", "Tags")),
        (CREATE_TAGS, ("CreateBucketRequest", "CreateBucketConfiguration")),
        (NAMESPACE, ("CreateBucketRequest", "BucketNamespace")),
        (BLOCKED_TYPES, ("ServerSideEncryptionRule", "BlockedEncryptionTypes")),
    ],
)
def test_an_old_sdk_is_known_by_what_is_not_in_its_model(
    path: tuple[str, ...], member: tuple[str, str]
) -> None:
    assert not knows(s3_model_without(member), *path)


# --- clients -----------------------------------------------------------------

READER = "arn:aws:iam::444455556666:role/s3-dr-source-reader"
ANSWER = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult><Credentials><AccessKeyId>ROLE{number}</AccessKeyId>
    <SecretAccessKey>test</SecretAccessKey><SessionToken>token</SessionToken>
    <Expiration>{until}</Expiration></Credentials></AssumeRoleResult>
</AssumeRoleResponse>"""

REFUSAL = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"


class Sts:
    """STS, as a session of the function's own role reaches it."""

    def __init__(self, valid: timedelta = timedelta(hours=1), refuses: str = "") -> None:
        self.valid, self.refuses = valid, refuses
        self.asked: list[Any] = []
        self.session = boto3.session.Session(
            aws_access_key_id="OWN",
            aws_secret_access_key="test",
            botocore_session=core_session(),
            region_name="eu-west-1",
        )
        self.answered("sts.AssumeRole", self.answer)

    def answered(self, call: str, answer: Any) -> None:
        """Have a function answer a call in place of AWS."""
        self.session.events.register_first(f"before-send.{call}", answer)

    def answer(self, request: Any, **_: object) -> AWSResponse:
        self.asked.append(request)
        until = (datetime.now(UTC) + self.valid).isoformat()
        is_refused = bool(self.refuses and self.refuses in request.url)
        text = REFUSAL if is_refused else ANSWER.format(number=len(self.asked), until=until)
        raw: Any = SimpleNamespace(stream=lambda: iter([text.encode()]))
        return AWSResponse(request.url, 403 if is_refused else 200, HTTPHeaders(), raw)

    def clients(self, **overrides: str) -> Clients:
        return Clients(Settings.from_environment(environment(**overrides)), self.session)


def signed_by(client: Any) -> str:
    """The access key a client signs its next request with."""
    return str(client._request_signer._credentials.get_frozen_credentials().access_key)


def test_without_a_role_every_client_is_the_functions_own() -> None:
    sts = Sts()
    clients = sts.clients()

    for client in (clients.source_s3, clients.dr_s3, clients.source_kms, clients.dr_kms):
        assert signed_by(client) == "OWN"
    assert sts.asked == []


def test_each_client_is_of_its_region() -> None:
    clients = Sts().clients()

    regions = [
        client.meta.region_name
        for client in (clients.source_s3, clients.dr_s3, clients.source_kms, clients.dr_kms)
    ]
    assert regions == ["us-west-2", "us-east-2", "us-west-2", "us-east-2"]
    assert clients.source_s3 is clients.source_s3, "a client is made once"


@pytest.mark.parametrize(
    ("variable", "reads", "others", "region"),
    [
        # The function runs in the other region than the buckets it reads are in, which the account
        # of the role need not have enabled.
        ("SOURCE_READER_ROLE_ARN", "source_s3", ["dr_s3", "dr_kms"], "us-west-2"),
        ("TWIN_READER_ROLE_ARN", "dr_s3", ["source_s3", "source_kms"], "us-east-2"),
        ("TWIN_READER_ROLE_ARN", "dr_tagging", ["source_tagging", "source_s3"], "us-east-2"),
    ],
)
def test_buckets_of_the_other_account_are_read_as_its_reader(
    variable: str, reads: str, others: list[str], region: str
) -> None:
    sts = Sts()
    clients = sts.clients(**{variable: READER})

    for other in others:
        assert signed_by(getattr(clients, other)) == "OWN", f"{other} is of our own account"
    assert sts.asked == [], "the role is assumed when it is needed"
    assert signed_by(getattr(clients, reads)) == "ROLE1"
    [request] = sts.asked
    assert f"//sts.{region}.amazonaws.com" in request.url, (
        "first in the region of the role's account"
    )
    body = request.body if isinstance(request.body, str) else request.body.decode()
    assert "role%2Fs3-dr-source-reader" in body
    assert "RoleSessionName=s3-dr" in body, "CloudTrail there tells who it was"


def test_a_role_is_assumed_once_while_its_credentials_last() -> None:
    sts = Sts(valid=timedelta(hours=1))
    clients = sts.clients(TWIN_READER_ROLE_ARN=READER)

    assert [signed_by(clients.dr_s3) for _ in range(3)] == ["ROLE1"] * 3
    assert len(sts.asked) == 1


def test_a_role_is_assumed_again_before_its_credentials_end() -> None:
    sts = Sts(valid=timedelta(minutes=5))
    clients = sts.clients(TWIN_READER_ROLE_ARN=READER)

    first, second = signed_by(clients.dr_s3), signed_by(clients.dr_s3)

    assert first != second, "a warm function outlives the hour that a role lasts"


def test_a_role_that_cannot_be_assumed_is_an_error() -> None:
    sts = Sts(refuses="sts")
    clients = sts.clients(TWIN_READER_ROLE_ARN=READER)

    with pytest.raises(ClientError, match="AccessDenied"):
        clients.dr_s3.head_bucket(Bucket="orders-dr")
    assert len(sts.asked) == 2, "in either region"


def test_a_region_that_the_functions_account_has_not_enabled_is_not_the_only_one() -> None:
    """Documents and reports differ in whose account has to have enabled it."""
    sts = Sts(refuses="us-east-2")
    clients = sts.clients(TWIN_READER_ROLE_ARN=READER)

    assert signed_by(clients.dr_s3) == "ROLE2"
    assert ["us-east-2" in sts.asked[0].url, "us-west-2" in sts.asked[1].url] == [True, True]


def test_a_message_is_sent_as_the_function_itself_and_in_the_topics_region() -> None:
    sts, sent = Sts(), []

    def answer(request: Any, **_: object) -> AWSResponse:
        sent.append(request)
        raw: Any = SimpleNamespace(
            stream=lambda: iter([b"<PublishResponse><PublishResult/></PublishResponse>"])
        )
        return AWSResponse(request.url, 200, HTTPHeaders(), raw)

    sts.answered("sns.Publish", answer)
    clients = sts.clients(SOURCE_READER_ROLE_ARN=READER, TWIN_READER_ROLE_ARN=READER)

    clients.publish("arn:aws:sns:us-east-2:111122223333:s3-dr-01", "text")

    [request] = sent
    assert "//sns.us-east-2.amazonaws.com" in request.url
    assert b"Credential=OWN/" in request.headers["Authorization"]
    assert sts.asked == []
