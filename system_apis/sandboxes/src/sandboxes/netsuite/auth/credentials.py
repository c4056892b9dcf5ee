"""The account and its one integration: what a set-up page of NetSuite shows once."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

ACCOUNT = "1234567_SB1"
CONSUMER_KEY = "7f3c0b5e2d914a68b1c7e0d95a42f6839bd1e7c4a80562f3d94b7a1e6c50d82f"
TOKEN_ID = "c41e9a7b05d36f82e4b09c1d7a58f3602be6d4917f0ca385d12e7b69405f8ac3"  # noqa: S105 - public, as a user name
CONSUMER_SECRET = "sandbox-only-consumer-secret"  # noqa: S105 - only this sandbox knows it
TOKEN_SECRET = "sandbox-only-token-secret"  # noqa: S105 - as above
CLIENT_ID = CONSUMER_KEY
CERTIFICATE_ID = "sandboxCertificate"
_CONSUMER_SECRET_VARIABLE = "SANDBOX_NETSUITE_CONSUMER_SECRET"  # noqa: S105 - the name of a variable
_TOKEN_SECRET_VARIABLE = "SANDBOX_NETSUITE_TOKEN_SECRET"  # noqa: S105 - as above
_PUBLIC_KEY_VARIABLE = "SANDBOX_NETSUITE_PUBLIC_KEY_FILE"

PublicKey = RSAPublicKey | EllipticCurvePublicKey


@dataclass
class Credentials:
    """The secrets, and public keys of machine-to-machine certificates by certificate id."""

    consumer_secret: str
    token_secret: str
    certificates: dict[str, PublicKey] = field(default_factory=dict[str, PublicKey])

    @classmethod
    def chosen(cls) -> "Credentials":
        """Whoever starts the sandbox may choose the secrets; else they are the constants above."""
        return cls(
            os.environ.get(_CONSUMER_SECRET_VARIABLE, CONSUMER_SECRET),
            os.environ.get(_TOKEN_SECRET_VARIABLE, TOKEN_SECRET),
        )

    def signing_key(self) -> bytes:
        """The HMAC key of the passport over SOAP; OAuth percent-encodes both halves."""
        return f"{self.consumer_secret}&{self.token_secret}".encode()

    def certificate(self, key: str) -> PublicKey | None:
        """A certificate's public key; that of whoever started the sandbox is read when it is first asked for."""
        found = self.certificates.get(key)
        file = os.environ.get(_PUBLIC_KEY_VARIABLE)
        if found is None and key == CERTIFICATE_ID and file and Path(file).exists():
            self.add(key, Path(file).read_text())
            found = self.certificates.get(key)
        return found

    def add(self, key: str, pem: str) -> None:
        """Upload a certificate; NetSuite takes RSA and EC keys.

        Raises:
            ValueError: it is neither.
        """
        loaded = load_pem_public_key(pem.encode())
        if not isinstance(loaded, RSAPublicKey | EllipticCurvePublicKey):
            raise ValueError("A certificate holds an RSA or an EC key.")  # noqa: TRY004 - the PEM is wrong, not its type
        self.certificates[key] = loaded
