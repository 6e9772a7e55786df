"""Our replication rule among foreign ones: nothing of anybody else's is touched."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from itertools import permutations
from typing import Any

import botocore.loaders
import botocore.model
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from functional.payload import (
    ACCOUNT,
    FOREIGN_ACCOUNT,
    REPLICATION_ROLE,
    checked,
    profiles,
)
from s3_dr.check import Check
from s3_dr.outcomes import Blocked, Reason
from s3_dr.profiles import STORAGE_CLASSES
from s3_dr.rule import MAX_RULES, Configuration, Known, Left
from s3_dr.rule import desired as desired_by

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
OURS: dict[str, Any] = {
    "ID": "s3-dr",
    "Priority": 1,
    "Filter": {"Prefix": ""},
    "Status": "Enabled",
    "DeleteMarkerReplication": {"Status": "Enabled"},
    "Destination": {"Bucket": "arn:aws:s3:::orders-dr", "Account": ACCOUNT},
}


def check(**fields: Any) -> Check:
    """A check whose profile has these fields."""
    return checked(PROFILES=profiles(**fields))


def left(
    id_: str = "s3-dr", place: str = "arn:aws:s3:::orders-dr", role: str = REPLICATION_ROLE
) -> Left:
    """Our rule as it was left: the same objects as OURS."""
    found = {"Role": REPLICATION_ROLE, "Rules": [OURS]}
    ours = Configuration.of(Known(checked().settings, "orders"), found).left
    assert ours
    return replace(ours, id=id_, destination=place, role=role)


LEFT = left()


def read(made: Check, found: Any, left: Left | None = LEFT) -> Configuration:
    """A configuration as it is read from S3; our rule was left there, if nothing else is said."""
    return Configuration.of(Known(made.settings, made.source.name, left), found)


def desired_configuration(made: Check, current: Any) -> dict[str, Any]:
    """What is put, in S3's shape."""
    profile = made.settings.profiles[0]
    return desired_by(read(made, current), profile).to_s3()


def holds_by(made: Check, current: Any, wanted: Any) -> bool:
    return read(made, current).holds(read(made, wanted))


def rule_of(made: Check) -> dict[str, Any]:
    """The one rule of a bucket that has no other, as the check wants it; S3 would take it."""
    configuration = desired_configuration(made, None)
    [rule] = configuration["Rules"]
    assert_valid(configuration)
    found: dict[str, Any] = rule
    return found


@cache
def input_shape() -> Any:
    loader = botocore.loaders.create_loader()
    model = botocore.model.ServiceModel(loader.load_service_model("s3", "service-2"))
    return model.operation_model("PutBucketReplication").input_shape


def assert_valid(configuration: Any) -> None:
    """botocore would send it to S3."""
    parameters = {"Bucket": "orders", "ReplicationConfiguration": configuration}
    report = ParamValidator().validate(parameters, input_shape())
    assert not report.has_errors(), report.generate_report()


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
    rule = rule_of(check(delete_markers=delete_markers))

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


# --- whose a rule is ---------------------------------------------------------

THEIRS = "arn:aws:iam::111122223333:role/theirs"
USED = "arn:aws:iam::111122223333:role/used"
FORMER = "arn:aws:iam::111122223333:role/former"
PLACES = {
    "twin": "arn:aws:s3:::orders-dr",
    "former twin": "arn:aws:s3:::orders-backup",
    "elsewhere": "arn:aws:s3:::elsewhere",
}
OURS_BY_ITSELF = {("twin", REPLICATION_ROLE), ("twin", USED)}
# What was left there and has kept the one or the other of the two.
OURS_BY_MEMORY = OURS_BY_ITSELF | {
    (place, role)
    for place in PLACES
    for role in (REPLICATION_ROLE, FORMER, THEIRS, USED)
    if place != "elsewhere" or role in (REPLICATION_ROLE, FORMER)
}


