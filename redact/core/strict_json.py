"""Values to JSON and back: every number exact, every type and key as it should be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import Any, Literal, get_args, get_origin

import cattrs
from cattrs import AttributeValidationNote, ForbiddenExtraKeysError, override
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from redact.core.findings import Kind, Sighting
from redact.core.geometry import Box
from redact.core.passes import Pass
from redact.core.recipe import Recipe

_NAMES_IN_FILES: dict[type, dict[str, str]] = {
    Pass: {"turned_threshold": "doubtful"},
    Recipe: {
        "high_threshold": "sure",
        "track_threshold": "keep",
        "plate_track_threshold": "plate_keep",
    },
}
"""What fields are called in plan files of version 1, where that differs."""

_TYPES = {
    int: "whole number",
    float: "number",
    str: "text in quotes",
    bool: "yes or no: write true or false",
}
"""What a value must be, in words."""

_FRACTION = r"-?[0-9]{1,32}(?:/0*[1-9][0-9]{0,31})?"

_DECIMAL = r"-?[0-9]{1,32}\.[0-9]{1,32}"

_LARGEST_TIME = 10**32
"""Seconds."""

_FARTHEST = 1e7
"""Pixels by which a box may leave a picture; what is farther out overflows once it is grown."""


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
    is read raises whatever the converter raises: catch `Exception`, and `explain` it.
    """
    converter = cattrs.Converter(forbid_extra_keys=True)
    for plain in (int, float, str, bool):
        converter.register_structure_hook(plain, _exactly(plain))
    number = _exactly(float)

    def sighting(value: Any, _: Any) -> Sighting:
        frame, time, *sides, score = _list(value, 7)
        if type(frame) is int and _are_numbers(*sides, score):  # as they should be: quicker
            left, top, right, bottom = map(float, sides)
            if (
                -_FARTHEST <= left <= right <= _FARTHEST
                and -_FARTHEST <= top <= bottom <= _FARTHEST
            ):
                box = Box(left, top, right, bottom)
                return Sighting(frame, _fraction(time, None), box, float(score))
        return Sighting(
            _exactly(int)(frame, int),
            _fraction(time, None),
            _box(sides, None),
            number(score, float),
        )

    def items(value: Any, kind: Any) -> tuple[Any, ...]:
        inner = get_args(kind)[0]
        return tuple(
            _at(Place(place), converter.structure, item, inner)
            for place, item in enumerate(_list(value), 1)
        )

    converter.register_structure_hook_func(_is_tuple, items)
    converter.register_structure_hook_func(_is_literal, _one_of)
    converter.register_structure_hook_factory(
        is_dataclass, lambda kind: structure_fields(kind, converter)
    )
    converter.register_structure_hook(Kind, _kind)
    converter.register_structure_hook(Fraction, _fraction)
    converter.register_unstructure_hook(Fraction, str)
    converter.register_structure_hook(Box, _box)
    converter.register_unstructure_hook(Box, _sides)
    converter.register_structure_hook(Sighting, sighting)
    converter.register_unstructure_hook(
        Sighting, lambda s: [s.frame, str(s.time), *_sides(s.box), s.score]
    )
    for kind, names in _NAMES_IN_FILES.items():
        renamed: dict[str, Any] = {n: override(rename=other) for n, other in names.items()}
        converter.register_structure_hook(kind, structure_fields(kind, converter, **renamed))
        converter.register_unstructure_hook(
            kind, make_dict_unstructure_fn(kind, converter, **renamed)
        )
    return converter


def structure_fields(
    kind: type, converter: cattrs.Converter, **overrides: Any
) -> Callable[[Any, Any], Any]:
    """A hook that makes a dataclass from an object with its fields as keys, and no others."""
    inner: Callable[..., Any] = make_dict_structure_fn(
        kind, converter, _cattrs_forbid_extra_keys=True, **overrides
    )

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"{said(value)} is no object in braces")
        return inner(value, kind)

    return structure


