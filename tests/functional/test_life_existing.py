"""Existing objects: when a job copies them, how it is followed, and what becomes of what failed."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from functional.living import BATCH_ROLE, GOLD, METRICS, STANDARD, Killed, Life, ago, by_bus
from functional.payload import ACCOUNT, DR_REGION, REPLICATION_ROLE
from s3_dr import handlers

pytest_plugins = ["functional.payload", "functional.living"]

BACKFILL, CONFIRM = "Bucket Backfill Requested", "Bucket Backfill Confirmed"


def hold(life: Life) -> None:
    """Let jobs stay where they are."""
    life.local_aws.jobs(step=60)


def go_on(life: Life) -> None:
    life.local_aws.jobs(step=0.02)


def described(life: Life) -> Any:
    return life.described()


def failed_job(life: Life, *keys: str) -> None:
    """A bucket whose last job could copy nothing."""
    life.put(*(keys or ("a", "b")))
    life.replication_may(False)
    life.tag()
    life.ended("Complete")
    life.check()
    life.replication_may(True)


# --- the first job -----------------------------------------------------------


@pytest.mark.usefixtures("either_world")
def test_existing_objects_are_copied_with_all_their_versions(life: Life) -> None:
    life.put("a", "a", "b", "c", "key with, comma and “quotes”/ü")
    life.s3.delete_object(Bucket=life.bucket, Key="b")

    *_, last = life.tag()

    assert last["backfill"]["status"] == "preparing"
    assert last["backfill"]["job"] == life.jobs()[0]["JobId"]
    life.ended()
    life.assert_whole()
    found = life.last()["backfill"]
    assert {key: found[key] for key in ("status", "total", "succeeded", "failed")} == {
        "status": "complete",
        "total": 6,
        "succeeded": 6,
        "failed": 0,
    }
    assert "report" not in found and "reasons" not in found
    assert len(life.jobs()) == 1


@pytest.mark.usefixtures("either_world")
def test_the_job_is_what_aws_wants(life: Life) -> None:
    life.put("a")
    life.tag()

    job = described(life)

    assert job["RoleArn"] == BATCH_ROLE
    assert job["ConfirmationRequired"] is False
    assert job["Report"] == {
        "Bucket": f"arn:aws:s3:::{life.reports}",
        "Format": "Report_CSV_20180820",
        "Enabled": True,
        "Prefix": f"reports/{life.bucket}",
        "ReportScope": "FailedTasksOnly",
        "ExpectedBucketOwner": ACCOUNT,
    }
    generator = job["ManifestGenerator"]["S3JobManifestGenerator"]
    assert generator["SourceBucket"] == f"arn:aws:s3:::{life.bucket}"
    assert generator["ExpectedBucketOwner"] == ACCOUNT
    assert generator["EnableManifestOutput"] is False
    assert generator["Filter"]["EligibleForReplication"] is True
    assert generator["Filter"] == {"EligibleForReplication": True}, "whatever was done before us"


def test_an_empty_bucket_costs_no_job(life: Life) -> None:
    *_, last = life.tag()

    assert last["backfill"] == {"status": "none"}
    life.put("new")
    life.check()
    assert life.jobs() == []
    life.assert_whole()


@pytest.mark.usefixtures("either_world")
def test_only_delete_markers_are_something_to_copy(life: Life) -> None:
    life.s3.delete_object(Bucket=life.bucket, Key="never")

    life.tag()

    life.ended()
    life.assert_whole()
    assert [marker for *_, marker in life.versions(life.twin)] == [True]


def test_objects_from_before_versioning_are_copied(life: Life) -> None:
    life.bucket = life.world.bucket()
    life.put("old")

    life.tag()

    life.ended()
    life.assert_whole()
    assert life.versions(life.twin) == [("old", "null", False)]


def test_objects_that_were_copied_into_the_source_are_copied_on(life: Life) -> None:
    """The live rule never copies replicas on, so the first job does."""
    other = Life(life.functions, life.world, life.local_aws, life.reports, life._set)
    other.world.replicate(
        other.bucket,
        [
            {
                "ID": "on",
                "Priority": 1,
                "Filter": {"Prefix": ""},
                "Status": "Enabled",
                "DeleteMarkerReplication": {"Status": "Disabled"},
                "Destination": {"Bucket": f"arn:aws:s3:::{life.bucket}"},
            }
        ],
    )
    other.put("from afar")
    assert life.versions(life.bucket)

    life.tag()

    life.ended()
    life.assert_whole()


@pytest.mark.parametrize("keys", [(), ("elsewhere/a",)], ids=["empty", "nothing below it"])
def test_a_prefix_with_nothing_below_it_costs_no_job(life: Life, keys: tuple[str, ...]) -> None:
    life.deploy(filter={"prefix": "orders/"})
    life.put(*keys)

    *_, last = life.tag()

    assert last["backfill"] == {"status": "none"}
    assert life.jobs() == []


def test_only_what_the_prefix_covers_is_copied(life: Life) -> None:
    life.deploy(filter={"prefix": "orders/"})
    life.put("orders/a", "elsewhere/a")

    life.tag()

    life.ended()
    assert [key for key, *_ in life.versions(life.twin)] == ["orders/a"]


@pytest.mark.parametrize("empty", ["Failed", "Complete"])
def test_a_job_that_finds_nothing_is_not_tried_again(life: Life, empty: str) -> None:
    life.local_aws.choose(empty_manifest=empty)
    life.deploy(filter={"tags": {"copy": "yes"}}, delete_markers=False)
    life.put("a")
    life.tag()

    last = life.settled()

    assert last["backfill"]["status"] == "complete", "nothing to do is no failure"
    assert "warnings" not in last
    life.later(days=2)
    assert life.last()["changes"] == []
    assert len(life.jobs()) == 1


# --- when it may begin -------------------------------------------------------


@pytest.mark.usefixtures("either_world")
def test_one_job_has_all_that_was_written_while_the_rule_spread(life: Life) -> None:
    life.deploy_profiles(STANDARD, FIRST_JOB_DELAY_SECONDS="900")
    life.put("before")

    *_, first = life.tag()

    told = first["backfill"]
    assert (told["status"], told["kind"]) == ("scheduled", "first")
    assert first["changes"] == ["PutBucketReplication"]
    life.unreplicated("meanwhile")
    life.later(minutes=14)
    assert life.last()["backfill"] == told, "a check puts nothing off"
    life.later(minutes=2)
    assert life.last()["changes"] == ["CreateJob"]
    life.settled()
    life.assert_whole()
    assert len(life.jobs()) == 1


def test_a_rule_that_is_put_again_is_waited_for_again(life: Life) -> None:
    life.deploy_profiles(STANDARD, FIRST_JOB_DELAY_SECONDS="900")
    life.put("a")
    life.tag()
    life.later(minutes=14)
    life.drop_rule()
    life.check("delete_bucket_replication")

    life.later(minutes=2)

    assert life.last()["backfill"]["status"] == "scheduled"
    life.later(minutes=14)
    assert life.last()["changes"] == ["CreateJob"]


def test_what_a_person_asks_for_does_not_wait_without_a_new_rule(life: Life) -> None:
    life.deploy_profiles(STANDARD, FIRST_JOB_DELAY_SECONDS="900")
    life.tag()
    life.put("a")

    assert life.asked(BACKFILL, everything=True)["changes"] == ["CreateJob"]


def test_a_bucket_that_is_blocked_leaves_the_queue_and_comes_back(life: Life) -> None:
    life.deploy_profiles(STANDARD, FIRST_JOB_DELAY_SECONDS="900")
    life.put("a")
    life.tag()
    kms = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    life.s3.put_bucket_encryption(
        Bucket=life.bucket, ServerSideEncryptionConfiguration={"Rules": [kms]}
    )

    assert life.asked()["outcome"] == "blocked"

    assert not life.record()["gap"]["since"]
    life.s3.delete_bucket_encryption(Bucket=life.bucket)
    assert life.asked()["backfill"]["status"] == "scheduled"


@pytest.mark.parametrize("way", ["disable", "keep"])
def test_a_bucket_that_is_untagged_waits_no_more(life: Life, way: str) -> None:
    life.deploy_profiles({**STANDARD, "on_untag": way}, FIRST_JOB_DELAY_SECONDS="900")
    life.put("a")
    life.tag()

    life.untag()

    assert not life.record()["gap"]["since"]
    life.retag()
    assert life.last()["backfill"]["status"] == "scheduled"


def test_a_bucket_that_is_gone_waits_no_more(life: Life) -> None:
    life.deploy_profiles(STANDARD, FIRST_JOB_DELAY_SECONDS="900")
    life.put("a")
    life.tag()
    for key, version, _ in life.versions(life.bucket):
        life.s3.delete_object(Bucket=life.bucket, Key=key, VersionId=version)
    life.s3.delete_bucket(Bucket=life.bucket)

    assert life.asked()["reason"] == "NO_SUCH_BUCKET"

    assert not life.record()["gap"]["since"]


def test_a_running_job_is_followed(life: Life) -> None:
    hold(life)
    life.put("a")
    life.tag()

    for status, told in (("New", "preparing"), ("Preparing", "preparing")):
        life.ended(status)
        assert life.last()["backfill"]["status"] == told
        life.local_aws.jobs(step=0.02)
        if status == "New":
            life.ended("Preparing", "Ready", "Active", "Completing", "Complete")
            life.local_aws.jobs(step=60)
            break
    go_on(life)
    assert life.settled()["backfill"]["status"] == "complete"
    assert len(life.jobs()) == 1


# --- what another rule copied before -----------------------------------------


def theirs(life: Life) -> None:
    """Somebody else's rule, which copies everything elsewhere."""
    life.world.replicate(life.bucket, [{**life.foreign_rule(), "Filter": {"Prefix": ""}}])


