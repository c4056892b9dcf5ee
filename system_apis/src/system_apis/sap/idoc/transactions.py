"""What happens in the database of IDocs, on SQLite or PostgreSQL.

Positions are taken from one row, which stays locked until its transaction ends. So documents become visible in the
order of their positions, and whoever read up to one has missed none before it; a sequence would promise neither. The
same lock lets two processes that take in one document at once keep it once.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from shared.sql.transaction import Rows, Statement, Transaction
from system_apis.sap.idoc.kept import ADDED, MADE, NO_MORE, POSTED, Arriving, KeptIdoc, StatusEntry, Verdict

SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS sap_idoc (
        position bigint PRIMARY KEY, direction text NOT NULL, identity text NOT NULL, message_id text NOT NULL,
        docnum text NOT NULL, partner text NOT NULL, basic_type text NOT NULL, message_type text NOT NULL,
        status text NOT NULL, status_text bytea NOT NULL, about text NOT NULL, serial text NOT NULL,
        object_key text NOT NULL, kept_at double precision NOT NULL, moved_at double precision NOT NULL,
        document bytea NOT NULL, unconfirmed smallint NOT NULL, UNIQUE (direction, identity))""",
    "CREATE UNIQUE INDEX IF NOT EXISTS sap_idoc_message ON sap_idoc (direction, message_id) WHERE message_id <> ''",
    "CREATE INDEX IF NOT EXISTS sap_idoc_about ON sap_idoc (direction, message_type, about) WHERE about <> ''",
    "CREATE INDEX IF NOT EXISTS sap_idoc_docnum ON sap_idoc (docnum)",
    "CREATE INDEX IF NOT EXISTS sap_idoc_kept ON sap_idoc (kept_at)",
    "CREATE INDEX IF NOT EXISTS sap_idoc_unconfirmed ON sap_idoc (position) WHERE unconfirmed = 1",
    """CREATE TABLE IF NOT EXISTS sap_idoc_status (
        position bigint NOT NULL, entry bigint NOT NULL, status text NOT NULL, text bytea NOT NULL,
        at double precision NOT NULL, PRIMARY KEY (position, entry))""",
    """CREATE TABLE IF NOT EXISTS sap_idoc_feed (
        only_row smallint PRIMARY KEY CHECK (only_row = 1), last bigint NOT NULL, dropped bigint NOT NULL)""",
    "INSERT INTO sap_idoc_feed (only_row, last, dropped) VALUES (1, 0, 0) ON CONFLICT DO NOTHING",
)

_COLUMNS: Final = (
    *("position", "direction", "identity", "message_id", "docnum", "partner", "basic_type", "message_type", "status"),
    *("status_text", "about", "serial", "object_key", "kept_at", "moved_at", "unconfirmed", "document"),
)
_WITH = f"SELECT {', '.join(_COLUMNS)} FROM sap_idoc"  # noqa: S608 - our own column names
_WITHOUT = f"SELECT {', '.join(_COLUMNS[:-1])} FROM sap_idoc"  # noqa: S608 - as above
_INSERT = (
    f"INSERT INTO sap_idoc ({', '.join(_COLUMNS)})"  # noqa: S608 - as above
    f" VALUES ({', '.join(f'${place}' for place in range(1, len(_COLUMNS) + 1))})"
)
_ENTRIES = "SELECT COUNT(*) FROM sap_idoc_status WHERE position = $1"
_NOTE = "INSERT INTO sap_idoc_status (position, entry, status, text, at) VALUES ($1, $2, $3, $4, $5)"
_MOVE = """UPDATE sap_idoc SET status = $2, status_text = $3, moved_at = $4,
    object_key = CASE CAST($5 AS text) WHEN '' THEN object_key ELSE $5 END WHERE position = $1"""
_HISTORY = "SELECT status, text, at FROM sap_idoc_status WHERE position = $1 ORDER BY entry"
_KNOWN = """WHERE direction = $1 AND (identity = $2 OR (message_id <> '' AND message_id = $3)) LIMIT 1"""
_NEWER = """WHERE direction = $1 AND message_type = $2 AND about = $3 AND about <> '' AND partner = $4 AND status = $5
    AND serial > $6 LIMIT 1"""
# The concatenation keeps SQLite to the order of positions, so that it reads on and sorts nothing.
_TOLD = """WHERE (direction || '') = 'received' AND message_type <> 'ALEAUD' AND status = $1 AND position > $2
    AND position <= $3 AND (CAST($4 AS text) IS NULL OR message_type = $4) ORDER BY position LIMIT $5"""
_SIZES = "SELECT position, length(document) FROM sap_idoc"
_PAGE_BYTES = 4 * 1_048_576  # of documents told at once; as events, escaped twice, they still fit into an answer
_NEWEST = """WHERE (CAST($1 AS text) IS NULL OR direction = $1) AND (CAST($2 AS text) IS NULL OR message_type = $2)
    AND (CAST($3 AS bigint) IS NULL OR position < $3) ORDER BY position DESC LIMIT $4"""
