"""What all functions of a check ask of a source bucket before they do anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from functional.payload import FOREIGN_ACCOUNT, environment
from s3_dr.aws import Budget
from s3_dr.check import Check
from s3_dr.events import BucketRequest
from s3_dr.outcomes import Blocked, Ignored, Reason, Untagged
from s3_dr.settings import Settings

TAGGED = {"TagSet": [{"Key": "dr", "Value": "true"}]}
MARK = {"Key": "s3-dr:source-bucket", "Value": "orders"}
HERE = {"BucketRegion": "us-west-2"}


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "AnyOperation")


class S3:
    """An S3 client with one answer for each operation; an exception is raised."""

    def __init__(self, tags: object = TAGGED, head: object = HERE, owned: tuple[str, ...] = ()):
        self._answers = {"get_bucket_tagging": tags, "head_bucket": head}
        self._owned = owned
        self.asked: list[str] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**_: object) -> object:
            self.asked.append(operation)
            answer = self._answers[operation]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def get_paginator(self, operation: str) -> Any:
        self.asked.append(operation)
        found = [{"Name": name} for name in self._owned]
        pages = [{"Buckets": found[:1]}, {"Buckets": found[1:]}]
        return SimpleNamespace(paginate=lambda **_: pages)


def check(
    s3: S3, created_at: datetime | None = None, bucket: str = "orders", /, **overrides: str
) -> Check:
    clients = cast(Any, SimpleNamespace(source_s3=s3, dr_s3=s3))
    request = BucketRequest(bucket, "c-1", created_at)
    budget = Budget(lambda: 60.0, sleep=lambda _: None)
    return Check(Settings.from_environment(environment(**overrides)), clients, budget, request)


def reason(s3: S3) -> Reason:
    with pytest.raises(Ignored) as caught:
        check(s3).observe_source()
    return caught.value.reason


def test_a_tagged_bucket_of_the_source_region_is_to_be_protected() -> None:
    found = check(S3())

    seen = found.observe_source()

    assert (seen.profile.name, seen.tags) == ("standard", {"dr": "true"})
    assert found.twin.name == "orders-dr"
    assert found.profile, "the result names it"


def test_an_untagged_bucket_costs_one_call() -> None:
    s3 = S3(tags=error("NoSuchTagSet"))

    assert reason(s3) == Reason.NO_PROFILE_MATCHES
    assert s3.asked == ["get_bucket_tagging"], "most buckets are not tagged"


@pytest.mark.parametrize("others", [[], TAGGED["TagSet"]])
def test_a_twin_is_never_a_source_whatever_other_tags_it_has(others: list[Any]) -> None:
    with pytest.raises(Ignored) as caught:
        check(S3(tags={"TagSet": [MARK, *others]}), None, "orders-dr").observe_source()

    assert caught.value.reason == Reason.IS_A_TWIN


def test_a_false_mark_does_not_leave_a_bucket_unprotected_in_silence() -> None:
    with pytest.raises(Blocked) as caught:
        check(S3(tags={"TagSet": [MARK, *TAGGED["TagSet"]]}), None, "copied").observe_source()

    assert caught.value.reason == Reason.SOURCE_MARKED_AS_TWIN


def test_a_bucket_elsewhere_is_ignored() -> None:
    assert reason(S3(head={"BucketRegion": "eu-west-1"})) == Reason.OTHER_REGION


def test_a_refusal_of_a_foreign_bucket_is_harmless() -> None:
    assert reason(S3(tags=error("AccessDenied"), owned=("orders-2",))) == Reason.NOT_OURS


@pytest.mark.parametrize("owned", [("orders",), ("orders-2", "orders")])
def test_a_refusal_of_an_own_bucket_is_an_error(owned: tuple[str, ...]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        check(S3(tags=error("AccessDenied"), owned=owned)).observe_source()


def test_a_refusal_to_tell_the_region_is_an_error() -> None:
    with pytest.raises(ClientError, match="403"):
        check(S3(head=error("403"))).observe_source()


def test_a_bucket_that_is_gone_is_ignored() -> None:
    assert reason(S3(tags=error("NoSuchBucket"))) == Reason.NO_SUCH_BUCKET


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, ClientError), (100, ClientError), (130, Ignored)]
)
def test_a_bucket_that_is_not_there_yet_is_an_error_for_two_minutes(
    seconds: int, expected: type[Exception]
) -> None:
    created_at = datetime.now(UTC) - timedelta(seconds=seconds)

    with pytest.raises(expected):
        check(S3(tags=error("NoSuchBucket"), owned=("orders",)), created_at).observe_source()


def test_a_new_bucket_that_is_in_no_list_is_gone_again() -> None:
    with pytest.raises(Ignored) as caught:
        check(S3(tags=error("NoSuchBucket")), datetime.now(UTC)).observe_source()

    assert caught.value.reason == Reason.NO_SUCH_BUCKET


@pytest.mark.parametrize(
    "created_at",
    [
        datetime.now(UTC) + timedelta(days=365),
        datetime.fromisoformat("9999-12-31T23:59:59-23:59"),
        datetime.fromisoformat("0001-01-01T00:00:00+23:59"),
    ],
)
def test_a_creation_at_an_impossible_time_is_not_believed(created_at: datetime) -> None:
    with pytest.raises(Ignored):
        check(S3(tags=error("NoSuchBucket")), created_at).observe_source()


@pytest.mark.parametrize(
    ("overrides", "twin"),
    [
        ({"DR_BUCKET_PREFIX": "copy-"}, "copy-orders-dr"),
        (
            {"DR_BUCKET_NAMESPACE": "account-regional"},
            "orders-dr-111122223333-us-east-2-an",
        ),
    ],
)
def test_a_twin_is_known_by_whatever_name(overrides: dict[str, str], twin: str) -> None:
    marked = S3(tags={"TagSet": [MARK, *TAGGED["TagSet"]]})

    assert check(S3(), **overrides).twin.name == twin
    with pytest.raises(Ignored) as ignored:
        check(marked, None, twin, **overrides).observe_source()
    assert ignored.value.reason == Reason.IS_A_TWIN
    with pytest.raises(Blocked) as blocked:
        check(marked, None, "orders-dr", **overrides).observe_source()
    assert blocked.value.reason == Reason.SOURCE_MARKED_AS_TWIN, "a twin has another name here"


def test_each_bucket_is_expected_of_its_own_account() -> None:
    found = check(S3(), DR_ACCOUNT_ID=FOREIGN_ACCOUNT)

    assert (found.source.owner, found.twin.owner) == ("111122223333", FOREIGN_ACCOUNT)


def test_the_buckets_own_tags_change_its_profile() -> None:
    tag = {"Key": "s3-dr:storage-class", "Value": "GLACIER"}
    found = check(S3(tags={"TagSet": [tag, *TAGGED["TagSet"]]}))

    assert found.observe_source().profile.storage_class == "GLACIER"
    assert found.settings.profiles[0].storage_class == "", "the next bucket has its own"


def test_a_tag_that_cannot_be_blocks_and_the_profile_is_told() -> None:
    tag = {"Key": "s3-dr:storage-class", "Value": "SLOW"}
    found = check(S3(tags={"TagSet": [tag, *TAGGED["TagSet"]]}))

    with pytest.raises(Blocked) as caught:
        found.observe_source()

    assert caught.value.reason == Reason.OVERRIDE_NOT_VALID
    assert found.profile and found.profile.name == "standard", (
        "whoever has to act must know of which it is"
    )


@pytest.mark.parametrize(
    ("bucket_tags", "head"),
    [
        ([{"Key": "s3-dr:storage-class", "Value": "SLOW"}], HERE),
        (
            [{"Key": "s3-dr:storage-class", "Value": "SLOW"}, *TAGGED["TagSet"]],
            {"BucketRegion": "x"},
        ),
    ],
)
def test_a_tag_on_a_bucket_we_do_not_protect_is_none_of_our_business(
    bucket_tags: list[Any], head: Any
) -> None:
    assert reason(S3(tags={"TagSet": bucket_tags}, head=head)) in (
        Reason.NO_PROFILE_MATCHES,
        Reason.OTHER_REGION,
    )


def test_who_lost_the_tag_is_told_with_the_tags_it_has() -> None:
    others = {"TagSet": [{"Key": "team", "Value": "shop"}]}

    with pytest.raises(Untagged) as caught:
        check(S3(tags=others)).observe_source()

    assert caught.value.tags == {"team": "shop"}, "they must still be so when the rule is off"
