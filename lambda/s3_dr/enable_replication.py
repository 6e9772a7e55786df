"""Our replication rule: what it should be, how it lives beside foreign rules, and putting it in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from . import backfill, encryption
from .aws import Bucket, error_code
from .check import Check
from .events import CHECK_DETAIL_TYPE, RELEASE_DETAIL_TYPE
from .outcomes import Blocked, Ignored, Outcome, Reason, Untagged
from .profiles import Filter
from .record import LEAVING, Gap, Memory, Record, Superseded, now, read_object
from .tags import LIFE_TAG
from .twin import exists, require_marked

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationConfiguration.html
MAX_RULES = 1000

_HIGHEST_PRIORITY = 2**31 - 1
_NOT_CONFIGURED = "ReplicationConfigurationNotFoundError"
_CONFIRM_WAIT = 30.0  # seconds
_PASSES = 5  # of some checks at once, one may come too late at each of its three writes

# Another automation may take our rule away as often as we put it there.
_MAX_PUT_BACK = 5
_PUT_BACK_PERIOD = timedelta(days=1)

# The only time and threshold that S3 knows.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-time-control.html
_MINUTES = {"Minutes": 15}


class NotConfirmed(Exception):
    """S3 took our rule but does not show it yet."""


def read_configuration(source: Bucket) -> dict[str, Any] | None:
    """The bucket's replication configuration (``Role``, ``Rules``), or None."""
    response = source.read("get_bucket_replication", absent=_NOT_CONFIGURED)
    return dict(response["ReplicationConfiguration"]) if response else None


def desired_configuration(check: Check, current: Mapping[str, Any] | None) -> dict[str, Any]:
    """The configuration that has our rule as it should be and every foreign rule untouched.

    Raises:
        Blocked: our rule cannot live beside what is there.
    """
    ours, foreign = our_rule(current, check), _others(current, check)
    role = check.settings.replication_role_arn
    if current and foreign:
        role = _shared_role(check, current["Role"], len(foreign))
        _refuse_bad_company(foreign)
    return {"Role": role, "Rules": [*foreign, _desired_rule(check, _priority(ours, foreign))]}


