"""From EventBridge and SNS to a target: permitted, asynchronous, with a dead-letter queue.

MiniStack asks no function's (and, for EventBridge, no queue's or topic's) resource policy and runs
a function once. On AWS a refused delivery goes to the dead-letter queue or is lost, and a
delivered event is retried by the function's asynchronous settings (Lambda, EventBridge and SNS
developer guides).
"""

import asyncio
import contextvars
import json
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from local_aws.emulator import module, wrap

logger = logging.getLogger("local_aws")
_EVENTS, _SNS = "events.amazonaws.com", "sns.amazonaws.com"
_queued: contextvars.ContextVar[bool] = contextvars.ContextVar("queued", default=False)

_running: list[str] = []  # names of functions, one for each event that is being worked at


class _Event:
    """Something to be delivered that is not yet done with."""


# A thread delivers it in a copy of the context in which it was accepted. When the last copy is
# gone, all is done: the function's run, its retries and what is told of a failure.
_events: "weakref.WeakSet[_Event]" = weakref.WeakSet()
_event: contextvars.ContextVar[_Event | None] = contextvars.ContextVar("event", default=None)
_requests: set[object] = set()

# How many of a function's queued events are worked at. Lambda takes on more by and by, too; here
# each more would be a process that starts, which costs more than many events do: so one more is
# taken on for each while that an event has waited.
_AT_ONCE = 6
_PATIENCE = 1.0  # seconds
_taking = threading.Lock()

# Called with service, operation, target ARN, caller and HTTP status of every delivery.
Recorder = Callable[[str, str, str, str, int], None]


def function_permits(arn: str, service: str, source_arn: str, account: str = "") -> bool:
    """Whether the function's resource policy lets the service invoke it for this source.

    SNS sends no source account on which one could rely, so a condition on it never matches here.

    Args:
        account: The source's, when its ARN does not say it.
    """
    function, _, _ = module("services.lambda_svc")._get_func_record_for_ref(arn)
    if function is None:
        return False
    iam = module("core.iam_evaluator")
    source = {"aws:sourcearn": source_arn}
    if service == _EVENTS:
        account = source_arn.split(":")[4]
    if account:
        source["aws:sourceaccount"] = account
    context = iam.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=arn,
        region=arn.split(":")[3],
        service_context=source,
    )
    decision = iam.evaluate_resource_policy(function["policy"], context, service=service).decision
    return bool(decision == "Allow")


def running() -> int:
    """How many runs of functions have begun and not ended."""
    return len(_running)


def busy() -> int:
    """How many requests and events are not yet done with, but for what jobs have still to do."""
    return len(_requests) + len(_events)


@contextmanager
def request() -> Iterator[None]:
    """While this lasts, a request is served."""
    one = object()
    _requests.add(one)
    try:
        yield
    finally:
        _requests.discard(one)


@contextmanager
def _delivery() -> Iterator[None]:
    """What is begun in here by a thread is an event."""
    one = _Event()
    _events.add(one)
    token = _event.set(one)
    try:
        yield
    finally:
        _event.reset(token)


def put(account: str, region: str, *entries: dict[str, Any]) -> None:
    """Put events of AWS's own on the default bus of an account and region.

    Raises:
        RuntimeError: EventBridge refuses one.
    """
    with module("core.responses").request_scope(account, region):
        events = module("services.eventbridge")
        _, _, answer = events._put_events({"Entries": list(entries)}, allow_aws_source=True)
    if json.loads(answer)["FailedEntryCount"]:
        raise RuntimeError(f"EventBridge refused an event: {answer!r}")


async def fire(rule: str, region: str, account: str) -> None:
    """Let the schedule of a rule on the default bus be due now; a disabled rule stays quiet.

    Raises:
        KeyError: There is no such rule, or it has no schedule.
    """
    events = module("services.eventbridge")
    key = account, region, events._rule_key(rule, "default")
    if not events._rules._data.get(key, {}).get("ScheduleExpression"):
        raise KeyError(rule)
    events._rule_last_fired[key] = 0
    await asyncio.to_thread(events._tick_scheduled_rules)


def _permits(arn: str, service: str, source_arn: str) -> bool:
    # Services call each other over TLS; a timer's thread has no request to say so.
    module("core.iam_evaluator").pin_request_origin("127.0.0.1", True)
    kind, account = arn.split(":")[2], source_arn.split(":")[4]
    if kind == "lambda":
        return function_permits(arn, service, source_arn)
    if kind == "sqs":
        queues = module("services.sqs")
        return bool(queues.queue_policy_allows(arn, service, source_arn, account))
    if kind == "sns":
        topics = module("services.sns")
        return bool(topics.topic_policy_allows(arn, service, source_arn, account))
    return True


def _dead_letter(queue_arn: str, body: str, service: str, source_arn: str) -> None:
    if queue_arn and _permits(queue_arn, service, source_arn):
        queue = module("core.arn").parse_arn(queue_arn)
        module("services.eventbridge")._dispatch_to_sqs(queue, body)


def _refused(service: str, source_arn: str, target_arn: str) -> None:
    logger.warning("%s: not delivered to %s: no permission for %s", service, target_arn, source_arn)


