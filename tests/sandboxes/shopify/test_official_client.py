"""Shopify's own client, unmodified, against the shop."""

import json
from collections.abc import AsyncGenerator, Generator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import httpx
import pytest
import shopify

from sandboxes.company import company
from sandboxes.kit import serve_sandbox
from sandboxes.shopify import LOCATION, TOKEN

SKU = company().products[0].sku
ITEM = f"gid://shopify/InventoryItem/{8_000_000 + company().products[0].number}"
SET = """mutation Set($input: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $input) %s {
  inventoryAdjustmentGroup { reason } userErrors { code field message } } }"""


@pytest.fixture(scope="module")
async def shop() -> AsyncGenerator[str]:
    async with serve_sandbox("shopify") as url:
        yield url


@pytest.fixture
async def control(shop: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{shop}/__sandbox__") as client:
        await client.post("/reset")
        await client.post("/bucket", json={})
        yield client


def signed_in(shop: str, token: str) -> None:
    # The client puts the first label of the shop's name before its own domain: so it comes to 127.0.0.1.
    shopify.Session.setup(protocol="http", myshopify_domain="0.0.1", port=urlsplit(shop).port)
    shopify.ShopifyResource.activate_session(shopify.Session("127.0.0.1", "2026-04", token))


@pytest.fixture
def ask(shop: str, control: httpx.AsyncClient) -> Generator[Any]:
    """`ask(query, name=value)`: what Shopify's client decodes."""
    del control
    signed_in(shop, TOKEN)
    yield lambda query, **variables: json.loads(shopify.GraphQL().execute(query, variables))
    shopify.ShopifyResource.clear_session()


def quantities(quantity: int, **more: Any) -> dict[str, Any]:
    location = f"gid://shopify/Location/{LOCATION}"
    one = {"inventoryItemId": ITEM, "locationId": location, "quantity": quantity, "changeFromQuantity": None, **more}
    return {"name": "available", "reason": "correction", "quantities": [one]}


def test_a_query_is_answered_with_its_cost(ask: Any) -> None:
    answer = ask("{ shop { name currencyCode } orders(first: 2) { nodes { id name } pageInfo { endCursor } } }")
    assert answer["data"]["shop"] == {"name": "Tarn Gauge", "currencyCode": "EUR"}
    cost = answer["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (5, 5)
    assert cost["throttleStatus"]["maximumAvailable"] == 20_000


def test_pages_follow_one_another_by_cursor(ask: Any) -> None:
    query = "query($after: String) { products(first: 250, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"  # noqa: E501
    seen: list[str] = []
    after = None
    while True:
        connection = ask(query, after=after)["data"]["products"]
        seen += [node["id"] for node in connection["nodes"]]
        after = connection["pageInfo"]["endCursor"]
        if not connection["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) == len(company().products)


def test_a_page_has_at_most_250(ask: Any) -> None:
    answer = ask("{ products(first: 251) { nodes { id } } }")
    assert "between 1 and 250" in answer["errors"][0]["message"]


def test_a_query_that_costs_too_much_is_refused_with_200(ask: Any) -> None:
    answer = ask("{ products(first: 250) { nodes { variants(first: 10) { nodes { id } } } } }")
    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


async def test_an_empty_bucket_throttles_with_200_and_refills(ask: Any, control: httpx.AsyncClient) -> None:
    await control.post("/bucket", json={"available": 0, "restore_rate": 100})
    query = "{ products(first: 250) { nodes { id } } }"
    answer = ask(query)
    assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert answer["extensions"]["cost"]["actualQueryCost"] is None
    await control.post("/clock", json={"offset_seconds": 30})
    assert "errors" not in ask(query)


def test_the_reference_parser_refuses_what_the_schema_does_not_know(ask: Any) -> None:
    assert "Cannot query field 'nonsense'" in ask("{ shop { nonsense } }")["errors"][0]["message"]
    assert "Syntax Error" in ask("{ shop {")["errors"][0]["message"]


def test_fragments_and_aliases_are_priced_too(ask: Any) -> None:
    fragment = "fragment F on Order { totalPriceSet { shopMoney { amount } } }"
    answer = ask("query { a: orders(first: 3) { nodes { ...F } } } " + fragment)
    assert answer["extensions"]["cost"]["requestedQueryCost"] == 2 + 3 * 3
    assert len(answer["data"]["a"]["nodes"]) == 3


def test_a_variant_is_found_by_its_sku(ask: Any) -> None:
    query = "query($q: String) { productVariants(first: 5, query: $q) { nodes { sku price product { title } } } }"
    (found,) = ask(query, q=f'sku:"{SKU}"')["data"]["productVariants"]["nodes"]
    assert (found["sku"], found["product"]["title"]) == (SKU, company().products[0].name)


def test_stock_is_set_under_a_key_once(ask: Any) -> None:
    first = ask(SET % '@idempotent(key: "k-1")', input=quantities(4))
    assert first["data"]["inventorySetQuantities"]["userErrors"] == []
    assert ask(SET % '@idempotent(key: "k-1")', input=quantities(4)) ["data"] == first["data"]  # fmt: skip
    other = ask(SET % '@idempotent(key: "k-1")', input=quantities(5))
    assert [one["code"] for one in other["data"]["inventorySetQuantities"]["userErrors"]] == [
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    ]


@pytest.mark.parametrize(
    ("directive", "more", "code"),
    [
        ("", {}, "BAD_REQUEST"),
        ('@idempotent(key: "k-2")', {"changeFromQuantity": -1}, "CHANGE_FROM_QUANTITY_STALE"),
        ('@idempotent(key: "k-3")', {"locationId": "gid://shopify/Location/1"}, "INVALID_LOCATION"),
        ('@idempotent(key: "k-4")', {"inventoryItemId": "gid://shopify/InventoryItem/1"}, "INVALID_INVENTORY_ITEM"),
    ],
)
def test_stock_is_not_set_otherwise(ask: Any, directive: str, more: dict[str, Any], code: str) -> None:
    answer = ask(SET % directive, input=quantities(4, **more))
    assert [one["code"] for one in answer["data"]["inventorySetQuantities"]["userErrors"]] == [code]


def test_a_wrong_token_is_refused(shop: str, ask: Any, capsys: pytest.CaptureFixture[str]) -> None:
    signed_in(shop, "shpat_other")
    with pytest.raises(HTTPError) as refused:
        ask("{ shop { name } }")
    assert refused.value.code == 401
    refused.value.close()
    capsys.readouterr()
