"""What others do to our rule or to the twin is undone, and what was missed meanwhile is copied."""

from __future__ import annotations

from typing import Any

import pytest

from functional.living import GOLD, RULE, STANDARD, Life, ago
from functional.payload import DR_REGION, TRIGGER, assert_blocked, event, twin_marker
from s3_dr import handlers
from s3_dr.tags import LIFE_TAG

pytest_plugins = ["functional.payload", "functional.living"]


def redirect(life: Life) -> None:
    other = life.world.bucket(region=DR_REGION, versioning="Enabled")
    destination = {**life.rule()["Destination"], "Bucket": f"arn:aws:s3:::{other}"}
    life.change_rule(Destination=destination)


def other_key(life: Life) -> None:
    criteria = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    key = {"ReplicaKmsKeyID": f"arn:aws:kms:{DR_REGION}:111122223333:key/k"}
    destination = {**life.rule()["Destination"], "EncryptionConfiguration": key}
    life.change_rule(SourceSelectionCriteria=criteria, Destination=destination)


def other_role(life: Life) -> None:
    role = life.local_aws.replication_role("another-role")
    life.world.replicate(life.bucket, life.rules(), role)


HARM: dict[str, Any] = {
    "deleted": Life.drop_rule,
    "replaced": lambda life: life.world.replicate(life.bucket, [life.foreign_rule()]),
    "disabled": lambda life: life.change_rule(Status="Disabled"),
    "redirected": redirect,
    "narrowed": lambda life: life.change_rule(Filter={"Prefix": "some/"}),
    "filtered by a tag": lambda life: life.change_rule(
        Filter={"Tag": {"Key": "a", "Value": "b"}},
        DeleteMarkerReplication={"Status": "Disabled"},
    ),
    "without delete markers": lambda life: life.change_rule(
        DeleteMarkerReplication={"Status": "Disabled"}
    ),
    "for encrypted objects": other_key,
    "under another role": other_role,
}
NO_GAP: dict[str, Any] = {
    "another class": lambda life: life.change_rule(
        Destination={**life.rule()["Destination"], "StorageClass": "STANDARD_IA"}
    ),
    "metrics": lambda life: life.change_rule(
        Destination={
            **life.rule()["Destination"],
            "Metrics": {"Status": "Enabled"},
        }
    ),
}


# --- our rule ----------------------------------------------------------------


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_a_harmed_rule_is_put_back_and_the_gap_is_closed(life: Life, harm: Any) -> None:
    life.tag()
    life.put("before", "going")
    rule = life.rule()
    harm(life)
    life.put("meanwhile")
    life.s3.delete_object(Bucket=life.bucket, Key="going")

    *_, last = life.check("put_bucket_replication")

    assert last["outcome"] == "protected"
    assert last["changes"] == ["PutBucketReplication", "CreateJob"]
    assert {**life.rule(), "Priority": 0} == {**rule, "Priority": 0}
    beside = harm is HARM["replaced"]  # another rule may have copied what is missing here
    assert life.statuses() == (["ANY"] if beside else ["NONE", "FAILED"])
    # Beside another rule ours gets another priority, and so was not put back as it was.
    assert len(life.record()["put_back"]) == (not beside)
    life.ended()
    assert {key for key, *_ in life.versions(life.twin)} >= {"before"}
    again = life.settled()
    assert (again["changes"], again["backfill"]["status"]) == ([], "complete")
    assert len(life.jobs()) == 1


@pytest.mark.parametrize("name", ["deleted", "disabled", "narrowed", "without delete markers"])
def test_what_was_missed_meanwhile_is_copied(life: Life, name: str) -> None:
    life.tag()
    life.put("before", "going")
    HARM[name](life)
    life.put("meanwhile", "before")
    life.s3.delete_object(Bucket=life.bucket, Key="going")

    life.check("delete_bucket_replication")

    life.ended()
    life.assert_whole()