def _invoke(arn: str, event: Any) -> None:
    functions = module("services.lambda_svc")
    function, config, _ = functions._get_func_record_for_ref(arn)
    record = functions._execution_record_for_config(function, config)
    functions.invoke_async_with_retry(record, event)


def _at_work(config: Any) -> int:
    functions = module("services.lambda_svc")
    return int(functions.executions_in_flight()[1].get(functions._inflight_key(config), 0))


def install(record: Recorder) -> None:  # noqa: C901 - a list of small wrappers
    """Put permission, asynchrony and dead-letter queues into MiniStack's deliveries."""
    events, sns = module("services.eventbridge"), module("services.sns")
    functions = module("services.lambda_svc")

    def rule_target(original: Any) -> Any:
        def invoke(target: Any, event: Any, rule: Any, view: Any = None) -> None:
            arn = target.get("Arn", "")
            if ":rule/" not in rule.get("Arn", ""):  # EventBridge Scheduler acts by a role instead
                original(target, event, rule, view)
                return
            permitted = _permits(arn, _EVENTS, rule["Arn"])
            if arn.split(":")[2] == "lambda":
                record("lambda", "InvokeFunction", arn, _EVENTS, 202 if permitted else 403)
            if permitted:
                original(target, event, rule, view)
                return
            _refused(_EVENTS, rule["Arn"], arn)
            # No permission: straight to the target's queue, no retry.
            queue = (target.get("DeadLetterConfig") or {}).get("Arn", "")
            body = (view or events._pattern_event_view(event)).event_with_detail()
            _dead_letter(queue, json.dumps(body), _EVENTS, rule["Arn"])

        return invoke

    def rule_to_function(_: Any) -> Any:
        return lambda arn, payload: _invoke(arn, json.loads(payload))

    def topic_to_function(_: Any) -> Any:
        def deliver(arn: str, envelope: str, topic: str, subscription: str, *_: Any) -> None:
            permitted = _permits(arn, _SNS, topic)
            record("lambda", "InvokeFunction", arn, _SNS, 202 if permitted else 403)
            if not permitted:
                _refused(_SNS, topic, arn)
                # A client-side error: no retry, the subscription's queue or nothing.
                known = (sns._topic_by_arn_any_scope(topic) or {}).get("subscriptions", [])
                found: Any = next((sub for sub in known if sub["arn"] == subscription), {})
                redrive = json.loads((found.get("attributes") or {}).get("RedrivePolicy") or "{}")
                _dead_letter(redrive.get("deadLetterTargetArn", ""), envelope, _SNS, topic)
                return
            message = {
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription,
                "EventSource": "aws:sns",
                "Sns": json.loads(envelope),
            }
            _invoke(arn, {"Records": [message]})

        return deliver

    def failure_destination(original: Any) -> Any:
        def route(target: str, name: str, event: Any, result: Any) -> None:
            # The function's own role must be allowed to send there.
            config = functions._functions[name]["config"]
            key = module("core.lambda_runtime").execution_credentials(config)["AWS_ACCESS_KEY_ID"]
            kind, region = target.split(":")[2:4]
            action = {"sqs": "SendMessage", "sns": "Publish"}.get(kind, "InvokeFunction")
            if module("core.iam_evaluator").enforce(
                key, f"{kind}:{action}", kind, region, resource_arn=target
            ):
                _refused("lambda.amazonaws.com", config["Role"], target)
                return
            original(target, name, event, result)

        return route

    def queued(original: Any) -> Any:
        def invoke(function: Any, event: Any) -> None:
            token = _queued.set(True)
            try:
                with _delivery():
                    original(function, event)
            finally:
                _queued.reset(token)

        return invoke

    def published(original: Any) -> Any:
        def fan_out(*message: Any, **more: Any) -> None:
            with _delivery():
                original(*message, **more)

        return fan_out

    def counted(original: Any) -> Any:
        def execute(function: Any, event: Any) -> Any:
            name = (function.get("config") or function).get("FunctionName", "")
            _running.append(name)
            try:
                return original(function, event)
            finally:
                _running.remove(name)

        return execute

    def waiting_slot(original: Any) -> Any:
        def acquire(function: Any, config: Any) -> Any:
            # A throttled asynchronous event waits in Lambda's queue (six hours; here one minute);
            # MiniStack counts it as a failed attempt.
            if not _queued.get():
                return original(function, config)
            began, deadline = time.monotonic(), float("inf")
            while True:
                waited = time.monotonic() - began
                with _taking:
                    if _at_work(config) < min(_AT_ONCE, 1 + waited // _PATIENCE):
                        slot = original(function, config)
                        deadline = min(deadline, time.monotonic() + 60)
                        if slot[0] is not None or time.monotonic() > deadline:
                            return slot
                time.sleep(0.05)

        return acquire

    wrap(events, "_invoke_target", rule_target)
    wrap(events, "_dispatch_to_lambda", rule_to_function)
    wrap(sns, "_fanout", published)
    wrap(sns, "_deliver_to_lambda", topic_to_function)
    wrap(functions, "invoke_async_with_retry", queued)
    wrap(functions, "_execute_function", counted)
    wrap(functions, "_route_async_failure", failure_destination)
    wrap(functions, "_acquire_execution_slot", waiting_slot)
