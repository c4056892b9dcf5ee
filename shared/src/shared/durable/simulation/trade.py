"""The flow that is simulated: it reads, writes, writes beside a read, sleeps, may be refused, and undoes."""

# pyright: reportReturnType=false
# a contract's methods have no body

from typing import Literal

import msgspec

from shared.binding.declare import Contract, get, post
from shared.binding.problems import Refused
from shared.durable.flow import Flow

Slot = Literal["first", "beside", "last"]


class Deal(msgspec.Struct, frozen=True):
    """What a trade is asked for.

    Attributes:
        name: Of the trade.
        acceptable: False for one that is refused after two writes.
        pause: Seconds to rest midway.
    """

    name: str
    acceptable: bool = True
    pause: float = 0.0


class Entry(msgspec.Struct, frozen=True):
    """An entry in the books; `number` is given by the books."""

    flow_id: str
    slot: Slot
    number: int = 0


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
    """Two writes that can be undone, and a last one that cannot."""

    def __init__(self, books: Books) -> None:
        self.books = books

    async def run(self, request: Deal) -> str:
        """Enter all three, or nothing."""
        self.now()
        await self.books.look(request.name)
        await self.undoable(
            self.books.enter(Entry(self.flow_id, "first")), lambda entry: self.books.strike(entry.number)
        )
        await self.together(
            self.books.look("beside"),
            self.undoable(
                self.books.enter(Entry(self.flow_id, "beside")), lambda entry: self.books.strike(entry.number)
            ),
        )
        if request.pause:
            await self.sleep(request.pause)
        if not request.acceptable:
            raise Refused("This deal is not acceptable.")
        return (await self.books.enter(Entry(self.flow_id, "last"))).slot
