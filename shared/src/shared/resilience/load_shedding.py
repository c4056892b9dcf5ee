"""Load shedding at the edge: refuse early what we could not serve in time, the least important first.

Order writes may fill the whole capacity, reads stop short of it, batch work well before (Stripe reserves a
share for critical traffic in the same way). An event loop that lags shows an overload which the count of
requests does not: then batch work stops and reads get half their share.
"""

import asyncio
import time
from math import ceil

from shared.binding.call_context import Priority
from shared.binding.problems import Overloaded

_SAMPLE_SECONDS = 0.05
_SMOOTHING = 0.3  # weight of the newest sample: one pause is noise, three in a row are load


class Shedder:
    """Counts requests in flight and refuses those above their priority's ceiling.

    `enter` and `exit` are plain calls of well under a microsecond:

        shedder.enter(context.priority)
        try: ...
        finally: shedder.exit()

    Args:
        max_in_flight: Requests served at once; order writes may use all of them.
        read_share: The share of them that interactive reads may fill, 0 to 1.
        batch_share: The share that batch work may fill, 0 to 1.
        max_lag_seconds: Smoothed event-loop lag above which the process counts as strained.
    """

    def __init__(
        self,
        max_in_flight: int,
        *,
        read_share: float = 0.9,
        batch_share: float = 0.5,
        max_lag_seconds: float = 0.1,
    ) -> None:
        reads = max(1, int(max_in_flight * read_share))
        batch = max(1, int(max_in_flight * batch_share))
        self._relaxed: dict[Priority, int] = {"order": max_in_flight, "interactive": reads, "batch": batch}
        self._strained: dict[Priority, int] = {
            "order": max_in_flight,
            "interactive": max(1, reads // 2),
            "batch": 0,
        }
        self._ceilings = self._relaxed
        self._max_lag_seconds = max_lag_seconds
        self._in_flight = 0
        self._refused = 0
        self._lag_seconds = 0.0

    @property
    def in_flight(self) -> int:
        """Requests admitted and not yet finished."""
        return self._in_flight

    @property
    def refused(self) -> int:
        """Requests refused since the start."""
        return self._refused

    @property
    def lag_seconds(self) -> float:
        """The smoothed event-loop lag; 0 unless `watch_lag` runs."""
        return self._lag_seconds

    def enter(self, priority: Priority) -> None:
        """Admit a request, or refuse it; call `exit` once for each admitted one.

        Raises:
            Overloaded: The priority's share is in use; `retry_after` says when to come back.
        """
        if self._in_flight >= self._ceilings[priority]:
            self._refuse(priority)
        self._in_flight += 1

    def exit(self) -> None:
        """Note that an admitted request has ended."""
        self._in_flight -= 1

    def note_lag(self, seconds: float) -> None:
        """Take one measurement of how late the event loop ran a timer."""
        self._lag_seconds += _SMOOTHING * (seconds - self._lag_seconds)
        strained = self._lag_seconds > self._max_lag_seconds
        self._ceilings = self._strained if strained else self._relaxed

    async def watch_lag(self) -> None:
        """Measure the event loop's lag until cancelled; the host runs this as a task."""
        while True:
            due = time.monotonic() + _SAMPLE_SECONDS
            await asyncio.sleep(_SAMPLE_SECONDS)
            self.note_lag(max(time.monotonic() - due, 0.0))

    def _refuse(self, priority: Priority) -> None:
        self._refused += 1
        wait = 1.0 + self._refused % 8 / 8  # spread over a second, so that the refused do not return together
        raise Overloaded(
            f"The service is at capacity for {priority} requests. Repeat after {ceil(wait)} s.", retry_after=wait
        )
