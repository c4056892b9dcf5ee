"""Names and attributes of OpenTelemetry's semantic conventions 1.44, stable parts only, in one place.

Build an attribute dict once; `start_span` copies it.
"""

from shared.telemetry.tracing import Attribute

URL_PATH = "url.path"

KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "TRACE", "CONNECT"})
"""Methods that may become labels; the rest is `_OTHER`, else callers could invent label values."""


def known_method(method: str) -> str:
    """The method as a label: itself, or `_OTHER` for one no standard names."""
    return method if method in KNOWN_METHODS else "_OTHER"


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


def _method(method: str) -> dict[str, Attribute]:
    known = known_method(method)
    if known == method:
        return {"http.request.method": method}
    return {"http.request.method": known, "http.request.method_original": method[:32]}
