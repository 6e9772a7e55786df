"""Every folder of examples/ is what its README says: it applies, works, stays put and goes away.

It runs last, because it takes away what all the other tests use.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from e2e.examples import FOLDERS, TERRAFORM_ROLE, Example, in_threads
from e2e.kinds import take_away_rules_of_others, under_our_role
from harness.deployment import Deployment
from harness.terraform import TerraformError

pytestmark = pytest.mark.terraform


@dataclass
class Destroyed:
    """What was found while an example was destroyed.

    Attributes:
        refusal: what Terraform said as long as it had the key; empty where there is none.
        state: what Terraform had before that refusal, and after it.
        left: what it said as long as a bucket could not be let go.
        kept: what it still had then.
    """

    refusal: str = ""
    state: list[list[str]] = field(default_factory=list)
    left: str = ""
    kept: list[str] = field(default_factory=list)


@pytest.fixture(params=list(FOLDERS))
def example(request: pytest.FixtureRequest, examples: dict[str, Example]) -> Example:
    return examples[request.param]


@pytest.fixture(scope="module")
def unchanged(examples: dict[str, Example]) -> dict[str, bool]:
    """Whether each example's plan is empty, after all that was done with it."""
    futures = in_threads(lambda example: example.root.plan_is_empty(), examples.values())
    return {name: future.result() for name, future in futures.items()}


@pytest.fixture(scope="module")
def used(examples: dict[str, Example]) -> dict[str, str]:
    """A protected bucket of each example, with one object in its twin."""
    return {
        name: use(example.stack, f"example-{example.account}") for name, example in examples.items()
    }


@pytest.fixture(scope="module")
def destroyed(examples: dict[str, Example], used: dict[str, str]) -> dict[str, Destroyed]:
    for example in examples.values():
        with example.stack.events_lost():
            take_away_rules_of_others(example.stack)
    futures = in_threads(destroy, examples.values())
    return {name: future.result() for name, future in futures.items()}


def use(stack: Deployment, bucket: str) -> str:
    stack.create_bucket(bucket, tags=[{"Key": "dr", "Value": "true"}])
    stack.wait_for_rule(bucket)
    stack.source_s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    return bucket


def destroy(example: Example) -> Destroyed:
    """Destroys an example, as its README says."""
    found = Destroyed()
    if example.key_address:
        found.state.append(example.state())
        try:
            example.root.destroy()
        except TerraformError as error:
            found.refusal = error.stderr
        found.state.append(example.state())
        example.forget_key()
    if example.name == "basic":
        bucket = f"example-{example.account}"
        under_our_role(example.stack, bucket)
        example.stack.settle()
        with pytest.raises(TerraformError) as caught:
            example.root.destroy()
        found.left, found.kept = caught.value.stderr, example.state()
        example.stack.source_s3.delete_bucket_replication(Bucket=bucket)
    example.root.destroy()
    return found


def test_there_are_examples() -> None:
    assert FOLDERS, "examples/ holds the roots that a user starts from"


def test_works(example: Example, used: dict[str, str]) -> None:
    stack, bucket = example.stack, used[example.name]

    assert stack.replication_status(bucket, "k") == "COMPLETED"
    assert stack.dr_s3.get_object(Bucket=stack.twin(bucket), Key="k")["Body"].read() == b"v"


def test_stays_put(example: Example, used: dict[str, str], unchanged: dict[str, bool]) -> None:
    assert unchanged[example.name], "a plan after the module did its work changes nothing"


def test_created_key_keeps_it_from_being_destroyed(
    example: Example, destroyed: dict[str, Destroyed]
) -> None:
    creates_key = "create_dr_key = true" in (FOLDERS[example.name] / "main.tf").read_text("utf-8")
    found = destroyed[example.name]

    assert bool(example.key_address) == creates_key, "the README says what to do with the key"
    if creates_key:
        assert "Instance cannot be destroyed" in found.refusal
        assert example.key_address in found.refusal
        before, after = found.state
        assert before == after, "Terraform refuses as a whole: nothing is gone"
        assert example.key_address in after


def test_nothing_goes_before_all_buckets_were_let_go(destroyed: dict[str, Destroyed]) -> None:
    found = destroyed["basic"]

    assert "RULES_UNDER_OUR_ROLE" in found.left
    kinds = {address.rpartition(".")[0].rpartition(".")[2] for address in found.kept}
    assert {"aws_iam_role_policy", "aws_lambda_function", "aws_sns_topic"} <= kinds
    assert "aws_cloudwatch_event_rule" not in kinds, "no event may put a rule back meanwhile"
    for part in ("enable_replication", "replication_role", "sweep"):
        assert any(f"module.{part}.aws_iam_role.this" in address for address in found.kept)


def test_goes_away(example: Example, used: dict[str, str], destroyed: dict[str, Destroyed]) -> None:
    stack, bucket = example.stack, used[example.name]

    assert left_behind(stack) == []
    assert stack.rules(bucket) == {}, "no rule stays that names a role which is gone"
    objects = stack.dr_s3.list_objects_v2(Bucket=stack.twin(bucket))["Contents"]
    assert [item["Key"] for item in objects] == ["k"], "destroying touches no data"


def test_created_key_outlives_it(example: Example, destroyed: dict[str, Destroyed]) -> None:
    stack = example.stack
    kms = stack.client("kms", stack.dr_region)
    ids = [key["KeyId"] for key in kms.list_keys()["Keys"]]
    keys = [kms.describe_key(KeyId=each)["KeyMetadata"] for each in ids]
    enabled = [
        key["Arn"] for key in keys if key["KeyState"] == "Enabled" and key["KeyManager"] != "AWS"
    ]

    assert enabled == ([stack.dr_key_arn] if stack.dr_key_arn else [])


def left_behind(stack: Deployment) -> list[str]:
    """What of the module is still there in either region."""
    found = []
    for region in (stack.source_region, stack.dr_region):
        roles = stack.client("iam", region).list_roles()["Roles"]
        found += [role["RoleName"] for role in roles]
        functions = stack.client("lambda", region).list_functions()["Functions"]
        found += [function["FunctionName"] for function in functions]
        found += [
            topic["TopicArn"] for topic in stack.client("sns", region).list_topics()["Topics"]
        ]
        found += stack.client("sqs", region).list_queues().get("QueueUrls", [])
        found += [rule["Name"] for rule in stack.client("events", region).list_rules()["Rules"]]
        groups = stack.client("logs", region).describe_log_groups()["logGroups"]
        found += [group["logGroupName"] for group in groups]
        found += [
            alias["AliasName"] for alias in stack.client("kms", region).list_aliases()["Aliases"]
        ]
    return sorted({name for name in found if "s3-dr" in name} - {TERRAFORM_ROLE})
