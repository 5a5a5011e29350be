"""Photoshop files: the picture that they show, which is written as PNG."""

from __future__ import annotations

import struct

from PIL import Image

from redact.core.notes import Note

_VERSION_INFO = 1057
"""The image resource that tells whether the file holds the picture that its layers make."""


def why_unreadable(data: bytes) -> str | None:
    """Why Pillow cannot read a Photoshop file although it may be whole; None where not known."""
    if data[:4] != b"8BPS" or len(data) < 26:
        return None
    version, bits = struct.unpack_from(">H", data, 4)[0], struct.unpack_from(">H", data, 22)[0]
    if version != 1:
        return "large Photoshop files are not supported"
    return f"Photoshop files with {bits} bits a channel are not supported" if bits > 8 else None


def holds_picture(image: Image.Image) -> bool:
    """Whether what is shown is in the file, and not only layers that make it."""
    resources: list[tuple[int, bytes, bytes]] = getattr(image, "resources", [])
    return all(content[4:5] != b"\0" for number, _, content in resources if number == _VERSION_INFO)


def notes(image: Image.Image) -> tuple[Note, ...]:
    """That the picture is written as PNG, and how many layers are left out."""
    layers = getattr(image, "n_frames", 0)
    more = f", {layers} layer{'s' * (layers > 1)} left out" if layers else ""
    return (Note("written_as", 1, f"written as PNG: the picture that it shows{more}"),)
