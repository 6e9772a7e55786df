"""CloudWatch's alarms: what they watch, and DescribeAlarms in the query protocol.

MiniStack's answer leaves out most of an alarm in that protocol, which the AWS provider speaks, so
that every plan would change it again. Its JSON answer has all of it.

Its alarms know no dimensions and no missing data, and nothing is published of queues and of what
metric filters find. Here whoever asks for alarms is told what they say at that moment:

- ``ApproximateNumberOfMessagesVisible`` is how many messages can be received, by ``QueueName``
  (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
- A record that matches a metric filter is worth the filter's value, at the record's time; without a
  default value, others are worth nothing
  (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html).
- An alarm watches the one metric of its namespace, name and dimensions, over its periods up to now.
  ``TreatMissingData`` says what a time without data means
  (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html).
"""

import json
import operator
import re
import time
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from local_aws import log_patterns
from local_aws.emulator import module, wrap

_COMPARED = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}
_MISSING = {"breaching": "ALARM", "missing": "INSUFFICIENT_DATA", "notBreaching": "OK"}


def install() -> None:
    """Watch what alarms are about, and answer with whole alarms."""

    def whole(original: Any) -> Any:
        def describe(
            params: Mapping[str, Any], data: Any, is_cbor: bool, is_json: bool = False
        ) -> Any:
            module("services.cloudwatch")._evaluate_all_alarms()
            if is_cbor or is_json:
                return original(params, data, is_cbor, is_json)
            status, _, body = original({}, _asked(params), False, True)
            if status != 200:
                return original(params, data, is_cbor, is_json)
            inner = f"<DescribeAlarmsResult>{_xml(json.loads(body))}</DescribeAlarmsResult>"
            return module("services.cloudwatch")._xml(200, "DescribeAlarmsResponse", inner)

        return describe

    wrap(module("services.cloudwatch"), "_describe_alarms", whole)
    wrap(module("services.cloudwatch"), "_evaluate_alarm", lambda original: _evaluate)


def _evaluate(alarm: dict[str, Any]) -> None:
    """Give an alarm the state that the data of its own metric call for."""
    cloudwatch = module("services.cloudwatch")
    seconds = alarm["Period"] * alarm["EvaluationPeriods"]
    points = [each for each in _points(alarm) if each["Timestamp"] >= time.time() - seconds]
    before = alarm["StateValue"]
    missing = alarm.get("TreatMissingData") or "missing"
    if points:
        statistic = alarm["Statistic"]
        value = cloudwatch._calc_stats(points)[statistic]
        breached = _COMPARED[alarm["ComparisonOperator"]](value, alarm["Threshold"])
        state, reason = "ALARM" if breached else "OK", f"The {statistic} is {value}"
    else:
        state, reason = _MISSING.get(missing, before), f"There are no data, which is {missing}"
    if state != before:
        alarm |= {
            "StateReason": reason,
            "StateUpdatedTimestamp": int(time.time()),
            "StateValue": state,
        }
        cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
        cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)


def _points(alarm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is published under an alarm's namespace, metric and dimensions."""
    cloudwatch = module("services.cloudwatch")
    metric = (alarm.get("Namespace"), alarm.get("MetricName"))
    dimensions = cloudwatch._dims_from_list(alarm.get("Dimensions") or [])
    found = list(cloudwatch._metrics.get((*metric, cloudwatch._dims_key(dimensions))) or ())
    if metric == ("AWS/SQS", "ApproximateNumberOfMessagesVisible"):
        found += _of_queues(dimensions)
    return found if dimensions else found + _of_filters(metric)


def _of_queues(dimensions: Mapping[str, str]) -> list[dict[str, Any]]:
    sqs = module("services.sqs")
    found = []
    for _, queue in sqs._queues.items():
        attributes = queue["attributes"]
        if dimensions == {"QueueName": attributes["QueueArn"].rpartition(":")[2]}:
            sqs._refresh_counts(queue)
            value = float(attributes["ApproximateNumberOfMessages"])
            found.append({"Timestamp": time.time(), "Value": value})
    return found


def _of_filters(metric: tuple[Any, Any]) -> list[dict[str, Any]]:
    logs = module("services.cloudwatch_logs")
    return [
        {"Timestamp": event["timestamp"] / 1000, "Value": float(each["metricValue"])}
        for (group, _), filter_ in logs._metric_filters.items()
        for each in filter_["metricTransformations"]
        if (each["metricNamespace"], each["metricName"]) == metric
        for stream in logs._log_groups[group]["streams"].values()
        for event in list(stream["events"])
        if log_patterns.matches(filter_["filterPattern"], event["message"])
    ]


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
