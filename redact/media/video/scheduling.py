"""Opens encoders so that none goes before everything else that the machine does."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any


def open_encoder_context(context: Any) -> None:
    """Open an encoder, and take back the real-time priority that it may give to this process.

    SVT-AV1 does so where it can, as root: to its threads and to the one that opened it, and so to
    all that this begins later. Two that wait for each other by trying can stop the machine.

    Args:
        context: FFmpeg's, of an encoder, with all of its options.

    Raises:
        av.FFmpegError: It does not open.
    """
    if sys.platform != "linux":
        context.open()
        return
    before = os.sched_getscheduler(0)
    try:
        context.open()
    finally:
        if os.sched_getscheduler(0) != before:
            for thread in Path("/proc/self/task").iterdir():
                with suppress(OSError):  # it has ended meanwhile
                    os.sched_setscheduler(int(thread.name), before, os.sched_param(0))
