"""The options about other machines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which other machines do the work."""

    PANEL: ClassVar[str] = "Other machines"

    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="URL",
            help="Give the files to the workers of a Dask cluster: tls://HOST:PORT is its "
            "scheduler; local or local:N starts one on this machine for this run. All machines "
            "must see the files under the same names. See docs/cluster.md.",
        ),
    ] = None
    certificates: Annotated[
        Path | None,
        typer.Option(
            "--certificates",
            metavar="DIR",
            help="What `redact cluster certificates` made; Dask's own configuration by default.",
        ),
    ] = None
    shared: Annotated[
        Path | None,
        typer.Option(
            "--shared", metavar="DIR", file_okay=False, help="A folder that all workers must see."
        ),
    ] = None
