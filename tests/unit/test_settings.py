"""Settings: everything the functions are told, or one sentence that says what is missing."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from functional.payload import environment, profiles
from s3_dr.naming import TwinNames
from s3_dr.profiles import Profile
from s3_dr.settings import Settings, SettingsError


def test_the_environment_becomes_settings() -> None:
    settings = Settings.from_environment(environment(OWN_ROLE_ARNS="arn:a, arn:b,c,"))

    assert settings.source_region == "us-west-2"
    assert settings.dr_region == "us-east-2"
    assert settings.own_role_arns == {"arn:a", "arn:b,c"}, (
        "it is split between ARNs, blanks are dropped"
    )
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


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        ({}, ""),
        ({"DR_KEY_ARN": "module"}, "module"),
        ({"PROFILES": profiles(kms_key_arn="profile")}, "profile"),
        ({"DR_KEY_ARN": "module", "PROFILES": profiles(kms_key_arn="profile")}, "profile"),
    ],
)
def test_the_profiles_key_comes_before_the_modules(overrides: dict[str, str], key: str) -> None:
    settings = Settings.from_environment(environment(**overrides))

    assert settings.replica_key_arn(settings.profiles[0]) == key


@pytest.mark.parametrize(
    ("use", "foreign", "roles"),
    [
        ("block", "arn:x,arn:y", {"ours"}),
        ("use", "arn:x,arn:y", {"ours", "arn:x", "arn:y"}),
        ("use", "", {"ours"}),
    ],
)
def test_a_foreign_role_copies_only_where_the_profile_uses_it(
    use: str, foreign: str, roles: set[str]
) -> None:
    settings = Settings.from_environment(
        environment(
            FOREIGN_ROLE_ARNS=foreign,
            PROFILES=profiles(on_foreign_role=use),
            REPLICATION_ROLE_ARN="ours",
        )
    )

    assert settings.replication_role_arns(settings.profiles[0]) == roles


OPTIONAL = (
    "BATCH_ROLE_ARN",
    "DR_BUCKET_PREFIX",
    "DR_KEY_ARN",
    "DR_KEY_IS_MADE",
    "ENABLE_REPLICATION_ARN",
    "FOREIGN_ROLE_ARNS",
    "JOBS_RULE",
    "REPORTS_BUCKET",
    "SOURCE_KEY_ARNS",
    "SOURCE_READER_ROLE_ARN",
    "TWIN_READER_ROLE_ARN",
)


def test_an_optional_variable_may_be_missing() -> None:
    settings = Settings.from_environment(environment())

    assert not environment().keys() & set(OPTIONAL)
    assert settings.dr_bucket_prefix == settings.dr_key_arn == ""
    assert settings.foreign_role_arns == settings.source_key_arns == frozenset()
    assert settings.source_reader_role_arn == settings.twin_reader_role_arn == ""


@pytest.mark.parametrize("name", OPTIONAL)
def test_an_optional_variable_is_read(name: str) -> None:
    settings = Settings.from_environment(environment(**{name: " arn:x, arn:y, "}))

    read = {"arn:x", "arn:y"} if name.endswith("S") else "arn:x, arn:y,"
    assert getattr(settings, name.lower()) == read
    assert getattr(Settings.from_environment(environment(**{name: " "})), name.lower()) in (
        "",
        frozenset(),
    ), "empty is absent"


NUMBERS = {"ACTIVE_JOBS": (4, 1), "FIRST_JOB_DELAY_SECONDS": (900, 0)}


@pytest.mark.parametrize(("name", "number", "least"), [(n, *each) for n, each in NUMBERS.items()])
def test_a_number_is_a_whole_one_and_not_too_small(name: str, number: int, least: int) -> None:
    def read(text: str) -> object:
        return getattr(Settings.from_environment(environment(**{name: text})), name.lower())

    assert [read(text) for text in ("", " ", str(least), " 6 ")] == [number, number, least, 6]
    for text in (str(least - 1), "1.5", "many", "+2"):
        with pytest.raises(SettingsError, match=f"{name} is no whole number from {least}: "):
            read(text)


def test_every_variable_is_tested() -> None:
    fields = {field.name.upper() for field in dataclasses.fields(Settings)}
    others = {"SWEEP_BUCKETS_PER_SECOND", "TRANSLATIONS"}

    assert fields == {*environment(), *OPTIONAL, *NUMBERS, *others}


def test_the_pace_of_a_sweep_is_a_number_above_zero() -> None:
    def pace(text: str) -> float:
        variables = environment(SWEEP_BUCKETS_PER_SECOND=text)
        return Settings.from_environment(variables).sweep_buckets_per_second

    assert Settings.from_environment(environment()).sweep_buckets_per_second == 20
    assert pace("2.5") == 2.5
    for text in ("0", "-1", "fast", "nan"):
        with pytest.raises(SettingsError, match="SWEEP_BUCKETS_PER_SECOND"):
            pace(text)


def test_translations_are_a_map() -> None:
    text = '{"logs-west": "logs-east"}'
    assert Settings.from_environment(environment()).translations == {}
    assert Settings.from_environment(environment(TRANSLATIONS=text)).translations == {
        "logs-west": "logs-east"
    }


@pytest.mark.parametrize("text", ["logs", "[]", '"logs"', "7"])
def test_translations_that_cannot_be_read_are_named(text: str) -> None:
    with pytest.raises(SettingsError, match="TRANSLATIONS is not a map"):
        Settings.from_environment(environment(TRANSLATIONS=text))


def test_twins_are_named_as_the_variables_say() -> None:
    plain = Settings.from_environment(environment(DR_BUCKET_PREFIX="copy-"))
    own = Settings.from_environment(environment(DR_BUCKET_NAMESPACE="account-regional"))

    assert plain.twin_names == TwinNames("copy-", "-dr")
    assert own.twin_names == TwinNames("", "-dr", "-111122223333-us-east-2-an"), (
        "the DR account's and the DR region's namespace"
    )


def test_accounts_are_told_apart() -> None:
    assert not Settings.from_environment(environment()).has_two_accounts
    assert Settings.from_environment(environment(DR_ACCOUNT_ID="666677778888")).has_two_accounts


@pytest.mark.parametrize(
    "fields",
    [
        {"colour": "red"},
        {"filter": "x/"},
        {"filter": {"suffix": "x"}},
        {"object_lock": {"mode": "GOVERNANCE"}},
        {"object_lock": {"retention": "GOVERNANCE"}},
        {"overrides": 7},
        {"clone": 7},
        {"clone": ["replication"]},
    ],
)
def test_a_profile_that_cannot_be_read_is_named(fields: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="PROFILES is not a list of profiles"):
        Settings.from_environment(environment(PROFILES=profiles(**fields)))


@pytest.mark.parametrize("text", ["1", "0.5", "200", "1e2"])
def test_any_number_above_zero_is_a_pace(text: str) -> None:
    settings = Settings.from_environment(environment(SWEEP_BUCKETS_PER_SECOND=text))

    assert settings.sweep_buckets_per_second == float(text)


@pytest.mark.parametrize("text", ["-inf", "1,5", "20/s", "0.0", "None"])
def test_a_pace_that_is_none_is_named_in_a_sentence(text: str) -> None:
    with pytest.raises(SettingsError, match="SWEEP_BUCKETS_PER_SECOND") as caught:
        Settings.from_environment(environment(SWEEP_BUCKETS_PER_SECOND=text))

    assert repr(text) in str(caught.value)


def test_the_old_environment_is_enough_for_the_new_code() -> None:
    settings = Settings.from_environment(environment())

    assert settings.reports_bucket == settings.batch_role_arn == ""
    assert settings.enable_replication_arn == ""
    profile = settings.profiles[0]
    assert (profile.existing_objects, profile.on_untag) == ("replicate", "disable")


@pytest.mark.parametrize("field", ["existing_object", "onUntag"])
def test_a_field_of_another_version_is_refused(field: str) -> None:
    with pytest.raises(SettingsError, match=field):
        Settings.from_environment(environment(PROFILES=profiles(**{field: "x"})))
