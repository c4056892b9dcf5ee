"""The outbox and its consumers in the PostgreSQL journal.

Numbers are given out before the commit, so one that is committed late may stand in front of what was read already.
Therefore a position is the transaction and the number, and a reader sees only what lies below the oldest transaction
that is still under way: whatever commits later comes after it. A transaction that stays open anywhere in the server
holds events back; it loses none.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from shared.durable.journal import Consumption
from shared.durable.outbox import OUTBOX, ConsumerState, OutboxRecord
from shared.durable.postgres.connection import Connection, PostgresServer
from shared.messaging.event_source import PositionExpired

_MOST_COUNTED = 10_000
_MOST_TRIMMED = 2_000
_SETTLED = "tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_INSERT = """
INSERT INTO outbox (event_id, type, version, payload, occurred_at, producer, traceparent, correlation_id, published_at)
SELECT v.*, {now} FROM unnest($1::text[], $2::text[], $3::int[], $4::bytea[], $5::float8[], $6::text[], $7::text[],
  $8::text[]) AS v (event_id, type, version, payload, occurred_at, producer, traceparent, correlation_id)
ON CONFLICT (event_id) DO NOTHING"""
_READ = f"""
SELECT event_id, type, version, payload, occurred_at, producer, traceparent, correlation_id, tx || '-' || number
FROM outbox WHERE (tx, number) > ($1, $2) AND {_SETTLED} ORDER BY tx, number LIMIT $3"""  # noqa: S608
_NEWEST = f"SELECT tx || '-' || number FROM outbox WHERE {_SETTLED} ORDER BY tx DESC, number DESC LIMIT 1"  # noqa: S608
_KNOWN = """
SELECT (tx, number) <= ($1, $2), $1 < pg_snapshot_xmax(pg_current_snapshot())::text::bigint, tx || '-' || number
FROM outbox_trimmed"""
_REGISTER = "INSERT INTO consumer VALUES ($1, $2, $3, {now}) ON CONFLICT DO NOTHING RETURNING consumer"
_MOVE = """
UPDATE consumer SET position = $3, moved_at = {now} WHERE consumer = $1 AND source = $2 AND position = $4
RETURNING consumer"""
_CONSUMERS = """
SELECT consumer, source, position, greatest(0, {now} - moved_at)::float8 FROM consumer ORDER BY consumer"""
_AHEAD = f"""
SELECT count(*), greatest(0, {{now}} - min(published_at))::float8 FROM (SELECT published_at FROM outbox
WHERE (tx, number) > ($1, $2) AND {_SETTLED} ORDER BY tx, number LIMIT $3) ahead"""  # noqa: S608
_OLD = f"""
SELECT tx, number, published_at < {{now}} - $4 FROM outbox WHERE (tx, number) <= ($1, $2) AND {_SETTLED}
ORDER BY tx, number LIMIT $3"""  # noqa: S608
_DROP = "DELETE FROM outbox WHERE (tx, number) <= ($1, $2)"
_NOTE = "UPDATE outbox_trimmed SET tx = $1, number = $2 WHERE (tx, number) < ($1, $2)"
_NO_LIMIT = (2**63 - 1, 2**63 - 1)


async def insert_events(connection: Connection, server: PostgresServer, events: Sequence[OutboxRecord]) -> None:
    """Add events to the outbox, in a transaction that has written something: its number is older than theirs."""
    rows = [
        (e.event_id, e.type, e.version, e.payload, e.occurred_at, e.producer, e.traceparent, e.correlation_id)
        for e in events
    ]
    await connection.execute(server.sql(_INSERT), *(list(column) for column in zip(*rows, strict=True)))


async def move_consumer(connection: Connection, server: PostgresServer, to: Consumption) -> bool:
    """Move or register a consumer; False when it stands elsewhere."""
    if to.expected is None:
        moved = await connection.fetchval(server.sql(_REGISTER), to.consumer, to.source, to.position)
    else:
        moved = await connection.fetchval(server.sql(_MOVE), to.consumer, to.source, to.position, to.expected)
    return moved is not None


async def read_events(connection: Connection, after: str, limit: int) -> list[OutboxRecord]:
    """See `Outbox.outbox`."""
    tx, number = _place(after)
    if after != "":
        kept, given, _ = await connection.fetchrow(_KNOWN, tx, number)
        if not given:
            raise _unknown()
        if not kept:
            raise PositionExpired(
                "The events after that position have been dropped for their age; begin with the oldest that is left, "
                "or the latest."
            )
    return [OutboxRecord(*row) for row in await connection.fetch(_READ, tx, number, limit)]


async def newest_event(connection: Connection) -> str:
    """See `Outbox.newest_event`."""
    newest = await connection.fetchval(_NEWEST)
    if newest is None:
        _, _, newest = await connection.fetchrow(_KNOWN, 0, 0)
        return "" if newest == "0-0" else newest
    return newest


async def consumers(connection: Connection, server: PostgresServer) -> list[ConsumerState]:
    """See `Outbox.consumers`."""
    found: list[ConsumerState] = []
    for consumer, source, position, moved in await connection.fetch(server.sql(_CONSUMERS)):
        behind, lag = 0, 0.0
        if source == OUTBOX:
            behind, lag = await connection.fetchrow(server.sql(_AHEAD), *_place(position), _MOST_COUNTED)
        found.append(ConsumerState(consumer, source, position, behind, lag or 0.0, moved))
    return found


async def trim(connection: Connection, server: PostgresServer, keep: float) -> int:
    """See `Outbox.trim_outbox`."""
    rows: list[Any]
    async with connection.transaction():
        positions = await connection.fetch(f"SELECT position FROM consumer WHERE source = '{OUTBOX}'")  # noqa: S608
        needed = min((_place(position) for (position,) in positions), default=_NO_LIMIT)
        rows = await connection.fetch(server.sql(_OLD), *needed, _MOST_TRIMMED, keep)
        old = [(tx, number) for tx, number, _ in takewhile(lambda row: row[2], rows)]
        for text in (_DROP, _NOTE) if old else ():
            await connection.execute(text, *old[-1])
    return len(old)


def _place(position: str) -> tuple[int, int]:
    tx, _, number = position.partition("-")
    try:
        place = (int(tx), int(number)) if position else (0, 0)
    except ValueError:
        raise _unknown() from None
    if not 0 <= min(place) <= max(place) < _NO_LIMIT[0]:
        raise _unknown()
    return place


def _unknown() -> PositionExpired:
    return PositionExpired("This outbox never gave that position; begin with the oldest event, or the latest.")
