"""Pages of one file: each is looked at closely and decided for itself, as a picture is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from redact.core.findings import Sighting, Track
from redact.core.interfaces import View
from redact.core.recipe import Pass


def for_every_page(passes: Sequence[Pass]) -> tuple[Pass, ...]:
    """The passes that videos get in some frames only, due in all."""
    return tuple(replace(look, every=1) for look in passes)


class PageTracker:
    """A track for each detection, and a cut before each page: nothing leads from one to another."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._pages: list[int] = []

    def update(self, view: View) -> None:
        """Take the next page."""
        self._pages.append(view.index)
        for found in view.detections:
            seen = Sighting(view.index, view.time, found.box, found.score)
            self._tracks.append(Track(len(self._tracks) + 1, found.kind, (seen,)))

    def tracks(self) -> list[Track]:
        """All so far."""
        return list(self._tracks)

    def cuts(self) -> list[int]:
        """Every page but the first."""
        return self._pages[1:]
