"""Jobs: which files to redact, and where each result and each plan goes."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from redact.core.edits.zones import Wish
from redact.core.extent import UNKNOWN, Extent
from redact.core.findings import Kind
from redact.core.notes import Note
from redact.core.recipe import PROFILES, Recipe
from redact.errors import (
    MissingEngineError,
    RedactError,
    UnreadableInputError,
    UnsupportedInputError,
)
from redact.jobs.naming import (
    SUFFIXES,
    Naming,
    check_collisions,
    is_companion,
    is_result,
    matches,
    path_key,
)
from redact.jobs.plan_names import place_plans
from redact.media.files import OTHER_MEDIA_SUFFIXES, UNREADABLE, check_input
from redact.people.choice import PhotoChoice
from redact.verify.result import Checking, Verification

Status: TypeAlias = Literal["redacted", "resumed", "failed", "planned", "analysed"]


@dataclass(frozen=True, slots=True)
class Job:
    """One file to redact.

    Args:
        source: The original.
        output: The redacted file.
        plan: Where the plan is kept, unless that name belongs to another file's plan.
        recipe: The choices.
        force: Whether an output that exists is replaced.
        resume: Whether a file that was finished earlier is left as it is, and an analysis that
            was interrupted goes on where it ended.
        ffmpeg: The program to finish videos with, None for the one that redact brings.
        checking: How the result is checked, None for not at all.
        report: Whether a page about the result is written beside it.
        cover: A picture to hide everything under, if the recipe's style is `cover`.
        edits: What is hidden or silenced besides, zones among it.
        people: Photographs that say who is hidden.
    """

    source: Path
    output: Path
    plan: Path
    recipe: Recipe = field(default_factory=lambda: PROFILES["balanced"])
    force: bool = False
    resume: bool = False
    ffmpeg: str | None = None
    checking: Checking | None = Checking()  # noqa: RUF009 - frozen
    report: bool = False
    cover: Path | None = None
    edits: tuple[Wish, ...] = ()
    people: PhotoChoice | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file was not redacted.

    Args:
        kind: The error's class, by name.
        message: What is wrong and what to do, without the source's name.
        trace: Where it happened, only for an error that redact did not foresee.
        elsewhere: Whether the message names another file than the source, which is to blame.
    """

    kind: str
    message: str
    trace: str | None = None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one file.

    Args:
        source: The original.
        output: The redacted file, None if it was not clear what it would be.
        status: Whether it was redacted now, was finished earlier, was not redacted, would be, or
            was only analysed.
        frames: How many frames it has.
        faces: How many tracks of faces were hidden; one person seen twice may count twice.
        plates: How many tracks of number plates were hidden; one seen twice may count twice.
        tracks: How many tracks of any kind were hidden.
        uncertain: How many are visible, as they are only listed: probably false positives.
        seconds: How long it took.
        failure: Why it was not redacted.
        verification: What the check of the result found, None if there was none.
        copied: How many of its frames are the original's own coded pictures.
        plan: Where its plan is kept, None if there is none.
        sound: Whether the result has sound.
        searched: What kinds of things the recipe looks for.
        notes: What is not as the original has it, although nothing was refused.
        uncertain_at: Seconds at which these begin, in order.
        extent: How much of the picture is hidden.
        drawn: How many regions were drawn by hand, zones among them.
        shown: How many tracks photographs left visible at some time; None without photographs.
        uncertain_plates: How many of the uncertain tracks are number plates'.
        further: How many tracks of each kind beyond faces and plates were hidden.
        spans: In how many spans of it other machines ran detection passes.
        spans_checked: In how many spans of its drafts they ran passes of the check.
        spans_rendered: How many spans of its drafts they rendered.
    """

    source: Path
    output: Path | None
    status: Status
    frames: int = 0
    faces: int = 0
    plates: int = 0
    tracks: int = 0
    uncertain: int = 0
    seconds: float = 0.0
    failure: Failure | None = None
    verification: Verification | None = None
    copied: int = 0
    plan: Path | None = None
    sound: bool = False
    searched: tuple[Kind, ...] = ()
    notes: tuple[Note, ...] = ()
    uncertain_at: tuple[float, ...] = ()
    extent: Extent = UNKNOWN
    drawn: int = 0
    shown: int | None = None
    uncertain_plates: int = 0
    further: tuple[tuple[Kind, int], ...] = ()
    spans: int = 0
    spans_checked: int = 0
    spans_rendered: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """What was found under the inputs.

    Args:
        jobs: Files to redact.
        refused: Inputs that were named, and media in folders, that cannot be redacted.
        skipped: Files in folders that are no video and no picture.
        linked: Links in folders that lead to folders: searched only when they are named.
        excluded: What was left out because it was asked for; a folder stands for all in it.
    """

    jobs: tuple[Job, ...] = ()
    refused: tuple[Report, ...] = ()
    skipped: tuple[Path, ...] = ()
    linked: tuple[Path, ...] = ()
    excluded: tuple[Path, ...] = ()


def find_jobs(
    inputs: Iterable[Path | str] | Path | str,
    out_dir: Path | str | None = None,
    recipe: Recipe | None = None,
    *,
    force: bool = False,
    resume: bool = False,
    ffmpeg: str | None = None,
    checking: Checking | None = Checking(),  # noqa: B008 - frozen
    report: bool = False,
    cover: Path | str | None = None,
    name: str | None = None,
    exclude: Sequence[str] = (),
    skip_unsupported: bool = False,
    edits: Sequence[Wish] = (),
) -> Batch:
    """The files to redact: those named, and those of known kinds in the folders named.

    A video or picture in a folder that redact does not read is refused. Hidden entries of folders
    are left alone, links to folders are not followed.

    Args:
        inputs: Files and folders; one may stand alone.
        out_dir: Where results go, with each folder's tree kept; None for beside the source. With
            the suffix of a video or a picture, and one file as input, the result itself; a text
            that ends with a slash is a folder.
        recipe: The choices, None for the defaults.
        force: As in `Job`.
        resume: As in `Job`.
        ffmpeg: As in `Job`.
        checking: As in `Job`.
        report: As in `Job`.
        cover: As in `Job`.
        name: A pattern for the names of results, with `{stem}` and `{ext}`.
        exclude: Patterns of names, or of paths below the folders named, that are left out.
        skip_unsupported: Whether videos and pictures that redact does not read are skipped.
        edits: As in `Job`.

    Raises:
        RecipeError: One file would be written twice, or over an input, or the names do not fit.
    """
    named = [Path(inputs)] if isinstance(inputs, str | Path) else list(map(Path, inputs))
    naming = Naming.said(out_dir, name)
    naming.check_inputs(named)
    search = _Search(naming, exclude, skip_unsupported)
    for path in named:
        search.add(path)
    outputs = search.outputs
    check_collisions(outputs)
    plans = place_plans(outputs)
    choices = recipe or PROFILES["balanced"]
    drawn = None if cover is None else Path(cover)
    model = Job(Path(), Path(), Path(), choices, force, resume, ffmpeg, checking, report, drawn)
    model = replace(model, edits=tuple(edits))
    jobs = (
        replace(model, source=source, output=output, plan=plans[output])
        for source, output in outputs.items()
    )
    written = {path_key(output) for output in outputs.values()}
    skipped = (path for path in search.skipped if path_key(path) not in written)
    linked = (path for path in search.linked if not search.searched(path))
    refused, excluded = tuple(search.refused), tuple(search.excluded)
    return Batch(tuple(jobs), refused, tuple(skipped), tuple(linked), excluded)


class _Search:
    """Walks inputs and remembers each file once."""

    def __init__(self, naming: Naming, exclude: Sequence[str], skip_unsupported: bool) -> None:
        self._naming, self._exclude = naming, exclude
        self._skip_unsupported = skip_unsupported
        self._seen: set[str] = set()
        self.outputs: dict[Path, Path] = {}
        self.refused: list[Report] = []
        self.skipped: list[Path] = []
        self.linked: list[Path] = []
        self.excluded: list[Path] = []
        self._folders: set[str] = set()

    def searched(self, folder: Path) -> bool:
        """Whether all of a folder was searched, under whatever name."""
        return os.path.realpath(folder) in self._folders

    def add(self, path: Path) -> None:
        """Add one input, a file or a folder."""
        if not self._is_wanted(path, path.parent):
            return
        if os.path.isdir(path):  # noqa: PTH112 - says no where Path.is_dir raises
            self._add_folder(path)
            return
        try:
            check_input(path)
            _check_kind(path)
        except RedactError as error:
            self.refused.append(_refused_report(error, path))
        else:
            self._add_file(path, path.parent)

    def _add_folder(self, folder: Path) -> None:
        for path in sorted(self._walk(folder)):
            if self._is_unsupported(path):
                self._refuse_unsupported(path)
            elif path.suffix.lower() not in SUFFIXES or is_result(path):
                if not is_companion(path):
                    self.skipped.append(path)
            else:
                self._add_file(path, folder)

    def _is_unsupported(self, path: Path) -> bool:
        return path.suffix.lower() in OTHER_MEDIA_SUFFIXES and not self._skip_unsupported

    def _refuse_unsupported(self, path: Path) -> None:
        if path_key(path) not in self._seen:
            self._seen.add(path_key(path))
            usual = (f"redact does not read {path.suffix.lower()} files", "convert it first")
            problem, remedy = UNREADABLE.get(path.suffix.lower(), usual)
            remedy += ", or leave such files out with --skip-unsupported"
            self.refused.append(_refused_report(UnsupportedInputError(problem, path, remedy), path))

    def _walk(self, folder: Path) -> Iterator[Path]:
        for top, folders, names in os.walk(folder, onerror=self._refuse_folder):
            self._folders.add(os.path.realpath(top))
            folders[:] = self._wanted(top, folders, folder)
            self.linked += [p for name in folders if (p := Path(top, name)).is_symlink()]
            yield from (Path(top, name) for name in self._wanted(top, names, folder))

    def _wanted(self, top: str, names: Iterable[str], folder: Path) -> list[str]:
        paths = {name: Path(top, name) for name in names if name[0] != "."}
        return [name for name, path in paths.items() if self._is_wanted(path, folder)]

    def _is_wanted(self, path: Path, folder: Path) -> bool:
        if not matches(path, folder, self._exclude):
            return True
        self.excluded.append(path)
        return False

    def _refuse_folder(self, error: OSError) -> None:
        folder = Path(os.fsdecode(error.filename))
        problem = UnreadableInputError(f"the folder cannot be read: {error.strerror}", folder)
        self.refused.append(_refused_report(problem, folder))

    def _add_file(self, path: Path, top: Path) -> None:
        if path_key(path) in self._seen:
            return
        self._seen.add(path_key(path))
        self.outputs[path] = self._naming.output(path, top)


def _check_kind(path: Path) -> None:
    if why := UNREADABLE.get(path.suffix.lower()):
        raise UnsupportedInputError(why[0], path, why[1])
    if path.suffix.lower() not in SUFFIXES:
        known = " ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        raise UnreadableInputError(
            "this is no kind of video or picture that redact knows",
            path,
            f"give one of these: {known}",
        )


def describe_failure(error: BaseException, source: Path) -> Failure:
    """The error in words; one that redact did not foresee brings its trace along."""
    if isinstance(error, ImportError):
        problem = f"a library cannot be loaded: {error}"
        return describe_failure(MissingEngineError(problem, None, "run `redact doctor`"), source)
    kind = type(error).__name__
    if isinstance(error, RedactError):
        about = None if error.path == source else error.path
        text = str(RedactError(error.problem, about, error.remedy))
        return Failure(kind, text, elsewhere=about is not None)
    if isinstance(error, OSError):
        name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
        about = None if name is None or Path(name) == source else Path(name)
        return Failure(kind, str(RedactError(error.strerror or str(error), about)))
    trace = "".join(traceback.format_exception(error))
    return Failure(kind, f"unforeseen {kind}: {error}", trace)


def _refused_report(error: RedactError, path: Path) -> Report:
    return Report(path, None, "failed", failure=describe_failure(error, path))
