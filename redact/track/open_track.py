"""One track in the making: its sightings so far, and the box that is predicted for the next frame.

Between detections a track moves with the optical flow. Its box grows meanwhile, slowly while the
flow is reliable and the template still matches, fast while not, up to a limit. The next detection
tells by how much the predictions had drifted, and each of them is corrected by its share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from redact.core.coverage import OPENING, Coverage, limit_growth
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box
from redact.core.interfaces import MovedBox, View
from redact.track.templates import Template, is_similar

_RELIABLE_GROWTH = 0.12
"""Growth of a predicted box on each side, in sides per second, while its movement is reliable."""
_UNRELIABLE_GROWTH = 0.6
"""The same while it is not."""
_MAX_UNRELIABLE = 0.12
"""Seconds of unreliable movement after which a box that has been predicted for long is dropped."""
_TEMPLATE_SCORE_SHARE = 0.7
"""A detection of at least this share of the track's best score replaces the template."""


@dataclass(frozen=True, slots=True)
class _Prediction:
    """A track's box in a frame without a detection, and its growth by then, in sides."""

    frame: int
    time: Fraction
    box: Box
    growth: float


@dataclass(slots=True)
class OpenTrack:
    """A track that may still go on.

    Args:
        id: Unique within one tracker.
        kind: What it is.
        box: Where it is or is predicted in the last frame, in pixels of the upright picture.
        last_detection: Its latest sighting that was a detection.
        start: Time of its first detection in seconds.
        room: No box without a detection is larger, in pixels, unless the detections beside it are.
        sightings: Detections, and corrected predictions between them.
        predictions: Since the last detection.
        valid_predictions: How many of these count, the first ones.
        growth: Of the box on each side since the last detection, in sides.
        unreliable_seconds: Time since the last detection in which its movement was unreliable.
        best_score: Of its detections.
        template: What its box held at the last clear detection; None outside the picture.
        first_template: The same at the clearest detection within `OPENING`.
        first_score: Of that detection.
    """

    id: int
    kind: Kind
    box: Box
    last_detection: Sighting
    start: Fraction
    room: Box
    sightings: list[Sighting] = field(default_factory=list)
    predictions: list[_Prediction] = field(default_factory=list)
    valid_predictions: int = 0
    growth: float = 0.0
    unreliable_seconds: float = 0.0
    best_score: float = 0.0
    template: Template | None = None
    first_template: Template | None = None
    first_score: float = 0.0

    @property
    def is_valid(self) -> bool:
        """Whether its latest prediction counts; so does a track that was just detected."""
        return self.valid_predictions == len(self.predictions)

    def add_detection(self, sighting: Sighting, template: Template | None) -> None:
        """Go on with a detection; the predictions before it are corrected and kept."""
        self.sightings += [self._correct_drift(step, sighting) for step in self.predictions]
        self.sightings.append(sighting)
        self.predictions, self.valid_predictions = [], 0
        self.box, self.last_detection = sighting.box, sighting
        self.growth = self.unreliable_seconds = 0.0
        self._update_templates(sighting, template)

    def _update_templates(self, sighting: Sighting, template: Template | None) -> None:
        """Keep the templates of clear detections.

        A weak detection may show the thing half faded in, half hidden or blurred.
        """
        self.best_score = max(self.best_score, sighting.score)
        if sighting.score >= _TEMPLATE_SCORE_SHARE * self.best_score:
            self.template = template
        if sighting.time - self.start <= OPENING and sighting.score > self.first_score:
            self.first_template, self.first_score = template, sighting.score

    def _correct_drift(self, step: _Prediction, coming: Sighting) -> Sighting:
        """One prediction, moved by its share of the drift that the next detection shows.

        Where the movement was unreliable, the straight line between the detections counts too,
        unless it is so far away that a box of both would be too large.
        """
        last = self.last_detection
        share = float((step.time - last.time) / (coming.time - last.time))
        box = step.box.plus(coming.box, share).plus(self.box, -share)
        both = box.hull(last.box.towards(coming.box, share))
        if self.unreliable_seconds and both == self._limited(both, coming.box):
            box = both
        grown = box.grown(min(step.growth, self.growth - step.growth))
        return Sighting(step.frame, step.time, self._limited(grown, coming.box), 0.0)

    def _limited(self, box: Box, *coming: Box) -> Box:
        """The box, no larger than the detections beside it and the picture allow."""
        return limit_growth(self.kind, box, (self.last_detection.box, *coming), self.room)

    def move(self, moved: MovedBox, content: Template | None, seconds: float) -> None:
        """Go where the optical flow says, and grow.

        Args:
            moved: The box in the neighbouring frame, in pixels of the upright picture.
            content: The template of that box there.
            seconds: Between the two frames.
        """
        self.box = self._limited(moved.box)
        reliable = moved.reliable and self.box == moved.box and self._still_holds(content)
        self.growth += seconds * (_RELIABLE_GROWTH if reliable else _UNRELIABLE_GROWTH)
        self.unreliable_seconds += 0.0 if reliable else seconds

    def _still_holds(self, content: Template | None) -> bool:
        """Whether the content matches the template; true where there is nothing to compare."""
        if self.template is None or content is None:
            return True
        return is_similar(self.template, content)

    def add_prediction(self, view: View, coverage: Coverage) -> None:
        """Go on without a detection; the predicted box counts for as long as it is credible."""
        self.predictions.append(_Prediction(view.index, view.time, self.box, self.growth))
        seconds = float(abs(view.time - self.last_detection.time))
        if _is_credible(self.kind, seconds, self.unreliable_seconds, coverage):
            self.valid_predictions = len(self.predictions)

    def tail(self) -> list[Sighting]:
        """The predictions since the last detection that count."""
        return [
            Sighting(s.frame, s.time, self._limited(s.box.grown(s.growth)), 0.0)
            for s in self.predictions[: self.valid_predictions]
        ]

    def to_track(self, earlier: Sequence[Sighting] = ()) -> Track:
        """The track as it is now, after earlier sightings."""
        return Track(self.id, self.kind, (*earlier, *self.sightings, *self.tail()))


def _is_credible(kind: Kind, seconds: float, unreliable_seconds: float, coverage: Coverage) -> bool:
    """Whether a predicted box counts, by times since the last detection."""
    rule = coverage.rule(kind)
    if seconds <= max(rule.after, rule.before):
        return True
    return seconds <= coverage.follow and unreliable_seconds <= _MAX_UNRELIABLE
