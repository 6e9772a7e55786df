"""``make demo`` and ``make local``: the module on a local AWS, as a user would see it.

The local AWS is started, ``examples/basic`` is applied by Terraform, a bucket is made and tagged,
and what the three functions then do is shown as it happens. ``--keep`` leaves all of it running.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table

from harness.console import make_console
from harness.deployment import AT_ONCE, Deployment, wait_for
from harness.terraform import Root, TerraformError
from harness.toolchain import REPO, Toolchain, ToolchainError
from local_aws import LocalAws, LocalAwsError
from local_aws.open_points import WORLDS

ACCOUNT = "111122223333"
BUCKET = "dr-test-bucket"
CORS = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://www.example.com"]}
LIFECYCLE = {
    "ID": "old reports",
    "Status": "Enabled",
    "Filter": {"Prefix": "reports/"},
    "Transitions": [{"Days": 30, "StorageClass": "GLACIER_IR"}],
    "Expiration": {"Days": 365},
}
OLD_OBJECTS = {f"reports/2025-1{month}.csv": b"before the tag\n" for month in range(3)}
OBJECTS = {f"reports/2026-0{month}.csv": f"month,{month}\n".encode() for month in range(1, 6)}
PORT = 4566
TAGGING = {"TagSet": [{"Key": "dr", "Value": "true"}]}

# What each write means to somebody who has not read the code.
_STEPS = {
    ("you", "CreateBucket"): f"creates {BUCKET}",
    ("you", "PutBucketCors"): "gives it CORS rules",
    ("you", "PutBucketLifecycleConfiguration"): "gives it lifecycle rules",
    ("you", "PutBucketTagging"): f"tags {BUCKET} dr: true",
    ("source_bucket_check", "PutBucketVersioning"): f"versions {BUCKET}",
    ("source_bucket_check", "Publish"): "asks for the twin (topic 01)",
    ("destination_bucket_check", "CreateBucket"): f"creates {BUCKET}-dr",
    ("destination_bucket_check", "PutBucketVersioning"): "versions it",
    ("destination_bucket_check", "TagResource"): "notes what it will clone",
    ("destination_bucket_check", "PutBucketLifecycleConfiguration"): "clones the lifecycle rules",
    ("destination_bucket_check", "PutBucketCors"): "clones the CORS rules",
    ("destination_bucket_check", "PutBucketPolicy"): "lets it refuse plain HTTP",
    ("destination_bucket_check", "Publish"): "asks for replication (topic 02)",
    ("enable_replication", "PutBucketReplication"): "puts the replication rule in",
    ("enable_replication", "CreateJob"): "has the existing objects copied",
}


def main() -> int:
    """Run the demo; returns the exit code."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave it running to play with")
    parser.add_argument("--port", type=int, help=f"the local AWS's port (with --keep: {PORT})")
    parser.add_argument(
        "--world", choices=WORLDS, default=WORLDS[0], help="what AWS does that no document decides"
    )
    parser.add_argument("--parent", type=int, help="end when this process, which started us, ends")
    arguments = parser.parse_args()
    console = make_console()
    # Whoever ends the demo ends what it started: also with `kill`, also in the background, where a
    # shell has SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    if arguments.parent:
        threading.Thread(target=_follow, args=[arguments.parent], daemon=True).start()
    try:
        with ExitStack() as stack:
            port = arguments.port or (PORT if arguments.keep else None)
            deployment = _deploy(console, stack, port, arguments.world)
            _protect(console, deployment)
            console.print(_fidelity(deployment))
            _replicate(console, deployment)
            _let_go(console, deployment)
            _status(deployment)
            if arguments.keep:
                _keep(console, deployment)
            with _step(console, "terraform destroy; the local AWS goes with all that is in it"):
                stack.close()
    except (ToolchainError, LocalAwsError, TerraformError, AssertionError) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    return 0


