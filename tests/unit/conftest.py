"""What the unit tests share."""

from functional.sentences import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]
