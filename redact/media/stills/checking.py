"""Compares the structure of a finished picture with its source's: format, pages, metadata."""

from __future__ import annotations

from PIL import Image

from redact.media.stills import PictureSource, StillSource
from redact.media.stills.animation import AnimationSource
from redact.media.stills.pages import PagesSource

_ALLOWED_INFO = {
    "adobe", "adobe_transform", "aux", "background", "bit_depth", "chroma", "compression", "dpi",
    "gamma", "icc_profile", "icc_profile_type", "jfif", "jfif_density", "jfif_unit",
    "jfif_version", "loop", "nclx_profile", "primary", "progression", "progressive", "resolution",
    "srgb", "transparency", "bbox", "blend", "default_image", "disposal", "duration", "timestamp",
    "version",
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
        return [] if same else ["its format, delays or rounds are not those of its source"]
    if isinstance(source, StillSource) and isinstance(output, StillSource):
        one_form, other_form = source.decoded.form, output.decoded.form
        return [] if one_form == other_form else [f"it is {other_form}, not {one_form}"]
    if isinstance(source, PagesSource) and isinstance(output, PagesSource):
        sizes = [[page.size for page in pages] for pages in (source.pages, output.pages)]
        return [] if sizes[0] == sizes[1] else ["its pages are not those of its source"]
    return ["they are not of one kind: a picture, an animation, several pages"]
