"""Flows that wait: for a time, for a signal, for other flows; out of memory, through restarts and cancellations."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from eventually import eventually

from shared.binding.declare import Contract, get, post
from shared.binding.problems import BackendFault, BackendUnavailable, Conflict, Invalid, NotFound, Refused
from shared.durable.flow import Flow
from shared.durable.runner import FlowRunner
from shared.durable.sqlite.journal import SqliteJournal
from shared.durable.waits import ChildEnded, SignalTimedOut


class Part(msgspec.Struct, frozen=True):
    """A part."""

    name: str


class Approval(msgspec.Struct, frozen=True):
    """Somebody's word."""

    by: str
    granted: bool = True


class Shed(Contract, tier="system", version="v1"):
    """Keeps parts."""

    @get("/parts/{name}", scope="shed:read")
    async def look(self, name: str) -> Part:
        """Look at it."""

    @post("/parts", scope="shed:write")
    async def put(self, part: Part) -> Part:
        """Put it in."""

    @post("/parts/{name}/end", scope="shed:write")
    async def take(self, name: str) -> None:
        """Take it out."""


def seen(name: str) -> Part:
    return Part(name)


@pytest.fixture(autouse=True)
def answers(backends: Any) -> None:
    backends.answers = {"put": lambda part: part, "look": seen, "take": None}


class Slow(Flow[Part, str], version=1):
    def __init__(self, shed: Shed) -> None:
        self.shed = shed

    async def run(self, request: Part) -> str:
        await self.undoable(self.shed.put(Part("before")), lambda part: self.shed.take(part.name))
        began = self.now()
        await self.sleep(3 * 86_400)
        await self.sleep(until=began + timedelta(days=5))
        await self.shed.put(Part("after"))
        return request.name


async def has_got_further(runner: Any, than: Any) -> bool:
    view = await runner.view("f")
    return view.ended or len(view.timeline) > len(than.timeline)


async def test_a_flow_sleeps_for_days_and_goes_on(
    start: Callable[..., Any], backends: Any, clock: Any, until: Any
) -> None:
    runner = await start(Slow)
    await runner.submit(Slow, "f", Part("x"))
    for days in (2.9, 1.9):
        view = await until(runner, "f", "waiting")
        assert view.timeline[-1].step == "flow.sleep"
        assert view.timeline[-1].state == "waiting"
        clock.advance(days * 86_400)
        await asyncio.sleep(0.1)
        assert (await runner.view("f")).state == "waiting"
        clock.advance(0.11 * 86_400)
        await eventually(lambda view=view: has_got_further(runner, view))
    assert (await runner.result("f", 60)).result == "x"
    assert backends.names() == ["put", "put"]


async def test_a_restart_neither_shortens_nor_prolongs_a_sleep(
    journal: SqliteJournal, backends: Any, clock: Any, quick: Any, until: Any
) -> None:
    async with FlowRunner(journal, [Slow], backends, settings=quick, clock=clock) as runner:
        await runner.submit(Slow, "f", Part("x"))
        view = await until(runner, "f", "waiting")
        due = view.timeline[-1].next_attempt
    clock.advance(86_400)
    async with FlowRunner(journal, [Slow], backends, settings=quick, clock=clock) as runner:
        assert abs(((await runner.view("f")).timeline[-1].next_attempt - due).total_seconds()) < 2
        clock.advance(4 * 86_400 + 60)
        assert (await runner.result("f", 60)).state == "completed"


async def test_cancelling_ends_a_sleep_at_once(start: Callable[..., Any], backends: Any, until: Any) -> None:
    runner = await start(Slow)
    handle = await runner.submit(Slow, "f", Part("x"))
    await until(runner, "f", "waiting")
    await runner.cancel("f")
    assert (await handle.result(60)).state == "cancelled"
    assert backends.names() == ["put", "take"]


