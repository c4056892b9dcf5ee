"""What travels with a call in every placement: who asks, until when, as part of which trace.

A service reads `current_context()`; it never sees whether the call came over HTTP or in-process.
"""

import time
from contextvars import ContextVar
from typing import Literal

import msgspec

Priority = Literal["interactive", "order", "batch"]
"""Who goes first when an allowance runs short: interactive beats order beats batch."""


class Actor(msgspec.Struct, frozen=True):
    """One link of the delegation chain (RFC 8693 `act`): the API that acted for the one before."""

    subject: str
    actor: "Actor | None" = None


class Principal(msgspec.Struct, frozen=True):
    """An authenticated caller.

    Attributes:
        subject: `sub`; the person or service on whose behalf the call is made.
        client_id: The application that obtained the token.
        audience: The API this principal may address, e.g. `urn:triptych:system:crm`.
        scopes: What it may do there.
        expires_at: `exp` in Unix seconds.
        issuer: `iss`.
        token_digest: SHA-256 of the token (hex), the cache key of exchanges; never the token.
        tier: SLA tier for rate limits.
        actor: The APIs that acted on the way here, newest first.
        tenant: The organisation the subject belongs to, if the issuer says.
    """

    subject: str
    client_id: str
    audience: str
    scopes: frozenset[str]
    expires_at: float
    issuer: str
    token_digest: str = ""
    tier: str = "standard"
    actor: Actor | None = None
    tenant: str | None = None


class CallContext(msgspec.Struct, frozen=True):
    """The facts about one call.

    Attributes:
        principal: Who asks; None only before authentication.
        deadline: `time.monotonic()` seconds at which the answer is worthless; crosses HTTP as a
            remaining time in milliseconds (`Triptych-Deadline-Ms`).
        traceparent: W3C trace context of the current span.
        tracestate: W3C vendor state, passed through.
        correlation_id: Business correlation (EIP Correlation Identifier): one per order, not per call.
        idempotency_key: The caller's key for this write, if any.
        wait: Seconds the caller is ready to wait for long work (`Prefer: wait`), 0 for
            `respond-async`, None for the operation's own default.
        priority: Who goes first when an allowance runs short.
    """

    principal: Principal | None = None
    deadline: float | None = None
    traceparent: str = ""
    tracestate: str = ""
    correlation_id: str = ""
    idempotency_key: str | None = None
    wait: float | None = None
    priority: Priority = "interactive"

    @property
    def trace_id(self) -> str:
        """The 32 hex digits of the trace this call belongs to, or an empty string."""
        return self.traceparent[3:35]

    def remaining(self) -> float | None:
        """Seconds left until the deadline (may be negative), None without one."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def patience(self, margin: float) -> float:
        """Seconds for which an answer may wait for news, as `Prefer: wait` allows.

        Args:
            margin: Seconds before the deadline that are left for the answer itself.
        """
        left = self.remaining()
        return max(0.0, min(self.wait or 0.0, float("inf") if left is None else left - margin))

    def replace(self, **changes: object) -> "CallContext":
        """A copy with these attributes changed."""
        return msgspec.structs.replace(self, **changes)  # pyright: ignore[reportArgumentType]


_current: ContextVar[CallContext] = ContextVar("triptych_call_context", default=CallContext())  # noqa: B039 - frozen


def current_context() -> CallContext:
    """The context of the call being served; an empty one outside any call."""
    return _current.get()


class calling:  # noqa: N801 - reads as a statement: `with calling(context):`
    """Make `context` the current one for the body and what it awaits."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: CallContext) -> None:
        self._context = context

    def __enter__(self) -> CallContext:
        self._token = _current.set(self._context)
        return self._context

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


def enter(context: CallContext) -> None:
    """Make `context` current until the task ends: for the hot path, where the task is the call."""
    _current.set(context)
