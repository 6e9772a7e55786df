"""What is where, what it is called, and what comes out."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.plan import Plan
from harness.policy import Policy, PolicyKind
from harness.toolchain import REPO
from plan.installations import (
    BACK,
    BOUNDARY,
    CASES,
    CUSTOM,
    DEFAULT,
    FUNCTIONS,
    GIVEN,
    NOTHING,
    OTHER_BOUNDARY,
    PAIRS,
    SOME,
    TWO_WITH_KEY,
    Case,
    Installation,
)
from plan.root import BASIC, SAME_ROOT

pytestmark = pytest.mark.terraform

POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess"
_RULES = ["-check-requests", "-job-events", "-jobs", "-s3-events", "-sweep", "-tag-changes"]

# Everything the module creates, by region: type, the attribute that tells one from another, and
# what the attribute says after the installation's name.
SOURCE = {
    ("aws_cloudwatch_event_rule", "name"): _RULES,
    ("aws_cloudwatch_event_target", "rule"): _RULES,
    ("aws_cloudwatch_log_group", "name"): [
        "-enable-replication",
        "-source-bucket-check",
        "-sweep",
    ],
    ("aws_iam_role", "name"): [
        "-batch",
        "-enable-replication",
        "-replication",
        "-source-bucket-check",
        "-sweep",
    ],
    ("aws_iam_role_policy", "name"): [
        "-batch",
        "-enable-replication",
        "-replication",
        "-source-bucket-check",
        "-sweep",
    ],
    ("aws_lambda_function", "function_name"): [
        "-enable-replication",
        "-source-bucket-check",
        "-sweep",
    ],
    ("aws_lambda_function_event_invoke_config", "function_name"): [
        "-enable-replication",
        "-source-bucket-check",
        "-sweep",
    ],
    ("aws_lambda_invocation", "function_name"): ["-sweep", "-sweep"],
    ("aws_lambda_permission", "source_arn"): ["-02", *_RULES],
    ("aws_sns_topic", "name"): ["-02"],
    ("aws_sns_topic_policy", "policy"): ["-02"],
    ("aws_sns_topic_subscription", "endpoint"): ["-enable-replication"],
    ("aws_sqs_queue", "name"): ["-failures"],
}
DR = {
    ("aws_cloudwatch_log_group", "name"): ["-destination-bucket-check"],
    ("aws_iam_role", "name"): ["-destination-bucket-check"],
    ("aws_iam_role_policy", "name"): ["-destination-bucket-check"],
    ("aws_lambda_function", "function_name"): ["-destination-bucket-check"],
    ("aws_lambda_function_event_invoke_config", "function_name"): ["-destination-bucket-check"],
    ("aws_lambda_permission", "source_arn"): ["-01"],
    ("aws_sns_topic", "name"): ["-01"],
    ("aws_sns_topic_policy", "policy"): ["-01"],
    ("aws_sns_topic_subscription", "endpoint"): ["-destination-bucket-check"],
    ("aws_sqs_queue", "name"): ["-failures"],
}
SIDES = {"source": SOURCE, "dr": DR}
# What two accounts bring: a role in each for the functions of the other, and keys for the topics.
IN_TWO_ACCOUNTS = {
    "source": {
        ("aws_iam_role", "name"): ["-source-reader"],
        ("aws_iam_role_policy", "name"): ["-source-reader"],
        ("aws_kms_alias", "name"): ["-02"],
        ("aws_kms_key", "description"): ["-02"],
    },
    "dr": {
        ("aws_iam_role", "name"): ["-twin-reader"],
        ("aws_iam_role_policy", "name"): ["-twin-reader"],
        ("aws_kms_alias", "name"): ["-01"],
        ("aws_kms_key", "description"): ["-01"],
    },
}
WITH_KEY = {
    ("aws_kms_alias", "name"): ["-dr"],
    ("aws_kms_key", "description"): [""],
}
# The rest of the bucket's name is its place.
WITH_BUCKET = {
    ("aws_s3_bucket", "bucket"): ["-{place}"],
    ("aws_s3_bucket_lifecycle_configuration", "bucket"): ["-{place}"],
    ("aws_s3_bucket_ownership_controls", "bucket"): ["-{place}"],
    ("aws_s3_bucket_policy", "bucket"): ["-{place}"],
    ("aws_s3_bucket_public_access_block", "bucket"): ["-{place}"],
    ("aws_s3_bucket_server_side_encryption_configuration", "bucket"): ["-{place}"],
}
WITH_TRAIL = {("aws_cloudtrail", "name"): [""]}
WITH_ALARMS = {
    "source": {
        ("aws_cloudwatch_log_metric_filter", "log_group_name"): [
            "-enable-replication",
            "-source-bucket-check",
            "-sweep",
        ],
        ("aws_cloudwatch_metric_alarm", "alarm_name"): ["-failures", "-unprotected"],
    },
    "dr": {
        ("aws_cloudwatch_log_metric_filter", "log_group_name"): ["-destination-bucket-check"],
        ("aws_cloudwatch_metric_alarm", "alarm_name"): ["-failures", "-unprotected"],
    },
}


def expected_things(case: Case, side: str) -> dict[tuple[str, str], list[str]]:
    """What a case has on one side."""
    parts = [SIDES[side]]
    parts += [IN_TWO_ACCOUNTS[side]] if case.two_accounts else []
    parts += [WITH_KEY] if case.creates_key and side == "dr" else []
    parts += [WITH_BUCKET] if case.creates_bucket and side == "source" else []
    parts += [WITH_TRAIL] if case.creates_trail and side == "source" else []
    parts += [WITH_ALARMS[side]] if case.has_alarms else []
    place = f"{case.account(side)}-{case.region(side)}"
    things: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        for kind, names in part.items():
            placed = [name.replace("{place}", place) for name in names]
            things[kind] = sorted(things.get(kind, []) + placed)
    return things


def test_no_provider_is_forgotten(each: Installation) -> None:
    forgotten = [
        address for address, provider in each.providers.items() if not provider.startswith("aws.")
    ]
    assert not forgotten, (
        "Without `provider =` these land in whatever region the caller's default provider has: "
        f"{forgotten}"
    )


def test_only_the_two_regions_are_used(each: Installation) -> None:
    regions = {each.region_of(provider) for provider in each.providers.values()}
    assert regions == {each.case.source, each.case.dr}


@pytest.mark.parametrize("side", SIDES)
def test_everything_is_in_its_region(each: Installation, side: str) -> None:
    found: dict[str, list[str]] = {}
    for resource in each.resources:
        if each.region_of(resource.provider) == each.case.region(side):
            found.setdefault(resource.type, []).append(tell(resource.type, resource.values, each))
    expected = {kind: names for (kind, _), names in expected_things(each.case, side).items()}
    assert {kind: sorted(names) for kind, names in found.items()} == expected, (
        f"This is what has to be in the {side} region, no more and no less"
    )


@pytest.mark.parametrize("side", SIDES)
def test_a_region_is_of_one_account(each: Installation, side: str) -> None:
    """Data sources too: what they answer says what the other side may do."""
    accounts = {
        each.account_of(provider)
        for provider in each.providers.values()
        if each.region_of(provider) == each.case.region(side)
    }
    assert accounts == {each.case.account(side)}, f"The {side} region has one account"


def tell(kind: str, values: Mapping[str, Any], installation: Installation) -> str:
    """What a resource is called, after the installation's name."""
    known = (*SOURCE, *DR, *IN_TWO_ACCOUNTS["dr"], *WITH_BUCKET, *WITH_TRAIL, *WITH_ALARMS["dr"])
    (attribute,) = {attribute for name, attribute in known if name == kind}
    text = values[attribute]
    if attribute == "policy":
        text = json.loads(text)["Statement"][0]["Resource"]
    _, found, rest = str(text).rpartition(installation.case.prefix)
    assert found, f"{text} does not say which installation it is of"
    return rest


