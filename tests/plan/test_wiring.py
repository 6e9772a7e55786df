"""Who hands over to whom, what becomes of what fails, and how the functions run."""

from __future__ import annotations

import base64
import hashlib
import importlib
import inspect
import json
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from harness.sts import sts_stub
from harness.terraform import Root
from harness.toolchain import REPO, Toolchain
from plan.installations import (
    CASES,
    CUSTOM,
    DEFAULT,
    EVERYTHING,
    FUNCTIONS,
    GIVEN,
    LACKING,
    LONGEST,
    NOTHING,
    SOME,
    TWO_ACCOUNTS,
    TWO_WITH_KEY,
    USUAL_CLONE,
    Case,
    Installation,
    root_text,
)
from s3_dr.settings import Settings

pytestmark = pytest.mark.terraform

SIDE = {
    "source_bucket_check": "source",
    "destination_bucket_check": "dr",
    "enable_replication": "source",
}
# What starts which function: the name of the permission's source, and the service.
STARTED_BY = {
    ("events", "source", "rule/{}-s3-events"): "source_bucket_check",
    ("events", "source", "rule/{}-check-requests"): "source_bucket_check",
    ("sns", "dr", "{}-01"): "destination_bucket_check",
    ("sns", "source", "{}-02"): "enable_replication",
}


@pytest.fixture(params=FUNCTIONS)
def key(request: pytest.FixtureRequest) -> str:
    """Each of the three functions, as the outputs call it."""
    return str(request.param)


def name_of(each: Installation, key: str) -> str:
    return f"{each.case.prefix}-{key.replace('_', '-')}"


def queue_arn(each: Installation, side: str) -> str:
    return each.case.arn("sqs", side, f"{each.case.prefix}-failures")


def function_arn(each: Installation, key: str) -> str:
    return each.case.arn("lambda", SIDE[key], f"function:{name_of(each, key)}")


def test_functions_are_started_by_their_own_only(each: Installation) -> None:
    found = {
        (
            resource.values["principal"],
            resource.values["source_arn"],
            resource.values["action"],
            resource.values["function_name"],
        )
        for resource in each.of("aws_lambda_permission")
    }
    expected = {
        (
            f"{service}.amazonaws.com",
            each.case.arn(service, side, rest.format(each.case.prefix)),
            "lambda:InvokeFunction",
            name_of(each, key),
        )
        for (service, side, rest), key in STARTED_BY.items()
    }
    assert found == expected, "Without its source ARN, a service starts the function for anybody"


def test_rules_start_the_first_function(each: Installation) -> None:
    targets = each.of("aws_cloudwatch_event_target")
    assert {target.values["rule"] for target in targets} == {
        rule.values["name"] for rule in each.of("aws_cloudwatch_event_rule")
    }
    for target in targets:
        assert target.values["arn"] == function_arn(each, "source_bucket_check")
        assert target.values["dead_letter_config"] == [{"arn": queue_arn(each, "source")}], (
            f"{target.address}: what the rule cannot deliver must be kept"
        )
        assert target.values["retry_policy"] == [
            {"maximum_event_age_in_seconds": 86400, "maximum_retry_attempts": 185}
        ], f"{target.address}: a rule must try as long as it can"


def test_rules_are_on(each: Installation) -> None:
    for rule in each.of("aws_cloudwatch_event_rule"):
        assert rule.values["state"] in (None, "ENABLED"), "Null is EventBridge's default, enabled"
        assert "is_enabled" not in rule.configured
        assert rule.values["event_bus_name"] == "default", "CloudTrail's events come there only"


def test_topics_start_the_other_two(each: Installation) -> None:
    subscriptions = {
        resource.values["endpoint"]: resource for resource in each.of("aws_sns_topic_subscription")
    }
    expected = {"destination_bucket_check": "dr", "enable_replication": "source"}
    assert set(subscriptions) == {function_arn(each, key) for key in expected}
    for key, side in expected.items():
        subscription = subscriptions[function_arn(each, key)]
        assert subscription.values["protocol"] == "lambda"
        redrive = json.loads(subscription.values["redrive_policy"])
        assert redrive == {"deadLetterTargetArn": queue_arn(each, side)}, (
            f"{subscription.address}: what the topic cannot deliver must be kept"
        )


