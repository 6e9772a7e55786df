"""The local AWS runs Batch Replication as S3 Batch Operations does."""

import csv
import io
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAwsError
from local_aws.tests import test_trails
from local_aws.tests.lab import Lab

ACCOUNT, OTHER, REGION, DR = "111122223333", "444455556666", "us-west-2", "us-east-2"
ENDED = ("Cancelled", "Complete", "Failed")
BATCH = "batchoperations.s3.amazonaws.com"
ON_SOURCE = ("s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration")
COPIES = (
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionTagging",
    "s3:ReplicateObject",
    "s3:ReplicateDelete",
    "s3:ReplicateTags",
)
LOCK_READS = ("s3:GetObjectRetention", "s3:GetObjectLegalHold")
NO_KEYS = "Manifest generation found no keys matching the filter criteria."
NO_REPORT = (
    "The job report could not be written to your report bucket. Please check your permissions."
)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def code(call: Any, **keywords: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**keywords)
    return str(caught.value.response["Error"]["Code"])


@dataclass
class Pair:
    """A source and its twin in another region, a bucket for reports, and the two roles."""

    lab: Lab
    locked: bool = False
    versioned: bool = True
    name: str = field(default_factory=lambda: f"jo-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.twin, self.reports = f"{self.name}-dr", f"{self.name}-reports"
        self.s3, self.dr = (
            self._create(name, region, versioned)
            for name, region, versioned in (
                (self.name, REGION, self.versioned),
                (self.twin, DR, True),
            )
        )
        self.lab.create(self.reports)
        self.control = self.lab.server.client("s3control", REGION)
        self.iam = self.lab.server.client("iam", REGION)
        for role, service in ((self.name, "s3.amazonaws.com"), (f"{self.name}-batch", BATCH)):
            self.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(service))
        self.grant("", allow(*COPIES, *LOCK_READS, "kms:*"))
        self.grant("-batch", *self.batch_permissions())

    def _create(self, name: str, region: str, versioned: bool) -> Any:
        s3 = self.lab.server.client("s3", region)
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=self.locked, **where)
        if versioned:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return s3

    def batch_permissions(self) -> list[dict[str, Any]]:
        source = f"arn:aws:s3:::{self.name}"
        own = {"StringEquals": {"s3:ResourceAccount": ACCOUNT}}
        return [
            allow(*ON_SOURCE, resource=source, Condition=own),
            allow("s3:InitiateReplication", resource=f"{source}/*", Condition=own),
            allow("s3:PutObject", resource=f"arn:aws:s3:::{self.reports}/reports/*", Condition=own),
        ]

    def grant(self, role: str, *statements: dict[str, Any]) -> None:
        self.iam.put_role_policy(
            RoleName=f"{self.name}{role}", PolicyName="p", PolicyDocument=policy(*statements)
        )

    def replicate(self, **changes: Any) -> None:
        rule = self.lab.replication_rule(self.twin, **changes)
        self.put_rules(rule)

    def put_rules(self, *rules: dict[str, Any]) -> None:
        role = f"arn:aws:iam::{ACCOUNT}:role/{self.name}"
        self.s3.put_bucket_replication(
            Bucket=self.name, ReplicationConfiguration={"Role": role, "Rules": list(rules)}
        )

    def put(self, key: str, body: bytes = b"x", **more: Any) -> str:
        """The version id of a new object."""
        answer = self.s3.put_object(Bucket=self.name, Key=key, Body=body, **more)
        return str(answer.get("VersionId", "null"))

    def request(self, statuses: Any = ("NONE", "FAILED"), **changes: Any) -> dict[str, Any]:
        """CreateJob as the module sends it."""
        chosen = {"ObjectReplicationStatuses": list(statuses)} if statuses else {}
        more = changes.pop("Filter", {})
        generator = {
            "SourceBucket": f"arn:aws:s3:::{self.name}",
            "ExpectedBucketOwner": ACCOUNT,
            "EnableManifestOutput": False,
            "Filter": {"EligibleForReplication": True, **chosen, **more},
            **changes.pop("Generator", {}),
        }
        report = {
            "Enabled": True,
            "Bucket": f"arn:aws:s3:::{self.reports}",
            "Prefix": f"reports/{self.name}",
            "Format": "Report_CSV_20180820",
            "ReportScope": "AllTasks",
            "ExpectedBucketOwner": ACCOUNT,
        }
        return {
            "AccountId": ACCOUNT,
            "Operation": {"S3ReplicateObject": {}},
            "ConfirmationRequired": False,
            "Priority": 10,
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{self.name}-batch",
            "ClientRequestToken": uuid.uuid4().hex,
            "Report": {**report, **changes.pop("Report", {})},
            "ManifestGenerator": {"S3JobManifestGenerator": generator},
            **changes,
        }

    def create(self, *statuses: str, **changes: Any) -> str:
        answer = self.control.create_job(**self.request(statuses or ("NONE", "FAILED"), **changes))
        return str(answer["JobId"])

    def describe(self, job: str, control: Any = None) -> dict[str, Any]:
        """The job; one that was just created is not known at once."""

        def known() -> Any:
            try:
                return (control or self.control).describe_job(AccountId=ACCOUNT, JobId=job)["Job"]
            except self.control.exceptions.ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchJobException":
                    raise
                return None

        found: dict[str, Any] = self.lab.eventually(known, 10)
        return found

    def wait(self, job: str, *statuses: str, control: Any = None) -> dict[str, Any]:
        """The job, once it is in one of the statuses."""
        wanted = statuses or ENDED

        def there() -> Any:
            found = self.describe(job, control)
            return found if found["Status"] in wanted else None

        found = self.lab.eventually(there)
        assert found, f"{wanted} expected: {self.describe(job)}"
        return dict(found)

    def run(self, *statuses: str, **changes: Any) -> dict[str, Any]:
        return self.wait(self.create(*statuses, **changes))

    def numbers(self, job: dict[str, Any]) -> tuple[int, int, int]:
        found = job["ProgressSummary"]
        return (
            found["TotalNumberOfTasks"],
            found["NumberOfTasksSucceeded"],
            found["NumberOfTasksFailed"],
        )

    def report(self, job: dict[str, Any]) -> tuple[Any, dict[str, list[list[str]]]]:
        """The report's manifest, and the rows by status."""
        prefix = f"reports/{self.name}/job-{job['JobId']}"
        read = self.s3.get_object(Bucket=self.reports, Key=f"{prefix}/manifest.json")
        told = json.load(read["Body"])
        rows = {}
        for result in told["Results"]:
            assert result["Bucket"] == self.reports
            assert result["Key"].startswith(f"{prefix}/results/")
            body = self.s3.get_object(Bucket=self.reports, Key=result["Key"])["Body"].read()
            rows[result["TaskExecutionStatus"]] = list(csv.reader(io.StringIO(body.decode())))
        return told, rows

    def status(self, key: str, version: str = "") -> str:
        which = {"VersionId": version} if version else {}
        head = self.s3.head_object(Bucket=self.name, Key=key, **which)
        return str(head.get("ReplicationStatus", ""))

    def versions(self, twin: bool) -> list[tuple[str, str, bool, datetime, str]]:
        """Key, version id, whether it is the latest, Last-Modified and kind, as S3 lists them."""
        s3, name = (self.dr, self.twin) if twin else (self.s3, self.name)
        found = s3.list_object_versions(Bucket=name)
        return [
            (v["Key"], v["VersionId"], v["IsLatest"], v["LastModified"], kind)
            for kind in ("Versions", "DeleteMarkers")
            for v in found.get(kind, [])
        ]

    def asked(self, role: str) -> dict[str, set[bool]]:
        answers: dict[str, set[bool]] = {}
        for row in self.lab.server.decisions():
            if row["role"] == f"{self.name}{role}":
                answers.setdefault(row["action"], set()).add(row["allowed"])
        return answers


