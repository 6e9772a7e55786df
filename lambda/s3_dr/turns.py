"""A look at the queue for jobs: whose turn it is, and whose job has ended.

While anything waits it comes by a schedule, which is off otherwise, and whenever S3 tells of a job
that changed. It only finds the buckets; their own checks make the jobs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .aws import Budget, Clients, moment
from .events import SOURCE, Wish
from .jobs import AT_ONCE, LARGE, Listed, listed, word_of
from .outcomes import Outcome
from .queue import Conflict, Entry, Followed, Places, Queue
from .record import Record
from .reports_bucket import ReportsBucket
from .settings import Settings

_LONGEST_TRY = 60.0  # seconds, while others write the queue: every check that begins to wait does
_TIME_TO_END = 30.0  # seconds kept for giving turns, once records were read


class TurnsError(Exception):
    """Turns could not be given, or not all who have one could be told."""


@dataclass
class Turns:
    """One look at the queue."""

    settings: Settings
    clients: Clients
    budget: Budget
    _read: dict[str, tuple[str, Record | None]] = field(default_factory=dict)

    def give(self, *, by_schedule: bool = False, in_any_case: bool = False) -> dict[str, Any]:
        """Give free places to who is next, and have those buckets checked; and whose job ended.

        Args:
            by_schedule: the schedule is on; where nothing waits, it is switched off.
            in_any_case: if something waits, switch the schedule on, whatever is known of it.

        Returns:
            ``outcome``, the numbers of buckets that are ``queued`` and that wait for their time
            (``scheduled``), and of those ``asked`` for a check.

        Raises:
            TurnsError: others were at it again and again, or a check could not be asked for.
            BotoCoreError, ClientError: AWS does not say, or a write was refused.
        """
        if not self.settings.reports_bucket:
            return {}
        for delay in chain((0.0,), self.budget.delays(_LONGEST_TRY)):
            if delay:
                self.budget.sleep(delay)
            queue = Queue.read(self._reports)
            before = json.dumps(queue.as_dict())
            is_all = self._catch_up(queue)
            at = moment()  # to read them all may have taken minutes
            jobs = self._places.listed(queue, at)
            if is_all:
                self._places.give(queue, jobs, at)
            moved = queue.ask(_moved(queue, jobs), at)
            waits = queue.waits or not is_all
            # One that comes late, by the schedule, does not know that it is on still.
            if waits and (in_any_case or not queue.is_ticking):
                self._switch(on=True)
            queue.is_ticking = waits
            with suppress(Conflict):
                if json.dumps(queue.as_dict()) != before:
                    queue.save(self._reports)
                break
        else:
            raise TurnsError("others wrote the queue again and again")
        if by_schedule and not waits:
            self._stop_ticking()
        # Also those of a look that was ended before it could tell them.
        asked = [*dict.fromkeys([*queue.have_turns(at), *moved])]
        self._ask(asked)
        number = len(queue.in_order(at))
        return {
            "outcome": Outcome.TURNS_GIVEN,
            "queued": number,
            "scheduled": len(queue.entries) - number,
            "asked": len(asked),
        }

    def look(self) -> dict[str, Any]:
        """How the jobs of this installation stand.

        Returns:
            ``jobs``, a row for each that waits, is at work or ended badly; ``active_jobs``, how
            many of ours may be at work; ``at_once``, how many S3 works on; ``held_by_ours`` and
            ``held_by_others`` of those; and ``errors``.
        """
        errors: list[str] = []
        at, queue, jobs = moment(), Queue(), list[Listed]()
        try:
            queue = Queue.read(self._reports)
            if not self._catch_up(queue):
                errors.append("there was no time to read every record")
        except (BotoCoreError, ClientError) as error:
            errors.append(f"queue: {error}")
        try:
            jobs = listed(self.clients.source_control, self.settings.source_account_id)
        except (BotoCoreError, ClientError) as error:
            errors.append(f"jobs: {error}")
        by_id = {job.id: job for job in jobs}
        rows = [
            _row_of(name, queue.jobs[name], by_id.get(queue.jobs[name].id))
            for name in queue.jobs
            if name not in queue.entries
        ]
        places = {entry.bucket: place for place, entry in enumerate(queue.in_order(at), 1)}
        rows += [
            _row_of_waiting(entry, places.get(name, 0), queue.jobs.get(name))
            for name, entry in queue.entries.items()
        ]
        at_work = [job for job in jobs if job.holds_a_place]
        ours = sum(job.is_ours for job in at_work)
        return {
            "active_jobs": self.settings.active_jobs,
            "at_once": AT_ONCE,
            "held_by_ours": ours,
            "held_by_others": len(at_work) - ours,
            "jobs": sorted(rows, key=lambda row: str(row["bucket"])),
            "errors": errors,
        }

    @property
    def _reports(self) -> ReportsBucket:
        settings = self.settings
        return ReportsBucket(
            self.clients.source_s3, settings.reports_bucket, settings.source_account_id
        )

    @cached_property
    def _places(self) -> Places:
        settings = self.settings
        return Places(
            self._reports,
            self.clients.source_control,
            settings.source_account_id,
            settings.active_jobs,
        )

    def _catch_up(self, queue: Queue) -> bool:
        """Read the records that changed since the queue was written; False if time ran out."""
        names = set()
        for name, etag in self._reports.remembered():
            names.add(name)
            if queue.seen.get(name) == etag:
                continue
            if self._read.get(name, ("", None))[0] != etag:
                if self.budget.remaining() < _TIME_TO_END:
                    return False
                self._read[name] = self._record(name, etag)
            queue.seen[name], record = self._read[name]
            if record:
                queue.note(name, record)
            else:
                queue.forget(name)
        for name in queue.seen.keys() - names:
            del queue.seen[name]
            queue.forget(name)
            queue.missed.pop(name, None)
        return True

    def _record(self, bucket: str, etag: str) -> tuple[str, Record | None]:
        response = self._reports.read_record(bucket)
        if response is None:
            return etag, None
        try:
            record = Record.from_json(response["Body"].read().decode())
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            return etag, None  # the bucket's next check begins a new one
        is_ours = record.module in ("", self.settings.module_name)
        return response["ETag"], record if is_ours else None

    def _switch(self, *, on: bool) -> None:
        """Switch the schedule by which this runs."""
        events, rule = self.clients.source_events, self.settings.jobs_rule
        if rule and on:
            events.enable_rule(Name=rule)
        elif rule:
            events.disable_rule(Name=rule)

    def _stop_ticking(self) -> None:
        """Switch the schedule off, and look once more.

        A bucket that began to wait a moment ago relied on the schedule being on: its record was
        written before it looked, so it is seen here.
        """
        self._switch(on=False)
        queue = Queue.read(self._reports)
        if not self._catch_up(queue) or queue.waits:
            self._switch(on=True)
            self._places.note_waiting(None, is_ticking=True)

    def _ask(self, buckets: list[str]) -> None:
        """Have buckets checked by the function that makes their jobs; nobody waits for it.

        Raises:
            TurnsError: naming those for which Lambda did not take it.
        """
        refused = [f"{name}: {error}" for name in buckets for error in self._errors_of(name)]
        if refused:
            raise TurnsError(f"{len(refused)} checks could not be asked for: {'; '.join(refused)}")

    def _errors_of(self, bucket: str) -> Iterator[str]:
        event = {
            "source": SOURCE,
            "detail-type": Wish.CHECK,
            # With it nobody waits for an answer, so an error is raised and tried again.
            "account": self.settings.source_account_id,
            "detail": {"bucket": bucket},
        }
        try:
            self.clients.source_functions.invoke(
                FunctionName=self.settings.enable_replication_arn,
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )
        except (BotoCoreError, ClientError) as error:
            yield str(error)


def _moved(queue: Queue, jobs: list[Listed]) -> Iterator[str]:
    """The buckets whose record does not know yet what became of their job, or of its making."""
    by_id = {job.id: job for job in jobs}
    for bucket, job in queue.jobs.items():
        found = by_id.get(job.id)
        if job.ended_at:
            continue
        has_ended = found is None
        is_counted = found is not None and found.is_parked and job.status != "Suspended"
        is_of_another = found is not None and job.mark not in ("", found.mark)
        if has_ended or is_counted or is_of_another:
            yield bucket
    marks = {(job.bucket, job.mark) for job in jobs}
    for bucket, entry in queue.entries.items():
        # Made by a function that could not note it any more.
        if not entry.job and (bucket, entry.mark) in marks:
            yield bucket


def _row_of(bucket: str, job: Followed, found: Listed | None) -> dict[str, Any]:
    status = found.status if found else job.status
    # What completed and is followed left objects behind.
    word = "failed" if status == "Complete" else word_of(status)
    return {
        "bucket": bucket,
        "status": word,
        "place": 0,
        "kind": job.kind,
        "since": job.ended_at or job.since,
        "not_before": "",
        "is_large": job.is_large or bool(found and found.total > LARGE),
        "job": job.id,
        "total": found.total if found else job.total,
        "succeeded": found.succeeded if found else job.succeeded,
        "failed": found.failed if found else job.failed,
    }


def _row_of_waiting(entry: Entry, place: int, job: Followed | None) -> dict[str, Any]:
    return {
        "bucket": entry.bucket,
        "status": "queued" if place else "scheduled",
        "place": place,
        "kind": entry.kind,
        "since": entry.since,
        "not_before": entry.not_before,
        "is_large": entry.is_large,
        "job": entry.job,
        "total": job.total if job and entry.job else 0,
        "succeeded": 0,
        "failed": 0,
    }
