"""One span of a long video as work for a sandbox, and what it sends back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from redact.core.interfaces import Progress
from redact.core.recipe import Recipe
from redact.drawing import draw_span
from redact.jobs.batch import redact_one
from redact.jobs.jobs import Failure, Job, Report, describe_failure
from redact.spans import SpanCount, count_spans, detect_in_span, examine_span


@dataclass(frozen=True, slots=True)
class SpanWork:
    """What is to be found out about a long video.

    Args:
        source: The video.
        recipe: Its passes count.
        number: Of the span in which passes are to run; None to count spans.
        check: If the source is a draft that is checked, how.
        drawing: If the span is to be drawn, how.
    """

    source: Path
    recipe: Recipe
    number: int | None
    check: DraftCheck | None = None
    drawing: Drawing | None = None


@dataclass(frozen=True, slots=True)
class DraftCheck:
    """The check of a draft, as far as its passes depend on it.

    Args:
        token: By which its spans are known.
        every_frame: Whether all frames are examined.
    """

    token: str
    every_frame: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """The rendering of a video in spans.

    Args:
        folder: Where orders and spans lie.
        cover: The picture that the style `cover` draws.
    """

    folder: Path
    cover: Path | None


@dataclass(frozen=True, slots=True)
class SpanResult:
    """What was found out; nothing of a span that was drawn.

    Args:
        count: How many spans there are; None if a span was searched.
        data: The span, encoded; None if spans were counted.
        failure: Why there is neither.
    """

    count: SpanCount | None = None
    data: bytes | None = None
    failure: Failure | None = None


def work_on_span(work: SpanWork, tell: Progress) -> SpanResult:
    """Count a video's spans, search or draw one; whatever goes wrong is in the result."""
    try:
        if work.number is None:
            return SpanResult(count_spans(work.source, work.recipe))
        if (drawing := work.drawing) is not None:
            draw_span(work.source, drawing.folder, work.number, drawing.cover, tell)
            return SpanResult()
        if (check := work.check) is not None:
            return SpanResult(
                data=examine_span(
                    work.source,
                    work.recipe,
                    check.token,
                    work.number,
                    tell,
                    every_frame=check.every_frame,
                )
            )
        return SpanResult(data=detect_in_span(work.source, work.recipe, work.number, tell))
    except Exception as error:
        return SpanResult(failure=describe_failure(error, work.source))


def do_item(item: Job | SpanWork, tell: Progress) -> Report | SpanResult:
    """Do whatever a worker of a cluster was given."""
    if isinstance(item, SpanWork):
        return work_on_span(item, tell)
    return redact_one(item, tell, in_spans=True)
