"""Whether a twin has what its source has, whichever IDs S3 gives to replicas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Row = tuple[str, str, bool]  # key, version ID, and whether it is a delete marker


def is_same(source: Sequence[Row], twin: Sequence[Row], points: Mapping[str, str]) -> bool:
    """Tells whether the twin has every version of its source, and nothing else.

    Args:
        source: The versions of the source, in any order.
        twin: Those of the twin.
        points: Which variants hold on the local AWS. Where the replica of a delete marker or of a
            null version has an ID of its own, any ID will do.
    """

    def has_other_id(row: Row) -> bool:
        name = "marker_id" if row[2] else "null_replica_id"
        return points[name] == "new" and (row[2] or row[1] == "null")

    kept = {row for row in source if not has_other_id(row)}
    others = sorted((row[0], row[2]) for row in source if has_other_id(row))
    return kept <= set(twin) and others == sorted((r[0], r[2]) for r in twin if r not in kept)
