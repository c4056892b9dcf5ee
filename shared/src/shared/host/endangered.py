"""A fork server whose children run the orders of a topology until they kill themselves at a boundary.

`python -m shared.host.endangered RUNTIME.json [BUG]` imports everything once, then obeys lines of JSON on standard
input (`Errand`) and answers each with a line (`Outcome`). A boundary is before and after each call of a step, and
before and after each commit of the journal. The product's code is as it is: boundaries are put around it here, in the
children.
"""

import asyncio
import gc
import importlib
import logging
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NoReturn, cast

import msgspec
import structlog
import uvloop

from shared.binding.call_context import CallContext, calling
from shared.binding.operation import Operation
from shared.binding.problems import NotFound, Problem
from shared.contracts.process.quote_to_order import OrderProgress, OrderRequest, QuoteToOrder
from shared.contracts.system.crm import Crm
from shared.durable import runner
from shared.durable.group_commit import GroupCommit
from shared.durable.journal import FINAL_STATES, Save
from shared.durable.simulation.planted_bugs import planted
from shared.durable.worker import WorkerSettings
from shared.host import flows
from shared.host.api import Api
from shared.host.child_process import die_with_parent
from shared.host.identity import own_principal
from shared.host.placement import Placement
from shared.host.process import Process
from shared.host.runtime import Runtime

LEASE_SECONDS = 0.6
POISONED = "erp.create_order"
"""The step at which a poisonous order ends its worker."""
_ZOMBIE_SECONDS = 0.5
_SIDE_BY_SIDE = 8
_NEVER = 1_000_000


class Errand(msgspec.Struct, frozen=True):
    """What one child shall do.

    Attributes:
        act: `order` the quotes; `survey` the CRM for quotes; `thaw` a child that stopped itself.
        journal: File name of the journal in the state directory.
        quotes: To be ordered.
        kill_at: The boundary at which it ends; 0 for none.
        freeze: Stop there (SIGSTOP) instead of ending.
        poison: End at every call of `POISONED`.
        pid: Whom to thaw.
    """

    act: Literal["order", "survey", "thaw"]
    journal: str = "journal.db"
    quotes: list[str] = []
    kill_at: int = 0
    freeze: bool = False
    poison: bool = False
    pid: int = 0


class Outcome(msgspec.Struct, frozen=True):
    """How a child ended, or that it stopped itself and lives."""

    how: Literal["killed", "stopped", "ended", "failed"]
    pid: int


class _Boundary:
    """Counts down to the end of this process."""

    def __init__(self, errand: Errand) -> None:
        self._left = errand.kill_at
        self._signal = signal.SIGSTOP if errand.freeze else signal.SIGKILL

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._signal)


# --- in a child --------------------------------------------------------------------------------------


def _endanger(errand: Errand, stale: Path) -> None:
    """Put boundaries around what the flows of this process do."""
    boundary = _Boundary(errand)
    executor, commit = flows._executor, GroupCommit._commit  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def endangered(*arguments: Any) -> Callable[..., Awaitable[Any]]:
        execute = executor(*arguments)

        async def perform(operation: Operation, given: dict[str, Any], context: CallContext) -> Any:
            if errand.poison and operation.qualified_name == POISONED:
                os.kill(os.getpid(), signal.SIGKILL)
            boundary()
            try:
                return await execute(operation, given, context)
            finally:
                boundary()

        return perform

    def committed(self: GroupCommit, connection: sqlite3.Connection, items: list[Any]) -> list[Any]:
        boundary()
        held = {item.flow_id: _fence(connection, item) for item in items if isinstance(item, Save)}
        outcomes = commit(self, connection, items)
        for item, outcome in zip(items, outcomes, strict=True):
            if isinstance(item, Save) and outcome is None and held[item.flow_id] != item.fence:
                with stale.open("a") as file:
                    file.write(f"{item.flow_id} {item.fence}\n")
        boundary()
        return outcomes

    settings = WorkerSettings(lease=LEASE_SECONDS, poll=0.05, quarantine_after=5 if errand.poison else _NEVER)
    unbound: Any = flows
    unbound._executor = endangered  # noqa: SLF001 - see the module
    writer: Any = GroupCommit
    writer._commit = committed  # noqa: SLF001
    runners: Any = runner
    runners.WorkerSettings = lambda: settings


def _fence(connection: sqlite3.Connection, save: Save) -> int | None:
    row = connection.execute("SELECT fence FROM flow WHERE flow_id = ?", (save.flow_id,)).fetchone()
    return row[0] if row else None


