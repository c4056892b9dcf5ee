"""Where the Pub/Sub API listens: a port of its own with a certificate of its own."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct

from sandboxes.salesforce.org import Org

_HOST = "127.0.0.1"
_YEARS = timedelta(days=3_650)


class Certificate(Struct, frozen=True):
    """A self-signed certificate for this machine, and its key; PEM."""

    certificate: bytes
    key: bytes


def self_signed() -> Certificate:
    """A new certificate for localhost; clients are given it as the authority to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address(_HOST))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _YEARS)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return Certificate(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, *form),
    )


def kept_beside(state: Path) -> Certificate:
    """The certificate beside a database, so that clients go on trusting a stand-in that was started again.

    A new one takes the place of one that is missing, damaged, not its key's, or over.

    Args:
        state: The database; `salesforce-pubsub.pem` is the certificate, `salesforce-pubsub.key` its key.
    """
    certificate, key = state.with_name("salesforce-pubsub.pem"), state.with_name("salesforce-pubsub.key")
    with suppress(OSError, ValueError, TypeError):
        found = Certificate(certificate.read_bytes(), key.read_bytes())
        if _serves(found):
            return found
    made = self_signed()
    key.touch(mode=0o600)
    key.write_bytes(made.key)
    certificate.write_bytes(made.certificate)
    return made


def _serves(found: Certificate) -> bool:
    certificate = x509.load_pem_x509_certificate(found.certificate)
    key = serialization.load_pem_private_key(found.key, password=None)
    return certificate.public_key() == key.public_key() and datetime.now(UTC) < certificate.not_valid_after_utc


class PubSubDoor:
    """The Pub/Sub API of an org.

    Args:
        org: The org.
        state: Its database; the certificate is kept beside it, see `kept_beside`.
    """

    def __init__(self, org: Org, state: Path | None) -> None:
        self._org, self._certificate = org, self_signed() if state is None else kept_beside(state)
        self._address = ""

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncGenerator[str]:
        """Serve; yields the URL at once, `grpcs://127.0.0.1:41007`, and answers a moment later."""
        with _reserved(port) as place:
            self._address = f"{_HOST}:{place.getsockname()[1]}"
            serving = asyncio.create_task(_serve(self._org, self._certificate, self._address), name="Pub/Sub API")
            try:
                yield f"grpcs://{self._address}"
            finally:
                serving.cancel()
                with suppress(asyncio.CancelledError):
                    await serving

    def told(self, body: dict[str, Any]) -> object:
        """Where it listens, and the certificate to trust."""
        del body
        return {"address": self._address, "certificate": self._certificate.certificate.decode()}


async def _serve(org: Org, certificate: Certificate, address: str) -> None:
    server_of = await asyncio.to_thread(_load)
    server = server_of(org, address, certificate.key, certificate.certificate)
    await server.start()
    try:
        await server.wait_for_termination()
    finally:
        await server.stop(0)


def _load():  # noqa: ANN202 - the type would import what is put off here
    from sandboxes.salesforce.pubsub.server import server_of  # noqa: PLC0415 - loaded beside the org's first requests

    return server_of


def _reserved(port: int) -> socket.socket:
    """A port that nobody else takes; gRPC listens on it beside us (SO_REUSEPORT)."""
    place = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        place.bind((_HOST, port))
    except OSError:
        place.close()
        raise
    return place
