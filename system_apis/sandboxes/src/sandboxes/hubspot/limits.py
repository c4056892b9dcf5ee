"""How often a private app may call (developers.hubspot.com, "API usage guidelines and limits")."""

from collections import deque
from typing import Any

from sandboxes.hubspot.refusals import Refusal
from sandboxes.kit import Clock

_WINDOW = 10.0  # seconds
_DAY = 86_400


class Limits:
    """Calls in ten rolling seconds, and in a day; both off (None) until a control sets them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._per_ten_seconds: int | None = None
        self._per_day: int | None = None
        self._recent: deque[float] = deque()
        self._day, self._today = 0, 0

    def change(self, body: dict[str, Any]) -> dict[str, int | None]:
        """The control `rate-limit`."""
        self._per_ten_seconds, self._per_day = body.get("per_ten_seconds"), body.get("per_day")
        self._recent.clear()
        self._today = 0
        return {"per_ten_seconds": self._per_ten_seconds, "per_day": self._per_day}

    def count(self) -> None:
        """Let one more call in, or refuse it."""
        now = self._clock.timestamp()
        while self._recent and self._recent[0] <= now - _WINDOW:
            self._recent.popleft()
        if self._day != int(now // _DAY):
            self._day, self._today = int(now // _DAY), 0
        if self._per_day is not None and self._today >= self._per_day:
            raise self._refused("DAILY", "You have reached your daily limit.")
        if self._per_ten_seconds is not None and len(self._recent) >= self._per_ten_seconds:
            raise self._refused("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.")
        self._today += 1
        self._recent.append(now)

    def headers(self) -> dict[str, str]:
        """What every answer tells of the ten seconds."""
        most = self._per_ten_seconds or 190
        return {
            "x-hubspot-ratelimit-interval-milliseconds": str(int(_WINDOW * 1000)),
            "x-hubspot-ratelimit-max": str(most),
            "x-hubspot-ratelimit-remaining": str(max(0, most - len(self._recent))),
        }

    def _refused(self, policy: str, message: str) -> Refusal:
        return Refusal(
            429, "RATE_LIMITS", message, headers=self.headers(), errorType="RATE_LIMIT", policyName=policy,
            groupName="publicapi:private-apps:api-calls-per-day:1",
        )  # fmt: skip
