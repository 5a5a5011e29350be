"""One file under review: its plan, a person's acts, and the plan file, always up to date."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias

from redact.core import history
from redact.core.edits.json_form import read_edit
from redact.core.edits.things import is_ever_hidden
from redact.core.edits.values import Edit, HideBox, SignOff, Span
from redact.core.findings import Track
from redact.core.plan import Plan, dump_tracks, load, save, tracks_in
from redact.core.storage import FolderLock, lock_by, writing_alone
from redact.errors import PlanError, UnwritableOutputError
from redact.report import sign_off
from redact.review.outlines import Memory

State: TypeAlias = Literal["to do", "in work", "signed", "rendered", "held back"]


_THEIRS = "somebody else has changed the plan file"
_MOST_SPANS = 1000


class ChangedOnDiskError(PlanError):
    """Somebody else wrote the plan file meanwhile; nothing of theirs is overwritten."""


class StaleError(PlanError):
    """The act was meant for another state of the plan."""


class Session:
    """One file under review.

    Every act is in the plan file before its method returns. Methods may be called by any thread.

    Args:
        source: The original.
        path: Its plan file.
        times: When each frame is shown, in seconds; set once the source was opened.

    Raises:
        PlanError: There is no such plan, or it does not read.
        UnwritableOutputError: The plan's folder cannot be written to.
    """

    def __init__(self, source: Path, path: Path) -> None:
        self.source = source
        self.path = path
        self.times: Sequence[Fraction] = ()
        self.sizes: Sequence[tuple[int, int]] = ()
        self.keys: Sequence[int] = ()
        self.sound = False
        self.by = ""  # whoever acted last in this review; nobody gets another one's name
        self.revision = 0
        self.held_back = False
        self._lock = threading.RLock()
        self._lock_path = path.with_name(f".{path.name}.lock")
        self._file_lock: FolderLock | None = None
        self._on_disk = b""
        self._told: tuple[tuple[Track, ...], str] = ((), "")
        self._telling = threading.Lock()
        self.memory = Memory()
        self.plan = self._read()

    @property
    def state(self) -> State:
        """How far the work on it is."""
        if self.held_back:
            return "held back"
        if history.signature(self.plan) is not None:
            return "signed"
        if self.plan.result is not None:
            return "rendered"
        return "in work" if self.plan.edits else "to do"

    def lock(self) -> None:
        """Keep other reviews away from the plan.

        Raises:
            PlanError: Another process reviews it.
            UnwritableOutputError: Its folder cannot be written to.
        """
        self._file_lock = lock_by(self._lock_path)
        if self._file_lock is None:
            if not os.access(self.path.parent, os.W_OK):
                raise UnwritableOutputError("its folder cannot be written to", self.path)
            problem = "this plan is open in another review"
            raise PlanError(problem, self.path, "end that one first")

    def close(self) -> None:
        """Let others have the plan."""
        if self._file_lock is None:
            return
        with suppress(OSError):  # Windows removes no open file; it stays, and is empty
            self._lock_path.unlink()
        self._file_lock.close()
        self._file_lock = None

    def prepare(self) -> None:
        """Have the tracks as the plan file tells them, so that the first act need not wait."""
        self._tracks_as_text(self.plan.tracks)

    def _tracks_as_text(self, tracks: tuple[Track, ...]) -> str:
        with self._telling:  # an act waits for what is being prepared, and does not make it again
            if self._told[0] is not tracks:
                self._told = tracks, dump_tracks(tracks)
            return self._told[1]

    def act(self, revision: int, edits: Sequence[Any], by: str) -> None:
        """Add one act.

        Args:
            revision: The state that it was meant for.
            edits: As JSON has them; times may be frames, see `with_times`.
            by: Whose decision it is.

        Raises:
            StaleError: The plan is in another state.
            PlanError: An edit can do nothing, or does not read.
            ChangedOnDiskError: The plan file was changed by somebody else.
        """
        with self._lock:
            self._check(revision)
            made: list[Edit] = []
            plan = self.plan
            for item in edits:
                edit = self._read_edit(item, plan, made)
                made.append(edit)
            at = history.now()
            self._write(history.add(plan, *made, by=by, at=at))
            self.by = by

    def undo(self, revision: int) -> None:
        """Take the last act back; errors as in `act`."""
        with self._lock:
            self._check(revision)
            self._write(history.undo(self.plan))

    def redo(self, revision: int) -> None:
        """Bring back what was undone last; errors as in `act`."""
        with self._lock:
            self._check(revision)
            self._write(history.redo(self.plan))

    def reload(self) -> None:
        """Take the plan as it is on disk.

        Raises:
            PlanError: It is no plan of this source any more.
        """
        with self._lock:
            before = self.plan.source.fingerprint
            plan = self._read()
            if plan.source.fingerprint != before:
                raise PlanError("this is the plan of another source now", self.path)
            self.plan = plan
            self.revision += 1

    def copy_zones(self, zones: Sequence[HideBox], by: str) -> bool:
        """Hide what another file's zones hide, unless it is hidden already; one act.

        Returns:
            Whether there was something to add.

        Raises:
            ChangedOnDiskError: The plan file was changed by somebody else.
        """
        with self._lock:
            drawn = [thing.drawn for thing in self.plan.things.regions.values()
                     if is_ever_hidden(thing, "hide")]  # fmt: skip
            here = {(it.box, it.outline) for it in drawn if isinstance(it, HideBox)}
            new = [zone for zone in zones if (zone.box, zone.outline) not in here]
            if new:
                self._write(history.add(self.plan, *new, by=by, at=history.now()))
            return bool(new)

    def changed_on_disk(self) -> bool:
        """Whether somebody else wrote the plan file."""
        return _digest(self.path) != self._on_disk

    def sign(self, revision: int, by: str, output: Path, watched: Any = ()) -> None:
        """A person answers for the result, or for the plan alone if nothing was rendered from it.

        For a result the report is signed too, and a record of all digests is written.

        Args:
            revision: The state that was looked at.
            by: Whose name.
            output: Where the result is, if there is one.
            watched: Pairs of frames, from and to, that were played as they are published.

        Raises:
            StaleError: The plan is in another state.
            PlanError: Nobody signs, or the result is not what was rendered.
            ChangedOnDiskError: The plan file was changed by somebody else.
        """
        with self._lock:
            self._check(revision)
            signature = SignOff(by=by, at=history.now(), watched=_spans(watched, self.times))
            if self.plan.result is None:
                self._write(history.add(self.plan, signature))
                return
            if self.changed_on_disk():
                raise ChangedOnDiskError(_THEIRS, self.path, "load it anew")
            if not output.is_file():
                problem = "what was rendered is not there any more"
                raise PlanError(problem, output, "render it again")
            history.add(self.plan, signature)  # refuses what is no signature
            sign_off(self.source, output, self.path, signature)
            self.plan = self._read()
            self.revision += 1

    def take_rendered(self, before: Plan, plan: Plan) -> None:
        """The plan as it was rendered: with what the check found hidden, and the result's digest.

        Args:
            before: What was rendered; nothing that was decided since is lost.
            plan: The same with what rendering it changed.

        Raises:
            StaleError: The plan is in another state.
            ChangedOnDiskError: The plan file was changed by somebody else.
        """
        with self._lock:
            if self.plan is not before:
                raise StaleError("the plan was edited meanwhile", None, "render it again")
            self._write(plan)

    def _check(self, revision: int) -> None:
        if revision != self.revision:
            raise StaleError("the plan has changed meanwhile", self.path, "look again")

    def _read_edit(self, item: Any, plan: Plan, before: Sequence[Edit]) -> Edit:
        said = with_times(item, self.times)
        if isinstance(said, dict) and said.get("edit") in ("split", "trim") and "new" not in said:
            known = history.add(plan, *before) if before else plan
            said = {**said, "new": history.free_number(known)}
        return read_edit(said)

    def _write(self, plan: Plan) -> None:
        tracks = self._tracks_as_text(plan.tracks)
        with writing_alone(self.path):
            if self.changed_on_disk():
                raise ChangedOnDiskError(_THEIRS, self.path, "load it anew")
            save(plan, self.path, tracks)
            self._on_disk = _digest(self.path)
        self.plan = plan
        self.held_back = False
        self.revision += 1

    def _read(self) -> Plan:
        before = _digest(self.path)
        plan = load(self.path)
        told = tracks_in(self.path.read_text(encoding="utf-8"), plan)
        if _digest(self.path) != before:
            raise PlanError("the plan file is being written", self.path, "try again")
        self._on_disk = before
        if told is not None:  # with thousands of tracks it takes a second to make
            self._told = plan.tracks, told
        return plan


def _spans(watched: Any, times: Sequence[Fraction]) -> tuple[Span, ...]:
    """Pairs of frames as spans of time.

    Raises:
        PlanError: They are none.
    """
    pairs: Sequence[Any] = watched if isinstance(watched, list | tuple) else [None]
    fits = (
        isinstance(pair, list)
        and [type(frame) for frame in pair] == [int, int]
        and 0 <= pair[0] <= pair[1] < len(times)
        for pair in pairs
    )
    if len(pairs) > _MOST_SPANS or not all(fits):
        raise PlanError("the request is not understood")
    return tuple(Span(times[first], times[last]) for first, last in pairs)


def with_times(item: Any, times: Sequence[Fraction]) -> Any:
    """An edit with exact times in place of frames.

    `from`, `to` and `frame` become `start`, `end` and `time`; the first value of each item of
    `keys` and `followed` is a frame, too.

    Raises:
        PlanError: There is no such frame.
    """
    if not isinstance(item, dict):
        return item

    def time(frame: Any) -> str:
        if type(frame) is not int or not 0 <= frame < len(times):
            raise PlanError(f"there is no frame {str(frame)[:20]}")
        return str(times[frame])

    said = dict(item)
    for name, other in (("from", "start"), ("to", "end"), ("frame", "time")):
        if said.get(name) is not None:
            said[other] = time(said.pop(name))
        said.pop(name, None)
    for name in ("keys", "followed"):
        if isinstance(said.get(name), list):
            said[name] = [
                [time(key[0]), *key[1:]] if isinstance(key, list) and key else key
                for key in said[name]
            ]
    return said


def _digest(path: Path) -> bytes:
    """Of a file's content; empty where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b""
