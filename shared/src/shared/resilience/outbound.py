"""Outbound calls: every request to a backend passes the same policies, composed in `Backend.send`.

deadline → bulkhead → slots → circuit breaker → quota → retry → credentials → send → span
"""

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from shared.binding.problems import BackendFault, Problem
from shared.resilience.bulkhead import Bulkhead
from shared.resilience.circuit_breaker import CircuitBreaker, CircuitState, StateChange
from shared.resilience.credentials import Credentials
from shared.resilience.deadline import Deadline
from shared.resilience.doubt import Doubts
from shared.resilience.outbound_call import OutboundCall, ServerAddress
from shared.resilience.outbound_faults import problem_of_failure, retry_after_of
from shared.resilience.outbound_settings import BackendSettings, Quota
from shared.resilience.outbound_span import AttemptSpan, server_attributes
from shared.resilience.outbound_trial import Trial
from shared.resilience.quota_treasury import Treasury
from shared.resilience.retry import Retry, RetryBudget
from shared.resilience.slots import Slots
from shared.resilience.wire import ConnectionFailed, Wire, WireFailure, WireReply, WireStream
from shared.telemetry import metrics

__all__ = ["Backend", "BackendSettings", "Classify", "Outbound", "Quota", "Sign"]

Classify = Callable[[WireReply], Problem | None]
"""A backend's fault mapping, called with every reply: the problem to raise, or None if it is an answer."""

Sign = Callable[[str, str, bytes | None], tuple[Mapping[str, str], bytes | None]]
"""Signs one attempt: method, absolute URL and body to further headers and the body to send. Called anew for each
repeat, for backends that take no nonce twice."""

_NOT_AN_ANSWER = 300
_GATEWAYS = (502, 504)
"""Statuses of a gateway that gave up, while the backend may go on (RFC 9110 §15.6.3, §15.6.5)."""
_MAX_FAULT_BYTES = 64 * 1024
_NO_HEADERS: Mapping[str, str] = {}
_SAFE = frozenset({"GET", "HEAD"})


