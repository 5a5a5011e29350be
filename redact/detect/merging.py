"""What several passes found in one frame, as one view of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from redact.core.findings import Detection
from redact.core.frames import Frame
from redact.core.geometry import Box, hull_of
from redact.core.interfaces import View
from redact.core.passes import Pass
from redact.detect.copies import ScaledCopies

_MERGE_IOU = 0.4
"""Intersection over union from which detections of several passes are merged."""

_CLEAR_SCORE = 0.4
"""Score from which a detection tells which way a picture stands."""
_CLEAR_RATIO = 1.5
"""How much more of those scores a turned picture must show than the upright one."""

_KNOWN_SHARE = 0.15
"""Share of the smaller of two boxes that they have in common if they are one face's."""

PassResults: TypeAlias = Sequence[tuple[Pass, list[Detection]]]
"""Passes and their detections in one frame."""


def make_view(frame: Frame, copies: ScaledCopies, results: PassResults) -> View:
    """What is kept of a frame: its small grey copy, and the merged detections of all passes."""
    exact = [(pass_, found) for pass_, found in results if not pass_.loose]
    kept = [d for pass_, found in exact for d in _drop_misoriented(pass_, found, exact)]
    loose = [d for pass_, found in results if pass_.loose for d in found]
    merged = confirm(merge_detections(kept), merge_detections(loose))
    return View(frame.index, frame.time, copies.size, copies.grey, tuple(merged))


def _drop_misoriented(pass_: Pass, found: list[Detection], results: PassResults) -> list[Detection]:
    """The detections of a pass that count, since a picture stands one way.

    Turned passes see faces in ears, hands and folds. All their detections count if the turned
    picture shows clearly more than the upright one. Else they must reach `turned_threshold` and lie
    where no upright pass found a face: a second box of the same face would only make it wider.
    """
    if not pass_.turned_threshold:
        return found
    upright = [(p, seen) for p, seen in results if not p.quarters and p.kind is pass_.kind]
    twins = [t for t in upright if (t[0].detector, t[0].side) == (pass_.detector, pass_.side)]
    shown = max((_sum_clear_scores(seen) for _, seen in twins or upright), default=0.0)
    if _sum_clear_scores(found) > _CLEAR_RATIO * shown:
        return found
    known = [d.box for _, seen in upright for d in seen]
    return [
        d for d in found if d.score >= pass_.turned_threshold and not _overlaps_any(d.box, known)
    ]


def _overlaps_any(box: Box, others: Sequence[Box]) -> bool:
    return any(box.overlap(other) > _KNOWN_SHARE * min(box.area, other.area) for other in others)


def _sum_clear_scores(detections: Sequence[Detection]) -> float:
    return sum(d.score for d in detections if d.score >= _CLEAR_SCORE)


def merge_detections(detections: Sequence[Detection]) -> list[Detection]:
    """One detection for each group that overlaps its strongest member, the strongest first.

    Groups are those of non-maximum suppression, but nothing is suppressed: the box holds every box
    of its group. The score is the best one, since passes of one network err together.
    """
    groups: list[list[Detection]] = []
    for found in sorted(detections, key=lambda d: -d.score):
        group = next((g for g in groups if _are_same(g[0], found)), None)
        groups.append([found]) if group is None else group.append(found)
    return [_merge_group(group) for group in groups]


def confirm(exact: Sequence[Detection], loose: Sequence[Detection]) -> list[Detection]:
    """Exact detections with the better score of a loose one beside each, the strongest first.

    A loose box counts itself only where no exact detection has its score: another box of the same
    face would only make that wider.
    """
    scores = [d.score for d in exact]
    added = []
    for voice in loose:
        same = [at for at, d in enumerate(exact) if _are_same(d, voice)]
        for at in same:
            scores[at] = max(scores[at], voice.score)
        rivals = [d.box for d in exact if d.kind is voice.kind and d.score >= voice.score]
        if not same and not _overlaps_any(voice.box, rivals):
            added.append(voice)
    kept = [Detection(d.kind, d.box, score) for d, score in zip(exact, scores, strict=True)]
    return sorted([*kept, *added], key=lambda d: -d.score)


def _are_same(one: Detection, other: Detection) -> bool:
    return one.kind == other.kind and one.box.iou(other.box) >= _MERGE_IOU


def _merge_group(group: list[Detection]) -> Detection:
    return Detection(group[0].kind, hull_of(found.box for found in group), group[0].score)
