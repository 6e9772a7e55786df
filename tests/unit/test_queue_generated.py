"""The queue for jobs: functions beside each other, killed, late and twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3_dr import aws
from s3_dr.events import Wish
from unit.queue_world import Bucket, Installation, Ways, World, check_of

Clock = Callable[[World], World]

_MINUTE = timedelta(minutes=1)
_KINDS: dict[str, dict[str, Any]] = {
    "small": {},
    "quick": {"minutes": 2.0},
    "usual": {"minutes": 5.0},
    "slow": {"minutes": 200.0},
    "failing": {"ends": ("Failed",)},
    "large": {"size": 3_000_000, "counted": 3_000_000, "minutes": 90.0},
    "large, unknown": {"size": 1_500_000, "minutes": 60.0},
    "limited": {"has_limit": True},
    "limited, beyond": {"has_limit": True, "size": 500},
    "limited, large": {"has_limit": True, "size": 2_000_000, "counted": 2_000_000},
}
_JUMPS = (1, 2, 5, 15, 60)  # minutes
_AT_ONCE = 5


class Tape:
    """What is chosen, one thing after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)

    def pick(self, number: int) -> int:
        """One of so many."""
        return next(self._data) % number


def buckets() -> st.SearchStrategy[list[tuple[str, bool]]]:
    """Kinds of buckets, each with whether it is the first installation's."""
    kind = st.sampled_from([*_KINDS])
    return st.lists(st.tuples(kind, st.booleans()), min_size=1, max_size=9)


def ways() -> st.SearchStrategy[Ways]:
    return st.builds(
        Ways,
        takes_back=st.booleans(),
        hidden_for=st.sampled_from([0.0, 8.0, 40.0]),
        refuses=st.booleans(),
        tells=st.booleans(),
        page=st.sampled_from([2, 1000]),
    )


def play(world: World, tape: Tape) -> None:
    """Let whatever is on the tape happen."""
    buckets = [*world.buckets.values()]
    world.inbox += map(check_of, buckets)
    while not world.wrong:
        what = tape.pick(20)
        if what < 11 and world.runs:
            let_run(world, tape, what)
        elif what < 15:
            for _ in range(_AT_ONCE if what == 14 else 1):
                start_one(world, tape, buckets)
        elif what == 15:
            world.pass_time(timedelta(seconds=1 + tape.pick(40)))
        elif what == 16:
            world.pass_time(_JUMPS[tape.pick(len(_JUMPS))] * _MINUTE)
        elif what < 19:
            happen(world, tape, buckets[tape.pick(len(buckets))])
        else:
            end_one(world, tape)


def let_run(world: World, tape: Tape, what: int) -> None:
    """Let one run go on, or all of them in step; or kill one."""
    run = world.runs[tape.pick(len(world.runs))]
    if what < 6:
        for _ in range(1 + what % 4):
            if not run.is_over:
                world.step(run)
    elif what < 8:
        for _ in range(1 + tape.pick(8)):
            for each in [*world.runs]:
                world.step(each)
    elif what < 10:
        while not run.is_over:
            world.step(run)
    elif world.may_kill:
        world.step(run, ("kill before", "kill after")[tape.pick(2)])


def start_one(world: World, tape: Tape, buckets: list[Bucket]) -> None:
    """Have a function begin with what was asked for, or with a check of a bucket."""
    if len(world.runs) < _AT_ONCE:
        number = tape.pick(len(world.inbox) + 1)
        if number < len(world.inbox):
            world.start(world.inbox.pop(number))
        else:
            world.start(check_of(buckets[tape.pick(len(buckets))]))


def end_one(world: World, tape: Tape) -> None:
    """Let a job be done, whose place both installations may see free at once."""
    at_work = [job for job in world.live.values() if job.status == "Active"]
    if at_work:
        job = at_work[tape.pick(len(at_work))]
        world.end(job)
        world.inbox[:0] = [("tick", home) for home in world.installations if home.is_ticking]


def happen(world: World, tape: Tape, bucket: Bucket) -> None:
    """What people do, and EventBridge."""
    what = tape.pick(9)
    if what < 3:
        world.stranger(float(1 + tape.pick(60)))
    elif what == 3:
        world.inbox.append(check_of(bucket, Wish.CONFIRM))
    elif what == 4:
        bucket.is_tagged = not bucket.is_tagged
        world.inbox.append(check_of(bucket))
    elif what == 5:
        bucket.is_ruled = False
        world.inbox.append(check_of(bucket))
    elif what == 6:
        world.inbox.append(check_of(bucket, Wish.BACKFILL, everything=True))
    elif what == 7:
        world.inbox += [("tick", home) for home in world.installations if home.is_ticking]
    elif world.may_kill:
        world.sweep()


