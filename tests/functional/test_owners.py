"""The look at every call's owner sees the functions' calls, all of them, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from functional import owners
from functional.payload import ACCOUNT, DR_REGION, SOURCE_REGION, Functions, World
from s3_dr import handlers

pytest_plugins = ["functional.payload"]


@pytest.fixture(autouse=True)
def expected(every_call_names_an_owner: None) -> Iterator[None]:
    """What these tests call without an owner is no fault of theirs."""
    yield
    owners.unowned.clear()


def sentence(operation: str, bucket: str) -> str:
    return (
        f"{operation} on {bucket} names no ExpectedBucketOwner, and would trust any bucket of that "
        "name"
    )


@pytest.fixture(params=["on_moto", "on_local_aws"])
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


def test_a_call_without_an_owner_is_told(functions: Functions, world: World) -> None:
    bucket, clients = world.bucket(), handlers._runtime()[1]

    clients.source_s3.head_bucket(Bucket=bucket)
    clients.source_s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    with pytest.raises(ClientError):
        clients.dr_s3.get_bucket_cors(Bucket=f"{bucket}-dr")

    assert owners.unowned == [
        sentence("HeadBucket", bucket),
        sentence("PutObject", bucket),
        sentence("GetBucketCors", f"{bucket}-dr"),
    ]


def test_nothing_is_told_of_calls_with_an_owner_and_of_those_that_take_none(
    functions: Functions, world: World
) -> None:
    bucket, clients = world.bucket(), handlers._runtime()[1]
    place: Any = {"LocationConstraint": DR_REGION}

    clients.source_s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=ACCOUNT)
    clients.source_s3.list_buckets()
    clients.dr_s3.create_bucket(Bucket=f"{bucket}-dr", CreateBucketConfiguration=place)

    assert owners.unowned == []


def test_pages_are_calls_too(functions: Functions, world: World) -> None:
    bucket, clients = world.bucket(), handlers._runtime()[1]

    list(clients.source_s3.get_paginator("list_objects_v2").paginate(Bucket=bucket))

    assert owners.unowned == [sentence("ListObjectsV2", bucket)]


def test_nothing_is_told_of_the_tests_own_calls(functions: Functions, world: World) -> None:
    bucket = world.bucket()

    world.s3().head_bucket(Bucket=bucket)

    assert owners.unowned == []


def test_a_client_of_a_role_is_heard_as_well(functions: Functions, on_local_aws: World) -> None:
    """In two accounts a function reads through a session of its own making."""
    bucket = on_local_aws.bucket()
    clients: Any = handlers._runtime()[1]
    config = clients.source_s3.meta.config

    boto3.client("s3", region_name=SOURCE_REGION, config=config).head_bucket(Bucket=bucket)

    assert owners.unowned == [sentence("HeadBucket", bucket)]
