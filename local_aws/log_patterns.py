"""Filter patterns of CloudWatch Logs for records in JSON, as far as comparisons with texts go.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import json
import re
from typing import Any

_TOKENS = re.compile(
    r'\s*(?:(?P<mark>\(|\)|&&|\|\|)|\$\.(?P<field>[\w.]+)\s*(?P<sign>!?=)\s*"(?P<text>[^"]*)")'
)


def matches(pattern: str, message: str) -> bool:
    """Whether a log record matches a pattern in braces; an empty pattern matches all.

    Raises:
        ValueError: the pattern says what is not known here.
    """
    if not pattern:
        return True
    inner = pattern.strip()
    if not (inner.startswith("{") and inner.endswith("}")):
        raise ValueError(f"This is no filter pattern for JSON: {pattern}")
    try:
        record = json.loads(message)
    except ValueError:
        record = None
    words, rest = [], inner[1:-1].rstrip()
    while rest:
        found = _TOKENS.match(rest)
        if found is None:
            raise ValueError(f"This part of the filter pattern {pattern} is not known: {rest}")
        words.append(found["mark"] or _holds(record, found["field"], found["sign"], found["text"]))
        rest = rest[found.end() :]
    held, left = _either(words, pattern)
    if left:
        raise ValueError(f"The filter pattern {pattern} goes on after its end")
    return held and isinstance(record, dict)


def _holds(record: Any, field: str, sign: str, text: str) -> bool:
    for key in field.split("."):
        record = record.get(key) if isinstance(record, dict) else None
    # What is not there is neither equal nor unequal.
    return record is not None and (record == text) == (sign == "=")


def _either(words: list[Any], pattern: str) -> tuple[bool, list[Any]]:
    held, words = _both(words, pattern)
    while words and words[0] == "||":
        other, words = _both(words[1:], pattern)
        held = held or other
    return held, words


def _both(words: list[Any], pattern: str) -> tuple[bool, list[Any]]:
    held, words = _one(words, pattern)
    while words and words[0] == "&&":
        other, words = _one(words[1:], pattern)
        held = held and other
    return held, words


def _one(words: list[Any], pattern: str) -> tuple[bool, list[Any]]:
    if words and words[0] == "(":
        held, words = _either(words[1:], pattern)
        if words and words[0] == ")":
            return held, words[1:]
    elif words and isinstance(words[0], bool):
        return words[0], words[1:]
    raise ValueError(f"The filter pattern {pattern} is not whole")
