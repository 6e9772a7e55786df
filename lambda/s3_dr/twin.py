"""The twin, a source bucket's DR bucket: whose it is, and making it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from . import object_lock
from .aws import error_code, is_denied, knows
from .check import Check
from .outcomes import Blocked, Reason
from .record import now
from .settings import ACCOUNT_REGIONAL
from .tags import LIFE_TAG, MANAGER_TAG, PREFIX, SOURCE_TAG

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CreateBucketConfigurationTypeDef

_YOUNG = timedelta(minutes=2)
_MARK_WAIT = 6.0  # seconds


def exists(check: Check) -> bool:
    """Whether the twin is there, as ours, in the DR region, marked for this source.

    Raises:
        Blocked: there is a bucket of that name, but it is not the twin.
    """
    try:
        region = check.twin.region()
    except ClientError as error:
        if error_code(error) == "NoSuchBucket":
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
        tags = check.budget.look_again(lambda: _tags(check), _MARK_WAIT) or {}
    if tags.get(SOURCE_TAG) == check.source.name:
        check.twin_tags = tags
        return
    raise Blocked(
        Reason.TWIN_NOT_MARKED,
        f"{check.twin.name} exists but is not marked as the twin of {check.source.name}; tag it "
        f"{SOURCE_TAG}={check.source.name} if it shall be, or remove it if nobody needs it",
    )


def of_others(tags: Mapping[str, str]) -> dict[str, str] | None:
    """The tags that are neither ours nor AWS's; None if there are none."""
    others = {key: text for key, text in tags.items() if not key.startswith((PREFIX, "aws:"))}
    return others or None


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


def require_sdk(check: Check) -> None:
    """Before anything is changed: can this boto3 make a twin at all?

    CreateBucket knows tags since botocore 1.39.2, and namespaces since 1.42.67.
    """
    s3, namespace = check.clients.dr_s3, check.settings.dr_bucket_namespace
    lacks = []
    if not knows(s3, "CreateBucket", "CreateBucketConfiguration", "Tags"):
        lacks.append("tag a bucket while creating it (boto3 1.39.2)")
    if namespace == ACCOUNT_REGIONAL and not knows(s3, "CreateBucket", "BucketNamespace"):
        lacks.append("create a bucket in the account's own namespace (boto3 1.42.67)")
    if lacks:
        raise Blocked(
            Reason.SDK_TOO_OLD,
            f"the function's boto3 cannot {' or '.join(lacks)}; give the function a layer with "
            "that version or a newer one (variable layers)",
        )


def create(check: Check, lock: object_lock.Lock) -> bool:
    """Create the twin, marked and if need be locked from its first moment.

    False if another run may have been quicker.

    A bucket made first and tagged afterwards would, after a crash in between, be one that we may
    never touch again. So the tags travel in CreateBucket itself.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    """
    s3, settings = check.clients.dr_s3, check.settings
    configuration: CreateBucketConfigurationTypeDef = {
        "Tags": [
            {"Key": SOURCE_TAG, "Value": check.source.name},
            {"Key": MANAGER_TAG, "Value": settings.module_name},
            {"Key": LIFE_TAG, "Value": now()},
        ]
    }
    if settings.dr_region != "us-east-1":
        # S3 refuses us-east-1 as a constraint and demands every other region.
        configuration["LocationConstraint"] = settings.dr_region  # type: ignore[typeddict-item]
    options: dict[str, Any] = {}
    if lock.is_on:
        options["ObjectLockEnabledForBucket"] = True
    if settings.dr_bucket_namespace == ACCOUNT_REGIONAL:
        options["BucketNamespace"] = ACCOUNT_REGIONAL
    try:
        # The one bucket call without ExpectedBucketOwner: there is no owner yet.
        check.budget.settle(
            lambda: s3.create_bucket(
                Bucket=check.twin.name,
                CreateBucketConfiguration=configuration,
                ObjectOwnership="BucketOwnerEnforced",
                **options,
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
