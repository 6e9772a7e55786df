"""S3 Batch Operations: jobs of Batch Replication, which MiniStack has not.

CreateJob, DescribeJob, ListJobs and UpdateJobStatus (S3 Control API) for S3ReplicateObject with a
manifest that S3 generates. A job copies by the bucket's replication configuration of that moment,
with the replication role; its own role only begins it (S3 User Guide, "Replicating existing objects
with Batch Replication").

What is copied from recordings and not from the reference:

* a row of the report has the HTTP status code *before* the error code, whatever the manifest's
  ReportSchema says (S3 User Guide, "Examples: S3 Batch Operations completion reports"; public
  recordings of Batch Replication: ``failed,500,SrcObjectNotEligible,Object is not eligible…``);
* a job whose manifest would be empty is Failed (S3 User Guide, "Troubleshooting replication":
  "Manifest generation found no keys matching the filter criteria."), or by the open point
  Complete with no task;
* a job all of whose few tasks fail is Complete: only after 1,000 tasks does a rate of failure of
  more than half end it ("Tracking job failures").

The codes of a failed job (FailureCode) are not recorded.
"""

import asyncio
import base64
import copy
import csv
import hashlib
import io
import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from local_aws import access, cloudtrail, delivery, open_points, replication, roles, trails
from local_aws.emulator import Answer, module

if TYPE_CHECKING:
    from local_aws.strict import Request

PATH = "/v20180820/jobs"
SERVICE = "batchoperations.s3.amazonaws.com"
NO_KEYS = "Manifest generation found no keys matching the filter criteria."
NO_REPORT = (
    "The job report could not be written to your report bucket. Please check your permissions."
)
_NS = "http://awss3control.amazonaws.com/doc/2018-08-20/"
_ENDED = ("Cancelled", "Complete", "Failed")
_STATUSES = ("COMPLETED", "FAILED", "NONE", "REPLICA")
_FILTERS = ("CreatedAfter", "CreatedBefore", "EligibleForReplication", "ObjectReplicationStatuses")
_SCHEMA = "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"
_RATE_COUNTS_FROM = 1000  # tasks
# "6 active Batch Replication jobs per account" (S3 User Guide, "S3 Batch Operations"); those that
# are more are paused, or refused: see the open points.
_AT_ONCE = 6
# What S3 asks of the job's role on the source (S3 User Guide, "Configuring an IAM role for S3 Batch
# Replication").
_ON_SOURCE = ("s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration")
# Only the first is recorded.
_HTTP = {"SrcObjectNotEligible": 500}
_MESSAGES = {"SrcObjectNotEligible": "Object is not eligible for replication"}


@dataclass
class Settings:
    """How jobs run.

    Attributes:
        step: How long, in seconds, a job stays in each status on its way.
        held: Source buckets whose jobs stay Active while they are named here.
    """

    step: float = 0.1
    held: frozenset[str] = frozenset()

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Set what is named.

        Raises:
            ValueError: A name or a value is wrong.
        """
        held = wanted.get("held", list(self.held))
        if set(wanted) - {"step", "held"} or not isinstance(held, list):
            raise ValueError(f"step (seconds) and held (a list of buckets) wanted, not {wanted}")
        self.step = float(wanted.get("step", self.step))
        self.held = frozenset(map(str, held))


class Refusal(Exception):
    """A request is answered with an error: code, message and HTTP status."""


class Denied(Exception):
    """A request is answered with what IAM said."""


class Failure(Exception):
    """A job fails: code and reason."""


@dataclass
class Job:
    """A job. ``request`` is the body of its CreateJob."""

    id: str
    account: str
    region: str
    request: Element = field(repr=False)
    status: str = "New"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    suspended: datetime | None = None
    total: int | None = None
    results: list[tuple[replication.Version, str]] = field(default_factory=list, repr=False)
    failure: tuple[str, str] | None = None
    reason: str = ""

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:{self.region}:{self.account}:job/{self.id}"

    def text(self, *path: str) -> str:
        return _text(self.request, *path)

    def enter(self, status: str) -> None:
        """Be in a status, and tell of the change."""
        if status != self.status:
            self.status = status
            _tell(self, "JobStatusChanged")

    def is_older_than(self, seconds: str) -> bool:
        return (datetime.now(UTC) - self.created).total_seconds() >= float(seconds)

    @property
    def source(self) -> str:
        """The name of the bucket that it copies."""
        arn = self.text("ManifestGenerator", "S3JobManifestGenerator", "SourceBucket")
        return arn.rpartition(":::")[2]

    @property
    def confirmed(self) -> bool:
        return self.text("ConfirmationRequired") == "false"

    @property
    def failed(self) -> int:
        return sum(bool(why) for _, why in self.results)


settings = Settings()
_competing: list[Job] = []  # for the six places, in the order in which they came
_jobs: dict[str, Job] = {}
_tokens: dict[tuple[str, str, str], tuple[str, str]] = {}  # account, region and token
_running: set[asyncio.Task[None]] = set()
_complain: list[Callable[[str], None]] = []


def install(complain: Callable[[str], None]) -> None:
    """Hear of what goes wrong inside a job that is not the caller's fault."""
    _complain.append(complain)


