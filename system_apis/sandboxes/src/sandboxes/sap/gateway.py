"""SAP Gateway: logon, sessions, CSRF, finding the service, and one transaction per request or changeset."""

import base64
import binascii
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from types import MappingProxyType
from typing import TypeVar

from sandboxes.kit import Clock, Request, Response, State
from sandboxes.kit.asgi import ASGIApp, Receive, Scope, Send
from sandboxes.kit.http import read_body
from sandboxes.sap import icf
from sandboxes.sap.oauth2 import TOKEN_PATH, TokenServer
from sandboxes.sap.odata_v2.batch import answer_batch
from sandboxes.sap.odata_v2.endpoint import WRITES, Inbound, ServiceEndpoint, tunnelled
from sandboxes.sap.odata_v2.errors import NO_SERVICE, ODataError, error_json, error_xml, refuse
from sandboxes.sap.odata_v4 import batch as batch_v4
from sandboxes.sap.odata_v4 import errors as errors_v4
from sandboxes.sap.odata_v4 import model as model_v4
from sandboxes.sap.odata_v4.endpoint import EndpointV4
from sandboxes.sap.sessions import CLIENT, Session, Sessions, session_cookies, token_is

_PATH = re.compile(
    r"/sap/opu/odata/(?P<namespace>[^/]+)/(?P<name>[^/;]+)(?:;[^/]*?v=(?P<version>\d+)[^/]*)?(?P<rest>/.*)?"
)
_XML = "application/xml;charset=utf-8"
IcfNode = Callable[[Request, str], tuple[Response, tuple[str, ...]]]
"""Answers what arrives at a path that is not OData, for a user who is logged on; with the cookies to set."""

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one user that may log on."""

    user: str
    password: str


class Gateway:
    """Answers every request to the system; `before` is done before each.

    `nodes` are its other services by path; a path that ends in a slash stands for all below it. `newer` are its OData
    services of version 4, `tokens` issues what logs on besides the user's password.
    """

    def __init__(
        self,
        endpoints: Sequence[ServiceEndpoint],
        state: State,
        clock: Clock,
        credentials: Credentials,
        sessions: Sessions,
        nodes: Mapping[str, IcfNode] = MappingProxyType({}),
        before: Callable[[], None] = lambda: None,
        newer: Sequence[EndpointV4] = (),
        tokens: TokenServer | None = None,
    ) -> None:
        self._newer, self._tokens = newer, tokens
        self._nodes, self._before = nodes, before
        self._endpoints = {
            (one.service.namespace.lower(), one.service.name.upper(), one.service.version): one for one in endpoints
        }
        self._state, self._clock = state, clock
        self._credentials, self._sessions = credentials, sessions

    def respond(self, request: Request) -> tuple[Response, tuple[str, ...]]:
        """The response and the cookies to set with it."""
        path = request.raw_path.partition("?")[0]
        if not path.startswith("/sap/"):
            return icf.no_such_path(path), ()
        if path == TOKEN_PATH and self._tokens is not None:
            return self._tokens.answer(request), ()
        now = self._clock.timestamp()
        session = self._sessions.find(request.headers.get("cookie", ""), now)
        user = self._user(request)
        if user is None and not request.headers.get("authorization", "").lower().startswith("bearer "):
            user = session.user if session else None
        if user is None:
            return icf.logon_failed(), ()
        if _client(request) != CLIENT:
            return icf.logon_failed(f"Client {_client(request)} is not available in this system"), ()
        self._before()
        if (node := self._node(path)) is not None:
            return node(request, user)
        if not path.startswith(("/sap/opu/odata/", model_v4.ROOT)):
            return icf.inactive(path), ()
        return self._with_token(request, user, session, now)

    def _node(self, path: str) -> IcfNode | None:
        above = next((at for at in self._nodes if at.endswith("/") and path.startswith(at)), path)
        return self._nodes.get(above)

    def _with_token(
        self, request: Request, user: str, session: Session | None, now: float
    ) -> tuple[Response, tuple[str, ...]]:
        if request.method in WRITES and not token_is(session, request.headers.get("x-csrf-token", "")):
            return icf.csrf_refused(), ()
        response = self._dispatch(request, user)
        if request.method not in WRITES and request.headers.get("x-csrf-token", "").lower() == "fetch":
            cookies = () if session else session_cookies(session := self._sessions.begin(user, now))
            response.headers["x-csrf-token"] = session.token
            return response, cookies
        return response, ()

    def _dispatch(self, request: Request, user: str) -> Response:
        path = request.raw_path.partition("?")[0]
        origin = f"http://{request.headers.get('host', 'localhost')}"
        if path.startswith(model_v4.ROOT):
            return self._dispatch_newer(path, request, origin, user)
        found = _PATH.fullmatch(path)
        rest = (found["rest"] or "").lstrip("/") if found else ""
        inbound = tunnelled(
            Inbound(request.method, rest, request.query_string, request.headers, request.body, origin, user)
        )
        key = (found["namespace"].lower(), found["name"].upper(), int(found["version"] or 1)) if found else ("", "", 0)
        endpoint = self._endpoints.get(key)
        if endpoint is None:
            return self._no_service(key, inbound)
        try:
            return self._answer(endpoint, inbound)
        except ODataError as error:
            return endpoint.render_error(error, inbound)

    def _answer(self, endpoint: ServiceEndpoint, inbound: Inbound) -> Response:
        if inbound.path.strip("/") == "$batch":
            if inbound.method != "POST":
                raise refuse(405, "/IWFND/CM_MGW/405", "A batch must be sent with POST")
            return answer_batch(endpoint, inbound, self._transaction)
        if inbound.method not in WRITES:
            return endpoint.answer(inbound)
        with self._state.transaction():
            return endpoint.answer(inbound)

    def _dispatch_newer(self, path: str, request: Request, origin: str, user: str) -> Response:
        endpoint = next((one for one in self._newer if f"{path}/".startswith(f"{one.service.root}/")), None)
        if endpoint is None:
            error = refuse(404, errors_v4.NO_SERVICE, f"Service group of '{path}' not published")
            body = errors_v4.error_document(error, None, self._clock.now())
            return Response(body, 404, {"odata-version": "4.0"}, "application/json")
        rest = path.removeprefix(endpoint.service.root).lstrip("/")
        inbound = Inbound(request.method, rest, request.query_string, request.headers, request.body, origin, user)
        try:
            if rest == "$batch" and request.method == "POST":
                return batch_v4.answer_batch(endpoint, inbound, self._transaction)
            if inbound.method not in WRITES:
                return endpoint.answer(inbound)
            return self._transaction(lambda: endpoint.answer(inbound))
        except ODataError as error:
            return endpoint.render_error(error)

    def _transaction(self, run: Callable[[], _Result]) -> _Result:
        with self._state.transaction():
            return run()

    def _no_service(self, key: tuple[str, str, int], inbound: Inbound) -> Response:
        text = f"No service found for namespace '', name '{key[1]}', version '{key[2]:04d}'"
        error, now = refuse(403, NO_SERVICE, text), self._clock.now()
        if inbound.wants_json:
            return Response(error_json(error, None, now), 403, media_type="application/json;charset=utf-8")
        return Response(error_xml(error, None, now), 403, media_type=_XML)

    def _user(self, request: Request) -> str | None:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._tokens is not None:
            return self._tokens.user_of(encoded.strip())
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        known = compare_digest(user.upper().encode(), self._credentials.user.encode())
        right = compare_digest(password.encode(), self._credentials.password.encode())
        return self._credentials.user if known and right else None


def asgi_app(gateway: Gateway) -> ASGIApp:
    """The gateway as an ASGI app; unlike the kit's it can set several cookies."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, await read_body(receive))
        try:
            response, cookies = gateway.respond(request)
        except Exception:  # noqa: BLE001 - a defect shows as SAP shows one: a page about a short dump
            _log.exception("sandbox.sap.short_dump")
            response, cookies = icf.crashed(), ()
        headers = _encoded(response.headers) + [(b"set-cookie", cookie.encode()) for cookie in cookies]
        if response.status not in (204, 304):
            headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else response.body})

    return app


def _client(request: Request) -> str:
    return request.query.get("sap-client") or request.headers.get("sap-client") or CLIENT


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
