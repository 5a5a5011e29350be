"""A video file as frames: each stored frame once, at its exact presentation time, or an error."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from redact.core.frames import Frame, VideoInfo
from redact.core.geometry import Size
from redact.core.notes import Note
from redact.errors import UnreadableInputError, UnsupportedInputError
from redact.media import files
from redact.media.video.container import add_path_to_errors, check_size, find_empty_tracks
from redact.media.video.cropping import Cropper, check_crop, read_crop
from redact.media.video.decoding import DecodedFrame, Findings, decode_file
from redact.media.video.iso_tracks import read_iso_tracks
from redact.media.video.media_info import MICROSECOND, MediaInfo, read_media_info
from redact.media.video.packets import announced_frames
from redact.media.video.picture import DecodedPicture, check_flat
from redact.media.video.presentation_times import BestEffort, GrowingTimes, Wanted
from redact.media.video.resizing import Shaper, largest_size
from redact.media.video.tracks import source_notes
from redact.media.video.truncation import check_not_truncated


class VideoSource:
    """A video file; readable from the start as often as asked.

    Args:
        path: The file. Its first frame is decoded at once, so that errors come early.

    Raises:
        InputError: It cannot be used; the message says why.
    """

    def __init__(self, path: Path, *, strict: bool = False) -> None:
        check_not_truncated(path)
        self.path = path
        self.identity = files.identity(path)
        self._strict = strict
        self._findings = Findings()
        self._time_notes: tuple[Note, ...] = ()
        self._offsets: tuple[Fraction, ...] = ()
        self._resized = 0
        self._early = 0
        with closing(self._decode()) as decoded:
            first = next(decoded, None)
            if first is None:
                raise UnreadableInputError("not one frame of its video can be decoded", path)
            container, stream = first.reader.container, first.reader.stream
            stored = Size(stream.codec_context.width, stream.codec_context.height)
            self.crop = read_crop(path, stream.id, stored)
            with add_path_to_errors(path):
                check_flat(first.frame)
                check_crop(self.crop, first.frame)
                frame = Cropper(self.crop).cut(first.frame)
                tracks = read_iso_tracks(path) if container.format.name.startswith("mov") else {}
                empty = find_empty_tracks(path, container.streams.audio)
                media_info = read_media_info(container, stream, frame, tracks, empty)
            if self.crop is not None:
                aspect = self.crop.aspect(media_info.aspect, stored)
                media_info = replace(media_info, aspect=aspect)
            else:
                size = largest_size(path, self.identity, media_info)
                media_info = replace(media_info, size=size)
            self.media_info = media_info
            self._info = _info(container, stream, self.media_info)

    @property
    def info(self) -> VideoInfo:
        """What is known before all frames are read."""
        return self._info

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is not as the file has it; complete once all frames were read."""
        crop = () if self.crop is None else (_crop_note(self.media_info),)
        resized = (_resized_note(self._resized, self.media_info),) if self._resized else ()
        reading = (*self._time_notes, *_notes_on_damage(self._findings))
        early = (_early_note(self._early, self.media_info),) if self._early else ()
        return (*crop, *resized, *early, *source_notes(self.media_info), *reading)

    def make_shaper(self) -> Shaper:
        """What brings decoded frames to what is shown of them, in one size."""
        return Shaper(self.crop, self.media_info)

    @property
    def has_moved_times(self) -> bool:
        """Whether a frame was moved in time when all were read."""
        return any(note.kind == "times_moved" for note in self._time_notes)

    @property
    def has_own_times(self) -> bool:
        """Whether a frame has another time than the file says, once all were read."""
        return bool(self._time_notes or self._offsets)

    @property
    def offsets(self) -> tuple[Fraction, ...]:
        """Seconds added to all that follows, for each time that the file's times begin anew.

        Complete once all frames were read.
        """
        return self._offsets

    @property
    def is_damaged(self) -> bool:
        """Whether damage was found, as far as it was read."""
        return self._findings.damaged

    @cached_property
    def fingerprint(self) -> str:
        """`sha256:` and the digest of the whole file.

        Raises:
            ChangedInputError: It is no longer the file that was opened.
        """
        digest = files.fingerprint(self.path)
        files.check_unchanged(self.path, self.identity)
        return digest

    def frames(self) -> Iterator[Frame]:
        """Each frame that players show once, in presentation order.

        A frame that is damaged, or may be predicted from one that is, is grey all over.

        Raises:
            UnreadableInputError: Truncated, not one frame is whole, or it is damaged and that is to
                be refused.
            UnsupportedInputError: Its pictures cannot be kept.
            ChangedInputError: The file changed meanwhile.
        """
        clock = self.media_info.time_base
        best = BestEffort()
        shaper = self.make_shaper()
        growing = GrowingTimes(clock, round(1 / (self.media_info.rate or 25) / clock))
        early = 0
        with closing(self._decode()) as decoded:
            wanted = _wanted_times(decoded, best, self.media_info)
            for index, (one, time) in enumerate(growing.assign(wanted)):
                with add_path_to_errors(self.path):
                    picture = DecodedPicture(shaper.shape(one.frame))
                _check_same_shape(picture, self.media_info, self.path)
                if one.hidden:
                    picture.fill_with_grey()
                early += time < 0 < self.media_info.early
                yield Frame(index, time * clock, picture)
        self._resized = shaper.resized
        self._early = early
        self._offsets = tuple(growing.offsets)
        self._time_notes = tuple(_notes_on_times(growing, best))

    def _decode(self) -> Generator[DecodedFrame, None, None]:
        return decode_file(self.path, self.identity, self._findings, strict=self._strict)


