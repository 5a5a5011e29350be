"""Photographs of the people that a choice names: one face each, in memory only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from redact.core.frames import upright_size
from redact.core.interfaces import Progress, Source
from redact.core.plan import Plan
from redact.detect.likeness.portraits import LEAST_SIDE, Portrait, Portraitist
from redact.errors import InputError, RecipeError
from redact.media.files import VIDEO_SUFFIXES
from redact.media.formats import open_source
from redact.people.choice import PhotoChoice, Vector, choose
from redact.people.gallery import every_sighting, take_portraits

_MOST_TURNED = 0.5
"""Eye distances that the nose of a photograph may lie beside the middle of the eyes."""


class PhotoChooser:
    """Makes a plan show whom a choice clearly lets be seen.

    Args:
        choice: Its photographs are read at once.

    Raises:
        RecipeError: One is no picture, or does not show one face clearly.
    """

    def __init__(self, choice: PhotoChoice) -> None:
        if not choice.photos:
            raise RecipeError("there is no photograph to choose by")
        artist = Portraitist()
        self._mode = choice.mode
        self._vectors = [_read(photo, artist) for photo in choice.photos]

    def __call__(self, source: Source, plan: Plan, progress: Progress) -> Plan:
        """The plan with the edits that show them.

        Args:
            source: What the plan was made from.
            plan: Nobody in it is shown yet.
            progress: Called for every frame.
        """
        portraits = take_portraits(source, plan, every_sighting, progress)
        shows = choose(plan, portraits, self._vectors, self._mode)
        return replace(plan, edits=plan.edits + shows)


def _read(photo: Path, artist: Portraitist) -> Vector:
    if photo.suffix.lower() in VIDEO_SUFFIXES:
        raise RecipeError("a video is no photograph of one face", photo, "give a picture")
    try:
        source = open_source(photo)
        if source.info.pages:
            raise RecipeError("several pages are no photograph", photo, "give a picture")
        frame = next(iter(source.frames()))
    except InputError as error:
        problem = f"cannot be used as a photograph: {error.problem}"
        raise RecipeError(problem, photo, error.remedy) from error
    picture = frame.picture
    upright = picture.rgb(upright_size(picture))
    return _one_face(artist.find(upright), photo).vector


def _one_face(faces: Sequence[Portrait | None], photo: Path) -> Portrait:
    """The portrait of the only face.

    Raises:
        RecipeError: There is none or more than one, or it shows too little.
    """
    if not faces:
        raise RecipeError("no face is found in this photograph", photo, "give another")
    if len(faces) > 1:
        what = f"{len(faces)} faces are found in this photograph"
        raise RecipeError(what, photo, "cut it to the one that is meant")
    if faces[0] is None or faces[0].turned > _MOST_TURNED:
        what = f"its face is turned away, blurred, or smaller than {LEAST_SIDE:.0f} pixels"
        raise RecipeError(what, photo, "give one that shows the face clearly from the front")
    return faces[0]
