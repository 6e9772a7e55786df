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
from s3_dr.rule import Configuration, Known, desired


def check(**fields: Any) -> Check:
    """A check whose profile has these fields."""
    return checked(PROFILES=profiles(**fields))


@pytest.mark.parametrize(
    ("code", "words", "asked", "blocked"),
    [
        ("InvalidRequest", "Replication Time Control is not supported in this Region", True, True),
        ("InvalidRequest", "replication time control isn't available here", True, True),
        ("InvalidRequest", "S3 RTC not supported in this Region", True, True),
        ("InvalidArgument", "ReplicationTime is not supported", True, True),
        ("UnsupportedArgument", "The request contained an unsupported argument.", True, True),
        ("NotImplemented", "A header implies functionality that is not implemented.", True, True),
        ("NotImplemented", "A header implies functionality that is not implemented.", False, False),
        ("InvalidRequest", "Found overlapping priority 1", True, False),
        ("InvalidRequest", "Replication Time Control is not supported", False, False),
        ("InvalidRequest", "The metric is not supported, as the portcullis is down", True, False),
        ("AccessDenied", "Replication Time Control", True, False),
    ],
)
def test_only_a_region_without_time_control_is_no_error(
    code: str, words: str, asked: bool, blocked: bool
) -> None:
    """No document gives S3's words; a rule of ours must have asked for it."""

    class Source:
        def write(self, operation: str, **_: Any) -> None:
            raise ClientError({"Error": {"Code": code, "Message": words}}, operation)

    made: Any = check(replication_time_control=asked)
    made.source = Source()
    current = Configuration(Known(made.settings, "orders"))

    with pytest.raises((Blocked, ClientError)) as caught:
        replication._put(made, desired(current, made.settings.profiles[0]))

    assert isinstance(caught.value, Blocked) == blocked
    assert not blocked or getattr(caught.value, "reason", "") == Reason.RTC_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("known", "way"),
    [("standard", "remove"), ("gone", "disable"), ("", "disable"), ("Standard", "disable")],
)
def test_the_profile_of_the_record_decides_how_a_bucket_is_let_go(known: str, way: str) -> None:
    record = Record(profile=known)

    assert replication._on_untag(check(on_untag="remove"), record) == way
