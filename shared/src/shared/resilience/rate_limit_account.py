"""What one process knows about one client's allowance: its lease, the last answer, what it spent alone."""

from asyncio import Future, Task
from math import inf

from shared.resilience.rate_limit_policy import Decision, Policy
from shared.resilience.rate_limit_script import Ask, Grant

_LEASE_SECONDS = 0.5  # a lease never outlives this; permits unspent by then are forfeited
_LEASE_SHARE = 0.1  # leases of all processes together stay within this share of the burst
_SHORTEST_LEASE = 0.001
_EPSILON = 1e-9


class Account:
    """One client's allowance in one operation group, as this process sees it.

    All times are `time.monotonic()` seconds. Without the server the account is a GCRA of its own, at
    `1/processes` of the limit. A split bucket needs the same time to refill as the whole one, so it goes
    on from the moment at which the server's bucket would be full: going local hands out no second burst.
    """

    __slots__ = (
        "_charging",
        "_denied_until",
        "_full_at",
        "_granted_at",
        "_last_lease",
        "_lease_cap",
        "_lease_seconds",
        "_lease_until",
        "_processes",
        "_remaining",
        "_spent_alone",
        "_taken",
        "asking",
        "key",
        "permits",
        "policy",
        "waiting",
    )

    def __init__(self, key: str, policy: Policy, processes: int) -> None:
        self.key = key
        self.policy = policy
        self.permits = 0
        self.waiting: list[tuple[float, Future[Decision]]] = []
        self.asking: Task[None] | None = None
        self._processes = processes
        self._lease_seconds = max(_SHORTEST_LEASE, min(_LEASE_SECONDS, _LEASE_SHARE * policy.burst * policy.interval))
        self._lease_cap = int(policy.burst * _LEASE_SHARE / processes)
        self._lease_until = self._denied_until = self._full_at = 0.0
        self._granted_at = -inf
        self._remaining = policy.burst
        self._last_lease = self._taken = self._spent_alone = self._charging = 0

    def take_leased(self, now: float) -> Decision | None:
        """Spend a leased permit, or repeat a refusal that still stands; None when the server must say."""
        if self.permits > 0 and now < self._lease_until:
            self.permits = left = self.permits - 1
            self._taken += 1  # the hot path: _admit, inlined
            full_in = self._full_at - now
            return Decision(True, self.policy, self._remaining + left, full_in if full_in > 0.0 else 0.0)  # noqa: FURB136
        if now < self._denied_until:
            return self._refuse(now, self._denied_until - now)
        return None

    def take_granted(self, now: float) -> Decision:
        """Spend a permit of an answer that has just arrived, whatever its lease; refuse without one."""
        if self.permits > 0:
            self.permits -= 1
            return self._admit(now)
        return self._refuse(now, max(self._denied_until - now, 0.0))

    def take_alone(self, now: float) -> Decision:
        """Decide without the server, at this process's share of the limit."""
        policy, interval = self.policy, self.policy.interval * self._processes
        tolerance = max(policy.burst * policy.interval, interval)  # at least one request fits
        full_at = max(self._full_at, now) + interval
        room = tolerance - (full_at - now)
        if room < -_EPSILON:
            return Decision(False, policy, 0, self._full_at - now, -room, True)
        self._full_at = full_at
        self._spent_alone += 1
        return Decision(True, policy, int(room / interval + _EPSILON), full_at - now, None, True)

    def next_ask(self, needed: int, now: float) -> Ask:
        """The question to send for `needed` waiting requests, with a lease sized to the recent demand."""
        elapsed = max(now - self._granted_at, _EPSILON)
        demand = int(self._taken / elapsed * self._lease_seconds)
        extra = min(demand, 2 * self._last_lease + 2, self._lease_cap) if needed else 0
        policy = self.policy
        self._charging = self._spent_alone
        debt = self._debt(now)
        return Ask(self.key, policy.interval, policy.burst, needed, extra, debt, self._lease_seconds)

    def accept(self, ask: Ask, grant: Grant, sent: float, now: float) -> None:
        """Book an answer to a question sent at `sent`: leases count from then, so never too long."""
        self._spent_alone -= self._charging
        self._charging = 0
        # what was admitted alone while the question travelled is still to be charged
        self._full_at = now + grant.reset_seconds + self._spent_alone * self.policy.interval * self._processes
        self._remaining = grant.remaining
        self._denied_until = now + grant.retry_after if grant.permits < ask.needed else 0.0
        if ask.needed:
            self.permits = grant.permits
            self._lease_until = sent + self._lease_seconds
            self._granted_at, self._taken, self._last_lease = now, 0, ask.extra

    @property
    def owes(self) -> bool:
        """Whether permits were spent that the server does not know of."""
        return self._spent_alone > 0

    def idle(self, now: float) -> bool:
        """Whether forgetting this account changes no decision."""
        return not self.waiting and self.asking is None and now >= self._full_at and now >= self._lease_until

    def _debt(self, now: float) -> float:
        """Permits spent alone and not refilled since, still to be charged at the server."""
        if not self._spent_alone:
            return 0.0
        missing = max(self._full_at - now, 0.0) / (self.policy.interval * self._processes)
        return min(float(self._spent_alone), missing)

    def _admit(self, now: float) -> Decision:
        self._taken += 1
        return Decision(True, self.policy, self._remaining + self.permits, max(self._full_at - now, 0.0))

    def _refuse(self, now: float, wait: float) -> Decision:
        return Decision(False, self.policy, 0, max(self._full_at - now, 0.0), wait)
