"""Puts the engine's modules under virtual time for the length of a block; their code runs as it is."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from types import ModuleType
from typing import Any

from shared.binding import call_context
from shared.durable import attempt, neighbours, parking, runner, step_sequence, submission, worker
from shared.durable.process_identity import ProcessIdentity
from shared.durable.simulation.virtual_loop import running_process
from shared.durable.sqlite import journal as journal_sqlite

EPOCH = 1_800_000_000.0
"""Unix seconds at virtual second 0."""
_PULSE, _PATIENCE = 10.0, 3  # parked flows are asked for less often, as leases are longer: a world is mostly waiting
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
"""The trace of every flow; nobody looks at it."""


class _Time:
    """Stands for the module `time` where the engine asks how late it is."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic

    def time(self) -> float:
        return EPOCH + self.monotonic()


class _Names:
    """Stands for the module `uuid`: a worker's name is one of these."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.hex = ""

    def uuid4(self) -> "_Names":
        self.hex = f"worker-{next(self._numbers)}"
        return self


class _Silence:
    """Stands for a logger, and for a span."""

    traceparent = TRACEPARENT

    def error(self, *_: Any, **__: Any) -> None:
        return

    warning = end = error


_silence = _Silence()


def _nothing(*_: Any, **__: Any) -> None:
    return


def _no_span(*_: Any, **__: Any) -> _Silence:
    return _silence


def _identity() -> ProcessIdentity:
    process = running_process()
    return process.identity if process else ProcessIdentity("here", os.getpid(), 0)


@contextmanager
def under_virtual_time(clock: Callable[[], float], is_gone: Callable[[ProcessIdentity], bool]) -> Generator[None]:
    """Virtual time, virtual processes; no log, no spans and no metrics.

    Args:
        clock: Virtual seconds.
        is_gone: Whether others can see that a process has ended.
    """
    time = _Time(clock)
    changes: list[tuple[ModuleType, str, Any]] = [
        *((module, "time", time) for module in (call_context, runner, step_sequence)),
        *((module, "_log", _silence) for module in (worker, attempt)),
        *((module, "flow_event", _nothing) for module in (worker, submission, neighbours)),
        (attempt, "flow_step", _nothing), (worker, "start_span", _no_span), (worker, "uuid", _Names()),
        (parking, "_PULSE", _PULSE), (parking, "_PATIENCE", _PATIENCE),
        (journal_sqlite, "this_process", _identity), (journal_sqlite, "is_gone", is_gone),
    ]  # fmt: skip
    before = [(module, name, getattr(module, name)) for module, name, _ in changes]
    try:
        for module, name, stand_in in changes:
            setattr(module, name, stand_in)
        yield
    finally:
        for module, name, real in before:
            setattr(module, name, real)
