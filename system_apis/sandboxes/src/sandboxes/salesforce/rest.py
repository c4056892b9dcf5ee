"""The REST door: versions, sessions, allowances, routes, and refusals as JSON arrays."""

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote

from msgspec import Struct

from sandboxes.salesforce.faults import ApiError, MultipleChoices, not_found
from sandboxes.salesforce.http import Request, Response
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.schema import SObject
from sandboxes.salesforce.sessions import Session

OLDEST, NEWEST = 20, 67
ROOT = "/services/data"
_CLIENT = re.compile(r"client=([^,\s]+)")
_PATH = re.compile(r"/services/data/v(\d+)\.0(?:/(.*))?", re.IGNORECASE)


class Call(Struct):
    """One authenticated REST call.

    Attributes:
        org: The org.
        rest: The door, for calls inside calls.
        request: What was asked.
        session: Who asks.
        version: API version, e.g. 66.0.
        params: Variable path segments, decoded.
    """

    org: Org
    rest: "Rest"
    request: Request
    session: Session
    version: float
    params: dict[str, str] = {}

    @property
    def path(self) -> str:
        """The path of this version, e.g. /services/data/v66.0."""
        return f"{ROOT}/v{self.version}"

    @property
    def rows(self) -> str:
        """The path that records live under."""
        return f"{self.path}/sobjects/"

    @property
    def sobject(self) -> SObject:
        """The object the path names; ApiError NOT_FOUND if there is none."""
        sobject = self.org.catalogue.get(self.params["type"])
        if sobject is None:
            raise not_found()
        return sobject


Endpoint = Callable[[Call], Response]


def permitted(endpoint: Endpoint, permissions: tuple[str, ...], refusal_text: str) -> Endpoint:
    """The endpoint, for users who have one of these permissions; ApiError INSUFFICIENT_ACCESS for others."""

    def guarded(call: Call) -> Response:
        if not call.org.access.has(call.session.user_id, *permissions):
            raise ApiError(403, "INSUFFICIENT_ACCESS", refusal_text)
        return endpoint(call)

    return guarded


class Route(Struct, frozen=True):
    """A method on a path template below the version; `{name}` is one variable segment, words ignore case.

    `takes` are the media types of the body, JSON by default.
    """

    method: str
    template: str
    endpoint: Endpoint
    takes: tuple[str, ...] = ()


