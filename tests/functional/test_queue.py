"""The queue for jobs on the local AWS: who copies, who waits, and what comes next."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from functional.living import BATCH_ROLE, GOLD, STANDARD, Killed, Life
from functional.payload import (
    ACCOUNT,
    SOURCE_REGION,
    TRIGGER,
    Context,
    event,
    hear,
    message,
    sns_event,
)
from s3_dr import handlers
from s3_dr.aws import Clients
from s3_dr.jobs import Listed, listed
from s3_dr.queue import Queue
from s3_dr.reports_bucket import QUEUE

pytest_plugins = ["functional.payload", "functional.living"]

TICK = {"source": "s3-dr", "detail-type": "Job Turns Requested", "detail": {"scheduled": True}}
LOOK = {"source": "s3-dr", "detail-type": "Jobs Look Requested"}
BACKFILL, CONFIRM = "Bucket Backfill Requested", "Bucket Backfill Confirmed"


class Fleet:
    """Buckets of an installation, its queue, and jobs of others."""

    def __init__(self, life: Life, patch: pytest.MonkeyPatch) -> None:
        self.life, self.control = life, life.control
        self.events = life.world.client("events", SOURCE_REGION, ACCOUNT)
        self.rule = f"jobs-{uuid.uuid4().hex[:8]}"
        self.events.put_rule(Name=self.rule, ScheduleExpression="rate(4 minutes)", State="DISABLED")
        self.asked: list[str] = []
        # Lambda's part: what is invoked runs here.
        patch.setattr(Clients, "source_functions", SimpleNamespace(invoke=self._invoke))
        self.begin_anew()
        self.deploy(STANDARD)

    def begin_anew(self) -> None:
        """Have a reports bucket of our own, and places whose last jobs S3 has forgotten."""
        self.life.reports = self.life.world.bucket(f"reports-{uuid.uuid4().hex[:12]}")
        before = Queue(last={place: uuid.uuid4().hex for place in range(6)})
        body = json.dumps(before.as_dict())
        self.life.s3.put_object(Bucket=self.life.reports, Key=QUEUE, Body=body)

    def deploy(self, *profiles: Any, **variables: str) -> None:
        """Deploy anew, with these profiles."""
        arn = f"arn:aws:lambda:{SOURCE_REGION}:{ACCOUNT}:function:s3-dr-enable-replication"
        usual = {"ENABLE_REPLICATION_ARN": arn, "JOBS_RULE": self.rule}
        self.life.deploy_profiles(*profiles, **{**usual, **variables})

    def _invoke(self, **asked: Any) -> None:
        assert asked["InvocationType"] == "Event", "nobody waits for the answer"
        sent = json.loads(asked["Payload"])
        self.asked.append(sent["detail"]["bucket"])
        handlers.enable_replication(sent, Context())

    def bucket(self, **tags: str) -> str:
        """A new bucket of one object, tagged, of which no function has heard."""
        made = self.life.world.bucket(tags=tags or TRIGGER, versioning="Enabled")
        self.life.s3.put_object(Bucket=made, Key="a", Body=b"a")
        return made

    def protect(self, bucket: str) -> Any:
        """What is told of a bucket's existing objects when it has made the journey."""
        last = self.life.functions.protect(event("put_bucket_tagging", bucket))[-1]
        assert last["outcome"] == "protected", last
        return last["backfill"]

    def check(self, bucket: str) -> Any:
        """The same by a check of the last function alone."""
        return self.life.functions.only(handlers.enable_replication, sns_event(message(bucket)))[
            "backfill"
        ]

    def tick(self) -> list[str]:
        """Let the schedule be due; whose checks were asked for."""
        self.asked.clear()
        handlers.sweep(TICK, Context(900.0))
        return [*self.asked]

    def is_ticking(self) -> bool:
        return bool(self.events.describe_rule(Name=self.rule)["State"] == "ENABLED")

    def jobs(self, bucket: str) -> list[Any]:
        """The jobs of a bucket, the newest first."""
        with self.life.local_aws.chosen(job_listed_after="0"):  # a test sees all
            jobs = self.control.list_jobs(AccountId=ACCOUNT)["Jobs"]
        return [job for job in jobs if f" {bucket} (" in job["Description"]]

    def not_ended(self) -> list[Listed]:
        """All jobs that have not ended."""
        with self.life.local_aws.chosen(job_listed_after="0"):
            return listed(self.control, ACCOUNT)

    def places(self) -> list[int]:
        """Which places have jobs that have not ended."""
        return sorted(job.place for job in self.not_ended() if job.place is not None)

    def statuses(self, *buckets: str) -> list[str]:
        """The status of each bucket's newest job."""
        return [self.jobs(each)[0]["Status"] for each in buckets]

    def known(self, *buckets: str, status: str = "") -> None:
        """Wait for S3 to know the newest job of each, in a status if one is given."""
        for each in buckets:
            self.wait(self.jobs(each)[0]["JobId"], status)

    def cancel(self, job: str) -> None:
        """End a job, as a person would."""
        self.wait(job)
        self.control.update_job_status(AccountId=ACCOUNT, JobId=job, RequestedJobStatus="Cancelled")
        self.wait(job, "Cancelled")

    def wait(self, job: str, status: str = "", region: str = SOURCE_REGION) -> None:
        """Wait for S3 to list a job and to know it, in a status if one is given."""
        control = self.life.world.client("s3control", region, ACCOUNT)

        def found() -> bool:
            if job not in [each["JobId"] for each in control.list_jobs(AccountId=ACCOUNT)["Jobs"]]:
                return False
            try:
                said = control.describe_job(AccountId=ACCOUNT, JobId=job)["Job"]["Status"]
            except control.exceptions.ClientError:
                return False
            return bool(said == (status or said))

        deadline = time.monotonic() + 300
        while not found():
            assert time.monotonic() < deadline, f"{job} is not known, or not {status}"
            time.sleep(0.02)

    def stranger(self, region: str = SOURCE_REGION, **changes: Any) -> str:
        """A job of somebody else's; its id."""
        control = self.life.world.client("s3control", region, ACCOUNT)
        asked = {
            "AccountId": ACCOUNT,
            "ClientRequestToken": uuid.uuid4().hex,
            "ConfirmationRequired": False,
            "Description": "Nightly copy",
            "ManifestGenerator": {
                "S3JobManifestGenerator": {
                    "SourceBucket": f"arn:aws:s3:::{self.life.bucket}",
                    "EnableManifestOutput": False,
                }
            },
            "Operation": {"S3ReplicateObject": {}},
            "Priority": 10,
            "Report": {"Enabled": False},
            "RoleArn": BATCH_ROLE,
            **changes,
        }
        return str(control.create_job(**asked)["JobId"])

    def strangers(self, number: int, region: str = SOURCE_REGION) -> list[str]:
        """Jobs of somebody else's, which S3 lists; their ids."""
        made = [self.stranger(region) for _ in range(number)]
        self.wait(made[-1], region=region)
        return made