def come_to_an_end(world: World) -> None:
    """Let all that waits be copied, without anybody being killed."""
    world.finish()
    world.drain()
    if world.were_killed:
        world.sweep()  # Lambda gave up on them
    world.note("nobody is killed any more")
    for _ in range(9):
        world.go_on(world.is_quiet, timedelta(days=2))
        assert not world.wrong
        if not world.uncopied():
            break
        world.note("a sweep")
        world.advance(timedelta(hours=6))
        world.inbox += [check_of(bucket, Wish.CONFIRM) for bucket in world.buckets.values()]
        world.sweep()
    assert world.is_quiet(), "nothing ticks where nothing waits"
    assert not world.uncopied()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[World], World]:
    """Has the functions live in the time of a world."""

    def use(world: World) -> World:
        monkeypatch.setattr(aws, "_clock", world.clock)
        return world

    return use


@settings(
    max_examples=100,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    way=ways(),
    numbers=st.just((4, 4)) | st.tuples(st.integers(1, 6), st.integers(1, 6)),
    delay=st.sampled_from([0, 900]),
    may_kill=st.booleans(),
    kinds=buckets(),
    tape=st.binary(min_size=250, max_size=500),
)
def test_whatever_happens_each_gap_has_one_job_and_there_are_never_too_many(
    clock: Clock,
    way: Ways,
    numbers: tuple[int, int],
    delay: int,
    may_kill: bool,
    kinds: list[tuple[str, bool]],
    tape: bytes,
) -> None:
    first, second = (
        Installation(name, number, delay) for name, number in zip("ab", numbers, strict=True)
    )
    world = clock(World(way, first, second))
    world.may_kill = may_kill
    for number, (kind, is_firsts) in enumerate(kinds):
        world.add(f"bucket-{number}", first if is_firsts else second, **_KINDS[kind])
    try:
        with suppress(StopIteration):
            play(world, Tape(tape))
        come_to_an_end(world)
    except BaseException as error:
        error.add_note("\n".join(world.log[-300:]))
        raise
    finally:
        world.close()


# --- what was found so -------------------------------------------------------


def test_a_bucket_untagged_while_its_objects_are_counted_is_asked_about_once(clock: Clock) -> None:
    home = Installation("a", delay=0)
    world = clock(World(Ways(), home))
    bucket = world.add("b", home, has_limit=True)
    world.do(check_of(bucket))
    bucket.is_tagged = False

    world.go_on(world.is_quiet, timedelta(hours=1))

    assert world.is_quiet() and world.jobs[0].status == "Suspended"


def test_a_turn_is_over_when_another_installation_took_the_place(clock: Clock) -> None:
    first, second = (Installation(name, 1, delay=0) for name in "ab")
    world = clock(World(Ways(), first, second))
    mine = world.add("mine", first)
    theirs = [world.add(f"theirs-{number}", second) for number in range(2)]
    world.do(check_of(theirs[0]))
    world.do(check_of(mine))
    world.end(world.jobs[0])
    world.do(("tick", first))
    assert world.inbox.pop() == check_of(mine)

    world.do(check_of(theirs[1]))
    world.do(("tick", first))
    world.do(check_of(mine))

    assert not world.wrong
    come_to_an_end(world)


def test_a_bucket_whose_job_is_not_listed_yet_keeps_its_turn(clock: Clock) -> None:
    home = Installation("a", delay=0)
    world = clock(World(Ways(hidden_for=40.0), home))
    bucket = world.add("b", home)
    run = world.start(check_of(bucket))
    world.step_to(run, "CreateJob")
    world.do(check_of(bucket, Wish.BACKFILL, everything=True))
    world.finish()
    bucket.is_ruled = False

    world.do(check_of(bucket))

    come_to_an_end(world)
    assert len(world.jobs) == 2, "one for each gap, one after the other"


def test_a_check_beside_the_one_that_makes_the_job_makes_none(clock: Clock) -> None:
    home = Installation("a", delay=0)
    world = clock(World(Ways(hidden_for=20.0), home))
    bucket = world.add("b", home, has_limit=True)
    runs = [world.start(check_of(bucket))]
    world.step_to(runs[0], "CreateJob")
    runs.append(world.start(check_of(bucket)))
    world.step_to(runs[1], "ListJobs")
    world.step(runs[1])
    while not runs[0].is_over:
        world.step(runs[0])
    world.pass_time(_MINUTE)

    come_to_an_end(world)

    assert len(world.jobs) == 1


def test_a_job_of_a_killed_function_is_seen_when_another_gap_opens(clock: Clock) -> None:
    home = Installation("a", delay=0)
    world = clock(World(Ways(tells=False), home))
    bucket = world.add("b", home)
    run = world.start(check_of(bucket))
    world.step_to(run, "CreateJob")
    world.step(run, "kill after")
    world.advance(5 * _MINUTE)
    bucket.is_ruled = False

    world.do(check_of(bucket))

    come_to_an_end(world)
    assert len(world.jobs) == 2, "one after the other"


