"""The journal's tables in memory: what the SQLite driver's statements do, without SQLite."""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import msgspec

from shared.durable.journal import (
    FINAL_STATES,
    Amendment,
    AuditEntry,
    Change,
    Claim,
    Claims,
    Consumption,
    FenceLost,
    FlowRecord,
    Save,
    Signal,
    StepRecord,
)
from shared.durable.process_identity import ProcessIdentity
from shared.durable.retry_schedule import LONGEST_PARK
from shared.durable.simulation.memory_outbox import MemoryOutbox

Start = tuple[FlowRecord, str | None]
Task = Callable[[float], Any]

_SETTLED = frozenset({"succeeded", "refused"})
_KEPT = frozenset({"running", "compensating"})
_FORGET_WORKERS_AFTER = 3600.0


class Leased(NamedTuple):
    """A worker that has announced itself, and until when that counts."""

    process: ProcessIdentity
    until: float


class Row:
    """A flow as it lies in the table: the record as last written, and what only the store knows.

    Attributes:
        number: Of the row, in the order in which flows began.
        flow: Without `next_in`.
        steps: By number; what is due carries its moment in `due`.
        due: When waiting steps are tried again, Unix seconds.
        owner: The worker that has it.
        next_at: When it is due, if no worker has it.
        woken: Something woke it while a worker had it.
        progress: Settled steps at the last takeover.
        signals: In the order in which they came.
    """

    __slots__ = ("due", "flow", "next_at", "number", "owner", "progress", "signals", "steps", "woken")

    def __init__(self, number: int, flow: FlowRecord, owner: str | None, next_at: float | None) -> None:
        self.number = number
        self.flow = flow
        self.steps: dict[int, StepRecord] = {}
        self.due: dict[int, float] = {}
        self.owner = owner
        self.next_at = next_at
        self.woken = False
        self.progress = 0
        self.signals: list[Signal] = []

    def record(self, now: float) -> FlowRecord:
        """The flow as a caller sees it."""
        return self.flow if self.next_at is None else _replaced(self.flow, next_in=self.next_at - now)

    def claim(self, now: float) -> Claim:
        """The flow with its steps in the order they began."""
        due, steps = self.due, self.steps
        shown = [_replaced(step, retry_in=due[seq] - now) if seq in due else step for seq, step in steps.items()]
        shown.sort(key=_begin)
        return Claim(self.record(now), tuple(shown))

    def parked(self, contract: str) -> list[int]:
        """The steps of a contract that an open circuit put off."""
        mine = f"{contract}."
        return [
            seq
            for seq, step in self.steps.items()
            if step.parks and step.state == "waiting" and step.operation.startswith(mine)
        ]

    def settled(self) -> int:
        """Steps that have an outcome."""
        return sum(step.state in _SETTLED for step in self.steps.values())