@pytest.mark.parametrize("role", [REPLICATION_ROLE, USED, FORMER, THEIRS])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("was_left", "ours"),
    [
        (None, OURS_BY_ITSELF),
        (left("s3-dr", PLACES["former twin"], FORMER), OURS_BY_MEMORY),
        (left("s3-dr-2", PLACES["former twin"], FORMER), OURS_BY_ITSELF),
    ],
)
def test_destination_and_role_or_memory_say_whose_a_rule_is(
    was_left: Left | None, ours: set[tuple[str, str]], place: str, role: str
) -> None:
    rule = {**OURS, "Destination": {"Bucket": PLACES[place]}}
    made = checked(FOREIGN_ROLE_ARNS=USED)

    found = read(made, {"Role": role, "Rules": [rule]}, was_left)

    assert (found.ours is not None) == ((place, role) in ours)
    assert [*found.others] == ([] if found.ours else [rule])


def test_a_role_that_is_theirs_says_nothing_even_if_our_rule_was_under_it() -> None:
    rule = {**OURS, "Destination": {"Bucket": PLACES["elsewhere"]}}
    made, was_left = checked(FOREIGN_ROLE_ARNS=USED), left(role=USED)

    assert read(made, {"Role": USED, "Rules": [rule]}, was_left).ours is None


FORMER_PATH = REPLICATION_ROLE.replace(":role/", ":role/platform/")


@pytest.mark.parametrize("has_others", [True, False])
def test_our_role_by_a_former_path_is_our_role(has_others: bool) -> None:
    others = [foreign(Priority=7)] * has_others
    made = check()
    current = read(made, {"Role": FORMER_PATH, "Rules": [*others, OURS]}, None)

    wanted = desired_by(current, made.settings.profiles[0])

    assert current.ours == OURS, "whatever is remembered"
    assert wanted.to_s3() == {"Role": REPLICATION_ROLE, "Rules": [*others, OURS]}


def test_a_rule_to_elsewhere_about_other_objects_is_theirs() -> None:
    theirs = foreign(ID="s3-dr", Filter={"Prefix": "theirs/"})

    found = read(check(), {"Role": REPLICATION_ROLE, "Rules": [theirs]})

    assert found.ours is None, "it took the place of ours"


@pytest.mark.parametrize(
    ("place", "role", "may_be"),
    [("twin", THEIRS, True), ("elsewhere", REPLICATION_ROLE, True), ("elsewhere", THEIRS, False)],
)
def test_who_cannot_see_what_is_remembered_is_unsure(place: str, role: str, may_be: bool) -> None:
    rule = {**OURS, "Destination": {"Bucket": PLACES[place]}}
    known = Known(check().settings, "orders", is_unsure=True)

    found = Configuration.of(known, {"Role": role, "Rules": [rule]})

    assert (found.ours is not None) == may_be


@pytest.mark.parametrize(
    ("taken", "was_left", "expected"),
    [
        ([], None, "s3-dr"),
        (["s3-dr"], None, "s3-dr-2"),
        (["s3-dr-2"], None, "s3-dr"),
        (["s3-dr", "s3-dr-2", "s3-dr-4"], None, "s3-dr-3"),
        ([], left("s3-dr-2"), "s3-dr-2"),
    ],
)
def test_ours_goes_beside_theirs_under_an_id_that_nobody_has(
    taken: list[str], was_left: Left | None, expected: str
) -> None:
    theirs = [foreign(number, ID=id_, Priority=number) for number, id_ in enumerate(taken)]
    made = check()
    current = read(made, {"Role": REPLICATION_ROLE, "Rules": theirs}, was_left)

    wanted = desired_by(current, made.settings.profiles[0])

    *kept, ours = wanted.rules
    assert kept == theirs, "what has our ID by chance stays as it is"
    assert ours["ID"] == expected
    for remembered in (None, wanted.left):
        again = read(made, wanted.to_s3(), remembered)
        assert again.ours == ours, "and is found again, be it remembered or not"
        assert again.holds(wanted)
        assert list(again.without_ours().rules) == theirs
        assert [rule for rule in again.with_ours_off().rules if rule["ID"] in taken] == theirs


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
    return holds_by(check(), current, wanted)


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


# --- what a profile makes of the rule ----------------------------------------

