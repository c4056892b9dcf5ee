"""Steps that wait: for a time, for a signal, for a child flow to end.

Looking is cheap and repeated whenever the flow is claimed; a flow that waits is in no worker's memory. What a wait
ends with is recorded like the outcome of a call.
"""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.problems import Conflict, Problem, ProblemDetails, Refused
from shared.durable.journal import FlowRecord, Signal
from shared.durable.step import Wait

_T = TypeVar("_T")

LONGEST_REST = 86_400.0
"""Seconds after which a flow that waits without a time limit looks again, should nothing have woken it."""


class SignalTimedOut(Refused):
    """What a flow waited for did not come in time. Caught, the flow goes on; else it is undone."""


class ChildEnded(Refused):
    """A flow that this one awaited was cancelled, or given up by an operator."""


class Neighbours(Protocol):
    """What a flow can learn and ask of other flows, and what was sent to it; payloads are readable."""

    async def signals(self, flow_id: str, name: str) -> list[Signal]:
        """A flow's signals of a name, in the order in which they came."""
        ...

    async def start_child(self, child: FlowRecord, context: CallContext) -> None:
        """Start a flow, unless its id is taken."""
        ...

    async def find(self, flow_id: str) -> FlowRecord | None:
        """A flow as it stands."""
        ...

    async def cancel(self, flow_id: str) -> None:
        """Ask a flow to stop and undo."""
        ...


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a wait can see when it looks.

    Attributes:
        flow: Who waits.
        context: Its call context.
        neighbours: Other flows, and signals.
        now: Unix seconds.
        left: Seconds until what was recorded as due; None at the first look.
        taken: Signals, by name and key, that other waits of this flow took.
        stopping: The flow is being cancelled.
    """

    flow: FlowRecord
    context: CallContext
    neighbours: Neighbours
    now: float
    left: float | None
    taken: set[tuple[str, str]]
    stopping: bool


class Came(NamedTuple):
    """It came: the encoded outcome."""

    outcome: bytes


class NotYet(NamedTuple):
    """It did not come yet; look again in `after` seconds, or when woken."""

    after: float


class Look(Wait):
    """A wait that can be looked after."""

    @abstractmethod
    async def look(self, outlook: Outlook) -> Came | NotYet:
        """Whether it came; raises the problem that the flow's code shall see."""
        ...


class Sleep(Look):
    """Waits for a time.

    Args:
        seconds: From the first look on.
        until: Or up to this moment.
    """

    qualified_name = "flow.sleep"

    def __init__(self, seconds: float, until: datetime | None) -> None:
        self._seconds = seconds
        self._until = until

    def arguments(self) -> bytes:
        """What a replay must ask for again."""
        return msgspec.json.encode({"seconds": self._seconds, "until": self._until})

    def decode_result(self, encoded: bytes) -> None:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return

    async def look(self, outlook: Outlook) -> Came | NotYet:
        """See `Look`."""
        left = outlook.left
        if left is None:
            left = self._seconds if self._until is None else self._until.astimezone(UTC).timestamp() - outlook.now
        return NotYet(left) if left > 0 else Came(b"null")


class _Received(msgspec.Struct, frozen=True):
    key: str
    payload: msgspec.Raw


