"""Runs terraform-compliance, which lives in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from harness.toolchain import REPO

FEATURES = REPO / "compliance" / "features"
FEATURES_FOR = REPO / "compliance" / "features_for"
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
    """Lets terraform-compliance judge a plan.

    Args:
        program: terraform-compliance.
        plan: The JSON of the plan.
        folder: An empty folder for the plan and the report.
        features_for: Folders of ``features_for`` to judge by, besides ``features``.
    """
    file, report = folder / "plan.json", folder / "report.xml"
    file.write_text(json.dumps(plan), encoding="utf-8")
    more = [FEATURES_FOR / name for name in features_for]
    run = subprocess.run(
        [program, "-f", FEATURES, "-p", file, f"--junit-xml={report}", *more],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    if not report.exists():
        raise AssertionError(f"terraform-compliance made no report, but said:\n{run.stdout}")
    cases = ElementTree.parse(report).iter("testcase")
    return Verdict(
        run.returncode, {case.attrib["name"]: _state(case) for case in cases}, run.stdout
    )


def _state(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"
