"""The local AWS lists buckets by their tags as the Resource Groups Tagging API does."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.tests.lab import Lab

ACCOUNT, OTHER, REGION, DR = "111122223333", "444455556666", "us-west-2", "us-east-2"
MINE = {"Key": "ta-mine", "Values": ["yes"]}


def names(answer: dict[str, Any]) -> list[str]:
    found = [row["ResourceARN"] for row in answer["ResourceTagMappingList"]]
    assert all(arn.startswith("arn:aws:s3:::") for arn in found)
    return [arn.rpartition(":")[2] for arn in found]


def code(call: Any, **keywords: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**keywords)
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture(scope="module")
def tagging(lab: Lab) -> Any:
    for name, region, account, tags in (
        ("ta-one", REGION, ACCOUNT, ["ta-mine=yes", "dr=true"]),
        ("ta-two", REGION, ACCOUNT, ["ta-mine=yes", "dr=false"]),
        ("ta-three", REGION, ACCOUNT, ["ta-mine=yes", "dr=TRUE"]),
        ("ta-bare", REGION, ACCOUNT, []),
        ("ta-untagged", REGION, ACCOUNT, ["ta-mine=yes"]),
        ("ta-elsewhere", DR, ACCOUNT, ["ta-mine=yes", "dr=true"]),
        ("ta-theirs", REGION, OTHER, ["ta-mine=yes", "dr=true"]),
    ):
        s3 = lab.create(name, region, account)
        if tags:
            s3.put_bucket_tagging(Bucket=name, Tagging=lab.tag(*tags))
    control = lab.server.client("s3control", REGION)
    arn = "arn:aws:s3:::ta-untagged"
    control.untag_resource(AccountId=ACCOUNT, ResourceArn=arn, TagKeys=["ta-mine"])
    return lab.server.client("resourcegroupstaggingapi", REGION)


def test_only_tagged_buckets_of_the_region_and_account_are_listed(tagging: Any) -> None:
    answer = tagging.get_resources(ResourceTypeFilters=["s3"], TagFilters=[MINE])
    assert names(answer) == ["ta-one", "ta-three", "ta-two"]
    tags = {tag["Key"]: tag["Value"] for tag in answer["ResourceTagMappingList"][0]["Tags"]}
    assert tags == {"ta-mine": "yes", "dr": "true"}
    pages = tagging.get_paginator("get_resources").paginate(ResourceTypeFilters=["s3"])
    everything = [name for page in pages for name in names(page)]
    assert set(everything) >= {"ta-one", "ta-two", "ta-three"}
    assert not {"ta-bare", "ta-untagged", "ta-elsewhere", "ta-theirs"} & set(everything)


def test_other_regions_and_accounts_list_their_own(lab: Lab, tagging: Any) -> None:
    for region, account, expected in (
        (DR, ACCOUNT, ["ta-elsewhere"]),
        (REGION, OTHER, ["ta-theirs"]),
        (DR, OTHER, []),
    ):
        client = lab.server.client("resourcegroupstaggingapi", region, account)
        assert names(client.get_resources(TagFilters=[MINE])) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([{"Key": "dr", "Values": ["true"]}], ["ta-one"]),
        ([{"Key": "dr", "Values": ["true", "false"]}], ["ta-one", "ta-two"]),
        ([{"Key": "dr"}], ["ta-one", "ta-three", "ta-two"]),
        ([{"Key": "DR", "Values": ["true"]}], []),
        ([{"Key": "dr", "Values": ["false"]}, {"Key": "none"}], []),
    ],
)
def test_all_filters_and_any_of_their_values(
    tagging: Any, filters: list[Any], expected: list[str]
) -> None:
    assert names(tagging.get_resources(TagFilters=[MINE, *filters])) == expected


@pytest.mark.parametrize(
    ("types", "count"), [(["s3"], 3), (["s3:bucket"], 3), (["s3:object"], 0), (["sqs"], 0)]
)
def test_the_type_of_a_bucket(tagging: Any, types: list[str], count: int) -> None:
    answer = tagging.get_resources(ResourceTypeFilters=types, TagFilters=[MINE])
    assert len(names(answer)) == count


def test_pages(tagging: Any) -> None:
    asked = {"TagFilters": [MINE], "ResourcesPerPage": 2}
    first = tagging.get_resources(**asked)
    assert names(first) == ["ta-one", "ta-three"]
    second = tagging.get_resources(**asked, PaginationToken=first["PaginationToken"])
    assert (names(second), second["PaginationToken"]) == (["ta-two"], "")
    pages = tagging.get_paginator("get_resources").paginate(
        TagFilters=[MINE], PaginationConfig={"PageSize": 1}
    )
    assert [names(page) for page in pages] == [["ta-one"], ["ta-three"], ["ta-two"]]


def test_a_page_has_fifty_unless_told(lab: Lab) -> None:
    tag = {"Key": "ta-many", "Value": "yes"}
    for number in range(51):
        lab.create(f"ta-many-{number:02}", "eu-west-1", Tags=[tag])
    client = lab.server.client("resourcegroupstaggingapi", "eu-west-1")
    first = client.get_resources(TagFilters=[{"Key": "ta-many"}])
    assert len(names(first)) == 50
    assert first["PaginationToken"]


@pytest.mark.parametrize(
    "asked",
    [
        {"ResourcesPerPage": 0},
        {"ResourcesPerPage": 101},
        {"TagFilters": [{"Values": ["x"]}]},
        {"TagFilters": [{"Key": f"k{n}"} for n in range(51)]},
        {"TagFilters": [{"Key": "k", "Values": [str(n) for n in range(21)]}]},
        {"PaginationToken": "%"},
    ],
)
def test_limits(tagging: Any, asked: dict[str, Any]) -> None:
    assert code(tagging.get_resources, **asked) == "InvalidParameterException"


def test_the_caller_needs_a_permission(lab: Lab, tagging: Any) -> None:
    for role, actions, allowed in (("ta-no", ["tag:GetTagKeys"], False), ("ta-yes", [], True)):
        action = actions or ["tag:GetResources"]
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        keys = lab.assume(role, [statement])
        client = lab.server.client("resourcegroupstaggingapi", REGION, credentials=keys)
        if allowed:
            client.get_resources()
        else:
            assert code(client.get_resources) == "AccessDeniedException"
        rows = [row for row in lab.server.decisions() if row["role"] == role]
        assert [(row["action"], row["allowed"]) for row in rows] == [("tag:GetResources", allowed)]


def test_it_is_recorded_and_can_be_throttled(lab: Lab, tagging: Any) -> None:
    lab.server.faults([{"operation": "GetResources", "code": "ThrottledException"}])
    assert code(tagging.get_resources) == "ThrottledException"
    tagging.get_resources()
    rows = [row for row in lab.server.calls() if row["operation"] == "GetResources"]
    assert {row["service"] for row in rows} == {"tagging"}
    assert [row["status"] for row in rows[-2:]] == [400, 200]
