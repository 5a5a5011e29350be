"""Extent: how much of the picture is hidden, said where it is much."""

from __future__ import annotations

from dataclasses import dataclass

MUCH_OF_FRAME = 0.4
"""Share of a picture above which a frame is named."""

MUCH_OF_CLIP = 0.05
"""Mean share of the pictures of a video above which it is said."""

_MOST_SPANS = 5


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of the pictures of one file is hidden.

    Args:
        frames: How many frames there are.
        mean: Share of the picture that is hidden, 0 to 1, mean over frames.
        mostly: How many frames have more than `MUCH_OF_FRAME` hidden.
        spans: First and last second of each run of such frames, in order.
        most: The largest share of any frame.
        most_at: Second of the first frame with that share.
    """

    frames: int = 0
    mean: float = 0.0
    mostly: int = 0
    spans: tuple[tuple[float, float], ...] = ()
    most: float = 0.0
    most_at: float = 0.0

    def in_words(self) -> tuple[str, ...]:
        """What is to be said of it, a sentence without its full stop each; mostly nothing."""
        if self.frames <= 1:
            words = f"{_percent(self.mean)} of the picture is hidden"
            return (words,) if self.mean > MUCH_OF_FRAME else ()
        said = []
        if self.mostly:
            places = ", ".join(map(_span_in_words, self.spans[:_MOST_SPANS]))
            more = ", ..." if len(self.spans) > _MOST_SPANS else ""
            frames = "1 frame" if self.mostly == 1 else f"{self.mostly} frames"
            much = _percent(MUCH_OF_FRAME)
            said.append(f"more than {much} is hidden in {frames}, at {places}{more}")
        if self.mean > MUCH_OF_CLIP:
            peak = f"most, {_percent(self.most)}, at {self.most_at:.2f} s"
            said.append(f"{_percent(self.mean)} of the picture is hidden on average, {peak}")
        return tuple(said)

    def as_object(self) -> dict[str, object]:
        """As JSON holds it: shares of 1, times in seconds."""
        return {
            "mean": round(self.mean, 4),
            "most": round(self.most, 4),
            "most_at": round(self.most_at, 3),
            "frames_mostly_hidden": self.mostly,
            "mostly_hidden": [[round(s, 3) for s in span] for span in self.spans],
        }


UNKNOWN = Extent()
"""Of what was not rendered."""


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _span_in_words(span: tuple[float, float]) -> str:
    start, end = span
    return f"{start:.2f} s" if start == end else f"{start:.2f} to {end:.2f} s"
