"""The report as one self-contained page: no script, nothing from elsewhere, everything escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from html import escape
from typing import Any

from redact.report.snapshots import Outline, Snapshot
from redact.report.style import STYLE
from redact.report.words import edit_in_words, recipe_in_words

MOST_ROWS = 150
"""Tracks in the timeline."""

_WIDTH = 1000
_ROW = 18
_LEFT = 120


def build_page(facts: dict[str, Any], snapshots: Sequence[Snapshot]) -> str:
    """The whole page, as HTML.

    Args:
        facts: From `redact.report.facts.collect_facts`.
        snapshots: Frames of the result.
    """
    name = facts["output"]["name"]
    parts = (
        _header(facts),
        _tiles(facts),
        _notes_section(facts),
        _look_first(facts),
        _check_section(facts),
        _timeline(facts),
        _frame_gallery(snapshots),
        _decisions(facts),
        NOT_SIGNED,
        _recipe_section(facts),
        _digests(facts),
    )
    return html_page(f"{name}: redaction report", parts)


def html_page(title: str, parts: Iterable[str]) -> str:
    """A whole page from its parts, which are HTML; nothing on it is loaded from anywhere."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def escaped(value: object) -> str:
    """A text that HTML takes for nothing but text."""
    return escape(str(value), quote=True)


def _header(facts: dict[str, Any]) -> str:
    found = facts["verification"]
    badge = ("unknown", "Not checked")
    if found is not None:
        badge = ("good", "Check passed") if found["passed"] else ("bad", "Possible leaks left")
    return (
        f'<header><p class="kind">Redaction report</p><h1>{escaped(facts["output"]["name"])}</h1>'
        f'<p class="badge {badge[0]}">{badge[1]}</p>'
        '<p class="lead">An aid for whoever signs this off, not a guarantee. Watch the whole '
        "result before it is published; begin with what is listed first.</p></header>"
    )


def _tiles(facts: dict[str, Any]) -> str:
    tracks, exposure = facts["tracks"], facts["exposure"]
    hidden = [track for track in tracks if track["state"] == "hidden"]
    tiles = [
        (sum(track["kind"] == "face" for track in hidden), "faces hidden"),
        (sum(track["kind"] == "plate" for track in hidden), "plates hidden"),
        (exposure["uncertain"], "uncertain, not hidden"),
        (exposure["shown"], "shown by a person's decision"),
        (facts["frames"], "frames" if facts["frames"] != 1 else "frame"),
    ]
    said = "".join(f"<li><b>{escaped(n)}</b><span>{escaped(what)}</span></li>" for n, what in tiles)
    note = (
        f"<p><b>Exposure estimate:</b> {exposure['uncertain']} uncertain things show for "
        f"{exposure['uncertain_seconds']:.1f} s together; by the detectors' scores and the leaks "
        f"left, about {exposure['expected']} of them are real. "
    )
    if not exposure["checked"]:
        note += "The result was not checked by other detectors. "
    note += "People whom no detector saw are in no number here. One person seen twice counts twice."
    return f'<section><ul class="tiles">{said}</ul>{note}</p></section>'


def _notes_section(facts: dict[str, Any]) -> str:
    listed = "".join(f"<li>{escaped(note['text'])}</li>" for note in facts["notes"])
    return f"<section><h2>Not as in the source</h2><ul>{listed}</ul></section>" * bool(listed)


def _look_first(facts: dict[str, Any]) -> str:
    open_ = [track for track in facts["tracks"] if track["state"] != "hidden"]
    lost = [track for track in facts["tracks"] if track["lost"]]
    doubts = (facts["verification"] or {}).get("doubts", [])
    much = "".join(f"<li>{escaped(said)}</li>" for said in facts["hidden"]["words"])
    if not (open_ or lost or doubts or much):
        return "<section><h2>Look here first</h2><p>Nothing is uncertain.</p></section>"
    said = "<section><h2>Look here first</h2>"
    if much:
        said += f"<p><b>Much is hidden</b>, perhaps in vain:</p><ul>{much}</ul>"
    if doubts:
        said += (
            "<p>These look like what is hidden before or after, and are <b>not hidden</b>: each is "
            "more than a tenth of the picture, and no detector sees anything there.</p>"
            f"{_leak_table([(doubt, 'not hidden') for doubt in doubts])}"
        )
    if open_:
        said += (
            "<p>These were found and are <b>not hidden</b>: probably false alarms, or shown "
            f"because a person said so.</p>{_track_table(open_)}"
        )
    if lost:
        said += (
            "<p>These are hidden, but were <b>lost</b>: where they begin or end, their place is in "
            f"doubt. Look whether they show before or after.</p>{_track_table(lost)}"
        )
    return f"{said}</section>"


