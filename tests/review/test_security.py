"""Nobody gets in but the page, in the browser that was given the address."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from redact.review.guards import LARGEST_BODY
from redact.review.media_worker import MediaWorker
from tests.review.conftest import Served, serving
from tests.review.material import make_plan, track_of


@pytest.fixture(scope="module")
def shared(
    street: Path, tmp_path_factory: pytest.TempPathFactory, media: MediaWorker
) -> Iterator[Served]:
    """One server for all tests that use nothing up."""
    clip = Path(shutil.copy(street, tmp_path_factory.mktemp("shared") / "street.mp4"))
    with serving([(clip, make_plan(clip, [track_of(1, "red", range(100))]))], media) as running:
        yield running


@pytest.fixture
def served(clip: Path, media: MediaWorker) -> Iterator[Served]:
    plan = make_plan(clip, [track_of(1, "red", range(100))])
    with serving([(clip, plan)], media) as running:
        yield running


def raw(served: Served, request: str, body: bytes = b"") -> bytes:
    """What the server says to bytes as they are."""
    port = int(served.origin.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode("latin-1") + body)
        said = b""
        while part := connection.recv(1 << 16):
            said += part
    return said


def status(said: bytes) -> int:
    return int(said.split(b" ", 2)[1])


def test_it_listens_on_this_machine_alone(served: Served) -> None:
    assert served.origin.startswith("http://127.0.0.1:")
    port = int(served.origin.rpartition(":")[2])
    others = {item[4][0] for item in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        with (
            pytest.raises(ConnectionError),
            socket.create_connection((str(address), port), timeout=2),
        ):
            pass


def test_the_address_works_once(served: Served) -> None:
    client, page = served.enter()
    assert client.get(f"{page}files").status_code == 200
    again = httpx.get(served.address)
    assert again.status_code == 403
    assert "set-cookie" not in again.headers
    assert client.get(f"{page}files").status_code == 200  # whoever was first stays


def test_a_wrong_token_is_refused_and_uses_nothing_up(served: Served) -> None:
    for wrong in ("", "x", served.address.partition("?")[2][:-1], "é"):
        assert httpx.get(f"{served.origin}/open?{wrong}").status_code == 403
    assert httpx.post(served.address, headers={"origin": served.origin}).status_code != 200
    served.enter()


def test_the_cookie_is_strict_hidden_from_scripts_and_for_one_secret_path(served: Served) -> None:
    cookie = httpx.get(served.address).headers["set-cookie"]
    parts = [part.strip() for part in cookie.split(";")]
    assert {"HttpOnly", "SameSite=Strict"} <= set(parts)
    path = next(part for part in parts if part.startswith("Path=/"))
    assert len(path) > len("Path=/") + 20  # another server on this machine does not get it


@pytest.mark.parametrize("place", ["", "files", "files/0", "files/0/frames/3", "page/main.js"])
def test_without_the_cookie_there_is_nothing(shared: Served, place: str) -> None:
    _, page = shared.enter()
    assert httpx.get(page + place).status_code == 403
    assert httpx.get(page + place, headers={"cookie": "redact-1=x"}).status_code == 403
    assert httpx.get(f"{shared.origin}/{place}").status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1", "[::1]", "127.0.0.1.nip.io"]
)
def test_a_foreign_host_is_refused(shared: Served, host: str) -> None:
    """A name that leads here, as in DNS rebinding, makes no page of another site this one."""
    client, page = shared.enter()
    for place in (f"{page}files", shared.address):
        assert client.get(place, headers={"host": host}).status_code == 421


def test_two_hosts_or_none_are_refused(shared: Served) -> None:
    host = shared.origin.removeprefix("http://")
    for lines in (f"Host: {host}\nHost: evil.example\n", ""):
        assert status(raw(shared, f"GET /open HTTP/1.1\n{lines}Connection: close\n\n")) in (
            400,
            421,
        )


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://localhost:1", "same"])
def test_a_foreign_origin_is_refused(shared: Served, origin: str) -> None:
    client, page = shared.enter()
    origin = shared.origin.replace("127.0.0.1", "localhost") if origin == "same" else origin
    assert client.get(f"{page}files", headers={"origin": origin}).status_code == 403
    body = json.dumps({"tab": "t", "revision": 0})
    sent = client.post(f"{page}files/0/undo", content=body, headers={"origin": origin})
    assert sent.status_code == 403


def test_an_act_without_an_origin_is_refused(shared: Served) -> None:
    client, page = shared.enter()
    assert client.post(f"{page}files/0/undo", content="{}").status_code == 403
    assert client.post(f"{page}end", content="{}").status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_page_embeds_is_refused(shared: Served, site: str) -> None:
    """Another port of this machine is the same site to a browser, and gets nothing either."""
    client, page = shared.enter()
    for place in ("", "files/0/frames/1", "page/main.js"):
        assert client.get(page + place, headers={"sec-fetch-site": site}).status_code == 403


def test_nothing_may_frame_it_run_foreign_script_or_be_kept_in_a_cache(shared: Served) -> None:
    client, page = shared.enter()
    for place in ("", "page/main.js", "files", "files/0", "files/0/frames/1", "nothing"):
        headers = client.get(page + place).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


def test_the_page_has_no_script_or_style_within(shared: Served) -> None:
    client, page = shared.enter()
    text = client.get(page).text
    assert text.count("<script") == 1
    assert '<script type="module" src=' in text
    assert "<style" not in text
    assert " style=" not in text
    assert " on" not in text.replace(" on<", "").partition("<body>")[2].split(">")[0]
    for script in (Path(__file__).parents[2] / "redact/review/page").glob("*.js"):
        code = script.read_text("utf-8")
        for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert sink not in code, script.name


@pytest.mark.parametrize(
    "tail",
    [
        "page/../../../pyproject.toml",
        "page/..%2f..%2fguards.py",
        "page/%2e%2e/server.py",
        "page//etc/passwd",
        "page/..\\guards.py",
        "page/__init__.py",
        "files/../../etc/passwd",
        "files/-1",
        "files/1",
        "files/0/frames/100",
        "files/0/frames/99999999999999999999",
        "files/0/crops/7",
        "files/%2e%2e%2f",
    ],
)
def test_no_path_comes_from_the_browser(shared: Served, tail: str) -> None:
    client, page = shared.enter()
    client.get(f"{page}files/0")
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    host = shared.origin.removeprefix("http://")
    path = page.removeprefix(shared.origin)
    lines = f"GET {path}{tail} HTTP/1.1\nHost: {host}\nCookie: {cookie}\nConnection: close\n\n"
    said = raw(shared, lines)
    assert status(said) in (400, 403, 404)
    assert b"root:" not in said
    assert b"import" not in said


def test_bodies_are_bounded(shared: Served) -> None:
    client, page = shared.enter()
    headers = {"origin": shared.origin}
    large = b"[" * (LARGEST_BODY + 1)
    assert client.post(f"{page}end", content=large, headers=headers).status_code == 413

    def chunks() -> Iterator[bytes]:
        for _ in range(LARGEST_BODY // 4096 + 2):
            yield b" " * 4096

    sent = client.post(f"{page}end", content=chunks(), headers=headers)  # its length is not said
    assert sent.status_code == 413
    for odd in (b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"tab": [1]}'):
        sent = client.post(f"{page}files/0/undo", content=odd, headers=headers)
        assert sent.status_code in (400, 409)
    long = raw(shared, f"GET /{'x' * 100_000} HTTP/1.1\nHost: x\nConnection: close\n\n")
    assert status(long) in (400, 421)


def test_other_methods_are_refused(shared: Served) -> None:
    client, page = shared.enter()
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
        said = client.request(method, f"{page}files", headers={"origin": shared.origin})
        assert said.status_code == 405


AS_ANOTHER = """
import encodings.idna, os, socket, sys
os.setgid(65534); os.setuid(65534)  # from here on the interpreter's own files may be unreadable
host, place = sys.argv[1].removeprefix("http://").split("/", 1)
connection = socket.create_connection((sys.argv[2], int(host.rpartition(":")[2])), 10)
connection.sendall(f"GET /{place} HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n".encode())
print(connection.recv(100).split()[1].decode())
"""


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can be another user"
)
@pytest.mark.parametrize("server", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_another_user_of_the_machine_gets_nothing_even_with_the_address(
    served: Served, server: str
) -> None:
    command = [sys.executable, "-c", AS_ANOTHER, served.address, server]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "403"
    served.enter()  # it was not used up
