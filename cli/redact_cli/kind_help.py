"""What the help says of kinds: from their table, so that it never says anything else."""

from __future__ import annotations

from redact.core.findings import Kind
from redact.core.kinds import KINDS, USUAL
from redact.core.recipe import PROFILES, Recipe

_PROFILE = "balanced"


def of_kinds() -> str:
    """Of --detect."""
    known = (it.option + (f" ({it.told})" if it.told else "") for it in KINDS.values())
    usual = ",".join(KINDS[kind].option for kind in USUAL)
    return f"What is hidden, with commas between: {', '.join(known)}; or all. By default {usual}."


def of_passes() -> str:
    """Of --detector."""
    names = (f"{', '.join(sorted(it.detectors))} for {it.names}" for it in KINDS.values())
    return (
        "NAME:SIDE:THRESHOLD, one detection pass over the pictures, in place of the profile's "
        "passes for the same kind of thing; repeat the option for more passes. NAME is one of "
        f"{'; '.join(names)}. The picture's longer side is scaled to SIDE pixels; detections that "
        "score below THRESHOLD (0 to 1) are dropped. Example: yunet:1920:0.3"
    )


def of_rules() -> str:
    """Of --rule."""
    usual = PROFILES[_PROFILE]
    values = "; ".join(_rule_in_words(usual, kind) for kind in KINDS)
    return (
        "KIND:NAME=VALUE, for one kind alone, such as people:pad=0.2,after=1; repeat the option "
        "for more kinds. threshold is the best score from which a track of a video is hidden, pad "
        "the margin, before and after the seconds that are hidden before and after it is seen, "
        "style how it is drawn: any (as --style says), fill (so, but never in a style that can be "
        f"reversed), plain (in one colour). In {_PROFILE}: {values}."
    )


def _rule_in_words(recipe: Recipe, kind: Kind) -> str:
    rule = recipe.coverage.rule(kind)
    return (
        f"{KINDS[kind].option}:threshold={recipe.track_threshold_of(kind):g},pad={rule.pad:g},"
        f"before={rule.before:g},after={rule.after:g},style={rule.drawn}"
    )
