"""Default encryption: which keys are needed, and what the twin gets."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from functional.payload import (
    ACCOUNT,
    FOREIGN_ACCOUNT,
    checked,
    profiles,
    s3_model_without,
    seen,
)
from s3_dr import encryption
from s3_dr.aws import Bucket, Budget
from s3_dr.encryption import Encryption
from s3_dr.outcomes import Blocked, Reason

SOURCE_KEYS = f"arn:aws:kms:us-west-2:{ACCOUNT}:"
SOURCE_KEY = SOURCE_KEYS + "key/1111-s"
ELSEWHERE = f"arn:aws:kms:us-west-2:{FOREIGN_ACCOUNT}:key/4444-s"
MANAGED_KEY = SOURCE_KEYS + "key/aws-s3"
DR_KEY = f"arn:aws:kms:us-east-2:{ACCOUNT}:key/2222-d"
PROFILES_KEY = f"arn:aws:kms:us-east-2:{ACCOUNT}:key/3333-p"
ALIASES = {
    "alias/orders": SOURCE_KEY,
    SOURCE_KEYS + "alias/orders": SOURCE_KEY,
    "alias/aws/s3": MANAGED_KEY,
}
# Each form in which S3 may show a key, and the key's ARN.
KEY_FORMS = {
    SOURCE_KEY: SOURCE_KEY,
    "1111-s": SOURCE_KEY,
    **ALIASES,
    "": MANAGED_KEY,
    ELSEWHERE: ELSEWHERE,
}
DR_KEYS = {
    "none": {},
    "module": {"DR_KEY_ARN": DR_KEY},
    "profile": {"PROFILES": profiles(kms_key_arn=PROFILES_KEY)},
    "both": {"DR_KEY_ARN": DR_KEY, "PROFILES": profiles(kms_key_arn=PROFILES_KEY)},
}
NO_BLOCKED_TYPES = (("ServerSideEncryptionRule", "BlockedEncryptionTypes"),)


class Kms:
    """KMS with the source's aliases, and keys in any state."""

    def __init__(self, **facts: str) -> None:
        self.facts = facts
        self.asked: list[str] = []

    def describe_key(self, KeyId: str) -> Any:  # noqa: N803 - boto3's spelling
        self.asked.append(KeyId)
        if code := self.facts.get("error"):
            raise ClientError({"Error": {"Code": code}}, "DescribeKey")
        arn = ALIASES.get(KeyId, KeyId)
        return {"KeyMetadata": {"Arn": arn, "KeyState": "Enabled", **self.facts}}


class Encrypted:
    """A bucket with a default encryption, or none."""

    def __init__(self, *rules: dict[str, Any], missing: tuple[tuple[str, str], ...] = ()) -> None:
        self.name = "orders"
        self.rules = rules
        self.s3 = s3_model_without(*missing)
        self.written: list[Any] = []

    def read(self, operation: str, *, absent: str) -> Any:
        assert operation == "get_bucket_encryption"
        assert absent == "ServerSideEncryptionConfigurationNotFoundError"
        if not self.rules:
            return None
        return {"ServerSideEncryptionConfiguration": {"Rules": list(self.rules)}}

    def write(self, operation: str, **parameters: Any) -> None:
        assert operation == "put_bucket_encryption"
        self.rules = tuple(parameters["ServerSideEncryptionConfiguration"]["Rules"])
        self.written += self.rules


