"""How the lake spells columns: DuckDB's types, and the file that tells a dataset's columns."""

from typing import Final

import msgspec

from shared.contracts.system.data_warehouse import Column, ColumnType

DUCKDB_TYPES: Final[dict[ColumnType, str]] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(38,9)",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "moment": "TIMESTAMP WITH TIME ZONE",
}
"""Parquet keeps a moment as microseconds of UTC, and a decimal as a whole number with its scale."""

DAY: Final = "day"
"""The column that is the name of a partition."""

RESERVED: Final = frozenset({DAY, "dataset"})
"""What DuckDB reads off the names of folders."""


class SchemaRecord(msgspec.Struct, frozen=True):
    """`schema.json` of a dataset."""

    columns: list[Column] = []
