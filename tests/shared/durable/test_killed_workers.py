"""Workers that are killed or hang, in processes of their own, on both journals: what they leave is finished once."""

# ruff: noqa: ASYNC110 - databases and other processes have no event to wait for

import asyncio
import inspect
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eventually import eventually
from postgres_server import PostgresServer

from shared.binding.declare import Contract, post
from shared.durable.flow import Flow
from shared.durable.journal import FlowRecord, Journal, JournalUnavailable
from shared.durable.postgres.journal import PostgresJournal
from shared.durable.runner import FlowRunner
from shared.durable.worker import WorkerSettings

pytestmark = [pytest.mark.slow, pytest.mark.alone]

SCRIPT = Path(__file__).with_name("journal_flows.py")
SERVERS = Path(inspect.getfile(PostgresServer)).parent
KILLING_SECONDS = float(os.environ.get("KILLING_SECONDS", "8"))
"""For how long workers are killed at random; each second brings some hundred new flows."""
AT_ONCE = 60
FEWEST_KILLS = 8


class Sibling:
    """A process of `journal_flows.py`."""

    def __init__(self, url: str, folder: Path, name: str, runners: int = 1, quarantine: int = 99) -> None:
        self.log = folder / f"log-{name}-{os.urandom(3).hex()}"
        command = [sys.executable, SCRIPT, url, folder, name, str(runners), str(quarantine)]
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


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/journal.db"
    server: PostgresServer = request.getfixturevalue("server")
    return server.new_database()


@pytest.fixture
def siblings() -> Iterator[list[Sibling]]:
    """Those that end with the test."""
    started: list[Sibling] = []
    yield started
    with ExitStack() as stack:
        for sibling in started:
            stack.callback(sibling.kill)


async def submit(journal: Journal, names: list[str]) -> None:
    """Every fourth is refused and undone."""
    for name in names:
        acceptable = "false" if name.endswith(("0", "4", "8")) else "true"
        request = f'{{"name":"{name}","acceptable":{acceptable}}}'.encode()
        assert await journal.start(FlowRecord(name, name, 1, "trade@1", request, b"{}"), None)


async def all_ended(journal: Journal) -> None:
    """Nothing is under way, waiting or dead any more."""

    async def none_left() -> bool:
        return not await journal.counts()

    await eventually(none_left, within=100, every=0.05)


def effects(folder: Path) -> dict[str, set[str]]:
    """What was done for each flow; a backend that knows repeats by their key does each once."""
    done: dict[str, set[str]] = {}
    for line in (folder / "ledger").read_text().splitlines():
        key, _, effect = line.partition("/")
        done.setdefault(key, set()).add(effect)
    return done


async def stop_outside_a_commit(journal: Journal, process: Sibling) -> None:
    """A process of one machine that is stopped while it writes a file locks all others out until it goes on."""
    while True:
        process.send(signal.SIGSTOP)
        try:
            async with asyncio.timeout(1):
                await journal.register("watcher", 0.1)
        except (TimeoutError, JournalUnavailable):
            process.send(signal.SIGCONT)
            await asyncio.sleep(0.05)
        else:
            return


async def test_a_hung_worker_that_comes_back_writes_nothing(
    url: str, journal_at: Any, tmp_path: Path, siblings: list[Sibling]
) -> None:
    (tmp_path / "hold-zombie").touch()
    names = [f"f{number}" for number in range(20)]
    async with journal_at(url) as journal:
        await submit(journal, names)
        zombie = Sibling(url, tmp_path, "zombie")
        siblings.append(zombie)
        await zombie.ready()
        await eventually(lambda: len((tmp_path / "ledger").read_text().splitlines()) >= 20, every=0.02)
        await stop_outside_a_commit(journal, zombie)
        siblings.append(Sibling(url, tmp_path, "successor"))
        await all_ended(journal)
        before = [await journal.find(name) for name in names]
        (tmp_path / "hold-zombie").unlink()
        zombie.send(signal.SIGCONT)
        await eventually(lambda: zombie.log.read_text().count("flow.disowned") >= 20)  # each write was refused
        assert [await journal.find(name) for name in names] == before
        assert {found.flow.takeovers for found in before if found} == {1}


