"""How a connector proves to a backend who it is."""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from shared.binding.call_context import current_context, enter
from shared.binding.problems import BackendUnavailable
from shared.resilience.wire import WireReply


class Credentials(Protocol):
    """Headers that authenticate requests to one backend."""

    async def headers(self) -> Mapping[str, str]:
        """The current headers, fetched at first use and cached."""
        ...

    def refused(self, reply: WireReply) -> bool:
        """Whether this reply says that the headers are no longer good.

        Asked for status 300 and above, or from `refuses_from` of `Outbound.backend` on.
        """
        ...

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Replace the headers `used` was a copy of, once for any number of waiters.

        Returns:
            True if `headers` now answers something else than `used`, so that a replay makes sense.
        """
        ...


def is_unauthorised(reply: WireReply) -> bool:
    """The plain rule for `refused`: 401 (RFC 9110 §15.5.2)."""
    return reply.status == 401  # noqa: PLR2004 - the status the rule is about


class BasicCredentials:
    """User and password (RFC 7617); nothing to renew."""

    def __init__(self, user: str, password: str) -> None:
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"authorization": f"Basic {token}"}

    async def headers(self) -> Mapping[str, str]:
        """`Authorization: Basic …`."""
        return self._headers

    def refused(self, reply: WireReply) -> bool:
        """Never: other headers are not to be had."""
        del reply
        return False

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Nothing to renew."""
        del used
        return False


_SPARE_SECONDS = 60.0
_SPARE_SHARE = 0.1
_PAUSES_IN_SPARE = 10
"""A fetch ahead of time that failed is tried again after a tenth of the spare."""


class FetchedCredentials:
    """Headers obtained from somewhere (a token endpoint, a CSRF handshake), kept until refused or too old.

    Fetching runs on its own: no waiter's cancellation or deadline ends it for the others. Headers whose life `fetch`
    told by `lasts` are replaced shortly before its end while calls go on with them, so an issuer that is away for a
    moment is not noticed.

    Args:
        fetch: Obtains fresh headers; raises a `Problem` if it cannot.
        refused: Which replies mean that the headers are no longer good.
        lifetime: Seconds after which they are fetched anew unasked; None keeps them until refused.
        timeout: Seconds that fetching may take.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Mapping[str, str]]],
        *,
        refused: Callable[[WireReply], bool] = is_unauthorised,
        lifetime: float | None = None,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._refused = refused
        self._lifetime = float("inf") if lifetime is None else lifetime
        self._timeout = timeout
        self._clock = clock
        self._headers: Mapping[str, str] | None = None
        self._spare = 0.0
        self._stale_at = self._ends_at = 0.0
        self._flight: asyncio.Task[Mapping[str, str]] | None = None

    async def headers(self) -> Mapping[str, str]:
        """The kept headers, or freshly fetched ones."""
        held = self._headers
        if held is not None:
            now = self._clock()
            if now < self._stale_at:
                return held
            if now < self._ends_at:
                self._fly()
                return held
        return await self._fetched()

    def lasts(self, seconds: float) -> None:
        """For `fetch` to tell how long what it fetched is good; a minute of it, or a tenth, is spare."""
        self._lifetime = seconds
        self._spare = min(_SPARE_SECONDS, seconds * _SPARE_SHARE)

    def refused(self, reply: WireReply) -> bool:
        """As the rule given at construction says."""
        return self._refused(reply)

    async def renew(self, used: Mapping[str, str]) -> bool:
        """Fetch fresh headers unless somebody has since `used` were handed out."""
        if self._headers is used:
            self._headers = None
        return await self.headers() is not used

    async def _fetched(self) -> Mapping[str, str]:
        return await asyncio.shield(self._fly())

    def _fly(self) -> asyncio.Task[Mapping[str, str]]:
        if self._flight is None:
            self._flight = asyncio.create_task(self._obtain())
            self._flight.add_done_callback(self._landed)
        return self._flight

    async def _obtain(self) -> Mapping[str, str]:
        enter(current_context().replace(deadline=None))
        try:
            async with asyncio.timeout(self._timeout):
                return await self._fetch()
        except TimeoutError:
            raise BackendUnavailable(f"No credentials were issued within {self._timeout:g} s.") from None

    def _landed(self, flight: asyncio.Task[Mapping[str, str]]) -> None:
        self._flight = None
        now = self._clock()
        if flight.cancelled() or flight.exception() is not None:
            self._stale_at = min(self._ends_at, now + self._spare / _PAUSES_IN_SPARE)
            return
        self._headers = flight.result()
        self._ends_at = now + self._lifetime
        self._stale_at = self._ends_at - self._spare
