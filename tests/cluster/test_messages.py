"""What crosses between machines is plain, and read without tolerance."""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from redact.cluster.machines import describe_machine, differences
from redact.cluster.messages import (
    LARGEST,
    Answer,
    Machine,
    Order,
    Proof,
    as_sent,
    as_told,
    decode,
    encode,
)
from redact.cluster.shared import BLOCK, BLOCKS, Marks, digest, find_difference
from redact.core.edits.values import HideBox, Mute, Show
from redact.core.edits.zones import Zone
from redact.core.findings import Kind
from redact.core.geometry import Box
from redact.core.notes import Note
from redact.core.recipe import PROFILES
from redact.errors import ClusterError, MissingInputError
from redact.jobs.jobs import Failure, Job, Report
from redact.people.choice import PhotoChoice
from redact.spans import SpanCount
from redact.verify.result import Checking, Leak, Spot, Verification

ODD = Path(os.fsdecode(b"/footage/caf\xe9 \xf0\x9f\x98\x80.mp4"))
"""A name that is no UTF-8."""

JOB = Job(
    ODD, ODD.with_suffix(".out.mp4"), ODD.with_suffix(".json"), PROFILES["thorough"],
    resume=True, ffmpeg="ffmpeg", checking=Checking(strict=True), cover=Path("/a.png"),
)  # fmt: skip
ORDER = Order(JOB, (Path("/footage"),), Proof(7, "ab", Path("/m"), "s"), True, "topic", 3)
WISHES = (
    Zone("8,8,25%,32", ((8.0, False), (8.0, False), (25.0, True), (32.0, False)), Fraction(1, 3)),
    Mute(Fraction(1), Fraction(7, 3)),
    HideBox(Box(1, 2, 3, 4), Fraction(2), outline=((0.0, 0.5), (1.0, 0.0), (0.5, 1.0))),
    Show(track=3),
)
"""What options and Python callers may ask for."""


def leak() -> Leak:
    return Leak(
        (Spot(3, Fraction(1, 30), Box(1, 2, 3.5, 4), (("yunet", 0.5), ("mediapipe", 1.0))),)
    )


REPORT = Report(
    ODD, JOB.output, "redacted", 3, 1, 2, 3, 4, 5.5,
    verification=Verification(3, 2, ("yunet",), leaks=(leak(),), changed=((3, Fraction(1, 3)),)),
    plan=JOB.plan, searched=(Kind.FACE, Kind.PLATE), notes=(Note("oddity", 2, "x"),),
    uncertain_at=(0.5, 1.0),
)  # fmt: skip
FAILED = Report(ODD, None, "failed", failure=Failure("EngineError", "why", None, True))


@pytest.mark.parametrize(
    "message",
    [ORDER, replace(ORDER, job=replace(JOB, checking=None, cover=None)), Answer(report=REPORT),
     Answer(report=FAILED), Answer(refused="a"), Answer(lost="b"), describe_machine(),
     replace(ORDER, job=replace(JOB, edits=WISHES)),
     replace(ORDER, job=replace(JOB, people=PhotoChoice("only", (ODD, Path("/b.jpg"))))),
     replace(ORDER, span=4), replace(ORDER, span=4, to_draw=True), Answer(span=4),
     Answer(count=SpanCount(7, 70)), Answer(failed="c")],
    ids=lambda message: type(message).__name__,
)  # fmt: skip
def test_messages_come_through_as_they_are(message: Order | Answer | Machine) -> None:
    data = encode(message)
    assert type(data) is bytes
    json.loads(data)
    assert decode(data, type(message)) == message


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch sprung",)


def changed(**fields: object) -> bytes:
    said = json.loads(encode(Answer(report=REPORT)))
    said["report"].update(fields)
    return json.dumps(said).encode()


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Answer(report=REPORT)),
        pickle.dumps(Trap()),
        Trap(),
        Answer(report=REPORT),
        b"",
        b"[]",
        b"\xff",
        b" " * (LARGEST + 1),
        b"[" * 100_000,
        changed(frames="3"),
        changed(frames=True),
        changed(status="perfect"),
        changed(source=7),
        changed(source="a\0b"),
        changed(more=1),
        changed(searched=["bodies"]),
        b'{"report": null, "refused": null, "lost": NaN}',
        b'{"report": null, "refused": null, "lost": null, "span": "4", "count": null}',
    ],
    ids=lambda data: str(data)[:40],
)
def test_what_is_no_message_is_refused(
    data: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ClusterError, match="no answer"):
        decode(data, Answer)
    assert not (tmp_path / "sprung").exists()


