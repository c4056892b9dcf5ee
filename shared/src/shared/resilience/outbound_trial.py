"""Tells the circuit breaker what a call's end says about the backend's health."""

import time
from types import TracebackType
from typing import Self

from shared.binding.problems import CIRCUIT, OPEN, BackendFault, DeadlineExceeded, Invalid, Problem, QuotaExceeded
from shared.resilience.circuit_breaker import CircuitBreaker
from shared.resilience.deadline import Deadline
from shared.resilience.outbound_call import OutboundCall


class Trial:
    """`async with Trial(…)` asks the breaker for a permit and reports back.

    A transient problem that leaves the circuit open says so (`problems.CIRCUIT`), that flows may park.

    A refusal, a 4xx and a 429 are answers of a healthy backend. A call that its caller cancelled, or
    gave up within `patience` seconds, says nothing either way.

    Attributes:
        probe: Whether this call finds out if an open circuit may close.

    Raises:
        CircuitOpen: The backend is left alone for now.
    """

    __slots__ = ("_breaker", "_call", "_deadline", "_patience", "_permit", "probe")

    def __init__(self, breaker: CircuitBreaker, call: OutboundCall, deadline: Deadline, patience: float) -> None:
        self._breaker = breaker
        self._call = call
        self._deadline = deadline
        self._patience = patience
        self._permit = 0
        self.probe = False

    async def __aenter__(self) -> Self:
        self._permit = self._breaker.admit()
        self.probe = self._breaker.state == "half-open"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._breaker.record(self._permit, failed=False if error is None else self._failed(error))
        if self._breaker.state != "closed":
            self._deadline.extensions[CIRCUIT] = OPEN
            if isinstance(error, Problem) and error.transient:
                error.extensions[CIRCUIT] = OPEN

    def _failed(self, error: BaseException) -> bool | None:
        if isinstance(error, DeadlineExceeded) or self._deadline.expired():
            waited = time.monotonic() - self._deadline.started
            return True if waited >= self._patience else None
        if isinstance(error, Invalid | QuotaExceeded):
            return False if self._call.answered else None
        if isinstance(error, Problem) and (error.transient or isinstance(error, BackendFault)):
            return True
        return None
