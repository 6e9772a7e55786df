"""Each property of a source reaches its twin, follows it, and is looked after there."""

from __future__ import annotations

from typing import Any

import pytest

from functional.clonable import CASES, Case, Pair, Sides
from functional.payload import Functions, World
from s3_dr.profiles import CLONABLE

pytest_plugins = ["functional.payload", "functional.clonable"]

EACH = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture
def pair(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
) -> Pair:
    made = Pair(functions, on_local_aws, one_account, case, monkeypatch)
    made.deploy()
    return made


def test_there_is_a_case_for_each_property_that_can_be_cloned() -> None:
    assert {case.name for case in CASES} == CLONABLE


@EACH
def test_a_property_is_cloned_and_follows_its_source(pair: Pair, case: Case) -> None:
    pair.configure(case.value)
    assert case.hand.get(pair.world.s3(), pair.bucket), "the source has it"

    _, line = pair.check()

    assert line["outcome"] in ("copied", "translated")
    assert "reason" not in line
    assert pair.on_twin() == pair.expected(case.on_twin)
    pair.functions.protected(pair.world, pair.bucket)
    pair.settled()

    if case.change is not None:
        pair.configure(case.change)
        pair.check()
        assert pair.on_twin() == pair.expected(case.change)
        pair.settled()

    pair.configure(None)
    _, line = pair.check()
    assert line["outcome"] in ("copied", "translated"), "tags are never none: one asks for it"
    assert line["reason"] in ("REMOVED", "LEFT_OUT")
    assert pair.on_twin() is None
    pair.settled()


def sabotages(case: Case) -> list[Any]:
    """What somebody may do on the twin: change it, or take it away."""
    return [None] if case.sabotage is None else [case.sabotage, None]


SABOTAGES = pytest.mark.parametrize(
    ("case", "sabotage"),
    [
        pytest.param(case, sabotage, id=f"{case}-{'changed' if sabotage else 'removed'}")
        for case in CASES
        for sabotage in sabotages(case)
    ],
)


@SABOTAGES
def test_what_others_change_on_the_twin_is_reported_and_left(
    pair: Pair, case: Case, sabotage: Any
) -> None:
    pair.configure(case.value)
    pair.check()
    pair.sabotage(sabotage)

    result, line = pair.check()

    assert result["outcome"] == "passed_on", "the copies come first"
    assert (line["outcome"], line["reason"]) == ("skipped", "DRIFT")
    assert any("left as it is" in note for note in line["notes"])
    [warning] = result["warnings"]
    assert warning == f"DRIFT: somebody changed {case.name} of {pair.twin}: left as it is"
    assert pair.functions.log_lines()[-1]["level"] == "WARNING"
    assert pair.functions.writes == []
    assert pair.on_twin() == pair.expected(sabotage)

    pair.configure(case.change)
    result, line = pair.check()
    if case.change != sabotage:
        assert line["reason"] == "DRIFT", "the source's change does not overwrite it either"
        assert result["warnings"]
    assert pair.on_twin() == pair.expected(sabotage)


@SABOTAGES
def test_what_others_change_on_the_twin_is_put_back_if_the_profile_says_so(
    pair: Pair, case: Case, sabotage: Any
) -> None:
    pair.deploy(on_drift="restore")
    pair.configure(case.value)
    pair.check()
    pair.sabotage(sabotage)

    result, line = pair.check()

    assert line["outcome"] in ("copied", "translated")
    assert line["reason"] == "DRIFT"
    assert result["warnings"] == [f"DRIFT: somebody changed {case.name} of {pair.twin}: put back"]
    assert pair.functions.log_lines()[-1]["level"] == "WARNING", "it is said nevertheless"
    assert pair.on_twin() == pair.expected(case.on_twin)
    pair.settled()


@EACH
def test_what_somebody_adds_to_a_twin_of_ours_is_drift(pair: Pair, case: Case) -> None:
    added = case.sabotage or case.on_twin
    pair.check()
    pair.sabotage(added)

    result, line = pair.check()
    assert (line["outcome"], line["reason"]) == ("skipped", "DRIFT")
    assert len(result["warnings"]) == 1
    assert pair.functions.writes == []
    assert pair.on_twin() == pair.expected(added)

    pair.deploy(on_drift="restore")
    result, line = pair.check()
    assert line["reason"] in ("DRIFT", "LEFT_OUT")
    assert pair.on_twin() is None, "there was nothing on it before us"
    pair.settled()


@EACH
def test_what_was_on_an_adopted_twin_is_left_alone(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
) -> None:
    pair = Pair(functions, on_local_aws, one_account, case, monkeypatch)
    on_local_aws.twin(pair.bucket, **case.bucket)
    theirs = case.sabotage or case.on_twin
    pair.sabotage(theirs)

    for on_drift in ("report", "restore"):
        pair.deploy(on_drift=on_drift)
        result, line = pair.check()
        assert (line["outcome"], line["reason"]) == ("skipped", "NOT_OURS")
        assert any(f"had set {case.name} of" in each for each in result["warnings"])
        assert pair.on_twin() == pair.expected(theirs), "the source has none; this is not ours"

    if case.sabotage is not None:
        pair.deploy()
        pair.configure(case.value)
        pair.check()
        assert pair.on_twin() == pair.expected(theirs), "nor is it overwritten"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_adopted_twin_that_has_nothing_gets_it(pair: Pair, case: Case) -> None:
    pair.world.twin(pair.bucket, **case.bucket)
    pair.configure(case.value)

    result, _ = pair.check()

    assert "warnings" not in result
    assert pair.on_twin() == pair.expected(case.on_twin)
    pair.settled()
