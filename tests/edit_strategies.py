"""Plans with edits of every kind, for Hypothesis."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from hypothesis import assume
from hypothesis import strategies as st

from redact.core.coverage import Coverage
from redact.core.edits.things import in_force
from redact.core.edits.values import (
    Accept,
    ChangeStyle,
    Correct,
    Edit,
    Hide,
    HideBox,
    HidePath,
    Join,
    Key,
    Mute,
    Note,
    Outline,
    Revoke,
    Show,
    SignOff,
    Span,
    Split,
    Trim,
)
from redact.core.findings import Kind, Sighting, Track
from redact.core.geometry import Box, Size
from redact.core.history import free_number
from redact.core.passes import Pass
from redact.core.plan import Plan, SourceId
from redact.core.recipe import Recipe
from redact.errors import PlanError

SIZE = Size(160, 120)
FRAMES = 40
RATE = 25

frames = st.integers(0, FRAMES - 1)
times = frames.map(lambda index: Fraction(index, RATE))
styles = st.sampled_from(["blur", "solid", "pixelate"])
words = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=9)
said = words.filter(str.strip)
moments = st.sampled_from(["2026-11-28T14:00:00Z", "2026-11-28T15:00:00+01:00"])
shares = st.integers(0, 20).map(lambda n: n / 20)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, top = float(draw(st.integers(-20, 140))), float(draw(st.integers(-20, 100)))
    return Box(left, top, left + draw(st.integers(21, 60)), top + draw(st.integers(21, 60)))


@st.composite
def outlines(draw: st.DrawFn) -> Outline:
    name = draw(st.sampled_from(["box", "ellipse", "polygon"]))
    if name == "polygon":
        corners = draw(st.lists(st.tuples(shares, shares), min_size=2, max_size=4))
        arms = ((1.0, draw(shares)), *corners, (0.0, 1.0))  # from the first corner, at (0, 0)
        assume(any(x * down != across * y for (x, y), (across, down) in pairwise(arms)))  # an area
        return ((0.0, 0.0), *arms)
    return "ellipse" if name == "ellipse" else "box"


@st.composite
def spans(draw: st.DrawFn) -> tuple[Fraction, Fraction]:
    start, end = sorted([draw(times), draw(times)])
    return start, end


@st.composite
def tracks(draw: st.DrawFn, number: int) -> Track:
    seen = sorted(draw(st.sets(frames, min_size=2, max_size=12)))
    box, move = draw(boxes()), draw(st.integers(-2, 2))
    sightings = tuple(
        Sighting(f, Fraction(f, RATE), box.shifted(f * move, 0), draw(shares)) for f in seen
    )
    return Track(number, draw(st.sampled_from(Kind)), sightings, draw(st.booleans()))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Without edits; all tracks in one shot."""
    source = SourceId("sha256:00ff", SIZE, FRAMES, Fraction(0), Fraction(FRAMES - 1, RATE))
    recipe = Recipe(
        passes=(Pass("yunet", 640, 0.3),),
        coverage=Coverage(before=0.1, after=0.1, bridge=0.3),
        uncertain=draw(st.sampled_from(["list", "hide"])),
    )
    numbers = range(1, 1 + draw(st.integers(1, 4)))
    return Plan(source, recipe, tracks=tuple(draw(tracks(n)) for n in numbers))


@st.composite
def targets(draw: st.DrawFn, plan: Plan) -> dict[str, object]:
    """Something that exists, by the name of the field that says it."""
    things = plan.things
    choices: list[tuple[str, object]] = [("track", number) for number in things.by_id]
    choices += [("kind", t.track.kind) for t in things.by_id.values() if t.track]
    choices += [("person", t.person) for t in things.by_id.values() if t.person]
    choices += [("region", name) for name in things.regions]
    return dict([draw(st.sampled_from(choices))])


@st.composite
def edits(draw: st.DrawFn, plan: Plan) -> Edit:
    """An edit that this plan takes."""
    things = plan.things
    start, end = draw(spans())
    span = draw(st.sampled_from([{}, {"start": start}, {"end": end}, {"start": start, "end": end}]))
    number = draw(st.sampled_from(sorted(things.by_id)))
    seen = [s.time for s in things.sightings(things.by_id[number])]
    style = draw(st.none() | styles)
    makers: list[st.SearchStrategy[Edit]] = [
        targets(plan).map(lambda t: Show(**span, **t)),
        targets(plan).map(lambda t: Hide(**span, **t)),
        targets(plan).map(lambda t: Accept(**t)),
        st.builds(lambda box, outline: HideBox(box, **span, outline=outline, style=style),
                  boxes(), outlines()),
        st.builds(lambda s, t: ChangeStyle(s, **t), styles, targets(plan) | st.just({})),
        st.builds(lambda t, to: Note(t, **to, **span), said, targets(plan) | st.just({})),
        st.builds(Mute, st.just(start), st.just(end + Fraction(1, 9)), st.booleans()),
        st.builds(lambda box: Correct(number, draw(st.sampled_from(seen)), box), boxes()),
        st.builds(lambda keys, followed, outline: HidePath(
            keys, followed, outline=outline, style=style), points(1), points(0), outlines()),
        st.builds(lambda by, at: SignOff(by=by, at=at, watched=(Span(start, end),)),
                  said, moments),
    ]  # fmt: skip
    new = free_number(plan)
    if len(seen) > 1:
        later = st.sampled_from(seen[1:])
        makers.append(later.map(lambda time: Split(number, time, new)))
        makers.append(later.map(lambda time: Trim(number, new, time)))
    past = draw(st.sampled_from([0, *(n for n, _ in in_force(plan.edits))]))
    if past and _can_be_taken_back(plan, past):
        makers.append(st.just(Revoke(past)))
    person = draw(said)
    if things.by_id[number].person != person:
        makers.append(st.just(Join((number,), person)))
    made = draw(st.one_of(makers))
    return replace(made, reason=draw(st.just("") | words))


def _can_be_taken_back(plan: Plan, number: int) -> bool:
    try:
        with_edits(plan, Revoke(number))
    except PlanError:  # a signature, or what a later edit needs
        return False
    return True


@st.composite
def points(draw: st.DrawFn, least: int) -> tuple[Key, ...]:
    when = sorted(draw(st.sets(times, min_size=least, max_size=4)))
    return tuple(Key(time, draw(boxes())) for time in when)


@st.composite
def edited_plans(draw: st.DrawFn, most: int = 6) -> Plan:
    """With some edits that can do something, some of them one act."""
    plan = draw(plans())
    for _ in range(draw(st.integers(0, most))):
        plan = with_edits(plan, draw(edits(plan)))
    return plan


def with_edits(plan: Plan, *more: Edit) -> Plan:
    return replace(plan, edits=plan.edits + more)
