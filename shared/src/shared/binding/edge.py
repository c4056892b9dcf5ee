"""The outermost layer of a process: shed load, open the server span, count, and mark every answer.

Here and not in Litestar's middleware, because that never sees a 404, a 405 or an answer to nobody.
"""

from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from shared.binding.call_context import Priority
from shared.binding.http_answer import refusal
from shared.binding.http_request import Headers, read_headers
from shared.binding.problems import InternalFault, Problem
from shared.binding.routes import HEADERS, SPAN, write
from shared.resilience.load_shedding import Shedder
from shared.telemetry.conventions import URL_PATH, known_method, server_attributes
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import request_finished, request_started, server_request
from shared.telemetry.traceparent import accept_tracestate
from shared.telemetry.tracing import Attribute, Span, start_span

_log = get_logger("edge")


class Edge:
    """An ASGI application around another.

    Args:
        app: What answers.
        shedder: How many requests may be under way.
        exempt: Paths that are answered whatever the load: probes and metrics.
    """

    def __init__(self, app: ASGIApp, shedder: Shedder, exempt: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._shedder = shedder
        self._exempt = exempt
        self._attributes: dict[str, dict[str, Attribute]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass lifespan events on."""
        if scope["type"] != "http" or scope["path"] in self._exempt:
            await self._app(scope, receive, send)
        else:
            await self._observe(scope, receive, send)

    async def _observe(self, scope: Any, receive: Receive, send: Send) -> None:
        method = known_method(scope["method"])
        headers = scope[HEADERS] = read_headers(scope["headers"])
        span = scope[SPAN] = self._span(method, headers)
        span.set(URL_PATH, scope["path"])
        marks = ((b"trace-id", span.trace_id.encode()), (b"x-content-type-options", b"nosniff"))
        status = 500

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *marks]
            await send(message)

        request_started()
        try:
            await self._answer(scope, receive, marked, span)
        finally:
            request_finished()
            route = scope.get("path_template") or ""
            if route:
                span.set("http.route", route)
            span.end_http(status)
            server_request(route or "unmatched", method, status, span.seconds)

    async def _answer(self, scope: Any, receive: Receive, send: Send, span: Span) -> None:
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            self._shedder.enter(_urgency(scope["method"], scope[HEADERS]))
            try:
                await self._app(scope, receive, noted)
            finally:
                self._shedder.exit()
        except Problem as problem:
            if not started:
                await write(
                    refusal(problem, instance=scope["path"], trace_id=span.trace_id, realm="triptych"), (), send
                )
        except Exception:  # noqa: BLE001 - the last line of defence: a defect becomes a problem and a log line
            _log.exception("edge.defect", path=scope["path"])
            if not started:
                fault = InternalFault("This request failed by a defect of ours; the trace id leads to it.")
                await write(refusal(fault, instance=scope["path"], trace_id=span.trace_id, realm="triptych"), (), send)

    def _span(self, method: str, headers: dict[bytes, bytes]) -> Span:
        attributes = self._attributes.get(method)
        if attributes is None:
            attributes = self._attributes[method] = server_attributes(method)
        return start_span(
            method,
            kind="server",
            parent=headers.get(b"traceparent", b"").decode("latin-1"),
            tracestate=accept_tracestate(headers.get(b"tracestate", b"").decode("latin-1")),
            attributes=attributes,
        )


def _urgency(method: str, headers: Headers) -> Priority:
    """Who goes first when we are full: a client may say that it can wait, not that it cannot."""
    if headers.get(b"triptych-priority") == b"batch":
        return "batch"
    return "interactive" if method in ("GET", "HEAD", "OPTIONS") else "order"
