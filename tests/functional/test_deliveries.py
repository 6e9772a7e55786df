"""What S3 delivers into twins has to be let in; what it will not deliver is skipped and said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functional.payload import (
    ACCOUNT,
    DR_REGION,
    FOREIGN_ACCOUNT,
    TRIGGER,
    Functions,
    Result,
    World,
    assert_blocked,
    fault,
    profiles,
    troubles,
)
from s3_dr import handlers

pytest_plugins = ["functional.payload"]

LOGS, REPORTS = "logging.s3.amazonaws.com", "s3.amazonaws.com"
KEY = f"arn:aws:kms:{DR_REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
RETENTION = {"mode": "GOVERNANCE", "days": 1}


@pytest.fixture
def bucket(on_local_aws: World) -> str:
    return on_local_aws.bucket(tags=TRIGGER)


def log_into(world: World, bucket: str, target: str, prefix: str = "logs/") -> None:
    status = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix}}
    world.s3().put_bucket_logging(Bucket=bucket, BucketLoggingStatus=status)


def report_into(world: World, bucket: str, target: str, **encryption: Any) -> None:
    destination = {"Bucket": f"arn:aws:s3:::{target}", "Format": "CSV", **encryption}
    world.s3().put_bucket_inventory_configuration(
        Bucket=bucket,
        Id="all",
        InventoryConfiguration={
            "Id": "all",
            "IsEnabled": True,
            "IncludedObjectVersions": "All",
            "Schedule": {"Frequency": "Daily"},
            "Destination": {"S3BucketDestination": destination},
        },
    )


def export_into(world: World, bucket: str, target: str) -> None:
    destination = {"Bucket": f"arn:aws:s3:::{target}", "Format": "CSV"}
    export = {
        "OutputSchemaVersion": "V_1",
        "Destination": {"S3BucketDestination": destination},
    }
    world.s3().put_bucket_analytics_configuration(
        Bucket=bucket,
        Id="all",
        AnalyticsConfiguration={"Id": "all", "StorageClassAnalysis": {"DataExport": export}},
    )


def statements(world: World, twin: str) -> dict[str, Any]:
    policy = world.s3(DR_REGION).get_bucket_policy(Bucket=twin)["Policy"]
    return {each["Sid"]: each for each in json.loads(policy)["Statement"]}


def grant(twin: str, service: str, source: Any, account: str = ACCOUNT) -> dict[str, Any]:
    """The grant that the S3 User Guide shows, for a bucket that delivers into the twin."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{twin}/*",
        "Condition": {
            "ArnLike": {"aws:SourceArn": source},
            "StringEquals": {"aws:SourceAccount": account},
        },
    }


def add(world: World, twin: str, *others: Any) -> None:
    policy = json.loads(world.s3(DR_REGION).get_bucket_policy(Bucket=twin)["Policy"])
    policy["Statement"] += others
    world.s3(DR_REGION).put_bucket_policy(Bucket=twin, Policy=json.dumps(policy))


def line(result: Result, name: str) -> dict[str, Any]:
    [found] = [each for each in result["properties"] if each["property"] == name]
    return dict(found)


def looked(functions: Functions, bucket: str) -> Result:
    """What a dry run of the second function says."""
    wish = {"bucket": bucket, "dry_run": True}
    event = {"source": "s3-dr", "detail-type": "Bucket Check Requested", "detail": wish}
    return functions.only(handlers.destination_bucket_check, event)


def in_step(functions: Functions, bucket: str) -> Result:
    """The result of a check that has nothing to write."""
    functions.calls.clear()
    result = functions.check_destination(bucket)
    assert functions.writes == []
    assert looked(functions, bucket)["outcome"] == "passed_on"
    return result


@pytest.mark.parametrize(
    ("clone", "sid", "service", "configure"),
    [
        ("logging", "S3DrLogDelivery", LOGS, log_into),
        ("inventory", "S3DrReportDelivery", REPORTS, report_into),
        ("analytics", "S3DrReportDelivery", REPORTS, export_into),
    ],
)
def test_a_twin_lets_in_what_it_sends_to_itself(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    bucket: str,
    clone: str,
    sid: str,
    service: str,
    configure: Any,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=[clone]))
    twin, elsewhere = f"{bucket}-dr", on_local_aws.bucket()
    functions.protected(on_local_aws, bucket)
    assert [*statements(on_local_aws, twin)] == ["S3DrDenyInsecureTransport"]
    configure(on_local_aws, bucket, bucket)

    result = functions.check_destination(bucket)

    assert line(result, clone)["outcome"] == "translated"
    assert not result.get("warnings")
    wanted = {"Sid": sid, **grant(twin, service, [f"arn:aws:s3:::{twin}"])}
    assert statements(on_local_aws, twin)[sid] == wanted
    in_step(functions, bucket)

    configure(on_local_aws, bucket, elsewhere)
    functions.check_destination(bucket)
    assert sid not in statements(on_local_aws, twin), "what it sends nowhere, nobody need let in"


