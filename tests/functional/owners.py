"""Whose the buckets are that the functions call: every call has to name the owner it expects.

A bucket's name alone proves nothing: names are global, and anybody may own the one we have in mind.
This hears each request of every client made in this process, after botocore has built it. The
functions' own are told from the tests' by their user agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

AGENT = "s3-dr"  # as the functions call themselves
# S3 knows no such parameter there.
WITHOUT = frozenset({"CreateBucket", "ListBuckets"})

# What the functions called without naming an owner, in sentences.
unowned: list[str] = []


def _hear(params: Mapping[str, Any], model: Any, **_: object) -> None:
    headers = params["headers"]
    if AGENT not in str(headers["User-Agent"]).split() or model.name in WITHOUT:
        return
    if model.service_model.service_name == "s3control":
        if not headers.get("x-amz-account-id"):
            unowned.append(f"{model.name} names no account")
    elif not headers.get("x-amz-expected-bucket-owner"):
        bucket = params["context"]["input_params"].get("Bucket")
        unowned.append(
            f"{model.name} on {bucket} names no ExpectedBucketOwner, and would trust any bucket of "
            "that name"
        )


def listen() -> None:
    """Have every client that is made from now on tell."""
    BUILTIN_HANDLERS.extend((f"before-call.{service}", _hear) for service in ("s3", "s3-control"))
