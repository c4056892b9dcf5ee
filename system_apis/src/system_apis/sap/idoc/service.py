"""The IDoc contract on one SAP system."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

from shared.binding.call_context import current_context
from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.contracts.canonical.event_feed import CursorExpired, EventFeed, EventRecord
from shared.contracts.system.sap_idocs import (
    IdocNotFound,
    IdocsPosted,
    IdocStatus,
    IdocSummary,
    InvalidIdoc,
    KeptIdoc,
    Outcome,
    ReceivedIdoc,
    ReceivedIdocs,
    SapIdocs,
)
from shared.telemetry.logging import get_logger
from system_apis.sap.connector import SapConnector
from system_apis.sap.idoc import kept as rows
from system_apis.sap.idoc.confirmations import IdocConfirmations
from system_apis.sap.idoc.events import event_record, idoc_id
from system_apis.sap.idoc.reception import to_keep, verdicts
from system_apis.sap.idoc.refusals import IdocRefused
from system_apis.sap.idoc.transactions import Arrival
from system_apis.sap.idoc.xml_format import read_xml

_MARGIN = 2.0  # seconds of a caller's deadline that waiting leaves for the answer
_LOOK = 3.0  # seconds between two looks for what another process took in
_LAST = 0.3  # seconds for which somebody waits who asks while the process ends
_UPKEEP = 3600.0  # seconds between two looks for what is too old
_MUCH = 65_536  # characters of documents that are not parsed on the event loop
_ALL = "all"
_log = get_logger("sap.idoc")


class SapDocuments(SapIdocs):
    """IDocs of one SAP system.

    Args:
        sap: The system.
        confirmations: Tells SAP what became of its documents.
    """

    def __init__(self, sap: SapConnector, confirmations: IdocConfirmations) -> None:
        self._store = sap.idocs
        self._confirm = sap.settings.idoc.confirm
        self._confirmations = confirmations
        self._news = asyncio.Event()
        self._stopping = False
        self._upkeep: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to drop documents whose time is over, also where nothing arrives any more."""
        if self._store.is_chosen:
            self._upkeep = asyncio.create_task(self._drop_on(), name="idoc upkeep")

    async def aclose(self) -> None:
        """Drop no more."""
        if self._upkeep is not None:
            self._upkeep.cancel()
            with suppress(asyncio.CancelledError):
                await self._upkeep

    def stop_waiting(self) -> None:
        """The process is about to end: whoever waits for an event is answered, so that nobody holds it up."""
        self._stopping = True
        self._news.set()

    async def receive_idocs(self, posted: IdocsPosted) -> ReceivedIdocs:
        """See `SapIdocs.receive_idocs`."""
        try:
            found = read_xml(posted.content)
            arriving = [rows.Arriving(to_keep(one, confirm=self._confirm), verdicts(one)) for one in found]
        except IdocRefused as refused:
            raise InvalidIdoc(str(refused)) from None
        arrivals = await self._store.receive(arriving)
        self._confirmations.wake()
        self._news.set()
        return ReceivedIdocs([_received(one) for one in arrivals])

    async def list_idocs(
        self,
        direction: Literal["sent", "received"] | None = None,
        message_type: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[IdocSummary]:
        """See `SapIdocs.list_idocs`."""
        before = decode_cursor(cursor, int) if cursor is not None else None
        found = await self._store.newest(direction, message_type, before, limit + 1)
        shown = found[:limit]
        more = encode_cursor(shown[-1].position) if len(found) > limit else None
        return Page([_summary(one) for one in shown], more)

    async def get_idoc(self, idoc_id: str) -> KeptIdoc:
        """See `SapIdocs.get_idoc`."""
        direction, _, position = idoc_id.partition("-")
        found = None
        if direction in ("sent", "received") and position.isascii() and position.isdigit() and len(position) < 19:  # noqa: PLR2004 - SQLite's integers have up to 18 digits for sure
            found = await self._store.get(direction, int(position))
        if found is None:
            raise IdocNotFound(f"No IDoc is kept as {idoc_id}; list them for those that are.")
        kept, history = found
        return KeptIdoc(
            _summary(kept), [IdocStatus(one.status, one.text, _moment(one.at)) for one in history], kept.document
        )

    async def list_events(
        self,
        channel: str = _ALL,
        after: str | None = None,
        begin: Literal["oldest", "latest"] = "oldest",
        limit: int = 100,
    ) -> EventFeed:
        """See `SapIdocs.list_events`."""
        if not self._store.is_chosen:  # nothing is taken in, so there is nothing to tell
            self._news.clear()
            await self._look_again(self._patience())
            return EventFeed([], after or encode_cursor(0))
        if after is None and begin == "latest":
            return EventFeed([], encode_cursor(await self._store.last_position()))
        position = decode_cursor(after, int) if after is not None else None
        told, reached = await self._told(None if channel == _ALL else channel, position, limit)
        return EventFeed(await _events(told), encode_cursor(reached))

    async def _told(self, message_type: str | None, after: int | None, limit: int) -> tuple[list[rows.KeptIdoc], int]:
        """What there is to tell and where to go on, waited for as long as the caller prefers."""
        until = time.monotonic() + self._patience()
        while True:
            self._news.clear()
            try:
                told, reached = await self._store.told(message_type, after, limit)
            except LookupError:
                raise CursorExpired(
                    "What followed this cursor is not kept any more; begin without one, and expect a gap."
                ) from None
            left = until - time.monotonic()
            if told or left <= 0 or (self._stopping and left > _LAST):
                return told, reached
            await self._look_again(min(_LOOK, left))

    async def _drop_on(self) -> None:
        while True:
            try:
                await self._store.drop_old()
            except Exception as fault:  # noqa: BLE001 - tried again in an hour, and with whatever arrives
                _log.warning("idocs.not_dropped", problem=type(fault).__name__)
            await asyncio.sleep(_UPKEEP)

    def _patience(self) -> float:
        patience = current_context().patience(_MARGIN)
        return min(patience, _LAST) if self._stopping else patience

    async def _look_again(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return


async def _events(told: list[rows.KeptIdoc]) -> list[EventRecord]:
    if sum(len(one.document) for one in told) < _MUCH:
        return [event_record(one) for one in told]
    return await asyncio.to_thread(lambda: [event_record(one) for one in told])


def _received(arrival: Arrival) -> ReceivedIdoc:
    kept = arrival.kept
    outcome: Outcome = "repeated" if arrival.repeated else "passed-over" if kept.status == rows.NO_MORE else "kept"
    return ReceivedIdoc(idoc_id(kept), kept.docnum, kept.message_type, outcome)


def _summary(kept: rows.KeptIdoc) -> IdocSummary:
    return IdocSummary(
        idoc_id(kept), kept.direction, kept.docnum, kept.partner, kept.basic_type, kept.message_type, kept.status,
        _moment(kept.kept_at), kept.status_text, kept.about, kept.object_key,
    )  # fmt: skip


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