def serve(request: "Request", path: str, query: Mapping[str, Sequence[str]]) -> Answer:
    """Answer a request whose path begins with ``PATH``."""
    name, _, rest = path.removeprefix(PATH).strip("/").partition("/")
    try:
        if request.headers.get("x-amz-account-id") != request.account:
            raise Refusal("AccessDenied", "Access Denied", 403)
        match request.method, bool(name), rest:
            case "POST", False, _:
                return _create(request)
            case "GET", False, _:
                return _list(request, query)
            case "GET", True, "":
                return _describe(request, name)
            case "POST", True, "status":
                return _update(request, name, query)
        raise Refusal("NotImplemented", f"{request.method} {path} is not served here.", 501)
    except Denied as denied:
        answer: Answer = denied.args[0]
        return answer
    except Refusal as refusal:
        code, message, status = refusal.args
        refused: Answer = request.s3.s3control_error(code, message, status)
        return refused


# The requests


def _allow(
    request: "Request", action: str, resource: str, context: dict[str, Any] | None = None
) -> None:
    if answer := access.denied(request, action, resource, context):
        raise Denied(answer)


def _create(request: "Request") -> Answer:
    """CreateJob.

    Its permissions: S3 API and Service Authorization Reference (``iam:PassRole`` beside it).
    """
    body = request.xml()
    operation = [_local(element) for element in _child(body, "Operation")]
    context = {"s3:RequestJobPriority": _text(body, "Priority")}
    if not open_points.JOB_OPERATION.says("absent"):
        named = open_points.JOB_OPERATION.variant
        is_replication = operation == ["S3ReplicateObject"]
        context["s3:RequestJobOperation"] = named if is_replication else "".join(operation)
    passed = {"iam:PassedToService": open_points.PASSED_TO_SERVICE.variant}
    _allow(request, "s3:CreateJob", "*", context)
    _allow(request, "iam:PassRole", _text(body, "RoleArn"), passed)
    _validate(body)
    token = request.account, request.region, _text(body, "ClientRequestToken")
    asked = ElementTree.canonicalize(ElementTree.tostring(body, "unicode"))
    known, before = _tokens.get(token, ("", asked))
    if before != asked and open_points.REUSED_TOKEN.says("refused"):
        message = "The ClientRequestToken was used before, with another request."
        raise Refusal("IdempotencyException", message, 400)
    if not known:
        _refuse_a_seventh(request)
        job = Job(str(uuid.uuid4()), request.account, request.region, body)
        known, _jobs[job.id], _tokens[token] = job.id, job, (job.id, asked)
        _start(job)
    answer = Element("CreateJobResult", xmlns=_NS)
    _add(answer, JobId=known)
    return _xml(answer)


