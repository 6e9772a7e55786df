"""What is somebody else's is not taken for ours: rules by their ID, buckets by their name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functional.living import RULE, Life, ago
from functional.payload import (
    ACCOUNT,
    REPLICATION_ROLE,
    TRIGGER,
    Result,
    assert_blocked,
    event,
    hear,
    sns_event,
)
from s3_dr import handlers

pytest_plugins = ["functional.payload", "functional.living"]

THEIR_ROLE = f"arn:aws:iam::{ACCOUNT}:role/theirs"
RELEASE = "Bucket Release Requested"


def configured(life: Life, role: str = THEIR_ROLE, name: str = RULE) -> dict[str, Any]:
    """Their configuration of one rule, whose ID is the module's name; and as S3 shows it."""
    life.world.replicate(life.bucket, [life.foreign_rule(name=name)], role)
    found: dict[str, Any] = life.world.replication(life.bucket)
    return found


# --- a rule that has our ID --------------------------------------------------


def test_their_rule_of_our_id_on_an_untagged_bucket_is_not_touched(life: Life) -> None:
    theirs = configured(life)

    for result in (*life.check(), life.asked(), life.asked(RELEASE)):
        assert (result["outcome"], result["changes"]) == ("ignored", [])
    assert life.world.replication(life.bucket) == theirs
    assert life.functions.writes == []


def test_their_rule_of_our_id_on_a_tagged_bucket_blocks(life: Life) -> None:
    theirs = configured(life)
    life.retag()

    assert_blocked(life.last(), "FOREIGN_REPLICATION_ROLE")
    life.untag()
    life.asked(RELEASE)

    assert life.world.replication(life.bucket) == theirs
    assert life.functions.writes == []


def test_ours_goes_beside_theirs_of_our_id_and_goes_again_alone(life: Life) -> None:
    theirs = configured(life, REPLICATION_ROLE)

    assert life.tag()[-1]["outcome"] == "protected"
    assert life.last()["changes"] == [], "and stays as it is"

    assert [rule["ID"] for rule in life.rules()] == [RULE, f"{RULE}-2"]
    assert life.rules()[0] == theirs["Rules"][0]
    assert life.record()["left"]["id"] == f"{RULE}-2"
    life.untag()
    off = {rule["ID"]: rule["Status"] for rule in life.rules()}
    assert off == {RULE: "Enabled", f"{RULE}-2": "Disabled"}
    life.asked(RELEASE)
    assert life.world.replication(life.bucket) == theirs


def test_failures_are_looked_for_under_the_id_that_our_rule_has(life: Life) -> None:
    configured(life, REPLICATION_ROLE)
    life.deploy(metrics=True)
    life.tag()
    life.functions.calls.clear()

    life.last()

    [asked] = [call for call in life.functions.calls if call.operation == "GetMetricData"]
    [query] = asked.parameters["MetricDataQueries"]
    dimensions = query["MetricStat"]["Metric"]["Dimensions"]
    assert {"Name": "RuleId", "Value": f"{RULE}-2"} in dimensions


def test_theirs_under_our_id_in_place_of_ours_is_theirs(life: Life) -> None:
    life.tag()
    theirs = configured(life)
    life.functions.calls.clear()

    assert_blocked(life.last(), "FOREIGN_REPLICATION_ROLE")
    life.untag()
    life.asked(RELEASE)

    assert life.world.replication(life.bucket) == theirs
    assert {*life.functions.writes} <= {"PutObject"}, "the record"


