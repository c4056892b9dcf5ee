"""Workers that come, go, hang and share the work."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eventually import eventually

from shared.binding.declare import Contract, get, post
from shared.binding.problems import CircuitOpen, Refused
from shared.durable.flow import Flow
from shared.durable.journal import FlowRecord, JournalUnavailable
from shared.durable.runner import FlowRunner
from shared.durable.sqlite.journal import SqliteJournal


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

    @post("/parcels/{name}/return", scope="depot:write")
    async def give_back(self, name: str) -> None:
        """Give it back."""


class Send(Flow[Parcel, str], version=1):
    def __init__(self, depot: Depot) -> None:
        self.depot = depot

    async def run(self, request: Parcel) -> str:
        first = await self.undoable(self.depot.store(request), lambda parcel: self.depot.give_back(parcel.name))
        await self.depot.weigh(request.name)
        second = await self.depot.store(Parcel("second"))
        return first.name + second.name


class SendAgain(Flow[Parcel, str], version=2, name="send"):
    def __init__(self, depot: Depot) -> None:
        self.depot = depot

    async def run(self, request: Parcel) -> str:
        return (await self.depot.store(request)).name


@pytest.fixture
def gate(backends: Any) -> Any:
    """Backends that answer, once the gate is open, with `reached` set when someone stands before it."""

    class Gate:
        open, reached = asyncio.Event(), asyncio.Event()

        async def pass_on(self, answer: Any) -> Any:
            self.reached.set()
            await self.open.wait()
            return answer

    gate = Gate()
    backends.answers = {"store": lambda parcel: parcel, "weigh": lambda **_: gate.pass_on(5), "give_back": None}
    return gate


async def test_a_graceful_stop_ends_at_a_step_boundary(
    journal: SqliteJournal, backends: Any, quick: Any, gate: Any
) -> None:
    runner = FlowRunner(journal, [Send], backends, settings=quick)
    await runner.start()
    await runner.submit(Send, "p1", Parcel("a"))
    await gate.reached.wait()
    stopping = asyncio.create_task(runner.stop())
    await eventually(lambda: not runner._worker._working)
    gate.open.set()
    await stopping
    view = await runner.view("p1")
    assert (view.state, [entry.step for entry in view.timeline]) == ("running", ["depot.store", "depot.weigh"])
    async with FlowRunner(journal, [Send], backends, settings=quick) as following:
        assert (await following.result("p1", 60)).state == "completed"
    assert backends.names() == ["store", "weigh", "store"]


async def test_a_hurried_stop_cuts_steps_off_and_the_next_start_repeats_them(
    journal: SqliteJournal, backends: Any, quick: Any, gate: Any
) -> None:
    runner = FlowRunner(journal, [Send], backends, settings=quick)
    await runner.start()
    await runner.submit(Send, "p1", Parcel("a"))
    await gate.reached.wait()
    await runner.stop(grace=0.01)
    gate.open.set()
    async with FlowRunner(journal, [Send], backends, settings=quick) as following:
        assert (await following.result("p1", 60)).state == "completed"
    assert backends.names() == ["store", "weigh", "weigh", "store"]


async def test_a_zombie_cannot_write_what_its_successor_did(
    journal: SqliteJournal, backends: Any, quick: Any, gate: Any, clock: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FlowRunner(journal, [Send], backends, settings=quick) as zombie:
        await zombie.submit(Send, "p1", Parcel("a"))
        await gate.reached.wait()
        zombie._worker._loops[1].cancel()  # it hangs: no renewal
        clock.advance(5)
        backends.answers["weigh"] = 6
        async with FlowRunner(journal, [Send], backends, settings=quick) as successor:
            assert (await successor.result("p1", 60)).state == "completed"
        before = await successor.view("p1")
        gate.open.set()
        await eventually(lambda: zombie._worker.steps("p1") is None)
        assert await successor.view("p1") == before
    assert "flow.disowned" in capsys.readouterr().err
    assert set(backends.effects) == {"p1/1", "p1/3"}


async def test_a_step_under_way_is_on_the_timeline(start: Callable[..., Any], gate: Any) -> None:
    runner = await start(Send)
    handle = await runner.submit(Send, "p1", Parcel("a"))
    await gate.reached.wait()
    view = await runner.view("p1")
    assert (view.state, await runner.counts()) == ("running", {"running": 1})
    assert [(e.step, e.state) for e in view.timeline] == [("depot.store", "done"), ("depot.weigh", "running")]
    gate.open.set()
    assert (await handle.result(60)).state == "completed"


async def test_more_flows_than_places_wait_in_the_journal(start: Callable[..., Any], backends: Any, quick: Any) -> None:
    at_once = most = 0

    async def weigh(name: str) -> int:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.002)
        at_once -= 1
        return len(name)

    backends.answers = {"store": lambda parcel: parcel, "weigh": weigh}
    runner = await start(Send, settings=msgspec.structs.replace(quick, in_flight=4, poll=5.0))
    handles = await asyncio.gather(*(runner.submit(Send, f"p{i}", Parcel("a")) for i in range(100)))
    views = await asyncio.gather(*(handle.result(60) for handle in handles))
    assert {view.state for view in views} == {"completed"}
    assert most <= 4
    assert len(backends.calls) == 300


async def test_a_flow_that_takes_workers_down_is_quarantined(
    journal: SqliteJournal, start: Callable[..., Any], backends: Any
) -> None:
    await journal.start(FlowRecord("p1", "p1", 1, "send@1", b'{"name":"a"}', b"{}"), "gone")
    for number in range(4):
        await journal.claim(f"gone{number}", ["send@1"], 1)
    runner = await start(Send)
    view = await runner.result("p1", 60)
    assert (view.state, backends.calls) == ("dead", [])
    assert view.problem is not None
    assert "5 workers in a row" in view.problem.detail


async def test_old_flows_finish_under_their_version(
    journal: SqliteJournal, start: Callable[..., Any], backends: Any
) -> None:
    await journal.start(FlowRecord("p1", "p1", 1, "send@1", b'{"name":"a"}', b"{}"), None)
    await journal.start(FlowRecord("p2", "p2", 1, "send@3", b'{"name":"a"}', b"{}"), None)
    backends.answers = {"store": lambda parcel: parcel, "weigh": 5}
    runner = await start(Send, SendAgain)
    assert (await runner.result("p1", 60)).result == "asecond"
    assert (await (await runner.submit(SendAgain, "p4", Parcel("b"))).result(60)).result == "b"
    assert (await runner.view("p2")).state == "pending"


async def test_a_request_that_can_no_longer_be_read_is_kept(journal: SqliteJournal, start: Callable[..., Any]) -> None:
    await journal.start(FlowRecord("p1", "p1", 1, "send@1", b'{"title":"a"}', b"{}"), None)
    runner = await start(Send)
    view = await runner.result("p1", 60)
    assert (view.state, view.problem.type) == ("dead", "/problems/internal-fault")


async def test_a_caller_who_goes_away_leaves_a_flow_that_runs(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"store": lambda parcel: parcel, "weigh": 5}
    runner = await start(Send)
    caller = asyncio.create_task(runner.submit(Send, "p1", Parcel("a")))
    await asyncio.sleep(0)
    caller.cancel()
    await eventually(lambda: runner.latest("p1"))  # it becomes durable without anybody waiting
    assert (await runner.result("p1", 60)).state == "completed"


async def test_cancelling_after_a_crash_settles_the_write_in_doubt_first(
    journal: SqliteJournal, start: Callable[..., Any], backends: Any
) -> None:
    backends.answers = {"store": lambda parcel: parcel, "weigh": 5, "give_back": None}
    await journal.start(FlowRecord("p1", "p1", 1, "send@1", b'{"name":"a"}', b"{}"), "gone")
    await journal.request_cancel("p1")
    runner = await start(Send)
    assert (await runner.result("p1", 60)).state == "cancelled"
    assert backends.names() == ["store", "give_back"]


async def test_another_process_cancels(
    journal: SqliteJournal, start: Callable[..., Any], backends: Any, quick: Any, gate: Any
) -> None:
    runner = await start(Send, settings=msgspec.structs.replace(quick, lease=0.06))
    await runner.submit(Send, "p1", Parcel("a"))
    await gate.reached.wait()
    elsewhere = FlowRunner(journal, [Send], backends)
    await elsewhere.cancel("p1")
    await eventually(lambda: runner._worker.steps("p1").cancel_requested)
    gate.open.set()
    assert (await elsewhere.result("p1", 60)).state == "cancelled"
    assert backends.names() == ["store", "weigh", "give_back"]


async def test_a_full_disk_refuses_intake_and_recovers_alone(tmp_path: Path, backends: Any, quick: Any) -> None:
    path = tmp_path / "full.db"
    backends.answers = {"store": lambda parcel: parcel, "weigh": 5}
    journal = SqliteJournal(path, max_pages=64)
    await journal.open()
    accepted: list[str] = []

    async def fill(runner: FlowRunner) -> None:
        for number in range(1000):
            await runner.submit(Send, f"p{number}", Parcel("a" * 1000))
            accepted.append(f"p{number}")

    async with FlowRunner(journal, [Send], backends, settings=quick) as runner:
        with pytest.raises(JournalUnavailable):
            await fill(runner)
        journal._writer.submit(lambda connection, _: connection.execute("PRAGMA max_page_count = 100000"))
        views = await asyncio.gather(*(runner.result(name, 60) for name in accepted))
        assert {view.state for view in views} == {"completed"}
        assert (await (await runner.submit(Send, "after", Parcel("a"))).result(60)).state == "completed"
    await journal.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert len(backends.effects) == 2 * (len(accepted) + 1)


class Mirror:
    """A codec that turns payloads around and binds them to their place."""

    def seal(self, payload: bytes, place: str) -> bytes:
        return place.encode()[::-1] + b"\0" + payload[::-1]

    def open(self, sealed: bytes, place: str) -> bytes:
        bound, _, payload = sealed.partition(b"\0")
        if bound != place.encode()[::-1]:
            raise ValueError(place)
        return payload[::-1]


async def test_a_payload_that_cannot_be_opened_is_a_dead_letter(
    journal: SqliteJournal, start: Callable[..., Any], backends: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    await journal.start(FlowRecord("p1", "p1", 1, "send@1", b"foreign", b"foreign"), None)
    await start(Send, codec=Mirror())

    async def is_dead() -> bool:
        return (await journal.counts()).get("dead") == 1

    await eventually(is_dead)
    assert backends.calls == []
    assert "flow.unreadable" in capsys.readouterr().err


async def test_a_sealed_flow_goes_on_undoing_after_a_restart(
    journal: SqliteJournal, backends: Any, quick: Any, clock: Any, until: Any
) -> None:
    backends.answers = {"store": lambda parcel: parcel, "weigh": Refused("heavy"), "give_back": CircuitOpen("no")}
    options: dict[str, Any] = {"settings": quick, "codec": Mirror(), "clock": clock}
    async with FlowRunner(journal, [Send], backends, **options) as runner:
        await runner.submit(Send, "p1", Parcel("a"))
        assert (await until(runner, "p1", "compensating")).problem.detail == "heavy"
        await eventually(lambda: "give_back" in backends.names())
    backends.answers["give_back"] = None
    clock.advance(3600)
    async with FlowRunner(journal, [Send], backends, **options) as runner:
        view = await runner.result("p1", 60)
    assert (view.state, view.problem.detail) == ("refused", "heavy")


async def test_payloads_are_sealed_in_the_journal(start: Callable[..., Any], backends: Any, tmp_path: Path) -> None:
    backends.answers = {"store": lambda parcel: parcel, "weigh": [Refused("classified reason")], "give_back": None}
    runner = await start(Send, codec=Mirror())
    view = await (await runner.submit(Send, "p1", Parcel("classified"))).result(60)
    assert (view.state, view.problem.detail) == ("refused", "classified reason")
    assert (await runner.view("p1")).problem == view.problem
    again = await runner.submit(Send, "p1", Parcel("classified"))
    assert again.flow_id == "p1.2"
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())  # noqa: ASYNC240 - a test may wait
    assert b"classified" not in stored
    assert b"deifissalc" in stored