def _crop_note(media_info: MediaInfo) -> Note:
    size = media_info.size
    text = f"players crop its pictures to {size.width}x{size.height}: only that is in the result"
    return Note("cropped", 1, text)


def _resized_note(count: int, media_info: MediaInfo) -> Note:
    size, verb = media_info.size, "has" if count == 1 else "have"
    frames = _number_of(count, "frame")
    return Note(
        "resized", count, f"{frames} {verb} another size: scaled to {size.width}x{size.height}"
    )


def _early_note(count: int, media_info: MediaInfo) -> Note:
    frames, verb = _number_of(count, "frame"), "comes" if count == 1 else "come"
    later = f"{float(media_info.early):.3f} s later{', sound too' if media_info.audio else ''}"
    return Note(
        "times_shifted", count, f"{frames} {verb} before time 0: all of the result is shown {later}"
    )


def _wanted_times(
    decoded: Iterable[DecodedFrame], best: BestEffort, media_info: MediaInfo
) -> Iterator[Wanted[DecodedFrame]]:
    """Frames with the best times that the file has for them.

    An AVI's packets have no times but places: the first frame to be shown has the first place, and
    not the one at which the decoder gave it. Empty places before it are kept for the sound's sake
    alone: no AVI that is written can have any.

    Args:
        decoded: In presentation order.
        best: Chooses.
        media_info: Of the file.
    """
    numbered = media_info.container == "avi"
    late: int | None = None
    for one in decoded:
        time = best.time(one.frame)
        if late is None:
            first = one.reader.first_time if media_info.audio else 0
            late = time - first if numbered and time is not None and first is not None else 0
        yield Wanted(one, None if time is None else time - late, one.frame.duration)


def _notes_on_times(growing: GrowingTimes, best: BestEffort) -> Iterator[Note]:
    if best.decided:
        yield Note(
            "times_decided",
            best.decided,
            f"{_frames(best.decided)} shown when the decoding order says, as players do: "
            "their presentation times do not grow",
        )
    if growing.offsets:
        times = _number_of(len(growing.offsets), "time")
        yield Note(
            "times_begun_anew",
            len(growing.offsets),
            f"its times begin anew {times}: what follows goes on behind what was there, sound too",
        )
    if growing.moved:
        most = float(growing.most) * 1000
        yield Note(
            "times_moved",
            growing.moved,
            f"{_frames(growing.moved)} moved in time, by {most:.3f} ms at most: "
            "two frames cannot be shown at once",
        )


def _notes_on_damage(found: Findings) -> Iterator[Note]:
    if found.hidden:
        yield Note(
            "frames_hidden",
            found.hidden,
            f"{_frames(found.hidden)} hidden all over: damaged, or predicted from what is damaged",
        )
    if found.lost:
        yield Note(
            "pictures_lost",
            found.lost,
            f"{_number_of(found.lost, 'coded picture')} left out, as no player can show "
            f"{'it' if found.lost == 1 else 'them'}",
        )
    if found.without_picture:
        yield Note(
            "packets_without_picture",
            found.without_picture,
            f"{_number_of(found.without_picture, 'packet')} without a picture",
        )


def _frames(count: int) -> str:
    return f"{_number_of(count, 'frame')} {'is' if count == 1 else 'are'}"


def _number_of(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _info(container: InputContainer, stream: VideoStream, media_info: MediaInfo) -> VideoInfo:
    duration = None
    if stream.duration is not None and stream.time_base is not None:
        duration = stream.duration * stream.time_base
    elif container.duration is not None:
        duration = container.duration * MICROSECOND
    frames = announced_frames(container, stream)
    return VideoInfo(
        media_info.turn.upright_size(media_info.size), frames, duration, media_info.rate
    )


def _check_same_shape(picture: DecodedPicture, media_info: MediaInfo, path: Path) -> None:
    found = (picture.stored_size, picture.frame.format.name, picture.turn)
    if found != (media_info.size, media_info.pixel_format, media_info.turn):
        check_size(picture.frame.width, picture.frame.height, path)
        raise UnsupportedInputError(
            "the pictures change their format or rotation on the way",
            path,
            "cut it there into several files",
        )
