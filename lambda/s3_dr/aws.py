"""How the functions talk to AWS: clients, waiting for S3 to settle, and buckets by owner."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import ClientError

from .settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3control import S3ControlClient
    from mypy_boto3_sns import SNSClient

_T = TypeVar("_T")

# Throttling and 5xx answers are repeated by botocore itself. A hung connection must not eat the
# function's time: S3 answers these calls in well under a second.
_CLIENT_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 5},
    connect_timeout=3,
    read_timeout=10,
    # Else us-east-1 would be asked through the old global endpoint, whose requests IAM conditions
    # on the region and CloudTrail may see otherwise.
    s3={"us_east_1_regional_endpoint": "regional"},
    user_agent_extra="s3-dr",
)
# What can be done without is not waited for long.
_BRIEF_CONFIG = _CLIENT_CONFIG.merge(
    Config(read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
)
# A function that is waited for may take its whole time. It is not asked twice: it is still at it.
_INVOKE_CONFIG = _CLIENT_CONFIG.merge(
    Config(read_timeout=890, retries={"mode": "standard", "total_max_attempts": 1})
)

# What S3 answers while a change of a moment ago is still spreading. PutBucketReplication speaks of
# a bucket made, or versioned, seconds before as if it were not.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_SETTLING_CODES = frozenset({"OperationAborted"})
_SETTLING_MESSAGES = ("Destination bucket must", "Versioning must be 'Enabled'")

_clock = partial(datetime.now, UTC)  # tests move it

_NOT_REPLICATED = "ReplicationConfigurationNotFoundError"

# HEAD answers have no body, so botocore gives the status for a code.
_HEAD_CODES = {"403": "AccessDenied", "404": "NoSuchBucket"}

_FIRST_DELAY = 0.2  # seconds
_LONGEST_DELAY = 8.0
_RESERVE = 5.0  # seconds of the function's time kept for ending in good order


def moment() -> datetime:
    """This moment."""
    return _clock()


def now() -> str:
    """This moment, as it is written into tags and records."""
    return moment().isoformat(timespec="microseconds")


def error_code(error: ClientError) -> str:
    """S3's error code, the same for HEAD as for other calls."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return _HEAD_CODES.get(code, code)


def error_name(error: Exception) -> str:
    """What an error is called: AWS's code, or the kind of the exception."""
    return error_code(error) if isinstance(error, ClientError) else type(error).__name__


def is_denied(error: ClientError) -> bool:
    """Whether the call was refused: not ours, or not allowed. S3 does not say which."""
    return error_code(error) == "AccessDenied"


def is_settling(error: ClientError) -> bool:
    """Whether the same call may well succeed in a moment."""
    code = error_code(error)
    message = str(error.response.get("Error", {}).get("Message", ""))
    return code in _SETTLING_CODES or (
        code == "InvalidRequest" and message.startswith(_SETTLING_MESSAGES)
    )


def knows(client: Any, operation: str, *path: str) -> bool:
    """Whether this boto3 knows a parameter, named by its path into the operation's input.

    Lambda decides which boto3 a runtime brings; one that is older than a feature of S3 refuses to
    send it and does not show it.
    """
    shape: Any = client.meta.service_model.operation_model(operation).input_shape
    for name in path:
        shape = shape.member if shape.type_name == "list" else shape
        if name not in shape.members:
            return False
        shape = shape.members[name]
    return True


def _first_answer(fetchers: Sequence[AssumeRoleCredentialFetcher]) -> Any:
    """The credentials of the first STS that gives some, which each is of another region.

    STS refuses in a region that is not enabled; of which account, documents and reports say
    differently. An account has the region of its own buckets enabled.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
    https://github.com/grafana/grafana-aws-sdk/issues/46

    Raises:
        ClientError: what the first one said.
    """
    first, *others = fetchers
    try:
        return first.fetch_credentials()
    except ClientError:
        for other in others:
            with suppress(ClientError):
                return other.fetch_credentials()
        raise


