"""The authorize page: a person signs in, agrees or not, and the browser goes back to the app."""

from html import escape
from urllib.parse import urlencode

from sandboxes.salesforce.http import Request, Response
from sandboxes.salesforce.oauth.answers import REFRESHING, form_of, signed_answer
from sandboxes.salesforce.org import PASSWORD, SECURITY_TOKEN, Org
from sandboxes.salesforce.sessions import ConnectedApp

_HTML = "text/html;charset=UTF-8"
_KEPT = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "login_hint")
_DEFAULT_SCOPE = "api web refresh_token"
_PAGE = """<!DOCTYPE html><html lang="en"><head><title>Allow access?</title></head><body>
<h1>Allow access?</h1><p role="alert">{alert}</p><p>{client} wants to: {scope}</p>
<form method="post" action="/services/oauth2/authorize">{hidden}
<label>Username <input name="username" value="{hint}"></label>
<label>Password <input name="password" type="password"></label>
<button name="decision" value="approve">Allow</button><button name="decision" value="deny">Deny</button>
</form></body></html>"""


class Authorize:
    """Answers /services/oauth2/authorize.

    Args:
        org: The org.
    """

    def __init__(self, org: Org) -> None:
        self._org = org

    def answer(self, request: Request) -> Response:
        """The page, or where the browser goes; what cannot be trusted with a redirect is refused on the page."""
        asked = form_of(request) if request.method == "POST" else request.query
        app = self._org.apps.find(asked.get("client_id", ""))
        if app is None:
            return _refused_here("invalid_client_id", "client identifier invalid")
        redirect_uri = asked.get("redirect_uri", "")
        if redirect_uri not in app.callbacks:
            return _refused_here("redirect_uri_mismatch", "redirect_uri must match configuration")
        if asked.get("response_type") not in ("code", "token"):
            return _back(asked, "?", {"error": "unsupported_response_type", "error_description": "response type"})
        if request.method != "POST":
            return _page(asked, "")
        return self._decided(asked, app, request)

    def _decided(self, asked: dict[str, str], app: ConnectedApp, request: Request) -> Response:
        mark = "#" if asked["response_type"] == "token" else "?"
        if asked.get("decision") != "approve":
            denied = {"error": "access_denied", "error_description": "end-user denied authorization"}
            return _back(asked, mark, denied)
        user = self._org.user_named(asked.get("username", ""))
        if user is None or asked.get("password") not in (PASSWORD, PASSWORD + SECURITY_TOKEN):
            return _page(asked, "Please check your username and password.")
        scope = asked.get("scope") or _DEFAULT_SCOPE
        if mark == "?":
            challenge = asked.get("code_challenge", "")
            code = self._org.codes.issue(app.client_id, user["Id"], asked["redirect_uri"], scope, challenge)
            return _back(asked, mark, {"code": code})
        refreshable = bool(REFRESHING & set(scope.split()))
        session = self._org.sessions.start(user["Id"], app.client_id, scope, refreshable=refreshable)
        return _back(asked, mark, signed_answer(self._org, session, app, request))


def _back(asked: dict[str, str], mark: str, answer: dict[str, str]) -> Response:
    state = {"state": asked["state"]} if "state" in asked else {}
    uri = asked["redirect_uri"]
    joint = "&" if mark == "?" and "?" in uri else mark
    return Response(302, None, {"Location": uri + joint + urlencode(answer | state), "Cache-Control": "no-store"})


def _page(asked: dict[str, str], alert: str) -> Response:
    names = [name for name in _KEPT if name in asked]
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(asked[name])}">' for name in names)
    facts = {"client": asked["client_id"], "scope": asked.get("scope") or _DEFAULT_SCOPE}
    shown = {name: escape(text) for name, text in facts.items()}
    page = _PAGE.format(**shown, hint=escape(asked.get("login_hint", "")), alert=escape(alert), hidden=hidden)
    return Response(200, page.encode(), {"Cache-Control": "no-store"}, _HTML)


def _refused_here(error: str, description: str) -> Response:
    return Response(400, f"error={error}&error_description={description}".encode(), {}, _HTML)
