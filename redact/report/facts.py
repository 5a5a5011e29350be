"""The facts of a report, as JSON can hold them: no pictures, and names of files without folders."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from redact.core.coverage import is_lost
from redact.core.edits.json_form import write_edit
from redact.core.edits.things import Things, hidden_by_default, is_ever_hidden
from redact.core.exposure import covered_tracks
from redact.core.findings import Track
from redact.core.notes import as_objects
from redact.core.plan import Plan
from redact.detect.weights import catalogue
from redact.errors import printable
from redact.media.files import fingerprint
from redact.stages import Outcome
from redact.verify.result import Verification

_PACKAGES = ("redact-video", "av", "imageio-ffmpeg", "mediapipe", "numpy", "onnxruntime",
             "opencv-contrib-python", "pillow")  # fmt: skip
_DOUBTED_REAL = 0.05
"""Share of doubted plates that are real: of 36 in ordinary clips none was, on a motorway one or two
of 25 may have been."""
_SPAN_PAUSE = Fraction(1, 5)
"""Seconds between two sightings of one span, at most."""


def collect_facts(outcome: Outcome, plan: Path) -> dict[str, Any]:
    """Everything that the report tells, ready for JSON.

    Args:
        outcome: What became of the file.
        plan: Where its plan was saved.
    """
    made = outcome.plan
    things = made.things
    covered = covered_tracks(made)
    tracks = [_track_facts(track, made, things, covered) for track in made.tracks]
    tracks.sort(
        key=lambda t: (t["state"] in ("hidden", "covered"), t["state"] != "uncertain",
                       not t["lost"], t["start"])
    )  # fmt: skip
    end = max((track["end"] for track in tracks), default=0.0)
    return {
        "source": _file_facts(outcome.source, made.source.fingerprint),
        "output": _file_facts(outcome.output, made.result.fingerprint if made.result else ""),
        "plan": _file_facts(plan, fingerprint(plan)),
        "size": [made.source.size.width, made.source.size.height],
        "frames": made.source.frames,
        "copied": outcome.copied,
        "hidden": {**outcome.extent.as_object(), "words": outcome.extent.in_words()},
        "notes": as_objects(outcome.notes),
        "seconds": max(end, float(_last_time(made))),
        "style": made.style,
        "recipe": asdict(made.recipe),
        "edits": [write_edit(edit) for edit in made.edits],
        "cuts": _cut_times(made),
        "tracks": tracks,
        "counts": _counts(made, tracks, things),
        "exposure": _exposure(tracks, outcome.verification),
        "verification": _verification_facts(outcome.verification),
        "versions": _versions(),
        "weights": {name: item.sha256 for name, item in catalogue().items()},
    }


def _file_facts(path: Path, mark: str) -> dict[str, str]:
    return {"name": printable(Path(path.name)), "sha256": mark.removeprefix("sha256:")}


def _last_time(plan: Plan) -> Fraction:
    return max((t.sightings[-1].time for t in plan.tracks), default=Fraction(0))


def _cut_times(plan: Plan) -> list[float]:
    """Seconds at which shots begin, where some track was seen in that frame: plans hold no more."""
    known = {s.frame: s.time for track in plan.tracks for s in track.sightings}
    return [float(known[cut]) for cut in plan.cuts if cut in known]


def _track_facts(
    track: Track, plan: Plan, things: Things, covered: Collection[int]
) -> dict[str, Any]:
    parts = things.parts(track)
    state = _state_of(track, plan, things, covered)
    best = max(track.sightings, key=lambda s: s.score)
    return {
        "id": track.id,
        "kind": str(track.kind),
        "state": state,
        "looked_at": any(part.looked_at for part in parts),
        "person": things.by_id[track.id].person,
        "doubt": track.doubt,
        "start": float(track.sightings[0].time),
        "end": float(track.sightings[-1].time),
        "best": round(best.score, 3),
        "best_at": float(best.time),
        "height": round(best.box.height),
        "lost": state == "hidden" and is_lost(track, plan.recipe.coverage, plan.source.size),
        "seen": _spans([s.time for s in track.sightings if s.score > 0]),
        "followed": _spans([s.time for s in track.sightings if s.score == 0]),
    }


def _state_of(track: Track, plan: Plan, things: Things, covered: Collection[int]) -> str:
    """Shown if a person shows any of it; else hidden, covered by others, or only listed."""
    choices = (things.owner(track, s.time).choice_at(s.time) for s in track.sightings)
    if any(choice is not None and not choice.hide for choice in choices):
        return "shown"
    ever = any(is_ever_hidden(part, plan.recipe.uncertain) for part in things.parts(track))
    return "hidden" if ever else "covered" if track.id in covered else "uncertain"


def _counts(plan: Plan, tracks: Sequence[dict[str, Any]], things: Things) -> dict[str, Any]:
    """What the analysis and the check found, and what a person made of it."""
    states = Counter(track["state"] for track in tracks)
    before = Counter(hidden_by_default(t, plan.recipe.uncertain) for t in plan.tracks)
    covered = len(covered_tracks(replace(plan, edits=()))) if plan.edits else states["covered"]
    listed = before[False] - covered
    return {
        "before": {"hidden": before[True], "covered": covered, "uncertain": listed, "shown": 0},
        "after": {name: states[name] for name in ("hidden", "covered", "uncertain", "shown")},
        "drawn": len(things.regions),
        "muted": len(plan.mutes),
        "looked_at": sum(track["looked_at"] for track in tracks),
        "not_looked_at": [t["id"] for t in tracks if not t["looked_at"]],
        "uncertain_not_looked_at": [
            t["id"] for t in tracks if t["state"] == "uncertain" and not t["looked_at"]
        ],
    }


def _spans(times: Sequence[Fraction]) -> list[list[float]]:
    """Start and end of each run of times without a long pause, in seconds."""
    spans: list[list[Fraction]] = []
    for time in times:
        if spans and time - spans[-1][1] <= _SPAN_PAUSE:
            spans[-1][1] = time
        else:
            spans.append([time, time])
    return [[float(start), float(end)] for start, end in spans]


def _exposure(tracks: Sequence[dict[str, Any]], found: Verification | None) -> dict[str, Any]:
    """What may be seen in the result: things, and seconds of all of them together."""
    doubtful = [track for track in tracks if track["state"] == "uncertain"]
    shown = [track for track in tracks if track["state"] == "shown"]
    leaks = found.leaks if found else ()
    return {
        "uncertain": len(doubtful),
        "uncertain_seconds": round(sum(t["end"] - t["start"] for t in doubtful), 2),
        "expected": round(sum(map(_likelihood, doubtful)) + len(leaks), 1),
        "shown": len(shown),
        "leaks": len(leaks),
        "checked": found is not None,
    }


def _likelihood(track: dict[str, Any]) -> float:
    """How likely it is real: by its score, unless that is what is doubted."""
    return float(min(track["best"], _DOUBTED_REAL) if track["doubt"] else track["best"])


def _verification_facts(found: Verification | None) -> dict[str, Any] | None:
    return None if found is None else {**found.as_object(), "words": found.in_words()}


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version(), "system": platform.system()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "?"
    return found