class Clients:
    """The AWS clients, each made when first used and kept for the life of the process.

    With two accounts, a function reads the buckets of the other one through a role there.
    """

    def __init__(self, settings: Settings, session: boto3.session.Session | None = None) -> None:
        self._settings = settings
        self._session = session or boto3.session.Session()
        self._sns: dict[str, SNSClient] = {}

    @cached_property
    def source_s3(self) -> S3Client:
        """S3 in the source region, as the source account sees it."""
        return self._source_session.client(
            "s3", region_name=self._settings.source_region, config=_CLIENT_CONFIG
        )

    @cached_property
    def dr_s3(self) -> S3Client:
        """S3 in the DR region, as the DR account sees it."""
        return self._twin_session.client(
            "s3", region_name=self._settings.dr_region, config=_CLIENT_CONFIG
        )

    @cached_property
    def home_s3(self) -> S3Client | None:
        """S3 in us-east-1, as the source account sees it; None in partitions without it."""
        if self._settings.partition != "aws":
            return None
        return self._session.client("s3", region_name="us-east-1", config=_BRIEF_CONFIG)

    @cached_property
    def source_control(self) -> S3ControlClient:
        """S3 Control in the source region, where the jobs are, as the source account sees it."""
        return self._source_session.client(
            "s3control", region_name=self._settings.source_region, config=_CLIENT_CONFIG
        )

    @cached_property
    def source_events(self) -> EventBridgeClient:
        """EventBridge in the source region."""
        return self._session.client(
            "events", region_name=self._settings.source_region, config=_CLIENT_CONFIG
        )

    @cached_property
    def source_functions(self) -> LambdaClient:
        """Lambda in the source region."""
        return self._session.client(
            "lambda", region_name=self._settings.source_region, config=_INVOKE_CONFIG
        )

    @cached_property
    def source_cloudwatch(self) -> Any:
        """CloudWatch in the source region, where S3 counts what it could not replicate."""
        return self._session.client(
            "cloudwatch", region_name=self._settings.source_region, config=_CLIENT_CONFIG
        )

    @cached_property
    def source_cloudtrail(self) -> Any:
        """CloudTrail in the source region."""
        return self._session.client(
            "cloudtrail", region_name=self._settings.source_region, config=_CLIENT_CONFIG
        )

    @cached_property
    def source_tagging(self) -> Any:
        """The tagging API of the source region, in the source account."""
        return self._session.client(
            "resourcegroupstaggingapi",
            region_name=self._settings.source_region,
            config=_CLIENT_CONFIG,
        )

    @cached_property
    def dr_tagging(self) -> Any:
        """The tagging API of the DR region, in the DR account."""
        return self._twin_session.client(
            "resourcegroupstaggingapi", region_name=self._settings.dr_region, config=_CLIENT_CONFIG
        )

    @cached_property
    def dr_control(self) -> S3ControlClient:
        """S3 Control in the DR region, for the function that is in the DR account."""
        return self._session.client(
            "s3control", region_name=self._settings.dr_region, config=_CLIENT_CONFIG
        )

    @cached_property
    def source_kms(self) -> KMSClient:
        """KMS in the source region."""
        return self._session.client(
            "kms", region_name=self._settings.source_region, config=_CLIENT_CONFIG
        )

    @cached_property
    def dr_kms(self) -> KMSClient:
        """KMS in the DR region."""
        return self._session.client(
            "kms", region_name=self._settings.dr_region, config=_CLIENT_CONFIG
        )

    @cached_property
    def _source_session(self) -> boto3.session.Session:
        """As whom the source account's buckets are looked at."""
        settings = self._settings
        return self._in_role(
            settings.source_reader_role_arn, settings.dr_region, settings.source_region
        )

    @cached_property
    def _twin_session(self) -> boto3.session.Session:
        """As whom the DR account's buckets are looked at."""
        settings = self._settings
        return self._in_role(
            settings.twin_reader_role_arn, settings.source_region, settings.dr_region
        )

    def _in_role(self, role_arn: str, here: str, there: str) -> boto3.session.Session:
        """A session that acts as a role and renews its credentials; without a role, our own.

        Args:
            role_arn: the role, of the other account.
            here: the region in which the function runs.
            there: the region that the role's account has for sure.
        """
        if not role_arn:
            return self._session
        own = self._session
        fetchers = [
            AssumeRoleCredentialFetcher(
                client_creator=partial(own.client, region_name=region, config=_CLIENT_CONFIG),
                source_credentials=own.get_credentials(),
                role_arn=role_arn,
                extra_args={"RoleSessionName": self._settings.module_name},
            )
            for region in (there, here)
        ]
        core = botocore.session.Session()
        core._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]
            partial(_first_answer, fetchers), "assume-role"
        )
        return boto3.session.Session(botocore_session=core)

    def publish(self, topic_arn: str, message: str) -> None:
        """Publish to a topic through a client of the topic's own region."""
        region = topic_arn.split(":")[3]
        if region not in self._sns:
            self._sns[region] = self._session.client(
                "sns", region_name=region, config=_CLIENT_CONFIG
            )
        self._sns[region].publish(TopicArn=topic_arn, Message=message)


@dataclass(frozen=True, eq=False, repr=False)
class Budget:
    """How long the function may wait for S3 to settle.

    Attributes:
        remaining: the seconds left before Lambda ends the function.
        sleep: waits that many seconds.
    """

    remaining: Callable[[], float]
    sleep: Callable[[float], None] = time.sleep

    def delays(self, at_most: float) -> Iterator[float]:
        """Growing, jittered delays, for at most so many seconds and never beyond the budget.

        Take each just before waiting it: what is left of the function's time is looked at then.
        """
        waited, ceiling = 0.0, _FIRST_DELAY
        while True:
            delay = random.uniform(ceiling / 2, ceiling)
            if waited + delay > at_most or self.remaining() - delay < _RESERVE:
                return
            yield delay
            waited += delay
            ceiling = min(ceiling * 2, _LONGEST_DELAY)

    def look_again(self, look: Callable[[], _T | None], at_most: float) -> _T | None:
        """Wait and look, again and again, until something is seen; None if nothing ever is.

        For what was made moments ago: bucket configuration is eventually consistent.
        """
        for delay in self.delays(at_most):
            self.sleep(delay)
            if seen := look():
                return seen
        return None

    def settle(
        self,
        call: Callable[[], Any],
        transient: Callable[[ClientError], bool] = is_settling,
        at_most: float = 30.0,
    ) -> Any:
        """Make a call, again and again while its error is transient and there is time.

        Raises:
            ClientError: the last answer, transient or not.
        """
        delays = self.delays(at_most)
        while True:
            try:
                return call()
            except ClientError as error:
                delay = next(delays, None) if transient(error) else None
                if delay is None:
                    raise
            self.sleep(delay)


