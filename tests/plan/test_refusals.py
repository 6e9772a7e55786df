"""What the module cannot work with is refused, each with the sentence that says what to do.

Two runs of a Terraform tell of all cases, which are modules of a root. Where only arguments and
places are looked at, the modules have only the files that do so: Terraform is done in a fraction of
the time.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from harness.sts import ACCOUNT, OTHER_ACCOUNT, sts_stub
from harness.terraform import Root, TerraformError
from harness.toolchain import REPO, Toolchain
from plan.installations import CLONABLE, FUNCTIONS, Case, compact, counted, key_arn, root_text

pytestmark = pytest.mark.terraform

# The files that look at arguments and places.
ENTRANCE = ("places.tf", "properties.tf", "variables*.tf", "versions.tf")

LAYER = f"arn:aws:lambda:us-west-2:{ACCOUNT}:layer:boto3:1"
WEST, EAST, CHINA = "us-west-2", "us-east-2", "cn-north-1"
PROFILE = {"name": "standard", "match_tags": [{"dr": "true"}]}
ALIAS = f"arn:aws:kms:us-east-2:{ACCOUNT}:alias/replicas"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/replication"


def profile(**changes: object) -> list[dict[str, object]]:
    return [{**PROFILE, **changes}]


def profiles(**changes: object) -> dict[str, object]:
    """The argument: one profile with something changed."""
    return {"profiles": profile(**changes)}


def filtered(**changes: object) -> dict[str, object]:
    """The argument: one profile with a filter that has something changed."""
    return profiles(delete_markers=False, filter=changes)


def retained(**changes: object) -> dict[str, object]:
    """The argument: one profile with a retention that has something changed."""
    return profiles(object_lock={"retention": {"mode": "GOVERNANCE", **changes}})


NAME = "Give a name of 3 to 32 lower-case letters, digits and hyphens"
SUFFIX = "Give a dr_bucket_suffix of at most 20 characters that begins with a hyphen"
RESERVED = "Choose another dr_bucket_suffix: S3 keeps bucket names ending in"
MEMORY = "Set function.memory_mb to a whole number from 128 to 10240."
RUNTIME = 'Set function.runtime to "python3.12" or a later Python'
CONCURRENCY = "Set function.reserved_concurrency to a whole number from 2"
TIMEOUT = "Set function.timeout_seconds to a whole number from 30 to 900"
LAYERS = "Give at most five layers.source and five layers.dr"
LAYER_ARN = "Give every layer as the ARN of one version"
RETENTION = "Set log_retention_days to a number of days that CloudWatch offers"
PACKAGE = "Give package the path of an existing .zip file"
PROFILE_NAME = "Give every profile a name of 1 to 64 letters, digits, hyphens and underscores"
EMPTY_SET = "an empty set would match every bucket"
TAG_LENGTH = "Give every tag in match_tags a key of 1 to 128 characters and a value of at most 256"
TAG_KEY = "Match other tags: keys beginning with aws: belong to AWS, and keys beginning with s3-dr:"
NAMESPACE = 'Set dr_bucket_namespace to "global" or "account-regional".'
PREFIX = "Give a dr_bucket_prefix of lower-case letters, digits and hyphens"
RESERVED_PREFIX = "Choose another dr_bucket_prefix: S3 keeps bucket names beginning with"
LENGTH = "Shorten dr_bucket_prefix and dr_bucket_suffix to 20 characters together, or to 16"
ROLES = "Give every one of foreign_role_arns as the ARN of one role"
SOURCE_ROLES = f"Name in foreign_role_arns roles of the source account, {ACCOUNT}, only"
ONE_KEY = "Set kms.create_dr_key or kms.dr_key_arn, not both"
DR_KEY = "Give kms.dr_key_arn as the ARN of a key, not of an alias"
DR_KEY_PLACE = "Name in kms.dr_key_arn a key of the DR region, us-east-2 in partition aws"
DR_KEY_OWNER = "Name in kms.dr_key_arn a key of another account than the source's"
FORMER_KEYS = "Give every one of kms.former_dr_key_arns as the ARN of a key of the DR region"
SOURCE_KEYS_NONE = "Give kms.source_key_arns at least one key, or leave it out"
SOURCE_KEYS = "Give every one of kms.source_key_arns as the ARN of a key, not of an alias"
SOURCE_KEYS_PLACE = "Name in kms.source_key_arns keys of the source region, us-west-2 in partition"
SOURCE_KEYS_ALONE = "Set kms.create_dr_key, kms.dr_key_arn or a profile's kms_key_arn beside"
CLONE = "Put nothing in clone but abac, accelerate, acl, analytics, cors, intelligent_tiering,"
CLONE_ACL = "Put acl and ownership in clone together"
LIFECYCLE = 'Set lifecycle to "safe", which clones no rule that deletes what is kept, or to "full".'
VERSION_DAYS = "Set noncurrent_version_expiration_days to a whole number from 1 to 2147483647, or"
VERSION_DAYS_ALONE = (
    "Put lifecycle in clone in every profile with noncurrent_version_expiration_days"
)
DRIFT = 'Set on_drift to "report" or "restore".'
TRANSLATION_EMPTY = "Give translations no empty key and no empty value"
TRANSLATION_LONG = "Shorten every key and value of translations to 1024 characters"
TRANSLATION_CONTROL = "Take the control characters out of translations"
DELETE_MARKERS = "Set delete_markers = false in every profile with filter.tags"
FILTER_TAGS = "Put at most 10 tags in filter.tags"
FILTER_TAG = "Give every tag in filter.tags a key of 1 to 128 characters that does not begin with"
FILTER_CONTROL = "Take the control characters out of filter.prefix"
FILTER_PREFIX = "Shorten filter.prefix to 1024 bytes"
PROFILE_KEY = "Give every profile's kms_key_arn as the ARN of a key, not of an alias"
PROFILE_KEY_OWNER = "Name in a profile's kms_key_arn a key of another account than the source's"
PROFILE_KEY_PLACE = "Name in a profile's kms_key_arn a key of the DR region, us-east-2 in partition"
RTC_METRICS = "Leave metrics out, or set it to true, in every profile with"
RTC_PLACE = "Leave replication_time_control out of every profile: it is not offered from us-west-2"
MODE = "Set object_lock.retention.mode to GOVERNANCE or COMPLIANCE."
DAYS_OR_YEARS = "Give object_lock.retention either days or years"
PERIOD = "Set object_lock.retention.days to a whole number from 1 to 36500, or"
FOREIGN = 'Set on_foreign_role to "block" or "use".'
FOREIGN_NONE = "Name in foreign_role_arns the roles that on_foreign_role"
MFA = 'Set on_mfa_delete to "block" or "allow".'
SUSPENDED = 'Set on_suspended_versioning to "block" or "enable".'
OVERRIDES = "Put nothing in overrides but"
STORAGE = "Set storage_class to STANDARD, STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING, GLACIER_IR,"
RTC_REGION = "Give every one of regions_without_replication_time_control as a region's name"
TAGS = "Give at most 50 tags, each with a key of 1 to 128 characters"

ACTIVE_JOBS = "Set backfill.active_jobs to a whole number from 1 to 6: S3 works on six"
FIRST_DELAY = "Set backfill.first_job_delay_seconds to a whole number from 0 to 3600."
ACTIONS_MANY = "Give at most five alarms.actions.source and five alarms.actions.dr"
ACTION = "Give every one of alarms.actions as an ARN that an alarm can act on"
TRAIL_NAME = "Give a name without two hyphens side by side, or leave create_trail out"
CRON_DAYS = "Put a ? for the day of the month or for the day of the week in sweep.schedule"
TAG_CHARACTERS = "Use nothing in tags but letters, digits, spaces and _ . : / = + - @"
TAG_CASE = "Give no two tags whose keys differ by upper and lower case only"
TAGS_OF_S3 = "Use nothing in match_tags and filter.tags but letters, digits, spaces"
ACTION_PLACE = "Name in alarms.actions.source what is in us-west-2, and in alarms.actions.dr"
TRAIL_BUCKET = "Leave create_trail or reports.bucket out"
EXISTING = 'Set existing_objects to "replicate", "report" or "ignore".'
EXISTING_LIMIT = "Set existing_objects_limit to a whole number of objects, 0 or more"
UNTAG = 'Set on_untag to "disable", "remove" or "keep".'
REPORTS = "Give reports.bucket as the name of a bucket, not as its ARN"
REPORTS_DAYS = "Set reports.retention_days to a whole number from 1 to 2147483647"
PACE = "Set sweep.buckets_per_second to a whole number from 1 to 200."
SCHEDULE = "Give sweep.schedule as EventBridge takes it"
PATH = "Give iam.path as IAM takes it, of at most 512 characters and with a slash at both ends"
PATH_WILD = "Take the characters *, ? and $ out of iam.path"
BOUNDARY = "Give iam.permissions_boundary_arn and iam.dr_permissions_boundary_arn as the ARN of"
BOUNDARY_PLACE = f"Name in iam.permissions_boundary_arn a policy of the source account, {ACCOUNT},"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
TOPIC = f"arn:aws:sns:us-west-2:{ACCOUNT}:on-call"


def told(**actions: object) -> dict[str, object]:
    """The argument: alarms that tell these."""
    return {"alarms": {"actions": actions}}


# Arguments of the module, and what has to be said of them.
ARGUMENTS: dict[str, tuple[Mapping[str, Any], str]] = {
    "name_empty": ({"name": ""}, NAME),
    "name_short": ({"name": "ab"}, NAME),
    "name_long": ({"name": "n" * 33}, NAME),
    "name_capital": ({"name": "S3-DR"}, NAME),
    "name_digit_first": ({"name": "3dr"}, NAME),
    "name_hyphen_last": ({"name": "s3-dr-"}, NAME),
    "name_with_line": ({"name": "s3-dr\n"}, NAME),
    "suffix_empty": ({"dr_bucket_suffix": ""}, SUFFIX),
    "suffix_bare": ({"dr_bucket_suffix": "dr"}, SUFFIX),
    "suffix_hyphen_last": ({"dr_bucket_suffix": "-dr-"}, SUFFIX),
    "suffix_capital": ({"dr_bucket_suffix": "-DR"}, SUFFIX),
    "suffix_dot": ({"dr_bucket_suffix": "-d.r"}, SUFFIX),
    "suffix_star": ({"dr_bucket_suffix": "-*"}, SUFFIX),
    "suffix_long": ({"dr_bucket_suffix": "-" + "x" * 20}, SUFFIX),
    "namespace": ({"dr_bucket_namespace": "regional"}, NAMESPACE),
    "prefix_bare": ({"dr_bucket_prefix": "dr"}, PREFIX),
    "prefix_hyphen": ({"dr_bucket_prefix": "-"}, PREFIX),
    "prefix_hyphen_first": ({"dr_bucket_prefix": "-dr-"}, PREFIX),
    "prefix_capital": ({"dr_bucket_prefix": "DR-"}, PREFIX),
    "prefix_dot": ({"dr_bucket_prefix": "d.r-"}, PREFIX),
    "prefix_star": ({"dr_bucket_prefix": "*-"}, PREFIX),
    "prefix_with_line": ({"dr_bucket_prefix": "dr-\n"}, PREFIX),
    "prefix_puny": ({"dr_bucket_prefix": "xn--"}, RESERVED_PREFIX),
    "prefix_puny_begun": ({"dr_bucket_prefix": "xn-"}, RESERVED_PREFIX),
    "prefix_three": ({"dr_bucket_prefix": "sthree-dr-"}, RESERVED_PREFIX),
    "prefix_demo_begun": ({"dr_bucket_prefix": "amzn-s3-"}, RESERVED_PREFIX),
    "foreign_user": ({"foreign_role_arns": [f"arn:aws:iam::{ACCOUNT}:user/me"]}, ROLES),
    "foreign_star": ({"foreign_role_arns": [f"arn:aws:iam::{ACCOUNT}:role/*"]}, ROLES),
    "foreign_name": ({"foreign_role_arns": ["replication"]}, ROLES),
    "key_twice": ({"kms": {"create_dr_key": True, "dr_key_arn": key_arn(EAST)}}, ONE_KEY),
    "key_alias": ({"kms": {"dr_key_arn": ALIAS}}, DR_KEY),
    "key_id": ({"kms": {"dr_key_arn": "1234abcd-12ab-34cd-56ef-1234567890ab"}}, DR_KEY),
    "key_pattern": ({"kms": {"dr_key_arn": f"arn:aws:kms:{EAST}:{ACCOUNT}:key/*"}}, DR_KEY),
    "source_keys_none": ({"kms": {"source_key_arns": []}}, SOURCE_KEYS_NONE),
    "source_key_alias": ({"kms": {"source_key_arns": [ALIAS]}}, SOURCE_KEYS),
    "architecture": ({"function": {"architecture": "arm"}}, "Set function.architecture to"),
    "memory_small": ({"function": {"memory_mb": 127}}, MEMORY),
    "memory_large": ({"function": {"memory_mb": 10241}}, MEMORY),
    "memory_broken": ({"function": {"memory_mb": 512.5}}, MEMORY),
    "runtime_other": ({"function": {"runtime": "nodejs22.x"}}, RUNTIME),
    "runtime_old": ({"function": {"runtime": "python3.11"}}, RUNTIME),
    "concurrency_none": ({"function": {"reserved_concurrency": 0}}, CONCURRENCY),
    "concurrency_one": ({"function": {"reserved_concurrency": 1}}, CONCURRENCY),
    "concurrency_broken": ({"function": {"reserved_concurrency": 2.5}}, CONCURRENCY),
    "timeout_short": ({"function": {"timeout_seconds": 29}}, TIMEOUT),
    "timeout_long": ({"function": {"timeout_seconds": 901}}, TIMEOUT),
    "layers_many": ({"layers": {"source": [LAYER] * 6}}, LAYERS),
    "layer_name": ({"layers": {"dr": ["boto3"]}}, LAYER_ARN),
    "layer_without_version": ({"layers": {"dr": [LAYER.removesuffix(":1")]}}, LAYER_ARN),
    "log_level": ({"log_level": "info"}, "Set log_level to DEBUG, INFO, WARN or ERROR."),
    "retention_for_ever": ({"log_retention_days": 0}, RETENTION),
    "retention_odd": ({"log_retention_days": 42}, RETENTION),
    "package_missing": ({"package": "missing.zip"}, PACKAGE),
    "package_no_zip": ({"package": "main.tf"}, PACKAGE),
    "profiles_none": ({"profiles": []}, "Give at least one profile"),
    "profile_name_empty": ({"profiles": profile(name="")}, PROFILE_NAME),
    "profile_name_space": ({"profiles": profile(name="a b")}, PROFILE_NAME),
    "profile_name_twice": (
        {"profiles": [PROFILE, PROFILE]},
        "Give every profile a name of its own",
    ),
    "profile_sets_none": ({"profiles": profile(match_tags=[])}, EMPTY_SET),
    "profile_set_empty": ({"profiles": profile(match_tags=[{"dr": "true"}, {}])}, EMPTY_SET),
    "profile_tags_many": (
        {"profiles": profile(match_tags=[{f"key-{index}": "" for index in range(51)}])},
        "Put at most 50 tags in a match_tags set",
    ),
    "profile_key_empty": ({"profiles": profile(match_tags=[{"": "true"}])}, TAG_LENGTH),
    "profile_key_long": ({"profiles": profile(match_tags=[{"k" * 129: ""}])}, TAG_LENGTH),
    "profile_value_long": ({"profiles": profile(match_tags=[{"dr": "v" * 257}])}, TAG_LENGTH),
    "profile_of_aws": ({"profiles": profile(match_tags=[{"AWS:dr": "true"}])}, TAG_KEY),
    "profile_of_twins": (
        {"profiles": profile(match_tags=[{"s3-dr:source-bucket": "b"}])},
        TAG_KEY,
    ),
    "profile_key_alias": (profiles(kms_key_arn=ALIAS), PROFILE_KEY),
    "profile_key_name": (profiles(kms_key_arn="alias/replicas"), PROFILE_KEY),
    "clone_unknown": (profiles(clone=["cors", "replication"]), CLONE),
    "clone_forced": (profiles(clone=["encryption"]), CLONE),
    "clone_capital": (profiles(clone=["CORS"]), CLONE),
    "clone_empty_name": (profiles(clone=[""]), CLONE),
    "clone_null": (profiles(clone=["cors", None]), CLONE),
    "clone_acl_alone": (profiles(clone=["acl", "policy"]), CLONE_ACL),
    "clone_ownership_alone": (profiles(clone=["ownership", "policy"]), CLONE_ACL),
    "lifecycle": (profiles(lifecycle="none"), LIFECYCLE),
    "version_days_none": (profiles(noncurrent_version_expiration_days=0), VERSION_DAYS),
    "version_days_broken": (profiles(noncurrent_version_expiration_days=1.5), VERSION_DAYS),
    "version_days_many": (profiles(noncurrent_version_expiration_days=2**31), VERSION_DAYS),
    "version_days_without_lifecycle": (
        profiles(clone=["cors"], noncurrent_version_expiration_days=1),
        VERSION_DAYS_ALONE,
    ),
    "on_drift": (profiles(on_drift="overwrite"), DRIFT),
    "delete_markers_by_tags": (profiles(filter={"tags": {"keep": "yes"}}), DELETE_MARKERS),
    "filter_tags_many": (filtered(tags={f"key-{n}": "" for n in range(11)}), FILTER_TAGS),
    "filter_key_empty": (filtered(tags={"": "yes"}), FILTER_TAG),
    "filter_key_long": (filtered(tags={"k" * 129: "yes"}), FILTER_TAG),
    "filter_key_of_aws": (filtered(tags={"Aws:keep": "yes"}), FILTER_TAG),
    "filter_value_long": (filtered(tags={"keep": "v" * 257}), FILTER_TAG),
    "filter_prefix_control": (filtered(prefix="a\u0001b"), FILTER_CONTROL),
    "filter_prefix_long": (filtered(prefix="p" * 1025), FILTER_PREFIX),
    "filter_prefix_long_in_bytes": (filtered(prefix="ü" * 513), FILTER_PREFIX),
    "rtc_without_metrics": (profiles(replication_time_control=True, metrics=False), RTC_METRICS),
    "mode": (retained(mode="governance", days=1), MODE),
    "period_none": (retained(), DAYS_OR_YEARS),
    "period_twice": (retained(days=365, years=1), DAYS_OR_YEARS),
    "days_none": (retained(days=0), PERIOD),
    "days_broken": (retained(days=1.5), PERIOD),
    "days_many": (retained(days=36501), PERIOD),
    "years_none": (retained(years=0), PERIOD),
    "years_broken": (retained(years=0.5), PERIOD),
    "years_many": (retained(years=101), PERIOD),
    "on_foreign_role": (profiles(on_foreign_role="allow"), FOREIGN),
    "on_mfa_delete": (profiles(on_mfa_delete="enable"), MFA),
    "on_suspended_versioning": (profiles(on_suspended_versioning="allow"), SUSPENDED),
    "overrides": (profiles(overrides=["metrics", "filter"]), OVERRIDES),
    "storage_class_reduced": (profiles(storage_class="REDUCED_REDUNDANCY"), STORAGE),
    "storage_class_small": (profiles(storage_class="standard_ia"), STORAGE),
    "storage_class_empty": (profiles(storage_class=""), STORAGE),
    "region_without_rtc": ({"regions_without_replication_time_control": ["China"]}, RTC_REGION),
    "translation_of_nothing": ({"translations": {"": "logs"}}, TRANSLATION_EMPTY),
    "translation_to_nothing": ({"translations": {"logs": ""}}, TRANSLATION_EMPTY),
    "translation_to_null": ({"translations": {"logs": None}}, TRANSLATION_EMPTY),
    "translation_of_much": ({"translations": {"k" * 1025: "logs"}}, TRANSLATION_LONG),
    "translation_to_much": ({"translations": {"logs": "v" * 1025}}, TRANSLATION_LONG),
    "translation_of_control": ({"translations": {"lo\ngs": "logs"}}, TRANSLATION_CONTROL),
    "translation_to_control": ({"translations": {"logs": "lo\u0007gs"}}, TRANSLATION_CONTROL),
    "actions_many": (told(source=[TOPIC] * 6), ACTIONS_MANY),
    "actions_many_in_dr": (told(dr=[TOPIC] * 6), ACTIONS_MANY),
    "action_name": (told(dr=["on-call"]), ACTION),
    "action_nowhere": (told(source=[f"arn:aws:sns::{ACCOUNT}:on-call"]), ACTION),
    "action_null": (told(source=[None]), ACTION),
    "action_queue": (told(source=[TOPIC.replace(":sns:", ":sqs:")]), ACTION),
    "action_plan_somewhere": (
        told(source=[f"arn:aws:ssm-incidents:us-west-2:{ACCOUNT}:responseplan/x"]),
        ACTION,
    ),
    "action_severity": (told(source=[f"arn:aws:ssm:us-west-2:{ACCOUNT}:opsitem:9"]), ACTION),
    "action_long": (told(source=[f"{TOPIC}{'x' * 1024}"]), ACTION),
    **{
        f"active_jobs_{name}": ({"backfill": {"active_jobs": jobs}}, ACTIVE_JOBS)
        for name, jobs in {"none": 0, "broken": 1.5, "many": 7}.items()
    },
    **{
        f"first_delay_{name}": ({"backfill": {"first_job_delay_seconds": delay}}, FIRST_DELAY)
        for name, delay in {"negative": -1, "broken": 0.5, "long": 3601}.items()
    },
    "existing_objects": (profiles(existing_objects="copy"), EXISTING),
    "existing_limit_negative": (profiles(existing_objects_limit=-1), EXISTING_LIMIT),
    "existing_limit_broken": (profiles(existing_objects_limit=0.5), EXISTING_LIMIT),
    "on_untag": (profiles(on_untag="delete"), UNTAG),
    "reports_arn": ({"reports": {"bucket": "arn:aws:s3:::reports"}}, REPORTS),
    "reports_empty": ({"reports": {"bucket": ""}}, REPORTS),
    "reports_capital": ({"reports": {"bucket": "Reports"}}, REPORTS),
    "reports_long": ({"reports": {"bucket": "r" * 64}}, REPORTS),
    "reports_for_no_time": ({"reports": {"retention_days": 0}}, REPORTS_DAYS),
    "reports_for_half_a_day": ({"reports": {"retention_days": 0.5}}, REPORTS_DAYS),
    "reports_for_long": ({"reports": {"retention_days": 2**31}}, REPORTS_DAYS),
    "pace_none": ({"sweep": {"buckets_per_second": 0}}, PACE),
    "pace_broken": ({"sweep": {"buckets_per_second": 1.5}}, PACE),
    "pace_high": ({"sweep": {"buckets_per_second": 201}}, PACE),
    **{
        f"schedule_{name}": ({"sweep": {"schedule": text}}, SCHEDULE)
        for name, text in {
            "empty": "",
            "bare": "6 hours",
            "none": "rate(0 hours)",
            "one_of_many": "rate(1 hours)",
            "many_of_one": "rate(6 hour)",
            "seconds": "rate(30 seconds)",
            "cron_short": "cron(0 3 * * ?)",
            "cron_long": "cron(0 3 * * ? * *)",
            "once": "at(2030-01-01T00:00:00)",
            "with_line": "rate(6 hours)\n",
            "cron_odd": "cron(0 3 * * ? 20_26)",
            "long": f"cron({'1,' * 120}1 3 * * ? 2026,2027,2028)",
        }.items()
    },
    "path_open": ({"iam": {"path": "/platform"}}, PATH),
    "path_relative": ({"iam": {"path": "platform/"}}, PATH),
    "path_empty": ({"iam": {"path": ""}}, PATH),
    "path_of_nothing": ({"iam": {"path": "//"}}, PATH),
    "path_space": ({"iam": {"path": "/a b/"}}, PATH),
    "path_umlaut": ({"iam": {"path": "/ü/"}}, PATH),
    "path_long": ({"iam": {"path": f"/{'p' * 511}/"}}, PATH),
    "path_null": ({"iam": {"path": None, "permissions_boundary_arn": "boundary"}}, BOUNDARY),
    "path_star": ({"iam": {"path": "/team-*/"}}, PATH_WILD),
    "path_variable": ({"iam": {"path": "/${aws:username}/"}}, PATH_WILD),
    "boundary_name": ({"iam": {"permissions_boundary_arn": "boundary"}}, BOUNDARY),
    "boundary_empty": ({"iam": {"dr_permissions_boundary_arn": ""}}, BOUNDARY),
    "boundary_role": ({"iam": {"permissions_boundary_arn": ROLE}}, BOUNDARY),
    "cron_days_both": ({"sweep": {"schedule": "cron(0 3 * * * *)"}}, CRON_DAYS),
    "cron_days_neither": ({"sweep": {"schedule": "cron(0 3 ? * ? *)"}}, CRON_DAYS),
    "reports_dots": ({"reports": {"bucket": "my..reports"}}, REPORTS),
    "reports_address": ({"reports": {"bucket": "192.168.5.4"}}, REPORTS),
    "tag_key_odd": ({"tags": {"own#er": "me"}}, TAG_CHARACTERS),
    "tag_value_odd": ({"tags": {"owner": "a;b"}}, TAG_CHARACTERS),
    "tag_twice": ({"tags": {"Owner": "a", "owner": "b"}}, TAG_CASE),
    "profile_key_odd": (profiles(match_tags=[{"d*r": "true"}]), TAGS_OF_S3),
    "profile_value_odd": (profiles(match_tags=[{"dr": "true!"}]), TAGS_OF_S3),
    "filter_key_odd": (filtered(tags={"ke<ep": "yes"}), TAGS_OF_S3),
    "foreign_pattern_in_path": (
        {"foreign_role_arns": [f"arn:aws:iam::{ACCOUNT}:role/a*/b"]},
        ROLES,
    ),
    "tags_many": ({"tags": {f"key-{index}": "" for index in range(51)}}, TAGS),
    "tag_of_aws": ({"tags": {"aws:owner": "me"}}, TAGS),
}

# The other side of the fence: what is just good enough.
GOOD: dict[str, Mapping[str, Any]] = {
    "prefix_short": {"dr_bucket_prefix": "a-"},
    "prefix_like_a_reserved_one": {"dr_bucket_prefix": "sthre-"},
    "clone_nothing": profiles(clone=[]),
    "clone_everything": profiles(clone=list(CLONABLE), lifecycle="full", on_drift="restore"),
    "clone_twice": profiles(clone=["cors", "cors"]),
    "version_days_least": profiles(noncurrent_version_expiration_days=1),
    "version_days_most": profiles(noncurrent_version_expiration_days=2**31 - 1),
    "translation_longest": {"translations": {"ü" * 1024: "v" * 1024, "a": "b", "b": "a"}},
    "filter_tags_ten": filtered(tags={f"{n}" + "k" * 127: "v" * 256 for n in range(10)}),
    "filter_prefix_longest": filtered(prefix="ü" * 512),
    "filter_prefix_and_delete_markers": profiles(filter={"prefix": "a/"}),
    "days_most": retained(days=36500),
    "years_most": retained(mode="COMPLIANCE", years=100),
    "rtc_with_metrics": profiles(replication_time_control=True, metrics=True),
    "actions_five": told(source=[TOPIC] * 5, dr=[TOPIC.replace(WEST, EAST)] * 5),
    "actions_of_every_kind": told(
        source=[
            "arn:aws:automate:us-west-2:ec2:recover",
            f"arn:aws:swf:us-west-2:{ACCOUNT}:action/actions/AWS_EC2.InstanceId.Stop/1.0",
            f"arn:aws:autoscaling:us-west-2:{ACCOUNT}:scalingPolicy:1:autoScalingGroupName/a b"
            ":policyName/p",
            f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:page:live",
            f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:page:1",
        ],
        dr=[
            f"arn:aws:ssm:us-east-2:{ACCOUNT}:opsitem:1#CATEGORY=Availability",
            f"arn:aws:ssm:us-east-2:{ACCOUNT}:opsitem:4",
            f"arn:aws:ssm-incidents::{ACCOUNT}:responseplan/buckets",
            f"arn:aws:aiops:us-east-2:{ACCOUNT}:investigation-group:aBc1",
            f"arn:aws:lambda:us-east-2:{ACCOUNT}:function:page",
        ],
    ),
    "foreign_role_odd": {"foreign_role_arns": [f"arn:aws:iam::{ACCOUNT}:role/a:b/c!/d,e@f"]},
    "tags_of_all_kinds": {"tags": {"Kosten stelle:ü/1": "a_b.c:d/e=f+g-h@i 1", "empty": ""}},
    "profile_tags_of_all_kinds": profiles(match_tags=[{"Fach/ü": "a_b.c:d/e=f+g-h@i 1"}]),
    "name_with_two_hyphens": {"name": "acme--dr"},
    "schedule_cron_days": {"sweep": {"schedule": "cron(15 10 L * ? 2026-2030)"}},
    "backfill_least": {"backfill": {"active_jobs": 1, "first_job_delay_seconds": 0}},
    "backfill_most": {"backfill": {"active_jobs": 6, "first_job_delay_seconds": 3600}},
    "existing_limit_none": profiles(existing_objects_limit=0),
    "existing_ignored": profiles(existing_objects="ignore", on_untag="keep"),
    "existing_reported": profiles(existing_objects="report", on_untag="remove"),
    "reports_longest": {"reports": {"bucket": "r" * 63, "retention_days": 2**31 - 1}},
    "reports_with_dots": {"reports": {"bucket": "my.reports-1", "retention_days": 1}},
    "pace_least": {"sweep": {"buckets_per_second": 1, "schedule": "rate(1 minute)"}},
    "pace_most": {"sweep": {"buckets_per_second": 200, "schedule": "rate(30 days)"}},
    "schedule_ten": {"sweep": {"schedule": "rate(10 minutes)"}},
    "schedule_cron": {"sweep": {"schedule": "cron(0/30 3-5 ? * MON-FRI,SUN 2026)"}},
    "overrides_none": profiles(overrides=[]),
    "path_longest": {"iam": {"path": f"/{'p' * 510}/"}},
    "path_odd": {"iam": {"path": "/a,b/c=d@e/f!/"}},
    "key_of_many_regions": {"kms": {"dr_key_arn": f"arn:aws:kms:{EAST}:{ACCOUNT}:key/mrk-1a"}},
    **{
        f"storage_class_{name.lower()}": profiles(storage_class=name)
        for name in (
            "STANDARD",
            "STANDARD_IA",
            "ONEZONE_IA",
            "INTELLIGENT_TIERING",
            "GLACIER_IR",
            "GLACIER",
            "DEEP_ARCHIVE",
        )
    },
}

# What only a plan gets to know: what is said of two arguments, or of one and a region or account.
PLANNED: dict[str, tuple[Mapping[str, Any], str]] = {
    "suffix_namespace": ({"dr_bucket_suffix": "-an"}, RESERVED),
    "suffix_alias": ({"dr_bucket_suffix": "-dr-s3alias"}, RESERVED),
    "suffix_directory": ({"dr_bucket_suffix": "--x-s3"}, RESERVED),
    "suffix_ended_before": ({"dr_bucket_suffix": "-s3"}, RESERVED),
    "names_long": ({"dr_bucket_prefix": "p" * 17 + "-"}, LENGTH),
    "names_long_for_the_namespace": (
        {"dr_bucket_namespace": "account-regional", "dr_bucket_prefix": "p" * 13 + "-"},
        LENGTH,
    ),
    "action_elsewhere": (told(source=[TOPIC.replace(WEST, EAST)]), ACTION_PLACE),
    "action_of_the_source": (told(dr=[TOPIC]), ACTION_PLACE),
    "action_plan_in_the_source_is_fine": (
        told(
            source=[f"arn:aws:ssm-incidents::{ACCOUNT}:responseplan/x", TOPIC.replace(WEST, EAST)]
        ),
        ACTION_PLACE,
    ),
    "trail_name": ({"create_trail": True, "name": "acme--dr"}, TRAIL_NAME),
    "trail_in_a_given_bucket": (
        {"create_trail": True, "reports": {"bucket": "reports"}},
        TRAIL_BUCKET,
    ),
    "key_elsewhere": ({"kms": {"dr_key_arn": key_arn(WEST)}}, DR_KEY_PLACE),
    "key_of_another_partition": (
        {"kms": {"dr_key_arn": key_arn(EAST).replace(":aws:", ":aws-cn:")}},
        DR_KEY_PLACE,
    ),
    "former_key_alias": ({"kms": {"former_dr_key_arns": [ALIAS]}}, FORMER_KEYS),
    "former_key_elsewhere": ({"kms": {"former_dr_key_arns": [key_arn(WEST)]}}, FORMER_KEYS),
    "source_key_elsewhere": (
        {"kms": {"create_dr_key": True, "source_key_arns": [key_arn(WEST), key_arn(EAST)]}},
        SOURCE_KEYS_PLACE,
    ),
    "source_keys_alone": ({"kms": {"source_key_arns": [key_arn(WEST)]}}, SOURCE_KEYS_ALONE),
    "profile_key_elsewhere": (profiles(kms_key_arn=key_arn(WEST)), PROFILE_KEY_PLACE),
    "profile_key_of_another_partition": (
        profiles(kms_key_arn=key_arn(EAST).replace(":aws:", ":aws-us-gov:")),
        PROFILE_KEY_PLACE,
    ),
    "rtc_not_at_the_source": (
        {
            **profiles(replication_time_control=True),
            "regions_without_replication_time_control": [WEST],
        },
        RTC_PLACE,
    ),
    "rtc_not_at_the_twin": (
        {
            **profiles(replication_time_control=True),
            "regions_without_replication_time_control": [EAST],
        },
        RTC_PLACE,
    ),
    "boundary_of_another_account": (
        {"iam": {"permissions_boundary_arn": POLICY.replace(ACCOUNT, OTHER_ACCOUNT)}},
        BOUNDARY_PLACE,
    ),
    "boundary_of_the_dr_region_elsewhere": (
        {"iam": {"dr_permissions_boundary_arn": POLICY.replace(ACCOUNT, OTHER_ACCOUNT)}},
        BOUNDARY_PLACE,
    ),
    "boundary_of_another_partition": (
        {"iam": {"permissions_boundary_arn": "arn:aws-cn:iam::aws:policy/PowerUserAccess"}},
        BOUNDARY_PLACE,
    ),
    "foreign_roles_none": (profiles(on_foreign_role="use"), FOREIGN_NONE),
    "foreign_role_of_another_account": (
        {"foreign_role_arns": [ROLE, ROLE.replace(ACCOUNT, OTHER_ACCOUNT)]},
        SOURCE_ROLES,
    ),
    "foreign_role_of_another_partition": (
        {"foreign_role_arns": [ROLE.replace(":aws:", ":aws-cn:")]},
        SOURCE_ROLES,
    ),
}

# The same, of which Terraform does not say which module it is about.
LARGE = profile(match_tags=[{f"key-{index}": "v" * 250} for index in range(10)])
LARGE_IN_BYTES = profile(match_tags=[{f"key-{index}": "ü" * 150} for index in range(8)])


def too_large(given: list[dict[str, object]]) -> str:
    """The sentence about profiles of more than 2280 bytes."""
    return f"Shorten profiles to 2280 bytes as Lambda counts them (now {counted(compact(given))})"


PLACES: dict[str, tuple[Case, str]] = {
    "key_of_the_source_account": (
        Case(
            "key_of_the_source_account",
            WEST,
            EAST,
            {"kms": {"dr_key_arn": key_arn(EAST)}},
            OTHER_ACCOUNT,
        ),
        DR_KEY_OWNER,
    ),
    "profile_key_of_the_source_account": (
        Case(
            "profile_key_of_the_source_account",
            WEST,
            EAST,
            {"profiles": profile(kms_key_arn=key_arn(EAST))},
            OTHER_ACCOUNT,
        ),
        PROFILE_KEY_OWNER,
    ),
    "regions_equal": (
        Case("regions_equal", WEST, WEST),
        f"aws.source and aws.dr are both in {WEST}: a copy in the same region is lost with it",
    ),
    "partitions_differ": (
        Case("partitions_differ", WEST, CHINA),
        "aws.source is in partition aws and aws.dr in aws-cn: S3 does not replicate from one",
    ),
    **{
        region: (
            Case(
                f"namespace_in_{region}", WEST, region, {"dr_bucket_namespace": "account-regional"}
            ),
            f"{region} has no account-regional namespace",
        )
        for region in ("me-south-1", "me-central-1")
    },
}
# The longest environment that two accounts and a key to come make of profiles that are short.
ENVIRONMENT_LARGE = Case(
    "environment_large",
    WEST,
    EAST,
    {
        "kms": {
            "create_dr_key": True,
            "source_key_arns": [key_arn(WEST, key=f"{n}") for n in range(10, 60)],
        },
        "profiles": [PROFILE],
    },
    OTHER_ACCOUNT,
)


# The function that clones is told the translations, too.
TRANSLATIONS_LARGE = Case(
    "translations_large",
    WEST,
    EAST,
    {
        "foreign_role_arns": [ROLE],
        "profiles": [PROFILE],
        "translations": {f"logs-{n}": "ü" * 300 for n in range(6)},
    },
)


PATH_LARGE = Case(
    "path_large",
    WEST,
    EAST,
    {"iam": {"path": f"/{'p' * 510}/"}, "profiles": [PROFILE]},
    OTHER_ACCOUNT,
)


def too_large_together(case: Case) -> str:
    """The sentence about an environment of more than 4096 bytes: which argument takes how much."""
    size = 0
    given: dict[str, str] = {}
    for key in FUNCTIONS:
        of_function = case.environment(key)
        of_function |= {"PROFILES": compact(case.arguments["profiles"])}
        of_function |= {"DR_KEY_ARN": key_arn(case.dr)} if case.creates_key else {}
        size = max(size, counted(of_function))
        given |= of_function
    profiles, translations, keys, roles = (
        counted(given.get(name, ""))
        for name in ("PROFILES", "TRANSLATIONS", "SOURCE_KEY_ARNS", "FOREIGN_ROLE_ARNS")
    )
    path = case.path.removeprefix("/").encode()
    paths = len(path) * sum(text.count(":role/") for text in of_function.values())
    return (
        f"Shorten profiles (now {profiles} bytes), translations ({translations}), "
        f"kms.source_key_arns ({keys}), foreign_role_arns ({roles}) or iam.path ({paths}, once in "
        f"each role's ARN) by {size - 4096} bytes in all"
    )


# What only the whole module gets to know.
WHOLE: dict[str, tuple[Case, str]] = {
    "layer_elsewhere": (
        Case("layer_elsewhere", EAST, WEST, {"layers": {"source": [LAYER]}}),
        f"runs in {EAST}, and Lambda takes layers of the same region only",
    ),
    "reports_bucket_of_s3": (
        Case("reports_bucket_of_s3", WEST, EAST, {"name": "sthree-dr"}),
        f"S3 takes no bucket called sthree-dr-{ACCOUNT}-{WEST}",
    ),
    "reports_bucket_called_as_a_twin": (
        Case("reports_bucket_called_as_a_twin", WEST, EAST, {"dr_bucket_suffix": "-west-2"}),
        f"s3-dr-{ACCOUNT}-{WEST}, the bucket for reports, is called as twins are",
    ),
    # A Python that the provider has not heard of is the provider's to refuse.
    "runtime_unborn": (
        Case("runtime_unborn", WEST, EAST, {"function": {"runtime": "python3.99"}}),
        "expected runtime to be one of",
    ),
    "profiles_large": (
        Case("profiles_large", WEST, EAST, {"profiles": LARGE}),
        too_large(LARGE),
    ),
    "profiles_large_in_bytes": (
        Case("profiles_large_in_bytes", WEST, EAST, {"profiles": LARGE_IN_BYTES}),
        too_large(LARGE_IN_BYTES),
    ),
    "environment_large": (ENVIRONMENT_LARGE, too_large_together(ENVIRONMENT_LARGE)),
    "path_large": (PATH_LARGE, too_large_together(PATH_LARGE)),
    "translations_large": (TRANSLATIONS_LARGE, too_large_together(TRANSLATIONS_LARGE)),
}

# Where Terraform says of an error that it is.
_MODULE = re.compile(r'in module "(\w+)"')
_ARGUMENT = re.compile(r'in module "(\w+)": \d+: (\w+) = ')


@dataclass(frozen=True)
class Said:
    """The errors of a Terraform run.

    Attributes:
        by_module: Those that name a module of the root, by that.
        others: Those that name none.
    """

    by_module: Mapping[str, list[str]]
    others: list[str]

    def of(self, case: Case) -> list[str]:
        """What can be about a case."""
        return [*self.by_module.get(case.name, []), *self.others]


@pytest.fixture(scope="module")
def refusals(terraform: Toolchain) -> Mapping[str, list[str]]:
    """What is said of each of ``ARGUMENTS`` and ``GOOD``."""
    bad = {name: arguments for name, (arguments, _) in ARGUMENTS.items()}
    places = {**packed(bad, "bad"), **packed(GOOD, "good")}
    modules: dict[str, dict[str, Any]] = {}
    for name, (module, argument) in places.items():
        modules.setdefault(module, {})[argument] = {**bad, **GOOD}[name][argument]
    cases = [Case(name, WEST, EAST, arguments) for name, arguments in modules.items()]
    names = {place: name for name, place in places.items()}
    found: dict[str, list[str]] = {}
    for error in errors(terraform, Root.validate, entrance=cases):
        place = _ARGUMENT.search(error)
        assert place, f"This error is about no argument of a module of the root: {error}"
        found.setdefault(names[place[1], place[2]], []).append(error)
    return found


@pytest.fixture(scope="module")
def planned(terraform: Toolchain) -> Said:
    """What is said of the modules of ``PLANNED``, ``PLACES`` and ``WHOLE``, in one plan."""
    cases = [Case(name, WEST, EAST, arguments) for name, (arguments, _) in PLANNED.items()]
    cases += [case for case, _ in PLACES.values()]
    by_module: dict[str, list[str]] = {}
    others = []
    whole = [case for case, _ in WHOLE.values()]
    for error in errors(terraform, Root.plan, whole=whole, entrance=cases):
        if module := _MODULE.search(error):
            by_module.setdefault(module[1], []).append(error)
        else:
            others.append(error)
    return Said(by_module, others)


def packed(given: Mapping[str, Mapping[str, Any]], prefix: str) -> dict[str, tuple[str, str]]:
    """As few modules as take one argument each, so that the refusal of one hides no other.

    A module takes an argument once, and of those that look at each other only one: when Terraform
    has refused an argument, it does not look at what another says of it.

    Returns:
        The module of each, and its argument.
    """
    linked = linked_variables()
    times: Counter[str] = Counter()
    places = {}
    for name, arguments in given.items():
        (argument,) = arguments
        kind = "linked" if argument in linked else argument
        places[name] = (f"{prefix}_{times[kind]}", argument)
        times[kind] += 1
    return places


def linked_variables() -> set[str]:
    """The variables that look at another one, or are looked at."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(REPO.glob("variables*.tf"))]
    blocks = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', "\n".join(texts), re.M | re.S)
    pairs = {
        (name, other) for name, block in blocks for other in re.findall(r"\bvar\.(\w+)", block)
    }
    found = {each for pair in pairs for each in pair if pair[0] != pair[1]}
    assert found, "The variables must be found"
    return found


