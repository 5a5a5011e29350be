"""Who may talk to whom: addresses, certificates, and refusals in words."""

from __future__ import annotations

import asyncio
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import distributed
import pytest

from redact.cluster import serving
from redact.cluster.addresses import (
    Address,
    check_link,
    is_loopback,
    make_security,
    read_address,
)
from redact.cluster.certificates import make_certificates
from redact.cluster.serving import serve_scheduler
from redact.errors import ClusterError, OutputExistsError


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "certificates"
    make_certificates(folder)
    return folder


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strange") / "certificates"
    make_certificates(folder)
    return folder


# addresses


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("tls://10.0.0.7:8786", Address("tls", "10.0.0.7", 8786)),
        ("tls://scheduler.example:1", Address("tls", "scheduler.example", 1)),
        ("tls://[2001:db8::1]:8786", Address("tls", "2001:db8::1", 8786)),
        ("tcp://127.0.0.1:8786", Address("tcp", "127.0.0.1", 8786)),
        ("tcp://[::1]:8786", Address("tcp", "::1", 8786)),
    ],
)
def test_an_address_is_read_and_written(url: str, address: Address) -> None:
    assert read_address(url) == address
    assert str(address) == url


@pytest.mark.parametrize("url", ["", "tls://a", "tls://a:0", "tls://a:65536", "http://a:1",
                                 "tls://a:1/x", "a:1", "tls://a b:1", "inproc://a:1"])  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ClusterError, match="no address"):
        read_address(url)


@pytest.mark.parametrize("host", ["10.0.0.7", "192.0.2.1", "0.0.0.0", "no-such-host.invalid"])
def test_a_link_that_others_could_read_is_refused(host: str) -> None:
    with pytest.raises(ClusterError, match=r"not encrypted.*use tls"):
        read_address(f"tcp://{host}:8786")


def test_a_name_with_one_address_elsewhere_is_not_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [("127.0.0.1", 0)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", one) for one in found])
    assert is_loopback("some.name")
    found.append(("192.0.2.1", 0))
    assert not is_loopback("some.name")


# certificates


def test_certificates_are_for_their_owner_alone_and_never_replaced(certificates: Path) -> None:
    paths = sorted(certificates.iterdir())
    assert [path.name for path in paths] == [
        "authority.pem", "client.pem", "scheduler.pem", "worker.pem",
    ]  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert b"PRIVATE" not in (certificates / "authority.pem").read_bytes()
    before = [path.read_bytes() for path in paths]
    with pytest.raises(OutputExistsError, match="already"):
        make_certificates(certificates)
    assert [path.read_bytes() for path in paths] == before


def test_a_machine_needs_its_own_role_only(certificates: Path, tmp_path: Path) -> None:
    for name in ("authority.pem", "client.pem"):
        (tmp_path / name).write_bytes((certificates / name).read_bytes())
    security = make_security(tmp_path)
    assert security.get_connection_args("client")["ssl_context"] is not None
    with pytest.raises(ClusterError, match=r"no certificate for a worker.*--certificates"):
        check_link(Address("tls", "127.0.0.1", 1), security, "worker")


def test_without_certificates_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="redact cluster certificates DIR"):
        make_security(tmp_path)
    with pytest.raises(ClusterError, match=r"needs certificates.*redact cluster certificates DIR"):
        make_security(None)


# refusals


@pytest.fixture
def scheduler(certificates: Path) -> Iterator[Address]:
    """Something that asks for certificates as Dask does, and greets whoever has one."""
    context = make_security(certificates).get_listen_args("scheduler")["ssl_context"]
    yield from listening(context)


def listening(context: ssl.SSLContext | None) -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                with suppress(OSError), link:
                    if context is None:
                        link.sendall(b"SSH-2.0-other\r\n")
                        continue
                    with context.wrap_socket(link, server_side=True) as wrapped:
                        wrapped.sendall(b"hello")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Address("tls", "127.0.0.1", server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_who_belongs_to_it_is_let_in(scheduler: Address, certificates: Path) -> None:
    for role in ("client", "worker"):
        check_link(scheduler, make_security(certificates), role)


def test_another_authority_is_refused(scheduler: Address, strangers: Path) -> None:
    with pytest.raises(ClusterError, match="certificate is of another authority than yours"):
        check_link(scheduler, make_security(strangers), "client")


def test_a_certificate_that_it_does_not_know_is_refused(
    scheduler: Address, certificates: Path, strangers: Path, tmp_path: Path
) -> None:
    """The client knows the scheduler's authority, but its own certificate is another's."""
    (tmp_path / "authority.pem").write_bytes((certificates / "authority.pem").read_bytes())
    (tmp_path / "client.pem").write_bytes((strangers / "client.pem").read_bytes())
    with pytest.raises(ClusterError, match="does not accept your certificate"):
        check_link(scheduler, make_security(tmp_path), "client")


def test_what_is_no_scheduler_is_refused(certificates: Path) -> None:
    for address in listening(None):
        with pytest.raises(ClusterError, match="does not speak TLS"):
            check_link(address, make_security(certificates), "client")
    with pytest.raises(ConnectionError, match="no scheduler at"):
        check_link(address, make_security(certificates), "client")


# services


def test_a_service_does_not_watch_itself_for_pages_that_are_not_served(
    certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[distributed.Scheduler] = []

    class Kept(distributed.Scheduler):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)

    async def serve() -> None:
        over = asyncio.Event()
        over.set()
        await serve_scheduler("127.0.0.1", 0, make_security(certificates), over, lambda _: None)

    monkeypatch.setattr(serving, "Scheduler", Kept)
    asyncio.run(serve())
    assert made[0]._tick_interval >= 1
