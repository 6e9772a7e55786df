"""``make fleet``: a whole fleet is tagged at once, while S3 throttles and refuses.

Some hundred buckets are made and tagged in one burst on the local AWS, with the functions held to a
bounded concurrency and S3 answering some calls with ``OperationAborted`` and ``SlowDown``. Measured
is how long it takes until all are protected, how long each function was at a bucket, repeats
included (which its time-out has to bear), and whether any bucket or event was lost.

Then one sweep over the same fleet, among buckets that nobody tagged: how long, and how many calls.
With ``--custodian`` Cloud Custodian looks for the tagged ones on the same server after that.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from botocore.exceptions import ClientError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.figures import p95
from harness.console import make_console
from harness.deployment import FUNCTIONS, SWEEP, Deployment
from harness.terraform import Root
from harness.toolchain import REPO, Toolchain
from local_aws import LocalAws

ACCOUNT = "111122223333"
TAGS = [{"Key": "dr", "Value": "true"}]
# How often, for each hundred buckets, S3 refuses a call: conflicts of configuration calls, and
# requests that are too many.
FAULTS = {
    "GetBucketTagging": ("SlowDown", 503, 10),
    "PutBucketVersioning": ("OperationAborted", 409, 10),
    "CreateBucket": ("OperationAborted", 409, 5),
    "PutBucketPolicy": ("SlowDown", 503, 5),
    "PutBucketReplication": ("OperationAborted", 409, 10),
}


def main() -> int:
    """Measure and print; the exit code is 1 when a bucket or an event was lost."""
    parser = argparse.ArgumentParser(prog="fleet", description=__doc__)
    parser.add_argument("--buckets", type=int, default=500, help="tagged at once (default 500)")
    parser.add_argument("--others", type=int, default=1500, help="not tagged (default 1500)")
    parser.add_argument("--concurrency", type=int, default=6, help="of each function (default 6)")
    parser.add_argument("--custodian", type=Path, help="Cloud Custodian's program, to compare with")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    arguments = parser.parse_args()
    console = make_console(stderr=arguments.json)
    with (
        tempfile.TemporaryDirectory(prefix="s3-dr-bench-") as folder,
        LocalAws(quiet=True) as local_aws,
        Root(
            REPO / "benchmarks/roots/fleet",
            tools=Toolchain.find(Path(folder)),
            env=local_aws.environment(account=ACCOUNT),
            variables={"concurrency": arguments.concurrency},
        ) as root,
        Progress(console=console) as progress,
    ):
        task = progress.add_task("terraform apply", total=None)
        root.init()
        root.apply()
        progress.update(task, total=1, completed=1)
        deployment = Deployment(local_aws, root, ACCOUNT)
        deployment.settle()
        found = {"burst": _burst(deployment, arguments.buckets, progress)}
        found["sweep"] = _sweep(deployment, arguments.others, progress)
        if arguments.custodian:
            found["custodian"] = _custodian(deployment, arguments.custodian, Path(folder), progress)
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        _print(console, found)
    return 1 if found["burst"]["lost"] or found["burst"]["in_failure_queues"] else 0


def _burst(deployment: Deployment, number: int, progress: Progress) -> dict[str, Any]:
    names = [f"fleet-{each:05}" for each in range(number)]
    faults = [
        {"operation": operation, "code": code, "status": status, "times": times * number // 100}
        for operation, (code, status, times) in FAULTS.items()
    ]
    deployment.local_aws.faults(faults)
    deployment.local_aws.clear_calls()
    began = time.monotonic()
    making = progress.add_task("making tagged buckets", total=number)
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda name: _make(deployment, name, TAGS), names):
            progress.advance(making)
    tagged = time.monotonic() - began
    waiting = progress.add_task("protected", total=number)
    protected: set[str] = set()
    while len(protected) < number and time.monotonic() - began < 900:
        time.sleep(2)
        protected |= {name for name in set(names) - protected if deployment.rules(name)}
        progress.update(waiting, completed=len(protected))
    took = time.monotonic() - began
    deployment.settle(300)
    deployment.local_aws.faults([])
    runs = _runs(deployment)
    return {
        "buckets": number,
        "seconds_until_all_were_tagged": tagged,
        "seconds_until_all_were_protected": took,
        "lost": sorted(set(names) - protected),
        "in_failure_queues": sum(deployment.queue_depth(side) for side in ("source", "dr")),
        "refused_calls": sum(call["status"] in (409, 503) for call in deployment.local_aws.calls()),
        "seconds_from_first_to_last_call": runs,
    }


def _make(deployment: Deployment, name: str, tags: list[dict[str, str]] | None) -> None:
    for _ in range(20):
        try:
            deployment.create_bucket(name, tags=tags)
        except ClientError as error:  # the faults meet whoever comes
            if error.response["Error"]["Code"] not in ("OperationAborted", "SlowDown"):
                raise
        else:
            return
    raise RuntimeError(f"{name} could not be made")


def _runs(deployment: Deployment) -> dict[str, dict[str, float]]:
    """Seconds from a function's first call about a bucket to its last, over all its runs."""
    found = {}
    for function in FUNCTIONS:
        spans: dict[str, list[float]] = {}
        for call in deployment.calls(function=function):
            if call["bucket"].startswith("fleet-"):
                name = call["bucket"].removesuffix("-dr")
                spans.setdefault(name, []).append(call["time"])
        seconds = [max(times) - min(times) for times in spans.values()]
        found[function] = {
            "p50": median(seconds),
            "p95": p95(seconds),
            "max": max(seconds),
        }
    return found


