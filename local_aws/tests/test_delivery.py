"""EventBridge and SNS reach a function when it permits them, asynchronously, with retries."""

import json
from typing import Any

from local_aws.tests.lab import Lab

ACCOUNT, REGION = "111122223333", "us-west-2"

ECHO = """
import json, sys
def handler(event, context):
    print(json.dumps({"got": event.get("id") or event["Records"][0]["Sns"]["Message"]}))
    print("to stderr", file=sys.stderr)
"""
FAILING = """
def handler(event, context):
    print("attempt")
    raise RuntimeError("always")
"""


def messages(lab: Lab, function: str) -> list[str]:
    logs = lab.server.client("logs", REGION)
    group = f"/aws/lambda/{function}"
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    return [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]


def rule(lab: Lab, name: str, function_arn: str, **target: Any) -> str:
    events = lab.server.client("events", REGION)
    pattern = {"source": ["test"], "detail-type": [name]}
    arn: str = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": function_arn, **target}])
    return arn


def send(lab: Lab, name: str) -> str:
    entry = {"Source": "test", "DetailType": name, "Detail": "{}"}
    answer = lab.server.client("events", REGION).put_events(Entries=[entry])
    event_id: str = answer["Entries"][0]["EventId"]
    return event_id


def permit(lab: Lab, function: str, service: str, source: str) -> None:
    lab.server.client("lambda", REGION).add_permission(
        FunctionName=function,
        StatementId=f"{service}-{len(source)}",
        Action="lambda:InvokeFunction",
        Principal=f"{service}.amazonaws.com",
        SourceArn=source,
    )


def invocations(lab: Lab, function: str, service: str) -> list[int]:
    return [
        call["status"]
        for call in lab.server.calls()
        if call.get("function") == function and call["principal"] == f"{service}.amazonaws.com"
    ]


def queue(lab: Lab, name: str, source: str, service: str) -> tuple[str, Any, str]:
    sqs = lab.server.client("sqs", REGION)
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    attributes = {"Policy": lab.queue_policy(arn, source, service)}
    return arn, sqs, sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def test_a_permitted_rule_invokes_and_output_reaches_the_log_group(lab: Lab) -> None:
    function = lab.function("de-rule", ECHO, lab.role("de-rule", []))
    permit(lab, "de-rule", "events", rule(lab, "de-rule", function))
    event_id = send(lab, "de-rule")
    found = lab.eventually(lambda: [m for m in messages(lab, "de-rule") if "got" in m])
    assert json.loads(found[0]) == {"got": event_id}
    assert "to stderr" in messages(lab, "de-rule")
    assert invocations(lab, "de-rule", "events") == [202]


def test_a_rule_without_permission_delivers_to_its_queue_only(lab: Lab) -> None:
    function = lab.function("de-denied", ECHO, lab.role("de-denied", []))
    source = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/de-denied"
    dead, sqs, url = queue(lab, "de-denied", source, "events")
    rule(lab, "de-denied", function, DeadLetterConfig={"Arn": dead})
    permit(lab, "de-denied", "events", source + "-another")
    event_id = send(lab, "de-denied")
    bodies = lab.eventually(lambda: lab.receive(sqs, url))
    assert json.loads(bodies[0])["id"] == event_id
    assert invocations(lab, "de-denied", "events") == [403]
    assert messages(lab, "de-denied") == [], "the function ran without permission"


def test_a_topic_needs_permission_too(lab: Lab) -> None:
    function = lab.function("de-topic", ECHO, lab.role("de-topic", []))
    sns = lab.server.client("sns", REGION)
    topic = sns.create_topic(Name="de-topic")["TopicArn"]
    dead, sqs, url = queue(lab, "de-topic", topic, "sns")
    sns.subscribe(
        TopicArn=topic,
        Protocol="lambda",
        Endpoint=function,
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})},
    )
    permit(lab, "de-topic", "sns", topic + "-another")
    sns.publish(TopicArn=topic, Message="first")
    bodies = lab.eventually(lambda: lab.receive(sqs, url))
    assert json.loads(bodies[0])["Message"] == "first"
    permit(lab, "de-topic", "sns", topic)
    sns.publish(TopicArn=topic, Message="second")
    found = lab.eventually(lambda: [m for m in messages(lab, "de-topic") if "got" in m])
    assert json.loads(found[0]) == {"got": "second"}
    assert invocations(lab, "de-topic", "sns") == [403, 202]


def decided(lab: Lab, role: str) -> list[tuple[str, bool]]:
    """What IAM was asked about a role of this account, and what it said."""
    return [
        (row["action"], row["allowed"])
        for row in lab.server.decisions()
        if row["role"] == role and row["account"] == ACCOUNT
    ]


def test_a_failing_function_is_retried_and_the_event_kept(lab: Lab) -> None:
    dead, sqs, url = queue(lab, "de-fail", "none", "events")
    allow = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": dead}
    function = lab.function("de-fail", FAILING, lab.role("de-fail", [allow]))
    client = lab.server.client("lambda", REGION)
    client.put_function_event_invoke_config(
        FunctionName="de-fail",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": dead}},
    )
    permit(lab, "de-fail", "events", rule(lab, "de-fail", function))
    event_id = send(lab, "de-fail")
    bodies = lab.eventually(lambda: lab.receive(sqs, url))
    assert json.loads(bodies[0])["requestPayload"]["id"] == event_id
    assert messages(lab, "de-fail").count("attempt") == 2
    assert decided(lab, "de-fail") == [("sqs:SendMessage", True)]


