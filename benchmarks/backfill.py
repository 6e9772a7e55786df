"""``make fleet``: existing objects copied by a Batch Replication job, and by ``aws s3 sync``.

One bucket with some thousand objects, of which some have several versions, delete markers, many
parts or KMS encryption, is tagged; measured is how long the job takes, how many API calls the
functions make for it, and whether the twin then has every version under its own ID. Beside it,
where the AWS CLI is on PATH, the same bucket is copied with ``aws s3 sync``, as was done before
there was Batch Replication.

On the local AWS a job copies within the server, and ``aws s3 sync`` through the client, so the
seconds say little about AWS; the calls and what arrives do not depend on that.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from harness.console import make_console
from harness.deployment import Deployment
from harness.terraform import Root
from harness.toolchain import REPO, Toolchain
from local_aws import LocalAws

ACCOUNT = "111122223333"
BUCKET = "old-objects"
PART = 5 * 1024 * 1024


def main() -> int:
    """Measure and print; the exit code is 1 when a version is missing in the twin."""
    parser = argparse.ArgumentParser(prog="backfill", description=__doc__)
    parser.add_argument("--objects", type=int, default=5000, help="default 5000")
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
            variables={"dr_key_arn": _key(local_aws, "us-east-2")},
        ) as root,
    ):
        with Progress(console=console) as progress:
            task = progress.add_task("terraform apply", total=None)
            root.init()
            root.apply()
            progress.update(task, total=1, completed=1)
            deployment = Deployment(local_aws, root, ACCOUNT)
            written = _fill(deployment, arguments.objects, progress)
            found = {"job": _by_job(deployment, progress), "written": written}
            if shutil.which("aws"):
                found["sync"] = _by_sync(deployment, progress)
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        _print(console, found)
    return 1 if found["job"]["missing"] else 0


def _fill(deployment: Deployment, number: int, progress: Progress) -> dict[str, int]:
    """Write the objects; how many there are of each kind."""
    s3 = deployment.source_s3
    deployment.create_bucket(BUCKET, versioned=True)
    key = _key(deployment.local_aws, deployment.source_region)
    task = progress.add_task("writing objects", total=number)
    plain = number - number // 10 * 3

    def write(each: int) -> None:
        name = f"{each % 100:02}/{each:06}"
        if each >= number - number // 10:
            kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
            s3.put_object(Bucket=BUCKET, Key=name, Body=b"secret", **kms)
        else:
            s3.put_object(Bucket=BUCKET, Key=name, Body=name.encode(), Tagging="a=b")
        if plain <= each < plain + number // 10:
            s3.put_object(Bucket=BUCKET, Key=name, Body=b"changed")
        elif plain + number // 10 <= each < plain + number // 10 * 2:
            s3.delete_object(Bucket=BUCKET, Key=name)
        progress.advance(task)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(number)))
    for each in range(3):
        _write_parts(s3, f"parts/{each}")
    return {
        "objects": number + 3,
        "with_two_versions": number // 10,
        "deleted": number // 10,
        "encrypted_with_kms": number // 10,
        "in_parts": 3,
    }


def _key(local_aws: LocalAws, region: str) -> str:
    return str(local_aws.client("kms", region).create_key()["KeyMetadata"]["Arn"])


def _write_parts(s3: Any, key: str) -> None:
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(
                Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=b"x" * PART
            )["ETag"],
        }
        for number in (1, 2)
    ]
    s3.complete_multipart_upload(
        Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
    )


def _by_job(deployment: Deployment, progress: Progress) -> dict[str, Any]:
    task = progress.add_task("the job", total=None)
    deployment.local_aws.clear_calls()
    began = time.monotonic()
    tags = {"TagSet": [{"Key": "dr", "Value": "true"}]}
    deployment.source_s3.put_bucket_tagging(Bucket=BUCKET, Tagging=tags)
    deployment.wait_for_rule(BUCKET)
    deployment.settle()
    event = {
        "source": "s3-dr",
        "detail-type": "Bucket Check Requested",
        "detail": {"buckets": [BUCKET]},
    }
    while True:
        [result] = deployment.call("enable_replication", event)["results"]
        backfill = result["backfill"]
        progress.update(task, total=backfill.get("total"), completed=backfill.get("succeeded", 0))
        if backfill["status"] in ("complete", "failed"):
            break
        time.sleep(1)
    took = time.monotonic() - began
    roles = {place["role_name"] for place in deployment.functions.values()}
    calls = [call for call in deployment.local_aws.calls() if call["principal"] in roles]
    here, there = _versions(deployment, BUCKET), _versions(deployment, f"{BUCKET}-dr")
    return {
        "seconds": took,
        "versions": len(here),
        "failed": backfill["failed"],
        "versions_per_second": len(here) / took,
        "calls_of_the_functions": len(calls),
        "missing": len(here - there),
        "too_many": len(there - here),
    }


def _versions(deployment: Deployment, bucket: str) -> set[tuple[str, ...]]:
    """Key, version ID, kind, size and ETag of every version."""
    s3 = deployment.dr_s3 if bucket.endswith("-dr") else deployment.source_s3
    return {
        (item["Key"], item["VersionId"], kind, str(item.get("Size")), item.get("ETag", ""))
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        for kind in ("Versions", "DeleteMarkers")
        for item in page.get(kind, [])
    }


def _by_sync(deployment: Deployment, progress: Progress) -> dict[str, Any]:
    target = deployment.create_bucket("synced-dr", region=deployment.dr_region, versioned=True)
    task = progress.add_task("aws s3 sync", total=None)
    deployment.local_aws.clear_calls()
    began = time.monotonic()
    environment = deployment.local_aws.environment(account=ACCOUNT, region=deployment.dr_region)
    command = ["aws", "s3", "sync", f"s3://{BUCKET}", f"s3://{target}", "--only-show-errors"]
    run = subprocess.run(
        [*command, "--source-region", deployment.source_region],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    took = time.monotonic() - began
    progress.update(task, total=1, completed=1)
    there = {each[:2] for each in _versions(deployment, target)}
    here = {each[:2] for each in _versions(deployment, BUCKET)}
    return {
        "exit_code": run.returncode,
        "seconds": took,
        "versions": len(there),
        "versions_per_second": len(there) / took,
        "calls": len(deployment.local_aws.calls()),
        "missing": len(here - there),
    }


def _print(console: Console, found: dict[str, Any]) -> None:
    columns = [name for name in ("job", "sync") if name in found]
    table = Table("existing objects", *("Batch Replication", "aws s3 sync")[: len(columns)])
    names = dict.fromkeys(key for name in columns for key in found[name])
    for key in names:
        values = [found[name].get(key, "") for name in columns]
        texts = [f"{value:.1f}" if isinstance(value, float) else str(value) for value in values]
        table.add_row(key.replace("_", " "), *texts)
    console.print(table)
    console.print(", ".join(f"{value} {key}" for key, value in found["written"].items()))


if __name__ == "__main__":
    sys.exit(main())
