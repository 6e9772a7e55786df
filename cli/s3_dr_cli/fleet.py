"""How buckets stand: what dry runs of the three functions say, put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from .backfill import missing, needs_a_person
from .errors import FunctionFailed
from .module import CHECK, DESTINATION, LOOK, REPLICATION, SOURCE, SWEEP, Module
from .threads import in_threads

BATCH = 25  # buckets of one invocation

# Errors of a function that came to look at no bucket: asking about each alone would be no use.
_OF_THE_FUNCTION = ("Runtime.", "SettingsError", "UNEXPECTED_ANSWER")

Result = Mapping[str, Any]


class State(StrEnum):
    """How a bucket stands."""

    PROTECTED = "protected"
    PENDING = "pending"  # the next check would change something
    BLOCKED = "blocked"  # wanted, but a person has to act first
    FAILED = "failed"  # a function ended with an error
    IGNORED = "ignored"  # nothing asks for its protection


_BAD = frozenset({State.BLOCKED, State.FAILED})


@dataclass(frozen=True)
class Standing:
    """How one bucket stands.

    Attributes:
        bucket: the source bucket.
        twin: its DR bucket's name, as far as a function came to say it.
        profile: the profile it follows, likewise.
        state: see `State`.
        reason: why it is blocked, ignored or failed: the functions' ``reason``.
        detail: one sentence on that.
        remedy: what a person can do about a blocked bucket.
        function: which function said so; empty when all agree.
        changes: the API writes that are still to be made.
        warnings: sentences of the functions that stopped nothing.
        backfill: how the copying of existing objects stands; see the module ``backfill``.
    """

    bucket: str
    state: State
    twin: str = ""
    profile: str = ""
    reason: str = ""
    detail: str = ""
    remedy: str = ""
    function: str = ""
    changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    backfill: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Every fact, also the empty ones: the keys are an interface."""
        return {**asdict(self), "state": str(self.state)}

    @property
    def is_well(self) -> bool:
        """Whether the bucket is protected and its existing objects need nobody."""
        return self.state is State.PROTECTED and not needs_a_person(self.backfill)

    @property
    def needs_attention(self) -> bool:
        """Whether there is something to do, now or at the next check."""
        return not self.is_well and self.state is not State.IGNORED


@dataclass(frozen=True)
class Look:
    """What the sweep sees without changing anything.

    Attributes:
        buckets: every tagged bucket, in order.
        orphans: twins whose source is gone, each with ``twin``, ``source`` and ``reason``.
        released: sources of twins that are no longer tagged.
        trail: ``status`` (ok, missing or unknown), ``detail`` and ``trails``.
        errors: what could not be found out; there may then be more buckets than are named.
    """

    buckets: list[str]
    orphans: list[dict[str, Any]]
    released: list[str]
    trail: dict[str, Any]
    errors: list[str]


def look(module: Module) -> Look:
    """Let the sweep look.

    Raises:
        FunctionFailed: it ended with an error, or does not know the question.
    """
    answer = module.ask(SWEEP, LOOK)
    buckets = answer.get("buckets")
    if not isinstance(buckets, list):
        name = f"{module.name}-sweep"
        raise FunctionFailed(name, "UNEXPECTED_ANSWER", "it names no buckets")
    return Look(
        buckets=sorted({str(bucket) for bucket in buckets}),
        orphans=[dict(each) for each in answer.get("orphans") or []],
        released=sorted(str(each) for each in answer.get("released") or []),
        trail={"status": "unknown", "detail": "", "trails": [], **(answer.get("trail") or {})},
        errors=[str(each) for each in answer.get("errors") or []],
    )


def standings(module: Module, buckets: Sequence[str]) -> Iterator[Standing]:
    """How each bucket stands; each as soon as it is known."""
    module.connect(changes=False)
    batches = [buckets[start : start + BATCH] for start in range(0, len(buckets), BATCH)]
    for found in in_threads(lambda batch: _of_batch(module, batch), batches):
        yield from found


def still_live(module: Module, released: Sequence[str]) -> list[str]:
    """Buckets that nothing asks to be protected any more, and whose rule is still to be let go."""
    found: list[str] = []
    for start in range(0, len(released), BATCH):
        said = dry_run(module, REPLICATION, released[start : start + BATCH])
        found += [name for name, each in said.items() if each["outcome"] in ("pending", "failed")]
    return found


def count(found: Sequence[Standing]) -> dict[str, int]:
    """How many buckets there are, and how many of each state."""
    states = Counter(each.state for each in found)
    return {"buckets": len(found), **{str(state): states[state] for state in State}}


