"""Uvicorn, told apart from what it serves: it says when it listens, and ends what would not end."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn


class Listener(uvicorn.Server):
    """Tells when it listens, and ends streams before it waits for their end."""

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], on_end: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_end = on_end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_end()
        await super().shutdown(sockets)