class SignalWait(Look, Generic[_T]):
    """Waits for a signal that fits a type; such that do not are passed over.

    Args:
        name: Of the signal.
        kind: Of its payload.
        timeout: Seconds; None waits forever.
    """

    qualified_name = "flow.wait_for"

    def __init__(self, name: str, kind: type[_T], timeout: float | None) -> None:
        self._name = name
        self._decoder = msgspec.json.Decoder(kind)
        self._timeout = timeout

    def arguments(self) -> bytes:
        """What a replay must ask for again."""
        return msgspec.json.encode({"name": self._name, "timeout": self._timeout})

    def decode_result(self, encoded: bytes) -> _T:
        """The payload."""
        return self._decoder.decode(msgspec.json.decode(encoded, type=_Received).payload)

    async def look(self, outlook: Outlook) -> Came | NotYet:
        """See `Look`; raises SignalTimedOut."""
        for signal in await outlook.neighbours.signals(outlook.flow.flow_id, self._name):
            if (self._name, signal.key) not in outlook.taken and self._fits(signal):
                outlook.taken.add((self._name, signal.key))
                return Came(msgspec.json.encode(_Received(signal.key, msgspec.Raw(signal.payload))))
        left = outlook.left if self._timeout is not None else None
        if left is None:
            left = LONGEST_REST if self._timeout is None else self._timeout
        if left <= 0:
            raise SignalTimedOut(f"No signal {self._name!r} came within {self._timeout:g} seconds.")
        return NotYet(left)

    def _fits(self, signal: Signal) -> bool:
        try:
            self._decoder.decode(signal.payload)
        except msgspec.MsgspecError:
            return False
        return True


def received(arguments: bytes, outcome: bytes, name: str, kind: type[_T]) -> _T | None:
    """The payload that a recorded wait for signals of this name took; None for one of another name."""
    if msgspec.json.decode(arguments).get("name") != name:
        return None
    return msgspec.json.decode(msgspec.json.decode(outcome, type=_Received).payload, type=kind)


def taken_signal(arguments: bytes, outcome: bytes) -> tuple[str, str]:
    """Name and key of the signal that a recorded wait took."""
    return msgspec.json.decode(arguments)["name"], msgspec.json.decode(outcome, type=_Received).key


class ChildWait(Look, Generic[_T]):
    """Starts a flow and waits for its end.

    Args:
        kind: Name and version of the child.
        key: Names it among the children of its parent.
        request: Encoded.
        result: Decodes what it returns.
    """

    qualified_name = "flow.child"
    safe = False

    def __init__(self, kind: str, key: str, request: bytes, result: "msgspec.json.Decoder[_T]") -> None:
        self._kind = kind
        self._key = key
        self._request = request
        self._result = result

    def arguments(self) -> bytes:
        """What a replay must ask for again."""
        asked: dict[str, Any] = {"kind": self._kind, "key": self._key, "request": msgspec.Raw(self._request)}
        return msgspec.json.encode(asked)

    def decode_result(self, encoded: bytes) -> _T:
        """What the child returned."""
        return self._result.decode(encoded)

    def flow_id(self, parent: str) -> str:
        """The child's id under its parent."""
        return f"{parent}:{self._key}"

    async def look(self, outlook: Outlook) -> Came | NotYet:
        """See `Look`; raises what the child was refused with, ChildEnded, or Conflict when its id is another's."""
        child_id = self.flow_id(outlook.flow.flow_id)
        child = await outlook.neighbours.find(child_id)
        if child is None:
            if outlook.stopping:
                raise ChildEnded(f"Flow {child_id} was not started any more.")
            made = FlowRecord(
                child_id, child_id, 1, self._kind, self._request, b"",
                priority=outlook.flow.priority, parent=outlook.flow.flow_id,
            )  # fmt: skip
            await outlook.neighbours.start_child(made, outlook.context)
            return NotYet(LONGEST_REST)
        if child.parent != outlook.flow.flow_id:
            raise Conflict(f"{child_id} is a flow of its own and no child of this one; give the child another key.")
        return await self._ending(child, outlook)

    async def _ending(self, child: FlowRecord, outlook: Outlook) -> Came | NotYet:
        if child.state in ("completed", "retired") and child.result is not None:
            return Came(child.result)
        if child.state == "refused" and child.problem is not None:
            raise Problem.from_details(msgspec.json.decode(child.problem, type=ProblemDetails))
        if child.state in ("cancelled", "discarded"):
            raise ChildEnded(f"Flow {child.flow_id}, which this one awaits, was {child.state}.")
        if outlook.stopping:
            await outlook.neighbours.cancel(child.flow_id)
        return NotYet(LONGEST_REST)  # one that is dead may be resumed
