"""What was chosen, and what a person changed, in words for whoever signs a result off."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from redact.core.edits.checks import spoken
from redact.core.findings import Kind
from redact.core.kinds import KINDS, kind_of_detector
from redact.core.recipe import IRREVERSIBLE

_DETECTORS = {
    "centerface": "CenterFace",
    "yunet": "YuNet",
    "mediapipe": "BlazeFace",
    "near_faces": "PoseNet",
}
_SOUND = {
    "keep": "copied; voices identify people",
    "drop": "left out",
    "disguise": "disguised; that makes recognising harder, not impossible",
}


def recipe_in_words(recipe: dict[str, Any], style: str) -> dict[str, str]:
    """A line for each thing that was chosen.

    Args:
        recipe: The fields of a `Recipe`.
        style: What was drawn in the end, which an edit may have changed.
    """
    reach = recipe["coverage"]
    passes = recipe["passes"]
    kinds = {it.names.capitalize(): _passes_in_words(passes, kind) for kind, it in KINDS.items()}
    wanted = {kind_of_detector(one["detector"]) for one in passes}
    rules = [rule for rule in reach["rules"] if rule["kind"] in wanted]
    quality = recipe["quality"]
    return {
        "Profile": recipe["profile"],
        **{names: said or "not looked for" for names, said in kinds.items()},
        "Uncertain": _uncertain_in_words(recipe),
        "Margin": f"{reach['pad']:.0%} of a face's size on each side, "
        f"{reach['plate_pad']:.0%} of a plate's",
        "In time": f"from {reach['before']:g} s before something is first detected to "
        f"{reach['after']:g} s after it is last detected; gaps of up to {reach['bridge']:g} s are "
        f"filled, and it is followed for up to {reach['follow']:g} s",
        **{f"Rule for {KINDS[rule['kind']].names}": _rule_in_words(rule) for rule in rules},
        "Style": _style_in_words(style, recipe["colour"]),
        "Sound": _SOUND[recipe["audio"]],
        "Encoder": (recipe["encoder"] or "chosen by the file")
        + (f", quality {quality}" if quality is not None else ""),
        "Kept beside": " and ".join(recipe["extras"]) or "nothing",
        "Damaged frames": "refused" if recipe["strict_input"] else "hidden as a whole",
    }


def _passes_in_words(passes: Sequence[dict[str, Any]], kind: Kind) -> str:
    ours = (one for one in passes if kind_of_detector(one["detector"]) is kind)
    return "; ".join(map(_pass_in_words, ours))


def _rule_in_words(rule: dict[str, Any]) -> str:
    """What holds for one kind in place of what is said for all."""
    least = rule["threshold"]
    said = [] if least is None else [f"a track's best score from {least:g}"]
    said += [f"{rule['pad']:.0%} of its size on each side"]
    said += [f"{rule['before']:g} s before and {rule['after']:g} s after"]
    return ", ".join([*said, _DRAWN[rule["drawn"]]])


_DRAWN = {
    "any": "in the style",
    "fill": "in the style, but never in one that can be reversed",
    "plain": "in one colour",
}


def _pass_in_words(one: dict[str, Any]) -> str:
    name = _DETECTORS.get(one["detector"], "")
    where = f"at {one['side']} px"
    if one["scale"]:
        where = f"at {one['scale']:.0%} of its size, in tiles of {one['side']} px"
    how = [where, "on every frame" if one["every"] == 1 else f"on every {_nth(one['every'])} frame"]
    how += [f"turned by {90 * one['quarters']}°"] if one["quarters"] else []
    how += [f"above {one['above']} px"] if one["above"] else []
    how += ["stills only"] if one["stills"] else []
    return f"{name} {', '.join(how)}, scores from {one['threshold']:g}".strip()


def _nth(number: int) -> str:
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number, 'th') }"


def _uncertain_in_words(recipe: dict[str, Any]) -> str:
    least = (
        f"a face's track whose best score is below {recipe['track_threshold']:g} (large faces: "
        f"more), a plate's below {recipe['plate_track_threshold']:g}, another's below what its "
        "rule says; a plate that is nowhere near a vehicle or not of a plate's shape"
    )
    if recipe["doubts_faces"]:
        least += "; where no face is seen clearly, one around which no person is seen"
    return f"{least}: {'hidden too' if recipe['uncertain'] == 'hide' else 'listed, and visible'}"


def _style_in_words(style: str, colour: str) -> str:
    undone = "cannot be undone" if style in IRREVERSIBLE else "CAN BE REVERSED"
    drawn = f"{style} in {colour}" if style in ("solid", "cover") else style
    return f"{drawn}; it {undone}"


def edit_in_words(edit: dict[str, Any]) -> str:
    """One decision of a person, from an edit as JSON holds it: what, when, by whom and why."""
    signed = ", ".join(edit[key] for key in ("by", "at") if edit.get(key))
    said = _decision_in_words(edit) + (f" ({signed})" if signed else "")
    return said + (f": {edit['reason']}" if edit.get("reason") else "")


def _decision_in_words(edit: dict[str, Any]) -> str:
    kind, when, what = edit["edit"], _span_in_words(edit), _target_in_words(edit)
    if kind in ("show", "hide"):
        return f"{what} is {'shown' if kind == 'show' else 'hidden'}{when}"
    track = f"track {edit.get('track')}"
    others = f"track {edit.get('new')}"
    at = _seconds(edit.get("time", "0"))
    words = {
        "style": f"the style{f' of {what}' if what else ''} is {edit.get('style')}",
        "split": f"{track} is divided at {at}: what follows is {others}",
        "trim": f"{track} is cut to its part{when}: what lies outside is {others}",
        "join": _join_in_words(edit),
        "correct": f"the box of {track} is corrected at {at}",
        "mute": f"the sound is {'a tone' if edit.get('tone') else 'silent'}{when}",
        "note": f"note{f' on {what}' if what else ''}{when}: {edit.get('text')}",
        "accept": f"{what or 'everything'} was looked at and left as it is",
        "sign": "signed",
        "revoke": f"edit {edit.get('number')} is taken back",
    }
    return words[kind]


def _join_in_words(edit: dict[str, Any]) -> str:
    tracks = ", ".join(map(str, edit.get("tracks", ())))
    person = edit.get("person")
    return f"tracks {tracks} are " + ("nobody's" if person is None else f"one person's: {person}")


def _target_in_words(edit: dict[str, Any]) -> str:
    """What an edit is about, nothing if it is about all."""
    if "keys" in edit or "box" in edit:
        name = f" {edit['name']}" if edit.get("name") else ""
        if "keys" in edit:
            return f"the moving region{name}"
        return f"the region{name} at {', '.join(f'{side:g}' for side in edit['box'])}"
    if edit.get("kind"):
        return f"every {edit['kind']}"
    named = (key for key in ("track", "person", "region") if edit.get(key) is not None)
    return next((f"{key} {edit[key]}" for key in named), "")


def _span_in_words(edit: dict[str, Any]) -> str:
    start, end = (None if key not in edit else _seconds(edit[key]) for key in ("start", "end"))
    return (f" from {start}" if start else "") + (f" to {end}" if end else "")


def _seconds(text: str) -> str:
    """A time of an edit as a person writes it."""
    return spoken(Fraction(text))
