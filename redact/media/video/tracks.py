"""Which tracks of a source are kept, how, and what is said of the others."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av

from redact.core.edits.values import Mute
from redact.core.notes import Note
from redact.core.recipe import Audio
from redact.errors import UnsupportedInputError
from redact.media.video.media_info import AudioTrack, MediaInfo, OtherTrack
from redact.media.video.muting import is_lossless
from redact.media.video.packets import first_packet_time
from redact.media.video.sound_times import loses_gaps
from redact.media.video.timing import Timing

AUDIO_CODECS: Final = {
    "avi": "pcm_s16le", "matroska": "aac", "mov": "aac", "mp4": "aac", "mpegts": "aac",
    "webm": "libopus",
}  # fmt: skip
"""The codec of a track that is encoded anew, by container."""

_MPEGTS_AUDIO = {
    "aac", "aac_latm", "ac3", "dts", "eac3", "mp1", "mp2", "mp3", "opus", "pcm_bluray", "truehd",
}  # fmt: skip

_UNFIT: Final = {
    "avi": {"dts", "eac3", "flac", "vorbis"},  # three seconds are played in less than one
    "mov": {"flac", "opus", "truehd"},
    "mp4": {"truehd"},
}
"""Codecs that muxers say they take, and do not, or at wrong times."""

_SPEECH_CODECS = {"amr_nb", "amr_wb", "evrc", "qcelp"}
"""What phones code sound with."""


@dataclass(frozen=True, slots=True)
class ChosenSound:
    """What becomes of a source's audio tracks.

    Args:
        kept: Those that the result holds, in order.
        encoded: Those of them that its container cannot hold as they are, or that may hold words.
        filled: Others of them, whose gaps it would lose: silence is encoded in their place.
        left_out: The others.
    """

    kept: tuple[AudioTrack, ...] = ()
    encoded: tuple[AudioTrack, ...] = ()
    filled: tuple[AudioTrack, ...] = ()
    left_out: tuple[AudioTrack, ...] = ()


def choose_sound(media_info: MediaInfo, container: str, audio: Audio, path: Path) -> ChosenSound:
    """Keep what can be decoded; the rest is left out, while one track at least stays.

    Args:
        media_info: Of the source.
        container: The result's.
        audio: Whether sound is copied, dropped or disguised.
        path: The source, for errors.

    Raises:
        InputError: There is sound, and none of it can be decoded, or it cannot be read.
    """
    tracks = () if audio == "drop" else media_info.audio
    kept = tuple(track for track in tracks if track.rate)  # others have no decoder, and no muxer
    if tracks and not kept:
        raise UnsupportedInputError(
            f"its sound ({tracks[0].codec}) can be neither copied nor decoded",
            path,
            "choose --audio drop",
        )
    left_out = tuple(track for track in tracks if track not in kept)
    if audio == "disguise":
        return ChosenSound(kept, left_out=left_out)
    encoded = tuple(t for t in kept if not (t.plain and can_hold_audio(t.codec, container)))
    copied = (track for track in kept if track not in encoded)
    filled = tuple(track for track in copied if loses_gaps(path, track, container))
    return ChosenSound(kept, encoded, filled, left_out)


def check_in_step(sound: ChosenSound, timing: Timing, path: Path) -> None:
    """Refuse sound that the result's container cannot keep in step with the pictures.

    Args:
        sound: What becomes of the source's tracks.
        timing: How times are carried over.
        path: The source.

    Raises:
        InputError: It cannot be kept, or nothing says when it begins.
    """
    for track in sound.kept:
        timing.check_sound(first_packet_time(path, track.index))


def can_hold_audio(codec: str, container: str) -> bool:
    """Whether a container holds sound of that codec so that players play it."""
    if codec in _SPEECH_CODECS:
        return container == "mov"  # others take some of them, at wrong times or for few players
    if container == "mpegts":  # whose muxer takes anything, as private data that nobody plays
        return codec in _MPEGTS_AUDIO
    if codec in _UNFIT.get(container, ()):
        return False
    if container == "matroska" and can_hold_audio(codec, "avi"):
        return True  # it takes what AVI takes, under the same numbers
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            trial.add_mux_stream(codec)
    except (ValueError, av.FFmpegError):
        return False
    return True


def source_notes(media_info: MediaInfo) -> tuple[Note, ...]:
    """What to tell of tracks that no result holds."""
    return _note("tracks_left_out", media_info.others, "not kept in any result")


def sound_notes(sound: ChosenSound, container: str, mutes: Sequence[Mute] = ()) -> tuple[Note, ...]:
    """What to tell of the sound of a result.

    Args:
        sound: What becomes of it.
        container: The result's.
        mutes: Spans that are silenced.
    """
    muted = sound.kept if mutes else ()
    same = [t for t in muted if is_lossless(t.codec) and t not in sound.encoded]
    once = [track for track in muted if track not in same]
    whole = [track for track in sound.filled if is_lossless(track.codec)]
    coded = [track for track in sound.filled if track not in whole]
    filled = f"as {container} does not keep its gaps, they are filled with silence"
    spans = f"{len(mutes)} span{'s' * (len(mutes) != 1)} silenced"
    trimmed = [track for track in sound.kept if track.edits is not None]
    codec = AUDIO_CODECS[container].removeprefix("lib")
    return (
        *_note("sound_trimmed", trimmed, "what its edit list cuts off is left out"),
        *_note("sound_muted", same, f"{spans}; the rest is the same, sample by sample"),
        *_note("sound_muted", once, f"{spans}; the rest is encoded once more, to {codec}"),
        *_note("sound_encoded", sound.encoded, f"encoded to {codec}, as {container} needs it"),
        *_note("sound_filled", whole, f"{filled}; the rest is the same, sample by sample"),
        *_note("sound_filled", coded, f"{filled}; the rest is encoded once more, to {codec}"),
        *_note("tracks_left_out", sound.left_out, "left out, as nobody can decode it"),
    )


def _note(
    kind: str, tracks: Sequence[AudioTrack] | Sequence[OtherTrack], words: str
) -> tuple[Note, ...]:
    """One note for all tracks of which the same is said."""
    named = ", ".join(f"{track.index} ({track.kind}, {track.codec})" for track in tracks)
    word = "track" if len(tracks) == 1 else "tracks"
    return (Note(kind, len(tracks), f"{word} {named}: {words}"),) if tracks else ()
