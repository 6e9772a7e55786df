"""Object Lock: which lock a twin needs, and what is done to one that is there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from functional.payload import ACCOUNT, checked, profiles, s3_model_without, seen
from s3_dr import object_lock
from s3_dr.aws import Bucket, Budget
from s3_dr.object_lock import Lock
from s3_dr.outcomes import Blocked, Reason

DAYS = {"Mode": "GOVERNANCE", "Days": 30}
YEARS = {"Mode": "COMPLIANCE", "Years": 7}
HOLD = {"DefaultEventHold": {"Years": 1}}
SHORT_HOLD = {"DefaultEventHold": {"Days": 364}}
UNLOCKED, PLAIN = Lock(), Lock(True)
LOCKS = [UNLOCKED, PLAIN, Lock(True, DAYS), Lock(True, YEARS)]


class Locked:
    """A bucket with a lock, or none."""

    def __init__(self, lock: Lock = UNLOCKED) -> None:
        self.name, self.s3 = "orders", s3_model_without()
        self.shown: Any = None
        if lock.is_on:
            self.shown = {"ObjectLockEnabled": "Enabled"}
        if lock.retention:
            self.shown["Rule"] = {"DefaultRetention": lock.retention}
        self.is_new = False
        self.shown_from = 1  # the read that is the first to see it
        self.reads = 0
        self.written: list[Any] = []

    def read(self, operation: str, *, absent: str) -> Any:
        assert operation == "get_object_lock_configuration"
        assert absent == "ObjectLockConfigurationNotFoundError"
        self.reads += 1
        if self.reads < self.shown_from:
            return None
        return self.shown and {"ObjectLockConfiguration": self.shown}

    def write(self, operation: str, **parameters: Any) -> None:
        assert operation == "put_object_lock_configuration"
        self.shown = parameters["ObjectLockConfiguration"]
        self.written.append(self.shown)


def check(source: Lock = UNLOCKED, twin: Lock = UNLOCKED, **profile: Any) -> Any:
    found: Any = checked(PROFILES=profiles(object_lock=profile))
    found.source, found.twin = Locked(source), Locked(twin)
    return found


def wanted_by(made: Any) -> Lock:
    return object_lock.wanted(made, seen(made))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_read_as_s3_shows_it(lock: Lock) -> None:
    bucket: Any = Locked(lock)

    assert object_lock.read(bucket) == lock


def test_a_lock_that_is_not_enabled_is_none() -> None:
    bucket: Any = Locked()
    bucket.shown = {"Rule": {"DefaultRetention": DAYS}}

    assert object_lock.read(bucket) == UNLOCKED


@pytest.mark.parametrize(
    ("source", "profile", "wanted"),
    [
        (UNLOCKED, {}, UNLOCKED),
        (UNLOCKED, {"retention": {"mode": "GOVERNANCE", "days": 30}}, UNLOCKED),
        (UNLOCKED, {"always": True}, PLAIN),
        (
            UNLOCKED,
            {"always": True, "retention": {"mode": "GOVERNANCE", "days": 30}},
            Lock(True, DAYS),
        ),
        (PLAIN, {}, PLAIN),
        (PLAIN, {"retention": {"mode": "GOVERNANCE", "days": 30}}, Lock(True, DAYS)),
        (Lock(True, YEARS), {}, Lock(True, YEARS)),
        (Lock(True, YEARS), {"always": True}, Lock(True, YEARS)),
        (Lock(True, YEARS), {"retention": {"mode": "GOVERNANCE", "days": 30}}, Lock(True, DAYS)),
        (Lock(True, DAYS), {"retention": {"mode": "COMPLIANCE", "years": 7}}, Lock(True, YEARS)),
        (Lock(True, {**YEARS, **HOLD}), {}, Lock(True, {**YEARS, **HOLD})),
        (
            Lock(True, {**YEARS, **HOLD}),
            {"retention": {"mode": "GOVERNANCE", "days": 30}},
            Lock(True, {**DAYS, **HOLD}),
        ),
    ],
)
def test_the_source_and_the_profile_decide_about_the_lock(
    source: Lock, profile: dict[str, Any], wanted: Lock
) -> None:
    assert wanted_by(check(source, **profile)) == wanted


@pytest.mark.parametrize("wanted", LOCKS)
@pytest.mark.parametrize("found", LOCKS)
def test_a_twin_that_has_to_be_locked_is_locked_or_blocks(wanted: Lock, found: Lock) -> None:
    made = check(twin=found)

    if wanted.is_on and not found.is_on:
        with pytest.raises(Blocked) as caught:
            object_lock.require_locked(made, wanted)
        assert caught.value.reason == Reason.TWIN_NOT_LOCKED
    else:
        shown = object_lock.require_locked(made, wanted)
        assert shown == (found if wanted.is_on else UNLOCKED)
    assert made.twin.reads == int(wanted.is_on), "who needs no lock asks for none"


def test_the_lock_of_a_twin_made_moments_ago_may_be_seen_late() -> None:
    made = check(twin=PLAIN)
    made.twin.is_new, made.twin.shown_from = True, 3

    assert object_lock.require_locked(made, PLAIN) == PLAIN


def test_a_new_twin_that_never_shows_a_lock_blocks() -> None:
    made = check()
    made.twin.is_new = True

    with pytest.raises(Blocked):
        object_lock.require_locked(made, PLAIN)

    assert made.twin.reads > 2, "it was given some seconds"


def test_the_lock_of_a_twin_of_long_ago_is_not_waited_for() -> None:
    made = check(twin=PLAIN)
    made.twin.shown_from = 2

    with pytest.raises(Blocked):
        object_lock.require_locked(made, PLAIN)
    assert made.twin.written == [], "Object Lock cannot be taken back: nothing turns it on"


def ensure(made: Any, wanted: Lock, found: Lock) -> None:
    """What is done for every property that a twin has to have."""
    kept = object_lock.kept(seen(made), wanted, found)
    if kept != found:
        object_lock.put(made.twin, kept)


@pytest.mark.parametrize("wanted", LOCKS)
@pytest.mark.parametrize("found", LOCKS[1:])
def test_the_profiles_retention_is_put_as_it_is(wanted: Lock, found: Lock) -> None:
    made = check(twin=found, retention={"mode": "GOVERNANCE", "days": 1})

    ensure(made, wanted, found)

    if wanted.retention in (None, found.retention):
        assert made.twin.written == [], "as it should be, or not ours to say"
    else:
        assert object_lock.read(made.twin) == wanted
        assert len(made.twin.written) == 1


@pytest.mark.parametrize(
    ("source", "twin", "then"),
    [
        (DAYS, None, DAYS),
        (YEARS, None, YEARS),
        (YEARS, DAYS, YEARS),
        (DAYS, YEARS, YEARS),
        (DAYS, {"Mode": "GOVERNANCE", "Days": 31}, {"Mode": "GOVERNANCE", "Days": 31}),
        (DAYS, {"Mode": "GOVERNANCE", "Days": 29}, DAYS),
        (DAYS, {"Mode": "COMPLIANCE", "Days": 1}, {"Mode": "COMPLIANCE", "Days": 30}),
        (
            {"Mode": "COMPLIANCE", "Days": 1},
            {"Mode": "GOVERNANCE", "Years": 1},
            {"Mode": "COMPLIANCE", "Years": 1},
        ),
        (None, DAYS, DAYS),
        ({**DAYS, **HOLD}, None, {**DAYS, **HOLD}),
        (HOLD, DAYS, {**DAYS, **HOLD}),
        (DAYS, {**DAYS, **HOLD}, {**DAYS, **HOLD}),
        ({**YEARS, **SHORT_HOLD}, {**DAYS, **HOLD}, {**YEARS, **HOLD}),
        ({**DAYS, **HOLD}, {**YEARS, **SHORT_HOLD}, {**YEARS, **HOLD}),
        (
            {"Mode": "COMPLIANCE", **HOLD},
            {"Mode": "GOVERNANCE", **SHORT_HOLD},
            {"Mode": "COMPLIANCE", **HOLD},
        ),
        (None, HOLD, HOLD),
    ],
)
def test_the_sources_retention_never_loosens_the_twins(source: Any, twin: Any, then: Any) -> None:
    found = Lock(True, twin)
    made = check(Lock(True, source), found)

    ensure(made, wanted_by(made), found)

    assert object_lock.read(made.twin).retention == then
    assert len(made.twin.written) == int(then != twin)


def test_the_profiles_retention_takes_no_event_hold_away() -> None:
    found = Lock(True, {**YEARS, **HOLD})
    made = check(Lock(True, SHORT_HOLD), found, retention={"mode": "GOVERNANCE", "days": 30})

    ensure(made, wanted_by(made), found)

    assert object_lock.read(made.twin).retention == {**DAYS, **HOLD}


def test_a_new_twin_gets_its_retention() -> None:
    made = check()

    ensure(made, Lock(True, DAYS), UNLOCKED)

    assert made.twin.written == [
        {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": DAYS}}
    ]


def test_the_profile_is_not_changed_by_use() -> None:
    made = check(always=True, retention={"mode": "GOVERNANCE", "days": 30})

    first = wanted_by(made)
    assert first.retention is not None
    first.retention["Days"] = 1

    assert wanted_by(made).retention == DAYS, "it is the next bucket's, too"


# --- an old SDK --------------------------------------------------------------


NO_HOLD = ("DefaultRetention", "DefaultEventHold")
EVENT_HOLD = "<DefaultEventHold><Years>1</Years></DefaultEventHold>"
PERIOD = "<Mode>GOVERNANCE</Mode><Days>30</Days>"


def read_by(s3: Any, retention: str) -> Lock:
    """The lock of a bucket whose default retention S3 shows so."""
    text = (
        "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>"
        f"<DefaultRetention>{retention}</DefaultRetention></Rule></ObjectLockConfiguration>"
    )
    raw: Any = SimpleNamespace(stream=lambda: iter([text.encode()]))

    def answer(request: Any, **_: object) -> AWSResponse:
        return AWSResponse(request.url, 200, HTTPHeaders(), raw)

    s3.meta.events.register_first("before-send.s3", answer)
    try:
        return object_lock.read(Bucket(s3, "orders", ACCOUNT, Budget(lambda: 60.0)))
    finally:
        s3.meta.events.unregister("before-send.s3", answer)


@pytest.mark.parametrize("beside", ["", PERIOD])
def test_an_event_hold_that_an_old_sdk_does_not_know_blocks(beside: str) -> None:
    old = s3_model_without(NO_HOLD)

    with pytest.raises(Blocked, match=r"orders .* 1\.43\.90") as caught:
        read_by(old, beside + EVENT_HOLD)

    assert caught.value.reason == Reason.SDK_TOO_OLD
    known = read_by(s3_model_without(), beside + EVENT_HOLD)
    assert known.retention == {**(DAYS if beside else {}), **HOLD}
    assert read_by(old, PERIOD) == Lock(True, DAYS), "without one it does"