def test_topics_are_encrypted(each: Installation) -> None:
    for topic in each.of("aws_sns_topic"):
        assert "kms_master_key_id" in topic.configured
        if each.case.two_accounts:
            assert topic.unknown["kms_master_key_id"] is True, (
                "AWS's own key is for one account only, so this topic needs one that is yet to be"
            )
        else:
            assert topic.values["kms_master_key_id"] == "alias/aws/sns"


def test_keys_are_rotated(each: Installation) -> None:
    for key in each.of("aws_kms_key"):
        assert key.values["enable_key_rotation"] is True
        assert key.values["deletion_window_in_days"] == (30 if ".dr_key[0]." in key.address else 7)


def test_only_the_dr_key_cannot_be_destroyed() -> None:
    """Terraform itself does not tell a plan's reader; the replicas would be lost with the key."""
    kept = {
        path.parent.name
        for path in (REPO / "modules").glob("*/*.tf")
        if "prevent_destroy = true" in path.read_text(encoding="utf-8")
    }
    assert kept == {"dr_key"}


def test_failure_queues_are_encrypted_and_patient(each: Installation) -> None:
    for queue in each.of("aws_sqs_queue"):
        assert queue.values["sqs_managed_sse_enabled"] is True
        assert queue.values["message_retention_seconds"] == 14 * 86400, "As long as SQS can"
        assert queue.values["fifo_queue"] is False, "EventBridge and SNS take standard queues only"


def test_function_keeps_what_fails(each: Installation, key: str) -> None:
    config = each.named("aws_lambda_function_event_invoke_config", key.replace("_", "-")).values
    assert config["maximum_retry_attempts"] == 2, "As often as Lambda can"
    assert config["maximum_event_age_in_seconds"] == 21600, "As long as Lambda can"
    (destination,) = config["destination_config"]
    assert destination["on_failure"] == [{"destination": queue_arn(each, SIDE[key])}]
    assert config.get("qualifier") is None, "The version that runs is the one that fails"


def test_log_expires(it: Installation) -> None:
    days = it.case.arguments.get("log_retention_days", 365)
    assert [each.values["retention_in_days"] for each in it.of("aws_cloudwatch_log_group")] == [
        days
    ] * 3


def test_function_runs_as_told(it: Installation, key: str) -> None:
    told = it.case.arguments.get("function", {})
    layers = it.case.arguments.get("layers", {})
    values = it.function(key).values
    assert values["architectures"] == [told.get("architecture", "arm64")]
    assert values["memory_size"] == told.get("memory_mb", 512)
    assert values["runtime"] == told.get("runtime", "python3.13")
    assert values["timeout"] == told.get("timeout_seconds", 120)
    assert (values["layers"] or []) == layers.get(SIDE[key], [])
    (logging,) = values["logging_config"]
    assert logging["log_format"] == "JSON"
    assert logging["application_log_level"] == it.case.arguments.get("log_level", "INFO")


@pytest.mark.parametrize("case", [CUSTOM, TWO_WITH_KEY], ids=lambda case: case.name)
def test_everything_is_tagged(install: Callable[[Case], Installation], case: Case) -> None:
    taggable = [each for each in install(case).resources if "tags" in each.values]
    kinds = {each.type for each in taggable}
    assert kinds == {
        "aws_cloudwatch_event_rule",
        "aws_cloudwatch_log_group",
        "aws_iam_role",
        "aws_lambda_function",
        "aws_sns_topic",
        "aws_sqs_queue",
        *(["aws_kms_key"] if case.creates_key else []),
    }
    bare = [each.address for each in taggable if each.values["tags"] != case.arguments["tags"]]
    assert not bare, f"These do not carry the tags that were given: {bare}"


