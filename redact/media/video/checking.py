"""Reads the muxed draft again: is it what was written, and nothing more?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer

from redact.core.edits.values import Mute
from redact.core.recipe import Extra
from redact.errors import InputError, VerificationError
from redact.media.video.container import open_media, video_stream
from redact.media.video.media_info import UNSPECIFIED, AudioTrack, MediaInfo
from redact.media.video.muting import find_sound_left
from redact.media.video.muxing import MuxJob
from redact.media.video.packets import first_packet_time
from redact.media.video.pixel_formats import layout_of
from redact.media.video.sound import (
    DecodedTrack,
    find_words,
    played_seconds,
    stored_seconds,
    track_extent,
)
from redact.media.video.sound_times import copy_apart, result_apart
from redact.media.video.source import VideoSource
from redact.media.video.subtitles import (
    SUBTITLE_CODECS,
    expected_payloads,
    read_cues,
    read_payloads,
)
from redact.media.video.timing import IN_STEP, other_container
from redact.media.video.tracks import AUDIO_CODECS

_TAGS = {
    "alpha_mode", "compatible_brands", "duration", "encoder", "handler_name", "language",
    "major_brand", "minor_version", "service_name", "service_provider", "vendor_id",
}  # fmt: skip
"""Metadata tags that muxers and demuxers add themselves."""


def check_result(job: MuxJob, times: Sequence[Fraction]) -> None:
    """Compare the finished draft with what was asked for.

    Args:
        job: What was muxed.
        times: Seconds at which each frame is to be shown, ascending.

    Raises:
        VerificationError: Frames, times, shape, colour or streams differ.
    """
    try:
        found = VideoSource(job.written)
        shown = presentation_times(job.written)
        _check_times([time - job.timing.offset for time in times], shown, job)
        shift = shown[0] - times[0]
        _check_details(found.media_info, job)
        _check_streams(job)
        _check_sounds(job, shift)
        _check_mutes(job, shift)
        _check_only_played(job, found.media_info)
        _check_subtitles(job)
    except InputError as error:
        raise VerificationError(f"the result cannot be read: {error.problem}") from error


def presentation_times(path: Path) -> list[Fraction]:
    """Presentation times of all video packets that are to be shown, in seconds, ascending."""
    times = []
    with open_media(path) as container:
        stream = video_stream(container, path)
        for packet in container.demux(stream):
            if packet.size and not packet.is_discard:
                time = packet.dts if packet.pts is None else packet.pts  # AVI has no pts
                if time is None:
                    raise VerificationError("a frame of the result has no time")
                times.append(time * packet.time_base)
    return sorted(times)


def _check_times(wanted: Sequence[Fraction], found: Sequence[Fraction], job: MuxJob) -> None:
    if len(found) != len(wanted):
        raise VerificationError(
            f"the result has {len(found)} frames instead of {len(wanted)}",
            remedy=other_container(job.choice.container),
        )
    constant = found[0] - wanted[0] if job.timing.free_start else Fraction(0)
    worst = max(abs(a + constant - b) for a, b in zip(wanted, found, strict=True))
    if worst:
        refused = job.timing.refused(worst)
        raise VerificationError(refused.problem, remedy=refused.remedy)


def _check_details(found: MediaInfo, job: MuxJob) -> None:
    for name, wanted, kept in compare_media_info(job.media_info, found):
        if wanted != kept:
            raise VerificationError(
                f"{job.choice.container} did not keep the {name}: {kept} instead of {wanted}",
                remedy=other_container(job.choice.container),
            )


def compare_media_info(source: MediaInfo, found: MediaInfo) -> list[tuple[str, object, object]]:
    """What a result must keep: for each property its name, the source's and the result's value."""
    pairs: list[tuple[str, object, object]] = [
        ("size", source.turn.upright_size(source.size), found.turn.upright_size(found.size)),
        ("rotation", source.turn, found.turn),
        ("pixel shape", source.aspect or Fraction(1), found.aspect or Fraction(1)),
        ("range", source.colour.full_range, found.colour.full_range),
        ("pixel format", True, _can_hold(found.pixel_format, source.pixel_format)),
        ("fields", source.interlaced, found.interlaced),
    ]
    for name in ("primaries", "transfer", "matrix"):
        wanted = getattr(source.tags, name)
        if wanted != UNSPECIFIED:
            pairs.append((name, wanted, getattr(found.tags, name)))
    return pairs


def _can_hold(found: str, source: str) -> bool:
    kept, wanted = layout_of(found), layout_of(source)
    return kept is not None and wanted is not None and kept.can_hold(wanted)


def _check_sounds(job: MuxJob, shift: Fraction) -> None:
    """Check that each track lies where the original does.

    It begins then. Each packet that was copied lies where it was, and encoded sound ends in time.

    An encoder's priming may come before, and what fills its last packet behind.

    Args:
        job: What was muxed.
        shift: Seconds by which the result's pictures are later than the source's.
    """
    rounding = IN_STEP if job.choice.container == "avi" else _ROUNDING
    for number, sound in enumerate(job.sounds):
        begins, priming = shift + sound.start, Fraction(0)
        if isinstance(sound, DecodedTrack):
            priming = _PRIMING / sound.rate
        else:
            begins += first_packet_time(sound.path, sound.index)
            gap = copy_apart((sound.path, sound.index), (job.written, 1 + number))
            if gap > IN_STEP:
                refused = job.timing.refused(Fraction(gap), what="some of its sound")
                raise VerificationError(refused.problem, remedy=refused.remedy)
        off = first_packet_time(job.written, 1 + number) - begins
        if not -priming - rounding <= off <= rounding:
            refused = job.timing.refused(abs(off), what="its sound")
            raise VerificationError(refused.problem, remedy=refused.remedy)
        if isinstance(sound, DecodedTrack):
            end = begins + Fraction(sound.samples, sound.rate)
            if abs(track_extent(job.written, 1 + number)[1] - end) > 2 * priming + rounding:
                raise VerificationError("its sound does not end where the original does")


_ROUNDING = Fraction(2, 1000)
"""Seconds by which the clocks of source and result may round the time of a packet."""


def _check_mutes(job: MuxJob, shift: Fraction) -> None:
    """Check that spans that were silenced are silent in the result."""
    if not job.mutes:
        return
    for number, (track, sound) in enumerate(zip(job.tracks, job.sounds, strict=True)):
        assert isinstance(sound, DecodedTrack)
        codec = sound.codec or AUDIO_CODECS[job.choice.container]
        found = find_sound_left(job.written, 1 + number, job.mutes, shift, codec)
        if found:
            raise VerificationError(f"{found[0]} in track {track.index}")


_PRIMING = Fraction(1152)
"""Samples that an encoder puts before the first one, or with which it fills its last packet: one
packet of MP3, of which its usual encoder takes 1105."""


def _check_only_played(job: MuxJob, found: MediaInfo) -> None:
    """Check that no track holds more than is played of the original's."""
    if len(found.audio) != len(job.tracks):
        raise VerificationError("a track of its sound is empty in the result")
    for track, written in zip(job.tracks, found.audio, strict=True):
        wanted = played_seconds(job.source, track)
        if _holds_unplayed(job.written, written, wanted):
            raise VerificationError("the result holds sound that is not played")


