"""Each open point shows each of its variants, and a world is a variant of every point."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws import LocalAws, LocalAwsError, open_points
from local_aws.tests.lab import Lab
from local_aws.tests.test_jobs import ACCOUNT, DR, OTHER, REGION, allow
from local_aws.tests.test_jobs import Pair as Jobs
from local_aws.tests.test_replication import ALL, WRITES, Keys, Pair

TABLE = list(open_points.POINTS.values())


@pytest.mark.parametrize("world", open_points.WORLDS)
def test_a_world_is_a_variant_of_every_point(lab: Lab, world: str) -> None:
    number = open_points.WORLDS.index(world)

    with lab.server.chosen(world):
        chosen = lab.server.points()

    assert chosen == {point.name: point.variants[number] for point in TABLE}
    assert lab.server.points() == {point.name: point.variants[0] for point in TABLE}


def test_one_point_is_switched_alone(lab: Lab) -> None:
    before = lab.server.points()

    with lab.server.chosen(tag_record_source="aws.s3control"):
        assert lab.server.points() == {**before, "tag_record_source": "aws.s3control"}

    assert lab.server.points() == before


@pytest.mark.parametrize(
    ("world", "points", "said"),
    [
        ("thrid", {}, "no world 'thrid': there are first, second"),
        ("", {"marker_di": "new"}, "no point 'marker_di': there are .*marker_id"),
        ("second", {"marker_id": "nwe"}, "marker_id has no variant 'nwe': it has same, new"),
    ],
)
def test_what_does_not_exist_is_refused_by_name_and_changes_nothing(
    lab: Lab, world: str, points: dict[str, str], said: str
) -> None:
    before = lab.server.points()

    with pytest.raises(LocalAwsError, match=said):
        lab.server.choose(world, **points)
    with pytest.raises(open_points.NotAPoint, match=said):
        LocalAws(world=world, points=points)

    assert lab.server.points() == before


def test_world_and_points_are_given_at_the_start() -> None:
    with LocalAws(quiet=True, world="second", points={"marker_id": "same"}) as server:
        second = {point.name: point.variants[1] for point in TABLE}
        assert server.points() == {**second, "marker_id": "same"}


def test_the_table_is_printed_for_a_screen_of_80_columns() -> None:
    printed = _run("--points").stdout

    for point in TABLE:
        assert f"\n\n{point.name}\n" in printed
        assert all(variant in printed for variant in point.variants)
    assert max(map(len, printed.splitlines())) <= 80


def test_the_command_refuses_a_typo() -> None:
    refused = _run("--point", "marker_id=nwe")

    assert refused.returncode == 2
    assert "marker_id has no variant 'nwe': it has same, new." in refused.stderr


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "local_aws", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


# --- each point


_shown: set[str] = set()


def shows(point: open_points.Point) -> pytest.MarkDecorator:
    """Run the test once for each variant of a point, while that holds."""
    _shown.add(point.name)
    pairs = [(point.name, variant) for variant in point.variants]
    return pytest.mark.parametrize("variant", pairs, ids=point.variants, indirect=True)


@pytest.fixture
def variant(lab: Lab, request: pytest.FixtureRequest) -> Iterator[str]:
    name, chosen = request.param
    lab.server.jobs(step=0.02)
    with lab.server.chosen(**{name: chosen}):
        yield chosen
    lab.server.jobs(step=0.1)


def code(call: Any, *arguments: Any, **keywords: Any) -> str:
    """With which code a call is refused; empty when it is not."""
    try:
        call(*arguments, **keywords)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def unique(word: str) -> str:
    return f"op-{word}-{uuid.uuid4().hex[:8]}"


def test_each_point_is_shown_here() -> None:
    assert _shown == set(open_points.POINTS)


def _creates(pair: Jobs, own: Any, *statements: dict[str, Any]) -> bool:
    pair.grant("-caller", *statements)
    return not code(own.create_job, **pair.request(["NONE"]))


@pytest.fixture
def caller(lab: Lab) -> tuple[Jobs, Any]:
    """A pair with a job to do, and an S3 Control client of somebody who may do nothing yet."""
    pair = Jobs(lab)
    pair.put("k")
    pair.replicate()
    keys = lab.assume(f"{pair.name}-caller", [])
    return pair, lab.server.client("s3control", REGION, credentials=keys)


@shows(open_points.PASSED_TO_SERVICE)
def test_passed_to_service(caller: tuple[Jobs, Any], variant: str) -> None:
    create = allow("s3:CreateJob")

    def passes(service: str) -> bool:
        to = {"StringEquals": {"iam:PassedToService": service}}
        return _creates(*caller, create, allow("iam:PassRole", Condition=to))

    services = open_points.PASSED_TO_SERVICE.variants
    assert [name for name in services if passes(name)] == [variant]


@shows(open_points.JOB_OPERATION)
def test_job_operation(caller: tuple[Jobs, Any], variant: str) -> None:
    passing = allow("iam:PassRole")

    def passes(condition: dict[str, Any]) -> bool:
        return _creates(*caller, allow("s3:CreateJob", Condition=condition), passing)

    key, names = "s3:RequestJobOperation", open_points.JOB_OPERATION.variants
    matching = [name for name in names if passes({"StringEquals": {key: name}})]
    assert matching == [name for name in names if name == variant != "absent"]
    assert passes({"Null": {key: "true"}}) == (variant == "absent")


@shows(open_points.JOB_KNOWN_AFTER)
def test_job_known_after(lab: Lab, caller: tuple[Jobs, Any], variant: str) -> None:
    pair, _ = caller
    began = time.monotonic()
    job = pair.create("NONE")
    which = {"AccountId": ACCOUNT, "JobId": job}
    assert job in [listed["JobId"] for listed in pair.control.list_jobs(AccountId=ACCOUNT)["Jobs"]]

    pair.describe(job)

    assert time.monotonic() - began >= float(variant)
    assert code(pair.control.describe_job, **which) == "", "once known, always known"


@shows(open_points.JOB_LISTED_AFTER)
def test_job_listed_after(lab: Lab, caller: tuple[Jobs, Any], variant: str) -> None:
    pair, _ = caller
    began = time.monotonic()
    job = pair.create("NONE")

    def is_listed() -> bool:
        jobs = pair.control.list_jobs(AccountId=ACCOUNT)["Jobs"]
        return job in [listed["JobId"] for listed in jobs]

    assert lab.eventually(is_listed, 10 if float(variant) else 0)
    assert time.monotonic() - began >= float(variant)


@shows(open_points.REUSED_TOKEN)
def test_reused_token(caller: tuple[Jobs, Any], variant: str) -> None:
    pair, _ = caller
    request = pair.request(["NONE"])
    job = pair.control.create_job(**request)["JobId"]
    other = {**request, "Priority": 11}
    if variant == "refused":
        assert code(pair.control.create_job, **other) == "IdempotencyException"
    else:
        assert pair.control.create_job(**other)["JobId"] == job
        assert pair.describe(job)["Priority"] == 10


class Held:
    """Jobs of a source, or in the other region of its twin, that copy until they are let go."""

    def __init__(self, lab: Lab) -> None:
        self.pair = Jobs(lab)
        self._lab = lab
        self._jobs: list[tuple[Any, str]] = []
        pair = self.pair
        pair.grant("-batch", allow("s3:*"))
        lab.server.jobs(held=[pair.name, pair.twin])
        role = f"arn:aws:iam::{ACCOUNT}:role/{pair.name}"
        for s3, name, twin in ((pair.s3, pair.name, pair.twin), (pair.dr, pair.twin, pair.name)):
            s3.put_object(Bucket=name, Key=f"k-{name}")
            rules = [lab.replication_rule(twin)]
            configuration = {"Role": role, "Rules": rules}
            s3.put_bucket_replication(Bucket=name, ReplicationConfiguration=configuration)

    def park(self, priority: int, region: str = REGION) -> None:
        """One more job, which waits for a person's yes."""
        pair = self.pair
        control = self._lab.server.client("s3control", region)
        name = pair.name if region == REGION else pair.twin
        source = {"SourceBucket": f"arn:aws:s3:::{name}"}
        asked = pair.request(None, Generator=source, Priority=priority, ConfirmationRequired=True)
        job = control.create_job(**asked)["JobId"]
        pair.wait(job, "Suspended", control=control)
        self._jobs.append((control, job))

    def confirm(self, *numbers: int) -> None:
        """Say yes to these jobs."""
        for number in numbers:
            control, job = self._jobs[number]
            which = {"AccountId": ACCOUNT, "JobId": job}
            control.update_job_status(**which, RequestedJobStatus="Ready")

    def add(self, priority: int) -> None:
        """One more job, which begins as soon as it can."""
        pair = self.pair
        job = pair.control.create_job(**pair.request(None, Priority=priority))["JobId"]
        self._jobs.append((pair.control, job))

    def last(self) -> dict[str, Any]:
        """The newest job."""
        return self.pair.describe(self._jobs[-1][1])

    def statuses(self) -> list[str]:
        """The status of each job."""
        return [str(self.pair.describe(job, control)["Status"]) for control, job in self._jobs]

    def come_to(self, *statuses: str) -> None:
        """Wait until each job has its status."""
        wanted = list(statuses)
        assert self._lab.eventually(lambda: self.statuses() == wanted, 20), self.statuses()

    def end(self) -> None:
        """Let them go on, and end."""
        self._lab.server.jobs(held=[])
        for control, job in self._jobs:
            self.pair.wait(job, "Complete", control=control)


