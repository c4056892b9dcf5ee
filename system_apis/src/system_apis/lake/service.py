"""The data warehouse contract over a folder of Parquet files."""

from typing import TYPE_CHECKING

from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
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
)
from system_apis.lake.connector import Lake
from system_apis.lake.records import SchemaRecord
from system_apis.lake.translator import grown, to_cell, to_columns, to_statement

if TYPE_CHECKING:
    from system_apis.lake.session import LakeSession


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

    async def list_datasets(self, cursor: str | None = None, limit: int = 50) -> Page[Dataset]:
        """As promised by `DataWarehouse`."""
        after = decode_cursor(cursor, str) if cursor else ""
        return await self._lake.run(lambda _: self._list(after, limit))

    def _append(self, session: "LakeSession", dataset: str, reference: str, batch: FactBatch) -> BatchKept:
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
        return BatchKept(dataset, batch.day, f"{part.parent.name}/{part.name}", len(batch.rows))

    def _query(self, session: "LakeSession", dataset: str, query: FactQuery) -> Facts:
        schema = self._lake.folder.schema(dataset)
        if schema is None:
            raise FactDatasetNotFound(f"There is no dataset {dataset}; list_datasets tells which there are.")
        files = self._lake.folder.parts(dataset, query.first_day, query.last_day)
        asked = to_statement(query, schema, files)
        found = session.rows(asked.sql, asked.values)
        kinds: list[ColumnType] = [column.type for column in asked.columns]
        rows = [[to_cell(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in found[: query.limit]]
        return Facts(asked.columns, rows, len(found) > query.limit)

    def _list(self, after: str, limit: int) -> Page[Dataset]:
        folder = self._lake.folder
        names = [name for name in folder.datasets() if name > after]
        items = [
            Dataset(name, schema.columns, folder.partitions(name))
            for name in names[:limit]
            if (schema := folder.schema(name)) is not None
        ]
        return Page(items, encode_cursor(names[limit - 1]) if len(names) > limit else None)
