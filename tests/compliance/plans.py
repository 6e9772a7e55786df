"""Plans to judge, taken out of the one plan of everything.

The root that is planned holds every installation, ``consumer`` and every folder of ``bad`` as a
module. A good plan is one installation and the consumer's own things; a bad one is a good one plus
what the bad folder adds, as if the consumer had added it to his root. terraform-compliance reads
nothing but the JSON and cannot tell the difference.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plan.installations import (
    DEFAULT,
    GIVEN,
    KEY,
    NOTHING,
    REGIONAL,
    TWO_ACCOUNTS,
    TWO_IN_CHINA,
    TWO_WITH_KEY,
)

HERE = Path(__file__).resolve().parent
# The kinds of installations by name, and the folders of ``features_for`` that are for each;
# ``features`` is for all.
KINDS = {
    DEFAULT.name: ("acl_not_cloned", "alarms"),
    KEY.name: ("acl_not_cloned", "alarms", "created_dr_key", "dr_key", "trail"),
    REGIONAL.name: ("account_regional", "acl_not_cloned", "dr_key"),
    GIVEN.name: ("acl_not_cloned", "alarms", "dr_key"),
    TWO_ACCOUNTS.name: ("acl_not_cloned", "alarms", "two_accounts"),
    TWO_WITH_KEY.name: (
        "account_regional",
        "acl_not_cloned",
        "alarms",
        "created_dr_key",
        "dr_key",
        "trail",
        "two_accounts",
    ),
    NOTHING.name: ("acl_not_cloned", "alarms", "nothing_cloned"),
    TWO_IN_CHINA.name: ("alarms", "created_dr_key", "dr_key", "trail", "two_accounts"),
}
_FAILS = re.compile(r"^# Fails: (.+)$", re.MULTILINE)
_INSTEAD = re.compile(r"^# Instead of: (.+)$", re.MULTILINE)
_CONSUMER = "consumer"


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

    @property
    def module(self) -> str:
        """What the folder's module is called in the root."""
        return f"bad_{self.name}"


BAD = [Bad.read(folder) for folder in sorted((HERE / "bad").iterdir()) if folder.is_dir()]


def write_modules(folder: Path) -> str:
    """Lays ``consumer`` and the folders of ``bad`` into a root; returns the calls of them."""
    shutil.copytree(HERE / "bad", folder / "bad")
    shutil.copytree(HERE / _CONSUMER, folder / _CONSUMER)
    sources = {_CONSUMER: _CONSUMER, **{bad.module: f"bad/{bad.name}" for bad in BAD}}
    return "".join(
        f'module "{name}" {{\n  source = "./{source}"\n}}\n' for name, source in sources.items()
    )


def good_plan(data: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The plan of one kind of installation, beside what the consumer has."""
    return _only(data, {kind, _CONSUMER})


def bad_plan(data: Mapping[str, Any], bad: Bad, kind: str) -> dict[str, Any]:
    """The plan of one kind of installation, with a bad folder added."""
    left_out = (kind, bad.instead_of) if bad.instead_of else None
    return _only(data, {kind, _CONSUMER, bad.module}, left_out)


def empty_plan(data: Mapping[str, Any]) -> dict[str, Any]:
    """The plan of a root with nothing in it."""
    return _only(data, set())


def _only(
    data: Mapping[str, Any], modules: set[str], left_out: tuple[str, str] | None = None
) -> dict[str, Any]:
    """The plan of some of the root's modules.

    Args:
        data: The plan of everything.
        modules: The modules that stay.
        left_out: Of which of them resources of which type and name are left out.
    """

    def stays(address: str) -> bool:
        root, name, *_ = address.split(".")
        if left_out and name == left_out[0] and address.endswith(f".{left_out[1]}"):
            return False
        return root == "module" and name in modules

    configuration = data["configuration"]
    providers = configuration["provider_config"]
    # Those of the root are everybody's.
    homes = {
        key: each.get("module_address", "").removeprefix("module.").partition(".")[0]
        for key, each in providers.items()
    }
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
                if modules and homes[key] in {"", *modules}
            },
            "root_module": {
                "module_calls": {
                    name: call
                    for name, call in configuration["root_module"]["module_calls"].items()
                    if name in modules
                }
            },
        },
    }
