"""``make bench``: seconds from tag to live rule, and the API calls of each function.

Run on the local AWS: the functions' own time and calls are real, S3's and SNS's answers take a
few milliseconds instead of AWS's tens, and Lambda's cold start is that of a local Python. So
compare the figures with each other, not with AWS.

The calls are compared with the 13 (5 + 6 + 2) that the three functions of 1Strategy's
s3_disaster_recovery (commit 8b26217) make for a new bucket, and clone nothing. What ours make
beyond that are reads for safety, each named below with what it prevents, and what is asked to clone
and for existing objects, neither of which the original does. Those are counted apart.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.figures import p95
from harness.console import make_console
from harness.deployment import FUNCTIONS, Deployment
from harness.terraform import Root
from harness.toolchain import REPO, Toolchain
from local_aws import LocalAws

ACCOUNT = "111122223333"
ORIGINAL_CALLS = 13
ZIP_BYTES = 130_000
IMPORT = 0.08  # of importing boto3, by the same Python in the same run

# (function, operation, bucket) of every safety read -> what would happen without it.
SAFETY_READS = {
    ("source_bucket_check", "HeadBucket", "source"): "a bucket of another region is protected",
    ("source_bucket_check", "GetBucketEncryption", "source"): "a KMS bucket gets an empty twin",
    ("source_bucket_check", "HeadBucket", "twin"): "a source is versioned, then found blocked",
    ("destination_bucket_check", "GetBucketTagging", "source"): "a stale message makes a bucket",
    ("destination_bucket_check", "HeadBucket", "source"): "a forged message makes a bucket",
    ("destination_bucket_check", "GetBucketEncryption", "source"): "the twin refuses SSE-C objects",
    ("destination_bucket_check", "GetObjectLockConfiguration", "source"): "locked objects fail",
    ("destination_bucket_check", "GetBucketPolicy", "twin"): "statements of others are overwritten",
    ("destination_bucket_check", "GetPublicAccessBlock", "twin"): "what S3 has set is set again",
    ("destination_bucket_check", "GetBucketOwnershipControls", "twin"): "ACLs count on a twin",
    ("destination_bucket_check", "GetBucketVersioning", "twin"): "what S3 has set is set again",
    ("destination_bucket_check", "GetBucketEncryption", "twin"): "what S3 has set is set again",
    ("enable_replication", "GetBucketTagging", "source"): "a stale message replicates a bucket",
    ("enable_replication", "GetBucketEncryption", "source"): "a late message enrols a KMS bucket",
    ("enable_replication", "HeadBucket", "source"): "a forged message replicates a bucket",
    ("enable_replication", "GetBucketTagging", "twin"): "objects go to a bucket that is no twin",
    ("enable_replication", "GetBucketReplication", "source"): "foreign rules are overwritten",
    ("enable_replication", "GetBucketReplication", "source", 2): "success is said, not seen",
    ("enable_replication", "GetBucketTagging", "source", 2): "a tag that went meanwhile stays",
}
# What is asked and kept because of objects that are older than the rule: the bucket's record, and
# whether there are any.
EXISTING_OBJECTS = {"GetObject", "ListObjectVersions", "PutObject"}

# What the default of `clone` reads, of either bucket; tags are read anyway.
CLONES = {
    "GetBucketCors",
    "GetBucketLifecycleConfiguration",
    "ListBucketIntelligentTieringConfigurations",
    "ListBucketMetricsConfigurations",
}


def main() -> int:
    """Measure and print; the exit code is 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="protect", description=__doc__)
    parser.add_argument("--cold", type=int, default=10, help="cold runs (default 10)")
    parser.add_argument("--warm", type=int, default=40, help="warm runs (default 40)")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    arguments = parser.parse_args()
    console = make_console(stderr=arguments.json)
    with (
        tempfile.TemporaryDirectory(prefix="s3-dr-bench-") as folder,
        LocalAws(quiet=True) as local_aws,
        Root(
            REPO / "examples/basic",
            tools=Toolchain.find(Path(folder)),
            env=local_aws.environment(account=ACCOUNT),
        ) as root,
    ):
        with console.status("terraform apply of examples/basic ..."):
            root.init()
            root.apply()
        deployment = Deployment(local_aws, root, ACCOUNT)
        cold = [
            _protect(deployment, f"cold-{number}", cold=True)
            for number in track(range(arguments.cold), "cold", console=console)
        ]
        warm = [
            _protect(deployment, f"warm-{number}")
            for number in track(range(arguments.warm), "warm", console=console)
        ]
        new = _calls(deployment, f"warm-{arguments.warm - 1}")
        again = _check_again(deployment, f"warm-{arguments.warm - 1}")
    found = _report(cold, warm, new, again)
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        _print(console, found)
    return 1 if found["missed"] else 0


