"""The embedded issuer over HTTP: a plain ASGI application any server or host may mount."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from shared.binding.problems import BackendUnavailable, Unauthenticated
from shared.security.client_verification import authenticate_client
from shared.security.grants import answer_token_request
from shared.security.issuer import Issuer
from shared.security.oauth_error import OAuthError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

MAX_FORM_BYTES = 65_536
ISSUER_PATHS = (
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/oauth2/jwks",
    "/oauth2/token",
    "/oauth2/introspect",
)
_FORM_TYPE = "application/x-www-form-urlencoded"
_Answer = tuple[int, Any, dict[str, str]]
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
_PUBLIC = {"cache-control": "public, max-age=30"}


def issuer_app(issuer: Issuer) -> ASGIApp:
    """The application that serves `ISSUER_PATHS` below the mount point (`root_path`)."""

    async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
        status, body, headers = await _answer(issuer, path, scope, receive)
        content = msgspec.json.encode(body)
        head = {"content-type": "application/json", "content-length": str(len(content)), **headers}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})

    return app


async def _answer(issuer: Issuer, path: str, scope: MutableMapping[str, Any], receive: Receive) -> _Answer:
    if path not in ISSUER_PATHS:
        return 404, {"error": "not_found", "error_description": "The issuer serves nothing here."}, _NO_STORE
    posted = path in ("/oauth2/token", "/oauth2/introspect")
    allowed = ("POST",) if posted else ("GET", "HEAD")
    if scope["method"] not in allowed:
        wrong = {"error": "invalid_request", "error_description": f"Use {allowed[0]} here."}
        return 405, wrong, {**_NO_STORE, "allow": ", ".join(allowed)}
    if not posted:
        return 200, issuer.keys.jwks() if path == "/oauth2/jwks" else issuer.metadata(), _PUBLIC
    return await _answer_post(issuer, path, scope, receive)


async def _answer_post(issuer: Issuer, path: str, scope: MutableMapping[str, Any], receive: Receive) -> _Answer:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    authorization = headers.get("authorization", "")
    try:
        form = await _read_form(headers, receive)
        if path == "/oauth2/token":
            return 200, await answer_token_request(issuer, authorization, form), _NO_STORE
        return 200, await _introspect(issuer, authorization, form), _NO_STORE
    except OAuthError as error:
        body = {"error": error.code, "error_description": error.description}
        challenge = {"www-authenticate": 'Basic realm="oauth2"'} if error.status == 401 else {}  # noqa: PLR2004
        return error.status, body, {**_NO_STORE, **challenge}
    except BackendUnavailable as problem:
        body = {"error": "temporarily_unavailable", "error_description": problem.detail}
        return 503, body, {**_NO_STORE, "retry-after": "1"}


async def _introspect(issuer: Issuer, authorization: str, form: dict[str, str]) -> dict[str, Any]:
    """RFC 7662: the facts of a token meant for an API this client acts as; anything else is not active."""
    client = await authenticate_client(issuer, authorization, form)
    for audience in sorted(client.may_act_for):
        try:
            principal = await issuer.verifier.verify(form.get("token", ""), audience)
        except Unauthenticated:
            continue
        return {
            "active": True,
            "iss": principal.issuer,
            "sub": principal.subject,
            "aud": principal.audience,
            "client_id": principal.client_id,
            "scope": " ".join(sorted(principal.scopes)),
            "exp": int(principal.expires_at),
            "token_type": "Bearer",
        }
    return {"active": False}


async def _read_form(headers: dict[str, str], receive: Receive) -> dict[str, str]:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
        raise OAuthError("invalid_request", f"Send the parameters as {_FORM_TYPE}.")
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_FORM_BYTES or message["type"] == "http.disconnect":
            raise OAuthError("invalid_request", f"The form must be complete and at most {MAX_FORM_BYTES} bytes.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=32)
    except ValueError:
        raise OAuthError("invalid_request", "The form is not urlencoded UTF-8.") from None
    if len(dict(pairs)) != len(pairs):
        raise OAuthError("invalid_request", "A parameter was sent twice (RFC 6749 §3.1).")
    return dict(pairs)
