"""Where IDocs are kept: what we sent and what came, with every status each has had.

One SQLite file, which the processes of one machine may share. What a method returned is on the disk.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable
from shared.sql.sqlite_thread import SqliteThread, open_own_file
from system_apis.sap.idoc.kept import ADDED, MADE, NO_MORE, POSTED, Arriving, Direction, KeptIdoc, StatusEntry, Verdict

_T = TypeVar("_T")
_DAY = 86_400.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS idoc (
  position INTEGER PRIMARY KEY AUTOINCREMENT, direction TEXT NOT NULL, identity TEXT NOT NULL, message_id TEXT NOT NULL,
  docnum TEXT NOT NULL, partner TEXT NOT NULL, basic_type TEXT NOT NULL, message_type TEXT NOT NULL,
  status TEXT NOT NULL, status_text TEXT NOT NULL, about TEXT NOT NULL, serial TEXT NOT NULL, object_key TEXT NOT NULL,
  kept_at REAL NOT NULL, moved_at REAL NOT NULL, document TEXT NOT NULL, confirmed INTEGER NOT NULL,
  UNIQUE (direction, identity));
CREATE UNIQUE INDEX IF NOT EXISTS idoc_message ON idoc (direction, message_id) WHERE message_id <> '';
CREATE INDEX IF NOT EXISTS idoc_about ON idoc (direction, message_type, about) WHERE about <> '';
CREATE INDEX IF NOT EXISTS idoc_docnum ON idoc (docnum);
CREATE INDEX IF NOT EXISTS idoc_kept ON idoc (kept_at);
CREATE INDEX IF NOT EXISTS idoc_untold ON idoc (position) WHERE NOT confirmed;
CREATE TABLE IF NOT EXISTS status (
  position INTEGER NOT NULL, status TEXT NOT NULL, text TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS status_position ON status (position);
CREATE TABLE IF NOT EXISTS dropped (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), position INTEGER NOT NULL);
INSERT OR IGNORE INTO dropped VALUES (1, 0);
"""
_COLUMNS = KeptIdoc.__struct_fields__
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM idoc"  # noqa: S608 - our own column names
_INSERT = (
    f"INSERT INTO idoc ({', '.join(_COLUMNS[1:])})"  # noqa: S608 - as above
    f" VALUES ({', '.join(f':{name}' for name in _COLUMNS[1:])}) RETURNING position"
)


class Arrival(NamedTuple):
    """A document as it is kept, and whether it had been before."""

    kept: KeptIdoc
    repeated: bool


class IdocStore:
    """The documents.

    Args:
        path: The file; empty if none was chosen, and then every method refuses.
        keep_days: How long documents stay.
    """

    def __init__(self, path: str, keep_days: float) -> None:
        self._file = SqliteThread(partial(open_own_file, Path(path), _SCHEMA), "idoc-store") if path else None
        self._keep_seconds = keep_days * _DAY

    async def aclose(self) -> None:
        """Close the file."""
        if self._file is not None:
            await self._file.aclose()

    async def receive(self, arriving: Sequence[Arriving]) -> list[Arrival]:
        """Keep documents that came and apply what they say of ours, all or none; one that is known changes nothing.

        A document that is older than another about the same thing (SERIAL) is kept and passed over.
        """

        def work(connection: sqlite3.Connection) -> list[Arrival]:
            self._drop_old(connection)
            return [_received(connection, one) for one in arriving]

        return await self._do(work)

    async def send(self, document: KeptIdoc) -> KeptIdoc:
        """Keep a document that is about to be sent; what was kept of it if it was before."""

        def work(connection: sqlite3.Connection) -> KeptIdoc:
            found = _known(connection, document)
            return found or _added(connection, document, [(document.status, document.status_text)])

        return await self._do(work)

    async def sent(self, identity: str) -> KeptIdoc | None:
        """The document that was sent under this identity."""
        return await self._do(lambda connection: _one(connection, "direction = 'sent' AND identity = ?", identity))

    async def move(self, position: int, status: str, text: str = "", object_key: str = "") -> None:
        """Add a status to a document's history."""
        await self._do(lambda connection: _moved(connection, position, status, text, object_key))

    async def get(self, direction: Direction, position: int) -> tuple[KeptIdoc, list[StatusEntry]] | None:
        """A document with its history."""

        def work(connection: sqlite3.Connection) -> tuple[KeptIdoc, list[StatusEntry]] | None:
            found = _one(connection, "direction = ? AND position = ?", direction, position)
            return (found, _history(connection, position)) if found is not None else None

        return await self._do(work)

    async def newest(
        self, direction: Direction | None, message_type: str | None, before: int | None, limit: int
    ) -> list[KeptIdoc]:
        """Documents, the newest first, from before a position."""
        given = (("direction = ?", direction), ("message_type = ?", message_type), ("position < ?", before))
        where = " AND ".join(["1", *(condition for condition, value in given if value is not None)])
        values = [value for _, value in given if value is not None]
        return await self._do(
            lambda connection: _many(connection, f"{where} ORDER BY position DESC LIMIT ?", *values, limit)
        )

    async def told(self, message_type: str | None, after: int | None, limit: int) -> tuple[list[KeptIdoc], int]:
        """Received documents that subscribers are told of, the oldest first, from after a position; and where to go on.

        Raises:
            LookupError: Some that followed the position have been dropped for their age, or it was never given.
        """

        def work(connection: sqlite3.Connection) -> tuple[list[KeptIdoc], int]:
            if after is not None and not _dropped(connection) <= after <= _last(connection):
                raise LookupError
            where = (  # the plus keeps SQLite to the order of positions, so that it reads on and sorts nothing
                "+direction = 'received' AND message_type <> 'ALEAUD' AND status = ? AND position > ?"
                " AND (? IS NULL OR message_type = ?) ORDER BY position LIMIT ?"
            )
            found = _many(connection, where, POSTED, after or 0, message_type, message_type, limit)
            return found, found[-1].position if len(found) == limit else _last(connection)

        return await self._do(work)

    async def last_position(self) -> int:
        """The position of the newest document; 0 when there never was one."""
        return await self._do(_last)

    async def unconfirmed(self, limit: int) -> list[KeptIdoc]:
        """Received documents whose sender has not been told, of one message type, the oldest first."""

        def work(connection: sqlite3.Connection) -> list[KeptIdoc]:
            found = _many(connection, "NOT confirmed ORDER BY position LIMIT ?", limit)
            return [one for one in found if one.message_type == found[0].message_type]

        return await self._do(work)

    async def note_confirmed(self, positions: Sequence[int]) -> None:
        """Their senders have been told."""
        await self._do(
            lambda connection: (
                connection.executemany(
                    "UPDATE idoc SET confirmed = 1 WHERE position = ?", [(one,) for one in positions]
                ).rowcount
            )
        )

    async def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        if self._file is None:
            raise BackendFault("IDocs have nowhere to be kept; name a file as `store` of [backends.sap.idoc].")
        try:
            return await self._file.commit(work)
        except (sqlite3.OperationalError, OSError) as error:
            raise BackendUnavailable(f"The store of IDocs cannot serve now ({type(error).__name__}).") from error

    def _drop_old(self, connection: sqlite3.Connection) -> None:
        oldest_to_stay = time.time() - self._keep_seconds
        old = connection.execute(
            "SELECT position FROM idoc WHERE kept_at < ? ORDER BY kept_at DESC LIMIT 1", (oldest_to_stay,)
        ).fetchone()
        if old is not None:
            connection.execute("DELETE FROM status WHERE position <= ?", tuple(old))
            connection.execute("DELETE FROM idoc WHERE position <= ?", tuple(old))
            connection.execute("UPDATE dropped SET position = ?", tuple(old))


