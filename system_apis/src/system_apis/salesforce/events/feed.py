"""One channel being read: keeps a stream open, goes on after failures that pass, holds what is not dealt with."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from typing import Protocol

from shared.binding.call_context import CallContext, enter
from shared.binding.problems import BackendUnavailable, InternalFault, Problem, Transient
from shared.messaging.event_source import Event
from shared.telemetry.logging import get_logger
from system_apis.salesforce.events.position import moment_of
from system_apis.salesforce.events.received import Batch
from system_apis.salesforce.events.refusals import SessionOver
from system_apis.salesforce.events.translation import PASSED, event_of, passing
from system_apis.salesforce.events.window import Window

_PAUSES = (0.1, 0.4, 1.6, 6.4, 25.0)  # seconds before the stream is opened again, at most; each failure takes the next
_ATTEMPTS_TO_BEGIN = 3
_LASTING = 60.0  # seconds after which a stream counts as good, though nothing came
_SKEW = timedelta(seconds=60)  # our clock and the org's may differ by so much
_log = get_logger("salesforce")


class Door(Protocol):
    """A way in which events come: the Pub/Sub API, or CometD."""

    def batches(self, channel: str, after: str, window: Window, *, latest: bool) -> AsyncGenerator[Batch]:
        """What follows a position, for as long as the stream holds; never more than the window has room for.

        Args:
            channel: `/data/AccountChangeEvent`.
            after: A position of this door; empty for the oldest event.
            window: Where the events go.
            latest: Begin with what happens from now on instead; the first batch has no events and comes at once.

        Raises:
            PositionExpired: The org does not go on from there.
            SessionOver: The session ended, and was renewed since.
            Problem: The stream was refused, or broke.
        """
        ...


class Feed:
    """The events of one channel after one position.

    Args:
        door: Where they come from.
        channel: Which they are.
        after: The position they follow; empty for the oldest.
        room: How many may be held.
        client: Our own name; its changes are passed over.
        latest: `after` is this very moment.

    Attributes:
        used: Monotonic seconds when it was last read.
    """

    def __init__(
        self, door: Door, channel: str, after: str, room: int, client: str, *, latest: bool = False,
        pause: Callable[[int], float] | None = None,
    ) -> None:  # fmt: skip
        self.used = time.monotonic()
        self._door, self._channel, self._client = door, channel, client
        self._window = Window(after, room)
        self._latest = latest
        self._since: datetime | None = moment_of(after)
        self._pause = pause or _jittered
        self._ready = asyncio.Event()
        self._failure: Problem | None = None
        self._task = asyncio.create_task(self._keep(), name=f"salesforce {channel}")

    @property
    def ended(self) -> bool:
        """Whether it failed for good."""
        return self._task.done()

    def follows(self, position: str) -> bool:
        """Whether it holds what follows this position."""
        return self._window.follows(position) and not self._task.done()

    async def begun(self, seconds: float) -> None:
        """Until the stream stands; raises what it failed with, TimeoutError when it takes longer."""
        async with asyncio.timeout(seconds):
            await self._ready.wait()
        if self._failure is not None:
            raise self._failure

    async def read(self, after: str, limit: int, wait_seconds: float) -> Sequence[Event]:
        """See `EventSource.read`; it must follow `after`."""
        self.used = time.monotonic()
        self._window.pass_to(after)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_seconds):
                while not self._window.first(1) and self._failure is None:
                    await self._window.change()
        self.used = time.monotonic()
        events = self._window.first(limit) if self._window.follows(after) else ()
        if not events and self._failure is not None:
            raise self._failure
        return events

    async def close(self) -> None:
        """Hang up."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    # --- inside --------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        enter(CallContext())  # it outlives the call that began it, and its deadline
        failures, refused = 0, False
        while True:
            opened, position = time.monotonic(), self._window.position
            problem = await self._streamed()
            if self._window.position != position or time.monotonic() - opened > _LASTING:
                failures, refused = 0, False
            if isinstance(problem, SessionOver) and not refused:
                refused = True  # the door has renewed it: once more at once
                continue
            if not isinstance(problem, Transient) or self._cannot_begin(problem, failures):
                self._end(problem)
                return
            _log.warning("salesforce.stream.broken", channel=self._channel, error=problem.detail, failures=failures)
            await asyncio.sleep(max(self._pause(failures), problem.retry_after or 0.0))
            failures += 1

    def _cannot_begin(self, problem: Problem, failures: int) -> bool:
        """Whether a stream from now on does not come to stand: somebody waits for it, and no event is missed yet."""
        return self._latest and (problem.retry_after is not None or failures == _ATTEMPTS_TO_BEGIN - 1)

    async def _streamed(self) -> Problem:
        """Take what one stream brings; returns what ended it."""
        try:
            async with aclosing(self._batches()) as batches:
                async for batch in batches:
                    self._take(batch)
        except Problem as problem:
            return problem
        except Exception as error:  # noqa: BLE001 - a defect must not leave readers waiting for ever
            _log.error("salesforce.stream.fault", channel=self._channel, error=type(error).__name__, exc_info=error)
            return InternalFault(f"A defect ended the stream of {self._channel}; the log has the details.")
        return BackendUnavailable(f"Salesforce ended the stream of {self._channel}.")

    def _batches(self) -> AsyncGenerator[Batch]:
        latest, position = self._latest, self._window.position
        if moment_of(position) is not None:
            position = ""
        return self._door.batches(self._channel, position, self._window, latest=latest)

    def _take(self, batch: Batch) -> None:
        self._ready.set()
        self._latest = False
        for received in batch.events:
            event = event_of(received, self._client)
            if self._since is not None and event.type != PASSED and event.occurred_at < self._since - _SKEW:
                event = passing(event.position)
            self._window.add(event, passing=event.type == PASSED)
        if not batch.events and batch.position and batch.position != self._window.position:
            self._window.add(passing(batch.position), passing=True)

    def _end(self, problem: Problem) -> None:
        self._failure = problem
        self._ready.set()
        self._window.wake()


def _jittered(failures: int) -> float:
    most = _PAUSES[min(failures, len(_PAUSES) - 1)]
    return random.uniform(most / 2, most)  # noqa: S311 - jitter, not a secret