DR_KEY = f"arn:aws:kms:us-east-2:{ACCOUNT}:key/2222-d"
PROFILES_KEY = f"arn:aws:kms:us-east-2:{ACCOUNT}:key/3333-p"
ON, OFF = {"Status": "Enabled"}, {"Status": "Disabled"}
IN_TIME = {"Time": {"Minutes": 15}, **ON}
IN_TIME_METRICS = {"EventThreshold": {"Minutes": 15}, **ON}
ONE, TWO = {"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}


def with_destination(**more: Any) -> dict[str, Any]:
    return {"Destination": {**OURS["Destination"], **more}}


def with_key(arn: str) -> dict[str, Any]:
    return {
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": ON},
        **with_destination(EncryptionConfiguration={"ReplicaKmsKeyID": arn}),
    }


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({}, {}),
        ({"delete_markers": True}, {}),
        ({"delete_markers": False}, {"DeleteMarkerReplication": OFF}),
        ({"filter": {}}, {}),
        ({"filter": {"prefix": "x/"}}, {"Filter": {"Prefix": "x/"}}),
        ({"filter": {"tags": {"a": "b"}}, "delete_markers": False}, {"Filter": {"Tag": ONE}}),
        (
            {"filter": {"tags": {"c": "d", "a": "b"}}, "delete_markers": False},
            {"Filter": {"And": {"Tags": [ONE, TWO]}}},
        ),
        (
            {"filter": {"prefix": "x/", "tags": {"a": "b"}}, "delete_markers": False},
            {"Filter": {"And": {"Prefix": "x/", "Tags": [ONE]}}},
        ),
        ({"kms_key_arn": PROFILES_KEY}, with_key(PROFILES_KEY)),
        ({"metrics": True}, with_destination(Metrics=ON)),
        ({"metrics": False}, {}),
        ({"object_lock": {"always": True}}, {}),
        ({"on_foreign_role": "use"}, {}),
        ({"on_mfa_delete": "allow"}, {}),
        ({"on_suspended_versioning": "enable"}, {}),
        ({"overrides": []}, {}),
        (
            {"replica_modifications": True},
            {"SourceSelectionCriteria": {"ReplicaModifications": ON}},
        ),
        (
            {"replica_modifications": True, "kms_key_arn": PROFILES_KEY},
            {
                **with_key(PROFILES_KEY),
                "SourceSelectionCriteria": {
                    "SseKmsEncryptedObjects": ON,
                    "ReplicaModifications": ON,
                },
            },
        ),
        (
            {"replication_time_control": True},
            with_destination(ReplicationTime=IN_TIME, Metrics=IN_TIME_METRICS),
        ),
        (
            {"replication_time_control": True, "metrics": True},
            with_destination(ReplicationTime=IN_TIME, Metrics=IN_TIME_METRICS),
        ),
        *(
            ({"storage_class": each}, with_destination(StorageClass=each))
            for each in sorted(STORAGE_CLASSES)
        ),
    ],
)
def test_a_field_of_the_profile_makes_its_part_of_the_rule(
    fields: dict[str, Any], change: dict[str, Any]
) -> None:
    fitting = {**OURS, **change}
    if "Prefix" not in fitting["Filter"]:
        fitting["DeleteMarkerReplication"] = OFF

    assert rule_of(check(**fields)) == fitting, "this part, and no other one"


def test_the_modules_key_encrypts_where_the_profile_names_none() -> None:
    own = profiles(kms_key_arn=PROFILES_KEY)

    assert rule_of(checked(DR_KEY_ARN=DR_KEY)) == {**OURS, **with_key(DR_KEY)}
    assert rule_of(checked(DR_KEY_ARN=DR_KEY, PROFILES=own)) == {**OURS, **with_key(PROFILES_KEY)}


def test_replicas_in_another_account_belong_to_it() -> None:
    rule = rule_of(checked(DR_ACCOUNT_ID=FOREIGN_ACCOUNT))

    assert rule["Destination"] == {
        "Bucket": "arn:aws:s3:::orders-dr",
        "Account": FOREIGN_ACCOUNT,
        "AccessControlTranslation": {"Owner": "Destination"},
    }


def test_the_rule_leads_to_the_twin_by_whatever_name() -> None:
    made = checked(
        PARTITION="aws-us-gov",
        DR_BUCKET_PREFIX="copy-",
        DR_BUCKET_NAMESPACE="account-regional",
    )

    twin = f"copy-orders-dr-{ACCOUNT}-us-east-2-an"
    assert rule_of(made)["Destination"]["Bucket"] == f"arn:aws-us-gov:s3:::{twin}"


