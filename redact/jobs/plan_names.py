"""Which plan belongs to which file: one rule for every command.

The plan of `clip.mp4` is `clip.redact.json`, beside the result. Where another video or picture is
called `clip` too, or that name belongs to another file's plan, it is `clip.mp4.redact.json`. Which
file a plan is of is said by the fingerprint in it, not by its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from redact.core.names import default_output, long_plan_path, plan_path
from redact.core.plan import LARGEST
from redact.core.strict_json import parse_json
from redact.errors import OutputExistsError
from redact.media.files import STILL_SUFFIXES, VIDEO_SUFFIXES, fingerprint


def find_plan(source: Path, result: Path | None = None) -> Path | None:
    """The plan of a source, beside its result or beside itself; None if there is none.

    Args:
        source: The original.
        result: What was made of it, if that is known.

    Raises:
        InputError: The source cannot be read.
    """
    return _own_plan(source, searched_names(source, result))


def searched_names(source: Path, result: Path | None = None) -> list[Path]:
    """The names under which a plan is looked for, best first."""
    beside = [path for path in (result, default_output(source)) if path is not None]
    return list(dict.fromkeys(name for path in beside for name in plan_names(path)))


def plan_names(output: Path) -> tuple[Path, ...]:
    """The names that the plan of a result may have; the last is one of earlier versions."""
    earlier = output.with_name(f"{output.name}.redact.json")
    return plan_path(output), long_plan_path(output), earlier


def place_plan(source: Path, output: Path, *, crowded: bool) -> Path:
    """Where the plan of a source is written.

    Args:
        source: The original.
        output: Its result.
        crowded: Whether other files have the same stem.

    Raises:
        InputError: The source cannot be read.
        OutputExistsError: All its names belong to plans of other files.
    """
    names = plan_names(output)
    own = _own_plan(source, names)
    if own is not None:
        return own
    wanted = names[1:2] if crowded else names[:2]
    for name in wanted:
        if plan_owner(name) is None:
            return name
    raise _taken(wanted[-1])


def check_owner(plan: Path, source: Path) -> None:
    """Refuse to write over the plan of another file, whoever asks for it.

    Raises:
        InputError: The source cannot be read.
        OutputExistsError: It is the plan of another file.
    """
    owner = plan_owner(plan)
    if owner is not None and owner != fingerprint(source):
        raise _taken(plan)


def is_crowded(source: Path) -> bool:
    """Whether another video or picture in its folder has the same stem."""
    return stems_in(source.parent)[source.stem] > 1


def plan_paths(outputs: Mapping[Path, Path]) -> dict[Path, Path]:
    """Where each output's plan is kept; a photo and a film of one name get a plan each.

    Args:
        outputs: From a source to its output.
    """
    short = {output: plan_path(output) for output in outputs.values()}
    taken = Counter(short.values())
    stems = {folder: stems_in(folder) for folder in {source.parent for source in outputs}}
    plans = {}
    for source, output in outputs.items():
        alone = stems[source.parent][source.stem] <= 1 and taken[short[output]] == 1
        plans[output] = short[output] if alone else long_plan_path(output)
    return plans


def stems_in(folder: Path) -> Counter[str]:
    """How many videos and pictures there are of each stem."""
    known = VIDEO_SUFFIXES | STILL_SUFFIXES
    try:
        return Counter(path.stem for path in folder.iterdir() if path.suffix.lower() in known)
    except OSError:  # the files that were found are reported on their own
        return Counter()


def plan_owner(plan: Path) -> str | None:
    """The fingerprint of the file that a plan is of, also if an edit in it does not fit.

    None if there is no such file, or nothing in it says so.
    """
    try:
        if not plan.is_file() or plan.stat().st_size > LARGEST:
            return None
        data = parse_json(plan.read_text(encoding="utf-8"))
        owner = data["source"]["fingerprint"]
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        return None
    return owner if isinstance(owner, str) else None


def _own_plan(source: Path, names: tuple[Path, ...] | list[Path]) -> Path | None:
    owners = {name: owner for name in names if (owner := plan_owner(name)) is not None}
    if not owners:
        return None  # without reading the source
    mark = fingerprint(source)
    return next((name for name, owner in owners.items() if owner == mark), None)


def _taken(plan: Path) -> OutputExistsError:
    return OutputExistsError(
        "this is the plan of another file, and is never overwritten", plan, "move it away first"
    )
