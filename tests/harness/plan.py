"""Reads the JSON of a Terraform plan: what goes where, by whose permission, and what comes out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.policy import Policy, PolicyKind

# Which attributes of which resources are policies.
_POLICIES = {
    ("aws_iam_policy", "policy"): PolicyKind.IDENTITY,
    ("aws_iam_role", "assume_role_policy"): PolicyKind.TRUST,
    ("aws_iam_role_policy", "policy"): PolicyKind.IDENTITY,
    ("aws_kms_key", "policy"): PolicyKind.RESOURCE,
    ("aws_kms_key_policy", "policy"): PolicyKind.RESOURCE,
    ("aws_s3_bucket_policy", "policy"): PolicyKind.RESOURCE,
    ("aws_sns_topic", "policy"): PolicyKind.RESOURCE,
    ("aws_sns_topic_policy", "policy"): PolicyKind.RESOURCE,
    ("aws_sqs_queue", "policy"): PolicyKind.RESOURCE,
    ("aws_sqs_queue_policy", "policy"): PolicyKind.RESOURCE,
}
# An instance key in an address: [0] or ["a key"], whose text may hold brackets and escapes.
_INSTANCE_KEY = re.compile(r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]')


class UnknownAtPlanError(AssertionError):
    """A value that must be in the plan is only known after apply; the message names it."""


@dataclass(frozen=True)
class Resource:
    """A managed resource of a plan.

    Attributes:
        address: The whole address, module path and instance key included.
        type: For example ``aws_sns_topic``.
        actions: What happens to it: ``create``, ``update``, ``delete`` or ``no-op``.
        values: Its attributes after the apply, as far as known.
        unknown: Which attributes, or parts of them, are known only after apply.
        provider: The root's provider that makes it, for example ``aws.dr``.
        configured: The attributes that the configuration sets.
    """

    address: str
    type: str
    actions: tuple[str, ...]
    values: Mapping[str, Any]
    unknown: Mapping[str, Any]
    provider: str
    configured: frozenset[str]


class Plan:
    """A plan, as ``terraform show -json`` tells it.

    Attributes:
        data: The JSON itself.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self._configured = dict(_walk(data["configuration"]["root_module"], ""))

    def resources(self, type: str | None = None, module: str = "") -> list[Resource]:
        """Returns the managed resources of all modules, by address.

        Args:
            type: Only those of this type.
            module: Only those in this module of the root, or in the modules below it.
        """
        place = f"module.{module}." if module else ""
        found = (
            self._resource(each)
            for each in self.data.get("resource_changes", ())
            if _is_managed(each) and type in (None, each["type"])
            if each["address"].startswith(place)
        )
        return sorted(found, key=lambda resource: resource.address)

    def resource(self, address: str) -> Resource:
        """Returns the one managed resource of this address."""
        for each in self.resources():
            if each.address == address:
                return each
        names = "\n  ".join(each.address for each in self.resources())
        raise AssertionError(f"The plan has no {address}; it has:\n  {names}")

    def changes(self) -> dict[str, tuple[str, ...]]:
        """Returns what happens to which address: resources that stay as they are left out."""
        stay = ("no-op",)
        return {each.address: each.actions for each in self.resources() if each.actions != stay}

    def providers(self) -> dict[str, str]:
        """Returns the root's provider of every resource and data source in the configuration.

        The addresses are without instance keys. ``aws`` as a provider means that somebody forgot to
        name one: the thing would land in whatever region the caller's default provider has.
        """
        return {address: each["provider_config_key"] for address, each in self._configured.items()}

    def region(self, provider: str) -> str:
        """Returns the region of one of the root's providers, for example of ``aws.dr``."""
        region = self._argument(provider, "region")
        if region is None:
            raise AssertionError(
                f"The region of provider {provider} is neither a constant nor a variable of the "
                "root."
            )
        return region

    def access_key(self, provider: str) -> str | None:
        """Returns the access key that the root gives to one of its providers, if it does."""
        return self._argument(provider, "access_key")

    def _argument(self, provider: str, name: str) -> str | None:
        configuration = self.data["configuration"]["provider_config"][provider]
        expression = configuration.get("expressions", {}).get(name, {})
        if "constant_value" in expression:
            return str(expression["constant_value"])
        for reference in expression.get("references", ()):
            kind, _, variable = reference.partition(".")
            if kind == "var" and variable in self.data.get("variables", {}):
                return str(self.data["variables"][variable]["value"])
        return None

    def policies(self, kind: PolicyKind | None = None, module: str = "") -> list[Policy]:
        """Returns every policy that the plan attaches, by address.

        Args:
            kind: Only those of this kind.
            module: Only those in this module of the root, or in the modules below it.

        Raises:
            UnknownAtPlanError: The text of a policy cannot be read before the apply, so nobody
                could review it either.
        """
        return [
            _policy(resource, attribute, each)
            for resource in self.resources(module=module)
            for (type_, attribute), each in _POLICIES.items()
            if resource.type == type_ and attribute in resource.configured
            if resource.actions != ("delete",) and kind in (None, each)
            if resource.values.get(attribute) is not None or resource.unknown.get(attribute)
        ]

    def outputs(self) -> dict[str, Any]:
        """Returns the outputs as far as they are known at plan time.

        An object of which only a part is known has that part; an output of which nothing is known
        is not there.
        """
        return {name: each["after"] for name, each in self._outputs() if "after" in each}

    def unknown_outputs(self) -> set[str]:
        """Returns the names of the outputs that are not, or not wholly, known at plan time."""
        return {name for name, each in self._outputs() if _any_true(each["after_unknown"])}

    def _outputs(self) -> list[tuple[str, Mapping[str, Any]]]:
        changes = self.data.get("output_changes", {})
        return [each for each in changes.items() if each[1]["actions"] != ["delete"]]

    def _resource(self, change: Mapping[str, Any]) -> Resource:
        # A resource that is only in the state, about to be deleted, has no configuration.
        configured = self._configured.get(_INSTANCE_KEY.sub("", change["address"]), {})
        return Resource(
            address=change["address"],
            type=change["type"],
            actions=tuple(change["change"]["actions"]),
            values=change["change"]["after"] or {},
            unknown=change["change"]["after_unknown"] or {},
            provider=configured.get("provider_config_key", ""),
            configured=frozenset(configured.get("expressions", {})),
        )


def _any_true(unknown: object) -> bool:
    """Whether any leaf of an ``after_unknown`` tree is true."""
    if isinstance(unknown, Mapping):
        return any(_any_true(each) for each in unknown.values())
    if isinstance(unknown, list):
        return any(_any_true(each) for each in unknown)
    return unknown is True


def _is_managed(change: Mapping[str, Any]) -> bool:
    return bool(change["mode"] == "managed")


def _walk(module: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for each in module.get("resources", ()):
        yield prefix + each["address"], each
    for name, call in module.get("module_calls", {}).items():
        yield from _walk(call["module"], f"{prefix}module.{name}.")


def _policy(resource: Resource, attribute: str, kind: PolicyKind) -> Policy:
    if resource.unknown.get(attribute):
        raise UnknownAtPlanError(
            f"The {attribute} of {resource.address} is known only after apply: "
            "build the ARNs in it from partition, region, account and name."
        )
    return Policy.parse(resource.address, attribute, kind, resource.values[attribute])