def rule(
    algorithm: str, key: str = "", bucket_key: bool | None = False, *, blocked: str = ""
) -> dict[str, Any]:
    """A rule as S3 shows it."""
    found: dict[str, Any] = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    if key:
        found["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] = key
    if bucket_key is not None:
        found["BucketKeyEnabled"] = bucket_key
    if blocked:
        found["BlockedEncryptionTypes"] = {"EncryptionType": [blocked]}
    return found


def check(source: Any = None, twin: Any = None, kms: Any = None, /, **overrides: str) -> Any:
    clients = SimpleNamespace(source_kms=kms or Kms(), dr_kms=kms or Kms())
    found: Any = checked(clients, **overrides)
    found.source, found.twin = source or Encrypted(), twin or Encrypted()
    return found


def of_source(made: Any) -> Encryption:
    return encryption.require_replica_key(made, seen(made))


def look_at_dr_key(kms: Kms, **overrides: str) -> None:
    made = check(None, None, kms, **overrides)
    encryption.require_usable_key(made, seen(made))


def judged(made: Any) -> Reason | None:
    """Why the source check refuses the bucket's encryption, if it does."""
    try:
        encryption.require_readable(made, of_source(made))
    except Blocked as blocked:
        return blocked.reason
    return None


# --- the source --------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["aws:kms", "aws:kms:dsse"])
@pytest.mark.parametrize(("key", "arn"), KEY_FORMS.items())
@pytest.mark.parametrize("listed", ["any", "listed", "not listed"])
def test_a_source_with_kms_needs_a_dr_key_and_a_readable_source_key(
    algorithm: str, key: str, arn: str, listed: str
) -> None:
    keys = {"any": "", "listed": f"{SOURCE_KEY}x,{arn}", "not listed": f"{SOURCE_KEY}x"}[listed]
    readable = listed == "listed" or (listed == "any" and arn != ELSEWHERE)
    for dr_key, bucket_key in product(DR_KEYS, [True, False, None]):
        source = Encrypted(rule(algorithm, key, bucket_key))
        kms = Kms()

        reason = judged(check(source, None, kms, SOURCE_KEY_ARNS=keys, **DR_KEYS[dr_key]))

        if dr_key == "none":
            assert reason == Reason.KMS_WITHOUT_DR_KEY
        else:
            assert reason == (None if readable else Reason.KMS_KEY_NOT_LISTED)
        named_otherwise = key in ALIASES or not key
        if dr_key == "none" or not keys or not named_otherwise:
            assert kms.asked == [], "KMS is only asked what an alias stands for"


@pytest.mark.parametrize(
    "rules", [(), (rule("AES256"),), (rule("AES256", bucket_key=True),), ({},)]
)
@pytest.mark.parametrize("dr_key", DR_KEYS)
@pytest.mark.parametrize("listed", ["", SOURCE_KEY])
def test_a_source_without_kms_needs_no_key(
    rules: tuple[dict[str, Any], ...], dr_key: str, listed: str
) -> None:
    made = check(Encrypted(*rules), SOURCE_KEY_ARNS=listed, **DR_KEYS[dr_key])

    assert judged(made) is None
    assert of_source(made).algorithm == "AES256"


def test_the_remedy_names_the_key_to_be_listed() -> None:
    made = check(Encrypted(rule("aws:kms")), SOURCE_KEY_ARNS=SOURCE_KEY, DR_KEY_ARN=DR_KEY)

    with pytest.raises(Blocked, match="alias/aws/s3"):
        encryption.require_readable(made, of_source(made))


def test_the_function_of_the_dr_region_asks_no_key_of_the_source() -> None:
    # It may not, and an alias would be one of its own account.
    kms = Kms(error="AccessDeniedException")
    made = check(
        Encrypted(rule("aws:kms")), None, kms, SOURCE_KEY_ARNS=SOURCE_KEY, DR_KEY_ARN=DR_KEY
    )

    assert of_source(made).is_kms
    assert kms.asked == []


def test_an_alias_of_no_key_is_covered_by_no_list() -> None:
    # S3's own key is there only from its first use on.
    kms = Kms(error="NotFoundException")
    made = check(
        Encrypted(rule("aws:kms")), None, kms, SOURCE_KEY_ARNS=SOURCE_KEY, DR_KEY_ARN=DR_KEY
    )

    assert judged(made) == Reason.KMS_KEY_NOT_LISTED


def test_an_alias_of_another_account_is_covered_by_no_list() -> None:
    kms = Kms()
    alias = f"arn:aws:kms:us-west-2:{FOREIGN_ACCOUNT}:alias/orders"
    source = Encrypted(rule("aws:kms", alias))

    reason = judged(check(source, None, kms, SOURCE_KEY_ARNS=SOURCE_KEY, DR_KEY_ARN=DR_KEY))

    assert reason == Reason.KMS_KEY_NOT_LISTED
    assert kms.asked == [], "the function may not look there"


def test_kms_refusing_to_tell_is_an_error() -> None:
    kms = Kms(error="AccessDeniedException")
    made = check(
        Encrypted(rule("aws:kms")), None, kms, SOURCE_KEY_ARNS=SOURCE_KEY, DR_KEY_ARN=DR_KEY
    )

    with pytest.raises(ClientError, match="AccessDenied"):
        encryption.require_readable(made, of_source(made))


# --- the DR key --------------------------------------------------------------


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        (DR_KEYS["module"], DR_KEY),
        (DR_KEYS["profile"], PROFILES_KEY),
        (DR_KEYS["both"], PROFILES_KEY),
    ],
)
def test_the_profiles_key_comes_before_the_modules(overrides: dict[str, str], key: str) -> None:
    kms = Kms(KeySpec="SYMMETRIC_DEFAULT")

    look_at_dr_key(kms, **overrides)

    assert kms.asked == [key]