def test_function_gets_its_environment(each: Installation, key: str) -> None:
    if each.case.creates_key:
        # The provider takes a map with one value that nobody knows for a map that nobody knows;
        # that only the one value is missing is for a test with an AWS to show.
        assert each.function(key).unknown["environment"] == [{"variables": True}]
        return
    given = each.environment(key)
    assert isinstance(json.loads(given.pop("PROFILES")), list)
    assert given == each.case.environment(key)


@pytest.mark.parametrize(
    "case",
    [DEFAULT, CUSTOM, GIVEN, TWO_ACCOUNTS, EVERYTHING, NOTHING, SOME],
    ids=lambda case: case.name,
)
def test_functions_read_what_terraform_gives(
    install: Callable[[Case], Installation], case: Case, key: str
) -> None:
    given = install(case).environment(key)
    settings = Settings.from_environment(given)
    unread = set(given) - {field.name.upper() for field in fields(Settings)}
    assert not unread, f"The functions never look at {unread}"
    assert settings.dr_region == case.dr
    assert settings.own_role_arns == set(case.own_role_arns)
    assert [(profile.name, profile.clone) for profile in settings.profiles] == [
        (profile["name"], set(profile.get("clone", USUAL_CLONE)))
        for profile in case.arguments.get("profiles", [{"name": "standard"}])
    ]
    clones = key == "destination_bucket_check"
    assert settings.translations == (case.arguments.get("translations", {}) if clones else {})


# Keys and a role that are made in the same root, of which a plan does not know the ARNs.
SAME_ROOT = """
resource "aws_kms_key" "source" {
  provider = aws.us_west_2
}

resource "aws_kms_key" "dr" {
  provider = aws.us_east_2
}

resource "aws_iam_role" "foreign" {
  provider           = aws.us_west_2
  name               = "foreign"
  assume_role_policy = "{}"
}

module "of_same_root" {
  source = "../.."

  foreign_role_arns = [aws_iam_role.foreign.arn]
  kms = {
    dr_key_arn      = aws_kms_key.dr.arn
    source_key_arns = [aws_kms_key.source.arn]
  }
  translations = { (aws_kms_key.source.arn) = aws_kms_key.dr.arn, role = aws_iam_role.foreign.arn }
  profiles = [
    { name = "a", match_tags = [{ dr = "a" }], kms_key_arn = aws_kms_key.dr.arn },
    { name = "b", match_tags = [{ dr = "b" }], on_foreign_role = "use" },
  ]

  providers = { aws.source = aws.us_west_2, aws.dr = aws.us_east_2 }
}
"""


def test_keys_may_be_made_in_the_same_root(terraform_cli: Toolchain) -> None:
    text = root_text([DEFAULT]) + SAME_ROOT
    with sts_stub() as env, Root(text, tools=terraform_cli, env=env) as root:
        root.init()
        plan = root.plan()
    names = {}
    for resource in plan.resources():
        module, _, address = resource.address.partition(".module.")
        names.setdefault(module, set()).add(address)
    assert names["module.of_same_root"] == names[f"module.{DEFAULT.name}"], (
        "What is made does not hang on an ARN that a plan cannot know"
    )


def test_default_profile(default: Installation) -> None:
    (profile,) = Settings.from_environment(default.environment("source_bucket_check")).profiles
    assert profile.name == "standard"
    assert profile.matches({"dr": "true"}) and profile.matches({"DR": "true", "a": "b"})
    assert not profile.matches({"dr": "True"}) and not profile.matches({"Dr": "true"})


