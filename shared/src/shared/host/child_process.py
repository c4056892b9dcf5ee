"""Child processes that end with the process that started them."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence

STOP_SECONDS = 8.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_parent() -> None:
    """Ask the kernel (Linux) to end this process when its parent ends, however that ends."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


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