def _deploy(console: Console, stack: ExitStack, port: int | None, world: str) -> Deployment:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="s3-dr-demo-")))
    tools = Toolchain.find(folder)
    with _step(console, "Starting the local AWS"):
        local_aws = stack.enter_context(LocalAws(port=port, quiet=True, world=world))
    _make_trail(local_aws)
    environment = local_aws.environment(account=ACCOUNT)
    with _step(console, "terraform init"):
        basic = REPO / "examples/basic"
        root = stack.enter_context(Root(basic, tools=tools, env=environment, overrides=AT_ONCE))
        root.init()
    with _step(console, "terraform apply (the provider alone waits a minute for lifecycle rules)"):
        root.apply()
    return Deployment(local_aws, root, ACCOUNT)


def _make_trail(local_aws: LocalAws) -> None:
    """Has the account a trail of management events, as most accounts have before the module comes.

    The bucket's policy is that of the CloudTrail User Guide.
    """
    region, bucket = "us-east-1", f"trail-{ACCOUNT}"
    allow = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    arn = f"arn:aws:s3:::{bucket}"
    statements = [
        {**allow, "Action": "s3:GetBucketAcl", "Resource": arn},
        {**allow, "Action": "s3:PutObject", "Resource": f"{arn}/AWSLogs/{ACCOUNT}/*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    s3 = local_aws.client("s3", region, ACCOUNT)
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    trails = local_aws.client("cloudtrail", region, ACCOUNT)
    trails.create_trail(Name="all", S3BucketName=bucket, IsMultiRegionTrail=True)
    trails.start_logging(Name="all")


def _protect(console: Console, deployment: Deployment) -> None:
    """Make and tag the bucket, and show each step until the rule is live."""
    console.print(
        f"\nA user creates [bold]{BUCKET}[/bold] in {deployment.source_region}, puts "
        f"{len(OLD_OBJECTS)} objects in, and tags it [bold]dr: true[/bold]. Here these are copied "
        "at once, and not after the usual quarter of an hour"
    )
    deployment.local_aws.clear_calls()
    deployment.create_bucket(BUCKET)
    s3 = deployment.source_s3
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [CORS]})
    rules = {"Rules": [LIFECYCLE]}
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=rules)
    for key, body in OLD_OBJECTS.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    tagged_at = time.time()
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging=TAGGING)
    with Live(console=console, refresh_per_second=10) as live:

        def rule_is_live() -> bool:
            live.update(_journey(deployment, tagged_at))
            return "s3-dr" in deployment.rules(BUCKET)

        wait_for(
            rule_is_live, 60, lambda: f"no replication rule: {deployment.records(BUCKET)[-1:]}"
        )
        deployment.wait_for_record("enable_replication", bucket=BUCKET, outcome="protected")
        live.update(_journey(deployment, tagged_at))
    if not console.is_terminal:  # there, Live ends its last line itself
        console.line()


def _journey(deployment: Deployment, tagged_at: float) -> Table:
    table = _table("What happens, in seconds from the tag", "seconds", "region", "who", "does what")
    roles = {place["role_name"]: name for name, place in deployment.functions.items()}
    seen = set()
    for call in sorted(deployment.calls(), key=lambda call: call["time"]):
        who = roles.get(call["principal"], "you")
        step = _STEPS.get((who, call["operation"]))
        # To create and to tag are two events: a function may come twice, the second time in vain.
        if step and call["status"] < 300 and step not in seen:
            seen.add(step)
            seconds = call["time"] - tagged_at
            table.add_row(f"{seconds:5.2f}" if seconds > 0 else "", call["region"], who, step)
    return table


