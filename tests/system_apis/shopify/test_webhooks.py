"""What webhooks told: taken in at the API's own door, each once, on disk, and told on."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from eventually import eventually
from served_api import served_api

from sandboxes.shopify import TOKEN, WEBHOOK_SECRET
from shared.binding.signed_message import SignedMessage
from shared.contracts.canonical.commerce import ProductToSave
from shared.contracts.canonical.event_feed import CursorExpired, MessageUnreadable
from shared.contracts.system.commerce import Commerce
from shared.security.secrets import Secret
from shared.security.signature import signed_headers
from shared.security.signature_schemes import SHOPIFY
from system_apis.shopify import ShopifyCommerce

CONTENT = '{"id": 5000001, "email":"grüße@alster.example"}'.encode()
SUBSCRIBE = """mutation { webhookSubscriptionCreate(topic: %s,
  webhookSubscription: {uri: "%s", format: JSON}) { webhookSubscription { id } userErrors { message } } }"""
STOCK = """mutation { inventorySetQuantities(input: {name: "available", reason: "correction",
  referenceDocumentUri: "gid://tests/Stock/1", quantities: [{inventoryItemId: "gid://shopify/InventoryItem/8000001",
  locationId: "gid://shopify/Location/69000001", quantity: 5, changeFromQuantity: null}]})
  @idempotent(key: "2f6a1f0e-5b0c-4d35-9d43-1f0c2a0f7a11") { userErrors { message } } }"""


def message(content: bytes = CONTENT, *, key: str = "w-1", topic: str = "orders/create") -> SignedMessage:
    return SignedMessage(key, topic, content)


async def test_a_message_is_kept_once_and_told(commerce: ShopifyCommerce) -> None:
    assert (await commerce.receive_webhook(message())).outcome == "kept"
    assert (await commerce.receive_webhook(message())).outcome == "repeated"
    (event,) = (await commerce.list_events()).items
    assert (event.event_id, event.type) == (hashlib.sha256(CONTENT).hexdigest(), "orders-create")
    assert event.payload == '{"topic":"orders-create","recordId":"5000001"}'
    assert "alster" not in str(event)


async def test_a_message_that_was_caught_tells_nothing_more_under_any_id_and_topic(commerce: ShopifyCommerce) -> None:
    await commerce.receive_webhook(message())
    for topic in ("orders/create", "orders/paid", "products/delete"):
        assert (await commerce.receive_webhook(message(key=f"w-{topic}", topic=topic))).outcome == "repeated"
    assert len((await commerce.list_events()).items) == 1


async def test_another_message_under_an_id_that_was_used_is_kept_since_nobody_signs_ids(
    commerce: ShopifyCommerce,
) -> None:
    for content in (CONTENT, CONTENT + b" "):
        assert (await commerce.receive_webhook(message(content))).outcome == "kept"
    assert len({event.event_id for event in (await commerce.list_events()).items}) == 2


@pytest.mark.parametrize(
    ("gid", "topic", "told"),
    [
        ("gid://shopify/Order/5", "orders/paid", True),
        ("gid://shopify/InventoryLevel/6?inventory_item_id=5", "inventory_levels/update", True),
        ("gid://shopify/Company/5", "companies/create", True),
        ("gid://shopify/Order/5", "products/update", False),
        ("gid://shopify/DraftOrder/5", "orders/create", False),
        ("Order", "orders/create", False),
        (["gid://shopify/Order/5"], "orders/create", False),
    ],
)
async def test_the_record_in_the_body_must_be_of_the_topic_beside_it(
    opened: Callable[..., ShopifyCommerce], gid: object, topic: str, told: bool
) -> None:
    commerce = opened(webhook_topics=("orders/create", "orders/paid", "products/update", "inventory_levels/update",
                                      "companies/create"))  # fmt: skip
    caught = message(json.dumps({"id": 5, "admin_graphql_api_id": gid}).encode(), topic=topic)
    if told:
        assert (await commerce.receive_webhook(caught)).outcome == "kept"
    else:
        with pytest.raises(MessageUnreadable, match="not of the record"):
            await commerce.receive_webhook(caught)


async def test_only_the_topics_of_the_settings_are_taken_in(opened: Callable[..., ShopifyCommerce]) -> None:
    with pytest.raises(MessageUnreadable, match="webhook_topics"):
        await opened().receive_webhook(message(topic="customers/create"))
    chosen = opened(webhook_topics=("customers/create",))
    with pytest.raises(MessageUnreadable, match="webhook_topics"):
        await chosen.receive_webhook(message())
    assert (await chosen.receive_webhook(message(topic="customers/create"))).outcome == "kept"


@pytest.mark.parametrize(
    "unreadable",
    [message(b"[]"), message(b"{"), message(b'"\xff"'), message(topic=""), message(topic="Orders/../x")],
    ids=["no object", "no JSON", "no UTF-8", "no topic", "no topic of Shopify's"],
)
async def test_what_is_signed_and_makes_no_sense_is_refused_and_not_kept(
    commerce: ShopifyCommerce, unreadable: SignedMessage
) -> None:
    with pytest.raises(MessageUnreadable):
        await commerce.receive_webhook(unreadable)
    assert (await commerce.list_events()).items == []


async def test_messages_outlive_the_process(opened: Callable[..., ShopifyCommerce]) -> None:
    await opened().receive_webhook(message())
    assert [event.type for event in (await opened().list_events()).items] == ["orders-create"]


async def test_the_feed_goes_on_from_its_cursor_by_topic(commerce: ShopifyCommerce) -> None:
    await commerce.receive_webhook(message())
    latest = await commerce.list_events(begin="latest")
    for number, topic in enumerate(("orders/updated", "products/update"), 2):
        await commerce.receive_webhook(message(b'{"id":%d}' % number, topic=topic))

    async def told(channel: str, after: str | None = None) -> list[str]:
        return [event.type for event in (await commerce.list_events(channel, after)).items]

    assert await told("all", latest.cursor) == ["orders-updated", "products-update"]
    assert await told("products-update") == ["products-update"]
    assert await told("orders") == ["orders-create", "orders-updated"]
    assert await told("order") == []


async def test_a_cursor_whose_successors_are_gone_says_so(opened: Callable[..., ShopifyCommerce]) -> None:
    commerce = opened(keep_days=0.0)
    start = await commerce.list_events(begin="latest")
    for number in range(3):
        await commerce.receive_webhook(message(b'{"id":%d}' % number, key=f"w-{number}"))
    with pytest.raises(CursorExpired):
        await commerce.list_events("all", start.cursor)
    assert (await commerce.receive_webhook(message(b'{"id":0}'))).outcome == "repeated"  # known though not kept


@pytest.fixture
async def door(commerce: ShopifyCommerce, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of the served API's webhook."""
    async with served_api(Commerce, commerce, tmp_path) as url:
        yield f"{url}/webhooks"


