"""The AWS calls that a plan makes, answered on the loopback interface.

A plan asks STS who is calling (the provider itself, and ``data.aws_caller_identity``), and for the
credentials of a role that a provider assumes. With this stub a plan needs neither an account nor
the local AWS::

    with sts_stub() as env, Root("...", tools=terraform_cli, env=env) as root:
        root.init()
        plan = root.plan()
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "222233334444"

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/sts/")
_ANSWER = """\
<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:{partition}:iam::{account}:root</Arn>
    <UserId>{account}</UserId>
    <Account>{account}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>
"""
# The credentials of a role of another account: the access key is that account.
_ROLE = """\
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>AROA:plan</AssumedRoleId></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{account}</AccessKeyId>
      <SecretAccessKey>test</SecretAccessKey>
      <SessionToken>test</SessionToken>
      <Expiration>2099-01-01T00:00:00Z</Expiration>
    </Credentials>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>
</AssumeRoleResponse>
"""
_REFUSAL = """\
<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>Sender</Type>
    <Code>InvalidAction</Code>
    <Message>A plan may only call AssumeRole and GetCallerIdentity.</Message>
  </Error>
</ErrorResponse>
"""


@contextmanager
def sts_stub() -> Iterator[dict[str, str]]:
    """Answers the two calls on a free loopback port, and refuses all else.

    An access key of twelve digits is its own account, as on the local AWS; any other is
    ``ACCOUNT``. So a root with two accounts gives its two providers two such keys.

    Yields:
        The environment that sends a Terraform run here.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{server.server_port}",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        text = _answer(parse_qs(body), self.headers.get("Authorization", ""))
        self.send_response(400 if text == _REFUSAL else 200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test's output to what the test says."""


def _answer(asked: Mapping[str, list[str]], authorization: str) -> str:
    if asked.get("Action") == ["AssumeRole"]:
        (role,) = asked["RoleArn"]
        return _ROLE.format(arn=f"{role}/plan", account=role.split(":")[4])
    if asked.get("Action") != ["GetCallerIdentity"]:
        return _REFUSAL
    signed = _CREDENTIAL.search(authorization)
    key, region = (signed["key"], signed["region"]) if signed else ("", "")
    account = key if re.fullmatch(r"\d{12}", key) else ACCOUNT
    return _ANSWER.format(account=account, partition=_partition(region))


def _partition(region: str) -> str:
    prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((name for prefix, name in prefixes.items() if region.startswith(prefix)), "aws")
