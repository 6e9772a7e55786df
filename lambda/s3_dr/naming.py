"""Bucket names: which we accept, and what a twin is called."""

from __future__ import annotations

import hashlib
import re

MAX_LENGTH = 63
_HASH_LENGTH = 8

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_IP_ADDRESS = re.compile(r"(\d{1,3}\.){3}\d{1,3}", re.ASCII)
# Reserved beginnings that buckets of before the rule may have; a twin of theirs could not be made.
_RESERVED = ("xn--", "sthree-", "amzn-s3-demo-")
# Directory, table, Multi-Region and Outposts buckets and access-point aliases are no
# general-purpose buckets; S3 refuses these endings for such.
_OTHER_KINDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def is_bucket_name(name: object) -> bool:
    """Whether ``name`` can be the name of a general-purpose bucket of today's rules.

    Names that only older rules allowed (upper case, underscores, up to 255 characters, reserved
    beginnings) are not: S3 would not let their twin be made.
    """
    return (
        isinstance(name, str)
        and _NAME.fullmatch(name) is not None
        and ".." not in name
        and _IP_ADDRESS.fullmatch(name) is None
        and not name.startswith(_RESERVED)
        and not name.endswith(_OTHER_KINDS)
    )


def twin_name(bucket: str, suffix: str) -> str:
    """The name of the bucket's twin: deterministic, at most 63 characters.

    ``<bucket><suffix>`` where that fits. A longer one is cut, and eight hexadecimal characters of
    the SHA-256 of the whole source name keep two long names with one beginning apart.
    """
    if len(bucket) + len(suffix) <= MAX_LENGTH:
        return bucket + suffix
    digest = hashlib.sha256(bucket.encode()).hexdigest()[:_HASH_LENGTH]
    kept = bucket[: MAX_LENGTH - len(suffix) - _HASH_LENGTH - 1].rstrip(".-")
    return f"{kept}-{digest}{suffix}"
