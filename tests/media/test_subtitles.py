"""Subtitles on request: words at their exact times, and nothing else that a track can carry."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from redact import api, pipeline
from redact.core.passes import Pass
from redact.core.recipe import NEVER, Extra, recipe
from redact.errors import RecipeError, UnsupportedInputError, VerificationError
from redact.media.video import checking, subtitles
from redact.media.video import sink as sinks
from redact.media.video.sink import VideoSink
from redact.media.video.source import VideoSource
from redact.media.video.subtitles import Cue, plain_text, read_cues
from tests import clips

MARK = "kanari3nvog3l"
BOTH: tuple[Extra, ...] = ("subtitles", "languages")

SRT = """1
00:00:00,200 --> 00:00:00,733
{\\an8}Good <i>evening</i>, {kanari3nvog3l}
<font face="kanari3nvog3l" color="red">we</font> & <kanari3nvog3l>you

2
00:00:01,001 --> 00:00:01,900
\u0645\u0631\u062d\u0628\u0627
"""
VTT = """WEBVTT kanari3nvog3l

NOTE kanari3nvog3l

kanari3nvog3l
00:00.200 --> 00:00.733 position:10% region:kanari3nvog3l
<v kanari3nvog3l>Good evening,</v>
we &amp; <c.kanari3nvog3l>you</c>

00:01.001 --> 00:01.900
\u0645\u0631\u062d\u0628\u0627
"""
ASS = """[Script Info]
ScriptType: v4.00+
Title: kanari3nvog3l
Original Script: kanari3nvog3l

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Bold, Alignment
Style: Default,kanari3nvog3l,16,&Hffffff,0,2
Style: kanari3nvog3l,Arial,16,&Hffffff,0,2

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,kanari3nvog3l
Dialogue: 0,0:00:00.20,0:00:00.73,Default,kanari3nvog3l,0,0,0,kanari3nvog3l,\
{\\fnkanari3nvog3l}Good evening,{kanari3nvog3l}\\N{\\p1}m 1 1 l 2 2{\\p0}we & you
Dialogue: 0,0:00:01.00,0:00:01.90,kanari3nvog3l,,0,0,0,,\u0645\u0631\u062d\u0628\u0627
"""
TELLING = {"words.srt": SRT, "words.vtt": VTT, "words.ass": ASS}


def clip(folder: Path, suffix: str, words: str, text: str, *options: str) -> Path:
    """A clip with one track of subtitles in its own kind where the container holds that."""
    written = folder / words
    written.write_text(text, encoding="utf-8")
    path = folder / f"a{suffix}"
    coding = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    if suffix == ".webm":
        coding = ["-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus"]
    coding += ["-c:s", {".mkv": "copy", ".webm": "webvtt"}.get(suffix, "mov_text")]
    for kind in "vas":
        coding += [f"-metadata:s:{kind}", f"title={MARK}", f"-metadata:s:{kind}", "language=fra"]
        coding += [f"-metadata:s:{kind}", f"handler_name={MARK}"]
    if suffix == ".mkv":
        coding += ["-attach", str(written), "-metadata:s:t", "mimetype=font/ttf"]
    inputs = ["-f", "lavfi", "-i", clips.PICTURE, "-f", "lavfi", "-i", clips.SOUND, "-i", written]
    maps = ["-map", "0:v", "-map", "1:a", "-map", "2:s"]
    clips.run(*inputs, *maps, *coding, *options, "-t", "2", path)
    return path


def rendered(path: Path, extras: Sequence[Extra] = BOTH, name: str = "out") -> Path:
    source = VideoSource(path)
    output = path.with_name(name if "." in name else f"{name}{path.suffix}")
    with VideoSink(output, source, extras=extras, audio="keep") as sink:
        for frame in source.frames():
            sink.write(frame)
    return output


def cues(path: Path, number: int = 0) -> list[tuple[Fraction, Fraction, str]]:
    return [(c.start, c.end, c.words)
            for c in read_cues(path, VideoSource(path).media_info.subtitles[number])]  # fmt: skip


SAID = "Good evening,\nwe & you"
GREETING = "\u0645\u0631\u062d\u0628\u0627"


@pytest.mark.parametrize(("suffix", "words", "becomes"), [
    (".mkv", "words.srt", ".mkv"), (".mkv", "words.ass", ".mkv"), (".mkv", "words.vtt", ".mkv"),
    (".mp4", "words.srt", ".mp4"), (".mov", "words.srt", ".mov"), (".webm", "words.vtt", ".webm"),
    (".mkv", "words.ass", ".mp4"), (".mkv", "words.srt", ".mov"), (".mp4", "words.srt", ".mkv"),
])  # fmt: skip
def test_words_and_times_survive_and_nothing_else(
    tmp_path: Path, suffix: str, words: str, becomes: str
) -> None:
    path = clip(tmp_path, suffix, words, TELLING[words])
    assert MARK.encode() in path.read_bytes()
    output = rendered(path, name=f"out{becomes}")
    assert cues(output) == cues(path)
    assert [words for _, _, words in cues(output)] == [SAID, GREETING]
    late = {"words.ass": Fraction(1)}.get(words, Fraction(1001, 1000))
    assert cues(output)[1][:2] == (late, Fraction(19, 10))
    assert MARK.encode() not in output.read_bytes()
    with av.open(str(output)) as container:
        assert [s.type for s in container.streams] == ["video", "audio", "subtitle"]
        assert [s.language for s in container.streams] == ["fra"] * 3


@pytest.mark.parametrize(("extras", "kinds", "language"), [
    ((), ["video", "audio"], {None}),
    (("subtitles",), ["video", "audio", "subtitle"], {None}),
    (("languages",), ["video", "audio"], {"fra"}),
])  # fmt: skip
def test_only_what_is_asked_for_is_kept(
    tmp_path: Path, extras: tuple[Extra, ...], kinds: list[str], language: set[str | None]
) -> None:
    output = rendered(clip(tmp_path, ".mp4", "words.srt", SRT), extras)
    with av.open(str(output)) as container:
        assert [s.type for s in container.streams] == kinds
        assert set(checking.stream_languages(container)) == language


def odd_times(folder: Path) -> Path:
    """Cues at times that are no whole milliseconds, as editors on the Mac write them."""
    plain_clip, words = clips.make(folder, "plain"), folder / "words.mp4"
    tick = Fraction(1, 600)
    with av.open(str(words), "w") as container:
        stream: Any = container.add_stream("mov_text")
        stream.codec_context.subtitle_header = b"[Script Info]\r\n" + subtitles._HEADER[15:]
        stream.time_base = stream.codec_context.time_base = tick
        for start, end, said in ((121, 499, b"one"), (601, 607, b"two")):
            packet: Any = av.Packet(struct.pack(">H", len(said)) + said)
            packet.stream, packet.time_base = stream, tick
            packet.pts = packet.dts = start
            packet.duration = end - start
            container.mux(packet)
    path = folder / "odd.mp4"
    clips.run("-i", plain_clip, "-i", words, "-map", "0:v", "-map", "1", "-c", "copy", path)
    return path


def test_times_are_exact_or_refused(tmp_path):
    path = odd_times(tmp_path)
    assert [start for start, _, _ in cues(path)] == [Fraction(121, 600), Fraction(601, 600)]
    assert cues(rendered(path)) == cues(path)
    with pytest.raises(UnsupportedInputError, match="cannot keep its times"):
        rendered(path, name="other.mkv")


OVERLAP = """1
00:00:00,200 --> 00:00:01,000
one

