"""`redact worker`, `redact cluster` and `--cluster`: work on other machines."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from redact.cluster import INSTALL
from redact.errors import ClusterError, RecipeError, printable
from redact_cli import help_texts
from redact_cli.cluster_options import Cluster
from redact_cli.exit_codes import OK, SOME_FAILED
from redact_cli.help_format import Command, Group
from redact_cli.option_groups import Only, takes_groups
from redact_cli.options import Machine, Output

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from redact.cluster.examination import ClusterExamination
    from redact.jobs.jobs import Job

app = typer.Typer(cls=Group, help=help_texts.CLUSTER, no_args_is_help=True)

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@app.command(cls=Command, epilog="Example: redact cluster certificates ~/redact-certificates")
def certificates(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", show_default=False, help="Made if it is not there.")
    ],
) -> None:
    """Make a private authority, and certificates for a scheduler, workers and clients."""
    from redact.cluster.certificates import DAYS, make_certificates

    paths = make_certificates(folder)
    typer.echo("\n".join(printable(path) for path in paths))
    typer.echo(
        f"Keep them secret, and give each machine {paths[0].name} and its own role's file. They "
        f"are valid for {DAYS} days."
    )


@app.command(cls=Command, epilog="Example: redact cluster scheduler --certificates certificates")
@takes_groups
def scheduler(
    cluster: Annotated[Cluster, Only("certificates")],
    machine: Annotated[Machine, Only("device")],
    output: Annotated[Output, Only("quiet")],
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where it listens; 0.0.0.0 is everywhere.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="At which port; 0 is any.")
    ] = 8786,
    workers: Annotated[
        int, typer.Option(metavar="N", min=0, help="So many workers on this machine as well.")
    ] = 0,
) -> None:
    """Be the scheduler, which tells workers and clients of each other; it sees no media."""
    from redact_cli.console import say
    from redact_cli.recipes import use_device

    use_device(machine.device)

    with _dask():
        from redact.cluster.addresses import make_security
        from redact.cluster.serving import run_until_signal, serve_cluster

        security = make_security(cluster.certificates)

        def tell(text: str) -> None:
            say(text, quiet=output.quiet)

        came = run_until_signal(
            lambda over: serve_cluster(host, port, security, workers, over, tell), _SIGNALS
        )
    _leave_by(came)


@takes_groups
def worker(
    url: Annotated[
        str, typer.Argument(metavar="URL", show_default=False, help="The scheduler's address.")
    ],
    cluster: Annotated[Cluster, Only("certificates")],
    machine: Annotated[Machine, Only("jobs", "device")],
    output: Annotated[Output, Only("quiet")],
) -> None:
    """Be a worker of a cluster: redact the files that clients name, and do nothing else."""
    from redact_cli.console import say
    from redact_cli.recipes import use_device
    from redact_cli.surroundings import check_engines

    check_engines()
    use_device(machine.device)
    with _dask():
        from redact.cluster.addresses import make_security, read_address
        from redact.cluster.serving import run_until_signal, serve_workers
        from redact.jobs.batch import useful_workers

        address = read_address(url)
        security = make_security(cluster.certificates, encrypted=address.scheme == "tls")
        count = machine.jobs or useful_workers()

        def tell(text: str) -> None:
            say(text, quiet=output.quiet)

        came = run_until_signal(
            lambda over: serve_workers(address, security, count, over, tell), _SIGNALS
        )
    _leave_by(came)


def _leave_by(number: int | None) -> None:
    if number is not None:
        raise typer.Exit(128 + number)


@contextmanager
def _dask() -> Iterator[None]:
    """Say in one line that Dask is missing, and keep its log from people.

    Raises:
        ClusterError: It is missing.
    """
    try:
        from redact.cluster.serving import silence_dask
    except ImportError as error:
        raise ClusterError(f"a cluster needs Dask: {error}", remedy=INSTALL) from error
    silence_dask()
    yield


Opener = Callable[["Sequence[Job]", Callable[[str], None]], Any]
"""Makes a context that gives an executor, for jobs and what is told about workers."""


def cluster_opener(cluster: Cluster, machine: Machine) -> Opener | None:
    """What opens the cluster that was asked for; None if none was.

    Raises:
        RecipeError: Options do not fit together.
        ClusterError: It is no address of a cluster.
    """
    url = cluster.cluster
    if url is None:
        if cluster.certificates is not None:
            raise RecipeError("--certificates says nothing without --cluster")
        return None
    if machine.jobs != 1:
        problem = "--jobs is about this machine, and --cluster about others"
        raise RecipeError(problem, remedy="say local:N, or --jobs where workers are started")
    found = re.fullmatch(r"local(?::([0-9]{1,4}))?", url)
    with _dask():
        from redact.cluster.addresses import read_address

        address = None if found else read_address(url)

    @contextmanager
    def opened(jobs: Sequence[Job], notice: Callable[[str], None]) -> Iterator[Executor]:
        from redact.cluster.addresses import make_security
        from redact.cluster.executor import ClusterExecutor
        from redact.cluster.link import Link
        from redact.cluster.serving import local_cluster
        from redact.jobs.batch import output_folders, useful_workers

        folders = [Path(os.path.abspath(it)) for it in output_folders(jobs)]  # noqa: PTH100
        if address is not None:
            security = make_security(cluster.certificates, encrypted=address.scheme == "tls")
            with ClusterExecutor(lambda h: Link(address, security, h), folders, notice) as made:
                yield made
            return
        assert found is not None
        count = int(found[1] or 0) or useful_workers()
        with (
            local_cluster(count) as (here, own),
            ClusterExecutor(lambda h: Link(here, own, h), folders, notice) as made,
        ):
            yield made

    return opened


def tell_cluster(cluster: Cluster, output: Output) -> int:
    """Examine a cluster, tell what was found, and give the exit code.

    Raises:
        ClusterError: It cannot be reached.
    """
    assert cluster.cluster is not None
    with _dask():
        from redact.cluster.addresses import make_security, read_address
        from redact.cluster.examination import examine_cluster

        address = read_address(cluster.cluster)
        security = make_security(cluster.certificates, encrypted=address.scheme == "tls")
        found = examine_cluster(address, security, cluster.shared)
    typer.echo(_as_json(found) if output.as_json else "\n".join(_in_words(found)))
    return OK if found.is_well else SOME_FAILED


def _as_json(found: ClusterExamination) -> str:
    return json.dumps(asdict(found), indent=2, default=str)


def _in_words(found: ClusterExamination) -> Iterator[str]:
    link = "encrypted" if found.encrypted else "NOT ENCRYPTED, on this machine alone"
    yield f"scheduler   {found.address}, {link}"
    yield f"workers     {len(found.workers)}"
    for one in found.workers:
        if one.machine is None:
            yield f"worker      {one.address}"
            continue
        it = one.machine
        known = {name: it.versions.get(name, "?") for name in ("redact", "python", "distributed")}
        versions = ", ".join(f"{name} {version}" for name, version in known.items())
        yield f"worker      {it.name} at {one.address}: {versions}"
        memory = f"{it.memory / (1 << 30):.1f} GiB"
        yield f"            {it.system}, {it.cores} processors, {memory}, {', '.join(it.providers)}"
    if found.shared is not None:
        yield f"shared      {printable(found.shared)}"
    yield ""
    if found.is_well:
        yield "All of them can work."
    yield from (f"PROBLEM: {problem}" for problem in found.problems)
    for one in found.workers:
        name = one.address if one.machine is None else f"{one.machine.name} at {one.address}"
        yield from (f"PROBLEM: {name}: {problem}" for problem in one.problems)
