"""Slots at a backend that counts calls in flight: so many at once for all processes together, by any interface.

A slot is leased on Valkey (`slots_script`) for as long as its call lasts. The process renews what it holds; one that
dies gives its slots back when their leases end. Without Valkey, or when it does not answer in time, each process
keeps to its share of the slots, and says so in the gauge `triptych_slots_alone`.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from secrets import token_hex

import msgspec

from shared.binding.problems import Overloaded
from shared.resilience import slots_script
from shared.resilience.valkey import Valkey
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import gauge

_log = get_logger("slots")
_held = gauge("triptych_slots_held", "Slots of a backend that this process holds.", ("budget",))
_alone = gauge("triptych_slots_alone", "1 while Valkey is away and this process keeps to its share.", ("budget",))
_PATIENCE = 0.5
"""Seconds a question may wait for Valkey."""
_ASKS_AGAIN_AFTER = 0.03
"""Upper bound of the jittered seconds after which somebody who waits asks again."""
_RECHECK_SECONDS = 1.0
"""How often a lost Valkey is asked."""


class SlotBudget(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls may be in flight at once.

    Attributes:
        name: Names the account; processes that give the same name share its slots.
        slots: Calls at once, of all processes.
        max_wait: Seconds to wait for a slot.
        lease: Seconds after which slots of a dead process are free again.
    """

    name: str
    slots: int
    max_wait: float = 2.0
    lease: float = 10.0

    def __post_init__(self) -> None:
        if self.slots < 1 or self.lease <= 0:
            raise ValueError(f"Slots of {self.name!r}: at least one, leased for more than no time.")


class Slots:
    """The slots of one account, as one process takes them.

    Args:
        budget: How many there are.
        valkey: Where all processes keep them; None to have all of them here.
        processes: How many processes take them, for the time without Valkey.
        clock: Monotonic seconds.

    Attributes:
        budget: The same.
        slots: How many there are now, see `resize`.
        alone: Whether this process keeps to its share because Valkey is away.
    """

    def __init__(
        self,
        budget: SlotBudget,
        valkey: Valkey | None = None,
        *,
        processes: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = budget
        self.slots = budget.slots
        self.alone = False
        self._valkey = valkey
        self._processes = processes if valkey is not None else 1
        self._clock = clock
        self._turn = asyncio.Lock()
        self._mine: set[str] = set()
        self._next_look = 0.0
        self._renewing: asyncio.Task[None] | None = None
        _alone.set(False, budget.name)

    @property
    def held(self) -> int:
        """Slots that this process holds."""
        return len(self._mine)

    @property
    def _share(self) -> int:
        """What this process may hold while Valkey is away."""
        return max(1, self.slots // self._processes)

    def resize(self, slots: int) -> None:
        """Have another number of slots from now on, as the backend tells it; who holds one keeps it.

        Args:
            slots: Calls at once, of all processes; each process is told by itself.

        Raises:
            ValueError: It is less than one.
        """
        if slots < 1:
            raise ValueError(f"Slots of {self.budget.name!r}: at least one, not {slots}.")
        if slots != self.slots:
            _log.info("slots.resized", budget=self.budget.name, slots=slots, before=self.slots)
        self.slots = slots

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[None]:
        """Hold a slot inside the block; whoever waited longest in this process gets the next.

        Raises:
            Overloaded: All slots stayed taken; the caller's deadline, set outside, may end the wait sooner.
        """
        holder = token_hex(8)
        try:
            await self._take(holder)
            yield
        finally:
            await self._give_back(holder)

    async def aclose(self) -> None:
        """Stop renewing."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)

    async def _take(self, holder: str) -> None:
        until = self._clock() + self.budget.max_wait
        try:
            async with asyncio.timeout(self.budget.max_wait):
                await self._turn.acquire()
        except TimeoutError:
            raise self._overloaded() from None
        try:
            while not await self._taken(holder):
                if self._clock() >= until:
                    raise self._overloaded()
                await asyncio.sleep(random.uniform(0.002, _ASKS_AGAIN_AFTER))  # noqa: S311 - jitter, not a secret
        finally:
            self._turn.release()

    async def _taken(self, holder: str) -> bool:
        """Whether there was a slot. One that is being asked for is ours to give back, whatever becomes of us."""
        self._mine.add(holder)
        taken = await self._ask(holder)
        if taken is None:
            taken = len(self._mine) <= self._share
        if not taken:
            self._mine.discard(holder)
        _held.set(len(self._mine), self.budget.name)
        if taken and self._valkey is not None and self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
        return taken

    async def _ask(self, holder: str) -> bool | None:
        """Ask Valkey for a slot and renew those we hold; None when it has no say."""
        if self._valkey is None or self._clock() < self._next_look:
            return None
        held = [each for each in self._mine if each != holder]
        try:
            async with asyncio.timeout(_PATIENCE):
                taken, _ = await slots_script.take(
                    self._valkey, self.budget.name, self.slots, self.budget.lease, holder, held
                )
        except Exception as error:  # noqa: BLE001 - whatever is wrong with Valkey, calls go on
            self._next_look = self._clock() + _RECHECK_SECONDS
            self._tell(alone=True, problem=type(error).__name__)
            return None
        self._tell(alone=False)
        return taken

    async def _give_back(self, holder: str) -> None:
        if holder not in self._mine:
            return
        self._mine.discard(holder)
        _held.set(len(self._mine), self.budget.name)
        if self._valkey is None or self.alone:
            return
        returning = asyncio.create_task(self._return(holder, self._valkey))
        await asyncio.shield(returning)

    async def _return(self, holder: str, valkey: Valkey) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await slots_script.give_back(valkey, self.budget.name, holder)
        except Exception as error:  # noqa: BLE001 - the lease ends by itself
            self._next_look = self._clock() + _RECHECK_SECONDS
            self._tell(alone=True, problem=type(error).__name__)

    async def _renew(self) -> None:
        """Renew leases while any is held."""
        try:
            while self._mine:
                await asyncio.sleep(self.budget.lease / 3)
                if self._mine:
                    await self._ask("")
        finally:
            self._renewing = None

    def _tell(self, *, alone: bool, problem: str = "") -> None:
        if alone == self.alone:
            return
        self.alone = alone
        _alone.set(alone, self.budget.name)
        if alone:
            _log.warning("slots.valkey.lost", budget=self.budget.name, problem=problem, share=self._share)
        else:
            _log.info("slots.valkey.back", budget=self.budget.name)

    def _overloaded(self) -> Overloaded:
        return Overloaded(
            f"All {self.slots} slots for calls to {self.budget.name} are taken; try again shortly.",
            retry_after=max(1.0, self.budget.max_wait),
        )