def without_markers_by_tags(fields: dict[str, Any]) -> dict[str, Any]:
    """S3 has no delete markers under a filter by tags, nor does the variable let them through."""
    return {**fields, "delete_markers": not fields.get("filter", {}).get("tags")}


PROFILE_FIELDS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "filter": st.fixed_dictionaries(
            {}, optional={"prefix": TEXT, "tags": st.dictionaries(TEXT, TEXT, max_size=3)}
        ),
        "kms_key_arn": st.just(PROFILES_KEY),
        "metrics": st.just(True),
        "replica_modifications": st.just(True),
        "replication_time_control": st.just(True),
        "storage_class": st.sampled_from(sorted(STORAGE_CLASSES)),
    },
).map(without_markers_by_tags)


@given(PROFILE_FIELDS, st.sampled_from([ACCOUNT, FOREIGN_ACCOUNT]), st.sampled_from(["", DR_KEY]))
def test_any_profile_makes_a_rule_that_s3_understands(
    fields: dict[str, Any], account: str, key: str
) -> None:
    made = checked(DR_ACCOUNT_ID=account, DR_KEY_ARN=key, PROFILES=profiles(**fields))

    rule = rule_of(made)

    wanted = {"Role": REPLICATION_ROLE, "Rules": [rule]}
    assert holds_by(made, wanted, desired_configuration(made, wanted)), "it stays so"
    selected = rule.get("SourceSelectionCriteria", {})
    assert ("SseKmsEncryptedObjects" in selected) == (
        "EncryptionConfiguration" in rule["Destination"]
    ), "S3 takes the two only together"
    timed, measured = (rule["Destination"].get(name) for name in ("ReplicationTime", "Metrics"))
    assert not timed or measured, "nor does it take time control without metrics"


# --- what a rule means -------------------------------------------------------


def same(one: dict[str, Any], other: dict[str, Any], made: Check | None = None) -> bool:
    """Whether our rule in one form is taken for our rule in the other."""
    found, wanted = ({"Role": REPLICATION_ROLE, "Rules": [rule]} for rule in (one, other))
    return holds_by(made or check(), found, wanted)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ({}, with_destination(Metrics=OFF)),
        ({}, with_destination(Metrics={**OFF, "EventThreshold": {"Minutes": 15}})),
        ({}, with_destination(ReplicationTime={**OFF, "Time": {"Minutes": 15}})),
        ({}, {"SourceSelectionCriteria": {}}),
        ({}, {"SourceSelectionCriteria": {"ReplicaModifications": OFF}}),
        ({}, {"SourceSelectionCriteria": dict.fromkeys(("A", "B"), OFF)}),
        (
            with_key(DR_KEY),
            {
                **with_key(DR_KEY),
                "SourceSelectionCriteria": {
                    "SseKmsEncryptedObjects": ON,
                    "ReplicaModifications": OFF,
                },
            },
        ),
        ({}, {"Filter": {}}),
        ({}, {"Filter": None}),
        ({}, {"Filter": {"And": {"Prefix": ""}}}),
        ({"Filter": {"Prefix": "x/"}}, {"Filter": {"And": {"Prefix": "x/", "Tags": []}}}),
        ({"Filter": {"Tag": ONE}}, {"Filter": {"And": {"Tags": [ONE]}}}),
        ({"Filter": {"Tag": ONE}}, {"Filter": {"And": {"Prefix": "", "Tags": [ONE]}}}),
        (
            {"Filter": {"And": {"Prefix": "x/", "Tags": [ONE, TWO]}}},
            {"Filter": {"And": {"Prefix": "x/", "Tags": [TWO, ONE]}}},
        ),
    ],
)
def test_two_forms_of_one_meaning_are_the_same(
    written: dict[str, Any], shown: dict[str, Any]
) -> None:
    for one, other in permutations(({**OURS, **written}, {**OURS, **shown})):
        assert same(one, other), "else the rule would be written at every look"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, with_destination(Metrics=ON)),
        (
            with_destination(ReplicationTime=IN_TIME, Metrics=IN_TIME_METRICS),
            with_destination(Metrics=IN_TIME_METRICS),
        ),
        ({}, {"SourceSelectionCriteria": {"SseKmsEncryptedObjects": ON}}),
        (with_key(DR_KEY), with_key(PROFILES_KEY)),
        ({}, with_key(DR_KEY)),
        ({"Filter": {"Prefix": "x/"}}, {"Filter": {"Prefix": "x"}}),
        ({"Filter": {"Tag": ONE}}, {"Filter": {"Tag": TWO}}),
        ({"Filter": {"Tag": ONE}}, {"Filter": {"And": {"Tags": [ONE, TWO]}}}),
        ({"Filter": {"Tag": ONE}}, {"Filter": {"Prefix": "a"}}),
        ({"Filter": {"Tag": ONE}}, {"Filter": {"Tag": {**ONE, "Value": "B"}}}),
        ({}, with_destination(StorageClass="GLACIER")),
        ({}, with_destination(AccessControlTranslation={"Owner": "Destination"})),
        ({}, {"DeleteMarkerReplication": OFF}),
        ({}, {"SomethingNewOfS3": "x"}),
    ],
)
def test_two_meanings_are_not_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    for first, second in permutations(({**OURS, **one}, {**OURS, **other})):
        assert not same(first, second), "else a drift would stay"


