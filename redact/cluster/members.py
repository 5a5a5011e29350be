"""The workers of a cluster as a client sees them: who may work, who is refused, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep

from redact.cluster.link import Asked, Link
from redact.cluster.machines import describe_machine, differences
from redact.errors import ClusterError

_REST = 1.0  # seconds between two looks at who is there
_REST_EACH = 0.005  # more of them for each worker: a scheduler tells a lot about each
_SHORTER = 0.2  # of the patience, where all who are there were refused


@dataclass(slots=True, eq=False)
class Member:
    """One worker.

    Args:
        address: Where Dask reaches it; another one after a restart.
        name: What its machine is called, and the address.
        asked: What machine it is on; None once it has answered.
        is_fit: Whether it may work.
        number: Of the order that it has.
    """

    address: str
    name: str
    asked: Asked | None
    is_fit: bool = False
    number: int | None = None


class Members:
    """All workers.

    Args:
        notice: Told in words about those that are refused.
        patience: Seconds without any that can be used.
    """

    def __init__(self, notice: Callable[[str], None], patience: float) -> None:
        self._notice, self._patience = notice, patience
        self._here = describe_machine()
        self._all: dict[str, Member] = {}
        self._reasons: dict[str, str] = {}
        self.begin()

    def begin(self) -> None:
        """Nobody is known, as with a new scheduler."""
        self._all.clear()
        self._due, self._seen_fit = 0.0, monotonic()

    def wait_for_first(self, link: Link) -> None:
        """Wait until one can be used.

        Raises:
            ClusterError: None can, in time.
            OSError: The scheduler is gone.
        """
        while self.free_for(()) is None:
            self.refresh(link)
            error = self.why_none()
            if error is not None:
                raise error
            sleep(0.05)

    def refresh(self, link: Link) -> list[Member]:
        """Ask who is there, now and then; new ones are asked what machine they are on.

        Returns:
            Those that are gone.

        Raises:
            OSError: The scheduler is gone.
        """
        gone: list[Member] = []
        if monotonic() >= self._due:
            there = link.workers()
            self._due = monotonic() + _REST + _REST_EACH * len(there)
            gone = [self._all.pop(address) for address in set(self._all) - set(there)]
            for address in there:
                if address not in self._all:
                    self._add(link, address)
        for member in self._all.values():
            if member.asked is not None and member.asked.is_done:
                self._judge(member)
        if any(member.is_fit for member in self._all.values()):
            self._seen_fit = monotonic()
        return gone

    def _add(self, link: Link, address: str) -> None:
        member = self._all[address] = Member(address, address, None)
        try:
            member.asked = link.examine(address)
        except ClusterError as error:
            self.refuse(member, error.problem)

    def _judge(self, member: Member) -> None:
        asked, member.asked = member.asked, None
        assert asked is not None
        try:
            machine = asked.machine()
        except ClusterError as error:
            self.refuse(member, error.problem)
            return
        member.name = f"{machine.name} ({member.address})"
        why = list(differences(self._here, machine))
        if why:
            self.refuse(member, "; ".join(why))
        else:
            member.is_fit = True

    def refuse(self, member: Member, why: str) -> None:
        """Give a worker nothing more, and say why, once for each address."""
        member.is_fit = False
        if member.address not in self._reasons:
            self._notice(f"the worker {member.name} is refused: {why}")
        self._reasons[member.address] = f"{member.name}: {why}"

    def forget(self, member: Member) -> None:
        """A worker is silent: it must say again who it is before it gets anything."""
        self._all.pop(member.address, None)

    def free_for(self, avoid: set[str] | tuple[str, ...]) -> Member | None:
        """A worker that has nothing to do; one to avoid only if there is no other at all."""
        fit = [member for member in self._all.values() if member.is_fit]
        others = [member for member in fit if member.address not in avoid]
        return next((member for member in others or fit if member.number is None), None)

    def why_none(self) -> ClusterError | None:
        """What to say when none could be used for too long."""
        silent = monotonic() - self._seen_fit
        asked = any(member.asked is not None for member in self._all.values())
        most = self._patience * (_SHORTER if self._all and not asked else 1)
        if silent <= most:
            return None
        reasons = "; ".join(self._reasons[at] for at in self._all if at in self._reasons)
        problem = f"no worker can be used: {reasons}" if reasons else "there is no worker"
        return ClusterError(problem, remedy="start one with `redact worker`, of the same redact")
