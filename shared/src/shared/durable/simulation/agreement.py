"""What must hold when a simulated world has come to rest: journal and ledger say the same, and nothing is stranded."""

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from shared.binding.problems import InternalFault
from shared.durable.flow import shape_of
from shared.durable.journal import FINAL_STATES, Claim, StepRecord
from shared.durable.publication import PUBLISH
from shared.durable.recorded import decode_problem
from shared.durable.simulation.flows import KNOWN, LASTING, Deal, Trade
from shared.durable.waits import taken_signal

_deal = msgspec.json.Decoder(Deal)
_QUARANTINE = 5
_DONE = frozenset({"completed", "retired"})
_TRADE = shape_of(Trade).kind

Standing = Mapping[str, Mapping[str, int]]
"""How often each entry stands in the ledger, by flow and slot."""


def disagreements(flows: list[Claim], standing: Standing, events: list[str]) -> Iterator[str]:
    """Where the journal, the ledger and the promises say different things.

    Args:
        flows: Every flow of the journal with its steps.
        standing: The ledger.
        events: What was published.
    """
    known = {claim.flow.flow_id: claim for claim in flows}
    for flow_id, slots in standing.items():
        if flow_id not in known:
            yield f"{flow_id} is in the ledger and not in the journal"
        yield from (f"{slot!r} of {flow_id} stands {n} times" for slot, n in slots.items() if n not in (0, 1))
    for flow_id, claim in known.items():
        stands = {slot for slot, count in standing.get(flow_id, {}).items() if count}
        yield from _of_flow(claim, stands)
    yield from _of_families(known)
    said = [f"{c.flow.flow_id}/{step.seq}" for c in flows for step in c.steps if step.operation == PUBLISH]
    if sorted(said) != sorted(events):
        yield f"steps published {sorted(said)}, but the outbox holds {sorted(events)}"


def _of_flow(claim: Claim, stands: set[str]) -> Iterator[str]:
    flow = claim.flow
    if flow.state in _DONE and stands != (due := _due(claim)):
        yield f"{flow.flow_id} is completed, but {sorted(stands)} stand instead of {sorted(due)}"
    if flow.state in _DONE and flow.kind == _TRADE and all(s.operation != PUBLISH for s in claim.steps):
        yield f"{flow.flow_id} is completed without its event"
    if flow.state == "refused" and stands:
        yield f"{flow.flow_id} is refused, but {sorted(stands)} stand"
    if flow.state == "cancelled" and stands - {LASTING}:
        yield f"{flow.flow_id} is cancelled, but {sorted(stands)} stand"
    if flow.state in ("refused", "dead"):
        yield from _without_reason(claim)
    taken = [taken_signal(s.arguments, s.outcome) for s in _waits(claim) if s.state == "succeeded"]
    if len(taken) != len(set(taken)):
        yield f"{flow.flow_id} took a signal twice: {taken}"


def _waits(claim: Claim) -> list[StepRecord]:
    return [step for step in claim.steps if step.operation == "flow.wait_for"]


def _due(claim: Claim) -> set[str]:
    simulated = KNOWN[claim.flow.kind]
    if simulated.slots is not None:
        return set(simulated.slots)
    signals = [taken_signal(s.arguments, s.outcome)[1] for s in _waits(claim) if s.state == "succeeded"]
    return {"first", *(f"signal {key}" for key in signals)}


def _without_reason(claim: Claim) -> Iterator[str]:
    """A cancelled flow that got stuck has no problem of its own: the stuck step tells why."""
    flow = claim.flow
    stuck = [step for step in claim.steps if step.state in ("dead", "refused")]
    if flow.problem is None and not stuck:
        yield f"{flow.flow_id} is {flow.state} without a reason"
    if flow.state == "dead" and flow.problem is not None and flow.takeovers < _QUARANTINE:
        problem = decode_problem(flow.problem)
        if isinstance(problem, InternalFault):
            yield f"{flow.flow_id} is dead of a defect: {problem.detail}"


def _of_families(known: dict[str, Claim]) -> Iterator[str]:
    children = [claim.flow for claim in known.values() if claim.flow.parent is not None]
    names = {child.flow_id: _deal.decode(child.request).name for child in children}
    started = Counter((child.parent, names[child.flow_id]) for child in children)
    for child in children:
        parent = known[child.parent or ""].flow
        if started[child.parent, names[child.flow_id]] > 1:
            yield f"{parent.flow_id} started a child more than once: {child.flow_id}"
        if parent.state in _DONE and child.state != "completed":
            yield f"{parent.flow_id} is completed, but its child {child.flow_id} is {child.state}"
        if parent.state in FINAL_STATES - {"dead", "discarded"} and child.state not in FINAL_STATES:
            yield f"{parent.flow_id} has ended, but its child {child.flow_id} is {child.state}"