@pytest.mark.parametrize("on_untag", ["disable", "remove"])
def test_what_was_released_is_the_owners(life: Life, on_untag: str) -> None:
    life.deploy(on_untag=on_untag)
    life.tag()
    life.untag()
    rule = {**life.foreign_rule(name=RULE), "Filter": {"Prefix": "mine/"}}
    rule["Destination"] = {"Bucket": f"arn:aws:s3:::{life.twin}"}
    life.world.replicate(life.bucket, [rule], THEIR_ROLE)
    theirs = life.world.replication(life.bucket)
    life.functions.calls.clear()

    *_, checked = life.check("put_bucket_replication")

    assert (checked["outcome"], checked["reason"]) == ("ignored", "NO_PROFILE_MATCHES")
    assert life.asked(RELEASE)["outcome"] == "ignored"
    assert life.world.replication(life.bucket) == theirs
    assert life.functions.writes == []


def test_what_another_installation_remembers_is_not_ours(life: Life) -> None:
    life.tag()
    life.change_record(lambda record: record.update(module="theirs"))
    configured(life)
    life.world.replicate(
        life.bucket, [{**life.rule(), "Destination": {"Bucket": f"arn:aws:s3:::{life.twin}"}}]
    )
    life.world.replicate(life.bucket, life.rules(), THEIR_ROLE)
    theirs = life.world.replication(life.bucket)

    assert life.asked(RELEASE)["reason"] == "NO_RULE_OF_OURS"

    assert life.world.replication(life.bucket) == theirs


def test_a_dry_run_of_a_release_says_what_a_release_does(life: Life) -> None:
    life.tag()
    life.change_rule(Destination=life.foreign_rule()["Destination"])

    assert life.asked(RELEASE, dry_run=True)["outcome"] == "pending"
    assert life.asked(RELEASE)["outcome"] == "released"


@pytest.mark.parametrize("on_untag", ["disable", "remove"])
def test_what_others_copied_while_ours_was_off_is_copied_too(life: Life, on_untag: str) -> None:
    life.deploy(on_untag=on_untag)
    protected(life)
    theirs = {**life.foreign_rule(name="elsewhere"), "Filter": {"Prefix": ""}}
    if on_untag == "remove":  # else nobody tells us
        life.world.replicate(life.bucket, [life.rule(), theirs])
    life.untag()
    life.world.replicate(life.bucket, [theirs])
    life.put("between")
    life.drop_rule()

    life.tag()
    life.settled()

    assert life.statuses() == ["ANY"]
    assert {key for key, *_ in life.versions(life.twin)} == {"first", "between"}


@pytest.mark.parametrize("what", ["destination", "role"])
def test_our_rule_of_which_one_of_the_two_was_altered_is_still_ours(life: Life, what: str) -> None:
    life.tag()
    ours = life.rule()
    altered = {**ours, "Destination": life.foreign_rule()["Destination"]}
    role = THEIR_ROLE if what == "role" else REPLICATION_ROLE
    life.world.replicate(life.bucket, [altered if what == "destination" else ours], role)

    assert life.last()["outcome"] == "protected"

    assert life.world.replication(life.bucket) == {"Role": REPLICATION_ROLE, "Rules": [ours]}


# --- another bucket under the name -------------------------------------------


def protected(life: Life) -> None:
    """A bucket with an object, protected long ago."""
    life.put("first")
    life.tag()
    life.settled()
    life.change_record(lambda record: record.update(since=ago(days=9), changed_at=ago(days=9)))


def gone(life: Life) -> None:
    """The bucket is deleted."""
    for key, version, _ in life.versions(life.bucket):
        life.s3.delete_object(Bucket=life.bucket, Key=key, VersionId=version)
    life.s3.delete_bucket(Bucket=life.bucket)


def made_again(life: Life) -> None:
    """Another bucket of the name, with an object that another rule has copied elsewhere."""
    life.world.bucket(life.bucket, versioning="Enabled")
    elsewhere = {**life.foreign_rule(name="elsewhere"), "Filter": {"Prefix": ""}}
    life.world.replicate(life.bucket, [elsewhere])
    life.put("copied")
    life.drop_rule()


def told_of(life: Life, deletion: datetime) -> list[Result]:
    """The journey of the event of the bucket's deletion."""
    return life.functions.protect(event("delete_bucket", life.bucket, deletion))


