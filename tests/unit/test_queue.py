"""The queue: who is next, which place is whose, and for how long."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from s3_dr.jobs import LARGE, Listed, mark_of
from s3_dr.queue import Conflict, Entry, Followed, Missed, Places, Queue, Turn
from s3_dr.record import Gap, Job, Record
from s3_dr.reports_bucket import QUEUE, ReportsBucket
from unit.jobs_world import NOW, Control, Objects, at, job, ours, refusal

MARK = "0" * 8


def entry(bucket: str, kind: str = "first", **changes: Any) -> Entry:
    return Entry(**{"bucket": bucket, "mark": MARK, "kind": kind, "since": at(), **changes})


def queue(*entries: Entry, **fields: Any) -> Queue:
    return Queue(entries={each.bucket: each for each in entries}, **fields)


def given(waiting: Queue, *jobs: Any, active_jobs: int = 4) -> dict[str, int]:
    """Whose turn it is, and in which place."""
    listed = [Listed.of(each) for each in jobs]
    return {each.bucket: place for place, each in waiting.give(listed, active_jobs, NOW)}


# --- who waits ---------------------------------------------------------------


GAP = Gap("g", since=at(), is_first=True)
PARKED = Job("j-1", Gap("g"), at(), status="Suspended", place=2, since=at(minutes=9))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (Record(), None),
        (Record(gap=Gap("g")), None),
        (Record(gap=GAP), entry("b", mark=mark_of("b", GAP))),
        (
            Record(gap=replace(GAP, is_large=True, not_before=at(minutes=1))),
            entry("b", mark=mark_of("b", GAP), is_large=True, not_before=at(minutes=1)),
        ),
        (
            Record(gap=Gap("h"), retry=replace(GAP, attempt=2)),
            entry("b", "failed", mark=mark_of("b", replace(GAP, attempt=2))),
        ),
        (Record(job=replace(PARKED, since="")), None),
        (Record(job=replace(PARKED, ended_at=at())), None),
        (
            Record(job=PARKED),
            entry(
                "b",
                "resumed",
                mark=mark_of("b", PARKED.gap),
                since=PARKED.since,
                job="j-1",
                place=2,
            ),
        ),
        (
            Record(job=replace(PARKED, gap=GAP, place=-1, total=LARGE + 1)),
            entry("b", mark=mark_of("b", GAP), job="j-1", is_large=True),
        ),
    ],
)
def test_how_a_bucket_waits_its_record_tells(record: Record, expected: Entry | None) -> None:
    assert Entry.of("b", record) == expected


@pytest.mark.parametrize(
    ("changes", "is_followed"),
    [
        ({"status": "Active"}, True),
        ({"status": "Suspended"}, True),
        ({"status": "Failed", "ended_at": at()}, True),
        ({"status": "Complete", "failed": 1, "ended_at": at()}, True),
        ({"status": "Complete", "ended_at": at()}, False),
        ({"status": "Unknown", "ended_at": at()}, False),
    ],
    ids=str,
)
def test_a_job_is_followed_until_all_is_copied(changes: Any, is_followed: bool) -> None:
    found = Followed.of("b", Record(job=replace(PARKED, **changes)))

    assert (found is not None) is is_followed
    assert Followed.of("b", Record()) is None


def test_what_a_record_says_is_what_the_queue_says() -> None:
    made = Queue()
    made.note("b", Record(gap=GAP, job=replace(PARKED, since="")))
    assert ({*made.entries}, {*made.jobs}) == ({"b"}, {"b"})

    made.note("b", Record(gap=GAP))
    assert ({*made.entries}, {*made.jobs}) == ({"b"}, set())

    made.forget("b")
    assert made == Queue()


@pytest.mark.parametrize(
    ("made", "waits"),
    [
        (Queue(), False),
        (queue(entry("b")), True),
        (Queue(turns={0: Turn("b", MARK, at())}), True),
        (Queue(turns={0: Turn("b", MARK, at(), "j-1", is_parked=True)}), True),
        (Queue(turns={0: Turn("b", MARK, at(), "j-1")}), False),
    ],
)
def test_a_tick_is_needed_as_long_as_somebody_waits(made: Queue, waits: bool) -> None:
    assert made.waits is waits


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({}, True),
        ({"status": "Preparing"}, True),
        ({"status": "Suspended"}, False),  # for a person
        ({"status": "Active"}, False),
        ({"parks": False}, False),
        ({"status": "New", "ended_at": at(), "failed": 1}, False),
    ],
    ids=str,
)
def test_a_tick_is_needed_until_a_job_is_counted(changes: Any, waits: bool) -> None:
    """That it was parked is told to nobody where there is no trail."""
    made = Queue()
    made.note(
        "b", Record(job=replace(PARKED, since="", **{"status": "New", "parks": True, **changes}))
    )

    assert made.waits is waits


# --- the order ---------------------------------------------------------------


def test_what_failed_comes_first_then_what_resumed_then_the_longest_waiting() -> None:
    made = queue(
        entry("first-late", since=at(minutes=2)),
        entry("first-early", since=at(minutes=1)),
        entry("b-same", since=at(minutes=1, seconds=30)),
        entry("a-same", since=at(minutes=1, seconds=30)),
        entry("failed", "failed", since=at(minutes=9)),
        entry("resumed-late", "resumed", since=at(minutes=8)),
        entry("resumed-early", "resumed", since=at(minutes=7), is_large=True),
        entry("kept-back", "failed"),
        entry("not-yet", "failed", not_before=at(seconds=1)),
        entry("just-now", since=at(minutes=3), not_before=at()),
        missed={
            "kept-back": Missed(MARK, 1, at(minutes=1)),
            "first-early": Missed(MARK, 1, at()),  # that is over
            "a-same": Missed("1" * 8, 1, at(days=1)),  # that was another gap
        },
    )

    order = [each.bucket for each in made.in_order(NOW)]

    assert order == [
        "failed",
        "resumed-early",
        "resumed-late",
        "a-same",
        "b-same",
        "first-late",
        "just-now",
        "first-early",
        "kept-back",
    ]
    assert made.position("failed", NOW) == (1, 9)
    assert made.position("kept-back", NOW) == (9, 9)
    assert made.position("not-yet", NOW) == made.position("nobody", NOW) == (0, 9)
    assert made.position("not-yet", NOW + timedelta(seconds=1))[0] == 1


# --- places ------------------------------------------------------------------


def many(number: int, **changes: Any) -> Queue:
    return queue(*(entry(f"q-{each}", since=at(minutes=each), **changes) for each in range(number)))


@pytest.mark.parametrize("active_jobs", [1, 2, 4, 6])
def test_there_are_as_many_turns_as_places(active_jobs: int) -> None:
    waiting = many(8)

    found = given(waiting, active_jobs=active_jobs)

    assert [*found] == [f"q-{each}" for each in range(active_jobs)], "the longest waiting ones"
    assert {*found.values()} == {*range(active_jobs)}
    assert given(waiting, active_jobs=active_jobs) == {}, "each is given once"
    assert waiting.turns[found["q-0"]] == Turn("q-0", MARK, NOW.isoformat())


def jobs_of(number: int, status: str = "Active") -> list[Any]:
    return [job(50 + each, status) for each in range(number)]


@pytest.mark.parametrize(
    ("jobs", "turns"),
    [
        (jobs_of(2), 4),
        (jobs_of(3), 3),
        (jobs_of(5), 1),
        (jobs_of(6), 0),
        (jobs_of(9), 0),
        (jobs_of(6, "Suspended") + jobs_of(2, "Paused"), 4),
        (jobs_of(3, "Preparing") + jobs_of(2, "Pausing"), 1),
        ([ours(1, 0)], 3),
        ([ours(1, 0, "Preparing"), ours(2, 3, "Completing")], 2),
        ([ours(1, 0, "Suspended")], 4),
        ([ours(1, 0, "Paused")], 0),  # S3 has no place for what there is
        ([ours(1, 0, "Pausing")], 0),
        ([ours(1, 0, "Suspended"), ours(2, 0), *jobs_of(4)], 1),
        # Another installation's have our places, and so have those from before there were any.
        ([job(1, description="other: existing objects of x (place 2, 00000000)")], 3),
        ([job(1, description="s3-dr: existing objects of x")], 3),
        ([job(1, description="other: existing objects of x")] * 4, 0),
    ],
)
def test_no_more_are_given_than_there_is_room_for(jobs: list[Any], turns: int) -> None:
    assert len(given(many(8), *jobs)) == turns


def test_a_place_that_is_taken_is_not_given() -> None:
    waiting = many(8)
    waiting.turns = {3: Turn("x", MARK, at(), "j-9"), 2: Turn("y", MARK, at())}

    assert given(waiting, ours(1, 0)) == {"q-0": 1}


def test_a_turn_whose_job_is_listed_counts_once() -> None:
    waiting = many(8)
    waiting.turns = {3: Turn("b-9", MARK, at(), "j-9")}

    assert len(given(waiting, ours(9, 3), *jobs_of(2))) == 3


@pytest.mark.parametrize("job_id", ["", "j-9"])
def test_a_turn_whose_job_is_not_listed_yet_counts_too(job_id: str) -> None:
    waiting = many(8)
    waiting.turns = {3: Turn("b-9", MARK, at(), job_id)}

    assert len(given(waiting, *jobs_of(4))) == 1


def test_a_bucket_has_one_job_at_work_at_a_time() -> None:
    waiting = queue(entry("runs"), entry("has-a-turn"), entry("free"), entry("parked"))
    waiting.turns = {3: Turn("has-a-turn", "1" * 8, at())}
    jobs = [ours(1, 0, bucket="runs"), ours(2, 1, "Suspended", bucket="parked")]

    assert given(waiting, *jobs).keys() == {"free", "parked"}


def test_who_let_its_turn_pass_gets_none_before_its_time() -> None:
    missed = {"b": Missed(MARK, 1, at(seconds=1))}

    assert given(queue(entry("b"), missed=missed)) == {}
    assert given(queue(entry("b", mark="1" * 8), missed=missed)).keys() == {"b"}


@pytest.mark.parametrize(
    ("active_jobs", "places"),
    [(1, {0}), (2, {0}), (3, {0}), (4, {0, 1}), (5, {0, 1}), (6, {0, 1, 2})],
)
def test_large_ones_have_the_first_half_of_the_places(active_jobs: int, places: set[int]) -> None:
    waiting = many(8, is_large=True)
    assert {*given(waiting, active_jobs=active_jobs).values()} == places

    waiting.entries["small"] = entry("small", since=at(days=1))
    found = given(waiting, active_jobs=active_jobs)
    assert [*found] == (["small"] if active_jobs > 1 else []), "the others are for the rest"


def test_small_ones_leave_the_first_places_to_large_ones() -> None:
    waiting = queue(entry("a"), entry("b"), entry("big", since=at(days=1), is_large=True))

    assert given(waiting) == {"a": 3, "b": 2, "big": 0}


def test_a_parked_job_has_its_own_place_and_no_other() -> None:
    parked = entry("p", job="j-1", place=1)
    suspended = ours(1, 1, "Suspended", "p")

    free = queue(entry("a", "failed"), entry("b", "failed"), parked)
    assert given(free, suspended) == {"a": 3, "b": 2, "p": 1}
    assert free.turns[1] == Turn("p", MARK, NOW.isoformat(), "j-1", is_parked=True)
    assert given(queue(parked), suspended, ours(2, 1)) == {}, "somebody has it"


def test_what_s3_counted_as_more_than_was_known_counts_as_large() -> None:
    """Its place was not one for large ones, and it can have no other."""
    counted = [entry(f"p-{n}", job=f"j-{n}", place=n, is_large=True) for n in range(4)]
    parked = [ours(n, n, "Suspended", f"p-{n}") for n in range(4)]

    assert len(given(queue(*counted), *parked)) == 2
    at_work = ours(0, 3, bucket="p-0", ProgressSummary={"TotalNumberOfTasks": LARGE + 1})
    assert given(queue(*counted[1:]), *parked[1:], at_work).keys() == {"p-1"}
    at_work = ours(0, 3, bucket="p-0", Priority=4)
    assert given(queue(*counted[1:]), *parked[1:], at_work).keys() == {"p-1"}
    turn = Turn("p-0", MARK, at(), "j-0", is_parked=True, is_large=True)
    assert given(queue(*counted, turns={0: turn}), *parked).keys() == {"p-1"}, "it goes on soon"


def test_others_leave_their_places_to_parked_jobs_as_long_as_they_can() -> None:
    parked = [ours(1, 3, "Suspended", "p"), ours(2, 0, "Suspended", "q")]
    waiting = queue(*(entry(name) for name in "abc"), entry("big", is_large=True))

    assert given(waiting, *parked) == {"a": 2, "b": 1, "big": 0, "c": 3}


@pytest.mark.parametrize("place", [None, 4, 5])
def test_a_parked_job_without_a_place_of_ours_takes_any(place: int | None) -> None:
    """It was made before there were places, or when there were more of them."""
    assert given(queue(entry("p", job="j-1", place=place))) == {"p": 3}


# --- turns -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("turn", "waits", "place"),
    [
        (Turn("b", MARK, at()), entry("b"), 2),
        (Turn("b", MARK, at()), entry("other"), None),
        (Turn("b", MARK, at(), "j-1"), entry("b"), None),  # that job is its last one
        (Turn("b", MARK, at(), "j-1", is_parked=True), entry("b", job="j-1"), 2),
        (Turn("b", MARK, at(), "j-1", is_parked=True), entry("b"), None),
        (Turn("b", MARK, at()), entry("b", job="j-1"), None),
    ],
)
def test_a_turn_is_good_for_two_minutes(turn: Turn, waits: Entry, place: int | None) -> None:
    made = Queue(turns={2: turn})

    assert made.turn_of(waits, NOW) == place
    assert made.turn_of(waits, NOW + timedelta(seconds=119)) == place
    assert made.turn_of(waits, NOW + timedelta(minutes=2)) is None


def look(
    turn: Turn, *jobs: Any, after: timedelta = timedelta(), ended: Collection[str] = ()
) -> Queue:
    """A queue of one turn, when the jobs have been looked at so long after it was given."""
    made = Queue(turns={2: turn})
    made.end_turns([Listed.of(each) for each in jobs], ended.__contains__, NOW + after)
    return made


OPEN, TAKEN = Turn("b", MARK, at()), Turn("b", MARK, at(), "j-7")
ON_ITS_WAY = Turn("b", MARK, at(), "j-7", is_parked=True)
MINUTES_4, HOUR = timedelta(minutes=4), timedelta(hours=1)
SOON = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("turn", "jobs", "after", "ended", "left", "is_missed"),
    [
        (OPEN, [], MINUTES_4 - SOON, (), OPEN, False),
        (OPEN, [], MINUTES_4, (), None, True),
        # The function that made it could not note it.
        (OPEN, [ours(7, 2, bucket="b")], MINUTES_4, (), TAKEN, False),
        # Another gap's job, or another installation's, took the place.
        (OPEN, [ours(7, 2, bucket="b", mark="1" * 8)], SOON, (), None, False),
        (OPEN, [ours(7, 2, bucket="other")], SOON, (), None, False),
        (TAKEN, [ours(7, 2, bucket="b")], HOUR, (), TAKEN, False),
        (TAKEN, [ours(7, 2, "Paused", "b")], HOUR, (), TAKEN, False),
        # It is so young that S3 does not list it yet, or it has ended.
        (TAKEN, [], HOUR - SOON, (), TAKEN, False),
        (TAKEN, [], SOON, ["j-7"], None, False),
        (TAKEN, [], HOUR, (), None, False),
        (TAKEN, [ours(7, 2, "Suspended", "b")], SOON, (), None, False),
        (ON_ITS_WAY, [ours(7, 2, "Suspended", "b")], MINUTES_4 - SOON, (), ON_ITS_WAY, False),
        (ON_ITS_WAY, [ours(7, 2, "Suspended", "b")], MINUTES_4, (), None, True),
        (ON_ITS_WAY, [ours(7, 2, "Ready", "b")], MINUTES_4, (), TAKEN, False),
        (ON_ITS_WAY, [], SOON, ["j-7"], None, False),
    ],
)
def test_when_a_turn_is_over(
    turn: Turn,
    jobs: list[Any],
    after: timedelta,
    ended: Collection[str],
    left: Turn | None,
    is_missed: bool,
) -> None:
    made = look(turn, *jobs, after=after, ended=ended)

    assert made.turns == ({2: left} if left else {})
    assert bool(made.missed) is is_missed


@pytest.mark.parametrize("parked", [False, True])
def test_who_lets_turns_pass_waits_longer_and_longer(parked: bool) -> None:
    made, job_id = Queue(), "j-1" if parked else ""
    jobs = [Listed.of(ours(1, 0, "Suspended", "b"))] if parked else []

    def missed(mark: str = MARK) -> float:
        made.turns = {0: Turn("b", mark, at(minutes=-4), job_id, is_parked=parked)}
        made.end_turns(jobs, bool, NOW)
        return (datetime.fromisoformat(made.missed["b"].until) - NOW) / timedelta(minutes=1)

    assert [missed() for _ in range(8)] == [5, 20, 80, 320, 1280, 1440, 1440, 1440]
    assert missed("1" * 8) == 5, "for another gap it begins anew"
    made.turns = {0: TAKEN}
    made.end_turns([], lambda _: True, NOW)
    assert made.missed == {}, "it has had a job"


def test_the_last_job_of_a_place_is_known_from_the_list_unless_it_is_parked() -> None:
    made = look(OPEN, ours(7, 0), ours(8, 1, "Suspended"), ours(9, 3), ours(5, 3), job(10))

    assert made.last == {0: "j-7", 3: "j-9"}


# --- where it is kept --------------------------------------------------------


FULL = queue(
    entry("b"),
    entry("p", job="j-1", place=1),
    seen={"b": '"1"'},
    turns={2: OPEN, 3: ON_ITS_WAY},
    missed={"b": Missed(MARK, 2, at())},
    last={0: "j-0"},
    is_ticking=True,
)
FULL.note("c", Record(job=replace(PARKED, since="")))


def reports(objects: Objects) -> ReportsBucket:
    s3: Any = objects
    return ReportsBucket(s3, "reports", "111122223333")


def test_what_is_written_is_read() -> None:
    objects, made = Objects(), replace(FULL)

    made.save(reports(objects))
    found = Queue.read(reports(objects))

    assert found == made
    assert Queue.read(reports(Objects())) == Queue()
    found.save(reports(objects))
    conditions = [
        {*asked} & {"IfMatch", "IfNoneMatch"}
        for name, asked in objects.asked
        if name == "put_object"
    ]
    assert conditions == [{"IfNoneMatch"}, {"IfMatch"}]


def changed(part: str, **changes: object) -> str:
    """A queue in which values are not what they should be."""
    data = json.loads(json.dumps(FULL.as_dict()))
    for each in data[part].values():
        each.update(changes)
    return json.dumps(data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '"queue"',
        json.dumps({**FULL.as_dict(), "turns": {"two": {}}}),
        json.dumps({**FULL.as_dict(), "entries": {"b": {"new": 1}}}),
        json.dumps({**FULL.as_dict(), "jobs": 7}),
        changed("entries", kind="other"),
        changed("entries", since="soon"),
        changed("entries", not_before="2026-03-02T09:18:08"),
        changed("turns", at=""),
        changed("missed", until=7),
        "[" * 100_000,
    ],
    ids=lambda text: text[:20],
)
def test_one_that_cannot_be_read_is_begun_anew_and_overwritten(text: str) -> None:
    objects = Objects()
    etag = objects.put(QUEUE, text)

    found = Queue.read(reports(objects))

    assert found == Queue(etag=etag)
    found.save(reports(objects))
    assert Queue.read(reports(objects)) == found


def test_what_somebody_else_wrote_is_not_overwritten() -> None:
    objects = Objects()
    one, other = Queue.read(reports(objects)), Queue.read(reports(objects))
    one.save(reports(objects))

    with pytest.raises(Conflict):
        other.save(reports(objects))
    objects.faults["put_object"] = refusal("AccessDenied")
    with pytest.raises(ClientError, match="AccessDenied"):
        one.save(reports(objects))


# --- one bucket takes its place ----------------------------------------------


class World:
    """What a function sees of the queue."""

    def __init__(self, made: Queue, *jobs: Any) -> None:
        self.objects, self.control = Objects(), Control(*jobs)
        self.objects.put(QUEUE, json.dumps(made.as_dict()))
        self.places = Places(reports(self.objects), self.control, "111122223333", 4)

    def take(self, waits: Entry) -> int | None:
        return self.places.take(waits, NOW)[0]

    def meanwhile(self, written: list[Queue]) -> None:
        """Have somebody else write these, each before one of ours."""

        def write(_: str) -> None:
            if written:
                self.objects.put(QUEUE, json.dumps(written.pop(0).as_dict()))

        self.objects.before_put = write

    @property
    def queue(self) -> Queue:
        return Queue.read(reports(self.objects))


def test_who_is_next_takes_a_place_and_others_are_not_told_of_theirs() -> None:
    world = World(many(2))

    assert world.take(entry("new", since=at(days=1))) == 1

    assert [turn.bucket for turn in world.queue.turns.values()] == ["new"]
    assert {*world.queue.entries} == {"q-0", "q-1", "new"}


def test_who_is_behind_others_takes_none_and_asks_for_no_jobs() -> None:
    world = World(many(4))

    assert world.take(entry("new", since=at(days=1))) is None

    assert world.control.asked == []
    assert world.objects.keys("put_object") == []


def test_who_has_a_turn_takes_it() -> None:
    world = World(replace(many(9), turns={1: Turn("new", MARK, at())}))

    assert world.take(entry("new", since=at(days=1))) == 1


def test_who_is_not_due_takes_none() -> None:
    world = World(Queue())

    assert world.take(entry("new", not_before=at(seconds=1))) is None
    assert world.control.asked == []


def test_who_is_not_known_yet_has_no_position() -> None:
    """Others that wait are not known either, before a tick has read their records."""
    world = World(many(9))

    _, unknown = world.places.take(entry("new", since=at(days=1)), NOW)
    _, known = world.places.take(many(9).entries["q-8"], NOW)

    assert (unknown.position("new", NOW), known.position("q-8", NOW)) == ((0, 9), (9, 9))


def test_who_gets_as_far_as_its_turn_is_held_back_no_more() -> None:
    missed = {"new": Missed(MARK, 5, at(days=1))}
    healthy, begun = World(Queue(missed=missed)), World(Queue(missed=missed))

    assert healthy.take(entry("new")) == 3
    assert begun.take(entry("new", begun=True)) is None, "it was its job that failed"


def test_a_record_that_was_read_since_is_read_again() -> None:
    """The check may know an older one, in which its bucket waits still."""
    world = World(Queue(seen={"new": "etag", "other": "etag"}))

    world.take(entry("new"))

    assert world.queue.seen == {"other": "etag"}


def test_who_cannot_use_its_turn_gives_it_up() -> None:
    turns = {
        1: Turn("b", MARK, at()),
        2: Turn("other", MARK, at()),
        3: Turn("b", MARK, at(), "j-1"),
    }
    world = World(Queue(turns=turns))

    world.places.give_up("b")

    assert {*world.queue.turns} == {2, 3}, "a job that is there keeps its place"


def test_who_comes_too_late_looks_again() -> None:
    world = World(Queue())
    others = [Queue(turns={3: Turn("other", MARK, at())})]
    world.meanwhile(others)

    assert world.take(entry("new")) == 2
    assert {turn.bucket for turn in world.queue.turns.values()} == {"other", "new"}


def test_who_comes_too_late_again_and_again_waits() -> None:
    world = World(Queue())
    world.meanwhile([Queue(last={0: str(number)}) for number in range(9)])

    assert world.take(entry("new")) is None
    assert len(world.objects.keys("put_object")) == 5


def test_a_job_that_was_made_is_noted_where_its_turn_is_still() -> None:
    world = World(queue(entry("b"), turns={0: OPEN, 1: Turn("other", MARK, at())}))

    world.places.note_job("b", 0, "j-7")
    world.places.note_job("b", 1, "j-8")

    found = world.queue
    assert found.turns == {0: TAKEN, 1: Turn("other", MARK, at())}
    assert (found.last, found.entries) == ({0: "j-7", 1: "j-8"}, {})


def test_a_place_is_given_back_by_whose_turn_it_was() -> None:
    world = World(Queue(turns={0: OPEN, 1: Turn("other", MARK, at())}, last={0: "j-1"}))

    world.places.give_back("b", 0)
    world.places.give_back("b", 1, "j-9")

    found = world.queue
    assert found.turns == {1: Turn("other", MARK, at())}
    assert found.last == {0: "j-1", 1: "j-9"}


def test_what_others_write_meanwhile_is_not_lost() -> None:
    world = World(Queue(turns={0: OPEN}))
    world.meanwhile([Queue(turns={0: OPEN}, is_ticking=True)])

    world.places.note_job("b", 0, "j-7")

    assert (world.queue.turns, world.queue.is_ticking) == ({0: TAKEN}, True)
