"""What a proof found, and the sentences that say what was wrong."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from shared.durable.endangered.reckoning import Reckoning, Tally

QUARANTINE_AFTER = 5
_MOST_SENTENCES = 20


class ProofFailed(Exception):  # noqa: N818 - reads as what it is
    """The proof itself could not be carried out; the text says why."""


class Books(msgspec.Struct):
    """One backend against the flows.

    Attributes:
        effects: How many there had to be.
        lost: Orders that stand without this effect.
        doubled: Effects there are twice.
        half_done: Effects of orders that do not stand.
    """

    effects: int = 0
    lost: int = 0
    doubled: int = 0
    half_done: int = 0


class Calls(msgspec.Struct):
    """Calls of one operation that writes, by what workers said before they died and by the backend's own log.

    Attributes:
        predicted: How many had to arrive.
        made: How many did.
    """

    predicted: int = 0
    made: int = 0


class Findings(msgspec.Struct, rename="camel"):
    """What a proof found.

    Attributes:
        kills: Workers killed.
        frozen: Of these, workers that were stopped past their lease and let go on first.
        boundaries: Kills at each.
        routes: The boundaries that were to be visited, by the way that an order goes.
        floor: How often each of these was to be visited.
        orders: Flows by how they ended.
        books: By backend.
        calls: By operation.
        unfinished: Accepted orders that did not end.
        stale: Writes accepted under a fence that was lost.
        poisoned: Workers that one poisonous order could end before it was a dead letter.
        wrong: What was lost, doubled, half done or called without need, and where.
    """

    kills: int = 0
    frozen: int = 0
    boundaries: Counter[str] = msgspec.field(default_factory=Counter[str])
    routes: dict[str, list[str]] = msgspec.field(default_factory=dict[str, list[str]])
    floor: int = 0
    orders: Counter[str] = msgspec.field(default_factory=Counter[str])
    books: dict[str, Books] = msgspec.field(default_factory=dict[str, Books])
    calls: dict[str, Calls] = msgspec.field(default_factory=dict[str, Calls])
    unfinished: int = 0
    stale: int = 0
    poisoned: int = 0
    wrong: list[str] = msgspec.field(default_factory=list[str])

    @property
    def sound(self) -> bool:
        """Nothing lost, nothing doubled, nothing half done, no call but those that had to be made."""
        wrong = sum(each.lost + each.doubled + each.half_done for each in self.books.values())
        differences = sum(abs(each.predicted - each.made) for each in self.calls.values())
        troubles = wrong + differences + self.unfinished + self.stale + len(self.wrong)
        return not troubles and self.poisoned <= QUARANTINE_AFTER

    def add_orders(self, ended: Mapping[str, str]) -> None:
        """Count flows by how they ended; `ended` has the state by flow."""
        self.orders.update(ended.values())
        for flow_id, state in ended.items():
            if state not in ("completed", "refused", "cancelled"):
                self.unfinished += 1
                self._note(f"The order {flow_id} did not end; it is {state}.")

    def add_books(self, standing: set[str], books: Mapping[str, Counter[str]]) -> None:
        """Compare the orders that stand with what each backend says it did, by the order's reference."""
        for name, found in books.items():
            book = self.books.setdefault(name, Books())
            book.effects += len(standing)
            lost, half_done = standing - found.keys(), found.keys() - standing
            doubled = {reference: count for reference, count in found.items() if count > 1}
            book.lost += len(lost)
            book.doubled += sum(count - 1 for count in doubled.values())
            book.half_done += len(half_done)
            for reference in sorted(lost):
                self._note(f"The order {reference} stands, but {name} knows nothing of it: it was lost there.")
            for reference, count in sorted(doubled.items()):
                self._note(f"{name} has the order {reference} {count} times: it was doubled there.")
            for reference in sorted(half_done):
                self._note(f"The order {reference} does not stand, but {name} has it: it was left half done.")

    def add_calls(self, tallies: Mapping[str, Tally]) -> None:
        """Count calls."""
        for operation, tally in tallies.items():
            calls = self.calls.setdefault(operation, Calls())
            calls.predicted += tally.predicted
            calls.made += tally.made

    def add_reckoning(self, reckoning: Reckoning) -> None:
        """Take in what one round's workers said."""
        self.boundaries.update(reckoning.ends)
        self.stale += reckoning.stale
        if reckoning.stale:
            self._note(f"{reckoning.stale} writes were accepted from workers that had lost their order.")
        for sentence in reckoning.wrong:
            self._note(sentence)

    def add_poisoned(self, workers: int) -> None:
        """Note how many workers one order could end."""
        self.poisoned = workers
        if workers > QUARANTINE_AFTER:
            self._note(f"One poisonous order could end {workers} workers; {QUARANTINE_AFTER} are allowed.")

    def _note(self, sentence: str) -> None:
        if len(self.wrong) < _MOST_SENTENCES:
            self.wrong.append(sentence)
