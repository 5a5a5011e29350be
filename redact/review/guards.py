"""What stands before the server: who may ask, how much may be sent, what a browser may do with it.

Nothing but this page, in the browser that was given the one-time address, gets an answer. The
cookie is sent to one path only, which nobody can guess: another server on this machine, on another
port, would get it otherwise.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias

from redact.review.peers import is_other_user

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY = 1 << 20
"""Bytes; the largest act is a path of some thousand key frames."""

HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",  # a browser's cache is a place on disk
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}

_WELCOME = """<!doctype html><meta charset="utf-8"><title>redact</title>
<meta http-equiv="refresh" content="0;url={0}"><p><a href="{0}">Go on to the review</a></p>
"""
"""A page and no redirect: only then is the navigation the site's own, so that a strict cookie is
sent along."""


class Guard:
    """Lets through what comes from the page itself, and answers everything else with a refusal.

    Args:
        app: What is guarded.
        port: At which the server listens, on 127.0.0.1.

    Attributes:
        address: To be opened once, in the browser that is to work here.
    """

    def __init__(self, app: App, port: int) -> None:
        self._app = app
        self._host = f"127.0.0.1:{port}"
        self._origin = f"http://{self._host}"
        self._token: str | None = secrets.token_urlsafe(32)
        self._key = secrets.token_urlsafe(32)
        self._cookie = f"redact-{port}"
        self.root = f"/{secrets.token_urlsafe(16)}"
        self.address = f"{self._origin}/open?{self._token}"
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no websockets
            return
        headers = _headers(scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _answer(send, refusal, f"{refusal.phrase}\n", "text/plain; charset=utf-8")
            return
        if scope["path"] == "/open":
            await self._let_in(scope, send)
            return
        inner = dict(scope)
        inner["path"] = scope["path"].removeprefix(self.root) or "/"
        inner["raw_path"] = inner["path"].encode()
        await self._app(inner, _bounded(receive), _with_headers(send))

    def _refusal(self, scope: Scope, headers: dict[str, list[str]]) -> HTTPStatus | None:
        """Why a request is refused, None if it is not."""
        if headers.get("host") != [self._host]:
            return HTTPStatus.MISDIRECTED_REQUEST
        origin, site = headers.get("origin", []), headers.get("sec-fetch-site", [])
        if any(said != self._origin for said in origin):
            return HTTPStatus.FORBIDDEN
        opening = scope["path"] == "/open"
        if any(said not in {"same-origin", "none"} for said in site) and not opening:
            return HTTPStatus.FORBIDDEN
        if scope["method"] not in {"GET", "POST"}:
            return HTTPStatus.METHOD_NOT_ALLOWED
        if scope["method"] == "POST" and not origin:
            return HTTPStatus.FORBIDDEN
        length = headers.get("content-length", ["0"])[0]
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if opening:
            return HTTPStatus.METHOD_NOT_ALLOWED if scope["method"] != "GET" else None
        if not scope["path"].startswith(f"{self.root}/"):
            return HTTPStatus.NOT_FOUND if self._is_known(headers) else HTTPStatus.FORBIDDEN
        return None if self._is_known(headers) else HTTPStatus.FORBIDDEN

    def _is_known(self, headers: dict[str, list[str]]) -> bool:
        for said in headers.get("cookie", []):
            try:
                cookie = SimpleCookie(said).get(self._cookie)
            except CookieError:
                continue
            if cookie is not None and hmac.compare_digest(cookie.value, self._key):
                return True
        return False

    async def _let_in(self, scope: Scope, send: Send) -> None:
        """Give the cookie for the token, once, and to this user only."""
        token = scope["query_string"].decode("latin-1")
        with self._lock:
            known = (
                self._token is not None
                and hmac.compare_digest(token.encode(), self._token.encode())
                and not is_other_user(scope.get("client"), scope.get("server"))
            )
            if known:
                self._token = None
        if not known:
            text = "This address was used before, or is not the one that redact gave.\n"
            await _answer(send, HTTPStatus.FORBIDDEN, text, "text/plain; charset=utf-8")
            return
        cookie = f"{self._cookie}={self._key}; Path={self.root}/; HttpOnly; SameSite=Strict"
        page = _WELCOME.format(f"{self.root}/")
        await _answer(send, HTTPStatus.OK, page, "text/html; charset=utf-8", cookie)


def _headers(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _bounded(receive: Receive) -> Receive:
    """A body that ends, as if its sender had gone away, once it is too large."""
    come = 0

    async def bounded() -> Message:
        nonlocal come
        message = await receive()
        come += len(message.get("body", b""))
        return {"type": "http.disconnect"} if come > LARGEST_BODY else message

    return bounded


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.encode(): value.encode() for name, value in HEADERS.items()}
            kept = [item for item in message["headers"] if item[0].lower() not in own]
            message["headers"] = [*kept, *own.items()]
        await send(message)

    return sending


async def _answer(
    send: Send, status: HTTPStatus, text: str, kind: str, cookie: str | None = None
) -> None:
    body = text.encode()
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    if cookie is not None:
        headers.append((b"set-cookie", cookie.encode()))
    safe = _with_headers(send)
    await safe({"type": "http.response.start", "status": int(status), "headers": headers})
    await safe({"type": "http.response.body", "body": body})
