"""IAM policies as tests want to read them: every statement in one shape."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class PolicyKind(StrEnum):
    """What a policy is attached to."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    TRUST = "trust"


@dataclass(frozen=True)
class Statement:
    """One statement; a single string is a tuple of one, and what is not there is empty.

    Attributes:
        principals: Kind of principal to identifiers; ``"*"`` alone reads ``{"*": ("*",)}``.
        conditions: ``(operator, key)`` to values; the key is in lower case, as IAM ignores case.
    """

    sid: str
    effect: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: Mapping[str, tuple[str, ...]]
    not_principals: Mapping[str, tuple[str, ...]]
    conditions: Mapping[tuple[str, str], tuple[str, ...]]

    def names_action(self, action: str) -> bool:
        """Tells whether the statement's actions cover an action, wildcards and all."""
        return any(fnmatch.fnmatchcase(action.lower(), each.lower()) for each in self.actions)

    def names_resource(self, arn: str) -> bool:
        """Tells whether the statement's resources cover an ARN, wildcards and all."""
        return any(fnmatch.fnmatchcase(arn, each) for each in self.resources)


@dataclass(frozen=True)
class Policy:
    """A policy of a planned resource.

    Attributes:
        address: The resource's address.
        attribute: The attribute that holds the policy.
        kind: What the policy is attached to.
        document: The policy itself.
        statements: Its statements.
    """

    address: str
    attribute: str
    kind: PolicyKind
    document: Mapping[str, Any]
    statements: tuple[Statement, ...]

    @classmethod
    def parse(cls, address: str, attribute: str, kind: PolicyKind, text: str) -> Policy:
        """Reads a policy from its JSON text."""
        document = json.loads(text)
        statements = document["Statement"]
        if isinstance(statements, Mapping):
            statements = [statements]
        return cls(address, attribute, kind, document, tuple(map(_statement, statements)))

    def allowed(self) -> Iterable[Statement]:
        """Returns the statements that allow."""
        return [statement for statement in self.statements if statement.effect == "Allow"]


def _statement(raw: Mapping[str, Any]) -> Statement:
    return Statement(
        sid=raw.get("Sid", ""),
        effect=raw["Effect"],
        actions=_tuple(raw.get("Action")),
        not_actions=_tuple(raw.get("NotAction")),
        resources=_tuple(raw.get("Resource")),
        not_resources=_tuple(raw.get("NotResource")),
        principals=_principals(raw.get("Principal")),
        not_principals=_principals(raw.get("NotPrincipal")),
        conditions={
            (operator, key.lower()): _tuple(values)
            for operator, keys in raw.get("Condition", {}).items()
            for key, values in keys.items()
        },
    )


def _tuple(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _principals(value: object) -> dict[str, tuple[str, ...]]:
    if isinstance(value, Mapping):
        return {kind: _tuple(each) for kind, each in value.items()}
    return {"*": _tuple(value)} if value else {}
