"""A worker's work on a long video, in its sandbox: the file waits for spans, which hold nothing.

First for those of the source, then for those of a draft that it says it checks.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

from redact.core.interfaces import Progress
from redact.detect.cache import cache_folder
from redact.detect.draft_spans import share_draft
from redact.detect.spans import Span, encode_span, read_span, span_path
from redact.jobs.jobs import Failure, Job, Report
from redact.jobs.span_work import SpanResult, SpanWork
from redact.media.drafts import draft
from redact.spans import SpanCount, draft_key, span_key
from tests.cluster.traps import Trap


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
