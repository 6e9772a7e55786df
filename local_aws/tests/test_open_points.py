"""Each open point shows each of its variants, and a world is a variant of every point."""

import subprocess
import sys

import pytest

from local_aws import LocalAws, LocalAwsError, open_points
from local_aws.tests.lab import Lab

TABLE = list(open_points.POINTS.values())


@pytest.mark.parametrize("world", open_points.WORLDS)
def test_a_world_is_a_variant_of_every_point(lab: Lab, world: str) -> None:
    number = open_points.WORLDS.index(world)

    with lab.server.chosen(world):
        chosen = lab.server.points()

    assert chosen == {point.name: point.variants[number] for point in TABLE}
    assert lab.server.points() == {point.name: point.variants[0] for point in TABLE}


def test_one_point_is_switched_alone(lab: Lab) -> None:
    before = lab.server.points()

    with lab.server.chosen(tag_record_source="aws.s3control"):
        assert lab.server.points() == {**before, "tag_record_source": "aws.s3control"}

    assert lab.server.points() == before


@pytest.mark.parametrize(
    ("world", "points", "said"),
    [
        ("thrid", {}, "no world 'thrid': there are first, second"),
        ("", {"marker_di": "new"}, "no point 'marker_di': there are .*marker_id"),
        ("second", {"marker_id": "nwe"}, "marker_id has no variant 'nwe': it has same, new"),
    ],
)
def test_what_does_not_exist_is_refused_by_name_and_changes_nothing(
    lab: Lab, world: str, points: dict[str, str], said: str
) -> None:
    before = lab.server.points()

    with pytest.raises(LocalAwsError, match=said):
        lab.server.choose(world, **points)
    with pytest.raises(open_points.NotAPoint, match=said):
        LocalAws(world=world, points=points)

    assert lab.server.points() == before


def test_world_and_points_are_given_at_the_start() -> None:
    with LocalAws(quiet=True, world="second", points={"marker_id": "same"}) as server:
        second = {point.name: point.variants[1] for point in TABLE}
        assert server.points() == {**second, "marker_id": "same"}


def test_the_table_is_printed_for_a_screen_of_80_columns() -> None:
    printed = _run("--points").stdout

    for point in TABLE:
        assert f"\n\n{point.name}\n" in printed
        assert all(variant in printed for variant in point.variants)
    assert max(map(len, printed.splitlines())) <= 80


def test_the_command_refuses_a_typo() -> None:
    refused = _run("--point", "marker_id=nwe")

    assert refused.returncode == 2
    assert "marker_id has no variant 'nwe': it has same, new." in refused.stderr


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "local_aws", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
