"""The identity door: userinfo and the identity URL."""

from urllib.parse import parse_qs

from sandboxes.salesforce.http import Request, Response
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.storage import Row

_URLS = {
    "enterprise": "/services/Soap/c/{version}/",
    "metadata": "/services/Soap/m/{version}/",
    "partner": "/services/Soap/u/{version}/",
    "rest": "/services/data/v{version}/",
    "sobjects": "/services/data/v{version}/sobjects/",
    "search": "/services/data/v{version}/search/",
    "query": "/services/data/v{version}/query/",
    "recent": "/services/data/v{version}/recent/",
    "tooling_soap": "/services/Soap/T/{version}/",
    "tooling_rest": "/services/data/v{version}/tooling/",
}


class Identity:
    """Answers /services/oauth2/userinfo and /id/{organization}/{user}.

    Args:
        org: The org.
    """

    def __init__(self, org: Org) -> None:
        self._org = org

    def answer(self, request: Request) -> Response:
        """Who the token stands for; 403 in plain text without a good one."""
        token = _token(request)
        session = self._org.sessions.find(token) if token else None
        if session is None:
            text = b"Bad_OAuth_Token" if token else b"Missing_OAuth_Token"
            return Response(403, text, {}, "text/plain;charset=UTF-8")
        user = self._org.user(session.user_id)
        claims = self._claims(user, request)
        if request.path.lower().startswith("/id/"):
            claims |= self._more(user, request)
        return Response(200, claims)

    def _url(self, user: Row, request: Request) -> str:
        return f"{request.origin}/id/{self._org.id}/{user['Id']}"

    def _claims(self, user: Row, request: Request) -> dict[str, object]:
        return {
            "sub": self._url(user, request),
            "user_id": user["Id"],
            "organization_id": self._org.id,
            "preferred_username": user["Username"],
            "nickname": user["Alias"],
            "name": user["Name"],
            "email": user["Email"],
            "email_verified": True,
            "given_name": user["FirstName"],
            "family_name": user["LastName"],
            "zoneinfo": user["TimeZoneSidKey"],
            "photos": {},
            "profile": f"{request.origin}/{user['Id']}",
            "picture": "",
            "address": {},
            "urls": {name: request.origin + path for name, path in _URLS.items()},
            "active": bool(user["IsActive"]),
            "user_type": "STANDARD",
            "language": user["LanguageLocaleKey"],
            "locale": user["LocaleSidKey"],
            "utcOffset": 0,
            "updated_at": user["LastModifiedDate"],
        }

    def _more(self, user: Row, request: Request) -> dict[str, object]:
        return {
            "id": self._url(user, request),
            "asserted_user": True,
            "username": user["Username"],
            "display_name": user["Name"],
            "timezone": user["TimeZoneSidKey"],
            "status": {"created_date": None, "body": None},
        }


def _token(request: Request) -> str:
    _, _, token = request.headers.get("authorization", "").partition(" ")
    form = parse_qs(request.body.decode("utf-8", "replace")) if request.method == "POST" else {}
    return token.strip() or form.get("access_token", [""])[0] or request.query.get("oauth_token", "")
