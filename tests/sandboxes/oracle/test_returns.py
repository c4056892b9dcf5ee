"""Return lines by reference to what was sold, and credit memos on account."""

from typing import Any

import httpx
import pytest

from sandboxes.company import company

HUB = "/salesOrdersForOrderHub"
MEMOS = "/receivablesCreditMemos"


def source(reference: str, **more: object) -> dict[str, Any]:
    customer = company().customer_by_number[company().quotes_for("plain")[0].customer]
    header = {f"SourceTransaction{name}": reference for name in ("Number", "Id")}
    account = [{"AccountNumber": customer.sap_customer}]
    more = {"SubmittedFlag": True, "TransactionalCurrencyCode": "EUR", "billToCustomer": account} | more
    return {**header, "SourceTransactionSystem": "TRIPTYCH", **more}


def line(place: int, quantity: float, **more: object) -> dict[str, Any]:
    keys = ("SourceTransactionLineId", "SourceTransactionLineNumber", "SourceTransactionScheduleId")
    return {**dict.fromkeys((*keys, "SourceScheduleNumber"), str(place)), "OrderedQuantity": quantity, **more}


def returned(place: int, quantity: float, fulfill_line: int, **more: object) -> dict[str, Any]:
    reference = [{"OriginalFulfillLineId": fulfill_line}]
    own = {"TransactionCategoryCode": "RETURN", "ReturnReasonCode": "DAMAGED", "originalOrderReference": reference}
    return line(place, quantity, **{**own, **more})


async def sold(client: httpx.AsyncClient) -> dict[str, Any]:
    """An order of four pieces at 10, expanded."""
    price = [{"AdjustmentTypeCode": "PRICE_OVERRIDE", "AdjustmentAmount": 10}]
    lines = [line(1, 4, ProductNumber="TG-00001", manualPriceAdjustments=price)]
    await client.post(HUB, json=source("SOLD", lines=lines))
    return (await client.get(f"{HUB}/TRIPTYCH:SOLD?expand=lines")).json()


async def test_a_return_takes_item_and_price_from_the_line_it_refers_to(fusion: httpx.AsyncClient) -> None:
    order = await sold(fusion)
    identity = order["lines"]["items"][0]["FulfillLineId"]
    made = await fusion.post(HUB, json=source("RMA", lines=[returned(1, 3, identity)]))
    assert made.status_code == 201, made.text
    rma = (await fusion.get(f"{HUB}/TRIPTYCH:RMA?expand=all")).json()
    back = rma["lines"]["items"][0]
    assert (back["ProductNumber"], back["UnitSellingPrice"], back["ExtendedAmount"]) == ("TG-00001", 10, -30)
    assert (back["StatusCode"], rma["StatusCode"]) == ("AWAIT_RECEIPT", "OPEN")
    original = back["originalOrderReference"]["items"][0]
    assert (original["OriginalOrderNumber"], original["OriginalLineNumber"]) == (order["OrderNumber"], "1")


