"""A fork server whose children run the orders of a topology until they end at a boundary.

`python -m shared.host.proof.fork_server SETUP.json` imports everything once, then obeys lines of JSON on standard
input (`Errand`) and answers each with a line (`Outcome`). It works once itself, so that its children find imported,
cached and built what they need; what it worked with is closed before the first of them.
"""

import asyncio
import dataclasses
import gc
import os
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import uvloop

from shared.durable.simulation.planted_bugs import planted
from shared.host.child_process import die_with_parent
from shared.host.placement import Placement
from shared.host.proof.errand import Errand, Outcome, Setup
from shared.host.proof.worker import BuiltAhead, OrderingProcess, endangered_flows
from shared.telemetry.logging import configure_logging

_APART: dict[str, dict[str, Any]] = {"salesforce": {"coalesce_milliseconds": 0}, "sap": {"settle_seconds": 3.0}}
"""Settings by backend: a read that flows share is nobody's own call, so none could be told to have made it; and what
a worker asked for before it died, a stand-in has made or will never make after so long."""


async def _run(errand: Errand, setup: Setup, ordering: OrderingProcess) -> None:
    async with ordering.running(stopped=errand.ending.nth == 0):
        found: Any = await (ordering.approved_quotes(errand.most) if errand.act == "survey" else ordering.order())
    (Path(setup.runtime.state) / errand.found_in).write_bytes(msgspec.json.encode(found))


class _Server:
    """Obeys errands.

    Args:
        setup: Of the lane.
        placement: Of its process.
    """

    def __init__(self, setup: Setup, placement: Placement) -> None:
        self._setup = setup
        self._placement = placement
        self._built: BuiltAhead | None = None

    def obey(self, errand: Errand) -> Outcome:
        """Do one."""
        match errand.act:
            case "survey":
                self._work(errand)
                return Outcome("done")
            case "rehearse":
                self._work(errand)
                self._warm()
                return Outcome("done")
            case "thaw":
                os.kill(errand.pid, signal.SIGCONT)
                return Outcome("done", errand.pid)
            case "reap":
                return _outcome(errand.pid)
            case "order":
                pid = os.fork()
                return _outcome(pid) if pid else self._live(errand)

    def _work(self, errand: Errand) -> None:
        ordering = OrderingProcess(self._setup, self._placement, errand, self._built)
        with ExitStack() as stack:
            if errand.act != "survey":
                state, postgres = Path(self._setup.runtime.state), bool(self._setup.journal)
                ahead = ordering.cancel_ahead
                stack.enter_context(endangered_flows(errand, self._placement, state, ahead, postgres=postgres))
            loop = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
            loop.run(_run(errand, self._setup, ordering))

    def _warm(self) -> None:
        """What was imported, cached and learnt here by working once, children begin with; nothing may still run."""
        if (running := threading.active_count()) > 1:
            raise RuntimeError(f"{running - 1} threads are left; a child would begin without them.")
        self._built = BuiltAhead(self._setup, self._placement)
        gc.collect()
        gc.freeze()

    def _live(self, errand: Errand) -> NoReturn:
        status = 1
        die_with_parent(signal.SIGKILL)  # a stopped process hears of nothing else
        try:
            self._work(errand)
            status = 0
        except BaseException as error:  # noqa: BLE001 - a forked child must not return into its parent's code
            os.write(2, f"endangered worker: {error!r}\n".encode())
        finally:
            os._exit(status)


def _outcome(pid: int) -> Outcome:
    _, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return Outcome("stopped", pid)
    if os.WIFSIGNALED(status):
        return Outcome("killed", pid)
    return Outcome("ended" if status == 0 else "failed", pid)


def main() -> None:
    """Obey until standard input ends."""
    setup = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Setup)
    configure_logging(level="critical")  # what workers say that die by the hundred, nobody reads
    placement = Placement.of(setup.runtime, next(iter(setup.runtime.processes)))
    backends = {name: {**given, **_APART.get(name, {})} for name, given in placement.topology.backends.items()}
    topology = msgspec.structs.replace(
        placement.topology, journal=setup.journal, journal_password=setup.journal_password, backends=backends
    )
    placement = dataclasses.replace(placement, topology=topology)
    server, answers = _Server(setup, placement), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the product prints is not for who reads our answers
    with planted(setup.bug):
        for line in sys.stdin:
            outcome = server.obey(msgspec.json.decode(line, type=Errand))
            os.write(answers, msgspec.json.encode(outcome) + b"\n")


if __name__ == "__main__":
    main()
