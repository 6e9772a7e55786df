"""The three functions at work on AWS: what they do to a bucket, and when they keep their hands off.

On moto where moto is faithful; on the local AWS for all that has to do with owners, regions and
replication.
"""

from __future__ import annotations

import copy
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functional.payload import (
    ACCOUNT,
    DR_REGION,
    FOREIGN_ACCOUNT,
    REPLICATION_ROLE,
    TRIGGER,
    Context,
    Functions,
    Result,
    World,
    assert_blocked,
    event,
    fault,
    just_created,
    message,
    sns_event,
    twin_marker,
)
from s3_dr import handlers
from s3_dr import twin as twin_module

pytest_plugins = ["functional.payload"]

LOCKED_DOWN = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}
OPEN = dict.fromkeys(LOCKED_DOWN, False)


def our_rule(bucket: str, priority: int = 1) -> dict[str, Any]:
    return {
        "ID": "s3-dr",
        "Priority": priority,
        "Filter": {"Prefix": ""},
        "Status": "Enabled",
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{bucket}-dr", "Account": ACCOUNT},
    }


def foreign_rule(target: str) -> dict[str, Any]:
    return {
        "ID": "archive",
        "Priority": 1,
        "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "keep", "Value": "long"}]}},
        "Status": "Disabled",
        "SourceSelectionCriteria": {"ReplicaModifications": {"Status": "Enabled"}},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{target}", "StorageClass": "STANDARD_IA"},
    }


def protected(functions: Functions, world: World, **options: Any) -> str:
    """A bucket that has made the whole journey."""
    bucket = world.bucket(tags=TRIGGER, **options)
    last = functions.protect(event("put_bucket_tagging", bucket))[-1]
    assert last["outcome"] == "protected", last
    functions.calls.clear()
    return bucket


def drifted_twin(world: World, bucket: str) -> str:
    """A twin on which nothing is as it should be."""
    twin = world.twin(bucket, ObjectOwnership="ObjectWriter")
    s3 = world.s3(world.dr_region)
    s3.put_public_access_block(Bucket=twin, PublicAccessBlockConfiguration=OPEN)
    return twin


def assert_ignored(result: Result, reason: str) -> None:
    assert (result["outcome"], result.get("reason")) == ("ignored", reason), result
    assert result["changes"] == [], "an ignored bucket is left as it was found"


# --- the journey -------------------------------------------------------------


def test_a_tagged_bucket_is_protected_end_to_end(functions: Functions, on_local_aws: World) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)

    results = functions.protect(event("put_bucket_tagging", bucket))

    assert [result["outcome"] for result in results] == ["passed_on", "passed_on", "protected"]
    assert [result["changes"] for result in results] == [
        ["PutBucketVersioning"],
        # S3 gives a new bucket its public access block, its encryption and its owner.
        ["CreateBucket", "PutBucketVersioning", "PutBucketPolicy"],
        ["PutBucketReplication"],
    ]
    for result in results:
        assert (result["bucket"], result["twin"]) == (bucket, f"{bucket}-dr")
        assert result["profile"] == "standard"
    assert on_local_aws.versioning(bucket) == "Enabled"
    assert on_local_aws.replication(bucket) == {
        "Role": REPLICATION_ROLE,
        "Rules": [our_rule(bucket)],
    }