@dataclass(eq=False)
class Bucket:
    """One bucket of an owner we expect; every call is refused by S3 if the owner is another.

    ``ExpectedBucketOwner`` is added here, so that no call can forget it. A bucket name alone proves
    nothing: names are global and anybody may own the one we have in mind.

    Attributes:
        changes: collects the API names of the writes made.
        is_new: the bucket was made moments ago, so NoSuchBucket may only mean "not yet".
        dry_run: writes are only noted in ``changes``.
    """

    s3: S3Client
    name: str
    owner: str
    budget: Budget
    changes: list[str] = field(default_factory=list)
    is_new: bool = False
    dry_run: bool = False

    def read(self, operation: str, *, absent: str | None = None, **parameters: Any) -> Any:
        """Read a part of the bucket's configuration.

        Args:
            operation: the client method's name, e.g. ``"get_bucket_policy"``.
            absent: the one error code that means "not configured".
            parameters: of the method, beside the bucket and its owner.

        Returns:
            The response, or None when the part is not configured.

        Raises:
            ClientError: any other answer; AccessDenied above all is never "not configured".
        """
        try:
            return self._call(operation, **parameters)
        except ClientError as error:
            if absent and error_code(error) == absent:
                return None
            raise

    def write(self, operation: str, **parameters: Any) -> None:
        """Write a part of the bucket's configuration, and note it in ``changes``."""
        if not self.dry_run:
            self._call(operation, **parameters)
        self.changes.append(self.s3.meta.method_to_api_mapping[operation])

    def region(self) -> str:
        """The region the bucket is in.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
        """
        return str(self._call("head_bucket")["BucketRegion"])

    def tags(self) -> dict[str, str]:
        """The bucket's tags. GetBucketTagging reads them however they were written."""
        response = self.read("get_bucket_tagging", absent="NoSuchTagSet")
        return {tag["Key"]: tag["Value"] for tag in response["TagSet"]} if response else {}

    def policy(self) -> dict[str, Any]:
        """The bucket's policy with its statements as a list; empty if it has none."""
        response = self.read("get_bucket_policy", absent="NoSuchBucketPolicy")
        if not response:
            return {}
        policy: dict[str, Any] = json.loads(response["Policy"])
        statements = policy.get("Statement", [])
        # IAM lets a single statement stand without its list.
        return {**policy, "Statement": statements if isinstance(statements, list) else [statements]}

    def replication(self) -> dict[str, Any] | None:
        """The bucket's replication configuration (``Role``, ``Rules``), or None."""
        response = self.read("get_bucket_replication", absent=_NOT_REPLICATED)
        return dict(response["ReplicationConfiguration"]) if response else None

    def is_owned_by_caller(self) -> bool:
        """Whether the caller's account owns the bucket: tells "not ours" from "not allowed"."""
        return self._listed() is not None

    def is_young(self, age: timedelta) -> bool:
        """Whether the caller's account made the bucket, less than so long ago."""
        date = self.created_at()
        return date is not None and moment() - date < age

    def created_at(self, s3: S3Client | None = None) -> datetime | None:
        """The date that S3 gives for the bucket's creation; None if the caller has none such.

        Outside us-east-1 it moves with edits of the bucket's configuration.
        https://github.com/aws/aws-cli/issues/3597

        Args:
            s3: of the region to ask; without it, the bucket's.
        """
        listed = self._listed(s3)
        date: datetime | None = listed and listed["CreationDate"]
        return date

    def _listed(self, s3: S3Client | None = None) -> Any:
        """The bucket's entry in the list of the caller's buckets, or None.

        Pages, because accounts with many buckets may not list without.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
        """
        pages = (
            (s3 or self.s3)
            .get_paginator("list_buckets")
            .paginate(Prefix=self.name, PaginationConfig={"PageSize": 1000})
        )
        buckets = (item for page in pages for item in page.get("Buckets", []))
        return next((item for item in buckets if item["Name"] == self.name), None)

    def _call(self, operation: str, **parameters: Any) -> Any:
        method = getattr(self.s3, operation)
        return self.budget.settle(
            lambda: method(Bucket=self.name, ExpectedBucketOwner=self.owner, **parameters),
            self.is_settling,
        )

    def is_settling(self, error: ClientError) -> bool:
        """Whether the same call on this bucket may well succeed in a moment."""
        return is_settling(error) or (self.is_new and error_code(error) == "NoSuchBucket")
