"""What must hold in every simulated world while it happens: the witness of its commits and calls."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

from shared.binding.problems import CircuitOpen
from shared.durable.journal import Claim, Claims, FlowRecord, Save, StepRecord
from shared.durable.recorded import decode_problem
from shared.durable.retry_schedule import LONGEST_PARK
from shared.durable.simulation.flows import KNOWN, QUICKLY, SCHEDULE, Books

_TOLERANCE = 0.03  # seconds: a step is due once its time has come to within this
_PUNCTUAL = 1.0  # seconds within which a step that is due is tried, where nothing but calls fails
_CALLS = {operation.qualified_name for operation in Books.operations.values()}
_SHORTEST_PARK, _LONGEST_PARK = LONGEST_PARK / 2, LONGEST_PARK
_SLEEP = "flow.sleep"
_BEGIN = 1000.0
_REMEMBERED = 60


class Broken(Exception):  # noqa: N818 - reads as what it is
    """A promise was not kept; the text names seed, promise and the last things that happened."""


class _Known(NamedTuple):
    attempts: int
    state: str


class Witness:
    """Sees every commit and every call of a world, and remembers what happened.

    Args:
        seed: Of the world.
        clock: Virtual seconds.

    Attributes:
        punctual: Set it where nothing delays what is due.
        retries: Attempts that the record put off.
        parks: Those that an open circuit put off.
        stale: Saves under a lost fence, all of them refused.
        revived: Dead flows that were cancelled, and so went on.
        failure: The first promise that was not kept: the engine may swallow what is raised inside it.
    """

    def __init__(self, seed: int, clock: Callable[[], float]) -> None:
        self.punctual = False
        self.retries = self.parks = self.stale = self.revived = 0
        self.failure: Broken | None = None
        self._seed = seed
        self._clock = clock
        self._story: list[tuple[float, object, str, object]] = []
        self._fences: dict[str, int] = {}
        self._kinds: dict[str, str] = {}
        self._holders: dict[str, object] = {}
        self._known: dict[tuple[str, int], _Known] = {}
        self._due: dict[tuple[str, int], float] = {}
        self._rests: dict[tuple[str, int], float] = {}
        self._operated: set[str] = set()
        self._asked: dict[tuple[str, int], tuple[object, int | None]] = {}

    def note(self, who: object, what: str, about: object = "") -> None:
        """Remember something for the story of the world."""
        self._story.append((self._clock(), who, what, about))

    def story(self) -> list[str]:
        """What happened, line by line."""
        return [f"{at - _BEGIN:9.3f} s  {who}: {what} {_text(about)}".rstrip() for at, who, what, about in self._story]

    def broken(self, promise: str) -> Broken:
        """The error that says so, with the end of the story."""
        lines = [f"  {line}" for line in self.story()[-_REMEMBERED:]]
        broken = Broken("\n".join([f"seed {self._seed}: {promise}", *lines]))
        self.failure = self.failure or broken
        return broken

    # --- commits -------------------------------------------------------------------------------------

    def committed(self, process: object, items: list[Any], outcomes: list[Any]) -> None:
        """Check what a process has just written."""
        written = list(zip(items, outcomes, strict=True))
        if len(written) > 1:
            written.sort(key=_applied_before)
        for item, outcome in written:
            if isinstance(item, Save):
                self._saved(process, item, outcome)
            elif isinstance(outcome, Claims):
                self._claimed(process, outcome)
            elif isinstance(item, tuple) and outcome is True:
                flow, worker = cast("tuple[FlowRecord, str | None]", item)
                self._fences[flow.flow_id] = 1 if worker else 0
                self._kinds[flow.flow_id] = flow.kind
                self._holders[flow.flow_id] = process if worker else None
                self.note(process, "started", flow.flow_id)
            elif isinstance(outcome, FlowRecord) and outcome.state == "dead":
                self.revived += 1
                self.operated(outcome.flow_id)

    def operated(self, flow_id: str) -> None:
        """Somebody may be about to have a dead flow tried afresh, or begun anew: then its attempts count from 0."""
        self._operated.add(flow_id)

    def _forget_attempts(self, claim: Claim) -> None:
        seen = {step.seq: step for step in claim.steps}
        for key in [key for key in self._known if key[0] == claim.flow.flow_id]:
            step = seen.get(key[1])
            if step is None or step.attempts == 0:
                del self._known[key]
                self._rests.pop(key, None)

    def _claimed(self, process: object, claims: Claims) -> None:
        for claim in claims.claimed:
            flow = claim.flow
            self.note(process, "claimed", (flow.flow_id, "fence", flow.fence))
            if flow.fence <= self._fences.get(flow.flow_id, 0):
                raise self.broken(f"the fence of {flow.flow_id} did not rise")
            self._fences[flow.flow_id] = flow.fence
            self._holders[flow.flow_id] = process
            if flow.flow_id in self._operated:
                self._forget_attempts(claim)
            for step in claim.steps:
                if step.retry_in is not None:
                    self._due[flow.flow_id, step.seq] = self._clock() + step.retry_in
        if claims.next_in is not None and claims.next_in <= 0 and claims.claimed:
            self.note(process, "left others waiting", len(claims.claimed))

    def _saved(self, process: object, save: Save, outcome: object) -> None:
        name = save.flow_id
        if isinstance(outcome, Exception):
            self.stale += 1
            self.note(process, "was refused to record", (name, "fence", save.fence))
            return
        self.note(process, "recorded", save)
        if save.fence != self._fences.get(name):
            raise self.broken(f"{process} recorded {name} under fence {save.fence}, which it had lost")
        for step in save.steps:
            if step.operation in _CALLS:
                self._recorded(name, step)
            elif step.operation == _SLEEP:
                self._slept(name, step)

    def _slept(self, name: str, step: StepRecord) -> None:
        ends, now = self._rests.get((name, step.seq)), self._clock()
        if step.state == "waiting" and step.retry_in is not None:
            if ends is not None and now + step.retry_in > ends + _TOLERANCE:
                raise self.broken(f"step {step.seq} of {name} began to sleep anew")
            self._rests[name, step.seq] = now + step.retry_in
        elif step.state == "succeeded" and ends is not None and now < ends - _TOLERANCE:
            raise self.broken(f"step {step.seq} of {name} slept {ends - now:.3f} s too little")

    def _recorded(self, name: str, step: StepRecord) -> None:
        key = (name, step.seq)
        known = self._known.get(key, _NOTHING)
        self._known[key] = _Known(step.attempts, step.state)
        self._due.pop(key, None)
        if step.state == "refused" and known.state == "waiting" and step.attempts == known.attempts:
            return  # given up beside a refusal
        where = f"step {step.seq} of {name}, attempt {step.attempts}"
        delays = QUICKLY if step.seq in KNOWN[self._kinds[name]].quick else SCHEDULE
        if step.attempts != _counted(known.attempts, step):
            raise self.broken(f"{where}: {known.attempts} attempts were recorded before")
        if step.attempts > len(delays) + 1:
            raise self.broken(f"{where}: the schedule knows {len(delays) + 1}")
        if step.state == "waiting":
            self._put_off(where, step, delays)
        elif step.state == "dead" and decode_problem(step.outcome).transient and step.attempts <= len(delays):
            raise self.broken(f"{where}: given up with retries left")

    def _put_off(self, where: str, step: StepRecord, delays: tuple[float, ...]) -> None:
        self.retries += 1
        asked = decode_problem(step.outcome).retry_after
        if step.parks:
            self.parks += 1
            right = step.retry_in is not None and _SHORTEST_PARK <= step.retry_in <= _LONGEST_PARK
        elif step.attempts > len(delays):
            right = False
        else:
            right = step.retry_in == max(delays[step.attempts - 1], asked or 0.0)
        if not right:
            raise self.broken(f"{where}: put off by {step.retry_in} s ({step.parks} parks, asked for {asked})")

    # --- calls ---------------------------------------------------------------------------------------

    def called(self, process: object, key: str) -> None:
        """Check that a call is made when it is due, neither before nor long after."""
        self.note(process, "calls", key)
        name, seq = step_of(key)
        if self._asked.get((name, seq)) == (asked := (process, self._fences.get(name))):
            raise self.broken(f"{key} was called again without another claim")
        self._asked[name, seq] = asked
        due = self._due.get((name, seq))
        if due is None or self._holders.get(name) is not process:
            return
        early = due - self._clock()
        if early > _TOLERANCE:
            raise self.broken(f"{key} was called {early:.3f} s before its time")
        if self.punctual and name not in self._operated and -early > _PUNCTUAL:
            raise self.broken(f"{key} was called {-early:.3f} s after its time")


_NOTHING = _Known(0, "")


def step_of(key: str) -> tuple[str, int]:
    """Flow and number of the step that makes a call under this idempotency key; an undo's is negative."""
    name, _, rest = key.partition("/")
    if rest.endswith("/undo"):
        return name, -int(rest[:-5])
    return name, int(rest or 0)


