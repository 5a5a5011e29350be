"""Near faces, by PoseNet: a nose and an eye that belong together are a face.

CenterFace knows faces that are seen whole. It is unsure of a face that is near and seen from the
side, cut by the picture's rim or in the dark; there points of the face are often clear
(docs/decisions/0030).
"""

from __future__ import annotations

from collections.abc import Sequence

from redact.core.findings import Detection, Kind
from redact.core.frames import Rgb
from redact.core.geometry import Box
from redact.detect.detectors.heads import SEEN, drop_doubles, measure_head
from redact.detect.detectors.posenet import LEFT_EYE, NOSE, RIGHT_EYE, Person, PoseNet

_SMALLEST = 64.0
"""Height of a head, in pixels of the picture that the network sees, from which a face counts. In
smaller ones it takes bodies and bells of trombones for faces, and other networks know those."""

_WIDTH, _HEIGHT = 0.57, 0.77
"""Of a face, in heights of its head: at most that in nine of ten of 269 labelled faces."""
_FALL = 0.03
"""How far the middle of a face lies below that of nose and eyes, in heights of its head."""

_HIGHEST = 0.54
"""Score of a face whose points are certain, below that of a clear face: that has an exact box and a
narrow margin. Less certain points score less, as bare bellies have some of .6."""


class NearFaces:
    """Finds faces whose head is at least 64 pixels high in the picture that it is given."""

    def __init__(self) -> None:
        self._network = PoseNet()

    def detect(self, pictures: Sequence[Rgb], threshold: float) -> list[list[Detection]]:
        """Faces per picture, in its own pixels, each with at least that score."""
        return [
            drop_doubles(face for person in people if (face := _face(person, threshold)))
            for people in self._network.people(pictures, threshold)
        ]


def _face(person: Person, threshold: float) -> Detection | None:
    """The face of one person, None if it is small or does not show."""
    places, scores = person
    score = _HIGHEST * min(float(scores[NOSE]), float(scores[[LEFT_EYE, RIGHT_EYE]].max()))
    head = measure_head(places, scores) if score >= threshold else None
    if head is None or head.box.height < _SMALLEST:
        return None
    across, down = places[: RIGHT_EYE + 1][scores[: RIGHT_EYE + 1] >= SEEN].mean(axis=0)
    height = head.box.height
    box = Box.around(float(across), float(down) + _FALL * height, _WIDTH * height, _HEIGHT * height)
    return Detection(Kind.FACE, box, score)
