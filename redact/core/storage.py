"""Small files of redact's own, written whole or not at all, and folders for one process alone."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from redact.core import owners
from redact.core.owners import OWNER, heartbeat, is_orphan, owner
from redact.errors import UnwritableOutputError

_PATIENCE = 10.0  # seconds in which another process ends its writing
_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}

_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
_FLAGS = os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)


def write_whole(path: Path, text: str, *, private: bool = False) -> None:
    """Write a text; its name appears only when complete.

    Args:
        path: Where to; what is there is replaced.
        text: What.
        private: Whether nobody but this user may read it, from the first byte on.

    Raises:
        UnwritableOutputError: The folder is missing, read-only or full.
    """
    draft = path.with_name(f".{path.name[:40]}.{owner()}.{_tag(path)}.part")
    try:
        draft.unlink(missing_ok=True)  # another may have put it there, and made it a link
        handle = os.open(draft, _NEW, 0o600 if private else 0o666)
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - a handle
            file.write(text)
        draft.replace(path)
    except OSError as error:
        raise UnwritableOutputError(f"cannot be written: {error.strerror}", path) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def _tag(path: Path) -> str:
    """What tells a file from others whose names begin alike; a whole name may be too long."""
    return hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]


def write_private(path: Path, content: bytes) -> None:
    """Write a file for this user alone; its name appears when all of it is on the disk.

    Raises:
        OSError: It cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)  # what a killed process left
    try:
        handle = os.open(draft, _NEW, 0o600)
        with open(handle, "wb") as file:  # noqa: PTH123 - a handle
            file.write(content)
            file.flush()
            os.fsync(handle)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    with suppress(OSError):  # some file systems cannot flush a folder
        flush(path.parent)


def flush(path: Path) -> None:
    """Make sure that a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY if path.is_dir() or os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FolderLock:
    """Keeps others out of a folder, on this machine and on others, until it is closed.

    The file `lock` in it is locked as far as the file system honours that between machines. It
    names its owner, too, and its heartbeat tells others that the owner is alive.

    Args:
        file: The open file, locked.
        path: Its name.
    """

    def __init__(self, file: int, path: Path) -> None:
        self._file = file
        self._beating = ExitStack()
        self._beating.enter_context(heartbeat(path))

    def close(self) -> None:
        """Let others in; what is removed with the folder is not missed."""
        self._beating.close()
        with suppress(OSError):
            os.ftruncate(self._file, 0)
        os.close(self._file)


def lock(folder: Path) -> FolderLock | None:
    """The lock of a folder; None if another has it, or may have put there what is in it.

    Raises:
        OSError: There is no such folder.
    """
    return lock_by(folder / "lock") if is_private(os.lstat(folder)) else None


def lock_by(path: Path) -> FolderLock | None:
    """The lock that a file stands for; None if another has it, or nothing can be written there.

    Args:
        path: The file, made if it is not there; whoever has the lock may remove it.
    """
    try:
        handle = os.open(path, _FLAGS, 0o600)
    except OSError:
        return None
    try:
        _lock_file(handle)
        same = os.path.samestat(os.fstat(handle), os.lstat(path))
        if same and _take_ownership(handle, path):
            return FolderLock(handle, path)
    except OSError:  # another has it, or has just removed it
        pass
    os.close(handle)
    return None


def _take_ownership(handle: int, path: Path) -> bool:
    """Write this process's name into the file, unless another host's process is alive there."""
    said = re.fullmatch(OWNER, os.read(handle, 64).decode("ascii", "replace"))
    if said and said[1] != owners.host() and not is_orphan(path, said[1], int(said[2])):
        return False
    os.lseek(handle, 0, os.SEEK_SET)
    os.ftruncate(handle, 0)
    os.write(handle, owner().encode())
    os.fsync(handle)
    return True


@contextmanager
def writing_alone(path: Path) -> Iterator[None]:
    """Keep other processes from writing a file between reading it and writing it.

    Raises:
        UnwritableOutputError: Another one takes too long, or its folder cannot be written to.
    """
    place = path.with_name(f".{path.name[:40]}.{_tag(path)}.lock")
    until = monotonic() + _PATIENCE
    while (handle := _lock_for_writing(place, path)) is None:
        if monotonic() > until:
            raise UnwritableOutputError("another process is writing it", path, "try again")
        sleep(0.01)
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file; it stays, and is empty
            place.unlink()
        os.close(handle)


def _lock_for_writing(place: Path, path: Path) -> int | None:
    """The open file of a lock; None while another process has it, or has just removed it."""
    try:
        handle = os.open(place, _FLAGS, 0o600)
    except OSError as error:
        raise UnwritableOutputError(f"cannot be written: {error.strerror}", path) from error
    try:
        _lock_file(handle)
    except OSError as error:
        if error.errno in _HELD:
            os.close(handle)
            return None  # any other error: this file system has no locks
    with suppress(OSError):
        if os.path.samestat(os.fstat(handle), os.lstat(place)):
            return handle
    os.close(handle)
    return None


def is_private(found: os.stat_result) -> bool:
    """Whether that is a folder of this user's, in which nobody else can write."""
    if not stat.S_ISDIR(found.st_mode):
        return False
    return sys.platform == "win32" or (
        found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


def _lock_file(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
