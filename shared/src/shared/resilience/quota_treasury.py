"""The treasurers of one process, one for each budget: of calls in a window, or of calls at once."""

import asyncio
from collections.abc import Callable
from functools import partial

from shared.resilience.quota import Treasurer
from shared.resilience.quota_budget import Budget
from shared.resilience.quota_script import ValkeyLedger
from shared.resilience.slots import SlotBudget, Slots
from shared.resilience.valkey import Valkey


class Treasury:
    """Makes treasurers and keeps them talking to the ledger.

    Args:
        valkey: Where the books of all processes are; None to keep them in this process.
        processes: How many processes spend from the same budgets.
        wall: Unix seconds, instead of the server's and this machine's.
    """

    def __init__(
        self, valkey: Valkey | None = None, *, processes: int = 1, wall: Callable[[], float] | None = None
    ) -> None:
        self._valkey = valkey
        self._processes = processes
        self._wall = wall
        self._treasurers: dict[str, Treasurer] = {}
        self._slots: dict[str, Slots] = {}
        self._visits: list[asyncio.Task[None]] = []

    def treasurer(self, budget: Budget) -> Treasurer:
        """Who spends this budget here; the same one for the same name.

        Raises:
            ValueError: The name is in use with other terms.
        """
        known = self._treasurers.get(budget.name)
        if known is None:
            known = self._treasurers[budget.name] = self._appoint(budget)
        if known.budget != budget:
            raise ValueError(f"The budget {budget.name!r} is declared twice with different terms; make them one.")
        return known

    def slots(self, budget: SlotBudget) -> Slots:
        """The slots of this budget; the same for the same name.

        Raises:
            ValueError: The name is in use with other terms.
        """
        known = self._slots.get(budget.name)
        if known is None:
            known = self._slots[budget.name] = Slots(budget, self._valkey, processes=self._processes)
        if known.budget != budget:
            raise ValueError(f"The slots of {budget.name!r} are declared twice with different terms; make them one.")
        return known

    async def start(self) -> None:
        """Begin to visit the ledgers; after all treasurers have been made."""
        self._visits = [asyncio.create_task(each.keep_visiting()) for each in self._treasurers.values()]

    async def aclose(self) -> None:
        """Stop visiting and give leases back."""
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        for treasurer in self._treasurers.values():
            await treasurer.aclose()
        for slots in self._slots.values():
            await slots.aclose()

    async def health(self) -> tuple[bool, str]:
        """Whether every budget is below its first alert level, and how much of each is used."""
        parts: list[str] = []
        for name, treasurer in self._treasurers.items():
            used, limit = treasurer.balance.used, treasurer.balance.limit
            alone = " (Valkey is away: this process's own books)" if treasurer.alone else ""
            parts.append(f"{name}: {used:,} of {limit:,} calls used{alone}")
        well = not any(each.balance.level or each.alone for each in self._treasurers.values())
        return well, "; ".join(parts) or "no budgets"

    def _appoint(self, budget: Budget) -> Treasurer:
        ledger = ValkeyLedger(self._valkey, budget, self._wall) if self._valkey is not None else None
        appoint = partial(Treasurer, budget, ledger, processes=self._processes)
        return appoint() if self._wall is None else appoint(clock=self._wall, wall=self._wall)
