"""Replication as its role, its keys and Object Lock allow it.

MiniStack replicates whatever the role may do, ignores keys and locks, applies the first rule that
matches and gives replicas ids and places of their own. Here a version is replicated as it is, or
its status is FAILED and nothing is written.

Why it failed is said in S3's words (S3 User Guide, "Amazon S3 replication failure reasons",
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-metrics-events.html).
"""

import contextvars
import copy
import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_aws import annotations, encryption, kms, metrics, open_points, roles
from local_aws.emulator import module, wrap
from local_aws.roles import Role

# S3 User Guide, "Setting up permissions for live replication"; with the reason when one is missing.
_ON_SOURCE = ("s3:GetReplicationConfiguration", "s3:ListBucket")
_ON_FOREIGN_TARGET = ("s3:GetBucketVersioning", "s3:ListBucket")  # see the open point
_ON_OBJECT = (
    ("s3:GetObjectVersionForReplication", "SrcGetObjectNotPermitted"),
    ("s3:GetObjectVersionAcl", "SrcGetAclNotPermitted"),
)
_ON_LOCKED = (
    ("s3:GetObjectRetention", "SrcGetRetentionNotPermitted"),
    ("s3:GetObjectLegalHold", "SrcGetLegalHoldNotPermitted"),
)
# These, and the Archive tiers of Intelligent-Tiering, are not replicated (S3 User Guide, "What does
# Amazon S3 replicate?",
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html).
_ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")
_TIER = "archive tier"
_CREATED = "date of the version"  # of a replica that has another date
_PENDING = "tags of what is to be replicated"
_hard_deleted: set[tuple[str, str, str]] = set()  # bucket, key and version id
# Replicas with an id of their own: target, key, and id and date of the version.
_own_ids: dict[tuple[str, str, str, str], str] = {}
# When the upload in parts began that is being completed.
_began: contextvars.ContextVar[str] = contextvars.ContextVar("began", default="")


class Refused(Exception):
    """A version cannot be replicated; the argument is S3's reason."""


@dataclass(frozen=True)
class Bucket:
    """A bucket, whoever owns it."""

    name: str
    account: str
    region: str
    policy: str
    locked: bool
    versioned: bool
    record: Any

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.name}"

    def allows(self, role: Role, action: str, key: str = "", policy: bool = True) -> bool:
        """Whether the role may do it on the bucket, or on its object; ``policy``: ask its own."""
        return role.may(
            action,
            f"{self.arn}/{key}" if key else self.arn,
            self.region,
            policy=self.policy if policy else "",
            owner=self.account if policy else "",
        )

    def denies(self, role: Role, action: str, key: str) -> bool:
        """Whether the role is denied what needs no permission of its own."""
        return role.may_not(action, f"{self.arn}/{key}", self.region, self.policy, self.account)


def bucket(name: str) -> Bucket | None:
    """A bucket by name; None when it does not exist."""
    s3 = module("services.s3")
    account = s3._bucket_owner_account(name)
    if account is None:
        return None
    with s3._in_account(account):
        return Bucket(
            name,
            account,
            s3.bucket_region(name),
            s3._bucket_policies.get(name) or "",
            bool(s3._bucket_object_lock.get(name)),
            s3._bucket_versioning.get(name) == "Enabled",
            s3._buckets[name],
        )


def assume(source: Bucket, role_arn: str) -> Role | None:
    """The role as S3 has it for a source, None when it may not have it."""
    named = {"aws:SourceAccount": source.account, "aws:SourceArn": source.arn}
    in_whose_name = named if open_points.ROLE_SOURCE.says("yes") else None
    return roles.assume(role_arn, "s3.amazonaws.com", in_whose_name)


def may_look(source: Bucket, target: Bucket, role: Role) -> bool:
    """Whether S3 may look at a destination in another account, if it wants to: an open point."""
    if target.account == source.account or open_points.LOOKS_AT_DESTINATION.says("no"):
        return True
    answers = [target.allows(role, action) for action in _ON_FOREIGN_TARGET]
    return all(answers)


