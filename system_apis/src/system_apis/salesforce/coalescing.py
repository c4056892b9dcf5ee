"""Reads of several callers within a few milliseconds as one call; docs/decisions tells when, and what never.

A lone caller is sent at once. While a call of the same statement is under way, or others gather already, reads
gather for at most a few milliseconds, or until no call like them is under way, and go as one query
(`Id IN (…)`), or as one Composite where statements differ. Every caller gets what it would have got alone.

All calls of a connector go as the integration user, so callers may share them, whoever they are. A connector that
calls as its callers needs one `Coalescing` for each of them: a session, and what it may see, is never shared.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextvars import Context
from typing import Any, Final, Protocol, TypeVar

import msgspec

from shared.binding.call_context import current_context, enter
from shared.binding.problems import CIRCUIT, OPEN, Problem
from shared.resilience.deadline import Deadline
from shared.resilience.outbound import Backend
from shared.telemetry.metrics import counter
from system_apis.salesforce.coalescing_call import Piece, Reader, SharedCall
from system_apis.salesforce.composite import Part, decode_part
from system_apis.salesforce.records import Rows, SubResult
from system_apis.salesforce.soql import Statement, Value

_Record = TypeVar("_Record", bound=msgspec.Struct)

_asked = counter("triptych_salesforce_reads_total", "Reads asked for, by statement.", ("statement",))
_made = counter(
    "triptych_salesforce_read_calls_total",
    "Calls made for reads, by statement, without repeats and further pages; `several` are Composites.",
    ("statement",),
)
_SEVERAL = "several"
_OPERATION = "crm.read_several"
_MAX_QUERIES = 5
"""Queries in one Composite (REST API Developer Guide, "Composite")."""
_REFUSED = 300


class Org(Protocol):
    """What a connector lends: its session and its way to the org."""

    @property
    def backend(self) -> Backend:
        """The org's host."""
        ...

    @property
    def changes(self) -> int:
        """Requests of this connector that ended and may have changed something."""
        ...

    async def fetch(self, statement: Statement[_Record], path: str, operation: str) -> list[_Record]:
        """Every row of a query."""
        ...

    async def fetch_each(self, parts: Sequence[Part], operation: str) -> list[SubResult]:
        """The answers of several queries, of one call."""
        ...

    async def all_of(
        self, rows: Rows[_Record], decoder: msgspec.json.Decoder[Rows[_Record]], operation: str
    ) -> list[_Record]:
        """The rows of a first page and of all pages after it."""
        ...


class _Gathering:
    """Reads that will go together."""

    def __init__(self, timer: asyncio.TimerHandle) -> None:
        self.timer = timer
        self.pieces: dict[Any, Piece] = {}