def test_the_twin_is_made_as_it_should_be(functions: Functions, on_local_aws: World) -> None:
    twin = protected(functions, on_local_aws) + "-dr"
    s3 = on_local_aws.s3(DR_REGION)

    assert s3.head_bucket(Bucket=twin)["BucketRegion"] == DR_REGION
    assert on_local_aws.versioning(twin, DR_REGION) == "Enabled"
    tags = on_local_aws.tags(twin, DR_REGION)
    assert datetime.fromisoformat(tags.pop("s3-dr:life")) <= datetime.now(UTC)
    assert tags == {
        **twin_marker(twin.removesuffix("-dr")),
        "s3-dr:managed-by": "s3-dr",
    }, "marked, and never with a tag that asks for protection"
    assert s3.get_public_access_block(Bucket=twin)["PublicAccessBlockConfiguration"] == LOCKED_DOWN
    ownership = s3.get_bucket_ownership_controls(Bucket=twin)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}], "ACLs are off"
    encryption = s3.get_bucket_encryption(Bucket=twin)["ServerSideEncryptionConfiguration"]
    default = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    assert default["SSEAlgorithm"] == "AES256"
    [statement] = json.loads(s3.get_bucket_policy(Bucket=twin)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_an_object_written_after_that_is_replicated(
    functions: Functions, on_local_aws: World
) -> None:
    bucket = protected(functions, on_local_aws)

    on_local_aws.s3().put_object(Bucket=bucket, Key="report", Body=b"quarterly")

    found = on_local_aws.s3(DR_REGION).get_object(Bucket=f"{bucket}-dr", Key="report")
    assert found["Body"].read() == b"quarterly"


def test_one_correlation_id_follows_the_whole_journey(
    functions: Functions, on_local_aws: World
) -> None:
    sent = event("put_bucket_tagging", on_local_aws.bucket(tags=TRIGGER))

    functions.protect(sent)

    ids = [line["correlation_id"] for line in functions.log_lines()]
    assert ids == [sent["id"]] * 3, "one search finds everything one event caused"


def test_a_second_journey_changes_nothing(
    functions: Functions, on_local_aws: World, local_aws: Any
) -> None:
    bucket = protected(functions, on_local_aws)
    local_aws.clear_calls()

    results = functions.protect(event("put_bucket_tagging", bucket))

    assert [result["outcome"] for result in results] == ["passed_on", "passed_on", "protected"]
    assert [result["changes"] for result in results] == [[], [], []]
    seen = [call["operation"] for call in local_aws.calls()]
    reads = [name for name in seen if name.startswith(("Get", "Head", "List"))]
    assert sorted({*seen} - {*reads}) == ["Publish"], f"nothing may be written: {seen}"
    assert seen.count("Publish") == 2


def test_five_functions_at_once_make_one_rule(functions: Functions, on_local_aws: World) -> None:
    protected(functions, on_local_aws)  # warm clients: making them is not safe among threads
    bucket = on_local_aws.bucket(tags=TRIGGER)

    def journey(_: int) -> list[str]:
        sent = sns_event(message(bucket))
        results = [
            handlers.source_bucket_check(event("put_bucket_tagging", bucket), Context()),
            handlers.destination_bucket_check(sent, Context()),
            handlers.enable_replication(sent, Context()),
        ]
        return [result["results"][0]["outcome"] for result in results]

    with ThreadPoolExecutor(5) as pool:
        outcomes = list(pool.map(journey, range(5)))

    assert outcomes == [["passed_on", "passed_on", "protected"]] * 5, "none failed or blocked"
    assert on_local_aws.replication(bucket)["Rules"] == [our_rule(bucket)], "one rule, not five"
    functions.calls.clear()
    functions.protect(event("put_bucket_tagging", bucket))
    assert functions.writes == [], "what five made together needs no correction"


@pytest.mark.parametrize(("source", "dr"), [("us-west-2", "us-east-1"), ("us-east-1", "eu-west-1")])
def test_us_east_1_is_a_region_like_any_other(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    dr: str,
) -> None:
    functions.in_regions(monkeypatch, on_local_aws, source, dr)

    bucket = protected(functions, on_local_aws)

    found = on_local_aws.s3(dr).head_bucket(Bucket=f"{bucket}-dr")
    assert found["BucketRegion"] == dr


# --- events that are none of our business ------------------------------------


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("put_bucket_versioning_own_role", "OWN_EVENT"),
        ("put_bucket_replication_own_role", "OWN_EVENT"),
        ("put_bucket_tagging_denied", "FAILED_CALL"),
        ("tag_resource_access_point", "NOT_A_BUCKET"),
        ("batch_job_status_changed", "UNKNOWN_EVENT"),
    ],
)
def test_an_event_to_ignore_costs_no_call(functions: Functions, name: str, reason: str) -> None:
    result = functions.only(handlers.source_bucket_check, event(name))

    assert_ignored(result, reason)
    assert functions.calls == [], "the event alone decides"


def test_a_bucket_that_is_gone_is_ignored_at_once(functions: Functions, on_moto: World) -> None:
    result = functions.check_source("gone-for-good", "create_bucket")

    assert_ignored(result, "NO_SUCH_BUCKET")
    assert functions.operations == ["GetBucketTagging"]


