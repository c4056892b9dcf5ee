"""What this process was told lately: keys hardly ever change, and views and flows ask for the same ones again."""

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from shared.contracts.canonical.identity import KeyClaim, ResolvedIdentity
from system_apis.cross_references.connector import CrossReferenceSettings


class _Told(NamedTuple):
    until: float
    said: dict[str, str]
    resolved: ResolvedIdentity


class RememberedKeys:
    """The last answer for each thing, for a while, and never after a change made here.

    A disagreement is not remembered, so that a correction is seen at once.

    Args:
        settings: For how long, and how many.

    Attributes:
        clock: Monotonic seconds.
    """

    def __init__(self, settings: CrossReferenceSettings) -> None:
        self.clock: Callable[[], float] = time.monotonic
        self._seconds = settings.remember_seconds
        self._most = settings.remember_most
        self._told: dict[tuple[str, str], _Told] = {}
        self._changes = 0

    @property
    def changes(self) -> int:
        """How often something was forgotten; what was read before and comes after that is stale."""
        return self._changes

    def of(self, claim: KeyClaim) -> ResolvedIdentity | None:
        """What was answered to the same claim, if that is still good."""
        told = self._told.get((claim.kind, claim.canonical_id))
        if told is None or told.said != claim.keys or told.until < self.clock():
            return None
        return told.resolved

    def keep(self, claim: KeyClaim, resolved: ResolvedIdentity, changes: int) -> None:
        """Remember an answer that was read when there had been so many changes."""
        if changes != self._changes or self._seconds <= 0:
            return
        if resolved.unnoted or not claim.keys:  # true until somebody notes it, of whatever thing, here or elsewhere
            return
        thing = claim.kind, claim.canonical_id
        self._told.pop(thing, None)
        self._told[thing] = _Told(self.clock() + self._seconds, claim.keys, resolved)
        if len(self._told) > self._most:
            del self._told[next(iter(self._told))]

    def forget(self, things: Iterable[tuple[str, str]]) -> None:
        """Forget what was told of things that are being changed."""
        self._changes += 1
        for thing in things:
            self._told.pop(thing, None)
