"""Puts the engine's modules under virtual time for the length of a block; their code runs as it is."""

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

from shared.binding import call_context
from shared.durable import attempt, journal_sqlite, runner, step_sequence, worker
from shared.durable.process_identity import ProcessIdentity
from shared.durable.simulation.virtual_loop import Simulated

EPOCH = 1_800_000_000.0
"""Unix seconds at virtual second 0."""


class _Time:
    """Stands for the module `time` where the engine asks how late it is."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic

    def time(self) -> float:
        return EPOCH + self.monotonic()


class _Silence:
    """Stands for a logger."""

    def error(self, *_: Any, **__: Any) -> None:
        return

    warning = error


_TIMED: tuple[ModuleType, ...] = (call_context, runner, step_sequence)
_LOGGING: tuple[ModuleType, ...] = (worker, attempt)


@contextmanager
def under_virtual_time(
    clock: Callable[[], float], current: Callable[[], Simulated | None], is_dead: Callable[[int], bool]
) -> Generator[None]:
    """Virtual time, virtual processes and no log.

    Args:
        clock: Virtual seconds.
        current: The process whose code runs.
        is_dead: Whether a process, by number, has died.
    """

    def identity() -> ProcessIdentity:
        process = current()
        return ProcessIdentity("here", process.number if process else os.getpid(), 0)

    def gone(known: ProcessIdentity) -> bool:
        return is_dead(known.pid)

    with ExitStack() as stack:
        for module in _TIMED:
            stack.enter_context(patch.object(module, "time", _Time(clock)))
        for module in _LOGGING:
            stack.enter_context(patch.object(module, "_log", _Silence()))
        stack.enter_context(patch.object(journal_sqlite, "this_process", identity))
        stack.enter_context(patch.object(journal_sqlite, "is_gone", gone))
        yield
