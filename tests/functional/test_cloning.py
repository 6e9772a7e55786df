"""Cloning as a whole: everything at once, in order, and never so that anybody new gets in."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functional.clonable import (
    CASES,
    EVERYBODY,
    FRIEND,
    HANDS,
    NO_DELETES,
    PARTNER,
    PARTNER_READS,
    Pair,
    Sides,
    line,
    sides,
    statements,
)
from functional.payload import (
    ACCOUNT,
    DR_REGION,
    FOREIGN_ACCOUNT,
    SOURCE_REGION,
    TRIGGER,
    Functions,
    Result,
    World,
    assert_blocked,
    event,
    fault,
    hear,
    profiles,
    sns_event,
    troubles,
)
from s3_dr import handlers
from s3_dr.cloning import twin_policy
from s3_dr.cloning.engine import NotCloned
from s3_dr.profiles import CLONABLE
from s3_dr.tags import CLONED_TAG

pytest_plugins = ["functional.payload", "functional.clonable"]

# The order of the report, and of what is written.
FORCED = ["public_access_block", "ownership", "versioning", "encryption", "object_lock"]
REPORT = [
    *FORCED,
    "tags",
    "lifecycle",
    "cors",
    "website",
    "intelligent_tiering",
    "metrics",
    "analytics",
    "inventory",
    "logging",
    "notifications",
    "request_payment",
    "accelerate",
    "abac",
    "acl",
    "policy",
]
# One case of each property. ABAC comes last, because it ends PutBucketTagging.
EVERYTHING = {case.name: case for case in reversed(CASES) if not case.label}
ABAC_LAST = sorted(EVERYTHING.values(), key=lambda case: case.name == "abac")
POLICY = EVERYTHING["policy"]
ALL_TRUE = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)


@pytest.fixture
def open_bucket(on_local_aws: World) -> str:
    """A source that keeps nobody out: no public access block, and ACLs."""
    bucket = on_local_aws.bucket(tags=TRIGGER, ObjectOwnership="ObjectWriter")
    on_local_aws.s3().delete_public_access_block(Bucket=bucket)
    return bucket


@pytest.fixture
def shared(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
) -> Pair:
    """A source whose policy lets in a partner, and its twin, which has a clone of that policy."""
    pair = Pair(functions, on_local_aws, one_account, POLICY, monkeypatch)
    pair.deploy()
    pair.configure([PARTNER_READS, NO_DELETES])
    pair.check()
    assert len(pair.on_twin()) == 2
    return pair


def assert_private(s3: Any, twin: str) -> None:
    """The public does not get in, neither by a policy nor by an ACL."""
    block = s3.get_public_access_block(Bucket=twin)["PublicAccessBlockConfiguration"]
    assert block == ALL_TRUE
    assert s3.get_bucket_policy_status(Bucket=twin)["PolicyStatus"]["IsPublic"] is False
    for grant in s3.get_bucket_acl(Bucket=twin)["Grants"]:
        assert "/global/" not in grant["Grantee"].get("URI", "")


# --- everything at once ------------------------------------------------------


def put_all(world: World, bucket: str, names: Sides, values: dict[str, Any]) -> None:
    """Configure the source bucket."""
    if values.get("abac") is None:
        HANDS["abac"].put(world.s3(), bucket, None)
    for name in REPORT:
        if name in values and name != "abac":
            HANDS[name].put(world.s3(), bucket, names.on_source(values[name], bucket))
    if values.get("abac"):
        HANDS["abac"].put(world.s3(), bucket, values["abac"])


def assert_all(s3: Any, twin: str, expected: dict[str, Any]) -> None:
    """Each property of the twin is as expected."""
    for name, value in expected.items():
        assert HANDS[name].get(s3, twin) == value, f"{name} of {twin}"


def outcomes(result: Result) -> dict[str, tuple[str, str]]:
    """Outcome and reason of each property."""
    assert [each["property"] for each in result["properties"]] == REPORT
    return {
        each["property"]: (each["outcome"], each.get("reason", "")) for each in result["properties"]
    }


@pytest.mark.usefixtures("either_world")
def test_everything_at_once(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=sorted(CLONABLE)))
    monkeypatch.setenv("TRANSLATIONS", one_account.translations)
    s3, values = on_local_aws.s3(DR_REGION), {n: case.value for n, case in EVERYTHING.items()}
    bucket = on_local_aws.bucket(tags=TRIGGER)
    twin = f"{bucket}-dr"
    put_all(on_local_aws, bucket, one_account, values)

    _, result, last = functions.protect(event("put_bucket_tagging", bucket))

    assert last["outcome"] == "protected"
    found = outcomes(result)
    forced = {name: found.pop(name)[1] for name in FORCED if name != "ownership"}
    assert set(forced.values()) == {"FORCED"}
    assert set(found.values()) <= {("copied", ""), ("translated", "")}
    expected = {n: one_account.on_twin(case.on_twin, bucket) for n, case in EVERYTHING.items()}
    assert_all(s3, twin, expected)
    assert_private(s3, twin)
    functions.protected(on_local_aws, bucket)
    again = outcomes(functions.check_destination(bucket))
    assert {outcome for outcome, _ in again.values()} == {"same"}

    changed = {
        name: case.value if name == "ownership" else case.change
        for name, case in EVERYTHING.items()
    }
    put_all(on_local_aws, bucket, one_account, changed)
    result = functions.check_destination(bucket)
    assert not troubles(result)
    assert_all(s3, twin, {n: one_account.on_twin(changed[n], bucket) for n in changed})

    put_all(on_local_aws, bucket, one_account, {"acl": None})
    put_all(on_local_aws, bucket, one_account, dict.fromkeys(EVERYTHING.keys() - {"acl"}))
    result = functions.check_destination(bucket)
    assert not troubles(result)
    assert_all(s3, twin, dict.fromkeys(EVERYTHING))
    functions.protected(on_local_aws, bucket)


@dataclass
class TwoAccounts:
    """The functions in two accounts, one hop after the other: a process can only be in one."""

    functions: Functions
    world: World
    names: Sides
    monkeypatch: pytest.MonkeyPatch

    def __post_init__(self) -> None:
        clients = {
            account: self.world.client("iam", SOURCE_REGION, account)
            for account in (ACCOUNT, FOREIGN_ACCOUNT)
        }
        self.readers = {
            account: self._reader(clients[account], other)
            for account, other in ((ACCOUNT, FOREIGN_ACCOUNT), (FOREIGN_ACCOUNT, ACCOUNT))
        }
        # Whoever publishes has the topic: who may publish across accounts is not asked here.
        topic = self.world.client("sns", SOURCE_REGION, FOREIGN_ACCOUNT).create_topic(Name="s3-dr")
        variables = {
            "DR_ACCOUNT_ID": FOREIGN_ACCOUNT,
            "TOPIC_02_ARN": topic["TopicArn"],
            "TRANSLATIONS": self.names.translations,
        }
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    @staticmethod
    def _reader(iam: Any, other: str) -> str:
        """A role that may read buckets, for the other account."""
        name = f"reader-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": {"AWS": other}, "Action": "sts:AssumeRole"}
        reads = {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}
        documents = (
            json.dumps({"Version": "2012-10-17", "Statement": [each]}) for each in (trust, reads)
        )
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=next(documents))
        iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=next(documents))
        return str(made["Role"]["Arn"])

    def _in(self, account: str, reads: str) -> None:
        self.functions.deploy(
            self.monkeypatch,
            AWS_ACCESS_KEY_ID=account,
            SOURCE_READER_ROLE_ARN=self.readers[ACCOUNT] if reads == "source" else "",
            TWIN_READER_ROLE_ARN=self.readers[FOREIGN_ACCOUNT] if reads == "twin" else "",
        )

    def protect(self, bucket: str) -> list[Result]:
        """The whole journey; the calls are those of all hops."""
        self.functions.calls.clear()
        sent, results = event("put_bucket_tagging", bucket), []
        for handler, account, reads in (
            (handlers.source_bucket_check, ACCOUNT, "twin"),
            (handlers.destination_bucket_check, FOREIGN_ACCOUNT, "source"),
            (handlers.enable_replication, ACCOUNT, "twin"),
        ):
            self._in(account, reads)
            results.append(self.functions.only(handler, sent))
            published = [c for c in self.functions.calls if c.operation == "Publish"]
            sent = sns_event(published[-1].parameters["Message"])
        return results


@pytest.fixture(scope="session")
def far_names(local_clients: Any) -> Sides:
    """What configurations name, in one region of each of two accounts."""
    return sides(World(local_clients), f"cl-{uuid.uuid4().hex[:8]}", FOREIGN_ACCOUNT)


@pytest.mark.usefixtures("either_world")
def test_everything_at_once_in_two_accounts(
    functions: Functions,
    on_local_aws: World,
    far_names: Sides,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=sorted(CLONABLE)))
    journey = TwoAccounts(functions, on_local_aws, far_names, monkeypatch)
    bucket = on_local_aws.bucket(tags=TRIGGER)
    put_all(on_local_aws, bucket, far_names, {n: case.value for n, case in EVERYTHING.items()})

    _, result, last = journey.protect(bucket)

    assert last["outcome"] == "protected"
    found = outcomes(result)
    assert found["request_payment"] == ("skipped", "NOT_PORTABLE")
    others = {name: found[name] for name in CLONABLE - {"request_payment"}}
    assert set(others.values()) <= {("copied", ""), ("translated", "")}
    expected = {n: far_names.on_twin(case.on_twin, bucket) for n, case in EVERYTHING.items()}
    s3, twin = on_local_aws.s3(DR_REGION, FOREIGN_ACCOUNT), f"{bucket}-dr"
    # With two accounts an ACL lets in no account at all, for one of them is the source's.
    expected["acl"] = [grant for grant in expected["acl"] if grant != FRIEND]
    assert_all(s3, twin, {**expected, "request_payment": None})
    assert_private(s3, twin)
    assert far_names.source["account"] not in json.dumps(HANDS["policy"].get(s3, twin))

    _, again, _ = journey.protect(bucket)
    assert functions.writes == []
    assert {outcome for outcome, _ in outcomes(again).values()} == {"same", "skipped"}
    assert not troubles(again)


def test_the_default_is_what_needs_nothing_and_opens_nothing(
    functions: Functions, on_local_aws: World, one_account: Sides
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    put_all(on_local_aws, bucket, one_account, {n: c.value for n, c in EVERYTHING.items()})

    result = functions.check_destination(bucket)

    default = {"cors", "intelligent_tiering", "lifecycle", "metrics", "tags"}
    found = outcomes(result)
    assert {n for n, (outcome, _) in found.items() if n in CLONABLE and outcome != "skipped"} == {
        *default,
        "ownership",
    }
    assert found["ownership"][1] == "FORCED"
    s3 = on_local_aws.s3(DR_REGION)
    assert_all(s3, f"{bucket}-dr", dict.fromkeys(CLONABLE - default))
    asked = {call.operation for call in functions.calls}
    assert asked.isdisjoint({"GetBucketWebsite", "GetBucketLogging", "GetBucketAcl"}), "not read"


# --- order -------------------------------------------------------------------


def test_the_twin_is_closed_before_anything_is_cloned_and_opened_last(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=sorted(CLONABLE)))
    monkeypatch.setenv("TRANSLATIONS", one_account.translations)
    bucket = on_local_aws.bucket(tags=TRIGGER)
    put_all(on_local_aws, bucket, one_account, {n: c.value for n, c in EVERYTHING.items()})

    functions.check_destination(bucket)

    # S3 has closed it already, which is seen before anything else is written.
    assert functions.writes[:2] == ["CreateBucket", "PutBucketVersioning"]
    order = ("CreateBucket", "GetPublicAccessBlock", "PutBucketVersioning")
    assert [*map(functions.operations.index, order)] == sorted(
        map(functions.operations.index, order)
    )
    assert_private(on_local_aws.s3(DR_REGION), f"{bucket}-dr")
    assert functions.writes[-2:] == ["PutBucketPolicy", "TagResource"]
    assert functions.writes.count("PutBucketPolicy") == 1
    [policy] = [call for call in functions.calls if call.operation == "PutBucketPolicy"]
    sids = [each.get("Sid") for each in json.loads(policy.parameters["Policy"])["Statement"]]
    assert "S3DrDenyInsecureTransport" in sids and "Partner" in sids, "both in one call"
    said = [functions.operations.index(name) for name in ("PutBucketPolicy", "Publish")]
    assert said == sorted(said), "replication is asked for when all is as it should be"


# --- never wider -------------------------------------------------------------


def allow(principal: Any, **others: Any) -> dict[str, Any]:
    """A statement of a source that lets somebody read objects."""
    return {
        "Effect": "Allow",
        **({"Principal": principal} if principal else {}),
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::<bucket>/*",
        **others,
    }


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    """The same for everybody who fulfils a condition."""
    return allow("*", Condition={operator: {key: list(values)}})


PUBLIC = {
    "everybody": allow("*"),
    "everybody-as-aws": allow({"AWS": "*"}),
    "everybody-in-a-list": allow({"AWS": ["*"]}),
    "everybody-beside-one": allow({"AWS": [f"arn:aws:iam::{PARTNER}:root", "*"]}),
    "all-but-one": allow(None, NotPrincipal={"AWS": f"arn:aws:iam::{PARTNER}:root"}),
    "tls": when("Bool", "aws:SecureTransport", "true"),
    "any-organisation": when("StringLike", "aws:PrincipalOrgID", "*"),
    "organisations": when("StringLike", "aws:PrincipalOrgID", "o-*"),
    "organisation-or-none": when("StringEqualsIfExists", "aws:PrincipalOrgID", "o-a1b2c3d4e5"),
    "all-of-none": when("ForAllValues:StringEquals", "aws:PrincipalOrgID", "o-a1b2c3d4e5"),
    "no-organisation": when("Null", "aws:PrincipalOrgID", "true"),
    "any-account": when("StringLike", "aws:PrincipalAccount", "*"),
    "other-accounts": when("StringNotEquals", "aws:PrincipalAccount", PARTNER),
    "any-role": when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/reader"),
    "any-address": when("IpAddress", "aws:SourceIp", "0.0.0.0/0"),
    "all-but-an-address": when("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"),
    "referer": when("StringLike", "aws:Referer", "https://shop.example.com/*"),
    "user-agent": when("StringEquals", "aws:UserAgent", "shop"),
    "all-but-a-network": when("StringNotEquals", "aws:SourceVpc", "vpc-0a1b2c3d"),
    "variable": when("StringEquals", "aws:PrincipalAccount", "${aws:PrincipalAccount}"),
}


def test_what_lets_in_everybody_is_not_cloned(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
    open_bucket: str,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=["policy"], on_drift="restore"))
    policy = one_account.on_source([*PUBLIC.values(), NO_DELETES], open_bucket)
    HANDS["policy"].put(on_local_aws.s3(), open_bucket, policy)

    result = functions.check_destination(open_bucket)

    notes = line(result, "policy")["notes"]
    for number, name in enumerate(PUBLIC, 1):
        assert any(f"statement {number}: left out" in note for note in notes), (
            f"the policy of {open_bucket} lets in {name}, and nothing is said of it: {notes}"
        )
    s3, twin = on_local_aws.s3(DR_REGION), f"{open_bucket}-dr"
    assert HANDS["policy"].get(s3, twin) == one_account.on_twin([NO_DELETES], open_bucket)
    assert_private(s3, twin)
    functions.protected(on_local_aws, open_bucket)


def test_an_organisation_is_not_everybody(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=["policy"]))
    bucket = on_local_aws.bucket(tags=TRIGGER)
    wanted = [when("StringEquals", "aws:PrincipalOrgID", "o-a1b2c3d4e5")]
    HANDS["policy"].put(on_local_aws.s3(), bucket, one_account.on_source(wanted, bucket))

    functions.protected(on_local_aws, bucket)

    s3, twin = on_local_aws.s3(DR_REGION), f"{bucket}-dr"
    [found] = HANDS["policy"].get(s3, twin)
    assert found["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5"]}}
    assert found["Resource"] == f"arn:aws:s3:::{twin}/*"
    assert_private(s3, twin)


PATTERNS = [
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::*/*",
    "arn:aws:s3:::<bucket>*",
    "arn:aws:s3:::<bucket>*/*",
    "arn:aws:s3:::b-*/keys/*",
    "arn:aws:s3:::?-*",
    ["arn:aws:s3:::<bucket>/*", "arn:aws:s3:::*e*/*"],
]


def test_a_pattern_of_buckets_becomes_the_twin_and_no_other_bucket(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Whatever the pattern, it is about the source: the name ends in what the patterns ask for.
    bucket = on_local_aws.bucket(f"b-{uuid.uuid4().hex[:8]}-e", tags=TRIGGER)
    monkeypatch.setenv("PROFILES", profiles(clone=["policy"]))
    given = [
        {**PARTNER_READS, "Sid": f"Partner{number}", "Action": "s3:*", "Resource": resource}
        for number, resource in enumerate(PATTERNS)
    ]
    HANDS["policy"].put(on_local_aws.s3(), bucket, one_account.on_source(given, bucket))

    functions.protected(on_local_aws, bucket)

    twin = f"{bucket}-dr"
    found = statements(on_local_aws.s3(DR_REGION), twin)
    assert {each["Sid"] for each in found} >= {each["Sid"] for each in given}, "all are cloned"
    for each in found:
        named = each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]]
        for arn in named:
            name, _, _ = arn.removeprefix("arn:aws:s3:::").partition("/")
            assert name == twin, f"{each['Sid']}: {arn} is not only about {twin}"


@pytest.mark.parametrize("group", ["AllUsers", "AuthenticatedUsers"])
def test_what_an_acl_grants_to_everybody_is_not_cloned(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    open_bucket: str,
    group: str,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=["acl", "ownership"]))
    uri = EVERYBODY["Grantee"]["URI"].replace("AllUsers", group)
    everybody = {**EVERYBODY, "Grantee": {"Type": "Group", "URI": uri}}
    HANDS["acl"].put(on_local_aws.s3(), open_bucket, [everybody, FRIEND])

    result = functions.check_destination(open_bucket)

    assert any("it is public" in note for note in line(result, "acl")["notes"])
    s3, twin = on_local_aws.s3(DR_REGION), f"{open_bucket}-dr"
    assert HANDS["acl"].get(s3, twin) == [FRIEND]
    assert_private(s3, twin)
    functions.protected(on_local_aws, open_bucket)


def test_a_source_with_nothing_but_the_public_gives_the_twin_nothing(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    open_bucket: str,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=["acl", "ownership", "policy"]))
    s3 = on_local_aws.s3()
    HANDS["acl"].put(s3, open_bucket, [EVERYBODY])
    statement = {**allow("*"), "Resource": f"arn:aws:s3:::{open_bucket}/*"}
    HANDS["policy"].put(s3, open_bucket, [statement])

    result = functions.check_destination(open_bucket)

    for name in ("acl", "policy"):
        found = line(result, name)
        assert (found["outcome"], found["reason"]) == ("skipped", "LEFT_OUT")
    s3, twin = on_local_aws.s3(DR_REGION), f"{open_bucket}-dr"
    assert_all(s3, twin, {"acl": None, "policy": None, "ownership": "ObjectWriter"})
    assert_private(s3, twin)
    functions.protected(on_local_aws, open_bucket)


def test_acls_stay_off_unless_somebody_chooses_them(
    functions: Functions, on_local_aws: World, open_bucket: str
) -> None:
    HANDS["acl"].put(on_local_aws.s3(), open_bucket, [EVERYBODY, FRIEND])

    functions.protected(on_local_aws, open_bucket)

    s3, twin = on_local_aws.s3(DR_REGION), f"{open_bucket}-dr"
    assert_all(s3, twin, {"acl": None, "ownership": None})
    assert_private(s3, twin)


def test_a_source_without_ownership_controls_has_acls(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch, open_bucket: str
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=["ownership"]))
    on_local_aws.s3().delete_bucket_ownership_controls(Bucket=open_bucket)

    functions.protected(on_local_aws, open_bucket)

    s3 = on_local_aws.s3(DR_REGION)
    assert HANDS["ownership"].get(s3, f"{open_bucket}-dr") == "ObjectWriter"
    assert_private(s3, f"{open_bucket}-dr")


# --- who shares a twin -------------------------------------------------------

SPY = {
    **PARTNER_READS,
    "Sid": "Spy",
    "Principal": {"AWS": "arn:aws:iam::999900001111:root"},
}


def test_a_partner_of_the_source_does_not_block_its_twin(shared: Pair) -> None:
    shared.functions.protected(shared.world, shared.bucket)

    shared.assert_twin_has([PARTNER_READS, NO_DELETES])


@pytest.mark.parametrize("on_drift", ["report", "restore"])
def test_the_twin_follows_when_the_partner_changes(shared: Pair, on_drift: str) -> None:
    shared.deploy(on_drift=on_drift)
    changes: dict[str, Any] = {
        "narrowed": [{**PARTNER_READS, "Resource": "arn:aws:s3:::<bucket>/less/*"}],
        "another": [SPY],
        "dropped": [NO_DELETES],
        "back": [PARTNER_READS, NO_DELETES],
        "deleted": None,
    }
    for name, change in changes.items():
        shared.configure(change)

        result, _ = shared.check()

        assert result["outcome"] == "passed_on", name
        assert not troubles(result), name
        shared.assert_twin_has(change, f"{name}: policy of {shared.twin}")
        shared.settled()


def test_who_is_let_in_by_hand_blocks_a_twin_with_a_cloned_policy(shared: Pair) -> None:
    shared.sabotage([PARTNER_READS, NO_DELETES, SPY])
    shared.functions.calls.clear()

    result = shared.functions.check_destination(shared.bucket)

    assert_blocked(result, "TWIN_SHARED")
    assert "Spy" in result["remedy"]
    assert shared.functions.writes == []
    assert "Publish" not in shared.functions.operations


def test_who_is_let_in_by_hand_is_shut_out_again_if_the_profile_says_so(shared: Pair) -> None:
    shared.deploy(on_drift="restore")
    shared.sabotage([SPY])

    result, found = shared.check()

    assert result["outcome"] == "passed_on"
    assert found["reason"] == "DRIFT"
    shared.assert_twin_has([PARTNER_READS, NO_DELETES])
    shared.settled()


@pytest.mark.parametrize("on_drift", ["report", "restore"])
def test_who_was_let_in_by_hand_before_a_policy_is_cloned_blocks(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
    on_drift: str,
) -> None:
    pair = Pair(functions, on_local_aws, one_account, POLICY, monkeypatch)
    pair.deploy(on_drift=on_drift)
    on_local_aws.twin(pair.bucket)
    pair.sabotage([SPY])

    assert_blocked(functions.check_destination(pair.bucket), "TWIN_SHARED")

    pair.assert_twin_has([SPY], "what never was ours is not taken away")
    assert "Publish" not in functions.operations


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("prepared", [False, True])
def test_who_could_not_be_shut_out_blocks(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
    local_aws: Any,
    prepared: bool,
    killed: bool,
) -> None:
    """Whether we made the twin or not, were once killed in the middle or not; again and again."""
    pair = Pair(functions, on_local_aws, one_account, POLICY, monkeypatch)
    pair.deploy(on_drift="restore")
    pair.configure([NO_DELETES])
    if prepared:
        on_local_aws.twin(pair.bucket)
    else:
        pair.check()
    pair.sabotage([SPY])
    if killed:
        under_way = {**on_local_aws.tags(pair.twin, DR_REGION), CLONED_TAG: "poli=-"}
        on_local_aws.tag(pair.twin, under_way, DR_REGION)
    refused = fault("PutBucketPolicy", pair.twin, "MalformedPolicy", 400, times=99)
    local_aws.faults([refused])
    for _ in range(2):
        functions.calls.clear()
        result = functions.check_destination(pair.bucket)
        assert (result["outcome"], result["reason"]) == ("blocked", "TWIN_SHARED")
        assert "Publish" not in functions.operations

    local_aws.faults([])
    pair.check()
    pair.assert_twin_has([NO_DELETES])


def test_a_source_that_cannot_be_read_just_now_does_not_block(shared: Pair, local_aws: Any) -> None:
    """A blocked bucket is not tried again, and this one may be right in a moment."""
    shared.sabotage([PARTNER_READS, NO_DELETES, SPY])
    local_aws.faults([fault("GetBucketPolicy", shared.bucket, "InvalidRequest", 400, times=99)])

    shared.functions.calls.clear()
    with pytest.raises(ClientError, match="InvalidRequest"):
        shared.functions.check_destination(shared.bucket)

    assert "Publish" not in shared.functions.operations
    assert shared.functions.writes == []


def test_a_policy_that_came_through_although_s3_says_no_stays(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = Pair(functions, on_local_aws, one_account, POLICY, monkeypatch)
    pair.deploy()
    pair.configure([PARTNER_READS])
    put = twin_policy.put

    def put_and_fail(*arguments: Any) -> Any:
        put(*arguments)
        raise ClientError({"Error": {"Code": "InternalError"}}, "PutBucketPolicy")

    with monkeypatch.context() as patched:
        patched.setattr(twin_policy, "put", put_and_fail)
        with pytest.raises(NotCloned):
            functions.check_destination(pair.bucket)
    pair.assert_twin_has([PARTNER_READS])

    result, _ = pair.check()
    assert result["outcome"] == "passed_on"
    assert not troubles(result)


def test_who_is_granted_something_by_hand_blocks(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where ACLs count, they are looked at as the policy is."""
    pair = Pair(functions, on_local_aws, one_account, EVERYTHING["acl"], monkeypatch)
    pair.deploy()
    pair.configure(EVERYTHING["acl"].value)
    pair.check()
    pair.sabotage([{**FRIEND, "Permission": "FULL_CONTROL"}])
    functions.calls.clear()

    result = functions.check_destination(pair.bucket)

    assert (result["outcome"], result["reason"]) == ("blocked", "TWIN_SHARED")
    assert "ACL" in result["remedy"]
    assert "Publish" not in functions.operations
    pair.deploy(on_drift="restore")
    assert pair.check()[0]["outcome"] == "passed_on"


