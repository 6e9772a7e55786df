"""The twin, a source bucket's DR bucket: whose it is, making it, keeping it as it should be."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from .aws import error_code, is_denied
from .check import MANAGER_TAG, SOURCE_TAG, Check
from .outcomes import Blocked, Outcome, Reason

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CreateBucketConfigurationTypeDef

TLS_SID = "S3DrDenyInsecureTransport"

_YOUNG = timedelta(minutes=2)
_MARK_WAIT = 6.0  # seconds

_PUBLIC_ACCESS_BLOCK = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_OWNERSHIP: Final = "BucketOwnerEnforced"


def destination_bucket_check(check: Check) -> Outcome:
    """Make the twin if there is none, keep it as it should be, and ask for replication.

    Raises:
        Ignored: the source bucket is not, or no longer, to be protected.
        Blocked: the twin's name stands for a bucket that is not the twin, or that is shared.
        ClientError: anything else S3 or SNS answers.
    """
    check.observe_source()
    is_new = not exists(check) and _create(check)
    policy = {} if is_new else _read_policy(check)
    _refuse_sharing(check, policy)
    for ensure in (
        _ensure_public_access_block,
        _ensure_ownership,
        _ensure_versioning,
        _ensure_encryption,
    ):
        ensure(check, is_new)
    _ensure_tls_only(check, policy)
    check.clients.publish(check.settings.topic_02_arn, check.request.message())
    return Outcome.PASSED_ON


def exists(check: Check) -> bool:
    """Whether the twin is there, as ours, in the DR region, marked for this source.

    Raises:
        Blocked: there is a bucket of that name, but it is not the twin; or there is none, and the
            function's boto3 cannot make it.
    """
    try:
        region = check.twin.region()
    except ClientError as error:
        if error_code(error) == "NoSuchBucket":
            _require_sdk(check)
            return False
        raise _taken_or(error, check) from error
    if region != check.settings.dr_region:
        raise Blocked(
            Reason.TWIN_IN_OTHER_REGION,
            f"{check.twin.name} is in {region}, not in {check.settings.dr_region}; remove it, if "
            "nobody needs it, or use a source bucket of another name",
        )
    require_marked(check)
    return True


def require_marked(check: Check) -> None:
    """Make sure that the bucket of the twin's name carries our mark for this very source.

    The tags of a bucket that was made moments ago, by another run perhaps, may not be seen yet:
    bucket configuration is eventually consistent. Such a bucket gets some seconds. A twin is born
    with its tags, so a bucket that shows others has them all.

    Raises:
        Blocked: it belongs to somebody else, or nobody said that it is the twin.
        ClientError: anything else S3 answers; the bucket missing is such an error.
    """
    tags = _tags(check)
    if not tags and (check.twin.is_new or check.twin.is_young(_YOUNG)):
        for delay in check.budget.delays(_MARK_WAIT):
            check.budget.sleep(delay)
            if tags := _tags(check):
                break
    if tags.get(SOURCE_TAG) == check.source.name:
        return
    raise Blocked(
        Reason.TWIN_NOT_MARKED,
        f"{check.twin.name} exists but is not marked as the twin of {check.source.name}; tag it "
        f"{SOURCE_TAG}={check.source.name} if it shall be, or remove it if nobody needs it",
    )


def _tags(check: Check) -> dict[str, str]:
    try:
        return check.twin.tags()
    except ClientError as error:
        raise _taken_or(error, check) from error


def _taken_or(error: ClientError, check: Check) -> Exception:
    """The refusal, when S3 denied us because the bucket is another account's; else the error."""
    if is_denied(error) and not check.twin.is_owned_by_caller():
        return _taken(check)
    return error


def _taken(check: Check) -> Blocked:
    return Blocked(
        Reason.TWIN_NAME_TAKEN,
        f"the name {check.twin.name} belongs to another AWS account; use a source bucket of "
        "another name, or, for all buckets, another dr_bucket_suffix (README says with what care)",
    )


def _require_sdk(check: Check) -> None:
    """Before anything is changed: can this boto3 make a twin at all?

    CreateBucket knows tags since botocore 1.39.2.
    """
    model = check.clients.dr_s3.meta.service_model.operation_model("CreateBucket")
    parameters: Any = model.input_shape
    if "Tags" not in parameters.members["CreateBucketConfiguration"].members:
        raise Blocked(
            Reason.SDK_TOO_OLD,
            "the function's boto3 cannot tag a bucket while creating it; give the function a layer "
            "with boto3 1.39.2 or newer (variable layers)",
        )


