"""Animations written picture by picture; each writer gives back what a viewer will show."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
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

_PNG = b"\x89PNG\r\n\x1a\n"
_KEPT_CHUNKS = {b"IHDR", b"iCCP", b"sRGB"}
_CONTROL = struct.Struct(">5I2H2B")

_COLOURS = 255
"""Of a GIF's picture; one more place is for what is transparent."""

_EXACT = 192
"""How many of the commonest colours are kept as they are where there are too many."""

_MOST_WEBP = 400_000_000
"""Bytes of all pictures of a WebP, which its encoder wants at once."""


@dataclass(frozen=True, slots=True)
class Reel:
    """How an animation is to be written.

    Args:
        form: Pillow's name of the format.
        size: Of the upright pictures.
        turn: How the stored pictures become upright.
        mode: `RGB` or `RGBA`.
        delays: Seconds that each picture is shown, 0 where the file leaves it to the viewer.
        rounds: How often it is played, 0 for ever, None where not said.
        skipped: Pictures before the first that belongs to the animation.
        lossless: Whether its pictures are coded without loss.
        profile: An ICC profile to keep.
    """

    form: str
    size: Size
    turn: Turn
    mode: str
    delays: tuple[Fraction, ...]
    rounds: int | None
    skipped: int
    lossless: bool
    profile: bytes | None


class Writer(Protocol):
    """Takes pictures one by one."""

    def add(self, samples: Samples) -> Samples:
        """Take (height, width, 3 or 4) samples; gives what will be shown."""

    def finish(self) -> None:
        """Complete the file."""

    def close(self) -> None:
        """Let go of the file."""


class PngWriter:
    """Writes what changed, in place of what was there."""

    def __init__(self, path: Path, reel: Reel) -> None:
        self._file: BinaryIO = path.open("wb")
        self._reel = reel
        self._added = 0
        self._order = 0
        self._before: Samples | None = None

    def add(self, samples: Samples) -> Samples:
        """One picture, exactly as it is."""
        profile = {"icc_profile": self._reel.profile} if self._reel.profile else {}
        rows, columns = _changed(samples, self._before)
        picture = np.ascontiguousarray(samples[rows, columns])
        chunks = list(_chunks(_bytes_of(Image.fromarray(picture), "PNG", **profile)))
        if not self._added:
            self._begin(chunks)
        delay = self._reel.delays[self._added].limit_denominator(65535)
        height, width = picture.shape[:2]
        place = self._next(), width, height, columns.start, rows.start
        self._chunk(b"fcTL", _CONTROL.pack(*place, delay.numerator, delay.denominator, 0, 0))
        for kind, data in chunks:
            if kind == b"IDAT" and not self._added:
                self._chunk(kind, data)
            elif kind == b"IDAT":
                self._chunk(b"fdAT", struct.pack(">I", self._next()) + data)
        self._added += 1
        self._before = samples.copy()
        return samples

    def _begin(self, chunks: list[tuple[bytes, bytes]]) -> None:
        self._file.write(_PNG)
        for kind, data in chunks:
            if kind in _KEPT_CHUNKS:
                self._chunk(kind, data)
        self._chunk(b"acTL", struct.pack(">2I", len(self._reel.delays), self._reel.rounds or 0))

    def _next(self) -> int:
        self._order += 1
        return self._order - 1

    def _chunk(self, kind: bytes, data: bytes) -> None:
        check = struct.pack(">I", zlib.crc32(kind + data))
        self._file.write(struct.pack(">I", len(data)) + kind + data + check)

    def finish(self) -> None:
        """The end's mark."""
        self._chunk(b"IEND", b"")
        self._file.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += length + 12


class GifWriter:
    """Writes what changed since the picture before, each with colours of its own.

    A picture is written once the next is known, because it must say whether it is cleared away.
    """

    def __init__(self, path: Path, reel: Reel) -> None:
        self._file: BinaryIO = path.open("wb")
        self._reel = reel
        self._added = 0
        self._waiting: Samples | None = None
        self._standing: Samples | None = None
        width, height = reel.size.width, reel.size.height
        self._file.write(b"GIF89a" + struct.pack("<2H3B", width, height, 0, 0, 0))
        if reel.rounds is not None:
            again = struct.pack("<BBHB", 3, 1, reel.rounds, 0)
            self._file.write(b"\x21\xff\x0bNETSCAPE2.0" + again)

    def add(self, samples: Samples) -> Samples:
        """One picture; what is half transparent becomes one or the other."""
        shown = _within_palette(samples)
        if self._waiting is not None:
            self._put(self._waiting, shown)
        self._waiting = shown
        return shown

    def _put(self, shown: Samples, following: Samples | None) -> None:
        vanishes = following is not None and bool(np.any(following[..., 3] == 0))
        clear = vanishes or bool(np.any(shown[..., 3] == 0))
        rows, columns = _changed(shown, None if clear else self._standing)
        picture = shown[rows, columns]
        indices, palette = _indexed(picture)
        delay = round(self._reel.delays[self._added] * 100)
        flags = (2 if vanishes else 1) << 2 | 1  # cleared or left; there is a transparent index
        self._file.write(b"\x21\xf9\x04" + struct.pack("<BHBB", flags, delay, _COLOURS, 0))
        height, width = picture.shape[:2]
        place = struct.pack("<4HB", columns.start, rows.start, width, height, 0x87)
        self._file.write(b"\x2c" + place + palette + _compressed(indices))
        self._standing = None if vanishes else shown
        self._added += 1

    def finish(self) -> None:
        """The last picture and the end's mark."""
        if self._waiting is not None:
            self._put(self._waiting, None)
        self._file.write(b"\x3b")
        self._file.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _changed(shown: Samples, before: Samples | None) -> tuple[slice, slice]:
    """The rectangle outside of which the picture before may stay; all of it without one."""
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


