"""A decoded frame as a picture, drawn on in the decoder's own planes."""

from __future__ import annotations

import struct
from typing import Any, Final, Literal, cast

import numpy as np
from av import VideoFrame
from av.sidedata.sidedata import SideData, SideDataContainer
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from redact.core.frames import Colour, Plane, Rgb, Samples, upright
from redact.core.geometry import Size, Turn
from redact.errors import UnsupportedInputError
from redact.media.video.pixel_formats import Layout, drawable_name, layout_of

Matrix = Literal["bt601", "bt709", "bt2020"]

_TURNS: Final = {
    (1, 0, 0, 1): Turn(0),
    (0, 1, -1, 0): Turn(1),
    (-1, 0, 0, -1): Turn(2),
    (0, -1, 1, 0): Turn(3),
    (-1, 0, 0, 1): Turn(0, mirrored=True),
    (0, -1, -1, 0): Turn(1, mirrored=True),
    (1, 0, 0, -1): Turn(2, mirrored=True),
    (0, 1, 1, 0): Turn(3, mirrored=True),
}
"""Where a display matrix sends the stored right and down, (x, y) each, y growing downwards."""

MATRICES_OF_TURNS: Final = {turn: steps for steps, turn in _TURNS.items()}
"""From a turn to the display matrix's vectors."""

_MATRICES: Final[dict[int, Matrix]] = {
    1: "bt709",
    4: "bt601",
    5: "bt601",
    6: "bt601",
    7: "bt709",  # SMPTE 240M, whose weights differ by less than a step
    9: "bt2020",
    10: "bt2020",
}
"""Numbers of ISO/IEC 23091-2, table MatrixCoefficients."""

_SCALER_MATRICES = {
    "bt601": Colorspace.ITU601,
    "bt709": Colorspace.ITU709,
    "bt2020": Colorspace.BT2020,
}


class DecodedPicture:
    """A picture in the memory of a decoded frame.

    Args:
        frame: The decoded frame. It is drawn on and then encoded.

    Raises:
        UnsupportedInputError: Its pixel format or rotation cannot be kept.
    """

    __slots__ = ("_layout", "_planes", "colour", "frame", "turn")

    def __init__(self, frame: VideoFrame) -> None:
        self.turn = read_turn(frame)
        self._layout, self.frame = to_drawable(frame)
        self.colour = read_colour(frame, self._layout.bits)
        self._planes: tuple[Plane, ...] | None = None

    @property
    def stored_size(self) -> Size:
        """Size of the stored pixels."""
        return Size(self.frame.width, self.frame.height)

    def planes(self) -> tuple[Plane, ...]:
        """Writable views in stored orientation."""
        if self._planes is None:
            self.frame.make_writable()  # the decoder may still predict from the original
            self._planes = _planes(self.frame, self._layout)
        return self._planes

    def fill_with_grey(self) -> None:
        """Draw grey over everything."""
        for plane in self.planes():
            samples = np.atleast_3d(plane.samples)
            for channel, letter in enumerate(plane.role):
                samples[..., channel] = self.colour.sample(letter, (128, 128, 128))

    def rgb(self, size: Size) -> Rgb:
        """An upright copy.

        Args:
            size: Of the copy, upright, in pixels.

        Returns:
            (height, width, 3), 8 bit, RGB order.
        """
        shape = self.turn.upright_size(size)  # the same exchange of sides leads back
        small = self.frame.reformat(
            width=shape.width,
            height=shape.height,
            format="rgb24",
            src_colorspace=_SCALER_MATRICES[self.colour.matrix],
            src_color_range=ColorRange.JPEG if self.colour.full_range else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=_interpolation(self.stored_size, shape),
            threads=1,
        )
        return cast(Rgb, np.ascontiguousarray(upright(small.to_ndarray(), self.turn)))


def _interpolation(stored: Size, shape: Size) -> int:
    smaller = shape.width < stored.width or shape.height < stored.height
    return int(Interpolation.AREA if smaller else Interpolation.BILINEAR)


def side_data(frame: VideoFrame, name: str) -> SideData | None:
    """The frame's side data of that type, a name of `av.sidedata.sidedata.Type`.

    Not read from `frame.side_data`: that and the frame refer to each other, so the frame's memory
    would be freed only by the next garbage collection.
    """
    container: Any = SideDataContainer  # whose stub does not tell that it takes a frame
    return cast("SideData | None", container(frame).get(name))


