"""What the functions make of open points that act where other tests are not.

In regions that lack something, in opt-in regions of one of two accounts, and where six jobs run.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError

from functional.living import Life
from functional.payload import (
    ACCOUNT,
    DR_REGION,
    FOREIGN_ACCOUNT,
    SOURCE_REGION,
    TRIGGER,
    Functions,
    World,
    assert_blocked,
    event,
    profiles,
    troubles,
    twin_marker,
)
from local_aws import LocalAws, open_points
from local_aws.tests.lab import Lab
from local_aws.tests.test_jobs import Pair as Jobs

pytest_plugins = ["functional.payload", "functional.living"]

CHINA = ("cn-north-1", "cn-northwest-1")
SOVEREIGN = "eusc-de-east-1"
NO_ACCELERATION = "eu-north-1"


@pytest.fixture
def points(local_aws: LocalAws, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The variants of open points that hold during the test."""
    with local_aws.chosen(**request.param):
        yield request.param


def each(point: open_points.Point, **others: str) -> pytest.MarkDecorator:
    """Run the test once for each variant of a point, while that and these others hold."""
    rows = [{point.name: variant, **others} for variant in point.variants]
    return pytest.mark.parametrize("points", rows, ids=point.variants, indirect=True)


NO_TAGS = pytest.mark.parametrize(
    ("dr", "points"),
    [
        (SOVEREIGN, {"create_tags": "eusc", "control_tags": "eusc"}),
        (SOVEREIGN, {"create_tags": "eusc", "control_tags": "nowhere"}),
        (CHINA[1], {"create_tags": "not_aws", "control_tags": "not_aws"}),
    ],
    ids=json.dumps,
    indirect=["points"],
)


@NO_TAGS
@pytest.mark.usefixtures("points")
def test_where_no_bucket_is_made_with_tags_none_is_made(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch, dr: str
) -> None:
    functions.in_regions(monkeypatch, on_local_aws, SOURCE_REGION, dr)
    bucket = on_local_aws.bucket(tags=TRIGGER)

    last = functions.protect(event("put_bucket_tagging", bucket))[-1]

    assert_blocked(last, "TAGS_NOT_SUPPORTED")
    assert dr in last["remedy"]
    assert f"{bucket}-dr" not in on_local_aws.names()


@NO_TAGS
@pytest.mark.usefixtures("points")
def test_there_a_twin_is_made_by_hand(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch, dr: str
) -> None:
    functions.in_regions(monkeypatch, on_local_aws, SOURCE_REGION, dr)
    monkeypatch.setenv("PROFILES", profiles(clone=[]))
    bucket = on_local_aws.bucket(tags=TRIGGER)
    twin = on_local_aws.bucket(f"{bucket}-dr", region=dr)
    on_local_aws.tag(twin, twin_marker(bucket), dr)

    functions.protected(on_local_aws, bucket)


