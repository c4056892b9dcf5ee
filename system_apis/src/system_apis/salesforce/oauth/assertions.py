"""JWT bearer assertions (RFC 7523; Salesforce Help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration")."""

import time
from collections.abc import Callable, Mapping

import jwt

from shared.binding.problems import BackendFault
from shared.security.secrets import Secret, UnreadableSecretError

ASSERTION_SECONDS = 180
"""Life of an assertion; Salesforce accepts at most three minutes."""


def signed_assertion(claims: Mapping[str, object], private_key: Secret, clock: Callable[[], float] = time.time) -> str:
    """The claims with an expiry, signed (RS256). It takes 40 ms, so run it on a thread.

    Raises:
        BackendFault: The key cannot be used; says where it is, never what it is.
    """
    try:
        signing = {**claims, "exp": int(clock()) + ASSERTION_SECONDS}
        return jwt.encode(signing, private_key.reveal(), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError, UnreadableSecretError):
        raise BackendFault(
            f"The private key for Salesforce at {private_key!s} cannot be used; put an RSA key in PEM there."
        ) from None