def test_a_failure_destination_needs_the_role_s_permission(lab: Lab) -> None:
    dead, sqs, url = queue(lab, "de-poor", "none", "events")
    function = lab.function("de-poor", FAILING, lab.role("de-poor", []))
    lab.server.client("lambda", REGION).put_function_event_invoke_config(
        FunctionName="de-poor",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": dead}},
    )
    permit(lab, "de-poor", "events", rule(lab, "de-poor", function))
    send(lab, "de-poor")
    warning = f"not delivered to {dead}"
    assert lab.eventually(lambda: warning in lab.server.log_tail(500))
    assert not lab.receive(sqs, url)
    assert decided(lab, "de-poor") == [("sqs:SendMessage", False)]


def test_a_throttled_event_waits_instead_of_failing(lab: Lab) -> None:
    slow = "import time\ndef handler(event, context):\n    time.sleep(0.5)\n    print('done')\n"
    function = lab.function("de-slow", slow, lab.role("de-slow", []))
    client = lab.server.client("lambda", REGION)
    client.put_function_concurrency(FunctionName="de-slow", ReservedConcurrentExecutions=1)
    client.put_function_event_invoke_config(FunctionName="de-slow", MaximumRetryAttempts=0)
    permit(lab, "de-slow", "events", rule(lab, "de-slow", function))
    for _ in range(4):
        send(lab, "de-slow")
    assert lab.eventually(lambda: lab.server.running() > 0)
    assert lab.eventually(lambda: messages(lab, "de-slow").count("done") == 4)
    assert lab.eventually(lambda: lab.server.running() == 0)


def test_it_is_busy_until_nothing_more_comes(lab: Lab) -> None:
    """A message to a function, its failure, its second try and what the queue is told of it."""
    queues = lab.server.client("sqs", REGION)
    url = queues.create_queue(QueueName="de-busy")["QueueUrl"]
    dead = f"arn:aws:sqs:{REGION}:{ACCOUNT}:de-busy"
    role = lab.role("de-busy", [{"Effect": "Allow", "Action": "sqs:*", "Resource": dead}])
    function = lab.function("de-busy", FAILING, role, DeadLetterConfig={"TargetArn": dead})
    lab.server.client("lambda", REGION).put_function_event_invoke_config(
        FunctionName="de-busy", MaximumRetryAttempts=1
    )
    sns = lab.server.client("sns", REGION)
    topic = sns.create_topic(Name="de-busy")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    permit(lab, "de-busy", "sns", topic)
    lab.settle()

    sns.publish(TopicArn=topic, Message="x")

    while lab.server.busy():  # without a pause: not for a moment is it quiet before the end
        pass
    assert messages(lab, "de-busy").count("attempt") == 2
    assert len(lab.receive(queues, url)) == 1


def test_events_wait_a_moment_for_an_environment_before_another_is_made(lab: Lab) -> None:
    """Each is a process; but events that take long do not wait for each other to end."""
    source = (
        "import os, time\n"
        "def handler(event, context):\n"
        "    time.sleep(event['seconds'])\n"
        "    print('done by', os.getpid())\n"
    )
    lab.function("de-burst", source, lab.role("de-burst", []))
    invoke = lab.server.client("lambda", REGION).invoke

    def processes(seconds: float, number: int, before: int) -> int:
        """How many processes so many events took."""
        for _ in range(number):
            payload = json.dumps({"seconds": seconds})
            invoke(FunctionName="de-burst", InvocationType="Event", Payload=payload)

        def done() -> list[str]:
            return [line for line in messages(lab, "de-burst") if line.startswith("done by")]

        assert lab.eventually(lambda: len(done()) == before + number, 60)
        return len(set(done()[before:]))

    assert processes(0, 1, 0) == 1
    assert processes(0, 10, 1) < 5
    assert processes(5, 3, 11) > 1


def test_a_queue_must_permit_the_rule(lab: Lab) -> None:
    arn, sqs, url = queue(lab, "de-queue", "arn:aws:events:us-west-2:1:rule/x", "events")
    source = rule(lab, "de-queue", arn)
    send(lab, "de-queue")
    assert lab.eventually(lambda: f"no permission for {source}" in lab.server.log_tail(500))
    assert not lab.receive(sqs, url)


def test_a_function_s_own_calls_pass_the_local_aws(lab: Lab) -> None:
    source = """
import boto3, os
def handler(event, context):
    s3 = boto3.client("s3")
    s3.put_bucket_versioning(Bucket="de-self", VersioningConfiguration={"Status": "Enabled"})
    boto3.client("sns").publish(TopicArn=event["topic"], Message="x")
    return {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
"""
    allow = {
        "Effect": "Allow",
        "Action": ["s3:PutBucketVersioning", "sns:Publish"],
        "Resource": "*",
    }
    lab.create("de-self")
    topic = lab.server.client("sns", REGION).create_topic(Name="de-self")["TopicArn"]
    lab.function("de-self", source, lab.role("de-self-role", [allow]))
    with lab.bus("de-self") as received:
        answer = lab.server.client("lambda", REGION).invoke(
            FunctionName="de-self", Payload=json.dumps({"topic": topic})
        )
        assert "FunctionError" not in answer, answer["Payload"].read()
        issuer = received.one()["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]
    assert issuer["arn"] == f"arn:aws:iam::{ACCOUNT}:role/de-self-role"
    assert "PYTHONPATH" not in json.load(answer["Payload"]), "the tests' path leaked into it"
    made = [
        (call["service"], call["operation"], call["bucket"], call["region"], call["status"])
        for call in lab.server.calls()
        if call["principal"] == "de-self-role"
    ]
    assert made == [
        ("s3", "PutBucketVersioning", "de-self", REGION, 200),
        ("sns", "Publish", "", REGION, 200),
    ]
