"""Cloning against moto, which nobody here wrote: what it keeps, it has to keep of a clone too.

moto does not know ABAC, Requester Pays and three of the families with IDs, wants grants for log
buckets and loses parts of inventories and the default of ownership: those are left to the local
AWS. It loses empty values of tags and how many noncurrent versions are kept, so tags and lifecycle
have cases of their own here.
"""

from __future__ import annotations

import pytest

from functional.clonable import ABORTS, CASES, IN_2099, MARKERS, MOVES, Case, Sides
from functional.payload import DR_REGION, TRIGGER, Functions, World, profiles

pytest_plugins = ["functional.payload", "functional.clonable"]

AND = {"Prefix": "a/", "Tags": [{"Key": "a", "Value": "b"}]}
DATED = {
    "ID": "dated",
    "Status": "Enabled",
    "Filter": {"Prefix": "a/"},
    "Transitions": [{"Date": IN_2099, "StorageClass": "GLACIER"}],
}
KEPT = {**MOVES, "Filter": {"And": AND}}
DELETES = {"Expiration": {"Days": 400}, "NoncurrentVersionExpiration": {"NoncurrentDays": 90}}
RULES = [{**KEPT, **DELETES}, MARKERS, ABORTS]
EACH = [
    Case("tags", {"team": "shop", "cost center": "1 + 2"}, {"team": "web"}, None),
    Case("lifecycle", {"Rules": RULES}, {"Rules": [ABORTS]}, None, {"Rules": [KEPT, *RULES[1:]]}),
    Case("lifecycle", {"Rules": RULES}, None, None, label="full", profile={"lifecycle": "full"}),
    Case("lifecycle", {"Rules": [DATED]}, None, None, label="dated"),
    *(case for case in CASES if case.label == "old-form"),
    *(case for case in CASES if case.name in ("accelerate", "acl", "cors", "policy", "website")),
]
SIDE = {"account": "123456789012", "host": "west.example.com"}
NAMES = Sides(SIDE, {**SIDE, "host": "east.example.com"})


@pytest.mark.parametrize("case", EACH, ids=str)
def test_a_property_is_cloned_and_follows_its_source(
    functions: Functions, on_moto: World, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.setenv("PROFILES", profiles(clone=[case.name, *case.also], **case.profile))
    monkeypatch.setenv("TRANSLATIONS", NAMES.translations)
    bucket = on_moto.bucket(tags=TRIGGER)
    # A twin by hand: moto loses the tags of CreateBucket.
    twin = on_moto.twin(bucket)

    for value, expected in ((case.value, case.on_twin), (case.change, case.change), (None, None)):
        case.hand.put(on_moto.s3(), bucket, NAMES.on_source(value, bucket))

        result = functions.check_destination(bucket)

        assert result["outcome"] == "passed_on"
        assert "warnings" not in result
        found = case.hand.get(on_moto.s3(DR_REGION), twin)
        assert found == NAMES.on_twin(expected, bucket)
        assert functions.check_destination(bucket)["changes"] == []