def _packed(samples: Samples) -> NDArray[np.uint32]:
    red, green, blue = (samples[..., i].astype(np.uint32) for i in range(3))
    return np.asarray((red << 16) | (green << 8) | blue, np.uint32)


def _unpacked(colours: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], -1).astype(np.uint8)


def _within_palette(samples: Samples) -> Samples:
    """With at most as many colours as a palette holds, and each pixel seen or not."""
    clear = samples[..., 3] < 128
    packed = np.where(clear, np.uint32(0), _packed(samples))
    colours, places, counts = np.unique(packed, return_inverse=True, return_counts=True)
    if colours.size > _COLOURS:
        colours = _fewer(colours, counts)
    shown = _unpacked(colours[places.reshape(packed.shape)])
    seen = np.where(clear, np.uint8(0), np.uint8(255))[..., None]
    return np.ascontiguousarray(np.concatenate([shown, seen], axis=2))


def _fewer(colours: NDArray[np.uint32], counts: NDArray[np.intp]) -> NDArray[np.uint32]:
    """For each colour one of few: the commonest themselves, the others their nearest."""
    common = colours[np.argsort(-counts, kind="stable")[:_EXACT]]
    rest = _unpacked(colours[~np.isin(colours, common)])
    made = Image.fromarray(rest[None]).quantize(_COLOURS - _EXACT, dither=Image.Dither.NONE)
    others = np.array(made.convert("RGB"), np.uint8).reshape(-1, 3)
    chosen = np.concatenate([_unpacked(common), np.unique(others, axis=0)]).astype(np.int32)
    nearest = np.empty(colours.size, np.uint32)
    for start in range(0, colours.size, 4096):
        part = _unpacked(colours[start : start + 4096]).astype(np.int32)
        apart = np.square(part[:, None] - chosen[None]).sum(axis=2)
        nearest[start : start + 4096] = _packed(chosen[apart.argmin(axis=1)])
    return nearest


def _indexed(picture: Samples) -> tuple[NDArray[np.uint8], bytes]:
    """Places in a palette of 256 colours, and the palette."""
    clear = picture[..., 3] == 0
    packed = _packed(picture)
    colours = np.unique(packed[~clear])
    indices = np.searchsorted(colours, packed).clip(0, max(0, colours.size - 1))
    palette = np.zeros((256, 3), np.uint8)
    palette[: colours.size] = _unpacked(colours)
    return np.where(clear, _COLOURS, indices).astype(np.uint8), palette.tobytes()


def _compressed(indices: NDArray[np.uint8]) -> bytes:
    """Image data as Pillow's GIF plugin codes it: what follows the descriptor and its colours."""
    image = Image.fromarray(indices, "L")
    data = _bytes_of(image, "GIF", optimize=False, interlace=False)
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while data[at] == 0x21:  # extensions, each a chain of blocks
        at += 2
        while data[at]:
            at += data[at] + 1
        at += 1
    own = 3 << ((data[at + 9] & 7) + 1) if data[at + 9] & 0x80 else 0
    return data[at + 10 + own : -1]


class WebpWriter:
    """Gathers the pictures for Pillow's encoder, which wants them all at once."""

    def __init__(self, path: Path, reel: Reel) -> None:
        self._path = path
        self._reel = reel
        self._pictures: list[Image.Image] = []
        self._before: Samples | None = None
        size = reel.size.width * reel.size.height * len(reel.mode)
        if size * len(reel.delays) > _MOST_WEBP:
            raise UnsupportedInputError(
                "the animation is too long for WebP", path, "make a video of it"
            )

    def add(self, samples: Samples) -> Samples:
        """One picture."""
        samples = samples.copy()
        if self._before is not None and np.array_equal(samples, self._before):
            samples[0, 0, :3] ^= 4  # the encoder joins equal pictures, and their number must stay
        self._before = samples
        self._pictures.append(Image.fromarray(samples))
        return samples

    def finish(self) -> None:
        """Encode all of them."""
        coding = {"lossless": True, "exact": True} if self._reel.lossless else {"quality": 95}
        profile = {"icc_profile": self._reel.profile} if self._reel.profile else {}
        first, *others = self._pictures
        data = _bytes_of(
            first, "WEBP", save_all=True, append_images=others, loop=self._reel.rounds or 0,
            duration=[round(delay * 1000) for delay in self._reel.delays], **coding, **profile,
        )  # fmt: skip
        self._path.write_bytes(data)

    def close(self) -> None:
        """Nothing is open."""


def _bytes_of(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


WRITERS: dict[str, type[PngWriter] | type[GifWriter] | type[WebpWriter]] = {
    "GIF": GifWriter,
    "PNG": PngWriter,
    "WEBP": WebpWriter,
}
"""By Pillow's name of the format."""
