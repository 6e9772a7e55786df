"""One root that holds the module many times over, and what its plan says of each installation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness.plan import Plan, Resource
from harness.policy import Policy, PolicyKind
from harness.sts import ACCOUNT

FUNCTIONS = ("source_bucket_check", "destination_bucket_check", "enable_replication")

# A profile with about as much JSON as the module takes, most of it in characters of two bytes.
_FAT_TAGS = [{f"key-{index}": "ü" * 114} for index in range(10, 22)]

# Of another region than every case: what forgets to name its provider lands here.
_DEFAULT_PROVIDER = 'provider "aws" {\n  region = "us-west-1"\n}\n'

PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


@dataclass(frozen=True)
class Case:
    """An installation to plan.

    Attributes:
        name: What its module is called in the root.
        source: The source region.
        dr: The DR region.
        arguments: The module's arguments.
    """

    name: str
    source: str
    dr: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """The name that everything begins with."""
        return str(self.arguments.get("name", "s3-dr"))

    @property
    def partition(self) -> str:
        """The partition of both regions."""
        return next((PARTITIONS[key] for key in PARTITIONS if self.source.startswith(key)), "aws")

    def region(self, side: str) -> str:
        """The region of ``source`` or ``dr``."""
        return {"source": self.source, "dr": self.dr}[side]

    def arn(self, service: str, side: str, rest: str) -> str:
        """The ARN of something in the region of ``source`` or ``dr``."""
        return f"arn:{self.partition}:{service}:{self.region(side)}:{ACCOUNT}:{rest}"

    def role_arn(self, name: str) -> str:
        """The ARN of one of the installation's roles."""
        return f"arn:{self.partition}:iam::{ACCOUNT}:role/{self.prefix}-{name}"


# The call of examples/basic for ten pairs of regions; few regions, as each is a provider to start.
PAIRS = [
    Case(f"from_{source}_to_{dr}".replace("-", "_"), source, dr)
    for source, dr in (
        ("us-west-2", "us-east-2"),
        ("us-east-1", "us-west-2"),
        ("us-east-2", "us-east-1"),
        ("us-east-1", "eu-west-1"),
        ("eu-west-1", "eu-central-1"),
        ("eu-central-1", "ap-southeast-2"),
        ("ap-southeast-2", "us-east-2"),
        ("cn-north-1", "cn-northwest-1"),
        ("us-gov-west-1", "us-gov-east-1"),
        ("us-gov-east-1", "us-gov-west-1"),
    )
]
DEFAULT = PAIRS[0]
CUSTOM = Case(
    "custom",
    "eu-west-1",
    "eu-central-1",
    {
        "dr_bucket_suffix": "-copy",
        "function": {
            "architecture": "x86_64",
            "memory_mb": 1024,
            "runtime": "python3.12",
            "timeout_seconds": 300,
        },
        "layers": {
            "dr": [f"arn:aws:lambda:eu-central-1:{ACCOUNT}:layer:boto3:2"],
            "source": [f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:boto3:1"],
        },
        "log_level": "DEBUG",
        "log_retention_days": 30,
        "name": "archive",
        "profiles": [
            {
                "name": "ledger",
                "match_tags": [{"class": "ledger", "stage": "prod"}, {"dr": "ledger"}],
                "delete_markers": False,
            },
            {"name": "rest", "match_tags": [{"dr": "yes"}]},
        ],
        "tags": {"Owner": "storage"},
    },
)
# The other way round, in the account and the regions of DEFAULT: nothing may collide.
BACK = Case("back", "us-east-2", "us-west-2", {"name": "s3-dr-back"})
LONGEST = Case(
    "longest",
    "us-gov-west-1",
    "us-gov-east-1",
    {
        "dr_bucket_suffix": "-" + "x" * 19,
        "name": "n" * 32,
        "profiles": [{"name": "fat", "match_tags": _FAT_TAGS}],
    },
)
CASES = [*PAIRS, CUSTOM, BACK, LONGEST]


@dataclass(frozen=True)
class Installation:
    """What the plan says of one case.

    Attributes:
        case: The case.
        plan: The plan of the whole root.
    """

    case: Case
    plan: Plan = field(repr=False)

    @cached_property
    def resources(self) -> list[Resource]:
        """Its managed resources."""
        return [each for each in self.plan.resources() if self._holds(each.address)]

    @cached_property
    def providers(self) -> dict[str, str]:
        """The provider of each of its resources and data sources, by address within the root."""
        return {
            address: provider
            for address, provider in self.plan.providers().items()
            if self._holds(address)
        }

    def of(self, kind: str) -> list[Resource]:
        """Its resources of one type."""
        return [each for each in self.resources if each.type == kind]

    def named(self, kind: str, name: str) -> Resource:
        """Its one resource of this type whose name is the case's prefix and this."""
        wanted = f"{self.case.prefix}-{name}"
        keys = ("function_name", "name", "target_id")
        found = [each for each in self.of(kind) if wanted in (each.values.get(key) for key in keys)]
        assert len(found) == 1, f"There must be one {kind} named {wanted}, not {len(found)}"
        return found[0]

    def function(self, key: str) -> Resource:
        """One of the three functions, as the outputs call it."""
        return self.named("aws_lambda_function", key.replace("_", "-"))

    def environment(self, key: str) -> dict[str, str]:
        """What one of the three functions gets as its environment."""
        return dict(self.function(key).values["environment"][0]["variables"])

    @cached_property
    def _policies(self) -> list[Policy]:
        return [each for each in self.plan.policies() if self._holds(each.address)]

    def policies(self, kind: PolicyKind | None = None) -> list[Policy]:
        """Its policies; that all of them are known in the plan is what ``Plan`` sees to."""
        return [each for each in self._policies if kind in (None, each.kind)]

    def role_policy(self, role: str) -> Policy:
        """What the role whose name is the case's prefix and this may do."""
        address = self.named("aws_iam_role_policy", role).address
        found = [each for each in self.policies(PolicyKind.IDENTITY) if each.address == address]
        assert len(found) == 1, f"The role {role} must have one policy, not {len(found)}"
        return found[0]

    def region_of(self, provider: str) -> str:
        """The region of one of the root's providers."""
        return self.plan.region(provider)

    def outputs(self) -> dict[str, Any]:
        """Its outputs, as far as they are known."""
        return dict(self.plan.outputs()[self.case.name])

    def _holds(self, address: str) -> bool:
        return address.startswith(f"module.{self.case.name}.")


def root_text(cases: Iterable[Case]) -> str:
    """A root that holds some cases, to be laid where a folder of ``examples`` lies."""
    cases = list(cases)
    regions = sorted({region for case in cases for region in (case.source, case.dr)})
    providers = (
        f'provider "aws" {{\n  alias  = "{_alias(region)}"\n  region = "{region}"\n}}\n'
        for region in regions
    )
    return "".join([_DEFAULT_PROVIDER, *providers, *map(_module, cases)])


def _module(case: Case) -> str:
    arguments = "".join(f"  {key} = {_hcl(value)}\n" for key, value in case.arguments.items())
    return (
        f'module "{case.name}" {{\n  source = "../.."\n{arguments}  providers = {{\n'
        f"    aws.source = aws.{_alias(case.source)}\n    aws.dr = aws.{_alias(case.dr)}\n"
        "  }\n}\n"
        f'output "{case.name}" {{\n  value = module.{case.name}\n}}\n'
    )


def _alias(region: str) -> str:
    return region.replace("-", "_")


def _hcl(value: object) -> str:
    """JSON is HCL, but for the two template markers."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")
