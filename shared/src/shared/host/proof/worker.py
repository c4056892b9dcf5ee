"""What a child of the fork server does: one process of the topology, without its HTTP server, between boundaries."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import NotFound, Problem
from shared.contracts.process.quote_to_order import (
    Cancellation,
    OrderAlreadyComplete,
    OrderProgress,
    OrderRequest,
    QuoteToOrder,
)
from shared.contracts.system.crm import Crm
from shared.durable import runner, suspects
from shared.durable.attempt import StepExecutor
from shared.durable.endangered.boundaries import Boundaries, current_call, endangered
from shared.durable.endangered.commits import Commits
from shared.durable.endangered.trail import Trail
from shared.durable.journal import FINAL_STATES
from shared.durable.worker import WorkerSettings
from shared.host import flows
from shared.host import process as process_of_topology
from shared.host.api import Api
from shared.host.identity import own_principal
from shared.host.placement import Placement
from shared.host.process import Process
from shared.host.proof.errand import Errand, Setup
from shared.host.proof.kept import kept
from shared.telemetry import tracing
from shared.telemetry.traceparent import new_span_id

LEASE_SECONDS = 0.3
_SIDE_BY_SIDE = 8
_PAGE = 25
_GLANCE = 0.02
_PATIENCE = 30.0
_REST_SECONDS = 0.05
_NEVER = 1_000_000
_Ended = dict[str, OrderProgress | None]


@contextmanager
def endangered_flows(
    errand: Errand, placement: Placement, state: Path, ahead: Callable[[str], Awaitable[None]], *, postgres: bool
) -> Generator[None]:
    """Put boundaries around what the flows of this process do; `ahead` is done before each call."""
    trail = Trail(state / errand.trail, errand.number)
    boundaries = Boundaries(errand.ending, trail, listing=errand.listing)
    executor: Any = flows._executor  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    quarantine = 5 if errand.ending.poison else _NEVER
    settings = WorkerSettings(lease=LEASE_SECONDS, poll=0.05, quarantine_after=quarantine)

    def between(*arguments: Any) -> StepExecutor:
        return endangered(executor(*arguments), boundaries, trail, ahead)

    with ExitStack() as stack:
        stack.enter_context(Commits(boundaries, trail, _reads(placement)).between_boundaries(postgres=postgres))
        stack.enter_context(patch.object(flows, "_executor", between))
        stack.enter_context(patch.object(runner, "WorkerSettings", lambda: settings))
        stack.enter_context(patch.object(suspects, "_REST", _REST_SECONDS))
        stack.enter_context(patch.object(tracing, "new_span_id", _numbered_spans(errand.number)))
        stack.enter_context(kept(state / "credentials.json", postgres=postgres))
        yield


def _reads(placement: Placement) -> frozenset[str]:
    operations = (operation for api in placement.chosen for operation in api.contract.operations.values())
    return frozenset(operation.qualified_name for operation in operations if operation.safe)


def _numbered_spans(worker: int) -> Callable[[], str]:
    """Ids that say whose span it is, so that a backend's request log tells which call each request belongs to."""
    random, numbers = new_span_id, count()

    def numbered() -> str:
        call = current_call.get()
        return f"{worker:06x}{call:04x}{next(numbers):06x}" if call else random()

    return numbered


class BuiltAhead:
    """What each process of the lane would build alike and that nothing has used yet: built once, before the fork.

    It holds no socket, no thread, no file and no name under which a worker claims flows.

    Args:
        setup: Of the lane.
        placement: Of its process.
    """

    def __init__(self, setup: Setup, placement: Placement) -> None:
        self._setup = setup
        self._placement = placement
        source: Any = Process(setup.runtime, placement, subscribing=False)
        self._trust = source._trust  # noqa: SLF001 - what the product keeps to itself
        systems = [api for api in placement.here if api.contract.tier == "system"]
        for api in systems:
            source._implementation(api)  # noqa: SLF001
        self._wirings = {api.contract: source._wirings[api.contract] for api in systems}  # noqa: SLF001

    def process(self) -> Process:
        """A process that has its own of all else."""
        with patch.object(process_of_topology, "Trust", self._shared_trust):
            made: Any = Process(self._setup.runtime, self._placement, subscribing=False)
        made._wirings.update(self._wirings)  # noqa: SLF001
        return made

    def _shared_trust(self, *_: Any) -> Any:
        return self._trust


