"""Replication as its role, its keys and Object Lock allow it.

MiniStack replicates whatever the role may do, ignores keys and locks, and applies the first rule
that matches. Here an object is replicated, or its status is FAILED and nothing is written.
"""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from local_aws import encryption, kms, roles
from local_aws.emulator import module, wrap
from local_aws.roles import Role

# S3 User Guide, "Setting up permissions for live replication".
_ON_SOURCE = ("s3:GetReplicationConfiguration", "s3:ListBucket")
_ON_OBJECT = ("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl")
_ON_LOCKED = ("s3:GetObjectRetention", "s3:GetObjectLegalHold")


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


def _all(answers: Iterable[bool]) -> bool:
    """All of them, each having been asked for: a test wants to see every permission used."""
    return all(list(answers))


@dataclass(frozen=True)
class Task:
    """One object, or delete marker, under one rule."""

    source: Bucket
    target: Bucket
    role: Role
    rule: Any
    key: str

    @property
    def destination(self) -> Any:
        return self.rule["Destination"]

    def may_begin(self) -> bool:
        """S3 may read the configuration, and a locked bucket has a locked destination.

        (S3 User Guide, "Managing Object Lock", replication; DstBucketObjectLockConfigMissing.)
        """
        allowed = _all(self.source.allows(self.role, action) for action in _ON_SOURCE)
        return allowed and (self.target.locked or not self.source.locked)

    def may_read(self) -> bool:
        actions = _ON_OBJECT + (_ON_LOCKED if self.source.locked else ())
        return _all(self.source.allows(self.role, action, self.key) for action in actions)

    def may_write(self, tags: Any) -> bool:
        actions = ("s3:ReplicateObject", *(["s3:ReplicateTags"] if tags else []))
        allowed = [self.target.allows(self.role, action, self.key) for action in actions]
        if "AccessControlTranslation" in self.destination:
            # A bucket that owns all its objects needs no permission for it (S3 User Guide,
            # "Changing the replica owner"), but a role that has it should be seen to.
            enforced = module("services.s3")._bucket_owner_enforced(self.target.record)
            action = "s3:ObjectOwnerOverrideToBucketOwner"
            owned = self.target.allows(self.role, action, self.key, policy=not enforced)
            allowed.append(owned or enforced)
        return all(allowed)

    def may_delete(self) -> bool:
        return self.target.allows(self.role, "s3:ReplicateDelete", self.key)

    def encrypted(self, headers: Any) -> dict[str, str] | None:
        """The replica's headers; None when it cannot be encrypted as the object is.

        SSE-C cannot enter a bucket that blocks it (S3 User Guide, "Blocking or unblocking SSE-C").
        """
        if headers.get(encryption.CUSTOMER):
            blocked = encryption.default(self.target.name).blocks_sse_c
            return None if blocked else dict(headers)
        if headers.get(encryption.ALGORITHM) not in encryption.KMS:
            return dict(headers)
        return self._encrypted_by_kms(headers)

    def _encrypted_by_kms(self, headers: Any) -> dict[str, str] | None:
        """With SSE-KMS and the rule's key (S3 User Guide, "Replicating encrypted objects").

        S3 names the bucket in the encryption context where a Bucket Key is used, else the object.
        """
        chosen = self.destination["EncryptionConfiguration"]["ReplicaKmsKeyID"]
        algorithm = headers[encryption.ALGORITHM]
        old = kms.usable(headers[encryption.KEY], self.source.region)
        new = kms.usable(chosen, self.target.region)
        if old is None or new is None:
            return None
        new_headers = encryption.kms_headers(
            algorithm, new["Arn"], encryption.default(self.target.name).bucket_key
        )
        bucket_key = encryption.uses_bucket_key(new_headers)
        read = self._context(self.source, encryption.uses_bucket_key(headers))
        written = self._context(self.target, bucket_key)
        asked = [("kms:Decrypt", old, read)]
        asked += [(action, new, written) for action in ("kms:Encrypt", "kms:GenerateDataKey")]
        asked += [("kms:Decrypt", new, written)] if bucket_key else []
        allowed = _all(
            kms.role_may(self.role, action, key, "s3", s3=arn) for action, key, arn in asked
        )
        others = {name: headers[name] for name in headers if name != encryption.BUCKET_KEY}
        return {**others, **new_headers} if allowed else None

    def _context(self, where: Bucket, bucket_key: bool) -> str:
        return where.arn if bucket_key else f"{where.arn}/{self.key}"


def _task(source: Bucket, key: str, rule: Any, role_arn: str) -> Task | None:
    """The task, when there are a role to assume and a versioned destination."""
    target = bucket(rule["Destination"]["Bucket"].rpartition(":::")[2])
    role = roles.assume(role_arn, "s3.amazonaws.com")
    if role is None or target is None or not target.versioned or target.name == source.name:
        return None
    return Task(source, target, role, rule, key)