class Approved(Flow[Part, str], version=1):
    def __init__(self, shed: Shed) -> None:
        self.shed = shed

    async def run(self, request: Part) -> str:
        await self.undoable(self.shed.put(request), lambda part: self.shed.take(part.name))
        approval = await self.wait_for("approval", Approval, timeout=7 * 86_400)
        if not approval.granted:
            raise Refused(f"{approval.by} said no")
        return approval.by


async def test_a_signal_wakes_the_flow_that_waits_for_it(start: Callable[..., Any], until: Any) -> None:
    runner = await start(Approved)
    handle = await runner.submit(Approved, "f", Part("x"))
    await until(runner, "f", "waiting")
    assert await runner.signal("f", "approval", Approval("ann"), key="a1")
    assert (await handle.result(60)).result == "ann"


async def test_a_signal_may_come_before_the_flow_waits(start: Callable[..., Any], backends: Any) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def put(part: Part) -> Part:
        reached.set()
        await go_on.wait()
        return part

    backends.answers["put"] = put
    runner = await start(Approved)
    handle = await runner.submit(Approved, "f", Part("x"))
    await reached.wait()
    await runner.signal("f", "approval", Approval("early"), key="a1")
    go_on.set()
    assert (await handle.result(60)).result == "early"


async def waits_again(runner: Any) -> bool:
    """Whether one of two waits is over and the flow rests in the other."""
    view = await runner.view("f")
    waits = [entry.state for entry in view.timeline if entry.step.startswith("flow.")]
    return view.state == "waiting" and sorted(waits) == ["done", "waiting"]


async def test_a_signal_that_comes_twice_counts_once(start: Callable[..., Any], backends: Any) -> None:
    class Twice(Flow[Part, str], version=1):
        async def run(self, request: Part) -> str:
            first = await self.wait_for("approval", Approval)
            second = await self.wait_for("approval", Approval)
            return first.by + second.by

    runner = await start(Twice)
    handle = await runner.submit(Twice, "f", Part("x"))
    assert await runner.signal("f", "approval", Approval("a"), key="1")
    assert await runner.signal("f", "approval", Approval("z"), key="1") is False
    await eventually(lambda: waits_again(runner))
    assert await runner.signal("f", "approval", Approval("b"), key="2")
    assert (await handle.result(60)).result == "ab"


async def test_waits_side_by_side_take_a_signal_each(start: Callable[..., Any], until: Any) -> None:
    class Both(Flow[Part, list[str]], version=1):
        def __init__(self, shed: Shed) -> None:
            self.shed = shed

        async def run(self, request: Part) -> list[str]:
            one, part, other = await self.together(
                self.wait_for("approval", Approval), self.shed.look("x"), self.wait_for("approval", Approval)
            )
            return [*sorted((one.by, other.by)), part.name]

    runner = await start(Both)
    handle = await runner.submit(Both, "f", Part("x"))
    await runner.signal("f", "approval", Approval("a"), key="a")
    await eventually(lambda: waits_again(runner))
    await runner.signal("f", "approval", Approval("b"), key="b")
    assert (await handle.result(60)).result == ["a", "b", "x"]


async def test_a_signal_that_does_not_fit_is_passed_over(start: Callable[..., Any], until: Any) -> None:
    runner = await start(Approved)
    handle = await runner.submit(Approved, "f", Part("x"))
    await runner.signal("f", "approval", {"who": "mallory"}, key="1")
    await runner.signal("f", "approval", Approval("ann"), key="2")
    assert (await handle.result(60)).result == "ann"


async def test_what_does_not_come_in_time_undoes_the_flow(
    start: Callable[..., Any], backends: Any, clock: Any, until: Any
) -> None:
    runner = await start(Approved)
    handle = await runner.submit(Approved, "f", Part("x"))
    await until(runner, "f", "waiting")
    clock.advance(6.99 * 86_400)
    await handle.result(0.1)
    assert (await runner.view("f")).state == "waiting"
    clock.advance(0.02 * 86_400)
    view = await handle.result(60)
    assert (view.state, view.problem.type) == ("refused", SignalTimedOut.type_uri())
    assert backends.names() == ["put", "take"]


