"""What no document decides about AWS: each point with its variants, of which one holds at a time.

A world is a variant of every point: the ``first`` world has the first of each, which is what the
sources make likelier, or else what was here before; the ``second`` has the second of each. Some
points have more variants, which only their own switch reaches. What must be right on AWS is tested
in both worlds.

A new point is a row here, a place that asks ``NAME.says(variant)`` (or ``NAME.variant``), and a
test in tests/test_open_points.py that shows each variant from outside.

Left out, because nothing here can observe it: whether a pause by the Fault Injection Service shows
as PutBucketReplication (there is no such service here); in which account the metrics of the DR
region appear (those of the destination's region are not published here).
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

WORLDS = ("first", "second")

POINTS: "dict[str, Point]" = {}


class NotAPoint(ValueError):
    """There is no such world, point or variant; the message names those that there are."""


@dataclass
class Point:
    """One question that no document answers.

    Attributes:
        variants: The answers. The first two are those of the two worlds.
        variant: The answer that holds now.
    """

    name: str
    question: str
    source: str
    variants: tuple[str, ...]
    variant: str

    def says(self, variant: str) -> bool:
        """Whether this answer holds now.

        Raises:
            NotAPoint: It is no answer to this question.
        """
        return self.variant == self.checked(variant)

    def checked(self, variant: str) -> str:
        """The variant, which must be one of this point's."""
        if variant not in self.variants:
            known = ", ".join(self.variants)
            raise NotAPoint(f"{self.name} has no variant {variant!r}: it has {known}.")
        return variant


def _point(name: str, question: str, source: str, *variants: str) -> Point:
    POINTS[name] = Point(name, question, source, variants, variants[0])
    return POINTS[name]


