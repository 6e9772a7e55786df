"""The third function: our replication rule is put in or let go; old objects are seen to."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from . import backfill, encryption, lives, start, twin
from .aws import error_code, moment, now
from .check import Check, Seen
from .outcomes import Blocked, Ignored, Outcome, Reason, Untagged
from .record import Gap, Memory, Record, Superseded
from .rule import Configuration, Known, Left, desired

# How S3 may say that regions lack replication time control, if our rule asks for it: that something
# is not there; or by a code that it has for much, and words that no document gives.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_NOT_THERE = frozenset({"MethodNotAllowed", "NotImplemented", "UnsupportedArgument"})
_FOR_MUCH = frozenset({"InvalidArgument", "InvalidRequest"})
_TIME_CONTROL = re.compile(r"replication[ -]?time|\bRTC\b", re.IGNORECASE)

_CONFIRM_WAIT = 30.0  # seconds
_PASSES = 5  # of some checks at once, one may come too late at each of its three writes

# Another automation may take our rule away as often as we put it there.
_MAX_PUT_BACK = 5
_PUT_BACK_PERIOD = timedelta(days=1)


class NotConfirmed(Exception):
    """S3 took our rule but does not show it yet."""


def enable_replication(check: Check) -> Outcome:
    """Put, update or remove our rule to match the bucket's tags, and see to existing objects.

    Raises:
        Ignored: the source bucket is not, or no longer, to be protected, and has no rule of ours.
        Blocked: a source or a foreign configuration that does not allow it, or a bucket under the
            twin's name that is not the twin.
        NotConfirmed: S3 does not show the rule within the time.
        Superseded: other checks of the bucket were quicker, again and again.
        ClientError: anything else S3 answers; the twin missing is such an error.
    """
    for _ in range(_PASSES):
        try:
            return _enable_or_release(check)
        except Superseded as caught:
            superseded = caught
    raise superseded


def _enable_or_release(check: Check) -> Outcome:
    if check.request.is_release:
        return _let_go(check)
    if check.request.deleted_at:
        _forget_deleted(check, check.request.deleted_at)
        raise Ignored(Reason.BUCKET_DELETED, "what was remembered of the bucket is forgotten")
    try:
        seen = check.observe_source()
    except Untagged as untagged:
        if not check.request.is_check:
            raise
        return _untagged(check, untagged)
    except (Blocked, Ignored):
        _stop_waiting(check)
        raise
    try:
        return _enable(check, seen)
    except Blocked:
        _stop_waiting(check)
        raise


def _stop_waiting(check: Check) -> None:
    """Have nothing of a bucket wait for a job that it is not to get; one there is ends."""
    memory = Memory(check)
    if not memory.is_kept or memory.is_new:
        return
    try:
        backfill.let_end(check, memory.record)
    except (BotoCoreError, ClientError) as error:
        check.warn(f"what became of the job of {check.source.name} is not known: {error}")
    if memory.record.stop_waiting():
        start.give_up(check)
    memory.save()


def _forget_deleted(check: Check, deleted_at: datetime) -> None:
    memory = Memory(check)
    if not memory.is_lost:
        memory.require_read()
    if lives.forget_deleted(memory, deleted_at):
        memory.save()


def _replication(check: Check, left: Left | None) -> Configuration:
    known = Known(check.settings, check.source.name, left)
    return Configuration.of(known, check.source.replication())


def _enable(check: Check, seen: Seen) -> Outcome:
    encryption.require_replica_key(check, seen)  # its default may have changed since
    if check.request.dry_run and not twin.find(check):
        return Outcome.PENDING  # the function before this one has to make the twin
    check.twin.is_new = True  # it may be moments old
    marked = twin.require_marked(check)
    memory = Memory(check)
    current = _replication(check, memory.record.left)
    lives.forget_another(check, memory, current)
    record = memory.record
    wanted = desired(current, seen.profile)
    _open_gap(check, memory, current, wanted, marked.life)
    if not current.holds(wanted):
        was_changed = record.rule == wanted.fingerprint
        memory.save()  # before there is a live rule that would hide the gap
        if was_changed:
            _refuse_contest(check, record)
        if not memory.is_lost:
            memory.require_read()  # the rule would hide what was not copied
        if _is_leaving(check, memory):
            raise Ignored(Reason.LEAVING, "the module is being destroyed")
        _put(check, wanted)
        _require_shown(check, wanted)
        record.changed_at = now()  # its date may have moved to this moment
        if _is_leaving(check, memory):  # since a moment ago, and the release may have been here
            return _release(check, Memory(check), always="remove")
        record.renew_gap(after_put=True)
        record.put_back += [now()] if was_changed else []
        _require_same_tags(check, seen.tags)
    record.profile, record.rule = seen.profile.name, wanted.fingerprint
    record.left, record.life = wanted.left, marked.life
    record.beside = False
    try:
        backfill.keep_up(check, seen, memory)
    except Exception:
        memory.save()  # whatever becomes of existing objects, the rule is in
        raise
    memory.require_read()
    return Outcome.PROTECTED


def _has_live_others(current: Configuration) -> bool:
    return any(rule["Status"] == "Enabled" for rule in current.others)


def _open_gap(
    check: Check, memory: Memory, current: Configuration, wanted: Configuration, life: str
) -> None:
    """Note whether there may be objects that the live rule did not copy.

    A bucket of which nothing is remembered has a gap from the start. What S3 takes for copied may
    have been copied by another rule, or into a twin that is no more.
    """
    record = memory.record
    was_live = current.covers(wanted)
    was_away = life != record.life
    if memory.is_new:
        everything = not was_live or bool(record.deleted)
        record.gap = Gap(now(), everything=everything, is_first=True, after_put=not was_live)
        record.since = record.changed_at = now()
    elif was_away or not was_live:
        is_another = life.partition("/")[0] != record.life.partition("/")[0]
        # A rule that is off should be there still.
        was_taken = (
            current.ours is None and not record.rule and _on_untag(check, record) == "disable"
        )
        beside = record.beside or was_taken or _has_live_others(current)
        record.open_gap(everything=is_another or beside, after_put=not was_live)


def _is_leaving(check: Check, memory: Memory) -> bool:
    """Whether a destroy lets the buckets go, so that the role of a new rule would soon be gone."""
    return not memory.is_lost and check.reports_bucket.is_leaving()


def _refuse_contest(check: Check, record: Record) -> None:
    """Put back what somebody changed, but not for ever.

    Raises:
        Blocked: it was put back too often.
    """
    since = (moment() - _PUT_BACK_PERIOD).isoformat(timespec="microseconds")
    record.put_back = [moment for moment in record.put_back if moment > since]
    if len(record.put_back) >= _MAX_PUT_BACK:
        raise Blocked(
            Reason.RULE_CONTESTED,
            f"our rule on {check.source.name} was changed or deleted {_MAX_PUT_BACK} times within "
            "a day and put back each time; find in CloudTrail who calls PutBucketReplication or "
            "DeleteBucketReplication, and let one of the two manage it",
        )


def _require_same_tags(check: Check, tags: dict[str, str]) -> None:
    """Make sure that no check that ran beside this one acted on later tags.

    Raises:
        Superseded: the tags say something else now.
    """
    if not check.request.dry_run and check.source.tags() != tags:
        raise Superseded(f"the tags of {check.source.name} changed meanwhile")


def _untagged(check: Check, untagged: Untagged) -> Outcome:
    known = Known(check.settings, check.source.name, is_unsure=True)
    if Configuration.of(known, check.source.replication()).ours is None:
        _stop_waiting(check)
        raise untagged
    try:
        outcome = _release(check, Memory(check), untagged=untagged)
    except Untagged:
        _stop_waiting(check)
        raise
    _require_same_tags(check, untagged.tags)
    return outcome


def _let_go(check: Check) -> Outcome:
    """Take our rule off, whatever the tags say, since our role is about to go.

    Raises:
        Ignored: nothing of ours is there.
        Blocked: rules that are not ours use our role.
    """
    memory = Memory(check)
    left = memory.record.left
    try:
        outcome = _release(check, memory, always="remove")
    except Ignored as ignored:
        if ignored.reason == Reason.NO_SUCH_BUCKET:
            raise
        _refuse_others_under_our_role(check, left)
        raise
    _refuse_others_under_our_role(check, left)
    return outcome


def _refuse_others_under_our_role(check: Check, left: Left | None) -> None:
    there = _replication(check, left)
    if there.others and there.role == check.settings.replication_role_arn:
        raise Blocked(
            Reason.RULES_UNDER_OUR_ROLE,
            f"{check.source.name} has {len(there.others)} replication rule(s) that are not ours "
            f"and use {there.role}; give them another role, or remove them",
        )


def _release(
    check: Check, memory: Memory, always: str = "", untagged: Untagged | None = None
) -> Outcome:
    """Turn our rule off or take it off; foreign rules, data and the twin stay as they are.

    Args:
        check: the check.
        memory: the bucket's record.
        always: how; without it, as the profile says by which the bucket was protected.
        untagged: why it is to be protected no more, if that is why it is released.

    Raises:
        Ignored: there is nothing to do.
    """
    try:
        current = _replication(check, memory.record.left)
    except ClientError as error:
        if error_code(error) == "NoSuchBucket":
            raise Ignored(Reason.NO_SUCH_BUCKET, "there is no such bucket") from error
        raise
    memory.record.stop_waiting()
    if current.ours is None:
        memory.record.rule, memory.record.left = "", None
        if memory.record.since:
            memory.save()
        raise untagged or Ignored(Reason.NO_RULE_OF_OURS, "it has no rule of ours")
    if not (always or memory.is_lost):
        memory.require_read()  # who knows which way?
    way = always or _on_untag(check, memory.record)
    if untagged and way == "keep":
        memory.save()
        raise untagged.and_so("its rule is kept")
    if memory.record.since and _has_live_others(current):
        memory.record.beside = True
    if untagged and way == "disable" and not current.is_live:
        memory.save()
        raise untagged.and_so("its rule is disabled")
    # What is gone now, nobody took from us; and whose a rule of this ID will be, it has to tell.
    memory.record.rule, memory.record.left = "", None
    if memory.record.since:
        memory.record.changed_at = now()
    memory.save()
    if not (way == "disable" and _disable(check, current)):
        if current.others:
            _put(check, current.without_ours())
        else:
            check.source.write("delete_bucket_replication")
    _require_off(check, current.left)
    if not always:
        memory.require_read()
    return Outcome.RELEASED


def _disable(check: Check, current: Configuration) -> bool:
    """Turn our rule off; False if S3 takes no rule to such a twin, be it disabled."""
    try:
        _put(check, current.with_ours_off())
    except ClientError as error:
        # The twin is gone, or its versioning is suspended; our rule is of no use then.
        if error_code(error) == "InvalidRequest":
            return False
        raise
    return True


def _on_untag(check: Check, record: Record) -> str:
    profiles = check.settings.profiles
    known = (profile.on_untag for profile in profiles if profile.name == record.profile)
    return next(known, "disable")


def _put(check: Check, wanted: Configuration) -> None:
    try:
        check.source.write("put_bucket_replication", ReplicationConfiguration=wanted.to_s3())
    except ClientError as error:
        code, words = error_code(error), error.response["Error"].get("Message", "")
        is_about_it = code in _NOT_THERE or (code in _FOR_MUCH and _TIME_CONTROL.search(words))
        if is_about_it and "ReplicationTime" in (wanted.ours or {}).get("Destination", {}):
            raise Blocked(
                Reason.RTC_NOT_SUPPORTED,
                f"S3 has no replication time control between these regions ({code}: {words}); turn "
                "it off in the profile, or take the bucket's tag for it away",
            ) from error
        raise


def _require_shown(check: Check, wanted: Configuration) -> None:
    def holds() -> bool:
        return _replication(check, wanted.left).holds(wanted)

    if check.request.dry_run:
        return
    if not holds() and not check.budget.look_again(holds, _CONFIRM_WAIT):
        raise NotConfirmed(f"S3 does not show our replication rule on {check.source.name} yet")


def _require_off(check: Check, left: Left | None) -> None:
    def is_off() -> bool:
        return not _replication(check, left).is_live

    if check.request.dry_run or is_off() or check.budget.look_again(is_off, _CONFIRM_WAIT):
        return
    raise NotConfirmed(f"S3 still shows our replication rule on {check.source.name}")
