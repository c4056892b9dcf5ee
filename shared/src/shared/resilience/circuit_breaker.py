"""The third outbound policy: a backend that keeps failing is left alone, but for one probe at a time.

Closed → open when enough of the recent calls failed, or when calls are few and none succeeded for a while;
open → half-open when the next probe is due; half-open → closed when the probe succeeds, → open again when it
fails. Refusals and 4xx are answers of a healthy backend and do not count.
"""

from collections.abc import Callable
from typing import Literal

from shared.binding.problems import CircuitOpen
from shared.telemetry.logging import get_logger

CircuitState = Literal["closed", "open", "half-open"]
StateChange = Callable[[str, CircuitState], None]
"""Called with the backend's name and its new state."""

_BUCKETS = 10
_FEW = 5  # failures in a row, as many as a durable step has attempts, so that a lone one parks instead of dying
_FORGOTTEN_AFTER = 4  # windows without a call
_log = get_logger("resilience")


class CircuitBreaker:
    """Decides from the recent past whether a backend is asked at all.

    Args:
        backend: Named in the refusal.
        clock: Monotonic seconds.
        window: Seconds of past that count.
        failure_ratio: Opens at this share of failures in the window…
        min_calls: …once the window holds this many calls. Fewer open it too if they are 5 or more in a row, all
            failed, over at least a window, with no pause longer than four.
        probe_interval: Seconds between probes while open.
        on_change: Told of every change of state.
    """

    def __init__(
        self,
        backend: str,
        *,
        clock: Callable[[], float],
        window: float = 30.0,
        failure_ratio: float = 0.5,
        min_calls: int = 10,
        probe_interval: float = 1.0,
        on_change: StateChange | None = None,
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._width = window / _BUCKETS
        self._failure_ratio = failure_ratio
        self._min_calls = min_calls
        self._probe_interval = probe_interval
        self._on_change = on_change
        self._state: CircuitState = "closed"
        self._epoch = 0
        self._probe_at = 0.0
        self._calls = [0] * _BUCKETS
        self._failures = [0] * _BUCKETS
        self._newest = 0
        self._in_a_row = 0
        self._first_failure = self._last_failure = 0.0

    @property
    def state(self) -> CircuitState:
        """Where the circuit stands now."""
        return self._state

    def admit(self) -> int:
        """Let one call through.

        Returns:
            The permit to hand to `record`; exactly one `record` per permit.

        Raises:
            CircuitOpen: Not now; `retry_after` says when the next probe is due.
        """
        if self._state == "closed":
            return self._epoch
        now = self._clock()
        if self._state == "open" and now >= self._probe_at:
            self._enter("half-open")
            return self._epoch
        wait = max(self._probe_at - now, self._probe_interval / 10)
        raise CircuitOpen(
            f"{self._backend} failed too often and is left alone for now; try again later.", retry_after=wait
        )

    def record(self, permit: int, *, failed: bool | None) -> None:
        """Say how the call went.

        Args:
            permit: From `admit`; one from before the last change of state no longer counts.
            failed: None if the call ended before the backend could show how it is.
        """
        if permit != self._epoch:
            return
        if self._state == "half-open":
            self._judge_probe(failed=failed)
        elif failed is not None:
            self._count(failed=failed)

    def _judge_probe(self, *, failed: bool | None) -> None:
        if failed is False:
            self._calls, self._failures, self._in_a_row = [0] * _BUCKETS, [0] * _BUCKETS, 0
            self._enter("closed")
        else:
            self._probe_at = self._clock() + (self._probe_interval if failed else 0.0)
            self._enter("open")

    def _count(self, *, failed: bool) -> None:
        now = self._clock()
        bucket = int(now / self._width)
        if bucket != self._newest:
            self._forget(bucket)
        index = bucket % _BUCKETS
        self._calls[index] += 1
        if not failed:
            self._in_a_row = 0
            return
        self._failures[index] += 1
        calls = sum(self._calls)
        many = calls >= self._min_calls and sum(self._failures) >= calls * self._failure_ratio
        if self._fails_throughout(now) or many:
            self._probe_at = now + self._probe_interval
            self._enter("open")

    def _fails_throughout(self, now: float) -> bool:
        window = self._width * _BUCKETS
        if self._in_a_row == 0 or now - self._last_failure > _FORGOTTEN_AFTER * window:
            self._in_a_row, self._first_failure = 0, now
        self._in_a_row += 1
        self._last_failure = now
        return self._in_a_row >= _FEW and now - self._first_failure >= window

    def _forget(self, bucket: int) -> None:
        for passed in range(max(self._newest + 1, bucket - _BUCKETS + 1), bucket + 1):
            self._calls[passed % _BUCKETS] = self._failures[passed % _BUCKETS] = 0
        self._newest = bucket

    def _enter(self, state: CircuitState) -> None:
        if state == "closed":
            _log.warning("circuit_breaker.closed", backend=self._backend)
        elif self._state == "closed":  # not again for each probe that fails
            _log.warning("circuit_breaker.opened", backend=self._backend)
        self._state = state
        self._epoch += 1
        if self._on_change is not None:
            self._on_change(self._backend, state)
