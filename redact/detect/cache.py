"""The detection cache: what passes found in a long video, so that a run can be resumed.

It has one file for each segment of the video, in a private folder beside the result, until the
result is there. A file holds indices, exact times, boxes and scores, no pictures. Decoding and
tracking are done again; only passes are spared. Which passes must run on which frame is decided
anew, from the pictures, and a pass that the cache does not know is run. In the same folder others
may put what they found in segments to come: see `redact.detect.spans`.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import shutil
from collections import deque
from collections.abc import Iterable, Sequence
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
from redact.core.geometry import Size
from redact.core.recipe import Recipe
from redact.core.storage import FolderLock, lock, write_private
from redact.detect.draft_spans import SpansOfDraft, share_draft
from redact.detect.sealed import read_sealed, seal, unseal
from redact.detect.spans import Plausible, SpansFoundElsewhere
from redact.detect.weights import catalogue
from redact.errors import OutputError

SEGMENT = 30
"""Seconds of video in a segment, from the first frame's time; at most one segment is lost."""

VERSION = 4
"""Raised whenever detections could differ with the same version of redact, or the format does."""

LARGEST = 1 << 26
"""Bytes; a larger file is no segment."""

_NAME = re.compile(r"\..*\.[0-9a-f]{8}\.detections", re.DOTALL)

_LIBRARIES = ("av", "mediapipe", "numpy", "opencv-contrib-python", "redact-video")
_RUNTIMES = ("onnxruntime", *(f"onnxruntime-{kind}" for kind in ("directml", "gpu", "openvino")))
"""Packages whose versions pictures and detections depend on."""


@dataclass(frozen=True, slots=True)
class CachedPass:
    """What one pass found in one frame.

    Args:
        frame: The frame's index.
        time: Its time in seconds.
        pass_index: The pass, by its place in the recipe.
        detections: In pixels of the upright picture.
    """

    frame: int
    time: Fraction
    pass_index: int
    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """All passes that ran in one segment; for `key` see `cache_key`."""

    key: str
    number: int
    passes: tuple[CachedPass, ...]


_PassKey: TypeAlias = tuple[int, Fraction, int]
"""A frame's index and time, and the pass's place."""

_PassResult: TypeAlias = tuple[_PassKey, Future[list[Detection]]]
"""A pass on one frame and its detections, which may still be on their way."""


def cache_key(fingerprint: str, recipe: Recipe, device: str) -> str:
    """A digest of all that what passes find depends on.

    Args:
        fingerprint: Of the source; empty for a span, whose pictures have digests of their own.
        recipe: Its passes and slope count, nothing else.
        device: Where networks compute.
    """
    return passes_key(fingerprint, (recipe.slope, *map(asdict, recipe.passes)), device)