_FEED = "SELECT last, dropped FROM sap_idoc_feed"
_OLD = "SELECT position FROM sap_idoc WHERE kept_at < $1 ORDER BY kept_at DESC LIMIT 1"


class Seal(Protocol):
    """Seals bytes for one place, and opens them there; raises ValueError for what it cannot open."""

    def seal(self, payload: bytes, place: str) -> bytes:
        """The payload, to be kept."""
        ...

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for this place."""
        ...


class Arrival(NamedTuple):
    """A document as it is kept, and whether it had been before."""

    kept: KeptIdoc
    repeated: bool


class IdocTransactions:
    """What documents say is sealed, and what explains their status; by what they are found is not.

    Args:
        seal: Its keys.
    """

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def receive(self, arriving: Sequence[Arriving], now: float, stays_from: float) -> Transaction[list[Arrival]]:
        """Keep documents that came, apply what they say of ours, drop what was kept before `stays_from`."""
        yield from _locked()
        yield from _drop(stays_from)
        arrivals: list[Arrival] = []
        for one in arriving:
            arrival = yield from self._received(one, now)
            arrivals.append(arrival)
        return arrivals

    def send(self, document: KeptIdoc, now: float, stays_from: float) -> Transaction[KeptIdoc]:
        """Keep a document that is about to be sent, or find what was kept of it; drop as `receive` does."""
        yield from _locked()
        yield from _drop(stays_from)
        found = yield from self._known(document)
        return found or (yield from self._added(document, [(document.status, document.status_text)], now))

    def sent(self, identity: str) -> Transaction[KeptIdoc | None]:
        """The document that was sent under this identity. Reads only."""
        return (yield from self._one("WHERE direction = 'sent' AND identity = $1", identity))

    def move(self, position: int, status: str, text: str, object_key: str, now: float) -> Transaction[None]:
        """Add a status to a document's history."""
        yield from _locked()
        found = yield from self._one("WHERE position = $1", position)
        if found is not None:
            yield from self._moved(found, status, text, object_key, now)

    def get(self, direction: str, position: int) -> Transaction[tuple[KeptIdoc, list[StatusEntry]] | None]:
        """A document with its history. Reads only."""
        rows = yield Statement(f"{_WITH} WHERE direction = $1 AND position = $2", (direction, position))
        if not rows:
            return None
        kept = self._kept(rows[0])
        history = yield Statement(_HISTORY, (position,))
        return kept, [StatusEntry(status, self._text(kept, text), at) for status, text, at in history]

    def newest(
        self, direction: str | None, message_type: str | None, before: int | None, limit: int
    ) -> Transaction[list[KeptIdoc]]:
        """Documents without what they say, the newest first, from before a position. Reads only."""
        return (yield from self._many(_NEWEST, direction, message_type, before, limit))

    def told(
        self, message_type: str | None, after: int | None, limit: int
    ) -> Transaction[tuple[list[KeptIdoc], int] | None]:
        """See `IdocStore.told`; None if some are missing. Reads only; what is dropped meanwhile is noticed."""
        ((last, dropped),) = yield Statement(_FEED)
        if after is not None and not dropped <= after <= last:
            return None
        begin = after or 0
        sizes: Rows = ()
        if begin < last:
            sizes = yield Statement(f"{_SIZES} {_TOLD}", (POSTED, begin, last, message_type, limit))
        positions = _page(sizes)
        reached = positions[-1] if len(positions) == limit or len(positions) < len(sizes) else last
        rows: Rows = ()
        if positions:
            values = (POSTED, begin, positions[-1], message_type, len(positions))
            rows = yield Statement(f"{_WITH} {_TOLD}", values)
        ((_, dropped),) = yield Statement(_FEED)
        if after is not None and after < dropped:
            return None
        return [self._kept(row) for row in rows], reached

    def last_position(self) -> Transaction[int]:
        """The position of the newest document; 0 when there never was one. Reads only."""
        ((last, _),) = yield Statement(_FEED)
        return last

    def unconfirmed(self, limit: int) -> Transaction[list[KeptIdoc]]:
        """Received documents whose sender is to be told, of one message type, the oldest first. Reads only."""
        found = yield from self._many("WHERE unconfirmed = 1 ORDER BY position LIMIT $1", limit)
        return [one for one in found if one.message_type == found[0].message_type]

    # --- inside --------------------------------------------------------------------------------------

    def _received(self, arriving: Arriving, now: float) -> Transaction[Arrival]:
        document = arriving.document
        known = yield from self._known(document)
        if known is not None:
            return Arrival(known, repeated=True)
        for verdict in arriving.verdicts:
            yield from self._apply(verdict, now)
        newer = (yield from self._newer(document)) if document.about and document.serial else None
        last = (document.status, document.status_text)
        if newer is not None:
            said = f"IDoc {newer.docnum} (SERIAL {newer.serial}) about the same came before; this one is older."
            last = (NO_MORE, said)
        return Arrival((yield from self._added(document, [(ADDED, ""), last], now)), repeated=False)

    def _apply(self, verdict: Verdict, now: float) -> Transaction[None]:
        """Note it, unless we sent no such document; one that is posted stays so whatever comes late."""
        sent = yield from self._one("WHERE direction = 'sent' AND docnum = $1 LIMIT 1", verdict.docnum)
        if sent is not None and sent.status != MADE:
            yield from self._moved(sent, verdict.status, verdict.text, verdict.object_key, now)

    def _known(self, document: KeptIdoc) -> Transaction[KeptIdoc | None]:
        return (yield from self._one(_KNOWN, document.direction, document.identity, document.message_id))

    def _newer(self, document: KeptIdoc) -> Transaction[KeptIdoc | None]:
        about = (document.direction, document.message_type, document.about, document.partner)
        return (yield from self._one(_NEWER, *about, POSTED, document.serial))

    def _added(self, document: KeptIdoc, history: list[tuple[str, str]], now: float) -> Transaction[KeptIdoc]:
        status, text = history[-1]
        ((position,),) = yield Statement("UPDATE sap_idoc_feed SET last = last + 1 RETURNING last")
        kept = msgspec.structs.replace(
            document, position=position, status=status, status_text=text, kept_at=now, moved_at=now
        )
        fields = msgspec.structs.asdict(kept)
        sealed = {
            "status_text": self._sealed(kept, "text", text),
            "document": self._sealed(kept, "document", kept.document),
            "unconfirmed": int(not kept.confirmed),
        }
        yield Statement(_INSERT, tuple((fields | sealed)[name] for name in _COLUMNS))
        for entry, (code, said) in enumerate(history, 1):
            yield Statement(_NOTE, (position, entry, code, self._sealed(kept, "text", said), now))
        return kept

    def _moved(self, kept: KeptIdoc, status: str, text: str, object_key: str, now: float) -> Transaction[None]:
        sealed = self._sealed(kept, "text", text)
        ((entries,),) = yield Statement(_ENTRIES, (kept.position,))
        yield Statement(_NOTE, (kept.position, entries + 1, status, sealed, now))
        yield Statement(_MOVE, (kept.position, status, sealed, now, object_key))

    def _one(self, where: str, *values: Any) -> Transaction[KeptIdoc | None]:
        found = yield from self._many(where, *values)
        return found[0] if found else None

    def _many(self, where: str, *values: Any) -> Transaction[list[KeptIdoc]]:
        rows = yield Statement(f"{_WITHOUT} {where}", values)
        return [self._kept((*row, b"")) for row in rows]

    def _kept(self, row: Sequence[Any]) -> KeptIdoc:
        fields = dict(zip(_COLUMNS, row, strict=True))
        confirmed, text, document = not fields.pop("unconfirmed"), fields.pop("status_text"), fields.pop("document")
        kept = msgspec.convert({**fields, "confirmed": confirmed}, KeptIdoc)
        return msgspec.structs.replace(
            kept, status_text=self._text(kept, text), document=self._opened(kept, "document", document)
        )

    def _sealed(self, kept: KeptIdoc, part: str, text: str) -> bytes:
        return self._seal.seal(text.encode(), _place(kept, part)) if text else b""

    def _text(self, kept: KeptIdoc, sealed: bytes) -> str:
        return self._opened(kept, "text", sealed)

    def _opened(self, kept: KeptIdoc, part: str, sealed: bytes) -> str:
        return self._seal.open(sealed, _place(kept, part)).decode() if sealed else ""


