"""HubSpot's CRM API over HTTP: the private app's token, limits, routes."""

import hmac
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from sandboxes.hubspot.batches import Batches
from sandboxes.hubspot.limits import Limits
from sandboxes.hubspot.portal import Portal
from sandboxes.hubspot.refusals import Refusal, invalid
from sandboxes.hubspot.search import search
from sandboxes.kit import Clock, Request, Response, Router, SandboxApp, http_app

TOKEN = "pat-eu1-5d0c2f6e-8f3a-4a53-9a5e-7f1c3b0d2e91"  # noqa: S105 - opens this sandbox and nothing else
TOKEN_VARIABLE = "SANDBOX_HUBSPOT_TOKEN"  # noqa: S105 - a name
"""Environment variable with the token to take instead, so that whoever starts the sandbox may choose it."""

_TYPES = ("contacts", "notes")
_LARGEST_PAGE = 100
_LARGEST_ASSOCIATIONS_PAGE = 500
_NOTE_TO_CONTACT, _CONTACT_TO_NOTE = 202, 201  # developers.hubspot.com, "Association type ID values"


class _Index:
    """How far the search index is behind."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lag = clock, 0.0

    def change(self, body: dict[str, Any]) -> dict[str, float]:
        """The control `index`."""
        self._lag = float(body["lag_seconds"])
        return {"lag_seconds": self._lag}

    def known_until(self) -> float:
        """The moment of the last change that search knows."""
        return self._clock.timestamp() - self._lag


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """A portal that `TOKEN` opens."""
    portal, limits, index = Portal(state, clock), Limits(clock), _Index(clock)
    router = Router()
    for type_ in _TYPES:
        _route_objects(router, portal, type_)
        _route_batches(router, Batches(portal, clock, type_), type_)
        _route_search(router, portal, type_, index.known_until)
    _route_associations(router, portal)

    async def respond(request: Request) -> Response:
        try:
            _authenticate(request)
            limits.count()
            endpoint = router.find(request)
            if isinstance(endpoint, tuple):
                raise Refusal(405 if endpoint else 404, "OBJECT_NOT_FOUND", "resource not found")
            response = await endpoint(request)
        except Refusal as refused:
            return refused.response()
        response.headers.update(limits.headers())
        return response

    def ledger() -> dict[str, object]:
        return {type_: [portal.properties(row) for row in portal.rows(type_)] for type_ in _TYPES}

    return SandboxApp(
        http_app(respond),
        close=portal.state.close,
        reset=portal.state.reset,
        ledger=ledger,
        controls={"rate-limit": limits.change, "index": index.change},
    )


def _route_objects(router: Router, portal: Portal, type_: str) -> None:
    root = f"/crm/v3/objects/{type_}"

    async def create(request: Request) -> Response:
        body = body_of(request)
        return Response(portal.create(type_, properties_of(body), _contacts_of(body)), 201)

    async def index(request: Request) -> Response:
        rows = portal.rows(type_)
        after, limit = _number(request, "after", 0), _number(request, "limit", 10)
        if not 0 < limit <= _LARGEST_PAGE:
            raise invalid(f"limit must be between 1 and {_LARGEST_PAGE}")
        rest = [row for row in rows if row["id"] >= after]
        page: dict[str, Any] = {"results": [portal.shown(row, _wanted(request)) for row in rest[:limit]]}
        if len(rest) > limit:
            page["paging"] = {"next": {"after": str(rest[limit]["id"]), "link": f"{root}?after={rest[limit]['id']}"}}
        return Response(page)

    async def show(request: Request) -> Response:
        return Response(portal.get(type_, request.params["key"], _id_property(request), _wanted(request)))

    async def update(request: Request) -> Response:
        key = request.params["key"]
        return Response(portal.update(type_, key, _id_property(request), properties_of(body_of(request))))

    async def delete(request: Request) -> Response:
        portal.delete(type_, request.params["key"])
        return Response(status=204)

    router.add("POST", root, create)
    router.add("GET", root, index)
    router.add("GET", f"{root}/{{key}}", show)
    router.add("PATCH", f"{root}/{{key}}", update)
    router.add("DELETE", f"{root}/{{key}}", delete)


def _route_batches(router: Router, batches: Batches, type_: str) -> None:
    async def read(request: Request) -> Response:
        return batches.read(body_of(request))

    async def upsert(request: Request) -> Response:
        return batches.upsert(body_of(request))

    router.add("POST", f"/crm/v3/objects/{type_}/batch/read", read)
    if type_ == "contacts":
        router.add("POST", f"/crm/v3/objects/{type_}/batch/upsert", upsert)


def _route_search(router: Router, portal: Portal, type_: str, known_until: Callable[[], float]) -> None:
    async def find(request: Request) -> Response:
        return Response(search(portal, type_, body_of(request), known_until()))

    async def add_property(request: Request) -> Response:
        name = str(body_of(request).get("name") or "")
        if not name:
            raise invalid("name is required")
        portal.add_property(type_, name)
        return Response({"name": name, "type": "string", "fieldType": "text"}, 201)

    router.add("POST", f"/crm/v3/objects/{type_}/search", find)
    router.add("POST", f"/crm/v3/properties/{type_}", add_property)


def _route_associations(router: Router, portal: Portal) -> None:
    async def index(request: Request) -> Response:
        from_type, to_type = request.params["from_type"], request.params["to_type"]
        if {from_type, to_type} != set(_TYPES):
            raise invalid(f"No associations from {from_type} to {to_type} here")
        limit, after = _number(request, "limit", _LARGEST_ASSOCIATIONS_PAGE), _number(request, "after", 0)
        rest = [key for key in portal.associated(from_type, request.params["key"]) if key >= after]
        number = _CONTACT_TO_NOTE if from_type == "contacts" else _NOTE_TO_CONTACT
        kinds = [{"category": "HUBSPOT_DEFINED", "typeId": number, "label": None}]
        results = [{"toObjectId": key, "associationTypes": kinds} for key in rest[:limit]]
        page: dict[str, Any] = {"results": results}
        if len(rest) > limit:
            page["paging"] = {"next": {"after": str(rest[limit])}}
        return Response(page)

    router.add("GET", "/crm/v4/objects/{from_type}/{key}/associations/{to_type}", index)


def _authenticate(request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    wanted = os.environ.get(TOKEN_VARIABLE, TOKEN)
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), wanted.encode()):
        raise Refusal(
            401, "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
            "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        )  # fmt: skip


def body_of(request: Request) -> dict[str, Any]:
    """The body, an object in JSON."""
    try:
        return msgspec.json.decode(request.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise invalid("Invalid input JSON on line 1, column 1: Unable to read an object") from None


def properties_of(body: dict[str, Any]) -> dict[str, Any]:
    """The properties to write."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise invalid("properties is required")
    return properties  # pyright: ignore[reportUnknownVariableType] - keys of a JSON object


def _contacts_of(body: dict[str, Any]) -> list[str]:
    """The contacts that a new object is associated with."""
    wanted: list[dict[str, Any]] = body.get("associations") or []
    for one in wanted:
        numbers = [kind.get("associationTypeId") for kind in one.get("types", [])]
        if numbers != [_NOTE_TO_CONTACT]:
            raise invalid(f"invalid association types {numbers}")
    return [str(one["to"]["id"]) for one in wanted]


def _wanted(request: Request) -> list[str]:
    return [name for name in request.query.get("properties", "").split(",") if name]


def _id_property(request: Request) -> str:
    return request.query.get("idProperty", "hs_object_id")


def _number(request: Request, name: str, otherwise: int) -> int:
    text = request.query.get(name, str(otherwise))
    if not text.isdecimal():
        raise invalid(f"{name} must be a number")
    return int(text)
