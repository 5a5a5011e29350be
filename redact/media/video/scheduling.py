"""Keeps an encoder from going before everything else that the machine does."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def kept_scheduling() -> Iterator[None]:
    """Take back the real-time priority that an encoder gives to this process as it opens.

    SVT-AV1 does so where it may, as root: to its threads and to the one that opened it, and so to
    all that this begins later. Two that wait for each other by trying can stop the machine.
    """
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getscheduler(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != before:
            for thread in Path("/proc/self/task").iterdir():
                with suppress(OSError):  # it has ended meanwhile
                    os.sched_setscheduler(int(thread.name), before, os.sched_param(0))