def test_a_grant_stays_while_the_source_cannot_be_read(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    local_aws: Any,
    bucket: str,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=["logging"]))
    log_into(on_local_aws, bucket, bucket)
    functions.check_destination(bucket)
    functions.calls.clear()

    local_aws.faults([fault("GetBucketLogging", bucket, "AccessDenied", 403, times=9)])
    with pytest.raises(Exception, match=r"logging \(AccessDenied\)"):
        functions.check_destination(bucket)

    assert functions.writes == []


def test_replication_does_not_wait_for_a_grant(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    local_aws: Any,
    bucket: str,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=["logging"]))
    functions.check_destination(bucket)
    log_into(on_local_aws, bucket, bucket)
    functions.calls.clear()

    local_aws.faults([fault("PutBucketPolicy", f"{bucket}-dr", "AccessDenied", 403, times=9)])
    with pytest.raises(Exception, match=r"policy \(AccessDenied\)"):
        functions.check_destination(bucket)

    assert "Publish" in functions.operations, "the copies come first"


def test_a_twin_that_others_send_to_lets_in_twins(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch, bucket: str
) -> None:
    logs = on_local_aws.bucket(tags=TRIGGER)
    monkeypatch.setenv("TRANSLATIONS", json.dumps({logs: f"{logs}-dr"}))
    monkeypatch.setenv("PROFILES", profiles(clone=["logging"]))
    log_into(on_local_aws, bucket, logs)

    functions.check_destination(logs)
    result = functions.check_destination(bucket)

    found = statements(on_local_aws, f"{logs}-dr")["S3DrLogDelivery"]
    assert found == {"Sid": found["Sid"], **grant(f"{logs}-dr", LOGS, ["arn:aws:s3:::*-dr"])}
    assert [*statements(on_local_aws, f"{bucket}-dr")] == ["S3DrDenyInsecureTransport"]
    [warning] = result["warnings"]
    assert warning.startswith("GRANT_NEEDED") and f"{logs}-dr" in warning and LOGS in warning
    again = in_step(functions, bucket)
    assert "warnings" not in again, "nobody can see whether it was done"
    assert warning in line(again, "logging")["notes"], "but it is said"


@pytest.mark.parametrize("service", [LOGS, REPORTS, [LOGS, REPORTS]])
@pytest.mark.parametrize("account", [ACCOUNT, [ACCOUNT]])
def test_s3_itself_is_nobody_to_share_with(
    functions: Functions, on_local_aws: World, bucket: str, service: Any, account: Any
) -> None:
    functions.check_destination(bucket)
    theirs = grant(f"{bucket}-dr", service, f"arn:aws:s3:::{bucket}", account)
    add(on_local_aws, f"{bucket}-dr", {"Sid": "Theirs", **theirs})

    functions.protected(on_local_aws, bucket)

    assert "Theirs" in statements(on_local_aws, f"{bucket}-dr")


def without(statement: dict[str, Any], operator: str) -> dict[str, Any]:
    condition = {key: value for key, value in statement["Condition"].items() if key != operator}
    return {**statement, "Condition": condition}


def loose(condition: dict[str, Any]) -> Any:
    return lambda statement: {**statement, "Condition": condition}


