"""What is the same thing over time?"""

from __future__ import annotations

from redact.core.interfaces import OpticalFlow, Tracker
from redact.core.recipe import Recipe


def make_tracker(recipe: Recipe, *, pages: bool = False) -> Tracker:
    """A fresh tracker for one source.

    Args:
        recipe: Gives the coverage and the high threshold.
        pages: Whether the frames are pages of a document, each a picture of its own.
    """
    if pages:
        from redact.track.pages import PageTracker

        return PageTracker()
    from redact.track.tracker import PictureTracker

    return PictureTracker(recipe.coverage, recipe.high_threshold, make_flow())


def make_flow() -> OpticalFlow:
    """The optical flow that boxes are moved by."""
    from redact.track.optical_flow import LucasKanadeFlow

    return LucasKanadeFlow()