async def test_a_time_limit_may_be_caught(start: Callable[..., Any]) -> None:
    class Patient(Flow[Part, str], version=1):
        async def run(self, request: Part) -> str:
            try:
                return (await self.wait_for("approval", Approval, timeout=0.05)).by
            except SignalTimedOut:
                return "nobody"

    runner = await start(Patient)
    assert (await (await runner.submit(Patient, "f", Part("x"))).result(60)).result == "nobody"
    with pytest.raises(Conflict, match="ended"):
        await runner.signal("f", "approval", Approval("late"), key="1")
    with pytest.raises(NotFound):
        await runner.signal("g", "approval", Approval("late"), key="1")
    with pytest.raises(Invalid):
        await runner.signal("f", "an approval", Approval("late"), key="1")


async def test_a_signal_survives_a_restart(
    journal: SqliteJournal, backends: Any, clock: Any, quick: Any, until: Any
) -> None:
    async with FlowRunner(journal, [Approved], backends, settings=quick, clock=clock) as runner:
        await runner.submit(Approved, "f", Part("x"))
        await until(runner, "f", "waiting")
    idle = FlowRunner(journal, [Approved], backends, settings=quick, clock=clock)
    await idle.signal("f", "approval", Approval("ann"), key="1")
    async with FlowRunner(journal, [Approved], backends, settings=quick, clock=clock) as runner:
        assert (await runner.result("f", 60)).result == "ann"
    assert backends.names() == ["put"]


# --- children ------------------------------------------------------------------------------------------


class Child(Flow[Part, Part], version=1):
    def __init__(self, shed: Shed) -> None:
        self.shed = shed

    async def run(self, request: Part) -> Part:
        await self.undoable(self.shed.put(request), lambda part: self.shed.take(part.name))
        return await self.shed.look(request.name)


class Parent(Flow[Part, str], version=1):
    def __init__(self, shed: Shed) -> None:
        self.shed = shed

    async def run(self, request: Part) -> str:
        await self.undoable(self.shed.put(Part("own")), lambda part: self.shed.take(part.name))
        one, other = await self.together(
            self.child(Child, "left", Part(request.name + "-left")),
            self.child(Child, "right", Part(request.name + "-right")),
        )
        return one.name + " " + other.name


async def test_a_flow_awaits_its_children(start: Callable[..., Any], backends: Any, until: Any) -> None:
    runner = await start(Parent, Child)
    view = await (await runner.submit(Parent, "f", Part("x"))).result(60)
    assert (view.state, view.result) == ("completed", "x-left x-right")
    child = await runner.view("f:left")
    assert (child.parent, child.state, child.correlation_id, child.trace_id) == (
        "f", "completed", "f", view.trace_id,
    )  # fmt: skip
    assert sorted(backends.names()) == ["look", "look", "put", "put", "put"]


async def test_a_child_that_is_refused_refuses_its_parent_and_stops_its_siblings(
    start: Callable[..., Any], backends: Any, clock: Any
) -> None:
    backends.answers["look"] = lambda name: Refused("ugly") if name == "x-left" else BackendUnavailable("down")
    runner = await start(Parent, Child)
    view = await (await runner.submit(Parent, "f", Part("x"))).result(60)
    assert (view.state, view.problem.detail) == ("refused", "ugly")
    assert (await runner.view("f:left")).state == "refused"
    assert (await runner.view("f:right")).state == "cancelled"
    assert backends.names().count("take") == 3


