"""Rate limiting: one exact allowance per client, SLA tier and operation group over all processes.

Every decision is GCRA on Valkey's clock (`rate_limit_script`). A busy client's permits are leased to the
process in small batches and refusals are remembered until they end, so most decisions ask nobody.

Without Valkey, or when it does not answer within `patience`, the process decides alone, at `limit/N` for N
configured processes, going on from the balance it saw last. It says so in `Decision.local`, for reads and
writes alike: an order is protected by its SQL journal, not by the limiter. It asks again only after the late
answer or a probe got through, and then charges what it admitted meanwhile, so neither end of an outage gives
a second burst. A process that is cut off alone adds at most its `limit/N` to what the others admit, until it
is back. What Valkey itself forgets in a crash (up to two seconds with `appendfsync everysec`, everything when
it keeps nothing on disk) may let a client have at most one more burst.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from shared.resilience.rate_limit_account import Account
from shared.resilience.rate_limit_policy import (
    DEFAULT_TIER,
    DEFAULT_TIERS,
    Decision,
    Policy,
    Tier,
    quota_exceeded,
    rate_limit_headers,
)
from shared.resilience.rate_limit_script import Ask, Grant, grant
from shared.resilience.valkey import Valkey
from shared.telemetry.logging import get_logger

__all__ = [
    "DEFAULT_TIER",
    "DEFAULT_TIERS",
    "Decision",
    "Policy",
    "RateLimiter",
    "Tier",
    "quota_exceeded",
    "rate_limit_headers",
]

_log = get_logger("rate_limit")
_PREFIX = "triptych:rate:"
_GRACE = 0.002  # a stalled event loop gets this long to read an answer that has already arrived
_LEAST_PATIENCE = 0.003  # for callers whose patience went on the question before theirs
_MOST_ACCOUNTS = 50_000


class RateLimiter:
    """Decides whether a client may send one more request.

    Args:
        valkey: The shared server; None decides locally always, at `limit/processes`.
        tiers: SLA tiers by name; must contain `default_tier`, which serves unknown names.
        processes: How many processes share the allowance, for decisions without the server.
        patience: Seconds a question may wait for the server. A decision takes at most 7 ms more, when it had
            to wait for another question first: 20 ms by default.
        recheck_seconds: Seconds between two probes of a lost server.
        default_tier: The tier of clients whose token names none that is configured.
        clock: Monotonic seconds.

    Raises:
        ValueError: `default_tier` is not among `tiers`.
    """

    def __init__(
        self,
        valkey: Valkey | None,
        tiers: Mapping[str, Tier] = DEFAULT_TIERS,
        *,
        processes: int = 1,
        patience: float = 0.013,
        recheck_seconds: float = 1.0,
        default_tier: str = DEFAULT_TIER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if default_tier not in tiers:
            raise ValueError(f"The default tier {default_tier!r} is not among the tiers {sorted(tiers)}.")
        self._valkey = valkey
        self._tiers = tiers
        self._fallback = tiers[default_tier]
        self._processes = processes
        self._patience = patience
        self._recheck_seconds = recheck_seconds
        self._clock = clock
        self._accounts: dict[tuple[str, str, str], Account] = {}
        self._alone = valkey is None
        self._owing: set[Account] = set()
        self._canary = Account(f"{_PREFIX}probe", self._fallback.default, processes)  # asked first, never charged
        self._probe: asyncio.Task[None] | None = None

    @property
    def local(self) -> bool:
        """Whether decisions are currently made without the shared server."""
        return self._alone

    def take_leased(self, client: str, tier: str, group: str) -> Decision | None:
        """Decide at once if this process can; None means `take` must ask the server.

        Args:
            client: The client id of the token.
            tier: Its SLA tier.
            group: The operation group, e.g. `crm:read`.
        """
        account = self._accounts.get((client, tier, group))
        if account is None:
            account = self._open(client, tier, group)
        now = self._clock()
        decision = account.take_leased(now)
        return self._take_alone(account, now) if decision is None and self._alone else decision

    async def take(self, client: str, tier: str, group: str) -> Decision:
        """Decide, asking the server if needed; within 20 ms by default; never raises."""
        decision = self.take_leased(client, tier, group)
        if decision is not None:
            return decision
        account = self._accounts[client, tier, group]
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        account.waiting.append((self._clock(), answer))
        if account.asking is None:
            account.asking = asyncio.create_task(self._ask_for(account))
        return await answer

    async def aclose(self) -> None:
        """Stop probing and asking; requests still waiting are decided locally."""
        tasks = [account.asking for account in self._accounts.values() if account.asking]
        if self._probe is not None:
            tasks.append(self._probe)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _open(self, client: str, tier: str, group: str) -> Account:
        if len(self._accounts) >= _MOST_ACCOUNTS:
            self._forget_idle()
        terms = self._tiers.get(tier, self._fallback)
        policy = terms.groups.get(group, terms.default)
        account = Account(f"{_PREFIX}{policy.name}:{group}:{client}", policy, self._processes)
        self._accounts[client, tier, group] = account
        return account

    def _forget_idle(self) -> None:
        now = self._clock()
        self._accounts = {name: each for name, each in self._accounts.items() if not each.idle(now)}

    def _take_alone(self, account: Account, now: float) -> Decision:
        decision = account.take_alone(now)
        if decision.allowed:
            self._owing.add(account)
        return decision

    async def _ask_for(self, account: Account) -> None:
        """Answer everyone waiting on `account`; requests that arrive meanwhile share the next question."""
        waiting: list[tuple[float, asyncio.Future[Decision]]] = []
        try:
            while account.waiting:
                waiting, account.waiting = account.waiting, []
                if self._alone or not await self._ask(account, len(waiting), waiting[0][0]):
                    break
                for _, answer in waiting:
                    if not answer.done():  # its caller is still there
                        answer.set_result(account.take_granted(self._clock()))
        finally:
            for _, answer in waiting + account.waiting:
                if not answer.done():
                    answer.set_result(self._take_alone(account, self._clock()))
            account.waiting = []
            account.asking = None

    async def _ask(self, account: Account, needed: int, since: float) -> bool:
        """Ask the server on behalf of callers who wait since `since`; False when it is lost."""
        sent = self._clock()
        ask = account.next_ask(needed, sent)
        reply = self._send(ask)
        granted = await _answer(reply, max(self._patience - (sent - since), _LEAST_PATIENCE))
        if granted is None:
            if self._alone:  # another account noticed first
                reply.cancel()
            else:
                self._lose(account, ask, reply, sent)
            return False
        self._book(account, ask, granted, sent)
        return True

    def _book(self, account: Account, ask: Ask, granted: Grant, sent: float) -> None:
        account.accept(ask, granted, sent, self._clock())
        if not account.owes:
            self._owing.discard(account)

    def _send(self, ask: Ask) -> asyncio.Task[Grant]:
        assert self._valkey is not None  # noqa: S101 - alone otherwise
        reply = asyncio.create_task(grant(self._valkey, ask))
        reply.add_done_callback(_retrieve)
        return reply

    def _lose(self, account: Account, ask: Ask, reply: asyncio.Task[Grant], sent: float) -> None:
        self._alone = True
        self._probe = asyncio.create_task(self._until_back(account, ask, reply, sent))

    async def _until_back(self, account: Account, ask: Ask, reply: asyncio.Task[Grant], sent: float) -> None:
        """Wait for the answer that is late, then probe now and then.

        A server that only paused is back with that answer, and a pause of 30 ms does not cost a second.
        """
        checked = self._clock()
        late = await _answer(reply, self._recheck_seconds)
        reply.cancel()
        if late is not None:
            self._book(account, ask, late, sent)
            self._alone = not await self._charge_debts()
        if not self._alone:
            return  # it only paused, which is nothing to wake anybody for
        _log.warning("rate_limit.valkey.lost", recheck_seconds=self._recheck_seconds)
        while self._alone:
            await asyncio.sleep(max(0.0, checked + self._recheck_seconds - self._clock()))
            checked = self._clock()
            self._alone = not await self._charge_debts()
        _log.info("rate_limit.valkey.back")

    async def _charge_debts(self) -> bool:
        """Charge what was admitted alone; True when the server answered in time and took it all."""
        for account in (self._canary, *self._owing):
            sent = self._clock()
            ask = account.next_ask(0, sent)
            reply = self._send(ask)
            granted = await _answer(reply, self._patience)
            reply.cancel()
            if granted is None:
                return False
            self._book(account, ask, granted, sent)
        return True


async def _answer(reply: asyncio.Task[Grant], patience: float) -> Grant | None:
    """The server's answer if it comes in time; None when it is late or an error."""
    try:
        for wait in (patience, _GRACE):
            await asyncio.wait((reply,), timeout=wait)
            if reply.done():
                break
    except asyncio.CancelledError:
        reply.cancel()
        raise
    if not reply.done() or reply.cancelled():
        return None
    problem = reply.exception()
    if problem is not None:
        _log.warning("rate_limit.valkey.failed", problem=type(problem).__name__)
        return None
    return reply.result()


def _retrieve(reply: asyncio.Task[Grant]) -> None:
    """Note the end of a question nobody waits for any more, so that asyncio does not complain about it."""
    if not reply.cancelled():
        reply.exception()