@pytest.mark.parametrize("harm", NO_GAP.values(), ids=NO_GAP)
def test_what_misses_no_object_is_put_back_without_a_job(life: Life, harm: Any) -> None:
    life.tag()
    life.put("a")
    rule = life.rule()
    harm(life)

    *_, last = life.check("put_bucket_replication")

    assert last["changes"] == ["PutBucketReplication"]
    assert life.rule() == rule
    assert life.jobs() == []
    assert len(life.record()["put_back"]) == 1


def test_another_priority_is_anybodys_choice(life: Life) -> None:
    life.tag()
    life.put("a")
    life.change_rule(Priority=9)

    *_, last = life.check("put_bucket_replication")

    assert last["changes"] == []
    assert life.rule()["Priority"] == 9
    assert life.jobs() == []
    assert life.record()["put_back"] == []


@pytest.mark.parametrize(
    ("fields", "has_gap"),
    [
        ({"storage_class": "STANDARD_IA"}, False),
        ({"metrics": True}, False),
        ({"replication_time_control": True}, False),
        ({"on_untag": "remove"}, None),
        ({"filter": {"prefix": "some/"}}, True),
        ({"delete_markers": False}, False),
        ({"replica_modifications": True}, True),
    ],
    ids=str,
)
def test_a_changed_profile_is_no_harm(
    life: Life, fields: dict[str, Any], has_gap: bool | None
) -> None:
    life.tag()
    life.put("some/a")
    life.deploy(**fields)

    *_, last = life.check()

    expected = [] if has_gap is None else ["PutBucketReplication"]
    assert [name for name in last["changes"] if name != "CreateJob"] == expected
    assert life.record()["put_back"] == []
    assert len(life.jobs()) == bool(has_gap)


# --- a contest ---------------------------------------------------------------


def test_five_times_a_day_and_no_more(life: Life) -> None:
    life.tag()
    life.put("a")
    for number in range(5):
        life.drop_rule()
        *_, last = life.check("delete_bucket_replication")
        assert last["outcome"] == "protected"
        assert len(life.record()["put_back"]) == number + 1
        life.ended()
        life.last()
    life.drop_rule()
    life.put("meanwhile")
    jobs, record = len(life.jobs()), life.record()
    life.functions.calls.clear()

    *_, last = life.check("delete_bucket_replication")

    assert_blocked(last, "RULE_CONTESTED")
    assert "CloudTrail" in last["remedy"] and "DeleteBucketReplication" in last["remedy"]
    assert life.functions.writes == ["PutObject"], "the gap is remembered first"
    assert life.rules() == []
    contested = life.record()
    assert (len(life.jobs()), {**contested, "gap": None}) == (jobs, record)
    assert contested["gap"]["after_put"]
    life.functions.calls.clear()
    assert_blocked(life.last(), "RULE_CONTESTED")
    assert (life.functions.writes, life.record()) == ([], contested), "and it stays so"

    life.change_record(lambda record: record.update(put_back=[ago(hours=25)] * 5))
    *_, last = life.check()

    assert last["outcome"] == "protected"
    assert len(life.record()["put_back"]) == 1, "the old ones are forgotten"
    life.ended()
    life.assert_whole()


@pytest.mark.parametrize(
    ("put_back", "outcome"),
    [
        ([{"hours": 23.9}] * 5, "blocked"),
        ([{"hours": 24.1}, *[{"hours": 1}] * 4], "protected"),
        ([{"minutes": 1}] * 4, "protected"),
        ([{"minutes": 1}] * 6, "blocked"),
    ],
    ids=str,
)
def test_only_the_last_24_hours_count(
    life: Life, put_back: list[dict[str, float]], outcome: str
) -> None:
    life.tag()
    moments = [ago(**each) for each in put_back]
    life.change_record(lambda record: record.update(put_back=moments))
    life.drop_rule()

    assert life.last()["outcome"] == outcome


def test_a_contested_rule_that_somebody_puts_right_is_protected(life: Life) -> None:
    life.tag()
    rules, moments = life.rules(), [ago(minutes=1)] * 5
    life.change_record(lambda record: record.update(put_back=moments))
    life.drop_rule()
    assert_blocked(life.last(), "RULE_CONTESTED")

    life.world.replicate(life.bucket, rules)

    last = life.last()
    assert (last["outcome"], last["changes"]) == ("protected", [])


