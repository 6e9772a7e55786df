"""Results as tables and sentences for a person. Every text of others goes through ``plain``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from . import backfill, times
from .advice import command
from .fleet import Look, Standing, State
from .jobs import Job, Jobs, Status
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


def table(*columns: str, fold: Iterable[str] = (), is_close: bool = False) -> Table:
    """An empty table.

    Args:
        columns: the columns' names.
        fold: those that may be broken into lines; the others never are.
        is_close: there is a blank less between them.
    """
    made = Table(
        box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0 if is_close else 1)
    )
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
    return Text(
        backfill.summary(facts, times.now()), "red" if backfill.needs_a_person(facts) else ""
    )


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


# What a person can do about a job that did not end well.
_AGAIN = {
    "failed": "tried again by itself, eight times in all; sooner",
    "cancelled": "to try again",
}


def backfill_lines(bucket: str, facts: Mapping[str, Any]) -> list[str]:
    """What a person should know of the copying of existing objects."""
    lines = []
    if facts.get("status") == "waiting":
        lines.append(
            f"existing objects: {backfill.number(facts, 'total'):,} are more than the profile "
            f"allows unasked; to copy them: {command(f'backfill --confirm {plain(bucket)}')}"
        )
    elif facts.get("status") in _AGAIN:
        status = str(facts["status"])
        why = f" ({one_line(facts['detail'])})" if facts.get("detail") else ""
        lines.append(
            f"existing objects: the job is {status}{why}; {_AGAIN[status]}: "
            + command(f"backfill {plain(bucket)}")
        )
    if failed := backfill.number(facts, "failed"):
        why = ", ".join(f"{code} {n:,}" for code, n in backfill.reasons(facts))
        lines.append(f"{amount(failed, 'object')} not copied{': ' + why if why else ''}")
    if facts.get("report"):
        lines.append(f"report: {plain(facts['report'])}")
    return lines


def show_summary(output: Output, counts: Mapping[str, int], missing: Mapping[str, int]) -> None:
    """How many of the buckets are protected, what the others are, and where objects are missing.

    A live rule copies what is new. It says nothing of the objects that were there before.
    """
    others = [f"{counts[state]:,} {state}" for state in State if state != "protected"]
    others = [each for each in others if not each.startswith("0 ")]
    text = f"{counts['protected']:,} of {amount(counts['buckets'], 'bucket')} protected"
    text += f": {', '.join(others)}" if others else ""
    if missing:
        why = ", ".join(f"{n:,} {each}" for each, n in missing.items())
        text += f"; existing objects of {sum(missing.values()):,} not all copied: {why}"
    output.say("")
    output.say(text)


# --- jobs ----------------------------------------------------------------------------------------
# What the functions call it when an attempt follows one that failed: beside a status it misleads.
_KINDS = {"failed": "retry"}


def show_jobs(output: Output, found: Jobs, only: Container[object]) -> None:
    """The jobs as a table, what needs a person, and the places."""
    shown = [each for each in found.jobs if not only or each.get("status") in only]
    if shown:
        columns = ("bucket", "status", "kind", "age", "objects")
        made = table(*columns, fold=("bucket",), is_close=output.width < _MIDDLE)
        for each in shown:
            made.add_row(*_job_cells(each, output.width))
        output.show(made)
        output.say("")
    output.say(_job_counts(found.jobs))
    for status, words, option in (
        (Status.WAITING, "Waiting for a yes", " --confirm"),
        (Status.FAILED, f"Failed; {_AGAIN['failed']}", ""),
        (Status.CANCELLED, f"Cancelled; {_AGAIN['cancelled']}", ""),
    ):
        names = [plain(each.get("bucket")) for each in found.jobs if each.get("status") == status]
        if names:
            output.say(f"{words}: {command(f'backfill{option} ' + ' '.join(names))}")
    known = "As far as is known: " if found.errors else ""
    output.say(known + _places(found.answer))
    for error in found.errors:
        output.say(f"Not found out, so there may be more jobs: {one_line(error)}", "red")


def _job_cells(job: Job, width: int) -> list[Text]:
    """A row of the table of jobs, for a terminal of so many columns."""
    at, status = times.now(), plain(job.get("status") or "")
    style = "red" if backfill.needs_a_person(job) else ""
    if place := backfill.number(job, "place"):
        status += f" {place:,}"
    start = times.moment(job.get("not_before"))
    if start and job.get("status") == Status.SCHEDULED:
        status += f"{', not before' if width >= _WIDE else ''} {times.clock(start, at)}"
    done = backfill.progress(job, is_short=width < _MIDDLE)
    objects = [done] if backfill.number(job, "total") else []
    if failed := backfill.number(job, "failed"):
        objects.append(f"{failed:,} failed")
    objects += ["large"] if job.get("is_large") else []
    kind = str(job.get("kind") or "")
    return [
        Text(plain(job.get("bucket") or "")),
        Text(status, style),
        Text(plain(_KINDS.get(kind, kind))),
        Text(times.age(job.get("since"), at)),
        Text(", ".join(objects), style),
    ]


def _job_counts(jobs: Sequence[Job]) -> str:
    counts = Counter(plain(each.get("status") or "") for each in jobs)
    known = [status for status in Status if status in counts]
    rest = sorted(counts.keys() - set(known))
    text = ", ".join(f"{counts[status]:,} {status}" for status in [*known, *rest])
    return f"{amount(len(jobs), 'job')}{': ' + text if text else ''}"


def _places(answer: Mapping[str, Any]) -> str:
    """Who holds how many of the places that S3 has for such jobs.

    Jobs of others that wait count too: none of ours begins before them.
    """
    keys = ("active_jobs", "at_once", "held_by_ours", "held_by_others")
    if not all(isinstance(answer.get(key), int) for key in keys):
        return "how many places are held was not said"
    allowed, at_once, ours, others = (backfill.number(answer, key) for key in keys)
    left = max(at_once - ours - others, 0)
    return (
        f"{ours:,} of our {amount(allowed, 'place')} held; others have {amount(others, 'job')} at "
        f"work or waiting; {left:,} of S3's {at_once:,} left"
    )


# --- what the sweep sees -------------------------------------------------------------------------
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
        sweep = command("sweep")
        output.say(f"No longer tagged, and the rule is still there ({sweep}): {names}", "red")
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
