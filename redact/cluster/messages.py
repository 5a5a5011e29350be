"""What crosses between machines: JSON, read without tolerance, and nothing that can run."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar, get_args, get_origin

import cattrs

from redact.core.edits.json_form import register_edits
from redact.core.edits.values import Edit
from redact.core.edits.zones import Wish, Zone
from redact.core.strict_json import make_converter, parse_json
from redact.errors import ClusterError
from redact.jobs.jobs import Job, Report
from redact.spans import SpanCount

Message = TypeVar("Message")

LARGEST = 1 << 24
"""Bytes of a message."""

COUNT = -1
"""In place of a span: how many are there?"""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a worker must see before it works on a file: the same bytes, in the same folders.

    Args:
        size: The source's bytes.
        digest: Of blocks all over it: see `redact.cluster.shared.digest`.
        mark: A file that the client put beside the output.
        content: What is in that.
    """

    size: int
    digest: str
    mark: Path
    content: str


@dataclass(frozen=True, slots=True)
class Order:
    """One file for a worker, or one span of it.

    Args:
        job: With absolute paths.
        folders: Where results of the whole run go.
        proof: What the worker must see first.
        again: Whether another worker was lost with it, and may have finished it.
        topic: Under which progress is told.
        number: By which progress names the file.
        span: The span to search or to draw, `COUNT` to count spans; None for the whole file.
        in_draft: Whether it is a span of the draft that is checked, and not of the source.
        to_draw: Whether it is a span that is to be drawn and encoded.
    """

    job: Job
    folders: tuple[Path, ...]
    proof: Proof
    again: bool
    topic: str
    number: int
    span: int | None = None
    in_draft: bool = False
    to_draw: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an order; one of these.

    Args:
        report: What became of the file.
        refused: Why this worker cannot do it, and perhaps none of its files.
        lost: How the process was lost that worked on it.
        span: The span that now lies beside the output.
        count: How many spans there are.
        failed: Why that span cannot be searched or drawn, on any worker.
    """

    report: Report | None = None
    refused: str | None = None
    lost: str | None = None
    span: int | None = None
    count: SpanCount | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine says of itself.

    Args:
        name: Its own name.
        versions: Of redact, its code, libraries and weights: what must be equal everywhere.
        system: The operating system and the processor.
        cores: Processors that it may use.
        memory: Bytes.
        providers: Where onnxruntime can compute, best first.
        problems: What keeps redact from working there.
    """

    name: str
    versions: dict[str, str]
    system: str
    cores: int
    memory: int
    providers: tuple[str, ...]
    problems: tuple[str, ...]


def encode(message: Order | Answer | Machine) -> bytes:
    """The message as bytes."""
    return json.dumps(_converter().unstructure(message), allow_nan=False).encode()


def decode(data: object, kind: type[Message]) -> Message:
    """The message that `encode` encoded.

    Raises:
        ClusterError: It is something else.
    """
    try:
        if not isinstance(data, bytes) or len(data) > LARGEST:
            raise ValueError("these are no bytes, or too many")
        found: Message = _converter().structure(parse_json(data.decode()), kind)
    except Exception as error:
        problem = f"what another machine sent is no {kind.__name__.lower()} ({error})"
        raise ClusterError(problem, remedy="is redact the same everywhere?") from error
    return found


def as_sent(job: Job) -> Job:
    """The job with absolute paths, as other machines have other working folders."""
    source, output, plan = map(_absolute, (job.source, job.output, job.plan))
    cover = None if job.cover is None else _absolute(job.cover)
    people = job.people
    if people is not None:
        people = replace(people, photos=tuple(map(_absolute, people.photos)))
    return replace(job, source=source, output=output, plan=plan, cover=cover, people=people)


def as_told(report: Report, job: Job, sent: Job) -> Report:
    """The report with the paths that the client knows the files by."""
    if (report.source, report.output) != (sent.source, sent.output):
        raise ClusterError("a worker told about another file", job.source)
    plan = report.plan
    if plan is not None and plan.parent == sent.plan.parent:
        plan = job.plan.with_name(plan.name)
    return replace(report, source=job.source, output=job.output, plan=plan)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - a link keeps its name


@cache
def _converter() -> cattrs.Converter:
    converter = make_converter()
    register_edits(converter)

    def wish(value: object, _: object) -> Wish:
        is_zone = isinstance(value, dict) and "edit" not in value
        found: Wish = converter.structure(value, Zone if is_zone else Edit)  # type: ignore[arg-type]
        return found

    converter.register_structure_hook(Wish, wish)
    converter.register_structure_hook(Path, _path)
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook_func(lambda kind: kind == dict[str, str], _texts)

    def fields(value: object, kind: type) -> tuple[object, ...]:
        kinds = get_args(kind)
        if not isinstance(value, list) or len(value) != len(kinds):
            raise ValueError(f"this is no list of {len(kinds)} values")
        return tuple(converter.structure(*one) for one in zip(value, kinds, strict=True))

    converter.register_structure_hook_func(_is_record, fields)
    return converter


def _is_record(kind: object) -> bool:
    """Whether it is a tuple of values of several types, such as `tuple[str, float]`."""
    return get_origin(kind) is tuple and get_args(kind)[-1] is not Ellipsis


def _path(value: object, _: object) -> Path:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("this is no path")
    return Path(value)


def _texts(value: object, _: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError("these are no texts")
    return value
