"""The twin is made as the settings say, or not at all."""

from __future__ import annotations

import re
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functional.payload import checked, s3_model_without
from s3_dr import twin
from s3_dr.outcomes import Blocked, Reason

TAGS = ("CreateBucketConfiguration", "Tags")
NAMESPACE = ("CreateBucketRequest", "BucketNamespace")
OWN_NAMESPACE: dict[str, Any] = {"DR_BUCKET_NAMESPACE": "account-regional"}


class S3:
    """An S3 client that makes any bucket."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def create_bucket(self, **parameters: Any) -> None:
        self.asked = parameters


def require_sdk(*missing: tuple[str, str], **overrides: str) -> None:
    dr_s3 = s3_model_without(*missing)
    twin.require_sdk(checked(SimpleNamespace(source_s3=None, dr_s3=dr_s3), **overrides))


def created(*, is_locked: bool = False, **overrides: str) -> dict[str, Any]:
    """What CreateBucket is asked for."""
    s3 = S3()
    check = checked(SimpleNamespace(source_s3=None, dr_s3=s3), **overrides)
    assert twin.create(check, is_locked=is_locked) == twin.Marked({}, is_new=True)
    assert check.changes == ["CreateBucket"]
    return s3.asked


@pytest.mark.parametrize(
    ("missing", "overrides", "version"),
    [
        # Tagged afterwards, the twin of a run that dies in between could never be touched again.
        ([TAGS], {}, "1.39.2"),
        ([TAGS], OWN_NAMESPACE, "1.39.2"),
        ([NAMESPACE], OWN_NAMESPACE, "1.42.67"),
        ([TAGS, NAMESPACE], OWN_NAMESPACE, "1.42.67"),
    ],
)
def test_an_sdk_that_cannot_make_the_twin_blocks(
    missing: list[tuple[str, str]], overrides: dict[str, str], version: str
) -> None:
    with pytest.raises(Blocked) as caught:
        require_sdk(*missing, **overrides)

    assert caught.value.reason == Reason.SDK_TOO_OLD
    assert version in str(caught.value), "the remedy names the version that can"


def test_an_sdk_need_not_know_what_is_not_asked_of_it() -> None:
    require_sdk(NAMESPACE)
    require_sdk(**OWN_NAMESPACE)


def test_a_plain_twin_is_asked_for_without_options() -> None:
    asked = created()
    life = asked["CreateBucketConfiguration"]["Tags"].pop()

    assert life["Key"] == "s3-dr:life"
    assert re.fullmatch(r"[\w .:/=+@-]+", life["Value"]), "what a tag's value may be"
    assert datetime.fromisoformat(life["Value"]).tzinfo, "a moment"
    assert asked == {
        "Bucket": "orders-dr",
        "CreateBucketConfiguration": {
            "LocationConstraint": "us-east-2",
            "Tags": [
                {"Key": "s3-dr:source-bucket", "Value": "orders"},
                {"Key": "s3-dr:managed-by", "Value": "s3-dr"},
            ],
        },
        "ObjectOwnership": "BucketOwnerEnforced",
    }, "an older boto3 refuses to send what it does not know"


def test_a_locked_twin_is_locked_from_its_creation() -> None:
    assert created(is_locked=True)["ObjectLockEnabledForBucket"] is True


def test_a_twin_of_the_accounts_own_namespace_is_asked_for_there() -> None:
    asked = created(**OWN_NAMESPACE)

    assert asked["Bucket"] == "orders-dr-111122223333-us-east-2-an"
    assert asked["BucketNamespace"] == "account-regional"


def test_the_twins_namespace_is_that_of_the_dr_account() -> None:
    asked = created(**OWN_NAMESPACE, DR_ACCOUNT_ID="444455556666", DR_BUCKET_PREFIX="copy-")

    assert asked["Bucket"] == "copy-orders-dr-444455556666-us-east-2-an"


# --- where S3 does not know tags, or not yet ---------------------------------


class Control:
    """S3 Control, which gives these answers first and then takes everything."""

    def __init__(self, *codes: str) -> None:
        self.codes, self.calls = list(codes), 0
        names = {"tag_resource": "TagResource", "untag_resource": "UntagResource"}
        self.meta = SimpleNamespace(method_to_api_mapping=names)

    def tag_resource(self, **_: Any) -> None:
        self.calls += 1
        if self.codes:
            raise ClientError({"Error": {"Code": self.codes.pop(0)}}, "TagResource")

    untag_resource = tag_resource


def tagged(control: Control) -> Any:
    check = checked(SimpleNamespace(source_s3=None, dr_s3=None, dr_control=control))
    twin.tag(check, {"a": "b"})
    return check


def test_a_bucket_that_s3_control_does_not_know_yet_is_tagged_when_it_does() -> None:
    control = Control("NoSuchResource", "NoSuchResource")

    assert tagged(control).changes == ["TagResource"]
    assert control.calls == 3


def test_another_answer_of_s3_control_is_an_error() -> None:
    control = Control("AccessDenied")

    with pytest.raises(ClientError, match="AccessDenied"):
        tagged(control)
    assert control.calls == 1


@pytest.mark.parametrize("code", ["MethodNotAllowed", "UnsupportedArgument"])
def test_a_region_that_cannot_mark_a_twin_is_refused(code: str) -> None:
    class Refusing(S3):
        def create_bucket(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": code}}, "CreateBucket")

    check = checked(SimpleNamespace(source_s3=None, dr_s3=Refusing()))
    for operation, attempt in (
        ("CreateBucket", lambda: twin.create(check, is_locked=False)),
        ("TagResource", lambda: tagged(Control(code))),
    ):
        with pytest.raises(Blocked) as caught:
            attempt()

        assert caught.value.reason == Reason.TAGS_NOT_SUPPORTED
        assert f"us-east-2 cannot tag a bucket the way twins are marked ({operation}: {code})" in (
            str(caught.value)
        )
        assert "s3-dr:source-bucket=orders" in str(caught.value), "what a person can do instead"
    assert check.changes == [], "nothing was made"
