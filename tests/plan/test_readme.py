"""What the README shows can be planned as it stands."""

from __future__ import annotations

import re

import pytest

from harness.plan import Plan
from harness.sts import sts_stub
from harness.terraform import Root
from harness.toolchain import REPO, Toolchain

pytestmark = pytest.mark.terraform

README = (REPO / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```hcl\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
MODULE = 'module "s3_dr"'


@pytest.fixture(scope="module")
def plan(terraform_cli: Toolchain) -> Plan:
    """One plan of all blocks: the first brings the providers, each brings a module."""
    numbered = [block.replace(MODULE, f'module "block_{n}"') for n, block in enumerate(BLOCKS)]
    text = "\n".join(numbered).replace('"./s3-dr"', '"../.."')
    with sts_stub() as env, Root(text, tools=terraform_cli, env=env) as root:
        root.init()
        return root.plan()


def test_every_block_is_a_module_of_ours() -> None:
    assert len(BLOCKS) >= 3
    for block in BLOCKS:
        assert block.count(MODULE) == 1, block
        assert 'source = "./s3-dr"' in block


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_plans_the_whole_module(plan: Plan, number: int) -> None:
    functions = [
        resource
        for resource in plan.resources("aws_lambda_function")
        if resource.address.startswith(f"module.block_{number}.")
    ]

    assert len(functions) == 4, f"block {number} of the README makes the four functions"
