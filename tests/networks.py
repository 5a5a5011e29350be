"""What networks are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def colours_of_red(detector: Any, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The means of a dark red picture's three channels, in the order in which a network gets them.

    Args:
        detector: With a `Session`, or a network that has one.
        monkeypatch: Puts it back.
    """
    batches = []
    session = getattr(detector, "_network", detector)._session
    run = session.run
    monkeypatch.setattr(session, "run", lambda batch: batches.append(batch) or run(batch))
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[..., 0] = 200
    detector.detect([picture], 0.2)
    means: list[float] = batches[0][0].mean(axis=(1, 2)).tolist()
    return means
