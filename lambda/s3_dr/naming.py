"""Bucket names: which we accept, and what a twin is called."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

MAX_LENGTH = 63
_HASH_LENGTH = 12

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


@dataclass(frozen=True)
class TwinNames:
    """How twins are called.

    Attributes:
        prefix: put before the source bucket's name; may be empty.
        suffix: put behind it.
        namespace_tail: what ends every name of the account's own namespace; empty without.
    """

    prefix: str
    suffix: str
    namespace_tail: str = ""

    @property
    def pattern(self) -> str:
        """What the names of all twins match."""
        return f"{self.prefix}*{self.suffix}{self.namespace_tail}"

    def of(self, bucket: str) -> str:
        """The name of the bucket's twin: deterministic, at most 63 characters.

        A name that would be longer is cut, and twelve hexadecimal characters of the SHA-256 of the
        whole source name keep two long names with one beginning apart.
        """
        tail = self.suffix + self.namespace_tail
        if len(self.prefix) + len(bucket) + len(tail) <= MAX_LENGTH:
            return self.prefix + bucket + tail
        digest = hashlib.sha256(bucket.encode()).hexdigest()[:_HASH_LENGTH]
        room = MAX_LENGTH - len(self.prefix) - len(tail) - _HASH_LENGTH - 1
        return f"{self.prefix}{bucket[:room].rstrip('.-')}-{digest}{tail}"


def account_regional_tail(account: str, region: str) -> str:
    """What ends every bucket name that only this account can have, in this region.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
    """
    return f"-{account}-{region}-an"
