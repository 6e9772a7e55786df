"""Cloning: each property of the source bucket, as it has to be on the twin.

Of each property there are three values: the source's, put in the twin's terms (wanted), the twin's
(found), and a mark of what was written last (left), which the twin carries in a tag. Where found is
wanted, nothing is done. Where found is as it was left, wanted is written. All else somebody else
changed: that is reported and, if the profile says so, put back.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from .. import backfill, twin
from ..aws import Bucket, error_code, error_name, is_denied
from ..check import Check, Seen
from ..outcomes import Blocked
from .terms import Terms

# Left behind before a write, and for good by a run that was ended: what is found then may be ours.
_UNDER_WAY = "-"
# Before the mark of what was on a twin that somebody else made, and is as it should be.
_THEIRS = "."
# Before the mark of what S3 did not take for the twin, in fewer characters, behind that of what the
# twin has in its place.
_REFUSED = "!"
_MAX_LENGTH = 256  # of a tag's value
_PASSES = 3

# What S3 says of a value that it will not take for a bucket as it stands, now or later.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_REFUSALS = frozenset(
    {
        "AccessControlListNotSupported",
        "CrossLocationLoggingProhibited",
        "InvalidArgument",
        "InvalidBucketAclWithObjectOwnership",
        "InvalidBucketState",
        "InvalidRequest",
        "InvalidS3DestinationBucket",
        "InvalidStorageClass",
        "InvalidTag",
        "InvalidTargetBucketForLogging",
        "MalformedACLError",
        "MalformedXML",
        "MethodNotAllowed",
        "NotImplemented",
        "TooManyConfigurations",
        "UnsupportedArgument",
        "UnsupportedOperation",
    }
)
# Of these S3 asks whom it is to tell: that is for a person to mend, and no refusal for good.
_UNREACHED = "Unable to validate the following destination configurations"


class Fidelity(StrEnum):
    """How a property of the twin came out."""

    COPIED = "copied"  # written now, as the source has it
    TRANSLATED = "translated"  # written now, otherwise than the source has it
    SAME = "same"  # it was as it should be
    SKIPPED = "skipped"  # not cloned
    FAILED = "failed"  # an error, for which the whole check fails in the end


class Why(StrEnum):
    """What there is to say of an outcome. A failed one has AWS's error code instead."""

    DRIFT = "DRIFT"  # somebody else changed it on the twin
    FORCED = "FORCED"  # a twin has it, whatever the profile clones
    LEFT_OUT = "LEFT_OUT"  # nothing of it may be on a twin
    NOT_CHOSEN = "NOT_CHOSEN"  # the profile does not clone it
    NOT_OURS = "NOT_OURS"  # it was on a twin that somebody else made
    NOT_PORTABLE = "NOT_PORTABLE"  # it means nothing where the twin is, or S3 does not take it
    REMOVED = "REMOVED"  # the source has it no more
    SDK_TOO_OLD = "SDK_TOO_OLD"  # this boto3 does not know it


class NotPortable(Exception):
    """What the source has means nothing where the twin is, and nobody said what stands for it."""


class NotAtRest(Exception):
    """The source changed again and again while it was cloned."""


class NotCloned(Exception):
    """Properties could not be cloned; all else was done."""


def is_refusal(error: Exception) -> bool:
    """Whether S3 does not take what it was given, and will not take it when it is asked again."""
    if not isinstance(error, ClientError) or error_code(error) not in _REFUSALS:
        return False
    return _UNREACHED not in str(error.response["Error"].get("Message", ""))


