"""What the functions are sent: EventBridge events, SNS messages and calls, made into requests.

An event only ever names a bucket. Whatever else it says may be late, doubled or forged, and is
read from AWS instead. A shape we do not know is ignored with a reason, never an error: a poison
event must not be retried.

The functions come in by `read`, the sweep, which is about no single bucket, by `read_sweep`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from .naming import is_bucket_name
from .outcomes import Ignored, Reason
from .settings import Settings

SOURCE: Final = "s3-dr"  # of events of our own kind


class Wish(StrEnum):
    """What can be asked for: the detail-types of events of our own kind."""

    BACKFILL = "Bucket Backfill Requested"
    CHECK = "Bucket Check Requested"
    CONFIRM = "Bucket Backfill Confirmed"
    RELEASE = "Bucket Release Requested"
    # of the sweep
    JOBS = "Jobs Look Requested"
    LOOK = "Sweep Look Requested"
    RELEASE_ALL = "Release Requested"
    SWEEP = "Sweep Requested"
    TURNS = "Job Turns Requested"


# What each function can be asked for.
WISHES: Final[Mapping[str, frozenset[Wish]]] = {
    "source_bucket_check": frozenset({Wish.CHECK}),
    "destination_bucket_check": frozenset({Wish.CHECK}),
    "enable_replication": frozenset({Wish.BACKFILL, Wish.CHECK, Wish.CONFIRM, Wish.RELEASE}),
    "sweep": frozenset({Wish.JOBS, Wish.LOOK, Wish.RELEASE_ALL, Wish.SWEEP, Wish.TURNS}),
}
_ON_THE_BUS = "source_bucket_check"  # the others hear of buckets by a topic

CLOUDTRAIL_DETAIL_TYPE = "AWS API Call via CloudTrail"
TAG_DETAIL_TYPE = "Tag Change on Resource"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-examples-event-bridge-cloud-trail.html
_JOB_DETAIL_TYPE = "AWS Service Event via CloudTrail"
MESSAGE_VERSION = 1

_BUCKET_ARN = re.compile(r"arn:([a-z-]+):s3:::([^/:*]+)", re.ASCII)
_MAX_ID_LENGTH = 128


@dataclass(frozen=True)
class BucketRequest:
    """A bucket to look at.

    Attributes:
        bucket: the name of a possible source bucket.
        correlation_id: the id of the event that started it all, carried through every hop.
        created_at: when the bucket was created, if a CreateBucket event says so; its first reads
            may then still answer NoSuchBucket.
        wish: what is asked for, as a detail-type; most times that the bucket is checked.
        deleted_at: when the bucket was deleted, if a DeleteBucket event says so.
        is_rule_deleted: somebody was heard to delete the bucket's replication configuration.
        dry_run: only say what would be done.
        everything: of a backfill: copy again what was copied before.
    """

    bucket: str
    correlation_id: str
    created_at: datetime | None = None
    deleted_at: datetime | None = None
    is_rule_deleted: bool = False
    wish: str = Wish.CHECK
    dry_run: bool = False
    everything: bool = False

    @property
    def is_check(self) -> bool:
        """Whether the bucket is only to be checked."""
        return self.wish == Wish.CHECK

    @property
    def is_release(self) -> bool:
        """Whether our rule is to be taken off, whatever the bucket's tags say."""
        return self.wish == Wish.RELEASE

    @property
    def is_backfill(self) -> bool:
        """Whether a person wants existing objects to be copied."""
        return self.wish == Wish.BACKFILL

    @property
    def is_yes(self) -> bool:
        """Whether a person says yes to a job that waits for it."""
        return self.wish == Wish.CONFIRM

    def message(self) -> str:
        """The request as the body of an SNS message."""
        return json.dumps(
            {
                "version": MESSAGE_VERSION,
                "bucket": self.bucket,
                "correlation_id": self.correlation_id,
                "created_at": self.created_at.isoformat() if self.created_at else None,
                "deleted_at": self.deleted_at.isoformat() if self.deleted_at else None,
                "is_rule_deleted": self.is_rule_deleted,
            }
        )


