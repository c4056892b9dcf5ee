"""Which calls had to be made, by what workers said before they died.

A worker calls a step again if and only if the worker that called it before ended before the step's outcome was
durable: whoever claims a flow knows all outcomes committed under earlier fences, and calls what is left once each,
plus once more for each call of its own that ended with a transient problem.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.durable.endangered.trail import Entry

CallId = tuple[int, int]
"""The number of a worker, and of the call among its calls."""


_Run = tuple[str, int]  # a flow and the fence under which it runs: of each claim there is one run


@dataclass(slots=True)
class Call:
    """A call that a worker began.

    Attributes:
        key: Its idempotency key: the flow, and the number of the step.
        operation: Qualified name.
        ended: `ok`, `refused`, `again` for a transient problem, `cut`; empty if its worker died meanwhile.
        foreseen: Whether the step had to be called.
    """

    key: str
    operation: str
    ended: str = ""
    foreseen: bool = True

    @property
    def flow_id(self) -> str:
        """Of the flow whose step it is."""
        return self.key.partition("/")[0]

    @property
    def certain(self) -> bool:
        """The backend has done it; of others nobody here knows whether they arrived."""
        return self.ended == "ok"


class Tally(NamedTuple):
    """Calls of one operation: how many had to arrive, and how many did."""

    predicted: int
    made: int


@dataclass
class Reckoning:
    """What a trail says, entry by entry.

    Attributes:
        calls: All that were begun.
        ends: How many workers were killed or stopped at each boundary.
        boundaries: Names in the order of their first crossing, as far as they were listed.
        stale: Saves that were accepted although their fence was lost.
        wrong: Sentences about calls that nobody foresaw, and outcomes that a journal lost.
        last_end: The boundary at which the latest worker was killed or stopped.
    """

    calls: dict[CallId, Call] = field(default_factory=dict[CallId, Call])
    ends: Counter[str] = field(default_factory=Counter[str])
    boundaries: list[str] = field(default_factory=list[str])
    stale: int = 0
    wrong: list[str] = field(default_factory=list[str])
    last_end: str = ""
    _durable: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict[str, dict[str, int]](dict))
    _known: dict[_Run, set[str]] = field(default_factory=lambda: defaultdict[_Run, set[str]](set))
    _latest: dict[tuple[_Run, str], CallId] = field(default_factory=dict[tuple[_Run, str], CallId])

    def read(self, entries: Iterable[Entry]) -> None:
        """Take in what workers said."""
        for worker, word, rest in entries:
            match word:
                case "begin":
                    self._begin((worker, int(rest[0])), rest[1], rest[2], int(rest[3]))
                case "end":
                    self.calls[worker, int(rest[0])].ended = rest[1]
                case "claimed":
                    self._claimed(rest[0], int(rest[1]), set(rest[2:]))
                case "durable":
                    self._settled(rest[0], int(rest[1]))
                case "stale":
                    self.stale += 1
                case "boundary":
                    self._list(rest[0])
                case _:
                    self.last_end = rest[0]
                    self.ends[rest[0]] += 1

    def reconcile(self, arrived: set[CallId], operations: Iterable[str]) -> dict[str, Tally]:
        """Compare with what a backend says arrived, by operation; adds a sentence for each call that differs."""
        tallies: dict[str, Tally] = {}
        for operation in operations:
            begun = {each: call for each, call in self.calls.items() if call.operation == operation}
            made = arrived & begun.keys()
            predicted = {each for each, call in begun.items() if call.foreseen and (call.certain or each in made)}
            tallies[operation] = Tally(len(predicted), len(made))
            lost = sorted(predicted - made)
            self.wrong += [f"{operation} was called for {begun[each].key}, but never arrived." for each in lost]
        return tallies

    def reconcile_counts(self, operation: str, arrived: Counter[str]) -> Tally:
        """The same where a backend only counts calls by flow."""
        predicted = made = 0
        certain, unsure = Counter[str](), Counter[str]()
        for call in self.calls.values():
            if call.operation == operation and call.foreseen:
                (certain if call.certain else unsure)[call.flow_id] += 1
        for flow_id in certain.keys() | unsure.keys() | arrived.keys():
            least = certain[flow_id]
            expected = min(max(arrived[flow_id], least), least + unsure[flow_id])
            if expected != arrived[flow_id]:
                self.wrong.append(
                    f"{operation} had to be called {expected} times for {flow_id}, not {arrived[flow_id]}."
                )
            predicted, made = predicted + expected, made + arrived[flow_id]
        return Tally(predicted, made)

    def _begin(self, call_id: CallId, key: str, operation: str, fence: int) -> None:
        run = _flow(key), fence  # one that started here knows nothing
        before = self._latest.get((run, key))
        again = before is not None and self.calls[before].ended not in ("again", "cut")
        call = Call(key, operation)
        if again or key in self._known[run]:
            call.foreseen = False
            why = "was journaled" if key in self._known[run] else "was under way in the same worker"
            self.wrong.append(f"{operation} was called again for {key} although its first call {why}.")
        self.calls[call_id] = call
        self._latest[run, key] = call_id

    def _settled(self, key: str, fence: int) -> None:
        flow_id = _flow(key)
        self._durable[flow_id].setdefault(key, fence)
        self._known[flow_id, fence].add(key)

    def _claimed(self, flow_id: str, fence: int, known: set[str]) -> None:
        """A line may come late, if its worker was stopped before writing it; only fences say what came first."""
        before = {key for key, held in self._durable[flow_id].items() if held < fence}
        for key in sorted(before - known):
            self.wrong.append(f"The journal lost the outcome of {key}: it was committed, and is not there any more.")
        self._known[flow_id, fence] |= known | before

    def _list(self, name: str) -> None:
        if name not in self.boundaries:
            self.boundaries.append(name)


def _flow(key: str) -> str:
    return key.partition("/")[0]
