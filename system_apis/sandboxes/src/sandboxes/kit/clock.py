"""A clock that tests can move."""

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """The time as a sandbox sees it: the machine's, plus an offset in seconds."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self.offset_seconds = 0.0

    def timestamp(self) -> float:
        """Seconds since the epoch."""
        return self._source() + self.offset_seconds

    def now(self) -> datetime:
        """The current moment, in UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)
