"""Writes animations picture by picture; each writer returns what a viewer will show."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from redact.core.frames import Samples
from redact.core.geometry import Size, Turn
from redact.errors import UnsupportedInputError
from redact.media.stills import png
from redact.media.stills.palettes import PALETTE_COLOURS, reduce_colours, to_indices

_KEPT_CHUNKS = {b"IHDR", b"iCCP"}
_FRAME_CONTROL = struct.Struct(">5I2H2B")

_MOST_WEBP_BYTES = 400_000_000
"""Bytes of all pictures of a WebP, which its encoder needs at once."""


@dataclass(frozen=True, slots=True)
class AnimationInfo:
    """How an animation is to be written.

    Args:
        form: Pillow's name of the format.
        size: Of the upright pictures.
        turn: How the stored pictures become upright.
        mode: `RGB` or `RGBA`.
        delays: Seconds that each picture is shown, 0 where the file leaves it to the viewer.
        loop_count: How often it is played, 0 for ever, None where not said.
        first_picture: Index of the first picture that belongs to the animation.
        lossless: Whether its pictures are coded without loss.
        profile: An ICC profile to keep.
        chunks: Of a PNG, those that are kept: about its colours, and its resolution.
    """

    form: str
    size: Size
    turn: Turn
    mode: str
    delays: tuple[Fraction, ...]
    loop_count: int | None
    first_picture: int
    lossless: bool
    profile: bytes | None
    chunks: tuple[png.Chunk, ...] = ()


class Writer(Protocol):
    """Encodes pictures one by one."""

    def add(self, samples: Samples) -> Samples:
        """Add a picture.

        Args:
            samples: (height, width, 3 or 4), 8 bit.

        Returns:
            What a viewer will show, of the same shape.
        """

    def finish(self) -> None:
        """Complete the file."""

    def close(self) -> None:
        """Close the file."""


class PngWriter:
    """Writes an APNG: of each picture the rectangle that changed."""

    def __init__(self, path: Path, animation: AnimationInfo) -> None:
        self._file: BinaryIO = path.open("wb")
        self._animation = animation
        self._count = 0
        self._sequence_number = 0
        self._before: Samples | None = None

    def add(self, samples: Samples) -> Samples:
        """Add one picture, kept exactly."""
        profile = {"icc_profile": self._animation.profile} if self._animation.profile else {}
        rows, columns = _changed_rectangle(samples, self._before)
        picture = np.ascontiguousarray(samples[rows, columns])
        chunks = list(png.read_chunks(_encode(Image.fromarray(picture), "PNG", **profile)))
        if not self._count:
            self._write_header(chunks)
        delay = self._animation.delays[self._count].limit_denominator(65535)
        height, width = picture.shape[:2]
        place = self._next_sequence_number(), width, height, columns.start, rows.start
        self._write_chunk(
            b"fcTL", _FRAME_CONTROL.pack(*place, delay.numerator, delay.denominator, 0, 0)
        )
        for kind, data in chunks:
            if kind == b"IDAT" and not self._count:
                self._write_chunk(kind, data)
            elif kind == b"IDAT":
                self._write_chunk(b"fdAT", struct.pack(">I", self._next_sequence_number()) + data)
        self._count += 1
        self._before = samples.copy()
        return samples

    def _write_header(self, chunks: list[tuple[bytes, bytes]]) -> None:
        self._file.write(png.SIGNATURE)
        for kind, data in chunks:
            if kind in _KEPT_CHUNKS:
                self._write_chunk(kind, data)
        for kind, data in self._animation.chunks:
            self._write_chunk(kind, data)
        self._write_chunk(
            b"acTL",
            struct.pack(">2I", len(self._animation.delays), self._animation.loop_count or 0),
        )

    def _next_sequence_number(self) -> int:
        self._sequence_number += 1
        return self._sequence_number - 1

    def _write_chunk(self, kind: bytes, data: bytes) -> None:
        self._file.write(png.chunk_bytes(kind, data))

    def finish(self) -> None:
        """Write the end chunk."""
        self._write_chunk(b"IEND", b"")
        self._file.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class GifWriter:
    """Writes a GIF: of each picture the rectangle that changed, with a palette of its own.

    A picture is written once the next one is known, because that decides its disposal method.
    """

    def __init__(self, path: Path, animation: AnimationInfo) -> None:
        self._file: BinaryIO = path.open("wb")
        self._animation = animation
        self._count = 0
        self._pending: Samples | None = None
        self._shown_before: Samples | None = None
        width, height = animation.size.width, animation.size.height
        self._file.write(b"GIF89a" + struct.pack("<2H3B", width, height, 0, 0, 0))
        if animation.loop_count is not None:
            again = struct.pack("<BBHB", 3, 1, animation.loop_count, 0)
            self._file.write(b"\x21\xff\x0bNETSCAPE2.0" + again)

    def add(self, samples: Samples) -> Samples:
        """Add one picture. Each pixel becomes opaque or transparent."""
        shown = reduce_colours(samples)
        if self._pending is not None:
            self._write_picture(self._pending, shown)
        self._pending = shown
        return shown

    def _write_picture(self, shown: Samples, following: Samples | None) -> None:
        vanishes = following is not None and bool(np.any(following[..., 3] == 0))
        clear = vanishes or bool(np.any(shown[..., 3] == 0))
        rows, columns = _changed_rectangle(shown, None if clear else self._shown_before)
        picture = shown[rows, columns]
        indices, palette = to_indices(picture)
        delay = round(self._animation.delays[self._count] * 100)
        flags = (2 if vanishes else 1) << 2 | 1  # cleared or left; there is a transparent index
        self._file.write(b"\x21\xf9\x04" + struct.pack("<BHBB", flags, delay, PALETTE_COLOURS, 0))
        height, width = picture.shape[:2]
        place = struct.pack("<4HB", columns.start, rows.start, width, height, 0x87)
        self._file.write(b"\x2c" + place + palette + _compress_indices(indices))
        self._shown_before = None if vanishes else shown
        self._count += 1

    def finish(self) -> None:
        """Write the last picture and the trailer."""
        if self._pending is not None:
            self._write_picture(self._pending, None)
        self._file.write(b"\x3b")
        self._file.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _changed_rectangle(shown: Samples, before: Samples | None) -> tuple[slice, slice]:
    """Rows and columns of the rectangle that changed; the whole picture if there is none before."""
    height, width = shown.shape[:2]
    if before is None:
        return slice(0, height), slice(0, width)
    rows, columns = np.nonzero((shown != before).any(axis=2))
    if not rows.size:
        return slice(0, 1), slice(0, 1)
    return (
        slice(int(rows.min()), int(rows.max()) + 1),
        slice(int(columns.min()), int(columns.max()) + 1),
    )


def _compress_indices(indices: NDArray[np.uint8]) -> bytes:
    """LZW data as Pillow's GIF plugin encodes it: what follows the image descriptor and palette."""
    image = Image.fromarray(indices, "L")
    data = _encode(image, "GIF", optimize=False, interlace=False)
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while data[at] == 0x21:  # extensions, each a chain of blocks
        at += 2
        while data[at]:
            at += data[at] + 1
        at += 1
    own = 3 << ((data[at + 9] & 7) + 1) if data[at + 9] & 0x80 else 0
    return data[at + 10 + own : -1]


