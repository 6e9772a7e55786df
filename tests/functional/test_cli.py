"""The command line on a local AWS: real processes and invocations, stand-ins for the functions."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]
ACCOUNT, DR_ACCOUNT = "111122223333", "444455556666"
REGION, DR_REGION = "us-west-2", "us-east-2"
FUNCTIONS = ("source-bucket-check", "destination-bucket-check", "enable-replication", "sweep")
Lab = Any  # the fixture of conftest.py

# Answers as the module's functions do; the names of the buckets say how they stand.
STAND_IN = """
import os, time

def handler(event, context):
    kind, detail = event["detail-type"], event.get("detail") or {}
    function = context.function_name.removeprefix(os.environ["MODULE_NAME"] + "-")
    if kind == "Sweep Look Requested":
        return {
            "buckets": os.environ["TAGGED"].split(","),
            "orphans": [],
            "released": [],
            "trail": {"status": "ok", "detail": "", "trails": ["main"]},
        }
    if kind == "Jobs Look Requested":
        return {
            "active_jobs": 4, "at_once": 6, "held_by_ours": 4, "held_by_others": 1, "errors": [],
            "jobs": [{"bucket": "photos", "status": "queued", "place": 1, "kind": "first"}],
        }
    return {"results": [one(function, bucket, detail) for bucket in detail["buckets"]]}

def one(function, bucket, detail):
    if bucket == "slow":
        time.sleep(60)
    if bucket == "broken" and function == "destination-bucket-check":
        raise ValueError("broken on " + context_account())
    if bucket == "blocked" and function == "source-bucket-check":
        return {"bucket": bucket, "outcome": "blocked", "reason": "R", "remedy": "do this"}
    last = function == "enable-replication"
    outcome = "protected" if last else "passed_on"
    facts = {"bucket": bucket, "twin": bucket + "-dr", "profile": "standard", "changes": []}
    backfill = {"status": "complete", "total": 2, "succeeded": 2, "failed": 0} if last else {}
    return {**facts, "outcome": outcome, "backfill": backfill}

def context_account():
    return os.environ["AWS_LAMBDA_FUNCTION_NAME"]
"""


class Installation:
    """Stand-ins for the four functions under one name, and the command line to ask them."""

    def __init__(
        self, lab: Lab, home: Path, name: str, tagged: str = "", dr_account: str = ACCOUNT
    ) -> None:
        self.lab, self.name = lab, name
        self.settings = settings = {
            "BATCH_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/{name}-batch",
            "DR_ACCOUNT_ID": dr_account,
            "DR_REGION": DR_REGION,
            "MODULE_NAME": name,
            "PARTITION": "aws",
            "REPORTS_BUCKET": f"{name}-reports",
            "SOURCE_ACCOUNT_ID": ACCOUNT,
            "SOURCE_REGION": REGION,
            "TAGGED": tagged,
        }
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr("index.py", STAND_IN)
        for function in FUNCTIONS:
            is_dr = function == "destination-bucket-check"
            account = dr_account if is_dr else ACCOUNT
            functions = lab.server.client("lambda", DR_REGION if is_dr else REGION, account)
            functions.create_function(
                FunctionName=f"{name}-{function}",
                Runtime="python3.13",
                Handler="index.handler",
                Role=lab.role(f"{name}-{function}", [], account),
                Timeout=120,
                Code={"ZipFile": archive.getvalue()},
                Environment={"Variables": settings},
            )
            functions.get_waiter("function_active_v2").wait(
                FunctionName=f"{name}-{function}", WaiterConfig={"Delay": 1}
            )
        config = home / "aws-config"
        config.write_text(
            "".join(
                f"[profile {profile}]\naws_access_key_id = {account}\n"
                "aws_secret_access_key = test\n"
                for profile, account in (("source", ACCOUNT), ("dr", DR_ACCOUNT))
            )
        )
        self.environment = {
            **lab.server.environment(region=REGION),
            "AWS_CONFIG_FILE": str(config),
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(REPO / "cli"),
            "S3_DR_NAME": name,
        }

    def tag(self, *buckets: str) -> None:
        """Have these buckets tagged, and no others."""
        functions, name = self.lab.server.client("lambda", REGION), f"{self.name}-sweep"
        functions.update_function_configuration(
            FunctionName=name,
            Environment={"Variables": {**self.settings, "TAGGED": ",".join(buckets)}},
        )
        functions.get_waiter("function_updated_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 1}
        )

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """The command line in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "s3_dr_cli", *arguments],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell has what it starts in the background ignore this, and so would the command.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=300)
        return process.returncode, out, err


