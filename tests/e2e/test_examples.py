"""Every folder of examples/ is what its README says: it applies, works, stays put and goes away."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.deployment import Deployment
from harness.terraform import Root
from harness.toolchain import REPO, Toolchain
from local_aws import LocalAws

EXAMPLES = sorted(folder.parent for folder in (REPO / "examples").glob("*/main.tf"))
ACCOUNTS = [f"22220000{number:04}" for number in range(len(EXAMPLES))]


def test_there_are_examples() -> None:
    assert EXAMPLES, "examples/ holds the roots that a user starts from"


@pytest.mark.terraform
@pytest.mark.parametrize(
    ("example", "account"),
    [pytest.param(example, ACCOUNTS[n], id=example.name) for n, example in enumerate(EXAMPLES)],
)
def test_example(
    example: Path, account: str, local_aws: LocalAws, terraform_cli: Toolchain
) -> None:
    with Root(example, tools=terraform_cli, env=local_aws.environment(account=account)) as root:
        root.init()
        root.validate()
        root.apply()
        stack = Deployment(local_aws, root, account)
        bucket = stack.create_bucket(
            f"{example.name}-{account}", tags=[{"Key": "dr", "Value": "true"}]
        )
        stack.wait_for_rule(bucket)
        stack.source_s3.put_object(Bucket=bucket, Key="k", Body=b"v")

        assert stack.dr_s3.get_object(Bucket=f"{bucket}-dr", Key="k")["Body"].read() == b"v"
        assert root.plan_is_empty(), "a plan after the module did its work changes nothing"
        stack.settle()

        root.destroy()

        assert left_behind(stack) == []
        objects = stack.dr_s3.list_objects_v2(Bucket=f"{bucket}-dr")["Contents"]
        assert [item["Key"] for item in objects] == ["k"], "destroying touches no data"


def left_behind(stack: Deployment) -> list[str]:
    """What of the module is still there in either region."""
    found = [
        role["RoleName"] for role in stack.client("iam", stack.source_region).list_roles()["Roles"]
    ]
    for region in (stack.source_region, stack.dr_region):
        functions = stack.client("lambda", region).list_functions()["Functions"]
        found += [function["FunctionName"] for function in functions]
        found += [
            topic["TopicArn"] for topic in stack.client("sns", region).list_topics()["Topics"]
        ]
        found += stack.client("sqs", region).list_queues().get("QueueUrls", [])
        found += [rule["Name"] for rule in stack.client("events", region).list_rules()["Rules"]]
        groups = stack.client("logs", region).describe_log_groups()["logGroups"]
        found += [group["logGroupName"] for group in groups]
    return [name for name in found if "s3-dr" in name]
