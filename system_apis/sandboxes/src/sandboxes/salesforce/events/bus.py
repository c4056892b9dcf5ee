"""Keeps events for 72 hours, those of PushTopics and generic channels for 24, and wakes whoever waits for them.

Events are written inside the transaction that causes them, so what is rolled back was never published.
"""
# ruff: noqa: S608 - the condition is a constant, values travel as parameters

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct

from sandboxes.kit import Clock
from sandboxes.salesforce.storage import Store
from sandboxes.salesforce.usage import PUBLISHED_EVENTS, Usage

RETENTION_SECONDS = 72 * 3_600
_SHORTER_BY = 48 * 3_600
"""PushTopics and generic channels keep theirs for 24 hours."""
_KEPT = "created >= ? + (CASE WHEN topic GLOB '/topic/*' OR topic GLOB '/u/*' THEN ? ELSE 0 END)"
_PURGE_EVERY = 1_000


class Event(Struct):
    """An event as it was published.

    Attributes:
        replay: Its place; ids of one topic grow and leave gaps.
        topic: `/event/Order_Status__e` or `/data/AccountChangeEvent`, never a channel of several.
        payload: Fields as JSON values; a change event's `ChangeEventHeader` among them.
    """

    replay: int
    topic: str
    uuid: str
    payload: dict[str, Any]


class Bus:
    """The events of one org.

    Args:
        store: Keeps them.
        usage: Counts what is published.
        clock: Says when they are too old.
    """

    def __init__(self, store: Store, usage: Usage, clock: Clock) -> None:
        self._store, self._usage, self._clock = store, usage, clock
        self._waiting: set[asyncio.Future[None]] = set()

    def publish(self, topic: str, payload: dict[str, Any], record_id: str = "", *, counted: bool = True) -> str:
        """Add an event; returns its UUID. ApiError LIMIT_EXCEEDED when the hour's allowance is used up."""
        if counted:
            self._usage.spend(PUBLISHED_EVENTS, 1)
        uuid = str(uuid4())
        sql = "INSERT INTO _event (topic, uuid, record, payload, created) VALUES (?, ?, ?, ?, ?) RETURNING replay"
        now = self._clock.timestamp()
        replay = self._store.select(sql, (topic, uuid, record_id, msgspec.json.encode(payload), now))[0][0]
        if replay % _PURGE_EVERY == 0:
            self._store.execute("DELETE FROM _event WHERE created < ?", (now - RETENTION_SECONDS,))
        return uuid

    def uuid_of(self, record_id: str) -> str:
        """The UUID of the event that was published under this record id."""
        rows = self._store.select("SELECT uuid FROM _event WHERE record = ?", (record_id,))
        return rows[0][0] if rows else ""

    def after(self, replay: int, topics: Iterable[str], most: int) -> list[Event]:
        """Up to `most` retained events of these topics that come after `replay`, oldest first."""
        names = msgspec.json.encode(list(topics)).decode()
        sql = (
            f"SELECT replay, topic, uuid, payload FROM _event WHERE replay > ? AND {_KEPT}"
            " AND topic IN (SELECT value FROM json_each(?)) ORDER BY replay LIMIT ?"
        )
        rows = self._store.select(sql, (replay, self._oldest(), _SHORTER_BY, names, most))
        return [Event(row[0], row[1], row[2], msgspec.json.decode(row[3])) for row in rows]

    def replay_of(self, record_id: str) -> int:
        """The replay id of the event that was published under this record id."""
        return int(self._store.select("SELECT replay FROM _event WHERE record = ?", (record_id,))[0][0])

    def newest(self) -> int:
        """The last replay id given out, over all topics."""
        rows = self._store.select("SELECT seq FROM sqlite_sequence WHERE name = '_event'")
        return int(rows[0][0]) if rows else 0

    def reaches(self, replay: int) -> bool:
        """Whether everything after this id is still kept, and the id was given out."""
        sql = "SELECT coalesce(MIN(replay), ?) FROM _event WHERE created >= ?"
        newest = self.newest()
        oldest = int(self._store.select(sql, (newest + 1, self._oldest()))[0][0])
        return oldest - 1 <= replay <= newest

    def retains(self, replay: int, topics: Iterable[str]) -> bool:
        """Whether a subscriber may begin after this id: one of these topics' events that is still kept."""
        names = msgspec.json.encode(list(topics)).decode()
        sql = f"SELECT 1 FROM _event WHERE replay = ? AND {_KEPT} AND topic IN (SELECT value FROM json_each(?))"
        return bool(self._store.select(sql, (replay, self._oldest(), _SHORTER_BY, names)))

    def forget(self) -> None:
        """Drop every event, as if its time were over; ids go on growing."""
        self._store.execute("DELETE FROM _event")

    async def wait(self, seconds: float) -> None:
        """Until something is published, at most so long; look again after it."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await asyncio.wait([waiter], timeout=seconds)
        finally:
            self._waiting.discard(waiter)

    def announce(self) -> None:
        """Events were committed: wake everybody."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    def _oldest(self) -> float:
        return self._clock.timestamp() - RETENTION_SECONDS
