"""A flow on a real journal, with a clock that moves when told and backends that answer as a test says."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.binding.problems import Problem
from shared.contracts.canonical.identity import ResolvedIdentity
from shared.contracts.canonical.inventory import Reservation, WantedLine
from shared.contracts.canonical.order import CrmOrder, ErpOrder
from shared.contracts.canonical.shipment import Shipment, WarehouseShipment
from shared.contracts.canonical.values import Money
from shared.contracts.process.quote_to_order import OrderProgress, PlacedOrder
from shared.durable.runner import FlowRunner
from shared.durable.sqlite.journal import SqliteJournal
from shared.durable.worker import WorkerSettings

NOW = datetime(2026, 3, 2, tzinfo=UTC)
TOTAL = Money(Decimal(90), "EUR")
PLACED = PlacedOrder("q1", "4711", "801", "rsv-1", "shp_1", "EZ1", "UPS", TOTAL)


class Systems:
    """The order `order-q1` in every system. An answer is a value, a Problem to raise, or a list to take from."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.called: list[str] = []
        crm = CrmOrder("801", "00000100", "001", "Activated", TOTAL, fulfilment="Pending", tracking_number="EZ1")
        erp = ErpOrder("4711", "order-q1", "10100001", "open", TOTAL)
        hold = Reservation("rsv-1", "order-q1", "confirmed", [WantedLine("TG-00011", Decimal(2))], NOW)
        parcel = Shipment("shp_1", "pre-transit", tracking_code="EZ1")
        self.answers: dict[str, Any] = {
            "quote_to_order.get_order": OrderProgress("order-q1", "q1", "completed", NOW, NOW, order=PLACED),
            "quote_to_order.retire_order": OrderProgress("order-q1", "q1", "cancelled", NOW, NOW, order=PLACED),
            "crm.get_order": crm,
            "crm.note_order_status": crm,
            "crm.cancel_order": crm,
            "erp.get_order": erp,
            "erp.cancel_order": erp,
            "warehouse.get_shipment": WarehouseShipment("s1", "order-q1", "planned", NOW),
            "warehouse.get_reservation": hold,
            "warehouse.release_reservation": hold,
            "warehouse.reserve": hold,
            "warehouse.confirm_reservation": hold,
            "cross_references.resolve": ResolvedIdentity("order", "order-q1", PLACED.keys(), []),
            "cross_references.note_keys": [[]],
            "logistics.get_shipment": parcel,
            "logistics.refund_label": parcel,
        }

    def clock(self) -> float:
        """Real time, and what was added."""
        return time.time() + self.ahead

    async def __call__(self, operation: Operation, arguments: dict[str, Any], context: CallContext) -> Any:
        self.called.append(operation.qualified_name)
        answer = self.answers[operation.qualified_name]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Problem):
            raise answer
        return answer

    def writes(self) -> list[str]:
        """What was called and changes something, in order."""
        return [name for name in self.called if ".get_" not in name and ".resolve" not in name]


@pytest.fixture
def systems() -> Systems:
    return Systems()


@pytest.fixture
async def start(tmp_path: Path, systems: Systems) -> AsyncIterator[Callable[..., Any]]:
    """Start a runner for some flows; it stops with the test."""
    async with AsyncExitStack() as stack:
        journal = SqliteJournal(tmp_path / "journal.db", clock=systems.clock)
        await journal.open()
        stack.push_async_callback(journal.close)

        async def started(*flows: Any) -> FlowRunner:
            settings = WorkerSettings(poll=0.01)
            return await stack.enter_async_context(
                FlowRunner(journal, flows, systems, settings=settings, clock=systems.clock)
            )

        yield started
