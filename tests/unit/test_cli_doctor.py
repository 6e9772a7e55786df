"""``s3-dr doctor``: each check well, ill, and not allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from s3_dr_cli.__main__ import main
from unit.cli_world import (
    ACCOUNT,
    DR_ACCOUNT,
    DR_REGION,
    Call,
    Crash,
    Refusal,
    World,
    world,
)

__all__ = ["world"]

DENIED = Refusal("AccessDenied", "not you")


def examine(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["doctor", "--json", *arguments])
    document = json.loads(capsys.readouterr().out)
    assert document["summary"]["fail"] == sum(c["status"] == "fail" for c in document["checks"])
    assert len({each["check"] for each in document["checks"]}) == len(document["checks"])
    return code, {each["check"]: each for each in document["checks"]}


def test_all_is_well(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.tagged = ["photos"]

    code, found = examine(capsys)

    assert code == 0
    assert {name: each["sentence"] for name, each in found.items()} == {
        "source region": f"us-west-2 answers; asked as account {ACCOUNT}",
        "installation": f"s3-dr: us-west-2 ({ACCOUNT}) to us-east-2 ({ACCOUNT})",
        "dr region": f"us-east-2 answers; asked as account {ACCOUNT}",
        "s3-dr-source-bucket-check": "active in us-west-2, python3.13",
        "s3-dr-destination-bucket-check": "active in us-east-2, python3.13",
        "s3-dr-enable-replication": "active in us-west-2, python3.13",
        "s3-dr-sweep": "active in us-west-2, python3.13",
        "package": "all functions run abcdefghijkl",
        "role s3-dr-replication": "is there",
        "role s3-dr-batch": "is there",
        "role s3-dr-sweep": "is there",
        "rule s3-dr-s3-events": "enabled",
        "rule s3-dr-tag-changes": "enabled",
        "rule s3-dr-check-requests": "enabled",
        "rule s3-dr-sweep": "enabled",
        "rule s3-dr-jobs": "enabled",
        "rule s3-dr-job-events": "enabled",
        "failures us-west-2": "s3-dr-failures is empty",
        "failures us-east-2": "s3-dr-failures is empty",
        "reports bucket": "s3-dr-reports answers",
        "bucket quota": "the DR account has 2 of 10,000 buckets (by Service Quotas)",
        "concurrency us-west-2": "1,000 concurrent executions unreserved",
        "concurrency us-east-2": "1,000 concurrent executions unreserved",
        "trail": "management events are logged: main",
        "boto3 of functions": "no function calls its own too old in dry runs of 1 bucket",
    }
    assert {each["status"] for each in found.values()} == {"ok"}
    assert set(found["trail"]) == {"check", "status", "sentence", "remedy"}


def disabled(call: Call) -> dict[str, Any]:
    off = call.parameters["Name"].endswith(("-sweep", "-jobs", "-job-events"))
    return {"State": "DISABLED" if off else "ENABLED"}


def other_package(call: Call) -> dict[str, Any] | None:
    if not call.parameters["FunctionName"].endswith(":s3-dr-sweep"):
        return None
    return {"CodeSha256": "other", "State": "Active", "LastUpdateStatus": "Successful"}


def gone(name: str, code: str, **status: Any) -> Any:
    def answer(call: Call) -> None:
        if any(str(value).endswith(name) for value in call.parameters.values()):
            raise Refusal(code, **status)

    return answer


def of_function(function: str, **facts: Any) -> Any:
    return lambda call: (
        {"CodeSha256": "x", **facts}
        if call.parameters["FunctionName"].endswith(f":{function}")
        else None
    )


@pytest.mark.parametrize(
    ("operation", "answer", "check", "status", "sentence"),
    [
        (
            "GetFunctionConfiguration",
            gone(":s3-dr-sweep", "ResourceNotFoundException"),
            "s3-dr-sweep",
            "fail",
            "is not there in us-west-2",
        ),
        (
            "GetFunctionConfiguration",
            of_function("s3-dr-sweep", State="Failed", StateReason="no image"),
            "s3-dr-sweep",
            "fail",
            "Failed, last update not told: no image",
        ),
        (
            "GetFunctionConfiguration",
            of_function("s3-dr-sweep", State="Active", LastUpdateStatus="InProgress"),
            "s3-dr-sweep",
            "warn",
            "Active, last update InProgress: no reason told",
        ),
        (
            "GetFunctionConfiguration",
            other_package,
            "package",
            "fail",
            "the functions do not run the same package",
        ),
        (
            "GetFunctionConfiguration",
            gone(":s3-dr-sweep", "AccessDeniedException"),
            "package",
            "skipped",
            "only 3 of 4 functions were seen",
        ),
        ("GetRole", gone("-batch", "NoSuchEntity"), "role s3-dr-batch", "fail", "is not there"),
        ("DescribeRule", disabled, "rule s3-dr-sweep", "fail", "is disabled"),
        ("DescribeRule", disabled, "rule s3-dr-job-events", "fail", "is disabled"),
        ("DescribeRule", disabled, "rule s3-dr-jobs", "ok", "disabled, as no job waits"),
        (
            "DescribeRule",
            gone("-jobs", "ResourceNotFoundException"),
            "rule s3-dr-jobs",
            "fail",
            "is not there",
        ),
        (
            "DescribeRule",
            gone("-s3-events", "ResourceNotFoundException"),
            "rule s3-dr-s3-events",
            "fail",
            "is not there",
        ),
        (
            "GetQueueAttributes",
            {"Attributes": {"ApproximateNumberOfMessages": "1"}},
            "failures us-east-2",
            "warn",
            "s3-dr-failures holds 1 event that could not be dealt with",
        ),
        (
            "GetQueueUrl",
            Refusal("AWS.SimpleQueueService.NonExistentQueue"),
            "failures us-west-2",
            "fail",
            "there is no queue s3-dr-failures",
        ),
        (
            "HeadBucket",
            Refusal("404", status=404),
            "reports bucket",
            "fail",
            "s3-dr-reports is not there",
        ),
        (
            "GetServiceQuota",
            {"Quota": {"Value": 2.0}},
            "bucket quota",
            "fail",
            "the DR account has 2 of 2 buckets (by Service Quotas)",
        ),
        (
            "GetServiceQuota",
            Refusal("AccessDeniedException"),
            "bucket quota",
            "ok",
            "the DR account has 2 of 10,000 buckets (the usual quota; Service Quotas did not say)",
        ),
        (
            "ListBuckets",
            {"Buckets": [{"Name": f"b{n}"} for n in range(9000)]},
            "bucket quota",
            "warn",
            "the DR account has 9,000 of 10,000 buckets (by Service Quotas)",
        ),
        (
            "GetAccountSettings",
            {"AccountLimit": {"UnreservedConcurrentExecutions": 10}},
            "concurrency us-east-2",
            "warn",
            "10 concurrent executions unreserved",
        ),
        (
            "DescribeRule",
            Refusal("InternalException", "oh"),
            "rule s3-dr-sweep",
            "fail",
            "AWS said no to events:DescribeRule: InternalException: oh",
        ),
    ],
)
def test_one_thing_is_ill(
    world: World,
    capsys: pytest.CaptureFixture[str],
    operation: str,
    answer: Any,
    check: str,
    status: str,
    sentence: str,
) -> None:
    world.answers[operation] = answer

    code, found = examine(capsys)

    assert (found[check]["status"], found[check]["sentence"]) == (status, sentence)
    has_failed = any(each["status"] == "fail" for each in found.values())
    assert code == int(has_failed) and (status != "fail" or has_failed)
    is_odd = status in ("warn", "fail") and not sentence.startswith("AWS said no")
    assert bool(found[check]["remedy"]) is is_odd, "What is not well has a remedy."


UNASKED = "disabled, and nobody could say whether a job waits: The function s3-dr-sweep "


@pytest.mark.parametrize(
    ("jobs", "status", "sentence", "remedy"),
    [
        ({"jobs": [{"status": "queued"}]}, "fail", "disabled, and 1 job waits", "s3-dr sweep ena"),
        (
            {"jobs": [{"status": each} for each in ("scheduled", "running", "queued")]},
            "fail",
            "disabled, and 2 jobs wait",
            "s3-dr sweep ena",
        ),
        ({"jobs": [{"status": "running"}]}, "ok", "disabled, as no job waits", ""),
        (
            {"errors": ["queue: no"]},
            "warn",
            "disabled, and not all is known of who waits: queue: no",
            "s3-dr sweep enables it if a job waits",
        ),
        (
            Crash("SettingsError", "no"),
            "warn",
            f"{UNASKED}failed: SettingsError: no",
            "s3-dr sweep enables it if one does",
        ),
        (DENIED, "warn", f"{UNASKED}in us-west-2 may not be invoked: not you", "s3-dr sweep ena"),
    ],
)
def test_no_job_waits_for_a_schedule_that_is_off(
    world: World,
    capsys: pytest.CaptureFixture[str],
    jobs: Any,
    status: str,
    sentence: str,
    remedy: str,
) -> None:
    world.answers["DescribeRule"] = disabled
    world.answers["Invoke"] = jobs if isinstance(jobs, Refusal) else None
    world.jobs = {} if isinstance(jobs, Refusal) else jobs

    _, found = examine(capsys)

    enable = "aws events enable-rule --name s3-dr-sweep --region us-west-2"
    assert found["rule s3-dr-sweep"]["remedy"] == enable
    rule = found["rule s3-dr-jobs"]
    assert (rule["status"], rule["sentence"]) == (status, sentence)
    assert rule["remedy"].startswith(remedy) and bool(rule["remedy"]) is (status != "ok")


@pytest.mark.parametrize(
    ("operation", "action", "checks"),
    [
        ("GetCallerIdentity", "sts:GetCallerIdentity", ["source region", "dr region"]),
        ("GetRole", "iam:GetRole", ["role s3-dr-batch", "role s3-dr-replication"]),
        ("DescribeRule", "events:DescribeRule", ["rule s3-dr-sweep"]),
        ("GetQueueUrl", "sqs:GetQueueUrl", ["failures us-west-2", "failures us-east-2"]),
        ("GetQueueAttributes", "sqs:GetQueueAttributes", ["failures us-east-2"]),
        ("HeadBucket", "s3:ListBucket", ["reports bucket"]),
        ("ListBuckets", "s3:ListAllMyBuckets", ["bucket quota"]),
        ("GetAccountSettings", "lambda:GetAccountSettings", ["concurrency us-east-2"]),
        ("Invoke", "lambda:InvokeFunction", ["trail"]),
        ("GetFunctionConfiguration", "lambda:GetFunctionConfiguration", ["installation"]),
    ],
)
def test_what_may_not_be_looked_at_is_skipped_and_never_ok(
    world: World,
    capsys: pytest.CaptureFixture[str],
    operation: str,
    action: str,
    checks: list[str],
) -> None:
    code = "403" if operation == "HeadBucket" else "AccessDenied"
    world.answers[operation] = Refusal(code, status=403)

    exit_code, found = examine(capsys)

    assert exit_code == 0, "Nobody knows of anything bad."
    for check in checks:
        assert found[check]["status"] == "skipped"
        assert found[check]["sentence"] == f"not allowed to {action}"


def test_a_region_that_is_out_of_reach_is_a_finding(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(call: Call) -> None:
        if call.region == DR_REGION:
            raise EndpointConnectionError(endpoint_url=f"https://{DR_REGION}")

    for operation in ("GetCallerIdentity", "GetFunctionConfiguration", "Invoke"):
        world.answers[operation] = unreachable

    code, found = examine(capsys)

    assert code == 1
    assert found["source region"]["status"] == "ok"
    assert found["dr region"]["status"] == "fail"
    assert found["dr region"]["sentence"].startswith("cannot be reached: Could not connect")


def test_no_installation_ends_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.answers["GetFunctionConfiguration"] = Refusal("ResourceNotFoundException")

    code, found = examine(capsys, "--name", "other")

    assert code == 1
    assert list(found) == ["source region", "installation"]
    assert "no function other-source-bucket-check in us-west-2" in found["installation"]["sentence"]


@pytest.mark.parametrize(
    ("trail", "status", "code"),
    [
        ({"status": "ok", "trails": ["main"]}, "ok", 0),
        ({"status": "missing", "detail": "no trail logs"}, "fail", 1),
        ({"status": "unknown", "detail": "not allowed"}, "skipped", 0),
    ],
)
def test_the_trail(
    world: World,
    capsys: pytest.CaptureFixture[str],
    trail: dict[str, Any],
    status: str,
    code: int,
) -> None:
    world.look = {"trail": trail}

    exit_code, found = examine(capsys)

    assert (found["trail"]["status"], exit_code) == (status, code)


def test_what_the_sweep_cannot_find_out_is_told(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.look = {"errors": ["tagged: AccessDenied"]}

    code, found = examine(capsys)

    assert (code, found["sweep"]["status"]) == (1, "fail")
    assert found["sweep"]["sentence"] == "could not find out everything: tagged: AccessDenied"


def test_an_old_boto3_of_a_function_is_told(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.tagged = ["a", "b"]
    old = {"outcome": "blocked", "reason": "SDK_TOO_OLD", "remedy": "give it a layer"}
    world.buckets["b"] = {"destination_bucket_check": old}

    code, found = examine(capsys)

    assert code == 1
    assert found["boto3 of functions"] == {
        "check": "boto3 of functions",
        "status": "fail",
        "sentence": "that of s3-dr-destination-bucket-check is too old",
        "remedy": "give it a layer",
    }


def test_without_a_tagged_bucket_nothing_is_said_of_boto3(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = examine(capsys)

    assert found["boto3 of functions"]["status"] == "skipped"


def test_a_sweep_that_fails_is_a_finding(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    def answer(call: Call) -> None:
        if call.operation == "Invoke" and call.function == "sweep":
            raise Refusal("ServiceException", "oh")

    world.answers["Invoke"] = answer

    code, found = examine(capsys)

    assert (code, found["trail"]["status"]) == (1, "fail")
    assert found["boto3 of functions"]["sentence"] == "the sweep did not answer"


def test_dry_runs_that_all_fail_are_not_a_good_boto3(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.tagged = ["a"]
    world.buckets["a"] = {"source_bucket_check": Crash("SettingsError", "no")}

    code, found = examine(capsys)

    assert (code, found["boto3 of functions"]["status"]) == (1, "fail")
    assert "SettingsError" in found["boto3 of functions"]["sentence"]


def test_two_accounts_are_asked_each_with_its_own_credentials(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.use_two_accounts()
    world.settings["OWN_ROLE_ARNS"] += f",arn:aws:iam::{DR_ACCOUNT}:role/s3-dr-twin-reader"

    code, found = examine(capsys, "--dr-profile", "dr")

    assert code == 0
    assert {each["status"] for each in found.values()} == {"ok", "skipped"}
    assert found["dr region"]["sentence"] == f"us-east-2 answers; asked as account {DR_ACCOUNT}"
    for call in world.calls:
        is_there = call.region == DR_REGION or call.service == "service-quotas"
        is_there |= call.parameters.get("RoleName") == "s3-dr-twin-reader"
        wanted = DR_ACCOUNT if is_there else ACCOUNT
        assert call.account == wanted, f"{call.operation} asked as {call.account}"


def test_two_accounts_without_credentials_for_the_other_one(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.use_two_accounts()
    world.settings["OWN_ROLE_ARNS"] += f",arn:aws:iam::{DR_ACCOUNT}:role/s3-dr-twin-reader"

    _, found = examine(capsys)

    assert found["dr region"]["status"] == "warn"
    for check in (
        "role s3-dr-twin-reader",
        "failures us-east-2",
        "bucket quota",
        "concurrency us-east-2",
    ):
        assert found[check]["status"] == "skipped", "What was seen would be another account's."
        assert found[check]["remedy"] == "give --dr-profile"


def test_a_person_reads_a_table(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.look = {"trail": {"status": "missing"}}

    assert main(["doctor"]) == 1

    said = capsys.readouterr().out
    assert "no trail logs management events → set create_trail, or" in said
    assert said.splitlines()[-1] == "23 ok, 0 warn, 1 fail, 1 skipped"
