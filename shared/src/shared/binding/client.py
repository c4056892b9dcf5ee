"""A typed client for a contract that is served elsewhere over HTTP.

Problems arrive as the same classes that the implementation raised. There are no retries here: they happen
in connectors and in flows, where it is known what a repeat does.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import msgspec

from shared.binding.call_context import CallContext, current_context
from shared.binding.declare import Contract
from shared.binding.inbound import deadline_exceeded
from shared.binding.operation import Operation
from shared.binding.problem_document import read_problem
from shared.binding.problems import (
    BackendFault,
    BackendUnavailable,
    Problem,
    kind_of_status,
)
from shared.binding.webhook_door import by_signature_only
from shared.resilience.wire import ConnectionFailed, Wire, WireFailure, WireReply, WireTimeout
from shared.telemetry.metrics import client_request
from shared.telemetry.tracing import Span, start_span

_C = TypeVar("_C", bound=Contract)

TokenSource = Callable[[CallContext, Operation], Awaitable[str]]
"""Gives the access token to send for a call; raises a Problem if the caller may not make it."""

_DEFAULT_SECONDS = 30.0


def http_client(contract: type[_C], base_url: str, wire: Wire, token: TokenSource) -> _C:
    """A `contract` whose calls go to `base_url` over HTTP.

    Args:
        contract: The declared contract.
        base_url: Scheme, host and port of the process that serves it.
        wire: The socket engine.
        token: Gives the token for each call, already narrowed to this API.
    """
    methods: dict[str, Any] = {
        name: by_signature_only(operation)
        if operation.signed
        else _method(operation, base_url.rstrip("/"), wire, token)
        for name, operation in contract.operations.items()
    }
    return cast("_C", type(f"Http{contract.__name__}", (contract,), methods)())


def _method(operation: Operation, base_url: str, wire: Wire, token: TokenSource) -> Any:
    name, method = operation.qualified_name, operation.method
    attributes = {
        "triptych.operation": name,
        "triptych.placement": "http",
        "http.request.method": method,
        "url.template": operation.path,
    }

    async def call(_self: object, *args: Any, **kwargs: Any) -> Any:
        caller = current_context()
        span = start_span(name, kind="client", parent=caller.traceparent, attributes=attributes)
        status: int | str = "refused"
        try:
            access_token = await token(caller, operation)
            seconds = _seconds(caller, operation)
            target, body = operation.to_http(operation.cross(args, kwargs))
            headers = request_headers(caller, span, access_token, has_body=body is not None)
            reply = await _send(operation, wire, method, base_url + target, headers, body, seconds)
            status = reply.status
            return _answer(operation, reply)
        except Problem as problem:
            span.end(problem.slug)
            raise
        finally:
            span.end(None if isinstance(status, int) else status)
            client_request(operation.contract.slug, method, status, span.seconds)

    return call


def request_headers(caller: CallContext, span: Span, access_token: str, *, has_body: bool) -> dict[str, str]:
    """The headers that carry a call context over HTTP."""
    headers = {
        "authorization": f"Bearer {access_token}",
        "accept": "application/json",
        "traceparent": span.traceparent,
        "triptych-priority": caller.priority,
    }
    if has_body:
        headers["content-type"] = "application/json"
    if caller.tracestate:
        headers["tracestate"] = caller.tracestate
    if caller.correlation_id:
        headers["correlation-id"] = caller.correlation_id
    if caller.idempotency_key is not None:
        headers["idempotency-key"] = f'"{caller.idempotency_key}"'
    if caller.wait is not None:
        headers["prefer"] = f"wait={caller.wait:g}" if caller.wait else "respond-async"
    if (remaining := caller.remaining()) is not None:
        headers["triptych-deadline-ms"] = str(max(int(remaining * 1000), 0))
    return headers


def _seconds(caller: CallContext, operation: Operation) -> float:
    """The time left; the same order of refusals as in-process: scope, then deadline, then arguments."""
    remaining = caller.remaining()
    if remaining is not None and remaining <= 0:
        raise deadline_exceeded(operation)
    return _DEFAULT_SECONDS if remaining is None else remaining


async def _send(
    operation: Operation, wire: Wire, method: str, url: str, headers: dict[str, str], body: bytes | None, seconds: float
) -> WireReply:
    api = operation.contract.slug
    try:
        return await wire.send(method, url, headers, body, seconds)
    except WireTimeout:
        raise deadline_exceeded(operation) from None
    except ConnectionFailed:
        raise BackendUnavailable(
            f"The API {api} cannot be reached; its process may be starting or down; try again soon."
        ) from None
    except WireFailure:
        raise BackendUnavailable(f"The API {api} broke off its answer; ask again.") from None


def _answer(operation: Operation, reply: WireReply) -> Any:
    if reply.status < 300:  # noqa: PLR2004 - the HTTP status classes (RFC 9110 §15)
        return None if reply.status == 204 else operation.decode_result(reply.body)  # noqa: PLR2004
    try:
        details = read_problem(reply.body)
    except msgspec.MsgspecError:
        kind = kind_of_status(reply.status)
        raise kind(f"The API {operation.contract.slug} answered {reply.status} without saying why.") from None
    if reply.status < 400:  # noqa: PLR2004
        raise BackendFault(f"The API {operation.contract.slug} answered {reply.status}, which no operation gives.")
    raise Problem.from_details(details)
