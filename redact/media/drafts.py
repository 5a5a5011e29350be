"""Results are written to a private draft and get their name only when complete and checked."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from redact.core.names import longest_name
from redact.core.owners import OWNER, heartbeat, is_orphan, owner
from redact.core.storage import flush
from redact.errors import OutputExistsError, UnwritableOutputError
from redact.media.files import system_message

_NO_HARD_LINKS = {
    errno.EPERM,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EMLINK,
    errno.EXDEV,
}
_WRITE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


@contextmanager
def draft(
    output: Path,
    *,
    source: Path,
    force: bool = False,
    check: Callable[[Path], None] | None = None,
) -> Iterator[Path]:
    """A private draft to write to, which gets the output's name after a clean end.

    The draft lies in a folder of mode 0700 beside the output. More files may be put next to it.
    After an error of any kind the folder is removed. Of two runs that write one output, on one
    machine or on two, the first to end has the name, also if both may replace what was there.

    Args:
        output: The final name.
        source: What is read. It is never replaced, under whatever name.
        force: Whether an existing output is replaced.
        check: Called with the draft before it gets the name; raises what is wrong with it.

    Yields:
        A name with the output's suffix where no file is yet.

    Raises:
        OutputExistsError: The name is taken, or it is the source, or another run took it meanwhile.
        UnwritableOutputError: No space, no permission, no such folder, or nothing was written.
    """
    check_output(output, source=source, force=force)
    before = _identity(output)
    folder = output.parent / f".{output.name[:40]}.{owner()}.{secrets.token_hex(4)}.part"
    try:
        _make(folder, output)
        written = folder / f"draft{output.suffix}"
        with heartbeat(folder):
            yield written
            if check is not None:
                check(written)
            _publish(written, output, source=source, force=force, before=before)
    except OSError as error:
        if is_write_error(error):
            _refuse(output, error)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clean(folder: Path) -> list[Path]:
    """Remove the drafts that killed processes left in a folder.

    Returns:
        What was removed.
    """
    found = []
    for path in sorted(folder.glob(".*.part")) if folder.is_dir() else ():
        match = _DRAFT_NAME.fullmatch(path.name)
        if match is None or path.is_symlink():
            continue
        with suppress(OSError):
            if is_orphan(path, match[1], int(match[2])):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                found.append(path)
    return found


_DRAFT_NAME = re.compile(rf"\..*?\.{OWNER}(?:\.[0-9a-f]{{8}})?\.part", re.DOTALL)
"""Names of drafts of results and of plans; the groups are the host and process that write them."""


def check_output(output: Path, *, source: Path, force: bool = False) -> None:
    """Refuse an output name that could not be used, before any work is done.

    Raises:
        OutputExistsError: The name is taken, or it is the source.
        UnwritableOutputError: The folder does not exist, or the name is too long for it.
    """
    check_length(output)
    with suppress(OSError):
        if output.samefile(source):
            raise OutputExistsError("the output is the source itself", output, "name another file")
    if output.is_dir():
        raise OutputExistsError("there is a folder of that name", output, "name another file")
    if not force and os.path.lexists(output):
        raise _taken(output)
    if not output.parent.is_dir():
        raise UnwritableOutputError("there is no such folder", output.parent, "create it")


def check_length(path: Path) -> None:
    """Refuse a name that is too long for the file system.

    Raises:
        UnwritableOutputError: It is.
    """
    length, most = len(os.fsencode(path.name)), longest_name(path.parent)
    if length > most:
        problem = f"the name has {length} bytes, and the file system allows {most}"
        raise UnwritableOutputError(problem, path, "give the original a shorter name")


def is_write_error(error: BaseException) -> bool:
    """Whether an error says that there is no space, or that nothing may be written."""
    return isinstance(error, OSError) and error.errno in _WRITE_ERRORS


def _make(folder: Path, output: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        _refuse(output, error)


def _identity(output: Path) -> tuple[int, ...] | None:
    """What tells whether a file of that name is still the one that was there; None for none."""
    try:
        found = output.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _publish(
    written: Path, output: Path, *, source: Path, force: bool, before: tuple[int, ...] | None
) -> None:
    """Give the draft its final name, once it is flushed to disk.

    Args:
        written: The draft.
        output: The final name.
        source: What was read.
        force: Whether the file that was there when the work began is replaced.
        before: What told that file from others, None if there was none.
    """
    check_output(output, source=source, force=force)
    try:
        flush(written)
        if force and before is not None:
            if _identity(output) != before:
                raise _written_meanwhile(output)
            written.replace(output)
        else:
            _link_name(written, output)
    except FileExistsError as error:
        raise _taken(output) from error
    except OSError as error:
        _refuse(output, error)
    with suppress(OSError):  # some file systems cannot flush a folder
        flush(output.parent)


def _link_name(written: Path, output: Path) -> None:
    """Take the name by a hard link, which fails if the name exists, even in a race."""
    try:
        output.hardlink_to(written)
    except OSError as error:
        if isinstance(error, FileExistsError) and output.samefile(written):
            return  # a server did it, its answer was lost, and it was asked again
        if error.errno not in _NO_HARD_LINKS:
            raise
        _reserve_name(written, output)


def _reserve_name(written: Path, output: Path) -> None:
    """Take the name where the file system has no hard links, as on most memory cards."""
    if os.name == "nt":
        written.rename(output)  # refuses an existing name there
        return
    os.close(os.open(output, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    try:
        written.replace(output)
    except BaseException:
        output.unlink(missing_ok=True)
        raise


def _taken(output: Path) -> OutputExistsError:
    return OutputExistsError(
        "the file exists already", output, "name another, or allow replacing it with --force"
    )


def _written_meanwhile(output: Path) -> OutputExistsError:
    return OutputExistsError(
        "another run has written it meanwhile", output, "look at what it is before you run again"
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
    raise UnwritableOutputError(
        f"cannot be written: {system_message(error)}", output, remedy
    ) from error
