"""One check of one bucket: what its three functions share, above all when to keep hands off."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, NamedTuple, NoReturn

from botocore.exceptions import ClientError

from .aws import Bucket, Budget, Clients, error_code, is_denied, moment
from .events import BucketRequest
from .outcomes import Blocked, Ignored, Reason, Untagged
from .profiles import Profile, first_match
from .reports_bucket import ReportsBucket
from .settings import Settings
from .tags import SOURCE_TAG

# A bucket may take a moment to be seen after its CreateBucket event.
_NEW_BUCKET_AGE = timedelta(minutes=2)


class Seen(NamedTuple):
    """A source bucket that is to be protected, as it was seen.

    Attributes:
        tags: the bucket's tags.
        profile: how they ask for it to be protected.
    """

    tags: dict[str, str]
    profile: Profile


@dataclass(eq=False, repr=False)
class Check:
    """The check of one source bucket, by one function.

    What follows ``request`` is for the result alone: no step of a check reads it.

    Attributes:
        changes: the API writes made so far, on either bucket.
        warnings: what a person should know although it stops nothing.
        properties: how each property of the twin came out; see `Result`.
        backfill: how the copying of existing objects stands; see `Result`.
        profile: the one that the bucket's tags ask for; told even if they ask for what cannot be.
    """

    settings: Settings
    clients: Clients
    budget: Budget
    request: BucketRequest
    changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    properties: list[dict[str, Any]] = field(default_factory=list)
    backfill: dict[str, Any] = field(default_factory=dict)
    profile: Profile | None = None

    @cached_property
    def source(self) -> Bucket:
        """The source bucket, in the source account."""
        return Bucket(
            self.clients.source_s3,
            self.request.bucket,
            self.settings.source_account_id,
            self.budget,
            self.changes,
            is_new=self._source_is_new(),
            dry_run=self.request.dry_run,
        )

    @cached_property
    def twin(self) -> Bucket:
        """The twin, in the DR account; it need not exist."""
        return Bucket(
            self.clients.dr_s3,
            self.settings.twin_names.of(self.request.bucket),
            self.settings.dr_account_id,
            self.budget,
            self.changes,
            dry_run=self.request.dry_run,
        )

    @property
    def reports_bucket(self) -> ReportsBucket:
        """Where the bucket's record is, and the reports of its jobs."""
        settings = self.settings
        return ReportsBucket(
            self.clients.source_s3, settings.reports_bucket, settings.source_account_id
        )

    def tell(self, topic_arn: str) -> None:
        """Hand the bucket on to the next function."""
        if not self.request.dry_run:
            self.clients.publish(topic_arn, self.request.message())

    def warn(self, sentence: str) -> None:
        """Say something that a person should know although it stops nothing."""
        self.warnings.append(sentence)

    def observe_source(self) -> Seen:
        """Read whether the bucket is to be protected; every function asks for itself.

        A message could be old or forged, so it is never enough that the function before us said so.

        Raises:
            Untagged: nothing asks for its protection, or not any more.
            Ignored: the bucket is not ours to protect.
            Blocked: it is tagged for protection and, falsely, as a twin; or its tags change its
                profile in a way that cannot be.
        """
        tags = self._source_tags()
        profile = first_match(self.settings.profiles, tags)
        if SOURCE_TAG in tags:
            self._refuse_twin(tags, profile)
        if profile is None:
            raise Untagged(Reason.NO_PROFILE_MATCHES, "its tags match no profile", tags)
        region = self.source.region()
        if region != self.settings.source_region:
            raise Ignored(
                Reason.OTHER_REGION, f"it is in {region}, not in {self.settings.source_region}"
            )
        self.profile = profile
        return Seen(tags, profile.for_bucket(tags))

    def _refuse_twin(self, tags: dict[str, str], profile: Profile | None) -> NoReturn:
        """A twin is never a source: two deployments would breed twins of twins."""
        marked_for = tags[SOURCE_TAG]
        if profile and self.request.bucket != self.settings.twin_names.of(marked_for):
            # A tag set copied from a twin must not leave a bucket unprotected in silence.
            raise Blocked(
                Reason.SOURCE_MARKED_AS_TWIN,
                f"{self.request.bucket} carries the mark {SOURCE_TAG}={marked_for} of a twin; take "
                "that tag away if it is none",
            )
        if self.request.bucket != self.settings.twin_names.of(marked_for):
            raise Untagged(Reason.IS_A_TWIN, f"it is marked as the twin of {marked_for!r}", tags)
        raise Ignored(Reason.IS_A_TWIN, f"it is the twin of {marked_for!r}")

    def _source_tags(self) -> dict[str, str]:
        try:
            return self.source.tags()
        except ClientError as error:
            if error_code(error) == "NoSuchBucket" and not (
                self.source.is_new and self.source.is_owned_by_caller()
            ):
                raise Ignored(Reason.NO_SUCH_BUCKET, "there is no such bucket") from error
            # S3 gives one answer for "not yours" and "not allowed". Only the first is harmless.
            if is_denied(error) and not self.source.is_owned_by_caller():
                raise Ignored(Reason.NOT_OURS, "it belongs to another account") from error
            raise

    def _source_is_new(self) -> bool:
        created_at = self.request.created_at
        return created_at is not None and abs(moment() - created_at) < _NEW_BUCKET_AGE