def test_our_own_doing_never_counts(life: Life) -> None:
    life.tag()
    for number in range(7):
        life.untag()
        *_, last = life.tag()
        assert last["outcome"] == "protected"
        life.deploy(storage_class="STANDARD_IA" if number % 2 else "")
        assert life.last()["outcome"] == "protected"
        life.asked("Bucket Release Requested")
        assert life.last()["outcome"] == "protected"

    assert life.record()["put_back"] == []


def test_a_contest_by_whole_configurations_ends_too(life: Life) -> None:
    """Another automation puts its own rules, and ours is gone with each of them."""
    life.tag()
    theirs, outcomes = [life.foreign_rule()], []
    for _ in range(8):
        life.world.replicate(life.bucket, theirs)
        outcomes.append(life.last()["outcome"])

    assert outcomes.count("protected") <= 6
    assert outcomes[-1] == "blocked"
    assert life.rules() == life.world.replication(life.bucket)["Rules"]
    assert [rule["ID"] for rule in life.rules()] == ["theirs"]


def test_a_contested_rule_is_still_taken_off_with_the_tag(life: Life) -> None:
    life.tag()
    life.change_record(lambda record: record.update(put_back=[ago(minutes=1)] * 5))

    *_, last = life.untag()

    assert last["outcome"] == "released"


def test_a_put_of_ours_that_fails_is_nobodys_tampering(life: Life) -> None:
    life.tag()
    life.drop_rule()
    for _ in range(6):
        life.fail("PutBucketReplication", "AccessDenied", 403)
        assert life.asked()["reason"] == "AccessDenied"

    assert life.record()["put_back"] == []
    assert life.last()["outcome"] == "protected"
    assert len(life.record()["put_back"]) == 1


@pytest.mark.parametrize("is_known", [True, False])
def test_a_fight_ends_although_every_check_fails_after_the_put(life: Life, is_known: bool) -> None:
    puts = 0
    life.retag()
    if is_known:
        life.tag()
        life.drop_rule()
    else:
        life.world.twin(life.bucket, versioning="Enabled")
    life.put("a")
    for _ in range(8):
        life.fail("ListObjectVersions", "AccessDenied", 403, 3)
        reason = life.asked()["reason"]
        life.local_aws.faults([])
        if life.rule():
            puts += 1
            life.drop_rule()

    assert puts == (5 if is_known else 6), "the first one of an unknown bucket is no putting back"
    assert reason == "RULE_CONTESTED"


# --- the twin ----------------------------------------------------------------


def test_a_deleted_twin_is_made_again_with_everything_in_it(life: Life) -> None:
    life.put("before", "before", "gone")
    life.s3.delete_object(Bucket=life.bucket, Key="gone")
    life.tag()
    life.settled()
    life.put("live")
    life.assert_whole()
    life.delete_twin()
    life.put("meanwhile")

    results = life.check()

    assert "CreateBucket" in results[1]["changes"]
    assert results[-1]["changes"] == ["CreateJob"]
    assert life.statuses() == ["ANY"]
    life.ended()
    life.assert_whole()
    life.check()
    assert len(life.jobs()) == 2
    assert life.record()["put_back"] == []


def test_a_twin_deleted_while_the_rule_is_off_is_filled_again_with_everything(life: Life) -> None:
    life.tag()
    life.put("copied")
    life.untag()
    life.delete_twin()
    life.put("meanwhile")

    life.tag()

    assert life.statuses() == ["ANY"]
    life.ended()
    life.assert_whole()


def test_a_new_twin_whose_job_was_killed_still_gets_everything(life: Life) -> None:
    life.tag()
    life.put("copied")
    life.delete_twin()
    life.fail("CreateJob", "AccessDenied", 403)
    with pytest.raises(life.s3.exceptions.ClientError):
        life.check()

    life.check()

    assert life.statuses() == ["ANY"]
    life.ended()
    life.assert_whole()


