"""Lets the documentation page of the edge try APIs of other processes, on a developer's machine only.

Closed unless an origin is named: without it no browser may read our answers from another page.
"""

from collections.abc import Iterable
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Send

_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_HEADERS = b"authorization, content-type, accept, idempotency-key, if-none-match, if-match, prefer, traceparent"
_EXPOSED = b"etag, link, location, ratelimit, ratelimit-policy, retry-after, trace-id, preference-applied"
_KEPT_SECONDS = b"600"


class Cors:
    """An ASGI application around another that answers pages of some origins (Fetch standard, "CORS protocol").

    Args:
        app: What answers.
        origins: Origins whose pages may call, e.g. `http://127.0.0.1:8080`; none closes the door.
    """

    def __init__(self, app: ASGIApp, origins: Iterable[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer a preflight, mark the answer to a page that may call, leave everything else alone."""
        headers: dict[bytes, bytes] = dict(scope["headers"]) if scope["type"] == "http" else {}
        origin = headers.get(b"origin")
        if origin is None or origin not in self._origins:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await _allow(origin, send)
        else:
            await self._app(scope, receive, _marking(origin, send))


async def _allow(origin: bytes, send: Send) -> None:
    headers = [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", _HEADERS),
        (b"access-control-max-age", _KEPT_SECONDS),
        (b"vary", b"origin"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _marking(origin: bytes, send: Send) -> Send:
    marks = [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED),
        (b"vary", b"origin"),
    ]

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *marks]
        await send(message)

    return marked
