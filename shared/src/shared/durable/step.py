"""Steps: contract calls and waits that a flow awaits, and the proxies that make the calls.

A proxy stands where the flow's constructor asks for a contract and has its methods. A call encodes its
arguments at once, so later changes to them do not reach the step, and does nothing until it is awaited.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from functools import cache
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from shared.binding.declare import Contract
from shared.binding.operation import Operation

_T = TypeVar("_T")


class StepRunner(Protocol):
    """What makes a step happen, or remembers that it did."""

    async def settle(self, step: "Step[_T]") -> _T:
        """Return the step's result; raise its problem."""
        ...


class Wait(ABC):
    """What a step does that calls no contract: it looks whether what the flow waits for has come.

    Attributes:
        qualified_name: Under which it is recorded.
        safe: True when looking changes nothing.
    """

    qualified_name: ClassVar[str]
    safe: ClassVar[bool] = True

    @abstractmethod
    def decode_result(self, encoded: bytes) -> Any:
        """The recorded outcome as flow code sees it."""
        ...


class Step(Generic[_T]):
    """One durable call or wait, not begun until awaited. Await it once, in the flow's own task."""

    __slots__ = ("arguments", "awaited", "delays", "operation", "runner", "undo")

    def __init__(self, runner: StepRunner, operation: Operation | Wait, arguments: bytes) -> None:
        self.runner = runner
        self.operation = operation
        self.arguments = arguments
        self.undo: Callable[[_T], Any] | None = None
        self.delays: tuple[float, ...] | None = None
        self.awaited = False

    def __await__(self) -> Generator[Any, Any, _T]:
        return self.runner.settle(self).__await__()


def contract_of(attribute: Any) -> type[Contract] | None:
    """The contract that an object from `steps_of` stands for; None for anything else."""
    return attribute.contract if isinstance(attribute, _Proxy) else None


def steps_of(contract: type[Contract], runner: StepRunner) -> Any:
    """An object with the contract's operations, each returning a Step of this run."""
    return _proxy_type(contract)(runner)


class _Proxy:
    __slots__ = ("runner",)
    contract: ClassVar[type[Contract]]

    def __init__(self, runner: StepRunner) -> None:
        self.runner = runner


@cache
def _proxy_type(contract: type[Contract]) -> type[_Proxy]:
    methods = {name: _method(operation) for name, operation in contract.operations.items()}
    return type(f"{contract.__name__}Steps", (_Proxy,), {"__slots__": (), **methods, "contract": contract})


def _method(operation: Operation) -> Callable[..., Step[Any]]:
    def call(self: _Proxy, *args: Any, **kwargs: Any) -> Step[Any]:
        return Step(self.runner, operation, operation.encode_arguments(operation.bind(args, kwargs)))

    call.__name__ = operation.name
    call.__qualname__ = operation.qualified_name
    return call
