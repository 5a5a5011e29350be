"""Pages of one file: each gets every pass and is decided for itself, as a still picture is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from redact.core.findings import Sighting, Track
from redact.core.interfaces import View
from redact.core.passes import Pass


def for_every_page(passes: Sequence[Pass]) -> tuple[Pass, ...]:
    """The passes, due on every page; in a video some are due in some frames only."""
    return tuple(replace(pass_, every=1) for pass_ in passes)


class PageTracker:
    """A track for each detection and a shot boundary before each page, so that none is joined."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._pages: list[int] = []

    def update(self, view: View) -> None:
        """Take the next page."""
        self._pages.append(view.index)
        for found in view.detections:
            sighting = Sighting(view.index, view.time, found.box, found.score)
            self._tracks.append(Track(len(self._tracks) + 1, found.kind, (sighting,)))

    def tracks(self) -> list[Track]:
        """All tracks so far."""
        return list(self._tracks)

    def cuts(self) -> list[int]:
        """Indices of all pages but the first."""
        return self._pages[1:]