2
00:00:00,500 --> 00:00:01,500
two
"""


def test_overlapping_cues_are_kept_or_refused(tmp_path):
    path = clip(tmp_path, ".mkv", "words.srt", OVERLAP)
    assert cues(rendered(path)) == cues(path)
    with pytest.raises(UnsupportedInputError, match="overlap"):
        rendered(path, name="other.mp4")


@pytest.mark.parametrize("line", [
    "HOME(149.0251,-20.2532) 2017.08.05 14:11:51\nGPS(149.0251,-20.2533,16) BAROMETER:1.9",
    "F/5.6, SS 400, ISO 100, EV +0.7, GPS (-59.409424, -34.650200, 16), D 153.32m",
    "[iso : 100] [shutter : 1/80.0] [latitude: 41.424724] [longitude: 2.234156]",
    "48.85837, 2.29448",
    "48.85837N 2.29448E",
    "2022-08-07 13:40:40,774,808",
    "F/2.8, SS 206.14, ISO 100, EV 0, DZOOM 1.000",
    "We were filming over there for the whole evening, at 48.85837, 2.29448, all of us",
    "We were filming over there for the whole evening, Latitude: 48 or so, all of us together",
])  # fmt: skip
def test_readings_of_a_camera_are_refused(tmp_path: Path, line: str) -> None:
    text = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{line}\n\n" for n in range(2))
    path = clip(tmp_path, ".mkv", "words.srt", text)
    with pytest.raises(UnsupportedInputError, match="readings of a camera"):
        rendered(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mkv", "words.srt"]


def test_numbers_in_speech_are_no_readings(tmp_path):
    text = "1\n00:00:00,000 --> 00:00:00,900\nIn 1989, at 9.30 pm, 200,000 people stood here.\n"
    path = clip(tmp_path, ".mkv", "words.srt", text)
    assert cues(rendered(path)) == cues(path)


def with_pictures(folder: Path) -> Path:
    """Subtitles of a kind that is drawn, not written."""
    path = folder / "drawn.mkv"
    with av.open(str(clips.make(folder, "plain"))) as whole, av.open(str(path), "w") as made:
        (video,) = whole.streams.video
        copy = made.add_stream_from_template(video)
        drawn: Any = made.add_mux_stream("dvd_subtitle")
        drawn.time_base = Fraction(1, 1000)
        for packet in whole.demux(video):
            if packet.size:
                packet.stream = copy
                made.mux(packet)
        packet = av.Packet(bytes(40))
        packet.stream, packet.pts, packet.dts, packet.duration = drawn, 0, 0, 500
        packet.time_base = Fraction(1, 1000)
        made.mux(packet)
    return path


def test_subtitles_that_are_pictures_are_refused(tmp_path):
    path = with_pictures(tmp_path)
    with pytest.raises(UnsupportedInputError, match="no text"):
        rendered(path)
    rendered(path, (), "without")


def test_a_container_without_subtitles_is_refused(tmp_path):
    path = clip(tmp_path, ".mkv", "words.srt", SRT)
    with pytest.raises(UnsupportedInputError, match="cannot keep its subtitles"):
        rendered(path, name="other.avi")


def test_refusals_come_before_the_work(tmp_path, monkeypatch):
    path = with_pictures(tmp_path)
    monkeypatch.setattr(pipeline, "analyse", lambda *_: pytest.fail("worked for nothing"))
    with pytest.raises(UnsupportedInputError, match="no text"):
        api.analyse_file(path, recipe(extras=("subtitles",)))


@pytest.mark.parametrize("name", [*NEVER, "subtitle", "sound"])
def test_nothing_else_can_be_asked_for(name: str) -> None:
    reason = "cannot be kept" if name in NEVER else "nothing called"
    with pytest.raises(RecipeError, match=reason):
        recipe(extras=(name,))


def test_other_words_than_the_source_has_are_noticed(tmp_path, monkeypatch):
    path = clip(tmp_path, ".mkv", "words.srt", SRT)
    honest = subtitles._mux

    def altered(path: Path, codec: str, found: Sequence[Cue], tick: Fraction) -> None:
        honest(path, codec, [replace(found[0], words=found[0].words + "!"), *found[1:]], tick)

    monkeypatch.setattr(subtitles, "_mux", altered)
    with pytest.raises(VerificationError, match="keep the subtitles; leave --keep subtitles out"):
        rendered(path)

    def late(path: Path, codec: str, found: Sequence[Cue], tick: Fraction) -> None:
        honest(path, codec, [replace(found[0], end=found[0].end + tick), *found[1:]], tick)

    monkeypatch.setattr(subtitles, "_mux", late)
    with pytest.raises(VerificationError, match="keep the subtitles; leave --keep subtitles out"):
        rendered(path)


def test_subtitles_that_nobody_asked_for_are_noticed(tmp_path, monkeypatch):
    path = clip(tmp_path, ".mkv", "words.srt", SRT)
    monkeypatch.setattr(sinks, "check_result", lambda *_: None)
    output, other = (
        rendered(path),
        rendered(clip(tmp_path, ".mkv", "words.srt", OVERLAP), BOTH, "b"),
    )
    source, made, strange = VideoSource(path), VideoSource(output), VideoSource(other)
    assert checking.find_faults(strange, strange, BOTH) == []
    assert "it holds a stream of subtitle" in checking.find_faults(strange, strange)
    found = checking.find_faults(strange, strange, ())
    assert found == ["it holds a stream of subtitle", "it says a language"]
    assert "its subtitles are not those of its source" in checking.find_faults(source, made, BOTH)


def test_languages_that_a_container_cannot_hold_are_refused(tmp_path):
    path = clip(tmp_path, ".mkv", "words.srt", SRT)
    with pytest.raises(VerificationError, match="did not keep the languages"):
        rendered(path, ("languages",), "other.avi")


def test_languages_that_are_no_codes_are_dropped(tmp_path):
    path = clip(tmp_path, ".mkv", "words.srt", SRT, "-metadata:s:a", f"language={MARK}")
    output = rendered(path)
    assert MARK.encode() not in output.read_bytes()
    with av.open(str(output)) as container:
        assert checking.stream_languages(container) == ["fra", None, "fra"]


@pytest.mark.parametrize(("event", "words"), [
    (b"0,0,Default,,0,0,0,,one, two", "one, two"),
    (b"0,0,Default,Bob,0,0,0,fx,{\\i1}one{\\i0}\\Ntwo\\hthree", "one\ntwo three"),
    (b"0,0,D,,0,0,0,,{\\p1}m 0 0 l 9 9", ""),
    (b"0,0,D,,0,0,0,,a {\\pos(1,2)\\p2}m 0 0{\\p0} b", "a  b"),
    (b"0,0,D,,0,0,0,,\\{{}x} \\\xe2\x81\xa0N", "{x} \\N"),
    (b"0,0,D,,0,0,0,,a\x00\x07b\xc2\x85c\n\n  \nd", "abc\nd"),
    (b"no event", ""),
])  # fmt: skip
def test_what_is_shown_of_an_event(event: bytes, words: str) -> None:
    assert plain_text(event) == words


def test_the_recipe_goes_into_the_plan_and_is_followed(tmp_path, monkeypatch):
    path = clip(tmp_path, ".mp4", "words.srt", SRT)
    choices = recipe(passes=(Pass("yunet", 160, 0.9),), extras=BOTH)
    done = api.redact_file(path, tmp_path / "b.mp4", choices)
    assert done.plan.recipe.extras == BOTH
    assert done.verification is not None
    assert done.verification.passed
    assert cues(done.output) == cues(path)