def assert_completed(life: Life, *keys: str) -> None:
    for key in keys:
        head = life.s3.head_object(Bucket=life.bucket, Key=key)
        assert head["ReplicationStatus"] == "COMPLETED", "else this test would prove nothing"


@pytest.mark.parametrize("is_there", [True, False], ids=["live", "former"])
def test_what_another_rule_copied_elsewhere_is_copied_to_the_twin(
    life: Life, is_there: bool
) -> None:
    theirs(life)
    life.put("a", "b")
    assert_completed(life, "a", "b")
    if not is_there:
        life.drop_rule()

    life.tag()

    assert life.statuses() == ["ANY"]
    assert life.settled()["backfill"]["succeeded"] == 2
    life.assert_whole()
    assert len(life.jobs()) == 1


def test_a_run_killed_with_the_rule_in_forgets_no_copies_of_another_rule(life: Life) -> None:
    """The next run finds a live rule, and objects of which S3 says that they are copied."""
    theirs(life)
    life.put("a")
    assert_completed(life, "a")
    life.retag()
    life.world.twin(life.bucket, versioning="Enabled")
    life.kill_after("PutBucketReplication")
    with pytest.raises(Killed):
        life.asked()
    assert life.rule()["Status"] == "Enabled", "else this test would prove nothing"

    life.asked()

    life.settled()
    life.assert_whole()


def test_what_another_rule_copied_while_ours_was_off_is_copied_to_the_twin(life: Life) -> None:
    theirs(life)
    life.tag()
    life.untag()
    life.put("gap")
    assert_completed(life, "gap")

    life.tag()

    assert life.statuses() == ["ANY"]
    life.settled()
    life.assert_whole()
    assert len(life.jobs()) == 1


# --- a gap after a gap -------------------------------------------------------


def test_a_second_gap_does_not_forget_the_first_ones_job_that_ran(life: Life) -> None:
    life.put("a", "b")
    life.tag()
    life.settled()
    life.delete_twin()
    hold(life)
    assert life.last()["backfill"]["status"] == "preparing"
    assert life.statuses() == ["ANY"], "the twin is new"
    life.untag()
    go_on(life)
    life.ended()

    life.tag()

    assert life.statuses() == ["ANY"], "it still lacks everything"
    life.settled()
    life.assert_whole()


def test_a_second_gap_does_not_forget_the_first_ones_job_that_failed(life: Life) -> None:
    life.put("a", "b")
    life.tag()
    life.settled()
    life.delete_twin()
    life.batch_may_run(False)
    life.check()
    assert life.settled()["backfill"]["status"] == "failed"
    life.batch_may_run(True)
    life.untag()

    life.tag()

    assert life.statuses() == ["ANY"]
    life.settled()
    life.assert_whole()


