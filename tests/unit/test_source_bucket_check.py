"""What makes a tagged bucket unfit, where no emulator can show it."""

from __future__ import annotations

from typing import Any

import pytest

from functional.payload import ACCOUNT, checked, profiles, s3_model_without, seen
from s3_dr import source_bucket_check as source
from s3_dr import twin
from s3_dr.outcomes import Blocked, Outcome, Reason

KMS = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
DSSE = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms:dsse"}}
FOREIGN = {
    "Role": f"arn:aws:iam::{ACCOUNT}:role/theirs",
    "Rules": [{"ID": "theirs", "Priority": 1, "Filter": {"Prefix": ""}}],
}


class Source:
    """A bucket that answers reads so."""

    name = "orders"

    def __init__(self, versioning: Any, **answers: Any) -> None:
        self.answers = {"get_bucket_versioning": versioning, **answers}
        self.written: list[Any] = []
        self.s3 = s3_model_without()

    def read(self, operation: str, *, absent: str = "") -> Any:
        return self.answers.get(operation)

    def replication(self) -> Any:
        return self.answers.get("replication")

    def write(self, operation: str, **parameters: Any) -> None:
        self.written.append((operation, parameters))


@pytest.fixture(autouse=True)
def no_twin_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "find", lambda check: None)


def check(versioning: Any, profile: dict[str, Any] | None = None, **answers: Any) -> Any:
    """A check of a bucket with this versioning, and any other configuration."""
    found: Any = checked(PROFILES=profiles(**(profile or {})))
    found.source = Source(versioning, **answers)
    found.clients.publish = lambda topic, message: None
    found.observe_source = lambda: seen(found)
    return found


def blocked(made: Any) -> Reason:
    with pytest.raises(Blocked) as caught:
        source.source_bucket_check(made)
    assert "orders" in str(caught.value), "the remedy names the bucket"
    assert made.source.written == [], "and the bucket is left as it was found"
    return caught.value.reason


def encryption(rule: Any) -> Any:
    return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


# MFA delete needs a root user's device; neither emulator has one.
MFA, SUSPENDED = Reason.SOURCE_MFA_DELETE, Reason.SOURCE_VERSIONING_SUSPENDED
ALLOW, ENABLE = {"on_mfa_delete": "allow"}, {"on_suspended_versioning": "enable"}


@pytest.mark.parametrize(
    ("versioning", "profile", "reason"),
    [
        ({"Status": "Enabled", "MFADelete": "Enabled"}, {}, MFA),
        ({"Status": "Suspended", "MFADelete": "Enabled"}, {}, MFA),
        ({"MFADelete": "Enabled"}, {}, MFA),
        ({"Status": "Enabled", "MFADelete": "Enabled"}, ENABLE, MFA),
        ({"Status": "Suspended", "MFADelete": "Enabled"}, ALLOW, MFA),
        ({"Status": "Suspended", "MFADelete": "Enabled"}, {**ALLOW, **ENABLE}, MFA),
        ({"MFADelete": "Enabled"}, {**ALLOW, **ENABLE}, MFA),
        ({"Status": "Suspended"}, {}, SUSPENDED),
        ({"Status": "Suspended"}, ALLOW, SUSPENDED),
        ({"Status": "Suspended", "MFADelete": "Disabled"}, ALLOW, SUSPENDED),
    ],
)
def test_a_versioning_that_is_not_ours_to_change_blocks(
    versioning: dict[str, str], profile: dict[str, str], reason: Reason
) -> None:
    assert blocked(check(versioning, profile)) == reason


@pytest.mark.parametrize(
    ("versioning", "profile", "writes"),
    [
        ({}, {}, 1),
        ({"Status": "Enabled"}, {}, 0),
        ({"Status": "Enabled", "MFADelete": "Disabled"}, {}, 0),
        ({"Status": "Enabled", "MFADelete": "Enabled"}, ALLOW, 0),
        ({"Status": "Suspended"}, ENABLE, 1),
        ({"Status": "Suspended", "MFADelete": "Disabled"}, ENABLE, 1),
        ({}, {**ALLOW, **ENABLE}, 1),
    ],
)
def test_versioning_is_enabled_where_it_may_be(
    versioning: dict[str, str], profile: dict[str, str], writes: int
) -> None:
    made = check(versioning, profile)

    assert source.source_bucket_check(made) == Outcome.PASSED_ON

    wanted = ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Enabled"}})
    assert made.source.written == [wanted] * writes, "MFADelete is never sent"


@pytest.mark.parametrize("rule", [KMS, DSSE])
def test_every_kind_of_kms_without_a_dr_key_blocks(rule: dict[str, Any]) -> None:
    made = check({}, get_bucket_encryption=encryption(rule))

    assert blocked(made) == Reason.KMS_WITHOUT_DR_KEY


def test_with_a_dr_key_kms_does_not_block() -> None:
    key = {"kms_key_arn": f"arn:aws:kms:us-east-2:{ACCOUNT}:key/2222-d"}
    made = check({"Status": "Enabled"}, key, get_bucket_encryption=encryption(KMS))

    assert source.source_bucket_check(made) == Outcome.PASSED_ON


def test_a_lock_of_the_source_is_not_even_looked_at() -> None:
    # It is the next function that gives the twin a lock.
    made = check({"Status": "Enabled"}, get_object_lock_configuration=AssertionError)

    assert source.source_bucket_check(made) == Outcome.PASSED_ON


def test_what_blocks_at_the_end_of_the_journey_blocks_before_the_first_write() -> None:
    made = check({}, replication=FOREIGN)

    with pytest.raises(Blocked) as caught:
        source.source_bucket_check(made)

    assert caught.value.reason == Reason.FOREIGN_REPLICATION_ROLE
    assert made.source.written == []


def test_a_twin_that_cannot_be_blocks_before_the_first_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def taken(_: object) -> None:
        raise Blocked(Reason.TWIN_NAME_TAKEN, "orders-dr")

    monkeypatch.setattr(twin, "find", taken)

    assert blocked(check({})) == Reason.TWIN_NAME_TAKEN
