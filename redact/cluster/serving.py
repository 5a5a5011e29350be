"""The two services of a cluster, a scheduler and workers, until they are told to end."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any

import dask
from distributed import Scheduler, Worker
from distributed.utils import get_ip

from redact.cluster import INSTALL
from redact.cluster.addresses import Address, check_link, read_address
from redact.cluster.worker import Redactor, Work
from redact.errors import ClusterError
from redact.jobs.span_work import do_item
from redact.jobs.worker_process import SHOW_CHATTER

if TYPE_CHECKING:
    from distributed import Security

_NOWHERE = "127.0.0.1:0"
"""Where Dask's pages would be served, if there were any: they are not encrypted."""

_PLAIN: dict[str, object] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # For graphs on those pages alone, Dask looks at its own stack a hundred times a second, and at
    # its own clock fifty times. That took a tenth of a processor, beside work of minutes.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
}
"""Dask without its pages."""

_WORKER_TTL = 60  # seconds without a sign of life after which a scheduler forgets a worker
_REST = 1.0  # seconds between two attempts to reach a scheduler

Notice = Callable[[str], None]


def silence_dask() -> None:
    """Let Dask's own log be heard only with `--debug`: errors are told in redact's words."""
    if not os.environ.get(SHOW_CHATTER):
        for name in ("distributed", "distributed.client", "tornado.application", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


async def serve_scheduler(
    host: str, port: int, security: Security, over: asyncio.Event, notice: Notice
) -> None:
    """Be the scheduler.

    Args:
        host: The address to listen at.
        port: The port, 0 for any.
        security: From `make_security`.
        over: Set when it shall end.
        notice: Told the address when it listens.

    Raises:
        ClusterError: It cannot listen there.
    """
    scheme = "tls" if security.require_encryption else "tcp"
    try:
        with dask.config.set(_PLAIN):
            made = Scheduler(
                host=host,
                port=port,
                protocol=f"{scheme}://",
                security=security,
                dashboard=False,
                dashboard_address=_NOWHERE,
                worker_ttl=_WORKER_TTL,
                allowed_failures=0,
            )
            await made
    except (OSError, RuntimeError) as error:
        problem = f"no scheduler can listen at {host}, port {port}: {error}"
        raise ClusterError(problem, remedy="name another --port") from error
    notice(made.address)
    await over.wait()
    await made.close()


async def serve_workers(
    address: Address,
    security: Security,
    count: int,
    over: asyncio.Event,
    notice: Notice,
    work: Work = do_item,
) -> None:
    """Be several workers, which find their scheduler again whenever it was away.

    Args:
        address: The scheduler's.
        security: From `make_security`.
        count: How many files are done side by side.
        over: Set when they shall end.
        notice: Told in words what goes on.
        work: What is done with a job or a span.

    Raises:
        ClusterError: The scheduler does not accept them, or they not it.
    """
    name = f"{platform.node()}-{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="redact-worker-") as scratch:
        makers = [
            _Maker(address, security, f"{name}-{at}", Path(scratch), Redactor(count, work))
            for at in range(count)
        ]
        async with asyncio.TaskGroup() as group:
            for maker in makers:
                group.create_task(_serve_worker(maker, over, notice if maker is makers[0] else _no))


def _no(_: str) -> None:
    """One of several workers speaks for all."""


class _Maker:
    """Makes one worker after another of the same kind."""

    def __init__(
        self, address: Address, security: Security, name: str, scratch: Path, redactor: Redactor
    ) -> None:
        self.address, self.security = address, security
        self._name, self._scratch, self.redactor = name, scratch, redactor

    def __call__(self) -> Worker:
        self.redactor.begin()
        with dask.config.set(_PLAIN):
            return Worker(
                str(self.address),
                nthreads=1,
                name=self._name,
                protocol=f"{self.address.scheme}://",
                host=get_ip(self.address.host, self.address.port),
                security=self.security,
                dashboard=False,
                dashboard_address=_NOWHERE,
                memory_limit=0,  # what needs memory is in the sandbox, which has its own limit
                local_directory=str(self._scratch),
                plugins=(self.redactor,),
            )


async def _serve_worker(make: _Maker, over: asyncio.Event, notice: Notice) -> None:
    said = False
    while not over.is_set():
        try:
            await asyncio.to_thread(check_link, make.address, make.security, "worker")
            worker = await asyncio.wait_for(make(), 30)
        except (OSError, TimeoutError) as error:
            if not said:
                notice(f"{error}; waiting for it")
                said = True
            await _sleep(over)
            continue
        said = False
        notice(f"at work for {make.address}")
        ends = [asyncio.create_task(worker.finished()), asyncio.create_task(over.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        await worker.close(reason="redact")
        await asyncio.to_thread(make.redactor.close)
        for end in ends:
            end.cancel()
        if not over.is_set():
            notice(f"{make.address} is gone; what was in work here was stopped")
            await _sleep(over)


async def _sleep(over: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(over.wait(), _REST)
    except TimeoutError:
        return


@contextmanager
def local_cluster(count: int, work: Work = do_item) -> Iterator[tuple[Address, Security]]:
    """A scheduler and workers on this machine, in a thread, with certificates of their own.

    Args:
        count: How many workers.
        work: What is done with a job or a span.

    Yields:
        Where it is, and what a client proves itself with.

    Raises:
        ClusterError: It does not start.
    """
    from distributed import Security

    try:
        security = Security.temporary()
    except ImportError as error:
        raise ClusterError(str(error), remedy=INSTALL) from error
    running = _InThread()
    try:
        found = running.start(security, count, work)
        yield found, security
    finally:
        running.end()


async def serve_cluster(
    host: str,
    port: int,
    security: Security,
    count: int,
    over: asyncio.Event,
    notice: Notice,
    work: Work = do_item,
) -> None:
    """Be the scheduler, and workers beside it: the arguments are those of the two alone.

    Raises:
        ClusterError: It cannot listen there.
    """
    workers: list[asyncio.Task[None]] = []

    def listening(url: str) -> None:
        if count:
            serving = serve_workers(read_address(url), security, count, over, _no, work)
            workers.append(asyncio.create_task(serving))
        notice(f"the scheduler listens at {url}")

    await serve_scheduler(host, port, security, over, listening)
    await asyncio.gather(*workers)


class _InThread:
    """The services of a local cluster, in a thread with a loop of its own."""

    def start(self, security: Security, count: int, work: Work) -> Address:
        """Start both.

        Raises:
            ClusterError: They do not start.
        """
        said: Queue[str | BaseException] = Queue()

        async def serve() -> None:
            self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
            await serve_cluster("127.0.0.1", 0, security, count, self._over, said.put, work)

        def run() -> None:
            try:
                asyncio.run(serve())
            except BaseException as error:
                said.put(error)

        self._thread = Thread(target=run, name="local cluster", daemon=True)
        self._thread.start()
        first = said.get()
        if isinstance(first, BaseException):
            raise first
        return read_address(first.split()[-1])

    def end(self) -> None:
        """Let both end, and wait for it."""
        if hasattr(self, "_loop") and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()


def run_until_signal(main: Callable[[asyncio.Event], Any], signals: Sequence[int]) -> int | None:
    """Run a service until one of the signals comes.

    Args:
        main: Makes the coroutine; gets what is set when it shall end.
        signals: Numbers.

    Returns:
        The signal, None if the service ended by itself.
    """
    came: list[int] = []

    async def run() -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()

        def end(number: int) -> None:
            came.append(number)
            over.set()

        for number in signals:
            try:
                loop.add_signal_handler(number, end, number)
            except NotImplementedError:  # Windows: Ctrl-C interrupts
                continue
        await main(over)

    try:
        asyncio.run(run())
    except* ClusterError as group:
        raise group.exceptions[0] from None
    return came[0] if came else None
