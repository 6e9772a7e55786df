"""Who may do what: every policy is in the plan, and allows what is needed and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from harness.policy import Policy, PolicyKind, Statement
from plan.installations import (
    CASES,
    CUSTOM,
    DEFAULT,
    EVERYTHING,
    GIVEN,
    KEY,
    LONGEST,
    NOTHING,
    REGIONAL,
    SOME,
    TWO_IN_CHINA,
    TWO_IN_GOVCLOUD,
    TWO_WITH_KEY,
    Case,
    Installation,
)

pytestmark = pytest.mark.terraform

ROLES = (
    "source-bucket-check",
    "destination-bucket-check",
    "enable-replication",
    "sweep",
    "replication",
    "batch",
)
# Each is taken by one service; all others are of functions.
SERVICES = {
    "batch": "batchoperations.s3.amazonaws.com",
    "replication": "s3.amazonaws.com",
}
BATCH = SERVICES["batch"]
LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
READ_SOURCES = {
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketTagging",
    "s3:GetEncryptionConfiguration",
    "s3:ListAllMyBuckets",
    "s3:ListBucket",  # HeadBucket
}
# Each action stands for a call that the function makes; the replication role's are those of the S3
# User Guide, "Setting up permissions for live replication".
ACTIONS = {
    "source-bucket-check": LOG
    | {
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
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketTagging",
        "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration",
        "s3:ListAllMyBuckets",
        "s3:ListBucket",
        "s3:PutBucketObjectLockConfiguration",
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
        "cloudwatch:GetMetricData",
        "events:EnableRule",
        "iam:PassRole",
        "s3:CreateJob",
        "s3:DescribeJob",
        "s3:GetBucketTagging",
        "s3:GetEncryptionConfiguration",
        "s3:GetObject",  # of the reports bucket
        "s3:GetReplicationConfiguration",
        "s3:ListAllMyBuckets",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:ListJobs",
        "s3:PutObject",  # of the reports bucket
        "s3:PutReplicationConfiguration",
        "s3:UpdateJobStatus",
        "sqs:SendMessage",
    },
    "sweep": LOG
    | {
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:GetTrailStatus",
        "events:DisableRule",
        "events:EnableRule",
        "events:PutEvents",
        "lambda:InvokeFunction",
        "s3:DescribeJob",
        "s3:GetObject",
        "s3:ListAllMyBuckets",
        "s3:ListBucket",
        "s3:ListJobs",
        "s3:PutObject",
        "sqs:SendMessage",
        "tag:GetResources",
    },
    # S3 User Guide, "Configuring IAM policies for Batch Replication"; no manifest is read or kept.
    "batch": {
        "s3:GetReplicationConfiguration",
        "s3:InitiateReplication",
        "s3:PutInventoryConfiguration",
        "s3:PutObject",
    },
    "replication": {
        "s3:GetObjectLegalHold",
        "s3:GetObjectRetention",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionAnnotationForReplication",
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionTagging",
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:ReplicateDelete",
        "s3:ReplicateObject",
        "s3:ReplicateTags",
    },
}
# What the function that clones reads of sources and of twins besides, and what it does to twins, by
# what is cloned. Ownership, policy and tags of twins it reads and writes in any case.
USUALLY_READ = {
    "s3:GetBucketCORS",
    "s3:GetIntelligentTieringConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetMetricsConfiguration",
}
USUALLY_WRITTEN = {
    "s3:PutBucketCORS",
    "s3:PutIntelligentTieringConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutMetricsConfiguration",
    "s3:UntagResource",
}
READ_TO_CLONE: dict[frozenset[str], set[str]] = {
    NOTHING.cloned: set(),
    DEFAULT.cloned: USUALLY_READ,
    SOME.cloned: {"s3:GetBucketPolicy", "s3:GetBucketWebsite"},
    GIVEN.cloned: USUALLY_READ | {"s3:GetBucketPolicy"},
    EVERYTHING.cloned: USUALLY_READ
    | {
        "s3:GetAccelerateConfiguration",
        "s3:GetAnalyticsConfiguration",
        "s3:GetBucketAbac",
        "s3:GetBucketAcl",
        "s3:GetBucketLogging",
        "s3:GetBucketNotification",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketRequestPayment",
        "s3:GetBucketWebsite",
        "s3:GetInventoryConfiguration",
    },
}
WRITTEN_TO_CLONE: dict[frozenset[str], set[str]] = {
    NOTHING.cloned: set(),
    DEFAULT.cloned: USUALLY_WRITTEN,
    SOME.cloned: {"s3:DeleteBucketWebsite", "s3:PutBucketWebsite"},
    GIVEN.cloned: USUALLY_WRITTEN,
    EVERYTHING.cloned: USUALLY_WRITTEN
    | {
        "s3:DeleteBucketWebsite",
        "s3:PutAccelerateConfiguration",
        "s3:PutAnalyticsConfiguration",
        "s3:PutBucketAbac",
        "s3:PutBucketAcl",
        "s3:PutBucketLogging",
        "s3:PutBucketNotification",
        "s3:PutBucketRequestPayment",
        "s3:PutBucketWebsite",
        "s3:PutInventoryConfiguration",
    },
}
# On which topics a role publishes: where they are, and what they are called.
PUBLISHES = {
    "source-bucket-check": [("dr", "01"), ("source", "02")],
    "destination-bucket-check": [("source", "02")],
}
# A topic of another account has a key of its own.
PUBLISHING = {"kms:Decrypt", "kms:GenerateDataKey"}
IN_TWO_ACCOUNTS = {
    "source-bucket-check": {"sts:AssumeRole"} | PUBLISHING,
    "destination-bucket-check": {"sts:AssumeRole"} | PUBLISHING,
    "enable-replication": {"sts:AssumeRole"},
    "sweep": {"sts:AssumeRole"},
    # S3 User Guide, "Configuring replication for buckets in different accounts".
    "replication": {"s3:GetBucketVersioning", "s3:ObjectOwnerOverrideToBucketOwner"},
}
WITH_DR_KEY = {
    "destination-bucket-check": {"kms:DescribeKey"},
    "replication": {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"},
}
SIDE = {
    "source-bucket-check": "source",
    "destination-bucket-check": "dr",
    "enable-replication": "source",
    "sweep": "source",
}
# Whose buckets a statement is about, by what it is called.
ABOUT_SOURCES = {
    "ReadTheBucketsOfThisAccount",
    "ReadTheSourceBuckets",
    "ReplicateBucketsOfTheSourceRegion",
    "ReadSourceObjects",
    "ReadWhatToReplicate",
    "StartTheReplicationOfSourceObjects",
    "ListWhatIsToBeReplicated",
    "VersionBucketsInTheSourceRegion",
}
# What is done in the reports bucket, by role: the statement, its actions, and below what.
IN_REPORTS = {
    ("enable-replication", "RememberWhatWasDone"): (
        {"s3:GetObject", "s3:PutObject"},
        ["/state/*"],
    ),
    ("enable-replication", "ReadTheReportsOfItsJobs"): (
        {"s3:GetObject"},
        ["/leaving.json", "/reports/*"],
    ),
    ("enable-replication", "KeepTheQueueOfJobs"): (
        {"s3:GetObject", "s3:PutObject"},
        ["/queue.json"],
    ),
    ("destination-bucket-check", "SeeWhichJobThereIs"): ({"s3:GetObject"}, ["/state/*"]),
    ("sweep", "RememberHowFarItCame"): (
        {"s3:GetObject", "s3:PutObject"},
        ["/leaving.json", "/sweep.json"],
    ),
    ("sweep", "KeepTheQueueOfJobs"): ({"s3:GetObject", "s3:PutObject"}, ["/queue.json"]),
    ("sweep", "SeeWhoWaits"): ({"s3:GetObject"}, ["/state/*"]),
    ("sweep", "SeeThatNothingIsRemembered"): ({"s3:ListBucket"}, [""]),
    ("batch", "ReportWhatFailed"): ({"s3:PutObject"}, ["/reports/*"]),
}
ABOUT_REPORTS = {sid for _, sid in IN_REPORTS}
# What knows no resource, or none that can be named before it is made.
EVERYWHERE = {
    "s3:ListAllMyBuckets",
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetEventSelectors",
    "cloudtrail:GetTrailStatus",
    "cloudwatch:GetMetricData",
    "s3:CreateJob",
    "s3:ListJobs",
    "tag:GetResources",
}
# A bucket that does not exist yet has no owner to ask for. The rest goes with CreateBucket.
CREATING = {"s3:CreateBucket"}
AS_PART_OF_CREATING = {
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketVersioning",
    "s3:TagResource",
}
in_two_accounts = pytest.mark.parametrize(
    "each", [case for case in CASES if case.two_accounts], ids=lambda case: case.name, indirect=True
)
PARTITION_ENDINGS = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
MARKS = {"s3-dr:life", "s3-dr:managed-by", "s3-dr:source-bucket"}
READ = re.compile(r"s3:(Get|List)")


def dr_keys(case: Case) -> set[str]:
    """The keys that may encrypt replicas; nobody knows the ID of one that is yet to be made."""
    kms = case.arguments.get("kms", {})
    profiles = case.arguments.get("profiles", [])
    given = {kms.get("dr_key_arn"), *(profile.get("kms_key_arn") for profile in profiles)} - {None}
    return given | ({case.arn("kms", "dr", "key/*")} if case.creates_key else set())


def names_of(service: str, case: Case, side: str) -> set[str]:
    """A service as KMS may call it: with the ending of its partition, or with the usual one."""
    endings = {"amazonaws.com", PARTITION_ENDINGS.get(case.partition, "amazonaws.com")}
    return {f"{service}.{case.region(side)}.{ending}" for ending in endings}


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    """Each of the roles."""
    return str(request.param)


@pytest.fixture
def statements(each: Installation, role: str) -> list[Statement]:
    """What the role may do."""
    return list(each.role_policy(role).allowed())


def of_s3(statements: Iterable[Statement]) -> list[Statement]:
    """The statements about S3, but those on actions that know no bucket."""
    found = [
        each
        for each in statements
        if any(action.startswith("s3:") for action in each.actions)
        and not set(each.actions) & (EVERYWHERE | {"s3:DescribeJob"})
    ]
    assert found, "Every role has something to do with S3"
    return found


def of_kms(statements: Iterable[Statement]) -> dict[str, Statement]:
    """The statements about keys, by what they are called."""
    found = {}
    for each in statements:
        services = {action.partition(":")[0] for action in each.actions}
        if "kms" in services:
            assert services == {"kms"}, f"{each.sid}: keys have conditions of their own"
            found[each.sid] = each
    return found


def test_every_policy_is_in_the_plan(each: Installation) -> None:
    """A policy that is known only after the apply can be reviewed by nobody (and Plan raises)."""
    kinds = [policy.kind for policy in each.policies()]
    two, key = each.case.two_accounts, each.case.creates_key
    bucket = 1 if each.case.creates_bucket else 0
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        PolicyKind.IDENTITY: 8 if two else 6,
        PolicyKind.TRUST: 8 if two else 6,
        PolicyKind.RESOURCE: 4 + bucket + (2 if two else 0) + (1 if key else 0),
    }, "Six roles, two topics, two queues and a bucket have a policy each, and readers and keys too"


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


def test_role_may_do_what_it_needs_and_no_more(
    each: Installation, statements: list[Statement], role: str
) -> None:
    expected = set(ACTIONS[role])
    if role == "destination-bucket-check":
        expected |= READ_TO_CLONE[each.case.cloned] | WRITTEN_TO_CLONE[each.case.cloned]
        if "lifecycle" in each.case.cloned and not each.case.two_accounts:
            expected |= {"s3:DescribeJob", "s3:GetObject"}  # of records
    if each.case.two_accounts:
        expected |= IN_TWO_ACCOUNTS.get(role, set())
    if dr_keys(each.case):
        expected |= WITH_DR_KEY.get(role, set())
    if role == "source-bucket-check" and "source_key_arns" in each.case.arguments.get("kms", {}):
        expected.add("kms:DescribeKey")
    if role == "enable-replication" and each.case.two_accounts:
        assert not any(statement.resources == (each.case.twins,) for statement in statements)
    assert {action for statement in statements for action in statement.actions} == expected


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
            if ".aws_kms_key." in policy.address and statement.sid == "TheAccountDecidesWithIam":
                continue  # test_key_policies looks at it
            if ".reports_bucket[0]." in policy.address:
                assert statement.principals == {"Service": ("cloudtrail.amazonaws.com",)}, (
                    f"{where}: nobody but the trail needs a word of the bucket"
                )
            wide = [action for action in statement.actions if "*" in action or "?" in action]
            assert not wide, f"{where}: {wide} grows with every action that AWS adds"
            deletes = {action for action in statement.actions if ":Delete" in action}
            if "website" in each.case.cloned:
                deletes -= {"s3:DeleteBucketWebsite"}  # what serves a website, and no object
            assert not deletes, f"{where}: nothing is ever deleted, but {deletes}"


def test_statements_say_what_they_are_for(each: Installation) -> None:
    for policy in each.policies():
        sids = [statement.sid for statement in policy.statements]
        assert all(sids) and len(set(sids)) == len(sids), f"{policy.address}: {sids}"


def test_only_what_knows_no_resource_is_allowed_everywhere(each: Installation) -> None:
    for policy in each.policies(PolicyKind.IDENTITY):
        for statement in policy.allowed():
            everywhere = "*" in statement.resources
            assert everywhere == bool(set(statement.actions) & EVERYWHERE), (
                f"{policy.address}, {statement.sid}: only {EVERYWHERE} take no resource"
            )
            if everywhere:
                assert set(statement.actions) <= EVERYWHERE
                assert statement.resources == ("*",)


def test_buckets_are_of_the_account(each: Installation, statements: list[Statement]) -> None:
    for statement in of_s3(statements):
        of_source = statement.sid in ABOUT_SOURCES | ABOUT_REPORTS
        account = each.case.account("source" if of_source else "dr")
        owner = statement.conditions.get(("StringEquals", "s3:resourceaccount"))
        if_any = statement.conditions.get(("StringEqualsIfExists", "s3:resourceaccount"))
        if set(statement.actions) <= CREATING:
            assert owner is None, f"{statement.sid}: what does not exist yet has no owner"
        elif statement.sid == "CloneTagsOntoTwins":
            # S3 Control may not name the account: docs/adr/0011-iam-without-bucket-names.md
            assert if_any == (account,), f"{statement.sid}: if there is an owner, it is the account"
        elif statement.sid not in ABOUT_SOURCES and set(statement.actions) <= AS_PART_OF_CREATING:
            assert if_any == (account,), f"{statement.sid}: if there is an owner, it is the account"
        else:
            assert owner == (account,), (
                f"{statement.sid}: a bucket of another account, under the name that was expected, "
                "must not be touched"
            )


def test_sources_and_twins_are_told_apart(each: Installation, statements: list[Statement]) -> None:
    case = each.case
    any_bucket = f"arn:{case.partition}:s3:::*"
    for statement in of_s3(statements):
        if statement.sid in ABOUT_REPORTS:
            continue  # test_reports_bucket_is_used_for_what_it_is_for looks at it
        expected = any_bucket if statement.sid in ABOUT_SOURCES else case.twins
        assert set(statement.resources) <= {expected, f"{expected}/*"}, (
            f"{statement.sid}: {expected} is what it is about"
        )


@pytest.mark.parametrize("role", ["destination-bucket-check"], indirect=True)
def test_twins_are_made_in_their_namespace(each: Installation, statements: list[Statement]) -> None:
    [creating] = [each for each in statements if each.names_action("s3:CreateBucket")]

    assert creating.actions == ("s3:CreateBucket",)
    regional = "dr_bucket_namespace" in each.case.arguments
    assert creating.conditions == {
        ("StringEquals", "aws:requestedregion"): (each.case.dr,),
        **(
            {("StringEquals", "s3:x-amz-bucket-namespace"): ("account-regional",)}
            if regional
            else {}
        ),
    }


@pytest.mark.parametrize("role", ["destination-bucket-check"], indirect=True)
def test_a_bucket_can_be_given_no_tag_but_the_marks(
    each: Installation, statements: list[Statement]
) -> None:
    """Unless tags are cloned, whose keys nobody knows."""
    tagging = {
        statement.sid: statement
        for statement in statements
        if statement.names_action("s3:TagResource")
    }
    marking = tagging.pop("MarkTwinsInTheDrRegion")

    assert marking.actions == ("s3:TagResource",)
    keys = marking.conditions[("ForAllValues:StringEquals", "aws:tagkeys")]
    assert set(keys) == MARKS | ({"s3-dr:cloned"} if each.case.cloned else set())
    assert set(tagging) == ({"CloneTagsOntoTwins"} if "tags" in each.case.cloned else set())


@pytest.mark.parametrize("role", ["destination-bucket-check"], indirect=True)
def test_what_is_cloned_is_written_onto_twins(
    each: Installation, statements: list[Statement]
) -> None:
    """And onto nothing else; where nothing is cloned there is nothing to do it with."""
    found = {
        statement.sid: statement for statement in statements if statement.sid.startswith("Clone")
    }
    actions = {action for statement in found.values() for action in statement.actions}
    tagging = {"s3:TagResource"} if "tags" in each.case.cloned else set()
    assert actions == WRITTEN_TO_CLONE[each.case.cloned] | tagging
    for sid, statement in found.items():
        tags = {action for action in statement.actions if "tagresource" in action.lower()}
        assert tags == (set(statement.actions) if sid == "CloneTagsOntoTwins" else set())
        assert statement.resources == (each.case.twins,)
        owner = "StringEqualsIfExists" if tags else "StringEquals"
        assert statement.conditions == {
            ("StringEquals", "aws:requestedregion"): (each.case.dr,),
            (owner, "s3:resourceaccount"): (each.case.dr_account,),
        }, f"{sid}: twins of the DR account, in the DR region"


def test_cloning_is_for_one_function(install: Callable[[Case], Installation]) -> None:
    none, everything = install(NOTHING), install(EVERYTHING)
    for role in (each for each in ROLES if each != "destination-bucket-check"):
        few, many = (
            {action for allowed in each.role_policy(role).allowed() for action in allowed.actions}
            for each in (none, everything)
        )
        assert few == many, f"What is cloned is no business of {role}"


def test_reports_bucket_is_used_for_what_it_is_for(
    each: Installation, statements: list[Statement], role: str
) -> None:
    bucket = f"arn:{each.case.partition}:s3:::{each.case.reports_bucket}"
    absent = {"SeeWhichJobThereIs"}
    if "lifecycle" in each.case.cloned and not each.case.two_accounts:
        absent = set()  # else nothing waits for jobs, or the source reader looks
    found = {
        (role, statement.sid): (set(statement.actions), sorted(statement.resources))
        for statement in statements
        if any(each.case.reports_bucket in resource for resource in statement.resources)
    }
    assert found == {
        key: (actions, [f"{bucket}{below}" for below in places])
        for key, (actions, places) in IN_REPORTS.items()
        if key[0] == role and key[1] not in absent
    }


def test_jobs_replicate_and_nothing_else(each: Installation) -> None:
    """Batch Operations can do anything to any object, with a role that may.

    No document says how ``s3:RequestJobOperation`` spells a replication, so the roles hold it.
    """
    found = {
        statement.sid: statement for statement in each.role_policy("enable-replication").allowed()
    }
    job = found["HaveExistingObjectsReplicated"]
    assert job.actions == ("s3:CreateJob",)
    assert job.conditions == {
        ("StringEquals", "aws:requestedregion"): (each.case.source,),
        ("NumericLessThan", "s3:requestjobpriority"): ("10",),
    }, "Others usually have 10: theirs are not paused for one of ours"
    follow = found["FollowItsJobs"]
    assert follow.resources == (each.case.arn("s3", "source", "job/*"),)


@pytest.mark.parametrize(
    ("role", "switching"),
    [
        ("enable-replication", {"TurnTheScheduleOfTheQueueOn": {"events:EnableRule"}}),
        (
            "sweep",
            {"TurnTheScheduleOfTheQueueOnAndOff": {"events:DisableRule", "events:EnableRule"}},
        ),
    ],
)
def test_the_queue_is_looked_after(
    each: Installation, role: str, switching: dict[str, set[str]]
) -> None:
    """By the list of jobs in one region, and by one rule, which may be turned on and off."""
    case = each.case
    found = {statement.sid: statement for statement in each.role_policy(role).allowed()}
    switched = {
        sid: set(statement.actions)
        for sid, statement in found.items()
        if case.arn("events", "source", f"rule/{case.jobs_rule}") in statement.resources
    }
    assert switched == switching
    assert all(len(found[sid].resources) == 1 for sid in switching)
    lists = found["SeeWhichPlacesAreTaken"]
    assert (lists.actions, lists.resources) == (("s3:ListJobs",), ("*",))
    assert lists.conditions == {("StringEquals", "aws:requestedregion"): (case.source,)}
    if role == "sweep":
        looks = found["SeeHowFarJobsAre"]
        assert looks.actions == ("s3:DescribeJob",)
        assert looks.resources == (case.arn("s3", "source", "job/*"),)


def test_no_role_that_batch_operations_take_does_more_than_start_replication(
    each: Installation,
) -> None:
    taken = {role for role in ROLES if BATCH in str(trust(each, role).document)}
    assert taken == {"batch"}, "Of what can be passed, Batch Operations can take one role only"
    done = {
        (action, resource)
        for statement in each.role_policy("batch").allowed()
        for action in statement.actions
        for resource in statement.resources
    }
    buckets = f"arn:{each.case.partition}:s3:::"
    assert done == {
        ("s3:GetReplicationConfiguration", f"{buckets}*"),
        ("s3:InitiateReplication", f"{buckets}*/*"),
        ("s3:PutInventoryConfiguration", f"{buckets}*"),
        ("s3:PutObject", f"{buckets}{each.case.reports_bucket}/reports/*"),
    }, "It reads, deletes, tags and copies no object, and invokes nothing"


def test_roles_are_passed_to_the_service_that_takes_them(each: Installation) -> None:
    case = each.case
    passed = {
        statement.sid: (set(statement.resources), statement.conditions)
        for policy in each.policies(PolicyKind.IDENTITY)
        for statement in policy.allowed()
        if statement.names_action("iam:PassRole")
    }
    foreign = case.arguments.get("foreign_role_arns", [])
    service = ("StringEquals", "iam:passedtoservice")
    assert passed == {
        "GiveS3TheRoleOfTheConfiguration": (
            {case.role_arn("replication"), *foreign},
            {service: ("s3.amazonaws.com",)},
        ),
        "GiveBatchOperationsItsRole": (
            {case.role_arn("batch")},
            # AWS's own policies name the other one; its trust says which service takes it.
            {service: ("batchoperations.s3.amazonaws.com", "s3.amazonaws.com")},
        ),
    }


def test_sweep_asks_for_checks_and_for_nothing_else(each: Installation) -> None:
    case = each.case
    found = {statement.sid: statement for statement in each.role_policy("sweep").allowed()}
    asks = found["AskForChecksOnTheEventBus"]
    assert asks.actions == ("events:PutEvents",)
    assert asks.resources == (case.arn("events", "source", "event-bus/default"),)
    assert asks.conditions == {
        ("ForAllValues:StringEquals", "events:source"): ("s3-dr",),
        ("Null", "events:source"): ("false",),
    }, "Under another name, or none, it could speak for AWS's own services' listeners"
    invokes = found["HaveBucketsReleasedAndJobsStarted"]
    assert invokes.actions == ("lambda:InvokeFunction",)
    name = f"{case.prefix}-enable-replication"
    assert invokes.resources == (case.arn("lambda", "source", f"function:{name}"),)
    takes = found.get("FindTheTwinsOfTheOtherAccount")
    assert (takes and takes.resources) == (
        (case.role_arn("twin-reader"),) if case.two_accounts else None
    )


def test_reports_bucket_lets_in_nobody_but_the_trail(each: Installation) -> None:
    case = each.case
    if not case.creates_bucket:
        return
    (policy,) = [each for each in each.policies() if ".reports_bucket[0]." in each.address]
    bucket = f"arn:{case.partition}:s3:::{case.reports_bucket}"
    (denied,) = [statement for statement in policy.statements if statement.effect == "Deny"]
    assert denied.principals == {"AWS": ("*",)}
    assert (denied.actions, set(denied.resources)) == (("s3:*",), {bucket, f"{bucket}/*"})
    assert denied.conditions == {("Bool", "aws:securetransport"): ("false",)}
    trail = case.arn("cloudtrail", "source", f"trail/{case.prefix}")
    source = {("StringEquals", "aws:sourcearn"): (trail,)}
    allowed = {
        statement.actions: (statement.resources, statement.conditions)
        for statement in policy.allowed()
    }
    logs = f"{bucket}/trail/AWSLogs/{case.account('source')}/*"
    expected = {
        ("s3:GetBucketAcl",): ((bucket,), source),
        ("s3:PutObject",): (
            (logs,),
            {**source, ("StringEquals", "s3:x-amz-acl"): ("bucket-owner-full-control",)},
        ),
    }
    assert allowed == (expected if case.creates_trail else {}), (
        "CloudTrail writes for every account, so the trail must be pinned"
    )


def test_role_policies_fit(each: Installation) -> None:
    """IAM takes 10,240 characters of inline policies for each role, white space aside.

    With everything cloned, in two accounts and with the longest names, the longest has 4,882.
    """
    for policy in each.policies(PolicyKind.IDENTITY):
        size = len(json.dumps(policy.document, separators=(",", ":")))
        assert size <= 5_120, f"{policy.address} has {size} characters: half of them are to be free"


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
    twins = each.case.twins
    for statement in of_s3(each.role_policy("destination-bucket-check").allowed()):
        if not all(map(READ.match, statement.actions)):
            assert statement.resources == (twins,), f"{statement.sid}: only twins may be changed"
    for statement in each.role_policy("replication").allowed():
        if any(action.startswith("s3:Replicate") for action in statement.actions):
            assert statement.resources == (f"{twins}/*",), "Only twins may get replicas"


def test_twins_are_known_by_their_names() -> None:
    """The pattern is the tests' own too: here it is spelt out."""
    assert DEFAULT.twins == "arn:aws:s3:::*-dr"
    assert CUSTOM.twins == "arn:aws:s3:::*-copy"
    assert REGIONAL.twins == "arn:aws:s3:::copy-of-*-an-111122223333-ap-southeast-2-an"
    assert TWO_WITH_KEY.twins == "arn:aws:s3:::*-dr-222233334444-us-east-2-an"


