"""A second opinion of the same network at another scale, for kinds without another family.

It sees less of its own errors than another network would: what it missed at one size it often finds
at another, but what it does not know, it knows at none. So it must be sure, in the picture and in
its mirror image.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np

from redact.core.findings import Detection, Kind
from redact.core.frames import Frame, Rgb, upright_size
from redact.core.geometry import Box
from redact.core.interfaces import Detector
from redact.verify.result import Spot

_SAME = 0.5
"""Intersection over union of a detection and its mirror image."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How a detector is used once more.

    Args:
        detector: Its name.
        side: Longer side, in pixels, of the copy; that of no pass of a profile.
        certain: Mean score, in the picture and in its mirror image, from which a spot counts.
        enlarge: Whether a smaller picture is scaled up to it.
    """

    detector: str
    side: int
    certain: float
    enlarge: bool = True


SCALES = {
    Kind.HEAD: Scale("heads", 800, 0.6),
    Kind.PERSON: Scale("people", 640, 0.5),
    Kind.SCREEN: Scale("screens", 576, 0.5),
    Kind.TEXT: Scale("text", 800, 0.75, enlarge=False),
}


class OtherScales:
    """Looks for some kinds at a scale of its own.

    Args:
        kinds: What was looked for; those without a row in `SCALES` are left out.
        load: From a detector's name to the detector.
    """

    def __init__(self, kinds: Collection[Kind], load: Callable[[str], Detector]) -> None:
        self.kinds = tuple(kind for kind in SCALES if kind in kinds)
        self._detectors = {kind: load(SCALES[kind].detector) for kind in self.kinds}

    def examine(self, frame: Frame, hidden: Callable[[Box], bool]) -> list[Spot]:
        """What is certain to be there and is not hidden.

        Args:
            frame: Of the output.
            hidden: Whether a box is, in pixels of the upright picture.

        Raises:
            EngineError: A detector failed.
        """
        return [spot for kind in self.kinds for spot in self._examine(kind, frame, hidden)]

    def _examine(self, kind: Kind, frame: Frame, hidden: Callable[[Box], bool]) -> list[Spot]:
        size, scale = upright_size(frame.picture), SCALES[kind]
        side = scale.side if scale.enlarge else min(scale.side, size.longer)
        copy = frame.picture.rgb(size.fitted(side))
        across, down = size.width / copy.shape[1], size.height / copy.shape[0]
        seen = self._detect(kind, copy)
        exposed = [d for d in seen if not hidden(d.box.scaled(across, down))]
        if not exposed:
            return []
        mirrored = self._detect(kind, np.ascontiguousarray(copy[:, ::-1]))
        again = [replace(d, box=d.box.mirrored(copy.shape[1])) for d in mirrored]
        spots = []
        for one in exposed:
            twin = max((d.score for d in again if d.box.iou(one.box) >= _SAME), default=0.0)
            mean = round((one.score + twin) / 2, 3)
            if mean >= scale.certain:
                name = f"{scale.detector} at {side}"
                box = one.box.scaled(across, down)
                spots.append(Spot(frame.index, frame.time, box, ((name, mean),), kind=kind))
        return spots

    def _detect(self, kind: Kind, copy: Rgb) -> list[Detection]:
        scale = SCALES[kind]
        (found,) = self._detectors[kind].detect([copy], scale.certain / 2)
        return found
