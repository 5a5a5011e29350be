"""Whose connection it is, from the kernel's tables."""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from redact.review import peers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")

CLIENT, SERVER = ("127.0.0.1", 40000), ("127.0.0.1", 5000)
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"


def row(local: tuple[str, int], remote: tuple[str, int], user: int, inode: int = 7) -> str:
    ends = [
        f"{int.from_bytes(socket.inet_aton(a), sys.byteorder):08X}:{p:04X}"
        for a, p in (local, remote)
    ]
    return f"   1: {ends[0]} {ends[1]} 01 0:0 00:0 0 {user} 0 {inode} 1 0\n"


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    both = (tmp_path / "tcp", tmp_path / "tcp6")
    for table in both:
        table.write_text(HEAD)
    monkeypatch.setattr(peers, "_TABLES", both)
    monkeypatch.setattr(peers, "_PAUSE", 0.0)
    return both


OWN, OTHER = os.geteuid(), os.geteuid() + 1


def test_the_owner_of_the_client_s_end_decides(tables: tuple[Path, Path]) -> None:
    for user, other in ((OWN, False), (OTHER, True)):
        tables[0].write_text(HEAD + row(SERVER, CLIENT, OWN) + row(CLIENT, SERVER, user))
        assert peers.is_other_user(CLIENT, SERVER) is other


def test_another_connection_from_the_same_port_says_nothing(tables: tuple[Path, Path]) -> None:
    elsewhere = ("127.0.0.1", 6000)
    tables[0].write_text(HEAD + row(CLIENT, elsewhere, OWN) + row(CLIENT, SERVER, OTHER))
    assert peers.is_other_user(CLIENT, SERVER)


def test_a_connection_that_nobody_holds_is_another_s(tables: tuple[Path, Path]) -> None:
    tables[0].write_text(HEAD + row(CLIENT, SERVER, OWN, inode=0))
    assert peers.is_other_user(CLIENT, SERVER)


def test_what_is_in_no_table_is_another_s(tables: tuple[Path, Path]) -> None:
    assert peers.is_other_user(CLIENT, SERVER)
    assert peers.is_other_user(None, SERVER)
    assert peers.is_other_user(CLIENT, None)


def test_a_row_that_the_first_reading_missed_is_found(
    tables: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(_: float) -> None:
        tables[0].write_text(HEAD + row(CLIENT, SERVER, OWN))

    monkeypatch.setattr(time, "sleep", later)
    assert not peers.is_other_user(CLIENT, SERVER)


def test_where_nothing_tells_nobody_is_refused(tables: tuple[Path, Path]) -> None:
    for table in tables:
        table.unlink()
    assert not peers.is_other_user(CLIENT, SERVER)


@pytest.mark.parametrize("reason", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_who_used_up_what_reading_takes_is_refused(
    tables: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    def read_text(*_: object) -> str:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(Path, "read_text", read_text)
    assert peers.is_other_user(CLIENT, SERVER)


def test_a_system_that_shows_its_tables_to_nobody_refuses_nobody(
    tables: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_text(*_: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", read_text)
    assert not peers.is_other_user(CLIENT, SERVER)


def test_one_table_is_enough(tables: tuple[Path, Path]) -> None:
    tables[1].unlink()
    tables[0].write_text(HEAD + row(CLIENT, SERVER, OTHER))
    assert peers.is_other_user(CLIENT, SERVER)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_own_connections_are_known(listening: socket.socket, family: int) -> None:
    if family == socket.AF_INET6 and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    server = listening.getsockname()
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.connect(server if family == socket.AF_INET else (f"::ffff:{server[0]}", server[1]))
        with closing(listening.accept()[0]) as accepted:
            assert not peers.is_other_user(accepted.getpeername(), server)
