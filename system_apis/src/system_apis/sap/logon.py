"""Who we are to SAP: a technical user with its password, or an OAuth 2.0 client with its secret."""

import base64
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, Problem
from shared.resilience.credentials import Credentials, FetchedCredentials, is_unauthorised
from shared.resilience.outbound import Backend, Outbound
from shared.resilience.outbound_faults import decode_json, problem_of_status
from shared.resilience.wire import WireReply
from shared.security.secrets import Secret
from system_apis.sap.settings import SapSettings

_NAME: Final = "SAP's token endpoint"
_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


def logon_of(settings: SapSettings, outbound: Outbound) -> Credentials:
    """How the settings say that we log on."""
    if settings.password is not None and settings.auth == "basic":
        return PasswordLogon(settings.username, settings.password)
    assert settings.client_secret is not None  # noqa: S101 - settings without one were refused
    at = urlsplit(settings.token_url or settings.url.rstrip("/") + TOKEN_PATH)
    endpoint = msgspec.structs.replace(settings, url=f"{at.scheme}://{at.netloc}")
    backend = outbound.backend(_NAME, endpoint, credentials=None, classify=problem_of_token_reply)
    path = at.path + (f"?{at.query}" if at.query else f"?sap-client={settings.client}")
    return TokenLogon(backend, path, settings.client_id, settings.client_secret, settings.scopes)


TOKEN_PATH: Final = "/sap/bc/sec/oauth2/token"  # noqa: S105 - a path


class PasswordLogon:
    """User and password (RFC 7617); the password is read anew after a 401, and never tried twice: SAP locks users.

    Args:
        user: SAP user.
        password: Where its password is.
    """

    def __init__(self, user: str, password: Secret) -> None:
        self._user, self._password = user, password
        self._signed = self._sign()

    async def headers(self) -> Mapping[str, str]:
        """`Authorization: Basic …`."""
        return self._signed

    def refused(self, reply: WireReply) -> bool:
        """401."""
        return is_unauthorised(reply)

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Read the password again."""
        self._signed = self._sign()
        return self._signed["authorization"] != used["authorization"]

    def _sign(self) -> Mapping[str, str]:
        return {"authorization": _basic(self._user, self._password)}


class TokenLogon(FetchedCredentials):
    """`Authorization: Bearer …` by the client credentials grant (RFC 6749 §4.4), one token for any number of waiters.

    Args:
        endpoint: Where tokens are issued.
        path: With query.
        client_id: Our OAuth client.
        client_secret: Where its secret is; read anew for each token.
        scopes: What the tokens are for; SAP names a scope for each service.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        endpoint: Backend,
        path: str,
        client_id: str,
        client_secret: Secret,
        scopes: tuple[str, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint, self._path = endpoint, path
        self._client_id, self._client_secret = client_id, client_secret
        self._form = {"grant_type": "client_credentials", **({"scope": " ".join(scopes)} if scopes else {})}
        super().__init__(self._token, clock=clock)

    async def _token(self) -> Mapping[str, str]:
        headers = {**_FORM, "authorization": _basic(self._client_id, self._client_secret)}
        reply = await self._endpoint.send(
            "POST", self._path, headers=headers, body=urlencode(self._form).encode(), repeatable=True, operation="token"
        )
        token = decode_json(reply, _Token, backend=_NAME)
        self.lasts(_seconds(token.expires_in))
        return {"authorization": f"Bearer {token.access_token}"}


class _Token(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: int | str = 3600

    def __repr__(self) -> str:
        """Without what is secret."""
        return f"_Token(expires_in={self.expires_in!r})"


def problem_of_token_reply(reply: WireReply) -> Problem | None:
    """What a reply of the token endpoint means; its 400 and 401 say that we are not believed (RFC 6749 §5.2)."""
    if reply.status in (400, 401, 403):
        return BackendFault(
            "SAP gives our OAuth client no token; check client_id, client_secret and scopes of [backends.sap], and "
            "that the client may use the grant client_credentials."
        )
    if reply.status >= 500:  # noqa: PLR2004 - server errors (RFC 9110 §15.6)
        return BackendUnavailable(f"{_NAME} answered {reply.status}.")
    return problem_of_status(reply, _NAME)


def _seconds(said: int | str) -> float:
    try:
        return float(said)
    except ValueError:
        raise BackendFault(f"{_NAME} says a life of its token that is no number.") from None


def _basic(user: str, secret: Secret) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret.reveal()}".encode()).decode()
