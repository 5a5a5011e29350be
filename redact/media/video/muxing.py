"""The finishing command of ffmpeg: muxes the draft with sound and subtitles, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg
import imageio_ffmpeg

from redact.core.edits.values import Mute
from redact.core.geometry import Turn
from redact.errors import MissingEngineError
from redact.media.video.encoders import Choice
from redact.media.video.ffmpeg_program import file_url, run_program
from redact.media.video.media_info import AudioTrack, MediaInfo
from redact.media.video.pixel_formats import layout_of
from redact.media.video.sound import CopiedTrack, DecodedTrack
from redact.media.video.subtitles import SubtitleFile
from redact.media.video.timing import Timing
from redact.media.video.tracks import AUDIO_CODECS


@dataclass(frozen=True, slots=True)
class MuxJob:
    """One run of the finishing command.

    Args:
        pictures: The draft, in which the first frame is at zero.
        source: The original.
        written: What the command writes.
        first: Seconds at which the first frame is shown.
        choice: The container and the encoder.
        media_info: Of the source.
        tracks: Which audio streams are kept.
        timing: How times are carried over.
        sounds: Where each of these tracks comes from.
        subtitles: Subtitle tracks, written anew.
        languages: Whether streams have a language tag.
        mutes: Spans of the sound that are silent, or a tone.
    """

    pictures: Path
    source: Path
    written: Path
    first: Fraction
    choice: Choice
    media_info: MediaInfo
    tracks: tuple[AudioTrack, ...]
    timing: Timing
    sounds: tuple[CopiedTrack | DecodedTrack, ...]
    subtitles: tuple[SubtitleFile, ...] = ()
    languages: bool = False
    mutes: tuple[Mute, ...] = ()

    @property
    def stream_languages(self) -> list[str | None]:
        """The language tag of each of the result's streams, in their order."""
        heard = [track.language for track in self.tracks]
        said = [
            self.media_info.language,
            *heard,
            *(subtitles.language for subtitles in self.subtitles),
        ]
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


def mux(job: MuxJob, program: Path) -> None:
    """Run the finishing command.

    Raises:
        EngineError: The program failed, was killed or hangs.
        OSError: There is no space left.
    """
    run_program(mux_command(job, program), job.written)


def mux_command(job: MuxJob, program: Path) -> list[str]:
    """The finishing command as a list of arguments.

    Timestamps are the source's own (`copyts`), so that sound and pictures stay in sync.
    """
    pictures = ffmpeg.input(file_url(job.pictures), **_input_options(job.first - job.timing.offset))
    streams = [pictures["v:0"]]
    inputs: dict[Path, Any] = {}
    for sound in job.sounds:
        options = _input_options(sound.start - job.timing.offset)
        read = inputs.setdefault(sound.path, ffmpeg.input(file_url(sound.path), **options))
        streams.append(read[str(sound.index if isinstance(sound, CopiedTrack) else 0)])
    streams += [
        ffmpeg.input(file_url(w.path), **_input_options(-job.timing.offset)) for w in job.subtitles
    ]
    output = ffmpeg.output(*streams, file_url(job.written), **_output_options(job))
    spelled: list[str] = ffmpeg.compile(
        output.global_args(*_GLOBAL), cmd=str(program), overwrite_output=True
    )  # it overwrites nothing but the draft
    return spelled


_GLOBAL = ("-nostdin", "-hide_banner", "-loglevel", "error", "-copyts")


def _input_options(offset: Fraction) -> dict[str, Any]:
    seconds = f"{float(offset):.6f}"
    return {"protocol_whitelist": "file", "itsoffset": seconds}


def _output_options(job: MuxJob) -> dict[str, Any]:
    return {
        "f": job.choice.container,
        "c": "copy",
        "copyinkf:a": None,  # of some recordings no packet of sound says that it stands alone
        "map_metadata": -1,
        "map_chapters": -1,
        "fflags": "+bitexact",
        "flags": "+bitexact",
        "avoid_negative_ts": "disabled",
        **_sound_options(job),
        **(
            _MUXER_OPTIONS[job.choice.container](job)
            if job.choice.container in _MUXER_OPTIONS
            else {}
        ),
        **_language_tags(job),
    }


def _sound_options(job: MuxJob) -> dict[str, str]:
    usual = AUDIO_CODECS[job.choice.container]
    decoded = {n: sound for n, sound in enumerate(job.sounds) if isinstance(sound, DecodedTrack)}
    codecs = {f"c:a:{n}": sound.codec or usual for n, sound in decoded.items()}
    if job.choice.container == "mp4":  # where the encoder's 24 bits would be called 32
        codecs = {n: codec.replace("pcm_s24", "pcm_s32") for n, codec in codecs.items()}
    rates = {f"b:a:{n}": str(sound.bit_rate) for n, sound in decoded.items() if sound.bit_rate}
    return codecs | rates


def _language_tags(job: MuxJob) -> dict[str, str]:
    return {
        f"metadata:s:{n}": f"language={code}" for n, code in enumerate(job.stream_languages) if code
    }


def _mov_options(job: MuxJob) -> dict[str, Any]:
    scale = job.media_info.time_base.denominator
    return {
        "movflags": "+faststart",
        "video_track_timescale": scale,
        "movie_timescale": max(scale, 1000),  # in which a late beginning is written
        "write_tmcd": 0,
        "empty_hdlr_name": 1,
    }


def _matroska_options(job: MuxJob) -> dict[str, Any]:
    layout = layout_of(job.choice.pixel_format)
    opacity = job.choice.encoder.codec == "vp9" and layout is not None and layout.alpha
    return {"metadata:s:v:0": "alpha_mode=1"} if opacity else {}


def _mpegts_options(job: MuxJob) -> dict[str, Any]:
    return {"mpegts_copyts": 1, "muxdelay": 0, "muxpreload": 0, **_bitstream_filters(job)}


def _avi_options(job: MuxJob) -> dict[str, Any]:
    rate = {"r:v": str(job.media_info.rate)} if job.media_info.rate else {}
    return {**rate, **_bitstream_filters(job)}


def _bitstream_filters(job: MuxJob) -> dict[str, Any]:
    """Bitstream filters for containers without a global header (Annex B), with rotation inside."""
    codec, turn = job.choice.encoder.codec, job.media_info.turn
    filters = [f"{codec}_mp4toannexb"] if codec in {"h264", "hevc"} else []
    if codec == "h264" and turn != Turn():
        flip = ":flip=horizontal" if turn.mirrored else ""
        filters.append(
            f"h264_metadata=display_orientation=insert:rotate={turn.quarters * -90 % 360}{flip}"
        )
    return {"bsf:v": ",".join(filters)} if filters else {}


_MUXER_OPTIONS: dict[str, Callable[[MuxJob], dict[str, Any]]] = {
    "avi": _avi_options,
    "matroska": _matroska_options,
    "mov": _mov_options,
    "mp4": _mov_options,
    "mpegts": _mpegts_options,
    "webm": _matroska_options,
}
