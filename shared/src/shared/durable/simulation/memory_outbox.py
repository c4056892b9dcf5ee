"""The outbox of a journal in memory, and where its consumers stand."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from shared.durable.outbox import OUTBOX, ConsumerState, OutboxRecord
from shared.messaging.event_source import PositionExpired


class _Published(NamedTuple):
    number: int
    at: float
    event: OutboxRecord


class _Stand(NamedTuple):
    source: str
    position: str
    moved_at: float


class MemoryOutbox:
    """Implements what `Journal` promises of events; each method is one statement."""

    def __init__(self) -> None:
        self._log: list[_Published] = []
        self._ids: set[str] = set()
        self._stands: dict[str, _Stand] = {}
        self._last = self._trimmed = 0

    def ids(self) -> list[str]:
        """What was published and not dropped, in order."""
        return [published.event.event_id for published in self._log]

    def publish(self, events: Sequence[OutboxRecord], now: float) -> None:
        """Add events that were not published before."""
        for event in events:
            if event.event_id not in self._ids:
                self._last += 1
                self._ids.add(event.event_id)
                self._log.append(_Published(self._last, now, msgspec.structs.replace(event, position=str(self._last))))

    def read(self, after: str, limit: int) -> list[OutboxRecord]:
        """See `Outbox.outbox`."""
        begin = 0
        if after:
            if not after.isascii() or not after.isdecimal() or int(after) > self._last:
                raise PositionExpired("This outbox never gave that position; begin with the oldest, or the latest.")
            begin = int(after)
            if begin < self._trimmed:
                raise PositionExpired("The events after that position have been dropped for their age.")
        return [published.event for published in self._log if published.number > begin][:limit]

    def newest(self) -> str:
        """See `Outbox.newest_event`."""
        return str(self._last) if self._last else ""

    def move(self, consumer: str, source: str, expected: str | None, position: str, now: float) -> bool:
        """Move or register a consumer; False when it stands elsewhere."""
        stand = self._stands.get(consumer)
        here = stand is None if expected is None else stand is not None and stand[:2] == (source, expected)
        if here:
            self._stands[consumer] = _Stand(source, position, now)
        return here

    def consumers(self, now: float) -> list[ConsumerState]:
        """See `Outbox.consumers`."""
        return [self._state(name, stand, now) for name, stand in sorted(self._stands.items())]

    def forget(self, consumer: str) -> bool:
        """See `Outbox.forget_consumer`."""
        return self._stands.pop(consumer, None) is not None

    def trim(self, before: float) -> int:
        """See `Outbox.trim_outbox`; `before` is a point in time."""
        needed = min((int(s.position or 0) for s in self._stands.values() if s.source == OUTBOX), default=self._last)
        dropped = 0
        while self._log and self._log[0].number <= needed and self._log[0].at < before:
            self._trimmed = self._log.pop(0).number
            dropped += 1
        return dropped

    def _state(self, consumer: str, stand: _Stand, now: float) -> ConsumerState:
        ahead = [each for each in self._log if stand.source == OUTBOX and each.number > int(stand.position or 0)]
        lag = now - ahead[0].at if ahead else 0.0
        return ConsumerState(consumer, stand.source, stand.position, len(ahead), lag, now - stand.moved_at)
