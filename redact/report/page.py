"""The report as one self-contained page: no script, nothing from elsewhere, everything escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from redact.core.kinds import KINDS, USUAL
from redact.report.lists import clock, escaped, leak_table, timeline, track_table
from redact.report.snapshots import Outline, Snapshot
from redact.report.style import STYLE
from redact.report.words import edit_in_words, recipe_in_words


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
        _sieve(facts),
        _notes_section(facts),
        _look_first(facts),
        _check_section(facts),
        timeline(facts),
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
    told = [kind for kind in KINDS if kind in USUAL or any(t["kind"] == kind for t in hidden)]
    tiles = [
        *((sum(t["kind"] == kind for t in hidden), f"{KINDS[kind].names} hidden") for kind in told),
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


def _sieve(facts: dict[str, Any]) -> str:
    """Which kinds the page shows, without a script; nothing if there is but one."""
    present = {track["kind"] for track in facts["tracks"]}
    if len(present) < 2:
        return ""
    boxes = "".join(
        f'<label class="{kind}"><input type="checkbox" id="see-{kind}" checked>'
        f'<i class="dot"></i>{escaped(facts.names)}</label>'
        for kind, facts in KINDS.items()
        if kind in present
    )
    return f'<section class="sift"><h2>Kinds shown below</h2>{boxes}</section>'


def _notes_section(facts: dict[str, Any]) -> str:
    listed = "".join(f"<li>{escaped(note['text'])}</li>" for note in facts["notes"])
    return f"<section><h2>Not as in the source</h2><ul>{listed}</ul></section>" * bool(listed)


def _look_first(facts: dict[str, Any]) -> str:
    open_ = [track for track in facts["tracks"] if track["state"] in ("uncertain", "shown")]
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
            f"{leak_table([(doubt, 'not hidden') for doubt in doubts])}"
        )
    if open_:
        said += (
            "<p>These were found and are <b>not hidden</b>: probably false alarms, or shown "
            f"because a person said so.</p>{track_table(open_)}"
        )
    if lost:
        said += (
            "<p>These are hidden, but were <b>lost</b>: where they begin or end, their place is in "
            f"doubt. Look whether they show before or after.</p>{track_table(lost)}"
        )
    return f"{said}</section>"


def _check_section(facts: dict[str, Any]) -> str:
    found = facts["verification"]
    if found is None:
        return "<section><h2>Check</h2><p>The result was <b>not checked</b>.</p></section>"
    listed = [(leak, f"left: leak {n}") for n, leak in enumerate(found["leaks"], 1)]
    listed += [(leak, "found, then hidden") for leak in found["hidden"]]
    table = leak_table(listed) if listed else ""
    faults = "".join(f'<p class="bad">{escaped(fault)}</p>' for fault in found["faults"])
    return (
        f"<section><h2>Check</h2>{faults}<p>{escaped(found['words'])}.</p>"
        f"<p>Likeness of fine structure inside hidden regions: {found['inside']:.2f} at most, of "
        f"0.5 allowed. Change of brightness outside: {found['outside']:.0f} at most, of 12 allowed."
        f"</p>{table}</section>"
    )


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
        f'<rect class="{escaped(_classes(o))}" '
        f'x="{o.box[0]:.4f}" y="{o.box[1]:.4f}" '
        f'width="{max(0, o.box[2] - o.box[0]):.4f}" height="{max(0, o.box[3] - o.box[1]):.4f}"/>'
        for o in shown.outlines
    )
    marks = "".join(map(_mark, shown.outlines))
    width, height = shown.size.width, shown.size.height
    known = escaped(_short_list(f"{o.kind} {o.track}" for o in shown.outlines))
    said = caption or f"<b>{clock(shown.seconds)}</b> frame {shown.frame} {known}"
    return (
        f'<figure><div class="shot"><img alt="frame {shown.frame}" width="{width}" '
        f'height="{height}" src="data:image/jpeg;base64,{shown.jpeg}">'
        f'<svg viewBox="0 0 1 1" preserveAspectRatio="none">{outlines}</svg>{marks}</div>'
        f"<figcaption>{said}</figcaption></figure>"
    )


def _classes(outline: Outline) -> str:
    """Its state and its kind, which are one word for a leak."""
    return " ".join(dict.fromkeys((outline.state, outline.kind)))


def _mark(outline: Outline) -> str:
    """The number of an outline, above it, or below where the picture ends."""
    left, top, _, bottom = (min(1.0, max(0.0, share)) for share in outline.box)
    above = top > 0.05
    place = f"left:{left:.2%};top:{top if above else bottom:.2%}"
    kind = f"{_classes(outline)}{' above' if above else ''}{' end' if left > 0.93 else ''}"
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
            ("covered", "uncertain, inside what is hidden"),
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
        f"{clock(float(Fraction(start)))} to {clock(float(Fraction(end)))}"
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
