"""Our replication rule: what it should be, and how it lives beside foreign rules.

Only values here: what is read from S3 and what is written there is `enable_replication`'s.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

from .outcomes import Blocked, Reason
from .profiles import Profile
from .settings import Settings

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationConfiguration.html
MAX_RULES = 1000

_HIGHEST_PRIORITY = 2**31 - 1

# The only time and threshold that S3 knows.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-time-control.html
_MINUTES = {"Minutes": 15}

Rule = Mapping[str, Any]


@dataclass(frozen=True)
class Left:
    """Our rule as it was left on a bucket, as far as it tells whose a rule is.

    Attributes:
        id: its ID.
        destination: the ARN of the bucket to which it copied.
        role: the role of the configuration in which it was.
        selection: what it had S3 copy, as of `_selection`.
    """

    id: str
    destination: str
    role: str
    selection: str


@dataclass(frozen=True)
class Known:
    """By what our rule on one bucket is known among others.

    An ID proves nothing: it is a word that anybody may choose. A rule is ours if it has an ID of
    ours and either copies into this bucket's twin under a role with which we replicate, or is known
    to have been left here by us, is still about the same objects, and has kept its place or role.

    Attributes:
        settings: whose rules are ours.
        source: the bucket's name.
        left: our rule as it was left here; None where nothing is remembered of it.
        is_unsure: what is remembered cannot be seen from here, so any rule that it may speak of
            counts as ours; the function that puts and takes rules decides.
    """

    settings: Settings
    source: str
    left: Left | None = None
    is_unsure: bool = False

    @cached_property
    def twin_arn(self) -> str:
        """The ARN of the bucket's twin."""
        return self.settings.bucket_arn(self.settings.twin_names.of(self.source))

    def is_id(self, text: str) -> bool:
        """Whether our rule may have that ID."""
        name = re.escape(self.settings.module_name)
        is_left = self.left is not None and text == self.left.id
        return is_left or bool(re.fullmatch(rf"{name}(-\d+)?", text, re.ASCII))

    def ids(self) -> Iterator[str]:
        """The IDs that our rule may get: the one it was left with, then the first that is free."""
        if self.left:
            yield self.left.id
        name = self.settings.module_name
        yield name
        yield from (f"{name}-{number}" for number in count(2))

    def is_ours(self, rule: Rule, role: str) -> bool:
        """Whether destination and role, or what is remembered, say that a rule is ours.

        Args:
            rule: one whose ID is one of ours.
            role: the role of its configuration.
        """
        settings, place = self.settings, rule["Destination"]["Bucket"]
        is_to_twin, is_our_role = place == self.twin_arn, _is_role(role, settings)
        if is_to_twin and (is_our_role or role in settings.foreign_role_arns):
            return True
        if self.is_unsure:
            return is_to_twin or is_our_role
        left = self.left
        if left is None or rule["ID"] != left.id or _selection(rule) != left.selection:
            return False
        was_role = role == left.role and role not in settings.foreign_role_arns
        return is_to_twin or place == left.destination or is_our_role or was_role


