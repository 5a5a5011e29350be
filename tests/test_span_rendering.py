"""Rendering in spans: what is drawn is what one piece has, and what others send does no harm."""

from __future__ import annotations

import errno
import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from redact import drawing, span_rendering, stages
from redact.core.findings import Kind, Sighting, Track
from redact.core.frames import Frame
from redact.core.geometry import Box
from redact.core.plan import HideBox, Plan, SourceId
from redact.core.recipe import Recipe, recipe
from redact.detect.cache import DetectionCache
from redact.detect.sealed import unseal
from redact.drawing import LIST, SpanList, draw_span
from redact.errors import EngineError, PlanError
from redact.media.formats import open_source
from redact.media.video import encoding
from redact.media.video.coded_streams import CannotCopy
from redact.media.video.h264.nal import nal_type, split_packet
from redact.media.video.seeking import FrameSeeker, LostError
from redact.media.video.span_encoding import LEAST, THREADS
from redact.span_rendering import SpanRendering, choose_spans
from redact.stages import Rendering, render, render_checked
from redact.verify.result import Checking
from redact.verify.second_opinion import SecondOpinion
from tests import clips

SECONDS = 3  # of a span here
PICTURE = "testsrc2=s=96x64:r=10:d=9"
SOUND = "sine=d=9:r=48000"
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "10", "-bf", "3")
CLIPS = {
    "a.mp4": (*H264, "-c:a", "aac"),
    "open.mkv": (*H264, "-x264-params", "open-gop=1", "-c:a", "flac"),
    "late.ts": (*H264, "-vf", "setpts=PTS+3/TB", "-c:a", "aac"),
    "turned.mov": (*H264, "-vf", "transpose", "-c:a", "pcm_s16le"),
    "uneven.mp4": (*H264, "-vf", "select='not(eq(mod(n,5),3))'", "-fps_mode", "passthrough", "-an"),
    "one_group.mp4": (*H264, "-g", "250", "-an"),
    "other_codec.avi": ("-c:v", "mpeg4", "-g", "9", "-an"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-g", "15", "-an"),
}
SOLID = recipe("balanced", style="solid")  # quick


def silent(stage: str, done: int, expected: int | None) -> None:
    pass


HOW = Rendering(None, True, None, silent)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str) -> Path:
        if not (folder / name).exists():
            inputs = ("-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", SOUND)
            clips.run(*inputs, *CLIPS[name], folder / name)
        return folder / name

    return make


