"""A twin's share of its source's policy: never wider, and no Deny weaker."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3_dr.cloning.source_policy import normal, translate
from s3_dr.cloning.terms import Terms

SRC, DR, STRANGER = "111122223333", "444455556666", "777788889999"
B, T = "arn:aws:s3:::orders", "arn:aws:s3:::orders-dr"
ROLES = frozenset(f"arn:aws:iam::{SRC}:role/s3-dr-{name}" for name in ("check", "replication"))
NEW_KEY = f"arn:aws:kms:us-east-2:{DR}:key/new"
ONE = Terms("orders", "orders-dr", SRC, SRC, "us-west-2", "us-east-2", role_arns=ROLES)
TWO = replace(ONE, dr_account=DR)
BOTH = pytest.mark.parametrize("terms", [ONE, TWO], ids=["one", "two"])
EXEMPTION = {"aws:PrincipalArn": sorted(ROLES)}
KMS = "s3:x-amz-server-side-encryption-aws-kms-key-id"

ALLOW: dict[str, Any] = {
    "Sid": "Say",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{STRANGER}:role/app"},
    "Action": "s3:GetObject",
    "Resource": f"{B}/*",
}
DENY = {**ALLOW, "Effect": "Deny", "Principal": "*"}


def sent(*statements: Any, terms: Terms = ONE, version: str = "2012-10-17") -> Any:
    """What becomes of statements, and the notes; what is given stays as it was."""
    policy = {"Version": version, "Statement": list(statements)}
    before = copy.deepcopy(policy)
    found = translate(policy, terms)
    assert policy == before, "the source's policy is only read"
    assert all(note.startswith("statement ") for note in found[1])
    json.dumps(found)
    return found


def one(statement: Any, terms: Terms = ONE, **changes: Any) -> Any:
    """The one statement that becomes of one, without notes."""
    [found], notes = sent({**statement, **changes}, terms=terms)
    assert notes == [], "nothing to tell of"
    return found


def left_out(statement: Any, terms: Terms = ONE, **changes: Any) -> str:
    """The one note about a statement that the twin does not get."""
    found, [note] = sent({**statement, **changes}, terms=terms)
    assert found == []
    assert note.startswith(f"statement {statement.get('Sid', 1)}: left out, ")
    return str(note)


def told(statement: Any, terms: Terms = ONE, **changes: Any) -> Any:
    """The one statement that becomes of one, and that it is told of."""
    [found], notes = sent({**statement, **changes}, terms=terms)
    assert notes, "what is not as it was is told of"
    return found


# --- policies as people have them ---------------------------------------------


@BOTH
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"Bool": {"AWS:securetransport": ["false"]}},
        {"BoolIfExists": {"aws:SecureTransport": False}},
        {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        {"NumericLessThan": {"s3:TlsVersion": 1.2}},
    ],
)
@pytest.mark.parametrize("action", ["s3:*", ["s3:PutObject", "s3:GetBucketPolicy"]])
def test_a_demand_for_tls_is_the_same_for_the_twin(
    terms: Terms, partition: str, condition: Any, action: Any
) -> None:
    b, t = (f"arn:{partition}:s3:::{name}" for name in ("orders", "orders-dr"))
    tls = {**DENY, "Action": action, "Resource": [b, f"{b}/*"], "Condition": condition}

    assert one(tls, terms) == {**tls, "Resource": [t, f"{t}/*"]}


@BOTH
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_a_role_of_the_owner_may_do_what_it_may(terms: Terms, partition: str) -> None:
    mine, b = f"arn:{partition}:iam::{{}}:role/app", f"arn:{partition}:s3:::orders"
    folder = {"StringLike": {"s3:prefix": ["in/*", "out/*"]}}
    given = {
        **ALLOW,
        "Principal": {"AWS": mine.format(SRC)},
        "Action": ["s3:ListBucket", "s3:Get*"],
        "Resource": [b, f"{b}/*"],
        "Condition": folder,
    }

    assert one(given, terms) == {
        **given,
        "Principal": {"AWS": mine.format(terms.dr_account)},
        "Resource": [f"{b}-dr", f"{b}-dr/*"],
    }


@BOTH
def test_a_cdn_may_read_for_its_own_distribution(terms: Terms) -> None:
    def access(account: str, bucket: str) -> dict[str, Any]:
        distribution = f"arn:aws:cloudfront::{account}:distribution/E1"
        return {
            **ALLOW,
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Resource": f"{bucket}/*",
            "Condition": {"StringEquals": {"AWS:SourceArn": distribution}},
        }

    assert one(access(SRC, B), terms) == access(terms.dr_account, T)


@BOTH
def test_logs_may_be_delivered_for_other_buckets_and_for_itself(terms: Terms) -> None:
    given = {
        **ALLOW,
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"{B}/logs*",
        "Condition": {
            "ArnLike": {"aws:SourceArn": [B, "arn:aws:s3:::web"]},
            "StringEquals": {"aws:SourceAccount": SRC},
        },
    }

    assert one(given, terms) == {
        **given,
        "Resource": f"{T}/logs*",
        "Condition": {
            "ArnLike": {"aws:SourceArn": [T, "arn:aws:s3:::web"]},
            "StringEquals": {"aws:SourceAccount": terms.dr_account},
        },
    }


def test_the_source_of_another_region_is_told_of() -> None:
    condition = {"ArnEquals": {"aws:SourceArn": f"arn:aws:sns:us-west-2:{SRC}:topic"}}

    found, notes = sent({**ALLOW, "Condition": condition})

    assert found == [{**ALLOW, "Resource": f"{T}/*", "Condition": condition}]
    assert len(notes) == 1 and "arn:aws:sns:us-west-2" in notes[0]


@BOTH
def test_uploads_with_another_encryption_stay_denied(terms: Terms) -> None:
    condition = {
        "StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"},
        "Null": {KMS: "true"},
    }
    given = {**DENY, "Action": "s3:PutObject", "Condition": condition}

    assert one(given, terms) == {**given, "Resource": f"{T}/*"}


@BOTH
def test_own_folders_stay_own(terms: Terms) -> None:
    mine = f"arn:aws:iam::{SRC}:root"
    given = {**ALLOW, "Principal": {"AWS": mine}, "Resource": f"{B}/home/${{aws:username}}/*"}

    found = one(given, terms)

    assert found["Resource"] == T + "/home/${aws:username}/*"
    assert found["Principal"] == {"AWS": f"arn:aws:iam::{terms.dr_account}:root"}


# --- who ----------------------------------------------------------------------

ORG: dict[str, Any] = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
PUBLIC: list[dict[str, Any]] = [
    {"Principal": "*"},
    {"Principal": ["*"]},
    {"Principal": {"AWS": "*"}},
    {"Principal": {"AWS": ["*"]}},
    {"Principal": {"AWS": [f"arn:aws:iam::{SRC}:root", "*"]}},
    {"Principal": {"AWS": f"arn:aws:iam::{SRC}:root", "Service": "*"}},
    {"Principal": {"Service": "*"}},
    {"Principal": {"Service": ["s3.amazonaws.com", "*"]}},
    {"Principal": {"Federated": "*"}},
    {"Principal": {"CanonicalUser": "*"}},
    {"Principal": {"AWS": "arn:aws:iam::*:role/x"}},
    {"Principal": {"AWS": f"arn:aws:iam::{STRANGER}:role/?"}},
    {"Principal": {"AWS": "**"}},
]


@BOTH
@pytest.mark.parametrize("who", PUBLIC)
def test_what_is_public_is_left_out(terms: Terms, who: Any) -> None:
    assert "public" in left_out({**ALLOW, **who}, terms)


@BOTH
@pytest.mark.parametrize("who", PUBLIC[5:])
def test_a_condition_only_names_those_who_have_an_account(terms: Terms, who: Any) -> None:
    left_out({**ALLOW, **who, "Condition": ORG}, terms)


@BOTH
@pytest.mark.parametrize("who", [{"AWS": f"arn:aws:iam::{SRC}:root"}, "*", {"AWS": "*"}])
def test_everybody_but_some_is_left_out(terms: Terms, who: Any) -> None:
    given = {key: value for key, value in ALLOW.items() if key != "Principal"}

    left_out({**given, "NotPrincipal": who, "Condition": ORG}, terms)


@pytest.mark.parametrize("who", [each["Principal"] for each in PUBLIC[:5]])
@pytest.mark.parametrize(
    "condition",
    [
        ORG,
        {"StringLike": {"AWS:PRINCIPALORGID": ["o-1", "o-2"]}},
        {"stringequalsignorecase": {"aws:principalAccount": STRANGER}},
        {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{STRANGER}:role/app"}},
        {**ORG, "StringNotEquals": {"aws:PrincipalTag/team": "x"}},
    ],
)
def test_everybody_who_is_named_by_a_condition_stays(who: Any, condition: Any) -> None:
    found = one(ALLOW, Principal=who, Condition=condition)

    assert found["Condition"] == condition
    assert found["Principal"] == who or who == ["*"]


ORG_PATHS = "ForAnyValue:StringLike"
UNIT = "o-abc123/r-ab12/ou-ab12-11111111/*"


@pytest.mark.parametrize(
    ("condition", "same"),
    [
        ({ORG_PATHS: {"aws:PrincipalOrgPaths": UNIT}}, {"aws:PrincipalOrgID": ["o-abc123"]}),
        (
            {"foranyvalue:stringlike": {"AWS:PrincipalOrgPaths": [UNIT, "o-x9/*", "o-x9/r-1/"]}},
            {"aws:PrincipalOrgID": ["o-abc123", "o-x9"]},
        ),
        (
            {"ForAnyValue:StringEquals": {"aws:principalorgpaths": "o-abc123/r-ab12/"}},
            {"aws:PrincipalOrgID": ["o-abc123"]},
        ),
        (
            {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{STRANGER}:role/*"}},
            {"aws:PrincipalAccount": [STRANGER]},
        ),
        (
            {"StringLike": {"aws:principalarn": [f"arn:aws:iam::{STRANGER}:role/team/*"]}},
            {"aws:PrincipalAccount": [STRANGER]},
        ),
    ],
)
def test_who_is_named_by_a_pattern_is_said_so_that_s3_understands(
    condition: Any, same: dict[str, Any]
) -> None:
    """S3 counts a pattern as public, and refuses the policy; what is added follows from it."""
    assert one(ALLOW, Principal="*", Condition=condition)["Condition"] == {
        **condition,
        "StringEquals": same,
    }
    beside = {**condition, "stringequals": {"aws:PrincipalTag/team": "x"}}
    assert one(ALLOW, Principal="*", Condition=beside)["Condition"]["stringequals"] == {
        "aws:PrincipalTag/team": "x",
        **same,
    }
    named = {**condition, **ORG}
    assert one(ALLOW, Principal="*", Condition=named)["Condition"] == named, "S3 understands"


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceAccount": STRANGER}},
        {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:us-east-2:{STRANGER}:news"}},
    ],
)
def test_everybody_for_an_account_stays(condition: Any) -> None:
    given = {**ALLOW, "Principal": "*", "Condition": condition}

    assert sent(given)[0][0]["Condition"] == condition


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ({}, "it is public"),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, "no condition fixes the organisation"),
        ({ORG_PATHS: {"aws:PrincipalOrgPaths": "o-*/*"}}, "no condition fixes the organisation"),
        ({"StringEquals": {"aws:SourceOrgID": "o-abc123"}}, "S3 may take it for public in spite"),
    ],
)
def test_why_everybody_is_left_out_is_true(condition: Any, why: str) -> None:
    assert why in left_out(ALLOW, ONE, Principal="*", Condition=condition)


@BOTH
@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}},
        {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        {"ForAnyValue:StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}},
        {"StringLike": {"aws:PrincipalOrgID": "*"}},
        {"StringLike": {"aws:PrincipalOrgID": ["o-1", "o-*"]}},
        {"StringLike": {"aws:PrincipalOrgID": "o-?"}},
        {"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}},
        {"StringEquals": {"aws:PrincipalOrgID": []}},
        {"StringEquals": {"aws:PrincipalTag/team": "orders"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app"}},
        {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{STRANGER[:-1]}*:role/app"}},
        {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{STRANGER}*"}},
        {"StringLike": {"aws:PrincipalArn": f"arn:*:{STRANGER}:role/app"}},
        {"ArnLikeIfExists": {"aws:PrincipalArn": f"arn:aws:iam::{STRANGER}:role/*"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/*"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-abc123/*", "o-*/r-ab12/*"]}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abc123*"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abc12?/*"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "*/r-ab12/*"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": []}},
        {"ForAnyValue:StringLikeIfExists": {"aws:PrincipalOrgPaths": "o-abc123/*"}},
        {"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": "o-abc123/*"}},
        {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-abc123/*"}},
        {"StringLike": {"aws:PrincipalOrgPaths": "o-abc123/*"}},
        {"StringEquals": {"aws:VpcSourceIp": "10.0.0.1"}},
        {"StringLike": {"aws:SourceAccount": "1*"}},
        {"StringEqualsIfExists": {"aws:SourceAccount": SRC}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::orders"}},
        # S3 may take these for public, and would then refuse the whole policy.
        {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:us-east-2:{STRANGER}:*"}},
        {"StringEquals": {"aws:SourceOrgID": "o-abc123"}},
        {"ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-abc123/*"}},
        {"Null": {"aws:PrincipalOrgID": "false"}},
        {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringEquals": {"aws:Referer": "https://example.com/"}},
        {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
    ],
)
def test_a_condition_that_does_not_name_anybody_is_no_excuse(terms: Terms, condition: Any) -> None:
    left_out(ALLOW, terms, Principal="*", Condition=condition)


def test_the_sources_account_is_not_let_in_with_its_organization() -> None:
    given = {**ALLOW, "Principal": "*", "Condition": {**ORG, "StringNotLike": {"aws:x": "y"}}}

    assert told(given, TWO)["Condition"] == {
        **given["Condition"],
        "StringNotEquals": {"aws:PrincipalAccount": [SRC]},
    }
    also = {**ORG, "StringNotEquals": {"aws:principalaccount": STRANGER}}
    assert told(given, TWO, Condition=also)["Condition"]["StringNotEquals"] == {
        "aws:principalaccount": [STRANGER, SRC]
    }


def test_everybody_of_the_sources_account_becomes_everybody_of_the_twins() -> None:
    given = {
        **ALLOW,
        "Principal": "*",
        "Condition": {"StringEquals": {"aws:PrincipalAccount": SRC}},
    }

    assert one(given, TWO)["Condition"] == {"StringEquals": {"aws:PrincipalAccount": DR}}
    kept = told(given, replace(TWO, given={SRC: SRC}))["Condition"]
    assert kept["StringNotEquals"] == {"aws:PrincipalAccount": [SRC]}, "whatever the user says"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (SRC, DR),
        (f"arn:aws:iam::{SRC}:root", f"arn:aws:iam::{DR}:root"),
        (f"arn:aws:iam::{SRC}:user/a/b", f"arn:aws:iam::{DR}:user/a/b"),
        (f"arn:aws:sts::{SRC}:assumed-role/a/b", f"arn:aws:sts::{DR}:assumed-role/a/b"),
        (STRANGER, STRANGER),
        # An account can call its roles what it likes.
        (f"arn:aws:iam::{STRANGER}:role/{SRC}", f"arn:aws:iam::{STRANGER}:role/{SRC}"),
        ("arn:aws:iam::cloudfront:user/CloudFront OAI E1",) * 2,
    ],
)
def test_principals_of_the_sources_account_become_the_twins(was: str, becomes: str) -> None:
    assert one(ALLOW, Principal={"AWS": was})["Principal"] == {"AWS": was}
    assert one(ALLOW, TWO, Principal={"AWS": was})["Principal"] == {"AWS": becomes}
    many = one(ALLOW, TWO, Principal={"AWS": ["arn:aws:iam::1:root", was]})["Principal"]
    assert many == {"AWS": ["arn:aws:iam::1:root", becomes]}
    denied = one(DENY, TWO, Principal={"AWS": was})["Principal"]["AWS"]
    assert denied == (was if was == becomes else [was, becomes]), "none is denied less"


def test_the_user_says_who_somebody_is() -> None:
    was, new = f"arn:aws:iam::{SRC}:role/app", f"arn:aws:iam::{STRANGER}:role/app-dr"
    service = "logs.us-west-2.amazonaws.com"
    given = {was: new, "AIDAOLD": new, "79a5": "79b6", service: "logs.us-east-2.amazonaws.com"}
    for terms in (replace(ONE, given=given), replace(TWO, given=given)):
        assert one(ALLOW, terms, Principal={"AWS": [was, "AIDAOLD"]})["Principal"] == {"AWS": [new]}
        canonical = one(ALLOW, terms, Principal={"CanonicalUser": "79a5"})
        assert canonical["Principal"] == {"CanonicalUser": "79b6"}
        called = one(ALLOW, terms, Principal={"Service": service})["Principal"]
        assert called == {"Service": given[service]}
        left_out(ALLOW, replace(terms, given={was: "*"}), Principal={"AWS": was})


def test_the_sources_owner_gets_nowhere_near_the_twin_whatever_the_user_says() -> None:
    old = f"arn:aws:iam::{SRC}:role/app"
    terms = replace(TWO, given={old: old, STRANGER: SRC})
    for who in ({"AWS": old}, {"AWS": [old, STRANGER]}):
        left_out(ALLOW, terms, Principal=who)


def test_who_was_deleted_is_left_out() -> None:
    gone = {"AWS": ["AIDAABCDEFGHIJKLMNOP", "AROAABCDEFGHIJKLMNOP"]}
    mine = f"arn:aws:iam::{SRC}:root"

    left_out(ALLOW, Principal=gone)
    left_out(DENY, Principal=gone)
    some = {"AWS": [*gone["AWS"], mine], "Service": "s3.amazonaws.com"}
    assert told(ALLOW, Principal=some)["Principal"] == {
        "AWS": [mine],
        "Service": "s3.amazonaws.com",
    }
    _, notes = sent({**ALLOW, "Principal": some})
    assert len(notes) == 2, "a sentence for each"


def test_nobody_is_exempted_from_a_deny_when_nobody_is_left() -> None:
    given = {key: value for key, value in DENY.items() if key != "Principal"}

    found = told({**given, "NotPrincipal": {"AWS": "AIDAABCDEFGHIJKLMNOP"}})

    assert found["Principal"] == "*" and "NotPrincipal" not in found


def test_who_is_not_denied_is_the_twins_own_only() -> None:
    given = {key: value for key, value in DENY.items() if key != "Principal"}
    named = {"AWS": [f"arn:aws:iam::{SRC}:role/a", f"arn:aws:iam::{DR}:role/b", STRANGER]}

    found = one({**given, "NotPrincipal": named}, TWO)

    assert found["NotPrincipal"] == {"AWS": [f"arn:aws:iam::{DR}:role/a", STRANGER]}
    assert one({**given, "NotPrincipal": named})["NotPrincipal"] == named


def test_a_canonical_user_stays_within_the_account() -> None:
    user = {"CanonicalUser": "79a59df900b949e5"}

    assert one(ALLOW, Principal=user)["Principal"] == user
    assert one(DENY, TWO, Principal=user)["Principal"] == user
    left_out(ALLOW, TWO, Principal=user)


def test_federated_principals_are_those_of_the_account() -> None:
    saml = f"arn:aws:iam::{SRC}:saml-provider/adfs"
    web = "cognito-identity.amazonaws.com"

    assert one(ALLOW, Principal={"Federated": [saml, web]})["Principal"]["Federated"] == [saml, web]
    found = one(ALLOW, TWO, Principal={"Federated": [saml, web]})["Principal"]["Federated"]
    assert found == [saml.replace(SRC, DR), web]


def test_kinds_of_principals_that_are_not_known_are_not_let_in() -> None:
    left_out(ALLOW, Principal={"aws": STRANGER})
    left_out(ALLOW, Principal={"AWS": STRANGER, "Any": "x"})
    assert one(DENY, Principal={"Any": "x"})["Principal"] == {"Any": "x"}


def test_two_accounts_that_become_one_are_not_confused() -> None:
    # Only a role of the source's account that is called b, and it is another that is let in.
    left_out(
        ALLOW,
        TWO,
        Principal={"AWS": [f"arn:aws:iam::{SRC}:role/a", f"arn:aws:iam::{DR}:role/b"]},
        Condition={"StringEquals": {"aws:PrincipalAccount": SRC}},
    )
    for key in ("aws:PrincipalAccount", "aws:ResourceAccount"):
        left_out(
            ALLOW,
            TWO,
            Principal={"AWS": f"arn:aws:iam::{SRC}:root"},
            Condition={"StringEquals": {key: DR}},
        )


# --- what ---------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("entry", "becomes"),
    [
        (B, [T]),
        (f"{B}/*", [f"{T}/*"]),
        (f"{B}/a/${{aws:username}}/*", [T + "/a/${aws:username}/*"]),
        ("*", [T, f"{T}/*"]),
        ("arn:aws:s3:::*", [T, f"{T}/*"]),
        ("arn:aws:s3:::ord*", [T, f"{T}/*"]),
        ("arn:aws:s3:::ord*/logs/*", [f"{T}/*/logs/*", f"{T}/logs/*"]),
        ("arn:aws:s3:::*/logs/?", [f"{T}/*/logs/?", f"{T}/logs/?"]),
        ("arn:*:s3:::orders/*", [f"{T}/*"]),
        ("arn:a?s:s3:::orders/k", [f"{T}/k"]),
        ("arn:aws:s3:::order?", [T]),
        ("arn:aws:s3:::order?/k", [f"{T}/k"]),
        ("arn:aws:s3:::orders*", [T, f"{T}/*"]),
        ("arn:aws:s3:::orders?*", [f"{T}/*"]),
        ("arn:aws:s3:::orders?a", [f"{T}/a"]),
        ("arn:aws:s3:::o**s", [T, f"{T}/**s"]),
        ("arn:aws:s3:::o*${aws:username}", [T + "/*${aws:username}"]),
    ],
)
def test_resources_are_those_of_the_twin(terms: Terms, entry: str, becomes: list[str]) -> None:
    for statement in (ALLOW, {**DENY, "Action": "s3:GetObject"}):
        [found], _ = sent({**statement, "Resource": [entry]}, terms=terms)
        # A variable before the key may be anything: what is denied is more.
        wide = [T, f"{T}/*"] if "o*$" in entry and statement is not ALLOW else becomes
        assert found["Resource"] == wide


@BOTH
def test_a_star_may_go_beyond_a_colon_or_not(terms: Terms) -> None:
    entry = "arn:*:s3:::orders/k"

    assert told(ALLOW, terms, Resource=entry)["Resource"] == f"{T}/k"
    found = told(DENY, terms, Resource=entry)["Resource"]
    assert found == [f"{T}/*:s3:::orders/k", f"{T}/k"], "keys can have colons"


@BOTH
@pytest.mark.parametrize(
    "entry",
    [
        "arn:aws:s3:::orders-archive",
        "arn:aws:s3:::orders-archive/*",
        "arn:aws:s3:::my-orders/*",
        "arn:aws:s3:::Orders/*",
        "arn:aws:s3:::orders-dr/*",
        "arn:aws:s3:::orders-*",
        "arn:aws:s3:::?rders-*",
        "arn:aws:s3:::order",
        "arn:aws:s3:::orders?",
        "arn:aws:s3:::orders.*/*",
        "arn:aws:s3:::archive/orders/*",
        f"arn:aws:s3:us-west-2:{SRC}:accesspoint/orders",
        "arn:aws:sqs:::orders",
        "orders",
        "",
    ],
)
def test_other_buckets_are_not_the_twin(terms: Terms, entry: str) -> None:
    for statement in (ALLOW, DENY):
        found, notes = sent({**statement, "Resource": entry}, terms=terms)
        assert found == [] and len(notes) == 1
        [found], _ = sent({**statement, "Resource": [entry, f"{B}/x"]}, terms=terms)
        assert found["Resource"] == [f"{T}/x"]


@BOTH
@pytest.mark.parametrize(
    "entry",
    [
        "arn:aws:s3:::${aws:username}",
        "arn:aws:s3:::ord${aws:username}/*",
        "arn:aws:s3:::${aws:PrincipalTag/bucket}/*",
        "arn:aws:s3*",
        "arn:aws:*",
        "arn:*",
    ],
)
def test_what_may_be_the_bucket_is_denied_and_not_allowed(terms: Terms, entry: str) -> None:
    left_out(ALLOW, terms, Resource=entry)
    found = told(DENY, terms, Resource=entry)["Resource"]
    assert f"{T}/*" in found
    assert T in found or entry.endswith("/*")


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-west-2", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
    ],
)
def test_a_wildcard_becomes_the_bucket_in_its_partition(region: str, partition: str) -> None:
    everything = [f"arn:{partition}:s3:::orders-dr", f"arn:{partition}:s3:::orders-dr/*"]
    terms = replace(ONE, source_region=region, role_arns=frozenset())
    assert told(ALLOW, terms, Resource="*")["Resource"] == everything
    ours = replace(ONE, role_arns=frozenset({f"arn:{partition}:iam::{SRC}:role/x"}))
    assert told(ALLOW, ours, Resource="arn:*:s3:::*")["Resource"] == everything
    for wild in ("*", f"arn:{partition}:s3:::*"):
        assert told(ALLOW, terms, Resource=wild)["Resource"] == everything


def excluding(statement: Any, *entries: str) -> dict[str, Any]:
    rest = {key: value for key, value in statement.items() if key != "Resource"}
    return {**rest, "NotResource": list(entries)}


@BOTH
def test_all_but_some_objects_is_the_same_of_the_twin(terms: Terms) -> None:
    for statement in (ALLOW, DENY):
        found = one(excluding(statement, f"{B}/public/*"), terms)
        assert found == excluding(statement, f"{T}/public/*")
        rest = told(excluding(statement, f"{B}/a", "arn:aws:s3:::orders-dr/*"), terms)
        assert rest["NotResource"] == [f"{T}/a"]
        other = told(excluding(statement, "arn:aws:s3:::orders-archive/*"), terms)
        assert "NotResource" not in other
        assert other["Resource"] == [T, f"{T}/*"]


@BOTH
def test_a_variable_in_what_is_excluded_lets_nobody_in(terms: Terms) -> None:
    entry = "arn:aws:s3:::${aws:username}/*"

    assert told(excluding(ALLOW, entry), terms)["NotResource"] == [f"{T}/*"]
    assert told(excluding(DENY, entry), terms)["Resource"] == [T, f"{T}/*"]


@BOTH
@pytest.mark.parametrize(
    "entries", [["*"], ["arn:aws:s3:::*"], [B, f"{B}/*"], ["arn:aws:s3:::or*"]]
)
def test_what_would_allow_nothing_is_left_out(terms: Terms, entries: list[str]) -> None:
    found, notes = sent(excluding(ALLOW, *entries), terms=terms)

    assert found == [] and "nothing" in notes[0]


def test_folders_by_account_are_not_those_of_the_twins_account() -> None:
    entry = B + "/${aws:PrincipalAccount}/*"
    mine = {"AWS": f"arn:aws:iam::{SRC}:root"}

    assert one(ALLOW, Principal=mine, Resource=entry)["Resource"].endswith(
        "${aws:PrincipalAccount}/*"
    )
    left_out(ALLOW, TWO, Principal=mine, Resource=entry)
    assert told(DENY, TWO, Resource=entry)["Resource"] == f"{T}/*/*"
    prefix = {"StringLike": {"s3:prefix": "${aws:PrincipalAccount}/*"}}
    left_out(ALLOW, TWO, Principal=mine, Condition=prefix)


# --- when ---------------------------------------------------------------------


def when(operator: str, key: str, *values: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


MOVED = [
    ("aws:PrincipalAccount", SRC, DR),
    ("AWS:sourceACCOUNT", SRC, DR),
    ("s3:ResourceAccount", SRC, DR),
    ("aws:ResourceAccount", SRC, DR),
    ("s3:DataAccessPointAccount", SRC, DR),
    ("aws:userid", SRC, DR),
    ("aws:PrincipalArn", f"arn:aws:iam::{SRC}:role/a", f"arn:aws:iam::{DR}:role/a"),
    ("aws:principalarn", f"arn:aws:iam::{SRC}:role/a*", f"arn:aws:iam::{DR}:role/a*"),
    ("aws:SourceArn", f"arn:aws:iam::{SRC}:x", f"arn:aws:iam::{DR}:x"),
    ("aws:SourceArn", B, T),
    ("aws:SourceArn", f"{B}/*", f"{T}/*"),
    ("s3:x-amz-copy-source", "orders/*", "orders-dr/*"),
    ("S3:X-Amz-Copy-Source", "/orders/a/orders/b", "/orders-dr/a/orders/b"),
    (KMS, "arn:aws:kms:us-west-2:1:key/old", NEW_KEY),
    (KMS.upper(), "alias/old", NEW_KEY),
    ("aws:PrincipalTag/x", "said", "done"),
]


@pytest.mark.parametrize(("key", "old", "new"), MOVED)
@pytest.mark.parametrize("kind", ["", "IfExists", "ForAnyValue:", "ForAllValues:"])
def test_conditions_speak_of_the_twin(key: str, old: str, new: str, kind: str) -> None:
    terms = replace(TWO, replica_key_arn=NEW_KEY, given={"said": "done"})
    like, unlike = (
        f"{kind}{each}" if kind.endswith(":") else f"{each}{kind}"
        for each in ("StringLike", "StringNotLike")
    )

    assert (
        one(ALLOW, terms, **when(like, key, old, "x"))["Condition"]
        == (when(like, key, new, *([] if new == NEW_KEY else ["x"]))["Condition"])
    )
    left_out(ALLOW, terms, **when(unlike, key, old))
    assert one(DENY, terms, **when(like, key, old)) == {
        **DENY,
        "Resource": f"{T}/*",
        **when(like, key, old, new),
    }, "what was denied is denied, and what stands for it"
    assert (
        one(DENY, terms, **when(unlike, key, old))["Condition"]
        == when(unlike, key, new)["Condition"]
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:SourceArn", "arn:aws:s3:::orders-archive"),
        ("aws:SourceArn", "arn:aws:s3:::orders*"),
        ("aws:SourceArn", "arn:aws:s3:::my-orders/*"),
        ("aws:PrincipalAccount", STRANGER),
        ("aws:PrincipalArn", f"arn:aws:iam::{STRANGER}:role/{SRC}"),
        ("aws:PrincipalArn", "arn:aws:iam::*:role/a"),
        ("aws:PrincipalArn", "*"),
        ("s3:x-amz-copy-source", "orders-archive/*"),
        ("s3:x-amz-copy-source", "/my-orders/*"),
        ("s3:x-amz-copy-source", "other/orders/*"),
        ("s3:prefix", "orders/"),
        ("s3:prefix", SRC),
        ("aws:PrincipalTag/Account", SRC),
        ("aws:SourceIp", "192.0.2.1"),
        ("s3:ExistingObjectTag/arn", f"arn:aws:iam::{SRC}:role/a"),
    ],
)
def test_other_values_stay(key: str, value: str) -> None:
    for statement, operator in product((ALLOW, DENY), ("StringLike", "StringNotLike")):
        condition = when(operator, key, value)
        assert one(statement, TWO, **condition)["Condition"] == condition["Condition"]


def test_values_keep_their_kind() -> None:
    condition = {
        "NumericLessThan": {"s3:max-keys": 10},
        "Bool": {"aws:MultiFactorAuthPresent": True},
        "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"},
        "StringEquals": {"s3:versionid": []},
    }

    assert one(ALLOW, Condition=condition)["Condition"] == condition
    assert one(DENY, Condition=condition)["Condition"] == condition


def test_a_key_that_nothing_stands_for() -> None:
    condition = when("StringNotEquals", KMS, "arn:aws:kms:us-west-2:1:key/old")

    assert "KMS" in left_out(ALLOW, **condition)
    assert "KMS" in left_out(ALLOW, **when("StringEquals", KMS, "alias/old"))
    assert told(DENY, **condition)["Condition"] == condition["Condition"]
    said = replace(ONE, replica_key_arn="arn:aws:kms:x", given={"alias/old": "alias/new"})
    assert (
        one(ALLOW, said, **when("StringEquals", KMS, "alias/old"))["Condition"]
        == (when("StringEquals", KMS, "alias/new")["Condition"])
    )


@pytest.mark.parametrize(
    "key",
    [
        "aws:SourceVpce",
        "aws:sourceVPC",
        "aws:VpcSourceIp",
        "aws:SourceVpcArn",
        "aws:Ec2InstanceSourceVpc",
        "aws:Ec2InstanceSourcePrivateIPv4",
        "aws:VpceAccount",
        "aws:VpceOrgID",
        "aws:VpceOrgPaths",
    ],
)
@pytest.mark.parametrize("operator", ["StringEquals", "StringNotEquals", "IpAddress", "Null"])
def test_a_vpc_is_bound_to_its_region(key: str, operator: str) -> None:
    condition = when(operator, key, "vpce-1", "vpce-2")
    half = replace(ONE, given={"vpce-1": "vpce-9"})

    left_out(ALLOW, **condition)
    left_out(ALLOW, half, **condition)
    found = told(DENY, half, **condition)["Condition"][operator][key]
    if operator == "StringNotEquals":
        assert found == ["vpce-9", "vpce-2"]
    else:
        assert {"vpce-1", "vpce-2"} <= set(found), "none is denied less"
    whole = replace(ONE, given={"vpce-1": "vpce-9", "vpce-2": "vpce-2"})
    if operator in ("StringEquals", "IpAddress"):
        assert one(ALLOW, whole, **condition)["Condition"][operator][key] == ["vpce-9", "vpce-2"]
    elif operator == "StringNotEquals":
        left_out(ALLOW, whole, **condition)
        one(ALLOW, whole, **when(operator, key, "vpce-2"))


@pytest.mark.parametrize("who", ["*", {"AWS": "*"}])
@pytest.mark.parametrize("key", ["aws:SourceVpce", "AWS:SOURCEVPC"])
def test_everybody_in_a_vpc_that_the_user_translates(who: Any, key: str) -> None:
    terms = replace(ONE, given={"vpce-1": "vpce-9", "vpce-2": "*"})

    found = one(ALLOW, terms, Principal=who, **when("StringEquals", key, "vpce-1"))

    assert found["Condition"] == when("StringEquals", key, "vpce-9")["Condition"]
    left_out(ALLOW, terms, Principal=who, **when("StringLike", key, "vpce-1", "vpce-2"))


def test_the_region_is_the_twins() -> None:
    key = "aws:RequestedRegion"

    equal, unequal = (
        when("StringEquals", key, "us-west-2"),
        when("StringNotEquals", key, "us-west-2"),
    )
    moved = when("StringNotEquals", key, "us-east-2")["Condition"]
    assert told(ALLOW, **equal)["Condition"] == when("StringEquals", key, "us-east-2")["Condition"]
    assert told(DENY, **unequal)["Condition"] == moved
    left_out(ALLOW, **unequal)
    both = told(DENY, **equal)["Condition"]["StringEquals"][key]
    assert both == ["us-west-2", "us-east-2"]
    # The source is in none of these regions, and the twin is.
    for value in ("us-east-2", "us-e*"):
        left_out(ALLOW, **when("StringLike", key, value))
        assert "Condition" not in told(DENY, **when("StringNotLike", key, value))
    found = told(DENY, **when("StringNotLike", key, "us-west-2", "us-east-2"))["Condition"]
    assert found == when("StringNotLike", key, "us-east-2")["Condition"]


@pytest.mark.parametrize(
    ("key", "value", "wide"),
    [
        ("aws:PrincipalAccount", "1111*", "*"),
        ("aws:PrincipalAccount", "4444*", "*"),
        ("aws:PrincipalArn", "arn:aws:iam::1*:role/a", "arn:aws:iam::*:role/a"),
        ("aws:PrincipalArn", "arn:aws:iam::1*", "*"),
    ],
)
def test_a_pattern_of_accounts_is_in_doubt(key: str, value: str, wide: str) -> None:
    left_out(ALLOW, TWO, **when("StringLike", key, value))
    left_out(ALLOW, TWO, **when("StringNotLike", key, value))
    found = told(DENY, TWO, **when("StringLike", key, value))["Condition"]["StringLike"][key]
    assert found == [value, wide]
    assert "Condition" not in told(DENY, TWO, **when("StringNotLike", key, value))
    one(ALLOW, **when("StringLike", key, value))


@pytest.mark.parametrize("key", ["aws:ResourceTag/a", "s3:BucketTag/a", "aws:ResourceOrgID"])
def test_what_the_bucket_is_may_be_another_for_the_twin(key: str) -> None:
    for operator in ("StringEquals", "Null", "StringEqualsIfExists", "ForAllValues:StringLike"):
        left_out(ALLOW, **when(operator, key, "true"))
        assert "Condition" not in told(DENY, **when(operator, key, "true"))
    unlike = when("StringNotEquals", key, "x")
    left_out(ALLOW, **unlike)
    assert told(DENY, **unlike)["Condition"] == unlike["Condition"]


@pytest.mark.parametrize("key", ["aws:SourceAccount", "aws:ResourceAccount"])
def test_accounts_are_compared_with_each_other(key: str) -> None:
    mine = {"AWS": f"arn:aws:iam::{SRC}:root"}
    equal = when("StringEquals", key, "${aws:PrincipalAccount}")
    unequal = when("StringNotEquals", key, "${aws:PrincipalAccount}")

    assert one(ALLOW, TWO, Principal=mine, **equal)["Condition"] == equal["Condition"]
    assert one(DENY, TWO, **unequal)["Condition"] == unequal["Condition"]
    # The source's account and the twin's are two, of which the source knew one.
    left_out(ALLOW, TWO, Principal=mine, **unequal)
    assert "Condition" not in told(DENY, TWO, **equal)
    assert one(DENY, **equal)["Condition"] == equal["Condition"]


# --- our roles ----------------------------------------------------------------


@pytest.mark.parametrize(
    "actions",
    [
        "s3:*",
        "*",
        "S3:*",
        "s3:Put*",
        ["s3:GetObject", "s3:PutBucketPolicy"],
        "s3:ReplicateObject",
        "s3:DeleteBucket",
        "s3:Get?bject",
        "s3:List*",
    ],
)
@pytest.mark.parametrize(
    "who",
    [
        "*",
        {"AWS": "*"},
        {"AWS": SRC},
        {"AWS": f"arn:aws:iam::{SRC}:root"},
        {"AWS": [f"arn:aws:iam::{STRANGER}:role/x", min(ROLES)]},
        {"AWS": f"arn:aws:sts::{SRC}:assumed-role/s3-dr-check/session"},
        {"AWS": "arn:aws:iam::*:role/*"},
        {"CanonicalUser": "79a5"},
    ],
)
@BOTH
def test_our_roles_are_not_locked_out(terms: Terms, who: Any, actions: Any) -> None:
    found = told(DENY, terms, Principal=who, Action=actions)

    assert found["Condition"] == {"ArnNotEquals": EXEMPTION}
    nobody = replace(terms, role_arns=frozenset())
    assert "Condition" not in one(DENY, nobody, Principal=who, Action=actions)


@pytest.mark.parametrize(
    "change",
    [
        {"Action": "s3:getobject*"},
        {"Action": ["s3:GetObjectVersion", "s3:PutObjectAcl", "s3:DeleteObject*"]},
        {"Action": ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]},
        {"Action": ["s3:RestoreObject", "s3:BypassGovernanceRetention"]},
        {"Action": "s3:*", "Principal": {"AWS": f"arn:aws:iam::{STRANGER}:role/x"}},
        {"Action": "s3:*", "Principal": {"AWS": f"arn:aws:iam::{SRC}:role/s3-dr-checker"}},
        {"Action": "s3:*", "Principal": {"Service": "s3.amazonaws.com"}},
    ],
)
def test_what_does_not_stop_our_roles_stays_as_it_is(change: Any) -> None:
    assert "Condition" not in one(DENY, **change)


@pytest.mark.parametrize(
    ("condition", "becomes"),
    [
        ({}, {"ArnNotEquals": EXEMPTION}),
        (
            {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}},
            {
                "StringNotEquals": {"aws:PrincipalOrgID": "o-1"},
                "ArnNotEquals": EXEMPTION,
            },
        ),
        (
            {"arnnotequals": {"AWS:principalARN": f"arn:aws:iam::{SRC}:role/a"}},
            {"arnnotequals": {"AWS:principalARN": [f"arn:aws:iam::{SRC}:role/a", *sorted(ROLES)]}},
        ),
        (
            {"ArnNotEquals": {"aws:SourceArn": "arn:aws:s3:::a"}},
            {"ArnNotEquals": {"aws:SourceArn": "arn:aws:s3:::a", **EXEMPTION}},
        ),
        (
            {"Bool": {"aws:SecureTransport": "true"}},
            {"Bool": {"aws:SecureTransport": "true"}, "ArnNotEquals": EXEMPTION},
        ),
        (
            {"Bool": {"aws:SecureTransport": "false", "aws:MultiFactorAuthPresent": "false"}},
            {
                "Bool": {"aws:SecureTransport": "false", "aws:MultiFactorAuthPresent": "false"},
                "ArnNotEquals": EXEMPTION,
            },
        ),
        (
            {"NumericGreaterThan": {"s3:TlsVersion": "1.0"}},
            {"NumericGreaterThan": {"s3:TlsVersion": "1.0"}, "ArnNotEquals": EXEMPTION},
        ),
    ],
)
def test_our_roles_are_added_to_the_conditions(condition: Any, becomes: Any) -> None:
    assert told(DENY, Action="s3:*", Condition=condition)["Condition"] == becomes


def test_our_roles_may_do_what_is_denied_by_its_exceptions() -> None:
    rest = {key: value for key, value in DENY.items() if key not in ("Action", "Principal")}
    given = {**rest, "NotAction": "s3:GetObject", "NotPrincipal": {"AWS": STRANGER}}

    found = told(given)

    assert found == {**given, "Resource": f"{T}/*", "Condition": {"ArnNotEquals": EXEMPTION}}


# --- the document ---------------------------------------------------------------


def test_variables_of_a_version_that_has_none_stay_letters() -> None:
    name = "${aws:username}"
    letters = "${$}{aws:username}"
    condition = when("StringLike", "s3:prefix", name)
    for version in ("2008-10-17", ""):
        found, notes = sent({**ALLOW, "Resource": f"{B}/{name}"}, version=version)
        assert found == [] and len(notes) == 1
        [found], notes = sent({**DENY, "Resource": f"{B}/{name}", **condition}, version=version)
        assert len(notes) == 1
        assert found["Resource"] == f"{T}/{letters}"
        assert found["Condition"] == when("StringLike", "s3:prefix", letters)["Condition"]
        assert sent(ALLOW, version=version)[0] == [{**ALLOW, "Resource": f"{T}/*"}]
    assert translate({"Statement": {**ALLOW, "Resource": f"{B}/{name}"}}, ONE)[0] == []


@pytest.mark.parametrize(
    "sid", ["S3DrDenyInsecureTransport", "S3DrReplication", "S3DrReplicationLooks"]
)
def test_our_names_stay_ours(sid: str) -> None:
    expected = {key: value for key, value in ALLOW.items() if key != "Sid"}

    assert one(ALLOW, Sid=sid) == {**expected, "Resource": f"{T}/*"}


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "allow"},
        {"Effect": "Maybe"},
        {"Effect": ["Allow"]},
        {"Magic": "x"},
        {"NotAction": "s3:*"},
        {"NotPrincipal": "*"},
        {"NotResource": "*"},
        {"Condition": "x"},
        {"Condition": {"StringEquals": ["x"]}},
    ],
)
def test_a_statement_that_is_not_understood_is_left_out(change: Any) -> None:
    left_out(ALLOW, **change)


def test_notes_name_the_statement() -> None:
    nameless = {key: value for key, value in ALLOW.items() if key != "Sid"}
    public = {**nameless, "Principal": "*"}

    found, notes = sent(ALLOW, public, {**public, "Sid": "Open"}, "what", {**public, "Sid": ""})

    assert len(found) == 1
    names = [re.match(r"statement (\w+): ", each) for each in notes]
    assert [match and match[1] for match in names] == ["2", "Open", "4", "5"]


@pytest.mark.parametrize("document", [{}, {"Statement": []}, {"Version": "2012-10-17"}])
def test_an_empty_policy_is_nothing(document: Any) -> None:
    assert translate(document, ONE) == ([], [])


def test_a_single_statement_is_one() -> None:
    assert translate({"Statement": ALLOW}, ONE) == ([{**ALLOW, "Resource": f"{T}/*"}], [])


@pytest.mark.parametrize(
    "same",
    [
        {"Action": ["s3:GetObject"]},
        {"Resource": [f"{B}/*", f"{B}/*"]},
        {"Principal": {"AWS": [f"arn:aws:iam::{STRANGER}:root", SRC]}},
        {"Principal": {"AWS": [f"arn:aws-cn:iam::{SRC}:root", STRANGER]}},
        {"Condition": {"Bool": {"aws:SecureTransport": True}, "StringLike": {"a": ["y", "x"]}}},
    ],
)
def test_what_means_the_same_has_one_form(same: Any) -> None:
    given = {
        **ALLOW,
        "Principal": {"AWS": [SRC, STRANGER]},
        "Condition": {"StringLike": {"a": ["x", "y"]}, "Bool": {"aws:SecureTransport": "true"}},
    }

    assert normal({**given, **same}) == normal(given)


@pytest.mark.parametrize(
    "other",
    [
        {"Effect": "Deny"},
        {"Sid": "Other"},
        {"Action": ["s3:GetObject", "s3:PutObject"]},
        {"Principal": {"AWS": SRC}},
        {"Principal": {"Service": STRANGER}},
        {"Principal": {"AWS": f"arn:aws:iam::{STRANGER}:role/root"}},
        {"Principal": {"AWS": STRANGER, "Service": "s3.amazonaws.com"}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_what_means_something_else_has_another_form(other: Any) -> None:
    given = {**ALLOW, "Principal": {"AWS": STRANGER}}

    assert normal({**given, **other}) != normal(given)


def test_everybody_has_one_form() -> None:
    every = [normal({**ALLOW, "Principal": who}) for who in ("*", {"AWS": "*"}, {"AWS": ["*"]})]

    assert len(set(every)) == 1
    assert normal({"NotPrincipal": "*"}) != normal({"Principal": "*"})
    assert normal({**ALLOW, "Sid": "", "Condition": {}}) == normal(
        {key: value for key, value in ALLOW.items() if key != "Sid"}
    )


# --- the iron rule, by a small model of how S3 reads policies --------------------

ACCOUNTS = [SRC, DR, STRANGER, "1111*", "4*", "*", "${aws:PrincipalAccount}"]
CALLED = [
    *(f"arn:aws:iam::{account}:role/{role}" for account in (SRC, DR, "*") for role in "ab"),
    *("arn:aws:iam::1*", "arn:aws:iam::4?4455556666:role/*", min(ROLES)),
]
VALUES = {
    "aws:PrincipalAccount": ACCOUNTS,
    "aws:SourceAccount": ACCOUNTS,
    "s3:ResourceAccount": ACCOUNTS,
    "AWS:principalarn": CALLED,
    "aws:PrincipalArn": CALLED,
    "aws:SourceArn": [B, "arn:aws:s3:::orders*", "arn:aws:s3:::my-orders"],
    "aws:RequestedRegion": ["us-west-2", "us-east-2", "us-*", "us-e*"],
    "aws:PrincipalOrgID": ["o-1", "o-*", "o-2"],
    "s3:prefix": ["in/", "${aws:PrincipalAccount}/", "${aws:username}/", "*"],
    "aws:SourceVpce": ["vpce-1", "vpce-2"],
}
PLAIN = [
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "ArnLike",
    "ArnNotEquals",
]
OPERATORS = st.sampled_from([*PLAIN, "stringnotequalsignorecase"]) | st.builds(
    "{}String{}{}".format,
    st.sampled_from(["", "ForAnyValue:", "ForAllValues:"]),
    st.sampled_from(["Equals", "NotEquals", "Like", "NotLike"]),
    st.sampled_from(["", "IfExists"]),
)
BLOCKS = st.sampled_from(sorted(VALUES)).flatmap(
    lambda key: st.fixed_dictionaries(
        {key: st.lists(st.sampled_from(VALUES[key]), min_size=1, max_size=2)}
    )
)
NAMED = st.lists(
    st.sampled_from(
        [
            *("*", SRC, DR, STRANGER, "AIDAABCDEFGHIJKLMNOP", min(ROLES)),
            *(f"arn:aws:iam::{account}:role/{role}" for account in (SRC, DR) for role in "ab"),
            *("arn:aws:iam::*:role/a", f"arn:aws:iam::{SRC}:root"),
        ]
    ),
    min_size=1,
    max_size=3,
)
WHO = (
    NAMED.map(lambda each: {"AWS": each})
    | st.just("*")
    | st.just({"AWS": "*", "Service": "s3.amazonaws.com"})
    | st.just({"Service": "s3.amazonaws.com"})
)
ENTRIES = (
    st.sampled_from(
        [
            *(
                B,
                f"{B}/*",
                f"{B}/in/*",
                f"{B}/${{aws:username}}/*",
                f"{B}/${{aws:PrincipalAccount}}/*",
            ),
            *(
                "*",
                "arn:aws:s3:::*",
                "arn:*:s3:::orders/in/*",
                "arn:*",
                "arn:aws:s3*/in/*",
                T,
                f"{T}/*",
            ),
            *("arn:aws:s3:::orders-archive/*", "arn:aws:s3:::my-*", "arn:aws:s3:::orders?in"),
        ]
    )
    | st.text("*?ordes/in", max_size=12).map("arn:aws:s3:::{}".format)
    | st.sampled_from(
        [
            "arn:aws:s3:::${aws:username}",
            "arn:aws:s3:::o*${aws:username}/*",
            "arn:aws:s3:::o*/${s3:x}",
        ]
    )
)
ACTIONS = st.lists(st.sampled_from(["s3:*", "s3:GetObject*", "s3:Put*"]), min_size=1, max_size=2)


def statements(effect: str) -> Any:
    # Everybody but some is never let in: there is nothing to look at.
    who = ["Principal", "NotPrincipal"] if effect == "Deny" else ["Principal"]
    return st.builds(
        lambda who, does, what, condition: {
            "Effect": effect,
            who[0]: who[1],
            does[0]: does[1],
            what[0]: what[1],
            "Condition": condition,
        },
        st.tuples(st.sampled_from(who), WHO),
        st.tuples(st.sampled_from(["Action", "NotAction"]), ACTIONS),
        st.tuples(
            st.sampled_from(["Resource", "NotResource"]), st.lists(ENTRIES, min_size=1, max_size=2)
        ),
        st.dictionaries(OPERATORS, BLOCKS, max_size=2),
    )


Request = dict[str, Any]
CALLERS: list[Request] = [
    {},
    {"service": "s3.amazonaws.com"},
    *(
        {"aws:principalaccount": account, "aws:principalarn": f"arn:aws:iam::{account}:role/{name}"}
        for account in (SRC, DR, STRANGER)
        for name in ("a", "b", "s3-dr-check")
    ),
]
PLACES = [
    None,
    "x",
    "in/x",
    "in",
    "ann/x",
    "sin",
    "orders/in",
    f"{DR}/x",
    f"{SRC}/x",
    "a:s3:::orders/in/x",
]
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "aws:sourceaccount": st.sampled_from([SRC, DR, STRANGER]),
        "aws:sourcearn": st.sampled_from([B, T, "arn:aws:s3:::my-orders"]),
        "aws:principalorgid": st.just("o-1"),
        "s3:prefix": st.sampled_from(["in/", "ann/", f"{DR}/", f"{SRC}/"]),
        "aws:sourcevpce": st.just("vpce-1"),
    },
)


def requests(contexts: list[Request]) -> Iterator[Request]:
    """Every caller at every place, with every action, in some contexts."""
    actions = ("s3:GetObject", "s3:PutBucketPolicy")
    for caller, key, action, context in product(CALLERS, PLACES, actions, contexts):
        name = {"aws:username": "ann"} if caller else {}
        yield {**name, **caller, **context, "action": action, "key": key}


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


def is_like(text: str, pattern: str, request: Request, *, wild: bool = True) -> bool:
    """Whether a text matches, with variables; one without a value matches nothing."""
    found = ""
    for part in re.findall(r"\$\{[^}]*\}|.", pattern, re.DOTALL):
        if part.startswith("${") and part != "${$}":
            value = request.get(part[2:-1].lower())
            if value is None:
                return False
            found += re.escape(value)
        elif wild and part in "*?":
            found += {"*": ".*", "?": "."}[part]
        else:
            found += re.escape("$" if part == "${$}" else part)
    return compiled(found).fullmatch(text) is not None


def is_in(resource: str, entry: str, request: Request, beyond_colons: bool) -> bool:
    if beyond_colons or entry == "*":
        return is_like(resource, entry, request)
    parts, patterns = resource.split(":", 5), entry.split(":", 5)
    return len(patterns) == 6 and all(map(is_like, parts, patterns, [request] * 6))


def is_named(principal: Any, request: Request) -> bool:
    if principal == "*":
        return True
    for kind, names in principal.items():
        for name in names if isinstance(names, list) else [names]:
            account = re.sub(r"arn:aws:iam::(\d+):root", r"\1", name)
            arn = request.get("aws:principalarn", "")
            if kind == "Service" and name == request.get("service"):
                return True
            if kind == "AWS" and account == request.get("aws:principalaccount", "-"):
                return True
            if kind == "AWS" and (name == "*" or (arn and is_like(arn, name, {}))):
                return True
    return False


def holds(operator: str, key: str, values: Any, request: Request) -> bool:
    bare, found = operator.lower(), request.get(key.lower())
    listed = values if isinstance(values, list) else [values]
    if bare == "null":
        return any((found is None) == (value == "true") for value in listed)
    negative = "not" in bare
    if found is None:
        return not bare.startswith("forany") and (
            negative or bare.endswith("ifexists") or bare.startswith("forall")
        )
    wild, lower = "like" in bare or "arn" in bare, "ignorecase" in bare

    def fits(value: str) -> bool:
        if lower and "${" not in value:
            return is_like(str(found).lower(), value.lower(), request, wild=wild)
        return is_like(str(found), value, request, wild=wild)

    return any(map(fits, listed)) != negative


def applies(statement: Any, request: Request, bucket: str, beyond_colons: bool) -> bool:
    """Whether a statement is about a request."""
    resource = bucket if request["key"] is None else f"{bucket}/{request['key']}"

    def some(element: str, test: Any) -> bool:
        values = statement[element]
        return any(map(test, values if isinstance(values, list) else [values]))

    def fits(element: str, test: Any) -> bool:
        return some(element, test) if element in statement else not some(f"Not{element}", test)

    who = (
        is_named(statement["Principal"], request)
        if "Principal" in statement
        else not is_named(statement["NotPrincipal"], request)
    )
    return (
        who
        and fits("Action", lambda each: is_like(request["action"], each, {}))
        and fits("Resource", lambda each: is_in(resource, each, request, beyond_colons))
        and all(
            holds(operator, key, values, request)
            for operator, block in statement.get("Condition", {}).items()
            for key, values in block.items()
        )
    )


def on_twin(request: Request, terms: Terms) -> Request:
    return {**request, "s3:resourceaccount": terms.dr_account, "aws:requestedregion": "us-east-2"}


def on_source(request: Request, terms: Terms, *, mapped: bool) -> Request:
    """The same request on the source; mapped, the source's account and bucket make it."""
    there = {**request, "s3:resourceaccount": SRC, "aws:requestedregion": "us-west-2"}
    if mapped:
        for key in ("aws:principalaccount", "aws:principalarn", "aws:sourceaccount"):
            if key in there:
                there[key] = there[key].replace(terms.dr_account, SRC)
        if there.get("aws:sourcearn") == T:
            there["aws:sourcearn"] = B
    return there


