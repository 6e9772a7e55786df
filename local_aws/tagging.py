"""GetResources of the Resource Groups Tagging API as on AWS.

MiniStack answers all in one page, knows no ``s3:bucket`` and lists buckets whose tags were all
taken off. (AWS lists those with no tags where the request has no TagFilters; here they are never
listed.)

Its limits: Resource Groups Tagging API, GetResources,
https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

import base64
import json
from typing import Any

from local_aws.emulator import Answer, module

_USUAL_PAGE, _MOST_PAGE = 50, 100
_MOST_FILTERS, _MOST_VALUES = 50, 20


def _get_resources(original: Any) -> Any:
    def get(asked: dict[str, Any]) -> Answer:
        if problem := _problem(asked):
            return _refusal("InvalidParameterException", problem)
        wanted = dict(asked)
        if "ResourceTypeFilters" in asked:
            wanted["ResourceTypeFilters"] = [_type(name) for name in asked["ResourceTypeFilters"]]
        answer: Answer = original(wanted)
        if answer[0] != 200:
            return answer
        found = json.loads(answer[2])["ResourceTagMappingList"]
        listed = sorted((row for row in found if row["Tags"]), key=lambda row: row["ResourceARN"])
        return _page(listed, asked)

    return get


def _type(name: str) -> str:
    """``s3:bucket`` for MiniStack, which takes a bucket's name for the type of its resource."""
    return "s3" if name == "s3:bucket" else name


def _problem(asked: dict[str, Any]) -> str:
    filters = asked.get("TagFilters") or []
    if not 1 <= asked.get("ResourcesPerPage", _USUAL_PAGE) <= _MOST_PAGE:
        return f"ResourcesPerPage must be from 1 to {_MOST_PAGE}."
    if len(filters) > _MOST_FILTERS:
        return f"There must be at most {_MOST_FILTERS} TagFilters."
    if any(not one.get("Key") or len(one.get("Values") or []) > _MOST_VALUES for one in filters):
        return f"Each of the TagFilters needs a Key, and at most {_MOST_VALUES} Values."
    return ""


def _page(listed: list[Any], asked: dict[str, Any]) -> Answer:
    """Resources after the one the token names. Where a token comes from is not checked further."""
    after = ""
    if token := asked.get("PaginationToken"):
        try:
            after = base64.b64decode(token, b"-_", validate=True).decode()
        except ValueError:
            return _refusal("InvalidParameterException", "The PaginationToken is not valid.")
    rest = [row for row in listed if row["ResourceARN"] > after]
    size = asked.get("ResourcesPerPage", _USUAL_PAGE)
    page, more = rest[:size], len(rest) > size
    last = page[-1]["ResourceARN"] if more else ""
    next_token = base64.urlsafe_b64encode(last.encode()).decode()
    return _json(200, {"ResourceTagMappingList": page, "PaginationToken": next_token})


def _refusal(code: str, message: str) -> Answer:
    return _json(400, {"__type": code, "message": message})


def _json(status: int, body: Any) -> Answer:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()


def install() -> None:
    handlers = module("services.tagging")._HANDLERS
    handlers["GetResources"] = _get_resources(handlers["GetResources"])