def test_a_second_gap_does_not_forget_replicas(life: Life) -> None:
    source = life.world.bucket(versioning="Enabled")
    into = {**life.foreign_rule(), "Filter": {"Prefix": ""}}
    into["Destination"] = {"Bucket": f"arn:aws:s3:::{life.bucket}"}
    life.world.replicate(source, [into])
    life.s3.put_object(Bucket=source, Key="r", Body=b"r")
    head = life.s3.head_object(Bucket=life.bucket, Key="r")
    assert head["ReplicationStatus"] == "REPLICA", "else this test would prove nothing"
    hold(life)
    life.tag()
    life.untag()
    go_on(life)
    life.ended()

    life.tag()

    life.settled()
    life.assert_whole()


def test_a_killed_run_and_another_gap_make_another_job(life: Life) -> None:
    """S3 would answer the same token with the job that did not know of the later objects."""
    life.put("a")
    life.tag()
    life.settled()
    life.untag()
    life.put("b")
    life.retag()
    life.kill_after("CreateJob", "source_control")
    with pytest.raises(Killed):
        life.check()
    life.ended()
    assert len(life.jobs()) == 2
    life.untag()
    life.put("c")

    life.tag()

    assert len(life.jobs()) == 3
    life.settled()
    life.assert_whole()


# --- report and ignore -------------------------------------------------------


def test_report_only_says_what_is_missing(life: Life) -> None:
    life.deploy(existing_objects="report")
    life.put("a")

    for result in (life.tag()[-1], life.last()):
        assert result["outcome"] == "protected"
        assert result["backfill"]["status"] == "wanted"
        assert result["backfill"]["since"]
        [warning] = result["warnings"]
        assert f"s3-dr backfill {life.bucket}" in warning
    assert life.jobs() == []
    life.put("new")
    assert [key for key, *_ in life.versions(life.twin)] == ["new"]


def test_report_says_nothing_of_an_empty_bucket(life: Life) -> None:
    life.deploy(existing_objects="report")

    *_, last = life.tag()

    assert last["backfill"] == {"status": "none"}
    assert "warnings" not in last


def test_ignore_looks_at_nothing(life: Life) -> None:
    life.deploy(existing_objects="ignore")
    life.put("a")

    *_, last = life.tag()

    assert last["backfill"]["status"] == "ignored"
    assert "warnings" not in last
    assert life.jobs() == []
    assert "ListObjectVersions" not in life.functions.operations


@pytest.mark.parametrize("wish", ["report", "ignore"])
def test_a_person_may_have_them_copied_all_the_same(life: Life, wish: str) -> None:
    life.deploy(existing_objects=wish)
    life.put("a")
    life.tag()

    result = life.asked(BACKFILL)

    assert result["changes"] == ["CreateJob"]
    assert result["backfill"]["status"] == "preparing"
    last = life.settled()
    assert last["backfill"]["status"] == "complete"
    assert "warnings" not in last
    life.assert_whole()
    assert len(life.jobs()) == 1


@pytest.mark.parametrize("wish", ["report", "ignore"])
def test_a_profile_that_comes_to_replicate_copies_what_was_left(life: Life, wish: str) -> None:
    life.deploy(existing_objects=wish)
    life.put("a")
    life.tag()
    life.deploy()

    life.check()

    life.ended()
    life.assert_whole()


# --- what a person asks for --------------------------------------------------


def test_a_backfill_of_a_bucket_in_step_copies_nothing_twice(life: Life) -> None:
    life.tag()
    life.put("a")

    result = life.asked(BACKFILL)

    assert result["changes"] == ["CreateJob"]
    assert life.statuses() == ["NONE", "FAILED"]
    last = life.settled()
    assert last["backfill"]["total"] == 0


def test_a_backfill_of_everything_copies_it_again(life: Life) -> None:
    life.tag()
    life.put("a", "b")

    life.asked(BACKFILL, everything=True)

    assert life.statuses() == ["ANY"]
    assert life.settled()["backfill"]["succeeded"] == 2


@pytest.mark.parametrize("odd", ["true", 1, [True], None])
def test_everything_is_meant_only_by_true(life: Life, odd: object) -> None:
    life.tag()
    life.put("a")

    life.asked(BACKFILL, everything=odd)

    assert life.statuses() == ["NONE", "FAILED"]


def test_a_backfill_of_an_empty_bucket_costs_no_job(life: Life) -> None:
    life.tag()

    result = life.asked(BACKFILL, everything=True)

    assert (result["changes"], result["backfill"]) == ([], {"status": "none"})


def test_a_backfill_of_an_untagged_bucket_is_ignored(life: Life) -> None:
    life.put("a")

    result = life.asked(BACKFILL)

    assert (result["outcome"], result["reason"]) == ("ignored", "NO_PROFILE_MATCHES")
    assert life.functions.writes == []


def test_a_backfill_that_was_asked_for_over_the_bus(life: Life) -> None:
    life.tag()
    life.put("a")

    result = life.functions.only(handlers.enable_replication, by_bus(BACKFILL, bucket=life.bucket))

    assert result["changes"] == ["CreateJob"]


@pytest.mark.parametrize("has_ended", [True, False], ids=["ended", "none"])
def test_a_confirmation_with_no_job_that_runs_changes_nothing(life: Life, has_ended: bool) -> None:
    life.put(*(["a"] if has_ended else []))
    life.tag()
    if has_ended:
        life.settled()
    record = life.record()

    result = life.asked(CONFIRM)

    assert (result["outcome"], result["reason"]) == ("ignored", "NOTHING_WAITS")
    assert (result["changes"], life.record()) == ([], record)


def test_a_request_beside_another_check_makes_one_job(life: Life) -> None:
    life.put("a")
    life.tag()
    life.settled()
    life.when("after", "CreateJob", life.check, "source_control")

    result = life.asked(BACKFILL)

    assert result["outcome"] == "protected"
    assert len(life.jobs()) == 2
    assert life.record()["job"]["id"] == life.jobs()[0]["JobId"]
    assert life.record()["gap"] is None