class _Suite:
    """One process of the topology, without its server."""

    def __init__(self, runtime: Runtime, placement: Placement, journal: str) -> None:
        self.process = Process(runtime, placement, journal=journal, subscribing=False)
        self.api: Api = placement.api_of(QuoteToOrder)
        self._context = CallContext(principal=own_principal(self.api, runtime.issuer), wait=60.0)

    async def approved_quotes(self) -> list[str]:
        """Every approved quote, customer by customer."""
        crm = cast("Crm", self.process.peer(self.api, Crm))
        found: list[str] = []
        with calling(self._context):
            cursor = None
            while True:
                page = await crm.list_customers(cursor=cursor, limit=100)
                listed = await asyncio.gather(*(crm.list_quotes(each.customer_id) for each in page.items))
                found += [quote.quote_id for quotes in listed for quote in quotes.items if quote.state == "approved"]
                cursor = page.next_cursor
                if cursor is None:
                    return found

    async def order(self, quotes: list[str], ended: Path) -> dict[str, OrderProgress | None]:
        """Have every quote ordered or refused; None for a refusal that left no order.

        Each is a line in the file `ended` as soon as it is through.
        """
        service = cast("QuoteToOrder", self.process.implementations[self.api])
        room = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def one(quote: str) -> OrderProgress | None:
            async with room:
                with calling(self._context):
                    try:
                        known = await service.get_order(f"order-{quote}")
                    except NotFound:
                        known = None
                    if known is not None and known.state in FINAL_STATES:
                        return known
                    try:
                        return await service.place_order(OrderRequest(quote))
                    except Problem as refusal:
                        left = refusal.extensions.get("orderId")
                        return await service.get_order(left) if left else None

        async def told(quote: str) -> OrderProgress | None:
            progress = await one(quote)
            with ended.open("ab") as file:
                file.write(msgspec.json.encode(quote) + b"\n")
            return progress

        return dict(zip(quotes, await asyncio.gather(*map(told, quotes)), strict=True))


async def _run(errand: Errand, runtime: Runtime, placement: Placement) -> None:
    suite = _Suite(runtime, placement, errand.journal)
    await suite.process.start()
    found = await (
        suite.order(errand.quotes, Path(runtime.state) / "ended") if errand.act == "order" else suite.approved_quotes()
    )
    (Path(runtime.state) / "found.json").write_bytes(msgspec.json.encode(found))
    (Path(runtime.state) / "modules.json").write_bytes(msgspec.json.encode(sorted(sys.modules)))
    if errand.kill_at == 0:
        await suite.process.stop()


def _live(errand: Errand, runtime: Runtime, placement: Placement) -> NoReturn:
    status = 1
    errors, silence = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # the log of hundreds of workers, and the server's own answers
        os.dup2(silence, stream)
    die_with_parent(signal.SIGKILL)  # a stopped process hears of nothing else
    try:
        if errand.act == "order":
            _endanger(errand, Path(runtime.state) / "stale")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            loop.run(_run(errand, runtime, placement))
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


def _thaw(pid: int) -> Outcome:
    """Let a stopped child go on as if nothing had been, for a moment."""
    os.kill(pid, signal.SIGCONT)
    until = time.monotonic() + _ZOMBIE_SECONDS
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return Outcome("ended", pid)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    return _outcome(pid)


def _warm_up(runtime: Runtime, placement: Placement) -> None:
    """Import what the first child needed, and build a process once, so that later ones begin with all of it."""
    for name in msgspec.json.decode((Path(runtime.state) / "modules.json").read_bytes(), type=list[str]):
        if name not in sys.modules:
            with suppress(Exception):
                importlib.import_module(name)
    Process(runtime, placement, journal="never-opened.db")
    gc.collect()
    gc.freeze()


def main() -> None:
    """Obey until standard input ends."""
    runtime = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Runtime)
    bug: Any = sys.argv[2] if len(sys.argv) > 2 else None  # noqa: PLR2004
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    placement = Placement.of(runtime, next(iter(runtime.processes)))
    with planted(bug):
        for line in sys.stdin:
            errand = msgspec.json.decode(line, type=Errand)
            if errand.act == "thaw":
                outcome = _thaw(errand.pid)
            elif (pid := os.fork()) == 0:
                _live(errand, runtime, placement)
            else:
                outcome = _outcome(pid)
                if errand.act == "survey":
                    _warm_up(runtime, placement)
            sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
