"""A lane of a proof: stand-in backends, a journal, and a server that forks workers onto them."""

import asyncio
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import msgspec

from shared.durable.simulation.planted_bugs import Bug
from shared.host.child_process import die_with_parent, stop_child
from shared.host.embedded import EmbeddedValkey
from shared.host.proof.books import StandIns
from shared.host.proof.errand import Errand, Outcome, Setup
from shared.host.proof.findings import ProofFailed
from shared.host.proof.journals import LaneJournal
from shared.host.runtime import Runtime
from shared.host.sandbox_process import addresses_of, start_sandboxes
from shared.host.topology import Topology, load_topology


class Stage:
    """One lane.

    Attributes:
        state: Its directory.
        stand_ins: Its backends.
    """

    def __init__(self, state: Path, stand_ins: StandIns, journal: LaneJournal, server: Process) -> None:
        self.state = state
        self.stand_ins = stand_ins
        self._journal = journal
        self._server = server
        self._numbers = count(1)
        self._found_in = Path()

    async def run(self, errand: Errand, *, may_fail: bool = False) -> Outcome:
        """Have the server obey; raises ProofFailed if it cannot, or if a child fails."""
        stdin, stdout = self._server.stdin, self._server.stdout
        if stdin is None or stdout is None:
            raise ProofFailed("The fork server has no pipes.")
        numbered = msgspec.structs.replace(errand, number=next(self._numbers))
        stdin.write(msgspec.json.encode(numbered) + b"\n")
        line = await stdout.readline()
        if not line:
            raise ProofFailed("The fork server ended; see above for why.")
        outcome = msgspec.json.decode(line, type=Outcome)
        if outcome.how == "failed" and not may_fail:
            raise ProofFailed("A worker failed; see above for why.")
        if outcome.how == "ended" or errand.act in ("survey", "rehearse"):
            self._found_in = self.state / numbered.found_in
        return outcome

    async def reset(self) -> None:
        """Backends as they were seeded, no key noted of what was in them, and an empty journal."""
        await self.stand_ins.reset()
        await asyncio.to_thread(_forget_keys, self.state)
        await self._journal.empty(self.state)

    def found(self, kind: Any) -> Any:
        """What the latest errand found that came to its end."""
        return msgspec.json.decode(self._found_in.read_bytes(), type=kind)


@asynccontextmanager
async def open_stage(path: Path, state: Path, journal: LaneJournal, bug: Bug | None) -> AsyncGenerator[Stage]:
    """A lane for the topology in the file `path`, with its files in the directory `state`, which is made."""
    topology = load_topology(path)
    async with AsyncExitStack() as stack:
        child, file = await start_sandboxes(topology, state)
        stack.push_async_callback(child.stop)
        valkey = (await stack.enter_async_context(EmbeddedValkey(state))).url
        sandboxes = await addresses_of(child, file)
        setup = Setup(_runtime(path, topology, state, sandboxes, valkey), journal.url, journal.password, bug)
        written = state / "setup.json"
        written.write_bytes(msgspec.json.encode(setup))
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "shared.host.proof.fork_server", str(written),
            stdin=PIPE, stdout=PIPE, start_new_session=True, preexec_fn=die_with_parent,
        )  # fmt: skip
        stack.push_async_callback(stop_child, server)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30.0))
        yield Stage(state, StandIns(sandboxes, http), journal, server)


def _forget_keys(state: Path) -> None:
    """Empty the cross-references, if there are any."""
    file = state / "cross-references.sqlite3"
    if file.exists():
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("DELETE FROM cross_reference")


def _runtime(path: Path, topology: Topology, state: Path, sandboxes: dict[str, str], valkey: str) -> Runtime:
    url = "http://127.0.0.1:1"  # nobody listens: workers are asked in their own process
    return Runtime(
        topology=str(path.resolve()), state=str(state.resolve()), processes=dict.fromkeys(topology.processes, url),
        issuer=url, sandboxes=sandboxes, valkey=valkey,
    )  # fmt: skip
