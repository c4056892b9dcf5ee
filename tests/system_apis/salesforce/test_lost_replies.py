"""What Salesforce committed without our hearing of it is found by the order's external id."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from sandboxes.company import company
from shared.contracts.canonical.order import NewCrmOrder
from shared.contracts.system.crm import CrmOrderStatus, OrderCancellation
from system_apis.salesforce.connector import SalesforceSettings
from system_apis.salesforce.service import SalesforceCrm

COMPOSITE = "/services/data/v66.0/composite"
ORDERS = 50
STAGES = ("Packed", "Shipped")


@pytest.mark.slow
async def test_two_hundred_lost_replies_leave_each_order_once_with_its_lines_and_its_last_status(
    connect: Callable[..., Any], settings: SalesforceSettings, org: Any, new_order: Callable[..., NewCrmOrder]
) -> None:
    crm = SalesforceCrm(connect(msgspec.structs.replace(settings, breaker_min_calls=1_000_000, retry_share=10.0)))
    quotes = [await crm.get_quote(quote.salesforce_id) for quote in company().quotes_for("plain")[:ORDERS]]
    reopened = [await crm.get_quote(quotes[0].quote_id)]
    made: list[str] = []
    for number in range(ORDERS):  # a quote that was cancelled can be ordered again
        quote = quotes[number % len(quotes)] if number < len(quotes) else reopened[0]
        await org.fault(COMPOSITE, "POST", fault="lost-reply", after=1)
        order = await crm.record_order(new_order(f"LOST-{number}", quote))
        made.append(order.crm_order_id)
        for stage in STAGES:
            await org.fault(COMPOSITE, "POST", fault="lost-reply")
            assert (await crm.note_order_status(order.crm_order_id, CrmOrderStatus(stage))).fulfilment == stage
        await org.fault(COMPOSITE, "POST", fault="lost-reply")
        cancelled = await crm.cancel_order(order.crm_order_id, OrderCancellation("none"))
        assert cancelled.status == "Cancelled"
    assert [row["Id"] for row in await org.orders()] == made
    lines = sum(len(quotes[n % len(quotes)].lines if n < len(quotes) else quotes[0].lines) for n in range(ORDERS))
    assert (await org.rest("GET", "/query", params={"q": "SELECT COUNT() FROM OrderItem"}))["totalSize"] == lines