def _holds_unplayed(path: Path, track: AudioTrack, most: Fraction) -> bool:
    """Whether an edit list cuts off some of a result's track, or it lasts longer than it may."""
    priming = _PRIMING / max(1, track.rate)
    stored = stored_seconds(path, track.index)
    hidden = Fraction(0) if track.edits is None else stored - played_seconds(path, track)
    return (
        hidden > priming or len(track.edits or ()) > 1 or stored > most + 2 * priming
    )  # what does not last longer than priming may be that


def _check_streams(job: MuxJob) -> None:
    with open_media(job.written) as container:
        kinds = sorted(stream.type for stream in container.streams)
        wanted = ["audio"] * len(job.tracks) + ["subtitle"] * len(job.subtitles) + ["video"]
        if kinds != wanted:
            raise VerificationError(f"the result holds other streams than asked for: {kinds}")
        if container.chapters():
            raise VerificationError("the result holds chapters")
        said, languages = stream_languages(container), job.stream_languages
        if said != languages:
            raise VerificationError(
                f"{job.choice.container} did not keep the languages: {said} instead of {languages}",
                remedy=_or_leave_out(other_container(job.choice.container), "languages"),
            )
        tags = unlisted_tags(container)
    if tags:
        raise VerificationError(f"the result holds a tag that was not asked for: {tags[0]}")
    words = find_words(job.written)
    if words:
        raise VerificationError(f"the result is not plain: {words[0]}", remedy="try --audio drop")


def _check_subtitles(job: MuxJob) -> None:
    """Check that each cue's text and times are what was read from the source."""
    for number, words in enumerate(job.subtitles):
        codec = SUBTITLE_CODECS[job.choice.container]
        found = read_payloads(job.written, number, codec)
        if found != expected_payloads(words.cues, codec, job.timing.offset):
            raise VerificationError(
                f"{job.choice.container} did not keep the subtitles",
                remedy=_or_leave_out(
                    None if job.choice.container == "matroska" else "name the output .mkv",
                    "subtitles",
                ),
            )


def _or_leave_out(advice: str | None, extra: Extra) -> str:
    """What to do where an extra is not kept: another container, if one is named, or no extra."""
    without = f"leave --keep {extra} out"
    return without if advice is None else f"{advice}, or {without}"


