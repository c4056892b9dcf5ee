"""Journals that must keep the same promises: SQLite, PostgreSQL on a real server, and the simulation's in memory.

Each test gets an empty store.
"""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import pytest
from postgres_server import PASSWORD, PostgresServer

from shared.durable.journal import Journal
from shared.durable.postgres.connection import SERVER_CLOCK
from shared.durable.postgres.journal import PostgresJournal
from shared.durable.simulation.memory_journal import MemoryJournal
from shared.durable.simulation.memory_tables import MemoryTables
from shared.durable.sqlite.journal import SqliteJournal


class Clock(Protocol):
    """The store's clock, which the test can move."""

    async def advance(self, seconds: float) -> None: ...


class Store(Protocol):
    """A place for journals, and its clock."""

    clock: Clock

    def journal(self) -> Journal:
        """Another journal on this store, not yet open."""
        ...


class MovableClock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    async def advance(self, seconds: float) -> None:
        self.ahead += seconds


class SqliteStore:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = MovableClock()

    def journal(self) -> SqliteJournal:
        return SqliteJournal(self.path, clock=self.clock)


class MemoryStore:
    def __init__(self) -> None:
        self.tables = MemoryTables()
        self.clock = MovableClock()

    def journal(self) -> MemoryJournal:
        return MemoryJournal(self.tables, self.clock)


class PostgresStore:
    """A database of its own; its clock is the server's, plus what stands in a table beside the journal's."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = self

    def journal(self) -> PostgresJournal:
        clock = f"({SERVER_CLOCK} + (SELECT seconds FROM public.ahead))"
        return PostgresJournal(self.url, lambda: PASSWORD, clock=clock)

    async def run(self, sql: str, *values: Any) -> list[Any]:
        connection = await asyncpg.connect(self.url, password=PASSWORD)
        try:
            return await connection.fetch(sql, *values)
        finally:
            await connection.close()

    async def advance(self, seconds: float) -> None:
        await self.run("UPDATE public.ahead SET seconds = seconds + $1", seconds)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer.create("fsync=off")
    server.start()
    yield server
    server.remove()


@pytest.fixture
async def postgres_store(postgres: PostgresServer) -> PostgresStore:
    store = PostgresStore(postgres.new_database())
    await store.run("CREATE TABLE public.ahead AS SELECT 0::float8 AS seconds")
    return store


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_store")
    if request.param == "memory":
        return MemoryStore()
    return SqliteStore(tmp_path / "journal.db")


@pytest.fixture
def clock(store: Store) -> Clock:
    return store.clock


@pytest.fixture
async def journals(store: Store) -> AsyncIterator[Any]:
    """Open another journal on the same store; it is closed with the test."""
    async with AsyncExitStack() as stack:

        async def opened() -> Journal:
            journal = store.journal()
            await journal.open()
            stack.push_async_callback(journal.close)
            return journal

        yield opened


@pytest.fixture
async def journal(journals: Any) -> Journal:
    return await journals()
