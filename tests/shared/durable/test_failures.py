"""What becomes of a flow when steps fail: retries, parking, dead letters, compensation, cancellation."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from eventually import eventually

from shared.binding.call_context import CallContext
from shared.binding.declare import Contract, get, post
from shared.binding.problems import BackendFault, BackendUnavailable, Conflict, Invalid, QuotaExceeded, Refused
from shared.durable.flow import Flow
from shared.durable.journal import Change, FlowRecord, Save, StepRecord
from shared.durable.recorded import encode_problem
from shared.telemetry.metrics import REGISTRY


class Thing(msgspec.Struct, frozen=True):
    """A thing."""

    name: str


class Works(Contract, tier="system", version="v1"):
    """Makes and unmakes things."""

    @get("/things/{name}", scope="works:read")
    async def look(self, name: str) -> Thing:
        """Look at it."""

    @post("/things", scope="works:write")
    async def make(self, thing: Thing) -> Thing:
        """Make it."""

    @post("/things/{name}/end", scope="works:write")
    async def unmake(self, name: str) -> None:
        """Unmake it."""


class Build(Flow[Thing, str], version=1):
    """Makes a, b and c, each undoable, and looks at the name it was given in between."""

    def __init__(self, works: Works) -> None:
        self.works = works

    async def run(self, request: Thing) -> str:
        for name in "abc":
            await self.undoable(self.works.make(Thing(name)), lambda thing: self.works.unmake(thing.name))
            await self.works.look(request.name)
        return "built"


class Once(Flow[Thing, str], version=1):
    def __init__(self, works: Works) -> None:
        self.works = works

    async def run(self, request: Thing) -> str:
        return (await self.works.make(request)).name


async def attempts_at(runner: Any, clock: Any, backends: Any, until: Any, waits: list[float]) -> None:
    """Check that attempt n+1 comes after waits[n] seconds, of which the test machine may add some, and not before."""
    for count, wait in enumerate(waits, start=1):
        await until(runner, "q1", "waiting")
        assert len(backends.calls) == count
        clock.advance(wait - 0.5)
        await asyncio.sleep(0.06)
        if len(backends.calls) > count:
            assert backends.moments[count] - backends.moments[count - 1] >= 0.49, f"attempt {count + 1} came early"
        else:
            clock.advance(0.5)
            await eventually(lambda count=count: len(backends.calls) > count)


async def at_rest(runner: Any, flow_id: str) -> bool:
    """Whether nothing of the flow runs until time goes on."""
    return runner._worker.steps(flow_id) is None and (await runner.view(flow_id)).state in ("waiting", "compensating")


async def test_transient_problems_are_retried_after_1_4_16_and_60_seconds(
    start: Callable[..., Any], backends: Any, clock: Any, until: Any
) -> None:
    backends.answers = {"make": BackendUnavailable("down")}
    runner = await start(Once)
    await runner.submit(Once, "q1", Thing("x"))
    await attempts_at(runner, clock, backends, until, [1, 4, 16, 60])
    view = await until(runner, "q1", "dead")
    assert (view.problem.detail, view.timeline[0].attempts, view.timeline[0].state) == ("down", 5, "failed")
    assert set(backends.keys("make")) == {"q1/1"}
    clock.advance(3600)
    await asyncio.sleep(0.05)
    assert len(backends.calls) == 5


async def test_a_step_that_is_due_at_once_does_not_wait_for_the_next_look_at_the_journal(
    start: Callable[..., Any], backends: Any, quick: Any, until: Any
) -> None:
    backends.answers = {"make": [BackendUnavailable("down"), BackendUnavailable("down"), Thing("x")]}
    runner = await start(Impatient, settings=msgspec.structs.replace(quick, poll=60.0))
    await runner.submit(Impatient, "q1", Thing("x"))
    await until(runner, "q1", "completed")


@pytest.mark.parametrize("seq", [1, -1])
async def test_a_step_that_was_given_up_is_not_tried_again_when_the_end_of_its_flow_was_lost(
    start: Callable[..., Any], backends: Any, journal: Any, until: Any, seq: int
) -> None:
    """Its worker recorded the last attempt and vanished before it could record that the flow is dead."""
    request, given_up = msgspec.json.encode(Thing("x")), encode_problem(BackendUnavailable("down"))
    asked = msgspec.json.encode({"thing": Thing("a")})
    made = StepRecord(1, "works.make", asked, "succeeded", msgspec.json.encode(Thing("a")), 1, 0, 1.0, 2.0)
    stuck = StepRecord(seq, "works.make" if seq > 0 else "works.unmake", asked, "dead", given_up, 5, 0, 3.0, 4.0)
    context = msgspec.json.encode(CallContext())
    await journal.start(FlowRecord("q1", "q1", 1, "build@1", request, context), "a worker that is gone")
    turned = None if seq > 0 else Change("compensating", problem=encode_problem(Refused("no")), compensating=True)
    await journal.save(Save("q1", 1, (made, stuck), turned))
    runner = await start(Build)
    view = await until(runner, "q1", "dead")
    assert backends.calls == []
    assert view.problem.detail == "down"
    assert {step.seq: step.attempts for step in view.timeline}[seq] == 5


async def test_retry_after_is_obeyed_when_longer(
    start: Callable[..., Any], backends: Any, clock: Any, until: Any
) -> None:
    backends.answers = {
        "make": [BackendUnavailable("full", retry_after=30), BackendUnavailable("full", retry_after=2), Thing("x")]
    }
    runner = await start(Once)
    await runner.submit(Once, "q1", Thing("x"))
    await attempts_at(runner, clock, backends, until, [30, 4])
    assert (await until(runner, "q1", "completed")).timeline[0].attempts == 3


async def test_an_allowance_that_is_used_up_for_long_is_waited_for_and_spends_no_attempt(
    start: Callable[..., Any], backends: Any, clock: Any, until: Any
) -> None:
    backends.answers = {"make": [QuotaExceeded("used up", retry_after=60)] * 8 + [Thing("x")]}
    runner = await start(Once)
    await runner.submit(Once, "q1", Thing("x"))
    await attempts_at(runner, clock, backends, until, [60] * 8)
    assert (await until(runner, "q1", "completed")).timeline[0].attempts == 1


class Impatient(Flow[Thing, str], version=1):
    def __init__(self, works: Works) -> None:
        self.works = works

    async def run(self, request: Thing) -> str:
        return (await self.retrying(self.works.make(request), delays=(0.0, 0.0))).name


async def test_a_step_may_have_its_own_schedule(start: Callable[..., Any], backends: Any, until: Any) -> None:
    backends.answers = {"make": BackendUnavailable("down")}
    runner = await start(Impatient)
    await runner.submit(Impatient, "q1", Thing("x"))
    assert (await until(runner, "q1", "dead")).timeline[0].attempts == 3


async def test_a_refusal_undoes_in_reverse(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {
        "make": lambda thing: thing,
        "look": [Thing("x"), Thing("x"), Refused("ugly")],
        "unmake": None,
    }
    runner = await start(Build)
    view = await (await runner.submit(Build, "q1", Thing("x"))).result(60)
    assert (view.state, view.problem.type, view.problem.detail) == ("refused", "/problems/refused", "ugly")
    assert [a["name"] for n, a, _ in backends.calls if n == "unmake"] == ["c", "b", "a"]
    assert backends.keys("unmake") == ["q1/5/undo", "q1/3/undo", "q1/1/undo"]
    assert [(e.seq, e.state) for e in view.timeline] == [
        (1, "undone"), (2, "done"), (3, "undone"), (4, "done"), (5, "undone"), (6, "failed"),
        (-5, "done"), (-3, "done"), (-1, "done"),
    ]  # fmt: skip


async def test_undoing_is_retried_and_each_undo_happens_once(
    start: Callable[..., Any], backends: Any, clock: Any, until: Any
) -> None:
    backends.answers = {
        "make": lambda thing: thing,
        "look": [Thing("x"), Refused("ugly")],
        "unmake": [None, BackendUnavailable("down"), None],
    }
    runner = await start(Build)
    await runner.submit(Build, "q1", Thing("x"))
    view = await until(runner, "q1", "compensating")
    while len(view.timeline) < 6:
        view = await runner.view("q1")
    assert (view.timeline[-1].state, view.timeline[-1].seq) == ("waiting", -1)
    clock.advance(1.1)
    view = await until(runner, "q1", "refused")
    assert view.problem.detail == "ugly"
    assert backends.keys("unmake") == ["q1/3/undo", "q1/1/undo", "q1/1/undo"]


async def test_an_undo_that_is_refused_needs_a_person(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {
        "make": lambda thing: thing,
        "look": [Thing("x"), Refused("ugly")],
        "unmake": [None, Refused("shipped already")],
    }
    runner = await start(Build)
    view = await (await runner.submit(Build, "q1", Thing("x"))).result(60)
    assert (view.state, view.problem.detail) == ("dead", "shipped already")
    assert [e.detail for e in view.timeline if e.state == "failed"] == ["ugly", "shipped already"]


def dead() -> float:
    return REGISTRY.get_sample_value("triptych_flow_events_total", {"flow": "build", "event": "dead"}) or 0


async def test_an_undo_that_keeps_failing_is_retried_on_schedule_then_an_operator_is_called(
    start: Callable[..., Any], backends: Any, clock: Any, until: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    backends.answers = {
        "make": lambda thing: thing,
        "look": [Thing("x"), Refused("ugly")],
        "unmake": [None, BackendUnavailable("down")],
    }
    before = dead()
    runner = await start(Build)
    await runner.submit(Build, "q1", Thing("x"))
    for attempt, wait in enumerate((1, 4, 16, 60), start=2):
        await eventually(lambda attempt=attempt: len(backends.keys("unmake")) >= attempt and at_rest(runner, "q1"))
        clock.advance(wait)
    view = await until(runner, "q1", "dead")
    assert backends.keys("unmake") == ["q1/3/undo"] + ["q1/1/undo"] * 5
    assert [(e.seq, e.state, e.attempts) for e in view.timeline if e.seq < 0] == [(-3, "done", 1), (-1, "failed", 5)]
    assert view.problem.detail == "down"
    await eventually(lambda: dead() != before)  # counted once it is saved
    assert dead() == before + 1
    (said,) = [line for line in capsys.readouterr().err.splitlines() if "flow.dead" in line]
    assert '"level":"error"' in said
    assert '"undoing":true' in said
    backends.answers["unmake"] = None
    await runner.resume("q1", by="ann")
    assert (await until(runner, "q1", "refused")).problem.detail == "ugly"
    assert len(backends.keys("unmake")) == 7


async def test_a_poisonous_request_is_answered_once_and_its_neighbours_go_on(
    start: Callable[..., Any], backends: Any
) -> None:
    def make(thing: Thing) -> Thing:
        if thing.name.startswith("bad"):
            raise Invalid("no such thing")
        return thing

    backends.answers = {"make": make}
    runner = await start(Once)
    names = [f"{'bad' if number % 3 == 0 else 'good'}-{number}" for number in range(60)]
    handles = [await runner.submit(Once, name, Thing(name)) for name in names]
    views = await asyncio.gather(*(handle.result(60) for handle in handles))
    assert [view.state for view in views] == [
        "refused" if view.key.startswith("bad") else "completed" for view in views
    ]
    assert {view.timeline[0].attempts for view in views} == {1}
    assert len(backends.calls) == 60


async def test_exhausted_retries_undo_nothing(start: Callable[..., Any], backends: Any, clock: Any) -> None:
    backends.answers = {"make": lambda thing: thing, "look": BackendUnavailable("down"), "unmake": None}
    runner = await start(Build)
    handle = await runner.submit(Build, "q1", Thing("x"))
    for attempt, wait in enumerate((1, 4, 16, 60), start=1):
        await eventually(lambda attempt=attempt: len(backends.keys("look")) >= attempt and at_rest(runner, "q1"))
        clock.advance(wait)
    view = await handle.result(60)
    assert view.state == "dead"
    assert "unmake" not in backends.names()


async def test_a_write_of_unknown_effect_is_a_dead_letter_at_once(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"make": [Thing("a"), BackendFault("gibberish")], "look": Thing("x"), "unmake": None}
    runner = await start(Build)
    view = await (await runner.submit(Build, "q1", Thing("x"))).result(60)
    assert (view.state, view.problem.detail) == ("dead", "gibberish")
    assert backends.names() == ["make", "look", "make"]


async def test_a_read_that_answers_gibberish_refuses_the_flow(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"make": lambda thing: thing, "look": BackendFault("gibberish"), "unmake": None}
    runner = await start(Build)
    view = await (await runner.submit(Build, "q1", Thing("x"))).result(60)
    assert (view.state, view.problem.type) == ("refused", "/problems/backend-fault")
    assert backends.names() == ["make", "look", "unmake"]


@pytest.mark.parametrize("raised", [ValueError, asyncio.CancelledError])
async def test_a_raw_error_of_the_executor_never_reaches_flow_code(
    start: Callable[..., Any], backends: Any, raised: type[BaseException], until: Any
) -> None:
    async def fail(**_: Any) -> Any:
        raise raised("no secret here")

    backends.answers = {"make": fail}
    runner = await start(Once)
    await runner.submit(Once, "q1", Thing("x"))
    view = await until(runner, "q1", "dead" if raised is ValueError else "waiting")
    assert "secret" not in str(view)


class Buggy(Flow[Thing, str], version=1):
    def __init__(self, works: Works) -> None:
        self.works = works

    async def run(self, request: Thing) -> str:
        await self.undoable(self.works.make(request), lambda thing: self.works.unmake(thing.name))
        raise ZeroDivisionError(request.name)


async def test_a_defect_in_flow_code_undoes_and_is_reported(
    start: Callable[..., Any], backends: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    backends.answers = {"make": lambda thing: thing, "unmake": None}
    runner = await start(Buggy)
    view = await (await runner.submit(Buggy, "q1", Thing("x"))).result(60)
    assert (view.state, view.problem.type) == ("refused", "/problems/internal-fault")
    assert "ZeroDivisionError" in view.problem.detail
    assert backends.names() == ["make", "unmake"]
    assert "flow.fault" in capsys.readouterr().err


class SideBySide(Flow[Thing, str], version=1):
    def __init__(self, works: Works) -> None:
        self.works = works

    async def run(self, request: Thing) -> str:
        made, looked, seen = await self.together(
            self.undoable(self.works.make(request), lambda thing: self.works.unmake(thing.name)),
            self.works.look("first"),
            self.works.look("second"),
        )
        return made.name + looked.name + seen.name


async def test_a_refusal_beside_others_waits_for_what_must_be_undone(
    start: Callable[..., Any], backends: Any, clock: Any, until: Any
) -> None:
    backends.answers = {
        "make": [BackendUnavailable("lost reply"), Thing("x")],
        "look": lambda name: Refused("ugly") if name == "first" else Thing(name),
        "unmake": None,
    }
    runner = await start(SideBySide)
    handle = await runner.submit(SideBySide, "q1", Thing("x"))
    await until(runner, "q1", "waiting")
    clock.advance(1.1)
    view = await handle.result(60)
    assert (view.state, view.problem.detail) == ("refused", "ugly")
    assert backends.names() == ["make", "look", "look", "make", "unmake"]


async def test_a_refusal_beside_others_does_not_wait_for_reads(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {
        "make": Thing("x"),
        "look": lambda name: BackendUnavailable("down") if name == "first" else Refused("ugly"),
        "unmake": None,
    }
    runner = await start(SideBySide)
    view = await (await runner.submit(SideBySide, "q1", Thing("x"))).result(60)
    assert (view.state, view.problem.detail) == ("refused", "ugly")
    assert backends.names() == ["make", "look", "look", "unmake"]


async def test_cancelling_takes_effect_at_the_next_step_and_undoes(start: Callable[..., Any], backends: Any) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(name: str) -> Thing:
        reached.set()
        await go_on.wait()
        return Thing(name)

    backends.answers = {"make": lambda thing: thing, "look": slow, "unmake": None}
    runner = await start(Build)
    handle = await runner.submit(Build, "q1", Thing("x"))
    await reached.wait()
    assert (await runner.cancel("q1")).cancel_requested
    go_on.set()
    view = await handle.result(60)
    assert (view.state, view.problem) == ("cancelled", None)
    assert backends.names() == ["make", "look", "unmake"]
    assert (await runner.cancel("q1")).state == "cancelled"
    assert (await (await runner.submit(Build, "q1", Thing("x"))).result(60)).flow_id == "q1.2"


async def test_cancelling_a_waiting_flow_wakes_it(start: Callable[..., Any], backends: Any, until: Any) -> None:
    backends.answers = {"make": lambda thing: thing, "look": BackendUnavailable("down"), "unmake": None}
    runner = await start(Build)
    handle = await runner.submit(Build, "q1", Thing("x"))
    await until(runner, "q1", "waiting")
    await runner.cancel("q1")
    assert (await handle.result(60)).state == "cancelled"
    assert backends.names() == ["make", "look", "unmake"]


async def test_cancelling_waits_until_a_write_in_doubt_is_known(
    start: Callable[..., Any], backends: Any, clock: Any, quick: Any, until: Any
) -> None:
    backends.answers = {"make": [BackendUnavailable("lost reply"), Thing("a")], "unmake": None}
    runner = await start(Build, settings=msgspec.structs.replace(quick, delays=(60, 60)))
    handle = await runner.submit(Build, "q1", Thing("x"))
    await until(runner, "q1", "waiting")
    await runner.cancel("q1")
    await handle.result(0.1)
    await until(runner, "q1", "waiting")
    clock.advance(60)
    assert (await handle.result(60)).state == "cancelled"
    assert backends.names() == ["make", "make", "unmake"]


async def test_a_completed_flow_cannot_be_cancelled(start: Callable[..., Any], backends: Any) -> None:
    backends.answers = {"make": Thing("x")}
    runner = await start(Once)
    await (await runner.submit(Once, "q1", Thing("x"))).result(60)
    with pytest.raises(Conflict, match="completed"):
        await runner.cancel("q1")


async def test_a_step_that_never_answers_is_cut_off(
    start: Callable[..., Any], backends: Any, quick: Any, until: Any
) -> None:
    backends.answers = {"make": lambda thing: asyncio.sleep(60, thing)}
    runner = await start(Once, settings=msgspec.structs.replace(quick, step_timeout=0.05))
    await runner.submit(Once, "q1", Thing("x"))
    view = await until(runner, "q1", "waiting")
    assert view.timeline[0].detail == "works.make did not answer in time."
