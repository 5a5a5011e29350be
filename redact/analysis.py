"""The first stage of a job: find and track everything that is to be hidden, as a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from redact import pipeline
from redact.core.edits.values import Edit, HideBox, Mute
from redact.core.edits.zones import SUBTITLES_TELL, Wish, Zone
from redact.core.findings import Track
from redact.core.frames import upright_size
from redact.core.interfaces import Progress, Source, Tracker
from redact.core.plan import Plan, SourceId
from redact.core.recipe import Recipe
from redact.detect.cache import DetectionCache, cache_key
from redact.detect.copies import ScaledCopies
from redact.detect.detectors import load, load_objects, load_plate_classifier
from redact.detect.detectors.devices import requested_device
from redact.detect.face_look import look_for_face
from redact.detect.person_look import look_for_person
from redact.detect.plate_context import PlateContextFinder, PlateScorer
from redact.detect.schedule import PassRunner, VideoSchedule
from redact.errors import RecipeError, UnsupportedInputError
from redact.media.again import frames_again
from redact.media.formats import check_choices, has_sound
from redact.pipeline import EveryFrame
from redact.track import make_tracker
from redact.track.confidence import Briefness, mark_uncertain
from redact.track.face_doubt import (
    NO_FACE,
    TURNS,
    FaceDoubts,
    Look,
    doubt_faces,
    has_somebody,
    weak_faces,
)
from redact.track.pages import for_every_page
from redact.track.plate_doubt import doubt_plates


def analyse(
    source: Source,
    recipe: Recipe,
    cache: DetectionCache | None,
    progress: Progress,
    wishes: Sequence[Wish] = (),
) -> Plan:
    """Find and track everything that is to be hidden.

    Args:
        source: A video, a still, or pages.
        recipe: The choices.
        cache: Where a video's detections are kept meanwhile; not begun yet.
        progress: Called with the stage, frames done and frames expected.
        wishes: Edits and zones that the plan gets.

    Raises:
        InputError: The source cannot be used.
        RecipeError: A zone lies outside of the picture.
        PlanError: Another edit can do nothing.
        EngineError: A detector failed.
    """
    check_choices(source, recipe)
    check_wishes(source, wishes, recipe)
    mark, info = source.fingerprint, source.info
    tracker = make_tracker(recipe, pages=info.pages)
    read, seen = _detect_and_track(source, mark, recipe, tracker, cache, progress)
    if not read.frames:
        raise UnsupportedInputError("there is not one frame in it", source.path)
    tracks = tuple(tracker.tracks())
    if seen is not None and info.is_still and recipe.doubts_faces:
        tracks = doubt_plates(tracks, seen.plate_contexts, (), still=True)
        tracks = doubt_faces(tracks, _unseen_faces(source, tracks, progress))
    elif seen is not None and read.frames > 1:
        brief = Briefness(tracker.cuts(), read.frames, info.rate, seen.restless)
        tracks = mark_uncertain(tracks, recipe, info.size, brief)
        tracks = doubt_plates(tracks, seen.plate_contexts, tracker.cuts())
        if recipe.doubts_faces:
            doubts = FaceDoubts(tracks, info.size, tracker.cuts(), brief)
            _look_for_persons(source, doubts, read, progress)
            tracks = doubt_faces(tracks, doubts.without_person())
    identity = SourceId(mark, info.size, read.frames, read.first, read.last)
    return add_wishes(Plan(identity, recipe, tuple(tracker.cuts()), tracks), source, wishes)


def check_wishes(source: Source, wishes: Sequence[Wish], recipe: Recipe) -> None:
    """Refuse before the work a zone outside of every picture, and silence where nothing is heard.

    Raises:
        RecipeError: It can do nothing in this source.
    """
    info = source.info
    for wish in wishes:
        if isinstance(wish, Mute) and (recipe.audio == "drop" or not has_sound(source.path)):
            raise RecipeError("there is no sound to silence", source.path, "leave --mute out")
        if isinstance(wish, Mute) and "subtitles" in recipe.extras:
            raise RecipeError(SUBTITLES_TELL, source.path, "leave --keep subtitles out")
        if not isinstance(wish, Zone) or info.pages:
            continue
        if not wish.for_size(info.size).box.touches(info.size):
            where = f"outside of the picture of {info.size.width}x{info.size.height} pixels"
            raise RecipeError(f"the zone {wish.text} lies {where}", source.path)


def add_wishes(plan: Plan, source: Source, wishes: Sequence[Wish]) -> Plan:
    """The plan with edits that were asked for before it was made.

    Args:
        plan: Of this source.
        source: Read once more if it has pages and a zone is in shares of them.
        wishes: Edits, and zones, which become boxes in pixels.

    Raises:
        PlanError: One of them can do nothing.
    """
    edits: list[Edit] = []
    for wish in wishes:
        if not isinstance(wish, Zone):
            edits.append(wish)
        elif source.info.pages and wish.is_relative:
            edits += _zone_on_pages(wish, source)
        else:
            edits.append(wish.for_size(plan.source.size))
    return replace(plan, edits=(*plan.edits, *edits))


def _zone_on_pages(zone: Zone, source: Source) -> list[HideBox]:
    """A zone in shares of pages, which may differ in size: a box for each page."""
    found = []
    for page in source.frames():
        size = upright_size(page.picture)
        begun = zone.start is None or zone.start <= page.time
        if begun and (zone.end is None or page.time <= zone.end):
            found.append(replace(zone.for_size(size), start=page.time, end=page.time))
    return found


def _detect_and_track(
    source: Source,
    mark: str,
    recipe: Recipe,
    tracker: Tracker,
    cache: DetectionCache | None,
    progress: Progress,
) -> tuple[pipeline.FramesRead, VideoSchedule | None]:
    """Run the recipe's passes over all frames, and give what they find to the tracker.

    Returns:
        The frames that were read, and the schedule, which tells what else it saw; None for pages.
    """
    passes, info = recipe.passes_for(source.info), source.info
    if info.pages:
        every_page = PassRunner(for_every_page(passes), load, recipe.slope)
        read = pipeline.analyse(source, EveryFrame(every_page), tracker, progress)
        return read, None
    runner = PassRunner(passes, load, recipe.slope)

    def still_going() -> None:
        if info.is_still:  # a large one takes minutes, and silence is taken for standing still
            progress("analyse", 0, info.frames)

    asked = recipe.doubts_faces or not info.is_still
    scorer = runner.detector("plates") if asked else None
    context = None
    if isinstance(scorer, PlateScorer):
        context = PlateContextFinder(scorer, load_plate_classifier, load_objects)
    schedule = VideoSchedule(runner, recipe.coverage.follow, cache, still_going, context)
    with _caching(cache, mark, source, recipe, progress) as tell:
        read = pipeline.analyse(source, schedule, tracker, tell)
    return read, schedule


def _look_for_persons(
    source: Source, doubts: FaceDoubts, read: pipeline.FramesRead, progress: Progress
) -> None:
    """Look for the persons of faces that are doubted."""
    done, objects = 0, None
    for looks in doubts.rounds():
        objects = objects or load_objects()
        wanted: defaultdict[int, list[Look]] = defaultdict(list)
        for look in looks:
            wanted[look.frame].append(look)
        expected = done + len(looks)
        for frame in frames_again(source, sorted(wanted), read.frames, read.first, read.last):
            copies = ScaledCopies(frame.picture)
            picture = copies.copy(copies.size.longer)
            for look in wanted[frame.index]:
                sight = look_for_person(objects, picture, look.box, look.turns)
                doubts.tell(look, sight.persons, sight.vehicle, sight.on_animal)
                done += 1
                progress("doubt", done, expected)
        progress("doubt", expected, expected)


def _unseen_faces(source: Source, tracks: Sequence[Track], progress: Progress) -> set[int]:
    """Ids of weak faces of a still where another network sees no face, and nobody's person."""
    weak = weak_faces(tracks)
    found: set[int] = set()
    if not weak:
        return found
    frame = next(iter(source.frames()))
    copies = ScaledCopies(frame.picture)
    picture = copies.copy(min(copies.size.longer, _LONGEST_ASKED))
    across, down = picture.shape[1] / copies.size.width, picture.shape[0] / copies.size.height
    yunet, objects = load("yunet"), load_objects()
    for done, track in enumerate(weak):
        progress("doubt", done, len(weak))
        face = track.sightings[0].box.scaled(across, down)
        if look_for_face(yunet, picture, face, NO_FACE, TURNS) >= NO_FACE:
            continue
        sights = (look_for_person(objects, picture, face, (turn,)) for turn in TURNS)
        if not any(has_somebody(sight.persons, sight.vehicle) for sight in sights):
            found.add(track.id)
    progress("doubt", len(weak), len(weak))
    return found


_LONGEST_ASKED = 6000
"""Longer side, in pixels, of the copy of a still in which weak faces are asked about."""


@contextmanager
def _caching(
    cache: DetectionCache | None, mark: str, source: Source, recipe: Recipe, progress: Progress
) -> Iterator[Progress]:
    """Keep detections meanwhile; gives a progress that tells apart what came from the cache."""
    if cache is None:
        yield progress
        return
    keys = (cache_key(of, recipe, requested_device()) for of in (mark, ""))
    cache.begin(next(keys), len(recipe.passes), source.info.size, next(keys))
    yield lambda _, done, expected: progress(cache.stage(done), done, expected)
    cache.finish()
