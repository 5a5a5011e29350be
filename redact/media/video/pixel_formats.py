"""Pixel formats by name: their planes, which can be drawn on, and which can hold another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from redact.core.frames import Role

Family: TypeAlias = Literal["grey", "yuv", "rgb"]

_PLANAR = re.compile(r"yuv(a?)(420|422|444|411|440|410)p(?:(9|10|12|14|16)le)?")
_SEMIPLANAR = re.compile(r"nv(12|16|24)")
_GREY = re.compile(r"gray(?:(9|10|12|14|16)le)?")
_GBR = re.compile(r"gbr(a?)p(?:(9|10|12|14|16)le)?")
_PACKED: Final[dict[str, tuple[Role, int]]] = {
    "rgb24": ("rgb", 8),
    "rgba": ("rgba", 8),
    "rgb48le": ("rgb", 16),
    "rgba64le": ("rgba", 16),
    "ya8": ("ya", 8),
    "ya16le": ("ya", 16),
}
_SUBSAMPLINGS = {
    "420": (2, 2),
    "422": (2, 1),
    "444": (1, 1),
    "411": (4, 1),
    "440": (1, 2),
    "410": (4, 4),
    "12": (2, 2),
    "16": (2, 1),
    "24": (1, 1),
}
_DRAWABLE_EQUALS: Final = {
    **dict.fromkeys(("yuyv422", "uyvy422", "yvyu422"), "yuv422p"),
    **dict.fromkeys(("y210le", "p210le", "y210be", "p210be"), "yuv422p10le"),
    **dict.fromkeys(("y212le", "p212le"), "yuv422p12le"),
    **dict.fromkeys(("y216le", "p216le"), "yuv422p16le"),
    **dict.fromkeys(("p010le", "p010be"), "yuv420p10le"),
    **dict.fromkeys(("p012le", "p012be"), "yuv420p12le"),
    **dict.fromkeys(("p016le", "p016be"), "yuv420p16le"),
    **dict.fromkeys(("p410le", "xv30le", "v30xle"), "yuv444p10le"),
    **dict.fromkeys(("p412le", "xv36le"), "yuv444p12le"),
    **dict.fromkeys(("p416le", "xv48le"), "yuv444p16le"),
    **dict.fromkeys(("vuyx", "vyu444"), "yuv444p"),
    **dict.fromkeys(("vuya", "ayuv", "uyva"), "yuva444p"),
    **dict.fromkeys(("ayuv64le", "ayuv64be"), "yuva444p16le"),
    **dict.fromkeys(("x2rgb10le", "x2bgr10le"), "gbrp10le"),
    **dict.fromkeys(("bgr24", "0rgb", "rgb0", "0bgr", "bgr0"), "rgb24"),
    **dict.fromkeys(("rgb565le", "rgb555le", "rgb444le", "bgr565le", "bgr555le"), "rgb24"),
    **dict.fromkeys(("rgb565be", "rgb555be", "rgb8", "bgr8", "rgb4_byte"), "rgb24"),
    **dict.fromkeys(("bgra", "argb", "abgr", "pal8"), "rgba"),
    **dict.fromkeys(("bgr48le", "rgb48be", "bgr48be"), "rgb48le"),
    **dict.fromkeys(("bgra64le", "rgba64be", "bgra64be"), "rgba64le"),
    **dict.fromkeys(("monow", "monob"), "gray"),
    "nv21": "nv12",
    "nv42": "nv24",
    "nv20le": "yuv422p10le",
    "uyyvyy411": "yuv411p",
}
"""Formats that cannot be drawn on plane by plane, and their equal that can."""

_FULL_RANGE = re.compile(r"yuvj(4\d\dp)")
_BIG_ENDIAN = re.compile(r"((?:yuva?4\d\dp|gbra?p|gray|ya)(?:9|10|12|14|16))be")


@dataclass(frozen=True, slots=True)
class Layout:
    """What a drawable pixel format holds.

    Args:
        family: Grey, luma with chroma, or red, green and blue.
        roles: What each plane's channels hold.
        subsampling: Chroma subsampling: pixels per chroma sample, across and down.
        bits: Significant bits of a sample.
    """

    family: Family
    roles: tuple[Role, ...]
    subsampling: tuple[int, int]
    bits: int

    @property
    def alpha(self) -> bool:
        """Whether there is a channel of opacity."""
        return any("a" in role for role in self.roles)

    def can_hold(self, other: Layout) -> bool:
        """Whether this layout keeps everything of the other: chroma, depth and alpha."""
        families = self.family == other.family or (self.family == "yuv" and other.family == "grey")
        finer = (
            self.subsampling[0] <= other.subsampling[0]
            and self.subsampling[1] <= other.subsampling[1]
        )
        return (
            families
            and (finer or other.family == "grey")
            and self.bits >= other.bits
            and (self.alpha or not other.alpha)
        )

    @property
    def cost(self) -> float:
        """Bits per pixel: the cheapest layout that holds another is the one to choose."""
        chroma = {"grey": 0.0, "rgb": 2.0}.get(
            self.family, 2 / (self.subsampling[0] * self.subsampling[1])
        )
        return self.bits * (1 + chroma + self.alpha)


def layout_of(name: str) -> Layout | None:
    """The layout of a format that can be drawn on, None for any other."""
    if name in _PACKED:
        role, bits = _PACKED[name]
        return Layout("grey" if role == "ya" else "rgb", (role,), (1, 1), bits)
    if match := _PLANAR.fullmatch(name):
        roles: tuple[Role, ...] = ("y", "u", "v", "a") if match[1] else ("y", "u", "v")
        return Layout("yuv", roles, _SUBSAMPLINGS[match[2]], int(match[3] or 8))
    if match := _SEMIPLANAR.fullmatch(name):
        return Layout("yuv", ("y", "uv"), _SUBSAMPLINGS[match[1]], 8)
    if match := _GBR.fullmatch(name):
        roles = ("g", "b", "r", "a") if match[1] else ("g", "b", "r")
        return Layout("rgb", roles, (1, 1), int(match[2] or 8))
    if match := _GREY.fullmatch(name):
        return Layout("grey", ("y",), (1, 1), int(match[1] or 8))
    return None


def drawable_name(name: str) -> str | None:
    """The pixel format that is drawn on for a stored one, None where there is no equal."""
    if match := _FULL_RANGE.fullmatch(name):
        return f"yuv{match[1]}"
    if match := _BIG_ENDIAN.fullmatch(name):
        return f"{match[1]}le"
    return name if layout_of(name) else _DRAWABLE_EQUALS.get(name)
