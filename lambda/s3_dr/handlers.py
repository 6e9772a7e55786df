"""The Lambda handlers: what came in, one check for each bucket named, what came out."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from . import destination_bucket_check as destination
from . import enable_replication as replication
from . import logs
from . import source_bucket_check as source
from .aws import Budget, Clients, error_name
from .check import Check
from .events import (
    BACKFILL_DETAIL_TYPE,
    CHECK_DETAIL_TYPE,
    CONFIRM_DETAIL_TYPE,
    RELEASE_DETAIL_TYPE,
    BucketRequest,
    from_eventbridge,
    from_own,
    from_sns,
    is_call,
    is_own,
)
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
    requests = (
        from_own(event, {CHECK_DETAIL_TYPE})
        if is_call(event)
        else _from_eventbridge(event, _runtime()[0])
    )
    step = source.source_bucket_check
    return _run("source_bucket_check", step, requests, context, event)


def destination_bucket_check(event: object, context: Any) -> dict[str, Any]:
    """DR region, sent by topic 01: make and prepare the twin, then ask for replication."""
    step = destination.destination_bucket_check
    requests = from_own(event, {CHECK_DETAIL_TYPE}) if is_own(event) else from_sns(event)
    return _run("destination_bucket_check", step, requests, context, event)


def enable_replication(event: object, context: Any) -> dict[str, Any]:
    """Source region, sent by topic 02: put our replication rule in, or take it out."""
    wishes = {
        BACKFILL_DETAIL_TYPE,
        CHECK_DETAIL_TYPE,
        CONFIRM_DETAIL_TYPE,
        RELEASE_DETAIL_TYPE,
    }
    requests = from_own(event, wishes) if is_own(event) else from_sns(event)
    return _run("enable_replication", replication.enable_replication, requests, context, event)


def sweep(event: object, context: Any) -> dict[str, Any]:
    """Source region, by a schedule, by Terraform or by an operator: have every bucket checked.

    Raises:
        SweepError: something could not be found out or done.
    """
    from .sweep import SweepError, answer  # none of the others needs it

    settings, clients = _runtime()
    try:
        return answer(event, settings, clients, _budget(context), context.aws_request_id)
    except SweepError as error:
        # What a failed destroy shows is Lambda's JSON of this: the sentence, without the way to it.
        raise error.with_traceback(None) from None


@cache
def _runtime() -> tuple[Settings, Clients]:
    """Settings and clients, made at the first event and kept while the process is warm."""
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    return settings, Clients(settings)


def _budget(context: Any) -> Budget:
    return Budget(lambda: context.get_remaining_time_in_millis() / 1000)


def _from_eventbridge(event: object, settings: Settings) -> Iterable[BucketRequest | Ignored]:
    try:
        return [from_eventbridge(event, settings)]
    except Ignored as ignored:
        return [ignored]


def _run(
    function: str,
    step: Callable[[Check], Outcome],
    requests: Iterable[BucketRequest | Ignored],
    context: Any,
    event: object,
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
    for request in requests:
        if isinstance(request, Ignored):
            result = Result(
                Outcome.IGNORED, request.bucket, reason=request.reason, detail=str(request)
            )
            correlation_id = request.correlation_id
        else:
            check = Check(settings, clients, budget, request)
            result, error = _attempt(step, check)
            correlation_id = request.correlation_id
            errors += [error] if error else []
        results.append(result.as_dict())
        facts = {"function": function, "request_id": context.aws_request_id}
        facts |= {"correlation_id": correlation_id, **result.as_dict()}
        # Who only looks must not raise an alarm: those count what is logged.
        if isinstance(request, Ignored) or not request.dry_run:
            message = f"{function}: {result.outcome}"
            logs.LOGGER.log(_level(result), message, extra={"fields": facts})
    if errors and not is_call(event):
        raise errors[0]
    return {"results": results}


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
    profile = check.profile
    return (
        Result(
            bucket=check.request.bucket,
            twin=check.twin.name if profile else "",
            profile=profile.name if profile else "",
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
