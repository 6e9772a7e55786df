"""The table of properties: whole, in its order, and the same in Python and Terraform."""

from __future__ import annotations

import re
from pathlib import Path

from s3_dr.cloning.engine import Property
from s3_dr.cloning.properties import PROPERTIES
from s3_dr.profiles import CLONABLE, Profile

TERRAFORM = (Path(__file__).parents[3] / "properties.tf").read_text(encoding="utf-8")
NAMES = [each.name for each in PROPERTIES]
FORCED = ["public_access_block", "ownership", "versioning", "encryption", "object_lock"]


def named(name: str) -> Property:
    return next(each for each in PROPERTIES if each.name == name)


def test_what_a_twin_must_have_comes_first() -> None:
    assert [each.name for each in PROPERTIES if each.is_forced] == NAMES[: len(FORCED)] == FORCED


def test_who_is_let_in_comes_last() -> None:
    assert NAMES[-2:] == ["acl", "policy"]


def test_everything_clonable_is_in_the_table() -> None:
    only_forced = {"public_access_block", "versioning", "encryption", "object_lock"}

    assert sorted(NAMES) == sorted(CLONABLE | only_forced)


def test_terraform_has_the_same_table() -> None:
    rows = re.findall(r"^    (\w+) = \{\n((?:      .*\n)+)    \}$", TERRAFORM, re.MULTILINE)

    assert {name for name, _ in rows} == CLONABLE
    for name, row in rows:
        keys = re.findall(r"^      (\w+) += \[(.+)\]$", row, re.MULTILINE)
        assert [key for key, _ in keys] == ["events", "reads", "writes"], name


def test_what_is_cloned_by_default_lets_nobody_in_and_goes_nowhere() -> None:
    default = Profile("standard", ({"dr": "true"},)).clone

    assert default == {"tags", "lifecycle", "cors", "intelligent_tiering", "metrics"}


def test_the_twins_tag_has_room_for_all_of_them() -> None:
    keys = [named(name).key for name in CLONABLE]
    mark = named("cors").mark([{}])
    text = " ".join(f"{key}=.{mark}" for key in keys)

    assert len(set(keys)) == len(keys), "each is known by its first letters"
    assert len(mark) == 8
    assert re.fullmatch(r"[\w+=.:/@ -]{1,256}", text, re.ASCII), "what a tag's value may hold"
