"""Compares the structure of a finished picture with its source's: format, pages, metadata."""

from __future__ import annotations

from PIL import Image

from redact.media.stills import PictureSource, StillSource
from redact.media.stills.animation import AnimationSource
from redact.media.stills.decoding import Decoded
from redact.media.stills.heif import is_plain
from redact.media.stills.pages import PagesSource

_ALLOWED_INFO = {
    "adobe", "adobe_transform", "ambient_viewing_environment", "aspect", "aux", "background",
    "bit_depth", "chroma", "chromaticity", "compression", "content_light_level", "dpi", "gamma",
    "icc_profile", "icc_profile_type", "jfif", "jfif_density", "jfif_unit", "jfif_version", "loop",
    "mastering_display_colour_volume", "nclx_profile", "nominal_diffuse_white_luminance",
    "primary", "progression", "progressive", "resolution", "srgb", "tiling", "transparency", "bbox",
    "blend", "default_image", "disposal", "duration", "timestamp", "version",
}  # fmt: skip
"""What Pillow reports of any picture. It does not tell who took it, where or when."""

_LAYOUT_TAGS = {
    256, 257, 258, 259, 262, 273, 277, 278, 279, 282, 283, 284, 296, 317, 320, 338, 339, 34675,
}  # fmt: skip
"""TIFF tags that only describe how the pixels are stored."""


def find_faults(source: PictureSource, output: PictureSource) -> list[str]:
    """What differs that must not, and what metadata it holds that it must not, in words."""
    found = _format_faults(source, output)
    with Image.open(output.path) as image:
        for page in range(len(output.pages) if isinstance(output, PagesSource) else 1):
            image.seek(page)
            found += ["it holds EXIF data"] if set(image.getexif()) - _LAYOUT_TAGS else []
            extra = sorted(
                str(key)
                for key, value in image.info.items()
                if value and not _is_allowed(key, value)
            )
            found += [f"it holds what is not allowed: {key}" for key in extra]
    return list(dict.fromkeys(found))


def _is_allowed(key: object, value: object) -> bool:
    if key == "extension":  # of a GIF: the one that holds the number of rounds
        return isinstance(value, tuple) and value[0] == b"NETSCAPE2.0"
    return str(key).lower() in _ALLOWED_INFO


def _format_faults(source: PictureSource, output: PictureSource) -> list[str]:
    if isinstance(source, AnimationSource) and isinstance(output, AnimationSource):
        one, other = source.animation, output.animation
        same = (one.form, one.delays, one.loop_count) == (
            other.form,
            other.delays,
            other.loop_count,
        )
        if not same:
            return ["its format, delays or rounds are not those of its source"]
        kept = one.chunks == other.chunks
        return [] if kept else ["its colours or its resolution are not those of its source"]
    if isinstance(source, StillSource) and isinstance(output, StillSource):
        return _differences(source.decoded, output.decoded)
    if isinstance(source, PagesSource) and isinstance(output, PagesSource):
        sizes = [[page.size for page in pages] for pages in (source.pages, output.pages)]
        if sizes[0] != sizes[1]:
            return ["its pages are not those of its source"]
        pairs = zip(source.pages, output.pages, strict=True)
        return [fault for one, other in pairs for fault in _differences(one.like, other.like)]
    return ["they are not of one kind: a picture, an animation, several pages"]


def _differences(one: Decoded, other: Decoded) -> list[str]:
    """What of a picture is kept beside its pixels, and is not there."""
    if one.form != other.form:
        return [f"it is {other.form}, not {one.form}"]
    same = {
        "resolution": one.resolution == other.resolution,
        "colour chunks": set(one.chunks) <= set(other.chunks),
        "bilevel mode": one.bilevel == other.bilevel,
        "bit depth": one.samples.dtype == other.samples.dtype,
        "colour profile": one.profile == other.profile,
        "HDR or wide colours": _meaning(one) == _meaning(other),
    }
    return [f"its {what} is not that of its source" for what, kept in same.items() if not kept]


def _meaning(decoded: Decoded) -> list[int]:
    """The code points of a HEIC or AVIF for primaries and transfer; none where they mean sRGB."""
    points = decoded.options.get("colours", decoded.options).get("nclx_profile", {})
    found = points.get("color_primaries", 1), points.get("transfer_characteristics", 13)
    return [] if is_plain(*found) else [*found]
