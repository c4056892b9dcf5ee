"""What a token endpoint answers: forms in, tokens out as JSON, a form or XML, refusals as objects."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape

from sandboxes.salesforce.assertions import OAuthError
from sandboxes.salesforce.http import Request, Response
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.sessions import ConnectedApp, Session

REFRESHING = frozenset({"refresh_token", "offline_access", "full"})
"""Scopes that bring a refresh token."""
_ID_TOKEN_SECONDS = 120


def form_of(request: Request) -> dict[str, str]:
    """The fields of a form body."""
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def credentials_of(form: dict[str, str], request: Request) -> tuple[str, str]:
    """Client id and secret, from the body or from Basic."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = b64decode(encoded).decode().partition(":")
        except (Base64Error, UnicodeDecodeError):
            raise OAuthError("invalid_client", "invalid client credentials") from None
        return client_id, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def identity_url(org: Org, session: Session, request: Request) -> str:
    """The URL of the user a session stands for; ends in the ids that clients cut out of it."""
    return f"{request.origin}/id/{org.id}/{session.user_id}"


def token_answer(org: Org, session: Session, request: Request) -> dict[str, str]:
    """What every flow answers."""
    return {
        "access_token": session.token,
        "scope": session.scope,
        "instance_url": request.origin,
        "id": identity_url(org, session, request),
        "token_type": "Bearer",
    }


def signed_answer(org: Org, session: Session, app: ConnectedApp, request: Request) -> dict[str, str]:
    """What every flow but JWT bearer answers besides, with an id token for the scope openid."""
    answer = token_answer(org, session, request)
    issued_at = str(int(session.issued_at * 1000))
    signature = hmac.digest(app.client_secret.encode(), (answer["id"] + issued_at).encode(), sha256)
    answer |= {"issued_at": issued_at, "signature": b64encode(signature).decode()}
    if session.refresh_token:
        answer["refresh_token"] = session.refresh_token
    if "openid" in session.scope.split():
        now = int(session.issued_at)
        claims: dict[str, object] = {"iss": request.origin, "sub": answer["id"], "aud": app.client_id}
        answer["id_token"] = org.signing.sign(claims | {"iat": now, "exp": now + _ID_TOKEN_SECONDS})
    return answer


def formatted(form: dict[str, str], answer: dict[str, str], status: int) -> Response:
    """An answer in the format that the form asks for."""
    match form.get("format", "json"):
        case "urlencoded":
            return Response(status, urlencode(answer).encode(), {}, "application/x-www-form-urlencoded")
        case "xml":
            children = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in answer.items())
            document = f'<?xml version="1.0" encoding="UTF-8"?><OAuth>{children}</OAuth>'
            return Response(status, document.encode(), {}, "application/xml;charset=UTF-8")
        case _:
            return Response(status, answer, {"Cache-Control": "no-cache, no-store"})


def refused(form: dict[str, str], fault: OAuthError) -> Response:
    """A refusal: an object with error and error_description."""
    return formatted(form, {"error": fault.error, "error_description": fault.description}, fault.status)
