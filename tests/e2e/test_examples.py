"""Every folder of examples/ is what its README says: it applies, works, stays put and goes away.

It runs last, because it takes away what all the other tests use.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property

import pytest

from e2e.examples import FOLDERS, TERRAFORM_ROLE, TWO_ACCOUNTS, Example, in_threads
from e2e.kinds import take_away_rules_of_others, under_our_role
from harness.deployment import Deployment
from harness.terraform import TerraformError

pytestmark = pytest.mark.terraform

LEAVING = [*FOLDERS, "everything", "named"]  # what is made elsewhere goes away, too


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


class Together:
    """Some examples: the same is done with all of them at the same time, once."""

    def __init__(self, examples: dict[str, Example]) -> None:
        self._examples = examples
        self._folders = [each for name, each in examples.items() if name in FOLDERS]

    @cached_property
    def used(self) -> dict[str, Future[str]]:
        """A protected bucket of each, with one object in its twin."""
        return in_threads(use, self._folders)

    @cached_property
    def unchanged(self) -> dict[str, Future[bool]]:
        """Whether its plan is empty, after all that was done with it."""
        return in_threads(plan_again, self._folders)

    @cached_property
    def destroyed(self) -> dict[str, Future[Destroyed]]:
        """What was found while it was destroyed."""
        assert self.used, "what is let go has been used"
        leaving = [self._examples[name] for name in LEAVING if name in self._examples]
        for example in leaving:
            with example.stack.events_lost():
                take_away_rules_of_others(example.stack)
        return in_threads(destroy, leaving)


@pytest.fixture(scope="module")
def in_one(in_one_account: dict[str, Example]) -> Together:
    return Together(in_one_account)


@pytest.fixture(scope="module")
def in_two(in_two_accounts: dict[str, Example]) -> Together:
    return Together(in_two_accounts)


@pytest.fixture(params=list(FOLDERS))
def example(request: pytest.FixtureRequest) -> Example:
    found: Example = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=LEAVING)
def leaving(request: pytest.FixtureRequest) -> Example:
    found: Example = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def together(request: pytest.FixtureRequest) -> Together:
    """The examples with which the one that the test is about is looked at."""
    name = request.node.callspec.params.get("example") or request.node.callspec.params["leaving"]
    found: Together = request.getfixturevalue("in_two" if name in TWO_ACCOUNTS else "in_one")
    return found


def use(example: Example) -> str:
    stack, bucket = example.stack, f"example-{example.account}"
    stack.create_bucket(bucket, tags=[{"Key": "dr", "Value": "true"}])
    stack.wait_for_rule(bucket)
    stack.source_s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    return bucket


def plan_again(example: Example) -> bool:
    """Whether its plan is empty, also when the functions have turned a schedule on."""
    stack = example.stack
    events = stack.client("events", stack.source_region)
    events.enable_rule(Name=stack.outputs["event_rules"]["jobs"]["name"])
    return example.root.plan_is_empty()


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


def test_works(example: Example, together: Together) -> None:
    stack, bucket = example.stack, together.used[example.name].result()

    assert stack.replication_status(bucket, "k") == "COMPLETED"
    assert stack.dr_s3.get_object(Bucket=stack.twin(bucket), Key="k")["Body"].read() == b"v"


def test_stays_put(example: Example, together: Together) -> None:
    assert together.used[example.name].result()
    unchanged = together.unchanged[example.name].result()
    assert unchanged, "a plan after the module did its work changes nothing"


def test_created_key_keeps_it_from_being_destroyed(example: Example, together: Together) -> None:
    creates_key = "create_dr_key = true" in (FOLDERS[example.name] / "main.tf").read_text("utf-8")
    found = together.destroyed[example.name].result()

    assert bool(example.key_address) == creates_key, "the README says what to do with the key"
    if creates_key:
        assert "Instance cannot be destroyed" in found.refusal
        assert example.key_address in found.refusal
        before, after = found.state
        assert before == after, "Terraform refuses as a whole: nothing is gone"
        assert example.key_address in after


def test_nothing_goes_before_all_buckets_were_let_go(in_one: Together, basic: Example) -> None:
    found = in_one.destroyed[basic.name].result()

    assert "RULES_UNDER_OUR_ROLE" in found.left
    kinds = {address.rpartition(".")[0].rpartition(".")[2] for address in found.kept}
    assert {"aws_iam_role_policy", "aws_lambda_function", "aws_sns_topic"} <= kinds
    assert "aws_cloudwatch_event_rule" not in kinds, "no event may put a rule back meanwhile"
    for part in ("enable_replication", "replication_role", "sweep"):
        assert any(f"module.{part}.aws_iam_role.this" in address for address in found.kept)


def test_goes_away(leaving: Example, together: Together) -> None:
    together.destroyed[leaving.name].result()

    assert left_behind(leaving.stack) == []


def test_destroying_touches_no_data(example: Example, together: Together) -> None:
    stack, bucket = example.stack, together.used[example.name].result()
    together.destroyed[example.name].result()

    assert stack.rules(bucket) == {}, "no rule stays that names a role which is gone"
    objects = stack.dr_s3.list_objects_v2(Bucket=stack.twin(bucket))["Contents"]
    assert [item["Key"] for item in objects] == ["k"]


def test_created_key_outlives_it(example: Example, together: Together) -> None:
    stack = example.stack
    together.destroyed[example.name].result()
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
        trails = stack.client("cloudtrail", region).describe_trails()["trailList"]
        found += [trail["Name"] for trail in trails]
        groups = stack.client("logs", region).describe_log_groups()["logGroups"]
        found += [group["logGroupName"] for group in groups]
        found += [
            alias["AliasName"] for alias in stack.client("kms", region).list_aliases()["Aliases"]
        ]
    return sorted({name for name in found if "s3-dr" in name} - {TERRAFORM_ROLE})
