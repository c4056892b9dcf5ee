from collections.abc import Iterator
from typing import Any

import httpx

from sandboxes.company import company

V = "/services/data/v66.0"
ORDERS = f"{V}/sobjects/Order"
QUOTE = company().quotes_for("plain")[0]
ACCOUNT = company().customer_by_number[QUOTE.customer].salesforce_id
BOOK = company().standard_pricebook_id


def draft(**changes: Any) -> dict[str, Any]:
    order = {"AccountId": ACCOUNT, "EffectiveDate": "2026-06-01", "Status": "Draft", "Pricebook2Id": BOOK}
    return {**order, "CurrencyIsoCode": QUOTE.currency, "QuoteId": QUOTE.salesforce_id, **changes}


async def create(client: httpx.AsyncClient, sobject: str, body: dict[str, Any]) -> str:
    answer = await client.post(f"{V}/sobjects/{sobject}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def refusal(client: httpx.AsyncClient, sobject: str, body: dict[str, Any]) -> tuple[str, str]:
    answer = await client.post(f"{V}/sobjects/{sobject}", json=body)
    assert answer.status_code == 400
    return answer.json()[0]["errorCode"], answer.json()[0]["message"]


async def entry_of(client: httpx.AsyncClient, line: int = 0) -> str:
    record = (await client.get(f"{V}/sobjects/QuoteLineItem/{QUOTE.lines[line].salesforce_id}")).json()
    return record["PricebookEntryId"]


async def item(client: httpx.AsyncClient, order: str, **changes: Any) -> dict[str, Any]:
    entry = await entry_of(client)
    return {"OrderId": order, "PricebookEntryId": entry, "Quantity": 3, "UnitPrice": 10.25, **changes}


async def test_an_order_is_drafted_filled_and_activated(client: httpx.AsyncClient, unique: Iterator[str]) -> None:
    order = await create(client, "Order", draft(External_Order_Id__c=next(unique)))
    early = await client.patch(f"{ORDERS}/{order}", json={"Status": "Activated"})
    assert early.json()[0]["errorCode"] == "FAILED_ACTIVATION"
    line = await create(client, "OrderItem", await item(client, order))
    assert (await client.patch(f"{ORDERS}/{order}", json={"Status": "Activated"})).status_code == 204
    record = (await client.get(f"{ORDERS}/{order}")).json()
    assert (record["TotalAmount"], record["StatusCode"]) == (30.75, "Activated")
    assert record["ActivatedDate"].endswith("+0000")
    assert record["OrderNumber"].isdigit()
    product = (await client.get(f"{V}/sobjects/OrderItem/{line}")).json()["Product2Id"]
    assert product == company().product_by_number[QUOTE.lines[0].product].salesforce_id
    locked = await client.patch(f"{ORDERS}/{order}", json={"AccountId": company().customers[1].salesforce_id})
    assert locked.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    assert (await refusal(client, "OrderItem", await item(client, order)))[0] == "FIELD_INTEGRITY_EXCEPTION"


async def test_fulfilment_is_written_back_to_an_activated_order(client: httpx.AsyncClient) -> None:
    order = await create(client, "Order", draft())
    await create(client, "OrderItem", await item(client, order))
    await client.patch(f"{ORDERS}/{order}", json={"Status": "Activated"})
    back = {"ERP_Order_Number__c": "4711", "Tracking_Number__c": "1Z999", "Fulfilment_Status__c": "shipped"}
    assert (await client.patch(f"{ORDERS}/{order}", json=back)).status_code == 204
    record = (await client.get(f"{ORDERS}/{order}")).json()
    assert (record["ERP_Order_Number__c"], record["Fulfilment_Status__c"]) == ("4711", "Shipped")
    bad = await client.patch(f"{ORDERS}/{order}", json={"Fulfilment_Status__c": "Lost"})
    assert bad.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


async def test_the_external_id_makes_an_order_once(client: httpx.AsyncClient, unique: Iterator[str]) -> None:
    key = next(unique)
    order = await create(client, "Order", draft(External_Order_Id__c=key))
    code, message = await refusal(client, "Order", draft(External_Order_Id__c=key))
    assert code == "DUPLICATE_VALUE"
    assert order[:15] in message
    lowered = await client.post(ORDERS, json=draft(External_Order_Id__c=key.lower()))
    assert lowered.status_code == 201
    path = f"{ORDERS}/External_Order_Id__c/{key}"
    again = await client.patch(path, json=draft())
    assert (again.status_code, again.json()["id"], again.json()["created"]) == (200, order, False)
    ledger = (await client.get("/__sandbox__/ledger")).json()["orders"]
    assert [each["Id"] for each in ledger if each["External_Order_Id__c"] == key] == [order]


async def test_orders_begin_as_drafts_with_an_account_and_a_date(client: httpx.AsyncClient) -> None:
    assert (await refusal(client, "Order", draft(Status="Activated")))[0] == "FAILED_ACTIVATION"
    assert (await refusal(client, "Order", {"Status": "Draft"})) == (
        "REQUIRED_FIELD_MISSING",
        "Required fields are missing: [AccountId, EffectiveDate]",
    )
    code, _ = await refusal(client, "Order", draft(EndDate="2026-05-01"))
    assert code == "FIELD_INTEGRITY_EXCEPTION"


async def test_order_products_need_a_fitting_price_book_entry(client: httpx.AsyncClient) -> None:
    order = await create(client, "Order", draft())
    body = await item(client, order)
    del body["PricebookEntryId"]
    assert (await refusal(client, "OrderItem", body))[1] == "Required fields are missing: [PricebookEntryId]"
    bookless = await create(client, "Order", draft(Pricebook2Id=None))
    assert "no price book" in (await refusal(client, "OrderItem", await item(client, bookless)))[1]
    foreign = await create(client, "Order", draft(CurrencyIsoCode="KWD"))
    assert "currency" in (await refusal(client, "OrderItem", await item(client, foreign)))[1]
    other_book = await create(client, "Pricebook2", {"Name": "Other", "IsActive": True})
    elsewhere = await create(client, "Order", draft(Pricebook2Id=other_book))
    assert "different pricebook" in (await refusal(client, "OrderItem", await item(client, elsewhere)))[1]
    moved = await create(client, "Order", draft())
    await create(client, "OrderItem", await item(client, moved))
    change = await client.patch(f"{ORDERS}/{moved}", json={"Pricebook2Id": other_book})
    assert change.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"


async def test_inactive_products_cannot_be_ordered(client: httpx.AsyncClient) -> None:
    product = next(each for each in company().products if not each.active)
    order = await create(client, "Order", draft())
    condition = f"Product2Id = '{product.salesforce_id}' AND CurrencyIsoCode = '{QUOTE.currency}'"
    query = {"q": f"SELECT Id FROM PricebookEntry WHERE {condition}"}
    entry = (await client.get(f"{V}/query", params=query)).json()["records"][0]["Id"]
    body = await item(client, order, PricebookEntryId=entry)
    assert "pricebook entry is inactive" in (await refusal(client, "OrderItem", body))[1]


async def test_quote_totals_follow_their_lines(client: httpx.AsyncClient) -> None:
    body = {"Name": "Deal", "AccountId": ACCOUNT, "StageName": "Prospecting", "CloseDate": "2026-12-31"}
    opportunity = await create(client, "Opportunity", {**body, "CurrencyIsoCode": QUOTE.currency})
    body = {"Name": "Offer", "OpportunityId": opportunity, "CurrencyIsoCode": QUOTE.currency, "Tax": 5}
    quote = await create(client, "Quote", body)
    line = {"QuoteId": quote, "PricebookEntryId": await entry_of(client), "Quantity": 4, "UnitPrice": 25}
    first = await create(client, "QuoteLineItem", {**line, "Discount": 10})
    await create(client, "QuoteLineItem", line)
    record = (await client.get(f"{V}/sobjects/Quote/{quote}")).json()
    assert (record["Subtotal"], record["TotalPrice"], record["GrandTotal"]) == (200.0, 190.0, 195.0)
    assert (record["LineItemCount"], record["AccountId"], record["Pricebook2Id"]) == (2, ACCOUNT, BOOK)
    await client.delete(f"{V}/sobjects/QuoteLineItem/{first}")
    record = (await client.get(f"{V}/sobjects/Quote/{quote}")).json()
    assert (record["Subtotal"], record["LineItemCount"]) == (100.0, 1)
    line = {"OpportunityId": opportunity, "PricebookEntryId": await entry_of(client), "Quantity": 2}
    await create(client, "OpportunityLineItem", line)
    deal = (await client.get(f"{V}/sobjects/Opportunity/{opportunity}")).json()
    assert deal["HasOpportunityLineItem"] is True
    assert deal["Amount"] > 0


async def test_the_seed_quotes_agree_with_the_company(client: httpx.AsyncClient) -> None:
    soql = (
        "SELECT Id, Name, Status, CurrencyIsoCode, TotalPrice, ExpirationDate, Ship_To_ERP_Number__c, "
        "Account.ERP_Customer_Number__c, (SELECT Product2.StockKeepingUnit, Quantity, UnitPrice, Discount "
        "FROM QuoteLineItems ORDER BY LineNumber) FROM Quote"
    )
    records = (await client.get(f"{V}/query", params={"q": soql})).json()["records"]
    found = {record["Id"]: record for record in records}
    for quote in company().quotes:
        record, customer = found[quote.salesforce_id], company().customer_by_number[quote.customer]
        assert (record["Name"], record["Status"]) == (quote.name, quote.status)
        assert record["ExpirationDate"] == quote.expires.isoformat()
        assert record["Account"]["ERP_Customer_Number__c"] == (customer.sap_customer or None)
        assert record["Ship_To_ERP_Number__c"] == (customer.ship_to[quote.ship_to].sap_customer or None)
        lines = [
            (each["Product2"]["StockKeepingUnit"], each["Quantity"], each["UnitPrice"], each["Discount"])
            for each in record["QuoteLineItems"]["records"]
        ]
        assert lines == [
            (
                company().product_by_number[line.product].sku,
                float(line.quantity),
                float(line.unit_price),
                float(line.discount_percent),
            )
            for line in quote.lines
        ]