def _validate(body: Element) -> None:  # noqa: C901 - one refusal after the other
    """What the S3 Control API demands of CreateJob, and what is not served here."""

    def bad(message: str) -> Refusal:
        return Refusal("BadRequestException", message, 400)

    def unserved(what: str) -> Refusal:
        return Refusal("NotImplemented", f"{what} is not served here.", 501)

    operation = [_local(element) for element in _child(body, "Operation")]
    if len(operation) != 1:
        raise bad("Exactly one operation must be specified.")
    if operation != ["S3ReplicateObject"]:
        raise unserved(operation[0])
    if not 1 <= len(_text(body, "ClientRequestToken")) <= 64:
        raise bad("A ClientRequestToken of 1 to 64 characters must be specified.")
    if len(_text(body, "Description")) > 256:
        raise bad("The Description must not be longer than 256 characters.")
    if not _text(body, "Priority").isdecimal():
        raise bad("A Priority of 0 or more must be specified.")
    if not re.fullmatch(r"arn:[^:]+:iam::\d{12}:role/.+", _text(body, "RoleArn")):
        raise bad("The RoleArn is not the ARN of a role.")
    manifest, generator = _child(body, "Manifest"), _child(body, "ManifestGenerator")
    if len(manifest) and len(generator):
        raise bad("Either a Manifest or a ManifestGenerator must be specified, not both.")
    if len(manifest):
        raise unserved("A Manifest")
    generator = _child(generator, "S3JobManifestGenerator")
    if not _text(generator, "SourceBucket").startswith("arn:aws:s3:::"):
        raise bad("The SourceBucket is not the ARN of a bucket.")
    if _text(generator, "EnableManifestOutput") not in ("true", "false"):
        raise bad("EnableManifestOutput must be specified.")
    if _text(generator, "EnableManifestOutput") == "true":
        raise unserved("EnableManifestOutput")
    for name in map(_local, _child(generator, "Filter")):
        if name not in _FILTERS:
            raise unserved(f"The filter {name}")
    for status in _child(generator, "Filter", "ObjectReplicationStatuses"):
        if status.text not in _STATUSES:
            raise bad(f"{status.text} is not one of {', '.join(_STATUSES)}.")
    report = _child(body, "Report")
    if _text(report, "Enabled") not in ("true", "false"):
        raise bad("A Report, enabled or not, must be specified.")
    if _text(report, "Enabled") == "true":
        if not _text(report, "Bucket").startswith("arn:aws:s3:::"):
            raise bad("The Bucket of an enabled report must be specified by its ARN.")
        if _text(report, "Format") != "Report_CSV_20180820":
            raise bad("The Format of an enabled report must be Report_CSV_20180820.")
        if _text(report, "ReportScope") not in ("AllTasks", "FailedTasksOnly"):
            raise bad("The ReportScope of an enabled report must be AllTasks or FailedTasksOnly.")


def _find(request: "Request", action: str, name: str) -> Job:
    """The job, and the refusal when the caller may not do that with it.

    "Wrong region" and "wrong account" are told like a job that never was, and so is one that is
    not fully registered yet (S3 User Guide, "Troubleshooting S3 Batch Operations",
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshooting-batch-operations.html;
    the model calls it NotFoundException).
    """
    arn = f"arn:aws:s3:{request.region}:{request.account}:job/{name}"
    _allow(request, action, arn)
    job = _jobs.get(name)
    known_after = open_points.JOB_KNOWN_AFTER.variant
    if job is None or job.arn != arn or not job.is_older_than(known_after):
        raise Refusal("NoSuchJobException", "No such job", 404)
    return job


def _describe(request: "Request", name: str) -> Answer:
    job = _find(request, "s3:DescribeJob", name)
    answer = Element("DescribeJobResult", xmlns=_NS)
    told = SubElement(answer, "Job")
    _add(told, JobId=job.id, ConfirmationRequired=str(not job.confirmed).lower())
    _add(told, Description=job.text("Description"), JobArn=job.arn, Status=job.status)
    for part in ("Operation", "Report", "ManifestGenerator"):
        told.append(_plain(_child(job.request, part)))
    _add(told, Priority=job.text("Priority"), RoleArn=job.text("RoleArn"))
    _progress(told, job)
    _add(told, CreationTime=_iso(job.created), TerminationDate=_iso(job.ended))
    _add(told, StatusUpdateReason=job.reason)
    if job.suspended:
        _add(told, SuspendedDate=_iso(job.suspended), SuspendedCause="AwaitingConfirmation")
    reasons = SubElement(told, "FailureReasons")
    if job.failure:
        code, reason = job.failure
        _add(SubElement(reasons, "member"), FailureCode=code, FailureReason=reason)
    return _xml(answer)


