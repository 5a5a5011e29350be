"""Names, drafts and fingerprints: what the sinks and sources of all kinds stand on."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest

from redact.errors import (
    ChangedInputError,
    MissingInputError,
    OutputExistsError,
    RedactError,
    UnreadableInputError,
    UnwritableOutputError,
)
from redact.media import drafts, files


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.mp4"
    path.write_bytes(b"source")
    return path


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "result.mp4"


def test_suffixes_are_apart_and_lower_case() -> None:
    assert not files.VIDEO_SUFFIXES & files.STILL_SUFFIXES
    both = files.VIDEO_SUFFIXES | files.STILL_SUFFIXES
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in both)


def test_fingerprint_is_sha256(source: Path) -> None:
    assert files.fingerprint(source) == f"sha256:{hashlib.sha256(b'source').hexdigest()}"


@pytest.mark.timeout(10)
def test_a_pipe_is_never_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.mp4"
    os.mkfifo(path)
    for ask in (files.check_input, files.fingerprint):
        with pytest.raises(MissingInputError):
            ask(path)


def test_changes_are_noticed(source: Path) -> None:
    before = files.identity(source)
    files.check_unchanged(source, before)
    source.write_bytes(b"other!")
    with pytest.raises(ChangedInputError):
        files.check_unchanged(source, before)
    source.unlink()
    with pytest.raises(ChangedInputError):
        files.check_unchanged(source, before)


def test_empty_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(UnreadableInputError, match="empty"):
        files.check_input(tmp_path / "empty")


def test_a_draft_gets_its_name_after_a_clean_end(source: Path, output: Path) -> None:
    with drafts.draft(output, source=source) as path:
        assert path.suffix == ".mp4"
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert path.parent.parent == output.parent
        path.write_bytes(b"done")
        path.with_name("more").write_bytes(b"scrap")
        assert not output.exists()
    assert output.read_bytes() == b"done"
    assert list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_error_leaves_nothing(source: Path, output: Path, error: type[BaseException]) -> None:
    def work() -> None:
        with drafts.draft(output, source=source) as path:
            path.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        work()
    assert list(output.parent.iterdir()) == []


def test_a_taken_name_is_kept(source: Path, output: Path) -> None:
    output.write_bytes(b"mine")
    with pytest.raises(OutputExistsError), drafts.draft(output, source=source):
        pytest.fail("nothing may be written")
    with drafts.draft(output, source=source, force=True) as path:
        path.write_bytes(b"new")
    assert output.read_bytes() == b"new"


def test_a_name_taken_meanwhile_is_kept(source: Path, output: Path) -> None:
    def work() -> None:
        with drafts.draft(output, source=source) as path:
            path.write_bytes(b"new")
            output.write_bytes(b"mine")

    with pytest.raises(OutputExistsError):
        work()
    assert output.read_bytes() == b"mine"
    assert list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize("links", [True, False])
def test_of_many_at_once_one_wins(
    source: Path, output: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", _no_links)
    start = threading.Barrier(8)
    results: list[str] = []

    def work(word: str) -> None:
        try:
            with drafts.draft(output, source=source) as path:
                path.write_text(word)
                start.wait(10)
            results.append(word)
        except RedactError as error:
            results.append(type(error).__name__)

    threads = [threading.Thread(target=work, args=(f"word {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results)[:7] == ["OutputExistsError"] * 7
    assert output.read_text() == max(results)
    assert list(output.parent.iterdir()) == [output]


def _no_links(self: Path, target: Path) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_the_source_is_never_replaced(source: Path, tmp_path: Path) -> None:
    symbolic, hard = tmp_path / "symbolic.mp4", tmp_path / "hard.mp4"
    symbolic.symlink_to(source)
    hard.hardlink_to(source)
    for name in (source, symbolic, hard, tmp_path / "." / "in.mp4"):
        with (
            pytest.raises(OutputExistsError, match="source itself"),
            drafts.draft(name, source=source, force=True),
        ):
            pytest.fail("nothing may be written")
    assert source.read_bytes() == b"source"


def test_a_folder_is_never_replaced(source: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OutputExistsError, match="folder"):
        drafts.check_output(tmp_path / "folder.mp4", source=source, force=True)


def test_a_missing_folder_is_told(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UnwritableOutputError, match="no such folder"):
        drafts.check_output(tmp_path / "nowhere" / "out.mp4", source=source)


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.EACCES, "may write to"), (errno.EROFS, "may write to"), (errno.ENOSPC, "free some")],
)
def test_a_folder_that_takes_nothing_is_told(
    source: Path, output: Path, code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, mode: int = 0o777) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(UnwritableOutputError, match=words), drafts.draft(output, source=source):
        pytest.fail("nothing may be written")


def test_no_space_while_writing_is_told(source: Path, output: Path) -> None:
    with (
        pytest.raises(UnwritableOutputError, match="No space left"),
        drafts.draft(output, source=source),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(output.parent.iterdir()) == []


def test_a_draft_that_was_never_written_is_told(source: Path, output: Path) -> None:
    with pytest.raises(UnwritableOutputError), drafts.draft(output, source=source):
        pass
    assert list(output.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["ü" * 120 + ".mp4", "-rf.mp4", "a\nb.mp4", "x" * 250 + ".mp4"])
def test_long_and_odd_names(source: Path, tmp_path: Path, name: str) -> None:
    with drafts.draft(tmp_path / name, source=source) as path:
        path.write_bytes(b"done")
    assert (tmp_path / name).read_bytes() == b"done"
