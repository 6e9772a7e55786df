"""The jobs of an installation, as its sweep sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any

from .advice import command
from .backfill import needs_a_person, number
from .errors import FunctionFailed, Refused
from .module import JOBS, SWEEP, Module, function_name

# How the sweep of an installation that is older than the queue refuses the question.
NOT_KNOWN = "not something that a sweep does"

Job = dict[str, Any]


class Status(StrEnum):
    """How a job stands, in the order in which a person wants to read of it."""

    RUNNING = "running"
    PREPARING = "preparing"
    PAUSED = "paused"  # S3 works on others first
    WAITING = "waiting"  # for a person's yes
    FAILED = "failed"
    CANCELLED = "cancelled"
    QUEUED = "queued"
    SCHEDULED = "scheduled"  # its rule is too young


_ORDER = {str(status): rank for rank, status in enumerate(Status)}


@dataclass(frozen=True)
class Jobs:
    """What the sweep sees without changing anything.

    Attributes:
        answer: the answer as it is.
        jobs: one for each bucket that has one or waits for one: at work first, then what needs a
            person, the queue by its places, and what is scheduled.
        errors: what could not be found out; there may then be more jobs than are named.
    """

    answer: Mapping[str, Any]
    jobs: Sequence[Job]
    errors: Sequence[str]

    @property
    def is_well(self) -> bool:
        """Whether nothing needs a person, and all was found out."""
        return not self.errors and not any(map(needs_a_person, self.jobs))


def look(module: Module) -> Jobs:
    """Let the sweep look at all jobs.

    Raises:
        Refused: the installation is older than the question.
        FunctionFailed: the sweep ended with an error, or answered something else.
    """
    try:
        answer = module.ask(SWEEP, JOBS)
    except FunctionFailed as error:
        if NOT_KNOWN not in error.message:
            raise
        raise Refused(
            f"The functions of {module.name} are older than this command and have no queue of "
            f"jobs: apply the module's version of this command. {command('status')} shows each "
            "bucket's job."
        ) from error
    jobs = answer.get("jobs")
    if not isinstance(jobs, list):
        name = function_name(module.name, SWEEP)
        raise FunctionFailed(name, "UNEXPECTED_ANSWER", "it names no jobs")
    found = [dict(each) for each in jobs if isinstance(each, Mapping)]
    errors = [str(each) for each in answer.get("errors") or []]
    return Jobs(answer, sorted(found, key=_rank), errors)


def _rank(job: Job) -> tuple[int, float, str, str, str]:
    """Within a status, by place; where there is none, what waits longest comes first."""
    not_before, since, bucket = (
        str(job.get(key) or "") for key in ("not_before", "since", "bucket")
    )
    rank = _ORDER.get(str(job.get("status")), len(_ORDER))
    return rank, number(job, "place") or inf, not_before, since, bucket
