"""Options declared once, in groups; a command takes a group, and typer sees each option of it.

A group is a frozen dataclass whose fields carry typer's declarations, and whose `PANEL` is the
heading above them in the help. A command takes the whole group, or some options of it:

    @app.command()
    @takes_groups
    def verify(check: Annotated[Check, Only("strict")], output: Output) -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from typer.models import OptionInfo


@dataclass(frozen=True)
class Only:
    """The options of a group that a command has; the others keep their defaults.

    Args:
        names: The fields of the group.
    """

    names: frozenset[str]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", frozenset(names))


def takes_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the signature that typer reads, with one parameter for each option.

    Raises:
        TypeError: A group has no option of a name in `Only`, or two groups share an option.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: list[Parameter] = []
    groups: dict[str, tuple[type, list[str]]] = {}
    for name, parameter in signature(command).parameters.items():
        group = get_args(hints[name])[0] if _is_annotated(hints[name]) else hints[name]
        if is_dataclass(group) and isinstance(group, type):
            options = list(_parameters(group, hints[name]))
            groups[name] = (group, [option.name for option in options])
            parameters += options
        else:
            parameters.append(
                parameter.replace(annotation=hints[name], kind=Parameter.KEYWORD_ONLY)
            )

    @wraps(command)
    def called(**said: Any) -> None:
        made = {
            name: group(**{option: said.pop(option) for option in options})
            for name, (group, options) in groups.items()
        }
        command(**said, **made)

    repeated = len(parameters) - len({parameter.name for parameter in parameters})
    if repeated:
        raise TypeError(f"{command.__name__} has {repeated} options twice")
    called.__dict__["__signature__"] = Signature(parameters)
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


def _is_annotated(hint: object) -> bool:
    return get_origin(hint) is Annotated


def _parameters(group: Any, hint: object) -> Iterator[Parameter]:
    """One for each option that the command has of this group."""
    every = {field.name: field for field in fields(group)}
    chosen = [extra.names for extra in get_args(hint)[1:] if isinstance(extra, Only)]
    wanted = chosen[0] if chosen else frozenset(every)
    if unknown := wanted - set(every):
        raise TypeError(f"{group.__name__} has no option {', '.join(sorted(unknown))}")
    hints = get_type_hints(group, include_extras=True)
    for name, field in every.items():
        if name in wanted:
            kind, declared = get_args(hints[name])
            option: OptionInfo = copy(declared)
            option.rich_help_panel = group.PANEL
            yield Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=Annotated[kind, option],
            )