@pytest.mark.usefixtures("either_world")
def test_a_request_that_a_running_job_covers_makes_no_other(life: Life) -> None:
    life.put("a")
    life.tag()
    life.settled()
    hold(life)
    first = life.asked(BACKFILL)

    second = life.asked(BACKFILL)

    assert (second["outcome"], second["changes"]) == ("protected", [])
    assert second["backfill"]["job"] == first["backfill"]["job"]
    assert len(life.jobs()) == 2
    more = life.asked(BACKFILL, everything=True)
    assert more["backfill"]["status"] == "preparing", "a bucket has one job at a time"
    assert life.asked(BACKFILL, everything=True)["changes"] == []
    go_on(life)
    life.ended()
    assert life.last()["changes"] == ["CreateJob"]
    assert life.asked(BACKFILL, everything=True)["changes"] == []
    assert life.asked(BACKFILL)["changes"] == []
    assert life.statuses() == ["ANY"]
    assert len(life.jobs()) == 3


def test_a_request_is_not_lost_to_a_check_that_was_quicker(life: Life) -> None:
    life.put("a")
    life.tag()
    life.settled()
    life.fail("PutObject", "PreconditionFailed", 412, times=2)

    result = life.asked(BACKFILL)

    assert (result["outcome"], result["changes"]) == ("protected", ["CreateJob"])
    assert len(life.jobs()) == 2


def test_a_request_is_about_more_than_what_failed(life: Life) -> None:
    life.deploy(**METRICS)
    life.tag()
    live_failure(life)
    hold(life)
    assert life.last()["changes"] == ["CreateJob"]
    assert life.statuses() == ["FAILED"]

    life.asked(BACKFILL)

    go_on(life)
    life.ended()
    assert life.last()["changes"] == ["CreateJob"]
    assert life.statuses() == ["NONE", "FAILED"]


def test_a_request_that_could_not_be_met_is_remembered_once(life: Life) -> None:
    life.deploy(existing_objects="report")
    life.put("a")
    life.tag()
    life.fail("CreateJob", "AccessDenied", 403, times=2)
    assert life.asked(BACKFILL)["outcome"] == "failed"
    gap = life.record()["gap"]
    assert gap["wanted"] is True

    assert life.asked(BACKFILL)["outcome"] == "failed"

    assert life.record()["gap"] == {**gap, "begun": life.record()["gap"]["begun"]}
    assert life.last()["changes"] == ["CreateJob"]

    assert life.record()["job"]["gap"]["id"] == gap["id"]


# --- the ceiling -------------------------------------------------------------


@pytest.mark.parametrize("limit", [2, 3, 1000])
def test_within_the_limit_a_job_goes_on_by_itself(life: Life, limit: int) -> None:
    life.deploy(existing_objects_limit=limit)
    life.put("a", "b")
    life.tag()
    assert described(life)["ConfirmationRequired"] is True
    life.ended("Suspended")

    last = life.last()

    assert last["changes"] == ["UpdateJobStatus"]
    assert last["backfill"]["status"] == "running"
    assert life.settled()["backfill"]["succeeded"] == 2
    life.assert_whole()


@pytest.mark.parametrize("limit", [0, 1])
def test_above_the_limit_it_waits_for_a_yes(life: Life, limit: int) -> None:
    life.deploy(existing_objects_limit=limit)
    life.put("a", "b")
    life.tag()
    life.ended("Suspended")

    for _ in range(2):
        last = life.last()
        assert last["changes"] == []
        assert (last["backfill"]["status"], last["backfill"]["total"]) == ("waiting", 2)
        [warning] = last["warnings"]
        assert "2 existing objects" in warning and "--confirm" in warning
    assert described(life)["Status"] == "Suspended"

    result = life.asked(CONFIRM)

    assert result["changes"] == ["UpdateJobStatus"]
    assert life.settled()["backfill"]["succeeded"] == 2
    assert len(life.jobs()) == 1
    life.assert_whole()


@pytest.mark.usefixtures("either_world")
def test_a_yes_before_the_objects_are_counted_counts(life: Life) -> None:
    hold(life)
    life.deploy(existing_objects_limit=0)
    life.put("a")
    life.tag()

    assert life.asked(CONFIRM)["changes"] == []

    go_on(life)
    life.ended("Suspended")
    assert life.last()["changes"] == ["UpdateJobStatus"]


def test_a_raised_limit_lets_a_waiting_job_go(life: Life) -> None:
    life.deploy(existing_objects_limit=0)
    life.put("a")
    life.tag()
    life.ended("Suspended")
    life.deploy()

    assert life.last()["changes"] == ["UpdateJobStatus"]


def test_a_wanted_backfill_waits_for_a_yes_too(life: Life) -> None:
    """Who asked for it did not know how many there are."""
    life.deploy(existing_objects="report", existing_objects_limit=1)
    life.put("a", "b")
    life.tag()
    life.asked(BACKFILL)
    life.ended("Suspended")

    assert life.last()["backfill"]["status"] == "waiting"


def test_a_job_that_is_tried_again_waits_for_a_yes_if_nobody_said_it(life: Life) -> None:
    """To ask for a backfill is no yes to any number of objects."""
    life.deploy(existing_objects_limit=1)
    life.batch_may_run(False)
    life.put("a", "b", "c")
    life.tag()
    life.ended("Failed")
    life.check()
    assert life.asked(BACKFILL)["changes"] == ["CreateJob"]
    life.ended("Failed")
    assert life.last()["backfill"]["status"] == "failed"
    life.batch_may_run(True)
    life.job_ended(hours=2)
    assert life.last()["changes"] == ["CreateJob"]
    life.ended("Suspended")

    last = life.last()

    assert (last["changes"], last["backfill"]["status"]) == ([], "waiting")
    assert life.versions(life.twin) == []


# --- runs that end early, and runs beside each other -------------------------


def test_a_run_killed_after_createjob_asks_for_the_same_job(life: Life) -> None:
    life.put("a")
    life.retag()
    life.world.twin(life.bucket, versioning="Enabled")
    life.kill_after("CreateJob", "source_control")
    with pytest.raises(Killed):
        life.asked()
    [job] = life.jobs()
    assert not life.record()["job"], "else this test would prove nothing"

    result = life.asked()

    assert result["backfill"]["job"] == job["JobId"]
    assert len(life.jobs()) == 1
    life.ended()
    life.assert_whole()


