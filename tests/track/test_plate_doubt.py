"""Which plates are doubted: each rule alone, on made-up tracks and on what is said around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from redact.core.findings import Kind, ObjectDetection, Sighting, Track
from redact.core.frames import Grey
from redact.core.geometry import Box
from redact.core.interfaces import PlateContext
from redact.track.plate_doubt import doubt_plates

PLATE = Box.around(300, 200, 60, 20)
CAR = ObjectDetection("car", Box(200, 80, 400, 230), 0.6)
NOBODY: tuple[ObjectDetection, ...] = ()
VEHICLE, CLEAR = "it is on a vehicle", "no vehicle is there, and it is not clearly"


def plate(boxes: Sequence[Box], score: float = 0.7, start: int = 0, id: int = 1) -> Track:
    """A track with a detection in every fourth frame of 25 a second."""
    frames = [start + 4 * i for i in range(len(boxes))]
    seen = [Sighting(f, Fraction(f, 25), b, score) for f, b in zip(frames, boxes, strict=True)]
    return Track(id, Kind.PLATE, tuple(seen))


def noise(seed: int) -> Grey:
    return np.random.default_rng(seed).integers(0, 256, (24, 24), np.uint8)


def contexts(
    track: Track,
    scores: float | Sequence[float],
    objects: tuple[ObjectDetection, ...] | None = NOBODY,
    patches: Sequence[Grey] = (),
    look: float | Sequence[float] = 0.5,
) -> list[PlateContext]:
    """The context of each of a track's frames."""
    many = [scores] * len(track.sightings) if isinstance(scores, float) else scores
    looks = [look] * len(track.sightings) if isinstance(look, float) else look
    shown = patches or [noise(0)] * len(track.sightings)
    return [
        PlateContext(s.frame, s.time, {s.box: score}, {s.box: seen}, {s.box: patch}, objects)
        for s, score, seen, patch in zip(track.sightings, many, looks, shown, strict=True)
    ]


def doubt(
    track: Track,
    scores: float | Sequence[float],
    objects: tuple[ObjectDetection, ...] | None = NOBODY,
    patches: Sequence[Grey] = (),
    look: float | Sequence[float] = 0.5,
) -> str:
    """Why the track is doubted."""
    (judged,) = doubt_plates([track], contexts(track, scores, objects, patches, look), ())
    assert judged.uncertain == bool(judged.doubt)
    assert replace(judged, uncertain=False, doubt="") == track
    return judged.doubt


STILL = plate([PLATE] * 3)


def test_a_plate_on_a_vehicle_is_believed_at_a_score_that_does_not_do_elsewhere() -> None:
    assert not doubt(STILL, 0.45, (CAR,))
    assert doubt(STILL, 0.45, look=0.8).startswith(CLEAR)
    assert not doubt(STILL, 0.6, look=0.8)
    assert doubt(STILL, 0.35, (CAR,)).startswith(VEHICLE)


@pytest.mark.parametrize(
    ("score", "thing", "hidden"),
    [
        (0.45, CAR, True),
        (0.35, CAR, False),  # no plate at other sizes
        (0.45, replace(CAR, score=0.45), False),  # perhaps a vehicle
        (0.45, replace(CAR, box=Box(600, 80, 800, 230)), False),
        (0.6, replace(CAR, name="person"), False),
    ],
)
def test_a_plate_that_was_never_clear_is_believed_on_what_is_clearly_a_vehicle(
    score: float, thing: ObjectDetection, hidden: bool
) -> None:
    """A car that drives by is looked at once or twice."""
    once = replace(plate([PLATE], 0.42), uncertain=True)
    (judged,) = doubt_plates([once], contexts(once, score, (thing,)), ())
    assert judged == replace(once, uncertain=not hidden)
    (alone,) = doubt_plates([once], [], ())
    assert alone == once


