"""The three-way comparison: what is written to a twin, what is left alone, what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from functional.payload import checked, profiles, seen
from s3_dr.cloning.engine import Cloning, NotCloned, NotPortable, Property
from s3_dr.tags import MANAGER_TAG, SOURCE_TAG
from s3_dr.twin import Marked

MADE = {SOURCE_TAG: "orders", MANAGER_TAG: "s3-dr"}
ADOPTED = {SOURCE_TAG: "orders"}
NAMES = ("cors", "lifecycle", "website")


class Stopped(BaseException):
    """The function's process ended, at whatever it was doing."""


@dataclass
class Buckets:
    """A source and its twin, with properties that are plain values, and what is asked of them.

    Attributes:
        meanwhile: what somebody else does while a property is being written, once.
        stop: after how many writes, of properties and tags alike, everything ends.
        denied: the names of the properties, or calls, that may not be read or written.
    """

    source: dict[str, Any] = field(default_factory=dict)
    twin: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=lambda: dict(MADE))
    stop: int | None = None
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    writes: list[str] = field(default_factory=list)

    def property(self, name: str, **options: Any) -> Property:
        """One that is read and written here."""

        def read(bucket: Any) -> Any:
            self.refuse(f"{bucket.side} {name}")
            return getattr(self, bucket.side).get(name)

        def write(cloning: Cloning, wanted: Any, found: Any) -> None:
            assert found == self.twin.get(name), "what is found is what is there"
            self.meanwhile.pop(name, lambda: None)()
            self.change(name)
            self.twin.pop(name, None)
            if wanted is not None:
                self.twin[name] = wanted

        return Property(name, read, write, **options)

    def refuse(self, what: str) -> None:
        if what in self.denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, what)

    def change(self, what: str) -> None:
        self.refuse(what)
        if self.stop is not None and len(self.writes) >= self.stop:
            raise Stopped
        self.writes.append(what)

    def tag_resource(self, Tags: Any, **_: Any) -> None:  # noqa: N803
        self.change("TagResource")
        self.tags |= {tag["Key"]: tag["Value"] for tag in Tags}

    def clone(
        self, properties: list[Property] | None = None, is_new: bool = False, **profile: Any
    ) -> Any:
        """One whole run. Gives its check; the writes are those of this run."""
        self.writes = []
        meta = SimpleNamespace(method_to_api_mapping={"tag_resource": "TagResource"})
        control = SimpleNamespace(tag_resource=self.tag_resource, meta=meta)
        clients = SimpleNamespace(source_s3=None, dr_s3=SimpleNamespace(), dr_control=control)
        check: Any = checked(clients, PROFILES=profiles(**{"clone": NAMES, **profile}))
        check.source = SimpleNamespace(name="orders", side="source")
        check.twin = SimpleNamespace(
            name="orders-dr",
            side="twin",
            is_settling=lambda _: False,
            tags=lambda: dict(self.tags),
        )
        marked = Marked(dict(self.tags), is_new=is_new)
        cloning = Cloning(check, seen(check), marked, {}, {}, {})
        cloning.run(properties or [self.property(name) for name in NAMES])
        check.require_cloned = cloning.require_cloned
        return check

    def report(self, *arguments: Any, **options: Any) -> dict[str, tuple[str, str]]:
        """The outcome and the reason of each property of one run."""
        lines = self.clone(*arguments, **options).properties
        return {line["property"]: (line["outcome"], line.get("reason", "")) for line in lines}


def test_a_property_of_the_source_is_copied_and_remembered() -> None:
    buckets = Buckets(source={"cors": [1]})

    assert buckets.report()["cors"] == ("copied", "")
    assert buckets.twin == {"cors": [1]}
    assert buckets.writes == ["TagResource", "cors", "TagResource"]

    assert buckets.report()["cors"] == ("same", "")
    assert buckets.writes == [], "what is as it should be is not written again"


def test_nothing_configured_is_nothing_written() -> None:
    buckets = Buckets()

    assert set(buckets.report().values()) == {("same", "")}
    assert buckets.writes == []


def test_what_is_not_chosen_is_not_even_read() -> None:
    buckets = Buckets(source={"cors": [1]}, denied={"source cors", "twin cors"})

    assert buckets.report(clone=["website"])["cors"] == ("skipped", "NOT_CHOSEN")


def test_a_change_of_the_source_is_cloned_again() -> None:
    buckets = Buckets(source={"cors": [1]})
    buckets.clone()
    buckets.source["cors"] = [2]

    assert buckets.report()["cors"] == ("copied", "")
    assert buckets.twin == {"cors": [2]}