def test_who_may_read_the_source_may_be_let_in_by_hand(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = Pair(functions, on_local_aws, one_account, POLICY, monkeypatch)
    pair.deploy()
    on_local_aws.twin(pair.bucket)
    pair.configure([PARTNER_READS, NO_DELETES])
    pair.sabotage([PARTNER_READS])

    result, found = pair.check()

    assert result["outcome"] == "passed_on", "nobody new"
    assert found["reason"] == "NOT_OURS"
    pair.assert_twin_has([PARTNER_READS])


def test_a_partner_of_a_policy_that_is_cloned_no_more_is_still_ours(shared: Pair) -> None:
    shared.functions.deploy(shared.monkeypatch, PROFILES=profiles(clone=["cors"]))

    assert shared.functions.check_destination(shared.bucket)["outcome"] == "passed_on"


# --- tags --------------------------------------------------------------------


@pytest.fixture
def tagged(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
) -> Pair:
    """A source whose tags are cloned, and nothing else."""
    pair = Pair(functions, on_local_aws, one_account, EVERYTHING["tags"], monkeypatch)
    pair.deploy()
    return pair


def test_tags_that_mean_something_here_do_not_reach_the_twin(tagged: Pair) -> None:
    tags = {**TRIGGER, "s3-dr:storage-class": "STANDARD_IA", "team": "shop", "Dr": "true"}
    tagged.world.tag(tagged.bucket, tags)

    # The local AWS, as S3, lets nobody put such a tag but AWS itself.
    def by_aws(parsed: Any, **_: Any) -> None:
        if {"Key": "team", "Value": "shop"} in parsed.get("TagSet", []):
            stack = {"Key": "aws:cloudformation:stack-name", "Value": "shop"}
            parsed["TagSet"].append(stack)

    source = handlers._runtime()[1].source_s3
    hear(source, "after-call.s3.GetBucketTagging", by_aws)
    for _ in range(2):
        _, found = tagged.check()
        assert sum("left out" in note for note in found["notes"]) == 3

    on_twin = tagged.world.tags(tagged.twin, DR_REGION)
    marks = {key: on_twin.pop(key) for key in list(on_twin) if key.startswith("s3-dr:")}
    assert on_twin == {"team": "shop", "Dr": "true"}
    assert marks.keys() == {
        "s3-dr:cloned",
        "s3-dr:life",
        "s3-dr:managed-by",
        "s3-dr:source-bucket",
    }
    assert marks["s3-dr:source-bucket"] == tagged.bucket
    assert marks["s3-dr:managed-by"] == "s3-dr"


def test_the_marks_of_a_twin_survive_all_that_happens_to_its_tags(tagged: Pair) -> None:
    marks = {"s3-dr:source-bucket": tagged.bucket, "s3-dr:managed-by": "s3-dr"}
    many = {f"key-{number:02}": "x" for number in range(46)}
    tagged.deploy(on_drift="restore")
    for value in ({"a": "b"}, many, {key.upper(): "y" for key in many}, {"c": "d"}, None):
        tagged.configure(value)
        tagged.check()
        assert tagged.on_twin() == value
        assert marks.items() <= tagged.world.tags(tagged.twin, DR_REGION).items()

        tagged.sabotage({"mine": "x"})
        tagged.check()
        assert tagged.on_twin() == value
        assert marks.items() <= tagged.world.tags(tagged.twin, DR_REGION).items()


def test_a_twin_has_room_for_its_marks_beside_all_tags_of_its_source(tagged: Pair) -> None:
    many = {f"key-{number:02}": "x" for number in range(49)}
    tagged.configure(many)

    _, found = tagged.check()

    assert sum("room for 46 tags" in note for note in found["notes"]) == 3
    assert len(tagged.world.tags(tagged.twin, DR_REGION)) == 50
    tagged.settled()


def test_tags_are_cloned_to_a_twin_with_abac(tagged: Pair) -> None:
    control = tagged.world.client("s3control", SOURCE_REGION, ACCOUNT)
    tagged.deploy(clone=["abac", "tags"])
    tagged.configure({"team": "shop", "old": "x"})
    HANDS["abac"].put(tagged.world.s3(), tagged.bucket, "Enabled")
    tagged.check()
    assert HANDS["abac"].get(tagged.world.s3(DR_REGION), tagged.twin) == "Enabled"

    arn = f"arn:aws:s3:::{tagged.bucket}"
    control.tag_resource(AccountId=ACCOUNT, ResourceArn=arn, Tags=[{"Key": "team", "Value": "web"}])
    control.untag_resource(AccountId=ACCOUNT, ResourceArn=arn, TagKeys=["old"])
    tagged.check()

    assert tagged.on_twin() == {"team": "web"}
    tagged.settled()


# --- pages -------------------------------------------------------------------


def test_more_configurations_than_a_page_holds_are_all_cloned(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = Pair(functions, on_local_aws, one_account, EVERYTHING["metrics"], monkeypatch)
    pair.deploy()
    many = {f"m-{n:03}": {"Id": f"m-{n:03}", "Filter": {"Prefix": f"{n}/"}} for n in range(101)}
    pair.configure(many)

    pair.check()

    assert pair.on_twin() == many
    pair.settled()
    assert functions.operations.count("ListBucketMetricsConfigurations") == 4, "two pages each"

    del many["m-005"]
    many["m-100"]["Filter"] = {"Prefix": "other/"}
    pair.configure(many)
    pair.check()

    assert pair.on_twin() == many
    once = ["DeleteBucketMetricsConfiguration", "PutBucketMetricsConfiguration"]
    assert [name for name in functions.writes if name != "TagResource"] == once
