"""One API request: read from the wire, described in AWS's words."""

import re
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import unescape

from local_aws import names
from local_aws.emulator import module


@dataclass
class Call:
    """Who asked what of which service, and, once it is over, what came of it."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    service: str
    operation: str
    bucket: str
    key: str
    account: str
    region: str
    access_key: str
    body: bytes = b""
    status: int = 0
    request_id: str = ""
    answer: bytes = b""
    credential: Any = None
    began: float = field(default_factory=time.time)

    @property
    def principal(self) -> str:
        """The role's or user's name, ``root`` or ``anonymous``."""
        kind = getattr(self.credential, "principal_type", "")
        arn = getattr(self.credential, "principal_arn", "")
        if kind == "AssumedRole":
            return str(arn.split("/")[1])
        if kind == "User":
            return str(arn.rpartition("/")[2])
        return "root" if kind == "Root" else "anonymous"

    @property
    def resource_arn(self) -> str:
        """What an S3 Control tagging call names, else nothing."""
        tagging = self.service == "s3control"
        return unquote(self.path.removeprefix("/v20180820/tags/")) if tagging else ""

    @property
    def writes_management(self) -> bool:
        """Whether CloudTrail records the call as a management event that is no read."""
        if self.service == "s3control":
            return self.operation in ("TagResource", "UntagResource")
        bucket_level = self.service == "s3" and self.bucket and not self.key
        return bool(bucket_level and self.method in ("PUT", "DELETE"))

    @property
    def error(self) -> tuple[str, str] | None:
        """Code and message of a refusal."""
        if self.status < 300:
            return None
        text = self.answer.decode("utf-8", "replace")
        code, message = (
            unescape(found[1]) if found else ""
            for tag in ("Code", "Message")
            for found in [re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)]
        )
        return code or str(self.status), message


def describe(scope: MutableMapping[str, Any]) -> Call:
    """Describe an ASGI request whose body is not read yet."""
    app, router = module("app"), module("core.router")
    method, path = scope["method"], scope["path"]
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
    listed = {name: [value] for name, value in query.items()}
    key_id = router.extract_access_key_id(headers, listed)
    responses, iam = module("core.responses"), module("core.iam_evaluator")
    responses.set_request_account_id(app._request_account_scope(key_id))
    account = responses.get_account_id()
    credential = iam.resolve_credential(key_id, account) if key_id else None
    service, bucket, key = router.detect_service(method, path, headers, listed), "", ""
    if service == "s3" and path.startswith("/v20180820/"):
        service, operation = "s3control", names.s3control_operation(method, path)
        bucket = unquote(path).partition(":::")[2].partition("/")[0]
    elif service == "s3":
        host = app._extract_s3_vhost_bucket(headers.get("host", ""))
        bucket, _, key = (f"{host}{path}" if host else path.lstrip("/")).partition("/")
        operation = names.s3_operation(method, bucket, key, query)
    else:
        operation = f"{method} {path}"
    return Call(
        method=method,
        path=path,
        headers=headers,
        query=query,
        service=service,
        operation=operation,
        bucket=bucket,
        key=key,
        account=account,
        region=router.extract_region(headers, listed),
        access_key=key_id,
        credential=credential,
    )


def named_bucket(call: Call) -> str:
    """The bucket a call names in its body: the source of a job."""
    if call.operation != "CreateJob":
        return ""
    found = re.search(rb"<SourceBucket>arn:[^<]*:::([^<]*)</SourceBucket>", call.body)
    return found[1].decode() if found else ""


def operation(call: Call) -> str:
    """The operation; of a service other than S3 as IAM names its action."""
    if call.service in ("s3", "s3control"):
        return call.operation
    query = {name: [value] for name, value in call.query.items()}
    arguments = call.method, call.path, call.headers, call.body
    params = module("app")._routing_params(*arguments, query)
    action = module("core.iam_actions").extract_iam_action(call.service, *arguments, params)
    return str(action).partition(":")[2] if action else call.operation