def test_a_bucket_created_this_moment_is_waited_for(
    functions: Functions, on_local_aws: World, local_aws: Any
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    local_aws.faults([fault("GetBucketTagging", bucket, "NoSuchBucket", 404, times=2)])

    result = functions.only(handlers.source_bucket_check, just_created(bucket))

    assert result["outcome"] == "passed_on", "it was there a moment later"


@pytest.mark.parametrize("hop", ["destination_bucket_check", "enable_replication"])
def test_a_bucket_created_this_moment_is_waited_for_at_every_hop(
    functions: Functions, on_local_aws: World, local_aws: Any, hop: str
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    first = functions.only(handlers.source_bucket_check, just_created(bucket))
    assert first["outcome"] == "passed_on"
    sent = sns_event(functions.calls[-1].parameters["Message"])
    if hop == "enable_replication":
        functions.only(handlers.destination_bucket_check, sent)
    local_aws.faults([fault("GetBucketTagging", bucket, "NoSuchBucket", 404)])

    result = functions.only(getattr(handlers, hop), sent)

    assert result["outcome"] in ("passed_on", "protected"), (
        "the function before saw the bucket: it is not gone, S3 has not settled yet"
    )


def test_a_bucket_created_this_moment_that_never_comes_is_an_error(
    functions: Functions, on_local_aws: World, local_aws: Any
) -> None:
    functions.context = Context(seconds=5.5)
    bucket = on_local_aws.bucket(tags=TRIGGER)
    local_aws.faults([fault("GetBucketTagging", bucket, "NoSuchBucket", 404, times=99)])

    with pytest.raises(ClientError, match="NoSuchBucket"):
        handlers.source_bucket_check(just_created(bucket), functions.context)

    assert functions.log_lines()[-1]["outcome"] == "failed", "so that Lambda tries again later"
    local_aws.faults([])


def test_a_bucket_created_and_deleted_at_once_is_ignored(
    functions: Functions, on_moto: World
) -> None:
    functions.context = Context(seconds=5.5)

    result = functions.only(handlers.source_bucket_check, just_created("gone-again"))

    assert_ignored(result, "NO_SUCH_BUCKET")


@pytest.mark.parametrize("step", ["check_destination", "enable_replication"])
def test_a_mark_that_is_not_seen_yet_is_waited_for(
    functions: Functions, on_local_aws: World, local_aws: Any, step: str
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    functions.check_source(bucket)
    functions.check_destination(bucket)
    local_aws.faults([fault("GetBucketTagging", f"{bucket}-dr", "NoSuchTagSet", 404, times=2)])

    result = getattr(functions, step)(bucket)

    assert result["outcome"] in ("passed_on", "protected"), "a new bucket's tags may come late"


def test_a_twin_that_lets_another_account_in_is_not_filled(
    functions: Functions, on_local_aws: World
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    twin = on_local_aws.twin(bucket, twin_marker(bucket))
    spy = {
        "Sid": "Spy",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{FOREIGN_ACCOUNT}:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{twin}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [spy]})
    on_local_aws.s3(DR_REGION).put_bucket_policy(Bucket=twin, Policy=policy)

    assert_blocked(functions.check_destination(bucket), "TWIN_SHARED")

    assert functions.writes == []
    assert "Publish" not in functions.operations


def test_in_us_east_1_a_new_twin_costs_five_reads_more(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = {}
    for region in ("us-east-2", "us-east-1"):
        functions.in_regions(monkeypatch, on_local_aws, "us-west-2", region)
        bucket = on_local_aws.bucket(tags=TRIGGER)
        functions.calls.clear()
        functions.check_destination(bucket)
        reads[region] = sum(
            call.service == "s3" and not call.is_write and call.operation != "CreateBucket"
            for call in functions.calls
        )

    assert reads["us-east-1"] == reads["us-east-2"] + 5, "as the README says"


def test_in_us_east_1_a_bucket_that_we_had_already_is_not_taken_for_made(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    local_aws: Any,
) -> None:
    functions.in_regions(monkeypatch, on_local_aws, "us-west-2", "us-east-1")
    bucket = on_local_aws.bucket(tags=TRIGGER)
    twin = on_local_aws.twin(bucket, {"team": "orders"}, region="us-east-1")
    local_aws.faults([fault("HeadBucket", twin, "404", 404)])

    assert_blocked(functions.check_destination(bucket), "TWIN_NOT_MARKED")

    assert functions.writes == ["CreateBucket"], "S3 answered 200, and nothing else was touched"


# --- a source bucket that is not to be, or cannot be, protected --------------


@pytest.mark.parametrize("tags", [None, {"dr": "false"}, {"DR": "true"}, {"dr": "True"}])
def test_a_bucket_with_other_tags_is_ignored(
    functions: Functions, on_moto: World, tags: dict[str, str] | None
) -> None:
    bucket = on_moto.bucket(tags=tags)

    for look in (functions.check_source, functions.check_destination, functions.enable_replication):
        assert_ignored(look(bucket), "NO_PROFILE_MATCHES")

    assert functions.operations == [
        *["GetBucketTagging", "GetBucketReplication"],  # has it a rule of ours, from another time?
        "GetBucketTagging",
        *["GetBucketTagging", "GetBucketReplication"],
    ], "an untagged bucket costs two calls"


def test_a_twin_is_never_protected_itself(functions: Functions, on_moto: World) -> None:
    twin = on_moto.bucket(name="orders-dr", tags={**TRIGGER, **twin_marker("orders")})

    for look in (functions.check_source, functions.check_destination, functions.enable_replication):
        assert_ignored(look(twin), "IS_A_TWIN")

    assert f"{twin}-dr" not in on_moto.names(), "no twin of a twin"


def test_a_bucket_of_another_region_is_ignored(functions: Functions, on_local_aws: World) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER, region="eu-west-1")

    for look in (functions.check_source, functions.check_destination, functions.enable_replication):
        assert_ignored(look(bucket), "OTHER_REGION")

    assert functions.writes == []
    assert "Publish" not in functions.operations


def test_a_bucket_of_another_account_is_ignored(functions: Functions, on_local_aws: World) -> None:
    bucket = on_local_aws.bucket(account=FOREIGN_ACCOUNT)

    for look in (functions.check_source, functions.check_destination, functions.enable_replication):
        assert_ignored(look(bucket), "NOT_OURS")

    assert functions.writes == []


def test_suspended_versioning_blocks(functions: Functions, on_moto: World) -> None:
    bucket = on_moto.bucket(tags=TRIGGER, versioning="Suspended")

    assert_blocked(functions.check_source(bucket), "SOURCE_VERSIONING_SUSPENDED")

    assert on_moto.versioning(bucket) == "Suspended"
    assert "Publish" not in functions.operations, "nobody is asked for a twin"


@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse"])
def test_kms_by_default_blocks(functions: Functions, on_moto: World, algorithm: str) -> None:
    bucket = on_moto.bucket(tags=TRIGGER)
    rule = {
        "ApplyServerSideEncryptionByDefault": {
            "SSEAlgorithm": algorithm,
            "KMSMasterKeyID": f"arn:aws:kms:us-west-2:{ACCOUNT}:key/k",
        }
    }
    on_moto.s3().put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )

    results = functions.protect(event("put_bucket_tagging", bucket))

    assert len(results) == 1, "the journey ends here"
    assert_blocked(results[0], "KMS_WITHOUT_DR_KEY")
    assert on_moto.versioning(bucket) == "", "the source is not versioned for nothing"
    assert f"{bucket}-dr" not in on_moto.names(), "no twin that would stay empty"


# --- replication rules of other people ---------------------------------------


def test_a_foreign_rule_of_our_role_is_kept_beside_ours(
    functions: Functions, on_local_aws: World
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER, versioning="Enabled")
    target = on_local_aws.bucket(region=DR_REGION, versioning="Enabled")
    on_local_aws.replicate(bucket, [foreign_rule(target)])
    [before] = on_local_aws.replication(bucket)["Rules"]

    functions.protect(event("put_bucket_tagging", bucket))

    after = on_local_aws.replication(bucket)
    assert after == {"Role": REPLICATION_ROLE, "Rules": [before, our_rule(bucket, priority=2)]}
    functions.calls.clear()
    functions.protect(event("put_bucket_tagging", bucket))
    assert functions.writes == [], "the foreign rule makes no difference to the next look"


def test_a_foreign_role_blocks(functions: Functions, on_local_aws: World) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER, versioning="Enabled")
    target = on_local_aws.bucket(region=DR_REGION, versioning="Enabled")
    role = f"arn:aws:iam::{ACCOUNT}:role/theirs"
    on_local_aws.replicate(bucket, [foreign_rule(target)], role)
    on_local_aws.twin(bucket, versioning="Enabled")
    before = on_local_aws.replication(bucket)

    assert_blocked(functions.check_source(bucket), "FOREIGN_REPLICATION_ROLE")
    assert_blocked(functions.enable_replication(bucket), "FOREIGN_REPLICATION_ROLE")

    assert on_local_aws.replication(bucket) == before
    assert functions.writes == []


def test_rules_of_the_old_schema_block(functions: Functions, on_local_aws: World) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER, versioning="Enabled")
    target = on_local_aws.bucket(region=DR_REGION, versioning="Enabled")
    old = {
        "ID": "old",
        "Prefix": "",
        "Status": "Enabled",
        "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
    }
    on_local_aws.replicate(bucket, [old])
    on_local_aws.twin(bucket, versioning="Enabled")
    before = on_local_aws.replication(bucket)

    assert_blocked(functions.check_source(bucket), "V1_REPLICATION_RULES")
    assert_blocked(functions.enable_replication(bucket), "V1_REPLICATION_RULES")

    assert on_local_aws.replication(bucket) == before


