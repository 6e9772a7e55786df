"""Settings: everything the functions are told, or one sentence that says what is missing."""

from __future__ import annotations

import json

import pytest

from functional.payload import environment
from s3_dr.profiles import Profile
from s3_dr.settings import Settings, SettingsError


def test_the_environment_becomes_settings() -> None:
    settings = Settings.from_environment(environment(OWN_ROLE_ARNS="arn:a, arn:b,"))

    assert settings.source_region == "us-west-2"
    assert settings.dr_region == "us-east-2"
    assert settings.own_role_arns == {"arn:a", "arn:b"}, "the list is split, blanks are dropped"
    assert settings.profiles == (Profile("standard", ({"dr": "true"},)),)


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({})

    for name in environment():
        assert name in str(caught.value), f"{name} is missing too, and the message must say so"


@pytest.mark.parametrize("name", sorted(environment()))
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_variable_is_a_missing_one(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"missing environment variables: {name}$"):
        Settings.from_environment(environment(**{name: value}))


@pytest.mark.parametrize(
    "profiles",
    [
        "not json",
        "5",
        "null",
        "true",
        "{}",
        "[]",
        '""',
        '"standard"',
        '{"name": "standard"}',
        "[1]",
        "[null]",
        '[{"name": "standard"}]',
        '[{"name": "standard", "match_tags": []}]',
        '[{"name": "standard", "match_tags": [{}]}]',
        '[{"name": "standard", "match_tags": {"dr": "true"}}]',
    ],
)
def test_profiles_that_are_no_list_of_profiles_are_refused(profiles: str) -> None:
    with pytest.raises(SettingsError, match="PROFILES is not a list of profiles"):
        Settings.from_environment(environment(PROFILES=profiles))


def test_profiles_keep_their_order() -> None:
    names = ["gold", "silver", "bronze"]
    profiles = json.dumps([{"name": name, "match_tags": [{"tier": name}]} for name in names])

    settings = Settings.from_environment(environment(PROFILES=profiles))

    assert [profile.name for profile in settings.profiles] == names, "the first match wins"


def test_a_bucket_arn_is_of_the_partition() -> None:
    settings = Settings.from_environment(environment(PARTITION="aws-cn"))

    assert settings.bucket_arn("orders") == "arn:aws-cn:s3:::orders"