def test_what_the_source_has_no_more_is_taken_from_the_twin() -> None:
    buckets = Buckets(source={"cors": [1]})
    buckets.clone()
    buckets.source.clear()

    assert buckets.report()["cors"] == ("copied", "REMOVED")
    assert buckets.twin == {}
    assert buckets.report()["cors"] == ("same", "")


def test_what_we_did_not_put_there_is_never_taken_away() -> None:
    buckets = Buckets(twin={"cors": [9]}, tags=dict(ADOPTED))

    for on_drift in ("report", "restore"):
        assert buckets.report(on_drift=on_drift)["cors"] == ("skipped", "NOT_OURS")
        assert buckets.twin == {"cors": [9]}


def test_what_happens_to_be_equal_on_a_twin_made_by_others_is_theirs() -> None:
    buckets = Buckets(source={"cors": [1]}, twin={"cors": [1]}, tags=dict(ADOPTED))
    assert buckets.report()["cors"] == ("same", "")
    buckets.source.clear()

    assert buckets.report(on_drift="restore")["cors"] == ("skipped", "NOT_OURS")
    assert buckets.twin == {"cors": [1]}


def test_what_happens_to_be_equal_follows_the_source_nevertheless() -> None:
    buckets = Buckets(source={"cors": [1]}, twin={"cors": [1]}, tags=dict(ADOPTED))
    buckets.clone()
    buckets.source["cors"] = [2]

    check = buckets.clone()

    assert buckets.twin == {"cors": [2]}
    assert check.warnings == []


@pytest.mark.parametrize("sabotage", [None, [9]])
@pytest.mark.parametrize("source", [[1], [2], None])
def test_drift_is_reported_and_left(sabotage: Any, source: Any) -> None:
    buckets = Buckets(source={"cors": [1], "website": 1})
    buckets.clone()
    buckets.twin = {"website": 1} | ({"cors": sabotage} if sabotage else {})
    buckets.source = {"website": 1} | ({"cors": source} if source else {})

    check = buckets.clone()

    if source == sabotage:
        assert not check.warnings, "nobody minds what is as it should be"
        return
    [line] = [line for line in check.properties if line["property"] == "cors"]
    assert (line["outcome"], line["reason"]) == ("skipped", "DRIFT")
    assert buckets.twin.get("cors") == sabotage
    [warning] = check.warnings
    assert warning == "DRIFT: somebody changed cors of orders-dr: left as it is"


@pytest.mark.parametrize("sabotage", [None, [9]])
@pytest.mark.parametrize("source", [[1], [2], None])
def test_drift_is_put_back_if_the_profile_says_so(sabotage: Any, source: Any) -> None:
    buckets = Buckets(source={"cors": [1]})
    buckets.clone()
    buckets.twin = {"cors": sabotage} if sabotage else {}
    buckets.source = {"cors": source} if source else {}

    check = buckets.clone(on_drift="restore")

    assert buckets.twin == buckets.source
    if source != sabotage:
        assert "put back" in check.warnings[0], "it is said nevertheless"
    assert buckets.report(on_drift="restore")["cors"] == ("same", "")
    assert not buckets.writes


def test_what_somebody_adds_to_a_twin_of_ours_is_drift() -> None:
    buckets = Buckets(twin={"cors": [9]})

    assert buckets.report()["cors"] == ("skipped", "DRIFT")
    assert buckets.report(on_drift="restore")["cors"] == ("copied", "DRIFT")
    assert buckets.twin == {}


def test_a_translation_is_told_from_a_copy() -> None:
    buckets = Buckets(source={"cors": "west", "website": "west"})
    properties = [
        buckets.property("cors", translate=lambda _, value, __: value and "east"),
        buckets.property("website"),
    ]

    assert buckets.report(properties) == {"cors": ("translated", ""), "website": ("copied", "")}
    assert buckets.twin == {"cors": "east", "website": "west"}
    assert buckets.report(properties) == {"cors": ("same", ""), "website": ("same", "")}


def left_out(cloning: Cloning, value: Any, _: Any) -> Any:
    cloning.note("left out: not for a twin")


def test_what_is_left_out_altogether_is_said() -> None:
    buckets = Buckets(source={"cors": [1]})
    properties = [buckets.property("cors", translate=left_out)]

    [line] = buckets.clone(properties).properties
    assert line == {
        "property": "cors",
        "outcome": "skipped",
        "reason": "LEFT_OUT",
        "notes": ["left out: not for a twin"],
    }
    assert buckets.writes == []