def test_profiles_say_only_what_is_not_default(install: Callable[[Case], Installation]) -> None:
    """Lambda has 4 KB for the whole environment."""
    everything, defaults, halves = profiles_of(install(GIVEN))
    assert everything == {
        **GIVEN.arguments["profiles"][0],
        "overrides": ["metrics", "replication_time_control"],
    }, "Whatever differs from the default must come over as it was given"
    assert defaults == {"name": "defaults_spelt_out", "match_tags": [{"dr": "defaults"}]}, (
        "A default that is spelt out is no news"
    )
    assert halves == {
        "name": "halves",
        "match_tags": [{"dr": "halves"}],
        "clone": [],
        "filter": {"prefix": "a/"},
        "metrics": False,
        "object_lock": {"retention": {"mode": "COMPLIANCE", "years": 7}},
        "overrides": [],
    }


def test_what_is_cloned_comes_over_sorted(install: Callable[[Case], Installation]) -> None:
    """An order that nobody chose is no change."""
    for given, told in zip(
        EVERYTHING.arguments["profiles"], profiles_of(install(EVERYTHING)), strict=True
    ):
        assert list(given["clone"]) != sorted(given["clone"]) == told["clone"]


def test_profiles_come_over_in_order(custom: Installation) -> None:
    assert profiles_of(custom) == [
        CUSTOM.arguments["profiles"][0],
        {"name": "rest", "match_tags": [{"dr": "yes"}]},
    ]


CHINA = next(case for case in CASES if case.partition == "aws-cn" and not case.creates_key)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (DEFAULT, [None]),
        (CHINA, [["metrics", "storage_class"]]),
        (LACKING, [["metrics", "storage_class"], ["metrics"]]),
    ],
    ids=["offered", "china", "lacking"],
)
def test_no_tag_asks_for_what_a_region_lacks(
    install: Callable[[Case], Installation], case: Case, said: list[list[str] | None]
) -> None:
    """That is replication time control; where there is some, any tag may say anything."""
    assert [profile.get("overrides") for profile in profiles_of(install(case))] == said


def profiles_of(installation: Installation) -> list[dict[str, Any]]:
    given = installation.environment("source_bucket_check")["PROFILES"]
    return list(json.loads(given))


def test_longest_environment_fits(install: Callable[[Case], Installation]) -> None:
    for key in FUNCTIONS:
        given = install(LONGEST).environment(key)
        assert len(given["PROFILES"].encode()) > 2800, "The case must be near what the module takes"
        size = sum(len(f"{name}{value}".encode()) for name, value in given.items())
        assert size <= 4096, f"Lambda takes 4 KB of environment, and the longest has {size} bytes"


def test_longest_names_fit(install: Callable[[Case], Installation]) -> None:
    longest = {"aws_cloudwatch_event_rule": 64, "aws_iam_role": 64, "aws_lambda_function": 64}
    longest |= {"aws_sqs_queue": 80, "aws_iam_role_policy": 128, "aws_sns_topic": 256}
    for resource in install(LONGEST).resources:
        name = resource.values.get("name") or resource.values.get("function_name") or ""
        assert len(name) <= longest.get(resource.type, 512), f"AWS takes no name like {name}"
    for target in install(LONGEST).of("aws_cloudwatch_event_target"):
        assert len(target.values["target_id"]) <= 64
    for permission in install(LONGEST).of("aws_lambda_permission"):
        assert len(permission.values["statement_id"]) <= 100


def test_handler_is_a_function_of_the_zip(default: Installation, key: str, repo: Path) -> None:
    function = default.function(key)
    module, _, name = function.values["handler"].rpartition(".")
    assert name == key
    handler = getattr(importlib.import_module(module), name)
    assert callable(handler) and list(inspect.signature(handler).parameters) == ["event", "context"]
    package = repo / "lambda" / "dist" / "s3_dr.zip"
    with zipfile.ZipFile(package) as archive:
        source = archive.read(f"{module.replace('.', '/')}.py").decode()
    assert f"def {name}(" in source, f"The zip that is deployed must have {module}.{name}"
    assert function.values["source_code_hash"] == sha256(package), "The committed zip is deployed"
    assert function.values["filename"].endswith("lambda/dist/s3_dr.zip")


def sha256(path: Path) -> str:
    return base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()
