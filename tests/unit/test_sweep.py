"""The sweep: which buckets it finds, how fast it asks, and what it says when it could not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from functional.payload import environment
from s3_dr import sweep as sweeping
from s3_dr.aws import Budget
from s3_dr.settings import Settings
from s3_dr.sweep import Finding, Sweep, SweepError
from s3_dr.tags import MANAGER_TAG, SOURCE_TAG
from unit.jobs_world import Control

REPORTS = "reports-bucket"
ENABLE = "arn:aws:lambda:us-west-2:111122223333:function:s3-dr-enable-replication"
TAGGED = {"dr": "true"}


def error(code: str, operation: str = "AnyOperation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


class Tagging:
    """GetResources of one region."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, str]] = {}
        self.asked: list[dict[str, Any]] = []
        self.fault: Exception | None = None

    def get_paginator(self, operation: str) -> Any:
        assert operation == "get_resources"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, **asked: Any) -> Iterator[Any]:
        self.asked.append(asked)
        if self.fault:
            raise self.fault
        found = [
            (name, tags)
            for name, tags in sorted(self.buckets.items())
            if all(
                one["Key"] in tags and ("Values" not in one or tags[one["Key"]] in one["Values"])
                for one in asked["TagFilters"]
            )
        ]
        size = asked["ResourcesPerPage"]
        for begin in range(0, max(len(found), 1), size):
            rows = found[begin : begin + size]
            yield {
                "ResourceTagMappingList": [
                    {
                        "ResourceARN": f"arn:aws:s3:::{name}",
                        "Tags": [{"Key": k, "Value": v} for k, v in tags.items()],
                    }
                    for name, tags in rows
                ]
            }


class S3:
    """The buckets of the account, and what is in the reports bucket."""

    def __init__(self) -> None:
        self.buckets: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.faults: dict[str, Exception] = {}

    def _hear(self, operation: str, asked: dict[str, Any]) -> None:
        self.asked.append((operation, asked))
        if operation in self.faults:
            raise self.faults[operation]

    def get_paginator(self, operation: str) -> Any:
        def pages(**asked: Any) -> Iterator[Any]:
            self._hear(operation, asked)
            if operation == "list_buckets":
                yield {"Buckets": [{"Name": name} for name in sorted(self.buckets)]}
                return
            keys = sorted(key for key in self.objects if key.startswith(asked["Prefix"]))
            rows = [{"Key": key, "ETag": str(hash(self.objects[key]))} for key in keys]
            yield {"Contents": rows[:1]} if rows else {}
            yield {"Contents": rows[1:]}

        return SimpleNamespace(paginate=pages)

    def get_object(self, **asked: Any) -> Any:
        self._hear("get_object", asked)
        if asked["Key"] not in self.objects:
            raise error("NoSuchKey")
        body = self.objects[asked["Key"]]
        return {"Body": io.BytesIO(body), "ETag": str(hash(body))}

    def put_object(self, **asked: Any) -> Any:
        self._hear("put_object", asked)
        self.objects[asked["Key"]] = asked["Body"]
        return {"ETag": str(hash(asked["Body"]))}