@pytest.mark.parametrize("has_ended", [False, True])
def test_the_id_of_anothers_job_is_not_taken_for_ours(clock: Clock, has_ended: bool) -> None:
    first, second = (Installation(name, 1, delay=0) for name in "ab")
    world = clock(World(Ways(takes_back=True, hidden_for=20.0), first, second))
    mine, theirs = world.add("mine", first), world.add("theirs", second)
    world.do(check_of(theirs))
    world.do(check_of(mine))
    world.advance(_MINUTE)
    if has_ended:
        world.end(world.jobs[0])
    else:
        world.do(check_of(mine))

    for mine.is_tagged in (False, True):
        world.do(check_of(mine))

    come_to_an_end(world)
    assert len(world.jobs) == 2


def test_an_installation_that_knows_of_no_job_asks_for_the_last_one(clock: Clock) -> None:
    first, second = (Installation(name, 1, delay=0) for name in "ab")
    world = clock(World(Ways(), first, second))
    world.do(check_of(world.add("mine-1", first)))
    world.go_on(world.is_quiet, timedelta(hours=1))
    world.advance(timedelta(days=31))  # so the token of the month is free

    for bucket in (world.add("mine-2", first), world.add("theirs", second)):
        world.step_to(world.start(check_of(bucket)), "CreateJob")

    come_to_an_end(world)


def test_two_checks_let_a_parked_job_go_on_once(clock: Clock) -> None:
    home = Installation("a", delay=0)
    world = clock(World(Ways(tells=False), home))
    bucket = world.add("b", home, has_limit=True)
    world.do(check_of(bucket))
    world.advance(_MINUTE)
    runs = [world.start(check_of(bucket)) for _ in range(2)]
    world.step_to(runs[0], "UpdateJobStatus")
    world.step_to(runs[1], "UpdateJobStatus")

    come_to_an_end(world)

    assert world.calls["UpdateJobStatus"] == 2 and len(world.jobs) == 1


def test_a_tick_that_comes_late_does_not_take_the_schedule_for_on(clock: Clock) -> None:
    home = Installation("a")
    world = clock(World(Ways(), home))
    bucket = world.add("b", home)
    run = world.start(check_of(bucket))
    world.step_to(run, "ListObjectVersions")
    world.step_to(run, "GetObject")

    world.do(("tick", home))
    world.finish()

    assert home.is_ticking and home.waiting()
    come_to_an_end(world)


def test_nothing_starts_while_six_are_held_or_one_of_ours_is_paused(clock: Clock) -> None:
    home = Installation("a", delay=0)
    world = clock(World(Ways(), home))
    for name in ("first", "second", "third"):
        world.add(name, home)
    world.do(check_of(world.buckets["first"]))
    for _ in range(5):
        world.stranger(minutes=30.0)
    world.do(check_of(world.buckets["second"]))
    assert len(world.starts) == 1
    world.stranger(minutes=60.0)
    world.do(check_of(world.buckets["third"]))

    world.go_on(lambda: False, 29 * _MINUTE)

    assert len(world.starts) == 1, "it is paused, and nothing is put beside it"
    come_to_an_end(world)
    assert len(world.starts) == 3


# --- many buckets ------------------------------------------------------------

_PER_BUCKET = 40  # calls, of all functions together


def copy_all(world: World, number: int) -> dict[str, float]:
    """Have so many buckets tagged at once, and all copied; the calls per bucket."""
    homes = world.installations
    for each in range(number):
        bucket = world.add(f"bucket-{each:03}", homes[each % len(homes)], minutes=11.0)
        world.inbox.append(check_of(bucket))
    world.go_on(world.is_quiet, timedelta(days=9))
    world.sweep()  # for the end of the last ones nobody waits
    world.go_on(world.is_quiet, timedelta(hours=1))
    assert not world.wrong
    assert not world.uncopied()
    assert len(world.jobs) == number
    return {name: count / number for name, count in world.calls.items()}


@pytest.mark.parametrize("number", [20, 100, 500])
def test_the_calls_for_a_bucket_are_as_many_however_many_buckets_wait(
    clock: Clock, number: int
) -> None:
    calls = copy_all(clock(World(Ways(tells=False), Installation("a"))), number)

    assert sum(calls.values()) < _PER_BUCKET, calls


@pytest.mark.parametrize("tells", [True, False], ids=["events", "ticks alone"])
@pytest.mark.parametrize("names", ["a", "ab"])
def test_the_next_start_comes_within_five_minutes_of_an_end(
    clock: Clock, names: str, tells: bool
) -> None:
    world = clock(World(Ways(tells=tells, hidden_for=8.0), *map(Installation, names)))

    copy_all(world, 24)

    waits = [start - end for end, start in zip(world.ends, world.starts[4:], strict=False)]
    assert len(waits) == 20
    assert max(waits) < timedelta(seconds=10) if tells else max(waits) <= 5 * _MINUTE