@pytest.mark.parametrize(
    "facts",
    [
        {"error": "NotFoundException"},
        {"error": "AccessDeniedException"},
        {"KeyManager": "AWS"},
        {"KeyState": "Disabled"},
        {"KeyState": "PendingDeletion"},
        {"KeyState": "PendingImport"},
        {"KeyState": "Unavailable"},
        {"KeySpec": "RSA_2048"},
        {"KeySpec": "HMAC_256"},
    ],
)
def test_a_dr_key_that_cannot_encrypt_blocks(facts: dict[str, str]) -> None:
    with pytest.raises(Blocked) as caught:
        look_at_dr_key(Kms(**facts), DR_KEY_ARN=DR_KEY)

    assert caught.value.reason == Reason.DR_KEY_NOT_USABLE
    assert DR_KEY in str(caught.value), "the remedy names the key"


@pytest.mark.parametrize("code", ["InvalidArnException", "KMSInternalException"])
def test_any_other_answer_of_kms_is_an_error(code: str) -> None:
    with pytest.raises(ClientError, match=code):
        look_at_dr_key(Kms(error=code), DR_KEY_ARN=DR_KEY)


# --- the twin ----------------------------------------------------------------


def ensure(made: Any, source: Encryption, is_new: bool) -> None:
    """What is done for every property that a twin has to have."""
    found = None if is_new else encryption.read(made.twin)
    wanted = encryption.wanted(made, seen(made), source, found)
    if wanted != found:
        encryption.put(made.twin, wanted)


def ensured(source: Encrypted, twin: Encrypted, is_new: bool = False, **overrides: str) -> Any:
    """The rule that is written on the twin, or None; a second look must write nothing."""
    made = check(source, twin, **{"DR_KEY_ARN": DR_KEY, **overrides})
    wanted = of_source(made)
    ensure(made, wanted, is_new)
    assert len(twin.written) <= 1
    ensure(made, wanted, is_new=False)
    assert len(twin.written) <= 1, "what is as it should be is not written again"
    return twin.written[0] if twin.written else None


@pytest.mark.parametrize("algorithm", ["AES256", "aws:kms", "aws:kms:dsse"])
@pytest.mark.parametrize("bucket_key", [True, False])
@pytest.mark.parametrize("blocked", ["SSE-C", "NONE"])
@pytest.mark.parametrize("key", ["", SOURCE_KEY, "alias/orders"])
def test_a_new_twin_mirrors_the_source_with_the_dr_key(
    algorithm: str, bucket_key: bool, blocked: str, key: str
) -> None:
    if algorithm == "AES256":
        key = ""
    source = Encrypted(rule(algorithm, key, bucket_key, blocked=blocked))

    written = ensured(source, Encrypted(), is_new=True)

    dr_key = "" if algorithm == "AES256" else DR_KEY
    assert written == rule(algorithm, dr_key, bucket_key, blocked=blocked), (
        "never with the source's key"
    )