@dataclass(frozen=True)
class Version:
    """A version of an object in a source bucket, or a delete marker.

    Attributes:
        entry: MiniStack's record of the version, None of an object older than versioning.
        record: MiniStack's record of the object, None of a delete marker.
    """

    key: str
    entry: Any
    record: Any
    data: Any = field(default=None, repr=False)
    tags: Any = None

    @property
    def id(self) -> str:
        """The version id, ``null`` of what was written without versioning."""
        stored = self.entry or self.record
        return str(stored.get("version_id") or "null")

    @property
    def marker(self) -> bool:
        return self.record is None

    @property
    def modified(self) -> str:
        """Last-Modified in ISO 8601, UTC, milliseconds."""
        return str((self.entry or self.record)["last_modified"])

    @property
    def status(self) -> str:
        """``x-amz-replication-status``, empty when it was never tried."""
        return str((self.entry or self.record).get("replication_status") or "")

    @property
    def archived(self) -> bool:
        """Whether it has to be restored before it can be read."""
        stored = self.entry or self.record
        return stored.get("storage_class") in _ARCHIVED or _TIER in stored

    def stamp(self, status: str) -> None:
        for stored in (self.entry, self.record):
            if stored is not None:
                stored["replication_status"] = status


def versions(where: Bucket) -> list[Version]:
    """All versions and delete markers of a bucket, the oldest first."""
    s3 = module("services.s3")
    with s3._in_account(where.account):
        objects = where.record["objects"]
        keys = {key for name, key in s3._object_versions if name == where.name} | set(objects)
    found = [version for key in sorted(keys) for version in versions_of(where, key)]
    return sorted(found, key=lambda version: version.modified)


def versions_of(where: Bucket, key: str) -> list[Version]:
    """The versions and delete markers of one key, the oldest first."""
    with module("services.s3")._in_account(where.account):
        return list(_versions(where, key))


def _versions(where: Bucket, key: str) -> Iterator[Version]:
    s3 = module("services.s3")
    current = where.record["objects"].get(key)
    entries = s3._object_versions.get((where.name, key)) or []
    listed = any(entry["version_id"] == "null" for entry in entries)
    if current is not None and not current.get("version_id") and not listed:
        tags = s3._object_tags.get((where.name, key, None))
        yield Version(key, None, current, s3._read_body(where.name, key, current), tags)
    for entry in entries:
        name = entry["version_id"]
        if entry.get("is_delete_marker"):
            yield Version(key, entry, None)
            continue
        record = s3._object_record_from_version(entry)
        if current is not None and (current.get("version_id") or "null") == name:
            record = current
        record["parts"] = entry.get("parts")
        data = s3._version_body(where.record, where.name, key, entry)
        yield Version(key, entry, record, data, s3._object_tags.get((where.name, key, _sub(name))))


def _sub(version_id: str) -> str | None:
    """A version id as MiniStack's tags, retentions, holds and annotations name it."""
    return None if version_id == "null" else version_id


