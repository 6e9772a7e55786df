"""Whether a bucket is still the one that is remembered, or another one of its name.

Names outlive buckets: whoever deletes one may make it again, and nothing that is remembered of the
first holds for the second. No call tells the two apart for certain. The date that ListBuckets gives
moves with edits of the bucket's configuration, ours perhaps among them; only that of us-east-1 is
said to be the true one (https://github.com/aws/aws-cli/issues/3597,
https://github.com/boto/boto3/issues/1956). So:

- our rule is there: the same bucket, since another one would not have it;
- a date that is older than what is remembered: the same;
- a DeleteBucket or, outside us-east-1, CreateBucket that was heard, or a newer date in us-east-1:
  another;
- a newer date elsewhere is no sign by itself. Together with a rule of ours that is gone although
  nobody was heard to delete it, it means another: in doubt, old objects are copied once too often.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from .aws import now
from .check import Check
from .record import Memory, Record
from .rule import Configuration

# The one region that CreateBucket answers 200 in for a bucket that is there already.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
_HOME = "us-east-1"


def forget_deleted(memory: Memory, deleted_at: datetime) -> bool:
    """Forget what is remembered of a bucket that was deleted at that moment, if anything is.

    An event may come twice, or when the name has long been another bucket's.
    """
    record, moment = memory.record, deleted_at.isoformat()
    is_over = record.since and _is_after(record.since, deleted_at) and moment != record.deleted
    if is_over:
        memory.record = Record(deleted=moment)
    return bool(is_over)


def forget_another(check: Check, memory: Memory, current: Configuration) -> None:
    """Forget what is remembered, if it is of another bucket than the one that is there now."""
    record, is_there = memory.record, current.ours is not None
    if not record.since or (is_there and not _was_created(check, record)):
        return
    is_another = _is_another(check, record)
    if is_another:
        memory.record = Record(deleted=record.deleted or now())
    if is_another is None:
        # Two automations that fight over one bucket look the same, and are to be stopped.
        kept = Record(deleted=record.deleted, rule=record.rule, put_back=record.put_back)
        memory.record = kept


def _is_another(check: Check, record: Record) -> bool | None:
    """Whether it is another bucket; None where it may be."""
    if _was_created(check, record):
        return True
    is_home = check.settings.source_region == _HOME
    date = check.source.created_at()
    if date and not _is_after(record.changed_at, date):
        return False
    true_date = date if is_home else _date_at_home(check)
    if true_date:
        return _is_after(record.changed_at, true_date)
    return None if record.rule and not check.request.is_rule_deleted else False


def _was_created(check: Check, record: Record) -> bool:
    """Whether the bucket was, for certain, heard to be created since we last wrote to it.

    A check of that event may come again after it has put our rule.
    """
    created_at = check.request.created_at
    is_home = check.settings.source_region == _HOME
    if created_at is None or is_home:
        return False
    return created_at > datetime.fromisoformat(record.changed_at)


def _is_after(since: str, date: datetime) -> bool:
    """Whether a date that AWS gives, whole seconds most times, may be after that moment."""
    until = timedelta(milliseconds=1) if date.microsecond else timedelta(seconds=1)
    return date + until > datetime.fromisoformat(since)


def _date_at_home(check: Check) -> datetime | None:
    """The bucket's date in us-east-1; None where that cannot be asked.

    Organisations may close that region, and it may be out of service: protection goes on without.
    """
    home = check.clients.home_s3
    if home is None:
        return None
    try:
        return check.source.created_at(home)
    except (BotoCoreError, ClientError) as error:
        check.warn(
            f"DATE_NOT_KNOWN: {_HOME} does not say when {check.source.name} was made ({error}); "
            "if it was deleted and made again, ask for a backfill of everything"
        )
        return None