def plan_of(path: Path, chosen: Recipe = SOLID) -> Plan:
    """Somebody whose box is smoothed over time, a face seen now and then, and a zone."""
    source = open_source(path, strict=chosen.strict_input)
    times = [frame.time for frame in source.frames()]
    known = SourceId(source.fingerprint, source.info.size, len(times), times[0], times[-1])

    def sightings(step: int, *sides: float) -> tuple[Sighting, ...]:
        left, top, width, height = sides
        found = []
        for index, time in list(enumerate(times))[::step]:
            x, wide = left + index % 37, width + index * 7 % 5
            found.append(Sighting(index, time, Box(x, top, x + wide, top + height), 0.9))
        return tuple(found)

    tracks = (
        Track(1, Kind.PERSON, sightings(1, 8, 10, 8, 20)),
        Track(2, Kind.FACE, sightings(4, 40, 6, 10, 12)),
    )
    zone = HideBox(Box(40, 40, 60, 60), times[len(times) // 5], None, style="pixelate")
    return Plan(known, chosen, tracks=tracks, edits=(zone,))


def in_spans(folder: Path) -> SpanRendering:
    folder.mkdir(mode=0o700, exist_ok=True)
    return SpanRendering(folder, SECONDS)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[Fraction, str]:
    """Digests of the frames that encoders get, by their times."""
    seen: dict[Fraction, str] = {}
    plain = encoding.Encoding.encode

    def encode(self: encoding.Encoding, frame: Frame, **how: Any) -> None:
        found = hashlib.sha256()
        for plane in frame.picture.planes():
            found.update(np.ascontiguousarray(plane.samples).data)
        assert frame.time not in seen, "no frame is drawn twice"
        seen[frame.time] = found.hexdigest()
        plain(self, frame, **how)

    monkeypatch.setattr(encoding.Encoding, "encode", encode)
    return seen


def times_of(path: Path) -> list[Fraction]:
    return [frame.time for frame in open_source(path).frames()]


@pytest.mark.parametrize("name", CLIPS)
def test_what_is_drawn_in_spans_is_what_one_piece_has(
    tmp_path: Path, made: Callable[[str], Path], drawn: dict[Fraction, str], name: str
) -> None:
    path = made(name)
    chosen = recipe("balanced") if name == "a.mp4" else SOLID
    plan, source = plan_of(path, chosen), open_source(path)
    list(source.frames())
    whole = render(source, tmp_path / f"whole{path.suffix}", plan, HOW, copying=False)
    expected = dict(drawn)
    assert len(set(expected.values())) == len(expected) == plan.source.frames
    drawn.clear()
    spans, output = in_spans(tmp_path / "s"), tmp_path / f"spans{path.suffix}"
    done = render(source, output, plan, HOW, copying=False, spans=spans)
    assert drawn == expected
    assert done.extent == whole.extent
    assert len(list(spans.folder.glob("drawn-*"))) == 3, "it was done in spans"
    assert times_of(output) == times_of(path)
    check_strictly(output)


def test_encoders_of_spans_have_a_fixed_number_of_threads(
    tmp_path: Path, made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the bytes would depend on the machine."""
    seen: list[int] = []
    plain = encoding._add_stream

    def add_stream(container: Any, choice: Any, media_info: Any, threads: int) -> Any:
        stream = plain(container, choice, media_info, threads)
        seen.append(stream.codec_context.thread_count)
        return stream

    monkeypatch.setattr(encoding, "_add_stream", add_stream)
    source = open_source(made("a.mp4"))
    list(source.frames())
    render(source, tmp_path / "o.mp4", plan_of(source.path), HOW, copying=False,
           spans=in_spans(tmp_path / "s"))  # fmt: skip
    assert seen == [THREADS] * len(seen)
    assert len(seen) >= 4


# joins


def packets(path: Path, kind: str) -> list[tuple[Fraction, bool, bytes]]:
    with av.open(str(path)) as container:
        (stream,) = getattr(container.streams, kind)
        found = [packet for packet in container.demux(stream) if packet.size]
        return [(p.pts * p.time_base, p.is_keyframe, bytes(p)) for p in found]


def check_strictly(path: Path) -> None:
    strict = ("-v", "warning", "-err_detect", "explode", "-xerror")
    command = [clips.program(), *strict, "-i", str(path), "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")


def test_spans_begin_with_key_frames_and_nothing_else_is_changed(
    tmp_path: Path, made: Callable[[str], Path]
) -> None:
    path = made("a.mp4")
    plan, source = plan_of(path), open_source(path)
    list(source.frames())
    render(source, tmp_path / "whole.mp4", plan, HOW, copying=False)
    render(source, tmp_path / "spans.mp4", plan, HOW, copying=False, spans=in_spans(tmp_path / "s"))
    check_strictly(tmp_path / "spans.mp4")
    one, other = (packets(tmp_path / f"{n}.mp4", "audio") for n in ("whole", "spans"))
    assert one == other
    video = packets(tmp_path / "spans.mp4", "video")
    keys = [time for time, key, data in video if key and has_type(data, 5)]
    assert keys == [0, 3, 6]
    assert all(not has_type(data, kind) for *_, data in video for kind in (6, 7, 8))


def has_type(packet: bytes, kind: int) -> bool:
    return any(nal_type(unit) == kind for unit in split_packet(packet, 4))


def test_no_key_frame_is_the_last_of_a_span(tmp_path: Path) -> None:
    """Two in a row would have one `idr_pic_id`: x264 begins a group with every 251st frame."""
    path = tmp_path / "still.mp4"
    clips.run("-f", "lavfi", "-i", "color=gray:s=64x48:r=251/10:d=20", *H264, path)
    source, output = open_source(path), tmp_path / "out.mp4"
    plan = replace(plan_of(path), tracks=())
    list(source.frames())
    spans = SpanRendering(tmp_path, 10)
    render(source, output, plan, HOW, copying=False, spans=spans)
    keys = [key for _, key, _ in sorted(packets(output, "video"))]
    found = [at for at, key in enumerate(keys) if key]
    assert {0, 251} <= set(found)
    assert all(b - a > 1 for a, b in pairwise(found))
    check_strictly(output)


def test_copied_pictures_and_spans_lie_in_one_file(
    tmp_path: Path, made: Callable[[str], Path]
) -> None:
    path = made("a.mp4")
    known, source = plan_of(path), open_source(path)
    list(source.frames())
    zones = tuple(HideBox(Box(8, 8, 40, 40), Fraction(a), Fraction(b)) for a, b in ((0, 1), (5, 8)))
    plan = replace(known, tracks=(), edits=zones)
    spans = in_spans(tmp_path / "s")
    done = render(source, tmp_path / "out.mp4", plan, HOW, spans=spans)
    assert done.copied == 30
    orders = list(spans.folder.glob("draw-*"))
    assert 1 < len(orders) < 4
    check_strictly(tmp_path / "out.mp4")
    before, after = (
        list(map(shown, open_source(p).frames())) for p in (path, tmp_path / "out.mp4")
    )
    same = [np.array_equal(a, b) for (_, a), (_, b) in zip(before, after, strict=True)]
    assert sum(same) == 30


def shown(frame: Frame) -> tuple[Fraction, np.ndarray]:
    return frame.time, frame.picture.planes()[0].samples.copy()


@pytest.mark.parametrize("rate", [1, 3, 10])
def test_no_span_but_the_last_is_very_short(
    tmp_path: Path, rate: int, made: Callable[[str], Path]
) -> None:
    path = tmp_path / "slow.mp4"
    clips.run("-f", "lavfi", "-i", f"testsrc2=s=64x48:r={rate}:d={130 / rate}", *H264, path)
    source = open_source(path)
    list(source.frames())
    plan = replace(plan_of(path), tracks=(), edits=())
    spans = SpanRendering(tmp_path, SECONDS)
    render(source, tmp_path / "out.mp4", plan, HOW, copying=False, spans=spans)
    counts = [len(packets(p, "video")) for p in tmp_path.glob("drawn-*")]
    assert sum(counts) == 130
    assert sum(count < LEAST for count in counts) <= 1


# what is not done in spans


@pytest.mark.parametrize("what", ["short", "hevc", "damaged", "interlaced", "still"])
def test_what_cannot_be_divided_is_rendered_in_one_piece(
    tmp_path: Path, made: Callable[[str], Path], what: str
) -> None:
    path = made("a.mp4")
    spans, chosen = in_spans(tmp_path / "s"), SOLID
    if what == "short":
        spans.seconds = 10
    elif what == "hevc":
        chosen = replace(SOLID, encoder="hevc")
    elif what == "damaged":
        data = bytearray(made("one_group.mp4").read_bytes())
        for place in range(len(data) // 2, len(data) // 2 + 600):
            data[place] ^= 0x5A
        path = tmp_path / "damaged.mp4"
        path.write_bytes(data)
    elif what == "interlaced":
        path = tmp_path / "interlaced.mp4"
        clips.run("-f", "lavfi", "-i", PICTURE, "-vf", "setfield=tff", *H264, "-flags",
                  "+ildct+ilme", path)  # fmt: skip
    elif what == "still":
        path = tmp_path / "still.png"
        clips.run("-f", "lavfi", "-i", PICTURE, "-frames:v", "1", path)
    plan = replace(plan_of(path, chosen), edits=())
    source = open_source(path)
    list(source.frames())
    assert getattr(source, "is_damaged", False) == (what == "damaged")
    render(source, tmp_path / f"out{path.suffix}", plan, HOW, copying=False, spans=spans)
    assert list(spans.folder.iterdir()) == []


def test_where_a_frame_does_not_come_from_a_key_frame_one_piece_is_rendered(
    tmp_path: Path, made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made("a.mp4")
    plan, source = plan_of(path), open_source(path)
    list(source.frames())
    plain = FrameSeeker.frame

    def frame(self: FrameSeeker, index: int) -> Frame:
        if index == 20:
            raise LostError("a picture is damaged")
        return plain(self, index)

    monkeypatch.setattr(FrameSeeker, "frame", frame)
    spans = in_spans(tmp_path / "s")
    render(source, tmp_path / "spans.mp4", plan, HOW, copying=False, spans=spans)
    assert not list(spans.folder.glob("drawn-*"))
    render(source, tmp_path / "whole.mp4", plan, HOW, copying=False)
    assert (tmp_path / "spans.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_pictures_that_joining_does_not_know_are_encoded_in_one_piece(
    tmp_path: Path, made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def encode_model(*_: Any) -> None:
        raise CannotCopy("the profile is not known")

    monkeypatch.setattr(span_rendering, "encode_model", encode_model)
    source, spans = open_source(made("a.mp4")), in_spans(tmp_path / "s")
    list(source.frames())
    how = replace(HOW, progress=lambda stage, *_: stages_told.add(stage))
    stages_told: set[str] = set()
    render(source, tmp_path / "o.mp4", plan_of(source.path), how, copying=False, spans=spans)
    assert list(spans.folder.iterdir()) == []
    assert stages_told == {"render", "verify"}


def test_an_edit_that_hides_nothing_is_told_as_in_one_piece(
    tmp_path: Path, made: Callable[[str], Path]
) -> None:
    source = open_source(made("a.mp4"))
    list(source.frames())
    plan = plan_of(made("a.mp4"))
    known = plan.source
    assert known.first is not None
    assert known.last is not None
    step = (known.last - known.first) / (known.frames - 1)
    moment = known.first + 20 * step - Fraction(3, 2000)  # after frame 19 and before frame 20
    plan = replace(plan, edits=(HideBox(Box(8, 8, 40, 40), moment, moment),))
    with pytest.raises(PlanError, match="there is no frame between"):
        render(source, tmp_path / "o.mp4", plan, HOW, copying=False, spans=in_spans(tmp_path / "s"))
    assert not (tmp_path / "o.mp4").exists()


# what others draw


@pytest.fixture
def helping(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[Path], None]]:
    """What others do once orders are there, with the folder."""
    doing: list[Callable[[Path], None]] = []
    plain = drawing.write_list

    def tell(folder: Path, spans: Any) -> None:
        plain(folder, spans)
        for do in doing:
            do(folder)

    monkeypatch.setattr(span_rendering, "write_list", tell)
    return doing


def drawing_of(path: Path, *numbers: int) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        for number in numbers:
            draw_span(path, folder, number, None, silent)

    return do


def test_a_result_is_the_same_whoever_draws_its_spans(
    tmp_path: Path, helping: list[Callable[[Path], None]]
) -> None:
    """Also where the encoder has a maximum bit rate, as it has beside that of the source."""
    path = tmp_path / "little.mp4"
    noise = "testsrc2=s=160x120:r=10:d=9,noise=alls=30:allf=t"
    clips.run("-f", "lavfi", "-i", noise, *H264, "-b:v", "150k", path)
    plan, source = plan_of(path), open_source(path)
    list(source.frames())
    results: list[bytes] = []
    for who in ((), (2, 1), (2, 1, 0), (7, 99)):
        helping[:] = [drawing_of(path, *who)]
        spans = in_spans(tmp_path / f"s{len(results)}")
        render(source, tmp_path / "out.mp4", plan, HOW, copying=False, spans=spans)
        assert spans.elsewhere == len([n for n in who if n < 3])
        assert not (spans.folder / LIST).exists()
        results.append((tmp_path / "out.mp4").read_bytes())
    assert len(set(results)) == 1


def garbage(span: Path) -> None:
    span.write_bytes(b"no video at all")


def cut_off(span: Path) -> None:
    span.write_bytes(span.read_bytes()[: span.stat().st_size // 2])


def shifted(span: Path) -> None:
    clips.run("-i", span, "-c", "copy", "-t", "1.5", span.with_name("x.mp4"))
    span.with_name("x.mp4").replace(span)


def otherwise_encoded(span: Path) -> None:
    clips.run("-i", span, "-c:v", "libx264", "-bf", "0", "-refs", "1", span.with_name("x.mp4"))
    span.with_name("x.mp4").replace(span)


def a_link(span: Path) -> None:
    span.rename(span.with_name("elsewhere.mp4"))
    span.symlink_to(span.with_name("elsewhere.mp4"))


@pytest.mark.parametrize("spoil", [garbage, cut_off, shifted, otherwise_encoded, a_link])
def test_what_is_no_such_span_is_drawn_again(
    tmp_path: Path,
    made: Callable[[str], Path],
    helping: list[Callable[[Path], None]],
    spoil: Callable[[Path], None],
) -> None:
    path = made("a.mp4")
    plan, source = plan_of(path), open_source(path)
    list(source.frames())
    render(source, tmp_path / "alone.mp4", plan, HOW, copying=False, spans=in_spans(tmp_path / "1"))

    def send(folder: Path) -> None:
        (span,) = folder.glob("drawn-2-*")
        spoil(span)

    helping += [drawing_of(path, 1, 2), send]
    spans = in_spans(tmp_path / "2")
    render(source, tmp_path / "out.mp4", plan, HOW, copying=False, spans=spans)
    assert spans.elsewhere == 1
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "alone.mp4").read_bytes()


def test_a_span_that_shows_somebody_is_found_and_all_is_done_here(
    tmp_path: Path,
    made: Callable[[str], Path],
    helping: list[Callable[[Path], None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another machine that sends everything in clear, well encoded."""
    path = made("a.mp4")
    source = open_source(path)
    list(source.frames())
    plan = replace(plan_of(path), tracks=(), edits=(HideBox(Box(10, 10, 60, 50)),))
    rendered: list[bool] = []
    plain = stages.render

    def counted(*given: Any, **how: Any) -> Any:
        rendered.append(how.get("spans") is not None)
        return plain(*given, **how)

    monkeypatch.setattr(stages, "render", counted)

    def lie(folder: Path) -> None:
        with monkeypatch.context() as lying:
            lying.setattr("redact.hide.styles.mixed.Mixed.hide", lambda *_: None)
            draw_span(path, folder, 2, None, silent)

    helping.append(lie)
    monkeypatch.setattr(stages, "load", lambda _: Nobody())
    monkeypatch.setattr(
        "redact.span_rendering.choose_spans", lambda held, *_: in_spans(held.parent / "s")
    )
    output = tmp_path / "out.mp4"
    done = render_checked(source, output, plan, replace(HOW, in_spans=True), Checking())
    assert rendered == [True, False]
    assert done.verification is not None
    assert not done.verification.problems
    for frame in open_source(output).frames():
        hidden = frame.picture.planes()[0].samples[16:44, 16:54]
        assert np.abs(np.diff(hidden.astype(int), axis=0)).max() < 60


class Nobody:
    def detect(self, pictures: Any, _: float) -> list[list[Any]]:
        return [[] for _ in pictures]


def test_a_further_round_draws_only_what_has_changed(
    tmp_path: Path, made: Callable[[str], Path], drawn: dict[Fraction, str]
) -> None:
    path = made("a.mp4")
    plan, source = plan_of(path), open_source(path)
    list(source.frames())
    spans = in_spans(tmp_path / "s")
    render(source, tmp_path / "out.mp4", plan, HOW, copying=False, spans=spans)
    drawn.clear()
    more = HideBox(Box(0, 0, 9, 9), Fraction(4), Fraction(5))
    again = replace(plan, edits=(*plan.edits, more))
    render(source, tmp_path / "out.mp4", again, HOW, copying=False, spans=spans)
    assert [min(drawn), max(drawn)] == [3, Fraction(59, 10)]
    assert spans.elsewhere == 0
    assert len(list(spans.folder.glob("draw*-*"))) == 6, "what was drawn before is removed"
    other = in_spans(tmp_path / "t")
    drawn.clear()
    render(source, tmp_path / "alone.mp4", again, HOW, copying=False, spans=other)
    assert (tmp_path / "alone.mp4").read_bytes() == (tmp_path / "out.mp4").read_bytes()


def test_an_interrupted_run_goes_on_with_what_was_drawn(
    tmp_path: Path, made: Callable[[str], Path], drawn: dict[Fraction, str]
) -> None:
    path = made("a.mp4")
    plan, source = plan_of(path), open_source(path)
    list(source.frames())

    def stop(_: str, done: int, __: int | None) -> None:
        if done == 70:
            raise KeyboardInterrupt

    how = replace(HOW, progress=stop)
    with pytest.raises(KeyboardInterrupt):
        render(source, tmp_path / "o.mp4", plan, how, copying=False, spans=in_spans(tmp_path / "s"))
    assert sorted(p.name[:8] for p in (tmp_path / "s").iterdir()) == [
        "draw-0.j", "draw-1.j", "draw-2.j", "drawn-0-", "drawn-1-",
    ]  # fmt: skip
    drawn.clear()
    render(source, tmp_path / "o.mp4", plan, HOW, copying=False, spans=in_spans(tmp_path / "s"))
    assert min(drawn) == 6


def test_orders_that_were_changed_are_not_carried_out(
    tmp_path: Path, made: Callable[[str], Path], helping: list[Callable[[Path], None]]
) -> None:
    path = made("a.mp4")
    source = open_source(path)
    list(source.frames())

    def change(folder: Path) -> None:
        spans = unseal((folder / LIST).read_bytes(), SpanList).spans
        order = folder / spans[2].order_name
        before = order.read_bytes()
        order.write_bytes((folder / spans[1].order_name).read_bytes())
        with pytest.raises(EngineError, match="the order of something else"):
            draw_span(path, folder, 2, None, silent)
        order.write_bytes(before)
        folder.chmod(0o777)
        with pytest.raises(EngineError, match="not this user's alone"):
            draw_span(path, folder, 2, None, silent)
        folder.chmod(0o700)

    helping.append(change)
    spans = in_spans(tmp_path / "s")
    render(source, tmp_path / "o.mp4", plan_of(path), HOW, copying=False, spans=spans)
    assert spans.elsewhere == 0


def test_who_is_told_nothing_draws_nothing(tmp_path: Path, made: Callable[[str], Path]) -> None:
    with pytest.raises(EngineError, match="nobody says what is to be drawn"):
        draw_span(made("a.mp4"), tmp_path, 1, None, silent)
    assert not drawing.has_list(tmp_path)


# alone


class Rounds:
    """Two rounds of which the second hides more, and what is drawn and examined in each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, more: HideBox) -> None:
        self.drawn: list[list[int]] = []
        self.examined: list[list[int]] = []
        self._more = more
        self._carry_out, self._examine = span_rendering.carry_out, SecondOpinion.examine
        monkeypatch.setattr(span_rendering, "carry_out", self.carry_out)
        monkeypatch.setattr(SecondOpinion, "examine", lambda *given: self.examine(*given))
        monkeypatch.setattr(stages, "render_in_rounds", self.run)

    def carry_out(self, source: Any, order: Any, *given: Any) -> None:
        assert order.threads == 0
        self.drawn[-1].append(order.number)
        self._carry_out(source, order, *given)

    def examine(self, opinion: SecondOpinion, frame: Frame, *given: Any) -> Any:
        self.examined[-1].append(frame.index)
        return self._examine(opinion, frame, *given)

    def run(self, plan: Plan, attempt: Any, *_: Any) -> Any:
        for edits in (plan.edits, (*plan.edits, self._more)):
            self.drawn.append([])
            self.examined.append([])
            found = attempt(replace(plan, edits=edits), 0)
        return found


@pytest.mark.parametrize("name", ["a.mp4", "vp9.webm"])
def test_a_further_round_draws_and_looks_only_where_it_hides_something_else(
    tmp_path: Path, made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = made(name)
    source, plan, output = open_source(path), plan_of(path), tmp_path / f"out{path.suffix}"
    list(source.frames())
    times = [frame.time for frame in open_source(path).frames()]
    monkeypatch.setattr(stages, "load", lambda _: Nobody())
    monkeypatch.setattr(span_rendering, "ALONE", SECONDS)
    rounds = Rounds(monkeypatch, HideBox(Box(20, 20, 30, 30), times[-3], None))
    with DetectionCache(output) as cache:
        done = render_checked(source, output, plan, HOW, Checking(), cache)
    (everything, last), (all_of_it, rest) = rounds.drawn, rounds.examined
    assert len(everything) == 3
    assert last == everything[-1:]
    begin = min(i for i, time in enumerate(times) if time - times[0] >= 2 * SECONDS)
    assert min(all_of_it) == 0
    changed = {index for index in all_of_it if times[index] >= times[-3]}
    assert changed <= set(rest) <= {index for index in all_of_it if index >= begin}
    assert changed
    assert done.verification is not None
    assert done.verification.frames == len(times)
    assert [path for path in tmp_path.iterdir() if path != output] == []


def test_where_there_is_no_room_for_spans_they_make_room_for_one_piece(
    tmp_path: Path, made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = open_source(made("a.mp4")), tmp_path / "out.mp4"
    list(source.frames())
    spans = in_spans(tmp_path / "s")
    left: list[int] = []
    plain = stages.pipeline.render

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def render_whole(*given: Any) -> int:
        left.append(len(list(spans.folder.iterdir())))
        return plain(*given)

    monkeypatch.setattr("redact.media.video.sink.join_spans", full)
    monkeypatch.setattr(stages.pipeline, "render", render_whole)
    render(source, output, plan_of(source.path), HOW, copying=False, spans=spans)
    assert left == [0]
    assert times_of(output) == times_of(source.path)


def test_what_was_not_read_before_is_rendered_in_one_piece(tmp_path: Path) -> None:
    assert choose_spans(tmp_path / "held.mp4", None, with_others=False) is None
