"""Tokens for a service account (developers.google.com/identity/protocols/oauth2/service-account, "HTTP/REST")."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode

import jwt

from shared.binding.problems import BackendFault
from shared.resilience.credentials import FetchedCredentials
from shared.resilience.outbound import Backend
from shared.resilience.outbound_faults import decode_json
from shared.security.secrets import Secret, UnreadableSecretError
from system_apis.google_sheets.records import TokenRecord

SCOPE: Final = "https://www.googleapis.com/auth/spreadsheets"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_LIFE = 3600
"""Seconds of an assertion and of its token: the longest that Google grants."""
_SPARE = 120


def service_account(
    backend: Backend, client_email: str, audience: str, private_key: Secret, clock: Callable[[], float] = time.time
) -> FetchedCredentials:
    """`Authorization: Bearer …` from a token that is good for two minutes more at least.

    Args:
        backend: The token endpoint's host.
        client_email: The service account.
        audience: URL of the token endpoint as Google knows it.
        private_key: PEM of the account's RSA key, read at each use.
        clock: Unix seconds.
    """

    def assertion() -> str:
        now = int(clock())
        claims = {"iss": client_email, "scope": SCOPE, "aud": audience, "iat": now, "exp": now + _LIFE}
        try:
            return jwt.encode(claims, private_key.reveal(), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError, UnreadableSecretError):
            raise BackendFault(
                f"The private key for Google at {private_key!s} cannot be used; put the service account's key there."
            ) from None

    async def fetch() -> Mapping[str, str]:
        form = urlencode({"grant_type": _GRANT, "assertion": await asyncio.to_thread(assertion)}).encode()
        reply = await backend.send(
            "POST", "/token", headers=_FORM, body=form, repeatable=True, operation="google_sheets.sign_in"
        )
        return {"authorization": f"Bearer {decode_json(reply, TokenRecord, backend='Google').access_token}"}

    return FetchedCredentials(fetch, lifetime=_LIFE - _SPARE)
