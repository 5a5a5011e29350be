"""The finished draft, read again: is it what was written, and nothing more?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer

from redact.core.recipe import Extra
from redact.errors import InputError, VerificationError
from redact.media.video.details import UNSPECIFIED, Details
from redact.media.video.finish import Job
from redact.media.video.h264 import IDR_SLICE, SLICE, kinds_of
from redact.media.video.opening import open_media, picture_stream
from redact.media.video.pixels import layout_of
from redact.media.video.source import VideoSource
from redact.media.video.subtitles import CODECS, cues_of, packed, packed_cues
from redact.media.video.voices import RATE, extent

_TAGS = {
    "alpha_mode", "compatible_brands", "duration", "encoder", "handler_name", "language",
    "major_brand", "minor_version", "service_name", "service_provider", "vendor_id",
}  # fmt: skip
"""Tags that containers and their readers make up themselves."""


def check_result(job: Job, times: Sequence[Fraction]) -> None:
    """Compare the finished draft with what was asked for.

    Args:
        job: What was finished.
        times: Seconds at which each frame is to be shown, ascending.

    Raises:
        VerificationError: Frames, times, shape, colour or streams differ.
    """
    try:
        found = VideoSource(job.written)
        _check_times([time - job.clock.shift for time in times], shown_times(job.written), job)
        _check_details(found.details, job)
        _check_streams(job)
        _check_sounds(job)
        _check_words(job)
    except InputError as error:
        raise VerificationError(f"the result cannot be read: {error.problem}") from error


def shown_times(path: Path) -> list[Fraction]:
    """Times of all video packets that are to be shown, ascending."""
    times = []
    with open_media(path) as container:
        stream = picture_stream(container, path)
        for packet in container.demux(stream):
            if packet.size and not packet.is_discard:
                place = packet.dts if packet.pts is None else packet.pts  # AVI has places only
                if place is None:
                    raise VerificationError("a frame of the result has no time")
                times.append(place * packet.time_base)
    return sorted(times)


def check_units(path: Path) -> None:
    """Refuse H.264 packets that hold anything but coded slices: what was copied was cleaned.

    Raises:
        VerificationError: There is a message, a parameter set, or something unknown in a packet.
    """
    with open_media(path) as container:
        for packet in container.demux(picture_stream(container, path)):
            if not kinds_of(bytes(packet)) <= {SLICE, IDR_SLICE}:
                raise VerificationError("the result holds more than coded pictures")


def _check_times(wanted: Sequence[Fraction], found: Sequence[Fraction], job: Job) -> None:
    if len(found) != len(wanted):
        raise VerificationError(
            f"the result has {len(found)} frames instead of {len(wanted)}", remedy=_OTHER_CONTAINER
        )
    constant = found[0] - wanted[0] if job.clock.free_start else Fraction(0)
    worst = max(abs(a + constant - b) for a, b in zip(wanted, found, strict=True))
    if worst:
        raise VerificationError(job.clock.refused(worst).problem, remedy=_OTHER_CONTAINER)


_OTHER_CONTAINER = "name the output .mp4 or .mov"


def _check_details(found: Details, job: Job) -> None:
    for name, wanted, kept in kept_of(job.details, found):
        if wanted != kept:
            raise VerificationError(
                f"{job.choice.format} did not keep the {name}: {kept} instead of {wanted}",
                remedy=_OTHER_CONTAINER,
            )


def kept_of(source: Details, found: Details) -> list[tuple[str, object, object]]:
    """What a result must keep: its name, the source's value and the result's."""
    pairs: list[tuple[str, object, object]] = [
        ("size", source.turn.upright_size(source.size), found.turn.upright_size(found.size)),
        ("rotation", source.turn, found.turn),
        ("pixel shape", source.aspect or Fraction(1), found.aspect or Fraction(1)),
        ("range", source.colour.full_range, found.colour.full_range),
        ("pixel format", True, _holds(found.pixels, source.pixels)),
        ("fields", source.interlaced, found.interlaced),
    ]
    for name in ("primaries", "transfer", "matrix"):
        wanted = getattr(source.tags, name)
        if wanted != UNSPECIFIED:
            pairs.append((name, wanted, getattr(found.tags, name)))
    return pairs


def _holds(found: str, source: str) -> bool:
    kept, wanted = layout_of(found), layout_of(source)
    return kept is not None and wanted is not None and kept.holds(wanted)


def _check_sounds(job: Job) -> None:
    """Disguised sound begins and ends with the original's, but for a packet that primes it."""
    for number, sound in enumerate(job.sounds or ()):
        start, end = extent(job.written, 1 + number)
        wanted = sound.start - job.clock.shift
        if job.clock.free_start:
            start, end, wanted = Fraction(0), end - start, Fraction(0)
        length = Fraction(sound.samples, RATE)
        if abs(start - wanted) > _PRIMING or abs(end - wanted - length) > 2 * _PRIMING:
            raise VerificationError("the disguised sound is not where the original was")


