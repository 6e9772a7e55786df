"""Who may do what: every policy is in the plan, and allows what is needed and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import pytest

from harness.policy import Policy, PolicyKind, Statement
from harness.sts import ACCOUNT
from plan.installations import Installation

pytestmark = pytest.mark.terraform

ROLES = ("source-bucket-check", "destination-bucket-check", "enable-replication", "replication")
LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
# Each action stands for a call that the function makes; the replication role's are those of the S3
# User Guide, "Setting up permissions for live replication".
ACTIONS = {
    "source-bucket-check": LOG
    | {
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketTagging",
        "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration",
        "s3:GetReplicationConfiguration",
        "s3:ListAllMyBuckets",
        "s3:ListBucket",  # HeadBucket
        "s3:PutBucketVersioning",
        "sns:Publish",
        "sqs:SendMessage",
    },
    "destination-bucket-check": LOG
    | {
        "s3:CreateBucket",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketTagging",
        "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration",
        "s3:ListAllMyBuckets",
        "s3:ListBucket",
        "s3:PutBucketOwnershipControls",
        "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketVersioning",
        "s3:PutEncryptionConfiguration",
        "s3:TagResource",  # CreateBucket with tags
        "sns:Publish",
        "sqs:SendMessage",
    },
    "enable-replication": LOG
    | {
        "iam:PassRole",
        "s3:GetBucketTagging",
        "s3:GetReplicationConfiguration",
        "s3:ListAllMyBuckets",
        "s3:ListBucket",
        "s3:PutReplicationConfiguration",
        "sqs:SendMessage",
    },
    "replication": {
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionTagging",
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:ReplicateDelete",
        "s3:ReplicateObject",
        "s3:ReplicateTags",
    },
}
SIDE = {
    "source-bucket-check": "source",
    "destination-bucket-check": "dr",
    "enable-replication": "source",
}
# A bucket that does not exist yet has no owner to ask for. Ownership and tags go with CreateBucket.
CREATING = {"s3:CreateBucket"}
AS_PART_OF_CREATING = {"s3:PutBucketOwnershipControls", "s3:TagResource"}
MARKS = ("s3-dr:managed-by", "s3-dr:source-bucket")
READ = re.compile(r"s3:(Get|List)")


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    """Each of the four roles."""
    return str(request.param)


@pytest.fixture
def statements(each: Installation, role: str) -> list[Statement]:
    """What the role may do."""
    return list(each.role_policy(role).allowed())


def of_s3(statements: Iterable[Statement]) -> list[Statement]:
    """The statements about S3, but the one action that knows no bucket."""
    found = [
        each
        for each in statements
        if any(action.startswith("s3:") for action in each.actions)
        and each.actions != ("s3:ListAllMyBuckets",)
    ]
    assert found, "Every role has something to do with S3"
    return found


def test_every_policy_is_in_the_plan(each: Installation) -> None:
    """A policy that is known only after the apply can be reviewed by nobody (and Plan raises)."""
    kinds = [policy.kind for policy in each.policies()]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        PolicyKind.IDENTITY: 4,
        PolicyKind.TRUST: 4,
        PolicyKind.RESOURCE: 4,
    }, "Four roles, two topics and two queues have a policy each"


def test_roles_get_nothing_from_elsewhere(each: Installation) -> None:
    types = {resource.type for resource in each.resources}
    assert not types & {
        "aws_iam_policy",
        "aws_iam_role_policy_attachment",
        "aws_iam_policy_attachment",
    }
    for resource in each.of("aws_iam_role"):
        inline = resource.configured & {"inline_policy", "managed_policy_arns"}
        assert not inline, f"{resource.address} must have its aws_iam_role_policy only"


def test_role_may_do_what_it_needs_and_no_more(statements: list[Statement], role: str) -> None:
    assert {action for each in statements for action in each.actions} == ACTIONS[role]


def test_nothing_is_allowed_in_the_round(each: Installation) -> None:
    for policy in each.policies():
        for statement in policy.statements:
            where = f"{policy.address}, {statement.sid}"
            assert not statement.not_actions, f"{where}: NotAction names what nobody thought of"
            assert not statement.not_resources, f"{where}: NotResource names what nobody thought of"
            assert not statement.not_principals, (
                f"{where}: NotPrincipal names what nobody thought of"
            )
        for statement in policy.allowed():
            where = f"{policy.address}, {statement.sid}"
            wide = [action for action in statement.actions if "*" in action or "?" in action]
            assert not wide, f"{where}: {wide} grows with every action that AWS adds"
            deletes = [action for action in statement.actions if ":Delete" in action]
            assert not deletes, f"{where}: nothing is ever deleted, but {deletes}"


def test_statements_say_what_they_are_for(each: Installation) -> None:
    for policy in each.policies():
        sids = [statement.sid for statement in policy.statements]
        assert all(sids) and len(set(sids)) == len(sids), f"{policy.address}: {sids}"


def test_only_buckets_are_listed_everywhere(each: Installation) -> None:
    for policy in each.policies(PolicyKind.IDENTITY):
        for statement in policy.allowed():
            everywhere = "*" in statement.resources
            listing = statement.actions == ("s3:ListAllMyBuckets",)
            assert everywhere == listing, (
                f"{policy.address}, {statement.sid}: only s3:ListAllMyBuckets takes no bucket"
            )


def test_buckets_are_of_the_account(statements: list[Statement]) -> None:
    for statement in of_s3(statements):
        owner = statement.conditions.get(("StringEquals", "s3:resourceaccount"))
        if_any = statement.conditions.get(("StringEqualsIfExists", "s3:resourceaccount"))
        if set(statement.actions) <= CREATING:
            assert owner is None, f"{statement.sid}: what does not exist yet has no owner"
        elif set(statement.actions) <= AS_PART_OF_CREATING:
            assert if_any == (ACCOUNT,), f"{statement.sid}: if there is an owner, it is the account"
        else:
            assert owner == (ACCOUNT,), (
                f"{statement.sid}: a bucket of another account, under the name that was expected, "
                "must not be touched"
            )


@pytest.mark.parametrize("role", ["destination-bucket-check"], indirect=True)
def test_a_bucket_can_be_given_no_tag_but_the_marks(statements: list[Statement]) -> None:
    [tagging] = [each for each in statements if each.names_action("s3:TagResource")]

    assert tagging.actions == ("s3:TagResource",)
    keys = tagging.conditions[("ForAllValues:StringEquals", "aws:tagkeys")]
    assert sorted(keys) == sorted(MARKS)


@pytest.mark.parametrize("role", SIDE, indirect=True)
def test_buckets_are_changed_in_one_region(each: Installation, role: str) -> None:
    region = each.case.region(SIDE[role])
    written = set()
    for statement in of_s3(each.role_policy(role).allowed()):
        writes = {action for action in statement.actions if not READ.match(action)}
        written |= writes
        pinned = statement.conditions.get(("StringEquals", "aws:requestedregion"))
        if writes:
            assert pinned == (region,), f"{statement.sid}: writes must be held to {region}"
        else:
            assert pinned is None, (
                f"{statement.sid}: a bucket elsewhere must be seen to be elsewhere, not be denied"
            )
    assert written, f"{role} changes buckets"


def test_only_twins_are_made_and_changed_in_the_dr_region(each: Installation) -> None:
    twins = f"arn:{each.case.partition}:s3:::*{each.case.arguments.get('dr_bucket_suffix', '-dr')}"
    for statement in of_s3(each.role_policy("destination-bucket-check").allowed()):
        if not all(map(READ.match, statement.actions)):
            assert statement.resources == (twins,), f"{statement.sid}: only twins may be changed"
    for statement in each.role_policy("replication").allowed():
        if any(action.startswith("s3:Replicate") for action in statement.actions):
            assert statement.resources == (f"{twins}/*",), "Only twins may get replicas"


def test_one_role_can_be_passed_to_one_service(each: Installation) -> None:
    passing = [
        statement
        for policy in each.policies(PolicyKind.IDENTITY)
        for statement in policy.allowed()
        if statement.names_action("iam:PassRole")
    ]
    assert len(passing) == 1, "Only enable_replication passes a role"
    assert passing[0].actions == ("iam:PassRole",)
    assert passing[0].resources == (each.case.role_arn("replication"),)
    assert passing[0].conditions == {("StringEquals", "iam:passedtoservice"): ("s3.amazonaws.com",)}


@pytest.mark.parametrize("role", SIDE, indirect=True)
def test_function_reaches_its_own_log_queue_and_topic(each: Installation, role: str) -> None:
    case, side = each.case, SIDE[role]
    topics = {
        "source-bucket-check": case.arn("sns", "dr", f"{case.prefix}-01"),
        "destination-bucket-check": case.arn("sns", "source", f"{case.prefix}-02"),
    }
    group = case.arn("logs", side, f"log-group:/aws/lambda/{case.prefix}-{role}:*")
    expected = {
        **{action: {group} for action in LOG},
        "sqs:SendMessage": {case.arn("sqs", side, f"{case.prefix}-failures")},
        **({"sns:Publish": {topics[role]}} if role in topics else {}),
    }
    found: dict[str, set[str]] = {}
    for statement in each.role_policy(role).allowed():
        for action in statement.actions:
            if not action.startswith(("s3:", "iam:")):
                found.setdefault(action, set()).update(statement.resources)
    assert found == expected


def test_one_service_takes_a_role(each: Installation) -> None:
    services = {}
    for policy in each.policies(PolicyKind.TRUST):
        (statement,) = policy.statements
        assert (statement.effect, statement.actions) == ("Allow", ("sts:AssumeRole",))
        assert list(statement.principals) == ["Service"], f"{policy.address}: a service takes it"
        (service,) = statement.principals["Service"]
        services[policy.address] = (service, dict(statement.conditions))
    for role in ROLES:
        address = each.named("aws_iam_role", role).address
        # IfExists: AWS does not say whether S3 says for which account it replicates.
        replication = {("StringEqualsIfExists", "aws:sourceaccount"): (ACCOUNT,)}
        expected = {
            "replication": ("s3.amazonaws.com", replication),
        }.get(role, ("lambda.amazonaws.com", {}))
        assert services[address] == expected


@pytest.mark.parametrize(
    ("topic", "side", "publisher"),
    [("01", "dr", "source-bucket-check"), ("02", "source", "destination-bucket-check")],
)
def test_one_role_publishes_over_tls(
    each: Installation, topic: str, side: str, publisher: str
) -> None:
    case = each.case
    arn = case.arn("sns", side, f"{case.prefix}-{topic}")
    policy = resource_policy(each, arn)
    role = case.role_arn(publisher)
    session = f"{role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/*"
    (allow,) = policy.allowed()
    assert (allow.actions, allow.resources) == (("sns:Publish",), (arn,))
    assert allow.principals == {"AWS": (f"arn:{case.partition}:iam::{ACCOUNT}:root",)}
    assert allow.conditions == {("ArnLike", "aws:principalarn"): (role, session)}, (
        "The publisher, under both names that a role's session can have, and nobody else"
    )
    denied = denies(policy, arn)
    assert ("sns:Publish",) in denied[("ArnNotLike", "aws:principalarn"), (role, session)], (
        "Everybody else must be refused, whatever his own policy says"
    )
    assert ("sns:Publish",) in denied[("Bool", "aws:securetransport"), ("false",)], (
        "Plain HTTP must be refused"
    )


@pytest.mark.parametrize("side", ["source", "dr"])
def test_own_rules_and_topic_fill_the_failure_queue(each: Installation, side: str) -> None:
    case = each.case
    arn = case.arn("sqs", side, f"{case.prefix}-failures")
    topic = case.arn("sns", side, f"{case.prefix}-{'01' if side == 'dr' else '02'}")
    rules = {
        case.arn("events", side, f"rule/{case.prefix}-{name}")
        for name in ("check-requests", "s3-events")
    }
    policy = resource_policy(each, arn)
    senders = {}
    for statement in policy.allowed():
        assert (statement.actions, statement.resources) == (("sqs:SendMessage",), (arn,))
        assert list(statement.conditions) == [("ArnEquals", "aws:sourcearn")], (
            f"{statement.sid}: a service sends for every account, so its source must be pinned"
        )
        (service,) = statement.principals["Service"]
        senders[service] = set(statement.conditions["ArnEquals", "aws:sourcearn"])
    expected = {"sns.amazonaws.com": {topic}}
    if side == "source":
        expected["events.amazonaws.com"] = rules
    assert senders == expected
    (refused,) = denies(policy, arn)[("Bool", "aws:securetransport"), ("false",)]
    assert {"sqs:ReceiveMessage", "sqs:SendMessage"} <= set(refused), "Plain HTTP must be refused"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # parliament leaves its files open
def test_parliament_finds_nothing_else(it: Installation) -> None:
    """Unknown actions, resources and conditions that an action does not know, and more."""
    import parliament

    found = {}
    for policy in it.policies():
        if policy.kind is not PolicyKind.TRUST:  # which has no resource, and parliament wants one
            findings = parliament.analyze_policy_string(json.dumps(policy.document)).findings
            found[policy.address] = {finding.issue for finding in findings}
    # Whoever may write a bucket's policy may give himself its objects. The twins need one, so that
    # they refuse plain HTTP; only names with the suffix, in this account and region, can get it.
    known = it.named("aws_iam_role_policy", "destination-bucket-check").address
    assert found.pop(known) == {"RESOURCE_POLICY_PRIVILEGE_ESCALATION"}
    assert set(map(frozenset, found.values())) == {frozenset()}, found


def resource_policy(installation: Installation, arn: str) -> Policy:
    """The policy of a topic or queue, known by the ARN that it speaks of."""
    found = [
        policy
        for policy in installation.policies(PolicyKind.RESOURCE)
        if all(statement.resources == (arn,) for statement in policy.statements)
    ]
    assert len(found) == 1, f"There must be one policy for {arn} and nothing else"
    return found[0]


def denies(policy: Policy, arn: str) -> dict[object, list[tuple[str, ...]]]:
    """What is denied everybody, by its one condition."""
    found: dict[object, list[tuple[str, ...]]] = {}
    for statement in policy.statements:
        if statement.effect == "Deny":
            assert statement.principals == {"AWS": ("*",)}, f"{statement.sid}: it is for all"
            assert statement.resources == (arn,)
            (condition,) = statement.conditions.items()
            found.setdefault(condition, []).append(statement.actions)
    return found
