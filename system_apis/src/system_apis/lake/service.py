"""The data warehouse contract over a folder of Parquet files."""

import time
from datetime import date
from typing import TYPE_CHECKING

from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import BackendUnavailable
from shared.contracts.canonical.values import Id
from shared.contracts.system.data_warehouse import (
    BatchKept,
    BatchOfAnotherDay,
    ColumnType,
    Dataset,
    DatasetName,
    DataWarehouse,
    FactBatch,
    FactDatasetNotFound,
    FactQuery,
    Facts,
    FactsCompacted,
)
from system_apis.lake.connector import Lake
from system_apis.lake.records import SchemaRecord
from system_apis.lake.translator import grown, to_cell, to_columns, to_statement

if TYPE_CHECKING:
    from system_apis.lake.compaction import DayCompacted
    from system_apis.lake.session import LakeSession

_COMPACTING_SECONDS = 20.0
"""After which no further day is begun; one day has the time of one operation."""


class LakeDataWarehouse(DataWarehouse):
    """Facts as Parquet files hold them, one file for each batch.

    Args:
        lake: Where the files are.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    async def append_facts(self, dataset: DatasetName, reference: Id, batch: FactBatch) -> BatchKept:
        """As promised by `DataWarehouse`."""
        return await self._lake.run(lambda session: self._append(session, dataset, reference, batch), writes=True)

    async def query_facts(self, dataset: DatasetName, query: FactQuery) -> Facts:
        """As promised by `DataWarehouse`."""
        return await self._lake.run(lambda session: self._query(session, dataset, query))

    async def compact_facts(self, dataset: DatasetName) -> FactsCompacted:
        """As promised by `DataWarehouse`, one day after the other for as long as there is time."""
        until, before, after = time.monotonic() + _COMPACTING_SECONDS, 0, 0
        days = await self._lake.run(lambda _: self._days_to_compact(dataset))
        for done, day in enumerate(days):
            if time.monotonic() > until:
                return FactsCompacted(dataset, done, before, after, more=True)
            compacted = await self._lake.run(lambda session, day=day: self._compact(session, dataset, day), writes=True)
            before, after = before + compacted.before, after + compacted.after
        return FactsCompacted(dataset, len(days), before, after)

    async def list_datasets(self, cursor: str | None = None, limit: int = 50) -> Page[Dataset]:
        """As promised by `DataWarehouse`."""
        after = decode_cursor(cursor, str) if cursor else ""
        return await self._lake.run(lambda _: self._list(after, limit))

    def _append(self, session: "LakeSession", dataset: str, reference: str, batch: FactBatch) -> BatchKept:
        from system_apis.lake.compaction import take_out  # noqa: PLC0415 - brings DuckDB, which the session has by now

        columns, folder = to_columns(batch), self._lake.folder
        with folder.locked(dataset):
            schema = folder.schema(dataset)
            wanted = grown(schema or SchemaRecord(), batch.columns)
            if other := folder.other_day(dataset, batch.day, reference):
                raise BatchOfAnotherDay(
                    f"The batch {reference} is kept under {other}, not {batch.day}; repeat it with that day.",
                    extensions={"day": other.isoformat()},
                )
            if wanted != schema:  # first: a column without values yet is harmless, values without a column are not
                folder.keep_schema(dataset, wanted)
            part = folder.part(dataset, batch.day, reference)
            session.write(part, columns)
            take_out(session, folder, dataset, part, batch.day)
        return BatchKept(dataset, batch.day, f"{part.parent.name}/{part.name}", len(batch.rows))

    def _query(self, session: "LakeSession", dataset: str, query: FactQuery) -> Facts:
        schema = self._lake.folder.schema(dataset)
        if schema is None:
            raise _no_dataset(dataset)
        files = self._lake.folder.parts(dataset, query.first_day, query.last_day)
        asked = to_statement(query, schema, files)
        found = session.rows(asked.sql, asked.values)
        kinds: list[ColumnType] = [column.type for column in asked.columns]
        rows = [[to_cell(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in found[: query.limit]]
        return Facts(asked.columns, rows, len(found) > query.limit)

    def _days_to_compact(self, dataset: str) -> list[date]:
        from system_apis.lake.compaction import days_to_compact, sweep  # noqa: PLC0415 - as above

        if self._lake.folder.schema(dataset) is None:
            raise _no_dataset(dataset)
        sweep(self._lake.folder, dataset, self._lake.limits)
        return days_to_compact(self._lake.folder, dataset, self._lake.limits)

    def _compact(self, session: "LakeSession", dataset: str, day: date) -> "DayCompacted":
        from system_apis.lake.compaction import compact_day  # noqa: PLC0415 - as above

        try:
            return compact_day(session, self._lake.folder, dataset, day, self._lake.limits)
        except BlockingIOError:
            raise BackendUnavailable(
                "Somebody else merges files of this dataset; ask again.", retry_after=5.0
            ) from None

    def _list(self, after: str, limit: int) -> Page[Dataset]:
        folder = self._lake.folder
        names = [name for name in folder.datasets() if name > after]
        items = [
            Dataset(name, schema.columns, folder.partitions(name))
            for name in names[:limit]
            if (schema := folder.schema(name)) is not None
        ]
        return Page(items, encode_cursor(names[limit - 1]) if len(names) > limit else None)


def _no_dataset(dataset: str) -> FactDatasetNotFound:
    return FactDatasetNotFound(f"There is no dataset {dataset}; list_datasets tells which there are.")
