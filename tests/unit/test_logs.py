"""Logs: one JSON object a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from s3_dr import logs

Output = pytest.CaptureFixture[str]


@pytest.fixture
def output(capsys: Output) -> Iterator[Output]:
    """Standard output, and a logger that knows no other."""
    forget()
    yield capsys
    forget()


def forget() -> None:
    """Undo ``configure``. pytest gives loggers that do not propagate a handler of its own."""
    logs.LOGGER.handlers.clear()
    logs.LOGGER.propagate = True


def lines(output: Output) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.readouterr().out.splitlines()]


def test_a_record_is_one_line_of_json_with_its_fields(output: Output) -> None:
    logs.configure("INFO")

    logs.LOGGER.warning("two\nlines", extra={"fields": {"bucket": "ordérs", "changes": ["A"]}})

    [line] = lines(output)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {
        "level": "WARN",
        "message": "two\nlines",
        "bucket": "ordérs",
        "changes": ["A"],
    }


def test_a_value_that_json_does_not_know_is_written_as_text(output: Output) -> None:
    logs.configure("INFO")

    logs.LOGGER.info("x", extra={"fields": {"odd": {1}, "half": "\ud800"}})

    assert lines(output)[0]["odd"] == "{1}", "no record is lost for the sake of one field"


def test_an_exception_is_told_in_the_same_line(output: Output) -> None:
    logs.configure("INFO")

    try:
        raise KeyError("nothing")
    except KeyError:
        logs.LOGGER.exception("failed")

    assert "KeyError: 'nothing'" in lines(output)[0]["stack_trace"]


@pytest.mark.parametrize(
    ("level", "logged"),
    [("DEBUG", 2), ("info", 1), ("WARNING", 0), ("nonsense", 1), ("ERROR", 0)],
)
def test_the_level_is_kept(output: Output, level: str, logged: int) -> None:
    logs.configure(level)

    logs.LOGGER.info("x")
    logs.LOGGER.debug("x")

    assert len(lines(output)) == logged, f"at {level}"


def test_a_second_configuration_writes_no_line_twice(output: Output) -> None:
    logs.configure("INFO")
    logs.configure("INFO")

    logs.LOGGER.info("x")

    assert len(lines(output)) == 1
    assert not logs.LOGGER.propagate, "Lambda's root handler would write the line again"
