"""Talking to AWS: waiting within the function's time, and what an error code means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from s3_dr.aws import Bucket, Budget, error_code, is_denied, is_settling

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

    get_bucket_tagging = get_bucket_policy


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
