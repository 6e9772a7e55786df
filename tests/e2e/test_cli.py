"""The command-line tool, against the module as it is applied."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

import pytest

from e2e.examples import Example
from harness.deployment import PATIENCE, Deployment
from harness.toolchain import REPO

pytestmark = pytest.mark.terraform

TAG = {"Key": "dr", "Value": "true"}


@pytest.fixture(scope="module", params=["basic", "cross_account"])
def stack(request: pytest.FixtureRequest) -> Deployment:
    example: Example = request.getfixturevalue(request.param)
    return example.stack


def cli(stack: Deployment, *arguments: str, code: int = 0) -> Any:
    """What the tool prints as JSON."""
    accounts = {"source": stack.account, "dr": stack.dr_account}
    profiles = "".join(
        f"[profile {name}]\naws_access_key_id = {account}\naws_secret_access_key = test\n"
        for name, account in accounts.items()
    )
    environment = {
        **stack.local_aws.environment(account=stack.account),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPO / "cli"),
    }
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del environment[name]
    common = ["--name", stack.name, "--region", stack.source_region, "--json"]
    common += ["--profile", "source", "--dr-profile", "dr"]
    with tempfile.NamedTemporaryFile("w") as config:
        config.write(profiles)
        config.flush()
        run = subprocess.run(
            [sys.executable, "-m", "s3_dr_cli", *common, *arguments],
            env={**environment, "AWS_CONFIG_FILE": config.name},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    assert run.returncode == code, run.stderr
    return json.loads(run.stdout)


def test_status_tells_protected_blocked_and_how_far_the_copying_is(stack: Deployment) -> None:
    good, bad = (f"cli-{what}-{stack.account}" for what in ("good", "bad"))
    stack.create_bucket(good, tags=[TAG])
    stack.source_s3.put_object(Bucket=good, Key="k", Body=b"x")
    stack.create_bucket(bad, versioned=True)
    stack.source_s3.put_bucket_versioning(
        Bucket=bad, VersioningConfiguration={"Status": "Suspended"}
    )
    stack.source_s3.put_bucket_tagging(Bucket=bad, Tagging={"TagSet": [TAG]})
    stack.wait_for_rule(good)
    stack.settle()

    found = {each["bucket"]: each for each in cli(stack, "status", good, bad, code=1)["buckets"]}

    assert found[good]["state"] == "protected"
    assert found[bad]["state"] == "blocked"
    assert found[bad]["reason"] == "SOURCE_VERSIONING_SUSPENDED"
    assert found[bad]["remedy"]


def test_check_heals_and_says_so(stack: Deployment) -> None:
    bucket = stack.create_bucket(f"cli-check-{stack.account}")
    with stack.events_lost():
        stack.source_s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [TAG]})

    [found] = cli(stack, "check", bucket)["buckets"]

    assert (found["bucket"], found["state"]) == (bucket, "protected")
    assert stack.rules(bucket)


def test_backfill_copies_and_waits(stack: Deployment) -> None:
    bucket = stack.create_bucket(f"cli-backfill-{stack.account}", tags=[TAG])
    stack.wait_for_rule(bucket)
    stack.source_s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    [found] = cli(stack, "backfill", "--everything", "--wait", bucket)["buckets"]

    assert found["backfill"]["status"] == "complete"
    assert found["backfill"]["succeeded"] == 1


def test_doctor_finds_that_there_is_no_trail(stack: Deployment) -> None:
    checks = {each["check"]: each for each in cli(stack, "doctor", code=1)["checks"]}

    assert {name for name, each in checks.items() if each["status"] == "fail"} == {"trail"}