def _protect(deployment: Deployment, bucket: str, cold: bool = False) -> float:
    """Seconds from the tag's request to the rule being read back by the last function."""
    deployment.create_bucket(bucket)
    deployment.settle()
    if cold:
        _make_cold(deployment)
    deployment.local_aws.clear_calls()
    tags = {"TagSet": [{"Key": "dr", "Value": "true"}]}
    deployment.source_s3.put_bucket_tagging(Bucket=bucket, Tagging=tags)
    deployment.wait_for_record("enable_replication", bucket=bucket, outcome="protected")
    calls = deployment.calls(bucket=bucket)
    tagged = next(call for call in calls if call["operation"] == "PutBucketTagging")
    enabled = deployment.calls(bucket=bucket, function="enable_replication")
    last = max(call["time"] for call in enabled)
    return float(last - tagged["time"])


def _make_cold(deployment: Deployment) -> None:
    """Change the functions: a changed function gets new execution environments, as on AWS."""
    for place in deployment.functions.values():
        client, name = deployment.client("lambda", place["region"]), place["function_name"]
        memory = client.get_function_configuration(FunctionName=name)["MemorySize"]
        client.update_function_configuration(FunctionName=name, MemorySize=memory + 1)
        client.get_waiter("function_updated_v2").wait(FunctionName=name)


def _calls(deployment: Deployment, bucket: str) -> list[tuple[str, str, str]]:
    """(function, operation, which bucket) of every call of the functions, in order."""
    deployment.settle()
    which = {bucket: "source", f"{bucket}-dr": "twin"}
    return [
        (
            function,
            call["operation"],
            which.get(call["bucket"], "records" if call["bucket"] else "topic"),
        )
        for function in FUNCTIONS
        for call in deployment.calls(function=function)
    ]


def _check_again(deployment: Deployment, bucket: str) -> list[tuple[str, str, str]]:
    deployment.local_aws.clear_calls()
    began = time.time()
    deployment.request_check(bucket)
    deployment.wait_for_record(
        "enable_replication", bucket=bucket, outcome="protected", since=began
    )
    return _calls(deployment, bucket)


def _report(
    cold: list[float], warm: list[float], new: list[Any], again: list[Any]
) -> dict[str, Any]:
    safety, times = [], Counter[Any]()
    for call in new:
        times[call] += 1
        key = call if times[call] == 1 else (*call, times[call])
        if key in SAFETY_READS:
            safety.append({"call": " ".join(map(str, key)), "prevents": SAFETY_READS[key]})
    writes = [op for _, op, where in again if where != "topic" and not _is_read(op)]
    package = REPO / "lambda/dist/s3_dr.zip"
    imports = [_import_milliseconds() for _ in range(5)]
    boto3s, ours, *first = (median(each) for each in zip(*imports, strict=True))
    found: dict[str, Any] = {
        "seconds": {
            name: {"n": len(s), "p50": median(s), "p95": p95(s), "max": max(s)}
            for name, s in (("cold", cold), ("warm", warm))
        },
        "calls_new_bucket": {f: [op for g, op, _ in new if g == f] for f in FUNCTIONS},
        "calls_in_sync": {f: [op for g, op, _ in again if g == f] for f in FUNCTIONS},
        "safety_reads": safety,
        "clones": {
            name: sum(operation in CLONES for _, operation, _ in calls)
            for name, calls in (("new bucket", new), ("in sync", again))
        },
        "existing_objects": {
            name: sum(operation in EXISTING_OBJECTS for _, operation, _ in calls)
            for name, calls in (("new bucket", new), ("in sync", again))
        },
        "zip_bytes": package.stat().st_size,
        "import_ms": ours,
        "import_boto3_ms": boto3s,
        "first_event_ms": dict(zip(FUNCTIONS, first, strict=True)),
        "machine": f"Python {platform.python_version()}, {platform.machine()}",
    }
    bars = {
        f"at most {ORIGINAL_CALLS} calls beside safety, clones and existing objects": (
            len(new)
            - len(safety)
            - found["clones"]["new bucket"]
            - found["existing_objects"]["new bucket"]
            <= ORIGINAL_CALLS
        ),
        "an in-sync bucket is checked without a write": not writes,
        f"the zip has at most {ZIP_BYTES // 1000} kB": found["zip_bytes"] <= ZIP_BYTES,
        f"the package's import takes at most {IMPORT:.0%} of boto3's": ours <= IMPORT * boto3s,
    }
    return {**found, "bars": bars, "missed": [bar for bar, met in bars.items() if not met]}