class Lambda:
    """enable_replication, when it releases."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.faults: dict[int, Exception | str] = {}  # by the number of the call
        self.outcomes: dict[str, dict[str, Any]] = {}

    def invoke(self, **asked: Any) -> Any:
        assert asked["FunctionName"] == ENABLE
        assert asked.get("InvocationType", "RequestResponse") == "RequestResponse"
        event = json.loads(asked["Payload"])
        assert (event["source"], event["detail-type"]) == ("s3-dr", "Bucket Release Requested")
        names = event["detail"]["buckets"]
        self.batches.append(names)
        fault = self.faults.get(len(self.batches))
        if isinstance(fault, Exception):
            raise fault
        if fault:
            told = {"errorMessage": fault, "errorType": "E"}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(told).encode())}
        usual = {"outcome": "released"}
        results = [{"bucket": name, **self.outcomes.get(name, usual)} for name in names]
        return {"Payload": io.BytesIO(json.dumps({"results": results}).encode())}


class World:
    """Everything a sweep meets, and a clock that only moves when something takes time."""

    def __init__(self, seconds: float = 900.0, **variables: str) -> None:
        self.now, self.end, self.latency = 0.0, seconds, 0.0
        self.naps: list[float] = []
        self.source, self.dr = Tagging(), Tagging()
        self.s3, self.functions, self.control = S3(), Lambda(), Control()
        self.entries: list[dict[str, Any]] = []
        self.batches: list[list[dict[str, Any]]] = []
        self.refuse: Callable[[dict[str, Any]], str] = lambda _: ""
        self.trails: list[dict[str, Any]] = [trail()]
        defaults = {"ENABLE_REPLICATION_ARN": ENABLE, "REPORTS_BUCKET": REPORTS}
        self.settings = Settings.from_environment(environment(**{**defaults, **variables}))
        clients: Any = SimpleNamespace(
            source_tagging=self.source,
            dr_tagging=self.dr,
            source_s3=self.s3,
            source_functions=self.functions,
            source_control=self.control,
            source_events=SimpleNamespace(put_events=self._put_events),
            source_cloudtrail=SimpleNamespace(
                describe_trails=lambda **_: {"trailList": self.trails},
                get_trail_status=lambda **_: {"IsLogging": True},
                get_event_selectors=lambda **_: {
                    "EventSelectors": [{"IncludeManagementEvents": True, "ReadWriteType": "All"}]
                },
            ),
        )
        self.clients = clients
        budget = Budget(lambda: self.end - self.now, sleep=self.sleep)
        self.sweep = Sweep(self.settings, clients, budget, self.sleep, lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def _put_events(self, **asked: Any) -> Any:
        entries = asked["Entries"]
        assert 1 <= len(entries) <= 10, "EventBridge takes ten at once"
        self.now += self.latency
        self.batches.append(entries)
        results = [self.refuse(entry) for entry in entries]
        self.entries += [e for e, code in zip(entries, results, strict=True) if not code]
        told = [{"ErrorCode": code, "ErrorMessage": "no"} if code else {} for code in results]
        return {"FailedEntryCount": sum(map(bool, results)), "Entries": told}

    def have(self, *names: str, tags: dict[str, str] | None = None) -> None:
        """Tagged buckets."""
        for name in names:
            self.source.buckets[name] = TAGGED if tags is None else tags
            self.s3.buckets.add(name)

    def twin(self, source: str, name: str = "", **tags: str) -> None:
        """A twin of ours."""
        marks = {SOURCE_TAG: source, MANAGER_TAG: "s3-dr", **tags}
        self.dr.buckets[name or f"{source}-dr"] = marks

    def remember(self, *names: str) -> None:
        """Records."""
        for name in names:
            self.s3.objects[f"state/{name}.json"] = b"{}"

    @property
    def asked_for(self) -> list[str]:
        """The buckets whose check was asked for, in order."""
        details = [json.loads(e["Detail"]) for e in self.entries]
        return [detail["bucket"] for detail in details if "bucket" in detail]

    @property
    def asked_again(self) -> int:
        """How often the sweep asked for a sweep."""
        return [entry["DetailType"] for entry in self.entries].count("Sweep Requested")


def trail(**changes: Any) -> dict[str, Any]:
    return {
        "Name": "t",
        "TrailARN": "arn:aws:cloudtrail:us-west-2:111122223333:trail/t",
        "HomeRegion": "us-west-2",
        "IsMultiRegionTrail": False,
        **changes,
    }


def names(number: int) -> list[str]:
    return [f"bucket-{n:05}" for n in range(number)]


# --- what it finds -----------------------------------------------------------


def test_nothing_there_is_a_good_sweep() -> None:
    world = World()

    assert world.sweep.run() == {
        "outcome": "swept",
        "buckets": 0,
        "sent": 0,
        "continued": False,
        "orphans": [],
        "trail": {"status": "ok", "detail": "t logs management events", "trails": ["t"]},
    }
    assert world.batches == []


def test_each_tag_set_of_each_profile_is_one_query() -> None:
    made = [
        {"name": "gold", "match_tags": [{"tier": "gold", "dr": "yes"}, {"gold": ""}]},
        {"name": "standard", "match_tags": [{"dr": "true"}]},
    ]
    world = World(PROFILES=json.dumps(made))
    world.have("both", tags={"tier": "gold", "dr": "yes", "x": "y"})
    world.have("half", tags={"tier": "gold"})
    world.have("empty", tags={"gold": ""})
    world.have("standard")
    world.have("case", tags={"DR": "true"})

    world.sweep.run()

    assert world.asked_for == ["both", "empty", "standard"]
    assert [asked["TagFilters"] for asked in world.source.asked] == [
        [{"Key": "tier", "Values": ["gold"]}, {"Key": "dr", "Values": ["yes"]}],
        [{"Key": "gold", "Values": [""]}],
        [{"Key": "dr", "Values": ["true"]}],
    ]
    assert {asked["ResourceTypeFilters"][0] for asked in world.source.asked} == {"s3:bucket"}


def test_a_bucket_that_two_queries_find_is_asked_for_once() -> None:
    profiles = [{"name": "a", "match_tags": [{"dr": "true"}, {"DR": "true"}]}]
    world = World(PROFILES=json.dumps(profiles))
    world.have("orders", tags={"dr": "true", "DR": "true"})
    world.twin("orders")
    world.remember("orders")

    assert world.sweep.run()["buckets"] == 1
    assert world.asked_for == ["orders"]


def test_all_pages_are_read() -> None:
    world = World()
    world.have(*names(250))

    assert world.sweep.run()["sent"] == 250
    assert world.asked_for == names(250)


def test_the_request_is_one_that_the_functions_understand() -> None:
    world = World()
    world.have("orders")

    world.sweep.run()

    assert world.entries == [
        {
            "Source": "s3-dr",
            "DetailType": "Bucket Check Requested",
            "Detail": '{"bucket": "orders"}',
        }
    ]


def test_who_had_a_twin_or_a_record_is_checked_too() -> None:
    world = World()
    world.have("tagged")
    world.s3.buckets |= {"had-twin", "had-record", "never"}
    world.twin("had-twin")
    world.remember("had-record")

    world.sweep.run()

    assert world.asked_for == ["had-record", "had-twin", "tagged"], "and no bucket besides"


def test_buckets_that_are_gone_are_not_asked_for() -> None:
    world = World()
    world.twin("gone")
    world.remember("gone-too")

    report = world.sweep.run()

    assert world.asked_for == []
    assert report["orphans"] == [{"twin": "gone-dr", "source": "gone", "reason": "SOURCE_GONE"}]


def test_twins_are_never_asked_for_as_sources() -> None:
    world = World()
    world.have("orders-dr", tags={**TAGGED, SOURCE_TAG: "orders"})

    world.sweep.run()

    assert world.asked_for == []


@pytest.mark.parametrize("source", ["", "Orders", "../x", "a" * 64, "x--x-s3"])
def test_a_mark_that_names_no_bucket_is_passed_over(source: str) -> None:
    world = World()
    world.twin(source, "twin")

    report = world.sweep.run()

    assert (world.asked_for, report["orphans"]) == ([], [])


def test_only_our_own_twins_count() -> None:
    world = World()
    world.s3.buckets.add("orders")
    world.dr.buckets["orders-dr"] = {SOURCE_TAG: "orders", MANAGER_TAG: "another"}

    report = world.sweep.run()

    assert (world.asked_for, report["orphans"]) == ([], [])


def test_orphans_come_with_their_reasons() -> None:
    world = World()
    world.have("tagged")
    world.s3.buckets.add("untagged")
    for source in ("tagged", "untagged", "gone"):
        world.twin(source)

    report = world.sweep.run()

    assert report["orphans"] == [
        {"twin": "gone-dr", "source": "gone", "reason": "SOURCE_GONE"},
        {"twin": "untagged-dr", "source": "untagged", "reason": "SOURCE_UNTAGGED"},
    ]
    assert world.asked_for == ["tagged", "untagged"]


def test_without_the_list_of_buckets_nobody_knows_why() -> None:
    found = Finding(twins={"x-dr": "x"}, remembered={"y"}, there=None)

    assert found.orphans == [{"twin": "x-dr", "source": "x", "reason": "UNKNOWN"}]
    assert found.to_check == ["x", "y"], "so all are asked for"


def test_every_list_is_asked_for_with_its_owner_and_region() -> None:
    world = World()
    world.sweep.run()

    asked = dict(world.s3.asked)
    assert asked["list_buckets"]["BucketRegion"] == "us-west-2"
    for operation in ("list_objects_v2", "get_object"):
        assert asked[operation]["ExpectedBucketOwner"] == "111122223333"
        assert asked[operation]["Bucket"] == REPORTS
    assert asked["list_objects_v2"]["Prefix"] == "state/"


# --- what fails --------------------------------------------------------------

QUERIES: dict[str, Any] = {
    "tagged": lambda world, fault: setattr(world.source, "fault", fault),
    "twins": lambda world, fault: setattr(world.dr, "fault", fault),
    "there": lambda world, fault: world.s3.faults.update(list_buckets=fault),
    "remembered": lambda world, fault: world.s3.faults.update(list_objects_v2=fault),
}
LEFT = {
    "tagged": ["had-record", "had-twin"],
    "twins": ["had-record", "tagged"],
    "there": ["gone", "had-record", "had-twin", "tagged"],
    "remembered": ["had-twin", "tagged"],
}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(
    "fault",
    [error("AccessDenied"), EndpointConnectionError(endpoint_url="https://x")],
    ids=["denied", "unreachable"],
)
def test_a_query_that_fails_stops_no_other_and_the_sweep_fails(
    query: str, fault: Exception
) -> None:
    world = World()
    world.have("tagged")
    world.s3.buckets |= {"had-twin", "had-record"}
    world.twin("had-twin")
    world.remember("had-record", "gone")
    QUERIES[query](world, fault)

    report = world.sweep.run()

    assert world.asked_for == LEFT[query]
    assert (report["outcome"], report["reason"]) == ("failed", "SweepError")
    assert report["detail"].startswith(f"{query}: ")
    # Whose turn it is for a job is told by the records, too.
    error, *_ = report["detail"].split("; jobs: ")
    assert world.sweep.look()["errors"] == [error]


def test_all_queries_failing_are_all_named() -> None:
    world = World()
    for query, harm in QUERIES.items():
        harm(world, error(f"Denied{query}"))

    report = world.sweep.run()

    assert all(f"Denied{query}" in report["detail"] for query in QUERIES)


def test_no_trail_is_said_and_the_checks_are_asked_for_all_the_same() -> None:
    world = World()
    world.trails = []
    world.have("orders")

    report = world.sweep.run()

    assert (report["outcome"], report["reason"]) == ("blocked", "NO_TRAIL")
    assert "create_trail" in report["remedy"]
    assert world.asked_for == ["orders"]


def test_a_failed_query_is_worse_than_no_trail() -> None:
    world = World()
    world.trails = []
    world.source.fault = error("AccessDenied")

    assert world.sweep.run()["outcome"] == "failed"


@pytest.mark.parametrize(
    "harm",
    [
        lambda world: world.s3.faults.update(get_object=error("AccessDenied")),
        lambda world: world.s3.objects.update({"sweep.json": b"{"}),
        lambda world: world.s3.objects.update({"sweep.json": b"[]"}),
        lambda world: world.s3.objects.update({"sweep.json": b'{"after": 7}'}),
    ],
    ids=["denied", "cut off", "a list", "a number"],
)
def test_a_cursor_that_cannot_be_read_stops_no_sweep(harm: Any) -> None:
    world = World()
    world.have("orders")
    harm(world)

    world.sweep.run()

    assert world.asked_for == ["orders"], "from the beginning, then"


def test_turns_that_cannot_be_given_stop_no_check_and_the_sweep_fails() -> None:
    world = World()
    world.have("orders")
    world.control.list_jobs = lambda **_: _raise(error("Throttled"))  # type: ignore[method-assign]

    report = world.sweep.run()

    assert world.asked_for == ["orders"]
    assert (report["outcome"], report["reason"]) == ("failed", "SweepError")
    assert report["detail"].startswith("jobs: ") and "Throttled" in report["detail"]


def _raise(error: Exception) -> Any:
    raise error


# --- how fast, and how far ---------------------------------------------------


@pytest.mark.parametrize("number", [1, 9, 10, 11, 25])
def test_events_go_in_tens(number: int) -> None:
    world = World()
    world.have(*names(number))

    world.sweep.run()

    full, rest = divmod(number, 10)
    assert [len(batch) for batch in world.batches] == [10] * full + ([rest] if rest else [])


@pytest.mark.parametrize(("pace", "pause"), [("20", 0.5), ("200", 0.05), ("1", 10.0)])
@pytest.mark.parametrize("latency", [0.0, 0.02])
def test_it_keeps_its_pace(pace: str, pause: float, latency: float) -> None:
    world = World(SWEEP_BUCKETS_PER_SECOND=pace)
    world.latency = latency
    world.have(*names(50))

    world.sweep.run()

    assert world.naps == pytest.approx([pause - latency] * 4), "what a call took counts"


def test_a_slow_bus_is_not_waited_for_besides() -> None:
    world = World()
    world.latency = 3.0
    world.have(*names(30))

    world.sweep.run()

    assert world.naps == [0.0, 0.0]


def test_ten_thousand_are_asked_for_within_the_time() -> None:
    world = World()
    world.latency = 0.05
    world.have(*names(10_000))

    report = world.sweep.run()

    assert (report["sent"], report["continued"]) == (10_000, False)
    assert world.now <= 520, "at twenty each second"
    assert world.asked_again == 0


def test_a_sweep_out_of_time_goes_on_where_it_stopped() -> None:
    world = World(seconds=60.0)
    world.have(*names(2_000))
    rounds, sent = 0, 0
    while rounds < 9:
        rounds += 1
        report = world.sweep.run()
        sent += report["sent"]
        assert report["buckets"] == 2_000
        assert world.now <= world.end - 19, "it ends in time"
        assert world.asked_again == (rounds if report["continued"] else rounds - 1)
        if not report["continued"]:
            break
        assert json.loads(world.s3.objects["sweep.json"]) == {"after": world.asked_for[-1]}
        fresh = World(seconds=60.0)
        fresh.source, fresh.s3 = world.source, world.s3
        fresh.clients.source_tagging, fresh.clients.source_s3 = world.source, world.s3
        fresh.entries = world.entries
        world = fresh

    assert rounds == 3
    assert sent == 2_000
    assert world.asked_for == names(2_000), "each once, in order"
    assert not json.loads(world.s3.objects["sweep.json"]).get("after"), "the next one begins anew"


def test_the_cursor_is_only_written_when_it_moves() -> None:
    world = World()
    world.have("orders")

    world.sweep.run()

    assert "put_object" not in [operation for operation, _ in world.s3.asked]


def test_a_cursor_beyond_all_names_is_the_end() -> None:
    world = World()
    world.have("orders")
    world.s3.objects["sweep.json"] = b'{"after": "zzz"}'

    report = world.sweep.run()

    assert (report["sent"], report["continued"]) == (0, False)
    assert not json.loads(world.s3.objects["sweep.json"]).get("after")


def test_no_time_at_all_is_an_error() -> None:
    world = World(seconds=20.0)
    world.have("orders")

    with pytest.raises(SweepError, match="no time"):
        world.sweep.run()

    assert world.batches == []
    assert "sweep.json" not in world.s3.objects


def test_what_the_bus_did_not_take_is_sent_again() -> None:
    world = World()
    world.have(*names(10))
    refusals = {"bucket-00003": 2, "bucket-00007": 1}

    def refuse(entry: dict[str, Any]) -> str:
        name = json.loads(entry["Detail"])["bucket"]
        refusals[name] = refusals.get(name, 0) - 1
        return "ThrottlingException" if refusals[name] >= 0 else ""

    world.refuse = refuse

    report = world.sweep.run()

    assert [len(batch) for batch in world.batches] == [10, 2, 1]
    assert sorted(world.asked_for) == names(10), "each once"
    assert report["outcome"] == "swept"
    assert len(world.naps) == 2 and all(nap > 0 for nap in world.naps)


def test_a_bus_that_takes_nothing_is_an_error_after_some_tries() -> None:
    world = World()
    world.have("orders")
    world.refuse = lambda _: "InternalException"

    report = world.sweep.run()

    assert report["outcome"] == "failed"
    assert "refused 1 of" in report["detail"] and "InternalException" in report["detail"]
    assert len(world.batches) == 6


@pytest.mark.parametrize(
    "fault",
    [error("ThrottlingException", "PutEvents"), EndpointConnectionError(endpoint_url="https://x")],
    ids=["throttled", "unreachable"],
)
def test_a_bus_that_cannot_be_called_once_stops_no_other_batch(fault: Exception) -> None:
    world = World()
    world.have(*names(30))
    calls: list[int] = []
    put_events = world.clients.source_events.put_events

    def failing(**asked: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise fault
        return put_events(**asked)

    world.clients.source_events.put_events = failing

    report = world.sweep.run()

    assert report["outcome"] == "failed"
    assert len(world.asked_for) == 20


def test_a_batch_refused_for_good_stops_no_other() -> None:
    world = World()
    world.have(*names(30))
    world.refuse = lambda entry: "InternalException" if "bucket-00012" in entry["Detail"] else ""

    report = world.sweep.run()

    assert report["outcome"] == "failed"
    assert len(world.asked_for) == 29


def test_ask_asks_for_one_sweep_of_the_right_kind() -> None:
    world = World()

    world.sweep.ask()

    assert world.entries == [{"Source": "s3-dr", "DetailType": "Sweep Requested", "Detail": "{}"}]


# --- looking only ------------------------------------------------------------


def test_a_look_tells_and_changes_nothing() -> None:
    world = World()
    world.have("two", "one")
    world.s3.buckets |= {"untagged", "remembered"}
    world.twin("untagged")
    world.twin("gone")
    world.remember("remembered")

    found = world.sweep.look()

    assert found == {
        "buckets": ["one", "two"],
        "released": ["remembered", "untagged"],
        "orphans": [
            {"twin": "gone-dr", "source": "gone", "reason": "SOURCE_GONE"},
            {"twin": "untagged-dr", "source": "untagged", "reason": "SOURCE_UNTAGGED"},
        ],
        "trail": {"status": "ok", "detail": "t logs management events", "trails": ["t"]},
        "errors": [],
    }
    assert world.batches == []
    assert world.functions.batches == []
    assert "put_object" not in [operation for operation, _ in world.s3.asked]


# --- releasing all -----------------------------------------------------------


def test_all_are_released_twenty_at_a_time() -> None:
    world = World()
    world.have(*names(45))

    report = world.sweep.release_all()

    assert report == {"outcome": "released", "released": 45, "left": []}
    assert [len(batch) for batch in world.functions.batches] == [20, 20, 5]
    assert [name for batch in world.functions.batches for name in batch] == names(45)
    assert world.batches == []


def test_who_may_still_have_our_rule_is_released_too() -> None:
    world = World()
    world.s3.buckets |= {"had-twin", "had-record"}
    world.twin("had-twin")
    world.twin("gone")
    world.remember("had-record")

    world.sweep.release_all()

    assert world.functions.batches == [["had-record", "had-twin"]]


def test_who_leaves_says_so_first_and_releases_twice_with_a_pause() -> None:
    """A check that had begun before that was said may have put a rule beside the first release."""
    world = World()
    world.have("orders")
    invoke, happened = world.functions.invoke, []

    def release(**asked: Any) -> Any:
        happened.append((bool(json.loads(world.s3.objects["leaving.json"])), list(world.naps)))
        return invoke(**asked)

    world.clients.source_functions = SimpleNamespace(invoke=release)

    assert world.sweep.leave() == {"outcome": "released", "released": 2, "left": []}

    assert happened == [(True, []), (True, [10.0])]


def test_who_cannot_say_that_it_leaves_releases_nothing_and_says_why() -> None:
    world = World()
    world.have("orders")
    world.s3.faults.update(put_object=error("AccessDenied"))

    with pytest.raises(SweepError, match=r"no bucket was released: .*AccessDenied.*, then try"):
        world.sweep.leave()

    assert world.functions.batches == []


def test_a_cure_that_is_told_is_that_of_a_bucket_that_is_named() -> None:
    world = World()
    world.have(*names(150))
    for name in names(150):
        world.functions.outcomes[name] = {"outcome": "failed", "reason": "InternalError"}
    blocked = {"outcome": "blocked", "reason": "RULES_UNDER_OUR_ROLE", "remedy": "mend it"}
    world.functions.outcomes[names(150)[-1]] = blocked

    with pytest.raises(SweepError) as caught:
        world.sweep.release_all()

    assert f"{names(150)[-1]} (RULES_UNDER_OUR_ROLE)" in str(caught.value)
    assert str(caught.value).endswith("mend it; then try again")


def test_who_only_has_all_released_does_not_leave() -> None:
    world = World()
    world.have("orders")

    world.sweep.release_all()

    assert "leaving.json" not in world.s3.objects
    assert world.naps == []


def test_nothing_to_release_is_good() -> None:
    world = World()

    assert world.sweep.release_all() == {"outcome": "released", "released": 0, "left": []}
    assert world.functions.batches == []


def test_what_has_no_rule_of_ours_is_neither_released_nor_left() -> None:
    world = World()
    world.have("one", "two")
    world.functions.outcomes["one"] = {"outcome": "ignored", "reason": "NO_PROFILE_MATCHES"}

    assert world.sweep.release_all()["released"] == 1


@pytest.mark.parametrize(
    "ending",
    [
        {"outcome": "failed", "reason": "AccessDenied"},
        {"outcome": "blocked", "reason": "RULES_UNDER_OUR_ROLE"},
        {"outcome": "protected", "reason": "odd"},
    ],
)
def test_each_that_is_left_is_named_with_its_reason(ending: dict[str, str]) -> None:
    world = World()
    world.have(*names(30))
    world.functions.outcomes["bucket-00003"] = ending

    with pytest.raises(SweepError) as caught:
        world.sweep.release_all()

    assert f"bucket-00003 ({ending['reason']})" in str(caught.value)
    assert "29 buckets were released and 1 were not" in str(caught.value)
    assert len(world.functions.batches) == 2, "the others had their turn"


def test_the_remedy_of_one_that_is_left_is_said() -> None:
    world = World()
    world.have("orders")
    remedy = "give them another role, or remove them"
    blocked = {"outcome": "blocked", "reason": "RULES_UNDER_OUR_ROLE", "remedy": remedy}
    world.functions.outcomes["orders"] = blocked

    with pytest.raises(SweepError, match=rf"orders \(RULES_UNDER_OUR_ROLE\); {remedy}; then try"):
        world.sweep.release_all()


def test_a_function_that_breaks_leaves_its_batch_and_no_other() -> None:
    world = World()
    world.have(*names(60))
    world.functions.faults[2] = "Task timed out " + "x" * 10_000

    with pytest.raises(SweepError) as caught:
        world.sweep.release_all()

    assert "40 buckets were released and 20 were not" in str(caught.value)
    assert "bucket-00020 (Task timed out" in str(caught.value)
    assert "bucket-00040" not in str(caught.value)
    assert len(str(caught.value)) < 6_000


@pytest.mark.parametrize(
    "fault",
    [error("TooManyRequestsException", "Invoke"), ReadTimeoutError(endpoint_url="https://x")],
    ids=["throttled", "no answer"],
)
def test_a_function_that_cannot_be_called_leaves_its_batch_and_no_other(fault: Exception) -> None:
    world = World()
    world.have(*names(60))
    world.functions.faults[2] = fault

    with pytest.raises(SweepError, match="40 buckets were released and 20 were not"):
        world.sweep.release_all()


def test_what_there_was_no_time_for_is_left() -> None:
    world = World(seconds=59.0)
    world.have(*names(25))

    with pytest.raises(SweepError, match=r"bucket-00000 \(OUT_OF_TIME\)") as caught:
        world.sweep.release_all()

    assert world.functions.batches == []
    assert "25 were not" in str(caught.value), "those of later batches too"


def test_a_query_that_failed_means_that_some_may_be_left() -> None:
    world = World()
    world.have("orders")
    world.dr.fault = error("AccessDenied")

    with pytest.raises(SweepError, match=r"twins: .*AccessDenied"):
        world.sweep.release_all()

    assert world.functions.batches == [["orders"]], "all that is known is done"


def test_thousands_left_do_not_swell_the_sentence() -> None:
    world = World(seconds=1.0)
    world.have(*names(5_000))

    with pytest.raises(SweepError) as caught:
        world.sweep.release_all()

    assert str(caught.value).count("OUT_OF_TIME") == sweeping.NAMED
    assert "5000 were not" in str(caught.value)