@dataclass(frozen=True)
class Task:
    """One version under one rule."""

    source: Bucket
    target: Bucket
    role: Role
    rule: Any
    key: str

    @property
    def destination(self) -> Any:
        return self.rule["Destination"]

    def begin(self) -> None:
        """S3 may read the configuration, and a locked bucket has a locked destination.

        (S3 User Guide, "Managing Object Lock", replication.)

        Raises:
            Refused: It may not, or the destination is not; so do the other methods here. With
                which reason a missing permission on a bucket is reported is not recorded.
        """
        self._ask(self.source, [(action, "SrcGetObjectNotPermitted") for action in _ON_SOURCE], "")
        if not may_look(self.source, self.target, self.role):
            raise Refused("DstPutObjectNotPermitted")
        if self.source.locked and not self.target.locked:
            raise Refused("DstBucketObjectLockConfigMissing")

    def read(self) -> None:
        self._ask(self.source, _ON_OBJECT + (_ON_LOCKED if self.source.locked else ()), self.key)

    def may_read_tags(self) -> bool:
        return self.source.allows(self.role, "s3:GetObjectVersionTagging", self.key)

    def write(self, tags: Any) -> None:
        actions = [("s3:ReplicateObject", "DstPutObjectNotPermitted")]
        actions += [("s3:ReplicateTags", "DstPutTaggingNotPermitted")] if tags else []
        allowed = True
        if "AccessControlTranslation" in self.destination:
            # A bucket that owns all its objects needs no permission for it (S3 User Guide,
            # "Changing the replica owner"), but a role that has it should be seen to.
            enforced = module("services.s3")._bucket_owner_enforced(self.target.record)
            action = "s3:ObjectOwnerOverrideToBucketOwner"
            owned = self.target.allows(self.role, action, self.key, policy=not enforced)
            allowed = owned or enforced
        self._ask(self.target, actions, self.key)
        if not allowed:
            raise Refused("DstPutObjectNotPermitted")

    def annotate(self, version: Version, replica: str) -> None:
        """Annotations have a permission of their own on the source, and none on the destination.

        They are encrypted as their object is. Whether the keys are asked anew is not said.
        """
        self._ask(self.source, [(annotations.READ, annotations.NOT_READ)], self.key)
        self.encrypted(version.record["preserved_headers"])
        if self.target.denies(self.role, annotations.WRITE, self.key):
            raise Refused(annotations.NOT_WRITTEN)
        self._ask(self.target, [("s3:ReplicateObject", annotations.NOT_WRITTEN)], self.key)
        if not any(found.id == replica for found in versions_of(self.target, self.key)):
            raise Refused(annotations.NO_VERSION)

    def delete(self) -> None:
        self._ask(self.target, [("s3:ReplicateDelete", "DstDelObjNotPermitted")], self.key)

    def _ask(self, where: Bucket, actions: Sequence[tuple[str, str]], key: str) -> None:
        """Ask for all permissions, then refuse: a test wants to see every permission used."""
        missing = [why for action, why in actions if not where.allows(self.role, action, key)]
        if missing:
            raise Refused(missing[0])

    def encrypted(self, headers: Any) -> dict[str, str]:
        """The replica's headers, with which it is encrypted as the object is.

        SSE-C cannot enter a bucket that blocks it (S3 User Guide, "Blocking or unblocking SSE-C").
        """
        if headers.get(encryption.CUSTOMER):
            if encryption.default(self.target.name).blocks_sse_c:
                raise Refused("DstPutObjectNotPermitted")
            return dict(headers)
        if headers.get(encryption.ALGORITHM) not in encryption.KMS:
            return dict(headers)
        return self._encrypted_by_kms(headers)

    def _encrypted_by_kms(self, headers: Any) -> dict[str, str]:
        """With SSE-KMS and the rule's key (S3 User Guide, "Replicating encrypted objects").

        S3 names the bucket in the encryption context where a Bucket Key is used, else the object.
        """
        chosen = self.destination["EncryptionConfiguration"]["ReplicaKmsKeyID"]
        algorithm = headers[encryption.ALGORITHM]
        old = kms.usable(headers[encryption.KEY], self.source.region)
        new = kms.usable(chosen, self.target.region)
        if old is None:
            raise Refused("SrcKmsKeyInvalidState")
        if new is None:
            found = kms.find(chosen)
            there = found and found["Arn"].split(":")[3] == self.target.region
            raise Refused("DstKmsKeyInvalidState" if there else "DstKmsKeyNotFound")
        # The replica has a Bucket Key if the object has, whatever the destination's default (S3
        # User Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys",
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html).
        bucket_key = encryption.uses_bucket_key(headers)
        new_headers = encryption.kms_headers(algorithm, new["Arn"], bucket_key)
        read = self._context(self.source, bucket_key)
        written = self._context(self.target, bucket_key)
        asked = [("kms:Encrypt", new, written), ("kms:GenerateDataKey", new, written)]
        asked += [("kms:Decrypt", new, written)] if bucket_key else []
        reads = ["kms:Decrypt"]
        reads += ["kms:GenerateDataKey"] if open_points.SOURCE_DATA_KEY.says("yes") else []
        readable = [kms.role_may(self.role, action, old, "s3", s3=read) for action in reads]
        allowed = [kms.role_may(self.role, action, key, "s3", s3=arn) for action, key, arn in asked]
        if not all(readable):
            raise Refused("SrcGetObjectNotPermitted")
        if not all(allowed):
            raise Refused("DstPutObjectNotPermitted")
        others = {name: headers[name] for name in headers if name != encryption.BUCKET_KEY}
        return {**others, **new_headers}

    def _context(self, where: Bucket, bucket_key: bool) -> str:
        return where.arn if bucket_key else f"{where.arn}/{self.key}"


def _task(source: Bucket, key: str, rule: Any, role_arn: str) -> Task:
    """The task, when there are a role to assume and a versioned destination."""
    role = assume(source, role_arn)
    if role is None:
        raise Refused("AssumeRoleNotPermitted")
    target = bucket(rule["Destination"]["Bucket"].rpartition(":::")[2])
    if target is None:
        raise Refused("DstBucketNotFound")
    if not target.versioned:
        raise Refused("DstBucketUnversioned")
    return Task(source, target, role, rule, key)


def configuration(source: Bucket) -> Any:
    """A bucket's replication configuration as it is stored, or None."""
    return module("services.s3")._bucket_replication.get_scoped(source.account, None, source.name)


