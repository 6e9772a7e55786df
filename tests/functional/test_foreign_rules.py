"""Our rule among foreign ones with a role of their own."""

from __future__ import annotations

from typing import Any

import pytest

from functional.payload import (
    ACCOUNT,
    DR_REGION,
    REPLICATION_ROLE,
    TRIGGER,
    Functions,
    World,
    assert_blocked,
    event,
    profiles,
)

pytest_plugins = ["functional.payload"]

THEIR_ROLE = f"arn:aws:iam::{ACCOUNT}:role/theirs"
USE = profiles(on_foreign_role="use")


def foreign_rules(target: str) -> list[Any]:
    """Rules with every option, as a person may have put them."""
    where = {"Bucket": f"arn:aws:s3:::{target}", "Account": ACCOUNT}
    on, off = {"Status": "Enabled"}, {"Status": "Disabled"}
    timed = {
        "ReplicationTime": {**on, "Time": {"Minutes": 15}},
        "Metrics": {**on, "EventThreshold": {"Minutes": 15}},
        "StorageClass": "GLACIER",
    }
    tags = [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]
    common = {"Status": "Enabled", "DeleteMarkerReplication": off}
    return [
        {
            **common,
            "ID": "tagged",
            "Priority": 7,
            "Filter": {"And": {"Prefix": "logs/", "Tags": tags}},
            "Destination": {**where, **timed},
        },
        {
            **common,
            "ID": "paused",
            "Priority": 0,
            "Status": "Disabled",
            "Filter": {"Tag": tags[0]},
            "SourceSelectionCriteria": {"ReplicaModifications": on},
            "Destination": where,
        },
        {
            **common,
            "ID": "all",
            "Priority": 2**31 - 1,
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": on,
            "Destination": {**where, "StorageClass": "STANDARD_IA"},
        },
    ]


def replicated(world: World, role: str = THEIR_ROLE) -> tuple[str, list[Any]]:
    """A tagged bucket with foreign rules, and those as S3 shows them."""
    bucket = world.bucket(tags=TRIGGER, versioning="Enabled")
    target = world.bucket(region=DR_REGION, versioning="Enabled")
    world.replicate(bucket, foreign_rules(target), role)
    return bucket, world.replication(bucket)["Rules"]


def use_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILES", USE)
    monkeypatch.setenv("FOREIGN_ROLE_ARNS", f"{THEIR_ROLE}-2,{THEIR_ROLE}")


def test_our_rule_is_put_under_a_role_that_may_be_used(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_theirs(monkeypatch)
    bucket, theirs = replicated(on_local_aws)

    functions.protected(on_local_aws, bucket)

    found = on_local_aws.replication(bucket)
    assert found["Role"] == THEIR_ROLE, "one role for all rules, and theirs was there first"
    assert found["Rules"][:-1] == theirs, "unchanged, and in order"
    assert found["Rules"][-1]["ID"] == "s3-dr"


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"FOREIGN_ROLE_ARNS": THEIR_ROLE},
        {"PROFILES": USE},
        {"PROFILES": USE, "FOREIGN_ROLE_ARNS": f"{THEIR_ROLE}-2"},
    ],
)
def test_a_role_that_is_not_listed_or_not_to_be_used_blocks(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
) -> None:
    functions.deploy(monkeypatch, **variables)
    bucket, theirs = replicated(on_local_aws)
    on_local_aws.twin(bucket, versioning="Enabled")

    for look in (functions.check_source, functions.enable_replication):
        result = look(bucket)
        assert_blocked(result, "FOREIGN_REPLICATION_ROLE")
        assert THEIR_ROLE in result["remedy"], "the remedy names the role"

    assert on_local_aws.replication(bucket) == {"Role": THEIR_ROLE, "Rules": theirs}
    assert functions.writes == []


@pytest.mark.parametrize("what", ["deleted", "disabled", "another class", "another priority"])
def test_foreign_rules_survive_whatever_happens_to_ours(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    use_theirs(monkeypatch)
    bucket, theirs = replicated(on_local_aws)
    functions.protected(on_local_aws, bucket)
    *_, ours = on_local_aws.replication(bucket)["Rules"]
    glacier = {**ours["Destination"], "StorageClass": "GLACIER"}
    altered = {
        "deleted": [],
        "disabled": [{**ours, "Status": "Disabled"}],
        "another class": [{**ours, "Destination": glacier}],
        "another priority": [{**ours, "Priority": 77}],
    }[what]
    on_local_aws.replicate(bucket, [*altered, *theirs], THEIR_ROLE)

    functions.protected(on_local_aws, bucket)

    rules = on_local_aws.replication(bucket)["Rules"]
    [again] = [rule for rule in rules if rule["ID"] == "s3-dr"]
    assert [rule for rule in rules if rule != again] == theirs, "unchanged, and in order"
    assert again == {**ours, "Priority": 77 if what == "another priority" else ours["Priority"]}


def test_another_profile_changes_our_rule_among_foreign_ones(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_theirs(monkeypatch)
    bucket, theirs = replicated(on_local_aws)
    functions.protected(on_local_aws, bucket)
    *_, before = on_local_aws.replication(bucket)["Rules"]
    functions.deploy(
        monkeypatch, PROFILES=profiles(on_foreign_role="use", storage_class="GLACIER_IR")
    )
    functions.calls.clear()

    results = functions.protect(event("put_bucket_tagging", bucket))

    assert functions.writes == ["PutBucketReplication"]
    assert results[-1]["outcome"] == "protected"
    *others, after = on_local_aws.replication(bucket)["Rules"]
    assert others == theirs
    glacier = {**before["Destination"], "StorageClass": "GLACIER_IR"}
    assert after == {**before, "Destination": glacier}, "the same priority, another class"


def test_when_foreign_rules_are_gone_our_rule_gets_our_role(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_theirs(monkeypatch)
    bucket, _ = replicated(on_local_aws)
    functions.protected(on_local_aws, bucket)
    *_, ours = on_local_aws.replication(bucket)["Rules"]
    on_local_aws.replicate(bucket, [ours], THEIR_ROLE)

    functions.protected(on_local_aws, bucket)

    assert on_local_aws.replication(bucket) == {"Role": REPLICATION_ROLE, "Rules": [ours]}


def test_as_many_rules_as_s3_takes_are_kept_beside_ours(
    functions: Functions, on_local_aws: World
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER, versioning="Enabled")
    target = on_local_aws.bucket(region=DR_REGION, versioning="Enabled")
    [rule, *_] = foreign_rules(target)
    many = [
        {**rule, "ID": f"theirs-{number}", "Priority": number, "Filter": {"Prefix": f"{number}/"}}
        for number in range(1000)
    ]
    on_local_aws.replicate(bucket, many[1:])

    functions.protected(on_local_aws, bucket)

    found = {rule["ID"] for rule in on_local_aws.replication(bucket)["Rules"]}
    assert found == {"s3-dr", *(rule["ID"] for rule in many[1:])}, (
        f"999 rules of {bucket}, and ours"
    )
    on_local_aws.replicate(bucket, many)
    assert_blocked(functions.enable_replication(bucket), "TOO_MANY_RULES")
    assert len(on_local_aws.replication(bucket)["Rules"]) == 1000, f"all rules of {bucket} are kept"