def test_a_wheel_that_was_never_clear_is_not_believed() -> None:
    wheel = replace(plate([Box.around(300, 200, 48, 42)], 0.42), uncertain=True)
    (judged,) = doubt_plates([wheel], contexts(wheel, 0.5, (CAR,)), ())
    assert judged.uncertain


@pytest.mark.parametrize(
    "thing",
    [
        replace(CAR, name="person"),
        replace(CAR, score=0.2),
        replace(CAR, box=Box(600, 80, 800, 230)),
        replace(CAR, box=Box(270, 180, 320, 230)),  # a plate wider than its car
        replace(CAR, box=Box(-2000, -800, 2000, 1000)),  # a fiftieth of it
        replace(CAR, box=Box(200, 190, 400, 340)),  # on the roof
    ],
)
def test_only_vehicles_that_are_seen_and_of_a_plausible_size_and_place_count(
    thing: ObjectDetection,
) -> None:
    assert doubt(STILL, 0.45, (thing,)).startswith(CLEAR)


def test_a_motorcycle_is_one_at_a_lower_score() -> None:
    assert not doubt(STILL, 0.45, (replace(CAR, name="motorcycle", score=0.2),))


def test_a_vehicle_that_is_seen_once_while_the_plate_is_there_is_enough() -> None:
    seen = contexts(STILL, 0.45, NOBODY)
    seen[0] = replace(seen[0], objects=(CAR,))
    (judged,) = doubt_plates([STILL], seen, ())
    assert not judged.doubt


def test_a_vehicle_of_another_shot_or_of_long_before_is_none() -> None:
    earlier = PlateContext(0, Fraction(0), {}, {}, {}, (CAR,))
    late = plate([PLATE] * 3, start=10)
    around = contexts(late, 0.45)
    (near,) = doubt_plates([late], [earlier, *around], ())
    (cut,) = doubt_plates([late], [earlier, *around], (5,))
    later = plate([PLATE] * 3, start=40)
    (far,) = doubt_plates([later], [earlier, *contexts(later, 0.45)], ())
    assert [bool(track.doubt) for track in (near, cut, far)] == [False, True, True]


def test_what_is_not_known_speaks_for_the_plate() -> None:
    assert not doubt(STILL, 0.45, None)  # no objects were looked for
    (judged,) = doubt_plates([STILL], [], ())  # nothing was scored again
    assert not judged.doubt


def test_one_clear_moment_on_a_vehicle_is_enough() -> None:
    """A plate that comes nearer is blurred for long."""
    assert not doubt(plate([PLATE] * 4), [0.2, 0.2, 0.2, 0.6], (CAR,))
    assert doubt(plate([PLATE] * 4), [0.2, 0.2, 0.2, 0.5], (CAR,)).startswith(VEHICLE)


def test_a_plate_on_a_vehicle_that_is_seen_long_and_once_well_is_believed() -> None:
    """In the sun plates run over into white."""
    often = plate([PLATE] * 4, 0.9)
    assert not doubt(often, 0.35, (CAR,))
    assert doubt(often, 0.2, (CAR,)).startswith(VEHICLE)
    assert doubt(often, 0.35).startswith(CLEAR)
    assert doubt(plate([PLATE] * 3, 0.9), 0.35, (CAR,)).startswith(VEHICLE)
    assert doubt(plate([PLATE] * 4, 0.8), 0.35, (CAR,)).startswith(VEHICLE)


def test_what_the_classifier_is_sure_of_is_believed_on_what_is_surely_a_vehicle() -> None:
    assert not doubt(STILL, 0.2, (CAR,), look=0.56)
    assert doubt(STILL, 0.2, (CAR,), look=0.54).startswith(VEHICLE)
    assert not doubt(STILL, 0.2, (replace(CAR, score=0.35),), look=0.75)
    assert doubt(STILL, 0.2, (replace(CAR, score=0.49),), look=0.74).startswith(VEHICLE)
    assert doubt(STILL, 0.2, (replace(CAR, score=0.34),), look=0.9).startswith(VEHICLE)
    assert doubt(STILL, 0.2, look=0.9).startswith(CLEAR)