def _fidelity(deployment: Deployment) -> Table:
    """The report of the first run: what of the source's configuration the twin has."""
    record = deployment.wait_for_record(
        "destination_bucket_check", bucket=BUCKET, outcome="passed_on"
    )
    table = _table(f"How {BUCKET}-dr came out", "property", "outcome", "note")
    for line in record["properties"]:
        if line.get("reason") != "NOT_CHOSEN":
            note = "; ".join(line.get("notes", [])) or line.get("reason", "")
            table.add_row(line["property"], line["outcome"], note)
    return table


def _replicate(console: Console, deployment: Deployment) -> None:
    console.print(f"\nA user puts {len(OBJECTS)} more objects into {BUCKET}")
    for key, body in OBJECTS.items():
        deployment.source_s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    table = _table(f"Objects of {BUCKET}-dr", "key", "in the source", "in the twin", "same bytes")
    for key, body in (OLD_OBJECTS | OBJECTS).items():
        replica = _replica(deployment, key)
        here = deployment.source_s3.head_object(Bucket=BUCKET, Key=key)["ReplicationStatus"]
        same = replica["Body"].read() == body
        assert same, f"{key} differs in the twin"
        table.add_row(key, here, replica["ReplicationStatus"], "yes")
    console.print(table)


def _let_go(console: Console, deployment: Deployment) -> None:
    """Take the tag away, and give it back."""
    s3 = deployment.source_s3

    def wait_for_rule(status: str) -> None:
        wait_for(
            lambda: deployment.rules(BUCKET)["s3-dr"]["Status"] == status,
            30,
            lambda: f"the rule never was {status}",
        )

    s3.delete_bucket_tagging(Bucket=BUCKET)
    wait_for_rule("Disabled")
    console.print("\nThe user takes the tag away: the rule is [bold]off[/bold]")
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging=TAGGING)
    wait_for_rule("Enabled")
    console.print("The user gives it back: the rule is [bold]on again[/bold]\n")


def _replica(deployment: Deployment, key: str) -> Any:
    s3 = deployment.dr_s3

    def arrived() -> Any:
        try:
            return s3.get_object(Bucket=f"{BUCKET}-dr", Key=key)
        except s3.exceptions.NoSuchKey:
            return None

    return wait_for(arrived, 30, lambda: f"{key} never arrived in the twin")


def _status(deployment: Deployment) -> None:
    """What the operators' command says in the end."""
    print(f"$ s3-dr --region {deployment.source_region} status", flush=True)
    subprocess.run(
        [sys.executable, "-m", "s3_dr_cli", "--region", deployment.source_region, "status"],
        env={
            **os.environ,
            **deployment.local_aws.environment(account=ACCOUNT),
            "PYTHONPATH": str(REPO / "cli"),
        },
        check=True,
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=f"\n{title}",
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for column in columns:
        table.add_column(column, no_wrap=column != "note")
    return table


def _keep(console: Console, deployment: Deployment) -> None:
    variables = deployment.local_aws.environment(account=ACCOUNT)
    console.print("\nIt is yours until Ctrl-C. To talk to it from another shell:\n")
    own = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DATA_PATH")
    for name in own:
        console.print(f"  export {name}={variables[name]}", highlight=False, soft_wrap=True)
    region = deployment.source_region
    for line in (
        f"aws s3 mb s3://my-bucket --region {region}",
        f"aws s3api put-bucket-tagging --bucket my-bucket --region {region} "
        "--tagging 'TagSet=[{Key=dr,Value=true}]'",
        f"aws s3api get-bucket-replication --bucket my-bucket --region {region}",
        f"PYTHONPATH=cli .venv/bin/python -m s3_dr_cli --region {region} status",
        f"aws logs tail /aws/lambda/s3-dr-source-bucket-check --region {region}",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
    console.print()
    signal.pause()


@contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    began = time.monotonic()
    with console.status(f"{what} ..."):
        yield
    console.print(f"[green]✓[/green] {what}: {time.monotonic() - began:.1f} s", highlight=False)


def _follow(parent: int) -> None:
    """Ends this process when its parent has ended, which a killed one does not tell."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGTERM)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
