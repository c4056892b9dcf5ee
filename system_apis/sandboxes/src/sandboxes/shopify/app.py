"""The Admin GraphQL endpoint over HTTP: the token, the bucket, errors that come with status 200."""

import hmac
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from graphql import DocumentNode, ExecutionResult, GraphQLError, parse, validate
from graphql.execution import execute_sync  # pyright: ignore[reportUnknownVariableType] - one of its hooks is untyped

from sandboxes.kit import Clock, Request, Response, SandboxApp, http_app
from sandboxes.shopify.account import TOKEN
from sandboxes.shopify.cost import ASKED, MOST_FOR_ONE, Bucket, Price
from sandboxes.shopify.resolvers import resolvers
from sandboxes.shopify.schema import SCHEMA
from sandboxes.shopify.shop import Shop
from sandboxes.shopify.webhooks import Webhooks

TOKEN_VARIABLE = "SANDBOX_SHOPIFY_TOKEN"  # noqa: S105 - a name
"""Environment variable with the token to take instead, so that whoever starts the sandbox may choose it."""
VERSION = "2026-04"
_PATH = re.compile(r"/admin/api/\d{4}-\d{2}/graphql\.json")


class _Endpoint:
    def __init__(self, roots: dict[str, Callable[..., Any]], bucket: Bucket) -> None:
        self._roots, self._bucket = roots, bucket

    async def respond(self, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("x-shopify-access-token", "").encode(), _token().encode()):
            text = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return Response({"errors": text}, 401)
        if not _PATH.fullmatch(request.path) or request.method != "POST":
            return Response({"errors": "Not Found"}, 404)
        try:
            body = msgspec.json.decode(request.body, type=dict[str, Any])
            document = parse(str(body.get("query") or ""))
        except (msgspec.DecodeError, GraphQLError) as unreadable:
            return Response({"errors": [{"message": str(unreadable)}]})
        if errors := validate(SCHEMA, document):
            return Response({"errors": [_shown(error) for error in errors]})
        return self._answer(document, body.get("variables") or {})

    def _answer(self, document: DocumentNode, variables: dict[str, Any]) -> Response:
        price = Price(document, variables)
        requested = price.of(ASKED)
        if requested > MOST_FOR_ONE:
            message = f"Query cost is {requested}, which exceeds the single query max cost limit ({MOST_FOR_ONE})."
            return self._refused(message, "MAX_COST_EXCEEDED", requested)
        if not self._bucket.covers(requested):
            return self._refused("Throttled", "THROTTLED", requested)
        result = execute_sync(SCHEMA, document, variable_values=variables, root_value=self._roots)
        actual = price.of(result.data)
        self._bucket.spend(actual)
        return Response(_body(result, self._cost(requested, actual)))

    def _refused(self, message: str, code: str, requested: int) -> Response:
        errors = [{"message": message, "extensions": {"code": code, "documentation": "https://shopify.dev/api/usage"}}]
        return Response({"errors": errors, "extensions": {"cost": self._cost(requested, None)}})

    def _cost(self, requested: int, actual: int | None) -> dict[str, Any]:
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": self._bucket.status(),
        }


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """A shop that `TOKEN` opens."""
    bucket, webhooks = Bucket(clock), Webhooks(clock, VERSION)
    shop = Shop(state, clock, lambda topic, body: webhooks.tell(shop.state, topic, body))
    endpoint = _Endpoint(resolvers(shop), bucket)

    def close() -> None:
        webhooks.stop()
        shop.state.close()

    def ledger() -> dict[str, object]:
        products = [{name: row[name] for name in ("sku", "title", "price", "available")} for row in shop.products()]
        return {"products": products, "webhooks": webhooks.sent}

    return SandboxApp(
        http_app(endpoint.respond),
        close=close,
        reset=shop.state.reset,
        ledger=ledger,
        controls={"bucket": bucket.change, "order": shop.buy, "webhooks": webhooks.change},
    )


def _token() -> str:
    return os.environ.get(TOKEN_VARIABLE, TOKEN)


def _body(result: ExecutionResult, cost: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"data": result.data, "extensions": {"cost": cost}}
    if result.errors:
        body["errors"] = [_shown(error) for error in result.errors]
    return body


def _shown(error: GraphQLError) -> dict[str, Any]:
    return dict(error.formatted)
