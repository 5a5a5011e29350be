from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redact import plan as plans
from redact.core.coverage import Coverage
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.core.kinds import Rule
from redact.core.passes import Pass
from redact.core.plan import (
    ChangeStyle,
    Edit,
    HideBox,
    Plain,
    Plan,
    Result,
    Show,
    SourceId,
    dump_tracks,
    dumps,
    loads,
    tracks_in,
)
from redact.core.recipe import PROFILES, Recipe, recipe
from redact.errors import PlanError, UnwritableOutputError

FACE = Box(10.1, 20.2, 30.3, 40.4)


def track(number: int, *frames: int) -> Track:
    seen = (Sighting(f, Fraction(f, 25), FACE.shifted(f, 0), 1 / 3) for f in frames)
    return Track(number, Kind.FACE, tuple(seen))


PLAN = Plan(
    SourceId("sha256:00ff", Size(640, 360), 90, Fraction(0), Fraction(89, 25)),
    Recipe(passes=(Pass("yunet", 640, 0.3),), coverage=Coverage(before=0.0, after=0.0, bridge=0.0)),
    cuts=(30, 60),
    tracks=(track(1, 3, 4, 7), track(2, 31)),
    edits=(Show(2), HideBox(FACE, Fraction(1, 3), Fraction(7, 3)), ChangeStyle("solid")),
    result=Result("sha256:abcd"),
)


sides = st.floats(-1e7, 1e7)
shares = st.floats(0, 1)
moments = st.fractions(0, 100000, max_denominator=90000)
texts = st.text(st.characters(codec="utf-8"), max_size=12)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, right = sorted([draw(sides), draw(sides)])
    top, bottom = sorted([draw(sides), draw(sides)])
    return Box(left, top, right, bottom)


@st.composite
def tracks(draw: st.DrawFn, number: int) -> Track:
    frames = sorted(draw(st.sets(st.integers(0, 10**9), min_size=1, max_size=4)))
    seen = (Sighting(f, draw(moments), draw(boxes()), draw(shares)) for f in frames)
    return Track(number, draw(st.sampled_from(Kind)), tuple(seen), draw(st.booleans()))


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    reach = st.floats(0, 999)
    passes = st.builds(
        Pass,
        texts,
        st.integers(32, 4096),
        st.floats(0.01, 0.99),
        st.integers(0, 3),
        st.integers(1, 9),
        st.booleans(),
    )
    return Recipe(
        profile=draw(texts),
        passes=tuple(draw(st.lists(passes, min_size=1, max_size=3))),
        high_threshold=draw(shares),
        coverage=Coverage(*(draw(reach) for _ in range(5))),
        style=draw(st.sampled_from(["blur", "solid", "pixelate", "gaussian", "mosaic"])),
        colour=draw(st.sampled_from(["#000000", "#a1B2c3"])),
        uncertain=draw(st.sampled_from(["hide", "list"])),
        track_threshold=draw(shares),
        plate_track_threshold=draw(shares),
        encoder=draw(st.none() | texts),
        quality=draw(st.none() | st.integers(0, 60)),
        audio=draw(st.sampled_from(["keep", "drop"])),
    )


@st.composite
def hidden_boxes(draw: st.DrawFn) -> HideBox:
    box = draw(boxes().filter(lambda box: box.width and box.height))
    return HideBox(box, *sorted([draw(moments), draw(moments)]))


@st.composite
def any_plans(draw: st.DrawFn) -> Plan:
    ids = draw(st.lists(st.integers(1, 10**6), unique=True, max_size=3))
    edits: st.SearchStrategy[Edit] = hidden_boxes()
    edits |= st.builds(ChangeStyle, st.sampled_from(["blur", "solid"]))
    if ids:
        edits |= st.builds(Show, st.sampled_from(ids))
    size = Size(draw(st.integers(1, 9999)), 7)
    times = draw(st.sampled_from([(None, None), (Fraction(-1), Fraction(100000))]))
    return Plan(
        SourceId(draw(texts), size, draw(st.integers(0, 10**9)), *times),
        draw(recipes()),
        tuple(sorted(draw(st.sets(st.integers(1, 999), max_size=3)))),
        tuple(draw(tracks(number)) for number in ids),
        tuple(draw(st.lists(edits, max_size=3))),
        draw(st.none() | st.builds(Result, texts)),
    )


