"""A fork server whose children run the orders of a topology until they end at a boundary.

`python -m shared.host.proof.fork_server SETUP.json` imports everything once, then obeys lines of JSON on standard
input (`Errand`) and answers each with a line (`Outcome`).
"""

import asyncio
import dataclasses
import gc
import importlib
import logging
import os
import signal
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import structlog
import uvloop

from shared.durable.simulation.planted_bugs import planted
from shared.host.child_process import die_with_parent
from shared.host.placement import Placement
from shared.host.process import Process
from shared.host.proof.errand import Errand, Outcome, Setup
from shared.host.proof.worker import OrderingProcess, endangered_flows

MODULES = "modules.json"
"""File in the state directory with the modules that a child of it had imported in the end."""


# --- in a child --------------------------------------------------------------------------------------


async def _run(errand: Errand, setup: Setup, ordering: OrderingProcess) -> None:
    state = Path(setup.runtime.state)
    async with ordering.running(stopped=errand.ending.nth == 0):
        if errand.act == "order":
            found: Any = await ordering.order()
        else:
            found = await ordering.approved_quotes()
            (state / MODULES).write_bytes(msgspec.json.encode(sorted(sys.modules)))
        (state / "found.json").write_bytes(msgspec.json.encode(found))


def _live(errand: Errand, setup: Setup, placement: Placement) -> NoReturn:
    status = 1
    errors, silence = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # the log of hundreds of workers, and the server's own answers
        os.dup2(silence, stream)
    die_with_parent(signal.SIGKILL)  # a stopped process hears of nothing else
    try:
        ordering = OrderingProcess(setup, placement, errand)
        with ExitStack() as stack:
            if errand.act == "order":
                state, ahead = Path(setup.runtime.state), ordering.cancel_ahead
                stack.enter_context(endangered_flows(errand, placement, state, ahead, postgres=bool(setup.journal)))
            loop = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
            loop.run(_run(errand, setup, ordering))
        status = 0
    except BaseException as error:  # noqa: BLE001 - a forked child must not return into its parent's code
        os.write(errors, f"endangered worker: {error!r}\n".encode())
    finally:
        os._exit(status)


# --- in the server -----------------------------------------------------------------------------------


def _outcome(pid: int) -> Outcome:
    _, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return Outcome("stopped", pid)
    if os.WIFSIGNALED(status):
        return Outcome("killed", pid)
    return Outcome("ended" if status == 0 else "failed", pid)


def _warm_up(setup: Setup, placement: Placement, modules: Path) -> None:
    """Import what a child needed, and build a process once, so that children begin with all of it."""
    for name in msgspec.json.decode(modules.read_bytes(), type=list[str]):
        if name not in sys.modules:
            with suppress(Exception):
                importlib.import_module(name)
    Process(setup.runtime, placement, journal="never-opened.db", subscribing=False)
    gc.collect()
    gc.freeze()


def _obey(errand: Errand, setup: Setup, placement: Placement) -> Outcome:
    match errand.act:
        case "warm":
            _warm_up(setup, placement, Path(errand.journal))
            return Outcome("done")
        case "thaw":
            os.kill(errand.pid, signal.SIGCONT)
            return Outcome("done", errand.pid)
        case "reap":
            return _outcome(errand.pid)
        case _:
            pid = os.fork()
            return _outcome(pid) if pid else _live(errand, setup, placement)


def main() -> None:
    """Obey until standard input ends."""
    setup = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Setup)
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    placement = Placement.of(setup.runtime, next(iter(setup.runtime.processes)))
    topology = msgspec.structs.replace(
        placement.topology, journal=setup.journal, journal_password=setup.journal_password
    )
    placement = dataclasses.replace(placement, topology=topology)
    with planted(setup.bug):
        for line in sys.stdin:
            outcome = _obey(msgspec.json.decode(line, type=Errand), setup, placement)
            sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
