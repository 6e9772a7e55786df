"""A role as an AWS service acts with it: what may it do?"""

import json
from dataclasses import dataclass
from typing import Any

from local_aws import decisions
from local_aws.emulator import module


@dataclass(frozen=True)
class Role:
    """A role that a service has assumed."""

    arn: str
    name: str
    account: str

    def may(
        self,
        action: str,
        resource: str,
        region: str,
        *,
        policy: str = "",
        owner: str = "",
        both: bool = False,
        context: dict[str, str] | None = None,
    ) -> bool:
        """Whether IAM lets the role do it; the answer is recorded.

        Args:
            policy: The resource's own policy.
            owner: The account of the resource; unless it is the role's, its policy has to allow.
            both: Whether identity and resource policy have to allow within one account, too.
        """
        identity, result = self._decide(action, resource, region, policy, owner, both, context)
        allowed = result == "Allow" and (not both or identity == "Allow")
        decisions.record(self.name, self.account, action, allowed)
        return allowed

    def may_not(self, action: str, resource: str, region: str, policy: str, owner: str) -> bool:
        """Whether a statement denies it: of what needs no Allow of its own."""
        return self._decide(action, resource, region, policy, owner)[1] == "Deny"

    def _decide(
        self,
        action: str,
        resource: str,
        region: str,
        policy: str,
        owner: str,
        both: bool = False,
        context: dict[str, str] | None = None,
    ) -> tuple[str, str]:
        """What the role's own policies say, and what comes of them with that of the resource."""
        iam = module("core.iam_evaluator")
        asked = iam.EvalContext(
            principal_arn=f"arn:aws:sts::{self.account}:assumed-role/{self.name}/service",
            principal_type="AssumedRole",
            principal_account=self.account,
            action=action,
            resource_arn=resource,
            region=region,
            secure_transport=True,
            service_context={name.lower(): value for name, value in (context or {}).items()},
        )
        limits = iam._permissions_boundary(_roles(), self.name, self.account)
        identity = iam.evaluate(asked, iam._gather_role_policies(self.name, self.account), *limits)
        result = iam.combine_resource_policy(
            identity, asked, policy, owner or self.account, required=both, limits=limits
        )
        return identity.decision, result.decision


def _roles() -> Any:
    return module("services.iam")._roles


def find(arn: str) -> Any:
    """The stored role of an ARN, looked up in the ARN's own account; None when there is none."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or not parts[5].startswith("role/"):
        return None
    role = _roles().get_scoped(parts[4], None, arn.rpartition("/")[2])
    return role if role and role["Arn"] == arn else None


def assume(arn: str, service: str, source: dict[str, str] | None = None) -> Role | None:
    """The role, when it exists and lets the service assume it.

    Args:
        source: In whose name the service does so: condition keys and their values.
    """
    stored = find(arn)
    if stored is None:
        return None
    iam, account = module("core.iam_evaluator"), arn.split(":")[4]
    asked = iam.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=arn,
        region="",
        service_context={name.lower(): value for name, value in (source or {}).items()},
    )
    trust = stored.get("AssumeRolePolicyDocument") or "{}"
    document = json.loads(trust) if isinstance(trust, str) else trust
    trusted = iam.evaluate_resource_policy(document, asked, service=service).decision == "Allow"
    return Role(arn, arn.rpartition("/")[2], account) if trusted else None


def session_role_arn(arn: str) -> str:
    """The ARN of the role behind ``assumed-role/NAME/SESSION``, path included."""
    account, name = arn.split(":")[4], arn.split("/")[1]
    stored = _roles().get_scoped(account, None, name) or {}
    return str(stored.get("Arn") or f"arn:aws:iam::{account}:role/{name}")