def read_turn(frame: VideoFrame) -> Turn:
    """The turn that the frame's display matrix asks for.

    Raises:
        UnsupportedInputError: It asks for more than quarter turns and mirrors.
    """
    data = side_data(frame, "DISPLAYMATRIX")
    if data is None:
        return Turn()
    right_x, right_y, _, down_x, down_y = struct.unpack("=9i", cast(Any, data))[:5]
    steps = (right_x, right_y, down_x, down_y)
    if not any(steps):
        return Turn()  # players take an empty matrix for none
    largest = max(map(abs, steps))
    signs = tuple(round(step / largest) for step in steps)
    slack = max(abs(step - sign * largest) for step, sign in zip(steps, signs, strict=True))
    if signs not in _TURNS or slack > largest / 64:
        raise UnsupportedInputError(
            "the picture is turned by something else than a quarter", remedy="turn it back first"
        )
    return _TURNS[signs]


def check_flat(frame: VideoFrame) -> None:
    """Refuse pictures that are more than what one eye sees on a screen: nothing keeps their layout.

    Raises:
        UnsupportedInputError: They hold two views, or are a sphere.
    """
    stereo, sphere = side_data(frame, "STEREO3D"), side_data(frame, "SPHERICAL")
    views = 0 if stereo is None else struct.unpack_from("=i", cast(Any, stereo))[0]
    if views in _TWO_VIEWS:
        raise UnsupportedInputError(
            f"its pictures hold two views, {_TWO_VIEWS[views]}, which no result would tell",
            remedy="cut out one view, or take the stereo tag off, as mkvpropedit and exiftool can",
        )
    if sphere is not None:
        raise UnsupportedInputError(
            "its pictures are spherical (360 degrees), which no result would tell",
            remedy="make a flat view of it, or take the spherical tag off, as exiftool can",
        )


_TWO_VIEWS: Final = {
    1: "side by side",
    2: "one above the other",
    3: "in turns",
    4: "as a checkerboard",
    5: "side by side",
    6: "in lines",
    7: "in columns",
}
"""By FFmpeg's AVStereo3DType. In others the second view is a layer that is not decoded."""


def read_colour(frame: VideoFrame, bits: int) -> Colour:
    """How the frame's samples become RGB. Where it does not say, what players assume."""
    guess: Matrix = "bt709" if frame.height >= 720 else "bt601"
    return Colour(bits, _full_range(frame), _MATRICES.get(int(frame.colorspace), guess))


def _full_range(frame: VideoFrame) -> bool:
    name = frame.format.name
    always = frame.format.is_rgb or name.startswith("yuvj") or name in {"pal8", "monow", "monob"}
    return always or frame.color_range == ColorRange.JPEG


def to_drawable(frame: VideoFrame) -> tuple[Layout, VideoFrame]:
    """The frame itself, or an equal one whose planes can be drawn on, and its layout.

    Raises:
        UnsupportedInputError: There is no equal one.
    """
    name = drawable_name(frame.format.name) or ""
    layout = layout_of(name)
    if layout is None:
        raise UnsupportedInputError(
            f"the pixel format {frame.format.name} cannot be kept", remedy="convert it first"
        )
    if name == frame.format.name:
        return layout, frame
    span = ColorRange.JPEG if _full_range(frame) else ColorRange.MPEG
    return layout, frame.reformat(format=name, src_color_range=span, dst_color_range=span)


def _planes(frame: VideoFrame, layout: Layout) -> tuple[Plane, ...]:
    chroma = {"u", "v", "uv"}
    return tuple(
        Plane(
            _samples(frame, number, len(role), wide=layout.bits > 8),
            role,
            layout.subsampling if role in chroma else (1, 1),
        )
        for number, role in enumerate(layout.roles)
    )


def _samples(frame: VideoFrame, number: int, channels: int, *, wide: bool) -> Samples:
    """The plane's samples without the padding that ends each line."""
    plane = frame.planes[number]
    rows = np.frombuffer(cast(Any, plane), np.uint8).reshape(plane.height, abs(plane.line_size))
    if plane.line_size < 0:
        rows = rows[::-1]  # stored from the bottom up
    line = plane.width * channels * (2 if wide else 1)
    samples: Samples = rows[:, :line].view("<u2" if wide else np.uint8)
    if channels > 1:
        samples = samples.reshape(plane.height, plane.width, channels)
    return samples
