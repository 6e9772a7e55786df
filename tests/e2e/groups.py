"""Which end-to-end tests run in one process, where there are several."""

from __future__ import annotations

import re

# What lies in two accounts has installations of its own, and so a process of its own.
_TWO_ACCOUNTS = re.compile(
    r"\btest_two_accounts\b|_in_two_accounts\b|\[.*(cross_account|everything)"
)


def is_in_two_accounts(nodeid: str) -> bool:
    """Tells by a test's name whether it is about what lies in two accounts."""
    return bool(_TWO_ACCOUNTS.search(nodeid))
