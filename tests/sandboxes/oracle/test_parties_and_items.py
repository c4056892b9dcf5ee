"""Parties, items, stock, prices and promises over REST."""

from typing import Any

import httpx
import pytest

from sandboxes.company import company

AUTH = ("TRIPTYCH", "sandbox-only")
CRM = "/crmRestApi/resources/11.13.18.05"
PRICING = "/fscmRestApi/priceExecution/documentPrices/priceSalesTransaction"
PROMISING = "/fscmRestApi/msp/latest/globalOrderPromises"


@pytest.fixture
async def http(fresh: str) -> Any:
    """Logged on, with framework version 4, at the pod's root."""
    async with httpx.AsyncClient(base_url=fresh, auth=AUTH, headers={"rest-framework-version": "4"}) as client:
        yield client


def party(reference: str, **more: Any) -> dict[str, Any]:
    references = [{"SourceSystem": "TRIPTYCH", "SourceSystemReferenceValue": reference}]
    return {"OrganizationName": "Neu AG", "SourceSystemReference": references, **more}


async def test_a_party_is_found_by_the_key_it_has_elsewhere_which_no_other_may_have(http: httpx.AsyncClient) -> None:
    path = f"{CRM}/hubOrganizations"
    made = (await http.post(path, json=party("ref-1"))).json()
    query = {"q": "SourceSystemReference.SourceSystemReferenceValue = 'ref-1'"}
    assert [one["PartyId"] for one in (await http.get(path, params=query)).json()["items"]] == [made["PartyId"]]
    refused = await http.post(path, json=party("ref-1"))
    assert (refused.status_code, refused.json()["o:errorDetails"][0]["o:errorCode"]) == (
        400,
        "HZ_API_DUPLICATE_ORIG_SYS_REF",
    )
    reference = made["SourceSystemReference"]["items"][0]["SourceSystemReferenceId"]
    ended = await http.patch(
        f"{path}/{made['PartyNumber']}/child/SourceSystemReference/{reference}",
        json={"Status": "I", "EndDate": "2026-01-31"},
    )
    assert ended.status_code == 200
    assert (await http.post(path, json=party("ref-1"))).status_code == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (party("x", SourceSystemReference=[{"SourceSystem": "NO", "SourceSystemReferenceValue": "x"}]), "ORIG_SYSTEM"),
        (party("x", Address=[{"Country": "Germany"}]), "JBO-27023"),
        (party("x", Address=[{"Country": "de"}]), "COUNTRY_CODE"),
        (party("x", Relationship=[{"RelationshipCode": "COUSIN_OF", "ObjectPartyId": 1}]), "RELATIONSHIP"),
        (party("x", Relationship=[{"RelationshipCode": "SUBSIDIARY_OF", "ObjectPartyId": 1}]), "INVALID_PARTY"),
        ({"OrganizationName": " "}, "MISSING_COLUMN"),
    ],
)
async def test_a_party_that_is_wrong_is_refused_and_not_kept(
    http: httpx.AsyncClient, body: dict[str, Any], code: str
) -> None:
    refused = await http.post(f"{CRM}/hubOrganizations", json=body)
    assert refused.status_code == 400
    assert code in refused.text
    assert (await http.get("/__sandbox__/ledger")).json()["parties"] == []


async def test_contacts_are_persons(http: httpx.AsyncClient) -> None:
    contact = company().customers[0].contacts[0]
    found = await http.get(f"{CRM}/hubPersons/C{contact.number}")
    assert (found.json()["LastName"], found.json()["EmailAddress"]) == (contact.last_name, contact.email)


