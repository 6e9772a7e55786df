"""On the local AWS functions invoke each other, put events and are called by a schedule."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAwsError
from local_aws.tests.lab import Lab

ACCOUNT, REGION = "111122223333", "us-west-2"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"

CALLER = """
import boto3, json
from botocore.exceptions import ClientError
def handler(event, context):
    try:
        answer = boto3.client("lambda").invoke(
            FunctionName=event["function"], Payload=json.dumps({"a": 1}))
    except ClientError as error:
        return {"code": error.response["Error"]["Code"]}
    return {"error": answer.get("FunctionError"), "payload": json.load(answer["Payload"])}
"""
CALLED = """
import time
class Odd(Exception):
    pass
def handler(event, context):
    return event
def raising(event, context):
    try:
        raise ValueError("first")
    except ValueError:
        raise Odd("two\\nlines")
def sleeping(event, context):
    time.sleep(9)
"""


def allow(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def code(call: Any, **keywords: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**keywords)
    return str(caught.value.response["Error"]["Code"])


def invoke(lab: Lab, name: str, function: str) -> Any:
    payload = json.dumps({"function": function})
    answer = lab.server.client("lambda", REGION).invoke(FunctionName=name, Payload=payload)
    assert "FunctionError" not in answer
    return json.load(answer["Payload"])


def test_a_function_invokes_another_by_its_role(lab: Lab) -> None:
    arn = lab.function("in-called", CALLED, lab.role("in-called", []))
    for name, statements in (
        ("in-nobody", []),
        ("in-other", [allow("lambda:InvokeFunction", resource=f"{arn}-other")]),
        ("in-async", [allow("lambda:InvokeAsync", resource=arn)]),
    ):
        lab.function(name, CALLER, lab.role(name, statements))
        assert invoke(lab, name, arn) == {"code": "AccessDeniedException"}
    role = lab.role("in-caller", [allow("lambda:InvokeFunction", resource=arn)])
    lab.function("in-caller", CALLER, role)
    for named in (arn, "in-called"):
        assert invoke(lab, "in-caller", named) == {"error": None, "payload": {"a": 1}}
    asked = {
        (row["action"], row["allowed"])
        for row in lab.server.decisions()
        if row["role"] == "in-caller"
    }
    assert asked == {("lambda:InvokeFunction", True)}
    assert invoke(lab, "in-caller", "in-missing") == {"code": "AccessDeniedException"}


def test_what_a_caller_is_told_of_a_function_that_fails(lab: Lab) -> None:
    client = lab.server.client("lambda", REGION)
    arn = lab.function("in-raising", CALLED, lab.role("in-raising", []))
    lab.function(
        "in-tells", CALLER, lab.role("in-tells", [allow("lambda:InvokeFunction", resource=arn)])
    )
    client.update_function_configuration(FunctionName="in-raising", Handler="index.raising")
    told = invoke(lab, "in-tells", arn)
    assert told["error"] == "Unhandled"
    payload = told["payload"]
    assert (payload["errorType"], payload["errorMessage"]) == ("Odd", "two\nlines")
    assert payload["requestId"]
    (frame,) = payload["stackTrace"]
    assert 'raise Odd("two' in frame, "the runtime's own frames are not told"
    client.update_function_configuration(
        FunctionName="in-raising", Handler="index.sleeping", Timeout=1
    )
    told = invoke(lab, "in-tells", arn)
    assert told["error"] == "Unhandled"
    assert told["payload"]["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in told["payload"]["errorMessage"]


def test_an_invocation_can_be_made_to_fail(lab: Lab) -> None:
    lab.function("in-throttled", CALLED, lab.role("in-throttled", []))
    client = lab.server.client("lambda", REGION)
    fault = {"operation": "InvokeFunction", "code": "TooManyRequestsException", "status": 429}
    lab.server.faults([fault])
    assert code(client.invoke, FunctionName="in-throttled") == "TooManyRequestsException"
    assert client.invoke(FunctionName="in-throttled")["StatusCode"] == 200


def put(events: Any, *entries: tuple[str, str]) -> Any:
    wanted = [
        {"Source": source, "DetailType": detail, "Detail": "{}"} for source, detail in entries
    ]
    return events.put_events(Entries=wanted)


@pytest.mark.parametrize(
    ("condition", "good", "bad"),
    [
        ({}, [("a", "b")], None),
        (None, None, [("a", "b")]),
        # The key is a list, also if all entries have one source.
        ({"StringEquals": {"events:source": "s3-dr"}}, None, [("s3-dr", "x")]),
        ({"ForAllValues:StringEquals": {"events:source": "s3-dr"}}, [("s3-dr", "x")], [("o", "x")]),
        (
            {"ForAllValues:StringEquals": {"events:source": "s3-dr"}},
            [("s3-dr", "x"), ("s3-dr", "y")],
            [("s3-dr", "x"), ("other", "x")],
        ),
        ({"StringEquals": {"events:detail-type": "t"}}, [("s", "t")], [("s", "u")]),
        (
            {"ForAllValues:StringEquals": {"events:detail-type": ["t", "u"]}},
            [("s", "t"), ("s", "u")],
            [("s", "t"), ("s", "v")],
        ),
    ],
)
def test_events_are_put_by_permission(lab: Lab, condition: Any, good: Any, bad: Any) -> None:
    role = f"in-events-{uuid.uuid4().hex}"
    more = {"Condition": condition} if condition else {}
    statements = [] if condition is None else [allow("events:PutEvents", resource=BUS, **more)]
    keys = lab.assume(role, statements)
    events = lab.server.client("events", REGION, credentials=keys)
    if good:
        assert put(events, *good)["FailedEntryCount"] == 0
    if bad:
        with pytest.raises(ClientError, match="AccessDeniedException"):
            put(events, *bad)


def test_events_can_be_made_to_fail(lab: Lab) -> None:
    lab.server.faults([{"operation": "PutEvents", "code": "ThrottlingException"}])
    with pytest.raises(ClientError, match="ThrottlingException"):
        put(lab.server.client("events", REGION), ("a", "b"))


def test_a_rule_has_a_schedule_and_a_pattern(lab: Lab) -> None:
    name, events = "in-both", lab.server.client("events", REGION)
    rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    sqs = lab.server.client("sqs", REGION)
    attributes = {"Policy": lab.queue_policy(queue, rule)}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    pattern = {"account": [ACCOUNT], "source": ["in-both"], "detail-type": ["Asked"]}
    both = {"ScheduleExpression": "rate(1 hour)", "EventPattern": json.dumps(pattern)}
    events.put_rule(Name=name, **both)
    found = events.describe_rule(Name=name)
    assert {key: found[key] for key in both} == both
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": queue}])

    def received() -> list[Any]:
        return [json.loads(body) for body in lab.receive(sqs, url)]

    put(events, ("in-both", "Asked"), ("in-both", "Other"))
    assert [event["detail-type"] for event in lab.eventually(received)] == ["Asked"]
    lab.server.fire(name, REGION)
    (event,) = lab.eventually(received)
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    assert event["resources"] == [rule]
    lab.settle()
    assert received() == []

    def turn(action: str, resource: str, rule: str = name) -> str:
        """With which code a role that may do that with a rule is refused; empty if it is not."""
        keys = lab.assume(f"in-{uuid.uuid4().hex}", [allow(f"events:{action}", resource=resource)])
        own = lab.server.client("events", REGION, credentials=keys)
        call = own.enable_rule if action == "EnableRule" else own.disable_rule
        try:
            call(Name=rule)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    others = (f"{rule}-other", rule.replace("rule/", "rule/default/"))
    assert {turn("DisableRule", other) for other in others} == {"AccessDeniedException"}
    assert turn("DisableRule", rule) == ""
    assert events.describe_rule(Name=name)["State"] == "DISABLED"
    put(events, ("in-both", "Asked"))
    lab.server.fire(name, REGION)
    lab.settle()
    assert received() == [], "a disabled rule has no events and no schedule"
    assert {turn("EnableRule", other) for other in others} == {"AccessDeniedException"}
    assert turn("EnableRule", rule) == ""
    events.put_rule(Name=f"{name}-other", ScheduleExpression="rate(1 hour)")
    lab.server.fire(f"{name}-other", REGION)
    lab.settle()
    assert received() == [], "nor is it due as soon as the rule is enabled"
    put(events, ("in-both", "Asked"))
    assert [event["detail-type"] for event in lab.eventually(received)] == ["Asked"]
    for action in ("EnableRule", "DisableRule"):
        assert turn(action, f"{rule}-none", f"{name}-none") == "ResourceNotFoundException"


def test_only_a_schedule_can_be_due(lab: Lab) -> None:
    events = lab.server.client("events", REGION)
    events.put_rule(Name="in-pattern", EventPattern='{"source": ["x"]}')
    for name in ("in-pattern", "in-none"):
        with pytest.raises(LocalAwsError, match="No rule with a schedule"):
            lab.server.fire(name, REGION)
