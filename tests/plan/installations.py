"""One root that holds the module many times over, and what its plan says of each installation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness.plan import Plan, Resource
from harness.policy import Policy, PolicyKind
from harness.sts import ACCOUNT, OTHER_ACCOUNT
from s3_dr.profiles import CLONABLE as _CLONABLE

FUNCTIONS = ("source_bucket_check", "destination_bucket_check", "enable_replication", "sweep")

# What is cloned where a profile does not say, and all that can be.
USUAL_CLONE = ("cors", "intelligent_tiering", "lifecycle", "metrics", "tags")
CLONABLE = tuple(sorted(_CLONABLE))

# With all that can be cloned, a profile with about as much JSON as the module takes, most of it in
# characters of two bytes.
_FAT_TAGS = [{f"key-{index}": "ü" * 82} for index in range(10, 21)]

# Of another region than every case: what forgets to name its provider lands here.
_DEFAULT_PROVIDER = 'provider "aws" {\n  region = "us-west-1"\n}\n'

PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}

# The roles that are in the DR account.
_DR_ROLES = ("destination-bucket-check", "twin-reader")


@dataclass(frozen=True)
class Case:
    """An installation to plan.

    Attributes:
        name: What its module is called in the root.
        source: The source region.
        dr: The DR region.
        arguments: The module's arguments.
        dr_account: The account of the DR region; the source's is always ``ACCOUNT``.
    """

    name: str
    source: str
    dr: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    dr_account: str = ACCOUNT

    @property
    def prefix(self) -> str:
        """The name that everything begins with."""
        return str(self.arguments.get("name", "s3-dr"))

    @property
    def partition(self) -> str:
        """The partition of both regions."""
        return next((PARTITIONS[key] for key in PARTITIONS if self.source.startswith(key)), "aws")

    @property
    def two_accounts(self) -> bool:
        """Whether the DR region is another account's."""
        return self.dr_account != ACCOUNT

    @property
    def creates_trail(self) -> bool:
        """Whether the module is asked to make a trail."""
        return bool(self.arguments.get("create_trail"))

    @property
    def creates_bucket(self) -> bool:
        """Whether the module makes the bucket for the reports."""
        return "bucket" not in self.arguments.get("reports", {})

    @property
    def has_alarms(self) -> bool:
        """Whether there are alarms."""
        return bool(self.arguments.get("alarms", {}).get("enabled", True))

    @property
    def reports_bucket(self) -> str:
        """The name of the bucket for the reports."""
        made = f"{self.prefix}-{self.account('source')}-{self.source}"
        return str(self.arguments.get("reports", {}).get("bucket", made))

    @property
    def creates_key(self) -> bool:
        """Whether the module is asked to make the DR key."""
        return bool(self.arguments.get("kms", {}).get("create_dr_key"))

    @property
    def cloned(self) -> frozenset[str]:
        """The properties that any profile clones."""
        profiles = self.arguments.get("profiles", [{}])
        return frozenset(name for each in profiles for name in each.get("clone", USUAL_CLONE))

    @property
    def twins(self) -> str:
        """The ARN pattern of the twins."""
        suffix = self.arguments.get("dr_bucket_suffix", "-dr")
        if self.arguments.get("dr_bucket_namespace") == "account-regional":
            suffix += f"-{self.dr_account}-{self.dr}-an"
        prefix = self.arguments.get("dr_bucket_prefix", "")
        return f"arn:{self.partition}:s3:::{prefix}*{suffix}"

    def region(self, side: str) -> str:
        """The region of ``source`` or ``dr``."""
        return {"source": self.source, "dr": self.dr}[side]

    def account(self, side: str) -> str:
        """The account of ``source`` or ``dr``."""
        return {"source": ACCOUNT, "dr": self.dr_account}[side]

    def arn(self, service: str, side: str, rest: str) -> str:
        """The ARN of something in the region of ``source`` or ``dr``."""
        return f"arn:{self.partition}:{service}:{self.region(side)}:{self.account(side)}:{rest}"

    def root_arn(self, side: str) -> str:
        """The ARN that stands for the whole account of ``source`` or ``dr``."""
        return f"arn:{self.partition}:iam::{self.account(side)}:root"

    def role_arn(self, name: str) -> str:
        """The ARN of one of the installation's roles."""
        account = self.account("dr" if name in _DR_ROLES else "source")
        return f"arn:{self.partition}:iam::{account}:role{self.path}{self.prefix}-{name}"

    @property
    def path(self) -> str:
        """The path of the roles."""
        return str(self.arguments.get("iam", {}).get("path", "/"))

    @property
    def own_role_arns(self) -> list[str]:
        """The roles as which the functions work."""
        names = [name.replace("_", "-") for name in sorted(FUNCTIONS)]
        names += ["source-reader", "twin-reader"] if self.two_accounts else []
        return [self.role_arn(name) for name in names]

    @property
    def jobs_rule(self) -> str:
        """The name of the rule that has the queue of jobs looked at."""
        return f"{self.prefix}-jobs"

    def environment(self, key: str) -> dict[str, str]:
        """What a function gets, but its profiles and the ARN of a key that is yet to be made."""
        kms = self.arguments.get("kms", {})
        translations = self.arguments.get("translations", {})
        given = {
            "BATCH_ROLE_ARN": self.role_arn("batch"),
            "DR_ACCOUNT_ID": self.dr_account,
            "DR_BUCKET_NAMESPACE": self.arguments.get("dr_bucket_namespace", "global"),
            "DR_BUCKET_PREFIX": self.arguments.get("dr_bucket_prefix", ""),
            "DR_BUCKET_SUFFIX": self.arguments.get("dr_bucket_suffix", "-dr"),
            "DR_KEY_ARN": kms.get("dr_key_arn", ""),
            "DR_REGION": self.dr,
            "FOREIGN_ROLE_ARNS": ",".join(sorted(self.arguments.get("foreign_role_arns", []))),
            "LOG_LEVEL": self.arguments.get("log_level", "INFO"),
            "MODULE_NAME": self.prefix,
            "OWN_ROLE_ARNS": ",".join(self.own_role_arns),
            "PARTITION": self.partition,
            "REPLICATION_ROLE_ARN": self.role_arn("replication"),
            "REPORTS_BUCKET": self.reports_bucket,
            "SOURCE_ACCOUNT_ID": self.account("source"),
            "SOURCE_KEY_ARNS": ",".join(sorted(kms.get("source_key_arns", []))),
            "SOURCE_REGION": self.source,
            "TOPIC_01_ARN": self.arn("sns", "dr", f"{self.prefix}-01"),
            "TOPIC_02_ARN": self.arn("sns", "source", f"{self.prefix}-02"),
        }
        if translations and key == "destination_bucket_check":
            given["TRANSLATIONS"] = compact(dict(sorted(translations.items())))
        if self.creates_key and key == "destination_bucket_check":
            given["DR_KEY_IS_MADE"] = "true"
        backfill = self.arguments.get("backfill", {})
        if key in ("enable_replication", "sweep"):
            given["ACTIVE_JOBS"] = str(backfill.get("active_jobs", 4))
            given["JOBS_RULE"] = self.jobs_rule
        if key == "enable_replication":
            delay = backfill.get("first_job_delay_seconds", 900)
            given["FIRST_JOB_DELAY_SECONDS"] = str(delay)
        if key == "sweep":
            name = f"{self.prefix}-enable-replication"
            given["ENABLE_REPLICATION_ARN"] = self.arn("lambda", "source", f"function:{name}")
            pace = self.arguments.get("sweep", {}).get("buckets_per_second", 20)
            given["SWEEP_BUCKETS_PER_SECOND"] = str(pace)
        if self.two_accounts and key == "destination_bucket_check":
            given["SOURCE_READER_ROLE_ARN"] = self.role_arn("source-reader")
        elif self.two_accounts:
            given["TWIN_READER_ROLE_ARN"] = self.role_arn("twin-reader")
        return {name: value for name, value in given.items() if value}


