"""Our replication rule: what it should be, how it lives beside foreign rules, and putting it in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .aws import Bucket
from .check import Check
from .outcomes import Blocked, Outcome, Reason
from .settings import Settings
from .twin import require_marked

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationConfiguration.html
MAX_RULES = 1000

_HIGHEST_PRIORITY = 2**31 - 1
_NOT_CONFIGURED = "ReplicationConfigurationNotFoundError"
_CONFIRM_WAIT = 30.0  # seconds


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
    settings = check.settings
    rules = list(current["Rules"]) if current else []
    foreign = [rule for rule in rules if rule.get("ID") != settings.module_name]
    if current and foreign:
        _refuse_bad_company(settings, current["Role"], foreign)
    ours = next((rule for rule in rules if rule.get("ID") == settings.module_name), None)
    rule = _desired_rule(check, _priority(ours, foreign))
    return {"Role": settings.replication_role_arn, "Rules": [*foreign, rule]}


def enable_replication(check: Check) -> Outcome:
    """Put our rule in, unless it is there, and read it back.

    Raises:
        Ignored: the source bucket is not, or no longer, to be protected.
        Blocked: a foreign configuration, or a bucket under the twin's name that is not the twin.
        NotConfirmed: S3 does not show the rule within the time.
        ClientError: anything else S3 answers; the twin missing is such an error.
    """
    check.observe_source()
    check.twin.is_new = True  # it may be moments old
    require_marked(check)
    current = read_configuration(check.source)
    desired = desired_configuration(check, current)
    if not _holds(current, desired, check):
        check.source.write("put_bucket_replication", ReplicationConfiguration=desired)
        _confirm(check, desired)
    return Outcome.PROTECTED


def _desired_rule(check: Check, priority: int) -> dict[str, Any]:
    assert check.profile is not None  # observe_source ran
    delete_markers = "Enabled" if check.profile.delete_markers else "Disabled"
    return {
        "ID": check.settings.module_name,
        "Priority": priority,
        # A Filter, even of everything, makes it a rule of the V2 schema, in which delete markers
        # are a choice and not a side effect.
        "Filter": {"Prefix": ""},
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": delete_markers},
        "Destination": {
            "Bucket": check.settings.bucket_arn(check.twin.name),
            "Account": check.settings.dr_account_id,
        },
    }


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


def _refuse_bad_company(settings: Settings, role: str, foreign: list[Any]) -> None:
    if role != settings.replication_role_arn:
        # There is one role for the whole configuration. Ours would re-role rules that are not
        # ours; theirs may not be allowed to write to the twin.
        raise Blocked(
            Reason.FOREIGN_REPLICATION_ROLE,
            f"the bucket's replication configuration has {len(foreign)} rule(s) not ours and uses "
            f"the role {role}; remove those rules, or let them use "
            f"{settings.replication_role_arn}",
        )
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
    """A rule without what goes without saying: an empty filter, the DR account as the owner."""
    destination = dict(rule["Destination"])
    if destination.get("Account") == check.settings.dr_account_id:
        del destination["Account"]
    meaning = {**rule, "Destination": destination}
    if rule.get("Filter") in ({}, {"Prefix": ""}):
        meaning["Filter"] = {}
    return {key: value for key, value in meaning.items() if value is not None}


def _confirm(check: Check, desired: Mapping[str, Any]) -> None:
    delays = check.budget.delays(_CONFIRM_WAIT)
    while not _holds(read_configuration(check.source), desired, check):
        delay = next(delays, None)
        if delay is None:
            raise NotConfirmed(f"S3 does not show our replication rule on {check.source.name} yet")
        check.budget.sleep(delay)
