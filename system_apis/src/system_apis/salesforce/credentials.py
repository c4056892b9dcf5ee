"""JWT bearer tokens (RFC 7523; Salesforce Help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration")."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

import jwt

from shared.binding.problems import BackendFault
from shared.resilience.credentials import FetchedCredentials
from shared.resilience.outbound import Backend
from shared.resilience.outbound_faults import decode_json
from shared.security.secrets import Secret, UnreadableSecretError
from shared.telemetry.logging import get_logger
from system_apis.salesforce.faults import BACKEND
from system_apis.salesforce.records import Token

ASSERTION_SECONDS = 180
"""Life of an assertion; Salesforce accepts at most three minutes."""

_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_log = get_logger("salesforce")


class JwtBearer:
    """Asks for access tokens with assertions signed by our key.

    Args:
        login: The login host.
        client_id: Consumer key of the connected app (`iss`).
        username: The integration user (`sub`).
        audience: `aud`: login.salesforce.com, test.salesforce.com or the My Domain.
        private_key: PEM of the RSA key whose certificate the connected app holds; read at each use.
        instances: Where tokens may say the org lives; the first is where we send requests.
        clock: Unix seconds.
    """

    def __init__(
        self,
        login: Backend,
        *,
        client_id: str,
        username: str,
        audience: str,
        private_key: Secret,
        instances: tuple[str, ...],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._login = login
        self._claims = {"iss": client_id, "sub": username, "aud": audience}
        self._private_key = private_key
        self._origins = frozenset(_origin(url) for url in instances)
        self._clock = clock

    def credentials(self) -> FetchedCredentials:
        """Credentials that fetch a token at first use and whenever the session has ended (401)."""
        return FetchedCredentials(self.fetch)

    async def fetch(self) -> Mapping[str, str]:
        """Headers with a new access token.

        Raises:
            Problem: The endpoint cannot be reached, refuses us, or sends us to an org we were not told of.
        """
        form = urlencode({"grant_type": _GRANT, "assertion": await asyncio.to_thread(self._assertion)}).encode()
        reply = await self._login.send(
            "POST",
            "/services/oauth2/token",
            headers=_FORM,
            body=form,
            repeatable=True,  # asking twice for a token harms nobody
            operation="salesforce.token",
        )
        token = decode_json(reply, Token, backend=BACKEND)
        if _origin(token.instance_url) not in self._origins:
            _log.error("salesforce.foreign_instance", instance=_origin(token.instance_url))
            raise BackendFault(
                "Salesforce says that our org lives on another host; set url to it or list it in instance_urls."
            )
        return {"authorization": f"Bearer {token.access_token}"}

    def _assertion(self) -> str:  # loading and checking the key takes 40 ms, so it runs on a thread
        claims = {**self._claims, "exp": int(self._clock()) + ASSERTION_SECONDS}
        try:
            return jwt.encode(claims, self._private_key.reveal(), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError, UnreadableSecretError):
            raise BackendFault(
                f"The private key for Salesforce at {self._private_key!s} cannot be used; put an RSA key in PEM there."
            ) from None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