def _rules(source: str, key: str, tags: Any, markers: bool = False) -> list[Any]:
    """The rules that act on an object: for each destination the one of highest priority.

    (S3 API, ReplicationRule, Priority.) No rule with a tag filter acts on delete markers.
    """
    s3 = module("services.s3")
    if s3._bucket_versioning.get(source) != "Enabled":
        return []
    acting = {}
    rules = (s3._bucket_replication.get(source) or {}).get("Rules", [])
    for rule in sorted(rules, key=lambda rule: rule.get("Priority", 0)):
        wanted = s3._replication_rule_tags(rule)
        matches = not wanted if markers else wanted.items() <= (tags or {}).items()
        if (
            matches
            and rule["Status"] == "Enabled"
            and key.startswith(s3._replication_rule_prefix(rule))
        ):
            acting[rule["Destination"]["Bucket"]] = rule
    return list(acting.values())


def _covers_kms(rule: Any) -> bool:
    chosen = rule.get("SourceSelectionCriteria", {}).get("SseKmsEncryptedObjects", {})
    return bool(chosen.get("Status") == "Enabled")


def _replicate(source: str, key: str, obj: Any, data: Any, tags: Any = None) -> None:
    """Write the replicas of a new object and stamp its status, for all rules that cover it."""
    s3 = module("services.s3")
    if obj["preserved_headers"].get(encryption.ALGORITHM) in encryption.KMS:
        # Skipped without a trace (S3 User Guide, "What does Amazon S3 replicate?").
        covering = [rule for rule in _rules(source, key, tags) if _covers_kms(rule)]
    else:
        covering = _rules(source, key, tags)
    role = (s3._bucket_replication.get(source) or {}).get("Role", "")
    here = bucket(source)
    assert here is not None
    done = [_replica(_task(here, key, rule, role), obj, data, tags) for rule in covering]
    if done:
        obj["replication_status"] = "COMPLETED" if all(done) else "FAILED"


def _replica(task: Task | None, obj: Any, data: Any, tags: Any) -> bool:
    """Write one replica; whether the role, the keys and the locks allowed it."""
    if task is None or not task.may_begin():
        return False
    if not task.may_read():
        return False
    # Without this permission objects are replicated without their tags.
    if tags and not task.source.allows(task.role, "s3:GetObjectVersionTagging", task.key):
        tags = None
    headers = task.encrypted(obj["preserved_headers"])
    if headers is None or not task.may_write(tags):
        return False
    _write(task, obj, data, tags, headers)
    return True


def _write(task: Task, obj: Any, data: Any, tags: Any, headers: Any) -> None:
    s3, target = module("services.s3"), task.target
    replica = copy.deepcopy({k: v for k, v in obj.items() if k not in ("replicas", "version_id")})
    replica.update(replication_status="REPLICA", preserved_headers=headers)
    if task.destination.get("StorageClass"):
        replica["storage_class"] = task.destination["StorageClass"]
    prior = target.record["objects"].get(task.key)
    target.record["objects"][task.key] = replica
    with s3._in_account(target.account):
        version = s3._record_object_version(target.name, task.key, prior, replica, data)
        if tags:
            s3._object_tags[target.name, task.key, version] = dict(tags)
        # The destination's default retention, unless the object brings its own.
        s3._apply_object_lock_from_headers(target.name, task.key, {}, version)
    obj.setdefault("replicas", []).append((target.account, (target.name, task.key, version)))


def _replicate_delete_marker(source: str, key: str) -> None:
    """Write the delete marker where a rule wants it: V1 always, V2 by DeleteMarkerReplication."""
    s3 = module("services.s3")
    role = (s3._bucket_replication.get(source) or {}).get("Role", "")
    here = bucket(source)
    assert here is not None
    for rule in _rules(source, key, None, markers=True):
        wanted = rule.get("DeleteMarkerReplication", {}).get("Status") == "Enabled"
        if "Filter" in rule and not wanted:
            continue
        task = _task(here, key, rule, role)
        if task and task.may_begin() and task.may_delete():
            objects = task.target.record["objects"]
            with s3._in_account(task.target.account):
                s3._record_delete_marker(task.target.name, key, objects.get(key))
            objects.pop(key, None)


def install() -> None:
    """Replicate in MiniStack's stead."""
    s3 = module("services.s3")

    def locking(original: Any) -> Any:
        # "S3 replicates the object's retention and legal hold" (S3 User Guide, "Managing Object
        # Lock"). The object gets them only after MiniStack has had it replicated.
        def apply(name: str, key: str, headers: Any, version: Any) -> None:
            original(name, key, headers, version)
            obj = s3._buckets[name]["objects"].get(key) or {}
            for account, replica in obj.get("replicas", ()):
                for store in (s3._object_retention, s3._object_legal_hold):
                    lock = store.get((name, key, version))
                    if lock is not None:
                        store.set_scoped(account, None, replica, copy.copy(lock))

        return apply

    wrap(s3, "_maybe_replicate", lambda _: _replicate)
    wrap(s3, "_maybe_replicate_delete_marker", lambda _: _replicate_delete_marker)
    wrap(s3, "_apply_object_lock_from_headers", locking)
