"""An order is told of once it stands; unfinished runs of the version that did not tell are still served."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from process_apis.quote_to_order import api
from process_apis.quote_to_order.flow import OrderQuote, OrderQuoteV1
from shared.contracts.canonical.inventory import Availability, StockLevel
from shared.contracts.canonical.order import OrderSimulation
from shared.contracts.canonical.party import Customer
from shared.contracts.canonical.quote import Quote, QuoteLine
from shared.contracts.canonical.shipment import Rate, Rates, Shipment
from shared.contracts.canonical.values import Money
from shared.contracts.process.quote_to_order import OrderRequest

EURO = Money(Decimal(90), "EUR")
TWO = Decimal(2)

CALLS_OF_VERSION_1 = [
    "flow.now", "crm.get_quote", "crm.get_customer", "erp.simulate_order", "warehouse.check_availability",
    "logistics.get_rates", "warehouse.reserve", "erp.create_order", "logistics.purchase_label", "crm.record_order",
    "warehouse.confirm_reservation",
]  # fmt: skip
"""What its unfinished runs have recorded; not to be changed while it is served."""


@pytest.fixture
def standing(systems: Any) -> Any:
    """Systems in which quote q1 can be ordered."""
    line = QuoteLine("l1", "TG-00011", TWO, Money(Decimal(45), "EUR"), price_book_entry_id="01u")
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    systems.answers |= {
        "crm.get_quote": Quote("q1", "Q-1", "An offer", "001", "approved", EURO, lines=[line]),
        "crm.get_customer": Customer("001", "A customer", erp_number="10100001"),
        "erp.simulate_order": OrderSimulation(EURO, EURO, "approved", []),
        "warehouse.check_availability": Availability([StockLevel("TG-00011", TWO, TWO, TWO, TWO)], moment, True),
        "logistics.get_rates": Rates("shp_1", [Rate("rate_1", "UPS", "Ground", EURO)]),
        "erp.create_order": systems.answers["erp.get_order"],
        "logistics.purchase_label": Shipment("shp_1", "booked", tracking_code="EZ1", carrier="UPS", price=EURO),
        "crm.record_order": systems.answers["crm.get_order"],
    }
    return systems


async def ordered(start: Any, version: Any) -> list[str]:
    runner = await start(version)
    view = await (await runner.submit(version, "order-q1", OrderRequest("q1"))).result(5)
    assert view.state == "completed", view.problem
    return [entry.step for entry in view.timeline]


async def test_an_order_is_told_of_once_it_stands(start: Any, standing: Any) -> None:
    assert (await ordered(start, OrderQuote))[-2:] == ["warehouse.confirm_reservation", "flow.publish"]
    assert standing.writes()[-1] == "warehouse.confirm_reservation"


async def test_version_1_makes_the_calls_it_made_and_tells_nobody(start: Any, standing: Any) -> None:
    assert sorted(await ordered(start, OrderQuoteV1)) == sorted(CALLS_OF_VERSION_1)
    assert {(flow.name, flow.version) for flow in api.flows} == {("order-quote", 1), ("order-quote", 2)}
