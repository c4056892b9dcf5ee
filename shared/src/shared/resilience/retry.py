"""The outbound policy that repeats: seldom, soon, and only what may be repeated.

These are the few repeats that fit a caller's deadline; patience is the business of durable flows.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from shared.binding.problems import BackendUnavailable, Problem, QuotaExceeded, Transient
from shared.resilience.deadline import Deadline
from shared.resilience.outbound_faults import LostReply, NotReached

Reply = TypeVar("Reply")

MAX_PAUSE_SECONDS = 900.0
"""The longest `Retry-After` taken at its word; a wrong header must not silence a backend for a day."""


class RetryBudget:
    """Bounds repeats to a share of calls, so that they cannot multiply an outage.

    Args:
        share: Repeats earned per call, e.g. 0.2 for one in five.
        reserve: Repeats that may be saved up.
    """

    def __init__(self, share: float, reserve: float = 10.0) -> None:
        self._share = share
        self._reserve = self._left = reserve

    def earn(self) -> None:
        """Count one call."""
        if self._left < self._reserve:
            self._left = min(self._reserve, self._left + self._share)

    def spend(self) -> bool:
        """Take one repeat, if any is left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Retry:
    """Repeats attempts at one backend.

    Args:
        backend: Named in refusals.
        delays: Seconds before each repeat, drawn from between zero and this (full jitter).
        budget: Shared by all calls to the backend.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        backend: str,
        delays: Sequence[float],
        budget: RetryBudget,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend = backend
        self._delays = delays
        self._budget = budget
        self._clock = clock
        self._paused_until = 0.0
        self._paused_by: type[Transient] = BackendUnavailable

    async def run(
        self, attempt: Callable[[int], Awaitable[Reply]], deadline: Deadline, *, repeatable: bool, probe: bool
    ) -> Reply:
        """The reply of the first attempt that succeeds.

        Args:
            attempt: Called with 0, 1, …; raises a `Problem` when it fails.
            deadline: No wait begins that would outlast it.
            repeatable: Whether a repeat after an unknown outcome is harmless.
            probe: Whether this call asks an ailing backend how it is; then it asks once.

        Raises:
            Problem: Of the last attempt.
            QuotaExceeded, BackendUnavailable: The backend asked for silence longer than the deadline;
                nothing was sent.
        """
        self._budget.earn()
        if self._paused_until:
            await self._keep_silence(deadline)
        number = 0
        while True:
            try:
                return await attempt(number)
            except Problem as problem:
                delay = self._delay(problem, number, repeatable=repeatable)
                if problem.retry_after is not None and isinstance(problem, Transient):
                    self._pause(problem, problem.retry_after)
                if delay is None or probe or delay >= deadline.remaining() or not self._budget.spend():
                    raise
            await asyncio.sleep(delay)
            number += 1

    def _delay(self, problem: Problem, number: int, *, repeatable: bool) -> float | None:
        if not problem.transient or not (repeatable or isinstance(problem, NotReached)):
            return None
        if number >= len(self._delays):
            return None
        if problem.retry_after is not None:
            return problem.retry_after
        if number == 0 and isinstance(problem, LostReply):
            return 0.0  # mostly a kept-alive connection that the backend closed while we sent
        return random.uniform(0, self._delays[number])  # noqa: S311 - jitter, not a secret

    def _pause(self, problem: Transient, seconds: float) -> None:
        self._paused_by = QuotaExceeded if isinstance(problem, QuotaExceeded) else BackendUnavailable
        self._paused_until = max(self._paused_until, self._clock() + min(seconds, MAX_PAUSE_SECONDS))

    async def _keep_silence(self, deadline: Deadline) -> None:
        while (wait := self._paused_until - self._clock()) > 0:
            if wait >= deadline.remaining():
                raise self._paused_by(
                    f"{self._backend} asked not to be called for another {wait:.0f} s; nothing was sent.",
                    retry_after=wait,
                )
            await asyncio.sleep(wait)
        self._paused_until = 0.0
