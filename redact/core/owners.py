"""Who is at work in a folder that several machines may share: a process's name, and its heartbeat.

A process number means something on one machine only, until it is started again. So what a process
leaves in a folder names its host, too: the machine, its boot, and its process namespace. Whether a
process of this host runs can be asked. Of another host's all that can be seen is the time of the
last change of what it works on, which its heartbeat renews.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Event, Thread

HEARTBEAT = 10.0
"""Seconds between two signs of life."""

QUIET_HERE = 60.0
"""Seconds without a sign of life, and without its process, after which a thing of this host's is
an orphan."""

QUIET_ELSEWHERE = 3600.0
"""The same for another host's, whose process cannot be asked for: longer than networks fail."""

OWNER = r"(?:([0-9a-f]{8})\.)?(\d+)"
"""A regular expression for `owner`; its groups are the host and the process. Earlier versions
named no host."""


@cache
def host() -> str:
    """Eight hexadecimal digits for this machine, its boot, and this process namespace."""
    known = [platform.node()]
    for name in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with suppress(OSError):
            path = Path(name)
            known.append(str(path.readlink()) if path.is_symlink() else path.read_text("ascii"))
    if len(known) == 1:  # a system that does not tell
        known.append(str(uuid.getnode()))
    return hashlib.sha256("\n".join(known).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def owner(pid: int | None = None) -> str:
    """`HOST.PID` for a process of this host; for this one if none is named."""
    return f"{host()}.{os.getpid() if pid is None else pid}"


def is_orphan(path: Path, whose: str | None, pid: int) -> bool:
    """Whether the process that made a file or a folder is gone, as far as can be told from here.

    Args:
        path: What it made, and touches while it is at work.
        whose: Its host, None if that is not known.
        pid: Its process on that host.

    Raises:
        OSError: There is no such file, or its age cannot be told.
    """
    quiet = now_in(path.parent) - path.lstat().st_mtime
    if whose == host():
        return quiet > QUIET_HERE and not _is_running(pid)
    return quiet > QUIET_ELSEWHERE and not (whose is None and _is_running(pid))


def now_in(folder: Path) -> float:
    """The time by the clock that dates files there, which may be that of a server.

    Raises:
        OSError: Nothing can be written there.
    """
    with tempfile.TemporaryFile(dir=folder, prefix=".", suffix=".part") as probe:
        probe.write(b".")
        probe.flush()
        return os.fstat(probe.fileno()).st_mtime


@contextmanager
def heartbeat(path: Path) -> Iterator[None]:
    """Touch a file or folder again and again, so that other hosts see that its process is alive."""
    over = Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT):
            with suppress(OSError):  # it is gone, or the network is: there may be a next time
                os.utime(path)

    thread = Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(HEARTBEAT)  # a network that does not answer is not waited for


def _is_running(pid: int) -> bool:
    if sys.platform == "win32":
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)  # may ask, nothing else
        return bool(handle and ctypes.windll.kernel32.CloseHandle(handle))
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    with suppress(OSError, IndexError):  # a dead process whose parent has not asked for it yet
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True
