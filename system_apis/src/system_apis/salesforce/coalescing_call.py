"""What several callers share: reads of one kind, and the answer or problem each of them gets."""

import asyncio
import copy
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from shared.binding.call_context import CallContext, Priority
from shared.binding.problems import Problem
from shared.telemetry.tracing import start_span
from system_apis.salesforce.faults import QueryTooSlow
from system_apis.salesforce.soql import Statement, Value

GRACE_SECONDS = 0.25
"""A shared call outlasts the callers that it is made for by this much, so that later ones can share it too."""
MAX_PATH_BYTES = 12_288
"""Salesforce takes 16,384 bytes of URI and headers together; the rest is for the headers."""
MAX_IDS = 200
MAX_IDS_WITH_CHILDREN = 50
"""Rows with child lists are larger, and all callers wait for all of them."""

_BYTES_OF_AN_ID = 27
_RANK: Final[Mapping[Priority, int]] = {"interactive": 0, "order": 1, "batch": 2}

Outcome: TypeAlias = list[Any] | Problem | None
"""Rows, what went wrong, or None: ask alone."""


class Reader:
    """One caller that waits for an answer it shares.

    Args:
        piece: What it is part of.
        context: Of the caller.

    Attributes:
        outcome: Set once.
        span: In the caller's trace; says how many shared the call, and in which trace the call itself is.
    """

    __slots__ = ("context", "outcome", "piece", "span")

    def __init__(self, piece: "Piece", context: CallContext, operation: str) -> None:
        self.piece = piece
        self.context = context
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.span = start_span(
            f"coalesced {operation}", kind="internal", parent=context.traceparent, tracestate=context.tracestate
        )

    def tell(self, outcome: Outcome) -> None:
        """Give it its outcome, if it still waits for one."""
        if not self.outcome.done():
            self.outcome.set_result(copy.copy(outcome))  # a problem carries the traceback of whoever raised it

    def left(self) -> None:
        """It waits no longer, for whatever reason."""
        self.piece.waiting -= 1
        call, told = self.piece.call, self.outcome
        outcome = None if told.cancel() or told.cancelled() else told.result()
        if call is not None:
            self.span.set("db.operation.batch.size", call.reads)
            self.span.set("triptych.shared_trace_id", call.context.trace_id)
        self.span.end(outcome.slug if isinstance(outcome, Problem) else None)


class Piece:
    """Reads of one statement that differ in the id alone: one query.

    Args:
        kind: What tells it from other pieces.
        statement: What to run.
        operation: Of the caller that came first.
        values: Of the caller that came first.

    Attributes:
        readers: By id; under an empty one for a statement without a key, whose reads are all the same.
        most: Ids that fit into one query.
        call: Once it is sent.
        waiting: Callers that have not left.
    """

    def __init__(self, kind: Hashable, statement: Statement[Any], operation: str, values: Mapping[str, Value]) -> None:
        self.kind = kind
        self.statement = statement
        self.operation = operation
        self._values = dict(values)
        self.readers: dict[str, list[Reader]] = {}
        cap = MAX_IDS_WITH_CHILDREN if statement.children else MAX_IDS
        room = MAX_PATH_BYTES - len(statement.path(**values))
        self.most = 1 if statement.key is None else min(cap, room // _BYTES_OF_AN_ID)
        self.call: SharedCall | None = None
        self.waiting = 0

    def has_room_for(self, record_id: str) -> bool:
        """Whether a caller of this id still fits."""
        return record_id in self.readers or len(self.readers) < max(1, self.most)

    def add(self, record_id: str, context: CallContext, operation: str) -> Reader:
        """Another caller."""
        reader = Reader(self, context, operation)
        self.readers.setdefault(record_id, []).append(reader)
        self.waiting += 1
        return reader

    def keep_the_waiting(self) -> bool:
        """Forget callers that have left; whether any are left over."""
        waiting = ((key, [each for each in found if not each.outcome.done()]) for key, found in self.readers.items())
        self.readers = {key: found for key, found in waiting if found}
        return bool(self.readers)

    def path(self) -> str:
        """The query: for one id exactly what its caller would have sent."""
        key, ids = self.statement.key, list(self.readers)
        if key is None:
            return self.statement.path(**self._values)
        if len(ids) == 1:
            return self.statement.path(**{**self._values, key: ids[0]})
        return self.statement.of_several.path(**{**self._values, key: ids})

    def answered(self, rows: list[Any]) -> None:
        """Give every caller the row of its id, or none."""
        alone = len(self.readers) == 1
        by_id = {} if alone else {row.id: [row] for row in rows}
        for key, readers in self.readers.items():
            for reader in readers:
                reader.tell(rows if alone else by_id.get(key, []))

    def failed(self, error: Exception) -> None:
        """Give every caller the problem it would have had alone.

        What is no passing state may be the fault of one id, one row, or of the size; then each asks for itself.
        """
        problem = error if isinstance(error, Problem) else None
        passing = problem is not None and problem.transient and not isinstance(problem, QueryTooSlow)
        self.tell_all(problem if passing or len(self.readers) == 1 else None)

    def tell_all(self, outcome: Problem | None) -> None:
        """Give every caller the same."""
        for readers in self.readers.values():
            for reader in readers:
                reader.tell(outcome)


class SharedCall:
    """One call to Salesforce on behalf of several callers; it belongs to none of them.

    It has the latest of their deadlines and the first of their priorities, and no principal: the connector calls
    as the integration user, whoever asks.

    Args:
        pieces: At least one, each with callers.
        changes: How many changes the connector had made when it was sent.
        until: Monotonic seconds at which the backend's own time for it is over.
    """

    def __init__(self, pieces: list[Piece], changes: int, until: float) -> None:
        self.pieces = pieces
        self.changes = changes
        readers = [each for piece in pieces for found in piece.readers.values() for each in found]
        self.reads = len(readers)
        self.context = _context_for(readers)
        self.until = until if self.context.deadline is None else min(until, self.context.deadline)
        self.task: asyncio.Task[None] | None = None

    def is_abandoned(self) -> bool:
        """Whether nobody waits for it any more."""
        return not any(piece.waiting for piece in self.pieces)

    def cancel(self) -> None:
        """Give the call up."""
        if self.task is not None:
            self.task.cancel()


def _context_for(readers: Iterable[Reader]) -> CallContext:
    contexts = [reader.context for reader in readers]
    deadlines = [context.deadline for context in contexts if context.deadline is not None]
    first = next(iter(readers))
    return CallContext(
        deadline=max(deadlines) + GRACE_SECONDS if len(deadlines) == len(contexts) else None,
        traceparent=first.span.traceparent,
        tracestate=first.context.tracestate,
        priority=min((context.priority for context in contexts), key=lambda priority: _RANK[priority]),
    )
