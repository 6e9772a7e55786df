"""The sweep on the local AWS: it finds the buckets, asks for their checks, and lets all go."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from functional.living import direct
from functional.payload import (
    ACCOUNT,
    Context,
    Functions,
    World,
    environment,
    event,
    hear,
    restart,
)
from s3_dr import handlers
from s3_dr.aws import Clients
from s3_dr.sweep import SweepError

pytest_plugins = ["functional.payload", "functional.living"]

pytestmark = pytest.mark.usefixtures("either_world")

SOURCE, DR = "eu-west-3", "eu-north-1"
ENABLE = f"arn:aws:lambda:{SOURCE}:{ACCOUNT}:function:s3-dr-enable-replication"
SCHEDULED = {
    "version": "0",
    "id": "e-1",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": ACCOUNT,
    "region": SOURCE,
    "resources": [f"arn:aws:events:{SOURCE}:{ACCOUNT}:rule/s3-dr-sweep"],
    "detail": {},
}
RELEASE = {"source": "s3-dr", "detail-type": "Release Requested"}
LOOK = {"source": "s3-dr", "detail-type": "Sweep Look Requested"}


class Deployed:
    """An installation of its own, with tags and a name that no other test has."""

    def __init__(
        self, functions: Functions, world: World, lab: Any, patch: pytest.MonkeyPatch
    ) -> None:
        self.functions, self.world, self.lab, self._patch = functions, world, lab, patch
        word = uuid.uuid4().hex[:10]
        self.name, self.tags = f"n-{word}", {"sweep": word}
        world.source_region, world.dr_region = SOURCE, DR
        world.topics()
        self.reports = world.bucket(f"reports-{word}")
        self.deploy()
        self.queue = self._listen(word)

    def deploy(self, *sets: Mapping[str, str]) -> None:
        """Deploy anew, with these tag sets."""
        profile = {"name": "standard", "match_tags": list(sets) or [self.tags]}
        variables = environment(
            SOURCE,
            DR,
            ENABLE_REPLICATION_ARN=ENABLE,
            MODULE_NAME=self.name,
            PROFILES=json.dumps([profile]),
            REPORTS_BUCKET=self.reports,
        )
        for name, value in variables.items():
            self._patch.setenv(name, value)
        # Lambda's part: what is invoked runs here.
        functions = SimpleNamespace(invoke=self._invoke)
        self._patch.setattr(Clients, "source_functions", functions)
        restart()

    def _invoke(self, **asked: Any) -> Any:
        assert asked["FunctionName"] == ENABLE
        told = handlers.enable_replication(json.loads(asked["Payload"]), Context())
        return {"Payload": io.BytesIO(json.dumps(told).encode())}

    def _listen(self, word: str) -> str:
        sqs, events = (self.world.client(each, SOURCE, ACCOUNT) for each in ("sqs", "events"))
        arn, rule = f"arn:aws:sqs:{SOURCE}:{ACCOUNT}:q-{word}", f"r-{word}"
        rule_arn = f"arn:aws:events:{SOURCE}:{ACCOUNT}:rule/{rule}"
        attributes = {"Policy": self.lab.queue_policy(arn, rule_arn)}
        url = sqs.create_queue(QueueName=f"q-{word}", Attributes=attributes)["QueueUrl"]
        events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["s3-dr"]}))
        events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": arn}])
        return str(url)

    def close(self) -> None:
        """Listen no more."""
        events, rule = self.world.client("events", SOURCE, ACCOUNT), f"r-{self.tags['sweep']}"
        events.remove_targets(Rule=rule, Ids=["q"])
        events.delete_rule(Name=rule)

    def bucket(self, *, protected: bool = False, **tags: str) -> str:
        """A new bucket, tagged unless told otherwise."""
        name = self.world.bucket(tags=tags or self.tags, versioning="Enabled")
        if protected:
            assert self.functions.protect(event("put_bucket_tagging", name))[-1]["outcome"] == (
                "protected"
            )
        return name

    def sweep(self, sent: object = SCHEDULED, seconds: float = 900.0) -> Any:
        """What the function answers."""
        return handlers.sweep(sent, Context(seconds))

    def heard(self, number: int) -> list[Any]:
        """So many events of the bus, and no more."""
        sqs = self.world.client("sqs", SOURCE, ACCOUNT)
        found: list[Any] = []

        def more() -> bool:
            bodies = self.lab.receive(sqs, self.queue)
            found.extend(json.loads(body) for body in bodies)
            return len(found) >= number

        self.lab.eventually(more)
        more()
        assert len(found) == number, found
        return found

    def leaving(self) -> Any:
        """What is said of a destroy."""
        found = self.world.s3().get_object(Bucket=self.reports, Key="leaving.json")
        return json.loads(found["Body"].read())

    def rule(self, bucket: str) -> Any:
        """Our rule; None without one."""
        s3 = self.world.s3()
        try:
            rules = self.world.replication(bucket)["Rules"]
        except s3.exceptions.ClientError:
            return None
        return next((rule for rule in rules if rule["ID"] == self.name), None)


@pytest.fixture
def deployed(
    functions: Functions, on_local_aws: World, lab: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployed]:
    monkeypatch.setattr("s3_dr.sweep._SPREADING", 0)
    made = Deployed(functions, on_local_aws, lab, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def trail(deployed: Deployed) -> Iterator[str]:
    """A trail that logs."""
    name = f"t-{deployed.tags['sweep']}"
    arn = f"arn:aws:cloudtrail:{SOURCE}:{ACCOUNT}:trail/{name}"
    bucket = deployed.world.bucket(f"logs-{deployed.tags['sweep']}")
    service = {"Service": "cloudtrail.amazonaws.com"}
    rows = [
        {
            "Effect": "Allow",
            "Principal": service,
            "Action": action,
            "Resource": f"arn:aws:s3:::{bucket}{rest}",
            "Condition": {"StringEquals": {"aws:SourceArn": arn}},
        }
        for action, rest in (("s3:GetBucketAcl", ""), ("s3:PutObject", f"/AWSLogs/{ACCOUNT}/*"))
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": rows})
    deployed.world.s3().put_bucket_policy(Bucket=bucket, Policy=policy)
    cloudtrail = deployed.world.client("cloudtrail", SOURCE, ACCOUNT)
    cloudtrail.create_trail(Name=name, S3BucketName=bucket)
    cloudtrail.start_logging(Name=name)
    yield name
    cloudtrail.delete_trail(Name=name)


# --- sweeping ----------------------------------------------------------------


def test_a_schedule_has_every_tagged_bucket_checked(deployed: Deployed, trail: str) -> None:
    buckets = sorted(deployed.bucket() for _ in range(12))
    deployed.bucket(sweep="another")
    deployed.functions.calls.clear()

    report = deployed.sweep()

    assert (report["outcome"], report["buckets"], report["sent"]) == ("swept", 12, 12)
    assert report["trail"]["status"] == "ok" and trail in report["trail"]["trails"]
    heard = deployed.heard(12)
    assert sorted(each["detail"]["bucket"] for each in heard) == buckets
    assert {each["detail-type"] for each in heard} == {"Bucket Check Requested"}
    assert deployed.functions.writes == ["PutEvents", "PutEvents"], "no bucket is touched"
    [line] = [line for line in deployed.functions.log_lines() if line.get("function") == "sweep"]
    assert (line["level"], line["sent"], line["outcome"]) == ("INFO", 12, "swept")


def test_what_it_asks_for_the_first_function_understands(deployed: Deployed, trail: str) -> None:
    bucket = deployed.bucket()
    deployed.sweep()
    [heard] = deployed.heard(1)

    results = deployed.functions.protect(heard)

    assert [result["outcome"] for result in results] == ["passed_on", "passed_on", "protected"]
    assert results[-1]["bucket"] == bucket


def test_a_sweep_finds_who_was_missed_when_tagged_and_when_untagged(
    deployed: Deployed, trail: str
) -> None:
    kept, lost = deployed.bucket(protected=True), deployed.bucket(protected=True)
    deployed.world.s3().delete_bucket_tagging(Bucket=lost)
    late = deployed.bucket()

    report = deployed.sweep()

    assert report["orphans"] == [
        {"twin": f"{lost}-dr", "source": lost, "reason": "SOURCE_UNTAGGED"}
    ]
    for heard in deployed.heard(3):
        deployed.functions.protect(heard)
    assert deployed.rule(kept)["Status"] == deployed.rule(late)["Status"] == "Enabled"
    assert deployed.rule(lost)["Status"] == "Disabled"


def test_each_tag_set_finds_its_own(deployed: Deployed, trail: str) -> None:
    word = deployed.tags["sweep"]
    deployed.deploy({"sweep": word, "tier": "gold"}, {"SWEEP": word})
    both, other = deployed.bucket(sweep=word, tier="gold", x="y"), deployed.bucket(SWEEP=word)
    deployed.bucket(sweep=word)
    deployed.bucket(sweep=word, tier="Gold")

    assert deployed.sweep(LOOK)["buckets"] == sorted([both, other])


def test_a_source_that_is_gone_is_not_asked_for(deployed: Deployed, trail: str) -> None:
    bucket = deployed.bucket(protected=True)
    deployed.world.s3().delete_bucket(Bucket=bucket)

    report = deployed.sweep()

    assert (report["sent"], report["buckets"]) == (0, 0)
    assert report["orphans"] == [
        {"twin": f"{bucket}-dr", "source": bucket, "reason": "SOURCE_GONE"}
    ]
    deployed.heard(0)


def test_a_look_is_a_look(deployed: Deployed, trail: str) -> None:
    tagged, lost = deployed.bucket(protected=True), deployed.bucket(protected=True)
    deployed.world.s3().delete_bucket_tagging(Bucket=lost)
    deployed.functions.calls.clear()

    found = deployed.sweep(LOOK)

    assert found["buckets"] == [tagged]
    assert found["released"] == [lost]
    assert [each["source"] for each in found["orphans"]] == [lost]
    assert found["trail"]["status"] == "ok"
    assert found["errors"] == []
    assert not {"PutEvents", *deployed.functions.writes} & set(deployed.functions.operations)


def test_a_sweep_cut_short_goes_on_there(deployed: Deployed, trail: str) -> None:
    buckets = sorted(deployed.bucket() for _ in range(12))
    places = deployed.world.s3()
    places.put_object(
        Bucket=deployed.reports,
        Key="sweep.json",
        Body=json.dumps({"after": buckets[9]}).encode(),
    )

    assert deployed.sweep()["sent"] == 2

    assert sorted(each["detail"]["bucket"] for each in deployed.heard(2)) == buckets[10:]
    body = places.get_object(Bucket=deployed.reports, Key="sweep.json")["Body"].read()
    assert not json.loads(body).get("after")
    assert deployed.sweep()["sent"] == 12


# --- the trail ---------------------------------------------------------------


def test_without_a_trail_the_sweep_says_so_and_works(deployed: Deployed) -> None:
    deployed.bucket()

    report = deployed.sweep()

    assert (report["outcome"], report["reason"]) == ("blocked", "NO_TRAIL")
    assert SOURCE in report["remedy"]
    deployed.heard(1)
    line = deployed.functions.log_lines()[-1]
    assert (line["level"], line["reason"]) == ("ERROR", "NO_TRAIL")


def test_a_trail_that_stopped_or_hears_no_writes_is_none(deployed: Deployed, trail: str) -> None:
    cloudtrail = deployed.world.client("cloudtrail", SOURCE, ACCOUNT)

    def seen() -> str:
        return str(deployed.sweep(LOOK)["trail"]["status"])

    def select(**selector: object) -> None:
        cloudtrail.put_event_selectors(TrailName=trail, EventSelectors=[selector])

    assert seen() == "ok"
    select(ReadWriteType="ReadOnly", IncludeManagementEvents=True)
    assert seen() == "missing"
    select(ReadWriteType="WriteOnly", IncludeManagementEvents=True)
    assert seen() == "ok"
    select(ReadWriteType="All", IncludeManagementEvents=False)
    assert seen() == "missing"
    select(ReadWriteType="All", IncludeManagementEvents=True)
    cloudtrail.stop_logging(Name=trail)
    assert seen() == "missing"


@pytest.mark.parametrize("operation", ["DescribeTrails", "GetTrailStatus", "GetEventSelectors"])
def test_a_trail_nobody_may_look_at_is_unknown(
    deployed: Deployed, trail: str, local_aws: Any, operation: str
) -> None:
    fault = {"operation": operation, "code": "AccessDeniedException", "status": 400, "times": 1}
    local_aws.faults([fault])

    report = deployed.sweep()

    assert (report["outcome"], report["trail"]["status"]) == ("swept", "unknown")
    assert "AccessDeniedException" in report["trail"]["detail"]


# --- what is refused ---------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "code", "status"),
    [
        ("GetResources", "AccessDeniedException", 400),
        ("ListBuckets", "AccessDenied", 403),
        ("ListObjectsV2", "AccessDenied", 403),
    ],
)
def test_a_denied_query_fails_the_sweep_after_the_rest(
    deployed: Deployed, trail: str, local_aws: Any, operation: str, code: str, status: int
) -> None:
    bucket = deployed.bucket(protected=True)
    fault = {"operation": operation, "code": code, "status": status, "times": 1}
    local_aws.faults([fault])

    with pytest.raises(SweepError, match=code):
        deployed.sweep()

    assert [each["detail"]["bucket"] for each in deployed.heard(1)] == [bucket]
    line = deployed.functions.log_lines()[-1]
    assert (line["level"], line["outcome"], line["sent"]) == ("ERROR", "failed", 1)


def test_no_time_is_a_failure(deployed: Deployed, trail: str) -> None:
    deployed.bucket()

    with pytest.raises(SweepError, match="no time"):
        deployed.sweep(seconds=10.0)

    deployed.heard(0)


# --- Terraform ---------------------------------------------------------------


@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_adopting_only_asks(deployed: Deployed, action: str) -> None:
    deployed.bucket()
    sent = {**direct("Sweep Requested"), "wait": False, "tf": {"action": action}}

    assert deployed.sweep(sent) == {}

    [heard] = deployed.heard(1)
    assert (heard["source"], heard["detail-type"], heard["detail"]) == (
        "s3-dr",
        "Sweep Requested",
        {},
    )
    assert deployed.functions.operations == ["PutObject", "PutEvents"]
    assert deployed.leaving() == {}, "nobody leaves"


def test_adopting_waits_for_what_iam_does_not_know_yet(deployed: Deployed, local_aws: Any) -> None:
    """The roles of a first apply are moments old."""
    codes = {"PutObject": "AccessDenied", "PutEvents": "AccessDeniedException"}
    local_aws.faults(
        [{"operation": each, "code": codes[each], "status": 403, "times": 2} for each in codes]
    )
    sent = {**direct("Sweep Requested"), "wait": False, "tf": {"action": "create"}}

    assert deployed.sweep(sent) == {}

    deployed.heard(1)
    assert deployed.leaving() == {}
    assert deployed.functions.operations == ["PutObject"] * 3 + ["PutEvents"] * 3


@pytest.mark.parametrize("action", ["create", "update"])
def test_making_or_changing_the_release_does_nothing(deployed: Deployed, action: str) -> None:
    bucket = deployed.bucket(protected=True)
    deployed.functions.calls.clear()

    assert deployed.sweep({**RELEASE, "tf": {"action": action, "prev_input": None}}) == {}

    assert deployed.functions.operations == []
    assert deployed.rule(bucket)["Status"] == "Enabled"


DESTROY = {**RELEASE, "tf": {"action": "delete"}}


@pytest.mark.parametrize("sent", [RELEASE, DESTROY], ids=["asked", "destroy"])
def test_destroying_releases_all(deployed: Deployed, sent: Any) -> None:
    tagged, lost = deployed.bucket(protected=True), deployed.bucket(protected=True)
    deployed.world.s3().delete_bucket_tagging(Bucket=lost)
    deployed.bucket()
    gone = deployed.bucket(protected=True)
    deployed.world.s3().delete_bucket(Bucket=gone)

    assert deployed.sweep(sent) == {"outcome": "released", "released": 2, "left": []}

    assert deployed.rule(tagged) is deployed.rule(lost) is None
    assert deployed.sweep(sent)["released"] == 0
    deployed.heard(0)


def test_what_cannot_be_released_stops_the_destroying(deployed: Deployed, local_aws: Any) -> None:
    good, bad = deployed.bucket(protected=True), deployed.bucket(protected=True)
    fault = {"operation": "DeleteBucketReplication", "code": "AccessDenied", "status": 403}
    local_aws.faults([{**fault, "bucket": bad, "times": 5}])

    with pytest.raises(SweepError, match=rf"{bad} \(AccessDenied\)"):
        deployed.sweep({**RELEASE, "tf": {"action": "delete"}})

    assert deployed.rule(good) is None
    assert deployed.rule(bad)["Status"] == "Enabled"
    local_aws.faults([])
    assert deployed.sweep(RELEASE)["released"] == 1


def test_while_a_destroy_runs_no_rule_is_put(deployed: Deployed) -> None:
    bucket = deployed.bucket(protected=True)
    assert deployed.sweep(DESTROY)["outcome"] == "released"
    assert deployed.leaving()["since"]

    last = deployed.functions.protect(event("put_bucket_tagging", bucket))[-1]

    assert (last["outcome"], last["reason"]) == ("ignored", "LEAVING")
    assert deployed.rule(bucket) is None
    deployed.sweep({**direct("Sweep Requested"), "wait": False})
    assert deployed.leaving() == {}, "and whoever comes back is heard again"
    last = deployed.functions.protect(event("put_bucket_tagging", bucket))[-1]
    assert last["outcome"] == "protected"
    assert deployed.rule(bucket)["Status"] == "Enabled"


def test_a_check_under_way_leaves_no_rule_behind_a_destroy(deployed: Deployed) -> None:
    bucket = deployed.bucket(protected=True)
    deployed.world.s3().delete_bucket_replication(Bucket=bucket)
    waiting, told = [DESTROY], []

    def destroy(**_: object) -> None:
        if waiting:
            told.append(deployed.sweep(waiting.pop()))

    client = handlers._runtime()[1].source_s3
    hear(client, "before-call.s3.PutBucketReplication", destroy)

    last = deployed.functions.protect(event("delete_bucket_replication", bucket))[-1]

    assert told == [{"outcome": "released", "released": 0, "left": []}]
    assert last["outcome"] == "released"
    assert deployed.rule(bucket) is None


def test_a_rule_that_was_put_beside_the_first_release_goes_with_the_second(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = deployed.bucket(protected=True)
    s3, invoke = deployed.world.s3(), deployed._invoke
    live = deployed.world.replication(bucket)
    times: list[int] = []

    def invoked(**asked: Any) -> Any:
        answer = invoke(**asked)
        if not times:
            configuration = {name: live[name] for name in ("Role", "Rules")}
            s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=configuration)
        times.append(1)
        return answer

    monkeypatch.setattr(Clients, "source_functions", SimpleNamespace(invoke=invoked))

    assert deployed.sweep(DESTROY) == {"outcome": "released", "released": 2, "left": []}

    assert len(times) == 2
    assert deployed.rule(bucket) is None


# --- anything else -----------------------------------------------------------


@pytest.mark.parametrize(
    "wish",
    [
        "Bucket Check Requested",
        "Bucket Release Requested",
        "release requested",
        "",
        "x" * 100_000,
        None,
        7,
        ["Release Requested"],
        {"a": "Release Requested"},
    ],
    ids=lambda wish: repr(wish)[:30],
)
def test_an_unknown_wish_is_refused_in_a_sentence(deployed: Deployed, wish: object) -> None:
    deployed.bucket(protected=True)
    deployed.functions.calls.clear()

    with pytest.raises(SweepError, match="not something that a sweep does") as caught:
        deployed.sweep({"source": "s3-dr", "detail-type": wish})

    assert len(str(caught.value)) < 300
    assert deployed.functions.operations == []


def nested(depth: int) -> Any:
    found: Any = "Release Requested"
    for _ in range(depth):
        found = [found]
    return found


def test_a_bottomless_wish_is_refused_in_a_sentence(deployed: Deployed) -> None:
    with pytest.raises(SweepError, match="not something that a sweep does"):
        deployed.sweep({"source": "s3-dr", "detail-type": nested(100_000)})


@pytest.mark.parametrize(
    "tf", [None, [], "delete", 7, {"action": None}, {"action": ["delete"]}, {}], ids=repr
)
def test_odd_words_of_terraform_never_break_a_look(deployed: Deployed, tf: object) -> None:
    bucket = deployed.bucket()

    assert deployed.sweep({**LOOK, "tf": tf})["buckets"] == [bucket]
