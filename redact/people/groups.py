"""Which tracks may be of one person: suggestions by likeness, never a decision.

Average linkage with what cannot be: two tracks that are seen at one time are two people (Wagstaff
et al., "Constrained k-means", ICML 2001, call it a cannot-link).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from redact.core.findings import Kind, Track
from redact.people.choice import Seen, mean_of

LIKELY_SAME = 0.4
"""Mean likeness of two groups of tracks from which it is suggested that they are one person."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Tracks that may be of one person.

    Args:
        tracks: Their ids, in order of time, at least two.
        likeness: The least mean likeness at which two parts of it were joined, up to 1.
    """

    tracks: tuple[int, ...]
    likeness: float


def suggest_groups(
    tracks: Sequence[Track], portraits: Mapping[int, Sequence[Seen]]
) -> tuple[Suggestion, ...]:
    """Groups of face tracks that look alike and are never seen at one time.

    Args:
        tracks: Of one plan.
        portraits: Of some of them, by id.
    """
    known = [t for t in tracks if t.kind is Kind.FACE and portraits.get(t.id)]
    known.sort(key=lambda track: track.sightings[0].time)
    if not known:
        return ()
    means = np.stack([mean_of([one.vector for one in portraits[t.id]]) for t in known])
    alike = means @ means.T
    np.fill_diagonal(alike, -np.inf)
    for together in _seen_at_once(known):
        alike[np.ix_(together, together)] = -np.inf
    groups = [[i] for i in range(len(known))]
    least = [1.0] * len(known)
    while True:
        one, other = np.unravel_index(int(alike.argmax()), alike.shape)
        score = float(alike[one, other])
        if score < LIKELY_SAME:
            break
        sizes = len(groups[one]), len(groups[other])
        joined = (alike[one] * sizes[0] + alike[other] * sizes[1]) / sum(sizes)
        alike[one], alike[:, one] = joined, joined
        alike[one, one] = alike[other] = alike[:, other] = -np.inf
        groups[one] += groups[other]
        groups[other] = []
        least[one] = min(least[one], least[other], score)
    found = [
        Suggestion(tuple(known[i].id for i in sorted(group)), round(alikeness, 3))
        for group, alikeness in zip(groups, least, strict=True)
        if len(group) > 1
    ]
    return tuple(sorted(found, key=lambda suggestion: suggestion.tracks))


def _seen_at_once(tracks: Sequence[Track]) -> Iterable[list[int]]:
    """Places of tracks that were detected in one frame: these are as many people."""
    frames: defaultdict[int, list[int]] = defaultdict(list)
    for place, track in enumerate(tracks):
        for sighting in track.sightings:
            if sighting.score > 0:
                frames[sighting.frame].append(place)
    return {tuple(here): here for here in frames.values() if len(here) > 1}.values()
