"""Lives that nobody thought of: people, lost, doubled and late events, killed runs; then one sweep.

Whatever happened, the state is then what the tags say, and nothing that was there is missing.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functional.living import GOLD, RULE, Handler, Killed, Life, by_bus
from functional.payload import DR_REGION, TRIGGER, Call, Context, event, sns_event
from harness.deployment import wait_for
from s3_dr import handlers

pytest_plugins = ["functional.payload", "functional.living"]

Version = tuple[str, str, bool]


class Doomed(list[Call]):
    """The calls of a function that Lambda ends before it makes one of them."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def append(self, call: Call) -> None:
        if len(self) == self._number:
            raise Killed(call.operation)
        super().append(call)


class Story:
    """One bucket, and all that is under way.

    Attributes:
        mail: events and messages that no function has had yet, or that one has failed at.
        kept: the versions that the source and the twin must have, whatever comes.
    """

    def __init__(self, life: Life) -> None:
        self.life = life
        life.functions.context = Context(5.2)  # what never comes is hardly waited for
        self.mail: list[tuple[Handler, Any]] = []
        self.kept: dict[str, set[Version]] = {life.bucket: set(), life.twin: set()}

    @property
    def has_twin(self) -> bool:
        return self.life.twin in self.life.world.names()

    # --- what people do --------------------------------------------------------------------------

    def tag(self, tags: dict[str, str]) -> None:
        self.life.retag(**tags)
        self._happened("put_bucket_tagging")

    def untag(self) -> None:
        self.life.s3.delete_bucket_tagging(Bucket=self.life.bucket)
        self._happened("delete_bucket_tagging")

    def put(self, number: int) -> None:
        self.life.put(f"k{number % 3}")

    def delete(self, number: int) -> None:
        self.life.s3.delete_object(Bucket=self.life.bucket, Key=f"k{number % 3}")

    def drop_rule(self) -> None:
        self.life.drop_rule()
        self._happened("delete_bucket_replication")

    def change_rule(self, **changes: Any) -> None:
        """Ours, for which a person leaves all others as they are."""
        rules = self.life.rules()
        if self.life.rule():
            rules = [{**rule, **changes} if rule["ID"] == RULE else rule for rule in rules]
            self._replicate(rules)

    def add_rule(self) -> None:
        """One that copies everything elsewhere."""
        others = [rule for rule in self.life.rules() if rule["ID"] != "theirs"]
        theirs = {**self.life.foreign_rule(), "Filter": {"Prefix": ""}}
        self._replicate([*others, theirs])

    def suspend_twin(self) -> None:
        if self.has_twin:
            self.life.dr.put_bucket_versioning(
                Bucket=self.life.twin, VersioningConfiguration={"Status": "Suspended"}
            )

    def delete_twin(self) -> None:
        if self.has_twin:
            self.kept[self.life.twin] = set()
            wait_for(self._is_twin_deleted, 300, lambda: f"{self.life.twin} is never empty")

    def ask_for_all(self) -> None:
        sent = by_bus("Bucket Backfill Requested", bucket=self.life.bucket, everything=True)
        self.mail.append((handlers.enable_replication, sent))

    # --- what AWS does ---------------------------------------------------------------------------

    def deliver(self, number: int, *, leave: bool = False, doomed: int | None = None) -> None:
        """One of the events, in whichever order, and perhaps not for the last time."""
        if not self.mail:
            return
        handler, sent = self.mail.pop(number % len(self.mail))
        functions, calls = self.life.functions, self.life.functions.calls
        functions.calls = [] if doomed is None else Doomed(doomed)
        try:
            handler(sent, functions.context)
        except Killed:
            leave = True  # Lambda repeats it
        except ClientError as error:
            # A person has taken the twin, or its versioning, away since: Lambda repeats it in vain.
            if error.response["Error"]["Code"] not in ("InvalidRequest", "NoSuchBucket"):
                raise
        finally:
            made, functions.calls = functions.calls, calls
        if leave:
            self.mail.append((handler, sent))
        listeners: dict[str, Handler] = {
            os.environ["TOPIC_01_ARN"]: handlers.destination_bucket_check,
            os.environ["TOPIC_02_ARN"]: handlers.enable_replication,
        }
        for call in made:
            if call.operation == "Publish":
                self.mail.append(
                    (
                        listeners[call.parameters["TopicArn"]],
                        sns_event(call.parameters["Message"]),
                    )
                )

    def deliver_all(self) -> None:
        """All events, and what they lead to, in order; not for ever, where something fails."""
        for _ in range(20):
            self.deliver(0)

    def lose(self, number: int) -> None:
        if self.mail:
            self.mail.pop(number % len(self.mail))

    def hold_jobs(self) -> None:
        self.life.local_aws.jobs(step=60)

    def let_jobs_go(self) -> None:
        self.life.local_aws.jobs(step=0.02)

    # --- what has to be --------------------------------------------------------------------------

    def look(self) -> None:
        """Nothing that was there is missing."""
        for name, kept in self.kept.items():
            is_there = name == self.life.bucket or self.has_twin
            found = set(self.life.versions(name)) if is_there else set()
            assert kept <= found, f"{name} has lost {kept - found}"
            kept |= found

    def end(self) -> None:
        """One sweep, in which the bucket is found as it ever can be."""
        life = self.life
        self.let_jobs_go()
        tags = self._tags()
        results = life.functions.protect(by_bus("Bucket Check Requested", bucket=life.bucket))
        last = results[-1]
        if tags.items() & (TRIGGER | {"tier": "gold"}).items():
            assert last["outcome"] == "protected", last
            jobs = life.jobs()
            wait_for(lambda: all(map(self._has_ended, jobs)), 300, lambda: f"never ended: {jobs}")
            rule = life.rule()
            assert rule["Status"] == "Enabled"
            assert rule["Filter"] == {"Prefix": ""}
            assert life.world.versioning(life.twin, DR_REGION) == "Enabled"
            missing = set(life.versions(life.bucket)) - set(life.versions(life.twin))
            assert not missing, (missing, last)
            assert life.last()["changes"] == [], "and there is nothing left to do"
        else:
            assert last["outcome"] in ("released", "ignored"), last
            assert (life.rule() or {"Status": "Disabled"})["Status"] == "Disabled"
        self.look()

    def _has_ended(self, job: Any) -> bool:
        ended = ("Complete", "Failed")
        return any(
            found["Status"] in ended for found in self.life.jobs() if found["JobId"] == job["JobId"]
        )

    def _is_twin_deleted(self) -> bool:
        try:
            self.life.delete_twin()
        except ClientError as error:
            # A job that runs has written once more.
            if error.response["Error"]["Code"] != "BucketNotEmpty":
                raise
            return False
        return True

    def _replicate(self, rules: list[Any]) -> None:
        try:
            self.life.world.replicate(self.life.bucket, rules)
        except ClientError as error:
            # S3 takes no rule to a twin that is gone, or whose versioning is suspended.
            if error.response["Error"]["Code"] != "InvalidRequest":
                raise
        else:
            self._happened("put_bucket_replication")

    def _happened(self, name: str) -> None:
        self.mail.append((handlers.source_bucket_check, event(name, self.life.bucket)))

    def _tags(self) -> dict[str, str]:
        try:
            return self.life.world.tags(self.life.bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchTagSet":
                raise
            return {}


NUMBER = st.integers(0, 5)


def step(name: str, *arguments: st.SearchStrategy[Any], **named: Any) -> st.SearchStrategy[Any]:
    """A method of the story, and what it is called with."""
    return st.tuples(st.just(name), st.tuples(*arguments), st.fixed_dictionaries(named))


TAGS = st.sampled_from([TRIGGER, {"tier": "gold"}, {"team": "red"}, {**TRIGGER, "tier": "gold"}])
STEPS = st.one_of(
    step("tag", TAGS),
    step("tag", st.just(TRIGGER)),
    step("untag"),
    step("put", NUMBER),
    step("put", NUMBER),
    step("delete", NUMBER),
    step("drop_rule"),
    step("change_rule", Status=st.just("Disabled")),
    step("change_rule", Filter=st.just({"Prefix": "k1"})),
    step("add_rule"),
    step("suspend_twin"),
    step("delete_twin"),
    step("ask_for_all"),
    step("deliver", NUMBER),
    step("deliver_all"),
    step("deliver_all"),
    step("deliver_all"),
    step("deliver", NUMBER, leave=st.just(True)),
    step("deliver", NUMBER, doomed=st.integers(0, 45)),
    step("lose", NUMBER),
    step("hold_jobs"),
    step("let_jobs_go"),
)


LIVES = int(os.environ.get("S3_DR_LIVES", "0"))  # else a few, and always the same ones


@settings(
    max_examples=LIVES or 20,
    derandomize=not LIVES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=4, max_size=20), begun=st.booleans(), late=st.booleans())
def test_one_sweep_ends_any_life_well(
    life: Life, monkeypatch: pytest.MonkeyPatch, steps: list[Any], begun: bool, late: bool
) -> None:
    # Fights have tests of their own.
    monkeypatch.setattr("s3_dr.enable_replication._MAX_PUT_BACK", 99)
    story = Story(Life(life.functions, life.world, life.local_aws, life.reports, life._set))
    story.life.deploy({**GOLD, "on_untag": "remove"}, on_untag="disable")
    if begun:
        story.put(0)
        story.tag(TRIGGER)
        story.deliver_all()
    for name, arguments, named in steps:
        getattr(story, name)(*arguments, **named)
        story.look()
    if late:
        story.deliver_all()
        story.look()
    story.end()
