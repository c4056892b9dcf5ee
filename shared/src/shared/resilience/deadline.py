"""The first outbound policy: the time of a call, whichever of the caller's and the backend's ends sooner."""

import asyncio
import time
from types import TracebackType
from typing import Self

from shared.binding.call_context import current_context
from shared.binding.problems import DeadlineExceeded

_RESERVE = 0.01  # seconds kept back from the caller, so that this refusal comes before that of the caller's own timer


class Deadline:
    """Bounds the body of `async with` and cancels it when the time is over.

    Args:
        backend: Named in the refusal.
        seconds: The backend's own limit; the caller's `CallContext.deadline` may be sooner. None leaves
            only the caller's.

    Attributes:
        at: Monotonic seconds; None without any limit.
        extensions: Of the refusal.
        outcome_unknown: Something was sent that may have taken effect.
        started: Monotonic seconds.

    Raises:
        DeadlineExceeded: The time was over, before or during the body.
    """

    __slots__ = ("_backend", "_timeout", "at", "extensions", "outcome_unknown", "started")

    def __init__(self, backend: str, seconds: float | None) -> None:
        self._backend = backend
        self._timeout: asyncio.Timeout | None = None
        self.started = time.monotonic()
        own = None if seconds is None else self.started + seconds
        callers = current_context().deadline
        if callers is not None:
            callers -= min(_RESERVE, max(0.0, callers - self.started) / 10)
        self.at = min(own, callers) if own is not None and callers is not None else own or callers
        self.outcome_unknown = False
        self.extensions: dict[str, str] = {}

    def remaining(self) -> float:
        """Seconds left, never negative; infinite without any limit."""
        return float("inf") if self.at is None else max(0.0, self.at - time.monotonic())

    def expired(self) -> bool:
        """Whether the body is being, or was, cancelled because the time is over."""
        return self._timeout is not None and self._timeout.expired()

    def exceeded(self) -> DeadlineExceeded:
        """The refusal for this deadline."""
        waited = time.monotonic() - self.started
        detail = f"{self._backend} did not answer in time: the call was given up after {waited:.3f} s."
        if not self.outcome_unknown:
            return DeadlineExceeded(detail, extensions=self.extensions)
        return DeadlineExceeded(
            f"{detail} Whether the request took effect is unknown; look before repeating it.",
            extensions={**self.extensions, "outcome": "unknown"},
        )

    async def __aenter__(self) -> Self:
        if self.at is not None:
            left = self.at - self.started
            if left <= 0:
                raise DeadlineExceeded(f"No time was left to ask {self._backend}; nothing was sent.")
            self._timeout = asyncio.timeout(left)
            await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timeout is None:
            return
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            raise self.exceeded() from None
