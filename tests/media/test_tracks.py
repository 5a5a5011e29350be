"""Tracks that cannot be kept are left out by name, the others stay; refusals come at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from redact import api, stages
from redact.core.notes import Note
from redact.core.plan import Plan, SourceId
from redact.core.recipe import PROFILES, Recipe
from redact.errors import EngineError, RedactError
from redact.media import formats
from redact.media.video import sink as sinks
from redact.media.video.encoders import CONTAINERS, Choice, choose_encoder
from redact.media.video.sink import VideoSink
from redact.media.video.source import VideoSource
from redact.media.video.tracks import AUDIO_CODECS, can_hold_audio
from tests import clips

PICTURE = ("-f", "lavfi", "-i", clips.PICTURE)
SOUND = ("-f", "lavfi", "-i", clips.SOUND)
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


def copy(path: Path, output: Path, audio: str = "keep") -> tuple[Path, tuple[Note, ...]]:
    """Decode and encode unchanged; and what is told of it."""
    source = VideoSource(path)
    recipe = replace(PROFILES["fast"], audio=audio)  # type: ignore[arg-type]
    frames = 0
    with VideoSink(output, source, audio=recipe.audio, force=True) as sink:
        for frame in source.frames():
            sink.write(frame)
            frames += 1
    plan = Plan(SourceId(source.fingerprint, source.info.size, frames), recipe)
    return output, formats.find_notes(output, source, plan)


def kinds(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [stream.type for stream in container.streams]


def packets(path: Path, number: int) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        every = container.demux(container.streams.audio[number])
        return [(p.pts * p.time_base, bytes(p)) for p in every if p.size]  # type: ignore[operator]


def two_sounds(folder: Path, suffix: str, first: str = "aac", second: str = "aac") -> Path:
    path = folder / f"two{suffix}"
    coding = ("-c:a:0", first, "-c:a:1", second)
    clips.run(*PICTURE, *SOUND, "-map", "0", "-map", "1", "-map", "1", *H264, *coding, path)
    return path


def with_unknown_sound(path: Path, number: int, tracks: int) -> Path:
    """The clip with one of its sounds said to be coded in a way that nobody here knows."""
    data = path.read_bytes()
    for name, other in ((b"mp4a", b"qqqq"), (b"esds", b"skip")):
        first, *parts = data.split(name)
        each = len(parts) // tracks
        data = first + b"".join(
            (other if at // each == number else name) + part for at, part in enumerate(parts)
        )
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("audio", ["keep", "disguise"])
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_sound_that_nobody_can_decode_is_left_out(
    tmp_path: Path, suffix: str, number: int, audio: str
) -> None:
    path = with_unknown_sound(two_sounds(tmp_path, suffix), number, 2)
    output, notes = copy(path, tmp_path / f"out{suffix}", audio)
    assert kinds(output) == ["video", "audio"]
    assert audio == "disguise" or packets(output, 0) == packets(path, 1 - number)
    words = f"track {1 + number} (sound, qqqq): left out, as nobody can decode it"
    assert notes == (Note("tracks_left_out", 1, words),)


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".webm", ".avi"])
@pytest.mark.parametrize("codec", ["pcm_mulaw", "adpcm_ima_qt", "alac", "vorbis"])
def test_a_sound_that_the_container_cannot_hold_is_encoded(
    tmp_path: Path, codec: str, suffix: str
) -> None:
    container = ".mkv" if codec == "vorbis" else ".mov"
    first = "libvorbis" if codec == "vorbis" else codec
    path = two_sounds(tmp_path, container, first, "aac")
    output, notes = copy(path, tmp_path / f"out{suffix}")
    tracks = VideoSource(output).media_info.audio
    can_hold = [can_hold_audio(name, CONTAINERS[suffix]) for name in (codec, "aac")]
    assert [track.codec for track in tracks] == [
        name if able else AUDIO_CODECS[CONTAINERS[suffix]].removeprefix("lib")
        for name, able in zip((codec, "aac"), can_hold, strict=True)
    ]
    assert sum(note.count for note in notes) == can_hold.count(False)
    assert {note.kind for note in notes} <= {"sound_encoded"}
    with av.open(str(output)) as opened:
        frames = list(opened.decode(opened.streams.audio[0]))
    length = sum(Fraction(frame.samples, frame.sample_rate) for frame in frames)
    assert length == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_mp3_of_matroska_goes_into_mp4(tmp_path: Path, suffix: str) -> None:
    """Whose encoder's delay is in whole milliseconds there: a sample less than it was."""
    path = two_sounds(tmp_path, ".mkv", "libmp3lame", "aac")
    output, notes = copy(path, tmp_path / f"out{suffix}")
    assert not notes
    assert packets(output, 0) == packets(path, 0)


