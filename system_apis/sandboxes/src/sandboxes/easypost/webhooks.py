"""Webhooks: an Event for every scan of a parcel, signed where a secret was given (docs.easypost.com/docs/webhooks).

A tracker moves with the clock, so what is new is found by looking; whoever answers anything but 2xx within seven
seconds is told again, up to six times.
"""

import asyncio
import hashlib
import hmac
import os
import unicodedata
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from sandboxes.easypost import shapes
from sandboxes.easypost.records import Records
from sandboxes.easypost.refusals import missing
from sandboxes.kit import Clock

WEBHOOK_SECRET_VARIABLE = "SANDBOX_EASYPOST_WEBHOOK_SECRET"  # noqa: S105 - a name
_ATTEMPTS = 7
_TIMEOUT = 7.0
_LOOK = 0.2


class Webhooks:
    """Who wants to be told, and what they were told."""

    def __init__(self, records: Records, clock: Clock, trackers: Callable[[], list[dict[str, Any]]]) -> None:
        self._records, self._clock, self._trackers = records, clock, trackers
        self._retry_seconds = 60.0
        self._watch: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._scans: dict[str, int] = {}
        self.sent: list[dict[str, Any]] = []

    def change(self, body: dict[str, Any]) -> dict[str, float]:
        """The control `webhooks`."""
        self._retry_seconds = float(body["retry_seconds"])
        return {"retry_seconds": self._retry_seconds}

    def create(self, given: dict[str, Any]) -> dict[str, Any]:
        """Somebody wants to be told at a URL; the secret is kept and never shown."""
        if not given.get("url"):
            raise missing("url")
        now = self._clock.timestamp()
        document = shapes.begun("hook", "Webhook", now) | {"url": given["url"], "disabled_at": None}
        self._records.add("webhook", document | {"secret": given.get("webhook_secret")}, now)
        return document

    def all(self) -> dict[str, Any]:
        """Every one."""
        return {"webhooks": [_shown(document) for document in self._subscribed()]}

    def one(self, key: str) -> dict[str, Any]:
        """One of them."""
        return _shown(self._records.get("webhook", key).document)

    def remove(self, key: str) -> None:
        """Tell this one nothing more."""
        self.one(key)
        self._records.remove(key)

    def awake(self) -> None:
        """Begin to look, once somebody wants to be told; trackers as they stand by then are no news."""
        if self._watch is None and self._subscribed():
            self._scans = {tracker["id"]: _scans(tracker) for tracker in self._trackers()}
            self._watch = asyncio.get_running_loop().create_task(self._look())

    def stop(self) -> None:
        """Send nothing more."""
        for task in (*self._sending, *([self._watch] if self._watch else [])):
            with suppress(RuntimeError):  # the loop that they ran on is closed
                task.cancel()

    async def _look(self) -> None:
        while True:
            for tracker in self._trackers():
                known = self._scans.get(tracker["id"], 0)
                if _scans(tracker) > known:
                    self._scans[tracker["id"]] = _scans(tracker)
                    self._tell("tracker.updated" if known else "tracker.created", tracker)
            await asyncio.sleep(_LOOK)

    def _tell(self, description: str, result: dict[str, Any]) -> None:
        for subscriber in self._subscribed():
            event = shapes.begun("evt", "Event", self._clock.timestamp()) | {
                "description": description, "previous_attributes": {}, "pending_urls": [subscriber["url"]],
                "completed_urls": [], "user_id": "user_tarn_gauge", "status": "pending", "result": result,
            }  # fmt: skip
            task = asyncio.get_running_loop().create_task(self._send(subscriber, event))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, subscriber: dict[str, Any], event: dict[str, Any]) -> None:
        body = msgspec.json.encode(event)
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(self._retry_seconds)
            status = await asyncio.to_thread(_post, subscriber["url"], _signed(subscriber["secret"], body), body)
            self.sent.append({"id": event["id"], "description": event["description"], "status": status})
            if 200 <= status < 300:  # noqa: PLR2004 - HTTP
                return

    def _subscribed(self) -> list[dict[str, Any]]:
        return [record.document for record in self._records.page("webhook", {"page_size": "100"})[0]]


def _signed(secret: str | None, body: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "EasyPost/v2"}
    secret = secret or os.environ.get(WEBHOOK_SECRET_VARIABLE)
    if secret:
        key = unicodedata.normalize("NFKD", secret).encode()
        headers["X-Hmac-Signature"] = f"hmac-sha256-hex={hmac.new(key, body, hashlib.sha256).hexdigest()}"
    return headers


def _scans(tracker: dict[str, Any]) -> int:
    return len(tracker["tracking_details"])


def _shown(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "secret"}


def _post(uri: str, headers: dict[str, str], body: bytes) -> int:
    if not uri.startswith(("http://127.0.0.1:", "http://localhost:")):
        return 0  # a stand-in calls nobody but this machine
    request = urllib.request.Request(uri, body, headers, method="POST")  # noqa: S310 - of this machine
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - as above
            return answer.status
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code
    except OSError:
        return 0
