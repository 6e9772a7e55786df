"""Bucket names: which are accepted, and what a twin is called."""

from __future__ import annotations

import random
import string
from fnmatch import fnmatchcase

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from s3_dr.naming import MAX_LENGTH, TwinNames, account_regional_tail, is_bucket_name

LETTERS = string.ascii_lowercase + string.digits
NAMES = st.integers(3, MAX_LENGTH).flatmap(
    lambda length: st.builds(
        "{}{}{}".format,
        st.sampled_from(LETTERS),
        st.text(LETTERS + ".-", min_size=length - 2, max_size=length - 2),
        st.sampled_from(LETTERS),
    ).filter(is_bucket_name)
)
LONG_NAMES = st.text(LETTERS, min_size=61, max_size=MAX_LENGTH)
RESERVED_BEGINNINGS = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_ENDINGS = ("-an", "-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
# What the Terraform variables accept.
PREFIXES = st.just("") | st.builds(
    "{}{}-".format, st.sampled_from(LETTERS), st.text(LETTERS + "-", max_size=8)
).filter(
    lambda prefix: (
        not any(prefix.startswith(each) or each.startswith(prefix) for each in RESERVED_BEGINNINGS)
    )
)
SUFFIXES = st.builds("-{}{}".format, st.text(LETTERS + "-", max_size=18), st.sampled_from(LETTERS))
GLOBAL_SUFFIXES = SUFFIXES.filter(
    lambda suffix: (
        not any(suffix.endswith(each) or each.endswith(suffix) for each in RESERVED_ENDINGS)
    )
)
TAIL = "-111122223333-us-east-2-an"
REGIONS = ["us-east-1", "us-gov-west-1", "ap-southeast-2", "cn-northwest-1"]

DR = TwinNames("", "-dr")
OWN = TwinNames("", "-dr", TAIL)


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
        "xn--orders",
        "sthree-orders",
        "sthree-configurator",
        "amzn-s3-demo-orders",
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
    assert DR.of("orders") == "orders-dr", "a name with room is only given the suffix"


def test_a_prefix_stands_before_the_name() -> None:
    assert TwinNames("copy-", "-dr").of("orders") == "copy-orders-dr"


def test_a_name_in_the_accounts_own_namespace_ends_as_s3_demands() -> None:
    assert account_regional_tail("111122223333", "us-east-2") == TAIL
    assert OWN.of("orders") == "orders-dr-111122223333-us-east-2-an"


def test_a_name_that_just_fits_is_not_cut() -> None:
    assert DR.of("a" * 60) == "a" * 60 + "-dr", "60 + 3 characters are what S3 allows"


@pytest.mark.parametrize(
    ("names", "bucket", "twin"),
    [
        (DR, "a" * 59, "a" * 59 + "-dr"),
        (DR, "a" * 60, "a" * 60 + "-dr"),
        (DR, "a" * 61, "a" * 47 + "-35d5fc17cfbb-dr"),
        (DR, "a" * 62, "a" * 47 + "-f506898cc7c2-dr"),
        (DR, "a" * 63, "a" * 47 + "-7d3e74a05d7d-dr"),
        (DR, "a" * 46 + ".b" + "c" * 15, "a" * 46 + "-21ba7d4c0d7e-dr"),
        (TwinNames("copy-", "-dr"), "a" * 59, "copy-" + "a" * 42 + "-111bb261277a-dr"),
        (TwinNames("copy-", "-dr"), "a" * 63, "copy-" + "a" * 42 + "-7d3e74a05d7d-dr"),
        (OWN, "a" * 34, "a" * 34 + "-dr" + TAIL),
        (OWN, "a" * 35, "a" * 21 + "-629362afc62c-dr" + TAIL),
        (OWN, "a" * 59, "a" * 21 + "-111bb261277a-dr" + TAIL),
        (OWN, "a" * 63, "a" * 21 + "-7d3e74a05d7d-dr" + TAIL),
    ],
)
def test_the_name_of_a_long_twin_never_changes(names: TwinNames, bucket: str, twin: str) -> None:
    # Written out: another way of cutting would orphan every long-named twin there is.
    assert names.of(bucket) == twin, "the twin of a long name keeps the name it has always had"


def assert_fit(names: TwinNames, bucket: str) -> str:
    twin, ending = names.of(bucket), names.suffix + names.namespace_tail

    assert is_bucket_name(twin), f"S3 would refuse {twin!r}, the twin of {bucket!r}"
    assert len(twin) <= MAX_LENGTH
    assert fnmatchcase(twin, f"{names.prefix}*{ending}"), "IAM lets us touch no other names"
    assert len(twin) > len(names.prefix + ending), "something of the source's name is in it"
    assert not twin.startswith(RESERVED_BEGINNINGS), "S3 keeps these names for itself"
    assert twin != bucket, "a bucket cannot be its own twin"
    assert twin == names.of(bucket), "a second look must find the same twin"
    return twin


@given(NAMES, PREFIXES, GLOBAL_SUFFIXES)
def test_every_twin_has_a_valid_name_of_the_pattern(bucket: str, prefix: str, suffix: str) -> None:
    assume(len(prefix + suffix) <= 20)

    twin = assert_fit(TwinNames(prefix, suffix), bucket)

    assert not twin.endswith(RESERVED_ENDINGS), "these are names of other kinds of buckets"


@given(NAMES, PREFIXES, SUFFIXES, st.sampled_from(REGIONS))
def test_every_twin_of_the_accounts_own_namespace_has_a_valid_name(
    bucket: str, prefix: str, suffix: str, region: str
) -> None:
    assume(len(prefix + suffix) <= 16)
    tail = account_regional_tail("111122223333", region)

    twin = assert_fit(TwinNames(prefix, suffix, tail), bucket)

    assert twin.endswith(f"-111122223333-{region}-an"), "by this S3 knows the namespace"


@given(st.sets(LONG_NAMES, min_size=2, max_size=5))
def test_long_names_have_twins_of_their_own(buckets: set[str]) -> None:
    twins = {DR.of(bucket) for bucket in buckets}

    assert len(twins) == len(buckets), "two buckets must never share a twin"


@given(st.text(LETTERS, min_size=60, max_size=60), st.sampled_from(LETTERS))
def test_long_names_that_begin_alike_have_twins_of_their_own(start: str, letter: str) -> None:
    one, other = start + letter + "x", start + letter + "y"

    assert DR.of(one) != DR.of(other), "only the ends of the names differ"


@pytest.mark.parametrize(
    "names", [DR, TwinNames("copy-", "-dr"), OWN, TwinNames("dr-", "-x", TAIL)]
)
def test_no_two_of_a_hundred_thousand_names_share_a_twin(names: TwinNames) -> None:
    # A seed, so that a red test stays red. Short and long ones that begin alike, with every room.
    lots = random.Random(20260301)
    starts = ["orders-" * 7, "a" * 50, "logs.eu.", "x"]
    buckets = {
        (lots.choice(starts) + f"{number:x}".rjust(lots.choice([5, 9, 13, 55]), "0"))[-MAX_LENGTH:]
        for number in range(100_000)
    }
    assert len(buckets) == 100_000

    twins = {names.of(bucket) for bucket in buckets}

    assert len(twins) == len(buckets), "two buckets must never share a twin"
    assert all(len(twin) <= MAX_LENGTH for twin in twins)
