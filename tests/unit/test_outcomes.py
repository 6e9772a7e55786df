"""Results: the facts of a check, as they go into the log and to the caller."""

from __future__ import annotations

import json

from s3_dr.outcomes import Outcome, Reason, Result


def test_a_result_holds_only_what_is_known() -> None:
    facts = Result(Outcome.IGNORED, reason=Reason.UNKNOWN_EVENT).as_dict()

    assert facts == {"outcome": "ignored", "reason": "UNKNOWN_EVENT", "changes": []}


def test_a_result_is_json() -> None:
    result = Result(Outcome.PASSED_ON, "orders", "orders-dr", "standard", changes=("CreateBucket",))

    assert json.loads(json.dumps(result.as_dict())) == {
        "bucket": "orders",
        "changes": ["CreateBucket"],
        "outcome": "passed_on",
        "profile": "standard",
        "twin": "orders-dr",
    }


def test_a_reason_is_written_as_it_is_called() -> None:
    for reason in Reason:
        assert reason.value == reason.name, "alerts filter on the reason's text"
