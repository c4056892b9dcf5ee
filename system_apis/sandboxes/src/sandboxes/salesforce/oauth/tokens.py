"""The OAuth door: token, revoke, introspect."""

import hmac
from urllib.parse import urlsplit

from sandboxes.salesforce.assertions import AUDIENCES, OAuthError, read_assertion, verified
from sandboxes.salesforce.http import Request, Response
from sandboxes.salesforce.oauth.answers import (
    REFRESHING,
    credentials_of,
    form_of,
    formatted,
    refused,
    signed_answer,
    token_answer,
)
from sandboxes.salesforce.oauth.codes import proves
from sandboxes.salesforce.oauth.devices import INTERVAL_SECONDS
from sandboxes.salesforce.org import MY_DOMAIN, PASSWORD, SECURITY_TOKEN, Org
from sandboxes.salesforce.sessions import ConnectedApp, Session

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPE = "api web refresh_token"
_LOGIN_HOST = "https://login.salesforce.com"
_LOGIN_HOSTS = frozenset({"login.salesforce.com", "test.salesforce.com"})


class OAuth:
    """Answers /services/oauth2/….

    Args:
        org: The org.
    """

    def __init__(self, org: Org) -> None:
        self._org = org

    def token(self, request: Request) -> Response:
        """A token for a grant, or the refusal as an object."""
        form = form_of(request)
        try:
            if request.method != "POST":
                raise OAuthError("invalid_request", "must use HTTP POST")
            if form.get("response_type") == "device_code":
                return Response(200, self._device_codes(form, request))
            return formatted(form, self._granted(form, request), 200)
        except OAuthError as fault:
            return refused(form, fault)

    def revoke(self, request: Request) -> Response:
        """End a token: 200 empty, or 400 when nobody knows it."""
        token = (form_of(request) | request.query).get("token", "")
        if self._org.sessions.revoke(token):
            return Response(200)
        error = {"error": "invalid_token", "error_description": "invalid token"}
        return Response(400, error)

    def introspect(self, request: Request) -> Response:
        """What a token is good for (RFC 7662)."""
        form = form_of(request)
        try:
            self._authenticated(form, request, public=False)
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
            case "authorization_code":
                return self._code(form, request)
            case "device":
                return self._device(form, request)
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
        return token_answer(self._org, session, request)

    def _client_credentials(self, form: dict[str, str], request: Request) -> dict[str, str]:
        if urlsplit(request.origin).hostname in _LOGIN_HOSTS:
            raise OAuthError("invalid_grant", "request not supported on this domain")
        app = self._authenticated(form, request, public=False)
        user = self._org.user_named(app.run_as) if app.run_as else None
        if user is None:
            raise OAuthError("invalid_grant", "no client credentials user enabled")
        session = self._org.sessions.start(user["Id"], app.client_id, "api web")
        return signed_answer(self._org, session, app, request)

    def _password(self, form: dict[str, str], request: Request) -> dict[str, str]:
        app = self._authenticated(form, request)
        user = self._org.user_named(form.get("username", ""))
        known = user is not None and form.get("password") in (PASSWORD, PASSWORD + SECURITY_TOKEN)
        if user is None or not known or not self._org.password_flow:
            raise OAuthError("invalid_grant", "authentication failure")
        return self._begun(app, user["Id"], _SCOPE, request)

    def _code(self, form: dict[str, str], request: Request) -> dict[str, str]:
        app = self._authenticated(form, request)
        code = self._org.codes.redeem(form.get("code", ""))
        if code is None or code.client_id != app.client_id:
            raise OAuthError("invalid_grant", "expired authorization code")
        if form.get("redirect_uri") != code.redirect_uri:
            raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
        if code.challenge and not proves(form.get("code_verifier", ""), code.challenge):
            raise OAuthError("invalid_grant", "invalid code verifier")
        if app.public and not code.challenge and not form.get("client_secret"):
            raise OAuthError("invalid_client", "an app without a secret needs code_challenge (PKCE)")
        return self._begun(app, code.user_id, code.scope, request)

    def _device_codes(self, form: dict[str, str], request: Request) -> dict[str, object]:
        app = self._org.apps.find(form.get("client_id", ""))
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        device = self._org.devices.begin(app.client_id, form.get("scope") or _SCOPE)
        codes: dict[str, object] = {"device_code": device.device_code, "user_code": device.user_code}
        return codes | {"verification_uri": f"{request.origin}/setup/connect", "interval": INTERVAL_SECONDS}

    def _device(self, form: dict[str, str], request: Request) -> dict[str, str]:
        app = self._org.apps.find(form.get("client_id", ""))
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        device = self._org.devices.ask(form.get("code", ""), app.client_id)
        if isinstance(device, str):
            raise OAuthError(device, device.replace("_", " "))
        return self._begun(app, device.user_id, device.scope, request)

    def _begun(self, app: ConnectedApp, user_id: str, scope: str, request: Request) -> dict[str, str]:
        refreshable = bool(REFRESHING & set(scope.split()))
        session = self._org.sessions.start(user_id, app.client_id, scope, refreshable=refreshable)
        return signed_answer(self._org, session, app, request)

    def _refresh(self, form: dict[str, str], request: Request) -> dict[str, str]:
        client_id, secret = credentials_of(form, request)
        app = self._org.apps.find(client_id)
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if secret:
            _check_secret(app, secret)
        session = self._org.sessions.refreshed(form.get("refresh_token", ""), client_id, rotate=app.rotates)
        if session is None:
            raise OAuthError("invalid_grant", "expired access/refresh token")
        return signed_answer(self._org, session, app, request)

    def _authenticated(self, form: dict[str, str], request: Request, *, public: bool = True) -> ConnectedApp:
        client_id, secret = credentials_of(form, request)
        app = self._org.apps.find(client_id)
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if secret or not (public and app.public):
            _check_secret(app, secret)
        return app


def _check_secret(app: ConnectedApp, secret: str) -> None:
    if not hmac.compare_digest(app.client_secret.encode(), secret.encode()):
        raise OAuthError("invalid_client", "invalid client credentials")


def _own_urls(request: Request) -> set[str]:
    """This org's own addresses, whichever scheme the client reached it by."""
    host = urlsplit(request.origin).netloc
    return {MY_DOMAIN, f"http://{host}", f"https://{host}"}