class Backend:
    """One backend with its own places, circuit, credentials and repeats. Made by `Outbound.backend`.

    Attributes:
        name: As people call it.
        settings: Where it is and how much of it we use.
        changes: Requests that ended and may have changed something (every method but GET and HEAD). An answer
            that was asked for before the latest of them may be older than what their callers know.
    """

    def __init__(
        self,
        name: str,
        settings: BackendSettings,
        *,
        wire: Wire,
        credentials: Credentials | None,
        refuses_from: int,
        classify: Classify,
        quota: Quota | None,
        slots: Slots | None,
        sign: Sign | None,
        on_change: StateChange,
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self.settings = settings
        self.changes = 0
        self._wire = wire
        self._credentials = credentials
        self._refuses_from = refuses_from
        self._classify = classify
        self._quota = quota
        self._slots = slots
        self._sign = sign
        self._address = ServerAddress(name, settings.url)
        self._attributes = server_attributes(self._address)
        self._bulkhead = Bulkhead(name, settings.max_concurrent, settings.max_wait, settings.max_waiting)
        self._breaker = CircuitBreaker(
            name,
            clock=clock,
            window=settings.breaker_window,
            failure_ratio=settings.breaker_failure_ratio,
            min_calls=settings.breaker_min_calls,
            probe_interval=settings.breaker_probe_interval,
            on_change=on_change,
        )
        self._retry = Retry(name, settings.retry_delays, RetryBudget(settings.retry_share), clock)

    @property
    def circuit(self) -> CircuitState:
        """Where this backend's circuit stands."""
        return self._breaker.state

    @property
    def in_flight(self) -> int:
        """Calls this backend is working on."""
        return self._bulkhead.in_flight

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        repeatable: bool | None = None,
        operation: str,
        classify: Classify | None = None,
    ) -> WireReply:
        """Send one request through all policies.

        Args:
            method: HTTP method in capitals.
            path: From the backend's root, with query; or an absolute URL on the same server, as backends
                hand out for the next page.
            headers: Besides credentials and trace context.
            body: The encoded body.
            repeatable: Whether sending it twice does what sending it once does; by default so for GET,
                HEAD, PUT, DELETE and OPTIONS (RFC 9110 §9.2.2).
            operation: What is being done, in the contract's words; names the span.
            classify: For this call, instead of the backend's own.

        Returns:
            The reply, of any status that `classify` has no problem with.

        Raises:
            Problem: What `classify` made of the reply; `DeadlineExceeded`, `Overloaded`, `CircuitOpen`,
                `QuotaExceeded`; `BackendUnavailable` and its kinds in `outbound_faults`; `BackendFault`.
        """
        call = OutboundCall(method, self._address.resolve(path), headers, body, operation, repeatable)
        try:
            async with (
                Deadline(self.name, self.settings.timeout) as deadline,
                self._bulkhead,
                self._slot(),
                Trial(self._breaker, call, deadline, self.settings.breaker_patience) as trial,
            ):
                if self._quota is not None:
                    await self._quota.take()
                return await self._retry.run(
                    lambda number: self._attempt(call, deadline, number, classify or self._classify),
                    deadline,
                    repeatable=call.repeatable,
                    probe=trial.probe,
                )
        finally:
            self.changes += method not in _SAFE

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        operation: str,
    ) -> AsyncGenerator[WireStream]:
        """Send one request through the policies, without repeats, and read the answer while it arrives.

        Args: as for `send`. The caller's deadline bounds the whole body; `settings.timeout` each piece.

        Raises:
            Problem: As `send`; an answer of status 300 and above never reaches the body.
        """
        call = OutboundCall(method, self._address.resolve(path), headers, body, operation, None)
        async with (
            Deadline(self.name, None) as deadline,
            self._bulkhead,
            self._slot(),
            Trial(self._breaker, call, deadline, self.settings.breaker_patience),
        ):
            if self._quota is not None:
                await self._quota.take()
            try:
                async with self._opened(call) as arriving:
                    yield arriving
            except WireFailure as failure:
                raise problem_of_failure(failure, self.name, deadline, repeatable=call.repeatable) from failure
            finally:
                self.changes += method not in _SAFE

    async def _attempt(self, call: OutboundCall, deadline: Deadline, number: int, classify: Classify) -> WireReply:
        if number and self._quota is not None:
            self._quota.repeat()
        used = _NO_HEADERS if self._credentials is None else await self._credentials.headers()
        reply = await self._transmit(call, used, deadline, number)
        if reply.status >= self._refuses_from and (renewed := await self._renewed(used, reply)) is not None:
            reply = await self._transmit(call, renewed, deadline, number + 1)
        problem = classify(reply)
        if problem is not None:
            if reply.status in _GATEWAYS and not call.repeatable:
                problem.extensions["outcome"] = "unknown"
            raise _with_retry_after(problem, reply)
        return reply

    async def _transmit(
        self, call: OutboundCall, credentials: Mapping[str, str], deadline: Deadline, number: int
    ) -> WireReply:
        span = AttemptSpan(self.name, call, self._attributes, number)
        headers, body = self._signed(call, {**call.headers, **credentials, "traceparent": span.traceparent})
        deadline.outcome_unknown = not call.repeatable
        try:
            reply = await self._wire.send(
                call.method, call.url, headers, body, deadline.remaining(), repeatable=call.repeatable
            )
        except WireFailure as failure:
            span.failed(type(failure).__name__)
            deadline.outcome_unknown &= not isinstance(failure, ConnectionFailed)
            raise problem_of_failure(failure, self.name, deadline, repeatable=call.repeatable) from failure
        except BaseException as error:
            span.failed(type(error).__name__)
            raise
        deadline.outcome_unknown = False
        call.answered = True
        span.answered(reply.status)
        if self._quota is not None:
            self._quota.observe(reply)
        return reply

    def _slot(self) -> AbstractAsyncContextManager[None]:
        return self._slots.hold() if self._slots is not None else nullcontext()

    def _signed(self, call: OutboundCall, headers: dict[str, str]) -> tuple[Mapping[str, str], bytes | None]:
        if self._sign is None:
            return headers, call.body
        further, body = self._sign(call.method, call.url, call.body)
        return {**headers, **further}, body

    async def _renewed(self, used: Mapping[str, str], reply: WireReply) -> Mapping[str, str] | None:
        credentials = self._credentials
        if credentials is None or not credentials.refused(reply) or not await credentials.renew(used):
            return None
        return await credentials.headers()

    @asynccontextmanager
    async def _opened(self, call: OutboundCall) -> AsyncGenerator[WireStream]:
        used = _NO_HEADERS if self._credentials is None else await self._credentials.headers()
        for number in (0, 1):
            span = AttemptSpan(self.name, call, self._attributes, number)
            headers, body = self._signed(call, {**call.headers, **used, "traceparent": span.traceparent})
            try:
                async with self._wire.stream(call.method, call.url, headers, body, self.settings.timeout) as arriving:
                    call.answered = True
                    if arriving.status < _NOT_AN_ANSWER:
                        if self._quota is not None:
                            self._quota.observe(WireReply(arriving.status, arriving.headers, b""))
                        yield arriving
                        span.answered(arriving.status)
                        return
                    reply = await _fault_reply(arriving)
                span.answered(reply.status)
                if self._quota is not None:
                    self._quota.observe(reply)
            except BaseException as error:
                span.failed(type(error).__name__)
                raise
            renewed = await self._renewed(used, reply) if number == 0 else None
            if renewed is None:
                problem = self._classify(reply) or BackendFault(f"{self.name} answered {reply.status}.")
                raise _with_retry_after(problem, reply)
            used = renewed


