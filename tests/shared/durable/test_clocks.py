"""Clocks that are wrong or step: leases and retries are the journal's, and keep their time."""

import asyncio
import time
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from postgres_server import PASSWORD, PostgresServer

from shared.binding.declare import Contract, get, post
from shared.binding.problems import BackendUnavailable
from shared.durable.flow import Flow
from shared.durable.journal import FlowRecord
from shared.durable.runner import FlowRunner
from shared.durable.worker import WorkerSettings

pytestmark = [pytest.mark.slow, pytest.mark.alone]

SETTINGS = WorkerSettings(poll=0.05, lease=4.0, step_timeout=20.0)


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


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/journal.db"
    server: PostgresServer = request.getfixturevalue("server")
    return server.new_database()


async def test_wrong_and_stepping_wall_clocks_of_workers_change_nothing(
    url: str, backends: Any, journal_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_time = time.time
    backends.answers = {"store": [BackendUnavailable("no"), Parcel("a")], "weigh": 5}
    settings = msgspec.structs.replace(SETTINGS, delays=(0.3, 0.3))
    async with journal_at(url) as journal:
        monkeypatch.setattr(time, "time", lambda: true_time() + 3600)
        ahead = FlowRunner(journal, [Send], backends, settings=settings, clock=lambda: true_time() + 3600)
        behind = FlowRunner(journal, [Send], backends, settings=settings, clock=lambda: true_time() - 3600)
        async with ahead, behind:
            began = time.monotonic()
            await ahead.submit(Send, "p1", Parcel("a"))
            await asyncio.sleep(0.1)
            monkeypatch.setattr(time, "time", lambda: true_time() - 3600)
            view = await ahead.result("p1", 60)
            assert view.state == "completed"
            assert 0.3 <= time.monotonic() - began < 50
            await asyncio.sleep(1.2)
            found = await journal.find("p1")
            assert found is not None
            assert (found.flow.takeovers, found.flow.in_doubt) == (0, False)


async def test_a_server_clock_that_steps_back_keeps_no_dead_worker_alive(
    server: PostgresServer, journal_at: Any
) -> None:
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
