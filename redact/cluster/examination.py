"""Who is in a cluster, and what keeps them from working together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from redact.cluster.addresses import Address
from redact.cluster.link import Asked, Link
from redact.cluster.machines import describe_machine, differences
from redact.cluster.messages import Machine
from redact.cluster.shared import Marks
from redact.errors import ClusterError, UnwritableOutputError

if TYPE_CHECKING:
    from distributed import Security

PATIENCE = 60.0
"""Seconds for all workers to answer: one that has a file in work answers when it is done."""


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One worker.

    Args:
        address: Where Dask reaches it.
        machine: What it says of its machine; None if it says nothing.
        problems: Why it would be given no work.
    """

    address: str
    machine: Machine | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClusterExamination:
    """What was found in a cluster.

    Args:
        address: The scheduler's.
        encrypted: Whether links are.
        here: The client's own machine.
        workers: Everyone who is there.
        shared: The folder that was asked for; None if none was.
        problems: What concerns all.
    """

    address: str
    encrypted: bool
    here: Machine
    workers: tuple[WorkerState, ...]
    shared: Path | None
    problems: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Whether all who are there can work."""
        return not self.problems and not any(worker.problems for worker in self.workers)


def examine_cluster(
    address: Address, security: Security, shared: Path | None = None, patience: float = PATIENCE
) -> ClusterExamination:
    """Ask all workers what they are.

    Args:
        address: The scheduler's.
        security: From `make_security`.
        shared: A folder that all should see.
        patience: Seconds for their answers.

    Raises:
        ClusterError: The scheduler cannot be reached.
        UnwritableOutputError: Nothing can be written in the shared folder.
    """
    here, marks = describe_machine(), Marks()
    if shared is not None and not shared.is_dir():
        raise UnwritableOutputError("there is no such folder", shared, "create it")
    mark, content = ("", "") if shared is None else marks.mark(shared.absolute())
    try:
        link = Link(address, security)
    except ConnectionError as error:
        marks.remove()
        raise ClusterError(str(error), remedy="start it: redact cluster scheduler") from error
    try:
        asked = {worker: link.examine(worker, str(mark), content) for worker in link.workers()}
        until = monotonic() + patience
        while not all(one.is_done for one in asked.values()) and monotonic() < until:
            sleep(0.05)
        found = tuple(_state(worker, one, here) for worker, one in asked.items())
    finally:
        link.close()
        marks.remove()
    problems = () if found else ("there is no worker; start one with `redact worker`",)
    return ClusterExamination(str(address), address.scheme == "tls", here, found, shared, problems)


def _state(worker: str, asked: Asked, here: Machine) -> WorkerState:
    if not asked.is_done:
        return WorkerState(worker, None, ("it does not answer; perhaps it has a file in work",))
    try:
        machine = asked.machine()
    except ClusterError as error:
        return WorkerState(worker, None, (error.problem,))
    return WorkerState(worker, machine, tuple(differences(here, machine)))
