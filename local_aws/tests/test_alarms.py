"""The local AWS describes alarms in full, in the protocol that Terraform's provider speaks too."""

from __future__ import annotations

import urllib.parse
import urllib.request
from typing import Any
from xml.etree import ElementTree

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
