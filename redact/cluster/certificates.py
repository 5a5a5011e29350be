"""A private authority, and certificates of it for the scheduler, workers and clients."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from redact.cluster import INSTALL, ROLES
from redact.core.storage import write_private
from redact.errors import ClusterError, OutputExistsError, UnwritableOutputError

DAYS = 365
"""After that all are made anew."""

_EARLIER = timedelta(hours=1)  # clocks differ


def make_certificates(folder: Path) -> list[Path]:
    """Make an authority and what it signs; its own key is forgotten at once.

    So nobody can add to them later. Whoever has `authority.pem` and one role's file belongs to the
    cluster: all must be kept as secret as the footage is.

    Args:
        folder: Made if it is not there.

    Returns:
        The files, the authority's first.

    Raises:
        OutputExistsError: There are certificates already.
        UnwritableOutputError: They cannot be written.
        ClusterError: The library for it is missing.
    """
    try:
        from cryptography.hazmat.primitives import serialization as forms
    except ImportError as error:
        raise ClusterError(f"certificates need cryptography: {error}", None, INSTALL) from error
    paths = [folder / f"{name}.pem" for name in ("authority", *ROLES)]
    for path in paths:
        if os.path.lexists(path):
            problem = "there are certificates already"
            raise OutputExistsError(problem, path, "name another folder, or remove them first")
    authority_key, authority = _signed("redact cluster authority", None)
    pem = forms.Encoding.PEM
    texts = [authority.public_bytes(pem)]
    for role in ROLES:
        key, certificate = _signed(f"redact cluster {role}", (authority_key, authority))
        private = key.private_bytes(pem, forms.PrivateFormat.PKCS8, forms.NoEncryption())
        texts.append(private + certificate.public_bytes(pem))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, text in zip(paths, texts, strict=True):
            write_private(path, text)
    except OSError as error:
        raise UnwritableOutputError(f"cannot be written: {error.strerror}", folder) from error
    return paths


def _signed(name: str, issuer: tuple[Any, Any] | None) -> tuple[Any, Any]:
    """A new key and its certificate, signed by an issuer, or by itself as an authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer, issued_by = (key, subject) if issuer is None else (issuer[0], issuer[1].subject)
    now = datetime.now(UTC)
    is_authority = issuer is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issued_by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_authority,
                key_cert_sign=is_authority,
                crl_sign=is_authority,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if not is_authority:  # scheduler and workers both call and are called
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(both), critical=False)
        alternative = x509.SubjectAlternativeName([x509.DNSName("redact-cluster")])
        builder = builder.add_extension(alternative, critical=False)
    return key, builder.sign(signer, hashes.SHA256())
