"""Whatever is asked of an ERP on a bad day: a problem that says whose fault it is, and none of the ERP's own words."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sandboxes.company import Company, Customer
from shared.binding.problems import BackendFault, Problem, Transient
from shared.contracts.canonical.order import ErpOrder, NewErpOrder, NewOrderLine
from shared.contracts.canonical.party import CustomerDescription, NewDeliveryPlace, NewErpCustomer
from shared.contracts.canonical.returns import NewErpReturn, NewErpReturnLine
from shared.contracts.canonical.values import Address, Money
from shared.contracts.system.erp import Erp, ErpBlock, ErpCancellation

PAGE = "<!DOCTYPE html><html><body><h1>Back soon, dear user INTEGRATION</h1></body></html>"
FAULTS: dict[str, tuple[dict[str, Any], tuple[type[Problem], ...]]] = {
    "a page in place of an answer": ({"fault": "html", "body": PAGE}, (BackendFault, Transient)),
    "rubbish": ({"fault": "nonsense"}, (BackendFault, Transient)),
    "half an answer": ({"fault": "truncate"}, (Transient,)),
    "a closed connection": ({"fault": "close"}, (Transient,)),
    "a lost reply": ({"fault": "lost-reply"}, (Transient,)),
    "being away": ({"fault": "status", "status": 503, "body": PAGE}, (Transient,)),
    "a gateway's page": ({"fault": "status", "status": 502, "body": PAGE}, (Transient,)),
    "a defect of its own": ({"fault": "status", "status": 500, "body": PAGE}, (BackendFault, Transient)),
    "too many requests": ({"fault": "status", "status": 429, "body": PAGE}, (Transient,)),
    "refusing us": ({"fault": "status", "status": 401, "body": PAGE}, (BackendFault,)),
    "forbidding us": ({"fault": "status", "status": 403, "body": PAGE}, (BackendFault,)),
}
"""What the ERP does, and which problems callers may make of it: transient ones may be tried again."""
ADDRESS = Address("Hauptstrasse", "7", "Hamburg", "", "20095", "DE")


@pytest.fixture(scope="session")
async def order(erps: Any, firm: Company, buyer: Customer) -> ErpOrder:
    return await erps.ways["fused"].create_order(an_order("bad-day-before", firm, buyer))


def an_order(reference: str, firm: Company, buyer: Customer) -> NewErpOrder:
    line = NewOrderLine(firm.products[0].sku, Decimal(1), Money(Decimal("12.50"), buyer.currency))
    return NewErpOrder(reference, buyer.sap_customer, buyer.currency, [line])


def questions(name: str, order: ErpOrder, firm: Company, buyer: Customer) -> dict[str, tuple[Any, ...]]:
    """A call of every operation; each write under a reference of its own for each fault."""
    reference = f"bad-day-{list(FAULTS).index(name)}"
    number, today = buyer.sap_customer, datetime.now(UTC).date()
    cancel = ErpCancellation("a bad day")
    line = NewErpReturnLine(order.lines[0].item, order.lines[0].sku, Decimal(1), "damaged")
    returned = NewErpReturn(reference, order.erp_order_id, [line])
    return {
        "get_customer": (number,), "get_credit": (number,), "list_orders": (number, today),
        "find_similar_customers": (CustomerDescription(reference, "Newcomer", ADDRESS),),
        "create_customer": (NewErpCustomer(reference, "Newcomer GmbH", "EUR", ADDRESS),),
        "add_delivery_place": (number, NewDeliveryPlace(reference, "Yard", ADDRESS)),
        "block_customer": (number, ErpBlock("a bad day")), "list_products": (None, 2),
        "get_product": (firm.products[1].sku,), "simulate_order": (an_order(reference, firm, buyer),),
        "create_order": (an_order(reference, firm, buyer),), "get_order": (order.erp_order_id,),
        "cancel_order": (order.erp_order_id, cancel), "list_returns": (order.erp_order_id,),
        "create_return": (returned,), "get_return": (order.erp_order_id,),
        "cancel_return": (order.erp_order_id, cancel), "credit_return": (order.erp_order_id,),
    }  # fmt: skip


@pytest.fixture
async def mended(erps: Any) -> AsyncIterator[None]:
    yield
    await erps.mend()


@pytest.mark.usefixtures("mended")
@pytest.mark.parametrize("name", FAULTS)
async def test_every_operation_says_whose_fault_it_is(
    erps: Any, order: ErpOrder, firm: Company, buyer: Customer, name: str
) -> None:
    fault, kinds = FAULTS[name]
    asked = questions(name, order, firm, buyer)
    assert set(asked) == set(Erp.operations)
    await erps.fault_everywhere(**fault)
    calls = {each: getattr(erps.ways["fused"], each)(*arguments) for each, arguments in asked.items()}
    told = dict(zip(calls, await asyncio.gather(*calls.values(), return_exceptions=True), strict=True))
    wrong = {each: repr(outcome) for each, outcome in told.items() if not isinstance(outcome, kinds)}
    assert not wrong
    for each, problem in told.items():
        assert isinstance(problem, Problem)
        text = str(problem.details())
        assert "Back soon" not in text, each
        assert "INTEGRATION" not in text, each
