"""The quota treasurer: one rolling allowance of calls for all processes, spent by priority.

The books are an exact ledger on Valkey (`quota_script`); its rules are in `quota_ledger`. A process leases a few
permits ahead, so that most calls ask nobody: all processes together never spend above the ceiling of their priority,
and one that dies takes at most its leases with it, until their bucket has rolled out of the window.

Without Valkey, or when it does not answer in time, the process keeps books of its own (`quota_local`): it begins with
what it believed to be used, counts each call once for every configured process, and listens to what the backend says.
What it spent alone is charged when Valkey is back. The gauge `triptych_quota_alone` says so meanwhile.

A call that is sent once more, because its first attempt failed, is charged and never refused: such calls can go over.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import get_args

from shared.binding.call_context import Priority, current_context
from shared.binding.problems import QuotaExceeded
from shared.resilience.quota_budget import Budget, exhausted
from shared.resilience.quota_lease import Lease
from shared.resilience.quota_ledger import Balance, Errand, Ledger
from shared.resilience.quota_local import LocalLedger
from shared.resilience.quota_metrics import tell_alone, tell_crossing, tell_refusal, tell_standing
from shared.telemetry.logging import get_logger

_log = get_logger("quota")
_PATIENCE = 0.5
"""Seconds a question may wait for Valkey."""
_VISIT_SECONDS = 5.0
"""How often unspent leases and counts are taken to the ledger, and the gauges set."""
_RECHECK_SECONDS = 1.0
"""How often a lost Valkey is asked."""


class Treasurer:
    """Spends one budget for this process.

    Args:
        budget: What may be spent.
        shared: The books of all processes; None to keep them here.
        processes: How many processes spend it, for the time without the shared books.
        clock: Seconds of any epoch, for leases and refusals.
        wall: Unix seconds, for books of our own and in refusals.

    Attributes:
        budget: What may be spent.
        balance: How the books stood when they were last asked.
        alone: Whether this process keeps its own because Valkey is away.
    """

    def __init__(
        self,
        budget: Budget,
        shared: Ledger | None,
        *,
        processes: int = 1,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.budget = budget
        self.balance = Balance(0, 0, 0.0, 0, 0, budget.limit(0), 0.0, 0, 0)
        self.alone = False
        self._shared = shared
        self._processes = processes if shared else 1
        self._clock = clock
        self._wall = wall
        self._local = LocalLedger(budget, self._processes, wall)
        self._leases = {priority: Lease(priority) for priority in get_args(Priority)}
        self._spent = self._debt = self._spent_alone = 0
        self._heard: tuple[int, int, float] | None = None
        tell_alone(budget.name, alone=False)

    async def take(self) -> None:
        """Spend one call, of the priority of the current call context.

        Raises:
            QuotaExceeded: Nothing is left for this priority; `retry_after` says when there is again.
        """
        lease = self._leases[current_context().priority]
        if not lease.spend(self._clock()):
            await self._take_asked(lease)
        self._spent += 1

    def repeat(self) -> None:
        """Charge a call that is sent once more; never refused, so that a write in doubt can be made sure of."""
        if not self._leases[current_context().priority].spend(self._clock()):
            self._debt += 1
        self._spent += 1

    def observe(self, used: int, allowed: int) -> None:
        """Hear from the backend how many calls count there, whoever made them, and how many it allows.

        It cannot count calls still on their way to it, so of what is heard between two visits the most stands.
        """
        beyond = used - self._spent
        if self._heard is None:
            self._heard = beyond, allowed, self._clock()
        else:
            most, _, since = self._heard
            self._heard = beyond if beyond > most else most, allowed, since  # noqa: FURB136 - the hot path

    async def visit(self) -> None:
        """Take to the ledger what it does not know yet, and set the gauges; never raises for a lost Valkey."""
        if self.alone:
            await self._return_to_valkey()
        now = self._clock()
        ended = [each for each in self._leases.values() if each.permits and now >= each.until]
        for errand in [self._errand(lease) for lease in ended] or [self._errand(None)]:
            await self._settle(errand)
        with suppress(Exception):  # the visit just made has said what is wrong
            tell_standing(await self._ledger.read(), self.balance.level)

    async def keep_visiting(self) -> None:
        """Visit the ledger every few seconds, until cancelled."""
        while True:
            await self.visit()
            await asyncio.sleep(_RECHECK_SECONDS if self.alone else _VISIT_SECONDS)

    async def aclose(self) -> None:
        """Give leases back."""
        await asyncio.gather(*(each.asking for each in self._leases.values() if each.asking), return_exceptions=True)
        for lease in self._leases.values():
            if lease.permits or self._debt or self._heard:
                await self._settle(self._errand(lease))

    @property
    def _ledger(self) -> Ledger:
        return self._local if self.alone or self._shared is None else self._shared

    async def _take_asked(self, lease: Lease) -> None:
        lease.waiting += 1
        try:
            while not lease.spend(self._clock()):
                now = self._clock()
                if now < lease.denied_until:
                    tell_refusal(self.budget.name, lease.priority)
                    raise self._refusal(lease, lease.free_at - now)
                if lease.asking is None:
                    lease.asking = asyncio.create_task(self._ask(lease))
                await asyncio.shield(lease.asking)
        finally:
            lease.waiting -= 1

    def _refusal(self, lease: Lease, wait: float) -> QuotaExceeded:
        return exhausted(self.budget, lease.priority, self.balance.limit, wait, self._wall())

    async def _ask(self, lease: Lease) -> None:
        """Ask for everyone who waits; a caller that gives up does not end the question."""
        try:
            sent = self._clock()
            balance, ledger = await self._settle(self._errand(lease, lease.waiting, lease.wanted(sent)))
            lease.accept(balance, ledger, sent, self._clock())
        finally:
            lease.asking = None

    def _errand(self, lease: Lease | None, needed: int = 0, extra: int = 0) -> Errand:
        """All that the ledger does not know. A return is told once: told twice, it would make permits."""
        returned, bucket, withheld = 0, 0, 0.0
        if lease is not None:
            unspent, bucket, withheld = lease.give_back(), lease.bucket, self.budget.withheld(lease.priority)
            returned = unspent if lease.ledger is self._ledger else 0
        debt, self._debt = self._debt, 0
        used, allowed, age = -1, 0, 0.0
        if self._heard is not None:
            (beyond, allowed, since), self._heard = self._heard, None
            used, age = max(0, beyond + self._spent), self._clock() - since
        held = sum(each.permits for each in self._leases.values())
        return Errand(needed, extra, withheld, debt, returned, bucket, used, allowed, held, age)

    async def _settle(self, errand: Errand) -> tuple[Balance, Ledger]:
        """Run an errand at the shared ledger, or at our own while that is away."""
        ledger = self._ledger
        balance = await self._answer(errand) if ledger is self._shared else None
        if balance is None:
            if ledger is self._shared:
                errand = await self._go_alone(errand)
            ledger = self._local
            balance = await self._local.settle(errand)
            self._spent_alone += errand.debt + balance.granted - errand.returned
        self.balance = balance
        if balance.crossed:
            tell_crossing(self.budget.name, balance)
        return balance, ledger

    async def _answer(self, errand: Errand) -> Balance | None:
        """The shared ledger's answer; None when it is late or none."""
        assert self._shared is not None  # noqa: S101 - asked only where there is one
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._shared.settle(errand)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with Valkey, calls go on
            if not self.alone:
                _log.warning("quota.valkey.lost", budget=self.budget.name, problem=type(error).__name__)
            return None

    async def _go_alone(self, errand: Errand) -> Errand:
        """Begin books of our own with what was believed; what the lost errand can still say there."""
        if not self.alone:
            self.alone = True
            tell_alone(self.budget.name, alone=True)
            self._local = LocalLedger(self.budget, self._processes, self._wall)
            believed = max(self.balance.used, errand.used)
            await self._local.settle(Errand(used=believed, allowed=errand.allowed or self.balance.limit))
        return errand._replace(returned=0, used=-1)

    async def _return_to_valkey(self) -> None:
        """Charge what was spent alone, and go on with the shared books, if they answer."""
        charged = self._spent_alone
        balance = await self._answer(Errand(debt=charged))
        if balance is None:
            return
        self._debt += self._spent_alone - charged  # taken while we asked
        self._spent_alone, self.balance, self.alone = 0, balance, False
        tell_alone(self.budget.name, alone=False)
        _log.info("quota.valkey.back", budget=self.budget.name, spent_alone=charged)