def test_what_may_no_longer_be_on_the_twin_is_taken_away() -> None:
    buckets = Buckets(source={"cors": [1]})
    buckets.clone()

    assert buckets.report([buckets.property("cors", translate=left_out)])["cors"] == (
        "translated",
        "LEFT_OUT",
    )
    assert buckets.twin == {}


def not_portable(cloning: Cloning, value: Any, _: Any) -> Any:
    raise NotPortable("nobody said what stands for it")


def test_what_is_not_portable_leaves_room_for_something_else() -> None:
    buckets = Buckets(source={"cors": [1]}, twin={"cors": [9]})
    properties = [buckets.property("cors", translate=not_portable)]

    check = buckets.clone(properties, on_drift="restore")

    [line] = check.properties
    assert (line["outcome"], line["reason"]) == ("skipped", "NOT_PORTABLE")
    assert line["notes"] == ["nobody said what stands for it"]
    assert buckets.twin == {"cors": [9]}
    assert check.warnings == []


def test_what_is_portable_no_more_is_taken_away_if_it_was_ours() -> None:
    buckets = Buckets(source={"cors": [1]})
    buckets.clone()

    buckets.clone([buckets.property("cors", translate=not_portable)])

    assert buckets.twin == {}


@pytest.mark.parametrize("what", ["source cors", "twin cors", "cors"])
def test_a_refused_call_fails_its_property_and_no_other(what: str) -> None:
    buckets = Buckets(source=dict.fromkeys(NAMES, 1), denied={what})

    check = buckets.clone()

    outcomes = {line["property"]: line["outcome"] for line in check.properties}
    assert outcomes == {"cors": "failed", "lifecycle": "copied", "website": "copied"}
    assert buckets.twin == {"lifecycle": 1, "website": 1}
    with pytest.raises(NotCloned, match=r"cors \(AccessDenied\)"):
        check.require_cloned()

    buckets.denied = set()
    check = buckets.clone()
    check.require_cloned()
    assert buckets.twin == buckets.source
    assert check.warnings == []


def test_a_refused_write_gives_no_right_to_what_others_set() -> None:
    buckets = Buckets(source={"cors": [1]}, denied={"cors"})
    buckets.clone()
    buckets.twin = {"cors": [9]}

    buckets.denied = set()
    assert buckets.report()["cors"] == ("skipped", "DRIFT")
    assert buckets.twin == {"cors": [9]}


def test_a_refused_write_gives_no_right_to_what_was_there_before() -> None:
    buckets = Buckets(source={"cors": [1]}, twin={"cors": [9]}, tags=dict(ADOPTED))
    buckets.denied = {"cors"}
    buckets.clone(on_drift="restore")
    buckets.denied, buckets.source = set(), {}

    assert buckets.report()["cors"] == ("skipped", "NOT_OURS")
    assert buckets.twin == {"cors": [9]}


def test_what_came_through_in_part_is_ours() -> None:
    buckets = Buckets(source={"cors": [1, 2]})

    def half(cloning: Cloning, wanted: Any, found: Any) -> None:
        buckets.twin["cors"] = [1]
        raise ClientError({"Error": {"Code": "SlowDown"}}, "PutBucketCors")

    buckets.clone([replace(buckets.property("cors"), write=half)])
    check = buckets.clone()

    assert buckets.twin == {"cors": [1, 2]}
    assert check.warnings == []


def test_drift_that_could_not_be_put_back_is_not_said_to_be() -> None:
    buckets = Buckets(source={"cors": [1]})
    buckets.clone()
    buckets.twin, buckets.denied = {"cors": [9]}, {"cors"}

    check = buckets.clone(on_drift="restore")

    assert check.properties[0]["outcome"] == "failed"
    assert not any("put back" in warning for warning in check.warnings)


@pytest.mark.parametrize("later", [{"cors": [2]}, {}])
def test_a_source_that_changes_meanwhile_is_cloned_as_it_is_then(later: Any) -> None:
    """Its own check may have come and gone, and found the twin as it was before."""
    buckets = Buckets(source={"cors": [1]})
    buckets.meanwhile["cors"] = lambda: setattr(buckets, "source", later)

    check = buckets.clone()

    assert buckets.twin == later
    buckets.clone()
    assert buckets.writes == []
    assert check.warnings == []


def test_a_source_that_never_rests_is_a_failure() -> None:
    """Or the report would say that the twin has what was only read."""
    buckets = Buckets(source={"cors": [0]})

    def write(cloning: Cloning, wanted: Any, found: Any) -> None:
        buckets.twin["cors"] = wanted
        buckets.source["cors"] = [wanted[0] + 1]

    check = buckets.clone([replace(buckets.property("cors"), write=write)])

    [line] = check.properties
    assert (line["outcome"], line["reason"]) == ("failed", "NotAtRest")
    check = buckets.clone()
    assert buckets.twin == buckets.source
    assert check.warnings == [], "what was written is remembered"


