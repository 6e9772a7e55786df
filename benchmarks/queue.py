"""``make fleet``: the first copies of a whole fleet, for which S3 has six places.

Some hundred buckets with an object each are tagged in one burst, while jobs of a stranger come and
go. S3's list of jobs is looked at all the time: how many places ours hold at most, and whether one
of ours is begun while all are held. At the end every object has to be in its twin, by one job for
each bucket. Told are the calls that the functions make for a bucket, and the longest time from an
end to the next start while others wait and a place is free.

On the local AWS a job takes moments, so that its seconds say nothing about AWS.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Event, Thread
from typing import Any

from botocore.exceptions import ClientError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from harness.console import make_console
from harness.deployment import Deployment
from harness.terraform import Root
from harness.toolchain import REPO, Toolchain
from local_aws import LocalAws

ACCOUNT = "111122223333"
PLACES, OURS = 6, 4
TAGS = {"TagSet": [{"Key": "dr", "Value": "true"}]}
NOT_AT_WORK = frozenset({"Complete", "Failed", "Cancelled", "Suspended", "Paused"})
ENDED = frozenset({"Complete", "Failed", "Cancelled"})
LONGEST = 3600.0  # seconds


@dataclass
class Watch:
    """What is seen of S3's list of jobs, several times a second.

    Attributes:
        most: how many places ours held at most.
        most_of_all: how many were held at most, by whomever.
        looks: how often the list was looked at.
        gaps: seconds from a moment in which a place was free and buckets waited to the next start.
    """

    deployment: Deployment
    stranger: str
    number: int
    most: int = 0
    most_of_all: int = 0
    looks: int = 0
    gaps: list[float] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def run(self) -> None:
        """Look until it is over."""
        free_since, known = time.monotonic(), 0
        while not self.over.is_set():
            jobs = self.jobs()
            held = [job for job in jobs if job["Status"] not in NOT_AT_WORK]
            ours = [job for job in held if self.is_ours(job)]
            self.most = max(self.most, len(ours))
            self.most_of_all = max(self.most_of_all, len(held))
            self.looks += 1
            started = sum(self.is_ours(job) for job in jobs)
            is_free = len(ours) < OURS and len(held) < PLACES and 0 < started < self.number
            if started > known or not is_free:
                if started > known and known:
                    self.gaps.append(time.monotonic() - free_since)
                free_since, known = time.monotonic(), started
            time.sleep(0.2)

    @cached_property
    def control(self) -> Any:
        """S3 Control in the source region."""
        return self.deployment.client("s3control", self.deployment.source_region)

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs, those that ended too."""
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self.control.list_jobs(AccountId=ACCOUNT, MaxResults=1000, **token)
            found += page["Jobs"]
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}

    def is_ours(self, job: dict[str, Any]) -> bool:
        """Whether the functions made it."""
        return bool(job["Description"] != self.stranger)


def main() -> int:
    """Measure and print; the exit code is 1 when an object is missing or a bar is missed."""
    parser = argparse.ArgumentParser(prog="queue", description=__doc__)
    parser.add_argument("--buckets", type=int, default=100, help="tagged at once (default 100)")
    parser.add_argument("--no-trail", action="store_true", help="hear of no job, so only tick")
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
            variables={"concurrency": 6, "create_trail": not arguments.no_trail},
        ) as root,
        Progress(console=console) as progress,
    ):
        task = progress.add_task("terraform apply", total=None)
        root.init()
        root.apply()
        progress.update(task, total=1, completed=1)
        deployment = Deployment(local_aws, root, ACCOUNT)
        deployment.settle()
        found = _first_copies(deployment, arguments.buckets, progress)
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        _print(console, found)
    return int(
        bool(found["missing"] or found["copied_twice"] or found["most_places_of_ours"] > OURS)
    )


