"""Flows that an open circuit has put off: how they find out that it has closed, and how they go on.

Parked flows lie in the journal. While the circuit is open one of them is let go each second, a different one each
time, to ask; the circuit breaker lets one such call a second through. Once one has got through, the others follow:
two, four, eight, … a second, so that a backend that has just come back is not overrun. Nothing of this is remembered
across a restart: a worker that starts lets the first few go, to see. Parked flows also ask by themselves, each at its
own moment within `LONGEST_PARK` seconds, should whoever parked them be gone.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from zlib import crc32

from shared.durable.journal import Journal, JournalUnavailable
from shared.durable.retry_schedule import LONGEST_PARK

_PULSE = 1.0  # seconds
_PATIENCE = 120  # pulses with nobody parked and nobody asking, after which an open circuit is forgotten


def rest_of(key: str, parks: int) -> float:
    """Seconds that a parked step rests unless it is let go: half to all of `LONGEST_PARK`, different each time.

    Those that rest shortest are let go first, so that no flow always asks before the others.
    """
    return LONGEST_PARK * (0.5 + crc32(f"{key} {parks}".encode()) / 2**33)


class _Gate:
    """What is known of the circuit to one contract."""

    def __init__(self) -> None:
        self.open = True
        self.pulse = _PULSE
        self.quiet = 0


class Parking:
    """Lets the parked flows of one worker's kinds go on.

    Args:
        journal: Where they lie.
        kinds: What the worker can run.
        most: Flows let go per second at most.
        wake: Called when some are due.
    """

    def __init__(self, journal: Journal, kinds: Collection[str], most: int, wake: Callable[[], None]) -> None:
        self._journal = journal
        self._kinds = kinds
        self._most = most
        self._wake = wake
        self._gates: dict[str, _Gate] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def refused(self, contract: str, again_in: float | None) -> None:
        """A step of this contract found the circuit open, or failed as the call that was to find out.

        Args:
            contract: Slug, `erp`.
            again_in: Seconds until the breaker lets the next such call through, if it said so.
        """
        gate = self._gates.get(contract) or self._attend(contract)
        gate.open, gate.quiet, gate.pulse = True, 0, max(_PULSE, min(again_in or 0.0, LONGEST_PARK))

    def passed(self, contract: str, *, was_parked: bool) -> None:
        """A step of this contract got through."""
        gate = self._gates.get(contract)
        if gate is None and was_parked:  # by another worker
            gate = self._attend(contract)
        if gate is not None:
            gate.open, gate.quiet, gate.pulse = False, 0, _PULSE

    def look(self, contracts: Collection[str]) -> None:
        """Whether flows are parked from before, and how these circuits are now, is not known."""
        for contract in contracts:
            self.passed(contract, was_parked=True)

    async def stop(self) -> None:
        """Let nobody go any more."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _attend(self, contract: str) -> _Gate:
        gate = self._gates[contract] = _Gate()
        self._tasks[contract] = asyncio.create_task(self._let_go(contract, gate))
        return gate

    async def _let_go(self, contract: str, gate: _Gate) -> None:
        number, found = 1, 1
        while (gate.open or found) and gate.quiet < _PATIENCE:
            await asyncio.sleep(gate.pulse)
            number = 1 if gate.open else min(2 * number, self._most)
            with suppress(JournalUnavailable):  # tried again with the next pulse
                found = await self._journal.unpark(self._kinds, contract, number)
                gate.quiet = 0 if found else gate.quiet + 1
                if found:
                    self._wake()
        del self._gates[contract], self._tasks[contract]