@pytest.fixture
def held(lab: Lab) -> Iterator[Held]:
    jobs = Held(lab)
    yield jobs
    lab.server.jobs(held=[])


RUN, WAIT = "Active", "Paused"


@shows(open_points.SEVENTH_JOB)
def test_seventh_job(lab: Lab, held: Held, variant: str) -> None:
    for priority in (10, 10, 9, 10, 10, 10, 11):
        held.park(priority)
    held.confirm(*range(6))
    held.come_to(*[RUN] * 6, "Suspended")

    pair, other = held.pair, lab.server.client("s3control", REGION, OTHER)
    if variant == "refused":
        assert code(pair.create, "NONE") == "TooManyRequestsException"
        assert code(other.create_job, **pair.request(AccountId=OTHER)) == "", "another account"

    held.confirm(6)
    held.come_to(RUN, RUN, WAIT, *[RUN] * 4)
    held.end()
    assert code(pair.create, "NONE") == "", "they have ended"


@shows(open_points.WAITS_AS)
def test_waits_as(held: Held, variant: str) -> None:
    held.park(10)
    for _ in range(6):
        held.add(10)
    held.come_to("Suspended", *[RUN] * 6)
    held.confirm(0)
    held.come_to(variant, *[RUN] * 6)  # made first and come last: it takes nobody's place
    held.add(11)
    held.come_to(variant, *[RUN] * 5, WAIT, RUN)
    held.end()


