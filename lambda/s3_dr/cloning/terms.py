"""What the parts of a source's configuration are called where the twin is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_ARN = re.compile(r"arn:(aws[a-z-]*):s3:::([^/:*?]+)(/.*)?", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class Terms:
    """What stands for what, from one source bucket to its twin.

    Attributes:
        source: the source bucket's name.
        twin: the twin's name.
        source_account: the source bucket's account.
        dr_account: the twin's account; the same one, perhaps.
        source_region: the source bucket's region.
        dr_region: the twin's region.
        replica_key_arn: the KMS key of the DR region; empty if there is none.
        role_arns: the roles that make, check and fill the twin, which nothing cloned may lock out.
        given: the user's own translations, from exact string to exact string.
        partition: that of both regions.
    """

    source: str
    twin: str
    source_account: str
    dr_account: str
    source_region: str
    dr_region: str
    replica_key_arn: str = ""
    role_arns: frozenset[str] = frozenset()
    given: Mapping[str, str] | None = None
    partition: str = "aws"

    @property
    def has_two_accounts(self) -> bool:
        """Whether the twin belongs to another account than its source."""
        return self.source_account != self.dr_account

    @property
    def twin_arn(self) -> str:
        """The twin's ARN."""
        return f"arn:{self.partition}:s3:::{self.twin}"

    def user_says(self, text: str) -> str | None:
        """The user's translation of exactly this string, or None."""
        return (self.given or {}).get(text)

    def account(self, account_id: str) -> str:
        """An account: the source's becomes the twin's, any other stays."""
        return self.dr_account if account_id == self.source_account else account_id

    def bucket(self, name: str) -> str | None:
        """A bucket that is named as a target: the user's, the twin for the source itself, or None.

        Every other bucket is in the source region, where a twin must not send anything.
        """
        return self.user_says(name) or (self.twin if name == self.source else None)

    def bucket_arn(self, arn: str) -> str | None:
        """The same for a target that is named by its ARN."""
        if said := self.user_says(arn):
            return said
        match = _ARN.fullmatch(arn)
        target = self.bucket(match[2]) if match and not match[3] else None
        return f"arn:{match[1]}:s3:::{target}" if match and target else None

    def own_arn(self, arn: str) -> str | None:
        """An ARN of the source bucket or of objects in it, as the twin's; None for any other.

        Only the whole name counts: ``orders`` is not ``orders-archive``.
        """
        match = _ARN.fullmatch(arn)
        if not match or match[2] != self.source:
            return None
        return f"arn:{match[1]}:s3:::{self.twin}{match[3] or ''}"
