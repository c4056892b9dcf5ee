"""Slack's Web API over HTTP: tokens, forms and JSON, limits, methods."""

import hmac
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from sandboxes.kit import Clock, Request, Response, SandboxApp, http_app
from sandboxes.slack.refusals import Refusal
from sandboxes.slack.workspace import APP, BOT, TEAM, USER, Workspace

TOKEN = "xoxb-tarn-gauge"  # noqa: S105 - a token that only this sandbox knows
TOKEN_VARIABLE = "SANDBOX_SLACK_TOKEN"  # noqa: S105 - a name
"""Environment variable with the token to take instead, so that whoever starts the sandbox may choose it."""

_PREFIX = "/api/"
_SCOPES = {"x-oauth-scopes": "chat:write,channels:history,channels:read"}
_JSON = "application/json; charset=utf-8"
Document = dict[str, Any]


class _Limit:
    """For how long nothing is answered; nothing is how it starts."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._until = clock, 0.0

    def change(self, body: Document) -> Document:
        """The control `rate-limit`."""
        self._until = self._clock.timestamp() + float(body["seconds"])
        return body

    def lift(self) -> None:
        """Back to answering."""
        self._until = 0.0

    def wait(self) -> int:
        """Whole seconds still to wait, 0 for none."""
        left = self._until - self._clock.timestamp()
        return int(left) + 1 if left > 0 else 0


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """A workspace with an app that `TOKEN` belongs to."""
    workspace, limit = Workspace(state, clock), _Limit(clock)
    methods: dict[str, Callable[[Document], Document]] = {
        "auth.test": lambda _: {"team": "Tarn Gauge Works", "team_id": TEAM, "user_id": USER, "bot_id": BOT,
                                "app_id": APP},
        "chat.postMessage": workspace.post,
        "conversations.history": workspace.history,
        "conversations.list": lambda _: {"channels": workspace.channels(), "response_metadata": {"next_cursor": ""}},
    }  # fmt: skip

    async def respond(request: Request) -> Response:
        if not request.path.startswith(_PREFIX):
            return Response("Not found", 404, media_type="text/plain")
        if seconds := limit.wait():
            return _answer({"ok": False, "error": "ratelimited"}, 429, {"retry-after": str(seconds)})
        try:
            _authenticate(request)
            method = methods.get(request.path.removeprefix(_PREFIX))
            if method is None:
                raise Refusal("unknown_method")
            return _answer({"ok": True, **method(_arguments(request))}, 200, _SCOPES)
        except Refusal as refused:
            return _answer({"ok": False, "error": refused.error}, 200, {})

    def reset() -> None:
        workspace.state.reset()
        limit.lift()

    return SandboxApp(
        http_app(respond), close=workspace.state.close, reset=reset, ledger=workspace.ledger,
        controls={"rate-limit": limit.change},
    )  # fmt: skip


def _answer(document: Document, status: int, headers: dict[str, str]) -> Response:
    return Response(document, status, headers, _JSON)


def _authenticate(request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal("not_authed")
    if not hmac.compare_digest(token.encode(), os.environ.get(TOKEN_VARIABLE, TOKEN).encode()):
        raise Refusal("invalid_auth")


def _arguments(request: Request) -> Document:
    """From the query, and from the body as JSON or as a form, whose blocks and metadata are JSON as text."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json" and request.body:
            return {**request.query, **msgspec.json.decode(request.body, type=Document)}
        found: Document = {**request.query, **dict(parse_qsl(request.body.decode(), keep_blank_values=True))}
        for name in ("blocks", "metadata"):
            if name in found:
                found[name] = msgspec.json.decode(found[name])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal("invalid_json" if kind == "application/json" else "invalid_form_data") from None
    return found