@shows(open_points.PREPARING_COUNTS)
def test_preparing_counts(lab: Lab, held: Held, variant: str) -> None:
    held.park(10)
    lab.server.jobs(step=60)
    for _ in range(6):
        held.add(10)
    if variant == "yes":
        with lab.server.chosen(seventh_job="refused"):
            assert code(held.pair.create, "NONE") == "TooManyRequestsException"
    with lab.server.chosen(seventh_job="paused" if variant == "yes" else "refused"):
        held.add(10)
    lab.server.jobs(step=0.02)
    held.come_to("Suspended", *[RUN] * 6, WAIT)
    assert ("TotalNumberOfTasks" in held.last()["ProgressSummary"]) == (variant == "no")
    held.confirm(0)
    held.end()


@shows(open_points.SIX_JOBS_PER)
def test_six_jobs_per(held: Held, variant: str) -> None:
    for region in (*[REGION] * 6, DR):
        held.park(10, region)
    held.confirm(*range(6))
    held.come_to(*[RUN] * 6, "Suspended")
    held.confirm(6)
    held.come_to(*[RUN] * 6, {"account": WAIT, "region": RUN}[variant])
    held.end()


@shows(open_points.EMPTY_MANIFEST)
def test_empty_manifest(lab: Lab, variant: str) -> None:
    pair = Jobs(lab)
    pair.replicate()
    assert pair.run("NONE")["Status"] == variant


