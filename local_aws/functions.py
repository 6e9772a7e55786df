"""What a function logs, and what one that raised tells its caller.

MiniStack waits 50 ms for the lines that a run wrote, and takes its log for whole when none came for
5 ms: on a busy machine a line is then missing, until the same worker runs again, or for ever. Here
a run ends its log with a mark, and the log is read up to it.

MiniStack calls every exception ``Runtime.HandlerError``. The Python runtime tells the exception's
class, and where it was raised (Lambda Developer Guide, "Python function errors",
https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html).
"""

import itertools
import queue
import re
from typing import Any

from local_aws.emulator import module, wrap

_TRACE = "Traceback (most recent call last):\n"
_CLASS = re.compile(r"(?:\w+\.)*(\w+)(?::|$)")

END = "\x1e end of the run"
_PATIENCE = 60  # seconds; a run that has answered writes no more
_HANDLER = "handler_fn = getattr(mod, handler_name)\n"
_MARKED = """
        def _marked(event, context, handler=handler_fn):
            try:
                return handler(event, context)
            finally:
                print(%r, file=sys.stderr, flush=True)
        handler_fn = _marked
"""


def read_lines(worker: Any) -> None:
    """Pass on what a worker's process writes, until the process ends."""
    lines: queue.Queue[str] = worker._stderr_queue  # of this process; the next has another
    for line in worker._proc.stderr:
        lines.put(line.rstrip("\n"))
    lines.put(END)


def log_of_run(worker: Any) -> str:
    """What the run that has just answered wrote, to its last line."""
    lines = []
    while not (line := worker._stderr_queue.get(timeout=_PATIENCE)).endswith(END):
        lines.append(line)
    if line != END:  # the last line was not ended
        lines.append(line.removesuffix(END))
    return "\n".join(lines)


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
    """Put whole logs and the Python runtime's errors into MiniStack's runs of functions.

    Raises:
        RuntimeError: MiniStack's worker is another one than we know.
    """
    runtime = module("core.lambda_runtime")
    if _HANDLER not in runtime._PYTHON_WORKER_SCRIPT:
        raise RuntimeError("MiniStack's worker is another: install the version in the lock file.")

    def marking(original: Any) -> Any:
        return original.replace(_HANDLER, _HANDLER + _MARKED % END)

    def draining(original: Any) -> Any:
        def drain(worker: Any, **waits: float) -> Any:
            is_marked = worker.config.get("Runtime", "").startswith("python")
            return log_of_run(worker) if is_marked else original(worker, **waits)

        return drain

    wrap(runtime, "_PYTHON_WORKER_SCRIPT", marking)
    wrap(runtime.Worker, "_read_stderr", lambda _: read_lines)
    wrap(runtime.Worker, "_drain_stderr_bounded", draining)
    # Of a run that was ended for its time.
    wrap(
        runtime.Worker, "_drain_stderr", lambda drain: lambda worker: drain(worker).replace(END, "")
    )

    def executing(original: Any) -> Any:
        def execute(function: Any, event: Any, request_id: str) -> Any:
            result = original(function, event, request_id)
            body = result.get("body")
            if result.get("error") and body.get("errorType") == "Runtime.HandlerError":
                body |= {"requestId": request_id, **told(result.get("log") or "")}
            return result

        return execute

    wrap(module("services.lambda_svc"), "_execute_function_warm", executing)