def explain(error: Exception, path: tuple[str, ...] = ()) -> Iterator[str]:
    """What did not fit, and where, in words for somebody who edited the file; one text for each."""
    for note in reversed(getattr(error, "__notes__", ())):
        if isinstance(note, AttributeValidationNote):
            path = (*path, note.name)
        elif isinstance(note, Place):
            *before, name = path
            is_edit = path == ("edits",)
            path = (*before, f"edit {note}") if is_edit else (*before, f"item {note} of {name}")
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            yield from explain(inner, path)
        return
    *outer, last = path or ("",)
    if isinstance(error, ForbiddenExtraKeysError):
        names = ", ".join(said(name) for name in sorted(error.extra_fields))
        yield ": ".join([*path, f"there is no key {names} here"])
    elif isinstance(error, KeyError):
        yield ": ".join([*outer, f"{said(last)} is missing"])
    else:
        yield ": ".join([*path, getattr(error, "problem", str(error))])


class Place(str):
    """A note on an error: at which item of a list it happened, counted from 1."""

    __slots__ = ()

    def __new__(cls, number: int) -> Place:
        """The note for that item."""
        return super().__new__(cls, number)


def _at(place: Place, structure: Callable[[Any, Any], Any], item: Any, kind: Any) -> Any:
    try:
        return structure(item, kind)
    except Exception as error:
        error.add_note(place)
        raise


def said(value: Any) -> str:
    """A value as it stands in the file, cut short."""
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def seconds(value: Any, _: Any) -> Fraction:
    """A time as a person writes it: `3.5`, `"3.5"` or `"7/2"`, exactly as it is written.

    Raises:
        ValueError: It is none.
    """
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if plain and isfinite(value) and abs(value) < _LARGEST_TIME:
        return Fraction(repr(value))
    if isinstance(value, str) and re.fullmatch(f"{_FRACTION}|{_DECIMAL}", value):
        return Fraction(value)
    raise ValueError(f'{said(value)} is no time; write seconds, such as 3.5 or "7/2"')


def _exactly(kind: type) -> Callable[[Any, Any], Any]:
    def check(value: Any, _: Any) -> Any:
        fits = type(value) is kind or (kind is float and type(value) is int)
        if not fits or (kind is float and not isfinite(value)):
            raise ValueError(f"{said(value)} is no {_TYPES[kind]}")
        return kind(value)

    return check


def _are_numbers(*values: Any) -> bool:
    """Whether all are numbers, and none is infinite."""
    return all(type(value) in (float, int) for value in values) and isfinite(sum(values))


def _fraction(value: Any, _: Any) -> Fraction:
    if not isinstance(value, str):
        raise ValueError(f'{said(value)} is no fraction in quotes, such as "7/2"')
    return _read_fraction(value)


@lru_cache(maxsize=1 << 16)  # the times of a few frames stand in the sightings of many tracks
def _read_fraction(text: str) -> Fraction:
    if not re.fullmatch(_FRACTION, text):
        raise ValueError(f'{said(text)} is no fraction in quotes, such as "7/2"')
    return Fraction(text)


def _box(value: Any, _: Any) -> Box:
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError(f"{said(value)} is no box; write [left, top, right, bottom]")
    left, top, right, bottom = (_exactly(float)(side, float) for side in value)
    if right < left or bottom < top:
        raise ValueError(f"{said(value)} is no box; write [left, top, right, bottom] in this order")
    if max(map(abs, (left, top, right, bottom))) > _FARTHEST:
        raise ValueError(f"{said(value)} is no box; it lies far outside of every picture")
    return Box(left, top, right, bottom)


def _one_of(value: Any, kind: Any) -> Any:
    known = get_args(kind)
    if value not in known or not isinstance(value, str):
        raise ValueError(f"{said(value)} is none of {', '.join(known)}")
    return value


def _kind(value: Any, _: Any) -> Kind:
    if value not in list(Kind):
        raise ValueError(f"{said(value)} is none of {', '.join(Kind)}")
    return Kind(value)


def _list(value: Any, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or length not in (None, len(value)):
        raise ValueError(f"{said(value)} is no list" + (f" of {length} values" if length else ""))
    return value


def _sides(box: Box) -> list[float]:
    return [box.left, box.top, box.right, box.bottom]


def _is_literal(kind: Any) -> bool:
    return bool(get_origin(kind) is Literal)


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple
