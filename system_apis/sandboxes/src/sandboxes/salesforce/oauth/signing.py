"""The key that signs id tokens (OpenID Connect Core §2), made when first needed."""

import json
from base64 import urlsafe_b64encode
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

KEY_ID = "264"


class SigningKey:
    """An RSA key of the org's own."""

    @cached_property
    def _key(self) -> RSAPrivateKey:
        return generate_private_key(65_537, 2_048)

    def sign(self, claims: dict[str, object]) -> str:
        """The claims as a JWT (RS256)."""
        header = {"kid": KEY_ID, "typ": "JWT", "alg": "RS256"}
        signed = ".".join(_encoded(json.dumps(piece).encode()) for piece in (header, claims))
        return f"{signed}.{_encoded(self._key.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    def jwks(self) -> dict[str, object]:
        """The public half as a JSON Web Key Set (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        half = {name: _encoded(_bytes(value)) for name, value in (("n", numbers.n), ("e", numbers.e))}
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, **half}]}


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _encoded(piece: bytes) -> str:
    return urlsafe_b64encode(piece).decode().rstrip("=")
