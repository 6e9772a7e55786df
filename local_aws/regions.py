"""What is not in every region, partition or account: tags, acceleration, a region's STS."""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from local_aws import open_points
from local_aws.emulator import Answer, module, wrap

if TYPE_CHECKING:
    from local_aws.strict import Request

_PARTITIONS = {
    "cn": "aws-cn",
    "eusc": "aws-eusc",
    "us-gov": "aws-us-gov",
    "us-iso": "aws-iso",
    "us-isob": "aws-iso-b",
}
# As public issues name them: see the open point.
_NOT_ACCELERATED = ("af-south-1", "eu-north-1")
# AWS General Reference, "Region and Availability Zone codes": those that are not on by default.
_OPT_IN = (
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
)
_enabled: set[tuple[str, str]] = set()  # account and region


def partition(region: str) -> str:
    """The partition of a region."""
    found = (name for prefix, name in _PARTITIONS.items() if region.startswith(f"{prefix}-"))
    return next(found, "aws")


def enable(region: str, account: str) -> None:
    """Let an account enable an opt-in region; before that, none of them is enabled.

    Raises:
        ValueError: It is none.
    """
    if region not in _OPT_IN:
        raise ValueError(f"{region} is no opt-in region.")
    _enabled.add((account, region))


def refuses_tags(region: str, point: open_points.Point) -> bool:
    """Whether buckets of a region cannot be tagged in the way that the point is about."""
    if point.says("nowhere"):
        return False
    return partition(region) != "aws" if point.says("not_aws") else partition(region) == "aws-eusc"


def creation_with_tags(request: "Request") -> Answer | None:
    """CreateBucket with Tags where it does not know them."""
    tagged = request.creates() and any(
        element.tag.endswith("Tag") for element in request.xml().iter()
    )
    if not tagged or not refuses_tags(request.region, open_points.CREATE_TAGS):
        return None
    return request.error("UnsupportedArgument", "The request contained an unsupported argument.")


def acceleration(request: "Request") -> Answer | None:
    """GetBucketAccelerateConfiguration and its Put, where there is no acceleration."""
    elsewhere = partition(request.region) != "aws"
    asked = "accelerate" in request.query and not request.key
    if not asked or not (elsewhere or request.region in _NOT_ACCELERATED):
        return None
    point = open_points.ACCELERATION
    if point.says("nowhere"):
        return None
    if point.says("UnsupportedArgument") or (elsewhere and point.says("by_partition")):
        message = "The request contained an unsupported argument."
        return request.error("UnsupportedArgument", message)
    message = "The specified method is not allowed against this resource."
    return request.error("MethodNotAllowed", message, 405)


RULES = (creation_with_tags, acceleration)


def _assuming(original: Any) -> Any:
    """AssumeRole in an opt-in region (STS API, AssumeRole, RegionDisabledException)."""

    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        responses = module("core.responses")
        asked = {**query, **parse_qs((body or b"").decode("utf-8", "replace"))}
        region, account = responses.get_region(), responses.get_account_id()
        if open_points.STS_REGION.says("role"):
            account = (asked.get("RoleArn", [""])[0].split(":") + [""] * 5)[4] or account
        assumes = asked.get("Action", [""])[0] == "AssumeRole"
        if not assumes or region not in _OPT_IN or (account, region) in _enabled:
            return await original(method, path, headers, body, query)
        message = (
            f"STS is not activated in this region for account:{account}. Your account "
            "administrator can activate STS in this region using the IAM Console."
        )
        return module("services.sts")._error(403, "RegionDisabledException", message, ns="sts")

    return handle


def install() -> None:
    wrap(module("services.sts"), "handle_request", _assuming)
