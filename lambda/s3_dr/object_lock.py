"""Object Lock: a locked source gets a locked twin, and a twin is locked from its creation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .aws import Bucket
from .check import Check, Seen
from .outcomes import Blocked, Reason

_ABSENT = "ObjectLockConfigurationNotFoundError"
_WAIT = 6.0  # seconds
_MODES = ("GOVERNANCE", "COMPLIANCE")


@dataclass(frozen=True)
class Lock:
    """How a bucket is locked, or is to be.

    Attributes:
        is_on: whether it has Object Lock at all, which can never be taken back.
        retention: S3's ``DefaultRetention`` (``Mode``, and ``Days`` or ``Years``); None if objects
            are only retained when they say so themselves.
    """

    is_on: bool = False
    retention: dict[str, Any] | None = None


def wanted(check: Check, seen: Seen) -> Lock:
    """The lock that the twin needs, by its source and its profile.

    S3 replicates a locked bucket only into a locked one.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
    """
    source, profile = read(check.source), seen.profile.object_lock
    if not source.is_on and not profile.always:
        return Lock()
    return Lock(True, dict(profile.retention) if profile.retention else source.retention)


def read(bucket: Bucket) -> Lock:
    """The bucket's lock."""
    found = bucket.read("get_object_lock_configuration", absent=_ABSENT)
    if not found or found["ObjectLockConfiguration"].get("ObjectLockEnabled") != "Enabled":
        return Lock()
    return Lock(True, found["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention"))


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

    The profile's own is put as it is. The source's is never a reason to keep less, or less
    strictly: whoever gets hold of the source must not loosen the twin.
    """
    retention = lock.retention
    if retention and found.retention and not seen.profile.object_lock.retention:
        retention = _stricter(retention, found.retention)
    return Lock(found.is_on, retention or found.retention)


def put(twin: Bucket, lock: Lock) -> None:
    """Give the locked twin this default retention."""
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": lock.retention}}
    twin.write("put_object_lock_configuration", ObjectLockConfiguration=configuration)


def _stricter(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The longer of two retentions, in the stricter of their modes."""
    longer = max(one, other, key=lambda each: each.get("Days", 0) + 365 * each.get("Years", 0))
    return {**longer, "Mode": max(one["Mode"], other["Mode"], key=_MODES.index)}
