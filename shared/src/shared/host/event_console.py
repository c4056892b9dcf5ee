"""Events and their consumers for a person at a terminal, over the flow operations API."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from rich.markup import escape
from rich.table import Table

from shared.contracts.canonical.event_feed import EventFeed, EventRecord
from shared.contracts.process.flow_operations import ConsumerSummary
from shared.host.operators import OperatorConsole

_WAIT_SECONDS = 20


class EventConsole(OperatorConsole):
    """Commands about events; each returns an exit status."""

    async def show_events(self, types: Sequence[str], after: str | None, limit: int) -> int:
        """Print events, oldest first, and where to go on."""
        feed = await self._read(_query(types, after) | {"limit": limit})
        self._tell_events(feed.items)
        if feed.items:
            self._out.print(f"[dim]Go on with --after {feed.cursor}[/]")
        else:
            self._out.print("There are none.")
        return 0

    async def follow(self, types: Sequence[str], after: str | None) -> int:
        """Print events as they come, until interrupted."""
        query = _query(types, after) | ({} if after else {"begin": "latest"})
        while True:
            feed = await self._read(query, wait=_WAIT_SECONDS)
            self._tell_events(feed.items)
            query = _query(types, feed.cursor)

    async def show_consumers(self) -> int:
        """Print how far behind each consumer is."""
        consumers = await self._ask("GET", "/consumers", list[ConsumerSummary])
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
        for column in ("consumer", "source", "behind", "lag s", "moved s ago"):
            table.add_column(column)
        for each in consumers:
            table.add_row(
                each.consumer, each.source, str(each.behind), f"{each.lag_seconds:,.1f}", f"{each.moved_seconds:,.0f}"
            )
        self._out.print(table if consumers else "There are none.")
        return 0

    async def forget(self, consumer: str) -> int:
        """Forget a consumer, and print who is left."""
        await self._ask("DELETE", f"/consumers/{quote(consumer, safe='')}", None)
        return await self.show_consumers()

    async def _read(self, query: dict[str, Any], wait: int = 0) -> EventFeed:
        return await self._ask("GET", "/events", EventFeed, query=query, headers={"prefer": f"wait={wait}"})

    def _tell_events(self, events: Sequence[EventRecord]) -> None:
        for event in events:
            at = f"{event.occurred.astimezone():%Y-%m-%d %H:%M:%S}"
            line = f"[dim]{at}[/] [bold]{event.type}[/] [dim]{escape(event.event_id)}[/] {escape(event.payload)}"
            self._out.print(line, soft_wrap=True)


def _query(types: Sequence[str], after: str | None) -> dict[str, Any]:
    return {**({"types": list(types)} if types else {}), **({"after": after} if after else {})}
