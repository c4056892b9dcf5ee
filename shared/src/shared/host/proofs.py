"""`triptych prove quote-to-order`: kill the workers of running orders, then count in the backends' own books."""

import asyncio
import shutil
import sqlite3
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from random import Random
from typing import Any

import httpx
import msgspec

from shared.contracts.process.quote_to_order import OrderProgress
from shared.host.child_process import die_with_parent, stop_child
from shared.host.embedded import EmbeddedValkey
from shared.host.endangered import LEASE_SECONDS, Errand, Outcome
from shared.host.runtime import Runtime
from shared.host.sandbox_process import addresses_of, start_sandboxes
from shared.host.topology import Topology, load_topology

_MOST_POISONED = 9
_QUARANTINE_AFTER = 5
_FREEZE_EVERY = 20
_OrderedAs = dict[str, OrderProgress | None]
Progress = Callable[[int], None]


class ProofFailed(Exception):  # noqa: N818 - reads as what it is
    """The proof itself could not be carried out; the text says why."""


class Books(msgspec.Struct):
    """One backend against the flows.

    Attributes:
        effects: How many there had to be.
        lost: Orders that stand without this effect.
        doubled: Effects there are twice.
        half_done: Effects of orders that do not stand.
    """

    effects: int = 0
    lost: int = 0
    doubled: int = 0
    half_done: int = 0


class Findings(msgspec.Struct):
    """What a proof found.

    Attributes:
        kills: Workers killed.
        frozen: Workers stopped past their lease and let go on.
        orders: Flows by how they ended.
        books: By backend.
        unfinished: Accepted orders that did not end.
        stale: Writes accepted under a fence that was lost.
        poisoned: Workers that one poisonous order could end before it was a dead letter.
    """

    kills: int = 0
    frozen: int = 0
    orders: Counter[str] = msgspec.field(default_factory=Counter[str])
    books: dict[str, Books] = msgspec.field(default_factory=dict[str, Books])
    unfinished: int = 0
    stale: int = 0
    poisoned: int = 0

    @property
    def sound(self) -> bool:
        """Nothing lost, nothing doubled, nothing half done."""
        wrong = sum(each.lost + each.doubled + each.half_done for each in self.books.values())
        return not (wrong or self.unfinished or self.stale or self.poisoned > _QUARANTINE_AFTER)


class _Stage:
    """Stand-in backends, and a server that forks workers onto them."""

    def __init__(self, runtime: Runtime, server: Process) -> None:
        self.runtime = runtime
        self.state = Path(runtime.state)
        self._server = server
        self._warehouse = runtime.sandboxes["warehouse"].removeprefix("sqlite://")
        self._fresh = self.state / "fresh-warehouse.db"
        _copy(self._warehouse, str(self._fresh))

    async def run(self, errand: Errand, *, may_fail: bool = False) -> Outcome:
        stdin, stdout = self._server.stdin, self._server.stdout
        if stdin is None or stdout is None:
            raise ProofFailed("The fork server has no pipes.")
        stdin.write(msgspec.json.encode(errand) + b"\n")
        line = await stdout.readline()
        if not line:
            raise ProofFailed("The fork server ended; see above for why.")
        outcome = msgspec.json.decode(line, type=Outcome)
        if outcome.how == "failed" and not may_fail:
            raise ProofFailed("A worker failed; see above for why.")
        return outcome

    def found(self, kind: Any) -> Any:
        """What the last child wrote that ended by itself."""
        return msgspec.json.decode((self.state / "found.json").read_bytes(), type=kind)

    def left(self, quotes: list[str]) -> list[str]:
        """The quotes that have not been heard of yet in this round."""
        path = self.state / "ended"
        ended = set(path.read_text().splitlines()) if path.exists() else set[str]()
        return [quote for quote in quotes if f'"{quote}"' not in ended]

    def stale(self) -> int:
        path = self.state / "stale"
        return len(path.read_text().splitlines()) if path.exists() else 0

    async def reset(self) -> None:
        """Every backend as it was seeded."""
        async with httpx.AsyncClient(timeout=30.0) as http:
            for name in ("salesforce", "sap", "easypost"):
                (await http.post(f"{self.runtime.sandboxes[name]}/__sandbox__/reset")).raise_for_status()
        _copy(str(self._fresh), self._warehouse)
        (self.state / "ended").unlink(missing_ok=True)

    async def books(self) -> dict[str, Counter[str]]:
        """What stands in each backend, by the reference of the order."""
        ledgers: dict[str, Any] = {}
        async with httpx.AsyncClient(timeout=30.0) as http:
            for name in ("salesforce", "sap", "easypost"):
                ledgers[name] = (await http.get(f"{self.runtime.sandboxes[name]}/__sandbox__/ledger")).json()
        with closing(sqlite3.connect(self._warehouse)) as database:
            held = database.execute("SELECT reference FROM reservation WHERE status IN ('active', 'fulfilled')")
            reserved = Counter[str](reference for (reference,) in held)
        return {
            "sap": Counter(o["PurchaseOrderByCustomer"] for o in ledgers["sap"]["orders"] if not o["cancelled"]),
            "salesforce": Counter(
                o["External_Order_Id__c"] for o in ledgers["salesforce"]["orders"] if o["Status"] != "Cancelled"
            ),
            "easypost": Counter(p["reference"] for p in ledgers["easypost"]["purchases"] if not p["refund_status"]),
            "warehouse": reserved,
        }


