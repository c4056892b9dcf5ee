"""Child processes that end with the process that started them, and are started again when they die before."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence

from shared.telemetry.logging import get_logger

STOP_SECONDS = 8.0
RESTART_SECONDS = (0.1, 0.5, 5.0)
"""Before the first, second and every further restart of a child that does not stay."""
STAYED_SECONDS = 10.0
_log = get_logger("host")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_parent(by: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel (Linux) to end this process when its parent ends, however that ends."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, by)


async def start_child(arguments: Sequence[str], environment: Mapping[str, str]) -> Process:
    """Start `python -m <arguments>` in the environment of this process plus `environment`.

    What it says on standard output is dropped: that is ours, and its last line may be a promise. A session of
    its own keeps a Ctrl-C in the terminal from it: we end our children in order.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, env={**os.environ, **environment},
        stdout=DEVNULL, start_new_session=True, preexec_fn=die_with_parent,
    )  # fmt: skip


async def stop_child(child: Process) -> None:
    """Ask a child to end, and make it end if it does not within a few seconds."""
    if child.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), STOP_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


class KeptChild:
    """A child process that is started again whenever it ends although nobody stopped it.

    Args:
        name: What log lines call it.
        arguments: As for `start_child`; so is `environment`.
    """

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._name = name
        self._arguments = arguments
        self._environment = environment
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.returncode if self._process is not None else None

    @property
    def pid(self) -> int | None:
        """Its process id; None before the start."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start it for the first time; it is kept alive only after `keep`, so that a false start is seen."""
        self._process = await start_child(self._arguments, self._environment)

    def keep(self) -> None:
        """Start it again from now on whenever it dies."""
        self._keeper = asyncio.create_task(self._keep_running())

    async def stop(self) -> None:
        """End it for good."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait((self._keeper,))
        if self._process is not None:
            await stop_child(self._process)

    async def _keep_running(self) -> None:
        deaths = 0
        while self._process is not None:
            began = time.monotonic()
            status = await self._process.wait()
            deaths = 0 if time.monotonic() - began > STAYED_SECONDS else deaths
            _log.error("process.died", process=self._name, status=status)
            await asyncio.sleep(RESTART_SECONDS[min(deaths, len(RESTART_SECONDS) - 1)])
            deaths += 1
            self._process = await start_child(self._arguments, self._environment)
            _log.warning("process.restarted", process=self._name)
