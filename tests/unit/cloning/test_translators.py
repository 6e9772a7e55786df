"""What each property becomes on the twin: copied, put in other words, or left out and said so."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functional.payload import ACCOUNT, FOREIGN_ACCOUNT, checked, profiles, seen
from s3_dr.cloning import translators
from s3_dr.cloning.engine import Cloning, NotPortable
from s3_dr.cloning.terms import Terms
from s3_dr.twin import Marked

LOG_SERVICE = "logging.s3.amazonaws.com"
LOGS, DR_LOGS = "logs-west", "logs-east"
DR_KEY = f"arn:aws:kms:us-east-2:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
QUEUE = f"arn:aws:sqs:us-west-2:{ACCOUNT}:orders"
DR_QUEUE = f"arn:aws:sqs:us-east-2:{ACCOUNT}:orders"
EVENTS = ["s3:ObjectCreated:*"]
GIVEN = {LOGS: DR_LOGS, QUEUE: DR_QUEUE, "shop.example.com": "shop-dr.example.com"}


def cloning(*, dr_account: str = ACCOUNT, key: str = "", twin: str = "", **profile: Any) -> Any:
    """The cloning of ``orders`` under a profile."""
    check = checked(
        DR_ACCOUNT_ID=dr_account,
        DR_KEY_ARN=key,
        PROFILES=profiles(**profile),
        TRANSLATIONS=json.dumps(GIVEN),
    )
    made = Cloning(check, seen(check), Marked({}), {}, {}, {})
    made.terms = replace(made.terms, twin=twin or "orders-dr")
    return made


def translated(name: str, value: Any, **options: Any) -> tuple[Any, list[str]]:
    """A value for the twin, and what is said of it."""
    made = cloning(**options)
    return getattr(translators, name)(made, value, None), made._notes


@pytest.mark.parametrize(
    "name",
    [
        "tags",
        "lifecycle",
        "website",
        "logging",
        "notifications",
        "request_payment",
        "accelerate",
        "acl",
        "policy",
    ],
)
def test_nothing_stays_nothing(name: str) -> None:
    assert translated(name, None) == (None, [])


# --- tags --------------------------------------------------------------------


def test_tags_are_copied_but_for_those_that_mean_something_here() -> None:
    source = {
        "team": "shop",
        "dr": "true",
        "DR": "no",
        "aws:cloudformation:stack-name": "x",
        "s3-dr:storage-class": "GLACIER",
        "s3-dr:managed-by": "somebody",
    }

    kept, notes = translated("tags", source)

    assert kept == {"team": "shop", "DR": "no"}, "a tag asks for protection with its value"
    assert len(notes) == 4


def test_the_tags_of_every_profile_are_left_out() -> None:
    made = cloning(match_tags=[{"stage": "prod", "dr": "yes"}, {"dr": "true"}])

    kept = translators.tags(made, {"stage": "prod", "dr": "maybe", "team": "shop"}, None)

    assert kept == {"dr": "maybe", "team": "shop"}


def test_there_is_room_for_our_own_tags() -> None:
    source = {f"key-{number:02}": "x" for number in range(49)} | {"dr": "true"}

    kept, notes = translated("tags", source)

    assert kept is not None
    assert len(kept) == 46
    assert sum("has room for 46" in note for note in notes) == 3


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=50))
def test_a_twin_never_asks_for_protection(tags: dict[str, str]) -> None:
    kept, _ = translated("tags", {**tags, "dr": "true"})

    assert not checked().settings.profiles[0].matches(kept or {})
    assert (kept or {}).items() <= tags.items()


# --- lifecycle ---------------------------------------------------------------

TRANSITION = {"Days": 30, "StorageClass": "GLACIER"}


def rule(**parts: Any) -> dict[str, Any]:
    return {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, **parts}


@pytest.mark.parametrize("expiration", [{"Days": 1}, {"Date": "2020-01-01"}])
def test_what_would_delete_replicas_is_left_out(expiration: dict[str, Any]) -> None:
    parts = {"Transitions": [TRANSITION], "AbortIncompleteMultipartUpload": {"D": 7}}
    full = rule(Expiration=expiration, NoncurrentVersionExpiration={"NoncurrentDays": 1}, **parts)

    kept, notes = translated("lifecycle", {"Rules": [full], "Size": "x"})

    assert kept == {"Rules": [rule(**parts)], "Size": "x"}
    assert [note.split(":")[0] for note in notes] == ["rule old", "rule old"]
    assert "Expiration" in notes[0] and "NoncurrentVersionExpiration" in notes[1]


def test_a_rule_that_only_deletes_is_left_out() -> None:
    value = {"Rules": [rule(Expiration={"Days": 1}), rule(Transitions=[TRANSITION])]}

    kept, _ = translated("lifecycle", value)

    assert kept == {"Rules": [rule(Transitions=[TRANSITION])]}
    assert translated("lifecycle", {"Rules": value["Rules"][:1]})[0] is None


LONE_MARKERS = {"Expiration": {"ExpiredObjectDeleteMarker": True}}


def test_delete_markers_without_objects_may_go() -> None:
    value = {"Rules": [rule(**LONE_MARKERS)]}

    assert translated("lifecycle", value) == (value, [])


@pytest.mark.parametrize("mode", ["safe", "full"])
def test_delete_markers_stay_while_their_objects_may_be_on_the_way(mode: str) -> None:
    others = [rule(Transitions=[TRANSITION]), rule(AbortIncompleteMultipartUpload={"D": 7})]
    made = cloning(lifecycle=mode)
    made.is_catching_up = True

    kept = translators.lifecycle(
        made,
        {"Rules": [rule(**LONE_MARKERS), rule(**LONE_MARKERS, Transitions=[TRANSITION])]},
        None,
    )
    assert kept == {"Rules": [rule(Transitions=[TRANSITION])]}
    assert [note.split(" held back")[0] for note in made._notes] == [
        "rule old: ExpiredObjectDeleteMarker"
    ] * 2
    assert translators.lifecycle(made, {"Rules": [rule(**LONE_MARKERS)]}, None) is None
    assert translators.lifecycle(made, {"Rules": others}, None) == {"Rules": others}


def test_the_record_is_read_only_for_what_may_have_to_wait() -> None:
    """Else a check would cost a call more: this one can reach no AWS at all."""
    value = {"Rules": [rule(Transitions=[TRANSITION]), rule(Expiration={"Days": 1})]}

    assert translated("lifecycle", value)[0] == {"Rules": [rule(Transitions=[TRANSITION])]}


def test_a_profile_may_want_everything() -> None:
    value = {
        "Rules": [rule(Expiration={"Days": 1}, NoncurrentVersionExpiration={"NoncurrentDays": 1})]
    }

    assert translated("lifecycle", value, lifecycle="full") == (value, [])


@pytest.mark.parametrize("mode", ["safe", "full"])
def test_the_old_form_is_put_in_the_new_one(mode: str) -> None:
    old = {"ID": "old", "Status": "Disabled", "Prefix": "a/", "Transitions": [TRANSITION]}
    new = {**old, "Filter": {"Prefix": "a/"}}
    del new["Prefix"]

    assert translated("lifecycle", {"Rules": [old]}, lifecycle=mode) == ({"Rules": [new]}, [])
    assert "Prefix" in old, "the source's value is not touched"


def test_noncurrent_versions_can_be_made_to_expire() -> None:
    ours = {
        "ID": "s3-dr-noncurrent-versions",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
    }

    for rules in [[], [rule(Expiration={"Days": 1})]]:
        value = {"Rules": rules} if rules else None
        kept, notes = translated("lifecycle", value, noncurrent_version_expiration_days=90)
        assert kept == {"Rules": [ours]}
        assert "90 days" in notes[-1]


def test_a_rule_of_the_source_that_has_our_id_stays_and_ours_gets_another() -> None:
    theirs = rule(ID="s3-dr-noncurrent-versions", Transitions=[TRANSITION])
    value = {"Rules": [theirs, rule(Transitions=[TRANSITION])]}

    kept, notes = translated("lifecycle", value, noncurrent_version_expiration_days=90)

    *rules, ours = kept["Rules"]
    assert rules == value["Rules"]
    assert ours["ID"] == "s3-dr-noncurrent-versions-2"
    assert ours["ID"] in notes[-1]


RULES = st.fixed_dictionaries(
    {"ID": st.text(min_size=1), "Status": st.sampled_from(["Enabled", "Disabled"])},
    optional={
        "Prefix": st.text(),
        "Expiration": st.sampled_from(
            [{"Days": 3}, {"Date": "x"}, {"ExpiredObjectDeleteMarker": True}]
        ),
        "NoncurrentVersionExpiration": st.just({"NoncurrentDays": 3}),
        "Transitions": st.just([TRANSITION]),
        "NoncurrentVersionTransitions": st.just([TRANSITION]),
        "AbortIncompleteMultipartUpload": st.just({"DaysAfterInitiation": 3}),
    },
)


@given(st.lists(RULES, max_size=4))
def test_no_safe_rule_deletes_an_object(rules: list[Any]) -> None:
    kept, _ = translated("lifecycle", {"Rules": rules})

    for each in kept["Rules"] if kept else []:
        assert each.get("Expiration", {}).keys() <= {"ExpiredObjectDeleteMarker"}
        assert "NoncurrentVersionExpiration" not in each
        assert "Prefix" not in each


# --- what points elsewhere ---------------------------------------------------


@pytest.mark.parametrize(
    ("source", "there"), [("orders", "orders-dr"), (LOGS, DR_LOGS), ("orders-logs", None)]
)
def test_logs_go_to_a_bucket_of_the_dr_region_or_nowhere(source: str, there: str | None) -> None:
    value = {"TargetBucket": source, "TargetPrefix": "a/"}

    if there:
        kept, notes = translated("logging", value)
        assert kept == {**value, "TargetBucket": there}
        assert [LOG_SERVICE in note for note in notes] == ([True] if there == DR_LOGS else [])
    else:
        with pytest.raises(NotPortable, match="orders-logs"):
            translated("logging", value)


def test_grants_on_logs_are_left_out() -> None:
    value = {"TargetBucket": LOGS, "TargetPrefix": "", "TargetGrants": [{"Permission": "READ"}]}

    kept, [grant, note] = translated("logging", value)

    assert kept == {"TargetBucket": DR_LOGS, "TargetPrefix": ""}
    assert grant.startswith("GRANT_NEEDED")
    assert "TargetGrants" in note


def test_notifications_go_to_what_the_user_names_and_to_eventbridge() -> None:
    value: dict[str, Any] = {
        "QueueConfigurations": [
            {"Id": "a", "QueueArn": QUEUE, "Events": EVENTS},
            {"Id": "b", "QueueArn": f"{QUEUE}-2", "Events": EVENTS},
        ],
        "TopicConfigurations": [{"Id": "c", "TopicArn": "arn:aws:sns:us-west-2:1:t"}],
        "EventBridgeConfiguration": {},
    }

    kept, notes = translated("notifications", value)

    assert kept == {
        "QueueConfigurations": [
            {"Id": "a", "QueueArn": DR_QUEUE, "Events": ["s3:ObjectCreated:*"]}
        ],
        "EventBridgeConfiguration": {},
    }
    assert [note.split(":")[0] for note in notes] == ["b", "c"]
    del value["EventBridgeConfiguration"], value["QueueConfigurations"][0]
    with pytest.raises(NotPortable):
        translated("notifications", value)


def inventory(bucket: str, **target: Any) -> dict[str, Any]:
    destination = {"Bucket": f"arn:aws:s3:::{bucket}", "Format": "CSV", **target}
    return {"Id": "all", "Destination": {"S3BucketDestination": destination}}


@pytest.mark.parametrize(("source", "there"), [("orders", "orders-dr"), (LOGS, DR_LOGS)])
def test_inventories_go_to_a_bucket_of_the_dr_region(source: str, there: str) -> None:
    made = cloning()

    kept = translators.inventory(made, inventory(source, AccountId=ACCOUNT))

    assert kept == inventory(there, AccountId=ACCOUNT)


def test_inventories_of_another_account_name_it() -> None:
    made = cloning(dr_account=FOREIGN_ACCOUNT)

    kept = translators.inventory(made, inventory("orders", AccountId=ACCOUNT))

    assert kept == inventory("orders-dr", AccountId=FOREIGN_ACCOUNT)


def test_inventories_are_encrypted_with_a_key_of_the_dr_region() -> None:
    item = inventory(LOGS, Encryption={"SSEKMS": {"KeyId": "west"}})

    kept = translators.inventory(cloning(key=DR_KEY), item)

    assert kept == inventory(DR_LOGS, Encryption={"SSEKMS": {"KeyId": DR_KEY}})
    with pytest.raises(NotPortable, match="no KMS key"):
        translators.inventory(cloning(), item)
    item = inventory(LOGS, Encryption={"SSES3": {}})
    assert translators.inventory(cloning(), item) == inventory(DR_LOGS, Encryption={"SSES3": {}})


def test_an_analysis_goes_on_without_its_export() -> None:
    def analysis(bucket: str) -> dict[str, Any]:
        target = {"Bucket": f"arn:aws:s3:::{bucket}", "BucketAccountId": ACCOUNT, "Format": "CSV"}
        export = {"OutputSchemaVersion": "V_1", "Destination": {"S3BucketDestination": target}}
        return {"Id": "all", "StorageClassAnalysis": {"DataExport": export}}

    made = cloning()

    assert translators.analytics(made, analysis(LOGS)) == analysis(DR_LOGS)
    [grant] = made._notes
    assert grant.startswith("GRANT_NEEDED") and DR_LOGS in grant
    made._notes.clear()
    assert translators.analytics(made, analysis("elsewhere")) == {
        "Id": "all",
        "StorageClassAnalysis": {},
    }
    assert "elsewhere" in made._notes[0]
    plain: dict[str, Any] = {"Id": "all", "StorageClassAnalysis": {}}
    assert translators.analytics(made, plain) == plain


@pytest.mark.parametrize(
    "chosen", [{"AccessPointArn": "arn"}, {"And": {"Prefix": "a", "AccessPointArn": "arn"}}]
)
def test_metrics_of_an_access_point_are_the_sources_own(chosen: dict[str, Any]) -> None:
    translate = translators.each(translators.metrics)
    made = cloning()
    whole = {"Id": "whole"}

    assert translate(made, {"a": {"Id": "a", "Filter": chosen}, "whole": whole}, None) == {
        "whole": whole
    }
    assert made._notes[0].startswith("a: left out")
    with pytest.raises(NotPortable):
        translate(made, {"a": {"Id": "a", "Filter": chosen}}, None)


def test_a_website_names_the_hosts_of_the_dr_region() -> None:
    hosts = ("shop.example.com", "shop-dr.example.com")
    one, other = (
        {
            "IndexDocument": {"Suffix": "index.html"},
            "RoutingRules": [
                {"Redirect": {"HostName": host, "Protocol": "https"}},
                {"Redirect": {"ReplaceKeyWith": "x"}},
                {"Redirect": {"HostName": "example.com"}},
            ],
        }
        for host in hosts
    )
    assert translated("website", one) == (other, [])
    here, there = ({"RedirectAllRequestsTo": {"HostName": host}} for host in hosts)
    assert translated("website", here) == (there, [])


def test_requesters_pay_in_one_account_only() -> None:
    assert translated("request_payment", "Requester") == ("Requester", [])
    with pytest.raises(NotPortable):
        translated("request_payment", "Requester", dr_account=FOREIGN_ACCOUNT)


def test_names_with_dots_are_not_accelerated() -> None:
    assert translated("accelerate", "Enabled") == ("Enabled", [])
    with pytest.raises(NotPortable):
        translated("accelerate", "Enabled", twin="or.ders-dr")


def test_public_grants_are_left_out() -> None:
    groups = "http://acs.amazonaws.com/groups/"
    everybody, anybody, logs = (
        {"Grantee": {"Type": "Group", "URI": groups + name}, "Permission": "READ"}
        for name in ("global/AllUsers", "global/AuthenticatedUsers", "s3/LogDelivery")
    )
    mail = {"Grantee": {"Type": "AmazonCustomerByEmail"}, "Permission": "READ"}

    kept, notes = translated("acl", [everybody, anybody, logs, mail])

    assert kept == [logs]
    assert len(notes) == 3
    assert translated("acl", [everybody])[0] is None


# --- buckets and accounts ----------------------------------------------------


@pytest.mark.parametrize(
    ("arn", "there"),
    [
        ("arn:aws:s3:::orders", "arn:aws:s3:::orders-dr"),
        ("arn:aws:s3:::orders/a/*", "arn:aws:s3:::orders-dr/a/*"),
        ("arn:aws-cn:s3:::orders/*", "arn:aws-cn:s3:::orders-dr/*"),
        ("arn:aws:s3:::orders-archive", None),
        ("arn:aws:s3:::my-orders", None),
        ("arn:aws:s3:::orders*", None),
        ("arn:aws:s3:us-west-2:1:accesspoint/orders", None),
        ("orders", None),
    ],
)
def test_a_bucket_is_known_by_its_whole_name(arn: str, there: str | None) -> None:
    assert cloning().terms.own_arn(arn) == there


def test_targets_are_given_by_name_or_arn() -> None:
    terms = Terms("a", "a-dr", "1", "1", "r", "s", given={"arn:aws:s3:::x": "arn:aws:s3:::y"})

    assert terms.bucket_arn("arn:aws:s3:::x") == "arn:aws:s3:::y"
    assert terms.bucket_arn("arn:aws:s3:::a") == "arn:aws:s3:::a-dr"
    assert terms.bucket_arn("arn:aws:s3:::z") is None
    assert terms.bucket_arn("arn:aws:s3:::a/b") is None
