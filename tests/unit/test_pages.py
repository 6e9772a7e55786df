"""More than a page of whatever AWS gives page by page, through boto3's own clients and paginators.

The answers are botocore's Stubber's: it holds each request against AWS's model and against what is
expected, the token of the page before above all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from functional.payload import ACCOUNT, DR_REGION, SOURCE_REGION, checked, core_session, environment
from s3_dr.aws import Bucket, Budget
from s3_dr.check import Check
from s3_dr.cloning.properties import PROPERTIES
from s3_dr.jobs import listed
from s3_dr.settings import Settings
from s3_dr.sweep import Finding, Sweep
from s3_dr.tags import SOURCE_TAG
from s3_dr_cli.__main__ import main
from unit.cli_world import Call, World, world

__all__ = ["world"]

PAGES = 3
# Every call that gives pages, by how the code names it. boto3 has no paginator for the last ones.
PAGED = {"get_resources", "list_buckets", "list_jobs", "list_objects_v2", "list_bucket{method}s"}
SEVERAL = {
    "analytics": "AnalyticsConfiguration",
    "intelligent_tiering": "IntelligentTieringConfiguration",
    "inventory": "InventoryConfiguration",
    "metrics": "MetricsConfiguration",
}


def names(page: int) -> list[str]:
    """The names on a page, of which the first has nothing: AWS does that, and goes on."""
    return [f"bucket-{page}-{number}" for number in range(2)] if page else []


ALL = {name for page in range(PAGES) for name in names(page)}


def serve(client: Any, operation: str, pages: list[dict[str, Any]], asked: str, told: str) -> Any:
    """Have a client get these pages, each if it asks for it with the token of the one before."""
    stubber = Stubber(client)
    for number, page in enumerate(pages):
        token = {asked: f"token-{number}"} if number else {}
        more = {told: f"token-{number + 1}"} if number < len(pages) - 1 else {}
        if "IsTruncated" in page:
            page["IsTruncated"] = bool(more)
        stubber.add_response(operation, {**page, **more}, {**EXPECTED[operation], **token})
    stubber.activate()
    return stubber


EXPECTED: dict[str, dict[str, Any]] = {
    "get_resources": {
        "ResourceTypeFilters": ["s3:bucket"],
        "TagFilters": ANY,
        "ResourcesPerPage": 100,
    },
    "list_objects_v2": {
        "Bucket": "reports",
        "Prefix": "state/",
        "ExpectedBucketOwner": ACCOUNT,
    },
}


def client(service: str, region: str = SOURCE_REGION) -> Any:
    session: Any = boto3.session.Session(
        aws_access_key_id="x", aws_secret_access_key="x", botocore_session=core_session()
    )
    return session.client(service, region_name=region, endpoint_url="http://127.0.0.1:1")


@pytest.fixture(scope="module")
def s3() -> Any:
    return client("s3")


@pytest.fixture(scope="module")
def tagging() -> Any:
    return client("resourcegroupstaggingapi")


@pytest.fixture
def paged() -> Iterator[Callable[..., None]]:
    """Serves pages, all of which must have been asked for in the end."""
    stubbers: list[Any] = []

    def serving(*arguments: Any) -> None:
        stubbers.append(serve(*arguments))

    yield serving
    for stubber in stubbers:
        stubber.deactivate()
        try:
            stubber.assert_no_pending_responses()
        except AssertionError as left:
            pytest.fail(f"not all pages were asked for: {left}", pytrace=False)


def sweep(**clients: Any) -> Sweep:
    settings = Settings.from_environment(environment(REPORTS_BUCKET="reports"))
    made: Any = SimpleNamespace(**clients)
    return Sweep(settings, made, Budget(lambda: 900.0))


def resources(page: int, tags: Callable[[str], dict[str, str]]) -> dict[str, Any]:
    return {
        "ResourceTagMappingList": [
            {
                "ResourceARN": f"arn:aws:s3:::{name}",
                "Tags": [{"Key": key, "Value": text} for key, text in tags(name).items()],
            }
            for name in names(page)
        ]
    }


def test_every_paged_call_of_the_code_is_looked_at_here(repo: Path) -> None:
    """A new one needs a test of its second page, in this file."""
    found = set()
    for folder in ("lambda/s3_dr", "cli/s3_dr_cli"):
        for path in sorted((repo / folder).rglob("*.py")):
            text = path.read_text()
            found |= set(re.findall(r'get_paginator\(\s*"(\w+)"', text))
            assert text.count("get_paginator(") == len(re.findall(r'get_paginator\(\s*"', text)), (
                f"{path.name} names a paginator in a way that this test does not see"
            )
            found |= set(re.findall(r'[."](list_(?!object_versions)[\w{}]+)[("]', text))

    assert found == PAGED, "what is paged, or seems so"


def test_all_tagged_buckets_are_found(tagging: Any, paged: Any) -> None:
    pages = [resources(page, lambda _: {"dr": "true"}) for page in range(PAGES)]
    paged(tagging, "get_resources", pages, "PaginationToken", "PaginationToken")
    found = Finding()

    sweep(source_tagging=tagging)._find_tagged(found)

    assert found.tagged == ALL, "tagged buckets of every page"


def test_all_twins_are_found(tagging: Any, paged: Any) -> None:
    pages = [resources(page, lambda name: {SOURCE_TAG: f"{name}-s"}) for page in range(PAGES)]
    paged(tagging, "get_resources", pages, "PaginationToken", "PaginationToken")
    found = Finding()

    sweep(dr_tagging=tagging)._find_twins(found)

    assert found.twins == {name: f"{name}-s" for name in ALL}, "twins of every page"


def buckets(created: datetime) -> list[dict[str, Any]]:
    return [
        {"Buckets": [{"Name": name, "CreationDate": created} for name in names(page)]}
        for page in range(PAGES)
    ]


def test_all_buckets_are_there(s3: Any, paged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"BucketRegion": SOURCE_REGION, "MaxBuckets": 1000}
    monkeypatch.setitem(EXPECTED, "list_buckets", asked)
    paged(s3, "list_buckets", buckets(datetime.now(UTC)), "ContinuationToken", "ContinuationToken")
    found = Finding()

    sweep(source_s3=s3)._find_there(found)

    assert found.there == ALL, "buckets of every page"


def test_all_records_are_found(s3: Any, paged: Any) -> None:
    pages: list[dict[str, Any]] = [
        {
            "Contents": [{"Key": f"state/{name}.json", "ETag": name} for name in names(page)],
            "IsTruncated": True,
        }
        for page in range(PAGES)
    ]
    paged(s3, "list_objects_v2", pages, "ContinuationToken", "NextContinuationToken")
    found = Finding()

    sweep(source_s3=s3)._find_remembered(found)

    assert found.remembered == ALL, "records of every page"


@pytest.mark.parametrize("ended", [True, False])
def test_all_jobs_are_listed(paged: Any, monkeypatch: pytest.MonkeyPatch, ended: bool) -> None:
    control = client("s3control")
    asked = {"AccountId": ACCOUNT, "MaxResults": 1000, **({} if ended else {"JobStatuses": ANY})}
    monkeypatch.setitem(EXPECTED, "list_jobs", asked)
    made = {"Status": "Active", "CreationTime": datetime.now(UTC), "Operation": "S3ReplicateObject"}
    pages = [{"Jobs": [{"JobId": name, **made} for name in names(page)]} for page in range(PAGES)]
    paged(control, "list_jobs", pages, "NextToken", "NextToken")

    found = listed(control, ACCOUNT, ended=ended)

    assert {job.id for job in found} == ALL, "jobs of every page"


def of(bucket: str, s3: Any) -> Check:
    return checked(SimpleNamespace(source_s3=s3, dr_s3=s3), bucket)


@pytest.mark.parametrize(
    ("ask", "minutes", "answer"),
    [
        (Bucket.is_owned_by_caller, 0, True),
        (lambda bucket: bucket.is_young(timedelta(minutes=2)), 0, True),
        (lambda bucket: bucket.is_young(timedelta(minutes=2)), 3, False),
    ],
    ids=["owned", "young", "old"],
)
def test_a_bucket_of_ours_is_found_on_whatever_page(
    s3: Any,
    paged: Any,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[Bucket], bool],
    minutes: int,
    answer: bool,
) -> None:
    last = names(PAGES - 1)[-1]
    monkeypatch.setitem(EXPECTED, "list_buckets", {"Prefix": last, "MaxBuckets": 1000})
    pages = buckets(datetime.now(UTC) - timedelta(minutes=minutes))
    paged(s3, "list_buckets", pages, "ContinuationToken", "ContinuationToken")

    assert ask(of(last, s3).source) is answer, f"{last} is on the last page"


ITEMS: dict[str, dict[str, Any]] = {
    "analytics": {"StorageClassAnalysis": {}},
    "intelligent_tiering": {
        "Status": "Enabled",
        "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}],
    },
    "inventory": {
        "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::r", "Format": "CSV"}},
        "IsEnabled": True,
        "IncludedObjectVersions": "All",
        "Schedule": {"Frequency": "Daily"},
    },
    "metrics": {},
}


def test_each_property_with_several_configurations_has_its_case(s3: Any) -> None:
    """Those that S3 lists: a new one needs an entry here."""
    listed = {
        name.removeprefix("ListBucket").removesuffix("Configurations")
        for name in s3.meta.service_model.operation_names
        if name.startswith("ListBucket") and name.endswith("Configurations")
    }
    assert {shape.removesuffix("Configuration") for shape in SEVERAL.values()} == listed
    assert SEVERAL.keys() == ITEMS.keys() <= {each.name for each in PROPERTIES}


@pytest.mark.parametrize("name", SEVERAL)
def test_all_configurations_of_a_bucket_are_read(
    s3: Any, paged: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shape = SEVERAL[name]
    operation = f"list_bucket_{name}_configurations"
    asked = {"Bucket": "orders", "ExpectedBucketOwner": ACCOUNT}
    monkeypatch.setitem(EXPECTED, operation, asked)
    pages = [
        {
            f"{shape}List": [{"Id": each, **ITEMS[name]} for each in names(page)],
            "IsTruncated": True,
        }
        for page in range(PAGES)
    ]
    paged(s3, operation, pages, "ContinuationToken", "NextContinuationToken")
    [cloned] = [each for each in PROPERTIES if each.name == name]

    found = cloned.read(of("orders", s3).source)

    assert found.keys() == ALL, f"{name} of orders: configurations of every page"


def test_the_doctor_counts_the_buckets_of_all_pages(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def listed(call: Call) -> dict[str, Any]:
        page = int(call.parameters.get("ContinuationToken", "token-0").removeprefix("token-"))
        assert call.region == DR_REGION
        more = {"ContinuationToken": f"token-{page + 1}"} if page < PAGES - 1 else {}
        return {"Buckets": [{"Name": name} for name in names(page)], **more}

    world.answers["ListBuckets"] = listed

    main(["doctor", "--json"])

    checks = json.loads(capsys.readouterr().out)["checks"]
    [quota] = [each for each in checks if each["check"] == "bucket quota"]
    assert quota["sentence"].startswith(f"the DR account has {len(ALL)} of"), quota["sentence"]
