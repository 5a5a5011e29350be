"""What was chosen, and what a person changed, in words for whoever signs a result off."""

from __future__ import annotations

from typing import Any

from redact.core.recipe import IRREVERSIBLE

_DETECTORS = {"centerface": "CenterFace", "yunet": "YuNet", "mediapipe": "BlazeFace"}
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
    faces = "; ".join(_pass_in_words(one) for one in passes if one["detector"] != "plates")
    plates = "; ".join(_pass_in_words(one) for one in passes if one["detector"] == "plates")
    quality = recipe["quality"]
    return {
        "Profile": recipe["profile"],
        "Faces": faces or "not looked for",
        "Number plates": plates or "not looked for",
        "Uncertain": _uncertain_in_words(recipe),
        "Margin": f"{reach['pad']:.0%} of a face's size on each side, "
        f"{reach['plate_pad']:.0%} of a plate's",
        "In time": f"from {reach['before']:g} s before something is first detected to "
        f"{reach['after']:g} s after it is last detected; gaps of up to {reach['bridge']:g} s are "
        f"filled, and it is followed for up to {reach['follow']:g} s",
        "Style": _style_in_words(style, recipe["colour"]),
        "Sound": _SOUND[recipe["audio"]],
        "Encoder": (recipe["encoder"] or "chosen by the file")
        + (f", quality {quality}" if quality is not None else ""),
        "Kept beside": " and ".join(recipe["extras"]) or "nothing",
        "Damaged frames": "refused" if recipe["strict_input"] else "hidden as a whole",
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
        f"more), a plate's below {recipe['plate_track_threshold']:g}"
    )
    return f"{least}: {'hidden too' if recipe['uncertain'] == 'hide' else 'listed, and visible'}"


def _style_in_words(style: str, colour: str) -> str:
    undone = "cannot be undone" if style in IRREVERSIBLE else "CAN BE REVERSED"
    drawn = f"{style} in {colour}" if style in ("solid", "cover") else style
    return f"{drawn}; it {undone}"


def edit_in_words(edit: dict[str, Any]) -> str:
    """One change that a person made."""
    if "track" in edit:
        return f"track {edit['track']} is shown"
    if "box" in edit:
        box = edit["box"]
        place = ", ".join(f"{box[side]:g}" for side in ("left", "top", "right", "bottom"))
        start, end = edit["start"], edit["end"]
        return f"the box {place} is hidden from {start} s to {end} s"
    return f"the style is {edit['style']}"
