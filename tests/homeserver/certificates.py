"""A certificate authority for one test run, and a certificate for localhost that it signed."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

AUTHORITY, CERTIFICATE, KEY = "authority.pem", "localhost.pem", "localhost.key"


def make_certificates(directory: Path) -> None:
    """Write :data:`AUTHORITY`, :data:`CERTIFICATE` and its :data:`KEY` into the directory."""
    signing, serving = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = x509.BasicConstraints(ca=True, path_length=0)
    hosts = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    authority = _unsigned("Tests of dmtui", signing).add_extension(root, critical=True)
    certificate = _unsigned("localhost", serving).add_extension(hosts, critical=False)
    pem = serialization.Encoding.PEM
    for name, unsigned in ((AUTHORITY, authority), (CERTIFICATE, certificate)):
        signed = unsigned.sign(signing, hashes.SHA256())
        (directory / name).write_bytes(signed.public_bytes(pem))
    (directory / KEY).write_bytes(
        serving.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _unsigned(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name("Tests of dmtui"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
