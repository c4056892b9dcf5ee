"""Where IDocs are kept: what we sent and what came, with every status each has had.

SQLite for the processes of one machine, PostgreSQL for those of many. What a method returned is on the disk; what
documents say is sealed there by the key ring that seals the journal.
"""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from shared.binding.problems import BackendFault
from shared.security.key_ring import KeyRing
from shared.sql.database import Database, DatabaseSettings
from shared.sql.transaction import Transaction
from system_apis.sap.idoc.kept import Arriving, Direction, KeptIdoc, StatusEntry
from system_apis.sap.idoc.transactions import SCHEMA, Arrival, IdocTransactions, drop, note_confirmed

_T = TypeVar("_T")
_DAY = 86_400.0
_NAME = "idoc-store"
_MOST = 2**63 - 1  # what a column of positions holds


class IdocStore:
    """The documents. Its tables are made with the first of them.

    Args:
        where: The database; None if none was chosen, and then every method refuses.
        keep_days: How long documents stay.
        keys: Seal what they say.

    Raises:
        ValueError: The database's URL is of no known kind, or holds a password.
    """

    def __init__(self, where: DatabaseSettings | None, keep_days: float, keys: KeyRing) -> None:
        self._database = Database(_NAME, where, SCHEMA) if where is not None else None
        self._keep_seconds = keep_days * _DAY
        self._do = IdocTransactions(keys)

    @property
    def is_chosen(self) -> bool:
        """Whether documents have somewhere to be kept."""
        return self._database is not None

    async def aclose(self) -> None:
        """Close the database."""
        if self._database is not None:
            await self._database.aclose()

    async def receive(self, arriving: Sequence[Arriving]) -> list[Arrival]:
        """Keep documents that came and apply what they say of ours, all or none; one that is known changes nothing.

        A document that is older than another about the same thing (SERIAL) is kept and passed over.
        """
        now = time.time()
        return await self._write("receive_idocs", lambda: self._do.receive(arriving, now, now - self._keep_seconds))

    async def send(self, document: KeptIdoc) -> KeptIdoc:
        """Keep a document that is about to be sent; what was kept of it if it was before."""
        now = time.time()
        return await self._write("send_idoc", lambda: self._do.send(document, now, now - self._keep_seconds))

    async def sent(self, identity: str) -> KeptIdoc | None:
        """The document that was sent under this identity, without what it says."""
        return await self._read("sent_idoc", lambda: self._do.sent(identity))

    async def move(self, position: int, status: str, text: str = "", object_key: str = "") -> None:
        """Add a status to a document's history."""
        now = time.time()
        await self._write("move_idoc", lambda: self._do.move(position, status, text, object_key, now))

    async def get(self, direction: Direction, position: int) -> tuple[KeptIdoc, list[StatusEntry]] | None:
        """A document with its history."""
        return await self._read("get_idoc", lambda: self._do.get(direction, position))

    async def newest(
        self, direction: Direction | None, message_type: str | None, before: int | None, limit: int
    ) -> list[KeptIdoc]:
        """Documents without what they say, the newest first, from before a position."""
        before = None if before is None else max(0, min(before, _MOST))
        return await self._read("newest_idocs", lambda: self._do.newest(direction, message_type, before, limit))

    async def told(self, message_type: str | None, after: int | None, limit: int) -> tuple[list[KeptIdoc], int]:
        """Received documents that subscribers are told of, the oldest first, from after a position; and where to go on.

        Large documents make a page shorter than asked for, but never empty.

        Raises:
            LookupError: Some that followed the position have been dropped for their age, or it was never given.
        """
        found = await self._read("told_idocs", lambda: self._do.told(message_type, after, limit))
        if found is None:
            raise LookupError
        return found

    async def last_position(self) -> int:
        """The position of the newest document; 0 when there never was one."""
        return await self._read("last_idoc", self._do.last_position)

    async def unconfirmed(self, limit: int) -> list[KeptIdoc]:
        """Received documents whose sender has not been told, of one message type, the oldest first."""
        return await self._read("unconfirmed_idocs", lambda: self._do.unconfirmed(limit))

    async def note_confirmed(self, positions: Sequence[int]) -> None:
        """Their senders have been told."""
        await self._write("note_confirmed", lambda: note_confirmed(positions))

    async def drop_old(self) -> None:
        """Drop documents whose time is over; what arrives and what is sent does so too."""
        stays_from = time.time() - self._keep_seconds
        await self._write("drop_idocs", lambda: drop(stays_from))

    async def _read(self, operation: str, work: Callable[[], Transaction[_T]]) -> _T:
        try:
            return await self._chosen().read(operation, work)
        except ValueError as error:
            raise _not_openable(error) from None

    async def _write(self, operation: str, work: Callable[[], Transaction[_T]]) -> _T:
        try:
            return await self._chosen().write(operation, work)
        except ValueError as error:
            raise _not_openable(error) from None

    def _chosen(self) -> Database:
        if self._database is None:
            raise BackendFault("IDocs have nowhere to be kept; name a database as `url` of [backends.sap.idoc.store].")
        return self._database


def _not_openable(error: ValueError) -> BackendFault:
    return BackendFault(f"What the store of IDocs holds cannot be opened. {error}")
