"""Flows that an open circuit puts off: they spend no attempts, ask one at a time, and follow the one that succeeds."""

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from eventually import eventually

from shared.binding.declare import Contract, get, post
from shared.binding.problems import CIRCUIT, OPEN, BackendUnavailable, CircuitOpen, Refused
from shared.durable.flow import Flow
from shared.durable.parking import Parking
from shared.durable.retry_schedule import LONGEST_PARK, RETRY_DELAYS, Retry, next_try


class Load(msgspec.Struct, frozen=True):
    """A load."""

    name: str


class Quay(Contract, tier="system", version="v1"):
    """Where ships lie."""

    @get("/berths/{name}", scope="quay:read")
    async def look(self, name: str) -> str:
        """Look at it."""

    @post("/loads", scope="quay:write")
    async def unload(self, load: Load) -> Load:
        """Unload it."""

    @post("/loads/{name}/end", scope="quay:write")
    async def reload(self, name: str) -> None:
        """Put it back."""


class Land(Flow[Load, str], version=1):
    def __init__(self, quay: Quay) -> None:
        self.quay = quay

    async def run(self, request: Load) -> str:
        await self.quay.look(request.name)
        return (await self.undoable(self.quay.unload(request), lambda load: self.quay.reload(load.name))).name


@pytest.fixture(autouse=True)
def pulse(monkeypatch: pytest.MonkeyPatch) -> float:
    """A shorter second."""
    monkeypatch.setattr("shared.durable.parking._PULSE", 0.05)
    return 0.05


class Circuit:
    """Stands between flows and a backend; while open, every `probes`th call gets through to it and fails."""

    def __init__(self) -> None:
        self.open = True
        self.asked: list[str] = []

    def look(self, name: str) -> str:
        self.asked.append(name)
        if self.open:
            raise CircuitOpen("open")
        return name

    def unload(self, load: Load) -> Load:
        return load


@pytest.fixture
def circuit(backends: Any) -> Circuit:
    circuit = Circuit()
    backends.answers = {"look": circuit.look, "unload": circuit.unload, "reload": None}
    return circuit


async def test_while_the_circuit_is_open_one_flow_after_the_other_asks_and_no_attempt_counts(
    start: Callable[..., Any], circuit: Circuit, pulse: float
) -> None:
    runner = await start(Land)
    for number in range(6):
        await runner.submit(Land, f"f{number}", Load(f"l{number}"))
    began, first = time.monotonic(), len(circuit.asked)
    await eventually(lambda: len(circuit.asked) >= first + 12 and len(set(circuit.asked[first:])) >= 4)  # not the same
    assert time.monotonic() - began > 8 * pulse
    views = [await runner.view(f"f{number}") for number in range(6)]
    assert {view.state for view in views} <= {"waiting", "running"}
    assert {view.timeline[0].attempts for view in views} == {0}


