"""The gateway: logging on, envelopes, faults, the WADL, and which procedures are deployed.

Source: Oracle E-Business Suite Integrated SOA Gateway Developer's Guide, "REST services".
"""

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, cast

import msgspec

from sandboxes.kit import Clock, Request, Response, SandboxApp, State, http_app
from sandboxes.oracle_ebs.orders import SCHEMA, Orders
from sandboxes.oracle_ebs.wadl import wadl

USER, ALIAS = "TRIPTYCH", "order"
TOKEN_NAME = "EBSDB"  # noqa: S105 - the name of the instance, and of the cookie
RESPONSIBILITIES = frozenset({"ORDER_MGMT_SUPER_USER"})
_ROOT = "/webservices/rest"
_PASSWORD_VARIABLE = "SANDBOX_ORACLE_EBS_PASSWORD"  # noqa: S105 - the name of a variable
_encode = msgspec.json.Encoder(decimal_format="number").encode


class GatewayFault(Exception):  # noqa: N818 - the guide's word
    """The gateway refuses a call before any procedure runs."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def create_app(state: Path | None, clock: Clock) -> SandboxApp:
    """The suite; the password of user TRIPTYCH comes from SANDBOX_ORACLE_EBS_PASSWORD, else it is `sandbox-only`."""
    store = State(state, SCHEMA, lambda _: None)
    gateway = Gateway(store, Orders(store.connection, clock))

    async def respond(request: Request) -> Response:
        return gateway.respond(request)

    return SandboxApp(
        http_app(respond),
        close=store.close,
        reset=gateway.reset,
        ledger=gateway.orders.ledger,
        controls={"expire-tokens": gateway.expire_tokens, "fulfil": gateway.fulfil},
    )


class Gateway:
    """Answers every request.

    Args:
        store: The suite's state.
        orders: OE_ORDER_PUB.
    """

    def __init__(self, store: State, orders: Orders) -> None:
        self._store, self.orders = store, orders
        self._password = os.environ.get(_PASSWORD_VARIABLE, "sandbox-only")
        self._token = secrets.token_urlsafe(24)
        self._procedures = {"process_order": orders.process, "get_order": orders.get}

    def respond(self, request: Request) -> Response:
        """The answer; a fault of the gateway is JSON, a path where nothing is deployed a page."""
        try:
            return self._answer(request)
        except GatewayFault as fault:
            told: dict[str, Any] = {
                "Code": fault.code,
                "Message": fault.message,
                "Resolution": "",
                "ServiceDetails": {},
            }
            return Response({"ISGServiceFault": told}, fault.status)

    def reset(self) -> None:
        """No orders any more."""
        with self._store.transaction():
            self.orders.clear()

    def fulfil(self, body: dict[str, Any]) -> object:
        """See `Orders.fulfil`."""
        with self._store.transaction():
            return self.orders.fulfil(body)

    def expire_tokens(self, _: dict[str, Any]) -> object:
        """End the token that was handed out."""
        self._token = secrets.token_urlsafe(24)
        return {"ended": 1}

    def _answer(self, request: Request) -> Response:
        if not (self._by_password(request) or self._by_token(request)):
            raise GatewayFault(401, "ISG_AUTHENTICATION_FAILED", "Invalid user name or password.")
        path = request.path.rstrip("/")
        if path == f"{_ROOT}/login":
            token = {
                "accessToken": self._token,
                "accessTokenName": TOKEN_NAME,
                "ebsVersion": "12.2.12",
                "userName": USER,
            }
            return Response({"data": token})
        alias, _, procedure = path.removeprefix(f"{_ROOT}/").partition("/")
        if alias != ALIAS or not path.startswith(_ROOT):
            return Response("<html><body>404 Not Found</body></html>", 404, media_type="text/html")
        if request.method == "GET" and "wadl" in request.query_string.lower():
            origin = f"http://{request.headers.get('host', 'localhost')}{_ROOT}"
            return Response(wadl(f"{origin}/{ALIAS}/", sorted(self._procedures)), media_type="application/xml")
        if request.method != "POST" or procedure not in self._procedures:
            raise GatewayFault(404, "ISG_SERVICE_NOT_FOUND", f"The service operation {procedure} is not deployed.")
        parameters = _parameters(request, procedure)
        with self._store.transaction():
            output = self._procedures[procedure](parameters)
        return Response(_encode({"OutputParameters": output}), media_type="application/json")

    def _by_password(self, request: Request) -> bool:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        right = compare_digest(password.encode(), self._password.encode())
        return scheme.lower() == "basic" and user.upper() == USER and right

    def _by_token(self, request: Request) -> bool:
        try:
            cookies = SimpleCookie(request.headers.get("cookie", ""))
        except CookieError:
            return False
        return TOKEN_NAME in cookies and compare_digest(cookies[TOKEN_NAME].value.encode(), self._token.encode())


def _parameters(request: Request, procedure: str) -> Mapping[str, Any]:
    """The input parameters of an envelope, whose responsibility must be one of the user's."""
    try:
        document: Any = request.json()
    except msgspec.DecodeError:
        raise GatewayFault(400, "ISG_INVALID_PAYLOAD", "The payload is not well-formed JSON.") from None
    body = document.get(f"{procedure.upper()}_Input") if isinstance(document, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if not isinstance(body, dict):
        raise GatewayFault(400, "ISG_INVALID_PAYLOAD", f"{procedure.upper()}_Input is missing.")
    envelope = cast("dict[str, Any]", body)
    header: Mapping[str, Any] = envelope.get("RESTHeader") or {}
    if header.get("Responsibility") not in RESPONSIBILITIES:
        raise GatewayFault(403, "IRepAccessError", "The responsibility is not assigned to the user.")
    return envelope.get("InputParameters") or {}
