"""The local AWS describes alarms in full, in the protocol that Terraform's provider speaks too."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from typing import Any
from xml.etree import ElementTree

import pytest

from local_aws import log_patterns
from local_aws.tests.lab import ACCOUNT, REGION, Lab

_NS = "{http://monitoring.amazonaws.com/doc/2010-08-01/}"
ALARM: dict[str, Any] = {
    "ActionsEnabled": True,
    "AlarmDescription": "more than <none> & too many",
    "AlarmName": "described",
    "ComparisonOperator": "GreaterThanThreshold",
    "Dimensions": [{"Name": "QueueName", "Value": "failures"}],
    "EvaluationPeriods": 1,
    "MetricName": "ApproximateNumberOfMessagesVisible",
    "Namespace": "AWS/SQS",
    "Period": 300,
    "Statistic": "Maximum",
    "Threshold": 0.0,
    "TreatMissingData": "ignore",
}


def test_an_alarm_is_described_in_full_by_the_query_protocol(lab: Lab) -> None:
    lab.server.client("cloudwatch", REGION).put_metric_alarm(
        **ALARM, AlarmActions=[f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"]
    )

    [found] = query(lab, "AlarmNames.member.1=described")

    for name in ("AlarmDescription", "MetricName", "Statistic", "TreatMissingData"):
        assert found.findtext(_NS + name) == ALARM[name]
    assert found.findtext(f"{_NS}ActionsEnabled") == "true"
    assert found.findtext(f"{_NS}Period") == "300"
    dimension = found.find(f"{_NS}Dimensions/{_NS}member")
    assert dimension is not None
    assert [each.text for each in dimension] == ["QueueName", "failures"]
    assert found.findtext(f"{_NS}AlarmActions/{_NS}member", "").endswith(":alerts")
    assert query(lab, "AlarmNames.member.1=another") == []


def query(lab: Lab, parameters: str) -> list[ElementTree.Element]:
    """The alarms that DescribeAlarms tells of."""
    form = {"Action": "DescribeAlarms", "Version": "2010-08-01"}
    body = f"{urllib.parse.urlencode(form)}&{parameters}".encode()
    scope = f"{ACCOUNT}/20261123/{REGION}/monitoring/aws4_request"
    request = urllib.request.Request(lab.server.endpoint, data=body)
    request.add_header("Authorization", f"AWS4-HMAC-SHA256 Credential={scope}")
    request.add_header("Content-Type", "application/x-www-form-urlencoded")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        root = ElementTree.fromstring(answer.read())
    return root.findall(f"{_NS}DescribeAlarmsResult/{_NS}MetricAlarms/{_NS}member")


def test_an_alarm_tells_what_waits_in_its_own_queue(lab: Lab) -> None:
    sqs = lab.server.client("sqs", REGION)
    for name in ("failures", "others"):
        sqs.create_queue(QueueName=name)
    put_alarm(lab)
    put_alarm(lab, AlarmName="without", Dimensions=[])
    assert states(lab, "described", "without") == ["OK", "INSUFFICIENT_DATA"]

    url = sqs.get_queue_url(QueueName="others")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="not ours")
    assert states(lab, "described") == ["OK"]

    url = sqs.get_queue_url(QueueName="failures")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="lost")
    assert states(lab, "described", "without") == ["ALARM", "INSUFFICIENT_DATA"]


def test_an_alarm_counts_the_records_that_a_filter_takes(lab: Lab) -> None:
    logs = lab.server.client("logs", REGION)
    logs.create_log_group(logGroupName="records")
    logs.create_log_stream(logGroupName="records", logStreamName="one")
    for name, pattern in (
        ("Bad", '{ ($.outcome = "blocked") || ($.outcome = "failed" && $.who != "me") }'),
        ("All", ""),
    ):
        transformation = {"metricNamespace": "ours", "metricName": name, "metricValue": "1"}
        logs.put_metric_filter(
            logGroupName="records",
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[transformation],
        )
        put_alarm(
            lab,
            AlarmName=name,
            Dimensions=[],
            MetricName=name,
            Namespace="ours",
            Statistic="Sum",
            Threshold=1.0,
            TreatMissingData="notBreaching",
        )
    assert states(lab, "All", "Bad") == ["OK", "OK"], "Nothing was logged yet"

    write(lab, {"outcome": "blocked"}, {"outcome": "failed", "who": "me"}, {"outcome": "failed"})
    assert states(lab, "All", "Bad") == ["ALARM", "OK"], "One of them is not more than one"

    write(lab, {"outcome": "failed", "who": "you"})
    assert states(lab, "All", "Bad") == ["ALARM", "ALARM"]


@pytest.mark.parametrize(
    ("missing", "state"),
    [
        ("breaching", "ALARM"),
        ("ignore", "ALARM"),
        ("missing", "INSUFFICIENT_DATA"),
        ("notBreaching", "OK"),
    ],
)
def test_missing_data_mean_what_the_alarm_says(lab: Lab, missing: str, state: str) -> None:
    cloudwatch = lab.server.client("cloudwatch", REGION)
    put_alarm(lab, AlarmName=missing, MetricName="Nothing", TreatMissingData=missing)
    cloudwatch.set_alarm_state(AlarmName=missing, StateValue="ALARM", StateReason="before")

    assert states(lab, missing) == [state]


def test_a_pattern_that_is_not_known_is_told() -> None:
    for pattern in ("ERROR", "{ $.size > 1 }", '{ ($.a = "b" }', '{ $.a = "b" $.c = "d" }', "{ }"):
        with pytest.raises(ValueError, match="filter pattern"):
            log_patterns.matches(pattern, "{}")


def put_alarm(lab: Lab, **changes: Any) -> None:
    lab.server.client("cloudwatch", REGION).put_metric_alarm(**{**ALARM, **changes})


def states(lab: Lab, *names: str) -> list[str]:
    """What alarms say, in this order."""
    cloudwatch = lab.server.client("cloudwatch", REGION)
    found = cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    by_name = {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}
    return [by_name[name] for name in names]


def write(lab: Lab, *records: dict[str, str]) -> None:
    events = [
        {"timestamp": int(time.time() * 1000), "message": json.dumps(record)} for record in records
    ]
    lab.server.client("logs", REGION).put_log_events(
        logGroupName="records", logStreamName="one", logEvents=events
    )
