"""What S3 says of our rule, and how a bucket is let go."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from functional.payload import checked, profiles
from s3_dr import enable_replication as replication
from s3_dr.check import Check
from s3_dr.outcomes import Blocked, Reason
from s3_dr.record import Record
from s3_dr.rule import Configuration, Known


def check(**fields: Any) -> Check:
    """A check whose profile has these fields."""
    return checked(PROFILES=profiles(**fields))


@pytest.mark.parametrize(
    ("code", "words", "blocked"),
    [
        ("InvalidRequest", "Replication Time Control is not supported in this Region", True),
        ("InvalidRequest", "Found overlapping priority 1", False),
        ("AccessDenied", "Replication Time Control", False),
    ],
)
def test_only_a_region_without_time_control_is_no_error(
    code: str, words: str, blocked: bool
) -> None:
    class Source:
        def write(self, operation: str, **_: Any) -> None:
            raise ClientError({"Error": {"Code": code, "Message": words}}, operation)

    made: Any = check(replication_time_control=True)
    made.source = Source()

    with pytest.raises((Blocked, ClientError)) as caught:
        replication._put(made, Configuration(Known(made.settings, "orders")))

    assert isinstance(caught.value, Blocked) == blocked
    assert not blocked or getattr(caught.value, "reason", "") == Reason.RTC_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("known", "way"),
    [("standard", "remove"), ("gone", "disable"), ("", "disable"), ("Standard", "disable")],
)
def test_the_profile_of_the_record_decides_how_a_bucket_is_let_go(known: str, way: str) -> None:
    record = Record(profile=known)

    assert replication._on_untag(check(on_untag="remove"), record) == way