@settings(max_examples=150)
@pytest.mark.parametrize("beyond_colons", [True, False])
@BOTH
@given(statements("Allow"), st.lists(CONTEXTS, min_size=1, max_size=2))
def test_a_twin_is_never_wider_than_its_source(
    terms: Terms, beyond_colons: bool, statement: Any, contexts: list[Request]
) -> None:
    for found in sent(statement, terms=terms)[0]:
        for request in requests(contexts):
            if not applies(found, on_twin(request, terms), T, beyond_colons):
                continue
            here = [on_source(request, terms, mapped=mapped) for mapped in (True, False)]
            was = any(applies(statement, each, B, beyond_colons) for each in here)
            assert was, f"let in: {request} by {found}"
            assert terms is ONE or request.get("aws:principalaccount") != SRC, f"by {found}"


@settings(max_examples=150)
@pytest.mark.parametrize("beyond_colons", [True, False])
@BOTH
@given(statements("Deny"), st.lists(CONTEXTS, min_size=1, max_size=2))
def test_what_is_denied_on_the_source_is_denied_on_its_twin(
    terms: Terms, beyond_colons: bool, statement: Any, contexts: list[Request]
) -> None:
    found = sent(statement, terms=terms)[0]
    for request in requests(contexts):
        here, there = on_source(request, terms, mapped=True), on_twin(request, terms)
        if there.get("aws:principalarn") in ROLES:
            continue
        if applies(statement, here, B, beyond_colons):
            is_denied = any(applies(each, there, T, beyond_colons) for each in found)
            assert is_denied, f"no longer denied: {request} by {found}"