def errors(
    tools: Toolchain,
    command: Callable[[Root], object],
    *,
    whole: Iterable[Case] = (),
    entrance: Iterable[Case] = (),
) -> list[str]:
    """The errors of a Terraform run that has to fail.

    Args:
        tools: The Terraform to run.
        command: What to run.
        whole: Modules.
        entrance: Modules that have only the files that look at arguments and places.
    """
    with sts_stub() as env, Root(root_text(whole, entrance), tools=tools, env=env) as root:
        (root.folder / "entrance").mkdir()
        for path in (path for name in ENTRANCE for path in REPO.glob(name)):
            shutil.copy(path, root.folder / "entrance")
        root.init()
        try:
            command(root)
        except TerraformError as failure:
            # Terraform draws a bar beside what it says, and breaks it into lines.
            words = " ".join(failure.stderr.replace("│", " ").replace("╵", " ").split())
            return words.split("Error: ")[1:]
    raise AssertionError("Terraform must refuse what is wrong, but it took all of it")


def check(name: str, sentence: str, errors: list[str]) -> None:
    assert errors, f"Nothing was said of {name}, but it had to be: {sentence}"
    assert all(sentence in error for error in errors), (
        f"Of {name} only this had to be said: {sentence!r}, but it was: {errors}"
    )


