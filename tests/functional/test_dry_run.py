"""A dry run says what a real one would do, does none of it, and tells nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functional.living import GOLD, METRICS, STANDARD, Handler, Life, ago, by_bus, direct
from functional.payload import DR_REGION, TRIGGER, Result, assert_blocked
from s3_dr import handlers

pytest_plugins = ["functional.payload", "functional.living"]

HANDLERS: dict[str, Handler] = {
    "source": handlers.source_bucket_check,
    "destination": handlers.destination_bucket_check,
    "enable": handlers.enable_replication,
}
CHECK = "Bucket Check Requested"


def run(life: Life, handler: Handler, detail_type: str = CHECK, **detail: object) -> Result:
    """The result of a direct call; a dry one has no effect at all."""
    before = len(life.functions.calls)
    sent = direct(detail_type, buckets=[life.bucket], **detail)
    result = life.functions.only(handler, sent)
    if detail.get("dry_run") is True:
        calls = life.functions.calls[before:]
        writes = [c.operation for c in calls if c.is_write or c.operation.startswith("Update")]
        assert writes == [], "a dry run writes nothing"
        assert "Publish" not in [c.operation for c in calls], "and tells nobody"
        assert {c.operation[:3] for c in calls} <= {"Get", "Hea", "Lis", "Des"}
    return result


def dry(life: Life, handler: Handler, detail_type: str = CHECK, **detail: Any) -> Result:
    return run(life, handler, detail_type, dry_run=True, **detail)


TURNS = ("CreateJob", "UpdateJobStatus")


def assert_said_what_is_done(life: Life, handler: Handler, *asked: str, **detail: Any) -> Result:
    """The real run, which does what the dry one said; of turns for jobs that says nothing."""
    said = dry(life, handler, *asked, **detail)
    done = run(life, handler, *asked, **detail)
    assert said["changes"] == [each for each in done["changes"] if each not in TURNS]
    expected = "pending" if said["changes"] else done["outcome"]
    assert said["outcome"] == expected
    assert said.get("reason") == done.get("reason")
    assert said.get("remedy") == done.get("remedy")
    again = dry(life, handler, CHECK)
    assert again["changes"] == []
    return done


# --- the journey of a new bucket ---------------------------------------------


def test_a_new_bucket_is_told_step_by_step(life: Life) -> None:
    life.bucket = life.world.bucket(tags=TRIGGER)
    life.put("a")

    assert [(r["outcome"], r["changes"]) for r in (dry(life, h) for h in HANDLERS.values())] == [
        ("pending", ["PutBucketVersioning"]),
        ("pending", ["CreateBucket"]),
        ("pending", []),
    ]
    assert life.world.versioning(life.bucket) == ""
    assert life.twin not in life.world.names()

    assert_said_what_is_done(life, handlers.source_bucket_check)
    said = dry(life, handlers.destination_bucket_check)
    done = run(life, handlers.destination_bucket_check)
    assert said["changes"][0] == done["changes"][0] == "CreateBucket"
    done = assert_said_what_is_done(life, handlers.enable_replication)
    assert done["changes"] == ["PutBucketReplication", "CreateJob"]


def test_a_bucket_in_step_is_as_a_real_run_says(life: Life) -> None:
    life.put("a")
    life.tag()
    life.settled()

    results = [dry(life, handler) for handler in HANDLERS.values()]

    assert [result["outcome"] for result in results] == ["passed_on", "passed_on", "protected"]
    assert [result["changes"] for result in results] == [[], [], []]
    assert results[-1]["backfill"]["status"] == "complete"
    assert len(results[1]["properties"]) > 5, "each property is looked at"


def test_untagged_is_untagged(life: Life) -> None:
    for way, handler in HANDLERS.items():
        found = assert_said_what_is_done(life, handler)
        assert found["reason"] == "NO_PROFILE_MATCHES", f"{way}: {found}"


def test_gone_is_gone(life: Life) -> None:
    life.s3.delete_bucket(Bucket=life.bucket)

    for way, handler in HANDLERS.items():
        found = assert_said_what_is_done(life, handler)
        assert found["reason"] == "NO_SUCH_BUCKET", f"{way}: {found}"


# --- everything a check may find ---------------------------------------------


def dropped(life: Life) -> None:
    life.drop_rule()
    life.put("b")


def suspended(life: Life) -> None:
    status = {"Status": "Suspended"}
    life.dr.put_bucket_versioning(Bucket=life.twin, VersioningConfiguration=status)


def drifted(life: Life) -> None:
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    life.s3.put_bucket_cors(Bucket=life.bucket, CORSConfiguration={"CORSRules": [rule]})
    life.world.tag(life.bucket, {**TRIGGER, "team": "orders"})


def untagged(life: Life) -> None:
    life.s3.delete_bucket_tagging(Bucket=life.bucket)


def untagged_beside_others(life: Life) -> None:
    life.world.replicate(life.bucket, [life.rule(), life.foreign_rule()])
    untagged(life)


def removed(life: Life) -> None:
    life.deploy(on_untag="remove")
    untagged(life)


def another_class(life: Life) -> None:
    life.deploy(storage_class="STANDARD_IA")


def source_suspended(life: Life) -> None:
    status = {"Status": "Suspended"}
    life.drop_rule()
    life.s3.put_bucket_versioning(Bucket=life.bucket, VersioningConfiguration=status)


def contested(life: Life) -> None:
    life.change_record(lambda record: record.update(put_back=[ago(minutes=1)] * 5))
    life.drop_rule()


def under_a_foreign_role(life: Life) -> None:
    role = life.local_aws.replication_role("theirs-of-life")
    life.world.replicate(life.bucket, [life.foreign_rule()], role)


def unmarked(life: Life) -> None:
    life.world.tag(life.twin, {"team": "orders"}, DR_REGION)


def without_a_record(life: Life) -> None:
    life.put("c")
    life.s3.delete_object(Bucket=life.reports, Key=f"state/{life.bucket}.json")


def an_odd_record(life: Life) -> None:
    life.write_record(b"{")


def to_confirm(life: Life) -> None:
    life.deploy(existing_objects_limit=5)
    life.asked("Bucket Backfill Requested", everything=True)
    life.ended("Suspended")


FOUND: dict[str, Callable[[Life], None]] = {
    each.__name__: each
    for each in (
        dropped,
        suspended,
        drifted,
        untagged,
        untagged_beside_others,
        removed,
        another_class,
        source_suspended,
        contested,
        under_a_foreign_role,
        unmarked,
        without_a_record,
        an_odd_record,
        to_confirm,
    )
}


@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_the_real_run_does_what_the_dry_one_said(life: Life, found: Any) -> None:
    life.tag()
    life.put("a")
    found(life)

    acted = False
    for handler in HANDLERS.values():
        done = assert_said_what_is_done(life, handler)
        acted = acted or bool(done["changes"])
        if done["outcome"] == "blocked":
            return  # then nobody asks the next function
    assert acted, "there was something to do"


def test_a_twin_to_be_made_again_is_pending_for_both(life: Life) -> None:
    life.tag()
    life.put("a")
    life.delete_twin()

    assert dry(life, handlers.destination_bucket_check)["changes"] == ["CreateBucket"]
    result = dry(life, handlers.enable_replication)
    assert (result["outcome"], result["changes"]) == ("pending", [])


def test_a_twins_name_that_is_taken_is_blocked(life: Life) -> None:
    life.world.bucket(f"{life.bucket}-dr", region=DR_REGION, account="444455556666")
    life.retag()

    for handler in (handlers.destination_bucket_check, handlers.enable_replication):
        assert_blocked(dry(life, handler), "TWIN_NAME_TAKEN")


def test_a_dry_release_is_none(life: Life) -> None:
    life.tag()
    rule, record = life.rule(), life.record()

    said = dry(life, handlers.enable_replication, "Bucket Release Requested")

    assert (said["outcome"], said["changes"]) == ("pending", ["DeleteBucketReplication"])
    assert (life.rule(), life.record()) == (rule, record)
    done = run(life, handlers.enable_replication, "Bucket Release Requested")
    assert done["changes"] == said["changes"]


def test_a_dry_yes_is_none(life: Life) -> None:
    asked = "Bucket Backfill Confirmed"
    life.deploy(existing_objects_limit=0)
    life.put("a")
    life.tag()
    job, record = life.ended("Suspended")["JobId"], life.record()

    said = dry(life, handlers.enable_replication, asked)

    assert (said["outcome"], said["changes"]) == ("protected", [])
    assert said["backfill"]["status"] == "queued"
    assert life.record() == record
    assert [(each["JobId"], each["Status"]) for each in life.jobs()] == [(job, "Suspended")]
    assert run(life, handlers.enable_replication, asked)["changes"] == ["UpdateJobStatus"]


def test_a_dry_yes_where_nothing_waits_says_so(life: Life) -> None:
    life.tag()
    life.put("a")
    rule, record = life.rule(), life.record()

    said = dry(life, handlers.enable_replication, "Bucket Backfill Confirmed")

    assert (said["outcome"], said["reason"], said["changes"]) == ("ignored", "NOTHING_WAITS", [])
    assert (life.rule(), life.record(), life.jobs()) == (rule, record, [])


def test_a_dry_backfill_names_no_job(life: Life) -> None:
    life.tag()
    life.put("a")

    record = life.record()

    said = dry(life, handlers.enable_replication, "Bucket Backfill Requested")

    assert (said["outcome"], said["changes"]) == ("protected", [])
    assert said["backfill"]["status"] == "queued"
    assert "job" not in said["backfill"], "there is none"
    assert (life.record(), life.jobs()) == (record, [])


def test_live_failures_are_told_and_let_be(life: Life) -> None:
    life.deploy(**METRICS)
    life.tag()
    life.replication_may(False)
    life.put("a")
    life.replication_may(True)

    said = dry(life, handlers.enable_replication)

    assert (said["backfill"]["status"], said["backfill"]["kind"]) == ("queued", "failed")
    assert said["changes"] == []
    assert life.jobs() == []


# --- several buckets, and errors ---------------------------------------------


def test_each_bucket_has_its_result_in_order(life: Life) -> None:
    life.tag()
    names = ["Not A Bucket", life.bucket, "no-such-bucket-x"]

    for way, handler in HANDLERS.items():
        sent = direct(CHECK, buckets=names, dry_run=True)
        results = handler(sent, life.functions.context)["results"]

        assert [(result.get("bucket", ""), result.get("reason")) for result in results] == [
            ("", "NOT_A_BUCKET"),
            (life.bucket, None),
            ("no-such-bucket-x", "NO_SUCH_BUCKET"),
        ], way


def deny_tags(life: Life) -> None:
    fault = {"operation": "GetBucketTagging", "code": "AccessDenied", "status": 403, "times": 1}
    life.local_aws.faults([{**fault, "bucket": life.bucket}])


def test_an_error_is_a_result_for_who_waits_for_it(life: Life) -> None:
    life.tag()
    other = Life(life.functions, life.world, life.local_aws, life.reports, life._set)
    other.tag()

    for way, handler in HANDLERS.items():
        for is_dry in (True, False):
            deny_tags(life)
            sent = direct(CHECK, buckets=[life.bucket, other.bucket], dry_run=is_dry)
            results = handler(sent, life.functions.context)["results"]

            first, second = results
            about = f"{way}, dry run {is_dry}: {results}"
            assert (first["outcome"], first["reason"]) == ("failed", "AccessDenied"), about
            assert second["outcome"] in ("passed_on", "protected"), about


def test_an_error_is_raised_when_a_bus_brought_the_request(life: Life) -> None:
    life.tag()

    for way, handler in HANDLERS.items():
        deny_tags(life)
        try:
            handler(by_bus(CHECK, bucket=life.bucket), life.functions.context)
        except life.s3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", f"{way}: {error}"  # noqa: PT017
        else:
            pytest.fail(f"{way}: Lambda has to see the error, or it does not try again")


def test_only_true_is_dry(life: Life) -> None:
    life.tag()

    odds: list[Any] = ["true", 1, [True], {}, None, "yes"]
    for odd in odds:
        life.drop_rule()
        life.change_record(lambda record: record.update(put_back=[]))
        result = run(life, handlers.enable_replication, CHECK, dry_run=odd)

        assert result["outcome"] == "protected", f"{odd!r}: {result}"
        assert life.rule()["Status"] == "Enabled", f"{odd!r} is not true: the rule is put back"


def test_a_dry_run_over_the_bus_is_dry(life: Life) -> None:
    life.tag()
    life.drop_rule()
    sent = by_bus(CHECK, bucket=life.bucket, dry_run=True)

    result = life.functions.only(handlers.enable_replication, sent)

    assert result["outcome"] == "pending"
    assert life.rule() is None


@pytest.mark.parametrize("is_dry", [True, False])
def test_a_dry_run_logs_nothing_for_an_alarm_to_count(life: Life, is_dry: bool) -> None:
    life.deploy_profiles(STANDARD, LOG_LEVEL="DEBUG")
    life.world.twin(life.bucket, tags={"someone": "else's"})
    life.retag()
    before = len(life.functions.log_lines())

    result = run(life, handlers.enable_replication, CHECK, dry_run=is_dry)

    assert result["outcome"] == "blocked"
    found = [line for line in life.functions.log_lines()[before:] if "outcome" in line]
    assert [line["outcome"] for line in found] == ([] if is_dry else ["blocked"])


def test_the_profile_of_a_dry_run_is_the_first_that_matches(life: Life) -> None:
    life.deploy({**GOLD, "storage_class": "STANDARD_IA"})
    life.retag(tier="gold", **TRIGGER)

    assert dry(life, handlers.source_bucket_check)["profile"] == "gold"
