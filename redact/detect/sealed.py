"""Values in files of the detection cache: JSON with every number exact, behind a digest of it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any, TypeVar

from redact.core.strict_json import make_converter, parse_json

Value = TypeVar("Value")

_CONVERTER = make_converter()

_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):  # a pipe is not waited for
    _FLAGS |= getattr(os, _name, 0)


def seal(value: Any) -> bytes:
    """A line with the digest of the rest, and the value as JSON with every number exact."""
    text = json.dumps(_CONVERTER.unstructure(value), allow_nan=False, separators=(",", ":"))
    return f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}".encode()


def unseal(data: bytes, kind: type[Value]) -> Value:
    """The value that `seal` was given.

    Raises:
        Exception: Of any kind: the data are something else, damaged or cut off.
    """
    digest, _, text = data.partition(b"\n")
    if digest != hashlib.sha256(text).hexdigest().encode():
        raise ValueError("it is damaged")
    return _CONVERTER.structure(parse_json(text.decode()), kind)


def read_sealed(path: Path, largest: int) -> bytes:
    """What a file holds that may be one; no link is followed.

    Whoever may write in the folder above can put another folder in the place of the one that was
    found to be this user's; but no file of this user's into that.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no file of this user's, or longer than that many bytes.
    """
    with open(os.open(path, _FLAGS), "rb") as file:  # noqa: PTH123 - a handle
        found = os.fstat(file.fileno())
        own = sys.platform == "win32" or found.st_uid == os.geteuid()
        if not (own and stat.S_ISREG(found.st_mode)) or found.st_size > largest:
            raise ValueError("this is no file of a detection cache")
        return file.read(found.st_size)
