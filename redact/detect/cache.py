"""What passes found in a long video, kept by segment until its result is there: a run can go on.

One file for each segment, in a private folder beside the result: indices, exact times, boxes and
scores, no pictures. Decoding and following are done again; only looks are spared. So a file is used
as a memory of looks and for nothing else: which frames are to be looked at is decided anew, from
the pictures, and what a file does not know is looked at.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from redact.core.findings import Detection
from redact.core.frames import Frame
from redact.core.geometry import Box, Size
from redact.core.plan import CONVERTER, strict_json
from redact.core.recipe import Recipe
from redact.core.storage import lock, write_private
from redact.detect.weights import catalogue
from redact.errors import OutputError

SEGMENT = 30
"""Seconds of video from the first frame's time; what one segment takes is lost at most."""

VERSION = 3
"""Raised whenever what is found could differ with the same version of redact, or a file does."""

LARGEST = 1 << 26
"""Bytes; a larger file is no segment."""

_FARTHEST = 16
"""Longer sides of the picture from its corner beyond which no detector sees a box."""

_NAME = re.compile(r"\..*\.[0-9a-f]{8}\.detections", re.DOTALL)

_LIBRARIES = ("av", "mediapipe", "numpy", "opencv-contrib-python", "redact-video")
_RUNTIMES = ("onnxruntime", *(f"onnxruntime-{kind}" for kind in ("directml", "gpu", "openvino")))
"""What pictures and finds come from."""