def test_our_rule_is_put_back_when_it_was_deleted(
    functions: Functions, on_local_aws: World
) -> None:
    bucket = protected(functions, on_local_aws)
    on_local_aws.s3().delete_bucket_replication(Bucket=bucket)

    results = functions.protect(event("delete_bucket_replication", bucket))

    assert [result["changes"] for result in results] == [[], [], ["PutBucketReplication"]]
    assert on_local_aws.replication(bucket)["Rules"] == [our_rule(bucket)], "the tag wins"


@pytest.mark.parametrize(
    "change",
    [
        {"Status": "Disabled"},
        {"Filter": {"Prefix": "logs/"}},
        {"DeleteMarkerReplication": {"Status": "Disabled"}},
    ],
)
def test_our_rule_is_put_right_when_it_was_altered(
    functions: Functions, on_local_aws: World, change: dict[str, Any]
) -> None:
    bucket = protected(functions, on_local_aws)
    on_local_aws.replicate(bucket, [{**our_rule(bucket), **change}])

    results = functions.protect(event("put_bucket_replication", bucket))

    assert [result["changes"] for result in results] == [[], [], ["PutBucketReplication"]]
    assert on_local_aws.replication(bucket)["Rules"] == [our_rule(bucket)], "the tag wins"


# --- the bucket under the twin's name ----------------------------------------


