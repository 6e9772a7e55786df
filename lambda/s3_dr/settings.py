"""The functions' settings: the one place that reads the environment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from typing import Any

from .naming import TwinNames, account_regional_tail
from .profiles import Profile

_ACCOUNT_REGIONAL = "account-regional"


class SettingsError(Exception):
    """The environment does not hold what the function needs; the message names all of it."""


@dataclass(frozen=True, eq=False, repr=False)
class Settings:
    """What Terraform tells the functions.

    Every field is read from the environment variable of its name in upper case; one with a default
    may be missing there.

    Attributes:
        active_jobs: how many jobs that copy old objects may be at work at once.
        batch_role_arn: the role with which S3 Batch Operations starts the copying of old objects.
        dr_key_arn: the KMS key for replicas of profiles that name none; empty if there is none.
        dr_key_is_made: whether the module made that key; empty if not.
        enable_replication_arn: the function that takes our rules off; for the sweep.
        first_job_delay_seconds: how long after its rule was put a bucket's job begins.
        foreign_role_arns: roles of foreign replication configurations under which our rule may be.
        jobs_rule: the schedule by which waiting jobs are looked after; empty for the moment of an
            update in which the new code still has the old environment.
        reports_bucket: where records of buckets and reports of jobs are kept. It is empty for the
            moment of an update in which the new code still has the old environment.
        source_key_arns: the only KMS keys whose objects the replication role can read; empty if it
            can read with any key of the source account.
        source_reader_role_arn: the role in the source account with which a function of the DR
            account reads source buckets; empty where the function may do so itself.
        sweep_buckets_per_second: how fast a sweep asks for checks.
        translations: what stands, where the twins are, for strings in what is cloned.
        twin_reader_role_arn: the same for functions of the source account that look at twins.
    """

    dr_account_id: str
    dr_bucket_namespace: str
    dr_bucket_suffix: str
    dr_region: str
    log_level: str
    module_name: str
    own_role_arns: frozenset[str]
    partition: str
    profiles: tuple[Profile, ...]
    replication_role_arn: str
    source_account_id: str
    source_region: str
    topic_01_arn: str
    topic_02_arn: str
    active_jobs: int = 4
    batch_role_arn: str = ""
    dr_bucket_prefix: str = ""
    dr_key_arn: str = ""
    dr_key_is_made: str = ""
    enable_replication_arn: str = ""
    first_job_delay_seconds: int = 900
    foreign_role_arns: frozenset[str] = frozenset()
    jobs_rule: str = ""
    reports_bucket: str = ""
    source_key_arns: frozenset[str] = frozenset()
    source_reader_role_arn: str = ""
    sweep_buckets_per_second: float = 20.0
    translations: Mapping[str, str] = field(default_factory=dict)
    twin_reader_role_arn: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: naming every variable that is missing or empty at once, or the document
                that cannot be read.
        """
        given = {
            each.name: value
            for each in fields(cls)
            if (value := environment.get(each.name.upper(), "").strip())
        }
        missing = [
            each.name.upper()
            for each in fields(cls)
            if each.default is each.default_factory is MISSING and each.name not in given
        ]
        if missing:
            raise SettingsError(f"missing environment variables: {', '.join(missing)}")
        try:
            items = json.loads(given["profiles"])
            if not isinstance(items, list) or not items:
                raise ValueError("no list, or an empty one")
            profiles = tuple(Profile.from_dict(item) for item in items)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SettingsError(f"PROFILES is not a list of profiles: {error!r}") from error
        sets = {name: _set(given.get(name, "")) for name in _SETS}
        translations = _translations(given.get("translations", "{}"))
        others: dict[str, Any] = {"profiles": profiles, "translations": translations}
        if pace := given.get("sweep_buckets_per_second"):
            others["sweep_buckets_per_second"] = _pace(pace)
        for name, least in _NUMBERS.items():
            if number := given.get(name):
                others[name] = _number(name, number, least)
        return cls(**{**given, **sets, **others})

    @cached_property
    def twin_names(self) -> TwinNames:
        """How twins are called."""
        tail = ""
        if self.has_own_namespace:
            tail = account_regional_tail(self.dr_account_id, self.dr_region)
        return TwinNames(self.dr_bucket_prefix, self.dr_bucket_suffix, tail)

    @property
    def has_two_accounts(self) -> bool:
        """Whether the twins belong to another account than the sources."""
        return self.dr_account_id != self.source_account_id

    @property
    def has_own_namespace(self) -> bool:
        """Whether twins have names that no other account can have."""
        return self.dr_bucket_namespace == _ACCOUNT_REGIONAL

    def replica_key_arn(self, profile: Profile) -> str:
        """The KMS key for replicas of the profile's buckets; empty if there is none."""
        return profile.kms_key_arn or self.dr_key_arn

    def replication_role_arns(self, profile: Profile) -> frozenset[str]:
        """The roles as which S3 may copy the profile's buckets: ours, and foreign ones if used."""
        foreign = self.foreign_role_arns if profile.on_foreign_role == "use" else frozenset()
        return foreign | {self.replication_role_arn}

    def bucket_arn(self, bucket: str) -> str:
        """The ARN of a bucket in this partition."""
        return f"arn:{self.partition}:s3:::{bucket}"


_NUMBERS = {"active_jobs": 1, "first_job_delay_seconds": 0}  # each with its least
_SETS = ("foreign_role_arns", "own_role_arns", "source_key_arns")


def _translations(text: str) -> dict[str, str]:
    try:
        return {str(key): str(value) for key, value in json.loads(text).items()}
    except (ValueError, AttributeError) as error:
        raise SettingsError(f"TRANSLATIONS is not a map of strings: {error!r}") from error


def _pace(text: str) -> float:
    try:
        pace = float(text)
    except ValueError:
        pace = 0.0
    if not pace > 0:
        raise SettingsError(f"SWEEP_BUCKETS_PER_SECOND is no number above zero: {text!r}")
    return pace


def _number(name: str, text: str, least: int) -> int:
    if not (text.isdecimal() and int(text) >= least):
        raise SettingsError(f"{name.upper()} is no whole number from {least}: {text!r}")
    return int(text)


def _set(text: str) -> frozenset[str]:
    # Between two ARNs: a role's name or path may have commas.
    return frozenset(filter(None, map(str.strip, re.split(r",\s*(?=arn:|$)", text))))
