"""Default encryption, SSE-C blocking and SSE-KMS of S3 as on AWS.

MiniStack blocks no SSE-C, refuses SSE-KMS without a key and DSSE-KMS, and knows no Bucket Keys.
"""

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from local_aws import kms, open_points
from local_aws.emulator import Answer, module, wrap

ALGORITHM = "x-amz-server-side-encryption"
KEY = f"{ALGORITHM}-aws-kms-key-id"
BUCKET_KEY = f"{ALGORITHM}-bucket-key-enabled"
CUSTOMER = f"{ALGORITHM}-customer-algorithm"
KMS = ("aws:kms", "aws:kms:dsse")

_NS = "http://s3.amazonaws.com/doc/2006-03-01/"
# New buckets there do not block SSE-C (S3 User Guide, "Default SSE-C setting for new buckets FAQ").
_NOT_BLOCKING = ("me-central-1", "me-south-1")


@dataclass(frozen=True)
class Default:
    """A bucket's default encryption.

    Attributes:
        key: As it was put: an id, an alias or an ARN; empty for the AWS managed key.
        blocked: ``("SSE-C",)``, ``("NONE",)``, or empty where nothing was ever said.
    """

    algorithm: str = "AES256"
    key: str = ""
    bucket_key: bool = False
    blocked: tuple[str, ...] = ()

    @property
    def blocks_sse_c(self) -> bool:
        return "SSE-C" in self.blocked

    def xml(self) -> str:
        key = f"<KMSMasterKeyID>{escape(self.key)}</KMSMasterKeyID>" if self.key else ""
        types = "".join(f"<EncryptionType>{name}</EncryptionType>" for name in self.blocked)
        blocked = f"<BlockedEncryptionTypes>{types}</BlockedEncryptionTypes>" if types else ""
        return (
            f'<ServerSideEncryptionConfiguration xmlns="{_NS}"><Rule>'
            "<ApplyServerSideEncryptionByDefault>"
            f"<SSEAlgorithm>{self.algorithm}</SSEAlgorithm>{key}"
            "</ApplyServerSideEncryptionByDefault>"
            f"<BucketKeyEnabled>{str(self.bucket_key).lower()}</BucketKeyEnabled>{blocked}"
            "</Rule></ServerSideEncryptionConfiguration>"
        )


def parse(xml: str) -> Default:
    """A default from the body of PutBucketEncryption."""
    texts: dict[str, list[str]] = {}
    for element in ElementTree.fromstring(xml).iter():
        texts.setdefault(element.tag.rpartition("}")[2], []).append((element.text or "").strip())
    return Default(
        texts.get("SSEAlgorithm", ["AES256"])[0],
        texts.get("KMSMasterKeyID", [""])[0],
        texts.get("BucketKeyEnabled", [""])[0].lower() == "true",
        tuple(texts.get("EncryptionType", [])),
    )


def default(bucket: str) -> Default:
    """The default encryption of a bucket, whoever owns it."""
    s3 = module("services.s3")
    stored = s3._bucket_encryption.get_scoped(s3._bucket_owner_account(bucket), None, bucket)
    return parse(stored) if stored else Default()


def uses_bucket_key(headers: Any) -> bool:
    """Whether an object's SSE headers tell of a Bucket Key."""
    return str(headers.get(BUCKET_KEY, "")).lower() == "true"


def kms_headers(algorithm: str, key: str, bucket_key: bool) -> dict[str, str]:
    """SSE headers of an object; DSSE-KMS has no Bucket Keys (S3 User Guide, "DSSE-KMS")."""
    use = {BUCKET_KEY: "true"} if bucket_key and algorithm == "aws:kms" else {}
    return {ALGORITHM: algorithm, KEY: key, **use}


def _written(headers: Any, bucket: str) -> dict[str, str] | None:
    """SSE headers of a write with SSE-KMS, asked for or by default; None for any other write.

    The header alone means the AWS managed key, not the bucket's (S3 API, PutObject).
    """
    own = default(bucket)
    asked = headers.get(ALGORITHM)
    algorithm, key = (asked, headers.get(KEY)) if asked else (own.algorithm, own.key)
    if algorithm not in KMS or headers.get(CUSTOMER):
        return None
    responses = module("core.responses")
    region = module("services.s3").bucket_region(bucket)
    arn = kms.full_arn(key or "alias/aws/s3", responses.get_account_id(), region)
    wanted = uses_bucket_key(headers) if BUCKET_KEY in headers else own.bucket_key
    return kms_headers(algorithm, arn, wanted)


def _left(before: Default) -> tuple[str, ...]:
    """What is left of a bucket's blocking where a request does not name any."""
    return before.blocked if open_points.BLOCKED_ENCRYPTION.says("left") else ()


def install() -> None:  # noqa: C901 - a list of small wrappers
    """Put defaults, blocking and SSE-KMS into MiniStack's S3."""
    s3 = module("services.s3")

    def creating(original: Any) -> Any:
        # SSE-S3, with SSE-C blocked (S3 User Guide, "Blocking or unblocking SSE-C").
        def create(name: str, *arguments: Any, **keywords: Any) -> Answer:
            new = s3._bucket_owner_account(name) is None
            answer: Answer = original(name, *arguments, **keywords)
            if new and answer[0] == 200:
                free = s3.bucket_region(name) in _NOT_BLOCKING
                s3._bucket_encryption[name] = Default(blocked=() if free else ("SSE-C",)).xml()
            return answer

        return create

    def putting(original: Any) -> Any:
        # The rule replaces the one before.
        def put(name: str, body: bytes) -> Answer:
            before = default(name)
            answer: Answer = original(name, body)
            if answer[0] == 200:
                rule = parse(body.decode())
                if set(rule.blocked) - {"NONE", "SSE-C"}:
                    s3._bucket_encryption[name] = before.xml()
                    refused: Answer = s3._error("MalformedXML", s3._MALFORMED_XML, 400)
                    return refused
                blocked = rule.blocked or _left(before)
                s3._bucket_encryption[name] = Default(
                    rule.algorithm, rule.key, rule.bucket_key, blocked
                ).xml()
            return answer

        return put

    def deleting(original: Any) -> Any:
        # Back to SSE-S3 (S3 API, DeleteBucketEncryption); of the blocking it says nothing.
        def delete(name: str) -> Answer:
            blocked = _left(default(name))
            answer: Answer = original(name)
            if answer[0] == 204:
                s3._bucket_encryption[name] = Default(blocked=blocked).xml()
            return answer

        return delete

    def writing(original: Any) -> Any:
        def resolve(headers: Any, bucket: str) -> Any:
            written = _written(headers, bucket)
            if written and headers.get(ALGORITHM):
                # MiniStack checks the rest of the headers, but not this algorithm.
                headers = {**headers, ALGORITHM: "AES256"}
            answer, refused = original(headers, bucket)
            if refused:
                return None, refused
            if CUSTOMER in answer and default(bucket).blocks_sse_c:
                return None, s3._error("AccessDenied", "Access Denied", 403)
            return written or answer, None

        return resolve

    s3._SSE_STORED_HEADERS = (*s3._SSE_STORED_HEADERS, BUCKET_KEY)
    wrap(s3, "_create_bucket", creating)
    wrap(s3, "_put_bucket_encryption", putting)
    wrap(s3, "_delete_bucket_encryption", deleting)
    wrap(s3, "_resolve_sse_write_headers", writing)
