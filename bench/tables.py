"""Results as Markdown tables: a row per measure or clip, a column per tool."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from measures import Share, sum_of
from results import ClipResult, PictureResult

BINS = {
    0: "under 8 px",
    8: "8 to 12 px",
    12: "12 to 20 px",
    20: "20 to 32 px",
    32: "32 to 64 px",
    64: "64 px and more",
}
TITLES = {
    "wider": "faces_wider",
    "masked": "faces_masked (recall only)",
    "turned": "faces_wider, turned clockwise",
    "turned_masked": "faces_masked, turned clockwise (recall only)",
}
_Row = tuple[str, ...]


def pictures(name: str, results: Sequence[PictureResult]) -> str:
    """Faces hidden by height, false positive area, cost."""
    measures = [result.measure for result in results]
    rows: list[_Row] = []
    if name == "wider":
        for least, title in BINS.items():
            shares = [measure.bins.get(least, Share()) for measure in measures]
            rows.append((f"hidden, {title}", *map(_percent, shares)))
    rows.append(("hidden, 20 px and more", *(_percent(m.from_height(20)) for m in measures)))
    if name == "wider":
        rows.append(
            ("false positive area, % of picture", *(f"{m.false_area:.2f}" for m in measures))
        )
    rows.append(("pictures not written", *(f"{m.missing} of {m.pictures}" for m in measures)))
    rows += _picture_costs(results)
    heading = f"{TITLES[name]}: {measures[0].pictures} pictures"
    return _table(heading, ["", *(r.tool for r in results)], rows) + _failures(results)


def plates(results: Sequence[PictureResult]) -> str:
    """Plates hidden by region and height, false positive area with and without vehicles, cost."""
    tools = list(dict.fromkeys(result.tool for result in results))
    there = [result for result in results if result.set == "plates"]
    bare = [result for result in results if result.set == "plates_bare"]
    rows: list[_Row] = [("**hidden, all**", *(_percent(r.measure.hidden) for r in there))]
    rows += [
        (f"hidden, {region}", *(_percent(r.regions[region]) for r in there))
        for region in there[0].regions
    ]
    for least, title in BINS.items():
        shares = (r.measure.bins.get(least, Share()) for r in there)
        rows.append((f"hidden, {title}", *map(_percent, shares)))
    rows.append(
        ("false positive area, % of picture", *(f"{r.measure.false_area:.2f}" for r in there))
    )
    cells = (f"{r.measure.false_area:.2f}" for r in bare)
    rows.append(("the same, pictures without vehicles", *cells))
    rows.append(("CPU milliseconds per picture", *(_cpu(r) for r in there)))
    heading = f"plates_eval: {there[0].measure.pictures} pictures"
    return _table(heading, ["", *tools], rows) + _failures(results)


def _cpu(result: PictureResult) -> str:
    return f"{1000 * result.cost.cpu / result.measure.pictures:.0f}"


def turned(name: str, results: Sequence[PictureResult]) -> str:
    """Faces of 20 px or more hidden in turned pictures."""
    tools = list(dict.fromkeys(result.tool for result in results))
    rows: list[_Row] = []
    for turn in dict.fromkeys(result.set for result in results):
        measures = [result.measure for result in results if result.set == turn]
        degrees = turn.rsplit("_", 1)[1]
        rows.append((f"hidden, {degrees}°", *(_percent(m.hidden) for m in measures)))
        if name == "turned":
            cells = (f"{m.false_area:.2f}" for m in measures)
            rows.append((f"false positive area, {degrees}°, % of picture", *cells))
        cells = (f"{m.missing} of {m.pictures}" for m in measures)
        rows.append((f"pictures not written, {degrees}°", *cells))
    both = (sum_of(r.measure.hidden for r in results if r.tool == tool) for tool in tools)
    rows.append(("hidden, both", *map(_percent, both)))
    heading = f"{TITLES[name]}: faces of 20 px or more when upright"
    return _table(heading, ["", *tools], rows) + _failures(results)


def clips(results: Sequence[ClipResult]) -> str:
    """People exposed, false positive area and cost, clip by clip and together."""
    parts = []
    for least in (20, 12):
        title = f"clips_truth: people of {least} px or more exposed / seen"
        parts.append(_people(title, results, least))
    title = "clips_truth: exposed frames / frames of those of 20 px or more"
    parts.append(
        _by_clip(title, results, lambda rs: _of_whole(sum_of(r.measures[20].boxes for r in rs)))
    )
    title = "clips_truth: false positive area, % of picture"
    parts.append(_by_clip(title, results, lambda rs: f"{_false_area(rs, 20):.2f}"))
    return "".join([*parts, _clip_costs("clips_truth", results, 20), _failures(results)])


def pseudo(results: Sequence[ClipResult]) -> str:
    """Frames in which a face that a detector saw is exposed."""
    title = "clips with pseudo truth: frames with an exposed face / frames with a face"
    text = _people(title, results, 1)
    return text + _clip_costs("clips with pseudo truth", results, 1) + _failures(results)


def _people(title: str, results: Sequence[ClipResult], least: int) -> str:
    def cell(part: Sequence[ClipResult]) -> str:
        share = sum_of(r.measures[least].people for r in part)
        rate = f" ({_rate(share):.1f} %)" if len(part) > 1 else ""
        return _of_whole(share) + rate + (" failed" if any(r.failures for r in part) else "")

    return _by_clip(title, results, cell)


def _clip_costs(title: str, results: Sequence[ClipResult], least: int) -> str:
    def cell(part: Sequence[ClipResult]) -> str:
        frames = sum(r.measures[least].frames for r in part)
        cpu, wall = sum(r.cost.cpu for r in part), sum(r.cost.wall for r in part)
        return f"{1000 * cpu / frames:.0f} / {1000 * wall / frames:.0f}"

    return _by_clip(f"{title}: CPU / wall milliseconds per frame", results, cell)


def _by_clip(
    title: str, results: Sequence[ClipResult], cell: Callable[[Sequence[ClipResult]], str]
) -> str:
    tools = sorted(dict.fromkeys(r.tool for r in results), key=_order(results).index)
    rows: list[_Row] = []
    for clip in dict.fromkeys(r.clip for r in results):
        parts = ([r for r in results if (r.clip, r.tool) == (clip, tool)] for tool in tools)
        rows.append((clip, *map(cell, parts)))
    together = ([r for r in results if r.tool == tool] for tool in tools)
    rows.append(("**together**", *map(cell, together)))
    return _table(title, ["clip", *tools], rows)


def _order(results: Sequence[ClipResult]) -> list[str]:
    """The tools as they went over the first clip, which is the order in which they were named."""
    return [r.tool for r in results if r.clip == results[0].clip]


def _picture_costs(results: Sequence[PictureResult]) -> list[_Row]:
    cpu = (f"{r.cost.cpu / r.measure.pictures:.3f}" for r in results)
    wall = (f"{r.cost.wall / r.measure.pictures:.3f}" for r in results)
    return [("CPU seconds per picture", *cpu), ("wall seconds per picture", *wall)]


def _failures(results: Sequence[PictureResult] | Sequence[ClipResult]) -> str:
    lines = [f"- {r.tool} failed: {text}" for r in results for text in r.failures]
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def _false_area(results: Sequence[ClipResult], least: int) -> float:
    measures = [r.measures[least] for r in results]
    return sum(m.false_area * m.frames for m in measures) / max(1, sum(m.frames for m in measures))


def _of_whole(share: Share) -> str:
    return f"{share.part} / {share.whole}"


def _rate(share: Share) -> float:
    return 100 * share.part / max(1, share.whole)


def _percent(share: Share) -> str:
    return f"{_rate(share):.1f} % ({_of_whole(share)})" if share.whole else "none there"


def _table(title: str, head: Sequence[str], rows: Sequence[_Row]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    drawn = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"\n### {title}\n\n{drawn}\n"