@shows(open_points.CREATION_DATE)
def test_creation_date(lab: Lab, variant: str) -> None:
    name = unique("date")
    s3 = lab.create(name)
    central = lab.server.client("s3", "us-east-1")

    def date(client: Any) -> Any:
        return next(
            b["CreationDate"] for b in client.list_buckets()["Buckets"] if b["Name"] == name
        )

    def moves(edit: Callable[..., Any], **more: Any) -> bool:
        before = date(s3)
        time.sleep(0.002)
        edit(Bucket=name, **more)
        return bool(date(s3) > before)

    created = date(central)
    assert date(s3) == created
    statement = allow("s3:GetObject", resource=f"arn:aws:s3:::{name}/*")
    statement["Principal"] = {"AWS": ACCOUNT}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 9}}
    moved = {
        "policy": moves(s3.put_bucket_policy, Policy=policy),
        "lifecycle": moves(
            s3.put_bucket_lifecycle_configuration, LifecycleConfiguration={"Rules": [rule]}
        ),
        "tags": moves(s3.put_bucket_tagging, Tagging=lab.tag("a=b")),
    }

    reported, every = variant != "none", variant == "every_edit"
    assert moved == {"policy": reported, "lifecycle": reported, "tags": every}
    before = date(s3)
    assert code(s3.put_bucket_tagging, Bucket=name, Tagging=lab.tag("aws:a=b")) == "InvalidTag"
    assert date(s3) == before, "what is refused is no edit"
    assert date(central) == created, "us-east-1 has the true date"
    s3.delete_bucket(Bucket=name)
    lab.create(name)
    assert date(s3) == date(central), "another bucket of the name has a date of its own"


def _events(lab: Lab, name: str, change: Callable[[], object]) -> list[dict[str, Any]]:
    """The events about a bucket that come of a change, whatever their source."""
    with lab.bus(name, pattern={"source": [{"prefix": "aws."}]}) as bus:
        change()
        lab.settle()
        return [event for event in bus.receive() if f":::{name}" in json.dumps(event)]


@pytest.fixture
def tagged(lab: Lab) -> tuple[str, Callable[[], object]]:
    """A bucket, and what tags it through S3 Control."""
    name = unique("tagged")
    lab.create(name)
    control = lab.server.client("s3control", REGION)
    asked = {"AccountId": ACCOUNT, "ResourceArn": f"arn:aws:s3:::{name}"}
    return name, lambda: control.tag_resource(**asked, Tags=lab.tag("a=b")["TagSet"])


@shows(open_points.TAG_RECORD_SOURCE)
def test_tag_record_source(lab: Lab, tagged: Any, variant: str) -> None:
    (event,) = _events(lab, *tagged)
    assert (event["source"], event["detail"]["eventName"]) == (variant, "TagResource")


@shows(open_points.TAG_RECORD_ARN)
def test_tag_record_arn(lab: Lab, tagged: Any, variant: str) -> None:
    (event,) = _events(lab, *tagged)
    arn, record = f"arn:aws:s3:::{tagged[0]}", event["detail"]
    named = [name for name, value in record["requestParameters"].items() if value == arn]
    assert named == ([] if variant == "resources" else [variant])
    assert [resource["ARN"] for resource in record["resources"]] == [arn]


@shows(open_points.TAG_CHANGE_EVENT)
def test_tag_change_event(lab: Lab, tagged: Any, variant: str) -> None:
    name, tag = tagged
    s3 = lab.server.client("s3", REGION)

    def change() -> None:
        tag()
        tag()  # which changes nothing
        s3.put_bucket_tagging(Bucket=name, Tagging=lab.tag("c=d"))

    events = _events(lab, name, change)

    records = [e["detail"]["eventName"] for e in events if e["source"] == "aws.s3"]
    assert sorted(records) == ["PutBucketTagging"] + ["TagResource"] * (
        0 if variant == "instead" else 2
    )
    changes = [event for event in events if event["source"] == "aws.tag"]
    assert len(changes) == (0 if variant == "no" else 2)
    for event, keys, tags in zip(
        changes, (["a"], ["a", "c"]), ({"a": "b"}, {"c": "d"}), strict=False
    ):
        assert event["detail-type"] == "Tag Change on Resource"
        assert event["resources"] == [f"arn:aws:s3:::{name}"]
        assert event["detail"] == {
            "changed-tag-keys": keys,
            "service": "s3",
            "resource-type": "bucket",
            "version": 1,
            "tags": tags,
        }


