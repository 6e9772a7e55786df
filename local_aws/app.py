"""The ASGI application: MiniStack's, with CloudTrail events, strict answers, records and faults."""

import importlib
import itertools
import json
import logging
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from local_aws import (
    access,
    alarms,
    buckets,
    cloudtrail,
    decisions,
    delivery,
    encryption,
    functions,
    jobs,
    kms,
    open_points,
    properties,
    regions,
    replication,
    rules,
    strict,
    tagging,
    trails,
)
from local_aws.calls import Call, describe, named_bucket, operation
from local_aws.emulator import module

logger = logging.getLogger("local_aws")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_REST_JSON = ("lambda",)
_ANSWERS = 500  # kept; an SDK asks again within seconds


class Application:
    """ASGI application; import it only after the server's environment is set."""

    def __init__(self) -> None:
        self._app = module("app").app
        # Each with when it was recorded: in that order, which that of their times is not.
        self._calls: deque[tuple[float, dict[str, Any]]] = deque(maxlen=100_000)
        self._numbers = itertools.count(1)
        self._errors: list[str] = []
        self._faults: list[dict[str, Any]] = []
        self._answers: dict[str, list[Message]] = {}
        strict.install()
        alarms.install()
        access.install()
        decisions.install()
        kms.install()
        encryption.install()
        properties.install()
        buckets.install()
        regions.install()
        replication.install()
        jobs.install(self._errors.append)
        tagging.install()
        trails.install()
        functions.install()
        rules.install()
        delivery.install(self._record_delivery)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].startswith("/_local_aws/"):
            await self._own(scope, receive, send)
        else:
            with delivery.request():
                await self._serve(dict(scope), receive, send)

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        # Production policies deny plain HTTP: let aws:SecureTransport see TLS.
        scope["headers"] = [*scope["headers"], (b"x-forwarded-proto", b"https")]
        call = None
        with self._loud("reading a request"):
            call = describe(scope)
        if call is None:
            await self._app(scope, receive, send)
            return
        if not call.key:  # an object is streamed
            receive = await _buffer(call, receive)
            with self._loud("naming an operation"):
                call.operation = operation(call)
                call.bucket = call.bucket or named_bucket(call)
        invocation = "" if call.key else call.headers.get("amz-sdk-invocation-id", "")
        if known := self._answers.get(invocation):
            # The SDK sends a request again: its connection was lost, and with it this answer.
            for message in known:
                await send(message)
            return
        answer: list[Message] = []
        tags = buckets.tags(call)

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
                call.request_id = headers.get("x-amz-request-id", "")
                # Before the caller sees the answer, who may ask for the calls next.
                with self._loud("recording a call"):
                    self._record_call(call)
                    buckets.note_edit(call)
            elif call.writes_management and len(call.answer) < 65536:
                call.answer += message.get("body", b"")
            if invocation and call.method not in ("GET", "HEAD") and call.status < 300:
                answer.append(message)
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    self._keep_answer(invocation, answer)
            await send(message)

        try:
            if fault := self._fault(call):
                await _refuse(call, fault, watch)
            else:
                await self._app(scope, receive, watch)
        finally:
            # The answer is out: from here on nothing can delay or break the caller's request.
            if call.status and call.writes_management:
                with self._loud(f"the event of {call.operation} {call.bucket}"):
                    _emit(call, tags)

    def _keep_answer(self, invocation: str, answer: list[Message]) -> None:
        """Keep the answer to a successful change, for a while, in case it does not arrive."""
        self._answers[invocation] = answer
        if len(self._answers) > _ANSWERS:
            del self._answers[next(iter(self._answers))]

    def _fault(self, call: Call) -> dict[str, Any] | None:
        for fault in self._faults:
            wanted = fault["operation"], fault.get("bucket", call.bucket)
            if fault["times"] > 0 and wanted == (call.operation, call.bucket):
                fault["times"] -= 1
                return fault
        return None

    def _record_call(self, call: Call) -> None:
        self._record(
            service=call.service,
            operation=call.operation,
            bucket=call.bucket,
            principal=call.principal,
            region=call.region,
            status=call.status,
            time=call.began,
        )

    def _record(self, **row: Any) -> None:
        now = time.time()
        self._calls.append((now, {"n": next(self._numbers), "time": now, **row}))

    def _record_delivery(
        self, service: str, operation: str, arn: str, principal: str, status: int
    ) -> None:
        self._record(
            service=service,
            operation=operation,
            bucket="",
            function=arn.split(":")[6],
            principal=principal,
            region=arn.split(":")[3],
            status=status,
        )

    @contextmanager
    def _loud(self, doing: str) -> Iterator[None]:
        """Log and count an error of ours, and let the caller's request go on."""
        try:
            yield
        except Exception:
            self._errors.append(f"{doing}: {traceback.format_exc()}")
            logger.exception("Local AWS failed: %s", doing)

    async def _own(self, scope: Message, receive: Receive, send: Send) -> None:
        """``/_local_aws/…``: for tests and people; ``LocalAws`` has a method for each."""
        request = scope["method"], scope["path"].removeprefix("/_local_aws/")
        status = 200
        answer: Any = None
        if request == ("GET", "health"):
            answer = {
                "status": "ready",
                "calls": len(self._calls),
                "errors": len(self._errors),
                "running": delivery.running(),
                "busy": delivery.busy(),
            }
        elif request == ("GET", "calls"):
            asked = parse_qs(scope["query_string"].decode())
            since = float(asked.get("since", ["0"])[0])
            # Whoever waits asks for the last second, ten times a second.
            late = itertools.takewhile(lambda call: call[0] >= since, reversed(list(self._calls)))
            answer = [row for _, row in late if row["time"] >= since][::-1]
        elif request == ("DELETE", "calls"):
            self._calls.clear()
        elif request == ("GET", "decisions"):
            answer = decisions.rows()
        elif request == ("DELETE", "decisions"):
            decisions.clear()
        elif request == ("GET", "errors"):
            answer = list(self._errors)
        elif request == ("GET", "points"):
            answer = open_points.chosen()
        elif scope["method"] == "PUT":
            status, answer = await self._put(request[1], json.loads(await _body(receive)))
        else:
            status, answer = 404, f"No {' '.join(request)} here."
        body = json.dumps(answer).encode()
        await _send(send, status, b"application/json", body)

    async def _put(self, what: str, asked: Any) -> tuple[int, str | None]:
        """Change how the local AWS behaves; status and, of a refusal, the reason."""
        wrong = ""
        try:
            if what == "schedules":
                wrong = "No rule with a schedule"
                await delivery.fire(asked["rule"], asked["region"], asked["account"])
            elif what == "jobs":
                wrong = "No settings of jobs"
                jobs.settings.change(asked)
            elif what == "regions":
                wrong = "Nothing to enable"
                regions.enable(asked["region"], asked["account"])
            elif what == "archive":
                wrong = "Nothing to archive"
                replication.archive(asked["bucket"], asked["key"])
            elif what == "points":
                wrong = "Nothing to choose"
                open_points.choose(asked["world"], asked["points"])
            elif what == "faults":
                wrong = "Not a list of faults"
                self._faults = [parse_fault(fault) for fault in asked]
            else:
                return 404, f"No PUT {what} here."
        except (LookupError, TypeError, ValueError) as error:
            return 400, f"{wrong}: {error}"
        return 200, None


