"""What only CI runs: the examples under the oldest and the newest Terraform, and the facts' proof.

What each of them refuses, ``test_refusals.py`` tells.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from harness.plan import Plan
from harness.sts import OTHER_ACCOUNT, sts_stub
from harness.terraform import Root
from harness.toolchain import OTHERS, PROVIDER, PROVIDER_VERSION, REPO, Toolchain
from scripts.provider_facts import FACTS, LEFT_OUT

pytestmark = [pytest.mark.terraform, pytest.mark.versions]

EXAMPLES = sorted(path.parent.name for path in REPO.glob("examples/*/main.tf"))
GIVEN = {"cross_account": f'  dr_role_arn = "arn:aws:iam::{OTHER_ACCOUNT}:role/s3-dr-terraform"\n'}
ROOT = "".join(
    f'module "{name}" {{\n  source = "../{name}"\n{GIVEN.get(name, "")}}}\n'
    f'output "{name}" {{\n  value = module.{name}\n}}\n'
    for name in EXAMPLES
)


@pytest.fixture(scope="module")
def examples(terraform: Toolchain) -> Plan:
    """A plan of all examples, which are modules of one root."""
    with sts_stub() as env, Root(ROOT, tools=terraform, env=env) as root:
        root.init()
        root.validate()
        return root.plan()


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("terraform", OTHERS, indirect=True, scope="session")
def test_an_example_is_planned(examples: Plan, name: str) -> None:
    functions = examples.resources("aws_lambda_function", name)

    assert len(functions) == 4
    assert examples.policies(module=name), "every policy can be read in the plan"
    assert name in examples.outputs()


@pytest.fixture(scope="module")
def schema(terraform_cli: Toolchain) -> Mapping[str, Any]:
    """What the provider that we run says of itself."""
    basic = REPO / "examples" / "basic"
    with Root(basic, tools=terraform_cli) as root:
        root.init()
        run = subprocess.run(
            [terraform_cli.binary, "providers", "schema", "-json"],
            cwd=root.folder,
            env=terraform_cli.environment({}),
            capture_output=True,
            check=True,
        )
    found: Mapping[str, Any] = json.loads(run.stdout)["provider_schemas"][PROVIDER]
    return found


def test_the_provider_says_what_the_facts_say(schema: Mapping[str, Any]) -> None:
    facts = json.loads((FACTS / f"aws-{PROVIDER_VERSION}.json").read_text("utf-8"))
    facts["provider"].pop("alias")  # which Terraform itself takes
    said = {name: dict(names(block(schema, name), "")) for name in facts}

    assert facts == said


def block(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The block of a resource, of a data source, or of the provider itself."""
    if name == "provider":
        found: Mapping[str, Any] = schema["provider"]["block"]
    elif name.startswith("data."):
        found = schema["data_source_schemas"][name.removeprefix("data.")]["block"]
    else:
        found = schema["resource_schemas"][name]["block"]
    return found


def names(block: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """What each name in a block is, in the words of the facts."""
    for name, attribute in block.get("attributes", {}).items():
        kinds = [kind for kind in ("required", "optional") if attribute.get(kind)]
        yield prefix + name, (*kinds, "computed")[0]
    for name, inner in block.get("block_types", {}).items():
        if name != LEFT_OUT:
            yield prefix + name, "required block" if inner.get("min_items") else "block"
            yield from names(inner["block"], f"{prefix}{name}.")