def test_installations_do_not_collide(install: Callable[[Case], Installation]) -> None:
    """All share the account, and BACK both regions with DEFAULT."""
    keys = ("name", "function_name", "alarm_name", "bucket")
    kinds = (
        "aws_cloudtrail",
        "aws_cloudwatch_event_rule",
        "aws_cloudwatch_log_group",
        "aws_cloudwatch_metric_alarm",
        "aws_iam_role",
        "aws_lambda_function",
        "aws_s3_bucket",
        "aws_sns_topic",
        "aws_sqs_queue",
    )
    counted: Counter[tuple[str, str, str]] = Counter()
    for case in (DEFAULT, CUSTOM, BACK):
        installation = install(case)
        for resource in installation.resources:
            name = next((resource.values[key] for key in keys if resource.values.get(key)), None)
            if resource.type in kinds:
                assert name, f"{resource.address} has no name"
                # IAM knows no regions, and names of buckets no accounts.
                region = installation.region_of(resource.provider)
                region = "" if resource.type in ("aws_iam_role", "aws_s3_bucket") else region
                counted[resource.type, region, name] += 1
    assert len(counted) == 3 * 29 + 1, "Each has 29 things with a name of their own, one a trail"
    twice = [key for key, times in counted.items() if times > 1]
    assert not twice, f"Two installations in one account make the same thing: {twice}"


