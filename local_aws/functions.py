"""What a function that raised tells its caller.

MiniStack calls every exception ``Runtime.HandlerError``. The Python runtime tells the exception's
class, and where it was raised (Lambda Developer Guide, "Python function errors",
https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html).
"""

import itertools
import re
from typing import Any

from local_aws.emulator import module, wrap

_TRACE = "Traceback (most recent call last):\n"
_CLASS = re.compile(r"(?:\w+\.)*(\w+)(?::|$)")


def told(trace: str) -> dict[str, Any]:
    """``errorType`` and ``stackTrace`` of the last traceback in a log; empty without any."""
    lines = trace.rpartition(_TRACE)[2].splitlines() if _TRACE in trace else []
    frames = list(itertools.takewhile(lambda line: line.startswith(" "), lines))
    found = _CLASS.match(lines[len(frames)]) if len(lines) > len(frames) else None
    if not found:
        return {}
    starts = [n for n, line in enumerate(frames) if line.startswith("  File ")]
    ends = [*starts[1:], len(frames)]
    stack = ["\n".join(frames[a:b]) + "\n" for a, b in zip(starts, ends, strict=True)]
    # The runtime leaves its own frames out, which here are those of MiniStack's worker.
    own = list(itertools.dropwhile(lambda frame: '/_worker.py"' in frame, stack))
    return {"errorType": found[1], "stackTrace": own}


def install() -> None:
    def executing(original: Any) -> Any:
        def execute(function: Any, event: Any, request_id: str) -> Any:
            result = original(function, event, request_id)
            body = result.get("body")
            if result.get("error") and body.get("errorType") == "Runtime.HandlerError":
                body |= {"requestId": request_id, **told(result.get("log") or "")}
            return result

        return execute

    wrap(module("services.lambda_svc"), "_execute_function_warm", executing)