def test_of_what_is_nearly_square_the_classifier_must_be_surer() -> None:
    wheel = plate([Box.around(300, 200, 48, 42)] * 3)
    assert doubt(wheel, 0.2, (CAR,), look=0.84).startswith(VEHICLE)
    assert not doubt(wheel, 0.2, (CAR,), look=0.86)
    assert not doubt(wheel, 0.2, (replace(CAR, name="motorcycle"),), look=0.61)


def test_what_the_classifier_calls_none_is_doubted_on_a_vehicle_unless_it_is_clear() -> None:
    assert doubt(STILL, 0.5, (CAR,), look=0.14).startswith(VEHICLE)
    assert not doubt(STILL, 0.5, (CAR,), look=0.16)
    assert not doubt(STILL, 0.56, (CAR,), look=0.0)
    washed_out = plate([PLATE] * 4, score=0.86)
    assert not doubt(washed_out, 0.5, (CAR,), look=0.0)


def test_what_the_classifier_calls_none_is_doubted_elsewhere() -> None:
    assert doubt(STILL, 0.9, look=0.29).startswith(CLEAR)
    assert not doubt(STILL, 0.9, look=0.31)


def test_elsewhere_what_is_not_very_clear_must_be_liked_by_the_classifier() -> None:
    assert doubt(STILL, 0.75, look=0.74).startswith(CLEAR)
    assert not doubt(STILL, 0.75, look=0.75)
    assert not doubt(STILL, 0.76, look=0.3)


def test_on_what_is_hardly_a_vehicle_the_classifier_must_like_it_or_it_be_clear() -> None:
    """A race number on a bicycle, a paper beside what resembles a lorry."""
    weak, often = replace(CAR, score=0.45), plate([PLATE] * 5, 0.9)
    for track in (STILL, often):
        assert doubt(track, 0.54, (weak,), look=0.39).startswith(VEHICLE)
        assert not doubt(track, 0.54, (weak,), look=0.4)
        assert not doubt(track, 0.55, (weak,), look=0.39)
        assert not doubt(track, 0.54, (CAR,), look=0.39)


def test_on_what_is_surely_a_motorcycle_one_look_of_the_classifier_is_enough() -> None:
    """Plates that were painted by hand; a lamp above them scores as much at other sizes."""
    motorcycle = replace(CAR, name="motorcycle")
    assert not doubt(STILL, 0.2, (motorcycle,), look=[0.1, 0.45, 0.1])
    assert doubt(STILL, 0.2, (motorcycle,), look=0.44).startswith(VEHICLE)
    assert doubt(STILL, 0.2, (replace(motorcycle, score=0.49),), look=0.5).startswith(VEHICLE)
    assert doubt(STILL, 0.2, (CAR,), look=[0.1, 0.9, 0.1]).startswith(VEHICLE)


def test_elsewhere_a_square_plate_is_believed_where_the_classifier_is_very_sure() -> None:
    square = plate([Box.around(300, 200, 40, 40)] * 3)
    assert not doubt(square, 0.65, look=0.95)
    assert doubt(square, 0.64, look=0.95).startswith(CLEAR)
    assert doubt(square, 0.75, look=0.94).startswith(CLEAR)
    assert not doubt(square, 0.76, look=0.6)


def test_elsewhere_one_clear_moment_is_not_enough() -> None:
    assert doubt(plate([PLATE] * 3), [0.3, 0.3, 0.8], look=0.9).startswith(CLEAR)


