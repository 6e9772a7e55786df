"""The twin's policy: our statement is in it, and everybody else's stay."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functional.payload import environment
from s3_dr import twin
from s3_dr.outcomes import Blocked, Reason
from s3_dr.settings import Settings

ARN = "arn:aws:s3:::orders-dr"
OURS = {
    "Sid": twin.TLS_SID,
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [ARN, f"{ARN}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
THEIRS = {"Sid": "Auditor", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": ARN}
STATEMENT = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Action": st.sampled_from(["s3:*", "s3:GetObject"]) | st.just(["s3:GetObject", "s3:Get*"]),
        "Resource": st.sampled_from([ARN, f"{ARN}/*"]) | st.just([ARN]),
        "Principal": st.just("*") | st.just({"AWS": ["111122223333"]}),
    },
    optional={
        "Sid": st.sampled_from(["A", "B", ""]),
        "Condition": st.just({"Bool": {"aws:SecureTransport": "false"}}),
    },
)


class Twin:
    """A bucket that has a policy, or none, and takes a new one."""

    name = "orders-dr"

    def __init__(self, policy: Any = None) -> None:
        self.policy = policy
        self.writes = 0

    def read(self, operation: str, *, absent: str) -> Any:
        assert (operation, absent) == ("get_bucket_policy", "NoSuchBucketPolicy")
        return self.policy and {"Policy": json.dumps(self.policy)}

    def write(self, operation: str, **parameters: Any) -> None:
        assert operation == "put_bucket_policy"
        self.policy = json.loads(parameters["Policy"])
        self.writes += 1


def checked(bucket: Twin) -> Any:
    return SimpleNamespace(twin=bucket, settings=Settings.from_environment(environment()))


def ensure(bucket: Twin) -> Twin:
    check = checked(bucket)
    twin._ensure_tls_only(check, twin._read_policy(check))
    return bucket


def test_an_sdk_that_cannot_tag_while_creating_blocks() -> None:
    # Tagged afterwards, the twin of a run that dies in between could never be touched again.
    members = {"CreateBucketConfiguration": SimpleNamespace(members={"LocationConstraint": None})}
    operation = SimpleNamespace(input_shape=SimpleNamespace(members=members))
    model = SimpleNamespace(operation_model=lambda _: operation)
    old_s3 = SimpleNamespace(meta=SimpleNamespace(service_model=model))
    check: Any = SimpleNamespace(clients=SimpleNamespace(dr_s3=old_s3), settings=None)

    with pytest.raises(Blocked) as caught:
        twin._require_sdk(check)

    assert caught.value.reason == Reason.SDK_TOO_OLD


def test_a_twin_without_a_policy_gets_ours() -> None:
    found = ensure(Twin())

    assert found.policy == {"Version": "2012-10-17", "Statement": [OURS]}


def test_a_statement_that_is_not_ours_stays() -> None:
    found = ensure(Twin({"Version": "2012-10-17", "Id": "p", "Statement": [THEIRS]}))

    assert found.policy == {"Version": "2012-10-17", "Id": "p", "Statement": [THEIRS, OURS]}


def test_a_single_statement_without_its_list_stays() -> None:
    found = ensure(Twin({"Version": "2008-10-17", "Statement": THEIRS}))

    assert found.policy == {"Version": "2008-10-17", "Statement": [THEIRS, OURS]}


@pytest.mark.parametrize(
    "spelling",
    [
        {"Resource": [f"{ARN}/*", ARN]},
        {"Action": ["s3:*"]},
        {"Condition": {"Bool": {"aws:SecureTransport": ["false"]}}},
    ],
)
def test_another_spelling_of_our_statement_is_left_alone(spelling: dict[str, Any]) -> None:
    found = ensure(Twin({"Version": "2012-10-17", "Statement": [{**OURS, **spelling}]}))

    assert found.writes == 0, "S3 may give the same statement back in other words"


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Allow"},
        {"Action": "s3:GetObject"},
        {"Resource": [ARN]},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Principal": {"AWS": "111122223333"}},
    ],
)
def test_our_statement_is_put_right_whatever_was_altered(change: dict[str, Any]) -> None:
    found = ensure(Twin({"Version": "2012-10-17", "Statement": [{**OURS, **change}, THEIRS]}))

    assert found.policy["Statement"] == [THEIRS, OURS], "ours once, as it should be"


@given(st.lists(STATEMENT, max_size=4))
def test_our_statement_lives_beside_any_others(statements: list[Any]) -> None:
    found = ensure(Twin({"Version": "2012-10-17", "Statement": statements}))

    assert found.policy["Statement"] == [*statements, OURS]
    assert ensure(found).writes == 1, "what is as it should be is not written again"


OWN = "arn:aws:iam::111122223333:role/Auditor"
STRANGER = "arn:aws:iam::666677778888:root"


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": OWN},
        {"AWS": [OWN, "111122223333"]},
        {"AWS": "arn:aws:sts::111122223333:assumed-role/Auditor/x"},
    ],
)
def test_a_twin_may_be_read_within_its_account(principal: object) -> None:
    refuse({**THEIRS, "Principal": principal})


@pytest.mark.parametrize(
    "who",
    [
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": STRANGER}},
        {"Principal": {"AWS": [OWN, STRANGER]}},
        {"Principal": {"AWS": "666677778888"}},
        {"Principal": {"AWS": OWN, "CanonicalUser": "79a59df900b949e5"}},
        {"Principal": {"Service": "cloudfront.amazonaws.com"}},
        {"Principal": {"Federated": "cognito-identity.amazonaws.com"}},
        {"NotPrincipal": {"AWS": OWN}},
        {},
    ],
)
def test_a_twin_that_lets_others_in_is_refused(who: dict[str, Any]) -> None:
    with pytest.raises(Blocked) as caught:
        refuse({"Sid": "Spy", "Effect": "Allow", "Action": "s3:GetObject", "Resource": ARN, **who})

    assert caught.value.reason == Reason.TWIN_SHARED
    assert "Spy" in str(caught.value), "the remedy names the statement"


def test_a_statement_that_denies_others_is_none_of_our_business() -> None:
    refuse({**OURS, "Principal": {"AWS": STRANGER}})


def refuse(*statements: dict[str, Any]) -> None:
    check = checked(Twin({"Version": "2012-10-17", "Statement": list(statements)}))
    twin._refuse_sharing(check, twin._read_policy(check))
