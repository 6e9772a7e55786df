"""What a red test says: pytest's DID NOT RAISE does not tell what should have failed, and how.

Tests are named in sentences, so the name is what was expected. The conftest.py of all tests imports
it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
    """Say which statement raised nothing, and in which sentence that was expected."""
    error = call.excinfo and call.excinfo.value
    if isinstance(error, pytest.fail.Exception) and str(error).startswith("DID NOT RAISE"):
        statements = [entry.statement for entry in call.excinfo.traceback]
        raising = next((each for each in reversed(statements) if "raises(" in str(each)), "")
        sentence = item.name.removeprefix("test_").replace("_", " ")
        error.msg = f"{error.msg}: it was expected that {sentence}, but nothing was raised here:\n"
        error.msg += str(raising)
    return (yield)