@shows(open_points.RECORD_VALUES)
def test_record_values(lab: Lab, variant: str) -> None:
    name = unique("values")
    s3 = lab.create(name)
    tags = lab.tag("a=true", "b=12", "c=012", "d=x")

    (event,) = _events(lab, name, lambda: s3.put_bucket_tagging(Bucket=name, Tagging=tags))

    found = event["detail"]["requestParameters"]["Tagging"]["TagSet"]["Tag"]
    as_json = [True, 12, "012", "x"]
    expected = as_json if variant == "json" else ["true", "12", "012", "x"]
    assert [tag["Value"] for tag in found] == expected


REGIONS = (REGION, "cn-north-1", "us-gov-west-1", "eusc-de-east-1")
REFUSING = {"nowhere": (), "eusc": REGIONS[3:], "not_aws": REGIONS[1:]}


@shows(open_points.CREATE_TAGS)
def test_create_tags(lab: Lab, variant: str) -> None:
    def answer(region: str, **more: Any) -> str:
        return code(lab.create, unique("born"), region, **more)

    tags = {"Tags": lab.tag("a=b")["TagSet"]}
    refused = [region for region in REGIONS if answer(region, **tags) == "UnsupportedArgument"]
    assert refused == list(REFUSING[variant])
    assert {answer(region) for region in REGIONS} == {""}


@shows(open_points.CONTROL_TAGS)
def test_control_tags(lab: Lab, variant: str) -> None:
    def answers(region: str) -> set[str]:
        name = unique("control")
        lab.create(name, region)
        control = lab.server.client("s3control", region)
        asked = {"AccountId": ACCOUNT, "ResourceArn": f"arn:aws:s3:::{name}"}
        return {
            code(control.tag_resource, **asked, Tags=lab.tag("a=b")["TagSet"]),
            code(control.untag_resource, **asked, TagKeys=["a"]),
            code(control.list_tags_for_resource, **asked),
        }

    for region in REGIONS:
        refused = "MethodNotAllowed" if region in REFUSING[variant] else ""
        assert answers(region) == {refused}, region


@shows(open_points.CONTROL_NAMES_ACCOUNT)
def test_control_names_account(lab: Lab, variant: str) -> None:
    name = unique("whose")
    lab.create(name)
    asked = {"AccountId": ACCOUNT, "ResourceArn": f"arn:aws:s3:::{name}"}
    tag = {"Tags": lab.tag("a=b")["TagSet"]}

    def answers(test: str, account: str = ACCOUNT) -> set[str]:
        condition = {test: {"s3:ResourceAccount": account}}
        statement = allow("s3:TagResource", "s3:UntagResource", Condition=condition)
        keys = lab.assume(unique("whose"), [statement])
        control = lab.server.client("s3control", REGION, credentials=keys)
        return {
            code(control.tag_resource, **asked, **tag),
            code(control.untag_resource, **asked, TagKeys=["a"]),
        }

    assert answers("StringEquals") == {"" if variant == "yes" else "AccessDenied"}
    assert answers("StringEqualsIfExists") == {""}
    assert answers("StringEqualsIfExists", OTHER) == {"AccessDenied" if variant == "yes" else ""}


@shows(open_points.ACCELERATION)
def test_acceleration(lab: Lab, variant: str) -> None:
    def answers(region: str) -> list[str]:
        name = unique("fast")
        s3 = lab.create(name, region)
        enabled = {"AccelerateConfiguration": {"Status": "Enabled"}}
        return [
            code(s3.put_bucket_accelerate_configuration, Bucket=name, **enabled),
            code(s3.get_bucket_accelerate_configuration, Bucket=name),
        ]

    here, there = {
        "by_partition": ("MethodNotAllowed", "UnsupportedArgument"),
        "nowhere": ("", ""),
    }.get(variant, (variant, variant))
    expected = {REGION: "", "eu-north-1": here, "us-gov-west-1": there, "cn-north-1": there}
    assert {region: answers(region) for region in expected} == {
        region: [answer, answer] for region, answer in expected.items()
    }