def _list(request: "Request", query: Mapping[str, Sequence[str]]) -> Answer:
    """ListJobs, the newest first; in which order S3 lists them is not documented."""
    _allow(request, "s3:ListJobs", "*")
    wanted = query.get("jobStatuses", ())
    place = request.account, request.region
    found = [job for job in _jobs.values() if (job.account, job.region) == place]
    found = [job for job in found if job.is_older_than(open_points.JOB_LISTED_AFTER.variant)]
    found = [job for job in reversed(found) if not wanted or job.status in wanted]
    try:
        page = int(query.get("maxResults", ["1000"])[0])
        token = base64.b64decode(query.get("nextToken", [""])[0], b"-_", validate=True).decode()
    except ValueError:
        raise Refusal("InvalidNextTokenException", "The token is not valid.", 400) from None
    if not 1 <= page <= 1000:
        raise Refusal("InvalidRequestException", "maxResults must be from 1 to 1000.", 400)
    begin = next((n + 1 for n, job in enumerate(found) if job.id == token), 0)
    answer = Element("ListJobsResult", xmlns=_NS)
    if begin + page < len(found):
        last = found[begin + page - 1].id
        _add(answer, NextToken=base64.urlsafe_b64encode(last.encode()).decode())
    listed = SubElement(answer, "Jobs")
    for job in found[begin : begin + page]:
        told = SubElement(listed, "member")
        _add(told, JobId=job.id, Description=job.text("Description"))
        _add(told, Operation="S3ReplicateObject", Priority=job.text("Priority"), Status=job.status)
        _add(told, CreationTime=_iso(job.created), TerminationDate=_iso(job.ended))
        _progress(told, job)
    return _xml(answer)


def _update(request: "Request", name: str, query: Mapping[str, Sequence[str]]) -> Answer:
    """UpdateJobStatus: a suspended job is confirmed, one that has not ended is cancelled."""
    job = _find(request, "s3:UpdateJobStatus", name)
    wanted = query.get("requestedJobStatus", [""])[0]
    if wanted not in ("Cancelled", "Ready"):
        message = "The requested status must be Cancelled or Ready."
        raise Refusal("BadRequestException", message, 400)
    possible = job.status == "Suspended" or (
        wanted == "Cancelled" and job.status not in (*_ENDED, "Cancelling", "Completing")
    )
    if not possible:
        message = f"A job that is {job.status} cannot be {wanted}."
        raise Refusal("JobStatusException", message, 400)
    job.reason = query.get("statusUpdateReason", [""])[0]
    job.enter("Ready" if wanted == "Ready" else "Cancelling")
    answer = Element("UpdateJobStatusResult", xmlns=_NS)
    _add(answer, JobId=job.id, Status=job.status, StatusUpdateReason=job.reason)
    return _xml(answer)


# The work


def _start(job: Job) -> None:
    task = asyncio.get_running_loop().create_task(_work(job))
    _running.add(task)
    task.add_done_callback(_running.discard)


async def _work(job: Job) -> None:
    """Take a job from New to its end."""
    with module("core.responses").request_scope(job.account, job.region):
        try:
            _tell(job, "JobCreated")
            await _steps(job)
        except Failure as failure:
            job.failure = str(failure.args[0]), str(failure.args[1])
            job.enter("Failed")
        except Exception as error:
            job.status, job.failure = "Failed", ("InternalServiceException", repr(error))
            for complain in _complain:
                complain(f"job {job.id}: {error!r}")
            raise
        finally:
            job.ended = datetime.now(UTC)
            _withdraw(job)


async def _steps(job: Job) -> None:
    if open_points.PREPARING_COUNTS.says("yes"):
        _compete(job)
    await _pause(job)
    _enter(job, "Preparing")
    await (_take_turn(job, 1) if job in _competing else _pause(job))
    if job.status == "Preparing":
        role, source, tasks = _prepare(job)
        job.total = len(tasks)
        await _wait_for_confirmation(job)
        _compete(job)
        _enter(job, "Ready")
        await _take_turn(job, 1)
        _enter(job, "Active")
        await _take_turn(job, 1)
        await _run_tasks(job, role, source, tasks)
        await _stay(job, "Completing")
        _report(job, role)
    if job.status == "Failing":
        raise Failure("TaskFailureRateExceeded", "More than half of the tasks have failed.")
    job.enter("Cancelled" if job.status == "Cancelling" else "Complete")


