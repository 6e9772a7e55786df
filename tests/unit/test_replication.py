"""Our replication rule among foreign ones: nothing of anybody else's is touched."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functional.payload import ACCOUNT, REPLICATION_ROLE, environment
from s3_dr import replication
from s3_dr.aws import Budget
from s3_dr.check import Check
from s3_dr.events import BucketRequest
from s3_dr.outcomes import Blocked, Reason
from s3_dr.profiles import Profile
from s3_dr.replication import MAX_RULES, desired_configuration
from s3_dr.settings import Settings

STATUS = st.sampled_from(["Enabled", "Disabled"])
PRIORITY = st.integers(0, 2**31 - 1)
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
FILTER: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"Prefix": st.just("") | TEXT}),
    st.fixed_dictionaries({"Tag": st.fixed_dictionaries({"Key": TEXT, "Value": TEXT})}),
    st.just({}),
)
RULE = st.fixed_dictionaries(
    {
        "Priority": PRIORITY,
        "Filter": FILTER,
        "Status": STATUS,
        "Destination": st.fixed_dictionaries(
            {"Bucket": TEXT.map("arn:aws:s3:::{}".format)},
            optional={
                "Account": st.just(ACCOUNT),
                "StorageClass": st.sampled_from(["STANDARD_IA", "GLACIER"]),
            },
        ),
        "DeleteMarkerReplication": st.fixed_dictionaries({"Status": STATUS}),
    },
    optional={
        "ID": TEXT.filter(lambda text: text != "s3-dr"),
        "SourceSelectionCriteria": st.just({"ReplicaModifications": {"Status": "Enabled"}}),
        "SomethingNewOfS3": st.text(max_size=3),
    },
)
OURS = {
    "ID": "s3-dr",
    "Priority": 1,
    "Filter": {"Prefix": ""},
    "Status": "Enabled",
    "DeleteMarkerReplication": {"Status": "Enabled"},
    "Destination": {"Bucket": "arn:aws:s3:::orders-dr", "Account": ACCOUNT},
}


def check(profile: Profile | None = None) -> Check:
    """A check that has found its profile, and can reach no AWS."""
    clients = cast(Any, SimpleNamespace(source_s3=None, dr_s3=None))
    settings = Settings.from_environment(environment())
    found = Check(settings, clients, Budget(lambda: 60.0), BucketRequest("orders", "c-1"))
    found.profile = profile or Profile("standard", ({"dr": "true"},))
    return found


def desired(*rules: Any, role: str = REPLICATION_ROLE) -> dict[str, Any]:
    return desired_configuration(check(), {"Role": role, "Rules": list(rules)})


def foreign(number: int = 1, **more: Any) -> dict[str, Any]:
    destination = {"Bucket": f"arn:aws:s3:::elsewhere-{number}"}
    return {**OURS, "ID": f"theirs-{number}", "Destination": destination, **more}


def reason(*rules: Any, role: str = REPLICATION_ROLE) -> Reason:
    with pytest.raises(Blocked) as caught:
        desired(*rules, role=role)
    assert str(caught.value), "a blocked bucket comes with a remedy"
    return caught.value.reason


def test_a_bucket_without_replication_gets_our_rule() -> None:
    assert desired_configuration(check(), None) == {"Role": REPLICATION_ROLE, "Rules": [OURS]}


@pytest.mark.parametrize(("delete_markers", "status"), [(True, "Enabled"), (False, "Disabled")])
def test_the_profile_decides_about_delete_markers(delete_markers: bool, status: str) -> None:
    profile = Profile("p", ({"dr": "true"},), delete_markers)

    [rule] = desired_configuration(check(profile), None)["Rules"]

    assert rule["DeleteMarkerReplication"] == {"Status": status}


@given(st.lists(RULE, max_size=5), st.none() | PRIORITY)
def test_our_rule_lives_beside_any_foreign_ones(foreign: list[Any], ours: int | None) -> None:
    rules = [*foreign, *([] if ours is None else [{**OURS, "Priority": ours}])]
    before = copy.deepcopy(rules)

    result = desired(*rules)

    *kept, rule = result["Rules"]
    assert kept == foreign, "foreign rules stay as they are, in their order"
    assert rules == before, "what was read is not changed in place"
    assert rule["ID"] == "s3-dr"
    assert rule["Priority"] not in {other["Priority"] for other in foreign}, "S3 wants its own"
    assert desired(*result["Rules"]) == result, "what is as it should be stays so"


@pytest.mark.parametrize("highest", [1, 1000, 2**31 - 2, 2**31 - 1])
def test_our_priority_is_one_that_s3_can_hold(highest: int) -> None:
    *_, rule = desired(foreign(1, Priority=0), foreign(2, Priority=highest))["Rules"]

    assert 0 < rule["Priority"] <= 2**31 - 1, "S3's Priority is a 32-bit integer"
    assert rule["Priority"] != highest, "S3 wants its own"


@pytest.mark.parametrize(
    "change",
    [
        {"Status": "Disabled"},
        {"Filter": {"Prefix": "logs/"}},
        {"Filter": {"Tag": {"Key": "a", "Value": "b"}}},
        {"DeleteMarkerReplication": {"Status": "Disabled"}},
        {"Destination": {"Bucket": "arn:aws:s3:::elsewhere", "Account": ACCOUNT}},
        {"Destination": {"Bucket": "arn:aws:s3:::orders-dr"}},
        {"SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}}},
    ],
)
def test_our_rule_is_put_right_whatever_was_altered(change: dict[str, Any]) -> None:
    assert desired({**OURS, **change})["Rules"] == [OURS]


def test_our_rule_of_the_old_schema_is_replaced() -> None:
    old = {"ID": "s3-dr", "Prefix": "", "Status": "Enabled", "Destination": OURS["Destination"]}

    assert desired(old)["Rules"] == [OURS]


def test_our_rule_keeps_a_priority_that_is_free() -> None:
    rules = desired(foreign(Priority=9), {**OURS, "Priority": 4})["Rules"]

    assert rules[-1]["Priority"] == 4, "a person may have given it on purpose"


def test_our_rule_moves_off_a_priority_that_is_taken() -> None:
    rules = desired(foreign(Priority=1), OURS)["Rules"]

    assert rules[-1]["Priority"] == 2


def test_our_rule_alone_in_a_configuration_of_another_role_gets_our_role() -> None:
    result = desired(OURS, role="arn:aws:iam::111122223333:role/old")

    assert result == {"Role": REPLICATION_ROLE, "Rules": [OURS]}


def test_foreign_rules_of_another_role_block() -> None:
    role = "arn:aws:iam::111122223333:role/theirs"

    assert reason(foreign(), role=role) == Reason.FOREIGN_REPLICATION_ROLE
    assert reason(foreign(), OURS, role=role) == Reason.FOREIGN_REPLICATION_ROLE


def test_foreign_rules_of_the_old_schema_block() -> None:
    old = {"Prefix": "", "Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::x"}}

    assert reason(old) == Reason.V1_REPLICATION_RULES
    assert reason(foreign(), old) == Reason.V1_REPLICATION_RULES


def test_there_is_room_for_our_rule_up_to_s3s_limit() -> None:
    rules = [foreign(number, Priority=number) for number in range(MAX_RULES)]

    assert len(desired(*rules[1:])["Rules"]) == MAX_RULES, "999 and ours are 1,000"
    assert len(desired(*rules[1:], OURS)["Rules"]) == MAX_RULES, "ours is replaced, not added"
    assert reason(*rules) == Reason.TOO_MANY_RULES


def holds(current: Any, wanted: Any = None) -> bool:
    wanted = wanted or {"Role": REPLICATION_ROLE, "Rules": [OURS]}
    return replication._holds(current, wanted, check())


@pytest.mark.parametrize(
    "echo",
    [
        OURS,
        {**OURS, "Filter": {}},
        {**OURS, "Destination": {"Bucket": OURS["Destination"]["Bucket"]}},
        {**OURS, "SourceSelectionCriteria": None},
    ],
)
def test_our_rule_is_known_in_whatever_words_s3_gives_it_back(echo: dict[str, Any]) -> None:
    assert holds({"Role": REPLICATION_ROLE, "Rules": [echo]})


@pytest.mark.parametrize(
    "change",
    [
        {"Status": "Disabled"},
        {"Priority": 2},
        {"Filter": {"Prefix": "logs/"}},
        {"DeleteMarkerReplication": {"Status": "Disabled"}},
        {"Destination": {**OURS["Destination"], "Bucket": "arn:aws:s3:::elsewhere"}},
        {"Destination": {**OURS["Destination"], "Account": "666677778888"}},
        {"Destination": {**OURS["Destination"], "StorageClass": "GLACIER"}},
        {"SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}}},
    ],
)
def test_another_rule_is_not_taken_for_ours(change: dict[str, Any]) -> None:
    assert not holds({"Role": REPLICATION_ROLE, "Rules": [{**OURS, **change}]})


def test_a_rule_of_the_old_schema_is_not_ours() -> None:
    old = {key: value for key, value in OURS.items() if key not in ("Filter", "Priority")}

    assert not holds({"Role": REPLICATION_ROLE, "Rules": [{**old, "Prefix": ""}]})


def test_role_and_foreign_rules_belong_to_what_has_to_be_seen() -> None:
    wanted = {"Role": REPLICATION_ROLE, "Rules": [foreign(), OURS]}

    assert holds({"Role": REPLICATION_ROLE, "Rules": [OURS, foreign()]}, wanted), "in any order"
    assert not holds({"Role": "arn:aws:iam::111122223333:role/other", "Rules": wanted["Rules"]})
    assert not holds({"Role": REPLICATION_ROLE, "Rules": [OURS]}, wanted), "a foreign rule is lost"
    assert not holds({"Role": REPLICATION_ROLE, "Rules": [foreign()]}, wanted), "ours is not there"
    assert not holds(None, wanted)
