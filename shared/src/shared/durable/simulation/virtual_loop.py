"""An event loop whose time is virtual, for processes that can die or stall between any two callbacks."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar, cast

import msgspec

from shared.durable.process_identity import ProcessIdentity

_T = TypeVar("_T")


class Simulated:
    """A process: its callbacks run while it is alive, and wait while it is stalled.

    Attributes:
        number: Counts the processes of a world; also its pid.
        dead: Nothing of it runs any more.
        stalled_until: Virtual seconds until which nothing of it runs (SIGSTOP, then SIGCONT).
        ended: Set when it dies.
        context: Tasks made in it belong to the process.
        identity: As others on its machine see it.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.identity = ProcessIdentity("here", number, 0)
        self.dead = False
        self.ended = asyncio.Event()
        self.stalled_until = 0.0
        self.context = copy_context()
        self.context.run(_process.set, self)

    def die(self) -> None:
        """End at once; what it had begun stays as it is."""
        self.dead = True
        self.ended.set()

    def __str__(self) -> str:
        return f"worker {self.number}"


_process: ContextVar[Simulated | None] = ContextVar("simulated_process", default=None)
_nobody = Context()


def running_process() -> Simulated | None:
    """The process whose code runs."""
    return _process.get()


class _Callback(msgspec.Struct):
    """Stands for `asyncio.TimerHandle` without its costs: hundreds are made for each world."""

    call: Callable[..., object] | None
    arguments: tuple[Any, ...]
    context: Context
    moment: float = 0.0

    def cancel(self) -> None:
        self.call = None
        self.arguments = ()

    def cancelled(self) -> bool:
        return self.call is None

    def when(self) -> float:
        return self.moment


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs callbacks in order; when none is ready, time jumps to the next timer.

    Attributes:
        now: Virtual seconds.
        turns: Callbacks that ran.
        stuck: What asyncio reported to its exception handler.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.turns = 0
        self.stuck: list[str] = []
        self._soon: deque[_Callback] = deque()
        self._timers: list[tuple[float, int, _Callback]] = []
        self._count = 0
        self._made: list[asyncio.Task[Any]] = []

    get_debug = cast("Any", staticmethod(bool))  # False; asked for each future, so without a frame of its own

    def time(self) -> float:
        """Virtual seconds."""
        return self.now

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        """See asyncio."""
        handle: Any = _Callback(callback, args, copy_context() if context is None else context)
        self._soon.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        when = self.now + delay
        handle: Any = _Callback(callback, args, copy_context() if context is None else context, when)
        self._push(when, handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        handle: Any = _Callback(callback, args, copy_context() if context is None else context, when)
        self._push(when, handle)
        return handle

    def call_outside(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        """Call later, whatever becomes of the process that asks: it has left its hands."""
        when = self.now + delay
        self._push(when, _Callback(callback, args, _nobody, when))

    def create_task(
        self,
        coro: Generator[Any, None, _T] | Coroutine[Any, Any, _T],
        *,
        name: object = None,
        context: Context | None = None,
    ) -> asyncio.Task[_T]:
        """See asyncio."""
        task = asyncio.Task(
            cast("Coroutine[Any, Any, _T]", coro), loop=self, name=cast("str | None", name), context=context
        )
        self._made.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep it: no callback of an engine without defects ends in an error."""
        self.stuck.append(f"{context.get('message')}: {context.get('exception')!r}")

    def play(self, main: Coroutine[Any, Any, _T]) -> _T:
        """Run until `main` has ended; its result."""
        before = asyncio._get_running_loop()  # noqa: SLF001 - a test's own loop may be running
        asyncio._set_running_loop(self)  # noqa: SLF001 - what every loop does
        try:
            task = self.create_task(main)
            self._turn_until(task)
            return task.result()
        finally:
            self._bury()
            asyncio._set_running_loop(before)  # noqa: SLF001

    def _push(self, when: float, handle: _Callback) -> None:
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))

    def _turn_until(self, task: "asyncio.Task[Any]") -> None:
        """Call back after callback; hundreds of them make a world, so this is one loop over locals."""
        soon, timers, process_in, pop_timer, turns = self._soon, self._timers, _process, heapq.heappop, 0
        going = [True]
        task.add_done_callback(lambda _: going.clear())
        while going:
            if soon:
                handle = soon.popleft()
            else:
                when, _, handle = pop_timer(timers)
                if handle.call is not None and when > self.now:
                    self.now = when
            call, context = handle.call, handle.context
            if call is None:
                continue
            process = context.get(process_in)
            if process is not None:
                if process.dead:
                    continue
                if process.stalled_until > self.now:
                    self._push(process.stalled_until, handle)
                    continue
            turns += 1
            try:
                context.run(call, *handle.arguments)
            except Exception as error:  # noqa: BLE001 - reported as asyncio does
                self.call_exception_handler({"message": "a callback failed", "exception": error})
        self.turns = turns

    def _bury(self) -> None:
        """End what the dead left: their coroutines must not be heard of when they are collected."""
        for task in self._made:
            if not task.done():
                unheard: Any = task
                unheard._log_destroy_pending = False  # noqa: SLF001 - a dead process ends its tasks unheard
                with suppress(BaseException):
                    cast("Coroutine[Any, Any, Any]", task.get_coro()).close()
        self._made.clear()
        self._timers.clear()
        self._soon.clear()
        self.close()