_PRIMING = Fraction(1100, RATE)


def _check_streams(job: Job) -> None:
    with open_media(job.written) as container:
        kinds = sorted(stream.type for stream in container.streams)
        wanted = ["audio"] * len(job.tracks) + ["subtitle"] * len(job.words) + ["video"]
        if kinds != wanted:
            raise VerificationError(f"the result holds other streams than asked for: {kinds}")
        if container.chapters():
            raise VerificationError("the result holds chapters")
        said = languages_of(container)
        if said != job.spoken:
            raise VerificationError(
                f"{job.choice.format} did not keep the languages: {said} instead of {job.spoken}",
                remedy=f"{_OTHER_CONTAINER}, or leave --keep languages out",
            )
        tags = unlisted_tags(container)
    if tags:
        raise VerificationError(f"the result holds a tag that was not asked for: {tags[0]}")


def _check_words(job: Job) -> None:
    """Each cue's letters and times are what was read from the source, byte by byte."""
    for number, words in enumerate(job.words):
        codec = CODECS[job.choice.format]
        found = packed_cues(job.written, number, codec)
        if found != packed(words.cues, codec, job.clock.shift):
            raise VerificationError(
                f"{job.choice.format} did not keep the subtitles",
                remedy="name the output .mkv, or leave --keep subtitles out",
            )


def languages_of(container: InputContainer) -> list[str | None]:
    """The language that each stream says, None for none."""
    return [None if s.language in {None, "und"} else s.language for s in container.streams]


def unlisted_tags(container: InputContainer) -> list[str]:
    """Keys of tags that containers do not make up themselves."""
    everything = [container.metadata, *(stream.metadata for stream in container.streams)]
    keys = {key for tags in everything for key in tags}
    return sorted(key for key in keys if key.lower() not in _TAGS)


def faults(
    source: VideoSource, output: VideoSource, extras: Collection[Extra] | None = None
) -> list[str]:
    """What is wrong with the structure of a finished file, in words.

    Args:
        source: The original.
        output: The finished file.
        extras: What was kept beside pictures and sound; None if that is not known.
    """
    found = [
        f"the {name} is {kept}, not {wanted}"
        for name, wanted, kept in kept_of(source.details, output.details)
        if wanted != kept
    ]
    with open_media(output.path) as container:
        kinds = [stream.type for stream in container.streams]
        kept = {"audio", "video"} | ({"subtitle"} if "subtitles" in (extras or ()) else set())
        found += [f"it holds a stream of {k}" for k in kinds if k not in kept]
        found += ["it holds more than one video"] if kinds.count("video") > 1 else []
        if kinds.count("audio") > len(source.details.audio):
            found.append("it holds more sound than the source")
        found += ["it holds chapters"] if container.chapters() else []
        found += [f"it holds a tag that is not allowed: {key}" for key in unlisted_tags(container)]
        if extras is not None and "languages" not in extras and any(languages_of(container)):
            found.append("it says a language")
    return found + (_word_faults(source, output) if "subtitles" in (extras or ()) else [])


def _word_faults(source: VideoSource, output: VideoSource) -> list[str]:
    """Subtitles of a finished file beside those of its source, but for where both begin."""
    wanted = [cues for t in source.details.subtitles if (cues := cues_of(source.path, t))]
    tracks = output.details.subtitles
    if len(tracks) != len(wanted):
        return [f"it holds {len(tracks)} tracks of subtitles, not {len(wanted)}"]
    for number, (track, cues) in enumerate(zip(tracks, wanted, strict=True)):
        if track.codec not in CODECS.values():
            return [f"its subtitles are {track.codec}"]
        found = packed_cues(output.path, number, track.codec)
        shift = cues[0].start - found[0][0] if found else Fraction(0)
        if found != packed(cues, track.codec, shift) or (shift and not _shifts(source, output)):
            return ["its subtitles are not those of its source"]
    return []


def _shifts(source: VideoSource, output: VideoSource) -> bool:
    """Whether times may be moved together: between transport streams and files."""
    return any(v.details.container.startswith("mpegts") for v in (source, output))