def _create(check: Check) -> bool:
    """Create the twin, marked from its first moment. False if another run may have been quicker.

    A bucket made first and tagged afterwards would, after a crash in between, be one that we may
    never touch again. So the tags travel in CreateBucket itself.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    """
    s3, settings = check.clients.dr_s3, check.settings
    configuration: CreateBucketConfigurationTypeDef = {
        "Tags": [
            {"Key": SOURCE_TAG, "Value": check.source.name},
            {"Key": MANAGER_TAG, "Value": settings.module_name},
        ]
    }
    if settings.dr_region != "us-east-1":
        # S3 refuses us-east-1 as a constraint and demands every other region.
        configuration["LocationConstraint"] = settings.dr_region  # type: ignore[typeddict-item]
    try:
        # The one bucket call without ExpectedBucketOwner: there is no owner yet.
        check.budget.settle(
            lambda: s3.create_bucket(
                Bucket=check.twin.name,
                CreateBucketConfiguration=configuration,
                ObjectOwnership=_OWNERSHIP,
            )
        )
    except ClientError as error:
        if error_code(error) == "BucketAlreadyExists":
            raise _taken(check) from error
        if error_code(error) == "BucketAlreadyOwnedByYou":
            check.twin.is_new = True
            require_marked(check)
            return False
        raise
    check.twin.is_new = True
    ambiguous = settings.dr_region == "us-east-1"
    if ambiguous:
        # Here alone S3 answers 200 for a bucket that we had already: look what it is.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
        require_marked(check)
    check.changes.append("CreateBucket")
    return not ambiguous


def _ensure_public_access_block(check: Check, is_new: bool) -> None:
    if not is_new:
        found = check.twin.read(
            "get_public_access_block", absent="NoSuchPublicAccessBlockConfiguration"
        )
        if found and found["PublicAccessBlockConfiguration"] == _PUBLIC_ACCESS_BLOCK:
            return
    check.twin.write("put_public_access_block", PublicAccessBlockConfiguration=_PUBLIC_ACCESS_BLOCK)


def _ensure_ownership(check: Check, is_new: bool) -> None:
    if is_new:
        return  # CreateBucket set it
    rules = [{"ObjectOwnership": _OWNERSHIP}]
    found = check.twin.read(
        "get_bucket_ownership_controls", absent="OwnershipControlsNotFoundError"
    )
    if not found or found["OwnershipControls"]["Rules"] != rules:
        check.twin.write("put_bucket_ownership_controls", OwnershipControls={"Rules": rules})


def _ensure_versioning(check: Check, is_new: bool) -> None:
    if is_new or check.twin.read("get_bucket_versioning").get("Status") != "Enabled":
        check.twin.write("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})


def _ensure_encryption(check: Check, is_new: bool) -> None:
    """Default encryption is on; a stronger one that somebody chose stays."""
    absent = "ServerSideEncryptionConfigurationNotFoundError"
    if is_new or not check.twin.read("get_bucket_encryption", absent=absent):
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        check.twin.write(
            "put_bucket_encryption", ServerSideEncryptionConfiguration={"Rules": [rule]}
        )


def _read_policy(check: Check) -> dict[str, Any]:
    """The twin's policy with its statements as a list; empty if it has none."""
    found = check.twin.read("get_bucket_policy", absent="NoSuchBucketPolicy")
    if not found:
        return {}
    policy: dict[str, Any] = json.loads(found["Policy"])
    statements = policy.get("Statement", [])
    # IAM lets a single statement stand without its list.
    return {**policy, "Statement": statements if isinstance(statements, list) else [statements]}


def _refuse_sharing(check: Check, policy: dict[str, Any]) -> None:
    """A twin that somebody prepared for us must not let other accounts read what we copy.

    The public access block stops the public, not an account that a policy names.
    """
    for statement in policy.get("Statement", []):
        if statement.get("Effect") == "Allow" and not _is_within(check, statement):
            raise Blocked(
                Reason.TWIN_SHARED,
                f"the policy of {check.twin.name} lets others in than account "
                f"{check.settings.dr_account_id} (statement {statement.get('Sid', 'without Sid')});"
                " take that statement out, or the objects would be theirs to read too",
            )


def _is_within(check: Check, statement: dict[str, Any]) -> bool:
    """Whether a statement speaks of AWS principals of the twin's account only."""
    principal = statement.get("Principal")
    if not isinstance(principal, dict) or principal.keys() != {"AWS"}:
        return False
    named = principal["AWS"] if isinstance(principal["AWS"], list) else [principal["AWS"]]
    account = check.settings.dr_account_id
    return all(name == account or name.split(":")[4:5] == [account] for name in map(str, named))


def _ensure_tls_only(check: Check, policy: dict[str, Any]) -> None:
    """The twin's policy refuses plain HTTP; statements that are not ours stay."""
    statements = policy.get("Statement", [])
    wanted = _tls_statement(check)
    if any(_normal(statement) == _normal(wanted) for statement in statements):
        return
    kept = [statement for statement in statements if statement.get("Sid") != TLS_SID]
    document = {"Version": "2012-10-17", **policy, "Statement": [*kept, wanted]}
    check.twin.write("put_bucket_policy", Policy=json.dumps(document))


def _tls_statement(check: Check) -> dict[str, Any]:
    arn = check.settings.bucket_arn(check.twin.name)
    return {
        "Sid": TLS_SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _normal(statement: dict[str, Any]) -> Any:
    """A statement as S3 may give it back: lists in any order, lists of one without the list."""

    def flat(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: flat(item) for key, item in value.items()}
        return sorted(map(str, value if isinstance(value, list) else [value]))

    return flat(statement)
