"""What one tool did over one set of pictures, or over one clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from contenders import Cost
from measures import Clip, Pictures, Share


@dataclass(frozen=True, slots=True)
class PictureResult:
    """One tool over one set of pictures.

    Args:
        set: The set's name.
        tool: The tool's name.
        measure: What was hidden.
        cost: What the tool took.
        failures: A sentence for each file that it did not write.
        regions: Shares hidden of the set's parts, by their names, where it has some.
    """

    set: str
    tool: str
    measure: Pictures
    cost: Cost
    failures: tuple[str, ...]
    regions: Mapping[str, Share] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClipResult:
    """One tool over one clip.

    Args:
        set: The name of the clip's set.
        clip: The clip's name.
        tool: The tool's name.
        measures: What was hidden, by the least height in pixels of the people who count.
        cost: What the tool took.
        failures: Why there is no output, if there is none.
    """

    set: str
    clip: str
    tool: str
    measures: dict[int, Clip]
    cost: Cost
    failures: tuple[str, ...]
