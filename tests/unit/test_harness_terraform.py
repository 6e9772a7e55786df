"""The wrapper around python-terraform, on a real Terraform: each trap is stepped on here."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

import harness.terraform
from harness.sts import ACCOUNT, sts_stub
from harness.terraform import Root, TerraformError, _run_group
from harness.toolchain import (
    MIRROR_VARIABLE,
    PROVIDER,
    PROVIDER_VERSION,
    Toolchain,
    _platform,
)

# terraform_data is built into Terraform: a whole life in seconds, with no provider and no API.
BUILT_IN = """
variable "name" {
  type = string
}
variable "extra" {
  type    = map(list(number))
  default = {}
}
resource "terraform_data" "this" {
  input = { name = var.name, extra = var.extra }
}
output "made" {
  value = terraform_data.this.output
}
"""
AWS = """
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}
provider "aws" {
  alias  = "one"
  region = "us-gov-west-1"
}
provider "aws" {
  alias      = "two"
  region     = "us-east-2"
  access_key = "444455556666"
  secret_key = "test"
}
provider "aws" {
  alias  = "three"
  region = "us-east-2"
  assume_role {
    role_arn = "arn:aws:iam::555566667777:role/three"
  }
}
data "aws_caller_identity" "three" {
  provider = aws.three
}
data "aws_caller_identity" "one" {
  provider = aws.one
}
data "aws_caller_identity" "two" {
  provider = aws.two
}
resource "aws_sns_topic" "two" {
  provider = aws.two
  name     = "toy"
}
output "identities" {
  value = [
    data.aws_caller_identity.one.arn,
    data.aws_caller_identity.two.arn,
    data.aws_caller_identity.three.arn,
  ]
}
"""

pytestmark = pytest.mark.terraform


def test_the_life_of_a_root(
    terraform_cli: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TF_VAR_extra", "this must not leak in")
    with Root(BUILT_IN, tools=terraform_cli, variables={"name": "a"}) as root:
        root.init()
        root.validate()

        plan = root.plan(extra={"b": [1, 2]})
        assert plan.changes() == {"terraform_data.this": ("create",)}, "Exit code 2 is a success."
        assert not root.plan_is_empty()

        root.apply(extra={"b": [1, 2]})
        assert root.outputs() == {"made": {"name": "a", "extra": {"b": [1, 2]}}}
        assert root.plan_is_empty(), "What was applied with a variable is planned with it."
        assert not root.plan_is_empty(name="c")

        root.destroy()
        assert root.outputs() == {}
        with pytest.raises(AttributeError):
            root.outptus()  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir()), "Neither the tree nor a file with variables is left."


def test_leaving_the_block_destroys_what_was_applied(
    terraform_cli: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    destroyed: list[str] = []
    real = Root.destroy

    def destroy(self: Root) -> None:
        destroyed.append("x")
        real(self)

    monkeypatch.setattr(Root, "destroy", destroy)

    with Root(BUILT_IN, tools=terraform_cli, variables={"name": "a"}) as root:
        root.init()
        root.apply()

    assert destroyed == ["x"]


def test_a_variable_that_is_not_declared_is_refused(terraform_cli: Toolchain) -> None:
    with Root(BUILT_IN, tools=terraform_cli) as root:
        for command in (root.plan, root.apply, root.plan_is_empty):
            with pytest.raises(ValueError, match="no variable nmae: it has extra, name"):
                command(nmae="a")
    with pytest.raises(ValueError, match="no variable nmae"):
        Root(BUILT_IN, tools=terraform_cli, variables={"nmae": "a"})


def test_an_error_carries_terraform_s_own_words(terraform_cli: Toolchain) -> None:
    with Root('output "x" { value = var.y }', tools=terraform_cli) as root:
        root.init()
        for command in (root.validate, root.plan, root.plan_is_empty):
            with pytest.raises(TerraformError, match="undeclared input variable"):
                command()
        (root.folder / "main.tf").write_text("no hcl")
        with pytest.raises(TerraformError, match="terraform init:"):
            root.init()


def test_a_failed_apply_and_destroy_raise(terraform_cli: Toolchain) -> None:
    text = """
    resource "terraform_data" "this" {
      provisioner "local-exec" {
        command = "exit 3"
      }
    }
    """
    with Root(text, tools=terraform_cli) as root:
        root.init()
        with pytest.raises(TerraformError, match="exit status 3"):
            root.apply()

        (root.folder / "main.tf").write_text("no hcl")
        with pytest.raises(TerraformError, match="terraform destroy:"):
            root.destroy()
        (root.folder / "terraform.tfstate").write_text("no state")
        with pytest.raises(TerraformError, match="terraform output:"):
            root.outputs()
        root._applied = False  # nothing is left that could be destroyed


@pytest.mark.parametrize("pinned", [True, False])
def test_the_provider_is_the_one_that_we_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pinned: bool
) -> None:
    for version in (PROVIDER_VERSION, "6.69.1"):
        folder = tmp_path / PROVIDER / version / _platform()
        folder.mkdir(parents=True)
        (folder / f"terraform-provider-aws_v{version}").touch()
    if not pinned:  # or else this would prove nothing
        monkeypatch.setattr(harness.terraform, "pin_provider", lambda folder: None)
    tools = Toolchain.find(tmp_path, {**os.environ, MIRROR_VARIABLE: str(tmp_path)})

    with Root(AWS, tools=tools) as root:
        root.init()
        installed = root.folder / ".terraform" / "providers" / PROVIDER

        assert [path.name for path in installed.iterdir()] == (
            [PROVIDER_VERSION] if pinned else ["6.69.1"]
        )


def test_a_plan_with_aws_needs_nothing_but_the_sts_stub(
    terraform_cli: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "this must not leak in")
    with sts_stub() as env, Root(AWS, tools=terraform_cli, env=env) as root:
        root.init()
        plan = root.plan()

    assert plan.outputs() == {
        "identities": [
            f"arn:aws-us-gov:iam::{ACCOUNT}:root",
            "arn:aws:iam::444455556666:root",
            "arn:aws:iam::555566667777:root",
        ]
    }
    topic = plan.resource("aws_sns_topic.two")
    assert (topic.provider, plan.region(topic.provider)) == ("aws.two", "us-east-2")


def test_the_sts_stub_answers_nothing_else() -> None:
    with sts_stub() as env:
        url = env["AWS_ENDPOINT_URL_STS"]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, b"Action=GetSessionToken", timeout=10)
        refused.value.close()
    assert refused.value.code == 400
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, b"Action=GetCallerIdentity", timeout=10)


def test_a_root_lies_where_it_lies_in_the_repository(terraform_cli: Toolchain, repo: Path) -> None:
    with Root(repo / "examples" / "basic", tools=terraform_cli) as root:
        module = root.folder / ".." / ".."
        assert (module / "main.tf").read_bytes() == (repo / "main.tf").read_bytes()
        assert (module / "lambda" / "dist" / "s3_dr.zip").is_file()
        assert repo not in root.folder.parents


def test_a_root_from_elsewhere_leaves_the_machine_s_state_behind(
    terraform_cli: Toolchain, tmp_path: Path
) -> None:
    (tmp_path / "main.tf").touch()
    (tmp_path / "terraform.tfstate").touch()
    (tmp_path / ".terraform").mkdir()

    with Root(tmp_path, tools=terraform_cli) as root:
        assert [path.name for path in root.folder.iterdir()] == ["main.tf"]


def test_a_root_s_module_gets_arguments_that_the_root_does_not_give(
    terraform_cli: Toolchain,
) -> None:
    text = 'variable "a" {\n  default = null\n}\noutput "a" {\n  value = var.a\n}\n'
    with Root(
        'module "s3_dr" {\n  source = "./m"\n}\noutput "a" {\n  value = module.s3_dr.a\n}\n',
        tools=terraform_cli,
        overrides={"a": {"b": 0}},
    ) as root:
        (root.folder / "m").mkdir()
        (root.folder / "m" / "main.tf").write_text(text, encoding="utf-8")
        root.init()
        root.apply()
        assert root.outputs() == {"a": {"b": 0}}


def test_a_folder_without_terraform_is_a_sentence(terraform_cli: Toolchain, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no Terraform root"):
        Root(tmp_path, tools=terraform_cli)


def test_a_command_that_hangs_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness.terraform, "_GRACE_SECONDS", 0.5)
    os.mkfifo(tmp_path / "alive")
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    # A shell's child in the background ignores the interrupt, as a hanging provider might.
    script = "exec 3> alive; trap 'exit 0' INT; sleep 60 & echo x >&3; wait"

    with pytest.raises(TerraformError, match="longer than 1 seconds"):
        _run_group(["/bin/sh", "-c", script], str(tmp_path), {"PATH": os.environ["PATH"]}, 1)

    assert os.read(alive, 100) == b"x\n"
    assert wait_for_end(alive), "The child still holds its end of the pipe."
    os.close(alive)


def test_a_killed_owner_takes_its_commands_with_it(tmp_path: Path, repo: Path) -> None:
    os.mkfifo(tmp_path / "alive")
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    script = "exec 3> alive; sleep 60 & echo x >&3; wait"
    owner = (
        "import os, sys; from harness.terraform import _run_group;"
        f"_run_group(['/bin/sh', '-c', {script!r}], {str(tmp_path)!r}, dict(os.environ), 60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(repo / "tests")}
    with subprocess.Popen([sys.executable, "-c", owner], env=environment) as process:
        assert wait_for_beginning(alive), "The command never began."
        process.kill()
    assert wait_for_end(alive), "The command, or its child, outlived its owner."
    os.close(alive)


def wait_for_beginning(pipe: int) -> bool:
    """Tells whether somebody writes to a pipe within some seconds."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            if os.read(pipe, 100):
                return True
        time.sleep(0.02)
    return False


def wait_for_end(pipe: int) -> bool:
    """Tells whether all writers of a pipe are gone before they would be by themselves."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            return os.read(pipe, 1) == b""
        time.sleep(0.02)
    return False