def test_what_is_nearly_square_must_be_clearer_but_not_on_a_motorcycle() -> None:
    wheel = plate([Box.around(300, 200, 48, 42)] * 5, 0.9)
    assert doubt(wheel, 0.5, (CAR,)).startswith(VEHICLE)
    assert not doubt(wheel, 0.6, (CAR,))
    assert not doubt(wheel, 0.5, (replace(CAR, name="motorcycle"),))
    assert doubt(wheel, 0.7, look=0.9).startswith(CLEAR)
    assert not doubt(wheel, 0.8)


def test_elsewhere_a_plate_has_a_plates_shape() -> None:
    assert doubt(plate([Box.around(300, 200, 180, 20)] * 3), 0.9).endswith("has this shape")
    assert doubt(plate([Box.around(300, 200, 20, 40)] * 3), 0.9).endswith("has this shape")


@pytest.mark.parametrize("name", ["tv", "laptop", "cell phone"])
def test_what_a_screen_shows_is_doubted_unless_it_is_on_a_vehicle_there(name: str) -> None:
    screen = ObjectDetection(name, Box(100, 50, 500, 300), 0.5)
    assert doubt(STILL, 0.8, (screen,)) == "it is part of a screen"
    assert not doubt(STILL, 0.8, (screen, CAR))
    assert not doubt(STILL, 0.8, (replace(screen, score=0.2),))
    assert not doubt(STILL, 0.8, (replace(screen, box=Box(0, 0, 250, 300)),))


def test_what_lies_in_a_face_is_doubted() -> None:
    seen = tuple(replace(s, box=Box(200, 100, 400, 300)) for s in STILL.sightings)
    face = Track(2, Kind.FACE, seen)
    around = contexts(STILL, 0.8)
    judged, _ = doubt_plates([STILL, face], around, ())
    assert judged.doubt == "it is part of a face"
    beside = replace(face, sightings=tuple(replace(s, box=Box(0, 0, 90, 90)) for s in seen))
    unsure = replace(face, uncertain=True)
    for other in (beside, unsure):
        assert not doubt_plates([STILL, other], around, ())[0].doubt


def caption(seed: int) -> Grey:
    """The same words each time, over something else."""
    patch = noise(seed)
    patch[8:16, 8:16] = noise(99)[8:16, 8:16]
    return patch


def test_what_stays_while_its_surroundings_change_is_a_caption() -> None:
    words = plate([PLATE] * 6)
    assert doubt(words, 0.8, NOBODY, [caption(i) for i in range(6)]).startswith("it is fixed")
    assert not doubt(words, 0.8, NOBODY, [noise(i) for i in range(6)])  # nothing stays
    assert not doubt(words, 0.8, NOBODY, [caption(1)] * 6)  # nothing changes
    assert not doubt(words, 0.8, (CAR,), [caption(i) for i in range(6)])
    assert not doubt(plate([PLATE] * 3), 0.8, NOBODY, [caption(i) for i in range(3)])


def test_what_is_at_one_place_in_two_shots_is_a_caption() -> None:
    first, second = STILL, plate([PLATE] * 3, start=40, id=2)
    aside = plate([PLATE.shifted(30, 0)] * 3, start=40, id=2)

    def doubts(one: Track, other: Track, patches: tuple[Grey, Grey], cut: bool = True) -> list[str]:
        around = [
            context
            for track, patch in zip((one, other), patches, strict=True)
            for context in contexts(track, 0.8, patches=[patch] * 3)
        ]
        judged = doubt_plates([one, other], around, (20,) if cut else ())
        return [track.doubt[:11] for track in judged]

    emblem = caption(1), caption(2)
    assert doubts(first, second, emblem) == ["it is fixed"] * 2
    assert doubts(first, aside, emblem) == [""] * 2
    assert doubts(first, second, emblem, cut=False) == [""] * 2
    assert doubts(first, second, (noise(1), noise(2))) == [""] * 2  # each plate in turn
    assert doubts(first, second, (noise(1), noise(1))) == [""] * 2  # the shot goes on


