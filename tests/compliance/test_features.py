"""The features hold for a good plan, and each scenario fails on the bad plan made for it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from compliance import checker, plans
from harness.sts import sts_stub
from harness.terraform import Root
from harness.toolchain import Toolchain

pytestmark = pytest.mark.terraform

_SCENARIO = re.compile(r"^(?P<tags>(?:[ \t]*@.*\n)*)[ \t]*Scenario: (?P<name>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Verdicts:
    """What terraform-compliance said about each plan."""

    good: checker.Verdict
    empty: checker.Verdict
    bad: Mapping[str, checker.Verdict]


@pytest.fixture(scope="module")
def program() -> Path:
    return checker.find(os.environ)


@pytest.fixture(scope="module")
def data(
    program: Path, tmp_path_factory: pytest.TempPathFactory, terraform_cli: Toolchain
) -> Mapping[str, Any]:
    """The JSON of the one plan that holds good and bad; not made when there is no program."""
    folder = tmp_path_factory.mktemp("root")
    plans.write_root(folder)
    with sts_stub() as env, Root(folder, tools=terraform_cli, env=env) as root:
        root.init()
        return root.plan().data


@pytest.fixture(scope="module")
def verdicts(
    program: Path, data: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Verdicts]:
    """All verdicts, as many at once as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:

        def judge(plan: Mapping[str, Any]) -> Any:
            return pool.submit(checker.judge, program, plan, tmp_path_factory.mktemp("plan"))

        good, empty = judge(plans.good_plan(data)), judge(plans.empty_plan(data))
        bad = {each.name: judge(plans.bad_plan(data, each)) for each in plans.BAD}
        yield Verdicts(
            good.result(), empty.result(), {name: each.result() for name, each in bad.items()}
        )


def scenarios() -> list[re.Match[str]]:
    """Every scenario that is written down."""
    files = sorted(checker.FEATURES.glob("*.feature"))
    return [found for file in files for found in _SCENARIO.finditer(file.read_text("utf-8"))]


def test_scenarios_have_names_of_their_own() -> None:
    counted = Counter(scenario["name"] for scenario in scenarios())
    assert counted, "There must be scenarios"
    twice = [name for name, times in counted.items() if times > 1]
    assert not twice, f"A report knows scenarios by name, but these stand twice: {twice}"


def test_no_scenario_can_be_skipped() -> None:
    bare = [each["name"] for each in scenarios() if "@noskip" not in each["tags"].split()]
    assert not bare, f"terraform-compliance exits 0 on what it skips: put @noskip before {bare}"


def test_every_scenario_has_a_bad_root() -> None:
    written = {scenario["name"] for scenario in scenarios()}
    claimed = {bad.scenario for bad in plans.BAD}
    assert claimed == written, (
        f"Without a bad root: {sorted(written - claimed)}; "
        f"bad roots for scenarios that do not exist: {sorted(claimed - written)}"
    )


def test_missing_terraform_compliance_is_an_error() -> None:
    with pytest.raises(checker.MissingError, match="There is no terraform-compliance where"):
        checker.find({checker.VARIABLE: os.devnull})


def test_good_plan_passes(verdicts: Verdicts) -> None:
    expected = {scenario["name"]: "passed" for scenario in scenarios()}
    assert verdicts.good.scenarios == expected, (
        f"Every scenario must run and pass on the good plan:\n{verdicts.good.output}"
    )
    assert verdicts.good.code == 0, "terraform-compliance must exit 0 when all is well"


def test_nothing_passes_without_the_module(verdicts: Verdicts) -> None:
    """A scenario that looks for nothing, and so finds nothing wrong, is not a scenario."""
    passed = {name for name, state in verdicts.empty.scenarios.items() if state != "failed"}
    assert not passed, f"These scenarios must fail when what they look at is missing: {passed}"
    assert verdicts.empty.code == 1, "terraform-compliance must exit 1 when a scenario fails"


@pytest.mark.parametrize("bad", plans.BAD, ids=lambda bad: bad.name)
def test_bad_plan_fails_its_scenario(bad: plans.Bad, verdicts: Verdicts) -> None:
    verdict = verdicts.bad[bad.name]
    assert verdict.failed() == {bad.scenario}, (
        f"bad/{bad.name} must make '{bad.scenario}' fail, and no other scenario:\n{verdict.output}"
    )
    assert verdict.code == 1, "terraform-compliance must exit 1 when a scenario fails"
