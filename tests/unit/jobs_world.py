"""What the tests of the queue share: a reports bucket, S3 Control and the schedule, in memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from functional.payload import core_session

NOW = datetime(2026, 3, 2, 9, 3, 8, tzinfo=UTC)


def at(**much: float) -> str:
    """So long after `NOW`, as records have it."""
    return (NOW + timedelta(**much)).isoformat()


def refusal(code: str, operation: str = "AnyOperation") -> ClientError:
    """An answer of AWS that is an error."""
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


class Objects:
    """A bucket of objects with their ETags, listed two at a time.

    Attributes:
        texts: the objects.
        asked: each call: its name and what it asks.
        before_put: called before a put has its effect.
        faults: what a call of that name is answered with.
    """

    def __init__(self, **texts: str) -> None:
        self.texts = dict(texts)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.before_put: Callable[[str], object] = lambda _: None
        self.faults: dict[str, Exception] = {}
        self._etags = dict.fromkeys(texts, '"0"')

    def put(self, key: str, text: str) -> str:
        """Put an object, as somebody else would; its ETag."""
        self.texts[key] = text
        self._etags[key] = f'"{len(self.asked)}-{len(text)}-{hash(text)}"'
        return self._etags[key]

    def keys(self, operation: str) -> list[str]:
        """What was asked for by calls of that name, in order."""
        return [asked["Key"] for name, asked in self.asked if name == operation]

    def list_object_versions(self, **_: Any) -> Any:
        """Every bucket has something to copy."""
        return {"Versions": [{}]}

    def get_object(self, **asked: Any) -> Any:
        """GetObject."""
        self._hear("get_object", asked)
        if asked["Key"] not in self.texts:
            raise refusal("NoSuchKey")
        body = io.BytesIO(self.texts[asked["Key"]].encode())
        return {"Body": body, "ETag": self._etags[asked["Key"]]}

    def put_object(self, **asked: Any) -> Any:
        """PutObject, with its conditions."""
        self._hear("put_object", asked)
        key = asked["Key"]
        self.before_put(key)
        is_there = "IfNoneMatch" in asked and key in self.texts
        if is_there or asked.get("IfMatch", self._etags.get(key)) != self._etags.get(key):
            raise refusal("PreconditionFailed")
        return {"ETag": self.put(key, asked["Body"].decode())}

    def get_paginator(self, operation: str) -> Any:
        """ListObjectsV2."""
        assert operation == "list_objects_v2"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, **asked: Any) -> Iterator[Any]:
        self._hear("list_objects_v2", asked)
        keys = sorted(key for key in self.texts if key.startswith(asked["Prefix"]))
        for begin in range(0, max(len(keys), 1), 2):
            page = keys[begin : begin + 2]
            yield {"Contents": [{"Key": key, "ETag": self._etags[key]} for key in page]}

    def _hear(self, operation: str, asked: dict[str, Any]) -> None:
        self.asked.append((operation, asked))
        if operation in self.faults:
            raise self.faults[operation]


def job(number: int, status: str = "Active", description: str = "", **changes: Any) -> Any:
    """A job as ListJobs has it; the higher its number, the later it was made."""
    return {
        "JobId": f"j-{number}",
        "Status": status,
        "Description": description,
        "CreationTime": NOW + timedelta(seconds=number),
        "Operation": "S3ReplicateObject",
        "Priority": 10,
        **changes,
    }


def ours(
    number: int,
    place: int,
    status: str = "Active",
    bucket: str = "",
    mark: str = "0" * 8,
    **changes: Any,
) -> Any:
    """The same for one of ours."""
    bucket = bucket or f"b-{number}"
    said = f"s3-dr: existing objects of {bucket} (place {place}, {mark})"
    return job(number, status, said, **changes)


@cache
def _meta() -> Any:
    made: Any = core_session().create_client(
        "s3control",
        region_name="us-west-2",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    return made.meta


class Control:
    """S3 Control.

    Attributes:
        jobs: what there is, as ListJobs has it.
        asked: the name of each call, and what it asks.
        refuse: how CreateJob answers, where it makes no job.
        tokens: the job that was made with each.
        says_first_job: whether a token that was used is answered with that job.
    """

    def __init__(self, *jobs: Any) -> None:
        self.jobs = [*jobs]
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.refuse: Exception | None = None
        self.tokens: dict[str, str] = {}
        self.says_first_job = False
        self.meta = _meta()

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """What calls of that name asked for."""
        return [asked for name, asked in self.asked if name == operation]

    def list_jobs(self, **asked: Any) -> Any:
        """ListJobs, on one page."""
        self.asked.append(("list_jobs", asked))
        wanted = asked.get("JobStatuses")
        return {"Jobs": [each for each in self.jobs if not wanted or each["Status"] in wanted]}

    def describe_job(self, **asked: Any) -> Any:
        """DescribeJob."""
        self.asked.append(("describe_job", asked))
        found = [each for each in self.jobs if each["JobId"] == asked["JobId"]]
        if not found:
            raise refusal("NoSuchJobException", "DescribeJob")
        return {"Job": found[0]}

    def create_job(self, **asked: Any) -> Any:
        """CreateJob, which takes a token once."""
        self.asked.append(("create_job", asked))
        if self.refuse:
            raise self.refuse
        token = asked["ClientRequestToken"]
        if token in self.tokens and not self.says_first_job:
            raise refusal("IdempotencyException", "CreateJob")
        if token not in self.tokens:
            made = job(100 + len(self.jobs), "New", asked["Description"])
            self.jobs.append(made)
            self.tokens[token] = made["JobId"]
        return {"JobId": self.tokens[token]}

    def update_job_status(self, **asked: Any) -> Any:
        """UpdateJobStatus."""
        self.asked.append(("update_job_status", asked))
        [found] = [each for each in self.jobs if each["JobId"] == asked["JobId"]]
        found["Status"] = asked["RequestedJobStatus"]


class Schedule:
    """The rule of the schedule, and how often it was switched.

    Attributes:
        switched: ``on`` and ``off``, in order.
        when_off: called when it has been switched off.
    """

    def __init__(self) -> None:
        self.switched: list[str] = []
        self.when_off: Callable[[], object] = lambda: None

    def enable_rule(self, **asked: Any) -> None:
        """EnableRule."""
        assert asked == {"Name": "s3-dr-jobs"}
        self.switched.append("on")

    def disable_rule(self, **asked: Any) -> None:
        """DisableRule."""
        assert asked == {"Name": "s3-dr-jobs"}
        self.switched.append("off")
        self.when_off()