def check_among_others(case: Case, sentence: str, said: Said) -> None:
    assert any(sentence in error for error in said.of(case)), (
        f"Of {case.name} this had to be said: {sentence!r}, but it was: {said.of(case)}"
    )


@pytest.mark.parametrize("name", ARGUMENTS)
def test_argument_is_refused(name: str, refusals: Mapping[str, list[str]]) -> None:
    check(name, ARGUMENTS[name][1], refusals.get(name, []))


@pytest.mark.parametrize("name", GOOD)
def test_argument_is_good(name: str, refusals: Mapping[str, list[str]]) -> None:
    assert name not in refusals, f"{name} is good, but it was said: {refusals[name]}"


@pytest.mark.parametrize("name", PLANNED)
def test_combination_is_refused(name: str, planned: Said) -> None:
    check(name, PLANNED[name][1], planned.by_module.get(name, []))


@pytest.mark.parametrize("name", PLACES)
def test_place_is_refused(name: str, planned: Said) -> None:
    check_among_others(*PLACES[name], planned)


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_made_of_it_is_refused(name: str, planned: Said) -> None:
    check_among_others(*WHOLE[name], planned)


def test_nothing_else_is_refused(planned: Said) -> None:
    among_others = [*PLACES.values(), *WHOLE.values()]
    expected = [sentence for _, sentence in among_others]
    unheard = [error for error in planned.others if not any(map(error.__contains__, expected))]
    assert not unheard, f"Only what was to be refused may be, but also was: {unheard}"
    wrong = {*PLANNED, *(case.name for case, _ in among_others)}
    others = set(planned.by_module) - wrong
    assert not others, f"No other module was wrong, but something was said of {others}"
