"""SAP's HTTP sessions: a logon for reads, and for writes also a session with its CSRF token."""

from collections.abc import Awaitable, Callable, Mapping

from shared.binding.problems import BackendFault
from shared.resilience.credentials import Credentials, FetchedCredentials
from shared.resilience.wire import WireReply

_TOKEN = "x-csrf-token"  # noqa: S105 - the name of a header
_FORBIDDEN = 403

FETCH = {_TOKEN: "Fetch", "accept": "application/json"}
"""Headers that ask for a session's token."""


class SapSession:
    """The logon for reads; from the first write on also the session's cookies and token, until SAP refuses them.

    Any number of callers share one fetch. Cookies go along on reads too, or each would open a session of its own.

    Args:
        logon: Says who we are (`logon`).
        fetch: Sends a GET with `FETCH` and these credentials; returns the reply.
    """

    def __init__(self, logon: Credentials, fetch: Callable[[Mapping[str, str]], Awaitable[WireReply]]) -> None:
        self._logon, self._ask = logon, fetch
        self._current: Mapping[str, str] | None = None
        self._session = FetchedCredentials(self._fetch, refused=token_refused)

    async def open(self) -> None:
        """Have a session, so that the write to come needs no second try."""
        self._current = await self._session.headers()

    async def headers(self) -> Mapping[str, str]:
        """The session's headers, or those of the logon alone before the first write."""
        held = await self._logon.headers()
        if self._current is None:
            return held
        if self._current["authorization"] != held["authorization"]:  # such as a token that was about to end
            await self._session.renew(self._current)
            await self.open()
        return self._current

    def refused(self, reply: WireReply) -> bool:
        """The logon is refused, or the token is gone with its session."""
        return self._logon.refused(reply) or token_refused(reply)

    async def renew(self, used: Mapping[str, str]) -> bool:
        """A new session, or a new logon; the same password is never tried twice, as SAP locks users."""
        held = await self._logon.headers()
        if held["authorization"] == used["authorization"]:
            await self._logon.renew(held)
            held = await self._logon.headers()
        if _TOKEN not in used:
            return held["authorization"] != used["authorization"]
        await self._session.renew(used)
        await self.open()
        return self._current is not used

    async def _fetch(self) -> Mapping[str, str]:
        logon = await self._logon.headers()
        reply = await self._ask(logon)
        token = reply.headers.get(_TOKEN, "")
        cookies = [value.partition(";")[0].strip() for value in reply.headers.every("set-cookie")]
        if not token or token.lower() == "required":
            raise BackendFault("SAP handed out no CSRF token; check that the user may call the sales order service.")
        return {**logon, _TOKEN: token, "cookie": "; ".join(cookies)}


def token_refused(reply: WireReply) -> bool:
    """403 with `x-csrf-token: Required`."""
    return reply.status == _FORBIDDEN and reply.headers.get(_TOKEN, "").lower() == "required"
