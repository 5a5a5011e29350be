"""What a worker process gives up before it reads a stranger's file, as far as the system can.

Everywhere but on Windows: memory, and pictures of its memory on disk. On Linux also, for itself
and all that it starts: sockets, so that nothing can be sent, and writing anywhere but beside the
results. What a kernel does not know is left out; the other limits hold all the same.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

LEAST_MEMORY = 3 << 30
"""Bytes: large pictures in a slow encoder need about that much."""

_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38
_FILTER = 2

_CALLS = {"x86_64": (0xC000003E, 41, 16), "aarch64": (0xC00000B7, 198, 29)}
"""By machine: its number in the kernel's audit headers, and those of `socket` and `ioctl`."""

_IO_URING_SETUP = 425
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # both put characters where others read what was typed
_X32 = 0x40000000  # calls from here on are those of another interface to the same kernel
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 13  # the second says `permission denied`

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_WRITE_FILE, _REFER, _TRUNCATE = 1 << 1, 1 << 13, 1 << 14
_MAKE_OR_REMOVE = sum(1 << bit for bit in range(4, 13))
_NETWORK = 3  # bind and connect

_NO_DEVICES = (
    *("console", "hidraw", "input", "kmem", "kmsg", "mem", "port", "ptmx", "pts", "tty", "uhid"),
    *("uinput", "vcs", "vhci"),
)
"""What names in `/dev` begin with that no engine writes to: terminals, keyboards, memory."""


def memory_for(processes: int) -> int:
    """Bytes that each of so many worker processes may use."""
    try:
        present = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return 4 * LEAST_MEMORY
    return max(LEAST_MEMORY, present * 9 // 10 // processes)


def apply_limits(memory: int, writable: Sequence[Path]) -> None:
    """Limit this process for good; to be called before any thread is started.

    Args:
        memory: Bytes that may be used.
        writable: Folders below which files may be written. Of one that does not exist yet, the
            topmost folder that is missing is made: above it, nothing is a result's.
    """
    if sys.platform == "win32":
        return
    limit_memory(memory)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
            restrict_writing(libc, writable)
            forbid_sockets(libc)


def limit_memory(memory: int) -> None:
    """Bound memory, and forbid dumps of it."""
    if sys.platform == "win32":
        return
    import resource

    forbid_dumps()
    _limit(resource.RLIMIT_DATA, memory)


def forbid_dumps() -> None:
    """Forbid pictures of this process's memory on disk, which would hold clear pictures."""
    if sys.platform == "win32":
        return
    import resource

    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":  # a program that the kernel gives dumps to is not held by that
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _limit(which: int, most: int) -> None:
    import resource

    _, hard = resource.getrlimit(which)
    bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(which, (bound, bound))  # a soft one could be raised again


def forbid_sockets(libc: Any) -> bool:
    """Refuse to open sockets, and to type into terminals; whether the kernel took it."""
    known = _CALLS.get(platform.machine())
    if known is None:
        return False
    machine, socket, ioctl = known
    lines = [
        (0x20, 0, 0, 4),  # load the machine
        (0x15, 1, 0, machine),  # equal: go on
        (0x06, 0, 0, _REFUSE),
        (0x20, 0, 0, 0),  # load the call
        (0x35, 7, 0, _X32),  # from there on: refuse
        (0x15, 6, 0, socket),
        (0x15, 5, 0, _IO_URING_SETUP),  # it opens sockets too
        (0x15, 0, 3, ioctl),  # any other call: allow
        (0x20, 0, 0, 24),  # load the low half of what is asked of a device
        (0x15, 2, 0, _TIOCSTI),
        (0x15, 1, 0, _TIOCLINUX),
        (0x06, 0, 0, _ALLOW),
        (0x06, 0, 0, _REFUSE),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in lines))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(lines), ctypes.addressof(code)))
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER, program, 0, 0) == 0)


def restrict_writing(libc: Any, writable: Sequence[Path]) -> bool:
    """Refuse to write, make or remove files anywhere else; whether the kernel took it."""
    version = libc.syscall(_CREATE_RULESET, None, 0, 1)
    if version < 2:  # the first version forbids to link from one folder to another at all
        return False
    files = _WRITE_FILE | (_TRUNCATE if version >= 3 else 0)
    folders = files | _MAKE_OR_REMOVE | _REFER
    handled = struct.pack("=2Q", folders, _NETWORK) if version >= 4 else struct.pack("=Q", folders)
    rules = libc.syscall(_CREATE_RULESET, handled, len(handled), 0)
    if rules < 0:
        return False
    try:
        for device in _devices():
            _allow_below(libc, rules, device, files)
        _allow_below(libc, rules, Path("/dev/shm"), folders)  # where libraries share memory
        for path in {_topmost(path.absolute()) for path in writable}:
            with suppress(OSError):
                path.mkdir(exist_ok=True)  # another worker may have been quicker
            _allow_below(libc, rules, path, folders)
        return bool(libc.syscall(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow_below(libc: Any, rules: int, folder: Path, what: int) -> None:
    with suppress(OSError):
        handle = os.open(folder, os.O_PATH | os.O_CLOEXEC)  # type: ignore[attr-defined,unused-ignore]
        try:
            libc.syscall(_ADD_RULE, rules, 1, struct.pack("=Qi", what, handle), 0)
        finally:
            os.close(handle)


def _devices() -> list[Path]:
    """What may be written to in `/dev`, such as graphics cards: no disk, and nothing that types."""
    with suppress(OSError):
        found = [path for path in Path("/dev").iterdir() if not path.name.startswith(_NO_DEVICES)]
        return [path for path in found if not (path.is_symlink() or path.is_block_device())]
    return [Path(os.devnull)]


def _topmost(path: Path) -> Path:
    """A folder, or the topmost one that is missing on the way to it."""
    every = (path, *path.parents)
    missing = [it for it in every if not os.path.exists(it)]  # noqa: PTH110 - never raises
    return (missing or [path])[-1]