def enable_replication(check: Check) -> Outcome:
    """Have our rule as the bucket's tags ask for it, read it back, and see to existing objects.

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
    if check.request.wish == RELEASE_DETAIL_TYPE:
        return _let_go(check)
    try:
        check.observe_source()
    except Untagged as untagged:
        if check.request.wish != CHECK_DETAIL_TYPE:
            raise
        return _untagged(check, untagged)
    return _enable(check)


def _enable(check: Check) -> Outcome:
    encryption.read_source(check)  # its default may have changed since
    if check.request.dry_run and not exists(check):
        return Outcome.PENDING  # the function before this one has to make the twin
    check.twin.is_new = True  # it may be moments old
    require_marked(check)
    memory = Memory(check)
    record = memory.record
    current = read_configuration(check.source)
    desired = desired_configuration(check, current)
    _open_gap(check, memory, current, desired)
    if not _holds(current, desired, check):
        was_changed = record.rule == _fingerprint(desired, check)
        memory.save()  # before there is a live rule that would hide the gap
        if was_changed:
            _refuse_contest(check, record)
        if not memory.is_lost:
            memory.raise_error()  # the rule would hide what was not copied
        if _is_leaving(check, memory):
            raise Ignored(Reason.LEAVING, "the module is being destroyed")
        _put(check, desired)
        _confirm(check, desired)
        if _is_leaving(check, memory):  # since a moment ago, and the release may have been here
            return _release(check, always="remove")
        record.renew_gap()
        record.put_back += [now()] if was_changed else []
        _look_at_tags_again(check)
    record.profile, record.rule = check.known_profile.name, _fingerprint(desired, check)
    record.life = check.twin_tags.get(LIFE_TAG, "")
    try:
        backfill.keep_up(check, memory)
    except Exception:
        memory.save()  # whatever becomes of existing objects, the rule is in
        raise
    memory.raise_error()
    return Outcome.PROTECTED


def _open_gap(
    check: Check, memory: Memory, current: Mapping[str, Any] | None, desired: Mapping[str, Any]
) -> None:
    """Note whether there may be objects that the live rule did not copy.

    A bucket of which nothing is remembered has a gap from the start. What S3 takes for copied may
    have been copied by another rule, or into a twin that is no more.
    """
    record, life = memory.record, check.twin_tags.get(LIFE_TAG, "")
    was_live = _covers(current, desired, check)
    was_away = life != record.life
    if memory.is_new:
        record.gap = Gap(now(), everything=not was_live, is_first=True, after_put=not was_live)
    elif was_away or not was_live:
        is_another = life.partition("/")[0] != record.life.partition("/")[0]
        beside = any(rule["Status"] == "Enabled" for rule in _others(current, check))
        record.open_gap(everything=is_another or beside, after_put=not was_live)


def _is_leaving(check: Check, memory: Memory) -> bool:
    """Whether a destroy lets the buckets go, so that the role of a new rule would soon be gone."""
    found = None if memory.is_lost else read_object(check.clients, check.settings, LEAVING)
    return bool(found and json.loads(found["Body"].read()))


def _covers(current: Mapping[str, Any] | None, desired: Mapping[str, Any], check: Check) -> bool:
    """Whether our rule, as it stands, has S3 copy all that is wanted, to the same place."""
    found, wanted = our_rule(current, check), our_rule(desired, check)
    if current is None or found is None or wanted is None or found["Status"] != "Enabled":
        return False
    has_markers, wants_markers = (
        rule.get("DeleteMarkerReplication", {}).get("Status") == "Enabled"
        for rule in (found, wanted)
    )
    same = _copies(current["Role"], found, check) == _copies(desired["Role"], wanted, check)
    return same and (has_markers or not wants_markers)


def _copies(role: str, rule: Mapping[str, Any], check: Check) -> Any:
    """What a rule has S3 copy, where to and as whom."""
    meaning, destination = _meaning(rule, check), rule["Destination"]
    return (
        role,
        meaning["Filter"],
        meaning.get("SourceSelectionCriteria"),
        destination["Bucket"],
        destination.get("EncryptionConfiguration"),
    )


def our_rule(configuration: Mapping[str, Any] | None, check: Check) -> dict[str, Any] | None:
    """Our rule of a replication configuration, or None."""
    rules = configuration["Rules"] if configuration else []
    ours_is = check.settings.module_name
    return next((rule for rule in rules if rule.get("ID") == ours_is), None)


def _others(configuration: Mapping[str, Any] | None, check: Check) -> list[Any]:
    """The rules of a replication configuration that are not ours."""
    rules = configuration["Rules"] if configuration else []
    return [rule for rule in rules if rule.get("ID") != check.settings.module_name]


def _fingerprint(configuration: Mapping[str, Any], check: Check) -> str:
    meaning = _meaning(our_rule(configuration, check) or {"Destination": {}}, check)
    text = json.dumps([configuration["Role"], meaning], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse_contest(check: Check, record: Record) -> None:
    """Put back what somebody changed, but not for ever.

    Raises:
        Blocked: it was put back too often.
    """
    since = (datetime.now(UTC) - _PUT_BACK_PERIOD).isoformat(timespec="microseconds")
    record.put_back = [moment for moment in record.put_back if moment > since]
    if len(record.put_back) >= _MAX_PUT_BACK:
        raise Blocked(
            Reason.RULE_CONTESTED,
            f"our rule on {check.source.name} was changed or deleted {_MAX_PUT_BACK} times within "
            "a day and put back each time; find in CloudTrail who calls PutBucketReplication or "
            "DeleteBucketReplication, and let one of the two manage it",
        )


def _look_at_tags_again(check: Check) -> None:
    """Make sure that no check that ran beside this one acted on later tags.

    Raises:
        Superseded: the tags say something else now.
    """
    if not check.request.dry_run and check.source.tags() != check.source_tags:
        raise Superseded(f"the tags of {check.source.name} changed meanwhile")


def _untagged(check: Check, untagged: Untagged) -> Outcome:
    if our_rule(read_configuration(check.source), check) is None:
        raise untagged
    outcome = _release(check)
    _look_at_tags_again(check)
    return outcome


def _let_go(check: Check) -> Outcome:
    """Take our rule off, whatever the tags say, since our role is about to go.

    Raises:
        Ignored: nothing of ours is there.
        Blocked: rules that are not ours use our role.
    """
    try:
        outcome = _release(check, always="remove")
    except Ignored as ignored:
        if ignored.reason == Reason.NO_SUCH_BUCKET:
            raise
        _refuse_others_under_our_role(check)
        raise
    _refuse_others_under_our_role(check)
    return outcome


def _refuse_others_under_our_role(check: Check) -> None:
    left = read_configuration(check.source)
    others = _others(left, check)
    if left and others and left["Role"] == check.settings.replication_role_arn:
        raise Blocked(
            Reason.RULES_UNDER_OUR_ROLE,
            f"{check.source.name} has {len(others)} replication rule(s) that are not ours and use "
            f"{left['Role']}; give them another role, or remove them",
        )


def _release(check: Check, always: str = "") -> Outcome:
    """Turn our rule off or take it off; foreign rules, data and the twin stay as they are.

    Args:
        check: the check.
        always: how; without it, as the profile says by which the bucket was protected.

    Raises:
        Ignored: there is nothing to do.
    """
    try:
        current = read_configuration(check.source)
    except ClientError as error:
        if error_code(error) == "NoSuchBucket":
            raise Ignored(Reason.NO_SUCH_BUCKET, "there is no such bucket") from error
        raise
    ours = our_rule(current, check)
    if current is None or ours is None:
        raise Ignored(Reason.NO_PROFILE_MATCHES, "it has no rule of ours")
    memory = Memory(check)
    if not (always or memory.is_lost):
        memory.raise_error()  # who knows which way?
    way = always or _on_untag(check, memory.record)
    if way == "keep":
        raise Ignored(Reason.NO_PROFILE_MATCHES, "its tags match no profile; its rule is kept")
    if way == "disable" and ours["Status"] == "Disabled":
        raise Ignored(Reason.NO_PROFILE_MATCHES, "its tags match no profile; its rule is disabled")
    memory.record.rule = ""  # what is gone now, nobody took from us
    memory.save()
    if not (way == "disable" and _disable(check, current)):
        if others := _others(current, check):
            _put(check, {**current, "Rules": others})
        else:
            check.source.write("delete_bucket_replication")
    _confirm_released(check)
    if not always:
        memory.raise_error()
    return Outcome.RELEASED


def _disable(check: Check, current: Mapping[str, Any]) -> bool:
    """Turn our rule off; False if S3 takes no rule to such a twin, be it disabled."""
    name = check.settings.module_name
    off = [
        {**rule, "Status": "Disabled"} if rule.get("ID") == name else rule
        for rule in current["Rules"]
    ]
    try:
        _put(check, {**current, "Rules": off})
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


def _confirm_released(check: Check) -> None:
    def is_off() -> bool:
        rule = our_rule(read_configuration(check.source), check)
        return rule is None or rule["Status"] == "Disabled"

    if check.request.dry_run or is_off() or check.budget.look_again(is_off, _CONFIRM_WAIT):
        return
    raise NotConfirmed(f"S3 still shows our replication rule on {check.source.name}")


def _put(check: Check, desired: Mapping[str, Any]) -> None:
    try:
        check.source.write("put_bucket_replication", ReplicationConfiguration=desired)
    except ClientError as error:
        # S3 has this code for much; its words alone say that a region lacks the feature.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
        words = error.response["Error"].get("Message", "")
        if error_code(error) == "InvalidRequest" and "Replication Time Control" in words:
            raise Blocked(
                Reason.RTC_NOT_SUPPORTED,
                "S3 has no replication time control between these regions; turn it off in the "
                "profile, or take the bucket's tag for it away",
            ) from error
        raise


def _desired_rule(check: Check, priority: int) -> dict[str, Any]:
    profile = check.known_profile
    rule: dict[str, Any] = {
        "ID": check.settings.module_name,
        "Priority": priority,
        # A Filter, even of everything, makes it a rule of the V2 schema, in which delete markers
        # are a choice and not a side effect.
        "Filter": _filter(profile.filter),
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": "Enabled" if profile.delete_markers else "Disabled"},
        "Destination": _destination(check),
    }
    selected = {
        "SseKmsEncryptedObjects": bool(check.replica_key_arn),
        "ReplicaModifications": profile.replica_modifications,
    }
    if any(selected.values()):
        rule["SourceSelectionCriteria"] = {
            name: {"Status": "Enabled"} for name, wanted in selected.items() if wanted
        }
    return rule


def _destination(check: Check) -> dict[str, Any]:
    settings, profile = check.settings, check.known_profile
    destination: dict[str, Any] = {
        "Bucket": settings.bucket_arn(check.twin.name),
        "Account": settings.dr_account_id,
    }
    if settings.has_two_accounts:
        destination["AccessControlTranslation"] = {"Owner": "Destination"}
    if check.replica_key_arn:
        destination["EncryptionConfiguration"] = {"ReplicaKmsKeyID": check.replica_key_arn}
    if profile.storage_class:
        destination["StorageClass"] = profile.storage_class
    if profile.replication_time_control:
        # Never one without the other.
        destination["ReplicationTime"] = {"Status": "Enabled", "Time": _MINUTES}
        destination["Metrics"] = {"Status": "Enabled", "EventThreshold": _MINUTES}
    elif profile.has_metrics:
        destination["Metrics"] = {"Status": "Enabled"}
    return destination


def _filter(wanted: Filter) -> dict[str, Any]:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationRuleFilter.html
    tags = [{"Key": key, "Value": value} for key, value in sorted(wanted.tags.items())]
    if not tags:
        return {"Prefix": wanted.prefix}
    if len(tags) == 1 and not wanted.prefix:
        return {"Tag": tags[0]}
    return {"And": {**({"Prefix": wanted.prefix} if wanted.prefix else {}), "Tags": tags}}


def _priority(ours: Mapping[str, Any] | None, foreign: list[Any]) -> int:
    """A priority no foreign rule has: the one we have already, else one above all others.

    Where somebody took the highest there is, any free one: of rules with one destination the higher
    priority wins, and foreign rules with the twin as theirs are rare.
    """
    taken = {rule.get("Priority", 0) for rule in foreign}
    if ours and ours.get("Priority") and ours["Priority"] not in taken:
        return int(ours["Priority"])
    above = int(max(taken, default=0)) + 1
    return above if above <= _HIGHEST_PRIORITY else min(set(range(1, MAX_RULES + 1)) - taken)


def _shared_role(check: Check, theirs: str, foreign: int) -> str:
    """The one role of a configuration that our rule shares with foreign ones.

    Ours would re-role rules that are not ours; theirs may not be allowed to write to the twin.
    """
    settings = check.settings
    if theirs == settings.replication_role_arn:
        return theirs
    if check.known_profile.on_foreign_role == "use" and theirs in settings.foreign_role_arns:
        return theirs
    raise Blocked(
        Reason.FOREIGN_REPLICATION_ROLE,
        f"the bucket's replication configuration has {foreign} rule(s) not ours and uses the role "
        f"{theirs}; remove those rules, let them use {settings.replication_role_arn}, or let ours "
        "use theirs (on_foreign_role and foreign_role_arns)",
    )


def _refuse_bad_company(foreign: list[Any]) -> None:
    if any("Filter" not in rule for rule in foreign):
        raise Blocked(
            Reason.V1_REPLICATION_RULES,
            "the bucket has replication rules of the old schema (without Filter), and S3 does not "
            "mix the schemas; give those rules a Filter and a Priority, or remove them",
        )
    if len(foreign) >= MAX_RULES:
        raise Blocked(
            Reason.TOO_MANY_RULES,
            f"the bucket has {len(foreign)} replication rules and S3 allows {MAX_RULES}; "
            "remove one of them",
        )


def _holds(current: Mapping[str, Any] | None, desired: Mapping[str, Any], check: Check) -> bool:
    """Whether S3 shows what we want: our role, our rule, and every foreign rule's ID.

    By what they mean: S3 need not give a configuration back to the letter.
    """
    if current is None or current["Role"] != desired["Role"]:
        return False
    found, wanted = (
        {rule.get("ID"): rule for rule in configuration["Rules"]}
        for configuration in (current, desired)
    )
    ours = check.settings.module_name
    return found.keys() == wanted.keys() and (
        _meaning(found[ours], check) == _meaning(wanted[ours], check)
    )


def _meaning(rule: Mapping[str, Any], check: Check) -> dict[str, Any]:
    """A rule without what goes without saying: what is off, an empty filter, the usual owner."""
    destination = _without_off(rule["Destination"])
    if destination.get("Account") == check.settings.source_account_id:
        del destination["Account"]
    selected = _without_off(rule.get("SourceSelectionCriteria") or {})
    meaning = {
        **rule,
        "Destination": destination,
        "SourceSelectionCriteria": selected or None,
        "Filter": _filter_meaning(rule.get("Filter") or {}),
    }
    return {key: value for key, value in meaning.items() if value is not None}


def _without_off(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: part
        for name, part in parts.items()
        if not (isinstance(part, Mapping) and part.get("Status") == "Disabled")
    }


def _filter_meaning(found: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """Prefix and tags of a filter, in whichever of its forms."""
    both = found.get("And", found)
    tags = both.get("Tags") or ([both["Tag"]] if "Tag" in both else [])
    return both.get("Prefix", ""), sorted((tag["Key"], tag["Value"]) for tag in tags)


def _confirm(check: Check, desired: Mapping[str, Any]) -> None:
    def holds() -> bool:
        return _holds(read_configuration(check.source), desired, check)

    if check.request.dry_run:
        return
    if not holds() and not check.budget.look_again(holds, _CONFIRM_WAIT):
        raise NotConfirmed(f"S3 does not show our replication rule on {check.source.name} yet")
