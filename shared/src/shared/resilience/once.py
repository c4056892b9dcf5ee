"""Creating a document once at a backend that makes two of one request sent twice (EIP Idempotent Receiver, for it)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from shared.binding.call_context import current_context
from shared.binding.problems import BackendFault, BackendUnavailable, DeadlineExceeded, Problem
from shared.resilience.doubt import Doubts
from shared.resilience.outbound_faults import NotReached, OutcomeUnknown

_Row = TypeVar("_Row")

_LOOKS_AGAIN_AFTER = (0.0, 0.3)
"""Seconds: a document whose reply was lost may be a moment from being visible."""
WAITS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5)
"""Seconds between looks for a document that a process which has gone may have asked for."""
_MARGIN = 0.5
"""Seconds before the caller's deadline that are left for the answer itself."""
_ASKS_AGAIN_AFTER = 5.0
"""Seconds after which a repeat may look again for a document that the backend may still be working on."""


class Once(Generic[_Row]):
    """Makes one document for each reference: looks for it first, and again whenever the outcome is in doubt.

    Args:
        doubts: What may be under way already, here or in another process.
        backend: As people call it, `SAP`.
        kind: What is made, `order`; with the backend it tells references of different documents apart.
        settle_seconds: How long the backend may work on a request after we stopped waiting for it.
        ready: Sees to what a write needs, such as a session, before anything is marked: who dies while it waits for
            that has sent nothing, and leaves nothing in doubt.
    """

    def __init__(
        self,
        doubts: Doubts,
        backend: str,
        kind: str,
        settle_seconds: float,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._doubts = doubts
        self._backend = backend
        self._kind = kind
        self._settle_seconds = settle_seconds
        self._ready = ready
        self._making: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def make(
        self, reference: str, find: Callable[[], Awaitable[_Row | None]], post: Callable[[], Awaitable[_Row]]
    ) -> _Row:
        """The document of this reference: the one that `find` finds, or a new one that `post` makes.

        While the backend may still be making it for somebody who has gone, this waits for it as long as the caller's
        deadline allows, a few seconds at most.

        Raises:
            OutcomeUnknown: No answer came and the document is not to be found; a repeat looks again first.
            Problem: What `find` and `post` raise.
        """
        key = f"{self._backend}:{self._kind}:{reference}"
        lock = self._making.setdefault(reference, asyncio.Lock())
        async with lock:
            if self._ready is not None:
                await self._ready()
            waits = iter(WAITS)
            while True:
                # marked before the look: whoever made it meanwhile had the mark until it was there to be found
                others = await self._doubts.begin(key, self._settle_seconds)
                found = await self._looked(key, find, ours=not others)
                if found is not None:
                    return found
                if not others:
                    return await self._made(key, find, post)
                wait = next(waits, None)
                if wait is None or not has_time(wait):
                    raise self._in_doubt(others)
                await asyncio.sleep(min(wait, others))

    async def _looked(self, key: str, find: Callable[[], Awaitable[_Row | None]], *, ours: bool) -> _Row | None:
        """What there is; our mark goes with it, or when the look fails: nothing was sent."""
        found = None
        failed = True
        try:
            found = await find()
            failed = False
        finally:
            if ours and (failed or found is not None):
                await self._doubts.end(key)
        return found

    async def _made(
        self, key: str, find: Callable[[], Awaitable[_Row | None]], post: Callable[[], Awaitable[_Row]]
    ) -> _Row:
        try:
            return await self._doubts.through(key, post)
        except NotReached:
            raise
        except (BackendUnavailable, BackendFault, DeadlineExceeded) as problem:
            found = await self._recovered(find, problem)
            if found is None:
                raise
            await self._doubts.end(key)
            return found

    def _in_doubt(self, seconds: float) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{self._backend} may still be working on this {self._kind}, given up by whoever asked first; "
            "look again shortly.",
            retry_after=min(seconds, _ASKS_AGAIN_AFTER),
            extensions={"outcome": "unknown"},
        )

    async def _recovered(self, find: Callable[[], Awaitable[_Row | None]], after: Problem) -> _Row | None:
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
                f"{self._backend} gave no usable answer to a new {self._kind}, nor to the question whether it has it; "
                "try again.",
                extensions={"outcome": "unknown"},
            ) from None
        return None


def has_time(seconds: float) -> bool:
    """Whether the caller waits long enough for a pause of `seconds` and an answer after it."""
    remaining = current_context().remaining()
    return remaining is None or remaining > seconds + _MARGIN