def stream_languages(container: InputContainer) -> list[str | None]:
    """The language tag of each stream, None for none."""
    return [None if s.language in {None, "und"} else s.language for s in container.streams]


def unlisted_tags(container: InputContainer) -> list[str]:
    """Keys of metadata tags that muxers do not add themselves."""
    everything = [container.metadata, *(stream.metadata for stream in container.streams)]
    keys = {key for tags in everything for key in tags}
    return sorted(key for key in keys if key.lower() not in _TAGS)


def find_faults(
    source: VideoSource,
    output: VideoSource,
    extras: Collection[Extra] | None = None,
    mutes: Sequence[Mute] = (),
) -> list[str]:
    """What is wrong with the structure of a finished file, in words.

    Args:
        source: The original.
        output: The finished file.
        extras: What was kept beside pictures and sound, None if that is not known.
        mutes: Spans of the sound that must be silent, or a tone.
    """
    found = [
        f"the {name} is {kept}, not {wanted}"
        for name, wanted, kept in compare_media_info(source.media_info, output.media_info)
        if wanted != kept
    ]
    with open_media(output.path) as container:
        kinds = [stream.type for stream in container.streams]
        kept = {"audio", "video"} | ({"subtitle"} if "subtitles" in (extras or ()) else set())
        found += [f"it holds a stream of {k}" for k in kinds if k not in kept]
        found += ["it holds more than one video"] if kinds.count("video") > 1 else []
        if kinds.count("audio") > len(source.media_info.audio):
            found.append("it holds more sound than the source")
        most = max((played_seconds(source.path, t) for t in source.media_info.audio), default=0)
        if any(_holds_unplayed(output.path, t, Fraction(most)) for t in output.media_info.audio):
            found.append("it holds sound that is not played")
        found += ["it holds chapters"] if container.chapters() else []
        found += [f"it holds a tag that is not allowed: {key}" for key in unlisted_tags(container)]
        found += find_words(output.path)
        if extras is not None and "languages" not in extras and any(stream_languages(container)):
            found.append("it says a language")
    shift = _first_time(output) - _first_time(source) if output.media_info.audio else Fraction(0)
    found += _sound_apart(source, output, shift)
    if mutes:
        for track in output.media_info.audio:
            found += find_sound_left(output.path, track.index, mutes, shift, track.codec)
    return found + (_subtitle_faults(source, output) if "subtitles" in (extras or ()) else [])


def _sound_apart(source: VideoSource, output: VideoSource, shift: Fraction) -> list[str]:
    """Compare where each track lies, beside the pictures and apart from an encoder's priming."""
    wanted = [track for track in source.media_info.audio if track.rate]
    tracks = output.media_info.audio
    if len(tracks) != len(wanted):
        return []  # nobody knows which was left out
    for was, track in zip(wanted, tracks, strict=True):
        if was.start is None or track.start is None or was.edits is not None:
            continue  # of an edit list, the first packet of which all is played may come later
        off = abs(track.start - was.start - shift)
        allowed = IN_STEP + 2 * _PRIMING / max(1, track.rate)
        if off > allowed:
            return [f"its sound is {float(off):.3f} s apart from its pictures"]
        one, other = (source.path, was.index), (output.path, track.index)
        gap = result_apart(one, other, same_codec=was.codec == track.codec)
        if gap > allowed:
            return [f"some of its sound is {gap:.3f} s apart from its pictures"]
    return []


def _first_time(video: VideoSource) -> Fraction:
    """When the first frame is shown, as packets do not always tell."""
    return next(video.frames()).time


def _subtitle_faults(source: VideoSource, output: VideoSource) -> list[str]:
    """Compare the subtitles of a finished file with its source's, apart from the start time."""
    wanted = [cues for t in source.media_info.subtitles if (cues := read_cues(source.path, t))]
    tracks = output.media_info.subtitles
    if len(tracks) != len(wanted):
        return [f"it holds {len(tracks)} tracks of subtitles, not {len(wanted)}"]
    for number, (track, cues) in enumerate(zip(tracks, wanted, strict=True)):
        if track.codec not in SUBTITLE_CODECS.values():
            return [f"its subtitles are {track.codec}"]
        found = read_payloads(output.path, number, track.codec)
        offset = cues[0].start - found[0][0] if found else Fraction(0)
        if found != expected_payloads(cues, track.codec, offset) or (
            offset and not _may_shift(source, output)
        ):
            return ["its subtitles are not those of its source"]
    return []


def _may_shift(source: VideoSource, output: VideoSource) -> bool:
    """Whether all times may be shifted: between MPEG's streams and files, or up to time 0."""
    mpeg = any(v.media_info.container.startswith("mpeg") for v in (source, output))
    return mpeg or source.media_info.early > 0