def trust(service: str) -> str:
    principal = {"Service": service}
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


@pytest.fixture(autouse=True)
def _settings(lab: Lab) -> Iterator[None]:
    lab.server.jobs(step=0.02)
    yield
    lab.server.jobs(step=0.1, held=[])


@pytest.fixture
def pair(lab: Lab) -> Pair:
    return Pair(lab)


def test_old_versions_and_delete_markers_are_copied_as_they_are(pair: Pair) -> None:
    first, second = pair.put("a b/é.txt", b"1", Tagging="t=1"), pair.put("a b/é.txt", b"2")
    gone = pair.put("gone")
    pair.s3.delete_object(Bucket=pair.name, Key="gone")
    pair.replicate()
    live = pair.put("live")
    job = pair.run("NONE")
    assert job["Status"] == "Complete"
    assert pair.numbers(job) == (4, 4, 0), "two versions, one under a marker, and the marker"
    assert "FailureReasons" not in job or not job["FailureReasons"]
    assert pair.versions(twin=True) == pair.versions(twin=False)
    for version, body in ((first, b"1"), (second, b"2")):
        replica = pair.dr.get_object(Bucket=pair.twin, Key="a b/é.txt", VersionId=version)
        assert replica["Body"].read() == body
        assert replica["ReplicationStatus"] == "REPLICA"
        assert pair.status("a b/é.txt", version) == "COMPLETED"
    tags = pair.dr.get_object_tagging(Bucket=pair.twin, Key="a b/é.txt", VersionId=first)["TagSet"]
    assert tags == [{"Key": "t", "Value": "1"}]
    told, rows = pair.report(job)
    assert told["Format"] == "Report_CSV_20180820"
    assert told["ReportSchema"] == (
        "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"
    )
    assert set(rows) == {"succeeded"}
    assert all(
        row[:1] + row[3:] == [pair.name, "succeeded", "200", "", "Successful"]
        for row in rows["succeeded"]
    )
    keys = [(unquote(row[1]), row[2]) for row in rows["succeeded"]]
    assert keys[:3] == [("a b/é.txt", first), ("a b/é.txt", second), ("gone", gone)]
    assert rows["succeeded"][0][1] == "a%20b/%C3%A9.txt"
    assert ("live", live) not in keys
    needed = {*ON_SOURCE, "s3:InitiateReplication", "s3:PutObject"}
    assert pair.asked("-batch") == {action: {True} for action in needed}


def test_what_is_copied_late_does_not_hide_what_is_newer(pair: Pair) -> None:
    old = pair.put("k", b"old")
    marker = pair.s3.delete_object(Bucket=pair.name, Key="k")["VersionId"]
    pair.replicate()
    new = pair.put("k", b"new")
    assert pair.dr.get_object(Bucket=pair.twin, Key="k")["Body"].read() == b"new"
    assert pair.run("NONE")["Status"] == "Complete"
    assert pair.dr.get_object(Bucket=pair.twin, Key="k")["Body"].read() == b"new"
    assert [row[1] for row in pair.versions(twin=True)] == [new, old, marker]
    assert pair.versions(twin=True) == pair.versions(twin=False)
    pair.s3.delete_object(Bucket=pair.name, Key="k")
    assert pair.versions(twin=True) == pair.versions(twin=False)
    assert code(pair.dr.get_object, Bucket=pair.twin, Key="k") == "NoSuchKey"