@pytest.mark.parametrize(
    "widen",
    [
        lambda each: {**each, "Action": "s3:GetObject"},
        lambda each: {**each, "Action": ["s3:PutObject", "s3:GetObject"]},
        lambda each: {**each, "Action": "s3:*"},
        lambda each: {**each, "Principal": {"Service": "cloudfront.amazonaws.com"}},
        lambda each: {**each, "Principal": {"Service": LOGS, "AWS": FOREIGN_ACCOUNT}},
        lambda each: without(each, "StringEquals"),
        loose({}),
        loose({"StringEquals": {"aws:SourceAccount": FOREIGN_ACCOUNT}}),
        loose({"StringEquals": {"aws:SourceAccount": [ACCOUNT, FOREIGN_ACCOUNT]}}),
        loose({"StringLike": {"aws:SourceAccount": "1111*"}}),
        loose({"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}),
        loose({"ForAllValues:StringEquals": {"aws:SourceAccount": ACCOUNT}}),
        loose({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}),
    ],
)
def test_more_than_s3_needs_is_sharing(
    functions: Functions, on_local_aws: World, bucket: str, widen: Any
) -> None:
    functions.check_destination(bucket)
    theirs = widen(grant(f"{bucket}-dr", LOGS, f"arn:aws:s3:::{bucket}"))
    add(on_local_aws, f"{bucket}-dr", {"Sid": "Theirs", **theirs})

    assert_blocked(functions.check_destination(bucket), "TWIN_SHARED")


@pytest.mark.parametrize(
    ("condition", "is_shared"),
    [
        ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, False),
        ({"ArnLike": {"AWS:principalarn": f"arn:aws:iam::{ACCOUNT}:role/a"}}, False),
        ({"StringEquals": {"aws:PrincipalAccount": [ACCOUNT, FOREIGN_ACCOUNT]}}, True),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, True),
        ({"StringEqualsIfExists": {"aws:PrincipalAccount": ACCOUNT}}, True),
    ],
)
def test_everybody_of_the_twins_account_is_within_it(
    functions: Functions, on_local_aws: World, bucket: str, condition: Any, is_shared: bool
) -> None:
    functions.check_destination(bucket)
    theirs = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}-dr/*",
        "Condition": condition,
    }
    add(on_local_aws, f"{bucket}-dr", theirs)

    result = functions.check_destination(bucket)

    assert result.get("reason", "") == ("TWIN_SHARED" if is_shared else ""), result


# --- what S3 does not take together ------------------------------------------


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"object_lock": {"always": True, "retention": RETENTION}}, "default retention"),
        ({"kms_key_arn": KEY}, "KMS"),
    ],
)
def test_a_twin_that_can_take_no_logs_gets_none(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    local_aws: Any,
    fields: dict[str, Any],
    why: str,
) -> None:
    key = on_local_aws.client("kms", DR_REGION, ACCOUNT).create_key()["KeyMetadata"]["Arn"]
    fields = {name: key if value == KEY else value for name, value in fields.items()}
    monkeypatch.setenv("PROFILES", profiles(clone=["cors", "logging"], **fields))
    bucket = on_local_aws.bucket(tags=TRIGGER)
    if "kms_key_arn" in fields:
        default = {"SSEAlgorithm": "aws:kms"}
        rules = [{"ApplyServerSideEncryptionByDefault": default}]
        on_local_aws.s3().put_bucket_encryption(
            Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules}
        )
    log_into(on_local_aws, bucket, bucket)

    functions.protected(on_local_aws, bucket)

    found = line(in_step(functions, bucket), "logging")
    assert (found["outcome"], found["reason"]) == ("skipped", "NOT_PORTABLE")
    assert why in found["notes"][0]
    assert "S3DrLogDelivery" not in statements(on_local_aws, f"{bucket}-dr")


def test_logs_end_when_the_twin_can_take_them_no_more(
    functions: Functions, on_local_aws: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=["logging"], object_lock={"always": True}))
    bucket = functions.protected(on_local_aws)
    log_into(on_local_aws, bucket, bucket)
    functions.protected(on_local_aws, bucket)
    s3, twin = on_local_aws.s3(DR_REGION), f"{bucket}-dr"
    assert "LoggingEnabled" in s3.get_bucket_logging(Bucket=twin)

    lock = {"always": True, "retention": RETENTION}
    functions.deploy(monkeypatch, PROFILES=profiles(clone=["logging"], object_lock=lock))
    functions.protected(on_local_aws, bucket)

    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=twin)
    assert [*statements(on_local_aws, twin)] == ["S3DrDenyInsecureTransport"]


@pytest.mark.parametrize("was_cloned", [False, True])
def test_what_s3_refuses_is_skipped_with_its_words(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    bucket: str,
    was_cloned: bool,
) -> None:
    """The bucket for logs, which the user named, has a default retention."""
    logs, there = (
        on_local_aws.bucket(ObjectLockEnabledForBucket=True, region=region)
        for region in ("", DR_REGION)
    )
    monkeypatch.setenv("TRANSLATIONS", json.dumps({logs: there}))
    monkeypatch.setenv("PROFILES", profiles(clone=["cors", "logging"]))
    log_into(on_local_aws, bucket, logs)
    s3 = on_local_aws.s3(DR_REGION)

    def lock(**rule: Any) -> None:
        configuration = {"ObjectLockEnabled": "Enabled", **rule}
        s3.put_object_lock_configuration(Bucket=there, ObjectLockConfiguration=configuration)

    if was_cloned:
        assert line(functions.check_destination(bucket), "logging")["outcome"] == "translated"
        log_into(on_local_aws, bucket, logs, "other/")
    lock(Rule={"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}})

    for again in range(2):
        functions.calls.clear()
        result = functions.check_destination(bucket)

        assert result["outcome"] == "passed_on", "no failure, and none for ever"
        found = line(result, "logging")
        assert (found["outcome"], found["reason"]) == ("skipped", "NOT_PORTABLE")
        assert "InvalidTargetBucketForLogging" in found["notes"][-1]
        assert [each.partition(":")[0] for each in result["warnings"]] == ["NOT_PORTABLE"]
        if again:
            assert functions.writes == ["PutBucketLogging"], "it is asked, and all else is as it is"

    said = looked(functions, bucket)
    assert said["outcome"] == "passed_on", "nothing is pending"
    assert line(said, "logging")["reason"] == "NOT_PORTABLE"
    lock()
    assert line(functions.check_destination(bucket), "logging")["outcome"] == "translated"
    in_step(functions, bucket)


@pytest.mark.parametrize(
    ("name", "operation", "value"),
    [
        (
            "lifecycle",
            "PutBucketLifecycleConfiguration",
            {
                "ID": "a",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}],
            },
        ),
        ("cors", "PutBucketCors", {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}),
    ],
)
@pytest.mark.parametrize(
    ("code", "status"),
    [("InvalidArgument", 400), ("InvalidRequest", 400), ("MethodNotAllowed", 405)],
)
def test_a_refusal_is_no_failure(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    local_aws: Any,
    bucket: str,
    name: str,
    operation: str,
    value: Any,
    code: str,
    status: int,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=["cors", "lifecycle", "tags"]))
    s3 = on_local_aws.s3()
    if name == "lifecycle":
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": [value]}
        )
    else:
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [value]})
    local_aws.faults([fault(operation, f"{bucket}-dr", code, status, "There it cannot be")])

    result = functions.check_destination(bucket)

    assert result["outcome"] == "passed_on"
    found = line(result, name)
    assert (found["outcome"], found["reason"]) == ("skipped", "NOT_PORTABLE")
    assert "There it cannot be" in found["notes"][-1]
    assert line(functions.check_destination(bucket), name)["outcome"] == "copied"
    in_step(functions, bucket)


@pytest.mark.parametrize(
    ("operation", "code", "status", "text"),
    [
        ("PutBucketCors", "AccessDenied", 403, ""),
        ("PutBucketCors", "InternalError", 500, ""),
        ("PutBucketPolicy", "MalformedPolicy", 400, "Invalid principal in policy"),
        ("PutBucketPolicy", "InvalidArgument", 400, ""),
    ],
)
def test_a_failure_stays_one(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    local_aws: Any,
    bucket: str,
    operation: str,
    code: str,
    status: int,
    text: str,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=["cors", "policy"]))
    functions.check_destination(bucket)
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    on_local_aws.s3().put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    denial = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [denial]}
    on_local_aws.s3().put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    local_aws.faults([fault(operation, f"{bucket}-dr", code, status, text, times=99)])

    with pytest.raises(Exception, match=code):
        functions.check_destination(bucket)


# --- keys ---------------------------------------------------------------------


@pytest.mark.parametrize("is_made", ["true", ""])
def test_a_key_of_the_users_has_to_let_s3_in(
    functions: Functions,
    on_local_aws: World,
    monkeypatch: pytest.MonkeyPatch,
    bucket: str,
    is_made: str,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=["inventory"]))
    monkeypatch.setenv("DR_KEY_ARN", KEY)
    monkeypatch.setenv("DR_KEY_IS_MADE", is_made)
    report_into(on_local_aws, bucket, bucket, Encryption={"SSEKMS": {"KeyId": "west"}})

    result = functions.check_destination(bucket)

    assert line(result, "inventory")["outcome"] == "translated"
    assert not troubles(result)
    warnings = result.get("warnings", [])
    assert [KEY in each and REPORTS in each for each in warnings] == ([] if is_made else [True])
    assert "warnings" not in in_step(functions, bucket)