@pytest.mark.parametrize("role", SIDE, indirect=True)
def test_function_reaches_its_own_log_queue_and_topic(each: Installation, role: str) -> None:
    case, side = each.case, SIDE[role]
    topics = {
        role: {case.arn("sns", side, f"{case.prefix}-{topic}") for side, topic in publishes}
        for role, publishes in PUBLISHES.items()
    }
    group = case.arn("logs", side, f"log-group:/aws/lambda/{case.prefix}-{role}:*")
    expected = {
        **{action: {group} for action in LOG},
        "sqs:SendMessage": {case.arn("sqs", side, f"{case.prefix}-failures")},
        **({"sns:Publish": topics[role]} if role in topics else {}),
    }
    found: dict[str, set[str]] = {}
    for statement in each.role_policy(role).allowed():
        for action in statement.actions:
            if action.startswith(("logs:", "sns:", "sqs:")):
                found.setdefault(action, set()).update(statement.resources)
    assert found == expected


def test_functions_look_at_the_other_account_as_one_role(each: Installation) -> None:
    """And in one account they are nobody else."""
    taken = {}
    for role in SIDE:
        for statement in each.role_policy(role).allowed():
            if statement.names_action("sts:AssumeRole"):
                assert statement.actions == ("sts:AssumeRole",)
                taken[role] = statement.resources
    source, twin = each.case.role_arn("source-reader"), each.case.role_arn("twin-reader")
    expected = {
        "source-bucket-check": (twin,),
        "destination-bucket-check": (source,),
        "enable-replication": (twin,),
        "sweep": (twin,),
    }
    assert taken == (expected if each.case.two_accounts else {})


