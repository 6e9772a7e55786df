"""What ends a command early."""

from __future__ import annotations


class Refused(Exception):
    """AWS said no, or cannot be reached; the message is one sentence for a person."""


class FunctionFailed(Refused):
    """A function ended with an error.

    Attributes:
        kind: the error's type, such as ``ClientError``.
        message: what the function said of it.
    """

    def __init__(self, function: str, kind: str, message: str) -> None:
        super().__init__(f"The function {function} failed: {kind}: {message}")
        self.kind = kind
        self.message = message
