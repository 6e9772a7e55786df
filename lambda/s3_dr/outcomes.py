"""How a check can end, and the named reasons for ending it early."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """The end of one function's work on one bucket."""

    PASSED_ON = "passed_on"  # our part holds; the next function was asked
    PROTECTED = "protected"  # our rule is live, read back from S3
    RELEASED = "released"  # our rule is off or gone, read back from S3
    PENDING = "pending"  # of a dry run: there is something to change
    SWEPT = "swept"  # checks were asked for
    TURNS_GIVEN = "turns_given"  # whose turn it is for a job has been told
    IGNORED = "ignored"  # none of our business
    BLOCKED = "blocked"  # wanted, but refused; a person has to act
    FAILED = "failed"  # an error; it is raised, so that Lambda tries again


class Reason(StrEnum):
    """Why a check ended early. The texts are part of the interface: alerts filter on them."""

    # ignored
    UNKNOWN_EVENT = "UNKNOWN_EVENT"
    FAILED_CALL = "FAILED_CALL"
    OWN_EVENT = "OWN_EVENT"
    NOT_A_BUCKET = "NOT_A_BUCKET"
    NOT_OURS = "NOT_OURS"
    NO_SUCH_BUCKET = "NO_SUCH_BUCKET"
    NO_PROFILE_MATCHES = "NO_PROFILE_MATCHES"
    NO_RULE_OF_OURS = "NO_RULE_OF_OURS"
    BUCKET_DELETED = "BUCKET_DELETED"
    IS_A_TWIN = "IS_A_TWIN"
    LEAVING = "LEAVING"
    NOTHING_WAITS = "NOTHING_WAITS"
    OTHER_PARTITION = "OTHER_PARTITION"
    OTHER_REGION = "OTHER_REGION"
    # blocked
    SOURCE_VERSIONING_SUSPENDED = "SOURCE_VERSIONING_SUSPENDED"
    SOURCE_MARKED_AS_TWIN = "SOURCE_MARKED_AS_TWIN"
    SOURCE_MFA_DELETE = "SOURCE_MFA_DELETE"
    KMS_WITHOUT_DR_KEY = "KMS_WITHOUT_DR_KEY"
    KMS_KEY_NOT_LISTED = "KMS_KEY_NOT_LISTED"
    DR_KEY_NOT_USABLE = "DR_KEY_NOT_USABLE"
    OVERRIDE_NOT_VALID = "OVERRIDE_NOT_VALID"
    RTC_NOT_SUPPORTED = "RTC_NOT_SUPPORTED"
    TAGS_NOT_SUPPORTED = "TAGS_NOT_SUPPORTED"
    FOREIGN_REPLICATION_ROLE = "FOREIGN_REPLICATION_ROLE"
    RULES_UNDER_OUR_ROLE = "RULES_UNDER_OUR_ROLE"
    RULE_CONTESTED = "RULE_CONTESTED"
    V1_REPLICATION_RULES = "V1_REPLICATION_RULES"
    TOO_MANY_RULES = "TOO_MANY_RULES"
    TWIN_NAME_TAKEN = "TWIN_NAME_TAKEN"
    TWIN_NOT_LOCKED = "TWIN_NOT_LOCKED"
    TWIN_NOT_MARKED = "TWIN_NOT_MARKED"
    TWIN_SHARED = "TWIN_SHARED"
    TWIN_IN_OTHER_REGION = "TWIN_IN_OTHER_REGION"
    SDK_TOO_OLD = "SDK_TOO_OLD"
    # of a sweep
    NO_TRAIL = "NO_TRAIL"


class Ignored(Exception):
    """The event or bucket is none of our business."""

    def __init__(self, reason: Reason, detail: str, bucket: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.bucket = bucket
        self.correlation_id = ""


class Untagged(Ignored):
    """Nothing asks for the bucket's protection; our rule may be there from when something did.

    Attributes:
        tags: the bucket's tags, none of which does.
    """

    def __init__(self, reason: Reason, detail: str, tags: dict[str, str]) -> None:
        super().__init__(reason, detail)
        self.tags = tags

    def and_so(self, what: str) -> Untagged:
        """The same, and what became of our rule."""
        return type(self)(self.reason, f"{self}; {what}", self.tags)


class Blocked(Exception):
    """Protection is wanted but must not be set up; trying again would not help.

    The message is the remedy: what a person can do about it.
    """

    def __init__(self, reason: Reason, remedy: str) -> None:
        super().__init__(remedy)
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Result:
    """What one function did about one bucket.

    Attributes:
        outcome: see `Outcome`.
        bucket: the source bucket; empty when the event named none.
        twin: the DR bucket's name, as far as it was reached.
        profile: the matching profile's name, as far as it was reached.
        reason: a `Reason`, or the AWS error code of a failure.
        detail: one sentence for a person; for `BLOCKED` the remedy stands in `remedy` instead.
        remedy: what to do about a blocked bucket.
        changes: the API writes made, in order, e.g. ``("PutBucketVersioning",)``.
        warnings: sentences a person should know although they stopped nothing.
        properties: one line for each property of the twin that could be cloned: ``property``,
            ``outcome`` (see `cloning.engine.Fidelity`), and where there is something to say
            ``reason`` and ``notes``.
        backfill: how the copying of existing objects stands; see `backfill.facts`.
    """

    outcome: Outcome
    bucket: str = ""
    twin: str = ""
    profile: str = ""
    reason: str = ""
    detail: str = ""
    remedy: str = ""
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    properties: tuple[dict[str, Any], ...] = ()
    backfill: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The facts that are there, ready for JSON; ``changes`` always is."""
        facts = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
            if value
        }
        return {**facts, "changes": list(self.changes)}