def rules(source: Bucket, version: Version) -> list[Any]:
    """The rules that act on a version: for each destination the one of highest priority.

    (S3 API, ReplicationRule, Priority.) No rule with a tag filter acts on delete markers, a V1
    rule on all of them, a V2 rule by its DeleteMarkerReplication. Objects with SSE-KMS are skipped
    without a trace where a rule does not want them (S3 User Guide, "What does Amazon S3
    replicate?").
    """
    s3 = module("services.s3")
    if not source.versioned:
        return []
    acting = {}
    found = (configuration(source) or {}).get("Rules", [])
    for rule in sorted(found, key=lambda rule: rule.get("Priority", 0)):
        wanted = s3._replication_rule_tags(rule)
        matches = not wanted if version.marker else wanted.items() <= (version.tags or {}).items()
        prefix = s3._replication_rule_prefix(rule)
        if matches and rule["Status"] == "Enabled" and version.key.startswith(prefix):
            acting[rule["Destination"]["Bucket"]] = rule
    wants = _wants_marker if version.marker else _wants_encrypted
    return [rule for rule in acting.values() if wants(rule, version)]


def _wants_marker(rule: Any, _: Version) -> bool:
    wanted = rule.get("DeleteMarkerReplication", {}).get("Status") == "Enabled"
    return "Filter" not in rule or wanted


def _wants_encrypted(rule: Any, version: Version) -> bool:
    if version.record["preserved_headers"].get(encryption.ALGORITHM) not in encryption.KMS:
        return True
    chosen = rule.get("SourceSelectionCriteria", {}).get("SseKmsEncryptedObjects", {})
    return bool(chosen.get("Status") == "Enabled")


def eligible(source: Bucket, version: Version) -> bool:
    """Whether Batch Replication takes the version up."""
    return not version.archived and bool(rules(source, version))


def archive(name: str, key: str) -> None:
    """Let the newest version of an object be in an Archive tier of Intelligent-Tiering.

    Raises:
        LookupError: There is no such object in that storage class.
    """
    here = bucket(name)
    version = versions_of(here, key)[-1] if here and versions_of(here, key) else None
    stored = [found for found in (version.entry, version.record) if found] if version else []
    if not stored or stored[0].get("storage_class") != "INTELLIGENT_TIERING":
        raise LookupError(f"{name}/{key}")
    for found in stored:
        found[_TIER] = True


def replicate(source: Bucket, version: Version, batch: bool = False) -> str | None:
    """Write the replicas of a version, by all rules that cover it, and stamp its status.

    Args:
        batch: Whether Batch Replication asks, which never brings back what was deleted by its id.

    Returns:
        Why it failed, empty when it did not; None when no rule covers it, or it is archived, which
        changes nothing.
    """
    covering = rules(source, version)
    if not covering or version.archived:
        return None
    reasons = [_replicate(source, version, rule, batch) for rule in covering]
    version.stamp("FAILED" if any(reasons) else "COMPLETED")
    if batch and not any(reasons) and not version.marker:
        # The task fails with its annotations; the object's own status does not (S3 User Guide,
        # "What does Amazon S3 replicate?").
        here = (source.name, version.key, _sub(version.id))
        reasons = [_annotate(source, version, annotations.names(source.account, here))]
    return next(filter(None, reasons), "")


def _replicate(source: Bucket, version: Version, rule: Any, batch: bool) -> str:
    """Write one replica; why the role, the keys or the locks did not allow it."""
    reason = ""
    try:
        task = _task(source, version.key, rule, configuration(source)["Role"])
        task.begin()
        if batch and (task.target.name, version.key, _replica_id(task, version)) in _hard_deleted:
            raise Refused("DstObjectHardDeleted")
        if version.marker:
            _replicate_marker(task, version)
        else:
            _replicate_object(task, version)
    except Refused as refused:
        reason = str(refused)
    metrics.count_operation(source, rule, bool(reason))
    return reason


def _annotate(source: Bucket, version: Version, some: Sequence[str]) -> str:
    """Write annotations of a version onto its replicas; why that was not allowed."""
    covering = rules(source, version)
    if not covering or not some:
        return ""
    reasons = [_annotate_replica(source, version, rule, some) for rule in covering]
    here = (source.name, version.key, _sub(version.id))
    annotations.stamp(source.account, here, some, "FAILED" if any(reasons) else "COMPLETED")
    return next(filter(None, reasons), "")


