"""`$batch`: reads as parts, writes in changesets that succeed or fail as one.

Source: OData 2.0 "Batch Processing". The outer answer is 202 whatever happened inside.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from secrets import token_hex

from sandboxes.kit import Response
from sandboxes.sap.odata_v2.endpoint import WRITES, Inbound, ServiceEndpoint, tunnelled
from sandboxes.sap.odata_v2.errors import MALFORMED_BODY, ODataError, refuse

_BOUNDARY = re.compile(r"multipart/mixed\s*;.*?boundary=\"?([^\";,\s]+)\"?", re.IGNORECASE)
_REFERENCE = re.compile(r"\$([A-Za-z0-9_.-]+)(?=/|$|\?)")
_REASONS = {200: "OK", 201: "Created", 204: "No Content", 304: "Not Modified", 400: "Bad Request", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class _Part:
    headers: dict[str, str]
    body: bytes

    @property
    def boundary(self) -> str | None:
        found = _BOUNDARY.match(self.headers.get("content-type", ""))
        return found[1] if found else None


Transaction = Callable[[Callable[[], list[bytes]]], list[bytes]]


def answer_batch(endpoint: ServiceEndpoint, outer: Inbound, transaction: Transaction) -> Response:
    """The multipart answer to a batch; `transaction` runs a changeset and undoes it when it raises.

    Raises:
        ODataError: 400, the batch itself cannot be read.
    """
    boundary = _Part(dict(outer.headers), b"").boundary
    if boundary is None:
        raise refuse(400, MALFORMED_BODY, "A batch must be multipart/mixed with a boundary")
    answers = [_answer_part(endpoint, outer, part, transaction) for part in _parts(outer.body, boundary)]
    name = token_hex(16).upper()
    headers = {"dataserviceversion": "2.0"}
    return Response(_multipart(answers, name), 202, headers, f"multipart/mixed; boundary={name}")


def _answer_part(endpoint: ServiceEndpoint, outer: Inbound, part: _Part, transaction: Transaction) -> bytes:
    if boundary := part.boundary:
        return _changeset(endpoint, outer, _parts(part.body, boundary), transaction)
    inbound = _inner(outer, part, endpoint)
    try:
        if inbound.method in WRITES:
            raise refuse(400, "/IWFND/CM_MGW/033", "Write operations of a batch must be part of a changeset")
        return _embedded(endpoint.answer(inbound))
    except ODataError as error:
        return _embedded(endpoint.render_error(error, inbound))


def _changeset(endpoint: ServiceEndpoint, outer: Inbound, parts: Iterator[_Part], transaction: Transaction) -> bytes:
    current = outer

    def run() -> list[bytes]:
        nonlocal current
        created: dict[str, str] = {}
        answers: list[bytes] = []
        for part in parts:
            current = _inner(outer, part, endpoint, created)
            content_id = part.headers.get("content-id", current.headers.get("content-id", ""))
            try:
                if current.method not in WRITES:
                    raise refuse(400, "/IWFND/CM_MGW/034", "A changeset must not contain retrieve operations")
                response = endpoint.answer(current)
            except ODataError as error:
                raise error.in_content(content_id) from None
            if content_id and "location" in response.headers:
                created[content_id] = response.headers["location"].removeprefix(
                    outer.origin + endpoint.service.root + "/"
                )
            answers.append(_embedded(response, content_id))
        return answers

    try:
        answers = transaction(run)
    except ODataError as error:
        return _embedded(endpoint.render_error(error, current))
    name = token_hex(16).upper()
    body = _multipart(answers, name)
    return f"Content-Type: multipart/mixed; boundary={name}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _inner(outer: Inbound, part: _Part, endpoint: ServiceEndpoint, created: dict[str, str] | None = None) -> Inbound:
    """The request a part carries; its path is below the service root unless it is absolute."""
    head, _, body = part.body.partition(b"\r\n\r\n")
    line, *fields = head.decode("utf-8", "replace").split("\r\n")
    words = line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/"):  # noqa: PLR2004 - method, target, version
        raise refuse(400, MALFORMED_BODY, f"Batch part does not start with a request line: {line[:60]!r}")
    path, _, query = words[1].partition("?")
    path = path.removeprefix(outer.origin).removeprefix(endpoint.service.root).lstrip("/")
    if created and (found := _REFERENCE.match(path)) and found[1] in created:
        path = created[found[1]] + path[found.end() :]
    headers = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    length = headers.get("content-length", "")
    return tunnelled(
        Inbound(
            words[0], path, query, headers, body[: int(length)] if length.isdigit() else body, outer.origin, outer.user
        )
    )


def _parts(body: bytes, boundary: str) -> Iterator[_Part]:
    """The parts between boundaries; bare line feeds are forgiven."""
    if b"\r\n" not in body:
        body = body.replace(b"\n", b"\r\n")
    pieces = (b"\r\n" + body).split(f"\r\n--{boundary}".encode())
    if len(pieces) < 2:  # noqa: PLR2004 - preamble and at least one part
        raise refuse(400, MALFORMED_BODY, f"The boundary {boundary!r} does not occur in the body")
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return
        head, _, content = piece.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = head.decode("utf-8", "replace").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        yield _Part(headers, content)


def _embedded(response: Response, content_id: str = "") -> bytes:
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Error')}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines += [f"Content-Length: {len(response.body)}", "", ""]
    inner = "\r\n".join(lines).encode() + response.body
    head = ["Content-Type: application/http", f"Content-Length: {len(inner)}", "content-transfer-encoding: binary"]
    head += [f"content-id: {content_id}"] if content_id else []
    return "\r\n".join([*head, "", ""]).encode() + inner


def _multipart(parts: list[bytes], boundary: str) -> bytes:
    opened = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    return opened + f"--{boundary}--\r\n".encode()
