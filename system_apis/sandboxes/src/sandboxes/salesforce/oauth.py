"""The OAuth door: token, revoke, introspect."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.sax.saxutils import escape

from sandboxes.salesforce.assertions import AUDIENCES, OAuthError, read_assertion, verified
from sandboxes.salesforce.http import Request, Response
from sandboxes.salesforce.org import MY_DOMAIN, PASSWORD, SECURITY_TOKEN, Org
from sandboxes.salesforce.sessions import ConnectedApp, Session

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPE = "api web refresh_token"
_LOGIN_HOST = "https://login.salesforce.com"


class OAuth:
    """Answers /services/oauth2/….

    Args:
        org: The org.
    """

    def __init__(self, org: Org) -> None:
        self._org = org

    def token(self, request: Request) -> Response:
        """A token for a grant, or the refusal as an object."""
        form = _form(request)
        try:
            if request.method != "POST":
                raise OAuthError("invalid_request", "must use HTTP POST")
            answer = self._granted(form, request)
        except OAuthError as fault:
            error = {"error": fault.error, "error_description": fault.description}
            return _formatted(form, error, fault.status)
        return _formatted(form, answer, 200)

    def revoke(self, request: Request) -> Response:
        """End a token: 200 empty, or 400 when nobody knows it."""
        token = (_form(request) | request.query).get("token", "")
        if self._org.sessions.revoke(token):
            return Response(200)
        error = {"error": "invalid_token", "error_description": "invalid token"}
        return Response(400, error)

    def introspect(self, request: Request) -> Response:
        """What a token is good for (RFC 7662)."""
        form = _form(request)
        try:
            self._authenticated(form, request)
        except OAuthError as fault:
            error = {"error": fault.error, "error_description": fault.description}
            return Response(401, error)
        session = self._org.sessions.peek(form.get("token", ""))
        if session is None:
            return Response(200, {"active": False})
        return Response(200, self._introspected(session))

    def _introspected(self, session: Session) -> dict[str, object]:
        return {
            "active": True,
            "scope": session.scope,
            "client_id": session.client_id,
            "username": self._org.user(session.user_id)["Username"],
            "sub": f"{_LOGIN_HOST}/id/{self._org.id}/{session.user_id}",
            "token_type": "access_token",
            "exp": int(session.used_at + self._org.sessions.seconds),
            "iat": int(session.issued_at),
            "nbf": int(session.issued_at),
        }

    def _granted(self, form: dict[str, str], request: Request) -> dict[str, str]:
        match form.get("grant_type"):
            case grant if grant == JWT_BEARER:
                return self._jwt_bearer(form, request)
            case "client_credentials":
                return self._client_credentials(form, request)
            case "password":
                return self._password(form, request)
            case "refresh_token":
                return self._refresh(form, request)
            case _:
                raise OAuthError("unsupported_grant_type", "grant type not supported")

    def _jwt_bearer(self, form: dict[str, str], request: Request) -> dict[str, str]:
        assertion = read_assertion(form.get("assertion", ""))
        app = self._org.apps.find(assertion.client_id)
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if not verified(assertion, self._org.apps.keys_of(app)):
            raise OAuthError("invalid_grant", "invalid assertion")
        if assertion.audience not in AUDIENCES | _own_urls(request):
            raise OAuthError("invalid_grant", "audience is invalid")
        if assertion.expires_at <= self._org.clock.timestamp():
            raise OAuthError("invalid_grant", "expired authorization code")
        user = self._org.user_named(assertion.username)
        if user is None:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        if not user["IsActive"]:
            raise OAuthError("inactive_user", "user is inactive")
        session = self._org.sessions.start(user["Id"], app.client_id, "api web")
        return self._described(session, request)

    def _client_credentials(self, form: dict[str, str], request: Request) -> dict[str, str]:
        app = self._authenticated(form, request)
        user = self._org.user_named(app.run_as) if app.run_as else None
        if user is None:
            raise OAuthError("invalid_grant", "no client credentials user enabled")
        session = self._org.sessions.start(user["Id"], app.client_id, "api web")
        return self._described(session, request) | self._signed(session, app, request)

    def _password(self, form: dict[str, str], request: Request) -> dict[str, str]:
        app = self._authenticated(form, request)
        user = self._org.user_named(form.get("username", ""))
        if user is None or form.get("password") not in (PASSWORD, PASSWORD + SECURITY_TOKEN):
            raise OAuthError("invalid_grant", "authentication failure")
        session = self._org.sessions.start(user["Id"], app.client_id, _SCOPE, refreshable=True)
        signed = self._signed(session, app, request)
        return self._described(session, request) | signed | {"refresh_token": session.refresh_token}

    def _refresh(self, form: dict[str, str], request: Request) -> dict[str, str]:
        grant = self._org.sessions.of_refresh_token(form.get("refresh_token", ""))
        app = self._org.apps.find(_credentials(form, request)[0])
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if grant is None or grant.client_id != app.client_id:
            raise OAuthError("invalid_grant", "expired access/refresh token")
        session = self._org.sessions.start(grant.user_id, app.client_id, grant.scope)
        return self._described(session, request) | self._signed(session, app, request)

    def _authenticated(self, form: dict[str, str], request: Request) -> ConnectedApp:
        client_id, client_secret = _credentials(form, request)
        app = self._org.apps.find(client_id)
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(app.client_secret.encode(), client_secret.encode()):
            raise OAuthError("invalid_client", "invalid client credentials")
        return app

    def _described(self, session: Session, request: Request) -> dict[str, str]:
        return {
            "access_token": session.token,
            "scope": session.scope,
            "instance_url": request.origin,
            "id": self._identity(session, request),
            "token_type": "Bearer",
        }

    def _identity(self, session: Session, request: Request) -> str:
        return f"{request.origin}/id/{self._org.id}/{session.user_id}"

    def _signed(self, session: Session, app: ConnectedApp, request: Request) -> dict[str, str]:
        issued_at = str(int(session.issued_at * 1000))
        signed = (self._identity(session, request) + issued_at).encode()
        signature = hmac.digest(app.client_secret.encode(), signed, sha256)
        return {"issued_at": issued_at, "signature": b64encode(signature).decode()}


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _credentials(form: dict[str, str], request: Request) -> tuple[str, str]:
    """Client id and secret, from the body or from Basic."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = b64decode(encoded).decode().partition(":")
        except (Base64Error, UnicodeDecodeError):
            raise OAuthError("invalid_client", "invalid client credentials") from None
        return client_id, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _own_urls(request: Request) -> set[str]:
    """This org's own addresses, whichever scheme the client reached it by."""
    host = urlsplit(request.origin).netloc
    return {MY_DOMAIN, f"http://{host}", f"https://{host}"}


def _formatted(form: dict[str, str], answer: dict[str, str], status: int) -> Response:
    match form.get("format", "json"):
        case "urlencoded":
            return Response(status, urlencode(answer).encode(), {}, "application/x-www-form-urlencoded")
        case "xml":
            children = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in answer.items())
            document = f'<?xml version="1.0" encoding="UTF-8"?><OAuth>{children}</OAuth>'
            return Response(status, document.encode(), {}, "application/xml;charset=UTF-8")
        case _:
            return Response(status, answer, {"Cache-Control": "no-cache, no-store"})