class Outbound:
    """Makes backends that share one wire.

    Args:
        wire: Moves the bytes; closed by whoever opened it.
        on_change: Told when a circuit opens or closes; by default a gauge shows it.
        clock: Monotonic seconds, for breakers and pauses.
        treasury: Has the budgets of backends that count; by default books of its own.
        doubts: What backends may still be working on; by default what this process knows.

    Attributes:
        treasury: The same.
        doubts: The same.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        on_change: StateChange = metrics.breaker_state,
        clock: Callable[[], float] = time.monotonic,
        treasury: Treasury | None = None,
        doubts: Doubts | None = None,
    ) -> None:
        self.treasury = treasury or Treasury()
        self.doubts = doubts or Doubts()
        self._wire = wire
        self._on_change = on_change
        self._clock = clock

    def backend(
        self,
        name: str,
        settings: BackendSettings,
        *,
        credentials: Credentials | None,
        refuses_from: int = _NOT_AN_ANSWER,
        classify: Classify,
        quota: Quota | None = None,
        slots: Slots | None = None,
        sign: Sign | None = None,
    ) -> Backend:
        """A backend with policies of its own.

        Args:
            name: As people call it; appears in refusals, spans and metrics.
            settings: Where it is and how much of it we use.
            credentials: None for a backend that asks for none.
            refuses_from: Lowest status with which it may refuse them; 200 for one that says no in the body of a 200.
            classify: The backend translator's fault mapping.
            quota: An allowance to spend from, if the backend counts.
            slots: Held for the length of each call, if the backend counts calls in flight.
            sign: For a backend that wants each request signed for itself.
        """
        metrics.breaker_state(name, "closed")  # a backend that never failed has a series too
        return Backend(
            name,
            settings,
            wire=self._wire,
            credentials=credentials,
            refuses_from=refuses_from,
            classify=classify,
            quota=quota,
            slots=slots,
            sign=sign,
            on_change=self._on_change,
            clock=self._clock,
        )


def _with_retry_after(problem: Problem, reply: WireReply) -> Problem:
    if problem.transient and problem.retry_after is None:
        problem.retry_after = retry_after_of(reply)
    return problem


async def _fault_reply(arriving: WireStream) -> WireReply:
    body = bytearray()
    async for chunk in arriving.chunks():
        body += chunk
        if len(body) >= _MAX_FAULT_BYTES:
            break
    return WireReply(arriving.status, arriving.headers, bytes(body))
