"""Doing several things at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_threads(work: Callable[[T], R], items: Iterable[T], threads: int = 4) -> Iterator[R]:
    """Do the work for each item; yields each result when it is there, in no order.

    The threads are daemons: after Ctrl-C nobody has to wait for a function that takes minutes,
    as the pool of the standard library would.

    Raises:
        BaseException: the first error of the work; what has not begun then never begins.
    """
    waiting: SimpleQueue[T] = SimpleQueue()
    done: SimpleQueue[R | BaseException] = SimpleQueue()
    stopped = Event()
    count = 0
    for item in items:
        waiting.put(item)
        count += 1

    def run() -> None:
        while not stopped.is_set():
            try:
                item = waiting.get_nowait()
            except Empty:
                return
            try:
                done.put(work(item))
            except BaseException as error:  # noqa: BLE001 - raised below, in the caller's thread
                done.put(error)

    for _ in range(min(threads, count)):
        Thread(target=run, daemon=True).start()
    try:
        for _ in range(count):
            result = done.get()
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        stopped.set()