@pytest.mark.parametrize(
    "points", [{"create_tags": "nowhere", "control_tags": "eusc"}], ids=json.dumps, indirect=True
)
@pytest.mark.usefixtures("points")
def test_where_s3_control_tags_no_bucket_nothing_is_cloned_unmarked(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.in_regions(monkeypatch, on_local_aws, SOURCE_REGION, SOVEREIGN)
    bucket = on_local_aws.bucket(tags={**TRIGGER, "team": "orders"})

    last = functions.protect(event("put_bucket_tagging", bucket))[-1]

    assert (last["outcome"], last["reason"]) == ("blocked", "TAGS_NOT_SUPPORTED")
    assert on_local_aws.tags(f"{bucket}-dr", SOVEREIGN).items() >= twin_marker(bucket).items()


@each(open_points.ACCELERATION)
def test_acceleration_is_skipped_where_there_is_none(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    points: dict[str, str],
) -> None:
    functions.in_regions(monkeypatch, on_local_aws, SOURCE_REGION, NO_ACCELERATION)
    monkeypatch.setenv("PROFILES", profiles(clone=["accelerate"]))
    bucket = on_local_aws.bucket(tags=TRIGGER)
    on_local_aws.s3().put_bucket_accelerate_configuration(
        Bucket=bucket, AccelerateConfiguration={"Status": "Enabled"}
    )

    result = functions.check_destination(bucket)

    assert result["outcome"] == "passed_on"
    [line] = [found for found in result["properties"] if found["property"] == "accelerate"]
    if points["acceleration"] == "nowhere":
        assert line["outcome"] == "copied"
    else:
        assert (line["outcome"], line["reason"]) == ("skipped", "NOT_PORTABLE")
        assert line["notes"] == [f"S3 has no accelerate in {NO_ACCELERATION}"]


@each(open_points.TIME_CONTROL, create_tags="eusc", control_tags="eusc")
@pytest.mark.usefixtures("points")
def test_regions_without_time_control_block(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.in_regions(monkeypatch, on_local_aws, *CHINA)
    monkeypatch.setenv("PROFILES", profiles(replication_time_control=True))
    bucket = on_local_aws.bucket(tags=TRIGGER)

    last = functions.protect(event("put_bucket_tagging", bucket))[-1]

    assert_blocked(last, "RTC_NOT_SUPPORTED")
    with pytest.raises(ClientError, match="ReplicationConfigurationNotFoundError"):
        on_local_aws.replication(bucket)


@each(open_points.STS_REGION)
@pytest.mark.parametrize(
    ("source", "dr", "opt_in", "account"),
    [
        (SOURCE_REGION, "ca-west-1", "ca-west-1", FOREIGN_ACCOUNT),
        ("ap-south-2", DR_REGION, "ap-south-2", ACCOUNT),
    ],
    ids=["dr", "source"],
)
@pytest.mark.usefixtures("points")
def test_the_other_account_is_read_though_it_alone_or_we_alone_have_enabled_a_region(
    functions: Functions,
    on_local_aws: World,
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    dr: str,
    opt_in: str,
    account: str,
) -> None:
    lab.server.enable_region(opt_in, account)
    functions.in_regions(monkeypatch, on_local_aws, source, dr)
    reader = twin_reader(lab)
    functions.deploy(monkeypatch, DR_ACCOUNT_ID=FOREIGN_ACCOUNT, TWIN_READER_ROLE_ARN=reader)
    bucket = on_local_aws.bucket(tags=TRIGGER)

    assert functions.check_source(bucket)["outcome"] == "passed_on"

    assert "AssumeRole" in functions.operations


def twin_reader(lab: Lab) -> str:
    """A role of the DR account that the source account has and that may read buckets."""
    name = f"reader-{uuid.uuid4().hex[:8]}"
    reads = {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    arn = lab.role(name, [reads], FOREIGN_ACCOUNT)
    lab.server.client("iam", SOURCE_REGION, FOREIGN_ACCOUNT).update_assume_role_policy(
        RoleName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    return arn


def test_a_job_is_not_asked_for_as_long_as_others_have_all_places(life: Life, lab: Lab) -> None:
    life.local_aws.choose(preparing_counts="yes", seventh_job="refused")
    life.local_aws.jobs(step=60)
    others, jobs = fill(lab)
    life.put("a")

    last = life.tag()[-1]

    assert (last["outcome"], last["backfill"]["status"]) == ("protected", "queued")
    assert not troubles(last), "nobody has refused it"
    assert life.rule()["Status"] == "Enabled"
    assert life.record()["gap"] and life.jobs() == []
    life.local_aws.jobs(step=0.02)
    for job in jobs:
        others.wait(job)
    last = life.last()
    assert (last["outcome"], last["backfill"]["status"]) == ("protected", "preparing")
    life.ended()
    life.assert_whole()


def fill(lab: Lab) -> tuple[Jobs, list[str]]:
    """Jobs of another bucket, as many as S3 takes."""
    others = Jobs(lab)
    made: list[str] = []
    others.put("k")
    others.replicate()
    with suppress(ClientError):
        while len(made) < 7:
            made.append(others.create("NONE", Description="existing objects of another bucket"))
    assert len(made) < 7, "else S3 takes any number"
    return others, made
