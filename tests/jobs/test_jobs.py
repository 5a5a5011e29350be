from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from redact.errors import RecipeError
from redact.jobs import jobs
from redact.jobs.jobs import Batch, find_jobs


def write(path: Path, order: str = "redact") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(order, encoding="utf-8")
    return path


def names(found: Batch, top: Path) -> dict[str, str]:
    return {
        job.source.relative_to(top).as_posix(): job.output.relative_to(top).as_posix()
        for job in found.jobs
    }


def test_folders_are_searched_to_the_bottom(tmp_path: Path) -> None:
    for name in ("a.jpg", "b/c.MP4", "b/.hidden.jpg", ".git/d.jpg", "b/notes.txt"):
        write(tmp_path / "in" / name)
    found = find_jobs([tmp_path / "in"])
    assert names(found, tmp_path / "in") == {
        "a.jpg": "a.redacted.jpg",
        "b/c.MP4": "b/c.redacted.MP4",
    }
    assert found.skipped == (tmp_path / "in/b/notes.txt",)
    assert not found.refused


def test_a_folders_tree_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "in/b/c.mp4")
    write(tmp_path / "single.png")
    found = find_jobs([tmp_path / "in", tmp_path / "single.png"], tmp_path / "out")
    assert names(found, tmp_path) == {
        "in/b/c.mp4": "out/b/c.redacted.mp4",
        "single.png": "out/single.redacted.png",
    }