def test_the_twins_owner_goes_without_saying_only_within_one_account() -> None:
    two = checked(DR_ACCOUNT_ID=FOREIGN_ACCOUNT)
    rule = rule_of(two)
    unsaid, ours = copy.deepcopy(rule), copy.deepcopy(rule)
    del unsaid["Destination"]["Account"]
    ours["Destination"]["Account"] = ACCOUNT

    assert same(rule, rule, two)
    assert not same(unsaid, rule, two), "S3 would take the source's account for the owner"
    assert not same(ours, rule, two)


# --- the life of a configuration ---------------------------------------------


def test_our_rule_changes_in_place() -> None:
    before = desired(foreign(1, Priority=5), {**OURS, "Priority": 3}, foreign(2, Priority=9))

    after = desired_configuration(check(storage_class="GLACIER", delete_markers=False), before)

    *others, ours = after["Rules"]
    assert others == [foreign(1, Priority=5), foreign(2, Priority=9)]
    assert ours == {
        **OURS,
        "Priority": 3,
        "DeleteMarkerReplication": OFF,
        **with_destination(StorageClass="GLACIER"),
    }, "another profile is no other priority"


FOREIGN_RULE = st.builds(
    lambda rule, more: {**rule, "Destination": {**rule["Destination"], **more}},
    RULE,
    st.fixed_dictionaries(
        {},
        optional={
            "AccessControlTranslation": st.just({"Owner": "Destination"}),
            "EncryptionConfiguration": st.just({"ReplicaKmsKeyID": "k"}),
            "ReplicationTime": st.just(IN_TIME),
            "Metrics": st.sampled_from([ON, IN_TIME_METRICS, OFF]),
        },
    ),
)
# What S3 lets stand together: IDs of their own (S3 gives them) and priorities of their own.
FOREIGN_RULES = st.lists(
    st.tuples(FOREIGN_RULE, TEXT.filter(lambda text: text != "s3-dr")),
    max_size=6,
    unique_by=(lambda pair: pair[1], lambda pair: pair[0]["Priority"]),
).map(lambda pairs: [{**rule, "ID": name} for rule, name in pairs])


def by_hand(what: str, rules: list[Any], number: int) -> list[Any]:
    """The rules after somebody did something to ours."""
    others = [rule for rule in rules if rule["ID"] != "s3-dr"]
    ours = [rule for rule in rules if rule["ID"] == "s3-dr"]
    match what:
        case "delete":
            return others
        case "disable":
            return [{**rule, **(OFF if rule["ID"] == "s3-dr" else {})} for rule in rules]
        case "another class":
            return [*others, *({**rule, **with_destination(StorageClass="x")} for rule in ours)]
        case "another priority":
            taken = {rule["Priority"] for rule in others}
            return [*others, *({**r, "Priority": number} for r in ours if number not in taken)]
        case "move to the front":
            return [*ours, *others]
    return rules


STEPS = st.lists(
    st.tuples(
        PROFILE_FIELDS,
        st.sampled_from(
            ["delete", "disable", "another class", "another priority", "move to the front", ""]
        ),
        PRIORITY,
    ),
    min_size=1,
    max_size=5,
)


