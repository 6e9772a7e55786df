"""Who hands over to whom, what becomes of what fails, and how the functions run."""

from __future__ import annotations

import base64
import hashlib
import importlib
import inspect
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from harness.plan import Plan, Resource
from plan.installations import (
    BACK,
    CASES,
    CHINA,
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
    counted,
)
from plan.root import SAME_ROOT
from s3_dr.settings import Settings

pytestmark = pytest.mark.terraform

SIDE = {
    "source_bucket_check": "source",
    "destination_bucket_check": "dr",
    "enable_replication": "source",
    "sweep": "source",
}
# What starts which function: the name of the permission's source, and the service.
STARTED_BY = {
    ("events", "source", "rule/{}-s3-events"): "source_bucket_check",
    ("events", "source", "rule/{}-tag-changes"): "source_bucket_check",
    ("events", "source", "rule/{}-check-requests"): "source_bucket_check",
    ("events", "source", "rule/{}-sweep"): "sweep",
    ("events", "source", "rule/{}-jobs"): "sweep",
    ("events", "source", "rule/{}-job-events"): "sweep",
    ("sns", "dr", "{}-01"): "destination_bucket_check",
    ("sns", "source", "{}-02"): "enable_replication",
}


@pytest.fixture(params=FUNCTIONS)
def key(request: pytest.FixtureRequest) -> str:
    """Each of the functions, as the outputs call it."""
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


def test_rules_start_the_first_function_and_the_sweep(each: Installation) -> None:
    targets = each.of("aws_cloudwatch_event_target")
    of_sweep = {f"{each.case.prefix}-{name}" for name in ("sweep", "jobs", "job-events")}
    assert {target.values["rule"] for target in targets} == {
        rule.values["name"] for rule in each.of("aws_cloudwatch_event_rule")
    }
    for target in targets:
        key = "sweep" if target.values["rule"] in of_sweep else "source_bucket_check"
        assert target.values["arn"] == function_arn(each, key)
        assert target.values["dead_letter_config"] == [{"arn": queue_arn(each, "source")}], (
            f"{target.address}: what the rule cannot deliver must be kept"
        )
        assert target.values["retry_policy"] == [
            {"maximum_event_age_in_seconds": 86400, "maximum_retry_attempts": 185}
        ], f"{target.address}: a rule must try as long as it can"


def test_the_schedule_of_the_queue_says_what_it_is_for(each: Installation) -> None:
    """All other rules hand over the event as it is."""
    inputs = {
        target.values["rule"]: json.loads(target.values["input"])
        for target in each.of("aws_cloudwatch_event_target")
        if target.values["input"] is not None
    }
    asked = {"source": "s3-dr", "detail-type": "Job Turns Requested", "detail": {"scheduled": True}}
    assert inputs == {each.case.jobs_rule: asked}


def test_rules_are_on(each: Installation) -> None:
    """But for the schedule of the queue: nothing waits in it yet."""
    for rule in each.of("aws_cloudwatch_event_rule"):
        if rule.values["name"] == each.case.jobs_rule:
            assert rule.values["state"] == "DISABLED"
        else:
            assert rule.values["state"] is None, "Null is EventBridge's default, enabled"
        assert "is_enabled" not in rule.configured
        assert rule.values["event_bus_name"] == "default", "CloudTrail's events come there only"


def test_topics_start_the_next_two(each: Installation) -> None:
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
    ] * 4


def test_function_runs_as_told(it: Installation, key: str) -> None:
    told = it.case.arguments.get("function", {})
    layers = it.case.arguments.get("layers", {})
    values = it.function(key).values
    assert values["architectures"] == [told.get("architecture", "arm64")]
    assert values["memory_size"] == told.get("memory_mb", 512)
    assert values["reserved_concurrent_executions"] == told.get("reserved_concurrency", -1)
    assert values["runtime"] == told.get("runtime", "python3.13")
    timeout = 900 if key == "sweep" else told.get("timeout_seconds", 120)
    assert values["timeout"] == timeout, "A sweep takes as long as there are buckets"
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
        "aws_cloudwatch_metric_alarm",
        "aws_iam_role",
        "aws_lambda_function",
        "aws_s3_bucket",
        "aws_sns_topic",
        "aws_sqs_queue",
        *(["aws_kms_key"] if case.creates_key else []),
        *(["aws_cloudtrail"] if case.creates_trail else []),
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
        (profile["name"], frozenset(profile.get("clone", USUAL_CLONE)))
        for profile in case.arguments.get("profiles", [{"name": "standard"}])
    ]
    clones = key == "destination_bucket_check"
    assert settings.translations == (case.arguments.get("translations", {}) if clones else {})


