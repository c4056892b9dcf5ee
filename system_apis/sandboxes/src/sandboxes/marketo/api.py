"""Marketo's REST API over HTTP: the identity endpoint, limits, people, activities."""

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

from sandboxes.kit import Clock, Request, Response, Router, SandboxApp, http_app
from sandboxes.marketo.activities import activities
from sandboxes.marketo.arguments import Answer, Document, arguments
from sandboxes.marketo.limits import Limits
from sandboxes.marketo.people import people
from sandboxes.marketo.refusals import HttpRefusal, Refusal
from sandboxes.marketo.subscription import Subscription
from sandboxes.marketo.tokens import CLIENT_ID, CLIENT_SECRET, Tokens
from sandboxes.marketo.work import Work

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "create_app"]

_LONGEST_URI, _LARGEST_BODY = 8 * 1024, 1024 * 1024


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """A subscription that the custom service `CLIENT_ID` opens."""
    subscription, limits, tokens, work = Subscription(state, clock), Limits(clock), Tokens(clock), Work()
    router = Router()
    for method, path, answer in (*people(subscription, work), *activities(subscription, work), *_usage(limits)):
        router.add(method, path, _endpoint(answer, tokens, limits))

    async def respond(request: Request) -> Response:
        if len(request.raw_path) + len(request.query_string) > _LONGEST_URI:
            return Response("", 414)
        if len(request.body) > _LARGEST_BODY:
            return Response("", 413)
        if request.path == "/identity/oauth/token" and request.method in ("GET", "POST"):
            try:
                return Response(tokens.issue(arguments(request)))
            except HttpRefusal as refused:
                return Response(refused.body, refused.status)
        endpoint = router.find(request)
        if isinstance(endpoint, tuple):
            return _refused(
                Refusal(605, "HTTP Method not supported") if endpoint else Refusal(610, "Requested resource not found")
            )
        return await endpoint(request)

    return SandboxApp(
        http_app(respond), close=subscription.state.close, reset=subscription.state.reset, ledger=subscription.ledger,
        controls={"limits": limits.change, "expire-tokens": tokens.expire, "work": work.change},
    )  # fmt: skip


def _endpoint(answer: Answer, tokens: Tokens, limits: Limits) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        try:
            tokens.check(request.headers.get("authorization", ""))
            with limits.counted():
                found = await answer(request, arguments(request))
        except Refusal as refused:
            return _refused(refused)
        return Response(
            {"requestId": _request_id(), **found, "success": True}, media_type="application/json;charset=UTF-8"
        )

    return respond


def _refused(refused: Refusal) -> Response:
    body = {"requestId": _request_id(), "success": False, "errors": [refused.error()]}
    return Response(body, media_type="application/json;charset=UTF-8")


def _usage(limits: Limits) -> list[tuple[str, str, Answer]]:
    async def today(request: Request, asked: dict[str, str]) -> Document:
        del request, asked
        return {"result": [{"total": limits.used, "atOnce": limits.most}]}

    return [("GET", "/rest/v1/stats/usage.json", today)]


def _request_id() -> str:
    return f"{uuid.uuid4().hex[:5]}#{uuid.uuid4().hex[:11]}"