@pytest.mark.parametrize(
    ("source", "twin", "written"),
    [
        # algorithm
        (rule("AES256"), rule("AES256"), None),
        (rule("aws:kms"), rule("AES256"), rule("aws:kms", DR_KEY)),
        (rule("aws:kms"), rule("aws:kms", DR_KEY), None),
        (rule("aws:kms:dsse"), rule("aws:kms", DR_KEY), rule("aws:kms:dsse", DR_KEY)),
        # key
        (rule("aws:kms", SOURCE_KEY), rule("aws:kms"), rule("aws:kms", DR_KEY)),
        (rule("aws:kms"), rule("aws:kms", PROFILES_KEY), rule("aws:kms", DR_KEY)),
        # bucket key
        (rule("aws:kms", "", True), rule("aws:kms", DR_KEY), rule("aws:kms", DR_KEY, True)),
        (rule("aws:kms"), rule("aws:kms", DR_KEY, True), rule("aws:kms", DR_KEY)),
        (rule("AES256", "", None), rule("AES256"), None),
        # what is stronger stays
        (rule("AES256"), rule("aws:kms"), None),
        (rule("AES256"), rule("aws:kms", DR_KEY, True), None),
        (rule("AES256"), rule("aws:kms:dsse", PROFILES_KEY), None),
        (rule("aws:kms"), rule("aws:kms:dsse", PROFILES_KEY), None),
    ],
)
def test_a_twin_that_is_there_is_put_right(
    source: dict[str, Any], twin: dict[str, Any], written: dict[str, Any] | None
) -> None:
    both = {"BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}

    found = ensured(Encrypted({**source, **both}), Encrypted({**twin, **both}))

    assert found == (written and {**written, **both})


@pytest.mark.parametrize(
    ("source", "twin", "written"),
    [
        ("SSE-C", "SSE-C", None),
        ("SSE-C", "NONE", "SSE-C"),
        ("NONE", "SSE-C", "NONE"),
        ("NONE", "NONE", None),
        ("", "SSE-C", "NONE"),  # an old source that says nothing takes such objects
        ("", "", None),
        ("SSE-C", "", "SSE-C"),
    ],
)
@pytest.mark.parametrize("stronger", [False, True])
def test_the_twin_takes_customers_keys_as_the_source_does(
    source: str, twin: str, written: str | None, stronger: bool
) -> None:
    there = ("aws:kms", PROFILES_KEY, True) if stronger else ("AES256",)

    found = ensured(
        Encrypted(rule("AES256", blocked=source)), Encrypted(rule(*there, blocked=twin))
    )

    assert found == (written and rule(*there, blocked=written))


@pytest.mark.parametrize("blocked", ["SSE-C", "NONE"])
def test_a_source_without_any_encryption_leaves_that_to_the_twin(blocked: str) -> None:
    assert ensured(Encrypted(), Encrypted(rule("AES256", blocked=blocked))) is None
    assert ensured(Encrypted(), Encrypted(), is_new=True) == rule("AES256")


def test_the_profiles_key_is_the_twins() -> None:
    written = ensured(Encrypted(rule("aws:kms")), Encrypted(), is_new=True, **DR_KEYS["both"])

    assert written == rule("aws:kms", PROFILES_KEY, blocked="NONE")


# --- an old SDK --------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["AES256", "aws:kms"])
def test_an_sdk_that_does_not_know_blocked_types_warns(algorithm: str) -> None:
    source = Encrypted(rule(algorithm), missing=NO_BLOCKED_TYPES)
    made = check(source, Encrypted(missing=NO_BLOCKED_TYPES), DR_KEY_ARN=DR_KEY)

    ensure(made, of_source(made), is_new=True)

    [warning] = made.warnings
    assert warning.startswith("SDK_TOO_OLD") and "1.41.0" in warning, "it says which one can"
    [written] = made.twin.written
    assert "BlockedEncryptionTypes" not in written, "this boto3 would refuse to send it"


def test_an_sdk_that_knows_blocked_types_does_not_warn() -> None:
    made = check(Encrypted(rule("AES256")), Encrypted())

    ensure(made, of_source(made), is_new=True)

    assert made.warnings == []


def test_an_old_sdk_reads_and_writes_what_it_knows() -> None:
    # S3 itself tells more than this boto3 understands.
    shown = (
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
        "<SSEAlgorithm>{}</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BlockedEncryptionTypes>"
        "<EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule>"
        "</ServerSideEncryptionConfiguration>"
    )
    sent: list[bytes] = []

    def answer(request: Any, **_: object) -> AWSResponse:
        text = b""
        if request.method == "PUT":
            sent.append(request.body)
        else:
            text = shown.format("aws:kms" if "orders-dr" not in request.url else "AES256").encode()
        raw: Any = SimpleNamespace(stream=lambda: iter([text]))
        return AWSResponse(request.url, 200, HTTPHeaders(), raw)

    s3 = s3_model_without(*NO_BLOCKED_TYPES)
    s3.meta.events.register("before-send.s3", answer, "answer")
    budget = Budget(lambda: 60.0)
    source, twin = (Bucket(s3, name, ACCOUNT, budget) for name in ("orders", "orders-dr"))
    made = check(source, twin, DR_KEY_ARN=DR_KEY)
    try:
        wanted = of_source(made)
        ensure(made, wanted, is_new=False)
    finally:
        s3.meta.events.unregister("before-send.s3", answer, "answer")

    assert wanted == Encryption("aws:kms", blocks_sse_c=None), "it cannot know"
    [body] = sent
    assert DR_KEY.encode() in body and b"BlockedEncryptionTypes" not in body
    assert len(made.warnings) == 1
