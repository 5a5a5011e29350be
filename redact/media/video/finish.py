"""The finishing command: pictures from the draft, sound from the source, and nothing else."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import ffmpeg
import imageio_ffmpeg

from redact.core.geometry import Turn
from redact.errors import MissingEngineError, UnsupportedInputError
from redact.media.video.clocks import Clock
from redact.media.video.details import AudioTrack, Details
from redact.media.video.encoders import FORMATS, Choice
from redact.media.video.pixels import layout_of
from redact.media.video.running import address, run_program
from redact.media.video.subtitles import Words
from redact.media.video.voices import CODECS, Sound


@dataclass(frozen=True, slots=True)
class Job:
    """One run of the finishing command.

    Args:
        pictures: The draft, in which the first frame is at zero.
        source: Where the sound is taken from.
        written: What the command writes.
        first: Seconds at which the first frame is shown.
        choice: The container and the encoder.
        details: Of the source.
        tracks: Which sound streams are kept.
        clock: How times are carried over.
        sounds: Their disguises, None to copy them.
        words: Subtitles, written anew.
        languages: Whether streams say what language they are in.
    """

    pictures: Path
    source: Path
    written: Path
    first: Fraction
    choice: Choice
    details: Details
    tracks: tuple[AudioTrack, ...]
    clock: Clock
    sounds: tuple[Sound, ...] | None = None
    words: tuple[Words, ...] = ()
    languages: bool = False

    @property
    def spoken(self) -> list[str | None]:
        """The language that each of the result's streams says, in their order."""
        heard = [track.language for track in self.tracks]
        said = [self.details.language, *heard, *(words.language for words in self.words)]
        return said if self.languages else [None] * len(said)


def find_program(asked: Path | None = None) -> Path:
    """The ffmpeg program that is asked for, or the one that is installed with redact.

    Raises:
        MissingEngineError: There is none.
    """
    try:
        found = Path(asked if asked is not None else imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise MissingEngineError("there is no ffmpeg program", remedy=_INSTALL) from error
    if not found.is_file():
        raise MissingEngineError("there is no such ffmpeg program", found, _INSTALL)
    return found


_INSTALL = "install imageio-ffmpeg, or name another program"


def check_audio(tracks: tuple[AudioTrack, ...], container: str, path: Path) -> None:
    """Refuse sound that the container cannot hold as it is.

    Raises:
        UnsupportedInputError: A stream's codec does not fit.
    """
    for track in tracks:
        if not _fits(track.codec, container):
            raise _unfit(track.codec, container, path)


def _unfit(codec: str, container: str, path: Path) -> UnsupportedInputError:
    others = [name for name in (".mkv", ".mov") if FORMATS[name] != container]
    return UnsupportedInputError(
        f"its sound ({codec}) cannot be copied into {container}",
        path,
        f"choose --audio drop, or name the output {' or '.join(others)}",
    )


def _fits(codec: str, container: str) -> bool:
    if container == "mpegts":  # whose muxer takes anything, as private data that nobody plays
        return codec in _TRANSPORT_SOUND
    if container == "matroska" and _fits(codec, "avi"):
        return True  # it takes what AVI takes, under the same numbers
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            trial.add_mux_stream(codec)
    except (ValueError, av.FFmpegError):
        return False
    return True


_TRANSPORT_SOUND = {
    "aac", "aac_latm", "ac3", "dts", "eac3", "mp1", "mp2", "mp3", "opus", "pcm_bluray", "truehd",
}  # fmt: skip


def finish(job: Job, program: Path) -> None:
    """Run the finishing command.

    Raises:
        EngineError: The program failed, was killed or hangs.
        OSError: There is no space left.
    """
    run_program(command(job, program), job.written)


def command(job: Job, program: Path) -> list[str]:
    """The finishing command, spelled out.

    Every time is the source's own (`copyts`), so that sound and pictures keep their distance.
    """
    pictures = ffmpeg.input(address(job.pictures), **_input(job.first - job.clock.shift))
    streams = [pictures["v:0"]]
    if job.sounds is not None:
        shift = job.clock.shift
        streams += [ffmpeg.input(address(s.path), **_input(s.start - shift)) for s in job.sounds]
    elif job.tracks:
        sound = ffmpeg.input(address(job.source), **_input(-job.clock.shift))
        streams += [sound[str(track.index)] for track in job.tracks]
    streams += [ffmpeg.input(address(w.path), **_input(-job.clock.shift)) for w in job.words]
    output = ffmpeg.output(*streams, address(job.written), **_output(job))
    spelled: list[str] = ffmpeg.compile(
        output.global_args(*_GLOBAL), cmd=str(program), overwrite_output=True
    )  # it overwrites nothing but the draft
    return spelled


_GLOBAL = ("-nostdin", "-hide_banner", "-loglevel", "error", "-copyts")


def _input(offset: Fraction) -> dict[str, Any]:
    seconds = f"{float(offset):.6f}"
    return {"protocol_whitelist": "file", "itsoffset": seconds}


def _output(job: Job) -> dict[str, Any]:
    return {
        "f": job.choice.format,
        "c": "copy",
        "map_metadata": -1,
        "map_chapters": -1,
        "fflags": "+bitexact",
        "flags": "+bitexact",
        "avoid_negative_ts": "disabled",
        **({"c:a": CODECS[job.choice.format], "b:a": "64k"} if job.sounds else {}),
        **(_MUXERS[job.choice.format](job) if job.choice.format in _MUXERS else {}),
        **_languages(job),
    }


def _languages(job: Job) -> dict[str, str]:
    return {f"metadata:s:{n}": f"language={code}" for n, code in enumerate(job.spoken) if code}


def _quicktime(job: Job) -> dict[str, Any]:
    scale = job.details.time_base.denominator
    return {
        "movflags": "+faststart",
        "video_track_timescale": scale,
        "movie_timescale": max(scale, 1000),  # in which a late beginning is written
        "write_tmcd": 0,
        "empty_hdlr_name": 1,
    }


def _matroska(job: Job) -> dict[str, Any]:
    layout = layout_of(job.choice.pixels)
    opacity = job.choice.encoder.codec == "vp9" and layout is not None and layout.alpha
    return {"metadata:s:v:0": "alpha_mode=1"} if opacity else {}


def _transport(job: Job) -> dict[str, Any]:
    return {"mpegts_copyts": 1, "muxdelay": 0, "muxpreload": 0, **_filters(job)}


def _interleave(job: Job) -> dict[str, Any]:
    rate = {"r:v": str(job.details.rate)} if job.details.rate else {}
    return {**rate, **_filters(job)}


def _filters(job: Job) -> dict[str, Any]:
    """Packets as a stream without headers needs them, rotation inside."""
    codec, turn = job.choice.encoder.codec, job.details.turn
    filters = [f"{codec}_mp4toannexb"] if codec in {"h264", "hevc"} else []
    if codec == "h264" and turn != Turn():
        flip = ":flip=horizontal" if turn.mirrored else ""
        filters.append(
            f"h264_metadata=display_orientation=insert:rotate={turn.quarters * -90 % 360}{flip}"
        )
    return {"bsf:v": ",".join(filters)} if filters else {}


_MUXERS: dict[str, Callable[[Job], dict[str, Any]]] = {
    "avi": _interleave,
    "matroska": _matroska,
    "mov": _quicktime,
    "mp4": _quicktime,
    "mpegts": _transport,
    "webm": _matroska,
}
