"""A dry replay: what a flow would do next if it went on now. Nothing is called and nothing is written."""

import dis
import inspect
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.durable.codec import PlainCodec
from shared.durable.flow import FlowShape
from shared.durable.flow_log import FlowLog
from shared.durable.interruptions import FlowDiverged, FlowInterrupted
from shared.durable.journal import Claim, Journal
from shared.durable.step import Step, contract_of
from shared.durable.step_sequence import StepSequence, Surroundings

_MANY = 1_000


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How far the record goes, and what follows.

    Attributes:
        diverged: Why the code cannot go on from this record; empty when it can.
        next_steps: The steps it would attempt first, certain.
        later: Writes that its code names and the record does not hold yet; which of them happen depends on answers.
        undos: What it would undo, if it undoes, latest first.
    """

    diverged: str = ""
    next_steps: list[Step[Any]] = field(default_factory=list[Step[Any]])
    later: list[str] = field(default_factory=list[str])
    undos: list[Step[Any]] = field(default_factory=list[Step[Any]])


async def rehearse(shape: FlowShape[Any, Any], claim: Claim, journal: Journal, around: Surroundings) -> Rehearsal:
    """Replay a flow up to where its record ends.

    Args:
        shape: Its code.
        claim: The flow, payloads readable; its request must fit.
        journal: Not asked for anything.
        around: Nor are these.
    """
    flow = msgspec.structs.replace(claim.flow, compensating=True)  # so that the replay ends where the record does
    steps = StepSequence(flow, FlowLog(journal, PlainCodec(), claim), CallContext(), around)
    steps.begin()
    code = shape.build(steps)
    with suppress(FlowInterrupted, Exception):  # how it ends is what the steps say
        await shape.encoded(code.run(shape.request.decode(flow.request)))
    diverged = _diverged(steps, compensating=claim.flow.compensating)
    if diverged is not None:
        return Rehearsal(str(diverged))
    undos = list(_undos(steps))
    if claim.flow.compensating:
        return Rehearsal(undos=undos)
    if claim.flow.cancel_requested:  # it still settles what may have happened, then undoes
        return Rehearsal(next_steps=[step for step in steps.reached if step.undo is not None], undos=undos)
    return Rehearsal(next_steps=steps.reached, later=list(_later(code, claim, steps.reached)))


def _diverged(steps: StepSequence, *, compensating: bool) -> FlowDiverged | None:
    if steps.interruption is None and not compensating:
        steps.compensating = False
        try:
            steps.end()
        except FlowDiverged as early:
            return early
    return steps.interruption if isinstance(steps.interruption, FlowDiverged) else None


def _undos(steps: StepSequence) -> Iterator[Step[Any]]:
    for seq in sorted(steps.done_undoable, reverse=True):
        done, undone = steps.done_undoable[seq], steps.log.steps.get(-seq)
        if done.undo is not None and (undone is None or undone.state != "succeeded"):
            yield done.undo(done.operation.decode_result(steps.log.steps[seq].outcome))


def _later(code: Any, claim: Claim, reached: list[Step[Any]]) -> Iterator[str]:
    named = named_writes(code)
    named.subtract(step.operation for step in claim.steps if step.state == "succeeded" and step.seq > 0)
    named.subtract(step.operation.qualified_name for step in reached)
    return (name for name, left in named.items() if left > 0)


def named_writes(flow: Any) -> Counter[str]:
    """The unsafe operations that a flow's code names, and how often; those in a loop count a thousandfold.

    Looks into `run` and the methods it calls, not into undos, nor through other names for `self.crm` and the like.
    """
    known = _named_writes.get(flow.__class__)
    if known is None:
        known = _named_writes[flow.__class__] = Counter()
        methods: dict[str, FunctionType] = dict(inspect.getmembers_static(flow.__class__, inspect.isfunction))
        _collect(flow, methods, methods["run"].__code__, known, set())
    return known.copy()


_named_writes: dict[type, Counter[str]] = {}  # a flow's code names the same each time


def _collect(
    flow: Any, methods: dict[str, FunctionType], code: CodeType, found: Counter[str], seen: set[CodeType]
) -> None:
    seen.add(code)
    instructions = list(dis.get_instructions(code))
    loops = [(jump.argval, jump.offset) for jump in instructions if _ends_a_loop(jump)]
    before: Any = None
    for instruction in instructions:
        name = _named(instruction)
        inner = methods[name].__code__ if isinstance(name, str) and name in methods else name
        if isinstance(inner, CodeType) and inner.co_name != "<lambda>" and inner not in seen:
            _collect(flow, methods, inner, found, seen)
        operation = _operation(flow, before, name) if _is_called(instruction) else None
        if operation is not None and not operation.safe:
            many = any(begin <= instruction.offset <= end for begin, end in loops)
            found[operation.qualified_name] += _MANY if many else 1
        before = name


def _ends_a_loop(instruction: dis.Instruction) -> bool:
    return "JUMP_BACKWARD" in instruction.opname and "NO_INTERRUPT" not in instruction.opname  # that is an `await`


def _is_called(instruction: dis.Instruction) -> bool:
    """True for the attribute of a call, `self.crm.get_quote(…)`; an undo is often named without being called."""
    if sys.version_info >= (3, 12):
        return instruction.opname == "LOAD_ATTR" and bool((instruction.arg or 0) & 1)
    return instruction.opname == "LOAD_METHOD"


def _named(instruction: dis.Instruction) -> str | CodeType | None:
    """The attribute that an instruction reads, or the function it makes."""
    if isinstance(instruction.argval, CodeType):
        return instruction.argval
    return str(instruction.argval) if instruction.opname.startswith(("LOAD_ATTR", "LOAD_METHOD")) else None


def _operation(flow: Any, attribute: Any, name: Any) -> Operation | None:
    if not isinstance(attribute, str) or not isinstance(name, str):
        return None
    contract = contract_of(getattr(flow, attribute, None))
    return contract.operations.get(name) if contract else None
