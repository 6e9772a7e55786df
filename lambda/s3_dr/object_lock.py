"""Object Lock: a locked source gets a locked twin, and a twin is locked from its creation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .aws import Bucket, knows
from .check import Check, Seen
from .outcomes import Blocked, Reason

_ABSENT = "ObjectLockConfigurationNotFoundError"
_WAIT = 6.0  # seconds
_MODES = ("GOVERNANCE", "COMPLIANCE")
_HOLD = "DefaultEventHold"
# botocore knows it since 1.43.90.
_PATH = ("ObjectLockConfiguration", "Rule", "DefaultRetention", _HOLD)


@dataclass(frozen=True)
class Lock:
    """How a bucket is locked, or is to be.

    Attributes:
        is_on: whether it has Object Lock at all, which can never be taken back.
        retention: S3's ``DefaultRetention`` (``Mode``, ``Days`` or ``Years``, and of an event hold
            ``DefaultEventHold``); None if objects are only retained when they say so themselves.
    """

    is_on: bool = False
    retention: dict[str, Any] | None = None


def wanted(check: Check, seen: Seen) -> Lock:
    """The lock that the twin needs, by its source and its profile.

    S3 replicates a locked bucket only into a locked one. A profile's own retention says nothing of
    event holds, so the source's is wanted beside it.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html

    Raises:
        Blocked: the source has an event hold that this boto3 does not know.
    """
    source, profile = read(check.source), seen.profile.object_lock
    if not source.is_on and not profile.always:
        return Lock()
    if not profile.retention:
        return Lock(True, source.retention)
    hold = (source.retention or {}).get(_HOLD)
    return Lock(True, {**profile.retention, **({_HOLD: hold} if hold else {})})


def read(bucket: Bucket) -> Lock:
    """The bucket's lock.

    Raises:
        Blocked: it has an event hold that this boto3 does not know. The twin would lack it, or lose
            it with the next retention that is put.
    """
    told: list[bytes] = []
    with _overheard(bucket, told):
        found = bucket.read("get_object_lock_configuration", absent=_ABSENT)
    if any(_HOLD.encode() in text for text in told):
        raise Blocked(
            Reason.SDK_TOO_OLD,
            f"the default retention of {bucket.name} has an event hold, which the function's boto3 "
            "does not know; give the function a layer with boto3 1.43.90 or newer (variable "
            "layers)",
        )
    if not found or found["ObjectLockConfiguration"].get("ObjectLockEnabled") != "Enabled":
        return Lock()
    return Lock(True, found["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention"))


@contextmanager
def _overheard(bucket: Bucket, told: list[bytes]) -> Iterator[None]:
    """Keep S3's answers as they came, if this boto3 would leave the event hold out of them."""
    if knows(bucket.s3, "PutObjectLockConfiguration", *_PATH):
        yield
        return

    def keep(response_dict: Any, **_: Any) -> None:
        told.append(response_dict["body"])

    events, name = bucket.s3.meta.events, "before-parse.s3.GetObjectLockConfiguration"
    events.register(name, keep)
    try:
        yield
    finally:
        events.unregister(name, keep)


def of_new(check: Check, lock: Lock) -> Lock:
    """The lock of a twin that was made a moment ago, whatever S3 shows of it by now."""
    return Lock(True, read(check.twin).retention) if lock.is_on else Lock()


def require_locked(check: Check, lock: Lock) -> Lock:
    """The lock of a twin that is there.

    Raises:
        Blocked: it has none and needs one. Object Lock can be turned on later, but never off, so
            that is for a person to decide.
    """
    if not lock.is_on:
        return Lock()
    found = read(check.twin)
    if not found.is_on and check.twin.is_new:
        found = check.budget.look_again(lambda: _seen(check.twin), _WAIT) or found
    if not found.is_on:
        raise Blocked(
            Reason.TWIN_NOT_LOCKED,
            f"{check.twin.name} exists without Object Lock, which {check.source.name} or its "
            "profile demands of it; turn it on (put-object-lock-configuration), which cannot be "
            "taken back",
        )
    return found


def _seen(bucket: Bucket) -> Lock | None:
    found = read(bucket)
    return found if found.is_on else None


def kept(seen: Seen, lock: Lock, found: Lock) -> Lock:
    """The lock that the twin is to keep: with the default retention that is wanted, or its own.

    The profile's own is put as it is. The source's, and its event hold in any case, is never a
    reason to keep less, or less strictly: whoever gets hold of the source must not loosen the twin.
    """
    wanted, there = lock.retention or {}, found.retention or {}
    is_own = bool(wanted and seen.profile.object_lock.retention)
    retention = dict(wanted) if is_own else _stricter(wanted, there)
    holds = [each[_HOLD] for each in (wanted, there) if _HOLD in each]
    if holds:
        retention[_HOLD] = max(holds, key=_days)
    return Lock(found.is_on, retention or None)


def put(twin: Bucket, lock: Lock) -> None:
    """Give the locked twin this default retention."""
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": lock.retention}}
    twin.write("put_object_lock_configuration", ObjectLockConfiguration=configuration)


def _stricter(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The longer of two retentions, in the stricter of their modes."""
    longer = max(one, other, key=_days)
    modes = [each["Mode"] for each in (one, other) if "Mode" in each]
    return {**longer, "Mode": max(modes, key=_MODES.index)} if modes else dict(longer)


def _days(period: dict[str, Any]) -> int:
    days: int = period.get("Days", 0) + 365 * period.get("Years", 0)
    return days
