"""pyodata, unmodified, sends goods back and has them credited; what SAP would refuse is refused."""

from decimal import Decimal
from typing import Any

import httpx
import pyodata
import pytest
import requests
from pyodata.exceptions import HttpError

ROOT = "/sap/opu/odata/sap"
RETURNS = f"{ROOT}/API_CUSTOMER_RETURN_SRV"
CREDITS = f"{ROOT}/API_CREDIT_MEMO_REQUEST_SRV"
BILLING = f"{ROOT}/API_BILLING_DOCUMENT_SRV"
SALES = f"{ROOT}/API_SALES_ORDER_SRV"
ORDER = "4000004"  # invoiced by the seed


@pytest.fixture
def returns(fresh: str, session: requests.Session) -> Any:
    return pyodata.Client(f"{fresh}{RETURNS}/", session)


@pytest.fixture
def credits_(fresh: str, session: requests.Session) -> Any:
    return pyodata.Client(f"{fresh}{CREDITS}/", session)


def goods(quantity: str = "1", item: str = "10", **changed: Any) -> dict[str, Any]:
    line = {"ReferenceSDDocument": ORDER, "ReferenceSDDocumentItem": item, "RequestedQuantity": quantity}
    return {
        "CustomerReturnType": "CBRE",
        "PurchaseOrderByCustomer": "RMA-1",
        "ReferenceSDDocument": ORDER,
        "to_Item": [{**line, "ReturnReason": "001"}],
        **changed,
    }


def credit(document: str, **changed: Any) -> dict[str, Any]:
    line = {"ReferenceSDDocument": document, "ReferenceSDDocumentItem": "10"}
    kind = {"CreditMemoRequestType": "CR", "PurchaseOrderByCustomer": "RMA-1", "ReferenceSDDocument": document}
    return {**kind, "to_Item": [line], **changed}


def refusal(request: Any) -> tuple[str, str]:
    with pytest.raises(HttpError) as refused:
        request.execute()
    assert refused.value.response.status_code == 400
    error = refused.value.response.json()["error"]
    return error["code"], error["innererror"]["errordetails"][0]["target"]


def ordered(session: requests.Session, fresh: str, item: str = "10") -> dict[str, Any]:
    path = f"{fresh}{SALES}/A_SalesOrderItem(SalesOrder='{ORDER}',SalesOrderItem='{item}')?$format=json"
    return session.get(path).json()["d"]


def test_a_return_takes_customer_price_and_terms_from_the_order(
    returns: Any, fresh: str, session: requests.Session
) -> None:
    item = ordered(session, fresh)
    whole = Decimal(item["RequestedQuantity"])
    made = returns.entity_sets.A_CustomerReturn.create_entity().set(**goods(str(whole))).execute()
    assert (made.CustomerReturn, made.OverallSDDocumentRejectionSts) == ("60000001", "A")
    assert made.etag.startswith("W/\"datetimeoffset'")
    assert Decimal(made.TotalNetAmount) == Decimal(item["NetAmount"])
    [line] = returns.entity_sets.A_CustomerReturn.get_entity("60000001").nav("to_Item").get_entities().execute()
    assert (line.Material, line.ReturnReason, line.ReferenceSDDocumentCategory) == (item["Material"], "001", "C")
    shown = returns.entity_sets.A_CustomerReturn.get_entity("60000001").expand("to_Item,to_Partner").execute()
    assert {one.PartnerFunction for one in shown.to_Partner} == {"SP", "SH", "BP", "PY"}
    flow = session.get(f"{fresh}{SALES}/A_SalesOrder('{ORDER}')/to_SubsequentProcFlowDoc?$format=json").json()
    followed = {one["SubsequentDocumentCategory"]: one["SubsequentDocument"] for one in flow["d"]["results"]}
    assert followed["H"] == "60000001"