def test_what_was_written_before_versioning_is_copied_too(lab: Lab) -> None:
    pair = Pair(lab, versioned=False)
    pair.put("old", b"null")
    pair.put("older", b"null")
    pair.s3.put_bucket_versioning(Bucket=pair.name, VersioningConfiguration={"Status": "Enabled"})
    pair.replicate()
    pair.put("older", b"newer")
    job = pair.run("NONE")
    assert pair.numbers(job) == (2, 2, 0)
    assert pair.versions(twin=True) == pair.versions(twin=False)
    assert pair.dr.get_object(Bucket=pair.twin, Key="old")["Body"].read() == b"null"
    assert pair.dr.get_object(Bucket=pair.twin, Key="older")["Body"].read() == b"newer"
    assert pair.status("old") == "COMPLETED"
    assert pair.run("NONE")["Status"] == "Failed", "nothing is left"


def test_multipart_kms_tagged_and_locked_objects_are_copied(lab: Lab) -> None:
    pair = Pair(lab, locked=True)
    here, there = (
        lab.server.client("kms", region).create_key()["KeyMetadata"]["Arn"]
        for region in (REGION, DR)
    )
    until = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)
    version = pair.put(
        "locked",
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=here,
        Tagging="a=b",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=until,
        ObjectLockLegalHoldStatus="ON",
        Metadata={"m": "1"},
    )
    upload = pair.s3.create_multipart_upload(Bucket=pair.name, Key="parts")["UploadId"]
    which = {"Bucket": pair.name, "Key": "parts", "UploadId": upload}
    parts = [
        {
            "PartNumber": number,
            "ETag": pair.s3.upload_part(
                **which, PartNumber=number, Body=b"p" * (5 << 20 if number == 1 else 7)
            )["ETag"],
        }
        for number in (1, 2)
    ]
    pair.s3.complete_multipart_upload(**which, MultipartUpload={"Parts": parts})
    destination = {
        "Bucket": f"arn:aws:s3:::{pair.twin}",
        "EncryptionConfiguration": {"ReplicaKmsKeyID": there},
        "StorageClass": "STANDARD_IA",
    }
    kms = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    pair.replicate(Destination=destination, SourceSelectionCriteria=kms)
    job = pair.run("NONE")
    assert pair.numbers(job) == (2, 2, 0), pair.report(job)
    head = pair.dr.head_object(Bucket=pair.twin, Key="locked")
    assert head["VersionId"] == version
    assert head["SSEKMSKeyId"] == there
    assert head["StorageClass"] == "STANDARD_IA"
    assert head["Metadata"] == {"m": "1"}
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", until)
    assert head["ObjectLockLegalHoldStatus"] == "ON"
    tags = pair.dr.get_object_tagging(Bucket=pair.twin, Key="locked")["TagSet"]
    assert tags == [{"Key": "a", "Value": "b"}]
    source, replica = (
        s3.head_object(Bucket=name, Key="parts")
        for s3, name in ((pair.s3, pair.name), (pair.dr, pair.twin))
    )
    for name in ("ETag", "ContentLength", "VersionId", "LastModified"):
        assert replica[name] == source[name]


def test_what_is_in_an_archive_tier_is_no_task(pair: Pair) -> None:
    for key in ("read", "unread"):
        pair.put(key, StorageClass="INTELLIGENT_TIERING")
    pair.put("standard")
    server = pair.lab.server
    server.archive(pair.name, "unread")
    for key in ("standard", "missing"):
        with pytest.raises(LocalAwsError, match="Nothing to archive"):
            server.archive(pair.name, key)
    pair.replicate()
    assert pair.numbers(pair.run("NONE")) == (2, 2, 0)
    job = pair.run("NONE", Generator={"Filter": {"EligibleForReplication": False}})
    (row,) = pair.report(job)[1]["failed"]
    assert (row[1], row[5]) == ("unread", "SrcObjectNotEligible")


def test_only_what_the_filter_lets_through_is_a_task(pair: Pair) -> None:
    pair.put("before")
    time.sleep(0.01)
    middle = datetime.now(UTC)
    time.sleep(0.01)
    pair.put("after")
    pair.put("glacier", StorageClass="GLACIER")
    pair.put("deep", StorageClass="DEEP_ARCHIVE")
    pair.put("other/prefix")
    pair.put("kms", ServerSideEncryption="aws:kms")
    pair.s3.delete_object(Bucket=pair.name, Key="marker")
    rule = pair.lab.replication_rule(pair.twin)
    pair.put_rules({**rule, "DeleteMarkerReplication": {"Status": "Disabled"}})

    def total(*statuses: str, **more: Any) -> int:
        """How many tasks a job would have; it waits for a confirmation and is cancelled."""
        job = pair.create(*statuses, ConfirmationRequired=True, **more)
        found = pair.wait(job, "Suspended", "Failed")
        if found["Status"] == "Failed":
            assert found["FailureReasons"][0]["FailureReason"] == NO_KEYS
            return 0
        assert found["SuspendedCause"]
        pair.control.update_job_status(AccountId=ACCOUNT, JobId=job, RequestedJobStatus="Cancelled")
        return int(found["ProgressSummary"]["TotalNumberOfTasks"])

    assert total("NONE") == 3, "before, after, other"
    assert total("NONE", Filter={"CreatedBefore": middle}) == 1
    assert total("NONE", Filter={"CreatedAfter": middle}) == 2
    assert total("FAILED") == total("COMPLETED") == total("REPLICA") == 0
    pair.put_rules({**rule, "Filter": {"Prefix": "other/"}})
    assert total("NONE") == 1
    pair.put_rules(rule)
    assert total("NONE") == 4, "the delete marker, too"
    pair.put_rules({**rule, "Status": "Disabled"})
    assert total("NONE") == 0
    assert total("NONE", Filter={"EligibleForReplication": False}) == 7
    pair.put_rules(rule)
    pair.put("live")
    assert total("COMPLETED") == 1
    assert total("NONE", "COMPLETED") == 5


