"""S3 Control: tags of buckets, and how boto3 finds it on loopback.

MiniStack does not name the tags to IAM, limits their number only one call at a time and lists them
as XML that does not parse.

botocore's endpoint rules put ``<account>.`` before any host, which resolves nowhere on loopback;
``AWS_DISABLE_HOST_PREFIX_INJECTION`` has no say in rules. ``AWS_DATA_PATH`` does: botocore reads
its data there before its own.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from local_aws import access, open_points, properties, regions
from local_aws.emulator import Answer

if TYPE_CHECKING:
    from local_aws.strict import Request

TAGS = "/v20180820/tags/"
VARIABLE = "AWS_DATA_PATH"
_FOLDER, _RULES = Path("s3control/2018-08-20"), "endpoint-rule-set-1"


def data_path(folder: str) -> str:
    """The value of ``VARIABLE``: rules that leave the host of an endpoint alone, written there.

    Raises:
        RuntimeError: botocore's rules have changed, so that they would not be mended.
    """
    from botocore.loaders import Loader

    data = Path(folder) / "botocore"
    text = json.dumps(Loader().load_data(str(_FOLDER / _RULES)))
    host = "{url#scheme}://{url#authority}"
    mended = text.replace("{url#scheme}://{AccountId}.{url#authority}", host)
    if mended == text:
        raise RuntimeError("botocore's rules of s3control put no account before a host any more.")
    target = data / _FOLDER / f"{_RULES}.json"
    os.makedirs(target.parent, exist_ok=True)
    target.write_text(mended)
    return str(data)


def serve_tags(request: "Request", keys: Sequence[str]) -> Answer:
    """TagResource, UntagResource and ListTagsForResource of a bucket (S3 Control API).

    Args:
        keys: The tags to remove.
    """
    new = access.tags(request.xml())
    action, context = "s3:ListTagsForResource", None
    if request.method == "DELETE":
        action, context = "s3:UntagResource", {"aws:TagKeys": list(keys)}
    elif request.method in ("POST", "PUT"):
        action, context = "s3:TagResource", access.tag_context(new)
    refusal = access.denied(request, action, context=context) or _refused(request)
    if refusal:
        return refusal
    old = request.s3._bucket_tags.get(request.bucket) or {}
    if action == "s3:ListTagsForResource":
        return 200, {"Content-Type": "application/xml"}, _listed(old)
    kept = {key: value for key, value in {**old, **new}.items() if key not in keys}
    if invalid := request.s3._validate_bucket_tags(new) or request.s3._validate_bucket_tags(kept):
        answer: Answer = invalid
        return answer
    request.s3._bucket_tags[request.bucket] = kept
    return 204, {}, b""


def _refused(request: "Request") -> Answer | None:
    """The bucket must exist and be the caller's, and so must be the account that is named.

    What S3 Control says of a bucket in another region is not recorded.
    """
    answer = None
    if regions.refuses_tags(request.region, open_points.CONTROL_TAGS):
        message = "The specified method is not allowed against this resource."
        unknown: Answer = request.s3.s3control_error("MethodNotAllowed", message, 405)
        return unknown
    account = request.headers.get("x-amz-account-id")
    if account != request.account or request.owner not in (None, request.account):
        answer = request.s3.s3control_error("AccessDenied", "Access Denied", 403)
    elif request.owner is None:
        # Not NoSuchBucket, which is S3's (S3 API, "List of S3 Control error codes",
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
        message = "The specified resource doesn't exist."
        answer = request.s3.s3control_error("NoSuchResource", message, 404)
    elif properties.region(request.bucket) != request.region:
        message = "The bucket must be addressed using the endpoint of its region."
        answer = request.s3.s3control_error("PermanentRedirect", message, 301)
    return answer


def _listed(old: Mapping[str, str]) -> bytes:
    items = "".join(
        f"<Tag><Key>{escape(key)}</Key><Value>{escape(value)}</Value></Tag>"
        for key, value in old.items()
    )
    return (
        '<ListTagsForResourceResult xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/">'
        f"<Tags>{items}</Tags></ListTagsForResourceResult>"
    ).encode()
