"""Malformed and hostile input: ignored with a reason in one line, and AWS never hears of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from functional.payload import Functions, event, message, sns_event
from s3_dr import handlers

pytest_plugins = ["functional.payload"]

HUGE = "x" * 1_000_000
ODD: dict[str, Any] = {
    "none": None,
    "false": False,
    "number": 7,
    "nan": float("nan"),
    "empty text": "",
    "text": "orders",
    "bytes": b"orders",
    "huge text": HUGE,
    "control characters": "\x00\x1b[2J\r\n",
    "half a character": "\ud800",
    "empty list": [],
    "list": ["orders"],
    "empty object": {},
    "object": {"bucket": {"bucket": "orders"}},
}
NO_BUCKETS = {
    "too short": "ab",
    "too long": "a" * 64,
    "huge": HUGE,
    "upper case": "Orders",
    "path": "../../etc/passwd",
    "absolute path": "/etc/passwd",
    "key": "orders/2026",
    "encoded path": "..%2f..%2fetc",
    "web address": "http://169.254.169.254/latest",
    "query": "orders?policy",
    "wildcard": "*",
    "template": "${jndi:ldap://x}",
    "shell": "$(id)",
    "log forgery": 'orders\n{"outcome": "protected"}',
    "zero byte": "orders\x00",
    "escape": "\x1b[31morders",
    "look-alike": "\u043erders",
    "half a character": "ord\ud800ers",
    "space": "or ders",
    "IP address": "169.254.169.254",
    "bucket ARN": "arn:aws:s3:::orders",
    "access point ARN": "arn:aws:s3:us-west-2:111122223333:accesspoint/reports",
    "Outposts ARN": "arn:aws:s3-outposts:us-west-2:111122223333:outpost/op-1/bucket/orders",
    "table bucket ARN": "arn:aws:s3tables:us-west-2:111122223333:bucket/orders",
    "directory bucket": "orders--usw2-az1--x-s3",
    "table bucket": "orders--table-s3",
    "access point alias": "reports-a1b2c3-s3alias",
    "Outposts alias": "reports-a1b2c3--ol-s3",
    "Multi-Region Access Point": "reports.mrap",
}
ARNS = {name: text for name, text in NO_BUCKETS.items() if name != "bucket ARN"}
SNS_HANDLERS = [handlers.destination_bucket_check, handlers.enable_replication]
ALL_HANDLERS = [handlers.source_bucket_check, *SNS_HANDLERS]

Handler = Callable[[Any, Any], dict[str, Any]]


def short(value: object) -> str:
    """The name of a parameter in pytest's report."""
    return repr(value)[:30]


def nested(depth: int) -> Any:
    found: Any = "orders"
    for _ in range(depth):
        found = {"detail": [found]}
    return found


def changed(name: str, *path: str, to: object) -> Any:
    """An event of the corpus in which one value is another."""
    found = place = event(name)
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return found


def assert_ignored(functions: Functions, handler: Handler, sent: object, reason: str = "") -> None:
    """The one thing that may happen to bad input."""
    result = functions.only(handler, sent)

    assert result["outcome"] == "ignored", result
    assert result["reason"] == reason if reason else result["reason"], result
    assert result["changes"] == []
    [line] = functions.log_lines()
    assert line["level"] == "WARN", "somebody should look at what nobody understands"
    assert line["detail"], "one sentence says what was wrong"
    assert "stack_trace" not in line, "bad input is no fault of the program"
    assert len(json.dumps(line)) < 4000, "hostile input must not swell the log"
    assert functions.calls == [], "AWS must not hear of it"


@pytest.mark.parametrize("handler", ALL_HANDLERS)
@pytest.mark.parametrize("sent", ODD.values(), ids=ODD)
def test_what_is_no_event_at_all(functions: Functions, handler: Handler, sent: object) -> None:
    assert_ignored(functions, handler, sent, "UNKNOWN_EVENT")


@pytest.mark.parametrize("handler", ALL_HANDLERS)
def test_a_bottomless_event(functions: Functions, handler: Handler) -> None:
    assert_ignored(functions, handler, nested(100_000), "UNKNOWN_EVENT")


@pytest.mark.parametrize("handler", SNS_HANDLERS)
def test_an_event_of_eventbridge_sent_to_a_topics_function(
    functions: Functions, handler: Handler
) -> None:
    assert_ignored(functions, handler, event("put_bucket_tagging"), "UNKNOWN_EVENT")


def test_a_message_of_sns_sent_to_eventbridges_function(functions: Functions) -> None:
    assert_ignored(functions, handlers.source_bucket_check, event("sns_message"), "UNKNOWN_EVENT")


