"""What IAM was asked about a role, and what it said.

A test reads it to prove that every action a role grants is used and that none is missing.
"""

import threading
from collections import Counter
from typing import Any

from local_aws.emulator import module, wrap

_counts: Counter[tuple[str, str, str, bool]] = Counter()
_lock = threading.Lock()


def record(role: str, account: str, action: str, allowed: bool) -> None:
    """Count one answer."""
    with _lock:
        _counts[role, account, action, allowed] += 1


def rows() -> list[dict[str, Any]]:
    """Each role, account, action and answer once, with how often it was given; sorted."""
    names = ("role", "account", "action", "allowed")
    with _lock:
        found = sorted(_counts.items())
    return [{**dict(zip(names, key, strict=True)), "count": count} for key, count in found]


def clear() -> None:
    """Forget all answers."""
    with _lock:
        _counts.clear()


def record_caller(arn: str, action: str, allowed: bool) -> None:
    """Count an answer given to a caller, when it is a role's session."""
    if ":assumed-role/" in arn:
        record(arn.split("/")[1], arn.split(":")[4], action, allowed)


def install() -> None:
    """Listen where MiniStack asks IAM."""
    iam, responses = module("core.iam_evaluator"), module("core.responses")

    def enforcing(original: Any) -> Any:
        def enforce(access_key: str, action: str, *arguments: Any, **keywords: Any) -> Any:
            answer = original(access_key, action, *arguments, **keywords)
            if not isinstance(answer, iam.AuthError):
                # A role's session may act in the scope of another account, or of none.
                account = responses._account_from_sts_session(access_key)
                credential = iam.resolve_credential(access_key, account)
                arn = getattr(credential, "principal_arn", "")
                record_caller(arn, action, answer is None)
            return answer

        return enforce

    wrap(iam, "enforce", enforcing)