def _received(connection: sqlite3.Connection, arriving: Arriving) -> Arrival:
    document = arriving.document
    known = _known(connection, document)
    if known is not None:
        return Arrival(known, repeated=True)
    for verdict in arriving.verdicts:
        _apply(connection, verdict)
    newer = _newer(connection, document) if document.about and document.serial else None
    last = (document.status, document.status_text)
    if newer is not None:
        last = (NO_MORE, f"IDoc {newer.docnum} (SERIAL {newer.serial}) about the same came before; this one is older.")
    return Arrival(_added(connection, document, [(ADDED, ""), last]), repeated=False)


def _apply(connection: sqlite3.Connection, verdict: Verdict) -> None:
    """Note it, unless we sent no such document; one that is posted stays so whatever comes late."""
    sent = _one(connection, "direction = 'sent' AND docnum = ?", verdict.docnum)
    if sent is not None and sent.status != MADE:
        _moved(connection, sent.position, verdict.status, verdict.text, verdict.object_key)


def _known(connection: sqlite3.Connection, document: KeptIdoc) -> KeptIdoc | None:
    where = "direction = ? AND (identity = ? OR (message_id <> '' AND message_id = ?))"
    return _one(connection, where, document.direction, document.identity, document.message_id)


def _newer(connection: sqlite3.Connection, document: KeptIdoc) -> KeptIdoc | None:
    where = (
        "direction = ? AND message_type = ? AND about = ? AND about <> '' AND partner = ? AND status = ? AND serial > ?"
    )
    return _one(
        connection, where, document.direction, document.message_type, document.about, document.partner, POSTED,
        document.serial,
    )  # fmt: skip


def _added(connection: sqlite3.Connection, document: KeptIdoc, history: list[tuple[str, str]]) -> KeptIdoc:
    status, text = history[-1]
    now = time.time()
    kept = msgspec.structs.replace(document, status=status, status_text=text, kept_at=now, moved_at=now)
    position = int(connection.execute(_INSERT, msgspec.structs.asdict(kept)).fetchone()[0])
    for one in history:
        connection.execute("INSERT INTO status VALUES (?, ?, ?, ?)", (position, *one, kept.kept_at))
    return msgspec.structs.replace(kept, position=position)


def _moved(connection: sqlite3.Connection, position: int, status: str, text: str, object_key: str) -> None:
    now = time.time()
    connection.execute("INSERT INTO status VALUES (?, ?, ?, ?)", (position, status, text, now))
    connection.execute(
        "UPDATE idoc SET status = ?, status_text = ?, moved_at = ?,"
        " object_key = CASE ? WHEN '' THEN object_key ELSE ? END WHERE position = ?",
        (status, text, now, object_key, object_key, position),
    )


def _history(connection: sqlite3.Connection, position: int) -> list[StatusEntry]:
    rows = connection.execute("SELECT status, text, at FROM status WHERE position = ? ORDER BY rowid", (position,))
    return [StatusEntry(*row) for row in rows]


def _last(connection: sqlite3.Connection) -> int:
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'idoc'").fetchone()
    return int(found[0]) if found else 0


def _dropped(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT position FROM dropped").fetchone()[0])


def _one(connection: sqlite3.Connection, where: str, *values: Any) -> KeptIdoc | None:
    found = _many(connection, f"{where} LIMIT 1", *values)
    return found[0] if found else None


def _many(connection: sqlite3.Connection, where: str, *values: Any) -> list[KeptIdoc]:
    rows = connection.execute(f"{_SELECT} WHERE {where}", values)
    return [msgspec.convert(dict(row), KeptIdoc, strict=False) for row in rows]
