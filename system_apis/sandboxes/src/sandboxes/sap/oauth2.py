"""The OAuth 2.0 server of AS ABAP: access tokens by the client credentials grant (RFC 6749 §4.4).

Source: SAP's path `/sap/bc/sec/oauth2/token`; the client proves itself by Basic authentication.
"""

import base64
import binascii
from hmac import compare_digest
from secrets import token_urlsafe
from urllib.parse import parse_qsl

from sandboxes.kit import Clock, Request, Response

TOKEN_PATH = "/sap/bc/sec/oauth2/token"  # noqa: S105 - a path
CLIENT_ID = "TRIPTYCH_OAUTH"
LIFETIME_SECONDS = 3600


class TokenServer:
    """Issues tokens to the one client there is, and knows those that count.

    Args:
        secret: Of the client.
        user: Whom its tokens log on.
        clock: The time.
    """

    def __init__(self, secret: str, user: str, clock: Clock) -> None:
        self._secret, self._user, self._clock = secret, user, clock
        self._issued: dict[str, float] = {}

    def answer(self, request: Request) -> Response:
        """`POST` with grant_type and perhaps scope."""
        if request.method != "POST":
            return Response(None, 405)
        if not self._believes(request.headers.get("authorization", "")):
            challenge = {"www-authenticate": 'Basic realm="OAuth2 Token Endpoint"'}
            return Response({"error": "invalid_client"}, 401, challenge)
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if form.get("grant_type") != "client_credentials":
            return Response({"error": "unsupported_grant_type"}, 400)
        token = token_urlsafe(36)
        self._issued[token] = self._clock.timestamp() + LIFETIME_SECONDS
        issued = {"access_token": token, "token_type": "Bearer", "expires_in": str(LIFETIME_SECONDS)}
        if scope := form.get("scope"):
            issued["scope"] = scope
        return Response(issued, headers={"cache-control": "no-store"})

    def user_of(self, token: str) -> str | None:
        """Whom a token logs on; None when it is unknown or has ended."""
        return self._user if self._issued.get(token, 0.0) > self._clock.timestamp() else None

    def end_all(self) -> None:
        """End every token."""
        self._issued.clear()

    def _believes(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        try:
            client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        right = compare_digest(secret.encode(), self._secret.encode())
        return scheme.lower() == "basic" and client == CLIENT_ID and right