def test_a_name_that_another_account_took_blocks(functions: Functions, on_local_aws: World) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    on_local_aws.bucket(f"{bucket}-dr", region=DR_REGION, account=FOREIGN_ACCOUNT)

    assert_blocked(functions.check_source(bucket), "TWIN_NAME_TAKEN")
    assert_blocked(functions.check_destination(bucket), "TWIN_NAME_TAKEN")
    assert_blocked(functions.enable_replication(bucket), "TWIN_NAME_TAKEN")

    assert on_local_aws.versioning(bucket) == "", "the source is left as it was found"
    assert functions.writes == [], "not even an attempt"


def test_a_strangers_bucket_that_welcomes_us_is_not_the_twin(
    functions: Functions, on_local_aws: World
) -> None:
    # The trap: the twin's name, the twin's mark, and a policy that lets us do anything.
    bucket = on_local_aws.bucket(tags=TRIGGER, versioning="Enabled")
    twin = welcoming(on_local_aws, f"{bucket}-dr", twin_marker(bucket), DR_REGION)

    assert_blocked(functions.check_destination(bucket), "TWIN_NAME_TAKEN")
    assert_blocked(functions.enable_replication(bucket), "TWIN_NAME_TAKEN")

    assert on_local_aws.s3(DR_REGION).head_bucket(Bucket=twin), "its owner did let us in"
    assert functions.writes == []


def test_a_strangers_bucket_that_welcomes_us_is_not_ours_to_protect(
    functions: Functions, on_local_aws: World
) -> None:
    bucket = welcoming(on_local_aws, "", TRIGGER, on_local_aws.source_region)

    for look in (functions.check_source, functions.check_destination, functions.enable_replication):
        assert_ignored(look(bucket), "NOT_OURS")

    assert on_local_aws.tags(bucket) == TRIGGER, "its owner did let us in"


def welcoming(world: World, name: str, tags: dict[str, str], region: str) -> str:
    """A bucket of another account that lets us do anything."""
    bucket = world.bucket(name, region=region, account=FOREIGN_ACCOUNT)
    theirs = world.s3(region, FOREIGN_ACCOUNT)
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    theirs.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": pairs})
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{bucket}",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    theirs.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    return bucket


