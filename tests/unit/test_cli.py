"""The command line: options, exit codes, and texts of others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

import s3_dr_cli.commands
from s3_dr_cli.__main__ import main
from s3_dr_cli.text import one_line, plain
from unit.cli_world import DR_ACCOUNT, DR_REGION, REGION, Refusal, World, world

__all__ = ["world"]


# --- options -------------------------------------------------------------------------------------
def test_the_functions_are_those_of_the_name_region_and_account(world: World) -> None:
    world.tagged = ["photos"]

    assert main(["status"]) == 0

    asked = {call.parameters["FunctionName"] for call in world.calls if call.service == "lambda"}
    arn = "arn:aws:lambda:{}:111122223333:function:s3-dr-{}"
    assert asked == {
        "s3-dr-source-bucket-check",
        arn.format(REGION, "source-bucket-check"),
        arn.format(DR_REGION, "destination-bucket-check"),
        arn.format(REGION, "enable-replication"),
        arn.format(REGION, "sweep"),
    }
    for call in world.invoked():
        assert f":{call.region}:" in call.parameters["FunctionName"], "asked where it is"


@pytest.mark.parametrize(
    ("arguments", "variable", "name"),
    [
        (["sweep"], "", "s3-dr"),
        (["sweep"], "from-env", "from-env"),
        (["--name", "before", "sweep"], "from-env", "before"),
        (["sweep", "--name", "behind"], "from-env", "behind"),
        (["--name", "before", "sweep", "--name", "behind"], "", "behind"),
    ],
)
def test_the_name_comes_from_the_option_then_the_environment(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    variable: str,
    name: str,
) -> None:
    monkeypatch.setenv("S3_DR_NAME", variable)

    assert main(arguments) == 0

    assert world.calls[0].parameters == {"FunctionName": f"{name}-source-bucket-check"}


def test_the_region_is_the_option_s(world: World) -> None:
    assert main(["sweep", "--region", "eu-central-1"]) == 0
    assert {call.region for call in world.calls} == {"eu-central-1"}


def test_the_dr_profile_is_for_the_dr_account_s_function_only(world: World) -> None:
    world.use_two_accounts()

    assert main(["status", "photos", "--dr-profile", "dr"]) == 0

    (destination,) = world.invoked("destination_bucket_check")
    assert destination.account == DR_ACCOUNT
    assert f":{DR_ACCOUNT}:" in destination.parameters["FunctionName"]
    others = {call.account for call in world.calls if call is not destination}
    assert DR_ACCOUNT not in others


def test_without_a_dr_profile_a_refusal_in_the_dr_account_says_so(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.use_two_accounts()
    world.answers["Invoke"] = lambda call: (
        refuse(Refusal("AccessDeniedException")) if DR_REGION in str(call.parameters) else None
    )

    assert main(["status", "photos"]) == 3

    error = capsys.readouterr().err
    assert "s3-dr-destination-bucket-check in us-east-2 may not be invoked" in error
    assert f"account {DR_ACCOUNT}, for which --dr-profile gives credentials" in error


def refuse(refusal: Refusal) -> Any:
    raise refusal


# --- exit codes ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nonsense"], "No such command"),
        (["status", "--only", "green"], "green is none of protected, pending"),
        (["jobs", "--only", "running,green"], "green is none of running, preparing"),
        (["status", "--name", "S3_DR"], "3 to 32 lower-case letters"),
        (["check"], "Missing argument"),
        (["check", "photos", "--timeout", "-1"], "--timeout"),
        (["backfill", "photos", "--everything", "--confirm"], "leave --everything out"),
        (["release"], "Name buckets, or give --all"),
        (["release", "photos", "--all"], "Name buckets, or give --all"),
        (["release", "photos"], "give --yes"),
        (["sweep", "--profile", "nobody"], "--profile: The config profile (nobody)"),
        (["status", "x", "--dr-profile", "nobody"], "--dr-profile: The config profile (nobody)"),
    ],
)
def test_a_wrong_command_line_is_2(
    world: World, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(arguments) == 2

    said = capsys.readouterr()
    assert sentence in said.err and said.out == ""
    assert not world.invoked(), "A wrong command line asks for nothing."


def test_no_region_is_2(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_REGION")

    assert main(["status"]) == 2

    assert "give --region" in capsys.readouterr().err


@pytest.mark.parametrize("json_option", [[], ["--json"]])
@pytest.mark.parametrize(
    ("operation", "answer", "sentence"),
    [
        (
            "GetFunctionConfiguration",
            Refusal("AccessDeniedException", "User: x is\nnot authorized"),
            "AWS said no to GetFunctionConfiguration: AccessDeniedException: User: x is not",
        ),
        (
            "GetFunctionConfiguration",
            Refusal("ResourceNotFoundException"),
            "There is no function s3-dr-source-bucket-check in us-west-2 of this account: give",
        ),
        (
            "GetFunctionConfiguration",
            {"Environment": {"Variables": {"DR_REGION": "us-east-2"}}},
            "has no DR_ACCOUNT_ID, PARTITION, SOURCE_ACCOUNT_ID, SOURCE_REGION in its environment",
        ),
        (
            "GetFunctionConfiguration",
            EndpointConnectionError(endpoint_url="https://nowhere"),
            "AWS cannot be asked: Could not connect to the endpoint URL",
        ),
        ("Invoke", Refusal("AccessDeniedException"), "s3-dr-sweep in us-west-2 may not be"),
        ("Invoke", Refusal("ResourceNotFoundException"), "s3-dr-sweep in us-west-2 is not there"),
        ("Invoke", Refusal("TooManyRequestsException"), "AWS said no to Invoke: TooManyRequests"),
    ],
)
def test_a_refusal_is_3_and_one_sentence(
    world: World,
    capsys: pytest.CaptureFixture[str],
    operation: str,
    answer: Any,
    sentence: str,
    json_option: list[str],
) -> None:
    world.answers[operation] = answer

    assert main(["status", *json_option]) == 3

    said = capsys.readouterr()
    assert sentence in said.err
    assert said.err.count("\n") == 1 and said.out == ""


def test_no_credentials_is_3(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    for command in ("status", "doctor"):
        assert main([command]) == 3
        assert capsys.readouterr().err == "AWS cannot be asked: Unable to locate credentials\n"


def test_a_function_that_breaks_on_what_all_need_is_3(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.look = {"buckets": None}

    assert main(["status"]) == 3

    assert "s3-dr-sweep failed: UNEXPECTED_ANSWER" in capsys.readouterr().err


def test_ctrl_c_is_130(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(s3_dr_cli.commands, "standings", interrupt)

    assert main(["status", "photos"]) == 130

    assert capsys.readouterr().err.strip() == "Interrupted."


def test_help_and_version_ask_nobody(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert main(["--help"]) == 0
    for command in ("status", "check", "backfill", "jobs", "sweep", "release", "doctor"):
        assert main([command, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("s3-dr ")
    assert said.count("130  interrupted") == 8
    assert world.calls == []


@pytest.mark.parametrize("stream", [[], ["--json"]])
def test_forced_colours_are_no_reason_for_progress_where_nobody_watches(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stream: list[str],
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    world.tagged = ["photos"]

    assert main(["status", *stream]) == 0

    said = capsys.readouterr()
    assert said.err == ""
    assert ("\x1b[32mprotected" in said.out) is (stream == [])

    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["status", *stream]) == 0
    assert "\x1b[3" not in capsys.readouterr().out


# --- texts of others -----------------------------------------------------------------------------
EVIL = "\x1b]0;owned\x07\u202egpj.[red]bold[/red]\x9b31m\r\n:smile:"


def test_what_a_terminal_would_obey_is_shown_as_an_escape() -> None:
    assert plain(EVIL) == (r"\x1b]0;owned\x07\u202egpj.[red]bold[/red]\x9b31m\r\n:smile:")
    assert plain("Größe 桶") == "Größe 桶"
    assert plain("\ud800\u2028\U000e0001") == r"\ud800\u2028\U000e0001"
    assert one_line(" a\n b\tc\x00") == r"a b c\x00"


@pytest.mark.parametrize("state", ["blocked", "failed", "pending", "protected", "ignored"])
def test_nothing_of_others_steers_the_terminal(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "2000")
    texts = ("twin", "profile", "reason", "detail", "remedy")
    facts = {
        "status": EVIL,
        "total": 2,
        "succeeded": 1,
        "failed": 1,
        "report": EVIL,
        "reasons": {EVIL: 1},
    }
    world.tagged = [EVIL]
    world.buckets[EVIL] = {
        "enable_replication": {
            "outcome": state,
            **dict.fromkeys(texts, EVIL),
            "changes": [EVIL],
            "warnings": [EVIL],
            "backfill": facts,
        }
    }
    world.look = {
        "orphans": [{"twin": EVIL, "source": EVIL, "reason": EVIL}],
        "released": [EVIL],
        "trail": {"status": EVIL, "detail": EVIL},
    }

    job = dict.fromkeys(("bucket", "kind", "since", "not_before", "job"), EVIL)
    world.jobs = {"jobs": [job | {"status": EVIL}, job | {"status": "failed"}], "errors": [EVIL]}

    main(["status"])
    main(["jobs"])

    said = capsys.readouterr().out
    assert r"\x1b]0;owned" in said
    assert "[red]bold[/red]" in said and ":smile:" in said, "Markup is text."
    for bad in ("\x1b]", "\x07", "\u202e", "\x9b", "\r"):
        assert bad not in said, f"{bad!r} reached the terminal"

    main(["status", "--json"])

    document = capsys.readouterr().out
    assert document.isascii() and "\x1b" not in document
    assert json.loads(document)["buckets"][0]["bucket"] == EVIL, "A program gets the true name."
