"""The life of a protection on the local AWS: untag, tag again, release, and checks side by side."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functional.living import GOLD, RULE, STANDARD, Life, direct
from functional.payload import DR_REGION, TRIGGER, Context, event, hear
from s3_dr import handlers

pytest_plugins = ["functional.payload", "functional.living"]

pytestmark = pytest.mark.usefixtures("either_world")


# --- untag -------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["put_bucket_tagging", "delete_bucket_tagging", "untag_resource", "tag_resource"]
)
def test_a_bucket_that_loses_its_tag_has_its_rule_disabled(life: Life, name: str) -> None:
    life.tag()
    before = life.rule()
    life.s3.delete_bucket_tagging(Bucket=life.bucket)

    first, last = life.check(name)

    assert (first["outcome"], first["changes"]) == ("passed_on", [])
    assert (last["outcome"], last["changes"]) == ("released", ["PutBucketReplication"])
    assert life.rule() == {**before, "Status": "Disabled"}, "and nothing else of it changed"
    assert life.world.versioning(life.bucket) == "Enabled"
    assert life.world.versioning(life.twin, DR_REGION) == "Enabled"
    again = life.check(name)
    assert [each["changes"] for each in again] == [[], []]
    assert again[-1]["outcome"] == "ignored"


@pytest.mark.parametrize(
    "tags",
    [
        {"dr": "false"},
        {"dr": ""},
        {"dr": "True"},
        {"dr": "true "},
        {"DR": "true"},
        {"Dr": "true"},
        {"drs": "true"},
        {"team": "orders"},
    ],
    ids=json.dumps,
)
def test_any_tag_but_the_very_one_is_none(life: Life, tags: dict[str, str]) -> None:
    life.tag()

    *_, last = life.tag(**tags)

    assert last["outcome"] == "released"
    assert life.rule()["Status"] == "Disabled"


def test_another_tag_beside_it_changes_nothing(life: Life) -> None:
    life.tag()

    *_, last = life.tag(**TRIGGER, team="orders")

    assert last["outcome"] == "protected"
    assert "PutBucketReplication" not in last["changes"]
    assert life.rule()["Status"] == "Enabled"


def test_what_lies_in_the_buckets_is_let_be(life: Life) -> None:
    life.put("before")
    life.tag()
    life.settled()
    life.put("while", "gone")
    life.s3.delete_object(Bucket=life.bucket, Key="gone")
    source, twin = life.versions(life.bucket), life.versions(life.twin)
    tags = life.world.tags(life.twin, DR_REGION)
    life.functions.calls.clear()

    life.untag()

    assert life.functions.writes == ["PutObject", "PutBucketReplication"], "record and rule"
    life.put("after")
    assert life.versions(life.twin) == twin, "nothing is copied any more, nothing is deleted"
    assert set(source) < set(life.versions(life.bucket))
    assert life.world.versioning(life.bucket) == "Enabled"
    assert life.world.versioning(life.twin, DR_REGION) == "Enabled"
    assert life.world.tags(life.twin, DR_REGION) == tags


def test_a_second_event_of_an_untagged_bucket_writes_nothing_anywhere(life: Life) -> None:
    life.tag()
    life.untag()
    life.functions.calls.clear()

    life.check("delete_bucket_tagging")

    assert life.functions.writes == []


def test_remove_takes_our_rule_off(life: Life) -> None:
    life.deploy(on_untag="remove")
    life.tag()

    *_, last = life.untag()

    assert (last["outcome"], last["changes"]) == ("released", ["DeleteBucketReplication"])
    assert life.rules() == []
    [again] = life.check("delete_bucket_tagging")
    assert (again["outcome"], again["reason"]) == ("ignored", "NO_PROFILE_MATCHES")


@pytest.mark.parametrize("has_others", [False, True])
@pytest.mark.parametrize("is_gone", [False, True], ids=["suspended", "gone"])
def test_a_rule_that_cannot_be_disabled_for_want_of_its_twin_is_removed(
    life: Life, is_gone: bool, has_others: bool
) -> None:
    """S3 takes no rule to such a bucket, not even one that is off."""
    life.tag()
    theirs = [life.foreign_rule()] if has_others else []
    life.world.replicate(life.bucket, [life.rule(), *theirs])
    if is_gone:
        life.delete_twin()
    else:
        life.dr.put_bucket_versioning(
            Bucket=life.twin, VersioningConfiguration={"Status": "Suspended"}
        )
    life.functions.context = Context(8)  # it is not waited for long

    last = life.untag()[-1]

    assert last["outcome"] == "released"
    assert life.rule() is None
    assert [rule["ID"] for rule in life.rules()] == ["theirs"] * has_others
    assert life.tag()[-1]["outcome"] == "protected"


@pytest.mark.parametrize("way", ["disable", "remove"])
def test_foreign_rules_and_their_role_stay_as_they_are(life: Life, way: str) -> None:
    life.deploy(on_untag=way)
    theirs = [life.foreign_rule(), life.foreign_rule(3, "paused") | {"Status": "Disabled"}]
    life.world.replicate(life.bucket, theirs)
    kept = life.rules()
    life.tag()
    role = life.world.replication(life.bucket)["Role"]

    *_, last = life.untag()

    assert (last["outcome"], last["changes"]) == ("released", ["PutBucketReplication"])
    assert [rule for rule in life.rules() if rule["ID"] != RULE] == kept
    assert life.world.replication(life.bucket)["Role"] == role
    assert (life.rule() is None) is (way == "remove")


def test_a_foreign_rule_between_ours_keeps_its_place(life: Life) -> None:
    life.tag()
    ours, theirs = life.rule(), life.foreign_rule()
    life.world.replicate(life.bucket, [ours, theirs])

    life.untag()

    assert [rule["ID"] for rule in life.rules()] == [RULE, "theirs"]


@pytest.mark.parametrize("way", ["disable", "remove"])
def test_our_rule_under_their_role_goes_without_touching_the_role(life: Life, way: str) -> None:
    role = life.local_aws.replication_role("theirs-of-life")
    fields = {**STANDARD, "on_foreign_role": "use", "on_untag": way}
    life.deploy_profiles(fields, FOREIGN_ROLE_ARNS=role)
    life.world.replicate(life.bucket, [life.foreign_rule()], role)
    life.tag()
    assert life.rule()["Status"] == "Enabled"

    *_, last = life.untag()

    assert last["outcome"] == "released"
    assert life.world.replication(life.bucket)["Role"] == role


def test_keep_keeps_the_rule_live(life: Life) -> None:
    life.deploy(on_untag="keep")
    life.tag()

    *_, last = life.untag()

    assert (last["outcome"], last["changes"]) == ("ignored", [])
    assert life.rule()["Status"] == "Enabled"
    life.put("after")
    life.assert_whole()


def test_the_profile_that_protected_it_decides(life: Life) -> None:
    gold = {**GOLD, "on_untag": "remove"}
    life.deploy_profiles({**STANDARD, "on_untag": "keep"}, gold)
    life.tag(tier="gold")

    *_, last = life.untag()

    assert last["changes"] == ["DeleteBucketReplication"]


def test_a_profile_that_is_gone_means_disable(life: Life) -> None:
    life.deploy({**GOLD, "on_untag": "remove"}, on_untag="remove")
    life.tag(tier="gold")
    life.deploy(on_untag="remove")

    *_, last = life.check()

    assert last["outcome"] == "released"
    assert life.rule()["Status"] == "Disabled"


def test_a_rule_without_a_record_means_disable(life: Life) -> None:
    life.deploy(on_untag="remove")
    life.tag()
    life.s3.delete_object(Bucket=life.reports, Key=f"state/{life.bucket}.json")

    *_, last = life.untag()

    assert last["outcome"] == "released"
    assert life.rule()["Status"] == "Disabled"


def test_a_bucket_never_protected_costs_two_reads(life: Life) -> None:
    [result] = life.check()

    assert (result["outcome"], result["reason"]) == ("ignored", "NO_PROFILE_MATCHES")
    assert life.functions.operations == ["GetBucketTagging", "GetBucketReplication"]


def test_a_rule_that_only_resembles_ours_is_not_ours(life: Life) -> None:
    life.world.replicate(life.bucket, [life.foreign_rule(name="s3-dr-2")])
    before = life.rules()

    *_, result = life.check()
    called = life.asked()

    assert result["outcome"] == called["outcome"] == "ignored"
    assert life.rules() == before
    assert life.functions.writes == []


def test_the_rule_of_an_untagged_bucket_is_let_be_when_a_person_disabled_it(life: Life) -> None:
    life.tag()
    life.change_rule(Status="Disabled")

    *_, last = life.untag()

    assert (last["outcome"], last["changes"]) == ("ignored", [])


def test_a_deleted_bucket_is_ignored(life: Life) -> None:
    life.tag()
    life.s3.delete_bucket(Bucket=life.bucket)

    [result] = life.check("delete_bucket_tagging")

    assert (result["outcome"], result["reason"]) == ("ignored", "NO_SUCH_BUCKET")


# --- tag again ---------------------------------------------------------------


@pytest.mark.parametrize("way", ["disable", "remove"])
def test_what_was_written_meanwhile_is_copied_when_the_tag_is_back(life: Life, way: str) -> None:
    life.deploy(on_untag=way)
    life.tag()
    life.put("before", "before", "deleted")
    life.untag()
    life.put("meanwhile", "before", "gone")
    life.s3.delete_object(Bucket=life.bucket, Key="gone")
    life.s3.delete_object(Bucket=life.bucket, Key="deleted")
    assert {key for key, *_ in life.versions(life.twin)} == {"before", "deleted"}

    *_, last = life.tag()

    assert last["outcome"] == "protected"
    assert last["changes"] == ["PutBucketReplication", "CreateJob"]
    assert life.rule()["Status"] == "Enabled"
    assert life.statuses() == ["NONE", "FAILED"], "what was copied before is not copied again"
    assert life.ended()["ProgressSummary"]["TotalNumberOfTasks"] == 5
    life.assert_whole()
    found = life.last()["backfill"]
    assert (found["status"], found["succeeded"]) == ("complete", 5)
    life.put("later")
    life.assert_whole()
    life.check()
    assert len(life.jobs()) == 1


def test_a_kept_rule_has_no_gap(life: Life) -> None:
    life.deploy(on_untag="keep")
    life.tag()
    life.untag()
    life.put("meanwhile")

    *_, last = life.tag()

    assert (last["outcome"], last["changes"]) == ("protected", [])
    assert life.jobs() == []
    life.assert_whole()


def test_untag_and_tag_with_nothing_in_between_costs_no_job_for_an_empty_bucket(
    life: Life,
) -> None:
    life.tag()
    life.untag()

    *_, last = life.tag()

    assert last["changes"] == ["PutBucketReplication"]
    assert last["backfill"] == {"status": "none"}
    assert life.jobs() == []


def test_a_bucket_goes_over_to_another_profile_without_a_gap(life: Life) -> None:
    life.put("before")
    life.deploy({**GOLD, "storage_class": "STANDARD_IA", "on_untag": "remove"})
    life.tag()
    life.settled()

    *_, last = life.tag(tier="gold")

    assert (last["profile"], last["changes"]) == ("gold", ["PutBucketReplication"])
    assert life.record()["profile"] == "gold"
    assert life.record()["put_back"] == []
    assert len(life.jobs()) == 1
    *_, last = life.untag()
    assert last["changes"] == ["DeleteBucketReplication"], "the later profile decides"


# --- in step -----------------------------------------------------------------


def test_a_bucket_in_step_is_only_read(life: Life) -> None:
    life.put("a")
    life.tag()
    life.settled()
    life.functions.calls.clear()

    last = life.last()

    assert (last["outcome"], last["changes"]) == ("protected", [])
    assert life.functions.writes == []
    names = life.functions.operations
    told = [number for number, name in enumerate(names) if name == "Publish"]
    assert names[told[1] + 1 :] == [
        "GetBucketTagging",
        "HeadBucket",
        "GetBucketEncryption",
        "GetBucketTagging",
        "GetObject",
        "GetBucketReplication",
    ], "the third function reads the source, the twin's mark, the record and the rule"
    kept = [c for c in life.functions.calls if c.parameters.get("Bucket") == life.reports]
    assert [c.operation for c in kept] == ["GetObject"]


def test_every_call_names_the_owner_it_expects(life: Life) -> None:
    life.put("a")
    life.tag()
    life.settled()
    life.untag()

    without = {
        call.operation
        for call in life.functions.calls
        if call.service == "s3" and "ExpectedBucketOwner" not in call.parameters
    }
    assert without <= {"CreateBucket", "ListBuckets"}


# --- release on request ------------------------------------------------------


@pytest.mark.parametrize("tagged", [True, False])
def test_a_release_takes_the_rule_off_whatever_the_tags_and_the_profile_say(
    life: Life, tagged: bool
) -> None:
    life.deploy(on_untag="keep")
    life.tag()
    life.put("a")
    if not tagged:
        life.s3.delete_bucket_tagging(Bucket=life.bucket)

    result = life.asked("Bucket Release Requested")

    assert (result["outcome"], result["changes"]) == ("released", ["DeleteBucketReplication"])
    assert life.rules() == []
    life.assert_whole()
    again = life.asked("Bucket Release Requested")
    assert (again["outcome"], again["changes"]) == ("ignored", [])
    assert again["reason"] == "NO_RULE_OF_OURS", "tagged or not, that is why"


def test_a_release_leaves_foreign_rules(life: Life) -> None:
    role = life.local_aws.replication_role("theirs-of-life")
    life.deploy_profiles({**STANDARD, "on_foreign_role": "use"}, FOREIGN_ROLE_ARNS=role)
    life.world.replicate(life.bucket, [life.foreign_rule()], role)
    before = life.world.replication(life.bucket)
    life.tag()

    result = life.asked("Bucket Release Requested")

    assert (result["outcome"], result["changes"]) == ("released", ["PutBucketReplication"])
    assert life.world.replication(life.bucket) == before


def test_a_release_says_so_when_others_use_our_role_which_will_be_gone(life: Life) -> None:
    life.world.replicate(life.bucket, [life.foreign_rule()])
    before = life.world.replication(life.bucket)
    life.tag()

    results = [life.asked("Bucket Release Requested") for _ in range(2)]

    for result in results:
        assert (result["outcome"], result["reason"]) == ("blocked", "RULES_UNDER_OUR_ROLE")
        assert life.bucket in result["remedy"]
    assert [result["changes"] for result in results] == [["PutBucketReplication"], []]
    assert life.world.replication(life.bucket) == before, "ours is off, theirs is theirs"


def test_a_release_of_a_disabled_rule_removes_it(life: Life) -> None:
    life.tag()
    life.untag()

    assert life.asked("Bucket Release Requested")["outcome"] == "released"
    assert life.rules() == []


def test_a_release_of_a_bucket_that_is_gone_is_ignored(life: Life) -> None:
    life.s3.delete_bucket(Bucket=life.bucket)

    result = life.asked("Bucket Release Requested")

    assert (result["outcome"], result["reason"]) == ("ignored", "NO_SUCH_BUCKET")


def test_a_release_of_a_blocked_bucket_says_that_there_is_nothing(life: Life) -> None:
    """It is tagged, and a profile matches it: its versioning is suspended."""
    status = {"Status": "Suspended"}
    life.s3.put_bucket_versioning(Bucket=life.bucket, VersioningConfiguration=status)
    [blocked] = life.tag()
    assert blocked["reason"] == "SOURCE_VERSIONING_SUSPENDED"

    result = life.asked("Bucket Release Requested")

    assert (result["outcome"], result["reason"]) == ("ignored", "NO_RULE_OF_OURS")


@pytest.mark.parametrize("on_untag", ["keep", "disable"])
def test_a_bucket_that_was_marked_as_a_twin_says_why_its_rule_is_let_be(
    life: Life, on_untag: str
) -> None:
    life.deploy(on_untag=on_untag)
    life.tag()
    life.retag(**{"s3-dr:source-bucket": "another"})

    results = [life.check()[-1] for _ in range(2)]

    assert (results[-1]["outcome"], results[-1]["reason"]) == ("ignored", "IS_A_TWIN")
    assert life.rule()["Status"] == ("Enabled" if on_untag == "keep" else "Disabled")


def test_a_release_that_may_not_read_fails(life: Life) -> None:
    life.tag()
    life.fail("GetBucketReplication", "AccessDenied", 403)

    result = life.asked("Bucket Release Requested")

    assert (result["outcome"], result["reason"]) == ("failed", "AccessDenied")
    assert life.rule()["Status"] == "Enabled"


def test_a_released_bucket_that_is_still_tagged_is_protected_again(life: Life) -> None:
    life.tag()
    life.put("a")
    life.asked("Bucket Release Requested")
    life.put("b")

    *_, last = life.check()

    assert last["changes"] == ["PutBucketReplication", "CreateJob"]
    assert life.record()["put_back"] == [], "we took it off ourselves"
    life.ended()
    life.assert_whole()


def test_only_the_last_function_releases(life: Life) -> None:
    life.tag()
    sent = direct("Bucket Release Requested", buckets=[life.bucket])

    for handler in (handlers.source_bucket_check, handlers.destination_bucket_check):
        result = life.functions.only(handler, sent)
        assert (result["outcome"], result["reason"]) == ("ignored", "UNKNOWN_EVENT")
    assert life.rule()["Status"] == "Enabled"


# --- tags that change while a check runs -------------------------------------


def test_a_tag_taken_away_while_the_rule_is_put_in_has_the_rule_off(life: Life) -> None:
    life.when(
        "after",
        "PutBucketReplication",
        lambda: life.s3.delete_bucket_tagging(Bucket=life.bucket),
    )

    *_, last = life.tag()

    assert last["outcome"] == "released"
    assert life.rule()["Status"] == "Disabled"


def test_a_tag_taken_away_with_its_own_check_before_the_rule_is_written(life: Life) -> None:
    """The check of the untag sees no rule yet, and is over before ours is written."""
    seen: list[Any] = []

    def untag() -> None:
        life.s3.delete_bucket_tagging(Bucket=life.bucket)
        seen.append(life.asked())

    life.when("before", "PutBucketReplication", untag)

    *_, last = life.tag()

    assert seen[0]["outcome"] == "ignored", "nothing to release then"
    assert last["outcome"] == "released"
    assert life.rule()["Status"] == "Disabled"


def test_a_tag_put_back_while_the_rule_is_taken_off_has_the_rule_live(life: Life) -> None:
    life.tag()
    life.put("before")
    life.s3.delete_bucket_tagging(Bucket=life.bucket)
    life.when("before", "PutBucketReplication", life.retag)

    *_, last = life.check()

    assert last["outcome"] == "protected"
    assert life.rule()["Status"] == "Enabled"
    assert life.record()["put_back"] == []


def test_a_tag_put_back_with_its_own_check_while_the_rule_is_taken_off(life: Life) -> None:
    """The check of the new tag finds the rule live, and has nothing to do."""
    life.tag()
    life.s3.delete_bucket_tagging(Bucket=life.bucket)

    def tag() -> None:
        life.retag()
        assert life.asked()["outcome"] == "protected"

    life.when("after", "GetBucketReplication", tag)

    last = life.asked()

    assert last["outcome"] == "protected"
    assert life.rule()["Status"] == "Enabled"


@pytest.mark.parametrize(
    ("moment", "operation"), [("after", "GetBucketTagging"), ("after", "PutBucketReplication")]
)
def test_a_bucket_whose_tags_turn_to_another_profile_meanwhile_ends_in_that(
    life: Life, moment: str, operation: str
) -> None:
    life.deploy({**GOLD, "storage_class": "STANDARD_IA"})
    life.world.twin(life.bucket, versioning="Enabled")
    life.retag()
    life.when(moment, operation, lambda: life.retag(tier="gold"))

    last = life.asked()

    assert (last["outcome"], last["profile"]) == ("protected", "gold")
    assert life.rule()["Destination"]["StorageClass"] == "STANDARD_IA"
    assert life.record()["profile"] == "gold"


def test_tags_that_never_settle_are_a_failure_and_not_a_loop(life: Life) -> None:
    life.deploy({**GOLD, "storage_class": "STANDARD_IA"})
    life.tag()
    turns: list[int] = []
    found = handlers._runtime()[1].source_s3

    def turn(**_: object) -> None:
        turns.append(1)
        life.retag(**(TRIGGER if len(turns) % 2 else {"tier": "gold"}))

    life.retag(tier="gold")
    hear(found, "after-call.s3.PutBucketReplication", turn)
    life.change_rule(Status="Disabled")

    last = life.asked()

    assert (last["outcome"], last["reason"]) == ("failed", "Superseded")
    assert len(turns) <= 5


def test_an_event_of_an_untagged_bucket_names_the_second_topic(life: Life) -> None:
    life.tag()
    life.s3.delete_bucket_tagging(Bucket=life.bucket)
    life.functions.calls.clear()

    life.functions.only(handlers.source_bucket_check, event("untag_resource", life.bucket))

    [told] = [c for c in life.functions.calls if c.operation == "Publish"]
    assert told.parameters["TopicArn"].endswith(":s3-dr-02")
