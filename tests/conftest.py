"""What every test has."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def quiet_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that an earlier test ran with `--debug` does not make this one's engines talk."""
    monkeypatch.delenv("REDACT_DEBUG", raising=False)
