"""How the lake spells columns: DuckDB's types, and the file that tells a dataset's columns."""

from typing import Final, NamedTuple

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


PART: Final = "_part"
"""The column of a merged file that says which batch a row came with; no column of a dataset begins so."""


class MergedRecord(msgspec.Struct, frozen=True):
    """A file that stands for several batches, by the names of their own files."""

    file: str
    parts: list[str]


class ManifestRecord(msgspec.Struct, frozen=True):
    """`merged.json` of a day: which merged files count. What it does not name, and what they stand for, does not."""

    merged: list[MergedRecord] = []

    @property
    def parts(self) -> frozenset[str]:
        """The files of batches that merged files stand for."""
        return frozenset(part for one in self.merged for part in one.parts)


class Limits(NamedTuple):
    """What is worth merging.

    Attributes:
        fewest: How many small files of a day there must be.
        small: A file of fewer bytes is small.
        grace_seconds: How long a file stays after another took its place.
    """

    fewest: int
    small: int
    grace_seconds: float
