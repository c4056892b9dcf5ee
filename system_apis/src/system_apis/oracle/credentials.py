"""Signing on to Oracle: Basic, a token that the pod relays, or one that OCI IAM issues for an assertion we sign.

Source: Oracle Cloud Infrastructure, "Identity domains: using OAuth 2 and JWT assertions" (RFC 7521, RFC 7523).
"""

import asyncio
import base64
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import cast
from urllib.parse import urlencode

import jwt
import msgspec

from shared.binding.problems import BackendFault, Problem
from shared.resilience.credentials import Credentials, FetchedCredentials, is_unauthorised
from shared.resilience.outbound import Backend, Outbound
from shared.resilience.outbound_faults import decode_json, problem_of_status
from shared.resilience.outbound_settings import BackendSettings
from shared.resilience.wire import WireReply
from shared.security.secrets import Secret, UnreadableSecretError
from system_apis.oracle.settings import OracleSettings

IAM = "OCI IAM"
RELAY = "Oracle token relay"
TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105 - a path
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_AUDIENCE = ("oauth.idm.oracle.com", "https://identity.oraclecloud.com/")
_ASSERTION_SECONDS = 300


def credentials_of(settings: OracleSettings, outbound: Outbound) -> Credentials:
    """The credentials that `auth` chooses."""
    if settings.auth == "basic":
        return PasswordCredentials(settings.username, cast("Secret", settings.password))
    url = settings.url if settings.auth == "token-relay" else settings.iam_url
    login = BackendSettings(url=url, timeout=settings.timeout, retry_delays=settings.retry_delays)
    if settings.auth == "token-relay":
        password = PasswordCredentials(settings.username, cast("Secret", settings.password))
        relay = outbound.backend(RELAY, login, credentials=password, classify=problem_of_relay)
        return TokenCredentials(lambda: _relayed(relay, settings.relay_path))
    issuer = outbound.backend(IAM, login, credentials=None, classify=problem_of_token_reply)
    return TokenCredentials(AssertionGrant(settings, issuer).token)


class PasswordCredentials:
    """User and password (RFC 7617), read anew after a 401, so that a rotated password needs no restart.

    Args:
        user: Who we are.
        password: The same password is never tried twice, as Oracle locks users.
    """

    def __init__(self, user: str, password: Secret) -> None:
        self._user = user
        self._password = password
        self._current = self._signed()

    async def headers(self) -> Mapping[str, str]:
        """`Authorization: Basic …`."""
        return self._current

    def refused(self, reply: WireReply) -> bool:
        """401."""
        return is_unauthorised(reply)

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Read the password again."""
        signed = self._signed()
        if signed != self._current:
            self._current = signed
        return self._current["authorization"] != used["authorization"]

    def _signed(self) -> Mapping[str, str]:
        token = base64.b64encode(f"{self._user}:{self._password.reveal()}".encode()).decode()
        return {"authorization": f"Basic {token}"}


class Token(msgspec.Struct, frozen=True):
    """An access token, and the seconds that it lives."""

    access_token: str
    expires_in: float = 3600.0


class TokenCredentials(FetchedCredentials):
    """`Authorization: Bearer …` from access tokens; the next one is fetched before one ends, which is used meanwhile.

    Args:
        fetch: Gets another one.
        clock: Monotonic seconds.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Token]], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(self._token, clock=clock)
        self._another = fetch

    async def _token(self) -> Mapping[str, str]:
        token = await self._another()
        self.lasts(token.expires_in)
        return {"authorization": f"Bearer {token.access_token}"}


class AssertionGrant:
    """Gets tokens of OCI IAM for assertions that we sign.

    Args:
        settings: Who we are, and the key that signs.
        issuer: The identity domain.
        clock: Unix seconds, for assertions.
    """

    def __init__(self, settings: OracleSettings, issuer: Backend, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._issuer = issuer
        self._clock = clock

    async def token(self) -> Token:
        """Another token.

        Raises:
            Problem: IAM gives none, or the key cannot sign.
        """
        form, headers = await asyncio.to_thread(self._request)  # signing takes tens of milliseconds
        reply = await self._issuer.send(
            "POST", TOKEN_PATH, headers=headers, body=urlencode(form).encode(), repeatable=True, operation="token"
        )
        return decode_json(reply, Token, backend=IAM)

    def _request(self) -> tuple[dict[str, str], dict[str, str]]:
        settings = self._settings
        form = {"grant_type": _GRANT, "assertion": self._assertion(settings.username), "scope": settings.scope}
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if settings.client_secret is None:
            proof = {
                "client_assertion_type": _CLIENT_ASSERTION,
                "client_assertion": self._assertion(settings.client_id),
            }
            return form | {"client_id": settings.client_id} | proof, headers
        pair = f"{settings.client_id}:{settings.client_secret.reveal()}"
        return form, headers | {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def _assertion(self, subject: str) -> str:
        settings, now = self._settings, int(self._clock())
        claims = {
            "iss": settings.client_id,
            "sub": subject,
            "prn": subject,
            "aud": list(_AUDIENCE),
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + _ASSERTION_SECONDS,
        }
        key = cast("Secret", settings.private_key)
        try:
            return jwt.encode(claims, key.reveal(), algorithm="RS256", headers={"kid": settings.key_id})
        except (ValueError, TypeError, jwt.PyJWTError, UnreadableSecretError):
            raise BackendFault(
                f"The private key for {IAM} at {key!s} cannot be used; put an RSA key in PEM there."
            ) from None


async def _relayed(relay: Backend, path: str) -> Token:
    """The token that the pod gives to whoever is signed on."""
    reply = await relay.send("GET", path, headers={"accept": "application/json"}, operation="token")
    return decode_json(reply, Token, backend=RELAY)


def problem_of_relay(reply: WireReply) -> Problem | None:
    """A refusal of the token relay."""
    if reply.status in (401, 403, 404):
        return BackendFault(
            f"{RELAY} gives no token ({reply.status}); check username, password and relay_path of [backends.oracle]."
        )
    return problem_of_status(reply, RELAY)


def problem_of_token_reply(reply: WireReply) -> Problem | None:
    """A refusal of the token endpoint: our settings are wrong, so nobody else's request is at fault."""
    if reply.status in (400, 401, 403):
        return BackendFault(
            f"{IAM} issues no token ({reply.status}); check client_id, key_id, scope and username of [backends.oracle]."
        )
    return problem_of_status(reply, IAM)
