"""The local AWS counts replications that failed, as S3 does in CloudWatch."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.tests.lab import Lab

ACCOUNT, REGION, DR = "111122223333", "us-west-2", "us-east-2"


class Watched:
    """A source whose replication fails, as its role may nothing."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.name = lab, f"me-{uuid.uuid4().hex[:8]}"
        self.s3 = lab.versioned(self.name)
        lab.versioned(f"{self.name}-dr", DR)
        self.role = lab.server.replication_role(self.name)
        self.cloudwatch = lab.server.client("cloudwatch", REGION)

    def replicate(self, metrics: dict[str, Any]) -> None:
        destination = {"Bucket": f"arn:aws:s3:::{self.name}-dr", **metrics}
        rule = self.lab.replication_rule("", Destination=destination)
        configuration = {"Role": self.role, "Rules": [rule]}
        self.s3.put_bucket_replication(Bucket=self.name, ReplicationConfiguration=configuration)

    def deny(self) -> None:
        iam = self.lab.server.client("iam", REGION)
        iam.delete_role_policy(RoleName=self.name, PolicyName="replicate")

    def put(self) -> str:
        self.s3.put_object(Bucket=self.name, Key="k", Body=b"x")
        head = self.s3.head_object(Bucket=self.name, Key="k")
        return str(head["ReplicationStatus"])

    def read(self, cloudwatch: Any = None, statistic: str = "Sum") -> list[float]:
        dimensions = {
            "SourceBucket": self.name,
            "DestinationBucket": f"{self.name}-dr",
            "RuleId": "s3-dr-standard",
        }
        metric = {
            "Namespace": "AWS/S3",
            "MetricName": "OperationsFailedReplication",
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        }
        stat = {"Metric": metric, "Period": 3600, "Stat": statistic}
        now = datetime.now(UTC)
        answer = (cloudwatch or self.cloudwatch).get_metric_data(
            MetricDataQueries=[{"Id": "failed", "MetricStat": stat}],
            StartTime=now - timedelta(hours=2),
            EndTime=now + timedelta(hours=1),
        )
        values: list[float] = answer["MetricDataResults"][0]["Values"]
        return values


ENABLED = {"Metrics": {"Status": "Enabled"}}


def test_failures_are_counted_in_the_source_region_only(lab: Lab) -> None:
    watched = Watched(lab)
    watched.replicate(ENABLED)
    assert watched.read() == []
    assert watched.put() == "COMPLETED"
    assert watched.read() == [0], "an operation that did not fail counts as none"
    watched.deny()
    assert [watched.put() for _ in range(3)] == ["FAILED"] * 3
    watched.s3.delete_object(Bucket=watched.name, Key="k")
    assert sum(watched.read()) == 4
    assert sum(watched.read(statistic="SampleCount")) == 5
    assert watched.read(lab.server.client("cloudwatch", DR)) == []


@pytest.mark.parametrize("metrics", [{}, {"Metrics": {"Status": "Disabled"}}])
def test_nothing_is_counted_without_metrics(lab: Lab, metrics: dict[str, Any]) -> None:
    watched = Watched(lab)
    watched.replicate(metrics)
    watched.deny()
    assert watched.put() == "FAILED"
    assert watched.read() == []


def test_tasks_of_batch_replication_count_too(lab: Lab) -> None:
    watched = Watched(lab)
    watched.s3.put_object(Bucket=watched.name, Key="k", Body=b"x")
    watched.replicate(ENABLED)
    watched.deny()
    control = lab.server.client("s3control", REGION)
    iam = lab.server.client("iam", REGION)
    iam.create_role(
        RoleName=f"{watched.name}-batch",
        AssumeRolePolicyDocument=(
            '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": '
            '"sts:AssumeRole", "Principal": {"Service": "batchoperations.s3.amazonaws.com"}}}'
        ),
    )
    iam.put_role_policy(
        RoleName=f"{watched.name}-batch",
        PolicyName="p",
        PolicyDocument=(
            '{"Version": "2012-10-17", "Statement": '
            '{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}'
        ),
    )
    generator = {
        "SourceBucket": f"arn:aws:s3:::{watched.name}",
        "EnableManifestOutput": False,
        "Filter": {"EligibleForReplication": True, "ObjectReplicationStatuses": ["NONE"]},
    }
    job = control.create_job(
        AccountId=ACCOUNT,
        Operation={"S3ReplicateObject": {}},
        ConfirmationRequired=False,
        Priority=1,
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{watched.name}-batch",
        Report={"Enabled": False},
        ManifestGenerator={"S3JobManifestGenerator": generator},
    )["JobId"]

    def done() -> bool:
        jobs = control.list_jobs(AccountId=ACCOUNT)["Jobs"]
        return any(found["Status"] == "Complete" for found in jobs if found["JobId"] == job)

    assert lab.eventually(done)
    assert watched.read() == [1]


def test_how_many_objects_a_bucket_has_is_a_value_a_day_where_somebody_put_it(lab: Lab) -> None:
    cloudwatch = lab.server.client("cloudwatch", REGION)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday, full = today - timedelta(days=1), f"me-full-{uuid.uuid4().hex[:8]}"

    def metric(bucket: str) -> dict[str, Any]:
        dimensions = {"BucketName": bucket, "StorageType": "AllStorageTypes"}
        pairs = [{"Name": key, "Value": value} for key, value in dimensions.items()]
        return {"MetricName": "NumberOfObjects", "Dimensions": pairs}

    value = {**metric(full), "Timestamp": yesterday, "Value": 2_000_000, "Unit": "Count"}
    cloudwatch.put_metric_data(Namespace="AWS/S3", MetricData=[value])
    answers = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {
                "Id": word,
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/S3", **metric(bucket)},
                    "Period": 86400,
                    "Stat": "Average",
                },
            }
            for word, bucket in (("full", full), ("other", f"{full}-other"))
        ],
        StartTime=today - timedelta(days=3),
        EndTime=datetime.now(UTC),
    )["MetricDataResults"]
    found = {each["Id"]: (each["Timestamps"], each["Values"]) for each in answers}
    assert found == {"full": ([yesterday], [2_000_000]), "other": ([], [])}


def test_reading_metrics_needs_a_permission(lab: Lab) -> None:
    watched = Watched(lab)
    for role, action in (
        ("me-no", "cloudwatch:ListMetrics"),
        ("me-yes", "cloudwatch:GetMetricData"),
    ):
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        keys = lab.assume(role, [statement])
        client = lab.server.client("cloudwatch", REGION, credentials=keys)
        if role == "me-yes":
            assert watched.read(client) == []
        else:
            with pytest.raises(ClientError, match="AccessDenied"):
                watched.read(client)
    lab.server.faults([{"operation": "GetMetricData", "code": "InternalServiceFault"}])
    with pytest.raises(ClientError, match="InternalServiceFault"):
        watched.read()
    rows = [row for row in lab.server.calls() if row["operation"] == "GetMetricData"]
    assert {row["service"] for row in rows} == {"monitoring"}