def check(world: str = "", points: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variants of a world, if one is named, and of these points.

    Raises:
        NotAPoint: Something is named that does not exist.
    """
    wanted = {}
    if world:
        if world not in WORLDS:
            raise NotAPoint(f"There is no world {world!r}: there are {', '.join(WORLDS)}.")
        number = WORLDS.index(world)
        wanted = {point.name: point.variants[number] for point in POINTS.values()}
    for name, variant in (points or {}).items():
        if name not in POINTS:
            raise NotAPoint(f"There is no point {name!r}: there are {', '.join(sorted(POINTS))}.")
        wanted[name] = POINTS[name].checked(variant)
    return wanted


def choose(world: str = "", points: Mapping[str, str] | None = None) -> None:
    """Let a world hold, if one is named, and then these variants.

    Raises:
        NotAPoint: Something is named that does not exist; then nothing changes.
    """
    for name, variant in check(world, points).items():
        POINTS[name].variant = variant


def chosen() -> dict[str, str]:
    """The variant of each point that holds now."""
    return {point.name: point.variant for point in POINTS.values()}


def parsed(settings: list[str]) -> dict[str, str]:
    """Points from ``name=variant``, as a command line has them.

    Raises:
        NotAPoint: One has no ``=``.
    """
    for setting in settings:
        if "=" not in setting:
            raise NotAPoint(f"{setting!r} is not of the form name=variant.")
    return {name: variant for name, _, variant in (text.partition("=") for text in settings)}


_HEAD = """\
The first variant is the first world's, the second the second's. Sources:
userguide is https://docs.aws.amazon.com/AmazonS3/latest/userguide."""


def table(width: int = 80) -> str:
    """All points for a person to read."""
    blocks = [_HEAD]
    for point in POINTS.values():
        lines = [point.name]
        for text in (point.question, f"variants: {' | '.join(point.variants)}", point.source):
            lines += textwrap.wrap(text, width - 4, break_long_words=False, break_on_hyphens=False)
        blocks.append("\n".join([lines[0], *(f"    {line}" for line in lines[1:])]))
    return "\n\n".join(blocks)


# --- Batch Operations

PASSED_TO_SERVICE = _point(
    "passed_to_service",
    "Which iam:PassedToService does CreateJob bring?",
    "userguide/batch-ops-iam-role-policies.html names none; policies that AWS wrote (Clean "
    "Rooms, its S3 rollback tool) have the first, third parties the second, which the role trusts.",
    "s3.amazonaws.com",
    "batchoperations.s3.amazonaws.com",
)
JOB_OPERATION = _point(
    "job_operation",
    "Which s3:RequestJobOperation does a job of Batch Replication bring?",
    "The Service Authorization Reference for S3 has the key and no values; no example is for "
    "replication. `absent` means that there is no such key in the request.",
    "S3ReplicateObject",
    "absent",
    "ReplicateObject",
    "S3InitiateReplication",
    "InitiateReplication",
)
JOB_KNOWN_AFTER = _point(
    "job_known_after",
    "For how many seconds after CreateJob does DescribeJob answer NoSuchJob?",
    "userguide/troubleshooting-batch-operations.html: a job may not be known before it is "
    "fully registered; how long that takes is not said.",
    "0.05",
    "0.5",
)
JOB_LISTED_AFTER = _point(
    "job_listed_after",
    "For how many seconds after CreateJob is a job missing in ListJobs?",
    "docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListJobs.html does not say; DescribeJob "
    "may not know it at once.",
    "0",
    "0.3",
)
REUSED_TOKEN = _point(
    "reused_token",
    "What does CreateJob do with a ClientRequestToken that was used for another request?",
    "docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateJob.html has an "
    "IdempotencyException, and does not say when it comes. `first_job` answers with the ID of the "
    "job that was made with it, and ignores the rest.",
    "refused",
    "first_job",
)
SEVENTH_JOB = _point(
    "seventh_job",
    "What becomes of a seventh active job of Batch Replication?",
    "userguide/s3-batch-replication-batch.html: beyond six, those of lower priority are "
    "paused; whether CreateJob is ever refused is not said.",
    "paused",
    "refused",
)
WAITS_AS = _point(
    "waits_as",
    "In which status does a job wait that six others keep from beginning?",
    "userguide/s3-batch-replication-batch.html: it is paused; userguide/batch-ops-job-status.html: "
    "it stays Ready while others with a higher priority run, and one that was running is Paused. "
    "With `Ready` it waits in the status it has.",
    "Paused",
    "Ready",
)
PREPARING_COUNTS = _point(
    "preparing_counts",
    "Is a job that is New or Preparing one of the six?",
    "userguide/batch-ops.html: six active jobs; `Active` is the status of one that copies "
    "(userguide/batch-ops-job-status.html), but all that have not ended are called active, too.",
    "no",
    "yes",
)
SIX_JOBS_PER = _point(
    "six_jobs_per",
    "Do the six active jobs of Batch Replication count for each region apart?",
    "userguide/batch-ops.html: six per account; of regions it says nothing.",
    "account",
    "region",
)
EMPTY_MANIFEST = _point(
    "empty_manifest",
    "What becomes of a job for which no object is found?",
    "userguide/replication-troubleshoot.html has a text for its failure; that a job without "
    "tasks completes is told for other operations.",
    "Failed",
    "Complete",
)

# --- buckets and their tags

CREATION_DATE = _point(
    "creation_date",
    "Which edits of a bucket's configuration move its CreationDate in ListBuckets?",
    "https://github.com/aws/aws-cli/issues/3597 (policy), "
    "https://github.com/boto/boto3/issues/1956 (lifecycle). The endpoint of us-east-1 has the true "
    "date in each variant.",
    "policy_and_lifecycle",
    "every_edit",
    "none",
)
TAG_RECORD_SOURCE = _point(
    "tag_record_source",
    "Which `source` has the event of S3 Control's TagResource and UntagResource?",
    "No record of these calls was found in any public place.",
    "aws.s3",
    "aws.s3-control",
    "aws.s3control",
)
TAG_RECORD_ARN = _point(
    "tag_record_arn",
    "Where does the record of S3 Control's TagResource name the bucket?",
    "No record of these calls was found in any public place. `resources` means that only the "
    "record's list of resources does.",
    "resourceArn",
    "ResourceArn",
    "resources",
)
TAG_CHANGE_EVENT = _point(
    "tag_change_event",
    "Does an event `Tag Change on Resource` of aws.tag come when a bucket's tags change?",
    "docs.aws.amazon.com/tag-editor/latest/userguide/monitor-tag-changes.html lists no "
    "services. `instead` means that S3 Control's calls then have no record of their own.",
    "no",
    "beside",
    "instead",
)
RECORD_VALUES = _point(
    "record_values",
    "Does a record show `true` and `1` of a request's XML as JSON's own values?",
    "Recorded events in public repositories have both kinds; no document says which is when.",
    "strings",
    "json",
)
CREATE_TAGS = _point(
    "create_tags",
    "Where does CreateBucket refuse Tags with UnsupportedArgument (400)?",
    "https://github.com/hashicorp/terraform-provider-aws/issues/45566 and its kin: in aws-eusc, "
    "and by some reports in every partition but aws.",
    "eusc",
    "not_aws",
    "nowhere",
)
CONTROL_TAGS = _point(
    "control_tags",
    "Where does S3 Control refuse to tag buckets, with MethodNotAllowed (405)?",
    "https://github.com/hashicorp/terraform-provider-aws/issues/45684 and its kin: in aws-eusc, "
    "and by some reports in every partition but aws.",
    "eusc",
    "not_aws",
    "nowhere",
)
CONTROL_NAMES_ACCOUNT = _point(
    "control_names_account",
    "Do S3 Control's TagResource and UntagResource of a bucket bring s3:ResourceAccount?",
    "docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html has the permission, and "
    "no word of condition keys.",
    "yes",
    "no",
)
ACCELERATION = _point(
    "acceleration",
    "With which code is acceleration refused in a region that has none?",
    "https://github.com/hashicorp/terraform-provider-aws/issues/6853 and /16969: MethodNotAllowed "
    "in aws, UnsupportedArgument elsewhere. `nowhere` means that each region has it.",
    "by_partition",
    "UnsupportedArgument",
    "MethodNotAllowed",
    "nowhere",
)
BLOCKED_ENCRYPTION = _point(
    "blocked_encryption",
    "Does PutBucketEncryption without BlockedEncryptionTypes leave the blocking of SSE-C?",
    "userguide/blocking-unblocking-s3-c-encryption-gpb.html does not say; the Terraform "
    "provider takes it so.",
    "left",
    "lifted",
)

STS_REGION = _point(
    "sts_region",
    "Whose account must have enabled an opt-in region for AssumeRole through its STS?",
    "https://github.com/grafana/grafana-aws-sdk/issues/46: the role's; "
    "https://github.com/awsdocs/iam-user-guide/pull/283, merged: the caller's.",
    "role",
    "caller",
)

# --- replication

TIME_CONTROL = _point(
    "time_control",
    "With which code and words is replication time control refused in a region without it?",
    "docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html has InvalidRequest and "
    "such words as the first; nothing was recorded on AWS, and the others are made up beside it.",
    "as_listed",
    "other_words",
    "other_code",
)
SOURCE_DATA_KEY = _point(
    "source_data_key",
    "Does S3 ask for kms:GenerateDataKey on the source's key when it reads for replication?",
    "userguide/replication-config-for-kms-objects.html asks for kms:Decrypt there; one of "
    "AWS's other examples has both.",
    "no",
    "yes",
)
CHINA_VIA_SERVICE = _point(
    "china_via_service",
    "How does kms:ViaService end in the regions of China?",
    "docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html names "
    "amazonaws.com; policies for China have both.",
    "amazonaws.com.cn",
    "amazonaws.com",
)
ROLE_SOURCE = _point(
    "role_source",
    "Does S3 name aws:SourceAccount and aws:SourceArn when it assumes a replication role?",
    "userguide/setting-repl-config-perm-overview.html has a trust policy without conditions.",
    "no",
    "yes",
)
LOOKS_AT_DESTINATION = _point(
    "looks_at_destination",
    "Must the replication role be allowed to look at a destination in another account?",
    "userguide/replication-walkthrough-2.html has the destination allow s3:List* and "
    "s3:GetBucketVersioning; userguide/setting-repl-config-perm-overview.html does not. `yes` is "
    "both at PutBucketReplication and when S3 copies.",
    "no",
    "yes",
)
MARKER_ID = _point(
    "marker_id",
    "Which version ID has a replicated delete marker?",
    "userguide/delete-marker-replication.html does not say; replicas of objects keep theirs.",
    "same",
    "new",
)
MARKER_DATE = _point(
    "marker_date",
    "Which date has a replicated delete marker?",
    "userguide/delete-marker-replication.html does not say; replicas of objects keep theirs.",
    "same",
    "arrival",
)
NULL_REPLICA_ID = _point(
    "null_replica_id",
    "Which version ID has the replica of a null version?",
    "userguide/replication-what-is-isnot-replicated.html does not say.",
    "null",
    "new",
)
LATE_REPLICA = _point(
    "late_replica",
    "Where among the versions of its key does a replica stand that comes late?",
    "userguide/replication-what-is-isnot-replicated.html: it keeps its creation time; of the "
    "order nothing is said.",
    "by_creation",
    "by_arrival",
)
REPLICA_ETAG = _point(
    "replica_etag",
    "Does the replica of an object with SSE-KMS or DSSE-KMS, or of parts, keep its ETag?",
    "docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html: such ETags are no MD5; of "
    "replicas nothing is said.",
    "same",
    "other",
)
REPLICA_CREATED = _point(
    "replica_created",
    "Does the arrival of a replica raise s3:ObjectCreated in the destination?",
    "userguide/notification-how-to-event-types-and-destinations.html does not say.",
    "no",
    "yes",
)
UNKNOWN_VERSION_MARKER = _point(
    "unknown_version_marker",
    "What does ListObjectVersions give after a version-id-marker that the bucket does not know?",
    "docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html does not say.",
    "next_key",
    "whole_key",
    "refused",
)