async def test_no_more_comes_back_than_was_sold(fusion: httpx.AsyncClient) -> None:
    identity = (await sold(fusion))["lines"]["items"][0]["FulfillLineId"]
    twice = source("RMA", lines=[returned(1, 3, identity), returned(2, 2, identity)])
    refused = (await fusion.post(HUB, json=twice)).json()["o:errorDetails"]
    assert [(one["o:errorCode"], one["o:errorPath"]) for one in refused] == [
        ("FOM-4515592", "/lines/1/OrderedQuantity")
    ]
    assert (await fusion.post(HUB, json=source("RMA", lines=[returned(1, 3, identity)]))).status_code == 201
    assert (await fusion.post(HUB, json=source("RMA2", lines=[returned(1, 2, identity)]))).status_code == 400
    canceled = {"CanceledFlag": True, "CancelReasonCode": "OTHER"}
    assert (await fusion.patch(f"{HUB}/TRIPTYCH:RMA", json=canceled)).json()["StatusCode"] == "CANCELED"
    assert (await fusion.post(HUB, json=source("RMA2", lines=[returned(1, 4, identity)]))).status_code == 201


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"originalOrderReference": []}, "FOM-4515590"),
        ({"originalOrderReference": [{"OriginalFulfillLineId": 1}]}, "FOM-4515590"),
        ({"ProductNumber": "TG-00002"}, "FOM-4515591"),
        ({"ReturnReasonCode": "BORED"}, "FOM-4515580"),
        ({"OrderedQuantity": 0}, "FOM-4515544"),
    ],
)
async def test_a_return_of_something_else_is_refused(
    fusion: httpx.AsyncClient, changes: dict[str, Any], code: str
) -> None:
    identity = (await sold(fusion))["lines"]["items"][0]["FulfillLineId"]
    refused = await fusion.post(HUB, json=source("RMA", lines=[returned(1, 1, identity) | changes]))
    assert [one["o:errorCode"] for one in refused.json()["o:errorDetails"]] == [code]


async def test_another_customers_line_does_not_come_back(fusion: httpx.AsyncClient) -> None:
    identity = (await sold(fusion))["lines"]["items"][0]["FulfillLineId"]
    other = [{"AccountNumber": company().customers[-1].sap_customer}]
    refused = await fusion.post(HUB, json=source("RMA", billToCustomer=other, lines=[returned(1, 1, identity)]))
    assert refused.status_code == 400


def memo(**changes: object) -> dict[str, Any]:
    customer = company().customer_by_number[company().quotes_for("plain")[0].customer]
    made: dict[str, Any] = {
        "TransactionNumber": "CM-1",
        "TransactionSource": "Triptych",
        "TransactionType": "Credit Memo",
        "BusinessUnit": "US1 Business Unit",
        "BillToCustomerNumber": customer.sap_customer,
        "CreditMemoCurrency": "EUR",
        "CrossReference": "1000077",
        "receivablesCreditMemoLines": [{"LineNumber": 1, "LineDescription": "Return", "LineAmount": -30}],
    }
    return made | changes


async def test_a_credit_memo_is_entered_once(fusion: httpx.AsyncClient) -> None:
    made = (await fusion.post(MEMOS, json=memo())).json()
    assert (made["CreditMemoStatus"], made["EnteredAmount"]) == ("Complete", -30)
    found = (await fusion.get(MEMOS, params={"q": "CrossReference = '1000077'"})).json()["items"]
    assert [one["CustomerTransactionId"] for one in found] == [made["CustomerTransactionId"]]
    again = await fusion.post(MEMOS, json=memo())
    assert again.json()["o:errorDetails"][0]["o:errorCode"] == "AR-855101"


async def test_credit_memos_wait_for_a_billing_run_that_is_held(fusion: httpx.AsyncClient, fresh: str) -> None:
    await fusion.post(f"{fresh}/__sandbox__/billing-run", json={"held": True})
    assert (await fusion.post(MEMOS, json=memo())).json()["CreditMemoStatus"] == "Incomplete"
    run = await fusion.post(f"{fresh}/__sandbox__/billing-run", json={})
    assert run.json() == {"billed": ["CM-1"]}
    assert (await fusion.get(MEMOS)).json()["items"][0]["CreditMemoStatus"] == "Complete"


@pytest.mark.parametrize(
    "changes",
    [
        {"BillToCustomerNumber": "nobody"},
        {"CreditMemoCurrency": "XXX"},
        {"receivablesCreditMemoLines": []},
        {"receivablesCreditMemoLines": [{"LineNumber": 1, "LineAmount": 5}]},
        {"TransactionSource": None},
    ],
)
async def test_a_credit_memo_that_makes_no_sense_is_refused(fusion: httpx.AsyncClient, changes: dict[str, Any]) -> None:
    assert (await fusion.post(MEMOS, json=memo(**changes))).status_code == 400