def test_who_makes_the_twins_reads_them_and_sources_of_its_account(each: Installation) -> None:
    """Sources of another account it reads as the role there."""
    read: dict[str, set[str]] = {}
    for statement in each.role_policy("destination-bucket-check").allowed():
        for resource in statement.resources:
            read.setdefault(resource, set()).update(filter(READ.match, statement.actions))
    cloned = READ_TO_CLONE[each.case.cloned]
    needs = cloned | set(filter(READ.match, ACTIONS["destination-bucket-check"]))
    listing = {"s3:ListAllMyBuckets"}
    assert read["*"] == listing
    assert read[each.case.twins] == needs - listing
    sources = read.get(f"arn:{each.case.partition}:s3:::*", set())
    assert sources == (set() if each.case.two_accounts else (READ_SOURCES | cloned) - listing)


def session_arns(role_arns: Iterable[str]) -> set[str]:
    """Both names that a session of a role can have: AWS tells the role's, emulators the other."""
    return {
        name
        for arn in role_arns
        for name in (
            arn,
            # The path is the role's alone.
            f"{re.sub(':role/(.*/)?', ':assumed-role/', arn.replace(':iam:', ':sts:'))}/*",
        )
    }


@in_two_accounts
@pytest.mark.parametrize(
    ("reader", "side", "actions"),
    [
        ("source-reader", "source", READ_SOURCES),
        (
            "twin-reader",
            "dr",
            {"s3:GetBucketTagging", "s3:ListAllMyBuckets", "s3:ListBucket", "tag:GetResources"},
        ),
    ],
)
def test_reader_reads_what_it_is_called_for(
    each: Installation, reader: str, side: str, actions: set[str]
) -> None:
    if side == "source":
        actions = actions | READ_TO_CLONE[each.case.cloned]
    reading, *others = each.role_policy(reader).allowed()
    listing = [statement for statement in others if not statement.sid.startswith("See")]
    if side == "source" and "lifecycle" in each.case.cloned:
        record, job = (statement for statement in others if statement.sid.startswith("See"))
        assert (record.actions, job.actions) == (("s3:GetObject",), ("s3:DescribeJob",))
        bucket = f"arn:{each.case.partition}:s3:::{each.case.reports_bucket}"
        assert record.resources == (f"{bucket}/state/*",), "It reads no object but records"
        assert record.conditions == {
            ("StringEquals", "s3:resourceaccount"): (each.case.account("source"),)
        }
        assert job.resources == (each.case.arn("s3", "source", "job/*"),)
    else:
        assert listing == others
    everywhere = actions & EVERYWHERE
    assert {statement.actions for statement in listing} == {(action,) for action in everywhere}
    assert set(reading.actions) == actions - everywhere
    sources = f"arn:{each.case.partition}:s3:::*"
    assert reading.resources == ((sources,) if side == "source" else (each.case.twins,))
    account = each.case.account(side)
    assert reading.conditions == {("StringEquals", "s3:resourceaccount"): (account,)}


