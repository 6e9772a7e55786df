"""What the README shows can be planned as it stands."""

from __future__ import annotations

import pytest

from harness.plan import Plan
from plan.root import README_BLOCKS, README_MODULE

pytestmark = pytest.mark.terraform


def test_every_block_is_a_module_of_ours() -> None:
    assert len(README_BLOCKS) >= 3, "The README must show how the module is called"
    for block in README_BLOCKS:
        assert block.count(README_MODULE) == 1, f"A block must call the module once:\n{block}"
        assert 'source = "./s3-dr"' in block, f"The module must be where we say:\n{block}"


@pytest.mark.parametrize("number", range(len(README_BLOCKS)))
def test_a_block_plans_the_whole_module(everything_planned: Plan, number: int) -> None:
    module = f"readme.module.block_{number}"
    functions = everything_planned.resources("aws_lambda_function", module)

    assert len(functions) == 4, f"block {number} of the README makes the four functions"
