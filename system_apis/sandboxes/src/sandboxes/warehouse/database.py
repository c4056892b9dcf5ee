"""Makes the warehouse's database and fills it with the seed company's stock."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

from sandboxes.company import Company, company
from sandboxes.warehouse.schema import SQLITE

_SEEDED_AT = "2026-01-01T00:00:00Z"
_SAFETY_SHARE = 50  # one piece in so many is kept back


def create_database(path: Path, seed: Company | None = None) -> str:
    """Make the WMS database at `path` unless it is there, and return its URL.

    Args:
        path: Where the file goes; its folder must exist.
        seed: Whose warehouses, items and stock it holds; the seed company when left out.

    Returns:
        A URL as SQLAlchemy writes it: `sqlite:///` and the absolute path.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{uuid4().hex}")
        _make(draft, seed or company())
        with suppress(FileExistsError):  # another process was first; its file holds the same
            path.hardlink_to(draft)
        draft.unlink()
    else:
        _complete(path)
    return f"sqlite:///{path.resolve()}"


def _make(path: Path, seed: Company) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # kept in the file: readers never wait for a writer
        connection.execute("BEGIN")
        for statement in SQLITE.split(";\n"):
            connection.execute(statement)
        _fill(connection, seed)
        connection.execute("COMMIT")


def _complete(path: Path) -> None:
    """Add the tables that a database of an earlier version lacks."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as connection:
        for statement in SQLITE.split(";\n"):
            connection.execute(
                statement.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1).replace(
                    "CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1
                )
            )


def _fill(connection: sqlite3.Connection, seed: Company) -> None:
    for table, rows in seed_rows(seed):
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - our own names


def seed_rows(seed: Company) -> Iterator[tuple[str, list[tuple[str | int, ...]]]]:
    """Each table to fill with its rows, parents first, columns in the order of the schema."""
    yield (
        "warehouse",
        [
            (
                place.code,
                place.name,
                place.sap_plant,
                f"{place.address.street} {place.address.house_number}",
                place.address.city,
                place.address.region,
                place.address.postal_code,
                place.address.country,
            )
            for place in seed.warehouses
        ],
    )
    yield (
        "item",
        [
            (one.sku, one.name, one.base_unit, one.weight_grams, *one.dimensions_mm, int(one.active))
            for one in seed.products
        ],
    )
    yield (
        "inventory_level",
        [
            (place, one.sku, on_hand, 0, on_hand // _SAFETY_SHARE, 1, _SEEDED_AT)
            for one in seed.products
            for place, on_hand in one.stock.items()
        ],
    )
