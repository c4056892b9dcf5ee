"""A step that may have happened stays in doubt until its backend has been asked again."""

from shared.binding.declare import Contract, post
from shared.binding.problems import BackendUnavailable, CircuitOpen
from shared.durable.flow import Flow
from shared.durable.journal import Change, FlowRecord, Save, StepRecord


class Shelf(Contract, tier="system", version="v1"):
    """A shelf."""

    @post("/boxes", scope="shelf:write")
    async def place(self, box: str) -> str:
        """Place a box."""

    @post("/boxes/{box}/removal", scope="shelf:write")
    async def remove(self, box: str) -> None:
        """Remove it."""


class Storing(Flow[str, str], version=1):
    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    async def run(self, request: str) -> str:
        await self.undoable(self.shelf.place(request), self.shelf.remove)
        return await self.shelf.place("beside")


async def test_a_step_lost_with_its_worker_and_then_put_off_is_still_undone_when_cancelled(
    journal, backends, start, until
) -> None:
    """The worker vanished after the effect; an open circuit then keeps the next worker from asking again."""
    backends.answers = {"place": [CircuitOpen("open", retry_after=0.2), "box"], "remove": None}
    await journal.register("vanished", 0.0)
    await journal.start(FlowRecord("s-1", "s-1", 1, "storing@1", b'"box"', b"{}"), "vanished")
    runner = await start(Storing)
    await until(runner, "s-1", "waiting")
    await runner.cancel("s-1")
    await until(runner, "s-1", "cancelled")
    assert backends.names() == ["place", "place", "remove"]


async def test_a_cancelled_flow_that_is_quarantined_says_why_and_ends_cancelled_once_resumed(
    journal, backends, start, until
) -> None:
    backends.answers = {"remove": None}
    await journal.start(FlowRecord("s-2", "s-2", 1, "storing@1", b'"box"', b"{}"), "lost-0")
    placed = StepRecord(1, "shelf.place", b'{"box":"box"}', "succeeded", b'"box"', 1, 0, 1.0, 1.0)
    await journal.save(Save("s-2", 1, (placed,), Change("compensating", compensating=True)))
    for number in range(1, 6):
        await journal.claim(f"lost-{number}", ["storing@1"], 1)
    runner = await start(Storing)
    view = await until(runner, "s-2", "dead")
    assert view.problem is not None
    assert "workers in a row ended" in view.problem.detail
    await runner.resume("s-2", by="operator")
    view = await until(runner, "s-2", "cancelled")
    assert view.problem is None
    assert backends.names() == ["remove"]


async def test_a_step_that_failed_after_a_takeover_is_tried_again_before_a_cancellation_undoes_it(
    journal, backends, start, until
) -> None:
    backends.answers = {"place": [BackendUnavailable("down"), "box"], "remove": None}
    await journal.start(FlowRecord("s-3", "s-3", 1, "storing@1", b'"box"', b"{}"), "vanished")
    runner = await start(Storing)
    await until(runner, "s-3", "waiting")
    await runner.cancel("s-3")
    await until(runner, "s-3", "cancelled")
    assert backends.names() == ["place", "place", "remove"]