async def test_the_shop_sends_orders_products_and_stock_to_our_door(
    commerce: ShopifyCommerce, control: httpx.AsyncClient, shop: str, door: str
) -> None:
    await control.post("/webhooks", json={"retry_seconds": 0})
    async with httpx.AsyncClient(headers={"x-shopify-access-token": TOKEN}) as client:
        admin = f"{shop}/admin/api/2026-04/graphql.json"
        for topic in ("ORDERS_CREATE", "PRODUCTS_UPDATE", "INVENTORY_LEVELS_UPDATE"):
            answer = (await client.post(admin, json={"query": SUBSCRIBE % (topic, door)})).json()
            assert not answer["data"]["webhookSubscriptionCreate"]["userErrors"], answer
        made = (await control.post("/order", json={"lines": 1})).json()
        assert (await client.post(admin, json={"query": STOCK})).json()["data"]["inventorySetQuantities"]
    product = await commerce.get_product("TG-00001")
    await commerce.save_product("TG-00001", ProductToSave("Another name", product.price))

    async def told() -> dict[str, str]:
        events = (await commerce.list_events()).items
        return {event.type: json.loads(event.payload)["recordId"] for event in events}

    wanted = {
        "orders-create": str(made["id"]), "inventory-levels-update": "8000001", "products-update": product.product_id,
    }  # fmt: skip
    await eventually(lambda: _is(told, wanted))
    sent = (await control.get("/ledger")).json()["webhooks"]
    assert {one["status"] for one in sent} <= {200}


async def _is(told: Callable[[], Any], wanted: dict[str, str]) -> bool:
    return await told() == wanted


async def test_attempts_of_one_message_are_taken_once_and_a_rotated_secret_opens(
    opened: Callable[..., ShopifyCommerce], commerce: ShopifyCommerce, door: str, tmp_path: Path
) -> None:
    headers = signed_headers(SHOPIFY, WEBHOOK_SECRET, CONTENT, message_id="w-9", topic="orders/create")
    async with httpx.AsyncClient() as http:
        outcomes = [(await http.post(door, content=CONTENT, headers=headers)).json()["outcome"] for _ in range(3)]
        refused = await http.post(door, content=CONTENT + b" ", headers=headers)
    assert outcomes == ["kept", "repeated", "repeated"]
    assert refused.status_code == 401
    assert len((await commerce.list_events()).items) == 1
    (tmp_path / "next").write_text("the next one")
    rotating = opened(other_webhook_secrets=(Secret(f"file:{tmp_path / 'next'}"),)).signatures()
    for secret in (WEBHOOK_SECRET, "the next one"):
        signed = signed_headers(SHOPIFY, secret, CONTENT)
        sent = {name.lower().encode(): value.encode() for name, value in signed.items()}
        assert rotating.verify(sent, CONTENT).content == CONTENT
