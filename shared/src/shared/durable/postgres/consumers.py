"""The part of the PostgreSQL journal that consumers of events use."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from shared.durable.journal import Consumption
from shared.durable.outbox import ConsumerState, OutboxRecord
from shared.durable.postgres.connection import Connection, PostgresServer
from shared.durable.postgres.outbox import consumers, move_consumer, newest_event, read_events, trim
from shared.durable.postgres.rows import Start, insert_flows

_T = TypeVar("_T")
_BURY = """
UPDATE flow SET state = 'dead', next_at = NULL, problem = v.problem
FROM unnest($1::text[], $2::bytea[]) AS v (flow_id, problem) WHERE flow.flow_id = v.flow_id"""


class PostgresConsumers(ABC):
    """Implements what `Journal` promises of events, on the readers and the writer of the driver."""

    _server: PostgresServer

    async def consume(self, consumption: Consumption) -> frozenset[str] | None:
        """See `Journal.consume`. When the answer gets lost, the repeat finds the consumer elsewhere: None."""
        return await self._write(lambda connection: _consume(connection, self._server, consumption))

    async def outbox(self, after: str, limit: int) -> Sequence[OutboxRecord]:
        """See `Outbox.outbox`."""
        return await self._read(lambda connection: read_events(connection, after, limit))

    async def newest_event(self) -> str:
        """See `Outbox.newest_event`."""
        return await self._read(newest_event)

    async def consumers(self) -> list[ConsumerState]:
        """See `Outbox.consumers`."""
        return await self._read(lambda connection: consumers(connection, self._server))

    async def forget_consumer(self, consumer: str) -> bool:
        """See `Outbox.forget_consumer`."""
        text = "DELETE FROM consumer WHERE consumer = $1 RETURNING 1"
        return await self._write(lambda connection: connection.fetchval(text, consumer)) is not None

    async def trim_outbox(self, keep: float) -> int:
        """See `Outbox.trim_outbox`."""
        return await self._write(lambda connection: trim(connection, self._server, keep))

    @abstractmethod
    async def _write(self, run: Callable[[Connection], Awaitable[_T]]) -> _T: ...

    @abstractmethod
    async def _read(self, look: Callable[[Connection], Awaitable[_T]]) -> _T: ...


async def _consume(connection: Connection, server: PostgresServer, consumption: Consumption) -> frozenset[str] | None:
    async with connection.transaction():
        if not await move_consumer(connection, server, consumption):
            return None
        wanted = {flow.flow_id: flow for flow in reversed(consumption.starts)}
        if not wanted:
            return frozenset()
        started = await insert_flows(connection, server, [Start(flow, None) for flow in wanted.values()], again=False)
        dead = [flow for flow in wanted.values() if flow.state == "dead" and flow.flow_id in started]
        if dead:
            await connection.execute(_BURY, [flow.flow_id for flow in dead], [flow.problem for flow in dead])
    return frozenset(started)
