"""The command line: what can be asked, and how an answer becomes an exit code."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from rich.text import Text

from . import __version__, doctor, following, jobs, tables, times
from .advice import command
from .backfill import needs_a_person, summary
from .errors import FunctionFailed, Refused
from .fleet import (
    Standing,
    State,
    by_bucket,
    combine,
    count,
    count_missing,
    look,
    standings,
    still_live,
)
from .module import (
    BACKFILL,
    BACKFILL_CONFIRMED,
    CHECK,
    RELEASE,
    RELEASE_ALL,
    REPLICATION,
    SOURCE,
    SWEEP,
    SWEEP_NOW,
    Module,
)
from .output import Output
from .places import Options
from .text import amount, one_line, plain
from .threads import in_threads
from .waiting import rounds

F = TypeVar("F", bound=Callable[..., Any])
Result = dict[str, Any]

_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}[a-z0-9]", re.ASCII)
_FIRST_LOOK, _LONGEST_LOOK = 1.0, 10.0  # seconds between looks at a check

EXIT_CODES = """\b
Exit codes:
  0    all is well
  1    something is blocked, failed, pending or otherwise to be seen to
  2    the command line is wrong
  3    AWS said no, or cannot be reached
  130  interrupted"""


# --- options of all commands ---------------------------------------------------------------------
def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Note an option that was given, before the command's name or behind it."""
    options, name = context.ensure_object(Options), str(parameter.name)
    if value:
        setattr(options, name, value)
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            options.given[name] = value


