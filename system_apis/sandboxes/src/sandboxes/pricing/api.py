"""The pricing service over HTTP: its key, its limits, what may be kept for how long."""

import hashlib
import hmac
import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec

from sandboxes.kit import Clock, Request, Response, Router, SandboxApp, http_app
from sandboxes.pricing.prices import Prices
from sandboxes.pricing.refusals import Refusal

API_KEY = "pk-tarn-gauge"  # a key that only this sandbox knows
API_KEY_VARIABLE = "SANDBOX_PRICING_API_KEY"
"""Environment variable with the key to take instead, so that whoever starts the sandbox may choose it."""

MAX_LINES = 50
_MAX_AGE = 60


class _Policy:
    """What the operator may change while it runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """As it starts: a minute's age, no limit."""
        self.max_age = _MAX_AGE
        self._left: int | None = None
        self._minute = 0

    def keep(self, body: dict[str, Any]) -> dict[str, int]:
        """The control `max-age`."""
        self.max_age = int(body["seconds"])
        return {"seconds": self.max_age}

    def limit(self, body: dict[str, Any]) -> dict[str, int | None]:
        """The control `rate-limit`; null lifts it."""
        self._left, self._minute = body["requests"], self._now()
        return {"requests": self._left}

    def count(self) -> None:
        """Let one more request in, or refuse it."""
        if self._left is None or self._minute != self._now():
            return
        if self._left < 1:
            raise Refusal(429, "TOO_MANY_REQUESTS", "Too many requests in this minute.")
        self._left -= 1

    def _now(self) -> int:
        return int(self._clock.timestamp() // 60)


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """A pricing service that `API_KEY` opens."""
    prices, policy, router = Prices(state), _Policy(clock), Router()
    _route(router, prices, policy, clock)

    async def respond(request: Request) -> Response:
        try:
            _authenticate(request)
            policy.count()
            endpoint = router.find(request)
            if isinstance(endpoint, tuple):
                raise Refusal(405 if endpoint else 404, "NO_SUCH_RESOURCE", "There is nothing here.")
            return await endpoint(request)
        except Refusal as refused:
            return refused.response()

    def reset() -> None:
        prices.state.reset()
        policy.reset()

    controls = {"agreement": prices.agree, "max-age": policy.keep, "rate-limit": policy.limit}
    return SandboxApp(http_app(respond), close=prices.state.close, reset=reset, controls=controls)


def _route(router: Router, prices: Prices, policy: _Policy, clock: Clock) -> None:
    async def price(request: Request) -> Response:
        query = parse_qs(request.query_string, keep_blank_values=True)
        now = clock.now()
        on = _day(query["date"][0]) if "date" in query else now.date()
        found = prices.priced(_one(query, "customer"), _one(query, "currency"), on, _lines(query))
        # without a date the answer is about today, and must not be kept into tomorrow
        age = policy.max_age if "date" in query else min(policy.max_age, _until_midnight(now))
        return _cacheable(request, found, age)

    async def agreements(request: Request) -> Response:
        return Response(prices.agreements(request.params["number"]), headers={"cache-control": "no-store"})

    router.add("GET", "/v1/prices", price)
    router.add("GET", "/v1/customers/{number}/agreements", agreements)


def _authenticate(request: Request) -> None:
    given, wanted = request.headers.get("x-api-key", ""), os.environ.get(API_KEY_VARIABLE, API_KEY)
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Refusal(401, "UNAUTHORIZED", "The key in X-API-Key is missing or unknown.")


def _one(query: dict[str, list[str]], name: str) -> str:
    if len(found := query.get(name, [])) != 1:
        raise Refusal(400, "BAD_REQUEST", f"Give {name} once.")
    return found[0]


def _lines(query: dict[str, list[str]]) -> list[tuple[str, Decimal]]:
    skus, quantities = query.get("sku", []), query.get("quantity", [])
    if len(skus) != len(quantities) or not 0 < len(skus) <= MAX_LINES:
        raise Refusal(400, "BAD_REQUEST", f"Give sku and quantity for each of 1 to {MAX_LINES} lines.")
    return [(sku, _quantity(text)) for sku, text in zip(skus, quantities, strict=True)]


def _quantity(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal(0)
    if not found.is_finite() or not 0 < found < Decimal(10) ** 12:
        raise Refusal(400, "BAD_REQUEST", "A quantity is a number above 0 and below 10^12.")
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal(400, "BAD_REQUEST", "date is a day such as 2026-01-31.") from None


def _until_midnight(now: datetime) -> int:
    tomorrow = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    return int((tomorrow - now).total_seconds())


def _cacheable(request: Request, document: dict[str, Any], age: int) -> Response:
    """With a validator (RFC 9110 §8.8.3); 304 for whoever has it already."""
    body = msgspec.json.encode(document)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": f"private, max-age={age}" if age > 0 else "no-cache"}
    known = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(None, 304, headers)
    return Response(body, 200, headers, "application/json")
