"""Values to JSON and back: every number exact, every type and key as it should be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from math import isfinite
from typing import Any, get_args

import cattrs
from cattrs import override
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from redact.core.findings import Kind, Sighting
from redact.core.geometry import Box
from redact.core.recipe import Pass, Recipe

_NAMES_IN_FILES: dict[type, dict[str, str]] = {
    Pass: {"turned_threshold": "doubtful"},
    Recipe: {
        "high_threshold": "sure",
        "track_threshold": "keep",
        "plate_track_threshold": "plate_keep",
    },
}
"""What fields are called in plan files of version 1, where that differs."""


def parse_json(text: str) -> Any:
    """What the text says, with every key once and every number a number.

    Raises:
        ValueError: It is no such JSON.
        RecursionError: It is nested too deeply.
    """
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def make_converter() -> cattrs.Converter:
    """A converter between values and what JSON can hold: exact, and strict about types and keys.

    A box becomes the list of its left, top, right and bottom; a sighting the list of its frame, its
    time, its box's sides and its score; a fraction a text such as `1/25`. What does not fit when it
    is read raises whatever the converter raises; a caller must catch `Exception`.
    """
    converter = cattrs.Converter(forbid_extra_keys=True)
    for plain in (int, float, str, bool):
        converter.register_structure_hook(plain, _exactly(plain))
    number = _exactly(float)

    def box(value: Any, _: Any) -> Box:
        return Box(*(number(side, float) for side in _list(value, 4)))

    def sighting(value: Any, _: Any) -> Sighting:
        frame, time, *sides, score = _list(value, 7)
        return Sighting(
            _exactly(int)(frame, int), _fraction(time, None), box(sides, None), number(score, float)
        )

    def items(value: Any, kind: Any) -> tuple[Any, ...]:
        inner = get_args(kind)[0]
        return tuple(converter.structure(item, inner) for item in _list(value))

    converter.register_structure_hook_func(_is_tuple, items)
    converter.register_structure_hook(Kind, lambda value, _: Kind(_exactly(str)(value, str)))
    converter.register_structure_hook(Fraction, _fraction)
    converter.register_unstructure_hook(Fraction, str)
    converter.register_structure_hook(Box, box)
    converter.register_unstructure_hook(Box, _sides)
    converter.register_structure_hook(Sighting, sighting)
    converter.register_unstructure_hook(
        Sighting, lambda s: [s.frame, str(s.time), *_sides(s.box), s.score]
    )
    for kind, names in _NAMES_IN_FILES.items():
        renamed: dict[str, Any] = {n: override(rename=other) for n, other in names.items()}
        converter.register_structure_hook(
            kind, make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True, **renamed)
        )
        converter.register_unstructure_hook(
            kind, make_dict_unstructure_fn(kind, converter, **renamed)
        )
    return converter


def _exactly(kind: type) -> Callable[[Any, Any], Any]:
    def check(value: Any, _: Any) -> Any:
        fits = type(value) is kind or (kind is float and type(value) is int)
        if not fits or (kind is float and not isfinite(value)):
            raise ValueError(f"{value!r} is no {kind.__name__}")
        return kind(value)

    return check


def _fraction(value: Any, _: Any) -> Fraction:
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,32}(/[0-9]{1,32})?", value):
        raise ValueError(f"{value!r} is no fraction")
    return Fraction(value)


def _list(value: Any, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or length not in (None, len(value)):
        raise ValueError(f"{value!r} is no list" + (f" of {length}" if length else ""))
    return value


def _sides(box: Box) -> list[float]:
    return [box.left, box.top, box.right, box.bottom]


def _is_tuple(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) is tuple
