"""The reader of plans, on a plan written here by hand in the shape that Terraform gives it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.plan import Plan, UnknownAtPlanError
from harness.policy import Policy, PolicyKind

TRUST = {
    "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "a"}}
}


def configured(type_: str, provider: str, mode: str = "managed", **expressions: Any) -> Any:
    prefix = "data." if mode == "data" else ""
    return {
        "address": f"{prefix}{type_}.this",
        "mode": mode,
        "provider_config_key": provider,
        "expressions": expressions,
    }


def changed(address: str, type_: str, unknown: Any = None, *actions: str, **values: Any) -> Any:
    change = {
        "actions": list(actions or ("create",)),
        "after": values,
        "after_unknown": unknown or {},
    }
    return {"address": address, "mode": "managed", "type": type_, "change": change}


@pytest.fixture
def data() -> dict[str, Any]:
    leaf = [
        configured("aws_sns_topic", "aws.dr", name={}),
        configured("aws_sns_topic_policy", "aws.dr", policy={"references": ["x"]}),
        configured("aws_caller_identity", "aws", mode="data"),
    ]
    inner = {
        "resources": [configured("aws_iam_role", "aws.source", assume_role_policy={})],
        "module_calls": {"leaf": {"module": {"resources": leaf}}},
    }
    region = {"expressions": {"region": {"references": ["var.west"]}}}
    leaf_a = 'module.inner.module.leaf["a[0] \\"x\\""].'
    return {
        "configuration": {
            "provider_config": {
                "aws.source": region,
                "aws.dr": {
                    "expressions": {
                        "access_key": {"constant_value": "222233334444"},
                        "region": {"constant_value": "us-east-2"},
                    }
                },
                "aws.odd": {"expressions": {"region": {"references": ["local.region"]}}},
            },
            "root_module": {"module_calls": {"inner": {"module": inner}}},
        },
        "variables": {"west": {"value": "us-west-2"}},
        "resource_changes": [
            changed(f"{leaf_a}aws_sns_topic.this", "aws_sns_topic", {"policy": True}, name="t"),
            changed(
                f"{leaf_a}aws_sns_topic_policy.this",
                "aws_sns_topic_policy",
                policy=json.dumps({"Statement": []}),
            ),
            changed(
                "module.inner.aws_iam_role.this[0]",
                "aws_iam_role",
                None,
                "no-op",
                assume_role_policy=json.dumps(TRUST),
            ),
            {**changed("data.aws_x.this", "aws_x"), "mode": "data"},
        ],
        "output_changes": {
            "known": {"actions": ["create"], "after": [1], "after_unknown": False},
            "partly": {"actions": ["create"], "after": {"a": 1}, "after_unknown": {"b": [True]}},
            "unknown": {"actions": ["create"], "after_unknown": True},
            "whole": {"actions": ["create"], "after": {"a": 1}, "after_unknown": {"a": False}},
            "gone": {"actions": ["delete"], "after": None, "after_unknown": False},
        },
    }


def test_resources_of_all_modules_with_the_root_s_provider(data: dict[str, Any]) -> None:
    plan = Plan(data)

    assert [(each.type, each.provider) for each in plan.resources()] == [
        ("aws_iam_role", "aws.source"),
        ("aws_sns_topic", "aws.dr"),
        ("aws_sns_topic_policy", "aws.dr"),
    ]
    assert [each.values["name"] for each in plan.resources("aws_sns_topic")] == ["t"]
    assert list(plan.changes().values()) == [("create",), ("create",)]


def test_one_resource_by_address(data: dict[str, Any]) -> None:
    address = "module.inner.aws_iam_role.this[0]"

    assert Plan(data).resource(address).type == "aws_iam_role"
    with pytest.raises(AssertionError, match=r"The plan has no aws_iam_role\.x; it has:"):
        Plan(data).resource("aws_iam_role.x")


def test_providers_tell_a_forgotten_one(data: dict[str, Any]) -> None:
    providers = Plan(data).providers()

    assert [address for address, key in providers.items() if key == "aws"] == [
        "module.inner.module.leaf.data.aws_caller_identity.this"
    ]
    assert len(providers) == 4


def test_the_region_of_a_provider(data: dict[str, Any]) -> None:
    plan = Plan(data)

    assert (plan.region("aws.source"), plan.region("aws.dr")) == ("us-west-2", "us-east-2")
    with pytest.raises(AssertionError, match=r"aws\.odd is neither a constant nor a variable"):
        plan.region("aws.odd")


def test_the_access_key_of_a_provider(data: dict[str, Any]) -> None:
    plan = Plan(data)

    assert plan.access_key("aws.dr") == "222233334444"
    assert plan.access_key("aws.source") is None


def test_policies_are_those_that_the_configuration_sets(data: dict[str, Any]) -> None:
    # The topic's own policy attribute is unknown, but nobody set it: AWS will.
    plan = Plan(data)

    assert [(each.kind, each.attribute) for each in plan.policies()] == [
        (PolicyKind.TRUST, "assume_role_policy"),
        (PolicyKind.RESOURCE, "policy"),
    ]
    assert [each.attribute for each in plan.policies(PolicyKind.RESOURCE)] == ["policy"]


def test_a_policy_that_nobody_can_read_yet_is_an_error(data: dict[str, Any]) -> None:
    change = data["resource_changes"][1]["change"]
    change["after"], change["after_unknown"] = {}, {"policy": True}

    with pytest.raises(UnknownAtPlanError, match=r"aws_sns_topic_policy\.this is known only after"):
        Plan(data).policies()


def test_outputs_as_far_as_known(data: dict[str, Any]) -> None:
    plan = Plan(data)

    assert plan.outputs() == {"known": [1], "partly": {"a": 1}, "whole": {"a": 1}}
    assert plan.unknown_outputs() == {"partly", "unknown"}


def test_statements_have_one_shape() -> None:
    text = json.dumps(
        {
            "Statement": {
                "Sid": "One",
                "Effect": "Allow",
                "Action": "s3:Get*",
                "Resource": ["arn:aws:s3:::a", "arn:aws:s3:::b-*"],
                "Principal": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": "1"}},
            }
        }
    )

    (statement,) = Policy.parse("x", "policy", PolicyKind.RESOURCE, text).allowed()

    assert statement.actions == ("s3:Get*",)
    assert statement.principals == {"*": ("*",)}
    assert statement.conditions == {("StringEquals", "aws:sourceaccount"): ("1",)}
    assert statement.not_actions == statement.not_resources == ()
    assert statement.names_action("S3:getobject")
    assert not statement.names_action("s3:PutObject")
    assert statement.names_resource("arn:aws:s3:::b-dr")
    assert not statement.names_resource("arn:aws:s3:::c")
