"""Where a scheduler is, and what encrypts the way to it."""

from __future__ import annotations

import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from redact.cluster import ROLES
from redact.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Security

CERTIFICATES = "name their folder with --certificates; `redact cluster certificates DIR` makes them"

_PATIENCE = 10.0  # seconds for an answer
_AUTHORITY = "authority.pem"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a scheduler listens.

    Args:
        scheme: `tls`, or `tcp` on this machine alone.
        host: A name or an IP address.
        port: A TCP port.
    """

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def read_address(url: str) -> Address:
    """The address that a URL names.

    Raises:
        ClusterError: It is none, or the link would not be encrypted.
    """
    found = re.fullmatch(r"(tls|tcp)://(?:\[([0-9a-fA-F:]+)\]|([^\s:/\[\]]+)):([0-9]{1,5})", url)
    if found is None or not 0 < int(found[4]) < 1 << 16:
        problem = f"{url!r} is no address of a scheduler"
        raise ClusterError(problem, remedy="write tls://HOST:PORT, or local for this machine")
    address = Address(found[1], found[2] or found[3], int(found[4]))
    check_encrypted(str(address), address)
    return address


def check_encrypted(said: str, address: Address) -> None:
    """Refuse a link that others could read.

    Args:
        said: What to call it.
        address: Where it leads.

    Raises:
        ClusterError: It is not encrypted and leaves this machine.
    """
    if address.scheme != "tls" and not is_loopback(address.host):
        problem = f"{said} is not encrypted: everybody on the way could read and change the work"
        raise ClusterError(problem, remedy="use tls://")


def is_loopback(host: str) -> bool:
    """Whether all addresses of a host are this machine's own, which no network carries."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(ip_address(str(one).partition("%")[0]).is_loopback for one in found)


def make_security(folder: Path | None, *, encrypted: bool = True) -> Security:
    """What a scheduler, a worker or a client proves itself with, and knows the others by.

    Args:
        folder: From `redact cluster certificates`; None for Dask's own configuration.
        encrypted: Whether the link is.

    Raises:
        ClusterError: There are no certificates, or they cannot be read.
    """
    from distributed import Security

    if not encrypted:
        return Security(require_encryption=False)
    if folder is None:
        found = Security(require_encryption=True)
        if found.tls_ca_file is None:
            raise ClusterError("an encrypted link needs certificates", remedy=CERTIFICATES)
        return found
    if not (folder / _AUTHORITY).is_file():
        raise ClusterError("there are no certificates in it", folder, CERTIFICATES)
    files = {"tls_ca_file": str(folder / _AUTHORITY)}
    for role in ROLES:  # a machine needs its own role's alone
        place = folder / f"{role}.pem"
        if place.is_file():
            files[f"tls_{role}_cert"] = files[f"tls_{role}_key"] = str(place)
    return Security(require_encryption=True, **files)


def check_link(address: Address, security: Security, role: str) -> None:
    """Reach a scheduler once, so that a refusal has words.

    Args:
        address: Where it should be.
        security: From `make_security`.
        role: `client` or `worker`.

    Raises:
        ClusterError: Nobody is there, or one side does not accept the other.
        ConnectionError: Nobody is there yet.
    """
    context = _context(security, role) if address.scheme == "tls" else None
    try:
        with socket.create_connection((address.host, address.port), _PATIENCE) as plain:
            if context is None:
                return
            with context.wrap_socket(plain) as link:
                link.recv(1)  # a server says no only now
    except ssl.SSLError as error:
        raise ClusterError(f"{address}: {_in_words(error)}", remedy=CERTIFICATES) from error
    except OSError as error:
        said = error.strerror or str(error)
        raise ConnectionError(f"there is no scheduler at {address}: {said}") from error


def _context(security: Security, role: str) -> ssl.SSLContext:
    """What one side of a link is made with.

    Raises:
        ClusterError: The role's certificate is missing or damaged.
    """
    try:
        context = security.get_connection_args(role)["ssl_context"]
    except (OSError, ValueError) as error:
        raise ClusterError(f"a certificate cannot be read: {error}", None, CERTIFICATES) from error
    if not isinstance(context, ssl.SSLContext):
        raise ClusterError(f"there is no certificate for a {role}", remedy=CERTIFICATES)
    return context


def _in_words(error: ssl.SSLError) -> str:
    reason = (error.reason or str(error)).upper()
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return "its certificate is of another authority than yours, or has expired"
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return "it asks for a certificate, and there is none"
    if "UNKNOWN_CA" in reason or "CERTIFICATE" in reason:
        return "it does not accept your certificate, which is of another authority or has expired"
    return f"it does not speak TLS as it should ({reason.lower().replace('_', ' ')})"