@pytest.mark.parametrize("operation", ["PutBucketReplication", "PutObject"])
def test_a_run_killed_before_createjob_leaves_the_gap_open(life: Life, operation: str) -> None:
    life.put("a")
    life.retag()
    life.world.twin(life.bucket, versioning="Enabled")
    life.kill_after(operation)
    with pytest.raises(Killed):
        life.asked()
    assert life.jobs() == []

    life.asked()

    life.ended()
    life.assert_whole()


@pytest.mark.parametrize("operation", ["PutBucketReplication", "PutObject"])
def test_a_run_killed_while_it_heals_leaves_the_gap_open(life: Life, operation: str) -> None:
    life.tag()
    life.drop_rule()
    life.put("meanwhile")
    life.kill_after(operation)
    with pytest.raises(Killed):
        life.asked()
    assert life.jobs() == []

    life.asked()

    life.ended()
    life.assert_whole()


@pytest.mark.parametrize(
    "change",
    [
        lambda life: life.deploy(existing_objects_limit=5),
        lambda life: life.asked(BACKFILL, everything=True),
    ],
    ids=["another limit", "everything"],
)
def test_a_killed_run_does_not_lock_out_another_wish(life: Life, change: Any) -> None:
    life.put("a")
    life.retag()
    life.world.twin(life.bucket, versioning="Enabled")
    life.kill_after("CreateJob", "source_control")
    with pytest.raises(Killed):
        life.asked()

    change(life)

    assert life.asked()["outcome"] == "protected"


@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize(
    ("operation", "client"),
    [("PutObject", "source_s3"), ("CreateJob", "source_control")],
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_two_checks_at_once_make_one_job(
    life: Life, moment: str, operation: str, client: str, is_new: bool
) -> None:
    if is_new:
        life.put("a")
        life.retag()
        life.world.twin(life.bucket, versioning="Enabled")
    else:
        life.tag()
        life.put("a")
        life.untag()
        life.put("b")
        life.retag()
    others: list[Any] = []
    life.when(moment, operation, lambda: others.append(life.asked()), client)

    result = life.asked()

    assert others, "else there was no second check"
    assert result["outcome"] == others[0]["outcome"] == "protected"
    assert len(life.jobs()) == 1
    assert life.record()["job"]["id"] == life.jobs()[0]["JobId"]
    assert life.record()["gap"] is None
    assert life.record()["put_back"] == []
    assert life.settled()["backfill"]["status"] == "complete"
    life.assert_whole()


def test_a_check_that_is_always_too_late_fails_and_is_tried_again(life: Life) -> None:
    life.put("a")
    life.retag()
    life.world.twin(life.bucket, versioning="Enabled")
    life.fail("PutObject", "PreconditionFailed", 412, times=5)

    result = life.asked()

    assert (result["outcome"], result["reason"]) == ("failed", "Superseded")
    assert life.rule() is None, "it would hide what is not remembered"
    assert life.asked()["outcome"] == "protected"
    life.ended()
    life.assert_whole()


@pytest.mark.parametrize(
    ("code", "status"), [("PreconditionFailed", 412), ("ConditionalRequestConflict", 409)]
)
def test_a_check_that_is_too_late_looks_again(life: Life, code: str, status: int) -> None:
    """As each of some checks at once may be at each of its three writes."""
    life.put("a")
    life.retag()
    life.world.twin(life.bucket, versioning="Enabled")
    life.fail("PutObject", code, status, times=4)

    assert life.asked()["outcome"] == "protected"
    assert len(life.jobs()) == 1


# --- the record --------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"\xff\xfe",
        b'{"gap": 7}',
        b'{"gap": {"everything": true}}',
        b'{"job": {"id": "x"}}',
        b'{"job": 7}',
        b"[" * 200_000,
        b'{"gap": {"id": 7}}',
        b'{"put_back": 7}',
        b'{"job": []}',
    ],
    ids=lambda body: repr(body)[:30],
)
def test_a_record_that_cannot_be_read_is_begun_anew(life: Life, body: bytes) -> None:
    life.tag()
    life.put("a")
    life.write_record(body)
    life.drop_rule()

    *_, last = life.check()

    assert last["outcome"] == "protected"
    assert "could not be read" in last["warnings"][0]
    assert "CreateJob" in last["changes"], "what it stood for is done once more"
    assert life.settled().get("warnings") is None
    assert life.record()["profile"] == "standard"


def test_what_a_newer_version_remembers_besides_is_passed_over(life: Life) -> None:
    life.put("a")
    life.tag()
    life.settled()

    def grow(record: Any) -> None:
        record["new"] = record["job"]["new"] = record["job"]["gap"]["new"] = {"x": [1]}
        record["gap"] = None

    life.change_record(grow)

    last = life.last()

    assert (last["outcome"], last["changes"]) == ("protected", [])
    assert "warnings" not in last
    assert last["backfill"]["status"] == "complete"


@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "no record"])
def test_a_lost_record_has_only_what_is_missing_copied(life: Life, is_lost: bool) -> None:
    """The rule was live all the time."""
    life.put("a")
    life.tag()
    life.settled()
    if is_lost:
        life.s3.delete_object(Bucket=life.reports, Key=f"state/{life.bucket}.json")
    else:
        life.write_record(b"junk")

    *_, last = life.check()

    assert last["changes"] == ["CreateJob"]
    assert life.statuses() == ["NONE", "FAILED", "REPLICA"]


# --- jobs that end badly -----------------------------------------------------


def test_a_job_that_could_not_run_is_told_and_tried_again_later(life: Life) -> None:
    life.batch_may_run(False)
    life.put("a")
    life.tag()
    life.ended("Failed")

    for _ in range(2):
        last = life.last()
        assert (last["outcome"], last["changes"]) == ("protected", [])
        assert last["backfill"]["status"] == "failed"
        assert BATCH_ROLE in last["backfill"]["detail"]
        assert any(BATCH_ROLE in warning for warning in last["warnings"])
    assert len(life.jobs()) == 1
    life.batch_may_run(True)
    life.job_ended(minutes=61)

    last = life.last()

    assert last["changes"] == ["CreateJob"]
    assert life.statuses() == ["ANY"], "all of it, once more"
    life.ended("Complete")
    life.assert_whole()
    assert life.settled()["backfill"]["status"] == "complete"