@dataclass(frozen=True)
class Configuration:
    """A bucket's replication configuration, and which rule of it is ours.

    Attributes:
        known: which rule is ours, and which owner of a twin goes without saying.
        role: as whom S3 copies by all of the rules; empty if there are none.
        rules: in S3's shape and order.
    """

    known: Known
    role: str = ""
    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(cls, known: Known, found: Mapping[str, Any] | None) -> Configuration:
        """The configuration as S3 has it; None stands for none."""
        return cls(known, found["Role"], tuple(found["Rules"])) if found else cls(known)

    def to_s3(self) -> dict[str, Any]:
        """The configuration as S3 takes it."""
        return {"Role": self.role, "Rules": list(self.rules)}

    @cached_property
    def ours(self) -> Rule | None:
        """Our rule, or None."""
        known = self.known
        mine = [rule for rule in self.rules if known.is_id(rule.get("ID", ""))]
        first = known.left.id if known.left else known.settings.module_name
        mine.sort(key=lambda rule: rule["ID"] != first)
        return next((rule for rule in mine if known.is_ours(rule, self.role)), None)

    @cached_property
    def others(self) -> tuple[Rule, ...]:
        """The rules that are not ours."""
        return tuple(rule for rule in self.rules if rule is not self.ours)

    @property
    def free_id(self) -> str:
        """The first ID of ours that no other rule has."""
        taken = {rule.get("ID") for rule in self.others}
        return next(id_ for id_ in self.known.ids() if id_ not in taken)

    @property
    def left(self) -> Left | None:
        """What is to be remembered of our rule; None if there is none."""
        if self.ours is None:
            return None
        place = self.ours["Destination"]["Bucket"]
        return Left(self.ours["ID"], place, self.role, _selection(self.ours))

    @property
    def is_live(self) -> bool:
        """Whether our rule is there and on."""
        return self.ours is not None and self.ours["Status"] == "Enabled"

    @property
    def fingerprint(self) -> str:
        """The same for rules of ours that mean the same, under one role."""
        meaning = self._meaning(self.ours or {"Destination": {}})
        text = json.dumps([self.role, meaning], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def covers(self, wanted: Configuration) -> bool:
        """Whether our rule, as it stands, has S3 copy all that is wanted, to the same place."""
        if self.ours is None or wanted.ours is None or not self.is_live:
            return False
        has_markers, wants_markers = (
            rule.get("DeleteMarkerReplication", {}).get("Status") == "Enabled"
            for rule in (self.ours, wanted.ours)
        )
        same = self._copied(self.ours) == wanted._copied(wanted.ours)
        return same and (has_markers or not wants_markers)

    def holds(self, wanted: Configuration) -> bool:
        """Whether S3 shows what is wanted: our role, our rule, and every foreign rule's ID.

        By what they mean: S3 need not give a configuration back to the letter.
        """
        if self.role != wanted.role or self.ours is None or wanted.ours is None:
            return False
        found_ids, wanted_ids = ({rule.get("ID") for rule in each.rules} for each in (self, wanted))
        return found_ids == wanted_ids and (self._meaning(self.ours) == self._meaning(wanted.ours))

    def with_ours(self, role: str, rule: Rule) -> Configuration:
        """This configuration with this rule as ours, behind all others."""
        return Configuration(self.known, role, (*self.others, rule))

    def without_ours(self) -> Configuration:
        """This configuration without our rule."""
        return Configuration(self.known, self.role, self.others)

    def with_ours_off(self) -> Configuration:
        """This configuration with our rule, if there is one, turned off."""
        rules = ({**r, "Status": "Disabled"} if r is self.ours else r for r in self.rules)
        return Configuration(self.known, self.role, tuple(rules))

    def _copied(self, rule: Rule) -> Any:
        """What a rule has S3 copy, where to and as whom."""
        meaning, destination = self._meaning(rule), rule["Destination"]
        return (
            self.role,
            meaning["Filter"],
            meaning.get("SourceSelectionCriteria"),
            destination["Bucket"],
            destination.get("EncryptionConfiguration"),
        )

    def _meaning(self, rule: Rule) -> dict[str, Any]:
        """A rule but for what goes without saying: what is off, no filter, the usual owner."""
        destination = _without_off(rule["Destination"])
        if destination.get("Account") == self.known.settings.source_account_id:
            del destination["Account"]
        meaning = {**rule, "Destination": destination, **_selected(rule)}
        return {key: value for key, value in meaning.items() if value is not None}


def desired(current: Configuration, profile: Profile) -> Configuration:
    """The configuration that has our rule as it should be and every foreign rule untouched.

    Args:
        current: what is there.
        profile: the bucket's.

    Raises:
        Blocked: our rule cannot live beside what is there.
    """
    role = current.known.settings.replication_role_arn
    if current.others:
        role = _shared_role(current, profile)
        _refuse_unfit(current.others)
    return current.with_ours(role, _our_rule(current, profile))


def _our_rule(current: Configuration, profile: Profile) -> Rule:
    settings = current.known.settings
    rule: dict[str, Any] = {
        "ID": current.ours["ID"] if current.ours else current.free_id,
        "Priority": _priority(current),
        # A Filter, even of everything, makes it a rule of the V2 schema, in which delete markers
        # are a choice and not a side effect.
        "Filter": _filter(profile),
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": "Enabled" if profile.delete_markers else "Disabled"},
        "Destination": _destination(current.known, profile),
    }
    selected = {
        "SseKmsEncryptedObjects": bool(settings.replica_key_arn(profile)),
        "ReplicaModifications": profile.replica_modifications,
    }
    if any(selected.values()):
        rule["SourceSelectionCriteria"] = {
            name: {"Status": "Enabled"} for name, wanted in selected.items() if wanted
        }
    return rule


def _destination(known: Known, profile: Profile) -> dict[str, Any]:
    settings = known.settings
    destination: dict[str, Any] = {
        "Bucket": known.twin_arn,
        "Account": settings.dr_account_id,
    }
    if settings.has_two_accounts:
        destination["AccessControlTranslation"] = {"Owner": "Destination"}
    if key := settings.replica_key_arn(profile):
        destination["EncryptionConfiguration"] = {"ReplicaKmsKeyID": key}
    if profile.storage_class:
        destination["StorageClass"] = profile.storage_class
    if profile.replication_time_control:
        # Never one without the other.
        destination["ReplicationTime"] = {"Status": "Enabled", "Time": _MINUTES}
        destination["Metrics"] = {"Status": "Enabled", "EventThreshold": _MINUTES}
    elif profile.has_metrics:
        destination["Metrics"] = {"Status": "Enabled"}
    return destination


def _filter(profile: Profile) -> dict[str, Any]:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationRuleFilter.html
    wanted = profile.filter
    tags = [{"Key": key, "Value": value} for key, value in sorted(wanted.tags.items())]
    if not tags:
        return {"Prefix": wanted.prefix}
    if len(tags) == 1 and not wanted.prefix:
        return {"Tag": tags[0]}
    return {"And": {**({"Prefix": wanted.prefix} if wanted.prefix else {}), "Tags": tags}}


def _priority(current: Configuration) -> int:
    """A priority no foreign rule has: the one we have already, else one above all others.

    Where somebody took the highest there is, any free one: of rules with one destination the higher
    priority wins, and foreign rules with the twin as theirs are rare.
    """
    ours, taken = current.ours, {rule.get("Priority", 0) for rule in current.others}
    if ours and ours.get("Priority") and ours["Priority"] not in taken:
        return int(ours["Priority"])
    above = int(max(taken, default=0)) + 1
    return above if above <= _HIGHEST_PRIORITY else min(set(range(1, MAX_RULES + 1)) - taken)


def _shared_role(current: Configuration, profile: Profile) -> str:
    """The one role of a configuration that our rule shares with foreign ones.

    Ours would re-role rules that are not ours; theirs may not be allowed to write to the twin.
    """
    settings, theirs = current.known.settings, current.role
    if _is_role(theirs, settings):
        return settings.replication_role_arn
    if theirs in settings.replication_role_arns(profile):
        return theirs
    raise Blocked(
        Reason.FOREIGN_REPLICATION_ROLE,
        f"the bucket's replication configuration has {len(current.others)} rule(s) not ours and "
        f"uses the role {theirs}; remove those rules, let them use "
        f"{settings.replication_role_arn}, or let ours use theirs (on_foreign_role and "
        "foreign_role_arns)",
    )


def _refuse_unfit(others: tuple[Rule, ...]) -> None:
    """Refuse rules beside which ours cannot stand."""
    if any("Filter" not in rule for rule in others):
        raise Blocked(
            Reason.V1_REPLICATION_RULES,
            "the bucket has replication rules of the old schema (without Filter), and S3 does not "
            "mix the schemas; give those rules a Filter and a Priority, or remove them",
        )
    if len(others) >= MAX_RULES:
        raise Blocked(
            Reason.TOO_MANY_RULES,
            f"the bucket has {len(others)} replication rules and S3 allows {MAX_RULES}; "
            "remove one of them",
        )


def _is_role(arn: str, settings: Settings) -> bool:
    """Whether it is our role, perhaps by the path that it had: names are unique in an account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    return _account_and_name(arn) == _account_and_name(settings.replication_role_arn)


def _account_and_name(arn: str) -> tuple[list[str], str]:
    return arn.split(":")[4:5], arn.rpartition("/")[2]


def _selected(rule: Rule) -> dict[str, Any]:
    """What a rule says of which objects it is about, in the one form in which it is compared."""
    selected = _without_off(rule.get("SourceSelectionCriteria") or {})
    found = _filter_meaning(rule.get("Filter") or {})
    return {"SourceSelectionCriteria": selected or None, "Filter": found}


def _selection(rule: Rule) -> str:
    """The same, with what becomes of delete markers, in a few characters."""
    text = json.dumps([_selected(rule), rule.get("DeleteMarkerReplication")], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


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
