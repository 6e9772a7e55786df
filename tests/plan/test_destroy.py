"""What Terraform refuses to destroy, asked of Terraform itself.

A plan's JSON does not tell of ``prevent_destroy``. So Terraform is given a state in which all of an
installation is there, and plans to destroy it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.sts import sts_stub
from harness.terraform import Root, TerraformError
from harness.toolchain import PROVIDER, Toolchain
from plan.installations import TWO_WITH_KEY, Case, Installation, root_text

pytestmark = pytest.mark.terraform

KEY = f"module.{TWO_WITH_KEY.name}.module.dr_key[0].aws_kms_key.this"
_KEPT = re.compile(r"Resource (\S+) has lifecycle\.prevent_destroy set")


def test_only_the_dr_key_cannot_be_destroyed(
    terraform_cli: Toolchain, install: Callable[[Case], Installation]
) -> None:
    """With the key every replica would be lost; everything else goes once the key is let go."""
    state = state_of(install(TWO_WITH_KEY))
    assert KEY in state, "The case must have a key to destroy"
    with sts_stub() as env, Root(root_text([TWO_WITH_KEY]), tools=terraform_cli, env=env) as root:
        root.init()
        write_state(root.folder, state)
        assert kept(root) == {KEY}, "Of all that is made, the DR key must be kept, and only that"

        # As the README says: terraform state rm. What depends on the key is only looked at now.
        del state[KEY]
        write_state(root.folder, state)
        assert kept(root) == set(), "Without the key all must be destroyed, and nothing kept"


def kept(root: Root) -> set[str]:
    """What Terraform refuses to destroy."""
    said = ""
    try:
        root.plan_destroy()
    except TerraformError as refusal:
        said = refusal.stderr
    found = set(_KEPT.findall(" ".join(said.replace("│", " ").split())))
    assert found or not said, f"Terraform refuses to destroy for another reason:\n{said}"
    return found


def state_of(installation: Installation) -> dict[str, dict[str, Any]]:
    """By address, all resources of an installation as if they had been made as planned."""
    modules = [installation.plan.data["planned_values"]["root_module"]]
    providers = {each.address: each.provider for each in installation.resources}
    found = {}
    for module in modules:
        modules += module.get("child_modules", [])
        for resource in module.get("resources", []):
            if resource["address"] not in providers or resource["mode"] != "managed":
                continue
            alias = providers[resource["address"]].removeprefix("aws.")
            instance = {
                "schema_version": resource["schema_version"],
                "attributes": resource.get("values", {}),
                **({"index_key": resource["index"]} if "index" in resource else {}),
            }
            found[resource["address"]] = {
                "module": module["address"],
                **{key: resource[key] for key in ("mode", "type", "name")},
                "provider": f'provider["{PROVIDER}"].{alias}',
                "instances": [instance],
            }
    assert len(found) == len(providers), "All that is planned must be in the state"
    return found


def write_state(folder: Path, state: Mapping[str, dict[str, Any]]) -> None:
    head = {"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "planned"}
    text = json.dumps({**head, "outputs": {}, "resources": list(state.values())})
    (folder / "terraform.tfstate").write_text(text, encoding="utf-8")