@shows(open_points.BLOCKED_ENCRYPTION)
def test_blocked_encryption(lab: Lab, variant: str) -> None:
    name = unique("blocked")
    s3 = lab.create(name)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}

    def blocks() -> bool:
        found = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
        return "SSE-C" in str(found["Rules"][0].get("BlockedEncryptionTypes", ""))

    def put(rule: dict[str, Any]) -> bool:
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
        return blocks()

    assert blocks(), "a new bucket does"
    assert put(rule) == (variant == "left")
    assert put({**rule, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}})
    s3.delete_bucket_encryption(Bucket=name)
    assert blocks() == (variant == "left")


@shows(open_points.STS_REGION)
def test_sts_region(lab: Lab, variant: str) -> None:
    name = unique("role")
    lab.role(name, [], OTHER)
    iam = lab.server.client("iam", REGION, OTHER)
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=document)
    region = {"role": "ap-south-2", "caller": "ca-west-1"}[variant]
    asked = {"RoleArn": f"arn:aws:iam::{OTHER}:role/{name}", "RoleSessionName": "session"}
    caller = lab.server.client("sts", region)
    right, wrong = (OTHER, ACCOUNT) if variant == "role" else (ACCOUNT, OTHER)

    assert code(caller.assume_role, **asked) == "RegionDisabledException"
    lab.server.enable_region(region, wrong)
    assert code(caller.assume_role, **asked) == "RegionDisabledException"
    lab.server.enable_region(region, right)
    assert code(caller.assume_role, **asked) == ""
    assert code(lab.server.client("sts", REGION).assume_role, **asked) == ""
    with pytest.raises(LocalAwsError, match="us-west-2 is no opt-in region"):
        lab.server.enable_region(REGION)


@shows(open_points.TIME_CONTROL)
def test_time_control(lab: Lab, variant: str) -> None:
    name = unique("time")
    s3 = lab.versioned(name, "cn-north-1")
    lab.versioned(f"{name}-dr", "cn-northwest-1")
    rule = lab.replication_rule(f"{name}-dr")
    minutes = {"Minutes": 15}
    rule["Destination"] |= {
        "ReplicationTime": {"Status": "Enabled", "Time": minutes},
        "Metrics": {"Status": "Enabled", "EventThreshold": minutes},
    }
    configuration = {"Role": f"arn:aws:iam::{ACCOUNT}:role/{name}", "Rules": [rule]}

    with pytest.raises(ClientError) as caught:
        s3.put_bucket_replication(Bucket=name, ReplicationConfiguration=configuration)

    error = caught.value.response["Error"]
    told = (error["Code"], "Replication Time Control" in error["Message"])
    assert (
        told
        == {
            "as_listed": ("InvalidRequest", True),
            "other_words": ("InvalidRequest", False),
            "other_code": ("NotImplemented", False),
        }[variant]
    )


# --- replication


@shows(open_points.SOURCE_DATA_KEY)
def test_source_data_key(lab: Lab, variant: str) -> None:
    keys = Keys(Pair(lab))
    keys.pair.grant(*keys.permissions())
    keys.replicate()
    assert keys.put() == {"no": "COMPLETED", "yes": "FAILED"}[variant]
    both = allow("kms:Decrypt", "kms:GenerateDataKey", resource=keys.here)
    keys.pair.grant(*keys.permissions(), both)
    assert keys.put() == "COMPLETED"


@shows(open_points.CHINA_VIA_SERVICE)
def test_china_via_service(lab: Lab, variant: str) -> None:
    region, name = "cn-north-1", unique("via")
    key = lab.server.client("kms", region).create_key()["KeyMetadata"]["Arn"]
    topic = lab.server.client("sns", region).create_topic(
        Name=name, Attributes={"KmsMasterKeyId": key}
    )["TopicArn"]

    def publishes(domain: str) -> bool:
        condition = {"StringEquals": {"kms:ViaService": f"sns.{region}.{domain}"}}
        statements = [allow("sns:Publish"), allow("kms:*", Condition=condition)]
        keys = lab.assume(unique("via"), statements)
        sns = lab.server.client("sns", region, credentials=keys)
        return not code(sns.publish, TopicArn=topic, Message="x")

    domains = open_points.CHINA_VIA_SERVICE.variants
    assert [domain for domain in domains if publishes(domain)] == [variant]