def test_keys_may_be_made_in_the_same_root(everything_planned: Plan) -> None:
    names: dict[str, set[str]] = {}
    for resource in everything_planned.resources():
        module, _, address = resource.address.partition(".module.")
        names.setdefault(module, set()).add(address)
    assert names[f"module.{SAME_ROOT}"] == names[f"module.{DEFAULT.name}"], (
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
        "existing_objects": "ignore",
        "existing_objects_limit": 0,
        "metrics": False,
        "object_lock": {"retention": {"mode": "COMPLIANCE", "years": 7}},
        "on_untag": "keep",
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
        assert counted(given["PROFILES"]) > 2230, "The case must be near what the module takes"
        size = counted(given)
        assert size <= 4096, f"Lambda takes 4 KB of environment, and the longest has {size} bytes"


# What each service takes for a name, by the attribute that has it: the pages of its Create and Put
# operations, and of S3 the page on bucket names.
_NAMES = {
    "aws_cloudtrail": ("name", r"(?=.{3,128}$)[A-Za-z0-9]+([._-][A-Za-z0-9]+)*"),
    "aws_cloudwatch_event_rule": ("name", r"(?!aws\.)[.\-_A-Za-z0-9]{1,64}"),
    "aws_cloudwatch_event_target": ("target_id", r"[.\-_A-Za-z0-9]{1,64}"),
    "aws_cloudwatch_log_group": ("name", r"(?!aws/)[.\-_/#A-Za-z0-9]{1,512}"),
    "aws_cloudwatch_log_metric_filter": ("name", r"[^:*]{1,512}"),
    "aws_cloudwatch_metric_alarm": ("alarm_name", r"[ -~]{1,255}"),
    "aws_iam_role": ("name", r"[\w+=,.@-]{1,64}"),
    "aws_iam_role_policy": ("name", r"[\w+=,.@-]{1,128}"),
    "aws_kms_alias": ("name", r"alias/(?!aws/)[a-zA-Z0-9:/_-]{1,250}"),
    "aws_lambda_function": ("function_name", r"[a-zA-Z0-9_-]{1,64}"),
    "aws_lambda_permission": ("statement_id", r"[a-zA-Z0-9_-]{1,100}"),
    "aws_s3_bucket": (
        "bucket",
        r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
        r"(?<!-s3alias|.--ol-s3|..--x-s3)(?<!.mrap)(?<!--table-s3)(?<!-an)",
    ),
    "aws_sns_topic": ("name", r"[A-Za-z0-9_-]{1,256}"),
    "aws_sqs_queue": ("name", r"[A-Za-z0-9_-]{1,80}"),
}
# These are called by what they belong to.
_NAMELESS = {
    "aws_kms_key",
    "aws_lambda_function_event_invoke_config",
    "aws_lambda_invocation",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_sns_topic_policy",
    "aws_sns_topic_subscription",
}


def test_every_name_is_one_that_its_service_takes(each: Installation) -> None:
    for resource in each.resources:
        if resource.type in _NAMELESS:
            continue
        attribute, rule = _NAMES[resource.type]
        name = resource.values[attribute]
        assert re.fullmatch(rule, name), f"{resource.address}: AWS takes no name like {name}"


def test_longest_names_fit(install: Callable[[Case], Installation]) -> None:
    longest = {"aws_cloudwatch_event_rule": 64, "aws_iam_role": 64, "aws_lambda_function": 64}
    longest |= {"aws_sqs_queue": 80, "aws_iam_role_policy": 128, "aws_sns_topic": 256}
    longest |= {"aws_cloudtrail": 128, "aws_cloudwatch_metric_alarm": 255, "aws_s3_bucket": 63}
    keys = ("name", "function_name", "alarm_name", "bucket")
    for resource in install(LONGEST).resources:
        name = next((resource.values[key] for key in keys if resource.values.get(key)), "")
        assert len(name) <= longest.get(resource.type, 512), f"AWS takes no name like {name}"
    for target in install(LONGEST).of("aws_cloudwatch_event_target"):
        assert len(target.values["target_id"]) <= 64
    for permission in install(LONGEST).of("aws_lambda_permission"):
        assert len(permission.values["statement_id"]) <= 100


# What is there when a bucket is let go, and what has to be gone: the rules, by their modules.
RULES = {"check_requests", "job_events", "jobs_rule", "s3_events", "sweep_rule", "tag_changes"}
RELEASE, ADOPT = "aws_lambda_invocation.release", "aws_lambda_invocation.adopt"


def test_buckets_are_let_go_before_anything_is_gone(it: Installation) -> None:
    """At a destroy Terraform goes the other way round: who depends on something goes first."""
    needs = dependencies(it)
    parts = {name for name in needs if name.startswith("module.")}
    rules = {f"module.{name}" for name in RULES}
    assert rules < parts
    for rule in rules:
        assert RELEASE in needs[rule], f"{rule} would be heard after its buckets were let go"
    # A created key is never destroyed with the rest, and the functions' environment names it.
    rest = parts - rules - {"module.dr_key"}
    missing = rest - needs[RELEASE]
    assert not missing, f"These could be gone when the buckets are to be let go: {missing}"
    assert needs[ADOPT] >= {RELEASE, *rules, *rest}, "A sweep is asked for when all is there"
    assert not any(ADOPT in each for each in needs.values())


def dependencies(installation: Installation) -> dict[str, set[str]]:
    """What each module call and each invocation of the root depends on, by way of others too."""
    call = installation.plan.data["configuration"]["root_module"]["module_calls"]
    root = call[installation.case.name]["module"]
    direct = {
        **{f"module.{name}": each for name, each in root["module_calls"].items()},
        **{
            each["address"]: each
            for each in root["resources"]
            if each["type"] == "aws_lambda_invocation"
        },
    }
    named = {name: references(each) & direct.keys() for name, each in direct.items()}
    found = {name: set(each) for name, each in named.items()}
    for _ in found:
        for name, each in found.items():
            each |= {other for next_ in named[name] for other in found[next_]}
    return found


def references(block: Mapping[str, Any]) -> set[str]:
    """What a block of the configuration names: modules and resources, without attributes."""
    found = set(block.get("depends_on", ()))

    def walk(value: object) -> None:
        if isinstance(value, Mapping):
            found.update(value.get("references", ()))
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(block.get("expressions", {}))
    return {".".join(each.partition("[")[0].split(".")[:2]) for each in found}


def test_terraform_speaks_to_the_sweep(it: Installation) -> None:
    release, adopt = (invocation(it, name).values for name in ("release", "adopt"))
    assert release["function_name"] == adopt["function_name"] == name_of(it, "sweep")
    assert json.loads(release["input"]) == {"source": "s3-dr", "detail-type": "Release Requested"}
    assert release["lifecycle_scope"] == "CRUD", "Otherwise it would not be heard at a destroy"
    assert release["triggers"] is None, "What triggers it anew would let all buckets go"
    assert json.loads(adopt["input"]) == {
        "source": "s3-dr",
        "detail-type": "Sweep Requested",
        "wait": False,
    }
    assert adopt["lifecycle_scope"] == "CREATE_ONLY", "At a destroy nothing is to be adopted"


def test_every_change_of_settings_is_swept(install: Callable[[Case], Installation]) -> None:
    """Known in the plan, so that an apply that changes nothing plans nothing."""
    cases = [case for case in CASES if case.prefix != BACK.prefix]
    triggers = {case.name: invocation(install(case), "adopt").values["triggers"] for case in cases}
    assert all(set(each) == {"package", "settings"} for each in triggers.values())
    settings = [each["settings"] for each in triggers.values()]
    assert len(set(settings)) == len(settings), "Each of the cases has settings of its own"
    for case in cases:
        package = install(case).function("sweep").values["source_code_hash"]
        assert triggers[case.name]["package"] == package


def invocation(installation: Installation, name: str) -> Resource:
    (found,) = [
        each
        for each in installation.of("aws_lambda_invocation")
        if each.address.endswith(f".{name}")
    ]
    return found


def test_reports_are_locked_away(each: Installation) -> None:
    if not each.case.creates_bucket:
        assert not [resource for resource in each.resources if resource.type.startswith("aws_s3_")]
        return
    bucket = each.one("aws_s3_bucket").values
    assert bucket["bucket"] == each.case.reports_bucket
    assert bucket["force_destroy"] is True, "What is in it speaks of what is destroyed with it"
    blocks = each.one("aws_s3_bucket_public_access_block").values
    assert {name: value for name, value in blocks.items() if isinstance(value, bool)} == {
        "block_public_acls": True,
        "block_public_policy": True,
        "ignore_public_acls": True,
        "restrict_public_buckets": True,
    }
    (rule,) = each.one("aws_s3_bucket_ownership_controls").values["rule"]
    assert rule == {"object_ownership": "BucketOwnerEnforced"}
    encryption = each.one("aws_s3_bucket_server_side_encryption_configuration").values
    (default,) = encryption["rule"][0]["apply_server_side_encryption_by_default"]
    assert default["sse_algorithm"] == "AES256"


def test_only_reports_and_logs_of_a_trail_expire(each: Installation) -> None:
    """What the functions remember is needed for as long as there are buckets."""
    if not each.case.creates_bucket:
        return
    rules = each.one("aws_s3_bucket_lifecycle_configuration").values["rule"]
    assert all(rule["status"] == "Enabled" for rule in rules)
    days = each.case.arguments.get("reports", {}).get("retention_days", 365)
    expired = {
        rule["filter"][0]["prefix"]: rule["expiration"][0]["days"]
        for rule in rules
        if rule.get("expiration")
    }
    trails = {"trail/": days} if each.case.creates_trail else {}
    assert expired == {"reports/": days, **trails}
    aborting = [rule for rule in rules if rule.get("abort_incomplete_multipart_upload")]
    assert len(aborting) == 1 and not aborting[0]["filter"][0].get("prefix")


def test_trail_logs_what_events_are_made_of(custom: Installation) -> None:
    trail = custom.one("aws_cloudtrail").values
    assert trail["s3_bucket_name"] == custom.case.reports_bucket
    assert trail["s3_key_prefix"] == "trail"
    assert trail["enable_logging"] is True and trail["enable_log_file_validation"] is True
    assert trail["is_multi_region_trail"] is False, "Events of other regions are nobody's here"
    assert trail["include_global_service_events"] is False
    (selector,) = trail["event_selector"]
    assert selector["include_management_events"] is True
    assert selector["read_write_type"] == "WriteOnly"


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
