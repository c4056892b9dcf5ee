"""Error bodies of REST web services (RFC 9457 in NetSuite's spelling)."""

from http import HTTPStatus

from sandboxes.kit import Response
from sandboxes.netsuite.auth.credentials import ACCOUNT
from sandboxes.netsuite.refusals import Refusal

_TYPES = {
    400: "15.5.1", 401: "15.5.2", 403: "15.5.4", 404: "15.5.5", 405: "15.5.6", 406: "15.5.7", 409: "15.5.10",
    415: "15.5.16",
}  # fmt: skip
_TOO_MANY = "https://www.rfc-editor.org/rfc/rfc6585.html#section-4"
_AUDIT = (
    "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at Setup > Users/Roles > "
    "User Management > View Login Audit Trail."
)


def error_response(refusal: Refusal) -> Response:
    """The answer to a refused request."""
    status = refusal.status
    body = {
        "type": _type(status),
        "title": "Conflict" if refusal.code == "IDEMPOTENCY_ERROR" else HTTPStatus(status).phrase,
        "status": status,
        "o:errorDetails": [_detail(refusal)],
    }
    headers = dict(refusal.headers)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = (
            f'OAuth realm="{ACCOUNT}", error="token_rejected", error_description="Invalid login attempt."'
        )
    return Response(body, status, headers, "application/vnd.oracle.resource+json; type=error; charset=UTF-8")


def _detail(refusal: Refusal) -> dict[str, str]:
    text = _AUDIT if refusal.code == "INVALID_LOGIN" else refusal.detail
    if refusal.code == "USER_ERROR":
        text = f"Error while accessing a resource. {refusal.detail}"
    detail = {"detail": text}
    if refusal.path:
        detail[refusal.where] = refusal.path
    return {**detail, "o:errorCode": refusal.code}


def _type(status: int) -> str:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _TOO_MANY
    return f"https://www.rfc-editor.org/rfc/rfc9110.html#section-{_TYPES.get(status, '15.6.1')}"
