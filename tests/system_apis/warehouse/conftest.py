"""The seed company's warehouse in SQLite and in a real PostgreSQL, and a back door to change what is in it."""

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import pytest
from postgres_server import PASSWORD, PostgresServer

from sandboxes.company import company
from sandboxes.warehouse import POSTGRESQL, create_database, seed_rows
from shared.contracts.canonical.inventory import NewReservation, WantedLine
from shared.security.secrets import Secret
from system_apis.warehouse import SqlWarehouse
from system_apis.warehouse.connector import WarehouseDatabase, WarehouseSettings


class BackDoor(Protocol):
    """Changes the tables behind the warehouse's back."""

    url: str
    password: Secret | None

    async def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]: ...


class SqliteDoor:
    password = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    async def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        try:
            return connection.execute(sql.replace("$", "?"), values).fetchall()
        finally:
            connection.close()


class PostgresDoor:
    def __init__(self, url: str, password: Secret) -> None:
        self.url = url
        self.password = password

    async def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.url, password=PASSWORD)
        try:
            return [tuple(row) for row in await connection.fetch(sql, *values)]
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def postgres() -> Generator[PostgresServer]:
    server = PostgresServer.create("fsync=off")
    server.start()
    yield server
    server.remove()


async def postgres_door(server: PostgresServer) -> PostgresDoor:
    """A new database with the seed company's stock."""
    url = server.new_database()
    filling = await asyncpg.connect(url, password=PASSWORD)
    await filling.execute(POSTGRESQL)
    for table, rows in seed_rows(company()):
        marks = ", ".join(f"${number + 1}" for number in range(len(rows[0])))
        if table == "inventory_level":
            marks = marks.replace("$7", "CAST($7 AS text)::timestamptz")
        await filling.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    await filling.close()
    return PostgresDoor(url, Secret(f"file:{server.password_file}"))


@pytest.fixture(params=["sqlite", "postgresql"])
async def door(request: pytest.FixtureRequest, tmp_path: Path) -> BackDoor:
    if request.param == "postgresql":
        return await postgres_door(request.getfixturevalue("postgres"))
    create_database(tmp_path / "wms.sqlite3")
    return SqliteDoor(tmp_path / "wms.sqlite3")


@pytest.fixture
def sqlite_door(tmp_path: Path) -> SqliteDoor:
    create_database(tmp_path / "wms.sqlite3")
    return SqliteDoor(tmp_path / "wms.sqlite3")


@pytest.fixture
async def opened() -> AsyncGenerator[Callable[..., SqlWarehouse]]:
    """Opens a warehouse on a URL; closed after the test."""
    databases: list[WarehouseDatabase] = []

    def open_(url: str, password: Secret | None = None, **settings: Any) -> SqlWarehouse:
        settings = {"sweep_seconds": 0.0, **settings}
        databases.append(WarehouseDatabase(WarehouseSettings(url=url, password=password, **settings)))
        return SqlWarehouse(databases[-1])

    yield open_
    for database in databases:
        await database.aclose()


@pytest.fixture
def warehouse(door: BackDoor, opened: Callable[..., SqlWarehouse]) -> SqlWarehouse:
    return opened(door.url, door.password)


Stocked = Callable[..., Awaitable[str]]


@pytest.fixture
def stocked(door: BackDoor) -> Stocked:
    """Sets a product's stock: pieces by warehouse and what each keeps back; returns the SKU."""

    async def stock(sku: str, hamburg: int = 0, reno: int = 0, osaka: int = 0, *, safety: int = 0) -> str:
        for place, pieces in (("HAM1", hamburg), ("RNO1", reno), ("OSA1", osaka)):
            await door.run(
                f"UPDATE inventory_level SET on_hand = {pieces}, allocated = 0, safety_stock = {safety}"
                " WHERE warehouse = $1 AND sku = $2",
                place,
                sku,
            )
        return sku

    return stock


@pytest.fixture
def lapse(door: BackDoor) -> Callable[[str], Awaitable[None]]:
    """Moves a hold into the past, so that its time is over."""

    async def move(reference: str) -> None:
        past = "'2020-01-01T00:00:00.000Z'"
        await door.run(
            f"UPDATE reservation SET created_at = {past}, expires_at = {past} WHERE reference = $1", reference
        )

    return move


@pytest.fixture
def order() -> Callable[..., NewReservation]:
    """`order("q-1", ("TG-00001", 2), …)`: a reservation to be made."""

    def make(reference: str, *lines: tuple[str, int], seconds: int = 900) -> NewReservation:
        return NewReservation(reference, [WantedLine(sku, Decimal(quantity)) for sku, quantity in lines], seconds)

    return make


@pytest.fixture
def allocated(door: BackDoor) -> Callable[[str], Awaitable[Sequence[int]]]:
    """What is allocated of a SKU in Hamburg, Osaka and Reno."""

    async def read(sku: str) -> Sequence[int]:
        rows = await door.run("SELECT allocated FROM inventory_level WHERE sku = $1 ORDER BY warehouse", sku)
        return [row[0] for row in rows]

    return read
