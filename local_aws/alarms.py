"""CloudWatch's DescribeAlarms in the query protocol, which the AWS provider speaks.

MiniStack's answer leaves out most of an alarm there, so that every plan would change it again. Its
JSON answer has all of it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from local_aws.emulator import module, wrap


def install() -> None:
    """Answer with whole alarms."""

    def whole(original: Any) -> Any:
        def describe(
            params: Mapping[str, Any], data: Any, is_cbor: bool, is_json: bool = False
        ) -> Any:
            if is_cbor or is_json:
                return original(params, data, is_cbor, is_json)
            status, _, body = original({}, _asked(params), False, True)
            if status != 200:
                return original(params, data, is_cbor, is_json)
            inner = f"<DescribeAlarmsResult>{_xml(json.loads(body))}</DescribeAlarmsResult>"
            return module("services.cloudwatch")._xml(200, "DescribeAlarmsResponse", inner)

        return describe

    wrap(module("services.cloudwatch"), "_describe_alarms", whole)


def _asked(params: Mapping[str, Any]) -> dict[str, Any]:
    """The request's parameters as JSON has them."""
    asked: dict[str, Any] = {}
    for key, value in params.items():
        text = value[0] if isinstance(value, list) else value
        if found := re.fullmatch(r"(\w+)\.member\.\d+", key):
            asked.setdefault(found[1], []).append(text)
        else:
            asked[key] = text
    return asked


def _xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(
            f"<{key}>{_xml(each)}</{key}>"
            for key, each in value.items()
            # Stored as numbers, which this protocol does not know as times.
            if each is not None and not key.endswith("Timestamp")
        )
    if isinstance(value, list):
        return "".join(f"<member>{_xml(each)}</member>" for each in value)
    return str(value).lower() if isinstance(value, bool) else escape(str(value))
