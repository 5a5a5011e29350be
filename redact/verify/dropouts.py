"""Dropouts: things hidden before or after a moment that show at it, found without detectors.

The plan says about where a thing is in each gap of its track (`redact.verify.gaps`). Where nothing
is hidden there, the output is searched for the thing by template matching: the template is how the
source showed it when it was detected, the score is the normalised cross-correlation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from redact.core.findings import Track
from redact.core.frames import Frame, upright, upright_size
from redact.core.geometry import Box, Region, Size
from redact.verify.gaps import Gap, find_gaps
from redact.verify.hidden import hidden_by_regions
from redact.verify.residue import brightness
from redact.verify.result import AT_AN_END, BETWEEN, Spot

_SIDE = 24
"""Samples of a template across and down."""

_OVERSAMPLING = 3
"""Pixels, across and down, whose mean is one sample."""

_SEARCH = 10
"""How many samples around the expected place are searched, on each side."""

_CONTRAST = 2.5
"""Largest ratio of the standard deviations of two patches: correlation alone ignores contrast."""

_SAME_THING = 0.5
"""Correlation of two tracks' templates from which the second track goes on where the first ends."""

_FLAT = 2.0
"""Deviation of a template, in steps of 255, below which it looks like anything."""

_COARSE = 7
"""Samples in a row whose mean is taken off for fine structure: mere shades resemble anything."""

_SAME_STRUCTURE_BETWEEN, _SAME_STRUCTURE_AT_ENDS = 0.2, 0.4
"""Correlations of fine structure, across as well as down, below which two patches are not of one
thing: the edge of a sheet of paper has structure in one direction alone."""

Patch: TypeAlias = NDArray[np.float32]
"""Brightness around a place, (samples, samples), in steps of 255."""


class Dropouts:
    """Watches an output beside its source, frame by frame, in order.

    Args:
        tracks: What the plan hides.
        cuts: Indices of the frames that begin a new shot, ascending.
    """

    def __init__(self, tracks: Iterable[Track], cuts: Sequence[int]) -> None:
        self._pending = sorted(find_gaps(tracks, cuts), key=lambda gap: gap.span[0], reverse=True)
        self._open: list[_OpenGap] = []

    def update(self, source: Frame, output: Frame, regions: Sequence[Region]) -> list[Spot]:
        """What is now known to show, in this frame or an earlier one.

        Args:
            source: The original's frame.
            output: The same one, as written.
            regions: What the plan hides in it, in pixels of the upright picture.
        """
        self._open_and_close(source.time)
        size = upright_size(source.picture)
        is_hidden = hidden_by_regions(regions)
        original, written = _GreyFrame(source), _GreyFrame(output)
        for item in self._open:
            item.take_templates(original)
            box = item.gap.expected_box(source.index, source.time)
            if box is not None and _mostly_within(box, size) and not is_hidden(box):
                item.add_candidate(written, box)
        return [spot for item in self._open for spot in item.confirmed()]

    def _open_and_close(self, time: Fraction) -> None:
        """Open the gaps that begin by then, and close those that ended before."""
        while self._pending and self._pending[-1].span[0] <= time:
            gap = self._pending.pop()
            self._open.append(_OpenGap(gap, gap.span[1]))
        self._open = [item for item in self._open if item.closes >= time]


