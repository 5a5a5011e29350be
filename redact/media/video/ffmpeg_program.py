"""Runs the ffmpeg program as a child process, with its messages in a file and a timeout."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from time import monotonic

from redact.errors import EngineError

_HANG_TIMEOUT = 120.0
"""Seconds without progress after which the program counts as hanging."""

_POLL_INTERVAL = 0.05
"""Seconds between two polls of the process at first; doubled up to one second."""


_TO_PRIVATE = {0xDC00 + byte: 0x10DC00 + byte for byte in range(0x80, 0x100)}
_FROM_PRIVATE = {private: lone for lone, private in _TO_PRIVATE.items()}
"""Bytes of a name that is no UTF-8, as Python spells them, and as ffmpeg-python takes them."""


def file_url(path: Path) -> str:
    """A URL that ffmpeg takes neither for an option nor for another protocol.

    It is for `run_program`, which puts back what ffmpeg-python does not take.
    """
    return f"file:{path.absolute()}".translate(_TO_PRIVATE)


def run_program(arguments: list[str], written: Path) -> None:
    """Run ffmpeg in the folder of the file that it writes. Its messages go to `log` there.

    Raises:
        EngineError: It failed, was killed, hangs, or wrote nothing.
        OSError: There is no space left.
    """
    log = written.with_name("log")
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [argument.translate(_FROM_PRIVATE) for argument in arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            cwd=written.parent,
        )
        try:
            code = _wait(process, written)
        finally:
            process.kill()
            process.wait()
    if code:
        raise _failure(code, log)
    if not written.exists():
        raise EngineError("the finishing command wrote nothing", written)


def _wait(process: subprocess.Popen[bytes], written: Path) -> int:
    """Wait for the exit status while the written file keeps growing."""
    seen, since, pause = (-1, -1), monotonic(), _POLL_INTERVAL
    while True:
        try:
            return process.wait(pause)
        except subprocess.TimeoutExpired:
            pause = min(1.0, 2 * pause)
        state = _file_state(written)
        if state != seen:
            seen, since = state, monotonic()
        elif monotonic() - since > _HANG_TIMEOUT:
            raise EngineError("the finishing command hangs", remedy="try again")


def _file_state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _failure(code: int, log: Path) -> Exception:
    said = log.read_text(encoding="utf-8", errors="replace").strip()
    full = {256 - number for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)}
    told = "No space left" in said or "File too large" in said
    if told or (not said and code in full):  # there was no space for its messages either
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    last = said.splitlines()[-1] if said else f"exit status {code}"
    return EngineError(f"the finishing command failed: {last}", remedy="try --audio drop")
