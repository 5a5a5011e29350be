"""Several styles in one picture, each for its regions, and one colour for characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from redact.core.frames import Picture
from redact.core.geometry import Region
from redact.core.interfaces import Style
from redact.hide.styles.constant import Solid
from redact.hide.styles.inpainted import Blur, Pixelate

_CONSTANT = ("solid", "cover")
_REVERSIBLE = ("gaussian", "mosaic")
_TEXT_COLOUR = (128, 128, 128)
"""What characters are hidden under beside styles that have no colour of their own."""


class Mixed:
    """Draws each region in the style that it names, or in the usual one.

    What is constant is drawn first, so that a style that looks around a region finds it already
    there. Then come the styles that are computed from surroundings; none of them looks at what
    another one will hide. What is computed from hidden pixels comes last, and finds nothing under
    the other regions.

    Characters are guessed from very little, and what hides them has to stand still: they get one
    colour in every style but `cover`. So does, in place of a reversible style, what would tell a
    gait.

    Args:
        name: The style of regions that name none.
        make: Makes a style by its name.
        rgb: What `solid` draws.
    """

    def __init__(self, name: str, make: Callable[[str], Style], rgb: tuple[int, int, int]) -> None:
        self._name = name
        self._make = cache(make)
        self._make(name)  # what is missing is told now
        self._grey, self._solid = Solid(_TEXT_COLOUR), Solid(rgb)

    def hide(self, picture: Picture, regions: Sequence[Region]) -> None:
        """Draw over all regions, each in its own way."""
        by_style: dict[str, list[Region]] = {}
        for region in regions:
            name = region.style or self._name
            plain = region.text or (region.fill and name in _REVERSIBLE)
            if plain and name != "cover":
                colour = self._solid if name == "solid" else self._grey
                colour.hide(picture, [region])
            else:
                by_style.setdefault(name, []).append(region)
        for name in _CONSTANT:
            self._draw(picture, name, by_style.pop(name, []))
        last = {name: by_style.pop(name, []) for name in _REVERSIBLE}
        rest = [region for found in last.values() for region in found]
        for name, found in by_style.items():
            others = [r for other, more in by_style.items() if other != name for r in more]
            style = self._make(name)
            assert isinstance(style, Blur | Pixelate)
            style.hide(picture, found, unseen=others + rest)
        for name, found in last.items():
            self._draw(picture, name, found)

    def _draw(self, picture: Picture, name: str, regions: Sequence[Region]) -> None:
        if regions:
            self._make(name).hide(picture, regions)