def test_a_run_beside_ours_loses_no_mark() -> None:
    buckets = Buckets(source={"cors": [1], "website": [1]})
    only = {name: [buckets.property(name)] for name in NAMES}
    buckets.meanwhile["cors"] = lambda: buckets.clone(only["website"])
    buckets.clone(only["cors"])
    buckets.source = {"cors": [2], "website": [2]}

    check = buckets.clone()

    assert buckets.twin == buckets.source
    assert check.warnings == []


def test_without_its_memory_a_twin_is_not_written() -> None:
    buckets = Buckets(source=dict.fromkeys(NAMES, 1), denied={"TagResource"})

    check_report = buckets.report()

    assert set(check_report.values()) == {("failed", "AccessDenied")}
    assert buckets.twin == {}, "what is not remembered would look like somebody's own later"


def test_a_memory_that_cannot_be_kept_is_a_failure() -> None:
    buckets = Buckets(source={"cors": 1})
    buckets.meanwhile["cors"] = lambda: buckets.denied.add("TagResource")

    assert buckets.report()["cors"] == ("failed", "AccessDenied")
    assert buckets.twin == {"cors": 1}

    buckets.denied = set()
    check = buckets.clone()
    assert check.properties[0]["outcome"] == "same"
    assert check.warnings == []


def test_an_error_of_ours_fails_a_property_too() -> None:
    buckets = Buckets(source={"cors": 1, "website": 1})

    def odd(*_: Any) -> Any:
        raise KeyError("Rules")

    properties = [buckets.property("cors", translate=odd), buckets.property("website")]

    assert buckets.report(properties) == {"cors": ("failed", "KeyError"), "website": ("copied", "")}


def test_what_a_twin_must_have_is_not_a_matter_of_choice() -> None:
    buckets = Buckets(source={"block": "off"}, twin={"block": "off"})
    properties = [buckets.property("block", translate=lambda *_: "on", is_forced=True)]

    assert buckets.report(properties)["block"] == ("translated", "FORCED")
    assert buckets.twin == {"block": "on"}
    assert buckets.report(properties)["block"] == ("same", "FORCED")
    buckets.denied = {"twin block"}
    with pytest.raises(ClientError):
        buckets.report(properties)


def test_a_new_twin_is_read_where_there_is_something_to_write() -> None:
    denied = {f"twin {name}" for name in NAMES if name != "cors"}
    buckets = Buckets(source={"cors": 1}, denied=set(denied))

    assert buckets.report(is_new=True)["cors"] == ("copied", "")

    buckets = Buckets(source={"cors": 1}, twin={"cors": 1}, denied=denied)

    assert buckets.report(is_new=True)["cors"] == ("same", ""), "S3 has set it"
    assert "cors" not in buckets.writes


def test_an_old_boto3_is_said_to_be_old() -> None:
    buckets = Buckets(source={"cors": 1})

    check = buckets.clone([buckets.property("cors", operation="get_bucket_cors")])

    [line] = check.properties
    assert (line["outcome"], line["reason"]) == ("skipped", "SDK_TOO_OLD")
    assert "get_bucket_cors" in check.warnings[0]


def test_values_are_compared_in_their_normal_form() -> None:
    buckets = Buckets(source={"cors": [2, 1]}, twin={"cors": [1, 2]})

    assert buckets.report([buckets.property("cors", normal=sorted)])["cors"] == ("same", "")


def test_what_goes_goes_first_and_from_the_last_to_the_first() -> None:
    buckets = Buckets(source=dict.fromkeys(NAMES, 1))
    buckets.clone()
    buckets.source = {"lifecycle": 2}

    buckets.clone()

    assert buckets.writes[1:-1] == ["website", "cors", "lifecycle"]


CONFIGURED = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3))


@given(before=CONFIGURED, after=CONFIGURED, later=CONFIGURED, stop=st.integers(0, 6))
def test_a_run_that_ends_anywhere_is_finished_by_the_next(
    before: dict[str, int], after: dict[str, int], later: dict[str, int], stop: int
) -> None:
    buckets = Buckets(source=before)
    buckets.clone()
    buckets.source, buckets.stop = after, stop
    with suppress(Stopped):
        buckets.clone()
    buckets.source, buckets.stop = later, None

    check = buckets.clone()

    assert buckets.twin == later
    assert check.warnings == [], "what we began ourselves is nobody's drift"
    check = buckets.clone()
    assert buckets.writes == []
