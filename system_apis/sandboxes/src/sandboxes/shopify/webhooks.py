"""Webhooks: signed, sent on real changes, repeated until somebody says 2xx (shopify.dev, "HTTPS webhooks")."""

import asyncio
import base64
import hashlib
import hmac
import os
import urllib.error
import urllib.request
import uuid
from typing import Any

import msgspec

from sandboxes.kit import Clock, State
from sandboxes.shopify.account import WEBHOOK_SECRET

WEBHOOK_SECRET_VARIABLE = "SANDBOX_SHOPIFY_WEBHOOK_SECRET"  # noqa: S105 - a name
_ATTEMPTS = 9  # the first and eight more, over four hours
_TIMEOUT = 5.0


class Webhooks:
    """Sends what changed to whoever subscribed."""

    def __init__(self, clock: Clock, version: str) -> None:
        self._clock, self._version = clock, version
        self._retry_seconds = 60.0
        self._sending: set[asyncio.Task[None]] = set()
        self.sent: list[dict[str, Any]] = []

    def change(self, body: dict[str, Any]) -> dict[str, float]:
        """The control `webhooks`."""
        self._retry_seconds = float(body["retry_seconds"])
        return {"retry_seconds": self._retry_seconds}

    def tell(self, state: State, topic: str, content: dict[str, Any]) -> None:
        """Send a change to the subscribers of its topic, each as a message of its own."""
        name = topic.upper().replace("/", "_")
        body = msgspec.json.encode(content)
        for row in state.connection.execute("SELECT uri FROM subscription WHERE topic = ?", (name,)).fetchall():
            task = asyncio.get_running_loop().create_task(self._send(row["uri"], topic, body))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def stop(self) -> None:
        """Send nothing more."""
        for task in self._sending:
            task.cancel()

    async def _send(self, uri: str, topic: str, body: bytes) -> None:
        headers = self._headers(topic, body)
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(self._retry_seconds)
            status = await asyncio.to_thread(_post, uri, headers, body)
            self.sent.append({"topic": topic, "webhook_id": headers["X-Shopify-Webhook-Id"], "status": status})
            if 200 <= status < 300:  # noqa: PLR2004 - HTTP
                return

    def _headers(self, topic: str, body: bytes) -> dict[str, str]:
        secret = os.environ.get(WEBHOOK_SECRET_VARIABLE, WEBHOOK_SECRET)
        return {
            "Content-Type": "application/json",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode(),
            "X-Shopify-Shop-Domain": "tarn-gauge.myshopify.com",
            "X-Shopify-API-Version": self._version,
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Event-Id": str(uuid.uuid4()),
            "X-Shopify-Triggered-At": self._clock.now().isoformat(),
        }


def _post(uri: str, headers: dict[str, str], body: bytes) -> int:
    request = urllib.request.Request(uri, body, headers, method="POST")  # noqa: S310 - checked when it was subscribed
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - as above
            return answer.status
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code
    except OSError:
        return 0