@dataclass(frozen=True)
class Property:
    """One kind of bucket configuration: an entry of the table in `properties`.

    A value is JSON, or a dataclass of a forced property. None is what a bucket has that nobody
    configured.

    Attributes:
        name: as in a profile's ``clone`` and in the report.
        read: gives the value of either bucket.
        write: brings the twin to the value wanted, from the one found.
        translate: gives the value wanted, from the source's and the one found. It says with
            `Cloning.note` what it leaves out, and raises `NotPortable` if that is everything.
        is_forced: the twin gets it, cloned or not; a failure then ends the check.
        normal: gives a value in the one form in which values are compared. Twins carry marks of
            it: in another form everything would look as if somebody had changed it.
        operation: a method of the client that older versions of boto3 do not have.
        lacking: the error codes by which S3 says that a region does not have it.
        read_twin: gives the twin's value, where that is not all that ``read`` gives.
        is_whole: what S3 refuses of it is a failure: half of it may be worse than nothing.
    """

    name: str
    read: Callable[[Bucket], Any]
    write: Callable[[Cloning, Any, Any], None]
    translate: Callable[[Cloning, Any, Any], Any] = lambda _, value, __: value
    is_forced: bool = False
    normal: Callable[[Any], Any] = lambda value: value
    operation: str = ""
    lacking: frozenset[str] = frozenset()
    read_twin: Callable[[Bucket], Any] | None = None
    is_whole: bool = False

    @property
    def key(self) -> str:
        """What it is called in the twin's tag, in which there is room for 256 characters."""
        return self.name[:4]

    def text(self, value: Any) -> str:
        """A value as text, the same for values that mean the same; empty for None."""
        return "" if value is None else json.dumps(self.normal(value), sort_keys=True, default=str)

    def mark(self, value: Any) -> str:
        """A value in the few characters that the tag has room for; none for None."""
        digest = hashlib.sha256(self.text(value).encode()).digest()
        return "" if value is None else base64.urlsafe_b64encode(digest)[:8].decode()


@dataclass
class _Step:
    """What becomes of one property."""

    each: Property
    outcome: Fidelity = Fidelity.SAME
    reason: str = ""
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    source: Any = None
    wanted: Any = None
    found: Any = None
    writes: bool = False
    wrote: bool = False
    is_drift: bool = False
    is_done: bool = False

    def line(self) -> dict[str, Any]:
        """The property's line in the report."""
        line = {"property": self.each.name, "outcome": self.outcome, "reason": self.reason}
        return {key: value for key, value in {**line, "notes": self.notes}.items() if value}


