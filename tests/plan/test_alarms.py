"""Every alarm watches what its source really emits, and tells whom it should."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

import pytest

from harness.plan import Resource
from local_aws import log_patterns
from plan.installations import FUNCTIONS, Installation
from s3_dr.logs import JsonFormatter
from s3_dr.outcomes import Outcome, Result

pytestmark = pytest.mark.terraform


@dataclass(frozen=True)
class Watch:
    """Which metric is watched, or can be: what CloudWatch knows a metric by.

    Attributes:
        region: Where it is; an alarm sees its own region only.
        account: Whose it is.
        namespace: The metric's namespace.
        metric: The metric's name.
        dimensions: All of its dimensions: one more or less is another metric.
    """

    region: str
    account: str
    namespace: str
    metric: str
    dimensions: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Reading:
    """How a metric has to be read, for one thing too many to be told.

    Attributes:
        statistic: Of the values of a period.
        missing: What it means when there are none.
        least_seconds: The shortest period in which there are some.
    """

    statistic: str
    missing: str
    least_seconds: int


# SQS tells once a minute how many messages there are, and nothing of a queue that has been left
# alone for six hours: what waits there waits still.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-monitoring-using-cloudwatch.html
QUEUE_METRIC = "ApproximateNumberOfMessagesVisible"
QUEUE = Reading("Maximum", "ignore", 60)
# A metric filter tells once a minute of the records that matched, one value for each; with no
# default value it tells nothing when none did, and that is the good case.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
FILTER = Reading("Sum", "notBreaching", 60)
# What one can wait to be told, in seconds.
PERIOD = 300


def place(installation: Installation, resource: Resource) -> tuple[str, str]:
    return installation.region_of(resource.provider), installation.account_of(resource.provider)


def emitted(installation: Installation) -> dict[Watch, Reading]:
    """What queues and metric filters of an installation emit that is worth an alarm."""
    found = {}
    for queue in installation.of("aws_sqs_queue"):
        dimensions = frozenset({("QueueName", queue.values["name"])})
        watch = Watch(*place(installation, queue), "AWS/SQS", QUEUE_METRIC, dimensions)
        found[watch] = QUEUE
    for each in installation.of("aws_cloudwatch_log_metric_filter"):
        (metric,) = each.values["metric_transformation"]
        dimensions = frozenset((metric["dimensions"] or {}).items())
        assert not dimensions, f"{each.address}: a metric with dimensions is one metric for each"
        assert metric["default_value"] is None, f"{each.address}: then nothing would be missing"
        assert metric["value"] == "1", f"{each.address}: each record counts once"
        watch = Watch(*place(installation, each), metric["namespace"], metric["name"], dimensions)
        found[watch] = FILTER
    return found


def watched(installation: Installation, alarm: Resource) -> Watch:
    values = alarm.values
    return Watch(
        *place(installation, alarm),
        values["namespace"],
        values["metric_name"],
        frozenset((values["dimensions"] or {}).items()),
    )


def test_alarms_watch_what_is_emitted(each: Installation) -> None:
    sources = emitted(each) if each.case.has_alarms else {}
    found = {watched(each, alarm): alarm for alarm in each.of("aws_cloudwatch_metric_alarm")}

    for watch, alarm in found.items():
        assert watch in sources, (
            f"{alarm.address} watches what nothing emits there, so it would never go off:\n"
            f"  {watch}\nThere is:\n  " + "\n  ".join(map(str, sources))
        )
    unwatched = sources.keys() - found.keys()
    assert not unwatched, f"Nobody would be told of these: {unwatched}"


def test_alarms_read_it_as_it_is_emitted(each: Installation) -> None:
    sources = emitted(each)
    for alarm in each.of("aws_cloudwatch_metric_alarm"):
        values, reading = alarm.values, sources[watched(each, alarm)]
        assert values["statistic"] == reading.statistic, (
            f"{alarm.address} must take the {reading.statistic} of the values, "
            f"not {values['statistic']}"
        )
        assert values["treat_missing_data"] == reading.missing, (
            f"{alarm.address} must take a time without values for '{reading.missing}', "
            f"not for '{values['treat_missing_data']}'"
        )
        assert values["period"] == PERIOD >= reading.least_seconds, (
            f"{alarm.address} must look at {PERIOD} seconds, not at {values['period']}"
        )
        assert values["evaluation_periods"] == 1, f"{alarm.address}: one time is one too many"
        assert values["datapoints_to_alarm"] in (None, 1), f"{alarm.address}: the same"
        assert (values["comparison_operator"], values["threshold"]) == (
            "GreaterThanThreshold",
            0,
        ), f"{alarm.address}: one is one too many"
        # Which would take the metric's place, or see only a part of it.
        others = {"extended_statistic", "metric_query", "threshold_metric_id", "unit"}
        assert not alarm.configured & others, f"{alarm.address}: {alarm.configured & others}"


def test_alarms_tell_whom_they_should(each: Installation) -> None:
    actions = each.case.arguments.get("alarms", {}).get("actions", {})
    for alarm in each.of("aws_cloudwatch_metric_alarm"):
        side = "source" if each.region_of(alarm.provider) == each.case.source else "dr"
        assert list(alarm.values["alarm_actions"] or []) == sorted(actions.get(side, [])), (
            f"{alarm.address} must tell what alarms.actions.{side} names"
        )
        assert alarm.values["actions_enabled"] is True, f"{alarm.address} must tell somebody"


def test_records_of_every_function_are_counted(each: Installation) -> None:
    found = {
        (*place(each, resource), resource.values["log_group_name"])
        for resource in each.of("aws_cloudwatch_log_metric_filter")
    }
    functions = {
        (*place(each, function), f"/aws/lambda/{function.values['function_name']}")
        for function in each.of("aws_lambda_function")
    }
    assert len(functions) == len(FUNCTIONS), "There are as many functions"
    expected = functions if each.case.has_alarms else set()
    assert found == expected, "A function whose records are not counted fails in silence"
    metrics = {
        (metric["namespace"], metric["name"])
        for resource in each.of("aws_cloudwatch_log_metric_filter")
        for metric in resource.values["metric_transformation"]
    }
    assert metrics <= {(each.case.prefix, "Unprotected")}, "Users know the metric by this name"


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_a_function_logs_is_counted(outcome: Outcome, it: Installation) -> None:
    """Only of a bucket that is not protected as somebody wants: blocked or failed."""
    facts = {"request_id": "1", "function": "sweep", **Result(outcome, "b").as_dict()}
    record = logging.makeLogRecord({"levelname": "INFO", "msg": "b", "fields": facts})
    line = JsonFormatter().format(record)
    assert json.loads(line)["outcome"] == outcome, "The functions log their outcome so"

    for each in it.of("aws_cloudwatch_log_metric_filter"):
        pattern = each.values["pattern"]
        counted = log_patterns.matches(pattern, line)
        assert counted == (outcome in (Outcome.BLOCKED, Outcome.FAILED)), (
            f"{each.address}, {pattern}, {'takes' if counted else 'does not take'} {line}"
        )
