"""The outer door: reads HTTP, picks the door by path, writes HTTP."""

import asyncio
import gzip
import logging
import zlib
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

import msgspec

from sandboxes.kit import Receive, Scope, Send, read_body, send_response
from sandboxes.kit import Response as Sent
from sandboxes.salesforce.async_api.door import AsyncDoor
from sandboxes.salesforce.cometd import Cometd
from sandboxes.salesforce.faults import ApiError, json_error
from sandboxes.salesforce.http import Request, Response
from sandboxes.salesforce.identity import Identity
from sandboxes.salesforce.metadata.soap import MetadataSoap
from sandboxes.salesforce.oauth.authorize import Authorize
from sandboxes.salesforce.oauth.discovery import Discovery
from sandboxes.salesforce.oauth.tokens import OAuth
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.resources import ROUTES
from sandboxes.salesforce.rest import Rest, refusal
from sandboxes.salesforce.soap_login import SoapLogin

_LONGEST = 16_384
_WORTH_COMPRESSING = 512
_log = logging.getLogger(__name__)
Door = Callable[[Request], Response | Awaitable[Response]]


class Doors:
    """The org as an ASGI app.

    Args:
        org: The org.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        oauth, identity, discovery = OAuth(org), Identity(org), Discovery(org)
        # By path in lower case; the first that the path begins with.
        self._doors: tuple[tuple[str, Door], ...] = (
            ("/services/data", Rest(org, ROUTES).answer),
            ("/services/oauth2/authorize", Authorize(org).answer),
            ("/services/async/", AsyncDoor(org).answer),
            ("/services/oauth2/token", oauth.token),
            ("/services/oauth2/revoke", oauth.revoke),
            ("/services/oauth2/introspect", oauth.introspect),
            ("/services/oauth2/userinfo", identity.answer),
            ("/.well-known/openid-configuration", discovery.configuration),
            ("/id/keys", discovery.keys),
            ("/id/", identity.answer),
            ("/services/soap/m/", MetadataSoap(org).answer),
            ("/services/soap/", SoapLogin(org).answer),
            ("/cometd/", Cometd(org).answer),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await read_body(receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            _check_length(scope, headers)
            request = _request(scope, headers, body)
            response = self._answer(request)
            if not isinstance(response, Response):
                response = await _unless_gone(response, receive)
        except ApiError as fault:
            response = refusal(fault, self._org.usage.header)
        sent = _encoded(response, headers)
        await send_response(send, sent, head=scope["method"] == "HEAD")

    def _answer(self, request: Request) -> Response | Awaitable[Response]:
        path = request.path.lower()
        for prefix, door in self._doors:
            if path.startswith(prefix):
                return self._guarded(door, request)
        return Response(404, [ApiError(404, "NOT_FOUND", "The requested resource does not exist").as_error()])

    def _guarded(self, door: Door, request: Request) -> Response | Awaitable[Response]:
        try:
            return door(request)
        except Exception:  # noqa: BLE001 - whatever broke, the client gets the org's own 500
            _log.exception("sandbox.salesforce.failed %s %s", request.method, request.path)
            message = "An unexpected error occurred. Please include this ErrorId if you contact support: 0"
            return refusal(ApiError(500, "UNKNOWN_EXCEPTION", message), self._org.usage.header)


async def _unless_gone(answering: Awaitable[Response], receive: Receive) -> Response:
    """The answer, unless the client hangs up first: then nothing is done for it."""
    answer = asyncio.ensure_future(answering)
    gone = asyncio.ensure_future(receive())
    await asyncio.wait([answer, gone], return_when=asyncio.FIRST_COMPLETED)
    if not answer.done():
        answer.cancel()
        return Response(204)
    gone.cancel()
    return answer.result()


def _check_length(scope: Scope, headers: dict[str, str]) -> None:
    uri = len(scope["raw_path"]) + len(scope["query_string"])
    if uri > _LONGEST:
        raise ApiError(414, "URI_TOO_LONG", f"The URI may have at most {_LONGEST} bytes")
    if uri + sum(len(name) + len(value) for name, value in headers.items()) > _LONGEST:
        message = f"URI and headers together may have at most {_LONGEST} bytes"
        raise ApiError(431, "REQUEST_HEADER_FIELDS_TOO_LARGE", message)


def _request(scope: Scope, headers: dict[str, str], body: bytes) -> Request:
    if "gzip" in headers.get("content-encoding", ""):
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            raise json_error("The body is not the gzip its Content-Encoding promises") from None
    query = scope["query_string"].decode("ascii", "replace")
    return Request(
        scope["method"],
        scope["raw_path"].decode("ascii", "replace").partition("?")[0].rstrip("/"),
        dict(parse_qsl(query, keep_blank_values=True)) if query else {},
        headers,
        body,
        f"{scope.get('scheme', 'http')}://{headers.get('host', 'localhost')}",
    )


def _encoded(response: Response, headers: dict[str, str]) -> Sent:
    """The response as bytes, indented and compressed if the client asked."""
    if response.body is None:
        return Sent(None, response.status, response.headers)
    if isinstance(response.body, bytes):
        body = response.body
    else:
        body = msgspec.json.encode(response.body)
        if headers.get("x-prettyprint") == "1":
            body = msgspec.json.format(body, indent=2)
    sent = {**response.headers, "Content-Type": response.content_type}
    if len(body) > _WORTH_COMPRESSING and "gzip" in headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=1)
        sent |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Sent(body, response.status, sent)