@in_two_accounts
@pytest.mark.parametrize(
    ("reader", "side", "readers"),
    [
        ("source-reader", "dr", ["destination-bucket-check"]),
        ("twin-reader", "source", ["enable-replication", "source-bucket-check", "sweep"]),
    ],
)
def test_reader_is_for_the_functions_of_the_other_account(
    each: Installation, reader: str, side: str, readers: list[str]
) -> None:
    case = each.case
    (statement,) = trust(each, reader).statements
    assert (statement.effect, statement.actions) == ("Allow", ("sts:AssumeRole",))
    assert statement.principals == {"AWS": (case.root_arn(side),)}, "It is the other account's"
    [(condition, names)] = statement.conditions.items()
    assert condition == ("ArnLike", "aws:principalarn")
    assert set(names) == session_arns(map(case.role_arn, readers)), (
        f"{reader} is for {readers} and nobody else of that account"
    )


def trust(installation: Installation, role: str) -> Policy:
    """Who may take a role."""
    address = installation.named("aws_iam_role", role).address
    (policy,) = [
        each for each in installation.policies(PolicyKind.TRUST) if each.address == address
    ]
    return policy


@pytest.mark.parametrize("role", ROLES, indirect=True)
def test_one_service_takes_a_role(each: Installation, role: str) -> None:
    (statement,) = trust(each, role).statements
    assert (statement.effect, statement.actions) == ("Allow", ("sts:AssumeRole",))
    assert statement.principals == {"Service": (SERVICES.get(role, "lambda.amazonaws.com"),)}
    # IfExists: AWS does not say whether S3 says for which account it replicates.
    account = {("StringEqualsIfExists", "aws:sourceaccount"): (each.case.account("source"),)}
    assert statement.conditions == (account if role in SERVICES else {})


