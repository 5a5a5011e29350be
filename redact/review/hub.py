"""What the server tells the page as it happens, and which tab may work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

_SILENCE = 15.0
"""Seconds after which a line without meaning is sent, so that an end of the page is noticed."""


class Hub:
    """Streams events to the tabs; one of them may work. To be used in one event loop."""

    def __init__(self) -> None:
        self._tabs: dict[str, asyncio.Queue[str | None]] = {}
        self.worker: str | None = None

    @property
    def busy(self) -> bool:
        """Whether any tab is open."""
        return bool(self._tabs)

    def may_work(self, tab: object) -> bool:
        """Whether that tab may change the plan."""
        return isinstance(tab, str) and tab == self.worker

    async def stream(self, tab: str, take: bool) -> AsyncIterator[str]:
        """Events for a tab until it goes away.

        Args:
            tab: A name that the tab chose for itself.
            take: Whether it wants to work even if another tab does.
        """
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._tabs[tab] = queue
        if self.worker is None or take:
            self._hand_over(tab)
        queue.put_nowait(_event("tab", {"works": self.worker == tab}))
        try:
            while True:
                try:
                    told = await asyncio.wait_for(queue.get(), _SILENCE)
                except TimeoutError:
                    told = ": still here\n\n"
                if told is None:
                    return
                yield told
        finally:
            if self._tabs.get(tab) is queue:
                del self._tabs[tab]
                if self.worker == tab:
                    self.worker = None

    def tell(self, name: str, data: Any) -> None:
        """Tell all tabs."""
        for queue in self._tabs.values():
            queue.put_nowait(_event(name, data))

    def end(self) -> None:
        """End all streams."""
        for queue in self._tabs.values():
            queue.put_nowait(_event("end", {}))
            queue.put_nowait(None)

    def _hand_over(self, tab: str) -> None:
        before = self._tabs.get(self.worker or "")
        self.worker = tab
        if before is not None:
            before.put_nowait(_event("tab", {"works": False}))


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
