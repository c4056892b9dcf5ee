"""An order is told of once it stands; unfinished runs of the version that did not tell are still served."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from process_apis.quote_to_order import api
from process_apis.quote_to_order.earlier_versions import OrderQuoteV1, OrderQuoteV2
from process_apis.quote_to_order.flow import OrderQuote
from shared.contracts.canonical.identity import ResolvedIdentity
from shared.contracts.canonical.inventory import Availability, StockLevel
from shared.contracts.canonical.order import OrderSimulation
from shared.contracts.canonical.party import Customer
from shared.contracts.canonical.quote import Quote, QuoteLine
from shared.contracts.canonical.shipment import Rate, Rates, Shipment
from shared.contracts.canonical.values import Money
from shared.contracts.process.quote_to_order import OrderRequest
from shared.contracts.system.cross_references import KeysDisagree

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


async def ended(start: Any, version: Any) -> Any:
    runner = await start(version)
    return await (await runner.submit(version, "order-q1", OrderRequest("q1"))).result(30)


async def ordered(start: Any, version: Any) -> list[str]:
    view = await ended(start, version)
    assert view.state == "completed", view.problem
    return [entry.step for entry in view.timeline]


async def test_an_order_is_told_of_once_it_stands(start: Any, standing: Any) -> None:
    assert (await ordered(start, OrderQuote))[-3:] == [
        "cross_references.note_keys", "warehouse.confirm_reservation", "flow.publish",
    ]  # fmt: skip
    assert standing.writes()[-2:] == ["cross_references.note_keys", "warehouse.confirm_reservation"]


async def test_earlier_versions_make_the_calls_they_made(start: Any, standing: Any) -> None:
    assert sorted(await ordered(start, OrderQuoteV1)) == sorted(CALLS_OF_VERSION_1)
    assert {(flow.name, flow.version) for flow in api.flows} == {("order-quote", n) for n in (1, 2, 3)}


async def test_version_2_told_of_the_order_and_compared_nothing(start: Any, standing: Any) -> None:
    assert sorted(await ordered(start, OrderQuoteV2)) == sorted([*CALLS_OF_VERSION_1, "flow.publish"])


async def test_a_customer_whose_number_is_noted_otherwise_is_refused_before_anything_is_written(
    start: Any, standing: Any
) -> None:
    standing.answers["cross_references.resolve"] = KeysDisagree("The crm says …; noted is ….")
    view = await ended(start, OrderQuote)
    assert (view.state, view.problem.type) == ("refused", "/problems/keys-disagree")
    assert standing.called[-1] in ("cross_references.resolve", "warehouse.check_availability")


@pytest.mark.parametrize(("noted", "state"), [({"erp": "10100001"}, "completed"), ({}, "refused")])
async def test_a_customer_whose_number_only_the_cross_references_know_can_order(
    start: Any, standing: Any, noted: dict[str, str], state: str
) -> None:
    standing.answers["crm.get_customer"] = Customer("001", "A customer")
    standing.answers["cross_references.resolve"] = ResolvedIdentity("customer", "001", noted, [])
    view = await ended(start, OrderQuote)
    assert (view.state, view.problem and view.problem.type) == (
        state, None if noted else "/problems/customer-not-in-erp",
    )  # fmt: skip
