"""Events and messages: which bucket they name, or why they are ignored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functional.payload import EVENTS, NAME_IN_EVENTS, environment, event, message, sns_event
from s3_dr.events import WISHES, BucketRequest, Wish, is_call, read, read_sweep
from s3_dr.naming import is_bucket_name
from s3_dr.outcomes import Ignored, Reason
from s3_dr.settings import Settings

SETTINGS = Settings.from_environment(environment())

NAMING_THE_BUCKET = [
    "check_request",
    "create_bucket",
    "create_bucket_us_east_1",
    "create_bucket_with_tags",
    "delete_bucket",
    "delete_bucket_replication",
    "delete_bucket_tagging",
    "put_bucket_lifecycle",
    "put_bucket_public_access_block_2019",
    "put_bucket_replication",
    "put_bucket_tagging",
    "put_bucket_tagging_by_service",
    "put_bucket_tagging_no_tags",
    "put_bucket_tagging_one_tag",
    "put_bucket_versioning",
    "tag_change_on_resource",
    "tag_resource",
    "tag_resource_capital",
    "tag_resource_encoded",
    "tag_resource_in_resources",
    "untag_resource",
]
IGNORED = {
    "batch_job_status_changed": Reason.UNKNOWN_EVENT,
    "put_bucket_replication_own_role": Reason.OWN_EVENT,
    "put_bucket_tagging_denied": Reason.FAILED_CALL,
    "put_bucket_versioning_own_role": Reason.OWN_EVENT,
    "sns_message": Reason.UNKNOWN_EVENT,
    "tag_resource_access_point": Reason.NOT_A_BUCKET,
}
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ODD: st.SearchStrategy[Any] = (
    st.sampled_from([None, [], {}, "", 0, True, [None], [[]], ["x"], {"a": None}]) | JSON
)


def request_for(sent: object, settings: Settings = SETTINGS) -> BucketRequest | Ignored:
    """What the function that the bus feeds reads an event as."""
    [found] = read("source_bucket_check", sent, settings)
    return found


def bucket_in(sent: object, settings: Settings = SETTINGS) -> BucketRequest:
    """The request that an event must be read as."""
    found = request_for(sent, settings)
    assert isinstance(found, BucketRequest), f"ignored: {found}"
    return found


def ignored(sent: object, settings: Settings = SETTINGS) -> Ignored:
    """How an event is ignored."""
    found = request_for(sent, settings)
    assert isinstance(found, Ignored), f"read as {found}"
    return found


def reason(sent: object) -> Reason:
    """Why an event is ignored."""
    return ignored(sent).reason


def from_sns(sent: object) -> list[Any]:
    """What a function that a topic feeds reads an event as."""
    found = list(read("destination_bucket_check", sent, SETTINGS))
    assert repr(found) == repr(list(read("enable_replication", sent, SETTINGS)))
    return found


def tagged_resource(**parameters: object) -> dict[str, Any]:
    found: dict[str, Any] = event("tag_resource")
    found["detail"] |= {"requestParameters": parameters, "resources": []}
    return found


def test_the_corpus_is_tested_in_full() -> None:
    files = {path.stem for path in EVENTS.glob("*.json")}

    assert files == {*NAMING_THE_BUCKET, *IGNORED}, "each event of the corpus has its expectation"


@pytest.mark.parametrize("name", NAMING_THE_BUCKET)
def test_the_bucket_is_found(name: str) -> None:
    sent = event(name)

    request = bucket_in(sent)

    assert request.bucket == NAME_IN_EVENTS, f"{name} names that bucket"
    assert request.correlation_id == sent["id"], "the event's id is carried on"


@pytest.mark.parametrize("name", IGNORED)
def test_the_event_is_ignored(name: str) -> None:
    assert reason(event(name)) == IGNORED[name], f"{name} is none of our business"


def test_a_role_with_a_path_is_known_as_our_own() -> None:
    sent = event("put_bucket_versioning_own_role")
    issuer = sent["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]
    issuer["arn"] = issuer["arn"].replace(":role/", ":role/platform/a,b/")
    settings = Settings.from_environment(environment(OWN_ROLE_ARNS=f"{issuer['arn']},arn:other"))

    assert ignored(sent, settings).reason == Reason.OWN_EVENT
    assert bucket_in(sent).bucket == NAME_IN_EVENTS, "a role of that name elsewhere is another"


@pytest.mark.parametrize("name", ["put_bucket_tagging_denied", "put_bucket_versioning_own_role"])
def test_an_ignored_event_still_tells_its_bucket_and_id(name: str) -> None:
    sent = event(name)

    found = ignored(sent)

    assert found.bucket == NAME_IN_EVENTS, "the log must say which bucket it was"
    assert found.correlation_id == sent["id"], "and which event"


def test_only_a_created_bucket_is_new() -> None:
    moment = datetime(2026, 3, 2, 9, 3, 8, tzinfo=UTC)

    assert bucket_in(event("create_bucket")).created_at == moment
    assert bucket_in(event("put_bucket_tagging")).created_at is None


def test_deletions_are_told_from_other_calls() -> None:
    moment = datetime(2026, 3, 2, 9, 4, 11, tzinfo=UTC)
    bucket, rule, other = (
        bucket_in(event(name))
        for name in ("delete_bucket", "delete_bucket_replication", "put_bucket_tagging")
    )

    assert (bucket.deleted_at, bucket.is_rule_deleted) == (moment, False)
    assert (rule.deleted_at, rule.is_rule_deleted) == (None, True)
    assert (other.deleted_at, other.is_rule_deleted) == (None, False)


@pytest.mark.parametrize("when", [None, "", "yesterday", "2026-13-40", 17, [], "9" * 100])
def test_a_creation_time_nobody_understands_is_none(when: object) -> None:
    sent = event("create_bucket")
    sent["detail"]["eventTime"] = when

    assert bucket_in(sent).created_at is None


def test_a_creation_time_without_a_zone_is_universal_time() -> None:
    sent = event("create_bucket")
    sent["detail"]["eventTime"] = "2026-03-02T09:03:08"

    created_at = bucket_in(sent).created_at

    assert created_at == datetime(2026, 3, 2, 9, 3, 8, tzinfo=UTC), "CloudTrail speaks UTC"


@pytest.mark.parametrize(
    "arn",
    ["arn:aws:s3:::orders", "arn%3Aaws%3As3%3A%3A%3Aorders"],
)
@pytest.mark.parametrize("field", ["resourceArn", "resourceARN", "ResourceArn"])
def test_an_arn_is_understood_however_it_is_spelt(field: str, arn: str) -> None:
    assert bucket_in(tagged_resource(**{field: arn})).bucket == "orders"


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b"])
def test_a_bucket_of_another_partition_is_ignored(partition: str) -> None:
    # Replication does not leave its partition.
    here = Settings.from_environment(environment(PARTITION=partition))
    there = "aws-cn" if partition == "aws" else "aws"

    sent = tagged_resource(resourceArn=f"arn:{partition}:s3:::orders")
    assert bucket_in(sent, here).bucket == "orders"
    for place in ("requestParameters", "resources"):
        arn = f"arn:{there}:s3:::orders"
        sent = tagged_resource(**({"resourceArn": arn} if place == "requestParameters" else {}))
        if place == "resources":
            sent["detail"]["resources"] = [{"type": "AWS::S3::Bucket", "ARN": arn}]
        found = ignored(sent, here)
        assert found.reason == Reason.OTHER_PARTITION
        assert there in str(found), "the sentence says where it is"


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:s3:us-west-2:111122223333:accesspoint/reports",
        "arn:aws:s3:us-west-2:111122223333:access-grants/default",
        "arn:aws:s3:us-west-2:111122223333:storage-lens-group/g",
        "arn:aws:s3-outposts:us-west-2:111122223333:outpost/op-1/bucket/orders",
        "arn:aws:s3express:us-west-2:111122223333:bucket/orders--usw2-az1--x-s3",
        "arn:aws:s3express:us-west-2:111122223333:accesspoint/reports--usw2-az1--xa-s3",
        "arn:aws:s3tables:us-west-2:111122223333:bucket/orders",
        "arn:aws:s3tables:us-west-2:111122223333:bucket/orders/table/t",
        "arn:aws:s3vectors:us-west-2:111122223333:bucket/orders",
        "arn:aws:s3-object-lambda:us-west-2:111122223333:accesspoint/reports",
        "arn:aws:s3-outposts:us-west-2:111122223333:outpost/op-1/accesspoint/reports",
        "arn:aws:s3:us-west-2:111122223333:job/4f1f",
        "arn:aws:s3::111122223333:accesspoint/m.mrap",
        "arn:AWS:s3:::orders",
        "arn::s3:::orders",
        "arn:aws:s3:::orders/key",
        "arn:aws:s3:::orders%2Fkey",
        "arn:aws:s3:::*",
        "arn:aws:s3:::",
        "orders",
        "\x00",
    ],
)
def test_an_arn_of_anything_but_a_bucket_is_ignored(arn: str) -> None:
    assert reason(tagged_resource(resourceArn=arn)) == Reason.NOT_A_BUCKET


NO_GENERAL_PURPOSE_BUCKETS = [
    "x--usw2-az1--x-s3",
    "orders--use1-az4--x-s3",
    "orders--table-s3",
    "reports-a1b2c3-s3alias",
    "reports-a1b2c3--ol-s3",
    "reports.mrap",
    "xn--orders",
    "sthree-orders",
    "amzn-s3-demo-orders",
    "arn:aws:s3:::orders",
]


@pytest.mark.parametrize("name", NO_GENERAL_PURPOSE_BUCKETS)
def test_a_name_of_no_general_purpose_bucket_is_ignored_wherever_it_stands(name: str) -> None:
    check = event("check_request")
    check["detail"] = {"bucket": name}
    created = event("create_bucket")
    created["detail"]["requestParameters"]["bucketName"] = name
    [received] = from_sns(sns_event(message(name)))

    assert reason(check) == Reason.NOT_A_BUCKET
    assert reason(created) == Reason.NOT_A_BUCKET
    assert isinstance(received, Ignored)
    assert received.reason == Reason.NOT_A_BUCKET


@pytest.mark.parametrize("place", ["requestParameters", "resources", "userIdentity", "errorCode"])
@given(ODD)
def test_oddities_inside_a_record_never_break_it(place: str, odd: Any) -> None:
    sent = event("tag_resource_in_resources")
    sent["detail"][place] = odd

    found = request_for(sent)

    assert isinstance(found, Ignored) or is_bucket_name(found.bucket)


@given(JSON)
def test_any_json_value_is_a_request_or_ignored(sent: Any) -> None:
    found = request_for(sent)

    assert isinstance(found, Ignored) or is_bucket_name(found.bucket)


@given(JSON, JSON)
def test_any_json_value_as_a_bucket_name_is_a_request_or_ignored(name: Any, number: Any) -> None:
    sent = event("check_request")
    sent |= {"id": number, "detail": {"bucket": name}}

    found = request_for(sent)

    assert isinstance(found, Ignored) or is_bucket_name(found.bucket)


MOMENT = datetime(2026, 3, 2, 9, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "said", [{}, {"created_at": MOMENT}, {"deleted_at": MOMENT}, {"is_rule_deleted": True}]
)
def test_the_message_of_a_request_is_read_as_that_request(said: dict[str, Any]) -> None:
    sent = BucketRequest("orders", "c-1", **said)

    [received] = from_sns(sns_event(sent.message()))

    assert received == sent, "what one function sends the next one understands"


def test_the_message_of_the_corpus_is_read() -> None:
    [received] = from_sns(event("sns_message"))

    assert received == BucketRequest(NAME_IN_EVENTS, "77dd1b93-f3df-ac5c-ea6d-3b487ca64730")


def test_every_message_counts_and_a_bad_one_stops_no_other() -> None:
    received = list(from_sns(sns_event(message("orders"), "?", message("reports"))))

    assert [getattr(item, "bucket", "") for item in received] == ["orders", "", "reports"]
    assert isinstance(received[1], Ignored), "the second is no message of ours"


@pytest.mark.parametrize(
    "text",
    [
        "orders",
        "[]",
        "null",
        "7",
        "{}",
        '{"bucket": "orders"}',
        message("orders", version=2),
        message("orders", version="1"),
        message("orders", version=None),
        message("orders", version=[1]),
        message(5),
        message(None),
        message(["orders"]),
        message(""),
        "[" * 200_000,
        '{"version": 1' + "0" * 10_000 + "}",
        None,
        7,
        {"version": 1, "bucket": "orders"},
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_message_of_another_shape_is_unknown(text: object) -> None:
    [received] = from_sns(sns_event(text))

    assert isinstance(received, Ignored), f"no message of ours: {str(text)[:60]}"
    assert received.reason == Reason.UNKNOWN_EVENT


@pytest.mark.parametrize("name", ["Orders", "../orders", "a" * 64, "o--x-s3", "*"])
def test_a_message_about_no_bucket_is_ignored(name: str) -> None:
    [received] = from_sns(sns_event(message(name)))

    assert isinstance(received, Ignored), f"{name!r} is no bucket"
    assert received.reason == Reason.NOT_A_BUCKET


@given(JSON)
def test_any_json_value_as_an_sns_event_is_read(sent: Any) -> None:
    for found in from_sns(sent):
        assert isinstance(found, Ignored) or is_bucket_name(found.bucket)


@given(ODD)
def test_an_odd_creation_time_in_a_message_is_none_or_a_time(odd: Any) -> None:
    text = json.dumps({"version": 1, "bucket": "orders", "created_at": odd})

    [found] = from_sns(sns_event(text))

    assert isinstance(found, BucketRequest), "it names a bucket all the same"
    assert found.created_at is None or found.created_at.tzinfo


@given(JSON.map(json.dumps) | st.text(), st.booleans())
def test_any_text_as_a_message_is_a_request_or_ignored(text: str, wrapped: bool) -> None:
    body: Mapping[str, object] = {"Records": [text]} if wrapped else sns_event(text)

    [found] = from_sns(body)

    assert isinstance(found, Ignored) or is_bucket_name(found.bucket)


def test_a_correlation_id_is_bounded() -> None:
    [received] = from_sns(sns_event(message("orders", "x" * 5000)))

    assert isinstance(received, BucketRequest)
    assert len(received.correlation_id) == 128, "a hostile id must not swell every log line"


def own(
    detail: object,
    wish: object = Wish.CHECK,
    function: str = "enable_replication",
    **more: object,
) -> list[Any]:
    """What a request of our own kind is read as."""
    sent = {"source": "s3-dr", "detail-type": wish, "detail": detail, **more}
    return list(read(function, sent, SETTINGS))


def test_a_request_names_one_bucket_or_several() -> None:
    one = own({"bucket": "orders"}, id="e-1")
    several = own({"buckets": ["orders", "reports"]}, Wish.RELEASE)

    assert one == [BucketRequest("orders", "e-1")]
    assert several == [BucketRequest(name, "", wish=Wish.RELEASE) for name in ("orders", "reports")]
    assert own({"bucket": "one", "buckets": ["other"]}) == [BucketRequest("other", "")]


def test_every_name_of_many_is_read_and_a_bad_one_stops_no_other() -> None:
    names = [f"bucket-{number}" for number in range(10_000)]

    found = own({"buckets": [*names, "Bad", None, *names[:1]]})

    assert [item.bucket for item in found[:10_000]] == names
    assert [item.reason for item in found[10_000:10_002]] == [
        Reason.NOT_A_BUCKET,
        Reason.UNKNOWN_EVENT,
    ]
    assert found[-1] == BucketRequest("bucket-0", "")


@pytest.mark.parametrize("flag", ["dry_run", "everything"])
@pytest.mark.parametrize("value", [True, False, None, "true", 1, [True], {"a": True}], ids=repr)
def test_only_true_is_true(flag: str, value: object) -> None:
    [found] = own({"bucket": "orders", flag: value})

    assert getattr(found, flag) is (value is True)


@pytest.mark.parametrize(
    "detail",
    [
        None,
        "orders",
        ["orders"],
        {},
        {"bucket": None},
        {"bucket": ["orders"]},
        {"bucket": {"name": "orders"}},
        {"buckets": None},
        {"buckets": "orders"},
        {"buckets": []},
        {"buckets": {}},
        {"buckets": {"orders": 1}},
        {"buckets": [["orders"]]},
        {"Bucket": "orders"},
    ],
    ids=repr,
)
def test_a_request_that_names_no_bucket_is_unknown(detail: object) -> None:
    [found] = own(detail, id="e-1")

    assert isinstance(found, Ignored)
    assert found.reason == Reason.UNKNOWN_EVENT
    assert found.correlation_id == "e-1"


@pytest.mark.parametrize(
    "wish",
    [Wish.BACKFILL, Wish.CONFIRM, Wish.RELEASE, Wish.SWEEP, "", None, 7, [Wish.CHECK], {}],
    ids=repr,
)
@pytest.mark.parametrize("function", ["source_bucket_check", "destination_bucket_check"])
def test_a_wish_that_the_function_does_not_know_is_unknown(function: str, wish: object) -> None:
    [found] = own({"buckets": ["orders", "reports"]}, wish, function)

    assert isinstance(found, Ignored), "once, and not for each bucket"
    assert found.reason == Reason.UNKNOWN_EVENT
    assert Wish.CHECK in str(found), "the sentence says what it would have known"


@given(JSON, JSON, JSON)
def test_any_json_value_as_a_request_is_read(detail: Any, wish: Any, number: Any) -> None:
    for kind in (wish, Wish.CHECK):
        found = own(detail, kind, id=number)
        assert found, "there is always something to report"
        for item in found:
            assert isinstance(item, Ignored) or is_bucket_name(item.bucket)


@given(ODD, ODD)
def test_any_json_value_in_a_request_is_read(name: Any, names: Any) -> None:
    for detail in ({"bucket": name}, {"buckets": names}, {"buckets": [name, "orders"]}):
        for item in own(detail):
            assert isinstance(item, Ignored) or is_bucket_name(item.bucket)


@given(JSON)
def test_only_an_object_of_our_own_kind_is_a_call(sent: Any) -> None:
    is_own = isinstance(sent, dict) and sent.get("source") == "s3-dr"

    assert is_call(sent) is (is_own and "account" not in sent)


def test_only_who_waits_for_the_answer_makes_a_call() -> None:
    assert is_call({"source": "s3-dr"})
    assert not is_call({"source": "s3-dr", "account": "111122223333"}), "a bus brought it"
    assert not is_call(event("check_request"))
    assert not is_call({"account": "111122223333"})


@pytest.mark.parametrize("function", sorted(WISHES.keys() - {"sweep"}))
@pytest.mark.parametrize("wish", [*Wish, "Object Created"])
def test_each_function_takes_what_is_its_own(function: str, wish: str) -> None:
    [found] = own({"bucket": "orders"}, wish, function)

    if wish in WISHES[function]:
        assert found == BucketRequest("orders", "", wish=wish)
    else:
        assert found.reason == Reason.UNKNOWN_EVENT
        assert str(found) == f"not one of {', '.join(sorted(WISHES[function]))}"


# What no function was made for: the reason and the words are in logs, for who has to find out.
FOREIGN_TO_THE_BUS = "neither a CloudTrail record nor a check request"
FOREIGN_TO_A_TOPIC = "not an SNS event: no Records"


@pytest.mark.parametrize("function", sorted(WISHES.keys() - {"sweep"}))
@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {},
        "x",
        {"Records": []},
        {"Records": "x"},
        {"source": "aws.s3", "detail-type": "Object Created", "id": "e-1"},
        {"source": ["s3-dr"], "detail-type": Wish.CHECK, "detail": {"bucket": "orders"}},
    ],
    ids=repr,
)
def test_a_foreign_envelope_is_unknown_in_each_functions_words(function: str, sent: Any) -> None:
    on_the_bus = function == "source_bucket_check"

    [found] = read(function, sent, SETTINGS)

    assert isinstance(found, Ignored)
    assert found.reason == Reason.UNKNOWN_EVENT
    assert str(found) == (FOREIGN_TO_THE_BUS if on_the_bus else FOREIGN_TO_A_TOPIC)
    known = sent.get("id", "") if isinstance(sent, dict) and on_the_bus else ""
    assert found.correlation_id == known


def test_what_one_function_is_fed_with_is_foreign_to_the_others() -> None:
    [by_topic] = read("source_bucket_check", sns_event(message("orders")), SETTINGS)
    [by_bus] = read("enable_replication", event("put_bucket_tagging"), SETTINGS)

    assert (str(by_topic), str(by_bus)) == (FOREIGN_TO_THE_BUS, FOREIGN_TO_A_TOPIC)


def test_a_request_by_the_bus_is_about_one_bucket_and_a_call_about_all() -> None:
    names = {"buckets": ["orders", "reports", "Bad"]}
    by_bus = {"account": "111122223333", "id": "e-1"}

    assert own(names, function="source_bucket_check", **by_bus) == [BucketRequest("orders", "e-1")]
    assert len(own(names, function="source_bucket_check")) == 3
    for function in ("destination_bucket_check", "enable_replication"):
        assert len(own(names, function=function, **by_bus)) == 3


# --- the sweep ---------------------------------------------------------------


@pytest.mark.parametrize("wish", [*sorted(WISHES["sweep"]), "else", None, ["a"]], ids=repr)
def test_a_sweep_hears_what_is_asked_of_it(wish: Any) -> None:
    sent = {"source": "s3-dr", "detail-type": wish}

    plain = read_sweep(sent)
    by_terraform = read_sweep({**sent, "tf": {"action": "delete"}})

    assert (plain.wish, plain.action, plain.is_waited_for) == (wish, None, True)
    assert (by_terraform.wish, by_terraform.action) == (wish, "delete")


@pytest.mark.parametrize(("wait", "waits"), [(False, False), (True, True), (None, True), (0, True)])
def test_only_false_is_not_waited_for(wait: object, waits: bool) -> None:
    assert read_sweep({"wait": wait}).is_waited_for is waits


def test_a_job_that_changed_is_a_reason_to_give_turns() -> None:
    found = read_sweep(event("batch_job_status_changed"))

    assert (found.wish, found.by_schedule) == (Wish.TURNS, False)


@pytest.mark.parametrize(
    ("detail", "is_scheduled"),
    [({"scheduled": True}, True), ({"scheduled": 1}, False), ({}, False), ([], False)],
)
def test_the_schedule_of_jobs_is_told_from_a_person(detail: object, is_scheduled: bool) -> None:
    sent = {"source": "s3-dr", "detail-type": Wish.TURNS, "detail": detail}

    assert read_sweep(sent).by_schedule is is_scheduled


@given(JSON)
def test_any_json_value_is_a_wish_for_a_sweep_unless_it_is_of_our_own_kind(sent: Any) -> None:
    found = read_sweep(sent)

    if not (isinstance(sent, dict) and sent.get("source") == "s3-dr"):
        assert found.wish == Wish.SWEEP, "such as its schedule's"


# --- from one function to the next -------------------------------------------


def test_a_message_carries_no_wish_on() -> None:
    """The next function reads everything from AWS, and is not told to release."""
    sent = BucketRequest("orders", "c-1", wish=Wish.RELEASE, dry_run=True, everything=True)

    [received] = from_sns(sns_event(sent.message()))

    assert received == BucketRequest("orders", "c-1")


@pytest.mark.parametrize("field", ["wish", "dry_run", "everything"])
def test_a_message_cannot_ask_for_more_than_a_check(field: str) -> None:
    forged = {"version": 1, "bucket": "orders", field: Wish.RELEASE}

    [received] = from_sns(sns_event(json.dumps(forged)))

    assert received == BucketRequest("orders", "")


@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        (["arn:aws:s3:us-west-2:111122223333:accesspoint/ap"], Reason.NOT_A_BUCKET),
        (["arn:aws-cn:s3:::orders"], Reason.OTHER_PARTITION),
        ([], Reason.UNKNOWN_EVENT),
        ([None, {}], Reason.UNKNOWN_EVENT),
        ("arn:aws:s3:::orders", Reason.UNKNOWN_EVENT),
        (None, Reason.UNKNOWN_EVENT),
    ],
)
def test_a_change_of_tags_that_names_no_bucket_is_ignored(resources: Any, reason: Reason) -> None:
    sent = {**event("tag_change_on_resource"), "resources": resources}

    [found] = read("source_bucket_check", sent, SETTINGS)

    assert isinstance(found, Ignored)
    assert (found.reason, found.correlation_id) == (reason, sent["id"])
