"""A flow that subscribes to the feed of another API: the host reads it as the API whose flow it starts."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from shared.binding.call_context import current_context
from shared.binding.declare import Contract, Cursor, PageSize, get
from shared.contracts.canonical.event_feed import EventFeed, EventRecord
from shared.durable.archive_folder import ArchiveFolder
from shared.durable.codec import PlainCodec
from shared.durable.feed_source import Feed
from shared.durable.flow import Flow
from shared.durable.journal_retention import Ages
from shared.durable.sqlite.journal import SqliteJournal
from shared.durable.subscription import Subscription
from shared.host.api import Api
from shared.host.call_graph import calls
from shared.host.flows import FlowHost


class Meters(Contract, tier="system", version="v1"):
    """Meters that tell what they read."""

    @get("/events", scope="meters:read", timeout=30.0, waits=True)
    async def list_events(
        self,
        channel: str,
        after: Cursor | None = None,
        begin: Literal["oldest", "latest"] = "oldest",
        limit: PageSize = 50,
    ) -> EventFeed:
        """Return readings."""
        ...


class Readings(Contract, tier="process", version="v1"):
    """Readings that were taken over."""

    @get("/readings", scope="readings:read")
    async def count(self) -> int:
        """Count them."""
        ...


class Taken(Readings):
    async def count(self) -> int:
        return 0


class MeterRead(msgspec.Struct, frozen=True):
    """A reading."""

    meter: str


class TakeOver(Flow[str, str], version=1):
    async def run(self, request: str) -> str:
        return request


class Told(Meters):
    """Tells of one reading, and waits when it has been told."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.twice = asyncio.Event()

    async def list_events(
        self,
        channel: str,
        after: str | None = None,
        begin: Literal["oldest", "latest"] = "oldest",
        limit: int = 50,
    ) -> EventFeed:
        principal = current_context().principal
        assert principal is not None
        self.asked.append((channel, after, principal.audience, principal.scopes))
        if after is not None:
            self.twice.set()
            await asyncio.sleep(60)
        record = EventRecord("1", "meter-read", 1, datetime.now(UTC), '{"meter":"m1"}')
        return EventFeed([record], "c1")


async def test_the_host_reads_a_feed_as_the_api_that_subscribes(tmp_path: Path) -> None:
    meters = Told()
    taking = Subscription(
        "taking", MeterRead, TakeOver, key=lambda read: f"take-{read.meter}", request=lambda read: read.meter,
        source=Feed(Meters, "/main"),
    )  # fmt: skip
    api = Api(service=Taken, flows=(TakeOver,), subscriptions=(taking,))
    journal = SqliteJournal(tmp_path / "journal.db")
    archive, ages = ArchiveFolder(tmp_path / "archive"), Ages(1e9, {})
    host = FlowHost(journal, "http://issuer", lambda _, __: meters, PlainCodec(), archive, ages, 1e9)
    host.provided_for(api)
    await host.start()
    async with asyncio.timeout(60):
        await meters.twice.wait()
    (state,) = await journal.consumers()
    assert (state.source, state.position) == ("meters:/main", "c1")
    assert await flows(journal) == ["take-m1"]
    await host.stop()
    scopes = frozenset({"meters:read"})
    assert meters.asked[0] == ("/main", None, api.contract.audience, scopes)
    assert meters.asked[1][1] == "c1"
    assert calls(api) == {Meters}, "the call graph knows what is subscribed to"


async def flows(journal: SqliteJournal) -> list[str]:
    return await journal._read(
        lambda connection, _: [flow_id for (flow_id,) in connection.execute("SELECT flow_id FROM flow")]
    )