@pytest.mark.parametrize(
    "path", [("detail",), ("detail-type",), ("source",), ("detail", "bucket")], ids=".".join
)
@pytest.mark.parametrize("odd", [v for k, v in ODD.items() if k != "text"], ids=short)
def test_a_check_request_of_odd_values(
    functions: Functions, path: tuple[str, ...], odd: object
) -> None:
    assert_ignored(functions, handlers.source_bucket_check, changed("check_request", *path, to=odd))


@pytest.mark.parametrize(
    "path",
    [("detail",), ("detail-type",), ("detail", "requestParameters")],
    ids=".".join,
)
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_record_of_odd_values(functions: Functions, path: tuple[str, ...], odd: object) -> None:
    sent = changed("create_bucket", *path, to=odd)

    assert_ignored(functions, handlers.source_bucket_check, sent, "UNKNOWN_EVENT")


@pytest.mark.parametrize("odd", [v for k, v in ODD.items() if k != "text"], ids=short)
@pytest.mark.parametrize("name", ["create_bucket", "tag_resource_encoded"])
def test_a_record_whose_bucket_is_an_odd_value(
    functions: Functions, name: str, odd: object
) -> None:
    field = "bucketName" if name == "create_bucket" else "resourceARN"

    sent = changed(name, "detail", "requestParameters", field, to=odd)

    assert_ignored(functions, handlers.source_bucket_check, sent)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_record_whose_resources_are_odd(functions: Functions, odd: object) -> None:
    sent = changed("tag_resource_in_resources", "detail", "resources", to=[odd, {"ARN": odd}])

    assert_ignored(functions, handlers.source_bucket_check, sent, "UNKNOWN_EVENT")


@pytest.mark.parametrize("name", NO_BUCKETS.values(), ids=NO_BUCKETS)
def test_a_record_about_no_bucket(functions: Functions, name: str) -> None:
    sent = changed("put_bucket_tagging", "detail", "requestParameters", "bucketName", to=name)

    assert_ignored(functions, handlers.source_bucket_check, sent, "NOT_A_BUCKET")


@pytest.mark.parametrize("name", ARNS.values(), ids=ARNS)
def test_a_record_about_no_arn_of_a_bucket(functions: Functions, name: str) -> None:
    for arn in (name, f"arn:aws:s3:::{name}"):
        sent = changed("tag_resource_encoded", "detail", "requestParameters", "resourceARN", to=arn)
        functions.log_lines().clear()

        assert_ignored(functions, handlers.source_bucket_check, sent, "NOT_A_BUCKET")


@pytest.mark.parametrize("handler", SNS_HANDLERS)
@pytest.mark.parametrize("name", NO_BUCKETS.values(), ids=NO_BUCKETS)
def test_a_message_about_no_bucket(functions: Functions, handler: Handler, name: str) -> None:
    assert_ignored(functions, handler, sns_event(message(name)), "NOT_A_BUCKET")


@pytest.mark.parametrize("handler", SNS_HANDLERS)
@pytest.mark.parametrize(
    "text",
    [
        *ODD.values(),
        "[]",
        "null",
        "{",
        "{}",
        "NaN",
        "[" * 200_000,
        '{"version": ' * 50_000,
        '{"version": 1, "version": 2, "bucket": "orders"}',
        message("orders", version=0),
        message("orders", version=2),
        message("orders", version="1"),
        message("orders", version=[1]),
        message(None),
        message(12345),
        message(["orders"]),
        message({"name": "orders"}),
        message(""),
        '{"version": 1}',
        '{"version": 1, "Bucket": "orders"}',
    ],
    ids=short,
)
def test_a_message_nobody_understands(functions: Functions, handler: Handler, text: object) -> None:
    assert_ignored(functions, handler, sns_event(text), "UNKNOWN_EVENT")


@pytest.mark.parametrize("handler", SNS_HANDLERS)
@pytest.mark.parametrize(
    "record",
    [*ODD.values(), {"Sns": None}, {"Sns": []}, {"Sns": {"message": "x"}}, {"body": "{}"}],
    ids=short,
)
def test_a_record_nobody_understands(
    functions: Functions, handler: Handler, record: object
) -> None:
    assert_ignored(functions, handler, {"Records": [record]}, "UNKNOWN_EVENT")


@pytest.mark.parametrize("handler", SNS_HANDLERS)
@pytest.mark.parametrize("records", ODD.values(), ids=ODD)
def test_records_nobody_understands(
    functions: Functions, handler: Handler, records: object
) -> None:
    assert_ignored(functions, handler, {"Records": records}, "UNKNOWN_EVENT")


