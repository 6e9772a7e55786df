"""The features hold for good plans, and each scenario fails on the bad plan made for it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from compliance import checker, plans
from harness.plan import Plan

pytestmark = pytest.mark.terraform

_SCENARIO = re.compile(r"^(?P<tags>(?:[ \t]*@.*\n)*)[ \t]*Scenario: (?P<name>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Scenario:
    """A scenario that is written down.

    Attributes:
        name: What it is called.
        tags: Its tags.
        folder: The folder of ``features_for`` that it is in, or empty: it is for every plan.
    """

    name: str
    tags: frozenset[str]
    folder: str


@dataclass(frozen=True)
class Verdicts:
    """What terraform-compliance said about each plan.

    Attributes:
        good: By kind, of the features that are for that kind and of those that are not.
        plain: Of the features for every plan, and a plan of the kind that has nothing more.
        empty: Of all features, and the plan of a root with nothing in it.
        bad: By folder.
    """

    good: Mapping[str, checker.Verdict]
    plain: checker.Verdict
    empty: checker.Verdict
    bad: Mapping[str, checker.Verdict]


def _read(folder: Path, name: str) -> list[Scenario]:
    texts = [file.read_text("utf-8") for file in sorted(folder.rglob("*.feature"))]
    found = [match for text in texts for match in _SCENARIO.finditer(text)]
    return [Scenario(each["name"], frozenset(each["tags"].split()), name) for each in found]


FOLDERS = sorted(folder.name for folder in checker.FEATURES_FOR.iterdir() if folder.is_dir())
SCENARIOS = [
    *_read(checker.FEATURES, ""),
    *(each for name in FOLDERS for each in _read(checker.FEATURES_FOR / name, name)),
]
# The first kind, and so the one with the least in it, that a folder's scenarios are for.
_KIND_FOR = {
    "": next(iter(plans.KINDS)),
    **{
        name: next(kind for kind, folders in plans.KINDS.items() if name in folders)
        for name in FOLDERS
    },
}
_FOLDER_OF = {scenario.name: scenario.folder for scenario in SCENARIOS}


@pytest.fixture(scope="module")
def program() -> Path:
    return checker.find(os.environ)


@pytest.fixture(scope="module")
def verdicts(
    program: Path, everything_planned: Plan, tmp_path_factory: pytest.TempPathFactory
) -> Verdicts:
    """All verdicts."""
    data = everything_planned.data
    good = {f"good-{kind}": (plans.good_plan(data, kind), FOLDERS) for kind in plans.KINDS}
    bad = {f"bad-{each.name}": (_bad_plan(data, each), _folders(each)) for each in plans.BAD}
    others = {
        "plain": (plans.good_plan(data, _KIND_FOR[""]), []),
        "empty": (plans.empty_plan(data), FOLDERS),
    }
    found = checker.judge_all(program, good | bad | others, tmp_path_factory.mktemp("plans"))
    return Verdicts(
        {kind: found[f"good-{kind}"] for kind in plans.KINDS},
        found["plain"],
        found["empty"],
        {each.name: found[f"bad-{each.name}"] for each in plans.BAD},
    )


def _bad_plan(data: Mapping[str, Any], bad: plans.Bad) -> dict[str, Any]:
    return plans.bad_plan(data, bad, _KIND_FOR[_FOLDER_OF.get(bad.scenario, "")])


def _folders(bad: plans.Bad) -> list[str]:
    """The folders of ``features_for`` that a bad plan is judged by."""
    name = _FOLDER_OF.get(bad.scenario, "")
    return [name] if name else []


def test_scenarios_have_names_of_their_own() -> None:
    counted = Counter(scenario.name for scenario in SCENARIOS)
    assert counted, "There must be scenarios"
    twice = [name for name, times in counted.items() if times > 1]
    assert not twice, f"A report knows scenarios by name, but these stand twice: {twice}"


def test_no_scenario_can_be_skipped() -> None:
    bare = [each.name for each in SCENARIOS if "@noskip" not in each.tags]
    assert not bare, f"terraform-compliance exits 0 on what it skips: put @noskip before {bare}"


def test_every_scenario_has_a_bad_root() -> None:
    written = {scenario.name for scenario in SCENARIOS}
    claimed = {bad.scenario for bad in plans.BAD}
    assert claimed == written, (
        f"Without a bad root: {sorted(written - claimed)}; "
        f"bad roots for scenarios that do not exist: {sorted(claimed - written)}"
    )


def test_every_feature_is_for_a_kind_of_installation() -> None:
    named = {folder for folders in plans.KINDS.values() for folder in folders}
    assert named == set(FOLDERS), "KINDS in plans.py must name each folder of features_for"
    files = set(checker.FEATURES_FOR.rglob("*.feature"))
    stray = files - {file for name in FOLDERS for file in (checker.FEATURES_FOR / name).glob("*")}
    assert not stray, f"These are in no folder of features_for: {stray}"


def test_missing_terraform_compliance_is_an_error() -> None:
    with pytest.raises(checker.MissingError, match="There is no terraform-compliance where"):
        checker.find({checker.VARIABLE: os.devnull})


@pytest.mark.parametrize("kind", plans.KINDS)
def test_good_plan_passes(kind: str, verdicts: Verdicts) -> None:
    """What is for another kind of plan fails, instead of being skipped, when it is run on this."""
    verdict, folders = verdicts.good[kind], {"", *plans.KINDS[kind]}
    expected = {each.name: "passed" if each.folder in folders else "failed" for each in SCENARIOS}
    assert verdict.scenarios == expected, (
        f"Every scenario for '{kind}' must run and pass, and every other must fail:\n"
        f"{verdict.output}"
    )
    failed = folders != {"", *FOLDERS}
    assert verdict.code == failed, f"terraform-compliance must exit {failed:d} on '{kind}'"


def test_plan_with_nothing_more_passes(verdicts: Verdicts) -> None:
    expected = {each.name: "passed" for each in SCENARIOS if not each.folder}
    assert verdicts.plain.scenarios == expected, (
        f"Every scenario of features must run and pass:\n{verdicts.plain.output}"
    )
    assert verdicts.plain.code == 0, "terraform-compliance must exit 0 when all is well"


def test_nothing_passes_without_the_module(verdicts: Verdicts) -> None:
    """A scenario that looks for nothing, and so finds nothing wrong, is not a scenario."""
    expected = {each.name: "failed" for each in SCENARIOS}
    assert verdicts.empty.scenarios == expected, (
        f"Every scenario must fail when what it looks at is missing:\n{verdicts.empty.output}"
    )
    assert verdicts.empty.code == 1, "terraform-compliance must exit 1 when a scenario fails"


@pytest.mark.parametrize("bad", plans.BAD, ids=lambda bad: bad.name)
def test_bad_plan_fails_its_scenario(bad: plans.Bad, verdicts: Verdicts) -> None:
    verdict = verdicts.bad[bad.name]
    assert verdict.failed() == {bad.scenario}, (
        f"bad/{bad.name} must make '{bad.scenario}' fail, and no other scenario:\n{verdict.output}"
    )
    assert verdict.code == 1, "terraform-compliance must exit 1 when a scenario fails"


def test_many_at_once_are_judged_as_one_alone(
    program: Path, everything_planned: Plan, verdicts: Verdicts, tmp_path: Path
) -> None:
    """A good plan and a bad one, judged by the command line that consumers use."""
    data, bad = everything_planned.data, next(each for each in plans.BAD if _folders(each))
    for name, plan, folders, expected in (
        ("good", plans.good_plan(data, _KIND_FOR[""]), [], verdicts.plain),
        ("bad", _bad_plan(data, bad), _folders(bad), verdicts.bad[bad.name]),
    ):
        folder = tmp_path / name
        folder.mkdir()
        alone = checker.judge(program, plan, folder, folders)
        assert (alone.code, alone.scenarios) == (expected.code, expected.scenarios), (
            f"The {name} plan must get the same verdict alone as among others:\n{alone.output}"
        )
