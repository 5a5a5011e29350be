"""Smart rendering: what is copied is the source's picture to the bit, and never a hidden one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redact import api
from redact.core.geometry import Box, Region
from redact.core.plan import HideBox, Plan, SourceId
from redact.core.recipe import recipe
from redact.errors import EngineError, VerificationError
from redact.hide.styles import make_style
from redact.media.video import checking, sink, smart_rendering, splicing
from redact.media.video.coded_streams import CannotCopy
from redact.media.video.h264.nal import SPS, nal_types
from redact.media.video.sink import VideoSink
from redact.media.video.smart_rendering import (
    Copies,
    find_closed_gops,
    find_copied_runs,
    find_copies,
)
from redact.media.video.source import VideoSource
from redact.pipeline import render
from redact.verify.result import Checking
from tests import clips

MARK = b"kanari8vuxq5m"
FRAMES = 60
PICTURE = "testsrc2=s=96x64:r=25:d=2.4,noise=alls=20:allf=t"
BOX = Box(16, 16, 80, 56)
X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
SOUND = ("-f", "lavfi", "-i", "sine=d=2.4:r=48000", "-c:a", "aac", "-shortest")


VP9 = (
    "-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p", "-deadline", "realtime", "-cpu-used", "8",
    "-auto-alt-ref", "0", "-lag-in-frames", "0", "-g", "8",
)  # fmt: skip


def keyed(length: int, *more: str) -> tuple[str, ...]:
    params = ":".join([f"keyint={length}", f"min-keyint={length}", "scenecut=0", *more])
    return (*X264, "-bf", "3", "-x264-params", params)


_UNEVEN = ("-vf", "select='not(eq(mod(n,5),3))'", "-fps_mode", "passthrough")

KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "closed": (".mp4", keyed(8)),
    "mov": (".mov", keyed(8)),
    "mkv": (".mkv", keyed(8)),
    "one_group": (".mp4", keyed(250)),
    "intra": (".mp4", keyed(1)),
    "pairs": (".mp4", keyed(2)),
    "open": (".mp4", keyed(8, "open-gop=1")),
    "no_b": (".mp4", (*X264, "-profile:v", "baseline", "-g", "8")),
    "slices": (".mp4", keyed(8, "slices=4")),
    "uneven": (".mp4", (*_UNEVEN, *keyed(8))),
    "uneven_mkv": (".mkv", (*_UNEVEN, *keyed(8))),
    "late": (".mp4", ("-vf", "setpts=PTS+0.7/TB", *keyed(8))),
    "full_range": (".mp4", ("-vf", "scale=out_range=full", *keyed(8), "-color_range", "pc")),
    "bt709": (".mp4", ("-vf", "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709",
                       *keyed(8))),
    "anamorphic": (".mp4", ("-vf", "setsar=16/11", *keyed(8))),
    "422": (".mov", (*keyed(8), "-pix_fmt", "yuv422p")),
    "vp9": (".mp4", VP9),
    "vp9_mkv": (".mkv", VP9),
    "vp9_444": (".mkv", (*VP9, "-pix_fmt", "yuv444p")),
    "odd_height": (".mp4", ("-vf", "crop=90:54:0:0", *keyed(8))),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


def make(folder: Path, name: str) -> Path:
    suffix, options = KINDS[name]
    path = folder / f"{name}{suffix}"
    if not path.exists():
        clips.run("-f", "lavfi", "-i", PICTURE, *SOUND[:4], *options, *SOUND[4:], path)
    return path


Flags = Sequence[bool]


def covering(hidden: Flags) -> Callable[[int, Fraction], list[Region]]:
    return lambda index, _: [Region(BOX)] if hidden[index] else []


def frames_of(path: Path) -> list[tuple[Fraction, list[np.ndarray]]]:
    return [
        (frame.time, [plane.samples.copy() for plane in frame.picture.planes()])
        for frame in VideoSource(path).frames()
    ]


def written(path: Path, output: Path, hidden: Flags) -> Copies | None:
    """Rendered as `redact.api` does it, without the check; what was copied."""
    source = VideoSource(path)
    copies = find_copies(output, source, covering(hidden), len(hidden))
    style = make_style(recipe("fast", style="solid"))
    with VideoSink(output, source, frames=len(hidden), copies=copies, force=True) as sink:
        if copies is None or not copies.whole:
            render(source, covering(hidden), style, sink, len(hidden), lambda *_: None)
    return copies


def equal(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def check_copied(path: Path, output: Path, hidden: Flags, copies: Copies) -> None:
    before, after = frames_of(path), frames_of(output)
    assert [time for time, _ in after] == [time for time, _ in before]
    for index, ((_, one), (_, other)) in enumerate(zip(before, after, strict=True)):
        if index in copies:
            assert not hidden[index]
            assert equal(one, other)
        if hidden[index]:
            middle = other[0][24:48, 24:72].astype(int)
            assert np.ptp(middle) <= 12, "the box is of one colour"
    source, result = VideoSource(path).media_info, VideoSource(output).media_info
    for name, wanted, kept in checking.compare_media_info(source, result):
        assert wanted == kept, name


@pytest.mark.parametrize("name", KINDS)
def test_with_nothing_hidden_every_picture_is_copied(
    folder: Path, tmp_path: Path, name: str
) -> None:
    path = make(folder, name)
    output = tmp_path / f"out{path.suffix}"
    hidden = [False] * len(frames_of(path))
    copies = written(path, output, hidden)
    assert copies is not None
    assert copies.whole
    assert copies.encoded_runs == ()
    check_copied(path, output, hidden, copies)
    one, other = (lengths(p) for p in (path, output))
    assert abs(one - other) <= Fraction(1, 20), "the last frame is shown as long"
    assert [p.name for p in tmp_path.iterdir()] == [output.name]


def lengths(path: Path) -> Fraction:
    with av.open(str(path)) as container:
        return Fraction(container.duration or 0, 1_000_000)


MIXED = sorted(set(KINDS) - {"one_group", "open"})


@pytest.mark.parametrize("name", MIXED)
def test_between_copied_groups_the_rest_is_encoded(
    folder: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smart_rendering, "_SHORTEST_RUN", 6)
    path = make(folder, name)
    output = tmp_path / f"out{path.suffix}"
    count = len(frames_of(path))
    hidden = [index in {0, 20, 21, count - 1} for index in range(count)]
    copies = written(path, output, hidden)
    assert copies is not None
    assert 0 < copies.frames < count
    assert len(copies.runs) == 2
    check_copied(path, output, hidden, copies)


@pytest.mark.parametrize(("quarters", "mirrored"), clips.TURNS)
def test_turns_are_kept(folder: Path, tmp_path: Path, quarters: int, mirrored: bool) -> None:
    path = tmp_path / "turned.mp4"
    flip = ("-display_hflip",) if mirrored else ()
    rotation = ("-display_rotation", str(-90 * quarters % 360), *flip)
    clips.run(*rotation, "-i", make(folder, "closed"), "-c", "copy", path)
    output = tmp_path / "out.mp4"
    hidden = [False] * FRAMES
    copies = written(path, output, hidden)
    assert copies is not None
    assert VideoSource(output).media_info.turn == VideoSource(path).media_info.turn
    check_copied(path, output, hidden, copies)


@pytest.mark.parametrize("name", ["closed", "mkv"])
def test_sound_stays_at_its_place(folder: Path, tmp_path: Path, name: str) -> None:
    path = make(folder, name)
    output = tmp_path / f"out{path.suffix}"
    written(path, output, [False] * FRAMES)
    assert packets(output, "audio") == packets(path, "audio")


def packets(path: Path, kind: str = "video") -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return [(p.pts * p.time_base, bytes(p)) for p in container.demux(stream) if p.size]


def with_units(path: Path, output: Path, change: Callable[[int, bytes], bytes]) -> Path:
    """The clip with every packet of its video changed; sizes of NAL units are four bytes."""
    with av.open(str(path)) as read, av.open(str(output), "w") as write:
        source = read.streams.video[0]
        stream = write.add_stream_from_template(source, opaque=True)
        number = 0
        for packet in read.demux(source):
            if not packet.size:
                continue
            new = av.Packet(change(number, bytes(packet)))
            new.pts, new.dts, new.duration = packet.pts, packet.dts, packet.duration
            new.time_base, new.is_keyframe, new.stream = (
                source.time_base,
                packet.is_keyframe,
                stream,
            )
            write.mux(new)
            number += 1
    return output


def sized(unit: bytes) -> bytes:
    return len(unit).to_bytes(4) + unit


def captions() -> bytes:
    """A message (SEI) with closed captions as ATSC A/53 puts them, and letters in it."""
    pairs = b"".join(b"\xfc" + MARK[at : at + 2].ljust(2) for at in range(0, len(MARK), 2))
    body = b"\xb5\x00\x31GA94\x03" + bytes((0xC0 | len(pairs) // 3, 0xFF)) + pairs + b"\xff"
    return b"\x06\x04" + bytes((len(body),)) + body + b"\x80"


def message() -> bytes:
    """A message (SEI) of no registered kind, as cameras and encoders write them."""
    body = bytes(16) + MARK
    return b"\x06\x05" + bytes((len(body),)) + body.replace(b"\0\0", b"\0\1") + b"\x80"


LEFT_OUT = {
    "message": message(),
    "captions": captions(),
    "delimiter": b"\x09\xf0",
    "filler": b"\x0c" + b"\xff" * 9 + MARK + b"\x80",
    "end of sequence": b"\x0a" + MARK,
}


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_is_no_picture_is_left_out(
    folder: Path, tmp_path: Path, case: str, suffix: str
) -> None:
    unit = LEFT_OUT[case]
    base = make(folder, "mkv" if suffix == ".mkv" else "closed")
    path = with_units(base, tmp_path / f"in{suffix}", lambda _, data: sized(unit) + data)
    hidden = [False] * FRAMES
    output = tmp_path / f"out{suffix}"
    copies = written(path, output, hidden)
    assert copies is not None
    assert copies.whole
    assert sized(unit) in path.read_bytes()
    assert sized(unit) not in output.read_bytes()
    assert MARK not in output.read_bytes()
    assert all(nal_types(data) <= {1, 5} for _, data in packets(output))


def test_a_message_that_is_let_through_is_noticed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_units(
        make(folder, "closed"), tmp_path / "in.mp4", lambda _, data: sized(message()) + data
    )
    plain = splicing._packet

    def careless(picture: splicing.CodedPicture, *rest: object) -> av.Packet:
        return plain(
            splicing.CodedPicture(sized(message()) + picture.data, picture.starts_group), *rest
        )

    monkeypatch.setattr(splicing, "_packet", careless)
    with pytest.raises(VerificationError, match="more than coded pictures"):
        written(path, tmp_path / "out.mp4", [False] * FRAMES)
    assert not (tmp_path / "out.mp4").exists()


def own_sets(path: Path) -> bytes:
    with av.open(str(path)) as container:
        record = container.streams.video[0].codec_context.extradata
    assert record is not None
    size = int.from_bytes(record[6:8])
    return record[8 : 8 + size]


def _twice(number: int, data: bytes) -> bytes:
    return data + data if number == 7 else data


def _headless(number: int, data: bytes) -> bytes:
    return data[: len(data) // 2] if number == 7 else data


DOUBTFUL: dict[str, Callable[[Path], Callable[[int, bytes], bytes]]] = {
    "unknown unit": lambda _: lambda _, data: sized(b"\x18" + MARK) + data,
    "auxiliary picture": lambda _: lambda _, data: data + sized(b"\x13" + MARK),
    "second view": lambda _: lambda _, data: data + sized(b"\x74" + MARK),
    "other parameter set": lambda path: (
        lambda n, data: sized(own_sets(path)[:-1] + b"\xf8") + data if n == 8 else data
    ),
    "two pictures": lambda _: _twice,
    "cut off": lambda _: _headless,
    "no picture": lambda _: lambda n, data: sized(message()) if n == 7 else data,
}


@pytest.mark.parametrize("case", DOUBTFUL)
def test_what_is_doubtful_is_not_copied(folder: Path, tmp_path: Path, case: str) -> None:
    base = make(folder, "closed")
    path = with_units(base, tmp_path / "in.mp4", DOUBTFUL[case](base))
    with pytest.raises(CannotCopy):
        smart_rendering.read_packets(VideoSource(path))


def test_repeated_parameter_sets_are_left_out(folder: Path, tmp_path: Path) -> None:
    base = make(folder, "closed")
    unit = sized(own_sets(base))
    assert unit[4] & 31 == SPS
    path = with_units(base, tmp_path / "in.mp4", lambda _, data: unit + data)
    copies = written(path, tmp_path / "out.mp4", [False] * FRAMES)
    assert copies is not None
    assert own_sets(tmp_path / "out.mp4") == own_sets(base)


def test_frames_that_a_cut_hides_do_not_come_along(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "cut.mp4"
    clips.run("-ss", "0.55", "-i", make(folder, "closed"), "-c", "copy", path)
    source = VideoSource(path)
    count = sum(1 for _ in source.frames())
    assert count < len(packets(path))
    with pytest.raises(CannotCopy, match="not to be shown"):
        smart_rendering.read_packets(source)
    assert find_copies(tmp_path / "out.mp4", source, covering([False] * count), count) is None


def test_pixels_that_cropping_hides_do_not_come_along(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "cropped.mp4"
    crop = "h264_metadata=crop_right=32"
    clips.run("-i", make(folder, "closed"), "-c", "copy", "-bsf:v", crop, path)
    source = VideoSource(path)
    assert source.info.size.width == 64
    with pytest.raises(CannotCopy, match="larger than what is shown"):
        smart_rendering.read_packets(source)


@pytest.mark.parametrize("name", ["interlaced", "ts", "avi", "vp9_ahead", "ten_bit"])
def test_other_kinds_are_encoded(tmp_path: Path, name: str) -> None:
    path = _seen_ahead(tmp_path) if name == "vp9_ahead" else clips.make(tmp_path, name)
    source = VideoSource(path)
    output = tmp_path / f"out{path.suffix}"
    frames = sum(1 for _ in source.frames())
    assert find_copies(output, source, lambda *_: [], frames) is None


def _seen_ahead(folder: Path) -> Path:
    """VP9 with pictures that are not shown, as encoders write it that look at all twice."""
    path, log = folder / "ahead.webm", str(folder / "passes")
    ahead = ("-c:v", "libvpx-vp9", "-auto-alt-ref", "1", "-lag-in-frames", "25", "-b:v", "200k")
    for number, output in (("1", folder / "first.webm"), ("2", path)):
        passed = ("-cpu-used", "8", "-pix_fmt", "yuv420p", "-pass", number, "-passlogfile", log)
        clips.run("-f", "lavfi", "-i", PICTURE, *ahead, *passed, output)
    return path


def test_a_recording_of_a_screen_is_copied_into_webm(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "screen.webm"
    sound = ("-map", "0:v", "-c:v", "copy", "-an")
    clips.run("-i", make(folder, "vp9"), *sound, path)
    output = tmp_path / "out.webm"
    copies = written(path, output, [False] * FRAMES)
    assert copies is not None
    assert copies.whole
    assert packets(output) == packets(path)


def test_what_follows_a_picture_of_vp9_is_noticed(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "screen.webm"
    clips.run("-i", make(folder, "vp9"), "-map", "0:v", "-c:v", "copy", path)
    coded, _ = smart_rendering.read_packets(VideoSource(path))
    coded.check_written(path)
    hostile = tmp_path / "hostile.webm"
    with av.open(str(path)) as source, av.open(str(hostile), "w") as written:
        stream = written.add_stream_from_template(source.streams.video[0])
        every = [p for p in source.demux(source.streams.video[0]) if p.size]
        for number, packet in enumerate(every):
            data = bytes(packet) + (bytes(every[0]) if number == 20 else b"")
            made = av.Packet(data)
            made.stream, made.time_base = stream, packet.time_base
            made.pts, made.dts = packet.pts, packet.dts
            written.mux(made)
    with pytest.raises(VerificationError, match="decoder"):
        coded.check_written(hostile)


def test_another_container_takes_copies_too(folder: Path, tmp_path: Path) -> None:
    path = make(folder, "mkv")
    hidden = [False] * FRAMES
    copies = written(path, tmp_path / "out.mp4", hidden)
    assert copies is not None
    check_copied(path, tmp_path / "out.mp4", hidden, copies)


Pattern = list[list[int]]


@st.composite
def closed_groups(draw: st.DrawFn) -> Pattern:
    """Frames in the order of decoding, group by group; each begins with a picture of its own."""
    found, start = [], 0
    for length in draw(st.lists(st.integers(1, 9), min_size=1, max_size=12)):
        rest = draw(st.permutations(range(start + 1, start + length)))
        found.append([start, *rest])
        start += length
    return found


@given(pattern=closed_groups(), data=st.data())
def test_no_hidden_frame_is_ever_spared(pattern: Pattern, data: st.DataObject) -> None:
    order = [frame for group in pattern for frame in group]
    idr = [at == 0 for group in pattern for at, _ in enumerate(group)]
    hidden = data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))
    least = data.draw(st.integers(1, 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smart_rendering, "_SHORTEST_RUN", least)
        closed = find_closed_gops(order, idr)
        runs = find_copied_runs(closed, hidden)
    assert [frame for group in closed for frame in group] == sorted(order)
    starts = {group[0] for group in pattern}
    for run in runs:
        assert not any(hidden[run.start : run.stop])
        assert run.start in starts
        assert run.stop in starts | {len(order)}
    for group in pattern:
        copied = {any(frame in run for run in runs) for frame in group}
        assert len(copied) == 1, "a group is copied whole or not at all"


@given(st.permutations(range(12)), st.lists(st.booleans(), min_size=12, max_size=12))
def test_a_group_is_closed_in_any_order_of_decoding(order: list[int], idr: list[bool]) -> None:
    idr[0] = True
    for group in find_closed_gops(order, idr):
        assert sorted(order[group.start : group.stop]) == list(group)
        assert idr[group.start]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_every_frame_with_a_region_is_encoded_and_hidden(
    folder: Path, tmp_path: Path, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(["closed", "intra", "pairs", "no_b", "uneven", "one_group"]))
    path = make(folder, name)
    count = len(frames_of(path))
    spans = data.draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(1, 6)), max_size=3))
    hidden = [any(at <= i < at + length for at, length in spans) for i in range(count)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smart_rendering, "_SHORTEST_RUN", data.draw(st.integers(1, 20)))
        copies = written(path, tmp_path / "out.mp4", hidden)
    nothing = Copies.__new__(Copies)
    object.__setattr__(nothing, "runs", ())
    check_copied(path, tmp_path / "out.mp4", hidden, copies or nothing)


def test_a_frame_that_is_not_the_one_decided_on_is_refused(folder: Path, tmp_path: Path) -> None:
    source = VideoSource(make(folder, "closed"))
    hidden = [index == 0 for index in range(FRAMES)]
    copies = find_copies(tmp_path / "out.mp4", source, covering(hidden), FRAMES)
    assert copies is not None
    second = replace(list(source.frames())[1], index=0)

    def write() -> None:
        with VideoSink(tmp_path / "out.mp4", source, copies=copies) as writing:
            writing.write(second)

    with pytest.raises(EngineError, match="not the one that its packet promised"):
        write()
    assert list(tmp_path.iterdir()) == []


LARGE = "testsrc2=s=320x240:r=25:d=2.4,noise=alls=60:allf=t"


@pytest.fixture(scope="module")
def noisy(folder: Path) -> Path:
    path = folder / "noisy.mp4"
    clips.run("-f", "lavfi", "-i", LARGE, *keyed(10), "-crf", "12", path)
    return path


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check without detectors, whose networks take long to load."""

    class Nobody:
        names = searched = unsearched = ()

        def __init__(self, *_: object) -> None: ...

        def plan(self, *_: object) -> tuple[()]:
            return ()

        def run(self, *_: object) -> dict[int, object]:
            return {}

        def examine(self, *_: object) -> list[object]:
            return []

    monkeypatch.setattr("redact.verify.second_opinion.SecondOpinion", Nobody)


