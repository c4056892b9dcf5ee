"""Durable flows: ordinary async functions over contracts, in which every contract call is a durable step.

    class QuoteToOrder(Flow[OrderRequest, PlacedOrder], version=1):
        def __init__(self, crm: Crm, erp: Erp, warehouse: Warehouse) -> None:
            self.crm, self.erp, self.warehouse = crm, erp, warehouse

        async def run(self, request: OrderRequest) -> PlacedOrder:
            quote = await self.crm.get_quote(request.quote_id)
            credit, stock = await self.together(
                self.erp.check_credit(quote.customer_id, quote.total),
                self.warehouse.check_availability(quote.lines),
            )
            order = await self.undoable(
                self.erp.create_order(new_order), lambda order: self.erp.cancel_order(order.order_id)
            )
            ...

After a crash the code runs again from its beginning and recorded steps answer from the journal. So it must
make the same calls in the same order each time: take the time from `self.now()`, and reach the world only
through contracts. A call that differs from the record ends the flow as `FlowDiverged`; when you change the
calls of a flow that may have unfinished runs, give the new code a new version and keep serving the old.

A `Problem` that leaves `run` and is not transient undoes, in reverse, what `undoable` registered. A step
that stays transient through its retries never reaches the code: the flow goes to the dead letters as it is.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Generic, Self, TypeVar, cast, get_args, get_origin, get_type_hints, overload

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.declare import Contract
from shared.durable.step import Step, steps_of
from shared.durable.step_sequence import StepSequence
from shared.durable.waits import ChildWait, SignalWait, Sleep

Request = TypeVar("Request")
Result = TypeVar("Result")
_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")
_D = TypeVar("_D")
_E = TypeVar("_E")
_F = TypeVar("_F")
_Q = TypeVar("_Q")
_R = TypeVar("_R")


class FlowShape(Generic[Request, Result]):
    """What a flow's class says about it, worked out once.

    Attributes:
        kind: Name and version, `quote-to-order@1`.
        dependencies: The contracts its constructor asks for, by parameter.
    """

    def __init__(self, flow_type: "type[Flow[Request, Result]]") -> None:
        self.flow_type = flow_type
        self.kind = f"{flow_type.name}@{flow_type.version}"
        self.dependencies = _dependencies(flow_type)
        request_type, result_type = _payload_types(flow_type)
        self.request = msgspec.json.Decoder[Request](request_type)
        self.result = msgspec.json.Decoder[Result](result_type)

    async def encoded(self, running: Awaitable[Result]) -> bytes:
        """The encoded result of a running flow, checked against the declared type."""
        encoded = msgspec.json.encode(await running)
        self.result.decode(encoded)
        return encoded

    def build(self, steps: StepSequence) -> "Flow[Request, Result]":
        """A flow object whose calls become these steps."""
        flow = self.flow_type.__new__(self.flow_type)
        flow._steps = steps  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        proxies = {name: steps_of(contract, steps) for name, contract in self.dependencies.items()}
        flow.__init__(**proxies)
        return flow


class Flow(ABC, Generic[Request, Result]):
    """A business flow that survives crashes, retries and partial failure. Subclass it; see the module.

    Class keywords:
        version: Raise it when the calls change while old runs may be unfinished.
        name: Default: the class name in kebab case. Stays the same over versions.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    _steps: StepSequence

    def __init_subclass__(cls, *, version: int, name: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.name = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
        cls.version = version

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        """Leave construction to `__init__`; the flow's run is attached in between."""
        return super().__new__(cls)

    @abstractmethod
    async def run(self, request: Request) -> Result:
        """What the flow does. Raise a Problem to refuse and undo."""
        ...

    @classmethod
    def dependencies(cls) -> dict[str, type[Contract]]:
        """The contracts this flow calls, by constructor parameter: its edges in the call graph."""
        return dict(shape_of(cls).dependencies)

    @property
    def flow_id(self) -> str:
        """The business key of this run, `key.2` for a second attempt; part of every idempotency key."""
        return self._steps.flow_id

    @property
    def context(self) -> CallContext:
        """Who asked, and the trace and correlation of this flow."""
        return self._steps.context

    def now(self) -> datetime:
        """The time in UTC, recorded: a replay sees the same."""
        return self._steps.now()

    def publish(self, event: msgspec.Struct) -> None:
        """Tell the world that something happened: once, whatever crashes, and in the same commit as this step.

        Costs no commit of its own: it goes along with the next one, at the latest with the end of the flow. It is not
        taken back when the flow is refused later, so publish what stands, best as the last step.

        Args:
            event: A frozen Struct. Its class in kebab case is the type, `version` (a ClassVar) that of its shape.
                Like every argument it must be the same in a replay.
        """
        self._steps.publish(event)

    def undoable(self, step: Awaitable[_A], undo: Callable[[_A], Awaitable[object]]) -> Coroutine[Any, Any, _A]:
        """The same step, undone by the step that `undo` makes from its result if the flow is refused later.

        The undo is a durable, retried step itself, so it must be one contract call.
        """
        _step(step).undo = undo
        return cast("Coroutine[Any, Any, _A]", step)

    def retrying(self, step: Awaitable[_A], *, delays: Sequence[float]) -> Coroutine[Any, Any, _A]:
        """The same step, retried after these seconds instead of 1, 4, 16 and 60."""
        _step(step).delays = tuple(delays)
        return cast("Coroutine[Any, Any, _A]", step)

    def sleep(self, seconds: float = 0.0, *, until: datetime | None = None) -> Coroutine[Any, Any, None]:
        """Rest for `seconds`, or until a moment, out of memory; a restart neither shortens nor prolongs it.

        Take the moment from the request, a step or `now()`: like every argument it must be the same in a replay.
        """
        wait = Sleep(seconds, until)
        return cast("Coroutine[Any, Any, None]", Step[None](self._steps, wait, wait.arguments()))

    def wait_for(self, name: str, kind: type[_A], *, timeout: float | None = None) -> Coroutine[Any, Any, _A]:
        """Rest until `FlowRunner.signal` sends this flow a signal of that name; gives its payload.

        Signals may come before the flow waits; each wait takes the oldest that no other took and that fits `kind`.

        Args:
            name: Of the signal, `approval`.
            kind: What the payload is decoded as.
            timeout: Seconds, after which the step is refused with `SignalTimedOut`; by default it waits forever.
        """
        wait = SignalWait(name, kind, timeout)
        return cast("Coroutine[Any, Any, _A]", Step[_A](self._steps, wait, wait.arguments()))

    def child(self, flow_type: "type[Flow[_Q, _R]]", key: str, request: _Q) -> Coroutine[Any, Any, _R]:
        """Start another flow and rest until it ends; gives its result, raises what it was refused with.

        Its id is this flow's with `:key` after it, so no child is started twice. Cancelling this flow cancels it
        first and waits until it is undone; a refusal beside it does too. Was it cancelled or discarded by itself,
        the step is refused with `ChildEnded`; while it is a dead letter, this flow waits for an operator.
        """
        shape = shape_of(flow_type)
        wait = ChildWait(shape.kind, key, msgspec.json.encode(request), shape.result)
        return cast("Coroutine[Any, Any, _R]", Step[_R](self._steps, wait, wait.arguments()))

    @overload
    def together(self, a: Awaitable[_A], b: Awaitable[_B], /) -> Coroutine[Any, Any, tuple[_A, _B]]: ...
    @overload
    def together(
        self, a: Awaitable[_A], b: Awaitable[_B], c: Awaitable[_C], /
    ) -> Coroutine[Any, Any, tuple[_A, _B, _C]]: ...
    @overload
    def together(
        self, a: Awaitable[_A], b: Awaitable[_B], c: Awaitable[_C], d: Awaitable[_D], /
    ) -> Coroutine[Any, Any, tuple[_A, _B, _C, _D]]: ...
    @overload
    def together(
        self, a: Awaitable[_A], b: Awaitable[_B], c: Awaitable[_C], d: Awaitable[_D], e: Awaitable[_E], /
    ) -> Coroutine[Any, Any, tuple[_A, _B, _C, _D, _E]]: ...
    @overload
    def together(
        self, a: Awaitable[_A], b: Awaitable[_B], c: Awaitable[_C], d: Awaitable[_D], e: Awaitable[_E],
        f: Awaitable[_F], /,
    ) -> Coroutine[Any, Any, tuple[_A, _B, _C, _D, _E, _F]]: ...  # fmt: skip
    @overload
    def together(self, *steps: Awaitable[_A]) -> Coroutine[Any, Any, tuple[_A, ...]]: ...
    def together(self, *steps: Awaitable[Any]) -> Coroutine[Any, Any, tuple[Any, ...]]:
        """Run steps side by side and return their results in order.

        All of them come to an end before the flow goes on, also when one is refused: only what is known
        to have happened can be undone. The first refusal in order is raised.
        """
        return self._steps.settle_all([_step(step) for step in steps])


@cache
def _shape(flow_type: type[Flow[Any, Any]]) -> FlowShape[Any, Any]:
    return FlowShape(flow_type)


def shape_of(flow_type: type[Flow[Request, Result]]) -> FlowShape[Request, Result]:
    """What a flow's class says about it; TypeError with a sentence when it cannot be served."""
    return _shape(flow_type)


def _step(step: Awaitable[Any]) -> Step[Any]:
    if not isinstance(step, Step):
        raise TypeError(
            f"A flow runs contract calls as steps, not a {type(step).__name__}; call a method of one of the "
            "contracts in its constructor, or sleep, wait_for or child."
        )
    return step


def _dependencies(flow_type: type[Flow[Any, Any]]) -> dict[str, type[Contract]]:
    if flow_type.__init__ is object.__init__:
        return {}
    hints = get_type_hints(flow_type.__init__)
    hints.pop("return", None)
    for name, kind in hints.items():
        if not (isinstance(kind, type) and issubclass(kind, Contract)):
            raise TypeError(
                f"{flow_type.__name__}.__init__({name}): a flow's dependencies are contracts, not {kind!r}; "
                "pass what varies with the request."
            )
    return hints


def _payload_types(flow_type: type[Flow[Any, Any]]) -> tuple[Any, Any]:
    for declared in getattr(flow_type, "__orig_bases__", ()):
        if get_origin(declared) is Flow:
            request, result = get_args(declared)
            return request, result
    raise TypeError(f"{flow_type.__name__} must say what it takes and gives: class …(Flow[Request, Result]).")