async def test_cancelling_passes_down_and_waits_for_the_children(
    start: Callable[..., Any], backends: Any, until: Any
) -> None:
    backends.answers["look"] = BackendUnavailable("down")
    runner = await start(Parent, Child)
    handle = await runner.submit(Parent, "f", Part("x"))
    await eventually(lambda: runner.latest("f:right"))
    for name in ("f:left", "f:right", "f"):
        await until(runner, name, "waiting")
    await runner.cancel("f")
    assert (await handle.result(60)).state == "cancelled"
    assert {(await runner.view(f"f:{name}")).state for name in ("left", "right")} == {"cancelled"}
    assert [a["name"] for n, a, _ in backends.calls if n == "take"][-1] == "own"
    assert backends.names().count("take") == 3


async def test_a_child_cancelled_by_itself_refuses_its_parent(
    start: Callable[..., Any], backends: Any, until: Any
) -> None:
    backends.answers["look"] = lambda name: BackendUnavailable("down") if name == "x-left" else Part(name)
    runner = await start(Parent, Child)
    handle = await runner.submit(Parent, "f", Part("x"))
    await eventually(lambda: len(backends.calls) >= 5)
    for name in ("f:left", "f"):
        await until(runner, name, "waiting")
    await runner.cancel("f:left")
    view = await handle.result(60)
    assert (view.state, view.problem.type) == ("refused", ChildEnded.type_uri())


async def test_a_dead_child_keeps_its_parent_waiting(start: Callable[..., Any], backends: Any, until: Any) -> None:
    backends.answers["put"] = lambda part: BackendFault("gibberish") if part.name == "x-left" else part
    runner = await start(Parent, Child)
    await runner.submit(Parent, "f", Part("x"))
    await eventually(lambda: runner.latest("f:right"))
    await until(runner, "f:left", "dead")
    await until(runner, "f:right", "completed")
    await until(runner, "f", "waiting")


async def test_a_child_key_that_names_another_flow_is_refused(start: Callable[..., Any], backends: Any) -> None:
    runner = await start(Parent, Child)
    await (await runner.submit(Child, "f:left", Part("mine"))).result(60)
    view = await (await runner.submit(Parent, "f", Part("x"))).result(60)
    assert (view.state, view.problem.type) == ("refused", "/problems/conflict")


async def test_children_survive_a_restart(
    journal: SqliteJournal, backends: Any, clock: Any, quick: Any, until: Any
) -> None:
    backends.answers["look"] = BackendUnavailable("down")
    async with FlowRunner(journal, [Parent, Child], backends, settings=quick, clock=clock) as runner:
        await runner.submit(Parent, "f", Part("x"))
        await eventually(lambda: runner.latest("f:right"))
        await until(runner, "f:right", "waiting")
    backends.answers["look"] = seen
    clock.advance(5)
    async with FlowRunner(journal, [Parent, Child], backends, settings=quick, clock=clock) as runner:
        assert (await runner.result("f", 60)).result == "x-left x-right"
    assert backends.names().count("put") == 3


async def test_urgent_flows_go_first(journal: SqliteJournal, backends: Any, clock: Any, quick: Any) -> None:
    idle = FlowRunner(journal, [Child], backends, clock=clock)
    for priority in ("batch", "order", "interactive"):
        await idle.submit(Child, priority, Part(priority), priority=priority)
    settings = msgspec.structs.replace(quick, in_flight=1)
    async with FlowRunner(journal, [Child], backends, settings=settings, clock=clock) as runner:
        await runner.result("batch", 60)
    assert [a["part"].name for n, a, _ in backends.calls if n == "put"] == ["interactive", "order", "batch"]
    assert [c.priority for n, _, c in backends.calls if n == "put"] == ["interactive", "order", "batch"]


async def test_a_moment_that_has_passed_is_no_rest(start: Callable[..., Any], clock: Any) -> None:
    class Until(Flow[Part, str], version=1):
        async def run(self, request: Part) -> str:
            await self.sleep(until=datetime(2020, 1, 1, tzinfo=UTC))
            return "past"

    runner = await start(Until)
    assert (await (await runner.submit(Until, "f", Part("x"))).result(60)).result == "past"