def test_a_twin_that_took_no_replicas_is_healed_and_filled(life: Life) -> None:
    life.tag()
    life.put("before")
    life.dr.put_bucket_versioning(Bucket=life.twin, VersioningConfiguration={"Status": "Suspended"})
    life.put("failed")
    head = life.s3.head_object(Bucket=life.bucket, Key="failed")
    assert head["ReplicationStatus"] == "FAILED", "else this test would prove nothing"

    *_, last = life.check()

    assert life.world.versioning(life.twin, DR_REGION) == "Enabled"
    assert last["changes"] == ["CreateJob"]
    assert life.statuses() == ["NONE", "FAILED"], "it is the same twin"
    life.ended()
    life.assert_whole()
    life.check()
    assert len(life.jobs()) == 1


def test_a_twin_suspended_again_and_again_is_healed_each_time(life: Life) -> None:
    life.tag()
    for number in range(2):
        life.dr.put_bucket_versioning(
            Bucket=life.twin, VersioningConfiguration={"Status": "Suspended"}
        )
        life.put(f"failed-{number}")
        life.check()
        life.settled()
        life.assert_whole()

    assert len(life.jobs()) == 2


def test_a_twin_adopted_by_hand_takes_what_is_there(life: Life) -> None:
    life.world.twin(life.bucket, versioning="Enabled")
    life.put("before")

    life.tag()

    assert LIFE_TAG not in life.world.tags(life.twin, DR_REGION)
    life.settled()
    life.assert_whole()
    life.check()
    assert len(life.jobs()) == 1


def test_a_twin_adopted_by_hand_is_healed_like_any_other(life: Life) -> None:
    life.world.twin(life.bucket, versioning="Enabled")
    life.tag()
    life.dr.put_bucket_versioning(Bucket=life.twin, VersioningConfiguration={"Status": "Suspended"})
    life.put("failed")

    life.check()

    assert life.jobs(), "what failed has to be copied"
    life.ended()
    life.assert_whole()


def test_a_twin_adopted_by_hand_and_deleted_is_filled_like_any_other(life: Life) -> None:
    life.world.twin(life.bucket, versioning="Enabled")
    life.tag()
    life.put("copied")
    life.delete_twin()

    results = life.check()

    assert "CreateBucket" in results[1]["changes"]
    assert life.jobs(), "the twin is new, so everything has to be copied again"
    life.ended()
    life.assert_whole()


def test_a_twin_made_anew_by_hand_is_filled(life: Life) -> None:
    life.tag()
    life.put("copied")
    life.delete_twin()
    life.world.twin(life.bucket, versioning="Enabled")

    life.check()

    assert life.jobs(), "the twin is another, so everything has to be copied again"
    life.ended()
    life.assert_whole()


def test_a_twin_that_lost_its_mark_is_blocked_and_the_rule_stays(life: Life) -> None:
    life.tag()
    rule = life.rule()
    life.world.tag(life.twin, {"team": "orders"}, DR_REGION)

    result = life.asked()

    assert_blocked(result, "TWIN_NOT_MARKED")
    assert life.rule() == rule
    life.world.tag(life.twin, twin_marker(life.bucket), DR_REGION)
    assert life.asked()["outcome"] == "protected"


# --- the source --------------------------------------------------------------


def test_a_bucket_that_is_marked_as_a_twin_keeps_no_rule(life: Life) -> None:
    """Its own twin would get nothing but copies of copies, and nobody looks after it any more."""
    life.tag()
    life.world.tag(life.bucket, {"s3-dr:source-bucket": "foo"})

    *_, last = life.check()

    assert last["outcome"] == "released"
    assert life.rule()["Status"] == "Disabled"
    again = life.check()
    assert (again[-1]["outcome"], again[-1]["changes"]) == ("ignored", [])