def test_outputs(each: Installation) -> None:
    case = each.case
    assert with_policy_read(each.outputs()) == {
        **{key: function_output(case, key) for key in FUNCTIONS},
        "batch_role": {"arn": case.role_arn("batch"), "name": f"{case.prefix}-batch"},
        "dr_bucket_suffix": case.arguments.get("dr_bucket_suffix", "-dr"),
        "dr_key": key_output(case),
        "event_rules": rules_output(case),
        "failure_queues": queues_output(case),
        "reader_roles": readers_output(case),
        "regions": {"dr": case.dr, "source": case.source},
        "replication_role": role_output(case, each.role_policy("replication")),
        "reports_bucket": reports_output(case),
        "topic_01": topic_output(case, "topic_01", "dr"),
        "topic_02": topic_output(case, "topic_02", "source"),
    }, "Every function, topic, queue, role and rule must come out, known in the plan"


def test_outputs_name_what_is_planned(each: Installation) -> None:
    """Output ARNs are put together from names; these are the names of what is made."""
    for key in FUNCTIONS:
        name = f"{each.case.prefix}-{key.replace('_', '-')}"
        assert each.function(key).values["function_name"] == name
        assert each.named("aws_iam_role", key.replace("_", "-")).values["name"] == name
        group = f"/aws/lambda/{name}"
        assert group in [each.values["name"] for each in each.of("aws_cloudwatch_log_group")]
        assert each.function(key).values["logging_config"][0]["log_group"] == group


@pytest.mark.parametrize(
    ("case", "source", "dr"),
    [
        (DEFAULT, None, None),
        (NOTHING, None, None),
        (GIVEN, BOUNDARY, BOUNDARY),
        (TWO_WITH_KEY, BOUNDARY, OTHER_BOUNDARY),
        # What AWS manages is in every account.
        (SOME, POWER_USER, POWER_USER),
    ],
    ids=lambda given: given.name if isinstance(given, Case) else None,
)
def test_path_and_boundary_of_every_role(
    install: Callable[[Case], Installation], case: Case, source: str | None, dr: str | None
) -> None:
    it = install(case)
    roles = it.of("aws_iam_role")
    assert len(roles) == (8 if case.two_accounts else 6)
    for role in roles:
        name = role.values["name"].removeprefix(f"{case.prefix}-")
        assert role.values["path"] == case.path
        in_dr = name in ("destination-bucket-check", "twin-reader")
        assert role.values.get("permissions_boundary") == (dr if in_dr else source)


def test_boundary_of_the_same_root(everything_planned: Plan) -> None:
    """Its ARN is only known after an apply, and every role waits for it."""
    roles = [
        each
        for each in everything_planned.resources(module=SAME_ROOT)
        if each.type == "aws_iam_role"
    ]
    assert len(roles) == 6
    assert not [each for each in roles if "permissions_boundary" in each.values]


def test_example_outputs(everything_planned: Plan) -> None:
    """The example plans in the regions that it is given: that says what AWS answered of them."""
    [policy] = [
        each
        for each in everything_planned.policies(PolicyKind.IDENTITY, BASIC.name)
        if ".replication_role." in each.address
    ]
    assert with_policy_read(everything_planned.outputs()[BASIC.name]) == {
        "batch_role": {"arn": BASIC.role_arn("batch"), "name": "s3-dr-batch"},
        "dr_bucket_suffix": "-dr",
        "dr_key": None,
        "event_rules": rules_output(BASIC),
        "failure_queues": queues_output(BASIC),
        "functions": [function_output(BASIC, key) for key in FUNCTIONS],
        "reader_roles": None,
        "regions": {"dr": BASIC.dr, "source": BASIC.source},
        "replication_role": role_output(BASIC, policy),
        "reports_bucket": reports_output(BASIC),
        "topics": [
            topic_output(BASIC, "topic_01", "dr"),
            topic_output(BASIC, "topic_02", "source"),
        ],
    }, "The example must give out what a user looks for, in the regions that it is given"
    module = f"module.{BASIC.name}"
    providers = everything_planned.providers()
    assert {providers[name] for name in providers if name.startswith(f"{module}.")} == {
        f"{module}:aws.source",
        f"{module}:aws.dr",
    }, "The example must make everything with its own two providers"


