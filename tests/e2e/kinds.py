"""The kinds of buckets there are, made as a user would make them, and how each must end."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from harness.deployment import PATIENCE, Deployment

TAG = {"Key": "dr", "Value": "true"}
# Name -> algorithm, whose key, S3 Bucket Key. There are no Bucket Keys for SSE-S3 and DSSE-KMS.
ENCRYPTIONS = {
    "s3": ("AES256", "", False),
    "kms": ("aws:kms", "own", False),
    "kms-bk": ("aws:kms", "own", True),
    "awskms": ("aws:kms", "", False),
    "awskms-bk": ("aws:kms", "", True),
    "dsse": ("aws:kms:dsse", "own", False),
}
LOCKS = ("open", "locked", "retained")
RULES = ("alone", "ours", "theirs", "v1")
RETENTION = {"Mode": "GOVERNANCE", "Days": 2}
# What a user can see of a bucket: the client's method and the error that says "nothing".
_LOOKS = {
    "get_bucket_encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "get_bucket_policy": "NoSuchBucketPolicy",
    "get_bucket_replication": "ReplicationConfigurationNotFoundError",
    "get_bucket_tagging": "NoSuchTagSet",
    "get_bucket_versioning": "",
    "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
}


@dataclass(frozen=True)
class Kind:
    """One kind of source bucket: its default encryption, its lock, the rules that it has."""

    encryption: str
    lock: str
    rules: str

    def __str__(self) -> str:
        return f"{self.encryption}-{self.lock}-{self.rules}"

    @property
    def is_kms(self) -> bool:
        return self.encryption != "s3"

    def reason(self, has_dr_key: bool) -> str:
        """Why such a bucket is blocked; empty when it is protected."""
        if self.is_kms and not has_dr_key:
            return "KMS_WITHOUT_DR_KEY"
        return {"theirs": "FOREIGN_REPLICATION_ROLE", "v1": "V1_REPLICATION_RULES"}.get(
            self.rules, ""
        )


KINDS = [Kind(*each) for each in itertools.product(ENCRYPTIONS, LOCKS, RULES)]


def meetings(kind: Kind, has_dr_key: bool) -> set[tuple[str, str, bool]]:
    """Which two values meet in a kind; and, if it is protected, which two are protected together.

    A bucket that is blocked for one value says nothing of what another value would have done.
    """
    ends = {False, not kind.reason(has_dr_key)}
    return {(*two, end) for two in itertools.combinations(astuple(kind), 2) for end in ends}


def pairwise(has_dr_key: bool) -> list[Kind]:
    """Some kinds, in which all meet that meet in any kind."""
    missing = set().union(*(meetings(kind, has_dr_key) for kind in KINDS))
    chosen = []
    while missing:
        chosen.append(max(KINDS, key=lambda kind: len(meetings(kind, has_dr_key) & missing)))
        missing -= meetings(chosen[-1], has_dr_key)
    return sorted(chosen, key=KINDS.index)


class Matrix:
    """One bucket of each of some kinds in one deployment, made, tagged and checked.

    Attributes:
        before: what each bucket looked like when it had been tagged and nobody knew.
        endless: of each bucket that came to no end, a sentence that says what was seen of it.
        records: what the functions logged about each, oldest first.
    """

    def __init__(self, stack: Deployment, prefix: str, kinds: list[Kind]) -> None:
        self.stack = stack
        self._prefix = prefix
        kms = stack.client("kms", stack.source_region)
        self._key = kms.create_key(Description="of the user's own")["KeyMetadata"]["Arn"]
        self._other = stack.create_bucket(f"{prefix}-other", region=stack.dr_region, versioned=True)
        with stack.events_lost(), ThreadPoolExecutor(4) as pool:
            list(pool.map(self._make, kinds))
        self.before = {kind: look(stack.source_s3, self.bucket(kind)) for kind in kinds}
        began = time.time()
        self.endless = check_each(stack, [self.bucket(kind) for kind in kinds])
        found = checks(stack, began)
        self.records = {
            kind: [each for each in found if each.get("bucket") == self.bucket(kind)]
            for kind in kinds
        }

    def bucket(self, kind: Kind) -> str:
        return f"{self._prefix}-{kind}"

    def _make(self, kind: Kind) -> None:
        s3, bucket = self.stack.source_s3, self.bucket(kind)
        self.stack.create_bucket(bucket, lock=kind.lock != "open", versioned=kind.rules != "alone")
        algorithm, key, bucket_key = ENCRYPTIONS[kind.encryption]
        if kind.is_kms:
            default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": self._key} if key else {})
            encrypt(s3, bucket, default, bucket_key)
        if kind.lock == "retained":
            s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=locked())
        if kind.rules != "alone":
            replication = {
                "Role": f"arn:aws:iam::{self.stack.account}:role/theirs"
                if kind.rules == "theirs"
                else self.stack.replication_role_arn,
                "Rules": [foreign_rule(self._other, v1=kind.rules == "v1")],
            }
            s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=replication)
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [TAG]})


def check(stack: Deployment, buckets: Iterable[str]) -> None:
    """Ask for a check of all of them, and wait until each has come to an end."""
    endless = check_each(stack, buckets)
    assert not endless, "\n".join(endless.values())


def check_each(stack: Deployment, buckets: Iterable[str]) -> dict[str, str]:
    """Ask for a check of each, wait, and tell of each that came to no end what was seen of it.

    The end is a rule, or a record that says why there is none.
    """
    asked, since = list(buckets), time.time()
    for bucket in asked:
        stack.request_check(bucket)
    with suppress(AssertionError):  # whichever is still worked at has no end in the records
        stack.settle(PATIENCE + 10 * len(asked))
    found, endless = checks(stack, since), {}
    for bucket in asked:
        seen = [each for each in found if each.get("bucket") == bucket]
        if not any(is_end(record) for record in seen):
            endless[bucket] = f"{bucket} was checked and came to no end; its records: {seen}"
    return endless


def is_end(record: dict[str, Any]) -> bool:
    """Whether no function is asked for anything after this record."""
    return record["function"] == "enable_replication" or record["outcome"] in ("blocked", "ignored")


def checks(stack: Deployment, since: float) -> list[dict[str, Any]]:
    """What was logged since, but for the events of our own calls, which are dropped at the door."""
    return [each for each in stack.records(since=since) if each.get("reason") != "OWN_EVENT"]


def put_tags(stack: Deployment, bucket: str, **tags: str) -> None:
    """Gives a source bucket these tags, and no others."""
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    stack.source_s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": pairs})


def encrypt(s3: Any, bucket: str, default: dict[str, str], bucket_key: bool) -> None:
    """Gives a bucket a default encryption."""
    rule = {
        "ApplyServerSideEncryptionByDefault": default,
        "BucketKeyEnabled": bucket_key,
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def locked(retention: dict[str, Any] | None = None) -> dict[str, Any]:
    """A bucket's Object Lock configuration with a default retention."""
    return {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": retention or RETENTION},
    }