@settings(max_examples=25, deadline=None)
@given(any_plans())
def test_a_plan_survives_its_round_trip_exactly(plan: Plan) -> None:
    back = loads(dumps(plan))
    assert back == plan
    assert repr(back) == repr(plan)  # types too: 1 is 1.0 and "face" is Kind.FACE for ==


@settings(max_examples=40, deadline=None)
@given(any_plans())
def test_the_text_of_tracks_is_taken_from_a_text_that_redact_wrote(plan: Plan) -> None:
    assert tracks_in(dumps(plan), plan) == dump_tracks(plan.tracks)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: json.dumps(json.loads(text)),
        lambda text: text.replace('"version": 2', '"version":  2'),
        lambda text: text.rstrip()[:-1] + ', "undone": []}\n',
        lambda text: text.rstrip()[:-2] + '\n], "undone": [\n]}\n',
        lambda text: text.rstrip()[:-2] + '\n], "plain": [\n]}\n',
        lambda text: text.replace('"tracks": [', '"tracks":[', 1),
    ],
)
def test_tracks_in_a_text_that_somebody_else_wrote_are_told_anew(
    change: Callable[[str], str],
) -> None:
    text = change(dumps(PLAN))
    assert text != dumps(PLAN)
    assert loads(text) == PLAN
    assert tracks_in(text, PLAN) is None


def test_numbers_are_exact() -> None:
    sighting = Sighting(
        1, Fraction(1001, 30000), Box(0.1, 1 / 3, 1e-17 + 1, 2e6 + 1 / 7), 0.1 + 0.2
    )
    plan = replace(PLAN, tracks=(Track(1, Kind.FACE, (sighting,)),), edits=())
    assert loads(dumps(plan)).tracks[0].sightings[0] == sighting


def test_each_sighting_has_its_own_line() -> None:
    lines = dumps(PLAN).splitlines()
    for sighting in (s for t in PLAN.tracks for s in t.sightings):
        assert sum(f'"{sighting.time}"' in line for line in lines) == 1


def test_one_more_sighting_changes_only_its_surroundings() -> None:
    more = replace(PLAN, tracks=(track(1, 3, 4, 5, 7), PLAN.tracks[1]))
    before, after = dumps(PLAN).splitlines(), dumps(more).splitlines()
    assert len(after) == len(before) + 1
    assert set(before) <= set(after)


