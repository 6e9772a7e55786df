"""What the command line sends, the functions understand: neither can import the other."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import s3_dr
from functional.payload import environment
from s3_dr import events
from s3_dr.events import WISHES, Wish
from s3_dr.outcomes import Ignored
from s3_dr.settings import Settings
from s3_dr.sweep import SweepError, do
from s3_dr_cli import commands, jobs, module, waiting
from s3_dr_cli.__main__ import main
from unit.cli_world import Call, World, world

__all__ = ["world"]

SETTINGS = Settings.from_environment(environment())
# Every command, in each way that sends something else.
COMMANDS: dict[str, list[list[str]]] = {
    "backfill": [
        ["photos"],
        ["photos", "--everything"],
        ["photos", "--confirm"],
        ["photos", "--wait"],
    ],
    "check": [["photos"], ["photos", "--no-wait"]],
    "doctor": [[]],
    "jobs": [[]],
    "release": [["photos", "--yes"], ["--all", "--yes"]],
    "status": [[], ["photos"]],
    "sweep": [[]],
}
ASKED = [[name, *options] for name, ways in COMMANDS.items() for options in ways]


def answer(function: str, detail: dict[str, Any]) -> dict[str, Any]:
    """What any function answers: a bucket whose job has just ended, or all that were released."""
    done = {"outcome": "protected", "backfill": {"status": "complete"}}
    results = [{**done, "bucket": name} for name in detail.get("buckets", [])]
    return {"results": results, "outcome": "released", "released": 0, "left": []}


@pytest.fixture(autouse=True)
def _whatever_is_asked_is_answered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "sleep", lambda _: None)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    world.tagged = ["photos"]
    world.does.update(dict.fromkeys([*Wish, "anything else"], answer))


def sent(call: Call) -> Iterator[tuple[str, Any]]:
    """Each event of a call, with the function that it is for."""
    if call.operation == "Invoke":
        yield call.function, call.event
    if call.operation == "PutEvents":
        for entry in call.parameters["Entries"]:
            assert entry["Source"] == events.SOURCE, "no rule would match"
            assert entry["DetailType"] == Wish.SWEEP, "the rule of the sweep would not match"
            yield "sweep", {"source": entry["Source"], "detail-type": entry["DetailType"]}


def test_every_command_is_looked_at() -> None:
    assert COMMANDS.keys() == commands.cli.commands.keys()


@pytest.mark.parametrize("arguments", ASKED, ids=" ".join)
def test_the_functions_understand_what_a_command_sends(world: World, arguments: list[str]) -> None:
    main(arguments)

    asked = [each for call in world.calls for each in sent(call)]
    assert asked, "it asks for something"
    for function, event in asked:
        wish = event["detail-type"]
        assert wish in WISHES[function], f"{function} does not know {wish!r}"
        if function == "sweep":
            assert events.read_sweep(event).wish == wish
            continue
        for found in events.read(function, event, SETTINGS):
            assert not isinstance(found, Ignored), f"{function} ignores it: {found}"
            assert (found.bucket, found.wish) == ("photos", wish)
            assert found.dry_run is event["detail"].get("dry_run", False)
            assert found.everything is event["detail"].get("everything", False)


def test_all_that_can_be_asked_for_can_be_asked_by_the_command_line(world: World) -> None:
    for arguments in ASKED:
        main(arguments)

    asked = {event["detail-type"] for call in world.calls for _, event in sent(call)}

    assert asked == {*Wish} - {"Job Turns Requested"}, "for turns only the schedule asks"


def test_the_names_in_the_command_line_are_those_of_the_functions() -> None:
    assert set(module.FUNCTIONS) == WISHES.keys()
    assert json.loads(json.dumps(module.event(Wish.CHECK)))["source"] == events.SOURCE


def test_the_words_of_jobs_are_those_of_the_functions(world: World) -> None:
    """The command line orders, filters and counts by them, and nothing would fail if they differed.

    Only that the functions have each word: what they say with them their own tests tell.
    """
    paths = Path(s3_dr.__file__).parent.glob("*.py")
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    words = {node.value for node in nodes if isinstance(node, ast.Constant)}
    words |= {node.arg for node in nodes if isinstance(node, ast.keyword)}
    keys = {"active_jobs", "at_once", "held_by_ours", "held_by_others", "errors", "jobs"}
    keys |= {"bucket", "status", "place", "kind", "since", "not_before", "is_large"}
    keys |= {"total", "succeeded", "failed", "queue"}

    assert {*jobs.Status, *keys} <= words


def test_the_sweep_s_refusal_of_what_it_does_not_know_is_told_from_others() -> None:
    with pytest.raises(SweepError, match=jobs.NOT_KNOWN):
        do(SimpleNamespace(), events.read_sweep(module.event("Something New")))  # type: ignore[arg-type]