@dataclass(slots=True)
class _OpenGap:
    """A gap while its frames go by.

    Args:
        gap: Which.
        closes: Seconds after which nothing of it is needed.
        templates: How the source showed the thing, in the frames that have come so far.
        candidates: Spots where it may show, and what the output shows there, until all templates
            are known.
    """

    gap: Gap
    closes: Fraction
    templates: list[Patch] = field(default_factory=list)
    candidates: list[tuple[Spot, Patch]] = field(default_factory=list)

    def take_templates(self, source: _GreyFrame) -> None:
        """Take the thing's templates from this frame, if it was detected in it."""
        index = source.frame.index
        boxes = (seen.box for seen in self.gap.detections if seen.frame == index)
        self.templates += (source.sample(box, _SIDE) for box in boxes)

    def add_candidate(self, output: _GreyFrame, box: Box) -> None:
        """Keep what is around an expected box."""
        patch = output.sample(box.grown(_SEARCH / _SIDE), _SIDE + 2 * _SEARCH)
        frame, kind = output.frame, self.gap.kind
        why = BETWEEN if self.gap.between_sightings else AT_AN_END
        self.candidates.append((Spot(frame.index, frame.time, box, (), why, kind), patch))

    def confirmed(self) -> list[Spot]:
        """The candidates that show the thing; none while a template is missing."""
        if not self.candidates or len(self.templates) < len(self.gap.detections):
            return []
        candidates, self.candidates = self.candidates, []
        if self.gap.linked and _correlation(*self.templates) < _SAME_THING:
            return []
        between = self.gap.between_sightings
        least = _SAME_STRUCTURE_BETWEEN if between else _SAME_STRUCTURE_AT_ENDS
        found = (_matched(spot, patch, self.templates, least) for spot, patch in candidates)
        return [spot for spot in found if spot.score >= self.gap.threshold]


class _GreyFrame:
    """The upright brightness of one frame, computed once and only if it is needed."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    @cached_property
    def _grey(self) -> NDArray[np.uint8]:
        picture = self.frame.picture
        return np.asarray(upright(brightness(picture), picture.turn))

    def sample(self, box: Box, side: int) -> Patch:
        """A box's brightness in so many samples a side; beyond its border the picture goes on."""
        grey, fine = self._grey, side * _OVERSAMPLING
        across = box.left + (np.arange(fine) + 0.5) * box.width / fine
        down = box.top + (np.arange(fine) + 0.5) * box.height / fine
        columns = np.clip(across.astype(int), 0, grey.shape[1] - 1)
        rows = np.clip(down.astype(int), 0, grey.shape[0] - 1)
        samples = grey[np.ix_(rows, columns)].astype(np.float32)
        cells = samples.reshape(side, _OVERSAMPLING, side, _OVERSAMPLING)
        return np.asarray(cells.mean(axis=(1, 3)), np.float32)


def _mostly_within(box: Box, size: Size) -> bool:
    """Whether half of it lies in the picture: beyond the border everything is even."""
    return box.overlap(Box(0, 0, size.width, size.height)) >= box.area / 2


def _matched(spot: Spot, patch: Patch, templates: Sequence[Patch], least: float) -> Spot:
    """The spot moved to where the best template matches, with that correlation as its score."""
    best, across, down = max(_match(template, patch, least) for template in templates)
    away = across * spot.box.width / _SIDE, down * spot.box.height / _SIDE
    scores = (("resemblance", round(best, 3)),)
    return replace(spot, box=spot.box.shifted(*away), scores=scores)


def _match(template: Patch, patch: Patch, least: float) -> tuple[float, int, int]:
    """The best correlation of a template in a larger patch, 0 if they are not of one thing.

    And where that is: samples to the right of the patch's middle, and below it.
    """
    if template.std() < _FLAT:
        return 0.0, 0, 0
    _, best, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(patch, template, cv2.TM_CCOEFF_NORMED))
    found = patch[y : y + _SIDE, x : x + _SIDE]
    contrast = float(found.std() / template.std())
    alike = 1 / _CONTRAST <= contrast <= _CONTRAST and _structure(template, found) >= least
    return best if alike else 0.0, x - _SEARCH, y - _SEARCH


def _structure(template: Patch, found: Patch) -> float:
    """How much the fine structure is alike, across and down, whichever is less; a sample off."""
    scores = []
    for window in ((_COARSE, 1), (1, _COARSE)):
        one, other = (patch - cv2.blur(patch, window) for patch in (template, found))
        inner, around = (
            np.ascontiguousarray(one[2:-2, 2:-2]),
            np.ascontiguousarray(other[1:-1, 1:-1]),
        )
        scores.append(float(cv2.matchTemplate(around, inner, cv2.TM_CCOEFF_NORMED).max()))
    return min(scores)


def _correlation(one: Patch, other: Patch) -> float:
    """The normalised cross-correlation of two patches of one size."""
    return float(cv2.matchTemplate(one, other, cv2.TM_CCOEFF_NORMED)[0, 0])