def test_keys_are_used_through_s3_for_sources_and_twins(each: Installation) -> None:
    """An S3 Bucket Key makes the bucket's ARN the context; without one it is the object's."""
    case, kms = each.case, each.case.arguments.get("kms", {})
    found = of_kms(each.role_policy("replication").allowed())
    if not dr_keys(case):
        assert not found, "Without a key of the DR region nothing is decrypted"
        return
    buckets = f"arn:{case.partition}:s3:::*"
    expected = {
        "DecryptSourceObjects": (
            {"kms:Decrypt", "kms:GenerateDataKey"},
            set(kms.get("source_key_arns", [case.arn("kms", "source", "key/*")])),
            names_of("s3", case, "source"),
            (buckets, f"{buckets}/*"),
        ),
        "EncryptReplicas": (
            {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"},
            # Rules on buckets may still name a key of before.
            dr_keys(case) | set(kms.get("former_dr_key_arns", [])),
            names_of("s3", case, "dr"),
            (case.twins, f"{case.twins}/*"),
        ),
    }
    assert set(found) == set(expected)
    for sid, (actions, keys, via, contexts) in expected.items():
        statement = found[sid]
        assert set(statement.actions) == actions
        assert set(statement.resources) == keys
        conditions = {key: set(values) for key, values in statement.conditions.items()}
        assert conditions == {
            ("StringEquals", "kms:viaservice"): via,
            ("StringLike", "kms:encryptioncontext:aws:s3:arn"): set(contexts),
        }, f"{sid}: the key must be of use to S3 only, and for these buckets only"


def test_partitions_have_their_names_for_s3() -> None:
    """Where the partition has an ending of its own, no document says which of the two KMS sees."""
    assert [names_of("s3", each, "dr") for each in (TWO_WITH_KEY, TWO_IN_CHINA)] == [
        {"s3.us-east-2.amazonaws.com"},
        {"s3.cn-northwest-1.amazonaws.com", "s3.cn-northwest-1.amazonaws.com.cn"},
    ]
    assert len(names_of("s3", TWO_IN_GOVCLOUD, "dr")) == 1


def test_who_writes_the_twins_policies_touches_no_object(each: Installation) -> None:
    """A resource's own policy can let a role of its account in, but not past a Deny."""
    policy = each.role_policy("destination-bucket-check")
    (denied,) = [statement for statement in policy.statements if statement.effect == "Deny"]
    assert set(denied.actions) >= {
        "s3:DeleteBucket",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:PutObject",
    }
    assert set(denied.resources) == {each.case.twins, f"{each.case.twins}/*"}
    assert not denied.conditions


def test_keys_are_looked_at_where_the_answer_matters(each: Installation) -> None:
    """Is the DR key usable; and, where sources' keys are listed, which key is it by its ARN."""
    case = each.case
    listed = case.arguments.get("kms", {}).get("source_key_arns")
    looks = {
        role: set(statement.resources)
        for role in SIDE
        for statement in each.role_policy(role).allowed()
        if "kms:DescribeKey" in statement.actions
    }
    expected = {"destination-bucket-check": dr_keys(case)} if dr_keys(case) else {}
    if listed:
        expected["source-bucket-check"] = {
            case.arn("kms", "source", "key/*"),
            case.arn("kms", "source", "alias/*"),
            *listed,
        }
    assert looks == expected


@pytest.mark.parametrize("role", PUBLISHES, indirect=True)
def test_publisher_uses_the_keys_for_its_topics(each: Installation, role: str) -> None:
    case = each.case
    found = [
        statement
        for statement in of_kms(each.role_policy(role).allowed()).values()
        if "kms:GenerateDataKey" in statement.actions
    ]
    if not case.two_accounts:
        assert not found, "In one account AWS's own key serves, and lets SNS use it for everybody"
        return
    (statement,) = found
    assert set(statement.actions) == PUBLISHING
    assert set(statement.resources) == {
        case.arn("kms", side, "key/*") for side, _ in PUBLISHES[role]
    }
    conditions = {key: set(values) for key, values in statement.conditions.items()}
    assert conditions == topic_conditions(case, PUBLISHES[role])


def topic_conditions(
    case: Case, topics: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], set[str]]:
    """A key is used for topics: through SNS of their regions, and for those topics' messages."""
    return {
        ("StringEquals", "kms:viaservice"): {
            name for side, _ in topics for name in names_of("sns", case, side)
        },
        ("StringEquals", "kms:encryptioncontext:aws:sns:topicarn"): {
            case.arn("sns", side, f"{case.prefix}-{topic}") for side, topic in topics
        },
    }


