"""The sixteen defects of the design's forerunner of 2018, each with the test it lacked.

The forerunner is 1Strategy's s3_disaster_recovery: three Lambda functions, two topics.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import s3_dr
from functional.payload import (
    DR_REGION,
    FOREIGN_ACCOUNT,
    TRIGGER,
    Functions,
    World,
    event,
    message,
    sns_event,
)
from s3_dr import handlers

pytest_plugins = ["functional.payload"]


def rule(name: str, target: str, priority: int, status: str = "Enabled") -> dict[str, Any]:
    return {
        "ID": name,
        "Priority": priority,
        "Filter": {"Prefix": f"{name}/"},
        "Status": status,
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
    }


def protect(functions: Functions, bucket: str) -> None:
    last = functions.protect(event("put_bucket_tagging", bucket))[-1]
    assert last["outcome"] == "protected", last


def test_01_the_code_is_imported_without_any_environment() -> None:
    """The old code read an unset variable in a default argument: KeyError before any event."""
    package = Path(s3_dr.__file__).parents[1]
    code = f"import sys; sys.path.insert(0, {str(package)!r}); import s3_dr.handlers"

    done = subprocess.run(
        [sys.executable, "-I", "-c", code], env={}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, f"importing the handlers needs no setting: {done.stderr}"


def test_02_any_pair_of_regions_works(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old code had us-west-2 and us-east-2 written into a handler and both SNS clients."""
    functions.in_regions(monkeypatch, on_local_aws, "eu-central-1", "ap-southeast-2")
    bucket = on_local_aws.bucket(tags=TRIGGER)

    protect(functions, bucket)

    twin = on_local_aws.s3("ap-southeast-2").head_bucket(Bucket=f"{bucket}-dr")
    assert twin["BucketRegion"] == "ap-southeast-2", "the twin is where the settings say"
    topics = [c.parameters["TopicArn"] for c in functions.calls if c.operation == "Publish"]
    regions = [topic.split(":")[3] for topic in topics]
    assert regions == ["ap-southeast-2", "eu-central-1"], "so are the topics"


