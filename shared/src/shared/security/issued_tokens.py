"""Tokens this process obtained, kept while fresh: one request for N waiters, bounded, good through an outage."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

import msgspec

from shared.binding.problems import BackendUnavailable

RENEW_BEFORE_SECONDS = 30.0


class IssuedToken(msgspec.Struct, frozen=True):
    """An access token and when it expires, in Unix seconds."""

    access_token: str
    expires_at: float

    def __repr__(self) -> str:
        return f"IssuedToken(expires_at={self.expires_at})"


class IssuedTokens:
    """A cache of tokens by whatever determines them.

    Args:
        max_cached: Tokens kept at most; the oldest goes first.
        clock: Unix seconds.
    """

    def __init__(self, max_cached: int = 10_000, clock: Callable[[], float] = time.time) -> None:
        self._max_cached = max_cached
        self._clock = clock
        self._tokens: OrderedDict[Hashable, IssuedToken] = OrderedDict()
        self._requests: dict[Hashable, asyncio.Task[IssuedToken]] = {}

    async def get(self, key: Hashable, request: Callable[[], Awaitable[IssuedToken]]) -> str:
        """The token for `key`: cached until 30 s before it expires, then asked for anew by one of the waiters.

        While the issuer is down a token is used to its last second; without one, BackendUnavailable passes.
        """
        held = self._tokens.get(key)
        now = self._clock()
        if held is not None and held.expires_at - RENEW_BEFORE_SECONDS > now:
            return held.access_token
        try:
            return (await asyncio.shield(self._requested(key, request))).access_token
        except BackendUnavailable:
            if held is not None and held.expires_at > self._clock():
                return held.access_token
            raise

    def _requested(self, key: Hashable, request: Callable[[], Awaitable[IssuedToken]]) -> "asyncio.Task[IssuedToken]":
        task = self._requests.get(key)
        if task is None:
            task = self._requests[key] = asyncio.create_task(self._request(key, request))
        return task

    async def _request(self, key: Hashable, request: Callable[[], Awaitable[IssuedToken]]) -> IssuedToken:
        try:
            issued = await request()
        finally:
            del self._requests[key]
        self._tokens.pop(key, None)
        self._tokens[key] = issued
        while len(self._tokens) > self._max_cached:
            self._tokens.popitem(last=False)
        return issued