def test_returns_of_an_order_are_found_by_their_items_and_by_their_reference(returns: Any) -> None:
    returns.entity_sets.A_CustomerReturn.create_entity().set(**goods()).execute()
    items = returns.entity_sets.A_CustomerReturnItem.get_entities()
    [found] = items.filter(items.ReferenceSDDocument == ORDER).expand("to_CustomerReturn").execute()
    assert found.to_CustomerReturn.PurchaseOrderByCustomer == "RMA-1"
    headers = returns.entity_sets.A_CustomerReturn.get_entities()
    assert len(headers.filter(headers.PurchaseOrderByCustomer == "RMA-1").execute()) == 1
    headers = returns.entity_sets.A_CustomerReturn.get_entities()
    assert headers.filter(headers.PurchaseOrderByCustomer == "RMA-2").execute() == []


def test_no_more_comes_back_than_was_ordered_and_a_rejected_item_gives_its_quantity_back(
    returns: Any, fresh: str, session: requests.Session
) -> None:
    whole = ordered(session, fresh)["RequestedQuantity"]
    create = returns.entity_sets.A_CustomerReturn.create_entity
    above = create().set(**goods(str(Decimal(whole) + 1)))
    assert refusal(above) == ("V1/488", "RequestedQuantity")
    create().set(**goods(whole)).execute()
    assert refusal(create().set(**goods("1"))) == ("V1/488", "RequestedQuantity")
    reject = returns.entity_sets.A_CustomerReturnItem.update_entity(CustomerReturn="60000001", CustomerReturnItem="10")
    reject.set(SalesDocumentRjcnReason="50").execute()
    header = returns.entity_sets.A_CustomerReturn.get_entity("60000001").execute()
    assert (header.OverallSDDocumentRejectionSts, Decimal(header.TotalNetAmount)) == ("C", 0)
    assert create().set(**goods(whole)).execute().CustomerReturn == "60000002"


@pytest.mark.parametrize(
    ("changed", "code", "target"),
    [
        ({"CustomerReturnType": "OR"}, "V1/310", "CustomerReturnType"),
        ({"to_Item": []}, "V4/219", "to_Item"),
        ({"SoldToParty": "10100099"}, "V1/486", "SoldToParty"),
        ({"TransactionCurrency": "XXX"}, "V1/486", "TransactionCurrency"),
        ({"to_Item": [{"RequestedQuantity": "1"}]}, "V1/303", "ReferenceSDDocumentItem"),
        (
            {"to_Item": [{"ReferenceSDDocumentItem": "990", "RequestedQuantity": "1"}]},
            "V1/303", "ReferenceSDDocumentItem",
        ),
        ({"to_Item": [{"ReferenceSDDocumentItem": "10", "RequestedQuantity": "0"}]}, "V1/404", "RequestedQuantity"),
        (
            {"to_Item": [{"ReferenceSDDocumentItem": "10", "RequestedQuantity": "1", "ReturnReason": "999"}]},
            "MSR/105", "ReturnReason",
        ),
        ({"ReferenceSDDocument": "4999999"}, "SLS_LO/501", "SalesOrder"),
    ],
)  # fmt: skip
def test_what_sap_would_refuse_is_refused(returns: Any, changed: dict[str, Any], code: str, target: str) -> None:
    assert refusal(returns.entity_sets.A_CustomerReturn.create_entity().set(**goods(**changed))) == (code, target)


def test_an_update_of_a_return_needs_its_entity_tag(returns: Any) -> None:
    returns.entity_sets.A_CustomerReturn.create_entity().set(**goods()).execute()
    change = returns.entity_sets.A_CustomerReturn.update_entity("60000001").set(PurchaseOrderByCustomer="X")
    with pytest.raises(HttpError) as refused:
        change.execute()
    assert refused.value.response.status_code == 428


