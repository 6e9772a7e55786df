"""Each property of a source reaches its twin, follows it, and is looked after there."""

from __future__ import annotations

from typing import Any

import pytest

from functional.clonable import CASES, Case, Pair, Sides
from functional.payload import DR_REGION, Functions, World, fault, troubles
from s3_dr.profiles import CLONABLE

pytest_plugins = ["functional.payload", "functional.clonable"]

EACH = pytest.mark.parametrize("case", CASES, ids=str)
# What becomes of a change on the twin is decided in one place for all properties. These differ in
# how they are read, compared, marked and written: one piece, several under IDs that are translated,
# one that is forced unless it is chosen, tags, and the policy, to which the twin adds its own.
REPRESENTATIVES = [
    case for case in CASES if str(case) in ("cors", "inventory", "ownership", "policy", "tags")
]
SOME = pytest.mark.parametrize("case", REPRESENTATIVES, ids=str)


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
    pair.assert_twin_has(case.on_twin)
    pair.settled()

    if case.change is not None:
        pair.configure(case.change)
        pair.check()
        pair.assert_twin_has(case.change)
        pair.settled()

    pair.configure(None)
    _, line = pair.check()
    assert line["outcome"] in ("copied", "translated"), "tags are never none: one asks for it"
    assert line["reason"] in ("REMOVED", "LEFT_OUT")
    pair.assert_twin_has(None)
    pair.settled()


@pytest.mark.parametrize(
    ("case", "sabotage"),
    [
        pytest.param(case, sabotage, id=f"{case}-{'changed' if sabotage else 'removed'}")
        for case in REPRESENTATIVES
        for sabotage in (case.sabotage, None)
    ],
)
def test_what_others_change_on_the_twin_is_reported_and_put_back_if_the_profile_says_so(
    pair: Pair, case: Case, sabotage: Any
) -> None:
    pair.configure(case.value)
    pair.check()
    pair.sabotage(sabotage)

    result, line = pair.check()

    assert result["outcome"] == "passed_on", "the copies come first"
    assert (line["outcome"], line["reason"]) == ("skipped", "DRIFT")
    assert any("left as it is" in note for note in line["notes"])
    assert troubles(result) == [
        f"DRIFT: somebody changed {case.name} of {pair.twin}: left as it is"
    ]
    assert pair.functions.log_lines()[-1]["level"] == "WARN"
    assert pair.functions.writes == []
    pair.assert_twin_has(sabotage)

    if case.change != sabotage:
        pair.configure(case.change)
        result, line = pair.check()
        assert line["reason"] == "DRIFT", "the source's change does not overwrite it either"
        assert result["warnings"]
        pair.assert_twin_has(sabotage)

    pair.configure(case.value)
    pair.deploy(on_drift="restore")
    result, line = pair.check()

    assert line["outcome"] in ("copied", "translated")
    assert line["reason"] == "DRIFT"
    assert troubles(result) == [f"DRIFT: somebody changed {case.name} of {pair.twin}: put back"]
    assert pair.functions.log_lines()[-1]["level"] == "WARN", "it is said nevertheless"
    pair.assert_twin_has(case.on_twin)
    pair.settled()


@SOME
def test_what_somebody_adds_to_a_twin_of_ours_is_drift(pair: Pair, case: Case) -> None:
    added = case.sabotage
    pair.check()
    pair.sabotage(added)

    result, line = pair.check()
    assert (line["outcome"], line["reason"]) == ("skipped", "DRIFT")
    assert len(troubles(result)) == 1
    assert pair.functions.writes == []
    pair.assert_twin_has(added)

    pair.deploy(on_drift="restore")
    result, line = pair.check()
    assert line["reason"] in ("DRIFT", "LEFT_OUT")
    pair.assert_twin_has(None, "there was nothing on it before us")
    pair.settled()


@SOME
def test_what_was_on_an_adopted_twin_is_left_alone(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
) -> None:
    pair = Pair(functions, on_local_aws, one_account, case, monkeypatch)
    on_local_aws.twin(pair.bucket, **case.bucket)
    theirs = case.sabotage
    pair.sabotage(theirs)

    for on_drift in ("report", "restore"):
        pair.deploy(on_drift=on_drift)
        result, line = pair.check()
        assert (line["outcome"], line["reason"]) == ("skipped", "NOT_OURS")
        assert any(f"had set {case.name} of" in each for each in result["warnings"])
        pair.assert_twin_has(theirs, "the source has none; this is not ours")

    pair.deploy()
    pair.configure(case.value)
    pair.check()
    pair.assert_twin_has(theirs, "nor is it overwritten")


@SOME
def test_an_adopted_twin_that_has_nothing_gets_it(pair: Pair, case: Case) -> None:
    pair.world.twin(pair.bucket, **case.bucket)
    pair.configure(case.value)

    result, _ = pair.check()

    assert not troubles(result)
    pair.assert_twin_has(case.on_twin)
    pair.settled()


ACCELERATE = pytest.mark.parametrize("case", [c for c in CASES if c.name == "accelerate"], ids=str)
# In some regions, and in the partitions of China and of the US government.
LACKING = pytest.mark.parametrize("code", ["MethodNotAllowed", "UnsupportedArgument"])
NO_ACCELERATION = {
    "property": "accelerate",
    "outcome": "skipped",
    "reason": "NOT_PORTABLE",
    "notes": ["S3 has no accelerate in us-east-2"],
}


@ACCELERATE
@LACKING
def test_what_the_dr_region_lacks_is_skipped_and_said(
    pair: Pair, local_aws: Any, code: str
) -> None:
    operation = "BucketAccelerateConfiguration"
    lacks = [fault(f"{verb}{operation}", pair.twin, code, 405, times=99) for verb in ("Get", "Put")]
    pair.configure("Enabled")
    local_aws.faults(lacks)

    result, line = pair.check()
    assert (result["outcome"], line) == ("passed_on", NO_ACCELERATION)
    assert "s3-dr:cloned" not in pair.world.tags(pair.twin, DR_REGION), "nothing is left behind"
    for _ in range(2):
        result, line = pair.check()
        assert line == NO_ACCELERATION
        assert pair.functions.writes == [], "S3 is not asked again for what it does not have"

    pair.configure(None)
    result, line = pair.check()
    assert line == {"property": "accelerate", "outcome": "same"}, "neither has it"
    pair.configure("Enabled")
    local_aws.faults([])
    _, line = pair.check()
    assert line["outcome"] == "copied", "the region has it now"
    pair.settled()


@ACCELERATE
@LACKING
def test_what_the_source_region_lacks_is_not_set(pair: Pair, local_aws: Any, code: str) -> None:
    local_aws.faults([fault("GetBucketAccelerateConfiguration", pair.bucket, code, 405, times=99)])

    result, line = pair.check()

    assert (result["outcome"], line["outcome"]) == ("passed_on", "same")
    local_aws.faults([])
