"""The log of a function's run is whole, however late its lines are read."""

from __future__ import annotations

import os
import queue
import threading
import time
from types import SimpleNamespace

import pytest

from local_aws.functions import END, log_of_run, read_lines


@pytest.mark.parametrize("last", ["two\n", "two"], ids=["ended", "not ended"])
def test_a_line_that_is_read_late_is_in_the_log_of_its_run(last: str) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader) as stderr:
        worker = SimpleNamespace(_proc=SimpleNamespace(stderr=stderr), _stderr_queue=queue.Queue())
        threading.Thread(target=read_lines, args=[worker]).start()
        with os.fdopen(writer, "w") as written:
            found: list[str] = []
            draining = threading.Thread(target=lambda: found.append(log_of_run(worker)))
            draining.start()
            for text in ("one\n", f"{last}{END}\n"):
                time.sleep(0.3)  # longer than MiniStack would wait
                print(text, end="", file=written, flush=True)
            draining.join(timeout=60)
            assert found == ["one\ntwo"], "nothing is left for the log of the next run"

            print("dying", file=written, flush=True)
        assert log_of_run(worker) == "dying", "a process that ended has written all it will"
