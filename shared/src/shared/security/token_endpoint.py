"""Our APIs as OAuth clients: proving who they are to the issuer and reading its answer as problems."""

import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import quote

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, Forbidden, InternalFault, Problem, Unauthenticated
from shared.security.client_verification import ASSERTION_TYPE
from shared.security.issued_tokens import IssuedToken
from shared.security.jws import SigningKey
from shared.security.oauth_http import HttpxOAuth, OAuthHttp, require_trustworthy
from shared.security.secrets import Secret

_ASSERTION_SECONDS = 60


class ClientAuthentication(Protocol):
    """How a client proves itself at the token endpoint."""

    @property
    def client_id(self) -> str:
        """The client's registered id."""
        ...

    def prove(self, issuer: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Form parameters and headers to send with one request to `issuer`."""
        ...


class ClientSecretBasic:
    """client_secret_basic (RFC 6749 §2.3.1)."""

    def __init__(self, client_id: str, secret: Secret) -> None:
        self.client_id = client_id
        self._secret = secret

    def prove(self, issuer: str) -> tuple[Mapping[str, str], Mapping[str, str]]:  # noqa: ARG002 - the same for all
        """See ClientAuthentication."""
        pair = f"{quote(self.client_id, safe='')}:{quote(self._secret.reveal(), safe='')}"
        return {}, {"authorization": "Basic " + b64encode(pair.encode()).decode()}


class PrivateKeyJwt:
    """private_key_jwt (OpenID Connect Core §9, RFC 7523 §2.2): no secret leaves this process."""

    def __init__(self, client_id: str, key: SigningKey, clock: Callable[[], float] = time.time) -> None:
        self.client_id = client_id
        self._key = key
        self._clock = clock

    def prove(self, issuer: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """See ClientAuthentication."""
        now = int(self._clock())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": issuer,
            "iat": now,
            "exp": now + _ASSERTION_SECONDS,
            "jti": secrets.token_urlsafe(16),
        }
        assertion = self._key.sign(claims, typ="JWT")
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}, {}


class _TokenResponse(msgspec.Struct):
    access_token: str
    expires_in: float
    token_type: str = ""


class _ErrorResponse(msgspec.Struct):
    error: str
    error_description: str = ""


class TokenEndpoint:
    """An issuer's token endpoint, seen by one of its clients.

    Args:
        issuer: The issuer's `iss`.
        authentication: Who asks.
        token_url: Where, if not at `<issuer>/oauth2/token`.
        http: How to reach it; closed with this object.
        clock: Unix seconds.
    """

    def __init__(
        self,
        issuer: str,
        authentication: ClientAuthentication,
        *,
        token_url: str | None = None,
        http: OAuthHttp | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.client_id = authentication.client_id
        self._issuer = issuer
        self._authentication = authentication
        self._url = require_trustworthy(token_url or f"{issuer}/oauth2/token")
        self._http: OAuthHttp = http or HttpxOAuth()
        self._clock = clock

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def request(self, form: Mapping[str, str]) -> IssuedToken:
        """Ask for a token.

        Raises:
            BackendUnavailable: The issuer is down or busy.
            Unauthenticated: The token to exchange is not good.
            Forbidden: The issuer's policy says no.
            InternalFault: This API is not registered as it should be.
            BackendFault: The issuer answered nonsense.
        """
        parameters, headers = self._authentication.prove(self._issuer)
        asked_at = self._clock()
        status, body = await self._http.post(self._url, {**form, **parameters}, headers)
        if status != 200:  # noqa: PLR2004 - HTTP OK
            raise _refusal(status, body)
        try:
            response = msgspec.json.decode(body, type=_TokenResponse)
        except ValueError:
            raise BackendFault("The issuer answered something that is not a token response.") from None
        if response.token_type.lower() != "bearer":
            raise BackendFault("The issuer answered a token that is not a bearer token.")
        return IssuedToken(response.access_token, asked_at + response.expires_in)


_KINDS: dict[str, type[Problem]] = {
    "invalid_request": Unauthenticated,
    "invalid_grant": Unauthenticated,
    "invalid_target": Forbidden,
    "invalid_scope": Forbidden,
    "access_denied": Forbidden,
    "invalid_client": InternalFault,
    "unauthorized_client": InternalFault,
    "unsupported_grant_type": InternalFault,
}


def _refusal(status: int, body: bytes) -> Problem:
    if status >= 500 or status == 429:  # noqa: PLR2004 - the HTTP status classes (RFC 9110 §15)
        return BackendUnavailable("The issuer cannot answer now; try again.")
    try:
        error = msgspec.json.decode(body, type=_ErrorResponse)
    except ValueError:
        return BackendFault("The issuer refused without saying why.")
    kind = _KINDS.get(error.error, BackendFault)
    reason = {"reason": "exchange"} if kind is Unauthenticated else {}
    return kind(f"The issuer refused ({error.error}): {error.error_description}", extensions=reason)
