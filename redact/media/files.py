"""Which files are media, whether they can be read, and whether they change meanwhile."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, TypeAlias

from redact.errors import (
    ChangedInputError,
    InputError,
    MissingInputError,
    UnreadableInputError,
    address,
)

VIDEO_SUFFIXES: frozenset[str] = frozenset(
    {".3g2", ".3gp", ".asf", ".avi", ".f4v", ".flv", ".m2p", ".m2t", ".m2ts", ".m4v", ".mkv"}
    | {".mod", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".qt", ".tod"}
    | {".tp", ".trp", ".ts", ".vob", ".webm", ".wmv", ".y4m"}
)
"""Lower-case suffixes of the containers that redact reads; see `core.names` for what it writes."""

STILL_SUFFIXES: frozenset[str] = frozenset(
    {".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".jfif", ".jpe", ".jpeg", ".jpg"}
    | {".mpo", ".png", ".psd", ".tif", ".tiff", ".webp"}
)
"""Lower-case suffixes of pictures, animated ones too."""

_RAW = "a camera's raw file cannot be read", "develop it, and save it as TIFF or JPEG"

_BARE = (
    "a bare stream cannot be read: it does not say when its pictures are shown",
    "put it into a container at its frame rate: ffmpeg -framerate 25 -i IN -c copy OUT.mp4",
)

UNREADABLE: Mapping[str, tuple[str, str]] = {
    ".264": _BARE, ".265": _BARE, ".avc": _BARE, ".h264": _BARE, ".h265": _BARE, ".hevc": _BARE,
    ".arw": _RAW, ".cr2": _RAW, ".cr3": _RAW, ".dng": _RAW, ".nef": _RAW, ".orf": _RAW,
    ".raf": _RAW, ".rw2": _RAW,
    ".jxl": ("JPEG XL cannot be read", "save it as PNG"),
    ".jp2": ("JPEG 2000 cannot be read", "save it as PNG"),
    ".psb": ("large Photoshop files cannot be read", "save it as TIFF or PNG"),
}  # fmt: skip
"""Lower-case suffixes of files that are known and not read: what to say, and what to do."""

OTHER_MEDIA_SUFFIXES: frozenset[str] = frozenset(
    {".amv", ".av1", ".braw", ".divx", ".dv", ".f4p", ".gxf", ".heics", ".heifs", ".insv", ".ivf"}
    | {".lrv", ".m1v", ".m2v", ".m4p", ".mjpeg", ".mjpg", ".mpv", ".mqv", ".nsv", ".nut", ".ogm"}
    | {".ogx", ".ps", ".r3d", ".rm", ".rmvb", ".swf", ".wtv", ".xvid"}
    | {".3fr", ".avifs", ".crw", ".dcr", ".erf", ".exr", ".hdr", ".ico", ".iiq", ".insp", ".j2k"}
    | {".jpf", ".jpx", ".jxr", ".kdc", ".mrw", ".nrw", ".pbm", ".pcx", ".pef", ".pgm"}
    | {".pnm", ".ppm", ".qoi", ".raw", ".sr2", ".srw", ".svg", ".svgz", ".tga", ".x3f"}
    | UNREADABLE.keys()
)
"""Lower-case suffixes of videos and pictures that redact does not read."""

Identity: TypeAlias = tuple[int, int, int, int]
"""Device, inode, bytes and nanoseconds of the last change: differs once a file is touched."""

_CHUNK = 1 << 20


def check_input(path: Path) -> None:
    """Refuse what cannot be read as a regular file.

    Raises:
        MissingInputError: Nothing there, or a folder, pipe, device or socket.
        UnreadableInputError: Empty, or reading is forbidden.
    """
    with open_input(path):
        pass


def open_input(path: Path) -> BinaryIO:
    """Open the file for reading; never waits for the other end of a pipe.

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


def create_file(path: Path) -> BinaryIO:
    """A new file for PyAV to write to, which takes no name that is not UTF-8.

    Raises:
        OSError: It exists, or cannot be created.
    """
    return open(os.open(path, _NEW_FLAGS, 0o600), "wb")  # noqa: PTH123 - see `open_input`


_NEW_FLAGS = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0)


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
    if address(path) is not None:
        problem = "this is an address, and redact reads files of this machine only"
        return MissingInputError(problem, path, "download it first, and name the file")
    if code in {errno.ENOENT, errno.ENOTDIR} or isinstance(error, ValueError):
        return MissingInputError("there is no such file", path, "check the name")
    return UnreadableInputError(f"cannot be opened: {system_message(error)}", path)


def identity(path: Path, file: BinaryIO | None = None) -> Identity:
    """What tells whether the file is still the same.

    Args:
        path: Its name.
        file: The open file to ask instead of the name.

    Raises:
        ChangedInputError: It is gone.
    """
    try:
        found = path.stat() if file is None else os.fstat(file.fileno())
    except OSError as error:
        raise ChangedInputError("the file is gone", path, "run again when it is back") from error
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def check_unchanged(path: Path, before: Identity, file: BinaryIO | None = None) -> None:
    """Refuse a file that is no longer the one seen before.

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
            raise UnreadableInputError(f"cannot be read: {system_message(error)}", path) from error
    check_unchanged(path, before)
    return f"sha256:{digest.hexdigest()}"


def system_message(error: OSError | ValueError) -> str:
    """The operating system's message, without the file's name."""
    return getattr(error, "strerror", None) or str(error)