async def test_when_it_closes_the_others_follow_ever_more_of_them(
    start: Callable[..., Any], circuit: Circuit, journal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go, unpark = [1], journal.unpark

    async def counted(kinds: Any, contract: str, number: int) -> int:
        let_go.append(number)
        return await unpark(kinds, contract, number)

    monkeypatch.setattr(journal, "unpark", counted)
    runner = await start(Land)
    handles = [await runner.submit(Land, f"f{number}", Load(f"l{number}")) for number in range(120)]
    await eventually(lambda: all_parked(runner, 120))
    circuit.open = False
    views = await asyncio.gather(*(handle.result(60) for handle in handles))
    assert {view.state for view in views} == {"completed"}
    assert all(number <= 2 * before for before, number in pairwise(let_go)), let_go
    assert 16 <= max(let_go) <= 64


async def all_parked(runner: Any, count: int) -> bool:
    counts = await runner.counts()  # one may be asking
    return counts.get("waiting", 0) >= count - 1 and sum(counts.values()) == count


@pytest.mark.parametrize("known_by", ["looking when it starts", "waiting until one asks by itself"])
async def test_a_worker_that_knows_nothing_of_the_outage_lets_them_go(
    start: Callable[..., Any], circuit: Circuit, clock: Any, monkeypatch: pytest.MonkeyPatch, known_by: str
) -> None:
    monkeypatch.setattr("shared.durable.parking._PULSE", 60.0)
    runner = await start(Land)
    handles = [await runner.submit(Land, f"f{number}", Load(f"l{number}")) for number in range(20)]
    await eventually(lambda: all_parked(runner, 20))
    await runner.stop()
    circuit.open = False
    if known_by == "waiting until one asks by itself":
        monkeypatch.setattr(Parking, "look", lambda *_: None)
    monkeypatch.setattr("shared.durable.parking._PULSE", 0.05)
    following = await start(Land)
    if known_by == "waiting until one asks by itself":
        clock.advance(LONGEST_PARK * 0.75)
    views = await asyncio.gather(*(following.result(handle.flow_id, 60) for handle in handles))
    assert {view.state for view in views} == {"completed"}


async def test_a_flow_that_waits_for_something_else_is_not_let_go(
    start: Callable[..., Any], circuit: Circuit, backends: Any, until: Any
) -> None:
    runner = await start(Land)
    circuit.open = False
    backends.answers["unload"] = BackendUnavailable("asked to wait", retry_after=50)
    await runner.submit(Land, "retrying", Load("r"))
    await until(runner, "retrying", "waiting")
    backends.answers["unload"] = circuit.unload
    circuit.open = True
    await runner.submit(Land, "parked", Load("p"))
    await until(runner, "parked", "waiting")
    circuit.open = False
    assert (await runner.result("parked", 60)).state == "completed"
    await asyncio.sleep(0.2)
    assert (await runner.view("retrying")).state == "waiting"
    assert backends.names().count("unload") == 2


async def test_a_parked_undo_goes_on_when_the_circuit_closes(
    start: Callable[..., Any], circuit: Circuit, backends: Any, until: Any
) -> None:
    class Refuse(Flow[Load, str], version=1):
        def __init__(self, quay: Quay) -> None:
            self.quay = quay

        async def run(self, request: Load) -> str:
            await self.undoable(self.quay.unload(request), lambda load: self.quay.reload(load.name))
            raise Refused("no")

    backends.answers["reload"] = CircuitOpen("open")
    runner = await start(Refuse)
    await runner.submit(Refuse, "f", Load("l"))
    await until(runner, "f", "compensating")
    await eventually(lambda: "reload" in backends.names())
    backends.answers["reload"] = None
    assert (await runner.result("f", 60)).state == "refused"


async def test_asking_a_backend_whose_circuit_is_open_spends_no_attempt_however_often(
    start: Callable[..., Any], circuit: Circuit, backends: Any, until: Any
) -> None:
    circuit.open = False
    backends.answers["unload"] = BackendUnavailable("still down", extensions={CIRCUIT: OPEN})
    runner = await start(Land)
    await runner.submit(Land, "f", Load("l"))
    await eventually(lambda: len(backends.keys("unload")) > len(RETRY_DELAYS) + 3)
    view = await until(runner, "f", "waiting")
    assert view.timeline[1].attempts == 1  # it may have taken effect, which a cancellation has to know
    assert set(backends.keys("unload")) == {"f/2"}
    backends.answers["unload"] = circuit.unload
    assert (await runner.result("f", 60)).timeline[1].attempts == 2


def test_a_retry_after_longer_than_a_park_is_waited_out() -> None:
    asked = BackendUnavailable("down", retry_after=600, extensions={CIRCUIT: OPEN})
    assert next_try(asked, 3, 7, RETRY_DELAYS, 40.0) == Retry(600, 2, 0)
    asked.retry_after = 5
    assert next_try(asked, 3, 7, RETRY_DELAYS, 40.0) == Retry(40.0, 2, 8)
