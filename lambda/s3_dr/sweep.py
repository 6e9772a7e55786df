"""The sweep: every bucket that has, had or should have a twin is checked again.

It only finds the buckets, with a few paged queries, and asks for a check of each. So whatever an
event missed is healed, and a bucket that nobody tagged costs nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from . import trail
from .aws import Budget, Clients, error_code, error_name
from .events import SOURCE, SweepRequest, Wish
from .naming import is_bucket_name
from .outcomes import Outcome, Reason
from .reports_bucket import SWEEP_CURSOR, ReportsBucket
from .settings import Settings
from .tags import MANAGER_TAG, SOURCE_TAG
from .turns import Turns, TurnsError

_BATCH = 10  # entries that PutEvents takes at once
_TRIES = 5
_RELEASED_AT_ONCE = 20
_TIME_FOR_ONE_RELEASE = 60.0  # seconds kept for the buckets that are being released
_TIME_TO_END = 20.0
_SPREADING = 10.0  # seconds until what was made a moment ago is known, most times
NAMED = 100  # so many names stand in a log record, of which CloudWatch takes 256 KB


class SweepError(Exception):
    """The sweep did what it could, and it was not all."""


@dataclass
class Finding:
    """What a sweep found.

    Attributes:
        tagged: the buckets that ask for protection, by the tagging API.
        twins: each twin of ours, and the source that its mark names.
        there: the buckets of the source region that exist; None where S3 would not say.
        remembered: the buckets of which there is a record.
        errors: what could not be found out.
    """

    tagged: set[str] = field(default_factory=set)
    twins: dict[str, str] = field(default_factory=dict)
    there: set[str] | None = None
    remembered: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    @property
    def to_check(self) -> list[str]:
        """The names of the buckets to check, in order."""
        known = set(self.twins.values()) | self.remembered
        return sorted(self.tagged | (known if self.there is None else known & self.there))

    @property
    def orphans(self) -> list[dict[str, str]]:
        """Twins to which nothing is copied, and why."""
        return [
            {"twin": twin, "source": source, "reason": self._why(source)}
            for twin, source in sorted(self.twins.items())
            if source not in self.tagged
        ]

    def _why(self, source: str) -> str:
        if self.there is None:
            return "UNKNOWN"
        return "SOURCE_UNTAGGED" if source in self.there else "SOURCE_GONE"


@dataclass
class Sweep:
    """One sweep.

    Attributes:
        sleep: waits that many seconds.
        clock: tells seconds.
    """

    settings: Settings
    clients: Clients
    budget: Budget
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    @property
    def reports_bucket(self) -> ReportsBucket:
        """Where the records are."""
        settings = self.settings
        return ReportsBucket(
            self.clients.source_s3, settings.reports_bucket, settings.source_account_id
        )

    @property
    def turns(self) -> Turns:
        """The queue for jobs."""
        return Turns(self.settings, self.clients, self.budget)

    def run(self) -> dict[str, Any]:
        """Ask for a check of every bucket; a sweep that was ended by its time goes on there.

        Returns:
            ``outcome``, the numbers of ``buckets`` and of those ``sent`` now, ``orphans``,
            ``trail``, and ``continued``: whether the rest is left to a sweep that was asked for.

            What could not be found out or asked for makes it ``failed``, when all else was done.

        Raises:
            SweepError: there was no time, or EventBridge would not take the request to go on.
            BotoCoreError, ClientError: where it stopped could not be kept.
        """
        seen = trail.look(self.clients.source_cloudtrail, self.settings.source_region)
        found = self.find()
        after = self._read_cursor(found.errors)
        names = [name for name in found.to_check if name > after]
        sent, last = self._send(names, found.errors)
        is_over = sent == len(names)
        if not (sent or is_over):
            raise SweepError("there was no time to ask for a single check")
        self._remember(after, "" if is_over else last)
        try:
            self.turns.give(in_any_case=True)
        except (BotoCoreError, ClientError, TurnsError) as error:
            found.errors.append(f"jobs: {error}")
        if not is_over:
            self.ask()
        report = {
            "outcome": Outcome.SWEPT,
            "buckets": len(found.to_check),
            "sent": sent,
            "continued": not is_over,
            "orphans": found.orphans,
            "trail": seen,
        }
        if seen["status"] == trail.MISSING:
            report |= {
                "outcome": Outcome.BLOCKED,
                "reason": Reason.NO_TRAIL,
                "remedy": seen["detail"],
            }
        if found.errors:
            report |= {
                "outcome": Outcome.FAILED,
                "reason": SweepError.__name__,
                "detail": "; ".join(found.errors),
            }
        return report

    def look(self) -> dict[str, Any]:
        """What a sweep would find.

        Returns:
            ``buckets`` that are tagged, ``released`` ones that are not or not any more,
            ``orphans``, ``trail`` and ``errors``.
        """
        found = self.find()
        return {
            "buckets": sorted(found.tagged),
            "orphans": found.orphans,
            "released": sorted(set(found.to_check) - found.tagged),
            "trail": trail.look(self.clients.source_cloudtrail, self.settings.source_region),
            "errors": found.errors,
        }

    def ask(self) -> None:
        """Ask for a sweep, which is then not waited for."""
        self._put([self._entry(Wish.SWEEP, {})])

    def ask_after_an_apply(self) -> None:
        """Ask for a sweep when rules and roles may be moments old, and not be known everywhere."""
        self.sleep(_SPREADING)
        self.budget.settle(lambda: self.set_leaving(False), _is_denied)
        self.budget.settle(self.ask, _is_denied)

    def set_leaving(self, is_leaving: bool) -> None:
        """Say, or say no more, that a destroy lets the buckets go: no rule is put meanwhile."""
        try:
            self.reports_bucket.set_leaving(is_leaving)
        except ClientError as error:
            # Without the bucket no function can remember anything; buckets are let go all the same.
            if not is_leaving or error_code(error) != "NoSuchBucket":
                raise

    def release_all(self) -> dict[str, Any]:
        """Take our rule off every bucket that may have it, before its role is gone.

        Returns:
            ``released``, how many there were.

        Raises:
            SweepError: naming the buckets on which it is still, or may be.
        """
        found = self.find()
        errors = [error for error in found.errors if "(NoSuchBucket)" not in error]
        left = [{"bucket": "", "reason": error} for error in errors]
        released, names = 0, iter(found.to_check)
        while batch := list(islice(names, _RELEASED_AT_ONCE)):
            if self.budget.remaining() < _TIME_FOR_ONE_RELEASE:
                left += [{"bucket": name, "reason": "OUT_OF_TIME"} for name in [*batch, *names]]
                break
            for result in self._release(batch):
                if result["outcome"] == Outcome.RELEASED:
                    released += 1
                elif result["outcome"] != Outcome.IGNORED:
                    named = ("bucket", "reason", "remedy")
                    left.append({name: str(result.get(name, "")) for name in named})
        if left:
            left.sort(key=lambda each: not each.get("remedy"))  # the one that is told is among them
            some = ", ".join(f"{each['bucket']} ({each['reason']})" for each in left[:NAMED])
            cures = (f"{each['remedy']}; then try again" for each in left if each.get("remedy"))
            cure = next(cures, "try again, or take the rules off by hand")
            raise SweepError(
                f"{released} buckets were released and {len(left)} were not: {some}; {cure}"
            )
        return {"outcome": Outcome.RELEASED, "released": released, "left": []}

    def leave(self) -> dict[str, Any]:
        """Take our rule off every bucket for good: the module is being destroyed.

        Raises:
            SweepError: as of `release_all`.
        """
        try:
            self.set_leaving(True)
        except (BotoCoreError, ClientError) as error:
            raise SweepError(
                "no bucket was released: the reports bucket took no note that they are let go, so "
                f"checks could put rules back: {error}; let the sweep write there, then try again"
            ) from error
        first = self.release_all()
        # What was under way, and came before that was said, may have put a rule meanwhile.
        self.sleep(_SPREADING)
        second = self.release_all()
        return {**second, "released": first["released"] + second["released"]}

    def find(self) -> Finding:
        """Find the buckets; what cannot be found out does not stop the rest."""
        found = Finding()
        for what in (self._find_tagged, self._find_twins, self._find_there, self._find_remembered):
            try:
                what(found)
            except (BotoCoreError, ClientError) as error:
                found.errors.append(f"{what.__name__.removeprefix('_find_')}: {error}")
        return found

    def _find_tagged(self, found: Finding) -> None:
        for profile in self.settings.profiles:
            for tags in profile.match_tags:
                filters = [{"Key": key, "Values": [text]} for key, text in tags.items()]
                for name, carried in _tagged(self.clients.source_tagging, filters):
                    if SOURCE_TAG not in carried:
                        found.tagged.add(name)

    def _find_twins(self, found: Finding) -> None:
        # A twin that somebody made by hand has no manager.
        ours = self.settings.module_name
        for name, carried in _tagged(self.clients.dr_tagging, [{"Key": SOURCE_TAG}]):
            if is_bucket_name(carried[SOURCE_TAG]) and carried.get(MANAGER_TAG, ours) == ours:
                found.twins[name] = carried[SOURCE_TAG]

    def _find_there(self, found: Finding) -> None:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
        pages = self.clients.source_s3.get_paginator("list_buckets").paginate(
            BucketRegion=self.settings.source_region, PaginationConfig={"PageSize": 1000}
        )
        found.there = {bucket["Name"] for page in pages for bucket in page.get("Buckets", [])}

    def _find_remembered(self, found: Finding) -> None:
        for name, _ in self.reports_bucket.remembered():
            found.remembered.add(name)

    def _send(self, names: list[str], errors: list[str]) -> tuple[int, str]:
        """Ask for the checks, no faster than is wanted; how many had their turn, and the last."""
        sent, pause = 0, _BATCH / self.settings.sweep_buckets_per_second
        while sent < len(names) and self.budget.remaining() > _TIME_TO_END + pause:
            began, batch = self.clock(), names[sent : sent + _BATCH]
            try:
                self._put([self._entry(Wish.CHECK, {"bucket": name}) for name in batch])
            except (BotoCoreError, ClientError, SweepError) as error:
                errors.append(str(error))
            sent += len(batch)
            if sent < len(names):
                self.sleep(max(0.0, pause - (self.clock() - began)))
        return sent, names[sent - 1] if sent else ""

    def _put(self, entries: list[dict[str, Any]]) -> None:
        """Hand entries to EventBridge, which may take some of them and not others.

        Raises:
            SweepError: it would not take some of them.
        """
        for delay in (*self._delays(), None):
            answer = self.clients.source_events.put_events(Entries=entries)  # type: ignore[arg-type]
            results = zip(entries, answer["Entries"], strict=True)
            refused = [(entry, result) for entry, result in results if "ErrorCode" in result]
            entries = [entry for entry, _ in refused]
            if not entries:
                return
            if delay is None:
                break
            self.sleep(delay)
        code = refused[0][1]["ErrorCode"]
        raise SweepError(f"EventBridge refused {len(entries)} of a sweep's events: {code}")

    def _delays(self) -> Iterator[float]:
        return islice(self.budget.delays(30.0), _TRIES)

    def _entry(self, wish: Wish, detail: dict[str, Any]) -> dict[str, Any]:
        return {"Source": SOURCE, "DetailType": wish, "Detail": json.dumps(detail)}

    def _release(self, names: list[str]) -> list[dict[str, Any]]:
        event = {"source": SOURCE, "detail-type": Wish.RELEASE, "detail": {"buckets": names}}
        try:
            answer = self.clients.source_functions.invoke(
                FunctionName=self.settings.enable_replication_arn,
                Payload=json.dumps(event).encode(),
            )
            told = json.loads(answer["Payload"].read())
        except (BotoCoreError, ClientError) as error:
            return _failed(names, error_name(error))
        if "FunctionError" in answer:
            return _failed(names, str(told.get("errorMessage", told))[:200])
        results: list[dict[str, Any]] = told["results"]
        return results

    def _read_cursor(self, errors: list[str]) -> str:
        """The last bucket of a sweep that stopped for want of time; empty if it did not."""
        try:
            response = self.reports_bucket.read(SWEEP_CURSOR)
            after = json.loads(response["Body"].read()).get("after", "") if response else ""
            if not isinstance(after, str):
                raise TypeError("after is no name")
        except (BotoCoreError, ClientError) as error:
            errors.append(f"cursor: {error}")
        except (AttributeError, RecursionError, TypeError, ValueError) as error:
            errors.append(f"cursor: {error!r}")
        else:
            return after
        return ""

    def _remember(self, before: str, after: str) -> None:
        if after != before:
            text = json.dumps({"after": after} if after else {})
            self.reports_bucket.write(SWEEP_CURSOR, text)


def _is_denied(error: ClientError) -> bool:
    """Whether IAM says no, which it may for some moments after a role was made."""
    return error_code(error) in ("AccessDenied", "AccessDeniedException")


def _failed(names: list[str], reason: str) -> list[dict[str, Any]]:
    return [{"outcome": Outcome.FAILED, "bucket": name, "reason": reason} for name in names]


def do(work: Sweep, request: SweepRequest) -> dict[str, Any]:
    """Do what is asked for.

    Returns:
        The report; its ``outcome`` may be `Outcome.FAILED`. It is empty where nothing was done.

    Raises:
        SweepError: something could not be found out or done, and there is no report.
    """
    wish = request.wish
    if wish == Wish.LOOK:
        return work.look()
    if wish == Wish.JOBS:
        return work.turns.look()
    if wish == Wish.TURNS:
        return work.turns.give(by_schedule=request.by_schedule)
    if wish == Wish.RELEASE_ALL:
        # Terraform tells when it makes or changes the resource, too: only its end is the end.
        if request.action in ("create", "update"):
            return {}
        return work.leave() if request.action == "delete" else work.release_all()
    if wish != Wish.SWEEP:
        said = wish[:200] if isinstance(wish, str) else type(wish).__name__
        raise SweepError(f"not something that a sweep does: {said!r}")
    if request.action or not request.is_waited_for:
        work.ask_after_an_apply()
        return {}
    return work.run()


def _tagged(tagging: Any, filters: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, str]]]:
    """The buckets that carry all of these tags, each with all its tags.

    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    pages = tagging.get_paginator("get_resources").paginate(
        ResourceTypeFilters=["s3:bucket"], TagFilters=filters, ResourcesPerPage=100
    )
    for page in pages:
        for item in page["ResourceTagMappingList"]:
            name = item["ResourceARN"].rpartition(":::")[2]
            if is_bucket_name(name):
                yield name, {tag["Key"]: tag["Value"] for tag in item["Tags"]}