def compact(given: object) -> str:
    """JSON as Terraform writes it."""
    return json.dumps(given, ensure_ascii=False, separators=(",", ":"))


def counted(given: str | Mapping[str, str]) -> int:
    """The bytes that Lambda counts of an environment, or of one of its values: those of its JSON.

    https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594
    """
    return len(compact(given).encode()) - (2 if isinstance(given, str) else 0)


# Pairs of regions to plan, each by some case; few regions, as each is a provider to start.
PAIRS = {
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
}
DEFAULT = Case("default", "us-west-2", "us-east-2")
CHINA = Case("china", "cn-north-1", "cn-northwest-1")
CUSTOM = Case(
    "custom",
    "eu-west-1",
    "eu-central-1",
    {
        "alarms": {
            "actions": {
                "dr": [f"arn:aws:sns:eu-central-1:{ACCOUNT}:on-call"],
                "source": [
                    f"arn:aws:sns:eu-west-1:{ACCOUNT}:on-call",
                    f"arn:aws:sns:eu-west-1:{ACCOUNT}:chat",
                ],
            },
        },
        "backfill": {"active_jobs": 1, "first_job_delay_seconds": 0},
        "create_trail": True,
        "dr_bucket_suffix": "-copy",
        "function": {
            "architecture": "x86_64",
            "memory_mb": 1024,
            "reserved_concurrency": 20,
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
        "reports": {"retention_days": 30},
        "sweep": {"buckets_per_second": 200, "schedule": "cron(0 3 * * ? *)"},
        "tags": {"Owner": "storage"},
    },
)
# The other way round, in the account and the regions of DEFAULT: nothing may collide.
BACK = Case("back", "us-east-2", "us-west-2", {"name": "s3-dr-back"})


def key_arn(region: str, account: str = ACCOUNT, key: str = "1") -> str:
    """The ARN of a key that somebody made."""
    partition = next((PARTITIONS[each] for each in PARTITIONS if region.startswith(each)), "aws")
    return f"arn:{partition}:kms:{region}:{account}:key/{key * 8}-1111-2222-3333-444444444444"


# Whatever has a length has all of it.
LONGEST = Case(
    "longest",
    "us-gov-west-1",
    "us-gov-east-1",
    {
        "backfill": {"active_jobs": 6, "first_job_delay_seconds": 3600},
        "dr_bucket_namespace": "account-regional",
        "dr_bucket_prefix": "x" * 7 + "-",
        "dr_bucket_suffix": "-" + "x" * 7,
        "kms": {"dr_key_arn": key_arn("us-gov-east-1", OTHER_ACCOUNT)},
        "name": "n" * 32,
        "profiles": [{"name": "fat", "match_tags": _FAT_TAGS, "clone": CLONABLE}],
    },
    OTHER_ACCOUNT,
)
FOREIGN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/replication"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/of/all-roles"
OTHER_BOUNDARY = f"arn:aws:iam::{OTHER_ACCOUNT}:policy/all-roles"
# A key of the module's own, in one account.
KEY = Case(
    "created_key",
    "us-east-1",
    "us-west-2",
    {
        "create_trail": True,
        "foreign_role_arns": [FOREIGN_ROLE],
        "kms": {"create_dr_key": True},
        "name": "vault",
        "tags": {"Owner": "storage"},
    },
)
# Keys that are there, of which one profile has its own, and settings of every kind.
GIVEN = Case(
    "given_keys",
    "eu-west-1",
    "eu-central-1",
    {
        "foreign_role_arns": [FOREIGN_ROLE],
        "iam": {"permissions_boundary_arn": BOUNDARY},
        "kms": {
            "dr_key_arn": key_arn("eu-central-1"),
            "former_dr_key_arns": [key_arn("eu-central-1", key="9")],
            "source_key_arns": [key_arn("eu-west-1"), key_arn("eu-west-1", OTHER_ACCOUNT)],
        },
        "name": "given",
        "profiles": [
            {
                "name": "everything",
                "match_tags": [{"dr": "everything"}],
                "annotations": False,
                "clone": ["lifecycle", "policy"],
                "delete_markers": False,
                "existing_objects": "report",
                "existing_objects_limit": 1000,
                "filter": {"prefix": "ledger/", "tags": {"keep": "yes"}},
                "kms_key_arn": key_arn("eu-central-1", key="2"),
                "lifecycle": "full",
                "metrics": True,
                "noncurrent_version_expiration_days": 30,
                "object_lock": {"always": True, "retention": {"mode": "GOVERNANCE", "days": 30}},
                "on_drift": "restore",
                "on_foreign_role": "use",
                "on_mfa_delete": "allow",
                "on_suspended_versioning": "enable",
                "on_untag": "remove",
                "overrides": ["metrics", "replication_time_control"],
                "replica_modifications": True,
                "replication_time_control": True,
                "storage_class": "STANDARD_IA",
            },
            {
                "name": "defaults_spelt_out",
                "match_tags": [{"dr": "defaults"}],
                "annotations": True,
                "clone": ["tags", "metrics", "lifecycle", "intelligent_tiering", "cors"],
                "delete_markers": True,
                "existing_objects": "replicate",
                "existing_objects_limit": None,
                "filter": {"prefix": "", "tags": {}},
                "kms_key_arn": None,
                "lifecycle": "safe",
                "metrics": None,
                "noncurrent_version_expiration_days": None,
                "object_lock": {"always": False, "retention": None},
                "on_drift": "report",
                "on_foreign_role": "block",
                "on_mfa_delete": "block",
                "on_suspended_versioning": "block",
                "on_untag": "disable",
                "overrides": [
                    "storage_class",
                    "replication_time_control",
                    "metrics",
                ],
                "replica_modifications": False,
                "replication_time_control": False,
                "storage_class": None,
            },
            {
                "name": "halves",
                "match_tags": [{"dr": "halves"}],
                "clone": [],
                "existing_objects": "ignore",
                "existing_objects_limit": 0,
                "filter": {"prefix": "a/"},
                "metrics": False,
                "object_lock": {"retention": {"mode": "COMPLIANCE", "years": 7}},
                "on_untag": "keep",
                "overrides": [],
            },
        ],
    },
)
# Only a profile has a key.
REGIONAL = Case(
    "regional",
    "eu-central-1",
    "ap-southeast-2",
    {
        "dr_bucket_namespace": "account-regional",
        "dr_bucket_prefix": "copy-of-",
        "dr_bucket_suffix": "-an",  # reserved only where it is the end
        "alarms": {"enabled": False},
        "name": "regional",
        "profiles": [
            {
                "name": "sealed",
                "match_tags": [{"dr": "sealed"}],
                "kms_key_arn": key_arn("ap-southeast-2"),
            }
        ],
    },
)
# No region but China's lacks replication time control today; this one is said to.
LACKING = Case(
    "lacking",
    "ap-southeast-2",
    "us-east-2",
    {
        "name": "lacking",
        "profiles": [
            {"name": "all", "match_tags": [{"dr": "true"}]},
            {
                "name": "some",
                "match_tags": [{"dr": "some"}],
                "overrides": ["metrics", "replication_time_control"],
            },
        ],
        "reports": {"bucket": "reports.of-mine"},
        "regions_without_replication_time_control": ["us-east-2"],
    },
)
TWO_ACCOUNTS = Case("two_accounts", "us-west-2", "us-east-2", dr_account=OTHER_ACCOUNT)
TWO_WITH_KEY = Case(
    "two_accounts_and_key",
    "us-west-2",
    "us-east-2",
    {
        **KEY.arguments,
        "dr_bucket_namespace": "account-regional",
        "iam": {
            "dr_permissions_boundary_arn": OTHER_BOUNDARY,
            "path": "/platform/s3=dr/",
            "permissions_boundary_arn": BOUNDARY,
        },
        "kms": {"create_dr_key": True, "source_key_arns": [key_arn("us-west-2")]},
    },
    OTHER_ACCOUNT,
)
TWO_IN_CHINA = Case(
    "two_in_china",
    "cn-north-1",
    "cn-northwest-1",
    {
        "create_trail": True,
        "kms": {"create_dr_key": True},
        "profiles": [{"name": "all", "match_tags": [{"dr": "all"}], "clone": CLONABLE}],
    },
    OTHER_ACCOUNT,
)
TWO_IN_GOVCLOUD = Case(
    "two_in_govcloud",
    "us-gov-east-1",
    "us-gov-west-1",
    {"create_trail": True, "kms": {"create_dr_key": True}},
    OTHER_ACCOUNT,
)
# All that can be cloned, by two profiles together, each in an order of its own.
EVERYTHING = Case(
    "everything_cloned",
    "us-east-1",
    "eu-west-1",
    {
        "name": "everything",
        "profiles": [
            {"name": "late", "match_tags": [{"dr": "late"}], "clone": ["acl", *CLONABLE[:6:-1]]},
            {
                "name": "early",
                "match_tags": [{"dr": "early"}],
                "clone": ["ownership", *CLONABLE[:7]],
            },
        ],
        "translations": {
            "vpce-0a1b2c3d4e5f67890": "vpce-11112222333344445",
            f"arn:aws:sns:us-east-1:{ACCOUNT}:news": f"arn:aws:sns:eu-west-1:{ACCOUNT}:news",
            "logs-ü": "${logs}-ü",
        },
    },
)
NOTHING = Case(
    "nothing_cloned",
    "us-east-2",
    "us-east-1",
    {
        "iam": {"path": "/a/b/"},
        "name": "nothing",
        "profiles": [{"name": "a", "match_tags": [{"dr": "a"}], "clone": []}],
    },
)
# One profile of two clones: what is written on every twin anyway, and what is not.
SOME = Case(
    "some_cloned",
    "us-west-2",
    "us-east-2",
    {
        "iam": {"permissions_boundary_arn": "arn:aws:iam::aws:policy/PowerUserAccess"},
        "profiles": [
            {"name": "none", "match_tags": [{"dr": "none"}], "clone": []},
            {
                "name": "some",
                "match_tags": [{"dr": "some"}],
                "clone": ["policy", "website"],
            },
        ],
        "translations": {f"arn:aws:iam::{ACCOUNT}:role/a": f"arn:aws:iam::{OTHER_ACCOUNT}:role/a"},
    },
    OTHER_ACCOUNT,
)
# What profiles and keys, names and namespaces, accounts and partitions make of the policies.
VARIANTS = [
    KEY,
    GIVEN,
    REGIONAL,
    LACKING,
    TWO_ACCOUNTS,
    TWO_WITH_KEY,
    TWO_IN_CHINA,
    TWO_IN_GOVCLOUD,
    EVERYTHING,
    NOTHING,
    SOME,
]
CASES = [DEFAULT, CHINA, CUSTOM, BACK, LONGEST, *VARIANTS]


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
        return self.plan.resources(module=self.case.name)

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
        """One of the functions, as the outputs call it."""
        return self.named("aws_lambda_function", key.replace("_", "-"))

    def one(self, kind: str) -> Resource:
        """Its one resource of this type."""
        (found,) = self.of(kind)
        return found

    def environment(self, key: str) -> dict[str, str]:
        """What one of the functions gets as its environment."""
        return dict(self.function(key).values["environment"][0]["variables"])

    @cached_property
    def _policies(self) -> list[Policy]:
        return self.plan.policies(module=self.case.name)

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

    def account_of(self, provider: str) -> str:
        """The account of one of the root's providers."""
        return self.plan.access_key(provider) or ACCOUNT

    def outputs(self) -> dict[str, Any]:
        """Its outputs, as far as they are known."""
        return dict(self.plan.outputs()[self.case.name])

    def _holds(self, address: str) -> bool:
        return address.startswith(f"module.{self.case.name}.")


def root_text(cases: Iterable[Case], entrance: Iterable[Case] = ()) -> str:
    """A root that holds some cases, to be laid where a folder of ``examples`` lies.

    Args:
        cases: The cases.
        entrance: Cases that call, instead of the module, the folder ``entrance`` in the root.
    """
    sources = [(case, "../..") for case in cases] + [(case, "./entrance") for case in entrance]
    places = {
        (case.region(side), case.account(side)) for case, _ in sources for side in ("source", "dr")
    }
    providers = (_provider(region, account) for region, account in sorted(places))
    modules = (_module(case, source) for case, source in sources)
    return "".join([_DEFAULT_PROVIDER, *providers, *modules])


def _provider(region: str, account: str) -> str:
    # To the stub and to the local AWS, an access key of twelve digits is its own account.
    keys = f'  access_key = "{account}"\n  secret_key = "test"\n' if account != ACCOUNT else ""
    alias = _alias(region, account)
    return f'provider "aws" {{\n  alias = "{alias}"\n  region = "{region}"\n{keys}}}\n'


def _module(case: Case, source: str) -> str:
    arguments = "".join(f"  {key} = {_hcl(value)}\n" for key, value in case.arguments.items())
    return (
        f'module "{case.name}" {{\n  source = "{source}"\n{arguments}  providers = {{\n'
        f"    aws.source = aws.{_alias(case.source, ACCOUNT)}\n"
        f"    aws.dr = aws.{_alias(case.dr, case.dr_account)}\n"
        "  }\n}\n"
        f'output "{case.name}" {{\n  value = module.{case.name}\n}}\n'
    )


def _alias(region: str, account: str) -> str:
    name = region.replace("-", "_")
    return name if account == ACCOUNT else f"{name}_of_{account}"


def _hcl(value: object) -> str:
    """JSON is HCL, but for the two template markers."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")
