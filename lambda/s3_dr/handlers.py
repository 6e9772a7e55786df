"""The Lambda handlers: what came in, one check for each bucket named, what came out.

Each imports its own function when it is called: none has to wait for what the others need.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import cache
from typing import Any

from . import events, logs
from .aws import Budget, Clients, error_name
from .check import Check
from .outcomes import Blocked, Ignored, Outcome, Reason, Result
from .settings import Settings

_LEVELS: dict[str, int] = {
    Outcome.BLOCKED: logging.ERROR,
    Outcome.FAILED: logging.ERROR,
    # A bucket that is none of our business is everyday; an event nobody understands is not.
    Reason.UNKNOWN_EVENT: logging.WARNING,
    Reason.NOT_A_BUCKET: logging.WARNING,
}


def source_bucket_check(event: object, context: Any) -> dict[str, Any]:
    """Source region, sent by EventBridge: version a tagged bucket, then ask for its twin."""
    from .source_bucket_check import source_bucket_check as step

    return _run("source_bucket_check", step, event, context)


def destination_bucket_check(event: object, context: Any) -> dict[str, Any]:
    """DR region, sent by topic 01: make and prepare the twin, then ask for replication."""
    from .destination_bucket_check import destination_bucket_check as step

    return _run("destination_bucket_check", step, event, context)


def enable_replication(event: object, context: Any) -> dict[str, Any]:
    """Source region, sent by topic 02: put our replication rule in, or take it out."""
    from .enable_replication import enable_replication as step

    return _run("enable_replication", step, event, context)


def sweep(event: object, context: Any) -> dict[str, Any]:
    """Source region, by a schedule, by Terraform or by an operator: have every bucket checked.

    Raises:
        SweepError: something could not be found out or done.
    """
    from .sweep import NAMED, Sweep, SweepError, do

    settings, clients = _runtime()
    work = Sweep(settings, clients, _budget(context))
    error: Exception | None = None
    try:
        report = do(work, events.read_sweep(event))
        if report.get("outcome") == Outcome.FAILED:
            error = SweepError(report["detail"])
    except Exception as caught:  # noqa: BLE001 - logged here, and raised again
        error = caught
        report = {"outcome": Outcome.FAILED, "reason": error_name(caught), "detail": str(caught)}
    if outcome := report.get("outcome"):
        level = _LEVELS.get(outcome, logging.INFO)
        named = {"orphans": report["orphans"][:NAMED]} if "orphans" in report else {}
        _log("sweep", level, context, {**report, **named})
    if isinstance(error, SweepError):
        # What a failed destroy shows is Lambda's JSON of this: the sentence, without the way to it.
        raise error.with_traceback(None) from None
    if error:
        raise error
    return report


@cache
def _runtime() -> tuple[Settings, Clients]:
    """Settings and clients, made at the first event and kept while the process is warm."""
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    return settings, Clients(settings)


def _budget(context: Any) -> Budget:
    return Budget(lambda: context.get_remaining_time_in_millis() / 1000)


def _run(
    function: str, step: Callable[[Check], Outcome], event: object, context: Any
) -> dict[str, Any]:
    """Do the function's step for each bucket; one bucket's error does not stop the others.

    Raises:
        Exception: the first error, after all buckets had their turn, so that Lambda's asynchronous
            retry and then the failure queue take over; unless somebody waits for the answer, who
            finds it in the results.
    """
    settings, clients = _runtime()
    budget = _budget(context)
    results, errors = [], []
    for request in events.read(function, event, settings):
        if isinstance(request, Ignored):
            result = Result(
                Outcome.IGNORED, request.bucket, reason=request.reason, detail=str(request)
            )
        else:
            check = Check(settings, clients, budget, request)
            result, error = _attempt(step, check)
            errors += [error] if error else []
        results.append(result.as_dict())
        # Who only looks must not raise an alarm: those count what is logged.
        if isinstance(request, Ignored) or not request.dry_run:
            facts = {"correlation_id": request.correlation_id, **result.as_dict()}
            _log(function, _level(result), context, facts)
    if errors and not events.is_call(event):
        raise errors[0]
    return {"results": results}


def _log(function: str, level: int, context: Any, facts: dict[str, Any]) -> None:
    known = {"function": function, "request_id": context.aws_request_id}
    message = f"{function}: {facts['outcome']}"
    logs.LOGGER.log(level, message, extra={"fields": {**known, **facts}})


def _level(result: Result) -> int:
    usual = logging.WARNING if result.warnings else logging.INFO
    return _LEVELS.get(result.outcome) or _LEVELS.get(result.reason, usual)


def _attempt(step: Callable[[Check], Outcome], check: Check) -> tuple[Result, Exception | None]:
    ending: dict[str, Any]
    error: Exception | None = None
    try:
        outcome = step(check)
        ending = {"outcome": Outcome.PENDING if _is_only_said(check) else outcome}
    except Ignored as ignored:
        ending = {"outcome": Outcome.IGNORED, "reason": ignored.reason, "detail": str(ignored)}
    except Blocked as blocked:
        ending = {"outcome": Outcome.BLOCKED, "reason": blocked.reason, "remedy": str(blocked)}
    except Exception as caught:  # noqa: BLE001 - reported here, raised again when all had their turn
        error = caught
        ending = {"outcome": Outcome.FAILED, "reason": error_name(caught), "detail": str(caught)}
    return (
        Result(
            bucket=check.request.bucket,
            twin=check.twin.name if check.profile else "",
            profile=check.profile.name if check.profile else "",
            changes=tuple(check.changes),
            warnings=tuple(check.warnings),
            properties=tuple(check.properties),
            backfill=check.backfill,
            **ending,
        ),
        error,
    )


def _is_only_said(check: Check) -> bool:
    """Whether it is a dry run, and a real one would change something."""
    return check.request.dry_run and bool(check.changes)
