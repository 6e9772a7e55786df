"""The life of a protection: adopted, untagged, tagged again, copied, healed by one sweep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from e2e.examples import ADOPTED, Example
from e2e.kinds import put_tags
from harness.deployment import PATIENCE, Deployment, wait_for
from harness.versions import Row, is_same

pytestmark = pytest.mark.terraform

RULE = "s3-dr"
WAYS: list[Callable[[Deployment, str], Any]] = [
    lambda stack, bucket: stack.source_s3.delete_bucket_tagging(Bucket=bucket),
    lambda stack, bucket: put_tags(stack, bucket, team="red"),
    lambda stack, bucket: put_tags(stack, bucket, dr="false"),
    lambda stack, bucket: stack.client("s3control", stack.source_region).untag_resource(
        AccountId=stack.account, ResourceArn=f"arn:aws:s3:::{bucket}", TagKeys=["dr"]
    ),
]


@pytest.fixture(scope="module", params=["basic", "cross_account"])
def stack(request: pytest.FixtureRequest) -> Deployment:
    example: Example = request.getfixturevalue(request.param)
    return example.stack


def test_bucket_tagged_before_the_module_came_is_adopted(stack: Deployment) -> None:
    bucket = f"{ADOPTED}-{stack.account}"

    stack.wait_for_rule(bucket)

    wait_for_same(stack, bucket)
    assert len(versions(stack, bucket)) == 4, "two objects, of which one has versions and a marker"


@pytest.mark.usefixtures("either_world")
def test_untagged_by_s3_control_and_tagged_again(stack: Deployment) -> None:
    untagged_and_tagged_again(stack, WAYS[-1])


@pytest.mark.parametrize(
    "take_away", WAYS[:-1], ids=["DeleteBucketTagging", "without it", "another value"]
)
def test_untagged_and_tagged_again(
    stack: Deployment, take_away: Callable[[Deployment, str], Any]
) -> None:
    untagged_and_tagged_again(stack, take_away)


def untagged_and_tagged_again(
    stack: Deployment, take_away: Callable[[Deployment, str], Any]
) -> None:
    number = WAYS.index(take_away)
    bucket = stack.create_bucket(f"life-{number}-{stack.account}")
    put_tags(stack, bucket, dr="true", team="red")
    before = stack.wait_for_rule(bucket)[RULE]

    take_away(stack, bucket)

    wait_for(lambda: status(stack, bucket) == "Disabled", PATIENCE, lambda: "never disabled")
    assert stack.rules(bucket)[RULE] == {**before, "Status": "Disabled"}
    assert stack.bucket_exists(stack.twin(bucket))
    stack.source_s3.put_object(Bucket=bucket, Key="meanwhile", Body=b"x")
    assert stack.replication_status(bucket, "meanwhile") == ""
    put_tags(stack, bucket, dr="true")
    wait_for(lambda: status(stack, bucket) == "Enabled", PATIENCE, lambda: "never enabled")
    wait_for_same(stack, bucket)


def test_whatever_events_missed_one_sweep_heals(stack: Deployment) -> None:
    def name(what: str) -> str:
        return f"{what}-{stack.account}"

    protected = ["lost-tag", "lost-rule", "changed-rule", "lost-twin", "suspended-twin"]
    for what in ("never-seen", *protected):
        stack.create_bucket(name(what), versioned=True)
        stack.source_s3.put_object(Bucket=name(what), Key="old", Body=b"x")
    for what in protected:
        put_tags(stack, name(what), dr="true")
    for what in protected:
        stack.wait_for_rule(name(what))
        wait_for_same(stack, name(what))
    kept = versions(stack, name("lost-tag"))
    with stack.events_lost():
        put_tags(stack, name("never-seen"), dr="true")
        stack.source_s3.delete_bucket_tagging(Bucket=name("lost-tag"))
        stack.source_s3.delete_bucket_replication(Bucket=name("lost-rule"))
        disable_rule(stack, name("changed-rule"))
        for what in ("lost-rule", "changed-rule"):
            stack.source_s3.put_object(Bucket=name(what), Key="missed", Body=b"x")
        empty_and_delete(stack.dr_s3, stack.twin(name("lost-twin")))
        stack.dr_s3.put_bucket_versioning(
            Bucket=stack.twin(name("suspended-twin")),
            VersioningConfiguration={"Status": "Suspended"},
        )
        stack.dr_s3.delete_public_access_block(Bucket=stack.twin(name("changed-rule")))
        stack.source_s3.put_object(Bucket=name("suspended-twin"), Key="missed", Body=b"x")
        assert stack.replication_status(name("suspended-twin"), "missed") == "FAILED"

    report = stack.call("sweep", {"source": "s3-dr", "detail-type": "Sweep Requested"})

    assert report["sent"] == report["buckets"] >= 6
    for what in ("never-seen", *protected[1:]):
        wait_for(lambda: status(stack, name(what)) == "Enabled", PATIENCE, lambda: what)  # noqa: B023
        wait_for_same(stack, name(what))
    block = stack.dr_s3.get_public_access_block(Bucket=stack.twin(name("changed-rule")))
    assert {*block["PublicAccessBlockConfiguration"].values()} == {True}
    wait_for(lambda: status(stack, name("lost-tag")) == "Disabled", PATIENCE, lambda: "lost-tag")
    assert versions(stack, name("lost-tag")) == kept
    assert versions(stack, name("lost-tag"), of_twin=True) == kept
    orphans = {each["source"]: each["reason"] for each in report["orphans"]}
    assert orphans[name("lost-tag")] == "SOURCE_UNTAGGED"


def test_a_second_sweep_writes_nothing(stack: Deployment) -> None:
    wait_for_jobs(stack)
    stack.call("sweep", {"source": "s3-dr", "detail-type": "Sweep Requested"})
    stack.settle()  # jobs that have ended since are noted
    by_schedule = {"scheduled": True}  # and since nothing waits, that is switched off
    stack.call(
        "sweep",
        {"source": "s3-dr", "detail-type": "Job Turns Requested", "detail": by_schedule},
    )
    before = time.time()

    stack.call("sweep", {"source": "s3-dr", "detail-type": "Sweep Requested"})
    stack.settle()

    assert [call for call in stack.calls(since=before) if stack.is_write(call)] == []


@pytest.mark.usefixtures("either_world")
def test_a_bucket_that_was_made_again_is_copied_whole(stack: Deployment) -> None:
    bucket = stack.create_bucket(f"again-{stack.account}", versioned=True)
    stack.source_s3.put_object(Bucket=bucket, Key="first", Body=b"x")
    put_tags(stack, bucket, dr="true")
    stack.wait_for_rule(bucket)
    wait_for_same(stack, bucket)
    wait_for_jobs(stack)
    first = versions(stack, bucket)
    empty_and_delete(stack.source_s3, bucket)
    stack.settle()

    stack.create_bucket(bucket, versioned=True)
    # Called like a twin, so that the replication role may copy there if it is in the account.
    elsewhere = stack.twin(f"elsewhere-{stack.account}{stack.name_end}")
    s3 = stack.local_aws.client("s3", stack.dr_region, stack.account)
    s3.create_bucket(
        Bucket=elsewhere, CreateBucketConfiguration={"LocationConstraint": stack.dr_region}
    )
    s3.put_bucket_versioning(Bucket=elsewhere, VersioningConfiguration={"Status": "Enabled"})
    theirs = {
        "ID": RULE,
        "Priority": 1,
        "Filter": {"Prefix": ""},
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{elsewhere}"},
    }
    stack.source_s3.put_bucket_replication(
        Bucket=bucket,
        ReplicationConfiguration={"Role": stack.replication_role_arn, "Rules": [theirs]},
    )
    stack.source_s3.put_object(Bucket=bucket, Key="copied elsewhere", Body=b"x")
    status_elsewhere = stack.replication_status(bucket, "copied elsewhere")
    assert status_elsewhere == ("FAILED" if stack.has_two_accounts else "COMPLETED")
    stack.settle()
    assert stack.rules(bucket) == {RULE: theirs}, "nobody tagged it, and the ID is theirs"
    put_tags(stack, bucket, dr="true")

    wait_for(lambda: len(stack.rules(bucket)) == 2, PATIENCE, lambda: "never protected")
    assert stack.rules(bucket)[RULE] == theirs
    wanted = [*first, *versions(stack, bucket)]
    wait_for(
        lambda: {*wanted} <= {*versions(stack, bucket, of_twin=True)}, PATIENCE, lambda: bucket
    )


def status(stack: Deployment, bucket: str) -> str:
    return str(stack.rules(bucket).get(RULE, {}).get("Status", ""))


def versions(stack: Deployment, bucket: str, of_twin: bool = False) -> list[Row]:
    """All versions of a bucket, or of its twin."""
    s3, name = (stack.dr_s3, stack.twin(bucket)) if of_twin else (stack.source_s3, bucket)
    page = s3.list_object_versions(Bucket=name)
    return sorted(
        (item["Key"], item["VersionId"], kind == "DeleteMarkers")
        for kind in ("Versions", "DeleteMarkers")
        for item in page.get(kind, [])
    )


def wait_for_same(stack: Deployment, bucket: str) -> None:
    """Wait until the twin has every version of its source."""
    wait_for(
        lambda: (
            stack.bucket_exists(stack.twin(bucket))
            and is_same(
                versions(stack, bucket),
                versions(stack, bucket, of_twin=True),
                stack.local_aws.points(),
            )
        ),
        PATIENCE,
        lambda: f"{bucket} and its twin differ: {stack.records(bucket)[-3:]}",
    )


def wait_for_jobs(stack: Deployment) -> None:
    """Wait until no job is on its way."""
    control = stack.client("s3control", stack.source_region)
    going = ["New", "Preparing", "Ready", "Active", "Completing", "Cancelling", "Failing"]

    def jobs() -> list[str]:
        found = control.list_jobs(AccountId=stack.account, JobStatuses=going)["Jobs"]
        return [job["JobId"] for job in found]

    wait_for(lambda: not jobs(), PATIENCE, lambda: f"jobs never end: {jobs()}")


def disable_rule(stack: Deployment, bucket: str) -> None:
    found = stack.source_s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
    found["Rules"][0]["Status"] = "Disabled"
    stack.source_s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=found)


def empty_and_delete(s3: Any, bucket: str) -> None:
    page = s3.list_object_versions(Bucket=bucket)
    for item in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
        s3.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
    s3.delete_bucket(Bucket=bucket)
