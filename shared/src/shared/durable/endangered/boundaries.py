"""The boundaries of a worker, at one of which it ends, and the executor whose calls lie between two of them."""

import os
import signal
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.binding.problems import Problem
from shared.durable.attempt import StepExecutor
from shared.durable.endangered.trail import Trail

ZOMBIE_SECONDS = 0.2
"""How long a worker that was stopped goes on once it is let go."""

current_call: ContextVar[int] = ContextVar("current_call", default=0)
"""The number of the call that is being made, among those of its worker; 0 outside of calls."""
current_fence: ContextVar[int] = ContextVar("current_fence", default=0)
"""The fence under which the current run of a flow was claimed or started; 0 outside of runs."""


class Ending(msgspec.Struct, frozen=True):
    """Where a worker ends.

    Attributes:
        at: Name of the boundary; any if empty.
        nth: At which crossing of it; 0 for never.
        freeze: Stop there (SIGSTOP). Let go on, it works for `ZOMBIE_SECONDS` more and then ends.
        poison: An operation at each call of which it ends, whatever else.
    """

    at: str = ""
    nth: int = 0
    freeze: bool = False
    poison: str = ""


class Boundaries:
    """Counts the boundaries that this process crosses, from any of its threads, and ends it at one.

    Args:
        ending: At which.
        trail: Told before it ends.
        listing: Tell the trail of each boundary when it is crossed for the first time, too.
    """

    def __init__(self, ending: Ending, trail: Trail, *, listing: bool = False) -> None:
        self._ending = ending
        self._at, self._left = ending.at, ending.nth
        self._trail = trail
        self._lock = threading.Lock()
        self._seen: set[str] | None = set() if listing else None

    def cross(self, *names: str) -> None:
        """Cross a boundary, which may have several names."""
        with self._lock:
            if self._seen is not None:
                self._list(names)
            if self._left > 0 and (not self._at or self._at in names):
                self._left -= 1
                if self._left == 0:
                    self._end(self._at or names[0])

    def poisoned(self, operation: str) -> None:
        """End if calls of this operation are poison."""
        if operation == self._ending.poison:
            os.kill(os.getpid(), signal.SIGKILL)

    def _list(self, names: tuple[str, ...]) -> None:
        for name in names:
            if self._seen is not None and name not in self._seen:
                self._seen.add(name)
                self._trail.write("boundary", name)

    def _end(self, name: str) -> None:
        if not self._ending.freeze:
            self._trail.write("killed", name)
            os.kill(os.getpid(), signal.SIGKILL)
        elif _holds_a_file():
            self._at, self._left = "", 1
        else:
            self._trail.write("stopped", name)
            os.kill(os.getpid(), signal.SIGSTOP)
            end = threading.Timer(ZOMBIE_SECONDS, os.kill, (os.getpid(), signal.SIGKILL))
            end.daemon = True
            end.start()


async def _nothing(_: str) -> None:
    """Nothing is to be done before a call."""


def endangered(
    execute: StepExecutor,
    boundaries: Boundaries,
    trail: Trail,
    ahead: Callable[[str], Awaitable[None]] = _nothing,
) -> StepExecutor:
    """An executor with a boundary before and after each call, which the trail hears of.

    Args:
        execute: Makes the call.
        boundaries: Of this process.
        trail: Told of each call.
        ahead: Done before the call of an operation begins.
    """
    numbers = count(1)

    async def perform(operation: Operation, given: dict[str, Any], context: CallContext) -> Any:
        name, number, ended = operation.qualified_name, next(numbers), "cut"
        boundaries.poisoned(name)
        await ahead(name)
        boundaries.cross(f"before:{name}")
        trail.write("begin", number, context.idempotency_key, name, current_fence.get())
        token = current_call.set(number)
        try:
            result = await execute(operation, given, context)
            ended = "ok"
        except Problem as problem:
            ended = "again" if problem.transient else "refused"
            raise
        else:
            return result
        finally:
            current_call.reset(token)
            trail.write("end", number, ended)
            boundaries.cross(f"after:{name}")

    return perform


def _holds_a_file() -> bool:
    """Whether this process holds a write lock (Linux): stopped with it, it would keep others from a SQLite file."""
    try:
        locks = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return False
    mine = str(os.getpid())
    return any((parts := line.split())[3] == "WRITE" and parts[4] == mine for line in locks if "->" not in line)