async def prove_orders(topology: Path, kills: int, seed: int, bug: str | None, progress: Progress) -> Findings:
    """Kill workers of quote-to-order until so many have died, let every order end, and count.

    Args:
        topology: Of one process, over stand-in backends.
        kills: Workers to kill.
        seed: Decides where each is killed.
        bug: A defect to plant; see `planted_bugs`.
        progress: Told how many have been killed by now.
    """
    random, findings = Random(seed), Findings()  # noqa: S311 - a repeatable proof, no secret
    folder = Path(tempfile.mkdtemp(prefix="triptych-proof-"))
    try:
        async with _stage(topology, folder, bug) as stage:
            await stage.run(Errand("survey"))
            quotes = stage.found(list[str])
            rounds, ended = 0, _OrderedAs()
            while findings.kills < kills:
                rounds += 1
                await stage.reset()
                ended = await _round(stage, f"journal-{rounds}.db", quotes, kills, random, findings, progress)
                _compare(findings, ended, await stage.books())
            await stage.reset()
            findings.poisoned = await _poison(stage, next(q for q, end in ended.items() if end and end.order))
            findings.stale = stage.stale()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return findings


async def _round(
    stage: _Stage, journal: str, quotes: list[str], kills: int, random: Random, findings: Findings, progress: Progress
) -> _OrderedAs:
    """All quotes ordered once, by workers that are killed until the round or the proof is over."""
    frozen, left = None, random.sample(quotes, len(quotes))
    while True:
        freeze = frozen is None and findings.kills % _FREEZE_EVERY == 1 and bool(left) and findings.kills < kills
        under_way = freeze or frozen is not None  # so late that orders are being worked on
        kill_at = random.randint(10, 24) if under_way else random.randint(1, 12)
        if findings.kills >= kills or not left:
            kill_at = 0
        errand = Errand("order", journal, left if kill_at else quotes, kill_at, freeze=freeze)
        outcome = await stage.run(errand, may_fail=frozen is not None)  # a frozen process may hold a lock in a file
        findings.kills += outcome.how == "killed"
        if frozen is not None:  # another worker has had its flows; now it goes on as if nothing had been
            await stage.run(Errand("thaw", pid=frozen))
            findings.frozen += 1
            findings.kills += 1
            frozen = None
        if outcome.how == "stopped":
            frozen = outcome.pid
            await asyncio.sleep(LEASE_SECONDS)
        if outcome.how == "ended" and not kill_at:
            return stage.found(_OrderedAs)
        left = stage.left(quotes)
        progress(min(findings.kills, kills))


async def _poison(stage: _Stage, quote: str) -> int:
    """How many workers an order can end that ends each of them at the same step."""
    for ended in range(_MOST_POISONED):
        if (await stage.run(Errand("order", "poison.db", [quote], poison=True))).how == "ended":
            return ended
    return _MOST_POISONED


def _compare(findings: Findings, ended: _OrderedAs, books: dict[str, Counter[str]]) -> None:
    states = Counter(end.state if end else "refused" for end in ended.values())
    findings.orders.update(states)
    findings.unfinished += sum(states[state] for state in states.keys() - {"completed", "refused"})
    standing = {end.order_id for end in ended.values() if end and end.state == "completed"}
    for name, found in books.items():
        book = findings.books.setdefault(name, Books())
        book.effects += len(standing)
        book.lost += len(standing - found.keys())
        book.doubled += sum(count - 1 for count in found.values())
        book.half_done += len(found.keys() - standing)


@asynccontextmanager
async def _stage(path: Path, state: Path, bug: str | None) -> AsyncGenerator[_Stage]:
    topology = load_topology(path)
    async with AsyncExitStack() as stack:
        child, file = await start_sandboxes(topology, state)
        stack.push_async_callback(child.stop)
        valkey = (await stack.enter_async_context(EmbeddedValkey(state))).url
        sandboxes = await addresses_of(child, file)
        runtime = _runtime(path, topology, state, sandboxes, valkey)
        written = state / "proof.json"
        written.write_bytes(msgspec.json.encode(runtime))
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "shared.host.endangered", str(written), *([bug] if bug else []),
            stdin=PIPE, stdout=PIPE, start_new_session=True, preexec_fn=die_with_parent,
        )  # fmt: skip
        stack.push_async_callback(stop_child, server)
        yield _Stage(runtime, server)


def _runtime(path: Path, topology: Topology, state: Path, sandboxes: dict[str, str], valkey: str) -> Runtime:
    url = "http://127.0.0.1:1"  # nobody listens: workers are asked in their own process
    return Runtime(
        topology=str(path.resolve()), state=str(state.resolve()), processes=dict.fromkeys(topology.processes, url),
        issuer=url, sandboxes=sandboxes, valkey=valkey,
    )  # fmt: skip


def _copy(source: str, target: str) -> None:
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as write:
        read.backup(write)