def test_each_bad_message_of_many_has_its_line(functions: Functions) -> None:
    sent = sns_event("?", message("../x"), message(7))

    results = handlers.enable_replication(sent, functions.context)["results"]

    assert [r["reason"] for r in results] == ["UNKNOWN_EVENT", "NOT_A_BUCKET", "UNKNOWN_EVENT"]
    assert len(functions.log_lines()) == 3
    assert functions.calls == []


def test_what_a_record_claims_beside_the_bucket_is_not_believed(
    functions: Functions, on_moto: Any
) -> None:
    # The record says that the bucket is tagged, and that it is somebody else's.
    bucket = on_moto.bucket()
    sent = event("put_bucket_tagging", bucket)
    sent["account"] = sent["detail"]["recipientAccountId"] = "444455556666"

    result = functions.only(handlers.source_bucket_check, sent)

    assert result["reason"] == "NO_PROFILE_MATCHES", "the tags are read from S3"


REQUESTS = [
    "Bucket Check Requested",
    "Bucket Backfill Requested",
    "Bucket Backfill Confirmed",
    "Bucket Release Requested",
]


def requested(detail: object, wish: object = "Bucket Check Requested", **more: object) -> Any:
    return {"source": "s3-dr", "detail-type": wish, "detail": detail, **more}


@pytest.mark.parametrize("handler", ALL_HANDLERS)
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("over_a_bus", [False, True])
def test_a_request_of_odd_details(
    functions: Functions, handler: Handler, odd: object, over_a_bus: bool
) -> None:
    more = {"account": "111122223333"} if over_a_bus else {}

    assert_ignored(functions, handler, requested(odd, **more))


@pytest.mark.parametrize("handler", ALL_HANDLERS)
@pytest.mark.parametrize(
    "odd", [value for name, value in ODD.items() if name not in ("list", "text")], ids=short
)
def test_a_request_for_odd_buckets(functions: Functions, handler: Handler, odd: object) -> None:
    assert_ignored(functions, handler, requested({"buckets": odd}))
    functions.log_lines().clear()
    assert_ignored(functions, handler, requested({"buckets": [odd]}))


@pytest.mark.parametrize("handler", ALL_HANDLERS)
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_request_for_what_nobody_knows(
    functions: Functions, handler: Handler, odd: object
) -> None:
    assert_ignored(functions, handler, requested({"buckets": ["orders"]}, odd), "UNKNOWN_EVENT")


@pytest.mark.parametrize("handler", ALL_HANDLERS)
def test_a_bottomless_request(functions: Functions, handler: Handler) -> None:
    for sent in (
        requested(nested(100_000)),
        requested({"buckets": [nested(100_000)]}),
        requested({"bucket": nested(100_000)}),
        requested({"buckets": ["orders"]}, nested(100_000)),
    ):
        functions.log_lines().clear()
        assert_ignored(functions, handler, sent)


@pytest.mark.parametrize("wish", REQUESTS)
@pytest.mark.parametrize("name", NO_BUCKETS.values(), ids=NO_BUCKETS)
def test_a_request_about_no_bucket(functions: Functions, wish: str, name: str) -> None:
    sent = requested({"buckets": [name], "everything": True}, wish)

    assert_ignored(functions, handlers.enable_replication, sent, "NOT_A_BUCKET")


@pytest.mark.parametrize("wish", REQUESTS[1:])
@pytest.mark.parametrize(
    "handler", [handlers.source_bucket_check, handlers.destination_bucket_check]
)
def test_a_request_for_another_function(functions: Functions, handler: Handler, wish: str) -> None:
    assert_ignored(functions, handler, requested({"buckets": ["orders"]}, wish), "UNKNOWN_EVENT")


@pytest.mark.parametrize("handler", ALL_HANDLERS)
def test_ten_thousand_names_of_no_bucket(functions: Functions, handler: Handler) -> None:
    results = handler(requested({"buckets": ["../x"] * 10_000}), functions.context)["results"]

    assert len(results) == 10_000
    assert {result["reason"] for result in results} == {"NOT_A_BUCKET"}
    assert functions.calls == []


@pytest.mark.parametrize("id_", ODD.values(), ids=ODD)
def test_a_request_with_an_odd_id_is_ignored_in_a_short_line(
    functions: Functions, id_: object
) -> None:
    assert_ignored(functions, handlers.enable_replication, requested({}, id=id_))