def _track_table(rows: Sequence[dict[str, Any]]) -> str:
    head = "<tr><th>Track<th>What<th>From<th>To<th>Height<th>Best score<th>State</tr>"
    body = "".join(
        f"<tr><td>{track['id']}<td>{escaped(track['kind'])}<td>{_clock(track['start'])}"
        f"<td>{_clock(track['end'])}<td>{track['height']} px<td>{track['best']:.2f}"
        f'<td><span class="{escaped(track["state"])}">{escaped(track["state"])}</span>'
        f"{': ' * bool(track['doubt'])}{escaped(track['doubt'])}</tr>"
        for track in rows[:MOST_ROWS]
    )
    return f"<table>{head}{body}</table>{_left_out_note(len(rows))}"


def _left_out_note(count: int) -> str:
    return f"<p>and {count - MOST_ROWS} more, in the JSON</p>" if count > MOST_ROWS else ""


def _check_section(facts: dict[str, Any]) -> str:
    found = facts["verification"]
    if found is None:
        return "<section><h2>Check</h2><p>The result was <b>not checked</b>.</p></section>"
    listed = [(leak, f"left: leak {n}") for n, leak in enumerate(found["leaks"], 1)]
    listed += [(leak, "found, then hidden") for leak in found["hidden"]]
    table = _leak_table(listed) if listed else ""
    faults = "".join(f'<p class="bad">{escaped(fault)}</p>' for fault in found["faults"])
    return (
        f"<section><h2>Check</h2>{faults}<p>{escaped(found['words'])}.</p>"
        f"<p>Likeness of fine structure inside hidden regions: {found['inside']:.2f} at most, of "
        f"0.5 allowed. Change of brightness outside: {found['outside']:.0f} at most, of 12 allowed."
        f"</p>{table}</section>"
    )


def _leak_table(listed: Sequence[tuple[dict[str, Any], str]]) -> str:
    rows = "".join(
        f"<tr><td>{escaped(leak['kind'])}<td>{_clock(leak['start'])}<td>{_clock(leak['end'])}"
        f"<td>{leak['height']} px"
        f"<td>{_scores(leak['scores'])}<td>{escaped(leak['why'])}<td>{escaped(what)}</tr>"
        for leak, what in listed
    )
    head = "<tr><th>What<th>From<th>To<th>Height<th>Scores<th>Why<th>What became of it</tr>"
    return f"<table>{head}{rows}</table>"


def _scores(scores: dict[str, float]) -> str:
    return ", ".join(f"{escaped(name)} {score:.2f}" for name, score in scores.items())


def _timeline(facts: dict[str, Any]) -> str:
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
        f"{_clock(share * whole)}</text>"
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
    name = f'<text class="name" x="0" y="{y + 12}">{escaped(track["kind"])} {track["id"]}</text>'
    return f"<g>{name}{''.join(bars)}</g>"


def _bar(span: Sequence[float], y: int, whole: float, kind: str) -> str:
    start, end = (_LEFT + (_WIDTH - _LEFT - 30) * min(1.0, t / whole) for t in span)
    width = max(2.0, end - start)
    return f'<rect class="{kind}" x="{start:.1f}" y="{y + 3}" width="{width:.1f}" height="11"/>'


def _x_of(seconds: float, whole: float) -> str:
    return f"{_LEFT + (_WIDTH - _LEFT - 30) * min(1.0, seconds / whole):.1f}"


def _frame_gallery(snapshots: Sequence[Snapshot]) -> str:
    if not snapshots:
        return ""
    figures = "".join(figure(snapshot) for snapshot in snapshots)
    return (
        "<section><h2>Frames of the result</h2><p>With outlines of what the plan knows there. What "
        "is uncertain or may have leaked is blurred here, and only here: look at it in the result."
        f'</p><div class="frames">{figures}</div></section>'
    )


