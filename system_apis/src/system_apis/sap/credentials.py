"""Logging on to SAP: Basic, and for writes a session with its CSRF token."""

import base64
from collections.abc import Awaitable, Callable, Mapping

from shared.binding.problems import BackendFault
from shared.resilience.credentials import FetchedCredentials, is_unauthorised
from shared.resilience.wire import WireReply
from shared.security.secrets import Secret

_TOKEN = "x-csrf-token"  # noqa: S105 - the name of a header
_FORBIDDEN = 403

FETCH = {_TOKEN: "Fetch", "accept": "application/json"}
"""Headers that ask for a session's token."""


class SapSession:
    """Basic for reads; from the first write on also the session's cookies and token, until SAP refuses them.

    Any number of callers share one fetch. Cookies go along on reads too, or each would open a session of its own.

    Args:
        user: SAP user.
        password: Read anew after a 401, so that a rotated one needs no restart.
        fetch: Sends a GET with `FETCH` and these credentials; returns the reply.
    """

    def __init__(self, user: str, password: Secret, fetch: Callable[[Mapping[str, str]], Awaitable[WireReply]]) -> None:
        self._user = user
        self._password = password
        self._ask = fetch
        self._basic = self._signed()
        self._current = self._basic
        self._session = FetchedCredentials(self._fetch, refused=token_refused)

    async def open(self) -> None:
        """Have a session, so that the write to come needs no second try."""
        self._current = await self._session.headers()

    async def headers(self) -> Mapping[str, str]:
        """The session's headers, or Basic alone before the first write."""
        return self._current

    def refused(self, reply: WireReply) -> bool:
        """The user or password is refused, or the token is gone with its session."""
        return is_unauthorised(reply) or token_refused(reply)

    async def renew(self, used: Mapping[str, str]) -> bool:
        """A new session, or the new password; the same password is never tried twice, as SAP locks users."""
        signed = self._signed()
        if signed != self._basic:
            self._basic = self._current = signed
            self._session = FetchedCredentials(self._fetch, refused=token_refused)
        if self._basic["authorization"] != used["authorization"]:
            return True
        if _TOKEN not in used:
            return False
        await self._session.renew(used)
        await self.open()
        return self._current is not used

    def _signed(self) -> Mapping[str, str]:
        token = base64.b64encode(f"{self._user}:{self._password.reveal()}".encode()).decode()
        return {"authorization": f"Basic {token}"}

    async def _fetch(self) -> Mapping[str, str]:
        reply = await self._ask(self._basic)
        token = reply.headers.get(_TOKEN, "")
        cookies = [value.partition(";")[0].strip() for value in reply.headers.every("set-cookie")]
        if not token or token.lower() == "required":
            raise BackendFault("SAP handed out no CSRF token; check that the user may call the sales order service.")
        return {**self._basic, _TOKEN: token, "cookie": "; ".join(cookies)}


def token_refused(reply: WireReply) -> bool:
    """403 with `x-csrf-token: Required`."""
    return reply.status == _FORBIDDEN and reply.headers.get(_TOKEN, "").lower() == "required"
