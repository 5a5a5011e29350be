"""Single pictures in and out: pixels and a well-known colour profile, and nothing else.

EXIF orientation is baked into the pixels. Palettes become RGB or RGBA, CMYK and Lab become RGB.
Everything beside the pixels is dropped: tags, thumbnails, depth maps, gain maps, bytes at the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image

from redact.errors import (
    RedactError,
    UnsupportedInputError,
    UnwritableOutputError,
    VerificationError,
)
from redact.files import draft, open_input
from redact.geometry import Size, Turn
from redact.media import Colour, Frame, Plane, Rgb, Role, Samples, VideoInfo
from redact.stills.reading import SUFFIXES, decode, engine_errors
from redact.stills.writing import LOSSLESS, encode

MOST_BYTES = 1 << 30
"""Larger files are refused before they are read."""

_ROLES: dict[int, Role] = {1: "y", 2: "ya", 3: "rgb", 4: "rgba"}


@dataclass(frozen=True, slots=True)
class StillPicture:
    """One upright picture in memory; fulfils `redact.media.Picture`.

    Args:
        samples: (height, width) or (height, width, channels), 8 or 16 bit, RGB order.
    """

    samples: Samples

    @property
    def stored_size(self) -> Size:
        """The size; pixels are stored upright."""
        return Size(self.samples.shape[1], self.samples.shape[0])

    @property
    def turn(self) -> Turn:
        """None."""
        return Turn()

    @property
    def colour(self) -> Colour:
        """Full range; luma is grey itself, so the matrix means nothing."""
        return Colour(bits=8 * self.samples.itemsize)

    def planes(self) -> tuple[Plane, ...]:
        """The one plane, writable."""
        channels = 1 if self.samples.ndim == 2 else self.samples.shape[2]
        return (Plane(self.samples, _ROLES[channels]),)

    def rgb(self, size: Size) -> Rgb:
        """A copy scaled to that size, alpha ignored."""
        eight = self.samples if self.samples.itemsize == 1 else self.samples >> 8
        colours = np.atleast_3d(eight)[..., : 3 if eight.ndim == 3 and eight.shape[2] > 2 else 1]
        shown = Image.fromarray(colours.astype(np.uint8).repeat(3 // colours.shape[2], axis=2))
        scaled = shown.resize((size.width, size.height), Image.Resampling.BILINEAR)
        return np.array(scaled)


class StillSource:
    """A still picture as a video of one frame; decoded once, when it is opened.

    Args:
        path: The content decides the format, and the suffix must agree.

    Raises:
        InputError: Missing, broken, too large, animated, or not a picture that redact keeps whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        data = _read(path)
        self._mark = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.decoded = decode(data, path)

    @property
    def info(self) -> VideoInfo:
        """One frame, no rate."""
        return VideoInfo(StillPicture(self.decoded.samples).stored_size, frames=1)

    @property
    def fingerprint(self) -> str:
        """Of the bytes that were decoded."""
        return self._mark

    def frames(self) -> Iterator[Frame]:
        """The one frame, at time 0; drawing on it leaves the source as it is."""
        yield Frame(0, Fraction(0), StillPicture(self.decoded.samples.copy()))


class StillSink:
    """A still picture being written, in the format of its source.

    Args:
        output: Its suffix must be one of the source's format.
        source: Says how to encode: a JPEG's own tables, 16 bits, lossless or not.
        force: Whether an existing output is replaced.
        quality: 1 to 100 for lossy formats; None for the source's own or a high one.

    Raises:
        UnwritableOutputError: The suffix asks for another format.
    """

    def __init__(
        self, output: Path, source: StillSource, *, force: bool = False, quality: int | None = None
    ) -> None:
        self._output = output
        self._source = source
        self._written: Samples | None = None
        self._draft: AbstractContextManager[Path] = draft(output, source=source.path, force=force)
        self._quality = quality
        form = source.decoded.form
        if output.suffix.lower() not in SUFFIXES[form]:
            remedy = f"name it {output.stem}{SUFFIXES[form][0]}"
            raise UnwritableOutputError(f"a {form} picture stays {form}", output, remedy)

    def __enter__(self) -> Self:
        self._path = self._draft.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Check what was written by decoding it, then publish."""
        if error is None:
            try:
                self._verify()
            except BaseException as problem:
                self._draft.__exit__(type(problem), problem, problem.__traceback__)
                raise
        self._draft.__exit__(kind, error, trace)

    def write(self, frame: Frame) -> None:
        """Encode the one frame.

        Raises:
            VerificationError: There is a second frame.
            UnwritableOutputError: It cannot be encoded or stored.
        """
        if self._written is not None:
            raise VerificationError("a still picture has one frame", self._output)
        plane = frame.picture.planes()[0]
        self._written = plane.samples
        decoded = replace(self._source.decoded, samples=plane.samples)
        with engine_errors(
            lambda why: UnwritableOutputError(f"cannot encode: {why}", self._output)
        ):
            data = encode(decoded, self._quality)
        self._path.write_bytes(data)

    def _verify(self) -> None:
        if self._written is None:
            raise VerificationError("no frame was written", self._output)
        try:
            again = decode(self._path.read_bytes(), self._path)
        except RedactError as error:
            raise VerificationError(f"does not read back: {error.problem}", self._output) from error
        if again.samples.shape[:2] != self._written.shape[:2]:
            raise VerificationError("reads back in another size", self._output)
        if again.form in LOSSLESS and not np.array_equal(again.samples, self._written):
            raise VerificationError("reads back with other pixels", self._output)


_OWN = {
    "adobe", "adobe_transform", "aux", "background", "bit_depth", "chroma", "compression", "dpi",
    "gamma", "icc_profile", "icc_profile_type", "jfif", "jfif_density", "jfif_unit",
    "jfif_version", "loop", "nclx_profile", "primary", "progression", "progressive", "resolution",
    "srgb", "transparency",
}  # fmt: skip
"""What Pillow tells of any picture; says nothing of who took it, where and when."""

_OWN_TAGS = {
    256, 257, 258, 259, 262, 273, 277, 278, 279, 282, 283, 284, 296, 317, 320, 338, 339, 34675,
}  # fmt: skip
"""TIFF's tags of the picture's own layout."""


def faults(source: StillSource, output: StillSource) -> list[str]:
    """What is wrong with the structure of a finished picture, in words, given its source."""
    found = []
    if source.decoded.form != output.decoded.form:
        found.append(f"it is {output.decoded.form}, not {source.decoded.form}")
    with Image.open(output.path) as image:
        found += ["it holds EXIF data"] if set(image.getexif()) - _OWN_TAGS else []
        extra = sorted(str(key) for key, value in image.info.items() if value)
    found += [f"it holds what is not allowed: {k}" for k in extra if k.lower() not in _OWN]
    return found


def _read(path: Path) -> bytes:
    with open_input(path) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise UnsupportedInputError("the file is too large for a picture", path)
    return data
