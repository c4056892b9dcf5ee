"""EasyPost API v2 over HTTP: keys, limits, routes."""

import base64
import binascii
import os
from pathlib import Path
from typing import Any

import msgspec

from sandboxes.easypost.records import Records
from sandboxes.easypost.refusals import Refusal, missing, not_found
from sandboxes.easypost.shipments import Desk
from sandboxes.easypost.webhooks import Webhooks
from sandboxes.kit import Clock, Endpoint, Request, Response, Router, SandboxApp, http_app

API_KEY = "EZTK-tarn-gauge"  # a test key that only this sandbox knows
API_KEY_VARIABLE = "SANDBOX_EASYPOST_API_KEY"
"""Environment variable with the key to take instead, so that whoever starts the sandbox may choose it."""

_JSON = "application/json; charset=utf-8"
# The smallest PNG there is: one white pixel.
_LABEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)


class _Limit:
    """How many requests a key may make in a minute; None is no limit, which is how it starts."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._per_minute = clock, None
        self._minute, self._made = 0, 0

    def change(self, body: dict[str, Any]) -> dict[str, int | None]:
        """The control `rate-limit`: `{"per_minute": n}` or null."""
        self._per_minute = body["per_minute"]
        self._made = 0
        return {"per_minute": self._per_minute}

    def count(self) -> None:
        """Let one more request in, or refuse it."""
        if self._per_minute is None:
            return
        minute = int(self._clock.timestamp() // 60)
        self._made = self._made + 1 if minute == self._minute else 1
        self._minute = minute
        if self._made > self._per_minute:
            raise Refusal(429, "RATE_LIMITED", "Too many requests. Please wait before trying again.")


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """An EasyPost test account that `API_KEY` opens."""
    records, limit = Records(state), _Limit(clock)
    desk = Desk(records, clock)
    router = Router()
    _route_shipments(router, desk)
    _route_the_rest(router, desk)
    webhooks = Webhooks(records, clock, desk.moving)
    _route_webhooks(router, webhooks)

    async def respond(request: Request) -> Response:
        webhooks.awake()
        try:
            endpoint = router.find(request)
            if not request.path.startswith("/files/"):
                _authenticate(request)
                limit.count()
            if isinstance(endpoint, tuple):
                raise not_found()
            return await endpoint(request)
        except Refusal as refused:
            return refused.response()

    def close() -> None:
        webhooks.stop()
        records.state.close()

    return SandboxApp(
        http_app(respond),
        close=close,
        reset=records.state.reset,
        ledger=lambda: {**desk.ledger(), "webhooks": webhooks.sent},
        controls={"rate-limit": limit.change, "webhooks": webhooks.change},
    )


def _route_webhooks(router: Router, webhooks: Webhooks) -> None:
    async def create(request: Request) -> Response:
        made = _created(webhooks.create(_wrapped(request, "webhook")), "webhooks")
        webhooks.awake()
        return made

    async def index(_: Request) -> Response:
        return _ok(webhooks.all())

    async def show(request: Request) -> Response:
        return _ok(webhooks.one(request.params["key"]))

    async def remove(request: Request) -> Response:
        webhooks.remove(request.params["key"])
        return _ok({})

    router.add("POST", "/v2/webhooks", create)
    router.add("GET", "/v2/webhooks", index)
    router.add("GET", "/v2/webhooks/{key}", show)
    router.add("DELETE", "/v2/webhooks/{key}", remove)


def _route_shipments(router: Router, desk: Desk) -> None:
    async def create(request: Request) -> Response:
        return _created(desk.create_shipment(_wrapped(request, "shipment")), "shipments")

    async def index(request: Request) -> Response:
        return _ok(desk.shipments(_query(request)))

    async def show(request: Request) -> Response:
        return _ok(desk.shipment(request.params["key"]))

    async def buy(request: Request) -> Response:
        origin = f"http://{request.headers.get('host', 'localhost')}"
        return _ok(desk.buy(request.params["key"], _body(request), origin))

    async def refund(request: Request) -> Response:
        return _ok(desk.refund(request.params["key"]))

    async def rerate(request: Request) -> Response:
        return _ok(desk.rerate(request.params["key"]))

    async def label(_: Request) -> Response:
        return Response(_LABEL, media_type="image/png")

    router.add("POST", "/v2/shipments", create)
    router.add("GET", "/v2/shipments", index)
    router.add("GET", "/v2/shipments/{key}", show)
    router.add("POST", "/v2/shipments/{key}/buy", buy)
    router.add("POST", "/v2/shipments/{key}/refund", refund)
    router.add("POST", "/v2/shipments/{key}/rerate", rerate)
    router.add("GET", "/files/postage_label/{name}", label)


def _route_the_rest(router: Router, desk: Desk) -> None:
    async def create_address(request: Request) -> Response:
        given, body = _wrapped(request, "address"), _body(request)
        verify, strict = (bool(body.get(name) or given.get(name)) for name in ("verify", "verify_strict"))
        return _created(desk.create_address(given, verify, strict), "addresses")

    async def create_and_verify(request: Request) -> Response:
        return _ok({"address": desk.create_address(_wrapped(request, "address"), strict=True)})

    async def verify_address(request: Request) -> Response:
        return _ok({"address": desk.verify_address(request.params["key"])})

    async def create_parcel(request: Request) -> Response:
        return _created(desk.create_parcel(_wrapped(request, "parcel")), "parcels")

    async def create_tracker(request: Request) -> Response:
        return _created(desk.create_tracker(_wrapped(request, "tracker")), "trackers")

    async def trackers(request: Request) -> Response:
        return _ok(desk.trackers(_query(request)))

    async def tracker(request: Request) -> Response:
        return _ok(desk.tracker(request.params["key"]))

    routes: tuple[tuple[str, str, Endpoint], ...] = (
        ("POST", "/v2/addresses", create_address),
        ("POST", "/v2/addresses/create_and_verify", create_and_verify),
        ("GET", "/v2/addresses/{key}/verify", verify_address),
        ("POST", "/v2/parcels", create_parcel),
        ("POST", "/v2/trackers", create_tracker),
        ("GET", "/v2/trackers", trackers),
        ("GET", "/v2/trackers/{key}", tracker),
    )
    for method, template, endpoint in routes:
        router.add(method, template, endpoint)
    for plural in ("addresses", "parcels"):
        router.add("GET", f"/v2/{plural}/{{key}}", _shower(desk, plural))


def _shower(desk: Desk, plural: str) -> Endpoint:
    kind = {"addresses": "address", "parcels": "parcel"}[plural]

    async def show(request: Request) -> Response:
        return _ok(desk.held(kind, request.params["key"]))

    return show


def _authenticate(request: Request) -> None:
    """Basic with the key as user name and no password (the documented way), or Bearer (the client libraries)."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    else:
        key = credentials if scheme.lower() == "bearer" else ""
    if key != os.environ.get(API_KEY_VARIABLE, API_KEY):
        raise Refusal(401, "UNAUTHORIZED", "Invalid or missing API key.")


def _body(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
    except msgspec.MsgspecError as unreadable:
        raise Refusal(400, "BAD_REQUEST", "The request body is not a JSON object.") from unreadable


def _wrapped(request: Request, name: str) -> dict[str, Any]:
    given: dict[str, Any] | None = _body(request).get(name)
    if not given or not isinstance(given, dict):
        raise missing(name)
    return given


def _query(request: Request) -> dict[str, str]:
    query = request.query
    if not query.get("page_size", "1").isdecimal():
        wrong: list[dict[str, str | None]] = [{"field": "page_size", "message": "must be a number"}]
        raise Refusal(422, "PARAMETER.INVALID", "Invalid parameter.", wrong)
    return query


def _ok(document: dict[str, Any]) -> Response:
    return Response(document, media_type=_JSON)


def _created(document: dict[str, Any], plural: str) -> Response:
    return Response(document, 201, {"location": f"/api/v2/{plural}/{document['id']}"}, _JSON)
