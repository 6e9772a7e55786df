"""Starting, ending, recording, injecting: the local AWS as a tool of tests."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws, LocalAwsError
from local_aws.tests.lab import Lab

REGION = "us-west-2"


def test_faults_hit_the_next_matching_calls_only(lab: Lab) -> None:
    s3 = lab.create("se-fault")
    lab.create("se-fault-2")
    fault = {
        "operation": "GetBucketTagging",
        "bucket": "se-fault",
        "code": "SlowDown",
        "status": 503,
        "message": "Reduce <your> rate",
        "times": 2,
    }
    lab.server.faults([fault])
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket="se-fault-2")
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            s3.get_bucket_tagging(Bucket="se-fault")
        answer = caught.value.response
        assert answer["Error"]["Code"] == "SlowDown"
        assert answer["Error"]["Message"] == "Reduce <your> rate"
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket="se-fault")


def test_an_injected_failure_changes_nothing_and_is_an_event(lab: Lab) -> None:
    s3 = lab.create("se-aborted")
    fault = {"operation": "PutBucketVersioning", "code": "OperationAborted", "status": 409}
    enable = {"Bucket": "se-aborted", "VersioningConfiguration": {"Status": "Enabled"}}
    with lab.bus("se-aborted") as received:
        lab.server.faults([{**fault, "bucket": "se-aborted"}])
        with pytest.raises(ClientError, match="OperationAborted"):
            s3.put_bucket_versioning(**enable)
        assert received.one()["detail"]["errorCode"] == "OperationAborted"
        assert "Status" not in s3.get_bucket_versioning(Bucket="se-aborted")
        s3.put_bucket_versioning(**enable)
        assert "errorCode" not in received.one()["detail"]


def test_faults_work_for_head_and_for_sns_and_can_be_ended(lab: Lab) -> None:
    s3 = lab.create("se-head")
    sns = lab.server.client("sns", REGION)
    topic = sns.create_topic(Name="se-head")["TopicArn"]
    lab.server.faults(
        [
            {"operation": "HeadBucket", "bucket": "se-head", "code": "x", "status": 403},
            {"operation": "Publish", "code": "Throttled", "status": 429, "times": 5},
        ]
    )
    with pytest.raises(ClientError, match="403"):
        s3.head_bucket(Bucket="se-head")
    s3.head_bucket(Bucket="se-head")
    with pytest.raises(ClientError, match="Throttled"):
        sns.publish(TopicArn=topic, Message="x")
    lab.server.faults([])
    sns.publish(TopicArn=topic, Message="x")
    with pytest.raises(LocalAwsError, match="bukket"):
        lab.server.faults([{"operation": "x", "code": "y", "bukket": "z"}])


def test_calls_are_recorded_and_cleared() -> None:
    with LocalAws(quiet=True) as server:
        s3 = server.client("s3", REGION)
        s3.list_buckets()
        with pytest.raises(ClientError):
            s3.head_bucket(Bucket="se-missing")
        server.client("sqs", "us-east-1", "444455556666").list_queues()
        recorded = server.calls()
        for number, call in enumerate(recorded, start=1):
            assert call.pop("n") == number
            assert abs(call.pop("time") - time.time()) < 60
        root = {"principal": "root", "region": REGION}
        assert recorded == [
            {"service": "s3", "operation": "ListBuckets", "bucket": "", "status": 200, **root},
            {
                "service": "s3",
                "operation": "HeadBucket",
                "bucket": "se-missing",
                "status": 404,
                **root,
            },
            {
                "service": "sqs",
                "operation": "ListQueues",
                "bucket": "",
                "status": 200,
                "principal": "root",
                "region": "us-east-1",
            },
        ]
        now = time.time()
        s3.list_buckets()
        assert [call["n"] for call in server.calls(since=now)] == [4]
        server.clear_calls()
        assert server.calls() == []
        assert server.errors() == []


def test_who_asks_for_the_same_client_again_gets_the_same(lab: Lab) -> None:
    server, user = lab.server, {"AccessKeyId": "AKIAUSER", "SecretAccessKey": "s"}
    asked: list[tuple[Any, ...]] = [
        ("s3", REGION),
        ("s3", "us-east-2"),
        ("sqs", REGION),
        ("s3", REGION, "444455556666"),
        ("s3", REGION, "111122223333", user),
        ("s3", REGION, "111122223333", {**user, "SessionToken": "t"}),
    ]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda each: server.client(*each), asked * 4))
    assert len({id(client) for client in found}) == len(asked)
    assert all(found[n] is found[n + len(asked)] for n in range(len(asked)))


def test_two_servers_do_not_know_each_other() -> None:
    with LocalAws(quiet=True) as one, LocalAws(quiet=True) as two:
        assert one.endpoint != two.endpoint
        region = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
        for server in (one, two):
            server.client("s3", REGION).create_bucket(Bucket="se-same-name", **region)
        assert [c["operation"] for c in two.calls()] == ["CreateBucket"]


def _group(process_group: int) -> list[str]:
    """The command lines of a process group's living members."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == process_group and fields[0] != "Z":
                found.append((stat.parent / "cmdline").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_nothing_is_left_behind_with_a_function_still_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab: Lab
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    endless = "import time\ndef handler(event, context):\n    time.sleep(60)\n"
    with LocalAws(quiet=True) as server:
        process = server.process_id
        own = type(lab)(server)
        own.function("endless", endless, own.role("endless", []))
        server.client("lambda", REGION).invoke(FunctionName="endless", InvocationType="Event")
        assert own.eventually(lambda: len(_group(process)) == 2), "server and worker"
        assert len(list(tmp_path.iterdir())) == 1
    assert _group(process) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_killed_owner_takes_the_server_with_it(tmp_path: Path, lab: Lab) -> None:
    program = """
import threading, time
from local_aws import LocalAws
from local_aws.tests.lab import Lab
server = LocalAws(quiet=True)
server.start()
lab = Lab(server)
source = "import time\\ndef handler(event, context):\\n    time.sleep(60)\\n"
lab.function("endless", source, lab.role("endless", []))
invoke = server.client("lambda", "us-west-2").invoke
threading.Thread(target=invoke, kwargs={"FunctionName": "endless"}, daemon=True).start()
while not server.running():
    time.sleep(0.05)
print(server.process_id, flush=True)
time.sleep(60)
"""
    above = str(Path(__file__).parents[2])
    environment = {"PYTHONPATH": above, "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment, text=True
    ) as owner:
        assert owner.stdout is not None
        process = int(owner.stdout.readline())
        assert lab.eventually(lambda: len(_group(process)) == 2), "server and worker"
        owner.kill()
    assert lab.eventually(lambda: not _group(process), 8), f"outlived it: {_group(process)}"


def test_a_taken_port_is_told_in_a_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(LocalAwsError, match=f"Port {port} cannot be used .* choose another"),
            LocalAws(port=port),
        ):
            pytest.fail("it started on a taken port")