def plan_of(path: Path, *spans: tuple[int, int], **choices: object) -> Plan:
    source = VideoSource(path)
    edits = tuple(
        HideBox(Box(100, 80, 220, 180), Fraction(a, 25), Fraction(b, 25)) for a, b in spans
    )
    identity = SourceId(source.fingerprint, source.info.size, FRAMES)
    return Plan(identity, recipe("fast", style="solid", **choices), edits=edits)


def hidden_in(path: Path) -> list[bool]:
    return [bool(np.ptp(planes[0][100:160, 120:200]) < 12) for _, planes in frames_of(path)]


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize(("spans", "copied"), [((), 60), (((3, 8),), 50), (((3, 8), (30, 31)), 0)])
def test_a_job_copies_what_it_can(
    noisy: Path, tmp_path: Path, spans: tuple[tuple[int, int], ...], copied: int
) -> None:
    done = api.render_file(noisy, tmp_path / "out.mp4", plan_of(noisy, *spans))
    assert done.copied == copied
    assert done.verification is not None
    assert done.verification.passed
    wanted = [any(a <= i <= b for a, b in spans) for i in range(FRAMES)]
    assert hidden_in(tmp_path / "out.mp4") == wanted


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize("choices", [{"encoder": "h264"}, {"quality": 20}])
def test_whoever_asks_for_an_encoding_gets_one(
    noisy: Path, tmp_path: Path, choices: dict[str, object]
) -> None:
    done = api.render_file(noisy, tmp_path / "out.mp4", plan_of(noisy, **choices))
    assert done.copied == 0