class WebpWriter:
    """Writes a WebP: collects the pictures for Pillow's encoder, which needs them all at once."""

    def __init__(self, path: Path, animation: AnimationInfo) -> None:
        self._path = path
        self._animation = animation
        self._pictures: list[Image.Image] = []
        self._before: Samples | None = None
        size = animation.size.width * animation.size.height * len(animation.mode)
        if size * len(animation.delays) > _MOST_WEBP_BYTES:
            raise UnsupportedInputError(
                "the animation is too long for WebP", path, "make a video of it"
            )

    def add(self, samples: Samples) -> Samples:
        """Add one picture."""
        samples = samples.copy()
        if self._before is not None and np.array_equal(samples, self._before):
            samples[0, 0, :3] ^= 4  # the encoder joins equal pictures, and their number must stay
        self._before = samples
        self._pictures.append(Image.fromarray(samples))
        return samples

    def finish(self) -> None:
        """Encode all of them."""
        coding = {"lossless": True, "exact": True} if self._animation.lossless else {"quality": 95}
        profile = {"icc_profile": self._animation.profile} if self._animation.profile else {}
        first, *others = self._pictures
        data = _encode(
            first, "WEBP", save_all=True, append_images=others,
            loop=self._animation.loop_count or 0,
            duration=[round(delay * 1000) for delay in self._animation.delays], **coding, **profile,
        )  # fmt: skip
        self._path.write_bytes(data)

    def close(self) -> None:
        """Nothing is open."""


def _encode(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


WRITERS: dict[str, type[PngWriter] | type[GifWriter] | type[WebpWriter]] = {
    "GIF": GifWriter,
    "PNG": PngWriter,
    "WEBP": WebpWriter,
}
"""By Pillow's name of the format."""
