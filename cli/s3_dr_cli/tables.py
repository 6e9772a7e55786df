"""Results as tables and sentences for a person. Every text of others goes through ``plain``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from . import backfill
from .fleet import Look, Standing, State
from .output import Output
from .text import amount, one_line, plain

# A row is to be one line. What a narrower terminal has no room for is told below the table, or,
# the names of twins and profiles, left to --json.
_WIDE, _MIDDLE = 130, 100

STYLES = {
    State.PROTECTED: "green",
    State.PENDING: "yellow",
    State.BLOCKED: "red",
    State.FAILED: "red",
    State.IGNORED: "dim",
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
    "skipped": "dim",
}


def table(*columns: str, fold: Iterable[str] = ()) -> Table:
    """An empty table; the columns to fold may be broken into lines, the others never are."""
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        made.add_column(column, no_wrap=column not in fold, overflow="fold")
    return made


def show_standings(output: Output, found: Sequence[Standing]) -> None:
    """The buckets as a table, and below it what is to be done about those not well."""
    if not found:
        return
    made = table(*(shown := _columns(output.width)), fold=("bucket", "twin", "reason"))
    for each in found:
        cells = {
            "bucket": Text(plain(each.bucket)),
            "twin": Text(plain(each.twin)),
            "profile": Text(plain(each.profile)),
            "state": Text(each.state, STYLES[each.state]),
            "reason": Text(plain(each.reason)),
            "existing objects": _existing(each.backfill),
        }
        made.add_row(*(cells[column] for column in shown))
    output.show(made)
    for each in found:
        _show_details(output, each)


def _columns(width: int) -> list[str]:
    if width < _MIDDLE:
        return ["bucket", "state", "existing objects"]
    twin = ["twin"] if width >= _WIDE else []
    return ["bucket", *twin, "profile", "state", "reason", "existing objects"]


def _existing(facts: Mapping[str, Any]) -> Text:
    return Text(backfill.summary(facts), "red" if backfill.needs_a_person(facts) else "")


def _show_details(output: Output, each: Standing) -> None:
    lines = []
    if each.state is State.PENDING:
        lines.append(f"to do: {', '.join(map(plain, each.changes)) or 'not said'}")
    elif each.state is not State.PROTECTED:
        said = (each.reason, each.remedy or each.detail)
        lines.append(": ".join(one_line(part) for part in said if part) or "no more was said")
    lines += [f"warning: {one_line(warning)}" for warning in each.warnings]
    show_below(output, each.bucket, lines + backfill_lines(each.bucket, each.backfill))


def show_below(output: Output, bucket: str, lines: Sequence[str]) -> None:
    """What is to be said about one bucket, below its name."""
    if lines:
        output.say("")
        output.say(plain(bucket), "bold")
        for line in lines:
            output.say_below(line)


def backfill_lines(bucket: str, facts: Mapping[str, Any]) -> list[str]:
    """What a person should know of the copying of existing objects."""
    lines = []
    if facts.get("status") == "waiting":
        lines.append(
            f"existing objects: {backfill.number(facts, 'total'):,} are more than the profile "
            f"allows unasked; to copy them: s3-dr backfill --confirm {plain(bucket)}"
        )
    elif facts.get("status") in ("failed", "cancelled"):
        why = f" ({one_line(facts['detail'])})" if facts.get("detail") else ""
        lines.append(
            f"existing objects: the job is {plain(facts['status'])}{why}; to try again: "
            f"s3-dr backfill {plain(bucket)}"
        )
    if failed := backfill.number(facts, "failed"):
        why = ", ".join(f"{code} {n:,}" for code, n in backfill.reasons(facts))
        lines.append(f"{amount(failed, 'object')} not copied{': ' + why if why else ''}")
    if facts.get("report"):
        lines.append(f"report: {plain(facts['report'])}")
    return lines


def show_summary(output: Output, counts: Mapping[str, int]) -> None:
    """How many of the buckets are protected, and what the others are."""
    others = [f"{counts[state]:,} {state}" for state in State if state != "protected"]
    others = [each for each in others if not each.startswith("0 ")]
    output.say("")
    output.say(
        f"{counts['protected']:,} of {amount(counts['buckets'], 'bucket')} protected"
        + (f": {', '.join(others)}" if others else "")
    )


def show_look(output: Output, seen: Look, live: Sequence[str]) -> None:
    """Orphans, former sources, rules that should be gone, and the trail."""
    if seen.orphans:
        made = table(
            "orphaned twin", "source", "reason", fold=("orphaned twin", "source", "reason")
        )
        for orphan in seen.orphans:
            made.add_row(
                *(Text(one_line(orphan.get(k) or "")) for k in ("twin", "source", "reason"))
            )
        output.say("")
        output.show(made)
    told = {str(orphan.get("source")) for orphan in seen.orphans}
    if released := [each for each in seen.released if each not in told]:
        names = ", ".join(map(plain, released))
        output.say("")
        output.say(f"No longer tagged, twin kept: {names}")
    if live:
        names = ", ".join(map(plain, live))
        output.say("")
        output.say(f"No longer tagged, and the rule is still there (s3-dr sweep): {names}", "red")
    for error in seen.errors:
        output.say("")
        output.say(f"Not found out, so there may be more buckets: {one_line(error)}", "red")
    status = seen.trail.get("status")
    detail = one_line(seen.trail.get("detail") or "")
    if status != "ok":
        output.say("")
        output.say(
            f"CloudTrail: {plain(status)}" + (f": {detail}" if detail else ""),
            "red" if status == "missing" else "yellow",
        )
