"""What a backend may be working on although nobody waits for its answer, known to every process.

Who is about to send a write that must not be sent twice leaves a mark in Valkey first, and takes it away once the
outcome is certain. A process that dies in between cannot: its mark stays for as long as the backend may need, and
whoever comes next knows that what is not to be found yet may still appear. Without Valkey a process knows its own only.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from shared.binding.problems import BackendUnavailable, DeadlineExceeded, Problem
from shared.resilience.valkey import Valkey
from shared.telemetry.logging import get_logger

_T = TypeVar("_T")
_log = get_logger("doubt")
_PREFIX = "triptych:doubt:"
_PATIENCE = 0.5
"""Seconds to wait for Valkey."""
_END = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


def is_late(problem: Problem) -> bool:
    """Whether somebody gave up while the backend was at work: we, whose time was over, or a gateway between."""
    gave_up = isinstance(problem, DeadlineExceeded) or type(problem) is BackendUnavailable
    return gave_up and "outcome" in problem.extensions


class Doubts:
    """The marks of one process, and those that others left.

    Args:
        valkey: Where the marks of all processes are; None to know only one's own.
    """

    def __init__(self, valkey: Valkey | None = None) -> None:
        self._valkey = valkey
        self._mine: dict[str, tuple[float, str]] = {}

    async def begin(self, key: str, seconds: float) -> float:
        """Mark `key` unless it is marked; 0 if the mark is ours now, else for how many seconds it is somebody's.

        Args:
            key: What is written: backend, kind of document and its reference.
            seconds: How long the backend may work on it after we have gone.
        """
        self._forget()
        mine = self._mine.get(key)
        if mine is not None and (left := mine[0] - time.monotonic()) > 0:
            return left
        holder = secrets.token_hex(8)
        taken = await self._taken(key, seconds, holder)
        if not taken:
            self._mine[key] = time.monotonic() + seconds, holder
        return taken

    async def end(self, key: str) -> None:
        """Take our mark away, because the outcome is known."""
        _, holder = self._mine.pop(key, (0.0, ""))
        if holder:
            await self._ask("EVAL", _END, 1, _PREFIX + key, holder)

    async def through(
        self, key: str, write: Callable[[], Awaitable[_T]], stays: Callable[[Problem], bool] = is_late
    ) -> _T:
        """Do the write that our mark on `key` is for; the mark goes with its answer.

        It stays if nobody knows the outcome: after a problem of which `stays` says so, and when the caller goes away.
        """
        try:
            made = await write()
        except Problem as problem:
            if not stays(problem):
                await self.end(key)
            raise
        await self.end(key)
        return made

    async def _taken(self, key: str, seconds: float, holder: str) -> float:
        """Seconds for which another process has the mark; 0 if it is ours, or nobody can tell."""
        milliseconds = max(1, round(seconds * 1000))
        if await self._ask("SET", _PREFIX + key, holder, "NX", "PX", milliseconds, otherwise="OK"):
            return 0.0
        left = await self._ask("PTTL", _PREFIX + key, otherwise=0)
        return max(left, 1) / 1000  # one that has just ended is asked for again in a moment

    async def _ask(self, *command: Any, otherwise: Any = None) -> Any:
        """What Valkey answers, or `otherwise` if it does not."""
        if self._valkey is None:
            return otherwise
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._valkey.execute_command(*command)
        except Exception as lost:  # noqa: BLE001 - a write goes on without the marks of others
            _log.warning("doubt.alone", error=type(lost).__name__)
            return otherwise

    def _forget(self) -> None:
        """Drop marks of ours whose time is over; they stand in the order in which most of them end."""
        now = time.monotonic()
        while self._mine and next(iter(self._mine.values()))[0] <= now:
            del self._mine[next(iter(self._mine))]
