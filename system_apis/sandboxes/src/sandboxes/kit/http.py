"""Requests, responses and routes: just enough HTTP for a stand-in to answer byte for byte like its vendor."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from sandboxes.kit.asgi import ASGIApp, Receive, Scope, Send


class Request:
    """A request whose body is here; header names are lower case, `params` come from the route."""

    __slots__ = ("body", "headers", "method", "params", "path", "query_string", "raw_path")

    def __init__(self, scope: Scope, body: bytes) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: str = scope["raw_path"].decode("ascii", "replace")
        self.query_string: str = scope["query_string"].decode("ascii", "replace")
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.body = body
        self.params: dict[str, str] = {}

    @property
    def query(self) -> dict[str, str]:
        """The query parameters; the last one wins where a name repeats."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    def json(self) -> Any:
        """The body read as JSON; raises `msgspec.DecodeError` when it is not."""
        return msgspec.json.decode(self.body)


class Response:
    """What goes back: bytes or text as they are, None for no body, anything else as JSON."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self,
        content: object = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        self.status = status
        self.headers = dict(headers or {})
        if content is None:
            self.body = b""
        elif isinstance(content, bytes):
            self.body = content
        elif isinstance(content, str):
            self.body = content.encode()
        else:
            self.body = msgspec.json.encode(content)
            media_type = media_type or "application/json"
        if media_type:
            self.headers.setdefault("content-type", media_type)


Endpoint = Callable[[Request], Awaitable[Response]]


def http_app(respond: Endpoint) -> ASGIApp:
    """An ASGI app that reads the whole body, asks `respond`, and sends the whole answer."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await respond(Request(scope, await read_body(receive)))
        await send_response(send, response, head=scope["method"] == "HEAD")

    return app


async def read_body(receive: Receive) -> bytes:
    """The whole body of the request."""
    message = await receive()
    if not message.get("more_body"):
        return message.get("body", b"")
    chunks = [message["body"]]
    while message.get("more_body"):
        message = await receive()
        chunks.append(message.get("body", b""))
    return b"".join(chunks)


async def send_response(send: Send, response: Response, *, head: bool = False) -> None:
    """Send the response with its length; `head` leaves the body out."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    if response.status not in (204, 304):
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})


class Router:
    """Endpoints by method and path template: `{name}` is one segment, `{name:path}` all that follows."""

    def __init__(self) -> None:
        self._fixed: dict[str, dict[str, Endpoint]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Endpoint]]] = []

    def add(self, method: str, template: str, endpoint: Endpoint) -> None:
        """Answer this method on this template; templates are tried in the order they were added."""
        if "{" not in template:
            self._fixed.setdefault(template, {})[method] = endpoint
            return
        pattern = re.compile(_pattern(template))
        for known, methods in self._patterns:
            if known.pattern == pattern.pattern:
                methods[method] = endpoint
                return
        self._patterns.append((pattern, {method: endpoint}))

    def find(self, request: Request) -> Endpoint | tuple[str, ...]:
        """The endpoint, with `request.params` set; else the methods the path knows: none means 404, some 405.

        Segments are matched before they are unquoted, so that an id may hold an encoded slash.
        """
        path = request.raw_path.partition("?")[0]
        methods = self._fixed.get(path)
        if methods is None:
            for pattern, candidates in self._patterns:
                if match := pattern.fullmatch(path):
                    request.params = {name: unquote(value) for name, value in match.groupdict().items()}
                    methods = candidates
                    break
            else:
                return ()
        method = "GET" if request.method == "HEAD" and "HEAD" not in methods else request.method
        return methods.get(method) or tuple(sorted(methods))


def _pattern(template: str) -> str:
    pieces = re.split(r"(\{\w+(?::path)?\})", template)
    return "".join(
        f"(?P<{piece[1:-1].removesuffix(':path')}>{'.*' if piece.endswith(':path}') else '[^/]+'})"
        if piece.startswith("{")
        else re.escape(piece)
        for piece in pieces
    )