def no_home(life: Life) -> None:
    """The organisation has closed us-east-1."""

    def refuse(**_: object) -> None:
        raise life.s3.exceptions.ClientError(
            {"Error": {"Code": "AccessDenied", "Message": "an explicit deny in a policy"}},
            "ListBuckets",
        )

    client = handlers._runtime()[1].home_s3
    hear(client, "before-call.s3.ListBuckets", refuse)


def dated(life: Life, client: str, date: datetime) -> None:
    """S3 gives this date for every bucket."""

    def tell(parsed: Any, **_: object) -> None:
        for bucket in parsed.get("Buckets", []):
            bucket["CreationDate"] = date

    hear(getattr(handlers._runtime()[1], client), "after-call.s3.ListBuckets", tell)


@pytest.mark.parametrize("sign", ["an event", "the date of us-east-1", "the rule is gone"])
def test_another_bucket_of_the_name_is_copied_whole(life: Life, sign: str) -> None:
    protected(life)
    gone(life)
    deletion = datetime.now(UTC) - timedelta(minutes=1)
    if sign != "the date of us-east-1":
        no_home(life)
    if sign == "an event":
        told = told_of(life, deletion)
        assert [(each["outcome"], each["reason"]) for each in told] == [
            ("ignored", "NO_SUCH_BUCKET"),
            ("ignored", "BUCKET_DELETED"),
        ]

    made_again(life)
    heard = "delete_bucket_replication" if sign == "an event" else "put_bucket_tagging"
    life.retag()
    life.check(heard)
    life.settled()
    if sign == "an event":
        told_of(life, deletion)  # it may come twice
    life.last()

    assert len(life.jobs()) == 2, "one job for one doubt"
    assert life.statuses() == ["ANY"]
    assert {key for key, *_ in life.versions(life.twin)} == {"first", "copied"}


def test_a_late_word_of_the_deletion_has_all_copied(life: Life) -> None:
    protected(life)
    no_home(life)
    gone(life)
    made_again(life)
    life.retag()
    life.check("delete_bucket_replication")
    life.settled()
    assert life.statuses() == ["NONE", "FAILED"], "it was taken for the same bucket"

    deletion = datetime.now(UTC) - timedelta(minutes=1)
    for _ in range(2):
        told_of(life, deletion)
        life.check()
        life.settled()

    assert len(life.jobs()) == 3
    assert life.statuses() == ["ANY"]


@pytest.mark.parametrize("much", [{"minutes": -1}, {"seconds": 1}])
def test_a_creation_that_was_heard_is_another_bucket(life: Life, much: dict[str, int]) -> None:
    protected(life)
    life.change_record(lambda record: record.update(changed_at=ago()))
    at = datetime.now(UTC) - timedelta(**much)

    life.functions.protect(event("create_bucket", life.bucket, at))

    is_later = "minutes" in much
    assert len(life.jobs()) == 1 + is_later, "whoever has made it again, with our rule in it"
    assert not is_later or life.statuses() == ["ANY"]


def test_what_was_deleted_long_ago_is_another_bucket(life: Life) -> None:
    life.put("first")
    life.tag()
    life.settled()
    before = life.record()

    told_of(life, datetime.now(UTC) - timedelta(minutes=1))

    assert life.record() == before
    assert len(life.jobs()) == 1


@pytest.mark.parametrize("moves", ["not", "only here", "everywhere"])
def test_a_later_date_alone_is_no_other_bucket(life: Life, moves: str) -> None:
    life.deploy(on_untag="remove")
    life.put("first")
    life.tag()
    life.settled()
    soon = datetime.now(UTC) + timedelta(minutes=5)
    if moves != "not":
        dated(life, "source_s3", soon)
    if moves == "everywhere":
        dated(life, "home_s3", soon)

    life.last()

    assert len(life.jobs()) == 1, "our rule is there, so it is the same bucket"
    life.untag()
    life.tag()
    assert len(life.jobs()) == 2
    expected = ["ANY"] if moves == "everywhere" else ["NONE", "FAILED"]
    assert life.statuses() == expected, "the date of us-east-1 is believed"