@given(FOREIGN_RULES, STEPS)
def test_foreign_rules_survive_whatever_happens_to_ours(foreign: list[Any], steps: Any) -> None:
    original = copy.deepcopy(foreign)
    current: dict[str, Any] | None = (
        {"Role": REPLICATION_ROLE, "Rules": foreign} if foreign else None
    )
    for fields, what, number in steps:
        made = check(**fields)
        current = desired_configuration(made, current)

        others = [rule for rule in current["Rules"] if rule["ID"] != "s3-dr"]
        ours = [rule for rule in current["Rules"] if rule["ID"] == "s3-dr"]
        priorities = [rule["Priority"] for rule in current["Rules"]]
        assert others == original, "unchanged, and in order"
        assert len(ours) == 1, "one rule is ours"
        assert len(set(priorities)) == len(priorities), "S3 wants each its own"
        assert 0 <= ours[0]["Priority"] <= 2**31 - 1, "S3's Priority is a 32-bit integer"
        assert len(current["Rules"]) <= MAX_RULES
        assert holds_by(made, current, desired_configuration(made, current)), "in sync"
        current = {**current, "Rules": by_hand(what, current["Rules"], number)}


@pytest.mark.parametrize("highest", [998, 2**31 - 1])
def test_a_full_configuration_stays_within_what_s3_takes(highest: int) -> None:
    rules = [foreign(number, Priority=number) for number in range(998)]
    rules.append(foreign(999, Priority=highest))

    for fields in ({}, {"storage_class": "GLACIER"}):
        result = desired_configuration(check(**fields), {"Role": REPLICATION_ROLE, "Rules": rules})
        assert len(result["Rules"]) == MAX_RULES
        assert len({rule["Priority"] for rule in result["Rules"]}) == MAX_RULES


# --- a foreign role ----------------------------------------------------------

THEIR_ROLE = f"arn:aws:iam::{ACCOUNT}:role/theirs"
USING = {"PROFILES": profiles(on_foreign_role="use"), "FOREIGN_ROLE_ARNS": f"x,{THEIR_ROLE}"}


def under(role: str, *rules: Any, **overrides: str) -> Any:
    return desired_configuration(checked(**overrides), {"Role": role, "Rules": list(rules)})


def test_our_rule_is_put_under_a_foreign_role_that_may_be_used() -> None:
    result = under(THEIR_ROLE, foreign(), **USING)

    assert result == {"Role": THEIR_ROLE, "Rules": [foreign(), {**OURS, "Priority": 2}]}
    assert under(THEIR_ROLE, *result["Rules"], **USING) == result, "and stays there"


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"FOREIGN_ROLE_ARNS": THEIR_ROLE},
        {"PROFILES": profiles(on_foreign_role="use")},
        {"PROFILES": profiles(on_foreign_role="use"), "FOREIGN_ROLE_ARNS": THEIR_ROLE + "s"},
    ],
)
def test_a_foreign_role_is_used_only_when_profile_and_module_say_so(
    overrides: dict[str, str],
) -> None:
    with pytest.raises(Blocked) as caught:
        under(THEIR_ROLE, foreign(), **overrides)

    assert caught.value.reason == Reason.FOREIGN_REPLICATION_ROLE
    assert THEIR_ROLE in str(caught.value), "the remedy names the role"


def test_alone_our_rule_has_our_role_even_where_a_foreign_one_may_be_used() -> None:
    assert under(THEIR_ROLE, OURS, **USING)["Role"] == REPLICATION_ROLE, "theirs are gone"


def test_a_foreign_role_does_not_excuse_rules_of_the_old_schema() -> None:
    old = {"ID": "o", "Prefix": "", **ON, "Destination": {"Bucket": "arn:aws:s3:::x"}}

    with pytest.raises(Blocked) as caught:
        under(THEIR_ROLE, old, **USING)

    assert caught.value.reason == Reason.V1_REPLICATION_RULES


# --- what two configurations have in common ----------------------------------


def configured(*rules: Any, role: str = REPLICATION_ROLE) -> dict[str, Any]:
    return {"Role": role, "Rules": list(rules)}


def fingerprint(configuration: Any) -> str:
    return read(check(), configuration).fingerprint


def covers(current: Any, desired: Any) -> bool:
    return read(check(), current).covers(read(check(), desired))


