"""Proving that what is drawn does not depend on what is hidden, on somebody's own file.

Every frame is hidden twice: as it is, and with noise in place of all that will be hidden. If one
bit of the two results differs, something of the hidden pixels came through.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from redact.core.frames import Frame, Picture, PictureCopy
from redact.core.geometry import Region
from redact.core.interfaces import Progress, Source, Style
from redact.core.parallel import map_ahead
from redact.hide.masks import Mask, plane_masks


@dataclass(frozen=True, slots=True)
class Proof:
    """What the comparison found.

    Args:
        frames: How many were compared.
        regions: How many were hidden in all of them.
        samples: How many samples were replaced by noise, all planes together.
        leaking: In how many frames the two results differ.
        first: The first of these, None if there is none.
        worst: Most samples that differ in one frame.
    """

    frames: int = 0
    regions: int = 0
    samples: int = 0
    leaking: int = 0
    first: int | None = None
    worst: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing of the hidden pixels came through."""
        return self.leaking == 0

    def in_words(self) -> str:
        """One line."""
        if not self.regions:
            return f"nothing is hidden in its {self.frames} frames, so there is nothing to prove"
        if self.holds:
            return (
                f"PROVEN: {self.regions} regions in {self.frames} frames, {self.samples} hidden "
                "samples replaced by noise, and not one bit of what is drawn changed"
            )
        return (
            f"NOT PROVEN: in {self.leaking} of {self.frames} frames what is drawn depends on what "
            f"is hidden, first in frame {self.first}, in up to {self.worst} samples"
        )


def prove(
    source: Source,
    cover: Callable[[int, Fraction], list[Region]],
    make_style: Callable[[], Style],
    progress: Progress,
) -> Proof:
    """Hide every frame twice and compare, bit by bit.

    Args:
        source: What is hidden.
        cover: The regions of each frame, asked in order.
        make_style: Called once for each of the two renderings, so that neither knows the other.
        progress: Called for every frame.
    """
    as_it_is, with_noise = make_style(), make_style()
    proof = Proof()

    def compare(item: tuple[Frame, list[Region]]) -> tuple[int, int]:
        frame, regions = item
        return _count_differences(frame, regions, as_it_is, with_noise)

    asked = ((frame, cover(frame.index, frame.time)) for frame in source.frames())
    with closing(map_ahead(compare, asked)) as compared:
        for (frame, regions), (hidden, changed) in compared:
            first = proof.first if proof.first is not None or not changed else frame.index
            proof = Proof(
                proof.frames + 1,
                proof.regions + len(regions),
                proof.samples + hidden,
                proof.leaking + bool(changed),
                first,
                max(proof.worst, changed),
            )
            progress("prove", proof.frames, source.info.frames)
    return proof


def _count_differences(
    frame: Frame, regions: list[Region], one: Style, other: Style
) -> tuple[int, int]:
    """How many samples are hidden, and how many of all samples differ."""
    if not regions:
        return 0, 0
    plain, noisy = PictureCopy.of(frame.picture), PictureCopy.of(frame.picture)
    masks = plane_masks(noisy, regions)
    _replace_by_noise(noisy, masks, frame.index)
    one.hide(plain, regions)
    other.hide(noisy, regions)
    pairs = zip(plain.planes(), noisy.planes(), strict=True)
    changed = sum(int(np.count_nonzero(a.samples != b.samples)) for a, b in pairs)
    return _count_hidden(noisy, masks), changed


def _replace_by_noise(picture: Picture, masks: list[Mask], seed: int) -> None:
    """Put noise of the whole range under the masks; no sample keeps its value."""
    dice = np.random.default_rng(seed)
    top = picture.colour.top
    for plane, mask in zip(picture.planes(), masks, strict=True):
        shift = dice.integers(1, top + 1, plane.samples[mask].shape)
        plane.samples[mask] = (plane.samples[mask].astype(np.int64) + shift) % (top + 1)


def _count_hidden(picture: Picture, masks: list[Mask]) -> int:
    planes = zip(picture.planes(), masks, strict=True)
    return sum(int(plane.samples[mask].size) for plane, mask in planes)
