"""A worker's work on a long video, in its sandbox: the file waits for spans, which hold nothing.

First for those of the source, then for those of a draft that it says it checks.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from redact import analysis, spans, stages
from redact.core.findings import Detection
from redact.core.frames import Rgb
from redact.core.interfaces import Progress
from redact.detect.cache import cache_folder
from redact.detect.draft_spans import share_draft
from redact.detect.spans import Span, encode_span, read_span, span_path
from redact.jobs.jobs import Failure, Job, Report
from redact.jobs.span_work import SpanResult, SpanWork, do_item
from redact.media.drafts import draft
from redact.spans import SpanCount, draft_key, span_key
from tests.cluster.traps import Trap


class Nobody:
    """A detector that is quick."""

    def detect(self, pictures: Sequence[Rgb], _: float) -> list[list[Detection]]:
        return [[] for _ in pictures]


def helped(item: Job | SpanWork, tell: Progress) -> Report | SpanResult:
    """The real work, but a file that is rendered waits until others have drawn its last spans.

    One of these is killed once, and what is drawn of another is spoilt.
    """
    for module in (analysis, spans, stages):
        module.load = lambda _: Nobody()  # type: ignore[attr-defined]
    if isinstance(item, SpanWork):
        done = do_item(item, tell)
        if item.drawing is not None:
            sign(item.source.with_name("drew"))
            if item.number == 3 and not item.source.with_name("killed").exists():
                item.source.with_name("killed").touch()
                for drawn in item.drawing.folder.glob("drawn-3-*"):
                    drawn.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            if item.number == 2:
                (drawn,) = item.drawing.folder.glob("drawn-2-*")
                drawn.write_bytes(b"no span")
        return done
    folder, until = cache_folder(item.output), time.monotonic() + 30

    def wait(stage: str, done: int, expected: int | None) -> None:
        tell(stage, done, expected)
        while stage == "render" and done == 0:
            drawn = {path.name[:7] for path in folder.glob("drawn-*.mp4")}
            spoilt = any(path.stat().st_size == 7 for path in folder.glob("drawn-2-*"))
            if {"drawn-2", "drawn-3"} <= drawn and spoilt:
                return
            if time.monotonic() > until:
                raise RuntimeError(f"nobody drew: {list(folder.glob('*'))}")
            time.sleep(0.05)
            tell(stage, done, expected)

    return do_item(item, wait)


def sign(place: Path) -> None:
    """Note down which process this is."""
    with place.open("a") as signatures:
        signatures.write(f"{os.getpid()}\n")


def divided(item: Job | SpanWork, tell: Progress) -> Report | SpanResult:
    """Span 5 kills its worker once, 4 has taken it over, 3 cannot be searched."""
    note = item.source.with_name("note")
    if isinstance(item, SpanWork):
        if item.number is None:
            return SpanResult(SpanCount(6, 600))
        if item.check is not None:
            assert item.source.read_bytes() == b"draft"
            sign(item.source.parent.parent / "checked")
            key = draft_key(item.recipe, item.check.token)
            tell("verify", 1, 1)
            return SpanResult(data=encode_span(Span(key, item.number, ())))
        sign(item.source.with_name("searched"))
        with note.open("a") as notes:
            notes.write(f"{item.number}\n")
        tries = note.read_text().split().count(str(item.number))
        if item.number == 5 and tries == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if item.number == 4 and tries == 1:
            return SpanResult(data=Trap(item.source.parent))  # type: ignore[arg-type]
        if item.number == 3:
            return SpanResult(failure=Failure("EngineError", "the detector failed"))
        tell("analyse", 1, 1)
        return SpanResult(data=encode_span(Span(span_key(item.recipe), item.number, ())))
    folder, until = cache_folder(item.output), time.monotonic() + 40
    wanted = [5, 2]
    key = span_key(item.recipe)
    while not all(read_span(folder, key, number) for number in wanted):
        tell("analyse", 10, 600)
        if time.monotonic() > until:
            raise RuntimeError(f"{list(folder.glob('*'))}, {note.read_text()}")
        time.sleep(0.05)
    there = sum(span_path(folder, number).exists() for number in range(6))
    tell("render", 600, 600)
    with draft(item.output, source=item.source) as written:
        written.write_bytes(b"draft")
        tell("verify", 600, 600)
        key = draft_key(item.recipe, share_draft(folder, written))
        while not all(read_span(folder, key, number) for number in range(2, 6)):
            tell("verify", 10, 600)
            if time.monotonic() > until:
                raise RuntimeError(f"no spans of the draft: {list(folder.glob('*'))}")
            time.sleep(0.05)
    shutil.rmtree(folder)
    return Report(item.source, item.output, "redacted", 600, spans=there, spans_checked=4)