async def test_items_stock_and_prices_are_the_seed_companys(http: httpx.AsyncClient) -> None:
    root, product = "/fscmRestApi/resources/11.13.18.05", company().products[0]
    query = {"q": f"ItemNumber='{product.sku}'", "onlyData": "true"}
    item = (await http.get(f"{root}/itemsV2", params=query)).json()["items"][0]
    assert (item["ItemDescription"], item["ItemStatusValue"]) == (product.name, "Active")
    assert item["UnitWeightQuantity"] == product.weight_grams
    for name, quantity in (
        ("inventoryOnhandBalances", "PrimaryOnhandQuantity"),
        ("onhandQuantityDetails", "PrimaryQuantity"),
    ):
        rows = (await http.get(f"{root}/{name}", params=query)).json()["items"]
        assert {one["OrganizationCode"]: one[quantity] for one in rows} == {
            place: product.stock.get(place, 0) for place in ("HAM1", "RNO1", "OSA1")
        }
    prices = (await http.get(f"{root}/priceLists", params={"expand": "items.charges"})).json()["items"][0]
    assert prices["items"]["items"][0]["charges"]["items"][0]["BasePrice"] == float(product.list_price)


def transaction(sku: str, quantity: Any = 2, currency: str = "EUR", party_id: int = 300000001000001) -> dict[str, Any]:
    header = {"HeaderId": 1, "CustomerId": party_id, "CalculateTaxFlag": True, "AppliedCurrencyCode": currency}
    line = {
        "HeaderId": 1,
        "LineId": 7,
        "InventoryItemNumber": sku,
        "LineQuantity": {"Value": quantity, "UomCode": "Ea"},
    }
    return {"Header": [header], "Line": [line]}


async def test_a_transaction_is_priced_by_list_or_by_hand_with_tax(http: httpx.AsyncClient) -> None:
    product = company().products[0]
    sent = transaction(product.sku)
    listed = (await http.post(PRICING, json=sent)).json()
    amounts = {one["PriceElementUsageCode"]: one["ExtendedAmount"]["Value"] for one in listed["ChargeComponent"]}
    assert amounts["QP_NET_PRICE"] == float(product.list_price * 2)
    assert amounts["TAX"] == pytest.approx(amounts["QP_NET_PRICE"] * 0.19, abs=0.01)
    sent["ManualPriceAdjustment"] = [
        {"ParentEntityId": 7, "AdjustmentTypeCode": "PRICE_OVERRIDE", "AdjustmentValue": 1.5}
    ]
    by_hand = (await http.post(PRICING, json=sent)).json()
    assert [
        one["ExtendedAmount"]["Value"]
        for one in by_hand["ChargeComponent"]
        if one["PriceElementUsageCode"] == "QP_NET_PRICE"
    ] == [3.0]


@pytest.mark.parametrize(("sku", "quantity"), [("no-such-item", 1), ("TG-00001", 0), ("TG-00001", "many")])
async def test_a_line_that_cannot_be_priced_is_a_message(http: httpx.AsyncClient, sku: str, quantity: Any) -> None:
    answer = (await http.post(PRICING, json=transaction(sku, quantity))).json()
    assert answer["PricingServiceParameter"][0]["OutputStatus"] == "ERROR"
    assert answer["PricingMessage"][0]["ParentEntityId"] == 7


@pytest.mark.parametrize("wrong", [{"currency": "XXX"}, {"party_id": 5}])
async def test_a_transaction_of_nobody_or_in_no_currency_is_refused(
    http: httpx.AsyncClient, wrong: dict[str, Any]
) -> None:
    assert (await http.post(PRICING, json=transaction("TG-00001", **wrong))).status_code == 400


async def test_promises_are_no_more_than_there_is_in_one_place(http: httpx.AsyncClient) -> None:
    product = next(one for one in company().products if any(one.stock.values()))
    most = max(product.stock.values())
    line = {"ItemNumber": product.sku, "RequestedQuantity": most + 5, "RequestedDate": "2026-03-01"}
    answer = (await http.post(f"{PROMISING}/checkAvailability", json={"FulfillmentLines": [line]})).json()
    assert answer["FulfillmentLines"][0]["PromisedQuantity"] == most
    assert answer["FulfillmentLines"][0]["PromiseStatus"] == "PARTIAL"
    quick = await http.post(f"{PROMISING}/quickAvailabilityCheck", json={"FulfillmentLines": [line]})
    assert quick.json()["FulfillmentLines"][0]["AvailableFlag"] is False
    for wrong in ({}, {"FulfillmentLines": [{"ItemNumber": "none", "RequestedQuantity": 1}]}):
        assert (await http.post(f"{PROMISING}/checkAvailability", json=wrong)).status_code == 400