class SweepRequest(NamedTuple):
    """What a sweep is asked for.

    Attributes:
        wish: a detail-type, or whatever else stands in its place.
        action: what Terraform does with the resource that asks; None if another asks.
        is_waited_for: whether the answer is to come when all is done.
        by_schedule: the schedule for jobs asks, which can be switched off.
    """

    wish: object
    action: object
    is_waited_for: bool
    by_schedule: bool


def is_call(event: object) -> bool:
    """Whether it is from somebody who waits for the answer: of our own kind, and by no bus."""
    return _is_own(event) and "account" not in _mapping(event)


def read(function: str, event: object, settings: Settings) -> Iterator[BucketRequest | Ignored]:
    """Read whatever a function was sent: each bucket to look at, or the reason to ignore it.

    Requests of our own kind may come to each function, from the sweep, Terraform or an operator.

    Args:
        function: one of `WISHES`.
        event: as Lambda gives it.
        settings: whose role and partition are ours.
    """
    if _is_own(event):
        requests = _from_own(event, WISHES[function])
        # What the bus brings is about one bucket.
        is_one = function == _ON_THE_BUS and not is_call(event)
        yield from islice(requests, 1) if is_one else requests
    elif function == _ON_THE_BUS:
        yield _from_cloudtrail(event, settings)
    else:
        yield from _from_sns(event)


def read_sweep(event: object) -> SweepRequest:
    """Read whatever the sweep was sent; its schedule sends events of another kind."""
    envelope = _mapping(event)
    said = envelope.get("detail-type")
    heard = Wish.TURNS if said == _JOB_DETAIL_TYPE else Wish.SWEEP
    action = _mapping(envelope.get("tf")).get("action")
    by_schedule = _mapping(envelope.get("detail")).get("scheduled") is True
    wish = said if _is_own(event) else heard
    return SweepRequest(wish, action, envelope.get("wait") is not False, by_schedule)


def _is_own(event: object) -> bool:
    return _mapping(event).get("source") == SOURCE


def _from_own(event: object, wishes: Collection[str]) -> Iterator[BucketRequest | Ignored]:
    """Read a request of our own kind, which names one bucket or several.

    Args:
        event: ``source``, ``detail-type`` and ``detail`` with ``bucket`` or ``buckets``, and
            perhaps ``dry_run`` and ``everything``.
        wishes: the detail-types that the function understands.
    """
    envelope = _mapping(event)
    detail, wish = _mapping(envelope.get("detail")), envelope.get("detail-type")
    correlation_id = _identifier(envelope.get("id"))
    if not isinstance(wish, str) or wish not in wishes:
        yield _with_id(
            Ignored(Reason.UNKNOWN_EVENT, f"not one of {', '.join(sorted(wishes))}"), correlation_id
        )
        return
    names = detail.get("buckets", [detail.get("bucket")])
    for name in names if isinstance(names, list) and names else [None]:
        try:
            yield BucketRequest(
                _bucket(name),
                correlation_id,
                wish=wish,
                dry_run=detail.get("dry_run") is True,
                everything=detail.get("everything") is True,
            )
        except Ignored as ignored:
            yield _with_id(ignored, correlation_id)


def _from_cloudtrail(event: object, settings: Settings) -> BucketRequest | Ignored:
    """Read an EventBridge event: a CloudTrail record or a change of tags."""
    envelope = _mapping(event)
    correlation_id = _identifier(envelope.get("id"))
    try:
        return _from_record(envelope, correlation_id, settings)
    except Ignored as ignored:
        return _with_id(ignored, correlation_id)


