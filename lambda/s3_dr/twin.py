"""The twin, a source bucket's DR bucket: whose it is, making it, and its tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from .aws import error_code, is_denied, knows, now
from .check import Check
from .outcomes import Blocked, Reason
from .tags import CLONED_TAG, LIFE_TAG, MANAGER_TAG, PREFIX, SOURCE_TAG

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CreateBucketConfigurationTypeDef

# How S3 says that a region, or a whole partition, knows no tags in CreateBucket or no tagging by
# S3 Control. https://github.com/hashicorp/terraform-provider-aws/pull/46122
_LACKING = frozenset({"MethodNotAllowed", "UnsupportedArgument"})
_YOUNG = timedelta(minutes=2)
_MARK_WAIT = 6.0  # seconds


@dataclass(frozen=True)
class Marked:
    """A bucket that is marked as the twin.

    Attributes:
        tags: its tags, as they were seen.
        is_new: it was made a moment ago, for certain by us, and nobody but S3 has configured it.
    """

    tags: Mapping[str, str]
    is_new: bool = False

    @property
    def is_made_here(self) -> bool:
        """Whether this module made it, so that there was nothing on it before."""
        return self.is_new or MANAGER_TAG in self.tags

    @property
    def life(self) -> str:
        """When it was made, and since when it takes replicas again; empty where nobody knows."""
        return self.tags.get(LIFE_TAG, "")


def find(check: Check) -> Marked | None:
    """The twin, in the DR region and marked for this source; None if there is none.

    Raises:
        Blocked: there is a bucket of that name, but it is not the twin.
    """
    try:
        region = check.twin.region()
    except ClientError as error:
        if error_code(error) == "NoSuchBucket":
            return None
        raise _taken_or(error, check) from error
    if region != check.settings.dr_region:
        raise Blocked(
            Reason.TWIN_IN_OTHER_REGION,
            f"{check.twin.name} is in {region}, not in {check.settings.dr_region}; remove it, if "
            "nobody needs it, or use a source bucket of another name",
        )
    return require_marked(check)


def require_marked(check: Check) -> Marked:
    """The bucket of the twin's name, which must carry our mark for this very source.

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
        return Marked(tags)
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


def _untaggable(check: Check, error: ClientError) -> Blocked:
    """The refusal of a region in which a twin could not be marked, or not say what was cloned.

    Tags that came a moment after the bucket would leave, after a crash in between, one that nobody
    can tell from a bucket of somebody else.
    """
    has_own = check.settings.has_own_namespace and error.operation_name == "CreateBucket"
    namespace = ", or has no namespaces of accounts" if has_own else ""
    return Blocked(
        Reason.TAGS_NOT_SUPPORTED,
        f"S3 in {check.settings.dr_region} cannot tag a bucket the way twins are marked"
        f"{namespace} ({error.operation_name}: {error_code(error)}); use another DR region, or "
        f"make {check.twin.name} yourself with the tag {SOURCE_TAG}={check.source.name} and let "
        "the profile clone nothing (clone = [])",
    )


def require_sdk(check: Check) -> None:
    """Before anything is changed: can this boto3 make a twin at all?

    CreateBucket knows tags since botocore 1.39.2, and namespaces since 1.42.67.
    """
    s3 = check.clients.dr_s3
    lacks = []
    if not knows(s3, "CreateBucket", "CreateBucketConfiguration", "Tags"):
        lacks.append("tag a bucket while creating it (boto3 1.39.2)")
    if check.settings.has_own_namespace and not knows(s3, "CreateBucket", "BucketNamespace"):
        lacks.append("create a bucket in the account's own namespace (boto3 1.42.67)")
    if lacks:
        raise Blocked(
            Reason.SDK_TOO_OLD,
            f"the function's boto3 cannot {' or '.join(lacks)}; give the function a layer with "
            "that version or a newer one (variable layers)",
        )


def create(check: Check, *, is_locked: bool) -> Marked:
    """Create the twin, marked and if need be locked from its first moment.

    If another run may have been quicker, it is not new, and is what was found.

    A bucket made first and tagged afterwards would, after a crash in between, be one that we may
    never touch again. So the tags travel in CreateBucket itself.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html

    Raises:
        Blocked: S3 has none there; or the name is another account's, or of a bucket that is not
            the twin.
        ClientError: anything else S3 answers.
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
    if is_locked:
        options["ObjectLockEnabledForBucket"] = True
    if settings.has_own_namespace:
        options["BucketNamespace"] = settings.dr_bucket_namespace
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
        if error_code(error) in _LACKING:
            raise _untaggable(check, error) from error
        if error_code(error) == "BucketAlreadyOwnedByYou":
            check.twin.is_new = True
            return require_marked(check)
        raise
    check.twin.is_new = True
    made = Marked({}, is_new=True)
    if settings.dr_region == "us-east-1":
        # Here alone S3 answers 200 for a bucket that we had already: look what it is.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
        made = require_marked(check)
    check.changes.append("CreateBucket")
    return made


def tell_life(check: Check, marked: Marked) -> None:
    """Note on the twin that it takes replicas again, as of now."""
    tag(check, {LIFE_TAG: f"{marked.life.partition('/')[0]}/{now()}"})


def tell_cloned(check: Check, text: str) -> None:
    """Note on the twin what was written to it."""
    tag(check, {CLONED_TAG: text})


def cloned(tags: Mapping[str, str]) -> str:
    """What such a note says; empty if there is none."""
    return tags.get(CLONED_TAG, "")


def tag(check: Check, tags: Mapping[str, str]) -> None:
    """Give the twin these tags beside those it has.

    TagResource leaves other tags alone, which PutBucketTagging does not, and works on buckets that
    have ABAC enabled, on which PutBucketTagging does not.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging-enable-abac.html
    """
    _control(check, "tag_resource", Tags=[{"Key": key, "Value": tags[key]} for key in sorted(tags)])


def untag(check: Check, keys: Iterable[str]) -> None:
    """Take tags away from the twin."""
    _control(check, "untag_resource", TagKeys=sorted(keys))


def _control(check: Check, operation: str, **parameters: Any) -> None:
    control = check.clients.dr_control

    def is_settling(error: ClientError) -> bool:
        # S3 itself has just shown the bucket: S3 Control does not know it yet.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
        return check.twin.is_settling(error) or error_code(error) == "NoSuchResource"

    if not check.request.dry_run:
        try:
            check.budget.settle(
                lambda: getattr(control, operation)(
                    AccountId=check.settings.dr_account_id,
                    ResourceArn=check.settings.bucket_arn(check.twin.name),
                    **parameters,
                ),
                is_settling,
            )
        except ClientError as error:
            raise (_untaggable(check, error) if error_code(error) in _LACKING else error) from error
    check.changes.append(control.meta.method_to_api_mapping[operation])