def passes_key(of: str, passes: Sequence[object], device: str) -> str:
    """The same of any passes, as JSON has them, on whatever the first argument says."""
    parts = [
        [VERSION, SEGMENT, of, device],
        passes,
        {weights.name: weights.sha256 for weights in catalogue().values()},
        {name: package_version(name) for name in (*_LIBRARIES, *_RUNTIMES)},
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def package_version(distribution: str) -> str | None:
    """The version of a package that is installed; None if it is not."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def cache_folder(output: Path) -> Path:
    """The folder of the cache for a file that is to be written."""
    tag = hashlib.sha256(os.fsencode(output.name)).hexdigest()[:8]
    return output.parent / f".{output.name[:40]}.{tag}.detections"


class DetectionCache:
    """The cache of one analysis; a context, left when the output is there.

    The files stay after an interruption, and after an error about writing, which another run may
    not meet. After any other end they are removed. If they cannot be written, the run goes on
    without them.

    Args:
        output: The file that is to be written.
        resume: Whether the files of an earlier run are used; else they are removed.
        segment: Seconds of video in a segment.

    Attributes:
        elsewhere: What others found in segments.
    """

    def __init__(self, output: Path, resume: bool = False, *, segment: int = SEGMENT) -> None:
        self._folder = cache_folder(output)
        self._resume = resume
        self._seconds = segment
        self._lock: FolderLock | None = None
        self._unwritable = False
        self._start: Fraction | None = None
        self._number = -1  # of the segment that the analysis has reached
        self._known: dict[_PassKey, tuple[Detection, ...]] = {}
        self._results: list[_PassResult] = []  # of that segment
        self._has_new_results = False
        self._unwritten: deque[tuple[int, list[_PassResult]]] = deque()
        self._recalled = False
        self._first_unknown: int | None = None
        self.elsewhere = SpansFoundElsewhere()
        self._checks: list[SpansOfDraft] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the files, or leave them to a run that resumes."""
        stays = isinstance(error, OutputError) or not isinstance(error, Exception | None)
        if stays:
            self._write()
        if self._lock is not None:
            self._lock.close()
            self._lock = None
            if not stays:
                shutil.rmtree(self._folder, ignore_errors=True)

    def begin(self, key: str, passes: int, size: Size, span_key: str = "") -> None:
        """The analysis begins.

        Args:
            key: From `cache_key`; segments with another key are not used.
            passes: How many there are.
            size: Of the upright picture.
            span_key: The same of no source; spans with another key are not used.
        """
        self._key, self._span_key = key, span_key
        self._plausible = Plausible(passes, size)
        if os.path.lexists(self._folder) and self._lock_folder() and not self._resume:
            for path in self._folder.glob("*.json"):
                with suppress(OSError):
                    path.unlink()

    def advance(self, frame: Frame) -> None:
        """Go on to the next frame; times grow."""
        if self._start is None:
            self._start = frame.time
        number = int((frame.time - self._start) // self._seconds)
        if number != self._number:
            self._end_segment()
            self._number = number
            if self._lock is None and not self._unwritable and os.path.lexists(self._folder):
                self._lock_folder()  # others have made it meanwhile
            self._known = self._read(number)
            folder = self._folder if self._lock else None
            self.elsewhere.enter(folder, self._span_key, number, self._plausible)
        self._write()

    def recall(self, frame: Frame, pass_index: int, result: Future[list[Detection]]) -> bool:
        """Set the result if an earlier run has it; else it is recorded once it is set.

        Args:
            frame: The frame that the cache has advanced to.
            pass_index: The pass's place in the recipe.
            result: The pass's detections in that frame.

        Returns:
            Whether the result was set.
        """
        key = frame.index, frame.time, pass_index
        self._results.append((key, result))
        if key in self._known:
            self._recalled = True
            result.set_result([*self._known[key]])
            return True
        self._has_new_results = True
        if self._first_unknown is None:
            self._first_unknown = frame.index
        return self.elsewhere.recall(frame, pass_index, result)

    def stage(self, done: int) -> str:
        """The stage for progress when that many frames are done: `resume` or `analyse`."""
        known = self._first_unknown is None or done <= self._first_unknown
        return "resume" if self._recalled and known else "analyse"

    def finish(self) -> None:
        """The analysis is complete. A video of one segment is not worth caching."""
        if self._number > 0:
            self._end_segment()
            self._write()

    @property
    def spans_checked(self) -> int:
        """In how many spans of drafts others spared passes of the check."""
        return sum(check.used for check in self._checks)

    @property
    def shared_folder(self) -> Path | None:
        """Where others see what lies there; None for a video that is not cached."""
        return None if self._lock is None or self._number <= 0 else self._folder

    def share_draft(
        self, draft: Path, passes: Sequence[object], size: Size, device: str
    ) -> SpansOfDraft | None:
        """What others find in a draft from now on; None for a video that is not cached.

        Args:
            draft: A complete result in its private folder beside the output.
            passes: Those of its check, as `passes_key` takes them.
            size: Of its upright pictures.
            device: Where networks compute.
        """
        if self.shared_folder is not None:
            with suppress(OSError):  # the disk is full: others cannot help
                key = passes_key(share_draft(self._folder, draft), passes, device)
                found = Plausible(len(passes), size)
                self._checks.append(SpansOfDraft(self._folder, key, found, self._seconds))
                return self._checks[-1]
        return None

    def _end_segment(self) -> None:
        self._unwritten += [(self._number, self._results)] if self._has_new_results else []
        self._results, self._has_new_results = [], False

    def _write(self) -> None:
        """Write the segments that have ended and whose passes are all done."""
        while self._unwritten and all(result.done() for _, result in self._unwritten[0][1]):
            number, results = self._unwritten.popleft()
            if any(result.exception() for _, result in results):
                return  # the run is about to fail
            if self._unwritable or (self._lock is None and not self._lock_folder()):
                continue
            passes = tuple(CachedPass(*key, tuple(result.result())) for key, result in results)
            try:
                path = self._folder / f"{number}.json"
                write_private(path, seal(Segment(self._key, number, passes)))
            except OSError:
                self._unwritable = True

    def _read(self, number: int) -> dict[_PassKey, tuple[Detection, ...]]:
        if not self._resume or self._lock is None:
            return {}
        path = self._folder / f"{number}.json"
        try:
            segment = unseal(read_sealed(path, LARGEST), Segment)
            if (segment.key, segment.number) != (self._key, number):
                raise ValueError("this is a segment of something else")
            return self._check(segment.passes)
        except Exception:  # whatever is wrong with it: its passes are run again
            with suppress(OSError):
                path.unlink()
            return {}

    def _check(self, passes: Iterable[CachedPass]) -> dict[_PassKey, tuple[Detection, ...]]:
        """The passes' detections by their keys.

        Raises:
            ValueError: No analysis with this recipe could have written them.
        """
        known: dict[_PassKey, tuple[Detection, ...]] = {}
        for one in passes:
            key = one.frame, one.time, one.pass_index
            if key in known or one.frame < 0:
                raise ValueError("there is no such pass")
            self._plausible.check(one.pass_index, one.detections)
            known[key] = one.detections
        return known

    def _lock_folder(self) -> bool:
        """Make the folder and lock it for this run; returns whether that was possible."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._lock = lock(self._folder)
        except OSError:
            self._lock = None
        self._unwritable = self._lock is None
        return not self._unwritable


def remove_caches(folder: Path, output: Path | None = None) -> list[Path]:
    """Remove the caches of interrupted runs from a folder, but none that a run is using.

    Args:
        folder: Where they are.
        output: Whose; None for those of all files.

    Returns:
        Their folders.
    """
    removed = []
    pattern = ".*.detections" if output is None else glob.escape(cache_folder(output).name)
    for path in sorted(folder.glob(pattern)) if folder.is_dir() else ():
        if _NAME.fullmatch(path.name) is None:
            continue
        with suppress(OSError):
            held = lock(path)
            if held is not None:
                held.close()
                shutil.rmtree(path)
                removed.append(path)
    return removed