def _counted(before: int, step: StepRecord) -> int:
    """How many attempts a record must count, after so many: those that an open circuit made vain do not count."""
    if step.parks == 0:
        return before + 1
    return max(before, 0 if isinstance(decode_problem(step.outcome), CircuitOpen) else 1)


def _applied_before(one: tuple[Any, Any]) -> int:
    """The driver writes the new flows of a batch first, then saves, then the rest."""
    return 0 if isinstance(one[0], tuple) else 1 if isinstance(one[0], Save) else 2


def _text(about: object) -> str:
    if isinstance(about, Save):
        steps = ", ".join(f"{step.seq} {step.operation} {_attempted(step)}" for step in about.steps)
        becomes = f"; is {about.change.state}{_after(about.change.next_in)}" if about.change else ""
        return f"{about.flow_id} fence {about.fence}: {steps}{becomes}"
    if isinstance(about, tuple):
        return " ".join(str(each) for each in cast("tuple[object, ...]", about))
    return str(about)


def _attempted(step: StepRecord) -> str:
    tried = f" (attempt {step.attempts})" if step.attempts > 1 else ""
    return f"{step.state}{tried}{_after(step.retry_in)}"


def _after(seconds: float | None) -> str:
    return "" if not seconds else f" for {seconds:.3f} s"