def _from_record(
    envelope: Mapping[str, Any], correlation_id: str, settings: Settings
) -> BucketRequest:
    detail = _mapping(envelope.get("detail"))
    if envelope.get("detail-type") == TAG_DETAIL_TYPE:
        # https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-tag.html
        arns = envelope.get("resources")
        named = _bucket_of(arns if isinstance(arns, list) else [], settings.partition)
        return BucketRequest(_bucket(named), correlation_id)
    if envelope.get("detail-type") != CLOUDTRAIL_DETAIL_TYPE:
        raise Ignored(Reason.UNKNOWN_EVENT, "neither a CloudTrail record nor a check request")
    bucket = _bucket(_named_bucket(detail, settings.partition))
    # The rule lets neither of the next two through as long as it is ours; a hand-made one might.
    if detail.get("errorCode"):
        raise Ignored(Reason.FAILED_CALL, "the recorded call failed", bucket)
    if _session_issuer(detail) in settings.own_role_arns:
        raise Ignored(Reason.OWN_EVENT, "one of our own functions made the call", bucket)
    call, moment = detail.get("eventName"), _time(detail.get("eventTime"))
    return BucketRequest(
        bucket,
        correlation_id,
        created_at=moment if call == "CreateBucket" else None,
        deleted_at=moment if call == "DeleteBucket" else None,
        is_rule_deleted=call == "DeleteBucketReplication",
    )


def _from_sns(event: object) -> Iterator[BucketRequest | Ignored]:
    """Read the messages of an SNS event, each a request or the reason for ignoring it."""
    records = _mapping(event).get("Records")
    if not isinstance(records, list) or not records:
        yield Ignored(Reason.UNKNOWN_EVENT, "not an SNS event: no Records")
        return
    for record in records:
        try:
            yield _from_message(_mapping(_mapping(record).get("Sns")).get("Message"))
        except Ignored as ignored:
            yield ignored


def _from_message(text: object) -> BucketRequest:
    try:
        message = _mapping(json.loads(text)) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        message = {}
    if message.get("version") != MESSAGE_VERSION:
        raise Ignored(Reason.UNKNOWN_EVENT, f"not a message of version {MESSAGE_VERSION}")
    return BucketRequest(
        _bucket(message.get("bucket")),
        _identifier(message.get("correlation_id")),
        created_at=_time(message.get("created_at")),
        deleted_at=_time(message.get("deleted_at")),
        is_rule_deleted=message.get("is_rule_deleted") is True,
    )


def _named_bucket(detail: Mapping[str, Any], partition: str) -> object:
    """The bucket a CloudTrail record speaks of.

    Most S3 records say ``bucketName``. TagResource and UntagResource name an ARN, in a field whose
    spelling no document gives, so every spelling of CloudTrail's is tried, then the record's list
    of resources.
    """
    parameters = _mapping(detail.get("requestParameters"))
    if parameters.get("bucketName"):
        return parameters["bucketName"]
    resources = detail.get("resources")
    arns = [parameters.get(key) for key in ("resourceArn", "resourceARN", "ResourceArn")]
    if isinstance(resources, list):
        arns += [
            _mapping(item).get("ARN")
            for item in resources
            if _mapping(item).get("type") == "AWS::S3::Bucket"
        ]
    return _bucket_of(arns, partition)


def _bucket_of(arns: list[object], partition: str) -> str | None:
    """The bucket of the first ARN that is one's; None without any ARN.

    ARNs of access points, grants and the like are not buckets, and no bucket of another partition
    can be replicated from here.
    """
    named = [arn for arn in arns if isinstance(arn, str)]
    for arn in named:
        if match := _BUCKET_ARN.fullmatch(unquote(arn)):
            if match[1] != partition:
                raise Ignored(
                    Reason.OTHER_PARTITION, f"it is in partition {match[1]}, not {partition}"
                )
            return match[2]
    if named:
        raise Ignored(Reason.NOT_A_BUCKET, f"{named[0][:200]!r} is not the ARN of a bucket")
    return None


def _session_issuer(detail: Mapping[str, Any]) -> object:
    session = _mapping(_mapping(detail.get("userIdentity")).get("sessionContext"))
    issuer = _mapping(session.get("sessionIssuer")).get("arn")
    return issuer if isinstance(issuer, str) else None


def _bucket(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise Ignored(Reason.UNKNOWN_EVENT, "the event names no bucket")
    if not is_bucket_name(name):
        raise Ignored(
            Reason.NOT_A_BUCKET, f"{name[:200]!r} is not the name of a general-purpose bucket"
        )
    return name


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _with_id(ignored: Ignored, correlation_id: str) -> Ignored:
    ignored.correlation_id = correlation_id
    return ignored


def _identifier(value: object) -> str:
    return value[:_MAX_ID_LENGTH] if isinstance(value, str) else ""


def _time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
