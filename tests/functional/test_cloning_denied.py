"""One call is refused, then another: its property fails and says so, and nothing else does.

What is refused is never taken for "not configured", nor, afterwards, for somebody else's work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functional.clonable import CASES, HANDS, Case, Sides, line
from functional.payload import (
    DR_REGION,
    TRIGGER,
    Functions,
    Result,
    World,
    fault,
    profiles,
    troubles,
)
from s3_dr import handlers
from s3_dr.cloning.engine import NotCloned
from s3_dr.profiles import CLONABLE

pytest_plugins = ["functional.payload", "functional.clonable"]

EVERYTHING = {case.name: case for case in reversed(CASES) if not case.label}
# What follows Get, Put or Delete in the names of the calls, and what comes before it in others.
NOUNS = {
    "abac": "BucketAbac",
    "accelerate": "BucketAccelerateConfiguration",
    "acl": "BucketAcl",
    "analytics": "BucketAnalyticsConfiguration",
    "cors": "BucketCors",
    "intelligent_tiering": "BucketIntelligentTieringConfiguration",
    "inventory": "BucketInventoryConfiguration",
    "lifecycle": "BucketLifecycleConfiguration",
    "logging": "BucketLogging",
    "metrics": "BucketMetricsConfiguration",
    "notifications": "BucketNotificationConfiguration",
    "ownership": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "request_payment": "BucketRequestPayment",
    "website": "BucketWebsite",
}
SEVERAL = ("analytics", "intelligent_tiering", "inventory", "metrics")
DELETED = {name: f"Delete{NOUNS[name]}" for name in ("cors", "website", *SEVERAL)} | {
    "lifecycle": "DeleteBucketLifecycle"
}
ALWAYS = 99


def reading(name: str) -> str:
    """The call that reads a property."""
    return f"List{NOUNS[name]}s" if name in SEVERAL else f"Get{NOUNS[name]}"


class Three:
    """A source and its twin, and three properties: one, and two that come before and after it."""

    def __init__(
        self,
        functions: Functions,
        world: World,
        names: Sides,
        monkeypatch: pytest.MonkeyPatch,
        local_aws: Any,
        case: Case,
    ) -> None:
        self.functions, self.world, self.names, self.case = functions, world, names, case
        self.local_aws, self.monkeypatch = local_aws, monkeypatch
        near = [name for name in ("cors", "lifecycle", "website") if name != case.name][:2]
        self.near = [EVERYTHING[name] for name in near]
        clone = [case.name, *case.also, *near]
        monkeypatch.setenv("PROFILES", profiles(clone=clone))
        monkeypatch.setenv("TRANSLATIONS", names.translations)
        self.bucket = world.bucket(tags=TRIGGER, **case.bucket)
        self.twin = f"{self.bucket}-dr"

    def configure(self, case: Case, value: Any) -> None:
        case.hand.put(self.world.s3(), self.bucket, self.names.on_source(value, self.bucket))

    def on_twin(self, case: Case) -> Any:
        return case.hand.get(self.world.s3(DR_REGION), self.twin)

    def expected(self, template: Any) -> Any:
        return self.names.on_twin(template, self.bucket)

    def check(self) -> Result:
        self.functions.calls.clear()
        return self.functions.check_destination(self.bucket)

    def refuse(self, *faults: dict[str, Any]) -> Result:
        """A check during which these calls are refused: one property fails. Gives the record."""
        self.local_aws.faults(list(faults))
        with pytest.raises(NotCloned, match=rf"{self.case.name} \(AccessDenied\)"):
            self.check()
        self.local_aws.faults([])
        return self.failed_record()

    def failed_record(self) -> Result:
        record = self.functions.log_lines()[-1]
        assert (record["level"], record["outcome"]) == ("ERROR", "failed")
        assert record["reason"] == "NotCloned"
        assert not troubles(record), "a refusal is nobody's drift"
        failed = [each for each in record["properties"] if each["outcome"] == "failed"]
        assert [each["property"] for each in failed] == [self.case.name], "it alone"
        assert failed[0]["reason"] == "AccessDenied"
        assert "AccessDenied" in failed[0]["notes"][-1]
        assert self.functions.operations.count("Publish") == 1, "the copies come first"
        return record

    def assert_twin_has(self, case: Case, template: Any, why: str = "") -> None:
        found, expected = self.on_twin(case), self.expected(template)
        assert found == expected, f"{case.name} of {self.twin} is another{why and ': ' + why}"

    def mended(self, value: Any) -> None:
        """The next check makes all right, and nobody is blamed."""
        result = self.check()
        assert result["outcome"] == "passed_on", result
        assert not troubles(result), troubles(result)
        self.assert_twin_has(self.case, value)
        result = self.check()
        assert self.functions.writes == [], f"all of {self.twin} is as it should be"
        assert not troubles(result), troubles(result)


@pytest.fixture
def three(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
    local_aws: Any,
    name: str,
) -> Three:
    case = EVERYTHING[name]
    return Three(functions, on_local_aws, one_account, monkeypatch, local_aws, case)


def test_each_property_has_its_calls() -> None:
    assert {*NOUNS, "tags"} == CLONABLE


class All:
    """A source and its twin, and all properties of which each call can be refused."""

    def __init__(
        self, functions: Functions, world: World, names: Sides, local_aws: Any, values: Any
    ) -> None:
        self.functions, self.world, self.names, self.local_aws = functions, world, names, local_aws
        self.bucket = world.bucket(tags=TRIGGER)
        self.twin = f"{self.bucket}-dr"
        self.configure(values)

    def configure(self, values: Mapping[str, Any]) -> None:
        """Put them on the source; ACLs need their ownership first, and need it no more last."""
        ordered = sorted(values, key=lambda name: name != "ownership")
        if values["acl"] is None:
            ordered.reverse()
        for name in ordered:
            value = self.names.on_source(values[name], self.bucket)
            HANDS[name].put(self.world.s3(), self.bucket, value)

    def assert_on_twin(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            found = HANDS[name].get(self.world.s3(DR_REGION), self.twin)
            assert found == self.names.on_twin(value, self.bucket), f"{name} of {self.twin}"

    def refuse(self, where: str, operations: Mapping[str, str]) -> None:
        """A check during which these calls on a bucket are refused: each fails its property."""
        self.local_aws.faults(
            [fault(each, where, "AccessDenied", 403, times=ALWAYS) for each in operations.values()]
        )
        try:
            self.functions.check_destination(self.bucket)
        except NotCloned:
            pass
        else:
            pytest.fail(f"the check of {self.bucket} ended well: {sorted(operations)} were refused")
        finally:
            self.local_aws.faults([])
        record = self.functions.log_lines()[-1]
        assert not troubles(record), "a refusal is nobody's drift"
        for name, operation in operations.items():
            found = line(record, name)
            assert (found["outcome"], found.get("reason")) == ("failed", "AccessDenied"), (
                f"{operation} on {where} was refused: {found}"
            )
            assert "AccessDenied" in found["notes"][-1], found

    def mended(self, values: Mapping[str, Any]) -> None:
        """The next check makes all right, and nobody is blamed."""
        result = self.functions.check_destination(self.bucket)
        assert result["outcome"] == "passed_on", result
        assert not troubles(result), troubles(result)
        self.assert_on_twin(values)
        self.functions.calls.clear()
        assert not troubles(self.functions.check_destination(self.bucket))
        assert self.functions.writes == [], f"all of {self.twin} is as it should be"


# Of each property: what a source has, what that is on the twin, and what it has later.
VALUES = {name: EVERYTHING[name].value for name in NOUNS}
ON_TWIN = {name: EVERYTHING[name].on_twin for name in NOUNS}
CHANGES = {name: EVERYTHING[name].change for name in NOUNS}
NOTHING: dict[str, Any] = dict.fromkeys(NOUNS)


@pytest.fixture
def everything(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
    local_aws: Any,
) -> All:
    monkeypatch.setenv("PROFILES", profiles(clone=sorted(NOUNS)))
    monkeypatch.setenv("TRANSLATIONS", one_account.translations)
    return All(functions, on_local_aws, one_account, local_aws, VALUES)


def test_what_may_not_be_read_of_a_source_is_neither_written_nor_removed(everything: All) -> None:
    reads = {name: reading(name) for name in NOUNS}

    everything.refuse(everything.bucket, reads)

    everything.assert_on_twin(NOTHING)
    everything.mended(ON_TWIN)

    everything.configure(NOTHING)
    everything.refuse(everything.bucket, reads)
    everything.assert_on_twin(ON_TWIN)
    everything.mended(NOTHING)


def test_what_may_not_be_read_of_a_twin_is_not_written(everything: All) -> None:
    everything.functions.check_destination(everything.bucket)
    # What goes with ACLs goes with their ownership.
    changes = {**CHANGES, "ownership": VALUES["ownership"]}
    everything.configure(changes)

    # Without the twin's policy nothing is done at all.
    everything.refuse(everything.twin, {name: reading(name) for name in NOUNS if name != "policy"})

    everything.assert_on_twin({**ON_TWIN, "policy": CHANGES["policy"]})
    everything.mended(changes)


def test_what_may_not_be_written_to_a_twin_is_written_later(everything: All) -> None:
    everything.configure(NOTHING)
    everything.functions.check_destination(everything.bucket)
    everything.configure(VALUES)

    everything.refuse(everything.twin, {name: f"Put{NOUNS[name]}" for name in NOUNS})

    everything.assert_on_twin(NOTHING)
    everything.mended(ON_TWIN)


def test_what_may_not_be_taken_away_from_a_twin_is_taken_away_later(everything: All) -> None:
    everything.functions.check_destination(everything.bucket)
    everything.configure(NOTHING)
    calls = {name: DELETED.get(name, f"Put{NOUNS[name]}") for name in NOUNS}

    everything.refuse(everything.twin, calls)

    everything.assert_on_twin(ON_TWIN)
    everything.mended(NOTHING)


# --- it alone ----------------------------------------------------------------

# Of how one failure leaves the others alone: one piece, several, and the two that are shared.
ALONE = pytest.mark.parametrize("name", ["acl", "cors", "inventory", "policy"])


@ALONE
def test_a_source_that_may_not_be_read_fails_one_property(three: Three, name: str) -> None:
    for case in (three.case, *three.near):
        three.configure(case, case.value)

    three.refuse(fault(reading(name), three.bucket, "AccessDenied", 403, times=ALWAYS))

    three.assert_twin_has(three.case, None, f"nothing of {name} was written to {three.twin}")
    for case in three.near:
        three.assert_twin_has(case, case.on_twin)
    three.mended(three.case.on_twin)


@ALONE
def test_a_twin_that_may_not_be_written_fails_one_property(three: Three, name: str) -> None:
    three.check()
    for case in (three.case, *three.near):
        three.configure(case, case.value)

    three.refuse(fault(f"Put{NOUNS[name]}", three.twin, "AccessDenied", 403, times=ALWAYS))

    three.assert_twin_has(three.case, None)
    for case in three.near:
        three.assert_twin_has(case, case.on_twin)
    three.mended(three.case.on_twin)


@pytest.mark.parametrize("name", ["cors"])
def test_a_twin_that_may_not_be_read_fails_one_property(three: Three, name: str) -> None:
    three.check()
    for case in (three.case, *three.near):
        three.configure(case, case.value)

    three.refuse(fault(reading(name), three.twin, "AccessDenied", 403, times=ALWAYS))

    three.assert_twin_has(three.case, None)
    for case in three.near:
        three.assert_twin_has(case, case.on_twin)
    three.mended(three.case.on_twin)


@pytest.mark.parametrize("name", ["cors"])
def test_what_may_not_be_taken_away_fails_one_property(three: Three, name: str) -> None:
    for case in (three.case, *three.near):
        three.configure(case, case.value)
    three.check()
    for case in (three.case, *three.near):
        three.configure(case, None)

    three.refuse(fault(DELETED[name], three.twin, "AccessDenied", 403, times=ALWAYS))

    three.assert_twin_has(three.case, three.case.on_twin)
    for case in three.near:
        three.assert_twin_has(case, None)
    three.mended(None)


@pytest.mark.parametrize("name", ["acl"])
def test_a_twin_whose_owner_may_not_be_read(three: Three, name: str) -> None:
    three.configure(three.case, three.case.value)

    three.refuse(fault("GetBucketAcl", three.twin, "AccessDenied", 403, times=ALWAYS))

    three.mended(three.case.on_twin)


@pytest.mark.parametrize("name", ["inventory"])
def test_half_of_several_configurations_is_finished_later(three: Three, name: str) -> None:
    three.configure(three.case, three.case.value)
    three.check()
    three.configure(three.case, three.case.change)

    three.refuse(fault(f"Put{NOUNS[name]}", three.twin, "AccessDenied", 403, times=ALWAYS))

    assert three.on_twin(three.case) != three.expected(three.case.on_twin), "some are gone already"
    three.mended(three.case.change)


@pytest.mark.parametrize("name", ["policy"])
def test_a_new_twin_without_its_cloned_policy_still_refuses_plain_http(
    three: Three, name: str
) -> None:
    three.configure(three.case, three.case.value)

    three.refuse(fault("PutBucketPolicy", three.twin, "AccessDenied", 403))

    policy = three.world.s3(DR_REGION).get_bucket_policy(Bucket=three.twin)["Policy"]
    assert "S3DrDenyInsecureTransport" in policy
    three.assert_twin_has(three.case, None)
    three.mended(three.case.on_twin)


# --- tags and the memory -----------------------------------------------------


@pytest.mark.parametrize("name", ["tags"])
def test_tags_that_may_not_be_taken_away(three: Three, name: str) -> None:
    three.configure(three.case, three.case.value)
    three.check()
    three.configure(three.case, {"team": "web"})

    three.refuse(fault("UntagResource", three.twin, "AccessDenied", 403, times=ALWAYS))

    three.assert_twin_has(three.case, three.case.value)
    three.mended({"team": "web"})


def tag_resource(
    three: Three, refuse: Callable[[int, set[str]], bool]
) -> Callable[[pytest.MonkeyPatch], None]:
    """Refuses calls of TagResource, by their number and the keys that they name."""
    control = handlers._runtime()[1].dr_control
    real, calls = control.tag_resource, []

    def tag(**parameters: Any) -> Any:
        keys = {tag["Key"] for tag in parameters["Tags"]}
        calls.append(keys)
        if refuse(len(calls), keys):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "TagResource")
        return real(**parameters)

    three.monkeypatch.setattr(control, "tag_resource", tag)
    return lambda monkeypatch: monkeypatch.setattr(control, "tag_resource", real)


@pytest.mark.parametrize("name", ["tags"])
def test_tags_that_may_not_be_written(three: Three, name: str) -> None:
    for case in (three.case, *three.near):
        three.configure(case, case.value)
    mend = tag_resource(three, lambda _, keys: "team" in keys)

    with pytest.raises(NotCloned, match=r"tags \(AccessDenied\)"):
        three.check()

    three.failed_record()
    three.assert_twin_has(three.case, None)
    for case in three.near:
        three.assert_twin_has(case, case.on_twin)
    mend(three.monkeypatch)
    three.mended(three.case.value)


@pytest.mark.parametrize("name", ["tags"])
def test_without_its_memory_nothing_is_written_to_a_twin(three: Three, name: str) -> None:
    three.check()
    cors, lifecycle = three.near
    three.configure(cors, cors.value)
    three.configure(three.case, three.case.value)
    three.local_aws.faults([fault("TagResource", three.twin, "AccessDenied", 403, times=ALWAYS)])

    with pytest.raises(NotCloned, match=r"tags \(AccessDenied\), cors \(AccessDenied\)"):
        three.check()

    three.local_aws.faults([])
    assert three.functions.writes == ["TagResource"], "and that was refused"
    assert three.functions.operations.count("Publish") == 1
    record = three.functions.log_lines()[-1]
    assert line(record, "lifecycle")["outcome"] == "same", "there was nothing to write"
    for case in (three.case, cors):
        assert line(record, case.name)["reason"] == "AccessDenied"
        three.assert_twin_has(case, None)
    three.mended(three.case.value)
    three.assert_twin_has(cors, cors.value)
    three.assert_twin_has(lifecycle, None)


@pytest.mark.parametrize("name", ["website"])
def test_what_could_not_be_remembered_afterwards_is_still_ours(three: Three, name: str) -> None:
    three.configure(three.case, three.case.value)
    mend = tag_resource(three, lambda number, _: number == 2)

    with pytest.raises(NotCloned, match=r"website \(AccessDenied\)"):
        three.check()

    assert three.functions.operations.count("Publish") == 1
    three.assert_twin_has(three.case, three.case.value)
    mend(three.monkeypatch)
    three.configure(three.case, three.case.change)
    three.mended(three.case.change)


# --- what a twin must have ---------------------------------------------------

FORCED = [
    ("source", "GetBucketTagging"),
    ("source", "GetBucketEncryption"),
    ("source", "GetObjectLockConfiguration"),
    ("twin", "GetBucketTagging"),
    ("twin", "GetPublicAccessBlock"),
    ("twin", "GetBucketOwnershipControls"),
    ("twin", "GetBucketVersioning"),
    ("twin", "GetBucketEncryption"),
    ("twin", "GetBucketPolicy"),
    ("twin", "PutPublicAccessBlock"),
    ("twin", "PutBucketOwnershipControls"),
    ("twin", "PutBucketVersioning"),
    ("twin", "PutBucketEncryption"),
    ("twin", "PutBucketPolicy"),
]


@pytest.mark.parametrize(("where", "operation"), FORCED, ids=map("-".join, FORCED))
def test_without_what_a_twin_must_have_the_check_fails(
    functions: Functions,
    on_local_aws: World,
    local_aws: Any,
    where: str,
    operation: str,
) -> None:
    # A twin on which everything has to be read, and written.
    bucket = on_local_aws.bucket(tags=TRIGGER)
    on_local_aws.s3().put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                    "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]},
                }
            ]
        },
    )
    twin = on_local_aws.twin(bucket, ObjectOwnership="ObjectWriter")
    on_local_aws.s3(DR_REGION).delete_public_access_block(Bucket=twin)
    cors = EVERYTHING["cors"].value
    HANDS["cors"].put(on_local_aws.s3(), bucket, cors)
    refused = bucket if where == "source" else twin
    local_aws.faults([fault(operation, refused, "AccessDenied", 403, times=ALWAYS)])

    with pytest.raises(ClientError, match="AccessDenied"):
        functions.check_destination(bucket)

    local_aws.faults([])
    assert "Publish" not in functions.operations
    record = functions.log_lines()[-1]
    assert (record["outcome"], record["reason"]) == ("failed", "AccessDenied")
    result = functions.check_destination(bucket)
    assert (result["outcome"], result.get("warnings")) == ("passed_on", None)
    assert HANDS["cors"].get(on_local_aws.s3(DR_REGION), twin) == cors


def test_a_lock_that_may_not_be_read_fails_the_check(
    functions: Functions, on_local_aws: World, local_aws: Any
) -> None:
    bucket = functions.protected(on_local_aws, ObjectLockEnabledForBucket=True)
    refusal = fault("GetObjectLockConfiguration", f"{bucket}-dr", "AccessDenied", 403)
    local_aws.faults([refusal])
    functions.calls.clear()

    with pytest.raises(ClientError, match="AccessDenied"):
        functions.check_destination(bucket)

    assert "Publish" not in functions.operations


# botocore repeats the one by itself, as all of 5xx; the functions repeat the other.
@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("OperationAborted", 409)])
def test_what_heals_by_itself_is_waited_for(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
    local_aws: Any,
    code: str,
    status: int,
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("PROFILES", profiles(clone=sorted(CLONABLE)))
    monkeypatch.setenv("TRANSLATIONS", one_account.translations)
    bucket = on_local_aws.bucket(tags=TRIGGER)
    twin = f"{bucket}-dr"

    def healing() -> None:
        """Refuse the first of each call on either bucket."""
        calls = {"TagResource", "UntagResource", "GetBucketTagging", *DELETED.values()}
        for name, noun in NOUNS.items():
            calls |= {reading(name), f"Put{noun}"}
        local_aws.faults(
            [fault(each, where, code, status) for each in calls for where in (bucket, twin)]
        )

    def put(values: dict[str, Any]) -> None:
        local_aws.faults([])
        if values["abac"] is None:
            HANDS["abac"].put(on_local_aws.s3(), bucket, None)
        # ACLs need their ownership first, and ABAC ends PutBucketTagging.
        for name in sorted(values, key=lambda name: (name == "abac", name != "ownership")):
            HANDS[name].put(on_local_aws.s3(), bucket, one_account.on_source(values[name], bucket))

    def assert_cloned(values: dict[str, Any]) -> None:
        healing()
        result = functions.check_destination(bucket)
        local_aws.faults([])
        assert result["outcome"] == "passed_on"
        assert not troubles(result)
        for name, value in values.items():
            found = HANDS[name].get(on_local_aws.s3(DR_REGION), twin)
            assert found == one_account.on_twin(value, bucket), name

    put({name: case.value for name, case in EVERYTHING.items()})
    assert_cloned({name: case.on_twin for name, case in EVERYTHING.items()})
    less = dict.fromkeys(EVERYTHING.keys() - {"ownership"})
    put(less)
    assert_cloned(less)
