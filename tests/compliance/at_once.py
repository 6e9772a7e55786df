"""terraform-compliance for many plans at once, run by the Python of its own environment.

Most of what terraform-compliance takes for a plan it takes to start: to import, to read its command
line, and to find the step for each line of the features. That is the same for every plan, so it is
done once for each choice of features, and just before the features are run the process is copied
for each plan. What a copy says, writes and exits with is terraform-compliance's own.

A list of ``{"features": […], "folders": […]}`` comes as JSON on the standard input. Each folder
holds a ``plan.json`` and gets an ``output.txt``, a ``report.xml`` and the exit ``code``.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import IPython  # noqa: F401  # the steps import it, and that takes long
import radish.main
from radish.terrain import world
from terraform_compliance.common.defaults import Defaults
from terraform_compliance.main import cli

_AT_ONCE = os.cpu_count() or 1


def main() -> int:
    """Has each job done by a copy of this process."""
    failed = 0
    for job in json.load(sys.stdin):
        pid = _fork()
        if pid == 0:
            return _judge(job["features"], job["folders"])
        failed |= os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    shutil.rmtree(Defaults.cache_dir)
    return failed


def _judge(features: list[str], folders: list[str]) -> int:
    """Runs terraform-compliance as its command line does, but for the copies."""
    run_features = radish.main.Runner.start

    def run_for_each(*arguments: Any, **named: Any) -> int:
        running: dict[int, str] = {}
        # The copies would look through all that was imported again and again, and own it by that.
        gc.freeze()
        for folder in folders:
            while len(running) >= _AT_ONCE:
                _wait(running)
            pid = _fork()
            if pid == 0:
                _speak_into(Path(folder, "output.txt"))
                world.config.user_data["plan_file"] = os.path.join(folder, "plan.json")
                world.config.junit_xml = os.path.join(folder, "report.xml")
                return int(run_features(*arguments, **named))
            running[pid] = folder
        while running:
            _wait(running)
        return 0

    radish.main.Runner.start = run_for_each
    plan = os.path.join(folders[0], "plan.json")
    sys.argv[1:] = ["-f", features[0], "-p", plan, "--junit-xml=each", *features[1:]]
    return int(cli() or 0)


def _fork() -> int:
    """Forks. A child has a cache of its own, which terraform-compliance removes in the end."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        Defaults.cache_dir = tempfile.mkdtemp(prefix="terraform-compliance")
    return pid


def _speak_into(file: Path) -> None:
    with file.open("wb") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())


def _wait(running: dict[int, str]) -> None:
    """Waits until one child is done, and writes down its exit code."""
    pid, status = os.wait()
    Path(running.pop(pid), "code").write_text(str(os.waitstatus_to_exitcode(status)), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