def test_own_results_are_left_alone_without_a_word(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.redacted.jpg", "a.redact.json", "other.redacted.jpg"):
        write(tmp_path / name)
    found = find_jobs([tmp_path])
    assert names(found, tmp_path) == {"a.jpg": "a.redacted.jpg"}
    assert found.skipped == (tmp_path / "other.redacted.jpg",)  # whose original is not here


def test_a_file_named_twice_is_one_job(tmp_path: Path) -> None:
    picture = write(tmp_path / "a.jpg")
    assert len(find_jobs([picture, tmp_path, tmp_path / "." / "a.jpg"]).jobs) == 1


def test_links_are_not_followed_into_loops(tmp_path: Path) -> None:
    write(tmp_path / "in/a.jpg")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    found = find_jobs([tmp_path / "in"])
    assert len(found.jobs) == 1
    assert not found.skipped
    assert not found.linked  # it leads to what was searched


def test_a_link_to_a_folder_is_searched_only_when_it_is_named(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/a.jpg")
    write(tmp_path / "in/b.jpg")
    link = tmp_path / "in/link"
    link.symlink_to(tmp_path / "elsewhere")
    found = find_jobs([tmp_path / "in"])
    assert names(found, tmp_path) == {"in/b.jpg": "in/b.redacted.jpg"}
    assert (found.skipped, found.linked) == ((), (link,))
    assert names(find_jobs([link]), tmp_path) == {"in/link/a.jpg": "in/link/a.redacted.jpg"}
    both = find_jobs([tmp_path / "in", link], tmp_path / "out")
    assert names(both, tmp_path) == {
        "in/b.jpg": "out/b.redacted.jpg",
        "in/link/a.jpg": "out/a.redacted.jpg",
    }
    assert not both.linked


def test_a_file_that_two_names_of_its_folder_lead_to_is_one_job(tmp_path: Path) -> None:
    write(tmp_path / "in/a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    assert len(find_jobs([tmp_path / "in", tmp_path / "link"]).jobs) == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("absent.mp4", "MissingInputError"),
        ("notes.txt", "UnreadableInputError"),
        ("empty.mp4", "UnreadableInputError"),
        ("pipe.mp4", "MissingInputError"),
        ("loop.mp4", "MissingInputError"),
    ],
)
def test_a_named_file_that_cannot_be_used_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    write(tmp_path / "notes.txt")
    (tmp_path / "empty.mp4").touch()
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    good = write(tmp_path / "good.jpg")
    found = find_jobs([tmp_path / name, good])
    (refused,) = found.refused
    assert refused.failure is not None
    assert (refused.status, refused.failure.kind) == ("failed", kind)
    assert len(found.jobs) == 1


def test_a_folder_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(
        top: Path, onerror: Callable[[OSError], None]
    ) -> list[tuple[str, list[str], list[str]]]:
        onerror(PermissionError(errno.EACCES, "Permission denied", str(tmp_path)))
        return []

    monkeypatch.setattr(jobs.os, "walk", forbid)
    (refused,) = find_jobs([tmp_path]).refused
    assert refused.failure is not None
    assert refused.failure.kind == "UnreadableInputError"


def test_two_results_of_one_name_are_refused_before_any_work(tmp_path: Path) -> None:
    inputs = [write(tmp_path / "one/a.jpg"), write(tmp_path / "two/a.jpg")]
    with pytest.raises(RecipeError, match="both be written"):
        find_jobs(inputs, tmp_path / "out")


def test_no_result_takes_an_inputs_name(tmp_path: Path) -> None:
    inputs = [write(tmp_path / "a.jpg"), write(tmp_path / "a.redacted.jpg")]
    with pytest.raises(RecipeError, match="over an input"):
        find_jobs(inputs, force=True)


def test_a_photo_and_a_film_of_one_name_keep_a_plan_each(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg")
    write(tmp_path / "a.mov")
    write(tmp_path / "b.mov")
    plans = {job.source.name: job.plan.name for job in find_jobs([tmp_path]).jobs}
    assert plans == {
        "a.jpg": "a.jpg.redact.json",
        "a.mov": "a.mov.redact.json",
        "b.mov": "b.redact.json",
    }


def test_the_name_of_a_file_is_that_of_one_result(tmp_path: Path) -> None:
    source, other, place = write(tmp_path / "a.mp4"), write(tmp_path / "c.mp4"), tmp_path / "b.mp4"
    (job,) = find_jobs([source], place).jobs
    assert (job.output, job.plan) == (place, tmp_path / "b.redact.json")
    for inputs in ([source, other], [tmp_path], [source, source]):
        with pytest.raises(RecipeError, match="folder"):
            find_jobs(inputs, place)
    with pytest.raises(RecipeError, match="written over it") as caught:
        find_jobs([source], source)
    assert (caught.value.path, caught.value.remedy) == (
        source,
        "give the result another name, or a folder with -o",
    )
    place.mkdir()
    assert [job.output for job in find_jobs([source], place).jobs] == [place / "a.redacted.mp4"]


@pytest.mark.parametrize(
    ("name", "end"), [("a.mp4", "end the name with one of avi m2ts"), ("a.png", "with .png;")]
)
def test_a_name_of_a_kind_that_is_not_written_is_no_folder(
    tmp_path: Path, name: str, end: str
) -> None:
    source, place = write(tmp_path / name), tmp_path / "out.xyz"
    with pytest.raises(RecipeError, match=r"redact writes no \.xyz files") as caught:
        find_jobs([source], place)
    assert end in (caught.value.remedy or "")
    assert "add a / to it" in (caught.value.remedy or "")
    inside = [place / f"a.redacted{source.suffix}"]
    assert [job.output for job in find_jobs([source], f"{place}/").jobs] == inside
    (job,) = find_jobs([source], place, name="{stem}-safe{ext}").jobs
    assert job.output.parent == place
    place.mkdir()
    assert [job.output for job in find_jobs([source], place).jobs] == inside


@pytest.mark.parametrize("place", ["published", "out.published", "2026.11.28", ".x", "a.b-c"])
def test_what_does_not_look_like_a_file_is_a_folder(tmp_path: Path, place: str) -> None:
    (job,) = find_jobs([write(tmp_path / "a.mp4")], tmp_path / place).jobs
    assert job.output == tmp_path / place / "a.redacted.mp4"


def test_for_a_folder_or_several_files_any_name_is_a_folders(tmp_path: Path) -> None:
    sources = [write(tmp_path / "in/a.mp4"), write(tmp_path / "in/b.mp4")]
    for inputs in (sources, [tmp_path / "in"]):
        found = find_jobs(inputs, tmp_path / "out.xyz").jobs
        assert {job.output.parent for job in found} == {tmp_path / "out.xyz"}


def test_a_slash_at_its_end_makes_any_name_a_folders(tmp_path: Path) -> None:
    (job,) = find_jobs([write(tmp_path / "a.mp4")], f"{tmp_path}/out.mp4/").jobs
    assert job.output == tmp_path / "out.mp4" / "a.redacted.mp4"


def test_a_pattern_names_results(tmp_path: Path) -> None:
    source = write(tmp_path / "in" / "b" / "{ext}.mp4")
    out = tmp_path / "out"
    (job,) = find_jobs([tmp_path / "in"], out, name="{stem}_safe{ext}").jobs
    assert job.output == out / "b" / "{ext}_safe.mp4"
    (job,) = find_jobs([source], name="{stem}.redacted.mkv").jobs
    assert job.output == source.with_name("{ext}.redacted.mkv")


@pytest.mark.parametrize(
    "pattern", ["a/{stem}{ext}", "..", "", "{stem}", "{stem}.txt", "{name}{ext}", "../{stem}{ext}",
                "a\\{stem}{ext}", ".{stem}{ext}", "{stem.__class__}{ext}"]
)  # fmt: skip
def test_a_pattern_that_names_no_result_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(RecipeError):
        find_jobs([write(tmp_path / "a.mp4")], name=pattern)


def test_results_by_a_pattern_are_never_taken_for_originals(tmp_path: Path) -> None:
    """A second run over the folder would redact them again, or write over an original."""
    source = write(tmp_path / "a.mp4")
    for out in (None, tmp_path / "out"):
        with pytest.raises(RecipeError, match="told from originals"):
            find_jobs([tmp_path], out, name="{stem}_safe{ext}")
    assert find_jobs([tmp_path], name="x.{stem}.redacted{ext}").jobs
    assert find_jobs([source], name="{stem}_safe{ext}").jobs
    with pytest.raises(RecipeError, match="written over it"):
        find_jobs([source], name="{stem}{ext}")
    write(tmp_path / "b.mp4")
    with pytest.raises(RecipeError, match="both"):
        find_jobs([source, tmp_path / "b.mp4"], name="one{ext}")


def test_what_is_excluded_is_left_out_and_told(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.avi", "raw/c.mp4", "x/raw/d.mp4", "x/e.mp4"):
        write(tmp_path / name)
    found = find_jobs([tmp_path, tmp_path / "b.avi"], exclude=["*.avi", "raw/", "x/e*"])
    assert [job.source.name for job in found.jobs] == ["a.mp4"]
    left = {path.relative_to(tmp_path).as_posix() for path in found.excluded}
    assert left == {"b.avi", "raw", "x/raw", "x/e.mp4"}


def test_a_name_that_is_too_long_for_its_plan_stops_nobody(tmp_path: Path) -> None:
    write(tmp_path / f"{'a' * 230}.jpg")
    write(tmp_path / "b.jpg")
    assert len(find_jobs([tmp_path]).jobs) == 2
    (refused,) = find_jobs([Path("c" * 300)]).refused
    assert refused.failure is not None


def test_a_picture_that_nobody_here_reads_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(b"II*\0")
    (report,) = find_jobs([path]).refused
    assert report.failure is not None
    assert "raw file" in report.failure.message
    assert "save it as TIFF or JPEG" in report.failure.message


def test_a_photoshop_file_becomes_a_png(tmp_path: Path) -> None:
    path = tmp_path / "a.psd"
    path.write_bytes(b"8BPS")
    (job,) = find_jobs([path]).jobs
    assert job.output.name == "a.redacted.png"
    path.with_suffix(".png").write_bytes(b"another")
    with pytest.raises(RecipeError):
        find_jobs([tmp_path])


def test_media_in_folders_that_are_not_read_are_errors(tmp_path: Path) -> None:
    for name in ("a.jpg", "deep/raw.CR3", "old.rm", "words.txt"):
        write(tmp_path / name)
    found = find_jobs([tmp_path, tmp_path / "deep"])
    refused = {report.source.name: report.failure for report in found.refused}
    assert set(refused) == {"raw.CR3", "old.rm"}
    for failure in refused.values():
        assert failure is not None
        assert failure.kind == "UnsupportedInputError"
        assert "--skip-unsupported" in failure.message
    assert [path.name for path in found.skipped] == ["words.txt"]
    assert [job.source.name for job in found.jobs] == ["a.jpg"]


def test_media_that_are_not_read_are_left_out_if_asked(tmp_path: Path) -> None:
    for name in ("a.jpg", "raw.cr3", "words.txt"):
        write(tmp_path / name)
    found = find_jobs([tmp_path], skip_unsupported=True)
    assert found.refused == ()
    assert [path.name for path in found.skipped] == ["raw.cr3", "words.txt"]


def test_a_result_may_have_another_container(tmp_path: Path) -> None:
    outputs = [job.output.name for job in find_jobs([write(tmp_path / "a.MPG")]).jobs]
    assert outputs == ["a.redacted.mp4"]