class Rest:
    """Answers everything below /services/data.

    Args:
        org: The org.
        routes: The routes of every resource.
    """

    def __init__(self, org: Org, routes: Iterable[Route]) -> None:
        self._org = org
        self._by_length: dict[int, list[tuple[list[str], dict[str, Route]]]] = {}
        templates: dict[str, dict[str, Route]] = {}
        for route in routes:
            templates.setdefault(route.template, {})[route.method] = route
        for template in sorted(templates, key=lambda each: each.count("{")):
            segments = template.split("/")
            self._by_length.setdefault(len(segments), []).append((segments, templates[template]))

    def answer(self, request: Request) -> Response:
        """The response to one call; never raises ApiError."""
        try:
            return self._admitted(request)
        except (ApiError, MultipleChoices) as fault:
            return refusal(fault, self._org.usage.header, request.path)

    def _admitted(self, request: Request) -> Response:
        if request.path.lower() == ROOT:
            return Response(200, versions(), {"Sforce-Limit-Info": self._org.usage.header})
        version, rest = _versioned(request.path)
        session = self._session(request.headers.get("authorization", ""))
        self._org.usage.count()
        call = Call(self._org, self, request, session, version)
        self._org.changes.origin = _origin(call)
        self._org.saving.duplicates.header = request.headers.get("sforce-duplicate-rule-header", "")
        with self._org.access.acting(session.user_id):
            response = self._routed(call, rest)
        response.headers.setdefault("Sforce-Limit-Info", self._org.usage.header)
        return response

    def _session(self, authorization: str) -> Session:
        scheme, _, token = authorization.partition(" ")
        if authorization and scheme.lower() not in ("bearer", "oauth"):
            raise ApiError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        session = self._org.sessions.find(token.strip())
        if session is None:
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return session

    def sub(self, call: Call, method: str, url: str, body: Any, headers: dict[str, str]) -> Response:
        """Run a subrequest of a composite call in its session; raises ApiError and MultipleChoices."""
        path, _, query = url.partition("?")
        path = path if path.startswith("/") else f"{ROOT}/{path}"
        request = Request(
            method.upper(),
            path.rstrip("/"),
            dict(parse_qsl(query, keep_blank_values=True)),
            {name.lower(): value for name, value in headers.items()},
            b"",
            call.request.origin,
            {} if body is None else body,
        )
        version, rest = _versioned(request.path)
        return self._routed(Call(call.org, self, request, call.session, version), rest)

    def _routed(self, call: Call, rest: str) -> Response:
        raw = rest.split("/")
        lowered = [segment.lower() for segment in raw]
        for template, methods in self._by_length.get(len(raw), ()):
            params = _matched(template, raw, lowered)
            if params is not None:
                call.params = params
                return self._method(call, methods)(call)
        raise not_found()

    def _method(self, call: Call, methods: dict[str, Route]) -> Endpoint:
        request = call.request
        method = request.method
        if method == "POST":
            method = request.query.get("_HttpMethod", method).upper()
        elif method == "HEAD":
            method = "GET"
        route = methods.get(method)
        if route is None:
            allowed = ",".join(sorted(methods))
            message = f"HTTP Method '{method}' not allowed. Allowed are {allowed}"
            raise ApiError(405, "METHOD_NOT_ALLOWED", message)
        if method in ("POST", "PATCH", "PUT"):
            _check_media_type(request.headers.get("content-type", ""), route)
        return route.endpoint


def _check_media_type(content_type: str, route: Route) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    taken = route.takes or ("application/json",)
    if kind not in ("", "*/*", *taken):
        message = f"Content-type '{kind}' is not supported by this resource; send {' or '.join(taken)}"
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", message)


def _origin(call: Call) -> str:
    """How change events name this call; clients that say who they are recognise their own changes by it."""
    client = _CLIENT.search(call.request.headers.get("sforce-call-options", ""))
    return f"com/salesforce/api/rest/{call.version}" + (f";client={client[1]}" if client else "")


def _versioned(path: str) -> tuple[float, str]:
    match = _PATH.fullmatch(path)
    if match is None or not OLDEST <= int(match[1]) <= NEWEST:
        raise not_found()
    return float(match[1]), match[2] or ""


def _matched(template: list[str], raw: list[str], lowered: list[str]) -> dict[str, str] | None:
    params: dict[str, str] = {}
    for wanted, segment, lower in zip(template, raw, lowered, strict=True):
        if wanted.startswith("{"):
            params[wanted[1:-1]] = unquote(segment)
        elif wanted != lower:
            return None
    return params


def refusal(fault: ApiError | MultipleChoices, limit_info: str, path: str = "") -> Response:
    """A refusal as the API sends it: an array of errors, or of record URLs for 300."""
    headers = {"Sforce-Limit-Info": limit_info} if limit_info else {}
    if isinstance(fault, MultipleChoices):
        match = _PATH.fullmatch(path)
        root = f"{ROOT}/v{match[1]}.0" if match else ROOT
        return Response(300, [f"{root}/sobjects/{url}" for url in fault.urls], headers)
    return Response(fault.status, [fault.as_error()], headers)


def versions() -> list[dict[str, str]]:
    """Every API version, oldest first, named after its season."""
    return [
        {"label": _label(number), "url": f"{ROOT}/v{number}.0", "version": f"{number}.0"}
        for number in range(OLDEST, NEWEST + 1)
    ]


def _label(number: int) -> str:
    """Three releases a year: v60 is Spring '24."""
    season = ("Spring", "Summer", "Winter")[number % 3]
    year = 4 + (number + 1) // 3  # a winter release is named after the year it ends in
    return f"{season} '{year:02d}"
