"""Creating a document once, although SAP's services make two of one request sent twice."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from shared.binding.problems import BackendFault, BackendUnavailable, DeadlineExceeded, Problem
from shared.resilience.outbound_faults import NotReached, OutcomeUnknown

_Row = TypeVar("_Row")

_LOOKS_AGAIN_AFTER = (0.0, 0.3)
"""Seconds: a document whose reply was lost may be a moment from being visible."""

_ASKS_AGAIN_AFTER = 5.0
"""Seconds after which a repeat may look again for a document that SAP may still be working on."""


class References:
    """References that SAP may be working on although nobody waits for its answer any more.

    Args:
        seconds: How long one stays.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def add(self, reference: str) -> None:
        """Note one; those whose time is over are forgotten."""
        now = time.monotonic()
        while self._until and next(iter(self._until.values())) <= now:
            del self._until[next(iter(self._until))]
        self.discard(reference)
        self._until[reference] = now + self._seconds

    def discard(self, reference: str) -> None:
        """Forget one."""
        self._until.pop(reference, None)

    def remaining(self, reference: str) -> float:
        """Seconds that one still stays; 0 if it does not."""
        return max(0.0, self._until.get(reference, 0.0) - time.monotonic())


class Once(Generic[_Row]):
    """Makes one document for each reference: looks for it first, and again whenever the outcome is in doubt.

    Args:
        settle_seconds: How long SAP may work on a request after we stopped waiting for it.
    """

    def __init__(self, settle_seconds: float) -> None:
        self._making: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._in_doubt = References(settle_seconds)

    async def make(
        self, reference: str, find: Callable[[], Awaitable[_Row | None]], post: Callable[[], Awaitable[_Row]]
    ) -> _Row:
        """The document of this reference: the one that `find` finds, or a new one that `post` makes.

        Raises:
            OutcomeUnknown: No answer came and the document is not to be found; a repeat looks again first.
            Problem: What `find` and `post` raise.
        """
        lock = self._making.setdefault(reference, asyncio.Lock())
        async with lock:
            if found := await find():
                return found
            if (seconds := self._in_doubt.remaining(reference)) > 0:
                raise OutcomeUnknown(
                    "SAP may still be working on this document, given up for want of time; look again shortly.",
                    retry_after=min(seconds, _ASKS_AGAIN_AFTER),
                    extensions={"outcome": "unknown"},
                )
            try:
                return await self._posted(reference, post)
            except NotReached:
                raise
            except (BackendUnavailable, BackendFault, DeadlineExceeded) as problem:
                found = await _recovered(find, problem)
                if found is None:
                    raise
                return found

    async def _posted(self, reference: str, post: Callable[[], Awaitable[_Row]]) -> _Row:
        """Send it, and be in doubt about it unless SAP is done: also when the caller goes away meanwhile."""
        self._in_doubt.add(reference)
        try:
            made = await post()
        except DeadlineExceeded as late:
            if "outcome" not in late.extensions:
                self._in_doubt.discard(reference)  # nothing was sent
            raise
        except Problem:
            self._in_doubt.discard(reference)
            raise
        self._in_doubt.discard(reference)
        return made


async def _recovered(find: Callable[[], Awaitable[_Row | None]], after: Problem) -> _Row | None:
    """What a request without a usable answer made after all, or None if it made nothing."""
    try:
        for seconds in _LOOKS_AGAIN_AFTER:
            await asyncio.sleep(seconds)
            if found := await find():
                return found
    except Problem:
        if after.transient:
            raise after from None
        raise OutcomeUnknown(
            "SAP gave no usable answer to a new document, nor to the question whether it has it; try again.",
            extensions={"outcome": "unknown"},
        ) from None
    return None