def key_policies(installation: Installation) -> dict[str, Policy]:
    """The policies of its keys, by the module that makes them."""
    return {
        policy.address.split(".")[3].partition("[")[0]: policy
        for policy in installation.policies(PolicyKind.RESOURCE)
        if ".aws_kms_key." in policy.address
    }


def test_key_policies(each: Installation) -> None:
    """The account says by IAM who uses a key; of the other account only named roles do."""
    case = each.case
    topics = {"topic_01": "dr", "topic_02": "source"} if case.two_accounts else {}
    sides = {**topics, **({"dr_key": "dr"} if case.creates_key else {})}
    policies = key_policies(each)
    assert set(policies) == set(sides)
    for module, side in sides.items():
        account, *others = policies[module].statements
        assert (account.effect, account.actions) == ("Allow", ("kms:*",))
        assert account.resources == ("*",), "In a key's policy that is the key"
        assert account.principals == {"AWS": (case.root_arn(side),)}
        assert not account.conditions
        reports = [each for each in others if each.sid == "ReportsAboutTwins"]
        assert len(reports) == (
            module == "dr_key" and bool(case.cloned & {"analytics", "inventory"})
        )
        others = [each for each in others if each not in reports]
        assert len(others) == (1 if case.two_accounts else 0)
        for other in others:
            assert (other.effect, other.resources) == ("Allow", ("*",))
            (there,) = {"dr", "source"} - {side}
            assert other.principals == {"AWS": (case.root_arn(there),)}