@shows(open_points.ROLE_SOURCE)
def test_role_source(lab: Lab, variant: str) -> None:
    pair = Pair(lab)
    pair.grant(allow(*ALL))
    pair.replicate()
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    source = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": f"arn:aws:s3:::{pair.name}"}
    pair.trust({**trust, "Condition": {"StringEquals": source}})
    assert pair.put() == {"no": "FAILED", "yes": "COMPLETED"}[variant]
    pair.trust({**trust, "Condition": {"StringEqualsIfExists": source}})
    assert pair.put() == "COMPLETED"
    pair.trust({**trust, "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": OTHER}}})
    pair.dr.delete_object(Bucket=pair.twin, Key="k")
    assert pair.put() == {"no": "COMPLETED", "yes": "FAILED"}[variant]


@shows(open_points.LOOKS_AT_DESTINATION)
def test_looks_at_destination(lab: Lab, variant: str) -> None:
    pair = Pair(lab, twin_account=OTHER)
    looks = allow("s3:GetBucketVersioning", "s3:ListBucket")
    refused = variant == "yes"

    def let(role: bool, twin: bool) -> None:
        """Let it look at the twin, by the role's policy and by the twin's."""
        pair.grant(allow(*ALL, resource=[f"arn:aws:s3:::{pair.name}", "arn:aws:s3:::*/*"]))
        if role:
            pair.grant(allow(*ALL), looks)
        arn, whose = f"arn:aws:s3:::{pair.twin}", {"Principal": {"AWS": pair.role}}
        statements = [{**allow(*WRITES, resource=f"{arn}/*"), **whose}]
        statements += [{**looks, "Resource": arn, **whose}] if twin else []
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        pair.dr.put_bucket_policy(Bucket=pair.twin, Policy=document)

    let(role=True, twin=True)
    pair.replicate()
    for role, twin in ((True, False), (False, True)):
        let(role, twin)
        pair.s3.delete_object(Bucket=pair.name, Key="k")
        assert code(pair.replicate) == ("AccessDenied" if refused else ""), (role, twin)
        assert pair.put() == ("FAILED" if refused else "COMPLETED"), (role, twin)
    let(role=True, twin=True)
    pair.replicate()
    assert pair.put() == "COMPLETED"


def _markers(pair: Any) -> tuple[Any, Any]:
    """The delete marker of the source, and that of the twin."""
    here, there = (
        s3.list_object_versions(Bucket=name)["DeleteMarkers"]
        for s3, name in ((pair.s3, pair.name), (pair.dr, pair.twin))
    )
    assert len(here) == len(there) == 1
    return here[0], there[0]


@pytest.fixture
def marked(lab: Lab) -> Jobs:
    """A pair whose source has an object with a delete marker, and a rule that came later."""
    pair = Jobs(lab)
    pair.put("k")
    pair.s3.delete_object(Bucket=pair.name, Key="k")
    pair.replicate()
    return pair


@shows(open_points.MARKER_ID)
def test_marker_id(marked: Jobs, variant: str) -> None:
    for _ in range(2):  # a second copy makes no second marker
        marked.run()
        here, there = _markers(marked)
        assert (here["VersionId"] == there["VersionId"]) == (variant == "same")
    assert there["IsLatest"]
    assert marked.run("COMPLETED")["Status"] == "Complete"
    assert _markers(marked)[1]["VersionId"] == there["VersionId"]


@shows(open_points.MARKER_DATE)
def test_marker_date(marked: Jobs, variant: str) -> None:
    time.sleep(0.005)
    new = marked.put("k", b"new")
    marked.run("NONE")
    here, there = _markers(marked)
    dates = here["LastModified"], there["LastModified"]
    assert dates[0] == dates[1] if variant == "same" else dates[0] < dates[1]
    assert marked.dr.head_object(Bucket=marked.twin, Key="k")["VersionId"] == new


@shows(open_points.NULL_REPLICA_ID)
def test_null_replica_id(lab: Lab, variant: str) -> None:
    pair = Jobs(lab, versioned=False)
    pair.put("k", b"null")
    pair.s3.put_bucket_versioning(Bucket=pair.name, VersioningConfiguration={"Status": "Enabled"})
    pair.replicate()
    pair.run("NONE")
    pair.run("COMPLETED")
    (version,) = pair.dr.list_object_versions(Bucket=pair.twin)["Versions"]
    assert (version["VersionId"] == "null") == (variant == "null")
    read = pair.dr.get_object(Bucket=pair.twin, Key="k", VersionId=version["VersionId"])
    assert read["Body"].read() == b"null"


