"""Configurations that nobody thought of: what comes back from the twin is what S3 was given.

Each example changes the configuration of one pair of buckets, so that each is cloned over another.
"""

from __future__ import annotations

import copy
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functional.clonable import HANDS, IN_2099, PARTNER, Case, Pair, Sides
from functional.payload import DR_REGION, Functions, World, troubles

pytest_plugins = ["functional.payload", "functional.clonable"]

# What XML, S3 and people find odd in texts. S3 takes no other white space in tags.
TEXT = st.text(
    string.ascii_letters + string.digits + " +-=._:/@&<>'\"\u00e9\u4e2d\U0001f600", max_size=12
)
WORD = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=12)
NAME = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8)
TAG = st.builds(
    lambda key, value: {"Key": key, "Value": value},
    st.text(string.ascii_letters + " +-=._:/@\u00e9", min_size=1, max_size=8).filter(
        lambda key: not key.startswith("aws:")
    ),
    st.text(string.ascii_letters + string.digits + " +-=._:/@\u4e2d", max_size=8),
)
TAGS = st.lists(TAG, min_size=1, max_size=3, unique_by=lambda tag: tag["Key"])
PREFIX = TEXT.map(lambda text: f"p{text}")
ORIGIN = st.builds("https://{}.example.com".format, NAME) | st.just("*")


