"""Answers of the Internet Communication Framework, which come before OData and are HTML.

A request that fails here never reaches Gateway, so a client gets a page instead of an OData error.
"""

from html import escape

from sandboxes.kit import Response
from sandboxes.sap.sessions import CLIENT, SYSTEM


def logon_failed(reason: str = "Logon failed") -> Response:
    """401 with the challenge for Basic authentication."""
    challenge = f'Basic realm="SAP NetWeaver Application Server [{SYSTEM}/{CLIENT}]"'
    return _page(401, "Logon failed", "Logon Error Message", reason, {"www-authenticate": challenge})


def no_such_path(path: str) -> Response:
    """404: no ICF node answers this path."""
    return _page(404, "Not found", "404 Resource not found", f"The requested URL {path} was not found on this server.")


def inactive(path: str) -> Response:
    """403: the ICF node exists but is not active."""
    return _page(
        403, "Forbidden", "403 Forbidden", f"The service {path} is not active. Activate it in transaction SICF."
    )


def crashed() -> Response:
    """500: the request ended in a short dump."""
    return _page(500, "Application Server Error", "500 SAP Internal Server Error", "Termination: see transaction ST22.")


def session_gone() -> Response:
    """400: the cookie names a context that ended."""
    return _page(400, "Session Timeout", "400 Session timed out", "The session no longer exists. Please log on again.")


def csrf_refused() -> Response:
    """403 for a modifying request without a valid token and its session cookie."""
    return Response("CSRF token validation failed", 403, {"x-csrf-token": "Required"}, "text/plain;charset=utf-8")


def _page(status: int, title: str, heading: str, text: str, headers: dict[str, str] | None = None) -> Response:
    html = (
        f"<!DOCTYPE html><html><head><title>{escape(title)}</title></head><body><h1>{escape(heading)}</h1>"
        f"<p>{escape(text)}</p><p>Server: {SYSTEM}, client {CLIENT}</p></body></html>"
    )
    return Response(html, status, headers, "text/html; charset=utf-8")