@dataclass(frozen=True, slots=True)
class CachedPass:
    """What one pass found in one frame.

    Args:
        frame: The frame's index.
        time: Its time in seconds.
        look: The pass, by its place in the recipe.
        found: In pixels of the upright picture.
    """

    frame: int
    time: Fraction
    look: int
    found: tuple[Detection, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """All looks at one segment; `key` says at which source and with what: see `cache_key`."""

    key: str
    number: int
    passes: tuple[CachedPass, ...]


_PassKey: TypeAlias = tuple[int, Fraction, int]
"""A frame's index and time, and the pass's place."""


def cache_key(fingerprint: str, recipe: Recipe, device: str) -> str:
    """A digest of all that what passes find depends on.

    Args:
        fingerprint: Of the source.
        recipe: Its passes and slope count, nothing else.
        device: Where networks compute.
    """
    parts = [
        [VERSION, SEGMENT, fingerprint, device, recipe.slope],
        [asdict(look) for look in recipe.passes],
        {weights.name: weights.sha256 for weights in catalogue().values()},
        {name: _version(name) for name in (*_LIBRARIES, *_RUNTIMES)},
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def cache_folder(output: Path) -> Path:
    """Where the looks are kept for a file that is to be written."""
    tag = hashlib.sha256(os.fsencode(output.name)).hexdigest()[:8]
    return output.parent / f".{output.name[:40]}.{tag}.detections"


class DetectionCache:
    """The memory of one analysis; a context, left when the file that it is for is there.

    What is kept stays after an interruption, and after an error about writing, which another run
    may not meet; after any other end it is removed. Where nothing can be kept, nothing is: the run
    itself does not depend on it.

    Args:
        output: What is to be written.
        resume: Whether what an earlier run kept is used. It is removed else.
        segment: Seconds of video in a segment.
    """

    def __init__(self, output: Path, resume: bool = False, *, segment: int = SEGMENT) -> None:
        self._folder = cache_folder(output)
        self._resume = resume
        self._span = segment
        self._lock: int | None = None
        self._lost = False
        self._first: Fraction | None = None
        self._number = -1
        self._known: dict[_PassKey, tuple[Detection, ...]] = {}
        self._passes_made: list[tuple[_PassKey, Future[list[Detection]]]] = []
        self._new = False
        self._ended: deque[tuple[int, list[tuple[_PassKey, Future[list[Detection]]]]]] = deque()
        self._recalled = False
        self._missing: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what was kept, or leave it to a run that goes on."""
        stays = isinstance(error, OutputError) or not isinstance(error, Exception | None)
        if stays:
            self._write()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            if not stays:
                shutil.rmtree(self._folder, ignore_errors=True)

    def begin(self, key: str, passes: int, size: Size) -> None:
        """The analysis begins.

        Args:
            key: From `cache_key`; what has another is not used.
            passes: How many there are.
            size: Of the upright picture.
        """
        self._key, self._passes, self._size = key, passes, size
        if os.path.lexists(self._folder) and self._lock_folder() and not self._resume:
            for path in self._folder.glob("*.json"):
                with suppress(OSError):
                    path.unlink()

    def enter(self, frame: Frame) -> None:
        """The next frame comes; times grow."""
        if self._first is None:
            self._first = frame.time
        number = int((frame.time - self._first) // self._span)
        if number != self._number:
            self._end_segment()
            self._number = number
            self._known = self._read(number)
        self._write()

    def recall(self, frame: Frame, look: int, found: Future[list[Detection]]) -> bool:
        """Whether an earlier run made this look: what it found is set then, and else kept once set.

        Args:
            frame: The frame that was entered last.
            look: The pass's place in the recipe.
            found: What it finds there.
        """
        asked = frame.index, frame.time, look
        self._passes_made.append((asked, found))
        if asked in self._known:
            self._recalled = True
            found.set_result([*self._known[asked]])
            return True
        self._new = True
        if self._missing is None:
            self._missing = frame.index
        return False

    def stage(self, done: int) -> str:
        """What progress calls it when that many frames are done: `resume` or `analyse`."""
        spared = self._recalled and (self._missing is None or done <= self._missing)
        return "resume" if spared else "analyse"

    def finish(self) -> None:
        """All frames were looked at. A video of one segment is not worth keeping."""
        if self._number > 0:
            self._end_segment()
            self._write()

    def _end_segment(self) -> None:
        if self._new:
            self._ended.append((self._number, self._passes_made))
        self._passes_made, self._new = [], False

    def _write(self) -> None:
        """Keep the segments that ended and of which all is known."""
        while self._ended and all(found.done() for _, found in self._ended[0][1]):
            number, passes = self._ended.popleft()
            if any(found.exception() for _, found in passes):
                return  # the run is about to fail
            if self._lost or (self._lock is None and not self._lock_folder()):
                continue
            made = tuple(CachedPass(*asked, tuple(found.result())) for asked, found in passes)
            try:
                path = self._folder / f"{number}.json"
                write_private(path, encode_segment(Segment(self._key, number, made)))
            except OSError:
                self._lost = True

    def _read(self, number: int) -> dict[_PassKey, tuple[Detection, ...]]:
        if not self._resume or self._lock is None:
            return {}
        path = self._folder / f"{number}.json"
        try:
            if path.is_symlink() or path.stat().st_size > LARGEST:
                raise ValueError("this is no segment")
            segment = decode_segment(path.read_bytes())
            if (segment.key, segment.number) != (self._key, number):
                raise ValueError("this is a segment of something else")
            return self._checked(segment.passes)
        except FileNotFoundError:
            return {}
        except Exception:  # whatever is wrong with it: the segment is looked at again
            with suppress(OSError):
                path.unlink()
            return {}

    def _checked(self, passes: Iterable[CachedPass]) -> dict[_PassKey, tuple[Detection, ...]]:
        known: dict[_PassKey, tuple[Detection, ...]] = {}
        for it in passes:
            asked = it.frame, it.time, it.look
            if asked in known or it.frame < 0 or it.look not in range(self._passes):
                raise ValueError("there is no such look")
            if not all(0 <= d.score <= 1 and self._is_sane(d.box) for d in it.found):
                raise ValueError("no detector finds that")
            known[asked] = it.found
        return known

    def _is_sane(self, box: Box) -> bool:
        bound = _FARTHEST * self._size.longer
        sides = box.left, box.top, box.right, box.bottom
        return box.width > 0 and box.height > 0 and all(abs(side) <= bound for side in sides)

    def _lock_folder(self) -> bool:
        """Have the folder for this run alone; whether that could be had."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._lock = lock(self._folder)
        except OSError:
            self._lock = None
        self._lost = self._lock is None
        return not self._lost


def encode_segment(segment: Segment) -> bytes:
    """A line with the digest of the rest, and the segment as JSON with every number exact."""
    text = json.dumps(CONVERTER.unstructure(segment), allow_nan=False, separators=(",", ":"))
    return f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}".encode()


def decode_segment(data: bytes) -> Segment:
    """The segment that `encode_segment` wrote.

    Raises:
        Exception: Of any kind: it is another, damaged or cut off.
    """
    digest, _, text = data.partition(b"\n")
    if digest != hashlib.sha256(text).hexdigest().encode():
        raise ValueError("it is damaged")
    return CONVERTER.structure(strict_json(text.decode()), Segment)


def remove_caches(folder: Path) -> list[Path]:
    """Remove what interrupted runs kept in a folder, but not what a run is using.

    Returns:
        What was removed.
    """
    removed = []
    for path in sorted(folder.glob(".*.detections")) if folder.is_dir() else ():
        if _NAME.fullmatch(path.name) is None:
            continue
        with suppress(OSError):
            held = lock(path)
            if held is not None:
                os.close(held)
                shutil.rmtree(path)
                removed.append(path)
    return removed
