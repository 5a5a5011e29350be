"""Redacts every file of a folder of odd ones, and prints what became of each, seen from outside."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from fractions import Fraction
from math import inf, log10
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import numpy as np
from contenders import redact_command, unwind_on_terminate
from outside import Shown, missing_programs, shown, telling_tags

from redact.core.plan import load
from redact.media.files import VIDEO_SUFFIXES
from redact.media.formats import open_source

_MADE_UP = {
    "encoder=Lavf", "handler_name=", "handler_name=VideoHandler", "handler_name=SoundHandler",
    "compatible_brands", "major_brand", "minor_version", "language", "DURATION", "ENCODER=Lavf",
    "vendor_id=[0][0][0][0]", "vendor_id=FFMP", "alpha_mode", "ALPHA_MODE",
    "service_name=Service01", "service_provider=FFmpeg",
}  # fmt: skip
"""Tags that containers and their readers make up: whole, or what they begin with."""

_LEAST_PSNR = 42.0
_MOST_GROWTH = 1.5
_SMALL = 150_000  # bits per second below which the headers of packets decide the size


@dataclass(slots=True)
class Row:
    """What became of one file.

    Args:
        name: Within the folder.
        outcome: `redacted`, `refused`, or what went wrong.
        seconds: By the clock, the start of the program included.
        reason: Why it was refused.
        faults: What is wrong with the result.
        facts: Columns of the fidelity table.
    """

    name: str
    outcome: str
    seconds: float
    reason: str = ""
    faults: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)


def attempt(source: Path, name: str, out: Path, choices: Sequence[str], patience: float) -> Row:
    """Run `redact run` on one file, and judge the outcome by what is there afterwards."""
    command = [*redact_command(), "run", str(source), "-o", str(out), "--json", "--quiet", *choices]
    began = monotonic()
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=patience, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return Row(name, "HANG", patience)
    seconds = monotonic() - began
    left = [path for path in out.rglob("*") if path.is_file()]
    results = [path for path in left if not path.name.endswith(".redact.json")]
    if "Traceback" in ended.stderr or "unforeseen" in ended.stderr or ended.returncode < 0:
        return Row(name, "CRASH", seconds, ended.stderr.strip()[-300:])
    if ended.returncode == 0 and len(results) == 1:
        row = Row(name, "redacted", seconds)
        _examine(source, results[0], row)
        return row
    if ended.returncode and not left:
        return Row(name, "refused", seconds, _reason(ended))
    return Row(name, "WRONG", seconds, f"exit {ended.returncode}, left {[p.name for p in left]}")


def staged(source: Path, folder: Path) -> Path:
    """The file itself, or a copy under a name that fits its content where its own fits nothing."""
    if source.suffix != ".fuzzed":
        return source
    head = source.read_bytes()[:12]
    suffix = next((s for magic, s in _MAGIC.items() if magic in head), ".jpg")
    return Path(shutil.copyfile(source, folder / f"{source.stem}{suffix}"))


_MAGIC = {
    b"\xff\xd8": ".jpg", b"PNG": ".png", b"II*": ".tif", b"MM\0*": ".tif", b"WEBP": ".webp",
    b"ftypqt": ".mov", b"ftyphe": ".heic", b"ftypmif": ".heic", b"ftyp": ".mp4", b"GIF8": ".gif",
    b"AVI ": ".avi", b"\x1a\x45\xdf\xa3": ".mkv", b"BM": ".bmp", b"moov": ".mov", b"mdat": ".mov",
}  # fmt: skip


def _reason(ended: subprocess.CompletedProcess[str]) -> str:
    lines = ended.stdout.splitlines()
    error = json.loads(lines[0])["error"] if lines else None
    return str(error["message"]) if error else ended.stderr.strip().splitlines()[-1]


def _examine(source: Path, result: Path, row: Row) -> None:
    missing = missing_programs()
    if "exiftool" not in missing:
        row.faults += [f"tag {tag}" for tag in telling_tags(result)]
    if source.suffix.lower() in VIDEO_SUFFIXES and "ffprobe" not in missing:
        _compare(shown(source), shown(result), row)
    _compare_pictures(source, result, row)


def _compare(before: Shown, after: Shown, row: Row) -> None:
    sound = [kind for kind in before.kinds if kind.startswith("audio")]
    foreign = [k for k in after.kinds if not k.startswith(("video", "audio"))]
    row.faults += [f"foreign stream {kind}" for kind in foreign]
    if sum(kind.startswith("video") for kind in after.kinds) != 1:
        row.faults.append("not one video stream")
    if [kind for kind in after.kinds if kind.startswith("audio")] != sound:
        row.faults.append("other sound")
    if after.chapters:
        row.faults.append(f"{after.chapters} chapters")
    row.faults += [f"tag {tag}" for tag in after.tags if not tag.startswith(tuple(_MADE_UP))]
    row.facts |= {
        "frames": _both(len(before.times), len(after.times)),
        "time error, ms": _time_error(before.times, after.times),
        "seconds": _both(f"{before.seconds:.2f}", f"{after.seconds:.2f}"),
        "bits": _growth(before, after),
    }
    if len(before.times) != len(after.times):
        row.faults.append("another number of frames")
    if row.facts["time error, ms"] not in {"0", "0 (shifted)", "-"}:
        row.faults.append("other times")
    if max(before.video_bits, _SMALL) * _MOST_GROWTH < after.video_bits:
        row.faults.append("larger than 1.5 times")
    row.facts |= {name: _both(before.facts[name], after.facts[name]) for name in before.facts}


def _both(before: object, after: object) -> str:
    return str(before) if before == after else f"{before} -> {after}"


def _time_error(before: Sequence[Fraction], after: Sequence[Fraction]) -> str:
    if len(before) != len(after) or not before:
        return "-"
    shift = after[0] - before[0]
    worst = max(abs(b - a - shift) for a, b in zip(before, after, strict=True))
    return f"{float(worst) * 1000:.3g}" + (" (shifted)" if shift else "")


def _growth(before: Shown, after: Shown) -> str:
    share = after.video_bits / before.video_bits if before.video_bits else inf
    return f"{before.video_bits / 1000:.0f}k x {share:.2f}"


def _compare_pictures(source: Path, result: Path, row: Row) -> None:
    """PSNR of all samples away from what was hidden, over all frames and planes."""
    plan = load(next(result.parent.rglob("*.redact.json")))
    cover = plan.cover()
    error = count = 0.0
    worst = inf
    first, second = open_source(source), open_source(result)
    for old, new in zip(first.frames(), second.frames(), strict=True):
        size = old.picture.stored_size
        boxes = [old.picture.turn.stored_box(region.box.grown(0.3), size)
                 for region in cover(old.index, old.time)]  # fmt: skip
        sums = [_squares(a, b, boxes) for a, b in
                zip(old.picture.planes(), new.picture.planes(), strict=False)]  # fmt: skip
        here, samples = sum(s for s, _ in sums), sum(n for _, n in sums)
        error, count = error + here, count + samples
        worst = min(worst, _decibels(here, samples))
    row.facts["PSNR, dB"] = f"{_decibels(error, count):.1f} (worst frame {worst:.1f})"
    row.facts["hidden"] = str(len(plan.hidden_tracks))
    if _decibels(error, count) < _LEAST_PSNR:
        row.faults.append("PSNR below 42 dB")


def _squares(old: Any, new: Any, boxes: Sequence[Any]) -> tuple[float, int]:
    if old.samples.shape != new.samples.shape:
        return inf, 1
    top = 65535.0 if old.samples.itemsize == 2 and old.samples.max() > 4095 else None
    top = top or (255.0 if old.samples.itemsize == 1 else 1023.0)
    seen = np.ones(old.samples.shape[:2], bool)
    if old.role in {"rgba", "ya"}:
        seen = old.samples[..., -1] > 0  # nobody sees what colour is under full transparency
    across, down = old.step
    for box in boxes:
        rows = slice(max(0, int(box.top / down) - 4), max(0, int(box.bottom / down) + 5))
        columns = slice(max(0, int(box.left / across) - 4), max(0, int(box.right / across) + 5))
        seen[rows, columns] = False
    apart = (old.samples[seen].astype(np.float32) - new.samples[seen]) / top
    return float(np.square(apart).sum(dtype=np.float64)), apart.size


def _decibels(error: float, count: float) -> float:
    return inf if not error else -10 * log10(error / count) if error < inf else 0.0


def print_folders(rows: Sequence[Row]) -> None:
    """A line for each folder: outcomes, and the worst of each figure."""
    heads = "files | redacted | refused | with other frames or times | least and middle PSNR, dB"
    print(f"\n| folder | {heads} | most bits, of the source's |\n|---|{'---:|' * 6}")
    for folder in sorted({row.name.split("/")[0] for row in rows}):
        here = [row for row in rows if row.name.split("/")[0] == folder]
        done = [row.facts for row in here if row.outcome == "redacted"]
        refused = sum(row.outcome == "refused" for row in here)
        films = [facts for facts in done if "frames" in facts]
        moved = sum(
            "->" in facts["frames"] or not facts["time error, ms"].startswith("0")
            for facts in films
        )
        noise = sorted(float(facts["PSNR, dB"].split()[0]) for facts in done)
        quality = f"{noise[0]:.1f}, {noise[len(noise) // 2]:.1f}" if noise else "-"
        growth = max((float(facts["bits"].split(" x ")[1]) for facts in films), default=None)
        cells = (folder, len(here), len(done), refused, moved if films else "-", quality)
        print(f"| {' | '.join(map(str, cells))} | {'-' if growth is None else f'{growth:.2f}'} |")


def print_tables(rows: Sequence[Row]) -> None:
    """Outcomes, then fidelity, then what is wrong."""
    print("\n| file | outcome | s | why refused, or faults |\n|---|---|---:|---|")
    for row in rows:
        said = row.reason or "; ".join(row.faults)
        print(f"| {row.name} | {row.outcome} | {row.seconds:.1f} | {said.replace('|', '/')} |")
    columns = list(dict.fromkeys(name for row in rows for name in row.facts))
    print(f"\n| file | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for row in (row for row in rows if row.facts):
        print(f"| {row.name} | {' | '.join(row.facts.get(name, '') for name in columns)} |")
    counts = Counter(row.outcome for row in rows)
    faulty = [row for row in rows if row.faults or row.outcome not in {"redacted", "refused"}]
    print(f"\n{len(rows)} files: {', '.join(f'{n} {what}' for what, n in counts.items())}; "
          f"{len(faulty)} with a fault")  # fmt: skip
    missing = missing_programs()
    if missing:
        print(f"NOT LOOKED AT FROM OUTSIDE: {' and '.join(missing)} not installed")


def _files(data: Path, patterns: Sequence[str]) -> Iterator[str]:
    for item in json.loads((data / "manifest.json").read_text(encoding="utf-8")):
        if any(fnmatch(item["file"], pattern) for pattern in patterns):
            yield item["file"]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/formats"))
    parser.add_argument("--only", nargs="+", default=["*"], metavar="GLOB")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds a file may take")
    parser.add_argument(
        "--choices", default="--detector yunet:320:0.6 --no-verify", help="for `redact run`"
    )
    parser.add_argument("--json", type=Path, help="where to write the rows as well")
    said = parser.parse_args()
    unwind_on_terminate()
    rows = []
    for name in _files(said.data, said.only):
        with TemporaryDirectory() as folder:
            copies, out = Path(folder, "copies"), Path(folder, "out")
            copies.mkdir()
            source = staged(said.data / name, copies)
            rows.append(attempt(source, name, out, said.choices.split(), said.timeout))
        print(f"{rows[-1].seconds:6.1f} s  {rows[-1].outcome}  {name}", file=sys.stderr)
    print_tables(rows)
    print_folders(rows)
    if said.json:
        said.json.write_text(json.dumps([[r.name, r.outcome, r.seconds, r.reason, r.faults, r.facts]
                                         for r in rows], indent=1))  # fmt: skip
    sys.exit(any(row.outcome not in {"redacted", "refused"} or row.faults for row in rows))


if __name__ == "__main__":
    main()
