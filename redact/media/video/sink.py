"""Writes a video file: encode to a draft, mux, check the result, and only then name it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

from redact.core.edits.values import Mute
from redact.core.edits.zones import SUBTITLES_TELL
from redact.core.frames import Frame
from redact.core.recipe import Audio, Extra
from redact.errors import EngineError, RecipeError, UnsupportedInputError, VerificationError
from redact.media import drafts, files
from redact.media.video.checking import check_result
from redact.media.video.coded_streams import CannotCopy
from redact.media.video.container import add_path_to_errors
from redact.media.video.encoders import Choice, choose_encoder
from redact.media.video.encoding import Encoding, check_encoder_opens, draft_suffix, open_encoder
from redact.media.video.media_info import AudioTrack, MediaInfo
from redact.media.video.muting import check_heard, mute_track, silence
from redact.media.video.muxing import MuxJob, find_program, mux
from redact.media.video.packets import first_times
from redact.media.video.retimed_sound import RETIMED_SUFFIX, write_retimed_sound
from redact.media.video.smart_rendering import Copies
from redact.media.video.sound import CopiedTrack, DecodedTrack, decode_track, played_track
from redact.media.video.source import VideoSource
from redact.media.video.span_encoding import EncodedSpan, EncodedSpans, join_spans
from redact.media.video.splicing import splice
from redact.media.video.subtitles import SubtitleFile, check_container, write_subtitles
from redact.media.video.timing import Timing, timing_for
from redact.media.video.tracks import check_in_step, choose_sound
from redact.media.video.voice_disguise import disguise_voice


class VideoSink:
    """Writes frames of a source to a video file.

    Args:
        output: The final name; its suffix names the container.
        source: Where frames, sound and everything else that is kept come from.
        encoder: A name of `redact.media.video.encoders.ENCODERS`, None to choose.
        quality: The encoder's constant quality, None for its visually lossless one.
        audio: Whether sound is copied, dropped, or its voices are disguised.
        extras: What is kept beside pictures and sound.
        ffmpeg: The program that muxes the file, None for the one that is installed with redact.
        force: Whether an existing output is replaced.
        frames: How many frames must be written, None where that is not known before.
        finer: How many steps finer than usual pictures are encoded, without a limit of bits.
        copies: Which frames are copied from the source. Where all are, none has to be written.
        mutes: Spans of the sound that are silenced.

    Raises:
        RecipeError: The choices do not exist or do not fit each other.
        UnsupportedInputError: Something of the source cannot be kept this way.
        OutputError: The output's name cannot be used.
        MissingEngineError: There is no such program or encoder.
    """

    def __init__(
        self,
        output: Path,
        source: VideoSource,
        *,
        encoder: str | None = None,
        quality: int | None = None,
        audio: Audio = "keep",
        extras: Collection[Extra] = (),
        ffmpeg: Path | None = None,
        force: bool = False,
        frames: int | None = None,
        copies: Copies | None = None,
        finer: int = 0,
        mutes: tuple[Mute, ...] = (),
    ) -> None:
        drafts.check_output(output, source=source.path, force=force)
        self._source = source
        self._output = output
        self._force = force
        self._expected = frames
        self._choice = choose_for(output, source, encoder, quality, finer, copies)
        self._timing = timing_for(self._choice.container, source.media_info)
        self._sound = choose_sound(source.media_info, self._choice.container, audio, source.path)
        self._audio = audio
        self._extras = frozenset(extras)
        self._mutes = mutes
        if mutes and "subtitles" in self._extras:
            raise RecipeError(SUBTITLES_TELL, source.path, "leave --keep subtitles out")
        if "subtitles" in self._extras:
            check_container(source.media_info, self._choice.container, source.path)
        self._program = find_program(ffmpeg)
        self._copies = copies
        self._times = list(copies.times) if copies is not None and copies.whole else []
        self._spans: tuple[EncodedSpan, ...] = ()
        self._writing: AbstractContextManager[Encoding | None] | None = None
        self._encoding: Encoding | None = None

    @property
    def timing(self) -> Timing:
        """How times are carried over."""
        return self._timing

    def check_writable(self) -> None:
        """Refuse what the constructor cannot tell, but the encoder and the first packets can.

        Raises:
            EngineError: The encoder does not open for pictures of this kind.
            UnsupportedInputError: The container cannot keep the times, or the sound in step.
        """
        with add_path_to_errors(self._source.path):
            check_encoder_opens(self._choice, self._source.media_info)
            self._check_times(first_times(self._source.path))
            check_in_step(self._sound, self._timing, self._source.path)

    def take(self, encoded: EncodedSpans) -> None:
        """Take spans that were encoded before; then no frame is written.

        Args:
            encoded: With the choice of `choose_for`.

        Raises:
            UnsupportedInputError: The container cannot keep the times.
        """
        self._spans, self._times = encoded.spans, list(encoded.times)
        self._check_times(self._times)

    def _check_times(self, times: Sequence[Fraction]) -> None:
        """Refuse times that the container cannot keep."""
        with add_path_to_errors(self._source.path):
            for time in times:
                self._timing.check(time, times[0])

    def __enter__(self) -> Self:
        self._writing = self._write_all()
        self._encoding = self._writing.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish, check and publish after a clean body; after an error leave nothing behind.

        Raises:
            VerificationError: The result is not what was written, or frames are missing.
            OutputError: It cannot be written.
        """
        if self._writing is not None:
            self._writing.__exit__(kind, error, trace)

    def write(self, frame: Frame) -> None:
        """Encode the frame at its own presentation time.

        Raises:
            EngineError: The encoder failed, or the frame is not of a video source.
            UnwritableOutputError: There is no space left.
        """
        if self._encoding is None:
            raise EngineError("the sink was not entered, or has its pictures")
        if self._times and frame.time <= self._times[-1]:
            raise EngineError(f"frame {frame.index} is not later than the one before")
        self._times.append(frame.time)
        with add_path_to_errors(self._source.path):
            self._timing.check(frame.time, self._times[0])
        if self._copies is None:
            self._encoding.encode(frame)
        else:
            self._encode_beside(frame, self._copies, self._encoding)

    def _encode_beside(self, frame: Frame, copies: Copies, encoding: Encoding) -> None:
        """Encode the frame unless it is copied. Its index and time must be those of the survey."""
        if frame.index >= len(copies.times) or frame.time != copies.times[frame.index]:
            raise EngineError(f"frame {frame.index} is not the one that its packet promised")
        if frame.index not in copies:
            encoding.encode(frame, new_gop=copies.starts_gap(frame.index))

    @contextmanager
    def _write_all(self) -> Iterator[Encoding | None]:
        with drafts.draft(self._output, source=self._source.path, force=self._force) as written:
            pictures = written.with_name(f"pictures{draft_suffix(self._choice)}")
            with self._write_pictures(pictures) as work:
                yield work
            self._mux_and_check(self._splice_copies(pictures, written), written)

    @contextmanager
    def _write_pictures(self, pictures: Path) -> Iterator[Encoding | None]:
        """The encoder of what is not copied; none where that is joined of spans."""
        media_info = self._source.media_info
        if self._spans:
            yield None
            self._check_count()
            join_spans(pictures, self._spans, self._choice, media_info)
            return
        with open_encoder(pictures, self._choice, media_info) as work:
            yield work
            self._check_count()
            if self._copies is not None and self._copies.whole:
                work.encode_blank(self._choice, media_info)

    def _splice_copies(self, encoded: Path, written: Path) -> Path:
        """The draft with the copied pictures spliced in."""
        if self._copies is None:
            return encoded
        spliced = written.with_name(f"joined{encoded.suffix}")
        try:
            splice(spliced, encoded, self._source, self._copies, self._source.media_info)
        except CannotCopy as error:
            raise EngineError(f"copied pictures do not fit: {error}", self._output) from error
        encoded.unlink()
        return spliced

    def _mux_and_check(self, pictures: Path, written: Path) -> None:
        source = self._source
        sounds = self._sounds(written)
        job = MuxJob(
            pictures,
            source.path,
            written,
            self._times[0],
            self._choice,
            source.media_info,
            tuple(sounds),
            self._timing,
            tuple(sounds.values()),
            self._write_subtitles(written.parent) if "subtitles" in self._extras else (),
            "languages" in self._extras,
            self._mutes,
        )
        mux(job, self._program)
        files.check_unchanged(source.path, source.identity)
        with add_path_to_errors(self._output):
            check_result(job, self._times)
            if self._copies is not None:
                self._copies.stream.check_written(job.written)

    def _sounds(self, written: Path) -> dict[AudioTrack, CopiedTrack | DecodedTrack]:
        """Where each track comes from; one of which nothing is played is left out."""
        found: dict[AudioTrack, CopiedTrack | DecodedTrack] = {}
        with add_path_to_errors(self._source.path):
            path, tracks = self._retimed_sound(written)
            for track, one in tracks.items():
                played = played_track(path, one, written.parent)
                if played is not None:
                    wav = written.with_name(f"{track.index}.wav")
                    found[track] = self._sound_of(track, played, wav)
        decoded = [sound for sound in found.values() if isinstance(sound, DecodedTrack)]
        check_heard(decoded, self._mutes, self._source.path)
        return found

    def _sound_of(
        self, track: AudioTrack, played: CopiedTrack, wav: Path
    ) -> CopiedTrack | DecodedTrack:
        """Where one track comes from: silenced before it is disguised or encoded."""
        encoded = track in self._sound.encoded
        if self._mutes or track in self._sound.filled:
            codec = "" if encoded else track.codec  # what a container cannot hold is lossy there
            place = wav.with_name(f"{track.index}.muted.wav")
            muted = mute_track(played, codec, track.rate, self._mutes, place, self._program)
            if self._audio != "disguise":
                return muted
            played = CopiedTrack(muted.path, 0, muted.start)
        if self._audio == "disguise":
            disguised = disguise_voice(played, wav, self._program)
            silence(disguised, self._mutes)
            return disguised
        if encoded:
            return decode_track(played, track.rate, wav, self._program)
        return played

    def _retimed_sound(self, written: Path) -> tuple[Path, dict[AudioTrack, AudioTrack]]:
        """The file that holds the sound, and each track there.

        It is the source, but for one whose times begin anew.
        """
        source, kept = self._source, self._sound.kept
        if not (source.offsets and kept):
            return source.path, {track: track for track in kept}
        path = written.with_name(f"sound{RETIMED_SUFFIX}")
        moved = write_retimed_sound(source.path, kept, source.offsets, path)
        return path, dict(zip(kept, moved, strict=True))

    def _write_subtitles(self, folder: Path) -> tuple[SubtitleFile, ...]:
        source, container = self._source, self._choice.container
        if source.offsets and source.media_info.subtitles:
            raise UnsupportedInputError(
                "its times begin anew on the way, and its subtitles cannot be kept then",
                source.path,
                "leave them out, or cut it there into several files",
            )
        with add_path_to_errors(source.path):
            tracks = source.media_info.subtitles
            every = (
                write_subtitles(source.path, t, folder, container, self._timing) for t in tracks
            )
            return tuple(words for words in every if words.cues)

    def _check_count(self) -> None:
        if not self._times:
            raise VerificationError("not one frame was written", self._output)
        if self._expected is not None and len(self._times) != self._expected:
            raise VerificationError(
                f"{len(self._times)} frames were written instead of {self._expected}", self._output
            )


def choose_for(
    output: Path,
    source: VideoSource,
    encoder: str | None = None,
    quality: int | None = None,
    finer: int = 0,
    copies: Copies | None = None,
) -> Choice:
    """Choose what the frames of a source are encoded with that are not copied.

    Args:
        output: Its suffix names the container.
        source: Where the frames come from.
        encoder: As in `VideoSink`, as is all that follows.
        quality: The encoder's constant quality.
        finer: How many steps finer pictures are encoded.
        copies: Which frames are copied; the pictures lie in one file with them.

    Raises:
        RedactError: As `VideoSink` raises.
    """
    choice = choose_encoder(output, _encoding_info(source), encoder, quality, finer)
    if copies is None:
        return choice
    try:
        return copies.stream.keep_apart(choice)
    except CannotCopy as error:
        raise EngineError(str(error)) from error


def _encoding_info(source: VideoSource) -> MediaInfo:
    """What the encoder is chosen by.

    Frames that were moved may be a single tick apart. No bit rate allows for one there, so that
    these and their neighbours would be spoilt.
    """
    info = source.media_info
    return replace(info, bit_rate=None) if source.has_moved_times else info