def test_a_name_taken_between_look_and_creation_blocks(
    functions: Functions, on_local_aws: World, local_aws: Any
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    twin = f"{bucket}-dr"
    local_aws.faults([fault("CreateBucket", twin, "BucketAlreadyExists", 409)])

    assert_blocked(functions.check_destination(bucket), "TWIN_NAME_TAKEN")

    assert "Publish" not in functions.operations


@pytest.mark.parametrize("tags", [{}, {"team": "orders"}, twin_marker("another-bucket")])
def test_an_own_bucket_that_is_not_the_twin_is_not_touched(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    tags: dict[str, str],
) -> None:
    monkeypatch.setattr(twin_module, "_MARK_WAIT", 0.5)  # a mark that never comes
    bucket = on_local_aws.bucket(tags=TRIGGER)
    twin = on_local_aws.twin(bucket, tags)

    assert_blocked(functions.check_source(bucket), "TWIN_NOT_MARKED")
    assert_blocked(functions.check_destination(bucket), "TWIN_NOT_MARKED")
    assert_blocked(functions.enable_replication(bucket), "TWIN_NOT_MARKED")

    assert functions.writes == []
    assert on_local_aws.versioning(twin, DR_REGION) == ""
    assert on_local_aws.versioning(bucket) == ""


def test_a_twin_in_another_region_blocks(functions: Functions, on_local_aws: World) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    on_local_aws.twin(bucket, region="eu-west-1")

    assert_blocked(functions.check_source(bucket), "TWIN_IN_OTHER_REGION")
    assert_blocked(functions.check_destination(bucket), "TWIN_IN_OTHER_REGION")

    assert functions.writes == []


def test_a_drifted_twin_is_put_right(functions: Functions, on_local_aws: World) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    twin = drifted_twin(on_local_aws, bucket)

    result = functions.check_destination(bucket)

    assert result["changes"] == [
        "PutPublicAccessBlock",
        "PutBucketOwnershipControls",
        "PutBucketVersioning",
        "PutBucketPolicy",
    ], "encryption is on by default, everything else was not as it should be"
    s3 = on_local_aws.s3(DR_REGION)
    assert s3.get_public_access_block(Bucket=twin)["PublicAccessBlockConfiguration"] == LOCKED_DOWN
    ownership = s3.get_bucket_ownership_controls(Bucket=twin)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert on_local_aws.versioning(twin, DR_REGION) == "Enabled"
    assert functions.check_destination(bucket)["changes"] == [], "put right for good"


def test_a_twin_with_nothing_configured_is_put_right(functions: Functions, on_moto: World) -> None:
    # moto's new buckets have none of AWS's defaults: each read answers that nothing is there.
    bucket = on_moto.bucket(tags=TRIGGER)
    on_moto.twin(bucket)

    result = functions.check_destination(bucket)

    assert result["changes"] == [
        "PutPublicAccessBlock",
        "PutBucketOwnershipControls",
        "PutBucketVersioning",
        "PutBucketEncryption",
        "PutBucketPolicy",
    ]
    assert functions.check_destination(bucket)["changes"] == [], "put right for good"


def test_a_twin_whose_versioning_was_suspended_is_versioned_again(
    functions: Functions, on_moto: World
) -> None:
    bucket = on_moto.bucket(tags=TRIGGER)
    twin = on_moto.twin(bucket)
    on_moto.tag(twin, {**on_moto.tags(twin, DR_REGION), "s3-dr:life": "20261123Z"}, DR_REGION)
    functions.check_destination(bucket)
    on_moto.s3(DR_REGION).put_bucket_versioning(
        Bucket=twin, VersioningConfiguration={"Status": "Suspended"}
    )

    life = "20261123Z"
    assert functions.check_destination(bucket)["changes"] == [
        *("TagResource", "PutBucketVersioning", "TagResource")
    ]
    since = on_moto.tags(twin, DR_REGION)["s3-dr:life"]
    assert since.startswith(f"{life}/"), "the same twin, and since then it takes replicas again"


def test_a_partly_open_twin_is_locked_down_again(functions: Functions, on_moto: World) -> None:
    bucket = on_moto.bucket(tags=TRIGGER)
    twin = on_moto.twin(bucket)
    functions.check_destination(bucket)
    on_moto.s3(DR_REGION).put_public_access_block(
        Bucket=twin,
        PublicAccessBlockConfiguration={**LOCKED_DOWN, "RestrictPublicBuckets": False},
    )

    assert functions.check_destination(bucket)["changes"] == ["PutPublicAccessBlock"]


def test_a_stronger_encryption_of_the_twin_stays(functions: Functions, on_moto: World) -> None:
    bucket = on_moto.bucket(tags=TRIGGER)
    twin = on_moto.twin(bucket)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    on_moto.s3(DR_REGION).put_bucket_encryption(
        Bucket=twin, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )

    assert "PutBucketEncryption" not in functions.check_destination(bucket)["changes"]


def test_a_persons_statement_in_the_twins_policy_stays(
    functions: Functions, on_moto: World
) -> None:
    bucket = on_moto.bucket(tags=TRIGGER)
    twin = on_moto.twin(bucket)
    theirs = {
        "Sid": "Auditor",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/auditor"},
        "Action": "s3:ListBucket",
        "Resource": f"arn:aws:s3:::{twin}",
    }
    s3 = on_moto.s3(DR_REGION)
    s3.put_bucket_policy(
        Bucket=twin, Policy=json.dumps({"Version": "2012-10-17", "Statement": [theirs]})
    )

    functions.check_destination(bucket)

    statements = json.loads(s3.get_bucket_policy(Bucket=twin)["Policy"])["Statement"]
    assert statements[0] == theirs, "it was there first, and it stays"
    assert len(statements) == 2, "ours is beside it"


def test_a_twin_that_is_missing_is_an_error_at_the_end_of_the_journey(
    functions: Functions, on_local_aws: World
) -> None:
    functions.context = Context(seconds=6)  # a second to wait, and the reserve
    bucket = on_local_aws.bucket(tags=TRIGGER, versioning="Enabled")

    with pytest.raises(ClientError, match="NoSuchBucket"):
        functions.enable_replication(bucket)

    assert functions.writes == []


# --- when AWS says no --------------------------------------------------------


READS = [
    ("check_source", "source", "GetBucketTagging"),
    ("check_source", "source", "HeadBucket"),
    ("check_source", "source", "GetBucketVersioning"),
    ("check_source", "source", "GetBucketEncryption"),
    ("check_source", "source", "GetBucketReplication"),
    ("check_source", "twin", "HeadBucket"),
    ("check_source", "twin", "GetBucketTagging"),
    ("check_destination", "source", "GetBucketTagging"),
    ("check_destination", "source", "HeadBucket"),
    ("check_destination", "source", "GetBucketEncryption"),
    ("check_destination", "source", "GetObjectLockConfiguration"),
    ("check_destination", "twin", "HeadBucket"),
    ("check_destination", "twin", "GetBucketTagging"),
    ("check_destination", "twin", "GetPublicAccessBlock"),
    ("check_destination", "twin", "GetBucketOwnershipControls"),
    ("check_destination", "twin", "GetBucketVersioning"),
    ("check_destination", "twin", "GetBucketEncryption"),
    ("check_destination", "twin", "GetBucketPolicy"),
    ("enable_replication", "source", "GetBucketTagging"),
    ("enable_replication", "source", "HeadBucket"),
    ("enable_replication", "source", "GetBucketReplication"),
    ("enable_replication", "twin", "GetBucketTagging"),
]
WRITES = [
    ("check_source", "source", "PutBucketVersioning"),
    ("check_destination", "twin", "PutPublicAccessBlock"),
    ("check_destination", "twin", "PutBucketOwnershipControls"),
    ("check_destination", "twin", "PutBucketVersioning"),
    ("check_destination", "twin", "PutBucketPolicy"),
    ("enable_replication", "source", "PutBucketReplication"),
]


@pytest.fixture
def to_do(on_local_aws: World, request: pytest.FixtureRequest) -> dict[str, str]:
    """A bucket and its twin such that every function has something to write."""
    versioned = "Enabled" if "enable_replication" in request.node.name else ""
    source = on_local_aws.bucket(tags=TRIGGER, versioning=versioned)
    twin = drifted_twin(on_local_aws, source)
    if versioned:
        on_local_aws.s3(DR_REGION).put_bucket_versioning(
            Bucket=twin, VersioningConfiguration={"Status": "Enabled"}
        )
    return {"source": source, "twin": twin}


@pytest.mark.parametrize(("function", "which", "operation"), [*READS, *WRITES])
def test_access_denied_is_an_error_and_nothing_is_written_after_it(
    functions: Functions,
    local_aws: Any,
    to_do: dict[str, str],
    function: str,
    which: str,
    operation: str,
) -> None:
    local_aws.faults([fault(operation, to_do[which], "AccessDenied", 403, times=9)])

    with pytest.raises(ClientError):
        getattr(functions, function)(to_do["source"])

    [line] = functions.log_lines()
    assert (line["level"], line["outcome"]) == ("ERROR", "failed"), line
    assert line["reason"] in ("AccessDenied", "403"), line
    names = [(c.operation, c.parameters.get("Bucket")) for c in functions.calls]
    after = functions.calls[names.index((operation, to_do[which])) + 1 :]
    assert [call.operation for call in after] in ([], ["ListBuckets"]), (
        "a refusal is never taken for 'not configured', 'not there' or 'not ours'"
    )


def test_access_denied_on_everything_is_an_error(
    functions: Functions, on_local_aws: World, local_aws: Any
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    local_aws.faults(
        [
            fault("GetBucketTagging", bucket, "AccessDenied", 403),
            fault("ListBuckets", "", "AccessDenied", 403),
        ]
    )

    with pytest.raises(ClientError, match="AccessDenied"):
        functions.check_source(bucket)


def test_a_message_that_cannot_be_sent_is_an_error(
    functions: Functions, on_local_aws: World, local_aws: Any
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    local_aws.faults([{"operation": "Publish", "code": "AuthorizationError", "status": 403}])

    with pytest.raises(ClientError, match="AuthorizationError"):
        functions.check_source(bucket)

    [line] = functions.log_lines()
    assert line["outcome"] == "failed"
    assert line["changes"] == ["PutBucketVersioning"], "what was done before is told"


@pytest.mark.parametrize(("function", "which", "operation"), WRITES)
def test_a_conflict_with_another_change_is_waited_for(
    functions: Functions,
    local_aws: Any,
    to_do: dict[str, str],
    function: str,
    which: str,
    operation: str,
) -> None:
    local_aws.faults([fault(operation, to_do[which], "OperationAborted", 409)])

    result = getattr(functions, function)(to_do["source"])

    assert result["outcome"] in ("passed_on", "protected")
    assert result["changes"].count(operation) == 1, "one write was made, at the second attempt"


@pytest.mark.parametrize("code", ["OperationAborted", "SlowDown"])
def test_a_conflict_while_the_twin_is_created_is_waited_for(
    functions: Functions, on_local_aws: World, local_aws: Any, code: str
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    status = 503 if code == "SlowDown" else 409
    local_aws.faults([fault("CreateBucket", f"{bucket}-dr", code, status)])

    assert functions.check_destination(bucket)["changes"][0] == "CreateBucket"


@pytest.mark.parametrize("operation", ["PutPublicAccessBlock", "PutBucketVersioning"])
def test_a_twin_that_is_not_seen_at_once_is_waited_for(
    functions: Functions, on_local_aws: World, local_aws: Any, operation: str
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    local_aws.faults([fault(operation, f"{bucket}-dr", "NoSuchBucket", 404)])

    assert functions.check_destination(bucket)["outcome"] == "passed_on"


@pytest.mark.parametrize(
    "text",
    [
        "Destination bucket must exist.",
        "Destination bucket must have versioning enabled.",
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
    ],
)
def test_replication_waits_until_s3_knows_of_both_versionings(
    functions: Functions, on_local_aws: World, local_aws: Any, text: str
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    local_aws.faults([fault("PutBucketReplication", bucket, "InvalidRequest", 400, text, times=2)])

    results = functions.protect(event("put_bucket_tagging", bucket))

    assert results[-1]["outcome"] == "protected"


def test_an_sdk_too_old_to_make_a_twin_makes_none(
    functions: Functions, on_moto: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = on_moto.bucket(tags=TRIGGER)
    model: Any = handlers._runtime()[1].dr_s3.meta.service_model
    members = model.operation_model("CreateBucket").input_shape.members
    monkeypatch.delitem(members["CreateBucketConfiguration"].members, "Tags")

    source = functions.check_source(bucket)
    assert source["outcome"] == "passed_on", "the other function may have another SDK"
    assert_blocked(functions.check_destination(bucket), "SDK_TOO_OLD")

    assert f"{bucket}-dr" not in on_moto.names(), "no twin without its mark"


def test_a_twin_that_another_run_made_first_is_prepared(
    functions: Functions, on_local_aws: World, local_aws: Any
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    twin = drifted_twin(on_local_aws, bucket)
    local_aws.faults([fault("HeadBucket", twin, "404", 404)])

    result = functions.check_destination(bucket)

    assert "CreateBucket" in functions.operations, "it did not know of the other run"
    assert "CreateBucket" not in result["changes"], "but it did not make the twin"
    assert "PutPublicAccessBlock" in result["changes"], "the other run may have died half-way"


def test_a_bucket_made_meanwhile_that_is_not_the_twin_blocks(
    functions: Functions, on_local_aws: World, local_aws: Any
) -> None:
    bucket = on_local_aws.bucket(tags=TRIGGER)
    twin = on_local_aws.twin(bucket, {"team": "orders"})
    local_aws.faults([fault("HeadBucket", twin, "404", 404)])

    assert_blocked(functions.check_destination(bucket), "TWIN_NOT_MARKED")

    assert on_local_aws.versioning(twin, DR_REGION) == ""


def test_protected_is_said_only_when_s3_shows_the_rule(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = protected(functions, on_local_aws)
    on_local_aws.s3().delete_bucket_replication(Bucket=bucket)
    functions.context = Context(seconds=5.5)
    real = handlers._runtime()[1].source_s3.put_bucket_replication

    def half(**parameters: Any) -> Any:
        changed = copy.deepcopy(parameters)
        changed["ReplicationConfiguration"]["Rules"][0]["Status"] = "Disabled"
        return real(**changed)

    monkeypatch.setattr(handlers._runtime()[1].source_s3, "put_bucket_replication", half)

    with pytest.raises(Exception, match="does not show our replication rule"):
        functions.enable_replication(bucket)

    assert functions.log_lines()[-1]["outcome"] == "failed"