def test_paths_are_absolute_on_the_way_and_as_given_at_home() -> None:
    job = Job(Path("a.mp4"), Path("o/a.redacted.mp4"), Path("o/a.redact.json"))
    sent = as_sent(job)
    assert sent.source == Path.cwd() / "a.mp4"
    choice = replace(job, people=PhotoChoice("only", (Path("b.jpg"),)))
    assert as_sent(choice).people == PhotoChoice("only", (Path.cwd() / "b.jpg",))
    told = Report(
        sent.source, sent.output, "redacted", plan=sent.plan.with_name("a.mp4.redact.json")
    )
    assert as_told(told, job, sent) == replace(
        told, source=job.source, output=job.output, plan=Path("o/a.mp4.redact.json")
    )
    with pytest.raises(ClusterError, match="another file"):
        as_told(replace(told, output=sent.source), job, sent)


# what a worker must see


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    source = tmp_path / "in" / "a.mp4"
    source.parent.mkdir()
    source.write_bytes(os.urandom(BLOCK * BLOCKS * 2 + 77))
    return source, tmp_path / "out" / "a.redacted.mp4"


def test_a_worker_that_sees_the_same_is_taken(files: tuple[Path, Path]) -> None:
    marks = Marks()
    proof = marks.prove(*files)
    assert find_difference(*files, proof) is None
    assert marks.prove(*files) == proof
    marks.remove()
    assert not list(files[1].parent.iterdir())


@pytest.mark.parametrize("place", [slice(0, 1), slice(BLOCK * 3, BLOCK * 6), slice(-1, None)])
def test_a_worker_that_sees_another_file_is_refused(files: tuple[Path, Path], place: slice) -> None:
    source, output = files
    proof = Marks().prove(source, output)
    data = bytearray(source.read_bytes())
    data[place] = bytes(byte ^ 1 for byte in data[place])
    source.write_bytes(data)
    assert "sees another file" in (find_difference(source, output, proof) or "")
    source.write_bytes(b"")
    assert "does not see" in (find_difference(source, output, proof) or "")
    source.unlink()
    assert "no such file" in (find_difference(source, output, proof) or "")


def test_a_worker_whose_folder_is_another_is_refused(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redact.cluster.shared.PATIENCE", 0.1)
    marks = Marks()
    proof = marks.prove(*files)
    proof.mark.write_text("another run's")
    assert "another folder than yours" in (find_difference(*files, proof) or "")
    marks.remove()
    assert "another folder than yours" in (find_difference(*files, proof) or "")
    files[1].parent.rmdir()
    assert "another folder than yours" in (find_difference(*files, proof) or "")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_worker_that_cannot_write_there_is_refused(files: tuple[Path, Path]) -> None:
    proof = Marks().prove(*files)
    files[1].parent.chmod(0o500)
    assert "cannot write" in (find_difference(*files, proof) or "")
    files[1].parent.chmod(0o700)


def test_small_files_are_compared_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    seen = set()
    for size in (1, BLOCK - 1, BLOCK, BLOCK + 1, BLOCK * BLOCKS):
        data = bytearray(size)
        path.write_bytes(data)
        seen.add(digest(path))
        data[size // 2] = 1
        path.write_bytes(data)
        seen.add(digest(path))
    assert len(seen) == 10
    with pytest.raises(MissingInputError):
        digest(tmp_path / "b")


def test_machines_differ_in_words() -> None:
    here = describe_machine()
    assert list(differences(here, here)) == []
    weights = next(name for name in here.versions if name.startswith("the weights"))
    other = replace(here, versions={**here.versions, weights: "0123", "redact": "9"})
    assert list(differences(here, other)) == [
        f"redact is 9 there and {here.versions['redact']} here",
        f"{weights} is 0123 there and {here.versions[weights]} here",
    ]