def test_failed_ones_are_tried_again_and_completed_ones_can_be(pair: Pair) -> None:
    pair.grant("", allow(*(a for a in COPIES if a != "s3:ReplicateObject")))
    pair.replicate()
    version = pair.put("k")
    assert pair.status("k") == "FAILED"
    job = pair.run("FAILED", Report={"ReportScope": "FailedTasksOnly"})
    assert job["Status"] == "Complete"
    assert pair.numbers(job) == (1, 0, 1)
    _, rows = pair.report(job)
    assert rows == {
        "failed": [
            [
                pair.name,
                "k",
                version,
                "failed",
                "403",
                "DstPutObjectNotPermitted",
                "Replication failed: DstPutObjectNotPermitted",
            ]
        ]
    }
    pair.grant("", allow(*COPIES))
    assert pair.numbers(pair.run("FAILED")) == (1, 1, 0)
    assert pair.status("k") == "COMPLETED"
    assert pair.numbers(pair.run("COMPLETED")) == (1, 1, 0)
    assert pair.versions(twin=True) == pair.versions(twin=False), "nothing is there twice"
    pair.dr.delete_object(Bucket=pair.twin, Key="k", VersionId=version)
    job = pair.run("COMPLETED")
    assert pair.report(job)[1]["failed"][0][5] == "DstObjectHardDeleted"
    assert pair.status("k") == "FAILED"


def test_why_a_task_failed_is_said_in_s3_s_words(lab: Lab) -> None:
    pair = Pair(lab)
    pair.put("k", Tagging="a=b")
    pair.s3.delete_object(Bucket=pair.name, Key="marker")
    pair.replicate()

    def why() -> set[str]:
        job = pair.run("NONE", "FAILED", "COMPLETED")
        assert job["Status"] == "Complete"
        return {row[5] for row in pair.report(job)[1].get("failed", [])}

    for missing, reason in (
        ("s3:GetObjectVersionForReplication", "SrcGetObjectNotPermitted"),
        ("s3:GetObjectVersionAcl", "SrcGetAclNotPermitted"),
        ("s3:ReplicateObject", "DstPutObjectNotPermitted"),
        ("s3:ReplicateTags", "DstPutTaggingNotPermitted"),
        ("s3:ReplicateDelete", "DstDelObjNotPermitted"),
    ):
        pair.grant("", allow(*(action for action in COPIES if action != missing)))
        assert why() == {reason}
    pair.grant("", allow(*COPIES))
    document = trust("lambda.amazonaws.com")
    pair.iam.update_assume_role_policy(RoleName=pair.name, PolicyDocument=document)
    assert why() == {"AssumeRoleNotPermitted"}
    document = trust("s3.amazonaws.com")
    pair.iam.update_assume_role_policy(RoleName=pair.name, PolicyDocument=document)
    pair.grant("-batch", *(s for n, s in enumerate(pair.batch_permissions()) if n != 1))
    assert why() == {"InitiateReplicationNotPermitted"}
    assert False in pair.asked("-batch")["s3:InitiateReplication"]
    pair.grant("-batch", *pair.batch_permissions())
    pair.dr.put_bucket_versioning(Bucket=pair.twin, VersioningConfiguration={"Status": "Suspended"})
    assert why() == {"DstBucketUnversioned"}
    for key, version, *_ in pair.versions(twin=True):
        pair.dr.delete_object(Bucket=pair.twin, Key=key, VersionId=version)
    pair.dr.delete_bucket(Bucket=pair.twin)
    assert why() == {"DstBucketNotFound"}


def test_keys_and_locks_have_reasons_of_their_own(lab: Lab) -> None:
    pair = Pair(lab)
    kms = {region: lab.server.client("kms", region) for region in (REGION, DR)}
    here, there = (kms[region].create_key()["KeyMetadata"]["Arn"] for region in (REGION, DR))
    pair.put("k", ServerSideEncryption="aws:kms", SSEKMSKeyId=here)

    def why(key: str) -> set[str]:
        criteria = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
        pair.replicate(
            SourceSelectionCriteria=criteria,
            Destination={
                "Bucket": f"arn:aws:s3:::{pair.twin}",
                "EncryptionConfiguration": {"ReplicaKmsKeyID": key},
            },
        )
        job = pair.run("NONE", "FAILED")
        return {row[5] for row in pair.report(job)[1].get("failed", [])}

    unknown = f"arn:aws:kms:{DR}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
    assert why(unknown) == {"DstKmsKeyNotFound"}
    kms[DR].disable_key(KeyId=there)
    assert why(there) == {"DstKmsKeyInvalidState"}
    kms[DR].enable_key(KeyId=there)
    kms[REGION].disable_key(KeyId=here)
    assert why(there) == {"SrcKmsKeyInvalidState"}
    kms[REGION].enable_key(KeyId=here)
    pair.grant("", allow(*COPIES, "kms:Encrypt", "kms:GenerateDataKey"))
    assert why(there) == {"SrcGetObjectNotPermitted"}
    pair.grant("", allow(*COPIES, "kms:Decrypt", "kms:GenerateDataKey"))
    assert why(there) == {"DstPutObjectNotPermitted"}
    pair.grant("", allow(*COPIES, "kms:*"))
    pair.s3.put_object_lock_configuration(
        Bucket=pair.name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    )
    assert why(there) == {"DstBucketObjectLockConfigMissing"}