class OrderingProcess:
    """The process, and what is asked of it.

    Args:
        setup: Of the lane.
        placement: Of the process; its topology names the journal.
        errand: What is to be done.
        ahead: What was built before the fork, if anything was.
    """

    def __init__(self, setup: Setup, placement: Placement, errand: Errand, ahead: BuiltAhead | None) -> None:
        self._process = ahead.process() if ahead else Process(setup.runtime, placement, subscribing=False)
        self._quotes = errand.quotes
        self._cancel_at, self._cancels = errand.cancel_at, bool(errand.cancel_at)
        self._api: Api = placement.api_of(QuoteToOrder)
        self._context = CallContext(principal=own_principal(self._api, setup.runtime.issuer), wait=_PATIENCE)

    @asynccontextmanager
    async def running(self, *, stopped: bool) -> AsyncGenerator[None]:
        """Started; taken down in order at the end if `stopped`."""
        await self._process.start()
        yield
        if stopped:
            await self._process.stop()

    async def approved_quotes(self, most: int) -> list[str]:
        """Approved quotes, customer by customer."""
        crm = cast("Crm", self._process.peer(self._api, Crm))
        found: list[str] = []
        with calling(self._context):
            cursor = None
            while True:
                page = await crm.list_customers(cursor=cursor, limit=_PAGE)
                listed = await asyncio.gather(*(crm.list_quotes(each.customer_id) for each in page.items))
                found += [quote.quote_id for quotes in listed for quote in quotes.items if quote.state == "approved"]
                cursor = page.next_cursor
                if cursor is None or len(found) >= most:
                    return found[:most]

    async def order(self) -> _Ended:
        """Have every quote ordered, refused or cancelled; None for a refusal that left no order."""
        room = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def one(quote: str) -> OrderProgress | None:
            async with room:
                with calling(self._context):
                    return await self._order(quote)

        return dict(zip(self._quotes, await asyncio.gather(*map(one, self._quotes)), strict=True))

    async def cancel_ahead(self, operation: str) -> None:
        """Cancel the orders under way if it is before this operation that they are to be."""
        if operation == self._cancel_at:
            self._cancel_at = ""
            await self._cancel_all()

    async def _order(self, quote: str) -> OrderProgress | None:
        known = await self._known(quote)
        if known is not None and (self._cancels or known.state in FINAL_STATES):
            return await self._end_of(known)
        try:
            return await self._service.place_order(OrderRequest(quote))
        except Problem as refusal:
            left = refusal.extensions.get("orderId")
            return await self._service.get_order(left) if left else None

    async def _cancel_all(self) -> None:
        with calling(self._context):
            for quote in self._quotes:
                with suppress(OrderAlreadyComplete, NotFound):
                    await self._service.cancel_order(f"order-{quote}", Cancellation("The proof cancels it."))

    async def _known(self, quote: str) -> OrderProgress | None:
        try:
            return await self._service.get_order(f"order-{quote}")
        except NotFound:
            return None

    async def _end_of(self, order: OrderProgress) -> OrderProgress:
        """Not asked for with `place_order`, which orders anew what has been cancelled."""
        for _ in range(int(_PATIENCE / _GLANCE)):
            if order.state in FINAL_STATES:
                break
            await asyncio.sleep(_GLANCE)
            order = await self._service.get_order(order.order_id)
        return order

    @property
    def _service(self) -> QuoteToOrder:
        return cast("QuoteToOrder", self._process.implementations[self._api])