def test_without_a_check_nothing_is_copied(noisy: Path, tmp_path: Path) -> None:
    done = api.render_file(noisy, tmp_path / "out.mp4", plan_of(noisy), checking=None)
    assert done.copied == 0


def _not_joined(patch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise CannotCopy("planted")

    patch.setattr(sink, "splice", fail)


def _shifted(patch: pytest.MonkeyPatch) -> None:
    plain = splicing._ticks
    patch.setattr(splicing, "_ticks", lambda *a: [t + (t > 0) for t in plain(*a)])


def _lost(patch: pytest.MonkeyPatch) -> None:
    plain = splicing._coded_pictures

    def all_but_one(*given: object) -> Iterator[object]:
        for number, item in enumerate(plain(*given)):  # type: ignore[arg-type]
            if number != 12:
                yield item

    patch.setattr(splicing, "_coded_pictures", all_but_one)


def _hidden_ones_too(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        smart_rendering,
        "find_copied_runs",
        lambda closed, _: (range(closed[0].start, closed[-1].stop),),
    )


PLANTED = {
    "not joined": _not_joined,
    "times shifted": _shifted,
    "a picture lost": _lost,
    "hidden ones copied too": _hidden_ones_too,
}


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize("case", PLANTED)
def test_what_goes_wrong_is_encoded_instead(
    case: str, noisy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PLANTED[case](monkeypatch)
    done = api.render_file(noisy, tmp_path / "out.mp4", plan_of(noisy, (3, 8)))
    assert done.copied == 0
    assert done.verification is not None
    assert done.verification.passed
    assert hidden_in(tmp_path / "out.mp4") == [3 <= i <= 8 for i in range(FRAMES)]
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.usefixtures("blind")
def test_a_failure_that_copying_is_not_to_blame_for_is_told(
    noisy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise EngineError("planted")

    monkeypatch.setattr(sink, "mux", fail)
    with pytest.raises(EngineError, match="planted"):
        api.render_file(noisy, tmp_path / "out.mp4", plan_of(noisy), checking=Checking())
    assert list(tmp_path.iterdir()) == []
