"""Our replication rule: what it should be, how it lives beside foreign rules, and putting it in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from . import encryption
from .aws import Bucket, error_code
from .check import Check
from .outcomes import Blocked, Outcome, Reason
from .profiles import Filter
from .twin import require_marked

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationConfiguration.html
MAX_RULES = 1000

_HIGHEST_PRIORITY = 2**31 - 1
_NOT_CONFIGURED = "ReplicationConfigurationNotFoundError"
_CONFIRM_WAIT = 30.0  # seconds

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
    ours_is = check.settings.module_name
    rules = list(current["Rules"]) if current else []
    foreign = [rule for rule in rules if rule.get("ID") != ours_is]
    ours = next((rule for rule in rules if rule.get("ID") == ours_is), None)
    role = check.settings.replication_role_arn
    if current and foreign:
        role = _shared_role(check, current["Role"], len(foreign))
        _refuse_bad_company(foreign)
    return {"Role": role, "Rules": [*foreign, _desired_rule(check, _priority(ours, foreign))]}


def enable_replication(check: Check) -> Outcome:
    """Put our rule in, unless it is there, and read it back.

    Raises:
        Ignored: the source bucket is not, or no longer, to be protected.
        Blocked: a source or a foreign configuration that does not allow it, or a bucket under the
            twin's name that is not the twin.
        NotConfirmed: S3 does not show the rule within the time.
        ClientError: anything else S3 answers; the twin missing is such an error.
    """
    check.observe_source()
    encryption.read_source(check)  # its default may have changed since
    check.twin.is_new = True  # it may be moments old
    require_marked(check)
    current = read_configuration(check.source)
    desired = desired_configuration(check, current)
    if not _holds(current, desired, check):
        _put(check, desired)
        _confirm(check, desired)
    return Outcome.PROTECTED


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

    if not holds() and not check.budget.look_again(holds, _CONFIRM_WAIT):
        raise NotConfirmed(f"S3 does not show our replication rule on {check.source.name} yet")
