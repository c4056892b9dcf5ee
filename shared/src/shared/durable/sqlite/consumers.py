"""The part of the SQLite journal that consumers of events use."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

from shared.durable.journal import Consumption, FlowRecord
from shared.durable.outbox import ConsumerState, OutboxRecord
from shared.durable.sqlite.outbox import consumers, forget_consumer, move_consumer, newest_event, read_events, trim
from shared.durable.sqlite.rows import insert_flows

_T = TypeVar("_T")


class SqliteConsumers(ABC):
    """Implements what `Journal` promises of events, on the reader and the writer of a driver."""

    async def consume(self, consumption: Consumption) -> frozenset[str] | None:
        """See `Journal.consume`."""
        return await self._write(lambda connection, now: _consume(connection, consumption, now))

    async def outbox(self, after: str, limit: int) -> Sequence[OutboxRecord]:
        """See `Outbox.outbox`."""
        return await self._read(lambda connection, _: read_events(connection, after, limit))

    async def newest_event(self) -> str:
        """See `Outbox.newest_event`."""
        return await self._read(lambda connection, _: newest_event(connection))

    async def consumers(self) -> list[ConsumerState]:
        """See `Outbox.consumers`."""
        return await self._read(consumers)

    async def forget_consumer(self, consumer: str) -> bool:
        """See `Outbox.forget_consumer`."""
        return await self._write(lambda connection, _: forget_consumer(connection, consumer))

    async def trim_outbox(self, keep: float) -> int:
        """See `Outbox.trim_outbox`."""
        return await self._write(lambda connection, now: trim(connection, now - keep))

    @abstractmethod
    async def _write(self, task: Callable[[sqlite3.Connection, float], _T]) -> _T: ...

    @abstractmethod
    async def _read(self, look: Callable[[sqlite3.Connection, float], _T]) -> _T: ...


def _consume(connection: sqlite3.Connection, consumption: Consumption, now: float) -> frozenset[str] | None:
    if not move_consumer(
        connection, consumption.consumer, consumption.source, consumption.expected, consumption.position, now
    ):
        return None
    return frozenset(flow.flow_id for flow in consumption.starts if _start(connection, flow, now))


def _start(connection: sqlite3.Connection, flow: FlowRecord, now: float) -> bool:
    if insert_flows(connection, [(flow, None)], now) == 0:
        return False
    if flow.state == "dead":
        connection.execute(
            "UPDATE flow SET state = 'dead', next_at = NULL, problem = ? WHERE flow_id = ?",
            (flow.problem, flow.flow_id),
        )
    return True