def test_data_is_left_out_by_name(tmp_path: Path) -> None:
    path = tmp_path / "timed.mov"
    clips.run(*PICTURE, *SOUND, *H264, "-timecode", "10:00:00:00", path)
    assert kinds(path) == ["video", "audio", "data"]
    output, notes = copy(path, tmp_path / "out.mov")
    assert kinds(output) == ["video", "audio"]
    assert notes == (Note("tracks_left_out", 1, "track 2 (data, tmcd): not kept in any result"),)


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".avi", ".webm", ".mp4", ".mov"])
@pytest.mark.parametrize("beside", [False, True])
def test_a_sound_without_samples_is_no_track(tmp_path: Path, suffix: str, beside: bool) -> None:
    path = tmp_path / f"empty{suffix}"
    coding: tuple[str, ...] = H264
    if suffix == ".webm":
        coding = ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus")
    elif suffix == ".avi":
        coding = ("-c:v", "mpeg4", "-c:a", "pcm_s16le")
    sounds = ("-map", "1", "-map", "1") if beside else ("-map", "1")
    drop = f"-bsf:a:{int(beside)}"
    pieces = ("-movflags", "+frag_keyframe+empty_moov") if suffix in {".mp4", ".mov"} else ()
    clips.run(
        *PICTURE, *SOUND, "-map", "0", *sounds, *coding, drop, "noise=drop=1", *pieces, path
    )  # fmt: skip
    assert kinds(path).count("audio") == 1 + beside
    output, notes = copy(path, tmp_path / f"out{suffix}")
    assert kinds(output) == ["video"] + ["audio"] * beside
    (note,) = notes
    assert (note.kind, note.count) == ("tracks_left_out", 1)
    assert note.text.startswith(f"track {1 + beside} (empty sound, ")


def test_a_sound_whose_index_is_empty_is_no_track(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.write_bytes(clips.without_samples(clips.make(folder, "sound").read_bytes(), b"soun"))
    assert kinds(path) == ["video", "audio"]
    output, notes = copy(path, tmp_path / "out.mp4")
    assert kinds(output) == ["video"]
    words = "track 1 (empty sound, aac): not kept in any result"
    assert notes == (Note("tracks_left_out", 1, words),)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".webm", ".avi", ".mov"])