class MemoryTables:
    """Flows, steps, signals, workers and the audit trail of one store; each method is one statement or transaction."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.workers: dict[str, Leased] = {}
        self.audit: list[AuditEntry] = []
        self.outbox = MemoryOutbox()
        self.archive_files: dict[str, int] = {}

    def apply(self, items: list[Any], now: float) -> list[Any]:
        """Write a batch as the drivers do: new flows, then saves, then single tasks; the outcome of each."""
        if len(items) == 1:
            return [self._one(items[0], now)]
        outcomes: list[Any] = [None] * len(items)
        for wanted in (tuple, Save, None):
            for index, item in enumerate(items):
                kind = tuple if isinstance(item, tuple) else Save if isinstance(item, Save) else None
                if kind is wanted:
                    outcomes[index] = self._one(item, now)
        return outcomes

    def _one(self, item: Any, now: float) -> Any:
        if isinstance(item, Save):
            return self.save(item, now)
        if isinstance(item, tuple):
            flow, worker = item  # pyright: ignore[reportUnknownVariableType]
            return self.start(flow, worker, now)  # pyright: ignore[reportUnknownArgumentType]
        return item(now)

    # --- flows and steps -----------------------------------------------------------------------------

    def start(self, flow: FlowRecord, worker: str | None, now: float) -> bool:
        """See `Journal.start`."""
        if flow.flow_id in self.rows:
            return False
        written = _replaced(
            flow, state="running" if worker else "pending", fence=1 if worker else 0, next_in=None,
            created_at=now, updated_at=now,
        )  # fmt: skip
        self.rows[flow.flow_id] = Row(len(self.rows) + 1, written, worker, None if worker else now)
        return True

    def holds(self, row: Row, fence: int) -> bool:
        """Whether a save under this fence may be written."""
        return row.flow.fence == fence

    def save(self, save: Save, now: float) -> FenceLost | None:
        """See `Journal.save`."""
        row = self.rows.get(save.flow_id)
        if row is None or not self.holds(row, save.fence):
            return FenceLost(f"Flow {save.flow_id} is no longer held under fence {save.fence}.")
        for step in save.steps:
            _put(row, step, now)
        if save.change is not None:
            self._change(row, save.change, now)
        if save.events:
            self.outbox.publish(save.events, now)
        return None

    def consume(self, consumption: Consumption, now: float) -> frozenset[str] | None:
        """See `Journal.consume`."""
        it = consumption
        if not self.outbox.move(it.consumer, it.source, it.expected, it.position, now):
            return None
        started = [flow for flow in it.starts if self.start(flow, None, now)]
        for flow in started:
            if flow.state == "dead":
                row = self.rows[flow.flow_id]
                row.flow, row.next_at = _replaced(row.flow, state="dead", problem=flow.problem), None
        return frozenset([flow.flow_id for flow in started])

    def _change(self, row: Row, change: Change, now: float) -> None:
        row.flow = _replaced(
            row.flow, state=change.state, result=change.result, problem=change.problem,
            compensating=change.compensating, in_doubt=change.in_doubt, updated_at=now,
        )  # fmt: skip
        if change.next_in is not None or change.state not in _KEPT:
            row.owner = None
        row.next_at = None if change.next_in is None else now + change.next_in
        if row.woken and row.next_at is not None:
            row.next_at = min(row.next_at, now)
        if change.wakes is not None:
            self.wake(change.wakes, now)

    def wake(self, flow_id: str | None, now: float) -> None:
        """Make a flow that has not ended due; while a worker has it, as soon as that lets go of it."""
        row = self.rows.get(flow_id or "")
        if row is not None and row.flow.state not in FINAL_STATES:
            self.make_due(row, now)

    def make_due(self, row: Row, now: float) -> None:
        """Have a flow claimed now, or when its worker lets go of it."""
        row.woken = row.owner is not None
        row.next_at = None if row.woken else now

    def release(self, flow_id: str, fence: int, now: float) -> None:
        """See `Journal.release`."""
        row = self.rows.get(flow_id)
        if row is not None and row.flow.fence == fence and row.owner is not None:
            row.owner, row.next_at = None, now
            row.flow = _replaced(row.flow, in_doubt=True)

    def let_go(self, flow_id: str, fence: int, now: float) -> None:
        """Take back a claim, or a start, whose answer was lost, as the PostgreSQL driver does."""
        row = self.rows.get(flow_id)
        if row is not None and row.flow.fence == fence and row.owner is not None:
            row.owner, row.next_at, row.woken = None, now, False

    # --- claims and leases ---------------------------------------------------------------------------

    def claim(self, worker: str, kinds: Collection[str], limit: int, now: float) -> Claims:
        """See `Journal.claim`."""
        mine = [row for row in self.rows.values() if row.flow.kind in kinds]
        taken: list[Row] = []
        if limit > 0:
            taken = sorted((row for row in mine if self._is_abandoned(row, worker, now)), key=_holder)[:limit]
            for row in taken:
                self.take_over(row)
            due = [row for row in mine if row.next_at is not None and row.next_at <= now]
            due.sort(key=_urgency)
            taken += due[: limit - len(taken)]
            for row in taken:
                _take(row, worker, now)
            taken.sort(key=_number)
        waits = [row.next_at for row in mine if row.next_at is not None]
        return Claims(tuple([row.claim(now) for row in taken]), min(waits) - now if waits else None)

    def _is_abandoned(self, row: Row, worker: str, now: float) -> bool:
        if row.owner is None or row.owner == worker:
            return False
        leased = self.workers.get(row.owner)
        return leased is None or leased.until <= now

    def take_over(self, row: Row) -> None:
        """A worker that vanished counts against the flow, unless the flow had got further since the last time."""
        settled, flow = row.settled(), row.flow
        stuck = flow.takeovers > 0 and row.progress == settled
        row.progress = settled
        row.flow = _replaced(flow, in_doubt=True, takeovers=flow.takeovers + 1 if stuck else 1)

    def renew(
        self, worker: str, me: ProcessIdentity, lease: float, is_gone: Callable[[ProcessIdentity], bool], now: float
    ) -> frozenset[str]:
        """See `Journal.renew`; also ends the leases of processes of this place that are gone."""
        self.workers[worker] = Leased(self.workers[worker].process if worker in self.workers else me, now + lease)
        for name, other in list(self.workers.items()):
            gone = other.process.place == me.place and is_gone(other.process)
            if gone or other.until < now - _FORGET_WORKERS_AFTER:
                del self.workers[name]
        return frozenset(
            [name for name, row in self.rows.items() if row.owner == worker and row.flow.cancel_requested]
        )  # fmt: skip

    # --- what others do to a flow --------------------------------------------------------------------

    def request_cancel(self, flow_id: str, entry: AuditEntry | None, now: float) -> FlowRecord | None:
        """See `Journal.request_cancel`."""
        row = self.rows.get(flow_id)
        if row is None:
            return None
        found = row.record(now)
        if found.state not in FINAL_STATES - {"dead"}:
            row.flow = _replaced(row.flow, cancel_requested=True, updated_at=now)
            self.make_due(row, now)
            if found.state == "dead":
                _revive(row, now)
            if entry is not None:
                self.audit.append(_replaced(entry, at=now))
        return found

    def unpark(self, kinds: Collection[str], contract: str, limit: int, now: float) -> int:
        """See `Journal.unpark`."""
        latest, parked = now + LONGEST_PARK, list[Row]()
        for row in self.rows.values():
            if row.next_at is not None and now < row.next_at <= latest and row.flow.kind in kinds:
                parked += [row] if row.parked(contract) else []
        parked = sorted(parked, key=_moment)[:limit]
        for row in parked:
            row.next_at = now
            row.due.update(dict.fromkeys(row.parked(contract), now))
        return len(parked)

    def signal(self, flow_id: str, signal: Signal, now: float) -> bool | None:
        """See `Journal.signal`."""
        row = self.rows.get(flow_id)
        if row is None:
            return None
        if any((known.name, known.key) == (signal.name, signal.key) for known in row.signals):
            return False
        row.signals.append(signal)
        self.wake(flow_id, now)
        return True

    def amend(self, amendment: Amendment, now: float) -> bool:
        """See `Journal.amend`."""
        row = self.rows.get(amendment.entry.flow_id)
        if row is None or row.flow.state != "dead" or row.owner is not None or row.next_at is not None:
            return False
        request = row.flow.request if amendment.request is None else amendment.request
        row.flow = _replaced(row.flow, state=amendment.becomes, request=request, updated_at=now)
        if amendment.forget:
            row.steps.clear()
            row.due.clear()
        if amendment.becomes == "pending":
            _revive(row, now)
        if amendment.becomes == "discarded":
            self.wake(row.flow.parent, now)
        self.audit.append(_replaced(amendment.entry, at=now))
        return True

    def retire(self, flow_id: str, entry: AuditEntry, now: float) -> FlowRecord | None:
        """See `Journal.retire`."""
        row = self.rows.get(flow_id)
        if row is None:
            return None
        found = row.record(now)
        if found.state == "completed":
            row.flow = _replaced(row.flow, state="retired", updated_at=now)
            self.audit.append(_replaced(entry, at=now))
        return found


_replaced = msgspec.structs.replace


def _begin(step: StepRecord) -> tuple[float, int]:
    return step.started_at, abs(step.seq)


def _urgency(row: Row) -> tuple[int, float | None]:
    return row.flow.priority, row.next_at


def _moment(row: Row) -> float:
    return row.next_at or 0.0


def _holder(row: Row) -> tuple[str, int]:
    return row.owner or "", row.number


def _number(row: Row) -> int:
    return row.number


def _put(row: Row, step: StepRecord, now: float) -> None:
    known = row.steps.get(step.seq)
    if known is not None and known.started_at != step.started_at:
        step = _replaced(step, started_at=known.started_at)
    row.steps[step.seq] = step
    if step.retry_in is None:
        row.due.pop(step.seq, None)
    else:
        row.due[step.seq] = now + step.retry_in


def _take(row: Row, worker: str, now: float) -> None:
    flow = row.flow
    row.owner, row.next_at, row.woken = worker, None, False
    state = "compensating" if flow.compensating else "running"
    row.flow = _replaced(flow, fence=flow.fence + 1, updated_at=now, state=state)


def _revive(row: Row, now: float) -> None:
    """Make a dead flow due, its failed steps as if never tried."""
    for seq, step in row.steps.items():
        if step.state == "dead" or (seq < 0 and step.state == "refused"):
            row.steps[seq] = _replaced(step, state="waiting", attempts=0, parks=0)
            row.due[seq] = now
    compensating = row.flow.compensating
    row.next_at = now
    row.flow = _replaced(
        row.flow, state="compensating" if compensating else "pending", takeovers=0, in_doubt=True,
        problem=row.flow.problem if compensating else None,
    )  # fmt: skip