def on_paper(grey: int, noisy: int, share: float = 1) -> Grey:
    """Lettering in the middle of one grey, or about one; above, something else."""
    patch = np.full((24, 24), grey, np.int64)
    patch[: round((1 - share) * 24)] = noise(1)[: round((1 - share) * 24)]
    patch[8:16, 8:16] = noise(2)[8:16, 8:16]
    patch += np.random.default_rng(3).integers(-noisy, noisy + 1, patch.shape)
    return patch.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("patch", "score", "doubted"),
    [
        (on_paper(250, 0), 0.7, True),
        (on_paper(90, 1), 0.7, True),
        (on_paper(250, 0, 0.4), 0.7, False),  # much else is around it
        (on_paper(250, 0), 0.8, False),  # as a plate of which a shop has a picture
        (on_paper(200, 8), 0.7, False),  # as a camera sees a wall
        (on_paper(16, 0), 0.7, False),  # a plate in a lamp's light, at night
    ],
)
def test_letters_that_a_program_draws_are_doubted(patch: Grey, score: float, doubted: bool) -> None:
    assert ("a screen's picture" in doubt(STILL, score, NOBODY, [patch] * 3)) is doubted
    assert not doubt(STILL, score, (CAR,), [patch] * 3)
    assert not doubt(STILL, score, None, [patch] * 3)
    perhaps = (replace(CAR, score=0.4),)
    assert ("a screen's picture" in doubt(STILL, score, perhaps, [patch] * 3)) is doubted


def doubt_of_still(
    box: Box,
    score: float,
    objects: tuple[ObjectDetection, ...] | None,
    patch: Grey | None = None,
    look: float = 0.5,
) -> str:
    track = plate([box])
    found = contexts(track, score, objects, [patch] if patch is not None else (), look)
    return doubt_plates([track], found, (), still=True)[0].doubt


def test_in_a_still_a_plate_has_one_view_and_needs_less() -> None:
    square = Box.around(300, 200, 30, 30)
    lorry = (replace(CAR, name="truck"),)
    assert not doubt_of_still(PLATE, 0.21, (CAR,))
    assert doubt_of_still(PLATE, 0.19, (CAR,)).startswith(VEHICLE)
    assert not doubt_of_still(square, 0.21, lorry)
    assert doubt_of_still(square, 0.29, (CAR,)).startswith(VEHICLE)
    assert not doubt_of_still(PLATE, 0.41, NOBODY)
    assert doubt_of_still(PLATE, 0.39, NOBODY).startswith(CLEAR)
    assert doubt_of_still(square, 0.49, NOBODY).startswith(CLEAR)
    assert not doubt_of_still(square, 0.51, NOBODY)
    assert not doubt_of_still(PLATE, 0.0, None)


def test_in_a_still_the_classifier_is_asked_too() -> None:
    assert doubt_of_still(PLATE, 0.5, (CAR,), look=0.14).startswith(VEHICLE)
    assert not doubt_of_still(PLATE, 0.56, (CAR,), look=0.14)
    assert not doubt_of_still(PLATE, 0.1, (CAR,), look=0.61)
    assert doubt_of_still(PLATE, 0.7, NOBODY, look=0.29).startswith(CLEAR)


def test_in_a_still_what_a_program_draws_is_doubted_too() -> None:
    paper = on_paper(250, 0)
    assert "a screen's picture" in doubt_of_still(PLATE, 0.7, NOBODY, paper)
    assert not doubt_of_still(PLATE, 0.7, (CAR,), paper)
    assert not doubt_of_still(PLATE, 0.7, NOBODY, on_paper(16, 0))


def test_faces_and_what_is_uncertain_by_its_score_stay_as_they_are() -> None:
    face = replace(STILL, id=2, kind=Kind.FACE)
    weak = replace(STILL, id=3, uncertain=True)
    assert doubt_plates([face, weak], contexts(STILL, 0.1), ()) == (face, weak)