def test_what_no_rule_covers_any_more_is_not_eligible(pair: Pair) -> None:
    pair.put("k")
    pair.replicate()
    job = pair.create("NONE", ConfirmationRequired=True)
    pair.wait(job, "Suspended")
    pair.replicate(Status="Disabled")
    pair.control.update_job_status(AccountId=ACCOUNT, JobId=job, RequestedJobStatus="Ready")
    found = pair.wait(job)
    row = pair.report(found)[1]["failed"][0]
    assert row[3:] == [
        "failed",
        "500",
        "SrcObjectNotEligible",
        "Object is not eligible for replication",
    ]
    assert pair.status("k") == "", "it was not tried"


def test_a_job_goes_through_its_statuses_and_can_be_held_there(pair: Pair) -> None:
    pair.put("k")
    pair.replicate()
    pair.lab.server.jobs(step=600)
    job = pair.create("NONE", ConfirmationRequired=True, Description="d")
    found = pair.describe(job)
    assert found["Status"] == "New"
    assert "TotalNumberOfTasks" not in found["ProgressSummary"]
    pair.lab.server.jobs(step=1)
    pair.wait(job, "Preparing")
    found = pair.wait(job, "Suspended")
    assert pair.numbers(found) == (1, 0, 0)
    assert (found["ConfirmationRequired"], found["Priority"]) == (True, 10)
    assert found["Description"] == "d"
    assert found["JobArn"] == f"arn:aws:s3:{REGION}:{ACCOUNT}:job/{job}"
    assert found["Operation"] == {"S3ReplicateObject": {}}
    generator = found["ManifestGenerator"]["S3JobManifestGenerator"]
    assert generator["Filter"]["ObjectReplicationStatuses"] == ["NONE"]
    assert found["Report"]["Prefix"] == f"reports/{pair.name}"
    which = {"AccountId": ACCOUNT, "JobId": job}
    answer = pair.control.update_job_status(
        **which, RequestedJobStatus="Ready", StatusUpdateReason="yes"
    )
    assert (answer["JobId"], answer["Status"]) == (job, "Ready")
    pair.wait(job, "Active")
    again = {**which, "RequestedJobStatus": "Ready"}
    assert code(pair.control.update_job_status, **again) == "JobStatusException"
    pair.wait(job, "Completing")
    found = pair.wait(job, "Complete")
    assert pair.numbers(found) == (1, 1, 0)
    assert found["StatusUpdateReason"] == "yes"
    assert found["TerminationDate"] >= found["CreationTime"]
    cancel = {**which, "RequestedJobStatus": "Cancelled"}
    assert code(pair.control.update_job_status, **cancel) == "JobStatusException"


def test_a_cancelled_job_stops(pair: Pair) -> None:
    for number in range(9):
        pair.put(f"k{number}")
    pair.replicate()
    job = pair.create("NONE", ConfirmationRequired=True)
    pair.wait(job, "Suspended")
    pair.lab.server.jobs(step=2)
    pair.control.update_job_status(AccountId=ACCOUNT, JobId=job, RequestedJobStatus="Ready")

    def begun() -> bool:
        summary = pair.describe(job)["ProgressSummary"]
        return int(summary.get("NumberOfTasksSucceeded", 0)) > 0

    assert pair.lab.eventually(begun)
    answer = pair.control.update_job_status(
        AccountId=ACCOUNT, JobId=job, RequestedJobStatus="Cancelled"
    )
    assert answer["Status"] == "Cancelling"
    found = pair.wait(job, "Cancelled")
    total, done, failed = pair.numbers(found)
    assert (total, failed) == (9, 0)
    assert 0 < done < 9
    assert len(pair.versions(twin=True)) == done
    assert len(pair.report(found)[1]["succeeded"]) == done, "it did run"


def test_a_job_can_be_cancelled_before_it_has_begun(pair: Pair) -> None:
    pair.put("k")
    pair.replicate()
    for status in ("New", "Preparing", "Suspended"):
        pair.lab.server.jobs(step=600 if status == "New" else 1)
        job = pair.create("NONE", ConfirmationRequired=True)
        pair.wait(job, status)
        pair.control.update_job_status(AccountId=ACCOUNT, JobId=job, RequestedJobStatus="Cancelled")
        pair.wait(job, "Cancelled")
    assert pair.versions(twin=True) == []


def reasons(job: dict[str, Any]) -> tuple[str, str]:
    assert job["Status"] == "Failed"
    assert job["FailureReasons"][0]["FailureCode"]
    return job["FailureReasons"][0]["FailureCode"], job["FailureReasons"][0]["FailureReason"]


def test_a_job_without_objects_fails_unless_told_to_complete(pair: Pair) -> None:
    pair.replicate()
    job = pair.run("NONE")
    assert reasons(job)[1] == NO_KEYS
    with pair.lab.server.chosen(empty_manifest="Complete"):
        job = pair.run("NONE")
    assert (job["Status"], pair.numbers(job)) == ("Complete", (0, 0, 0))
    assert "Contents" not in pair.s3.list_objects_v2(Bucket=pair.reports), "no task, no report"