@shows(open_points.LATE_REPLICA)
def test_late_replica(lab: Lab, variant: str) -> None:
    pair = Jobs(lab)
    old = pair.put("k", b"old")
    pair.replicate()
    new = pair.put("k", b"new")
    pair.run("NONE")
    versions = [v["VersionId"] for v in pair.dr.list_object_versions(Bucket=pair.twin)["Versions"]]
    assert versions == {"by_creation": [new, old], "by_arrival": [old, new]}[variant]
    assert pair.dr.head_object(Bucket=pair.twin, Key="k")["VersionId"] == versions[0]


@shows(open_points.REPLICA_ETAG)
def test_replica_etag(lab: Lab, variant: str) -> None:
    keys = Keys(Pair(lab))
    pair = keys.pair
    pair.grant(allow("s3:*", "kms:*"))
    keys.replicate()

    def same() -> bool:
        heads = (
            s3.head_object(Bucket=name, Key="k")
            for s3, name in ((pair.s3, pair.name), (pair.dr, pair.twin))
        )
        here, there = (head["ETag"] for head in heads)
        return bool(here == there)

    pair.put()
    assert same(), "that of SSE-S3 is an MD5"
    for algorithm in ("aws:kms", "aws:kms:dsse"):
        keys.put(algorithm)
        assert same() == (variant == "same"), algorithm
    upload = pair.s3.create_multipart_upload(Bucket=pair.name, Key="k")["UploadId"]
    which = {"Bucket": pair.name, "Key": "k", "UploadId": upload}
    etag = pair.s3.upload_part(**which, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"ETag": etag, "PartNumber": 1}]}
    pair.s3.complete_multipart_upload(**which, MultipartUpload=parts)
    assert same() == (variant == "same")


@shows(open_points.REPLICA_CREATED)
def test_replica_created(lab: Lab, variant: str) -> None:
    pair = Pair(lab)
    pair.grant(allow(*ALL))
    pair.replicate()
    arn = f"arn:aws:sqs:{DR}:{ACCOUNT}:{pair.name}"
    sqs = lab.server.client("sqs", DR)
    policy = lab.queue_policy(arn, f"arn:aws:s3:::{pair.twin}", "s3")
    url = sqs.create_queue(QueueName=pair.name, Attributes={"Policy": policy})["QueueUrl"]
    queue = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
    pair.dr.put_bucket_notification_configuration(
        Bucket=pair.twin, NotificationConfiguration={"QueueConfigurations": [queue]}
    )
    told: list[str] = []

    def heard(key: str) -> bool:
        for body in lab.receive(sqs, url):
            told.extend(r["s3"]["object"]["key"] for r in json.loads(body).get("Records", []))
        return key in told

    assert pair.put() == "COMPLETED"
    pair.dr.put_object(Bucket=pair.twin, Key="last")

    assert lab.eventually(lambda: heard("last"))
    if variant == "yes":
        assert lab.eventually(lambda: heard("k"))
    assert sorted(told) == (["k", "last"] if variant == "yes" else ["last"])


@shows(open_points.UNKNOWN_VERSION_MARKER)
def test_unknown_version_marker(lab: Lab, variant: str) -> None:
    name = unique("marker")
    s3 = lab.versioned(name)
    for key in ("a", "b", "b", "c"):
        s3.put_object(Bucket=name, Key=key)

    def listed(marker: str) -> list[str]:
        page = s3.list_object_versions(Bucket=name, KeyMarker="b", VersionIdMarker=marker)
        return [version["Key"] for version in page["Versions"]]

    known = s3.head_object(Bucket=name, Key="b")["VersionId"]
    assert listed(known) == ["b", "c"]
    if variant == "refused":
        assert code(listed, "unknown") == "InvalidArgument"
    else:
        assert listed("unknown") == {"next_key": ["c"], "whole_key": ["b", "b", "c"]}[variant]