def _annotate_replica(source: Bucket, version: Version, rule: Any, some: Sequence[str]) -> str:
    try:
        task = _task(source, version.key, rule, configuration(source)["Role"])
        replica = _replica_id(task, version)
        task.annotate(version, replica)
    except Refused as refused:
        return str(refused)
    here, there = _sub(version.id), _sub(replica)
    annotations.write(
        source.account,
        (source.name, version.key, here),
        task.target.account,
        (task.target.name, version.key, there),
        some,
    )
    return ""


def _replica_id(task: Task, version: Version) -> str:
    """The version ID of a replica: once it has one of its own, always the same."""
    made = (task.target.name, version.key, version.id, version.modified)
    point = open_points.MARKER_ID if version.marker else open_points.NULL_REPLICA_ID
    has_own = point.says("new") and (version.marker or version.id == "null")
    return _own_ids.setdefault(made, str(uuid.uuid4())) if has_own else version.id


def _replicate_marker(task: Task, version: Version) -> None:
    task.delete()
    entry = copy.deepcopy(version.entry)
    entry["version_id"] = _replica_id(task, version)
    if open_points.MARKER_DATE.says("arrival"):
        entry.update({_CREATED: version.modified, "last_modified": module("services.s3").now_iso()})
    _insert(task.target, version.key, entry, None)


def _replicate_object(task: Task, version: Version) -> None:
    task.read()
    tags = version.tags
    # Without this permission objects are replicated without their tags.
    if tags and not task.may_read_tags():
        tags = None
    headers = task.encrypted(version.record["preserved_headers"])
    task.write(tags)
    s3, target, name = module("services.s3"), task.target, _replica_id(task, version)
    sub = _sub(name)
    old = copy.deepcopy({k: v for k, v in version.record.items() if k not in ("replicas", "body")})
    replica = {**old, "replication_status": "REPLICA", "preserved_headers": headers}
    replica.update(version_id=sub, body=version.data)
    if task.destination.get("StorageClass"):
        replica["storage_class"] = task.destination["StorageClass"]
    is_hash = headers.get(encryption.ALGORITHM) not in encryption.KMS and not replica.get("parts")
    if not is_hash and open_points.REPLICA_ETAG.says("other"):
        other = hashlib.md5(f"{target.name} {replica['etag']}".encode()).hexdigest()
        replica["etag"] = f'"{other}"'
    entry = s3._version_entry_from_record(replica, name, version.data)
    _insert(target, version.key, entry, replica)
    source = (task.source.name, version.key, _sub(version.id))
    made = (target.name, version.key, sub)
    with s3._in_account(target.account):
        if tags:
            s3._object_tags[made] = dict(tags)
        # The destination's default retention, unless the object brings its own.
        s3._apply_object_lock_from_headers(target.name, version.key, {}, sub)
    _copy_locks(task.source.account, source, target.account, made)
    if open_points.REPLICA_CREATED.says("yes"):
        told = {"size": replica["size"], "etag": replica["etag"], "version_id": sub}
        with module("core.responses").request_scope(target.account, target.region):
            s3._fire_s3_event_async(target.name, version.key, "s3:ObjectCreated:Put", **told)
    version.record.setdefault("replicas", []).append((target.account, made))


def _copy_locks(account: str, version: Any, replica_account: str, replica: Any) -> None:
    """ "S3 replicates the object's retention and legal hold" (S3 User Guide, "Object Lock")."""
    s3 = module("services.s3")
    for store in (s3._object_retention, s3._object_legal_hold):
        lock = store.get_scoped(account, None, version)
        if lock is not None:
            store.set_scoped(replica_account, None, replica, copy.copy(lock))


def _insert(where: Bucket, key: str, entry: Any, record: Any) -> None:
    """Put a version in its place, instead of the one with its id, if any.

    A replica keeps the version id and the creation time of its source (S3 User Guide,
    "Replicating objects within and across Regions"); whether what comes late hides what is newer is
    an open point.
    """
    s3 = module("services.s3")
    entry["replication_status"] = "REPLICA"
    with s3._in_account(where.account):
        objects = where.record["objects"]
        stored = s3._object_versions.setdefault((where.name, key), [])
        s3._preserve_null_version(where.name, key, stored, objects.get(key))
        stored[:] = [other for other in stored if other["version_id"] != entry["version_id"]]
        stored.append(entry)
        if open_points.LATE_REPLICA.says("by_creation"):
            stored.sort(key=_created)
    _mark_latest(stored)
    if stored[-1] is entry and record is None:
        objects.pop(key, None)
    elif stored[-1] is entry:
        objects[key] = record


