"""Bucket names: which are accepted, and what a twin is called."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_dr.naming import MAX_LENGTH, is_bucket_name, twin_name

LETTERS = string.ascii_lowercase + string.digits
NAMES = st.builds(
    "{}{}{}".format,
    st.sampled_from(LETTERS),
    st.text(LETTERS + ".-", min_size=1, max_size=61),
    st.sampled_from(LETTERS),
).filter(is_bucket_name)
LONG_NAMES = st.text(LETTERS, min_size=61, max_size=MAX_LENGTH)
# What the Terraform variable dr_bucket_suffix accepts.
SUFFIXES = st.builds(
    "-{}{}".format, st.text(LETTERS + "-", max_size=18), st.sampled_from(LETTERS)
).filter(lambda suffix: not suffix.endswith(("-an", "-s3alias", "--ol-s3", "--x-s3", "--table-s3")))


@pytest.mark.parametrize(
    "name", ["abc", "a" * 63, "my.bucket", "1-2", "192.168.5.x", "logs-111122223333-us-west-2-an"]
)
def test_a_general_purpose_bucket_is_accepted(name: str) -> None:
    assert is_bucket_name(name), f"{name!r} is a name S3 allows"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "a" * 64,
        "-abc",
        "abc-",
        ".abc",
        "a..b",
        "Abc",
        "a_b",
        "a b",
        "abc\n",
        "ab\x00c",
        "../etc/passwd",
        "abc/def",
        "bücket",
        "a٣b",
        "192.168.5.4",
        "orders--usw2-az1--x-s3",
        "orders--table-s3",
        "orders-s3alias",
        "orders--ol-s3",
        "orders.mrap",
        None,
        7,
        ["abc"],
        b"abc",
    ],
)
def test_anything_else_is_refused(name: object) -> None:
    assert not is_bucket_name(name), f"{name!r} is no name of a general-purpose bucket"


def test_a_twin_is_called_like_its_source_with_the_suffix() -> None:
    assert twin_name("orders", "-dr") == "orders-dr", "a name with room is only given the suffix"


def test_a_name_that_just_fits_is_not_cut() -> None:
    assert twin_name("a" * 60, "-dr") == "a" * 60 + "-dr", "60 + 3 characters are what S3 allows"


def test_the_name_of_a_long_twin_never_changes() -> None:
    # Written out: another way of cutting would orphan every long-named twin there is.
    assert twin_name("a" * 63, "-dr") == "a" * 51 + "-7d3e74a0-dr", (
        "the twin of a long name keeps the name it has always had"
    )


@given(NAMES, SUFFIXES)
def test_every_twin_has_a_valid_name_that_ends_in_the_suffix(bucket: str, suffix: str) -> None:
    twin = twin_name(bucket, suffix)

    assert is_bucket_name(twin), f"S3 would refuse {twin!r}, the twin of {bucket!r}"
    assert twin.endswith(suffix), "the functions may only touch names with the suffix"
    assert twin != bucket, "a bucket cannot be its own twin"
    assert twin == twin_name(bucket, suffix), "a second look must find the same twin"


@given(st.sets(LONG_NAMES, min_size=2, max_size=5))
def test_long_names_have_twins_of_their_own(buckets: set[str]) -> None:
    twins = {twin_name(bucket, "-dr") for bucket in buckets}

    assert len(twins) == len(buckets), "two buckets must never share a twin"


@given(st.text(LETTERS, min_size=60, max_size=60), st.sampled_from(LETTERS))
def test_long_names_that_begin_alike_have_twins_of_their_own(start: str, letter: str) -> None:
    one, other = start + letter + "x", start + letter + "y"

    assert twin_name(one, "-dr") != twin_name(other, "-dr"), "only the ends of the names differ"
