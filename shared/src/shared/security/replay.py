"""Assertions may be used once (RFC 7523 §3, RFC 7519 §4.1.7): somebody has to remember their `jti`."""

import time
from collections.abc import Callable
from typing import Protocol


class ReplayGuard(Protocol):
    """Remembers identifiers until they expire."""

    async def first_use(self, key: str, expires_at: float) -> bool:
        """Whether `key` is seen for the first time; remembered until `expires_at` (Unix seconds)."""
        ...


class MemoryReplayGuard:
    """ReplayGuard for an issuer that runs in one process. When full it refuses rather than forgets.

    Args:
        max_remembered: Identifiers remembered at once.
        clock: Unix seconds.
    """

    def __init__(self, max_remembered: int = 100_000, clock: Callable[[], float] = time.time) -> None:
        self._max = max_remembered
        self._clock = clock
        self._seen: dict[str, float] = {}

    async def first_use(self, key: str, expires_at: float) -> bool:
        """See ReplayGuard."""
        if len(self._seen) >= self._max:
            now = self._clock()
            self._seen = {known: until for known, until in self._seen.items() if until >= now}
        if len(self._seen) >= self._max or key in self._seen:
            return False
        self._seen[key] = expires_at
        return True
