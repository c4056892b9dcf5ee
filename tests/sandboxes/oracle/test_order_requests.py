"""Bulk orders, what goes with an order, and actions on its lines."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sandboxes.company import company

ORDER = "salesOrdersForOrderHub"
CUSTOMER = next(
    one for one in company().customers if one.currency == "EUR" and not one.order_blocked and one.credit_limit > 10_000
)


def sent(reference: str, sku: str = "TG-00001", **more: Any) -> dict[str, Any]:
    line = {
        "SourceTransactionLineId": "1", "SourceTransactionLineNumber": "1", "SourceTransactionScheduleId": "1",
        "SourceScheduleNumber": "1", "ProductNumber": sku, "OrderedQuantity": 1,
    }  # fmt: skip
    return {
        "SourceTransactionNumber": reference, "SourceTransactionSystem": "T", "SourceTransactionId": reference,
        "BuyingPartyNumber": f"P{CUSTOMER.sap_customer}", "TransactionalCurrencyCode": "EUR",
        "billToCustomer": [{"AccountNumber": CUSTOMER.sap_customer}], "lines": [line], **more,
    }  # fmt: skip


@pytest.fixture
def control(fresh: str) -> Callable[..., Any]:
    def asked(name: str, **body: Any) -> Any:
        return httpx.post(f"{fresh}/__sandbox__/{name}", json=body, timeout=30.0).json()

    return asked


async def test_staged_orders_become_orders_when_they_are_imported(fusion: httpx.AsyncClient, control: Any) -> None:
    staged = "/salesOrdersForOrderHubRequests"
    for body in (sent("b-1"), sent("b-2", sku="NO-SUCH")):
        assert (await fusion.post(staged, json=body)).status_code == 201
    assert (await fusion.post(staged, json=sent("b-1"))).status_code == 400
    assert (await fusion.get(f"/{ORDER}/T:b-1")).status_code == 404
    done = control("import-orders")
    assert (len(done["imported"]), list(done["failed"])) == (1, ["T:b-2"])
    assert (await fusion.get(f"/{ORDER}/T:b-1")).json()["OrderNumber"] == done["imported"][0]
    left = (await fusion.get(staged)).json()["items"]
    assert [one["OrderKey"] for one in left] == ["T:b-2"]


async def test_drafts_are_submitted_offline_each_with_an_outcome(fusion: httpx.AsyncClient, control: Any) -> None:
    draft = (await fusion.post(f"/{ORDER}", json=sent("d-1"))).json()
    submit = {"ActionCode": "ORA_FOM_SUBMIT_ORDER", "ActionRequestTrackingId": 1}
    lines = [{**submit, "HeaderId": one} for one in (draft["HeaderId"], 1)]
    made = await fusion.post("/salesOrderActionRequests", json={**submit, "requests": lines})
    assert (made.status_code, made.json()["StatusCode"]) == (201, "PRE_PROCESSING")
    control("run-order-actions")
    expand = {"expand": "requests,requests.messageDetails"}
    done = (await fusion.get(made.headers["location"], params=expand)).json()
    assert (done["StatusCode"], done["OutcomeCode"]) == ("COMPLETE", "ERROR")
    outcomes = [(one["OutcomeCode"], one["messageDetails"]["count"]) for one in done["requests"]["items"]]
    assert outcomes == [("SUCCESS", 0), ("ERROR", 1)]
    assert (await fusion.get(f"/{ORDER}/T:d-1")).json()["StatusCode"] == "OPEN"


async def test_what_goes_with_an_order_is_kept(fusion: httpx.AsyncClient) -> None:
    besides: dict[str, Any] = {
        "attachments": [{"DatatypeCode": "TEXT", "Title": "Note", "UploadedText": "Handle with care"}],
        "payments": [{"PaymentMethod": "Credit Card", "AuthorizedAmount": 12.5}],
        "salesCredits": [{"Salesperson": "A. Rep", "Percent": 100}],
    }
    assert (await fusion.post(f"/{ORDER}", json=sent("k-1", **besides))).status_code == 201
    for child, rows in besides.items():
        kept = (await fusion.get(f"/{ORDER}/T:k-1/child/{child}")).json()["items"]
        assert rows[0].items() <= kept[0].items()


async def test_a_line_is_scheduled_anew_and_told_when_it_was_delivered(fusion: httpx.AsyncClient, control: Any) -> None:
    made = (await fusion.post(f"/{ORDER}", json=sent("s-1", SubmittedFlag=True))).json()
    line = (await fusion.get(f"/{ORDER}/T:s-1/child/lines")).json()["items"][0]["FulfillLineId"]

    async def act(name: str, array: str, **more: Any) -> int:
        body = {array: [{"FulfillLineId": line, **more}]}
        return (await fusion.post(f"/{ORDER}/action/{name}", json=body)).status_code

    async def shown(field: str) -> Any:
        return (await fusion.get(f"/{ORDER}/T:s-1/child/lines")).json()["items"][0][field]

    schedule, day = ("updateSchedulingAttributes", "updateSchedulingAttributeRequest"), "2026-12-24T00:00:00+00:00"
    assert await act(*schedule, ScheduleShipDate=day, RequestedFulfillmentOrganizationCode="RNO1") == 200
    assert (await shown("ScheduleShipDate"), await shown("RequestedFulfillmentOrganizationCode")) == (day, "RNO1")
    assert await act(*schedule, RequestedFulfillmentOrganizationCode="NOWHERE") == 400
    assert await act(*schedule, ScheduleShipDate="soon") == 400
    deliver = ("updateActualDeliveryDate", "updateActualDeliveryDateRequest")
    assert await act(*deliver, DeliveryName="500001", ActualDeliveryDate=day) == 400
    control("fulfil", order=made["OrderNumber"], until="goods-issue")
    moved = (await fusion.get(f"/inventoryTransactions?q=SourceNumber='{made['OrderNumber']}'")).json()["items"]
    assert [(one["OrganizationCode"], one["TransactionQuantity"]) for one in moved] == [("RNO1", -1)]
    assert await act(*deliver, DeliveryName="500001", ActualDeliveryDate=day) == 200
    assert await shown("ActualDeliveryDate") == day
    assert await act(*schedule, ScheduleShipDate=day) == 400
    line = 1
    assert await act(*deliver, DeliveryName="500001", ActualDeliveryDate=day) == 400
    for body in ({}, {"updateActualDeliveryDateRequest": [1]}):
        assert (await fusion.post(f"/{ORDER}/action/updateActualDeliveryDate", json=body)).status_code == 400


async def test_holds_come_and_go_for_several_orders_in_one_request(fusion: httpx.AsyncClient) -> None:
    for reference in ("h-1", "h-2"):
        await fusion.post(f"/{ORDER}", json=sent(reference, SubmittedFlag=True))
    orders = [{"SourceTransactionSystem": "T", "SourceTransactionId": one} for one in ("h-1", "h-2")]

    async def act(name: str, **more: Any) -> int:
        body = {"holdRequests": [{**one, "HoldCode": "CHECK", **more} for one in orders]}
        return (await fusion.post(f"/{ORDER}/action/{name}", json=body)).status_code

    async def held() -> list[bool]:
        return [(await fusion.get(f"/{ORDER}/T:{one}")).json()["OnHoldFlag"] for one in ("h-1", "h-2")]

    assert (await act("applyHold"), await held()) == (200, [True, True])
    assert (await act("releaseHold"), await held()) == (200, [False, False])
    orders.append({"SourceTransactionSystem": "T"})
    assert (await act("applyHold"), await held()) == (400, [False, False])