@in_two_accounts
@pytest.mark.parametrize(
    ("topic", "side", "publisher"),
    [("01", "dr", "source-bucket-check"), ("02", "source", "destination-bucket-check")],
)
def test_topic_key_is_for_its_publisher(
    each: Installation, topic: str, side: str, publisher: str
) -> None:
    case = each.case
    _, other = key_policies(each)[f"topic_{topic}"].statements
    assert set(other.actions) == PUBLISHING
    conditions = {key: set(values) for key, values in other.conditions.items()}
    names = conditions.pop(("ArnLike", "aws:principalarn"))
    assert names == session_arns([case.role_arn(publisher)])
    assert conditions == topic_conditions(case, [(side, topic)])


@pytest.mark.parametrize(
    "each",
    [case for case in CASES if case.two_accounts and case.creates_key],
    ids=lambda case: case.name,
    indirect=True,
)
def test_dr_key_is_for_replication(each: Installation) -> None:
    case = each.case
    _, other = key_policies(each)["dr_key"].statements[:2]
    assert set(other.actions) == {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"}
    foreign = case.arguments.get("foreign_role_arns", [])
    conditions = dict(other.conditions)
    names = conditions.pop(("ArnLike", "aws:principalarn"))
    assert set(names) == session_arns([case.role_arn("replication"), *foreign])
    assert set(conditions.pop(("StringEquals", "kms:viaservice"))) == names_of("s3", case, "dr")
    assert conditions == {
        ("StringLike", "kms:encryptioncontext:aws:s3:arn"): (case.twins, f"{case.twins}/*"),
    }


def test_s3_encrypts_reports_about_twins(install: Callable[[Case], Installation]) -> None:
    """By nobody else's wish: it acts for a bucket of the DR account that is called as twins are."""
    case = TWO_IN_CHINA
    *_, reports = key_policies(install(case))["dr_key"].statements
    assert (reports.effect, reports.actions) == ("Allow", ("kms:GenerateDataKey",))
    assert reports.principals == {"Service": ("s3.amazonaws.com",)}
    assert reports.conditions == {
        ("StringEquals", "aws:sourceaccount"): (case.account("dr"),),
        ("ArnLike", "aws:sourcearn"): (case.twins,),
    }


@pytest.mark.parametrize(
    ("topic", "side", "publishers"),
    [
        ("01", "dr", ["source-bucket-check"]),
        ("02", "source", ["destination-bucket-check", "source-bucket-check"]),
    ],
)
def test_named_roles_publish_over_tls(
    each: Installation, topic: str, side: str, publishers: list[str]
) -> None:
    case = each.case
    arn = case.arn("sns", side, f"{case.prefix}-{topic}")
    policy = resource_policy(each, arn)
    names = session_arns(map(case.role_arn, publishers))
    (allow,) = policy.allowed()
    assert (allow.actions, allow.resources) == (("sns:Publish",), (arn,))
    assert set(allow.principals) == {"AWS"}
    assert set(allow.principals["AWS"]) == {case.root_arn(SIDE[each]) for each in publishers}
    [(condition, allowed)] = allow.conditions.items()
    assert (condition, set(allowed)) == (("ArnLike", "aws:principalarn"), names), (
        "The publishers, under both names that a role's session can have, and nobody else"
    )
    denied = denies(policy, arn)
    assert ("sns:Publish",) in denied[("ArnNotLike", "aws:principalarn"), allowed], (
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
        for name in (
            "check-requests",
            "job-events",
            "jobs",
            "s3-events",
            "sweep",
            "tag-changes",
        )
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


# What is only in some policies has cases of its own.
# The S3 User Guide has the key under "Namespaces for general purpose buckets", and the Service
# Authorization Reference under CreateBucket; parliament's list is older than both.
UNHEARD_OF = "Unknown condition s3:x-amz-bucket-namespace for action s3:CreateBucket"
# It looks no further where it meets one of these, so they are taken out; the reference has them.
UNHEARD_OF_ACTIONS = {
    "s3:GetBucketAbac",
    "s3:GetObjectVersionAnnotationForReplication",
    "s3:PutBucketAbac",
}
ANALYSED = (DEFAULT, CUSTOM, KEY, GIVEN, REGIONAL, TWO_WITH_KEY, EVERYTHING, NOTHING, SOME, LONGEST)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # parliament leaves its files open
@pytest.mark.parametrize("case", ANALYSED, ids=lambda case: case.name)
def test_parliament_finds_nothing_else(install: Callable[[Case], Installation], case: Case) -> None:
    """Unknown actions, resources and conditions that an action does not know, and more."""
    import parliament

    it = install(case)
    found: dict[str, set[str]] = {}
    for policy in it.policies():
        if policy.kind is PolicyKind.TRUST:  # which has no resource, and parliament wants one
            continue
        text = json.dumps(without(policy.document, UNHEARD_OF_ACTIONS))
        findings = parliament.analyze_policy_string(text).findings
        found[policy.address] = {
            finding.issue for finding in findings if finding.detail != UNHEARD_OF
        }
    # Whoever may write a bucket's policy may give himself its objects. The twins need one, so that
    # they refuse plain HTTP; only names with the suffix, in this account and region, can get it.
    known = it.named("aws_iam_role_policy", "destination-bucket-check").address
    assert found.pop(known) == {"RESOURCE_POLICY_PRIVILEGE_ESCALATION"}
    # A trail that listens may be of any region, and of the organization's account.
    sweep = it.named("aws_iam_role_policy", "sweep").address
    assert found.pop(sweep) == {"RESOURCE_STAR"}
    # In a key's policy the star is the key.
    keys = [address for address in found if ".aws_kms_key." in address]
    assert all(found.pop(address) <= {"RESOURCE_STAR"} for address in keys)
    assert set(map(frozenset, found.values())) == {frozenset()}, found


def without(document: Mapping[str, Any], actions: set[str]) -> dict[str, Any]:
    """A policy without some actions of statements that have others too."""
    statements = []
    for statement in document["Statement"]:
        named = statement["Action"]
        left = named if isinstance(named, str) else [each for each in named if each not in actions]
        statements.append({**statement, "Action": left})
    return {**document, "Statement": statements}


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
