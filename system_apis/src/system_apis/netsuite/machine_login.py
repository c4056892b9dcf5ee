"""OAuth 2.0 client credentials with a certificate ("machine to machine"): a signed assertion buys a token."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode

import jwt
import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, Problem
from shared.resilience.credentials import FetchedCredentials
from shared.resilience.outbound import Backend
from shared.resilience.outbound_faults import decode_json, problem_of_status
from shared.resilience.wire import WireReply
from shared.security.secrets import Secret, UnreadableSecretError

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105 - a path
ASSERTION_SECONDS = 300
"""Life of an assertion; NetSuite accepts up to an hour."""
_SPARE_SECONDS = 120.0
"""A token is replaced so long before its end."""
_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Token(msgspec.Struct, frozen=True):
    """The token endpoint's answer (RFC 6749 §5.1); NetSuite writes the seconds as text."""

    access_token: str
    expires_in: int | str = 3600

    def __repr__(self) -> str:
        """Without what is secret."""
        return f"Token(expires_in={self.expires_in!r})"


class MachineLogin:
    """A standing right to tokens. `credentials` fetches one for any number of waiters, and another before it ends.

    Args:
        backend: The token endpoint's host.
        audience: URL of the token endpoint, as NetSuite knows it.
        client_id: Of the integration record.
        certificate_id: NetSuite's id of our certificate (`kid`).
        private_key: PEM of the certificate's key, read at each use.
        algorithm: PS256, PS384, PS512, ES256, ES384 or ES512.
        scopes: What the token is for.
        clock: Unix seconds.
        monotonic: Monotonic seconds.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        audience: str,
        client_id: str,
        certificate_id: str,
        private_key: Secret,
        algorithm: str,
        scopes: tuple[str, ...],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend = backend
        self._claims = {"iss": client_id, "scope": list(scopes), "aud": audience}
        self._certificate_id, self._private_key, self._algorithm = certificate_id, private_key, algorithm
        self._clock, self._monotonic = clock, monotonic
        self._ends = float("inf")
        self._fetched = FetchedCredentials(self._fetch, clock=monotonic)

    async def headers(self) -> Mapping[str, str]:
        """`Authorization: Bearer …`, from a token that is good for a while yet."""
        held = await self._fetched.headers()
        if self._monotonic() >= self._ends:
            await self._fetched.renew(held)
            held = await self._fetched.headers()
        return held

    def refused(self, reply: WireReply) -> bool:
        """401 (RFC 6750 §3.1)."""
        return self._fetched.refused(reply)

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Buy another token unless somebody has since `used` were handed out."""
        return await self._fetched.renew(used)

    async def _fetch(self) -> Mapping[str, str]:
        assertion = await asyncio.to_thread(self._assertion)
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        reply = await self._backend.send(
            "POST", TOKEN_PATH, headers=_FORM, body=urlencode(form).encode(), repeatable=True, operation="sign_in"
        )
        token = decode_json(reply, Token, backend="NetSuite")
        self._ends = self._monotonic() + max(0.0, _seconds(token.expires_in) - _SPARE_SECONDS)
        return {"authorization": f"Bearer {token.access_token}"}

    def _assertion(self) -> str:
        now = int(self._clock())
        claims = {**self._claims, "iat": now, "exp": now + ASSERTION_SECONDS}
        try:
            key = self._private_key.reveal()
            return jwt.encode(claims, key, algorithm=self._algorithm, headers={"kid": self._certificate_id})
        except (ValueError, TypeError, jwt.PyJWTError, UnreadableSecretError):
            raise BackendFault(
                f"The private key for NetSuite at {self._private_key!s} cannot be used with {self._algorithm}; put the "
                "key of the certificate there, in PEM."
            ) from None


def problem_of_sign_in(reply: WireReply) -> Problem | None:
    """What a reply of the token endpoint means; its 400 says that we are not believed (RFC 6749 §5.2)."""
    if reply.status in (400, 401, 403):
        return BackendFault(
            "NetSuite gives our certificate no token; compare client_id, certificate_id, private_key and scopes of "
            "[backends.netsuite] with the integration record and its certificate mapping."
        )
    if reply.status >= 500:  # noqa: PLR2004 - server errors (RFC 9110 §15.6)
        return BackendUnavailable(f"NetSuite's token endpoint answered {reply.status}.")
    return problem_of_status(reply, "NetSuite")


def _seconds(said: int | str) -> float:
    try:
        return float(said)
    except ValueError:
        raise BackendFault("NetSuite's token endpoint says a life of its token that is no number.") from None
