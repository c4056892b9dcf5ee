"""A journal in memory that keeps the promises of the port, held to them by the drivers' own suite."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from shared.durable.journal import (
    Amendment,
    AuditEntry,
    Claim,
    Claims,
    Consumption,
    FlowRecord,
    FlowState,
    JournalUnavailable,
    Save,
    Signal,
)
from shared.durable.outbox import ConsumerState, OutboxRecord
from shared.durable.process_identity import ProcessIdentity, is_gone, this_process
from shared.durable.simulation.memory_retention import MemoryRetention
from shared.durable.simulation.memory_tables import MemoryTables

_T = TypeVar("_T")
_WELL: frozenset[FlowState] = frozenset({"completed", "refused", "cancelled", "discarded", "retired"})


class MemoryJournal(MemoryRetention):
    """Implements `Journal` on tables that other journals may share.

    Args:
        tables: The store.
        clock: Its clock, in Unix seconds.
        me: The process that has this journal.
        gone: Whether a process has ended.
    """

    def __init__(
        self, tables: MemoryTables, clock: Callable[[], float],
        me: ProcessIdentity | None = None, gone: Callable[[ProcessIdentity], bool] = is_gone,
    ) -> None:  # fmt: skip
        self._tables = tables
        self._clock = clock
        self._me = me or this_process()
        self._gone = gone
        self._open = False

    async def open(self) -> None:
        """See `Journal.open`."""
        self._open = True

    async def close(self) -> None:
        """See `Journal.close`."""
        self._open = False

    # --- writes --------------------------------------------------------------------------------------

    def start(self, flow: FlowRecord, worker: str | None) -> "asyncio.Future[bool]":
        """See `Journal.start`."""
        return self._submit((flow, worker))

    def save(self, save: Save) -> "asyncio.Future[None]":
        """See `Journal.save`."""
        return self._submit(save)

    async def release(self, flow_id: str, fence: int) -> None:
        """See `Journal.release`."""
        await self._write(lambda now: self._tables.release(flow_id, fence, now))

    async def claim(self, worker: str, kinds: Collection[str], limit: int) -> Claims:
        """See `Journal.claim`."""
        return await self._write(lambda now: self._tables.claim(worker, kinds, limit, now))

    async def register(self, worker: str, lease: float) -> None:
        """See `Journal.register`."""
        await self.renew(worker, lease)

    async def renew(self, worker: str, lease: float) -> frozenset[str]:
        """See `Journal.renew`."""
        return await self._write(lambda now: self._tables.renew(worker, self._me, lease, self._gone, now))

    async def leave(self, worker: str) -> None:
        """See `Journal.leave`."""
        await self._write(lambda _: self._tables.workers.pop(worker, None))

    async def request_cancel(self, flow_id: str, entry: AuditEntry | None = None) -> FlowRecord | None:
        """See `Journal.request_cancel`."""
        return await self._write(lambda now: self._tables.request_cancel(flow_id, entry, now))

    async def unpark(self, kinds: Collection[str], contract: str, limit: int) -> int:
        """See `Journal.unpark`."""
        return await self._write(lambda now: self._tables.unpark(kinds, contract, limit, now))

    async def consume(self, consumption: Consumption) -> frozenset[str] | None:
        """See `Journal.consume`."""
        return await self._write(lambda now: self._tables.consume(consumption, now))

    async def forget_consumer(self, consumer: str) -> bool:
        """See `Outbox.forget_consumer`."""
        return await self._write(lambda _: self._tables.outbox.forget(consumer))

    async def trim_outbox(self, keep: float) -> int:
        """See `Outbox.trim_outbox`."""
        return await self._write(lambda now: self._tables.outbox.trim(now - keep))

    async def signal(self, flow_id: str, signal: Signal) -> bool | None:
        """See `Journal.signal`."""
        return await self._write(lambda now: self._tables.signal(flow_id, signal, now))

    async def amend(self, amendment: Amendment) -> bool:
        """See `Journal.amend`."""
        return await self._write(lambda now: self._tables.amend(amendment, now))

    async def retire(self, flow_id: str, entry: AuditEntry) -> FlowRecord | None:
        """See `Journal.retire`."""
        return await self._write(lambda now: self._tables.retire(flow_id, entry, now))

    # --- reads ---------------------------------------------------------------------------------------

    async def find(self, flow_id: str) -> Claim | None:
        """See `Journal.find`."""
        await self._before_reading()
        row = self._tables.rows.get(flow_id)
        return row and row.claim(self._clock())

    async def latest(self, key: str) -> FlowRecord | None:
        """See `Journal.latest`."""
        await self._before_reading()
        again = [row for row in self._tables.rows.values() if row.flow.key == key and row.flow.attempt > 1]
        row = max(again, key=lambda row: row.flow.attempt, default=self._tables.rows.get(key))
        return row and row.record(self._clock())

    async def signals(self, flow_id: str, name: str) -> list[Signal]:
        """See `Journal.signals`."""
        await self._before_reading()
        row = self._tables.rows.get(flow_id)
        return [] if row is None else [signal for signal in row.signals if signal.name == name]

    async def audit(
        self, flow_id: str | None = None, *, limit: int = 50, before: int | None = None
    ) -> tuple[list[AuditEntry], int | None]:
        """See `Journal.audit`."""
        await self._before_reading()
        found = [
            (number, entry)
            for number, entry in enumerate(self._tables.audit, 1)
            if flow_id in (None, entry.flow_id) and (before is None or number < before)
        ]
        return _page(found, limit)

    async def page(
        self, *, states: Sequence[FlowState] = (), kind: str | None = None, limit: int = 50, before: int | None = None
    ) -> tuple[list[FlowRecord], int | None]:
        """See `Journal.page`."""
        await self._before_reading()
        now = self._clock()
        found = [
            (row.number, row.record(now))
            for row in self._tables.rows.values()
            if row.flow.archive is None
            and (not states or row.flow.state in states)
            and kind in (None, row.flow.kind)
            and (before is None or row.number < before)
        ]
        return _page(found, limit)

    async def counts(self) -> dict[FlowState, int]:
        """See `Journal.counts`."""
        await self._before_reading()
        return dict(Counter(row.flow.state for row in self._tables.rows.values() if row.flow.state not in _WELL))

    async def outbox(self, after: str, limit: int) -> list[OutboxRecord]:
        """See `Outbox.outbox`."""
        await self._before_reading()
        return self._tables.outbox.read(after, limit)

    async def newest_event(self) -> str:
        """See `Outbox.newest_event`."""
        await self._before_reading()
        return self._tables.outbox.newest()

    async def consumers(self) -> list[ConsumerState]:
        """See `Outbox.consumers`."""
        await self._before_reading()
        return self._tables.outbox.consumers(self._clock())

    # --- inside --------------------------------------------------------------------------------------

    async def _write(self, task: Callable[[float], _T]) -> _T:
        return await self._submit(task)

    def _submit(self, item: Any) -> "asyncio.Future[Any]":
        if not self._open:
            raise JournalUnavailable("The journal is closed; open it before writing.", retry_after=1)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        (outcome,) = self._tables.apply([item], self._clock())
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
        return future

    async def _before_reading(self) -> None:
        if not self._open:
            raise JournalUnavailable("The journal is closed; open it before reading.", retry_after=1)


def _page(found: list[tuple[int, Any]], limit: int) -> tuple[list[Any], int | None]:
    """The newest of numbered rows, and where the next page begins."""
    newest = found[::-1][:limit]
    return [row for _, row in newest], newest[-1][0] if len(found) > limit else None
