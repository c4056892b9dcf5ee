"""The part of a journal in memory that lets old flows go into an archive."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

import msgspec

from shared.durable.journal import FlowState
from shared.durable.journal_retention import Ages, ArchivedFlow, Burial
from shared.durable.simulation.memory_tables import MemoryTables, Row

_T = TypeVar("_T")
_OVER: frozenset[FlowState] = frozenset({"completed", "refused", "cancelled", "discarded", "retired"})


class MemoryRetention(ABC):
    """Implements what the port promises of flows that have ended."""

    _tables: MemoryTables
    _clock: Callable[[], float]

    async def archivable(self, ages: Ages, limit: int, since: float = 0.0) -> list[ArchivedFlow]:
        """See `RetentionJournal.archivable`."""
        await self._before_reading()
        old = [row for row in _old(self._tables, ages, self._clock()) if row.flow.updated_at >= since]
        return [_whole(self._tables, row) for row in sorted(old, key=lambda row: row.flow.updated_at)[:limit]]

    async def count_archivable(self, ages: Ages) -> int:
        """See `RetentionJournal.count_archivable`."""
        await self._before_reading()
        return len(_old(self._tables, ages, self._clock()))

    async def archive_files(self) -> dict[str, int]:
        """See `RetentionJournal.archive_files`."""
        return await self._write(lambda _: dict(self._tables.archive_files))

    async def add_archive_file(self, name: str) -> None:
        """See `RetentionJournal.add_archive_file`."""
        await self._write(lambda _: self._tables.archive_files.setdefault(name, 0))

    async def bury(self, burial: Burial) -> bool:
        """See `RetentionJournal.bury`."""
        return await self._write(lambda _: _bury(self._tables, burial))

    @abstractmethod
    async def _write(self, task: Callable[[float], _T]) -> _T: ...

    @abstractmethod
    async def _before_reading(self) -> None: ...


def _old(tables: MemoryTables, ages: Ages, now: float) -> list[Row]:
    unfinished = [row for row in tables.rows.values() if row.flow.state not in _OVER]
    awaited = {row.flow.parent for row in unfinished}
    return [
        row
        for row in tables.rows.values()
        if _is_over(row)
        and row.flow.updated_at < now - ages.kinds.get(row.flow.kind.partition("@")[0], ages.default)
        and row.flow.flow_id not in awaited
        and (row.flow.parent not in tables.rows or tables.rows[row.flow.parent].flow.state in _OVER)
    ]


def _is_over(row: Row) -> bool:
    return row.flow.state in _OVER and row.flow.archive is None and row.owner is None and row.next_at is None


def _whole(tables: MemoryTables, row: Row) -> ArchivedFlow:
    claim = row.claim(0.0)
    entries = [entry for entry in reversed(tables.audit) if entry.flow_id == row.flow.flow_id]
    return ArchivedFlow(claim.flow, claim.steps, tuple(row.signals), tuple(entries))


def _bury(tables: MemoryTables, burial: Burial) -> bool:
    if tables.archive_files.get(burial.file) != burial.start:
        return False
    rows = [tables.rows[flow.flow_id] for flow in burial.flows]
    for row, flow in zip(rows, burial.flows, strict=True):
        if not _is_over(row) or (row.flow.state, row.flow.updated_at) != (flow.state, flow.updated_at):
            return False
    for row, flow in zip(rows, burial.flows, strict=True):
        row.flow = msgspec.structs.replace(
            row.flow, archive=burial.place, request=flow.digest, context=b"", result=None, problem=None
        )
        row.steps, row.due, row.signals = {}, {}, []
    gone = {flow.flow_id for flow in burial.flows}
    tables.audit = [entry for entry in tables.audit if entry.flow_id not in gone]
    tables.archive_files[burial.file] = burial.end
    return True
