"""Start and end a local AWS in a child process."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local_aws import open_points, s3control

ACCOUNT = "111122223333"
_READY_SECONDS = 60


class LocalAwsError(Exception):
    """The local AWS did not start, or is not there any more; the message says what to do."""


class LocalAws:
    """A local AWS of one's own, for the length of a ``with`` block.

    It ends with the block; should this process be killed, it ends by itself.

    Args:
        port: The port on 127.0.0.1; None takes any free one.
        quiet: Log only warnings and errors.
        world: Which variant of each open point holds, see ``open_points``.
        points: Open points of which another variant holds.

    Attributes:
        endpoint: The URL of every service, once started.
        world: The world that was chosen last.
    """

    def __init__(
        self,
        port: int | None = None,
        quiet: bool = False,
        world: str = "first",
        points: Mapping[str, str] | None = None,
    ) -> None:
        open_points.check(world, points)
        self.endpoint = ""
        self.world, self._points = world, dict(points or {})
        self._port = port or 0
        self._quiet = quiet
        self._clients: dict[tuple[str | None, ...], Any] = {}
        self._session_lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def process_id(self) -> int:
        """The server's process id, which is also that of its process group."""
        if self._process is None:
            raise LocalAwsError("The local AWS is not running: start it first.")
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            LocalAwsError: The port is taken, or the server died or hangs.
        """
        self._directory = tempfile.TemporaryDirectory(prefix="local-aws-")
        command = [sys.executable, "-m", "local_aws", "--port", str(self._port)]
        command += ["--until-stdin-closes", *(["--quiet"] if self._quiet else [])]
        command += ["--world", self.world]
        for name, variant in self._points.items():
            command += ["--point", f"{name}={variant}"]
        above = Path(__file__).resolve().parent.parent
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(above),
            "TMPDIR": self._directory.name,
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._directory.name,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._ready():
            if self._process.poll() is not None:
                raise LocalAwsError(f"The local AWS ended at once. {self.log_tail()}")
            if time.monotonic() > deadline:
                raise LocalAwsError(
                    f"The local AWS gave no answer in {_READY_SECONDS} s; its log ends:\n"
                    f"{self.log_tail()}"
                )
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server and the functions' workers, and remove their files."""
        while self._clients:
            self._clients.popitem()[1].close()
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            with suppress(ProcessLookupError):
                # The group is the server's own session: only its workers can be left in it.
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process = None
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def environment(self, account: str = ACCOUNT, region: str | None = None) -> dict[str, str]:
        """Variables that point Terraform, boto3 and the AWS CLI here, as an account's root."""
        variables = {
            "AWS_ACCESS_KEY_ID": account,
            "AWS_CONFIG_FILE": os.devnull,
            s3control.VARIABLE: self.data_path,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1,localhost",
        }
        if region:
            variables |= {"AWS_DEFAULT_REGION": region, "AWS_REGION": region}
        return variables

    def client(
        self,
        service: str,
        region: str,
        account: str = ACCOUNT,
        credentials: Mapping[str, str] | None = None,
    ) -> Any:
        """A boto3 client; the same one, whoever asks for the same again.

        So one of S3 remembers from test to test in which region it found a bucket.

        Args:
            credentials: What ``sts.assume_role`` or ``iam.create_access_key`` gave; without it
                the client is the account's root.
        """
        from botocore.config import Config

        keys = credentials or {"AccessKeyId": account, "SecretAccessKey": "test"}
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        key_id, secret, token = (keys.get(name) for name in names)
        asked = (service, region, key_id, secret, token)
        with self._session_lock:  # a client is thread-safe, but making one is not
            if asked not in self._clients:
                self._clients[asked] = self._session.client(
                    service,
                    region_name=region,
                    endpoint_url=self.endpoint,
                    aws_access_key_id=key_id,
                    aws_secret_access_key=secret,
                    aws_session_token=token,
                    config=Config(
                        connect_timeout=5,
                        max_pool_connections=50,
                        proxies={},
                        retries={"mode": "standard", "total_max_attempts": 1},
                    ),
                )
            return self._clients[asked]

    @cached_property
    def data_path(self) -> str:
        """What ``AWS_DATA_PATH`` has to be for botocore's S3 Control clients to come here."""
        assert self._directory is not None
        return s3control.data_path(self._directory.name)

    @cached_property
    def _session(self) -> Any:
        import boto3
        import botocore.session

        # No profile and no file of the machine: None as the name of the variable turns it off.
        variables = {
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
            "data_path": (None, None, self.data_path, None),
            # It would ask for a session before it sends a name with --x-s3.
            "s3_disable_express_session_auth": (None, None, True, None),
        }
        return boto3.Session(botocore_session=botocore.session.Session(variables))

    def replication_role(self, name: str, account: str = ACCOUNT) -> str:
        """The ARN of a role with which S3 may replicate everything; made unless it is there."""
        iam = self.client("iam", "us-east-1", account)
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        everything = {"Effect": "Allow", "Action": ["kms:*", "s3:*"], "Resource": "*"}
        trusted, allowed = (
            json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            for statement in (trust, everything)
        )
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)
        iam.put_role_policy(RoleName=name, PolicyName="replicate", PolicyDocument=allowed)
        return f"arn:aws:iam::{account}:role/{name}"

    def calls(self, since: float = 0) -> list[dict[str, Any]]:
        """Every API call and every delivery to a function, in the order of their answers.

        Each has n, time, service, operation, bucket, principal, region and status; a delivery by
        EventBridge or SNS (service ``lambda``) also has function. With ``since``, in seconds since
        1970, only later ones.
        """
        answer: list[dict[str, Any]] = self._ask("GET", f"calls?since={since}")
        return answer

    def running(self) -> int:
        """How many runs of functions have begun and not ended."""
        return int(self._ask("GET", "health")["running"])

    def busy(self) -> int:
        """How many requests and events are not yet done with, but for what jobs have still to do.

        An event is done with when the function has run, was retried, and its failure told. With
        none left, nothing more comes of what was asked for.
        """
        return int(self._ask("GET", "health")["busy"])

    def clear_calls(self) -> None:
        """Forget the recorded calls."""
        self._ask("DELETE", "calls")

    def decisions(self) -> list[dict[str, Any]]:
        """What IAM was asked about each role since the start: role, account, action and allowed.

        Each of them stands there once, with its ``count``. What S3 does with a replication role or
        a job's role, ``iam:PassRole`` and what CreateBucket needs besides are among them; the
        account's root, who may do everything, is not. Writing logs is no call here, so nobody is
        asked.
        """
        answer: list[dict[str, Any]] = self._ask("GET", "decisions")
        return answer

    def clear_decisions(self) -> None:
        """Forget what IAM was asked."""
        self._ask("DELETE", "decisions")

    def errors(self) -> list[str]:
        """What went wrong inside the local AWS itself; a test asserts that there is nothing."""
        answer: list[str] = self._ask("GET", "errors")
        return answer

    def faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Make the next calls fail; an empty list ends all faults.

        Each fault has ``operation`` and ``code``, and may have ``bucket``, ``status`` (400),
        ``message`` and ``times`` (1). It works for every service.
        """
        self._ask("PUT", "faults", json.dumps(list(faults)).encode())

    def points(self) -> dict[str, str]:
        """Which variant of each open point holds now."""
        answer: dict[str, str] = self._ask("GET", "points")
        return answer

    def choose(self, world: str = "", **points: str) -> None:
        """Let a world hold from now on, if one is named, and then these variants of open points.

        The others stay as they are. What there is, see ``open_points``.

        Raises:
            LocalAwsError: There is no such world, point or variant, and nothing has changed.
        """
        asked = {"world": world, "points": points}
        self._ask("PUT", "points", json.dumps(asked).encode())
        self.world = world or self.world

    @contextmanager
    def chosen(self, world: str = "", **points: str) -> Iterator[None]:
        """The same for the length of a ``with`` block, and an end to what is chosen within it."""
        before, world_before = self.points(), self.world
        if world or points:
            self.choose(world, **points)
        try:
            yield
        finally:
            self.choose(world_before, **before)

    def fire(self, rule: str, region: str, account: str = ACCOUNT) -> None:
        """Let the schedule of a rule on the default bus be due now; a disabled rule stays quiet.

        Raises:
            LocalAwsError: There is no such rule, or it has no schedule.
        """
        asked = {"rule": rule, "region": region, "account": account}
        self._ask("PUT", "schedules", json.dumps(asked).encode())

    def enable_region(self, region: str, account: str = ACCOUNT) -> None:
        """Enable an opt-in region in an account; before that it has none of them.

        Raises:
            LocalAwsError: It is no opt-in region.
        """
        asked = {"region": region, "account": account}
        self._ask("PUT", "regions", json.dumps(asked).encode())

    def archive(self, bucket: str, key: str) -> None:
        """Move the newest version of an object into an Archive tier of Intelligent-Tiering.

        On AWS 90 days without an access do so.

        Raises:
            LocalAwsError: There is no such object in that storage class.
        """
        self._ask("PUT", "archive", json.dumps({"bucket": bucket, "key": key}).encode())

    def jobs(self, **settings: str | float | Sequence[str]) -> None:
        """Change how S3 Batch Operations jobs run from now on, those that run too.

        ``step``: how many seconds (0.1) a job stays in each status on its way, so a large one holds
        all jobs where they are, and a small one lets them go on.

        ``held``: a list of source buckets whose jobs, once they are Active, stay so until another
        list does not name them.
        """
        self._ask("PUT", "jobs", json.dumps(settings).encode())

    def log_tail(self, lines: int = 20) -> str:
        """The end of the server's log."""
        if self._directory is None or not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def _log(self) -> Path:
        assert self._directory is not None
        return Path(self._directory.name) / "server.log"

    def _ready(self) -> bool:
        if not self.endpoint:
            found = re.search(r"^Local AWS on (http://\S+)$", self._log.read_text(), re.MULTILINE)
            self.endpoint = found[1] if found else ""
        try:
            return bool(self.endpoint and self._ask("GET", "health"))
        except (LocalAwsError, OSError):
            return False

    def _ask(self, method: str, what: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.endpoint}/_local_aws/{what}", data=body, method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise LocalAwsError(json.load(error)) from None
