"""Serves a contract over HTTP: one resource for each path template, methods told apart here.

Litestar finds the resource. What its routing does not do for an API (HEAD, OPTIONS, 405 with `Allow`, 406,
415, conditional requests, problems) is done once, here, for every operation.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler, route
from litestar.types import ASGIApp, Receive, Scope, Send

from shared.binding.call_context import CallContext, Principal
from shared.binding.declare import Contract
from shared.binding.http_answer import Answer, refusal, success
from shared.binding.http_request import (
    Headers,
    bearer_token,
    is_bare_text,
    read_body,
    read_context,
    read_headers,
    read_query,
    require_json_accepted,
    require_json_body,
    wrapped,
)
from shared.binding.inbound import Inbound, Served
from shared.binding.problems import InternalFault, MethodNotAllowed, Problem, Unauthenticated
from shared.binding.webhook_door import WebhookDoor, doors_of
from shared.resilience.rate_limit_policy import Decision, rate_limit_headers
from shared.security.access_token import TokenVerifier
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import operation_call
from shared.telemetry.tracing import Span, start_span

ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SPAN = "triptych.span"
"""Where the edge keeps the server span in the ASGI scope, for the resource to name it."""

HEADERS = "triptych.headers"
"""Where the edge keeps the request's headers by name, so that they are read once."""

Read = Callable[[], Awaitable[tuple[Any, ...]]]
"""Gives the arguments of a call, validated."""

_log = get_logger("binding")


def routes(
    contract: type[Contract], implementation: Contract, inbound: Inbound, verifier: TokenVerifier
) -> list[HTTPRouteHandler]:
    """Litestar handlers for every path of a contract.

    Args:
        contract: The declared contract.
        implementation: An instance that implements it.
        inbound: The pipeline of this process.
        verifier: Verifies the access tokens; each must name this API as its audience.

    Raises:
        TypeError: It has webhooks and does not say who signs them.
    """
    every = [Served(operation, implementation) for operation in contract.operations.values()]
    doors = doors_of(contract, implementation, every)
    by_path: dict[str, dict[str, Served]] = {}
    for served in every:
        by_path.setdefault(served.operation.path, {})[served.operation.method] = served
    resources = [Resource(path, served, contract, inbound, verifier, doors) for path, served in by_path.items()]
    return [_handler(resource) for resource in resources]


def _handler(resource: "Resource") -> HTTPRouteHandler:
    async def answer(scope: Scope) -> ASGIApp:  # noqa: ARG001 - Litestar asks for the application to run
        return resource

    path = resource.path.replace("}", ":str}")
    return route(path, http_method=list(ALL_METHODS), status_code=200, name=resource.path)(answer)  # pyright: ignore[reportArgumentType]


class Resource:
    """Everything under one path template, as an ASGI application."""

    def __init__(
        self, path: str, served: dict[str, Served], contract: type[Contract], inbound: Inbound,
        verifier: TokenVerifier, doors: dict[str, WebhookDoor],
    ) -> None:  # fmt: skip
        self.path = path
        self._doors = doors
        self._served = served
        self._contract = contract
        self._inbound = inbound
        self._verifier = verifier
        self._get = served.get("GET")
        allowed = {*served, "OPTIONS", *(["HEAD"] if self._get else [])}
        self._allow = ", ".join(method for method in ALL_METHODS if method in allowed)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request; never raises for anything a caller can do."""
        method: str = scope["method"]
        span: Span = scope.get(SPAN) or start_span(self.path, kind="server", parent="")
        extra: list[tuple[bytes, bytes]] = []
        try:
            if method == "OPTIONS":
                answer = Answer(204, [(b"allow", self._allow.encode())], b"")
            else:
                answer = await self._answer(method, scope, receive, span, extra)
        except Problem as problem:
            answer = refusal(problem, instance=scope["path"], trace_id=span.trace_id, realm=self._contract.audience)
        except Exception:  # noqa: BLE001 - a defect becomes a problem and a log line
            _log.exception("http.defect", path=self.path)
            fault = InternalFault("This request failed by a defect of ours; the trace id leads to it.")
            answer = refusal(fault, instance=scope["path"], trace_id=span.trace_id, realm=self._contract.audience)
        await write(answer, extra, send, head=method == "HEAD")

    async def _answer(
        self, method: str, scope: Any, receive: Receive, span: Span, extra: list[tuple[bytes, bytes]]
    ) -> Answer:
        served = self._get if method == "HEAD" else self._served.get(method)
        if served is None:
            raise MethodNotAllowed(f"{self.path} takes {self._allow}, not {method}.", extensions={"allow": self._allow})
        operation = served.operation
        span.name = f"{method} {self.path}"
        span.set("triptych.operation", operation.qualified_name)
        headers: Headers = scope.get(HEADERS) or read_headers(scope["headers"])
        require_json_accepted(headers)
        outcome = "ok"
        try:
            context, read = await self._call(served, scope, headers, receive, span)
            result = await self._inbound.call(served, context, read, lambda decision: _limits(extra, decision))
            return success(operation, result, headers.get(b"if-none-match"), context.wait)
        except Problem as problem:
            outcome = problem.slug
            raise
        finally:
            operation_call(self._contract.slug, operation.name, outcome, span.seconds)

    async def _call(
        self, served: Served, scope: Any, headers: Headers, receive: Receive, span: Span
    ) -> tuple[CallContext, Read]:
        """Who calls and how, and what reads the arguments; a webhook is read by then, as that tells who signed it."""
        if not served.operation.signed:
            context = read_context(headers, await self._authenticate(headers), span)
            return context, self._reader(served, scope, headers, receive)
        principal, message = await self._doors[served.operation.name].let_in(headers, receive)

        async def read() -> tuple[Any, ...]:
            return (*served.operation.from_http({}, read_query(scope["query_string"]), None), message)

        return read_context(headers, principal, span), read

    async def _authenticate(self, headers: Headers) -> Principal:
        token = bearer_token(headers)
        if token is None:
            raise Unauthenticated(
                "This request carries no access token; send one as `Authorization: Bearer …`.",
                extensions={"reason": "missing"},
            )
        audience = self._contract.audience
        return self._verifier.cached(token, audience) or await self._verifier.verify(token, audience)

    @staticmethod
    def _reader(served: Served, scope: Any, headers: Headers, receive: Receive) -> Read:
        operation = served.operation

        async def read() -> tuple[Any, ...]:
            body = None
            if operation.body is not None:
                bare = is_bare_text(headers, operation.route.text_types)
                if not bare:
                    require_json_body(headers)
                body = await read_body(headers, receive)
                if bare:
                    body = wrapped(body, msgspec.structs.fields(operation.body.type)[0].encode_name)
            return operation.from_http(scope["path_params"], read_query(scope["query_string"]), body)

        return read


def _limits(extra: list[tuple[bytes, bytes]], decision: Decision) -> None:
    extra.extend(rate_limit_headers(decision))


async def write(answer: Answer, extra: Iterable[tuple[bytes, bytes]], send: Send, *, head: bool = False) -> None:
    """Send an answer; to HEAD the same headers without the body."""
    headers = [*answer.headers, *extra]
    if answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body, "more_body": False})