def made(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Something with all of these parts."""
    return st.fixed_dictionaries(parts)


def some(
    optional: dict[str, st.SearchStrategy[Any]], **parts: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """Something with these parts, and perhaps with the optional ones."""
    return st.fixed_dictionaries(parts, optional=optional)


def under_ids(item: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Configurations under their IDs."""
    found = st.dictionaries(WORD, item, min_size=1, max_size=3)
    return found.map(lambda items: {name: {"Id": name, **each} for name, each in items.items()})


FILTER = made(Prefix=PREFIX) | made(Tag=TAG) | made(And=made(Prefix=PREFIX, Tags=TAGS))

# --- lifecycle ---------------------------------------------------------------

MOVE = st.sampled_from(["STANDARD_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"])


@st.composite
def rule(draw: Any) -> Any:
    """A lifecycle rule that S3 takes, but for its ID."""
    greater, less = st.integers(0, 10**6), st.integers(10**7, 10**8)
    # S3 itself adds what is missing of an And.
    both = some(
        {"ObjectSizeLessThan": less}, Prefix=PREFIX, Tags=TAGS, ObjectSizeGreaterThan=greater
    )
    chosen = draw(
        made(Prefix=PREFIX | st.just(""))
        | made(Tag=TAG)
        | made(ObjectSizeGreaterThan=greater)
        | made(And=both)
    )
    moves, newer = draw(st.integers(1, 1000)), st.integers(1, 100)
    later = st.integers(moves + 1, 10**6)
    ends = made(Days=later) | st.just({"Date": IN_2099})
    parts = {
        "Transitions": made(Days=st.just(moves), StorageClass=MOVE).map(lambda move: [move]),
        "NoncurrentVersionTransitions": made(
            NoncurrentDays=st.just(moves), StorageClass=MOVE, NewerNoncurrentVersions=newer
        ).map(lambda move: [move]),
        "NoncurrentVersionExpiration": made(NoncurrentDays=later, NewerNoncurrentVersions=newer),
        "Expiration": ends,
    }
    if not chosen.keys() & {"Tag", "And"}:
        parts["AbortIncompleteMultipartUpload"] = made(DaysAfterInitiation=st.integers(1, 10**6))
        parts["Expiration"] = ends | st.just({"ExpiredObjectDeleteMarker": True})
    status = draw(st.sampled_from(["Enabled", "Disabled"]))
    return {"Filter": chosen, "Status": status, **draw(some(parts).filter(bool))}


RULES = some(
    {"TransitionDefaultMinimumObjectSize": st.just("varies_by_storage_class")},
    Rules=st.dictionaries(WORD, rule(), min_size=1, max_size=4).map(
        lambda rules: [{"ID": name, **each} for name, each in rules.items()]
    ),
)


def safe(value: Any) -> Any:
    """What of lifecycle rules deletes nothing that could still be wanted."""
    found = copy.deepcopy(value)
    for rule in found["Rules"]:
        rule.pop("NoncurrentVersionExpiration", None)
        if "ExpiredObjectDeleteMarker" not in rule.get("Expiration", {}):
            rule.pop("Expiration", None)
    found["Rules"] = [rule for rule in found["Rules"] if len(rule) > 3]
    return found if found["Rules"] else None


# --- the others --------------------------------------------------------------

CORS = st.lists(
    some(
        {
            "ID": WORD,
            "AllowedHeaders": st.lists(WORD, min_size=1, max_size=2),
            "ExposeHeaders": st.lists(WORD, min_size=1, max_size=2),
            "MaxAgeSeconds": st.integers(0, 10**6),
        },
        AllowedMethods=st.lists(
            st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]), min_size=1, unique=True
        ),
        AllowedOrigins=st.lists(ORIGIN, min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=4,
)
HOST = st.just("<host>") | st.builds("{}.example.net".format, NAME)
PROTOCOL = st.sampled_from(["http", "https"])
REDIRECT = some(
    {"HostName": HOST, "HttpRedirectCode": st.sampled_from(["301", "302"]), "Protocol": PROTOCOL}
)
WEBSITE = made(RedirectAllRequestsTo=some({"Protocol": PROTOCOL}, HostName=HOST)) | some(
    {
        "ErrorDocument": made(Key=PREFIX),
        "RoutingRules": st.lists(
            some(
                {"Condition": made(KeyPrefixEquals=PREFIX)},
                Redirect=st.builds(
                    lambda one, two: {**one, **two},
                    REDIRECT,
                    made(ReplaceKeyWith=PREFIX) | made(ReplaceKeyPrefixWith=PREFIX),
                ),
            ),
            min_size=1,
            max_size=3,
        ),
    },
    IndexDocument=made(Suffix=WORD),
)
TIERING = under_ids(
    some(
        {"Filter": FILTER},
        Status=st.sampled_from(["Enabled", "Disabled"]),
        Tierings=st.lists(
            made(
                Days=st.integers(180, 730),
                AccessTier=st.sampled_from(["ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"]),
            ),
            min_size=1,
            max_size=2,
            unique_by=lambda tier: tier["AccessTier"],
        ),
    )
)
REPORTS = st.sampled_from(["arn:aws:s3:::<logs>", "arn:aws:s3:::<bucket>"])
EXPORT = made(
    OutputSchemaVersion=st.just("V_1"),
    Destination=made(
        S3BucketDestination=some(
            {"BucketAccountId": st.just("<account>"), "Prefix": PREFIX},
            Format=st.just("CSV"),
            Bucket=REPORTS,
        )
    ),
)
ANALYTICS = under_ids(
    some({"Filter": FILTER}, StorageClassAnalysis=st.just({}) | made(DataExport=EXPORT))
)
INVENTORY = under_ids(
    some(
        {
            "Filter": made(Prefix=PREFIX),
            "OptionalFields": st.lists(
                st.sampled_from(["Size", "ETag", "StorageClass", "BucketKeyStatus"]),
                min_size=1,
                unique=True,
            ),
        },
        Destination=made(
            S3BucketDestination=some(
                {
                    "AccountId": st.just("<account>"),
                    "Prefix": PREFIX,
                    "Encryption": st.just({"SSES3": {}}) | st.just({"SSEKMS": {"KeyId": "<key>"}}),
                },
                Bucket=REPORTS,
                Format=st.sampled_from(["CSV", "ORC", "Parquet"]),
            )
        ),
        IsEnabled=st.booleans(),
        IncludedObjectVersions=st.sampled_from(["All", "Current"]),
        Schedule=made(Frequency=st.sampled_from(["Daily", "Weekly"])),
    )
)
LOGGING = some(
    {
        "TargetObjectKeyFormat": st.just({"SimplePrefix": {}})
        | st.builds(
            lambda source: {"PartitionedPrefix": {"PartitionDateSource": source}},
            st.sampled_from(["EventTime", "DeliveryTime"]),
        )
    },
    TargetBucket=st.sampled_from(["<logs>", "<bucket>"]),
    TargetPrefix=PREFIX,
)
EVENTS = st.lists(
    st.sampled_from(["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectRestore:Post"]),
    min_size=1,
    unique=True,
)


def notified(kind: str, target: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    key_rules = made(Name=st.just("prefix"), Value=PREFIX).map(lambda rule: [rule])
    return st.lists(
        some(
            {"Filter": made(Key=made(FilterRules=key_rules))},
            **{"Id": WORD, kind: st.just(target), "Events": EVENTS},
        ),
        min_size=1,
        max_size=2,
        unique_by=lambda item: item["Id"],
    )


NOTIFICATIONS = some(
    {
        "QueueConfigurations": notified("QueueArn", "<queue>"),
        "TopicConfigurations": notified("TopicArn", "<topic>"),
        "LambdaFunctionConfigurations": notified("LambdaFunctionArn", "<function>"),
        "EventBridgeConfiguration": st.just({}),
    }
).filter(bool)
ACL = st.lists(
    made(
        Grantee=st.just({"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"})
        | st.builds(
            lambda text: {"Type": "CanonicalUser", "ID": text},
            st.text("0123456789abcdef", min_size=64, max_size=64),
        ),
        Permission=st.sampled_from(["FULL_CONTROL", "WRITE", "WRITE_ACP", "READ", "READ_ACP"]),
    ),
    min_size=1,
    max_size=4,
)
# Of each action here it is sure that the functions do without it; others are in the unit tests.
POLICY = st.lists(
    some(
        {
            "Condition": st.just({"Bool": {"aws:SecureTransport": "true"}})
            | made(IpAddress=made(**{"aws:SourceIp": st.just(["192.0.2.0/24", "203.0.113.7/32"])}))
        },
        Sid=NAME,
        Effect=st.sampled_from(["Allow", "Deny"]),
        Principal=made(
            AWS=st.sampled_from(["arn:aws:iam::<account>:root", f"arn:aws:iam::{PARTNER}:root"])
        ),
        Action=st.sampled_from(["s3:GetObject", "s3:DeleteObject", ["s3:PutObject"]]),
        Resource=st.builds("arn:aws:s3:::<bucket>/{}*".format, NAME),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda statement: statement["Sid"],
)


@dataclass(frozen=True)
class Family:
    """A property, what it may be, and what that is on the twin."""

    name: str
    values: st.SearchStrategy[Any]
    twin: Callable[[Any], Any] = lambda value: value
    label: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.label or self.name


FAMILIES = [
    Family(
        "tags",
        TAGS.map(lambda tags: {tag["Key"]: tag["Value"] for tag in tags if tag["Key"] != "dr"}),
        lambda tags: tags or None,
    ),
    Family("lifecycle", RULES, safe),
    Family("lifecycle", RULES, label="full", options={"profile": {"lifecycle": "full"}}),
    Family("cors", CORS),
    Family("website", WEBSITE),
    Family("intelligent_tiering", TIERING),
    Family("metrics", under_ids(some({"Filter": FILTER}))),
    Family("analytics", ANALYTICS),
    Family("inventory", INVENTORY),
    Family("logging", LOGGING),
    Family("notifications", NOTIFICATIONS),
    Family(
        "acl",
        ACL,
        options={"also": ("ownership",), "bucket": {"ObjectOwnership": "ObjectWriter"}},
    ),
    Family("policy", POLICY),
]


SAFE = {str(family): family for family in FAMILIES if family.label != "full"}
FULL = {str(family): family for family in FAMILIES if family.label == "full"}


@pytest.mark.parametrize("families", [SAFE, FULL], ids=["safe", "full"])
def test_what_comes_back_from_the_twin_is_what_the_source_has(
    functions: Functions,
    on_local_aws: World,
    one_account: Sides,
    monkeypatch: pytest.MonkeyPatch,
    families: dict[str, Family],
) -> None:
    """All properties at once: one check of a bucket costs little more than one of a property."""
    options: dict[str, Any] = {}
    for family in families.values():
        options |= family.options
    case = Case("cors", None, None, None, **options)
    pair = Pair(functions, on_local_aws, one_account, case, monkeypatch)
    names = sorted({family.name for family in families.values()})
    pair.deploy(clone=[*names, *case.also])

    @settings(
        max_examples=15,
        deadline=None,
        database=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.filter_too_much,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )
    @given(values=st.fixed_dictionaries({name: each.values for name, each in families.items()}))
    def cloned(values: dict[str, Any]) -> None:
        for name, value in values.items():
            hand = HANDS[families[name].name]
            hand.put(on_local_aws.s3(), pair.bucket, one_account.on_source(value, pair.bucket))

        result = functions.check_destination(pair.bucket)

        assert not troubles(result), troubles(result)
        for name, value in values.items():
            found = HANDS[families[name].name].get(on_local_aws.s3(DR_REGION), pair.twin)
            expected = pair.expected(families[name].twin(value))
            assert found == expected, f"{name} of {pair.twin} is another"
        functions.calls.clear()
        result = functions.check_destination(pair.bucket)
        assert not troubles(result), troubles(result)
        assert functions.writes == [], f"all of {pair.twin} is as it should be: {result}"

    cloned()
