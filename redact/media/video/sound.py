"""The sound of a result: which packets of a source are played, and where each track comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, cast

import av
import ffmpeg
from av import Packet
from av.audio.stream import AudioStream

from redact.errors import EngineError, UnsupportedInputError
from redact.media.drafts import is_write_error
from redact.media.video.container import open_media
from redact.media.video.ffmpeg_program import file_url, run_program
from redact.media.video.iso_tracks import Edit
from redact.media.video.media_info import AudioTrack
from redact.media.video.packets import first_packet_time
from redact.media.video.presentation_times import begins_anew, timed
from redact.media.video.sound_headers import plain_header

WITHOUT_TIMES = ("adpcm", "pcm")
"""Codecs, by the beginnings of their names, of which MP4 and MOV keep no gap between samples."""


@dataclass(frozen=True, slots=True)
class CopiedTrack:
    """An audio track whose packets are copied.

    Args:
        path: The file that holds it; all that the track holds there is played.
        index: Its stream index there.
        start: Seconds at which the zero of that file belongs in the source.
    """

    path: Path
    index: int
    start: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class DecodedTrack:
    """An audio track, decoded or disguised, in a file of its own.

    Args:
        path: A lossless file whose first sample is at time zero.
        start: Seconds at which it belongs in the source.
        samples: How many there are.
        rate: Samples per second.
        codec: In which it is encoded, None for the container's usual one.
        bit_rate: Bits a second for the encoder, None for one without loss.
    """

    path: Path
    start: Fraction
    samples: int
    rate: int
    codec: str | None = None
    bit_rate: int | None = 64_000


def played_track(source: Path, track: AudioTrack, folder: Path) -> CopiedTrack | None:
    """The track, without what an edit list cuts off, and without words and data beside its samples.

    A packet is kept only if all that can be heard of it is played; what is played of others
    becomes silence.

    Args:
        source: The file that holds it.
        track: Which one.
        folder: A private one, for a copy of the packets where some are left out.

    Returns:
        Where to copy it from; None where no packet is kept.

    Raises:
        InputError: The source cannot be read.
        EngineError: The packets cannot be written.
        OSError: There is no space left.
    """
    found = CopiedTrack(source, track.index)
    if track.edits is not None:
        cut = _write_all_played(source, track, folder)
        if cut is None:
            return None
        found = cut
    return _plain_track(found, track.codec, folder) if track.plain else found


def _write_all_played(source: Path, track: AudioTrack, folder: Path) -> CopiedTrack | None:
    """A file of the packets that are played; None if there are none."""
    forms = ("mov", "mp4", "nut")  # each holds codecs that the others do not
    for form in reversed(forms) if track.codec.startswith(WITHOUT_TIMES) else forms:
        written = folder / f"played{track.index}.{form}"
        try:
            start = _write_played(source, track, written, form)
        except (av.FFmpegError, ValueError) as error:
            if is_write_error(error):
                raise
            problem = error
        else:
            return None if start is None else CopiedTrack(written, 0, start)
    raise EngineError(
        f"what is played of its sound ({track.codec}) cannot be written: {problem}",
        source,
        "choose --audio drop",
    )


def _write_played(source: Path, track: AudioTrack, written: Path, form: str) -> Fraction | None:
    """Write a file that begins with the first packet, and say when that is played."""
    packets = _played_packets(source, track)
    first = next(packets, None)
    if first is None or first.pts is None:
        return None
    start = first.pts
    with av.open(
        str(written.absolute()), "w", form, container_options={"fflags": "+bitexact"}
    ) as draft:
        stream: Any = draft.add_stream_from_template(cast(AudioStream, first.stream))
        for packet in chain((first,), packets):
            packet.pts = packet.dts = (packet.pts or 0) - start
            packet.stream = stream
            draft.mux(packet)
    return start * first.time_base


def _played_packets(source: Path, track: AudioTrack) -> Iterator[Packet[Any]]:
    """Packets of which nothing is left unplayed, at the times at which they are played."""
    last = None
    with open_media(source, whole=True) as container:
        stream: Any = container.streams[track.index]
        tick = stream.time_base
        for edit in track.edits or ():
            container.seek(int(edit.start / tick), stream=stream)
            for packet in container.demux(stream):
                if not packet.size or packet.pts is None:
                    continue
                start = packet.pts * tick
                if edit.end is not None and start >= edit.end:
                    break
                place = round((start - edit.start + edit.place) / tick)
                played = _is_played(edit, start, packet.duration * tick, track.codec)
                if played and (last is None or place > last):
                    packet.pts = packet.dts = last = place
                    yield packet


def _is_played(edit: Edit, start: Fraction, duration: Fraction, codec: str) -> bool:
    """Whether all that a packet holds lies within an edit."""
    overlap = 1 if codec.startswith(_ALONE) else 2
    return start >= edit.start and (edit.end is None or start + overlap * duration <= edit.end)


_ALONE = ("alac", "flac", "pcm")
"""Codecs whose packets hold nothing of the time of the next one; of others that is feared."""


def _plain_track(track: CopiedTrack, codec: str, folder: Path) -> CopiedTrack:
    """The track, or a copy of its packets if words or data come with them.

    Its header must have a plain form.
    """
    with open_media(track.path) as container:
        stream: Any = container.streams[track.index]
        header = stream.codec_context.extradata
        plain = plain_header(codec, header)
        matroska = container.format.name.startswith("matroska")
        beside = matroska and any(map(_says_more, container.demux(stream)))
    if plain == (header or b"") and not beside:
        return track
    # NUT holds any sound with any times, but not how many samples of an Opus packet are played
    written = folder / f"plain{track.index}{'.mkv' if matroska else '.nut'}"
    with open_media(track.path) as container, av.open(str(written.absolute()), "w") as draft:
        stream = container.streams[track.index]
        copy: Any = draft.add_stream_from_template(stream)
        copy.codec_context.extradata = plain
        for packet in container.demux(stream):
            if packet.size:
                draft.mux(_plain_packet(packet, copy))
    moved = first_packet_time(track.path, track.index) - first_packet_time(written, 0)
    return CopiedTrack(written, 0, track.start + moved)


def _says_more(packet: Any) -> bool:
    """Whether anything comes with a packet beside how much of its sound is played."""
    return any(data.data_type != _PLAYED for data in packet.iter_sidedata())


_PLAYED = "skip_samples"
"""What says how many samples of a packet are not played."""


def _plain_packet(packet: Any, stream: Any) -> Packet[Any]:
    made: Packet[Any] = Packet(bytes(packet))
    made.stream, made.time_base, made.duration = stream, packet.time_base, packet.duration
    made.pts, made.dts = packet.pts, packet.dts
    made.is_keyframe = True
    if packet.has_sidedata(_PLAYED):
        made.set_sidedata(packet.get_sidedata(_PLAYED))
    return made


def find_words(path: Path) -> list[str]:
    """What the sound of a file holds beside coded samples, in words.

    Raises:
        InputError: It cannot be read.
    """
    found = []
    with open_media(path) as container:
        for stream in container.streams.audio:
            context: Any = stream.codec_context
            name = "unknown" if context is None else context.codec.canonical_name
            header = b"" if context is None else context.extradata or b""
            if header and plain_header(name, header) != header:
                found.append("the header of its sound holds more than its decoder needs")
        tracks = container.streams.audio if container.format.name.startswith("matroska") else ()
        if tracks and any(map(_says_more, container.demux(tracks))):
            found.append("data comes with the packets of its sound")
    return found


def decode_track(
    track: CopiedTrack, rate: int, written: Path, program: Path, codec: str = "pcm_s16le"
) -> DecodedTrack:
    """Decode one track, to be encoded anew.

    Args:
        track: Where its sound is.
        rate: Samples per second.
        written: The file to write, in a private folder.
        program: The ffmpeg program.
        codec: How its samples are written.

    Raises:
        UnsupportedInputError: There is no sound in the track.
        EngineError: The program failed.
        OSError: There is no space left.
    """
    start, end = track_extent(track.path, track.index)
    command = wav_command(decoded_sound(track, rate), written, program, codec=codec)
    run_program(command, written)
    return DecodedTrack(written, track.start + start, round((end - start) * rate), rate)


def decoded_sound(track: CopiedTrack, rate: int) -> Any:
    """A track as a stream of ffmpeg-python: decoded, its first sample at zero, gaps filled."""
    sound = ffmpeg.input(file_url(track.path), protocol_whitelist="file", err_detect="explode")
    sound = sound[str(track.index)].filter("asetpts", "PTS-STARTPTS")
    return sound.filter("aresample", rate, **{"async": 1, "min_hard_comp": _SHORTEST_GAP})


_SHORTEST_GAP = 0.01
"""Seconds; more is filled, and less is the rounding of times, or a clock that trembles."""


def wav_command(sound: Any, written: Path, program: Path, codec: str = "pcm_s16le") -> list[str]:
    """The command that writes a stream of ffmpeg-python to a file, as samples of that codec."""
    output = ffmpeg.output(
        sound,
        file_url(written),
        f="wav",
        acodec=codec,
        rf64="auto",
        map_metadata=-1,
        fflags="+bitexact",
        flags="+bitexact",
    )
    spelled: list[str] = ffmpeg.compile(
        output.global_args("-nostdin", "-hide_banner", "-loglevel", "error", "-xerror"),
        cmd=os.fspath(program),
        overwrite_output=True,
    )
    return spelled


def track_extent(path: Path, index: int) -> tuple[Fraction, Fraction]:
    """Seconds at which a track's first sample begins and its last one ends.

    Raises:
        InputError: The file is damaged.
        UnsupportedInputError: There is no sound in the track.
    """
    start: Fraction | None = None
    end = Fraction(0)
    with open_media(path) as container:
        stream: Any = container.streams[index]
        for time, frame in timed(container.decode(stream)):
            start = time if start is None else start
            end = max(end, time + Fraction(frame.samples, frame.sample_rate))
    if start is None:
        raise UnsupportedInputError("its sound is empty", path, "choose --audio drop")
    return start, end


def played_seconds(path: Path, track: AudioTrack) -> Fraction:
    """Seconds from the first that is played of a track to the last.

    Raises:
        InputError: The file cannot be read.
    """
    first, last = _stored_extent(path, track.index)
    if track.edits is None:
        return last - first
    ends = [edit.place - edit.start + (edit.end or last) for edit in track.edits]
    return max(ends, default=last) - min((edit.place for edit in track.edits), default=last)


def stored_seconds(path: Path, index: int) -> Fraction:
    """Seconds from the first that a track holds, played or not, to the last.

    Raises:
        InputError: The file cannot be read.
    """
    first, last = _stored_extent(path, index)
    return last - first


def _stored_extent(path: Path, index: int) -> tuple[Fraction, Fraction]:
    """Where a track's packets begin and end, by the clock of its media.

    Where its times begin anew, what follows is behind what was there.
    """
    first, last = None, 0
    before, offset = 0, 0
    with open_media(path, whole=True) as container:
        stream: Any = container.streams[index]
        tick: Fraction = stream.time_base
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None:
                if first is not None and begins_anew(packet.pts * tick, before * tick):
                    offset = last - packet.pts
                before = packet.pts
                first = before + offset if first is None else min(first, before + offset)
                last = max(last, before + offset + (packet.duration or 0))
    return (first or 0) * tick, last * tick
