"""Whether each edit can do something: one that cannot is refused, with its number and in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import Never

from redact.core.edits.things import Things, cuts_off, in_force, things_of
from redact.core.edits.values import (
    ROUNDING,
    Accept,
    ChangeStyle,
    Correct,
    Drawn,
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
    Split,
    Targeted,
    Trim,
)
from redact.core.findings import Track
from redact.core.frames import Frame, upright_size
from redact.core.geometry import Box, Size
from redact.errors import PlanError

CORRECT = "correct it in the plan, or take it out"
"""What somebody can do about an edit that is refused."""

MOST_CORNERS = 200
"""Of a polygon."""


def check_edits(
    edits: Sequence[Edit],
    tracks: Collection[Track],
    first: Fraction | None,
    last: Fraction | None,
) -> None:
    """Refuse edits that can do nothing, as far as that is known without the source.

    Args:
        edits: In order.
        tracks: Those that exist.
        first: The time of the source's first frame in seconds, None if it is not known.
        last: The same of its last frame.

    Raises:
        PlanError: It names the edit by its number, from 1.
    """
    things, taken_back = things_of(tracks), set[int]()
    for number, edit in enumerate(edits, 1):
        problem = _common_problem(edit, number)
        if problem:
            refuse(number, problem)
    for number, edit in in_force(edits):
        problem = _time_problem(edit, first, last) or _problem(edit, things)
        if isinstance(edit, Revoke):
            problem = _revocation_problem(edit, edits[: number - 1], taken_back)
            taken_back.add(edit.number)
        if problem:
            refuse(number, problem)
        things.take(number, edit)


def _common_problem(edit: Edit, number: int) -> str | None:
    """What is wrong with that which every edit has."""
    if edit.continues and number == 1:
        return "it continues an edit, but none is before it"
    if edit.at:
        try:
            aware = datetime.fromisoformat(edit.at).tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            return f"{edit.at!r} is no moment with a time zone, such as 2026-11-28T14:00:00Z"
    return None


def _problem(edit: Edit, things: Things) -> str | None:
    """Why an edit can do nothing to these things; None if it can."""
    if isinstance(edit, HideBox | HidePath):
        return _drawn_problem(edit, things)
    if isinstance(edit, Split | Trim):
        return _division_problem(edit, things)
    if isinstance(edit, Join):
        return _join_problem(edit, things)
    if isinstance(edit, Correct):
        return _correction_problem(edit, things)
    if isinstance(edit, Note) and not edit.text.strip():
        return "it says nothing"
    if isinstance(edit, SignOff) and not (edit.by.strip() and edit.at):
        return "nobody signs: say by whom and at which moment"
    if isinstance(edit, Targeted):
        return _target_problem(edit, things)
    return None


def _revocation_problem(edit: Revoke, before: Sequence[Edit], known: set[int]) -> str | None:
    """Why an edit cannot be taken back; what is needed later is refused where it is missing.

    Args:
        edit: That takes it back.
        before: All edits before this one.
        known: Numbers of those that others have taken back.
    """
    if not 1 <= edit.number <= len(before):
        return f"it takes back edit {edit.number}, and there is none of that number before it"
    if edit.number in known:
        return f"it takes back edit {edit.number}, which is taken back already"
    if isinstance(before[edit.number - 1], SignOff):
        return "it takes back a signature: whatever is edited needs a new one anyway"
    return None


_VERBS = {Show: "shows", Hide: "hides", ChangeStyle: "draws", Note: "is about", Accept: "accepts"}


def _target_problem(edit: Targeted, things: Things) -> str | None:
    names = ("track", "person", "kind", "region")
    said = [(name, getattr(edit, name)) for name in names if getattr(edit, name) is not None]
    verb = _VERBS[type(edit)]
    if len(said) > 1:
        return f"it {verb} several things: name a track, a person, a kind or a region"
    if not said:
        return None if isinstance(edit, ChangeStyle | Note) else f"it {verb} nothing"
    ((name, value),) = said
    named = things.named_by(edit)
    if not named and name == "kind":
        return f"it {verb} tracks of {value}s, and there are none"
    if not named:
        return f"it {verb} {name} {value}, which does not exist"
    return None


def _drawn_problem(edit: Drawn, things: Things) -> str | None:
    boxes = [edit.box] if isinstance(edit, HideBox) else [key.box for key in edit.keys]
    if not all(box.width and box.height for box in boxes):
        return "its box has no width or no height, so it hides nothing"
    if edit.name.isdecimal():
        return f"its name {edit.name!r} is a number, and numbers are for edits without a name"
    if edit.name in things.regions:
        return f"another region is called {edit.name!r}"
    return _outline_problem(edit.outline) or (
        _path_problem(edit) if isinstance(edit, HidePath) else None
    )


def _outline_problem(outline: Outline) -> str | None:
    if isinstance(outline, str):
        return None
    if not 3 <= len(outline) <= MOST_CORNERS:
        return f"a polygon has 3 to {MOST_CORNERS} corners, not {len(outline)}"
    if not all(0 <= share <= 1 for corner in outline for share in corner):
        return "the corners of its polygon lie outside of its box: write shares from 0 to 1"
    first, *rest = outline
    arms = [(x - first[0], y - first[1]) for x, y in rest]
    if not any(a[0] * b[1] != a[1] * b[0] for a, b in pairwise(arms)):
        return "the corners of its polygon lie on a line, so it hides nothing"
    return None


def _path_problem(edit: HidePath) -> str | None:
    if not edit.keys:
        return "it has no key frame"
    for name, points in (("key frames", edit.keys), ("sightings", edit.followed)):
        if any(later.time <= earlier.time for earlier, later in pairwise(points)):
            return f"its {name} are not in order of time"
    return None


def path_points(edit: HidePath) -> list[Key]:
    """Key frames and sightings in order; where both are, the key frame counts."""
    hard = {key.time: key for key in edit.keys}
    return [pair[1] for pair in sorted(({s.time: s for s in edit.followed} | hard).items())]


def _division_problem(edit: Split | Trim, things: Things) -> str | None:
    verb = "splits" if isinstance(edit, Split) else "trims"
    if edit.track not in things.by_id:
        return f"it {verb} track {edit.track}, which does not exist"
    if edit.new in things.by_id:
        return f"its new part is called {edit.new}, and there is a track of that number"
    if edit.new < 1:
        return f"a track has a number from 1, not {edit.new}"
    times = [s.time for s in things.sightings(things.by_id[edit.track])]
    kept = [time for time in times if not cuts_off(edit, time)]
    if len(kept) in (0, len(times)):
        span = f"is seen from {spoken(times[0])} to {spoken(times[-1])}"
        return f"it {verb} off {'all' if not kept else 'nothing'}: track {edit.track} {span}"
    return None


def _join_problem(edit: Join, things: Things) -> str | None:
    if not edit.tracks:
        return "it joins no tracks"
    for track in edit.tracks:
        if track not in things.by_id:
            return f"it joins track {track}, which does not exist"
    if edit.person is not None and not edit.person.strip():
        return "the person has no name"
    if all(things.by_id[track].person == edit.person for track in edit.tracks):
        return "its tracks are joined so already"
    return None


def _correction_problem(edit: Correct, things: Things) -> str | None:
    if edit.track not in things.by_id:
        return f"it corrects track {edit.track}, which does not exist"
    if not (edit.box.width and edit.box.height):
        return "its box has no width or no height, so it hides nothing"
    times = [s.time for s in things.sightings(things.by_id[edit.track])]
    if not times[0] <= edit.time <= times[-1]:
        span = f"from {spoken(times[0])} to {spoken(times[-1])}"
        return f"track {edit.track} is seen {span}, and not at {spoken(edit.time)}"
    return None


def _time_problem(edit: Edit, first: Fraction | None, last: Fraction | None) -> str | None:
    if not isinstance(edit, HideBox | HidePath | Show | Hide | Note | Mute):
        return None
    start, end = (edit.start, edit.end) if not isinstance(edit, HidePath) else path_span(edit)
    if start is not None and end is not None and end < start:
        return f"it ends at {spoken(end)} before it starts at {spoken(start)}"
    if isinstance(edit, Mute):  # whose sound may begin earlier, and last longer
        return "it ends when it starts, so it silences nothing" if end == start else None
    slack = 0 if isinstance(edit, Show) else ROUNDING
    if last is not None and start is not None and start > last + slack:
        after = f"after the last frame, which is at {spoken(last)}"
        return f"it starts at {spoken(start)}, {after}"
    if first is not None and end is not None and end < first - slack:
        before = f"before the first frame, which is at {spoken(first)}"
        return f"it ends at {spoken(end)}, {before}"
    return None


def path_span(edit: HidePath) -> tuple[Fraction | None, Fraction | None]:
    """From when to when a path hides, in seconds; None where it has no point."""
    times = [key.time for key in (*edit.keys, *edit.followed)]
    start = edit.start if edit.start is not None else min(times, default=None)
    return start, edit.end if edit.end is not None else max(times, default=None)


def check_boxes(edits: Sequence[Edit], size: Size) -> None:
    """Refuse edits whose boxes all lie outside of a picture of that size.

    Raises:
        PlanError: It names the edit by its number, from 1.
    """
    for number, edit in in_force(edits):
        boxes = _boxes_of(edit)
        if boxes and not any(box.touches(size) for box in boxes):
            outside = f"outside of the picture of {size.width}x{size.height} pixels"
            refuse(number, f"its box lies {outside}")


def _boxes_of(edit: Edit) -> list[Box]:
    if isinstance(edit, HideBox | Correct):
        return [edit.box]
    return [key.box for key in path_points(edit)] if isinstance(edit, HidePath) else []


def check_pages(edits: Sequence[Edit], pages: Iterable[Frame]) -> None:
    """Refuse edits that touch no page at all; pages may differ in size.

    Raises:
        PlanError: It names the edit by its number, from 1.
    """
    left = {number: edit for number, edit in in_force(edits) if _boxes_of(edit)}
    if not left:
        return
    for page in pages:
        size = upright_size(page.picture)
        left = {number: e for number, e in left.items() if not _touches(e, page.time, size)}
        if not left:
            return
    for number in left:
        refuse(number, "its box lies outside of every page between its start and its end")


def _touches(edit: Edit, time: Fraction, size: Size) -> bool:
    """Whether an edit's box lies on a page of that time and size."""
    if isinstance(edit, Correct):
        return edit.time == time and edit.box.touches(size)
    if isinstance(edit, HideBox):
        start, end = edit.start, edit.end
    else:
        assert isinstance(edit, HidePath)
        start, end = path_span(edit)
    within = (start is None or start <= time) and (end is None or time <= end)
    return within and any(box.touches(size) for box in _boxes_of(edit))


def refuse(number: int, problem: str) -> Never:
    """Refuse an edit.

    Raises:
        PlanError: Always.
    """
    raise PlanError(f"edit {number}: {problem}", remedy=CORRECT)


def spoken(time: Fraction) -> str:
    """Seconds as a person writes them, to a thousandth."""
    rounded = f"{float(time):.3f}".rstrip("0").rstrip(".")
    return f"{rounded} s" if Fraction(rounded) == time else f"about {rounded} s"
