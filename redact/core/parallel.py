"""Work done in threads a few items ahead of whoever uses the results, in order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, nullcontext
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeAlias, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Start: TypeAlias = Callable[[Executor, Item], Callable[[], Result]]
"""Submits all work on an item to an executor; what it returns waits for the result."""

WORKERS = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
"""Processors that this process may use: in a container often fewer than there are."""
AHEAD = 8
"""Items started beyond two for each worker: some frames get a costly pass, and others must not wait
for it. Each holds a picture, a check's even two, so that many workers must not be far ahead."""


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int = WORKERS
) -> Generator[tuple[Item, Result], None, None]:
    """Each item with what the function returns for it: see `run_ahead`."""
    return run_ahead(lambda pool, item: pool.submit(function, item).result, items, workers)


def run_ahead(
    start: Start[Item, Result], items: Iterable[Item], workers: int = WORKERS
) -> Generator[tuple[Item, Result], None, None]:
    """Each item with its result, in order, computed a few items ahead in threads.

    One more thread takes the items and starts the work. So reading, working and using the results
    do not wait for each other. What any of them raises is raised here, in its place; when the
    caller stops, nothing keeps running.

    Args:
        start: Submits the work on one item.
        items: Taken only a few ahead; closed at the end if they are a generator.
        workers: Threads that work.
    """
    slots, stopped = Semaphore(2 * workers + AHEAD), Event()
    started: SimpleQueue[tuple[Item, Callable[[], Result]] | BaseException | None] = SimpleQueue()

    def feed() -> None:
        coming = iter(items)
        try:
            with closing(coming) if isinstance(coming, Generator) else nullcontext():
                for item in coming:
                    started.put((item, start(pool, item)))
                    del item  # it may be large, and there may be no slot for a while
                    slots.acquire()
                    if stopped.is_set():
                        break
            started.put(None)
        except BaseException as error:
            started.put(error)

    pool = ThreadPoolExecutor(workers)
    feeder = Thread(target=feed)
    try:
        feeder.start()
        while (got := started.get()) is not None:
            if isinstance(got, BaseException):
                raise got
            yield got[0], got[1]()
            del got
            slots.release()
    finally:
        stopped.set()
        slots.release()
        if feeder.ident is not None:  # an interruption may come before it runs
            feeder.join()
        pool.shutdown(cancel_futures=True)
