"""What is configured, and what may be counted, per backend."""

from typing import Protocol

import msgspec

from shared.resilience.wire import WireReply


class BackendSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How one backend is reached and how much of it we use.

    Attributes:
        url: Everything before the path, e.g. `https://erp.example.com`.
        timeout: Seconds for one call with all its repeats; the caller's deadline may be sooner. For a
            stream: seconds until the first byte, and between pieces.
        max_concurrent: Calls in flight at once.
        max_waiting: Further calls that may wait for a place.
        max_wait: Seconds to wait for a place.
        breaker_window: Seconds of past that the circuit breaker looks at.
        breaker_failure_ratio: Share of failures in the window that opens the circuit.
        breaker_min_calls: Calls the window must hold before it can open.
        breaker_probe_interval: Seconds between probes while open.
        breaker_patience: A call given up after fewer seconds than this says nothing about the backend.
        retry_delays: Upper bounds of the jittered seconds before each repeat; empty for none.
        retry_share: Repeats per call over all calls, so that they cannot multiply an outage.
    """

    url: str
    timeout: float = 10.0
    max_concurrent: int = 32
    max_waiting: int = 256
    max_wait: float = 1.0
    breaker_window: float = 30.0
    breaker_failure_ratio: float = 0.5
    breaker_min_calls: int = 10
    breaker_probe_interval: float = 1.0
    breaker_patience: float = 1.0
    retry_delays: tuple[float, ...] = (0.1, 0.4)
    retry_share: float = 0.2


class Quota(Protocol):
    """An allowance at the backend, e.g. requests per day."""

    async def take(self) -> None:
        """Spend one call.

        Raises:
            QuotaExceeded: Nothing is left for this caller's priority.
        """
        ...

    def repeat(self) -> None:
        """Count a call that is sent once more; never refused."""
        ...

    def observe(self, reply: WireReply) -> None:
        """See a reply, whose headers may tell the true balance."""
        ...