def test_a_job_that_a_person_cancelled_stays_cancelled(life: Life) -> None:
    hold(life)
    life.put("a")
    life.tag()
    job = life.described()["JobId"]
    life.control.update_job_status(AccountId=ACCOUNT, JobId=job, RequestedJobStatus="Cancelled")
    go_on(life)
    life.ended("Cancelled")

    for _ in range(2):
        last = life.last()
        assert (last["changes"], last["backfill"]["status"]) == ([], "cancelled")
    life.job_ended(days=30)
    assert life.last()["changes"] == []
    assert len(life.jobs()) == 1

    assert life.asked(BACKFILL)["changes"] == ["CreateJob"], "unless a person wants it"
    life.ended("Complete")
    life.assert_whole()


def forget(life: Life) -> None:
    """Let S3 have forgotten the job while it was thought to run."""
    gone = str(uuid.uuid4())
    made = {"id": gone, "ended_at": "", "status": "Active", "created_at": ago(days=99)}
    life.change_record(lambda record: record["job"].update(made))


def test_a_job_that_s3_forgot_is_left(life: Life) -> None:
    life.put("a")
    life.tag()
    life.settled()
    forget(life)

    for _ in range(2):
        last = life.last()
        assert (last["outcome"], last["changes"]) == ("protected", [])
    assert "no more" in last["backfill"]["detail"]
    assert last["backfill"]["status"] == "unknown"
    assert len(life.jobs()) == 1


@pytest.mark.parametrize("code", ["NoSuchJob", "NoSuchJobException", "NotFoundException"])
def test_a_job_that_s3_does_not_know_is_left_in_whichever_words(life: Life, code: str) -> None:
    life.put("a")
    life.tag()
    life.fail("DescribeJob", code, 404, times=3)

    last = life.last()
    assert (last["outcome"], last["backfill"]["status"]) == ("protected", "preparing"), "not yet"

    life.change_record(lambda record: record["job"].update(created_at=ago(hours=2), total=1))
    life.fail("DescribeJob", code, 404, times=3)
    last = life.last()
    assert (last["outcome"], last["backfill"]["status"]) == ("protected", "unknown")
    assert len(life.jobs()) == 1


def test_a_job_of_which_nothing_was_ever_seen_is_made_once_more(life: Life) -> None:
    life.put("a")
    life.tag()
    life.change_record(lambda record: record["job"].update(created_at=ago(hours=2)))
    life.fail("DescribeJob", "NoSuchJobException", 404)
    assert life.last()["backfill"]["status"] == "unknown"

    life.later(minutes=61)

    assert life.last()["changes"] == ["CreateJob"]
    life.settled()
    life.assert_whole()


# --- lone delete markers -----------------------------------------------------

MARKERS = {
    "ID": "markers",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "Expiration": {"ExpiredObjectDeleteMarker": True},
}


def lifecycle(life: Life) -> list[Any]:
    """The lifecycle rules of the twin."""
    try:
        found = life.dr.get_bucket_lifecycle_configuration(Bucket=life.twin)
    except life.dr.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return []
    return list(found["Rules"])


def is_held_back(life: Life) -> bool:
    """Whether a check, which must be well, says that the rule has to wait."""
    life.functions.calls.clear()
    (line,) = (line for line in life.check()[1]["properties"] if line["property"] == "lifecycle")
    said = any("held back until existing objects" in note for note in line.get("notes", []))
    assert said is (lifecycle(life) == []), "what is said is so"
    return said


def test_lone_delete_markers_stay_in_the_twin_until_the_job_has_ended(life: Life) -> None:
    """A marker may come before its versions: without it, a deleted object would show again."""
    rules = {"Rules": [MARKERS]}
    life.s3.put_bucket_lifecycle_configuration(Bucket=life.bucket, LifecycleConfiguration=rules)
    life.put("a", "b")
    life.s3.delete_object(Bucket=life.bucket, Key="a")
    hold(life)
    life.retag()

    assert is_held_back(life), "from the beginning, before there is a job"
    assert is_held_back(life)
    assert life.functions.writes == [], "what is held back is in sync, and no drift"
    go_on(life)
    life.ended()
    assert not is_held_back(life), "the first check after the job puts it"
    assert not is_held_back(life)
    assert life.functions.writes == []
    life.assert_whole()

    hold(life)
    life.asked(BACKFILL, everything=True)
    assert is_held_back(life), "the first check after a job began takes it away"
    go_on(life)
    life.ended()
    assert not is_held_back(life)

    life.dr.put_bucket_versioning(Bucket=life.twin, VersioningConfiguration={"Status": "Suspended"})
    hold(life)
    assert is_held_back(life), "what was missed meanwhile is about to come"
    go_on(life)
    life.ended()
    assert not is_held_back(life)

    life.untag()
    life.put("c")
    hold(life)
    life.retag()
    assert is_held_back(life), "a rule that is off is about to be on, and a job to begin"
    go_on(life)
    life.ended()
    assert not is_held_back(life)


# --- tasks that fail ---------------------------------------------------------


@pytest.mark.parametrize(
    ("denied", "statuses"),
    [("*", ["ANY"]), ("b", ["NONE", "FAILED", "REPLICA"])],
    ids=["all", "one"],
)
def test_what_s3_was_not_let_begin_is_tried_again(
    life: Life, denied: str, statuses: list[str]
) -> None:
    """Such objects are not ``FAILED``: they are as they were."""
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "s3:InitiateReplication"}
    places = {"Resource": f"arn:aws:s3:::{life.bucket}/{denied}"}

    def allow(*statements: Any) -> None:
        document = {"Version": "2012-10-17", "Statement": [everything, *statements]}
        life.iam.put_role_policy(
            RoleName="s3-dr-batch", PolicyName="p", PolicyDocument=json.dumps(document)
        )

    life.put("a", "b")
    allow({**deny, **places})
    try:
        life.tag()
        found = life.settled()["backfill"]
    finally:
        allow()
    assert found["failed"] == (2 if denied == "*" else 1)
    life.job_ended(hours=2)

    assert life.last()["changes"] == ["CreateJob"]

    assert life.statuses() == statuses
    assert life.settled()["backfill"]["failed"] == 0
    life.assert_whole()
    life.job_ended(hours=30)
    assert life.last()["changes"] == []


