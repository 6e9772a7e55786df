"""Structured logs: one JSON object a line on standard output.

Lambda's own JSON formatter exists only inside its runtime. This one is the same everywhere, so
that what the tests read is what CloudWatch gets; Lambda passes lines that are JSON already through
as they are and filters them by their ``level``.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

LOGGER = logging.getLogger("s3_dr")

# Lambda takes a level that is none of its own for INFO.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
_LEVELS = {"CRITICAL": "FATAL", "WARNING": "WARN"}


class JsonFormatter(logging.Formatter):
    """Writes timestamp, level, message and the fields given as ``extra={"fields": {...}}``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; values that JSON does not know are written as text."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "timestamp": f"{stamp}.{int(record.msecs):03d}Z",
            "level": _LEVELS.get(record.levelname, record.levelname),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: str) -> None:
    """Give our logger its handler, once a process; an unknown level is INFO."""
    if not LOGGER.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonFormatter())
        LOGGER.addHandler(handler)
        # The runtime's root handler would write every line a second time.
        LOGGER.propagate = False
    LOGGER.setLevel(logging.getLevelNamesMapping().get(level.upper(), logging.INFO))