def _is_read(operation: str) -> bool:
    return operation.startswith(("Get", "Head", "List"))


def _import_milliseconds() -> list[float]:
    """CPU time of importing boto3, then the handlers, then what each function loads when called.

    Each function is measured in a new process, as on Lambda.
    """
    times = []
    for function in FUNCTIONS:
        script = (
            "import time\n"
            "began = time.process_time()\n"
            "import boto3, botocore.config\n"
            "boto3s = time.process_time()\n"
            "import s3_dr.handlers\n"
            "ours = time.process_time()\n"
            f"import s3_dr.{function}\n"
            "print(boto3s - began, ours - boto3s, time.process_time() - ours)\n"
        )
        answer = subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONPATH": str(REPO / "lambda")},
            capture_output=True,
            text=True,
            check=True,
        )
        times.append([float(each) * 1000 for each in answer.stdout.split()])
    boto3s, ours, first = zip(*times, strict=True)
    return [median(boto3s), median(ours), *first]


def _print(console: Console, found: dict[str, Any]) -> None:
    seconds = Table("from tag to live rule", "runs", "p50 s", "p95 s", "max s")
    for name, row in found["seconds"].items():
        numbers = [f"{row[key]:.2f}" for key in ("p50", "p95", "max")]
        seconds.add_row(name, str(row["n"]), *numbers)
    calls = Table("API calls", "new bucket", "in sync")
    for function in FUNCTIONS:
        counts = [str(len(found[kind][function])) for kind in ("calls_new_bucket", "calls_in_sync")]
        calls.add_row(function, *counts)
    totals = [
        str(sum(map(len, found[kind].values()))) for kind in ("calls_new_bucket", "calls_in_sync")
    ]
    calls.add_section()
    calls.add_row("together", *totals)
    calls.add_row("of these for safety", str(len(found["safety_reads"])), "")
    calls.add_row("of these to clone", *map(str, found["clones"].values()))
    calls.add_row("for existing objects", *map(str, found["existing_objects"].values()))
    calls.add_row("the original of 2018", str(ORIGINAL_CALLS), "-")
    safety = Table("safety read", "without it")
    for row in found["safety_reads"]:
        safety.add_row(row["call"], row["prevents"])
    for table in (seconds, calls, safety):
        console.print(table)
    console.print(
        f"zip {found['zip_bytes']:,} bytes, import {found['import_ms']:.1f} ms beyond "
        f"{found['import_boto3_ms']:.1f} ms of boto3"
    )
    first = ", ".join(f"{name} {ms:.1f}" for name, ms in found["first_event_ms"].items())
    console.print(f"at its first event a function loads its own modules, in ms: {first}")
    console.print(found["machine"])
    for bar, met in found["bars"].items():
        console.print(f"{'[green]met[/green]' if met else '[red]MISSED[/red]'}  {bar}")


if __name__ == "__main__":
    sys.exit(main())