def figure(shown: Snapshot, caption: str = "") -> str:
    """A picture with numbered outlines; without a caption, as HTML, it names what is there."""
    outlines = "".join(
        f'<rect class="{escaped(o.state)}" x="{o.box[0]:.4f}" y="{o.box[1]:.4f}" '
        f'width="{max(0, o.box[2] - o.box[0]):.4f}" height="{max(0, o.box[3] - o.box[1]):.4f}"/>'
        for o in shown.outlines
    )
    marks = "".join(map(_mark, shown.outlines))
    width, height = shown.size.width, shown.size.height
    known = escaped(_short_list(f"{o.kind} {o.track}" for o in shown.outlines))
    said = caption or f"<b>{_clock(shown.seconds)}</b> frame {shown.frame} {known}"
    return (
        f'<figure><div class="shot"><img alt="frame {shown.frame}" width="{width}" '
        f'height="{height}" src="data:image/jpeg;base64,{shown.jpeg}">'
        f'<svg viewBox="0 0 1 1" preserveAspectRatio="none">{outlines}</svg>{marks}</div>'
        f"<figcaption>{said}</figcaption></figure>"
    )


def _mark(outline: Outline) -> str:
    """The number of an outline, above it, or below where the picture ends."""
    left, top, _, bottom = (min(1.0, max(0.0, share)) for share in outline.box)
    above = top > 0.05
    place = f"left:{left:.2%};top:{top if above else bottom:.2%}"
    kind = f"{outline.state}{' above' if above else ''}{' end' if left > 0.93 else ''}"
    name = outline.track if outline.kind != "leak" else f"leak {outline.track}"
    return f'<b class="mark {escaped(kind)}" style="{place}">{escaped(name)}</b>'


def _short_list(names: Iterable[str]) -> str:
    known = list(names)
    return ", ".join(known[:8]) + (f" and {len(known) - 8} more" if len(known) > 8 else "")


def _recipe_section(facts: dict[str, Any]) -> str:
    rows = recipe_in_words(facts["recipe"], facts["style"])
    return f"<section><h2>Recipe</h2>{_key_values(rows)}</section>"


def _decisions(facts: dict[str, Any]) -> str:
    """What a person decided, what that changed, and what nobody looked at."""
    counts = facts["counts"]
    before, after = counts["before"], counts["after"]
    rows = "".join(
        f"<tr><td>{name}<td>{before[key]}<td>{after[key]}</tr>"
        for key, name in (
            ("hidden", "hidden tracks"),
            ("uncertain", "uncertain, not hidden"),
            ("shown", "shown by a person"),
        )
    )
    edits = [edit_in_words(edit) for edit in facts["edits"]]
    listed = "".join(f"<li>{escaped(edit)}</li>" for edit in edits)
    left = counts["uncertain_not_looked_at"]
    unseen = f"; of these uncertain: {_short_list(map(str, left))}" if left else ""
    return (
        f"<section><h2>Decisions</h2><table><tr><th><th>before<th>after</tr>{rows}</table>"
        f"<p>Drawn regions: {counts['drawn']}. Silenced spans: {counts['muted']}. Tracks that a "
        f"person looked at: {counts['looked_at']}; not looked at: "
        f"{len(counts['not_looked_at'])}{unseen}.</p>"
        f"<ol>{listed or '<li>nobody decided anything</li>'}</ol></section>"
    )


NOT_SIGNED = "<section><h2>Signed off</h2><p>By nobody yet.</p></section>"
"""What a page says until somebody signs."""

SIGNED = re.compile(r"<section><h2>Signed off</h2>.*?</section>", re.DOTALL)
"""Where `redact.report.signing` puts a signature; nothing inside can end it earlier."""


def signed_section(signature: dict[str, Any]) -> str:
    """Who answers for the result, from the signature as JSON holds it."""
    watched = ", ".join(
        f"{_clock(float(Fraction(start)))} to {_clock(float(Fraction(end)))}"
        for start, end in signature.get("watched", ())
    )
    rows = {
        "By": signature["by"],
        "At": signature["at"],
        "Watched": watched or "not said",
        "Words": signature.get("reason") or "none",
    }
    return f"<section><h2>Signed off</h2>{_key_values(rows)}</section>"


def _digests(facts: dict[str, Any]) -> str:
    files = {
        f"{what}: {facts[what]['name']}": facts[what]["sha256"]
        for what in ("source", "output", "plan")
    }
    return (
        f"<section><h2>SHA-256</h2>{_key_values(files)}<h2>Versions</h2>"
        f"{_key_values(facts['versions'])}<h2>Weights, SHA-256</h2>{_key_values(facts['weights'])}"
        "<p>Keep this page and the plan to yourself: both tell where people were, and which "
        "original this was made from.</p></section>"
    )


def _key_values(rows: dict[str, Any]) -> str:
    said = "".join(
        f"<dt>{escaped(key)}</dt><dd>{escaped(value)}</dd>" for key, value in rows.items()
    )
    return f"<dl>{said}</dl>"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f"{int(minutes)}:{rest:05.2f}"