class Killing:
    """Ends the function after a call, by its number since the function wrote down its turn."""

    def __init__(self, fleet: Fleet, number: int) -> None:
        self.left, self._calls, self._has_turn = number, fleet.life.functions.calls, False
        clients = handlers._runtime()[1]
        for client in (clients.source_s3, clients.source_control):
            hear(client, "after-call", self._hear)

    def _hear(self, **_: object) -> None:
        call = self._calls[-1]
        self._has_turn |= call.operation == "PutObject" and call.parameters["Key"] == QUEUE
        self.left -= self._has_turn
        if not self.left:
            raise Killed(call)


@pytest.fixture
def fleet(life: Life, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """An installation whose jobs, and those of others, are held as they are."""
    made = Fleet(life, monkeypatch)
    life.local_aws.jobs(step=60)
    yield made
    life.local_aws.jobs(step=0)
    deadline = time.monotonic() + 300
    while jobs := made.not_ended():
        assert time.monotonic() < deadline, jobs
        for job in jobs:
            if job.is_parked:
                made.cancel(job.id)
        time.sleep(0.02)
    made.events.delete_rule(Name=made.rule)


@pytest.mark.usefixtures("either_world")
def test_five_at_once_are_four_jobs_and_one_that_waits_for_an_end(fleet: Fleet) -> None:
    buckets = [fleet.bucket() for _ in range(5)]
    *four, fifth = buckets

    told = [fleet.protect(each) for each in buckets]

    assert [each["status"] for each in told] == ["preparing"] * 4 + ["queued"]
    waits = told[-1]
    assert (waits["place"], waits["queue"], waits["kind"]) == (1, 1, "first")
    assert {job["Priority"] for each in four for job in fleet.jobs(each)} == {7}
    assert fleet.is_ticking()
    # A tick while nothing has ended.
    fleet.known(*four)
    assert (fleet.tick(), fleet.jobs(fifth)) == ([], [])
    looked = handlers.sweep(LOOK, Context())
    assert (looked["held_by_ours"], looked["held_by_others"], looked["errors"]) == (4, 0, [])
    rows = {row["bucket"]: (row["status"], row["place"]) for row in looked["jobs"]}
    assert rows == {**dict.fromkeys(four, ("preparing", 0)), fifth: ("queued", 1)}

    # One ends, and the next one begins; the schedule is on until nobody waits.
    fleet.cancel(fleet.jobs(four[1])[0]["JobId"])
    fleet.life.functions.calls.clear()
    assert {*fleet.tick()} == {four[1], fifth}
    writes = [call for call in fleet.life.functions.calls if call.is_write]
    assert {call.operation for call in writes} == {"CreateJob", "PutObject"}
    written = {call.parameters["Bucket"] for call in writes if call.operation == "PutObject"}
    assert written == {fleet.life.reports}, "no bucket is touched, and none of the other region"
    assert fleet.statuses(fifth) == ["New"]
    fleet.tick()
    assert not fleet.is_ticking()

    fleet.life.local_aws.jobs(step=0.02)
    fleet.known(four[0], *four[2:], fifth, status="Complete")
    assert [fleet.check(each)["status"] for each in buckets] == [
        "complete",
        "cancelled",
        *["complete"] * 3,
    ]
    assert [len(fleet.jobs(each)) for each in buckets] == [1] * 5


@pytest.mark.usefixtures("either_world")
def test_others_keep_their_places_and_get_what_is_free(fleet: Fleet) -> None:
    others = fleet.strangers(5)
    buckets = [fleet.bucket() for _ in range(3)]

    told = [fleet.protect(each) for each in buckets]

    assert [each["status"] for each in told] == ["preparing", "queued", "queued"]
    fleet.known(buckets[0])
    assert (fleet.tick(), fleet.jobs(buckets[1])) == ([], [])
    for other in others[:2]:
        fleet.cancel(other)
    assert fleet.tick() == buckets[1:]
    assert fleet.statuses(*buckets) == ["New"] * 3


@pytest.mark.usefixtures("either_world")
def test_a_parked_job_holds_no_place_and_its_yes_waits_for_its_own(fleet: Fleet) -> None:
    life = fleet.life
    limited = {**GOLD, "existing_objects_limit": 0}
    fleet.deploy(limited, STANDARD, ACTIVE_JOBS="1")
    parked, other = fleet.bucket(tier="gold"), fleet.bucket()
    life.local_aws.jobs(step=0.02)
    assert fleet.protect(parked)["status"] == "preparing"
    fleet.known(parked, status="Suspended")
    life.local_aws.jobs(step=60)

    assert fleet.tick() == [parked], "it has been counted: that is told, and its place is free"
    assert fleet.check(parked)["status"] == "waiting"
    assert fleet.protect(other)["status"] == "preparing"
    life.bucket = parked
    said = life.asked(CONFIRM)
    assert (said["backfill"]["status"], said["backfill"]["place"]) == ("queued", 1)
    assert said["changes"] == []
    fleet.known(other)
    assert fleet.tick() == []
    fleet.cancel(fleet.jobs(other)[0]["JobId"])
    assert {*fleet.tick()} == {parked, other}
    assert fleet.statuses(parked) == ["Ready"]
    life.local_aws.jobs(step=0.02)
    fleet.known(parked, status="Complete")
    assert fleet.check(parked)["status"] == "complete"
    assert len(fleet.jobs(parked)) == 1


@pytest.mark.usefixtures("either_world")
def test_two_installations_in_an_account_have_four_jobs_together(fleet: Fleet) -> None:
    life = fleet.life
    ours = [fleet.bucket() for _ in range(3)]
    assert [fleet.protect(each)["status"] for each in ours] == ["preparing"] * 3
    fleet.known(*ours)
    reports = life.reports

    fleet.begin_anew()
    fleet.deploy(GOLD, MODULE_NAME="other")
    buckets = [fleet.bucket(tier="gold") for _ in range(2)]
    told = [fleet.protect(each)["status"] for each in buckets]

    assert told == ["preparing", "queued"]
    assert fleet.places() == [0, 1, 2, 3]
    fleet.known(buckets[0])
    # A place of theirs is free: whoever looks first has it.
    fleet.cancel(fleet.jobs(ours[0])[0]["JobId"])
    assert fleet.tick() == [buckets[1]]
    fleet.known(buckets[1])
    life.reports = reports
    fleet.deploy(STANDARD)
    assert fleet.protect(fleet.bucket())["status"] == "queued"


@pytest.mark.usefixtures("either_world")
def test_a_place_that_another_installation_took_a_moment_before_is_left_to_it(
    fleet: Fleet,
) -> None:
    """S3's list did not have its job yet."""
    life, bucket = fleet.life, fleet.bucket()

    def take() -> None:
        asked = [call for call in life.functions.calls if call.operation == "CreateJob"][-1]
        token = asked.parameters["ClientRequestToken"]
        place = asked.parameters["Description"].partition(" (place ")[2][0]
        description = f"other: existing objects of theirs (place {place}, 0a1b2c3d)"
        fleet.wait(fleet.stranger(ClientRequestToken=token, Description=description, Priority=7))

    life.when("before", "CreateJob", take, "source_control")

    fleet.protect(bucket)
    assert fleet.jobs(bucket) == [], "whatever S3 has answered"

    assert fleet.check(bucket)["status"] == "preparing"
    assert len(fleet.jobs(bucket)) == 1
    assert fleet.places() == [2, 3], "each has its own"


def test_a_refusal_is_a_wait(fleet: Fleet) -> None:
    """Jobs in another region, which no list of ours has, may count."""
    life, bucket = fleet.life, fleet.bucket()
    life.local_aws.choose(preparing_counts="yes", seventh_job="refused", six_jobs_per="account")
    others = fleet.strangers(6, "eu-west-1")

    last = life.functions.protect(event("put_bucket_tagging", bucket))[-1]

    assert (last["outcome"], last["backfill"]["status"]) == ("protected", "queued")
    [warning] = [each for each in last["warnings"] if not each.startswith("GRANT_NEEDED")]
    assert warning.startswith("JOBS_FULL: ")
    assert "CreateJob" not in last["changes"]
    assert fleet.is_ticking()
    assert fleet.jobs(bucket) == []
    life.local_aws.choose(six_jobs_per="region")
    assert fleet.tick() == [bucket]
    assert fleet.statuses(bucket) == ["New"]
    assert len(others) == 6


@pytest.mark.usefixtures("either_world")
def test_a_function_that_is_killed_on_its_way_to_a_job_leaves_one_job(fleet: Fleet) -> None:
    life = fleet.life
    life.local_aws.jobs(step=0.02)
    bucket = life.bucket
    life.put("a")
    life.retag()
    fleet.protect(bucket)
    for number in range(1, 9):
        fleet.known(bucket, status="Complete")
        assert fleet.check(bucket)["status"] == "complete"
        assert len(fleet.jobs(bucket)) == number, f"killed after call {number - 1}"
        killing = Killing(fleet, number)
        try:
            life.asked(BACKFILL, everything=True)
        except Killed:
            killing.left = -1
        else:
            break
        for _ in range(2):  # the turn that it had is over, and then it has another one
            life.later(minutes=6)
            fleet.tick()
        fleet.known(bucket)

    assert number == 8, "turn, record, job made and described, record, queue read and written"