@pytest.mark.parametrize("asked", ["Bucket Backfill Requested", "Bucket Backfill Confirmed"])
def test_a_wish_for_an_untagged_bucket_changes_nothing(life: Life, asked: str) -> None:
    life.tag()
    life.put("a")
    rule, record = life.rule(), life.record()
    life.s3.delete_bucket_tagging(Bucket=life.bucket)
    life.functions.calls.clear()

    result = life.asked(asked)

    assert (result["outcome"], result["reason"]) == ("ignored", "NO_PROFILE_MATCHES")
    assert life.functions.writes == []
    assert (life.rule(), life.record()) == (rule, record)


# --- no record ---------------------------------------------------------------


def lose_reports(life: Life) -> None:
    life.reports = f"gone-{life.reports}"
    life.deploy()


def test_without_its_reports_bucket_a_bucket_is_protected_and_the_check_fails(life: Life) -> None:
    life.retag()
    life.world.twin(life.bucket, versioning="Enabled")
    lose_reports(life)

    for _ in range(2):
        result = life.asked()
        assert (result["outcome"], result["reason"]) == ("failed", "NoSuchBucket")
        assert life.rule()["Status"] == "Enabled"


def test_without_its_reports_bucket_an_untagged_bucket_is_let_go(life: Life) -> None:
    life.tag()
    lose_reports(life)
    life.s3.delete_bucket_tagging(Bucket=life.bucket)

    result = life.asked()

    assert (result["outcome"], result["reason"]) == ("failed", "NoSuchBucket")
    assert life.rule()["Status"] == "Disabled"
    again = life.asked()
    assert (again["outcome"], again["reason"]) == ("ignored", "NO_PROFILE_MATCHES")


@pytest.mark.parametrize("is_tagged", [True, False])
def test_without_its_reports_bucket_a_bucket_is_released(life: Life, is_tagged: bool) -> None:
    life.tag()
    lose_reports(life)
    if not is_tagged:
        life.s3.delete_bucket_tagging(Bucket=life.bucket)

    assert life.asked("Bucket Release Requested")["outcome"] == "released"
    assert life.rule() is None


def test_what_was_missed_is_copied_although_the_record_could_not_be_read(life: Life) -> None:
    life.put("a")
    life.tag()
    life.settled()
    life.drop_rule()
    life.put("missed")
    life.fail("GetObject", "AccessDenied", 403, 3)
    assert life.asked()["reason"] == "AccessDenied"
    assert life.rule() is None, "it would hide what was not copied"
    life.local_aws.faults([])

    assert life.asked()["outcome"] == "protected"

    life.ended()
    life.assert_whole()


# --- the source --------------------------------------------------------------


def test_profiles_that_follow_each_other_leave_one_rule(life: Life) -> None:
    life.deploy({**GOLD, "storage_class": "STANDARD_IA"})
    for tags in ({"tier": "gold"}, TRIGGER, {"tier": "gold", **TRIGGER}, TRIGGER):
        *_, last = life.tag(**tags)
        assert last["outcome"] == "protected"

    assert [rule["ID"] for rule in life.rules()] == [RULE]


def test_a_rule_healed_after_the_bucket_lost_its_record(life: Life) -> None:
    """Whatever happened before the record was lost, everything there is may be missing."""
    life.tag()
    life.put("before")
    life.s3.delete_object(Bucket=life.reports, Key=f"state/{life.bucket}.json")
    life.drop_rule()
    life.put("meanwhile")

    *_, last = life.check()

    assert last["changes"] == ["PutBucketReplication", "CreateJob"]
    assert life.record()["put_back"] == []
    life.ended()
    life.assert_whole()


def test_an_update_without_a_reports_bucket_still_heals(life: Life) -> None:
    """For a moment of an update, the new code has the old environment."""
    life.tag()
    life.put("a")
    life.deploy_profiles(STANDARD, REPORTS_BUCKET="")
    life.drop_rule()

    last = life.functions.protect(event("delete_bucket_replication", life.bucket))[-1]

    assert (last["outcome"], last["changes"]) == ("protected", ["PutBucketReplication"])
    assert "backfill" not in last
    assert handlers._runtime()[0].reports_bucket == ""
    life.s3.delete_bucket_tagging(Bucket=life.bucket)
    assert life.last()["outcome"] == "released"
    assert life.rule()["Status"] == "Disabled"
