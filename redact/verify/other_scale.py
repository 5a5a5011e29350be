"""A second opinion of the same network at another scale, for kinds without another family.

It sees less of its own errors than another network would: what it missed at one size it often finds
at another, but what it does not know, it knows at none. So it must be sure, in the picture and in
its mirror image.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from redact.core.findings import Detection, Kind
from redact.core.frames import Frame, Picture, upright_size
from redact.core.geometry import Box
from redact.core.interfaces import Detector
from redact.verify.passes import CheckPass, detect_in_copy
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
        most: How many times its size a picture is scaled up at most; 0 for no such bound.
    """

    detector: str
    side: int
    certain: float
    most: float = 0.0

    @property
    def check_pass(self) -> CheckPass:
        """Its pass over the whole picture."""
        return CheckPass(self.detector, self.side, self.certain / 2, ("both",), self.most)


SCALES = {
    Kind.HEAD: Scale("heads", 800, 0.6),
    Kind.PERSON: Scale("people", 640, 0.5),
    Kind.SCREEN: Scale("screens", 576, 0.5),
    Kind.TEXT: Scale("text", 800, 0.75, most=1),
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

    def detect(self, kind: Kind, picture: Picture) -> list[Detection]:
        """What the pass of one kind finds, in pixels of the upright picture."""
        one = SCALES[kind].check_pass
        copy = one.copy(picture)
        return detect_in_copy(self._detectors[kind], copy, upright_size(picture), one.threshold)

    def examine(
        self,
        frame: Frame,
        hidden: Callable[[Box], bool],
        seen: Mapping[Kind, Sequence[Detection]] | None = None,
    ) -> list[Spot]:
        """What is certain to be there and is not hidden.

        Args:
            frame: Of the output.
            hidden: Whether a box is, in pixels of the upright picture.
            seen: What `detect` found, by kind; None to run it here.

        Raises:
            EngineError: A detector failed.
        """
        spots = []
        for kind in self.kinds:
            found = self.detect(kind, frame.picture) if seen is None else seen[kind]
            spots += self._examine(kind, frame, hidden, found)
        return spots

    def _examine(
        self,
        kind: Kind,
        frame: Frame,
        hidden: Callable[[Box], bool],
        seen: Sequence[Detection],
    ) -> list[Spot]:
        exposed = [d for d in seen if not hidden(d.box)]
        if not exposed:
            return []
        size, scale = upright_size(frame.picture), SCALES[kind]
        copy = scale.check_pass.copy(frame.picture)
        mirror = np.ascontiguousarray(copy[:, ::-1])
        mirrored = detect_in_copy(self._detectors[kind], mirror, size, scale.check_pass.threshold)
        again = [replace(d, box=d.box.mirrored(size.width)) for d in mirrored]
        spots = []
        for one in exposed:
            twin = max((d.score for d in again if d.box.iou(one.box) >= _SAME), default=0.0)
            mean = round((one.score + twin) / 2, 3)
            if mean >= scale.certain:
                scores = ((f"{scale.detector} at {max(copy.shape[:2])}", mean),)
                spots.append(Spot(frame.index, frame.time, one.box, scores, kind=kind))
        return spots
