"""Twins by other names: with a prefix, in the account's own namespace, and of long names."""

from __future__ import annotations

from typing import Any

import pytest

from functional.payload import (
    ACCOUNT,
    DR_REGION,
    FOREIGN_ACCOUNT,
    TRIGGER,
    Functions,
    World,
    assert_blocked,
    twin_marker,
)
from s3_dr import handlers

pytest_plugins = ["functional.payload"]

TAIL = f"-{ACCOUNT}-{DR_REGION}-an"


def twin_of(world: World, bucket: str) -> str:
    """The twin by our rule; it is there, and marked."""
    [rule] = world.replication(bucket)["Rules"]
    twin: str = rule["Destination"]["Bucket"].removeprefix("arn:aws:s3:::")
    assert twin in world.names()
    assert twin_marker(bucket).items() <= world.tags(twin, DR_REGION).items()
    return twin


@pytest.fixture
def own_namespace(monkeypatch: pytest.MonkeyPatch, functions: Functions) -> None:
    monkeypatch.setenv("DR_BUCKET_NAMESPACE", "account-regional")


def test_a_prefix_stands_before_the_twins_name(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DR_BUCKET_PREFIX", "copy-")

    bucket = functions.protected(on_local_aws)

    assert twin_of(on_local_aws, bucket) == f"copy-{bucket}-dr"


@pytest.mark.usefixtures("own_namespace")
def test_a_twin_can_be_in_the_accounts_own_namespace(
    functions: Functions, on_local_aws: World
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    functions.check_destination(bucket)
    [created] = [call for call in functions.calls if call.operation == "CreateBucket"]
    assert created.parameters["BucketNamespace"] == "account-regional", "else S3 takes no -an"

    functions.protected(on_local_aws, bucket)

    assert twin_of(on_local_aws, bucket) == f"{bucket}-dr{TAIL}"


def test_a_twin_among_all_accounts_is_asked_for_without_a_namespace(
    functions: Functions, on_local_aws: World
) -> None:
    functions.check_destination(on_local_aws.bucket(tags=TRIGGER))

    [created] = [call for call in functions.calls if call.operation == "CreateBucket"]
    assert "BucketNamespace" not in created.parameters, "an older boto3 does not know it"


@pytest.mark.usefixtures("own_namespace")
def test_who_took_the_global_name_took_nothing(functions: Functions, on_local_aws: World) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    on_local_aws.bucket(f"{bucket}-dr", region=DR_REGION, account=FOREIGN_ACCOUNT)

    functions.protected(on_local_aws, bucket)

    assert twin_of(on_local_aws, bucket) == f"{bucket}-dr{TAIL}"


@pytest.mark.parametrize("length", [35, 63])
@pytest.mark.parametrize("prefix", ["", "copy-"])
@pytest.mark.usefixtures("own_namespace")
def test_a_long_name_has_a_twin_in_the_accounts_own_namespace(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    length: int,
    prefix: str,
) -> None:
    if prefix:
        monkeypatch.setenv("DR_BUCKET_PREFIX", prefix)
    name = f"{on_local_aws.bucket()}{'x' * 63}"[:length]

    bucket = functions.protected(on_local_aws, on_local_aws.bucket(name, tags=TRIGGER))

    twin = twin_of(on_local_aws, bucket)
    assert len(twin) == 63, "as much of the name as there is room for"
    assert twin.startswith(f"{prefix}b-")
    assert twin.endswith(f"-dr{TAIL}")


@pytest.mark.usefixtures("own_namespace")
def test_a_twin_of_the_own_namespace_is_never_protected_itself(
    functions: Functions, on_local_aws: World
) -> None:
    bucket = functions.protected(on_local_aws)
    twin = twin_of(on_local_aws, bucket)
    on_local_aws.tag(twin, {**on_local_aws.tags(twin, DR_REGION), **TRIGGER}, DR_REGION)

    assert functions.check_source(twin)["reason"] == "IS_A_TWIN"


@pytest.mark.usefixtures("own_namespace")
def test_an_sdk_that_knows_no_namespaces_makes_no_twin_in_one(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    model: Any = handlers._runtime()[1].dr_s3.meta.service_model
    members = model.operation_model("CreateBucket").input_shape.members
    monkeypatch.delitem(members, "BucketNamespace")

    result = functions.check_destination(bucket)

    assert_blocked(result, "SDK_TOO_OLD")
    assert "1.42.67" in result["remedy"], "the remedy names the version that can"
    assert functions.writes == []


def test_an_sdk_that_knows_no_namespaces_makes_twins_among_all_accounts(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = handlers._runtime()[1].dr_s3.meta.service_model
    members = model.operation_model("CreateBucket").input_shape.members
    monkeypatch.delitem(members, "BucketNamespace")

    functions.protected(on_local_aws)