def parse_fault(fault: dict[str, Any]) -> dict[str, Any]:
    """A fault as stored: operation, code, status, message, times and perhaps bucket.

    Raises:
        ValueError: A key is unknown, which would make the fault match more than was meant.
        KeyError: The operation or the code is missing.
    """
    unknown = set(fault) - {"operation", "bucket", "code", "status", "message", "times"}
    if unknown:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    return {
        **fault,
        "operation": str(fault["operation"]),
        "code": str(fault["code"]),
        "status": int(fault.get("status", 400)),
        "message": str(fault.get("message", "Injected fault")),
        "times": int(fault.get("times", 1)),
    }


async def _body(receive: Receive) -> bytes:
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)


async def _buffer(call: Call, receive: Receive) -> Receive:
    """Read the body, and give MiniStack a receiver that hands it on."""
    call.body = await _body(receive)
    unread = [{"type": "http.request", "body": call.body, "more_body": False}]

    async def replay() -> Message:
        return unread.pop() if unread else await receive()

    return replay


def _identity(call: Call) -> dict[str, Any] | None:
    credential = call.credential
    kind = getattr(credential, "principal_type", "")
    if not kind:
        return None
    role_arn = ""
    if kind == "AssumedRole":
        roles = module("services.iam")._roles
        role = roles.get_scoped(credential.account_id, None, call.principal) or {}
        role_arn = role.get("Arn") or f"arn:aws:iam::{credential.account_id}:role/{call.principal}"
    return cloudtrail.user_identity(
        kind,
        credential.principal_arn,
        credential.account_id,
        call.access_key,
        credential.principal_id,
        role_arn,
    )


def _emit(call: Call, tags: dict[str, str] | None) -> None:
    """Put the events of a call on the default bus of its account and region.

    Args:
        tags: Those of the bucket before the call, if it may have changed them.
    """
    identity = _identity(call)
    if identity is None or (call.error and call.error[0] in cloudtrail.UNAUTHENTICATED):
        return
    of_control = call.service == "s3control"
    record = {
        "Source": open_points.TAG_RECORD_SOURCE.variant if of_control else "aws.s3",
        "DetailType": cloudtrail.DETAIL_TYPE,
        "Detail": json.dumps(cloudtrail.detail(call, identity)),
        "Resources": [],
    }
    has_record = not (of_control and open_points.TAG_CHANGE_EVENT.says("instead"))
    change = buckets.tag_change(call, tags)
    entries = [*([record] if has_record else []), *([change] if change else [])]
    if entries:
        delivery.put(call.account, call.region, *entries)


async def _refuse(call: Call, fault: dict[str, Any], send: Send) -> None:
    content_type, body = _error(call, fault["code"], fault["message"])
    await _send(send, fault["status"], content_type, b"" if call.method == "HEAD" else body)


def _error(call: Call, code: str, message: str) -> tuple[bytes, bytes]:
    """Content type and body of an error in the protocol that the caller speaks."""
    told = {"__type": code, "code": code, "message": message}
    if "cbor" in call.headers.get("smithy-protocol", ""):
        cbor = importlib.import_module("cbor2")  # MiniStack brings it
        return b"application/cbor", bytes(cbor.dumps(told))
    if "x-amz-target" in call.headers or call.service in _REST_JSON:
        return b"application/x-amz-json-1.1", json.dumps(told).encode()
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    body = f"<Error>{inner}</Error>"
    if call.service != "s3":
        body = f"<ErrorResponse>{body}</ErrorResponse>"
    return b"application/xml", body.encode()


async def _send(send: Send, status: int, content_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
