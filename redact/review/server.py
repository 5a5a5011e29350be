"""The review's server: Starlette on 127.0.0.1, for one person and one browser."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import CancelledError, Future
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from redact.core import history
from redact.core.geometry import Box
from redact.core.strict_json import parse_json
from redact.errors import PlanError, RedactError, printable
from redact.review import outlines
from redact.review.acts import acts
from redact.review.following import Following
from redact.review.frames import View
from redact.review.guards import Guard
from redact.review.hub import Hub
from redact.review.listener import Listener
from redact.review.session import ChangedOnDiskError, Session, StaleError
from redact.review.work import Job, Review

_PAGE = Path(__file__).with_name("page")
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
IDLE = 900.0
"""Seconds without a tab and without a request after which the server ends."""
_FAR = 1e6
"""Pixels; no box is drawn so far away."""
_WATCH = 2.0
"""Seconds between two looks at the plan files and the clock."""

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


@cache
def page_files() -> dict[str, tuple[bytes, str]]:
    """The page's own files by name: nothing else is ever served, so no name leads elsewhere."""
    found = ((path.name, path) for path in _PAGE.iterdir() if path.suffix in _KINDS)
    return {name: (path.read_bytes(), _KINDS[path.suffix]) for name, path in found}


class ReviewServer:
    """Answers the page.

    Args:
        review: What is under review; closed by whoever made it.
        idle: Seconds without a tab and a request after which it ends.
    """

    def __init__(self, review: Review, idle: float = IDLE) -> None:
        self._review = review
        self._idle = idle
        self._hub = Hub()
        self._asked = time.monotonic()
        self._end: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None
        routes = [
            Route("/", self._page_file),
            Route("/page/{name}", self._page_file),
            Route("/files", self._guarded(self._files)),
            Route("/files/{number:int}", self._guarded(self._file)),
            Route("/files/{number:int}/plan", self._guarded(self._plan)),
            Route("/files/{number:int}/frames/{index:int}", self._guarded(self._frame)),
            Route("/files/{number:int}/crops/{track:int}", self._guarded(self._crop)),
            Route("/files/{number:int}/outlines/{index:int}", self._guarded(self._outlines)),
            Route("/files/{number:int}/{act}", self._guarded(self._act), methods=["POST"]),
            Route("/events", self._guarded(self._events)),
            Route("/end", self._guarded(self._end_told), methods=["POST"]),
        ]
        self.app = Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        self._review.on_progress = lambda job: self._soon(self._tell_job, job)
        if self._review.comparer is not None:
            self._review.comparer.on_found = lambda number, problem: self._soon(
                self._hub.tell, "alike", {"file": number, "problem": problem}
            )
        tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._open_early())]
        yield
        self._review.follower.cancel()
        for task in tasks:
            task.cancel()

    def serve(self, port: int, on_ready: Callable[[str], None]) -> None:
        """Serve until told to end, or idle.

        Args:
            port: On 127.0.0.1; 0 for a free one.
            on_ready: Called with the one-time address once it can be opened.
        """
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", port))
            guard = Guard(cast(Any, self.app), listening.getsockname()[1])
            config = uvicorn.Config(
                cast(Any, guard),
                log_config=None,
                log_level="critical",  # errors are answers, and who goes away in between is none
                access_log=False,
                server_header=False,
                date_header=False,
                ws="none",
                lifespan="on",
                h11_max_incomplete_event_size=1 << 15,
                timeout_graceful_shutdown=2,
                limit_concurrency=64,
            )
            server = Listener(config, lambda: on_ready(guard.address), self._hub.end)

            def end() -> None:
                server.should_exit = True

            self._end = end
            server.run(sockets=[listening])

    def end(self) -> None:
        """End it soon; may be called by any thread."""
        self._end()

    async def _open_early(self) -> None:
        """Open the first file before it is asked for; what is wrong is told to whoever asks."""
        with suppress(RedactError, CancelledError):
            await asyncio.to_thread(self._review.open, 0)

    async def _watch(self) -> None:
        """Notice plans that change on disk, and that nobody is there any more."""
        told: set[int] = set()
        while True:
            await asyncio.sleep(_WATCH)
            for number, session in enumerate(self._review.sessions):
                changed = await asyncio.to_thread(session.changed_on_disk)
                if changed and number not in told:
                    self._hub.tell("disk", {"file": number})
                told = told | {number} if changed else told - {number}
            rendering = self._review.job is not None and self._review.job.running
            if self._hub.busy or rendering:
                self._asked = time.monotonic()
            if time.monotonic() - self._asked > self._idle:
                self._end()

    def _guarded(self, handler: Handler) -> Handler:
        """A handler whose errors are answers."""

        async def handle(request: Request) -> Response:
            self._asked = time.monotonic()
            try:
                return await handler(request)
            except ClientDisconnect:
                return PlainTextResponse("too large\n", 413)
            except (StaleError, ChangedOnDiskError) as error:
                kind = "stale" if isinstance(error, StaleError) else "disk"
                return JSONResponse({"error": error.problem, "kind": kind}, 409)
            except RedactError as error:
                return JSONResponse({"error": error.problem, "kind": type(error).__name__}, 400)
            except Exception as error:
                said = f"unforeseen {type(error).__name__}: {error}"
                return JSONResponse({"error": said, "kind": "unforeseen"}, 500)

        return handle

    async def _page_file(self, request: Request) -> Response:
        found = page_files().get(request.path_params.get("name", "index.html"))
        if found is None:
            return PlainTextResponse("there is no such file\n", 404)
        return Response(found[0], media_type=found[1])

    async def _files(self, _: Request) -> Response:
        files = [
            {"number": n, "name": printable(Path(s.source.name)), "state": s.state}
            for n, s in enumerate(self._review.sessions)
        ]
        return JSONResponse({"files": files})

    async def _file(self, request: Request) -> Response:
        number = request.path_params["number"]
        session = await asyncio.to_thread(self._review.open, number)
        return JSONResponse(await asyncio.to_thread(self._describe, session, whole=True))

    def _describe(self, session: Session, *, whole: bool = False) -> dict[str, Any]:
        revision = session.revision  # first: a plan that is newer is asked for again
        plan = session.plan
        signed = history.signature(plan)
        said: dict[str, Any] = {
            "revision": revision,
            "state": session.state,
            "edits": len(plan.edits),
            "undone": len(plan.undone),
            "result": plan.result and plan.result.fingerprint,
            "signed": signed and {"by": signed.by, "at": signed.at},
            "style": plan.style,
            "by": session.by,
            "look": outlines.look(plan),
            "mutes": outlines.mutes(plan, session.times),
            **outlines.describe(plan, session.times, session.memory),
        }
        if whole:
            said |= {
                "name": printable(Path(session.source.name)),
                "size": [plan.source.size.width, plan.source.size.height],
                "sizes": [list(size) for size in session.sizes],
                "times": [round(float(time), 6) for time in session.times],
                "cuts": list(plan.cuts),
                "sound": session.sound,
                "pads": outlines.margins(plan),
                "kinds": outlines.kinds(),
            }
        return said

    async def _frame(self, request: Request) -> Response:
        number, index = request.path_params["number"], request.path_params["index"]
        said = request.query_params
        longer = min(int(said["w"]), 1 << 14) if said.get("w", "").isdecimal() else 960
        view: View = "published" if said.get("v") == "published" else "original"
        back = said.get("d") == "back"
        return await _picture(self._review.showing.picture(number, index, longer, view, back=back))

    async def _crop(self, request: Request) -> Response:
        number, track = request.path_params["number"], request.path_params["track"]
        found = self._review.showing.crop(number, track)
        self._review.work_ahead(number)  # cards are asked for once the picture is there
        return await _picture(found)

    async def _outlines(self, request: Request) -> Response:
        session = self._review.session(request.path_params["number"])
        first, revision = request.path_params["index"], session.revision
        found = await asyncio.to_thread(
            outlines.outlines, session.plan, session.times, first, outlines.MOST_FRAMES
        )
        return JSONResponse({"first": first, "revision": revision, "frames": found})

    async def _act(self, request: Request) -> Response:
        number, act = request.path_params["number"], request.path_params["act"]
        session = self._review.session(number)
        body = await _body(request)
        if not self._hub.may_work(body.get("tab")):
            return JSONResponse({"error": "this plan is open in another tab", "kind": "tab"}, 409)
        await asyncio.to_thread(self._do, session, number, act, body)
        return JSONResponse(await asyncio.to_thread(self._describe, session))

    def _do(self, session: Session, number: int, act: str, body: dict[str, Any]) -> None:
        revision = body.get("revision")
        by = body.get("by", "")
        if not isinstance(revision, int) or not isinstance(by, str):
            raise PlanError("the request is not understood")
        if act == "edits" and isinstance(body.get("edits"), list):
            session.act(revision, body["edits"], by)
        elif act == "undo":
            session.undo(revision)
        elif act == "redo":
            session.redo(revision)
        elif act == "reload":
            session.reload()
        elif act == "render":
            self._review.start_rendering(number)
        elif act == "follow":
            self._follow(session, number, body)
        elif act == "stop":
            self._review.follower.cancel()
        elif act == "sign":
            self._review.sign(number, revision, by, body.get("watched", ()))
        elif act == "copy":
            for other in self._review.copy_zones(number, by):
                self._soon(self._hub.tell, "plan", {"file": other})
        else:
            raise PlanError("the request is not understood")

    def _follow(self, session: Session, number: int, body: dict[str, Any]) -> None:
        """Follow what was drawn in a frame; what is found is told as it comes."""
        box, frame, region = body.get("box"), body.get("frame"), body.get("region")
        sides = box if isinstance(box, list) else []
        numbers = all(type(side) in (int, float) and abs(side) < _FAR for side in sides)
        fits = len(sides) == 4 and numbers and type(frame) is int and isinstance(region, str)
        if not fits:
            raise PlanError("the request is not understood")
        assert isinstance(frame, int)
        assert isinstance(region, str)
        left, right = sorted(sides[::2])
        top, bottom = sorted(sides[1::2])
        self._review.follower.start(
            session.source,
            Box(left, top, right, bottom),
            frame,
            Following(number, region),
            lambda state: self._soon(lambda: self._hub.tell("follow", asdict(state))),
        )

    async def _events(self, request: Request) -> Response:
        tab = request.query_params.get("tab", "")[:64]
        stream = self._hub.stream(tab, request.query_params.get("take") == "1")
        return StreamingResponse(stream, media_type="text/event-stream")

    async def _end_told(self, request: Request) -> Response:
        await _body(request)
        asyncio.get_running_loop().call_later(0.2, self._end)
        return JSONResponse({})

    async def _plan(self, request: Request) -> Response:
        session = self._review.session(request.path_params["number"])
        said = await asyncio.to_thread(self._describe, session)
        return JSONResponse(said | {"acts": acts(session.plan)})

    def _soon(self, told: Callable[..., None], *values: Any) -> None:
        """Do something in the loop, from another thread; nobody listens once it has ended."""
        with suppress(RuntimeError):
            assert self._loop is not None
            self._loop.call_soon_threadsafe(told, *values)

    def _tell_job(self, job: Job) -> None:
        if not job.running:
            self._hub.tell("plan", {"file": job.number})
        self._hub.tell("job", asdict(job))


async def _picture(found: bytes | Future[bytes]) -> Response:
    made = await asyncio.wrap_future(found) if isinstance(found, Future) else found
    return Response(made, media_type="image/jpeg")


async def _body(request: Request) -> dict[str, Any]:
    """What was sent, as JSON.

    Raises:
        PlanError: It is none.
    """
    try:
        body = parse_json((await request.body()).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise PlanError("the request is not understood") from error
    if not isinstance(body, dict):
        raise PlanError("the request is not understood")
    return body
