"""What the tests of a protection's life share: one bucket, its functions, and what people do to it.

It is a plugin, as `functional.payload` is: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functional.payload import (
    ACCOUNT,
    DR_REGION,
    REPLICATION_ROLE,
    SOURCE_REGION,
    TRIGGER,
    Functions,
    Result,
    World,
    event,
    hear,
    profiles,
    restart,
)
from harness.versions import is_same
from s3_dr import aws, handlers
from s3_dr.reports_bucket import QUEUE, key_of

BATCH_ROLE = f"arn:aws:iam::{ACCOUNT}:role/s3-dr-batch"
RULE = "s3-dr"
METRICS = {"metrics": True}
GOLD = {"name": "gold", "match_tags": [{"tier": "gold"}]}
STANDARD = {"name": "standard", "match_tags": [TRIGGER]}

Handler = Callable[[Any, Any], dict[str, Any]]


def direct(detail_type: str, **detail: object) -> dict[str, Any]:
    """A request of our own kind, as somebody sends it who waits for the answer."""
    return {"source": "s3-dr", "detail-type": detail_type, "detail": detail}


def by_bus(detail_type: str, **detail: object) -> dict[str, Any]:
    """The same, as EventBridge hands it on."""
    sent = direct(detail_type, **detail)
    return {**sent, "id": "e-1", "account": ACCOUNT, "region": SOURCE_REGION, "resources": []}


def ago(**much: float) -> str:
    """A moment so long ago, as records have it."""
    return (datetime.now(UTC) - timedelta(**much)).isoformat(timespec="microseconds")


class Killed(BaseException):
    """Lambda ended the function in the middle of its work; nothing in it can catch that."""


@pytest.fixture(scope="session")
def reports(local_aws: Any) -> str:
    """The bucket for records and reports, and the role with which jobs run."""
    name = f"reports-{uuid.uuid4().hex[:12]}"
    local_aws.client("s3", SOURCE_REGION).create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": SOURCE_REGION}
    )
    trust, allow = (
        json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        for statement in (
            {
                "Effect": "Allow",
                "Principal": {"Service": "batchoperations.s3.amazonaws.com"},
                "Action": "sts:AssumeRole",
            },
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        )
    )
    iam = local_aws.client("iam", SOURCE_REGION)
    iam.create_role(RoleName="s3-dr-batch", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="s3-dr-batch", PolicyName="p", PolicyDocument=allow)
    return name


def nobody_has_a_turn(s3: Any, reports: str) -> None:
    """Let places be free, and nobody wait, whatever other tests left."""
    try:
        queue = json.loads(s3.get_object(Bucket=reports, Key=QUEUE)["Body"].read())
    except s3.exceptions.NoSuchKey:
        return
    changed = {**queue, "entries": {}, "missed": {}, "turns": {}}
    s3.put_object(Bucket=reports, Key=QUEUE, Body=json.dumps(changed).encode())


class Life:
    """One bucket, the functions, and what a person does to the bucket."""

    def __init__(
        self,
        functions: Functions,
        world: World,
        local_aws: Any,
        reports: str,
        set_variable: Callable[..., None],
    ) -> None:
        self.functions, self.world, self.reports = functions, world, reports
        self.local_aws, self._set = local_aws, set_variable
        self.taken: list[Callable[[bool], None]] = []
        self.passed = timedelta()
        self.deploy()
        self.bucket = world.bucket(versioning="Enabled")
        self.s3, self.dr = world.s3(), world.s3(DR_REGION)
        self.control = world.client("s3control", SOURCE_REGION, ACCOUNT)
        self.iam = world.client("iam", SOURCE_REGION, ACCOUNT)

    @property
    def twin(self) -> str:
        """The name of the bucket's twin."""
        return f"{self.bucket}-dr"

    def deploy(self, *others: Mapping[str, object], **fields: object) -> None:
        """Deploy anew, with these other profiles first, and then the standard one with these."""
        made = [*others, *json.loads(profiles(**fields))]
        self.deploy_profiles(*made)

    def deploy_profiles(self, *made: Mapping[str, object], **variables: str) -> None:
        """Deploy anew, with these profiles."""
        self._set("REPORTS_BUCKET", self.reports)
        self._set("BATCH_ROLE_ARN", BATCH_ROLE)
        self._set("FIRST_JOB_DELAY_SECONDS", "0")
        self._set("PROFILES", json.dumps(made))
        for name, value in variables.items():
            self._set(name, value)
        restart()

    def put(self, *keys: str) -> None:
        """Write objects of which each has its key as its content."""
        for key in keys:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=key.encode())

    def retag(self, **tags: str) -> None:
        """Have these tags and no others; the functions do not hear of it."""
        self.world.tag(self.bucket, tags or TRIGGER)

    def tag(self, **tags: str) -> list[Result]:
        """Have these tags and no others; and the journey of that event."""
        self.retag(**tags)
        return self.check()

    def untag(self) -> list[Result]:
        """Have no tags, and the journey of that event."""
        self.s3.delete_bucket_tagging(Bucket=self.bucket)
        return self.check("delete_bucket_tagging")

    def check(self, name: str = "put_bucket_tagging") -> list[Result]:
        """The journey of an event."""
        return self.functions.protect(event(name, self.bucket))

    def last(self) -> Result:
        """The result of the last function of a check."""
        return self.check()[-1]

    def asked(self, detail_type: str = "Bucket Check Requested", **detail: object) -> Result:
        """What ``enable_replication`` does when it is called."""
        sent = direct(detail_type, buckets=[self.bucket], **detail)
        return self.functions.only(handlers.enable_replication, sent)

    def settled(self) -> Result:
        """The result of a check once no job runs any more."""
        self.ended()
        found = self.last()
        assert found["outcome"] == "protected", found
        return found

    def rules(self) -> list[Any]:
        """All rules of the bucket."""
        try:
            found: list[Any] = self.world.replication(self.bucket)["Rules"]
        except self.s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "ReplicationConfigurationNotFoundError":
                raise
            return []
        return found

    def rule(self) -> Any:
        """Our rule; None if there is none."""
        return next((rule for rule in self.rules() if rule["ID"] == RULE), None)

    def change_rule(self, **changes: object) -> None:
        """Change our rule, as somebody else would."""
        self.world.replicate(self.bucket, [{**self.rule(), **changes}])

    def drop_rule(self) -> None:
        """Delete the replication configuration, as somebody else would."""
        self.s3.delete_bucket_replication(Bucket=self.bucket)

    def foreign_rule(self, priority: int = 7, name: str = "theirs") -> dict[str, Any]:
        """A rule of somebody else's, to a bucket of theirs."""
        target = self.world.bucket(region=DR_REGION, versioning="Enabled")
        return {
            "ID": name,
            "Priority": priority,
            "Filter": {"Prefix": "theirs/"},
            "Status": "Enabled",
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
        }

    def jobs(self) -> list[Any]:
        """The jobs of this bucket, the newest first."""
        with self.local_aws.chosen(job_listed_after="0"):  # a test sees all
            jobs = self.control.list_jobs(AccountId=ACCOUNT)["Jobs"]
        return [job for job in jobs if f" {self.bucket} (" in job["Description"]]

    def ended(self, *statuses: str) -> Any:
        """The newest job, once it is in one of these states."""
        deadline = time.monotonic() + 300
        while (job := self.jobs()[0])["Status"] not in (statuses or ("Complete", "Failed")):
            assert time.monotonic() < deadline, job
            time.sleep(0.02)
        self.described()
        return job

    def described(self, number: int = 0) -> Any:
        """What S3 says of the newest job, or an older one, once it knows it: not at once."""
        which = {"AccountId": ACCOUNT, "JobId": self.jobs()[number]["JobId"]}
        deadline = time.monotonic() + 300
        while True:
            try:
                return self.control.describe_job(**which)["Job"]
            except self.control.exceptions.ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchJobException":
                    raise
                assert time.monotonic() < deadline, which
            time.sleep(0.01)

    def statuses(self, number: int = 0) -> list[str]:
        """Which objects the newest job is about, or an older one, by their replication status.

        ``ANY`` where it says nothing of that, and so is about all that can be replicated.
        """
        generator = self.described(number)["ManifestGenerator"]["S3JobManifestGenerator"]
        wanted: list[str] = generator["Filter"].get("ObjectReplicationStatuses", ["ANY"])
        return wanted

    def record(self) -> Any:
        """What is remembered of the bucket."""
        body = self.s3.get_object(Bucket=self.reports, Key=key_of(self.bucket))["Body"]
        return json.loads(body.read())

    def change_record(self, change: Callable[[Any], None]) -> None:
        """Let the record say something else."""
        record = self.record()
        change(record)
        self.write_record(json.dumps(record).encode())

    def write_record(self, body: bytes) -> None:
        """Let the record be that."""
        self.s3.put_object(Bucket=self.reports, Key=key_of(self.bucket), Body=body)

    def job_ended(self, **much: float) -> None:
        """Let the last job have ended so long ago."""
        self.change_record(lambda record: record["job"].update(ended_at=ago(**much)))

    def versions(self, bucket: str) -> list[tuple[str, str, bool]]:
        """Key, version id and whether it is a delete marker, of every version of a bucket."""
        s3 = self.dr if bucket == self.twin else self.s3
        page = s3.list_object_versions(Bucket=bucket)
        return sorted(
            (item["Key"], item["VersionId"], kind == "DeleteMarkers")
            for kind in ("Versions", "DeleteMarkers")
            for item in page.get(kind, [])
        )

    def assert_whole(self) -> None:
        """The twin has every version and delete marker of its source, and nothing else."""
        source, twin = self.versions(self.bucket), self.versions(self.twin)
        assert is_same(source, twin, self.local_aws.points()), (source, twin)

    def delete_twin(self) -> None:
        """Empty and delete the twin, as a person would."""
        for key, version, _ in self.versions(self.twin):
            self.dr.delete_object(Bucket=self.twin, Key=key, VersionId=version)
        self.dr.delete_bucket(Bucket=self.twin)

    def replication_may(self, is_allowed: bool) -> None:
        """Take from the replication role what it may do, or give it back."""
        self.taken.append(self.replication_may)
        name = REPLICATION_ROLE.rpartition("/")[2]
        if is_allowed:
            self.local_aws.replication_role(name, ACCOUNT)
        else:
            self.iam.delete_role_policy(RoleName=name, PolicyName="replicate")

    def batch_may_run(self, is_allowed: bool) -> None:
        """Let S3 assume the role of jobs, or not."""
        self.taken.append(self.batch_may_run)
        service = "batchoperations.s3.amazonaws.com" if is_allowed else "ec2.amazonaws.com"
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        self.iam.update_assume_role_policy(RoleName="s3-dr-batch", PolicyDocument=document)

    def later(self, **much: float) -> None:
        """Let so much time pass, for the functions."""
        self.passed += timedelta(**much)

    def unreplicated(self, *keys: str) -> None:
        """Write objects that S3 does not replicate, since it does not know of the rule yet."""
        rules = self.rules()
        self.s3.delete_bucket_replication(Bucket=self.bucket)
        self.put(*keys)
        self.world.replicate(self.bucket, rules)

    def fail(self, operation: str, code: str, status: int, times: int = 1) -> None:
        """Let the next calls of that name fail."""
        fault = {"operation": operation, "code": code, "status": status, "times": times}
        self.local_aws.faults([{**fault, "message": code}])

    def when(
        self, moment: str, operation: str, do: Callable[[], object], client: str = "source_s3"
    ) -> None:
        """Do something once, ``before`` or ``after`` the functions' next call of that name."""
        found = getattr(handlers._runtime()[1], client)
        service = found.meta.service_model.service_id.hyphenize()
        waiting = [do]

        def heard(**_: object) -> None:
            if waiting:
                waiting.pop()()

        hear(found, f"{moment}-call.{service}.{operation}", heard)

    def kill_after(self, operation: str, client: str = "source_s3") -> None:
        """End the function right after its next call of that name."""

        def kill() -> None:
            raise Killed(operation)

        self.when("after", operation, kill, client)


@pytest.fixture
def life(
    functions: Functions,
    on_local_aws: World,
    local_aws: Any,
    reports: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Life]:
    """A bucket without tags, and all it takes for its life."""
    local_aws.jobs(step=0.02)
    nobody_has_a_turn(on_local_aws.s3(), reports)
    made = Life(functions, on_local_aws, local_aws, reports, monkeypatch.setenv)
    monkeypatch.setattr(aws, "_clock", lambda: datetime.now(UTC) + made.passed)
    with local_aws.chosen():
        yield made
    local_aws.jobs(step=0.1)
    for give_back in [*made.taken]:
        give_back(True)
