"""How often, and how many at once (experienceleague.adobe.com, "Marketo Integration Best Practices")."""

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sandboxes.kit import Clock
from sandboxes.marketo.refusals import Refusal

_WINDOW = 20.0  # seconds
_AT_ONCE = 10
_ZONE = 6 * 3600  # its day begins at midnight, UTC-6
_DAY = 86_400


class Limits:
    """Calls in 20 rolling seconds and in a day, both off (None) until a control sets them; and calls at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recent: deque[float] = deque()
        self._day = 0
        self.used, self.under_way, self.most = 0, 0, 0
        self._at_once: int | None = _AT_ONCE
        self._per_window: int | None = None
        self._per_day: int | None = None

    def change(self, body: dict[str, Any]) -> dict[str, int | None]:
        """The control `limits`."""
        self._per_window, self._per_day = body.get("per_window"), body.get("per_day")
        self._at_once = body.get("at_once", _AT_ONCE)
        self._recent.clear()
        self.used = self.most = 0
        return {"per_window": self._per_window, "per_day": self._per_day, "at_once": self._at_once}

    @contextmanager
    def counted(self) -> Generator[None]:
        """Let one more call in, or refuse it; what is refused does not count."""
        now = self._clock.timestamp()
        if self._day != (today := int((now - _ZONE) // _DAY)):
            self._day, self.used = today, 0
        while self._recent and self._recent[0] <= now - _WINDOW:
            self._recent.popleft()
        if self._per_day is not None and self.used >= self._per_day:
            raise Refusal(607, f"Daily API quota '{self._per_day}' reached")
        if self._per_window is not None and len(self._recent) >= self._per_window:
            raise Refusal(606, f"Max rate limit '{self._per_window}' exceeded with in '{_WINDOW:.0f}' secs")
        if self._at_once is not None and self.under_way >= self._at_once:
            raise Refusal(615, "Concurrent access limit reached")
        self._recent.append(now)
        self.used += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            yield
        finally:
            self.under_way -= 1