@dataclass
class Cloning:
    """The cloning of one bucket's properties.

    Attributes:
        check: the check it is part of.
        seen: the source.
        marked: the twin.
        source_values: what is known of the source already, by property.
        twin_values: what is known of the twin already.
        policy: the twin's whole policy, as it stands.
        was_suspended: the twin's versioning was, until this check.
    """

    check: Check
    seen: Seen
    marked: twin.Marked
    source_values: dict[str, Any]
    twin_values: dict[str, Any]
    policy: dict[str, Any]
    was_suspended: bool = False
    _notes: list[str] = field(default_factory=list)
    _doubts: list[str] = field(default_factory=list)
    _steps: list[_Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._left = _marks(self.marked.tags)
        self._touched: set[str] = set()

    @cached_property
    def terms(self) -> Terms:
        """What stands for what."""
        settings, profile = self.check.settings, self.seen.profile
        return Terms(
            source=self.check.source.name,
            twin=self.check.twin.name,
            source_account=settings.source_account_id,
            dr_account=settings.dr_account_id,
            source_region=settings.source_region,
            dr_region=settings.dr_region,
            replica_key_arn=settings.replica_key_arn(profile),
            role_arns=settings.replication_role_arns(profile) | settings.own_role_arns,
            given=settings.translations,
            partition=settings.partition,
        )

    @cached_property
    def is_catching_up(self) -> bool:
        """Whether existing objects are on their way to the twin, or about to be."""
        is_to_come = self.was_suspended or self.check.request.is_rule_deleted
        return is_to_come or backfill.is_under_way(self.check, self.seen, self.marked.life)

    @property
    def restores(self) -> bool:
        """Whether what others changed on the twin is put back."""
        return self.seen.profile.on_drift == "restore"

    def note(self, sentence: str) -> None:
        """Say what is not on the twin as it is on the source, and why."""
        self._notes.append(sentence)

    def doubt(self, sentence: str) -> None:
        """Say what has to be so elsewhere, and was not looked at; a warning when it is written."""
        self._notes.append(sentence)
        self._doubts.append(sentence)

    def chooses(self, each: Property) -> bool:
        """Whether the profile clones a property."""
        return each.name in self.seen.profile.clone

    def of_source(self, each: Property) -> Any:
        """The source's value, read once."""
        if each.name not in self.source_values:
            self.source_values[each.name] = self._read_source(each)
        return self.source_values[each.name]

    def _read_source(self, each: Property) -> Any:
        try:
            return each.read(self.check.source)
        except ClientError as error:
            if error_code(error) in each.lacking:
                return None
            raise

    def wanted(self, each: Property) -> Any:
        """What is to be cloned of a property, were nothing of it on the twin; None for nothing.

        Nothing is cloned of what may not be read, which the report tells.
        """
        if not self.chooses(each):
            return None
        try:
            source = self.of_source(each)
        except ClientError as error:
            if not is_denied(error):
                raise
            return None
        before, self._notes, self._doubts = (self._notes, self._doubts), [], []
        try:
            return each.translate(self, source, None)
        finally:
            self._notes, self._doubts = before

    def was_left(self, each: Property, found: Any) -> bool:
        """Whether the twin's value is, for certain, the one that was written last."""
        return self._left_of(each).removeprefix(_THEIRS) == each.mark(found)

    def may_write(self, each: Property, found: Any) -> bool:
        """Whether nobody but us can have put the twin's value there since."""
        return self._left_of(each) == _UNDER_WAY or self.was_left(each, found)

    def is_ours(self, each: Property) -> bool:
        """Whether what is on the twin was written there by us, some time."""
        return bool(self._left_of(each)) and not self._left_of(each).startswith(_THEIRS)

    def _left_of(self, each: Property) -> str:
        return self._left.get(each.key, "").partition(_REFUSED)[0]

    def kept(self, name: str) -> Any:
        """What a twin has of a property whatever is cloned; None where that is not known yet."""
        return next((step.wanted for step in self._steps if step.each.name == name), None)

    def step(self, name: str) -> _Step:
        """What became of a property."""
        return next(step for step in self._steps if step.each.name == name)

    def run(self, properties: Iterable[Property]) -> None:
        """Bring all properties of the twin in step; one that fails does not stop the others.

        Checks of one bucket may run at the same time. So the source is looked at again after a
        write: whatever changes after that look has a check of its own, which sees what was written.

        Raises:
            Blocked: the twin cannot be told what is written to it.
            ClientError: a forced property could not be set.
        """
        self._steps = steps = [_Step(each) for each in properties]
        try:
            for step in steps:
                if step.each.is_forced and not self.chooses(step.each):
                    self._force(step)
                else:
                    self._try(self._plan, step)
            writing = [step for step in steps if step.writes]
            for _ in range(_PASSES):
                self._write_all(writing)
                moved = [step for step in writing if step.wrote and self._has_moved(step)]
                for step in moved:
                    self._try(self._plan, step)
                writing = [step for step in moved if step.writes]
            for step in writing:
                self._fail(step, NotAtRest(f"{step.each.name} of the source keeps changing"))
            self._remember_all()
        finally:
            self._report()

    def fail(self, each: Property, error: Exception) -> None:
        """Have a property count as failed, after all had their turn."""
        self._fail(self.step(each.name), error)
        self._report()

    def require_cloned(self) -> None:
        """End the check as a failure if a property is one.

        Raises:
            NotCloned: naming the properties.
        """
        failed = [
            f"{step.each.name} ({step.reason})"
            for step in self._steps
            if step.outcome == Fidelity.FAILED
        ]
        if failed:
            raise NotCloned(f"not cloned to {self.check.twin.name}: {', '.join(failed)}")

    def _report(self) -> None:
        self.check.properties = [step.line() for step in self._steps if step.is_done]

    def _found(self, step: _Step) -> Any:
        each = step.each
        if step.wrote or each.name not in self.twin_values:
            return (each.read_twin or each.read)(self.check.twin)
        return self.twin_values[each.name]

    def _found_if_any(self, step: _Step) -> Any:
        """The twin's value.

        Raises:
            NotPortable: its region does not have what the source has.
        """
        try:
            return self._found(step)
        except ClientError as error:
            if error_code(error) not in step.each.lacking:
                raise
            if step.source is None:
                return None
            raise self._lacks(step) from error

    def _lacks(self, step: _Step) -> NotPortable:
        return NotPortable(f"S3 has no {step.each.name} in {self.check.settings.dr_region}")

    def _force(self, step: _Step) -> None:
        each, step.reason, self._notes = step.each, Why.FORCED, step.notes
        try:
            source, found = self.source_values.get(each.name), self._found(step)
            wanted = each.translate(self, source, found)
            if wanted != found:
                each.write(self, wanted, found)
                step.outcome = Fidelity.COPIED if wanted == source else Fidelity.TRANSLATED
        except Exception as error:
            self._fail(step, error)
            raise
        step.wanted, step.is_done = wanted, True

    def _try(self, action: Callable[[_Step], None], step: _Step) -> None:
        self._notes, self._doubts = step.notes, step.doubts
        try:
            action(step)
        except Exception as error:  # noqa: BLE001 - reported, and raised when all had their turn
            self._fail(step, error)
        step.is_done = True

    def _fail(self, step: _Step, error: Exception) -> None:
        step.outcome, step.writes, step.is_done = Fidelity.FAILED, False, True
        step.reason = error_name(error)
        step.notes.append(str(error))

    def _has_moved(self, step: _Step) -> bool:
        """Whether the source has changed since it was read; it is then as read now."""
        step.writes = False
        try:
            now = self._read_source(step.each)
        except Exception as error:  # noqa: BLE001 - reported, and raised when all had their turn
            self._fail(step, error)
            return False
        self.source_values[step.each.name] = now
        return step.each.text(now) != step.each.text(step.source)

    def _plan(self, step: _Step) -> None:
        each, step.outcome, step.reason = step.each, Fidelity.SAME, ""
        step.writes = step.is_drift = False
        step.notes.clear()
        step.doubts.clear()
        if not self.chooses(each):
            step.outcome, step.reason = Fidelity.SKIPPED, Why.NOT_CHOSEN
            return
        if each.operation and not hasattr(self.check.clients.dr_s3, each.operation):
            step.outcome, step.reason = Fidelity.SKIPPED, Why.SDK_TOO_OLD
            self.check.warn(
                f"SDK_TOO_OLD: this boto3 has no {each.operation}, so {each.name} is not cloned; "
                "give the function a layer with a newer one"
            )
            return
        step.source = self.of_source(each)
        # A new twin is looked at where there is something to write, as S3 gives it some settings.
        is_new = self.marked.is_new and not step.wrote
        try:
            step.found = None if is_new else self._found_if_any(step)
            step.wanted = each.translate(self, step.source, step.found)
            if is_new and step.wanted is not None:
                step.found = self._found_if_any(step)
        except NotPortable as reason:
            # What the twin has in that place instead is no drift.
            self.note(str(reason))
            step.wanted, step.reason = None, Why.NOT_PORTABLE
            step.writes = self.is_ours(each) and self.may_write(each, step.found)
            step.outcome = Fidelity.TRANSLATED if step.writes else Fidelity.SKIPPED
            return
        self._compare(step)

    def _compare(self, step: _Step) -> None:
        each, wanted, source = step.each, step.wanted, step.source
        if wanted is None and source is not None:
            step.outcome, step.reason = Fidelity.SKIPPED, Why.LEFT_OUT
        if each.text(wanted) == each.text(step.found):
            is_new = each.key not in self._left and self.marked.is_made_here
            self._leave(step, "" if is_new or self.is_ours(each) else _THEIRS)
            return
        # What never was ours is not taken away from a twin that somebody else made.
        may_go = wanted is not None or self.is_ours(each) or self.marked.is_made_here
        if not self.may_write(each, step.found):
            known = each.key in self._left or self.marked.is_made_here
            step.is_drift, step.reason = True, Why.DRIFT if known else Why.NOT_OURS
            may_go = may_go and self.restores
        elif not may_go:
            step.reason = Why.NOT_OURS
        step.writes = may_go
        if not step.writes:
            step.outcome = Fidelity.SKIPPED
            if step.is_drift:
                self._warn_of_drift(step, "left as it is")
            return
        is_copy = each.text(wanted) == each.text(source)
        step.outcome = Fidelity.COPIED if is_copy else Fidelity.TRANSLATED
        step.reason = step.reason or (Why.REMOVED if wanted is None else "")
        if self.check.request.dry_run and self._was_refused(step):
            self._refuse(step, "S3 did not take it when it was asked last")

    def _was_refused(self, step: _Step) -> bool:
        return self._left.get(step.each.key, "").endswith(self._as_refused(step))

    @staticmethod
    def _as_refused(step: _Step) -> str:
        return _REFUSED + step.each.mark(step.wanted)[:4]

    def _refuse(self, step: _Step, why: str) -> None:
        """S3 does not take it: no failure, for it would be one at every check."""
        step.outcome, step.reason, step.writes = Fidelity.SKIPPED, Why.NOT_PORTABLE, False
        step.notes.append(why)
        self.check.warn(f"{step.reason}: {step.each.name} of {self.check.twin.name}: {why}")

    def _warn_of_drift(self, step: _Step, and_so: str) -> None:
        did = "changed" if step.reason == Why.DRIFT else "had set"
        step.notes.append(f"somebody {did} it on the twin: {and_so}")
        twin = self.check.twin.name
        self.check.warn(f"{step.reason}: somebody {did} {step.each.name} of {twin}: {and_so}")

    def _write_all(self, writing: list[_Step]) -> None:
        """Write, after the twin was told that it is about to be written."""
        if not writing:
            return
        before = dict(self._left)
        try:
            for step in writing:
                if not self._was_refused(step):
                    self._mark(step.each.key, _UNDER_WAY)
            self._remember()
        except Blocked:
            raise
        except Exception as error:  # noqa: BLE001 - reported, and raised when all had their turn
            # What is not remembered would later look like the work of somebody else.
            self._left = before
            self._touched.clear()
            for step in writing:
                self._fail(step, error)
            return
        # First what goes, from the last to the first: S3 takes no ACL away once ACLs are off.
        going = [step for step in reversed(writing) if step.wanted is None]
        for step in going + [step for step in writing if step.wanted is not None]:
            step.wrote = True
            self._try(self._write, step)
            if not step.writes:
                self._look_what_came_of(step, before.get(step.each.key, ""))

    def _remember_all(self) -> None:
        try:
            self._remember()
        except Blocked:
            raise
        except Exception as error:  # noqa: BLE001 - reported, and raised when all had their turn
            for step in self._steps:
                if step.each.key in self._touched:
                    self._fail(step, error)

    def _remember(self) -> None:
        """Keep on the twin itself what was written there, beside what others wrote meanwhile."""
        if not self._touched:
            return
        marks = _marks(self.check.twin.tags())
        for key in self._touched:
            marks[key] = self._left.get(key, "")
        self._left = {key: mark for key, mark in sorted(marks.items()) if mark}
        text = _text_of(self._left)
        if len(text) > _MAX_LENGTH:
            text = _text_of({key: mark.partition(_REFUSED)[0] for key, mark in self._left.items()})
        twin.tell_cloned(self.check, text)
        self._touched.clear()

    def _write(self, step: _Step) -> None:
        try:
            step.each.write(self, step.wanted, step.found)
        except ClientError as error:
            if error_code(error) in step.each.lacking:
                self._refuse(step, str(self._lacks(step)))
            elif step.each.is_whole or not is_refusal(error):
                raise
            else:
                self._refuse(step, str(error))
            return
        self._leave(step)
        for sentence in step.doubts:
            self.check.warn(sentence)
        if step.is_drift:
            self._warn_of_drift(step, "put back")

    def _look_what_came_of(self, step: _Step, before: str) -> None:
        """After an error: nothing, and then nothing is ours that was not, or part of it."""
        step.wrote, each = False, step.each
        try:
            now = (each.read_twin or each.read)(self.check.twin)
        except Exception as error:  # noqa: BLE001 - the step has failed already
            if not (isinstance(error, ClientError) and error_code(error) in each.lacking):
                step.notes.append(str(error))
                return
            now = None
        if each.text(now) != each.text(step.found):
            self._mark(each.key, each.mark(now))
        elif step.outcome == Fidelity.SKIPPED:
            self._mark(each.key, before.partition(_REFUSED)[0] + self._as_refused(step))
        else:
            self._mark(each.key, before)

    def _leave(self, step: _Step, whose: str = "") -> None:
        mark = step.each.mark(step.wanted)
        self._mark(step.each.key, whose + mark if mark else "")

    def _mark(self, key: str, mark: str) -> None:
        if self._left.get(key, "") != mark:
            self._left[key] = mark
            self._touched.add(key)
            if not mark:
                del self._left[key]


def _text_of(marks: Mapping[str, str]) -> str:
    return " ".join(f"{key}={mark}" for key, mark in marks.items() if mark)


def _marks(tags: Mapping[str, str]) -> dict[str, str]:
    words = twin.cloned(tags).split()
    return dict(word.split("=", 1) for word in words if "=" in word)