def drop(stays_from: float) -> Transaction[None]:
    """Drop what was kept before this moment, in Unix seconds."""
    yield from _locked()
    yield from _drop(stays_from)


def note_confirmed(positions: Sequence[int]) -> Transaction[None]:
    """The senders of these have been told."""
    for position in positions:
        yield Statement("UPDATE sap_idoc SET unconfirmed = 0 WHERE position = $1", (position,))


def _locked() -> Transaction[None]:
    """Let nobody else change anything until this transaction ends."""
    yield Statement("SELECT last FROM sap_idoc_feed FOR UPDATE")


def _drop(stays_from: float) -> Transaction[None]:
    for (position,) in (yield Statement(_OLD, (stays_from,))):
        yield Statement("DELETE FROM sap_idoc_status WHERE position <= $1", (position,))
        yield Statement("DELETE FROM sap_idoc WHERE position <= $1", (position,))
        yield Statement("UPDATE sap_idoc_feed SET dropped = $1", (position,))


def _page(sizes: Rows) -> list[int]:
    """The first positions whose documents are small enough in sum to be told at once; one at least."""
    sums = accumulate(size for _, size in sizes)
    return [
        position
        for nth, ((position, _), total) in enumerate(zip(sizes, sums, strict=True))
        if not nth or total <= _PAGE_BYTES
    ]


def _place(kept: KeptIdoc, part: str) -> str:
    return f"sap-idoc:{kept.direction}/{kept.identity}:{part}"