@pytest.mark.parametrize("has_home", [True, False])
def test_that_our_own_writes_move_the_date_changes_nothing(life: Life, has_home: bool) -> None:
    life.deploy(on_untag="remove")
    protected(life)
    if not has_home:
        no_home(life)
    life.untag()
    assert life.rules() == []
    dated(life, "source_s3", datetime.now(UTC).replace(microsecond=0))

    life.tag()

    assert len(life.jobs()) == 2
    assert life.statuses() == ["NONE", "FAILED"]


@pytest.mark.parametrize("heard", [True, False])
def test_a_rule_that_is_gone_is_a_second_sign_unless_its_deletion_was_heard(
    life: Life, heard: bool
) -> None:
    no_home(life)
    life.put("first")
    life.tag()
    life.settled()
    dated(life, "source_s3", datetime.now(UTC) + timedelta(minutes=5))
    life.drop_rule()

    for name in ("delete_bucket_replication" if heard else "put_bucket_tagging", "tag_resource"):
        life.check(name)
        life.ended()

    assert len(life.jobs()) == 2, "one job for one doubt"
    assert life.statuses() == (["NONE", "FAILED"] if heard else ["ANY"])


def test_counters_of_the_day_are_forgotten_with_the_bucket(life: Life) -> None:
    life.tag()
    for _ in range(5):
        life.drop_rule()
        life.check("delete_bucket_replication")
    life.drop_rule()
    assert_blocked(life.check("delete_bucket_replication")[-1], "RULE_CONTESTED")

    gone(life)
    made_again(life)
    life.retag()

    assert life.last()["outcome"] == "protected"
    assert life.record()["put_back"] == []


def test_two_automations_that_fight_are_stopped_even_in_doubt(life: Life) -> None:
    no_home(life)
    life.put("first")
    life.tag()
    for _ in range(5):
        life.drop_rule()
        assert life.last()["outcome"] == "protected"
    life.drop_rule()

    assert_blocked(life.last(), "RULE_CONTESTED")


def test_in_a_partition_without_us_east_1_nobody_asks_there(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    life.functions.deploy(monkeypatch, PARTITION="aws-cn")

    assert handlers._runtime()[1].home_s3 is None


def test_a_deletion_of_what_nobody_remembers_is_not_remembered(life: Life) -> None:
    gone(life)

    assert told_of(life, datetime.now(UTC))[-1]["reason"] == "BUCKET_DELETED"

    assert life.functions.writes == []


def test_the_bucket_of_a_late_deletion_is_looked_at_like_any_other(life: Life) -> None:
    protected(life)
    gone(life)
    life.world.bucket(life.bucket, tags=TRIGGER)
    life.s3.put_bucket_versioning(
        Bucket=life.bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    sent = event("delete_bucket", life.bucket, datetime.now(UTC) - timedelta(minutes=1))

    result = life.functions.only(handlers.source_bucket_check, sent)

    assert_blocked(result, "SOURCE_VERSIONING_SUSPENDED")
    told = [call for call in life.functions.calls if call.operation == "Publish"][-1]
    last = life.functions.only(handlers.enable_replication, sns_event(told.parameters["Message"]))
    assert (last["outcome"], last["changes"]) == ("ignored", [])
    assert life.rules() == []


def test_a_deletion_that_cannot_be_remembered_is_tried_again(life: Life) -> None:
    life.tag()
    life.fail("GetObject", "InternalError", 500, times=9)

    with pytest.raises(life.s3.exceptions.ClientError, match="InternalError"):
        told_of(life, datetime.now(UTC))