def _keep_name(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value and not _NAME.fullmatch(value):
        raise click.BadParameter(
            "give the Terraform module's name: 3 to 32 lower-case letters, digits and hyphens"
        )
    _keep(context, parameter, value)


def _common(is_group: bool) -> Callable[[F], F]:
    """The options of all commands. Only the group reads the environment.

    A command that read it too would prefer it to what was given before the command's name.
    """
    kept: dict[str, Any] = {"expose_value": False, "callback": _keep}
    variables = {"name": "S3_DR_NAME", "region": "AWS_REGION"} if is_group else {}
    options = [
        click.option(
            "--name",
            metavar="NAME",
            envvar=variables.get("name"),
            help="The Terraform module's name. [default: S3_DR_NAME, else s3-dr]",
            **{**kept, "callback": _keep_name},
        ),
        click.option(
            "--region",
            metavar="REGION",
            envvar=variables.get("region"),
            help="The source region. [default: the session's]",
            **kept,
        ),
        click.option(
            "--profile", metavar="PROFILE", help="AWS profile for the source account.", **kept
        ),
        click.option(
            "--dr-profile",
            metavar="PROFILE",
            help="AWS profile for the DR account, where that is another one.",
            **kept,
        ),
        click.option(
            "--json",
            "as_json",
            is_flag=True,
            help="One JSON document on standard output; all prose goes to standard error.",
            **kept,
        ),
    ]

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.group(epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
@_common(is_group=True)
def cli() -> None:
    """Operate the disaster recovery of S3 buckets that the Terraform module s3-dr sets up."""


def _buckets(required: bool) -> Callable[[F], F]:
    return click.argument("buckets", metavar="BUCKET...", nargs=-1, required=required)


# --- status and check ----------------------------------------------------------------------------
def _only(known: type[StrEnum], metavar: str, what: str) -> Callable[[F], F]:
    """The option that says which of them are shown."""

    def read(
        context: click.Context, parameter: click.Parameter, values: Sequence[str]
    ) -> frozenset[str]:
        given = {each.strip() for value in values for each in value.split(",") if each.strip()}
        if unknown := given - set(known):
            said = plain(", ".join(sorted(unknown)))
            raise click.BadParameter(f"{said} is none of {', '.join(known)}")
        return frozenset(given)

    return click.option(
        "--only",
        metavar=f"{metavar},...",
        multiple=True,
        callback=read,
        help=f"Show {what} only: {', '.join(known)}.",
    )


@cli.command(epilog=EXIT_CODES)
@click.argument("buckets", metavar="[BUCKET]...", nargs=-1)
@_only(State, "STATE", "buckets of these states")
@_common(is_group=False)
@click.pass_obj
def status(options: Options, buckets: tuple[str, ...], only: frozenset[str]) -> int:
    """Tell how every tagged bucket stands, or those named. Changes nothing."""
    output = Output(options.as_json)
    module = Module.find(options)
    seen = None if buckets else look(module)
    names = list(dict.fromkeys(buckets)) if seen is None else seen.buckets
    found = _ask_about(module, names, output)
    live = still_live(module, seen.released) if seen else []
    shown = [each for each in found if not only or each.state in only]
    if options.as_json:
        output.json(
            {
                "summary": count(found),
                "buckets": [each.as_dict() for each in shown],
                "orphans": seen and seen.orphans,
                "released": seen and seen.released,
                "still_live": live if seen else None,
                "trail": seen and seen.trail,
                "errors": seen and seen.errors,
            }
        )
    else:
        tables.show_standings(output, shown)
        if seen:
            tables.show_look(output, seen, live)
        tables.show_summary(output, count(found), count_missing(found))
    if seen is None:
        return int(not all(each.is_well for each in found))
    is_blind = bool(seen.errors or live) or seen.trail.get("status") == "missing"
    return int(is_blind or any(each.needs_attention for each in found))


def _ask_about(module: Module, names: Sequence[str], output: Output) -> list[Standing]:
    found: dict[str, Standing] = {}
    with output.progress("Asking about buckets", len(names)) as update:
        for each in standings(module, names):
            found[each.bucket] = each
            update(len(found))
    return [found[name] for name in names]


@cli.command(epilog=EXIT_CODES, short_help="Check buckets now, and wait for the result.")
@_buckets(required=True)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=120,
    show_default=True,
    help="How long to wait.",
)
@click.option("--no-wait", is_flag=True, help="Only ask for the check.")
@_common(is_group=False)
@click.pass_obj
def check(options: Options, buckets: tuple[str, ...], timeout: float, no_wait: bool) -> int:
    """Check buckets now, and wait until they are protected or it is known why not."""
    output = Output(options.as_json)
    module = Module.find(options)
    names = list(dict.fromkeys(buckets))
    asked = _do_each(module, SOURCE, CHECK, names)
    if no_wait:
        _show_answers(output, list(asked.values()))
        return int(any(each["outcome"] != "passed_on" for each in asked.values()))
    ended = {
        name: combine(name, [(SOURCE, answer)])
        for name, answer in asked.items()
        if answer["outcome"] in ("blocked", "failed", "ignored")
    }
    found = _wait_for_checks(module, [name for name in names if name not in ended], timeout, output)
    every = [ended.get(name) or found[name] for name in names]
    if options.as_json:
        output.json({"summary": count(every), "buckets": [each.as_dict() for each in every]})
    else:
        tables.show_standings(output, every)
        tables.show_summary(output, count(every), count_missing(every))
    return int(not all(each.is_well for each in every))


def _wait_for_checks(
    module: Module, names: Sequence[str], timeout: float, output: Output
) -> dict[str, Standing]:
    """Look until each bucket is protected, blocked or ignored, or the time is over."""
    found = {each.bucket: each for each in standings(module, names)}
    with output.progress("Waiting for checks", len(names)) as update:
        for _ in rounds(_FIRST_LOOK, _LONGEST_LOOK, timeout):
            # A failed one counts as open: the functions are called again after an error.
            left = [name for name in names if found[name].state in (State.PENDING, State.FAILED)]
            update(len(names) - len(left))
            if not left:
                return found
            found |= {each.bucket: each for each in standings(module, left)}
    left = [name for name in names if found[name].state in (State.PENDING, State.FAILED)]
    if left:
        output.note(f"Not done after {timeout:g} s: {', '.join(map(plain, left))}", "yellow")
    return found


# --- what changes something ----------------------------------------------------------------------
def _do_each(
    module: Module,
    function: str,
    detail_type: str,
    names: Sequence[str],
    **detail: Any,
) -> dict[str, Result]:
    """Ask a function to do something about each bucket, one invocation each.

    So an error is that of one bucket, and nothing is done twice to find out whose it was.
    """

    def one(name: str) -> tuple[str, Result]:
        try:
            answer = module.ask(function, detail_type, {"buckets": [name], **detail}, changes=True)
        except FunctionFailed as error:
            return name, {"outcome": "failed", "reason": error.kind, "detail": error.message}
        return name, dict(by_bucket(answer, [name])[name])

    module.connect(changes=True)
    found = dict(in_threads(one, names))
    return {name: _answer(name, found[name]) for name in names}


def _answer(bucket: str, result: Mapping[str, Any]) -> Result:
    """One function's result with every key: the keys are an interface."""
    texts = {
        key: str(result.get(key) or "")
        for key in ("outcome", "twin", "profile", "reason", "detail", "remedy")
    }
    lists = {key: [str(each) for each in result.get(key) or []] for key in ("changes", "warnings")}
    return {"bucket": bucket, **texts, **lists, "backfill": dict(result.get("backfill") or {})}


def _show_answers(output: Output, answers: Sequence[Result]) -> None:
    if output.as_json:
        output.json({"buckets": list(answers)})
        return
    columns = ("bucket", "outcome", "reason", "existing objects")
    made = tables.table(*columns, fold=("bucket", "reason", "existing objects"))
    for each in answers:
        style = "red" if each["outcome"] in ("blocked", "failed") else ""
        existing = summary(each["backfill"], times.now())
        cells = (each["bucket"], each["outcome"], each["reason"], existing)
        texts = [Text(plain(cell)) for cell in cells]
        texts[1].stylize(style)
        made.add_row(*texts)
    output.show(made)
    for each in answers:
        lines = [one_line(each[key]) for key in ("remedy", "detail") if each[key]][:1]
        lines += [f"warning: {one_line(warning)}" for warning in each["warnings"]]
        lines += tables.backfill_lines(each["bucket"], each["backfill"])
        tables.show_below(output, each["bucket"], lines)


@cli.command(epilog=EXIT_CODES, short_help="Copy the existing objects of buckets.")
@_buckets(required=True)
@click.option("--everything", is_flag=True, help="Also objects that were replicated before.")
@click.option("--confirm", is_flag=True, help="Say yes to a job that waits for it.")
@click.option("--wait", is_flag=True, help="Follow the job to its end.")
@_common(is_group=False)
@click.pass_obj
def backfill(
    options: Options, buckets: tuple[str, ...], everything: bool, confirm: bool, wait: bool
) -> int:
    """Copy the existing objects of buckets, whatever their profile says."""
    if everything and confirm:
        raise click.UsageError("--confirm goes on with a job as it is: leave --everything out.")
    output = Output(options.as_json)
    module = Module.find(options)
    names = list(dict.fromkeys(buckets))
    if confirm:
        answers = _do_each(module, REPLICATION, BACKFILL_CONFIRMED, names)
    else:
        answers = _do_each(module, REPLICATION, BACKFILL, names, everything=everything)
    if wait:
        following.follow(answers, partial(_do_each, module, REPLICATION, CHECK), output)
    _show_answers(output, list(answers.values()))
    is_bad = any(
        each["outcome"] in ("blocked", "failed", "ignored") or needs_a_person(each["backfill"])
        for each in answers.values()
    )
    return int(is_bad)


@cli.command(name="jobs", epilog=EXIT_CODES, short_help="List the jobs of all buckets.")
@_only(jobs.Status, "STATUS", "jobs of these statuses")
@_common(is_group=False)
@click.pass_obj
def list_jobs(options: Options, only: frozenset[str]) -> int:
    """List the jobs that copy existing objects, and how many places are left. Changes nothing."""
    output = Output(options.as_json)
    found = jobs.look(Module.find(options))
    if options.as_json:
        some = {"jobs": [each for each in found.jobs if each.get("status") in only]}
        output.json({**found.answer, **(some if only else {})})
    else:
        tables.show_jobs(output, found, only)
    return int(not found.is_well)


@cli.command(epilog=EXIT_CODES)
@_common(is_group=False)
@click.pass_obj
def sweep(options: Options) -> int:
    """Ask for a sweep: every tagged bucket and every twin is checked. Does not wait for it."""
    output = Output(options.as_json)
    module = Module.find(options)
    entry = {"Source": "s3-dr", "DetailType": SWEEP_NOW, "Detail": json.dumps({})}
    answer = module.source.events.put_events(Entries=[entry])  # type: ignore[list-item]
    if answer["FailedEntryCount"]:
        why = answer["Entries"][0]
        raise Refused(
            f"EventBridge did not take the request: {why.get('ErrorCode')}: "
            f"{why.get('ErrorMessage')}"
        )
    if options.as_json:
        output.json({"requested": True, "event": answer["Entries"][0]["EventId"]})
    else:
        output.say(
            f"A sweep was asked for in {module.source.region}. {command('status')} tells how it is."
        )
    return 0


@cli.command(epilog=EXIT_CODES)
@click.argument("buckets", metavar="[BUCKET]...", nargs=-1)
@click.option("--all", "everywhere", is_flag=True, help="Of every bucket that has it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_common(is_group=False)
@click.pass_obj
def release(options: Options, buckets: tuple[str, ...], everywhere: bool, yes: bool) -> int:
    """Take the module's replication rule off buckets. Objects and twins stay as they are.

    A bucket whose tag is still there gets its rule back at the next sweep: take the tag away first.
    """
    if bool(buckets) == everywhere:
        raise click.UsageError("Name buckets, or give --all.")
    output = Output(options.as_json)
    module = Module.find(options)
    names = list(dict.fromkeys(buckets))
    what = "every bucket that has it" if everywhere else ", ".join(map(plain, names))
    if not yes and not _is_agreed(output, module, what):
        output.note("Nothing was changed.")
        return 1
    if everywhere:
        return _release_all(module, output)
    answers = list(_do_each(module, REPLICATION, RELEASE, names).values())
    _show_answers(output, answers)
    return int(not all(map(_is_let_go, answers)))


def _is_let_go(answer: Result) -> bool:
    """Whether the rule is off: taken off now, or there was none."""
    outcome, reason = answer["outcome"], answer["reason"]
    return bool(outcome == "released" or (outcome, reason) == ("ignored", "NO_RULE_OF_OURS"))


def _is_agreed(output: Output, module: Module, what: str) -> bool:
    if not is_interactive():
        raise click.UsageError("Nobody is there to be asked: give --yes.")
    output.note(
        f"The rule {module.name} is taken off {what} in {module.source.region}: new objects are no "
        "longer copied. A bucket whose tag is still there gets its rule back at the next sweep."
    )
    return click.confirm("Go on?", err=True)


def is_interactive() -> bool:
    """Whether a person can answer."""
    return sys.stdin.isatty()


def _release_all(module: Module, output: Output) -> int:
    document: dict[str, Any] = {"released": None, "left": [], "error": ""}
    try:
        answer = module.ask(SWEEP, RELEASE_ALL, changes=True)
    except FunctionFailed as error:
        document["error"] = f"{error.kind}: {error.message}"
    else:
        document |= {"released": answer.get("released"), "left": answer.get("left") or []}
    if output.as_json:
        output.json(document)
    elif document["error"]:
        output.say(f"Not all was released: {document['error']}", "red")
    else:
        released = int(document["released"] or 0)
        output.say(f"The rule {module.name} was taken off {amount(released, 'bucket')}.")
        for each in document["left"]:
            output.say(
                f"left: {one_line(each.get('bucket'))}: {one_line(each.get('reason'))}", "red"
            )
    return int(bool(document["error"] or document["left"]))


# --- doctor --------------------------------------------------------------------------------------
@cli.command(name="doctor", epilog=EXIT_CODES)
@_common(is_group=False)
@click.pass_obj
def examine(options: Options) -> int:
    """Check what an installation needs to work. Changes nothing."""
    output = Output(options.as_json)
    findings = []
    with output.progress("Looking", None) as update:
        for finding in doctor.examine(options):
            findings.append(finding)
            update(len(findings))
    counts = doctor.count(findings)
    if options.as_json:
        checks = [each.as_dict() for each in findings]
        output.json({"summary": counts, "checks": checks})
        return int(counts["fail"] > 0)
    made = tables.table("", "check", "finding", fold=("finding",))
    for each in findings:
        sentence = one_line(each.sentence) + (f" → {one_line(each.remedy)}" if each.remedy else "")
        made.add_row(
            Text(each.status, tables.STYLES[each.status]), Text(plain(each.check)), Text(sentence)
        )
    output.show(made)
    output.say("")
    output.say(", ".join(f"{n} {status}" for status, n in counts.items()))
    return int(counts["fail"] > 0)
