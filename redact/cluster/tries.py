"""A file on its way through a cluster: in what order, how often, and for how long it is tried."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from redact.cluster.link import Asked
from redact.cluster.members import Member
from redact.cluster.messages import Order
from redact.core.interfaces import Progress
from redact.jobs.jobs import Job, Report
from redact.media.files import VIDEO_SUFFIXES

SLOTS = 2048
"""How many files are handed over at once: more than there are workers."""

TRIES = 3
"""How many workers a file may cost before it is given up."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what is waited for, in seconds.

    Args:
        worker: Without news from a worker that has a file; then it is lost.
        fit: Without any worker that can be used.
        scheduler: Without the scheduler.
        output: For a result to be seen here that was written elsewhere.
        end: For work to stop.
    """

    worker: float = 60.0
    fit: float = 60.0
    scheduler: float = 120.0
    output: float = 60.0
    end: float = 15.0


@dataclass(slots=True, eq=False)
class Item:
    """One file, and what became of it so far."""

    job: Job
    sent: Job
    tell: Progress
    future: Future[Report]
    losses: list[str] = field(default_factory=list)
    avoid: set[str] = field(default_factory=set)
    was_begun: bool = False


@dataclass(slots=True, eq=False)
class Try:
    """A file that a worker has, and how far it is: its stage, and frames done in that."""

    item: Item
    asked: Asked
    member: Member
    order: Order
    heard: float
    report: Report | None = None
    stage: str = ""
    frames: int = 0


def by_cost(jobs: Iterable[Job]) -> list[Job]:
    """The jobs with the longest work first, so that none begins when all others are done.

    Videos come before pictures, and among each the largest file.
    """

    def cost(job: Job) -> tuple[bool, int]:
        try:
            size = job.source.stat().st_size
        except OSError:  # its job will say what is wrong with it
            size = 0
        return job.source.suffix.lower() in VIDEO_SUFFIXES, size

    return sorted(jobs, key=cost, reverse=True)