def test_a_credit_memo_request_is_billed_at_the_price_of_the_return_with_tax(
    returns: Any, credits_: Any, fresh: str, session: requests.Session
) -> None:
    made = returns.entity_sets.A_CustomerReturn.create_entity().set(**goods()).execute()
    request = credits_.entity_sets.A_CreditMemoRequest.create_entity().set(**credit(made.CustomerReturn)).execute()
    assert (request.CreditMemoRequest, request.OverallOrdReltdBillgStatus) == ("61000001", "C")
    assert request.TotalNetAmount == made.TotalNetAmount
    found = session.get(
        f"{fresh}{BILLING}/A_BillingDocumentItem?$filter=SalesDocument eq '61000001'"
        "&$expand=to_BillingDocument&$format=json"
    ).json()
    [line] = found["d"]["results"]
    memo = line["to_BillingDocument"]
    assert (memo["BillingDocumentType"], memo["SDDocumentCategory"]) == ("G2", "O")
    assert Decimal(memo["TotalGrossAmount"]) == Decimal(memo["TotalNetAmount"]) + Decimal(memo["TaxAmount"])
    sold = ordered(session, fresh)
    rate = Decimal(sold["TaxAmount"]) / Decimal(sold["NetAmount"])
    assert abs(Decimal(memo["TaxAmount"]) - Decimal(memo["TotalNetAmount"]) * rate) <= Decimal("0.01")


def test_a_return_is_credited_in_full_once_and_then_stays(returns: Any, credits_: Any) -> None:
    returns.entity_sets.A_CustomerReturn.create_entity().set(**goods()).execute()
    create = credits_.entity_sets.A_CreditMemoRequest.create_entity
    create().set(**credit("60000001")).execute()
    assert refusal(create().set(**credit("60000001"))) == ("V1/488", "RequestedQuantity")
    reject = returns.entity_sets.A_CustomerReturnItem.update_entity(CustomerReturn="60000001", CustomerReturnItem="10")
    assert refusal(reject.set(SalesDocumentRjcnReason="50"))[0] == "V1/782"


def test_a_rejected_return_is_not_credited(returns: Any, credits_: Any) -> None:
    returns.entity_sets.A_CustomerReturn.create_entity().set(**goods()).execute()
    reject = returns.entity_sets.A_CustomerReturnItem.update_entity(CustomerReturn="60000001", CustomerReturnItem="10")
    reject.set(SalesDocumentRjcnReason="50").execute()
    refused = credits_.entity_sets.A_CreditMemoRequest.create_entity().set(**credit("60000001"))
    assert refusal(refused) == ("V1/303", "ReferenceSDDocumentItem")


def test_billing_waits_while_its_run_is_held_and_for_what_is_blocked(returns: Any, credits_: Any, fresh: str) -> None:
    httpx.post(f"{fresh}/__sandbox__/billing-run", json={"held": True}).raise_for_status()
    for place in ("1", "2"):
        made = returns.entity_sets.A_CustomerReturn.create_entity().set(**goods()).execute()
        blocked = {"HeaderBillingBlockReason": "08"} if place == "2" else {}
        request = credits_.entity_sets.A_CreditMemoRequest.create_entity()
        assert request.set(**credit(made.CustomerReturn, **blocked)).execute().OverallOrdReltdBillgStatus == "A"
    billed = httpx.post(f"{fresh}/__sandbox__/billing-run", json={}).json()["billed"]
    assert len(billed) == 1
    ledger = httpx.get(f"{fresh}/__sandbox__/ledger").json()
    assert [one["memos"] for one in ledger["credits"]] == [billed, []]
    assert [one["PurchaseOrderByCustomer"] for one in ledger["returns"]] == ["RMA-1", "RMA-1"]


def test_a_document_that_somebody_works_on_is_locked(returns: Any, fresh: str) -> None:
    httpx.post(f"{fresh}/__sandbox__/lock", json={"document": ORDER}).raise_for_status()
    assert refusal(returns.entity_sets.A_CustomerReturn.create_entity().set(**goods()))[0] == "V1/042"
