"""What a request asks of the framework, whatever the resource: version, media types, paging, shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from sandboxes.kit import Request
from sandboxes.oracle.framework.problems import ERROR_JSON, RestError, refuse

VERSIONS = range(1, 10)
DEFAULT_VERSION = 1
COLLECTION_VERSION, DETAIL_VERSION = 3, 4
"""From these framework versions on children are collection objects, and refusals are documents."""

DEFAULT_LIMIT, MOST = 25, 500

ITEM, COLLECTION = "resourceitem", "resourcecollection"
_VENDOR = "application/vnd.oracle.adf.{}+json"
_BODIES = {
    name: frozenset({"application/json", _VENDOR.format(name)}) for name in (ITEM, COLLECTION, "action", "batch")
}


def media_type(name: str) -> str:
    """The framework's own media type for a kind of document."""
    return _VENDOR.format(name)


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the framework reads it.

    Args:
        method: After `X-HTTP-Method-Override`.
        path: Segments below the version root.
        query: Parameters.
        headers: By lower-case name.
        body: As sent.
        root: URL of the version root, as the client wrote it.
        version: REST-Framework-Version.
    """

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    root: str
    version: int = DEFAULT_VERSION
    upsert: bool = False

    @property
    def only_data(self) -> bool:
        """Whether links are to be left out."""
        return self.query.get("onlyData") == "true"

    def accepts(self, kind: str) -> None:
        """Check that the client takes this kind of document.

        Raises:
            RestError: 406.
        """
        accept = self.headers.get("accept", "*/*")
        wanted = {one.partition(";")[0].strip().lower() for one in accept.split(",")}
        if not wanted & {"*/*", "application/*", "application/json", media_type(kind), ""}:
            raise refuse(406, "The server cannot produce a response that the Accept header allows.", "ADF-27012")

    def sends(self, kind: str) -> None:
        """Check the kind of document that was sent.

        Raises:
            RestError: 415.
        """
        sent = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if sent not in _BODIES[kind]:
            raise refuse(415, f"The request body cannot be of the media type {sent or 'none'}.", "ADF-27013")


def read_call(request: Request, path: tuple[str, ...], root: str) -> Call:
    """The call that a request makes.

    Raises:
        RestError: 400, its framework version is none of those allowed.
    """
    override = request.headers.get("x-http-method-override", "").upper()
    method = override if request.method == "POST" and override else request.method
    return Call(
        method="GET" if method == "HEAD" else method,
        path=path,
        query=dict(parse_qsl(request.query_string, keep_blank_values=True)),
        headers=request.headers,
        body=request.body,
        root=root,
        version=_version(request.headers),
        upsert=request.headers.get("upsert-mode", "").lower() == "true",
    )


def wants_documents(headers: Mapping[str, str]) -> bool:
    """Whether refusals are to be documents."""
    if ERROR_JSON in headers.get("accept", "").lower():
        return True
    try:
        return _version(headers) >= DETAIL_VERSION
    except RestError:
        return False


def _version(headers: Mapping[str, str]) -> int:
    sent = headers.get("rest-framework-version", str(DEFAULT_VERSION)).strip()
    if not sent.isdigit() or int(sent) not in VERSIONS:
        raise refuse(400, f"The REST framework version {sent} is not supported.", "ADF-27201")
    return int(sent)


@dataclass(slots=True)
class Shape:
    """Which attributes and children of a row are shown; None means all attributes."""

    attributes: frozenset[str] | None = None
    children: dict[str, "Shape"] = field(default_factory=dict[str, "Shape"])

    def child(self, path: list[str]) -> "Shape":
        """The shape at a path of children, which become shown."""
        shape = self
        for name in path:
            shape = shape.children.setdefault(name, Shape())
        return shape
