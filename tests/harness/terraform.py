"""Drives Terraform through python-terraform, on a copy of a root.

python-terraform 0.10.1 is from 2019. What it does wrong with today's Terraform is handled here,
once, so that no test has to know:

- ``plan`` asks for detailed exit codes: 2 means "there are changes", not "it failed".
- An error never raises: every return code is checked, and the error carries Terraform's own words.
- ``apply`` asks for approval, on a terminal that is not there, unless ``skip_plan`` is given.
- ``destroy`` passes ``-force``, which Terraform 0.15 dropped.
- ``output("name")`` fails; only the whole ``output()`` can be used.
- Variables travel in a file, where Terraform takes one that is not declared for a warning only.
- ``cmd`` knows the environment of this process or none at all, has no time limit, and logs through
  a deprecated method: it is replaced.
- Any attribute that does not exist is taken for a Terraform command, so it is not handed out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from python_terraform import IsFlagged, IsNotFlagged, Terraform

from harness.guard import guarded
from harness.plan import Plan
from harness.toolchain import REPO, Toolchain, explain, pin_provider

_TREE = ("modules", "examples", "lambda/dist")
_MACHINE_STATE = shutil.ignore_patterns(
    ".terraform", ".terraform.lock.hcl", "*.tfstate*", "*.tfplan", "__pycache__"
)
_VARIABLE = re.compile(r'^\s*variable\s+"?([\w-]+)"?\s*\{', re.MULTILINE)
# Terraform merges what such a file says into the blocks of the others.
# https://developer.hashicorp.com/terraform/language/files/override
_OVERRIDES = "arguments_override.tf.json"
_GRACE_SECONDS = 30
# A provider mostly starts, and what it then has it keeps: Go need not look so often for what could
# go. A plan costs a quarter less, and at its most as much memory (635 MB instead of 590).
_GOGC = "800"


class TerraformError(RuntimeError):
    """Terraform said no; the message holds the command and what Terraform wrote to stderr.

    Attributes:
        command: The Terraform command, for example ``plan``.
        stderr: Terraform's own words, without colours.
    """

    def __init__(self, command: str, stderr: str) -> None:
        remedy = explain(stderr)
        super().__init__("\n".join(filter(None, (f"terraform {command}:", stderr, remedy))))
        self.command = command
        self.stderr = stderr


class Root:
    """A Terraform root to play with: a copy, so that the repository stays as it is.

    The copy lies in a temporary tree that looks like the repository (its ``*.tf``, ``modules``,
    ``examples`` and ``lambda/dist``), at the same place, so that ``source = "../.."`` works. Used
    in a ``with`` block, it destroys what it applied and removes the tree at the end; after
    Ctrl-C it destroys nothing.

    Args:
        source: A folder, within the repository or outside; or the text of a root, which is laid
            where a folder of ``examples`` lies: ``source = "../.."`` is the module.
        tools: The Terraform to run.
        env: Endpoint, credentials and whatever else the run needs. Nothing else comes from the
            machine's ``AWS_*`` and ``TF_*`` variables.
        variables: Values of the root's input variables, for every command; a command may add to
            them.
        overrides: Arguments of the root's module ``s3_dr``, in place of what it says itself, if it
            does: so an example stays as its user reads it. Terraform takes none that is required.
        timeout: Seconds that one command may take.

    Attributes:
        folder: The copied root.
    """

    def __init__(
        self,
        source: Path | str,
        *,
        tools: Toolchain,
        env: Mapping[str, str] | None = None,
        variables: Mapping[str, object] | None = None,
        overrides: Mapping[str, object] | None = None,
        timeout: float = 600,
    ) -> None:
        self._tools = tools
        self._variables = dict(variables or {})
        self._applied = False
        self._plans = 0
        self._temporary = tempfile.TemporaryDirectory(prefix="s3-dr-root-")
        # macOS: the temporary directory is behind a link, which relative paths do not survive.
        tree = Path(self._temporary.name).resolve()
        try:
            _copy_module(tree)
            self.folder = _lay_down(source, tree)
            if overrides:
                text = json.dumps({"module": {"s3_dr": dict(overrides)}})
                (self.folder / _OVERRIDES).write_text(text, encoding="utf-8")
            self._terraform = _Terraform(self.folder, tools, dict(env or {}), timeout)
            self._declared = _declared_variables(self.folder)
            self._merged({})
        except BaseException:
            self._temporary.cleanup()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._applied and kind is not KeyboardInterrupt:
                self.destroy()
        finally:
            self._temporary.cleanup()

    def discard(self) -> None:
        """Removes the copy and destroys nothing: what was applied goes with its local AWS."""
        self._temporary.cleanup()

    def init(self) -> None:
        """Installs the modules, and the provider in the version that we run."""
        pin_provider(self.folder)
        _check("init", self._terraform.init(var=None))

    def validate(self) -> None:
        """Checks the configuration without planning it."""
        _check("validate", self._terraform.cmd("validate", no_color=IsFlagged))

    def plan(self, **variables: object) -> Plan:
        """Plans, and reads the plan.

        Args:
            **variables: Values of input variables, beside those the root was made with.
        """
        self._plans += 1
        name = f"{self._plans}.tfplan"
        result = self._terraform.plan(out=name, var=self._merged(variables))
        _check("plan", result, good=(0, 2))
        text = _check("show", self._terraform.cmd("show", name, json=IsFlagged))
        return Plan(json.loads(text))

    def plan_destroy(self) -> None:
        """Plans to destroy what is in the state, which is taken for what is there."""
        merged = self._merged({})
        result = self._terraform.plan(destroy=IsFlagged, refresh=False, var=merged)
        _check("plan", result, good=(0, 2))

    def plan_is_empty(self, **variables: object) -> bool:
        """Tells whether a plan would change nothing: no resource and no output."""
        result = self._terraform.plan(var=self._merged(variables))
        _check("plan", result, good=(0, 2))
        return bool(result[0] == 0)

    def apply(self, **variables: object) -> None:
        """Applies, without asking."""
        merged = self._merged(variables)
        self._applied = True
        # What was applied with a variable is destroyed with it.
        self._variables = merged
        _check("apply", self._terraform.apply(skip_plan=True, var=merged))

    def destroy(self) -> None:
        """Destroys what was applied, with the variables of the last ``apply``."""
        result = self._terraform.destroy(
            force=IsNotFlagged, auto_approve=IsFlagged, var=self._merged({})
        )
        _check("destroy", result)
        self._applied = False

    def outputs(self) -> dict[str, Any]:
        """Returns the value of every output, as applied."""
        text = _check("output", self._terraform.output_cmd(json=IsFlagged))
        return {name: output["value"] for name, output in json.loads(text).items()}

    def _merged(self, variables: Mapping[str, object]) -> dict[str, object]:
        merged = {**self._variables, **variables}
        unknown = sorted(set(merged) - self._declared)
        if unknown:
            raise ValueError(
                f"The root declares no variable {', '.join(unknown)}: "
                f"it has {', '.join(sorted(self._declared)) or 'none'}."
            )
        return merged


class _Terraform(Terraform):  # type: ignore[misc]  # python-terraform has no types
    """python-terraform, which makes the command lines, with a way of our own to run them."""

    def __init__(
        self, folder: Path, tools: Toolchain, extra: Mapping[str, str], timeout: float
    ) -> None:
        # First, because the base class answers any name that is not there with a command.
        self.tools = tools
        self.extra = extra
        self.timeout = timeout
        super().__init__(working_dir=str(folder), terraform_bin_path=str(tools.binary))

    def cmd(self, cmd: str, *args: str, **kwargs: Any) -> tuple[int, str, str]:
        """Runs one Terraform command to its end and returns its code, stdout and stderr."""
        config = self.tools.init_config if cmd == "init" else self.tools.run_config
        environment = self.tools.environment(
            {"GOGC": _GOGC, "TF_CLI_CONFIG_FILE": str(config), **self.extra}
        )
        line = self.generate_cmd_string(cmd, *args, **kwargs)
        try:
            return _run_group(line, self.working_dir, environment, self.timeout)
        finally:
            self.temp_var_files.clean_up()


def _check(command: str, result: tuple[int, str, str], good: tuple[int, ...] = (0,)) -> str:
    """Returns what a command wrote to stdout, when it went well."""
    code, out, err = result
    if code not in good:
        raise TerraformError(command, err.strip() or out.strip())
    return out


def _run_group(
    line: list[str], folder: str, environment: dict[str, str], timeout: float
) -> tuple[int, str, str]:
    """Runs a command in a process group of its own, so that it never leaves a provider behind."""
    with guarded(
        line, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=_GRACE_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                words = f"It was ended, because it took longer than {timeout:.0f} seconds."
                raise TerraformError(line[1], words) from error
            raise
        return process.returncode, out, err


def _copy_module(tree: Path) -> None:
    for path in REPO.glob("*.tf"):
        shutil.copy(path, tree)
    for name in _TREE:
        if (REPO / name).is_dir():
            shutil.copytree(REPO / name, tree / name, ignore=_MACHINE_STATE)


def _lay_down(source: Path | str, tree: Path) -> Path:
    if isinstance(source, str):
        folder = tree / "examples" / "from-text"
        folder.mkdir(parents=True)
        (folder / "main.tf").write_text(source, encoding="utf-8")
        return folder
    source = source.resolve()
    if not any(source.glob("*.tf")):
        raise ValueError(f"{source} holds no Terraform root: there is no .tf file in it.")
    # A root from elsewhere must bring its modules along: below itself, where they are copied.
    place = source.relative_to(REPO) if source.is_relative_to(REPO) else Path("root")
    folder = tree / place
    if folder != tree and not folder.exists():
        shutil.copytree(source, folder, ignore=_MACHINE_STATE)
    return folder


def _declared_variables(folder: Path) -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in folder.glob("*.tf"))
    return {name for text in texts for name in _VARIABLE.findall(text)}
