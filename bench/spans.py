"""Prints how many spans of a long video workers search in a minute, and what that is good for.

`--costs` prints CPU seconds of all stages, for 30 s of video, and how much of it others can do.
`--joins` encodes with several numbers of threads, and with an encoder for each 30 s.
`--search` has spans searched in one process, and by one and two workers of a cluster, each bound to
one processor; loading detectors counts for nothing. `--whole` redacts the video with `--jobs 1` and
on a cluster of one and two workers, and says how long each stage took, and in how many spans
another worker spared the file's own worker its passes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, process_time, sleep
from typing import TYPE_CHECKING, TypeVar

from cluster import bound, services, take_time
from contenders import unwind_on_terminate
from memory import loop, paint_clip

if TYPE_CHECKING:
    import av

Result = TypeVar("Result")


def search_here(video: Path, spans: int, profile: str) -> None:
    """Print the seconds that each span takes in this process, the first one left out."""
    from redact.core.recipe import PROFILES
    from redact.spans import detect_in_span

    detect_in_span(video, PROFILES[profile], 0, lambda *_: None)
    began = monotonic()
    for number in range(1, spans + 1):
        detect_in_span(video, PROFILES[profile], number, lambda *_: None)
    print((monotonic() - began) / spans)


def search_there(video: Path, spans: int, profile: str, workers: int) -> float:
    """Seconds a span, searched by workers of a cluster."""
    from redact.cluster.addresses import make_security, read_address
    from redact.cluster.link import Link
    from redact.cluster.messages import Answer, Order, decode
    from redact.cluster.serving import silence_dask
    from redact.cluster.shared import Marks
    from redact.core.recipe import PROFILES
    from redact.jobs.jobs import Job

    silence_dask()
    os.sched_setaffinity(0, {1})
    with TemporaryDirectory(dir=video.parent) as place, services(workers, Path(place, "k")) as url:
        link = Link(read_address(url), make_security(Path(place, "k")))
        job = Job(video, Path(place, "out.mp4"), Path(place, "out.json"), PROFILES[profile])
        marks = Marks()
        proof = marks.prove(job.source, job.output)
        while len(link.workers()) < workers:
            sleep(0.1)

        def begin(worker: str, number: int) -> object:
            return link.redact(worker, Order(job, (Path(place),), proof, False, "", number, number))

        def work(numbers: Sequence[int]) -> float:
            """Seconds that these take."""
            waiting, busy = list(numbers), {}
            began = monotonic()
            while waiting or busy:
                for worker in there:
                    asked = busy.get(worker)
                    if asked is not None and asked.is_done:
                        answer = decode(busy.pop(worker).answer(), Answer)
                        assert answer.span is not None, answer
                    if worker not in busy and waiting:
                        busy[worker] = begin(worker, waiting.pop(0))
                sleep(0.02)
            return monotonic() - began

        there = link.workers()
        work(range(spans + 1, spans + 1 + workers))  # each loads its detectors
        took = work(range(1, spans + 1))
        marks.remove()
        link.close()
    return took / spans


def measure_search(video: Path, spans: int, profile: str) -> None:
    """Spans a minute."""
    print("| workers | s a span | spans a minute | cost beside one process | efficiency |")
    print("|---|---:|---:|---:|---:|", flush=True)
    here = [sys.executable, __file__, "--here", str(video), str(spans), profile]
    child = bound(0, *here, stdout=subprocess.PIPE)
    alone = float(child.communicate()[0])
    print(f"| one process | {alone:.1f} | {60 / alone:.2f} | | |", flush=True)
    one = search_there(video, spans, profile, 1)
    print(f"| 1 | {one:.1f} | {60 / one:.2f} | {one / alone - 1:+.1%} | |", flush=True)
    two = search_there(video, spans, profile, 2)
    print(f"| 2 | {two:.1f} | {60 / two:.2f} | | {one / two / 2:.0%} |", flush=True)


def measure_whole(video: Path, profile: str) -> None:
    """Wall seconds of one file, by stages."""
    print("| workers | wall s | analysis | rendering | check | spans of others |")
    print("|---|---:|---:|---:|---:|---:|", flush=True)
    for workers in (0, 1, 2):
        with TemporaryDirectory() as place:
            told, said = Path(place, "told"), Path(place, "said")
            with told.open("w") as out, said.open("w") as err:
                wall, _ = take_time(video, workers, profile, "--json", "--verbose",
                                    stdout=out, stderr=err)  # fmt: skip
            report = json.loads(told.read_text())
            seconds = dict.fromkeys(("resume", "analyse", "render", "verify"), 0.0)
            for stage, took in re.findall(r": (\w+): \d+ frames in ([\d.]+) s", said.read_text()):
                seconds[stage] = seconds.get(stage, 0) + float(took)
        name = f"{workers} of a cluster" if workers else "`--jobs 1`"
        stages = " | ".join(f"{seconds[name]:.1f}" for name in ("analyse", "render", "verify"))
        print(f"| {name} | {wall:.1f} | {stages} | {report['spans']} |", flush=True)


def cut_anew(clip: Path | None, seconds: float, cut: Path) -> None:
    """The beginning of a clip, or of a painted one, with a key frame each second."""
    from imageio_ffmpeg import get_ffmpeg_exe

    if clip is None:
        clip = cut.with_name("painted.mp4")
        paint_clip(clip)
    coding = ["-an", "-t", str(seconds), "-c:v", "libx264", "-preset", "veryfast", "-g", "25"]
    command = [get_ffmpeg_exe(), "-v", "error", "-i", str(clip), *coding, str(cut)]
    subprocess.run(command, check=True)


def measure_costs(cut: Path, seconds: float, profile: str) -> None:
    """CPU seconds for 30 s of video, from a short cut; trials, which weigh much there, left out."""
    from dataclasses import asdict

    from redact import analysis, spans, stages
    from redact.core.recipe import PROFILES
    from redact.detect.cache import DetectionCache, cache_folder
    from redact.detect.detectors.devices import requested_device
    from redact.detect.draft_spans import find_draft
    from redact.detect.spans import SpansFoundElsewhere, write_span
    from redact.media.formats import open_source
    from redact.verify.result import Checking, Verification
    from redact.verify.second_opinion import check_passes

    begin = SpansFoundElsewhere._begin

    def trust(found: SpansFoundElsewhere) -> None:
        begin(found)
        found._agreed = {(index, some) for index in range(99) for some in (False, True)}

    SpansFoundElsewhere._begin = trust  # type: ignore[method-assign]

    def tell(*_: object) -> None:
        """Nobody asks."""

    def clock(work: Callable[[], Result]) -> tuple[float, Result]:
        """CPU seconds for 30 s of video, and what came of it."""
        began = process_time()
        done = work()
        return (process_time() - began) * 30 / seconds, done

    recipe, out = PROFILES[profile], cut.with_name("out.mp4")
    folder, draft = cache_folder(out), cut.with_name(".out.part") / "draft.mp4"
    draft.parent.mkdir()
    source = open_source(cut)
    size, detectors = source.info.size, frozenset(one.detector for one in recipe.passes)
    passes = [asdict(one) for one in check_passes(detectors)]
    spans._runner(recipe.passes_for(source.info), recipe.slope)
    spans._second_opinion(detectors)

    elsewhere, data = clock(lambda: spans.detect_in_span(cut, recipe, 0, tell))
    whole, plan = clock(lambda: analysis.analyse(source, recipe, None, tell))
    write_span(folder, data, spans.span_key(recipe), 0)
    with DetectionCache(out, True) as cache:
        rest, same = clock(lambda: analysis.analyse(source, recipe, cache, tell))
        assert same == plan
        assert cache.elsewhere.used == 1
        how = stages.Rendering(None, True, None, tell)
        render, _ = clock(lambda: stages.render(source, draft, plan, how, copying=False))

        def check(cache: DetectionCache | None) -> Verification:
            return stages.check(source, draft, plan, Checking(), None, tell, cache)

        check(None)  # loads detectors
        checked, found = clock(lambda: check(None))
        cache._number = 1  # as of a longer one
        shared = cache.share_draft(draft, passes, size, requested_device())
        said = find_draft(folder)
        assert said is not None
        there, data = clock(lambda: spans.examine_span(draft, recipe, said[1], 0, tell))
        write_span(folder, data, spans.draft_key(recipe, said[1]), 0)
        cache.share_draft = lambda *_: shared  # type: ignore[method-assign]
        compare, again = clock(lambda: check(cache))
        assert again == found
        assert cache.spans_checked == 1
    of_analysis, of_check = whole - rest, checked - compare
    total, own = whole + render + checked, rest + render + compare
    print("| video | passes | rest of the analysis | rendering | passes of the check | rest of it "
          "| at most so many times as fast |\n|---|---:|---:|---:|---:|---:|---:|")  # fmt: skip
    cells = [of_analysis, rest, render, of_check, compare]
    print(f"| {size.width}x{size.height}, {profile} | {' | '.join(f'{it:.0f}' for it in cells)} "
          f"| {total / own:.1f} |")  # fmt: skip
    more = elsewhere - of_analysis, there - of_check
    print(f"\nelsewhere {more[0]:.0f} s more for a span, {more[1]:.0f} s for one of the draft")
    print(f"while the check is not shared: {total / (own + of_check):.1f} times")


def encode(clip: Path, count: int, threads: int, every: int) -> list[bytes]:
    """The packets of so many frames of a looped clip, as H.264 of the usual quality.

    Args:
        clip: What is decoded.
        count: How many frames.
        threads: Of the encoder.
        every: After so many frames another encoder begins.
    """
    import av
    from av.video.frame import PictureType

    from redact.media.video.encoder_table import ENCODERS

    kind, packets, encoder = ENCODERS["h264"], list[bytes](), None
    for number, frame in enumerate(islice(decode_again_and_again(clip), count)):
        if number % every == 0:
            packets += [bytes(packet) for packet in encoder.encode(None)] if encoder else []
            encoder = av.CodecContext.create(kind.name, "w")
            encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuv420p"
            encoder.time_base, encoder.thread_count = Fraction(1, 25), threads
            encoder.options = kind.options | kind.quality_options(kind.quality or 0)
        frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, 25), PictureType.NONE
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets + [bytes(packet) for packet in encoder.encode(None)]


def decode_again_and_again(clip: Path) -> Iterator[av.VideoFrame]:
    """The frames of a clip, and again from its start."""
    import av

    while True:
        with av.open(str(clip)) as container:
            for frame in container.decode(video=0):
                yield frame.reformat(format="yuv420p")


def measure_joins(clip: Path, seconds: int) -> None:
    """What it costs to begin another encoder each 30 s, and whether threads make the same bytes."""
    print("| threads | encoders | bytes | SHA-256 |\n|---:|---:|---:|---|")
    whole, span = 25 * seconds, 25 * 30
    for threads, every in ((1, whole), (2, whole), (3, whole), (6, whole), (1, span)):
        data = b"".join(encode(clip, whole, threads, every))
        digest = hashlib.sha256(data).hexdigest()[:12]
        print(f"| {threads} | {-(-whole // every)} | {len(data)} | {digest} |", flush=True)


def main(said: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, help="what is looped; a painted clip if unsaid")
    parser.add_argument("--profile", default="balanced")
    parser.add_argument("--search", type=int, metavar="N", help="so many spans, an even number")
    parser.add_argument("--whole", type=int, metavar="N", help="a video of so many spans")
    parser.add_argument("--costs", type=float, metavar="S", help="from a cut of so many seconds")
    parser.add_argument("--joins", type=int, metavar="S", help="a clip looped for so long")
    parser.add_argument("--here", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args(said)
    unwind_on_terminate()
    if chosen.here:
        video, spans, profile = chosen.here
        search_here(Path(video), int(spans), profile)
        return

    def with_video(spans: int, measure: Callable[[Path], None]) -> None:
        from imageio_ffmpeg import get_ffmpeg_exe

        with TemporaryDirectory() as place:
            clip = chosen.clip or Path(place, "painted.mp4")
            if chosen.clip is None:
                paint_clip(clip)
            video = Path(place, f"long{clip.suffix}")
            loop(clip, spans / 2, video, get_ffmpeg_exe())
            measure(video)

    if chosen.costs:
        with TemporaryDirectory() as place:
            cut = Path(place, "cut.mp4")
            cut_anew(chosen.clip, chosen.costs, cut)
            measure_costs(cut, chosen.costs, chosen.profile)
    if chosen.joins:
        with TemporaryDirectory() as place:
            cut = chosen.clip or Path(place, "painted.mp4")
            if chosen.clip is None:
                paint_clip(cut)
            measure_joins(cut, chosen.joins)
    if chosen.search:
        # one span more to load detectors with for each worker, and the first
        with_video(chosen.search + 3, lambda it: measure_search(it, chosen.search, chosen.profile))
    if chosen.whole:
        with_video(chosen.whole, lambda it: measure_whole(it, chosen.profile))


if __name__ == "__main__":
    main()