def test_what_a_job_needs_before_its_first_task(pair: Pair) -> None:
    pair.put("k")
    assert reasons(pair.run("NONE"))[0] == "SrcBucketReplicationConfigMissing"
    pair.replicate()
    for missing in ON_SOURCE:
        first, *others = pair.batch_permissions()
        kept = {**first, "Action": [action for action in ON_SOURCE if action != missing]}
        pair.grant("-batch", kept, *others)
        assert reasons(pair.run("NONE"))[0] == "AccessDenied"
        assert False in pair.asked("-batch")[missing]
    pair.grant("-batch", *pair.batch_permissions())
    role = {"RoleName": f"{pair.name}-batch"}
    for service, code_ in (("s3.amazonaws.com", "AssumeRoleNotPermitted"), (BATCH, "")):
        pair.iam.update_assume_role_policy(**role, PolicyDocument=trust(service))
        job = pair.run("NONE")
        assert not code_ or reasons(job)[0] == code_
    assert job["Status"] == "Complete"
    control = pair.lab.server.client("s3control", DR)
    elsewhere = control.create_job(**pair.request(["COMPLETED"]))["JobId"]
    assert code(control.describe_job, AccountId=ACCOUNT, JobId="0" * 36) == "NoSuchJobException"

    assert reasons(pair.wait(elsewhere, control=control))[0] == "SrcBucketInvalidRegion"
    assert code(pair.control.describe_job, AccountId=ACCOUNT, JobId=elsewhere) == (
        "NoSuchJobException"
    ), "a job is seen in its own region only"
    wrong = {"Generator": {"SourceBucket": f"arn:aws:s3:::{pair.name}-missing"}}
    assert reasons(pair.run("NONE", **wrong))[0] == "SrcBucketNotFound"


def test_a_report_that_cannot_be_written_fails_the_job(pair: Pair) -> None:
    pair.put("k")
    pair.replicate()
    pair.grant("-batch", *pair.batch_permissions()[:2])
    assert reasons(pair.run("NONE"))[1] == NO_REPORT
    assert pair.status("k") == "COMPLETED", "the tasks have been run"
    pair.grant("-batch", *pair.batch_permissions())
    for report in (
        {"Bucket": f"arn:aws:s3:::{pair.reports}-missing"},
        {"Prefix": "elsewhere"},
        {"ExpectedBucketOwner": OTHER},
    ):
        assert reasons(pair.run("COMPLETED", Report=report))[1] == NO_REPORT
    assert pair.run("COMPLETED", Report={"Enabled": False})["Status"] == "Complete"


def test_a_report_of_failures_only_names_no_success(pair: Pair) -> None:
    pair.put("k")
    pair.replicate()
    job = pair.run("NONE", Report={"ReportScope": "FailedTasksOnly"})
    assert pair.report(job)[1] == {}


def test_the_same_token_is_the_same_job(pair: Pair) -> None:
    pair.put("k")
    pair.replicate()
    request = pair.request(["NONE"], ClientRequestToken="t" + uuid.uuid4().hex)
    job = pair.control.create_job(**request)["JobId"]
    assert pair.control.create_job(**request)["JobId"] == job
    pair.wait(job)
    assert pair.control.create_job(**request)["JobId"] == job
    other = {**request, "Priority": 11}
    assert code(pair.control.create_job, **other) == "IdempotencyException"
    assert pair.create("COMPLETED") != job


def _with(**changes: Any) -> Callable[[Pair], dict[str, Any]]:
    return lambda pair: {**pair.request(["NONE"]), **changes}


def _without(name: str) -> Callable[[Pair], dict[str, Any]]:
    return lambda pair: {k: v for k, v in pair.request(["NONE"]).items() if k != name}


MANIFEST = {
    "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
    "Location": {"ObjectArn": "arn:aws:s3:::b/k", "ETag": "e"},
}


@pytest.mark.parametrize(
    ("request_of", "expected"),
    [
        (_with(RoleArn="arn:aws:iam::111122223333:user/u"), "BadRequestException"),
        (_with(Report={"Enabled": True}), "BadRequestException"),
        (_with(Operation={}), "BadRequestException"),
        (_with(Manifest=MANIFEST), "BadRequestException"),
        (_without("ManifestGenerator"), "BadRequestException"),
        (lambda pair: pair.request(Generator={"SourceBucket": "name"}), "BadRequestException"),
        (_with(AccountId=OTHER), "AccessDenied"),
        (_with(Operation={"S3DeleteObjectTagging": {}}), "NotImplemented"),
        (
            lambda pair: {**_without("ManifestGenerator")(pair), "Manifest": MANIFEST},
            "NotImplemented",
        ),
        (lambda pair: pair.request(Filter={"ObjectSizeGreaterThanBytes": 1}), "NotImplemented"),
    ],
)
def test_a_bad_request_makes_no_job(
    pair: Pair, request_of: Callable[[Pair], dict[str, Any]], expected: str
) -> None:
    def known() -> set[str]:
        return {job["JobId"] for job in pair.control.list_jobs(AccountId=ACCOUNT)["Jobs"]}

    before = known()
    assert code(pair.control.create_job, **request_of(pair)) == expected
    assert known() == before


def test_jobs_are_listed_by_status_and_page(pair: Pair) -> None:
    pair.put("k")
    pair.replicate()
    done = pair.run("NONE")["JobId"]
    held = [pair.create("COMPLETED", ConfirmationRequired=True) for _ in range(2)]
    for job in held:
        pair.wait(job, "Suspended")
    listed = pair.control.list_jobs(AccountId=ACCOUNT, JobStatuses=["Suspended"])
    assert [job["JobId"] for job in listed["Jobs"]][:2] == held[::-1], "the newest first"
    assert {job["Status"] for job in listed["Jobs"]} == {"Suspended"}
    assert listed["Jobs"][0]["Operation"] == "S3ReplicateObject"
    first = pair.control.list_jobs(AccountId=ACCOUNT, MaxResults=2)
    assert [job["JobId"] for job in first["Jobs"]] == held[::-1]
    rest = pair.control.list_jobs(AccountId=ACCOUNT, MaxResults=1, NextToken=first["NextToken"])
    assert [(job["JobId"], job["Status"]) for job in rest["Jobs"]] == [(done, "Complete")]
    elsewhere = pair.lab.server.client("s3control", DR).list_jobs(AccountId=ACCOUNT)["Jobs"]
    assert done not in [job["JobId"] for job in elsewhere]
    for job in held:
        pair.control.update_job_status(AccountId=ACCOUNT, JobId=job, RequestedJobStatus="Cancelled")