def _created(entry: Any) -> str:
    return str(entry.get(_CREATED) or entry["last_modified"])


def _mark_latest(stored: list[Any]) -> None:
    for version in stored:
        version["is_latest"] = version is stored[-1]


def _in_order(here: Bucket, key: str, entry: Any, prior: Any) -> None:
    """Put a version that was uploaded in parts where its beginning belongs.

    "The current version is the upload that started most recently" (S3 User Guide, "Uploading and
    copying objects using multipart upload",
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html).
    """
    stored = module("services.s3")._object_versions[here.name, key]
    stored.sort(key=_created)
    _mark_latest(stored)
    if stored[-1] is entry:
        return
    if prior is None:
        here.record["objects"].pop(key, None)
    else:
        here.record["objects"][key] = prior


def _latest(source: str, key: str) -> Any:
    return module("services.s3")._object_versions[source, key][-1]


def _replicate_delete_marker(source: str, key: str) -> None:
    here = bucket(source)
    assert here is not None
    replicate(here, Version(key, _latest(source, key), None))


def install() -> None:  # noqa: C901 - a list of small wrappers
    """Replicate in MiniStack's stead."""
    s3 = module("services.s3")

    def remember(source: str, key: str, obj: Any, data: Any, tags: Any = None) -> None:
        # MiniStack has yet to give the version its id, which the replicas have to have, too.
        obj[_PENDING] = tags

    def recording(original: Any) -> Any:
        def record(name: str, key: str, prior: Any, obj: Any, data: Any) -> Any:
            pending, tags = _PENDING in obj, obj.pop(_PENDING, None)
            # Its date is when the upload began (S3 User Guide, "Working with object metadata",
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html).
            obj["last_modified"] = _began.get() or obj["last_modified"]
            version_id = original(name, key, prior, obj, data)
            here = bucket(name)
            if version_id and here is not None:
                entry = _latest(name, key)
                if _began.get():
                    _in_order(here, key, entry, prior)
                if pending:
                    replicate(here, Version(key, entry, obj, data, tags))
            return version_id

        return record

    def completing(original: Any) -> Any:
        def complete(name: str, key: str, body: bytes, query: Any, headers: Any = None) -> Any:
            upload = s3._multipart_uploads.get(s3._qp(query, "uploadId")) or {}
            token = _began.set(upload.get("created", ""))
            try:
                return original(name, key, body, query, headers)
            finally:
                _began.reset(token)

        return complete

    def locking(original: Any) -> Any:
        # An object gets its lock only after it was replicated.
        def apply(name: str, key: str, headers: Any, version: Any) -> None:
            original(name, key, headers, version)
            obj = s3._buckets[name]["objects"].get(key) or {}
            if obj.get("version_id") == version:
                account = module("core.responses").get_account_id()
                for where, replica in obj.get("replicas", ()):
                    _copy_locks(account, (name, key, version), where, replica)

        return apply

    def annotating(original: Any) -> Any:
        def put(name: str, key: str, body: bytes, headers: Any, query: Any) -> Any:
            answer = original(name, key, body, headers, query)
            here = bucket(name)
            if answer[0] != 200 or here is None:
                return answer
            written = answer[1].get("x-amz-object-version-id", "null")
            version = next(each for each in versions_of(here, key) if each.id == written)
            _annotate(here, version, [s3._qp(query, "annotationName", "")])
            return answer

        return put

    def deleting_version(original: Any) -> Any:
        def delete(where: Any, name: str, key: str, version_id: str) -> Any:
            _hard_deleted.add((name, key, version_id))
            return original(where, name, key, version_id)

        return delete

    def deleting_bucket(original: Any) -> Any:
        def delete(name: str) -> Any:
            answer = original(name)
            if answer[0] == 204:
                for gone in [row for row in _hard_deleted if row[0] == name]:
                    _hard_deleted.discard(gone)
                for made in [row for row in _own_ids if row[0] == name]:
                    del _own_ids[made]
            return answer

        return delete

    wrap(s3, "_maybe_replicate", lambda _: remember)
    wrap(s3, "_maybe_replicate_delete_marker", lambda _: _replicate_delete_marker)
    wrap(s3, "_record_object_version", recording)
    wrap(s3, "_complete_multipart_upload", completing)
    wrap(s3, "_apply_object_lock_from_headers", locking)
    wrap(s3, "_put_object_annotation", annotating)
    wrap(s3, "_delete_object_version", deleting_version)
    wrap(s3, "_delete_bucket", deleting_bucket)
