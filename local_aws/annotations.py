"""Annotations of objects, on their way to replicas (S3 User Guide, "Replicating annotations",
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-example-walkthroughs.html).

MiniStack serves them. Each is replicated by itself when it is put, and with its object in a job; a
deletion is not. What CopyObject brings along is replicated by a job only, here.
"""

from collections.abc import Iterable
from typing import Any

from local_aws.emulator import module

READ = "s3:GetObjectVersionAnnotationForReplication"
NOT_READ = "SrcGetObjectAnnotationNotPermitted"
# The destination needs no permission but ``s3:ReplicateObject``, and can deny this.
WRITE = "s3:ReplicateObjectAnnotation"
# S3 has a reason for it whose name is in no document that was found; this one is made up.
NOT_WRITTEN = "DstPutObjectAnnotationNotPermitted"
NO_VERSION = "DstVersionNotFound"

# Bucket, key, and version ID or None, as MiniStack keeps them.
_Place = tuple[str, str, str | None]


def names(account: str, place: _Place) -> list[str]:
    """The annotations of a version."""
    return sorted(_of(account, place))


def write(source: str, version: _Place, target: str, replica: _Place, some: Iterable[str]) -> None:
    """Write annotations of a version onto its replica; those that the replica has stay.

    Args:
        source: The account of the version.
        target: The account of the replica.
    """
    found, made = _of(source, version), dict(_of(target, replica))
    made.update({name: {**found[name], "replication_status": "REPLICA"} for name in some})
    _store().set_scoped(target, None, replica, made)


def stamp(account: str, version: _Place, some: Iterable[str], status: str) -> None:
    """Say of annotations how their replication ended."""
    for name in some:
        _of(account, version)[name]["replication_status"] = status


def _of(account: str, place: _Place) -> dict[str, Any]:
    return _store().get_scoped(account, None, place) or {}


def _store() -> Any:
    return module("services.s3")._object_annotations