@pytest.fixture(scope="module")
def one(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation in one account; who needs tagged buckets has them tagged."""
    return Installation(lab, tmp_path_factory.mktemp("cli"), "cli-one")


def test_status_of_a_fleet(one: Installation) -> None:
    names = [f"bucket-{n:02}" for n in range(30)]
    one.tag(*names, "blocked", "broken")

    code, out, err = one.run("status", "--json")

    document = json.loads(out)
    assert (code, err) == (1, "")
    assert document["summary"] == {
        "buckets": 32,
        "protected": 30,
        "pending": 0,
        "blocked": 1,
        "failed": 1,
        "ignored": 0,
    }
    found = {each["bucket"]: each for each in document["buckets"]}
    assert found["blocked"]["remedy"] == "do this"
    assert found["broken"]["reason"] == "ValueError"
    assert found["broken"]["detail"] == "broken on cli-one-destination-bucket-check"
    assert found["bucket-29"]["backfill"]["succeeded"] == 2

    code, out, err = one.run("status", "bucket-00")

    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "1 of 1 bucket protected"


def test_check_and_backfill(one: Installation) -> None:
    for arguments in (("check", "photos"), ("backfill", "photos", "--wait")):
        code, out, err = one.run(*arguments, "--json")

        assert code == 0, err
        (bucket,) = json.loads(out)["buckets"]
        assert (bucket["bucket"], bucket["backfill"]["status"]) == ("photos", "complete")


def test_jobs_are_the_sweep_s_answer(one: Installation) -> None:
    code, out, err = one.run("jobs")

    assert (code, err) == (0, "")
    assert out.split("\n\n")[0].splitlines()[-1].split() == ["photos", "queued", "1", "first"]
    assert out.splitlines()[-1] == (
        "4 of our 4 places held; others have 1 job at work or waiting; 1 of S3's 6 left"
    )


def test_two_accounts_need_the_other_one_s_profile(lab: Lab, tmp_path: Path) -> None:
    two = Installation(lab, tmp_path, "cli-two", dr_account=DR_ACCOUNT)

    code, out, err = two.run("status", "photos", "--profile", "source", "--dr-profile", "dr")
    assert (code, err) == (0, ""), out

    code, out, err = two.run("status", "photos", "--profile", "source")
    assert (code, out) == (3, "")
    assert err.count("\n") == 1 and "--dr-profile" in err


def test_sweep_reaches_the_bus_of_the_source_region(lab: Lab, one: Installation) -> None:
    events, sqs = (lab.server.client(service, REGION) for service in ("events", "sqs"))
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:cli-sweep"
    policy = lab.queue_policy(arn, f"arn:aws:events:{REGION}:{ACCOUNT}:rule/cli-sweep")
    url = sqs.create_queue(QueueName="cli-sweep", Attributes={"Policy": policy})["QueueUrl"]
    pattern = {"account": [ACCOUNT], "source": ["s3-dr"], "detail-type": ["Sweep Requested"]}
    events.put_rule(Name="cli-sweep", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="cli-sweep", Targets=[{"Id": "q", "Arn": arn}])

    code, out, _ = one.run("sweep")

    assert code == 0 and "A sweep was asked for in us-west-2" in out
    (event,) = map(json.loads, lab.eventually(lambda: lab.receive(sqs, url)))
    assert event["detail-type"] == "Sweep Requested"


def test_doctor_sees_what_is_there_and_what_is_not(lab: Lab, one: Installation) -> None:
    one.tag("photos")
    events = lab.server.client("events", REGION)
    events.put_rule(Name="cli-one-sweep", ScheduleExpression="rate(6 hours)")
    events.put_rule(Name="cli-one-s3-events", EventPattern='{"source":["aws.s3"]}')
    events.disable_rule(Name="cli-one-s3-events")
    for region in (REGION, DR_REGION):
        sqs = lab.server.client("sqs", region)
        url = sqs.create_queue(QueueName="cli-one-failures")["QueueUrl"]
        if region == DR_REGION:
            sqs.send_message(QueueUrl=url, MessageBody="x")
    lab.create("cli-one-reports")
    lab.role("cli-one-batch", [])

    code, out, err = one.run("doctor", "--json")

    assert (code, err) == (1, "")
    checks = json.loads(out)["checks"]
    found = {each["check"]: (each["status"], each["sentence"]) for each in checks}
    assert found["source region"] == ("ok", f"us-west-2 answers; asked as account {ACCOUNT}")
    assert found["cli-one-sweep"] == ("ok", "active in us-west-2, python3.13")
    assert found["package"][0] == "ok"
    assert found["role cli-one-batch"] == ("ok", "is there")
    assert found["rule cli-one-sweep"] == ("ok", "enabled rate(6 hours)")
    assert found["rule cli-one-s3-events"] == ("fail", "is disabled")
    assert found["rule cli-one-check-requests"] == ("fail", "is not there")
    assert found["failures us-west-2"] == ("ok", "cli-one-failures is empty")
    assert found["failures us-east-2"][0] == "warn"
    assert found["reports bucket"] == ("ok", "cli-one-reports answers")
    assert found["bucket quota"][0] == "ok"
    assert found["trail"] == ("ok", "management events are logged: main")
    assert found["boto3 of functions"][0] == "ok"


def test_a_caller_without_permissions(lab: Lab, one: Installation) -> None:
    keys = lab.assume("cli-denied-caller", [])
    caller = {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }

    code, out, err = one.run("status", **caller)
    assert (code, out) == (3, "")
    assert err.count("\n") == 1 and "GetFunctionConfiguration" in err

    code, out, err = one.run("doctor", **caller)
    assert (code, err) == (0, "")
    assert "not allowed to lambda:GetFunctionConfiguration" in out


def test_an_aws_that_does_not_answer_is_3(one: Installation) -> None:
    code, out, err = one.run("status", AWS_ENDPOINT_URL="http://127.0.0.1:9")

    assert (code, out) == (3, "")
    assert err.startswith("AWS cannot be asked: ") and err.count("\n") == 1


def test_ctrl_c_ends_it_at_once_although_a_function_runs(lab: Lab, tmp_path: Path) -> None:
    # Its own: the function runs on.
    one = Installation(lab, tmp_path, "cli-interrupted")
    with one.start("status", "slow") as process:
        # Others are asked before the slow one, and have answered after a moment.
        assert lab.eventually(lambda: all(runs(lab, wait) for wait in (0, 2))), "the function runs"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
        assert time.monotonic() - began < 30, "it does not wait for the function, which takes 60 s"

    assert process.returncode == 130
    assert (out, err.strip()) == ("", "Interrupted.")


def runs(lab: Lab, wait: float) -> bool:
    time.sleep(wait)
    return bool(lab.server.running() > 0)


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_person_sees_progress_and_a_program_the_document(one: Installation) -> None:
    one.tag("photos")
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "s3_dr_cli", "status", "--json"],
        env={**one.environment, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as run:
        os.close(theirs)
        # While it runs: a terminal that nobody reads is full after a few seconds of progress.
        seen = b"".join(until_closed(ours)).decode()
        os.close(ours)
        out, _ = run.communicate()

    assert run.returncode == 0
    assert json.loads(out)["summary"]["protected"] == 1
    assert "Asking about buckets" in seen and "1/1" in seen


def until_closed(terminal: int) -> Iterator[bytes]:
    """What is written to a terminal until its last writer has gone, which Linux calls an error."""
    with suppress(OSError):
        while some := os.read(terminal, 4096):
            yield some


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="needs a shell")
def test_a_reader_that_goes_away_is_no_stack_trace(one: Installation) -> None:
    one.tag(*(f"bucket-{n:05}" for n in range(300)))
    command = f"{sys.executable} -m s3_dr_cli status --json | true"

    run = subprocess.run(
        ["/bin/sh", "-c", command],
        env=one.environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
