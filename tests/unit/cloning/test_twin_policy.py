"""The twin's policy: our statements are in it, and everybody else's stay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functional.payload import ACCOUNT, FOREIGN_ACCOUNT, REPLICATION_ROLE, checked, profiles, seen
from s3_dr.aws import Bucket
from s3_dr.cloning import source_policy, twin_policy
from s3_dr.outcomes import Blocked, Reason

ARN = "arn:aws:s3:::orders-dr"
OURS = {
    "Sid": source_policy.TLS_SID,
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


def against(bucket: Twin, **overrides: str) -> Any:
    check: Any = checked(**overrides)
    check.twin = bucket
    return check


def ensure(bucket: Twin, **overrides: str) -> Twin:
    check = against(bucket, **overrides)
    twin_policy.ensure(check, seen(check), Bucket.policy(check.twin), {})
    return bucket


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
        # An account can call its roles what it likes.
        {"Principal": {"AWS": "arn:aws:iam::666677778888:role/111122223333"}},
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


def test_a_statement_without_a_name_is_looked_at_too() -> None:
    with pytest.raises(Blocked, match="without Sid"):
        refuse({key: each for key, each in THEIRS.items() if key != "Sid"} | {"Principal": "*"})


def test_a_statement_that_denies_others_is_none_of_our_business() -> None:
    refuse({**OURS, "Principal": {"AWS": STRANGER}})


def refuse(*statements: dict[str, Any], **overrides: str) -> None:
    check = against(Twin(), **overrides)
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    twin_policy.refuse_sharing(check, twin_policy.of_others(policy))


# --- annotations -------------------------------------------------------------

NO_ANNOTATIONS = {
    "Sid": "S3DrDenyAnnotations",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:ReplicateObjectAnnotation",
    "Resource": f"{ARN}/*",
}
REFUSING = {"PROFILES": profiles(annotations=False)}


def test_a_profile_without_annotations_has_the_twin_refuse_them() -> None:
    found = ensure(Twin({"Version": "2012-10-17", "Statement": [THEIRS, OURS]}), **REFUSING)

    assert found.policy["Statement"] == [THEIRS, OURS, NO_ANNOTATIONS]
    found.policy["Statement"][2] |= {"Action": [NO_ANNOTATIONS["Action"]], "Resource": [f"{ARN}/*"]}
    assert ensure(found, **REFUSING).writes == 1, "what is as it should be is not written again"


def test_annotations_are_let_in_again_when_the_profile_takes_them() -> None:
    found = ensure(ensure(Twin({"Statement": [THEIRS]}), **REFUSING))

    assert found.policy["Statement"] == [THEIRS, OURS]


@pytest.mark.parametrize(
    "other",
    [
        {"Resource": f"{ARN}/secret/*"},
        {"Action": "s3:PutObjectAnnotation"},
        {"Principal": {"AWS": REPLICATION_ROLE}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ],
)
def test_a_refusal_of_somebody_else_stays_beside_ours(other: dict[str, Any]) -> None:
    theirs = {**NO_ANNOTATIONS, **other}
    found = ensure(Twin({"Version": "2012-10-17", "Statement": [theirs]}), **REFUSING)

    second = {**NO_ANNOTATIONS, "Sid": "S3DrDenyAnnotations2"}
    assert found.policy["Statement"] == [theirs, OURS, second]
    assert ensure(found).policy["Statement"] == [theirs, OURS], "only ours goes with the setting"


# --- two accounts ------------------------------------------------------------

THEIR_ROLE = "arn:aws:iam::111122223333:role/theirs"
TWO_ACCOUNTS = {"DR_ACCOUNT_ID": FOREIGN_ACCOUNT, "FOREIGN_ROLE_ARNS": THEIR_ROLE}
USING = {**TWO_ACCOUNTS, "PROFILES": profiles(on_foreign_role="use")}


def let_in(*roles: str) -> list[dict[str, Any]]:
    """The statements by which the twin's account lets these roles replicate."""
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": list(roles)}},
    }
    return [
        {
            **allow,
            "Sid": "S3DrReplication",
            "Action": [
                "s3:ObjectOwnerOverrideToBucketOwner",
                "s3:ReplicateDelete",
                "s3:ReplicateObject",
                "s3:ReplicateTags",
            ],
            "Resource": f"{ARN}/*",
        },
        {
            **allow,
            "Sid": "S3DrReplicationLooks",
            "Action": ["s3:GetBucketVersioning", "s3:ListBucket"],
            "Resource": ARN,
        },
    ]


def test_the_twin_of_another_account_lets_the_replication_role_in() -> None:
    found = ensure(Twin(), **TWO_ACCOUNTS)

    assert found.policy["Statement"] == [OURS, *let_in(REPLICATION_ROLE)], "and no foreign role"
    assert ensure(found, **TWO_ACCOUNTS).writes == 1, "what is as it should be is not written again"


def test_the_twin_of_another_account_lets_foreign_roles_in_where_the_profile_uses_them() -> None:
    found = ensure(Twin(), **USING)

    assert found.policy["Statement"] == [OURS, *let_in(REPLICATION_ROLE, THEIR_ROLE)]
    assert ensure(found, **USING).writes == 1


