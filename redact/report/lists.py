"""What the page lists: tracks, leaks, and a timeline, each with the mark of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

MOST_ROWS = 150
"""Tracks in a list."""

_WIDTH = 1000
_ROW = 18
_LEFT = 120


def escaped(value: object) -> str:
    """A text that HTML takes for nothing but text."""
    return escape(str(value), quote=True)


def clock(seconds: float) -> str:
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f"{int(minutes)}:{rest:05.2f}"


def track_table(rows: Sequence[dict[str, Any]]) -> str:
    head = "<tr><th>Track<th>What<th>From<th>To<th>Height<th>Best score<th>State</tr>"
    body = "".join(
        f'<tr class="{escaped(track["kind"])}"><td>{track["id"]}<td>{_kind(track["kind"])}'
        f"<td>{clock(track['start'])}"
        f"<td>{clock(track['end'])}<td>{track['height']} px<td>{track['best']:.2f}"
        f'<td><span class="{escaped(track["state"])}">{escaped(track["state"])}</span>'
        f"{': ' * bool(track['doubt'])}{escaped(track['doubt'])}</tr>"
        for track in rows[:MOST_ROWS]
    )
    return f"<table>{head}{body}</table>{_left_out_note(len(rows))}"


def _left_out_note(count: int) -> str:
    return f"<p>and {count - MOST_ROWS} more, in the JSON</p>" if count > MOST_ROWS else ""


def _kind(name: str) -> str:
    return f'<i class="dot"></i>{escaped(name)}'


def leak_table(listed: Sequence[tuple[dict[str, Any], str]]) -> str:
    rows = "".join(
        f'<tr class="{escaped(leak["kind"])}"><td>{_kind(leak["kind"])}'
        f"<td>{clock(leak['start'])}<td>{clock(leak['end'])}"
        f"<td>{leak['height']} px"
        f"<td>{_scores(leak['scores'])}<td>{escaped(leak['why'])}<td>{escaped(what)}</tr>"
        for leak, what in listed
    )
    head = "<tr><th>What<th>From<th>To<th>Height<th>Scores<th>Why<th>What became of it</tr>"
    return f"<table>{head}{rows}</table>"


def _scores(scores: dict[str, float]) -> str:
    return ", ".join(f"{escaped(name)} {score:.2f}" for name, score in scores.items())


def timeline(facts: dict[str, Any]) -> str:
    tracks = facts["tracks"][:MOST_ROWS]
    if not tracks:
        return "<section><h2>Timeline</h2><p>Nothing was found.</p></section>"
    whole = max(facts["seconds"], 0.04)
    height = _ROW * len(tracks) + 24
    cuts = [_x_of(cut, whole) for cut in facts["cuts"]]
    marks = "".join(
        f'<line class="cut" x1="{x}" x2="{x}" y1="0" y2="{height - 20}"/>' for x in cuts
    )
    rows = "".join(_timeline_row(number, track, whole) for number, track in enumerate(tracks))
    ticks = "".join(
        f'<text class="tick" x="{_x_of(share * whole, whole)}" y="{height - 4}">'
        f"{clock(share * whole)}</text>"
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    key = (
        '<p class="key"><i class="hidden"></i>hidden, detected <i class="followed"></i>hidden, '
        'followed <i class="uncertain"></i>uncertain, not hidden <i class="shown"></i>shown '
        '<i class="cutkey"></i>cut</p>'
    )
    return (
        f"<section><h2>Timeline</h2>{key}"
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="When each track was seen">'
        f"{marks}{rows}{ticks}</svg>{_left_out_note(len(facts['tracks']))}</section>"
    )


def _timeline_row(number: int, track: dict[str, Any], whole: float) -> str:
    y = number * _ROW
    state = track["state"]
    bars = [_bar(span, y, whole, f"{state} soft") for span in track["followed"]]
    bars += [_bar(span, y, whole, state) for span in track["seen"]]
    kind = escaped(track["kind"])
    said = f"<tspan>●</tspan> {kind} {track['id']}"
    name = f'<text class="name" x="0" y="{y + 12}">{said}</text>'
    return f'<g class="{kind}">{name}{"".join(bars)}</g>'


def _bar(span: Sequence[float], y: int, whole: float, kind: str) -> str:
    start, end = (_across(time, whole) for time in span)
    width = max(2.0, end - start)
    return f'<rect class="{kind}" x="{start:.1f}" y="{y + 3}" width="{width:.1f}" height="11"/>'


def _x_of(seconds: float, whole: float) -> str:
    return f"{_across(seconds, whole):.1f}"


def _across(seconds: float, whole: float) -> float:
    """Where a time lies in the drawing."""
    return _LEFT + (_WIDTH - _LEFT - 30) * min(1.0, seconds / whole)