def test_the_caller_needs_permissions(lab: Lab) -> None:
    pair = Pair(lab)
    pair.put("k")
    pair.replicate()
    role = f"arn:aws:iam::{ACCOUNT}:role/{pair.name}-batch"
    keys = lab.assume(f"{pair.name}-caller", [])
    own = lab.server.client("s3control", REGION, credentials=keys)

    def grant(*statements: dict[str, Any]) -> None:
        pair.grant("-caller", *(statements or [allow("s3:None")]))

    def create(**conditions: Any) -> dict[str, Any]:
        return allow("s3:CreateJob", Condition={"StringEquals": conditions})

    operation = create(**{"s3:RequestJobOperation": "S3ReplicateObject"})
    passing = allow(
        "iam:PassRole",
        resource=role,
        Condition={"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}},
    )
    for statements in (
        [passing],
        [operation],
        [create(**{"s3:RequestJobOperation": "LambdaInvoke"}), passing],
        [create(**{"s3:RequestJobPriority": "9"}), passing],
        [operation, {**passing, "Resource": f"{role}-other"}],
        [
            operation,
            {
                **passing,
                "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
            },
        ],
    ):
        grant(*statements)
        assert code(own.create_job, **pair.request(["NONE"])) == "AccessDenied", statements
    grant(operation, passing)
    job = own.create_job(**pair.request(["NONE"], ConfirmationRequired=True))["JobId"]
    which = {"AccountId": ACCOUNT, "JobId": job}
    assert code(own.describe_job, **which) == "AccessDenied"
    pair.wait(job, "Suspended")
    ready = {**which, "RequestedJobStatus": "Ready"}
    jobs = f"arn:aws:s3:{REGION}:{ACCOUNT}:job/*"
    grant(allow("s3:DescribeJob", resource=jobs))
    assert own.describe_job(**which)["Job"]["Status"] == "Suspended"
    assert code(own.update_job_status, **ready) == "AccessDenied"
    assert code(own.list_jobs, AccountId=ACCOUNT) == "AccessDenied"
    grant(allow("s3:UpdateJobStatus", resource=jobs), allow("s3:ListJobs"))
    own.update_job_status(**ready)
    assert own.list_jobs(AccountId=ACCOUNT)["Jobs"]
    asked = pair.asked("-caller")
    assert asked["s3:CreateJob"] == asked["iam:PassRole"] == {True, False}
    pair.wait(job, "Complete")


def test_calls_have_names_and_can_be_made_to_fail(pair: Pair) -> None:
    pair.put("k")
    pair.replicate()
    job = pair.run("NONE")["JobId"]
    pair.control.list_jobs(AccountId=ACCOUNT)
    which = {"AccountId": ACCOUNT, "JobId": job}
    ready = {**which, "RequestedJobStatus": "Ready"}
    assert code(pair.control.update_job_status, **ready) == "JobStatusException"
    rows = [row for row in pair.lab.server.calls() if row["service"] == "s3control"]
    assert {"CreateJob", "DescribeJob", "ListJobs", "UpdateJobStatus"} <= {
        row["operation"] for row in rows
    }
    created = [row for row in rows if row["operation"] == "CreateJob"]
    assert created[-1]["bucket"] == pair.name
    for operation, call, keywords in (
        ("CreateJob", pair.control.create_job, pair.request(["COMPLETED"])),
        ("DescribeJob", pair.control.describe_job, which),
        ("ListJobs", pair.control.list_jobs, {"AccountId": ACCOUNT}),
        ("UpdateJobStatus", pair.control.update_job_status, ready),
    ):
        fault = {"operation": operation, "code": "TooManyRequestsException", "status": 429}
        pair.lab.server.faults([fault])
        assert code(call, **keywords) == "TooManyRequestsException", operation
    assert len(pair.versions(twin=True)) == 1


def test_jobs_are_no_event_on_the_bus(pair: Pair) -> None:
    pair.put("k")
    with pair.lab.bus(pair.name) as received:
        pair.replicate()
        pair.run("NONE")
        names = {event["detail"]["eventName"] for event in received.receive()}
    assert names == {"PutBucketReplication"}


def test_what_becomes_of_a_job_is_told_where_a_trail_listens(lab: Lab) -> None:
    pair = Pair(lab)
    pair.put("k")
    pair.replicate()
    trails, name = lab.server.client("cloudtrail", REGION), f"{pair.name}-trail"
    pattern = {"source": ["aws.s3"], "detail-type": ["AWS Service Event via CloudTrail"]}
    with lab.bus(name, pattern=pattern) as bus:
        heard: list[dict[str, Any]] = []

        def told(job: str) -> list[tuple[str, str]]:
            """Of which changes of a job the rule's target has heard until now."""
            heard.extend(bus.receive())
            about = [(each["detail"], each["detail"]["serviceEventDetails"]) for each in heard]
            return [(d["eventName"], s["status"]) for d, s in about if s["jobId"] == job]

        def ends_untold() -> None:
            job = pair.run("COMPLETED", "NONE")["JobId"]
            lab.settle()
            assert told(job) == []

        ends_untold()
        test_trails.bucket(lab, name, *test_trails.statements(name, name))
        trails.create_trail(Name=name, S3BucketName=name)
        ends_untold()
        trails.start_logging(Name=name)

        lab.server.jobs(held=[pair.name])
        job = pair.create("COMPLETED", ConfirmationRequired=True, Priority=1)
        pair.wait(job, "Suspended")
        which = {"AccountId": ACCOUNT, "JobId": job}
        pair.control.update_job_status(**which, RequestedJobStatus="Ready", StatusUpdateReason="y")
        pair.wait(job, "Active")
        six = [pair.create("COMPLETED") for _ in range(6)]
        pair.wait(job, "Paused")
        for other in six:
            pair.wait(other, "Active")
        lab.server.jobs(held=[])
        pair.wait(job, "Complete")
        failed = pair.run("FAILED")
        changes = ["Preparing", "Suspended", "Ready", "Active", "Pausing", "Paused", "Active"]
        changes += ["Completing", "Complete"]
        expected = [("JobCreated", "New"), *(("JobStatusChanged", change) for change in changes)]
        assert lab.eventually(lambda: len(told(job)) >= len(expected))
        assert told(job) == expected
        assert lab.eventually(lambda: ("JobStatusChanged", "Failed") in told(failed["JobId"]))

        event = next(
            each for each in heard if each["detail"]["serviceEventDetails"]["status"] == "Failed"
        )
        detail = event["detail"]
        assert (event["account"], event["region"]) == (ACCOUNT, REGION)
        assert detail["userIdentity"] == {"accountId": ACCOUNT, "invokedBy": "s3.amazonaws.com"}
        assert (detail["eventType"], detail["requestParameters"]) == ("AwsServiceEvent", None)
        about = detail["serviceEventDetails"]
        assert about.pop("jobEventId")
        assert about == {
            "jobId": failed["JobId"],
            "jobArn": failed["JobArn"],
            "status": "Failed",
            "failureCodes": ["ManifestGenerationFailed"],
            "statusChangeReason": [],
        }

        reads = {"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}
        trails.put_event_selectors(TrailName=name, EventSelectors=[reads])
        ends_untold()
        for category in ("Data", "Management"):
            fields = [
                {"Field": "eventCategory", "Equals": [category]},
                {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]},
            ]
            selector = {"FieldSelectors": fields}
            trails.put_event_selectors(TrailName=name, AdvancedEventSelectors=[selector])
            if category == "Data":
                ends_untold()
        job = pair.run("COMPLETED")["JobId"]
        assert lab.eventually(lambda: ("JobStatusChanged", "Complete") in told(job))
        trails.stop_logging(Name=name)
        ends_untold()
    trails.delete_trail(Name=name)


def test_jobs_of_some_buckets_are_held(lab: Lab) -> None:
    pair, other = Pair(lab), Pair(lab)
    for each in (pair, other):
        each.put("k")
        each.replicate()
    lab.server.jobs(held=[pair.name, "jo-somebodys"])
    job, cancelled = pair.create("NONE"), pair.create("NONE")
    assert other.run("NONE")["Status"] == "Complete"
    for one in (job, cancelled):
        assert pair.numbers(pair.wait(one, "Active")) == (1, 0, 0)
    pair.control.update_job_status(
        AccountId=ACCOUNT, JobId=cancelled, RequestedJobStatus="Cancelled"
    )
    pair.wait(cancelled, "Cancelled")
    lab.server.jobs(step=0.01)
    time.sleep(0.2)
    assert pair.describe(job)["Status"] == "Active", "another setting leaves the list as it is"
    lab.server.jobs(held=["jo-somebodys"])
    assert pair.wait(job)["Status"] == "Complete"


def test_bad_settings_are_told(lab: Lab) -> None:
    for wrong in ({"other": 1}, {"step": "x"}, {"held": "bucket"}):
        with pytest.raises(Exception, match="No settings of jobs"):
            lab.server.jobs(**wrong)


def test_a_rate_of_failure_of_more_than_half_ends_a_big_job(pair: Pair) -> None:
    for number in range(1002):
        pair.put(f"k{number:04}")
    pair.replicate()
    pair.grant("", allow("s3:None"))
    pair.lab.server.jobs(step=0)
    job = pair.run("NONE")
    assert reasons(job)[1] == "More than half of the tasks have failed."
    assert pair.numbers(job) == (1002, 0, 1000), "it ends as soon as that is known"
    assert len(pair.report(job)[1]["failed"]) == 1000, "what was done is reported"


def test_live_replicas_keep_id_and_date_too(pair: Pair) -> None:
    pair.replicate()
    for body in (b"1", b"2"):
        pair.put("k", body)
    pair.s3.copy_object(Bucket=pair.name, Key="copy", CopySource={"Bucket": pair.name, "Key": "k"})
    pair.s3.delete_object(Bucket=pair.name, Key="k")
    pair.s3.delete_objects(Bucket=pair.name, Delete={"Objects": [{"Key": "copy"}]})
    assert len(pair.versions(twin=False)) == 5
    assert pair.versions(twin=True) == pair.versions(twin=False)
    marker = next(row[1] for row in pair.versions(twin=True) if row[4] == "DeleteMarkers")
    pair.dr.delete_object(Bucket=pair.twin, Key="copy", VersionId=marker)
    pair.dr.head_object(Bucket=pair.twin, Key="copy")


def test_what_the_twin_had_before_versioning_stays_below(pair: Pair) -> None:
    twin = f"{pair.name}-old"
    pair.lab.create(twin, DR)
    pair.dr.put_object(Bucket=twin, Key="k", Body=b"own")
    pair.dr.put_bucket_versioning(Bucket=twin, VersioningConfiguration={"Status": "Enabled"})
    pair.replicate(Destination={"Bucket": f"arn:aws:s3:::{twin}"})
    version = pair.put("k", b"new")
    found = pair.dr.list_object_versions(Bucket=twin)["Versions"]
    assert [row["VersionId"] for row in found] == [version, "null"]
    assert [row["IsLatest"] for row in found] == [True, False]
    own = pair.dr.get_object(Bucket=twin, Key="k", VersionId="null")
    assert own["Body"].read() == b"own"
