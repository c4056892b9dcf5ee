"""What must hold in every simulated world, looked at while it happens and when it has ended."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

from shared.binding.problems import CircuitOpen
from shared.durable.journal import FINAL_STATES, Claims, FlowRecord, Save, StepRecord
from shared.durable.recorded import decode_problem
from shared.durable.retry_schedule import RETRY_DELAYS
from shared.durable.simulation.trade import Books

_REMEMBERED = 40
_TOLERANCE = 0.03  # seconds: a step is due once its time has come to within this
_CALLS = {operation.qualified_name for operation in Books.operations.values()}


_ENDS = (  # a cancelled flow that got stuck has no problem of its own: the stuck step tells why
    "SELECT flow_id, problem IS NOT NULL OR EXISTS (SELECT 1 FROM step WHERE step.flow = flow.number"
    " AND step.state IN ('dead', 'refused')), state FROM flow"
)


class Broken(Exception):  # noqa: N818 - reads as what it is
    """A promise was not kept; the text names seed, promise and the last things that happened."""


class _Known(NamedTuple):
    attempts: int
    state: str


class Witness:
    """Sees every commit and every call of a world, and remembers the last of them.

    Args:
        seed: Of the world.
        clock: Virtual seconds.

    Attributes:
        commits: Batches committed.
        retries: Attempts that the record put off.
        stale: Saves under a lost fence, all of them refused.
        failure: The first promise that was not kept: the engine may swallow what is raised inside it.
    """

    def __init__(self, seed: int, clock: Callable[[], float]) -> None:
        self.commits = self.retries = self.stale = 0
        self.failure: Broken | None = None
        self._seed = seed
        self._clock = clock
        self._last: deque[tuple[float, object, str, object]] = deque(maxlen=_REMEMBERED)
        self._fences: dict[str, int] = {}
        self._holders: dict[str, object] = {}
        self._known: dict[tuple[str, int], _Known] = {}
        self._due: dict[tuple[str, int], float] = {}

    def note(self, who: object, what: str, about: object = "") -> None:
        """Remember something for the trace of a failure."""
        self._last.append((self._clock(), who, what, about))

    def broken(self, promise: str) -> Broken:
        """The error that says so, with the trace."""
        lines = [f"  {at - 1000:9.3f} s  {who}: {what} {about}".rstrip() for at, who, what, about in self._last]
        broken = Broken("\n".join([f"seed {self._seed}: {promise}", *lines]))
        self.failure = self.failure or broken
        return broken

    # --- commits -------------------------------------------------------------------------------------

    def committed(self, process: object, items: list[Any], outcomes: list[Any]) -> None:
        """Check what a process has just written."""
        self.commits += 1
        for item, outcome in sorted(zip(items, outcomes, strict=True), key=_applied_before):
            if isinstance(item, Save):
                self._saved(process, item, outcome)
            elif isinstance(outcome, Claims):
                self._claimed(process, outcome)
            elif isinstance(item, tuple) and outcome is True:
                flow, worker = cast("tuple[FlowRecord, str | None]", item)
                self._fences[flow.flow_id] = 1 if worker else 0
                self._holders[flow.flow_id] = process if worker else None
                self.note(process, "started", flow.flow_id)
            elif isinstance(outcome, FlowRecord) and outcome.state == "dead":
                self.forget_attempts(outcome.flow_id)

    def forget_attempts(self, flow_id: str) -> None:
        """An operator has had a dead flow tried afresh."""
        for key in [key for key in self._known if key[0] == flow_id]:
            if self._known[key].state in ("dead", "refused"):
                del self._known[key]

    def _claimed(self, process: object, claims: Claims) -> None:
        for claim in claims.claimed:
            flow = claim.flow
            self.note(process, f"claimed under fence {flow.fence}", flow.flow_id)
            if flow.fence <= self._fences.get(flow.flow_id, 0):
                raise self.broken(f"the fence of {flow.flow_id} did not rise")
            self._fences[flow.flow_id] = flow.fence
            self._holders[flow.flow_id] = process
            for step in claim.steps:
                if step.retry_in is not None:
                    self._due[flow.flow_id, step.seq] = self._clock() + step.retry_in

    def _saved(self, process: object, save: Save, outcome: object) -> None:
        name = save.flow_id
        if isinstance(outcome, Exception):
            self.stale += 1
            self.note(process, f"refused to record under fence {save.fence}", name)
            return
        states = [f"{step.seq} {step.state}" for step in save.steps]
        self.note(process, f"recorded under fence {save.fence}", (name, states, save.change and save.change.state))
        if save.fence != self._fences.get(name):
            raise self.broken(f"{process} recorded {name} under fence {save.fence}, which it had lost")
        for step in save.steps:
            if step.operation in _CALLS:
                self._recorded(name, step)

    def _recorded(self, name: str, step: StepRecord) -> None:
        known = self._known.get((name, step.seq), _Known(0, ""))
        self._known[name, step.seq] = _Known(step.attempts, step.state)
        self._due.pop((name, step.seq), None)
        if step.state == "refused" and known.state == "waiting" and step.attempts == known.attempts:
            return  # given up beside a refusal
        where = f"step {step.seq} of {name}, attempt {step.attempts}"
        if step.attempts != _counted(known.attempts, step):
            raise self.broken(f"{where}: {known.attempts} attempts were recorded before")
        if step.state == "waiting":
            self._put_off(where, step)
        elif step.state == "dead" and decode_problem(step.outcome).transient and step.attempts <= len(RETRY_DELAYS):
            raise self.broken(f"{where}: given up with retries left")

    def _put_off(self, where: str, step: StepRecord) -> None:
        self.retries += 1
        asked = decode_problem(step.outcome).retry_after
        if step.parks:
            right = step.retry_in is not None and step.retry_in > 0
        elif step.attempts > len(RETRY_DELAYS):
            right = False
        else:
            right = step.retry_in == max(RETRY_DELAYS[step.attempts - 1], asked or 0.0)
        if not right:
            raise self.broken(f"{where}: put off by {step.retry_in} s ({step.parks} parks, asked for {asked})")

    # --- calls ---------------------------------------------------------------------------------------

    def called(self, process: object, key: str) -> None:
        """Check that a call is not made before its time."""
        name, _, rest = key.partition("/")
        seq = -int(rest.removesuffix("/undo")) if rest.endswith("/undo") else int(rest)
        due = self._due.get((name, seq))
        self.note(process, "calls", key)
        if due is not None and self._holders.get(name) is process and self._clock() < due - _TOLERANCE:
            raise self.broken(f"{key} was called {due - self._clock():.3f} s before its time")


def _counted(before: int, step: StepRecord) -> int:
    """How many attempts a record must count, after so many: those that an open circuit made vain do not count."""
    if step.parks == 0:
        return before + 1
    return max(before, 0 if isinstance(decode_problem(step.outcome), CircuitOpen) else 1)


def _applied_before(one: tuple[Any, Any]) -> int:
    """The driver writes the new flows of a batch first, then saves, then the rest."""
    return 0 if isinstance(one[0], tuple) else 1 if isinstance(one[0], Save) else 2


def flows_of(database: sqlite3.Connection) -> dict[str, str]:
    """Every flow of a journal and its state."""
    return dict(database.execute("SELECT flow_id, state FROM flow").fetchall())


def under_way(database: sqlite3.Connection) -> list[str]:
    """Flows that have not ended."""
    return [flow_id for flow_id, state in flows_of(database).items() if state not in FINAL_STATES]


def disagreements(database: sqlite3.Connection, standing: dict[tuple[str, str], int]) -> Iterator[str]:
    """Where flows and the backend's ledger say different things.

    Args:
        database: The journal.
        standing: How often each entry (flow, slot) stands in the ledger.
    """
    flows = flows_of(database)
    for (flow_id, slot), count in standing.items():
        if flow_id not in flows:
            yield f"{flow_id} is in the ledger and not in the journal"
        if count not in (0, 1):
            yield f"{slot} of {flow_id} stands {count} times"
    for flow_id, explained, state in database.execute(_ENDS).fetchall():
        stands = {slot for slot in ("first", "beside", "last") if standing.get((flow_id, slot), 0)}
        if state == "completed" and len(stands) != len(("first", "beside", "last")):
            yield f"{flow_id} is completed, but only {sorted(stands)} stand"
        if state == "refused" and stands:
            yield f"{flow_id} is refused, but {sorted(stands)} stand"
        if state == "cancelled" and stands - {"last"}:  # what cannot be undone may stand
            yield f"{flow_id} is cancelled, but {sorted(stands)} stand"
        if state in ("refused", "dead") and not explained:
            yield f"{flow_id} is {state} without a reason"