SAME: dict[str, dict[str, Any]] = {
    "without the usual owner": {"Destination": {"Bucket": "arn:aws:s3:::orders-dr"}},
    "with what is off": {
        "Destination": {**OURS["Destination"], "Metrics": {"Status": "Disabled"}},
        "SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Disabled"}},
    },
    "with no filter at all": {"Filter": {}},
    "with an And of one prefix": {"Filter": {"And": {"Prefix": "", "Tags": []}}},
}
OTHER: dict[str, dict[str, Any]] = {
    "another bucket": {"Destination": {"Bucket": "arn:aws:s3:::elsewhere"}},
    "another account": {"Destination": {**OURS["Destination"], "Account": FOREIGN_ACCOUNT}},
    "another prefix": {"Filter": {"Prefix": "x/"}},
    "a tag": {"Filter": {"Tag": {"Key": "a", "Value": "b"}}},
    "no delete markers": {"DeleteMarkerReplication": {"Status": "Disabled"}},
    "off": {"Status": "Disabled"},
    "another priority": {"Priority": 2},
    "another class": {"Destination": {**OURS["Destination"], "StorageClass": "STANDARD_IA"}},
}
NO_LOSS = ("another account", "another priority", "another class")


@pytest.mark.parametrize("changes", SAME.values(), ids=SAME)
def test_a_fingerprint_is_of_the_meaning(changes: Any) -> None:
    assert fingerprint(configured({**OURS, **changes})) == fingerprint(configured(OURS))
    assert covers(configured({**OURS, **changes}), configured(OURS))


@pytest.mark.parametrize("name", OTHER)
def test_another_rule_has_another_fingerprint(name: str) -> None:
    changed = configured({**OURS, **OTHER[name]})

    assert fingerprint(changed) != fingerprint(configured(OURS))
    assert covers(changed, configured(OURS)) is (name in NO_LOSS)


def test_more_than_is_wanted_covers_it() -> None:
    without = configured({**OURS, "DeleteMarkerReplication": {"Status": "Disabled"}})

    assert covers(configured(OURS), without)
    assert not covers(without, configured(OURS))


def test_the_role_counts_and_foreign_rules_do_not() -> None:
    theirs = foreign()

    assert fingerprint(configured(OURS, theirs)) == fingerprint(configured(OURS))
    assert fingerprint(configured(OURS, role="arn:r")) != fingerprint(configured(OURS))
    assert covers(configured(OURS, theirs), configured(OURS))
    assert not covers(configured(OURS, role="arn:r"), configured(OURS))


@pytest.mark.parametrize(
    "configuration",
    [None, configured(foreign()), configured({**OURS, "Status": "Disabled"})],
    ids=["none", "foreign only", "off"],
)
def test_nothing_is_covered_without_a_live_rule_of_ours(configuration: Any) -> None:
    assert not covers(configuration, configured(OURS))


@given(st.lists(RULE, max_size=3), st.randoms(use_true_random=False))
def test_our_rule_is_found_by_its_id_alone(others: list[Any], random: Any) -> None:
    rules = [*others, OURS]
    random.shuffle(rules)

    found = read(check(), configured(*rules))
    assert found.ours is OURS
    assert list(found.others) == [rule for rule in rules if rule is not OURS]
    assert read(check(), configured(*others)).ours is None
    none = read(check(), None)
    assert (none.ours, none.others, none.is_live) == (None, (), False)


@pytest.mark.parametrize("change", [{}, OFF], ids=["on", "off"])
def test_our_rule_is_let_go_and_no_other_is_touched(change: dict[str, str]) -> None:
    ours, one, other = {**OURS, **change}, foreign(1), foreign(2)
    found = read(check(), configured(one, ours, other, role="arn:r"))

    assert found.is_live is (change == {})
    assert found.without_ours().to_s3() == configured(one, other, role="arn:r")
    off = found.with_ours_off()
    assert off.to_s3() == configured(one, {**OURS, **OFF}, other, role="arn:r"), "in its place"
    assert not off.is_live
    assert found.to_s3() == configured(one, ours, other, role="arn:r"), "unchanged"


def test_a_record_of_before_knows_the_rule_by_the_same_fingerprint() -> None:
    """It is in records: another form would look as if somebody had changed every rule."""
    known = "322b9093c5fe005eb05533533e3922d1fd7c6e5ac015d27aff33c75d8d9cbbf4"

    assert fingerprint(configured(OURS)) == known