def test_the_sound_of_a_phone_is_encoded_where_it_must_be(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "phone.mp4"
    sound = ("-c:a", "libopencore_amrnb", "-ar", "8000", "-ac", "1")
    clips.run(*PICTURE, *SOUND, *H264, *sound, "-f", "mov", path)
    output, notes = copy(path, tmp_path / f"out{suffix}")
    (track,) = VideoSource(output).media_info.audio
    if suffix == ".mov":
        assert track.codec == "amr_nb"
        assert notes == ()
        return
    coded = {".webm": "opus", ".avi": "pcm_s16le"}.get(suffix, "aac")
    assert track.codec == coded
    (note,) = notes
    assert (note.kind, note.count) == ("sound_encoded", 1)
    assert note.text.startswith(f"track 1 (sound, amr_nb): encoded to {coded}")
    with av.open(str(output)) as container:
        frames = list(container.decode(container.streams.audio[0]))
    length = sum(Fraction(frame.samples, frame.sample_rate) for frame in frames)
    assert length == pytest.approx(1.0, abs=0.3)


def test_what_is_cut_off_is_told(folder: Path, tmp_path: Path) -> None:
    path = clips.make_edited(
        clips.make(folder, "sound"), tmp_path / "cut.mp4", {"soun": [(0.5, 0.3)]}
    )
    _, notes = copy(path, tmp_path / "out.mp4")
    words = "track 1 (sound, aac): what its edit list cuts off is left out"
    assert notes == (Note("sound_trimmed", 1, words),)
    assert copy(path, tmp_path / "out.mp4", "drop")[1] == ()
    assert copy(clips.make(folder, "sound"), tmp_path / "out.mp4")[1] == ()


def _unknown(folder: Path) -> Path:
    path = folder / "unknown.mp4"
    clips.run("-i", clips.make(folder, "sound"), "-c", "copy", path)
    return with_unknown_sound(path, 0, 1)


def _tiny(folder: Path) -> Path:
    path = folder / "tiny.mp4"
    clips.run("-f", "lavfi", "-i", "testsrc=s=8x8:r=10:d=1", *H264, path)
    return path


def _thirds(folder: Path) -> Path:
    path = folder / "thirds.mp4"
    clips.run("-f", "lavfi", "-i", clips.PICTURE.replace("r=10", "r=30"), *H264, path)
    return path


def _two_videos(folder: Path) -> Path:
    path = folder / "two.mkv"
    clips.run(*PICTURE, *PICTURE, "-map", "0", "-map", "1", *H264, path)
    return path


def _subtitled(folder: Path, words: str) -> Path:
    text, path = folder / "words.srt", folder / "words.mkv"
    text.write_text(words)
    clips.run(*PICTURE, "-i", text, "-map", "0", "-map", "1", *H264, "-c:s", "srt", path)
    return path


def _overlapping(folder: Path) -> Path:
    cue = "{n}\n00:00:00,{n}00 --> 00:00:00,900\nword\n\n"
    return _subtitled(folder, cue.format(n=1) + cue.format(n=2))


def _plainly_subtitled(folder: Path) -> Path:
    return _subtitled(folder, "1\n00:00:00,100 --> 00:00:00,900\nword\n")


def _clip(name: str) -> Callable[[Path], Path]:
    return lambda folder: clips.make(folder, name)


def _picture(folder: Path) -> Path:
    path = folder / "picture.png"
    clips.run(*PICTURE, "-frames:v", "1", path)
    return path


KEEP_WORDS = {"extras": ("subtitles",)}
REFUSED: dict[str, tuple[Callable[[Path], Path], str, dict[str, object], str]] = {
    "sound that nobody decodes": (_unknown, ".mp4", {}, "its sound .qqqq.*--audio drop$"),
    "no container": (_clip("plain"), ".gif", {}, "no container"),
    "no encoder": (_clip("plain"), ".mp4", {"encoder": "best"}, "there is no encoder"),
    "encoder into a container": (_clip("plain"), ".avi", {"encoder": "hevc"}, "does not fit"),
    "quality": (_clip("plain"), ".mp4", {"encoder": "h264", "quality": 99}, "from 0 to 51"),
    "size": (_tiny, ".mp4", {"encoder": "hevc"}, "8x8"),
    "pixel format": (_clip("alpha"), ".mp4", {}, "pixel format yuva420p"),
    "fields": (_clip("interlaced"), ".mp4", {"encoder": "hevc"}, "interlaced"),
    "times": (_thirds, ".mkv", {}, "0.333 ms off"),
    "several videos": (_two_videos, ".mkv", {}, "2 video streams"),
    "subtitles into a container": (_plainly_subtitled, ".avi", KEEP_WORDS, "cannot keep its subti"),
    "subtitles that overlap": (_overlapping, ".mp4", KEEP_WORDS, "overlap"),
    "program": (_clip("plain"), ".mp4", {"ffmpeg": "nowhere"}, "no such ffmpeg program"),
    "kind of picture": (_picture, ".jpg", {}, "picture"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_header_tells_is_refused_before_any_analysis(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, suffix, choices, words = REFUSED[case]
    path, output = make(tmp_path), tmp_path / "out" / f"out{suffix}"
    output.parent.mkdir()
    recipe, ffmpeg = _recipe(choices)

    def analyse(*_: object) -> Plan:
        raise AssertionError("the analysis began")

    monkeypatch.setattr(api, "analyse", analyse)
    started = time.process_time()
    with pytest.raises(RedactError, match=words) as refused:
        api.redact_file(path, output, recipe, ffmpeg=ffmpeg)
    assert time.process_time() - started < 1
    assert refused.value.path is not None
    assert list(output.parent.iterdir()) == []


def _recipe(choices: dict[str, object]) -> tuple[Recipe, str | None]:
    said = {key: value for key, value in choices.items() if key != "ffmpeg"}
    ffmpeg = choices.get("ffmpeg")
    return replace(PROFILES["fast"], **said), None if ffmpeg is None else str(ffmpeg)  # type: ignore[arg-type]


def test_an_encoder_that_does_not_open_is_refused_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(*choices: object) -> Choice:
        return replace(choose_encoder(*choices), options={"preset": "none"})  # type: ignore[arg-type]

    path = clips.make(folder, "plain")
    monkeypatch.setattr(sinks, "choose_encoder", choose)
    with pytest.raises(EngineError, match="does not take pictures of 64x48"):
        formats.check_choices(VideoSource(path), PROFILES["fast"], tmp_path / "out.mp4")


@pytest.mark.parametrize("case", ["sound that nobody decodes", "times", "program"])
def test_render_refuses_at_once_too(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, suffix, choices, words = REFUSED[case]
    path = make(tmp_path)
    recipe, ffmpeg = _recipe(choices)
    source = VideoSource(path)
    plan = Plan(SourceId(source.fingerprint, source.info.size, 10), recipe)

    def find_copies(*_: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr(stages, "find_copies", find_copies)
    with pytest.raises(RedactError, match=words):
        api.render_file(path, tmp_path / f"out{suffix}", plan, ffmpeg=ffmpeg)


def test_sound_of_which_no_packet_says_that_it_stands_alone_is_kept(folder: Path) -> None:
    whole, path = folder / "keys.mkv", folder / "no_keys.mkv"
    clips.run(*PICTURE, *SOUND, *H264, "-c:a", "aac", whole)
    with av.open(str(whole)) as given, av.open(str(path), "w") as made:
        streams = {s.index: made.add_stream_from_template(s) for s in given.streams}
        for packet in given.demux():
            if packet.dts is not None:
                is_sound = packet.stream.type == "audio"
                packet.stream = streams[packet.stream.index]
                packet.is_keyframe = packet.is_keyframe and not is_sound
                made.mux(packet)
    with av.open(str(path)) as container:
        assert not any(p.is_keyframe for p in container.demux(container.streams.audio) if p.size)
    written, _ = copy(path, folder / "kept.mkv")
    assert packets(written, 0) == packets(path, 0) != []
