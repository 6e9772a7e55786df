"""``backfill --wait``: jobs are followed to their ends, and a person or a log is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import times
from .backfill import WAITS, is_moving, number, summary
from .output import Output
from .pace import Pace, Promise
from .text import amount, plain
from .waiting import rounds

Result = dict[str, Any]
Ask = Callable[[Sequence[str]], Mapping[str, Result]]

_FIRST, _LONGEST = 5.0, 30.0  # seconds between rounds: a job takes minutes or hours
_PATIENCE = 3  # errors in a row
# A place in the queue is given every few minutes at most, and each question is a check of a bucket.
_EAGER, _EVERY = 6, 4  # so many rounds at first; then every so many


def follow(answers: dict[str, Result], ask: Ask, output: Output) -> None:
    """Check the buckets, so that their jobs go on and are noted, until all have ended.

    Args:
        answers: what enable_replication said of each bucket; the last it says when this ends.
        ask: has the buckets of these names checked.
        output: where progress goes.
    """
    errors = dict.fromkeys(answers, 0)
    view = _View(output, answers)
    with output.progress("Copying existing objects", None) as update:
        for turn, _ in enumerate(rounds(_FIRST, _LONGEST)):
            left = [
                name
                for name, each in answers.items()
                if is_moving(each["backfill"]) and errors[name] < _PATIENCE
            ]
            view.show(update, left)
            if not left:
                return
            for name, answer in ask(_due(answers, left, turn)).items():
                failed = answer["outcome"] == "failed"
                errors[name] = errors[name] + 1 if failed else 0
                # One error says nothing about the job: what was last heard of it still holds.
                if failed and not answer["backfill"]:
                    answer["backfill"] = answers[name]["backfill"]
                if not failed or errors[name] == _PATIENCE:
                    answers[name] = answer
                if not failed:
                    view.see(name)


def _due(answers: Mapping[str, Result], left: Sequence[str], turn: int) -> list[str]:
    """Whom to ask about in this round."""
    if turn < _EAGER or turn % _EVERY == 0:
        return list(left)
    return [name for name in left if answers[name]["backfill"].get("status") not in WAITS]


class _View:
    """What is told of jobs while they are followed."""

    def __init__(self, output: Output, answers: Mapping[str, Result]) -> None:
        self._output, self._answers = output, answers
        self._paces = {name: Pace() for name in answers}
        self._promises = {name: Promise() for name in answers}
        self._of_all = Promise()
        self._told: dict[str, str] = {}
        for name in answers:
            self.see(name)

    def see(self, name: str) -> None:
        """Note what was just heard of a job."""
        self._paces[name].see(self._answers[name]["backfill"], times.now())

    def show(self, update: Callable[..., None], left: Sequence[str]) -> None:
        """The bar for a person, or a line for each job that has moved since the last one."""
        if not self._output.is_watched:
            self._tell()
            return
        facts = [each["backfill"] for each in self._answers.values()]
        done = sum(number(each, "succeeded") + number(each, "failed") for each in facts)
        # Of what has not been counted nobody knows how much it is: a bar would go back.
        is_known = all(number(self._answers[name]["backfill"], "total") for name in left)
        total = sum(number(each, "total") for each in facts) if is_known else None
        update(done, total or None, self._line(left))

    def _tell(self) -> None:
        at = times.now()
        for name, answer in self._answers.items():
            now, end = _words(answer["backfill"]), self._paces[name].end
            if now and (self._told.get(name) != now or self._promises[name].is_broken(end, at)):
                self._told[name] = now
                promise = self._promises[name].words(end, at)
                self._output.note(f"{plain(name)}: {now}{promise}")

    def _line(self, left: Sequence[str]) -> str:
        """All jobs that have not ended, in one line."""
        facts = [self._answers[name]["backfill"] for name in left]
        if not facts:
            return ""
        if len(facts) == 1:
            text = f"{plain(left[0])}: {_words(facts[0])}"
        else:
            counts = Counter(plain(each["status"]) for each in facts)
            text = f"{amount(len(facts), 'bucket')} left: "
            text += ", ".join(f"{n:,} {status}" for status, n in sorted(counts.items()))
            queued = [each for each in facts if number(each, "place")]
            if queued:
                first = min(queued, key=lambda each: number(each, "place"))
                text += f"; the first of them is {_words(first)}"
        ends = [self._paces[name].end for name in left]
        known = [end for end in ends if end is not None]
        end = max(known) if len(known) == len(ends) else None
        return text + self._of_all.words(end, times.now())


def _words(facts: Mapping[str, Any]) -> str:
    """What is known of a job, with how many come before it."""
    place = number(facts, "place")
    if facts.get("status") != "queued":
        return summary(facts)
    if not place:  # the queue is yet to be told of it
        return summary(facts) + ", its place is not known yet"
    return summary(facts) + (f", {place - 1:,} before it" if place > 1 else ", the next to start")
