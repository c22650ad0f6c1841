"""An authority of the tests' own, and a server's certificate that it signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST: Final = "orders.postgres.database.azure.com"
AUTHORITY, CERTIFICATE, KEY = "authority.pem", "server.crt", "server.key"
_VALID: Final = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC) - timedelta(days=1)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, signed_by: ec.EllipticCurvePrivateKey, *, is_authority: bool
) -> x509.Certificate:
    begun = x509.CertificateBuilder().subject_name(_named(name)).issuer_name(_named("tests"))
    begun = begun.public_key(key.public_key()).serial_number(x509.random_serial_number())
    begun = begun.not_valid_before(_VALID[0]).not_valid_after(_VALID[1])
    begun = begun.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    if not is_authority:
        begun = begun.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return begun.sign(signed_by, hashes.SHA256())


def write_certificates(folder: Path) -> None:
    """The authority's certificate, and the server's with its key."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    trusted = _certificate("tests", authority, authority, is_authority=True)
    (folder / AUTHORITY).write_bytes(trusted.public_bytes(pem))
    secret = folder / KEY
    (folder / CERTIFICATE).write_bytes(
        _certificate(HOST, key, authority, is_authority=False).public_bytes(pem)
    )
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    secret.chmod(0o600)