def _tell(job: Job, name: str) -> None:
    """Put an event about a job on the bus of its account and region, if a trail records it.

    (S3 User Guide, "Tracking an S3 Batch Operations job in Amazon EventBridge through AWS
    CloudTrail",
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-examples-event-bridge-cloud-trail.html.
    Its example is of a job that is Complete: what the lists have for others is a guess.)
    """
    about = {
        "jobId": job.id,
        "jobArn": job.arn,
        "status": job.status,
        "jobEventId": uuid.uuid4().hex,
        "failureCodes": [job.failure[0]] if job.failure else [],
        "statusChangeReason": [job.reason] if job.reason else [],
    }
    record = cloudtrail.service_event(name, job.account, job.region, about)
    if trails.listen(job.account, job.region, record):
        delivery.put(
            job.account,
            job.region,
            {
                "Source": "aws.s3",
                "DetailType": cloudtrail.SERVICE_EVENT,
                "Detail": json.dumps(record),
                "Resources": [],
            },
        )


# The six places


def _compete(job: Job) -> None:
    if job not in _competing:
        _competing.append(job)


def _withdraw(job: Job) -> None:
    if job in _competing:
        _competing.remove(job)


def _rivals(account: str, region: str) -> list[Job]:
    """Those that compete for the places of an account (or, by the open point, of its region)."""
    is_per_region = open_points.SIX_JOBS_PER.says("region")
    found = [job for job in _competing if job.account == account]
    return [job for job in found if job.region == region or not is_per_region]


def _refuse_a_seventh(request: "Request") -> None:
    if open_points.SEVENTH_JOB.says("paused"):
        return
    if len(_rivals(request.account, request.region)) >= _AT_ONCE:
        message = "Too many active Batch Replication jobs."
        raise Refusal("TooManyRequestsException", message, 400)


def _has_turn(job: Job) -> bool:
    """Whether it is one of the six with the highest priority.

    (S3 User Guide, "Replicating existing objects with Batch Replication".) A job becomes Paused for
    one with a higher priority ("Job statuses"), so of equal ones who came first keeps its place.
    """
    rivals = _rivals(job.account, job.region)
    rivals.sort(key=lambda other: -int(other.text("Priority")))
    return job in rivals[:_AT_ONCE]


async def _take_turn(job: Job, part: float = 0) -> None:
    """Stay in a status for (a part of) the step, and be paused while six others go before."""
    loop = asyncio.get_running_loop()
    begun, status = loop.time(), job.status
    while job.status not in ("Cancelling", "Failing"):
        if not _has_turn(job):
            if status == "Active" or open_points.WAITS_AS.says("Paused"):
                await _wait_paused(job)
                _enter(job, status)
        elif loop.time() - begun >= settings.step * part and not _is_held(job):
            return
        await asyncio.sleep(0.01)


async def _wait_paused(job: Job) -> None:
    """Be Pausing and then Paused, until it is one of the six again."""
    await _stay(job, "Pausing")
    _enter(job, "Paused")
    while job.status == "Paused" and not _has_turn(job):
        await asyncio.sleep(0.01)


def _is_held(job: Job) -> bool:
    return job.status == "Active" and job.source in settings.held


async def _wait_for_confirmation(job: Job) -> None:
    """A job parks unless ConfirmationRequired is false (S3 User Guide, "Job statuses").

    A parked job is not active, so it holds no place; confirmed, it competes as one that has come.
    """
    if job.confirmed:
        return
    _withdraw(job)
    _enter(job, "Suspended")
    job.suspended = datetime.now(UTC)
    while job.status == "Suspended":
        await asyncio.sleep(0.01)


