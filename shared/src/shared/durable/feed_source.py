"""The feed of another API as an event source: what a System API tells of its backend starts flows, too."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from shared.binding.call_context import CallContext, calling
from shared.binding.declare import Contract
from shared.contracts.canonical.event_feed import CursorExpired, EventFeed, EventRecord
from shared.messaging.event_source import Event, PositionExpired

PASSED = "passed"
"""Type of an event that says nothing but where the feed stands; no event of a subscription has it."""

_ROOM = 9.0  # seconds that a call may take beyond its waiting


@dataclass(frozen=True)
class Feed:
    """A channel that an API tells of.

    Attributes:
        contract: Of the API; its `list_events` takes `channel`, `after`, `begin` and `limit`.
        channel: Which of its channels.
        of: The capability of whose records it tells. It is read only where one vendor fills both: SAP's documents say
            nothing of orders that stand in another ERP.
    """

    contract: type[Contract]
    channel: str
    of: type[Contract] | None = None

    def __post_init__(self) -> None:
        """Raises TypeError for a contract that has no feed of channels."""
        operation = self.contract.operations.get("list_events")
        wanted = {"channel", "after", "begin", "limit"}
        if (
            operation is None
            or operation.result_type is not EventFeed
            or not wanted <= {p.name for p in operation.parameters}
        ):
            raise TypeError(f"{self.contract.__name__} has no feed of channels; subscribe to one that has list_events.")

    @property
    def name(self) -> str:
        """Of the source: `salesforce_events:/data/AccountChangeEvent`."""
        return f"{self.contract.slug}:{self.channel}"


class _Feeding(Protocol):
    async def list_events(self, channel: str, after: str | None, begin: str, limit: int) -> EventFeed: ...


class FeedSource:
    """Implements `EventSource` over a feed. Positions are its cursors; all events of one answer share its last.

    Args:
        feed: Which.
        client: A client of its contract.
        context: What calls are made in: as whom.
    """

    def __init__(self, feed: Feed, client: Callable[[], Any], context: Callable[[], CallContext]) -> None:
        self._feed, self._client, self._context = feed, client, context

    @property
    def name(self) -> str:
        """See `EventSource`."""
        return self._feed.name

    async def read(self, after: str, limit: int, wait_seconds: float) -> Sequence[Event]:
        """See `EventSource.read`; an answer that only moves the cursor is an event of type `PASSED`."""
        told = await self._listed(after or None, "oldest", limit, wait_seconds)
        if told.items or told.cursor == after:
            return [_event(record, told.cursor) for record in told.items]
        return [Event(f"passed/{told.cursor}", PASSED, 1, b"null", datetime.now(UTC), told.cursor)]

    async def latest(self) -> str:
        """See `EventSource.latest`."""
        return (await self._listed(None, "latest", 1, 0.0)).cursor

    async def _listed(self, after: str | None, begin: str, limit: int, wait: float) -> EventFeed:
        client: _Feeding = self._client()
        try:
            with calling(self._context().replace(wait=wait, deadline=time.monotonic() + wait + _ROOM)):
                return await client.list_events(channel=self._feed.channel, after=after, begin=begin, limit=limit)
        except CursorExpired as problem:
            raise PositionExpired(problem.detail) from None


def _event(record: EventRecord, position: str) -> Event:
    unreadable = "Its feed could not read it." if record.payload == "null" else ""
    return Event(
        record.event_id, record.type, record.version, record.payload.encode(), record.occurred, position,
        record.producer, "", record.correlation_id, unreadable,
    )  # fmt: skip