def test_why_tasks_failed_is_counted_from_the_report(life: Life) -> None:
    life.tag()
    life.put("gone-1", "gone-2", "here")
    for key, version, _ in life.versions(life.twin)[:2]:
        life.dr.delete_object(Bucket=life.twin, Key=key, VersionId=version)
    life.asked(BACKFILL, everything=True)

    last = life.settled()

    found = last["backfill"]
    assert found["status"] == "complete"
    assert (found["succeeded"], found["failed"]) == (1, 2)
    assert found["reasons"] == {"DstObjectHardDeleted": 2}
    job = life.jobs()[0]["JobId"]
    place = f"reports/{life.bucket}/job-{job}/manifest.json"
    assert found["report"] == f"s3://{life.reports}/{place}"
    assert life.s3.head_object(Bucket=life.reports, Key=place)
    assert last["warnings"] == [
        f"2 objects of {life.bucket} were not copied: 2 DstObjectHardDeleted"
    ]


def test_what_failed_is_tried_again_after_an_hour(life: Life) -> None:
    failed_job(life)
    life.put("live")
    life.functions.calls.clear()
    assert life.last()["changes"] == [], "not at once"
    assert "DescribeJob" not in life.functions.operations, "an ended job is not asked for"
    life.job_ended(minutes=59)
    assert life.last()["changes"] == []
    life.job_ended(minutes=61)

    last = life.last()

    assert last["changes"] == ["CreateJob"]
    assert life.statuses() == ["ANY"], "nothing came through, so all of it is due"
    gap, before = life.record()["job"]["gap"], life.jobs()[1]["JobId"]
    assert (gap["attempt"], gap["id"]) == (2, before), "two checks make one job"
    assert life.record()["gap"] is None
    found = life.settled()["backfill"]
    assert (found["status"], found["succeeded"], found["failed"]) == ("complete", 3, 0)
    life.assert_whole()
    life.job_ended(days=30)
    assert life.last()["changes"] == [], "all is copied"


@pytest.mark.parametrize(
    ("attempt", "hours"), [(1, 1), (2, 6), (3, 24), (4, 24), (7, 24), (8, None), (9, None)]
)
def test_each_attempt_comes_later_and_there_are_eight(
    life: Life, attempt: int, hours: int | None
) -> None:
    failed_job(life)

    def ended(record: Any, wait: float) -> None:
        record["job"]["gap"]["attempt"] = attempt
        record["job"]["ended_at"] = ago(hours=wait)

    life.change_record(lambda record: ended(record, (hours or 24 * 30) - 0.1))
    early = life.last()
    assert early["changes"] == []
    assert early["backfill"]["failed"] == 2, "a person still hears of it"
    assert early["warnings"]
    if hours is None:
        return
    life.change_record(lambda record: ended(record, hours + 0.1))
    assert life.last()["changes"] == ["CreateJob"]
    assert life.record()["job"]["gap"]["attempt"] == attempt + 1


def test_what_failed_of_a_wanted_backfill_is_tried_again_without_another_yes(life: Life) -> None:
    life.deploy(existing_objects="report", existing_objects_limit=0)
    life.put("a")
    life.tag()
    life.replication_may(False)
    life.asked(BACKFILL)
    life.ended("Suspended")
    life.asked(CONFIRM)
    life.ended("Complete")
    life.check()
    life.replication_may(True)
    life.job_ended(hours=2)

    assert life.last()["changes"] == ["CreateJob"]
    life.ended("Suspended")
    assert life.last()["changes"] == ["UpdateJobStatus"]
    life.ended("Complete")
    life.assert_whole()


def test_a_report_that_is_late_is_waited_for(life: Life) -> None:
    life.put("a")
    life.replication_may(False)
    life.tag()
    job = life.ended("Complete")["JobId"]
    folder = f"reports/{life.bucket}/job-{job}"
    body = life.s3.get_object(Bucket=life.reports, Key=f"{folder}/manifest.json")["Body"].read()
    life.s3.delete_object(Bucket=life.reports, Key=f"{folder}/manifest.json")
    last = life.last()
    assert last["backfill"]["failed"] == 1
    assert "reasons" not in last["backfill"]
    assert life.record()["job"]["ended_at"] == ""

    life.s3.put_object(Bucket=life.reports, Key=f"{folder}/manifest.json", Body=body)

    last = life.last()
    assert last["backfill"]["reasons"] == {"SrcGetObjectNotPermitted": 1}
    assert life.record()["job"]["ended_at"]


def test_a_new_gap_takes_the_place_of_what_failed(life: Life) -> None:
    failed_job(life)
    life.untag()
    life.put("meanwhile")

    life.tag()

    assert life.statuses() == ["ANY"], "with what the last job left, which was everything"
    assert life.record()["job"]["gap"]["attempt"] == 1
    life.ended()
    life.assert_whole()


# --- what the live rule could not copy ---------------------------------------


def live_failure(life: Life, key: str = "failed") -> None:
    life.replication_may(False)
    life.put(key)
    life.replication_may(True)
    head = life.s3.head_object(Bucket=life.bucket, Key=key)
    assert head["ReplicationStatus"] == "FAILED", "else this test would prove nothing"


def test_live_failures_are_seen_by_the_metric_and_copied(life: Life) -> None:
    life.deploy(**METRICS)
    life.tag()
    life.put("fine")
    assert life.last()["changes"] == []
    live_failure(life)

    last = life.last()

    assert last["changes"] == ["CreateJob"]
    assert life.statuses() == ["FAILED"]
    assert life.ended()["ProgressSummary"]["TotalNumberOfTasks"] == 1
    life.assert_whole()
    [asked] = [c for c in life.functions.calls if c.operation == "GetMetricData"][-1:]
    [query] = asked.parameters["MetricDataQueries"]
    metric = query["MetricStat"]["Metric"]
    assert (metric["Namespace"], metric["MetricName"]) == ("AWS/S3", "OperationsFailedReplication")
    assert {each["Name"]: each["Value"] for each in metric["Dimensions"]} == {
        "SourceBucket": life.bucket,
        "DestinationBucket": life.twin,
        "RuleId": "s3-dr",
    }


def used_up(record: Any) -> None:
    record["job"].update(failed=1, ended_at=ago(days=2), created_at=ago(days=2))
    record["job"]["gap"]["attempt"] = 8


