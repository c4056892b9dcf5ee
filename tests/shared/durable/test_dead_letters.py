"""Fix and resume: what could not finish goes on from its failed step, after a look at what would follow."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from eventually import eventually

from shared.binding.declare import Contract, get, post
from shared.binding.problems import BackendFault, BackendUnavailable, Conflict, Invalid, NotFound, Refused
from shared.contracts.process.flow_operations import CannotGoOn, FlowNotFound, NoDeadLetter, PlannedWrite
from shared.durable.dead_letters import merge_patch
from shared.durable.flow import Flow
from shared.durable.journal import FlowRecord
from shared.durable.sqlite.journal import SqliteJournal
from shared.security.sensitive import Sensitive

NEVER_AGAIN: tuple[float, ...] = ()


class Wish(msgspec.Struct, frozen=True):
    """What is wanted."""

    name: str
    address: str = "old"
    phone: Sensitive[str] = "0800"


class Mill(Contract, tier="system", version="v1"):
    """Grinds."""

    @get("/sacks/{name}", scope="mill:read")
    async def weigh(self, name: str) -> int:
        """Weigh it."""

    @post("/sacks", scope="mill:write")
    async def grind(self, wish: Wish) -> str:
        """Grind it."""

    @post("/sacks/{name}/parcel", scope="mill:write")
    async def ship(self, name: str, wish: Wish) -> str:
        """Ship it."""

    @post("/sacks/{name}/end", scope="mill:write")
    async def empty(self, name: str) -> None:
        """Empty it."""


class Bake(Flow[Wish, str], version=1):
    def __init__(self, mill: Mill) -> None:
        self.mill = mill

    async def run(self, request: Wish) -> str:
        await self.mill.weigh(request.name)
        sack = await self.undoable(self.mill.grind(Wish(request.name)), self.mill.empty)
        parcel = await self.retrying(self.mill.ship(sack, request), delays=NEVER_AGAIN)
        if request.name == "pair":
            for half in "ab":
                await self.mill.grind(Wish(half))
        return parcel


@pytest.fixture(autouse=True)
def answers(backends: Any) -> None:
    backends.answers = {"weigh": 5, "grind": "sack", "ship": BackendUnavailable("down"), "empty": None}


async def dead(runner: Any, key: str = "f", wish: Wish | None = None) -> Any:
    view = await (await runner.submit(Bake, key, wish or Wish("x"))).result(60)
    assert view.state == "dead"
    return view


async def test_a_resumed_flow_goes_on_from_its_failed_step(start: Callable[..., Any], backends: Any) -> None:
    runner = await start(Bake)
    await dead(runner)
    backends.answers["ship"] = "parcel"
    assert (await runner.resume("f", by="ann", reason="carrier is back")).state != "dead"
    view = await runner.result("f", 60)
    assert (view.state, view.result, view.problem) == ("completed", "parcel", None)
    assert backends.names() == ["weigh", "grind", "ship", "ship"]
    assert backends.keys("ship") == ["f/3", "f/3"]
    ((entry,), _) = await runner.audit("f")
    assert (entry.who, entry.act, entry.detail) == ("ann", "resume", "carrier is back")


async def test_a_resumed_step_has_all_its_retries_again(
    start: Callable[..., Any], backends: Any, clock: Any, until: Any
) -> None:
    class Once(Flow[Wish, str], version=1):
        def __init__(self, mill: Mill) -> None:
            self.mill = mill

        async def run(self, request: Wish) -> str:
            return await self.mill.grind(request)

    backends.answers["grind"] = BackendUnavailable("down")
    runner = await start(Once)
    await runner.submit(Once, "f", Wish("x"))
    for attempts in (5, 10):
        for attempt, wait in enumerate((1, 4, 16, 60), start=attempts - 4):
            await eventually(lambda attempt=attempt: len(backends.calls) >= attempt)
            await until(runner, "f", "waiting")
            clock.advance(wait + 0.1)
        await until(runner, "f", "dead")
        assert len(backends.calls) == attempts
        await runner.resume("f", by="ann")


async def test_the_preview_names_the_writes_that_would_follow(start: Callable[..., Any], backends: Any) -> None:
    runner = await start(Bake)
    await dead(runner)
    preview = await runner.dead_letters.preview("f")
    assert preview.writes == [PlannedWrite("mill.ship", "next", repeated=True), PlannedWrite("mill.grind", "later")]
    assert (preview.kept, preview.begins_anew, preview.rehearsed, preview.obstacle) == (["mill.grind"], False, True, "")
    assert backends.names() == ["weigh", "grind", "ship"]


async def test_the_preview_of_a_flow_that_got_stuck_undoing_names_the_undos(
    start: Callable[..., Any], backends: Any
) -> None:
    backends.answers |= {"ship": Refused("no"), "empty": BackendFault("gibberish")}
    runner = await start(Bake)
    await dead(runner)
    preview = await runner.dead_letters.preview("f")
    assert preview.writes == [PlannedWrite("mill.empty", "undo", repeated=True)]
    backends.answers["empty"] = None
    await runner.resume("f", by="ann")
    view = await runner.result("f", 60)
    assert (view.state, view.problem.detail) == ("refused", "no")
    with pytest.raises(NoDeadLetter):
        await runner.resume("f", by="ann")


async def test_an_undo_that_was_refused_can_be_resumed(start: Callable[..., Any], backends: Any) -> None:
    backends.answers |= {"ship": Refused("no"), "empty": [Refused("not yet"), None]}
    runner = await start(Bake)
    await dead(runner)
    await runner.resume("f", by="ann")
    assert (await runner.result("f", 60)).state == "refused"


async def test_an_edit_that_leaves_the_record_true_goes_on_from_it(start: Callable[..., Any], backends: Any) -> None:
    runner = await start(Bake)
    await dead(runner)
    backends.answers["ship"] = lambda name, wish: f"to {wish.address}, {wish.phone}"
    await runner.resume("f", by="ann", patch={"address": "new"})
    assert (await runner.result("f", 60)).result == "to new, 0800"
    assert backends.names() == ["weigh", "grind", "ship", "ship"]
    assert (await runner.audit("f"))[0][0].detail == "request edited"


async def test_an_edit_after_reads_only_begins_anew(start: Callable[..., Any], backends: Any) -> None:
    backends.answers["weigh"] = [BackendUnavailable("down")]

    class Weighed(Flow[Wish, int], version=1):
        def __init__(self, mill: Mill) -> None:
            self.mill = mill

        async def run(self, request: Wish) -> int:
            return await self.retrying(self.mill.weigh(request.name), delays=NEVER_AGAIN) + await self.mill.weigh("x")

    runner = await start(Weighed)
    await (await runner.submit(Weighed, "f", Wish("x"))).result(60)
    backends.answers["weigh"] = [7]
    await runner.resume("f", by="ann", patch={"name": "y"})
    assert (await runner.result("f", 60)).result == 14
    assert [a["name"] for _, a, _ in backends.calls] == ["x", "y", "x"]


async def test_an_edit_that_contradicts_what_was_written_is_refused(start: Callable[..., Any], backends: Any) -> None:
    runner = await start(Bake)
    await dead(runner)
    with pytest.raises(CannotGoOn, match="Cancel the flow"):
        await runner.resume("f", by="ann", patch={"name": "y"})
    assert "Cancel the flow" in (await runner.dead_letters.preview("f", patch={"name": "y"})).obstacle
    assert (await runner.view("f")).state == "dead"
    assert (await runner.audit("f"))[0] == []
    await runner.cancel("f", by="ann", reason="wrong name")
    backends.answers["ship"] = "parcel"
    view = await runner.result("f", 60)
    assert view.state == "cancelled"
    assert backends.names()[-1] == "empty"


async def test_an_edit_that_does_not_fit_the_flow_is_refused(start: Callable[..., Any]) -> None:
    runner = await start(Bake)
    await dead(runner)
    with pytest.raises(Invalid) as refused:
        await runner.dead_letters.edit("f", {"address": 7}, by="ann")
    assert refused.value.errors[0].pointer == "/address"
    assert "/address" in str(refused.value)
    with pytest.raises(Invalid, match="no field `adress`"):
        await runner.dead_letters.edit("f", {"adress": "new"}, by="ann")
    assert (await runner.audit("f"))[0] == []
    with pytest.raises(NotFound):
        await runner.resume("nobody", by="ann")


async def test_an_edited_flow_waits_for_its_resumption(start: Callable[..., Any], backends: Any) -> None:
    runner = await start(Bake)
    await dead(runner)
    await runner.dead_letters.edit("f", {"address": "new"}, by="ann", reason="moved")
    assert (await runner.view("f")).state == "dead"
    assert await runner.request("f") == {"name": "x", "address": "new", "phone": "***"}
    backends.answers["ship"] = lambda name, wish: wish.address + wish.phone
    await runner.resume("f", by="bob")
    assert (await runner.result("f", 60)).result == "new0800"
    assert [(e.who, e.act) for e in (await runner.audit("f"))[0]] == [("bob", "resume"), ("ann", "edit")]


async def test_a_discarded_flow_is_settled(start: Callable[..., Any], backends: Any) -> None:
    runner = await start(Bake)
    await dead(runner)
    await runner.dead_letters.discard("f", by="ann", reason="shipped by hand")
    view = await runner.view("f")
    assert (view.state, view.ended, view.problem.detail) == ("discarded", True, "down")
    for act in (runner.resume("f", by="ann"), runner.dead_letters.discard("f", by="ann")):
        with pytest.raises(NoDeadLetter, match="discarded"):
            await act
    with pytest.raises(Conflict, match="discarded"):
        await runner.cancel("f")
    handle = await runner.submit(Bake, "f", Wish("x"))
    assert (handle.flow_id, handle.is_new) == ("f", False)


class BakeAnew(Flow[Wish, str], version=1, name="bake"):
    """The same flow after a repair that may not touch what is recorded."""

    def __init__(self, mill: Mill) -> None:
        self.mill = mill

    async def run(self, request: Wish) -> str:
        await self.mill.weigh(request.name)
        sack = await self.mill.grind(Wish(request.name))
        return await self.mill.ship(sack.upper(), request)


async def test_new_code_goes_on_where_the_old_failed(
    journal: SqliteJournal, start: Callable[..., Any], backends: Any, until: Any
) -> None:
    runner = await start(Bake)
    await dead(runner)
    await runner.stop()
    repaired = await start(BakeAnew)
    backends.answers["ship"] = lambda name, wish: name
    await repaired.resume("f", by="ann")
    assert (await repaired.result("f", 60)).result == "SACK"


class BakeOtherwise(Flow[Wish, str], version=1, name="bake"):
    def __init__(self, mill: Mill) -> None:
        self.mill = mill

    async def run(self, request: Wish) -> str:
        return await self.mill.grind(request)


async def test_code_that_does_not_fit_the_record_is_refused_before_anything_happens(
    start: Callable[..., Any], backends: Any
) -> None:
    runner = await start(Bake)
    await dead(runner)
    await runner.stop()
    changed = await start(BakeOtherwise)
    with pytest.raises(CannotGoOn, match=r"Step 1 was recorded as mill\.weigh"):
        await changed.resume("f", by="ann")
    assert (await changed.view("f")).state == "dead"


async def test_a_version_that_nobody_serves_is_named(start: Callable[..., Any], journal: SqliteJournal) -> None:
    runner = await start(Bake)
    await dead(runner)

    class Else(Flow[Wish, str], version=1):
        async def run(self, request: Wish) -> str:
            return request.name

    other = await start(Else)
    with pytest.raises(CannotGoOn, match="bake@1"):
        await other.resume("f", by="ann")


async def test_code_of_a_flow_that_took_workers_down_is_not_run_to_preview_it(
    start: Callable[..., Any], journal: SqliteJournal, backends: Any
) -> None:
    await journal.start(FlowRecord("f", "f", 1, "bake@1", b'{"name":"a"}', b"{}"), "gone")
    for number in range(4):
        await journal.claim(f"gone{number}", ["bake@1"], 1)
    runner = await start(Bake)
    assert (await runner.result("f", 60)).state == "dead"
    preview = await runner.dead_letters.preview("f")
    assert (preview.rehearsed, preview.writes) == (False, [])
    backends.answers["ship"] = "parcel"
    await runner.resume("f", by="ann")
    assert (await runner.result("f", 60)).state == "completed"


async def test_many_are_resumed_one_by_one_and_each_once(start: Callable[..., Any], backends: Any) -> None:
    runner = await start(Bake)
    names = [f"f{n}" for n in range(20)]
    await asyncio.gather(*(dead(runner, name) for name in names))
    backends.answers["ship"] = "parcel"
    told = []
    async for resumed in runner.dead_letters.resume_all([*names, "nobody"], by="ann"):
        told.append(resumed)
        if len(told) == 7:
            break
    still = [view.flow_id for view in (await runner.page(states=["dead"], limit=100))[0]]
    assert set(still).isdisjoint(resumed.flow_id for resumed in told)
    rest = [resumed async for resumed in runner.dead_letters.resume_all([*names, "nobody"], by="ann")]
    assert [type(resumed.problem) for resumed in rest if resumed.problem] == [NoDeadLetter] * 7 + [FlowNotFound]
    assert {(await runner.result(name, 60)).state for name in names} == {"completed"}
    assert backends.names().count("ship") == 40


def test_a_merge_patch_replaces_and_removes() -> None:
    assert merge_patch({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": None, "e": [1]}, "d": None}) == {
        "a": {"c": 2, "e": [1]}
    }
    assert merge_patch({"a": 1}, [1]) == [1]
    assert merge_patch("x", {"a": {"b": None}}) == {"a": {}}
