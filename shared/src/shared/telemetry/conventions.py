"""Names and attributes of OpenTelemetry's semantic conventions 1.44, stable parts only, in one place.

Build an attribute dict once per route or per backend; `start_span` copies it.
"""

from urllib.parse import urlsplit

from shared.telemetry.tracing import Attribute

URL_PATH = "url.path"
URL_FULL = "url.full"
STATUS_CODE = "http.response.status_code"
ERROR_TYPE = "error.type"
CORRELATION_ID = "triptych.correlation_id"

KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "TRACE", "CONNECT"})
"""Methods that may become labels; the rest is `_OTHER`, else callers could invent label values."""
_PORTS = {"http": 80, "https": 443}


def known_method(method: str) -> str:
    """The method as a label: itself, or `_OTHER` for one no standard names."""
    return method if method in KNOWN_METHODS else "_OTHER"


def http_span_name(method: str, template: str = "") -> str:
    """`GET /v1/orders/{id}`, or `GET` where no route matched."""
    known = known_method(method)
    return f"{known if known != '_OTHER' else 'HTTP'} {template}".rstrip()


def server_attributes(
    method: str, route: str = "", *, address: str = "", port: int | None = None, scheme: str = "http"
) -> dict[str, Attribute]:
    """What is constant for a route; per call add `URL_PATH` and finish with `Span.end_http`.

    Args:
        method: The request method as received.
        route: The path template; empty where no route matched.
        address: The name under which clients reach this server.
        port: Its port.
        scheme: `http` or `https`.
    """
    attributes: dict[str, Attribute] = {**_method(method), "url.scheme": scheme}
    if route:
        attributes["http.route"] = route
    if address:
        attributes["server.address"] = address
    if port is not None:
        attributes["server.port"] = port
    return attributes


def client_attributes(method: str, url: str) -> dict[str, Attribute]:
    """What is constant for one method at one backend; `url` is its base URL. Per call add `URL_FULL`."""
    parts = urlsplit(url)
    attributes: dict[str, Attribute] = {**_method(method), "server.address": parts.hostname or ""}
    port = parts.port or _PORTS.get(parts.scheme)
    if port is not None:
        attributes["server.port"] = port
    return attributes


def operation_attributes(api: str, operation: str) -> dict[str, Attribute]:
    """What is constant for a contract's operation, in any placement."""
    return {"triptych.api": api, "triptych.operation": operation}


def url_without_secrets(url: str) -> str:
    """`url.full` for a span: without user, password, query and fragment, where credentials and keys hide."""
    end = min(position for position in (url.find("?"), url.find("#"), len(url)) if position >= 0)
    scheme, separator, rest = url[:end].partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}" if separator else url[:end]


def _method(method: str) -> dict[str, Attribute]:
    known = known_method(method)
    if known == method:
        return {"http.request.method": method}
    return {"http.request.method": known, "http.request.method_original": method[:32]}
