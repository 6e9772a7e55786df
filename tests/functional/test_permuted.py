"""S3 gives lists back in any order: that is no drift, and nothing to write.

What a list is, is not said here: whatever is one, in whatever answer about whatever property of the
table, comes back the other way round. Only where the order means something it is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functional.clonable import CASES, HANDS, Case, Sides, line
from functional.payload import DR_REGION, TRIGGER, Functions, World, event, hear, profiles, restart
from s3_dr import handlers
from s3_dr.profiles import CLONABLE

pytest_plugins = ["functional.payload", "functional.clonable"]

# The first that fits counts.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html
ORDERED = frozenset({"CORSRules", "RoutingRules"})
# What S3 calls a list that is itself a value in the table.
ROOTS = {"acl": "Grants", "cors": "CORSRules", "policy": "Statement"}
# Beside these, what they are about has another kind with two, and all kinds are read alike.
SINGLE = frozenset({"LambdaFunctionConfigurations", "TopicConfigurations"})
EVERYTHING = {case.name: case for case in reversed(CASES) if not case.label}
FULL = next(case for case in CASES if str(case) == "lifecycle-full")


def turned(value: Any, name: str = "") -> Any:
    """The same with each list the other way round, those within others too."""
    if isinstance(value, dict):
        return {key: turned(item, key) for key, item in value.items()}
    if isinstance(value, list):
        items = [turned(item) for item in value]
        return items if name in ORDERED else items[::-1]
    if name == "Policy":
        return json.dumps(turned(json.loads(value)))
    return value


def lengths(value: Any, name: str = "") -> Iterator[tuple[str, int]]:
    """The names of all lists in a value, and how long they are."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from lengths(item, key)
    if isinstance(value, list):
        yield name, len(value)
        for item in value:
            yield from lengths(item)


def lists(value: Any, name: str = "") -> set[str]:
    """The names of all lists in a value that can be turned."""
    found = lengths(value, name)
    return {each for each, length in found if length > 1 and each not in ORDERED}


def turn(client: Any) -> Callable[[], set[str]]:
    """Have S3 answer a function the other way round; gives the names of the lists it turned."""
    seen: set[str] = set()

    def answered(parsed: Any, **_: object) -> None:
        found = {key: item for key, item in parsed.items() if key != "ResponseMetadata"}
        seen.update(lists({**found, "Policy": json.loads(found.get("Policy", "{}"))}))
        parsed.update(turned(found))

    hear(client, "after-call.s3", answered)
    return lambda: seen


@pytest.mark.parametrize("lifecycle", [EVERYTHING["lifecycle"], FULL], ids=str)
def test_lists_that_come_back_in_another_order_are_the_same(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
    lifecycle: Case,
) -> None:
    cases = EVERYTHING | {"lifecycle": lifecycle}
    fields = {"clone": sorted(CLONABLE), **lifecycle.profile}
    functions.deploy(
        monkeypatch, PROFILES=profiles(**fields), TRANSLATIONS=one_account.translations
    )
    bucket = on_local_aws.bucket(tags=TRIGGER)
    # ACLs need their ownership first, and ABAC ends PutBucketTagging.
    for name in sorted(cases, key=lambda name: (name == "abac", name != "ownership")):
        value = one_account.on_source(cases[name].value, bucket)
        HANDS[name].put(on_local_aws.s3(), bucket, value)
    functions.protect(event("put_bucket_tagging", bucket))
    functions.protected(on_local_aws, bucket)
    wanted = {
        key for case in cases.values() for key in lists(case.on_twin, ROOTS.get(case.name, ""))
    }

    for side in ("dr_s3", "source_s3"):
        restart()
        seen = turn(getattr(handlers._runtime()[1], side))
        functions.calls.clear()

        result = functions.check_destination(bucket)

        missing = wanted - seen()
        assert not missing, f"S3 was never asked for {sorted(missing)}: this test proves too little"
        moved = [
            f"{each['property']} of {bucket}: {each}"
            for each in result["properties"]
            if each["outcome"] != "same" or each.get("reason") not in (None, "FORCED")
        ]
        assert not moved, f"lists in another order were taken for a change: {moved}"
        assert functions.writes == [], f"nothing of {bucket} or its twin has changed"
        assert "warnings" not in result, result["warnings"]


def test_each_list_of_the_table_has_two_items_in_some_case() -> None:
    """Else turning it would change nothing."""
    longest: dict[str, int] = {}
    for case in CASES:
        for name, length in lengths(case.on_twin, ROOTS.get(case.name, "")):
            longest[name] = max(length, longest.get(name, 0))

    short = sorted(name for name, length in longest.items() if length < 2 and name not in SINGLE)

    assert not short, f"no case of tests/functional/clonable.py has two of these: {short}"


@pytest.mark.parametrize("name", ["cors", "website"])
def test_the_order_of_rules_of_which_the_first_counts_is_a_change(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=[name]))
    monkeypatch.setenv("TRANSLATIONS", one_account.translations)
    bucket = on_local_aws.bucket(tags=TRIGGER)
    value = one_account.on_source(EVERYTHING[name].value, bucket)
    HANDS[name].put(on_local_aws.s3(), bucket, value)
    functions.check_destination(bucket)
    twin = on_local_aws.s3(DR_REGION), f"{bucket}-dr"
    found = HANDS[name].get(*twin)
    rules = found if name == "cors" else found["RoutingRules"]
    assert len(rules) > 1, "else there is no order"
    rules.reverse()
    HANDS[name].put(*twin, found)

    result = functions.check_destination(bucket)

    assert line(result, name)["reason"] == "DRIFT", f"{name} of {bucket}-dr means something else"