@pytest.mark.timeout(120 + 20 * KILLING_SECONDS)
async def test_four_workers_killed_at_random_finish_every_flow_with_each_effect_once(
    url: str, journal_at: Any, tmp_path: Path, siblings: list[Sibling]
) -> None:
    chance, names, kills = random.Random(7), list[str](), 0

    def sibling(place: int) -> Sibling:
        return Sibling(url, tmp_path, f"machine-{place}", 1)

    async with journal_at(url) as journal:
        siblings += [sibling(place) for place in range(4)]
        await siblings[0].ready()
        until = time.monotonic() + KILLING_SECONDS
        while time.monotonic() < until or kills < FEWEST_KILLS:
            fresh = [f"f{len(names) + number}" for number in range(AT_ONCE)]
            await submit(journal, fresh)
            names += fresh
            await asyncio.sleep(chance.random() * 0.3)
            if at_work := [place for place in range(4) if "ready" in siblings[place].log.read_text()]:
                place = chance.choice(at_work)
                siblings[place].kill()
                siblings[place] = sibling(place)
                kills += 1
        await all_ended(journal)
        done = effects(tmp_path)
        for name in names:
            found = await journal.find(name)
            assert found is not None
            refused = name.endswith(("0", "4", "8"))
            assert found.flow.state == ("refused" if refused else "completed")
            assert done[name] == ({"2 enter", "2/undo strike"} if refused else {"2 enter", "4 enter"})
        repeated = len((tmp_path / "ledger").read_text().splitlines()) - sum(map(len, done.values()))
        print(f"{len(names)} flows, {kills} kills, {repeated} calls repeated under the same key")


async def test_a_flow_that_kills_its_workers_is_a_dead_letter_after_five_and_its_neighbours_complete(
    url: str, journal_at: Any, tmp_path: Path, siblings: list[Sibling]
) -> None:
    async with journal_at(url) as journal:
        await submit(journal, ["f1", "f2", "poison", "f3"])
        for killed in range(5):
            siblings.append(Sibling(url, tmp_path, f"machine-{killed}", quarantine=5))
            assert await asyncio.to_thread(siblings[-1].process.wait, 60) == -signal.SIGKILL
        siblings.append(Sibling(url, tmp_path, "survivor", quarantine=5))

        async def only_one_is_left() -> bool:
            return await journal.counts() == {"dead": 1}

        await eventually(only_one_is_left, every=0.02)
        assert siblings[-1].process.poll() is None
        poison = await journal.find("poison")
        assert poison is not None
        assert (poison.flow.state, poison.flow.takeovers) == ("dead", 5)
        assert (tmp_path / "ledger").read_text().count("poison/2 enter") == 5
        assert "flow.dead" in siblings[-1].log.read_text()


class Parcel(msgspec.Struct, frozen=True):
    """A parcel."""

    name: str


class Depot(Contract, tier="system", version="v1"):
    """Takes parcels."""

    @post("/parcels", scope="depot:write")
    async def store(self, parcel: Parcel) -> Parcel:
        """Store it."""


class Send(Flow[Parcel, str], version=1):
    def __init__(self, depot: Depot) -> None:
        self.depot = depot

    async def run(self, request: Parcel) -> str:
        return (await self.depot.store(request)).name


async def test_a_dead_worker_is_replaced_within_five_seconds(
    server: PostgresServer, backends: Any, journal_at: Any
) -> None:
    """With the lease that workers have by default, whenever between two renewals they die."""
    lease = WorkerSettings().lease
    died: dict[str, float] = {}
    backends.answers = {"store": lambda parcel: parcel}

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
        assert gaps[20] <= 5.0  # on a machine that has nothing else to do, all are
        assert gaps[39] <= 15.0