def test_examples_give_out_the_same() -> None:
    """Each stands alone, so that it can be copied; who changes one changes all."""
    texts = {
        path.parent.name: path.read_text("utf-8") for path in REPO.glob("examples/*/outputs.tf")
    }
    others = [name for name, text in texts.items() if text != texts["basic"]]
    assert not others, f"Copy examples/basic/outputs.tf over that of {others}, or the other way"


def test_example_begins_in_two_regions(everything_planned: Plan) -> None:
    configuration = everything_planned.data["configuration"]["root_module"]["module_calls"]
    variables = configuration[BASIC.name]["module"]["variables"]
    defaults = {name: each["default"] for name, each in variables.items()}
    assert defaults == {"dr_region": "us-east-2", "source_region": "us-west-2"}, (
        "The example must need no argument"
    )


def test_pairs_of_regions_are_covered() -> None:
    planned = {(case.source, case.dr) for case in CASES}
    assert planned >= PAIRS, f"No case plans from and to: {sorted(PAIRS - planned)}"


def test_partitions_are_covered() -> None:
    """AWS in China and AWS GovCloud have ARNs of their own; the tests above know them by case."""
    assert {case.partition for case in CASES} == {"aws", "aws-cn", "aws-us-gov"}
    assert any(case.source == "us-east-1" for case in CASES)
    assert any(case.dr == "us-east-1" for case in CASES)


def test_arns_are_of_the_partition(each: Installation) -> None:
    text = json.dumps([resource.values for resource in each.resources], default=str)
    partitions = set(re.findall(r"arn:(aws[a-z-]*):", text))
    assert partitions == {each.case.partition}


def function_output(case: Case, key: str) -> dict[str, str]:
    side = "dr" if key == "destination_bucket_check" else "source"
    name = f"{case.prefix}-{key.replace('_', '-')}"
    return {
        "function_arn": case.arn("lambda", side, f"function:{name}"),
        "function_name": name,
        "log_group_name": f"/aws/lambda/{name}",
        "region": case.region(side),
        "role_arn": case.role_arn(key.replace("_", "-")),
        "role_name": name,
    }


def topic_output(case: Case, key: str, side: str) -> dict[str, str]:
    name = f"{case.prefix}-{key.removeprefix('topic_')}"
    return {"arn": case.arn("sns", side, name), "name": name, "region": case.region(side)}


def with_policy_read(outputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs with the replication role's policy as JSON says it, however it is laid out."""
    role = outputs["replication_role"]
    return {**outputs, "replication_role": {**role, "policy": json.loads(role["policy"])}}


def role_output(case: Case, policy: Policy) -> dict[str, Any]:
    """With all that the role may do, for whoever has a role of his own to allow it."""
    return {
        "arn": case.role_arn("replication"),
        "name": f"{case.prefix}-replication",
        "policy": policy.document,
    }


def readers_output(case: Case) -> dict[str, dict[str, str]] | None:
    if not case.two_accounts:
        return None
    return {
        key: {"arn": case.role_arn(f"{key}-reader"), "name": f"{case.prefix}-{key}-reader"}
        for key in ("source", "twin")
    }


def key_output(case: Case) -> dict[str, str | None] | None:
    """Without the ARN of a key that is yet to be made."""
    if case.creates_key:
        return {"alias": f"alias/{case.prefix}-dr"}
    given = case.arguments.get("kms", {}).get("dr_key_arn")
    return {"alias": None, "arn": given} if given else None


def queues_output(case: Case) -> dict[str, dict[str, str]]:
    """Without the URLs, which are SQS's to give."""
    return {
        side: {"arn": case.arn("sqs", side, f"{case.prefix}-failures")} for side in ("dr", "source")
    }


def rules_output(case: Case) -> dict[str, dict[str, str]]:
    return {
        key: {
            "arn": case.arn("events", "source", f"rule/{case.prefix}-{key.replace('_', '-')}"),
            "name": f"{case.prefix}-{key.replace('_', '-')}",
        }
        for key in ("check_requests", "job_events", "jobs", "s3_events", "sweep", "tag_changes")
    }


def reports_output(case: Case) -> dict[str, str]:
    return {
        "arn": f"arn:{case.partition}:s3:::{case.reports_bucket}",
        "name": case.reports_bucket,
    }