async def _run_tasks(
    job: Job, role: roles.Role, source: replication.Bucket, tasks: list[replication.Version]
) -> None:
    """Run one task after another, while nobody cancels the job.

    "If more than 50% of the operations fail after 1,000 operations have been run, the job fails"
    (S3 User Guide, "Tracking job failures").
    """
    for number, version in enumerate(tasks):
        await _take_turn(job)
        if job.status != "Active":
            return
        job.results.append((version, _run(source, role, version)))
        if number + 1 >= _RATE_COUNTS_FROM and job.failed * 2 > number + 1:
            job.enter("Failing")
        await _pause(job, 0.1 if number < 10 else 0)  # so that a caller can see some done


def _enter(job: Job, status: str) -> None:
    """Enter a status, unless the job is on its way to an early end."""
    if job.status not in ("Cancelling", "Failing"):
        job.enter(status)


async def _stay(job: Job, status: str) -> None:
    _enter(job, status)
    await _pause(job)


async def _pause(job: Job, part: float = 1) -> None:
    """Stay in a status for (a part of) the step that is set now."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.sleep(0)
    while job.status != "Cancelling" and loop.time() - begun < settings.step * part:
        await asyncio.sleep(0.01)


def _prepare(
    job: Job,
) -> tuple[roles.Role, replication.Bucket, list[replication.Version]]:
    """What a job needs before its first task. How S3 words what is missing is not recorded."""
    generator = _child(job.request, "ManifestGenerator", "S3JobManifestGenerator")
    role = roles.assume(job.text("RoleArn"), SERVICE)
    if role is None:
        raise Failure("AssumeRoleNotPermitted", f"{job.text('RoleArn')} cannot be assumed.")
    name = job.source
    source = replication.bucket(name)
    if source is None:
        raise Failure("SrcBucketNotFound", f"The source bucket {name} does not exist.")
    if source.region != job.region:
        # "The source bucket isn't in the same Region as specified by the Batch Operations job"
        raise Failure("SrcBucketInvalidRegion", f"The source bucket {name} is in {source.region}.")
    expected = _text(generator, "ExpectedBucketOwner")
    missing = [action for action in _ON_SOURCE if not source.allows(role, action)]
    if missing or (expected and expected != source.account):
        raise Failure("AccessDenied", f"Manifest generation was denied: {missing or expected}")
    if not replication.configuration(source):
        reason = f"The source bucket {name} has no replication configuration."
        raise Failure("SrcBucketReplicationConfigMissing", reason)
    tasks = _manifest(source, _child(generator, "Filter"))
    if not tasks and open_points.EMPTY_MANIFEST.says("Failed"):
        raise Failure("ManifestGenerationFailed", NO_KEYS)
    return role, source, tasks


def _manifest(source: replication.Bucket, wanted: Element) -> list[replication.Version]:
    """All versions and delete markers the filter lets through (S3 API, JobManifestGeneratorFilter).

    A status is that of the version; who has none was never tried, which the filter calls NONE.
    """
    statuses = [element.text for element in _child(wanted, "ObjectReplicationStatuses")]
    before, after = (_time(_text(wanted, name)) for name in ("CreatedBefore", "CreatedAfter"))
    only_eligible = _text(wanted, "EligibleForReplication") == "true"
    return [
        version
        for version in replication.versions(source)
        if (not statuses or (version.status or "NONE") in statuses)
        and (before is None or _modified(version) < before)
        and (after is None or _modified(version) > after)
        and (not only_eligible or replication.eligible(source, version))
    ]


def _modified(version: replication.Version) -> datetime:
    return datetime.fromisoformat(version.modified)


def _time(text: str) -> datetime | None:
    found = datetime.fromisoformat(text) if text else None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def _run(source: replication.Bucket, role: roles.Role, version: replication.Version) -> str:
    """Replicate a version; why it failed, empty when it did not."""
    if not source.allows(role, "s3:InitiateReplication", version.key):
        return "InitiateReplicationNotPermitted"
    here = replication.bucket(source.name)  # by the configuration of now
    if here is None:
        return "SrcBucketNotFound"
    now = {(v.key, v.id): v for v in replication.versions_of(here, version.key)}
    current = now.get((version.key, version.id))
    if current is None:
        return "SrcVersionNotFound"
    if not replication.configuration(here):
        return "SrcBucketReplicationConfigMissing"
    if not replication.eligible(here, current):
        return "SrcObjectNotEligible"
    return replication.replicate(here, current, batch=True) or ""


# The report


def _report(job: Job, role: roles.Role) -> None:
    """Write the report, when one is wanted and "at least one task has been invoked".

    Reports "are always encrypted with SSE-S3", and no bucket that retains what is written takes
    them (S3 User Guide, "Examples: completion reports", "Troubleshooting Batch Operations").
    """
    wanted = _child(job.request, "Report")
    if _text(wanted, "Enabled") != "true" or not job.results:
        return
    where = replication.bucket(_text(wanted, "Bucket").rpartition(":::")[2])
    expected = _text(wanted, "ExpectedBucketOwner")
    if where is None or (expected and expected != where.account):
        raise Failure("JobReportNotWritten", NO_REPORT)
    prefix = _text(wanted, "Prefix")
    folder = f"{prefix}/job-{job.id}" if prefix else f"job-{job.id}"
    results = []
    for status in ("succeeded", "failed"):
        rows = [_row(job, version, why) for version, why in job.results if _name(why) == status]
        if rows and (status == "failed" or _text(wanted, "ReportScope") == "AllTasks"):
            body = _csv(rows)
            key = f"{folder}/results/{hashlib.sha1(body).hexdigest()}.csv"
            _write(where, role, key, body)
            row = {"TaskExecutionStatus": status, "Bucket": where.name}
            md5 = hashlib.md5(body).hexdigest()
            results.append({**row, "MD5Checksum": md5, "Key": key})
    told = {
        "Format": "Report_CSV_20180820",
        "ReportCreationDate": _iso(datetime.now(UTC)),
        "Results": results,
        "ReportSchema": _SCHEMA,
    }
    _write(where, role, f"{folder}/manifest.json", json.dumps(told).encode())


def _name(why: str) -> str:
    return "failed" if why else "succeeded"


def _row(job: Job, version: replication.Version, why: str) -> list[str]:
    usual = 404 if why.endswith("NotFound") else 403 if why.endswith("NotPermitted") else 400
    return [
        job.source,
        quote(version.key),  # "object keys … must be URL-encoded"
        version.id,
        _name(why),
        str(_HTTP.get(why, usual) if why else 200),
        why,
        _MESSAGES.get(why, f"Replication failed: {why}") if why else "Successful",
    ]


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _write(where: replication.Bucket, role: roles.Role, key: str, body: bytes) -> None:
    s3 = module("services.s3")
    with module("core.responses").request_scope(where.account, where.region):
        retained = (s3._bucket_object_lock.get(where.name) or {}).get("default_retention")
        if not where.allows(role, "s3:PutObject", key) or retained:
            raise Failure("JobReportNotWritten", NO_REPORT)
        headers = {"x-amz-server-side-encryption": "AES256"}
        status, _, answer = s3._put_object(where.name, key, body, headers)
    if status != 200:
        raise Failure("JobReportNotWritten", f"{NO_REPORT} {answer!r}")


# XML


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _child(element: Element, *path: str) -> Element:
    """The element at a path of local names; an empty one where there is none."""
    for name in path:
        element = next((child for child in element if _local(child) == name), Element(name))
    return element


def _text(element: Element, *path: str) -> str:
    return (_child(element, *path).text or "").strip()


def _plain(element: Element) -> Element:
    """A copy without namespaces."""
    told = copy.deepcopy(element)
    for part in told.iter():
        part.tag = _local(part)
    return told


def _add(element: Element, **texts: str) -> None:
    for name, text in texts.items():
        if text:
            SubElement(element, name).text = text


def _progress(told: Element, job: Job) -> None:
    """Absent until the manifest is there; then the numbers of tasks."""
    summary = SubElement(told, "ProgressSummary")
    if job.total is not None:
        _add(summary, TotalNumberOfTasks=str(job.total))
        _add(summary, NumberOfTasksSucceeded=str(len(job.results) - job.failed))
        _add(summary, NumberOfTasksFailed=str(job.failed))


def _iso(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if moment else ""


def _xml(root: Element) -> Answer:
    return 200, {"Content-Type": "application/xml"}, ElementTree.tostring(root)