class Coalescing:
    """Makes as few calls as it can of the reads of one connector, which all have its identity.

    Args:
        org: The connector.
        milliseconds: Longest time a read gathers; 0 sends every one by itself.
    """

    def __init__(self, org: Org, milliseconds: float) -> None:
        self._org: Final = org
        self._seconds: Final = milliseconds / 1000
        self._gathering: _Gathering | None = None
        self._under_way: dict[Statement[Any], int] = {}
        self._shared: dict[tuple[Any, str], SharedCall] = {}

    async def read(
        self, statement: Statement[_Record], operation: str, values: Mapping[str, Value], *, anew: bool = False
    ) -> list[_Record]:
        """Every row of a query.

        Args:
            statement: What to run.
            operation: What is being done.
            values: For the places of the statement.
            anew: Whether a call that was sent before this one was asked for must not answer it.

        Raises:
            Problem: As if there were no other callers.
        """
        _asked.inc(statement.name)
        if self._gathering is not None or statement in self._under_way:
            reader = self._joined(statement, operation, values, anew=anew)
            if reader is not None:
                outcome = await self._outcome(reader)
                if isinstance(outcome, Problem):
                    raise outcome
                if outcome is not None:
                    return outcome
        return await self._alone(statement, operation, values)

    async def _alone(self, statement: Statement[_Record], operation: str, values: Mapping[str, Value]) -> list[_Record]:
        path = statement.path(**values)
        _made.inc(statement.name)
        if not self._seconds:
            return await self._org.fetch(statement, path, operation)
        self._began(statement)
        try:
            return await self._org.fetch(statement, path, operation)
        finally:
            self._ended(statement)

    def _joined(
        self, statement: Statement[Any], operation: str, values: Mapping[str, Value], *, anew: bool
    ) -> Reader | None:
        """A place among others, or None for one that must go alone."""
        record_id = "" if statement.key is None else values[statement.key]
        rest = tuple((name, type(value), value) for name, value in values.items() if name != statement.key)
        if not isinstance(record_id, str) or any(kind is list for _, kind, _ in rest):
            return None
        kind, context = (statement, rest), current_context()
        call = None if anew or context.priority != "interactive" else self._shared.get((kind, record_id))
        if call is not None and self._may_share(call, context.deadline):
            piece = next(each for each in call.pieces if each.kind == kind)
            call.reads += 1
            return piece.add(record_id, context, operation)
        piece = self._waiting(kind, record_id)
        if piece is None:
            piece = Piece(kind, statement, operation, values)
            self._gathered()[kind] = piece
        reader = piece.add(record_id, context, operation)
        if len(piece.readers) >= piece.most > 1:
            self._send()
        return reader

    def _may_share(self, call: SharedCall, deadline: float | None) -> bool:
        """Whether a call under way answers one who asks now: nothing was changed since, and it lasts long enough."""
        until = time.monotonic() + self._org.backend.settings.timeout
        return call.changes == self._org.changes and (min(until, deadline) if deadline else until) <= call.until

    def _waiting(self, kind: Any, record_id: str) -> Piece | None:
        """The piece of this kind that gathers and has room."""
        piece = None if self._gathering is None else self._gathering.pieces.get(kind)
        if piece is not None and not piece.has_room_for(record_id):
            self._send()
            return None
        return piece

    def _gathered(self) -> dict[Any, Piece]:
        if self._gathering is None:
            self._gathering = _Gathering(asyncio.get_running_loop().call_later(self._seconds, self._send))
        return self._gathering.pieces

    async def _outcome(self, reader: Reader) -> Any:
        """What came of it, within the caller's own time, whatever the others' is."""
        backend = self._org.backend
        deadline = Deadline(backend.name, backend.settings.timeout)
        try:
            async with deadline:
                try:
                    return await reader.outcome
                finally:
                    if backend.circuit != "closed":
                        deadline.extensions[CIRCUIT] = OPEN
        finally:
            reader.left()
            call = reader.piece.call
            if call is not None and not deadline.expired() and call.is_abandoned():
                self._forget(call)
                call.cancel()  # but one whose callers ran out of time ends soon, and tells the circuit breaker

    def _send(self) -> None:
        """Send what has gathered."""
        gathering, self._gathering = self._gathering, None
        if gathering is None:
            return
        gathering.timer.cancel()
        pieces = [piece for piece in gathering.pieces.values() if piece.keep_the_waiting()]
        by_id = [piece for piece in pieces if piece.statement.key is not None]
        for at in range(0, len(by_id), _MAX_QUERIES):
            self._start(by_id[at : at + _MAX_QUERIES])
        for piece in pieces:  # a search takes its time: nobody but who asked for the same waits for it
            if piece.statement.key is None:
                self._start([piece])

    def _start(self, pieces: list[Piece]) -> None:
        org, loop = self._org, asyncio.get_running_loop()
        call = SharedCall(pieces, org.changes, time.monotonic() + org.backend.settings.timeout)
        for piece in pieces:
            piece.call = call
            self._began(piece.statement)
            self._shared.update(dict.fromkeys(((piece.kind, record_id) for record_id in piece.readers), call))
        call.task = loop.create_task(self._run(call), context=Context())  # nothing of any caller goes along

    async def _run(self, call: SharedCall) -> None:
        enter(call.context)
        try:
            if len(call.pieces) == 1:
                await self._query(call.pieces[0])
            else:
                await self._composite(call.pieces)
        finally:
            self._forget(call)
            for piece in call.pieces:
                piece.tell_all(None)  # only those are left that nothing was found out for
                self._ended(piece.statement)

    def _forget(self, call: SharedCall) -> None:
        """Nobody can share it any more."""
        for piece in call.pieces:
            for record_id in piece.readers:
                if self._shared.get((piece.kind, record_id)) is call:
                    del self._shared[piece.kind, record_id]

    async def _query(self, piece: Piece) -> None:
        _made.inc(piece.statement.name)
        try:
            piece.answered(await self._org.fetch(piece.statement, piece.path(), piece.operation))
        except Exception as error:  # noqa: BLE001 - every caller raises its own
            piece.failed(error)

    async def _composite(self, pieces: list[Piece]) -> None:
        _made.inc(_SEVERAL)
        parts = [Part(f"read{at}", "GET", piece.path()) for at, piece in enumerate(pieces)]
        try:
            answers = await self._org.fetch_each(parts, _OPERATION)
        except Problem as problem:
            if problem.transient:
                for piece in pieces:
                    piece.tell_all(problem)
                return
            answers = [SubResult(_REFUSED, part.reference_id) for part in parts]
        await asyncio.gather(*(self._part(piece, answer) for piece, answer in zip(pieces, answers, strict=True)))

    async def _part(self, piece: Piece, answer: SubResult) -> None:
        """A part that was refused is asked for again by itself: it has repeats and a problem of its own."""
        if answer.http_status_code >= _REFUSED:
            await self._query(piece)
            return
        statement = piece.statement
        try:
            rows = decode_part(statement.rows, answer)
            piece.answered(await self._org.all_of(rows, statement.rows, piece.operation))
        except Exception as error:  # noqa: BLE001 - as above
            piece.failed(error)

    def _began(self, statement: Statement[Any]) -> None:
        self._under_way[statement] = self._under_way.get(statement, 0) + 1

    def _ended(self, statement: Statement[Any]) -> None:
        left = self._under_way[statement] - 1
        if left:
            self._under_way[statement] = left
            return
        del self._under_way[statement]
        gathering = self._gathering
        if gathering is not None and not any(piece.statement in self._under_way for piece in gathering.pieces.values()):
            self._send()
