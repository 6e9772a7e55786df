"""The functions' settings: the one place that reads the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

from .profiles import Profile


class SettingsError(Exception):
    """The environment does not hold what the function needs; the message names all of it."""


@dataclass(frozen=True)
class Settings:
    """What Terraform tells the functions. All three get the same environment.

    Every field is read from the environment variable of its name in upper case.
    """

    dr_account_id: str
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

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: naming every variable that is missing or empty at once, or the profile
                document that cannot be read.
        """
        names = [field.name for field in fields(cls)]
        missing = [name.upper() for name in names if not environment.get(name.upper(), "").strip()]
        if missing:
            raise SettingsError(f"missing environment variables: {', '.join(missing)}")
        values = {name: environment[name.upper()].strip() for name in names}
        try:
            items = json.loads(values["profiles"])
            if not isinstance(items, list) or not items:
                raise ValueError("no list, or an empty one")
            profiles = tuple(Profile.from_dict(item) for item in items)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SettingsError(f"PROFILES is not a list of profiles: {error!r}") from error
        own_roles = frozenset(filter(None, map(str.strip, values["own_role_arns"].split(","))))
        return cls(**{**values, "profiles": profiles, "own_role_arns": own_roles})  # type: ignore[arg-type]

    def bucket_arn(self, bucket: str) -> str:
        """The ARN of a bucket in this partition."""
        return f"arn:{self.partition}:s3:::{bucket}"