def _first_copies(deployment: Deployment, number: int, progress: Progress) -> dict[str, Any]:
    names = [f"queued-{each:05}" for each in range(number)]
    deployment.local_aws.jobs(step=0.3)
    stranger = _Stranger(deployment)
    watch = Watch(deployment, stranger.description, number)
    making = progress.add_task("making buckets", total=number)
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda name: _make(deployment, name), names):
            progress.advance(making)
    deployment.settle(300)
    deployment.local_aws.clear_calls()
    threads = [Thread(target=watch.run), Thread(target=stranger.run, args=(watch.over,))]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: _tag(deployment, name), names))
        waiting = progress.add_task("copied", total=number)
        copied: set[str] = set()
        while len(copied) < number and time.monotonic() - began < LONGEST:
            time.sleep(1)
            copied |= {name for name in set(names) - copied if _is_copied(deployment, name)}
            progress.update(waiting, completed=len(copied))
        took = time.monotonic() - began
        deployment.settle(300)
    finally:
        watch.over.set()
        for thread in threads:
            thread.join()
    made = Counter(_bucket_of(job) for job in watch.jobs() if watch.is_ours(job))
    roles = {place["role_name"] for place in deployment.functions.values()}
    calls = [call for call in deployment.local_aws.calls() if call["principal"] in roles]
    return {
        "buckets": number,
        "seconds": took,
        "missing": sorted(set(names) - copied),
        "copied_twice": sorted(name for name, times in made.items() if times > 1),
        "most_places_of_ours": watch.most,
        "most_places_of_all": watch.most_of_all,
        "looks_at_the_list": watch.looks,
        "jobs_of_strangers": stranger.number,
        "longest_wait_for_a_start": max(watch.gaps, default=0.0),
        "calls_for_a_bucket": len(calls) / number,
        "of_them": {
            f"{function} {operation}": round(times / number, 1)
            for (function, operation), times in Counter(
                (call["principal"], call["operation"]) for call in calls
            ).most_common(12)
        },
        "in_failure_queues": sum(deployment.queue_depth(side) for side in ("source", "dr")),
    }


def _make(deployment: Deployment, name: str) -> None:
    deployment.create_bucket(name, versioned=True)
    deployment.source_s3.put_object(Bucket=name, Key="old", Body=b"x")


def _tag(deployment: Deployment, name: str) -> None:
    deployment.source_s3.put_bucket_tagging(Bucket=name, Tagging=TAGS)


def _is_copied(deployment: Deployment, name: str) -> bool:
    try:
        deployment.dr_s3.head_object(Bucket=f"{name}-dr", Key="old")
    except ClientError:
        return False
    return True


def _bucket_of(job: dict[str, Any]) -> str:
    return str(job["Description"]).partition(" of ")[2].partition(" ")[0]


class _Stranger:
    """Somebody else in the account, who has a bucket replicated and its objects copied again."""

    description = "the stranger's"

    def __init__(self, deployment: Deployment) -> None:
        self.number = self._round = 0
        self._bucket = deployment.create_bucket("strange", versioned=True)
        target = deployment.create_bucket("strange-dr", region=deployment.dr_region, versioned=True)
        for each in range(20):
            deployment.source_s3.put_object(Bucket=self._bucket, Key=str(each), Body=b"x")
        rule = {
            "ID": "strange",
            "Priority": 1,
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
        }
        self._control = deployment.client("s3control", deployment.source_region)
        role = deployment.local_aws.replication_role("strange", ACCOUNT)
        deployment.source_s3.put_bucket_replication(
            Bucket=self._bucket,
            ReplicationConfiguration={"Role": role, "Rules": [rule]},
        )

    def run(self, over: Event) -> None:
        """Have no to four jobs at work, until it is over."""
        while not over.wait(2):
            for _ in range(self._round % 5):
                self._begin()
                self.number += 1
            self._round += 1

    def _begin(self) -> None:
        manifest = {
            "SourceBucket": f"arn:aws:s3:::{self._bucket}",
            "EnableManifestOutput": False,
            "Filter": {"EligibleForReplication": True},
        }
        self._control.create_job(
            AccountId=ACCOUNT,
            ConfirmationRequired=False,
            Operation={"S3ReplicateObject": {}},
            Report={"Enabled": False},
            ManifestGenerator={"S3JobManifestGenerator": manifest},
            Description=self.description,
            Priority=10,
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/s3-dr-batch",
            ClientRequestToken=f"{time.monotonic_ns()}",
        )


def _print(console: Console, found: dict[str, Any]) -> None:
    table = Table("first copies", "")
    for key, value in found.items():
        text = f"{value:.1f}" if isinstance(value, float) else str(value)
        table.add_row(key.replace("_", " "), text)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
