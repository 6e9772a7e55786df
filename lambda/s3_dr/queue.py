"""The queue for jobs: who waits, in which order, and whose turn it is.

Who waits is told by the records of the buckets. The queue is one object beside them: what was read
of each record, by its ETag, and the turns that were given. It is written on the condition that
nobody else has written it, so no two functions give the same place away. What installations with
other queues do is seen in the list of jobs; see `jobs.token_of` for when two of them are at it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from .jobs import (
    AT_ONCE,
    ENDED,
    KINDS,
    LARGE,
    Listed,
    described,
    kind_of,
    last_in,
    listed,
    mark_of,
)
from .record import Record
from .reports_bucket import QUEUE, ReportsBucket, is_conflict

# Whoever has a turn uses it at once, or not at all: its place is given away after that.
_TURN_IS_GOOD, _TURN_IS_OVER = timedelta(minutes=2), timedelta(minutes=4)
# A job that S3 neither lists nor describes for so long it does not know.
_TURN_IS_FORGOTTEN = timedelta(hours=1)
# A bucket that let its turn pass, since something is wrong with it, waits longer and longer.
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=5), timedelta(days=1)
# A check that was asked for takes its time; each end of a job would ask for it again.
_ASKED_AGAIN = timedelta(minutes=2)
_PASSES = 5
_MAPS = ("seen", "entries", "jobs", "turns", "missed", "last", "asked")


class Conflict(Exception):
    """Somebody else wrote the queue meanwhile."""


@dataclass(frozen=True)
class Entry:
    """A bucket that waits for its job.

    Attributes:
        bucket: the source bucket.
        mark: for which gap; see `jobs.mark_of`.
        kind: one of `jobs.KINDS`.
        since: when it began to wait, ISO 8601 as all times here.
        not_before: when its job may begin at the earliest; empty if that does not matter.
        is_large: it leaves half of the places to others.
        job: a job that is there and was parked; empty if one is to be made.
        place: the only place that such a job can have; None where any will do.
        begun: a job may have been asked for already.
    """

    bucket: str
    mark: str
    kind: str
    since: str
    not_before: str = ""
    is_large: bool = False
    job: str = ""
    place: int | None = None
    begun: bool = False

    @classmethod
    def of(cls, bucket: str, record: Record) -> Entry | None:
        """How the bucket waits, by its record; None if it does not."""
        gap, job = record.waiting, record.job
        if gap:
            mark, kind = mark_of(bucket, gap), kind_of(gap)
            return cls(
                bucket, mark, kind, gap.since, gap.not_before, gap.is_large, begun=bool(gap.begun)
            )
        if job and job.since and not job.ended_at:
            place = job.place if job.place >= 0 else None
            mark, is_large = mark_of(bucket, job.gap), job.total > LARGE
            kind = kind_of(job.gap)
            since = job.gap.since or job.since  # it has waited before it was counted, too
            return cls(bucket, mark, kind, since, "", is_large, job.id, place)
        return None

    def is_due(self, at: datetime) -> bool:
        """Whether its job may begin."""
        return not self.not_before or datetime.fromisoformat(self.not_before) <= at


@dataclass(frozen=True)
class Turn:
    """A place that a bucket may take now.

    Attributes:
        bucket: whose turn it is.
        mark: for which gap.
        at: when it was given.
        job: the job that took the place, or is to take it; empty as long as none is known.
        is_parked: that job is there already, and is to be let go on.
        is_large: it leaves half of the places to others.
    """

    bucket: str
    mark: str
    at: str
    job: str = ""
    is_parked: bool = False
    is_large: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is yet to be used, as far as is known."""
        return self.is_parked or not self.job

    def age(self, at: datetime) -> timedelta:
        """How long ago it was given."""
        return at - datetime.fromisoformat(self.at)


@dataclass(frozen=True)
class Missed:
    """How often a bucket let its turn pass, for which gap, and until when it gets no other."""

    mark: str
    times: int
    until: str