def _sweep(deployment: Deployment, number: int, progress: Progress) -> dict[str, Any]:
    making = progress.add_task("making buckets that nobody tagged", total=number)
    with ThreadPoolExecutor(8) as pool:
        names = [f"other-{each:05}" for each in range(number)]
        for _ in pool.map(lambda name: _make(deployment, name, None), names):
            progress.advance(making)
    deployment.settle(600)
    deployment.local_aws.clear_calls()
    task = progress.add_task("the sweep", total=None)
    began = time.monotonic()
    report = deployment.call("sweep", {"source": "s3-dr", "detail-type": "Sweep Requested"})
    took = time.monotonic() - began
    progress.update(task, total=1, completed=1)
    deployment.settle(600)
    calls = deployment.local_aws.calls()
    callers = Counter(call["principal"] for call in calls)
    of_sweep, *of_checks = (
        callers[deployment.functions[name]["role_name"]] for name in (SWEEP, *FUNCTIONS)
    )
    return {
        "buckets": report["buckets"],
        "others": number,
        "seconds": took,
        "calls": of_sweep,
        "calls_of_the_checks_it_asked_for": sum(of_checks),
        "calls_about_others": sum(call["bucket"].startswith("other-") for call in calls),
        "writes": sum(deployment.is_write(call) for call in calls),
    }


def _custodian(
    deployment: Deployment, program: Path, folder: Path, progress: Progress
) -> dict[str, Any]:
    """Cloud Custodian finds the tagged buckets; it changes nothing."""
    tagged = {f"tag:{tag['Key']}": tag["Value"] for tag in TAGS}
    policy = {"name": "tagged", "resource": "aws.s3", "filters": [tagged]}
    (folder / "policy.json").write_text(json.dumps({"policies": [policy]}), encoding="utf-8")
    deployment.local_aws.clear_calls()
    task = progress.add_task("Cloud Custodian", total=None)
    began = time.monotonic()
    subprocess.run(
        [program.resolve(), "run", "--cache-period", "0", "-s", "out", "policy.json"],
        cwd=folder,
        env={**os.environ, **deployment.local_aws.environment(ACCOUNT, deployment.source_region)},
        check=True,
        capture_output=True,
        timeout=1800,
    )
    took = time.monotonic() - began
    progress.update(task, total=1, completed=1)
    calls = deployment.local_aws.calls()
    resources = json.loads((folder / "out/tagged/resources.json").read_text(encoding="utf-8"))
    return {
        "buckets": len(resources),
        "seconds": took,
        "calls": len(calls),
        "calls_about_others": sum(call["bucket"].startswith("other-") for call in calls),
    }


def _print(console: Console, found: dict[str, Any]) -> None:
    burst = found["burst"]
    table = Table("a burst", "")
    for key in ("buckets", "refused_calls", "in_failure_queues"):
        table.add_row(key.replace("_", " "), str(burst[key]))
    table.add_row("lost", str(len(burst["lost"])))
    for key in ("seconds_until_all_were_tagged", "seconds_until_all_were_protected"):
        table.add_row(key.replace("_", " "), f"{burst[key]:.0f}")
    for function, seconds in burst["seconds_from_first_to_last_call"].items():
        text = ", ".join(f"{name} {value:.2f}" for name, value in seconds.items())
        table.add_row(f"first to last call, {function}", text)
    console.print(table)
    for what in list(found)[1:]:
        table = Table(f"finding the tagged buckets: {what}", "")
        for key, value in found[what].items():
            text = f"{value:.1f}" if isinstance(value, float) else str(value)
            table.add_row(key.replace("_", " "), text)
        console.print(table)


if __name__ == "__main__":
    sys.exit(main())