def data() -> dict[str, Any]:
    return copy.deepcopy(json.loads(dumps(PLAN)))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside."""
    if not isinstance(value, dict | list):
        return []
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [p for key, item in inner for p in ((*path, key), *places(item, (*path, key)))]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


PLACES = {"/".join(map(str, path)): path for path in places(data())}
OPTIONAL = {("recipe", "encoder"), ("recipe", "quality")}  # None here, so others fit too
EDIT_TIMES = {("edits", 1, "start"), ("edits", 1, "end")}
OBJECTS = {name: path for name, path in PLACES.items() if isinstance(at(data(), path), dict)}


@pytest.mark.parametrize("path", [(), *OBJECTS.values()], ids=["plan", *OBJECTS])
def test_an_unknown_key_is_refused_wherever_it_stands(path: tuple[Any, ...]) -> None:
    changed = data()
    at(changed, path)["surprise"] = 1
    with pytest.raises(PlanError):
        loads(json.dumps(changed))


OTHERS: tuple[Any, ...] = ({"a": 1}, {}, ["a", 1], [[]], [{}], "1", "", True, -0.5, 7)


@pytest.mark.parametrize("path", PLACES.values(), ids=PLACES)
def test_a_value_of_another_type_is_refused_wherever_it_stands(path: tuple[Any, ...]) -> None:
    changed = data()
    old = at(changed, path)
    for other in OTHERS:
        if type(old) is type(other) or (type(old) is float and other == 7) or path in OPTIONAL:
            continue
        if path in EDIT_TIMES and type(other) in (int, float):
            continue  # these are times, as a person writes them
        at(changed, path[:-1])[path[-1]] = other
        with pytest.raises(PlanError):
            pytest.fail(f"{other!r} passes for {old!r}: {loads(json.dumps(changed))}")


NUMBERS = {name: path for name, path in PLACES.items() if isinstance(at(data(), path), float)}


@pytest.mark.parametrize("path", NUMBERS.values(), ids=NUMBERS)
def test_a_number_without_end_is_refused(path: tuple[Any, ...]) -> None:
    changed = data()
    at(changed, path[:-1])[path[-1]] = "HERE"
    for bad in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999"):
        with pytest.raises(PlanError):
            loads(json.dumps(changed).replace('"HERE"', bad))


@pytest.mark.parametrize("side", range(4))
def test_a_box_far_outside_of_every_picture_is_refused(side: int) -> None:
    changed = data()
    sighting = changed["tracks"][0]["sightings"][0]
    for far in (1e308, 1e8):
        sighting[2 + side] = -far if side < 2 else far
        with pytest.raises(PlanError, match="far outside"):
            loads(json.dumps(changed))
    sighting[2 + side] = -1e6 if side < 2 else 1e6  # a box may leave the picture
    loads(json.dumps(changed))


@pytest.mark.parametrize("version", [0, 3, "1", None, 1.0, 2.0, True, [1], -1])
def test_another_version_is_refused(version: object) -> None:
    with pytest.raises(PlanError):
        loads(json.dumps({**data(), "version": version}))


def test_a_plan_without_a_version_is_refused() -> None:
    changed = data()
    del changed["version"]
    with pytest.raises(PlanError, match="version"):
        loads(json.dumps(changed))


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "7", '"plan"', "\x00", "[" * 100_000, "1" * 10_000, '{"version": 1}'],
    ids=lambda text: text[:12],
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(PlanError):
        loads(text)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "time", ["1/0", "nan", "inf", "x", "", "1e99999999", "1/" + "3" * 80, "½", "1_0/3"]
)
def test_a_time_that_is_no_fraction_is_refused(time: str) -> None:
    changed = data()
    changed["tracks"][0]["sightings"][0][1] = time
    with pytest.raises(PlanError):
        loads(json.dumps(changed))


def duplicate_ids(changed: dict[str, Any]) -> None:
    changed["tracks"][1]["id"] = changed["tracks"][0]["id"]


def no_sightings(changed: dict[str, Any]) -> None:
    changed["tracks"][0]["sightings"] = []


def frames_in_disorder(changed: dict[str, Any]) -> None:
    changed["tracks"][0]["sightings"].reverse()


def edit_of_nobody(changed: dict[str, Any]) -> None:
    changed["edits"][0]["track"] = 77


def unknown_edit(changed: dict[str, Any]) -> None:
    changed["edits"][0]["edit"] = "forget"


def a_time_without_quotes(changed: dict[str, Any]) -> None:
    changed["source"]["first"] = 0


def inside_out(changed: dict[str, Any]) -> None:
    changed["edits"][1]["box"].reverse()


def unknown_style(changed: dict[str, Any]) -> None:
    changed["recipe"]["style"] = "sticker"


def unknown_kind(changed: dict[str, Any]) -> None:
    changed["tracks"][0]["kind"] = "shoe"


def no_passes(changed: dict[str, Any]) -> None:
    changed["recipe"]["passes"] = []


def bad_colour(changed: dict[str, Any]) -> None:
    changed["recipe"]["colour"] = "black"


def no_size(changed: dict[str, Any]) -> None:
    changed["source"]["size"]["width"] = 0


@pytest.mark.parametrize(
    "change",
    [
        duplicate_ids,
        no_sightings,
        frames_in_disorder,
        edit_of_nobody,
        unknown_edit,
        inside_out,
        a_time_without_quotes,
        unknown_style,
        unknown_kind,
        no_passes,
        bad_colour,
        no_size,
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    changed = data()
    change(changed)
    with pytest.raises(PlanError):
        loads(json.dumps(changed))


@pytest.mark.parametrize("key", ["source", "recipe"])
def test_a_plan_without_its_head_is_refused(key: str) -> None:
    changed = data()
    del changed[key]
    with pytest.raises(PlanError):
        loads(json.dumps(changed))


def test_another_source_is_refused() -> None:
    PLAN.check_source("sha256:00ff", Path("clip.mp4"))
    with pytest.raises(PlanError, match=r"^clip\.mp4: this is not the file"):
        PLAN.check_source("sha256:00fe", Path("clip.mp4"))


# Files


def test_a_saved_plan_is_loaded_again_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "clip.redact.json"
    plans.save(PLAN, path)
    assert plans.load(path) == PLAN
    assert list(tmp_path.iterdir()) == [path]


def test_saving_replaces_an_older_plan(tmp_path: Path) -> None:
    path = tmp_path / "clip.redact.json"
    path.write_text("older")
    plans.save(PLAN, path)
    assert plans.load(path) == PLAN


def fill_disk(patched: pytest.MonkeyPatch) -> None:
    """What is written as a draft goes to a device that is always full."""
    full, real = Path("/dev/full"), os.open
    if not full.exists():
        pytest.skip("no device here is always full")

    def open_full(place: Any, flags: int, *mode: int, **how: Any) -> int:
        if not str(place).endswith(".part"):
            return real(place, flags, *mode, **how)
        os.close(real(place, flags, *mode, **how))
        return real(full, os.O_WRONLY)

    patched.setattr(os, "open", open_full)


def fail_to_rename(patched: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    patched.setattr(Path, "replace", fail)


@pytest.mark.parametrize("spoil", [fill_disk, fail_to_rename])
def test_a_failed_save_keeps_the_older_plan_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[pytest.MonkeyPatch], None],
) -> None:
    path = tmp_path / "clip.redact.json"
    path.write_text("older")
    spoil(monkeypatch)
    with pytest.raises(UnwritableOutputError, match="No space left"):
        plans.save(PLAN, path)
    monkeypatch.undo()
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["missing/plan.json", "file/plan.json", "folder", "n" * 256])
def test_a_place_that_cannot_be_written_is_an_error_of_the_family(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UnwritableOutputError):
        plans.save(PLAN, tmp_path / place)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_an_unreadable_plan_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text("no plan")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.json", "text.json", "bytes.json", "."):
        with pytest.raises(PlanError) as caught:
            plans.load(tmp_path / name)
        assert caught.value.path == tmp_path / name


def test_a_plan_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as huge:
        os.truncate(huge.fileno(), plans.LARGEST + 1)
    with pytest.raises(PlanError, match="too large"):
        plans.load(path)


# Edits


def hidden(plan: Plan) -> dict[int, int]:
    """How many regions each frame has, where it has any."""
    cover = plan.cover()
    counts = {i: len(cover(i, Fraction(i, 25))) for i in range(plan.source.frames)}
    return {index: count for index, count in counts.items() if count}


BARE = replace(PLAN, edits=(), tracks=(track(1, 3, 4), track(2, 4, 5)))


def test_without_edits_every_track_is_hidden() -> None:
    assert hidden(BARE) == {3: 1, 4: 2, 5: 1}


@pytest.mark.parametrize(("choice", "frames"), [("hide", {3, 4}), ("list", {4})])
def test_an_uncertain_track_is_hidden_or_listed_as_the_recipe_says(
    choice: Literal["hide", "list"], frames: set[int]
) -> None:
    found = (replace(track(1, 3, 4), uncertain=True), track(2, 4))
    plan = replace(BARE, tracks=found, recipe=replace(BARE.recipe, uncertain=choice))
    assert set(hidden(plan)) == frames


def test_showing_a_track_reveals_it_and_nothing_else() -> None:
    assert hidden(replace(BARE, edits=(Show(1),))) == {4: 1, 5: 1}


def test_a_drawn_box_is_hidden_from_start_to_end_both_included() -> None:
    edit = HideBox(Box(0, 0, 5, 5), Fraction(10, 25), Fraction(12, 25))
    plan = replace(BARE, edits=(edit,))
    assert hidden(plan) == {3: 1, 4: 2, 5: 1, 10: 1, 11: 1, 12: 1}
    cover = plan.cover()
    (region,) = cover(11, Fraction(11, 25))
    assert (region.box, region.roundness) == (Box(0, 0, 5, 5), 0)


def test_showing_a_track_does_not_reveal_a_drawn_box() -> None:
    box = HideBox(FACE, Fraction(0), Fraction(1))
    assert hidden(replace(BARE, edits=(box, Show(1), Show(2)))) == dict.fromkeys(range(26), 1)


def test_the_last_style_counts() -> None:
    changes = (ChangeStyle("solid"), ChangeStyle("pixelate"))
    assert BARE.style == "blur"
    assert replace(BARE, edits=changes).style == "pixelate"
    assert replace(BARE, edits=changes[:1]).style == "solid"


def test_undo_drops_the_last_edit() -> None:
    edits: tuple[Edit, ...] = (Show(1), Show(2), ChangeStyle("solid"))
    plan = replace(BARE, edits=edits)
    assert hidden(plan) == {}
    undone = replace(plan, edits=plan.edits[:-2])
    assert hidden(undone) == hidden(replace(BARE, edits=(Show(1),)))
    assert replace(undone, edits=undone.edits[:-1]) == BARE


def test_a_new_analysis_does_not_inherit_what_was_shown() -> None:
    with pytest.raises(PlanError, match="does not exist"):
        replace(BARE, tracks=(track(3, 3),), edits=(Show(1),))


PLAIN = Plain(Box(10, 10, 30, 30), Fraction(1), Fraction(2))


def test_what_is_drawn_plainly_is_in_the_file_only_if_there_is_any() -> None:
    bare = Plan(SourceId("sha256:0", Size(40, 30), 1), recipe("fast"))
    assert '"plain":' not in dumps(bare)
    plan = replace(bare, plain=(PLAIN,))
    assert '"plain":' in dumps(plan)
    assert loads(dumps(plan)) == plan


def test_what_is_drawn_plainly_is_one_colour_over_the_regions_in_it() -> None:
    boxes = (HideBox(Box(12, 12, 20, 20), Fraction(0), Fraction(9)),)
    plan = Plan(SourceId("sha256:0", Size(40, 30), 1), recipe("fast"), edits=boxes, plain=(PLAIN,))
    before, within = (plan.cover()(0, Fraction(time)) for time in (0, 1))
    assert [(r.box, r.text) for r in before] == [(boxes[0].box, False)]
    assert [(r.box, r.text) for r in within] == [(boxes[0].box, True), (PLAIN.box, True)]


def test_a_plan_from_before_passes_had_tiles_still_loads() -> None:
    data = json.loads(dumps(PLAN))
    for pass_ in data["recipe"]["passes"]:
        del pass_["scale"], pass_["stills"]
    assert loads(json.dumps(data)) == PLAN


def test_a_plan_from_before_there_were_more_kinds_is_read_as_it_was_meant() -> None:
    plan = Plan(SourceId("sha256:1", Size(9, 9), 1), PROFILES["balanced"])
    old = json.loads(dumps(plan))
    assert old["recipe"]["coverage"].pop("rules")
    assert loads(json.dumps(old)) == plan


def test_the_rules_of_kinds_survive_and_what_cannot_be_is_refused() -> None:
    rule = Rule(Kind.PERSON, 0.3, 0.2, 1.0, 2.0, "plain")
    recipe = replace(PROFILES["fast"], coverage=Coverage().with_rule(rule))
    plan = Plan(SourceId("sha256:1", Size(9, 9), 1), recipe.detecting(Kind))
    assert loads(dumps(plan)) == plan
    data = json.loads(dumps(plan))
    for name, value in (("kind", "ghost"), ("drawn", "any"), ("pad", -1), ("weight", 1)):
        broken = json.loads(json.dumps(data))
        (own,) = (r for r in broken["recipe"]["coverage"]["rules"] if r["kind"] == "person")
        own[name] = value
        with pytest.raises(PlanError, match="cannot be used"):
            loads(json.dumps(broken))