@dataclass(frozen=True)
class Followed:
    """The last job of a bucket, by its record, that runs, is parked, or ended badly."""

    id: str
    mark: str
    kind: str
    status: str
    since: str
    ended_at: str
    is_large: bool
    parks: bool
    total: int
    succeeded: int
    failed: int

    @classmethod
    def of(cls, bucket: str, record: Record) -> Followed | None:
        """None if there is no such job."""
        job = record.job
        if job is None or (job.ended_at and (job.is_done or job.status == "Unknown")):
            return None
        return cls(
            job.id,
            mark_of(bucket, job.gap) if job.place >= 0 else "",
            kind_of(job.gap),
            job.status,
            job.created_at,
            job.ended_at,
            job.gap.is_large or job.total > LARGE,
            job.parks,
            job.total,
            job.succeeded,
            job.failed,
        )


@dataclass
class Queue:
    """The queue as it was read, and as it is to be written.

    Attributes:
        seen: the ETag of each record that was read.
        entries: who waits, by bucket.
        jobs: what is to be followed or told, by bucket.
        turns: who has which place.
        missed: who let a turn pass.
        last: the last job that had each place, as far as is known.
        asked: when buckets were asked what became of their job, if that was a moment ago.
        is_ticking: the schedule was switched on, and is not known to have been switched off.
    """

    seen: dict[str, str] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    jobs: dict[str, Followed] = field(default_factory=dict)
    turns: dict[int, Turn] = field(default_factory=dict)
    missed: dict[str, Missed] = field(default_factory=dict)
    last: dict[int, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    is_ticking: bool = False
    etag: str = ""

    @classmethod
    def read(cls, reports: ReportsBucket) -> Queue:
        """Read the queue; one that cannot be understood is begun anew, out of the records.

        Raises:
            BotoCoreError, ClientError: it could not be read.
        """
        response = reports.read(QUEUE)
        if response is None:
            return cls()
        try:
            queue = cls._from_json(response["Body"].read().decode())
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            queue = cls()
        queue.etag = response["ETag"]
        return queue

    @classmethod
    def _from_json(cls, text: str) -> Queue:
        data = json.loads(text)
        queue = cls(
            {**data["seen"]},
            {key: Entry(**each) for key, each in data["entries"].items()},
            {key: Followed(**each) for key, each in data["jobs"].items()},
            {int(key): Turn(**each) for key, each in data["turns"].items()},
            {key: Missed(**each) for key, each in data["missed"].items()},
            {int(key): str(each) for key, each in data["last"].items()},
            {**data["asked"]},
            data["is_ticking"] is True,
        )
        queue._require_sound()
        return queue

    def _require_sound(self) -> None:
        """Make sure that every value is one that can be worked with.

        Raises:
            TypeError, ValueError: one is not.
        """
        for entry in self.entries.values():
            KINDS.index(entry.kind)
        times = [entry.since for entry in self.entries.values()]
        times += [entry.not_before for entry in self.entries.values() if entry.not_before]
        times += [turn.at for turn in self.turns.values()]
        times += [missed.until for missed in self.missed.values()]
        for moment in [*times, *self.asked.values()]:
            if datetime.fromisoformat(moment).tzinfo is None:
                raise ValueError(f"{moment} is no moment")

    def as_dict(self) -> dict[str, Any]:
        """What is written."""
        # Not by `asdict`, which takes ten times as long, at each write of a queue of hundreds.
        parts = {name: getattr(self, name) for name in _MAPS}
        flat = {
            name: {key: getattr(each, "__dict__", each) for key, each in part.items()}
            for name, part in parts.items()
        }
        return {**flat, "is_ticking": self.is_ticking}

    def save(self, reports: ReportsBucket) -> None:
        """Write the queue.

        Raises:
            Conflict: somebody else has written it.
            BotoCoreError, ClientError: anything else S3 answers.
        """
        condition = {"IfMatch": self.etag} if self.etag else {"IfNoneMatch": "*"}
        try:
            response = reports.write(QUEUE, json.dumps(self.as_dict()), **condition)
        except ClientError as error:
            if is_conflict(error):
                raise Conflict from error
            raise
        self.etag = response["ETag"]

    @property
    def waits(self) -> bool:
        """Whether there is anything that a tick is needed for."""
        is_counted = (
            job.parks and job.status in ("New", "Preparing") and not job.ended_at
            for job in self.jobs.values()
        )
        is_open = (turn.is_open for turn in self.turns.values())
        return bool(self.entries) or any(is_open) or any(is_counted)

    # --- the order

    def note(self, bucket: str, record: Record) -> None:
        """Have the queue say of a bucket what its record says."""
        entry, job = Entry.of(bucket, record), Followed.of(bucket, record)
        self.forget(bucket)
        if entry:
            self.entries[bucket] = entry
        if job:
            self.jobs[bucket] = job

    def forget(self, bucket: str) -> None:
        """Have the queue say nothing of a bucket."""
        self.entries.pop(bucket, None)
        self.jobs.pop(bucket, None)

    def in_order(self, at: datetime) -> list[Entry]:
        """Who waits for a place, the next one first."""
        due = (entry for entry in self.entries.values() if entry.is_due(at))
        return sorted(due, key=lambda entry: self._rank(entry, at))

    def _rank(self, entry: Entry, at: datetime) -> tuple[bool, int, int, str, str]:
        return (
            self._is_kept_back(entry, at),
            self._times_missed(entry),
            KINDS.index(entry.kind),
            entry.since,
            entry.bucket,
        )

    def _is_kept_back(self, entry: Entry, at: datetime) -> bool:
        if not self._times_missed(entry):
            return False
        return datetime.fromisoformat(self.missed[entry.bucket].until) > at

    def _times_missed(self, entry: Entry) -> int:
        missed = self.missed.get(entry.bucket)
        return missed.times if missed and missed.mark == entry.mark else 0

    def position(self, bucket: str, at: datetime) -> tuple[int, int]:
        """Where a bucket stands in the queue, from 1, and how many wait; 0 if it is not there."""
        names = [entry.bucket for entry in self.in_order(at)]
        return (names.index(bucket) + 1 if bucket in names else 0), len(names)

    # --- the turns

    def turn_of(self, entry: Entry, at: datetime) -> int | None:
        """The place that the bucket may take now, if it was given one a moment ago."""
        for place, turn in self.turns.items():
            is_its = turn.bucket == entry.bucket and turn.is_parked == bool(entry.job)
            if is_its and turn.is_open and turn.age(at) < _TURN_IS_GOOD:
                return place
        return None

    def end_turns(
        self, jobs: Collection[Listed], has_ended: Callable[[str], bool], at: datetime
    ) -> None:
        """End the turns that are over, by what S3 lists.

        Args:
            jobs: all that have not ended, as far as S3 lists them yet.
            has_ended: whether a job that is not among them has ended.
            at: this moment.
        """
        by_mark = {(job.bucket, job.mark): job for job in jobs if job.mark}
        by_id = {job.id: job for job in jobs}
        for place, turn in [*self.turns.items()]:
            found = by_id.get(turn.job) or by_mark.get((turn.bucket, turn.mark))
            is_late = turn.age(at) >= _TURN_IS_OVER
            if turn.is_open and _is_taken(place, turn, jobs):
                # By another installation, or for an older gap. The turn was for what comes after
                # the job before that.
                del self.turns[place]
            elif found and not found.is_parked:
                self.turns[place] = replace(turn, job=found.id, is_parked=False)
            elif found and not turn.is_parked:
                self._end(place)  # counted, and parked
            elif (
                not found
                and turn.job
                and (turn.age(at) >= _TURN_IS_FORGOTTEN or has_ended(turn.job))
            ):
                self._end(place)
            elif is_late and turn.is_open:
                self._end(place)
                self._miss(turn, at)
        for place in range(AT_ONCE):
            # Behind a parked one there may have been others.
            if newest := last_in(place, (job for job in jobs if not job.is_parked)):
                self.last[place] = newest.id

    def have_turns(self, at: datetime) -> list[str]:
        """The buckets that may take a place now."""
        turns = (turn for turn in self.turns.values() if turn.is_open)
        return [turn.bucket for turn in turns if turn.age(at) < _TURN_IS_GOOD]

    def ask(self, buckets: Iterable[str], at: datetime) -> list[str]:
        """Those of the buckets that were not asked a moment ago; now they are."""
        recent = {
            bucket: moment
            for bucket, moment in self.asked.items()
            if at - datetime.fromisoformat(moment) < _ASKED_AGAIN
        }
        due = [bucket for bucket in dict.fromkeys(buckets) if bucket not in recent]
        self.asked = {**recent, **dict.fromkeys(due, at.isoformat())}
        return due

    def _end(self, place: int) -> None:
        turn = self.turns.pop(place)
        if turn.job and not turn.is_parked:
            self.missed.pop(turn.bucket, None)

    def _miss(self, turn: Turn, at: datetime) -> None:
        before = self.missed.get(turn.bucket)
        times = before.times + 1 if before and before.mark == turn.mark else 1
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 4 ** min(times - 1, 9))
        self.missed[turn.bucket] = Missed(turn.mark, times, (at + wait).isoformat())

    def give(
        self, jobs: Collection[Listed], active_jobs: int, at: datetime
    ) -> Iterator[tuple[int, Entry]]:
        """Give free places to who is next; `end_turns` comes first.

        Args:
            jobs: all that have not ended.
            active_jobs: how many of ours may be at work.
            at: this moment.
        """
        free, room = self._room(jobs, active_jobs)
        # A bucket has one job at work at a time.
        busy = {turn.bucket for turn in self.turns.values()}
        busy |= {job.bucket for job in jobs if job.is_ours and not job.is_parked}
        at_work = {job.id for job in jobs if not job.is_parked}
        large = sum(job.is_large for job in jobs if job.is_ours and job.id in at_work)
        large += sum(turn.is_large for turn in self.turns.values() if turn.job not in at_work)
        half = max(1, active_jobs // 2)
        parked = Counter(job.place for job in jobs if job.is_parked)
        for entry in self.in_order(at):
            if room <= 0:
                return
            if entry.bucket in busy or self._is_kept_back(entry, at):
                continue
            # By their places they cannot be too many, but S3 may have counted more than was known.
            if entry.is_large and large >= half:
                continue
            place = _pick(entry, free, half, active_jobs, parked)
            if place is None:
                continue
            free.remove(place)
            room -= 1
            large += entry.is_large
            self.turns[place] = Turn(
                entry.bucket,
                entry.mark,
                at.isoformat(),
                entry.job,
                is_parked=bool(entry.job),
                is_large=entry.is_large,
            )
            yield place, entry

    def _room(self, jobs: Collection[Listed], active_jobs: int) -> tuple[list[int], int]:
        """Which places are free, and how many of them may be given away."""
        ours = [job for job in jobs if job.is_ours and not job.is_parked]
        known = {job.id for job in jobs if not job.is_parked}
        coming = [turn for turn in self.turns.values() if turn.job not in known]
        taken = {job.place for job in ours} | set(self.turns)
        free = [place for place in range(active_jobs) if place not in taken]
        if any(job.status in ("Pausing", "Paused") for job in ours):
            return free, 0  # S3 has no place for what there is
        at_work = sum(job.holds_a_place for job in jobs)
        return free, min(active_jobs - len(ours), AT_ONCE - at_work) - len(coming)


def _pick(
    entry: Entry, free: Collection[int], half: int, active_jobs: int, parked: Counter[int | None]
) -> int | None:
    """The place for a bucket.

    Large ones have the first half only, and others leave them that. Where jobs are parked, which
    can go on nowhere else, others go elsewhere.
    """
    if entry.place is not None and entry.place < active_jobs:
        return entry.place if entry.place in free else None
    if entry.is_large:
        large = (place for place in free if place < half)
        return min(large, key=lambda place: (parked[place], place), default=None)
    return min(free, key=lambda place: (parked[place], -place), default=None)


def _is_taken(place: int, turn: Turn, jobs: Iterable[Listed]) -> bool:
    """Whether a job is at work in a place for which it has no turn."""
    return any(
        job.place == place
        and not job.is_parked
        and (job.bucket, job.mark) != (turn.bucket, turn.mark)
        for job in jobs
    )


@dataclass(frozen=True)
class Places:
    """What a function needs to take a place for one bucket.

    Attributes:
        reports: where the queue is.
        control: S3 Control of the source region.
        owner: the source account.
        active_jobs: how many of ours may be at work.
    """

    reports: ReportsBucket
    control: Any
    owner: str
    active_jobs: int

    def take(self, entry: Entry, at: datetime) -> tuple[int | None, Queue]:
        """Take a place for a bucket that has a turn, or that none is before.

        Returns:
            The place, or None, and the queue: without the bucket, if it is not known there yet.

        Raises:
            BotoCoreError, ClientError: the queue cannot be read or written, or S3 does not say.
        """
        queue, is_known = Queue(), False
        for _ in range(_PASSES):
            queue = Queue.read(self.reports)
            is_known = entry.bucket in queue.entries
            queue.entries[entry.bucket] = entry
            # The queue may know a later record, and is to read that again.
            queue.seen.pop(entry.bucket, None)
            if not entry.begun:
                queue.missed.pop(entry.bucket, None)  # what was wrong with it is over
            is_near = queue.position(entry.bucket, at)[0] <= self.active_jobs
            if not entry.is_due(at) or not (is_near or queue.turn_of(entry, at) is not None):
                break  # a tick tells it when it is
            jobs = self.listed(queue, at)
            place = queue.turn_of(entry, at)
            if place is not None:
                return place, queue
            place = self._give_it(entry.bucket, queue, jobs, at)
            if place is None:
                break
            with suppress(Conflict):
                queue.save(self.reports)
                return place, queue
        if not is_known:
            queue.entries.pop(entry.bucket, None)
        return None, queue

    def _give_it(self, bucket: str, queue: Queue, jobs: list[Listed], at: datetime) -> int | None:
        """The place that a bucket gets, if it gets one; the others are not told of theirs here."""
        given = {entry.bucket: place for place, entry in self.give(queue, jobs, at)}
        for other, place in given.items():
            if other != bucket:
                del queue.turns[place]
        return given.get(bucket)

    def listed(self, queue: Queue, at: datetime) -> list[Listed]:
        """End the turns that are over; the jobs that have not ended."""
        jobs = listed(self.control, self.owner)
        queue.end_turns(jobs, self._has_ended, at)
        return jobs

    def give(self, queue: Queue, jobs: list[Listed], at: datetime) -> list[tuple[int, Entry]]:
        """Give the queue's free places to who is next; it is not saved."""
        return list(queue.give(jobs, self.active_jobs, at))

    def note_job(self, bucket: str, place: int, job: str) -> None:
        """Remember which job has a place; else the list of jobs tells, a little later."""

        def change(queue: Queue) -> None:
            turn = queue.turns.get(place)
            if turn and turn.bucket == bucket:
                queue.turns[place] = replace(turn, job=job, is_parked=False)
            queue.last[place] = job
            queue.entries.pop(bucket, None)

        self._change(change)

    def give_back(self, bucket: str, place: int, last: str = "") -> None:
        """Leave the place to others.

        Args:
            bucket: whose turn it was.
            place: the place.
            last: the job that has or had it, if that was found out; empty if not.
        """

        def change(queue: Queue) -> None:
            turn = queue.turns.get(place)
            if turn and turn.bucket == bucket and turn.is_open:
                del queue.turns[place]
            if last:
                queue.last[place] = last

        self._change(change)

    def give_up(self, bucket: str) -> None:
        """Leave the place of a bucket to others that cannot use its turn, if it has one."""
        turns = Queue.read(self.reports).turns
        for place, turn in turns.items():
            if turn.bucket == bucket and turn.is_open:
                self.give_back(bucket, place)

    def note_waiting(self, entry: Entry | None, *, is_ticking: bool) -> Queue:
        """Say that a bucket waits, if one does, and whether the schedule is on.

        What is lost to others who write at the same time a tick finds out.

        Returns:
            The queue: without the bucket, if that could not be said.
        """

        def change(queue: Queue) -> None:
            queue.is_ticking = queue.is_ticking or is_ticking
            if entry:
                queue.entries[entry.bucket] = entry
                queue.seen.pop(entry.bucket, None)  # it may know a later record

        queue = self._change(change, passes=2)
        if queue is None:
            return Queue.read(self.reports)
        return queue

    def _change(self, change: Callable[[Queue], None], passes: int = _PASSES) -> Queue | None:
        """Change the queue, unless others are at it again and again.

        What is lost then is found out by others: a turn ends by its age, a job is in S3's list.
        """
        for _ in range(passes):
            queue = Queue.read(self.reports)
            change(queue)
            with suppress(Conflict):
                queue.save(self.reports)
                return queue
        return None

    def _has_ended(self, job: str) -> bool:
        found = described(self.control, self.owner, job)
        return bool(found) and found["Status"] in ENDED
