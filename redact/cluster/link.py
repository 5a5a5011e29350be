"""A client's link to a scheduler: who its workers are, work for one of them, and what it tells."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from distributed import Client
from distributed.comm import CommClosedError

from redact.cluster.addresses import Address, check_encrypted, check_link
from redact.cluster.messages import LARGEST, Machine, Order, decode, encode
from redact.cluster.worker import examine, redact_there
from redact.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Future as DaskFuture
    from distributed import Security

LOST = (OSError, TimeoutError, CommClosedError)
"""What is raised where the scheduler cannot be reached."""

_PATIENCE = 15.0  # seconds for an answer of the scheduler


@dataclass(frozen=True, slots=True)
class News:
    """Progress of one file.

    Args:
        number: Of the order.
        stage: `ALIVE` or `ENDED` where there is no progress.
        done: Frames done.
        expected: How many there are.
    """

    number: int
    stage: str
    done: int
    expected: int | None


class Link:
    """A connection to a scheduler.

    Args:
        address: Where it is.
        security: From `make_security`.
        hear: Called with news, from a thread of Dask's.

    Raises:
        ClusterError: One side does not accept the other.
        OSError: It cannot be reached.
    """

    def __init__(
        self, address: Address, security: Security, hear: Callable[[News], None] | None = None
    ) -> None:
        check_link(address, security, "client")
        self.topic = f"redact-{secrets.token_hex(8)}"
        self._hear = hear
        self._client = Client(
            str(address),
            security=security,
            timeout=_PATIENCE,
            set_as_default=False,
            direct_to_workers=False,
        )
        self._client.subscribe_topic(self.topic, self._read)

    def _read(self, event: Any) -> None:
        with suppress(ValueError, TypeError, IndexError):  # what is no news is not told
            number, stage, done, expected = event[1]
            expected = None if expected is None else int(expected)
            if self._hear is not None:
                self._hear(News(int(number), str(stage)[:32], int(done), expected))

    @property
    def is_up(self) -> bool:
        """Whether the scheduler is there."""
        return bool(self._client.status == "running")

    def workers(self) -> list[str]:
        """The addresses of all workers.

        Raises:
            OSError: The scheduler is gone.
        """
        asked = self._client.scheduler.identity
        found = self._client.sync(asked, n_workers=-1, callback_timeout=_PATIENCE)
        return [str(address) for address in found["workers"]]

    def examine(self, worker: str, mark: str = "", content: str = "") -> Asked:
        """Ask a worker what machine it is on."""
        return self._ask(worker, examine, mark, content)

    def redact(self, worker: str, order: Order) -> Asked:
        """Give a worker a file."""
        return self._ask(worker, redact_there, encode(replace(order, topic=self.topic)))

    def _ask(self, worker: str, function: Callable[..., bytes], *arguments: object) -> Asked:
        check_encrypted(f"the worker {worker}", _place(worker))
        key = f"redact-{secrets.token_hex(8)}"
        return Asked(
            self._client.submit(
                function, *arguments, key=key, workers=[worker], allow_other_workers=False
            )
        )

    def close(self) -> None:
        """Let go of all that was asked."""
        with suppress(*LOST, RuntimeError):
            self._client.close(timeout=5)


class Asked:
    """What was asked of a worker."""

    def __init__(self, future: DaskFuture[Any]) -> None:
        self._future = future

    @property
    def is_done(self) -> bool:
        """Whether there is an answer, or will never be one."""
        return bool(self._future.done())

    def answer(self) -> bytes:
        """The answer.

        Raises:
            ClusterError: There is none, in words.
            OSError: The scheduler is gone.
        """
        if self._future.status == "cancelled":
            raise ConnectionError("the scheduler is gone")
        if self._future.status == "error":
            raise ClusterError(_in_words(self._future))
        found = self._future.result(timeout=_PATIENCE)
        if not isinstance(found, bytes) or len(found) > LARGEST:
            raise ClusterError("what it sent is no answer")
        return found

    def machine(self) -> Machine:
        """The answer to `Link.examine`."""
        return decode(self.answer(), Machine)

    def when_done(self, wake: Callable[[], object]) -> None:
        """Call that when there is an answer, from a thread."""
        self._future.add_done_callback(lambda _: wake())

    def cancel(self) -> None:
        """It is not wanted any more."""
        with suppress(*LOST, RuntimeError):
            self._future.cancel()


def _in_words(future: DaskFuture[Any]) -> str:
    """Why there is no answer, as Dask has it."""
    try:
        error = future.exception(timeout=_PATIENCE)
    except LOST:
        raise
    except Exception as other:  # an error that cannot be read here
        error = other
    if isinstance(error, ImportError):
        return "redact is not installed there, or is another version"
    return f"{type(error).__name__}: {error}"


def _place(worker: str) -> Address:
    parts = urlsplit(worker)
    return Address(parts.scheme, parts.hostname or "", parts.port or 0)
