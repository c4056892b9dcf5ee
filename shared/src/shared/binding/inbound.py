"""What every call passes before it reaches a service, whether it came over HTTP or from the same process."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any

import msgspec

from shared.binding.call_context import CallContext, Principal, calling
from shared.binding.operation import Operation
from shared.binding.problems import DeadlineExceeded, InternalFault, Problem, Unauthenticated
from shared.messaging.idempotent_receiver import IdempotentReceiver
from shared.resilience.rate_limit import RateLimiter
from shared.resilience.rate_limit_policy import Decision, quota_exceeded
from shared.security.authorisation import require_scope
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import rate_limited

READ_SECONDS = 2.5
WRITE_SECONDS = 5.0
"""Deadlines of operations that do not say their own."""

INTERNAL_TIER = "internal"
"""SLA tier of calls between our own APIs: all clients of the calling API share it, so it is generous."""

_log = get_logger("binding")


def limit_group(operation: Operation) -> str:
    """The group of operations that share an allowance: an API's reads, or its writes."""
    return f"{operation.contract.slug}:{'read' if operation.safe else 'write'}"


def deadline_seconds(operation: Operation) -> float:
    """How long a call may take, whatever its caller allows."""
    return operation.route.timeout or (READ_SECONDS if operation.safe else WRITE_SECONDS)


class Served:
    """An operation together with the bound method that implements it here."""

    __slots__ = ("group", "implementation", "operation", "seconds")

    def __init__(self, operation: Operation, implementation: Any) -> None:
        self.operation = operation
        self.implementation: Callable[..., Awaitable[Any]] = getattr(implementation, operation.name)
        self.group = limit_group(operation)
        self.seconds = deadline_seconds(operation)


class Inbound:
    """The inbound pipeline: authorise → rate limit → deadline → validate → call → problem.

    Authentication and the span belong to the placement, which alone knows the token or the caller; both
    have happened before. This is the one place where the order of policies stands.

    Args:
        limiter: Rate limits per client, SLA tier and group of operations.
        receiver: Stored answers for `Idempotency-Key`.
    """

    def __init__(self, limiter: RateLimiter, receiver: IdempotentReceiver) -> None:
        self._limiter = limiter
        self._receiver = receiver

    async def call(
        self,
        served: Served,
        context: CallContext,
        read: Callable[[], Awaitable[tuple[Any, ...]]],
        admitted: Callable[[Decision], None] | None = None,
    ) -> Any:
        """Answer one call or raise a Problem.

        Args:
            served: What is called.
            context: Who calls; its principal has been authenticated for this API.
            read: Gives the arguments, validated, in declared order; runs only for a caller who may call.
            admitted: Told the rate-limit decision, for the answer's headers.
        """
        principal = self._authorise(served.operation, context.principal)
        tier = INTERNAL_TIER if principal.actor is not None else principal.tier
        decision = self._limiter.take_leased(principal.client_id, tier, served.group)
        if decision is None:
            decision = await self._limiter.take(principal.client_id, tier, served.group)
        if admitted is not None:
            admitted(decision)
        if not decision.allowed:
            rate_limited(served.group, decision.policy.name)
            raise quota_exceeded(decision)
        return await self._within_deadline(served, context, read)

    @staticmethod
    def _authorise(operation: Operation, principal: Principal | None) -> Principal:
        if principal is None:
            raise Unauthenticated("This call carries no access token; send one as `Authorization: Bearer …`.")
        require_scope(principal, operation.scope)
        return principal

    async def _within_deadline(
        self, served: Served, context: CallContext, read: Callable[[], Awaitable[tuple[Any, ...]]]
    ) -> Any:
        now = time.monotonic()
        ours = now + served.seconds
        if context.deadline is not None and context.deadline <= ours:
            if context.deadline <= now:
                raise deadline_exceeded(served.operation)
            with calling(context):  # the caller's own timer bounds this call already, or rings first
                return await self._perform(served, context, await read())
        with calling(context.replace(deadline=ours)) as bounded:
            try:
                async with asyncio.timeout(served.seconds):
                    return await self._perform(served, bounded, await read())
            except TimeoutError:
                raise deadline_exceeded(served.operation) from None

    def _perform(self, served: Served, context: CallContext, values: tuple[Any, ...]) -> Awaitable[Any]:
        if context.idempotency_key is None or not served.operation.takes_idempotency_key:
            return self._invoke(served, values)
        return self._perform_once(served, context, context.idempotency_key, values)

    async def _perform_once(self, served: Served, context: CallContext, key: str, values: tuple[Any, ...]) -> Any:
        operation = served.operation

        async def answer() -> bytes:
            return operation.encode_result(await self._invoke(served, values))

        principal = context.principal
        stored, _replayed = await self._receiver.run(
            key=key,
            owner=f"{principal.issuer}|{principal.client_id}|{principal.subject}" if principal else "",
            operation=operation.qualified_name,
            fingerprint=blake2b(msgspec.msgpack.encode(values), digest_size=16).digest(),
            call=answer,
        )
        return operation.decode_result(stored)

    @staticmethod
    async def _invoke(served: Served, values: tuple[Any, ...]) -> Any:
        try:
            return await served.implementation(*values)
        except Problem:
            raise
        except TimeoutError:
            raise deadline_exceeded(served.operation) from None
        except Exception:  # noqa: BLE001 - a defect becomes a problem and a log line
            _log.exception("operation.defect", operation=served.operation.qualified_name)
            raise InternalFault(
                f"{served.operation.qualified_name} failed by a defect of ours; the trace id leads to it."
            ) from None


def deadline_exceeded(operation: Operation) -> DeadlineExceeded:
    """The problem of an operation whose time is over, the same in every placement."""
    return DeadlineExceeded(
        f"{operation.qualified_name} did not finish in the time given; nothing waits for it any more."
    )