def count_missing(found: Sequence[Standing]) -> dict[str, int]:
    """In how many buckets existing objects are not all copied, by what stands in the way."""
    return dict(Counter(why for each in found if (why := missing(each.backfill))).most_common())


def _of_batch(module: Module, buckets: Sequence[str]) -> list[Standing]:
    """Ask one function after the other, each about the buckets that the last one passed."""
    said: dict[str, list[tuple[str, Result]]] = {bucket: [] for bucket in buckets}
    left = list(buckets)
    for function in (SOURCE, DESTINATION, REPLICATION):
        if not left:
            break
        for bucket, result in dry_run(module, function, left).items():
            said[bucket].append((function, result))
        left = [bucket for bucket in left if not _ends(*said[bucket][-1])]
    return [combine(bucket, results) for bucket, results in said.items()]


def _ends(function: str, result: Result) -> bool:
    """Whether the functions after this one would have nothing to add.

    When the second one finds nothing to protect, our rule may still have to be taken off, which
    the third one knows.
    """
    return result["outcome"] in _BAD or (function == SOURCE and result["outcome"] == State.IGNORED)


def dry_run(module: Module, function: str, buckets: Sequence[str]) -> dict[str, Result]:
    """What a function would do about each bucket.

    An error that one bucket brings about must not hide the others, so a batch that failed is
    halved and asked about again, down to the one bucket.
    """
    detail = {"buckets": list(buckets), "dry_run": True}
    try:
        return by_bucket(module.ask(function, CHECK, detail), buckets)
    except FunctionFailed as error:
        failed = {"outcome": "failed", "reason": error.kind, "detail": error.message}
        if len(buckets) == 1 or error.kind.startswith(_OF_THE_FUNCTION):
            return dict.fromkeys(buckets, failed)
    middle = len(buckets) // 2
    halves = (buckets[:middle], buckets[middle:])
    return {name: each for half in halves for name, each in dry_run(module, function, half).items()}


def by_bucket(answer: Mapping[str, Any], buckets: Sequence[str]) -> dict[str, Result]:
    """The results of an answer by bucket, one for each that was asked about.

    A function names no bucket in its result when the name can be none; then the order tells.
    """
    results = answer.get("results")
    results = results if isinstance(results, list) else []
    results = [each for each in results if isinstance(each, Mapping)]
    named = {each["bucket"]: each for each in results if each.get("bucket")}
    if len(results) == len(buckets):
        for bucket, each in zip(buckets, results, strict=True):
            if not each.get("bucket"):
                named.setdefault(bucket, each)
    missing = {
        "outcome": "failed",
        "reason": "UNEXPECTED_ANSWER",
        "detail": "the function did not speak of this bucket; it may be older than this tool",
    }
    return {
        bucket: {**found, "outcome": str(found.get("outcome", ""))}
        for bucket in buckets
        for found in [named.get(bucket, missing)]
    }


def combine(bucket: str, said: Sequence[tuple[str, Result]]) -> Standing:
    """What the functions said, in their order, as one standing.

    The first that blocks or fails counts; else whatever is still to be changed; else what the last
    one says.
    """
    facts: dict[str, Any] = {
        "twin": next((str(each["twin"]) for _, each in said if each.get("twin")), ""),
        "profile": next((str(each["profile"]) for _, each in said if each.get("profile")), ""),
        "changes": _joined(said, "changes"),
        "warnings": _joined(said, "warnings"),
        "backfill": dict(next((b for _, each in said if (b := each.get("backfill"))), {})),
    }
    is_pending = any(each["outcome"] == State.PENDING for _, each in said)
    for function, each in said:
        if each["outcome"] in _BAD:
            facts |= _why(function, each)
            return Standing(bucket, State(each["outcome"]), **facts)
    if is_pending:
        return Standing(bucket, State.PENDING, **facts)
    function, last = said[-1]
    if function == REPLICATION and last["outcome"] == State.PROTECTED:
        return Standing(bucket, State.PROTECTED, **facts)
    if last["outcome"] in (State.IGNORED, "released"):
        return Standing(bucket, State.IGNORED, **facts, **_why(function, last))
    facts |= {
        "function": function,
        "reason": "UNEXPECTED_ANSWER",
        "detail": f"the outcome was {last['outcome']!r}; the function may be newer than this tool",
    }
    return Standing(bucket, State.FAILED, **facts)


def _why(function: str, result: Result) -> dict[str, Any]:
    texts = {key: str(result.get(key) or "") for key in ("reason", "detail", "remedy")}
    return {"function": function, **texts}


def _joined(said: Sequence[tuple[str, Result]], key: str) -> list[str]:
    """The lists of all functions one after the other, each entry once."""
    return list(dict.fromkeys(str(each) for _, result in said for each in result.get(key) or []))