def test_a_chosen_port_is_used_and_only_loopback_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with LocalAws(port=port, quiet=True) as server:
        assert server.endpoint == f"http://127.0.0.1:{port}"
        with pytest.raises(OSError), socket.create_connection(("127.0.0.2", port), timeout=1):
            pytest.fail("it listens beyond 127.0.0.1")


def test_the_machine_s_aws_configuration_does_not_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_PROFILE": "missing",
        "AWS_ACCESS_KEY_ID": "AKIAMACHINE",
        "AWS_SESSION_TOKEN": "token",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    with LocalAws(quiet=True) as server:
        answer = server.client("sts", REGION).get_caller_identity()
        assert answer["Arn"] == "arn:aws:iam::111122223333:root"
        variables = server.environment(region="us-east-2")
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "us-east-2"
    assert variables["AWS_ACCESS_KEY_ID"] == "111122223333"


def test_a_request_that_is_sent_again_gets_the_answer_that_was_lost() -> None:
    """An SDK gives all attempts of one operation one ID."""
    with LocalAws(quiet=True) as server:
        logs = server.client("logs", REGION)
        sent = {"id": "first"}
        logs.meta.events.register(
            "before-send.logs",
            lambda request, **_: request.headers.__setitem__("amz-sdk-invocation-id", sent["id"]),
        )
        for _ in range(2):
            logs.create_log_group(logGroupName="again")
        assert [call["operation"] for call in server.calls()].count("CreateLogGroup") == 1

        sent["id"] = "second"
        with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName="again")
        sent["id"] = "third"
        logs.delete_log_group(logGroupName="again")
        sent["id"] = "second"  # a refusal was no answer to keep
        logs.create_log_group(logGroupName="again")
        sent["id"] = "fourth"
        assert len(logs.describe_log_groups()["logGroups"]) == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_it_starts_in_a_few_seconds() -> None:
    """Of its own work: how long that takes says more about what else the machine does."""
    with LocalAws(quiet=True) as server:
        stat = Path(f"/proc/{server.process_id}/stat").read_text().rpartition(")")[2].split()
        took = sum(map(int, stat[11:13])) / os.sysconf("SC_CLK_TCK")
        with urllib.request.urlopen(f"{server.endpoint}/_local_aws/health") as answer:
            assert b'"ready"' in answer.read()
    assert took < 5, f"it worked for {took:.1f} s to start"
