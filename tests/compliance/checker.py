"""Runs terraform-compliance, which lives in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from harness.toolchain import REPO

FEATURES = REPO / "compliance" / "features"
FEATURES_FOR = REPO / "compliance" / "features_for"
AT_ONCE = Path(__file__).resolve().with_name("at_once.py")
VARIABLE = "S3_DR_TERRAFORM_COMPLIANCE"


class MissingError(RuntimeError):
    """There is no terraform-compliance; the message says where it was looked for."""


@dataclass(frozen=True)
class Verdict:
    """What terraform-compliance said about a plan.

    Attributes:
        code: Its exit code.
        scenarios: Every scenario's name, and whether it ``passed``, ``failed`` or was ``skipped``.
        output: What it printed.
    """

    code: int
    scenarios: Mapping[str, str]
    output: str

    def failed(self) -> set[str]:
        """The names of the scenarios that failed."""
        return {name for name, state in self.scenarios.items() if state == "failed"}


def find(environ: Mapping[str, str]) -> Path:
    """Returns the terraform-compliance to run.

    Raises:
        MissingError: There is none.
    """
    named = environ.get(VARIABLE)
    path = Path(named or REPO / ".venv-compliance" / "bin" / "terraform-compliance")
    if not os.access(path, os.X_OK):
        where = f"where {VARIABLE} says" if named else "in .venv-compliance"
        raise MissingError(
            f"There is no terraform-compliance {where}: `make test` installs it into "
            f".venv-compliance; {VARIABLE} can name another."
        )
    return path


def judge(
    program: Path, plan: Mapping[str, Any], folder: Path, features_for: Iterable[str] = ()
) -> Verdict:
    """Lets terraform-compliance judge a plan, by the command line that the README gives.

    Args:
        program: terraform-compliance.
        plan: The JSON of the plan.
        folder: An empty folder for the plan and the report.
        features_for: Folders of ``features_for`` to judge by, besides ``features``.
    """
    file, report = folder / "plan.json", folder / "report.xml"
    file.write_text(json.dumps(plan), encoding="utf-8")
    features, *more = _features(features_for)
    line: list[Path | str] = [program, "-f", features, "-p", file, f"--junit-xml={report}", *more]
    run = _run(line, folder, timeout=120)
    return _verdict(run.returncode, folder, run.stdout)


def judge_all(
    program: Path, plans: Mapping[str, tuple[Mapping[str, Any], Sequence[str]]], folder: Path
) -> dict[str, Verdict]:
    """Lets terraform-compliance, started once, judge many plans.

    Args:
        program: terraform-compliance.
        plans: By any name, the JSON of a plan and the folders of ``features_for`` to judge it by.
        folder: An empty folder for the plans and the reports.
    """
    jobs: dict[tuple[str, ...], list[Path]] = {}
    for name, (plan, features_for) in plans.items():
        place = folder / name
        place.mkdir()
        (place / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        jobs.setdefault(_features(features_for), []).append(place)
    text = json.dumps(
        [
            {"features": features, "folders": [str(place) for place in places]}
            for features, places in jobs.items()
        ]
    )
    run = _run([program.with_name("python"), AT_ONCE], folder, timeout=600, text=text)
    if run.returncode != 0:
        raise AssertionError(f"terraform-compliance could not be started:\n{run.stdout}")
    return {name: _read(folder / name) for name in plans}


def _features(features_for: Iterable[str]) -> tuple[str, ...]:
    return (str(FEATURES), *(str(FEATURES_FOR / name) for name in features_for))


def _run(
    line: Sequence[Path | str], folder: Path, *, timeout: float, text: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line,
        cwd=folder,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )


def _read(folder: Path) -> Verdict:
    """What was said of the plan in a folder."""
    code = int((folder / "code").read_text(encoding="utf-8"))
    return _verdict(code, folder, (folder / "output.txt").read_text(encoding="utf-8"))


def _verdict(code: int, folder: Path, output: str) -> Verdict:
    report = folder / "report.xml"
    if not report.exists():
        raise AssertionError(f"terraform-compliance made no report, but said:\n{output}")
    cases = ElementTree.parse(report).iter("testcase")
    return Verdict(code, {case.attrib["name"]: _state(case) for case in cases}, output)


def _state(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"
