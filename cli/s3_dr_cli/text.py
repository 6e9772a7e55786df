"""Strings that others wrote, such as tags, names and errors of AWS, made fit to be printed."""

from __future__ import annotations

import unicodedata

from botocore.exceptions import ClientError

# Controls, invisible formats (they can turn the direction of a line), halves of characters, and
# what breaks lines: a terminal obeys them, and a name could then say something else than it is.
_NOT_PRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain(value: object) -> str:
    """The text on one line, with a visible escape for every character a terminal would obey."""
    return "".join(
        ascii(each)[1:-1] if unicodedata.category(each) in _NOT_PRINTABLE else each
        for each in str(value)
    )


def one_line(value: object) -> str:
    """The text with every run of white space as one blank."""
    return plain(" ".join(str(value).split()))


def error_code(error: ClientError) -> str:
    """AWS's code for what went wrong; a HEAD request has only the status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_message(error: ClientError) -> str:
    """AWS's own words."""
    return one_line(error.response.get("Error", {}).get("Message", "") or error)


def amount(number: int, noun: str, nouns: str = "") -> str:
    """A number with its noun, such as ``1,200 buckets``."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
