"""Profiles: which tags ask for protection, and how the bucket is then protected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from .outcomes import Blocked, Reason
from .tags import MARKS, PREFIX

# Classes in which S3 can put a replica, but for REDUCED_REDUNDANCY, which is less than a backup.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Destination.html
STORAGE_CLASSES = frozenset(
    {
        "DEEP_ARCHIVE",
        "GLACIER",
        "GLACIER_IR",
        "INTELLIGENT_TIERING",
        "ONEZONE_IA",
        "STANDARD",
        "STANDARD_IA",
    }
)

# The properties of a bucket that a profile may have cloned: the table in `cloning.properties`.
CLONABLE = frozenset(
    {
        "abac",
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "intelligent_tiering",
        "inventory",
        "lifecycle",
        "logging",
        "metrics",
        "notifications",
        "ownership",
        "policy",
        "request_payment",
        "tags",
        "website",
    }
)


@dataclass(frozen=True)
class Filter:
    """Which objects a rule replicates: those under the prefix that carry all of the tags."""

    prefix: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ObjectLock:
    """How twins are locked.

    Attributes:
        always: lock every twin, not only those of locked sources.
        retention: the twin's default retention in the shape of S3's ``DefaultRetention``; without
            it, the source's is cloned.
    """

    always: bool = False
    retention: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Profile:
    """One way of protecting buckets. The fields are those of the module's variable ``profiles``.

    Attributes:
        name: shown in logs and results.
        match_tags: tag sets; a bucket that carries one of them in full has this profile. Keys and
            values are compared case-sensitively, as S3 tags are.
        annotations: whether annotations of objects are replicated.
        clone: the properties of the source that the twin gets too.
        delete_markers: whether delete markers are replicated.
        existing_objects: "replicate" objects older than the rule, "report" them or "ignore" them.
        existing_objects_limit: more of them wait for a person's yes; None for any number.
        filter: which objects are replicated.
        kms_key_arn: the key of the DR region for replicas; empty for the module's.
        lifecycle: "safe" leaves out of cloned lifecycle rules what expires objects, "full" nothing.
        metrics: whether S3 publishes replication metrics; None for "as replication_time_control".
        noncurrent_version_expiration_days: after how many days a lifecycle rule of our own expires
            noncurrent versions in the twin; None for never.
        object_lock: how twins are locked.
        on_drift: "report" what others change of the twin's cloned properties, or "restore" it.
        on_foreign_role: "block", or "use" the role of foreign replication rules for ours too.
        on_mfa_delete: "block", or "allow" a source with MFA delete.
        on_suspended_versioning: "block", or "enable" versioning again.
        on_untag: "disable" our rule when the tag goes, "remove" it or "keep" it.
        overrides: the fields that tags of a bucket may change.
        replica_modifications: whether changes of a replica's metadata are replicated.
        replication_time_control: whether S3 promises 15 minutes.
        storage_class: the replicas' class; empty for that of the source object.
    """

    name: str
    match_tags: tuple[Mapping[str, str], ...]
    annotations: bool = True
    clone: frozenset[str] = frozenset(
        {"cors", "intelligent_tiering", "lifecycle", "metrics", "tags"}
    )
    delete_markers: bool = True
    existing_objects: str = "replicate"
    existing_objects_limit: int | None = None
    filter: Filter = Filter()
    kms_key_arn: str = ""
    lifecycle: str = "safe"
    metrics: bool | None = None
    noncurrent_version_expiration_days: int | None = None
    object_lock: ObjectLock = ObjectLock()
    on_drift: str = "report"
    on_foreign_role: str = "block"
    on_mfa_delete: str = "block"
    on_suspended_versioning: str = "block"
    on_untag: str = "disable"
    overrides: tuple[str, ...] = ("metrics", "replication_time_control", "storage_class")
    replica_modifications: bool = False
    replication_time_control: bool = False
    storage_class: str = ""

    @classmethod
    def from_dict(cls, item: Mapping[str, Any]) -> Profile:
        """Build a profile from its JSON form, in which a field that is not there has its default.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: the form is another.
        """
        sets = tuple({str(k): str(v) for k, v in tags.items()} for tags in item["match_tags"])
        if not sets or not all(sets):
            # An empty tag set would match every bucket of the account.
            raise ValueError(f"profile {item['name']!r} has an empty tag set")
        unknown = item.keys() - {each.name for each in fields(cls)}
        if unknown:
            # Terraform and the package are of two versions: better no protection than another one.
            raise ValueError(f"profile {item['name']!r} has unknown fields {sorted(unknown)}")
        values = {**item, "name": str(item["name"]), "match_tags": sets}
        values["filter"] = Filter(**item.get("filter", {}))
        values["object_lock"] = _object_lock(item.get("object_lock", {}))
        if "clone" in item:
            values["clone"] = frozenset(item["clone"])
            if odd := values["clone"] - CLONABLE:
                raise ValueError(f"profile {item['name']!r} clones unknown {sorted(odd)}")
        if "overrides" in item:
            values["overrides"] = tuple(item["overrides"])
        return cls(**values)

    def matches(self, tags: Mapping[str, str]) -> bool:
        """Whether a bucket with these tags carries one of the tag sets in full."""
        return any(wanted.items() <= tags.items() for wanted in self.match_tags)

    @property
    def has_metrics(self) -> bool:
        """Whether S3 publishes replication metrics."""
        return self.replication_time_control if self.metrics is None else self.metrics

    def for_bucket(self, tags: Mapping[str, str]) -> Profile:
        """This profile with what the bucket's own tags change in it.

        Only what copies objects sooner or later, elsewhere or dearer can be changed so: never a
        key, a lock, a filter, or the treatment of foreign rules.

        Raises:
            Blocked: a tag says what cannot be, or changes what the profile does not let it change.
        """
        changes = {}
        for key, value in tags.items():
            if key.startswith(PREFIX) and key not in MARKS:
                name = key.removeprefix(PREFIX).replace("-", "_")
                changes[name] = self._override(key, name, value)
        changed = replace(self, **changes) if changes else self
        if changed.delete_markers and changed.filter.tags:
            raise _not_valid(
                f"its tags ask for delete markers, and profile {self.name} filters objects by "
                "tags: S3 does not replicate delete markers under such a filter"
            )
        if changed.replication_time_control and changed.metrics is False:
            raise _not_valid(
                "its tags leave it with replication time control and without metrics, which S3 "
                "takes only together"
            )
        return changed

    def _override(self, key: str, name: str, value: str) -> Any:
        if name not in _OVERRIDES or key != PREFIX + name.replace("_", "-"):
            known = ", ".join(PREFIX + each.replace("_", "-") for each in _OVERRIDES)
            raise _not_valid(f"its tag {key} is not one of {known}")
        if name not in self.overrides:
            raise _not_valid(f"profile {self.name} lets no tag change {name} here")
        try:
            return _OVERRIDES[name](value)
        except (KeyError, ValueError):
            raise _not_valid(f"its tag {key} cannot be {value!r}") from None


def first_match(profiles: Iterable[Profile], tags: Mapping[str, str]) -> Profile | None:
    """The first profile that matches the bucket's tags; the order is the user's."""
    return next((profile for profile in profiles if profile.matches(tags)), None)


def _object_lock(item: Mapping[str, Any]) -> ObjectLock:
    found = ObjectLock(**item)
    if found.retention is None:
        return found
    # The variable's keys are S3's in lower case.
    retention = {key.title(): value for key, value in found.retention.items()}
    return replace(found, retention=retention)


def _not_valid(what: str) -> Blocked:
    return Blocked(
        Reason.OVERRIDE_NOT_VALID, f"{what}; mend the tag or take it away, or change the profile"
    )


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _storage_class(text: str) -> str:
    if text not in STORAGE_CLASSES:
        raise ValueError(text)
    return text


# What tags of a bucket may change, and how the tag's value is read.
_OVERRIDES: dict[str, Callable[[str], Any]] = {
    "delete_markers": _flag,
    "metrics": _flag,
    "replication_time_control": _flag,
    "storage_class": _storage_class,
}
