"""What a shell is offered for values whose list costs an import or a look at a file."""

from __future__ import annotations

from collections.abc import Iterator

from redact.core.kinds import KINDS, USUAL
from redact.core.recipe import PROFILES
from redact.errors import RedactError


def profiles() -> list[str]:
    """For --profile."""
    return list(PROFILES)


def presets() -> list[str]:
    """For --preset; a file that cannot be used is told when it is."""
    from redact_cli.presets import load_presets

    try:
        return list(load_presets())
    except RedactError:
        return []


def kinds() -> list[str]:
    """For --detect."""
    names = [facts.option for facts in KINDS.values()]
    return [*names, ",".join(KINDS[kind].option for kind in USUAL), "all"]


def encoders() -> Iterator[str]:
    """For --encoder."""
    from redact.media.video.encoder_table import (
        ENCODERS,  # not at the start: `redact --help` must be quick
    )

    yield from ENCODERS


def devices() -> Iterator[str]:
    """For --device."""
    from redact.detect.detectors.devices import DEVICES  # not at the start either

    yield from ("auto", *DEVICES)
