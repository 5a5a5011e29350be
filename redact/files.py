"""Which files are media, whether they may be read, and how a finished one gets its name."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn, TypeAlias

from redact.errors import (
    ChangedInputError,
    InputError,
    MissingInputError,
    OutputExistsError,
    UnreadableInputError,
    UnwritableOutputError,
)

VIDEO_SUFFIXES: frozenset[str] = frozenset(
    {".avi", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mts", ".ts", ".webm"}
)
"""Lower-case suffixes of the containers that redact reads and writes."""

STILL_SUFFIXES: frozenset[str] = frozenset(
    {".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".jpe", ".jpeg", ".jpg", ".png"}
    | {".tif", ".tiff", ".webp"}
)
"""Lower-case suffixes of pictures, animated ones too."""

Identity: TypeAlias = tuple[int, int, int, int]
"""Device, inode, bytes and nanoseconds of the last change: differs once a file is touched."""

_CHUNK = 1 << 20
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
_ABOUT_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


def check_input(path: Path) -> None:
    """Refuse what cannot be read as one file.

    Raises:
        MissingInputError: Nothing there, or a folder, pipe, device or socket.
        UnreadableInputError: Empty, or reading is forbidden.
    """
    with open_input(path):
        pass


def open_input(path: Path) -> BinaryIO:
    """The file opened for reading, never waiting for a pipe's other end.

    Raises:
        MissingInputError: Nothing there, or not a regular file.
        UnreadableInputError: Empty, or reading is forbidden.
    """
    try:
        _check_regular(path, os.stat(path).st_mode)  # noqa: PTH116 - a device is never opened
        file = open(os.open(path, _FLAGS), "rb")  # noqa: SIM115, PTH123 - the caller closes it
    except (OSError, ValueError) as error:
        raise _unopened(path, error) from error
    try:
        found = os.fstat(file.fileno())
        _check_regular(path, found.st_mode)  # again: the name may have changed hands
        if not found.st_size:
            raise UnreadableInputError("the file is empty", path)
    except BaseException:
        file.close()
        raise
    return file


_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def _check_regular(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise MissingInputError("this is a folder, not a file", path)
    if not stat.S_ISREG(mode):
        raise MissingInputError(
            "this is a pipe, device or socket, not a regular file", path, "copy it to a file first"
        )


def _unopened(path: Path, error: OSError | ValueError) -> InputError:
    code = error.errno if isinstance(error, OSError) else None
    if code in {errno.EACCES, errno.EPERM}:
        return UnreadableInputError("reading is not permitted", path, "change its permissions")
    if code == errno.ELOOP:
        return MissingInputError("the symbolic link leads nowhere: it runs in a circle", path)
    if code in {errno.ENOENT, errno.ENOTDIR} or isinstance(error, ValueError):
        return MissingInputError("there is no such file", path, "check the name")
    return UnreadableInputError(f"cannot be opened: {_words(error)}", path)


def identity(path: Path, file: BinaryIO | None = None) -> Identity:
    """What tells whether the file is still the same; of the open file, if one is given.

    Raises:
        ChangedInputError: It is gone.
    """
    try:
        found = path.stat() if file is None else os.fstat(file.fileno())
    except OSError as error:
        raise ChangedInputError("the file is gone", path, "run again when it is back") from error
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def check_unchanged(path: Path, before: Identity, file: BinaryIO | None = None) -> None:
    """Refuse a file that is no longer the one seen before, by name or as opened.

    Raises:
        ChangedInputError: Its identity, size or time of change differs.
    """
    if identity(path, file) != before:
        raise ChangedInputError(
            "the file changed while it was read", path, "wait until it is complete, then run again"
        )


def fingerprint(path: Path) -> str:
    """`sha256:` and the digest of the whole file.

    Raises:
        InputError: It cannot be read.
        ChangedInputError: It changed meanwhile.
    """
    digest = hashlib.sha256()
    with open_input(path) as file:
        before = identity(path, file)
        try:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        except OSError as error:
            raise UnreadableInputError(f"cannot be read: {_words(error)}", path) from error
    check_unchanged(path, before)
    return f"sha256:{digest.hexdigest()}"


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
        _flush(path.parent)


_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)


@contextmanager
def draft(
    output: Path,
    *,
    source: Path,
    force: bool = False,
    check: Callable[[Path], None] | None = None,
) -> Iterator[Path]:
    """A private place to write to, which gets the output's name after a clean end.

    The place is a file name inside a folder of mode 0700 beside the output; more files may be
    put next to it. After an error, of any kind, all of it is removed.

    Args:
        output: The final name.
        source: What is read; never replaced, under whatever name.
        force: Whether an existing output is replaced.
        check: Called with what was written before it gets the name; raises what is wrong with it.

    Yields:
        A name with the output's suffix where no file is yet.

    Raises:
        OutputExistsError: The name is taken, or it is the source.
        UnwritableOutputError: No space, no permission, no such folder, or nothing was written.
    """
    check_output(output, source=source, force=force)
    folder = output.parent / f".{output.name[:40]}.{os.getpid()}.{secrets.token_hex(4)}.part"
    try:
        _make(folder, output)
        written = folder / f"draft{output.suffix}"
        yield written
        if check is not None:
            check(written)
        _publish(written, output, source=source, force=force)
    except OSError as error:
        if is_about_writing(error):
            _refuse(output, error)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clean(folder: Path) -> list[Path]:
    """Remove what killed processes left in a folder: old drafts whose process is gone.

    Returns:
        What was removed.
    """
    found = []
    for path in sorted(folder.glob(".*.part")) if folder.is_dir() else ():
        match = _LEFT.fullmatch(path.name)
        if match is None or path.is_symlink() or _is_running(int(match[1])):
            continue
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                found.append(path)
    return found


_LEFT = re.compile(r"\..*\.(\d+)(?:\.[0-9a-f]{8})?\.part", re.DOTALL)
"""Names of drafts of results and of plans, and the process in them."""

_STALE = 60.0
"""Seconds: the process may run on another machine that shares the folder."""


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


def check_output(output: Path, *, source: Path, force: bool = False) -> None:
    """Refuse a final name that could not be given, before any work is done.

    Raises:
        OutputExistsError: The name is taken, or it is the source.
        UnwritableOutputError: The folder does not exist.
    """
    with suppress(OSError):
        if output.samefile(source):
            raise OutputExistsError("the output is the source itself", output, "name another file")
    if output.is_dir():
        raise OutputExistsError("there is a folder of that name", output, "name another file")
    if not force and os.path.lexists(output):
        raise _taken(output)
    if not output.parent.is_dir():
        raise UnwritableOutputError("there is no such folder", output.parent, "create it")


def is_about_writing(error: BaseException) -> bool:
    """Whether an error says that there is no space, or that nothing may be written."""
    return isinstance(error, OSError) and error.errno in _ABOUT_WRITING


def _make(folder: Path, output: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        _refuse(output, error)


def _publish(written: Path, output: Path, *, source: Path, force: bool) -> None:
    """Give the draft its final name: complete and on disk, or not at all."""
    check_output(output, source=source, force=force)
    try:
        _flush(written)
        if force:
            written.replace(output)
        else:
            _claim(written, output)
    except FileExistsError as error:
        raise _taken(output) from error
    except OSError as error:
        _refuse(output, error)
    with suppress(OSError):  # some file systems cannot flush a folder
        _flush(output.parent)


def _claim(written: Path, output: Path) -> None:
    """Take the name only if nobody has it, even where two try at once."""
    try:
        output.hardlink_to(written)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _reserve(written, output)


def _reserve(written: Path, output: Path) -> None:
    """The same where the file system knows no links, as on most memory cards."""
    if os.name == "nt":
        written.rename(output)  # refuses an existing name there
        return
    os.close(os.open(output, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    try:
        written.replace(output)
    except BaseException:
        output.unlink(missing_ok=True)
        raise


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY if path.is_dir() or os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _taken(output: Path) -> OutputExistsError:
    return OutputExistsError(
        "the file exists already", output, "name another, or allow replacing it with --force"
    )


def _refuse(output: Path, error: OSError) -> NoReturn:
    remedies = {
        errno.ENOSPC: "free some space",
        errno.EDQUOT: "free some space",
        errno.EACCES: "choose a folder that you may write to",
        errno.EPERM: "choose a folder that you may write to",
        errno.EROFS: "choose a folder that you may write to",
    }
    remedy = remedies.get(error.errno or 0)
    raise UnwritableOutputError(f"cannot be written: {_words(error)}", output, remedy) from error


def _words(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
