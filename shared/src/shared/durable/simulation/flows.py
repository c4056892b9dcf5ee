"""The flows that are simulated. Between them they use everything a flow can: see each class."""

# pyright: reportReturnType=false
# a contract's methods have no body

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, NamedTuple

import msgspec

from shared.binding.declare import Contract, get, post
from shared.binding.problems import Refused
from shared.durable.flow import Flow, shape_of
from shared.durable.waits import SignalTimedOut


class Deal(msgspec.Struct, frozen=True):
    """What a flow is asked for.

    Attributes:
        name: Of the deal.
        acceptable: False for one that is refused after its writes.
        pause: Seconds to rest midway, or to wait for a signal; 0 for no rest, or a wait without end.
        note: Changes nothing; operators edit it.
    """

    name: str
    acceptable: bool = True
    pause: float = 0.0
    note: str = ""


class Entry(msgspec.Struct, frozen=True):
    """An entry in the books; `number` is given by the books."""

    flow_id: str
    slot: str
    number: int = 0


class Answer(msgspec.Struct, frozen=True):
    """What a signal brings: `number` differs from signal to signal."""

    number: int


class Traded(msgspec.Struct, frozen=True):
    """The event that a trade stands."""

    version: ClassVar[int] = 1
    name: str


class Books(Contract, tier="system", version="v1"):
    """Books of a simulated backend."""

    @get("/entries/{name}", scope="books:read")
    async def look(self, name: str) -> str:
        """Return the name."""

    @post("/entries", scope="books:write")
    async def enter(self, entry: Entry) -> Entry:
        """Enter something."""

    @post("/entries/{number}/strike", scope="books:write")
    async def strike(self, number: int) -> None:
        """Strike an entry out."""


class Trade(Flow[Deal, str], version=1):
    """A write, a write beside a read, a rest, a refusal that undoes both, a last write that stays, an event."""

    def __init__(self, books: Books) -> None:
        self.books = books

    async def run(self, request: Deal) -> str:
        """Enter all three, or nothing."""
        self.now()
        await self.books.look(request.name)
        await self.undoable(self.books.enter(Entry(self.flow_id, "first")), lambda made: self.books.strike(made.number))
        await self.together(
            self.books.look("beside"),
            self.undoable(self.books.enter(Entry(self.flow_id, "beside")), lambda made: self.books.strike(made.number)),
        )
        if request.pause:
            await self.sleep(request.pause)
        if not request.acceptable:
            raise Refused("This deal is not acceptable.")
        last = await self.books.enter(Entry(self.flow_id, "last"))
        self.publish(Traded(request.name))
        return last.slot


class TradeOfToday(Flow[Deal, str], version=2, name="trade"):
    """The next version of a trade, served beside the first: other steps, and retries of its own."""

    def __init__(self, books: Books) -> None:
        self.books = books

    async def run(self, request: Deal) -> str:
        """Enter all, or nothing."""
        await self.retrying(self.books.look(request.name), delays=QUICKLY)
        await self.undoable(
            self.retrying(self.books.enter(Entry(self.flow_id, "first")), delays=QUICKLY),
            lambda made: self.books.strike(made.number),
        )
        if request.pause:
            await self.sleep(until=self.now() + timedelta(seconds=request.pause))
        if not request.acceptable:
            raise Refused("This deal is not acceptable today.")
        return (await self.books.enter(Entry(self.flow_id, "last"))).slot


class Approval(Flow[Deal, str], version=1):
    """Waits for two signals of one name, which may come before it waits, while a worker has it, or never."""

    def __init__(self, books: Books) -> None:
        self.books = books

    async def run(self, request: Deal) -> str:
        """Enter each signal that came."""
        await self.undoable(self.books.enter(Entry(self.flow_id, "first")), lambda made: self.books.strike(made.number))
        for _ in range(2):
            try:
                answer = await self.wait_for("approval", Answer, timeout=request.pause or None)
            except SignalTimedOut:
                break
            await self.undoable(
                self.books.enter(Entry(self.flow_id, f"signal {answer.number}")),
                lambda made: self.books.strike(made.number),
            )
        if not request.acceptable:
            raise Refused("This was not approved.")
        return "approved"


class Errand(Flow[Deal, int], version=1):
    """What a family has one of its children do."""

    def __init__(self, books: Books) -> None:
        self.books = books

    async def run(self, request: Deal) -> int:
        """Enter it, unless it is refused."""
        made = await self.undoable(
            self.books.enter(Entry(self.flow_id, "errand")), lambda made: self.books.strike(made.number)
        )
        if request.pause:
            await self.sleep(request.pause)
        if not request.acceptable:
            raise Refused("This errand is not acceptable.")
        return made.number


class Family(Flow[Deal, int], version=1):
    """A write beside a child flow, then a second child, whose refusal undoes the parent."""

    def __init__(self, books: Books) -> None:
        self.books = books

    async def run(self, request: Deal) -> int:
        """Have both errands done, or undo what is this flow's own."""
        first, _ = await self.together(
            self.child(Errand, "one", Deal(f"one of {request.name}", pause=request.pause)),
            self.undoable(self.books.enter(Entry(self.flow_id, "beside")), lambda made: self.books.strike(made.number)),
        )
        return first + await self.child(Errand, "two", Deal(f"two of {request.name}", request.acceptable))


QUICKLY = (0.5, 2.0, 8.0)
"""Seconds between the attempts of the steps that ask for their own."""
SCHEDULE = (1.0, 4.0, 16.0, 60.0)
"""Seconds between the attempts of all others: the promise, not what the code under test says."""
LASTING = "last"
"""The one entry that nothing undoes."""


class Simulated(NamedTuple):
    """What a verdict must know of a flow.

    Attributes:
        flow: Its class.
        slots: The entries that stand once it is completed; None for the first, and one for each signal that came.
        quick: Numbers of the steps that are retried by `QUICKLY`.
    """

    flow: type[Flow[Deal, Any]]
    slots: frozenset[str] | None
    quick: frozenset[int] = frozenset()


KNOWN: Mapping[str, Simulated] = {
    shape_of(each.flow).kind: each
    for each in (
        Simulated(Trade, frozenset({"first", "beside", LASTING})),
        Simulated(TradeOfToday, frozenset({"first", LASTING}), frozenset({1, 2})),
        Simulated(Approval, None),
        Simulated(Family, frozenset({"beside"})),
        Simulated(Errand, frozenset({"errand"})),
    )
}
"""Everything a worker of today serves, by kind."""

OLDER: tuple[type[Flow[Any, Any]], ...] = tuple(each.flow for each in KNOWN.values() if each.flow is not TradeOfToday)
"""What a worker serves that was not updated yet."""
