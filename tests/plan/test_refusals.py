"""What the module cannot work with is refused, each with the sentence that says what to do.

Every case is a module of one root, and one run of Terraform tells of all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from harness.sts import ACCOUNT, sts_stub
from harness.terraform import Root, TerraformError
from harness.toolchain import Toolchain
from plan.installations import Case, root_text

pytestmark = pytest.mark.terraform

LAYER = f"arn:aws:lambda:us-west-2:{ACCOUNT}:layer:boto3:1"
PROFILE = {"name": "standard", "match_tags": [{"dr": "true"}]}


def profile(**changes: object) -> list[dict[str, object]]:
    return [{**PROFILE, **changes}]


NAME = "Give a name of 3 to 32 lower-case letters, digits and hyphens"
SUFFIX = "Give a dr_bucket_suffix of at most 20 characters that begins with a hyphen"
RESERVED = "Choose another dr_bucket_suffix: S3 keeps bucket names ending in"
MEMORY = "Set function.memory_mb to a whole number from 128 to 10240."
RUNTIME = 'Set function.runtime to "python3.11" or a later Python'
TIMEOUT = "Set function.timeout_seconds to a whole number from 30 to 900"
LAYERS = "Give at most five layers.source and five layers.dr"
LAYER_ARN = "Give every layer as the ARN of one version"
RETENTION = "Set log_retention_days to a number of days that CloudWatch offers"
PACKAGE = "Give package the path of an existing .zip file"
PROFILE_NAME = "Give every profile a name of 1 to 64 letters, digits, hyphens and underscores"
EMPTY_SET = "an empty set would match every bucket"
TAG_LENGTH = "Give every tag in match_tags a key of 1 to 128 characters and a value of at most 256"
TAG_KEY = "Match other tags: keys beginning with aws: belong to AWS, and keys beginning with s3-dr:"
TAGS = "Give at most 50 tags, each with a key of 1 to 128 characters"

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
    "suffix_namespace": ({"dr_bucket_suffix": "-an"}, RESERVED),
    "suffix_alias": ({"dr_bucket_suffix": "-dr-s3alias"}, RESERVED),
    "suffix_directory": ({"dr_bucket_suffix": "--x-s3"}, RESERVED),
    "architecture": ({"function": {"architecture": "arm"}}, "Set function.architecture to"),
    "memory_small": ({"function": {"memory_mb": 127}}, MEMORY),
    "memory_large": ({"function": {"memory_mb": 10241}}, MEMORY),
    "memory_broken": ({"function": {"memory_mb": 512.5}}, MEMORY),
    "runtime_other": ({"function": {"runtime": "nodejs22.x"}}, RUNTIME),
    "runtime_old": ({"function": {"runtime": "python3.10"}}, RUNTIME),
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
    "profiles_large": (
        {"profiles": profile(match_tags=[{f"key-{index}": "v" * 250} for index in range(12)])},
        "Shorten profiles to 3000 bytes of JSON",
    ),
    "profiles_large_in_bytes": (
        {"profiles": profile(match_tags=[{f"key-{index}": "ü" * 200} for index in range(8)])},
        "Shorten profiles to 3000 bytes of JSON",
    ),
    "tags_many": ({"tags": {f"key-{index}": "" for index in range(51)}}, TAGS),
    "tag_of_aws": ({"tags": {"aws:owner": "me"}}, TAGS),
}

# What only a plan gets to know: regions, accounts, and which runtimes the provider has heard of.
WEST, EAST, CHINA = "us-west-2", "us-east-2", "cn-north-1"
PLACES: dict[str, tuple[Case, str]] = {
    "regions_equal": (
        Case("regions_equal", WEST, WEST),
        f"aws.source and aws.dr are both in {WEST}: a copy in the same region is lost with it",
    ),
    "partitions_differ": (
        Case("partitions_differ", WEST, CHINA),
        "aws.source is in partition aws and aws.dr in aws-cn: S3 does not replicate from one",
    ),
    "layer_elsewhere": (
        Case("layer_elsewhere", EAST, WEST, {"layers": {"source": [LAYER]}}),
        f"runs in {EAST}, and Lambda takes layers of the same region only",
    ),
    # A Python that the provider has not heard of is the provider's to refuse.
    "runtime_unborn": (
        Case("runtime_unborn", WEST, EAST, {"function": {"runtime": "python3.99"}}),
        "expected runtime to be one of",
    ),
}
ACCOUNTS = f"""
provider "aws" {{
  alias      = "other"
  region     = "{EAST}"
  access_key = "222233334444"
  secret_key = "test"
}}

module "accounts_differ" {{
  source    = "../.."
  providers = {{ aws.source = aws.us_west_2, aws.dr = aws.other }}
}}
"""
REFUSED = {name: sentence for name, (_, sentence) in PLACES.items()} | {
    "accounts_differ": "this version of the module does not support two accounts"
}

_MODULE = re.compile(r'in module "(\w+)"')


@pytest.fixture(scope="module")
def refusals(terraform_cli: Toolchain) -> Mapping[str, list[str]]:
    """What is said of each module of ``ARGUMENTS``."""
    cases = [Case(name, WEST, EAST, arguments) for name, (arguments, _) in ARGUMENTS.items()]
    errors: dict[str, list[str]] = {}
    for error in said(terraform_cli, root_text(cases), Root.validate):
        module = _MODULE.search(error)
        assert module, f"An error that belongs to no module of the root: {error}"
        errors.setdefault(module[1], []).append(error)
    return errors


@pytest.fixture(scope="module")
def misplaced(terraform_cli: Toolchain) -> list[str]:
    """What is said of ``PLACES`` and ``ACCOUNTS``; Terraform does not say of which module."""
    cases = [case for case, _ in PLACES.values()]
    return said(terraform_cli, root_text(cases) + ACCOUNTS, Root.plan)


def said(tools: Toolchain, text: str, command: Callable[[Root], object]) -> list[str]:
    """The errors of a Terraform run that has to fail."""
    with sts_stub() as env, Root(text, tools=tools, env=env) as root:
        root.init()
        with pytest.raises(TerraformError) as failure:
            command(root)
    # Terraform draws a bar beside what it says, and breaks it into lines.
    words = " ".join(failure.value.stderr.replace("│", " ").replace("╵", " ").split())
    return words.split("Error: ")[1:]


@pytest.mark.parametrize("name", ARGUMENTS)
def test_argument_is_refused(name: str, refusals: Mapping[str, list[str]]) -> None:
    _, sentence = ARGUMENTS[name]
    errors = refusals.get(name, [])
    assert errors, f"Nothing was said of {name}, but it had to be: {sentence}"
    assert all(sentence in error for error in errors), f"{sentence!r} had to be said: {errors}"


@pytest.mark.parametrize("name", REFUSED)
def test_place_is_refused(name: str, misplaced: list[str]) -> None:
    found = [error for error in misplaced if REFUSED[name] in error]
    assert found, f"{REFUSED[name]!r} had to be said, but this was: {misplaced}"


def test_nothing_else_is_refused(misplaced: list[str]) -> None:
    others = [error for error in misplaced if not any(map(error.__contains__, REFUSED.values()))]
    assert not others, "Only what was to be refused may be"