def foreign_rule(target: str, v1: bool = False) -> dict[str, Any]:
    """A replication rule of somebody else's, for other objects than the tests put."""
    rule = {
        "ID": "theirs",
        "Status": "Enabled",
        "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
    }
    if v1:
        return {**rule, "Prefix": "logs/"}
    delete_markers = {"Status": "Disabled"}
    return {
        **rule,
        "Priority": 7,
        "Filter": {"Prefix": "logs/"},
        "DeleteMarkerReplication": delete_markers,
    }


def look(s3: Any, bucket: str) -> dict[str, Any]:
    """All that a user can see of a bucket."""
    seen = {}
    for method, absent in _LOOKS.items():
        try:
            answer = getattr(s3, method)(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != absent:
                raise
            answer = {}
        seen[method] = {key: each for key, each in answer.items() if key != "ResponseMetadata"}
    return seen


def our_rule(stack: Deployment, bucket: str, **changed: Any) -> dict[str, Any]:
    """The rule that a bucket of the plain profile must have, but for what is said to differ."""
    destination: dict[str, Any] = {
        "Bucket": f"arn:aws:s3:::{stack.twin(bucket)}",
        "Account": stack.dr_account,
    }
    rule: dict[str, Any] = {
        "ID": stack.name,
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": destination,
    }
    if stack.has_two_accounts:
        destination["AccessControlTranslation"] = {"Owner": "Destination"}
    if stack.dr_key_arn:
        destination["EncryptionConfiguration"] = {"ReplicaKmsKeyID": stack.dr_key_arn}
        rule["SourceSelectionCriteria"] = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    destination |= changed.pop("destination", {})
    return {**rule, **changed}


def rules(stack: Deployment, bucket: str) -> dict[str, Any]:
    """The rules of a bucket of either region."""
    region = stack.source_s3.head_bucket(Bucket=bucket)["BucketRegion"]
    return stack.rules(bucket) if region == stack.source_region else {}


def take_away_rules_of_others(stack: Deployment) -> None:
    """Removes what tests have left under our role, so that the buckets can be let go."""
    for bucket in [each["Name"] for each in stack.source_s3.list_buckets()["Buckets"]]:
        if set(rules(stack, bucket)) - {stack.name}:
            stack.source_s3.delete_bucket_replication(Bucket=bucket)


def under_our_role(stack: Deployment, bucket: str) -> None:
    """Gives a bucket another rule, under the role of ours."""
    found = stack.source_s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
    theirs = {**found["Rules"][0], "ID": "theirs", "Priority": 7, "Filter": {"Prefix": "theirs/"}}
    stack.source_s3.put_bucket_replication(
        Bucket=bucket,
        ReplicationConfiguration={"Role": found["Role"], "Rules": [*found["Rules"], theirs]},
    )


def tomorrow() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
