"""Whether two machines mean the same by a path: marks in folders, and digests of sources."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

from redact.cluster.messages import Proof
from redact.core.owners import owner
from redact.errors import InputError, UnwritableOutputError
from redact.media.files import open_input

BLOCK, BLOCKS = 1 << 16, 32
"""Bytes of a block, and how many of them are compared, the first and the last among them."""

PATIENCE = 30.0
"""Seconds in which what one machine wrote must be seen by another: network file systems cache."""


@dataclass(slots=True)
class Marks:
    """Files with a secret in folders, by which others prove that they see the same ones.

    They are named as drafts are, so that those that a killed run leaves are removed by a later one.
    """

    _secret: str = field(default_factory=lambda: secrets.token_hex(16))
    _paths: dict[Path, Path] = field(default_factory=dict)

    def prove(self, source: Path, output: Path) -> Proof:
        """What a worker must see for a file.

        Raises:
            InputError: The source cannot be read.
            UnwritableOutputError: Nothing can be written beside the output.
        """
        size, found = digest(source)
        return Proof(size, found, *self.mark(output.parent))

    def mark(self, folder: Path) -> tuple[Path, str]:
        """A file in a folder, and the secret in it.

        Raises:
            UnwritableOutputError: It cannot be written.
        """
        path = self._paths.get(folder)
        if path is None or not path.exists():
            path = folder / f".redact-cluster.{owner()}.{secrets.token_hex(4)}.part"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_text(self._secret, encoding="ascii")
            except OSError as error:
                problem = f"cannot be written: {error.strerror}"
                raise UnwritableOutputError(problem, folder, "choose another with -o") from error
            self._paths[folder] = path
        return path, self._secret

    def remove(self) -> None:
        """Remove them all."""
        for path in self._paths.values():
            with suppress(OSError):
                path.unlink()
        self._paths.clear()


def digest(source: Path) -> tuple[int, str]:
    """A file's size, and a digest of blocks all over it; all of it up to 2 MiB.

    The whole file's fingerprint would be read through the client's network for every file; it is
    taken where the work is done, and stands in the plan.

    Raises:
        InputError: It cannot be read.
    """
    found = hashlib.sha256()
    with open_input(source) as file:
        size = os.fstat(file.fileno()).st_size
        step = max(BLOCK, (size - BLOCK) // (BLOCKS - 1))
        for place in [*range(0, max(1, size - BLOCK), step), max(0, size - BLOCK)]:
            file.seek(place)
            found.update(file.read(BLOCK))
    return size, found.hexdigest()


def find_difference(source: Path, output: Path, proof: Proof) -> str | None:
    """Why what this machine sees is not what the client sees; None if it is.

    Args:
        source: To be read.
        output: To be written.
        proof: From the client.
    """
    try:
        seen = digest(source)
    except (InputError, OSError) as error:
        return f"it does not see {source} as you do: {getattr(error, 'problem', error)}"
    if seen != (proof.size, proof.digest):
        return f"under the name {source} it sees another file than you"
    if not sees(proof.mark, proof.content):
        return f"its {output.parent} is another folder than yours: nothing that you write is there"
    probe = output.parent / f".redact-cluster.{owner()}.{secrets.token_hex(4)}.part"
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        return f"it cannot write in {output.parent}: {error.strerror}"
    return None


def sees(mark: Path, content: str) -> bool:
    """Whether the mark is there, or comes while a network file system looks again."""
    until = monotonic() + PATIENCE
    while True:
        with suppress(OSError, UnicodeDecodeError):
            return mark.read_text(encoding="ascii") == content
        if not mark.parent.is_dir() or monotonic() > until:
            return False
        sleep(0.5)
        with suppress(OSError):
            os.listdir(mark.parent)  # noqa: PTH208 - makes the system ask the server again