def test_the_twin_of_another_account_refuses_annotations_in_the_same_way() -> None:
    found = ensure(Twin(), **{**TWO_ACCOUNTS, **REFUSING})

    assert found.policy["Statement"] == [OURS, NO_ANNOTATIONS, *let_in(REPLICATION_ROLE)]


def test_a_foreign_role_is_let_out_again_when_the_profile_no_longer_uses_it() -> None:
    found = ensure(ensure(Twin(), **USING), **TWO_ACCOUNTS)

    assert found.policy["Statement"] == [OURS, *let_in(REPLICATION_ROLE)]


def test_within_one_account_nobody_needs_to_be_let_in() -> None:
    found = ensure(ensure(Twin({"Statement": [THEIRS]}), **TWO_ACCOUNTS))

    assert found.policy["Statement"] == [THEIRS, OURS], "what two accounts needed is taken out"


def test_within_one_account_a_foreign_role_needs_no_policy() -> None:
    found = ensure(Twin(), FOREIGN_ROLE_ARNS=THEIR_ROLE, PROFILES=profiles(on_foreign_role="use"))

    assert found.policy["Statement"] == [OURS]


@pytest.mark.parametrize(
    "drift",
    [
        {"Principal": {"AWS": REPLICATION_ROLE}},
        {"Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root", STRANGER]}},
        {"Condition": {"ArnEquals": {"aws:PrincipalArn": [REPLICATION_ROLE, STRANGER]}}},
        {"Principal": "*"},
        {"Effect": "Deny"},
        {"Action": "s3:*"},
        {"Action": "s3:ReplicateObject"},
        {"Resource": "*"},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_a_statement_that_lets_us_in_is_put_right(drift: dict[str, Any]) -> None:
    for number in range(2):
        ours = let_in(REPLICATION_ROLE)
        ours[number] |= drift
        policy = {"Version": "2012-10-17", "Statement": [OURS, *ours, THEIRS]}

        found = ensure(Twin(policy), **TWO_ACCOUNTS)

        assert found.policy["Statement"] == [THEIRS, OURS, *let_in(REPLICATION_ROLE)]


@pytest.mark.parametrize("sid", sorted(source_policy.OUR_SIDS))
@pytest.mark.parametrize(
    "theirs",
    [
        {"Effect": "Deny", "Principal": {"AWS": STRANGER}, "Action": "s3:Get*", "Resource": ARN},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": f"{ARN}/a/*"},
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [ARN, f"{ARN}/*"],
            "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.3"}},
        },
    ],
)
def test_a_statement_of_somebody_else_with_our_sid_stays(sid: str, theirs: dict[str, Any]) -> None:
    there = {"Sid": sid, **theirs}
    found = Twin({"Version": "2012-10-17", "Statement": [there]})

    for _ in range(2):
        ensure(found, **TWO_ACCOUNTS)

    assert found.writes == 1
    first, *ours = found.policy["Statement"]
    assert first == there
    expected = [OURS, *let_in(REPLICATION_ROLE)]
    assert ours == [
        {**each, "Sid": f"{each['Sid']}2" if each["Sid"] == sid else each["Sid"]}
        for each in expected
    ]
    assert twin_policy.of_others(found.policy) == {**found.policy, "Statement": [there]}


def test_another_spelling_of_what_lets_us_in_is_left_alone() -> None:
    objects, looks = let_in(REPLICATION_ROLE)
    objects |= {
        "Action": objects["Action"][::-1],
        "Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": REPLICATION_ROLE}},
        "Resource": [f"{ARN}/*"],
    }
    policy = {"Version": "2012-10-17", "Statement": [looks, objects, OURS]}

    assert ensure(Twin(policy), **TWO_ACCOUNTS).writes == 0


def test_a_statement_twice_is_put_right() -> None:
    policy = {"Version": "2012-10-17", "Statement": [OURS, OURS]}

    assert ensure(Twin(policy)).policy["Statement"] == [OURS]


def test_our_own_statements_are_no_sharing() -> None:
    # As they should be or not: what is under our Sids is put right next.
    refuse(OURS, *let_in(REPLICATION_ROLE), **TWO_ACCOUNTS)
    refuse(*let_in(STRANGER), **TWO_ACCOUNTS)


def test_with_two_accounts_the_sources_account_is_another_one() -> None:
    with pytest.raises(Blocked) as caught:
        refuse({**THEIRS, "Principal": {"AWS": OWN}}, **TWO_ACCOUNTS)

    assert caught.value.reason == Reason.TWIN_SHARED
    assert FOREIGN_ACCOUNT in str(caught.value), "the remedy names the account that may"
    mine = f"arn:aws:iam::{FOREIGN_ACCOUNT}:role/Auditor"
    refuse({**THEIRS, "Principal": {"AWS": mine}}, **TWO_ACCOUNTS)


@given(st.lists(STATEMENT, max_size=4))
def test_what_lets_us_in_lives_beside_any_others(statements: list[Any]) -> None:
    found = ensure(Twin({"Version": "2012-10-17", "Statement": statements}), **USING)

    ours = [OURS, *let_in(REPLICATION_ROLE, THEIR_ROLE)]
    assert found.policy["Statement"] == [*statements, *ours]
    assert ensure(found, **USING).writes == 1, "what is as it should be is not written again"