def cancelled(record: Any) -> None:
    record["job"].update(status="Cancelled", ended_at=ago(days=2), created_at=ago(days=2))


@pytest.mark.parametrize("state", [used_up, cancelled])
def test_live_failures_are_copied_whatever_became_of_the_last_job(life: Life, state: Any) -> None:
    life.deploy(**METRICS)
    life.put("a")
    life.tag()
    life.settled()
    life.change_record(state)
    assert life.last()["changes"] == []
    live_failure(life)

    assert life.last()["changes"] == ["CreateJob"]

    assert life.statuses() == ["FAILED"]
    assert life.record()["job"]["gap"]["attempt"] == 1
    life.settled()
    life.assert_whole()
    assert life.last()["changes"] == []
    assert len(life.jobs()) == 2


def test_one_failure_is_worth_one_job(life: Life) -> None:
    life.deploy(**METRICS)
    life.tag()
    live_failure(life)
    life.check()

    for _ in range(3):
        assert life.settled()["changes"] == []

    assert len(life.jobs()) == 1


def test_failures_from_before_the_last_job_are_no_news(life: Life) -> None:
    life.deploy(**METRICS)
    life.tag()
    live_failure(life)
    life.check()
    life.settled()

    def later(record: Any) -> None:
        record["job"]["created_at"] = ago(hours=-2)

    life.change_record(later)

    assert life.last()["changes"] == []


def test_without_metrics_cloudwatch_is_not_asked(life: Life) -> None:
    life.tag()
    live_failure(life)

    last = life.last()

    assert last["changes"] == []
    assert "GetMetricData" not in life.functions.operations


@pytest.mark.parametrize("wish", ["report", "ignore"])
def test_live_failures_of_a_profile_that_copies_nothing_itself(life: Life, wish: str) -> None:
    """Those objects are no older than the rule: S3 owes them."""
    life.deploy(**METRICS, existing_objects=wish)
    life.put("old")
    life.tag()
    life.check()
    gap = life.record()["gap"]
    live_failure(life)

    last = life.last()

    assert last["changes"] == ["CreateJob"]
    assert life.statuses() == ["FAILED"]
    assert life.record()["gap"] == gap, "and the old ones are as they were"
    told = life.settled()
    assert told["backfill"] == {
        "status": {"report": "wanted", "ignore": "ignored"}[wish],
        "since": gap["id"],
    }
    assert len(told.get("warnings", [])) == (wish == "report")
    assert [key for key, *_ in life.versions(life.twin)] == ["failed"]
    assert len(life.jobs()) == 1
    assert life.asked(BACKFILL)["changes"] == ["CreateJob"]
    life.settled()
    life.assert_whole()


@pytest.mark.parametrize("everything", [True, False])
def test_a_gap_of_failures_grows_to_one_of_all(life: Life, everything: bool) -> None:
    life.deploy(**METRICS, existing_objects="report")
    life.tag()
    life.check()
    live_failure(life)
    hold(life)
    assert life.last()["backfill"]["status"] == "preparing"
    life.untag()
    life.put("meanwhile")
    life.tag()

    life.asked(BACKFILL, everything=everything)

    go_on(life)
    life.ended()
    life.check()
    assert life.statuses() == (["ANY"] if everything else ["NONE", "FAILED"])
    life.settled()
    life.assert_whole()


# --- over the months ---------------------------------------------------------


def test_a_life_with_everything_in_it_ends_whole(life: Life) -> None:
    life.deploy({**GOLD, "on_untag": "remove"}, on_untag="disable")
    life.put("first", "first", "deleted")
    life.s3.delete_object(Bucket=life.bucket, Key="deleted")
    life.tag()
    life.settled()
    life.put("live")
    life.untag()
    life.put("untagged")
    life.tag(tier="gold")
    life.settled()
    life.drop_rule()
    life.put("dropped")
    life.check("delete_bucket_replication")
    life.settled()
    life.dr.put_bucket_versioning(Bucket=life.twin, VersioningConfiguration={"Status": "Suspended"})
    life.put("suspended")
    life.check()
    life.settled()
    life.assert_whole()
    life.delete_twin()
    life.put("alone")
    life.check()
    life.settled()
    life.asked("Bucket Release Requested")
    life.put("released")
    life.check()

    last = life.settled()

    life.assert_whole()
    assert last["changes"] == []
    assert len(life.record()["put_back"]) == 1
    objects = life.dr.list_objects_v2(Bucket=life.twin)["Contents"]
    assert {each["Key"] for each in objects} == {
        "first",
        "live",
        "untagged",
        "dropped",
        "suspended",
        "alone",
        "released",
    }


@pytest.mark.parametrize("annotations", [False, True])
def test_objects_whose_annotations_the_twin_refuses_are_copied(
    life: Life, annotations: bool
) -> None:
    """S3 calls the task of such an object failed, although the object is in the twin."""
    life.deploy(annotations=annotations)
    life.put("plain", "noted")
    note = {"Bucket": life.bucket, "Key": "noted", "AnnotationName": "note"}
    life.s3.put_object_annotation(**note, AnnotationPayload=b"text")
    life.tag()
    assert life.ended("Complete")["ProgressSummary"]["NumberOfTasksFailed"] == (not annotations)

    last = life.settled()

    found = last["backfill"]
    assert (found["status"], found["succeeded"], found["failed"]) == ("complete", 2, 0)
    assert "reasons" not in found and "warnings" not in last
    life.assert_whole()
    life.later(days=2)
    assert life.last()["changes"] == [], "nothing is to be tried again"


def test_a_report_of_another_shape_stops_no_protection(life: Life) -> None:
    """It fails, it is told, and the rule stays."""
    life.put("a")
    life.replication_may(False)
    life.tag()
    job = life.ended("Complete")["JobId"]
    place = f"reports/{life.bucket}/job-{job}/manifest.json"
    life.s3.put_object(Bucket=life.reports, Key=place, Body=json.dumps({"Results": []}).encode())

    last = life.last()

    assert last["outcome"] == "protected"
    assert last["warnings"] == [f"1 objects of {life.bucket} were not copied: no report"]
    assert life.rule()["Status"] == "Enabled"
    assert life.world.replication(life.bucket)["Role"] == REPLICATION_ROLE
    assert life.world.versioning(life.twin, DR_REGION) == "Enabled"
