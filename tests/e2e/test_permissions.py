"""Every action that a role grants was asked for in these tests, and none was missing.

It runs after all files that use the functions. What the local AWS says it was asked is held
against what IAM of the applied examples says: a permission too many or too few fails here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from e2e.examples import TERRAFORM_ROLE, Example
from harness.deployment import Deployment

pytestmark = pytest.mark.terraform

# The functions' own roles, asked for by no API call in these tests, and why.
NEVER_ASKED = {
    # Lambda writes the log itself; a function's runtime makes no call that an emulator could see.
    "logs:CreateLogStream",
    "logs:PutLogEvents",
}
# What is asked for and refused, (role's name after the module's, action), and where that is meant.
Refusals = dict[tuple[str, str], str]
_OTHERS = "a message names a bucket of another account"
_TAKEN = "the twin's name belongs to another account"
IN_ONE_ACCOUNT: Refusals = {
    ("destination-bucket-check", "s3:GetBucketTagging"): _OTHERS,
    ("destination-bucket-check", "s3:ListBucket"): _TAKEN,
    ("enable-replication", "s3:GetBucketTagging"): f"{_OTHERS}; {_TAKEN}",
    ("source-bucket-check", "s3:GetBucketTagging"): _OTHERS,
    ("source-bucket-check", "s3:ListBucket"): _TAKEN,
}
IN_TWO_ACCOUNTS: Refusals = {
    ("destination-bucket-check", "s3:ListBucket"): _TAKEN,
    ("enable-replication", "s3:GetBucketTagging"): _OTHERS,
    ("replication", "kms:Decrypt"): "the role's statement, or the key's, is taken away",
    ("replication", "kms:Encrypt"): "the role's statement, or the key's, is taken away",
    ("replication", "kms:GenerateDataKey"): "the role's statement, or the key's, is taken away",
    ("replication", "s3:GetBucketVersioning"): "the statement in the twin's policy is taken away",
    ("replication", "s3:ListBucket"): "the statement in the twin's policy is taken away",
    ("replication", "s3:ReplicateObject"): "the statement in the twin's policy is taken away",
    ("source-bucket-check", "s3:GetBucketTagging"): _OTHERS,
    ("source-reader", "s3:GetBucketTagging"): _OTHERS,
    ("twin-reader", "s3:GetBucketTagging"): _TAKEN,
    ("twin-reader", "s3:ListBucket"): _TAKEN,
}


@pytest.fixture(scope="module", autouse=True)
def whole_session(request: pytest.FixtureRequest) -> None:
    """Skips these tests where some of the tests that use the functions were left out."""
    files = {path.stem for path in Path(__file__).parent.glob("test_*.py")}
    if missing := files - {item.path.stem for item in request.session.items}:
        pytest.skip(f"what is asked for in {', '.join(sorted(missing))} was not, in this session")


@pytest.fixture(scope="module")
def one_account(
    basic: Example, complete: Example, kms: Example, named: Example, object_lock: Example
) -> list[Deployment]:
    return [each.stack for each in (basic, complete, kms, named, object_lock)]


@pytest.fixture(scope="module")
def two_accounts(cross_account: Example, everything: Example) -> list[Deployment]:
    return [cross_account.stack, everything.stack]


def test_one_account(one_account: list[Deployment]) -> None:
    assert_asked_as_granted(one_account, IN_ONE_ACCOUNT)


def test_two_accounts(two_accounts: list[Deployment]) -> None:
    assert_asked_as_granted(two_accounts, IN_TWO_ACCOUNTS)


def assert_asked_as_granted(stacks: list[Deployment], meant: Refusals) -> None:
    granted: dict[str, set[str]] = {}
    asked: dict[str, set[str]] = {}
    refused: set[tuple[str, str]] = set()
    for stack in stacks:
        for account in sorted({stack.account, stack.dr_account}):
            for role, actions in roles(stack, account).items():
                short = role.removeprefix(f"{stack.name}-")
                granted.setdefault(short, set()).update(actions)
                answers = decisions(stack, account, role)
                asked.setdefault(short, set()).update(answers[True])
                refused |= {(short, action) for action in answers[False]}
    found = {
        "granted, and never used": pairs(granted) - pairs(asked),
        "refused": refused,
    }
    assert found == {
        "granted, and never used": {
            (role, action) for role, action in pairs(granted) if action in NEVER_ASKED
        },
        "refused": set(meant),
    }


def pairs(actions: dict[str, set[str]]) -> set[tuple[str, str]]:
    return {(role, action) for role, some in actions.items() for action in some}


def decisions(stack: Deployment, account: str, role: str) -> dict[bool, set[str]]:
    """The actions that IAM was asked about a role, by whether it said yes."""
    answers: dict[bool, set[str]] = {True: set(), False: set()}
    for row in stack.local_aws.decisions():
        if (row["role"], row["account"]) == (role, account):
            answers[row["allowed"]].add(row["action"])
    return answers


def roles(stack: Deployment, account: str) -> dict[str, set[str]]:
    """The module's roles in an account, each with the actions that its policies allow."""
    iam = stack.local_aws.client("iam", stack.source_region, account=account)
    found = {}
    for name in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
        if not name.startswith(f"{stack.name}-") or name == TERRAFORM_ROLE:
            continue
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        documents = [
            iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        found[name] = {
            action
            for document in documents
            for statement in document["Statement"]
            if statement["Effect"] == "Allow"
            for action in as_list(statement["Action"])
        }
        assert found[name], f"{name} grants something"
    return found


def as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
