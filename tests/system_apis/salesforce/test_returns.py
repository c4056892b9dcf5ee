"""Returns as ReturnOrders: recorded once, noted, refused; lost replies, two at once, orgs of one currency."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from shared.binding.problems import Invalid
from shared.contracts.canonical.order import CrmOrder, NewCrmOrder
from shared.contracts.canonical.quote import Quote
from shared.contracts.canonical.returns import NewCrmReturn, NewCrmReturnLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.crm import CrmOrderNotFound, CrmReturnNote, CrmReturnNotFound, ReturnNotRecordable
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.service import SalesforceCrm

COMPOSITE = "/composite"


@pytest.fixture
async def order(crm: SalesforceCrm, new_order: Callable[..., NewCrmOrder]) -> CrmOrder:
    return await crm.record_order(new_order())


@pytest.fixture
def new(order: CrmOrder, quote: Quote) -> NewCrmReturn:
    line = NewCrmReturnLine(quote.lines[0].sku, Decimal(1), "not-satisfied")
    return NewCrmReturn("return-1", order.crm_order_id, [line], "Too loud.")


async def kept(org: Any, sobject: str = "ReturnOrder") -> int:
    return (await org.rest("GET", "/query", params={"q": f"SELECT COUNT() FROM {sobject}"}))["totalSize"]


async def test_a_return_is_recorded_with_its_lines_for_the_account_of_its_order(
    crm: SalesforceCrm, org: Any, order: CrmOrder, quote: Quote, new: NewCrmReturn
) -> None:
    made = await crm.record_return(new)
    assert (made.state, made.reference, made.crm_order_id) == ("requested", "return-1", order.crm_order_id)
    assert made.customer_id == quote.customer_id
    assert await crm.get_return(made.crm_return_id) == made
    soql = "SELECT ReturnOrder.Status, ReturnOrder.Description, OrderItemId, Product2Id, QuantityReturned, "
    soql += "ReasonForReturn, TotalPrice, ReturnOrder.TotalAmount FROM ReturnOrderLineItem"
    [line] = (await org.rest("GET", "/query", params={"q": soql}))["records"]
    assert (line["ReturnOrder"]["Status"], line["ReturnOrder"]["Description"]) == ("Submitted", "Too loud.")
    assert (line["Product2Id"], line["ReasonForReturn"]) == (quote.lines[0].product_id, "Not Satisfied")
    assert line["OrderItemId"].startswith("802")
    assert abs(Decimal(str(line["TotalPrice"])) - quote.lines[0].unit_price.amount) <= Decimal("0.005")
    assert line["ReturnOrder"]["TotalAmount"] == line["TotalPrice"]


async def test_recording_costs_two_calls_and_a_repeat_one(crm: SalesforceCrm, org: Any, new: NewCrmReturn) -> None:
    before = len(await org.requests(COMPOSITE))
    first = await crm.record_return(new)
    assert len(await org.requests(COMPOSITE)) == before + 2
    assert await crm.record_return(new) == first
    assert len(await org.requests(COMPOSITE)) == before + 3
    assert (await kept(org), await kept(org, "ReturnOrderLineItem")) == (1, 1)


@pytest.mark.parametrize("fault", ["lost-reply", "truncate"])
async def test_a_lost_answer_leaves_one_return(crm: SalesforceCrm, org: Any, new: NewCrmReturn, fault: str) -> None:
    await crm.get_order(new.crm_order_id)  # logged on
    await org.fault("*/composite", "POST", fault=fault, times=2)
    made = await crm.record_return(new)
    assert made.reference == "return-1"
    assert (await kept(org), await kept(org, "ReturnOrderLineItem")) == (1, 1)


async def test_two_at_once_record_one(
    connect: Callable[[SalesforceSettings], SalesforceConnector],
    settings: SalesforceSettings,
    org: Any,
    new: NewCrmReturn,
) -> None:
    crms = [SalesforceCrm(connect(settings)) for _ in range(3)]
    made = await asyncio.gather(*(crm.record_return(new) for crm in crms))
    assert len({one.crm_return_id for one in made}) == 1
    assert await kept(org) == 1


async def test_a_product_that_the_order_does_not_hold_is_named_and_nothing_kept(
    crm: SalesforceCrm, org: Any, new: NewCrmReturn
) -> None:
    lines = [*new.lines, NewCrmReturnLine("TG-99999", Decimal(1), "other")]
    with pytest.raises(ReturnNotRecordable) as refused:
        await crm.record_return(msgspec.structs.replace(new, lines=lines))
    assert [error.pointer for error in refused.value.errors] == ["/lines/1/sku"]
    assert await kept(org) == 0


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity"])
async def test_a_quantity_that_is_none_is_refused(crm: SalesforceCrm, new: NewCrmReturn, quantity: str) -> None:
    lines = [msgspec.structs.replace(new.lines[0], quantity=Decimal(quantity))]
    with pytest.raises(Invalid) as refused:
        await crm.record_return(msgspec.structs.replace(new, lines=lines))
    assert refused.value.errors[0].pointer == "/lines/0/quantity"


async def test_what_the_org_does_not_have_is_not_found(crm: SalesforceCrm, new: NewCrmReturn) -> None:
    for missing in ("nothing", "801000000000000AAA"):
        with pytest.raises(CrmOrderNotFound):
            await crm.record_return(msgspec.structs.replace(new, crm_order_id=missing))
    for missing in ("nothing", "0rO000000000000AAA", new.crm_order_id):
        with pytest.raises(CrmReturnNotFound):
            await crm.get_return(missing)
        with pytest.raises(CrmReturnNotFound):
            await crm.note_return(missing, CrmReturnNote("closed"))


async def test_notes_add_up_and_leave_alone_what_they_do_not_say(crm: SalesforceCrm, new: NewCrmReturn) -> None:
    made = await crm.record_return(new)
    noted = await crm.note_return(made.crm_return_id, CrmReturnNote("approved", erp_return_id="60000001"))
    assert (noted.state, noted.erp_return_id, noted.refund) == ("approved", "60000001", None)
    refund = Money(Decimal("12.34"), "EUR")
    for _ in range(2):
        closing = CrmReturnNote("closed", tracking_number="T1", credit_memo_id="90000001", refund=refund)
        closed = await crm.note_return(made.crm_return_id, closing)
    assert (closed.state, closed.erp_return_id, closed.credit_memo_id) == ("closed", "60000001", "90000001")
    assert (closed.tracking_number, closed.refund) == ("T1", refund)


async def test_an_org_of_one_currency_has_no_currency_fields(
    connect: Callable[[SalesforceSettings], SalesforceConnector], settings: SalesforceSettings, new: NewCrmReturn
) -> None:
    single = SalesforceCrm(connect(msgspec.structs.replace(settings, currency="EUR")))
    made = await single.record_return(new)
    noted = await single.note_return(made.crm_return_id, CrmReturnNote("closed", refund=Money(Decimal(5), "EUR")))
    assert noted.refund == Money(Decimal(5), "EUR")
