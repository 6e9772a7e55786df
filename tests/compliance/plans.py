"""One plan of everything here, taken apart into good plans and one for each folder of ``bad``.

Terraform is started once: a root holds ``good`` and every folder of ``bad`` as a module, and
``good`` holds each kind of installation as a module. A good plan is one kind; a case's plan is a
good one plus what the bad folder adds, as if a consumer had added it to his root;
terraform-compliance reads nothing but the JSON and cannot tell the difference.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# The kinds of installations, as their modules in ``good`` are called, and the folders of
# ``features_for`` that are for each; ``features`` is for all.
KINDS = {
    "one_account": ("acl_not_cloned", "alarms"),
    "created_key": ("acl_not_cloned", "alarms", "created_dr_key", "dr_key", "trail"),
    "own_keys": ("account_regional", "acl_not_cloned", "dr_key"),
    "two_accounts": ("acl_not_cloned", "alarms", "two_accounts"),
    "two_accounts_created_key": (
        "account_regional",
        "acl_not_cloned",
        "alarms",
        "created_dr_key",
        "dr_key",
        "trail",
        "two_accounts",
    ),
    "nothing_cloned": ("acl_not_cloned", "alarms", "nothing_cloned"),
    "everything_cloned": ("alarms", "two_accounts"),
}
_FAILS = re.compile(r"^# Fails: (.+)$", re.MULTILINE)
_INSTEAD = re.compile(r"^# Instead of: (.+)$", re.MULTILINE)
_PROVIDER = 'provider "aws" {\n  region = "us-west-2"\n}\n'
_MODULE = 'module "%s" {\n  source = "./%s"\n}\n'


@dataclass(frozen=True)
class Bad:
    """A folder of ``bad``, and what the comment at the head of its main.tf says.

    Attributes:
        name: The folder's name.
        scenario: The one scenario that it makes fail.
        instead_of: The type and name of the module's resources that it takes the place of: a thing
            that is missing cannot be added. Empty when it takes no place.
    """

    name: str
    scenario: str
    instead_of: str

    @classmethod
    def read(cls, folder: Path) -> Bad:
        """Reads what the folder's main.tf says of itself."""
        text = (folder / "main.tf").read_text(encoding="utf-8")
        fails, instead = _FAILS.search(text), _INSTEAD.search(text)
        if fails is None:
            raise ValueError(
                f"{folder.name}/main.tf must say which scenario it fails: '# Fails: …'"
            )
        return cls(folder.name, fails[1], instead[1] if instead else "")


BAD = [Bad.read(folder) for folder in sorted((HERE / "bad").iterdir()) if folder.is_dir()]


def write_root(folder: Path) -> None:
    """Writes the root that plans everything at once."""
    shutil.copytree(HERE / "bad", folder / "bad")
    shutil.copytree(HERE / "good", folder / "good")
    # The root is laid down one level below the module, and good three.
    main = folder / "good" / "main.tf"
    main.write_text(main.read_text(encoding="utf-8").replace('"../../.."', '"../.."'), "utf-8")
    modules = [("good", "good"), *((bad.name, f"bad/{bad.name}") for bad in BAD)]
    text = _PROVIDER + "".join(_MODULE % module for module in modules)
    (folder / "main.tf").write_text(text, encoding="utf-8")


def good_plan(data: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The plan of ``good`` alone, with one kind of installation."""
    return _only(data, {"good"}, kind)


def bad_plan(data: Mapping[str, Any], bad: Bad, kind: str) -> dict[str, Any]:
    """The plan of ``good`` with one kind of installation, and a bad folder added."""
    return _only(data, {"good", bad.name}, kind, bad.instead_of)


def empty_plan(data: Mapping[str, Any]) -> dict[str, Any]:
    """The plan of a root with nothing in it."""
    return _only(data, set())


def _only(
    data: Mapping[str, Any], names: set[str], kind: str = "", without: str = ""
) -> dict[str, Any]:
    """The plan of some of the root's modules; of ``good`` one kind, without resources of a name."""
    others = KINDS.keys() - {kind}

    def stays(address: str) -> bool:
        path = address.split(".")
        if path[1] == "good" and (
            path[3] in others or (without and address.endswith(f".{without}"))
        ):
            return False
        return path[1] in names

    configuration = data["configuration"]
    calls = configuration["root_module"]["module_calls"]
    providers = configuration["provider_config"]
    return {
        "format_version": data["format_version"],
        "terraform_version": data["terraform_version"],
        # Only the changes are kept of what is planned: they hold all that planned_values does.
        "planned_values": {"root_module": {}},
        "resource_changes": [
            change for change in data["resource_changes"] if stays(change["address"])
        ],
        "configuration": {
            "provider_config": {
                key: each
                for key, each in providers.items()
                if each.get("module_address", "module.good").split(".")[1] in names
            },
            "root_module": {
                "module_calls": {
                    name: _without_calls(call, others)
                    for name, call in calls.items()
                    if name in names
                }
            },
        },
    }


def _without_calls(call: Mapping[str, Any], names: Set[str]) -> dict[str, Any]:
    """A module's configuration, without the modules of some names in it."""
    module = call["module"]
    calls = module.get("module_calls", {})
    kept = {name: each for name, each in calls.items() if name not in names}
    return {**call, "module": {**module, "module_calls": kept}}
