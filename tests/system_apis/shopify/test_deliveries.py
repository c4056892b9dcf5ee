"""What webhooks told: signed, each once, on disk, and told on."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from threading import Thread
from typing import Any

import httpx
import pytest

from sandboxes.shopify import TOKEN, WEBHOOK_SECRET
from shared.contracts.canonical.commerce import Delivery
from shared.contracts.canonical.event_feed import CursorExpired
from shared.contracts.system.commerce import DeliveryRefused
from system_apis.shopify import ShopifyCommerce

CONTENT = '{"id": 5000001, "email":"grüße@alster.example"}'
SUBSCRIBE = """mutation { webhookSubscriptionCreate(topic: ORDERS_CREATE,
  webhookSubscription: {uri: "%s", format: JSON}) { webhookSubscription { id } userErrors { message } } }"""


def delivery(
    content: str = CONTENT, *, secret: str = WEBHOOK_SECRET, key: str = "w-1", topic: str = "orders/create"
) -> Delivery:
    digest = hmac.digest(secret.encode(), content.encode(), hashlib.sha256)
    return Delivery(key, topic, base64.b64encode(digest).decode(), content)


async def test_a_signed_delivery_is_kept_once_and_told(commerce: ShopifyCommerce) -> None:
    assert (await commerce.receive_delivery(delivery())).outcome == "kept"
    assert (await commerce.receive_delivery(delivery())).outcome == "repeated"
    (event,) = (await commerce.list_events()).items
    assert (event.event_id, event.type) == ("w-1", "orders-create")
    assert event.payload == '{"topic":"orders-create","recordId":"5000001"}'
    assert "alster" not in str(event)


@pytest.mark.parametrize(
    "forged",
    [
        delivery(secret="other"),
        Delivery("w-1", "orders/create", delivery().signature, CONTENT + " "),
        Delivery("w-1", "orders/create", "ü", CONTENT),
        delivery("[]"),
        delivery("{"),
    ],
    ids=["secret", "one byte more", "no base64", "no object", "no JSON"],
)
async def test_what_the_shop_did_not_sign_is_refused_and_not_kept(commerce: ShopifyCommerce, forged: Delivery) -> None:
    with pytest.raises(DeliveryRefused):
        await commerce.receive_delivery(forged)
    assert (await commerce.list_events()).items == []


async def test_deliveries_outlive_the_process(opened: Callable[..., ShopifyCommerce]) -> None:
    await opened().receive_delivery(delivery())
    assert [event.event_id for event in (await opened().list_events()).items] == ["w-1"]


async def test_the_feed_goes_on_from_its_cursor_by_topic(commerce: ShopifyCommerce) -> None:
    await commerce.receive_delivery(delivery())
    latest = await commerce.list_events(begin="latest")
    for number, topic in enumerate(("orders/updated", "products/update"), 2):
        await commerce.receive_delivery(delivery(key=f"w-{number}", topic=topic))
    assert [event.event_id for event in (await commerce.list_events("all", latest.cursor)).items] == ["w-2", "w-3"]
    assert [event.event_id for event in (await commerce.list_events("products-update")).items] == ["w-3"]


async def test_a_cursor_whose_successors_are_gone_says_so(opened: Callable[..., ShopifyCommerce]) -> None:
    commerce = opened(keep_days=0.0)
    start = await commerce.list_events(begin="latest")
    for number in range(3):
        await commerce.receive_delivery(delivery(key=f"w-{number}"))
    with pytest.raises(CursorExpired):
        await commerce.list_events("all", start.cursor)


async def test_webhooks_of_the_shop_pass_byte_for_byte_and_are_repeated_until_taken(
    commerce: ShopifyCommerce, control: httpx.AsyncClient, shop: str
) -> None:
    """Whoever stands at the edge hands on what came: here a small server that refuses the first attempt."""
    arrived: Queue[tuple[dict[str, str], str]] = Queue()
    answers = [503, 200]

    class Edge(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            arrived.put((dict(self.headers), body))
            self.send_response(answers.pop(0))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Edge)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        await control.post("/webhooks", json={"retry_seconds": 0})
        query = SUBSCRIBE % f"http://127.0.0.1:{server.server_port}/"
        headers = {"x-shopify-access-token": TOKEN}
        async with httpx.AsyncClient(headers=headers) as client:
            await client.post(f"{shop}/admin/api/2026-04/graphql.json", json={"query": query})
        made = (await control.post("/order", json={"lines": 1})).json()
        outcomes: list[str] = []
        for _ in range(2):
            told, body = await asyncio.to_thread(arrived.get, timeout=30)
            taken = await commerce.receive_delivery(
                Delivery(told["X-Shopify-Webhook-Id"], told["X-Shopify-Topic"], told["X-Shopify-Hmac-Sha256"], body)
            )
            outcomes.append(taken.outcome)
    finally:
        await asyncio.to_thread(server.shutdown)
        thread.join()
        server.server_close()
    assert outcomes == ["kept", "repeated"]
    (event,) = (await commerce.list_events()).items
    assert f'"recordId":"{made["id"]}"' in event.payload
