"""The folders of examples/, and two roots more, each in accounts of its own on one local AWS."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

from harness.deployment import AT_ONCE, PATIENCE, Deployment
from harness.terraform import Root
from harness.toolchain import REPO, Toolchain
from local_aws import LocalAws

FOLDERS = {path.parent.name: path.parent for path in sorted((REPO / "examples").glob("*/main.tf"))}
_OTHERS = REPO / "tests" / "e2e" / "roots"
ROOTS = {**FOLDERS, **{name: _OTHERS / name for name in ("named", "everything")}}
# Two accounts have nothing to do with what is in one: another process may have them.
TWO_ACCOUNTS = ("cross_account", "everything")
TERRAFORM_ROLE = "s3-dr-terraform"
ADOPTED = "adopted"
_REGIONS = {"named": "eu-west-1"}  # others have their sources in us-west-2


class Example:
    """One root that is applied.

    Attributes:
        account: the account of the sources.
        dr_account: the account of the twins: another one where the root asks for a role there.
        variables: what the root is given.
        root: its copy for Terraform.
    """

    def __init__(self, name: str, local_aws: LocalAws, tools: Toolchain) -> None:
        number = list(ROOTS).index(name)
        self.name = name
        self.local_aws = local_aws
        self.account = f"1111{number:04}3333"
        self._tools = tools
        self._environment = local_aws.environment(account=self.account)
        texts = [path.read_text(encoding="utf-8") for path in ROOTS[name].glob("*.tf")]
        asked = set(re.findall(r'^variable "(\w+)"', "\n".join(texts), re.MULTILINE))
        self.dr_account = f"1111{number:04}4444" if "dr_role_arn" in asked else self.account
        values: dict[str, Callable[[], Any]] = {
            "dr_key_arn": lambda: self._key("eu-central-1"),
            "dr_role_arn": self._terraform_role,
            "foreign_role_arns": lambda: [self.foreign_role_arn],
            "profile_key_arn": lambda: self._key("eu-central-1"),
            "source_key_arns": lambda: [self._key("eu-west-1")],
            "translations": lambda: self.translations,
        }
        self.variables: dict[str, Any] = {
            variable: value() for variable, value in values.items() if variable in asked
        }
        self.root = Root(
            ROOTS[name],
            tools=tools,
            env=self._environment,
            variables=self.variables,
            overrides=AT_ONCE,
        )

    @property
    def foreign_role_arn(self) -> str:
        """A role of replication rules that are not the module's; nobody has made it yet."""
        return f"arn:aws:iam::{self.account}:role/theirs"

    @property
    def translations(self) -> dict[str, str]:
        """What stands in the DR region for what sources name; nobody has made it yet."""
        source, dr = f"us-west-2:{self.account}", f"us-east-2:{self.dr_account}"
        return {
            f"{self.name}-logs": f"{self.name}-logs-dr",
            f"arn:aws:sqs:{source}:uploads": f"arn:aws:sqs:{dr}:uploads",
        }

    def apply(self) -> None:
        """Installs the example, as its README says."""
        self._adopt_me()
        self.root.init()
        self.root.apply()

    def _adopt_me(self) -> None:
        """Has a bucket that was tagged, versioned and used before the module comes."""
        region = _REGIONS.get(self.name, "us-west-2")
        s3, bucket = self.local_aws.client("s3", region, self.account), f"{ADOPTED}-{self.account}"
        configuration = {"LocationConstraint": region, "Tags": [{"Key": "dr", "Value": "true"}]}
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=configuration)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for key in ("changed", "changed", "gone"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        s3.delete_object(Bucket=bucket, Key="gone")

    @cached_property
    def stack(self) -> Deployment:
        """The example as applied."""
        return Deployment(self.local_aws, self.root, self.account, self.dr_account)

    @cached_property
    def key_address(self) -> str:
        """Where Terraform has the key that its README says to take out before destroying."""
        path = ROOTS[self.name] / "README.md"
        readme = path.read_text(encoding="utf-8") if path.exists() else ""
        found = re.search(r"^    terraform state rm '([^']+)'$", readme, re.MULTILINE)
        return found[1] if found else ""

    def state(self) -> list[str]:
        """The addresses of what Terraform has made."""
        return self._terraform("state", "list").splitlines()

    def forget_key(self) -> None:
        """Takes the key out of Terraform's state, as the README says."""
        self._terraform("state", "rm", self.key_address)

    def _terraform(self, *arguments: str) -> str:
        run = subprocess.run(
            [self._tools.binary, *arguments],
            cwd=self.root.folder,
            env=self._tools.environment(self._environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return run.stdout

    def _key(self, region: str) -> str:
        kms = self.local_aws.client("kms", region, account=self.account)
        return str(kms.create_key(Description="made by hand")["KeyMetadata"]["Arn"])

    def _terraform_role(self) -> str:
        """Prepares the DR account as the README says; returns the role's ARN."""
        iam = self.local_aws.client("iam", "us-east-1", account=self.dr_account)
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": self.account},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role: dict[str, Any] = iam.create_role(
            RoleName=TERRAFORM_ROLE, AssumeRolePolicyDocument=document
        )["Role"]
        iam.attach_role_policy(
            RoleName=TERRAFORM_ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        )
        return str(role["Arn"])


def in_threads(work: Any, examples: Iterable[Example]) -> dict[str, Any]:
    """Does the same with all examples at the same time; returns the futures by name.

    Most of the half minute that an apply takes, the provider only waits for its queues.
    """
    every = list(examples)
    with ThreadPoolExecutor(max(1, len(every))) as pool:
        return {example.name: pool.submit(work, example) for example in every}
