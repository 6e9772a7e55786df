"""The two places of an installation, each a region of an account, and how AWS is asked there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ProfileNotFound
from click import UsageError

from .text import one_line

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_service_quotas import ServiceQuotasClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

_QUICK = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=5,
    read_timeout=20,
    user_agent_extra="s3-dr-cli",
)
# An invocation is answered when the function has ended, which may take 900 seconds.
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
_PATIENT = Config(read_timeout=910, tcp_keepalive=True)
_ASKING = _QUICK.merge(_PATIENT)
# What changes something is not sent twice: a function that is still at it must not begin again.
_DOING = _ASKING.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))


def open_session(profile: str | None, region: str | None, option: str) -> boto3.session.Session:
    """A session of the named profile, or of the environment.

    Raises:
        UsageError: there is no such profile.
    """
    try:
        return boto3.session.Session(profile_name=profile, region_name=region)
    except ProfileNotFound as error:
        raise UsageError(f"{option}: {one_line(error)}") from error


@dataclass
class Place:
    """One region of one account.

    Attributes:
        side: ``source`` or ``dr``.
        session: with the credentials of the account, or of one that may invoke functions there.
        region: the region.
    """

    side: str
    session: boto3.session.Session
    region: str

    @cached_property
    def account(self) -> str:
        """The account whose credentials these are."""
        return self.sts.get_caller_identity()["Account"]

    @cached_property
    def functions(self) -> LambdaClient:
        """Lambda, for quick answers."""
        return self.session.client("lambda", region_name=self.region, config=_QUICK)

    @cached_property
    def asking(self) -> LambdaClient:
        """Lambda, for invocations that change nothing."""
        return self.session.client("lambda", region_name=self.region, config=_ASKING)

    @cached_property
    def doing(self) -> LambdaClient:
        """Lambda, for invocations that change something."""
        return self.session.client("lambda", region_name=self.region, config=_DOING)

    @cached_property
    def events(self) -> EventBridgeClient:
        """EventBridge."""
        return self.session.client("events", region_name=self.region, config=_QUICK)

    @cached_property
    def iam(self) -> IAMClient:
        """IAM, which knows no regions."""
        return self.session.client("iam", region_name=self.region, config=_QUICK)

    @cached_property
    def queues(self) -> SQSClient:
        """SQS."""
        return self.session.client("sqs", region_name=self.region, config=_QUICK)

    @cached_property
    def s3(self) -> S3Client:
        """S3."""
        return self.session.client("s3", region_name=self.region, config=_QUICK)

    @cached_property
    def sts(self) -> STSClient:
        """STS."""
        return self.session.client("sts", region_name=self.region, config=_QUICK)

    def quotas(self, region: str) -> ServiceQuotasClient:
        """Service Quotas, in the region that keeps the quota."""
        return self.session.client("service-quotas", region_name=region, config=_QUICK)


@dataclass
class Options:
    """What all commands are told.

    Attributes:
        name: the Terraform module's ``name``.
        region: the source region; empty for the session's.
        profile: the AWS profile for the source account; empty for the environment's credentials.
        dr_profile: the same for the DR account; empty for the same credentials.
        as_json: whether a program reads standard output.
        given: what of it stands on the command line, by name.
    """

    name: str = "s3-dr"
    region: str = ""
    profile: str = ""
    dr_profile: str = ""
    as_json: bool = False
    given: dict[str, str] = field(default_factory=dict)

    def source(self) -> Place:
        """The source region in the source account.

        Raises:
            UsageError: nobody says which region.
        """
        session = open_session(self.profile or None, self.region or None, "--profile")
        if not session.region_name:
            raise UsageError("There is no region: give --region the source region.")
        return Place("source", session, session.region_name)

    def dr(self, source: Place, settings: Mapping[str, str]) -> Place:
        """The DR region, with the credentials for the DR account."""
        session = source.session
        if self.dr_profile:
            session = open_session(self.dr_profile, None, "--dr-profile")
        return Place("dr", session, settings["DR_REGION"])
