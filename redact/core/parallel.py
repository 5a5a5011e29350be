"""Work done in threads a few items ahead of whoever uses what comes of it, in order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, nullcontext
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeAlias, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

Begin: TypeAlias = Callable[[Executor, Given], Callable[[], Made]]
"""Gives an executor all that is to be done with an item; what it returns waits for the result."""

WORKERS = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
"""Processors that this process may use: in a container often fewer than there are."""
AHEAD = 8
"""Items begun beyond two for each worker: some frames get a costly look, and others must not wait
for it. Each holds a picture, a check's even two, so that many workers must not be far ahead."""


def map_ahead(
    function: Callable[[Given], Made], items: Iterable[Given], workers: int = WORKERS
) -> Generator[tuple[Given, Made], None, None]:
    """Each item with what the function made of it: see `run_ahead`."""
    return run_ahead(lambda pool, item: pool.submit(function, item).result, items, workers)


def run_ahead(
    begin: Begin[Given, Made], items: Iterable[Given], workers: int = WORKERS
) -> Generator[tuple[Given, Made], None, None]:
    """Each item with what was made of it, in order, made a few items ahead in threads.

    One more thread takes the items and begins the work, so that nobody waits for anybody: not those
    who read, not those who work, not the caller, who uses what came of it. What any of them raises
    is raised here, in its place; when the caller stops, nothing keeps running.
    """
    room, stopped = Semaphore(2 * workers + AHEAD), Event()
    begun: SimpleQueue[tuple[Given, Callable[[], Made]] | BaseException | None] = SimpleQueue()

    def feed() -> None:
        coming = iter(items)
        try:
            with closing(coming) if isinstance(coming, Generator) else nullcontext():
                for item in coming:
                    begun.put((item, begin(pool, item)))
                    del item  # it may be large, and there may be no room for a while
                    room.acquire()
                    if stopped.is_set():
                        break
            begun.put(None)
        except BaseException as error:
            begun.put(error)

    pool = ThreadPoolExecutor(workers)
    feeder = Thread(target=feed)
    try:
        feeder.start()
        while (got := begun.get()) is not None:
            if isinstance(got, BaseException):
                raise got
            yield got[0], got[1]()
            del got
            room.release()
    finally:
        stopped.set()
        room.release()
        if feeder.ident is not None:  # an interruption may come before it began
            feeder.join()
        pool.shutdown(cancel_futures=True)
