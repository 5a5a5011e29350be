"""A video file being written: encoded to a draft, finished, checked, and only then named."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from redact.core.frames import Frame
from redact.core.recipe import Audio, Extra
from redact.errors import EngineError, VerificationError
from redact.media import drafts, files
from redact.media.video.checking import check_result, check_units
from redact.media.video.clocks import clock_for
from redact.media.video.copying import Copies
from redact.media.video.encoders import choose
from redact.media.video.encoding import Encoding, draft_suffix, encoding
from redact.media.video.finish import Job, check_audio, find_program, finish
from redact.media.video.h264 import Unfit
from redact.media.video.joining import beside, join
from redact.media.video.opening import about
from redact.media.video.source import VideoSource
from redact.media.video.subtitles import Words, check_container, written
from redact.media.video.voices import Sound, disguised


class VideoSink:
    """Writes frames of a source to a video file.

    Args:
        output: The final name; its suffix names the container.
        source: Where frames, sound and everything else to be kept come from.
        encoder: A name of `redact.media.video.encoders.ENCODERS`, None to choose.
        quality: The encoder's constant quality, None for its visually lossless one.
        audio: Whether sound is copied, left out or made another voice's.
        extras: What is kept beside pictures and sound.
        ffmpeg: The program that finishes the file, None for the one that is installed with redact.
        force: Whether an existing output is replaced.
        frames: How many frames must be written, None where that is not known before.
        copies: Which frames are copied from the source; where all are, none has to be written.

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
    ) -> None:
        drafts.check_output(output, source=source.path, force=force)
        self._source = source
        self._output = output
        self._force = force
        self._expected = frames
        self._choice = choose(output, source.details, encoder, quality)
        if copies is not None:
            self._choice = beside(self._choice, copies)
        self._clock = clock_for(self._choice.format, source.details)
        self._tracks = () if audio == "drop" else source.details.audio
        self._audio = audio
        self._extras = frozenset(extras)
        if "subtitles" in self._extras:
            check_container(source.details, self._choice.format, source.path)
        if audio == "keep":
            check_audio(self._tracks, self._choice.format, source.path)
        self._program = find_program(ffmpeg)
        self._copies = copies
        self._times = list(copies.times) if copies is not None and copies.whole else []
        self._writing: AbstractContextManager[Encoding] | None = None
        self._encoding: Encoding | None = None

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
        """Encode the frame under its own time.

        Raises:
            EngineError: The encoder failed, or the frame is not of a video source.
            UnwritableOutputError: There is no space left.
        """
        if self._encoding is None:
            raise EngineError("the sink was not entered")
        if self._times and frame.time <= self._times[-1]:
            raise EngineError(f"frame {frame.index} is not later than the one before")
        self._times.append(frame.time)
        with about(self._source.path):
            self._clock.check(frame.time, self._times[0])
        if self._copies is None:
            self._encoding.encode(frame)
        else:
            self._encode_beside(frame, self._copies, self._encoding)

    def _encode_beside(self, frame: Frame, copies: Copies, encoding: Encoding) -> None:
        """Encode the frame unless it is copied; it must be the one that was decided on."""
        if frame.index >= len(copies.times) or frame.time != copies.times[frame.index]:
            raise EngineError(f"frame {frame.index} is not the one that its packet promised")
        if frame.index not in copies:
            encoding.encode(frame, alone=copies.begins(frame.index))

    @contextmanager
    def _write_all(self) -> Iterator[Encoding]:
        details = self._source.details
        with drafts.draft(self._output, source=self._source.path, force=self._force) as written:
            pictures = written.with_name(f"pictures{draft_suffix(self._choice)}")
            with encoding(pictures, self._choice, details) as work:
                yield work
                self._check_count()
                if self._copies is not None and self._copies.whole:
                    work.blank(self._choice, details)
            self._finish(self._joined(pictures, written), written)

    def _joined(self, encoded: Path, written: Path) -> Path:
        """The draft with the copied pictures too."""
        if self._copies is None:
            return encoded
        joined = written.with_name(f"joined{encoded.suffix}")
        try:
            join(joined, encoded, self._source, self._copies, self._source.details)
        except Unfit as error:
            raise EngineError(f"copied pictures do not fit: {error}", self._output) from error
        encoded.unlink()
        return joined

    def _finish(self, pictures: Path, written: Path) -> None:
        source = self._source
        job = Job(
            pictures,
            source.path,
            written,
            self._times[0],
            self._choice,
            source.details,
            self._tracks,
            self._clock,
            self._disguises(written) if self._audio == "disguise" else None,
            self._words(written.parent) if "subtitles" in self._extras else (),
            "languages" in self._extras,
        )
        finish(job, self._program)
        files.check_unchanged(source.path, source.identity)
        with about(self._output):
            check_result(job, self._times)
            if self._copies is not None:
                check_units(job.written)

    def _disguises(self, written: Path) -> tuple[Sound, ...]:
        with about(self._source.path):
            return tuple(
                disguised(self._source.path, track, written.with_name(f"{n}.wav"), self._program)
                for n, track in enumerate(self._tracks)
            )

    def _words(self, folder: Path) -> tuple[Words, ...]:
        source, container = self._source, self._choice.format
        with about(source.path):
            tracks = source.details.subtitles
            every = (written(source.path, t, folder, container, self._clock) for t in tracks)
            return tuple(words for words in every if words.cues)

    def _check_count(self) -> None:
        if not self._times:
            raise VerificationError("not one frame was written", self._output)
        if self._expected is not None and len(self._times) != self._expected:
            raise VerificationError(
                f"{len(self._times)} frames were written instead of {self._expected}", self._output
            )