def test_03_the_dr_region_can_be_us_east_1(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old code always sent a LocationConstraint, which S3 refuses in us-east-1."""
    functions.in_regions(monkeypatch, on_local_aws, "us-west-2", "us-east-1")
    bucket = on_local_aws.bucket(tags=TRIGGER)

    protect(functions, bucket)

    twin = on_local_aws.s3("us-east-1").head_bucket(Bucket=f"{bucket}-dr")
    assert twin["BucketRegion"] == "us-east-1"


@pytest.mark.parametrize("length", [61, 63])
def test_04_a_long_name_has_a_twin(functions: Functions, on_local_aws: World, length: int) -> None:
    """The old code added -dr to any name: over 60 characters S3 refused it, and nobody noticed."""
    bucket = on_local_aws.bucket(f"{on_local_aws.bucket()}{'x' * 63}"[:length], tags=TRIGGER)

    protect(functions, bucket)

    twin = on_local_aws.replication(bucket)["Rules"][0]["Destination"]["Bucket"].split(":")[-1]
    assert len(twin) == 63, "as much of the name as there is room for"
    assert twin in on_local_aws.names()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"account": FOREIGN_ACCOUNT, "tags": {}}, "TWIN_NAME_TAKEN"),
        ({"region": "eu-west-1"}, "TWIN_IN_OTHER_REGION"),
    ],
)
def test_05_a_name_that_is_taken_is_reported(
    functions: Functions, on_local_aws: World, options: dict[str, Any], reason: str
) -> None:
    """The old code failed and was dropped, or took an own bucket of any region for the twin."""
    bucket = on_local_aws.bucket(tags=TRIGGER)
    on_local_aws.twin(bucket, **options)

    result = functions.check_destination(bucket)

    assert (result["outcome"], result["reason"]) == ("blocked", reason)
    assert functions.writes == []


def test_06_replication_removed_from_an_untagged_bucket_is_ignored(
    functions: Functions, on_moto: World
) -> None:
    """The old code asked None for its items: AttributeError."""
    bucket = on_moto.bucket()

    result = functions.check_source(bucket, "delete_bucket_replication")

    assert result["reason"] == "NO_PROFILE_MATCHES"


def test_07_an_emptied_tag_set_is_ignored(functions: Functions, on_local_aws: World) -> None:
    """The old code looked for tags in an empty text: TypeError."""
    bucket = on_local_aws.bucket(tags=TRIGGER)
    on_local_aws.tag(bucket, {})

    result = functions.check_source(bucket, "put_bucket_tagging_no_tags")

    assert result["reason"] == "NO_PROFILE_MATCHES"


def test_08_a_call_that_failed_is_not_acted_on(functions: Functions, on_moto: World) -> None:
    """The old code versioned a bucket because somebody was refused to tag it."""
    bucket = on_moto.bucket(tags=TRIGGER)

    result = functions.check_source(bucket, "put_bucket_tagging_denied")

    assert result["reason"] == "FAILED_CALL"
    assert on_moto.versioning(bucket) == ""


@pytest.mark.parametrize("statuses", [("Disabled", "Enabled"), ("Disabled", "Disabled")])
def test_09_the_rules_of_a_person_are_kept(
    functions: Functions, on_local_aws: World, statuses: tuple[str, str]
) -> None:
    """The old code looked at the first rule, found it disabled, and overwrote them all."""
    bucket = on_local_aws.bucket(tags=TRIGGER, versioning="Enabled")
    target = on_local_aws.bucket(region=DR_REGION, versioning="Enabled")
    theirs = [rule(f"r{n}", target, n, status) for n, status in enumerate(statuses, 1)]
    on_local_aws.replicate(bucket, theirs)

    protect(functions, bucket)

    rules = on_local_aws.replication(bucket)["Rules"]
    assert rules[:2] == theirs, "both are as they were"
    assert [r["ID"] for r in rules[2:]] == ["s3-dr"], "ours is beside them"


def test_10_a_rule_of_somebody_else_is_no_protection(
    functions: Functions, on_local_aws: World
) -> None:
    """The old code took any enabled rule for its own and called the bucket protected."""
    bucket = on_local_aws.bucket(tags=TRIGGER, versioning="Enabled")
    target = on_local_aws.bucket(region=DR_REGION, versioning="Enabled")
    on_local_aws.replicate(bucket, [rule("one-prefix", target, 1)])

    protect(functions, bucket)

    targets = [r["Destination"]["Bucket"] for r in on_local_aws.replication(bucket)["Rules"]]
    assert f"arn:aws:s3:::{bucket}-dr" in targets, "the whole bucket goes to its twin"


@pytest.mark.parametrize(
    ("operation", "function"),
    [("GetBucketVersioning", "check_source"), ("GetBucketReplication", "enable_replication")],
)
@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("MethodNotAllowed", 405)])
def test_11_an_error_is_not_taken_for_not_configured(
    functions: Functions,
    on_local_aws: World,
    local_aws: Any,
    operation: str,
    function: str,
    code: str,
    status: int,
) -> None:
    """The old code met every error by writing what it thought was missing."""
    bucket = on_local_aws.bucket(tags=TRIGGER)
    on_local_aws.twin(bucket)
    refusal = {"operation": operation, "bucket": bucket, "code": code, "status": status, "times": 9}
    local_aws.faults([refusal])

    with pytest.raises(ClientError, match=code):
        getattr(functions, function)(bucket)

    assert functions.writes == [], "what cannot be read is not written"


@pytest.mark.parametrize("tags", [{"DR": "TRUE"}, {"dr": "True"}, {"Dr": "true"}])
def test_12_tags_are_compared_to_the_letter(
    functions: Functions, on_moto: World, tags: dict[str, str]
) -> None:
    """The old code lower-cased tags, so that two different ones were the same."""
    bucket = on_moto.bucket(tags=tags)

    assert functions.check_source(bucket)["reason"] == "NO_PROFILE_MATCHES"


def test_13_nothing_we_do_starts_us_again(functions: Functions, on_local_aws: World) -> None:
    """The old code acted on its own calls, and would have made a twin of a tagged twin."""
    bucket = on_local_aws.bucket(tags=TRIGGER)
    protect(functions, bucket)
    twin = f"{bucket}-dr"
    on_local_aws.tag(twin, {**on_local_aws.tags(twin, DR_REGION), **TRIGGER}, DR_REGION)

    for name in ("put_bucket_versioning_own_role", "put_bucket_replication_own_role"):
        assert functions.check_source(bucket, name)["reason"] == "OWN_EVENT"
    assert functions.check_source(twin)["reason"] == "IS_A_TWIN"

    assert f"{twin}-dr" not in on_local_aws.names()


@pytest.mark.parametrize(("delete_markers", "status"), [(True, "Enabled"), (False, "Disabled")])
def test_14_delete_markers_are_a_choice(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    delete_markers: bool,
    status: str,
) -> None:
    """The old code wrote a rule of the old schema, in which delete markers always replicate."""
    profile = {"name": "p", "match_tags": [TRIGGER], "delete_markers": delete_markers}
    monkeypatch.setenv("PROFILES", json.dumps([profile]))
    bucket = on_local_aws.bucket(tags=TRIGGER)

    protect(functions, bucket)

    [ours] = on_local_aws.replication(bucket)["Rules"]
    assert ours["DeleteMarkerReplication"] == {"Status": status}
    assert "Filter" in ours, "a rule of today's schema"


def test_15_replication_waits_until_versioning_has_spread(
    functions: Functions, on_local_aws: World, local_aws: Any
) -> None:
    """The old code asked for replication seconds after versioning and gave up when S3 refused."""
    bucket = on_local_aws.bucket(tags=TRIGGER)
    text = "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
    refusal = {"operation": "PutBucketReplication", "code": "InvalidRequest", "message": text}
    local_aws.faults([{**refusal, "bucket": bucket, "times": 2}])

    protect(functions, bucket)

    assert functions.operations.count("PutBucketReplication") == 3, "twice refused, then taken"


def test_16_every_message_is_read_and_can_be_followed(
    functions: Functions, on_local_aws: World
) -> None:
    """The old code sent a bare name, and of several messages read the first."""
    buckets = [on_local_aws.bucket(tags=TRIGGER) for _ in range(2)]
    sent = sns_event(*(message(bucket, f"c-{bucket}") for bucket in buckets))

    results = handlers.destination_bucket_check(sent, functions.context)["results"]

    assert [result["bucket"] for result in results] == buckets, "both had their turn"
    published = [c.parameters["Message"] for c in functions.calls if c.operation == "Publish"]
    for bucket, text in zip(buckets, published, strict=True):
        sent_on = json.loads(text)
        assert sent_on["version"] == 1, "the next function knows the shape"
        assert sent_on["bucket"] == bucket
        assert sent_on["correlation_id"] == f"c-{bucket}", "the log tells what caused it"
