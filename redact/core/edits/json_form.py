"""Edits as JSON, as people write them: short, times in seconds, a list for each key frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, cast

import cattrs
from cattrs import override
from cattrs.gen import make_dict_unstructure_fn

from redact.core.edits import values
from redact.core.edits.values import Edit, Hide, HideBox, HidePath, Key, Outline, Span
from redact.core.geometry import Box
from redact.core.strict_json import explain, make_converter, said, seconds, structure_fields
from redact.errors import PlanError

_CLASSES: Final[dict[str, type]] = {
    "show": values.Show,
    "hide": values.Hide,
    "style": values.ChangeStyle,
    "split": values.Split,
    "trim": values.Trim,
    "join": values.Join,
    "correct": values.Correct,
    "mute": values.Mute,
    "note": values.Note,
    "accept": values.Accept,
    "sign": values.SignOff,
    "revoke": values.Revoke,
}
"""By the value of `edit`. A `hide` with a box or with keys draws a region."""

_TIMES = {"start", "end", "time"}


def register_edits(converter: cattrs.Converter) -> None:
    """Teach a converter of `strict_json` to read and write edits."""
    read_number = converter.get_structure_hook(float)

    def key(value: Any, _: Any) -> Key:
        if not isinstance(value, list) or len(value) != 5:
            raise ValueError(
                f"{said(value)} is no key frame; write [time, left, top, right, bottom]"
            )
        return Key(seconds(value[0], None), converter.structure(value[1:], Box))

    def span(value: Any, _: Any) -> Span:
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError(f"{said(value)} is no span; write [start, end]")
        return Span(seconds(value[0], None), seconds(value[1], None))

    def outline(value: Any, _: Any) -> Outline:
        if value in ("box", "ellipse"):
            return cast(Outline, value)
        if not isinstance(value, list) or not all(
            isinstance(point, list) and len(point) == 2 for point in value
        ):
            what = "write box, ellipse, or a list of corners [x, y], each from 0 to 1"
            raise ValueError(f"{said(value)} is no outline; {what}")
        return tuple((read_number(x, float), read_number(y, float)) for x, y in value)

    converter.register_structure_hook(Key, key)
    converter.register_unstructure_hook(Key, lambda k: [str(k.time), *converter.unstructure(k.box)])
    converter.register_structure_hook(Span, span)
    converter.register_unstructure_hook(Span, lambda s: [str(s.start), str(s.end)])
    for kind in {*_CLASSES.values(), HideBox, HidePath}:
        _register(kind, converter, outline)

    def edit(value: Any, _: Any) -> Edit:
        kind = _class_of(value)
        made: Edit = converter.structure(value, kind)
        return made

    converter.register_structure_hook(Edit, edit)


@cache
def edit_converter() -> cattrs.Converter:
    """What reads and writes JSON of plans, and of the edits in them."""
    converter = make_converter()
    register_edits(converter)
    return converter


def write_edit(edit: Edit) -> dict[str, Any]:
    """An edit as JSON holds it; what has its default value is left out."""
    written: dict[str, Any] = edit_converter().unstructure(edit)
    return written


def read_edit(value: object) -> Edit:
    """The edit that `write_edit` wrote, or a person.

    Raises:
        PlanError: It is none; said in words.
    """
    try:
        read: Edit = edit_converter().structure(value, Edit)  # type: ignore[arg-type]
    except Exception as error:  # whatever does not fit is refused
        raise PlanError("; ".join(list(explain(error, ("edit",)))[:3])) from error
    return read


def _register(kind: type, converter: cattrs.Converter, outline: Callable[[Any, Any], Any]) -> None:
    """Teach the converter one kind of edit; what has its default value is not written."""
    names = {name for base in kind.__mro__ for name in getattr(base, "__slots__", ())}
    reading: dict[str, Any] = {n: override(struct_hook=seconds) for n in _TIMES & names}
    writing: dict[str, Any] = {"edit": override(omit_if_default=False)}
    if "outline" in names:
        reading["outline"] = override(struct_hook=outline)
        writing["outline"] = override(unstruct_hook=_outline_as_json)
    structure = structure_fields(kind, converter, **reading)
    converter.register_structure_hook(kind, structure)
    unstructure: Callable[[Any], dict[str, Any]] = make_dict_unstructure_fn(
        kind, converter, _cattrs_omit_if_default=True, **writing
    )

    def write(edit: Any) -> dict[str, Any]:
        found = unstructure(edit)
        return {"edit": found.pop("edit"), **found}

    converter.register_unstructure_hook(kind, write)


def _class_of(value: Any) -> type:
    """The class of an edit, by what it says of itself.

    Raises:
        ValueError: It is none.
    """
    name = value.get("edit") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in _CLASSES:
        raise ValueError(f'{said(value)} is no edit; "edit" must be {", ".join(_CLASSES)}')
    kind = _CLASSES[name]
    if kind is Hide and ("box" in value or "keys" in value):
        return HideBox if "box" in value else HidePath
    if kind in (values.Show, Hide, values.Accept) and not _TARGETS & value.keys():
        others = ' or "box" or "keys"' if kind is Hide else ""
        raise ValueError(f'"track" is missing, or "person", "kind" or "region"{others}')
    return kind


_TARGETS = {"track", "person", "kind", "region"}


def _outline_as_json(outline: Outline) -> Any:
    return outline if isinstance(outline, str) else [list(point) for point in outline]
